;; A million tail calls between two instances need constant space. There are more arguments than registers, and each
;; side has different ones. An ordinary recursion along the same path exhausts the stack.

(module $even
  (table (export "table") 1 funcref)
  (type $odd (func (param i64 i64 i64 i64 i64 i64 i64 i64 i64 i64) (result i64)))
  (func (export "even") (param $n i64) (result i64)
    (if (i64.eqz (local.get $n)) (then (return (i64.const 1))))
    (return_call_indirect (type $odd)
      (i64.sub (local.get $n) (i64.const 1))
      (i64.const 1) (i64.const 2) (i64.const 3) (i64.const 4) (i64.const 5)
      (i64.const 6) (i64.const 7) (i64.const 8) (i64.const 9) (i32.const 0)))
  (func (export "even-recursive") (param $n i64) (result i64)
    (if (i64.eqz (local.get $n)) (then (return (i64.const 1))))
    (call_indirect (type $odd)
      (i64.sub (local.get $n) (i64.const 1))
      (i64.const 0) (i64.const 2) (i64.const 3) (i64.const 4) (i64.const 5)
      (i64.const 6) (i64.const 7) (i64.const 8) (i64.const 9) (i32.const 0))))
(register "even" $even)

(module $odd
  (import "even" "table" (table 1 funcref))
  (import "even" "even" (func $even (param i64) (result i64)))
  (import "even" "even-recursive" (func $even-recursive (param i64) (result i64)))
  (func $odd (export "odd") (param $n i64) (param $tail i64) (param i64 i64 i64 i64 i64 i64 i64 i64) (result i64)
    (if (i64.eqz (local.get $n)) (then (return (i64.const 0))))
    (if (i64.eqz (local.get $tail))
      (then (return (call $even-recursive (i64.sub (local.get $n) (i64.const 1))))))
    (if (i64.ne (local.get 9) (i64.const 9)) (then unreachable))
    (return_call $even (i64.sub (local.get $n) (i64.const 1))))
  (elem (i32.const 0) $odd))

(assert_return (invoke $even "even" (i64.const 1000000)) (i64.const 1))
(assert_return (invoke $even "even" (i64.const 1000001)) (i64.const 0))
(assert_return (invoke $even "even-recursive" (i64.const 101)) (i64.const 0))
(assert_exhaustion (invoke $even "even-recursive" (i64.const 100000000)) "call stack exhausted")
;; After the exhaustion, the instances remain usable.
(assert_return (invoke $even "even" (i64.const 10)) (i64.const 1))
