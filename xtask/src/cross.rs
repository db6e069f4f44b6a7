//! `cargo xtask cross ARCHITECTURE`: builds for another processor and runs snapshots, suites and artifacts under QEMU's
//! user-mode emulation. The standard library comes from the toolchain, or is built from its source.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::build::Profile::Embedder;
use crate::group;
use crate::process::{Context, Tally, count, output, prepare};
use crate::requirement::{self, Requirement};
use crate::tool;

/// A processor.
pub(crate) struct Processor {
    /// Its name in Debian's compilers and in QEMU.
    name: &'static str,
    triple: &'static str,
    tools: &'static Requirement,
    library: &'static Requirement,
    /// Whether native code runs there. Otherwise Kinglet only compiles for it, and interprets everything on it.
    native: bool,
}

const PROCESSORS: &[Processor] = &[
    Processor {
        name: "aarch64",
        triple: "aarch64-unknown-linux-gnu",
        tools: &requirement::CROSS_AARCH64,
        library: &requirement::STD_AARCH64,
        native: true,
    },
    Processor {
        name: "riscv64",
        triple: "riscv64gc-unknown-linux-gnu",
        tools: &requirement::CROSS_RISCV64,
        library: &requirement::STD_RISCV64,
        native: true,
    },
    Processor {
        name: "s390x",
        triple: "s390x-unknown-linux-gnu",
        tools: &requirement::CROSS_S390X,
        library: &requirement::STD_S390X,
        native: false,
    },
];

/// `cargo xtask cross ARCHITECTURE`
pub(crate) fn command(context: &Context, args: &[String]) -> Result<(), String> {
    let names: Vec<&str> = PROCESSORS.iter().map(|processor| processor.name).collect();
    let names = names.join("|");
    let [name] = args else { return Err(format!("name one architecture: cargo xtask cross {names}")) };
    let processor = PROCESSORS.iter().find(|processor| processor.name == name);
    let processor = processor.ok_or_else(|| format!("unknown architecture `{name}`; expected one of: {names}"))?;
    for requirement in [processor.tools, processor.library] {
        requirement::ensure(context, requirement).map_err(|why| format!("needs {why}"))?;
    }
    let tally = processor.run(context);
    println!("\n{tally}");
    if tally.failed == 0 { Ok(()) } else { Err(String::new()) }
}

/// Runs one processor's tests as a test group. Its requirements must be present.
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

    /// Returns a cargo command for this processor, with the emulator as runner.
    fn cargo(&self, context: &Context, subcommand: &str) -> Command {
        let variable = |name: &str| format!("CARGO_TARGET_{}_{name}", self.triple.to_uppercase().replace('-', "_"));
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

    /// Returns the command line of the emulator.
    fn emulator(&self) -> [String; 3] {
        [format!("qemu-{}", self.name), "-L".into(), format!("/usr/{}-linux-gnu", self.name)]
    }

    /// Returns the command that runs a program for this processor in the emulator.
    fn emulated(&self, file: &Path) -> Command {
        let [program, args @ ..] = self.emulator();
        let mut command = Command::new(program);
        command.args(args).arg(file);
        command
    }

    /// Returns the path of Kinglet for this processor.
    fn built(&self, context: &Context) -> PathBuf {
        context.target.join(self.triple).join(Embedder.directory()).join("kinglet")
    }

    /// Compiles a program on this machine in each format, and runs it with Kinglet for the other processor.
    fn artifacts(&self, context: &Context) -> Tally {
        let directory = context.target.join("cross").join(self.name);
        if let Err(error) = std::fs::create_dir_all(&directory) {
            println!("cannot create {}: {error}", directory.display());
            return Tally::FAILED;
        }
        let mut total = Tally::default();
        for format in ["native", "wasm", "exe"] {
            let outcome = self.artifact(context, format, &directory.join(format));
            println!("artifact {format}: {}", outcome.as_ref().map_or_else(String::as_str, |()| "ok"));
            total.add(if outcome.is_ok() { Tally::PASSED } else { Tally::FAILED });
        }
        total
    }

    fn artifact(&self, context: &Context, format: &str, file: &Path) -> Result<(), String> {
        let guest = |ending: &str| context.root.join("guests").join(GUEST).with_extension(ending);
        let read = |path: PathBuf| std::fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()));
        let mut compile = Command::new(context.program(Embedder.directory()));
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
        let [out, log] = [&ran.stdout, &ran.stderr].map(|bytes| String::from_utf8_lossy(bytes));
        // A stand-alone executable prints only a message if it cannot use its native code.
        let uses_code = match format {
            "exe" => log.is_empty() || !self.native,
            _ => log.contains("native code published") == self.native,
        };
        if !ran.status.success() || out != read(guest("expected"))? || !uses_code {
            return Err(format!("{}\n{out}{log}", ran.status));
        }
        Ok(())
    }
}

/// Cargo's arguments for building the command: optimised, and with all packages selected, so that the tests reuse the
/// crates.
const BUILD_COMMAND: &[&str] = &["build", "--profile", "embedder", "--workspace", "--bin", "kinglet"];

/// The committed guest that is compiled and run.
const GUEST: &str = "stdin";

/// A selection of tests.
struct Suite {
    about: &'static str,
    /// Whether it runs native code.
    native: bool,
    args: &'static [&'static str],
}

#[rustfmt::skip]
const SUITES: &[Suite] = &[
    Suite { about: "snapshots of lowered operations", native: false, args: &["--test", "api", "--", "op::"] },
    Suite { about: "the specification's suites, interpreted", native: false, args: &["--test", "spec"] },
    // The emulator allocates memory for reserved address space and keeps it after the release. This takes 24 GB for all
    // suites.
    Suite { about: "the specification's suites, in native code, small memories", native: true,
        args: &["--test", "spec", "--", "--mode=jit-small"] },
    Suite { about: "the specification's tests of memories and traps, in native code, with guard pages", native: true,
        args: &["--test", "spec", "--", "--mode=jit", "/memory_trap", "/address", "/traps", "/unwind", "/endianness",
            "ours/"] },
    // Excludes a test in which many threads reserve address space. Also excludes tests that start their own executable,
    // because it would run without the emulator.
    Suite { about: "tier-up, and stack overflow", native: true,
        args: &["--test", "api", "--", "tier_up::", "overflow::", "--skip", "many_threads", "--skip", "every_decision",
            "--skip", "a_thousand_engines"] },
];

/// Returns whether the toolchain has the standard library for a target.
fn installed(triple: &str) -> bool {
    tool::rust_sysroot().join("lib/rustlib").join(triple).join("lib").exists()
}

/// Returns the directory with the source of the standard library.
fn source() -> Option<PathBuf> {
    let variable = std::env::var_os("KINGLET_RUST_LIBRARY").map(PathBuf::from);
    let component = tool::rust_sysroot().join("lib/rustlib/src/rust/library");
    variable.into_iter().chain([component]).find(|path| path.join("std").exists())
}

/// Returns whether the standard library for a target is installed, or can be built.
pub(crate) fn library(triple: &str) -> bool {
    installed(triple) || source().is_some()
}

/// Installs the standard library of a target with rustup.
pub(crate) fn add_target(triple: &str) -> Result<(), String> {
    output(Command::new("rustup").args(["target", "add", triple])).map(drop).map_err(|_| {
        let source = "rustup component add rust-src, or set KINGLET_RUST_LIBRARY to its directory";
        format!("rustup target add {triple}, or install the source of the library: {source}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_architecture_is_named_with_the_known_ones() {
        let message = command(&Context::new(), &["pdp11".to_string()]).unwrap_err();
        assert_eq!(message, "unknown architecture `pdp11`; expected one of: aarch64|riscv64|s390x");
        assert!(command(&Context::new(), &[]).unwrap_err().contains("cargo xtask cross aarch64|riscv64|s390x"));
    }
}
