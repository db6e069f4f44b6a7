//! The cache of modules and their native code: which one a command uses, and how what a run has made gets into it.
//!
//! What has run too little to become native is compiled when the program has ended, so that the next start has it: by a
//! process that is left behind, of low priority, as `git gc --auto` does it. It is started with the command line of the
//! run, by which it finds the same modules and settings, and a variable that has it do this instead. It has bounded memory
//! and processor time, keeps what is finished as it goes, and tries what ends it but once more
//! (`Module::compile_for_next_start`).

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

/// How long a command that has done its work waits for the cache. What is not whole by then is as if it had never been.
const PATIENCE: Duration = Duration::from_secs(2);

/// Tells a process what it has been left behind for, by [`MODEST`].
const LEFT_BEHIND: &str = "KINGLET_LEFT_BEHIND";

/// To compile for the next start as one of which nobody is to notice anything.
const MODEST: &str = "1";

/// To do the same at once, for a user who waits for it.
const NOW: &str = "now";

/// How much processor time such a process may take. What is finished by then is kept, and a later one goes on from there.
const LONGEST: Duration = Duration::from_secs(60);

/// After how much more the system ends it. One function takes a second or so.
const GRACE: Duration = Duration::from_secs(30);

/// How long it may wait for processors that others want.
const WAITING: Duration = Duration::from_secs(3600);

/// How much memory it may take beside what compiling functions takes, which is bounded by itself: the module's code, and
/// what is made of it.
const MEMORY: u64 = 768 << 20;

/// Gives an engine the user's cache, unless the user wants none. A program that stands alone carries its code.
pub(crate) fn add(config: &mut Config, options: &Options) {
    if options.no_cache || options.program.is_some() {
        return;
    }
    match open(options) {
        Ok(cache) => drop(config.cache(Some(cache))),
        // A folder that was asked for is missed; that there is none at all, as in many containers, is not.
        Err(error) if std::env::var_os("KINGLET_CACHE_DIR").is_some_and(|folder| !folder.is_empty()) => {
            say(Level::Warning, &format!("{error:#}"))
        }
        Err(error) => debug!(%error, "nothing is kept for the next start"),
    }
}

/// The cache of a command that is about nothing else.
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

/// Where it is, if only that is of interest.
pub(crate) fn folder() -> Outcome<Box<Path>> {
    let folder = Cache::default_directory().map(std::path::PathBuf::into_boxed_path);
    folder.ok_or_else(|| Fault::refused("there is no folder for a cache").hint("KINGLET_CACHE_DIR can name one"))
}

/// Keeps modules for the next start: that they are valid while the guest runs, and at its end their native code.
pub(crate) struct Keeper {
    modules: Vec<Module>,
    working: Option<Receiver<bool>>,
}

impl Keeper {
    /// Begins with what there is already.
    pub(crate) fn start<'a>(modules: impl Iterator<Item = &'a Module>) -> Keeper {
        let mut keeper = Keeper { modules: modules.cloned().collect(), working: None };
        keeper.update();
        keeper
    }

    /// Keeps the rest; `stopped`: the guest has used up the time it had. Nothing is dropped: the process ends now.
    pub(crate) fn finish(mut self, options: &Options, stopped: bool) {
        let mut kept = self.wait();
        if kept {
            self.update();
            kept = self.wait();
        }
        // What cannot be written now cannot be written then.
        if kept && !stopped && may_leave_behind(options) && self.modules.iter().any(Module::worth_compiling) {
            leave_behind().unwrap_or_else(|error| debug!(%error, "nothing is compiled for the next start"));
        }
        std::mem::forget(self.modules);
    }

    /// If that is what this process is for: compiles for the next start, and is done.
    pub(crate) fn compile_instead(&self, options: &Options) -> bool {
        if !is_left_behind(options) {
            return false;
        }
        let modest = is_told(MODEST);
        let begun = Instant::now();
        let go_on = |_, _| {
            let taken = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
            let is_over = Duration::try_from(taken).is_ok_and(|taken| taken > LONGEST) || begun.elapsed() > WAITING;
            if modest && is_over { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        for module in &self.modules {
            match module.compile_for_next_start(go_on) {
                Ok(compiled) => debug!(compiled, "compiled for the next start"),
                Err(error) => debug!(%error, "not compiled for the next start"),
            }
        }
        true
    }

    /// Begins to write what is not in the cache, on a thread of its own.
    fn update(&mut self) {
        let outdated: Vec<Module> = self.modules.iter().filter(|module| module.cache_outdated()).cloned().collect();
        if outdated.is_empty() {
            return;
        }
        let (done, working) = channel();
        let work = move || {
            let mut all_kept = true;
            for module in &outdated {
                if let Err(error) = module.update_cache() {
                    debug!(%error, "the module is not kept in the cache");
                    all_kept = false;
                }
            }
            std::mem::forget(outdated);
            let _ = done.send(all_kept);
        };
        match std::thread::Builder::new().name("cache".into()).spawn(work) {
            Ok(_) => self.working = Some(working),
            Err(error) => debug!(%error, "the module is not kept in the cache"),
        }
    }

    /// Waits for that; false if it takes too long, or failed.
    fn wait(&mut self) -> bool {
        self.working.take().is_none_or(|working| working.recv_timeout(PATIENCE).unwrap_or(false))
    }
}

/// Whether this process is one that another has left behind, or that does what such a one does.
pub(crate) fn is_left_behind(options: &Options) -> bool {
    (is_told(MODEST) || is_told(NOW)) && may_leave_behind(options)
}

fn is_told(what: &str) -> bool {
    std::env::var_os(LEFT_BEHIND).is_some_and(|value| value == what)
}

/// If it is, makes way for all others: a terminal's signals are not for it, whatever else wants processors or disks goes
/// first, and it has no more memory and processor time than it needs. Before there are other threads, which would not be as
/// modest.
pub(crate) fn settle(options: &Options) {
    if !is_left_behind(options) || !is_told(MODEST) {
        return;
    }
    let _ = rustix::process::setsid();
    priority::lowest();
    let compiler = options.compiler_memory.unwrap_or(1 << 10).saturating_mul(1 << 20) / 4;
    // Of the data alone: address space is also reserved, to find out whether it could be, and files are mapped.
    limit(Resource::Data, MEMORY.saturating_add(compiler));
    limit(Resource::Cpu, (LONGEST + GRACE).as_secs());
}

/// Lets the process have no more than this of something.
fn limit(resource: Resource, most: u64) {
    let Rlimit { current, maximum } = rustix::process::getrlimit(resource);
    let lower = |limit: Option<u64>| Some(limit.map_or(most, |limit| limit.min(most)));
    let _ = rustix::process::setrlimit(resource, Rlimit { current: lower(current), maximum: lower(maximum) });
}

/// Whether a run with these options can be repeated by another process, and the user lets it: what is no file can be read
/// once only, and a profiler is told of one process.
fn may_leave_behind(options: &Options) -> bool {
    let files = options.positional.first().into_iter().chain(options.modules.iter().map(|(_, file)| file));
    let again = files.into_iter().all(|file| Path::new(file).is_file());
    let wanted = !options.no_detach && !options.no_cache && options.program.is_none() && options.profile.is_none();
    wanted && again && !options.positional.is_empty()
}

/// Starts this program once more, to compile for the next start, and does not wait for it.
fn leave_behind() -> std::io::Result<()> {
    descriptor::keep_to_ourselves();
    let mut command = Command::new(std::env::current_exe()?);
    command.args(std::env::args_os().skip(1)).env(LEFT_BEHIND, MODEST);
    if let Some(name) = std::env::args_os().next() {
        // It settles the dialect.
        command.arg0(name);
    }
    let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    debug!(process = child.id(), "left behind to compile for the next start");
    Ok(())
}
