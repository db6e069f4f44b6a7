;; Table operations.
(module
  (table $t 10 funcref) (table $e 10 externref) (table $wide i64 10 funcref)
  (elem $s func $f)
  (func $f)
  (func $table.get (param i32) (result funcref) (table.get $t (local.get 0)))
  (func $table.get_wide (param i64) (result funcref) (table.get $wide (local.get 0)))
  (func $table.set (param i32 externref) (table.set $e (local.get 0) (local.get 1)))
  (func $table.size (result i32) (table.size $t))
  (func $table.grow (param i32) (result i32) (table.grow $t (ref.null func) (local.get 0)))
  (func $table.fill (param i32 i32) (table.fill $t (local.get 0) (ref.null func) (local.get 1)))
  (func $table.copy (param i32 i32 i32) (table.copy $t $t (local.get 0) (local.get 1) (local.get 2)))
  (func $table.init (table.init $t $s (i32.const 0) (i32.const 0) (i32.const 1)))
  (func $elem.drop (elem.drop $s))
)

;; f
;;   return
;; table.get
;;   table.get 0 s0
;;   return acc
;; table.get_wide
;;   table.get 2 s0
;;   return acc
;; table.set
;;   copy s0 -> s2, s1 -> s3
;;   runtime table.set s2 1 0
;;   return
;; table.size
;;   table.size 0
;;   return acc
;; table.grow
;;   const #0 -> s1
;;   copy s0 -> s2
;;   runtime table.grow s1 0 0
;;   return s1
;; table.fill
;;   copy s0 -> s2
;;   const #0 -> s3
;;   copy s1 -> s4
;;   runtime table.fill s2 0 0
;;   return
;; table.copy
;;   copy s0 -> s3, s1 -> s4
;;   copy s2 -> s5
;;   runtime table.copy s3 0 0
;;   return
;; table.init
;;   const #0 -> s0
;;   const #0 -> s1
;;   const #1 -> s2
;;   runtime table.init s0 0 0
;;   return
;; elem.drop
;;   runtime elem.drop s0 0 0
;;   return
