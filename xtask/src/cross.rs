//! `cargo xtask cross ARCHITECTURE`: builds for another processor and runs what shows that Kinglet works there, under
//! QEMU's user-mode emulation. The standard library for it is the toolchain's, or is built from its source.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::build::Profile::Embedder;
use crate::group;
use crate::need::{self, Need};
use crate::process::{Context, Tally, count, output, prepare};
use crate::tool;

/// One row per processor.
pub(crate) struct Processor {
    /// As Debian's compilers and QEMU call it.
    name: &'static str,
    triple: &'static str,
    tools: &'static Need,
    library: &'static Need,
    /// Whether native code runs there; elsewhere it is made, and all is interpreted.
    native: bool,
}

const PROCESSORS: &[Processor] = &[
    Processor {
        name: "aarch64",
        triple: "aarch64-unknown-linux-gnu",
        tools: &need::CROSS_AARCH64,
        library: &need::STD_AARCH64,
        native: true,
    },
    Processor {
        name: "riscv64",
        triple: "riscv64gc-unknown-linux-gnu",
        tools: &need::CROSS_RISCV64,
        library: &need::STD_RISCV64,
        native: true,
    },
    Processor {
        name: "s390x",
        triple: "s390x-unknown-linux-gnu",
        tools: &need::CROSS_S390X,
        library: &need::STD_S390X,
        native: false,
    },
];

/// `cargo xtask cross ARCHITECTURE`
pub(crate) fn command(context: &Context, args: &[String]) -> Result<(), String> {
    let names: Vec<&str> = PROCESSORS.iter().map(|processor| processor.name).collect();
    let names = names.join("|");
    let [name] = args else { return Err(format!("name one architecture: cargo xtask cross {names}")) };
    let processor = PROCESSORS.iter().find(|processor| processor.name == name);
    let processor = processor.ok_or_else(|| format!("no architecture `{name}`; there are: {names}"))?;
    for need in [processor.tools, processor.library] {
        need::meet(context, need).map_err(|why| format!("needs {why}"))?;
    }
    let tally = processor.run(context);
    println!("\n{tally}");
    if tally.failed == 0 { Ok(()) } else { Err(String::new()) }
}

/// As a test group, whose needs are met.
pub(crate) fn tally(context: &Context, name: &str) -> Tally {
    let processor = PROCESSORS.iter().find(|processor| processor.name == name);
    processor.map_or(Tally::FAILED, |processor| processor.run(context))
}

impl Processor {
    fn run(&self, context: &Context) -> Tally {
        let mut total = Tally::default();
        println!("\n== the command, for this machine and for {}", self.name);
        total.add(prepare(context, &mut group::cargo(context, BUILD_COMMAND)));
        total.add(prepare(context, self.cargo(context, "build").args(&BUILD_COMMAND[1..])));
        if total.failed > 0 {
            return total;
        }
        println!("\n== artifacts compiled on this machine");
        total.add(self.artifacts(context));
        for suite in SUITES.iter().filter(|suite| self.native || !suite.native) {
            println!("\n== {}", suite.about);
            let mut tests = self.cargo(context, "test");
            total.add(count(context, tests.args(["--profile", "embedder", "--workspace"]).args(suite.args)));
        }
        total
    }

    /// A command of cargo for this processor, which runs what it builds in the emulator.
    fn cargo(&self, context: &Context, subcommand: &str) -> Command {
        let variable = |what: &str| format!("CARGO_TARGET_{}_{what}", self.triple.to_uppercase().replace('-', "_"));
        let mut command = group::cargo(context, &[subcommand, "--target", self.triple]);
        command.env(variable("LINKER"), format!("{}-linux-gnu-gcc", self.name));
        command.env(variable("RUNNER"), self.emulator().join(" "));
        if !installed(self.triple)
            && let Some(source) = source()
        {
            command.arg("-Zbuild-std").env("RUSTC_BOOTSTRAP", "1").env("__CARGO_TESTS_ONLY_SRC_ROOT", source);
        }
        command
    }

    /// What runs a program of this processor.
    fn emulator(&self) -> [String; 3] {
        [format!("qemu-{}", self.name), "-L".into(), format!("/usr/{}-linux-gnu", self.name)]
    }

    /// A program for this processor, in the emulator.
    fn emulated(&self, file: &Path) -> Command {
        let [program, args @ ..] = self.emulator();
        let mut command = Command::new(program);
        command.args(args).arg(file);
        command
    }

    /// Kinglet for this processor.
    fn built(&self, context: &Context) -> PathBuf {
        context.target.join(self.triple).join(Embedder.folder()).join("kinglet")
    }

    /// A program compiled on this machine in each format, run by Kinglet on the other; it says itself what it took.
    fn artifacts(&self, context: &Context) -> Tally {
        let folder = context.target.join("cross").join(self.name);
        if let Err(error) = std::fs::create_dir_all(&folder) {
            println!("cannot create {}: {error}", folder.display());
            return Tally::FAILED;
        }
        let mut total = Tally::default();
        for format in ["native", "wasm", "exe"] {
            let outcome = self.artifact(context, format, &folder.join(format));
            println!("artifact {format}: {}", outcome.as_ref().map_or_else(String::as_str, |()| "ok"));
            total.add(if outcome.is_ok() { Tally::PASSED } else { Tally::FAILED });
        }
        total
    }

    fn artifact(&self, context: &Context, format: &str, file: &Path) -> Result<(), String> {
        let guest = |ending: &str| context.root.join("guests").join(GUEST).with_extension(ending);
        let read = |path: PathBuf| std::fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()));
        let mut compile = Command::new(context.program(Embedder.folder()));
        compile.args(["compile", "--target", self.triple, "--format", format, "-o"]).arg(file);
        let mut run = self.emulated(&self.built(context));
        if format == "exe" {
            compile.arg("--runtime").arg(self.built(context));
            run = self.emulated(file);
        } else {
            run.args(["--allow-precompiled", "--log-level", "debug"]).arg(file);
        }
        output(compile.arg(guest("wasm")))?;
        let input = File::open(guest("input")).map_err(|error| format!("{}: {error}", guest("input").display()))?;
        let ran = run.stdin(input).output().map_err(|error| format!("cannot run the emulator: {error}"))?;
        let [said, log] = [&ran.stdout, &ran.stderr].map(|bytes| String::from_utf8_lossy(bytes));
        // A program of its own says nothing of what it does, unless it cannot use its code.
        let code = match format {
            "exe" => log.is_empty() || !self.native,
            _ => log.contains("native code is there") == self.native,
        };
        if !ran.status.success() || said != read(guest("expected"))? || !code {
            return Err(format!("{}\n{said}{log}", ran.status));
        }
        Ok(())
    }
}

/// How the command is built: optimised, and with all packages chosen, so that the tests take the same crates.
const BUILD_COMMAND: &[&str] = &["build", "--profile", "embedder", "--workspace", "--bin", "kinglet"];

/// The committed guest whose artifacts are run.
const GUEST: &str = "stdin";

/// Tests that are run.
struct Suite {
    about: &'static str,
    /// Whether they run native code.
    native: bool,
    args: &'static [&'static str],
}

#[rustfmt::skip]
const SUITES: &[Suite] = &[
    Suite { about: "snapshots of what operations are lowered to", native: false, args: &["--test", "api", "--", "op::"] },
    Suite { about: "the specification's suites, interpreted", native: false, args: &["--test", "spec"] },
    // Reserved address space costs the emulator memory of its own, even once it is given back: 24 GB for all suites.
    Suite { about: "the specification's suites, in native code, small memories", native: true,
        args: &["--test", "spec", "--", "--mode=jit-small"] },
    Suite { about: "what the specification says of memories and traps, in native code, with guard pages", native: true,
        args: &["--test", "spec", "--", "--mode=jit", "/memory_trap", "/address", "/traps", "/unwind", "/endianness",
            "ours/"] },
    // But for a test with many threads, each with such reservations, and those that start themselves once more, which here
    // would be without the emulator.
    Suite { about: "tier-up, and what happens when the stack is used up", native: true,
        args: &["--test", "api", "--", "tier_up::", "overflow::", "--skip", "many_threads", "--skip", "every_decision",
            "--skip", "a_thousand_engines"] },
];

/// Whether the toolchain has the standard library for a target.
fn installed(triple: &str) -> bool {
    tool::rust_sysroot().join("lib/rustlib").join(triple).join("lib").exists()
}

/// Where the source of the compiler's standard library is.
fn source() -> Option<PathBuf> {
    let named = std::env::var_os("KINGLET_RUST_LIBRARY").map(PathBuf::from);
    let component = tool::rust_sysroot().join("lib/rustlib/src/rust/library");
    named.into_iter().chain([component]).find(|path| path.join("std").exists())
}

/// Whether code of a target can be built at all.
pub(crate) fn library(triple: &str) -> bool {
    installed(triple) || source().is_some()
}

/// Has rustup fetch the standard library of a target.
pub(crate) fn add_target(triple: &str) -> Result<(), String> {
    output(Command::new("rustup").args(["target", "add", triple])).map(drop).map_err(|_| {
        let source = "rustup component add rust-src, or its folder in KINGLET_RUST_LIBRARY";
        format!("rustup target add {triple}, or the source of the library: {source}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_architecture_is_named_with_the_known_ones() {
        let message = command(&Context::new(), &["pdp11".to_string()]).unwrap_err();
        assert_eq!(message, "no architecture `pdp11`; there are: aarch64|riscv64|s390x");
        assert!(command(&Context::new(), &[]).unwrap_err().contains("cargo xtask cross aarch64|riscv64|s390x"));
    }
}
