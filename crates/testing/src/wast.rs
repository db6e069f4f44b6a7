//! The runner for `.wast` scripts, the specification's test format (spec repository, "interpreter/README", "Scripts").
//! It uses the embedding API alone. Scope is decided for each module by the feature table, never for a file: a module
//! that needs an unfinished feature is out of scope, and so is every directive that refers to it.

mod script;
mod spectest;
mod value;

use kinglet::{Config, Features, RunMode};

/// What a script may use, and what is known to fail in it.
#[derive(Clone, Debug)]
pub struct Options {
    /// The features the script's authors took for granted. Those that are unfinished decide what is out of scope.
    pub features: Features,
    /// Lines whose directive is expected to fail. It still runs, and passing counts as a failure.
    pub expected_failures: Vec<usize>,
    /// How its engine is made, but for the features.
    pub config: Config,
}

impl Options {
    /// Options for a script that uses `features`; it is interpreted.
    pub fn new(features: Features) -> Options {
        let mut config = Config::new();
        config.run_mode(RunMode::Interpreter);
        Options { features, expected_failures: Vec::new(), config }
    }
}

/// What became of a script's directives.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Directives that did what the script says.
    pub passed: usize,
    /// Directives on modules that need an unfinished feature.
    pub out_of_scope: usize,
    /// Directives listed as expected failures that failed.
    pub expected: usize,
    /// Everything else, in the script's order.
    pub failed: Vec<Failure>,
}

impl Report {
    /// Adds another script's counts and failures.
    pub fn add(&mut self, other: Report) {
        self.passed += other.passed;
        self.out_of_scope += other.out_of_scope;
        self.expected += other.expected;
        self.failed.extend(other.failed);
    }
}

/// A directive that did not do what the script says.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The script's name as given to [`run`].
    pub name: String,
    /// Line of the directive, from 1.
    pub line: usize,
    /// Column of the directive, from 1.
    pub column: usize,
    /// What went wrong.
    pub message: String,
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}:{}: {}", self.name, self.line, self.column, self.message)
    }
}

/// Runs the script `text`. A script that does not parse is one failure; a panic fails the directive it happens in.
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
