//! Help in all its forms: pages, manual pages, the reference in `docs/cli.md`, completions that shells accept.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use kinglet_testing::snapshot;
use kinglet_tests::folder::Folder;
use kinglet_tests::program::run;

const COMMANDS: &[&str] =
    &["run", "compile", "parse", "validate", "instantiate", "inspect", "wat", "wasm", "wast", "completions", "help"];

#[test]
fn help_and_version_are_results() {
    for command in COMMANDS {
        let help = run(&[command, "--help"]);
        assert_eq!(help.code(), 0);
        assert!(help.out.contains(&format!("usage: kinglet {command}")) && help.err.is_empty(), "{help:?}");
        assert!(help.out.contains("\nexamples:\n  "), "{command}");
        assert_eq!(run(&["help", command]).out, help.out);
    }
    let help = run(&["--help"]);
    assert_eq!((help.code(), run(&["-h"]).out, run(&["help"]).out), (0, help.out.clone(), help.out.clone()));
    ["--dir", "--env", "134", "examples:", "relaxed-simd", "inspect"]
        .iter()
        .for_each(|part| assert!(help.out.contains(part), "{part}"));
}

#[test]
fn the_version_says_what_a_report_needs() {
    assert_eq!(run(&["--version"]).out, format!("kinglet version {}\n", env!("CARGO_PKG_VERSION")));
    let long = run(&["--version", "--verbose"]);
    assert_eq!(long.code(), 0);
    for part in [
        "commit:",
        "target:",
        "profile:",
        "rustc 1.",
        "features:   addr2line wat",
        "system:",
        "dispatch:",
        "processor:",
        "simd",
        "gc",
    ] {
        assert!(long.out.contains(part), "no {part} in {}", long.out);
    }
}

#[test]
fn the_reference_in_the_documents_is_the_commands_own() {
    let page = run(&["help", "--markdown"]);
    assert_eq!(page.code(), 0);
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests lie below the workspace's root");
    snapshot::check_file(&root.join("docs/cli.md"), &page.out).unwrap_or_else(|difference| panic!("{difference}"));
}

#[test]
fn manual_pages_are_well_formed() {
    let all = std::iter::once(None).chain(COMMANDS.iter().map(Some));
    for command in all {
        let mut args = vec!["help", "--man"];
        args.extend(command);
        let page = run(&args);
        assert_eq!(page.code(), 0);
        assert!(page.out.starts_with(".TH KINGLET") && page.out.contains("\n.SH EXIT STATUS\n"), "{}", page.out);
        let known = [".TH ", ".SH ", ".TP", ".B "];
        let requests = page.out.lines().filter(|line| line.starts_with(['.', '\'']));
        requests.for_each(|line| assert!(known.iter().any(|request| line.starts_with(request)), "{line}"));
    }
}

#[test]
fn completions_are_for_the_shells_there_are() {
    for shell in ["bash", "zsh", "fish", "powershell"] {
        let text = run(&["completions", shell]);
        assert_eq!(text.code(), 0);
        for part in COMMANDS.iter().chain(&["unknown-imports", "enable-threads", "disable-simd"]) {
            assert!(text.out.contains(part), "{shell}: {part}");
        }
    }
    run(&["completions", "csh"]).fails(1, &["no completions for `csh`", "bash, zsh, fish, powershell"]);
    run(&["completions"]).fails(1, &["one of bash, zsh, fish, powershell is missing"]);
}

#[test]
fn bash_completes_commands_options_values_and_files() {
    let folder = Folder::new();
    folder.file("program.wasm", "");
    let script = run(&["completions", "bash"]).out;
    let complete = |words: &[&str]| {
        let quoted: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
        let body = format!(
            "{script}\nCOMP_WORDS=({}); COMP_CWORD={}; _kinglet; printf '%s\\n' \"${{COMPREPLY[@]}}\"",
            quoted.join(" "),
            words.len() - 1
        );
        let mut bash = Command::new("bash");
        bash.arg("--norc").current_dir(folder.path()).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = bash.spawn().expect("bash is there");
        child.stdin.take().unwrap().write_all(body.as_bytes()).unwrap();
        String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap()
    };
    assert_eq!(complete(&["kinglet", "insp"]), "inspect\n");
    assert_eq!(complete(&["kinglet", "prog"]), "program.wasm\n");
    assert_eq!(complete(&["kinglet", "--dir", "x", "--unknown-imports", ""]), "trap\nzero\n");
    assert_eq!(complete(&["kinglet", "inspect", "--js"]), "--json\n");
    assert_eq!(complete(&["kinglet", "validate", "--di"]).lines().filter(|line| *line == "--dir").count(), 0);
    assert_eq!(complete(&["kinglet", "--di"]).lines().next(), Some("--dir"));
    assert_eq!(complete(&["kinglet", "completions", "z"]), "zsh\n");
    // What only the user knows is not guessed, and of a name and a file only the file.
    assert_eq!(complete(&["kinglet", "--invoke", "p"]).trim(), "");
    assert_eq!(complete(&["kinglet", "--module", "p"]).trim(), "");
    assert_eq!(complete(&["kinglet", "--module", "m:p"]), "m:program.wasm\n");
    assert_eq!(complete(&["kinglet", "--module", "m", ":", "p"]), "program.wasm\n");
    assert_eq!(complete(&["kinglet", "--module", "m", ":"]), "program.wasm\n");
    assert_eq!(complete(&["kinglet", "--unknown-imports", "=", "z"]), "zero\n");
    assert_eq!(complete(&["kinglet", "--unknown-imports", "="]), "trap\nzero\n");
    assert_eq!(complete(&["kinglet", "--module", "m", ":", "program.wasm", "insp"]), "inspect\n");
    assert_eq!(complete(&["kinglet", "--log-level", "=", "info", "insp"]), "inspect\n");
    // Under WasmEdge's name there are WasmEdge's commands.
    assert_eq!(complete(&["/usr/bin/wasmedge", "insp"]).trim(), "");
    assert_eq!(complete(&["wasmedge", "inst"]), "instantiate\n");
    assert_eq!(complete(&["wasmedgec", "--dum"]), "--dump\n");
}
