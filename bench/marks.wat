;; A program that never ends and prints a dot after every 200,000 steps. The number of dots per second is its
;; throughput. All code is in one function, which is called once.
(module
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 2)
  (data (i32.const 65536) "\08\00\01\00\01\00\00\00.")
  (func (export "_start") (local $state i64) (local $at i32) (local $steps i32)
    (loop $mark
      (local.set $steps (i32.const 200000))
      (loop $step
        (local.set $state
          (i64.add (i64.mul (local.get $state) (i64.const 6364136223846793005)) (i64.const 1442695040888963407)))
        (local.set $at (i32.and (i32.wrap_i64 (i64.shr_u (local.get $state) (i64.const 33))) (i32.const 0xfff8)))
        (i64.store (local.get $at) (i64.xor (local.get $state) (i64.load (local.get $at))))
        (br_if $step (local.tee $steps (i32.sub (local.get $steps) (i32.const 1)))))
      (br_if $mark (i32.eqz (call $fd_write (i32.const 1) (i32.const 65536) (i32.const 1) (i32.const 65552)))))))
