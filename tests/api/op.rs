//! Snapshots of what operations are lowered to, bytecode, Cranelift's intermediate code and x86-64's machine code: one
//! file per chapter of instructions, one function per operation. The expected listing stands at the end of each file;
//! machine code of the other targets is in a file per chapter in a folder per target. `BLESS=1` rewrites all.

use std::path::{Path, PathBuf};

use kinglet::{Config, Engine, FEATURES, Module};
use kinglet_testing::snapshot;
use kinglet_wasm::op::{Op, Structural};

/// Targets that have snapshots of their own: their folder, their triple, and what of their processors is used.
const TARGETS: &[(&str, &str, &[&str])] = &[
    ("aarch64", "aarch64-unknown-linux-gnu", &[]),
    // Vectors are an extension, without which functions with them are left to the interpreter.
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
fn every_operation_is_lowered_as_its_snapshot_says() {
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
    every_operation_of_the_table_is_there();
}

#[test]
fn every_operation_is_compiled_for_other_targets_as_its_snapshot_says() {
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

/// An engine for what operations are compiled to: the same on every machine, for its target is given.
fn compiling_engine(triple: &str, features: &[&str]) -> Engine {
    let mut config = config();
    config.target(triple).interruptible(false);
    for feature in features {
        config.cpu_feature(feature, true);
    }
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
    format!("  clif\n{}  x86-64\n{}", lines(&clif.collect::<Vec<_>>()), lines(&body(&listing.assembly)))
}

/// Machine code without the entry and what leaves the frame.
fn body(assembly: &str) -> Vec<&str> {
    let all = assembly.lines().map(str::trim).skip_while(|line| *line != "block0:").skip(1);
    all.filter(|line| !LEAVING.contains(line)).collect()
}

/// How frames of their smallest size are left.
const LEAVING: &[&str] =
    &["movq %rbp, %rsp", "popq %rbp", "ldp fp, lr, [sp], #16", "ld ra,8(sp)", "ld fp,0(sp)", "addi sp,sp,16"];

fn lines(lines: &[&str]) -> String {
    format!("    {}\n", lines.join("\n    "))
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
