//! The modes in which guests run, with one row each. Every program runs in all modes and must behave the same in each.
//! A new tier needs a new row.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, mpsc};
use std::time::Duration;

use kinglet::{Engine, Linker, Module, Store};
use kinglet_tests::program::{kinglet, run_program_cached};
use kinglet_wasi::{FsPerms, I32Exit, Pipe, WasiCtx};

/// A mode of running a guest.
pub(crate) struct Mode {
    pub(crate) name: &'static str,
    /// Returns the missing requirement, if the mode cannot run.
    pub(crate) lacks: fn() -> Option<String>,
    run: fn(&Guest) -> Outcome,
}

/// The modes.
pub(crate) const MODES: &[Mode] = &[
    Mode {
        name: "threaded",
        lacks: || missing(&kinglet()),
        run: |guest| command(&kinglet(), INTERPRETER, Path::new(""), guest),
    },
    Mode {
        name: "loop",
        lacks: || missing(&unoptimised()),
        run: |guest| command(&unoptimised(), INTERPRETER, Path::new(""), guest),
    },
    Mode { name: "jit", lacks: || missing(&kinglet()), run: |guest| command(&kinglet(), JIT, &cache(), guest) },
    Mode { name: "auto", lacks: || missing(&kinglet()), run: |guest| command(&kinglet(), &[], Path::new(""), guest) },
    Mode { name: "metered", lacks: || missing(&kinglet()), run: |guest| command(&kinglet(), METERED, &cache(), guest) },
    Mode { name: "library", lacks: || None, run: embedded },
];

const INTERPRETER: &[&str] = &["--run-mode", "interpreter"];

const JIT: &[&str] = &["--run-mode", "jit"];

/// Options that make the code meter gas and check for interrupts, with limits that no program reaches.
const METERED: &[&str] = &["--run-mode", "jit", "--gas-limit", "1000000000000", "--time-limit", "120000"];

/// The time limit of a program.
const DEADLINE: Duration = Duration::from_secs(120);

/// A program with its arguments, variables, directory and input.
pub(crate) struct Guest {
    pub(crate) module: PathBuf,
    pub(crate) args: Vec<String>,
    pub(crate) env: Vec<(String, String)>,
    /// A directory of the host, and its name in the guest.
    pub(crate) directory: Option<(PathBuf, &'static str)>,
    pub(crate) input: String,
}

/// The result of a program.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// Its exit status, or 134 for a trap.
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Guest {
    /// Returns a guest without arguments, variables, directory and input.
    pub(crate) fn new(module: PathBuf) -> Guest {
        Guest { module, args: Vec::new(), env: Vec::new(), directory: None, input: String::new() }
    }

    pub(crate) fn args(mut self, args: &[&str]) -> Guest {
        self.args.extend(args.iter().map(|arg| arg.to_string()));
        self
    }

    pub(crate) fn env(mut self, name: &str, value: &str) -> Guest {
        self.env.push((name.to_string(), value.to_string()));
        self
    }

    pub(crate) fn directory(mut self, host: &Path, guest: &'static str) -> Guest {
        self.directory = Some((host.to_path_buf(), guest));
        self
    }

    pub(crate) fn input(mut self, input: &str) -> Guest {
        self.input = input.to_string();
        self
    }

    pub(crate) fn run(&self, mode: &Mode) -> Outcome {
        (mode.run)(self)
    }
}

impl Outcome {
    /// Checks that the program succeeded, with this text on standard output.
    #[track_caller]
    pub(crate) fn prints(&self, out: &str) {
        assert_eq!(self.code, 0, "{self:?}");
        assert_eq!(self.out, out, "{self:?}");
    }

    /// Checks the exit status, and that standard error contains all these parts.
    #[track_caller]
    pub(crate) fn fails(&self, code: i32, parts: &[&str]) {
        assert_eq!(self.code, code, "{self:?}");
        parts.iter().for_each(|part| assert!(self.err.contains(part), "no `{part}` in {self:?}"));
    }
}

fn missing(program: &Path) -> Option<String> {
    (!program.exists()).then(|| format!("{}: cargo build", program.display()))
}

/// Returns the command from `cargo build`, whose interpreter calls handlers in a loop.
fn unoptimised() -> PathBuf {
    let name = format!("kinglet{}", std::env::consts::EXE_SUFFIX);
    std::env::var_os("KINGLET_BIN_LOOP").map_or_else(|| kinglet_tests::target().join("debug").join(name), PathBuf::from)
}

/// Returns the cache of the modes that compile whole modules, so that each compiles CPython once.
pub(crate) fn cache() -> PathBuf {
    kinglet_tests::target().join("guest-cache")
}

fn command(program: &Path, options: &[&str], cache: &Path, guest: &Guest) -> Outcome {
    let mut args: Vec<String> = options.iter().map(|option| option.to_string()).collect();
    if let Some((host, name)) = &guest.directory {
        args.extend(["--dir".to_string(), format!("{name}:{}", host.display())]);
    }
    for (name, value) in &guest.env {
        args.extend(["--env".to_string(), format!("{name}={value}")]);
    }
    args.push(guest.module.display().to_string());
    args.extend(guest.args.iter().cloned());
    let run = run_program_cached(program, &args, &guest.input, cache);
    Outcome { code: run.code(), out: run.out, err: run.err }
}

/// Runs a guest through the public API, in this process, as an embedder does.
fn embedded(guest: &Guest) -> Outcome {
    let (engine, module) = load(&guest.module);
    let mut linker = Linker::new(&engine);
    kinglet_wasi::add_to_linker(&mut linker, |ctx: &mut WasiCtx| ctx).expect("the linker has no such names yet");
    let (out, err) = (Pipe::new(), Pipe::new());
    let mut builder = WasiCtx::builder();
    builder.arg(guest.module.file_name().unwrap_or_default().to_string_lossy()).args(&guest.args);
    builder.envs(guest.env.iter().cloned());
    builder.stdin(Pipe::from(guest.input.as_str())).stdout(out.clone()).stderr(err.clone());
    if let Some((host, name)) = &guest.directory {
        builder.preopened_dir(host, *name, FsPerms::ReadWrite).expect("the directory can be opened");
    }
    let mut store = Store::new(&engine, builder.build().expect("the configuration is valid"));
    let handle = store.interrupt_handle();
    let (done, ended) = mpsc::channel::<()>();
    let watchdog = std::thread::spawn(move || {
        if ended.recv_timeout(DEADLINE) == Err(mpsc::RecvTimeoutError::Timeout) {
            handle.interrupt();
        }
    });
    let result = linker.instantiate(&mut store, &module).and_then(|instance| {
        let start = instance.get_typed_func::<(), ()>(&mut store, "_start")?;
        start.call(&mut store, ())
    });
    drop(done);
    watchdog.join().expect("the watchdog does not panic");
    let text = |pipe: Pipe| String::from_utf8_lossy(&pipe.take()).into_owned();
    let (out, mut err) = (text(out), text(err));
    let code = match result {
        Ok(()) => 0,
        Err(error) => error.downcast_ref::<I32Exit>().map_or_else(
            || {
                err.push_str(&format!("{error:?}\n"));
                134
            },
            |exit| exit.0,
        ),
    };
    Outcome { code, out, err }
}

/// Loads a module once for all tests of this process.
fn load(path: &Path) -> (Engine, Module) {
    static LOADED: OnceLock<(Engine, Mutex<HashMap<PathBuf, Module>>)> = OnceLock::new();
    let (engine, modules) = LOADED.get_or_init(Default::default);
    let mut modules = modules.lock().expect("no test panics while it holds the lock");
    let module = modules.entry(path.to_path_buf()).or_insert_with(|| {
        Module::from_file(engine, path).unwrap_or_else(|error| panic!("cannot load {}: {error:?}", path.display()))
    });
    (engine.clone(), module.clone())
}
