//! Development tasks: `cargo xtask COMMAND`. One table lists the commands; each command is a module. This crate is not
//! part of the product. It needs only the Rust toolchain, `git` and a POSIX system.

#![forbid(unsafe_code)]

mod bench;
mod book;
mod build;
mod cross;
mod examples;
mod features;
mod fuzz;
mod group;
mod guests;
mod kernel;
mod measure;
mod process;
mod programs;
mod requirement;
mod sanitize;
mod stress;
mod tidy;
mod tool;
mod tree;
mod unify;

use std::process::ExitCode;

use process::Context;

/// One row per command.
struct Command {
    name: &'static str,
    arguments: &'static str,
    about: &'static str,
    run: fn(&Context, &[String]) -> Result<(), String>,
}

const COMMANDS: &[Command] = &[
    Command {
        name: "test",
        arguments: "[OPTIONS] [GROUP…]",
        about: "install requirements and run the quick test groups, the heavy ones with --all, or those named; --minutes N sets a limit",
        run: group::test,
    },
    Command {
        name: "tidy",
        arguments: "",
        about: "check the conventions: headers, layering, unsafe code, language, documents, sizes",
        run: tidy::command,
    },
    Command {
        name: "scoreboard",
        arguments: "",
        about: "run the specification's suites and print the pass rate of each",
        run: group::scoreboard,
    },
    Command {
        name: "programs",
        arguments: "[--list] [NAME…]",
        about: "fetch or build the guest programs into target/programs, or list them",
        run: programs::command,
    },
    Command {
        name: "bench",
        arguments: "[OPTIONS] [WORKLOAD…]",
        about: "measure workloads on Kinglet and its peers; --help lists the options",
        run: bench::command,
    },
    Command {
        name: "fuzz",
        arguments: "[TARGET] [OPTIONS]",
        about: "run coverage-guided fuzzing of a target, or compare tiers on random modules; without a target, list them",
        run: fuzz::command,
    },
    Command {
        name: "stress",
        arguments: "[OPTIONS]",
        about: "run modules on many threads during tier-up; options: --thread-sanitizer, --seconds N, --threads N",
        run: stress::command,
    },
    Command {
        name: "miri",
        arguments: "",
        about: "run the interpreter and the runtime under Miri, with Stacked Borrows and with Tree Borrows",
        run: sanitize::miri_command,
    },
    Command {
        name: "sanitize",
        arguments: "address",
        about: "run the interpreter and the runtime under AddressSanitizer, which works without Miri",
        run: sanitize::command,
    },
    Command {
        name: "cross",
        arguments: "ARCHITECTURE",
        about: "build for aarch64, riscv64 or s390x and run snapshots, suites and artifacts under emulation",
        run: cross::command,
    },
    Command {
        name: "measure",
        arguments: "PROGRAM [ARG…]",
        about: "run a program and print its wall and CPU time in µs, peak memory in bytes, exit status",
        run: measure::command,
    },
    Command {
        name: "docs",
        arguments: "",
        about: "build the book and the documentation of the crates into target/book; warnings are errors",
        run: book::command,
    },
    Command {
        name: "package",
        arguments: "",
        about: "package the published crates, and build each from its package",
        run: group::package,
    },
    Command {
        name: "guests",
        arguments: "[--bless]",
        about: "rebuild the guests and compare them with the committed ones; --bless replaces those",
        run: guests::command,
    },
];

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let context = Context::new();
    let Some((name, rest)) = args.split_first() else {
        print!("{}", usage());
        return ExitCode::FAILURE;
    };
    if ["help", "--help", "-h"].contains(&name.as_str()) {
        print!("{}", usage());
        return ExitCode::SUCCESS;
    }
    let Some(command) = COMMANDS.iter().find(|command| command.name == name) else {
        eprint!("xtask: no command `{name}`\n\n{}", usage());
        return ExitCode::FAILURE;
    };
    match (command.run)(&context, rest) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) if message.is_empty() => ExitCode::FAILURE,
        Err(message) => {
            eprintln!("xtask {name}: {message}");
            ExitCode::FAILURE
        }
    }
}

fn usage() -> String {
    let mut text = String::from("usage: cargo xtask COMMAND\n\n");
    for command in COMMANDS {
        let head = format!("{} {}", command.name, command.arguments);
        text.push_str(&format!("  {head:<28} {}\n", command.about));
    }
    text.push_str("\ntest groups:\n\n");
    for group in group::GROUPS {
        let name = format!("{} ({})", group.name, group.command());
        text.push_str(&format!("  {name:<28} {}\n", group.about));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usage_lists_every_command_and_group() {
        let text = usage();
        assert!(COMMANDS.iter().all(|command| text.contains(command.about)));
        assert!(group::GROUPS.iter().all(|group| text.contains(group.about)));
    }
}
