;; Scalar operations, one function each, then the forms of operands and results.
(module
  (func $i32.eqz (param i32) (result i32) (i32.eqz (local.get 0)))
  (func $i64.eqz (param i64) (result i32) (i64.eqz (local.get 0)))
  (func $i32.clz (param i32) (result i32) (i32.clz (local.get 0)))
  (func $i32.ctz (param i32) (result i32) (i32.ctz (local.get 0)))
  (func $i32.popcnt (param i32) (result i32) (i32.popcnt (local.get 0)))
  (func $i64.clz (param i64) (result i64) (i64.clz (local.get 0)))
  (func $i64.ctz (param i64) (result i64) (i64.ctz (local.get 0)))
  (func $i64.popcnt (param i64) (result i64) (i64.popcnt (local.get 0)))
  (func $f32.abs (param f32) (result f32) (f32.abs (local.get 0)))
  (func $f32.neg (param f32) (result f32) (f32.neg (local.get 0)))
  (func $f32.ceil (param f32) (result f32) (f32.ceil (local.get 0)))
  (func $f32.floor (param f32) (result f32) (f32.floor (local.get 0)))
  (func $f32.trunc (param f32) (result f32) (f32.trunc (local.get 0)))
  (func $f32.nearest (param f32) (result f32) (f32.nearest (local.get 0)))
  (func $f32.sqrt (param f32) (result f32) (f32.sqrt (local.get 0)))
  (func $f64.abs (param f64) (result f64) (f64.abs (local.get 0)))
  (func $f64.neg (param f64) (result f64) (f64.neg (local.get 0)))
  (func $f64.ceil (param f64) (result f64) (f64.ceil (local.get 0)))
  (func $f64.floor (param f64) (result f64) (f64.floor (local.get 0)))
  (func $f64.trunc (param f64) (result f64) (f64.trunc (local.get 0)))
  (func $f64.nearest (param f64) (result f64) (f64.nearest (local.get 0)))
  (func $f64.sqrt (param f64) (result f64) (f64.sqrt (local.get 0)))
  (func $i32.extend8_s (param i32) (result i32) (i32.extend8_s (local.get 0)))
  (func $i32.extend16_s (param i32) (result i32) (i32.extend16_s (local.get 0)))
  (func $i64.extend8_s (param i64) (result i64) (i64.extend8_s (local.get 0)))
  (func $i64.extend16_s (param i64) (result i64) (i64.extend16_s (local.get 0)))
  (func $i64.extend32_s (param i64) (result i64) (i64.extend32_s (local.get 0)))
  (func $i32.wrap_i64 (param i64) (result i32) (i32.wrap_i64 (local.get 0)))
  (func $i32.trunc_f32_s (param f32) (result i32) (i32.trunc_f32_s (local.get 0)))
  (func $i32.trunc_f32_u (param f32) (result i32) (i32.trunc_f32_u (local.get 0)))
  (func $i32.trunc_f64_s (param f64) (result i32) (i32.trunc_f64_s (local.get 0)))
  (func $i32.trunc_f64_u (param f64) (result i32) (i32.trunc_f64_u (local.get 0)))
  (func $i64.extend_i32_s (param i32) (result i64) (i64.extend_i32_s (local.get 0)))
  (func $i64.extend_i32_u (param i32) (result i64) (i64.extend_i32_u (local.get 0)))
  (func $i64.trunc_f32_s (param f32) (result i64) (i64.trunc_f32_s (local.get 0)))
  (func $i64.trunc_f32_u (param f32) (result i64) (i64.trunc_f32_u (local.get 0)))
  (func $i64.trunc_f64_s (param f64) (result i64) (i64.trunc_f64_s (local.get 0)))
  (func $i64.trunc_f64_u (param f64) (result i64) (i64.trunc_f64_u (local.get 0)))
  (func $f32.convert_i32_s (param i32) (result f32) (f32.convert_i32_s (local.get 0)))
  (func $f32.convert_i32_u (param i32) (result f32) (f32.convert_i32_u (local.get 0)))
  (func $f32.convert_i64_s (param i64) (result f32) (f32.convert_i64_s (local.get 0)))
  (func $f32.convert_i64_u (param i64) (result f32) (f32.convert_i64_u (local.get 0)))
  (func $f32.demote_f64 (param f64) (result f32) (f32.demote_f64 (local.get 0)))
  (func $f64.convert_i32_s (param i32) (result f64) (f64.convert_i32_s (local.get 0)))
  (func $f64.convert_i32_u (param i32) (result f64) (f64.convert_i32_u (local.get 0)))
  (func $f64.convert_i64_s (param i64) (result f64) (f64.convert_i64_s (local.get 0)))
  (func $f64.convert_i64_u (param i64) (result f64) (f64.convert_i64_u (local.get 0)))
  (func $f64.promote_f32 (param f32) (result f64) (f64.promote_f32 (local.get 0)))
  (func $i32.reinterpret_f32 (param f32) (result i32) (i32.reinterpret_f32 (local.get 0)))
  (func $i64.reinterpret_f64 (param f64) (result i64) (i64.reinterpret_f64 (local.get 0)))
  (func $f32.reinterpret_i32 (param i32) (result f32) (f32.reinterpret_i32 (local.get 0)))
  (func $f64.reinterpret_i64 (param i64) (result f64) (f64.reinterpret_i64 (local.get 0)))
  (func $i32.trunc_sat_f32_s (param f32) (result i32) (i32.trunc_sat_f32_s (local.get 0)))
  (func $i32.trunc_sat_f32_u (param f32) (result i32) (i32.trunc_sat_f32_u (local.get 0)))
  (func $i32.trunc_sat_f64_s (param f64) (result i32) (i32.trunc_sat_f64_s (local.get 0)))
  (func $i32.trunc_sat_f64_u (param f64) (result i32) (i32.trunc_sat_f64_u (local.get 0)))
  (func $i64.trunc_sat_f32_s (param f32) (result i64) (i64.trunc_sat_f32_s (local.get 0)))
  (func $i64.trunc_sat_f32_u (param f32) (result i64) (i64.trunc_sat_f32_u (local.get 0)))
  (func $i64.trunc_sat_f64_s (param f64) (result i64) (i64.trunc_sat_f64_s (local.get 0)))
  (func $i64.trunc_sat_f64_u (param f64) (result i64) (i64.trunc_sat_f64_u (local.get 0)))
  (func $i32.add (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
  (func $i32.sub (param i32 i32) (result i32) (i32.sub (local.get 0) (local.get 1)))
  (func $i32.mul (param i32 i32) (result i32) (i32.mul (local.get 0) (local.get 1)))
  (func $i32.div_s (param i32 i32) (result i32) (i32.div_s (local.get 0) (local.get 1)))
  (func $i32.div_u (param i32 i32) (result i32) (i32.div_u (local.get 0) (local.get 1)))
  (func $i32.rem_s (param i32 i32) (result i32) (i32.rem_s (local.get 0) (local.get 1)))
  (func $i32.rem_u (param i32 i32) (result i32) (i32.rem_u (local.get 0) (local.get 1)))
  (func $i32.and (param i32 i32) (result i32) (i32.and (local.get 0) (local.get 1)))
  (func $i32.or (param i32 i32) (result i32) (i32.or (local.get 0) (local.get 1)))
  (func $i32.xor (param i32 i32) (result i32) (i32.xor (local.get 0) (local.get 1)))
  (func $i32.shl (param i32 i32) (result i32) (i32.shl (local.get 0) (local.get 1)))
  (func $i32.shr_s (param i32 i32) (result i32) (i32.shr_s (local.get 0) (local.get 1)))
  (func $i32.shr_u (param i32 i32) (result i32) (i32.shr_u (local.get 0) (local.get 1)))
  (func $i32.rotl (param i32 i32) (result i32) (i32.rotl (local.get 0) (local.get 1)))
  (func $i32.rotr (param i32 i32) (result i32) (i32.rotr (local.get 0) (local.get 1)))
  (func $i64.add (param i64 i64) (result i64) (i64.add (local.get 0) (local.get 1)))
  (func $i64.sub (param i64 i64) (result i64) (i64.sub (local.get 0) (local.get 1)))
  (func $i64.mul (param i64 i64) (result i64) (i64.mul (local.get 0) (local.get 1)))
  (func $i64.div_s (param i64 i64) (result i64) (i64.div_s (local.get 0) (local.get 1)))
  (func $i64.div_u (param i64 i64) (result i64) (i64.div_u (local.get 0) (local.get 1)))
  (func $i64.rem_s (param i64 i64) (result i64) (i64.rem_s (local.get 0) (local.get 1)))
  (func $i64.rem_u (param i64 i64) (result i64) (i64.rem_u (local.get 0) (local.get 1)))
  (func $i64.and (param i64 i64) (result i64) (i64.and (local.get 0) (local.get 1)))
  (func $i64.or (param i64 i64) (result i64) (i64.or (local.get 0) (local.get 1)))
  (func $i64.xor (param i64 i64) (result i64) (i64.xor (local.get 0) (local.get 1)))
  (func $i64.shl (param i64 i64) (result i64) (i64.shl (local.get 0) (local.get 1)))
  (func $i64.shr_s (param i64 i64) (result i64) (i64.shr_s (local.get 0) (local.get 1)))
  (func $i64.shr_u (param i64 i64) (result i64) (i64.shr_u (local.get 0) (local.get 1)))
  (func $i64.rotl (param i64 i64) (result i64) (i64.rotl (local.get 0) (local.get 1)))
  (func $i64.rotr (param i64 i64) (result i64) (i64.rotr (local.get 0) (local.get 1)))
  (func $f32.add (param f32 f32) (result f32) (f32.add (local.get 0) (local.get 1)))
  (func $f32.sub (param f32 f32) (result f32) (f32.sub (local.get 0) (local.get 1)))
  (func $f32.mul (param f32 f32) (result f32) (f32.mul (local.get 0) (local.get 1)))
  (func $f32.div (param f32 f32) (result f32) (f32.div (local.get 0) (local.get 1)))
  (func $f32.min (param f32 f32) (result f32) (f32.min (local.get 0) (local.get 1)))
  (func $f32.max (param f32 f32) (result f32) (f32.max (local.get 0) (local.get 1)))
  (func $f32.copysign (param f32 f32) (result f32) (f32.copysign (local.get 0) (local.get 1)))
  (func $f64.add (param f64 f64) (result f64) (f64.add (local.get 0) (local.get 1)))
  (func $f64.sub (param f64 f64) (result f64) (f64.sub (local.get 0) (local.get 1)))
  (func $f64.mul (param f64 f64) (result f64) (f64.mul (local.get 0) (local.get 1)))
  (func $f64.div (param f64 f64) (result f64) (f64.div (local.get 0) (local.get 1)))
  (func $f64.min (param f64 f64) (result f64) (f64.min (local.get 0) (local.get 1)))
  (func $f64.max (param f64 f64) (result f64) (f64.max (local.get 0) (local.get 1)))
  (func $f64.copysign (param f64 f64) (result f64) (f64.copysign (local.get 0) (local.get 1)))
  (func $i32.eq (param i32 i32) (result i32) (i32.eq (local.get 0) (local.get 1)))
  (func $i32.ne (param i32 i32) (result i32) (i32.ne (local.get 0) (local.get 1)))
  (func $i32.lt_s (param i32 i32) (result i32) (i32.lt_s (local.get 0) (local.get 1)))
  (func $i32.lt_u (param i32 i32) (result i32) (i32.lt_u (local.get 0) (local.get 1)))
  (func $i32.gt_s (param i32 i32) (result i32) (i32.gt_s (local.get 0) (local.get 1)))
  (func $i32.gt_u (param i32 i32) (result i32) (i32.gt_u (local.get 0) (local.get 1)))
  (func $i32.le_s (param i32 i32) (result i32) (i32.le_s (local.get 0) (local.get 1)))
  (func $i32.le_u (param i32 i32) (result i32) (i32.le_u (local.get 0) (local.get 1)))
  (func $i32.ge_s (param i32 i32) (result i32) (i32.ge_s (local.get 0) (local.get 1)))
  (func $i32.ge_u (param i32 i32) (result i32) (i32.ge_u (local.get 0) (local.get 1)))
  (func $i64.eq (param i64 i64) (result i32) (i64.eq (local.get 0) (local.get 1)))
  (func $i64.ne (param i64 i64) (result i32) (i64.ne (local.get 0) (local.get 1)))
  (func $i64.lt_s (param i64 i64) (result i32) (i64.lt_s (local.get 0) (local.get 1)))
  (func $i64.lt_u (param i64 i64) (result i32) (i64.lt_u (local.get 0) (local.get 1)))
  (func $i64.gt_s (param i64 i64) (result i32) (i64.gt_s (local.get 0) (local.get 1)))
  (func $i64.gt_u (param i64 i64) (result i32) (i64.gt_u (local.get 0) (local.get 1)))
  (func $i64.le_s (param i64 i64) (result i32) (i64.le_s (local.get 0) (local.get 1)))
  (func $i64.le_u (param i64 i64) (result i32) (i64.le_u (local.get 0) (local.get 1)))
  (func $i64.ge_s (param i64 i64) (result i32) (i64.ge_s (local.get 0) (local.get 1)))
  (func $i64.ge_u (param i64 i64) (result i32) (i64.ge_u (local.get 0) (local.get 1)))
  (func $f32.eq (param f32 f32) (result i32) (f32.eq (local.get 0) (local.get 1)))
  (func $f32.ne (param f32 f32) (result i32) (f32.ne (local.get 0) (local.get 1)))
  (func $f32.lt (param f32 f32) (result i32) (f32.lt (local.get 0) (local.get 1)))
  (func $f32.gt (param f32 f32) (result i32) (f32.gt (local.get 0) (local.get 1)))
  (func $f32.le (param f32 f32) (result i32) (f32.le (local.get 0) (local.get 1)))
  (func $f32.ge (param f32 f32) (result i32) (f32.ge (local.get 0) (local.get 1)))
  (func $f64.eq (param f64 f64) (result i32) (f64.eq (local.get 0) (local.get 1)))
  (func $f64.ne (param f64 f64) (result i32) (f64.ne (local.get 0) (local.get 1)))
  (func $f64.lt (param f64 f64) (result i32) (f64.lt (local.get 0) (local.get 1)))
  (func $f64.gt (param f64 f64) (result i32) (f64.gt (local.get 0) (local.get 1)))
  (func $f64.le (param f64 f64) (result i32) (f64.le (local.get 0) (local.get 1)))
  (func $f64.ge (param f64 f64) (result i32) (f64.ge (local.get 0) (local.get 1)))
  (func $i64.add128 (param i64 i64 i64 i64) (result i64 i64) (i64.add128 (local.get 0) (local.get 1) (local.get 2) (local.get 3)))
  (func $i64.sub128 (param i64 i64 i64 i64) (result i64 i64) (i64.sub128 (local.get 0) (local.get 1) (local.get 2) (local.get 3)))
  (func $i64.mul_wide_s (param i64 i64) (result i64 i64) (i64.mul_wide_s (local.get 0) (local.get 1)))
  (func $i64.mul_wide_u (param i64 i64) (result i64 i64) (i64.mul_wide_u (local.get 0) (local.get 1)))
  ;; Sources of operands and destinations of results.
  (func $constant_operands (param i32) (result i32)
    (i32.sub (i32.add (local.get 0) (i32.const 7)) (i32.const 1)))
  (func $constant_first (param i32) (result i32) (i32.sub (i32.const 1) (local.get 0)))
  (func $folded (result i32) (i32.mul (i32.const 6) (i32.const 7)))
  (func $folding_that_would_trap (result i32) (i32.div_s (i32.const 1) (i32.const 0)))
  (func $result_to_local (param i32 i32) (local i32)
    (local.set 2 (i32.add (local.get 0) (local.get 1)))
    (local.set 0 (i32.mul (local.get 2) (local.get 2))))
  (func $tree (param i32 i32 i32 i32) (result i32)
    (i32.mul (i32.add (local.get 0) (local.get 1)) (i32.sub (local.get 2) (local.get 3))))
  (func $wide_constants (param i64) (result i64) (i64.xor (local.get 0) (i64.const 0x123456789abcdef0)))
)

;; i32.eqz
;;   i32.eqz s0
;;   return acc
;;   clif
;;     v4 = iconst.i32 0
;;     v5 = icmp eq v2, v4  ; v4 = 0
;;     v6 = uextend.i32 v5
;;     return v6
;;   x86-64
;;     testl %edx, %edx
;;     sete %sil
;;     movzbl %sil, %eax
;;     retq
;; i64.eqz
;;   i64.eqz s0
;;   return acc
;;   clif
;;     v4 = iconst.i64 0
;;     v5 = icmp eq v2, v4  ; v4 = 0
;;     v6 = uextend.i32 v5
;;     return v6
;;   x86-64
;;     testq %rdx, %rdx
;;     sete %sil
;;     movzbl %sil, %eax
;;     retq
;; i32.clz
;;   i32.clz s0
;;   return acc
;;   clif
;;     v4 = clz v2
;;     return v4
;;   x86-64
;;     movq $0xffffffffffffffff, %rdi
;;     bsrl %edx, %esi
;;     cmovel %edi, %esi
;;     movl $0x1f, %eax
;;     subl %esi, %eax
;;     retq
;; i32.ctz
;;   i32.ctz s0
;;   return acc
;;   clif
;;     v4 = ctz v2
;;     return v4
;;   x86-64
;;     movl $0x20, %esi
;;     bsfl %edx, %eax
;;     cmovel %esi, %eax
;;     retq
;; i32.popcnt
;;   i32.popcnt s0
;;   return acc
;;   clif
;;     v4 = popcnt v2
;;     return v4
;;   x86-64
;;     popcntl %edx, %eax
;;     retq
;; i64.clz
;;   i64.clz s0
;;   return acc
;;   clif
;;     v4 = clz v2
;;     return v4
;;   x86-64
;;     movq $0xffffffffffffffff, %rdi
;;     bsrq %rdx, %rsi
;;     cmoveq %rdi, %rsi
;;     movl $0x3f, %eax
;;     subq %rsi, %rax
;;     retq
;; i64.ctz
;;   i64.ctz s0
;;   return acc
;;   clif
;;     v4 = ctz v2
;;     return v4
;;   x86-64
;;     movl $0x40, %esi
;;     bsfq %rdx, %rax
;;     cmoveq %rsi, %rax
;;     retq
;; i64.popcnt
;;   i64.popcnt s0
;;   return acc
;;   clif
;;     v4 = popcnt v2
;;     return v4
;;   x86-64
;;     popcntq %rdx, %rax
;;     retq
;; f32.abs
;;   f32.abs s0
;;   return acc
;;   clif
;;     v4 = fabs v2
;;     return v4
;;   x86-64
;;     movl $0x7fffffff, %edx
;;     movd %edx, %xmm4
;;     andps %xmm4, %xmm0
;;     retq
;; f32.neg
;;   f32.neg s0
;;   return acc
;;   clif
;;     v4 = fneg v2
;;     return v4
;;   x86-64
;;     movl $0x80000000, %edx
;;     movd %edx, %xmm4
;;     xorps %xmm4, %xmm0
;;     retq
;; f32.ceil
;;   f32.ceil s0
;;   return acc
;;   clif
;;     v4 = ceil v2
;;     return v4
;;   x86-64
;;     roundss $0x2, %xmm0, %xmm0
;;     retq
;; f32.floor
;;   f32.floor s0
;;   return acc
;;   clif
;;     v4 = floor v2
;;     return v4
;;   x86-64
;;     roundss $0x1, %xmm0, %xmm0
;;     retq
;; f32.trunc
;;   f32.trunc s0
;;   return acc
;;   clif
;;     v4 = trunc v2
;;     return v4
;;   x86-64
;;     roundss $0x3, %xmm0, %xmm0
;;     retq
;; f32.nearest
;;   f32.nearest s0
;;   return acc
;;   clif
;;     v4 = nearest v2
;;     return v4
;;   x86-64
;;     roundss $0x0, %xmm0, %xmm0
;;     retq
;; f32.sqrt
;;   f32.sqrt s0
;;   return acc
;;   clif
;;     v4 = sqrt v2
;;     return v4
;;   x86-64
;;     movdqa %xmm0, %xmm5
;;     uninit  %xmm0
;;     xorps %xmm0, %xmm0
;;     movdqa %xmm5, %xmm7
;;     sqrtss %xmm7, %xmm0
;;     retq
;; f64.abs
;;   f64.abs s0
;;   return acc
;;   clif
;;     v4 = fabs v2
;;     return v4
;;   x86-64
;;     movabsq $0x7fffffffffffffff, %rdx
;;     movq %rdx, %xmm4
;;     andpd %xmm4, %xmm0
;;     retq
;; f64.neg
;;   f64.neg s0
;;   return acc
;;   clif
;;     v4 = fneg v2
;;     return v4
;;   x86-64
;;     movabsq $0x8000000000000000, %rdx
;;     movq %rdx, %xmm4
;;     xorpd %xmm4, %xmm0
;;     retq
;; f64.ceil
;;   f64.ceil s0
;;   return acc
;;   clif
;;     v4 = ceil v2
;;     return v4
;;   x86-64
;;     roundsd $0x2, %xmm0, %xmm0
;;     retq
;; f64.floor
;;   f64.floor s0
;;   return acc
;;   clif
;;     v4 = floor v2
;;     return v4
;;   x86-64
;;     roundsd $0x1, %xmm0, %xmm0
;;     retq
;; f64.trunc
;;   f64.trunc s0
;;   return acc
;;   clif
;;     v4 = trunc v2
;;     return v4
;;   x86-64
;;     roundsd $0x3, %xmm0, %xmm0
;;     retq
;; f64.nearest
;;   f64.nearest s0
;;   return acc
;;   clif
;;     v4 = nearest v2
;;     return v4
;;   x86-64
;;     roundsd $0x0, %xmm0, %xmm0
;;     retq
;; f64.sqrt
;;   f64.sqrt s0
;;   return acc
;;   clif
;;     v4 = sqrt v2
;;     return v4
;;   x86-64
;;     movdqa %xmm0, %xmm5
;;     uninit  %xmm0
;;     xorpd %xmm0, %xmm0
;;     movdqa %xmm5, %xmm7
;;     sqrtsd %xmm7, %xmm0
;;     retq
;; i32.extend8_s
;;   i32.extend8_s s0
;;   return acc
;;   clif
;;     v4 = ireduce.i8 v2
;;     v5 = sextend.i32 v4
;;     return v5
;;   x86-64
;;     movsbl %dl, %eax
;;     retq
;; i32.extend16_s
;;   i32.extend16_s s0
;;   return acc
;;   clif
;;     v4 = ireduce.i16 v2
;;     v5 = sextend.i32 v4
;;     return v5
;;   x86-64
;;     movswl %dx, %eax
;;     retq
;; i64.extend8_s
;;   i64.extend8_s s0
;;   return acc
;;   clif
;;     v4 = ireduce.i8 v2
;;     v5 = sextend.i64 v4
;;     return v5
;;   x86-64
;;     movsbq %dl, %rax
;;     retq
;; i64.extend16_s
;;   i64.extend16_s s0
;;   return acc
;;   clif
;;     v4 = ireduce.i16 v2
;;     v5 = sextend.i64 v4
;;     return v5
;;   x86-64
;;     movswq %dx, %rax
;;     retq
;; i64.extend32_s
;;   i64.extend32_s s0
;;   return acc
;;   clif
;;     v4 = ireduce.i32 v2
;;     v5 = sextend.i64 v4
;;     return v5
;;   x86-64
;;     movslq %edx, %rax
;;     retq
;; i32.wrap_i64
;;   i32.wrap_i64 s0
;;   return acc
;;   clif
;;     v4 = ireduce.i32 v2
;;     return v4
;;   x86-64
;;     movq %rdx, %rax
;;     retq
;; i32.trunc_f32_s
;;   i32.trunc_f32_s s0
;;   return acc
;;   clif
;;     v4 = fcvt_to_sint.i32 v2
;;     return v4
;;   x86-64
;;     cvt_float32_to_sint32_seq %xmm0, %eax, %rsi, %xmm3
;;     retq
;; i32.trunc_f32_u
;;   i32.trunc_f32_u s0
;;   return acc
;;   clif
;;     v4 = fcvt_to_uint.i32 v2
;;     return v4
;;   x86-64
;;     cvt_float32_to_uint32_seq %xmm0, %eax, %rsi, %xmm3, %xmm4
;;     retq
;; i32.trunc_f64_s
;;   i32.trunc_f64_s s0
;;   return acc
;;   clif
;;     v4 = fcvt_to_sint.i32 v2
;;     return v4
;;   x86-64
;;     cvt_float64_to_sint32_seq %xmm0, %eax, %rsi, %xmm3
;;     retq
;; i32.trunc_f64_u
;;   i32.trunc_f64_u s0
;;   return acc
;;   clif
;;     v4 = fcvt_to_uint.i32 v2
;;     return v4
;;   x86-64
;;     cvt_float64_to_uint32_seq %xmm0, %eax, %rsi, %xmm3, %xmm4
;;     retq
;; i64.extend_i32_s
;;   i64.extend_i32_s s0
;;   return acc
;;   clif
;;     v4 = sextend.i64 v2
;;     return v4
;;   x86-64
;;     movslq %edx, %rax
;;     retq
;; i64.extend_i32_u
;;   i64.extend_i32_u s0
;;   return acc
;;   clif
;;     v4 = uextend.i64 v2
;;     return v4
;;   x86-64
;;     movl %edx, %eax
;;     retq
;; i64.trunc_f32_s
;;   i64.trunc_f32_s s0
;;   return acc
;;   clif
;;     v4 = fcvt_to_sint.i64 v2
;;     return v4
;;   x86-64
;;     cvt_float32_to_sint64_seq %xmm0, %rax, %rsi, %xmm3
;;     retq
;; i64.trunc_f32_u
;;   i64.trunc_f32_u s0
;;   return acc
;;   clif
;;     v4 = fcvt_to_uint.i64 v2
;;     return v4
;;   x86-64
;;     cvt_float32_to_uint64_seq %xmm0, %rax, %rsi, %xmm3, %xmm4
;;     retq
;; i64.trunc_f64_s
;;   i64.trunc_f64_s s0
;;   return acc
;;   clif
;;     v4 = fcvt_to_sint.i64 v2
;;     return v4
;;   x86-64
;;     cvt_float64_to_sint64_seq %xmm0, %rax, %rsi, %xmm3
;;     retq
;; i64.trunc_f64_u
;;   i64.trunc_f64_u s0
;;   return acc
;;   clif
;;     v4 = fcvt_to_uint.i64 v2
;;     return v4
;;   x86-64
;;     cvt_float64_to_uint64_seq %xmm0, %rax, %rsi, %xmm3, %xmm4
;;     retq
;; f32.convert_i32_s
;;   f32.convert_i32_s s0
;;   return acc
;;   clif
;;     v4 = fcvt_from_sint.f32 v2
;;     return v4
;;   x86-64
;;     uninit  %xmm0
;;     xorps %xmm0, %xmm0
;;     cvtsi2ssl %edx, %xmm0
;;     retq
;; f32.convert_i32_u
;;   f32.convert_i32_u s0
;;   return acc
;;   clif
;;     v4 = fcvt_from_uint.f32 v2
;;     return v4
;;   x86-64
;;     uninit  %xmm0
;;     xorps %xmm0, %xmm0
;;     movl %edx, %esi
;;     cvtsi2ssq %rsi, %xmm0
;;     retq
;; f32.convert_i64_s
;;   f32.convert_i64_s s0
;;   return acc
;;   clif
;;     v4 = fcvt_from_sint.f32 v2
;;     return v4
;;   x86-64
;;     uninit  %xmm0
;;     xorps %xmm0, %xmm0
;;     cvtsi2ssq %rdx, %xmm0
;;     retq
;; f32.convert_i64_u
;;   f32.convert_i64_u s0
;;   return acc
;;   clif
;;     v4 = fcvt_from_uint.f32 v2
;;     return v4
;;   x86-64
;;     u64_to_f32_seq %rdx, %xmm0, %rdi, %rsi
;;     retq
;; f32.demote_f64
;;   f32.demote_f64 s0
;;   return acc
;;   clif
;;     v4 = fdemote.f32 v2
;;     return v4
;;   x86-64
;;     movdqa %xmm0, %xmm5
;;     uninit  %xmm0
;;     xorps %xmm0, %xmm0
;;     movdqa %xmm5, %xmm7
;;     cvtsd2ss %xmm7, %xmm0
;;     retq
;; f64.convert_i32_s
;;   f64.convert_i32_s s0
;;   return acc
;;   clif
;;     v4 = fcvt_from_sint.f64 v2
;;     return v4
;;   x86-64
;;     uninit  %xmm0
;;     xorpd %xmm0, %xmm0
;;     cvtsi2sdl %edx, %xmm0
;;     retq
;; f64.convert_i32_u
;;   f64.convert_i32_u s0
;;   return acc
;;   clif
;;     v4 = fcvt_from_uint.f64 v2
;;     return v4
;;   x86-64
;;     uninit  %xmm0
;;     xorpd %xmm0, %xmm0
;;     movl %edx, %esi
;;     cvtsi2sdq %rsi, %xmm0
;;     retq
;; f64.convert_i64_s
;;   f64.convert_i64_s s0
;;   return acc
;;   clif
;;     v4 = fcvt_from_sint.f64 v2
;;     return v4
;;   x86-64
;;     uninit  %xmm0
;;     xorpd %xmm0, %xmm0
;;     cvtsi2sdq %rdx, %xmm0
;;     retq
;; f64.convert_i64_u
;;   f64.convert_i64_u s0
;;   return acc
;;   clif
;;     v4 = fcvt_from_uint.f64 v2
;;     return v4
;;   x86-64
;;     u64_to_f64_seq %rdx, %xmm0, %rdi, %rsi
;;     retq
;; f64.promote_f32
;;   f64.promote_f32 s0
;;   return acc
;;   clif
;;     v4 = fpromote.f64 v2
;;     return v4
;;   x86-64
;;     movdqa %xmm0, %xmm5
;;     uninit  %xmm0
;;     xorpd %xmm0, %xmm0
;;     movdqa %xmm5, %xmm7
;;     cvtss2sd %xmm7, %xmm0
;;     retq
;; i32.reinterpret_f32
;;   i32.reinterpret_f32 s0
;;   return acc
;;   clif
;;     v4 = bitcast.i32 v2
;;     return v4
;;   x86-64
;;     movd %xmm0, %eax
;;     retq
;; i64.reinterpret_f64
;;   i64.reinterpret_f64 s0
;;   return acc
;;   clif
;;     v4 = bitcast.i64 v2
;;     return v4
;;   x86-64
;;     movq %xmm0, %rax
;;     retq
;; f32.reinterpret_i32
;;   f32.reinterpret_i32 s0
;;   return acc
;;   clif
;;     v4 = bitcast.f32 v2
;;     return v4
;;   x86-64
;;     movd %edx, %xmm0
;;     retq
;; f64.reinterpret_i64
;;   f64.reinterpret_i64 s0
;;   return acc
;;   clif
;;     v4 = bitcast.f64 v2
;;     return v4
;;   x86-64
;;     movq %rdx, %xmm0
;;     retq
;; i32.trunc_sat_f32_s
;;   i32.trunc_sat_f32_s s0
;;   return acc
;;   clif
;;     v4 = fcvt_to_sint_sat.i32 v2
;;     return v4
;;   x86-64
;;     cvt_float32_to_sint32_sat_seq %xmm0, %eax, %rsi, %xmm3
;;     retq
;; i32.trunc_sat_f32_u
;;   i32.trunc_sat_f32_u s0
;;   return acc
;;   clif
;;     v4 = fcvt_to_uint_sat.i32 v2
;;     return v4
;;   x86-64
;;     cvt_float32_to_uint32_sat_seq %xmm0, %eax, %rsi, %xmm3, %xmm4
;;     retq
;; i32.trunc_sat_f64_s
;;   i32.trunc_sat_f64_s s0
;;   return acc
;;   clif
;;     v4 = fcvt_to_sint_sat.i32 v2
;;     return v4
;;   x86-64
;;     cvt_float64_to_sint32_sat_seq %xmm0, %eax, %rsi, %xmm3
;;     retq
;; i32.trunc_sat_f64_u
;;   i32.trunc_sat_f64_u s0
;;   return acc
;;   clif
;;     v4 = fcvt_to_uint_sat.i32 v2
;;     return v4
;;   x86-64
;;     cvt_float64_to_uint32_sat_seq %xmm0, %eax, %rsi, %xmm3, %xmm4
;;     retq
;; i64.trunc_sat_f32_s
;;   i64.trunc_sat_f32_s s0
;;   return acc
;;   clif
;;     v4 = fcvt_to_sint_sat.i64 v2
;;     return v4
;;   x86-64
;;     cvt_float32_to_sint64_sat_seq %xmm0, %rax, %rsi, %xmm3
;;     retq
;; i64.trunc_sat_f32_u
;;   i64.trunc_sat_f32_u s0
;;   return acc
;;   clif
;;     v4 = fcvt_to_uint_sat.i64 v2
;;     return v4
;;   x86-64
;;     cvt_float32_to_uint64_sat_seq %xmm0, %rax, %rsi, %xmm3, %xmm4
;;     retq
;; i64.trunc_sat_f64_s
;;   i64.trunc_sat_f64_s s0
;;   return acc
;;   clif
;;     v4 = fcvt_to_sint_sat.i64 v2
;;     return v4
;;   x86-64
;;     cvt_float64_to_sint64_sat_seq %xmm0, %rax, %rsi, %xmm3
;;     retq
;; i64.trunc_sat_f64_u
;;   i64.trunc_sat_f64_u s0
;;   return acc
;;   clif
;;     v4 = fcvt_to_uint_sat.i64 v2
;;     return v4
;;   x86-64
;;     cvt_float64_to_uint64_sat_seq %xmm0, %rax, %rsi, %xmm3, %xmm4
;;     retq
;; i32.add
;;   i32.add s0 s1
;;   return acc
;;   clif
;;     v5 = iadd v2, v3
;;     return v5
;;   x86-64
;;     leal (%rdx, %rcx), %eax
;;     retq
;; i32.sub
;;   i32.sub s0 s1
;;   return acc
;;   clif
;;     v5 = isub v2, v3
;;     return v5
;;   x86-64
;;     movq %rdx, %rax
;;     subl %ecx, %eax
;;     retq
;; i32.mul
;;   i32.mul s0 s1
;;   return acc
;;   clif
;;     v5 = imul v2, v3
;;     return v5
;;   x86-64
;;     movq %rdx, %rax
;;     imull %ecx, %eax
;;     retq
;; i32.div_s
;;   i32.div_s s0 s1
;;   return acc
;;   clif
;;     v5 = sdiv v2, v3
;;     return v5
;;   x86-64
;;     movq %rdx, %rax
;;     cltd  ;; implicit: %edx, %eax
;;     testl %ecx, %ecx
;;     jz #trap=int_divz
;;     idivl %ecx ;; implicit: %eax, %edx, trap=252
;;     retq
;; i32.div_u
;;   i32.div_u s0 s1
;;   return acc
;;   clif
;;     v5 = udiv v2, v3
;;     return v5
;;   x86-64
;;     movq %rdx, %rax
;;     uninit  %rdx
;;     xorq %rdx, %rdx
;;     divl %ecx ;; implicit: %eax, %edx, trap=254
;;     retq
;; i32.rem_s
;;   i32.rem_s s0 s1
;;   return acc
;;   clif
;;     v5 = srem v2, v3
;;     return v5
;;   x86-64
;;     movq %rdx, %rax
;;     cltd  ;; implicit: %edx, %eax
;;     checked_srem_seq %eax, %edx, %ecx, %eax, %edx
;;     movq %rdx, %rax
;;     retq
;; i32.rem_u
;;   i32.rem_u s0 s1
;;   return acc
;;   clif
;;     v5 = urem v2, v3
;;     return v5
;;   x86-64
;;     movq %rdx, %rax
;;     uninit  %rdx
;;     xorq %rdx, %rdx
;;     divl %ecx ;; implicit: %eax, %edx, trap=254
;;     movq %rdx, %rax
;;     retq
;; i32.and
;;   i32.and s0 s1
;;   return acc
;;   clif
;;     v5 = band v2, v3
;;     return v5
;;   x86-64
;;     movq %rdx, %rax
;;     andl %ecx, %eax
;;     retq
;; i32.or
;;   i32.or s0 s1
;;   return acc
;;   clif
;;     v5 = bor v2, v3
;;     return v5
;;   x86-64
;;     movq %rdx, %rax
;;     orl %ecx, %eax
;;     retq
;; i32.xor
;;   i32.xor s0 s1
;;   return acc
;;   clif
;;     v5 = bxor v2, v3
;;     return v5
;;   x86-64
;;     movq %rdx, %rax
;;     xorl %ecx, %eax
;;     retq
;; i32.shl
;;   i32.shl s0 s1
;;   return acc
;;   clif
;;     v5 = ishl v2, v3
;;     return v5
;;   x86-64
;;     movq %rdx, %rax
;;     shll %cl, %eax
;;     retq
;; i32.shr_s
;;   i32.shr_s s0 s1
;;   return acc
;;   clif
;;     v5 = sshr v2, v3
;;     return v5
;;   x86-64
;;     movq %rdx, %rax
;;     sarl %cl, %eax
;;     retq
;; i32.shr_u
;;   i32.shr_u s0 s1
;;   return acc
;;   clif
;;     v5 = ushr v2, v3
;;     return v5
;;   x86-64
;;     movq %rdx, %rax
;;     shrl %cl, %eax
;;     retq
;; i32.rotl
;;   i32.rotl s0 s1
;;   return acc
;;   clif
;;     v5 = rotl v2, v3
;;     return v5
;;   x86-64
;;     movq %rdx, %rax
;;     roll %cl, %eax
;;     retq
;; i32.rotr
;;   i32.rotr s0 s1
;;   return acc
;;   clif
;;     v5 = rotr v2, v3
;;     return v5
;;   x86-64
;;     movq %rdx, %rax
;;     rorl %cl, %eax
;;     retq
;; i64.add
;;   i64.add s0 s1
;;   return acc
;;   clif
;;     v5 = iadd v2, v3
;;     return v5
;;   x86-64
;;     leaq (%rdx, %rcx), %rax
;;     retq
;; i64.sub
;;   i64.sub s0 s1
;;   return acc
;;   clif
;;     v5 = isub v2, v3
;;     return v5
;;   x86-64
;;     movq %rdx, %rax
;;     subq %rcx, %rax
;;     retq
;; i64.mul
;;   i64.mul s0 s1
;;   return acc
;;   clif
;;     v5 = imul v2, v3
;;     return v5
;;   x86-64
;;     movq %rdx, %rax
;;     imulq %rcx, %rax
;;     retq
;; i64.div_s
;;   i64.div_s s0 s1
;;   return acc
;;   clif
;;     v5 = sdiv v2, v3
;;     return v5
;;   x86-64
;;     movq %rdx, %rax
;;     cqto  ;; implicit: %rdx, %rax
;;     testq %rcx, %rcx
;;     jz #trap=int_divz
;;     idivq %rcx ;; implicit: %rax, %rdx, trap=252
;;     retq
;; i64.div_u
;;   i64.div_u s0 s1
;;   return acc
;;   clif
;;     v5 = udiv v2, v3
;;     return v5
;;   x86-64
;;     movq %rdx, %rax
;;     uninit  %rdx
;;     xorq %rdx, %rdx
;;     divq %rcx ;; implicit: %rax, %rdx, trap=254
;;     retq
;; i64.rem_s
;;   i64.rem_s s0 s1
;;   return acc
;;   clif
;;     v5 = srem v2, v3
;;     return v5
;;   x86-64
;;     movq %rdx, %rax
;;     cqto  ;; implicit: %rdx, %rax
;;     checked_srem_seq %rax, %rdx, %rcx, %rax, %rdx
;;     movq %rdx, %rax
;;     retq
;; i64.rem_u
;;   i64.rem_u s0 s1
;;   return acc
;;   clif
;;     v5 = urem v2, v3
;;     return v5
;;   x86-64
;;     movq %rdx, %rax
;;     uninit  %rdx
;;     xorq %rdx, %rdx
;;     divq %rcx ;; implicit: %rax, %rdx, trap=254
;;     movq %rdx, %rax
;;     retq
;; i64.and
;;   i64.and s0 s1
;;   return acc
;;   clif
;;     v5 = band v2, v3
;;     return v5
;;   x86-64
;;     movq %rdx, %rax
;;     andq %rcx, %rax
;;     retq
;; i64.or
;;   i64.or s0 s1
;;   return acc
;;   clif
;;     v5 = bor v2, v3
;;     return v5
;;   x86-64
;;     movq %rdx, %rax
;;     orq %rcx, %rax
;;     retq
;; i64.xor
;;   i64.xor s0 s1
;;   return acc
;;   clif
;;     v5 = bxor v2, v3
;;     return v5
;;   x86-64
;;     movq %rdx, %rax
;;     xorq %rcx, %rax
;;     retq
;; i64.shl
;;   i64.shl s0 s1
;;   return acc
;;   clif
;;     v5 = ishl v2, v3
;;     return v5
;;   x86-64
;;     movq %rdx, %rax
;;     shlq %cl, %rax
;;     retq
;; i64.shr_s
;;   i64.shr_s s0 s1
;;   return acc
;;   clif
;;     v5 = sshr v2, v3
;;     return v5
;;   x86-64
;;     movq %rdx, %rax
;;     sarq %cl, %rax
;;     retq
;; i64.shr_u
;;   i64.shr_u s0 s1
;;   return acc
;;   clif
;;     v5 = ushr v2, v3
;;     return v5
;;   x86-64
;;     movq %rdx, %rax
;;     shrq %cl, %rax
;;     retq
;; i64.rotl
;;   i64.rotl s0 s1
;;   return acc
;;   clif
;;     v5 = rotl v2, v3
;;     return v5
;;   x86-64
;;     movq %rdx, %rax
;;     rolq %cl, %rax
;;     retq
;; i64.rotr
;;   i64.rotr s0 s1
;;   return acc
;;   clif
;;     v5 = rotr v2, v3
;;     return v5
;;   x86-64
;;     movq %rdx, %rax
;;     rorq %cl, %rax
;;     retq
;; f32.add
;;   f32.add s0 s1
;;   return acc
;;   clif
;;     v5 = bitcast.f32 v2
;;     v6 = fadd v5, v3
;;     return v6
;;   x86-64
;;     addss %xmm1, %xmm0
;;     retq
;; f32.sub
;;   f32.sub s0 s1
;;   return acc
;;   clif
;;     v5 = fsub v2, v3
;;     return v5
;;   x86-64
;;     subss %xmm1, %xmm0
;;     retq
;; f32.mul
;;   f32.mul s0 s1
;;   return acc
;;   clif
;;     v5 = bitcast.f32 v2
;;     v6 = fmul v5, v3
;;     return v6
;;   x86-64
;;     mulss %xmm1, %xmm0
;;     retq
;; f32.div
;;   f32.div s0 s1
;;   return acc
;;   clif
;;     v5 = fdiv v2, v3
;;     return v5
;;   x86-64
;;     divss %xmm1, %xmm0
;;     retq
;; f32.min
;;   f32.min s0 s1
;;   return acc
;;   clif
;;     v5 = fmin v2, v3
;;     return v5
;;   x86-64
;;     movdqa %xmm0, %xmm4
;;     movdqa %xmm1, %xmm0
;;     xmm min seq f32 %xmm4, %xmm0, %xmm0
;;     retq
;; f32.max
;;   f32.max s0 s1
;;   return acc
;;   clif
;;     v5 = fmax v2, v3
;;     return v5
;;   x86-64
;;     movdqa %xmm0, %xmm4
;;     movdqa %xmm1, %xmm0
;;     xmm max seq f32 %xmm4, %xmm0, %xmm0
;;     retq
;; f32.copysign
;;   f32.copysign s0 s1
;;   return acc
;;   clif
;;     v5 = fcopysign v2, v3
;;     return v5
;;   x86-64
;;     movl $0x80000000, %esi
;;     movd %esi, %xmm7
;;     movdqa %xmm0, %xmm2
;;     movdqa %xmm7, %xmm0
;;     andnps %xmm2, %xmm0
;;     andps %xmm1, %xmm7
;;     orps %xmm7, %xmm0
;;     retq
;; f64.add
;;   f64.add s0 s1
;;   return acc
;;   clif
;;     v5 = bitcast.f64 v2
;;     v6 = fadd v5, v3
;;     return v6
;;   x86-64
;;     addsd %xmm1, %xmm0
;;     retq
;; f64.sub
;;   f64.sub s0 s1
;;   return acc
;;   clif
;;     v5 = fsub v2, v3
;;     return v5
;;   x86-64
;;     subsd %xmm1, %xmm0
;;     retq
;; f64.mul
;;   f64.mul s0 s1
;;   return acc
;;   clif
;;     v5 = bitcast.f64 v2
;;     v6 = fmul v5, v3
;;     return v6
;;   x86-64
;;     mulsd %xmm1, %xmm0
;;     retq
;; f64.div
;;   f64.div s0 s1
;;   return acc
;;   clif
;;     v5 = fdiv v2, v3
;;     return v5
;;   x86-64
;;     divsd %xmm1, %xmm0
;;     retq
;; f64.min
;;   f64.min s0 s1
;;   return acc
;;   clif
;;     v5 = fmin v2, v3
;;     return v5
;;   x86-64
;;     movdqa %xmm0, %xmm4
;;     movdqa %xmm1, %xmm0
;;     xmm min seq f64 %xmm4, %xmm0, %xmm0
;;     retq
;; f64.max
;;   f64.max s0 s1
;;   return acc
;;   clif
;;     v5 = fmax v2, v3
;;     return v5
;;   x86-64
;;     movdqa %xmm0, %xmm4
;;     movdqa %xmm1, %xmm0
;;     xmm max seq f64 %xmm4, %xmm0, %xmm0
;;     retq
;; f64.copysign
;;   f64.copysign s0 s1
;;   return acc
;;   clif
;;     v5 = fcopysign v2, v3
;;     return v5
;;   x86-64
;;     movabsq $0x8000000000000000, %rsi
;;     movq %rsi, %xmm7
;;     movdqa %xmm0, %xmm2
;;     movdqa %xmm7, %xmm0
;;     andnpd %xmm2, %xmm0
;;     andpd %xmm1, %xmm7
;;     orpd %xmm7, %xmm0
;;     retq
;; i32.eq
;;   i32.eq s0 s1
;;   return acc
;;   clif
;;     v5 = icmp eq v2, v3
;;     v6 = uextend.i32 v5
;;     return v6
;;   x86-64
;;     cmpl %ecx, %edx
;;     sete %sil
;;     movzbl %sil, %eax
;;     retq
;; i32.ne
;;   i32.ne s0 s1
;;   return acc
;;   clif
;;     v5 = icmp ne v2, v3
;;     v6 = uextend.i32 v5
;;     return v6
;;   x86-64
;;     cmpl %ecx, %edx
;;     setne %sil
;;     movzbl %sil, %eax
;;     retq
;; i32.lt_s
;;   i32.lt_s s0 s1
;;   return acc
;;   clif
;;     v5 = icmp slt v2, v3
;;     v6 = uextend.i32 v5
;;     return v6
;;   x86-64
;;     cmpl %ecx, %edx
;;     setl %sil
;;     movzbl %sil, %eax
;;     retq
;; i32.lt_u
;;   i32.lt_u s0 s1
;;   return acc
;;   clif
;;     v5 = icmp ult v2, v3
;;     v6 = uextend.i32 v5
;;     return v6
;;   x86-64
;;     cmpl %ecx, %edx
;;     setb %sil
;;     movzbl %sil, %eax
;;     retq
;; i32.gt_s
;;   i32.gt_s s0 s1
;;   return acc
;;   clif
;;     v5 = icmp sgt v2, v3
;;     v6 = uextend.i32 v5
;;     return v6
;;   x86-64
;;     cmpl %ecx, %edx
;;     setg %sil
;;     movzbl %sil, %eax
;;     retq
;; i32.gt_u
;;   i32.gt_u s0 s1
;;   return acc
;;   clif
;;     v5 = icmp ugt v2, v3
;;     v6 = uextend.i32 v5
;;     return v6
;;   x86-64
;;     cmpl %ecx, %edx
;;     seta %sil
;;     movzbl %sil, %eax
;;     retq
;; i32.le_s
;;   i32.le_s s0 s1
;;   return acc
;;   clif
;;     v5 = icmp sle v2, v3
;;     v6 = uextend.i32 v5
;;     return v6
;;   x86-64
;;     cmpl %ecx, %edx
;;     setle %sil
;;     movzbl %sil, %eax
;;     retq
;; i32.le_u
;;   i32.le_u s0 s1
;;   return acc
;;   clif
;;     v5 = icmp ule v2, v3
;;     v6 = uextend.i32 v5
;;     return v6
;;   x86-64
;;     cmpl %ecx, %edx
;;     setbe %sil
;;     movzbl %sil, %eax
;;     retq
;; i32.ge_s
;;   i32.ge_s s0 s1
;;   return acc
;;   clif
;;     v5 = icmp sge v2, v3
;;     v6 = uextend.i32 v5
;;     return v6
;;   x86-64
;;     cmpl %ecx, %edx
;;     setge %sil
;;     movzbl %sil, %eax
;;     retq
;; i32.ge_u
;;   i32.ge_u s0 s1
;;   return acc
;;   clif
;;     v5 = icmp uge v2, v3
;;     v6 = uextend.i32 v5
;;     return v6
;;   x86-64
;;     cmpl %ecx, %edx
;;     setae %sil
;;     movzbl %sil, %eax
;;     retq
;; i64.eq
;;   i64.eq s0 s1
;;   return acc
;;   clif
;;     v5 = icmp eq v2, v3
;;     v6 = uextend.i32 v5
;;     return v6
;;   x86-64
;;     cmpq %rcx, %rdx
;;     sete %sil
;;     movzbl %sil, %eax
;;     retq
;; i64.ne
;;   i64.ne s0 s1
;;   return acc
;;   clif
;;     v5 = icmp ne v2, v3
;;     v6 = uextend.i32 v5
;;     return v6
;;   x86-64
;;     cmpq %rcx, %rdx
;;     setne %sil
;;     movzbl %sil, %eax
;;     retq
;; i64.lt_s
;;   i64.lt_s s0 s1
;;   return acc
;;   clif
;;     v5 = icmp slt v2, v3
;;     v6 = uextend.i32 v5
;;     return v6
;;   x86-64
;;     cmpq %rcx, %rdx
;;     setl %sil
;;     movzbl %sil, %eax
;;     retq
;; i64.lt_u
;;   i64.lt_u s0 s1
;;   return acc
;;   clif
;;     v5 = icmp ult v2, v3
;;     v6 = uextend.i32 v5
;;     return v6
;;   x86-64
;;     cmpq %rcx, %rdx
;;     setb %sil
;;     movzbl %sil, %eax
;;     retq
;; i64.gt_s
;;   i64.gt_s s0 s1
;;   return acc
;;   clif
;;     v5 = icmp sgt v2, v3
;;     v6 = uextend.i32 v5
;;     return v6
;;   x86-64
;;     cmpq %rcx, %rdx
;;     setg %sil
;;     movzbl %sil, %eax
;;     retq
;; i64.gt_u
;;   i64.gt_u s0 s1
;;   return acc
;;   clif
;;     v5 = icmp ugt v2, v3
;;     v6 = uextend.i32 v5
;;     return v6
;;   x86-64
;;     cmpq %rcx, %rdx
;;     seta %sil
;;     movzbl %sil, %eax
;;     retq
;; i64.le_s
;;   i64.le_s s0 s1
;;   return acc
;;   clif
;;     v5 = icmp sle v2, v3
;;     v6 = uextend.i32 v5
;;     return v6
;;   x86-64
;;     cmpq %rcx, %rdx
;;     setle %sil
;;     movzbl %sil, %eax
;;     retq
;; i64.le_u
;;   i64.le_u s0 s1
;;   return acc
;;   clif
;;     v5 = icmp ule v2, v3
;;     v6 = uextend.i32 v5
;;     return v6
;;   x86-64
;;     cmpq %rcx, %rdx
;;     setbe %sil
;;     movzbl %sil, %eax
;;     retq
;; i64.ge_s
;;   i64.ge_s s0 s1
;;   return acc
;;   clif
;;     v5 = icmp sge v2, v3
;;     v6 = uextend.i32 v5
;;     return v6
;;   x86-64
;;     cmpq %rcx, %rdx
;;     setge %sil
;;     movzbl %sil, %eax
;;     retq
;; i64.ge_u
;;   i64.ge_u s0 s1
;;   return acc
;;   clif
;;     v5 = icmp uge v2, v3
;;     v6 = uextend.i32 v5
;;     return v6
;;   x86-64
;;     cmpq %rcx, %rdx
;;     setae %sil
;;     movzbl %sil, %eax
;;     retq
;; f32.eq
;;   f32.eq s0 s1
;;   return acc
;;   clif
;;     v5 = fcmp eq v2, v3
;;     v6 = uextend.i32 v5
;;     return v6
;;   x86-64
;;     ucomiss %xmm1, %xmm0
;;     setnp %dil
;;     sete %r8b
;;     andl %r8d, %edi
;;     movzbl %dil, %eax
;;     retq
;; f32.ne
;;   f32.ne s0 s1
;;   return acc
;;   clif
;;     v5 = fcmp ne v2, v3
;;     v6 = uextend.i32 v5
;;     return v6
;;   x86-64
;;     ucomiss %xmm1, %xmm0
;;     setp %dil
;;     setne %r8b
;;     orl %r8d, %edi
;;     movzbl %dil, %eax
;;     retq
;; f32.lt
;;   f32.lt s0 s1
;;   return acc
;;   clif
;;     v5 = fcmp lt v2, v3
;;     v6 = uextend.i32 v5
;;     return v6
;;   x86-64
;;     ucomiss %xmm0, %xmm1
;;     seta %sil
;;     movzbl %sil, %eax
;;     retq
;; f32.gt
;;   f32.gt s0 s1
;;   return acc
;;   clif
;;     v5 = fcmp gt v2, v3
;;     v6 = uextend.i32 v5
;;     return v6
;;   x86-64
;;     ucomiss %xmm1, %xmm0
;;     seta %sil
;;     movzbl %sil, %eax
;;     retq
;; f32.le
;;   f32.le s0 s1
;;   return acc
;;   clif
;;     v5 = fcmp le v2, v3
;;     v6 = uextend.i32 v5
;;     return v6
;;   x86-64
;;     ucomiss %xmm0, %xmm1
;;     setae %sil
;;     movzbl %sil, %eax
;;     retq
;; f32.ge
;;   f32.ge s0 s1
;;   return acc
;;   clif
;;     v5 = fcmp ge v2, v3
;;     v6 = uextend.i32 v5
;;     return v6
;;   x86-64
;;     ucomiss %xmm1, %xmm0
;;     setae %sil
;;     movzbl %sil, %eax
;;     retq
;; f64.eq
;;   f64.eq s0 s1
;;   return acc
;;   clif
;;     v5 = fcmp eq v2, v3
;;     v6 = uextend.i32 v5
;;     return v6
;;   x86-64
;;     ucomisd %xmm1, %xmm0
;;     setnp %dil
;;     sete %r8b
;;     andl %r8d, %edi
;;     movzbl %dil, %eax
;;     retq
;; f64.ne
;;   f64.ne s0 s1
;;   return acc
;;   clif
;;     v5 = fcmp ne v2, v3
;;     v6 = uextend.i32 v5
;;     return v6
;;   x86-64
;;     ucomisd %xmm1, %xmm0
;;     setp %dil
;;     setne %r8b
;;     orl %r8d, %edi
;;     movzbl %dil, %eax
;;     retq
;; f64.lt
;;   f64.lt s0 s1
;;   return acc
;;   clif
;;     v5 = fcmp lt v2, v3
;;     v6 = uextend.i32 v5
;;     return v6
;;   x86-64
;;     ucomisd %xmm0, %xmm1
;;     seta %sil
;;     movzbl %sil, %eax
;;     retq
;; f64.gt
;;   f64.gt s0 s1
;;   return acc
;;   clif
;;     v5 = fcmp gt v2, v3
;;     v6 = uextend.i32 v5
;;     return v6
;;   x86-64
;;     ucomisd %xmm1, %xmm0
;;     seta %sil
;;     movzbl %sil, %eax
;;     retq
;; f64.le
;;   f64.le s0 s1
;;   return acc
;;   clif
;;     v5 = fcmp le v2, v3
;;     v6 = uextend.i32 v5
;;     return v6
;;   x86-64
;;     ucomisd %xmm0, %xmm1
;;     setae %sil
;;     movzbl %sil, %eax
;;     retq
;; f64.ge
;;   f64.ge s0 s1
;;   return acc
;;   clif
;;     v5 = fcmp ge v2, v3
;;     v6 = uextend.i32 v5
;;     return v6
;;   x86-64
;;     ucomisd %xmm1, %xmm0
;;     setae %sil
;;     movzbl %sil, %eax
;;     retq
;; i64.add128
;;   copy s0 -> s4, s1 -> s5
;;   copy s2 -> s6, s3 -> s7
;;   i64.add128 s4
;;   copy s4 -> s0, s5 -> s1
;;   return
;;   clif
;;     v8 = iconcat v2, v3
;;     v9 = iconcat v4, v5
;;     v10 = iadd v8, v9
;;     v11, v12 = isplit v10
;;     return v11, v12
;;   x86-64
;;     movq %rdx, %rax
;;     addq %r8, %rax
;;     adcq %r9, %rcx
;;     retq
;; i64.sub128
;;   copy s0 -> s4, s1 -> s5
;;   copy s2 -> s6, s3 -> s7
;;   i64.sub128 s4
;;   copy s4 -> s0, s5 -> s1
;;   return
;;   clif
;;     v8 = iconcat v2, v3
;;     v9 = iconcat v4, v5
;;     v10 = isub v8, v9
;;     v11, v12 = isplit v10
;;     return v11, v12
;;   x86-64
;;     movq %rdx, %rax
;;     subq %r8, %rax
;;     sbbq %r9, %rcx
;;     retq
;; i64.mul_wide_s
;;   copy s0 -> s2, s1 -> s3
;;   i64.mul_wide_s s2
;;   copy s2 -> s0, s3 -> s1
;;   return
;;   clif
;;     v6 = sextend.i128 v2
;;     v7 = sextend.i128 v3
;;     v8 = imul v6, v7
;;     v9, v10 = isplit v8
;;     return v9, v10
;;   x86-64
;;     movq %rdx, %rax
;;     imulq %rcx ;; implicit: %rax, %rdx
;;     movq %rdx, %rcx
;;     retq
;; i64.mul_wide_u
;;   copy s0 -> s2, s1 -> s3
;;   i64.mul_wide_u s2
;;   copy s2 -> s0, s3 -> s1
;;   return
;;   clif
;;     v6 = uextend.i128 v2
;;     v7 = uextend.i128 v3
;;     v8 = imul v6, v7
;;     v9, v10 = isplit v8
;;     return v9, v10
;;   x86-64
;;     movq %rdx, %rax
;;     mulq %rcx ;; implicit: %rax, %rdx
;;     movq %rdx, %rcx
;;     retq
;; constant_operands
;;   i32.add s0 #7
;;   i32.add acc #-1
;;   return acc
;;   clif
;;     v4 = iconst.i32 7
;;     v5 = iadd v2, v4  ; v4 = 7
;;     v6 = iconst.i32 1
;;     v7 = isub v5, v6  ; v6 = 1
;;     return v7
;;   x86-64
;;     leal 6(%rdx), %eax
;;     retq
;; constant_first
;;   i32.sub #1 s0
;;   return acc
;;   clif
;;     v4 = iconst.i32 1
;;     v5 = isub v4, v2  ; v4 = 1
;;     return v5
;;   x86-64
;;     movl $0x1, %eax
;;     subl %edx, %eax
;;     retq
;; folded
;;   return #42
;;   clif
;;     v3 = iconst.i32 6
;;     v4 = iconst.i32 7
;;     v5 = imul v3, v4  ; v3 = 6, v4 = 7
;;     return v5
;;   x86-64
;;     movl $0x2a, %eax
;;     retq
;; folding_that_would_trap
;;   const #1 -> s0
;;   i32.div_s s0 #0
;;   return acc
;;   clif
;;     v3 = iconst.i32 1
;;     v4 = iconst.i32 0
;;     v5 = sdiv v3, v4  ; v3 = 1, v4 = 0
;;     return v5
;;   x86-64
;;     movl $0x1, %eax
;;     uninit  %rsi
;;     xorl %esi, %esi
;;     cltd  ;; implicit: %edx, %eax
;;     testl %esi, %esi
;;     jz #trap=int_divz
;;     idivl %esi ;; implicit: %eax, %edx, trap=252
;;     retq
;; result_to_local
;;   i32.add s0 s1 -> s2
;;   i32.mul s2 acc -> s0
;;   return
;;   clif
;;     v4 = iconst.i32 0
;;     v5 = iadd v2, v3
;;     v6 = imul v5, v5
;;     return
;;   x86-64
;;     retq
;; tree
;;   i32.add s0 s1 -> s4
;;   i32.sub s2 s3
;;   i32.mul s4 acc
;;   return acc
;;   clif
;;     v7 = iadd v2, v3
;;     v8 = isub v4, v5
;;     v9 = imul v7, v8
;;     return v9
;;   x86-64
;;     leal (%rdx, %rcx), %eax
;;     subl %r9d, %r8d
;;     imull %r8d, %eax
;;     retq
;; wide_constants
;;   i64.xor s0 #1311768467463790320
;;   return acc
;;   clif
;;     v4 = iconst.i64 0x1234_5678_9abc_def0
;;     v5 = bxor v2, v4  ; v4 = 0x1234_5678_9abc_def0
;;     return v5
;;   x86-64
;;     movq %rdx, %rax
;;     xorq (%rip), %rax
;;     retq
