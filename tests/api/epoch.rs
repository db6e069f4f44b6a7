//! Epochs: a guest traps once the engine's epoch reaches its store's deadline, in every run mode, and at no other time.

use std::sync::mpsc;
use std::time::Duration;

use kinglet::{AsContextMut, Caller, Engine, Instance, Linker, Result, RunMode, Store, Trap};

use crate::{engine, module, trap_of};

/// The run modes of this build.
const MODES: &[RunMode] =
    if cfg!(feature = "jit") { &[RunMode::Interpreter, RunMode::Jit, RunMode::Auto] } else { &[RunMode::Interpreter] };

const GUEST: &str = r#"(module (func (export "nop")) (func (export "spin") (loop (br 0))))"#;

fn epochs(mode: RunMode) -> Engine {
    engine(|config| {
        config.epoch_interruption(true).run_mode(mode);
    })
}

fn call(store: &mut Store<()>, instance: Instance, name: &str) -> Result<()> {
    instance.get_typed_func::<(), ()>(&mut *store, name)?.call(store, ())
}

#[test]
fn the_deadline_of_a_new_store_has_come() {
    for mode in MODES {
        let engine = epochs(*mode);
        let mut store = Store::new(&engine, ());
        let instance = Instance::new(&mut store, &module(&engine, GUEST), &[]).unwrap();
        for _ in 0..2 {
            assert_eq!(trap_of(&call(&mut store, instance, "nop").unwrap_err()), Trap::Interrupt, "{mode:?}");
        }
        store.set_epoch_deadline(1);
        call(&mut store, instance, "nop").unwrap();
        store.set_epoch_deadline(0);
        assert_eq!(trap_of(&call(&mut store, instance, "nop").unwrap_err()), Trap::Interrupt, "{mode:?}");
    }
}

#[test]
fn a_guest_runs_until_its_own_deadline_and_traps_until_it_is_set_again() {
    for mode in MODES {
        let engine = epochs(*mode);
        let guest = module(&engine, GUEST);
        let mut stores: Vec<_> = [1, 3]
            .map(|ticks| {
                let mut store = Store::new(&engine, ());
                store.set_epoch_deadline(ticks);
                let instance = Instance::new(&mut store, &guest, &[]).unwrap();
                (store, instance, ticks)
            })
            .into();
        for epoch in 1..=4 {
            engine.increment_epoch();
            for (store, instance, ticks) in &mut stores {
                let ended = call(store, *instance, "nop");
                assert_eq!(ended.is_ok(), epoch < *ticks, "{mode:?}: epoch {epoch}, deadline {ticks}");
            }
        }
        let (store, instance, _) = &mut stores[0];
        store.set_epoch_deadline(1);
        call(store, *instance, "nop").unwrap();
        engine.increment_epoch();
        assert_eq!(trap_of(&call(store, *instance, "nop").unwrap_err()), Trap::Interrupt);
    }
}

#[test]
fn an_increment_ends_a_running_loop_and_a_blocked_host_function() {
    for mode in MODES {
        let engine = epochs(*mode);
        let mut linker = Linker::new(&engine);
        linker
            .func_wrap("host", "sleep", |caller: Caller<'_, mpsc::Sender<()>>| -> Result<()> {
                caller.data().send(())?;
                Ok(caller.waiter().sleep(None)?)
            })
            .unwrap();
        let text = r#"(module (import "host" "sleep" (func $sleep)) (func (export "sleep") (call $sleep))
            (func (export "spin") (loop (br 0))))"#;
        let guest = module(&engine, text);
        for name in ["spin", "sleep"] {
            let (sender, receiver) = mpsc::channel();
            let mut store = Store::new(&engine, sender);
            store.set_epoch_deadline(2);
            let instance = linker.instantiate(&mut store, &guest).unwrap();
            let f = instance.get_typed_func::<(), ()>(&mut store, name).unwrap();
            let ticker = engine.clone();
            let ticks = std::thread::spawn(move || {
                let _ = receiver.recv_timeout(Duration::from_millis(20));
                ticker.increment_epoch();
                ticker.increment_epoch();
            });
            assert_eq!(trap_of(&f.call(&mut store, ()).unwrap_err()), Trap::Interrupt, "{mode:?}: {name}");
            ticks.join().unwrap();
        }
    }
}

#[test]
fn a_host_function_can_move_the_deadline() {
    for mode in MODES {
        let engine = epochs(*mode);
        let mut linker = Linker::new(&engine);
        let more = |mut caller: Caller<'_, u32>| {
            caller.engine().increment_epoch();
            *caller.data_mut() += 1;
            if *caller.data() < 5 {
                caller.set_epoch_deadline(1);
            }
        };
        linker.func_wrap("host", "more", more).unwrap();
        let text = r#"(module (import "host" "more" (func $more)) (func (export "run") (loop (call $more) (br 0))))"#;
        let mut store = Store::new(&engine, 0);
        store.as_context_mut().set_epoch_deadline(1);
        let instance = linker.instantiate(&mut store, &module(&engine, text)).unwrap();
        let run = instance.get_typed_func::<(), ()>(&mut store, "run").unwrap();
        assert_eq!(trap_of(&run.call(&mut store, ()).unwrap_err()), Trap::Interrupt);
        assert_eq!(*store.data(), 5, "{mode:?}");
    }
}

#[test]
fn epochs_have_no_effect_unless_they_are_configured() {
    let engine = Engine::default();
    let mut store = Store::new(&engine, ());
    let instance = Instance::new(&mut store, &module(&engine, GUEST), &[]).unwrap();
    store.set_epoch_deadline(0);
    store.epoch_deadline_trap();
    engine.increment_epoch();
    call(&mut store, instance, "nop").unwrap();
}

#[test]
fn an_interrupt_is_delivered_once_beside_a_deadline_that_has_not_come() {
    let engine = epochs(RunMode::Auto);
    let mut store = Store::new(&engine, ());
    store.set_epoch_deadline(1);
    let instance = Instance::new(&mut store, &module(&engine, GUEST), &[]).unwrap();
    store.interrupt_handle().interrupt();
    assert_eq!(trap_of(&call(&mut store, instance, "spin").unwrap_err()), Trap::Interrupted);
    call(&mut store, instance, "nop").unwrap();
    store.interrupt_handle().interrupt();
    engine.increment_epoch();
    for _ in 0..2 {
        assert_eq!(trap_of(&call(&mut store, instance, "spin").unwrap_err()), Trap::Interrupted);
    }
}

#[test]
fn native_code_without_interrupts_checks_for_epochs() {
    let engine = engine(|config| {
        config.interruptible(false).epoch_interruption(true);
        if cfg!(feature = "jit") {
            config.run_mode(RunMode::Jit);
        }
    });
    let mut store = Store::new(&engine, ());
    store.set_epoch_deadline(1);
    let instance = Instance::new(&mut store, &module(&engine, GUEST), &[]).unwrap();
    let ticker = engine.weak();
    let ticks = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(20));
        ticker.upgrade().expect("the engine is in use").increment_epoch();
    });
    assert_eq!(trap_of(&call(&mut store, instance, "spin").unwrap_err()), Trap::Interrupt);
    ticks.join().unwrap();
}

#[test]
fn dropped_stores_are_forgotten() {
    let engine = epochs(RunMode::Auto);
    for _ in 0..100 {
        let mut store = Store::new(&engine, ());
        store.set_epoch_deadline(1);
    }
    engine.increment_epoch();
    let weak = engine.weak();
    drop(engine);
    assert!(weak.upgrade().is_none());
}
