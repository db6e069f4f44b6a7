;; Tests of WASI functions that compiled programs seldom call. Each export is a test of the function with that name. It has
;; a directory as descriptor 3, and as descriptor 4 a connection that has received "ping". Memory: 0 an iovec, 64 results,
;; 256 a path, 512 text, 1024 a buffer, 2048 subscriptions, 3072 events.
(module
  (import "test" "equal" (func $equal (param i64 i64)))
  (import "wasi_snapshot_preview1" "path_open"
    (func $path_open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $fd_read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_seek" (func $fd_seek (param i32 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_tell" (func $fd_tell (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_renumber" (func $fd_renumber (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_advise" (func $fd_advise (param i32 i64 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_allocate" (func $fd_allocate (param i32 i64 i64) (result i32)))
  (import "wasi_snapshot_preview1" "fd_filestat_get" (func $fd_filestat_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_fdstat_get" (func $fd_fdstat_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_fdstat_set_rights"
    (func $fd_fdstat_set_rights (param i32 i64 i64) (result i32)))
  (import "wasi_snapshot_preview1" "sock_send" (func $sock_send (param i32 i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "sock_recv" (func $sock_recv (param i32 i32 i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll_oneoff (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "clock_res_get" (func $clock_res_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "sched_yield" (func $sched_yield (result i32)))

  (memory (export "memory") 1)
  (data (i32.const 256) "file")
  (data (i32.const 512) "hello")

  ;; Error numbers.
  (global $success i32 (i32.const 0))
  (global $badf i32 (i32.const 8))
  (global $inval i32 (i32.const 28))
  (global $notsock i32 (i32.const 57))
  (global $spipe i32 (i32.const 70))
  (global $notcapable i32 (i32.const 76))

  (func $is (param $errno i32) (param $wanted i32)
    (call $equal (i64.extend_i32_u (local.get $errno)) (i64.extend_i32_u (local.get $wanted))))

  (func $iovec (param $at i32) (param $len i32)
    (i32.store (i32.const 0) (local.get $at))
    (i32.store (i32.const 4) (local.get $len)))

  ;; Creates a file, writes "hello" to it, and returns its descriptor. The rights are fd_read, fd_seek, fd_tell, fd_write,
  ;; fd_advise, fd_allocate, fd_filestat_get and poll_fd_readwrite.
  (func $open (result i32)
    (call $is
      (call $path_open (i32.const 3) (i32.const 0) (i32.const 256) (i32.const 4) (i32.const 1)
        (i64.const 0x82001e6) (i64.const 0) (i32.const 0) (i32.const 64))
      (global.get $success))
    (call $iovec (i32.const 512) (i32.const 5))
    (call $is (call $fd_write (i32.load (i32.const 64)) (i32.const 0) (i32.const 1) (i32.const 68)) (global.get $success))
    (call $equal (i64.load32_u (i32.const 68)) (i64.const 5))
    (i32.load (i32.const 64)))

  (func (export "fd_tell") (local $fd i32)
    (local.set $fd (call $open))
    (call $is (call $fd_tell (local.get $fd) (i32.const 72)) (global.get $success))
    (call $equal (i64.load (i32.const 72)) (i64.const 5))
    (call $is (call $fd_seek (local.get $fd) (i64.const -3) (i32.const 1) (i32.const 80)) (global.get $success))
    (call $is (call $fd_tell (local.get $fd) (i32.const 72)) (global.get $success))
    (call $equal (i64.load (i32.const 72)) (i64.const 2))
    (call $is (call $fd_tell (i32.const 1) (i32.const 72)) (global.get $spipe))
    (call $is (call $fd_tell (i32.const 77) (i32.const 72)) (global.get $badf)))

  ;; The file replaces standard output.
  (func (export "fd_renumber") (local $fd i32)
    (local.set $fd (call $open))
    (call $is (call $fd_renumber (i32.const 77) (i32.const 1)) (global.get $badf))
    (call $is (call $fd_tell (i32.const 1) (i32.const 72)) (global.get $spipe))
    (call $is (call $fd_renumber (local.get $fd) (i32.const 1)) (global.get $success))
    (call $is (call $fd_tell (local.get $fd) (i32.const 72)) (global.get $badf))
    (call $is (call $fd_tell (i32.const 1) (i32.const 72)) (global.get $success))
    (call $equal (i64.load (i32.const 72)) (i64.const 5)))

  (func (export "fd_fdstat_set_rights") (local $fd i32)
    (local.set $fd (call $open))
    ;; Keeps fd_read and fd_tell.
    (call $is (call $fd_fdstat_set_rights (local.get $fd) (i64.const 34) (i64.const 0)) (global.get $success))
    (call $is (call $fd_fdstat_get (local.get $fd) (i32.const 128)) (global.get $success))
    (call $equal (i64.load (i32.const 136)) (i64.const 34))
    ;; No operation checks the rights.
    (call $is (call $fd_write (local.get $fd) (i32.const 0) (i32.const 1) (i32.const 68)) (global.get $success))
    (call $is (call $fd_tell (local.get $fd) (i32.const 72)) (global.get $success))
    ;; Dropped rights cannot be added.
    (call $is (call $fd_fdstat_set_rights (local.get $fd) (i64.const 98) (i64.const 0)) (global.get $notcapable))
    (call $is (call $fd_fdstat_set_rights (i32.const 77) (i64.const 0) (i64.const 0)) (global.get $badf)))

  (func (export "fd_advise") (local $fd i32) (local $advice i32)
    (local.set $fd (call $open))
    (loop $next
      (call $is (call $fd_advise (local.get $fd) (i64.const 0) (i64.const 5) (local.get $advice)) (global.get $success))
      (local.set $advice (i32.add (local.get $advice) (i32.const 1)))
      (br_if $next (i32.lt_u (local.get $advice) (i32.const 6))))
    (call $is (call $fd_advise (local.get $fd) (i64.const 0) (i64.const 5) (i32.const 6)) (global.get $inval))
    (call $is (call $fd_advise (i32.const 77) (i64.const 0) (i64.const 5) (i32.const 0)) (global.get $badf)))

  ;; fd_allocate extends a file, and never truncates it.
  (func (export "fd_allocate") (local $fd i32)
    (local.set $fd (call $open))
    (call $is (call $fd_allocate (local.get $fd) (i64.const 10) (i64.const 90)) (global.get $success))
    (call $is (call $fd_filestat_get (local.get $fd) (i32.const 128)) (global.get $success))
    (call $equal (i64.load (i32.const 160)) (i64.const 100))
    (call $is (call $fd_allocate (local.get $fd) (i64.const 0) (i64.const 5)) (global.get $success))
    (call $is (call $fd_filestat_get (local.get $fd) (i32.const 128)) (global.get $success))
    (call $equal (i64.load (i32.const 160)) (i64.const 100))
    (call $is (call $fd_allocate (local.get $fd) (i64.const 0) (i64.const 0)) (global.get $inval))
    (call $is (call $fd_allocate (i32.const 77) (i64.const 0) (i64.const 5)) (global.get $badf)))

  (func (export "sock_send")
    ;; Reads all bytes, because closing a connection with unread bytes resets it.
    (call $iovec (i32.const 1024) (i32.const 4))
    (call $is
      (call $sock_recv (i32.const 4) (i32.const 0) (i32.const 1) (i32.const 0) (i32.const 64) (i32.const 68))
      (global.get $success))
    (call $iovec (i32.const 512) (i32.const 5))
    (call $is (call $sock_send (i32.const 4) (i32.const 0) (i32.const 1) (i32.const 0) (i32.const 64)) (global.get $success))
    (call $equal (i64.load32_u (i32.const 64)) (i64.const 5))
    (call $is (call $sock_send (i32.const 4) (i32.const 0) (i32.const 1) (i32.const 1) (i32.const 64)) (global.get $inval))
    (call $is (call $sock_send (call $open) (i32.const 0) (i32.const 1) (i32.const 0) (i32.const 64))
      (global.get $notsock)))

  ;; With recv_peek, the bytes stay in the buffer.
  (func (export "sock_recv") (local $flags i32)
    (local.set $flags (i32.const 1))
    (loop $again
      (call $iovec (i32.const 1024) (i32.const 4))
      (i32.store (i32.const 1024) (i32.const 0))
      (call $is
        (call $sock_recv (i32.const 4) (i32.const 0) (i32.const 1) (local.get $flags) (i32.const 64) (i32.const 68))
        (global.get $success))
      (call $equal (i64.load32_u (i32.const 64)) (i64.const 4))
      (call $equal (i64.load32_u (i32.const 1024)) (i64.const 0x676e6970))
      (local.set $flags (i32.sub (local.get $flags) (i32.const 1)))
      (br_if $again (i32.eqz (local.get $flags))))
    (call $is
      (call $sock_recv (i32.const 4) (i32.const 0) (i32.const 1) (i32.const 4) (i32.const 64) (i32.const 68))
      (global.get $inval)))

  ;; Writes a subscription to a relative timeout of a clock.
  (func $clock (param $at i32) (param $nanoseconds i64)
    (i64.store (local.get $at) (i64.extend_i32_u (local.get $at)))
    (i32.store8 offset=8 (local.get $at) (i32.const 0))
    (i32.store offset=16 (local.get $at) (i32.const 1))
    (i64.store offset=24 (local.get $at) (local.get $nanoseconds)))

  ;; Writes a subscription to a descriptor.
  (func $ready (param $at i32) (param $type i32) (param $fd i32)
    (i64.store (local.get $at) (i64.extend_i32_u (local.get $at)))
    (i32.store8 offset=8 (local.get $at) (local.get $type))
    (i32.store offset=16 (local.get $at) (local.get $fd)))

  (func $event (param $at i32) (param $userdata i64) (param $error i32) (param $type i32)
    (call $equal (i64.load (local.get $at)) (local.get $userdata))
    (call $is (i32.load16_u offset=8 (local.get $at)) (local.get $error))
    (call $is (i32.load8_u offset=10 (local.get $at)) (local.get $type)))

  ;; Waits for one hour, a readable file, a writable socket and a descriptor that is not open.
  (func (export "poll_oneoff")
    (call $clock (i32.const 2048) (i64.const 3600000000000))
    (call $ready (i32.const 2096) (i32.const 1) (call $open))
    (call $ready (i32.const 2144) (i32.const 2) (i32.const 4))
    (call $ready (i32.const 2192) (i32.const 1) (i32.const 77))
    (call $is (call $poll_oneoff (i32.const 2048) (i32.const 3072) (i32.const 4) (i32.const 64)) (global.get $success))
    (call $equal (i64.load32_u (i32.const 64)) (i64.const 3))
    (call $event (i32.const 3072) (i64.const 2096) (global.get $success) (i32.const 1))
    (call $event (i32.const 3104) (i64.const 2144) (global.get $success) (i32.const 2))
    (call $event (i32.const 3136) (i64.const 2192) (global.get $badf) (i32.const 1))
    (call $clock (i32.const 2048) (i64.const 1000000))
    (call $is (call $poll_oneoff (i32.const 2048) (i32.const 3072) (i32.const 1) (i32.const 64)) (global.get $success))
    (call $equal (i64.load32_u (i32.const 64)) (i64.const 1))
    (call $event (i32.const 3072) (i64.const 2048) (global.get $success) (i32.const 0))
    (call $is (call $poll_oneoff (i32.const 2048) (i32.const 3072) (i32.const 0) (i32.const 64)) (global.get $inval)))

  (func (export "clock_res_get")
    (i64.store (i32.const 64) (i64.const 0))
    (call $is (call $clock_res_get (i32.const 1) (i32.const 64)) (global.get $success))
    (call $is (i64.eqz (i64.load (i32.const 64))) (i32.const 0))
    (call $is (call $clock_res_get (i32.const 9) (i32.const 64)) (global.get $inval)))

  (func (export "sched_yield")
    (call $is (call $sched_yield) (global.get $success))))
