;; A module's changes to its imports remain even if its start function traps (core specification, "Instantiation").

(module $host
  (memory (export "memory") 1)
  (table (export "table") 2 funcref)
  (type $f (func (result i32)))
  (func (export "call") (param i32) (result i32) (call_indirect (type $f) (local.get 0)))
  (func (export "load") (param i32) (result i32) (i32.load8_u (local.get 0))))
(register "host" $host)

(assert_trap
  (module
    (import "host" "memory" (memory 1))
    (import "host" "table" (table 2 funcref))
    (global $g (mut i32) (i32.const 41))
    (func $f (result i32) (global.set $g (i32.add (global.get $g) (i32.const 1))) (global.get $g))
    (elem (i32.const 1) $f)
    (data (i32.const 7) "\2a")
    (func $start unreachable)
    (start $start))
  "unreachable")

(assert_return (invoke $host "load" (i32.const 7)) (i32.const 42))
;; The function remains in the table, which keeps its instance alive.
(assert_return (invoke $host "call" (i32.const 1)) (i32.const 42))
(assert_return (invoke $host "call" (i32.const 1)) (i32.const 43))
(assert_trap (invoke $host "call" (i32.const 0)) "uninitialized element")
