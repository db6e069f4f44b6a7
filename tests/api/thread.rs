//! Types that threads share: they are `Send` and `Sync`, and work on many threads.

use std::sync::Barrier;
use std::thread;

use kinglet::{Engine, InterruptHandle, Linker, Module, Store, Waiter};

use crate::module;

/// Neither `Send` nor `Sync`.
#[allow(dead_code)]
struct Tied(*const u8);

const fn send_and_sync<T: Send + Sync>() {}
const fn send<T: Send>() {}

const _: () = {
    send_and_sync::<Engine>();
    send_and_sync::<Module>();
    send_and_sync::<Linker<()>>();
    send_and_sync::<Linker<Tied>>();
    send_and_sync::<InterruptHandle>();
    send_and_sync::<Waiter>();
    send::<Store<()>>();
    send::<kinglet::Error>();
    send_and_sync::<kinglet::WasmBacktrace>();
};

/// Returns a module with many functions that call each other, so that threads lower them at the same time.
fn chain(length: usize) -> String {
    let mut text = String::from("(module (memory 1)\n");
    for i in 0..length {
        let next = if i + 1 == length {
            "(local.get 0)".to_string()
        } else {
            format!("(call $f{} (i32.add (local.get 0) (i32.const {i})))", i + 1)
        };
        text += &format!(
            "(func $f{i} (export \"f{i}\") (param i32) (result i32) (i32.store (i32.const 0) (local.get 0)) {next})\n"
        );
    }
    text + ")"
}

#[test]
fn many_threads_run_one_module_and_race_to_lower_it() {
    let length = 300;
    let text = chain(length);
    let sum: i32 = (0..length as i32 - 1).sum();
    for _ in 0..10 {
        let engine = Engine::default();
        let module = module(&engine, &text);
        let linker: Linker<()> = Linker::new(&engine);
        let barrier = Barrier::new(8);
        thread::scope(|scope| {
            for n in 0..8 {
                let (module, linker, barrier) = (&module, &linker, &barrier);
                scope.spawn(move || {
                    let mut store = Store::new(linker.engine(), ());
                    let instance = linker.instantiate(&mut store, module).unwrap();
                    let run = instance.get_typed_func::<i32, i32>(&mut store, "f0").unwrap();
                    barrier.wait();
                    for i in 0..20 {
                        assert_eq!(run.call(&mut store, n * 100 + i).unwrap(), sum + n * 100 + i);
                    }
                });
            }
        });
    }
}

#[test]
fn many_threads_can_create_and_drop_modules() {
    let engine = Engine::default();
    thread::scope(|scope| {
        for n in 0..4 {
            let engine = &engine;
            scope.spawn(move || {
                for i in 0..50 {
                    let params = "i32 ".repeat(n + i % 5);
                    let text = format!(
                        r#"(module (type $t (func (param {params}))) (func (export "f") (result i32) (i32.const {i})))"#
                    );
                    let (mut store, instance) = crate::load_with(engine, &text);
                    let f = instance.get_typed_func::<(), i32>(&mut store, "f").unwrap();
                    assert_eq!(f.call(&mut store, ()).unwrap(), i as i32);
                }
            });
        }
    });
}

#[test]
fn a_store_can_move_between_threads_with_its_contents() {
    let (mut store, instance) = crate::load(
        r#"(module (global $n (mut i32) (i32.const 0)) (memory 1)
            (func (export "next") (result i32)
                (global.set $n (i32.add (global.get $n) (i32.const 1)))
                (i32.store (i32.const 8) (global.get $n))
                (i32.load (i32.const 8))))"#,
    );
    let next = instance.get_typed_func::<(), i32>(&mut store, "next").unwrap();
    for expected in 1..10 {
        store = thread::spawn(move || {
            assert_eq!(next.call(&mut store, ()).unwrap(), expected);
            store
        })
        .join()
        .unwrap();
    }
}
