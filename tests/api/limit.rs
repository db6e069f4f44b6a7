//! Limits of a store: the resource limiter, and the engine's page limit.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use kinglet::{
    Engine, Error, ExternRef, Instance, LimitError, Memory, MemoryType, Ref, RefType, ResourceLimiter, Result,
    STORE_LIMITS, Store, StoreLimit, StoreLimits, StoreLimitsBuilder, Table, TableType,
};

use crate::{engine, load_with, module};

#[derive(Debug, PartialEq)]
struct TooMuch(usize);

impl fmt::Display for TooMuch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is too much", self.0)
    }
}

impl std::error::Error for TooMuch {}

/// Refuses growth beyond the first limit, fails beyond the second, panics beyond the third.
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
    let panic = catch_unwind(AssertUnwindSafe(|| grow.call(&mut store, 7))).expect_err("the panic propagates");
    assert_eq!(panic.downcast_ref::<TooMuch>(), Some(&TooMuch(9 * PAGE)));
    assert_eq!((grow.call(&mut store, 0).unwrap(), grow.call(&mut store, 1).unwrap()), (2, -1));
    // The limiter is not called if the type forbids the growth.
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
fn instantiation_and_host_created_objects_are_limited() {
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
fn a_failed_instantiation_releases_its_memory() {
    // The memory is allowed, the table is not. Repeated attempts must not exhaust the address space.
    let engine = Engine::default();
    let mut store = store(&engine, 1 << 33, usize::MAX, usize::MAX);
    let module = module(&engine, "(module (memory 65536) (memory 65536) (memory 65536) (memory i64 0x40000))");
    for _ in 0..5000 {
        assert!(Instance::new(&mut store, &module, &[]).is_err());
    }
}

#[test]
fn the_engines_page_limit_applies_to_every_memory() {
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
fn a_memory_that_the_system_refuses_is_an_error() {
    let engine = Engine::default();
    let mut store = Store::new(&engine, ());
    let text = "(module (memory i64 0xffff_ffff))".replace('_', "");
    let error = Instance::new(&mut store, &module(&engine, &text), &[]).unwrap_err();
    assert!(error.to_string().contains("out of memory"), "{error}");
}

fn limited(engine: &Engine, limits: StoreLimitsBuilder) -> Store<StoreLimits> {
    let mut store = Store::new(engine, limits.build());
    store.limiter(|limits| limits);
    store
}

#[test]
fn store_limits_bound_sizes() {
    let engine = Engine::default();
    let text = r#"(module (memory 1) (table $t 1 funcref)
        (func (export "memory") (param i32) (result i32) (memory.grow (local.get 0)))
        (func (export "table") (param i32) (result i32) (table.grow $t (ref.null func) (local.get 0))))"#;
    let module = module(&engine, text);
    let limits = StoreLimitsBuilder::new().memory_size(3 * PAGE).table_elements(5);
    for trap in [false, true] {
        let mut store = limited(&engine, limits.clone().trap_on_grow_failure(trap));
        let instance = Instance::new(&mut store, &module, &[]).unwrap();
        for (name, fits, message) in [
            ("memory", 2, "a memory of 262144 bytes is over the store's limit of 196608"),
            ("table", 4, "a table of 6 elements is over the store's limit of 5"),
        ] {
            let grow = instance.get_typed_func::<i32, i32>(&mut store, name).unwrap();
            assert_eq!(grow.call(&mut store, fits).unwrap(), 1);
            let more = grow.call(&mut store, 1);
            match trap {
                false => assert_eq!(more.unwrap(), -1),
                true => assert_eq!(more.unwrap_err().to_string(), message),
            }
        }
    }
}

#[test]
fn store_limits_bound_counts() {
    let engine = Engine::default();
    let empty = module(&engine, "(module)");
    let mut store = limited(&engine, StoreLimitsBuilder::new().instances(2));
    assert!((0..2).all(|_| Instance::new(&mut store, &empty, &[]).is_ok()));
    let error = Instance::new(&mut store, &empty, &[]).unwrap_err();
    assert_eq!(error.to_string(), "one more instance is over the store's limit of 2");

    let two = module(&engine, "(module (memory 1) (memory 1))");
    let mut store = limited(&engine, StoreLimitsBuilder::new().memories(1));
    let error = Instance::new(&mut store, &two, &[]).unwrap_err();
    assert_eq!(error.to_string(), "one more memory is over the store's limit of 1");
    assert!(Memory::new(&mut store, MemoryType::new(1, None)).is_ok(), "failed creations do not count");
    assert!(Memory::new(&mut store, MemoryType::new(1, None)).is_err());

    let mut store = limited(&engine, StoreLimitsBuilder::new().tables(0));
    let ty = TableType::new(RefType::FUNCREF, 1, None);
    let error = Table::new(&mut store, ty, Ref::Func(None)).unwrap_err();
    assert_eq!(error.to_string(), "one more table is over the store's limit of 0");
}

#[test]
fn host_values_count_until_they_are_released() {
    let mut store = limited(&Engine::default(), StoreLimitsBuilder::new().extern_refs(2));
    let first = ExternRef::new(&mut store, 1_i32).unwrap();
    let second = ExternRef::new(&mut store, 2_i32).unwrap();
    let error = ExternRef::new(&mut store, 3_i32).unwrap_err();
    assert_eq!(error.to_string(), "one more host reference is over the store's limit of 2");
    *second.data_mut(&mut store).unwrap().unwrap().downcast_mut::<i32>().unwrap() += 10;
    assert_eq!(*first.release(&mut store).unwrap().downcast::<i32>().unwrap(), 1);
    assert!(first.data(&store).unwrap().is_none() && first.data_mut(&mut store).unwrap().is_none());
    assert!(first.release(&mut store).is_none(), "a second release has no effect");
    let third = ExternRef::new(&mut store, 3_i32).unwrap();
    assert!(ExternRef::new(&mut store, 4_i32).is_err());
    assert!(first.data(&store).unwrap().is_none(), "a stale handle does not refer to a new value");
    let values = [second, third].map(|r| *r.data(&store).unwrap().unwrap().downcast_ref::<i32>().unwrap());
    assert_eq!(values, [12, 3]);
}

#[test]
fn the_total_of_memories_and_tables_is_limited() {
    let engine = Engine::default();
    let mut store = limited(&engine, StoreLimitsBuilder::new().total_memory(16 * PAGE));
    let text = r#"(module (memory $a 1) (memory $b 2) (table $t 10 funcref)
        (func (export "a") (param i32) (result i32) (memory.grow $a (local.get 0)))
        (func (export "b") (param i32) (result i32) (memory.grow $b (local.get 0)))
        (func (export "t") (param i32) (result i32) (table.grow $t (ref.null func) (local.get 0))))"#;
    let instance = Instance::new(&mut store, &module(&engine, text), &[]).unwrap();
    let mut grow = |name: &str, by: usize| {
        let grow = instance.get_typed_func::<i32, i32>(&mut store, name).unwrap();
        grow.call(&mut store, by as i32).unwrap()
    };
    // The table has 80 bytes; 13 pages minus these remain.
    assert_eq!((grow("a", 6), grow("b", 7), grow("b", 6)), (1, -1, 2));
    assert_eq!((grow("a", 1), grow("t", PAGE / 8 - 9), grow("t", PAGE / 8 - 10)), (-1, -1, 10));
    assert_eq!((grow("t", 1), grow("a", 1), grow("t", 0), grow("a", 0)), (-1, -1, PAGE as i32 / 8, 7));

    let error = Instance::new(&mut store, &module(&engine, "(module (memory 1))"), &[]).unwrap_err();
    assert_eq!(error.to_string(), "a memory of 1 page is over the store's limit for all memories, tables and the heap");
    assert_eq!(error.downcast_ref::<LimitError>().unwrap().limit(), StoreLimit::TotalMemory);
    let table = TableType::new(RefType::FUNCREF, 1, None);
    let error = Table::new(&mut store, table, Ref::Func(None)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "a table of 1 elements is over the store's limit for all memories, tables and the heap"
    );
    assert!(Memory::new(&mut store, MemoryType::new(0, None)).is_ok(), "an empty memory adds nothing to the total");
}

#[test]
fn failed_creations_do_not_count_in_the_total() {
    let engine = Engine::default();
    let mut store = limited(&engine, StoreLimitsBuilder::new().total_memory(10 * PAGE).tables(0));
    let half = module(&engine, "(module (memory 6) (memory 4) (table 0 funcref))");
    for _ in 0..3 {
        let error = Instance::new(&mut store, &half, &[]).unwrap_err();
        assert_eq!(error.to_string(), "one more table is over the store's limit of 0");
    }
    let over = module(&engine, "(module (memory 6) (memory 4) (memory 1))");
    assert!(Instance::new(&mut store, &over, &[]).unwrap_err().is::<LimitError>());
    let memory = Memory::new(&mut store, MemoryType::new(10, None)).unwrap();
    assert!(memory.grow(&mut store, 1).is_err());
    // The system lacks this much memory or address space.
    let mut store = limited(&engine, StoreLimitsBuilder::new().total_memory(usize::MAX));
    let huge = module(&engine, "(module (memory i64 0xffffffff))");
    assert!(Instance::new(&mut store, &huge, &[]).is_err());
    let text = r#"(module (memory i64 1) (func (export "grow") (param i64) (result i64) (memory.grow (local.get 0))))"#;
    let instance = Instance::new(&mut store, &module(&engine, text), &[]).unwrap();
    let grow = instance.get_typed_func::<i64, i64>(&mut store, "grow").unwrap();
    assert_eq!((grow.call(&mut store, 0xffff_ffff).unwrap(), grow.call(&mut store, 1).unwrap()), (-1, 1));
}

#[test]
fn growth_beyond_the_total_can_stop_the_guest() {
    let engine = Engine::default();
    let limits = StoreLimitsBuilder::new().total_memory(2 * PAGE).trap_on_grow_failure(true);
    let mut store = limited(&engine, limits);
    let text = r#"(module (memory 1) (memory 1)
        (func (export "grow") (result i32) (memory.grow 1 (i32.const 1))))"#;
    let instance = Instance::new(&mut store, &module(&engine, text), &[]).unwrap();
    let error = instance.get_typed_func::<(), i32>(&mut store, "grow").unwrap().call(&mut store, ()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "a total of 196608 bytes of memories, tables and the heap is over the store's limit of 131072"
    );
    assert!(error.is::<LimitError>());
}

/// Records the arguments of `total_growing`, and allows the growth.
#[derive(Default)]
struct Totals(Vec<(usize, usize)>);

impl ResourceLimiter for Totals {
    fn memory_growing(&mut self, _: usize, _: usize, _: Option<usize>) -> Result<bool> {
        Ok(self.0.len() != 3)
    }

    fn table_growing(&mut self, _: usize, _: usize, _: Option<usize>) -> Result<bool> {
        Ok(true)
    }

    fn total_growing(&mut self, current: usize, desired: usize) -> Result<bool> {
        self.0.push((current, desired));
        Ok(true)
    }
}

#[test]
fn a_limiter_gets_the_current_and_the_desired_total() {
    let engine = Engine::default();
    let mut store = Store::new(&engine, Totals::default());
    store.limiter(|totals| totals);
    Memory::new(&mut store, MemoryType::new(1, None)).unwrap();
    let table = Table::new(&mut store, TableType::new(RefType::FUNCREF, 2, None), Ref::Func(None)).unwrap();
    assert!(Memory::new(&mut store, MemoryType::new(1, None)).is_err(), "the third memory is refused");
    table.grow(&mut store, 3, Ref::Func(None)).unwrap();
    assert_eq!(store.data().0, [(0, PAGE), (PAGE, PAGE + 16), (PAGE + 16, 2 * PAGE + 16), (PAGE + 16, PAGE + 40)]);
}

#[test]
fn every_row_of_the_table_is_an_effective_limit() {
    let engine = Engine::default();
    let text = "(module (memory 1) (table 1 funcref))";
    for row in STORE_LIMITS {
        let mut store = limited(&engine, StoreLimitsBuilder::new().limit(row.limit, 0));
        let error = match row.limit {
            StoreLimit::ExternRefs => ExternRef::new(&mut store, 1_i32).map(|_| ()).unwrap_err(),
            _ => Instance::new(&mut store, &module(&engine, text), &[]).unwrap_err(),
        };
        assert_eq!(error.downcast_ref::<LimitError>().map(LimitError::limit), Some(row.limit), "{}: {error}", row.name);
    }
}

/// Allows everything, and records the calls.
#[derive(Default)]
struct Told(Vec<String>);

impl ResourceLimiter for Told {
    fn memory_growing(&mut self, _: usize, _: usize, _: Option<usize>) -> Result<bool> {
        Ok(true)
    }

    fn memory_grow_failed(&mut self, error: Error) -> Result<()> {
        self.0.push(error.to_string());
        if self.0.len() > 1 { Err(error) } else { Ok(()) }
    }

    fn table_growing(&mut self, _: usize, _: usize, _: Option<usize>) -> Result<bool> {
        Ok(true)
    }
}

#[test]
fn a_limiter_is_told_about_failures_of_the_system() {
    let engine = Engine::default();
    let mut store = Store::new(&engine, Told::default());
    store.limiter(|told| told);
    let text = r#"(module (memory i64 1)
        (func (export "grow") (result i64) (memory.grow (i64.const 0xffffffff))))"#;
    let instance = Instance::new(&mut store, &module(&engine, text), &[]).unwrap();
    let grow = instance.get_typed_func::<(), i64>(&mut store, "grow").unwrap();
    assert_eq!(grow.call(&mut store, ()).unwrap(), -1);
    let error = grow.call(&mut store, ()).unwrap_err();
    assert!(error.to_string().contains("the system cannot allocate 281474976710656 bytes"), "{error}");
    assert_eq!(store.data().0.len(), 2);
}
