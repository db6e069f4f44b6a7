//! The requirements of test groups beyond Rust: a check for each, and a way to install it. Only root on Debian installs
//! packages; elsewhere the error message lists them.

use std::fs::File;
use std::path::Path;
use std::process::Command;

use crate::process::{Context, output, present};
use crate::programs::{assemblyscript, quickjs};
use crate::{book, cross, guests, tool};

/// A requirement of a group.
pub(crate) struct Requirement {
    /// Its name in messages.
    pub(crate) name: &'static str,
    /// Whether tests without this requirement are skipped even in continuous integration, in which a skipped test is
    /// otherwise a failure.
    pub(crate) optional: bool,
    present: fn(&Context) -> bool,
    installation: Installation,
}

/// The way to install a missing requirement.
enum Installation {
    /// Debian packages.
    Packages(&'static [&'static str]),
    /// A component of the Rust toolchain.
    Component(&'static str),
    /// A task of this crate, which has requirements itself.
    Task(&'static [&'static Requirement], fn(&Context) -> Result<(), String>),
    /// Instructions for the user.
    Manual(&'static str),
}

pub(crate) const RUSTFMT: Requirement = Requirement {
    name: "rustfmt",
    optional: false,
    present: |_| present("cargo", &["fmt", "--version"]),
    installation: Installation::Component("rustfmt"),
};

pub(crate) const CLIPPY: Requirement = Requirement {
    name: "clippy",
    optional: false,
    present: |_| present("cargo", &["clippy", "--version"]),
    installation: Installation::Component("clippy"),
};

/// The standard library's source, which sanitizers instrument.
pub(crate) const RUST_SRC: Requirement = Requirement {
    name: "rust-src",
    optional: true,
    present: |_| {
        let sysroot = output(Command::new("rustc").args(["--print", "sysroot"])).unwrap_or_default();
        let is_set = std::env::var_os("__CARGO_TESTS_ONLY_SRC_ROOT").is_some();
        is_set || Path::new(sysroot.trim()).join("lib/rustlib/src/rust/library/Cargo.lock").exists()
    },
    installation: Installation::Component("rust-src"),
};

/// libFuzzer is written in C++.
pub(crate) const CXX: Requirement = Requirement {
    name: "a C++ compiler",
    optional: false,
    present: |_| present("c++", &["--version"]),
    installation: Installation::Packages(&["g++"]),
};

pub(crate) const OBJDUMP: Requirement = Requirement {
    name: "objdump",
    optional: false,
    present: |_| present("objdump", &["--version"]),
    installation: Installation::Packages(&["binutils"]),
};

pub(crate) const PSEUDO_TERMINAL: Requirement = Requirement {
    name: "a pseudo-terminal",
    optional: false,
    present: |_| File::options().read(true).write(true).open("/dev/ptmx").is_ok(),
    installation: Installation::Manual("mount devpts on /dev/pts"),
};

/// C and C++ for WASI: the compiler, the linker and the libraries.
pub(crate) const CLANG: Requirement = Requirement {
    name: "clang 19 with the libraries for wasm32-wasi",
    optional: false,
    present: clang,
    installation: Installation::Packages(&[
        "clang-19",
        "lld-19",
        "llvm-19",
        "wasi-libc",
        "libclang-rt-19-dev-wasm32",
        "libc++-19-dev-wasm32",
        "libc++abi-19-dev-wasm32",
    ]),
};

const PYTHON: Requirement = Requirement {
    name: "Python with the module venv",
    optional: false,
    present: tool::python,
    installation: Installation::Packages(&["python3", "python3-venv"]),
};

pub(crate) const NODE: Requirement = Requirement {
    name: "node 20 or newer, and npm",
    optional: false,
    present: |context| tool::node(context).is_some() && tool::npm(context).is_ok(),
    installation: Installation::Task(&[&PYTHON], tool::install_node),
};

pub(crate) const GO: Requirement = Requirement {
    name: "go 1.23 or newer",
    optional: false,
    present: |context| tool::go(context).is_some(),
    installation: Installation::Task(&[&PYTHON], tool::install_go),
};

pub(crate) const ASSEMBLYSCRIPT: Requirement = Requirement {
    name: "the AssemblyScript compiler",
    optional: false,
    present: assemblyscript::present,
    installation: Installation::Task(&[&NODE], assemblyscript::install),
};

pub(crate) const QUICKJS: Requirement = Requirement {
    name: "the source of QuickJS",
    optional: false,
    present: quickjs::present,
    installation: Installation::Task(&[], quickjs::fetch),
};

pub(crate) const MDBOOK: Requirement = Requirement {
    name: "mdBook 0.5",
    optional: false,
    present: |context| book::mdbook(context).is_some(),
    installation: Installation::Task(&[], book::install_mdbook),
};

pub(crate) const WASM_STD: Requirement = Requirement {
    name: "the standard library for wasm32-wasip1",
    optional: true,
    present: guests::standard_library,
    installation: Installation::Manual("rustup target add wasm32-wasip1, or set KINGLET_WASM_SYSROOT to a sysroot"),
};

pub(crate) const PERF: Requirement = Requirement {
    name: "Linux's perf, and permission to record (sysctl kernel.perf_event_paranoid=2)",
    optional: true,
    present: |_| present("perf", &["record", "-o", "/dev/null", "-e", "cpu-clock:u", "true"]),
    installation: Installation::Packages(&["linux-perf"]),
};

/// One row per other processor: the tools and the standard library for building and running programs.
macro_rules! other_processors {
    ($($tools:ident $library:ident $name:literal $triple:literal $libc:literal;)*) => {$(
        pub(crate) const $tools: Requirement = Requirement {
            name: concat!("gcc, libc and QEMU for ", $name),
            optional: false,
            present: |_| tool::cross($name),
            installation: Installation::Packages(&[concat!("gcc-", $name, "-linux-gnu"), $libc, "qemu-user"]),
        };

        pub(crate) const $library: Requirement = Requirement {
            name: concat!("Rust's standard library for ", $name),
            optional: true,
            present: |_| cross::library($triple),
            installation: Installation::Task(&[], |_| cross::add_target($triple)),
        };
    )*};
}

other_processors! {
    CROSS_AARCH64 STD_AARCH64 "aarch64" "aarch64-unknown-linux-gnu" "libc6-dev-arm64-cross";
    CROSS_RISCV64 STD_RISCV64 "riscv64" "riscv64gc-unknown-linux-gnu" "libc6-dev-riscv64-cross";
    CROSS_S390X STD_S390X "s390x" "s390x-unknown-linux-gnu" "libc6-dev-s390x-cross";
}

/// Installs a requirement unless it is present. The error is the end of the sentence `not run: GROUP needs …`.
pub(crate) fn ensure(context: &Context, requirement: &Requirement) -> Result<(), String> {
    if (requirement.present)(context) {
        return Ok(());
    }
    println!("{} is missing", requirement.name);
    let installed = match requirement.installation {
        Installation::Packages(packages) => install(packages),
        Installation::Component(component) => {
            output(Command::new("rustup").args(["component", "add", component])).map(drop)
        }
        Installation::Task(requirements, task) => {
            requirements.iter().try_for_each(|requirement| ensure(context, requirement)).and_then(|()| task(context))
        }
        Installation::Manual(instructions) => Err(instructions.to_string()),
    };
    match installed {
        Ok(()) if (requirement.present)(context) => Ok(()),
        Ok(()) => Err(format!("{}, which is missing even after its installation", requirement.name)),
        Err(reason) => Err(format!("{} ({reason})", requirement.name)),
    }
}

/// Returns whether the compilers run and find the libraries.
fn clang(_: &Context) -> bool {
    let target = "--target=wasm32-wasi";
    let finds = |file: &str| {
        let path = output(Command::new("clang++-19").args([target, &format!("-print-file-name={file}")]));
        path.is_ok_and(|path| Path::new(path.trim()).is_absolute())
    };
    let runtime = output(Command::new("clang-19").args([target, "-print-libgcc-file-name"])).unwrap_or_default();
    ["clang-19", "clang++-19", "wasm-ld-19", "llvm-ar-19"].iter().all(|tool| present(tool, &["--version"]))
        && ["libc.a", "libc++.a", "libc++abi.a"].iter().all(|file| finds(file))
        && Path::new(runtime.trim()).exists()
}

fn install(packages: &[&str]) -> Result<(), String> {
    let root = output(Command::new("id").arg("-u")).is_ok_and(|id| id.trim() == "0");
    let names = packages.join(" ");
    if !root || !Path::new("/etc/debian_version").exists() {
        return Err(format!("install the packages {names}"));
    }
    let apt = |args: &[&str]| output(Command::new("apt-get").env("DEBIAN_FRONTEND", "noninteractive").args(args));
    println!("installing the packages {names}");
    // Another process may hold the lock.
    let mut arguments = vec!["install", "--yes", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=300"];
    arguments.extend(packages);
    apt(&arguments).or_else(|_| apt(&["update"]).and_then(|_| apt(&arguments))).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_contains_the_instructions() {
        let missing = Requirement {
            name: "a tool",
            optional: false,
            present: |_| false,
            installation: Installation::Manual("install it"),
        };
        assert_eq!(ensure(&Context::new(), &missing).unwrap_err(), "a tool (install it)");
    }

    #[test]
    fn a_task_runs_only_if_its_requirements_are_present() {
        const MISSING: Requirement =
            Requirement { name: "x", optional: false, present: |_| false, installation: Installation::Manual("y") };
        let outer = Requirement {
            name: "z",
            optional: false,
            present: |_| false,
            installation: Installation::Task(&[&MISSING], |_| panic!("must not run")),
        };
        assert_eq!(ensure(&Context::new(), &outer).unwrap_err(), "z (x (y))");
    }
}
