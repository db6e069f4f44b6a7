//! Runs the `kinglet` program as a user would, with its input, output and a deadline after which it counts as hung.

use std::ffi::OsStr;
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

/// No test's program may take longer.
const DEADLINE: Duration = Duration::from_secs(120);

/// What a run left behind.
#[derive(Debug)]
pub struct Run {
    /// How it ended.
    pub status: ExitStatus,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
    /// How long it took.
    pub took: Duration,
}

impl Run {
    /// The exit status, once it is sure that no signal ended the program and that it did not panic.
    #[track_caller]
    pub fn code(&self) -> i32 {
        assert!(!self.err.contains("panicked at crates/") && self.status.code() != Some(101), "{self:?}");
        self.status.code().unwrap_or_else(|| panic!("ended by a signal: {self:?}"))
    }

    /// That it ended with `code` and a message that contains every part.
    #[track_caller]
    pub fn fails(&self, code: i32, parts: &[&str]) {
        assert_eq!(self.code(), code, "{self:?}");
        assert!(self.err.starts_with("kinglet: error: "), "{self:?}");
        parts.iter().for_each(|part| assert!(self.err.contains(part), "no `{part}` in {}", self.err));
    }

    /// That it ended well, with this on standard output.
    #[track_caller]
    pub fn prints(&self, out: &str) {
        assert_eq!(self.code(), 0, "{self:?}");
        assert_eq!(self.out, out, "{self:?}");
    }
}

/// The program: named by `KINGLET_BIN`, else what cargo built last beside the tests or in release.
pub fn kinglet() -> PathBuf {
    if let Some(path) = std::env::var_os("KINGLET_BIN") {
        return path.into();
    }
    let name = format!("kinglet{}", std::env::consts::EXE_SUFFIX);
    let found = ["release", "debug"].iter().map(|profile| crate::target().join(profile).join(&name));
    let newest = found.filter(|path| path.exists()).max_by_key(|path| path.metadata().and_then(|m| m.modified()).ok());
    newest.expect("build the program first: cargo build --release")
}

/// Arguments with the run mode that `KINGLET_RUN_MODE` names, so that a suite can be run in each.
pub fn in_mode<'a>(args: &[&'a str]) -> Vec<&'a str> {
    static OPTION: LazyLock<Option<String>> =
        LazyLock::new(|| std::env::var("KINGLET_RUN_MODE").ok().map(|mode| format!("--run-mode={mode}")));
    match &*OPTION {
        Some(option) => with_mode(option, args),
        None => args.to_vec(),
    }
}

/// Arguments with an option of commands that run guests, before the others: a test that says it differently has its way.
fn with_mode<'a>(option: &'a str, args: &[&'a str]) -> Vec<&'a str> {
    const WITH_GUEST: &[&str] = &["run", "instantiate", "wast"];
    const OTHERS: &[&str] = &[
        "cache",
        "compile",
        "completions",
        "explore",
        "help",
        "inspect",
        "parse",
        "targets",
        "validate",
        "warm",
        "wasm",
        "wat",
    ];
    let mut args = args.to_vec();
    let named = |commands: &[&str]| args.first().is_some_and(|first| commands.contains(first));
    if !named(OTHERS) {
        args.insert(usize::from(named(WITH_GUEST)), option);
    }
    args
}

/// Runs it with arguments and nothing on standard input.
#[track_caller]
pub fn run(args: &[&str]) -> Run {
    run_with(args, "")
}

/// Runs it with arguments and text on standard input.
#[track_caller]
pub fn run_with(args: &[&str], input: &str) -> Run {
    run_program(&kinglet(), &in_mode(args), input)
}

/// Runs it with a cache in a folder. All others run without any, whatever the user of the tests has.
#[track_caller]
pub fn run_cached(folder: &Path, args: &[&str]) -> Run {
    let mut command = command(&kinglet(), &in_mode(args));
    let mut child = spawn(command.env(CACHE, folder));
    drop(child.stdin.take());
    finish(child)
}

/// The variable that says where the cache is; set to nothing there is none.
pub const CACHE: &str = "KINGLET_CACHE_DIR";

/// Runs one of several builds of it with arguments and text on standard input.
#[track_caller]
pub fn run_program(program: &Path, args: &[impl AsRef<OsStr>], input: &str) -> Run {
    run_program_cached(program, args, input, Path::new(""))
}

/// The same with a cache in a folder.
#[track_caller]
pub fn run_program_cached(program: &Path, args: &[impl AsRef<OsStr>], input: &str, cache: &Path) -> Run {
    let mut child = spawn(command(program, args).env(CACHE, cache));
    let mut stdin = child.stdin.take().expect("standard input is a pipe");
    let input = input.as_bytes().to_vec();
    // The program may end without reading it all.
    let writer = std::thread::spawn(move || drop(stdin.write_all(&input)));
    let run = finish(child);
    writer.join().expect("the writer does not panic");
    run
}

/// Starts it with pipes on all three standard streams.
pub fn start(args: &[&str]) -> Child {
    start_program(&kinglet(), &in_mode(args))
}

fn start_program(program: &Path, args: &[impl AsRef<OsStr>]) -> Child {
    spawn(&mut command(program, args))
}

fn command(program: &Path, args: &[impl AsRef<OsStr>]) -> Command {
    let mut command = Command::new(program);
    command
        .args(args)
        .env(CACHE, "")
        .env_remove("KINGLET_LOG")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn spawn(command: &mut Command) -> Child {
    loop {
        match command.spawn() {
            // It was just written, and a child that another test started meanwhile has it open until it runs its program.
            Err(error) if error.kind() == ErrorKind::ExecutableFileBusy => std::thread::sleep(Duration::from_millis(1)),
            child => return child.expect("the kinglet program starts"),
        }
    }
}

/// Waits for a started program; past the deadline it is killed and the test fails.
#[track_caller]
pub fn finish(mut child: Child) -> Run {
    let start = Instant::now();
    let out = child.stdout.take().map(collect);
    let err = child.stderr.take().map(collect);
    let status = loop {
        if let Some(status) = child.try_wait().expect("a child can be waited for") {
            break status;
        }
        if start.elapsed() > DEADLINE {
            let _ = child.kill();
            panic!("the program hangs");
        }
        std::thread::sleep(Duration::from_millis(2));
    };
    let took = start.elapsed();
    let text = |thread: Option<std::thread::JoinHandle<String>>| thread.map_or_else(String::new, |t| t.join().unwrap());
    Run { status, out: text(out), err: text(err), took }
}

fn collect(mut stream: impl Read + Send + 'static) -> std::thread::JoinHandle<String> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = stream.read_to_end(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mode_is_given_to_what_runs_a_guest_and_can_be_overridden() {
        let with = |line: &str| with_mode("-M", &line.split(' ').collect::<Vec<_>>()).join(" ");
        assert_eq!(with("--dir .:. a.wasm run"), "-M --dir .:. a.wasm run");
        assert_eq!(with("run --run-mode jit a.wasm"), "run -M --run-mode jit a.wasm");
        assert_eq!(with("instantiate a.wasm"), "instantiate -M a.wasm");
        assert_eq!(with("validate a.wasm"), "validate a.wasm");
        assert_eq!(with_mode("-M", &[]), ["-M"]);
    }
}
