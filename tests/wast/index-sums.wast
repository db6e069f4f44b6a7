;; An index that is a sum or a shift wraps at 2^32. If it cannot wrap, native code may compute the sum as a part of the
;; address. Each function reads a byte or word whose value shows the address from which it was read.

(module
  (memory 1 1)
  (data (i32.const 0) "\10\11\12\13\14\15\16\17\18\19\1a\1b\1c\1d\1e\1f")
  (data (i32.const 256) "\20\21\22\23\24\25\26\27\28\29\2a\2b\2c\2d\2e\2f")
  (data (i32.const 65528) "\30\31\32\33\34\35\36\37")

  ;; Never wraps: at most 511.
  (func (export "masked") (param i32) (result i32)
    (i32.load8_u (i32.add (i32.and (local.get 0) (i32.const 255)) (i32.const 256))))
  ;; The same index with an offset of the load.
  (func (export "masked-offset") (param i32) (result i32)
    (i32.load8_u offset=8 (i32.add (i32.const 248) (i32.and (i32.const 255) (local.get 0)))))
  ;; Wraps if the low byte is at least 128.
  (func (export "wraps") (param i32) (result i32)
    (i32.load8_u (i32.add (i32.and (local.get 0) (i32.const 255)) (i32.const 0xffffff80))))
  ;; Wraps if the low byte is 255.
  (func (export "wraps-by-one") (param i32) (result i32)
    (i32.load8_u (i32.add (i32.and (local.get 0) (i32.const 255)) (i32.const 0xffffff01))))
  ;; Never wraps, and the offset goes beyond 2^32.
  (func (export "beyond") (param i32) (result i32)
    (i32.load8_u offset=0x100 (i32.add (i32.and (local.get 0) (i32.const 255)) (i32.const 0xffffff00))))
  ;; At most 65535 + 1.
  (func (export "last") (param i32) (result i32)
    (i32.load8_u (i32.add (i32.shr_u (local.get 0) (i32.const 16)) (i32.const 1))))
  ;; The range of the index is unknown.
  (func (export "unknown") (param i32) (result i32)
    (i32.load8_u (i32.add (local.get 0) (i32.const 256))))
  ;; A shift that keeps all bits, and one that does not.
  (func (export "scaled") (param i32) (result i32)
    (i32.load (i32.shl (i32.and (local.get 0) (i32.const 0x3fffffff)) (i32.const 2))))
  (func (export "scaled-wraps") (param i32) (result i32)
    (i32.load (i32.shl (i32.and (local.get 0) (i32.const 0x7fffffff)) (i32.const 2))))
  ;; A shift and a sum: at most 1020 + 256.
  (func (export "table") (param i32) (result i32)
    (i32.load (i32.add (i32.shl (i32.and (local.get 0) (i32.const 255)) (i32.const 2)) (i32.const 256))))
  ;; The index is a sum with a loaded value of 8 or 16 bits.
  (func (export "by-byte") (param i32) (result i32)
    (i32.load8_u (i32.add (i32.load8_u (local.get 0)) (i32.const 240))))
  (func (export "by-signed-byte") (param i32) (result i32)
    (i32.load8_u (i32.add (i32.load8_s (local.get 0)) (i32.const 1))))
  (func (export "by-word") (param i32) (result i32)
    (i32.load8_u (i32.add (i32.load16_u (local.get 0)) (i32.const 0xffff0000))))
  ;; A sum of sums. An inner sum wraps.
  (func (export "inner-wraps") (param i32) (result i32)
    (i32.load8_u (i32.add (i32.add (i32.and (local.get 0) (i32.const 15)) (i32.const 0xfffffff8)) (i32.const 8))))
  (func (export "set") (param i32 i32)
    (i32.store8 (i32.add (i32.and (local.get 0) (i32.const 3)) (i32.const 0xfffc)) (local.get 1)))
)

(assert_return (invoke "masked" (i32.const 0xffffff02)) (i32.const 0x22))
(assert_return (invoke "masked-offset" (i32.const 0x0f)) (i32.const 0x2f))
(assert_return (invoke "wraps" (i32.const 0x80)) (i32.const 0x10))
(assert_return (invoke "wraps" (i32.const 0x8f)) (i32.const 0x1f))
(assert_trap (invoke "wraps" (i32.const 0x7f)) "out of bounds memory access")
(assert_return (invoke "wraps-by-one" (i32.const 0xff)) (i32.const 0x10))
(assert_trap (invoke "wraps-by-one" (i32.const 0xfe)) "out of bounds memory access")
(assert_trap (invoke "beyond" (i32.const 0)) "out of bounds memory access")
(assert_trap (invoke "beyond" (i32.const 0xff)) "out of bounds memory access")
(assert_return (invoke "last" (i32.const 0xfffeffff)) (i32.const 0x37))
(assert_trap (invoke "last" (i32.const 0xffff0000)) "out of bounds memory access")
(assert_return (invoke "unknown" (i32.const 1)) (i32.const 0x21))
(assert_return (invoke "unknown" (i32.const 0xffffff01)) (i32.const 0x11))
(assert_trap (invoke "unknown" (i32.const 0xfffffeff)) "out of bounds memory access")
(assert_return (invoke "scaled" (i32.const 1)) (i32.const 0x17161514))
(assert_return (invoke "scaled" (i32.const 0xc0000041)) (i32.const 0x27262524))
(assert_trap (invoke "scaled" (i32.const 0x3fffffff)) "out of bounds memory access")
(assert_return (invoke "scaled-wraps" (i32.const 0x40000002)) (i32.const 0x1b1a1918))
(assert_trap (invoke "scaled-wraps" (i32.const 0x7fffffff)) "out of bounds memory access")
(assert_return (invoke "table" (i32.const 0x702)) (i32.const 0x2b2a2928))
(assert_return (invoke "by-byte" (i32.const 4)) (i32.const 0x24))
(assert_return (invoke "by-signed-byte" (i32.const 70)) (i32.const 0x11))
(assert_trap (invoke "by-word" (i32.const 0)) "out of bounds memory access")
(assert_return (invoke "inner-wraps" (i32.const 15)) (i32.const 0x1f))
(assert_return (invoke "inner-wraps" (i32.const 7)) (i32.const 0x17))
(invoke "set" (i32.const 7) (i32.const 0x55))
(assert_return (invoke "last" (i32.const 0xfffe0000)) (i32.const 0x55))
