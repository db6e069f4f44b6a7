//! Functions whose branches move many values: many more moves than the body has bytes. No tier rejects them.

use kinglet::{Config, Engine, Instance, Module, RunMode, Store};

/// The number of values that a branch moves, which is the largest number of block results.
const VALUES: usize = 1000;

/// Runs the export `f` of a module in the interpreter, and checks the size of its bytecode.
#[track_caller]
fn runs(text: &str, argument: i32, expected: i32) {
    let binary = wat::parse_str(text).unwrap();
    let engine = Engine::new(Config::new().run_mode(RunMode::Interpreter)).unwrap();
    let module = Module::new(&engine, &binary).unwrap();
    let mut store = Store::new(&engine, ());
    let instance = Instance::new(&mut store, &module, &[]).unwrap();
    let f = instance.get_typed_func::<i32, i32>(&mut store, "f").unwrap();
    assert_eq!(f.call(&mut store, argument).unwrap(), expected);
    let bytes = module.stats().lowered.bytes;
    assert!(
        bytes < (256 << 10) + 64 * binary.len() as u64,
        "{bytes} bytes of bytecode for {} of the module",
        binary.len()
    );
}

fn results() -> String {
    "i32 ".repeat(VALUES)
}

fn drops() -> String {
    "drop ".repeat(VALUES - 1)
}

#[test]
fn many_conditional_branches_can_move_many_values() {
    let branch = "local.get 0 i32.const 7 i32.eq br_if 0 ".repeat(300);
    let (values, results, drops) = ("local.get 0 ".repeat(VALUES), results(), drops());
    let text = format!(
        "(module (type $b (func (result {results}))) (func (export \"f\") (param i32) (result i32)
            i32.const 1 (block (type $b) {values} {branch} ) {drops} i32.add))"
    );
    runs(&text, 7, 8);
    runs(&text, 8, 9);
}

#[test]
fn constants_and_references_below_many_branches_are_materialised_once() {
    let branch = "local.get 0 br_if 0 ".repeat(300);
    let (values, results, drops) = ("i32.const 3 ".repeat(VALUES), results(), drops());
    let nulls = "ref.null func ".repeat(VALUES);
    let funcrefs = "funcref ".repeat(VALUES);
    runs(
        &format!(
            "(module (type $b (func (result {results}))) (func (export \"f\") (param i32) (result i32)
                (block (type $b) i32.const 3 drop {values} {branch}) {drops}))"
        ),
        0,
        3,
    );
    let null = "local.get 0 br_if 0 ref.null func br_on_null 0 drop ".repeat(150);
    runs(
        &format!(
            "(module (type $b (func (result {funcrefs}))) (func (export \"f\") (param i32) (result i32)
                (block (type $b) {nulls} {null}) {drops} ref.is_null))"
        ),
        0,
        1,
    );
}

#[test]
fn a_branch_table_can_move_many_values_to_each_target() {
    let (count, results, drops) = (300, results(), drops());
    let open = "(block (type $b) ".repeat(count);
    let targets: String = (0..count).map(|depth| format!("{depth} ")).collect();
    let values: String = (0..VALUES).map(|i| format!("i32.const {i} ")).collect();
    let text = format!(
        "(module (type $b (func (result {results}))) (func (export \"f\") (param i32) (result i32)
            {open} {values} local.get 0 br_table {targets} 0 {} {drops}))",
        ")".repeat(count)
    );
    runs(&text, 5, 0);
    runs(&text, 299, 0);
}

#[test]
fn many_ifs_can_have_many_results() {
    let (count, results, drops) = (200, results(), drops());
    let values = "i32.const 5 ".repeat(VALUES);
    let ifs = "local.get 0 if (type $b) else end ".repeat(count);
    let nested = format!("{} {}", "local.get 0 if (type $b) ".repeat(count), "else end ".repeat(count));
    for body in [ifs, nested] {
        let text = format!(
            "(module (type $b (func (param {results}) (result {results}))) (func (export \"f\") (param i32) (result i32)
                {values} {body} {drops}))"
        );
        runs(&text, 1, 5);
    }
}

#[test]
fn many_loops_can_have_many_constants_below_them() {
    let values = "i32.const 5 ".repeat(VALUES);
    let loops = "local.get 0 if loop end end ".repeat(400);
    let sum = "i32.add ".repeat(VALUES - 1);
    let text = format!("(module (func (export \"f\") (param i32) (result i32) {values} {loops} {sum}))");
    runs(&text, 1, 5 * VALUES as i32);
}

#[test]
fn many_calls_can_have_many_live_null_references() {
    let nulls = "ref.null extern ".repeat(VALUES);
    let calls = "call $g ".repeat(400);
    let drops = "drop ".repeat(VALUES);
    let text = format!(
        "(module (func $g) (func (export \"f\") (param i32) (result i32) {nulls} {calls} {drops} local.get 0))"
    );
    runs(&text, 9, 9);
}

#[test]
fn constant_expressions_can_be_long() {
    let constants = "i32.const 1 i32.add ".repeat(300_000);
    let text = format!(
        "(module (import \"m\" \"g\" (global $g i32)) (global (export \"sum\") i32 (global.get $g) {constants}))"
    );
    let engine = Engine::new(Config::new().run_mode(RunMode::Interpreter)).unwrap();
    let module = Module::new(&engine, &text).unwrap();
    let mut store = Store::new(&engine, ());
    let ty = kinglet::GlobalType { content: kinglet::ValType::I32, mutable: false };
    let seven = kinglet::Global::new(&mut store, ty, kinglet::Val::I32(7)).unwrap();
    let instance = Instance::new(&mut store, &module, &[seven.into()]).unwrap();
    let sum = instance.get_global(&mut store, "sum").unwrap();
    assert!(matches!(sum.get(&mut store), kinglet::Val::I32(300_007)));
}
