;; Reference operations.
(module
  (elem declare func $f)
  (func $f)
  (func $ref.null (result externref) (ref.null extern))
  (func $ref.is_null (param externref) (result i32) (ref.is_null (local.get 0)))
  (func $branch_on_is_null (param externref) (if (ref.is_null (local.get 0)) (then (unreachable))))
  (func $ref.func (result funcref) (ref.func $f))
  (func $ref.as_non_null (param funcref) (result (ref func)) (ref.as_non_null (local.get 0)))
)

;; f
;;   return
;;   clif
;;     return
;;   x86-64
;;     retq
;; ref.null
;;   return #0
;;   clif
;;     v3 = iconst.i32 0
;;     return v3  ; v3 = 0
;;   x86-64
;;     uninit  %rax
;;     xorl %eax, %eax
;;     retq
;; ref.is_null
;;   ref.is_null s0
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
;; branch_on_is_null
;;   jump_unless ref.is_null s0 @0
;;   unreachable
;; @0:
;;   return
;;   clif
;;     v3 = iconst.i32 0
;;     v4 = icmp eq v2, v3  ; v3 = 0
;;     v5 = uextend.i32 v4
;;     brif v5, block4, block2
;;     block4:
;;     trap user1
;;     block2:
;;     jump block3
;;     block3:
;;     return
;;   x86-64
;;     testl %edx, %edx
;;     jz #trap=user1
;;     jmp     label1
;;     block1:
;;     jmp     label2
;;     block2:
;;     retq
;; ref.func
;;   libcall ref.func s0 0 0
;;   return s0
;;   clif
;;     v3 = stack_addr.i64 ss0
;;     v4 = iconst.i32 0
;;     v5 = iconst.i32 0
;;     v6 = load.i64 notrap region0 v0
;;     v7 = load.i64 notrap region0 v6+184
;;     v8 = load.i64 notrap region0 v7
;;     v9 = iconst.i32 12
;;     call_indirect sig0, v8(v0, v3, v9, v4, v5)  ; v9 = 12, v4 = 0, v5 = 0
;;     v10 = load.i64 notrap region0 v3
;;     return v10
;;   x86-64
;;     movq (%rdi), %r9
;;     movq 0xb8(%r9), %r9
;;     movq (%r9), %r9
;;     leaq <offset:1>+(%rsp), %rsi
;;     movl $0xc, %edx
;;     uninit  %r8
;;     xorl %r8d, %r8d
;;     movq %r8, %rcx
;;     call    *%r9
;;     movq <offset:1>+(%rsp), %rax
;;     addq $0x10, %rsp
;;     retq
;; ref.as_non_null
;;   ref.as_non_null s0 -> s1
;;   return s1
;;   clif
;;     v4 = iconst.i64 0
;;     v5 = icmp eq v2, v4  ; v4 = 0
;;     trapnz v5, user11
;;     return v2
;;   x86-64
;;     testq %rdx, %rdx
;;     jz #trap=user11
;;     movq %rdx, %rax
;;     retq
