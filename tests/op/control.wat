;; Control: blocks, branches, calls. Loops look for interrupts where they branch back.
(module
  (type $binary (func (param i32 i32) (result i32)))
  (import "m" "f" (func $imported (param i32) (result i32)))
  (table $t 10 funcref)
  (func $unreachable (unreachable))
  (func $block (param i32) (result i32) (block (result i32) (br_if 0 (i32.const 7) (local.get 0)) (drop) (i32.const 8)))
  (func $loop (param i32) (loop (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))
  (func $loop_with_compare (param i32 i32)
    (loop (local.set 0 (i32.add (local.get 0) (i32.const 1))) (br_if 0 (i32.lt_u (local.get 0) (local.get 1)))))
  (func $loop_with_operands (param i32) (result i32)
    (local.get 0) (i32.const 5)
    (loop (param i32 i32) (result i32)
      (i32.add) (br_if 1 (i32.eqz (local.get 0))) (i32.const 1) (br 0)))
  (func $if (param i32) (result i32) (if (result i32) (local.get 0) (then (i32.const 1)) (else (i32.const 2))))
  (func $if_not (param i64) (if (i64.eqz (local.get 0)) (then (unreachable))))
  (func $br (param i32) (result i32) (block (result i32) (br 0 (i32.add (local.get 0) (i32.const 1)))))
  (func $br_if_to_return (param i32 i32) (result i32) (drop (br_if 0 (i32.const 50) (local.get 1))) (local.get 0))
  (func $br_table (param i32) (result i32)
    (block (block (block (br_table 0 1 2 (local.get 0))) (return (i32.const 10))) (return (i32.const 11))) (i32.const 12))
  (func $br_table_with_operand (param i32) (result i32)
    (i32.add (i32.const 1) (block (result i32) (block (result i32) (br_table 0 1 (i32.const 3) (local.get 0))))))
  (func $br_on_null (param funcref) (result i32) (block (drop (br_on_null 0 (local.get 0))) (return (i32.const 1))) (i32.const 0))
  (func $br_on_non_null (param funcref) (result funcref)
    (block (result (ref func)) (br_on_non_null 0 (local.get 0)) (return (ref.null func))))
  (func $return (param i32) (return))
  (func $return_many (param i32 i32) (result i32 i32) (local.get 1) (local.get 0))
  (func $call (param i32) (result i32) (call $binary (local.get 0) (i32.const 1)))
  (func $binary (type $binary) (i32.add (local.get 0) (local.get 1)))
  (func $call_imported (result i32) (call $imported (i32.const 5)))
  (func $call_indirect (param i32) (result i32) (call_indirect $t (type $binary) (i32.const 1) (i32.const 2) (local.get 0)))
  (func $call_ref (param (ref null $binary)) (result i32) (call_ref $binary (i32.const 1) (i32.const 2) (local.get 0)))
  (func $return_call (param i32 i32) (result i32) (return_call $binary (local.get 1) (local.get 0)))
  (func $return_call_imported (param i32) (result i32) (return_call $imported (local.get 0)))
  (func $return_call_indirect (param i32) (result i32)
    (return_call_indirect $t (type $binary) (i32.const 1) (i32.const 2) (local.get 0)))
  (func $return_call_ref (param (ref null $binary)) (result i32) (return_call_ref $binary (i32.const 1) (i32.const 2) (local.get 0)))
  (func $dead_code (param i32) (result i32) (return (i32.const 1)) (drop) (i32.add) (local.set 0) (i32.const 2))
)

;; unreachable
;;   unreachable
;; block
;;   jump_unless s0 @0
;;   const #7 -> s1
;;   jump @1
;; @0:
;;   const #8 -> s1
;; @1:
;;   return s1
;; loop
;; @0:
;;   i32.add s0 #-1 -> s0; jump_if acc @0
;;   return
;; loop_with_compare
;; @0:
;;   i32.add s0 #1 -> s0; jump_if i32.lt_u acc s1 @0
;;   return
;; loop_with_operands
;;   copy s0 -> s1
;;   const #5 -> s2
;; @0:
;;   i32.add s1 s2 -> s1
;;   jump_if i32.eqz s0 @1
;;   const #1 -> s2
;;   jump @0
;; @1:
;;   return s1
;; if
;;   jump_unless s0 @0
;;   const #1 -> s1
;;   jump @1
;; @0:
;;   const #2 -> s1
;; @1:
;;   return s1
;; if_not
;;   jump_unless i64.eqz s0 @0
;;   unreachable
;; @0:
;;   return
;; br
;;   i32.add s0 #1 -> s1
;;   return s1
;; br_if_to_return
;;   jump_unless s1 @0
;;   return #50
;; @0:
;;   return s0
;;   return s2
;; br_table
;;   jump_table s0 @2 @1 @0
;; @0:
;;   return #10
;; @1:
;;   return #11
;; @2:
;;   return #12
;; br_table_with_operand
;;   const #3 -> s2
;;   jump_table s0 @0 @1
;; @0:
;;   const #3 -> s2
;;   jump @2
;; @1:
;;   const #3 -> s2
;;   jump @2
;; @2:
;;   i32.add #1 s2
;;   return acc
;; br_on_null
;;   jump_if_null s0 @0
;;   return #1
;; @0:
;;   return #0
;; br_on_non_null
;;   jump_if_null s0 @0
;;   copy s0 -> s1
;;   jump @1
;; @0:
;;   return #0
;; @1:
;;   return s1
;; return
;;   return
;; return_many
;;   copy s1 -> s2, s0 -> s3
;;   copy s2 -> s0, s3 -> s1
;;   return
;; call
;;   copy s0 -> s1
;;   const #1 -> s2; call 17 s1
;;   return s1
;; binary
;;   i32.add s0 s1
;;   return acc
;; call_imported
;;   const #5 -> s0
;;   call_import 0 s0
;;   return s0
;; call_indirect
;;   const #1 -> s1
;;   const #2 -> s2
;;   call_indirect s1 table 0 type 0 s0
;;   return s1
;; call_ref
;;   const #1 -> s1
;;   const #2 -> s2
;;   call_ref s1 s0
;;   return s1
;; return_call
;;   copy s1 -> s2, s0 -> s3
;;   copy s2 -> s0, s3 -> s1
;;   tail_call 17
;; return_call_imported
;;   tail_call_import 0
;; return_call_indirect
;;   resolve_indirect table 0 type 0 s0
;;   const #1 -> s0
;;   const #2 -> s1
;;   tail_call_resolved
;; return_call_ref
;;   resolve_ref s0
;;   const #1 -> s0
;;   const #2 -> s1
;;   tail_call_resolved
;; dead_code
;;   return #1
