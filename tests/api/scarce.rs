//! Engines with little address space. Memories are not reserved, and accesses have explicit checks. A guest that
//! allocates all memory leaves enough for the host. The tests run in separate processes with resource limits.

use kinglet::{
    Config, Engine, Extern, ExternRef, Feature, Instance, Linker, Memory, MemoryType, Module, RunMode, Store, Trap, Val,
};
use rustix::process::{Resource, Rlimit, setrlimit};

use crate::native::alone;
use crate::trap_of;

fn engines() -> impl Iterator<Item = Engine> {
    let modes = [RunMode::Jit, RunMode::Auto, RunMode::Interpreter];
    modes.into_iter().map(|mode| Engine::new(Config::new().run_mode(mode)).unwrap())
}

/// Limits this process's address space or writable memory to its present size plus a number of bytes.
fn leave(resource: Resource, bytes: u64) {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    let column = if resource == Resource::As { 0 } else { 5 };
    let pages: u64 = statm.split_whitespace().nth(column).unwrap().parse().unwrap();
    let limit = Some(pages * rustix::param::page_size() as u64 + bytes);
    setrlimit(resource, Rlimit { current: limit, maximum: limit }).unwrap();
}

const USER: &str = r#"(module (memory (export "m") 1 20)
    (func (export "put") (param i32 i32) (i32.store (local.get 0) (local.get 1)))
    (func (export "get") (param i32) (result i32) (i32.load (local.get 0)))
    (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0))))"#;

/// Accesses a memory at its ends, as guests do.
fn exercise(store: &mut Store<()>, instance: Instance) {
    let put = instance.get_typed_func::<(i32, i32), ()>(&mut *store, "put").unwrap();
    let get = instance.get_typed_func::<i32, i32>(&mut *store, "get").unwrap();
    let grow = instance.get_typed_func::<i32, i32>(&mut *store, "grow").unwrap();
    for pages in 1..=3 {
        let end = pages << 16;
        put.call(&mut *store, (end - 4, pages)).unwrap();
        assert_eq!(get.call(&mut *store, end - 4).unwrap(), pages);
        for outside in [end - 3, end, 1 << 30, -4] {
            assert_eq!(trap_of(&get.call(&mut *store, outside).unwrap_err()), Trap::MemoryOutOfBounds);
            assert_eq!(trap_of(&put.call(&mut *store, (outside, 1)).unwrap_err()), Trap::MemoryOutOfBounds);
        }
        assert_eq!(grow.call(&mut *store, 1).unwrap(), pages);
    }
}

#[test]
fn memories_that_cannot_be_reserved_have_explicit_checks() {
    let output = alone("scarce::use_more_memories_than_can_be_reserved");
    assert!(output.status.success(), "{output:?}");
}

#[test]
#[ignore = "run by memories_that_cannot_be_reserved_have_explicit_checks in a separate process"]
fn use_more_memories_than_can_be_reserved() {
    leave(Resource::As, 11 << 30);
    for engine in engines() {
        let module = Module::new(&engine, USER).unwrap();
        let importing = USER.replace("(memory (export \"m\") 1 20)", "(import \"host\" \"m\" (memory 1 20))");
        let importing = Module::new(&engine, importing).unwrap();
        let mut stores: Vec<_> = (0..6)
            .map(|_| {
                let mut store = Store::new(&engine, ());
                let instance = Instance::new(&mut store, &module, &[]).unwrap();
                (store, instance)
            })
            .collect();
        for (store, instance) in &mut stores {
            exercise(store, *instance);
            let same = instance.module(&*store);
            assert_eq!(same.binary().as_ptr(), module.binary().as_ptr());
            // The same code runs with reserved memories and with this one.
            let memory = instance.get_memory(&mut *store, "m").unwrap();
            let importer = Instance::new(&mut *store, &importing, &[memory.into()]).unwrap();
            let get = importer.get_typed_func::<i32, i32>(&mut *store, "get").unwrap();
            assert_eq!(get.call(&mut *store, (3 << 16) - 4).unwrap(), 3);
            assert_eq!(trap_of(&get.call(&mut *store, 4 << 16).unwrap_err()), Trap::MemoryOutOfBounds);
        }
        // A memory that the host creates, which cannot be reserved either.
        let mut store = Store::new(&engine, ());
        let memory = Memory::new(&mut store, MemoryType::new(1, Some(20))).unwrap();
        let instance = Instance::new(&mut store, &importing, &[Extern::Memory(memory)]).unwrap();
        exercise(&mut store, instance);
        assert_eq!(memory.size(&store), 4);
        // Once address space is available again, memories are reserved again.
        stores.clear();
        let mut store = Store::new(&engine, ());
        let instance = Instance::new(&mut store, &module, &[]).unwrap();
        exercise(&mut store, instance);
    }
}

#[test]
#[ignore = "run by forty_thousand_live_stores_fit_in_a_process in a separate process"]
fn make_more_stores_than_can_be_reserved() {
    let engine = Engine::new(Config::new().run_mode(RunMode::Jit)).unwrap();
    let module = Module::new(&engine, USER).unwrap();
    let mut stores = Vec::new();
    for i in 0..40_000 {
        let mut store = Store::new(&engine, ());
        let instance = Instance::new(&mut store, &module, &[]);
        let instance = instance.unwrap_or_else(|error| panic!("store {i}: {error:?}"));
        stores.push((store, instance));
    }
    let last = stores.len() - 1;
    for at in [0, last / 2, last - 1, last] {
        let (store, instance) = &mut stores[at];
        exercise(store, *instance);
    }
}

#[test]
fn a_guests_allocations_fail_before_the_host_runs_out_of_memory() {
    let output = alone("scarce::take_all_memory");
    assert!(output.status.success(), "{output:?}");
}

#[test]
#[ignore = "run by a_guests_allocations_fail_before_the_host_runs_out_of_memory in a separate process"]
fn take_all_memory() {
    take_all(Resource::As);
}

/// Reserved memory already has addresses, but is not committed.
#[cfg(target_os = "linux")]
#[test]
fn writable_memory_is_refused_before_the_host_runs_out() {
    for name in ["scarce::take_all_data", "scarce::take_all_data_for_the_heap"] {
        let output = alone(name);
        assert!(output.status.success(), "{output:?}");
    }
}

#[test]
#[ignore = "run by writable_memory_is_refused_before_the_host_runs_out in a separate process"]
fn take_all_data() {
    take_all(Resource::Data);
}

#[test]
#[ignore = "run by writable_memory_is_refused_before_the_host_runs_out in a separate process"]
fn take_all_data_for_the_heap() {
    let fields = "(field i64)".repeat(500);
    let values = "(i64.const 1)".repeat(500);
    let text = format!(
        r#"(module (type $s (struct (field (ref null $s)) {fields}))
        (global $head (mut (ref null $s)) (ref.null $s))
        (func (export "take")
            (loop $l (global.set $head (struct.new $s (global.get $head) {values})) (br $l))))"#
    );
    // With this amount, the last growth would leave less than the host needs.
    leave(Resource::Data, 72 << 20);
    let engine = Engine::new(Config::new().feature(Feature::Gc, true)).unwrap();
    let module = Module::new(&engine, text).unwrap();
    let mut store = Store::new(&engine, ());
    let instance = Instance::new(&mut store, &module, &[]).unwrap();
    let take = instance.get_func(&mut store, "take").unwrap();
    for _ in 0..2 {
        let error = take.call(&mut store, &[], &mut []).unwrap_err();
        assert_eq!(trap_of(&error), Trap::OutOfMemory);
        drop(vec![1_u8; 8 << 20]);
    }
}

/// Guests allocate all memory up to this limit.
fn take_all(resource: Resource) {
    leave(resource, 400 << 20);
    for engine in engines() {
        let text = r#"(module (import "host" "note" (func $note (param i32)))
            (memory 1) (memory i64 1) (table 1 externref)
            (func (export "take") (local $size i32)
              (local.set $size (i32.const 4096))
              (loop $again
                (loop $l (br_if $l (i32.ne (memory.grow 0 (local.get $size)) (i32.const -1))))
                (loop $l (br_if $l (i64.ne (memory.grow 1 (i64.extend_i32_u (local.get $size))) (i64.const -1))))
                (loop $l (br_if $l (i32.ne (table.grow 0 (ref.null extern) (local.get $size)) (i32.const -1))))
                (br_if $again (local.tee $size (i32.shr_u (local.get $size) (i32.const 1)))))
              (call $note (memory.size 0))))"#;
        let module = Module::new(&engine, text).unwrap();
        let mut linker = Linker::new(&engine);
        linker.func_wrap("host", "note", |_: i32| drop(vec![1_u8; 4 << 20])).unwrap();
        let mut store = Store::new(&engine, ());
        let instance = linker.instantiate(&mut store, &module).unwrap();
        let take = instance.get_func(&mut store, "take").unwrap();
        take.call(&mut store, &[], &mut []).unwrap();
        // The host still works, and other guests get an out-of-memory error.
        for i in 0..1000 {
            ExternRef::new(&mut store, vec![i; 100]).unwrap();
        }
        let other = Module::new(&engine, "(module (memory (export \"m\") 16384))").unwrap();
        let mut second = Store::new(&engine, ());
        let error = Instance::new(&mut second, &other, &[]).unwrap_err();
        assert!(error.to_string().contains("out of memory"), "{error}");
        let large = Module::new(&engine, "(module (table 10000000 externref))").unwrap();
        let error = Instance::new(&mut second, &large, &[]).unwrap_err();
        assert!(error.to_string().contains("out of memory"), "{error}");
        assert!(take.call(&mut store, &[Val::I32(1)], &mut []).is_err());
    }
}

/// The same test with the documented number.
mod heavy {
    use super::alone;

    #[test]
    #[ignore = "heavy: reserves the whole address space"]
    fn forty_thousand_live_stores_fit_in_a_process() {
        let output = alone("scarce::make_more_stores_than_can_be_reserved");
        assert!(output.status.success(), "{output:?}");
    }
}
