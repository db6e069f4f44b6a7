;; The aggregate operations that the interpreter implements.
(module
  (type $point (struct (field (mut i32)) (field (mut (ref null $point)))))
  (func $struct.new (param i32 (ref null $point)) (result (ref $point)) (struct.new $point (local.get 0) (local.get 1)))
  (func $struct.get (param (ref null $point)) (result i32) (struct.get $point 0 (local.get 0)))
  (func $struct.set (param (ref null $point)) (struct.set $point 0 (local.get 0) (i32.const 1)))
  (func $struct.set_ref (param (ref null $point)) (struct.set $point 1 (local.get 0) (local.get 0)))
)

;; struct.new
;;   copy s0 -> s2, s1 -> s3
;;   libcall struct.new s2 0 0
;;   return s2
;;   clif
;;     v5 = stack_addr.i64 ss0
;;     v6 = uextend.i64 v2
;;     store notrap region0 v6, v5
;;     v7 = uextend.i64 v3
;;     store notrap region0 v7, v5+8
;;     v8 = iconst.i32 0
;;     v9 = iconst.i32 0
;;     v10 = load.i64 notrap region0 v0
;;     v11 = load.i64 notrap region0 v10+184
;;     v12 = load.i64 notrap region0 v11
;;     v13 = iconst.i32 14
;;     call_indirect sig0, v12(v0, v5, v13, v8, v9)  ; v13 = 14, v8 = 0, v9 = 0
;;     v14 = load.i64 notrap region0 v5
;;     v15 = ireduce.i32 v14
;;     return v15
;;   x86-64
;;     movl %edx, %eax
;;     leaq <offset:1>+(%rsp), %rsi
;;     movq %rax, <offset:1>+(%rsp)
;;     movl %ecx, %eax
;;     movq %rax, <offset:1>+8(%rsp)
;;     movq (%rdi), %rax
;;     movq 0xb8(%rax), %rax
;;     movq (%rax), %rax
;;     movl $0xe, %edx
;;     uninit  %r8
;;     xorl %r8d, %r8d
;;     movq %r8, %rcx
;;     call    *%rax
;;     movq <offset:1>+(%rsp), %rax
;;     addq $0x10, %rsp
;;     retq
;; struct.get
;;   copy s0 -> s1
;;   libcall struct.get s1 0 0
;;   return s1
;;   clif
;;     v4 = iconst.i32 0
;;     v5 = icmp eq v2, v4  ; v4 = 0
;;     trapnz v5, user13
;;     v6 = load.i64 notrap region0 v0
;;     v7 = load.i64 notrap region0 v6+160
;;     v8 = uextend.i64 v2
;;     v9 = iadd v7, v8
;;     v10 = load.i64 notrap region0 v9+8
;;     v11 = ireduce.i32 v10
;;     return v11
;;   x86-64
;;     testl %edx, %edx
;;     jz #trap=user13
;;     movq (%rdi), %r8
;;     movq 0xa0(%r8), %r8
;;     movl %edx, %r9d
;;     movq 8(%r8, %r9), %rax
;;     retq
;; struct.set
;;   copy s0 -> s1
;;   const #1 -> s2
;;   libcall struct.set s1 0 0
;;   return
;;   clif
;;     v3 = iconst.i32 1
;;     v4 = iconst.i32 0
;;     v5 = icmp eq v2, v4  ; v4 = 0
;;     trapnz v5, user13
;;     v6 = load.i64 notrap region0 v0
;;     v7 = load.i64 notrap region0 v6+160
;;     v8 = uextend.i64 v2
;;     v9 = iadd v7, v8
;;     v10 = uextend.i64 v3  ; v3 = 1
;;     store notrap region0 v10, v9+8
;;     return
;;   x86-64
;;     testl %edx, %edx
;;     jz #trap=user13
;;     movq (%rdi), %rdi
;;     movq 0xa0(%rdi), %rdi
;;     movl %edx, %r8d
;;     movq $0x1, 8(%rdi, %r8)
;;     retq
;; struct.set_ref
;;   copy s0 -> s1, s0 -> s2
;;   libcall struct.set s1 0 1
;;   return
;;   clif
;;     v3 = iconst.i32 0
;;     v4 = icmp eq v2, v3  ; v3 = 0
;;     trapnz v4, user13
;;     v5 = load.i64 notrap region0 v0
;;     v6 = load.i64 notrap region0 v5+160
;;     v7 = uextend.i64 v2
;;     v8 = iadd v6, v7
;;     v9 = uextend.i64 v2
;;     store notrap region0 v9, v8+16
;;     return
;;   x86-64
;;     testl %edx, %edx
;;     jz #trap=user13
;;     movq (%rdi), %rdi
;;     movq 0xa0(%rdi), %rdi
;;     movl %edx, %r8d
;;     movq %r8, 0x10(%rdi, %r8)
;;     retq
