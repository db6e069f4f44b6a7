;; Operations on locals and globals, parametric operations and constants.
(module
  (global $imported (import "m" "g") i64)
  (global $i (mut i32) (i32.const 0)) (global $f (mut f64) (f64.const 0)) (global $v (mut v128) (v128.const i64x2 0 0))
  (global $r (mut funcref) (ref.null func))
  (func $local.get (param i32) (result i32) (local.get 0))
  (func $local.set (param i32 i32) (local.set 0 (local.get 1)))
  (func $local.tee (param i32 i32) (result i32) (i32.add (local.tee 0 (local.get 1)) (i32.const 1)))
  (func $locals_are_cleared (param i32) (local i64 v128 funcref))
  ;; An operand that aliases a local is copied just before the local changes.
  (func $preserved (param i32) (result i32)
    (local.get 0) (local.set 0 (i32.add (local.get 0) (i32.const 1))) (local.get 0) (i32.mul))
  (func $not_preserved (param i32 i32) (result i32)
    (local.get 0) (local.set 1 (i32.const 3)) (local.get 1) (i32.mul))
  (func $global.get (result i32) (i32.add (global.get $i) (i32.const 1)))
  (func $global.get_imported (result i64) (global.get $imported))
  (func $global.set (param f64) (global.set $i (i32.const 3)) (global.set $f (local.get 0)))
  (func $global.get_vector (result v128) (global.get $v))
  (func $global.set_vector (param v128) (global.set $v (local.get 0)))
  (func $global.set_ref (param funcref) (global.set $r (local.get 0)))
  (func $i32.const (result i32) (i32.const 1))
  (func $i64.const (result i64) (i64.const -1))
  (func $f32.const (result f32) (f32.const 1.5))
  (func $f64.const (result f64) (f64.const nan))
  (func $select (param i32 i32 i32) (result i32) (select (local.get 0) (local.get 1) (local.get 2)))
  (func $select_on_comparison (param i32 i32) (result i32)
    (select (i32.const 10) (local.get 0) (i32.lt_s (local.get 0) (local.get 1))))
  (func $select_typed (param externref externref i32) (result externref)
    (select (result externref) (local.get 0) (local.get 1) (local.get 2)))
  (func $drop (param i32) (drop (i32.load8_u (local.get 0))) (nop))
  (memory 1)
)

;; local.get
;;   return s0
;;   clif
;;     return v2
;;   x86-64
;;     movq %rdx, %rax
;;     retq
;; local.set
;;   copy s1 -> s0
;;   return
;;   clif
;;     return
;;   x86-64
;;     retq
;; local.tee
;;   copy s1 -> s0
;;   i32.add s0 #1
;;   return acc
;;   clif
;;     v5 = iconst.i32 1
;;     v6 = iadd v3, v5  ; v5 = 1
;;     return v6
;;   x86-64
;;     leal 1(%rcx), %eax
;;     retq
;; locals_are_cleared
;;   return
;;   clif
;;     v3 = iconst.i64 0
;;     v4 = vconst.i8x16 const0
;;     v5 = iconst.i64 0
;;     return
;;   x86-64
;;     retq
;; preserved
;;   i32.add s0 #1
;;   copy s0 -> s1
;;   store acc -> s0
;;   i32.mul s1 acc
;;   return acc
;;   clif
;;     v4 = iconst.i32 1
;;     v5 = iadd v2, v4  ; v4 = 1
;;     v6 = imul v2, v5
;;     return v6
;;   x86-64
;;     leal 1(%rdx), %esi
;;     movq %rdx, %rax
;;     imull %esi, %eax
;;     retq
;; not_preserved
;;   const #3 -> s1
;;   i32.mul s0 s1
;;   return acc
;;   clif
;;     v5 = iconst.i32 3
;;     v6 = imul v2, v5  ; v5 = 3
;;     return v6
;;   x86-64
;;     imull $0x3, %edx, %eax
;;     retq
;; global.get
;;   global.get 1 + 1
;;   return acc
;;   clif
;;     v3 = load.i64 notrap region0 v0+48
;;     v4 = ireduce.i32 v3
;;     v5 = iconst.i32 1
;;     v6 = iadd v4, v5  ; v5 = 1
;;     return v6
;;   x86-64
;;     movq 0x30(%rdi), %rsi
;;     leal 1(%rsi), %eax
;;     retq
;; global.get_imported
;;   global.get 0
;;   return acc
;;   clif
;;     v3 = load.i64 notrap readonly can_move region0 v0+112
;;     v4 = load.i64 notrap region0 v3
;;     return v4
;;   x86-64
;;     movq 0x70(%rdi), %rsi
;;     movq (%rsi), %rax
;;     retq
;; global.set
;;   global.set 1 #3
;;   global.set 2 s0
;;   return
;;   clif
;;     v3 = iconst.i32 3
;;     v4 = uextend.i64 v3  ; v3 = 3
;;     store notrap region0 v4, v0+48
;;     store notrap region0 v2, v0+64
;;     return
;;   x86-64
;;     movq $0x3, 0x30(%rdi)
;;     movsd %xmm0, 0x40(%rdi)
;;     retq
;; global.get_vector
;;   global.get 3 -> s16
;;   copy.v128 s16 -> s0
;;   return
;;   clif
;;     v3 = load.i8x16 notrap region0 v0+80
;;     return v3
;;   x86-64
;;     movdqu 0x50(%rdi), %xmm0
;;     retq
;; global.set_vector
;;   global.set 3 s0
;;   return
;;   clif
;;     store notrap region0 v2, v0+80
;;     return
;;   x86-64
;;     movdqu %xmm0, 0x50(%rdi)
;;     retq
;; global.set_ref
;;   global.set 4 s0
;;   return
;;   clif
;;     store notrap region0 v2, v0+96
;;     return
;;   x86-64
;;     movq %rdx, 0x60(%rdi)
;;     retq
;; i32.const
;;   return #1
;;   clif
;;     v3 = iconst.i32 1
;;     return v3  ; v3 = 1
;;   x86-64
;;     movl $0x1, %eax
;;     retq
;; i64.const
;;   return #-1
;;   clif
;;     v3 = iconst.i64 -1
;;     return v3  ; v3 = -1
;;   x86-64
;;     movq $0xffffffffffffffff, %rax
;;     retq
;; f32.const
;;   return #1.5
;;   clif
;;     v3 = f32const 0x1.800000p0
;;     return v3  ; v3 = 0x1.800000p0
;;   x86-64
;;     movl $0x3fc00000, %eax
;;     movd %eax, %xmm0
;;     retq
;; f64.const
;;   return #NaN
;;   clif
;;     v3 = f64const +NaN
;;     return v3  ; v3 = +NaN
;;   x86-64
;;     movabsq $0x7ff8000000000000, %rax
;;     movq %rax, %xmm0
;;     retq
;; select
;;   select s0 s1 s2
;;   return acc
;;   clif
;;     v6 = select v4, v2, v3
;;     return v6
;;   x86-64
;;     testl %r8d, %r8d
;;     movq %rcx, %rax
;;     cmovnel %edx, %eax
;;     retq
;; select_on_comparison
;;   i32.lt_s s0 s1
;;   select #10 s0 acc
;;   return acc
;;   clif
;;     v5 = iconst.i32 10
;;     v6 = icmp slt v2, v3
;;     v7 = uextend.i32 v6
;;     v8 = select v7, v5, v2  ; v5 = 10
;;     return v8
;;   x86-64
;;     cmpl %ecx, %edx
;;     movq %rdx, %rax
;;     cmovll (%rip), %eax
;;     retq
;; select_typed
;;   select s0 s1 s2
;;   return acc
;;   clif
;;     v6 = select v4, v2, v3
;;     return v6
;;   x86-64
;;     testl %r8d, %r8d
;;     movq %rcx, %rax
;;     cmovnel %edx, %eax
;;     retq
;; drop
;;   i32.load8_u s0+0
;;   return
;;   clif
;;     v3 = iconst.i64 120
;;     v4 = iadd v0, v3  ; v3 = 120
;;     v5 = uextend.i64 v2
;;     v6 = load.i64 notrap readonly can_move region0 v4
;;     v7 = iadd v6, v5
;;     v8 = uload8.i32 user2 little region1 v7
;;     return
;;   x86-64
;;     movq 0x78(%rdi), %rsi
;;     movl %edx, %edi
;;     movzbq (%rsi, %rdi), %rsi
;;     retq
