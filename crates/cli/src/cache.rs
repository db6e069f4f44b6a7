//! The cache of modules and native code: chooses the cache of a command, and stores the code of a run.
//!
//! Functions that ran too little to become native are compiled after the program's end, for the next start. On a terminal,
//! or with `--detach`, a background process of low priority does that, as in `git gc --auto`. Otherwise the command itself
//! does it for at most 50 ms and a tenth of the run, and several runs fill the cache. The background process gets the
//! command line of the run, so that it finds the same modules and settings, and an environment variable that changes its
//! task. Its memory and CPU time are bounded. It stores finished code as it goes, and retries functions whose compilation
//! ended it only once (`Module::compile_for_next_start`).

use std::io::IsTerminal;
use std::ops::ControlFlow;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use kinglet::{Cache, CacheConfig, Config, Module};
use rustix::process::{Resource, Rlimit};
use tracing::debug;

use crate::descriptor;
use crate::fault::{Fault, Outcome};
use crate::message::{Level, say};
use crate::options::Options;
use crate::priority;

/// The longest time that a finished command waits for the cache. Unfinished entries are discarded.
const PATIENCE: Duration = Duration::from_secs(2);

/// The variable with the task of a background process.
const TASK: &str = "KINGLET_LEFT_BEHIND";

/// The task: compile for the next start, with the lowest priority.
const LOW_PRIORITY: &str = "1";

/// The task: compile for the next start while the user waits.
const NOW: &str = "now";

/// Without a background process, the command compiles for the next start during this fraction of the run's time.
const PART_OF_RUN: u32 = 10;

/// The longest time by which this delays the end of the command.
const LONGEST_DELAY: Duration = Duration::from_millis(50);

/// The shortest useful time. In less, the compiler cannot finish a function.
const SHORTEST_DELAY: Duration = Duration::from_millis(1);

/// The CPU time of a background process. A later process continues from the finished code.
const LONGEST: Duration = Duration::from_secs(60);

/// The additional CPU time after which the system kills it. One function takes about a second.
const GRACE: Duration = Duration::from_secs(30);

/// The longest time that it waits for busy CPUs.
const WAITING: Duration = Duration::from_secs(3600);

/// Its memory for the module and its code, in bytes. The compiler's memory has a bound of its own.
const MEMORY: u64 = 768 << 20;

/// Adds the user's cache to an engine's configuration, unless the user disables it. A standalone executable contains its code
/// and needs none.
pub(crate) fn add(config: &mut Config, options: &Options) {
    if options.no_cache || options.program.is_some() {
        return;
    }
    match open(options) {
        Ok(cache) => drop(config.cache(Some(cache))),
        // A warning only for a requested directory. Many containers have no default one.
        Err(error) if std::env::var_os("KINGLET_CACHE_DIR").is_some_and(|directory| !directory.is_empty()) => {
            say(Level::Warning, &format!("{error:#}"))
        }
        Err(error) => debug!(%error, "nothing is cached for the next start"),
    }
}

/// The cache of a command that needs one.
pub(crate) fn required(options: &Options) -> Outcome<Cache> {
    open(options).map_err(|error| Fault::refused(format!("{error:#}")))
}

fn open(options: &Options) -> kinglet::Result<Cache> {
    let mut config = CacheConfig::new();
    if let Some(mebibytes) = options.cache_limit {
        config.with_files_total_size_soft_limit(mebibytes.saturating_mul(1 << 20));
    }
    Cache::new(&config)
}

/// The directory of the cache.
pub(crate) fn directory() -> Outcome<Box<Path>> {
    let directory = Cache::default_directory().map(std::path::PathBuf::into_boxed_path);
    directory.ok_or_else(|| Fault::refused("there is no directory for a cache").hint("set KINGLET_CACHE_DIR"))
}

/// Stores modules in the cache: the validated modules while the guest runs, and their native code at its end.
pub(crate) struct CacheWriter {
    modules: Vec<Module>,
    /// Receives whether the writing thread succeeded.
    pending: Option<Receiver<bool>>,
    start: Instant,
}

impl CacheWriter {
    /// Starts to store the modules.
    pub(crate) fn start<'a>(modules: impl Iterator<Item = &'a Module>) -> CacheWriter {
        let mut writer = CacheWriter { modules: modules.cloned().collect(), pending: None, start: Instant::now() };
        writer.update();
        writer
    }

    /// Stores the native code, and has the rest compiled for the next start, unless the time limit `stopped` the guest. Drops
    /// nothing, because the process ends.
    pub(crate) fn finish(mut self, options: &Options, stopped: bool) {
        let mut stored = self.wait();
        if stored {
            self.update();
            stored = self.wait();
        }
        // After a failed write, another would fail too.
        if stored && !stopped && self.modules.iter().any(Module::worth_compiling) {
            if may_detach(options) {
                detach().unwrap_or_else(|error| debug!(%error, "nothing is compiled for the next start"));
            } else {
                self.compile_briefly();
            }
        }
        std::mem::forget(self.modules);
    }

    /// Compiles for the next start in this process, for a small part of the time of the run. Several runs fill the cache.
    fn compile_briefly(&self) {
        let budget = (self.start.elapsed() / PART_OF_RUN).min(LONGEST_DELAY);
        if budget < SHORTEST_DELAY {
            return;
        }
        let end = Instant::now() + budget;
        for module in &self.modules {
            match module.compile_for_next_start_within(end.saturating_duration_since(Instant::now())) {
                Ok(compiled) => debug!(compiled, "compiled briefly for the next start"),
                Err(error) => debug!(%error, "not compiled for the next start"),
            }
        }
    }

    /// Compiles for the next start, if that is the task of this process. Returns whether it is.
    pub(crate) fn compile_instead(&self, options: &Options) -> bool {
        if !compiles_only(options) {
            return false;
        }
        let is_limited = has_task(LOW_PRIORITY);
        let control = |_, _| {
            let taken = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
            let is_over =
                Duration::try_from(taken).is_ok_and(|taken| taken > LONGEST) || self.start.elapsed() > WAITING;
            if is_limited && is_over { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        for module in &self.modules {
            match module.compile_for_next_start(control) {
                Ok(compiled) => debug!(compiled, "compiled for the next start"),
                Err(error) => debug!(%error, "not compiled for the next start"),
            }
        }
        true
    }

    /// Starts to write everything that the cache lacks, on another thread.
    fn update(&mut self) {
        let outdated: Vec<Module> = self.modules.iter().filter(|module| module.cache_outdated()).cloned().collect();
        if outdated.is_empty() {
            return;
        }
        let (done, pending) = channel();
        let work = move || {
            let mut all_kept = true;
            for module in &outdated {
                if let Err(error) = module.update_cache() {
                    debug!(%error, "the module is not cached");
                    all_kept = false;
                }
            }
            std::mem::forget(outdated);
            let _ = done.send(all_kept);
        };
        match std::thread::Builder::new().name("cache".into()).spawn(work) {
            Ok(_) => self.pending = Some(pending),
            Err(error) => debug!(%error, "the module is not cached"),
        }
    }

    /// Waits for the writing thread. False if it failed or takes too long.
    fn wait(&mut self) -> bool {
        self.pending.take().is_none_or(|pending| pending.recv_timeout(PATIENCE).unwrap_or(false))
    }
}

/// Whether this process compiles for the next start instead of running the guest.
pub(crate) fn compiles_only(options: &Options) -> bool {
    (has_task(LOW_PRIORITY) || has_task(NOW)) && is_repeatable(options)
}

fn has_task(task: &str) -> bool {
    std::env::var_os(TASK).is_some_and(|value| value == task)
}

/// Lowers the priority of a background process, and limits its memory and CPU time. Leaves the terminal's session, so that
/// the process gets none of its signals. Must be called before the first thread starts, because threads inherit the priority.
pub(crate) fn set_up(options: &Options) {
    if !compiles_only(options) || !has_task(LOW_PRIORITY) {
        return;
    }
    let _ = rustix::process::setsid();
    priority::lowest();
    let compiler = options.compiler_memory.unwrap_or(1 << 10).saturating_mul(1 << 20) / 4;
    // Not of address space, which is also reserved for large memories and mapped files.
    limit(Resource::Data, MEMORY.saturating_add(compiler));
    limit(Resource::Cpu, (LONGEST + GRACE).as_secs());
}

/// Lowers a resource limit of the process.
fn limit(resource: Resource, most: u64) {
    let Rlimit { current, maximum } = rustix::process::getrlimit(resource);
    let lower = |limit: Option<u64>| Some(limit.map_or(most, |limit| limit.min(most)));
    let _ = rustix::process::setrlimit(resource, Rlimit { current: lower(current), maximum: lower(maximum) });
}

/// Whether another process can load the same modules: anything but a regular file can be read only once, and a profiler
/// observes one process.
fn is_repeatable(options: &Options) -> bool {
    let files = options.positional.first().into_iter().chain(options.modules.iter().map(|(_, file)| file));
    let all_files = files.into_iter().all(|file| Path::new(file).is_file());
    let cached = !options.no_cache && options.program.is_none() && options.profile.is_none();
    cached && all_files && !options.positional.is_empty()
}

/// Whether a background process may outlive this one: the user passes `--detach`, or works on a terminal. Never from the
/// first process of a container, which ends with it, and never in continuous integration, which may wait for it.
fn may_detach(options: &Options) -> bool {
    let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let wanted = options.detach.unwrap_or_else(|| std::io::stderr().is_terminal());
    wanted && is_repeatable(options) && std::process::id() != 1 && !is_set("CI")
}

/// Starts this command again as a background process that compiles for the next start.
fn detach() -> std::io::Result<()> {
    descriptor::close_in_children();
    let mut command = Command::new(std::env::current_exe()?);
    command.args(std::env::args_os().skip(1)).env(TASK, LOW_PRIORITY);
    if let Some(name) = std::env::args_os().next() {
        // The name selects the dialect.
        command.arg0(name);
    }
    let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    debug!(process = child.id(), "left behind to compile for the next start");
    Ok(())
}
