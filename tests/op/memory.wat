;; Memory operations.
(module
  (memory 1) (memory $other 1) (memory $wide i64 1) (data $data "ab")
  (func $i32.load (param i32) (result i32) (i32.load offset=8 (local.get 0)))
  (func $i64.load (param i32) (result i64) (i64.load offset=8 (local.get 0)))
  (func $f32.load (param i32) (result f32) (f32.load offset=8 (local.get 0)))
  (func $f64.load (param i32) (result f64) (f64.load offset=8 (local.get 0)))
  (func $i32.load8_s (param i32) (result i32) (i32.load8_s offset=8 (local.get 0)))
  (func $i32.load8_u (param i32) (result i32) (i32.load8_u offset=8 (local.get 0)))
  (func $i32.load16_s (param i32) (result i32) (i32.load16_s offset=8 (local.get 0)))
  (func $i32.load16_u (param i32) (result i32) (i32.load16_u offset=8 (local.get 0)))
  (func $i64.load8_s (param i32) (result i64) (i64.load8_s offset=8 (local.get 0)))
  (func $i64.load8_u (param i32) (result i64) (i64.load8_u offset=8 (local.get 0)))
  (func $i64.load16_s (param i32) (result i64) (i64.load16_s offset=8 (local.get 0)))
  (func $i64.load16_u (param i32) (result i64) (i64.load16_u offset=8 (local.get 0)))
  (func $i64.load32_s (param i32) (result i64) (i64.load32_s offset=8 (local.get 0)))
  (func $i64.load32_u (param i32) (result i64) (i64.load32_u offset=8 (local.get 0)))
  (func $v128.load (param i32) (result v128) (v128.load offset=8 (local.get 0)))
  (func $v128.load8x8_s (param i32) (result v128) (v128.load8x8_s offset=8 (local.get 0)))
  (func $v128.load8x8_u (param i32) (result v128) (v128.load8x8_u offset=8 (local.get 0)))
  (func $v128.load16x4_s (param i32) (result v128) (v128.load16x4_s offset=8 (local.get 0)))
  (func $v128.load16x4_u (param i32) (result v128) (v128.load16x4_u offset=8 (local.get 0)))
  (func $v128.load32x2_s (param i32) (result v128) (v128.load32x2_s offset=8 (local.get 0)))
  (func $v128.load32x2_u (param i32) (result v128) (v128.load32x2_u offset=8 (local.get 0)))
  (func $v128.load8_splat (param i32) (result v128) (v128.load8_splat offset=8 (local.get 0)))
  (func $v128.load16_splat (param i32) (result v128) (v128.load16_splat offset=8 (local.get 0)))
  (func $v128.load32_splat (param i32) (result v128) (v128.load32_splat offset=8 (local.get 0)))
  (func $v128.load64_splat (param i32) (result v128) (v128.load64_splat offset=8 (local.get 0)))
  (func $v128.load32_zero (param i32) (result v128) (v128.load32_zero offset=8 (local.get 0)))
  (func $v128.load64_zero (param i32) (result v128) (v128.load64_zero offset=8 (local.get 0)))
  (func $i32.store (param i32 i32) (i32.store offset=8 (local.get 0) (local.get 1)))
  (func $i64.store (param i32 i64) (i64.store offset=8 (local.get 0) (local.get 1)))
  (func $f32.store (param i32 f32) (f32.store offset=8 (local.get 0) (local.get 1)))
  (func $f64.store (param i32 f64) (f64.store offset=8 (local.get 0) (local.get 1)))
  (func $i32.store8 (param i32 i32) (i32.store8 offset=8 (local.get 0) (local.get 1)))
  (func $i32.store16 (param i32 i32) (i32.store16 offset=8 (local.get 0) (local.get 1)))
  (func $i64.store8 (param i32 i64) (i64.store8 offset=8 (local.get 0) (local.get 1)))
  (func $i64.store16 (param i32 i64) (i64.store16 offset=8 (local.get 0) (local.get 1)))
  (func $i64.store32 (param i32 i64) (i64.store32 offset=8 (local.get 0) (local.get 1)))
  (func $v128.store (param i32 v128) (v128.store offset=8 (local.get 0) (local.get 1)))
  (func $v128.load8_lane (param i32 v128) (result v128) (v128.load8_lane 1 (local.get 0) (local.get 1)))
  (func $v128.load16_lane (param i32 v128) (result v128) (v128.load16_lane 1 (local.get 0) (local.get 1)))
  (func $v128.load32_lane (param i32 v128) (result v128) (v128.load32_lane 1 (local.get 0) (local.get 1)))
  (func $v128.load64_lane (param i32 v128) (result v128) (v128.load64_lane 1 (local.get 0) (local.get 1)))
  (func $v128.store8_lane (param i32 v128) (v128.store8_lane 1 (local.get 0) (local.get 1)))
  (func $v128.store16_lane (param i32 v128) (v128.store16_lane 1 (local.get 0) (local.get 1)))
  (func $v128.store32_lane (param i32 v128) (v128.store32_lane 1 (local.get 0) (local.get 1)))
  (func $v128.store64_lane (param i32 v128) (v128.store64_lane 1 (local.get 0) (local.get 1)))
  (func $memory.size (result i32) (memory.size))
  (func $memory.grow (param i32) (result i32) (memory.grow (local.get 0)))
  (func $memory.fill (param i32 i32 i32) (memory.fill (local.get 0) (local.get 1) (local.get 2)))
  (func $memory.copy (param i32 i32 i32) (memory.copy $other 0 (local.get 0) (local.get 1) (local.get 2)))
  (func $memory.init (memory.init $data (i32.const 0) (i32.const 0) (i32.const 2)))
  (func $data.drop (data.drop $data))
  ;; Other memories, wide addresses and constant operands.
  (func $other_memory (param i32) (result i32) (i32.load $other (local.get 0)))
  (func $wide_memory (param i64) (result i64) (i64.load $wide offset=0x100000000 (local.get 0)))
  (func $store_constant (param i32) (i32.store (local.get 0) (i32.const 5)))
  (func $store_computed (param i32 i32) (i32.store (local.get 0) (i32.add (local.get 1) (i32.const 1))))
  (func $load_from_computed (param i32) (result i32) (i32.load (i32.add (local.get 0) (i32.const 4))))
  (func $wide_size (result i64) (memory.size $wide))
)

;; i32.load
;;   i32.load s0+8; return
;; i64.load
;;   i64.load s0+8
;;   return acc
;; f32.load
;;   f32.load s0+8
;;   return acc
;; f64.load
;;   f64.load s0+8
;;   return acc
;; i32.load8_s
;;   i32.load8_s s0+8
;;   return acc
;; i32.load8_u
;;   i32.load8_u s0+8
;;   return acc
;; i32.load16_s
;;   i32.load16_s s0+8
;;   return acc
;; i32.load16_u
;;   i32.load16_u s0+8
;;   return acc
;; i64.load8_s
;;   i64.load8_s s0+8
;;   return acc
;; i64.load8_u
;;   i64.load8_u s0+8
;;   return acc
;; i64.load16_s
;;   i64.load16_s s0+8
;;   return acc
;; i64.load16_u
;;   i64.load16_u s0+8
;;   return acc
;; i64.load32_s
;;   i64.load32_s s0+8
;;   return acc
;; i64.load32_u
;;   i64.load32_u s0+8
;;   return acc
;; v128.load
;;   v128.load s0+8 -> s1
;;   copy.v128 s1 -> s0
;;   return
;; v128.load8x8_s
;;   v128.load8x8_s s0+8 -> s1
;;   copy.v128 s1 -> s0
;;   return
;; v128.load8x8_u
;;   v128.load8x8_u s0+8 -> s1
;;   copy.v128 s1 -> s0
;;   return
;; v128.load16x4_s
;;   v128.load16x4_s s0+8 -> s1
;;   copy.v128 s1 -> s0
;;   return
;; v128.load16x4_u
;;   v128.load16x4_u s0+8 -> s1
;;   copy.v128 s1 -> s0
;;   return
;; v128.load32x2_s
;;   v128.load32x2_s s0+8 -> s1
;;   copy.v128 s1 -> s0
;;   return
;; v128.load32x2_u
;;   v128.load32x2_u s0+8 -> s1
;;   copy.v128 s1 -> s0
;;   return
;; v128.load8_splat
;;   v128.load8_splat s0+8 -> s1
;;   copy.v128 s1 -> s0
;;   return
;; v128.load16_splat
;;   v128.load16_splat s0+8 -> s1
;;   copy.v128 s1 -> s0
;;   return
;; v128.load32_splat
;;   v128.load32_splat s0+8 -> s1
;;   copy.v128 s1 -> s0
;;   return
;; v128.load64_splat
;;   v128.load64_splat s0+8 -> s1
;;   copy.v128 s1 -> s0
;;   return
;; v128.load32_zero
;;   v128.load32_zero s0+8 -> s1
;;   copy.v128 s1 -> s0
;;   return
;; v128.load64_zero
;;   v128.load64_zero s0+8 -> s1
;;   copy.v128 s1 -> s0
;;   return
;; i32.store
;;   i32.store s0 s1+8
;;   return
;; i64.store
;;   i64.store s0 s1+8
;;   return
;; f32.store
;;   f32.store s0 s1+8
;;   return
;; f64.store
;;   f64.store s0 s1+8
;;   return
;; i32.store8
;;   i32.store8 s0 s1+8
;;   return
;; i32.store16
;;   i32.store16 s0 s1+8
;;   return
;; i64.store8
;;   i64.store8 s0 s1+8
;;   return
;; i64.store16
;;   i64.store16 s0 s1+8
;;   return
;; i64.store32
;;   i64.store32 s0 s1+8
;;   return
;; v128.store
;;   v128.store s0 s1+8
;;   return
;; v128.load8_lane
;;   v128.load8_lane s0 s1 lane 1 memory 0 offset 0 -> s3
;;   copy.v128 s3 -> s0
;;   return
;; v128.load16_lane
;;   v128.load16_lane s0 s1 lane 1 memory 0 offset 0 -> s3
;;   copy.v128 s3 -> s0
;;   return
;; v128.load32_lane
;;   v128.load32_lane s0 s1 lane 1 memory 0 offset 0 -> s3
;;   copy.v128 s3 -> s0
;;   return
;; v128.load64_lane
;;   v128.load64_lane s0 s1 lane 1 memory 0 offset 0 -> s3
;;   copy.v128 s3 -> s0
;;   return
;; v128.store8_lane
;;   v128.store8_lane s0 s1 lane 1 memory 0 offset 0
;;   return
;; v128.store16_lane
;;   v128.store16_lane s0 s1 lane 1 memory 0 offset 0
;;   return
;; v128.store32_lane
;;   v128.store32_lane s0 s1 lane 1 memory 0 offset 0
;;   return
;; v128.store64_lane
;;   v128.store64_lane s0 s1 lane 1 memory 0 offset 0
;;   return
;; memory.size
;;   memory.size 0
;;   return acc
;; memory.grow
;;   copy s0 -> s1
;;   runtime memory.grow s1 0 0
;;   return s1
;; memory.fill
;;   copy s0 -> s3, s1 -> s4
;;   copy s2 -> s5
;;   runtime memory.fill s3 0 0
;;   return
;; memory.copy
;;   copy s0 -> s3, s1 -> s4
;;   copy s2 -> s5
;;   runtime memory.copy s3 1 0
;;   return
;; memory.init
;;   const #0 -> s0
;;   const #0 -> s1
;;   const #2 -> s2
;;   runtime memory.init s0 0 0
;;   return
;; data.drop
;;   runtime data.drop s0 0 0
;;   return
;; other_memory
;;   i32.load s0 memory 1 offset 0 -> s1
;;   return s1
;; wide_memory
;;   i64.load s0 memory 2 offset 4294967296 -> s1
;;   return s1
;; store_constant
;;   i32.store s0 #5+0
;;   return
;; store_computed
;;   i32.add s1 #1
;;   i32.store s0 acc+0
;;   return
;; load_from_computed
;;   i32.add s0 #4
;;   i32.load acc+0
;;   return acc
;; wide_size
;;   memory.size 2
;;   return acc
