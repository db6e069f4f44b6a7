//! Programs that make the API calls of Wasmtime's core examples, ported to Kinglet by renaming the crate. A line that had
//! to change in another way ends with a comment that begins with `Wasmtime:`. The table in `docs/from-wasmtime.md` has the
//! number of such lines of each program, and a test compares the two. Asynchronous examples are not among them.

mod epochs;
mod externref;
mod fast_compilation;
mod fast_execution;
mod fib_debug;
mod fuel;
mod gcd;
mod hello;
mod interrupt;
mod limits;
mod linking;
mod memory;
mod multi;
mod multimemory;
mod pre_compile;
mod run_pre_compiled;
mod serialize;
mod threads;
mod trap;
mod wasip1;
#[expect(clippy::needless_borrows_for_generic_args, reason = "the method of Wasmtime takes a slice")]
mod wasip1_dir;

/// A program's name and its `main`.
type Program = (&'static str, fn() -> kinglet::Result<()>);

const PROGRAMS: &[Program] = &[
    ("epochs", epochs::main),
    ("externref", externref::main),
    ("fast_compilation", fast_compilation::main),
    ("fast_execution", fast_execution::main),
    ("fib_debug", fib_debug::main),
    ("fuel", fuel::main),
    ("gcd", gcd::main),
    ("hello", hello::main),
    ("interrupt", interrupt::main),
    ("limits", limits::main),
    ("linking", linking::main),
    ("memory", memory::main),
    ("multi", multi::main),
    ("multimemory", multimemory::main),
    ("pre_compile", pre_compile::main),
    ("run_pre_compiled", run_pre_compiled::main),
    ("serialize", serialize::main),
    ("threads", threads::main),
    ("trap", trap::main),
    ("wasip1", wasip1::main),
    ("wasip1_dir", wasip1_dir::main),
];

#[test]
fn every_program_runs() {
    for (name, main) in PROGRAMS {
        main().unwrap_or_else(|error| panic!("{name}: {error:?}"));
    }
}

#[test]
fn the_book_has_the_number_of_changed_lines_of_each_program() {
    let book = std::fs::read_to_string("../docs/from-wasmtime.md").unwrap();
    for (name, _) in PROGRAMS {
        let program = std::fs::read_to_string(format!("ported/{name}.rs")).unwrap();
        let changed = program.lines().filter(|line| line.contains("// Wasmtime:")).count();
        assert!(changed <= 1, "{name} takes {changed} changed lines");
        let row = format!("| `{name}` | {changed} |");
        assert!(book.contains(&row), "docs/from-wasmtime.md lacks the row {row}");
    }
}
