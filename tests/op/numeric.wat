;; Scalar operations, one function each, then the shapes that operands and results come in.
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
  ;; Shapes: where operands come from and results go.
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
;; i64.eqz
;;   i64.eqz s0
;;   return acc
;; i32.clz
;;   i32.clz s0
;;   return acc
;; i32.ctz
;;   i32.ctz s0
;;   return acc
;; i32.popcnt
;;   i32.popcnt s0
;;   return acc
;; i64.clz
;;   i64.clz s0
;;   return acc
;; i64.ctz
;;   i64.ctz s0
;;   return acc
;; i64.popcnt
;;   i64.popcnt s0
;;   return acc
;; f32.abs
;;   f32.abs s0
;;   return acc
;; f32.neg
;;   f32.neg s0
;;   return acc
;; f32.ceil
;;   f32.ceil s0
;;   return acc
;; f32.floor
;;   f32.floor s0
;;   return acc
;; f32.trunc
;;   f32.trunc s0
;;   return acc
;; f32.nearest
;;   f32.nearest s0
;;   return acc
;; f32.sqrt
;;   f32.sqrt s0
;;   return acc
;; f64.abs
;;   f64.abs s0
;;   return acc
;; f64.neg
;;   f64.neg s0
;;   return acc
;; f64.ceil
;;   f64.ceil s0
;;   return acc
;; f64.floor
;;   f64.floor s0
;;   return acc
;; f64.trunc
;;   f64.trunc s0
;;   return acc
;; f64.nearest
;;   f64.nearest s0
;;   return acc
;; f64.sqrt
;;   f64.sqrt s0
;;   return acc
;; i32.extend8_s
;;   i32.extend8_s s0
;;   return acc
;; i32.extend16_s
;;   i32.extend16_s s0
;;   return acc
;; i64.extend8_s
;;   i64.extend8_s s0
;;   return acc
;; i64.extend16_s
;;   i64.extend16_s s0
;;   return acc
;; i64.extend32_s
;;   i64.extend32_s s0
;;   return acc
;; i32.wrap_i64
;;   i32.wrap_i64 s0
;;   return acc
;; i32.trunc_f32_s
;;   i32.trunc_f32_s s0
;;   return acc
;; i32.trunc_f32_u
;;   i32.trunc_f32_u s0
;;   return acc
;; i32.trunc_f64_s
;;   i32.trunc_f64_s s0
;;   return acc
;; i32.trunc_f64_u
;;   i32.trunc_f64_u s0
;;   return acc
;; i64.extend_i32_s
;;   i64.extend_i32_s s0
;;   return acc
;; i64.extend_i32_u
;;   i64.extend_i32_u s0
;;   return acc
;; i64.trunc_f32_s
;;   i64.trunc_f32_s s0
;;   return acc
;; i64.trunc_f32_u
;;   i64.trunc_f32_u s0
;;   return acc
;; i64.trunc_f64_s
;;   i64.trunc_f64_s s0
;;   return acc
;; i64.trunc_f64_u
;;   i64.trunc_f64_u s0
;;   return acc
;; f32.convert_i32_s
;;   f32.convert_i32_s s0
;;   return acc
;; f32.convert_i32_u
;;   f32.convert_i32_u s0
;;   return acc
;; f32.convert_i64_s
;;   f32.convert_i64_s s0
;;   return acc
;; f32.convert_i64_u
;;   f32.convert_i64_u s0
;;   return acc
;; f32.demote_f64
;;   f32.demote_f64 s0
;;   return acc
;; f64.convert_i32_s
;;   f64.convert_i32_s s0
;;   return acc
;; f64.convert_i32_u
;;   f64.convert_i32_u s0
;;   return acc
;; f64.convert_i64_s
;;   f64.convert_i64_s s0
;;   return acc
;; f64.convert_i64_u
;;   f64.convert_i64_u s0
;;   return acc
;; f64.promote_f32
;;   f64.promote_f32 s0
;;   return acc
;; i32.reinterpret_f32
;;   i32.reinterpret_f32 s0
;;   return acc
;; i64.reinterpret_f64
;;   i64.reinterpret_f64 s0
;;   return acc
;; f32.reinterpret_i32
;;   f32.reinterpret_i32 s0
;;   return acc
;; f64.reinterpret_i64
;;   f64.reinterpret_i64 s0
;;   return acc
;; i32.trunc_sat_f32_s
;;   i32.trunc_sat_f32_s s0
;;   return acc
;; i32.trunc_sat_f32_u
;;   i32.trunc_sat_f32_u s0
;;   return acc
;; i32.trunc_sat_f64_s
;;   i32.trunc_sat_f64_s s0
;;   return acc
;; i32.trunc_sat_f64_u
;;   i32.trunc_sat_f64_u s0
;;   return acc
;; i64.trunc_sat_f32_s
;;   i64.trunc_sat_f32_s s0
;;   return acc
;; i64.trunc_sat_f32_u
;;   i64.trunc_sat_f32_u s0
;;   return acc
;; i64.trunc_sat_f64_s
;;   i64.trunc_sat_f64_s s0
;;   return acc
;; i64.trunc_sat_f64_u
;;   i64.trunc_sat_f64_u s0
;;   return acc
;; i32.add
;;   i32.add s0 s1
;;   return acc
;; i32.sub
;;   i32.sub s0 s1
;;   return acc
;; i32.mul
;;   i32.mul s0 s1
;;   return acc
;; i32.div_s
;;   i32.div_s s0 s1
;;   return acc
;; i32.div_u
;;   i32.div_u s0 s1
;;   return acc
;; i32.rem_s
;;   i32.rem_s s0 s1
;;   return acc
;; i32.rem_u
;;   i32.rem_u s0 s1
;;   return acc
;; i32.and
;;   i32.and s0 s1
;;   return acc
;; i32.or
;;   i32.or s0 s1
;;   return acc
;; i32.xor
;;   i32.xor s0 s1
;;   return acc
;; i32.shl
;;   i32.shl s0 s1
;;   return acc
;; i32.shr_s
;;   i32.shr_s s0 s1
;;   return acc
;; i32.shr_u
;;   i32.shr_u s0 s1
;;   return acc
;; i32.rotl
;;   i32.rotl s0 s1
;;   return acc
;; i32.rotr
;;   i32.rotr s0 s1
;;   return acc
;; i64.add
;;   i64.add s0 s1
;;   return acc
;; i64.sub
;;   i64.sub s0 s1
;;   return acc
;; i64.mul
;;   i64.mul s0 s1
;;   return acc
;; i64.div_s
;;   i64.div_s s0 s1
;;   return acc
;; i64.div_u
;;   i64.div_u s0 s1
;;   return acc
;; i64.rem_s
;;   i64.rem_s s0 s1
;;   return acc
;; i64.rem_u
;;   i64.rem_u s0 s1
;;   return acc
;; i64.and
;;   i64.and s0 s1
;;   return acc
;; i64.or
;;   i64.or s0 s1
;;   return acc
;; i64.xor
;;   i64.xor s0 s1
;;   return acc
;; i64.shl
;;   i64.shl s0 s1
;;   return acc
;; i64.shr_s
;;   i64.shr_s s0 s1
;;   return acc
;; i64.shr_u
;;   i64.shr_u s0 s1
;;   return acc
;; i64.rotl
;;   i64.rotl s0 s1
;;   return acc
;; i64.rotr
;;   i64.rotr s0 s1
;;   return acc
;; f32.add
;;   f32.add s0 s1
;;   return acc
;; f32.sub
;;   f32.sub s0 s1
;;   return acc
;; f32.mul
;;   f32.mul s0 s1
;;   return acc
;; f32.div
;;   f32.div s0 s1
;;   return acc
;; f32.min
;;   f32.min s0 s1
;;   return acc
;; f32.max
;;   f32.max s0 s1
;;   return acc
;; f32.copysign
;;   f32.copysign s0 s1
;;   return acc
;; f64.add
;;   f64.add s0 s1
;;   return acc
;; f64.sub
;;   f64.sub s0 s1
;;   return acc
;; f64.mul
;;   f64.mul s0 s1
;;   return acc
;; f64.div
;;   f64.div s0 s1
;;   return acc
;; f64.min
;;   f64.min s0 s1
;;   return acc
;; f64.max
;;   f64.max s0 s1
;;   return acc
;; f64.copysign
;;   f64.copysign s0 s1
;;   return acc
;; i32.eq
;;   i32.eq s0 s1
;;   return acc
;; i32.ne
;;   i32.ne s0 s1
;;   return acc
;; i32.lt_s
;;   i32.lt_s s0 s1
;;   return acc
;; i32.lt_u
;;   i32.lt_u s0 s1
;;   return acc
;; i32.gt_s
;;   i32.gt_s s0 s1
;;   return acc
;; i32.gt_u
;;   i32.gt_u s0 s1
;;   return acc
;; i32.le_s
;;   i32.le_s s0 s1
;;   return acc
;; i32.le_u
;;   i32.le_u s0 s1
;;   return acc
;; i32.ge_s
;;   i32.ge_s s0 s1
;;   return acc
;; i32.ge_u
;;   i32.ge_u s0 s1
;;   return acc
;; i64.eq
;;   i64.eq s0 s1
;;   return acc
;; i64.ne
;;   i64.ne s0 s1
;;   return acc
;; i64.lt_s
;;   i64.lt_s s0 s1
;;   return acc
;; i64.lt_u
;;   i64.lt_u s0 s1
;;   return acc
;; i64.gt_s
;;   i64.gt_s s0 s1
;;   return acc
;; i64.gt_u
;;   i64.gt_u s0 s1
;;   return acc
;; i64.le_s
;;   i64.le_s s0 s1
;;   return acc
;; i64.le_u
;;   i64.le_u s0 s1
;;   return acc
;; i64.ge_s
;;   i64.ge_s s0 s1
;;   return acc
;; i64.ge_u
;;   i64.ge_u s0 s1
;;   return acc
;; f32.eq
;;   f32.eq s0 s1
;;   return acc
;; f32.ne
;;   f32.ne s0 s1
;;   return acc
;; f32.lt
;;   f32.lt s0 s1
;;   return acc
;; f32.gt
;;   f32.gt s0 s1
;;   return acc
;; f32.le
;;   f32.le s0 s1
;;   return acc
;; f32.ge
;;   f32.ge s0 s1
;;   return acc
;; f64.eq
;;   f64.eq s0 s1
;;   return acc
;; f64.ne
;;   f64.ne s0 s1
;;   return acc
;; f64.lt
;;   f64.lt s0 s1
;;   return acc
;; f64.gt
;;   f64.gt s0 s1
;;   return acc
;; f64.le
;;   f64.le s0 s1
;;   return acc
;; f64.ge
;;   f64.ge s0 s1
;;   return acc
;; i64.add128
;;   copy s0 -> s4, s1 -> s5
;;   copy s2 -> s6, s3 -> s7
;;   i64.add128 s4
;;   copy s4 -> s0, s5 -> s1
;;   return
;; i64.sub128
;;   copy s0 -> s4, s1 -> s5
;;   copy s2 -> s6, s3 -> s7
;;   i64.sub128 s4
;;   copy s4 -> s0, s5 -> s1
;;   return
;; i64.mul_wide_s
;;   copy s0 -> s2, s1 -> s3
;;   i64.mul_wide_s s2
;;   copy s2 -> s0, s3 -> s1
;;   return
;; i64.mul_wide_u
;;   copy s0 -> s2, s1 -> s3
;;   i64.mul_wide_u s2
;;   copy s2 -> s0, s3 -> s1
;;   return
;; constant_operands
;;   i32.add s0 #7
;;   i32.add acc #-1
;;   return acc
;; constant_first
;;   i32.sub #1 s0
;;   return acc
;; folded
;;   return #42
;; folding_that_would_trap
;;   const #1 -> s0
;;   i32.div_s s0 #0
;;   return acc
;; result_to_local
;;   i32.add s0 s1 -> s2
;;   i32.mul s2 acc -> s0
;;   return
;; tree
;;   i32.add s0 s1 -> s4
;;   i32.sub s2 s3
;;   i32.mul s4 acc
;;   return acc
;; wide_constants
;;   i64.xor s0 #1311768467463790320
;;   return acc
