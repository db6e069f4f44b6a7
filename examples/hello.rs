//! The smallest embedding: a guest that calls a function of the host.

use kinglet::{Engine, Linker, Module, Result, Store};

fn main() -> Result<()> {
    let engine = Engine::default();
    let module = Module::new(
        &engine,
        r#"(module
            (import "host" "greet" (func $greet (param i32)))
            (func (export "run") (param i32 i32) (call $greet (i32.add (local.get 0) (local.get 1)))))"#,
    )?;
    let mut linker = Linker::new(&engine);
    linker.func_wrap("host", "greet", |sum: i32| println!("Hello from the guest: {sum}"))?;
    let mut store = Store::new(&engine, ());
    let instance = linker.instantiate(&mut store, &module)?;
    instance.get_typed_func::<(i32, i32), ()>(&mut store, "run")?.call(&mut store, (20, 22))
}
