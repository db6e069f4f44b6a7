//! The command with few resources: no threads, or little address space. It works without them or prints the missing
//! resource; it never panics or aborts.

use std::process::{Command, Stdio};

use kinglet_tests::folder::Folder;
use kinglet_tests::program::{CACHE, Run, finish, kinglet};

/// Runs a text where no thread can start, because a thread's stack would be larger than the address space.
fn without_threads(text: &str, args: &[&str]) -> Run {
    let folder = Folder::new();
    let file = folder.file("guest.wat", text);
    let mut command = Command::new(kinglet());
    command.env("RUST_MIN_STACK", (1_u64 << 50).to_string()).env(CACHE, "").args(args).arg(file).arg("7");
    finish(command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap())
}

/// Returns a module with enough code for several threads to validate and compile, which calls all of it.
fn large() -> String {
    let nothing = "nop ".repeat(15_000);
    let function =
        |i| format!("(func $f{i} (param i32) (result i32) {nothing} (i32.add (local.get 0) (i32.const {i})))\n");
    let functions: String = (0..20).map(function).collect();
    let calls: String = (0..20).map(|i| format!("(local.set 0 (call $f{i} (local.get 0)))")).collect();
    format!("(module {functions} (func (export \"f\") (param i32) (result i32) {calls} (local.get 0)))")
}

#[test]
fn programs_run_without_threads() {
    let text = large();
    for mode in ["interpreter", "auto", "jit"] {
        without_threads(&text, &["--run-mode", mode, "--invoke", "f"]).prints("197\n");
    }
}

#[test]
fn a_time_limit_without_threads_is_an_error() {
    let text = "(module (func (export \"f\") (param i32)))";
    let run = without_threads(text, &["--time-limit", "1000", "--invoke", "f"]);
    run.fails(1, &["cannot start a thread for the time limit", "ulimit -u"]);
    assert_eq!(without_threads(text, &["--time-limit", "0", "--invoke", "f"]).code(), 0);
}

/// Runs a text with a limit of address space, in KiB.
fn with_address_space(text: &str, kibibytes: usize, args: &[&str]) -> Run {
    let folder = Folder::new();
    let file = folder.file("guest.wat", text);
    let mut command = Command::new("sh");
    command
        .args(["-c", "ulimit -v $0 && exec \"$@\"", &kibibytes.to_string()])
        .env(CACHE, "")
        .arg(kinglet())
        .args(args);
    command.args(["--dir", &format!("/:{}", folder.path().display()), &file]);
    finish(command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap())
}

/// The address space suffices to reserve one of the memories.
#[test]
fn memories_that_cannot_be_reserved_have_explicit_checks() {
    let text = r#"(module (memory $a 1) (memory $b 1)
        (func (export "_start")
          (i32.store $b (i32.const 0) (i32.const 1))
          (i32.store $a (i32.const 65532) (i32.load $b (i32.const 0)))
          (drop (memory.grow $b (i32.const 10)))
          (if (i32.ne (i32.load $a (i32.const 65532)) (i32.const 1)) (then unreachable))
          (i32.store $b (i32.const 0xaffff) (i32.const 1))))"#;
    for mode in ["interpreter", "auto", "jit"] {
        let run = with_address_space(text, 5_000_000, &["--run-mode", mode]);
        run.fails(134, &["out of bounds memory access"]);
        assert_eq!(with_address_space(&text.replace("0xaffff", "0xafffc"), 5_000_000, &["--run-mode", mode]).code(), 0);
    }
}

/// Allocates all memory, and then calls host functions.
const GREEDY: &str = r#"(module
  (import "wasi_snapshot_preview1" "path_open"
    (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_readdir" (func $readdir (param i32 i32 i32 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_close" (func $close (param i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1) (table $t 1 externref)
  (data (i32.const 0) "f") (data (i32.const 16) "\20\00\00\00\06\00\00\00") (data (i32.const 32) "alive\n")
  (func (export "_start") (local $i i32)
    (loop $all (br_if $all (i32.ne (memory.grow (i32.const 1)) (i32.const -1))))
    (loop $all (br_if $all (i32.ne (table.grow $t (ref.null extern) (i32.const 10000)) (i32.const -1))))
    (loop $next
      (drop (call $open (i32.const 3) (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 1) (i64.const 2) (i64.const 0)
        (i32.const 0) (i32.const 8)))
      (drop (call $readdir (i32.const 3) (i32.const 4096) (i32.const 4096) (i64.const 0) (i32.const 12)))
      (drop (call $close (i32.load (i32.const 8))))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $next (i32.lt_u (local.get $i) (i32.const 300))))
    (drop (call $write (i32.const 1) (i32.const 16) (i32.const 1) (i32.const 24)))))"#;

#[test]
fn a_guest_that_allocates_all_memory_leaves_enough_for_the_host() {
    for mode in ["interpreter", "auto", "jit"] {
        for megabytes in [100, 128, 150, 400] {
            let run = with_address_space(GREEDY, megabytes << 10, &["--run-mode", mode]);
            assert_eq!((run.code(), &*run.out), (0, "alive\n"), "{mode}, {megabytes} MiB: {run:?}");
        }
    }
}

/// The engine's threads start just before the guest gets its stack. By default, glibc's allocator reserves a large
/// arena for a thread's first allocation.
#[test]
fn starting_threads_do_not_take_the_guests_address_space() {
    for time in 0..10 {
        let output = with_address_space(GREEDY, 152 << 10, &["--run-mode", "auto"]);
        assert_eq!((output.code(), &*output.out), (0, "alive\n"), "time {time}: {output:?}");
    }
}

/// At every size, the command prints that memory is missing, or the system does not start it.
#[test]
fn too_little_address_space_is_reported() {
    let mut said = 0;
    for megabytes in (16..48).step_by(2) {
        let run = with_address_space("(module (func (export \"_start\")))", megabytes << 10, &[]);
        assert!(!run.err.contains("call stack exhausted"), "{megabytes} MiB: {run:?}");
        assert!(!run.err.contains("panicked"), "{megabytes} MiB: {run:?}");
        said += usize::from(run.status.code() == Some(134) && run.err.contains("out of memory"));
    }
    assert!(said > 0, "between too little to start and enough there is a size where it is said");
}
