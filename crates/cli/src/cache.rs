//! The cache of modules and their native code: which one a command uses, and how what a run has made gets into it.
//!
//! What has run too little to become native is compiled when the program has ended, so that the next start has it: by a
//! process that is left behind, of low priority, as `git gc --auto` does it. It is started with the command line of the
//! run, by which it finds the same modules and settings, and a variable that has it do this instead.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use kinglet::{Cache, CacheConfig, Config, Module};
use tracing::debug;

use crate::descriptor;
use crate::fault::{Fault, Outcome};
use crate::message::{Level, say};
use crate::options::Options;

/// How long a command that has done its work waits for the cache. What is not whole by then is as if it had never been.
const PATIENCE: Duration = Duration::from_secs(2);

/// Tells a process what it has been left behind for.
const LEFT_BEHIND: &str = "KINGLET_LEFT_BEHIND";

/// How much nicer such a process is: it has what nobody else wants.
const NICENESS: i32 = 19;

/// How long such a process may take. What is not whole by then is as if it had never been.
const LONGEST: Duration = Duration::from_secs(60);

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
    working: Option<Receiver<()>>,
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
        if self.wait() {
            self.update();
            self.wait();
        }
        if !stopped && may_leave_behind(options) && self.modules.iter().any(Module::worth_compiling) {
            leave_behind().unwrap_or_else(|error| debug!(%error, "nothing is compiled for the next start"));
        }
        std::mem::forget(self.modules);
    }

    /// If that is what this process is for: compiles for the next start, and is done.
    pub(crate) fn compile_instead(&self, options: &Options) -> bool {
        if !is_left_behind(options) {
            return false;
        }
        for module in &self.modules {
            match module.compile_for_next_start(|_, _| ()) {
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
            for module in &outdated {
                if let Err(error) = module.update_cache() {
                    debug!(%error, "the module is not kept in the cache");
                }
            }
            std::mem::forget(outdated);
            let _ = done.send(());
        };
        match std::thread::Builder::new().name("cache".into()).spawn(work) {
            Ok(_) => self.working = Some(working),
            Err(error) => debug!(%error, "the module is not kept in the cache"),
        }
    }

    /// Waits for that; false if it takes too long.
    fn wait(&mut self) -> bool {
        self.working.take().is_none_or(|working| working.recv_timeout(PATIENCE).is_ok())
    }
}

/// Whether this process is one that another has left behind.
pub(crate) fn is_left_behind(options: &Options) -> bool {
    std::env::var_os(LEFT_BEHIND).is_some_and(|value| value == "1") && may_leave_behind(options)
}

/// If it is, makes way for all others: a terminal's signals are not for it, whoever wants the processors goes first, and it
/// ends in time whatever it is doing. Before there are other threads, which would not be as nice.
pub(crate) fn settle(options: &Options) {
    if !is_left_behind(options) {
        return;
    }
    let _ = rustix::process::setsid();
    let _ = rustix::process::nice(NICENESS);
    let clock = std::thread::Builder::new().spawn(|| {
        std::thread::sleep(LONGEST);
        std::process::exit(1);
    });
    if clock.is_err() {
        // Without it nothing would end this process, which nobody waits for.
        std::process::exit(1);
    }
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
    command.args(std::env::args_os().skip(1)).env(LEFT_BEHIND, "1");
    if let Some(name) = std::env::args_os().next() {
        // It settles the dialect.
        command.arg0(name);
    }
    let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    debug!(process = child.id(), "left behind to compile for the next start");
    Ok(())
}
