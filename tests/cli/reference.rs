//! Help in all its forms: pages, manual pages, the reference in `docs/cli.md`, and completions that shells accept.

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
        assert!(help.out.contains(&format!("Usage: kinglet {command}")) && help.err.is_empty(), "{help:?}");
        assert!(help.out.contains("\nExamples:\n  "), "{command}");
        assert_eq!(run(&["help", command]).out, help.out);
    }
    let help = run(&["--help"]);
    assert_eq!((help.code(), run(&["help"]).out), (0, help.out.clone()));
    for heading in
        ["WASI:", "Execution:", "Limits:", "Cache:", "Diagnostics:", "Environment:", "Exit status:", "Examples:"]
    {
        assert!(help.out.contains(&format!("\n{heading}\n")), "{heading} {}", help.out);
    }
    for part in ["--dir", "134", "inspect", "[default: 1024]", "KINGLET_CACHE_DIR", "kinglet help proposals"] {
        assert!(help.out.contains(part), "{part}");
    }
    assert!(!help.out.contains("nn-preload") && !help.out.contains("relaxed-simd"), "{}", help.out);
}

#[test]
fn the_short_help_fits_a_screen() {
    let help = run(&["-h"]);
    assert_eq!(help.code(), 0);
    assert!(help.out.lines().count() <= 45, "{}", help.out);
    assert!(help.out.lines().all(|line| line.chars().count() <= 80), "{}", help.out);
    for part in
        ["Usage: kinglet ", "Commands:", "Options:", "Examples:", "--dir <GUEST:HOST>", "compile", "kinglet --help"]
    {
        assert!(help.out.contains(part), "no {part} in {}", help.out);
    }
    assert!(run(&["compile", "-h"]).out.contains("--optimize <LEVEL>"));
}

#[test]
fn the_proposals_are_a_topic_of_help() {
    let topic = run(&["help", "proposals"]);
    assert_eq!(topic.code(), 0);
    for part in ["--enable-NAME", "relaxed-simd", "threads", "(unfinished)"] {
        assert!(topic.out.contains(part), "{}", topic.out);
    }
    run(&["help", "proposal"]).fails(1, &["did you mean `proposals`?"]);
}

#[test]
fn the_verbose_version_has_the_parts_of_a_bug_report() {
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
        assert!(page.out.contains("\n.TH kinglet") && page.out.contains("\n.SH \"EXIT STATUS\"\n"), "{}", page.out);
        let known = [".TH ", ".SH ", ".TP", ".ie ", ".el ", ".RS", ".RE", ".IP", ".br", ".nf", ".fi", ".sp"];
        let requests = page.out.lines().filter(|line| line.starts_with(['.', '\'']));
        requests.for_each(|line| assert!(known.iter().any(|request| line.starts_with(request)), "{line}"));
    }
}

#[test]
fn every_supported_shell_has_completions() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let text = run(&["completions", shell]);
        assert_eq!(text.code(), 0);
        for part in COMMANDS.iter().chain(&["unknown-imports", "enable-threads", "disable-simd"]) {
            assert!(text.out.contains(part), "{shell}: {part}");
        }
    }
    run(&["completions", "csh"]).fails(1, &["no completions for `csh`", "bash, elvish, fish, powershell, zsh"]);
    run(&["completions"]).fails(1, &["one of bash, elvish, fish, powershell, zsh is missing"]);
}

#[test]
fn bash_completes_commands_options_and_values() {
    let folder = Folder::new();
    let script = run(&["completions", "bash"]).out;
    let complete = |words: &[&str]| {
        let quoted: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
        let (word, previous) = (words[words.len() - 1], words[words.len() - 2]);
        let body = format!(
            "{script}\nCOMP_WORDS=({}); COMP_CWORD={}; _{name} {name} '{word}' '{previous}'; printf '%s\\n' \"${{COMPREPLY[@]}}\"",
            quoted.join(" "),
            words.len() - 1,
            name = words[0],
        );
        let mut bash = Command::new("bash");
        bash.arg("--norc").current_dir(folder.path()).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = bash.spawn().expect("bash starts");
        child.stdin.take().unwrap().write_all(body.as_bytes()).unwrap();
        String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap()
    };
    assert_eq!(complete(&["kinglet", "insp"]), "inspect\n");
    assert_eq!(complete(&["kinglet", "--dir", "x", "--unknown-imports", ""]), "trap\nzero\n");
    assert_eq!(complete(&["kinglet", "inspect", "--js"]), "--json\n");
    assert_eq!(complete(&["kinglet", "validate", "--dir"]).trim(), "");
    assert!(complete(&["kinglet", "--di"]).starts_with("--dir\n"));
    assert_eq!(complete(&["kinglet", "completions", "z"]), "zsh\n");
    // Under WasmEdge's name there are WasmEdge's commands.
    assert_eq!(complete(&["wasmedge", "insp"]).trim(), "");
    assert_eq!(complete(&["wasmedge", "inst"]), "instantiate\n");
    assert_eq!(complete(&["wasmedgec", "--dum"]), "--dump\n");
}
