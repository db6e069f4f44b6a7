//! The guest fixtures: built from `guests/*.rs` and compared byte by byte with the committed modules. The bytes depend
//! on the compiler and on the standard library. Therefore they must be equal only if `KINGLET_WASM_SYSROOT` has the
//! library with which the committed modules were built. With the toolchain's library, the guests must build and pass
//! the same tests.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::process::{Context, Tally, count, output};
use crate::tool;

/// The name of the target in Rust.
pub(crate) const TARGET: &str = "wasm32-wasip1";

/// The options for compiling a guest; `guests/README.md` shows the same command.
const RUSTC: &[&str] = &[
    "--edition",
    "2024",
    "--target",
    TARGET,
    "-C",
    "opt-level=z",
    "-C",
    "lto=fat",
    "-C",
    "panic=abort",
    "-C",
    "strip=symbols",
    "-C",
    "codegen-units=1",
];

/// `cargo xtask guests [--bless]`
pub(crate) fn command(context: &Context, args: &[String]) -> Result<(), String> {
    if !standard_library(context) {
        return Err(format!("no standard library for {TARGET}: see guests/README.md"));
    }
    if args.iter().any(|arg| arg == "--bless") {
        for name in names(&context.root) {
            let path = context.root.join("guests").join(format!("{name}.wasm"));
            compile(context, &name, &path)?;
            println!("wrote {}", path.display());
        }
        return Ok(());
    }
    if tally(context).failed == 0 { Ok(()) } else { Err(String::new()) }
}

/// Returns whether the standard library for guests is installed.
pub(crate) fn standard_library(_: &Context) -> bool {
    let root = sysroot().map_or_else(tool::rust_sysroot, PathBuf::from);
    root.join("lib/rustlib").join(TARGET).join("lib").exists()
}

/// Rebuilds all guests. With the fixtures' standard library, they must be equal. With another, they must pass the same
/// tests.
pub(crate) fn tally(context: &Context) -> Tally {
    let directory = context.target.join("guests");
    if let Err(error) = std::fs::create_dir_all(&directory) {
        println!("cannot create {}: {error}", directory.display());
        return Tally::FAILED;
    }
    let mut total = Tally::default();
    for name in names(&context.root) {
        let outcome = rebuild(context, &name, &directory.join(format!("{name}.wasm")));
        println!("guest {name}: {}", outcome.as_ref().map_or_else(String::as_str, |()| "ok"));
        total.add(if outcome.is_ok() { Tally::PASSED } else { Tally::FAILED });
    }
    if sysroot().is_none() {
        let mut cargo = Command::new("cargo");
        cargo.current_dir(&context.root).args(["test", "--package", "kinglet-tests", "--test", "guest", "committed"]);
        total.add(count(context, cargo.env("KINGLET_BIN", context.kinglet()).env("KINGLET_GUESTS", &directory)));
    }
    total
}

fn rebuild(context: &Context, name: &str, built: &Path) -> Result<(), String> {
    compile(context, name, built)?;
    if sysroot().is_none() {
        return Ok(());
    }
    let committed = context.root.join("guests").join(format!("{name}.wasm"));
    let [expected, actual] = [&committed, built].map(|path| std::fs::read(path).unwrap_or_default());
    if expected == actual { Ok(()) } else { Err(format!("{} differs from its rebuilt source", committed.display())) }
}

fn compile(context: &Context, name: &str, to: &Path) -> Result<(), String> {
    let mut rustc = Command::new("rustc");
    rustc.current_dir(&context.root).args(RUSTC);
    if let Some(sysroot) = sysroot() {
        rustc.arg("--sysroot").arg(sysroot);
    }
    output(rustc.arg(format!("guests/{name}.rs")).arg("-o").arg(to)).map(drop)
}

/// Returns the sysroot with the fixtures' standard library, which replaces the toolchain's.
pub(crate) fn sysroot() -> Option<OsString> {
    std::env::var_os("KINGLET_WASM_SYSROOT").filter(|path| !path.is_empty())
}

/// Returns the names of the committed guests, which are written in Rust.
pub(crate) fn names(root: &Path) -> Vec<String> {
    let files = std::fs::read_dir(root.join("guests")).into_iter().flatten().flatten().map(|entry| entry.path());
    let sources = files.filter(|path: &PathBuf| path.extension().is_some_and(|extension| extension == "rs"));
    let mut names: Vec<String> = sources.filter_map(|path| Some(path.file_stem()?.to_str()?.to_string())).collect();
    names.sort();
    names
}
