//! The effect of each option on a run, and the messages for wrong ones.

use kinglet_tests::folder::Folder;
use kinglet_tests::program::{CACHE, kinglet, run, run_with};

use crate::{FUNCTIONS, program, run_text};

/// A module with missing function imports.
const NEEDY: &str = r#"(module
  (import "env" "f" (func $f (param i32) (result i32 f64 externref)))
  (import "env" "g" (func $g))
  (func (export "zero") (result i32 f64 externref) (call $f (i32.const 7)))
  (func (export "fine") (result i32) (i32.const 5))
  (func (export "call") (call $g)))"#;

/// A module with other missing imports.
const NEEDY_FOR_STATE: &str = r#"(module
  (import "env" "memory" (memory 2))
  (import "env" "table" (table 3 funcref))
  (import "env" "global" (global i64))
  (func (export "state") (result i32 i32 i64 funcref)
    (memory.size) (table.size) (global.get 0) (table.get (i32.const 2))))"#;

#[test]
fn wrong_options_are_refused_with_a_hint() {
    run(&["--dri", ".:.", "x.wasm"]).fails(1, &["unknown option `--dri`", "hint: did you mean `--dir`?"]);
    run(&["--time-limit", "soon", "x.wasm"]).fails(1, &["--time-limit", "soon", "for example 1000"]);
    run(&["--env"]).fails(1, &["--env NAME[=VALUE]"]);
    run(&["--module", "math.wasm", "x.wasm"]).fails(1, &["--module", "NAME:PATH"]);
    run(&["validate", "--dir", ".", "x.wasm"]).fails(1, &["`--dir` is an option of run, instantiate, not of validate"]);
    for args in [&[][..], &["run"]] {
        let run = run(args);
        assert_eq!((run.code(), run.err.as_str()), (1, "kinglet: error: no file given; try kinglet --help\n"));
    }
    run(&["inspect"]).fails(1, &["no file given", "hint: kinglet inspect [OPTIONS] FILE"]);
    run(&["--env", "--dir", ".", "x.wasm"]).fails(1, &["option `--env` needs a value: --env NAME[=VALUE]"]);
    run(&["--time-limit", "1", "--time-limit=2", "x.wasm"]).fails(1, &["option `--time-limit` is given twice"]);
    run(&["--reactor", "--reactor", "x.wasm"]).fails(1, &["option `--reactor` is given twice"]);
    run(&[""]).fails(1, &["the file name is empty"]);
    run(&["validate", "x.wasm", ""]).fails(1, &["the file name is empty"]);
    run(&["--dir", ".::data", "x.wasm"])
        .fails(1, &["bad value for `--dir`: `.::data` is in Wasmtime's order, HOST::GUEST; write --dir data:.\n"]);
}

#[test]
fn options_after_the_file_are_moved_in_the_message() {
    let folder = Folder::new();
    let file = folder.file("fib.wat", FUNCTIONS);
    let moved = |args: &[&str], line: &str| {
        run(&[&[file.as_str()], args].concat()).fails(1, &[&format!("options go before the file: kinglet {line}\n")]);
    };
    moved(&["--invoke", "add"], &format!("--invoke add {file}"));
    moved(&["--invoke=add", "--dir", ".", "1", "2"], &format!("--invoke=add --dir . {file} 1 2"));
    run(&[&file, "--wrong", "add"]).fails(1, &["no function `--wrong` is exported"]);
    // A program's arguments are its own.
    run_text(crate::ARGUMENTS, &[], &["--invoke", "add"]).prints("guest.wasm\n--invoke\nadd\n");
}

#[test]
fn options_of_missing_features_are_refused() {
    let options = [
        "--enable-coredump",
        "--coredump-for-wasmgdb",
        "--enable-component",
        "--allow-af-unix",
        "--forbidden-plugin=x",
        "--nn-preload=a:b:c:d",
        "--nn-rpc-uri=x",
        "--allow-command=ls",
        "--allow-command-all",
        "--enable-threads",
    ];
    for option in options {
        let name = option.split('=').next().unwrap();
        let run = run_text(program("nop"), &[option], &[]);
        run.fails(1, &[name, "is refused", "not in this version yet", "hint: "]);
        assert!(run.out.is_empty());
    }
    let all = run_text(program("nop"), &["--enable-all"], &[]);
    assert_eq!(all.code(), 0);
    assert!(all.err.contains("warning: --enable-all: not finished in this version, and omitted: "), "{all:?}");
    assert!(all.err.contains("components") && all.err.contains("threads"), "{all:?}");
}

#[test]
fn a_set_of_proposals_warns_of_unfinished_ones() {
    let standard = Some(kinglet::Standard::Wasm3);
    let rows = kinglet::FEATURES.iter().filter(|row| row.standard == standard && !row.finished);
    let names: Vec<&str> = rows.map(|row| row.name).collect();
    let run = run_text(program("nop"), &["--wasm-3"], &[]);
    let expected = match names.join(", ") {
        none if none.is_empty() => none,
        names => format!("kinglet: warning: --wasm-3: not finished in this version, and omitted: {names}\n"),
    };
    assert_eq!((run.code(), run.err), (0, expected));
    assert_eq!(run_text(program("nop"), &["--wasm-2"], &[]).err, "");
}

#[test]
fn options_of_other_runtimes_get_a_hint() {
    run(&["--fuel", "100", "x.wasm"]).fails(1, &["unknown option `--fuel`", "hint: use --gas-limit N"]);
    run(&["--mapdir", "/:.", "x.wasm"]).fails(1, &["hint: use --dir GUEST:HOST"]);
    run(&["--timeout=5", "x.wasm"]).fails(1, &["hint: use --time-limit MS"]);
    run(&["--run-mode", "fast", "x.wasm"]).fails(1, &["the modes are: auto, interpreter, jit, aot, lazyjit"]);
    run(&["--time-limit", "99999999999999999999", "x"]).fails(1, &["`99999999999999999999` is too large"]);
    run_text("(module (memory 4))", &["instantiate", "--memory-page-limit", "1"], &[])
        .fails(1, &["a memory of 4 pages is over the limit of 1 page\n"]);
}

#[cfg(unix)]
#[test]
fn arguments_that_are_not_utf_8_are_refused_with_a_hint() {
    use std::os::unix::ffi::OsStrExt;
    let name = std::ffi::OsStr::from_bytes(b"caf\xe9.wasm");
    let run = kinglet_tests::program::run_program(&kinglet_tests::program::kinglet(), &[name], "");
    run.fails(1, &["caf\\xE9.wasm", "is not UTF-8", "hint: ", "kinglet - < FILE"]);
}

#[test]
fn a_misspelt_command_or_file_is_guessed() {
    run(&["inspct"]).fails(1, &["did you mean the command `inspect`?"]);
    run(&["help", "compleet"]).fails(1, &["there is no command `compleet`"]);
    let folder = Folder::new();
    folder.file("program.wasm", "");
    let mut command = std::process::Command::new(kinglet_tests::program::kinglet());
    let output = command.arg("progam.wasm").current_dir(folder.path()).output().unwrap();
    assert!(String::from_utf8(output.stderr).unwrap().contains("hint: did you mean `program.wasm`?"));
}

#[test]
fn a_program_without_gas_left_is_stopped() {
    let endless = program("(loop (br 0))");
    run_text(&endless, &["--gas-limit", "1000"], &[]).fails(134, &["all gas consumed", "inner", "--gas-limit"]);
    run_text(program("nop"), &["--gas-limit", "1000"], &[]).prints("");
    run_text(program("nop"), &["--gas-limit", "0"], &[]).fails(134, &["all gas consumed"]);
    run_text(&endless, &["--gas-limit", "-1"], &[]).fails(1, &["--gas-limit"]);
}

#[test]
fn statistics_are_those_of_the_run() {
    // i32.const, i32.const, i32.add, end; the call from outside costs nothing.
    let text = "(module (func (export \"three\") (result i32) (i32.add (i32.const 1) (i32.const 2))))";
    let count = run_text(text, &["--enable-instruction-count", "--invoke", "three"], &[]);
    count.prints("3\n");
    assert_eq!(count.err, "kinglet: info: Executed wasm instructions count: 4\n");
    let all = run_text(text, &["--enable-all-statistics", "--invoke", "three"], &[]);
    let names: Vec<&str> = all.err.lines().map(|line| line.rsplit_once(": ").unwrap().0).collect();
    let expected = [
        "Total execution time",
        "Wasm instructions execution time",
        "Host functions execution time",
        "Executed wasm instructions count",
        "Gas costs",
        "Instructions per second",
    ];
    assert_eq!(names, expected.map(|name| format!("kinglet: info: {name}")));
    let bulk = "(module (memory 1) (func (export \"fill\") \
                (memory.fill (i32.const 0) (i32.const 1) (i32.const 6400))))";
    let bulk = run_text(bulk, &["--enable-gas-measuring", "--enable-instruction-count", "--invoke", "fill"], &[]);
    assert!(bulk.err.contains("instructions count: 5\n") && bulk.err.contains("Gas costs: 105\n"), "{bulk:?}");
    let trapped = run_text(program("unreachable"), &["--enable-gas-measuring"], &[]);
    assert_eq!(trapped.code(), 134);
    assert!(trapped.err.contains("Gas costs: "), "{trapped:?}");
    let quiet = run_text(text, &["--enable-gas-measuring", "--log-level", "warning", "--invoke", "three"], &[]);
    assert_eq!((quiet.out.as_str(), quiet.err.as_str()), ("3\n", ""));
}

#[test]
fn the_time_of_host_functions_is_measured_separately() {
    let folder = Folder::new();
    let file = folder.file("read.wat", crate::READ);
    let run = run_with(&["--enable-time-measuring", &file], "");
    let figure = |name: &str| -> u128 {
        let line = run.err.lines().find(|line| line.contains(name)).unwrap_or_else(|| panic!("{run:?}"));
        line.trim_end_matches(" ns").rsplit(' ').next().unwrap().parse().unwrap()
    };
    let (total, guest, host) = (figure("Total"), figure("Wasm instructions"), figure("Host functions"));
    assert!(host > 0 && guest + host == total, "{run:?}");
}

#[test]
fn the_log_level_filters_messages() {
    let off = run_text(program("unreachable"), &["--log-level", "off"], &[]);
    assert_eq!((off.code(), off.err.as_str()), (134, ""));
    run_text(program("unreachable"), &["--log-level", "error"], &[]).fails(134, &["unreachable"]);
    run_text(program("nop"), &["--log-level", "loud"], &[]).fails(1, &["`loud` is not one of off, trace"]);
    assert_eq!(run_text(program("nop"), &["--log-level", "warning"], &[]).err, "");
    let debug = run_text(program("nop"), &["--log-level", "debug"], &[]);
    debug.prints("");
    assert!(debug.err.contains("kinglet: debug: module instantiated"), "{debug:?}");
    assert!(!debug.err.contains("kinglet: trace: "), "{debug:?}");
    let trace = run_text(crate::ARGUMENTS, &["--log-level", "trace"], &[]);
    assert!(trace.err.contains("kinglet: trace: ") && trace.err.contains("function=\"args_get\""), "{trace:?}");
}

#[test]
fn the_environment_sets_the_log_level_if_no_option_does() {
    let messages = |level: &str, args: &[&str]| {
        let mut command = std::process::Command::new(kinglet());
        command.args(["instantiate"]).args(args).arg("-").env("KINGLET_LOG", level).env(CACHE, "");
        let command = command.stdin(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
        let mut child = command.spawn().unwrap();
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), b"(module)").unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(messages("debug", &[]).contains("kinglet: debug: module instantiated"));
    assert_eq!(messages("debug", &["--log-level", "warning"]), "");
    assert_eq!(messages("loud", &[]), "");
}

#[test]
fn limits_of_tables_and_stacks_hold() {
    let grow = "(module (table 2 funcref) (func (export \"grow\") (param i32) (result i32) \
                (table.grow (ref.null func) (local.get 0))))";
    run_text(grow, &["--table-limit", "5", "--invoke", "grow"], &["3"]).prints("2\n");
    run_text(grow, &["--table-limit", "5", "--invoke", "grow"], &["4"]).prints("-1\n");
    run_text(grow, &["--table-limit", "1", "--invoke", "grow"], &["0"]).fails(1, &["table"]);
    let deep = "(module (func $f (export \"f\") (param i32) (result i32) (if (result i32) (local.get 0) \
                (then (i32.add (i32.const 1) (call $f (i32.sub (local.get 0) (i32.const 1))))) (else (i32.const 0)))))";
    run_text(deep, &["--invoke", "f"], &["20000"]).prints("20000\n");
    run_text(deep, &["--stack-limit", "64", "--invoke", "f"], &["20000"])
        .fails(134, &["call stack exhausted", "--stack-limit"]);
}

#[test]
fn the_resources_of_a_program_are_limited_together() {
    // 100 memories of 16 MiB each, and 20 tables of 10 million elements: a page limit does not bound their number.
    let memories = format!("(module {})", "(memory 256)".repeat(100));
    let with = |text: &str, limits: &[&str]| run_text(text, &[&["instantiate"], limits].concat(), &[]);
    assert_eq!(with(&memories, &["--memory-page-limit", "256"]).code(), 0);
    with(&memories, &["--limit", "total-memory=16MiB"]).fails(
        1,
        &[
            "guest.wat: a memory of 256 pages is over the store's limit for all memories, tables and the heap",
            "hint: raise --limit total-memory=VALUE, which is 16777216 now",
        ],
    );
    with(&memories, &["--limit=memories=99"]).fails(1, &["one more memory is over", "raise --limit memories=VALUE"]);
    let tables = format!("(module {})", "(table 10000000 funcref)".repeat(20));
    with(&tables, &["--limit", "total-memory=64M"])
        .fails(1, &["a table of 10000000 elements is over the store's limit"]);
    with(&tables, &["--limit", "table-elements=5"]).fails(1, &["which is 5 now"]);
    with("(module)", &["--limit", "instances=0"]).fails(1, &["one more instance is over the store's limit of 0"]);
    with(&tables, &["--limit", "tables"]).fails(1, &["bad value for `--limit`: `tables` is not NAME=VALUE"]);
    let grow = "(module (memory 1) (memory 1) (func (export \"grow\") (param i32) (result i32) \
                (memory.grow 1 (local.get 0))))";
    let limit = ["--limit", "total-memory=192K", "--invoke", "grow"];
    run_text(grow, &limit, &["1"]).prints("1\n");
    run_text(grow, &limit, &["2"]).prints("-1\n");
}

#[test]
fn argv0_sets_the_programs_name() {
    run_text(crate::ARGUMENTS, &["--argv0", "/usr/bin/tool"], &["x"]).prints("/usr/bin/tool\nx\n");
    run_text(crate::ARGUMENTS, &["--argv0="], &["x"]).prints("\nx\n");
}

#[test]
fn a_variable_without_a_value_is_passed_on() {
    let folder = Folder::new();
    let file = folder.file("guest.wat", crate::ARGUMENTS);
    let run = |options: &[&str]| {
        let mut command = std::process::Command::new(kinglet());
        command.args(options).arg(&file).env(CACHE, "").env("KINGLET_TEST_A", "x=y").env_remove("KINGLET_TEST_B");
        #[cfg(unix)]
        command.env("KINGLET_TEST_C", <std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(b"\xff"));
        let output = command.output().unwrap();
        (output.status.code(), [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap()))
    };
    let (status, [out, _]) = run(&["--env", "KINGLET_TEST_A", "--env", "KINGLET_TEST_B", "--env=OWN=1"]);
    assert_eq!(
        (status, out.as_str()),
        (Some(0), "guest.wat\nKINGLET_TEST_A=x=y\nOWN=1\n".replace(".wat", ".wasm").as_str())
    );
    #[cfg(unix)]
    {
        let (status, [_, err]) = run(&["--env", "KINGLET_TEST_C"]);
        assert_eq!(status, Some(1));
        assert!(err.contains("--env KINGLET_TEST_C: the variable's value is not UTF-8"), "{err}");
    }
}

#[cfg(unix)]
#[test]
fn a_colon_in_a_directorys_name_is_escaped() {
    let folder = Folder::new();
    let host = folder.path().join("a:b");
    std::fs::create_dir(&host).unwrap();
    let escaped = host.to_str().unwrap().replace(':', "\\:");
    run_text(crate::MAKE_FOLDER, &["--dir", &format!(".:{}", host.display())], &[])
        .fails(1, &["is not GUEST:HOST or GUEST:HOST:readonly; write `\\:` for a colon in a name"]);
    assert_eq!(run_text(crate::MAKE_FOLDER, &["--dir", &format!(".:{escaped}")], &[]).code(), 0);
    assert!(host.join("made").is_dir());
    assert_ne!(run_text(crate::MAKE_FOLDER, &["--dir", &format!(".:{escaped}:readonly")], &[]).code(), 0);
}

#[test]
fn missing_imports_trap_or_are_zero() {
    run_text(NEEDY, &["--invoke", "fine"], &[])
        .fails(1, &["unknown import", "\"env\" \"f\"", "--unknown-imports trap"]);
    let with = |what: &str, name: &str| run_text(NEEDY, &["--unknown-imports", what, "--invoke", name], &[]);
    with("trap", "fine").prints("5\n");
    with("trap", "call").fails(134, &["\"env\" \"g\"", "which nothing defines"]);
    with("zero", "zero").prints("0\n0\n<null externref>\n");
    with("zero", "call").prints("");
    with("ignore", "fine").fails(1, &["neither trap nor zero"]);
    let state = |what: &str| run_text(NEEDY_FOR_STATE, &["--unknown-imports", what, "--invoke", "state"], &[]);
    state("zero").prints("2\n3\n0\n<null funcref>\n");
    state("trap").fails(1, &["unknown import", "memory", "--unknown-imports zero"]);
    run_text(NEEDY_FOR_STATE, &["--invoke", "state"], &[]).fails(1, &["unknown import", "--unknown-imports zero"]);
}

#[test]
fn modules_are_registered_and_initialized_in_order() {
    let folder = Folder::new();
    let first = folder.file(
        "first.wat",
        "(module (global $g (mut i32) (i32.const 1)) (func (export \"_initialize\") (global.set $g (i32.const 40))) \
         (func (export \"get\") (result i32) (global.get $g)))",
    );
    let second = folder.file(
        "second.wat",
        "(module (import \"first\" \"get\" (func $get (result i32))) \
         (func (export \"more\") (result i32) (i32.add (call $get) (i32.const 2))))",
    );
    let main = "(module (import \"second\" \"more\" (func $more (result i32))) \
                (func (export \"run\") (result i32) (call $more)))";
    let (first, second) = (format!("first:{first}"), format!("second:{second}"));
    let modules = ["--module", &first, "--module", &second];
    run_text(main, &[&modules[..], &["--invoke", "run"]].concat(), &[]).prints("42\n");
    run_text(main, &["--module", &second, "--module", &first, "--invoke", "run"], &[])
        .fails(1, &["--module second", "first"]);
    run_text(main, &["--module", "second:/no/such.wasm", "--invoke", "run"], &[]).fails(1, &["/no/such.wasm"]);
    let instantiated = run_text(main, &[&["instantiate"][..], &modules].concat(), &[]);
    assert!(instantiated.code() == 0 && instantiated.out.ends_with("guest.wat: instantiated\n"), "{instantiated:?}");
}

#[test]
fn an_error_in_another_module_names_that_module() {
    let folder = Folder::new();
    let main = "(module (func (export \"run\")))";
    let with = |text: &str| {
        let path = folder.file("other.wat", text);
        run_text(main, &["--module", &format!("other:{path}"), "--invoke", "run"], &[])
    };
    let unknown = with("(module (import \"wasi_snapshot_preview1\" \"args_gt\" (func)))");
    unknown.fails(1, &["error: --module other: unknown import", "did you mean \"args_get\"?"]);
    assert!(!unknown.err.contains("guest.wat") && !unknown.err.contains("provide it"), "{unknown:?}");
    with("(module (func $s unreachable) (start $s))")
        .fails(134, &["error: --module other: wasm trap: unreachable", "s (func[0])"]);
    with("(module (func (export \"_initialize\") unreachable))")
        .fails(134, &["error: --module other: wasm trap: unreachable"]);
    let segment = with("(module (memory 0) (data (i32.const 1) \"x\"))");
    segment.fails(134, &["error: --module other: wasm trap: out of bounds", "data segment 0"]);
    assert_eq!(segment.err.matches("other").count(), 1, "{segment:?}");
}

#[test]
fn instantiating_runs_the_start_function_and_nothing_else() {
    run_text("(module (func $f unreachable) (start $f))", &["instantiate"], &[]).fails(134, &["unreachable"]);
    let run = run_text(program("unreachable"), &["instantiate"], &[]);
    assert_eq!(run.code(), 0);
    run_text(NEEDY, &["instantiate"], &[]).fails(1, &["unknown import"]);
    assert_eq!(run_text(NEEDY, &["instantiate", "--unknown-imports", "zero"], &[]).code(), 0);
    run_text("(module (memory 4))", &["instantiate", "--memory-page-limit", "3"], &[]).fails(1, &[]);
}

#[test]
fn instantiation_has_the_limits_of_a_run() {
    let endless = "(module (func $f (loop (br 0))) (start $f))";
    run_text(endless, &["instantiate", "--time-limit", "300"], &[]).fails(
        134,
        &["error: stopped: exceeded the time limit of 300 ms\n    0: f (func[0])", "raise or omit --time-limit"],
    );
    run_text(endless, &["instantiate", "--gas-limit", "1000"], &[])
        .fails(134, &["all gas consumed", "raise or omit --gas-limit"]);
    assert_eq!(run_text("(module)", &["instantiate", "--gas-limit", "1000", "--time-limit", "100000"], &[]).code(), 0);
    let deep = "(module (func $f (call $f)) (start $f))";
    run_text(deep, &["instantiate", "--stack-limit", "64"], &[]).fails(134, &["call stack exhausted", "--stack-limit"]);
}

#[test]
fn scripts_run_in_the_selected_mode() {
    let folder = Folder::new();
    let loops = "(module (func (export \"f\") (param i32) (result i32) (loop (br_if 0 (local.tee 0 \
                 (i32.sub (local.get 0) (i32.const 1))))) (local.get 0)))\n\
                 (assert_return (invoke \"f\" (i32.const 1000)) (i32.const 0))\n";
    let file = folder.file("loops.wast", loops.repeat(3));
    let events = |options: &[&str]| {
        let run = run(&[&["wast"], options, &["--log-level", "trace", &file]].concat());
        run.prints(&format!("{file}: 6 passed, 0 failed, 0 out of scope\n"));
        let count = |what: &str| run.err.lines().filter(|line| line.contains(what)).count();
        (count("native code in use"), count("function lowered"))
    };
    let (tiered, lowered) = events(&["--run-mode", "interpreter"]);
    assert!(tiered == 0 && lowered >= 3, "{tiered} {lowered}");
    if cfg!(feature = "jit") {
        assert_eq!(events(&["--run-mode", "jit"]), (0, 0));
        let at_once =
            ["--run-mode", "auto", "--sampling-interval", "0", "--samples", "1", "--bytes-a-sample", "100000"];
        assert!(events(&at_once).0 >= 3);
        let (tiered, lowered) = events(&["--run-mode", "auto", "--samples", "4000000000"]);
        assert!(tiered == 0 && lowered >= 3, "{tiered} {lowered}");
    }
}

#[test]
fn a_start_of_another_type_is_called_as_a_function() {
    let text = "(module (func (export \"_start\") (param i32) (result i32) (i32.mul (local.get 0) (i32.const 2))))";
    run_text(text, &[], &["21"]).prints("42\n");
    run_text(text, &[], &[]).fails(1, &["`_start` takes 1 argument, but 0 are given", "_start(i32) -> (i32)"]);
}

#[test]
fn a_wrong_argument_names_its_parameter_and_an_example() {
    let text =
        "(module (func (export \"area\") (param $width f64) (param $name externref) (result f64) (local.get 0)))";
    run_text(text, &["--invoke", "area"], &["wide", "null"])
        .fails(1, &["argument 1 (`width`) of `area`: `wide` is not an f64; for example 1.5"]);
    run_text(text, &["--invoke", "area"], &["2", "x"])
        .fails(1, &["argument 2 (`name`) of `area`", "an externref; for example null"]);
    let add = "(module (func (export \"fib\") (param $n i32)))";
    run_text(add, &["--invoke", "fib"], &["4294967296"])
        .fails(1, &["argument 1 (`n`) of `fib`: 4294967296 is out of range for i32\n"]);
    run_text(text, &["--invoke", "area"], &["2", "null"]).prints("2\n");
    run_text(text, &["--invoke", "area"], &["2"]).fails(1, &["area(f64, externref) -> (f64)"]);
    run_text(FUNCTIONS, &["--invoke", "ad"], &[]).fails(1, &["did you mean `add`?"]);
    run_text(FUNCTIONS, &["--reactor"], &[])
        .fails(1, &["the name of a function must follow the file", "It exports add, swap"]);
}
