//! Native code from outside. All settings lead to the same results. Only faults of a guest are traps. This also applies
//! on many threads, with the host's own handlers, and with little address space.

use std::process::Command;

use kinglet::{Config, Engine, Instance, Linker, Module, Optimization, RunMode, Store, Trap, WasmBacktrace};

use crate::{load_with, module, trap_of};

/// Operations whose code depends on the settings: memories of three kinds, tables, division, truncation, calls.
const PROGRAM: &str = r#"(module
  (memory $small 1 2) (memory $wide i64 1 2) (memory $bytes 10 20 (pagesize 1))
  (table $t 3 funcref) (elem (table $t) (i32.const 0) func $one $two)
  (type $f (func (result i32)))
  (func $one (type $f) (i32.const 1)) (func $two (type $f) (i32.const 2))
  (func (export "near") (param i32) (result i32)
    (i32.store offset=4 (local.get 0) (i32.const 77)) (i32.load offset=4 (local.get 0)))
  (func (export "far") (param i32) (result i32) (i32.load offset=0xfff0 (local.get 0)))
  (func (export "farthest") (param i32) (result i32) (i32.load offset=0xfffffff0 (local.get 0)))
  (func (export "wide") (param i32) (result i32)
    (i32.load $wide offset=8 (i64.sub (i64.extend_i32_s (local.get 0)) (i64.const 1))))
  (func (export "bytes") (param i32) (result i32) (i32.load8_u $bytes (local.get 0)))
  (func (export "grown") (param i32) (result i32)
    (drop (memory.grow $small (local.get 0))) (i32.load (i32.const 65536)))
  (func (export "call") (param i32) (result i32) (call_indirect $t (type $f) (local.get 0)))
  (func (export "divide") (param i32) (result i32) (i32.div_s (i32.const 0x80000000) (local.get 0)))
  (func (export "truncate") (param i32) (result i32)
    (i32.trunc_f32_s (f32.reinterpret_i32 (local.get 0))))
  (func $deep (export "deep") (param i32) (result i32)
    (if (result i32) (local.get 0)
      (then (i32.add (i32.const 1) (call $deep (i32.sub (local.get 0) (i32.const 1))))) (else (i32.const 0)))))"#;

const FUNCTIONS: [&str; 10] =
    ["near", "far", "farthest", "wide", "bytes", "grown", "call", "divide", "truncate", "deep"];

const ARGUMENTS: [i32; 12] = [0, 1, 2, 3, 9, 10, 100, 65528, 65529, -1, i32::MIN, 0x7fc0_0000];

/// Returns the result of each function for each argument, in a new instance.
fn results(engine: &Engine) -> Vec<String> {
    let module = module(engine, PROGRAM);
    let call = |name: &str, argument: i32| {
        let mut store = Store::new(engine, ());
        let instance = Instance::new(&mut store, &module, &[]).unwrap();
        let function = instance.get_typed_func::<i32, i32>(&mut store, name).unwrap();
        match function.call(&mut store, argument) {
            Ok(result) => format!("{name}({argument}) = {result}"),
            Err(error) => format!("{name}({argument}): {}", trap_of(&error)),
        }
    };
    FUNCTIONS.iter().flat_map(|name| ARGUMENTS.map(|argument| call(name, argument))).collect()
}

#[test]
fn every_setting_gives_the_interpreters_results() {
    let new = |run_mode| {
        let mut config = Config::new();
        config.feature(kinglet::Feature::CustomPageSizes, true).run_mode(run_mode);
        config
    };
    let expected = results(&Engine::new(&new(RunMode::Interpreter)).unwrap());
    assert!(expected.contains(&"call(1) = 2".to_string()) && expected.contains(&"near(0) = 77".to_string()));
    type Change = fn(&mut Config);
    let changes: [(&str, Change); 9] = [
        ("default", |_| ()),
        ("auto", |config| _ = config.run_mode(RunMode::Auto)),
        ("without faults", |config| _ = config.signals_based_traps(false)),
        ("without reservations", |config| _ = config.memory_reservation(0)),
        ("without a guard", |config| _ = config.memory_guard_size(0)),
        ("without mitigation", |config| _ = config.memory_reservation(0).spectre_mitigation(false)),
        ("without either", |config| _ = config.signals_based_traps(false).spectre_mitigation(false)),
        ("unoptimised", |config| _ = config.optimization(Optimization::None).interruptible(false)),
        ("small, on one thread", |config| {
            config.optimization(Optimization::SpeedAndSize).compiler_threads(1);
        }),
    ];
    for (what, change) in changes {
        let mut config = new(RunMode::Jit);
        change(&mut config);
        for (native, interpreted) in results(&Engine::new(&config).unwrap()).iter().zip(&expected) {
            // The depth of recursion depends on the tier.
            assert!(native == interpreted || native.starts_with("deep("), "{what}: {native}, {interpreted}");
        }
    }
}

#[test]
fn a_fault_has_the_backtrace_of_its_instruction() {
    let engine = Engine::new(Config::new().run_mode(RunMode::Jit)).unwrap();
    let text = r#"(module (memory 1)
        (func $inner (param i32) (drop (i32.const 1)) (drop (i32.load (local.get 0))))
        (func $outer (export "f") (call $inner (i32.const 65533))))"#;
    let native = load_with(&engine, text);
    let interpreted = load_with(&Engine::new(Config::new().run_mode(RunMode::Interpreter)).unwrap(), text);
    let [native, interpreted] = [native, interpreted].map(|(mut store, instance)| {
        let error = instance.get_typed_func::<(), ()>(&mut store, "f").unwrap().call(&mut store, ()).unwrap_err();
        error.downcast_ref::<WasmBacktrace>().unwrap().to_string()
    });
    assert_eq!(native, interpreted);
    assert!(native.contains("0: inner") && native.contains("1: outer"), "{native}");
}

#[test]
fn a_trap_folded_into_another_instruction_has_its_own_location() {
    // Some processors have no memory operands and therefore no such instruction. A branch to `unreachable` is a
    // conditional trap.
    let bodies = [
        "(i32.add (i32.load (local.get 0)) (local.get 1))",
        "(i32.add (i32.load (i32.const 0)) (i32.load (local.get 0)))",
        "(i32.wrap_i64 (i64.add (i64.load (local.get 0)) (i64.extend_i32_u (local.get 1))))",
        "(i32.trunc_sat_f64_s (f64.add (f64.convert_i32_s (local.get 1)) (f64.load (local.get 0))))",
        "(i32.lt_u (local.get 1) (i32.load (local.get 0)))",
        "(i32.store (local.get 0) (i32.add (i32.load (local.get 0)) (local.get 1))) (i32.const 1)",
        "(if (result i32) (i32.eqz (i32.load (local.get 0))) (then (i32.const 1)) (else (i32.const 2)))",
        "(i32x4.extract_lane 0 (i32x4.add (v128.load (local.get 0)) (i32x4.splat (local.get 1))))",
        "(i32.add (i32.load16_u (local.get 0)) (local.get 1))",
        "(if (local.get 1) (then unreachable)) (i32.const 1)",
        "(block (br_if 0 (i32.eqz (local.get 1))) unreachable) (i32.const 1)",
    ];
    for body in bodies {
        let text = format!(r#"(module (memory 1) (func (export "f") (param i32 i32) (result i32) {body}))"#);
        let places = [RunMode::Jit, RunMode::Interpreter].map(|mode| {
            let (mut store, instance) = load_with(&Engine::new(Config::new().run_mode(mode)).unwrap(), &text);
            let f = instance.get_typed_func::<(i32, i32), i32>(&mut store, "f").unwrap();
            let error = f.call(&mut store, (-1, 5)).unwrap_err();
            error.downcast_ref::<WasmBacktrace>().unwrap().to_string()
        });
        assert_eq!(places[0], places[1], "{body}");
    }
}

#[test]
fn two_loads_in_one_operation_have_separate_locations() {
    let bodies = [
        "(select (i32.load (local.get 0)) (i32.const 2) (i32.lt_s (i32.const 1) (i32.load offset=4 (local.get 1))))",
        "(select (i32.const 2) (i32.load (local.get 0)) (i32.lt_s (i32.load offset=4 (local.get 1)) (i32.const 1)))",
        "(i32.add (i32.load (local.get 0)) (i32.load offset=4 (local.get 1)))",
        "(i32.lt_s (i32.load (local.get 0)) (i32.load offset=4 (local.get 1)))",
        "(i32.load8_u (i32.or (i32.load (local.get 0)) (i32.load offset=4 (local.get 1))))",
        "(i32.load offset=65533 (i32.load (i32.or (local.get 0) (local.get 1))))",
        "(i32.store (i32.const 0) (i32.add (i32.load (local.get 0)) (i32.load (local.get 1)))) (i32.const 1)",
        "(loop (result i32) (select (i32.load (local.get 0)) (i32.const 2)
            (i32.lt_s (i32.const 1) (i32.and (i32.load offset=4 (local.get 1)) (i32.const 65535)))))",
    ];
    for body in bodies {
        let text = format!(r#"(module (memory 1) (func (export "f") (param i32 i32) (result i32) {body}))"#);
        for args in [(-1, 0), (0, -1), (-1, -1)] {
            let places = [RunMode::Jit, RunMode::Interpreter].map(|mode| {
                let (mut store, instance) = load_with(&Engine::new(Config::new().run_mode(mode)).unwrap(), &text);
                let f = instance.get_typed_func::<(i32, i32), i32>(&mut store, "f").unwrap();
                f.call(&mut store, args).unwrap_err().downcast_ref::<WasmBacktrace>().unwrap().to_string()
            });
            assert_eq!(places[0], places[1], "{body} of {args:?}");
        }
    }
}

#[test]
fn traps_folded_into_instructions_without_a_location_are_distinguished() {
    // The blocks of machine code have a different order than the text, and instructions without effects lose their
    // locations in loops.
    let text = r#"(module (memory 1)
        (func (export "f") (param $which i32) (result i32) (local $x i32)
          (loop $again
            (if (i32.eqz (local.get $which))
              (then (local.set $x (i32.load8_u (i32.and (i32.load (i32.const -8)) (i32.const 65535)))))
              (else
                (if (i32.eq (local.get $which) (i32.const 1))
                  (then (local.set $x (i32.load8_u (i32.and (i32.load offset=14 (i32.const -8)) (i32.const 65535)))))
                  (else (local.set $x (i32.load8_u (i32.and (i32.load offset=15 (i32.const -8)) (i32.const 65535))))))))
            (br_if $again (i32.load8_u offset=3 (i32.and (i32.load offset=16 (i32.const -8)) (i32.const 65535)))))
          (local.get $x)))"#;
    for which in [0, 1, 2] {
        let places = [RunMode::Jit, RunMode::Interpreter].map(|mode| {
            let (mut store, instance) = load_with(&Engine::new(Config::new().run_mode(mode)).unwrap(), text);
            let f = instance.get_typed_func::<i32, i32>(&mut store, "f").unwrap();
            f.call(&mut store, which).unwrap_err().downcast_ref::<WasmBacktrace>().unwrap().to_string()
        });
        assert_eq!(places[0], places[1], "{which}");
    }
}

#[test]
fn many_threads_can_fault_at_once() {
    let engine = Engine::new(Config::new().run_mode(RunMode::Jit)).unwrap();
    let module = module(&engine, PROGRAM);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let mut store = Store::new(&engine, ());
                let instance = Instance::new(&mut store, &module, &[]).unwrap();
                let near = instance.get_typed_func::<i32, i32>(&mut store, "near").unwrap();
                for round in 0..500 {
                    let error = near.call(&mut store, -1 - round).unwrap_err();
                    assert_eq!(trap_of(&error), Trap::MemoryOutOfBounds);
                    assert_eq!(near.call(&mut store, round).unwrap(), 77);
                }
            });
        }
    });
}

#[test]
fn a_trap_passes_host_functions_between_native_frames() {
    let engine = Engine::new(Config::new().run_mode(RunMode::Jit)).unwrap();
    let mut linker: Linker<()> = Linker::new(&engine);
    linker
        .func_wrap("host", "again", |mut caller: kinglet::Caller<'_, ()>, n: i32| {
            let f = caller.get_export("f").and_then(kinglet::Extern::into_func).unwrap();
            f.typed::<i32, ()>(&caller)?.call(&mut caller, n)
        })
        .unwrap();
    let text = r#"(module (import "host" "again" (func $again (param i32))) (memory 1)
        (func (export "f") (param i32)
          (if (local.get 0) (then (call $again (i32.sub (local.get 0) (i32.const 1))))
            (else (i32.store (i32.const -1) (i32.const 0))))))"#;
    let mut store = Store::new(&engine, ());
    let instance = linker.instantiate(&mut store, &Module::new(&engine, text).unwrap()).unwrap();
    let f = instance.get_typed_func::<i32, ()>(&mut store, "f").unwrap();
    for depth in [0, 1, 5, 0] {
        let error = f.call(&mut store, depth).unwrap_err();
        assert_eq!(trap_of(&error), Trap::MemoryOutOfBounds);
        assert_eq!(error.downcast_ref::<WasmBacktrace>().unwrap().frames().len(), depth as usize + 1);
    }
}

/// Runs an ignored test in a separate process, and returns its output.
#[cfg(target_os = "linux")]
pub(crate) fn alone(name: &str) -> std::process::Output {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([name, "--exact", "--ignored", "--nocapture", "--test-threads=1"]).output().unwrap()
}

/// A fault of the host is not a trap, even after a guest has run.
#[cfg(target_os = "linux")]
#[test]
fn a_fault_of_the_host_kills_the_process() {
    use std::os::unix::process::ExitStatusExt;
    let output = alone("native::the_host_faults");
    assert_eq!(output.status.signal(), Some(rustix::process::Signal::SEGV.as_raw()), "{output:?}");
    assert!(!String::from_utf8_lossy(&output.stdout).contains("went on"));
}

#[cfg(target_os = "linux")]
#[test]
#[ignore = "run by a_fault_of_the_host_kills_the_process in a separate process"]
fn the_host_faults() {
    let engine = Engine::new(Config::new().run_mode(RunMode::Jit)).unwrap();
    let mut linker: Linker<()> = Linker::new(&engine);
    linker
        .func_wrap("host", "fault", || {
            // SAFETY: none. The access must fault and kill the process.
            unsafe { std::ptr::null_mut::<u8>().wrapping_add(8).write_volatile(1) }
        })
        .unwrap();
    let text = r#"(module (import "host" "fault" (func $fault)) (func (export "f") (call $fault)))"#;
    let mut store = Store::new(&engine, ());
    let instance = linker.instantiate(&mut store, &Module::new(&engine, text).unwrap()).unwrap();
    let _ = instance.get_typed_func::<(), ()>(&mut store, "f").unwrap().call(&mut store, ());
    println!("went on");
}

/// The host's earlier signal handler is called for the host's faults and not for the guest's.
#[cfg(target_os = "linux")]
#[test]
fn the_hosts_handler_gets_the_hosts_faults() {
    let output = alone("native::the_host_handles_its_fault");
    assert_eq!(output.status.code(), Some(42), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stdout).contains("the guest trapped"), "{output:?}");
}

#[cfg(target_os = "linux")]
#[test]
#[ignore = "run by the_hosts_handler_gets_the_hosts_faults in a separate process"]
fn the_host_handles_its_fault() {
    extern "C" fn handler(_: i32) {
        // SAFETY: the call exits the process, which is async-signal-safe.
        unsafe { libc::_exit(42) }
    }
    // SAFETY: the handler only exits the process.
    unsafe { libc::signal(libc::SIGSEGV, handler as *const () as usize) };
    let engine = Engine::new(Config::new().run_mode(RunMode::Jit)).unwrap();
    let (mut store, instance) = load_with(&engine, PROGRAM);
    let near = instance.get_typed_func::<i32, i32>(&mut store, "near").unwrap();
    assert_eq!(trap_of(&near.call(&mut store, -1).unwrap_err()), Trap::MemoryOutOfBounds);
    println!("the guest trapped");
    // SAFETY: none. The access must fault and call the handler.
    unsafe { std::ptr::null_mut::<u8>().wrapping_add(8).write_volatile(1) }
}

/// A signal from another process kills this one, as it would without an engine.
#[cfg(target_os = "linux")]
#[test]
fn signals_from_other_processes_are_not_lost() {
    use std::os::unix::process::ExitStatusExt;
    for (signal, name) in [(libc::SIGFPE, "native::raises_fpe"), (libc::SIGSEGV, "native::raises_segv")] {
        let output = alone(name);
        assert_eq!(output.status.signal(), Some(signal), "{output:?}");
    }
}

#[cfg(target_os = "linux")]
fn raise(signal: i32) {
    let _engine = Engine::new(Config::new().run_mode(RunMode::Jit)).unwrap();
    // SAFETY: the call kills the process.
    unsafe { libc::raise(signal) };
}

#[cfg(target_os = "linux")]
#[test]
#[ignore = "run by signals_from_other_processes_are_not_lost in a separate process"]
fn raises_fpe() {
    raise(libc::SIGFPE);
}

#[cfg(target_os = "linux")]
#[test]
#[ignore = "run by signals_from_other_processes_are_not_lost in a separate process"]
fn raises_segv() {
    raise(libc::SIGSEGV);
}

#[test]
fn the_stack_limit_is_checked_before_a_large_frame_is_allocated() {
    let engine = Engine::new(Config::new().run_mode(RunMode::Jit).max_host_stack(256 << 10)).unwrap();
    // Every call keeps 2,000 vectors live across the next: a frame of 32 kB.
    let locals = "(local v128)".repeat(2000);
    let sets: String = (0..2000).map(|i| format!("(local.set {} (v128.load (i32.const {})))", i + 1, 16 * i)).collect();
    let uses: String = (0..2000).map(|i| format!("(i32.add (i32x4.extract_lane 0 (local.get {})))", i + 1)).collect();
    let text = format!(
        r#"(module (memory 1) (func $f (export "f") (param i32) (result i32) {locals} {sets}
            (if (local.get 0) (then (drop (call $f (i32.sub (local.get 0) (i32.const 1)))))) (i32.const 0) {uses}))"#
    );
    let (mut store, instance) = load_with(&engine, &text);
    let f = instance.get_typed_func::<i32, i32>(&mut store, "f").unwrap();
    assert!(f.call(&mut store, 3).is_ok());
    assert_eq!(trap_of(&f.call(&mut store, 1000).unwrap_err()), Trap::StackOverflow);
    assert!(f.call(&mut store, 3).is_ok());
}

#[test]
fn a_hundred_thousand_identical_functions_compile_quickly() {
    let engine = Engine::new(Config::new().run_mode(RunMode::Jit)).unwrap();
    let text = format!("(module {} (func (export \"f\") (call 77777)))", "(func)".repeat(100_000));
    let start = std::time::Instant::now();
    let (mut store, instance) = load_with(&engine, &text);
    instance.get_typed_func::<(), ()>(&mut store, "f").unwrap().call(&mut store, ()).unwrap();
    assert!(start.elapsed().as_secs() < 20, "{:?}", start.elapsed());
}

/// The child of a fork compiles code, and does not change its parent's.
#[cfg(target_os = "linux")]
#[test]
fn parent_and_child_of_a_fork_both_work() {
    let output = alone("native::fork_and_go_on");
    let out = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && out.contains("child 3") && out.contains("parent 4"), "{output:?}");
}

#[cfg(target_os = "linux")]
#[test]
#[ignore = "run by parent_and_child_of_a_fork_both_work in a separate process"]
fn fork_and_go_on() {
    let engine = Engine::new(Config::new().run_mode(RunMode::Jit)).unwrap();
    let run = |ty: &str, argument: i32| {
        // The signature is unique, so its trampolines are compiled here.
        let text = format!(
            r#"(module (import "host" "f" (func $host (param i32 {ty}) (result i32 {ty})))
                (memory 1)
                (func (export "f") (param i32 {ty}) (result i32 {ty}) (call $host (local.get 0) (local.get 1)))
                (func (export "trap") (drop (i32.load (i32.const -1)))))"#
        );
        let mut store = Store::new(&engine, ());
        let mut linker: Linker<()> = Linker::new(&engine);
        let module = Module::new(&engine, text).unwrap();
        let kinglet::ExternType::Func(func) = module.get_export("f").unwrap() else { panic!("no function") };
        linker
            .func_new("host", "f", func, |_, given, results| {
                results.copy_from_slice(given);
                Ok(())
            })
            .unwrap();
        let instance = linker.instantiate(&mut store, &module).unwrap();
        let f = instance.get_func(&mut store, "f").unwrap();
        let zero = kinglet::Val::default_of(f.ty(&store).params()[1], &engine).unwrap();
        let mut results = [kinglet::Val::I32(0), zero];
        f.call(&mut store, &[kinglet::Val::I32(argument), zero], &mut results).unwrap();
        let trap = instance.get_typed_func::<(), ()>(&mut store, "trap").unwrap();
        assert_eq!(trap_of(&trap.call(&mut store, ()).unwrap_err()), Trap::MemoryOutOfBounds);
        results[0].i32().unwrap()
    };
    assert_eq!(run("i32", 1), 1);
    // SAFETY: the test is alone in its process, so no other thread holds a lock that the child needs.
    let child = unsafe { libc::fork() };
    if child == 0 {
        println!("child {}", run("f64", 3));
        std::process::exit(0);
    }
    println!("parent {}", run("f32", 4));
    let mut status = 0;
    // SAFETY: the call waits for a child of this process.
    unsafe { libc::waitpid(child, &mut status, 0) };
    assert_eq!(status, 0);
    assert_eq!(run("i32", 5), 5, "earlier code still works");
}

/// Returns a module with a recursion whose innermost call keeps the results of 80 calls, a hundred vectors each. They
/// have 128 kB, mostly in a native frame. Another function keeps as much data across a loop.
fn with_a_large_frame() -> String {
    let (vectors, loads) = ("v128 ".repeat(100), "(v128.load (i32.const 0)) ".repeat(100));
    let (pushes, adds) = ("(call $vectors) ".repeat(80), "i32x4.add ".repeat(8000 - 1));
    format!(
        r#"(module (type $vectors (func (result {vectors}))) (memory 1) (func $vectors (type $vectors) {loads})
          (func $large (export "large") (result i32) {pushes} {adds} i32x4.extract_lane 0)
          (func $deep (export "deep") (param i32) (result i32)
            (if (result i32) (local.get 0)
              (then (i32.add (call $deep (i32.sub (local.get 0) (i32.const 1))) (i32.const 1)))
              (else (call $large))))
          (func $loop (export "loop") (result i32) (local i32) {pushes}
            (loop (br_if 0 (i32.lt_u (local.tee 0 (i32.add (local.get 0) (i32.const 1))) (i32.const 2000))))
            {adds} i32x4.extract_lane 0))"#
    )
}

#[test]
fn every_stack_check_prevents_a_large_frame_from_overflowing() {
    for faults in [false, true] {
        let mut config = Config::new();
        config.run_mode(RunMode::Jit).max_host_stack(64 << 10).signals_based_traps(faults);
        let (mut store, instance) = load_with(&Engine::new(&config).unwrap(), &with_a_large_frame());
        let deep = instance.get_typed_func::<i32, i32>(&mut store, "deep").unwrap();
        // The code is compiled here, where the stack suffices for the compiler.
        assert_eq!(deep.call(&mut store, 0).unwrap(), 0);
        let thread = std::thread::Builder::new().stack_size(160 << 10).spawn(move || {
            for depth in (0..3000).step_by(100) {
                assert_eq!(deep.call(&mut store, depth).unwrap(), depth);
            }
        });
        thread.unwrap().join().unwrap();
    }
}

#[test]
fn osr_entry_into_a_loop_with_a_large_frame_checks_the_stack() {
    // Every back-edge requests native code for its loop, and the function itself is never compiled.
    let sampling_interval = std::time::Duration::ZERO;
    let never = kinglet::TierThresholds { sampling_interval, samples: u32::MAX, bytes_a_sample: 1 };
    for faults in [false, true] {
        for (stack, entered) in [(64 << 10, false), (512 << 10, true)] {
            let mut config = Config::new();
            config.tier_thresholds(never).max_host_stack(stack).signals_based_traps(faults);
            let (mut store, instance) = load_with(&Engine::new(&config).unwrap(), &with_a_large_frame());
            kinglet::testing::compile_loop(&mut store, instance, 3, 0).unwrap();
            let f = instance.get_typed_func::<(), i32>(&mut store, "loop").unwrap();
            assert_eq!(f.call(&mut store, ()).unwrap(), 0);
            assert_eq!(kinglet::testing::loops_entered(&mut store) > 0, entered, "{stack} {faults}");
        }
    }
}

/// Returns the address and the size of this thread's alternate signal stack.
#[cfg(target_os = "linux")]
fn signal_stack() -> Option<(usize, usize)> {
    // SAFETY: the call only reads, and every bit pattern of the struct is valid.
    let stack = unsafe {
        let mut stack: libc::stack_t = std::mem::zeroed();
        assert_eq!(libc::sigaltstack(std::ptr::null(), &mut stack), 0);
        stack
    };
    (stack.ss_flags & libc::SS_DISABLE == 0).then_some((stack.ss_sp as usize, stack.ss_size))
}

/// Runs a closure on a thread that Rust did not create, and that has no alternate signal stack.
#[cfg(target_os = "linux")]
fn on_a_foreign_thread(run: Box<dyn FnOnce() + Send>) {
    extern "C" fn start(run: *mut libc::c_void) -> *mut libc::c_void {
        // SAFETY: `Box::into_raw` below created the pointer for this thread.
        unsafe { Box::from_raw(run.cast::<Box<dyn FnOnce() + Send>>())() };
        std::ptr::null_mut()
    }
    let run = Box::into_raw(Box::new(run)).cast();
    // SAFETY: only the thread uses its argument, and it is joined.
    unsafe {
        let mut thread = std::mem::zeroed();
        assert_eq!(libc::pthread_create(&mut thread, std::ptr::null(), start, run), 0);
        assert_eq!(libc::pthread_join(thread, std::ptr::null_mut()), 0);
    }
}

/// Runs a guest that calls the host and traps. Returns the signal stack that the host function sees.
#[cfg(target_os = "linux")]
fn signal_stack_of_a_guest() -> Option<(usize, usize)> {
    let engine = Engine::new(Config::new().run_mode(RunMode::Jit)).unwrap();
    let mut linker: Linker<()> = Linker::new(&engine);
    let seen = std::sync::Arc::new(std::sync::Mutex::new(None));
    let sees = seen.clone();
    linker.func_wrap("host", "look", move || *sees.lock().unwrap() = signal_stack()).unwrap();
    let text = r#"(module (import "host" "look" (func $look)) (memory 1)
        (func (export "f") (call $look) (drop (i32.load (i32.const -1)))))"#;
    let mut store = Store::new(&engine, ());
    let instance = linker.instantiate(&mut store, &Module::new(&engine, text).unwrap()).unwrap();
    let f = instance.get_typed_func::<(), ()>(&mut store, "f").unwrap();
    for _ in 0..2 {
        assert_eq!(trap_of(&f.call(&mut store, ()).unwrap_err()), Trap::MemoryOutOfBounds);
    }
    *seen.lock().unwrap()
}

#[cfg(target_os = "linux")]
#[test]
fn a_thread_has_an_alternate_signal_stack_from_its_first_guest_on() {
    let output = alone("native::runs_guests_on_foreign_threads");
    assert!(output.status.success(), "{output:?}");
}

#[cfg(target_os = "linux")]
#[test]
#[ignore = "run by a_thread_has_an_alternate_signal_stack_from_its_first_guest_on in a separate process"]
fn runs_guests_on_foreign_threads() {
    on_a_foreign_thread(Box::new(|| {
        assert_eq!(signal_stack(), None);
        let (start, size) = signal_stack_of_a_guest().unwrap();
        assert!(size >= 64 << 10);
        assert_eq!(signal_stack(), Some((start, size)), "the stack remains");
        assert_eq!(signal_stack_of_a_guest(), Some((start, size)), "the second guest reuses the stack");
    }));
    // The test starts enough threads to notice a leak.
    let maps = || std::fs::read_to_string("/proc/self/maps").unwrap().lines().count();
    let run = || on_a_foreign_thread(Box::new(|| assert!(signal_stack_of_a_guest().is_some())));
    run();
    let before = maps();
    (0..50).for_each(|_| run());
    assert!(maps() < before + 25, "{before} {}", maps());
}

#[cfg(target_os = "linux")]
#[test]
fn the_hosts_alternate_signal_stack_is_kept() {
    on_a_foreign_thread(Box::new(|| {
        let mut memory = vec![0_u8; 64 << 10];
        let ours = libc::stack_t { ss_sp: memory.as_mut_ptr().cast(), ss_flags: 0, ss_size: memory.len() };
        // SAFETY: the memory remains allocated until the thread has another stack.
        unsafe { assert_eq!(libc::sigaltstack(&ours, std::ptr::null_mut()), 0) };
        let expected = Some((memory.as_ptr() as usize, memory.len()));
        assert_eq!((signal_stack_of_a_guest(), signal_stack()), (expected, expected));
        let none = libc::stack_t { ss_sp: std::ptr::null_mut(), ss_flags: libc::SS_DISABLE, ss_size: 0 };
        // SAFETY: the call removes the stack.
        unsafe { assert_eq!(libc::sigaltstack(&none, std::ptr::null_mut()), 0) };
    }));
}

/// A signal handler looks up code while other threads publish and drop code. It never fails because of them.
#[test]
fn guests_can_fault_while_modules_are_published_and_dropped() {
    let engine = Engine::new(Config::new().run_mode(RunMode::Jit).compiler_threads(1)).unwrap();
    let module = module(&engine, PROGRAM);
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let mut store = Store::new(&engine, ());
                let instance = Instance::new(&mut store, &module, &[]).unwrap();
                let near = instance.get_typed_func::<i32, i32>(&mut store, "near").unwrap();
                while !done.load(std::sync::atomic::Ordering::Relaxed) {
                    assert_eq!(trap_of(&near.call(&mut store, -1).unwrap_err()), Trap::MemoryOutOfBounds);
                }
            });
        }
        for round in 0..300 {
            let text = format!("(module (func (export \"f\") (result i32) (i32.const {round})))");
            drop(Module::new(&engine, text).unwrap());
        }
        done.store(true, std::sync::atomic::Ordering::Relaxed);
    });
}

mod heavy {
    use super::*;

    #[test]
    #[ignore = "heavy: compiles 4,000 modules"]
    fn dropping_a_module_takes_the_same_time_among_thousands_as_among_few() {
        let engine = Engine::new(Config::new().run_mode(RunMode::Jit).compiler_threads(1)).unwrap();
        let make = |n: usize| {
            let text = format!("(module (func (export \"f\") (result i32) (i32.const {n})))");
            Module::new(&engine, text).unwrap()
        };
        // The fastest of several runs, in microseconds.
        let drop_one = || {
            let once = |n| {
                let module = make(n);
                let start = std::time::Instant::now();
                drop(module);
                start.elapsed().as_secs_f64() * 1e6
            };
            (0..50).map(once).fold(f64::MAX, f64::min)
        };
        let few = drop_one();
        let all: Vec<Module> = (0..4000).map(make).collect();
        let many = drop_one();
        println!("a module is dropped in {few:.1} us, and among {} others in {many:.1} us", all.len());
        assert!(many < 5.0 * few + 20.0, "{few} {many}");
    }
}
