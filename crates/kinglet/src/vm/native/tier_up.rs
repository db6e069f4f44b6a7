//! Tier-up: finds hot code by sampling, and compiles it in the background.
//!
//! A sampler thread requests samples from every store that runs the interpreter, about a thousand times a second. It
//! sets a bit that the interpreter checks at function entries and back-edges anyway, so sampling costs the interpreter
//! nothing. The interpreter reports its current function at the next check. Another thread compiles a function after a
//! number of samples that depends on its size. If frames stay in a loop, the loop is compiled too, for on-stack
//! replacement (OSR).
//!
//! Invariants:
//! - A store is in `TierUpState::watched` only while it is alive. It is removed, under the lock, before it is dropped.
//! - A compilation keeps the module's [`ModuleEnvironment`] alive, never the module or the engine. Its code is published
//!   under the lock, and only if the module is still in `TierUpState::modules`. A module is removed from there, under the
//!   lock, when it is dropped.
//! - Threads that run guest code never wait for a compilation. Other threads wait for a short time at most, because the
//!   resources of a compilation are bounded. An engine that is dropped does not wait for a thread that is compiling.
//!   Such a thread keeps only the tier and an environment alive. It publishes nothing, and ends after the current
//!   function.
//! - Modules share the compiler threads fairly: the next module is the one for which the least time has been spent.
//! - `TierUpState::waiting` contains exactly the modules with queued jobs, so finding the next does not slow down with the
//!   number of modules.
//! - Jobs are queued only if a compiler thread exists. Without one there is no sampler, and samples are not counted.

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
use kinglet_interp::LazyBody;
use kinglet_interp::code::ModuleEnvironment;
use rustix::process::getpid;
use tracing::{Level, debug, event_enabled, trace};

use super::{Tier, background_limits, body_name, function_name};
use crate::Error;
use crate::config::TierThresholds;
use crate::vm::address::Address;

/// The number of unanswered requests after which the sampler removes a store. The store is added again when it answers
/// the last request or is called. After the same number of intervals without a store, the sampler sleeps.
const MAX_UNANSWERED: u32 = 20;

/// The maximum size of the bodies in a batch, in bytes, unless a single function is larger.
const MAX_BATCH_BYTES: usize = 8 << 10;

/// The size in bytes up to which functions are compiled even if their frames seem to stay in loops. If they do stay
/// there, OSR code suffices. The guess is often wrong, because most samples of a function are in its loops.
const MAX_SMALL_BYTES: usize = 8 << 10;

/// The fixed cost of compiling a function, in bytes of bodies.
const FIXED_COST_BYTES: f64 = 100.0;

/// The half-life of a sample's weight in the choice of the next job. Much of a program's startup code never runs again.
const HALF_LIFE: Duration = Duration::from_millis(50);

/// The fraction of a function's size for which a loop's samples must suffice before the loop is compiled for OSR. Each
/// sample also represents samples in inner loops and callees.
const LOOP_FRACTION: usize = 2;

/// The fraction of a function's size for which its entry samples must suffice before it is compiled, if its frames stay
/// in loops.
const ENTRY_FRACTION: usize = 8;

/// On a single processor, the compiler takes time from guests. The first factor increases the number of samples that a
/// function needs, and the second increases the weight of its size. The priority of the compiler is not reduced,
/// because the code that it compiles is worth the time.
const SINGLE_PROCESSOR_FACTORS: (u32, u32) = (2, 5);

/// The maximum number of loops of a function that are compiled for OSR.
const MAX_OSR_LOOPS: usize = 8;

/// The maximum number of modules with equal time that are compared by hotness.
const MAX_TIES: usize = 16;

/// The maximum time that an engine waits for its threads when it is dropped.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_millis(50);

/// The estimated time to compile a byte of a function body, used until the actual time is known.
const EXPECTED_TIME_PER_BYTE: Duration = Duration::from_micros(1);

/// The niceness of compiler threads relative to guest threads on several processors. If there are fewer processors than
/// threads, compiler threads still get a share.
const NICENESS: i32 = 5;

/// The tier-up state of a native tier.
#[derive(Debug)]
pub(super) struct TierUp {
    thresholds: TierThresholds,
    /// The niceness of compiler threads relative to guest threads.
    niceness: i32,
    threads: usize,
    /// The process that the threads belong to.
    process: AtomicI32,
    state: Mutex<TierUpState>,
    /// Signals that there is a store to sample, or a shutdown.
    to_watch: Condvar,
    /// Signals that there is a job, or a shutdown.
    to_compile: Condvar,
    /// Signals that no job is left.
    idle: Condvar,
    /// Signals that a thread has ended.
    ended: Condvar,
}

#[derive(Debug, Default)]
struct TierUpState {
    watched: Vec<WatchedStore>,
    modules: HashMap<usize, ModuleState>,
    /// The modules with queued jobs, ordered by the time spent. [`TierUpState::update_module`] maintains it.
    waiting: BTreeSet<(Duration, usize)>,
    /// The current compilations.
    compilations: Vec<Compilation>,
    /// The time spent for the most recently chosen module, when it was chosen. The time of a module that starts to wait
    /// is raised to this value, so idle time gives it no advantage.
    min_time: Duration,
    threads: Vec<JoinHandle<()>>,
    /// The number of compiler threads.
    compilers: usize,
    /// Whether a sampler thread exists.
    samples: bool,
    /// The number of threads that have not ended.
    alive: usize,
    /// Whether the sampler sleeps and must be woken.
    asleep: bool,
    stop: bool,
}

/// A store that is sampled.
#[derive(Debug)]
struct WatchedStore {
    vm: Address<VmStore>,
    unanswered: u32,
}

/// The samples and jobs of a module that has been interpreted.
#[derive(Debug)]
struct ModuleState {
    environment: Arc<ModuleEnvironment>,
    functions: HashMap<u32, Hotness>,
    /// Queued jobs.
    queue: Vec<CompileJob>,
    /// Compile time spent for the module, plus the advance for its idle time.
    time_spent: Duration,
}

/// A compilation in progress.
#[derive(Debug)]
struct Compilation {
    module: usize,
    /// Set when the code is no longer needed.
    abandoned: Arc<AtomicBool>,
}

/// The position of a function at a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SampleSite {
    /// At its entry.
    Entry,
    /// In a call of the function that was sampled at its entry. The caller was running before.
    Calling,
    /// At a back-edge to the loop at this module offset.
    Loop(u32),
}

/// The hotness counters of a function.
#[derive(Debug, Default)]
struct Hotness {
    entries: u32,
    calling: u32,
    /// Samples at back-edges, by the loops' module offsets.
    loops: HashMap<u32, u32>,
    /// The decayed number of samples, as of `since`.
    recent_samples: f64,
    since: Option<Instant>,
    /// Whether the function has been queued.
    queued: bool,
    /// The loops that have been queued, or rejected because there are too many.
    queued_loops: Vec<u32>,
}

impl Hotness {
    fn add(&mut self, site: SampleSite, now: Instant) {
        self.recent_samples = self.recent_samples(now) + 1.0;
        self.since = Some(now);
        let count = match site {
            SampleSite::Entry => &mut self.entries,
            SampleSite::Calling => &mut self.calling,
            SampleSite::Loop(header) => self.loops.entry(header).or_default(),
        };
        *count = count.saturating_add(1);
    }

    /// Returns the decayed number of samples.
    fn recent_samples(&self, now: Instant) -> f64 {
        let age = self.since.map_or(Duration::ZERO, |since| now.saturating_duration_since(since));
        self.recent_samples * (-age.as_secs_f64() / HALF_LIFE.as_secs_f64()).exp2()
    }

    fn all(&self) -> u32 {
        self.loops.values().fold(self.entries.saturating_add(self.calling), |sum, count| sum.saturating_add(*count))
    }

    /// Returns whether frames tend to stay in the function's loops.
    fn stays_in_loops(&self) -> bool {
        self.all() > self.entries.saturating_mul(4)
    }
}

/// A compilation job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct CompileJob {
    function: u32,
    /// The module offset of the loop, for OSR code.
    header: Option<u32>,
}

/// The next work of a compiler thread.
struct Batch {
    environment: Arc<ModuleEnvironment>,
    abandoned: Arc<AtomicBool>,
    /// The estimated time that was added to the module's time in advance.
    expected: Duration,
    /// In order.
    functions: Vec<u32>,
    entry: Option<(u32, u32)>,
}

impl TierUp {
    pub(super) fn new(mut thresholds: TierThresholds, threads: usize) -> TierUp {
        let single_processor = std::thread::available_parallelism().is_ok_and(|all| all.get() == 1);
        if single_processor && !thresholds.sampling_interval.is_zero() {
            thresholds.samples = thresholds.samples.saturating_mul(SINGLE_PROCESSOR_FACTORS.0);
            thresholds.bytes_a_sample = (thresholds.bytes_a_sample / SINGLE_PROCESSOR_FACTORS.1).max(1);
        }
        TierUp {
            thresholds,
            niceness: if single_processor { 0 } else { NICENESS },
            threads: threads.max(1),
            process: AtomicI32::new(0),
            state: Mutex::default(),
            to_watch: Condvar::new(),
            to_compile: Condvar::new(),
            idle: Condvar::new(),
            ended: Condvar::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, TierUpState> {
        self.state.lock().unwrap_or_else(|e| e.into_inner())
    }

    /// Locks the state, unless this process is a forked child, in which the threads do not exist. One of them may have
    /// held the lock at the fork.
    fn lock_unless_forked(&self) -> Option<MutexGuard<'_, TierUpState>> {
        if self.is_forked_child() { self.state.try_lock().ok() } else { Some(self.lock()) }
    }

    /// Returns whether the threads belong to another process.
    fn is_forked_child(&self) -> bool {
        ![0, getpid().as_raw_nonzero().get()].contains(&self.process.load(Ordering::Relaxed))
    }

    /// Returns whether every entry and back-edge is a sample, and hot code is compiled synchronously.
    pub(super) fn is_synchronous(&self) -> bool {
        self.thresholds.sampling_interval.is_zero()
    }

    /// Removes a module that is being dropped. Code that is being compiled for it is not published.
    pub(super) fn forget(&self, environment: &ModuleEnvironment) {
        let module = std::ptr::from_ref(environment) as usize;
        let Some(mut state) = self.lock_unless_forked() else { return };
        let gone = state.remove(module);
        state.abandon(|compilation| compilation.module == module);
        drop(state);
        drop(gone);
    }

    /// Removes a store that is being dropped.
    pub(super) fn unwatch(&self, vm: NonNull<VmStore>) {
        if let Some(mut state) = self.lock_unless_forked() {
            state.watched.retain(|watched| watched.vm.0 != vm);
        }
    }

    /// Stops the threads, and waits for them for at most [`SHUTDOWN_TIMEOUT`]. A thread in the middle of a function is
    /// detached.
    pub(super) fn stop(&self) {
        let Some(mut state) = self.lock_unless_forked() else { return };
        state.stop = true;
        state.abandon(|_| true);
        let threads = std::mem::take(&mut state.threads);
        self.to_watch.notify_all();
        self.to_compile.notify_all();
        if self.is_forked_child() {
            // Threads of another process cannot be joined.
            threads.into_iter().for_each(std::mem::forget);
            return;
        }
        let waited = self.ended.wait_timeout_while(state, SHUTDOWN_TIMEOUT, |state| state.alive > 0);
        let all_ended = waited.unwrap_or_else(|e| e.into_inner()).0.alive == 0;
        for thread in threads.into_iter().filter(|thread| all_ended || thread.is_finished()) {
            _ = thread.join();
        }
    }

    /// Returns the number of samples of a module's functions.
    fn samples(&self, environment: &ModuleEnvironment) -> HashMap<u32, u32> {
        let Some(state) = self.lock_unless_forked() else { return HashMap::new() };
        let module = state.modules.get(&(std::ptr::from_ref(environment) as usize));
        let samples = module.into_iter().flat_map(|module| &module.functions);
        samples.map(|(function, hotness)| (*function, hotness.all())).collect()
    }

    /// Calls `run` unless the module has been dropped. The module is not dropped while `run` executes. Returns whether
    /// `run` was called.
    fn if_alive(&self, environment: &ModuleEnvironment, run: impl FnOnce()) -> bool {
        let state = self.lock();
        let alive = state.modules.contains_key(&(std::ptr::from_ref(environment) as usize));
        if alive {
            run();
        }
        alive
    }

    /// Waits until no job is left.
    pub(super) fn drain(&self) {
        let mut state = self.lock();
        let busy = |state: &TierUpState| !state.compilations.is_empty() || !state.waiting.is_empty();
        while !state.stop && busy(&state) {
            state = self.idle.wait(state).unwrap_or_else(|e| e.into_inner());
        }
    }

    /// Counts a sample, and queues the jobs that are now worthwhile. `found` receives them. Returns a hot loop that is
    /// rejected because the function has too many. Each such loop is returned once.
    fn count_sample(
        &self,
        state: &mut TierUpState,
        body: &LazyBody,
        site: SampleSite,
        now: Instant,
        jobs: &mut Vec<(usize, CompileJob)>,
    ) -> Option<u32> {
        let environment = body.environment();
        let index = body.func_index()?;
        let function = index - environment.module.imported_funcs;
        let key = std::ptr::from_ref(environment) as usize;
        let module = match state.modules.entry(key) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => {
                let environment = environment.share()?;
                entry.insert(ModuleState {
                    environment,
                    functions: HashMap::new(),
                    queue: Vec::new(),
                    time_spent: Duration::ZERO,
                })
            }
        };
        let hotness = module.functions.entry(function).or_default();
        hotness.add(site, now);
        if site != SampleSite::Calling {
            environment.stats.tier_up.samples.fetch_add(1, Ordering::Relaxed);
        }
        let native = !body.cell().native.load(Ordering::Relaxed).is_null();
        let bytes = environment.module.bodies[function as usize].len();
        if hotness.all() < self.thresholds.needed(bytes) {
            return None;
        }
        let old_len = jobs.len();
        // A function's code is of little use if its frames stay in loops.
        let stays_in_loops = hotness.stays_in_loops() && bytes > MAX_SMALL_BYTES;
        // Frames in the loop cannot switch to the function's own code. Each loop must be worth a compilation of the
        // whole function, and the number of loops is limited.
        let mut refused = None;
        if let SampleSite::Loop(header) = site
            && (native || stays_in_loops)
            && hotness.loops[&header] >= self.thresholds.needed(bytes / LOOP_FRACTION)
            && !hotness.queued_loops.contains(&header)
        {
            if hotness.queued_loops.len() < MAX_OSR_LOOPS {
                jobs.push((key, CompileJob { function, header: Some(header) }));
            } else {
                refused = Some(header);
            }
            hotness.queued_loops.push(header);
        }
        if !native
            && !hotness.queued
            && (!stays_in_loops || hotness.entries >= self.thresholds.needed(bytes / ENTRY_FRACTION))
        {
            hotness.queued = true;
            jobs.push((key, CompileJob { function, header: None }));
        }
        state.enqueue(key, jobs[old_len..].iter().map(|(_, job)| *job));
        refused
    }

    /// Takes the next batch. It consists of the next module's hottest jobs, relative to their size.
    fn next(&self, state: &mut TierUpState) -> Option<Batch> {
        let now = Instant::now();
        loop {
            let key = state.next_module(now)?;
            let abandoned = Arc::<AtomicBool>::default();
            let (min_time, batch) = state.update_module(key, |module| {
                let min_time = module.time_spent;
                let (functions, entry) = module.take(now);
                let bytes = |function: &u32| module.environment.module.bodies[*function as usize].len() as u32;
                let bytes: u32 = functions.iter().chain(entry.iter().map(|(function, _)| function)).map(bytes).sum();
                let (environment, expected) = (module.environment.clone(), EXPECTED_TIME_PER_BYTE * bytes);
                module.time_spent += expected;
                (min_time, Batch { environment, abandoned: abandoned.clone(), expected, functions, entry })
            })?;
            // Other code may have compiled the functions meanwhile.
            if batch.all().next().is_some() {
                state.compilations.push(Compilation { module: key, abandoned });
                state.min_time = min_time;
                return Some(batch);
            }
        }
    }
}

impl ModuleState {
    /// Returns the hotness of a job's function relative to its cost.
    fn job_hotness(&self, job: &CompileJob, now: Instant) -> f64 {
        let bytes = self.environment.module.bodies[job.function as usize].len() as f64;
        let hotness = self.functions.get(&job.function).map_or(0.0, |hotness| hotness.recent_samples(now));
        hotness / (bytes + FIXED_COST_BYTES)
    }

    /// Returns the hotness of the hottest job.
    fn hotness(&self, now: Instant) -> f64 {
        self.queue.iter().map(|job| self.job_hotness(job, now)).fold(0.0, f64::max)
    }

    /// Takes the hottest jobs from the queue: functions, in order, or one loop.
    fn take(&mut self, now: Instant) -> (Vec<u32>, Option<(u32, u32)>) {
        let cells = self.environment.cells();
        let is_native = |job: &CompileJob| !cells[job.function as usize].native.load(Ordering::Relaxed).is_null();
        self.queue.retain(|job| job.header.is_some() || !is_native(job));
        let mut queue: Vec<(f64, CompileJob)> =
            std::mem::take(&mut self.queue).into_iter().map(|job| (self.job_hotness(&job, now), job)).collect();
        queue.sort_by(|(a, _), (b, _)| b.total_cmp(a));
        let mut queue = queue.into_iter().map(|(_, job)| job);
        let Some(first) = queue.next() else { return Default::default() };
        if let Some(header) = first.header {
            self.queue.extend(queue);
            return (Vec::new(), Some((first.function, header)));
        }
        let (mut bytes, mut functions) = (0, Vec::new());
        for job in std::iter::once(first).chain(queue) {
            let body_bytes = self.environment.module.bodies[job.function as usize].len();
            if job.header.is_none() && (functions.is_empty() || bytes + body_bytes <= MAX_BATCH_BYTES) {
                bytes += body_bytes;
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
    /// Returns the number of samples of each sampled function of a module.
    pub(crate) fn samples(&self, environment: &ModuleEnvironment) -> HashMap<u32, u32> {
        self.tier_up.as_ref().map_or_else(HashMap::new, |tier_up| tier_up.samples(environment))
    }

    /// Records samples from the interpreter.
    pub(super) fn record_samples(&self, sites: &mut dyn Iterator<Item = (&LazyBody, SampleSite)>) {
        let Some(tier_up) = &self.tier_up else { return };
        // Guest threads do not wait for the lock. A lost sample is harmless.
        let state = if tier_up.is_synchronous() { Some(tier_up.lock()) } else { tier_up.state.try_lock().ok() };
        let Some(mut state) = state.filter(|state| tier_up.is_synchronous() || state.compilers > 0) else { return };
        let (mut refused, mut jobs) = (Vec::new(), Vec::new());
        let now = Instant::now();
        sites.for_each(|(body, site)| {
            refused.extend(tier_up.count_sample(&mut state, body, site, now, &mut jobs).map(|header| (body, header)));
        });
        let has_jobs = !jobs.is_empty();
        let queued = if has_jobs { state.queued_jobs(&jobs) } else { Vec::new() };
        drop(state);
        // Subscribers may be slow, so events are emitted after the lock is released.
        queued.iter().for_each(QueuedJob::emit);
        for (body, header) in refused {
            debug!(
                function = body_name(body),
                "loop" = header,
                "hot, but stays interpreted: the function has too many loops with OSR code"
            );
        }
        if tier_up.is_synchronous() {
            while let Some(batch) = { tier_up.next(&mut tier_up.lock()) } {
                self.compile_batch(tier_up, &batch);
                tier_up.lock().finish(&batch, Duration::ZERO);
            }
        } else if has_jobs {
            tier_up.to_compile.notify_one();
        }
    }

    /// Adds a store that is about to be interpreted to the sampled ones.
    pub(in crate::vm) fn watch(&self, vm: NonNull<VmStore>) {
        let Some(tier_up) = &self.tier_up else { return };
        // SAFETY: the store is alive, because it is about to run. Only its atomic words are accessed.
        let (interrupt, watched) = unsafe {
            (&*std::ptr::addr_of!((*vm.as_ptr()).interrupt), &*std::ptr::addr_of!((*vm.as_ptr()).is_sampled))
        };
        if tier_up.is_synchronous() {
            watched.store(true, Ordering::Relaxed);
            interrupt.fetch_or(INTERRUPT_SAMPLE, Ordering::Relaxed);
            return;
        }
        let Ok(mut state) = tier_up.state.try_lock() else { return };
        let process = getpid().as_raw_nonzero().get();
        if tier_up.process.swap(process, Ordering::Relaxed) != process {
            state.start(tier_up.threads, |title, run| self.spawn(title, run));
        }
        if state.samples && !state.stop {
            watched.store(true, Ordering::Relaxed);
            state.watched.push(WatchedStore { vm: Address(vm), unanswered: 0 });
            // If the sampler is awake, it needs no signal. Otherwise short-lived stores would send thousands of
            // signals.
            if state.asleep {
                tier_up.to_watch.notify_one();
            }
        }
    }

    /// Starts a thread of the tier.
    fn spawn(&self, title: &str, run: fn(&Tier, &TierUp)) -> io::Result<JoinHandle<()>> {
        let tier = self.this.upgrade().ok_or(io::ErrorKind::NotFound)?;
        let run = move || {
            if let Some(tier_up) = &tier.tier_up {
                run(&tier, tier_up);
                tier_up.lock().alive -= 1;
                tier_up.ended.notify_all();
            }
        };
        std::thread::Builder::new().name(format!("kinglet {title}")).spawn(run)
    }

    /// Requests a sample from every watched store at each interval, until the engine is dropped.
    fn run_sampler(&self, tier_up: &TierUp) {
        let mut state = tier_up.lock();
        let mut idle = 0;
        while !state.stop {
            idle = if state.watched.is_empty() { idle + 1 } else { 0 };
            if idle > MAX_UNANSWERED {
                state.asleep = true;
                state = tier_up.to_watch.wait(state).unwrap_or_else(|e| e.into_inner());
                (state.asleep, idle) = (false, 0);
                continue;
            }
            state.watched.retain_mut(|watched| {
                let vm = watched.vm.0.as_ptr();
                // SAFETY: a store in the list is alive. Only its atomic words are accessed.
                let (interrupt, flag) =
                    unsafe { (&*std::ptr::addr_of!((*vm).interrupt), &*std::ptr::addr_of!((*vm).is_sampled)) };
                let before = interrupt.fetch_or(INTERRUPT_SAMPLE, Ordering::Relaxed);
                watched.unanswered = if before & INTERRUPT_SAMPLE != 0 { watched.unanswered + 1 } else { 0 };
                let stays = watched.unanswered < MAX_UNANSWERED;
                if !stays {
                    // The request stays, so the store is watched again when it answers. This is the sampler's last
                    // access to it.
                    flag.store(false, Ordering::Release);
                }
                stays
            });
            let interval = tier_up.thresholds.sampling_interval;
            state = tier_up.to_watch.wait_timeout(state, interval).unwrap_or_else(|e| e.into_inner()).0;
        }
    }

    /// Compiles hot code until the engine is dropped.
    fn run_compiler(&self, tier_up: &TierUp) {
        let this = Some(rustix::thread::gettid());
        if let Ok(niceness) = rustix::process::getpriority_process(this) {
            let _ = rustix::process::setpriority_process(this, niceness.saturating_add(tier_up.niceness).min(19));
        }
        let mut state = tier_up.lock();
        while !state.stop {
            let Some(batch) = tier_up.next(&mut state) else {
                tier_up.idle.notify_all();
                state = tier_up.to_compile.wait(state).unwrap_or_else(|e| e.into_inner());
                continue;
            };
            drop(state);
            let started = Instant::now();
            self.compile_batch(tier_up, &batch);
            state = tier_up.lock();
            state.finish(&batch, started.elapsed());
        }
        tier_up.idle.notify_all();
    }

    fn compile_batch(&self, tier_up: &TierUp, batch: &Batch) {
        let started = Instant::now();
        let environment = &*batch.environment;
        let limits = background_limits(environment, &batch.abandoned);
        let mut published = false;
        let publish = |publish: Box<dyn FnOnce() + '_>| published = tier_up.if_alive(environment, publish);
        for function in &batch.functions {
            trace!(function = function_name(environment, *function), "compiling");
        }
        if let Some((function, header)) = batch.entry {
            trace!(function = function_name(environment, function), "loop" = header, "compiling");
        }
        let compile = || match batch.entry {
            Some((function, header)) => self.compile_loop(environment, function, header, limits, publish),
            None => self.compile(environment, &batch.functions, limits, publish),
        };
        // A bug in the compiler must not end tier-up for all guests.
        let result =
            catch_unwind(AssertUnwindSafe(compile)).unwrap_or_else(|_| Err(Error::msg("the compiler panicked")));
        let took = started.elapsed();
        let cells = environment.cells();
        let native = |function: &u32| !cells[*function as usize].native.load(Ordering::Relaxed).is_null();
        match result {
            Err(_) if batch.abandoned.load(Ordering::Relaxed) => {
                debug!("compilation abandoned: the module was dropped")
            }
            Err(error) => {
                for (function, header) in batch.all() {
                    debug!(function = function_name(environment, function), "loop" = header, %error, "hot, but stays interpreted");
                }
            }
            Ok(()) if !published => {
                debug!(functions = batch.all().count(), "code discarded: the module was dropped");
            }
            Ok(()) => {
                // The compiler has reported why the other functions have no code.
                let functions = batch.functions.iter().filter(|function| native(function)).count() as u64;
                environment.stats.tier_up.add(functions, batch.entry.iter().count() as u64);
                for (function, header) in batch.all().filter(|(function, header)| header.is_some() || native(function))
                {
                    let bytes = environment.module.bodies[function as usize].len();
                    trace!(
                        function = function_name(environment, function),
                        "loop" = header,
                        bytes,
                        ?took,
                        "native code in use"
                    );
                }
            }
        }
    }
}

impl Batch {
    /// Returns the functions, and the function and module offset of the loop.
    fn all(&self) -> impl Iterator<Item = (u32, Option<u32>)> {
        let functions = self.functions.iter().map(|function| (*function, None));
        functions.chain(self.entry.map(|(function, header)| (function, Some(header))))
    }
}

/// A job that was queued, for its event.
struct QueuedJob {
    environment: Arc<ModuleEnvironment>,
    job: CompileJob,
    entries: u32,
    calling: u32,
    at_loops: u32,
}

impl QueuedJob {
    fn emit(&self) {
        let QueuedJob { environment, job, entries, calling, at_loops } = self;
        let (function, bytes) =
            (function_name(environment, job.function), environment.module.bodies[job.function as usize].len());
        trace!(function, "loop" = job.header, entries, calling, at_loops, bytes, "hot: queued for compilation");
    }
}

impl TierUpState {
    /// Abandons the compilations that `which` selects.
    fn abandon(&self, which: impl Fn(&Compilation) -> bool) {
        for compilation in self.compilations.iter().filter(|compilation| which(compilation)) {
            compilation.abandoned.store(true, Ordering::Relaxed);
        }
    }

    /// Ends a compilation, successful or abandoned.
    fn finish(&mut self, batch: &Batch, took: Duration) {
        self.compilations.retain(|compilation| !Arc::ptr_eq(&compilation.abandoned, &batch.abandoned));
        let module = std::ptr::from_ref(&*batch.environment) as usize;
        self.update_module(module, |module| {
            module.time_spent = (module.time_spent + took).saturating_sub(batch.expected)
        });
    }

    /// Updates a module that is still alive, and its entry in `waiting`.
    fn update_module<R>(&mut self, key: usize, update: impl FnOnce(&mut ModuleState) -> R) -> Option<R> {
        let module = self.modules.get_mut(&key)?;
        self.waiting.remove(&(module.time_spent, key));
        let result = update(module);
        if !module.queue.is_empty() {
            self.waiting.insert((module.time_spent, key));
        }
        Some(result)
    }

    /// Removes a module.
    fn remove(&mut self, key: usize) -> Option<ModuleState> {
        let module = self.modules.remove(&key)?;
        self.waiting.remove(&(module.time_spent, key));
        Some(module)
    }

    /// Queues jobs of a module.
    fn enqueue(&mut self, key: usize, jobs: impl ExactSizeIterator<Item = CompileJob>) {
        if jobs.len() == 0 {
            return;
        }
        let min_time = self.min_time;
        self.update_module(key, |module| {
            if module.queue.is_empty() {
                module.time_spent = module.time_spent.max(min_time);
            }
            module.queue.extend(jobs);
        });
    }

    /// Returns the waiting module for which the least time has been spent; among several, the hottest.
    fn next_module(&self, now: Instant) -> Option<usize> {
        let (least, _) = self.waiting.first()?;
        let ties =
            self.waiting.iter().take(MAX_TIES).take_while(|(time_spent, _)| time_spent == least).map(|(_, key)| *key);
        let hotness = |key: &usize| self.modules.get(key).map_or(0.0, |module| module.hotness(now));
        ties.max_by(|a, b| hotness(a).total_cmp(&hotness(b)))
    }

    /// Returns the queued jobs if their event is enabled.
    fn queued_jobs(&self, jobs: &[(usize, CompileJob)]) -> Vec<QueuedJob> {
        if !event_enabled!(Level::TRACE) {
            return Vec::new();
        }
        let queued_job = |(module, job): &(usize, CompileJob)| {
            let module = self.modules.get(module)?;
            let hotness = module.functions.get(&job.function)?;
            let at_loops = hotness.loops.values().sum();
            let environment = module.environment.clone();
            Some(QueuedJob { environment, job: *job, entries: hotness.entries, calling: hotness.calling, at_loops })
        };
        jobs.iter().filter_map(queued_job).collect()
    }

    /// Starts the threads through `spawn`. If no compiler thread can be started, starts no sampler. All functions then
    /// stay interpreted.
    fn start(
        &mut self,
        compilers: usize,
        spawn: impl Fn(&'static str, fn(&Tier, &TierUp)) -> io::Result<JoinHandle<()>>,
    ) {
        // Threads of another process cannot be joined, and do not compile for this one.
        std::mem::take(&mut self.threads).into_iter().for_each(std::mem::forget);
        self.compilations.clear();
        (self.alive, self.asleep) = (0, false);
        let mut start = |title: &'static str, run: fn(&Tier, &TierUp)| match spawn(title, run) {
            Ok(thread) => {
                self.alive += 1;
                self.threads.push(thread);
                true
            }
            Err(error) => {
                debug!(%error, "cannot start the {title} thread: less code becomes native");
                false
            }
        };
        let compilers = (0..compilers).filter(|_| start("compiler", Tier::run_compiler)).count();
        let samples = compilers > 0 && start("sampler", Tier::run_sampler);
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

    const FIRST: CompileJob = CompileJob { function: 0, header: None };

    /// Returns the state of a module without samples.
    fn without_samples(environment: &Arc<ModuleEnvironment>) -> ModuleState {
        ModuleState {
            environment: environment.clone(),
            functions: HashMap::new(),
            queue: Vec::new(),
            time_spent: Duration::ZERO,
        }
    }

    #[test]
    fn modules_share_the_compiler_by_time() {
        let engine = crate::Engine::default();
        let text = format!("(module {})", "(func (nop))".repeat(100));
        let modules = [(); 3].map(|()| crate::Module::new(&engine, &text).unwrap());
        let environments = modules.each_ref().map(|module| module.inner().code().environment().share().unwrap());
        let key = |index: usize| std::ptr::from_ref(&*environments[index]) as usize;
        let tier_up = TierUp::new(TierThresholds::default(), 1);
        let mut state = tier_up.lock();
        let index_of = |batch: &Batch| environments.iter().position(|it| Arc::ptr_eq(it, &batch.environment)).unwrap();
        let wait = |state: &mut TierUpState, index: usize| {
            // The jobs are loops, because each loop is a batch of its own.
            let queue: Vec<_> = (0..100).map(|function| CompileJob { function, header: Some(1) }).collect();
            state.modules.insert(key(index), without_samples(&environments[index]));
            state.enqueue(key(index), queue.into_iter());
        };
        let batches_per_module = |state: &mut TierUpState, count: usize| {
            let mut batches_per_module = [0; 3];
            for _ in 0..count {
                let batch = tier_up.next(state).unwrap();
                batches_per_module[index_of(&batch)] += 1;
                // A job of the second module takes three times as long.
                let took = Duration::from_millis(if index_of(&batch) == 1 { 3 } else { 1 });
                state.finish(&batch, took);
            }
            batches_per_module
        };
        (0..2).for_each(|index| wait(&mut state, index));
        assert_eq!(batches_per_module(&mut state, 40), [30, 10, 0]);
        // A module that comes later gets no credit for its idle time.
        wait(&mut state, 2);
        let [first, second, third] = batches_per_module(&mut state, 42);
        assert!((17..=19).contains(&first) && (5..=7).contains(&second) && (17..=19).contains(&third));
    }

    #[test]
    fn dropping_a_module_abandons_its_compilation() {
        let engine = crate::Engine::default();
        let module = crate::Module::new(&engine, "(module (func))").unwrap();
        let environment = module.inner().code().environment().share().unwrap();
        let tier_up = TierUp::new(TierThresholds::default(), 1);
        let key = std::ptr::from_ref(&*environment) as usize;
        tier_up.lock().modules.insert(key, without_samples(&environment));
        tier_up.lock().enqueue(key, [FIRST].into_iter());
        let batch = tier_up.next(&mut tier_up.lock()).unwrap();
        assert!(!batch.abandoned.load(Ordering::Relaxed));
        tier_up.forget(&environment);
        assert!(batch.abandoned.load(Ordering::Relaxed) && tier_up.lock().modules.is_empty());
        assert!(tier_up.lock().waiting.is_empty());
        tier_up.lock().finish(&batch, Duration::ZERO);
        assert!(tier_up.lock().compilations.is_empty());
    }

    #[test]
    fn only_modules_with_queued_jobs_are_considered() {
        let engine = crate::Engine::default();
        let modules: Vec<_> = (0..100).map(|_| crate::Module::new(&engine, "(module (func))").unwrap()).collect();
        let environments: Vec<_> =
            modules.iter().map(|module| module.inner().code().environment().share().unwrap()).collect();
        let key = |index: usize| std::ptr::from_ref(&*environments[index]) as usize;
        let tier_up = TierUp::new(TierThresholds::default(), 1);
        let mut state = tier_up.lock();
        for (index, environment) in environments.iter().enumerate() {
            state.modules.insert(key(index), without_samples(environment));
        }
        assert!(state.waiting.is_empty() && tier_up.next(&mut state).is_none());
        for index in [7, 50] {
            state.enqueue(key(index), [FIRST].into_iter());
            state.enqueue(key(index), [].into_iter());
        }
        assert_eq!(state.waiting.len(), 2);
        let batches = [(); 2].map(|()| tier_up.next(&mut state).unwrap());
        assert!(state.waiting.is_empty() && tier_up.next(&mut state).is_none());
        // A module's entry in `waiting` follows its time while it is compiled for.
        state.enqueue(key(7), [FIRST].into_iter());
        batches.iter().for_each(|batch| state.finish(batch, Duration::from_secs(1)));
        let entry = (state.modules[&key(7)].time_spent, key(7));
        assert_eq!(state.waiting.iter().collect::<Vec<_>>(), [&entry]);
        // Other code compiles the function.
        environments[7].cells()[0].native.store(std::ptr::dangling_mut(), Ordering::Relaxed);
        assert!(tier_up.next(&mut state).is_none() && state.waiting.is_empty() && state.compilations.is_empty());
        environments[7].cells()[0].native.store(std::ptr::null_mut(), Ordering::Relaxed);
    }

    #[test]
    fn nothing_is_queued_without_a_compiler_thread() {
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
        // SAFETY: the environment's cells live as long as the environment, and have bodies.
        let body = unsafe { &*(*environment.cell(0)).body().cast::<LazyBody>() };
        let tier = engine.tier();
        let tier_up = tier.tier_up.as_ref().unwrap();
        let key = std::ptr::from_ref(&*environment) as usize;
        let queued = || tier_up.lock().modules.get(&key).map_or(0, |module| module.queue.len());
        let sample_entry =
            || (0..1000).for_each(|_| tier.record_samples(&mut std::iter::once((body, SampleSite::Entry))));

        tier_up.lock().start(2, only("compiler"));
        assert!(tier_up.lock().compilers == 2 && !tier_up.lock().samples);
        sample_entry();
        assert_eq!(queued(), 1);
        // This corresponds to a forked child without threads.
        tier_up.lock().start(2, only("sampler"));
        assert!(tier_up.lock().threads.is_empty() && !tier_up.lock().samples, "no sampler without a compiler");
        assert_eq!(queued(), 0, "queued jobs are dropped with their threads");
        tier_up.lock().modules.clear();
        sample_entry();
        assert!(tier_up.lock().modules.is_empty() && tier_up.lock().waiting.is_empty());
        tier_up.drain();
        tier_up.lock().start(2, none);
        sample_entry();
        assert!(tier_up.lock().modules.is_empty());
    }
}
