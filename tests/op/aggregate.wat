;; Aggregates: what the interpreter has of them so far.
(module
  (type $point (struct (field (mut i32)) (field (mut (ref null $point)))))
  (func $struct.new (param i32 (ref null $point)) (result (ref $point)) (struct.new $point (local.get 0) (local.get 1)))
  (func $struct.get (param (ref null $point)) (result i32) (struct.get $point 0 (local.get 0)))
  (func $struct.set (param (ref null $point)) (struct.set $point 0 (local.get 0) (i32.const 1)))
  (func $struct.set_ref (param (ref null $point)) (struct.set $point 1 (local.get 0) (local.get 0)))
)

;; struct.new
;;   copy s0 -> s2, s1 -> s3
;;   runtime struct.new s2 0 0
;;   return s2
;; struct.get
;;   copy s0 -> s1
;;   runtime struct.get s1 0 0
;;   return s1
;; struct.set
;;   copy s0 -> s1
;;   const #1 -> s2
;;   runtime struct.set s1 0 0
;;   return
;; struct.set_ref
;;   copy s0 -> s1, s0 -> s2
;;   runtime struct.set s1 0 1
;;   return
