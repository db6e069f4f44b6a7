(module
  (import "wasi_snapshot_preview1" "path_filestat_get"
    (func $stat (param i32 i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 64) "hello.wat")
  (func (export "size") (result i64)
    (if (call $stat (i32.const 3) (i32.const 0) (i32.const 64) (i32.const 9) (i32.const 0)) (then unreachable))
    (i64.load (i32.const 32)))
)
