;; A C stack frame in linear memory. A stored or loaded value is known until an instruction may change it.

(module
  (memory (export "memory") 1)
  (global $sp (mut i32) (i32.const 1024))
  (func $nothing)
  (func $poke (param i32 i32) (i32.store (local.get 0) (local.get 1)))

  ;; An operand that is on the stack keeps the value from before the store.
  (func (export "old_value") (param i32) (result i32) (local i32)
    (local.set 1 (i32.sub (global.get $sp) (i32.const 32)))
    (i32.store offset=12 (local.get 1) (local.get 0))
    (i32.load offset=12 (local.get 1))
    (i32.store offset=12 (local.get 1) (i32.add (i32.load offset=12 (local.get 1)) (i32.const 1)))
    (i32.mul (i32.load offset=12 (local.get 1)) (i32.const 100))
    i32.add)

  ;; Another address may refer to the same memory.
  (func (export "alias") (param i32 i32) (result i32) (local i32)
    (local.set 2 (i32.sub (global.get $sp) (i32.const 32)))
    (i32.store offset=8 (local.get 2) (local.get 0))
    (i32.store (i32.add (local.get 2) (i32.const 8)) (local.get 1))
    (i32.load offset=8 (local.get 2)))

  ;; Stores of other widths overlap.
  (func (export "overlap") (param i32) (result i32) (local i32)
    (local.set 1 (i32.sub (global.get $sp) (i32.const 32)))
    (i32.store offset=8 (local.get 1) (local.get 0))
    (i32.store8 offset=10 (local.get 1) (i32.const 0xff))
    (i32.load offset=8 (local.get 1)))
  (func (export "overlap_wide") (param i32) (result i32) (local i32)
    (local.set 1 (i32.sub (global.get $sp) (i32.const 32)))
    (i32.store offset=12 (local.get 1) (local.get 0))
    (i64.store offset=8 (local.get 1) (i64.const 0x1122334455667788))
    (i32.load offset=12 (local.get 1)))
  (func (export "overlap_float") (param i32) (result i32) (local i32)
    (local.set 1 (i32.sub (global.get $sp) (i32.const 32)))
    (i32.store offset=12 (local.get 1) (local.get 0))
    (f32.store offset=12 (local.get 1) (f32.const 1))
    (i32.load offset=12 (local.get 1)))
  (func (export "float") (param f64) (result f64) (local i32)
    (local.set 1 (i32.sub (global.get $sp) (i32.const 32)))
    (f64.store offset=8 (local.get 1) (local.get 0))
    (f64.add (f64.load offset=8 (local.get 1)) (f64.load offset=8 (local.get 1))))
  (func (export "constant") (result i64) (local i32)
    (local.set 0 (i32.sub (global.get $sp) (i32.const 32)))
    (i64.store offset=8 (local.get 0) (i64.const -7))
    (i64.add (i64.load offset=8 (local.get 0)) (i64.load offset=8 (local.get 0))))

  ;; A callee may change the frame. An operand on the stack keeps its value across the call.
  (func (export "callee") (param i32) (result i32) (local i32)
    (local.set 1 (i32.sub (global.get $sp) (i32.const 32)))
    (i32.store offset=4 (local.get 1) (local.get 0))
    (i32.load offset=4 (local.get 1))
    (call $poke (i32.add (local.get 1) (i32.const 4)) (i32.const 1000))
    (i32.add (i32.load offset=4 (local.get 1))))

  ;; A value that one arm stores is unknown after the `if`.
  (func (export "arms") (param i32) (result i32) (local i32)
    (local.set 1 (i32.sub (global.get $sp) (i32.const 32)))
    (i32.store offset=4 (local.get 1) (i32.const 1))
    (if (local.get 0) (then (i32.store offset=4 (local.get 1) (i32.const 2))))
    (i32.load offset=4 (local.get 1)))
  (func (export "arms_with_parameter") (param i32) (result i32) (local i32)
    (local.set 1 (i32.sub (global.get $sp) (i32.const 32)))
    (i32.store offset=4 (local.get 1) (local.get 0))
    (i32.load offset=4 (local.get 1))
    (if (param i32) (result i32) (local.get 0)
      (then (drop) (i32.store offset=4 (local.get 1) (i32.const 50)) (i32.load offset=4 (local.get 1)))
      (else (i32.const 7) (i32.add))))

  ;; The body of a loop loads the value that the end of the loop stores.
  (func (export "count") (param i32) (result i32) (local i32)
    (local.set 1 (i32.sub (global.get $sp) (i32.const 32)))
    (i32.store offset=4 (local.get 1) (i32.const 0))
    (loop
      (i32.store offset=4 (local.get 1) (i32.add (i32.load offset=4 (local.get 1)) (i32.const 3)))
      (local.set 0 (i32.sub (local.get 0) (i32.const 1)))
      (br_if 0 (local.get 0)))
    (i32.load offset=4 (local.get 1)))

  ;; The stack pointer moves.
  (func (export "moves") (param i32) (result i32) (local i32)
    (local.set 1 (i32.sub (global.get $sp) (i32.const 32)))
    (i32.store offset=4 (local.get 1) (local.get 0))
    (i32.store offset=8 (local.get 1) (i32.const 5))
    (local.set 1 (i32.add (local.get 1) (i32.const 4)))
    (i32.load offset=4 (local.get 1)))

  ;; A parameter changes after it was stored.
  (func (export "parameter") (param i32) (result i32) (local i32)
    (local.set 1 (i32.sub (global.get $sp) (i32.const 32)))
    (i32.store offset=4 (local.get 1) (local.get 0))
    (local.set 0 (i32.const 99))
    (i32.load offset=4 (local.get 1)))

  ;; There are more operands than scratch slots.
  (func (export "many") (param i32) (result i32) (local i32)
    (local.set 1 (i32.sub (global.get $sp) (i32.const 128)))
    (i32.store offset=0 (local.get 1) (i32.const 1)) (i32.store offset=4 (local.get 1) (local.get 0))
    (i32.load offset=0 (local.get 1)) (i32.load offset=4 (local.get 1)) (i32.load offset=8 (local.get 1))
    (i32.load offset=12 (local.get 1)) (i32.load offset=16 (local.get 1)) (i32.load offset=20 (local.get 1))
    (i32.load offset=24 (local.get 1)) (i32.load offset=28 (local.get 1)) (i32.load offset=32 (local.get 1))
    (i32.load offset=36 (local.get 1)) (i32.load offset=40 (local.get 1)) (i32.load offset=44 (local.get 1))
    (i32.load offset=48 (local.get 1)) (i32.load offset=52 (local.get 1)) (i32.load offset=56 (local.get 1))
    (i32.load offset=60 (local.get 1)) (i32.load offset=64 (local.get 1)) (i32.load offset=4 (local.get 1))
    (i32.store offset=4 (local.get 1) (i32.const 1000))
    i32.add i32.add i32.add i32.add i32.add i32.add i32.add i32.add i32.add
    i32.add i32.add i32.add i32.add i32.add i32.add i32.add i32.add
    (i32.add (i32.load offset=4 (local.get 1))))

  ;; The prologue and epilogue of a C function.
  (func (export "frame") (param i32 i32) (result i32) (local i32)
    (global.set $sp (local.tee 2 (i32.sub (global.get $sp) (i32.const 16))))
    (i32.store offset=12 (local.get 2) (local.get 0))
    (i32.store offset=8 (local.get 2) (local.get 1))
    (call $nothing)
    (local.set 0 (i32.sub (i32.load offset=12 (local.get 2)) (i32.load offset=8 (local.get 2))))
    (global.set $sp (i32.add (local.get 2) (i32.const 16)))
    (local.get 0))
  (func (export "sp") (result i32) (global.get $sp))

  ;; A store to a constant address is not fused with the load before it.
  (func (export "constant_address") (param i32) (result i32)
    (i32.store (i32.const 2000) (i32.load offset=4 (local.get 0)))
    (i32.load (i32.const 2000)))

  ;; Loads from loaded addresses. The second is out of bounds.
  (func (export "chain") (param i32) (result i32) (i32.load (i32.load (local.get 0))))

  ;; Locals that are read before they are assigned are zero, regardless of the previous contents of the stack.
  (func $dirty (param i32) (result i32) (local i32 i32 i32 i32)
    (local.set 1 (i32.const -1)) (local.set 2 (i32.const -1)) (local.set 3 (i32.const -1)) (local.set 4 (i32.const -1))
    (i32.add (local.get 1) (i32.add (local.get 2) (i32.add (local.get 3) (local.get 4)))))
  (func $fresh (param i32) (result i32) (local i32 i32 i32 i32)
    (if (local.get 0) (then (local.set 3 (i32.const 9))))
    (block (br_if 0 (local.get 0)) (local.set 4 (i32.const 1)))
    (i32.add (local.get 3) (local.get 4)))
  (func (export "zeroed") (param i32) (result i32)
    (drop (call $dirty (i32.const 0)))
    (call $fresh (local.get 0)))
)

(assert_return (invoke "old_value" (i32.const 5)) (i32.const 605))
(assert_return (invoke "alias" (i32.const 1) (i32.const 2)) (i32.const 2))
(assert_return (invoke "overlap" (i32.const 0)) (i32.const 0xff0000))
(assert_return (invoke "overlap_wide" (i32.const 0)) (i32.const 0x11223344))
(assert_return (invoke "overlap_float" (i32.const 0)) (i32.const 0x3f800000))
(assert_return (invoke "float" (f64.const 1.5)) (f64.const 3))
(assert_return (invoke "constant") (i64.const -14))
(assert_return (invoke "callee" (i32.const 7)) (i32.const 1007))
(assert_return (invoke "arms" (i32.const 0)) (i32.const 1))
(assert_return (invoke "arms" (i32.const 1)) (i32.const 2))
(assert_return (invoke "arms_with_parameter" (i32.const 3)) (i32.const 50))
(assert_return (invoke "arms_with_parameter" (i32.const 0)) (i32.const 7))
(assert_return (invoke "count" (i32.const 4)) (i32.const 12))
(assert_return (invoke "moves" (i32.const 1)) (i32.const 5))
(assert_return (invoke "parameter" (i32.const 4)) (i32.const 4))
(assert_return (invoke "many" (i32.const 10)) (i32.const 1021))
(assert_return (invoke "frame" (i32.const 50) (i32.const 8)) (i32.const 42))
(assert_return (invoke "sp") (i32.const 1024))
(assert_return (invoke "constant_address" (i32.const 1996)) (i32.const 0))
(assert_return (invoke "chain" (i32.const 3000)) (i32.const 0))
(assert_trap (invoke "chain" (i32.const 65534)) "out of bounds memory access")
(assert_return (invoke "zeroed" (i32.const 0)) (i32.const 1))
(assert_return (invoke "zeroed" (i32.const 1)) (i32.const 9))

;; An operand from the frame is on the stack across a block. A branch leaves the block before a loop in it.
(module
  (memory 1)
  (global $sp (mut i32) (i32.const 64))
  (func $first (param i32 i32) (result i32) (local.get 0))
  (func (export "around") (param i32) (result i32) (local $fp i32)
    (local.set $fp (i32.sub (global.get $sp) (i32.const 32)))
    (i32.store offset=8 (i32.const 32) (i32.const 255))
    (call $first
      (i32.load offset=8 (local.get $fp))
      (block (result i32)
        (block (br_if 0 (local.get 0)) (loop))
        (local.get $fp)))))
(assert_return (invoke "around" (i32.const 0)) (i32.const 255))
(assert_return (invoke "around" (i32.const 1)) (i32.const 255))
