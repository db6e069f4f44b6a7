//! Snapshots of what operations are lowered to, bytecode, Cranelift's intermediate code and x86-64's machine code: one
//! file per chapter of instructions, one function per operation. The expected listing stands at the end of each file;
//! `BLESS=1` rewrites it.

use std::path::Path;

use kinglet::{Config, Engine, FEATURES, Module};
use kinglet_testing::snapshot;
use kinglet_wasm::op::{Op, Structural};

fn files() -> Vec<std::path::PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("op");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

fn config() -> Config {
    let mut config = Config::new();
    for row in FEATURES {
        config.feature(row.feature, true);
    }
    config
}

#[test]
fn every_operation_is_lowered_as_its_snapshot_says() {
    let engine = Engine::new(&config()).unwrap();
    let compiling = compiling_engine();
    let mut wrong = Vec::new();
    for file in files() {
        let text = std::fs::read_to_string(&file).unwrap();
        let module = Module::new(&engine, snapshot::source(&text)).unwrap();
        module.check_walk().unwrap();
        kinglet::testing::check_native(&module).unwrap_or_else(|why| panic!("{}: {why}", file.display()));
        let compiled = Module::new(&compiling, snapshot::source(&text)).unwrap();
        let mut listings = String::new();
        for (defined, name) in names(snapshot::source(&text)).iter().enumerate() {
            let listing = module.interpreter_listing(defined as u32).unwrap();
            listings.push_str(&format!("{name}\n{listing}"));
            listings.push_str(&native_listing(&compiled, defined as u32));
        }
        wrong.extend(snapshot::check(&file, &listings).err());
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    every_operation_of_the_table_is_there();
}

/// An engine for what operations are compiled to: the same on every machine, for its target is given.
fn compiling_engine() -> Engine {
    let mut config = config();
    config.target("x86_64-unknown-linux-gnu").interruptible(false);
    Engine::new(&config).unwrap()
}

/// A function's intermediate code and machine code, without what all functions have: declarations, entry, and the frame
/// being left.
fn native_listing(module: &Module, defined: u32) -> String {
    let listing = module.native_listing(defined).unwrap();
    let clif = listing.clif.lines().skip_while(|line| !line.contains("block0("));
    // Each line begins with its offset, if it has one.
    let clif =
        clif.map(|line| line.split_once('@').map_or(line, |(_, line)| line.split_once(' ').unwrap_or_default().1));
    let clif = clif.map(str::trim).filter(|line| !line.is_empty() && *line != "}" && !line.starts_with("block0("));
    let assembly = listing.assembly.lines().map(str::trim).skip_while(|line| *line != "block0:").skip(1);
    let assembly = assembly.filter(|line| !["movq %rbp, %rsp", "popq %rbp"].contains(line));
    let section = |title: &str, lines: Vec<&str>| format!("  {title}\n    {}\n", lines.join("\n    "));
    section("clif", clif.collect()) + &section("x86-64", assembly.collect())
}

/// The names of the functions a source defines, in order.
fn names(source: &str) -> Vec<&str> {
    let heads = source.split("(func $").zip(source.split("(func $").skip(1));
    let defined = heads.filter(|(before, _)| !before.trim_end().ends_with(&['"'][..]));
    defined.map(|(_, after)| after.split([' ', ')', '\n']).next().unwrap_or("")).collect()
}

/// Operations that no tier has yet, or that are written otherwise in the text format.
fn is_elsewhere(op: Op) -> bool {
    let Op::Structural(op) = op else { return false };
    let aggregate = ["array.", "ref.test", "ref.cast", "ref.i31", "i31.", "br_on_cast", "any.", "extern."];
    aggregate.iter().any(|start| op.text().starts_with(start))
        || matches!(
            op,
            Structural::End
                | Structural::RefEq
                | Structural::ThrowRef
                | Structural::StructNewDefault
                | Structural::StructGetS
                | Structural::StructGetU
        )
}

fn every_operation_of_the_table_is_there() {
    let texts: String = files().iter().map(|file| std::fs::read_to_string(file).unwrap()).collect();
    let missing: Vec<_> = Op::all()
        .filter(|op| !is_elsewhere(*op) && !texts.contains(&format!("({}", op.text())))
        .map(|op| op.text())
        .collect();
    assert!(missing.is_empty(), "no snapshot has {missing:?}");
}
