;; A program that uses all kinds of code while it becomes native: calls of every kind, tables that change meanwhile,
;; references that were created before, a start function, tail calls, nested loops with operands on the stack, traps,
;; memories that grow, exceptions, and references to objects that the collector moves.
(module
  (type $unary (func (param i32) (result i64)))
  (type $node (struct (field i32) (field (ref null $node))))
  (import "lender" "triple" (func $triple (type $unary)))
  (import "lender" "throws" (func $throws (type $unary)))
  (import "lender" "held" (global $held (ref $unary)))
  (import "lender" "table" (table $lent 3 8 funcref))
  (import "lender" "memory" (memory $lent 1 40))
  (import "lender" "odd" (tag $odd (param i32)))
  (import "host" "again" (func $again (param i32) (result i64)))
  (tag $own)
  (memory $m 1 40)
  (table $t 6 20 funcref)
  (elem $some func $square $even $triple)
  (elem (table $t) (i32.const 0) func $square $sum $even $triple)
  (elem declare func $tail_step)
  (global $started (mut i64) (i64.const 0))
  (func $start (local $i i32)
    (loop $l
      (global.set $started (i64.add (global.get $started) (call $square (local.get $i))))
      (br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 40)))))
  (start $start)
  (func (export "started") (type $unary) (global.get $started))

  (func $square (type $unary) (i64.extend_i32_s (i32.mul (local.get 0) (local.get 0))))
  (func $sum (export "direct") (type $unary) (local $sum i64)
    (loop $l
      (local.set $sum (i64.add (local.get $sum) (i64.add (call $square (local.get 0)) (call $triple (local.get 0)))))
      (br_if $l (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
    (local.get $sum))
  (func $fib (export "recursive") (type $unary)
    (if (result i64) (i32.lt_u (local.get 0) (i32.const 2))
      (then (i64.extend_i32_u (local.get 0)))
      (else (i64.add (call $fib (i32.sub (local.get 0) (i32.const 1)))
        (call $fib (i32.sub (local.get 0) (i32.const 2)))))))
  (func (export "through_host") (type $unary) (local $sum i64)
    (loop $l
      (local.set $sum (i64.add (local.get $sum) (call $again (local.get 0))))
      (br_if $l (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
    (local.get $sum))

  ;; Elements are set, cleared, copied and called, and the table grows.
  (func (export "indirect") (type $unary) (local $i i32) (local $sum i64)
    (loop $l
      (table.set $t (i32.const 4) (table.get $t (i32.and (local.get $i) (i32.const 1))))
      (table.set $t (i32.and (local.get $i) (i32.const 1)) (ref.null func))
      (table.init $t $some (i32.const 0) (i32.const 0) (i32.const 1))
      (table.copy $t $t (i32.const 1) (i32.const 2) (i32.const 1))
      (table.copy $t $lent (i32.const 5) (i32.const 2) (i32.const 1))
      (if (i32.eq (local.get $i) (i32.const 7)) (then (drop (table.grow $t (ref.func $square) (i32.const 2)))))
      (local.set $sum (i64.add (local.get $sum) (i64.add
        (call_indirect $t (type $unary) (i32.const 6) (i32.add (i32.and (local.get $i) (i32.const 1)) (i32.const 4)))
        (call_indirect $lent (type $unary) (local.get $i) (i32.const 0)))))
      (br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get 0))))
    (i64.add (local.get $sum) (i64.extend_i32_u (table.size $t))))
  (func (export "references") (type $unary) (local $i i32) (local $sum i64) (local $f (ref null $unary))
    (local.set $f (global.get $held))
    (loop $l
      (local.set $sum (i64.add (local.get $sum) (call_ref $unary (local.get $i) (local.get $f))))
      (local.set $f (if (result (ref null $unary)) (i32.and (local.get $i) (i32.const 2))
        (then (ref.func $tail_step)) (else (global.get $held))))
      (br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get 0))))
    (local.get $sum))

  (func $tail (export "tail") (type $unary)
    (if (i32.eqz (local.get 0)) (then (return (i64.const 1))))
    (return_call $tail_step (i32.sub (local.get 0) (i32.const 1))))
  (func $tail_step (type $unary)
    (if (i32.eqz (local.get 0)) (then (return (i64.const 0))))
    (if (i32.and (local.get 0) (i32.const 2))
      (then (return_call_ref $unary (local.get 0) (global.get $held))))
    (return_call_indirect $t (type $unary) (i32.sub (local.get 0) (i32.const 1)) (i32.const 2)))
  (func $even (type $unary)
    (if (i32.eqz (local.get 0)) (then (return (i64.const 7))))
    (return_call $tail (i32.sub (local.get 0) (i32.const 1))))

  ;; Three nested loops, each with an operand on the stack below it.
  (func (export "nested") (type $unary) (local $i i32) (local $j i32) (local $k i32) (local $sum i64)
    (i64.const 1000)
    (loop $outer (result i64)
      (local.set $j (i32.const 0))
      (f64.const 2.5)
      (loop $middle (result i32)
        (local.set $k (i32.const 0))
        (i64.const 5)
        (loop $inner
          (local.set $sum (i64.add (local.get $sum)
            (i64.extend_i32_u (i32.xor (local.get $i) (i32.mul (local.get $j) (local.get $k))))))
          (br_if $inner (i32.lt_u (local.tee $k (i32.add (local.get $k) (i32.const 1))) (i32.const 4))))
        (local.set $sum (i64.add (local.get $sum)))
        (br_if $middle (i32.lt_u (local.tee $j (i32.add (local.get $j) (i32.const 1))) (i32.const 5)))
        (i32.const 3))
      i64.extend_i32_u local.get $sum i64.add local.set $sum
      i64.trunc_f64_s local.get $sum i64.add local.set $sum
      (br_if $outer (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get 0)))
      (local.get $sum))
    (i64.add))

  ;; Both memories grow in a loop that reads and writes them.
  (func (export "grow") (type $unary) (local $at i32) (local $sum i64)
    (loop $l
      (i64.store $m (local.get $at) (i64.extend_i32_u (local.get $at)))
      (i32.store8 $lent (i32.and (local.get $at) (i32.const 0xffff)) (local.get $at))
      (local.set $sum (i64.add (local.get $sum) (i64.add (i64.load $m (i32.const 4096))
        (i64.load8_u $lent (i32.and (local.get $at) (i32.const 0xffff))))))
      (local.set $at (i32.add (local.get $at) (i32.const 4096)))
      (if (i32.ge_u (i32.add (local.get $at) (i32.const 8)) (i32.shl (memory.size $m) (i32.const 16)))
        (then (drop (memory.grow $m (i32.const 1))) (drop (memory.grow $lent (i32.const 1)))))
      (br_if $l (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
    (i64.add (local.get $sum) (i64.extend_i32_u (i32.add (memory.size $m) (memory.size $lent)))))

  (func (export "exceptions") (type $unary) (local $i i32) (local $sum i64)
    (loop $l
      (block $done
        (block $own
          (block $odd (result i32)
            (try_table (catch $odd $odd) (catch $own $own)
              (local.set $sum (i64.add (local.get $sum) (call $throws (local.get $i))))
              (if (i32.eq (i32.and (local.get $i) (i32.const 6)) (i32.const 4)) (then (throw $own))))
            (br $done))
          i64.extend_i32_u local.get $sum i64.add local.set $sum
          (br $done))
        (local.set $sum (i64.add (local.get $sum) (i64.const 1000))))
      (br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get 0))))
    (local.get $sum))
  (func (export "uncaught") (type $unary) (local $i i32)
    (loop $l (drop (call $throws (local.get $i)))
      (br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 2))) (local.get 0))))
    (call $throws (i32.const 77)))

  (func (export "structures") (type $unary) (local $list (ref null $node)) (local $i i32) (local $sum i64)
    (loop $l
      (local.set $list (struct.new $node (local.get $i) (local.get $list)))
      (if (i32.eqz (i32.and (local.get $i) (i32.const 15)))
        (then (local.set $list (struct.new $node (i32.const 100) (ref.null $node)))))
      (br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get 0))))
    (loop $walk
      (local.set $sum (i64.add (local.get $sum) (i64.extend_i32_s (struct.get $node 0 (local.get $list)))))
      (br_if $walk (i32.eqz (ref.is_null (local.tee $list (struct.get $node 1 (local.get $list)))))))
    (local.get $sum))

  (func $outside (type $unary) (local $at i32)
    (loop $l
      (i32.store8 $m (local.get $at) (i32.load8_u $m (local.get $at)))
      (local.set $at (i32.add (local.get $at) (local.get 0)))
      (br $l))
    (unreachable))
  (func (export "outside") (type $unary)
    (if (result i64) (local.get 0) (then (call $outside (i32.const 30000))) (else (i64.const 0))))
  (func (export "divided") (type $unary) (local $i i32)
    (loop $l (result i64)
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (drop (i32.div_u (i32.const 100) (i32.sub (local.get 0) (local.get $i))))
      (br $l)))
  (func (export "no_element") (type $unary) (local $i i32)
    (loop $l (result i64)
      (drop (call_indirect $lent (type $unary) (i32.const 4) (i32.div_u (local.get $i) (local.get 0))))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br $l))))
