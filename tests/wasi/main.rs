//! WASI through the embedding API: guests with directories, streams and sockets whose other ends the test holds.

mod deadline;
mod inherit;
#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod limit;

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

use kinglet::{Engine, Linker, Module, Result, Store, Trap, WasmBacktrace};
use kinglet_tests::folder::Folder;
use kinglet_wasi::{FsPerms, I32Exit, MemoryDir, Pipe, WasiCtx};

/// Returns the path of a file in `guests`.
fn guest(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../guests").join(name)
}

fn instantiate(module: &Module, ctx: WasiCtx) -> (Store<WasiCtx>, kinglet::Instance) {
    let mut linker = Linker::new(module.engine());
    kinglet_wasi::add_to_linker(&mut linker, |ctx: &mut WasiCtx| ctx).unwrap();
    let mut store = Store::new(module.engine(), ctx);
    let instance = linker.instantiate(&mut store, module).unwrap();
    (store, instance)
}

/// Runs a program: instantiates it and calls `_start`.
fn start(module: &Module, ctx: WasiCtx) -> Result<()> {
    let (mut store, instance) = instantiate(module, ctx);
    instance.get_typed_func::<(), ()>(&mut store, "_start")?.call(&mut store, ())
}

/// Loads a module from `guests`.
fn guest_module(name: &str) -> Module {
    Module::from_file(&Engine::default(), guest(name)).unwrap()
}

/// Returns a program whose `_start` has the body `body`, and which imports the functions that these tests call.
fn program(body: &str) -> Module {
    let text = format!(
        r#"(module
            (import "wasi_snapshot_preview1" "fd_read" (func $fd_read (param i32 i32 i32 i32) (result i32)))
            (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
            (import "wasi_snapshot_preview1" "proc_raise" (func $proc_raise (param i32) (result i32)))
            (import "wasi_snapshot_preview1" "sock_accept" (func $sock_accept (param i32 i32 i32) (result i32)))
            (import "wasi_snapshot_preview1" "sock_shutdown" (func $sock_shutdown (param i32 i32) (result i32)))
            (memory (export "memory") 1)
            ;; An iovec for 64 bytes at 1024.
            (data (i32.const 0) "\00\04\00\00\40\00\00\00")
            (func $ok (param i32) (if (local.get 0) (then unreachable)))
            (func (export "_start") (local $socket i32) {body}))"#
    );
    Module::new(&Engine::default(), text).unwrap()
}

#[test]
fn a_program_produces_the_same_output_with_files_in_memory() {
    let (tree, out) = (MemoryDir::new(), Pipe::new());
    let mut builder = WasiCtx::builder();
    let ctx = builder.stdout(out.clone()).preopened_memory(&tree, ".", FsPerms::ReadWrite).build().unwrap();
    start(&guest_module("files.wasm"), ctx).unwrap();
    assert_eq!(String::from_utf8(out.take()).unwrap(), std::fs::read_to_string(guest("files.expected")).unwrap());
    assert_eq!(tree.files(), [""; 0], "the program removes its files");
}

#[test]
fn standard_input_and_output_can_be_in_memory() {
    let (input, out) = (std::fs::read(guest("stdin.input")).unwrap(), Pipe::new());
    let ctx = WasiCtx::builder().stdin(Pipe::from(input)).stdout(out.clone()).build().unwrap();
    start(&guest_module("stdin.wasm"), ctx).unwrap();
    assert_eq!(out.take(), std::fs::read(guest("stdin.expected")).unwrap());
}

#[test]
fn standard_streams_can_be_pipes_of_the_host() {
    let ((input, mut to_guest), (mut from_guest, out)) = (std::io::pipe().unwrap(), std::io::pipe().unwrap());
    let guest = std::thread::spawn(move || {
        let ctx = WasiCtx::builder().stdin(input).stdout(out).build().unwrap();
        let echo = program(
            "(loop $again
                (call $ok (call $fd_read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))
                (if (i32.load (i32.const 8)) (then
                    (i32.store (i32.const 4) (i32.load (i32.const 8)))
                    (call $ok (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))
                    (i32.store (i32.const 4) (i32.const 64))
                    (br $again))))",
        );
        start(&echo, ctx).unwrap();
    });
    for line in ["one", "two"] {
        to_guest.write_all(line.as_bytes()).unwrap();
        let mut answer = [0; 3];
        from_guest.read_exact(&mut answer).unwrap();
        assert_eq!(answer, line.as_bytes());
    }
    drop(to_guest);
    guest.join().unwrap();
}

/// Accepts a connection, echoes the bytes that it receives, and shuts it down.
const SERVER: &str = "
    (call $ok (call $sock_accept (i32.const 3) (i32.const 0) (i32.const 12)))
    (local.set $socket (i32.load (i32.const 12)))
    (call $ok (call $fd_read (local.get $socket) (i32.const 0) (i32.const 1) (i32.const 4)))
    (call $ok (call $fd_write (local.get $socket) (i32.const 0) (i32.const 1) (i32.const 8)))
    (call $ok (call $sock_shutdown (local.get $socket) (i32.const 3)))";

#[test]
fn a_guest_accepts_connections_from_a_preopened_listener() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let client = std::thread::spawn(move || {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(b"hello").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    });
    let mut builder = WasiCtx::builder();
    let ctx = builder.preopened_socket(listener).unwrap().build().unwrap();
    start(&program(SERVER), ctx).unwrap();
    assert_eq!(client.join().unwrap(), "hello");
}

#[test]
fn a_guest_that_waits_for_a_connection_can_be_interrupted() {
    let mut builder = WasiCtx::builder();
    let ctx = builder.preopened_socket(TcpListener::bind("127.0.0.1:0").unwrap()).unwrap().build().unwrap();
    let (mut store, instance) = instantiate(&program(SERVER), ctx);
    let handle = store.interrupt_handle();
    let interrupter = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(20));
        handle.interrupt();
    });
    let start = instance.get_typed_func::<(), ()>(&mut store, "_start").unwrap();
    let error = start.call(&mut store, ()).unwrap_err();
    assert_eq!(error.downcast_ref::<Trap>(), Some(&Trap::Interrupted));
    interrupter.join().unwrap();
}

#[test]
fn proc_raise_ends_the_guest_but_not_the_host() {
    let abort = program("(call $ok (call $proc_raise (i32.const 6)))");
    let error = start(&abort, WasiCtx::builder().build().unwrap()).unwrap_err();
    assert_eq!(error.downcast_ref::<I32Exit>(), Some(&I32Exit(134)));
    let ignored = program("(call $ok (call $proc_raise (i32.const 16)))");
    start(&ignored, WasiCtx::builder().build().unwrap()).unwrap();
}

/// Runs an export of `abi.wat`, and returns the bytes that the guest has sent over its connection.
fn run_abi_test(name: &str, module: &Module, mut builder: kinglet_wasi::WasiCtxBuilder) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    client.write_all(b"ping").unwrap();
    let ctx = builder.preopened_socket(listener.accept().unwrap().0).unwrap().build().unwrap();
    let mut linker = Linker::new(module.engine());
    kinglet_wasi::add_to_linker(&mut linker, |ctx: &mut WasiCtx| ctx).unwrap();
    let test = name.to_string();
    let equal = move |caller: kinglet::Caller<'_, WasiCtx>, found: i64, wanted: i64| {
        assert_eq!(found, wanted, "{test} {}", WasmBacktrace::capture(&caller));
    };
    linker.func_wrap("test", "equal", equal).unwrap();
    let mut store = Store::new(module.engine(), ctx);
    let instance = linker.instantiate(&mut store, module).unwrap();
    instance.get_typed_func::<(), ()>(&mut store, name).unwrap().call(&mut store, ()).unwrap();
    drop(store);
    let mut sent = Vec::new();
    client.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    // Fails if the guest has left bytes unread, because that resets the connection.
    let _ = client.read_to_end(&mut sent);
    String::from_utf8(sent).unwrap()
}

#[test]
fn functions_that_programs_seldom_call_follow_the_specification() {
    let module = Module::new(&Engine::default(), include_str!("abi.wat")).unwrap();
    let tests = module.exports().filter(|export| export.ty().func().is_some());
    let names: Vec<&str> = tests.map(|export| export.name()).collect();
    assert!(names.len() >= 10 && names.iter().all(|name| kinglet_wasi::FUNCTIONS.contains(name)), "{names:?}");
    for name in names {
        let temp = Folder::new();
        let (mut on_disk, mut in_memory) = (WasiCtx::builder(), WasiCtx::builder());
        on_disk.preopened_dir(temp.path(), ".", FsPerms::ReadWrite).unwrap();
        in_memory.preopened_memory(&MemoryDir::new(), ".", FsPerms::ReadWrite);
        for builder in [on_disk, in_memory] {
            let sent = run_abi_test(name, &module, builder);
            assert!(sent == if name == "sock_send" { "hello" } else { "" }, "{name}: {sent:?}");
        }
    }
}

/// A program for snapshot 0, which has another `whence` number for the start and a 32-bit number of links.
const SNAPSHOT_0_PROGRAM: &str = r#"(module
    (import "wasi_unstable" "path_open"
        (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
    (import "wasi_unstable" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
    (import "wasi_unstable" "fd_seek" (func $seek (param i32 i64 i32 i32) (result i32)))
    (import "wasi_unstable" "fd_filestat_get" (func $stat (param i32 i32) (result i32)))
    (import "wasi_unstable" "proc_exit" (func $exit (param i32)))
    (memory (export "memory") 1)
    (data (i32.const 0) "\40\00\00\00\04\00\00\00")
    (data (i32.const 64) "text")
    (func $ok (param i32) (if (local.get 0) (then unreachable)))
    (func (export "_start") (local $fd i32)
        (call $ok (call $open (i32.const 3) (i32.const 0) (i32.const 64) (i32.const 4) (i32.const 1)
            (i64.const 66) (i64.const 0) (i32.const 0) (i32.const 8)))
        (local.set $fd (i32.load (i32.const 8)))
        (call $ok (call $write (local.get $fd) (i32.const 0) (i32.const 1) (i32.const 12)))
        (call $ok (call $seek (local.get $fd) (i64.const 2) (i32.const 2) (i32.const 16)))
        (call $ok (call $write (local.get $fd) (i32.const 0) (i32.const 1) (i32.const 12)))
        (call $ok (call $stat (local.get $fd) (i32.const 128)))
        ;; The number of links is 1, and the size is 6 bytes.
        (call $exit (i32.add (i32.mul (i32.load (i32.const 148)) (i32.const 10)) (i32.load (i32.const 152))))))"#;

#[test]
fn a_program_for_snapshot_0_runs() {
    let module = Module::new(&Engine::default(), SNAPSHOT_0_PROGRAM).unwrap();
    let tree = MemoryDir::new();
    let mut builder = WasiCtx::builder();
    let ctx = builder.preopened_memory(&tree, ".", FsPerms::ReadWrite).build().unwrap();
    let mut linker = Linker::new(module.engine());
    // A linker can define both versions.
    kinglet_wasi::p1::add_to_linker_sync(&mut linker, |ctx: &mut WasiCtx| ctx).unwrap();
    kinglet_wasi::p0::add_to_linker_sync(&mut linker, |ctx: &mut WasiCtx| ctx).unwrap();
    let mut store = Store::new(module.engine(), ctx);
    let instance = linker.instantiate(&mut store, &module).unwrap();
    let start = instance.get_typed_func::<(), ()>(&mut store, "_start").unwrap();
    let error = start.call(&mut store, ()).unwrap_err();
    assert_eq!(error.downcast_ref::<I32Exit>(), Some(&I32Exit(16)));
    assert_eq!(tree.read("text").unwrap(), b"tetext");
}
