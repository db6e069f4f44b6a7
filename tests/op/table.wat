;; Table operations.
(module
  (table $t 10 funcref) (table $e 10 externref) (table $wide i64 10 funcref)
  (elem $s func $f)
  (func $f)
  (func $table.get (param i32) (result funcref) (table.get $t (local.get 0)))
  (func $table.get_wide (param i64) (result funcref) (table.get $wide (local.get 0)))
  (func $table.set (param i32 externref) (table.set $e (local.get 0) (local.get 1)))
  (func $table.size (result i32) (table.size $t))
  (func $table.grow (param i32) (result i32) (table.grow $t (ref.null func) (local.get 0)))
  (func $table.fill (param i32 i32) (table.fill $t (local.get 0) (ref.null func) (local.get 1)))
  (func $table.copy (param i32 i32 i32) (table.copy $t $t (local.get 0) (local.get 1) (local.get 2)))
  (func $table.init (table.init $t $s (i32.const 0) (i32.const 0) (i32.const 1)))
  (func $elem.drop (elem.drop $s))
)

;; f
;;   return
;;   clif
;;     return
;;   x86-64
;;     retq
;; table.get
;;   table.get 0 s0
;;   return acc
;;   clif
;;     v4 = iconst.i64 48
;;     v5 = iadd v0, v4  ; v4 = 48
;;     v6 = uextend.i64 v2
;;     v7 = load.i64 notrap region0 v5+8
;;     v8 = load.i64 notrap region0 v5
;;     v9 = icmp uge v6, v7
;;     v10 = iconst.i64 3
;;     v11 = ishl v6, v10  ; v10 = 3
;;     v12 = iadd v8, v11
;;     v13 = iconst.i64 0
;;     v14 = select_spectre_guard v9, v13, v12  ; v13 = 0
;;     v15 = load.i64 user3 region0 v14
;;     return v15
;;   x86-64
;;     movq 0x38(%rdi), %r10
;;     movl %edx, %eax
;;     uninit  %r11
;;     xorq %r11, %r11
;;     movq %rax, %r8
;;     shlq $0x3, %r8
;;     addq 0x30(%rdi), %r8
;;     cmpq %r10, %rax
;;     cmovaeq %r11, %r8
;;     movq (%r8), %rax
;;     retq
;; table.get_wide
;;   table.get 2 s0
;;   return acc
;;   clif
;;     v4 = iconst.i64 96
;;     v5 = iadd v0, v4  ; v4 = 96
;;     v6 = load.i64 notrap region0 v5+8
;;     v7 = load.i64 notrap region0 v5
;;     v8 = icmp uge v2, v6
;;     v9 = iconst.i64 3
;;     v10 = ishl v2, v9  ; v9 = 3
;;     v11 = iadd v7, v10
;;     v12 = iconst.i64 0
;;     v13 = select_spectre_guard v8, v12, v11  ; v12 = 0
;;     v14 = load.i64 user3 region0 v13
;;     return v14
;;   x86-64
;;     movq 0x68(%rdi), %r10
;;     uninit  %r9
;;     xorq %r9, %r9
;;     movq %rdx, %r8
;;     shlq $0x3, %r8
;;     addq 0x60(%rdi), %r8
;;     cmpq %r10, %rdx
;;     cmovaeq %r9, %r8
;;     movq (%r8), %rax
;;     retq
;; table.set
;;   copy s0 -> s2, s1 -> s3
;;   libcall table.set s2 1 0
;;   return
;;   clif
;;     v4 = iconst.i64 72
;;     v5 = iadd v0, v4  ; v4 = 72
;;     v6 = uextend.i64 v2
;;     v7 = load.i64 notrap region0 v5+8
;;     v8 = load.i64 notrap region0 v5
;;     v9 = icmp uge v6, v7
;;     v10 = iconst.i64 3
;;     v11 = ishl v6, v10  ; v10 = 3
;;     v12 = iadd v8, v11
;;     v13 = iconst.i64 0
;;     v14 = select_spectre_guard v9, v13, v12  ; v13 = 0
;;     v15 = uextend.i64 v3
;;     store user3 region0 v15, v14
;;     v16 = iconst.i64 72
;;     v17 = iadd v0, v16  ; v16 = 72
;;     v18 = iconst.i64 1
;;     store notrap region0 v18, v17+16  ; v18 = 1
;;     return
;;   x86-64
;;     movq 0x50(%rdi), %rax
;;     movl %ecx, %r11d
;;     movl %edx, %edx
;;     uninit  %rcx
;;     xorq %rcx, %rcx
;;     movq %rdx, %r9
;;     shlq $0x3, %r9
;;     addq 0x48(%rdi), %r9
;;     cmpq %rax, %rdx
;;     cmovaeq %rcx, %r9
;;     movq %r11, (%r9)
;;     movq $0x1, 0x58(%rdi)
;;     retq
;; table.size
;;   table.size 0
;;   return acc
;;   clif
;;     v3 = iconst.i64 48
;;     v4 = iadd v0, v3  ; v3 = 48
;;     v5 = load.i64 notrap region0 v4+8
;;     v6 = ireduce.i32 v5
;;     return v6
;;   x86-64
;;     movq 0x38(%rdi), %rax
;;     retq
;; table.grow
;;   const #0 -> s1
;;   copy s0 -> s2
;;   libcall table.grow s1 0 0
;;   return s1
;;   clif
;;     v4 = iconst.i64 0
;;     v5 = stack_addr.i64 ss0
;;     store notrap region0 v4, v5  ; v4 = 0
;;     v6 = uextend.i64 v2
;;     store notrap region0 v6, v5+8
;;     v7 = iconst.i32 0
;;     v8 = iconst.i32 0
;;     v9 = load.i64 notrap region0 v0
;;     v10 = load.i64 notrap region0 v9+184
;;     v11 = load.i64 notrap region0 v10
;;     v12 = iconst.i32 5
;;     call_indirect sig0, v11(v0, v5, v12, v7, v8)  ; v12 = 5, v7 = 0, v8 = 0
;;     v13 = load.i64 notrap region0 v5
;;     v14 = ireduce.i32 v13
;;     return v14
;;   x86-64
;;     leaq <offset:1>+(%rsp), %rsi
;;     movq $0x0, <offset:1>+(%rsp)
;;     movl %edx, %eax
;;     movq %rax, <offset:1>+8(%rsp)
;;     movq (%rdi), %rax
;;     movq 0xb8(%rax), %rax
;;     movq (%rax), %rax
;;     movl $0x5, %edx
;;     uninit  %r8
;;     xorl %r8d, %r8d
;;     movq %r8, %rcx
;;     call    *%rax
;;     movq <offset:1>+(%rsp), %rax
;;     addq $0x10, %rsp
;;     retq
;; table.fill
;;   copy s0 -> s2
;;   const #0 -> s3
;;   copy s1 -> s4
;;   libcall table.fill s2 0 0
;;   return
;;   clif
;;     v4 = iconst.i64 0
;;     v5 = stack_addr.i64 ss0
;;     v6 = uextend.i64 v2
;;     store notrap region0 v6, v5
;;     store notrap region0 v4, v5+8  ; v4 = 0
;;     v7 = uextend.i64 v3
;;     store notrap region0 v7, v5+16
;;     v8 = iconst.i32 0
;;     v9 = iconst.i32 0
;;     v10 = load.i64 notrap region0 v0
;;     v11 = load.i64 notrap region0 v10+184
;;     v12 = load.i64 notrap region0 v11
;;     v13 = iconst.i32 6
;;     call_indirect sig0, v12(v0, v5, v13, v8, v9)  ; v13 = 6, v8 = 0, v9 = 0
;;     return
;;   x86-64
;;     movl %edx, %eax
;;     leaq <offset:1>+(%rsp), %rsi
;;     movq %rax, <offset:1>+(%rsp)
;;     movq $0x0, <offset:1>+8(%rsp)
;;     movl %ecx, %eax
;;     movq %rax, <offset:1>+0x10(%rsp)
;;     movq (%rdi), %rax
;;     movq 0xb8(%rax), %rax
;;     movq (%rax), %rax
;;     movl $0x6, %edx
;;     uninit  %r8
;;     xorl %r8d, %r8d
;;     movq %r8, %rcx
;;     call    *%rax
;;     addq $0x20, %rsp
;;     retq
;; table.copy
;;   copy s0 -> s3, s1 -> s4
;;   copy s2 -> s5
;;   libcall table.copy s3 0 0
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
;;     v14 = iconst.i32 7
;;     call_indirect sig0, v13(v0, v5, v14, v9, v10)  ; v14 = 7, v9 = 0, v10 = 0
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
;;     movl $0x7, %edx
;;     uninit  %r8
;;     xorl %r8d, %r8d
;;     movq %r8, %rcx
;;     call    *%rax
;;     addq $0x20, %rsp
;;     retq
;; table.init
;;   const #0 -> s0
;;   const #0 -> s1
;;   const #1 -> s2
;;   libcall table.init s0 0 0
;;   return
;;   clif
;;     v2 = iconst.i32 0
;;     v3 = iconst.i32 0
;;     v4 = iconst.i32 1
;;     v5 = stack_addr.i64 ss0
;;     v6 = uextend.i64 v2  ; v2 = 0
;;     store notrap region0 v6, v5
;;     v7 = uextend.i64 v3  ; v3 = 0
;;     store notrap region0 v7, v5+8
;;     v8 = uextend.i64 v4  ; v4 = 1
;;     store notrap region0 v8, v5+16
;;     v9 = iconst.i32 0
;;     v10 = iconst.i32 0
;;     v11 = load.i64 notrap region0 v0
;;     v12 = load.i64 notrap region0 v11+184
;;     v13 = load.i64 notrap region0 v12
;;     v14 = iconst.i32 8
;;     call_indirect sig0, v13(v0, v5, v14, v9, v10)  ; v14 = 8, v9 = 0, v10 = 0
;;     return
;;   x86-64
;;     leaq <offset:1>+(%rsp), %rsi
;;     movq $0x0, <offset:1>+(%rsp)
;;     movq $0x0, <offset:1>+8(%rsp)
;;     movq $0x1, <offset:1>+0x10(%rsp)
;;     movq (%rdi), %r11
;;     movq 0xb8(%r11), %r11
;;     movq (%r11), %r11
;;     movl $0x8, %edx
;;     uninit  %r8
;;     xorl %r8d, %r8d
;;     movq %r8, %rcx
;;     call    *%r11
;;     addq $0x20, %rsp
;;     retq
;; elem.drop
;;   libcall elem.drop s0 0 0
;;   return
;;   clif
;;     v2 = stack_addr.i64 ss0
;;     v3 = iconst.i32 0
;;     v4 = iconst.i32 0
;;     v5 = load.i64 notrap region0 v0
;;     v6 = load.i64 notrap region0 v5+184
;;     v7 = load.i64 notrap region0 v6
;;     v8 = iconst.i32 9
;;     call_indirect sig0, v7(v0, v2, v8, v3, v4)  ; v8 = 9, v3 = 0, v4 = 0
;;     return
;;   x86-64
;;     movq (%rdi), %r8
;;     movq 0xb8(%r8), %r8
;;     movq (%r8), %r9
;;     leaq <offset:1>+(%rsp), %rsi
;;     movl $0x9, %edx
;;     uninit  %r8
;;     xorl %r8d, %r8d
;;     movq %r8, %rcx
;;     call    *%r9
;;     addq $0x10, %rsp
;;     retq
