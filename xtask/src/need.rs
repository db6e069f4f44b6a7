//! What a test group needs beyond Rust: how to see whether it is there, and the ways to get it. Packages are installed
//! only by root on Debian; elsewhere the reader is told what to install.

use std::fs::File;
use std::path::Path;
use std::process::Command;

use crate::process::{Context, output, present};
use crate::programs::{assemblyscript, quickjs};
use crate::{book, cross, guests, tool};

/// One row per thing a group can need.
pub(crate) struct Need {
    /// As it is named to the reader.
    pub(crate) name: &'static str,
    /// Its absence leaves tests out, but is no failure even where nothing may be left out.
    pub(crate) optional: bool,
    present: fn(&Context) -> bool,
    supply: Supply,
}

/// How a missing need is met.
enum Supply {
    /// Debian packages.
    Packages(&'static [&'static str]),
    /// A component of the Rust toolchain.
    Component(&'static str),
    /// A task of our own, after the needs that it has itself.
    Task(&'static [&'static Need], fn(&Context) -> Result<(), String>),
    /// The reader has to see to it.
    Hint(&'static str),
}

pub(crate) const RUSTFMT: Need = Need {
    name: "rustfmt",
    optional: false,
    present: |_| present("cargo", &["fmt", "--version"]),
    supply: Supply::Component("rustfmt"),
};

pub(crate) const CLIPPY: Need = Need {
    name: "clippy",
    optional: false,
    present: |_| present("cargo", &["clippy", "--version"]),
    supply: Supply::Component("clippy"),
};

/// The standard library's source, which is built with a sanitizer.
pub(crate) const RUST_SRC: Need = Need {
    name: "rust-src",
    optional: true,
    present: |_| {
        let sysroot = output(Command::new("rustc").args(["--print", "sysroot"])).unwrap_or_default();
        let placed = std::env::var_os("__CARGO_TESTS_ONLY_SRC_ROOT").is_some();
        placed || Path::new(sysroot.trim()).join("lib/rustlib/src/rust/library/Cargo.lock").exists()
    },
    supply: Supply::Component("rust-src"),
};

/// libFuzzer is C++.
pub(crate) const CXX: Need = Need {
    name: "a C++ compiler",
    optional: false,
    present: |_| present("c++", &["--version"]),
    supply: Supply::Packages(&["g++"]),
};

pub(crate) const OBJDUMP: Need = Need {
    name: "objdump",
    optional: false,
    present: |_| present("objdump", &["--version"]),
    supply: Supply::Packages(&["binutils"]),
};

pub(crate) const PSEUDO_TERMINAL: Need = Need {
    name: "a pseudo-terminal",
    optional: false,
    present: |_| File::options().read(true).write(true).open("/dev/ptmx").is_ok(),
    supply: Supply::Hint("mount devpts on /dev/pts"),
};

/// C and C++ for WASI: compiler, linker, libraries.
pub(crate) const CLANG: Need = Need {
    name: "clang 19 with the libraries for wasm32-wasi",
    optional: false,
    present: clang,
    supply: Supply::Packages(&[
        "clang-19",
        "lld-19",
        "llvm-19",
        "wasi-libc",
        "libclang-rt-19-dev-wasm32",
        "libc++-19-dev-wasm32",
        "libc++abi-19-dev-wasm32",
    ]),
};

const PYTHON: Need = Need {
    name: "Python with its module venv",
    optional: false,
    present: tool::python,
    supply: Supply::Packages(&["python3", "python3-venv"]),
};

/// Node and npm.
pub(crate) const NODE: Need = Need {
    name: "node 20 or newer, and npm",
    optional: false,
    present: |context| tool::node(context).is_some() && tool::npm(context).is_ok(),
    supply: Supply::Task(&[&PYTHON], tool::install_node),
};

pub(crate) const GO: Need = Need {
    name: "go 1.23 or newer",
    optional: false,
    present: |context| tool::go(context).is_some(),
    supply: Supply::Task(&[&PYTHON], tool::install_go),
};

pub(crate) const ASSEMBLYSCRIPT: Need = Need {
    name: "the AssemblyScript compiler",
    optional: false,
    present: assemblyscript::present,
    supply: Supply::Task(&[&NODE], assemblyscript::install),
};

pub(crate) const QUICKJS: Need = Need {
    name: "the source of QuickJS",
    optional: false,
    present: quickjs::present,
    supply: Supply::Task(&[], quickjs::fetch),
};

pub(crate) const MDBOOK: Need = Need {
    name: "mdBook 0.5",
    optional: false,
    present: |context| book::mdbook(context).is_some(),
    supply: Supply::Task(&[], book::install_mdbook),
};

pub(crate) const WASM_STD: Need = Need {
    name: "the standard library for wasm32-wasip1",
    optional: true,
    present: guests::standard_library,
    supply: Supply::Hint("rustup target add wasm32-wasip1, or name a sysroot in KINGLET_WASM_SYSROOT"),
};

pub(crate) const PERF: Need = Need {
    name: "Linux's perf, and permission to record (sysctl kernel.perf_event_paranoid=2)",
    optional: true,
    present: |_| present("perf", &["record", "-o", "/dev/null", "-e", "cpu-clock:u", "true"]),
    supply: Supply::Packages(&["linux-perf"]),
};

/// One row per other processor: the tools and the standard library to build and run programs for it.
macro_rules! other_processors {
    ($($tools:ident $library:ident $name:literal $triple:literal $libc:literal;)*) => {$(
        pub(crate) const $tools: Need = Need {
            name: concat!("gcc, libc and QEMU for ", $name),
            optional: false,
            present: |_| tool::cross($name),
            supply: Supply::Packages(&[concat!("gcc-", $name, "-linux-gnu"), $libc, "qemu-user"]),
        };

        pub(crate) const $library: Need = Need {
            name: concat!("Rust's standard library for ", $name),
            optional: true,
            present: |_| cross::library($triple),
            supply: Supply::Task(&[], |_| cross::add_target($triple)),
        };
    )*};
}

other_processors! {
    CROSS_AARCH64 STD_AARCH64 "aarch64" "aarch64-unknown-linux-gnu" "libc6-dev-arm64-cross";
    CROSS_RISCV64 STD_RISCV64 "riscv64" "riscv64gc-unknown-linux-gnu" "libc6-dev-riscv64-cross";
    CROSS_S390X STD_S390X "s390x" "s390x-unknown-linux-gnu" "libc6-dev-s390x-cross";
}

/// Makes sure that a need is met. The error is the end of the sentence `not run: GROUP needs …`.
pub(crate) fn meet(context: &Context, need: &Need) -> Result<(), String> {
    if (need.present)(context) {
        return Ok(());
    }
    println!("{} is missing", need.name);
    let supplied = match need.supply {
        Supply::Packages(packages) => install(packages),
        Supply::Component(component) => output(Command::new("rustup").args(["component", "add", component])).map(drop),
        Supply::Task(before, task) => {
            before.iter().try_for_each(|need| meet(context, need)).and_then(|()| task(context))
        }
        Supply::Hint(hint) => Err(hint.to_string()),
    };
    match supplied {
        Ok(()) if (need.present)(context) => Ok(()),
        Ok(()) => Err(format!("{}, which is still missing after its set-up", need.name)),
        Err(why) => Err(format!("{} ({why})", need.name)),
    }
}

/// The compilers answer, and know where the libraries are.
fn clang(_: &Context) -> bool {
    let target = "--target=wasm32-wasi";
    let knows = |file: &str| {
        let path = output(Command::new("clang++-19").args([target, &format!("-print-file-name={file}")]));
        path.is_ok_and(|path| Path::new(path.trim()).is_absolute())
    };
    let runtime = output(Command::new("clang-19").args([target, "-print-libgcc-file-name"])).unwrap_or_default();
    ["clang-19", "clang++-19", "wasm-ld-19", "llvm-ar-19"].iter().all(|tool| present(tool, &["--version"]))
        && ["libc.a", "libc++.a", "libc++abi.a"].iter().all(|file| knows(file))
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
    // Another installation may be under way.
    let mut arguments = vec!["install", "--yes", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=300"];
    arguments.extend(packages);
    apt(&arguments).or_else(|_| apt(&["update"]).and_then(|_| apt(&arguments))).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unmet_need_says_what_to_do() {
        let never = Need {
            name: "a moonbeam",
            optional: false,
            present: |_| false,
            supply: Supply::Hint("wait for the night"),
        };
        assert_eq!(meet(&Context::new(), &never).unwrap_err(), "a moonbeam (wait for the night)");
    }

    #[test]
    fn a_task_runs_after_its_own_need() {
        const NEVER: Need = Need { name: "x", optional: false, present: |_| false, supply: Supply::Hint("y") };
        let outer = Need {
            name: "z",
            optional: false,
            present: |_| false,
            supply: Supply::Task(&[&NEVER], |_| panic!("must not run")),
        };
        assert_eq!(meet(&Context::new(), &outer).unwrap_err(), "z (x (y))");
    }
}
