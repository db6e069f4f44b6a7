//! The cache of modules and their native code: which one a command uses, and how what a run has made gets into it.

use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use kinglet::{Cache, CacheConfig, Config, Module};
use tracing::debug;

use crate::fault::{Fault, Outcome};
use crate::message::{Level, say};
use crate::options::Options;

/// How long a command that has done its work waits for the cache. What is not whole by then is as if it had never been.
const PATIENCE: Duration = Duration::from_secs(2);

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

    /// Keeps the rest. Nothing is dropped: the process ends now.
    pub(crate) fn finish(mut self) {
        if self.wait() {
            self.update();
            self.wait();
        }
        std::mem::forget(self.modules);
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
