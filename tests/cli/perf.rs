//! `perf` and the files of `--profile`. The tests are a separate group, because `perf` may be missing or forbidden.

use std::path::Path;
use std::process::Command;

use kinglet_tests::folder::Folder;
use kinglet_tests::program::kinglet;

const PROGRAM: &str = r#"(module (func $fibonacci (export "fib") (param i32) (result i32)
  (if (result i32) (i32.lt_u (local.get 0) (i32.const 2)) (then (local.get 0))
    (else (i32.add (call $fibonacci (i32.sub (local.get 0) (i32.const 1)))
                   (call $fibonacci (i32.sub (local.get 0) (i32.const 2))))))))"#;

/// Runs `perf` in a directory and returns its output.
#[track_caller]
fn perf(folder: &Folder, args: &[&str]) -> String {
    let mut command = Command::new("perf");
    command.args(args).current_dir(folder.path()).env("KINGLET_CACHE_DIR", "");
    let output = command.output().expect("perf is installed");
    assert!(output.status.success(), "{args:?}: {output:?}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Records a run of some hundred milliseconds, spent almost entirely in one function.
#[track_caller]
fn record(folder: &Folder, way: &str) {
    let file = folder.file("f.wat", PROGRAM);
    let kinglet = kinglet().canonicalize().unwrap();
    let kinglet = kinglet.to_str().unwrap();
    let record = ["record", "-k", "mono", "-e", "cpu-clock:u", "-o", "perf.data"];
    let run = [kinglet, "--run-mode", "jit", "--profile", way, "--invoke", "fib", &file, "36"];
    assert_eq!(perf(folder, &[&record[..], &run[..]].concat()), "14930352\n");
}

/// Returns a function's share in a report, in per cent, and the file that the report attributes its code to.
fn share(report: &str, function: &str) -> Option<(f64, String)> {
    let line = report.lines().find(|line| line.trim_end().ends_with(&format!(" {function}")))?;
    let words: Vec<&str> = line.split_whitespace().collect();
    Some((words.first()?.strip_suffix('%')?.parse().ok()?, words[2..].join(" ")))
}

#[test]
fn a_perf_map_gives_functions_their_names() {
    let folder = Folder::new();
    record(&folder, "perfmap");
    let report = perf(&folder, &["report", "--stdio", "-i", "perf.data"]);
    let process = perf(&folder, &["script", "-i", "perf.data", "-F", "pid"]);
    for process in process.split_whitespace() {
        let _ = std::fs::remove_file(Path::new("/tmp").join(format!("perf-{process}.map")));
    }
    let (share, _) = share(&report, "fibonacci").unwrap_or_else(|| panic!("{report}"));
    assert!(share > 50.0, "{report}");
}

#[test]
fn a_jitdump_gives_functions_their_code() {
    let folder = Folder::new();
    record(&folder, "jitdump");
    perf(&folder, &["inject", "--jit", "-i", "perf.data", "-o", "jit.data"]);
    let report = perf(&folder, &["report", "--stdio", "-i", "jit.data"]);
    let (share, file) = share(&report, "fibonacci").unwrap_or_else(|| panic!("{report}"));
    assert!(share > 50.0 && file.contains("jitted-"), "{report}");
}

#[test]
fn a_jitdump_gives_functions_their_source_lines() {
    let folder = Folder::new();
    folder.file("guest.wasm", include_bytes!("../../examples/backtrace/guest.wasm"));
    let kinglet = kinglet().canonicalize().unwrap();
    let record = ["record", "-k", "mono", "-e", "cpu-clock:u", "-o", "perf.data", kinglet.to_str().unwrap()];
    let run = ["--profile=jitdump", "--unknown-imports=zero", "--invoke", "bill", "guest.wasm", "1000000", "1"];
    assert_eq!(perf(&folder, &[&record[..], &run[..]].concat()), "1\n");
    perf(&folder, &["inject", "--jit", "-i", "perf.data", "-o", "jit.data"]);
    // perf reads source lines from this file; printing them takes perf minutes with all libraries.
    let files = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path());
    let made: Vec<_> = files.filter(|path| path.extension().is_some_and(|ending| ending == "so")).collect();
    let known = |path: &Path| std::fs::read(path).unwrap().windows(7).any(|window| window == b"guest.c");
    assert!(made.iter().any(|path| known(path)), "{made:?}");
}
