;; Locals, globals, parametric operations and constants.
(module
  (global $imported (import "m" "g") i64)
  (global $i (mut i32) (i32.const 0)) (global $f (mut f64) (f64.const 0)) (global $v (mut v128) (v128.const i64x2 0 0))
  (global $r (mut funcref) (ref.null func))
  (func $local.get (param i32) (result i32) (local.get 0))
  (func $local.set (param i32 i32) (local.set 0 (local.get 1)))
  (func $local.tee (param i32 i32) (result i32) (i32.add (local.tee 0 (local.get 1)) (i32.const 1)))
  (func $locals_are_cleared (param i32) (local i64 v128 funcref))
  ;; An operand that stands for a local is copied before the local changes, not sooner.
  (func $preserved (param i32) (result i32)
    (local.get 0) (local.set 0 (i32.add (local.get 0) (i32.const 1))) (local.get 0) (i32.mul))
  (func $not_preserved (param i32 i32) (result i32)
    (local.get 0) (local.set 1 (i32.const 3)) (local.get 1) (i32.mul))
  (func $global.get (result i32) (i32.add (global.get $i) (i32.const 1)))
  (func $global.get_imported (result i64) (global.get $imported))
  (func $global.set (param f64) (global.set $i (i32.const 3)) (global.set $f (local.get 0)))
  (func $global.get_vector (result v128) (global.get $v))
  (func $global.set_vector (param v128) (global.set $v (local.get 0)))
  (func $global.set_ref (param funcref) (global.set $r (local.get 0)))
  (func $i32.const (result i32) (i32.const 1))
  (func $i64.const (result i64) (i64.const -1))
  (func $f32.const (result f32) (f32.const 1.5))
  (func $f64.const (result f64) (f64.const nan))
  (func $select (param i32 i32 i32) (result i32) (select (local.get 0) (local.get 1) (local.get 2)))
  (func $select_on_comparison (param i32 i32) (result i32)
    (select (i32.const 10) (local.get 0) (i32.lt_s (local.get 0) (local.get 1))))
  (func $select_typed (param externref externref i32) (result externref)
    (select (result externref) (local.get 0) (local.get 1) (local.get 2)))
  (func $drop (param i32) (drop (i32.load8_u (local.get 0))) (nop))
  (memory 1)
)

;; local.get
;;   return s0
;; local.set
;;   copy s1 -> s0
;;   return
;; local.tee
;;   copy s1 -> s0
;;   i32.add s0 #1
;;   return acc
;; locals_are_cleared
;;   return
;; preserved
;;   i32.add s0 #1
;;   copy s0 -> s1
;;   keep acc -> s0
;;   i32.mul s1 acc
;;   return acc
;; not_preserved
;;   const #3 -> s1
;;   i32.mul s0 s1
;;   return acc
;; global.get
;;   global.get 1 + 1
;;   return acc
;; global.get_imported
;;   global.get 0
;;   return acc
;; global.set
;;   global.set 1 #3
;;   global.set 2 s0
;;   return
;; global.get_vector
;;   global.get 3 -> s16
;;   copy.v128 s16 -> s0
;;   return
;; global.set_vector
;;   global.set 3 s0
;;   return
;; global.set_ref
;;   global.set 4 s0
;;   return
;; i32.const
;;   return #1
;; i64.const
;;   return #-1
;; f32.const
;;   return #1.5
;; f64.const
;;   return #NaN
;; select
;;   select s0 s1 s2
;;   return acc
;; select_on_comparison
;;   i32.lt_s s0 s1
;;   select #10 s0 acc
;;   return acc
;; select_typed
;;   select s0 s1 s2
;;   return acc
;; drop
;;   i32.load8_u s0+0
;;   return
