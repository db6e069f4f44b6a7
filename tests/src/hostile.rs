//! Modules, as text, with functions that are small and take the compiler much memory or time. Each exports a function `f`
//! that takes and returns an `i32`, and runs at once when it is called with 0.

use std::fmt::Write;

/// A module with a function `f` that calls a function of so many parameters and results again and again, and may leave each
/// of as many blocks with all of them: 1,500 of 999 are 20 kB as a binary, and took 4 GB.
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

/// A function with as many locals as `if`s, each of which changes one; all are read at the end, over and over.
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

/// Nested loops that all have as many variables.
pub fn loops(depth: usize, locals: usize) -> String {
    let steps: String =
        (1..=locals).map(|local| format!("(local.set {local} (i32.add (local.get {local}) (i32.const 1)))")).collect();
    let (open, close) = ("(loop ".repeat(depth), "(br_if 0 (local.get 0)))".repeat(depth));
    format!(
        "(module (func (export \"f\") (param i32) (result i32) (local {}) {open} {steps} {close} (local.get {locals})))",
        "i32 ".repeat(locals)
    )
}

/// A branch with values to each of many labels.
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

/// References that live over many calls.
pub fn references(count: usize) -> String {
    let make: String = (0..count).map(|_| "(struct.new $s) ").collect();
    let calls = "(call $nothing) ".repeat(count);
    format!(
        "(module (type $s (struct)) (func $nothing)
           (func (export \"f\") (param i32) (result i32) {make} {calls} {} (local.get 0)))",
        "drop ".repeat(count)
    )
}

/// Blocks in a row, each with a constant of its own.
pub fn row(blocks: usize) -> String {
    let blocks: String = (0..blocks)
        .map(|i| format!("(if (local.get 0) (then (local.set 1 (i32.xor (local.get 1) (i32.const {i})))))"))
        .collect();
    format!("(module (func (export \"f\") (param i32) (result i32) (local i32) {blocks} (local.get 1)))")
}

/// Each kind, with a name, so large that compiling it without limits takes gigabytes or minutes.
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
