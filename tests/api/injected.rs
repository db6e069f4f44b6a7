//! Failures of the system, one at a time. In each run, the `n`th system call of one kind fails, for every `n` that
//! occurs. The library must not panic or end the process. Each run either works completely, or returns an error that
//! names the failed operation.
//!
//! Linux's system call filters can ask another thread for the result of each call (`seccomp_unotify(2)`), so the
//! library needs no test hooks. A filter cannot be removed, so each test runs in a separate process.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, AtomicU64, Ordering};
use std::time::Duration;

use kinglet::{
    Cache, CacheConfig, Config, Engine, Instance, InstanceAllocationStrategy, Linker, Module, Precompiled, Result,
    ResumableCall, RunMode, Store, TierThresholds, Val,
};
use kinglet_tests::folder::Folder;

/// A call that the kernel reports (`struct seccomp_notif`).
#[repr(C)]
#[derive(Default)]
struct Notice {
    id: u64,
    thread: u32,
    flags: u32,
    number: i32,
    arch: u32,
    instruction: u64,
    args: [u64; 6],
}

/// The response to the kernel (`struct seccomp_notif_resp`).
#[repr(C)]
struct Answer {
    id: u64,
    value: i64,
    error: i32,
    flags: u32,
}

/// `SECCOMP_IOCTL_NOTIF_RECV` and `SECCOMP_IOCTL_NOTIF_SEND`
const RECEIVE: libc::c_ulong = 0xC050_2100;
const SEND: libc::c_ulong = 0xC018_2101;

/// System calls that fail together.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Mapping = 1,
    Protection,
    Thread,
    Writing,
}

const KINDS: [Kind; 4] = [Kind::Mapping, Kind::Protection, Kind::Thread, Kind::Writing];

impl Kind {
    fn of(number: libc::c_long) -> Option<Kind> {
        match number {
            libc::SYS_mmap => Some(Kind::Mapping),
            libc::SYS_mprotect => Some(Kind::Protection),
            libc::SYS_clone | libc::SYS_clone3 => Some(Kind::Thread),
            libc::SYS_write | libc::SYS_pwrite64 | libc::SYS_writev | libc::SYS_ftruncate | libc::SYS_fsync => {
                Some(Kind::Writing)
            }
            _ => None,
        }
    }

    fn error(self) -> i32 {
        match self {
            Kind::Mapping | Kind::Protection => libc::ENOMEM,
            Kind::Thread => libc::EAGAIN,
            Kind::Writing => libc::ENOSPC,
        }
    }
}

/// The call that fails. The answering thread shares it, and must neither allocate nor lock.
#[derive(Default)]
struct Plan {
    kind: AtomicU64,
    /// The number of calls of the kind so far.
    calls: AtomicU64,
    /// The number of the call that fails; 0 for none.
    fails: AtomicU64,
    listener: AtomicI32,
}

impl Plan {
    /// Starts filtering the calls of this thread and of the threads that it starts.
    fn begin() -> Arc<Plan> {
        let plan = Arc::new(Plan::default());
        plan.listener.store(-1, Ordering::Release);
        let answering = plan.clone();
        std::thread::spawn(move || answering.answer());
        plan.listener.store(filter(), Ordering::Release);
        plan
    }

    fn answer(&self) {
        let mut listener = -1;
        while listener < 0 {
            std::thread::yield_now();
            listener = self.listener.load(Ordering::Acquire);
        }
        let own = std::process::id();
        let mut begun = [0; 4096];
        loop {
            let mut notice = Notice::default();
            // SAFETY: the listener stays open until the process ends; the kernel fills the notice.
            if unsafe { libc::ioctl(listener, RECEIVE as _, &raw mut notice) } != 0 {
                continue;
            }
            let first = own != notice.thread && is_of_the_standard_library(&notice, &mut begun);
            let error = if first { None } else { self.failure(&notice) };
            let flags = if error.is_some() { 0 } else { libc::SECCOMP_USER_NOTIF_FLAG_CONTINUE as u32 };
            let answer = Answer { id: notice.id, value: 0, error: -error.unwrap_or(0), flags };
            // SAFETY: the listener stays open until the process ends; the kernel reads the answer, and returns an error
            // if the thread has ended.
            let _ = unsafe { libc::ioctl(listener, SEND as _, &raw const answer) };
        }
    }

    fn failure(&self, notice: &Notice) -> Option<i32> {
        let kind = Kind::of(notice.number.into())?;
        if self.kind.load(Ordering::Acquire) != kind as u64 {
            return None;
        }
        let call = self.calls.fetch_add(1, Ordering::AcqRel) + 1;
        (call == self.fails.load(Ordering::Acquire)).then(|| kind.error())
    }

    /// Runs a closure while the `n`th call of a kind fails. Returns its result, and whether that many calls occurred.
    fn with<T>(&self, kind: Kind, n: u64, run: impl FnOnce() -> T) -> (T, bool) {
        self.calls.store(0, Ordering::Release);
        self.fails.store(n, Ordering::Release);
        self.kind.store(kind as u64, Ordering::Release);
        let value = run();
        self.kind.store(0, Ordering::Release);
        (value, self.calls.load(Ordering::Acquire) >= n)
    }
}

/// Returns whether Rust's standard library made the call, to allocate a guarded signal stack in a new thread. If that
/// fails, it ends the process, which no library can prevent.
fn is_of_the_standard_library(notice: &Notice, begun: &mut [u32]) -> bool {
    let [_, len, protection, ..] = notice.args;
    match libc::c_long::from(notice.number) {
        libc::SYS_mprotect => protection == libc::PROT_NONE as u64,
        libc::SYS_mmap if protection == (libc::PROT_READ | libc::PROT_WRITE) as u64 && len < 1 << 17 => {
            match begun.iter_mut().find(|thread| **thread == notice.thread || **thread == 0) {
                Some(thread) if *thread == 0 => {
                    *thread = notice.thread;
                    true
                }
                _ => false,
            }
        }
        _ => false,
    }
}

/// Installs a filter that reports every call of a [`Kind`] that this thread makes. Returns the listener's descriptor,
/// which stays open.
fn filter() -> i32 {
    const NUMBERS: [libc::c_long; 9] = [
        libc::SYS_mmap,
        libc::SYS_mprotect,
        libc::SYS_clone,
        libc::SYS_clone3,
        libc::SYS_write,
        libc::SYS_pwrite64,
        libc::SYS_writev,
        libc::SYS_ftruncate,
        libc::SYS_fsync,
    ];
    let statement = |code: u32, jt: u8, jf: u8, k: u32| libc::sock_filter { code: code as u16, jt, jf, k };
    let number = std::mem::offset_of!(libc::seccomp_data, nr) as u32;
    let mut program = vec![statement(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0, number)];
    for (i, number) in NUMBERS.iter().enumerate() {
        let ask = (NUMBERS.len() - i) as u8;
        program.push(statement(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, ask, 0, *number as u32));
    }
    program.push(statement(libc::BPF_RET | libc::BPF_K, 0, 0, libc::SECCOMP_RET_ALLOW));
    program.push(statement(libc::BPF_RET | libc::BPF_K, 0, 0, libc::SECCOMP_RET_USER_NOTIF));
    let program = libc::sock_fprog { len: program.len() as u16, filter: program.as_mut_ptr() };
    // SAFETY: the filter is complete.
    unsafe {
        assert_eq!(libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
        let (mode, flags) = (libc::SECCOMP_SET_MODE_FILTER, libc::SECCOMP_FILTER_FLAG_NEW_LISTENER);
        let listener = libc::syscall(libc::SYS_seccomp, mode, flags, &raw const program);
        assert!(listener >= 0, "no filter: {}", std::io::Error::last_os_error());
        listener as i32
    }
}

/// Makes each call fail in turn. `run` checks its own results.
fn each_fails(plan: &Plan, what: &str, mut run: impl FnMut() -> Result<()>) {
    run().unwrap_or_else(|error| panic!("{what} fails without injected failures: {error:#}"));
    let mut faults = Vec::new();
    for kind in KINDS {
        for n in 1.. {
            let when = format!("{what}: {kind:?} {n}");
            println!("{when}");
            let (ended, met) = plan.with(kind, n, || catch_unwind(AssertUnwindSafe(&mut run)));
            match ended {
                Ok(Ok(())) => {}
                Ok(Err(error)) if says_what(&format!("{error:#}")) => {}
                Ok(Err(error)) => faults.push(format!("{when}: {error:#}")),
                Err(_) => faults.push(format!("{when}: panic")),
            }
            if !met {
                break;
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// Returns whether a message names the failed operation, in addition to the system's error.
fn says_what(message: &str) -> bool {
    ["cannot ", "the system has no ", "the system gives no ", "out of memory"]
        .iter()
        .any(|words| message.contains(words))
}

const PROGRAM: &str = r#"(module
  (memory (export "memory") 1 100) (data (i32.const 8) "some data")
  (table 100 funcref) (elem (i32.const 0) $twice)
  (type $f (func (param i64) (result i64)))
  (func $twice (type $f) (i64.mul (local.get 0) (i64.const 2)))
  (func $sum (export "sum") (param i64) (result i64) (local $sum i64)
    (loop $l (local.set $sum (i64.add (local.get $sum) (call_indirect (type $f) (local.get 0) (i32.const 0))))
      (br_if $l (i32.wrap_i64 (local.tee 0 (i64.sub (local.get 0) (i64.const 1))))))
    (local.get $sum))
  (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
  (func (export "load") (param i32) (result i32) (i32.load8_u (local.get 0))))"#;

fn config(mode: RunMode) -> Config {
    let mut config = Config::new();
    let sampling_interval = Duration::ZERO;
    config.run_mode(mode).tier_thresholds(TierThresholds { sampling_interval, samples: 1, bytes_a_sample: u32::MAX });
    config
}

fn sums(module: &Module) -> Result<()> {
    let mut store = Store::try_new(module.engine(), ())?;
    let instance = Instance::new(&mut store, module, &[])?;
    let sum = instance.get_typed_func::<i64, i64>(&mut store, "sum")?;
    for _ in 0..2 {
        assert_eq!(sum.call(&mut store, 100)?, 10_100);
    }
    let load = instance.get_typed_func::<i32, i32>(&mut store, "load")?;
    assert_eq!(load.call(&mut store, 8)?, i32::from(b's'));
    Ok(())
}

fn starts(config: &Config) -> Result<()> {
    let engine = Engine::new(config)?;
    sums(&Module::new(&engine, PROGRAM)?)
}

fn grows(engine: &Engine) -> Result<()> {
    let module = Module::new(engine, PROGRAM)?;
    let mut store = Store::try_new(engine, ())?;
    let instance = Instance::new(&mut store, &module, &[])?;
    let grow = instance.get_typed_func::<i32, i32>(&mut store, "grow")?;
    let before = grow.call(&mut store, 20)?;
    assert!(before == 1 || before == -1, "{before}");
    let pages = instance.get_memory(&mut store, "memory").map(|memory| memory.size(&store));
    assert_eq!(pages, Some(if before == 1 { 21 } else { 1 }));
    sums(&module)
}

/// Returns a module with a number of functions, each with a number of steps that add one to its parameter.
fn long(functions: usize, steps: usize) -> Vec<u8> {
    let body = "(local.set 0 (i32.add (local.get 0) (i32.const 1)))".repeat(steps);
    let function =
        |i| format!("(func (export \"f{i}\") (param i32) (result i32) {body} (i32.add (local.get 0) (i32.const {i})))");
    let functions: String = (0..functions).map(function).collect();
    wat::parse_str(format!("(module {functions})")).unwrap()
}

/// Validates and compiles on several threads, if possible.
fn divides_the_work(config: &Config, wasm: &[u8], steps: i32) -> Result<()> {
    let engine = Engine::new(config)?;
    let module = Module::new(&engine, wasm)?;
    let mut store = Store::try_new(&engine, ())?;
    let instance = Instance::new(&mut store, &module, &[])?;
    let f = instance.get_typed_func::<i32, i32>(&mut store, "f2")?;
    assert_eq!(f.call(&mut store, 5)?, 7 + steps);
    Ok(())
}

/// Tier-up compiles on another thread.
fn tiers_up() -> Result<()> {
    let mut config = config(RunMode::Auto);
    let sampling_interval = Duration::from_micros(1);
    config.tier_thresholds(TierThresholds { sampling_interval, samples: 1, bytes_a_sample: u32::MAX });
    let engine = Engine::new(&config)?;
    let module = Module::new(&engine, PROGRAM)?;
    let mut store = Store::try_new(&engine, ())?;
    let instance = Instance::new(&mut store, &module, &[])?;
    let sum = instance.get_typed_func::<i64, i64>(&mut store, "sum")?;
    for _ in 0..5 {
        assert_eq!(sum.call(&mut store, 20_000)?, 400_020_000);
    }
    Ok(())
}

fn pauses(engine: &Engine) -> Result<()> {
    let mut linker = Linker::new(engine);
    linker.func_wrap("host", "ask", |_: i32| -> Result<i32> { Err(kinglet::Error::msg("asked of the host")) })?;
    let text = r#"(module (import "host" "ask" (func $ask (param i32) (result i32)))
        (func (export "f") (param i32) (result i32) (i32.add (i32.const 1) (call $ask (local.get 0)))))"#;
    let module = Module::new(engine, text)?;
    let mut store = Store::try_new(engine, ())?;
    let instance = linker.instantiate(&mut store, &module)?;
    let f = instance.get_func(&mut store, "f").expect("the function is exported");
    let mut results = [Val::I32(0)];
    let ResumableCall::HostTrap(paused) = f.call_resumable(&mut store, &[Val::I32(1)], &mut results)? else {
        panic!("expected a paused call")
    };
    let ResumableCall::Finished = paused.resume(&mut store, &[Val::I32(41)], &mut results)? else {
        panic!("expected the end of the call")
    };
    assert_eq!(results[0].i32(), Some(42));
    Ok(())
}

fn keeps(folder: &Path) -> Result<()> {
    let engine = |cache: &Cache| Engine::new(config(RunMode::Jit).cache(Some(cache.clone())));
    for _ in 0..2 {
        let cache = Cache::new(CacheConfig::new().with_directory(folder))?;
        let module = Module::new(&engine(&cache)?, PROGRAM)?;
        sums(&module)?;
        module.update_cache()?;
    }
    let cache = Cache::new(CacheConfig::new().with_directory(folder))?;
    cache.clean()?;
    Ok(())
}

fn precompiles(folder: &Path) -> Result<()> {
    let engine = Engine::new(&config(RunMode::Jit))?;
    for form in [Precompiled::Native, Precompiled::Universal] {
        let artifact = engine.precompile_module_with(PROGRAM, form, |_, _| ())?;
        let path = folder.join("artifact");
        std::fs::write(&path, &artifact)
            .map_err(|error| kinglet::Error::msg(format!("cannot write a file: {error}")))?;
        // SAFETY: this engine has just compiled it.
        sums(&unsafe { Module::deserialize(&engine, &artifact) }?)?;
        // SAFETY: this engine compiled the file's contents, and no process writes to it.
        sums(&unsafe { Module::deserialize_file(&engine, &path) }?)?;
    }
    Ok(())
}

/// Runs the test of this name in a separate process.
#[track_caller]
fn alone(name: &str) {
    let output = crate::native::alone(&format!("injected::{name}"));
    let shown = |bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes).into_owned();
        text.lines().rev().take(30).collect::<Vec<_>>().into_iter().rev().collect::<Vec<_>>().join("\n")
    };
    assert!(output.status.success(), "{}\n{}\n{}", output.status, shown(&output.stdout), shown(&output.stderr));
}

#[test]
fn starts_survive_any_failure_of_the_system() {
    alone("starts_while_calls_fail");
}

#[test]
#[ignore = "run by starts_survive_any_failure_of_the_system in a separate process"]
fn starts_while_calls_fail() {
    let plan = Plan::begin();
    for mode in [RunMode::Interpreter, RunMode::Jit, RunMode::Auto] {
        each_fails(&plan, &format!("a start, {mode:?}"), || starts(&config(mode)));
    }
    let mut pooled = config(RunMode::Jit);
    pooled.allocation_strategy(InstanceAllocationStrategy::pooling());
    each_fails(&plan, "a start from a pool", || starts(&pooled));
}

mod heavy {
    #[test]
    #[ignore = "heavy: every call of the system fails once, on several threads"]
    fn work_on_several_threads_survives_any_failure_of_the_system() {
        super::alone("threads_while_calls_fail");
    }
}

#[test]
#[ignore = "run by work_on_several_threads_survives_any_failure_of_the_system in a separate process"]
fn threads_while_calls_fail() {
    let plan = Plan::begin();
    let validated = long(4, 10_000);
    let interpreting = config(RunMode::Interpreter);
    each_fails(&plan, "validation", || divides_the_work(&interpreting, &validated, 10_000));
    let compiled = long(24, 100);
    let mut compiling = config(RunMode::Jit);
    compiling.compiler_threads(3);
    each_fails(&plan, "compilation", || divides_the_work(&compiling, &compiled, 100));
    each_fails(&plan, "tier-up", tiers_up);
}

#[test]
fn growth_and_paused_calls_survive_any_failure_of_the_system() {
    alone("growth_and_pauses_while_calls_fail");
}

#[test]
#[ignore = "run by growth_and_paused_calls_survive_any_failure_of_the_system in a separate process"]
fn growth_and_pauses_while_calls_fail() {
    let plan = Plan::begin();
    for mode in [RunMode::Interpreter, RunMode::Jit] {
        let engine = Engine::new(&config(mode)).unwrap();
        each_fails(&plan, &format!("growth, {mode:?}"), || grows(&engine));
        each_fails(&plan, &format!("a paused call, {mode:?}"), || pauses(&engine));
    }
    let checked = Engine::new(config(RunMode::Jit).memory_reservation(0)).unwrap();
    each_fails(&plan, "growth without a reservation", || grows(&checked));
}

#[test]
fn the_cache_survives_any_failure_of_the_system() {
    alone("keeping_while_calls_fail");
}

#[test]
#[ignore = "run by the_cache_survives_any_failure_of_the_system in a separate process"]
fn keeping_while_calls_fail() {
    let folder = Folder::new();
    let plan = Plan::begin();
    each_fails(&plan, "the cache", || keeps(&folder.path().join("cache")));
    each_fails(&plan, "precompiling", || precompiles(folder.path()));
}
