//! The commands: one row each. The first is the one that is meant when none is named.

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
    pub(crate) about: &'static str,
    /// Command lines, and what they do.
    pub(crate) examples: &'static [(&'static str, &'static str)],
    pub(crate) takes: Takes,
    /// Whether WasmEdge has a command of this name.
    pub(crate) of_wasmedge: bool,
    /// Gives the exit status, or why there is none.
    pub(crate) run: fn(&Options) -> Outcome,
}

/// Which positional arguments a command takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Takes {
    /// A file, and after it the program's own arguments.
    Program,
    /// One file.
    File,
    /// Any number of files, at least one.
    Files,
    /// A file, and one to write.
    InAndOut,
    /// One of the words.
    Word(&'static [&'static str]),
    /// One of the words, and after some of them a file.
    Action(&'static [&'static str]),
    /// The name of a command, or nothing.
    Command,
    /// Nothing at all.
    Nothing,
}

impl Takes {
    /// How many there must be.
    pub(crate) fn least(self) -> usize {
        if [Takes::Command, Takes::Nothing].contains(&self) { 0 } else { 1 }
    }

    /// How many there may be.
    pub(crate) fn most(self) -> usize {
        match self {
            Takes::Program | Takes::Files => usize::MAX,
            Takes::InAndOut | Takes::Action(_) => 2,
            Takes::File | Takes::Word(_) | Takes::Command => 1,
            Takes::Nothing => 0,
        }
    }

    /// For a message that there are too many.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Takes::Program | Takes::Files => "files",
            Takes::InAndOut => "two files",
            Takes::File => "one file",
            Takes::Word(_) => "one word",
            Takes::Action(_) => "one word and a file",
            Takes::Command => "the name of one command",
            Takes::Nothing => "nothing",
        }
    }

    /// For a message that there is none.
    pub(crate) fn missing(self) -> String {
        match self {
            Takes::Word(words) | Takes::Action(words) => format!("one of {} is missing", words.join(", ")),
            _ => "no file given".into(),
        }
    }
}

pub(crate) const COMMANDS: &[Command] = &[
    Command {
        name: "run",
        usage: "[OPTIONS] FILE [ARGS…]",
        about: "Runs a program, or one of its functions; the name of this command can be left out.",
        examples: &[
            ("kinglet hello.wasm", "run a program"),
            ("kinglet --dir .:. python.wasm -c 'print(1+1)'", "with the present folder, and arguments of its own"),
            ("kinglet --dir /data:./data:readonly --env LANG=C program.wasm", "a folder it can only read, a variable"),
            ("kinglet --reactor fib.wasm fib 30", "call a function and print its result"),
            ("kinglet --invoke fib fib.wasm 30", "the same"),
            ("kinglet --module math:math.wasm program.wasm", "with another module to import from"),
            ("kinglet --time-limit 500 --gas-limit 1000000 program.wasm", "with limits"),
            ("kinglet --unknown-imports trap plugin.wasm", "although not everything it imports is there"),
            ("cat hello.wat | kinglet -", "text is taken as well as binaries, and standard input as well as files"),
        ],
        takes: Takes::Program,
        of_wasmedge: true,
        run: run::run,
    },
    Command {
        name: "compile",
        usage: "[OPTIONS] FILE OUTPUT",
        about: "Compiles a module to native code, which then starts at once and runs fast from the beginning.",
        examples: &[
            ("kinglet compile program.wasm program.so", "native code for this machine, with the module in it"),
            ("kinglet --allow-precompiled program.so", "run it"),
            ("kinglet compile program.wasm fast.wasm", "a module for every runtime, with native code for this one"),
            ("kinglet compile --target aarch64-unknown-linux-gnu program.wasm arm.so", "for another processor"),
            ("kinglet compile --generic-binary program.wasm portable.so", "for older processors too"),
            ("kinglet compile --format exe program.wasm program", "a program that needs nothing else"),
            ("./program --with arguments", "run it: all arguments are the program's own"),
            (
                "kinglet compile --format exe --dir /data:./data --env LANG=C program.wasm program",
                "one that may use a folder of where it is started, and has a variable",
            ),
        ],
        takes: Takes::InAndOut,
        of_wasmedge: true,
        run: compile::run,
    },
    Command {
        name: "warm",
        usage: "[OPTIONS] FILE…",
        about: "Compiles modules, and keeps their native code in the cache: their next start is as fast as can be.",
        examples: &[
            ("kinglet warm program.wasm", "what `kinglet program.wasm` then finds in the cache"),
            ("kinglet warm --time-limit 1 program.wasm", "for starts with a time limit, which need other code"),
            ("KINGLET_CACHE_DIR=/srv/cache kinglet warm program.wasm", "in another folder"),
        ],
        takes: Takes::Files,
        of_wasmedge: false,
        run: warm::run,
    },
    Command {
        name: "cache",
        usage: "[OPTIONS] ACTION [FILE]",
        about: "Shows what earlier starts of modules have left in the cache for later ones, clears it, carries it elsewhere.",
        examples: &[
            ("kinglet cache dir", "where it is: $KINGLET_CACHE_DIR, else kinglet in $XDG_CACHE_HOME or ~/.cache"),
            ("kinglet cache list", "what is in it, what was used last first"),
            ("kinglet cache clean", "remove all of it"),
            (
                "kinglet cache export hot.cache",
                "put modules and their native code into one file, as for a container image",
            ),
            (
                "kinglet cache import hot.cache",
                "take in such a file. Its native code is run from then on, and nothing checks what it does: import only \
                 from who is trusted",
            ),
        ],
        takes: Takes::Action(cache::ACTIONS),
        of_wasmedge: false,
        run: cache::run,
    },
    Command {
        name: "explore",
        usage: "[OPTIONS] FILE",
        about: "Shows the machine code of each function, beside the instructions it is made of.",
        examples: &[
            ("kinglet explore program.wasm | less", "all functions, as `kinglet compile` makes them for this machine"),
            ("kinglet explore --function _start program.wasm -o main.txt", "one of them"),
            (
                "kinglet explore --target aarch64-unknown-linux-gnu --function _start program.wasm",
                "for another processor",
            ),
            (
                "kinglet compile --target riscv64gc-unknown-linux-gnu --dump folder program.wasm program.so",
                "for riscv64 and s390x, whose instructions are bytes here: folder/wasm.s has their assembly",
            ),
        ],
        takes: Takes::File,
        of_wasmedge: false,
        run: explore::run,
    },
    Command {
        name: "targets",
        usage: "",
        about: "Lists what `compile` can make code for, with the features of processors it can use.",
        examples: &[("kinglet targets", "each target with its features")],
        takes: Takes::Nothing,
        of_wasmedge: false,
        run: targets::run,
    },
    Command {
        name: "parse",
        usage: "[OPTIONS] FILE",
        about: "Lists what a module declares, section by section, without validating it.",
        examples: &[("kinglet parse program.wasm | less", "everything, in the order of the file")],
        takes: Takes::File,
        of_wasmedge: true,
        run: parse::run,
    },
    Command {
        name: "validate",
        usage: "[OPTIONS] FILE…",
        about: "Checks that modules are valid, without running them.",
        examples: &[
            ("kinglet validate *.wasm", "each file on a line; status 1 if one is not valid"),
            ("kinglet validate --wasm-2 program.wasm", "whether it keeps to WebAssembly 2.0"),
        ],
        takes: Takes::Files,
        of_wasmedge: true,
        run: validate::run,
    },
    Command {
        name: "instantiate",
        usage: "[OPTIONS] FILE",
        about: "Makes an instance, with its imports, segments and start function, and calls nothing else.",
        examples: &[(
            "kinglet instantiate --module env:env.wasm plugin.wasm",
            "whether everything it imports is there",
        )],
        takes: Takes::File,
        of_wasmedge: true,
        run: instantiate::run,
    },
    Command {
        name: "inspect",
        usage: "[OPTIONS] FILE",
        about: "Shows what a module is: sections and sizes, imports, exports, types, who made it.",
        examples: &[
            ("kinglet inspect program.wasm", "for people"),
            ("kinglet inspect --json program.wasm | jq '.exports[].name'", "for programs"),
        ],
        takes: Takes::File,
        of_wasmedge: false,
        run: inspect::run,
    },
    Command {
        name: "wat",
        usage: "[OPTIONS] FILE",
        about: "Writes a module in the text format.",
        examples: &[
            ("kinglet wat program.wasm | less", "read it"),
            ("kinglet wat --offsets program.wasm -o program.wat", "with the byte of each line, as messages name it"),
        ],
        takes: Takes::File,
        of_wasmedge: false,
        run: wat::run,
    },
    Command {
        name: "wasm",
        usage: "[OPTIONS] FILE",
        about: "Writes a module in the binary format.",
        examples: &[("kinglet wasm program.wat -o program.wasm", "the text format's other direction")],
        takes: Takes::File,
        of_wasmedge: false,
        run: wasm::run,
    },
    Command {
        name: "wast",
        usage: "[OPTIONS] FILE…",
        about: "Runs scripts in the format of the specification's test suite.",
        examples: &[("kinglet wast i32.wast f32.wast", "counts what passed, shows what failed")],
        takes: Takes::Files,
        of_wasmedge: false,
        run: wast::run,
    },
    Command {
        name: "completions",
        usage: "SHELL",
        about: "Writes the completions for a shell: bash, zsh, fish or powershell.",
        examples: &[
            ("kinglet completions bash > /etc/bash_completion.d/kinglet", "for bash"),
            ("kinglet completions zsh > ~/.zfunc/_kinglet", "for zsh, with ~/.zfunc in fpath"),
            ("kinglet completions fish > ~/.config/fish/completions/kinglet.fish", "for fish"),
            ("kinglet completions powershell >> $PROFILE", "for PowerShell"),
        ],
        takes: Takes::Word(crate::completions::SHELLS),
        of_wasmedge: false,
        run: completions::run,
    },
    Command {
        name: "help",
        usage: "[OPTIONS] [COMMAND]",
        about: "Shows the help of a command, or all of it as a manual page or as Markdown.",
        examples: &[
            ("kinglet help inspect", "the same as kinglet inspect --help"),
            ("kinglet help --man run > kinglet-run.1", "a manual page; without a command, that of kinglet"),
            ("kinglet help --markdown > cli.md", "the reference"),
        ],
        takes: Takes::Command,
        of_wasmedge: false,
        run: help::run,
    },
];
