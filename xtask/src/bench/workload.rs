//! The workloads: one table of groups, each with its workloads. A workload is a program with arguments and expected
//! output. Different output is an error.

use std::path::PathBuf;

use crate::kernel::{self, Kernel};
use crate::process::Context;

/// Workloads of one kind. Geometric means are computed over a group, and over all groups of kernels.
pub(super) struct WorkloadGroup {
    pub(super) name: &'static str,
    pub(super) about: &'static str,
    /// The number of runs for each requested run. Short workloads need many.
    run_factor: usize,
    list: fn(&Context, bool) -> Vec<Workload>,
}

#[rustfmt::skip]
pub(super) const GROUPS: &[WorkloadGroup] = &[
    WorkloadGroup { name: "kernels/scalar", about: "computations in C", run_factor: 1,
        list: |context, small| kernels(context, "scalar", small) },
    WorkloadGroup { name: "kernels/simd", about: "the same, compiled with vector instructions", run_factor: 1,
        list: |context, small| kernels(context, "simd", small) },
    WorkloadGroup { name: "start", about: "programs that end at once: the engine's start and end", run_factor: 20,
        list: start },
    WorkloadGroup { name: "precompiled", about: "programs that each engine has compiled ahead of time", run_factor: 10,
        list: precompiled },
    WorkloadGroup { name: "compile", about: "ahead-of-time compilation, on all processors", run_factor: 1, list: compile },
    WorkloadGroup { name: "python", about: "CPython, whose start is the largest part of a short script", run_factor: 2,
        list: python },
    WorkloadGroup { name: "programs", about: "other programs, compiled from Rust and C", run_factor: 1, list: programs },
];

/// The expected standard output of a run.
pub(super) enum Expected {
    Text(String),
    /// The output depends on the engine.
    Anything,
}

/// The measured action of an engine.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    Run,
    /// Compiles the module ahead of time.
    Compile,
    /// Runs an artifact. Its compilation is not measured.
    RunPrecompiled,
}

/// A workload.
pub(super) struct Workload {
    /// `GROUP/NAME`.
    pub(super) name: String,
    pub(super) module: PathBuf,
    /// The source from which the same program is compiled to native code.
    pub(super) native: Option<PathBuf>,
    pub(super) args: Vec<String>,
    pub(super) action: Action,
    /// Whether the guest gets access to the directory with the bench's files.
    pub(super) files: bool,
    pub(super) expected: Expected,
    /// See [`WorkloadGroup::run_factor`].
    pub(super) run_factor: usize,
}

/// Returns the workloads whose name matches one of the patterns, or all without patterns. With `small`, their runs are
/// short.
pub(super) fn list(context: &Context, patterns: &[&str], small: bool) -> Vec<Workload> {
    let mut all = Vec::new();
    for group in GROUPS {
        all.extend((group.list)(context, small).into_iter().map(|workload| Workload {
            name: format!("{}/{}", group.name, workload.name),
            run_factor: group.run_factor,
            ..workload
        }));
    }
    all.retain(|workload| patterns.is_empty() || patterns.iter().any(|pattern| matches(pattern, &workload.name)));
    all
}

/// Returns whether a pattern matches a name. With a `*`, it has to match the whole name, otherwise a part of it.
pub(super) fn matches(pattern: &str, name: &str) -> bool {
    if pattern.contains('*') { matches_whole(pattern, name) } else { name.contains(pattern) }
}

fn matches_whole(pattern: &str, name: &str) -> bool {
    let Some((head, tail)) = pattern.split_once('*') else { return pattern == name };
    let Some(rest) = name.strip_prefix(head) else { return false };
    rest.char_indices().map(|(at, _)| at).chain([rest.len()]).any(|at| matches_whole(tail, &rest[at..]))
}

fn kernels(context: &Context, form: &str, small: bool) -> Vec<Workload> {
    let workload = |kernel: Kernel| Workload {
        module: program(context, &kernel.file(form)),
        native: Some(kernel.source(context)),
        args: if small { vec![kernel.small.to_string()] } else { Vec::new() },
        expected: Expected::Text(format!("{}\n", if small { &kernel.small_result } else { &kernel.result })),
        ..plain(&kernel.name, PathBuf::new())
    };
    kernel::list(context).into_iter().map(workload).collect()
}

fn start(context: &Context, _: bool) -> Vec<Workload> {
    let hello = Workload {
        native: Some(context.root.join("bench/hello.c")),
        expected: Expected::Text("Hello, world\n".to_string()),
        ..plain("hello", program(context, kernel::HELLO))
    };
    let exit = Workload {
        args: vec!["0".to_string()],
        expected: Expected::Text(String::new()),
        ..plain("exit", context.root.join("guests/exit.wasm"))
    };
    vec![hello, exit]
}

fn precompiled(context: &Context, _: bool) -> Vec<Workload> {
    let hello = Workload {
        action: Action::RunPrecompiled,
        expected: Expected::Text("Hello, world\n".to_string()),
        ..plain("hello", program(context, kernel::HELLO))
    };
    let python = Workload {
        action: Action::RunPrecompiled,
        args: ["-c", "print(1+1)"].map(String::from).into(),
        expected: Expected::Text("2\n".to_string()),
        ..plain("python", program(context, "python.wasm"))
    };
    vec![hello, python]
}

fn compile(context: &Context, small: bool) -> Vec<Workload> {
    let module = if small { kernel::HELLO } else { "python.wasm" };
    let compiled = Workload { action: Action::Compile, ..plain("python", program(context, module)) };
    vec![Workload { expected: Expected::Text(String::new()), ..compiled }]
}

fn python(context: &Context, small: bool) -> Vec<Workload> {
    let module = program(context, "python.wasm");
    let fib = if small { ("15", "610") } else { ("27", "196418") };
    let fib_source = format!("fib = lambda n: n if n < 2 else fib(n - 1) + fib(n - 2)\nprint(fib({}))", fib.0);
    let scripts: [(&str, &[&str], &str); 4] = [
        ("pass", &["-c", "pass"], ""),
        ("print", &["-c", "print(1+1)"], "2\n"),
        ("fib", &["-c", &fib_source], &format!("{}\n", fib.1)),
        ("json", &["json-records.py"], "600 230648 8e13233f\n"),
    ];
    let workload = |(name, args, out): (&str, &[&str], &str)| Workload {
        args: args.iter().map(|arg| arg.to_string()).collect(),
        files: name == "json",
        expected: Expected::Text(out.to_string()),
        ..plain(name, module.clone())
    };
    scripts.into_iter().map(workload).collect()
}

fn programs(context: &Context, small: bool) -> Vec<Workload> {
    let tour = plain("tour", context.root.join("guests/tour.wasm"));
    let (size, out) = if small { ("20", "20 321 ac32f19b\n") } else { ("400", "400 584 949717dd\n") };
    let quickjs = Workload {
        args: ["words.js", size].map(String::from).into(),
        files: true,
        expected: Expected::Text(out.to_string()),
        ..plain("quickjs", program(context, "qjs.wasm"))
    };
    vec![tour, quickjs]
}

/// Returns the path of a module that `cargo xtask programs` builds.
fn program(context: &Context, file: &str) -> PathBuf {
    context.target.join("programs").join(file)
}

fn plain(name: &str, module: PathBuf) -> Workload {
    Workload {
        name: name.to_string(),
        module,
        native: None,
        args: Vec::new(),
        action: Action::Run,
        files: false,
        expected: Expected::Anything,
        run_factor: 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_matches_a_part_or_with_stars_the_whole_name() {
        assert!(matches("gemm", "kernels/scalar/gemm"));
        assert!(!matches("gemn", "kernels/scalar/gemm"));
        assert!(matches("kernels/*/gemm", "kernels/scalar/gemm"));
        assert!(matches("*mm", "kernels/scalar/gemm"));
        assert!(matches("kernels/*", "kernels/scalar/gemm"));
        assert!(matches("*/s*/*", "kernels/scalar/gemm"));
        assert!(!matches("python/*", "kernels/scalar/gemm"));
        assert!(!matches("*/gem", "kernels/scalar/gemm"));
        assert!(!matches("kernels/*scalar", "kernels/scalar/gemm"));
    }

    #[test]
    fn every_workload_has_a_unique_name_and_a_module() {
        let all = list(&Context::new(), &[], false);
        let names: std::collections::BTreeSet<&str> = all.iter().map(|workload| workload.name.as_str()).collect();
        assert_eq!(names.len(), all.len());
        assert!(all.len() >= 2 * 24 + 6, "{names:?}");
        assert!(all.iter().all(|workload| workload.module.extension().is_some_and(|ending| ending == "wasm")));
    }

    #[test]
    fn patterns_select_workloads() {
        let names = |patterns: &[&str]| -> Vec<String> {
            list(&Context::new(), patterns, false).into_iter().map(|workload| workload.name).collect()
        };
        assert_eq!(names(&["scalar/gemm", "start/*"]), ["kernels/scalar/gemm", "start/hello", "start/exit"]);
        assert!(names(&["no such thing"]).is_empty());
    }
}
