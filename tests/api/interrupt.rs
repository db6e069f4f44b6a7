//! The interrupt handle: from another thread it stops every running call, and the store remains usable.

#[cfg(unix)]
use std::os::fd::AsFd;
use std::thread;
use std::time::{Duration, Instant};

use kinglet::{Caller, Engine, Instance, InterruptHandle, Linker, PollFd, Result, Store, Trap, WasmBacktrace};

use crate::{engine, load, load_with, module, throwing_engine, trap, trap_of};

/// The time limit for the return of an interrupted call.
const SOON: Duration = Duration::from_secs(5);

/// Interrupts a call after a while, and checks that it ends soon.
#[track_caller]
fn interrupted<T>(store: &mut Store<T>, instance: &Instance, name: &str) {
    let handle = store.interrupt_handle();
    let timer = thread::spawn(move || {
        thread::sleep(Duration::from_millis(30));
        handle.interrupt();
    });
    let func = instance.get_typed_func::<(), ()>(&mut *store, name).unwrap();
    let start = Instant::now();
    let error = func.call(&mut *store, ()).expect_err("the call is endless");
    assert_eq!(trap_of(&error), Trap::Interrupted, "{name}");
    assert!(start.elapsed() < SOON, "{name}: {:?}", start.elapsed());
    let backtrace = error.downcast_ref::<WasmBacktrace>().unwrap();
    let innermost = match name {
        // In these cases, a host function or one of its callees waits.
        "sleep" | "poll" => name,
        "back" => "br",
        _ => backtrace.frames()[0].func_name().unwrap_or_default(),
    };
    assert_eq!((backtrace.trap(), backtrace.frames()[0].func_name()), (Some(Trap::Interrupted), Some(innermost)));
    timer.join().unwrap();
    let fine = instance.get_typed_func::<(), i32>(&mut *store, "fine").unwrap();
    assert_eq!(fine.call(store, ()).unwrap(), 1);
}

const LOOPS: &str = r#"(module
    (type $t (func))
    (import "host" "sleep" (func $sleep)) (import "host" "poll" (func $poll)) (import "host" "back" (func $back))
    (memory 1) (table funcref (elem $tail)) (tag $e)
    (global $n (mut i32) (i32.const 1))
    (func (export "fine") (result i32) (i32.const 1))
    (func (export "br") (loop (br 0)))
    (func (export "br_if") (loop (br_if 0 (global.get $n))))
    (func (export "br_if_compare") (local i32) (loop (br_if 0 (i32.lt_s (local.get 0) (i32.const 5)))))
    (func (export "br_if_eqz") (local i64) (loop (br_if 0 (i64.eqz (local.get 0)))))
    (func (export "br_if_args") (i32.const 0) (loop (param i32) (br_if 0 (global.get $n)) drop))
    (func (export "br_table") (loop (br_table 0 0 (global.get $n))))
    (func (export "br_table_args") (local i32) (i32.const 0)
        (loop (param i32) (local.set 0) (br_table 0 0 (i32.add (local.get 0) (i32.const 1)) (global.get $n))))
    (func (export "br_on_null") (loop (br_on_null 0 (ref.null func)) drop (br 0)))
    (func $some) (elem declare func $some)
    (func (export "br_on_non_null") (ref.func $some) (loop (param (ref func)) (br_on_non_null 0)))
    (func $tail (export "tail") (return_call $tail))
    (func (export "tail_indirect") (return_call_indirect (type $t) (i32.const 0)))
    (func $recursion (export "recursion") (loop (call $half) (br 0)))
    (func $half (call $some))
    (func (export "throw") (loop (try_table (catch $e 0) (throw $e))))
    (func (export "throw_all") (loop (try_table (catch_all 0) (throw $e))))
    (func (export "sleep") (call $sleep))
    (func (export "poll") (call $poll))
    (func (export "back") (call $back)))"#;

#[cfg(unix)]
fn poll_for_ever(caller: Caller<'_, ()>) -> Result<()> {
    let (reader, _writer) = rustix::pipe::pipe()?;
    let mut fds = [PollFd::readable(reader.as_fd())];
    caller.waiter().poll(&mut fds, None)?;
    Ok(())
}

fn looping(engine: &Engine) -> (Store<()>, Instance) {
    let mut linker = Linker::new(engine);
    linker.func_wrap("host", "sleep", |caller: Caller<'_, ()>| caller.waiter().sleep(None)).unwrap();
    linker.func_wrap("host", "poll", poll_for_ever).unwrap();
    linker
        .func_wrap("host", "back", |mut caller: Caller<'_, ()>| {
            let br = caller.get_export("br").and_then(kinglet::Extern::into_func).unwrap();
            br.call(&mut caller, &[], &mut [])
        })
        .unwrap();
    let mut store = crate::store(engine);
    let instance = linker.instantiate(&mut store, &module(engine, LOOPS)).unwrap();
    (store, instance)
}

const ENDLESS: [&str; 18] = [
    "br",
    "br_if",
    "br_if_compare",
    "br_if_eqz",
    "br_if_args",
    "br_table",
    "br_table_args",
    "br_on_null",
    "br_on_non_null",
    "tail",
    "tail_indirect",
    "recursion",
    "throw",
    "throw_all",
    "sleep",
    "poll",
    "back",
    "br",
];

#[test]
fn every_endless_guest_can_be_interrupted() {
    let (mut store, instance) = looping(&throwing_engine());
    ENDLESS.iter().for_each(|name| interrupted(&mut store, &instance, name));
}

#[test]
fn every_endless_guest_can_be_interrupted_when_metered() {
    let engine = engine(|config| {
        config.gas(true).feature(kinglet::Feature::Exceptions, true);
    });
    let (mut store, instance) = looping(&engine);
    ENDLESS.iter().for_each(|name| interrupted(&mut store, &instance, name));
}

#[test]
fn bulk_operations_on_big_memories_can_be_interrupted() {
    // Without the interrupt, each takes much longer than the deadline.
    let text = r#"(module (memory 65536) (memory $b i64 65536)
        (func (export "fine") (result i32) (i32.const 1))
        (func (export "fill") (loop (memory.fill (i32.const 0) (i32.const 1) (i32.const -1)) (br 0)))
        (func (export "copy") (loop (memory.copy (i32.const 1) (i32.const 0) (i32.const -2)) (br 0))))"#;
    let start = Instant::now();
    let (mut store, instance) = load(text);
    for name in ["fill", "copy"] {
        interrupted(&mut store, &instance, name);
    }
    assert!(start.elapsed() < 2 * SOON);
}

#[test]
fn a_long_run_of_bulk_operations_without_branches_can_be_interrupted() {
    let body = "(memory.copy (i32.const 0) (i32.const 0) (i32.const 0x8000000))".repeat(1000)
        + &"(table.copy (i32.const 1) (i32.const 0) (i32.const 4000000))".repeat(1000);
    let text = format!(
        r#"(module (memory 4096) (table 5000000 funcref)
        (func (export "fine") (result i32) (i32.const 1)) (func (export "run") {body}))"#
    );
    let (mut store, instance) = load(&text);
    interrupted(&mut store, &instance, "run");
}

#[test]
fn an_interrupt_between_calls_stops_the_next_call() {
    let (mut store, instance) = load(r#"(module (func (export "f")) (func (export "g") (loop)))"#);
    for _ in 0..3 {
        store.interrupt_handle().interrupt();
        assert_eq!(trap(&mut store, &instance, "f"), Trap::Interrupted);
        instance.get_typed_func::<(), ()>(&mut store, "f").unwrap().call(&mut store, ()).unwrap();
        instance.get_typed_func::<(), ()>(&mut store, "g").unwrap().call(&mut store, ()).unwrap();
    }
}

#[test]
fn an_interrupt_between_calls_stops_the_next_call_of_a_host_function() {
    let engine = Engine::default();
    let mut store = Store::new(&engine, ());
    let f = kinglet::Func::wrap(&mut store, || 1);
    store.interrupt_handle().interrupt();
    let error = f.typed::<(), i32>(&store).unwrap().call(&mut store, ()).unwrap_err();
    assert_eq!(trap_of(&error), Trap::Interrupted);
    assert_eq!(f.typed::<(), i32>(&store).unwrap().call(&mut store, ()).unwrap(), 1);
}

#[test]
fn a_handle_can_outlive_its_store() {
    let (store, _) = load("(module)");
    let handles: Vec<InterruptHandle> = (0..4).map(|_| store.interrupt_handle()).collect();
    let threads: Vec<_> = handles
        .into_iter()
        .map(|handle| {
            thread::spawn(move || {
                for _ in 0..10_000 {
                    handle.interrupt();
                }
            })
        })
        .collect();
    drop(store);
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    let (store, _) = load("(module)");
    let handle = store.interrupt_handle();
    store.into_data();
    handle.interrupt();
}

#[test]
fn an_interrupt_that_a_host_function_ignores_still_stops_the_guest() {
    let engine = Engine::default();
    let mut linker = Linker::new(&engine);
    linker
        .func_wrap("host", "f", |caller: Caller<'_, u32>| {
            let _ = caller.waiter().sleep(None);
        })
        .unwrap();
    let text = r#"(module (import "host" "f" (func $f)) (func (export "run") (call $f) (loop (br 0)))
        (func (export "fine") (result i32) (i32.const 1)))"#;
    let mut store = Store::new(&engine, 0);
    let instance = linker.instantiate(&mut store, &module(&engine, text)).unwrap();
    interrupted(&mut store, &instance, "run");
}

#[test]
fn an_interrupt_that_a_host_function_returns_as_its_error_is_consumed() {
    let engine = Engine::default();
    let mut linker = Linker::new(&engine);
    linker
        .func_wrap("host", "f", |caller: Caller<'_, ()>| -> Result<()> {
            caller.waiter().sleep(None).map_err(|_| kinglet::Error::msg("cancelled"))
        })
        .unwrap();
    let text = r#"(module (import "host" "f" (func $f)) (func (export "run") (call $f)) (func (export "fine")))"#;
    let mut store = Store::new(&engine, ());
    let instance = linker.instantiate(&mut store, &module(&engine, text)).unwrap();
    store.interrupt_handle().interrupt();
    // No call was running, so the interrupt stops this call itself. A host function reports only interrupts of its
    // waits.
    assert_eq!(trap(&mut store, &instance, "run"), Trap::Interrupted);
    let handle = store.interrupt_handle();
    let timer = thread::spawn(move || {
        thread::sleep(Duration::from_millis(30));
        handle.interrupt();
    });
    let error = instance.get_typed_func::<(), ()>(&mut store, "run").unwrap().call(&mut store, ()).unwrap_err();
    assert!(error.to_string().starts_with("cancelled\n    0: run (func[1])"), "{error}");
    timer.join().unwrap();
    instance.get_typed_func::<(), ()>(&mut store, "fine").unwrap().call(&mut store, ()).unwrap();
}

#[test]
fn an_uninterrupted_wait_has_the_requested_duration() {
    let engine = Engine::default();
    let mut linker = Linker::new(&engine);
    linker
        .func_wrap("host", "f", |caller: Caller<'_, ()>, millis: u32| -> Result<()> {
            Ok(caller.waiter().sleep(Some(Duration::from_millis(millis.into())))?)
        })
        .unwrap();
    let text = r#"(module (import "host" "f" (func $f (param i32))) (func (export "run") (call $f (i32.const 50))))"#;
    let mut store = Store::new(&engine, ());
    let instance = linker.instantiate(&mut store, &module(&engine, text)).unwrap();
    let start = Instant::now();
    instance.get_typed_func::<(), ()>(&mut store, "run").unwrap().call(&mut store, ()).unwrap();
    assert!((Duration::from_millis(50)..SOON).contains(&start.elapsed()));
}

/// Returns the CPU time of this thread.
#[cfg(target_os = "linux")]
fn computed() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

#[cfg(target_os = "linux")]
#[test]
fn waiting_on_descriptors_does_not_spin_after_many_interrupts() {
    let engine = Engine::default();
    let mut store = Store::new(&engine, ());
    let poll = kinglet::Func::wrap(&mut store, |caller: Caller<'_, ()>, millis: u32| -> Result<i32> {
        let (reader, _writer) = rustix::pipe::pipe()?;
        let mut fds = [PollFd::readable(reader.as_fd())];
        Ok(caller.waiter().poll(&mut fds, Some(Duration::from_millis(millis.into())))? as i32)
    });
    let poll = poll.typed::<u32, i32>(&store).unwrap();
    assert_eq!(poll.call(&mut store, 1).unwrap(), 0);
    for _ in 0..1000 {
        store.interrupt_handle().interrupt();
    }
    assert_eq!(trap_of(&poll.call(&mut store, 1).unwrap_err()), Trap::Interrupted);
    let before = computed();
    assert_eq!(poll.call(&mut store, 300).unwrap(), 0);
    let spent = computed() - before;
    assert!(spent < Duration::from_millis(100), "{spent:?}");
}

#[test]
fn interrupts_at_random_times_never_break_a_store() {
    let text = r#"(module (global $n (export "n") (mut i32) (i32.const 0)) (memory 1)
        (func $leaf (param i32) (result i32) (i32.store (i32.const 0) (local.get 0)) (i32.load (i32.const 0)))
        (func (export "fine") (result i32) (i32.const 1))
        (func (export "run") (local i32)
            (loop (local.set 0 (call $leaf (i32.add (local.get 0) (i32.const 1)))) (global.set $n (local.get 0)) (br 0))))"#;
    let (mut store, instance) = load_with(&Engine::default(), text);
    let run = instance.get_typed_func::<(), ()>(&mut store, "run").unwrap();
    for micros in (0..100).map(|n| n * 37 % 900) {
        let handle = store.interrupt_handle();
        let timer = thread::spawn(move || {
            thread::sleep(Duration::from_micros(micros));
            handle.interrupt();
        });
        assert_eq!(trap_of(&run.call(&mut store, ()).unwrap_err()), Trap::Interrupted);
        timer.join().unwrap();
    }
}

#[cfg(unix)]
#[test]
fn waits_on_one_descriptor_can_exceed_the_descriptor_limit() {
    let (reader, writer) = std::io::pipe().unwrap();
    let most = rustix::process::getrlimit(rustix::process::Resource::Nofile).current.unwrap_or(1 << 20);
    let half = usize::try_from(most.min(1 << 20)).unwrap() / 2 + 1;
    let (reads, writes) = (PollFd::readable(reader.as_fd()), PollFd::writable(writer.as_fd()));
    let mut fds = [vec![reads; half], vec![writes; half]].concat();
    assert_eq!(kinglet::Waiter::default().poll(&mut fds, None).unwrap(), half);
    assert!(fds[..half].iter().all(|fd| !fd.is_ready()) && fds[half..].iter().all(PollFd::is_ready));

    // Two waits on the same descriptor get separate results.
    let (near, _far) = std::os::unix::net::UnixStream::pair().unwrap();
    let mut fds = [PollFd::readable(near.as_fd()), PollFd::writable(near.as_fd())];
    assert_eq!(kinglet::Waiter::default().poll(&mut fds, None).unwrap(), 1);
    assert!(!fds[0].is_ready() && fds[1].is_ready());
}
