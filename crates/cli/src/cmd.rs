//! The commands: one row each. The first is the default command.

#[cfg(feature = "jit")]
mod cache;
#[cfg(not(feature = "jit"))]
#[path = "cmd/cache_absent.rs"]
mod cache;
#[cfg(feature = "jit")]
mod compile;
#[cfg(not(feature = "jit"))]
#[path = "cmd/compile_absent.rs"]
mod compile;
mod completions;
#[cfg(feature = "jit")]
mod explore;
#[cfg(not(feature = "jit"))]
use compile as explore;
mod help;
mod inspect;
mod instantiate;
mod parse;
mod run;
#[cfg(feature = "jit")]
mod targets;
#[cfg(not(feature = "jit"))]
use compile as targets;
mod validate;
#[cfg(feature = "jit")]
mod warm;
#[cfg(not(feature = "jit"))]
use compile as warm;
mod wasm;
mod wast;
mod wat;

use crate::fault::Outcome;
use crate::options::Options;

/// One row per command.
#[derive(Debug)]
pub(crate) struct Command {
    pub(crate) name: &'static str,
    pub(crate) usage: &'static str,
    /// One line that begins with a verb.
    pub(crate) about: &'static str,
    /// More sentences, for the command's own help.
    pub(crate) details: &'static str,
    /// Whether the short help lists it.
    pub(crate) common: bool,
    /// Command lines, with their descriptions.
    pub(crate) examples: &'static [(&'static str, &'static str)],
    pub(crate) takes: Takes,
    /// Whether WasmEdge has a command of this name.
    pub(crate) of_wasmedge: bool,
    /// Returns the exit status.
    pub(crate) run: fn(&Options) -> Outcome,
}

/// The positional arguments of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Takes {
    /// A file, followed by the program's own arguments.
    Program,
    /// One file.
    File,
    /// One or more files.
    Files,
    /// An input file and an output file.
    InAndOut,
    /// One of the words.
    Word(&'static [&'static str]),
    /// One of the words; some of them need a file.
    Action(&'static [&'static str]),
    /// The name of a command or a topic, or nothing.
    Topic,
    /// Nothing.
    Nothing,
}

impl Takes {
    /// The least number of arguments.
    pub(crate) fn least(self) -> usize {
        if [Takes::Topic, Takes::Nothing].contains(&self) { 0 } else { 1 }
    }

    /// The greatest number of arguments.
    pub(crate) fn most(self) -> usize {
        match self {
            Takes::Program | Takes::Files => usize::MAX,
            Takes::InAndOut | Takes::Action(_) => 2,
            Takes::File | Takes::Word(_) | Takes::Topic => 1,
            Takes::Nothing => 0,
        }
    }

    /// The file names among the arguments.
    pub(crate) fn files(self, args: &[String]) -> &[String] {
        match self {
            Takes::Program => &args[..args.len().min(1)],
            Takes::File | Takes::Files | Takes::InAndOut => args,
            Takes::Word(_) | Takes::Action(_) | Takes::Topic | Takes::Nothing => &[],
        }
    }

    /// The object of "takes" in a message.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Takes::Program | Takes::Files => "files",
            Takes::InAndOut => "two files",
            Takes::File => "one file",
            Takes::Word(_) => "one word",
            Takes::Action(_) => "one word and a file",
            Takes::Topic => "one command or topic",
            Takes::Nothing => "no arguments",
        }
    }

    /// The message when an argument is missing.
    pub(crate) fn missing(self) -> String {
        match self {
            Takes::Word(words) | Takes::Action(words) => format!("one of {} is missing", words.join(", ")),
            _ => "no file given".into(),
        }
    }
}

/// The examples of the short help.
pub(crate) const EXAMPLES: &[(&str, &str)] = &[
    ("kinglet hello.wasm", "Run a program"),
    ("kinglet --dir .:. app.wasm ARGS", "Give it the current directory"),
    ("kinglet --invoke fib fib.wasm 30", "Call a function"),
    ("kinglet --time-limit 500 app.wasm", "Stop it after half a second"),
    ("kinglet compile app.wasm app.so", "Compile ahead of time"),
    ("kinglet --allow-precompiled app.so", "Run the compiled program"),
];

pub(crate) const COMMANDS: &[Command] = &[
    Command {
        name: "run",
        usage: "[OPTIONS] FILE [ARGS…]",
        about: "Run a program or call a function; the default command",
        details: "",
        common: true,
        examples: &[
            ("kinglet hello.wasm", "Run a program"),
            ("kinglet --dir .:. python.wasm -c 'print(1+1)'", "Give it the current directory, and arguments"),
            (
                "kinglet --dir /data:./data:readonly --env LANG=C app.wasm",
                "Give it a read-only directory and a variable",
            ),
            ("kinglet --reactor fib.wasm fib 30", "Call a function and print its result"),
            ("kinglet --invoke fib fib.wasm 30", "Call the same function"),
            ("kinglet --module math:math.wasm app.wasm", "Resolve imports from another module"),
            ("kinglet --time-limit 500 --gas-limit 1000000 app.wasm", "Limit time and gas"),
            ("kinglet --unknown-imports trap plugin.wasm", "Run it although some of its imports are missing"),
            ("cat hello.wat | kinglet -", "Run a text module from standard input"),
        ],
        takes: Takes::Program,
        of_wasmedge: true,
        run: run::run,
    },
    Command {
        name: "compile",
        usage: "[OPTIONS] FILE OUTPUT",
        about: "Compile a module to native code ahead of time",
        details: "The compiled program starts at once and runs at full speed from the beginning.",
        common: true,
        examples: &[
            ("kinglet compile app.wasm app.so", "Write native code for this machine, which includes the module"),
            ("kinglet --allow-precompiled app.so", "Run it"),
            ("kinglet compile app.wasm fast.wasm", "Write a module that other runtimes can run too"),
            ("kinglet compile --target aarch64-unknown-linux-gnu app.wasm arm.so", "Compile for another target"),
            ("kinglet compile --generic-binary app.wasm portable.so", "Compile for older CPUs too"),
            ("kinglet compile --format exe app.wasm app", "Write a standalone executable"),
            ("./app --with arguments", "Run it; all arguments are the program's own"),
            (
                "kinglet compile --format exe --dir /data:./data --env LANG=C app.wasm app",
                "Give the executable a directory, relative to where it is started, and a variable",
            ),
        ],
        takes: Takes::InAndOut,
        of_wasmedge: true,
        run: compile::run,
    },
    Command {
        name: "warm",
        usage: "[OPTIONS] FILE…",
        about: "Compile modules into the cache",
        details: "The next start of each module finds all its native code there.",
        common: true,
        examples: &[
            ("kinglet warm app.wasm", "Compile everything that `kinglet app.wasm` can use"),
            ("kinglet warm --time-limit 1 app.wasm", "Compile for starts with a time limit, which need other code"),
            ("KINGLET_CACHE_DIR=/srv/cache kinglet warm app.wasm", "Use another cache directory"),
        ],
        takes: Takes::Files,
        of_wasmedge: false,
        run: warm::run,
    },
    Command {
        name: "cache",
        usage: "[OPTIONS] ACTION [FILE]",
        about: "List, clean, export or import the cache",
        details: "The cache keeps validated modules and their native code for later starts.",
        common: true,
        examples: &[
            ("kinglet cache dir", "Print its directory: $KINGLET_CACHE_DIR, or kinglet in $XDG_CACHE_HOME or ~/.cache"),
            ("kinglet cache list", "List its entries, the last used first"),
            ("kinglet cache clean", "Remove all entries"),
            ("kinglet cache export hot.cache", "Copy all entries into one file, for a container image for example"),
            (
                "kinglet cache import hot.cache",
                "Add the entries of such a file. Their native code runs without any check: import only files that you trust",
            ),
        ],
        takes: Takes::Action(cache::ACTIONS),
        of_wasmedge: false,
        run: cache::run,
    },
    Command {
        name: "explore",
        usage: "[OPTIONS] FILE",
        about: "Show the machine code of each function beside its WebAssembly",
        details: "",
        common: false,
        examples: &[
            (
                "kinglet explore app.wasm | less",
                "Show all functions as `kinglet compile` compiles them for this machine",
            ),
            ("kinglet explore --function _start app.wasm -o main.txt", "Show one function"),
            (
                "kinglet explore --target aarch64-unknown-linux-gnu --function _start app.wasm",
                "Show the code for another target",
            ),
            (
                "kinglet compile --target riscv64gc-unknown-linux-gnu --dump code app.wasm app.so",
                "For riscv64 and s390x, which are shown as bytes, write assembly to code/wasm.s",
            ),
        ],
        takes: Takes::File,
        of_wasmedge: false,
        run: explore::run,
    },
    Command {
        name: "targets",
        usage: "",
        about: "List the targets of `compile` and their CPU features",
        details: "",
        common: false,
        examples: &[("kinglet targets", "List each target with its features")],
        takes: Takes::Nothing,
        of_wasmedge: false,
        run: targets::run,
    },
    Command {
        name: "parse",
        usage: "[OPTIONS] FILE",
        about: "List a module's declarations by section, without validating it",
        details: "",
        common: false,
        examples: &[("kinglet parse app.wasm | less", "List all sections in the order of the file")],
        takes: Takes::File,
        of_wasmedge: true,
        run: parse::run,
    },
    Command {
        name: "validate",
        usage: "[OPTIONS] FILE…",
        about: "Check that modules are valid",
        details: "",
        common: true,
        examples: &[
            ("kinglet validate *.wasm", "Print a line per file; exit with status 1 if one is invalid"),
            ("kinglet validate --wasm-2 app.wasm", "Check that a module uses only WebAssembly 2.0"),
        ],
        takes: Takes::Files,
        of_wasmedge: true,
        run: validate::run,
    },
    Command {
        name: "instantiate",
        usage: "[OPTIONS] FILE",
        about: "Instantiate a module, and call only its start function",
        details: "",
        common: false,
        examples: &[("kinglet instantiate --module env:env.wasm plugin.wasm", "Check that all imports are provided")],
        takes: Takes::File,
        of_wasmedge: true,
        run: instantiate::run,
    },
    Command {
        name: "inspect",
        usage: "[OPTIONS] FILE",
        about: "Show a module's sections, imports, exports and producers",
        details: "",
        common: true,
        examples: &[
            ("kinglet inspect app.wasm", "Print a summary"),
            ("kinglet inspect --json app.wasm | jq '.exports[].name'", "Print JSON"),
        ],
        takes: Takes::File,
        of_wasmedge: false,
        run: inspect::run,
    },
    Command {
        name: "wat",
        usage: "[OPTIONS] FILE",
        about: "Convert a module to the text format",
        details: "",
        common: true,
        examples: &[
            ("kinglet wat app.wasm | less", "Read a module"),
            ("kinglet wat --offsets app.wasm -o app.wat", "Add the byte offsets that messages name"),
        ],
        takes: Takes::File,
        of_wasmedge: false,
        run: wat::run,
    },
    Command {
        name: "wasm",
        usage: "[OPTIONS] FILE",
        about: "Convert a module to the binary format",
        details: "",
        common: false,
        examples: &[("kinglet wasm app.wat -o app.wasm", "Assemble a text module")],
        takes: Takes::File,
        of_wasmedge: false,
        run: wasm::run,
    },
    Command {
        name: "wast",
        usage: "[OPTIONS] FILE…",
        about: "Run test scripts of the WebAssembly specification",
        details: "",
        common: false,
        examples: &[("kinglet wast i32.wast f32.wast", "Count passed directives and print failures")],
        takes: Takes::Files,
        of_wasmedge: false,
        run: wast::run,
    },
    Command {
        name: "completions",
        usage: "SHELL",
        about: "Generate completions for a shell",
        details: "",
        common: false,
        examples: &[
            ("kinglet completions bash > /etc/bash_completion.d/kinglet", "Install completions for bash"),
            ("kinglet completions zsh > ~/.zfunc/_kinglet", "Install them for zsh, with ~/.zfunc in fpath"),
            ("kinglet completions fish > ~/.config/fish/completions/kinglet.fish", "Install them for fish"),
            ("kinglet completions powershell >> $PROFILE", "Install them for PowerShell"),
        ],
        takes: Takes::Word(crate::completions::SHELLS),
        of_wasmedge: false,
        run: completions::run,
    },
    Command {
        name: "help",
        usage: "[OPTIONS] [COMMAND | proposals]",
        about: "Show the help of a command, or list the proposals",
        details: "",
        common: true,
        examples: &[
            ("kinglet help inspect", "Show the same as `kinglet inspect --help`"),
            ("kinglet help proposals", "List the proposals and their switches"),
            ("kinglet help --man run > kinglet-run.1", "Write a command's manual page"),
            ("kinglet help --man > kinglet.1", "Write the manual page of kinglet"),
            ("kinglet help --markdown > cli.md", "Write the reference"),
        ],
        takes: Takes::Topic,
        of_wasmedge: false,
        run: help::run,
    },
];
