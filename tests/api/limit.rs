//! What a store may take: the resource limiter, and the engine's cap on pages.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use kinglet::{Engine, Instance, Memory, MemoryType, Ref, RefType, ResourceLimiter, Result, Store, Table, TableType};

use crate::{engine, load_with, module};

#[derive(Debug, PartialEq)]
struct TooMuch(usize);

impl fmt::Display for TooMuch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is too much", self.0)
    }
}

impl std::error::Error for TooMuch {}

/// Refuses beyond the first limit, fails beyond the second, panics beyond the third.
#[derive(Default)]
struct Limits {
    refuse: usize,
    fail: usize,
    panic: usize,
    asked: Vec<(usize, usize, Option<usize>)>,
}

impl Limits {
    fn decide(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> Result<bool> {
        self.asked.push((current, desired, maximum));
        match desired {
            _ if desired > self.panic => std::panic::panic_any(TooMuch(desired)),
            _ if desired > self.fail => Err(TooMuch(desired).into()),
            _ => Ok(desired <= self.refuse),
        }
    }
}

impl ResourceLimiter for Limits {
    fn memory_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> Result<bool> {
        self.decide(current, desired, maximum)
    }

    fn table_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> Result<bool> {
        self.decide(current, desired, maximum)
    }
}

fn store(engine: &Engine, refuse: usize, fail: usize, panic: usize) -> Store<Limits> {
    let mut store = Store::new(engine, Limits { refuse, fail, panic, asked: Vec::new() });
    store.limiter(|limits| limits);
    store
}

const PAGE: usize = 65536;

#[test]
fn a_refused_growth_is_minus_one_and_an_error_ends_the_guest_with_it() {
    let engine = Engine::default();
    let mut store = store(&engine, 2 * PAGE, 4 * PAGE, 8 * PAGE);
    let text = r#"(module (memory (export "m") 1 100)
        (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0))))"#;
    let instance = Instance::new(&mut store, &module(&engine, text), &[]).unwrap();
    let grow = instance.get_typed_func::<i32, i32>(&mut store, "grow").unwrap();
    assert_eq!((grow.call(&mut store, 1).unwrap(), grow.call(&mut store, 1).unwrap()), (1, -1));
    let error = grow.call(&mut store, 3).unwrap_err();
    assert_eq!(error.downcast_ref::<TooMuch>(), Some(&TooMuch(5 * PAGE)));
    let panic = catch_unwind(AssertUnwindSafe(|| grow.call(&mut store, 7))).expect_err("the panic goes on");
    assert_eq!(panic.downcast_ref::<TooMuch>(), Some(&TooMuch(9 * PAGE)));
    assert_eq!((grow.call(&mut store, 0).unwrap(), grow.call(&mut store, 1).unwrap()), (2, -1));
    // What the type forbids is not asked.
    assert_eq!(grow.call(&mut store, 99).unwrap(), -1);
    let maximum = Some(100 * PAGE);
    let asked = [(0, 1), (1, 2), (2, 3), (2, 5), (2, 9), (2, 3)].map(|(a, b)| (a * PAGE, b * PAGE, maximum));
    assert_eq!(store.data().asked, asked);
    let memory = instance.get_memory(&mut store, "m").unwrap();
    assert!(memory.grow(&mut store, 1).is_err());
    assert!(memory.grow(&mut store, 3).unwrap_err().downcast_ref::<TooMuch>().is_some());
    assert_eq!(memory.size(&store), 2);
}

#[test]
fn tables_are_limited_too() {
    let engine = Engine::default();
    let mut store = store(&engine, 20, 40, 80);
    let text = r#"(module (table (export "t") 10 funcref)
        (func (export "grow") (param i32) (result i32) (table.grow (ref.null func) (local.get 0))))"#;
    let instance = Instance::new(&mut store, &module(&engine, text), &[]).unwrap();
    let grow = instance.get_typed_func::<i32, i32>(&mut store, "grow").unwrap();
    assert_eq!((grow.call(&mut store, 10).unwrap(), grow.call(&mut store, 1).unwrap()), (10, -1));
    assert_eq!(grow.call(&mut store, 30).unwrap_err().downcast_ref::<TooMuch>(), Some(&TooMuch(50)));
    assert!(catch_unwind(AssertUnwindSafe(|| grow.call(&mut store, 70))).is_err());
    let table = instance.get_table(&mut store, "t").unwrap();
    assert!(table.grow(&mut store, 1, Ref::Func(None)).is_err());
    assert_eq!(table.size(&store), 20);
    assert_eq!(store.data().asked[..2], [(0, 10, None), (10, 20, None)]);
}

#[test]
fn instantiation_and_host_made_objects_are_limited() {
    let engine = Engine::default();
    let mut store = store(&engine, PAGE, 4 * PAGE, usize::MAX);
    let error = Instance::new(&mut store, &module(&engine, "(module (memory 2))"), &[]).unwrap_err();
    assert!(error.to_string().contains("limit"), "{error}");
    let error = Instance::new(&mut store, &module(&engine, "(module (memory 5))"), &[]).unwrap_err();
    assert_eq!(error.downcast_ref::<TooMuch>(), Some(&TooMuch(5 * PAGE)));
    let text = format!("(module (table {} externref))", PAGE + 1);
    assert!(Instance::new(&mut store, &module(&engine, &text), &[]).is_err());
    assert!(Memory::new(&mut store, MemoryType::new(2, None)).is_err());
    let table = TableType::new(RefType::FUNCREF, PAGE as u32 + 1, None);
    assert!(Table::new(&mut store, table, Ref::Func(None)).is_err());
    assert!(Memory::new(&mut store, MemoryType::new(1, None)).is_ok());
}

#[test]
fn a_half_made_instance_gives_its_memory_back() {
    // The memory is allowed, the table is not: over and over, address space must not run out.
    let engine = Engine::default();
    let mut store = store(&engine, 1 << 33, usize::MAX, usize::MAX);
    let module = module(&engine, "(module (memory 65536) (memory 65536) (memory 65536) (memory i64 0x40000))");
    for _ in 0..5000 {
        assert!(Instance::new(&mut store, &module, &[]).is_err());
    }
}

#[test]
fn the_engines_page_limit_holds_for_every_memory() {
    let engine = engine(|config| {
        config.memory_page_limit(Some(3));
    });
    let text = r#"(module (memory (export "m") 1)
        (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0))))"#;
    let (mut store, instance) = load_with(&engine, text);
    let grow = instance.get_typed_func::<i32, i32>(&mut store, "grow").unwrap();
    assert_eq!((grow.call(&mut store, 3).unwrap(), grow.call(&mut store, 2).unwrap()), (-1, 1));
    assert_eq!(grow.call(&mut store, 1).unwrap(), -1);
    let memory = instance.get_memory(&mut store, "m").unwrap();
    assert!(memory.grow(&mut store, 1).is_err());
    let error = Instance::new(&mut store, &module(&engine, "(module (memory 4))"), &[]).unwrap_err();
    assert!(error.to_string().contains("limit of 3 pages"), "{error}");
    assert!(Memory::new(&mut store, MemoryType::new(4, None)).is_err());
}

#[test]
fn a_memory_the_system_cannot_give_is_an_error() {
    let engine = Engine::default();
    let mut store = Store::new(&engine, ());
    let text = "(module (memory i64 0xffff_ffff))".replace('_', "");
    let error = Instance::new(&mut store, &module(&engine, &text), &[]).unwrap_err();
    assert!(error.to_string().contains("out of memory"), "{error}");
}
