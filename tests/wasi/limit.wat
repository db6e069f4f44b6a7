;; Fills the directory with descriptor 3. Each export creates entries until a call fails with ENOSPC (51), and returns
;; their number.
(module
  (import "wasi_snapshot_preview1" "path_create_directory" (func $mkdir (param i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_remove_directory" (func $rmdir (param i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_unlink_file" (func $unlink (param i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_symlink" (func $symlink (param i32 i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_link" (func $link (param i32 i32 i32 i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_open"
    (func $path_open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_close" (func $close (param i32) (result i32)))
  (memory (export "memory") 1)
  ;; A name of 8 bytes at 1024, followed by "/file"; one byte at 512; 100 bytes at 2048, with an iovec at 16.
  (data (i32.const 1032) "/file")
  (data (i32.const 512) "x")
  (data (i32.const 16) "\00\08\00\00\64\00\00\00")
  ;; An iovec of one byte at 24.
  (data (i32.const 24) "\00\08\00\00\01\00\00\00")

  (func $ok (param i32) (if (local.get 0) (then unreachable)))
  ;; Returns 0 for ENOSPC and 1 for success. Traps for other errors.
  (func $fits (param $errno i32) (result i32)
    (if (i32.eq (local.get $errno) (i32.const 51)) (then (return (i32.const 0))))
    (call $ok (local.get $errno))
    (i32.const 1))

  ;; Writes a number as a name, with one letter for each four bits.
  (func $name (param $n i32) (local $at i32)
    (local.set $at (i32.const 1024))
    (loop $next
      (i32.store8 (local.get $at) (i32.add (i32.const 97) (i32.and (local.get $n) (i32.const 15))))
      (local.set $n (i32.shr_u (local.get $n) (i32.const 4)))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (br_if $next (i32.lt_u (local.get $at) (i32.const 1032)))))

  ;; Opens a path below a directory with oflags and rights, and returns the errno. The descriptor is stored at 0.
  (func $open (param $fd i32) (param $path i32) (param $len i32) (param $flags i32) (param $rights i64) (result i32)
    (call $path_open (local.get $fd) (i32.const 0) (local.get $path) (local.get $len) (local.get $flags)
      (local.get $rights) (i64.const -1) (i32.const 0) (i32.const 0)))

  (func $file (param $len i32) (result i32) (local $errno i32)
    (local.set $errno (call $open (i32.const 3) (i32.const 1024) (local.get $len) (i32.const 1) (i64.const 66)))
    (if (i32.eqz (local.get $errno)) (then (call $ok (call $close (i32.load (i32.const 0))))))
    (local.get $errno))

  (func (export "directories") (result i32) (local $n i32)
    (local.set $n (i32.const 0x10000000))
    (loop $next
      (call $name (local.get $n))
      (local.set $n (i32.add (local.get $n) (i32.const 1)))
      (br_if $next (call $fits (call $mkdir (i32.const 3) (i32.const 1024) (i32.const 8)))))
    (i32.sub (local.get $n) (i32.const 0x10000000)))

  (func (export "nested_directories") (result i32) (local $n i32) (local $fd i32)
    (local.set $fd (i32.const 3))
    (block $done
      (loop $next
        (local.set $n (i32.add (local.get $n) (i32.const 1)))
        (br_if $done (i32.eqz (call $fits (call $mkdir (local.get $fd) (i32.const 512) (i32.const 1)))))
        (call $ok (call $open (local.get $fd) (i32.const 512) (i32.const 1) (i32.const 2) (i64.const 0)))
        (if (i32.ne (local.get $fd) (i32.const 3)) (then (call $ok (call $close (local.get $fd)))))
        (local.set $fd (i32.load (i32.const 0)))
        (br $next)))
    (local.get $n))

  (func (export "directories_with_file") (result i32) (local $n i32)
    (block $done
      (loop $next
        (call $name (local.get $n))
        (local.set $n (i32.add (local.get $n) (i32.const 1)))
        (br_if $done (i32.eqz (call $fits (call $mkdir (i32.const 3) (i32.const 1024) (i32.const 8)))))
        (br_if $next (call $fits (call $file (i32.const 13))))))
    (local.get $n))

  (func (export "files") (result i32) (local $n i32)
    (loop $next
      (call $name (local.get $n))
      (local.set $n (i32.add (local.get $n) (i32.const 1)))
      (br_if $next (call $fits (call $file (i32.const 8)))))
    (local.get $n))

  (func (export "long_names") (result i32) (local $n i32)
    (memory.fill (i32.const 1032) (i32.const 110) (i32.const 247))
    (loop $next
      (call $name (local.get $n))
      (local.set $n (i32.add (local.get $n) (i32.const 1)))
      (br_if $next (call $fits (call $file (i32.const 255)))))
    (local.get $n))

  (func (export "symlinks") (result i32) (local $n i32)
    (loop $next
      (call $name (local.get $n))
      (local.set $n (i32.add (local.get $n) (i32.const 1)))
      (br_if $next (call $fits
        (call $symlink (i32.const 512) (i32.const 1) (i32.const 3) (i32.const 1024) (i32.const 8)))))
    (local.get $n))

  (func (export "hard_links") (result i32) (local $n i32)
    (call $ok (call $open (i32.const 3) (i32.const 512) (i32.const 1) (i32.const 1) (i64.const 66)))
    (local.set $n (i32.const 0x20000000))
    (loop $next
      (call $name (local.get $n))
      (local.set $n (i32.add (local.get $n) (i32.const 1)))
      (br_if $next (call $fits (call $link (i32.const 3) (i32.const 0) (i32.const 512) (i32.const 1)
        (i32.const 3) (i32.const 1024) (i32.const 8)))))
    (i32.sub (local.get $n) (i32.const 0x20000000)))

  (func (export "growing_file") (result i32) (local $n i32)
    (call $ok (call $open (i32.const 3) (i32.const 512) (i32.const 1) (i32.const 1) (i64.const 66)))
    (loop $next
      (local.set $n (i32.add (local.get $n) (i32.const 1)))
      (br_if $next (call $fits
        (call $write (i32.load (i32.const 0)) (i32.const 16) (i32.const 1) (i32.const 4)))))
    (local.get $n))

  (func (export "small_files") (result i32) (local $n i32)
    (block $done
      (loop $next
        (call $name (local.get $n))
        (local.set $n (i32.add (local.get $n) (i32.const 1)))
        (br_if $done (i32.eqz (call $fits
          (call $open (i32.const 3) (i32.const 1024) (i32.const 8) (i32.const 1) (i64.const 66)))))
        (br_if $done (i32.eqz (call $fits
          (call $write (i32.load (i32.const 0)) (i32.const 24) (i32.const 1) (i32.const 4)))))
        (call $ok (call $close (i32.load (i32.const 0))))
        (br $next)))
    (local.get $n))

  ;; Removes files until none is left, except every fifth.
  (func (export "remove_files") (result i32) (local $n i32)
    (block $done
      (loop $next
        (call $name (local.get $n))
        (if (i32.rem_u (local.get $n) (i32.const 5))
          (then (br_if $done (call $unlink (i32.const 3) (i32.const 1024) (i32.const 8)))))
        (local.set $n (i32.add (local.get $n) (i32.const 1)))
        (br $next)))
    (local.get $n))

  ;; Removes directories until none is left, except every seventh.
  (func (export "remove_directories") (result i32) (local $n i32)
    (local.set $n (i32.const 0x10000000))
    (block $done
      (loop $next
        (call $name (local.get $n))
        (if (i32.rem_u (local.get $n) (i32.const 7))
          (then (br_if $done (call $rmdir (i32.const 3) (i32.const 1024) (i32.const 8)))))
        (local.set $n (i32.add (local.get $n) (i32.const 1)))
        (br $next)))
    (i32.sub (local.get $n) (i32.const 0x10000000))))
