;; Exceptions: what the interpreter has of them so far.
(module
  (tag $e (param i32))
  (func $throw (param i32) (throw $e (local.get 0)))
  (func $try_table (param i32) (result i32)
    (block $h (result i32) (try_table (catch $e $h) (call $throw (local.get 0))) (i32.const 0)))
  (func $catch_all (block $h (try_table (catch_all $h) (call $throw (i32.const 1)))))
)

;; throw
;;   copy s0 -> s1
;;   throw 0 s1
;; try_table
;;   copy s0 -> s1; call 0 s1
;;   jump @0
;; @0:
;;   const #0 -> s1
;;   return s1
;; catch_all
;;   const #1 -> s0; call 0 s0
;;   jump @0
;; @0:
;;   return
