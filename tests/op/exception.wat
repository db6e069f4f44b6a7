;; The exception operations that the interpreter implements.
(module
  (tag $e (param i32))
  (func $throw (param i32) (throw $e (local.get 0)))
  (func $try_table (param i32) (result i32)
    (block $h (result i32) (try_table (catch $e $h) (call $throw (local.get 0))) (i32.const 0)))
  (func $catch_all (block $h (try_table (catch_all $h) (call $throw (i32.const 1)))))
)

;; throw
;;   copy s0 -> s1
;;   throw 0 s1
;;   clif
;;     v3 = stack_addr.i64 ss0
;;     v4 = uextend.i64 v2
;;     store notrap region0 v4, v3
;;     v5 = load.i64 notrap region0 v0
;;     v6 = load.i64 notrap region0 v5+184
;;     v7 = load.i64 notrap region0 v6+8
;;     v8 = iconst.i32 0
;;     call_indirect sig0, v7(v0, v3, v8)  ; v8 = 0
;;     trap user200
;;   x86-64
;;     movl %edx, %r9d
;;     leaq <offset:1>+(%rsp), %rsi
;;     movq %r9, <offset:1>+(%rsp)
;;     movq (%rdi), %r10
;;     movq 0xb8(%r10), %r10
;;     movq 8(%r10), %r10
;;     uninit  %rdx
;;     xorl %edx, %edx
;;     call    *%r10
;;     ud2
;; try_table
;;   copy s0 -> s1; call 0 s1
;;   jump @0
;; @0:
;;   const #0 -> s1
;;   return s1
;;   clif
;;     try_call fn0(v0, v0, v2), sig0, block6, [ context v0, tag0: block5(exn0) ]
;;     block6:
;;     jump block3
;;     block5(v5: i64) cold:
;;     jump block4
;;     block4 cold:
;;     v6 = load.i64 notrap region0 v0
;;     v7 = load.i64 notrap region0 v6+152
;;     v8 = load.i64 notrap region0 v7
;;     v9 = ireduce.i32 v8
;;     jump block2(v9)
;;     block3:
;;     v10 = iconst.i32 0
;;     jump block2(v10)  ; v10 = 0
;;     block2(v4: i32):
;;     return v4
;;   x86-64
;;     movq %rdi, <offset:1>+(%rsp)
;;     movq <offset:1>+(%rsp), %rsi
;;     call    func[0] <throw>; jmp MachLabel(1); catch [context stack0, tag0: MachLabel(3)]
;;     block1:
;;     jmp     label2
;;     block2:
;;     uninit  %rax
;;     xorl %eax, %eax
;;     jmp     label5
;;     block5:
;;     movq 0x10(%rsp), %rbx
;;     movq 0x18(%rsp), %r12
;;     movq 0x20(%rsp), %r13
;;     movq 0x28(%rsp), %r14
;;     movq 0x30(%rsp), %r15
;;     addq $0x40, %rsp
;;     retq
;;     block3:
;;     jmp     label4
;;     block4:
;;     movq <offset:1>+(%rsp), %rcx
;;     movq (%rcx), %rax
;;     movq 0x98(%rax), %rax
;;     movq (%rax), %rax
;;     jmp     label5
;; catch_all
;;   const #1 -> s0; call 0 s0
;;   jump @0
;; @0:
;;   return
;;   clif
;;     v3 = iconst.i32 1
;;     try_call fn0(v0, v0, v3), sig0, block6, [ context v0, tag0: block5(exn0) ]  ; v3 = 1
;;     block6:
;;     jump block3
;;     block5(v2: i64) cold:
;;     jump block4
;;     block4 cold:
;;     v4 = load.i64 notrap region0 v0
;;     v5 = load.i64 notrap region0 v4+152
;;     jump block2
;;     block3:
;;     jump block2
;;     block2:
;;     return
;;   x86-64
;;     movq %rdi, <offset:1>+(%rsp)
;;     movl $0x1, %edx
;;     movq <offset:1>+(%rsp), %rsi
;;     call    func[0] <throw>; jmp MachLabel(1); catch [context stack0, tag0: MachLabel(3)]
;;     block1:
;;     jmp     label2
;;     block2:
;;     jmp     label5
;;     block5:
;;     movq 0x10(%rsp), %rbx
;;     movq 0x18(%rsp), %r12
;;     movq 0x20(%rsp), %r13
;;     movq 0x28(%rsp), %r14
;;     movq 0x30(%rsp), %r15
;;     addq $0x40, %rsp
;;     retq
;;     block3:
;;     jmp     label4
;;     block4:
;;     movq <offset:1>+(%rsp), %r9
;;     movq (%r9), %r11
;;     movq 0x98(%r11), %r11
;;     jmp     label5
