//! A multi-threaded plug-in host. Each plug-in is compiled and linked once. Every request runs in a new store on any free
//! thread, with limits on memory and time. A plug-in that fails only fails its own request.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError, mpsc};
use std::thread;
use std::time::Duration;

use kinglet::{
    Caller, Engine, InstancePre, InterruptHandle, Linker, Module, Result, Store, StoreLimits, StoreLimitsBuilder, Trap,
};

/// The plug-ins. Each exports a function from a request to an answer.
const PLUGINS: &[(&str, &str)] = &[
    ("double", r#"(module (func (export "answer") (param i64) (result i64) (i64.mul (local.get 0) (i64.const 2))))"#),
    (
        "triangle",
        r#"(module
        (import "host" "add" (func $add (param i64 i64) (result i64)))
        (func (export "answer") (param $n i64) (result i64) (local $sum i64)
            (loop $next
                (local.set $sum (call $add (local.get $sum) (local.get $n)))
                (br_if $next (i32.eqz (i64.eqz (local.tee $n (i64.sub (local.get $n) (i64.const 1)))))))
            (local.get $sum)))"#,
    ),
    (
        "greedy",
        r#"(module (memory 1)
        (func (export "answer") (param i64) (result i64) (i64.extend_i32_s (memory.grow (i32.const 1000)))))"#,
    ),
    ("broken", r#"(module (func (export "answer") (param i64) (result i64) (i64.div_s (local.get 0) (i64.const 0))))"#),
    ("endless", r#"(module (func (export "answer") (param i64) (result i64) (loop $l (br $l)) (unreachable)))"#),
];

const THREADS: usize = 4;
const REQUESTS: u64 = 25;
const TIME_LIMIT: Duration = Duration::from_secs(1);

/// The data of a request's store.
struct Request {
    limits: StoreLimits,
    additions: u64,
}

/// The plug-ins, ready to be instantiated by any thread.
struct Host {
    engine: Engine,
    plugins: BTreeMap<&'static str, InstancePre<Request>>,
    /// The number of times that plug-ins called `host.add`.
    additions: AtomicUsize,
}

impl Host {
    fn new() -> Result<Host> {
        let engine = Engine::default();
        let mut linker: Linker<Request> = Linker::new(&engine);
        linker.func_wrap("host", "add", |mut caller: Caller<'_, Request>, a: i64, b: i64| {
            caller.data_mut().additions += 1;
            a + b
        })?;
        let mut plugins = BTreeMap::new();
        for (name, text) in PLUGINS {
            plugins.insert(*name, linker.instantiate_pre(&Module::new(&engine, text)?)?);
        }
        Ok(Host { engine, plugins, additions: AtomicUsize::new(0) })
    }

    fn answer(&self, plugin: &str, request: i64, watch: &mpsc::Sender<InterruptHandle>) -> Result<i64> {
        let limits = StoreLimitsBuilder::new().memory_size(1 << 20).instances(1).build();
        let mut store = Store::new(&self.engine, Request { limits, additions: 0 });
        store.limiter(|request| &mut request.limits);
        let instance = self.plugins[plugin].instantiate(&mut store)?;
        let answer = instance.get_typed_func::<i64, i64>(&mut store, "answer")?;
        // The watchdog interrupts the request after the time limit. Once the request has ended, this has no effect.
        let _ = watch.send(store.interrupt_handle());
        let result = answer.call(&mut store, request);
        self.additions.fetch_add(store.into_data().additions as usize, Ordering::Relaxed);
        result
    }
}

/// Interrupts each request when its time limit has passed.
fn watchdog(requests: mpsc::Receiver<InterruptHandle>) {
    thread::scope(|scope| {
        for handle in requests {
            scope.spawn(move || {
                thread::sleep(TIME_LIMIT);
                handle.interrupt();
            });
        }
    });
}

fn main() -> Result<()> {
    let host = Host::new()?;
    let next = AtomicUsize::new(0);
    let answers = Mutex::new(BTreeMap::<(&str, String), usize>::new());
    let (watch, requests) = mpsc::channel();
    thread::scope(|scope| {
        scope.spawn(move || watchdog(requests));
        for _ in 0..THREADS {
            let watch = watch.clone();
            let (host, next, answers) = (&host, &next, &answers);
            scope.spawn(move || {
                loop {
                    let request = next.fetch_add(1, Ordering::Relaxed) as u64;
                    if request >= REQUESTS {
                        return;
                    }
                    let plugin = PLUGINS[request as usize % PLUGINS.len()].0;
                    let outcome = match host.answer(plugin, 10, &watch) {
                        Ok(answer) => answer.to_string(),
                        Err(error) => error.downcast_ref::<Trap>().map_or(error.to_string(), Trap::to_string),
                    };
                    let mut answers = answers.lock().unwrap_or_else(PoisonError::into_inner);
                    *answers.entry((plugin, outcome)).or_default() += 1;
                }
            });
        }
        drop(watch);
    });
    for ((plugin, outcome), times) in answers.into_inner().unwrap_or_else(PoisonError::into_inner) {
        println!("{plugin}: {outcome} ({times} times)");
    }
    println!("the host was called {} times", host.additions.into_inner());
    Ok(())
}
