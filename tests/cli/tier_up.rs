//! The command's output about functions that become native while they run.

use kinglet_tests::program::run;

use crate::run_text;

/// A long loop that becomes native, and a function that it calls. In the interpreter it takes seconds.
const SPIN: &str = r#"(module
  (func $step (param i64) (result i64) (i64.xor (local.get 0) (i64.const 5)))
  (func $spin (export "spin") (param i64) (result i64) (local $sum i64)
    (loop $l (local.set $sum (i64.add (local.get $sum) (call $step (local.get 0))))
      (br_if $l (i64.ne (local.tee 0 (i64.sub (local.get 0) (i64.const 1))) (i64.const 0))))
    (local.get $sum)))"#;

const TIMES: &str = "200000000";

#[test]
fn statistics_have_a_line_about_tier_up() {
    let line = |mode: &str| {
        let run = run_text(SPIN, &["--stats", "--run-mode", mode, "--invoke", "spin"], &[TIMES]);
        assert_eq!(run.code(), 0, "{run:?}");
        let line = run.err.lines().find(|line| line.starts_with("kinglet: info: tier up ")).map(str::to_string);
        line.unwrap_or_else(|| panic!("{run:?}"))
    };
    let numbers = |line: &str| -> Vec<f64> {
        let words = line.split_whitespace().filter(|word| word.starts_with(|c: char| c.is_ascii_digit()));
        words.map(|word| word.parse().unwrap()).collect()
    };
    let auto = line("auto");
    let [settled, functions, loops, entered, samples] = numbers(&auto)[..] else { panic!("{auto}") };
    assert!(settled > 0.0 && functions >= 1.0 && loops >= 1.0 && entered >= 1.0 && samples >= 2.0, "{auto}");
    assert_eq!(numbers(&line("jit")), [0.0; 5]);
}

#[test]
fn trace_events_name_functions() {
    let run = run_text(SPIN, &["--log-level", "trace", "--run-mode", "auto", "--invoke", "spin"], &[TIMES]);
    assert_eq!(run.code(), 0, "{run:?}");
    let place = |said: &str, function: &str| {
        let start = format!("kinglet: trace: {said} function=\"{function}\"");
        run.err.lines().position(|line| line.starts_with(&start)).unwrap_or_else(|| panic!("no {start}: {run:?}"))
    };
    for function in ["step", "spin"] {
        place("hot: queued for compilation", function);
        assert!(place("compiling", function) < place("native code in use", function), "{run:?}");
    }
    place("entered by OSR", "spin");
    assert!(!run_text(SPIN, &["--log-level", "debug", "--invoke", "spin"], &["1000"]).err.contains("hot"), "{run:?}");
}

/// A module of 20 kB whose hot function would take gigabytes to compile.
#[cfg(target_os = "linux")]
#[test]
fn a_hot_function_over_the_compilers_limit_takes_little_memory() {
    let folder = kinglet_tests::folder::Folder::new();
    let file = folder.file("rotating.wat", kinglet_tests::hostile::rotating(1500, 999));
    let kinglet = kinglet_tests::program::kinglet();
    let limited = format!("ulimit -v 3000000; exec {} --log-level debug --invoke f {file} 0", kinglet.display());
    let output = std::process::Command::new("sh")
        .args(["-c", &limited])
        .env(kinglet_tests::program::CACHE, "")
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    // Ahead of time, a function need not be hot to be compiled.
    let compiled = run(&["compile", "--compiler-memory", "64", "--log-level", "debug", &file, "-o", "/dev/null"]);
    assert!(compiled.code() == 0 && compiled.err.contains("the compiler's memory limit of 64 MiB"), "{compiled:?}");
}
