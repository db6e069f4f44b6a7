(module
  (import "" "hello" (func $hello))
  (func (export "hello") (call $hello)))
