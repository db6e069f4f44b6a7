//! Runs the `kinglet` program as a user does, with input, captured output and a time limit.

use std::ffi::OsStr;
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

/// The time limit of a program in a test.
const DEADLINE: Duration = Duration::from_secs(120);

/// The result of a run.
#[derive(Debug)]
pub struct Run {
    /// The exit status.
    pub status: ExitStatus,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
    /// The wall time of the run.
    pub took: Duration,
}

impl Run {
    /// Returns the exit status. Fails the test if a signal ended the program or if it panicked.
    #[track_caller]
    pub fn code(&self) -> i32 {
        assert!(!self.err.contains("panicked at crates/") && self.status.code() != Some(101), "{self:?}");
        self.status.code().unwrap_or_else(|| panic!("ended by a signal: {self:?}"))
    }

    /// Checks that the program ended with `code` and a message that contains every part.
    #[track_caller]
    pub fn fails(&self, code: i32, parts: &[&str]) {
        assert_eq!(self.code(), code, "{self:?}");
        assert!(self.err.starts_with("kinglet: error: "), "{self:?}");
        parts.iter().for_each(|part| assert!(self.err.contains(part), "no `{part}` in {}", self.err));
    }

    /// Checks that the program succeeded with this standard output.
    #[track_caller]
    pub fn prints(&self, out: &str) {
        assert_eq!(self.code(), 0, "{self:?}");
        assert_eq!(self.out, out, "{self:?}");
    }
}

/// Returns the path of the program: `KINGLET_BIN`, or else the newer of cargo's debug and release builds.
pub fn kinglet() -> PathBuf {
    if let Some(path) = std::env::var_os("KINGLET_BIN") {
        return path.into();
    }
    let name = format!("kinglet{}", std::env::consts::EXE_SUFFIX);
    let found = ["release", "debug"].iter().map(|profile| crate::target().join(profile).join(&name));
    let newest = found.filter(|path| path.exists()).max_by_key(|path| path.metadata().and_then(|m| m.modified()).ok());
    newest.expect("build the program first: cargo build --release")
}

/// Adds the run mode in `KINGLET_RUN_MODE` to the arguments, so that a suite can run in each mode.
pub fn in_mode<'a>(args: &[&'a str]) -> Vec<&'a str> {
    static OPTION: LazyLock<Option<String>> =
        LazyLock::new(|| std::env::var("KINGLET_RUN_MODE").ok().map(|mode| format!("--run-mode={mode}")));
    match &*OPTION {
        Some(option) => with_mode(option, args),
        None => args.to_vec(),
    }
}

/// Adds an option of commands that run guests, unless the test chooses the run mode itself.
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
    let is_mode = |arg: &&str| arg.starts_with("--run-mode") || ["--enable-jit", "--force-interpreter"].contains(arg);
    if !named(OTHERS) && !args.iter().any(is_mode) {
        args.insert(usize::from(named(WITH_GUEST)), option);
    }
    args
}

/// Runs the program with arguments and empty standard input.
#[track_caller]
pub fn run(args: &[&str]) -> Run {
    run_with(args, "")
}

/// Runs the program with arguments and text on standard input.
#[track_caller]
pub fn run_with(args: &[&str], input: &str) -> Run {
    run_program(&kinglet(), &in_mode(args), input)
}

/// Runs the program with a cache in this directory. All other functions run it without a cache, regardless of the
/// user's environment.
#[track_caller]
pub fn run_cached(folder: &Path, args: &[&str]) -> Run {
    let mut command = command(&kinglet(), &in_mode(args));
    let mut child = spawn(command.env(CACHE, folder));
    drop(child.stdin.take());
    finish(child)
}

/// The variable with the path of the cache. An empty value turns the cache off.
pub const CACHE: &str = "KINGLET_CACHE_DIR";

/// Runs a build of the program with arguments and text on standard input.
#[track_caller]
pub fn run_program(program: &Path, args: &[impl AsRef<OsStr>], input: &str) -> Run {
    run_program_cached(program, args, input, Path::new(""))
}

/// Runs a build of the program as [`run_program`] does, with a cache in this directory.
#[track_caller]
pub fn run_program_cached(program: &Path, args: &[impl AsRef<OsStr>], input: &str, cache: &Path) -> Run {
    let mut child = spawn(command(program, args).env(CACHE, cache));
    let mut stdin = child.stdin.take().expect("standard input is a pipe");
    let input = input.as_bytes().to_vec();
    // The program may end before it has read all input.
    let writer = std::thread::spawn(move || drop(stdin.write_all(&input)));
    let run = finish(child);
    writer.join().expect("the writer does not panic");
    run
}

/// Starts the program with pipes for all three standard streams.
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
            // The file was just written. A child process that another test started meanwhile keeps it open until it
            // executes its own program.
            Err(error) if error.kind() == ErrorKind::ExecutableFileBusy => std::thread::sleep(Duration::from_millis(1)),
            child => return child.expect("the kinglet program starts"),
        }
    }
}

/// Waits for a started program. After the time limit, kills it and fails the test.
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
    fn commands_that_run_guests_get_the_mode_unless_they_have_one() {
        let with = |line: &str| with_mode("-M", &line.split(' ').collect::<Vec<_>>()).join(" ");
        assert_eq!(with("--dir .:. a.wasm run"), "-M --dir .:. a.wasm run");
        assert_eq!(with("run --run-mode jit a.wasm"), "run --run-mode jit a.wasm");
        assert_eq!(with("instantiate a.wasm"), "instantiate -M a.wasm");
        assert_eq!(with("validate a.wasm"), "validate a.wasm");
        assert_eq!(with_mode("-M", &[]), ["-M"]);
    }
}
