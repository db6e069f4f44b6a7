//! Snapshots of what operations are lowered to: one file per chapter of instructions, one function per operation. The
//! expected listing stands at the end of each file; `BLESS=1` rewrites it.

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

fn engine() -> Engine {
    let mut config = Config::new();
    for row in FEATURES {
        config.feature(row.feature, true);
    }
    Engine::new(&config).unwrap()
}

#[test]
fn every_operation_is_lowered_as_its_snapshot_says() {
    let engine = engine();
    let mut wrong = Vec::new();
    for file in files() {
        let text = std::fs::read_to_string(&file).unwrap();
        let module = Module::new(&engine, snapshot::source(&text)).unwrap();
        module.check_walk().unwrap();
        #[cfg(feature = "jit")]
        kinglet::testing::check_native(&module).unwrap_or_else(|why| panic!("{}: {why}", file.display()));
        let mut listings = String::new();
        for (defined, name) in names(snapshot::source(&text)).iter().enumerate() {
            let listing = module.interpreter_listing(defined as u32).unwrap();
            listings.push_str(&format!("{name}\n{listing}"));
        }
        wrong.extend(snapshot::check(&file, &listings).err());
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    every_operation_of_the_table_is_there();
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
