//! The cache, from the outside of the command.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use kinglet_tests::folder::Folder;
use kinglet_tests::program::{CACHE, Run, kinglet, run, run_cached};

use crate::{FUNCTIONS, program};

/// A directory with a cache and a program.
struct Place {
    folder: Folder,
    cache: PathBuf,
    file: String,
}

impl Place {
    fn new(text: &str) -> Place {
        let folder = Folder::new();
        let (cache, file) = (folder.path().join("cache"), folder.file("program.wat", text));
        Place { folder, cache, file }
    }

    #[track_caller]
    fn run(&self, args: &[&str]) -> Run {
        run_cached(&self.cache, args)
    }

    /// Calls a function of the program. The run prints the library's events.
    #[track_caller]
    fn add(&self, options: &[&str]) -> Run {
        let run = self.run(&[options, &["--log-level", "debug", "--invoke", "add", &self.file, "40", "2"]].concat());
        run.prints("42\n");
        run
    }

    /// Does the work of the background process of a run with these arguments, but without its low priority, with which it may
    /// take minutes beside other tests.
    fn compile_now(&self, args: &[&str]) {
        let mut command = std::process::Command::new(kinglet());
        command.args(args).env(CACHE, &self.cache).env("KINGLET_LEFT_BEHIND", "now");
        let run = command.output().unwrap();
        assert!(run.status.success() && run.stdout.is_empty(), "{run:?}");
        assert!(self.is_made());
    }

    /// Returns whether the history records functions that were compiled for the next start. They are the last of the
    /// four sets before the checksum.
    fn is_made(&self) -> bool {
        let entries = std::fs::read_dir(&self.cache).into_iter().flatten();
        let mut files = entries.map(|entry| entry.unwrap().path());
        let note = files.find(|file| file.extension().is_some_and(|ending| ending == "ran"));
        let note = note.and_then(|file| std::fs::read(file).ok()).unwrap_or_default();
        let sets = &note[..note.len().saturating_sub(8)];
        sets[sets.len() / 4 * 3..].iter().any(|byte| *byte != 0)
    }

    /// Returns the numbers of files of three kinds.
    fn kept(&self) -> [usize; 3] {
        let entries = std::fs::read_dir(&self.cache).into_iter().flatten();
        let names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        [".module", ".code", ".file"].map(|ending| names.iter().filter(|name| name.ends_with(ending)).count())
    }
}

/// Returns whether a run validated the module, published native code, and wrote to the cache.
fn worked(run: &Run) -> [bool; 3] {
    ["module validated", "native code published", "kept in the cache"].map(|event| run.err.contains(event))
}

#[test]
fn a_second_start_validates_nothing_and_compiles_nothing() {
    let place = Place::new(FUNCTIONS);
    let jit = ["--run-mode", "jit"];
    let first = place.add(&jit);
    assert_eq!(worked(&first), [true, true, true], "{first:?}");
    let second = place.add(&jit);
    assert!(second.err.contains("it is not validated"), "{second:?}");
    assert_eq!(worked(&second), [false, true, false], "{second:?}");
    assert!(second.err.contains("complete=true"), "and nothing is left to compile: {second:?}");
    assert_eq!(place.kept(), [1, 1, 0]);
    let interpreted = place.add(&["--run-mode", "interpreter"]);
    assert_eq!(worked(&interpreted), [false, false, false], "{interpreted:?}");
}

#[test]
fn a_run_is_kept_however_it_ends() {
    const EXIT: &str = r#"(module (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
        (memory (export "memory") 1) (func (export "_start") (call $exit (i32.const 7))))"#;
    let trap = program("unreachable");
    let endless = program("(loop (br 0))");
    for (text, options, code) in [
        (EXIT, &[][..], 7),
        (&trap, &[], 134),
        (&endless, &["--time-limit", "50"], 134),
        (&endless, &["--gas-limit", "9999"], 134),
    ] {
        let place = Place::new(text);
        for mode in ["interpreter", "jit"] {
            let args = [&["--run-mode", mode], options, &[&place.file]].concat();
            assert_eq!(place.run(&args).code(), code);
            assert_eq!(place.run(&args).code(), code, "and again from the cache");
        }
        assert_eq!(place.kept(), [1, 1, 0], "{text}");
    }
}

#[test]
fn nothing_is_kept_where_nobody_wants_it() {
    let place = Place::new(FUNCTIONS);
    place.add(&["--no-cache"]);
    assert!(!place.cache.exists());
    place.add(&[]);
    let there = place.add(&["--no-cache", "--run-mode", "jit"]);
    assert_eq!(worked(&there), [true, true, false], "what is there is not used either: {there:?}");
    run(&["instantiate", "--no-cache", &place.file]).code();
    // An unusable directory does not prevent a run.
    let run = run_cached(&PathBuf::from(&place.file), &["--invoke", "add", &place.file, "40", "2"]);
    run.prints("42\n");
    assert!(run.err.contains("warning: cannot use the cache in "), "{run:?}");
}

#[test]
fn modules_are_warmed_before_they_run() {
    let place = Place::new(FUNCTIONS);
    place.run(&["warm", &place.file]).prints("");
    assert_eq!(place.kept(), [1, 1, 0]);
    // Not even trampolines are compiled again.
    let args = ["--run-mode", "jit", "--log-level", "trace", "--invoke", "add", &place.file, "40", "2"];
    let made = |run: &Run| ["compiler created", "trampoline compiled"].map(|event| run.err.contains(event));
    assert_eq!(made(&place.run(&args)), [false, false]);
    assert_eq!(made(&place.run(&[&["--no-cache"], &args[..]].concat())), [true, true]);
    for mode in ["auto", "jit"] {
        let hot = place.add(&["--run-mode", mode]);
        assert_eq!(worked(&hot), [false, true, false], "{hot:?}");
    }
    place.run(&["warm", "--time-limit", "1", &place.file]).prints("");
    assert_eq!(place.kept(), [1, 2, 0], "code that can be interrupted is other code");
    let limited = place.add(&["--run-mode", "jit", "--time-limit", "60000"]);
    assert_eq!(worked(&limited), [false, true, false], "{limited:?}");
    place.run(&["warm", "/no/such/file.wasm"]).fails(1, &["/no/such/file.wasm"]);
    run(&["warm", &place.file]).fails(1, &["no cache directory is configured", "KINGLET_CACHE_DIR"]);
}

/// A program of which much runs, and nothing often.
fn wide_program() -> String {
    let sum = "i32.const 1234567 i32.add ".repeat(100);
    let functions: String =
        (0..200).map(|i| format!("(func $f{i} (param i32) (result i32) local.get 0 {sum})")).collect();
    let calls: String = (0..200).map(|i| format!("(drop (call $f{i} (i32.const {i})))")).collect();
    format!("(module (memory (export \"memory\") 1) {functions} (func (export \"_start\") {calls}))")
}

#[test]
fn functions_that_ran_are_compiled_for_the_next_start() {
    let place = Place::new(&wide_program());
    let left = "for the next start";
    let run = |options: &[&str]| {
        let auto = ["--run-mode", "auto", "--log-level", "debug", "--stats"];
        let run = place.run(&[&auto, options, &[&place.file]].concat());
        assert_eq!(run.code(), 0, "{run:?}");
        run
    };
    for options in [&["--no-cache"][..], &["--run-mode=interpreter"], &["--run-mode=jit"]] {
        let run = place.run(&[options, &["--log-level", "debug", "--detach", &place.file]].concat());
        assert_eq!(run.code(), 0, "{run:?}");
        assert!(!run.err.contains(left), "{options:?}: {run:?}");
    }
    // A pipe can be read once only.
    let pipe = place.folder.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let writer = std::thread::spawn({
        let (pipe, text) = (pipe.clone(), wide_program());
        move || std::fs::write(pipe, text).unwrap()
    });
    let piped = place.run(&["--run-mode", "auto", "--log-level", "debug", "--detach", pipe.to_str().unwrap()]);
    writer.join().unwrap();
    assert!(piped.code() == 0 && !piped.err.contains("left behind"), "{piped:?}");
    // What was compiled as a whole has other code than what is compiled later.
    place.run(&["cache", "clean"]).code();
    let first = run(&["--no-detach"]);
    assert!(!first.err.contains("left behind") && stage(&first, "lower").1 == 201, "{first:?}");
    place.compile_now(&["--run-mode", "auto", &place.file]);
    let second = run(&[]);
    assert_eq!(["validate", "lower", "compile"].map(|name| stage(&second, name).1), [0, 0, 0], "{second:?}");
    assert!(!second.err.contains(left) && !second.err.contains("kept in the cache"), "{second:?}");
}

/// The background process gets the same arguments and the same name, which selects the dialect.
#[cfg(target_os = "linux")]
#[test]
fn the_background_process_has_the_name_and_the_arguments_of_the_run() {
    let place = Place::new(&wide_program());
    let name = place.folder.path().join("wasmedge");
    std::os::unix::fs::symlink(kinglet().canonicalize().unwrap(), &name).unwrap();
    let mut command = std::process::Command::new(&name);
    let args = ["--run-mode", "auto", "--detach", "--reactor", &place.file, "_start"];
    command.args(args).env(CACHE, &place.cache).env("KINGLET_LOG", "debug").env_remove("CI");
    let run = command.output().unwrap();
    let log = String::from_utf8_lossy(&run.stdout).into_owned();
    assert!(run.status.success() && log.contains("left behind"), "{run:?}");
    let process = log.split_once("process=").unwrap().1.split(|c: char| !c.is_ascii_digit()).next().unwrap();
    let look = |name: &str| std::fs::read(format!("/proc/{process}/{name}")).unwrap_or_default();
    let zeros = |bytes: &[u8]| String::from_utf8_lossy(bytes).replace('\0', "\n");
    // It may be done already. If not, it need not wait for its turn: the folder goes.
    let deadline = Instant::now() + Duration::from_secs(60);
    let mut seen = zeros(&look("cmdline"));
    while seen.is_empty() && !place.is_made() && Instant::now() < deadline {
        seen = zeros(&look("cmdline"));
    }
    if !seen.is_empty() {
        let expected = [&[name.to_str().unwrap()], &args[..], &[""]].concat().join("\n");
        assert_eq!(seen, expected);
        assert!(look("environ").is_empty() || zeros(&look("environ")).contains("KINGLET_LEFT_BEHIND=1\n"));
        let _ = std::process::Command::new("kill").arg(process).output();
    }
    assert!(!seen.is_empty() || place.is_made(), "{log}");
}

/// A background process needs a terminal or `--detach`. Without one, the command compiles a little itself.
#[test]
fn a_background_process_is_never_started_unasked_or_in_continuous_integration() {
    let place = Place::new(&wide_program());
    for (option, ci, left_behind) in
        [("--no-detach", false, false), ("--detach", true, false), ("--detach", false, true)]
    {
        let mut command = std::process::Command::new(kinglet());
        command.args(["--run-mode", "auto", "--log-level", "debug", option, &place.file]).env(CACHE, &place.cache);
        command.env_remove("CI").envs(ci.then_some(("CI", "true")));
        let output = command.output().unwrap();
        let err = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{err}");
        assert_eq!(err.contains("left behind"), left_behind, "{option}, CI: {ci}: {err}");
        if let Some((_, rest)) = err.split_once("process=") {
            let process = rest.split(|c: char| !c.is_ascii_digit()).next().unwrap();
            let _ = std::process::Command::new("kill").arg(process).output();
        }
    }
    let unasked = place.run(&["--run-mode", "auto", "--log-level", "debug", &place.file]);
    assert!(unasked.code() == 0 && !unasked.err.contains("left behind"), "{unasked:?}");
}

#[test]
fn without_a_background_process_several_runs_fill_the_cache() {
    let sum = "i32.const 1234567 i32.add ".repeat(2000);
    let functions: String =
        (0..8).map(|i| format!("(func $f{i} (param i32) (result i32) local.get 0 {sum})")).collect();
    let calls: String = (0..8).map(|i| format!("(drop (call $f{i} (i32.const {i})))")).collect();
    let wait = "(local $i i32) (loop (br_if 0 (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 9000000))))";
    let place = Place::new(&format!("(module {functions} (func (export \"_start\") {wait} {calls}))"));
    let run = || place.run(&["--run-mode", "auto", "--log-level", "debug", "--stats", &place.file]);
    let first = run();
    assert!(stage(&first, "lower").1 == 9 && first.err.contains("compiled briefly for the next start"), "{first:?}");
    let lowered: Vec<u64> = (0..9).map(|_| stage(&run(), "lower").1).collect();
    assert!(lowered.last().unwrap() < &8, "{lowered:?}");
}

/// Even for a short program with small functions, the third start repeats no work.
#[test]
fn the_third_start_of_a_small_program_finds_all_its_code() {
    let work = "(local $i i32) (loop (local.set $i (i32.add (local.get $i) (call $small (local.get $i))))
        (br_if 0 (i32.lt_u (local.get $i) (i32.const 3000000))))";
    let text = format!(
        "(module (memory (export \"memory\") 1)
          (func $small (param i32) (result i32) (if (result i32) (local.get 0) (then (i32.const 1)) (else (i32.const 2))))
          (func $once (result i32) (i32.const 5)) (func (export \"_start\") {work} (drop (call $once))))"
    );
    let place = Place::new(&text);
    let run = |options: &[&str]| {
        let run =
            place.run(&[options, &["--run-mode", "auto", "--log-level", "debug", "--stats", &place.file]].concat());
        assert_eq!(run.code(), 0, "{run:?}");
        run
    };
    let first = run(&["--no-detach"]);
    assert!(stage(&first, "lower").1 > 0, "{first:?}");
    place.compile_now(&["--run-mode", "auto", &place.file]);
    for _ in 2..=3 {
        let later = run(&[]);
        assert_eq!(["validate", "lower", "compile"].map(|name| stage(&later, name).1), [0, 0, 0], "{later:?}");
        assert!(!later.err.contains("left behind") && !later.err.contains("kept in the cache"), "{later:?}");
    }
}

/// A background process has the lowest priority, and limits of memory and CPU time.
#[cfg(target_os = "linux")]
#[test]
fn the_background_process_has_low_priority_and_limits() {
    let place = Place::new(&wide_program());
    let mut command = std::process::Command::new(kinglet());
    command.args(["--run-mode", "auto", "--log-level", "debug", &place.file]);
    command.env(CACHE, &place.cache).env("KINGLET_LEFT_BEHIND", "1").stderr(std::process::Stdio::piped());
    let mut child = command.spawn().unwrap();
    let look = |name: &str| std::fs::read_to_string(format!("/proc/{}/{name}", child.id())).unwrap_or_default();
    let deadline = Instant::now() + Duration::from_secs(60);
    let limit = |name: &str| {
        let limits = look("limits");
        let line = limits.lines().find(|line| line.starts_with(name)).unwrap_or_default();
        line.split_whitespace().nth(3).unwrap_or_default().to_string()
    };
    // The last of its settings. They can be read until the process is waited for.
    while Instant::now() < deadline && limit("Max cpu time") != "90" {}
    let stat = look("stat");
    // The fields behind the name: niceness is the 19th of all, the policy the 41st.
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    assert_eq!((fields.get(19 - 3), fields.get(41 - 3)), (Some(&"19"), Some(&"5")), "SCHED_IDLE: {stat}");
    assert_eq!(limit("Max data size"), "1073741824");
    assert!(child.wait().unwrap().success());
}

#[test]
fn the_cache_is_shown_cleared_and_carried() {
    let place = Place::new(FUNCTIONS);
    let folder = place.cache.to_str().unwrap();
    place.run(&["cache", "dir"]).prints(&format!("{folder}\n"));
    let header = "MODULE            KIND                      SIZE     AGE  PATH\n";
    place.run(&["cache", "list"]).prints(&format!("{header}0 entries, 0 B in total\n"));
    place.run(&["warm", &place.file]).prints("");
    let list = place.run(&["cache", "list"]);
    let rows: Vec<Vec<&str>> = list.out.lines().skip(1).map(|line| line.split_whitespace().collect()).collect();
    assert_eq!((list.code(), rows.len()), (0, 3), "{list:?}");
    for (row, kind) in rows.iter().zip(["module", "code"]) {
        assert!(rows[..2].iter().any(|row| row[1] == kind) && row[0] == rows[0][0], "{list:?}");
        assert!(PathBuf::from(row[row.len() - 1]).is_file(), "{list:?}");
    }
    assert!(list.out.starts_with(header) && list.out.contains("\n2 entries, "), "{list:?}");
    let bundle = place.folder.path().join("hot.cache");
    let bundle = bundle.to_str().unwrap();
    place.run(&["cache", "export", bundle]).prints("2 entries exported\n");
    assert!(place.run(&["cache", "clean"]).out.ends_with("removed\n"));
    assert_eq!(place.kept(), [0, 0, 0]);
    place.run(&["cache", "import", bundle]).prints("2 entries imported\n");
    let hot = place.add(&["--run-mode", "jit"]);
    assert_eq!(worked(&hot), [false, true, false], "{hot:?}");
    place.run(&["cache", "import", &place.file]).fails(1, &["program.wat", "not an exported cache"]);
    place.run(&["cache", "export"]).fails(1, &["needs a file", "kinglet cache export hot.cache"]);
    place.run(&["cache", "clean", "x"]).fails(1, &["`kinglet cache clean` takes no file"]);
    place.run(&["cache", "burn"]).fails(1, &["unknown cache action `burn`", "dir, list, clean, export, import"]);
    place.run(&["cache", "lst"]).fails(1, &["unknown cache action `lst`; did you mean `list`?\n"]);
    place.run(&["cache"]).fails(1, &["dir, list, clean, export, import is missing"]);
}

#[test]
fn the_folder_is_where_the_system_wants_it() {
    let home = Folder::new();
    let path = home.path().to_str().unwrap();
    let dir = |variables: &[(&str, &str)]| {
        let mut command = std::process::Command::new(kinglet_tests::program::kinglet());
        command.args(["cache", "dir"]).env_clear().envs(variables.iter().copied());
        String::from_utf8(command.output().unwrap().stdout).unwrap()
    };
    assert_eq!(dir(&[("HOME", path)]), format!("{path}/.cache/kinglet\n"));
    assert_eq!(dir(&[("HOME", path), ("XDG_CACHE_HOME", "relative")]), format!("{path}/.cache/kinglet\n"));
    assert_eq!(dir(&[("HOME", "/h"), ("XDG_CACHE_HOME", path)]), format!("{path}/kinglet\n"));
    assert_eq!(dir(&[("XDG_CACHE_HOME", "/x"), ("KINGLET_CACHE_DIR", path)]), format!("{path}\n"));
    assert_eq!(dir(&[]), "");
}

#[test]
fn it_stays_within_its_limit() {
    let place = Place::new(FUNCTIONS);
    for number in 0..20 {
        let file =
            place.folder.file("m.wat", format!("(module (func (export \"f\") (result i32) (i32.const {number})))"));
        let args = ["--cache-limit", "0", "--run-mode", "jit", "--invoke", "f", &file];
        place.run(&args).prints(&format!("{number}\n"));
    }
    assert_eq!(place.kept(), [0, 0, 0], "nothing fits into nothing");
    place.add(&["--cache-limit", "1", "--run-mode", "jit"]);
    assert_eq!(place.kept(), [1, 1, 0]);
}

/// Many processes use the cache at the same time. All write, and some remove everything.
#[test]
fn many_processes_may_use_one_folder() {
    let place = Place::new(FUNCTIONS);
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let place = &place;
            scope.spawn(move || {
                for round in 0..15 {
                    let limit = ["--time-limit", if round % 2 == 0 { "60000" } else { "0" }];
                    let run = place.run(
                        &[&["--run-mode", "jit"], &limit[..], &["--invoke", "add", &place.file, "40", "2"]].concat(),
                    );
                    run.prints("42\n");
                    assert_eq!(run.err, "");
                    if thread == 0 && round % 5 == 0 {
                        place.run(&["cache", "clean"]).code();
                    }
                }
            });
        }
    });
    place.add(&["--run-mode", "jit"]);
    let hot = place.add(&["--run-mode", "jit"]);
    assert_eq!(worked(&hot), [false, true, false], "{hot:?}");
}

/// Returns the time, count and size in a line of `--stats`.
#[track_caller]
fn stage(run: &Run, name: &str) -> (f64, u64, u64) {
    let start = format!("kinglet: info: {name} ");
    let line = run.err.lines().find(|line| line.starts_with(&start)).unwrap_or_else(|| panic!("no {name}: {run:?}"));
    let numbers: Vec<&str> =
        line.split_whitespace().filter(|word| word.starts_with(|c: char| c.is_ascii_digit())).collect();
    (numbers[0].parse().unwrap(), numbers[1].parse().unwrap(), numbers[2].parse().unwrap())
}

#[test]
fn statistics_tell_what_was_done() {
    let place = Place::new(FUNCTIONS);
    let run = |options: &[&str]| {
        let run = place.run(&[&["--stats"], options, &["--invoke", "add", &place.file, "40", "2"]].concat());
        run.prints("42\n");
        assert!(run.err.contains("kinglet: info: run ") && run.err.contains("of which host functions"), "{run:?}");
        assert!(!run.err.contains(" 1 functions") && !run.err.contains(" 1 files"), "{run:?}");
        run
    };
    let counts =
        |run: &Run| ["validate", "cache read", "lower", "compile", "cache write"].map(|name| stage(run, name).1);
    let interpreted = run(&["--run-mode", "interpreter"]);
    let [functions, ..] = counts(&interpreted);
    assert!(functions > 5, "{interpreted:?}");
    assert_eq!(counts(&interpreted), [functions, 0, 1, 0, 1]);
    assert!(stage(&interpreted, "validate").2 > 100 && stage(&interpreted, "lower").0 > 0.0, "{interpreted:?}");
    assert_eq!(counts(&run(&["--run-mode", "interpreter"])), [0, 1, 1, 0, 0], "a module that is known to be valid");
    let compiled = run(&["--run-mode", "jit"]);
    assert_eq!(counts(&compiled), [0, 1, 0, functions, 1]);
    let hot = run(&["--run-mode", "jit"]);
    assert_eq!(counts(&hot), [0, 1, 0, 0, 0], "nothing is validated, lowered, compiled, written");
    assert_eq!(stage(&hot, "cache read").2, stage(&compiled, "compile").2, "all code came from the cache");
    assert_eq!(counts(&run(&["--no-cache", "--run-mode", "jit"])), [functions, 0, 0, functions, 0]);
    let warmed = place.run(&["warm", "--stats", "--time-limit", "1", &place.file]);
    assert_eq!(counts(&warmed), [0, 1, 0, functions, 1]);
}
