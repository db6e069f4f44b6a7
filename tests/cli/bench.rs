//! Tests of `cargo xtask bench` with a program that ends at once: its three reports are well-formed, and wrong output
//! is an error. The tests do not check figures.

use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Output};

use kinglet_tests::folder::Folder;
use kinglet_tests::program::kinglet;

/// Runs the bench with two engines at a small size: Kinglet, and `baseline` in place of another build.
fn bench(baseline: &str, args: &[&str]) -> Output {
    let kinglet = kinglet();
    let engines = [("kinglet", kinglet.to_str().unwrap()), ("baseline", baseline)];
    bench_with(&engines, &[&["--quick"], args].concat())
}

fn bench_with(engines: &[(&str, &str)], args: &[&str]) -> Output {
    let names: Vec<&str> = engines.iter().map(|(name, _)| *name).collect();
    let mut command = Command::new(env!("CARGO"));
    command.args(["run", "--quiet", "--package", "xtask", "--", "bench", "--engines", &names.join(",")]);
    // `cargo xtask test` sets it for the harness; with it, cargo would rebuild everything.
    command.env_remove("RUSTC_BOOTSTRAP");
    for (name, path) in engines {
        command.args(["--program", &format!("{name}={path}")]);
    }
    command.args(args).output().expect("cargo starts")
}

/// Creates a script that acts as an engine.
fn script(folder: &Folder, name: &str, text: &str) -> String {
    let path = folder.file(name, format!("#!/bin/sh\n[ \"$1\" = --version ] && echo {name} && exit\n{text}"));
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn a_quick_bench_writes_a_table_csv_and_a_plot() {
    let folder = Folder::new();
    let to = folder.path().to_str().unwrap();
    let output = bench(kinglet().to_str().unwrap(), &["--to", to, "start/exit"]);
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{out}{err}");
    assert!(err.contains("[1/1] start/exit: kinglet "), "{err}");
    assert!(out.contains("Kinglet (external build) on ") && out.contains("kinglet version "), "{out}");

    let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
    let table = read("results.txt");
    assert!(out.contains(&table), "{out}");
    for metric in ["CPU time, ms", "wall time, ms", "peak memory, MiB"] {
        let mut lines = table.lines().skip_while(|line| !line.starts_with(metric));
        let head = lines.next().unwrap_or_else(|| panic!("no {metric} in {table}"));
        assert!(head.ends_with("kinglet / baseline"), "{head}");
        let words: Vec<&str> = lines.next().unwrap().split_whitespace().collect();
        assert_eq!((words.len(), words[0]), (4, "start/exit"), "{table}");
        assert!(words[1..].iter().all(|word| word.parse::<f64>().is_ok_and(|value| value > 0.0)), "{table}");
    }

    let values = read("results.csv");
    let lines: Vec<Vec<&str>> = values.lines().map(|line| line.split(',').collect()).collect();
    assert_eq!(lines.len(), 5, "{values}");
    assert!(lines.iter().all(|line| line.len() == lines[0].len()), "{values}");
    for (line, engine) in lines[3..].iter().zip(["kinglet", "baseline"]) {
        assert_eq!(line[..5], ["geometric mean", "start", engine, "", "1"], "{values}");
    }
    for (line, engine) in lines[1..3].iter().zip(["kinglet", "baseline"]) {
        assert_eq!(line[..5], ["start/exit", "start", engine, "", "1"], "{values}");
        assert!(line[5..].iter().all(|field| field.parse::<f64>().is_ok_and(|value| value > 0.0)), "{values}");
    }

    let picture = read("results.svg");
    let tree = roxmltree::Document::parse(&picture).unwrap_or_else(|error| panic!("{error}: {picture}"));
    assert!(tree.descendants().any(|node| node.text() == Some("start/exit")), "{picture}");
    assert!(tree.root_element().has_tag_name(("http://www.w3.org/2000/svg", "svg")));
}

#[test]
fn wrong_output_is_an_error_and_the_other_engines_are_still_measured() {
    let folder = Folder::new();
    // It prints its arguments, but the expected output is empty.
    let output = bench("/bin/echo", &["--to", folder.path().to_str().unwrap(), "start/exit"]);
    assert!(!output.status.success());
    let err = text(&output.stderr);
    assert!(err.contains("start/exit on baseline: printed") && err.contains("failed runs:"), "{err}");
    let values = std::fs::read_to_string(folder.path().join("results.csv")).unwrap();
    assert!(values.contains(",kinglet,") && !values.contains(",baseline,"), "{values}");
}

#[test]
fn errors_name_missing_workloads_engines_and_programs() {
    for (args, part) in [
        (&["no-such-workload"][..], "no-such-workload"),
        (&["--peer", "v8"][..], "no engine `v8`"),
        (&["--program", "wasmi=no/such/program"][..], "no/such/program"),
    ] {
        let output = bench("/bin/echo", args);
        assert!(!output.status.success(), "{args:?}");
        assert!(text(&output.stderr).contains(part), "{args:?}: {}", text(&output.stderr));
    }
}

#[test]
fn all_kernels_are_listed_in_both_forms() {
    let output = bench("/bin/echo", &["--list", "kernels/"]);
    let out = text(&output.stdout);
    assert!(output.status.success(), "{out}{}", text(&output.stderr));
    for form in ["kernels/scalar/", "kernels/simd/"] {
        assert!(out.lines().filter(|line| line.starts_with(form)).count() >= 24, "{out}");
    }
}

#[test]
fn runs_are_interleaved_after_a_round_that_does_not_count() {
    let folder = Folder::new();
    let log = folder.path().join("log").display().to_string();
    let [one, other] = ["one", "other"].map(|name| script(&folder, name, &format!("echo {name} >> {log}\n")));
    let to = folder.path().to_str().unwrap();
    let output = bench_with(&[("kinglet", &one), ("baseline", &other)], &["--runs", "2", "--to", to, "start/exit"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    // This group multiplies the number of runs by twenty.
    assert_eq!(std::fs::read_to_string(&log).unwrap(), "one\nother\n".repeat(1 + 2 * 20));
    let values = std::fs::read_to_string(folder.path().join("results.csv")).unwrap();
    assert!(values.contains("start/exit,start,kinglet,,40,"), "{values}");
}

#[test]
fn the_mode_with_the_least_cpu_time_is_measured_by_default() {
    let folder = Folder::new();
    let busy = "[ \"$2\" = eager ] || for i in $(seq 100000); do :; done\n";
    let engine = script(&folder, "modes", busy);
    let to = folder.path().to_str().unwrap();
    for (wanted, mode) in [(&[][..], "eager"), (&["--mode", "lazy"][..], "lazy")] {
        let args = [&["--runs", "1", "--to", to, "start/exit"], wanted].concat();
        let output = bench_with(&[("wasmi", &engine)], &args);
        assert!(output.status.success(), "{}", text(&output.stderr));
        let values = std::fs::read_to_string(folder.path().join("results.csv")).unwrap();
        assert!(values.contains(&format!(",wasmi,{mode},20,")), "{values}");
    }
    let output = bench_with(&[("wasmi", &engine)], &["--mode", "hasty", "--to", to, "start/exit"]);
    let err = text(&output.stderr);
    assert!(!output.status.success() && err.contains("no mode `hasty`") && err.contains("eager"), "{err}");
}

/// Environment variables for an engine reach it, although a separate process starts each run.
#[test]
fn engines_run_without_the_users_cache() {
    let folder = Folder::new();
    let log = folder.path().join("log").display().to_string();
    let one = script(&folder, "one", &format!("echo \"${{KINGLET_CACHE_DIR-unset}}\" >> {log}\n"));
    let to = folder.path().to_str().unwrap();
    let output = bench_with(&[("kinglet", &one)], &["--quick", "--to", to, "start/exit"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let seen = std::fs::read_to_string(&log).unwrap();
    assert!(!seen.is_empty() && seen.lines().all(str::is_empty), "{seen}");
}

#[test]
fn targets_are_compared_with_measurements() {
    let folder = Folder::new();
    let to = folder.path().to_str().unwrap();
    let (kinglet, args) = (kinglet(), ["--quick", "--targets", "--to", to, "long/loop"]);
    let output = bench_with(&[("kinglet", kinglet.to_str().unwrap())], &args);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let values = std::fs::read_to_string(folder.path().join("targets.csv")).unwrap();
    let fields: Vec<&str> = values.lines().nth(1).unwrap().split(',').collect();
    assert_eq!(fields[..3], ["long/loop", "cold", "jit"], "{values}");
    assert!(text(&output.stdout).contains("1 compared, "), "{}", text(&output.stdout));
}

#[test]
fn throughput_over_time_is_plotted() {
    let folder = Folder::new();
    let to = folder.path().to_str().unwrap();
    let output = bench_with(&[("kinglet", kinglet().to_str().unwrap())], &["--quick", "--over-time", "--to", to]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let picture = std::fs::read_to_string(folder.path().join("over-time.svg")).unwrap();
    let tree = roxmltree::Document::parse(&picture).unwrap_or_else(|error| panic!("{error}: {picture}"));
    assert_eq!(tree.descendants().filter(|node| node.has_tag_name("polyline")).count(), 3);
    let values = std::fs::read_to_string(folder.path().join("over-time.csv")).unwrap();
    for mode in ["auto", "jit", "interpreter"] {
        let is = |line: &&str| line.contains(&format!(",{mode},")) && !line.ends_with(",0.0");
        assert!(values.lines().any(|line| is(&line)), "{mode} has points: {values}");
    }
}
