;; Control operations: blocks, branches and calls. Loops check for interrupts at their back-edges.
(module
  (type $binary (func (param i32 i32) (result i32)))
  (import "m" "f" (func $imported (param i32) (result i32)))
  (table $t 10 funcref)
  (func $unreachable (unreachable))
  (func $block (param i32) (result i32) (block (result i32) (br_if 0 (i32.const 7) (local.get 0)) (drop) (i32.const 8)))
  (func $loop (param i32) (loop (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))
  (func $loop_with_compare (param i32 i32)
    (loop (local.set 0 (i32.add (local.get 0) (i32.const 1))) (br_if 0 (i32.lt_u (local.get 0) (local.get 1)))))
  (func $loop_with_operands (param i32) (result i32)
    (local.get 0) (i32.const 5)
    (loop (param i32 i32) (result i32)
      (i32.add) (br_if 1 (i32.eqz (local.get 0))) (i32.const 1) (br 0)))
  ;; A local that never changes is not a block parameter.
  (func $loop_with_unchanged_local (param i32 i32) (result i32)
    (loop
      (block (br_if 0 (local.get 1)) (local.set 1 (local.get 0)))
      (br_if 0 (i32.lt_s (local.tee 1 (i32.sub (local.get 1) (local.get 0))) (local.get 0))))
    (local.get 0))
  (func $if (param i32) (result i32) (if (result i32) (local.get 0) (then (i32.const 1)) (else (i32.const 2))))
  (func $if_not (param i64) (if (i64.eqz (local.get 0)) (then (unreachable))))
  (func $br (param i32) (result i32) (block (result i32) (br 0 (i32.add (local.get 0) (i32.const 1)))))
  (func $br_if_to_return (param i32 i32) (result i32) (drop (br_if 0 (i32.const 50) (local.get 1))) (local.get 0))
  (func $br_table (param i32) (result i32)
    (block (block (block (br_table 0 1 2 (local.get 0))) (return (i32.const 10))) (return (i32.const 11))) (i32.const 12))
  (func $br_table_with_operand (param i32) (result i32)
    (i32.add (i32.const 1) (block (result i32) (block (result i32) (br_table 0 1 (i32.const 3) (local.get 0))))))
  (func $br_on_null (param funcref) (result i32) (block (drop (br_on_null 0 (local.get 0))) (return (i32.const 1))) (i32.const 0))
  (func $br_on_non_null (param funcref) (result funcref)
    (block (result (ref func)) (br_on_non_null 0 (local.get 0)) (return (ref.null func))))
  (func $return (param i32) (return))
  (func $return_many (param i32 i32) (result i32 i32) (local.get 1) (local.get 0))
  (func $call (param i32) (result i32) (call $binary (local.get 0) (i32.const 1)))
  (func $binary (type $binary) (i32.add (local.get 0) (local.get 1)))
  (func $call_imported (result i32) (call $imported (i32.const 5)))
  (func $call_indirect (param i32) (result i32) (call_indirect $t (type $binary) (i32.const 1) (i32.const 2) (local.get 0)))
  (func $call_ref (param (ref null $binary)) (result i32) (call_ref $binary (i32.const 1) (i32.const 2) (local.get 0)))
  (func $return_call (param i32 i32) (result i32) (return_call $binary (local.get 1) (local.get 0)))
  (func $return_call_imported (param i32) (result i32) (return_call $imported (local.get 0)))
  (func $return_call_indirect (param i32) (result i32)
    (return_call_indirect $t (type $binary) (i32.const 1) (i32.const 2) (local.get 0)))
  (func $return_call_ref (param (ref null $binary)) (result i32) (return_call_ref $binary (i32.const 1) (i32.const 2) (local.get 0)))
  (func $dead_code (param i32) (result i32) (return (i32.const 1)) (drop) (i32.add) (local.set 0) (i32.const 2))
)

;; unreachable
;;   unreachable
;;   clif
;;     trap user1
;;   x86-64
;;     ud2
;; block
;;   jump_unless s0 @0
;;   const #7 -> s1
;;   jump @1
;; @0:
;;   const #8 -> s1
;; @1:
;;   return s1
;;   clif
;;     v5 = iconst.i32 7
;;     brif v2, block2(v5), block3  ; v5 = 7
;;     block3:
;;     v6 = iconst.i32 8
;;     jump block2(v6)  ; v6 = 8
;;     block2(v4: i32):
;;     return v4
;;   x86-64
;;     movl $0x7, %eax
;;     testl %edx, %edx
;;     jnz     label1; j label2
;;     block1:
;;     jmp     label3
;;     block2:
;;     movl $0x8, %eax
;;     jmp     label3
;;     block3:
;;     retq
;; loop
;; @0:
;;   i32.add s0 #-1 -> s0; jump_if acc @0
;;   return
;;   clif
;;     jump block2(v2)
;;     block2(v3: i32):
;;     v4 = iconst.i32 1
;;     v5 = isub v3, v4  ; v4 = 1
;;     brif v5, block2(v5), block3
;;     block3:
;;     return
;;   x86-64
;;     jmp     label1
;;     block1:
;;     subl $0x1, %edx
;;     testl %edx, %edx
;;     jnz     label2; j label3
;;     block2:
;;     jmp     label1
;;     block3:
;;     retq
;; loop_with_compare
;; @0:
;;   i32.add s0 #1 -> s0; jump_if i32.lt_u acc s1 @0
;;   return
;;   clif
;;     v7 -> v3
;;     jump block2(v2)
;;     block2(v4: i32):
;;     v5 = iconst.i32 1
;;     v6 = iadd v4, v5  ; v5 = 1
;;     v8 = icmp ult v6, v7
;;     v9 = uextend.i32 v8
;;     brif v9, block2(v6), block3
;;     block3:
;;     return
;;   x86-64
;;     jmp     label1
;;     block1:
;;     leal 1(%rdx), %edx
;;     cmpl %ecx, %edx
;;     jb      label2; j label3
;;     block2:
;;     jmp     label1
;;     block3:
;;     retq
;; loop_with_operands
;;   copy s0 -> s1
;;   const #5 -> s2
;; @0:
;;   i32.add s1 s2 -> s1
;;   jump_if i32.eqz s0 @1
;;   const #1 -> s2
;;   jump @0
;; @1:
;;   return s1
;;   clif
;;     v8 -> v2
;;     v4 = iconst.i32 5
;;     jump block2(v2, v4)  ; v4 = 5
;;     block2(v5: i32, v6: i32):
;;     v7 = iadd v5, v6
;;     v9 = iconst.i32 0
;;     v10 = icmp.i32 eq v8, v9  ; v9 = 0
;;     v11 = uextend.i32 v10
;;     brif v11, block1(v7), block3
;;     block3:
;;     v12 = iconst.i32 1
;;     jump block2(v7, v12)  ; v12 = 1
;;     block1(v3: i32):
;;     return v3
;;   x86-64
;;     movl $0x5, %esi
;;     movq %rdx, %rdi
;;     jmp     label1
;;     block1:
;;     testl %edx, %edx
;;     jz      label3; j label2
;;     block2:
;;     leal (%rdi, %rsi), %edi
;;     movl $0x1, %esi
;;     jmp     label1
;;     block3:
;;     leal (%rdi, %rsi), %eax
;;     retq
;; loop_with_unchanged_local
;; @0:
;;   jump_if s1 @1
;;   copy s0 -> s1
;; @1:
;;   i32.sub s1 s0 -> s1
;;   jump_if i32.lt_s acc s0 @0
;;   return s0
;;   clif
;;     v6 -> v2
;;     v8 -> v6
;;     jump block2(v3)
;;     block2(v5: i32):
;;     brif v5, block3(v5), block4
;;     block4:
;;     jump block3(v6)
;;     block3(v7: i32):
;;     v9 = isub v7, v6
;;     v10 = icmp slt v9, v8
;;     v11 = uextend.i32 v10
;;     brif v11, block2(v9), block5
;;     block5:
;;     return v8
;;   x86-64
;;     jmp     label1
;;     block1:
;;     testl %ecx, %ecx
;;     jnz     label2; j label3
;;     block2:
;;     jmp     label4
;;     block3:
;;     movq %rdx, %rcx
;;     jmp     label4
;;     block4:
;;     subl %edx, %ecx
;;     cmpl %edx, %ecx
;;     jl      label5; j label6
;;     block5:
;;     jmp     label1
;;     block6:
;;     movq %rdx, %rax
;;     retq
;; if
;;   jump_unless s0 @0
;;   const #1 -> s1
;;   jump @1
;; @0:
;;   const #2 -> s1
;; @1:
;;   return s1
;;   clif
;;     brif v2, block4, block2
;;     block4:
;;     v5 = iconst.i32 1
;;     jump block3(v5)  ; v5 = 1
;;     block2:
;;     v6 = iconst.i32 2
;;     jump block3(v6)  ; v6 = 2
;;     block3(v4: i32):
;;     return v4
;;   x86-64
;;     testl %edx, %edx
;;     jnz     label2; j label1
;;     block1:
;;     movl $0x2, %eax
;;     jmp     label3
;;     block2:
;;     movl $0x1, %eax
;;     jmp     label3
;;     block3:
;;     retq
;; if_not
;;   jump_unless i64.eqz s0 @0
;;   unreachable
;; @0:
;;   return
;;   clif
;;     v3 = iconst.i64 0
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
;;     testq %rdx, %rdx
;;     jz #trap=user1
;;     jmp     label1
;;     block1:
;;     jmp     label2
;;     block2:
;;     retq
;; br
;;   i32.add s0 #1 -> s1
;;   return s1
;;   clif
;;     v5 = iconst.i32 1
;;     v6 = iadd v2, v5  ; v5 = 1
;;     jump block2(v6)
;;     block2(v4: i32):
;;     return v4
;;   x86-64
;;     jmp     label1
;;     block1:
;;     leal 1(%rdx), %eax
;;     retq
;; br_if_to_return
;;   jump_unless s1 @0
;;   return #50
;; @0:
;;   return s0
;;   return s2
;;   clif
;;     v5 = iconst.i32 50
;;     brif v3, block1(v5), block2  ; v5 = 50
;;     block2:
;;     return v2
;;     block1(v4: i32):
;;     return v4
;;   x86-64
;;     testl %ecx, %ecx
;;     jnz     label2; j label1
;;     block1:
;;     movq %rdx, %rax
;;     retq
;;     block2:
;;     movl $0x32, %eax
;;     retq
;; br_table
;;   jump_table s0 @2 @1 @0
;; @0:
;;   return #10
;; @1:
;;   return #11
;; @2:
;;   return #12
;;   clif
;;     br_table v2, block2, [block4, block3]
;;     block4:
;;     v4 = iconst.i32 10
;;     return v4  ; v4 = 10
;;     block3:
;;     v5 = iconst.i32 11
;;     return v5  ; v5 = 11
;;     block2:
;;     v6 = iconst.i32 12
;;     return v6  ; v6 = 12
;;   x86-64
;;     movl $0x2, %edi
;;     movl %edx, %r8d
;;     cmpl %edi, %r8d
;;     cmovbl %r8d, %edi
;;     br_table %rdi, %rcx, %rax
;;     block1:
;;     movl $0xb, %eax
;;     retq
;;     block2:
;;     movl $0xa, %eax
;;     retq
;;     block3:
;;     movl $0xc, %eax
;;     retq
;; br_table_with_operand
;;   const #3 -> s2
;;   jump_table s0 @0 @1
;; @0:
;;   const #3 -> s2
;;   jump @2
;; @1:
;;   const #3 -> s2
;;   jump @2
;; @2:
;;   i32.add #1 s2
;;   return acc
;;   clif
;;     v4 = iconst.i32 1
;;     v7 = iconst.i32 3
;;     br_table v2, block2(v7), [block3(v7)]  ; v7 = 3, v7 = 3
;;     block3(v6: i32):
;;     jump block2(v6)
;;     block2(v5: i32):
;;     v8 = iadd.i32 v4, v5  ; v4 = 1
;;     return v8
;;   x86-64
;;     movl $0x1, %esi
;;     movl %edx, %edi
;;     cmpl %esi, %edi
;;     cmovbl %edi, %esi
;;     br_table %rsi, %r10, %r11
;;     block1:
;;     jmp     label3
;;     block2:
;;     jmp     label3
;;     block3:
;;     movl $0x4, %eax
;;     retq
;; br_on_null
;;   jump_if_null s0 @0
;;   return #1
;; @0:
;;   return #0
;;   clif
;;     brif v2, block3, block2
;;     block3:
;;     v4 = iconst.i32 1
;;     return v4  ; v4 = 1
;;     block2:
;;     v5 = iconst.i32 0
;;     return v5  ; v5 = 0
;;   x86-64
;;     testq %rdx, %rdx
;;     jnz     label2; j label1
;;     block1:
;;     uninit  %rax
;;     xorl %eax, %eax
;;     retq
;;     block2:
;;     movl $0x1, %eax
;;     retq
;; br_on_non_null
;;   jump_if_null s0 @0
;;   copy s0 -> s1
;;   jump @1
;; @0:
;;   return #0
;; @1:
;;   return s1
;;   clif
;;     brif v2, block2(v2), block3
;;     block3:
;;     v5 = iconst.i64 0
;;     return v5  ; v5 = 0
;;     block2(v4: i64):
;;     return v4
;;   x86-64
;;     testq %rdx, %rdx
;;     movq %rdx, %rax
;;     jnz     label2; j label1
;;     block1:
;;     uninit  %rax
;;     xorq %rax, %rax
;;     retq
;;     block2:
;;     retq
;; return
;;   return
;;   clif
;;     return
;;   x86-64
;;     retq
;; return_many
;;   copy s1 -> s2, s0 -> s3
;;   copy s2 -> s0, s3 -> s1
;;   return
;;   clif
;;     return v3, v2
;;   x86-64
;;     movq %rcx, %rax
;;     movq %rdx, %rcx
;;     retq
;; call
;;   copy s0 -> s1
;;   const #1 -> s2; call 18 s1
;;   return s1
;;   clif
;;     v4 = iconst.i32 1
;;     v5 = call fn0(v0, v0, v2, v4)  ; v4 = 1
;;     return v5
;;   x86-64
;;     movl $0x1, %ecx
;;     movq %rdi, %rsi
;;     call    func[18] <binary>
;;     retq
;; binary
;;   i32.add s0 s1
;;   return acc
;;   clif
;;     v5 = iadd v2, v3
;;     return v5
;;   x86-64
;;     leal (%rdx, %rcx), %eax
;;     retq
;; call_imported
;;   const #5 -> s0
;;   call_import 0 s0
;;   return s0
;;   clif
;;     v3 = iconst.i32 5
;;     v4 = load.i64 notrap readonly can_move region0 v0+88
;;     v5 = load.i64 notrap readonly can_move region0 v4
;;     v6 = load.i64 notrap readonly can_move region0 v4+8
;;     v7 = call_indirect sig0, v5(v6, v0, v3)  ; v3 = 5
;;     return v7
;;   x86-64
;;     movq 0x58(%rdi), %r8
;;     movq %rdi, %rsi
;;     movq (%r8), %r9
;;     movq 8(%r8), %rdi
;;     movl $0x5, %edx
;;     call    *%r9
;;     retq
;; call_indirect
;;   const #1 -> s1
;;   const #2 -> s2
;;   call_indirect s1 table 0 type 0 s0
;;   return s1
;;   clif
;;     v4 = iconst.i32 1
;;     v5 = iconst.i32 2
;;     v6 = iconst.i64 96
;;     v7 = iadd v0, v6  ; v6 = 96
;;     v8 = uextend.i64 v2
;;     v9 = load.i64 notrap region0 v7+8
;;     v10 = load.i64 notrap region0 v7
;;     v11 = icmp uge v8, v9
;;     v12 = iconst.i64 3
;;     v13 = ishl v8, v12  ; v12 = 3
;;     v14 = iadd v10, v13
;;     v15 = iconst.i64 0
;;     v16 = select_spectre_guard v11, v15, v14  ; v15 = 0
;;     v17 = load.i64 user4 region0 v16
;;     v18 = load.i32 user5 region0 v17+24
;;     v19 = load.i64 notrap readonly can_move region0 v0+24
;;     v20 = load.i32 notrap readonly can_move region0 v19
;;     v21 = icmp ne v18, v20
;;     trapnz v21, user6
;;     v22 = load.i64 user5 region0 v17
;;     v23 = load.i64 user5 region0 v17+16
;;     brif v22, block3(v22), block2
;;     block2 cold:
;;     v25 = iconst.i64 1
;;     v26 = iadd.i64 v17, v25  ; v25 = 1
;;     v27 = load.i64 notrap region0 v0
;;     store notrap region0 v26, v27+72
;;     v28 = load.i64 notrap region0 v0
;;     v29 = load.i64 notrap region0 v28+184
;;     v30 = load.i64 notrap region0 v29+80
;;     jump block3(v30)
;;     block3(v24: i64):
;;     v31 = call_indirect sig0, v24(v23, v0, v4, v5)  ; v4 = 1, v5 = 2
;;     return v31
;;   x86-64
;;     movq 0x68(%rdi), %rax
;;     movq 0x60(%rdi), %r8
;;     movl %edx, %esi
;;     uninit  %rcx
;;     xorq %rcx, %rcx
;;     leaq (%r8, %rsi, 8), %rdx
;;     cmpq %rax, %rsi
;;     cmovaeq %rcx, %rdx
;;     movq (%rdx), %rcx
;;     movl 0x18(%rcx), %eax
;;     movq 0x18(%rdi), %rdx
;;     cmpl (%rdx), %eax
;;     jnz #trap=user6
;;     movq (%rcx), %r8
;;     movq 0x10(%rcx), %rax
;;     testq %r8, %r8
;;     jnz     label1; j label2
;;     block1:
;;     jmp     label3
;;     block3:
;;     movl $0x1, %edx
;;     movl $0x2, %ecx
;;     movq %rdi, %rsi
;;     movq %rax, %rdi
;;     call    *%r8
;;     retq
;;     block2:
;;     movq (%rdi), %rdx
;;     leaq 1(%rcx), %rcx
;;     movq %rcx, 0x48(%rdx)
;;     movq (%rdi), %rcx
;;     movq 0xb8(%rcx), %rcx
;;     movq 0x50(%rcx), %r8
;;     jmp     label3
;; call_ref
;;   const #1 -> s1
;;   const #2 -> s2
;;   call_ref s1 s0
;;   return s1
;;   clif
;;     v4 = iconst.i32 1
;;     v5 = iconst.i32 2
;;     v6 = load.i64 user12 region0 v2
;;     v7 = load.i64 user12 region0 v2+16
;;     brif v6, block3(v6), block2
;;     block2 cold:
;;     v9 = iconst.i64 1
;;     v10 = iadd.i64 v2, v9  ; v9 = 1
;;     v11 = load.i64 notrap region0 v0
;;     store notrap region0 v10, v11+72
;;     v12 = load.i64 notrap region0 v0
;;     v13 = load.i64 notrap region0 v12+184
;;     v14 = load.i64 notrap region0 v13+80
;;     jump block3(v14)
;;     block3(v8: i64):
;;     v15 = call_indirect sig0, v8(v7, v0, v4, v5)  ; v4 = 1, v5 = 2
;;     return v15
;;   x86-64
;;     movq (%rdx), %r8
;;     movq 0x10(%rdx), %rax
;;     testq %r8, %r8
;;     jnz     label1; j label2
;;     block1:
;;     jmp     label3
;;     block3:
;;     movl $0x1, %edx
;;     movl $0x2, %ecx
;;     movq %rdi, %rsi
;;     movq %rax, %rdi
;;     call    *%r8
;;     retq
;;     block2:
;;     movq (%rdi), %rcx
;;     leaq 1(%rdx), %rdx
;;     movq %rdx, 0x48(%rcx)
;;     movq (%rdi), %rcx
;;     movq 0xb8(%rcx), %rcx
;;     movq 0x50(%rcx), %r8
;;     jmp     label3
;; return_call
;;   copy s1 -> s2, s0 -> s3
;;   copy s2 -> s0, s3 -> s1
;;   tail_call 18
;;   clif
;;     return_call fn0(v0, v0, v3, v2)
;;   x86-64
;;     movq %rdi, %rsi
;;     movq %rcx, %rax
;;     movq %rdx, %rcx
;;     movq %rax, %rdx
;;     return_call_known func[18] <binary> (0) tmp=%r11 %rdi=%rdi %rsi=%rsi %rdx=%rdx %rcx=%rcx
;; return_call_imported
;;   tail_call_import 0
;;   clif
;;     v4 = load.i64 notrap readonly can_move region0 v0+88
;;     v5 = load.i64 notrap readonly can_move region0 v4
;;     v6 = load.i64 notrap readonly can_move region0 v4+8
;;     return_call_indirect sig0, v5(v6, v0, v2)
;;   x86-64
;;     movq 0x58(%rdi), %rsi
;;     movq %rdi, %r8
;;     movq (%rsi), %r10
;;     movq 8(%rsi), %rdi
;;     movq %r8, %rsi
;;     return_call_unknown %r10 (0) tmp=%r11 %rdi=%rdi %rsi=%rsi %rdx=%rdx
;; return_call_indirect
;;   resolve_indirect table 0 type 0 s0
;;   const #1 -> s0
;;   const #2 -> s1
;;   tail_call_resolved
;;   clif
;;     v4 = iconst.i32 1
;;     v5 = iconst.i32 2
;;     v6 = iconst.i64 96
;;     v7 = iadd v0, v6  ; v6 = 96
;;     v8 = uextend.i64 v2
;;     v9 = load.i64 notrap region0 v7+8
;;     v10 = load.i64 notrap region0 v7
;;     v11 = icmp uge v8, v9
;;     v12 = iconst.i64 3
;;     v13 = ishl v8, v12  ; v12 = 3
;;     v14 = iadd v10, v13
;;     v15 = iconst.i64 0
;;     v16 = select_spectre_guard v11, v15, v14  ; v15 = 0
;;     v17 = load.i64 user4 region0 v16
;;     v18 = load.i32 user5 region0 v17+24
;;     v19 = load.i64 notrap readonly can_move region0 v0+24
;;     v20 = load.i32 notrap readonly can_move region0 v19
;;     v21 = icmp ne v18, v20
;;     trapnz v21, user6
;;     v22 = load.i64 user5 region0 v17
;;     v23 = load.i64 user5 region0 v17+16
;;     brif v22, block3(v22), block2
;;     block2 cold:
;;     v25 = iconst.i64 1
;;     v26 = iadd.i64 v17, v25  ; v25 = 1
;;     v27 = load.i64 notrap region0 v0
;;     store notrap region0 v26, v27+72
;;     v28 = load.i64 notrap region0 v0
;;     v29 = load.i64 notrap region0 v28+184
;;     v30 = load.i64 notrap region0 v29+80
;;     jump block3(v30)
;;     block3(v24: i64):
;;     return_call_indirect sig0, v24(v23, v0, v4, v5)  ; v4 = 1, v5 = 2
;;   x86-64
;;     movq 0x68(%rdi), %rax
;;     movq 0x60(%rdi), %r8
;;     movl %edx, %esi
;;     uninit  %rcx
;;     xorq %rcx, %rcx
;;     leaq (%r8, %rsi, 8), %rdx
;;     cmpq %rax, %rsi
;;     cmovaeq %rcx, %rdx
;;     movq (%rdx), %rcx
;;     movl 0x18(%rcx), %eax
;;     movq 0x18(%rdi), %rdx
;;     cmpl (%rdx), %eax
;;     jnz #trap=user6
;;     movq (%rcx), %r10
;;     movq 0x10(%rcx), %rax
;;     testq %r10, %r10
;;     jnz     label1; j label2
;;     block1:
;;     jmp     label3
;;     block3:
;;     movl $0x1, %edx
;;     movl $0x2, %ecx
;;     movq %rdi, %rsi
;;     movq %rax, %rdi
;;     return_call_unknown %r10 (0) tmp=%r11 %rdi=%rdi %rsi=%rsi %rdx=%rdx %rcx=%rcx
;;     block2:
;;     movq (%rdi), %rdx
;;     leaq 1(%rcx), %rcx
;;     movq %rcx, 0x48(%rdx)
;;     movq (%rdi), %rcx
;;     movq 0xb8(%rcx), %rcx
;;     movq 0x50(%rcx), %r10
;;     jmp     label3
;; return_call_ref
;;   resolve_ref s0
;;   const #1 -> s0
;;   const #2 -> s1
;;   tail_call_resolved
;;   clif
;;     v4 = iconst.i32 1
;;     v5 = iconst.i32 2
;;     v6 = load.i64 user12 region0 v2
;;     v7 = load.i64 user12 region0 v2+16
;;     brif v6, block3(v6), block2
;;     block2 cold:
;;     v9 = iconst.i64 1
;;     v10 = iadd.i64 v2, v9  ; v9 = 1
;;     v11 = load.i64 notrap region0 v0
;;     store notrap region0 v10, v11+72
;;     v12 = load.i64 notrap region0 v0
;;     v13 = load.i64 notrap region0 v12+184
;;     v14 = load.i64 notrap region0 v13+80
;;     jump block3(v14)
;;     block3(v8: i64):
;;     return_call_indirect sig0, v8(v7, v0, v4, v5)  ; v4 = 1, v5 = 2
;;   x86-64
;;     movq (%rdx), %r10
;;     movq 0x10(%rdx), %rax
;;     testq %r10, %r10
;;     jnz     label1; j label2
;;     block1:
;;     jmp     label3
;;     block3:
;;     movl $0x1, %edx
;;     movl $0x2, %ecx
;;     movq %rdi, %rsi
;;     movq %rax, %rdi
;;     return_call_unknown %r10 (0) tmp=%r11 %rdi=%rdi %rsi=%rsi %rdx=%rdx %rcx=%rcx
;;     block2:
;;     movq (%rdi), %rcx
;;     leaq 1(%rdx), %rdx
;;     movq %rdx, 0x48(%rcx)
;;     movq (%rdi), %rcx
;;     movq 0xb8(%rcx), %rcx
;;     movq 0x50(%rcx), %r10
;;     jmp     label3
;; dead_code
;;   return #1
;;   clif
;;     v4 = iconst.i32 1
;;     return v4  ; v4 = 1
;;   x86-64
;;     movl $0x1, %eax
;;     retq
