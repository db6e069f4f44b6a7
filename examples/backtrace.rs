//! Errors with backtraces: a trap, and a host function's error. The guest, `backtrace/guest.c`, is compiled with debug
//! information, so that backtraces have files and lines.

use std::fmt;

use kinglet::{Caller, Engine, Error, Linker, Module, Result, Store, Trap, TypedFunc, WasmBacktrace};

const GUEST: &[u8] = include_bytes!("backtrace/guest.wasm");

#[derive(Debug)]
struct NoSuchItem(u32);

impl fmt::Display for NoSuchItem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "item {} does not exist", self.0)
    }
}

impl std::error::Error for NoSuchItem {}

fn price(caller: Caller<'_, Vec<u32>>, item: u32) -> Result<u32> {
    let price = caller.data().get(item as usize).copied();
    price.ok_or_else(|| Error::new(NoSuchItem(item)).context(WasmBacktrace::capture(&caller)))
}

fn split_bill(store: &mut Store<Vec<u32>>, bill: &TypedFunc<(u32, u32), u32>, items: u32, people: u32) {
    let error = match bill.call(store, (items, people)) {
        Ok(each) => return println!("{items} items, {people} people: {each} each"),
        Err(error) => error,
    };
    // `downcast_ref` finds the original error below its context.
    match (error.downcast_ref::<NoSuchItem>(), error.downcast_ref::<Trap>()) {
        (Some(error), _) => println!("refused: {error}"),
        (_, Some(trap)) => println!("trapped: {trap}"),
        _ => println!("failed: {error}"),
    }
    let Some(backtrace) = error.downcast_ref::<WasmBacktrace>() else { return };
    println!("{backtrace}");
    for symbol in backtrace.frames().iter().flat_map(|frame| frame.symbols()) {
        println!("{} was at line {}", symbol.name().unwrap_or("?"), symbol.line().unwrap_or(0));
    }
}

fn main() -> Result<()> {
    let engine = Engine::default();
    let mut linker = Linker::new(&engine);
    linker.func_wrap("host", "price", price)?;
    let mut store = Store::new(&engine, vec![10, 20, 30]);
    let instance = linker.instantiate(&mut store, &Module::new(&engine, GUEST)?)?;
    let bill = instance.get_typed_func::<(u32, u32), u32>(&mut store, "bill")?;

    split_bill(&mut store, &bill, 3, 0);
    split_bill(&mut store, &bill, 4, 2);
    split_bill(&mut store, &bill, 3, 2);
    Ok(())
}
