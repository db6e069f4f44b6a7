//! Snapshots of lowered operations: bytecode, Cranelift IR and x86-64 machine code, with one file per chapter of
//! instructions and one function per operation. The expected listing is at the end of each file. Machine code for other
//! targets is in one file per chapter, in a directory per target. `BLESS=1` rewrites all files.

use std::path::{Path, PathBuf};

use kinglet::{Config, Engine, FEATURES, Module};
use kinglet_testing::snapshot;
use kinglet_wasm::op::{Op, Structural};

/// The targets with separate snapshots: their directory, their triple, and the enabled processor features.
const TARGETS: &[(&str, &str, &[&str])] = &[
    ("aarch64", "aarch64-unknown-linux-gnu", &[]),
    // Vectors are an optional extension; without it, functions with vectors are interpreted.
    ("riscv64", "riscv64gc-unknown-linux-gnu", &["v"]),
    ("s390x", "s390x-unknown-linux-gnu", &[]),
];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("op")
}

fn files() -> Vec<PathBuf> {
    let paths = std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = paths.filter(|path| path.is_file()).collect();
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
fn every_operation_lowers_to_its_snapshot() {
    let engine = Engine::new(&config()).unwrap();
    let compiling = compiling_engine("x86_64-unknown-linux-gnu", &[]);
    let mut wrong = Vec::new();
    for file in files() {
        let text = std::fs::read_to_string(&file).unwrap();
        let module = Module::new(&engine, snapshot::source(&text)).unwrap();
        module.check_walk().unwrap();
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
    every_operation_of_the_table_has_a_snapshot();
}

#[test]
fn every_operation_compiles_to_its_snapshots_for_other_targets() {
    let check = |(name, triple, features): &(&str, &str, &[&str])| {
        let engine = compiling_engine(triple, features);
        let mut wrong = Vec::new();
        for file in files() {
            let text = std::fs::read_to_string(&file).unwrap();
            let source = snapshot::source(&text);
            let module = Module::new(&engine, source).unwrap();
            let code = |(defined, function): (usize, &&str)| {
                let listing = module.native_listing(defined as u32).unwrap();
                format!("{function}\n{}", lines(&body(&listing.assembly)))
            };
            let listings: String = names(source).iter().enumerate().map(code).collect();
            let path = folder().join(name).join(file.file_name().unwrap()).with_extension("txt");
            wrong.extend(snapshot::check_file(&path, &listings).err());
        }
        wrong
    };
    let wrong: Vec<String> = TARGETS.iter().flat_map(check).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// Returns an engine that compiles for a target. Its output is the same on every machine.
fn compiling_engine(triple: &str, features: &[&str]) -> Engine {
    let mut config = config();
    config.target(triple).interruptible(false);
    for feature in features {
        config.cpu_feature(feature, true);
    }
    Engine::new(&config).unwrap()
}

/// Returns a function's IR and machine code, without the parts that all functions share: declarations, prologue and
/// epilogue.
fn native_listing(module: &Module, defined: u32) -> String {
    let listing = module.native_listing(defined).unwrap();
    let clif = listing.clif.lines().skip_while(|line| !line.contains("block0("));
    // A line starts with its offset, if it has one.
    let clif =
        clif.map(|line| line.split_once('@').map_or(line, |(_, line)| line.split_once(' ').unwrap_or_default().1));
    let clif = clif.map(str::trim).filter(|line| !line.is_empty() && *line != "}" && !line.starts_with("block0("));
    format!("  clif\n{}  x86-64\n{}", lines(&clif.collect::<Vec<_>>()), lines(&body(&listing.assembly)))
}

/// Returns machine code without prologue and epilogue.
fn body(assembly: &str) -> Vec<&str> {
    let all = assembly.lines().map(str::trim).skip_while(|line| *line != "block0:").skip(1);
    all.filter(|line| !LEAVING.contains(line)).collect()
}

/// The instructions of the epilogue of the smallest frame.
const LEAVING: &[&str] =
    &["movq %rbp, %rsp", "popq %rbp", "ldp fp, lr, [sp], #16", "ld ra,8(sp)", "ld fp,0(sp)", "addi sp,sp,16"];

fn lines(lines: &[&str]) -> String {
    format!("    {}\n", lines.join("\n    "))
}

/// Returns the names of the functions in a source, in order.
fn names(source: &str) -> Vec<&str> {
    let heads = source.split("(func $").zip(source.split("(func $").skip(1));
    let defined = heads.filter(|(before, _)| !before.trim_end().ends_with(&['"'][..]));
    defined.map(|(_, after)| after.split([' ', ')', '\n']).next().unwrap_or("")).collect()
}

/// Operations that no tier implements yet, or that have another name in the text format.
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

fn every_operation_of_the_table_has_a_snapshot() {
    let texts: String = files().iter().map(|file| std::fs::read_to_string(file).unwrap()).collect();
    let missing: Vec<_> = Op::all()
        .filter(|op| !is_elsewhere(*op) && !texts.contains(&format!("({}", op.text())))
        .map(|op| op.text())
        .collect();
    assert!(missing.is_empty(), "no snapshot has {missing:?}");
}
