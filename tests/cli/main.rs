//! Tests of the command from outside: every option, every kind of bad input, and every way in which a run ends. To a
//! shell a trap looks like an abort, but the process exits normally. No input causes a panic, and a time limit stops
//! every guest.

mod bench;
#[cfg(feature = "jit")]
mod cache;
#[cfg(feature = "jit")]
mod compile;
mod dispatch;
#[cfg(feature = "jit")]
mod exe;
mod inspect;
#[cfg(feature = "jit")]
mod listing;
mod mistakes;
mod option;
#[cfg(all(unix, feature = "jit"))]
mod output;
#[cfg(all(target_os = "linux", feature = "jit"))]
mod perf;
mod reference;
mod run;
#[cfg(target_os = "linux")]
mod scarce;
#[cfg(unix)]
mod stack;
mod stream;
mod terminal;
#[cfg(feature = "jit")]
mod tier_up;
mod wasmedge;

use kinglet_tests::folder::Folder;
use kinglet_tests::program::{Run, run};

/// A program that prints each argument and environment variable on a separate line.
const ARGUMENTS: &str = r#"(module
  (import "wasi_snapshot_preview1" "args_sizes_get" (func $args_sizes_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "args_get" (func $args_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "environ_sizes_get" (func $environ_sizes_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "environ_get" (func $environ_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func $print (param $from i32) (param $length i32)
    (local $at i32)
    (block $done (loop $next
      (br_if $done (i32.ge_u (local.get $at) (local.get $length)))
      (if (i32.eqz (i32.load8_u (i32.add (local.get $from) (local.get $at))))
        (then (i32.store8 (i32.add (local.get $from) (local.get $at)) (i32.const 10))))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (br $next)))
    (i32.store (i32.const 8) (local.get $from))
    (i32.store (i32.const 12) (local.get $length))
    (drop (call $fd_write (i32.const 1) (i32.const 8) (i32.const 1) (i32.const 16))))
  (func (export "_start")
    (drop (call $args_sizes_get (i32.const 0) (i32.const 4)))
    (drop (call $args_get (i32.const 1024) (i32.const 4096)))
    (call $print (i32.const 4096) (i32.load (i32.const 4)))
    (drop (call $environ_sizes_get (i32.const 0) (i32.const 4)))
    (drop (call $environ_get (i32.const 1024) (i32.const 4096)))
    (call $print (i32.const 4096) (i32.load (i32.const 4)))))"#;

/// A program that creates the directory `made` in its first preopened directory, and exits with the error number.
const MAKE_FOLDER: &str = r#"(module
  (import "wasi_snapshot_preview1" "path_create_directory" (func $make (param i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "made")
  (func (export "_start") (call $exit (call $make (i32.const 3) (i32.const 0) (i32.const 4)))))"#;

/// A program that reads from standard input.
const READ: &str = r#"(module
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\10\00\00\00\10\00\00\00")
  (func (export "_start") (drop (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))))"#;

/// Functions to invoke, with every type that the command line supports.
const FUNCTIONS: &str = r#"(module
  (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
  (func (export "swap") (param i64 f32) (result f32 i64) (local.get 1) (local.get 0))
  (func (export "half") (param f64) (result f64) (f64.mul (local.get 0) (f64.const 0.5)))
  (func (export "vector") (param v128) (result v128) (local.get 0))
  (func $f (export "refs") (result funcref funcref externref)
    (ref.func $f) (ref.null func) (ref.null extern))
  (func (export "takes-ref") (param externref))
  (func (export "nothing"))
  (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
  (memory 1))"#;

/// Writes `text` to a file, and runs the command with `before`, the file, and `after`.
#[track_caller]
fn run_text(text: impl AsRef<[u8]>, before: &[&str], after: &[&str]) -> Run {
    let folder = Folder::new();
    let file = folder.file("guest.wat", text);
    run(&[before, &[&file], after].concat())
}

fn program(body: &str) -> String {
    format!("(module (func $inner {body}) (func $outer (export \"_start\") (call $inner)))")
}
