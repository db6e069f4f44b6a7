//! The runner for `.wast` scripts, the specification's test format (spec repository, "interpreter/README", "Scripts").
//! It uses only the embedding API. The feature table decides the scope of each module, not of a whole file: a module that
//! needs an unfinished feature is out of scope, and so is every directive that refers to it.

mod script;
mod spectest;
mod value;

use kinglet::{Config, Features, RunMode};

/// The features, expected failures and engine configuration of a script.
#[derive(Clone, Debug)]
pub struct Options {
    /// The features that the script assumes. Modules that need an unfinished one are out of scope.
    pub features: Features,
    /// The lines of directives that are expected to fail. They still run, and passing counts as a failure.
    pub expected_failures: Vec<usize>,
    /// The configuration of the engine, except for the features.
    pub config: Config,
}

impl Options {
    /// Creates options for a script that assumes `features` and runs in the interpreter.
    pub fn new(features: Features) -> Options {
        let mut config = Config::new();
        config.run_mode(RunMode::Interpreter);
        Options { features, expected_failures: Vec::new(), config }
    }
}

/// The results of a script's directives.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// The number of directives that passed.
    pub passed: usize,
    /// The number of directives on modules that need an unfinished feature.
    pub out_of_scope: usize,
    /// The number of expected failures that failed.
    pub expected: usize,
    /// All other directives, in the script's order.
    pub failed: Vec<Failure>,
}

impl Report {
    /// Adds the counts and failures of another report.
    pub fn add(&mut self, other: Report) {
        self.passed += other.passed;
        self.out_of_scope += other.out_of_scope;
        self.expected += other.expected;
        self.failed.extend(other.failed);
    }
}

/// A directive that failed.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The name that was passed to [`run`].
    pub name: String,
    /// The line of the directive, starting at 1.
    pub line: usize,
    /// The column of the directive, starting at 1.
    pub column: usize,
    /// The reason for the failure.
    pub message: String,
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}:{}: {}", self.name, self.line, self.column, self.message)
    }
}

/// Runs the script `text`. A script that fails to parse counts as one failure. A panic fails the directive that caused it.
pub fn run(options: &Options, name: &str, text: &str) -> Report {
    let mut lexer = ::wast::lexer::Lexer::new(text);
    lexer.allow_confusing_unicode(true);
    let parsed = ::wast::parser::ParseBuffer::new_with_lexer(lexer);
    let mut report = Report::default();
    let failure = |span: ::wast::token::Span, message: String| {
        let (line, column) = span.linecol_in(text);
        Failure { name: name.to_string(), line: line + 1, column: column + 1, message }
    };
    let buffer = match &parsed {
        Ok(buffer) => buffer,
        Err(error) => {
            report.failed.push(failure(error.span(), error.message()));
            return report;
        }
    };
    let directives = match ::wast::parser::parse::<::wast::Wast<'_>>(buffer) {
        Ok(wast) => wast.directives,
        Err(error) => {
            report.failed.push(failure(error.span(), error.message()));
            return report;
        }
    };
    let mut script = match script::Script::new(options) {
        Ok(script) => script,
        Err(error) => {
            report.failed.push(failure(::wast::token::Span::from_offset(0), format!("{error:#}")));
            return report;
        }
    };
    for directive in directives {
        let span = directive.span();
        let expected = options.expected_failures.contains(&(span.linecol_in(text).0 + 1));
        match (script.step(directive), expected) {
            (Ok(()), false) => report.passed += 1,
            (Ok(()), true) => report.failed.push(failure(span, "passed, but is listed as an expected failure".into())),
            (Err(script::Stop::OutOfScope), _) => report.out_of_scope += 1,
            (Err(script::Stop::Failed(_)), true) => report.expected += 1,
            (Err(script::Stop::Failed(message)), false) => report.failed.push(failure(span, message)),
        }
    }
    report
}
