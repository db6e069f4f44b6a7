;; A function of one long loop, which can only become native by OSR entry. Each iteration has a linear congruence, a
;; load, a store and a sum, so that a compiler cannot shorten the loop.
(module
  (memory 1)
  (func $spin (export "spin") (param $steps i64) (result i64)
    (local $state i64) (local $sum i64) (local $at i32)
    (local.set $state (i64.const 1))
    (loop $step
      (local.set $state (i64.add (i64.mul (local.get $state) (i64.const 6364136223846793005)) (i64.const 1442695040888963407)))
      (local.set $at (i32.and (i32.wrap_i64 (i64.shr_u (local.get $state) (i64.const 33))) (i32.const 0xfff8)))
      (local.set $sum (i64.add (i64.rotl (local.get $sum) (i64.const 1)) (i64.load (local.get $at))))
      (i64.store (local.get $at) (i64.xor (local.get $state) (local.get $sum)))
      (br_if $step (i64.ne (local.tee $steps (i64.sub (local.get $steps) (i64.const 1))) (i64.const 0))))
    (local.get $sum)))
