//! The system refuses executable memory, before an engine is created or later. All code is then interpreted, and
//! subscribers get an event. Linux's system call filters (`seccomp`) refuse the memory. They cannot be removed, so each
//! test runs in a separate process.

use std::time::Duration;

use kinglet::{Config, Engine, Instance, Store, TierThresholds};

use crate::module;

const LOOP: &str = r#"(module
    (func $twice (param i64) (result i64) (i64.mul (local.get 0) (i64.const 2)))
    (func $sum (export "sum") (param i64) (result i64) (local $sum i64)
        (loop $l (local.set $sum (i64.add (local.get $sum) (call $twice (local.get 0))))
            (br_if $l (i32.wrap_i64 (local.tee 0 (i64.sub (local.get 0) (i64.const 1))))))
        (local.get $sum)))"#;

/// Makes the system refuse executable memory to this thread.
fn refuse_memory_for_code() {
    let statement = |code: u32, jt: u8, jf: u8, k: u32| libc::sock_filter { code: code as u16, jt, jf, k };
    // The filter's instructions: loads of the call's number and of the lower half of its third argument, comparisons,
    // and results.
    let (load, equal, has, result) = (
        libc::BPF_LD | libc::BPF_W | libc::BPF_ABS,
        libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K,
        libc::BPF_JMP | libc::BPF_JSET | libc::BPF_K,
        libc::BPF_RET | libc::BPF_K,
    );
    let access = std::mem::offset_of!(libc::seccomp_data, args) as u32 + 16;
    let mut program = [
        statement(load, 0, 0, std::mem::offset_of!(libc::seccomp_data, nr) as u32),
        statement(equal, 1, 0, libc::SYS_mprotect as u32),
        statement(equal, 0, 2, libc::SYS_mmap as u32),
        statement(load, 0, 0, access + if cfg!(target_endian = "big") { 4 } else { 0 }),
        statement(has, 1, 0, libc::PROT_EXEC as u32),
        statement(result, 0, 0, libc::SECCOMP_RET_ALLOW),
        statement(result, 0, 0, libc::SECCOMP_RET_ERRNO | libc::EACCES as u32),
    ];
    let program = libc::sock_fprog { len: program.len() as u16, filter: program.as_mut_ptr() };
    // SAFETY: the filter is complete, and only refuses executable memory.
    unsafe {
        assert_eq!(libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
        assert_eq!(libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const program), 0);
    }
    // SAFETY: a new mapping overlaps no other.
    let refused = unsafe {
        let access = libc::PROT_READ | libc::PROT_EXEC;
        libc::mmap(std::ptr::null_mut(), 4096, access, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS, -1, 0)
    };
    assert_eq!(refused, libc::MAP_FAILED, "the filter works");
}

/// Returns an engine that compiles functions at their first call.
fn engine() -> Engine {
    let thresholds = TierThresholds { sampling_interval: Duration::ZERO, samples: 1, bytes_a_sample: u32::MAX };
    Engine::new(Config::new().tier_thresholds(thresholds)).unwrap()
}

fn interprets(engine: &Engine) {
    let module = module(engine, LOOP);
    let mut store = Store::new(engine, ());
    let instance = Instance::new(&mut store, &module, &[]).unwrap();
    let sum = instance.get_typed_func::<i64, i64>(&mut store, "sum").unwrap();
    for _ in 0..3 {
        assert_eq!(sum.call(&mut store, 100).unwrap(), 10_100);
    }
    assert_eq!(module.native_functions(), 0);
}

#[test]
fn an_engine_without_executable_memory_interprets() {
    let output = crate::native::alone("refused::refused_before");
    assert!(output.status.success(), "{output:?}");
}

#[test]
#[ignore = "run by an_engine_without_executable_memory_interprets in a separate process"]
fn refused_before() {
    let lines = crate::event::listen();
    refuse_memory_for_code();
    interprets(&engine());
    let lines = lines.lock().unwrap();
    let told = "DEBUG message=the system does not let memory be executable: everything is interpreted";
    assert!(lines.iter().any(|line| line == told), "{lines:#?}");
}

#[test]
fn hot_code_stays_interpreted_if_memory_is_refused_later() {
    let output = crate::native::alone("refused::refused_later");
    assert!(output.status.success(), "{output:?}");
}

#[test]
#[ignore = "run by hot_code_stays_interpreted_if_memory_is_refused_later in a separate process"]
fn refused_later() {
    let lines = crate::event::listen();
    let engine = engine();
    refuse_memory_for_code();
    interprets(&engine);
    let lines = lines.lock().unwrap();
    for function in ["twice", "sum"] {
        let told = format!("DEBUG message=hot, but stays interpreted function=\"{function}\" error=");
        assert!(lines.iter().any(|line| line.starts_with(&told)), "{function}: {lines:#?}");
    }
}
