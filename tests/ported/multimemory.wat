(module
  (memory $a (export "memory0") 2 3)
  (memory $b (export "memory1") 3 4)
  (func (export "load0") (param i32) (result i32) (i32.load8_s $a (local.get 0)))
  (func (export "load1") (param i32) (result i32) (i32.load8_s $b (local.get 0))))
