//! A guest that inherits the standard streams and the arguments of its process. The test starts its own executable as
//! that process. The calls are those of a WASI embedding of Wasmtime, except for the names of the crates.

use std::io::Write;
use std::process::{Command, Stdio};

use kinglet::{Engine, Linker, Module, Result, Store};
use kinglet_wasi::{WasiCtx, p1};

/// The variable that is set in the child process. Its value selects the calls that the child makes.
const MODE: &str = "KINGLET_TEST_INHERIT";

/// Copies standard input to standard output, and writes the arguments to standard error.
const PROGRAM: &str = r#"(module
    (import "wasi_snapshot_preview1" "args_sizes_get" (func $args_sizes_get (param i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "args_get" (func $args_get (param i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_read" (func $fd_read (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
    (memory (export "memory") 1)
    ;; An iovec for 64 bytes at 1024.
    (data (i32.const 0) "\00\04\00\00\40\00\00\00")
    (func $ok (param i32) (if (local.get 0) (then unreachable)))
    (func (export "_start")
        (call $ok (call $fd_read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 4)))
        (call $ok (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))
        (call $ok (call $args_sizes_get (i32.const 8) (i32.const 4)))
        (i32.store (i32.const 0) (i32.const 8192))
        (call $ok (call $args_get (i32.const 4096) (i32.const 8192)))
        (call $ok (call $fd_write (i32.const 2) (i32.const 0) (i32.const 1) (i32.const 8)))))"#;

/// Runs the program in this process.
fn run_program(mode: &str) -> Result<()> {
    let engine = Engine::default();
    let mut linker = Linker::new(&engine);
    p1::add_to_linker_sync(&mut linker, |state| state)?;

    let wasi = match mode {
        "stdio" => WasiCtx::builder().inherit_stdio().inherit_args().build_p1(),
        _ => WasiCtx::builder().inherit_stdin().inherit_stdout().inherit_stderr().inherit_args().build_p1(),
    };
    let mut store = Store::new(&engine, wasi);

    let module = Module::new(&engine, PROGRAM)?;
    linker.module(&mut store, "", &module)?;
    linker.get_default(&mut store, "")?.typed::<(), ()>(&store)?.call(&mut store, ())
}

#[test]
fn a_guest_inherits_the_streams_and_arguments_of_its_process() {
    if let Ok(mode) = std::env::var(MODE) {
        return run_program(&mode).unwrap();
    }
    for mode in ["stdio", "streams"] {
        let name = "inherit::a_guest_inherits_the_streams_and_arguments_of_its_process";
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", name, "--nocapture"])
            .env(MODE, mode)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(b"a line of input\n").unwrap();
        let output = child.wait_with_output().unwrap();
        let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{mode}: {stdout}{stderr}");
        assert!(stdout.contains("a line of input\n"), "{mode}: {stdout}");
        assert!(stderr.contains(&format!("\0--exact\0{name}\0--nocapture\0")), "{mode}: {stderr}");
    }
}
