;; References.
(module
  (elem declare func $f)
  (func $f)
  (func $ref.null (result externref) (ref.null extern))
  (func $ref.is_null (param externref) (result i32) (ref.is_null (local.get 0)))
  (func $branch_on_is_null (param externref) (if (ref.is_null (local.get 0)) (then (unreachable))))
  (func $ref.func (result funcref) (ref.func $f))
  (func $ref.as_non_null (param funcref) (result (ref func)) (ref.as_non_null (local.get 0)))
)

;; f
;;   return
;; ref.null
;;   return #0
;; ref.is_null
;;   ref.is_null s0
;;   return acc
;; branch_on_is_null
;;   jump_unless ref.is_null s0 @0
;;   unreachable
;; @0:
;;   return
;; ref.func
;;   runtime ref.func s0 0 0
;;   return s0
;; ref.as_non_null
;;   ref.as_non_null s0 -> s1
;;   return s1
