;; The imports of the other module: a function, a reference that is created before the function has native code, a table
;; of such references, a tag, and a memory that grows.
(module
  (type $unary (func (param i32) (result i64)))
  (tag $odd (export "odd") (param i32))
  (memory (export "memory") 1 40)
  (func $triple (export "triple") (type $unary) (i64.mul (i64.const 3) (i64.extend_i32_s (local.get 0))))
  (func $throws (export "throws") (type $unary)
    (if (i32.and (local.get 0) (i32.const 1)) (then (throw $odd (local.get 0))))
    (i64.const 1))
  (global (export "held") (ref $unary) (ref.func $triple))
  (table (export "table") 3 8 funcref)
  (elem (i32.const 0) func $triple $throws $triple))
