//! Host functions that use the embedder's data and the guest's memory, and that return errors of the embedder's types.

use std::fmt;

use kinglet::{Caller, Engine, Error, Extern, Linker, Module, Result, Store};

const GUEST: &str = r#"(module
    (import "host" "log" (func $log (param i32 i32)))
    (import "host" "withdraw" (func $withdraw (param i64) (result i64)))
    (memory (export "memory") 1)
    (data (i32.const 8) "from the guest's memory")
    (func (export "run") (param i64) (result i64)
        (call $log (i32.const 8) (i32.const 23))
        (call $withdraw (local.get 0))))"#;

/// The embedder's data.
struct Account {
    balance: i64,
    lines: usize,
}

#[derive(Debug)]
struct Overdrawn {
    missing: i64,
}

impl fmt::Display for Overdrawn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} short", self.missing)
    }
}

impl std::error::Error for Overdrawn {}

fn log(mut caller: Caller<'_, Account>, at: u32, len: u32) -> Result<()> {
    let memory = caller.get_export("memory").and_then(Extern::into_memory);
    let memory = memory.ok_or_else(|| Error::msg("the guest exports no memory"))?;
    let mut text = vec![0; len as usize];
    memory.read(&caller, at as usize, &mut text)?;
    caller.data_mut().lines += 1;
    println!("guest: {}", String::from_utf8_lossy(&text));
    Ok(())
}

fn withdraw(mut caller: Caller<'_, Account>, amount: i64) -> Result<i64, Overdrawn> {
    let account = caller.data_mut();
    let rest = account.balance - amount;
    if rest < 0 {
        return Err(Overdrawn { missing: -rest });
    }
    account.balance = rest;
    Ok(rest)
}

fn main() -> Result<()> {
    let engine = Engine::default();
    let mut linker = Linker::new(&engine);
    linker.func_wrap("host", "log", log)?;
    linker.func_wrap("host", "withdraw", withdraw)?;
    let mut store = Store::new(&engine, Account { balance: 100, lines: 0 });
    let instance = linker.instantiate(&mut store, &Module::new(&engine, GUEST)?)?;
    let run = instance.get_typed_func::<i64, i64>(&mut store, "run")?;

    println!("left: {}", run.call(&mut store, 70)?);
    match run.call(&mut store, 50) {
        Ok(rest) => println!("left: {rest}"),
        Err(error) => match error.downcast_ref::<Overdrawn>() {
            Some(overdrawn) => println!("refused: {overdrawn}"),
            None => return Err(error),
        },
    }
    println!("lines logged: {}", store.data().lines);
    Ok(())
}
