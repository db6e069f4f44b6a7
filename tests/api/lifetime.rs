//! Memory of dropped objects is freed: thousands of instances and stores.

use kinglet::{Engine, ExternRef, Func, Linker, Store};

use crate::module;

const SMALL: &str = r#"(module
    (import "host" "f" (func $f (param i32) (result i32)))
    (memory 1) (table 10 funcref) (elem (i32.const 0) func $run)
    (global $g (mut i32) (i32.const 3))
    (data (i32.const 0) "hello")
    (func $run (export "run") (param i32) (result i32)
        (i32.add (call $f (local.get 0)) (i32.load8_u (i32.const 0)))))"#;

fn linker(engine: &Engine) -> Linker<()> {
    let mut linker = Linker::new(engine);
    linker.func_wrap("host", "f", |x: i32| x + 1).unwrap();
    linker
}

#[test]
fn two_thousand_instances_live_in_one_store() {
    let engine = Engine::default();
    let (linker, module) = (linker(&engine), module(&engine, SMALL));
    let mut store = Store::new(&engine, ());
    let instances: Vec<_> = (0..2000).map(|_| linker.instantiate(&mut store, &module).unwrap()).collect();
    for instance in instances {
        let run = instance.get_typed_func::<i32, i32>(&mut store, "run").unwrap();
        assert_eq!(run.call(&mut store, 1).unwrap(), 2 + i32::from(b'h'));
    }
}

/// Returns the resident and the mapped bytes of this process.
#[cfg(target_os = "linux")]
fn taken() -> (u64, u64) {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap();
    let mut pages = text.split(' ').map(|n| n.parse::<u64>().unwrap());
    let (mapped, resident) = (pages.next().unwrap(), pages.next().unwrap());
    (resident * 4096, mapped * 4096)
}

/// It runs in a separate process, because other tests allocate memory too.
#[cfg(target_os = "linux")]
#[test]
fn thousands_of_stores_leave_nothing_behind() {
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["lifetime::stores_come_and_go", "--exact", "--ignored", "--test-threads=1"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"));
}

#[cfg(target_os = "linux")]
#[test]
#[ignore = "run by thousands_of_stores_leave_nothing_behind in a separate process"]
fn stores_come_and_go() {
    let engine = Engine::default();
    let linker = linker(&engine);
    let round = || {
        let module = module(&engine, SMALL);
        let mut store = Store::new(&engine, ());
        let instance = linker.instantiate(&mut store, &module).unwrap();
        let run = instance.get_typed_func::<i32, i32>(&mut store, "run").unwrap();
        assert_eq!(run.call(&mut store, 1).unwrap(), 2 + i32::from(b'h'));
        ExternRef::new(&mut store, vec![0_u8; 100_000]).unwrap();
        Func::wrap(&mut store, |x: i32| x);
        let memory = kinglet::Memory::new(&mut store, kinglet::MemoryType::new(2, None)).unwrap();
        memory.data_mut(&mut store).fill(1);
    };
    (0..200).for_each(|_| round());
    let (resident, mapped) = taken();
    (0..2000).for_each(|_| round());
    let (resident_after, mapped_after) = taken();
    // Tier-up has compiled hot code by then. The compiler keeps some megabytes, and address space for small code and an
    // allocator arena. Leaked stores would take hundreds.
    assert!(resident_after < resident + (16 << 20), "{resident} to {resident_after} bytes resident");
    assert!(mapped_after < mapped + (64 << 20), "{mapped} to {mapped_after} bytes mapped");
}

#[test]
fn dropping_a_store_drops_the_hosts_values() {
    use std::sync::Arc;
    let engine = Engine::default();
    let value = Arc::new(1);
    let mut store = Store::new(&engine, value.clone());
    ExternRef::new(&mut store, value.clone()).unwrap();
    let held = value.clone();
    Func::wrap(&mut store, move || *held);
    assert_eq!(Arc::strong_count(&value), 4);
    assert_eq!(*store.into_data(), 1);
    assert_eq!(Arc::strong_count(&value), 1);
}

#[test]
fn an_instance_keeps_its_module_alive() {
    let engine = Engine::default();
    let mut store = Store::new(&engine, ());
    let instance = {
        let (linker, module) = (linker(&engine), module(&engine, SMALL));
        linker.instantiate(&mut store, &module).unwrap()
    };
    drop(engine);
    let run = instance.get_typed_func::<i32, i32>(&mut store, "run").unwrap();
    assert_eq!(run.call(&mut store, 1).unwrap(), 2 + i32::from(b'h'));
}
