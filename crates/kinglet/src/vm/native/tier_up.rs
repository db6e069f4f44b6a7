//! Tier-up: finding out what is hot, and compiling it while the guest goes on.
//!
//! Interpreted code is sampled. A thread asks every store that runs the interpreter, some thousand times a second, to
//! tell at its next function's entry or back-edge what it is in; for that it sets a bit that is looked at there anyway,
//! so that finding hot code costs the interpreter nothing. A function is compiled, on another thread, once it has been
//! met about as often as its size makes it worth; a loop of it too, to be entered in the middle, where frames stay in it.
//!
//! Invariants:
//! - A store is in `State::watched` only while it is alive: it leaves, under the lock, before it goes.
//! - What is compiled keeps the module's [`ModuleEnvironment`], never the module or the engine; its code is published under
//!   the lock, and only if the module is still in `State::modules`, which it leaves, under the lock, when it goes.
//! - Threads that run guest code never wait for a compilation. Nobody else waits for more than a moment either: what
//!   compiling a function may take is bounded, and an engine that goes leaves behind a thread that is in the middle of one.
//!   Such a thread has nothing but the tier and an environment, publishes nothing, and ends after that function.
//! - Modules take turns: the next to be compiled for is the one for which least time has been spent.
//! - `State::waiting` has the modules with something to compile and no others, so that finding the next takes no longer
//!   where there are many modules.
//! - Nothing is queued where no thread compiles: without one there is no sampler, and samples are not counted.

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use kinglet_abi::{INTERRUPT_SAMPLE, VmStore};
use kinglet_interp::Body;
use kinglet_interp::code::ModuleEnvironment;
use rustix::process::getpid;
use tracing::{Level, debug, event_enabled, trace};

use super::{Tier, background_limits, name, name_of};
use crate::Error;
use crate::config::TierThresholds;
use crate::vm::address::Address;

/// After how many unanswered questions a store is left alone until it answers the last one or is called again, and after
/// how many intervals without a store the sampler sleeps.
const PATIENCE: u32 = 20;

/// How many bytes of bodies are compiled together, unless one alone is larger.
const BATCH: usize = 8 << 10;

/// Up to how many bytes a function is compiled even if it looks as if its frames stay in a loop, for which it would not
/// be needed: that is often wrong, for most functions are met in their loops rather than at their entry.
const SMALL: usize = 8 << 10;

/// What compiling a function costs whatever its size, in bytes of bodies.
const OVERHEAD: f64 = 100.0;

/// After how long a sample counts half for what is compiled next: a program's beginning runs much that is never met again.
const HALF_LIFE: Duration = Duration::from_millis(50);

/// What part of a function its samples at a loop have to be worth, for that to be entered in the middle: they stand for
/// others at inner loops and in what it calls.
const LOOP_SHARE: usize = 2;

/// The same of samples at its entry, if its frames seem to stay in a loop, which the function's own code does not help.
const ENTRY_SHARE: usize = 8;

/// How many times as many samples a function costs, and its size, where there is one processor alone, whose time the
/// compiler takes from guests. It takes it at once then: what is compiled is worth it, and the sooner the better.
const ALONE: (u32, u32) = (2, 5);

/// Of how many loops a function is compiled to be entered there.
const MOST_LOOPS: usize = 8;

/// Among how many modules whose turn it is the hottest is looked for.
const TIES: usize = 16;

/// How long an engine that goes waits for its threads.
const FAREWELL: Duration = Duration::from_millis(50);

/// How long compiling a byte of a body takes, about, until it is known.
const EXPECTED_A_BYTE: Duration = Duration::from_micros(1);

/// How much nicer than the guest's threads the compiler's are where there are several processors: if those are scarce, it
/// gets a share all the same.
const NICENESS: i32 = 5;

/// The part of a tier that makes hot code native.
#[derive(Debug)]
pub(super) struct TierUp {
    thresholds: TierThresholds,
    /// How much nicer than the guest's threads the compiler's are.
    niceness: i32,
    threads: usize,
    /// The process whose threads there are.
    process: AtomicI32,
    state: Mutex<State>,
    /// There is a store to watch, or it is time to stop.
    to_watch: Condvar,
    /// There is something to compile, or it is time to stop.
    to_compile: Condvar,
    /// Nothing is left to compile.
    idle: Condvar,
    /// A thread has ended.
    ended: Condvar,
}

#[derive(Debug, Default)]
struct State {
    watched: Vec<Watched>,
    modules: HashMap<usize, Module>,
    /// Those of which something is to be compiled, by the time spent for them. [`State::change`] sees to it.
    waiting: BTreeSet<(Duration, usize)>,
    /// What is being compiled.
    running: Vec<Running>,
    /// How much time had been spent for the module whose turn it was last, when that began. Nobody who comes to wait is
    /// before that: time without anything to compile is not saved up.
    turn: Duration,
    threads: Vec<JoinHandle<()>>,
    /// How many of them compile.
    compilers: usize,
    /// Whether one of them asks stores for samples.
    samples: bool,
    /// How many of them have not ended.
    alive: usize,
    /// Whether the sampler has had nothing to do for a while, and must be woken.
    asleep: bool,
    stop: bool,
}

/// A store that is asked for samples.
#[derive(Debug)]
struct Watched {
    vm: Address<VmStore>,
    unanswered: u32,
}

/// What is known of a module of which something was interpreted.
#[derive(Debug)]
struct Module {
    environment: Arc<ModuleEnvironment>,
    functions: HashMap<u32, Heat>,
    /// What is to be compiled.
    queue: Vec<Job>,
    /// How much time has been spent compiling for it, and what it lost by not waiting.
    spent: Duration,
}

/// Something that is being compiled.
#[derive(Debug)]
struct Running {
    module: usize,
    /// Set when nobody wants it any more.
    abandoned: Arc<AtomicBool>,
}

/// Where a function was met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Met {
    /// At its entry.
    Entry,
    /// Calling what was met at its entry: until then it was running itself.
    Calling,
    /// At a back-edge to a loop, whose byte offset in the module this is.
    Loop(u32),
}

/// How often a function was met.
#[derive(Debug, Default)]
struct Heat {
    entries: u32,
    calling: u32,
    /// At back-edges to its loops, by the loops' byte offsets in the module.
    loops: HashMap<u32, u32>,
    /// How often lately, as of `since`.
    lately: f64,
    since: Option<Instant>,
    /// Whether it is to be compiled, or was.
    asked: bool,
    /// The loops of which that is so, or that are too many.
    loops_asked: Vec<u32>,
}

impl Heat {
    fn add(&mut self, met: Met, now: Instant) {
        self.lately = self.lately(now) + 1.0;
        self.since = Some(now);
        let count = match met {
            Met::Entry => &mut self.entries,
            Met::Calling => &mut self.calling,
            Met::Loop(header) => self.loops.entry(header).or_default(),
        };
        *count = count.saturating_add(1);
    }

    /// How often lately.
    fn lately(&self, now: Instant) -> f64 {
        let age = self.since.map_or(Duration::ZERO, |since| now.saturating_duration_since(since));
        self.lately * (-age.as_secs_f64() / HALF_LIFE.as_secs_f64()).exp2()
    }

    fn all(&self) -> u32 {
        self.loops.values().fold(self.entries.saturating_add(self.calling), |sum, met| sum.saturating_add(*met))
    }

    /// Whether its frames last: it goes on and on without being called again.
    fn lasts(&self) -> bool {
        self.all() > self.entries.saturating_mul(4)
    }
}

/// Something to compile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Job {
    function: u32,
    /// If only to be entered at a loop: that loop's byte offset in the module.
    header: Option<u32>,
}

/// What a compiler's thread does next.
struct Batch {
    environment: Arc<ModuleEnvironment>,
    abandoned: Arc<AtomicBool>,
    /// What was counted as spent for it ahead of time.
    expected: Duration,
    /// In order.
    functions: Vec<u32>,
    entry: Option<(u32, u32)>,
}

impl TierUp {
    pub(super) fn new(mut thresholds: TierThresholds, threads: usize) -> TierUp {
        let alone = std::thread::available_parallelism().is_ok_and(|all| all.get() == 1);
        if alone && !thresholds.sampling_interval.is_zero() {
            thresholds.samples = thresholds.samples.saturating_mul(ALONE.0);
            thresholds.bytes_a_sample = (thresholds.bytes_a_sample / ALONE.1).max(1);
        }
        TierUp {
            thresholds,
            niceness: if alone { 0 } else { NICENESS },
            threads: threads.max(1),
            process: AtomicI32::new(0),
            state: Mutex::default(),
            to_watch: Condvar::new(),
            to_compile: Condvar::new(),
            idle: Condvar::new(),
            ended: Condvar::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|e| e.into_inner())
    }

    /// The same for whoever must not wait for the threads, which a child that was forked off does not have: one of them
    /// may have held the lock.
    fn lock_anywhere(&self) -> Option<MutexGuard<'_, State>> {
        if self.forked_off() { self.state.try_lock().ok() } else { Some(self.lock()) }
    }

    /// Whether there are threads, but another process's.
    fn forked_off(&self) -> bool {
        ![0, getpid().as_raw_nonzero().get()].contains(&self.process.load(Ordering::Relaxed))
    }

    /// Whether every entry and back-edge is a sample, and what is hot is compiled on the spot.
    pub(super) fn at_once(&self) -> bool {
        self.thresholds.sampling_interval.is_zero()
    }

    /// A module goes. What is being compiled of it will not be published.
    pub(super) fn forget(&self, environment: &ModuleEnvironment) {
        let module = std::ptr::from_ref(environment) as usize;
        let Some(mut state) = self.lock_anywhere() else { return };
        let gone = state.remove(module);
        state.abandon(|running| running.module == module);
        drop(state);
        drop(gone);
    }

    /// A store goes.
    pub(super) fn unwatch(&self, vm: NonNull<VmStore>) {
        if let Some(mut state) = self.lock_anywhere() {
            state.watched.retain(|watched| watched.vm.0 != vm);
        }
    }

    /// Ends the threads, and waits a moment until they have ended. One that is in the middle of a function is left to
    /// itself.
    pub(super) fn stop(&self) {
        let Some(mut state) = self.lock_anywhere() else { return };
        state.stop = true;
        state.abandon(|_| true);
        let threads = std::mem::take(&mut state.threads);
        self.to_watch.notify_all();
        self.to_compile.notify_all();
        if self.forked_off() {
            // Those of another process are not ours to join.
            threads.into_iter().for_each(std::mem::forget);
            return;
        }
        let waited = self.ended.wait_timeout_while(state, FAREWELL, |state| state.alive > 0);
        let all_ended = waited.unwrap_or_else(|e| e.into_inner()).0.alive == 0;
        for thread in threads.into_iter().filter(|thread| all_ended || thread.is_finished()) {
            _ = thread.join();
        }
    }

    /// How often functions of a module were met.
    fn samples(&self, environment: &ModuleEnvironment) -> HashMap<u32, u32> {
        let Some(state) = self.lock_anywhere() else { return HashMap::new() };
        let module = state.modules.get(&(std::ptr::from_ref(environment) as usize));
        let samples = module.into_iter().flat_map(|module| &module.functions);
        samples.map(|(function, heat)| (*function, heat.all())).collect()
    }

    /// Does something unless a module has gone meanwhile, which cannot go before it is done. Whether it was done.
    fn while_alive(&self, environment: &ModuleEnvironment, run: impl FnOnce()) -> bool {
        let state = self.lock();
        let alive = state.modules.contains_key(&(std::ptr::from_ref(environment) as usize));
        if alive {
            run();
        }
        alive
    }

    /// Waits until nothing is left to compile.
    pub(super) fn settle(&self) {
        let mut state = self.lock();
        let busy = |state: &State| !state.running.is_empty() || !state.waiting.is_empty();
        while !state.stop && busy(&state) {
            state = self.idle.wait(state).unwrap_or_else(|e| e.into_inner());
        }
    }

    /// Counts, and queues what is hot now, with a note of it. Returns a loop that is hot, but one of too many, when that is
    /// found.
    fn note(
        &self,
        state: &mut State,
        body: &Body,
        met: Met,
        now: Instant,
        found: &mut Vec<(usize, Job)>,
    ) -> Option<u32> {
        let environment = body.environment();
        let index = body.func_index()?;
        let function = index - environment.module.imported_funcs;
        let key = std::ptr::from_ref(environment) as usize;
        let module = match state.modules.entry(key) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => {
                let environment = environment.share()?;
                entry.insert(Module {
                    environment,
                    functions: HashMap::new(),
                    queue: Vec::new(),
                    spent: Duration::ZERO,
                })
            }
        };
        let heat = module.functions.entry(function).or_default();
        heat.add(met, now);
        if met != Met::Calling {
            environment.stats.tier_up.samples.fetch_add(1, Ordering::Relaxed);
        }
        let native = !body.cell().native.load(Ordering::Relaxed).is_null();
        let bytes = environment.module.bodies[function as usize].len();
        if heat.all() < self.thresholds.needed(bytes) {
            return None;
        }
        let before = found.len();
        // What would be compiled in vain if its frames stay where they are.
        let lasts = heat.lasts() && bytes > SMALL;
        // Frames that the function's own native code would not help: they are in it, and stay. Each loop has to be worth
        // compiling the function for it, and a function with many does not have them all compiled.
        let mut refused = None;
        if let Met::Loop(header) = met
            && (native || lasts)
            && heat.loops[&header] >= self.thresholds.needed(bytes / LOOP_SHARE)
            && !heat.loops_asked.contains(&header)
        {
            if heat.loops_asked.len() < MOST_LOOPS {
                found.push((key, Job { function, header: Some(header) }));
            } else {
                refused = Some(header);
            }
            heat.loops_asked.push(header);
        }
        if !native && !heat.asked && (!lasts || heat.entries >= self.thresholds.needed(bytes / ENTRY_SHARE)) {
            heat.asked = true;
            found.push((key, Job { function, header: None }));
        }
        state.enqueue(key, found[before..].iter().map(|(_, job)| *job));
        refused
    }

    /// What to compile next, of the module whose turn it is: what has lately been hottest for its size, with what else
    /// waits.
    fn next(&self, state: &mut State) -> Option<Batch> {
        let now = Instant::now();
        loop {
            let key = state.whose_turn(now)?;
            let abandoned = Arc::<AtomicBool>::default();
            let (turn, batch) = state.change(key, |module| {
                let turn = module.spent;
                let (functions, entry) = module.take(now);
                let bytes = |function: &u32| module.environment.module.bodies[*function as usize].len() as u32;
                let bytes: u32 = functions.iter().chain(entry.iter().map(|(function, _)| function)).map(bytes).sum();
                let (environment, expected) = (module.environment.clone(), EXPECTED_A_BYTE * bytes);
                module.spent += expected;
                (turn, Batch { environment, abandoned: abandoned.clone(), expected, functions, entry })
            })?;
            // All that waited may have become native by other ways.
            if batch.all().next().is_some() {
                state.running.push(Running { module: key, abandoned });
                state.turn = turn;
                return Some(batch);
            }
        }
    }
}

impl Module {
    /// How hot a job's function has lately been, for what it costs.
    fn heat_of(&self, job: &Job, now: Instant) -> f64 {
        let bytes = self.environment.module.bodies[job.function as usize].len() as f64;
        let heat = self.functions.get(&job.function).map_or(0.0, |heat| heat.lately(now));
        heat / (bytes + OVERHEAD)
    }

    /// That of the hottest.
    fn heat(&self, now: Instant) -> f64 {
        self.queue.iter().map(|job| self.heat_of(job, now)).fold(0.0, f64::max)
    }

    /// Takes from the queue what is hottest: functions, which are in order, or one to be entered at a loop.
    fn take(&mut self, now: Instant) -> (Vec<u32>, Option<(u32, u32)>) {
        let cells = self.environment.cells();
        let is_native = |job: &Job| !cells[job.function as usize].native.load(Ordering::Relaxed).is_null();
        self.queue.retain(|job| job.header.is_some() || !is_native(job));
        let mut queue: Vec<(f64, Job)> =
            std::mem::take(&mut self.queue).into_iter().map(|job| (self.heat_of(&job, now), job)).collect();
        queue.sort_by(|(a, _), (b, _)| b.total_cmp(a));
        let mut queue = queue.into_iter().map(|(_, job)| job);
        let Some(first) = queue.next() else { return Default::default() };
        if let Some(header) = first.header {
            self.queue.extend(queue);
            return (Vec::new(), Some((first.function, header)));
        }
        let (mut bytes, mut functions) = (0, Vec::new());
        for job in std::iter::once(first).chain(queue) {
            let more = self.environment.module.bodies[job.function as usize].len();
            if job.header.is_none() && (functions.is_empty() || bytes + more <= BATCH) {
                bytes += more;
                functions.push(job.function);
            } else {
                self.queue.push(job);
            }
        }
        functions.sort_unstable();
        (functions, None)
    }
}

impl Tier {
    /// How often functions of a module were met by samples, of those that were.
    pub(crate) fn samples(&self, environment: &ModuleEnvironment) -> HashMap<u32, u32> {
        self.up.as_ref().map_or_else(HashMap::new, |up| up.samples(environment))
    }

    /// The interpreter tells where it is.
    pub(super) fn sampled(&self, met: &mut dyn Iterator<Item = (&Body, Met)>) {
        let Some(up) = &self.up else { return };
        // One that is lost does no harm, and a guest waits for nobody.
        let state = if up.at_once() { Some(up.lock()) } else { up.state.try_lock().ok() };
        let Some(mut state) = state.filter(|state| up.at_once() || state.compilers > 0) else { return };
        let (mut refused, mut jobs) = (Vec::new(), Vec::new());
        let now = Instant::now();
        met.for_each(|(body, met)| {
            refused.extend(up.note(&mut state, body, met, now, &mut jobs).map(|header| (body, header)));
        });
        let more = !jobs.is_empty();
        let found = if more { state.found(&jobs) } else { Vec::new() };
        drop(state);
        // Whoever listens may take his time, and is not waited for with the lock.
        found.iter().for_each(Found::tell);
        for (body, header) in refused {
            debug!(
                function = name_of(body),
                "loop" = header,
                "hot, but stays interpreted: the function has too many such"
            );
        }
        if up.at_once() {
            while let Some(batch) = { up.next(&mut up.lock()) } {
                self.compile_batch(up, &batch);
                up.lock().finish(&batch, Duration::ZERO);
            }
        } else if more {
            up.to_compile.notify_one();
        }
    }

    /// A store begins to interpret, and is not watched.
    pub(in crate::vm) fn watch(&self, vm: NonNull<VmStore>) {
        let Some(up) = &self.up else { return };
        // SAFETY: the store is alive: it is about to run. Only its atomic words are touched.
        let (interrupt, watched) = unsafe {
            (&*std::ptr::addr_of!((*vm.as_ptr()).interrupt), &*std::ptr::addr_of!((*vm.as_ptr()).is_sampled))
        };
        if up.at_once() {
            watched.store(true, Ordering::Relaxed);
            interrupt.fetch_or(INTERRUPT_SAMPLE, Ordering::Relaxed);
            return;
        }
        let Ok(mut state) = up.state.try_lock() else { return };
        let process = getpid().as_raw_nonzero().get();
        if up.process.swap(process, Ordering::Relaxed) != process {
            state.start(up.threads, |title, run| self.spawn(title, run));
        }
        if state.samples && !state.stop {
            watched.store(true, Ordering::Relaxed);
            state.watched.push(Watched { vm: Address(vm), unanswered: 0 });
            // Stores that come and go by the thousand wake nobody.
            if state.asleep {
                up.to_watch.notify_one();
            }
        }
    }

    /// Starts a thread of the tier.
    fn spawn(&self, title: &str, run: fn(&Tier, &TierUp)) -> io::Result<JoinHandle<()>> {
        let tier = self.this.upgrade().ok_or(io::ErrorKind::NotFound)?;
        let run = move || {
            if let Some(up) = &tier.up {
                run(&tier, up);
                up.lock().alive -= 1;
                up.ended.notify_all();
            }
        };
        std::thread::Builder::new().name(format!("kinglet {title}")).spawn(run)
    }

    /// Asks every watched store for a sample, from time to time, until the engine goes.
    fn ask(&self, up: &TierUp) {
        let mut state = up.lock();
        let mut idle = 0;
        while !state.stop {
            idle = if state.watched.is_empty() { idle + 1 } else { 0 };
            if idle > PATIENCE {
                state.asleep = true;
                state = up.to_watch.wait(state).unwrap_or_else(|e| e.into_inner());
                (state.asleep, idle) = (false, 0);
                continue;
            }
            state.watched.retain_mut(|watched| {
                let vm = watched.vm.0.as_ptr();
                // SAFETY: it is in the list, so it is alive; only its atomic words are touched.
                let (interrupt, flag) =
                    unsafe { (&*std::ptr::addr_of!((*vm).interrupt), &*std::ptr::addr_of!((*vm).is_sampled)) };
                let before = interrupt.fetch_or(INTERRUPT_SAMPLE, Ordering::Relaxed);
                watched.unanswered = if before & INTERRUPT_SAMPLE != 0 { watched.unanswered + 1 } else { 0 };
                let stays = watched.unanswered < PATIENCE;
                if !stays {
                    // The question stands: whenever it answers, it is watched again. The last that is done with it.
                    flag.store(false, Ordering::Release);
                }
                stays
            });
            let interval = up.thresholds.sampling_interval;
            state = up.to_watch.wait_timeout(state, interval).unwrap_or_else(|e| e.into_inner()).0;
        }
    }

    /// Compiles what is hot, until the engine goes.
    fn work(&self, up: &TierUp) {
        let this = Some(rustix::thread::gettid());
        if let Ok(niceness) = rustix::process::getpriority_process(this) {
            let _ = rustix::process::setpriority_process(this, niceness.saturating_add(up.niceness).min(19));
        }
        let mut state = up.lock();
        while !state.stop {
            let Some(batch) = up.next(&mut state) else {
                up.idle.notify_all();
                state = up.to_compile.wait(state).unwrap_or_else(|e| e.into_inner());
                continue;
            };
            drop(state);
            let started = Instant::now();
            self.compile_batch(up, &batch);
            state = up.lock();
            state.finish(&batch, started.elapsed());
        }
        up.idle.notify_all();
    }

    fn compile_batch(&self, up: &TierUp, batch: &Batch) {
        let started = Instant::now();
        let environment = &*batch.environment;
        let limits = background_limits(environment, &batch.abandoned);
        let mut published = false;
        let publish = |publish: Box<dyn FnOnce() + '_>| published = up.while_alive(environment, publish);
        for function in &batch.functions {
            trace!(function = name(environment, *function), "compiling");
        }
        if let Some((function, header)) = batch.entry {
            trace!(function = name(environment, function), "loop" = header, "compiling");
        }
        let compile = || match batch.entry {
            Some((function, header)) => self.compile_loop(environment, function, header, limits, publish),
            None => self.compile(environment, &batch.functions, limits, publish),
        };
        // A mistake of the compiler's is not to end tier-up for all guests.
        let result =
            catch_unwind(AssertUnwindSafe(compile)).unwrap_or_else(|_| Err(Error::msg("the compiler panicked")));
        let took = started.elapsed();
        let cells = environment.cells();
        let native = |function: &u32| !cells[*function as usize].native.load(Ordering::Relaxed).is_null();
        match result {
            Err(_) if batch.abandoned.load(Ordering::Relaxed) => debug!("given up: the module has gone"),
            Err(error) => {
                for (function, header) in batch.all() {
                    debug!(function = name(environment, function), "loop" = header, %error, "hot, but stays interpreted");
                }
            }
            Ok(()) if !published => {
                debug!(functions = batch.all().count(), "compiled for a module that has gone");
            }
            Ok(()) => {
                // Why some are not, the compiler has said.
                let functions = batch.functions.iter().filter(|function| native(function)).count() as u64;
                environment.stats.tier_up.add(functions, batch.entry.iter().count() as u64);
                for (function, header) in batch.all().filter(|(function, header)| header.is_some() || native(function))
                {
                    let bytes = environment.module.bodies[function as usize].len();
                    trace!(function = name(environment, function), "loop" = header, bytes, ?took, "native from now on");
                }
            }
        }
    }
}

impl Batch {
    /// Functions, and those of which it is a loop, with the loop's byte offset in the module.
    fn all(&self) -> impl Iterator<Item = (u32, Option<u32>)> {
        let functions = self.functions.iter().map(|function| (*function, None));
        functions.chain(self.entry.map(|(function, header)| (function, Some(header))))
    }
}

/// What was found hot, to be told.
struct Found {
    environment: Arc<ModuleEnvironment>,
    job: Job,
    entries: u32,
    calling: u32,
    at_loops: u32,
}

impl Found {
    fn tell(&self) {
        let Found { environment, job, entries, calling, at_loops } = self;
        let (function, bytes) =
            (name(environment, job.function), environment.module.bodies[job.function as usize].len());
        trace!(function, "loop" = job.header, entries, calling, at_loops, bytes, "hot: waits for the compiler");
    }
}

impl State {
    /// Nobody wants any more what is being compiled of this kind.
    fn abandon(&self, which: impl Fn(&Running) -> bool) {
        for running in self.running.iter().filter(|running| which(running)) {
            running.abandoned.store(true, Ordering::Relaxed);
        }
    }

    /// What was begun is compiled, or given up.
    fn finish(&mut self, batch: &Batch, took: Duration) {
        self.running.retain(|running| !Arc::ptr_eq(&running.abandoned, &batch.abandoned));
        let module = std::ptr::from_ref(&*batch.environment) as usize;
        self.change(module, |module| module.spent = (module.spent + took).saturating_sub(batch.expected));
    }

    /// Changes what is known of a module, if it is still there, and where it waits.
    fn change<R>(&mut self, key: usize, change: impl FnOnce(&mut Module) -> R) -> Option<R> {
        let module = self.modules.get_mut(&key)?;
        self.waiting.remove(&(module.spent, key));
        let result = change(module);
        if !module.queue.is_empty() {
            self.waiting.insert((module.spent, key));
        }
        Some(result)
    }

    /// Takes a module out.
    fn remove(&mut self, key: usize) -> Option<Module> {
        let module = self.modules.remove(&key)?;
        self.waiting.remove(&(module.spent, key));
        Some(module)
    }

    /// Has a module wait for these too.
    fn enqueue(&mut self, key: usize, jobs: impl ExactSizeIterator<Item = Job>) {
        if jobs.len() == 0 {
            return;
        }
        let turn = self.turn;
        self.change(key, |module| {
            if module.queue.is_empty() {
                module.spent = module.spent.max(turn);
            }
            module.queue.extend(jobs);
        });
    }

    /// The module for which least time has been spent, and of several the hottest.
    fn whose_turn(&self, now: Instant) -> Option<usize> {
        let (least, _) = self.waiting.first()?;
        let ties = self.waiting.iter().take(TIES).take_while(|(spent, _)| spent == least).map(|(_, key)| *key);
        let heat = |key: &usize| self.modules.get(key).map_or(0.0, |module| module.heat(now));
        ties.max_by(|a, b| heat(a).total_cmp(&heat(b)))
    }

    /// What is to be told of what was queued, if anybody wants to know.
    fn found(&self, jobs: &[(usize, Job)]) -> Vec<Found> {
        if !event_enabled!(Level::TRACE) {
            return Vec::new();
        }
        let found = |(module, job): &(usize, Job)| {
            let module = self.modules.get(module)?;
            let heat = module.functions.get(&job.function)?;
            let at_loops = heat.loops.values().sum();
            let environment = module.environment.clone();
            Some(Found { environment, job: *job, entries: heat.entries, calling: heat.calling, at_loops })
        };
        jobs.iter().filter_map(found).collect()
    }

    /// Starts the threads, by `spawn`. Without them everything stays interpreted: where no thread compiles, none samples.
    fn start(
        &mut self,
        compilers: usize,
        spawn: impl Fn(&'static str, fn(&Tier, &TierUp)) -> io::Result<JoinHandle<()>>,
    ) {
        // Those of another process are not ours to join, and do not compile for this one.
        std::mem::take(&mut self.threads).into_iter().for_each(std::mem::forget);
        self.running.clear();
        (self.alive, self.asleep) = (0, false);
        let mut start = |title: &'static str, run: fn(&Tier, &TierUp)| match spawn(title, run) {
            Ok(thread) => {
                self.alive += 1;
                self.threads.push(thread);
                true
            }
            Err(error) => {
                debug!(%error, "no thread to {title} with: less becomes native");
                false
            }
        };
        let compilers = (0..compilers).filter(|_| start("compiler", Tier::work)).count();
        let samples = compilers > 0 && start("sampler", Tier::ask);
        (self.compilers, self.samples) = (compilers, samples);
        if compilers == 0 {
            self.waiting.clear();
            self.modules.values_mut().for_each(|module| module.queue = Vec::new());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: Job = Job { function: 0, header: None };

    /// A module of which nothing was met.
    fn unknown(environment: &Arc<ModuleEnvironment>) -> Module {
        Module { environment: environment.clone(), functions: HashMap::new(), queue: Vec::new(), spent: Duration::ZERO }
    }

    #[test]
    fn modules_take_turns_by_the_time_that_was_spent_for_them() {
        let engine = crate::Engine::default();
        let text = format!("(module {})", "(func (nop))".repeat(100));
        let modules = [(); 3].map(|()| crate::Module::new(&engine, &text).unwrap());
        let environments = modules.each_ref().map(|module| module.inner().code().environment().share().unwrap());
        let key = |index: usize| std::ptr::from_ref(&*environments[index]) as usize;
        let up = TierUp::new(TierThresholds::default(), 1);
        let mut state = up.lock();
        let turn_of = |batch: &Batch| environments.iter().position(|it| Arc::ptr_eq(it, &batch.environment)).unwrap();
        let wait = |state: &mut State, index: usize| {
            // Loops, which are compiled one at a time.
            let queue: Vec<_> = (0..100).map(|function| Job { function, header: Some(1) }).collect();
            state.modules.insert(key(index), unknown(&environments[index]));
            state.enqueue(key(index), queue.into_iter());
        };
        let turns = |state: &mut State, count: usize| {
            let mut turns = [0; 3];
            for _ in 0..count {
                let batch = up.next(state).unwrap();
                turns[turn_of(&batch)] += 1;
                // What the second wants takes three times as long.
                let took = Duration::from_millis(if turn_of(&batch) == 1 { 3 } else { 1 });
                state.finish(&batch, took);
            }
            turns
        };
        (0..2).for_each(|index| wait(&mut state, index));
        assert_eq!(turns(&mut state, 40), [30, 10, 0]);
        // One that comes later has saved nothing up.
        wait(&mut state, 2);
        let [first, second, third] = turns(&mut state, 42);
        assert!((17..=19).contains(&first) && (5..=7).contains(&second) && (17..=19).contains(&third));
    }

    #[test]
    fn what_is_being_compiled_for_a_module_that_goes_is_given_up() {
        let engine = crate::Engine::default();
        let module = crate::Module::new(&engine, "(module (func))").unwrap();
        let environment = module.inner().code().environment().share().unwrap();
        let up = TierUp::new(TierThresholds::default(), 1);
        let key = std::ptr::from_ref(&*environment) as usize;
        up.lock().modules.insert(key, unknown(&environment));
        up.lock().enqueue(key, [FIRST].into_iter());
        let batch = up.next(&mut up.lock()).unwrap();
        assert!(!batch.abandoned.load(Ordering::Relaxed));
        up.forget(&environment);
        assert!(batch.abandoned.load(Ordering::Relaxed) && up.lock().modules.is_empty());
        assert!(up.lock().waiting.is_empty());
        up.lock().finish(&batch, Duration::ZERO);
        assert!(up.lock().running.is_empty());
    }

    #[test]
    fn a_batch_looks_at_modules_with_something_to_compile_alone() {
        let engine = crate::Engine::default();
        let modules: Vec<_> = (0..100).map(|_| crate::Module::new(&engine, "(module (func))").unwrap()).collect();
        let environments: Vec<_> =
            modules.iter().map(|module| module.inner().code().environment().share().unwrap()).collect();
        let key = |index: usize| std::ptr::from_ref(&*environments[index]) as usize;
        let up = TierUp::new(TierThresholds::default(), 1);
        let mut state = up.lock();
        for (index, environment) in environments.iter().enumerate() {
            state.modules.insert(key(index), unknown(environment));
        }
        assert!(state.waiting.is_empty() && up.next(&mut state).is_none());
        for index in [7, 50] {
            state.enqueue(key(index), [FIRST].into_iter());
            state.enqueue(key(index), [].into_iter());
        }
        assert_eq!(state.waiting.len(), 2);
        let batches = [(); 2].map(|()| up.next(&mut state).unwrap());
        assert!(state.waiting.is_empty() && up.next(&mut state).is_none());
        // What waits while it is compiled for keeps its place in step with what is spent.
        state.enqueue(key(7), [FIRST].into_iter());
        batches.iter().for_each(|batch| state.finish(batch, Duration::from_secs(1)));
        let place = (state.modules[&key(7)].spent, key(7));
        assert_eq!(state.waiting.iter().collect::<Vec<_>>(), [&place]);
        // It became native by other ways.
        environments[7].cells()[0].native.store(std::ptr::dangling_mut(), Ordering::Relaxed);
        assert!(up.next(&mut state).is_none() && state.waiting.is_empty() && state.running.is_empty());
        environments[7].cells()[0].native.store(std::ptr::null_mut(), Ordering::Relaxed);
    }

    #[test]
    fn nothing_is_queued_where_no_thread_compiles() {
        let none = |_: &'static str, _: fn(&Tier, &TierUp)| Err(io::ErrorKind::WouldBlock.into());
        let only = |wanted: &'static str| {
            move |title: &'static str, _: fn(&Tier, &TierUp)| {
                if title == wanted {
                    std::thread::Builder::new().spawn(|| ())
                } else {
                    Err(io::ErrorKind::WouldBlock.into())
                }
            }
        };
        let engine = crate::Engine::default();
        let module = crate::Module::new(&engine, "(module (func))").unwrap();
        let environment = module.inner().code().environment().share().unwrap();
        // SAFETY: the environment's cells live as long as it, and have bodies.
        let body = unsafe { &*(*environment.cell(0)).body().cast::<Body>() };
        let tier = engine.tier();
        let up = tier.up.as_ref().unwrap();
        let key = std::ptr::from_ref(&*environment) as usize;
        let queued = || up.lock().modules.get(&key).map_or(0, |module| module.queue.len());
        let meet = || (0..1000).for_each(|_| tier.sampled(&mut std::iter::once((body, Met::Entry))));

        up.lock().start(2, only("compiler"));
        assert!(up.lock().compilers == 2 && !up.lock().samples);
        meet();
        assert_eq!(queued(), 1);
        // As in a child that was forked off, and has no threads.
        up.lock().start(2, only("sampler"));
        assert!(up.lock().threads.is_empty() && !up.lock().samples, "a sampler alone is not even started");
        assert_eq!(queued(), 0, "what waited for the threads there were is given up");
        up.lock().modules.clear();
        meet();
        assert!(up.lock().modules.is_empty() && up.lock().waiting.is_empty());
        up.settle();
        up.lock().start(2, none);
        meet();
        assert!(up.lock().modules.is_empty());
    }
}
