//! What is measured: one table of groups, each with the workloads it has. A workload is a program with arguments, and
//! what it has to print; a run that prints something else is an error.

use std::path::PathBuf;

use crate::kernel::{self, Kernel};
use crate::process::Context;

/// Workloads of one kind. Geometric means are over a group, and over all groups of kernels.
pub(super) struct Group {
    pub(super) name: &'static str,
    pub(super) about: &'static str,
    /// How many runs are made for each that was asked for: short ones need many.
    times: usize,
    list: fn(&Context, bool) -> Vec<Workload>,
}

#[rustfmt::skip]
pub(super) const GROUPS: &[Group] = &[
    Group { name: "kernels/scalar", about: "computations in C", times: 1,
        list: |context, small| kernels(context, "scalar", small) },
    Group { name: "kernels/simd", about: "the same, compiled with vector instructions", times: 1,
        list: |context, small| kernels(context, "simd", small) },
    Group { name: "start", about: "programs that end at once: the engine's own start and end", times: 20, list: start },
    Group { name: "precompiled", about: "programs that each engine has compiled beforehand, from start to end", times: 10,
        list: precompiled },
    Group { name: "compile", about: "compiling beforehand, on all processors", times: 1, list: compile },
    Group { name: "python", about: "CPython, whose own start is the largest part of a short script", times: 2,
        list: python },
    Group { name: "programs", about: "other programs, compiled from Rust and C", times: 1, list: programs },
];

/// What a run has to print on standard output.
pub(super) enum Expected {
    Text(String),
    /// It depends on the engine.
    Anything,
}

/// What an engine does with a module.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Run,
    /// Compiles it beforehand, and that is all.
    Compile,
    /// Runs what it has compiled beforehand, which does not count.
    Precompiled,
}

/// One thing to measure.
pub(super) struct Workload {
    /// `GROUP/NAME`.
    pub(super) name: String,
    pub(super) module: PathBuf,
    /// The same program as native code, made from this source.
    pub(super) native: Option<PathBuf>,
    pub(super) args: Vec<String>,
    pub(super) way: Way,
    /// Whether it is given the folder with the bench's files.
    pub(super) files: bool,
    pub(super) expected: Expected,
    /// See [`Group::times`].
    pub(super) times: usize,
}

/// The workloads whose name matches one of the patterns, or all without patterns. A small one is for trying out.
pub(super) fn list(context: &Context, patterns: &[&str], small: bool) -> Vec<Workload> {
    let mut all = Vec::new();
    for group in GROUPS {
        all.extend((group.list)(context, small).into_iter().map(|workload| Workload {
            name: format!("{}/{}", group.name, workload.name),
            times: group.times,
            ..workload
        }));
    }
    all.retain(|workload| patterns.is_empty() || patterns.iter().any(|pattern| matches(pattern, &workload.name)));
    all
}

/// With a `*` in it, a pattern is for the whole name; otherwise for a part of it.
pub(super) fn matches(pattern: &str, name: &str) -> bool {
    if pattern.contains('*') { whole(pattern, name) } else { name.contains(pattern) }
}

fn whole(pattern: &str, name: &str) -> bool {
    let Some((head, tail)) = pattern.split_once('*') else { return pattern == name };
    let Some(rest) = name.strip_prefix(head) else { return false };
    rest.char_indices().map(|(at, _)| at).chain([rest.len()]).any(|at| whole(tail, &rest[at..]))
}

fn kernels(context: &Context, form: &str, small: bool) -> Vec<Workload> {
    let workload = |kernel: Kernel| Workload {
        module: made(context, &kernel.file(form)),
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
        ..plain("hello", made(context, kernel::HELLO))
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
        way: Way::Precompiled,
        expected: Expected::Text("Hello, world\n".to_string()),
        ..plain("hello", made(context, kernel::HELLO))
    };
    let python = Workload {
        way: Way::Precompiled,
        args: ["-c", "print(1+1)"].map(String::from).into(),
        expected: Expected::Text("2\n".to_string()),
        ..plain("python", made(context, "python.wasm"))
    };
    vec![hello, python]
}

fn compile(context: &Context, small: bool) -> Vec<Workload> {
    let module = if small { kernel::HELLO } else { "python.wasm" };
    let compiled = Workload { way: Way::Compile, ..plain("python", made(context, module)) };
    vec![Workload { expected: Expected::Text(String::new()), ..compiled }]
}

fn python(context: &Context, small: bool) -> Vec<Workload> {
    let module = made(context, "python.wasm");
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
        ..plain("quickjs", made(context, "qjs.wasm"))
    };
    vec![tour, quickjs]
}

/// A module that `cargo xtask programs` makes.
fn made(context: &Context, file: &str) -> PathBuf {
    context.target.join("programs").join(file)
}

fn plain(name: &str, module: PathBuf) -> Workload {
    Workload {
        name: name.to_string(),
        module,
        native: None,
        args: Vec::new(),
        way: Way::Run,
        files: false,
        expected: Expected::Anything,
        times: 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_a_part_or_has_stars() {
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
    fn every_workload_has_a_name_of_its_own_and_a_module() {
        let all = list(&Context::new(), &[], false);
        let names: std::collections::BTreeSet<&str> = all.iter().map(|workload| workload.name.as_str()).collect();
        assert_eq!(names.len(), all.len());
        assert!(all.len() >= 2 * 24 + 6, "{names:?}");
        assert!(all.iter().all(|workload| workload.module.extension().is_some_and(|ending| ending == "wasm")));
    }

    #[test]
    fn patterns_choose() {
        let names = |patterns: &[&str]| -> Vec<String> {
            list(&Context::new(), patterns, false).into_iter().map(|workload| workload.name).collect()
        };
        assert_eq!(names(&["scalar/gemm", "start/*"]), ["kernels/scalar/gemm", "start/hello", "start/exit"]);
        assert!(names(&["no such thing"]).is_empty());
    }
}
