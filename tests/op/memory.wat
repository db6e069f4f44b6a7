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
  (func $load_by_masked_byte (param i32) (result i32)
    (i32.load (i32.add (i32.shl (i32.and (local.get 0) (i32.const 255)) (i32.const 2)) (i32.const 256))))
  (func $wide_size (result i64) (memory.size $wide))
)

;; i32.load
;;   i32.load s0+8; return
;;   clif
;;     v4 = iconst.i64 48
;;     v5 = iadd v0, v4  ; v4 = 48
;;     v6 = uextend.i64 v2
;;     v7 = load.i64 notrap readonly can_move region0 v5
;;     v8 = iadd v7, v6
;;     v9 = load.i32 user2 little region1 v8+8
;;     return v9
;;   x86-64
;;     movq 0x30(%rdi), %rsi
;;     movl %edx, %edi
;;     movl 8(%rsi, %rdi), %eax
;;     retq
;; i64.load
;;   i64.load s0+8
;;   return acc
;;   clif
;;     v4 = iconst.i64 48
;;     v5 = iadd v0, v4  ; v4 = 48
;;     v6 = uextend.i64 v2
;;     v7 = load.i64 notrap readonly can_move region0 v5
;;     v8 = iadd v7, v6
;;     v9 = load.i64 user2 little region1 v8+8
;;     return v9
;;   x86-64
;;     movq 0x30(%rdi), %rsi
;;     movl %edx, %edi
;;     movq 8(%rsi, %rdi), %rax
;;     retq
;; f32.load
;;   f32.load s0+8
;;   return acc
;;   clif
;;     v4 = iconst.i64 48
;;     v5 = iadd v0, v4  ; v4 = 48
;;     v6 = uextend.i64 v2
;;     v7 = load.i64 notrap readonly can_move region0 v5
;;     v8 = iadd v7, v6
;;     v9 = load.f32 user2 little region1 v8+8
;;     return v9
;;   x86-64
;;     movq 0x30(%rdi), %rsi
;;     movl %edx, %edi
;;     movss 8(%rsi, %rdi), %xmm0
;;     retq
;; f64.load
;;   f64.load s0+8
;;   return acc
;;   clif
;;     v4 = iconst.i64 48
;;     v5 = iadd v0, v4  ; v4 = 48
;;     v6 = uextend.i64 v2
;;     v7 = load.i64 notrap readonly can_move region0 v5
;;     v8 = iadd v7, v6
;;     v9 = load.f64 user2 little region1 v8+8
;;     return v9
;;   x86-64
;;     movq 0x30(%rdi), %rsi
;;     movl %edx, %edi
;;     movsd 8(%rsi, %rdi), %xmm0
;;     retq
;; i32.load8_s
;;   i32.load8_s s0+8
;;   return acc
;;   clif
;;     v4 = iconst.i64 48
;;     v5 = iadd v0, v4  ; v4 = 48
;;     v6 = uextend.i64 v2
;;     v7 = load.i64 notrap readonly can_move region0 v5
;;     v8 = iadd v7, v6
;;     v9 = sload8.i32 user2 little region1 v8+8
;;     return v9
;;   x86-64
;;     movq 0x30(%rdi), %rsi
;;     movl %edx, %edi
;;     movsbq 8(%rsi, %rdi), %rax
;;     retq
;; i32.load8_u
;;   i32.load8_u s0+8
;;   return acc
;;   clif
;;     v4 = iconst.i64 48
;;     v5 = iadd v0, v4  ; v4 = 48
;;     v6 = uextend.i64 v2
;;     v7 = load.i64 notrap readonly can_move region0 v5
;;     v8 = iadd v7, v6
;;     v9 = uload8.i32 user2 little region1 v8+8
;;     return v9
;;   x86-64
;;     movq 0x30(%rdi), %rsi
;;     movl %edx, %edi
;;     movzbq 8(%rsi, %rdi), %rax
;;     retq
;; i32.load16_s
;;   i32.load16_s s0+8
;;   return acc
;;   clif
;;     v4 = iconst.i64 48
;;     v5 = iadd v0, v4  ; v4 = 48
;;     v6 = uextend.i64 v2
;;     v7 = load.i64 notrap readonly can_move region0 v5
;;     v8 = iadd v7, v6
;;     v9 = sload16.i32 user2 little region1 v8+8
;;     return v9
;;   x86-64
;;     movq 0x30(%rdi), %rsi
;;     movl %edx, %edi
;;     movswq 8(%rsi, %rdi), %rax
;;     retq
;; i32.load16_u
;;   i32.load16_u s0+8
;;   return acc
;;   clif
;;     v4 = iconst.i64 48
;;     v5 = iadd v0, v4  ; v4 = 48
;;     v6 = uextend.i64 v2
;;     v7 = load.i64 notrap readonly can_move region0 v5
;;     v8 = iadd v7, v6
;;     v9 = uload16.i32 user2 little region1 v8+8
;;     return v9
;;   x86-64
;;     movq 0x30(%rdi), %rsi
;;     movl %edx, %edi
;;     movzwq 8(%rsi, %rdi), %rax
;;     retq
;; i64.load8_s
;;   i64.load8_s s0+8
;;   return acc
;;   clif
;;     v4 = iconst.i64 48
;;     v5 = iadd v0, v4  ; v4 = 48
;;     v6 = uextend.i64 v2
;;     v7 = load.i64 notrap readonly can_move region0 v5
;;     v8 = iadd v7, v6
;;     v9 = sload8.i64 user2 little region1 v8+8
;;     return v9
;;   x86-64
;;     movq 0x30(%rdi), %rsi
;;     movl %edx, %edi
;;     movsbq 8(%rsi, %rdi), %rax
;;     retq
;; i64.load8_u
;;   i64.load8_u s0+8
;;   return acc
;;   clif
;;     v4 = iconst.i64 48
;;     v5 = iadd v0, v4  ; v4 = 48
;;     v6 = uextend.i64 v2
;;     v7 = load.i64 notrap readonly can_move region0 v5
;;     v8 = iadd v7, v6
;;     v9 = uload8.i64 user2 little region1 v8+8
;;     return v9
;;   x86-64
;;     movq 0x30(%rdi), %rsi
;;     movl %edx, %edi
;;     movzbq 8(%rsi, %rdi), %rax
;;     retq
;; i64.load16_s
;;   i64.load16_s s0+8
;;   return acc
;;   clif
;;     v4 = iconst.i64 48
;;     v5 = iadd v0, v4  ; v4 = 48
;;     v6 = uextend.i64 v2
;;     v7 = load.i64 notrap readonly can_move region0 v5
;;     v8 = iadd v7, v6
;;     v9 = sload16.i64 user2 little region1 v8+8
;;     return v9
;;   x86-64
;;     movq 0x30(%rdi), %rsi
;;     movl %edx, %edi
;;     movswq 8(%rsi, %rdi), %rax
;;     retq
;; i64.load16_u
;;   i64.load16_u s0+8
;;   return acc
;;   clif
;;     v4 = iconst.i64 48
;;     v5 = iadd v0, v4  ; v4 = 48
;;     v6 = uextend.i64 v2
;;     v7 = load.i64 notrap readonly can_move region0 v5
;;     v8 = iadd v7, v6
;;     v9 = uload16.i64 user2 little region1 v8+8
;;     return v9
;;   x86-64
;;     movq 0x30(%rdi), %rsi
;;     movl %edx, %edi
;;     movzwq 8(%rsi, %rdi), %rax
;;     retq
;; i64.load32_s
;;   i64.load32_s s0+8
;;   return acc
;;   clif
;;     v4 = iconst.i64 48
;;     v5 = iadd v0, v4  ; v4 = 48
;;     v6 = uextend.i64 v2
;;     v7 = load.i64 notrap readonly can_move region0 v5
;;     v8 = iadd v7, v6
;;     v9 = sload32 user2 little region1 v8+8
;;     return v9
;;   x86-64
;;     movq 0x30(%rdi), %rsi
;;     movl %edx, %edi
;;     movslq 8(%rsi, %rdi), %rax
;;     retq
;; i64.load32_u
;;   i64.load32_u s0+8
;;   return acc
;;   clif
;;     v4 = iconst.i64 48
;;     v5 = iadd v0, v4  ; v4 = 48
;;     v6 = uextend.i64 v2
;;     v7 = load.i64 notrap readonly can_move region0 v5
;;     v8 = iadd v7, v6
;;     v9 = uload32 user2 little region1 v8+8
;;     return v9
;;   x86-64
;;     movq 0x30(%rdi), %rsi
;;     movl %edx, %edi
;;     movl 8(%rsi, %rdi), %eax
;;     retq
;; v128.load
;;   v128.load s0+8 -> s1
;;   copy.v128 s1 -> s0
;;   return
;;   clif
;;     v4 = iconst.i64 48
;;     v5 = iadd v0, v4  ; v4 = 48
;;     v6 = uextend.i64 v2
;;     v7 = load.i64 notrap readonly can_move region0 v5
;;     v8 = iadd v7, v6
;;     v9 = load.i8x16 user2 little region1 v8+8
;;     return v9
;;   x86-64
;;     movq 0x30(%rdi), %rsi
;;     movl %edx, %edi
;;     movdqu 8(%rsi, %rdi), %xmm0
;;     retq
;; v128.load8x8_s
;;   v128.load8x8_s s0+8 -> s1
;;   copy.v128 s1 -> s0
;;   return
;;   clif
;;     v4 = iconst.i64 48
;;     v5 = iadd v0, v4  ; v4 = 48
;;     v6 = uextend.i64 v2
;;     v7 = load.i64 notrap readonly can_move region0 v5
;;     v8 = iadd v7, v6
;;     v9 = sload8x8 user2 little region1 v8+8
;;     v10 = bitcast.i8x16 little v9
;;     return v10
;;   x86-64
;;     movq 0x30(%rdi), %rsi
;;     movl %edx, %edi
;;     pmovsxbw 8(%rsi, %rdi), %xmm0
;;     retq
;; v128.load8x8_u
;;   v128.load8x8_u s0+8 -> s1
;;   copy.v128 s1 -> s0
;;   return
;;   clif
;;     v4 = iconst.i64 48
;;     v5 = iadd v0, v4  ; v4 = 48
;;     v6 = uextend.i64 v2
;;     v7 = load.i64 notrap readonly can_move region0 v5
;;     v8 = iadd v7, v6
;;     v9 = uload8x8 user2 little region1 v8+8
;;     v10 = bitcast.i8x16 little v9
;;     return v10
;;   x86-64
;;     movq 0x30(%rdi), %rsi
;;     movl %edx, %edi
;;     pmovzxbw 8(%rsi, %rdi), %xmm0
;;     retq
;; v128.load16x4_s
;;   v128.load16x4_s s0+8 -> s1
;;   copy.v128 s1 -> s0
;;   return
;;   clif
;;     v4 = iconst.i64 48
;;     v5 = iadd v0, v4  ; v4 = 48
;;     v6 = uextend.i64 v2
;;     v7 = load.i64 notrap readonly can_move region0 v5
;;     v8 = iadd v7, v6
;;     v9 = sload16x4 user2 little region1 v8+8
;;     v10 = bitcast.i8x16 little v9
;;     return v10
;;   x86-64
;;     movq 0x30(%rdi), %rsi
;;     movl %edx, %edi
;;     pmovsxwd 8(%rsi, %rdi), %xmm0
;;     retq
;; v128.load16x4_u
;;   v128.load16x4_u s0+8 -> s1
;;   copy.v128 s1 -> s0
;;   return
;;   clif
;;     v4 = iconst.i64 48
;;     v5 = iadd v0, v4  ; v4 = 48
;;     v6 = uextend.i64 v2
;;     v7 = load.i64 notrap readonly can_move region0 v5
;;     v8 = iadd v7, v6
;;     v9 = uload16x4 user2 little region1 v8+8
;;     v10 = bitcast.i8x16 little v9
;;     return v10
;;   x86-64
;;     movq 0x30(%rdi), %rsi
;;     movl %edx, %edi
;;     pmovzxwd 8(%rsi, %rdi), %xmm0
;;     retq
;; v128.load32x2_s
;;   v128.load32x2_s s0+8 -> s1
;;   copy.v128 s1 -> s0
;;   return
;;   clif
;;     v4 = iconst.i64 48
;;     v5 = iadd v0, v4  ; v4 = 48
;;     v6 = uextend.i64 v2
;;     v7 = load.i64 notrap readonly can_move region0 v5
;;     v8 = iadd v7, v6
;;     v9 = sload32x2 user2 little region1 v8+8
;;     v10 = bitcast.i8x16 little v9
;;     return v10
;;   x86-64
;;     movq 0x30(%rdi), %rsi
;;     movl %edx, %edi
;;     pmovsxdq 8(%rsi, %rdi), %xmm0
;;     retq
;; v128.load32x2_u
;;   v128.load32x2_u s0+8 -> s1
;;   copy.v128 s1 -> s0
;;   return
;;   clif
;;     v4 = iconst.i64 48
;;     v5 = iadd v0, v4  ; v4 = 48
;;     v6 = uextend.i64 v2
;;     v7 = load.i64 notrap readonly can_move region0 v5
;;     v8 = iadd v7, v6
;;     v9 = uload32x2 user2 little region1 v8+8
;;     v10 = bitcast.i8x16 little v9
;;     return v10
;;   x86-64
;;     movq 0x30(%rdi), %rsi
;;     movl %edx, %edi
;;     pmovzxdq 8(%rsi, %rdi), %xmm0
;;     retq
;; v128.load8_splat
;;   v128.load8_splat s0+8 -> s1
;;   copy.v128 s1 -> s0
;;   return
;;   clif
;;     v4 = iconst.i64 48
;;     v5 = iadd v0, v4  ; v4 = 48
;;     v6 = uextend.i64 v2
;;     v7 = load.i64 notrap readonly can_move region0 v5
;;     v8 = iadd v7, v6
;;     v9 = load.i8 user2 little region1 v8+8
;;     v10 = splat.i8x16 v9
;;     return v10
;;   x86-64
;;     movq 0x30(%rdi), %r9
;;     movl %edx, %r10d
;;     uninit  %xmm0
;;     pinsrb $0x0, 8(%r9, %r10), %xmm0
;;     uninit  %xmm1
;;     pxor %xmm1, %xmm1
;;     pshufb %xmm1, %xmm0
;;     retq
;; v128.load16_splat
;;   v128.load16_splat s0+8 -> s1
;;   copy.v128 s1 -> s0
;;   return
;;   clif
;;     v4 = iconst.i64 48
;;     v5 = iadd v0, v4  ; v4 = 48
;;     v6 = uextend.i64 v2
;;     v7 = load.i64 notrap readonly can_move region0 v5
;;     v8 = iadd v7, v6
;;     v9 = load.i16 user2 little region1 v8+8
;;     v10 = splat.i16x8 v9
;;     v11 = bitcast.i8x16 little v10
;;     return v11
;;   x86-64
;;     movq 0x30(%rdi), %r8
;;     movl %edx, %r9d
;;     uninit  %xmm6
;;     pinsrw $0x0, 8(%r8, %r9), %xmm6
;;     pshuflw $0x0, %xmm6, %xmm0
;;     pshufd $0x0, %xmm0, %xmm0
;;     retq
;; v128.load32_splat
;;   v128.load32_splat s0+8 -> s1
;;   copy.v128 s1 -> s0
;;   return
;;   clif
;;     v4 = iconst.i64 48
;;     v5 = iadd v0, v4  ; v4 = 48
;;     v6 = uextend.i64 v2
;;     v7 = load.i64 notrap readonly can_move region0 v5
;;     v8 = iadd v7, v6
;;     v9 = load.i32 user2 little region1 v8+8
;;     v10 = splat.i32x4 v9
;;     v11 = bitcast.i8x16 little v10
;;     return v11
;;   x86-64
;;     movq 0x30(%rdi), %rsi
;;     movl %edx, %edi
;;     movss 8(%rsi, %rdi), %xmm0
;;     shufps $0x0, %xmm0, %xmm0
;;     retq
;; v128.load64_splat
;;   v128.load64_splat s0+8 -> s1
;;   copy.v128 s1 -> s0
;;   return
;;   clif
;;     v4 = iconst.i64 48
;;     v5 = iadd v0, v4  ; v4 = 48
;;     v6 = uextend.i64 v2
;;     v7 = load.i64 notrap readonly can_move region0 v5
;;     v8 = iadd v7, v6
;;     v9 = load.i64 user2 little region1 v8+8
;;     v10 = splat.i64x2 v9
;;     v11 = bitcast.i8x16 little v10
;;     return v11
;;   x86-64
;;     movq 0x30(%rdi), %rsi
;;     movl %edx, %edi
;;     movddup 8(%rsi, %rdi), %xmm0
;;     retq
;; v128.load32_zero
;;   v128.load32_zero s0+8 -> s1
;;   copy.v128 s1 -> s0
;;   return
;;   clif
;;     v4 = iconst.i64 48
;;     v5 = iadd v0, v4  ; v4 = 48
;;     v6 = uextend.i64 v2
;;     v7 = load.i64 notrap readonly can_move region0 v5
;;     v8 = iadd v7, v6
;;     v9 = load.i32 user2 little region1 v8+8
;;     v10 = scalar_to_vector.i32x4 v9
;;     v11 = bitcast.i8x16 little v10
;;     return v11
;;   x86-64
;;     movq 0x30(%rdi), %rsi
;;     movl %edx, %edi
;;     movss 8(%rsi, %rdi), %xmm0
;;     retq
;; v128.load64_zero
;;   v128.load64_zero s0+8 -> s1
;;   copy.v128 s1 -> s0
;;   return
;;   clif
;;     v4 = iconst.i64 48
;;     v5 = iadd v0, v4  ; v4 = 48
;;     v6 = uextend.i64 v2
;;     v7 = load.i64 notrap readonly can_move region0 v5
;;     v8 = iadd v7, v6
;;     v9 = load.i64 user2 little region1 v8+8
;;     v10 = scalar_to_vector.i64x2 v9
;;     v11 = bitcast.i8x16 little v10
;;     return v11
;;   x86-64
;;     movq 0x30(%rdi), %rsi
;;     movl %edx, %edi
;;     movsd 8(%rsi, %rdi), %xmm0
;;     retq
;; i32.store
;;   i32.store s0 s1+8
;;   return
;;   clif
;;     v4 = iconst.i64 48
;;     v5 = iadd v0, v4  ; v4 = 48
;;     v6 = uextend.i64 v2
;;     v7 = load.i64 notrap readonly can_move region0 v5
;;     v8 = iadd v7, v6
;;     store user2 little region1 v3, v8+8
;;     return
;;   x86-64
;;     movq 0x30(%rdi), %rsi
;;     movl %edx, %edi
;;     movl %ecx, 8(%rsi, %rdi)
;;     retq
;; i64.store
;;   i64.store s0 s1+8
;;   return
;;   clif
;;     v4 = iconst.i64 48
;;     v5 = iadd v0, v4  ; v4 = 48
;;     v6 = uextend.i64 v2
;;     v7 = load.i64 notrap readonly can_move region0 v5
;;     v8 = iadd v7, v6
;;     store user2 little region1 v3, v8+8
;;     return
;;   x86-64
;;     movq 0x30(%rdi), %rsi
;;     movl %edx, %edi
;;     movq %rcx, 8(%rsi, %rdi)
;;     retq
;; f32.store
;;   f32.store s0 s1+8
;;   return
;;   clif
;;     v4 = iconst.i64 48
;;     v5 = iadd v0, v4  ; v4 = 48
;;     v6 = uextend.i64 v2
;;     v7 = load.i64 notrap readonly can_move region0 v5
;;     v8 = iadd v7, v6
;;     store user2 little region1 v3, v8+8
;;     return
;;   x86-64
;;     movq 0x30(%rdi), %rsi
;;     movl %edx, %edi
;;     movss %xmm0, 8(%rsi, %rdi)
;;     retq
;; f64.store
;;   f64.store s0 s1+8
;;   return
;;   clif
;;     v4 = iconst.i64 48
;;     v5 = iadd v0, v4  ; v4 = 48
;;     v6 = uextend.i64 v2
;;     v7 = load.i64 notrap readonly can_move region0 v5
;;     v8 = iadd v7, v6
;;     store user2 little region1 v3, v8+8
;;     return
;;   x86-64
;;     movq 0x30(%rdi), %rsi
;;     movl %edx, %edi
;;     movsd %xmm0, 8(%rsi, %rdi)
;;     retq
;; i32.store8
;;   i32.store8 s0 s1+8
;;   return
;;   clif
;;     v4 = iconst.i64 48
;;     v5 = iadd v0, v4  ; v4 = 48
;;     v6 = uextend.i64 v2
;;     v7 = load.i64 notrap readonly can_move region0 v5
;;     v8 = iadd v7, v6
;;     istore8 user2 little region1 v3, v8+8
;;     return
;;   x86-64
;;     movq 0x30(%rdi), %rsi
;;     movl %edx, %edi
;;     movb %cl, 8(%rsi, %rdi)
;;     retq
;; i32.store16
;;   i32.store16 s0 s1+8
;;   return
;;   clif
;;     v4 = iconst.i64 48
;;     v5 = iadd v0, v4  ; v4 = 48
;;     v6 = uextend.i64 v2
;;     v7 = load.i64 notrap readonly can_move region0 v5
;;     v8 = iadd v7, v6
;;     istore16 user2 little region1 v3, v8+8
;;     return
;;   x86-64
;;     movq 0x30(%rdi), %rsi
;;     movl %edx, %edi
;;     movw %cx, 8(%rsi, %rdi)
;;     retq
;; i64.store8
;;   i64.store8 s0 s1+8
;;   return
;;   clif
;;     v4 = iconst.i64 48
;;     v5 = iadd v0, v4  ; v4 = 48
;;     v6 = uextend.i64 v2
;;     v7 = load.i64 notrap readonly can_move region0 v5
;;     v8 = iadd v7, v6
;;     istore8 user2 little region1 v3, v8+8
;;     return
;;   x86-64
;;     movq 0x30(%rdi), %rsi
;;     movl %edx, %edi
;;     movb %cl, 8(%rsi, %rdi)
;;     retq
;; i64.store16
;;   i64.store16 s0 s1+8
;;   return
;;   clif
;;     v4 = iconst.i64 48
;;     v5 = iadd v0, v4  ; v4 = 48
;;     v6 = uextend.i64 v2
;;     v7 = load.i64 notrap readonly can_move region0 v5
;;     v8 = iadd v7, v6
;;     istore16 user2 little region1 v3, v8+8
;;     return
;;   x86-64
;;     movq 0x30(%rdi), %rsi
;;     movl %edx, %edi
;;     movw %cx, 8(%rsi, %rdi)
;;     retq
;; i64.store32
;;   i64.store32 s0 s1+8
;;   return
;;   clif
;;     v4 = iconst.i64 48
;;     v5 = iadd v0, v4  ; v4 = 48
;;     v6 = uextend.i64 v2
;;     v7 = load.i64 notrap readonly can_move region0 v5
;;     v8 = iadd v7, v6
;;     istore32 user2 little region1 v3, v8+8
;;     return
;;   x86-64
;;     movq 0x30(%rdi), %rsi
;;     movl %edx, %edi
;;     movl %ecx, 8(%rsi, %rdi)
;;     retq
;; v128.store
;;   v128.store s0 s1+8
;;   return
;;   clif
;;     v4 = iconst.i64 48
;;     v5 = iadd v0, v4  ; v4 = 48
;;     v6 = uextend.i64 v2
;;     v7 = load.i64 notrap readonly can_move region0 v5
;;     v8 = iadd v7, v6
;;     store user2 little region1 v3, v8+8
;;     return
;;   x86-64
;;     movq 0x30(%rdi), %rsi
;;     movl %edx, %edi
;;     movdqu %xmm0, 8(%rsi, %rdi)
;;     retq
;; v128.load8_lane
;;   v128.load8_lane s0 s1 lane 1 memory 0 offset 0 -> s3
;;   copy.v128 s3 -> s0
;;   return
;;   clif
;;     v5 = iconst.i64 48
;;     v6 = iadd v0, v5  ; v5 = 48
;;     v7 = uextend.i64 v2
;;     v8 = load.i64 notrap readonly can_move region0 v6
;;     v9 = iadd v8, v7
;;     v10 = load.i8 user2 little region1 v9
;;     v11 = insertlane v3, v10, 1
;;     return v11
;;   x86-64
;;     movq 0x30(%rdi), %rsi
;;     movl %edx, %edi
;;     pinsrb $0x1, (%rsi, %rdi), %xmm0
;;     retq
;; v128.load16_lane
;;   v128.load16_lane s0 s1 lane 1 memory 0 offset 0 -> s3
;;   copy.v128 s3 -> s0
;;   return
;;   clif
;;     v5 = iconst.i64 48
;;     v6 = iadd v0, v5  ; v5 = 48
;;     v7 = uextend.i64 v2
;;     v8 = load.i64 notrap readonly can_move region0 v6
;;     v9 = iadd v8, v7
;;     v10 = bitcast.i16x8 little v3
;;     v11 = load.i16 user2 little region1 v9
;;     v12 = insertlane v10, v11, 1
;;     v13 = bitcast.i8x16 little v12
;;     return v13
;;   x86-64
;;     movq 0x30(%rdi), %rsi
;;     movl %edx, %edi
;;     pinsrw $0x1, (%rsi, %rdi), %xmm0
;;     retq
;; v128.load32_lane
;;   v128.load32_lane s0 s1 lane 1 memory 0 offset 0 -> s3
;;   copy.v128 s3 -> s0
;;   return
;;   clif
;;     v5 = iconst.i64 48
;;     v6 = iadd v0, v5  ; v5 = 48
;;     v7 = uextend.i64 v2
;;     v8 = load.i64 notrap readonly can_move region0 v6
;;     v9 = iadd v8, v7
;;     v10 = bitcast.i32x4 little v3
;;     v11 = load.i32 user2 little region1 v9
;;     v12 = insertlane v10, v11, 1
;;     v13 = bitcast.i8x16 little v12
;;     return v13
;;   x86-64
;;     movq 0x30(%rdi), %rsi
;;     movl %edx, %edi
;;     pinsrd $0x1, (%rsi, %rdi), %xmm0
;;     retq
;; v128.load64_lane
;;   v128.load64_lane s0 s1 lane 1 memory 0 offset 0 -> s3
;;   copy.v128 s3 -> s0
;;   return
;;   clif
;;     v5 = iconst.i64 48
;;     v6 = iadd v0, v5  ; v5 = 48
;;     v7 = uextend.i64 v2
;;     v8 = load.i64 notrap readonly can_move region0 v6
;;     v9 = iadd v8, v7
;;     v10 = bitcast.i64x2 little v3
;;     v11 = load.i64 user2 little region1 v9
;;     v12 = insertlane v10, v11, 1
;;     v13 = bitcast.i8x16 little v12
;;     return v13
;;   x86-64
;;     movq 0x30(%rdi), %rsi
;;     movl %edx, %edi
;;     pinsrq $0x1, (%rsi, %rdi), %xmm0
;;     retq
;; v128.store8_lane
;;   v128.store8_lane s0 s1 lane 1 memory 0 offset 0
;;   return
;;   clif
;;     v4 = iconst.i64 48
;;     v5 = iadd v0, v4  ; v4 = 48
;;     v6 = uextend.i64 v2
;;     v7 = load.i64 notrap readonly can_move region0 v5
;;     v8 = iadd v7, v6
;;     v9 = extractlane v3, 1
;;     store user2 little region1 v9, v8
;;     return
;;   x86-64
;;     movq 0x30(%rdi), %rsi
;;     movl %edx, %edi
;;     pextrb $0x1, %xmm0, (%rsi, %rdi)
;;     retq
;; v128.store16_lane
;;   v128.store16_lane s0 s1 lane 1 memory 0 offset 0
;;   return
;;   clif
;;     v4 = iconst.i64 48
;;     v5 = iadd v0, v4  ; v4 = 48
;;     v6 = uextend.i64 v2
;;     v7 = load.i64 notrap readonly can_move region0 v5
;;     v8 = iadd v7, v6
;;     v9 = bitcast.i16x8 little v3
;;     v10 = extractlane v9, 1
;;     store user2 little region1 v10, v8
;;     return
;;   x86-64
;;     movq 0x30(%rdi), %rsi
;;     movl %edx, %edi
;;     pextrw $0x1, %xmm0, (%rsi, %rdi)
;;     retq
;; v128.store32_lane
;;   v128.store32_lane s0 s1 lane 1 memory 0 offset 0
;;   return
;;   clif
;;     v4 = iconst.i64 48
;;     v5 = iadd v0, v4  ; v4 = 48
;;     v6 = uextend.i64 v2
;;     v7 = load.i64 notrap readonly can_move region0 v5
;;     v8 = iadd v7, v6
;;     v9 = bitcast.i32x4 little v3
;;     v10 = extractlane v9, 1
;;     store user2 little region1 v10, v8
;;     return
;;   x86-64
;;     movq 0x30(%rdi), %rsi
;;     movl %edx, %edi
;;     pextrd $0x1, %xmm0, (%rsi, %rdi)
;;     retq
;; v128.store64_lane
;;   v128.store64_lane s0 s1 lane 1 memory 0 offset 0
;;   return
;;   clif
;;     v4 = iconst.i64 48
;;     v5 = iadd v0, v4  ; v4 = 48
;;     v6 = uextend.i64 v2
;;     v7 = load.i64 notrap readonly can_move region0 v5
;;     v8 = iadd v7, v6
;;     v9 = bitcast.i64x2 little v3
;;     v10 = extractlane v9, 1
;;     store user2 little region1 v10, v8
;;     return
;;   x86-64
;;     movq 0x30(%rdi), %rsi
;;     movl %edx, %edi
;;     pextrq $0x1, %xmm0, (%rsi, %rdi)
;;     retq
;; memory.size
;;   memory.size 0
;;   return acc
;;   clif
;;     v3 = iconst.i64 48
;;     v4 = iadd v0, v3  ; v3 = 48
;;     v5 = load.i64 notrap region0 v4+8
;;     v6 = iconst.i64 16
;;     v7 = ushr v5, v6  ; v6 = 16
;;     v8 = ireduce.i32 v7
;;     return v8
;;   x86-64
;;     movq 0x38(%rdi), %rax
;;     shrq $0x10, %rax
;;     retq
;; memory.grow
;;   copy s0 -> s1
;;   libcall memory.grow s1 0 0
;;   return s1
;;   clif
;;     v4 = stack_addr.i64 ss0
;;     v5 = uextend.i64 v2
;;     store notrap region0 v5, v4
;;     v6 = iconst.i32 0
;;     v7 = iconst.i32 0
;;     v8 = load.i64 notrap region0 v0
;;     v9 = load.i64 notrap region0 v8+184
;;     v10 = load.i64 notrap region0 v9
;;     v11 = iconst.i32 0
;;     call_indirect sig0, v10(v0, v4, v11, v6, v7)  ; v11 = 0, v6 = 0, v7 = 0
;;     v12 = load.i64 notrap region0 v4
;;     v13 = ireduce.i32 v12
;;     return v13
;;   x86-64
;;     movl %edx, %r10d
;;     leaq <offset:1>+(%rsp), %rsi
;;     movq %r10, <offset:1>+(%rsp)
;;     movq (%rdi), %r11
;;     movq 0xb8(%r11), %r11
;;     movq (%r11), %r11
;;     uninit  %r8
;;     xorl %r8d, %r8d
;;     movq %r8, %rcx
;;     movq %r8, %rdx
;;     call    *%r11
;;     movq <offset:1>+(%rsp), %rax
;;     addq $0x10, %rsp
;;     retq
;; memory.fill
;;   copy s0 -> s3, s1 -> s4
;;   copy s2 -> s5
;;   libcall memory.fill s3 0 0
;;   return
;;   clif
;;     v5 = stack_addr.i64 ss0
;;     v6 = uextend.i64 v2
;;     store notrap region0 v6, v5
;;     v7 = uextend.i64 v3
;;     store notrap region0 v7, v5+8
;;     v8 = uextend.i64 v4
;;     store notrap region0 v8, v5+16
;;     v9 = iconst.i32 0
;;     v10 = iconst.i32 0
;;     v11 = load.i64 notrap region0 v0
;;     v12 = load.i64 notrap region0 v11+184
;;     v13 = load.i64 notrap region0 v12
;;     v14 = iconst.i32 1
;;     call_indirect sig0, v13(v0, v5, v14, v9, v10)  ; v14 = 1, v9 = 0, v10 = 0
;;     return
;;   x86-64
;;     movl %edx, %eax
;;     leaq <offset:1>+(%rsp), %rsi
;;     movq %rax, <offset:1>+(%rsp)
;;     movl %ecx, %eax
;;     movq %rax, <offset:1>+8(%rsp)
;;     movl %r8d, %eax
;;     movq %rax, <offset:1>+0x10(%rsp)
;;     movq (%rdi), %rax
;;     movq 0xb8(%rax), %rax
;;     movq (%rax), %rax
;;     movl $0x1, %edx
;;     uninit  %r8
;;     xorl %r8d, %r8d
;;     movq %r8, %rcx
;;     call    *%rax
;;     addq $0x20, %rsp
;;     retq
;; memory.copy
;;   copy s0 -> s3, s1 -> s4
;;   copy s2 -> s5
;;   libcall memory.copy s3 1 0
;;   return
;;   clif
;;     v5 = stack_addr.i64 ss0
;;     v6 = uextend.i64 v2
;;     store notrap region0 v6, v5
;;     v7 = uextend.i64 v3
;;     store notrap region0 v7, v5+8
;;     v8 = uextend.i64 v4
;;     store notrap region0 v8, v5+16
;;     v9 = iconst.i32 1
;;     v10 = iconst.i32 0
;;     v11 = load.i64 notrap region0 v0
;;     v12 = load.i64 notrap region0 v11+184
;;     v13 = load.i64 notrap region0 v12
;;     v14 = iconst.i32 2
;;     call_indirect sig0, v13(v0, v5, v14, v9, v10)  ; v14 = 2, v9 = 1, v10 = 0
;;     return
;;   x86-64
;;     movl %edx, %eax
;;     leaq <offset:1>+(%rsp), %rsi
;;     movq %rax, <offset:1>+(%rsp)
;;     movl %ecx, %eax
;;     movq %rax, <offset:1>+8(%rsp)
;;     movl %r8d, %eax
;;     movq %rax, <offset:1>+0x10(%rsp)
;;     movq (%rdi), %rax
;;     movq 0xb8(%rax), %rax
;;     movq (%rax), %rax
;;     movl $0x2, %edx
;;     movl $0x1, %ecx
;;     uninit  %r8
;;     xorl %r8d, %r8d
;;     call    *%rax
;;     addq $0x20, %rsp
;;     retq
;; memory.init
;;   const #0 -> s0
;;   const #0 -> s1
;;   const #2 -> s2
;;   libcall memory.init s0 0 0
;;   return
;;   clif
;;     v2 = iconst.i32 0
;;     v3 = iconst.i32 0
;;     v4 = iconst.i32 2
;;     v5 = stack_addr.i64 ss0
;;     v6 = uextend.i64 v2  ; v2 = 0
;;     store notrap region0 v6, v5
;;     v7 = uextend.i64 v3  ; v3 = 0
;;     store notrap region0 v7, v5+8
;;     v8 = uextend.i64 v4  ; v4 = 2
;;     store notrap region0 v8, v5+16
;;     v9 = iconst.i32 0
;;     v10 = iconst.i32 0
;;     v11 = load.i64 notrap region0 v0
;;     v12 = load.i64 notrap region0 v11+184
;;     v13 = load.i64 notrap region0 v12
;;     v14 = iconst.i32 3
;;     call_indirect sig0, v13(v0, v5, v14, v9, v10)  ; v14 = 3, v9 = 0, v10 = 0
;;     return
;;   x86-64
;;     leaq <offset:1>+(%rsp), %rsi
;;     movq $0x0, <offset:1>+(%rsp)
;;     movq $0x0, <offset:1>+8(%rsp)
;;     movq $0x2, <offset:1>+0x10(%rsp)
;;     movq (%rdi), %r11
;;     movq 0xb8(%r11), %r11
;;     movq (%r11), %r11
;;     movl $0x3, %edx
;;     uninit  %r8
;;     xorl %r8d, %r8d
;;     movq %r8, %rcx
;;     call    *%r11
;;     addq $0x20, %rsp
;;     retq
;; data.drop
;;   libcall data.drop s0 0 0
;;   return
;;   clif
;;     v2 = stack_addr.i64 ss0
;;     v3 = iconst.i32 0
;;     v4 = iconst.i32 0
;;     v5 = load.i64 notrap region0 v0
;;     v6 = load.i64 notrap region0 v5+184
;;     v7 = load.i64 notrap region0 v6
;;     v8 = iconst.i32 4
;;     call_indirect sig0, v7(v0, v2, v8, v3, v4)  ; v8 = 4, v3 = 0, v4 = 0
;;     return
;;   x86-64
;;     movq (%rdi), %r8
;;     movq 0xb8(%r8), %r8
;;     movq (%r8), %r9
;;     leaq <offset:1>+(%rsp), %rsi
;;     movl $0x4, %edx
;;     uninit  %r8
;;     xorl %r8d, %r8d
;;     movq %r8, %rcx
;;     call    *%r9
;;     addq $0x10, %rsp
;;     retq
;; other_memory
;;   i32.load s0 memory 1 offset 0 -> s1
;;   return s1
;;   clif
;;     v4 = iconst.i64 64
;;     v5 = iadd v0, v4  ; v4 = 64
;;     v6 = uextend.i64 v2
;;     v7 = load.i64 notrap readonly can_move region0 v5
;;     v8 = iadd v7, v6
;;     v9 = load.i32 user2 little region2 v8
;;     return v9
;;   x86-64
;;     movq 0x40(%rdi), %rsi
;;     movl %edx, %edi
;;     movl (%rsi, %rdi), %eax
;;     retq
;; wide_memory
;;   i64.load s0 memory 2 offset 4294967296 -> s1
;;   return s1
;;   clif
;;     v4 = iconst.i64 80
;;     v5 = iadd v0, v4  ; v4 = 80
;;     v6 = load.i64 notrap region0 v5+8
;;     v7 = load.i64 notrap region0 v5
;;     v8 = iconst.i64 0x0001_0000_0008
;;     v9, v10 = uadd_overflow v2, v8  ; v8 = 0x0001_0000_0008
;;     v11 = icmp ugt v9, v6
;;     v12 = bor v10, v11
;;     v13 = iadd v7, v2
;;     v14 = iconst.i64 0x0001_0000_0000
;;     v15 = iadd v13, v14  ; v14 = 0x0001_0000_0000
;;     v16 = iconst.i64 0
;;     v17 = select_spectre_guard v12, v16, v15  ; v16 = 0
;;     v18 = load.i64 user2 little region3 v17
;;     return v18
;;   x86-64
;;     movq %rdx, %rax
;;     addq (%rip), %rax
;;     setb %r11b
;;     cmpq 0x58(%rdi), %rax
;;     seta %al
;;     orl %eax, %r11d
;;     uninit  %rax
;;     xorq %rax, %rax
;;     addq 0x50(%rdi), %rdx
;;     movabsq $0x100000000, %rcx
;;     leaq (%rdx, %rcx), %rcx
;;     testb %r11b, %r11b
;;     cmovneq %rax, %rcx
;;     movq (%rcx), %rax
;;     retq
;; store_constant
;;   i32.store s0 #5+0
;;   return
;;   clif
;;     v3 = iconst.i32 5
;;     v4 = iconst.i64 48
;;     v5 = iadd v0, v4  ; v4 = 48
;;     v6 = uextend.i64 v2
;;     v7 = load.i64 notrap readonly can_move region0 v5
;;     v8 = iadd v7, v6
;;     store user2 little region1 v3, v8  ; v3 = 5
;;     return
;;   x86-64
;;     movq 0x30(%rdi), %rsi
;;     movl %edx, %edi
;;     movl $0x5, (%rsi, %rdi)
;;     retq
;; store_computed
;;   i32.add s1 #1
;;   i32.store s0 acc+0
;;   return
;;   clif
;;     v4 = iconst.i32 1
;;     v5 = iadd v3, v4  ; v4 = 1
;;     v6 = iconst.i64 48
;;     v7 = iadd v0, v6  ; v6 = 48
;;     v8 = uextend.i64 v2
;;     v9 = load.i64 notrap readonly can_move region0 v7
;;     v10 = iadd v9, v8
;;     store user2 little region1 v5, v10
;;     return
;;   x86-64
;;     leal 1(%rcx), %esi
;;     movq 0x30(%rdi), %rdi
;;     movl %edx, %r8d
;;     movl %esi, (%rdi, %r8)
;;     retq
;; load_from_computed
;;   i32.add s0 #4
;;   i32.load acc+0
;;   return acc
;;   clif
;;     v4 = iconst.i32 4
;;     v5 = iadd v2, v4  ; v4 = 4
;;     v6 = iconst.i64 48
;;     v7 = iadd v0, v6  ; v6 = 48
;;     v8 = uextend.i64 v5
;;     v9 = load.i64 notrap readonly can_move region0 v7
;;     v10 = iadd v9, v8
;;     v11 = load.i32 user2 little region1 v10
;;     return v11
;;   x86-64
;;     movq 0x30(%rdi), %rsi
;;     leal 4(%rdx), %edi
;;     movl (%rsi, %rdi), %eax
;;     retq
;; load_by_masked_byte
;;   i32.and s0 #255
;;   i32.shl acc #2
;;   i32.add acc #256
;;   i32.load acc+0
;;   return acc
;;   clif
;;     v4 = iconst.i32 255
;;     v5 = band v2, v4  ; v4 = 255
;;     v6 = iconst.i32 2
;;     v7 = ishl v5, v6  ; v6 = 2
;;     v8 = iconst.i32 256
;;     v9 = iadd v7, v8  ; v8 = 256
;;     v10 = iconst.i64 48
;;     v11 = iadd v0, v10  ; v10 = 48
;;     v12 = uextend.i64 v5
;;     v13 = iconst.i64 2
;;     v14 = ishl v12, v13  ; v13 = 2
;;     v15 = load.i64 notrap readonly can_move region0 v11
;;     v16 = iadd v15, v14
;;     v17 = load.i32 user2 little region1 v16+256
;;     return v17
;;   x86-64
;;     movq 0x30(%rdi), %rsi
;;     andl $0xff, %edx
;;     movl 0x100(%rsi, %rdx, 4), %eax
;;     retq
;; wide_size
;;   memory.size 2
;;   return acc
;;   clif
;;     v3 = iconst.i64 80
;;     v4 = iadd v0, v3  ; v3 = 80
;;     v5 = load.i64 notrap region0 v4+8
;;     v6 = iconst.i64 16
;;     v7 = ushr v5, v6  ; v6 = 16
;;     return v7
;;   x86-64
;;     movq 0x58(%rdi), %rax
;;     shrq $0x10, %rax
;;     retq
