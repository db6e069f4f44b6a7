//! Linked modules: a library that exports a memory, a table and a function, a program that imports them and adds its own
//! function to the table, and a command with a new instance for each call.

use kinglet::{Caller, Engine, Error, Extern, Linker, Module, Result, Store};

/// Exports a memory for texts, and a function that prints a text with a function of its table.
const LIBRARY: &str = r#"(module
    (import "host" "print" (func $print (param i32 i32)))
    (memory (export "memory") 1)
    (table (export "printers") 2 funcref)
    (elem (i32.const 0) $print)
    (type $printer (func (param i32 i32)))
    (func (export "show") (param $printer i32) (param $at i32) (param $len i32)
        (call_indirect (type $printer) (local.get $at) (local.get $len) (local.get $printer))))"#;

/// Writes to the library's memory and adds its own printer to the library's table.
const PROGRAM: &str = r#"(module
    (import "library" "memory" (memory 1))
    (import "library" "printers" (table $printers 2 funcref))
    (import "library" "show" (func $show (param i32 i32 i32)))
    (import "tool" "next" (func $next (result i32)))
    (data (i32.const 0) "linked modules")
    (elem (i32.const 1) $loud)
    ;; Converts a text to capitals and prints it with the library.
    (func $loud (param $at i32) (param $len i32) (local $i i32) (local $c i32)
        (loop $each
            (local.set $c (i32.load8_u (i32.add (local.get $at) (local.get $i))))
            (if (i32.gt_u (local.get $c) (i32.const 96))
                (then (i32.store8 (i32.add (local.get $at) (local.get $i)) (i32.sub (local.get $c) (i32.const 32)))))
            (br_if $each (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get $len))))
        (call $show (i32.const 0) (local.get $at) (local.get $len)))
    (func (export "run") (result i32)
        (call $show (i32.const 0) (i32.const 0) (i32.const 14))
        (call $show (i32.const 1) (i32.const 0) (i32.const 14))
        (i32.add (call $next) (call $next))))"#;

/// Increments a counter. The module is a command, so each call has a new instance, and the result is always 1.
const TOOL: &str = r#"(module
    (global $count (mut i32) (i32.const 0))
    (func (export "_start"))
    (func (export "next") (result i32)
        (global.set $count (i32.add (global.get $count) (i32.const 1)))
        (global.get $count)))"#;

/// Prints a text in the caller's memory.
fn print(mut caller: Caller<'_, ()>, at: u32, len: u32) -> Result<()> {
    let memory = caller.get_export("memory").and_then(Extern::into_memory);
    let memory = memory.ok_or_else(|| Error::msg("the caller exports no memory"))?;
    let mut text = vec![0; len as usize];
    memory.read(&caller, at as usize, &mut text)?;
    println!("{}", String::from_utf8_lossy(&text));
    Ok(())
}

fn main() -> Result<()> {
    let engine = Engine::default();
    let mut store = Store::new(&engine, ());
    let mut linker = Linker::new(&engine);
    linker.func_wrap("host", "print", print)?;
    linker.module(&mut store, "library", &Module::new(&engine, LIBRARY)?)?;
    linker.module(&mut store, "tool", &Module::new(&engine, TOOL)?)?;

    let program = linker.instantiate(&mut store, &Module::new(&engine, PROGRAM)?)?;
    let sum = program.get_typed_func::<(), i32>(&mut store, "run")?.call(&mut store, ())?;
    println!("1 + 1 = {sum}");
    for (module, name, item) in linker.iter(&mut store) {
        println!("{module}.{name}: {}", item.ty(&store));
    }
    Ok(())
}
