//! Small modules, in the text format, that need much compile time or memory. Each exports a function `f` that takes and
//! returns an `i32`, and that returns quickly when it is called with 0.

use std::fmt::Write;

/// Returns a module with a function `f` of many blocks. In each block, `f` calls a function with `values` parameters and
/// results, and then branches out with all results. With 1,500 blocks and 999 values, the binary has 20 kB; compiling it
/// needed 4 GB.
pub fn rotating(blocks: usize, values: usize) -> String {
    let ty = "i32 ".repeat(values);
    let rotated: String = (1..values).chain([0]).map(|local| format!("(local.get {local})")).collect();
    let zeros = "i32.const 7 ".repeat(values);
    let chain = format!("block (type $many) {} {} br_if 0 end ", "call $rotate ", "local.get 0");
    format!(
        r#"(module (type $many (func (param {ty}) (result {ty})))
          (func $rotate (type $many) {rotated})
          (func (export "f") (param i32) (result i32) (local $sum i32)
            {zeros} {} {}))"#,
        chain.repeat(blocks),
        format!("(local.set $sum (i32.add (local.get $sum))) {}", "drop ".repeat(values - 1)) + "(local.get $sum)"
    )
}

/// Returns a module with a function `f` of many locals and `if`s. Each `if` changes one local, and the end of `f` reads all
/// locals.
pub fn changing(locals: usize, ifs: usize) -> String {
    let mut text = format!("(module (func (export \"f\") (param i32) (result i32) (local {})", "i32 ".repeat(locals));
    for i in 0..ifs {
        let local = 1 + i % locals;
        write!(text, "(if (local.get 0) (then (local.set {local} (i32.add (local.get {local}) (i32.const {i})))))")
            .unwrap();
    }
    for local in 0..locals {
        write!(text, "(local.set 0 (i32.add (local.get 0) (local.get {local})))").unwrap();
    }
    text + "(local.get 0)))"
}

/// Returns a module with nested loops that all have the same locals as loop variables.
pub fn loops(depth: usize, locals: usize) -> String {
    let steps: String =
        (1..=locals).map(|local| format!("(local.set {local} (i32.add (local.get {local}) (i32.const 1)))")).collect();
    let (open, close) = ("(loop ".repeat(depth), "(br_if 0 (local.get 0)))".repeat(depth));
    format!(
        "(module (func (export \"f\") (param i32) (result i32) (local {}) {open} {steps} {close} (local.get {locals})))",
        "i32 ".repeat(locals)
    )
}

/// Returns a module with a `br_table` to many labels, with many values.
pub fn table(labels: usize, values: usize) -> String {
    let (ty, zeros) = ("i32 ".repeat(values), "i32.const 7 ".repeat(values));
    let open = "block (result ".to_string() + &ty + ") ";
    let targets: String = (0..labels).map(|label| format!("{label} ")).collect();
    format!(
        "(module (func (export \"f\") (param i32) (result i32) {} {zeros} local.get 0 br_table {targets} {} {}))",
        open.repeat(labels),
        "end ".repeat(labels),
        "drop ".repeat(values - 1)
    )
}

/// Returns a module with references that are live across many calls.
pub fn references(count: usize) -> String {
    let make: String = (0..count).map(|_| "(struct.new $s) ").collect();
    let calls = "(call $nothing) ".repeat(count);
    format!(
        "(module (type $s (struct)) (func $nothing)
           (func (export \"f\") (param i32) (result i32) {make} {calls} {} (local.get 0)))",
        "drop ".repeat(count)
    )
}

/// Returns a module with consecutive blocks, each with a different constant.
pub fn row(blocks: usize) -> String {
    let blocks: String = (0..blocks)
        .map(|i| format!("(if (local.get 0) (then (local.set 1 (i32.xor (local.get 1) (i32.const {i})))))"))
        .collect();
    format!("(module (func (export \"f\") (param i32) (result i32) (local i32) {blocks} (local.get 1)))")
}

/// Returns a module of each kind with its name. The modules are so large that compiling them without limits would need
/// gigabytes or minutes.
pub fn hostile() -> Vec<(&'static str, String)> {
    vec![
        ("rotating", rotating(1500, 999)),
        ("changing", changing(1500, 1500)),
        ("loops", loops(200, 500)),
        ("table", table(300, 300)),
        ("references", references(2000)),
        ("row", row(20_000)),
    ]
}
