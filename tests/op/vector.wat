;; Vector operations, one function each.
(module
  (func $v128.not (param v128) (result v128) (v128.not (local.get 0)))
  (func $f32x4.demote_f64x2_zero (param v128) (result v128) (f32x4.demote_f64x2_zero (local.get 0)))
  (func $f64x2.promote_low_f32x4 (param v128) (result v128) (f64x2.promote_low_f32x4 (local.get 0)))
  (func $i8x16.abs (param v128) (result v128) (i8x16.abs (local.get 0)))
  (func $i8x16.neg (param v128) (result v128) (i8x16.neg (local.get 0)))
  (func $i8x16.popcnt (param v128) (result v128) (i8x16.popcnt (local.get 0)))
  (func $f32x4.ceil (param v128) (result v128) (f32x4.ceil (local.get 0)))
  (func $f32x4.floor (param v128) (result v128) (f32x4.floor (local.get 0)))
  (func $f32x4.trunc (param v128) (result v128) (f32x4.trunc (local.get 0)))
  (func $f32x4.nearest (param v128) (result v128) (f32x4.nearest (local.get 0)))
  (func $f64x2.ceil (param v128) (result v128) (f64x2.ceil (local.get 0)))
  (func $f64x2.floor (param v128) (result v128) (f64x2.floor (local.get 0)))
  (func $f64x2.trunc (param v128) (result v128) (f64x2.trunc (local.get 0)))
  (func $i16x8.extadd_pairwise_i8x16_s (param v128) (result v128) (i16x8.extadd_pairwise_i8x16_s (local.get 0)))
  (func $i16x8.extadd_pairwise_i8x16_u (param v128) (result v128) (i16x8.extadd_pairwise_i8x16_u (local.get 0)))
  (func $i32x4.extadd_pairwise_i16x8_s (param v128) (result v128) (i32x4.extadd_pairwise_i16x8_s (local.get 0)))
  (func $i32x4.extadd_pairwise_i16x8_u (param v128) (result v128) (i32x4.extadd_pairwise_i16x8_u (local.get 0)))
  (func $i16x8.abs (param v128) (result v128) (i16x8.abs (local.get 0)))
  (func $i16x8.neg (param v128) (result v128) (i16x8.neg (local.get 0)))
  (func $i16x8.extend_low_i8x16_s (param v128) (result v128) (i16x8.extend_low_i8x16_s (local.get 0)))
  (func $i16x8.extend_high_i8x16_s (param v128) (result v128) (i16x8.extend_high_i8x16_s (local.get 0)))
  (func $i16x8.extend_low_i8x16_u (param v128) (result v128) (i16x8.extend_low_i8x16_u (local.get 0)))
  (func $i16x8.extend_high_i8x16_u (param v128) (result v128) (i16x8.extend_high_i8x16_u (local.get 0)))
  (func $f64x2.nearest (param v128) (result v128) (f64x2.nearest (local.get 0)))
  (func $i32x4.abs (param v128) (result v128) (i32x4.abs (local.get 0)))
  (func $i32x4.neg (param v128) (result v128) (i32x4.neg (local.get 0)))
  (func $i32x4.extend_low_i16x8_s (param v128) (result v128) (i32x4.extend_low_i16x8_s (local.get 0)))
  (func $i32x4.extend_high_i16x8_s (param v128) (result v128) (i32x4.extend_high_i16x8_s (local.get 0)))
  (func $i32x4.extend_low_i16x8_u (param v128) (result v128) (i32x4.extend_low_i16x8_u (local.get 0)))
  (func $i32x4.extend_high_i16x8_u (param v128) (result v128) (i32x4.extend_high_i16x8_u (local.get 0)))
  (func $i64x2.abs (param v128) (result v128) (i64x2.abs (local.get 0)))
  (func $i64x2.neg (param v128) (result v128) (i64x2.neg (local.get 0)))
  (func $i64x2.extend_low_i32x4_s (param v128) (result v128) (i64x2.extend_low_i32x4_s (local.get 0)))
  (func $i64x2.extend_high_i32x4_s (param v128) (result v128) (i64x2.extend_high_i32x4_s (local.get 0)))
  (func $i64x2.extend_low_i32x4_u (param v128) (result v128) (i64x2.extend_low_i32x4_u (local.get 0)))
  (func $i64x2.extend_high_i32x4_u (param v128) (result v128) (i64x2.extend_high_i32x4_u (local.get 0)))
  (func $f32x4.abs (param v128) (result v128) (f32x4.abs (local.get 0)))
  (func $f32x4.neg (param v128) (result v128) (f32x4.neg (local.get 0)))
  (func $f32x4.sqrt (param v128) (result v128) (f32x4.sqrt (local.get 0)))
  (func $f64x2.abs (param v128) (result v128) (f64x2.abs (local.get 0)))
  (func $f64x2.neg (param v128) (result v128) (f64x2.neg (local.get 0)))
  (func $f64x2.sqrt (param v128) (result v128) (f64x2.sqrt (local.get 0)))
  (func $i32x4.trunc_sat_f32x4_s (param v128) (result v128) (i32x4.trunc_sat_f32x4_s (local.get 0)))
  (func $i32x4.trunc_sat_f32x4_u (param v128) (result v128) (i32x4.trunc_sat_f32x4_u (local.get 0)))
  (func $f32x4.convert_i32x4_s (param v128) (result v128) (f32x4.convert_i32x4_s (local.get 0)))
  (func $f32x4.convert_i32x4_u (param v128) (result v128) (f32x4.convert_i32x4_u (local.get 0)))
  (func $i32x4.trunc_sat_f64x2_s_zero (param v128) (result v128) (i32x4.trunc_sat_f64x2_s_zero (local.get 0)))
  (func $i32x4.trunc_sat_f64x2_u_zero (param v128) (result v128) (i32x4.trunc_sat_f64x2_u_zero (local.get 0)))
  (func $f64x2.convert_low_i32x4_s (param v128) (result v128) (f64x2.convert_low_i32x4_s (local.get 0)))
  (func $f64x2.convert_low_i32x4_u (param v128) (result v128) (f64x2.convert_low_i32x4_u (local.get 0)))
  (func $i8x16.swizzle (param v128 v128) (result v128) (i8x16.swizzle (local.get 0) (local.get 1)))
  (func $i8x16.eq (param v128 v128) (result v128) (i8x16.eq (local.get 0) (local.get 1)))
  (func $i8x16.ne (param v128 v128) (result v128) (i8x16.ne (local.get 0) (local.get 1)))
  (func $i8x16.lt_s (param v128 v128) (result v128) (i8x16.lt_s (local.get 0) (local.get 1)))
  (func $i8x16.lt_u (param v128 v128) (result v128) (i8x16.lt_u (local.get 0) (local.get 1)))
  (func $i8x16.gt_s (param v128 v128) (result v128) (i8x16.gt_s (local.get 0) (local.get 1)))
  (func $i8x16.gt_u (param v128 v128) (result v128) (i8x16.gt_u (local.get 0) (local.get 1)))
  (func $i8x16.le_s (param v128 v128) (result v128) (i8x16.le_s (local.get 0) (local.get 1)))
  (func $i8x16.le_u (param v128 v128) (result v128) (i8x16.le_u (local.get 0) (local.get 1)))
  (func $i8x16.ge_s (param v128 v128) (result v128) (i8x16.ge_s (local.get 0) (local.get 1)))
  (func $i8x16.ge_u (param v128 v128) (result v128) (i8x16.ge_u (local.get 0) (local.get 1)))
  (func $i16x8.eq (param v128 v128) (result v128) (i16x8.eq (local.get 0) (local.get 1)))
  (func $i16x8.ne (param v128 v128) (result v128) (i16x8.ne (local.get 0) (local.get 1)))
  (func $i16x8.lt_s (param v128 v128) (result v128) (i16x8.lt_s (local.get 0) (local.get 1)))
  (func $i16x8.lt_u (param v128 v128) (result v128) (i16x8.lt_u (local.get 0) (local.get 1)))
  (func $i16x8.gt_s (param v128 v128) (result v128) (i16x8.gt_s (local.get 0) (local.get 1)))
  (func $i16x8.gt_u (param v128 v128) (result v128) (i16x8.gt_u (local.get 0) (local.get 1)))
  (func $i16x8.le_s (param v128 v128) (result v128) (i16x8.le_s (local.get 0) (local.get 1)))
  (func $i16x8.le_u (param v128 v128) (result v128) (i16x8.le_u (local.get 0) (local.get 1)))
  (func $i16x8.ge_s (param v128 v128) (result v128) (i16x8.ge_s (local.get 0) (local.get 1)))
  (func $i16x8.ge_u (param v128 v128) (result v128) (i16x8.ge_u (local.get 0) (local.get 1)))
  (func $i32x4.eq (param v128 v128) (result v128) (i32x4.eq (local.get 0) (local.get 1)))
  (func $i32x4.ne (param v128 v128) (result v128) (i32x4.ne (local.get 0) (local.get 1)))
  (func $i32x4.lt_s (param v128 v128) (result v128) (i32x4.lt_s (local.get 0) (local.get 1)))
  (func $i32x4.lt_u (param v128 v128) (result v128) (i32x4.lt_u (local.get 0) (local.get 1)))
  (func $i32x4.gt_s (param v128 v128) (result v128) (i32x4.gt_s (local.get 0) (local.get 1)))
  (func $i32x4.gt_u (param v128 v128) (result v128) (i32x4.gt_u (local.get 0) (local.get 1)))
  (func $i32x4.le_s (param v128 v128) (result v128) (i32x4.le_s (local.get 0) (local.get 1)))
  (func $i32x4.le_u (param v128 v128) (result v128) (i32x4.le_u (local.get 0) (local.get 1)))
  (func $i32x4.ge_s (param v128 v128) (result v128) (i32x4.ge_s (local.get 0) (local.get 1)))
  (func $i32x4.ge_u (param v128 v128) (result v128) (i32x4.ge_u (local.get 0) (local.get 1)))
  (func $f32x4.eq (param v128 v128) (result v128) (f32x4.eq (local.get 0) (local.get 1)))
  (func $f32x4.ne (param v128 v128) (result v128) (f32x4.ne (local.get 0) (local.get 1)))
  (func $f32x4.lt (param v128 v128) (result v128) (f32x4.lt (local.get 0) (local.get 1)))
  (func $f32x4.gt (param v128 v128) (result v128) (f32x4.gt (local.get 0) (local.get 1)))
  (func $f32x4.le (param v128 v128) (result v128) (f32x4.le (local.get 0) (local.get 1)))
  (func $f32x4.ge (param v128 v128) (result v128) (f32x4.ge (local.get 0) (local.get 1)))
  (func $f64x2.eq (param v128 v128) (result v128) (f64x2.eq (local.get 0) (local.get 1)))
  (func $f64x2.ne (param v128 v128) (result v128) (f64x2.ne (local.get 0) (local.get 1)))
  (func $f64x2.lt (param v128 v128) (result v128) (f64x2.lt (local.get 0) (local.get 1)))
  (func $f64x2.gt (param v128 v128) (result v128) (f64x2.gt (local.get 0) (local.get 1)))
  (func $f64x2.le (param v128 v128) (result v128) (f64x2.le (local.get 0) (local.get 1)))
  (func $f64x2.ge (param v128 v128) (result v128) (f64x2.ge (local.get 0) (local.get 1)))
  (func $v128.and (param v128 v128) (result v128) (v128.and (local.get 0) (local.get 1)))
  (func $v128.andnot (param v128 v128) (result v128) (v128.andnot (local.get 0) (local.get 1)))
  (func $v128.or (param v128 v128) (result v128) (v128.or (local.get 0) (local.get 1)))
  (func $v128.xor (param v128 v128) (result v128) (v128.xor (local.get 0) (local.get 1)))
  (func $i8x16.narrow_i16x8_s (param v128 v128) (result v128) (i8x16.narrow_i16x8_s (local.get 0) (local.get 1)))
  (func $i8x16.narrow_i16x8_u (param v128 v128) (result v128) (i8x16.narrow_i16x8_u (local.get 0) (local.get 1)))
  (func $i8x16.add (param v128 v128) (result v128) (i8x16.add (local.get 0) (local.get 1)))
  (func $i8x16.add_sat_s (param v128 v128) (result v128) (i8x16.add_sat_s (local.get 0) (local.get 1)))
  (func $i8x16.add_sat_u (param v128 v128) (result v128) (i8x16.add_sat_u (local.get 0) (local.get 1)))
  (func $i8x16.sub (param v128 v128) (result v128) (i8x16.sub (local.get 0) (local.get 1)))
  (func $i8x16.sub_sat_s (param v128 v128) (result v128) (i8x16.sub_sat_s (local.get 0) (local.get 1)))
  (func $i8x16.sub_sat_u (param v128 v128) (result v128) (i8x16.sub_sat_u (local.get 0) (local.get 1)))
  (func $i8x16.min_s (param v128 v128) (result v128) (i8x16.min_s (local.get 0) (local.get 1)))
  (func $i8x16.min_u (param v128 v128) (result v128) (i8x16.min_u (local.get 0) (local.get 1)))
  (func $i8x16.max_s (param v128 v128) (result v128) (i8x16.max_s (local.get 0) (local.get 1)))
  (func $i8x16.max_u (param v128 v128) (result v128) (i8x16.max_u (local.get 0) (local.get 1)))
  (func $i8x16.avgr_u (param v128 v128) (result v128) (i8x16.avgr_u (local.get 0) (local.get 1)))
  (func $i16x8.q15mulr_sat_s (param v128 v128) (result v128) (i16x8.q15mulr_sat_s (local.get 0) (local.get 1)))
  (func $i16x8.narrow_i32x4_s (param v128 v128) (result v128) (i16x8.narrow_i32x4_s (local.get 0) (local.get 1)))
  (func $i16x8.narrow_i32x4_u (param v128 v128) (result v128) (i16x8.narrow_i32x4_u (local.get 0) (local.get 1)))
  (func $i16x8.add (param v128 v128) (result v128) (i16x8.add (local.get 0) (local.get 1)))
  (func $i16x8.add_sat_s (param v128 v128) (result v128) (i16x8.add_sat_s (local.get 0) (local.get 1)))
  (func $i16x8.add_sat_u (param v128 v128) (result v128) (i16x8.add_sat_u (local.get 0) (local.get 1)))
  (func $i16x8.sub (param v128 v128) (result v128) (i16x8.sub (local.get 0) (local.get 1)))
  (func $i16x8.sub_sat_s (param v128 v128) (result v128) (i16x8.sub_sat_s (local.get 0) (local.get 1)))
  (func $i16x8.sub_sat_u (param v128 v128) (result v128) (i16x8.sub_sat_u (local.get 0) (local.get 1)))
  (func $i16x8.mul (param v128 v128) (result v128) (i16x8.mul (local.get 0) (local.get 1)))
  (func $i16x8.min_s (param v128 v128) (result v128) (i16x8.min_s (local.get 0) (local.get 1)))
  (func $i16x8.min_u (param v128 v128) (result v128) (i16x8.min_u (local.get 0) (local.get 1)))
  (func $i16x8.max_s (param v128 v128) (result v128) (i16x8.max_s (local.get 0) (local.get 1)))
  (func $i16x8.max_u (param v128 v128) (result v128) (i16x8.max_u (local.get 0) (local.get 1)))
  (func $i16x8.avgr_u (param v128 v128) (result v128) (i16x8.avgr_u (local.get 0) (local.get 1)))
  (func $i16x8.extmul_low_i8x16_s (param v128 v128) (result v128) (i16x8.extmul_low_i8x16_s (local.get 0) (local.get 1)))
  (func $i16x8.extmul_high_i8x16_s (param v128 v128) (result v128) (i16x8.extmul_high_i8x16_s (local.get 0) (local.get 1)))
  (func $i16x8.extmul_low_i8x16_u (param v128 v128) (result v128) (i16x8.extmul_low_i8x16_u (local.get 0) (local.get 1)))
  (func $i16x8.extmul_high_i8x16_u (param v128 v128) (result v128) (i16x8.extmul_high_i8x16_u (local.get 0) (local.get 1)))
  (func $i32x4.add (param v128 v128) (result v128) (i32x4.add (local.get 0) (local.get 1)))
  (func $i32x4.sub (param v128 v128) (result v128) (i32x4.sub (local.get 0) (local.get 1)))
  (func $i32x4.mul (param v128 v128) (result v128) (i32x4.mul (local.get 0) (local.get 1)))
  (func $i32x4.min_s (param v128 v128) (result v128) (i32x4.min_s (local.get 0) (local.get 1)))
  (func $i32x4.min_u (param v128 v128) (result v128) (i32x4.min_u (local.get 0) (local.get 1)))
  (func $i32x4.max_s (param v128 v128) (result v128) (i32x4.max_s (local.get 0) (local.get 1)))
  (func $i32x4.max_u (param v128 v128) (result v128) (i32x4.max_u (local.get 0) (local.get 1)))
  (func $i32x4.dot_i16x8_s (param v128 v128) (result v128) (i32x4.dot_i16x8_s (local.get 0) (local.get 1)))
  (func $i32x4.extmul_low_i16x8_s (param v128 v128) (result v128) (i32x4.extmul_low_i16x8_s (local.get 0) (local.get 1)))
  (func $i32x4.extmul_high_i16x8_s (param v128 v128) (result v128) (i32x4.extmul_high_i16x8_s (local.get 0) (local.get 1)))
  (func $i32x4.extmul_low_i16x8_u (param v128 v128) (result v128) (i32x4.extmul_low_i16x8_u (local.get 0) (local.get 1)))
  (func $i32x4.extmul_high_i16x8_u (param v128 v128) (result v128) (i32x4.extmul_high_i16x8_u (local.get 0) (local.get 1)))
  (func $i64x2.add (param v128 v128) (result v128) (i64x2.add (local.get 0) (local.get 1)))
  (func $i64x2.sub (param v128 v128) (result v128) (i64x2.sub (local.get 0) (local.get 1)))
  (func $i64x2.mul (param v128 v128) (result v128) (i64x2.mul (local.get 0) (local.get 1)))
  (func $i64x2.eq (param v128 v128) (result v128) (i64x2.eq (local.get 0) (local.get 1)))
  (func $i64x2.ne (param v128 v128) (result v128) (i64x2.ne (local.get 0) (local.get 1)))
  (func $i64x2.lt_s (param v128 v128) (result v128) (i64x2.lt_s (local.get 0) (local.get 1)))
  (func $i64x2.gt_s (param v128 v128) (result v128) (i64x2.gt_s (local.get 0) (local.get 1)))
  (func $i64x2.le_s (param v128 v128) (result v128) (i64x2.le_s (local.get 0) (local.get 1)))
  (func $i64x2.ge_s (param v128 v128) (result v128) (i64x2.ge_s (local.get 0) (local.get 1)))
  (func $i64x2.extmul_low_i32x4_s (param v128 v128) (result v128) (i64x2.extmul_low_i32x4_s (local.get 0) (local.get 1)))
  (func $i64x2.extmul_high_i32x4_s (param v128 v128) (result v128) (i64x2.extmul_high_i32x4_s (local.get 0) (local.get 1)))
  (func $i64x2.extmul_low_i32x4_u (param v128 v128) (result v128) (i64x2.extmul_low_i32x4_u (local.get 0) (local.get 1)))
  (func $i64x2.extmul_high_i32x4_u (param v128 v128) (result v128) (i64x2.extmul_high_i32x4_u (local.get 0) (local.get 1)))
  (func $f32x4.add (param v128 v128) (result v128) (f32x4.add (local.get 0) (local.get 1)))
  (func $f32x4.sub (param v128 v128) (result v128) (f32x4.sub (local.get 0) (local.get 1)))
  (func $f32x4.mul (param v128 v128) (result v128) (f32x4.mul (local.get 0) (local.get 1)))
  (func $f32x4.div (param v128 v128) (result v128) (f32x4.div (local.get 0) (local.get 1)))
  (func $f32x4.min (param v128 v128) (result v128) (f32x4.min (local.get 0) (local.get 1)))
  (func $f32x4.max (param v128 v128) (result v128) (f32x4.max (local.get 0) (local.get 1)))
  (func $f32x4.pmin (param v128 v128) (result v128) (f32x4.pmin (local.get 0) (local.get 1)))
  (func $f32x4.pmax (param v128 v128) (result v128) (f32x4.pmax (local.get 0) (local.get 1)))
  (func $f64x2.add (param v128 v128) (result v128) (f64x2.add (local.get 0) (local.get 1)))
  (func $f64x2.sub (param v128 v128) (result v128) (f64x2.sub (local.get 0) (local.get 1)))
  (func $f64x2.mul (param v128 v128) (result v128) (f64x2.mul (local.get 0) (local.get 1)))
  (func $f64x2.div (param v128 v128) (result v128) (f64x2.div (local.get 0) (local.get 1)))
  (func $f64x2.min (param v128 v128) (result v128) (f64x2.min (local.get 0) (local.get 1)))
  (func $f64x2.max (param v128 v128) (result v128) (f64x2.max (local.get 0) (local.get 1)))
  (func $f64x2.pmin (param v128 v128) (result v128) (f64x2.pmin (local.get 0) (local.get 1)))
  (func $f64x2.pmax (param v128 v128) (result v128) (f64x2.pmax (local.get 0) (local.get 1)))
  (func $v128.bitselect (param v128 v128 v128) (result v128) (v128.bitselect (local.get 0) (local.get 1) (local.get 2)))
  (func $v128.any_true (param v128) (result i32) (v128.any_true (local.get 0)))
  (func $i8x16.all_true (param v128) (result i32) (i8x16.all_true (local.get 0)))
  (func $i8x16.bitmask (param v128) (result i32) (i8x16.bitmask (local.get 0)))
  (func $i16x8.all_true (param v128) (result i32) (i16x8.all_true (local.get 0)))
  (func $i16x8.bitmask (param v128) (result i32) (i16x8.bitmask (local.get 0)))
  (func $i32x4.all_true (param v128) (result i32) (i32x4.all_true (local.get 0)))
  (func $i32x4.bitmask (param v128) (result i32) (i32x4.bitmask (local.get 0)))
  (func $i64x2.all_true (param v128) (result i32) (i64x2.all_true (local.get 0)))
  (func $i64x2.bitmask (param v128) (result i32) (i64x2.bitmask (local.get 0)))
  (func $i8x16.shl (param v128 i32) (result v128) (i8x16.shl (local.get 0) (local.get 1)))
  (func $i8x16.shr_s (param v128 i32) (result v128) (i8x16.shr_s (local.get 0) (local.get 1)))
  (func $i8x16.shr_u (param v128 i32) (result v128) (i8x16.shr_u (local.get 0) (local.get 1)))
  (func $i16x8.shl (param v128 i32) (result v128) (i16x8.shl (local.get 0) (local.get 1)))
  (func $i16x8.shr_s (param v128 i32) (result v128) (i16x8.shr_s (local.get 0) (local.get 1)))
  (func $i16x8.shr_u (param v128 i32) (result v128) (i16x8.shr_u (local.get 0) (local.get 1)))
  (func $i32x4.shl (param v128 i32) (result v128) (i32x4.shl (local.get 0) (local.get 1)))
  (func $i32x4.shr_s (param v128 i32) (result v128) (i32x4.shr_s (local.get 0) (local.get 1)))
  (func $i32x4.shr_u (param v128 i32) (result v128) (i32x4.shr_u (local.get 0) (local.get 1)))
  (func $i64x2.shl (param v128 i32) (result v128) (i64x2.shl (local.get 0) (local.get 1)))
  (func $i64x2.shr_s (param v128 i32) (result v128) (i64x2.shr_s (local.get 0) (local.get 1)))
  (func $i64x2.shr_u (param v128 i32) (result v128) (i64x2.shr_u (local.get 0) (local.get 1)))
  (func $i8x16.splat (param i32) (result v128) (i8x16.splat (local.get 0)))
  (func $i16x8.splat (param i32) (result v128) (i16x8.splat (local.get 0)))
  (func $i32x4.splat (param i32) (result v128) (i32x4.splat (local.get 0)))
  (func $i64x2.splat (param i64) (result v128) (i64x2.splat (local.get 0)))
  (func $f32x4.splat (param f32) (result v128) (f32x4.splat (local.get 0)))
  (func $f64x2.splat (param f64) (result v128) (f64x2.splat (local.get 0)))
  (func $i8x16.extract_lane_s (param v128) (result i32) (i8x16.extract_lane_s 1 (local.get 0)))
  (func $i8x16.extract_lane_u (param v128) (result i32) (i8x16.extract_lane_u 1 (local.get 0)))
  (func $i16x8.extract_lane_s (param v128) (result i32) (i16x8.extract_lane_s 1 (local.get 0)))
  (func $i16x8.extract_lane_u (param v128) (result i32) (i16x8.extract_lane_u 1 (local.get 0)))
  (func $i32x4.extract_lane (param v128) (result i32) (i32x4.extract_lane 1 (local.get 0)))
  (func $i64x2.extract_lane (param v128) (result i64) (i64x2.extract_lane 1 (local.get 0)))
  (func $f32x4.extract_lane (param v128) (result f32) (f32x4.extract_lane 1 (local.get 0)))
  (func $f64x2.extract_lane (param v128) (result f64) (f64x2.extract_lane 1 (local.get 0)))
  (func $i8x16.replace_lane (param v128 i32) (result v128) (i8x16.replace_lane 1 (local.get 0) (local.get 1)))
  (func $i16x8.replace_lane (param v128 i32) (result v128) (i16x8.replace_lane 1 (local.get 0) (local.get 1)))
  (func $i32x4.replace_lane (param v128 i32) (result v128) (i32x4.replace_lane 1 (local.get 0) (local.get 1)))
  (func $i64x2.replace_lane (param v128 i64) (result v128) (i64x2.replace_lane 1 (local.get 0) (local.get 1)))
  (func $f32x4.replace_lane (param v128 f32) (result v128) (f32x4.replace_lane 1 (local.get 0) (local.get 1)))
  (func $f64x2.replace_lane (param v128 f64) (result v128) (f64x2.replace_lane 1 (local.get 0) (local.get 1)))
  (func $i8x16.shuffle (param v128 v128) (result v128)
    (i8x16.shuffle 0 1 2 3 4 5 6 7 24 25 26 27 28 29 30 31 (local.get 0) (local.get 1)))
  (func $v128.const (result v128) (v128.const i32x4 1 2 3 4))
  (func $result_to_local (param v128) (local.set 0 (i32x4.add (local.get 0) (local.get 0))))
  (func $select (param v128 v128 i32) (result v128) (select (local.get 0) (local.get 1) (local.get 2)))
  (func $tee (param v128) (result v128) (v128.not (local.tee 0 (v128.not (local.get 0)))))
)

;; v128.not
;;   v128.not s0 -> s2
;;   copy.v128 s2 -> s0
;;   return
;;   clif
;;     v4 = bnot v2
;;     return v4
;;   x86-64
;;     uninit  %xmm3
;;     pcmpeqd %xmm3, %xmm3
;;     pxor %xmm3, %xmm0
;;     retq
;; f32x4.demote_f64x2_zero
;;   f32x4.demote_f64x2_zero s0 -> s2
;;   copy.v128 s2 -> s0
;;   return
;;   clif
;;     v4 = bitcast.f64x2 little v2
;;     v5 = fvdemote v4
;;     v6 = bitcast.i8x16 little v5
;;     return v6
;;   x86-64
;;     cvtpd2ps %xmm0, %xmm0
;;     retq
;; f64x2.promote_low_f32x4
;;   f64x2.promote_low_f32x4 s0 -> s2
;;   copy.v128 s2 -> s0
;;   return
;;   clif
;;     v4 = bitcast.f32x4 little v2
;;     v5 = fvpromote_low v4
;;     v6 = bitcast.i8x16 little v5
;;     return v6
;;   x86-64
;;     cvtps2pd %xmm0, %xmm0
;;     retq
;; i8x16.abs
;;   i8x16.abs s0 -> s2
;;   copy.v128 s2 -> s0
;;   return
;;   clif
;;     v4 = iabs v2
;;     return v4
;;   x86-64
;;     pabsb %xmm0, %xmm0
;;     retq
;; i8x16.neg
;;   i8x16.neg s0 -> s2
;;   copy.v128 s2 -> s0
;;   return
;;   clif
;;     v4 = ineg v2
;;     return v4
;;   x86-64
;;     movdqa %xmm0, %xmm5
;;     uninit  %xmm0
;;     pxor %xmm0, %xmm0
;;     movdqa %xmm5, %xmm7
;;     psubb %xmm7, %xmm0
;;     retq
;; i8x16.popcnt
;;   i8x16.popcnt s0 -> s2
;;   copy.v128 s2 -> s0
;;   return
;;   clif
;;     v4 = popcnt v2
;;     return v4
;;   x86-64
;;     movdqa %xmm0, %xmm2
;;     pand (%rip), %xmm2
;;     psrlw $0x4, %xmm0
;;     pand (%rip), %xmm0
;;     movdqa %xmm0, %xmm3
;;     movdqu (%rip), %xmm1
;;     movdqa %xmm1, %xmm0
;;     pshufb %xmm2, %xmm0
;;     movdqa %xmm3, %xmm2
;;     pshufb %xmm2, %xmm1
;;     paddb %xmm1, %xmm0
;;     retq
;; f32x4.ceil
;;   f32x4.ceil s0 -> s2
;;   copy.v128 s2 -> s0
;;   return
;;   clif
;;     v4 = bitcast.f32x4 little v2
;;     v5 = ceil v4
;;     v6 = bitcast.i8x16 little v5
;;     return v6
;;   x86-64
;;     roundps $0x2, %xmm0, %xmm0
;;     retq
;; f32x4.floor
;;   f32x4.floor s0 -> s2
;;   copy.v128 s2 -> s0
;;   return
;;   clif
;;     v4 = bitcast.f32x4 little v2
;;     v5 = floor v4
;;     v6 = bitcast.i8x16 little v5
;;     return v6
;;   x86-64
;;     roundps $0x1, %xmm0, %xmm0
;;     retq
;; f32x4.trunc
;;   f32x4.trunc s0 -> s2
;;   copy.v128 s2 -> s0
;;   return
;;   clif
;;     v4 = bitcast.f32x4 little v2
;;     v5 = trunc v4
;;     v6 = bitcast.i8x16 little v5
;;     return v6
;;   x86-64
;;     roundps $0x3, %xmm0, %xmm0
;;     retq
;; f32x4.nearest
;;   f32x4.nearest s0 -> s2
;;   copy.v128 s2 -> s0
;;   return
;;   clif
;;     v4 = bitcast.f32x4 little v2
;;     v5 = nearest v4
;;     v6 = bitcast.i8x16 little v5
;;     return v6
;;   x86-64
;;     roundps $0x0, %xmm0, %xmm0
;;     retq
;; f64x2.ceil
;;   f64x2.ceil s0 -> s2
;;   copy.v128 s2 -> s0
;;   return
;;   clif
;;     v4 = bitcast.f64x2 little v2
;;     v5 = ceil v4
;;     v6 = bitcast.i8x16 little v5
;;     return v6
;;   x86-64
;;     roundpd $0x2, %xmm0, %xmm0
;;     retq
;; f64x2.floor
;;   f64x2.floor s0 -> s2
;;   copy.v128 s2 -> s0
;;   return
;;   clif
;;     v4 = bitcast.f64x2 little v2
;;     v5 = floor v4
;;     v6 = bitcast.i8x16 little v5
;;     return v6
;;   x86-64
;;     roundpd $0x1, %xmm0, %xmm0
;;     retq
;; f64x2.trunc
;;   f64x2.trunc s0 -> s2
;;   copy.v128 s2 -> s0
;;   return
;;   clif
;;     v4 = bitcast.f64x2 little v2
;;     v5 = trunc v4
;;     v6 = bitcast.i8x16 little v5
;;     return v6
;;   x86-64
;;     roundpd $0x3, %xmm0, %xmm0
;;     retq
;; i16x8.extadd_pairwise_i8x16_s
;;   i16x8.extadd_pairwise_i8x16_s s0 -> s2
;;   copy.v128 s2 -> s0
;;   return
;;   clif
;;     v4 = swiden_low v2
;;     v5 = swiden_high v2
;;     v6 = iadd_pairwise v4, v5
;;     v7 = bitcast.i8x16 little v6
;;     return v7
;;   x86-64
;;     movdqa %xmm0, %xmm4
;;     movdqu (%rip), %xmm0
;;     movdqa %xmm4, %xmm5
;;     pmaddubsw %xmm5, %xmm0
;;     retq
;; i16x8.extadd_pairwise_i8x16_u
;;   i16x8.extadd_pairwise_i8x16_u s0 -> s2
;;   copy.v128 s2 -> s0
;;   return
;;   clif
;;     v4 = uwiden_low v2
;;     v5 = uwiden_high v2
;;     v6 = iadd_pairwise v4, v5
;;     v7 = bitcast.i8x16 little v6
;;     return v7
;;   x86-64
;;     pmaddubsw (%rip), %xmm0
;;     retq
;; i32x4.extadd_pairwise_i16x8_s
;;   i32x4.extadd_pairwise_i16x8_s s0 -> s2
;;   copy.v128 s2 -> s0
;;   return
;;   clif
;;     v4 = bitcast.i16x8 little v2
;;     v5 = swiden_low v4
;;     v6 = swiden_high v4
;;     v7 = iadd_pairwise v5, v6
;;     v8 = bitcast.i8x16 little v7
;;     return v8
;;   x86-64
;;     pmaddwd (%rip), %xmm0
;;     retq
;; i32x4.extadd_pairwise_i16x8_u
;;   i32x4.extadd_pairwise_i16x8_u s0 -> s2
;;   copy.v128 s2 -> s0
;;   return
;;   clif
;;     v4 = bitcast.i16x8 little v2
;;     v5 = uwiden_low v4
;;     v6 = uwiden_high v4
;;     v7 = iadd_pairwise v5, v6
;;     v8 = bitcast.i8x16 little v7
;;     return v8
;;   x86-64
;;     pxor (%rip), %xmm0
;;     pmaddwd (%rip), %xmm0
;;     paddd (%rip), %xmm0
;;     retq
;; i16x8.abs
;;   i16x8.abs s0 -> s2
;;   copy.v128 s2 -> s0
;;   return
;;   clif
;;     v4 = bitcast.i16x8 little v2
;;     v5 = iabs v4
;;     v6 = bitcast.i8x16 little v5
;;     return v6
;;   x86-64
;;     pabsw %xmm0, %xmm0
;;     retq
;; i16x8.neg
;;   i16x8.neg s0 -> s2
;;   copy.v128 s2 -> s0
;;   return
;;   clif
;;     v4 = bitcast.i16x8 little v2
;;     v5 = ineg v4
;;     v6 = bitcast.i8x16 little v5
;;     return v6
;;   x86-64
;;     movdqa %xmm0, %xmm5
;;     uninit  %xmm0
;;     pxor %xmm0, %xmm0
;;     movdqa %xmm5, %xmm7
;;     psubw %xmm7, %xmm0
;;     retq
;; i16x8.extend_low_i8x16_s
;;   i16x8.extend_low_i8x16_s s0 -> s2
;;   copy.v128 s2 -> s0
;;   return
;;   clif
;;     v4 = swiden_low v2
;;     v5 = bitcast.i8x16 little v4
;;     return v5
;;   x86-64
;;     pmovsxbw %xmm0, %xmm0
;;     retq
;; i16x8.extend_high_i8x16_s
;;   i16x8.extend_high_i8x16_s s0 -> s2
;;   copy.v128 s2 -> s0
;;   return
;;   clif
;;     v4 = swiden_high v2
;;     v5 = bitcast.i8x16 little v4
;;     return v5
;;   x86-64
;;     palignr $0x8, %xmm0, %xmm0
;;     pmovsxbw %xmm0, %xmm0
;;     retq
;; i16x8.extend_low_i8x16_u
;;   i16x8.extend_low_i8x16_u s0 -> s2
;;   copy.v128 s2 -> s0
;;   return
;;   clif
;;     v4 = uwiden_low v2
;;     v5 = bitcast.i8x16 little v4
;;     return v5
;;   x86-64
;;     pmovzxbw %xmm0, %xmm0
;;     retq
;; i16x8.extend_high_i8x16_u
;;   i16x8.extend_high_i8x16_u s0 -> s2
;;   copy.v128 s2 -> s0
;;   return
;;   clif
;;     v4 = uwiden_high v2
;;     v5 = bitcast.i8x16 little v4
;;     return v5
;;   x86-64
;;     uninit  %xmm3
;;     pxor %xmm3, %xmm3
;;     punpckhbw %xmm3, %xmm0
;;     retq
;; f64x2.nearest
;;   f64x2.nearest s0 -> s2
;;   copy.v128 s2 -> s0
;;   return
;;   clif
;;     v4 = bitcast.f64x2 little v2
;;     v5 = nearest v4
;;     v6 = bitcast.i8x16 little v5
;;     return v6
;;   x86-64
;;     roundpd $0x0, %xmm0, %xmm0
;;     retq
;; i32x4.abs
;;   i32x4.abs s0 -> s2
;;   copy.v128 s2 -> s0
;;   return
;;   clif
;;     v4 = bitcast.i32x4 little v2
;;     v5 = iabs v4
;;     v6 = bitcast.i8x16 little v5
;;     return v6
;;   x86-64
;;     pabsd %xmm0, %xmm0
;;     retq
;; i32x4.neg
;;   i32x4.neg s0 -> s2
;;   copy.v128 s2 -> s0
;;   return
;;   clif
;;     v4 = bitcast.i32x4 little v2
;;     v5 = ineg v4
;;     v6 = bitcast.i8x16 little v5
;;     return v6
;;   x86-64
;;     movdqa %xmm0, %xmm5
;;     uninit  %xmm0
;;     pxor %xmm0, %xmm0
;;     movdqa %xmm5, %xmm7
;;     psubd %xmm7, %xmm0
;;     retq
;; i32x4.extend_low_i16x8_s
;;   i32x4.extend_low_i16x8_s s0 -> s2
;;   copy.v128 s2 -> s0
;;   return
;;   clif
;;     v4 = bitcast.i16x8 little v2
;;     v5 = swiden_low v4
;;     v6 = bitcast.i8x16 little v5
;;     return v6
;;   x86-64
;;     pmovsxwd %xmm0, %xmm0
;;     retq
;; i32x4.extend_high_i16x8_s
;;   i32x4.extend_high_i16x8_s s0 -> s2
;;   copy.v128 s2 -> s0
;;   return
;;   clif
;;     v4 = bitcast.i16x8 little v2
;;     v5 = swiden_high v4
;;     v6 = bitcast.i8x16 little v5
;;     return v6
;;   x86-64
;;     palignr $0x8, %xmm0, %xmm0
;;     pmovsxwd %xmm0, %xmm0
;;     retq
;; i32x4.extend_low_i16x8_u
;;   i32x4.extend_low_i16x8_u s0 -> s2
;;   copy.v128 s2 -> s0
;;   return
;;   clif
;;     v4 = bitcast.i16x8 little v2
;;     v5 = uwiden_low v4
;;     v6 = bitcast.i8x16 little v5
;;     return v6
;;   x86-64
;;     pmovzxwd %xmm0, %xmm0
;;     retq
;; i32x4.extend_high_i16x8_u
;;   i32x4.extend_high_i16x8_u s0 -> s2
;;   copy.v128 s2 -> s0
;;   return
;;   clif
;;     v4 = bitcast.i16x8 little v2
;;     v5 = uwiden_high v4
;;     v6 = bitcast.i8x16 little v5
;;     return v6
;;   x86-64
;;     uninit  %xmm3
;;     pxor %xmm3, %xmm3
;;     punpckhwd %xmm3, %xmm0
;;     retq
;; i64x2.abs
;;   i64x2.abs s0 -> s2
;;   copy.v128 s2 -> s0
;;   return
;;   clif
;;     v4 = bitcast.i64x2 little v2
;;     v5 = iabs v4
;;     v6 = bitcast.i8x16 little v5
;;     return v6
;;   x86-64
;;     movdqa %xmm0, %xmm6
;;     uninit  %xmm0
;;     pxor %xmm0, %xmm0
;;     movdqa %xmm6, %xmm1
;;     psubq %xmm1, %xmm0
;;     blendvpd %xmm0, %xmm1, %xmm0
;;     retq
;; i64x2.neg
;;   i64x2.neg s0 -> s2
;;   copy.v128 s2 -> s0
;;   return
;;   clif
;;     v4 = bitcast.i64x2 little v2
;;     v5 = ineg v4
;;     v6 = bitcast.i8x16 little v5
;;     return v6
;;   x86-64
;;     movdqa %xmm0, %xmm5
;;     uninit  %xmm0
;;     pxor %xmm0, %xmm0
;;     movdqa %xmm5, %xmm7
;;     psubq %xmm7, %xmm0
;;     retq
;; i64x2.extend_low_i32x4_s
;;   i64x2.extend_low_i32x4_s s0 -> s2
;;   copy.v128 s2 -> s0
;;   return
;;   clif
;;     v4 = bitcast.i32x4 little v2
;;     v5 = swiden_low v4
;;     v6 = bitcast.i8x16 little v5
;;     return v6
;;   x86-64
;;     pmovsxdq %xmm0, %xmm0
;;     retq
;; i64x2.extend_high_i32x4_s
;;   i64x2.extend_high_i32x4_s s0 -> s2
;;   copy.v128 s2 -> s0
;;   return
;;   clif
;;     v4 = bitcast.i32x4 little v2
;;     v5 = swiden_high v4
;;     v6 = bitcast.i8x16 little v5
;;     return v6
;;   x86-64
;;     pshufd $0xee, %xmm0, %xmm2
;;     pmovsxdq %xmm2, %xmm0
;;     retq
;; i64x2.extend_low_i32x4_u
;;   i64x2.extend_low_i32x4_u s0 -> s2
;;   copy.v128 s2 -> s0
;;   return
;;   clif
;;     v4 = bitcast.i32x4 little v2
;;     v5 = uwiden_low v4
;;     v6 = bitcast.i8x16 little v5
;;     return v6
;;   x86-64
;;     pmovzxdq %xmm0, %xmm0
;;     retq
;; i64x2.extend_high_i32x4_u
;;   i64x2.extend_high_i32x4_u s0 -> s2
;;   copy.v128 s2 -> s0
;;   return
;;   clif
;;     v4 = bitcast.i32x4 little v2
;;     v5 = uwiden_high v4
;;     v6 = bitcast.i8x16 little v5
;;     return v6
;;   x86-64
;;     uninit  %xmm3
;;     xorps %xmm3, %xmm3
;;     unpckhps %xmm3, %xmm0
;;     retq
;; f32x4.abs
;;   f32x4.abs s0 -> s2
;;   copy.v128 s2 -> s0
;;   return
;;   clif
;;     v4 = bitcast.f32x4 little v2
;;     v5 = fabs v4
;;     v6 = bitcast.i8x16 little v5
;;     return v6
;;   x86-64
;;     uninit  %xmm4
;;     pcmpeqd %xmm4, %xmm4
;;     psrld $0x1, %xmm4
;;     andps %xmm4, %xmm0
;;     retq
;; f32x4.neg
;;   f32x4.neg s0 -> s2
;;   copy.v128 s2 -> s0
;;   return
;;   clif
;;     v4 = bitcast.f32x4 little v2
;;     v5 = fneg v4
;;     v6 = bitcast.i8x16 little v5
;;     return v6
;;   x86-64
;;     uninit  %xmm4
;;     pcmpeqd %xmm4, %xmm4
;;     pslld $0x1f, %xmm4
;;     xorps %xmm4, %xmm0
;;     retq
;; f32x4.sqrt
;;   f32x4.sqrt s0 -> s2
;;   copy.v128 s2 -> s0
;;   return
;;   clif
;;     v4 = bitcast.f32x4 little v2
;;     v5 = sqrt v4
;;     v6 = bitcast.i8x16 little v5
;;     return v6
;;   x86-64
;;     sqrtps %xmm0, %xmm0
;;     retq
;; f64x2.abs
;;   f64x2.abs s0 -> s2
;;   copy.v128 s2 -> s0
;;   return
;;   clif
;;     v4 = bitcast.f64x2 little v2
;;     v5 = fabs v4
;;     v6 = bitcast.i8x16 little v5
;;     return v6
;;   x86-64
;;     uninit  %xmm4
;;     pcmpeqd %xmm4, %xmm4
;;     psrlq $0x1, %xmm4
;;     andpd %xmm4, %xmm0
;;     retq
;; f64x2.neg
;;   f64x2.neg s0 -> s2
;;   copy.v128 s2 -> s0
;;   return
;;   clif
;;     v4 = bitcast.f64x2 little v2
;;     v5 = fneg v4
;;     v6 = bitcast.i8x16 little v5
;;     return v6
;;   x86-64
;;     uninit  %xmm4
;;     pcmpeqd %xmm4, %xmm4
;;     psllq $0x3f, %xmm4
;;     xorpd %xmm4, %xmm0
;;     retq
;; f64x2.sqrt
;;   f64x2.sqrt s0 -> s2
;;   copy.v128 s2 -> s0
;;   return
;;   clif
;;     v4 = bitcast.f64x2 little v2
;;     v5 = sqrt v4
;;     v6 = bitcast.i8x16 little v5
;;     return v6
;;   x86-64
;;     sqrtpd %xmm0, %xmm0
;;     retq
;; i32x4.trunc_sat_f32x4_s
;;   i32x4.trunc_sat_f32x4_s s0 -> s2
;;   copy.v128 s2 -> s0
;;   return
;;   clif
;;     v4 = bitcast.f32x4 little v2
;;     v5 = fcvt_to_sint_sat.i32x4 v4
;;     v6 = bitcast.i8x16 little v5
;;     return v6
;;   x86-64
;;     movdqa %xmm0, %xmm4
;;     cmpeqps %xmm0, %xmm4
;;     andps %xmm4, %xmm0
;;     pxor %xmm0, %xmm4
;;     cvttps2dq %xmm0, %xmm1
;;     movdqa %xmm1, %xmm0
;;     pand %xmm4, %xmm0
;;     psrad $0x1f, %xmm0
;;     pxor %xmm1, %xmm0
;;     retq
;; i32x4.trunc_sat_f32x4_u
;;   i32x4.trunc_sat_f32x4_u s0 -> s2
;;   copy.v128 s2 -> s0
;;   return
;;   clif
;;     v4 = bitcast.f32x4 little v2
;;     v5 = fcvt_to_uint_sat.i32x4 v4
;;     v6 = bitcast.i8x16 little v5
;;     return v6
;;   x86-64
;;     uninit  %xmm6
;;     xorps %xmm6, %xmm6
;;     maxps %xmm6, %xmm0
;;     pcmpeqd %xmm6, %xmm6
;;     psrld $0x1, %xmm6
;;     cvtdq2ps %xmm6, %xmm2
;;     cvttps2dq %xmm0, %xmm1
;;     subps %xmm2, %xmm0
;;     cmpleps %xmm0, %xmm2
;;     cvttps2dq %xmm0, %xmm0
;;     pxor %xmm2, %xmm0
;;     uninit  %xmm2
;;     pxor %xmm2, %xmm2
;;     pmaxsd %xmm2, %xmm0
;;     paddd %xmm1, %xmm0
;;     retq
;; f32x4.convert_i32x4_s
;;   f32x4.convert_i32x4_s s0 -> s2
;;   copy.v128 s2 -> s0
;;   return
;;   clif
;;     v4 = bitcast.i32x4 little v2
;;     v5 = fcvt_from_sint.f32x4 v4
;;     v6 = bitcast.i8x16 little v5
;;     return v6
;;   x86-64
;;     cvtdq2ps %xmm0, %xmm0
;;     retq
;; f32x4.convert_i32x4_u
;;   f32x4.convert_i32x4_u s0 -> s2
;;   copy.v128 s2 -> s0
;;   return
;;   clif
;;     v4 = bitcast.i32x4 little v2
;;     v5 = fcvt_from_uint.f32x4 v4
;;     v6 = bitcast.i8x16 little v5
;;     return v6
;;   x86-64
;;     movdqa %xmm0, %xmm3
;;     pslld $0x10, %xmm3
;;     psrld $0x10, %xmm3
;;     psubd %xmm3, %xmm0
;;     cvtdq2ps %xmm3, %xmm1
;;     psrld $0x1, %xmm0
;;     cvtdq2ps %xmm0, %xmm0
;;     addps %xmm0, %xmm0
;;     addps %xmm1, %xmm0
;;     retq
;; i32x4.trunc_sat_f64x2_s_zero
;;   i32x4.trunc_sat_f64x2_s_zero s0 -> s2
;;   copy.v128 s2 -> s0
;;   return
;;   clif
;;     v4 = bitcast.f64x2 little v2
;;     v5 = fcvt_to_sint_sat.i64x2 v4
;;     v6 = vconst.i64x2 const0
;;     v7 = snarrow v5, v6  ; v6 = const0
;;     v8 = bitcast.i8x16 little v7
;;     return v8
;;   x86-64
;;     movdqa %xmm0, %xmm3
;;     cmpeqpd %xmm0, %xmm3
;;     andps (%rip), %xmm3
;;     minpd %xmm3, %xmm0
;;     cvttpd2dq %xmm0, %xmm0
;;     retq
;; i32x4.trunc_sat_f64x2_u_zero
;;   i32x4.trunc_sat_f64x2_u_zero s0 -> s2
;;   copy.v128 s2 -> s0
;;   return
;;   clif
;;     v4 = bitcast.f64x2 little v2
;;     v5 = fcvt_to_uint_sat.i64x2 v4
;;     v6 = vconst.i64x2 const0
;;     v7 = uunarrow v5, v6  ; v6 = const0
;;     v8 = bitcast.i8x16 little v7
;;     return v8
;;   x86-64
;;     uninit  %xmm3
;;     xorpd %xmm3, %xmm3
;;     maxpd %xmm3, %xmm0
;;     minpd (%rip), %xmm0
;;     roundpd $0x3, %xmm0, %xmm0
;;     addpd (%rip), %xmm0
;;     shufps $0x88, %xmm3, %xmm0
;;     retq
;; f64x2.convert_low_i32x4_s
;;   f64x2.convert_low_i32x4_s s0 -> s2
;;   copy.v128 s2 -> s0
;;   return
;;   clif
;;     v4 = bitcast.i32x4 little v2
;;     v5 = swiden_low v4
;;     v6 = fcvt_from_sint.f64x2 v5
;;     v7 = bitcast.i8x16 little v6
;;     return v7
;;   x86-64
;;     cvtdq2pd %xmm0, %xmm0
;;     retq
;; f64x2.convert_low_i32x4_u
;;   f64x2.convert_low_i32x4_u s0 -> s2
;;   copy.v128 s2 -> s0
;;   return
;;   clif
;;     v4 = bitcast.i32x4 little v2
;;     v5 = uwiden_low v4
;;     v6 = fcvt_from_uint.f64x2 v5
;;     v7 = bitcast.i8x16 little v6
;;     return v7
;;   x86-64
;;     unpcklps (%rip), %xmm0
;;     subpd (%rip), %xmm0
;;     retq
;; i8x16.swizzle
;;   i8x16.swizzle s0 s2 -> s4
;;   copy.v128 s4 -> s0
;;   return
;;   clif
;;     v5 = swizzle v2, v3
;;     return v5
;;   x86-64
;;     paddusb (%rip), %xmm1
;;     pshufb %xmm1, %xmm0
;;     retq
;; i8x16.eq
;;   i8x16.eq s0 s2 -> s4
;;   copy.v128 s4 -> s0
;;   return
;;   clif
;;     v5 = icmp eq v2, v3
;;     return v5
;;   x86-64
;;     pcmpeqb %xmm1, %xmm0
;;     retq
;; i8x16.ne
;;   i8x16.ne s0 s2 -> s4
;;   copy.v128 s4 -> s0
;;   return
;;   clif
;;     v5 = icmp ne v2, v3
;;     return v5
;;   x86-64
;;     pcmpeqb %xmm1, %xmm0
;;     uninit  %xmm6
;;     pcmpeqd %xmm6, %xmm6
;;     pxor %xmm6, %xmm0
;;     retq
;; i8x16.lt_s
;;   i8x16.lt_s s0 s2 -> s4
;;   copy.v128 s4 -> s0
;;   return
;;   clif
;;     v5 = icmp slt v2, v3
;;     return v5
;;   x86-64
;;     movdqa %xmm0, %xmm4
;;     movdqa %xmm1, %xmm0
;;     pcmpgtb %xmm4, %xmm0
;;     retq
;; i8x16.lt_u
;;   i8x16.lt_u s0 s2 -> s4
;;   copy.v128 s4 -> s0
;;   return
;;   clif
;;     v5 = icmp ult v2, v3
;;     return v5
;;   x86-64
;;     pminub %xmm1, %xmm0
;;     pcmpeqb %xmm1, %xmm0
;;     uninit  %xmm1
;;     pcmpeqd %xmm1, %xmm1
;;     pxor %xmm1, %xmm0
;;     retq
;; i8x16.gt_s
;;   i8x16.gt_s s0 s2 -> s4
;;   copy.v128 s4 -> s0
;;   return
;;   clif
;;     v5 = icmp sgt v2, v3
;;     return v5
;;   x86-64
;;     pcmpgtb %xmm1, %xmm0
;;     retq
;; i8x16.gt_u
;;   i8x16.gt_u s0 s2 -> s4
;;   copy.v128 s4 -> s0
;;   return
;;   clif
;;     v5 = icmp ugt v2, v3
;;     return v5
;;   x86-64
;;     pmaxub %xmm1, %xmm0
;;     pcmpeqb %xmm1, %xmm0
;;     uninit  %xmm1
;;     pcmpeqd %xmm1, %xmm1
;;     pxor %xmm1, %xmm0
;;     retq
;; i8x16.le_s
;;   i8x16.le_s s0 s2 -> s4
;;   copy.v128 s4 -> s0
;;   return
;;   clif
;;     v5 = icmp sle v2, v3
;;     return v5
;;   x86-64
;;     movdqa %xmm0, %xmm3
;;     pminsb %xmm1, %xmm3
;;     pcmpeqb %xmm3, %xmm0
;;     retq
;; i8x16.le_u
;;   i8x16.le_u s0 s2 -> s4
;;   copy.v128 s4 -> s0
;;   return
;;   clif
;;     v5 = icmp ule v2, v3
;;     return v5
;;   x86-64
;;     movdqa %xmm0, %xmm3
;;     pminub %xmm1, %xmm3
;;     pcmpeqb %xmm3, %xmm0
;;     retq
;; i8x16.ge_s
;;   i8x16.ge_s s0 s2 -> s4
;;   copy.v128 s4 -> s0
;;   return
;;   clif
;;     v5 = icmp sge v2, v3
;;     return v5
;;   x86-64
;;     movdqa %xmm0, %xmm3
;;     pmaxsb %xmm1, %xmm3
;;     pcmpeqb %xmm3, %xmm0
;;     retq
;; i8x16.ge_u
;;   i8x16.ge_u s0 s2 -> s4
;;   copy.v128 s4 -> s0
;;   return
;;   clif
;;     v5 = icmp uge v2, v3
;;     return v5
;;   x86-64
;;     movdqa %xmm0, %xmm3
;;     pmaxub %xmm1, %xmm3
;;     pcmpeqb %xmm3, %xmm0
;;     retq
;; i16x8.eq
;;   i16x8.eq s0 s2 -> s4
;;   copy.v128 s4 -> s0
;;   return
;;   clif
;;     v5 = bitcast.i16x8 little v2
;;     v6 = bitcast.i16x8 little v3
;;     v7 = icmp eq v5, v6
;;     v8 = bitcast.i8x16 little v7
;;     return v8
;;   x86-64
;;     pcmpeqw %xmm1, %xmm0
;;     retq
;; i16x8.ne
;;   i16x8.ne s0 s2 -> s4
;;   copy.v128 s4 -> s0
;;   return
;;   clif
;;     v5 = bitcast.i16x8 little v2
;;     v6 = bitcast.i16x8 little v3
;;     v7 = icmp ne v5, v6
;;     v8 = bitcast.i8x16 little v7
;;     return v8
;;   x86-64
;;     pcmpeqw %xmm1, %xmm0
;;     uninit  %xmm6
;;     pcmpeqd %xmm6, %xmm6
;;     pxor %xmm6, %xmm0
;;     retq
;; i16x8.lt_s
;;   i16x8.lt_s s0 s2 -> s4
;;   copy.v128 s4 -> s0
;;   return
;;   clif
;;     v5 = bitcast.i16x8 little v2
;;     v6 = bitcast.i16x8 little v3
;;     v7 = icmp slt v5, v6
;;     v8 = bitcast.i8x16 little v7
;;     return v8
;;   x86-64
;;     movdqa %xmm0, %xmm4
;;     movdqa %xmm1, %xmm0
;;     pcmpgtw %xmm4, %xmm0
;;     retq
;; i16x8.lt_u
;;   i16x8.lt_u s0 s2 -> s4
;;   copy.v128 s4 -> s0
;;   return
;;   clif
;;     v5 = bitcast.i16x8 little v2
;;     v6 = bitcast.i16x8 little v3
;;     v7 = icmp ult v5, v6
;;     v8 = bitcast.i8x16 little v7
;;     return v8
;;   x86-64
;;     pminuw %xmm1, %xmm0
;;     pcmpeqw %xmm1, %xmm0
;;     uninit  %xmm1
;;     pcmpeqd %xmm1, %xmm1
;;     pxor %xmm1, %xmm0
;;     retq
;; i16x8.gt_s
;;   i16x8.gt_s s0 s2 -> s4
;;   copy.v128 s4 -> s0
;;   return
;;   clif
;;     v5 = bitcast.i16x8 little v2
;;     v6 = bitcast.i16x8 little v3
;;     v7 = icmp sgt v5, v6
;;     v8 = bitcast.i8x16 little v7
;;     return v8
;;   x86-64
;;     pcmpgtw %xmm1, %xmm0
;;     retq
;; i16x8.gt_u
;;   i16x8.gt_u s0 s2 -> s4
;;   copy.v128 s4 -> s0
;;   return
;;   clif
;;     v5 = bitcast.i16x8 little v2
;;     v6 = bitcast.i16x8 little v3
;;     v7 = icmp ugt v5, v6
;;     v8 = bitcast.i8x16 little v7
;;     return v8
;;   x86-64
;;     pmaxuw %xmm1, %xmm0
;;     pcmpeqw %xmm1, %xmm0
;;     uninit  %xmm1
;;     pcmpeqd %xmm1, %xmm1
;;     pxor %xmm1, %xmm0
;;     retq
;; i16x8.le_s
;;   i16x8.le_s s0 s2 -> s4
;;   copy.v128 s4 -> s0
;;   return
;;   clif
;;     v5 = bitcast.i16x8 little v2
;;     v6 = bitcast.i16x8 little v3
;;     v7 = icmp sle v5, v6
;;     v8 = bitcast.i8x16 little v7
;;     return v8
;;   x86-64
;;     movdqa %xmm0, %xmm3
;;     pminsw %xmm1, %xmm3
;;     pcmpeqw %xmm3, %xmm0
;;     retq
;; i16x8.le_u
;;   i16x8.le_u s0 s2 -> s4
;;   copy.v128 s4 -> s0
;;   return
;;   clif
;;     v5 = bitcast.i16x8 little v2
;;     v6 = bitcast.i16x8 little v3
;;     v7 = icmp ule v5, v6
;;     v8 = bitcast.i8x16 little v7
;;     return v8
;;   x86-64
;;     movdqa %xmm0, %xmm3
;;     pminuw %xmm1, %xmm3
;;     pcmpeqw %xmm3, %xmm0
;;     retq
;; i16x8.ge_s
;;   i16x8.ge_s s0 s2 -> s4
;;   copy.v128 s4 -> s0
;;   return
;;   clif
;;     v5 = bitcast.i16x8 little v2
;;     v6 = bitcast.i16x8 little v3
;;     v7 = icmp sge v5, v6
;;     v8 = bitcast.i8x16 little v7
;;     return v8
;;   x86-64
;;     movdqa %xmm0, %xmm3
;;     pmaxsw %xmm1, %xmm3
;;     pcmpeqw %xmm3, %xmm0
;;     retq
;; i16x8.ge_u
;;   i16x8.ge_u s0 s2 -> s4
;;   copy.v128 s4 -> s0
;;   return
;;   clif
;;     v5 = bitcast.i16x8 little v2
;;     v6 = bitcast.i16x8 little v3
;;     v7 = icmp uge v5, v6
;;     v8 = bitcast.i8x16 little v7
;;     return v8
;;   x86-64
;;     movdqa %xmm0, %xmm3
;;     pmaxuw %xmm1, %xmm3
;;     pcmpeqw %xmm3, %xmm0
;;     retq
;; i32x4.eq
;;   i32x4.eq s0 s2 -> s4
;;   copy.v128 s4 -> s0
;;   return
;;   clif
;;     v5 = bitcast.i32x4 little v2
;;     v6 = bitcast.i32x4 little v3
;;     v7 = icmp eq v5, v6
;;     v8 = bitcast.i8x16 little v7
;;     return v8
;;   x86-64
;;     pcmpeqd %xmm1, %xmm0
;;     retq
;; i32x4.ne
;;   i32x4.ne s0 s2 -> s4
;;   copy.v128 s4 -> s0
;;   return
;;   clif
;;     v5 = bitcast.i32x4 little v2
;;     v6 = bitcast.i32x4 little v3
;;     v7 = icmp ne v5, v6
;;     v8 = bitcast.i8x16 little v7
;;     return v8
;;   x86-64
;;     pcmpeqd %xmm1, %xmm0
;;     uninit  %xmm6
;;     pcmpeqd %xmm6, %xmm6
;;     pxor %xmm6, %xmm0
;;     retq
;; i32x4.lt_s
;;   i32x4.lt_s s0 s2 -> s4
;;   copy.v128 s4 -> s0
;;   return
;;   clif
;;     v5 = bitcast.i32x4 little v2
;;     v6 = bitcast.i32x4 little v3
;;     v7 = icmp slt v5, v6
;;     v8 = bitcast.i8x16 little v7
;;     return v8
;;   x86-64
;;     movdqa %xmm0, %xmm4
;;     movdqa %xmm1, %xmm0
;;     pcmpgtd %xmm4, %xmm0
;;     retq
;; i32x4.lt_u
;;   i32x4.lt_u s0 s2 -> s4
;;   copy.v128 s4 -> s0
;;   return
;;   clif
;;     v5 = bitcast.i32x4 little v2
;;     v6 = bitcast.i32x4 little v3
;;     v7 = icmp ult v5, v6
;;     v8 = bitcast.i8x16 little v7
;;     return v8
;;   x86-64
;;     pminud %xmm1, %xmm0
;;     pcmpeqd %xmm1, %xmm0
;;     uninit  %xmm1
;;     pcmpeqd %xmm1, %xmm1
;;     pxor %xmm1, %xmm0
;;     retq
;; i32x4.gt_s
;;   i32x4.gt_s s0 s2 -> s4
;;   copy.v128 s4 -> s0
;;   return
;;   clif
;;     v5 = bitcast.i32x4 little v2
;;     v6 = bitcast.i32x4 little v3
;;     v7 = icmp sgt v5, v6
;;     v8 = bitcast.i8x16 little v7
;;     return v8
;;   x86-64
;;     pcmpgtd %xmm1, %xmm0
;;     retq
;; i32x4.gt_u
;;   i32x4.gt_u s0 s2 -> s4
;;   copy.v128 s4 -> s0
;;   return
;;   clif
;;     v5 = bitcast.i32x4 little v2
;;     v6 = bitcast.i32x4 little v3
;;     v7 = icmp ugt v5, v6
;;     v8 = bitcast.i8x16 little v7
;;     return v8
;;   x86-64
;;     pmaxud %xmm1, %xmm0
;;     pcmpeqd %xmm1, %xmm0
;;     uninit  %xmm1
;;     pcmpeqd %xmm1, %xmm1
;;     pxor %xmm1, %xmm0
;;     retq
;; i32x4.le_s
;;   i32x4.le_s s0 s2 -> s4
;;   copy.v128 s4 -> s0
;;   return
;;   clif
;;     v5 = bitcast.i32x4 little v2
;;     v6 = bitcast.i32x4 little v3
;;     v7 = icmp sle v5, v6
;;     v8 = bitcast.i8x16 little v7
;;     return v8
;;   x86-64
;;     movdqa %xmm0, %xmm3
;;     pminsd %xmm1, %xmm3
;;     pcmpeqd %xmm3, %xmm0
;;     retq
;; i32x4.le_u
;;   i32x4.le_u s0 s2 -> s4
;;   copy.v128 s4 -> s0
;;   return
;;   clif
;;     v5 = bitcast.i32x4 little v2
;;     v6 = bitcast.i32x4 little v3
;;     v7 = icmp ule v5, v6
;;     v8 = bitcast.i8x16 little v7
;;     return v8
;;   x86-64
;;     movdqa %xmm0, %xmm3
;;     pminud %xmm1, %xmm3
;;     pcmpeqd %xmm3, %xmm0
;;     retq
;; i32x4.ge_s
;;   i32x4.ge_s s0 s2 -> s4
;;   copy.v128 s4 -> s0
;;   return
;;   clif
;;     v5 = bitcast.i32x4 little v2
;;     v6 = bitcast.i32x4 little v3
;;     v7 = icmp sge v5, v6
;;     v8 = bitcast.i8x16 little v7
;;     return v8
;;   x86-64
;;     movdqa %xmm0, %xmm3
;;     pmaxsd %xmm1, %xmm3
;;     pcmpeqd %xmm3, %xmm0
;;     retq
;; i32x4.ge_u
;;   i32x4.ge_u s0 s2 -> s4
;;   copy.v128 s4 -> s0
;;   return
;;   clif
;;     v5 = bitcast.i32x4 little v2
;;     v6 = bitcast.i32x4 little v3
;;     v7 = icmp uge v5, v6
;;     v8 = bitcast.i8x16 little v7
;;     return v8
;;   x86-64
;;     movdqa %xmm0, %xmm3
;;     pmaxud %xmm1, %xmm3
;;     pcmpeqd %xmm3, %xmm0
;;     retq
;; f32x4.eq
;;   f32x4.eq s0 s2 -> s4
;;   copy.v128 s4 -> s0
;;   return
;;   clif
;;     v5 = bitcast.f32x4 little v2
;;     v6 = bitcast.f32x4 little v3
;;     v7 = fcmp eq v5, v6
;;     v8 = bitcast.i8x16 little v7
;;     return v8
;;   x86-64
;;     cmpeqps %xmm1, %xmm0
;;     retq
;; f32x4.ne
;;   f32x4.ne s0 s2 -> s4
;;   copy.v128 s4 -> s0
;;   return
;;   clif
;;     v5 = bitcast.f32x4 little v2
;;     v6 = bitcast.f32x4 little v3
;;     v7 = fcmp ne v5, v6
;;     v8 = bitcast.i8x16 little v7
;;     return v8
;;   x86-64
;;     cmpneqps %xmm1, %xmm0
;;     retq
;; f32x4.lt
;;   f32x4.lt s0 s2 -> s4
;;   copy.v128 s4 -> s0
;;   return
;;   clif
;;     v5 = bitcast.f32x4 little v2
;;     v6 = bitcast.f32x4 little v3
;;     v7 = fcmp lt v5, v6
;;     v8 = bitcast.i8x16 little v7
;;     return v8
;;   x86-64
;;     cmpltps %xmm1, %xmm0
;;     retq
;; f32x4.gt
;;   f32x4.gt s0 s2 -> s4
;;   copy.v128 s4 -> s0
;;   return
;;   clif
;;     v5 = bitcast.f32x4 little v2
;;     v6 = bitcast.f32x4 little v3
;;     v7 = fcmp gt v5, v6
;;     v8 = bitcast.i8x16 little v7
;;     return v8
;;   x86-64
;;     movdqa %xmm0, %xmm4
;;     movdqa %xmm1, %xmm0
;;     cmpltps %xmm4, %xmm0
;;     retq
;; f32x4.le
;;   f32x4.le s0 s2 -> s4
;;   copy.v128 s4 -> s0
;;   return
;;   clif
;;     v5 = bitcast.f32x4 little v2
;;     v6 = bitcast.f32x4 little v3
;;     v7 = fcmp le v5, v6
;;     v8 = bitcast.i8x16 little v7
;;     return v8
;;   x86-64
;;     cmpleps %xmm1, %xmm0
;;     retq
;; f32x4.ge
;;   f32x4.ge s0 s2 -> s4
;;   copy.v128 s4 -> s0
;;   return
;;   clif
;;     v5 = bitcast.f32x4 little v2
;;     v6 = bitcast.f32x4 little v3
;;     v7 = fcmp ge v5, v6
;;     v8 = bitcast.i8x16 little v7
;;     return v8
;;   x86-64
;;     movdqa %xmm0, %xmm4
;;     movdqa %xmm1, %xmm0
;;     cmpleps %xmm4, %xmm0
;;     retq
;; f64x2.eq
;;   f64x2.eq s0 s2 -> s4
;;   copy.v128 s4 -> s0
;;   return
;;   clif
;;     v5 = bitcast.f64x2 little v2
;;     v6 = bitcast.f64x2 little v3
;;     v7 = fcmp eq v5, v6
;;     v8 = bitcast.i8x16 little v7
;;     return v8
;;   x86-64
;;     cmpeqpd %xmm1, %xmm0
;;     retq
;; f64x2.ne
;;   f64x2.ne s0 s2 -> s4
;;   copy.v128 s4 -> s0
;;   return
;;   clif
;;     v5 = bitcast.f64x2 little v2
;;     v6 = bitcast.f64x2 little v3
;;     v7 = fcmp ne v5, v6
;;     v8 = bitcast.i8x16 little v7
;;     return v8
;;   x86-64
;;     cmpneqpd %xmm1, %xmm0
;;     retq
;; f64x2.lt
;;   f64x2.lt s0 s2 -> s4
;;   copy.v128 s4 -> s0
;;   return
;;   clif
;;     v5 = bitcast.f64x2 little v2
;;     v6 = bitcast.f64x2 little v3
;;     v7 = fcmp lt v5, v6
;;     v8 = bitcast.i8x16 little v7
;;     return v8
;;   x86-64
;;     cmpltpd %xmm1, %xmm0
;;     retq
;; f64x2.gt
;;   f64x2.gt s0 s2 -> s4
;;   copy.v128 s4 -> s0
;;   return
;;   clif
;;     v5 = bitcast.f64x2 little v2
;;     v6 = bitcast.f64x2 little v3
;;     v7 = fcmp gt v5, v6
;;     v8 = bitcast.i8x16 little v7
;;     return v8
;;   x86-64
;;     movdqa %xmm0, %xmm4
;;     movdqa %xmm1, %xmm0
;;     cmpltpd %xmm4, %xmm0
;;     retq
;; f64x2.le
;;   f64x2.le s0 s2 -> s4
;;   copy.v128 s4 -> s0
;;   return
;;   clif
;;     v5 = bitcast.f64x2 little v2
;;     v6 = bitcast.f64x2 little v3
;;     v7 = fcmp le v5, v6
;;     v8 = bitcast.i8x16 little v7
;;     return v8
;;   x86-64
;;     cmplepd %xmm1, %xmm0
;;     retq
;; f64x2.ge
;;   f64x2.ge s0 s2 -> s4
;;   copy.v128 s4 -> s0
;;   return
;;   clif
;;     v5 = bitcast.f64x2 little v2
;;     v6 = bitcast.f64x2 little v3
;;     v7 = fcmp ge v5, v6
;;     v8 = bitcast.i8x16 little v7
;;     return v8
;;   x86-64
;;     movdqa %xmm0, %xmm4
;;     movdqa %xmm1, %xmm0
;;     cmplepd %xmm4, %xmm0
;;     retq
;; v128.and
;;   v128.and s0 s2 -> s4
;;   copy.v128 s4 -> s0
;;   return
;;   clif
;;     v5 = band v2, v3
;;     return v5
;;   x86-64
;;     pand %xmm1, %xmm0
;;     retq
;; v128.andnot
;;   v128.andnot s0 s2 -> s4
;;   copy.v128 s4 -> s0
;;   return
;;   clif
;;     v5 = bnot v3
;;     v6 = band v2, v5
;;     return v6
;;   x86-64
;;     movdqa %xmm0, %xmm4
;;     movdqa %xmm1, %xmm0
;;     pandn %xmm4, %xmm0
;;     retq
;; v128.or
;;   v128.or s0 s2 -> s4
;;   copy.v128 s4 -> s0
;;   return
;;   clif
;;     v5 = bor v2, v3
;;     return v5
;;   x86-64
;;     por %xmm1, %xmm0
;;     retq
;; v128.xor
;;   v128.xor s0 s2 -> s4
;;   copy.v128 s4 -> s0
;;   return
;;   clif
;;     v5 = bxor v2, v3
;;     return v5
;;   x86-64
;;     pxor %xmm1, %xmm0
;;     retq
;; i8x16.narrow_i16x8_s
;;   i8x16.narrow_i16x8_s s0 s2 -> s4
;;   copy.v128 s4 -> s0
;;   return
;;   clif
;;     v5 = bitcast.i16x8 little v2
;;     v6 = bitcast.i16x8 little v3
;;     v7 = snarrow v5, v6
;;     return v7
;;   x86-64
;;     packsswb %xmm1, %xmm0
;;     retq
;; i8x16.narrow_i16x8_u
;;   i8x16.narrow_i16x8_u s0 s2 -> s4
;;   copy.v128 s4 -> s0
;;   return
;;   clif
;;     v5 = bitcast.i16x8 little v2
;;     v6 = bitcast.i16x8 little v3
;;     v7 = unarrow v5, v6
;;     return v7
;;   x86-64
;;     packuswb %xmm1, %xmm0
;;     retq
;; i8x16.add
;;   i8x16.add s0 s2 -> s4
;;   copy.v128 s4 -> s0
;;   return
;;   clif
;;     v5 = iadd v2, v3
;;     return v5
;;   x86-64
;;     paddb %xmm1, %xmm0
;;     retq
;; i8x16.add_sat_s
;;   i8x16.add_sat_s s0 s2 -> s4
;;   copy.v128 s4 -> s0
;;   return
;;   clif
;;     v5 = sadd_sat v2, v3
;;     return v5
;;   x86-64
;;     paddsb %xmm1, %xmm0
;;     retq
;; i8x16.add_sat_u
;;   i8x16.add_sat_u s0 s2 -> s4
;;   copy.v128 s4 -> s0
;;   return
;;   clif
;;     v5 = uadd_sat v2, v3
;;     return v5
;;   x86-64
;;     paddusb %xmm1, %xmm0
;;     retq
;; i8x16.sub
;;   i8x16.sub s0 s2 -> s4
;;   copy.v128 s4 -> s0
;;   return
;;   clif
;;     v5 = isub v2, v3
;;     return v5
;;   x86-64
;;     psubb %xmm1, %xmm0
;;     retq
;; i8x16.sub_sat_s
;;   i8x16.sub_sat_s s0 s2 -> s4
;;   copy.v128 s4 -> s0
;;   return
;;   clif
;;     v5 = ssub_sat v2, v3
;;     return v5
;;   x86-64
;;     psubsb %xmm1, %xmm0
;;     retq
;; i8x16.sub_sat_u
;;   i8x16.sub_sat_u s0 s2 -> s4
;;   copy.v128 s4 -> s0
;;   return
;;   clif
;;     v5 = usub_sat v2, v3
;;     return v5
;;   x86-64
;;     psubusb %xmm1, %xmm0
;;     retq
;; i8x16.min_s
;;   i8x16.min_s s0 s2 -> s4
;;   copy.v128 s4 -> s0
;;   return
;;   clif
;;     v5 = smin v2, v3
;;     return v5
;;   x86-64
;;     pminsb %xmm1, %xmm0
;;     retq
;; i8x16.min_u
;;   i8x16.min_u s0 s2 -> s4
;;   copy.v128 s4 -> s0
;;   return
;;   clif
;;     v5 = umin v2, v3
;;     return v5
;;   x86-64
;;     pminub %xmm1, %xmm0
;;     retq
;; i8x16.max_s
;;   i8x16.max_s s0 s2 -> s4
;;   copy.v128 s4 -> s0
;;   return
;;   clif
;;     v5 = smax v2, v3
;;     return v5
;;   x86-64
;;     pmaxsb %xmm1, %xmm0
;;     retq
;; i8x16.max_u
;;   i8x16.max_u s0 s2 -> s4
;;   copy.v128 s4 -> s0
;;   return
;;   clif
;;     v5 = umax v2, v3
;;     return v5
;;   x86-64
;;     pmaxub %xmm1, %xmm0
;;     retq
;; i8x16.avgr_u
;;   i8x16.avgr_u s0 s2 -> s4
;;   copy.v128 s4 -> s0
;;   return
;;   clif
;;     v5 = avg_round v2, v3
;;     return v5
;;   x86-64
;;     pavgb %xmm1, %xmm0
;;     retq
;; i16x8.q15mulr_sat_s
;;   i16x8.q15mulr_sat_s s0 s2 -> s4
;;   copy.v128 s4 -> s0
;;   return
;;   clif
;;     v5 = bitcast.i16x8 little v2
;;     v6 = bitcast.i16x8 little v3
;;     v7 = sqmul_round_sat v5, v6
;;     v8 = bitcast.i8x16 little v7
;;     return v8
;;   x86-64
;;     pmulhrsw %xmm1, %xmm0
;;     movdqa %xmm0, %xmm5
;;     pcmpeqw (%rip), %xmm5
;;     pxor %xmm5, %xmm0
;;     retq
;; i16x8.narrow_i32x4_s
;;   i16x8.narrow_i32x4_s s0 s2 -> s4
;;   copy.v128 s4 -> s0
;;   return
;;   clif
;;     v5 = bitcast.i32x4 little v2
;;     v6 = bitcast.i32x4 little v3
;;     v7 = snarrow v5, v6
;;     v8 = bitcast.i8x16 little v7
;;     return v8
;;   x86-64
;;     packssdw %xmm1, %xmm0
;;     retq
;; i16x8.narrow_i32x4_u
;;   i16x8.narrow_i32x4_u s0 s2 -> s4
;;   copy.v128 s4 -> s0
;;   return
;;   clif
;;     v5 = bitcast.i32x4 little v2
;;     v6 = bitcast.i32x4 little v3
;;     v7 = unarrow v5, v6
;;     v8 = bitcast.i8x16 little v7
;;     return v8
;;   x86-64
;;     packusdw %xmm1, %xmm0
;;     retq
;; i16x8.add
;;   i16x8.add s0 s2 -> s4
;;   copy.v128 s4 -> s0
;;   return
;;   clif
;;     v5 = bitcast.i16x8 little v2
;;     v6 = bitcast.i16x8 little v3
;;     v7 = iadd v5, v6
;;     v8 = bitcast.i8x16 little v7
;;     return v8
;;   x86-64
;;     paddw %xmm1, %xmm0
;;     retq
;; i16x8.add_sat_s
;;   i16x8.add_sat_s s0 s2 -> s4
;;   copy.v128 s4 -> s0
;;   return
;;   clif
;;     v5 = bitcast.i16x8 little v2
;;     v6 = bitcast.i16x8 little v3
;;     v7 = sadd_sat v5, v6
;;     v8 = bitcast.i8x16 little v7
;;     return v8
;;   x86-64
;;     paddsw %xmm1, %xmm0
;;     retq
;; i16x8.add_sat_u
;;   i16x8.add_sat_u s0 s2 -> s4
;;   copy.v128 s4 -> s0
;;   return
;;   clif
;;     v5 = bitcast.i16x8 little v2
;;     v6 = bitcast.i16x8 little v3
;;     v7 = uadd_sat v5, v6
;;     v8 = bitcast.i8x16 little v7
;;     return v8
;;   x86-64
;;     paddusw %xmm1, %xmm0
;;     retq
;; i16x8.sub
;;   i16x8.sub s0 s2 -> s4
;;   copy.v128 s4 -> s0
;;   return
;;   clif
;;     v5 = bitcast.i16x8 little v2
;;     v6 = bitcast.i16x8 little v3
;;     v7 = isub v5, v6
;;     v8 = bitcast.i8x16 little v7
;;     return v8
;;   x86-64
;;     psubw %xmm1, %xmm0
;;     retq
;; i16x8.sub_sat_s
;;   i16x8.sub_sat_s s0 s2 -> s4
;;   copy.v128 s4 -> s0
;;   return
;;   clif
;;     v5 = bitcast.i16x8 little v2
;;     v6 = bitcast.i16x8 little v3
;;     v7 = ssub_sat v5, v6
;;     v8 = bitcast.i8x16 little v7
;;     return v8
;;   x86-64
;;     psubsw %xmm1, %xmm0
;;     retq
;; i16x8.sub_sat_u
;;   i16x8.sub_sat_u s0 s2 -> s4
;;   copy.v128 s4 -> s0
;;   return
;;   clif
;;     v5 = bitcast.i16x8 little v2
;;     v6 = bitcast.i16x8 little v3
;;     v7 = usub_sat v5, v6
;;     v8 = bitcast.i8x16 little v7
;;     return v8
;;   x86-64
;;     psubusw %xmm1, %xmm0
;;     retq
;; i16x8.mul
;;   i16x8.mul s0 s2 -> s4
;;   copy.v128 s4 -> s0
;;   return
;;   clif
;;     v5 = bitcast.i16x8 little v2
;;     v6 = bitcast.i16x8 little v3
;;     v7 = imul v5, v6
;;     v8 = bitcast.i8x16 little v7
;;     return v8
;;   x86-64
;;     pmullw %xmm1, %xmm0
;;     retq
;; i16x8.min_s
;;   i16x8.min_s s0 s2 -> s4
;;   copy.v128 s4 -> s0
;;   return
;;   clif
;;     v5 = bitcast.i16x8 little v2
;;     v6 = bitcast.i16x8 little v3
;;     v7 = smin v5, v6
;;     v8 = bitcast.i8x16 little v7
;;     return v8
;;   x86-64
;;     pminsw %xmm1, %xmm0
;;     retq
;; i16x8.min_u
;;   i16x8.min_u s0 s2 -> s4
;;   copy.v128 s4 -> s0
;;   return
;;   clif
;;     v5 = bitcast.i16x8 little v2
;;     v6 = bitcast.i16x8 little v3
;;     v7 = umin v5, v6
;;     v8 = bitcast.i8x16 little v7
;;     return v8
;;   x86-64
;;     pminuw %xmm1, %xmm0
;;     retq
;; i16x8.max_s
;;   i16x8.max_s s0 s2 -> s4
;;   copy.v128 s4 -> s0
;;   return
;;   clif
;;     v5 = bitcast.i16x8 little v2
;;     v6 = bitcast.i16x8 little v3
;;     v7 = smax v5, v6
;;     v8 = bitcast.i8x16 little v7
;;     return v8
;;   x86-64
;;     pmaxsw %xmm1, %xmm0
;;     retq
;; i16x8.max_u
;;   i16x8.max_u s0 s2 -> s4
;;   copy.v128 s4 -> s0
;;   return
;;   clif
;;     v5 = bitcast.i16x8 little v2
;;     v6 = bitcast.i16x8 little v3
;;     v7 = umax v5, v6
;;     v8 = bitcast.i8x16 little v7
;;     return v8
;;   x86-64
;;     pmaxuw %xmm1, %xmm0
;;     retq
;; i16x8.avgr_u
;;   i16x8.avgr_u s0 s2 -> s4
;;   copy.v128 s4 -> s0
;;   return
;;   clif
;;     v5 = bitcast.i16x8 little v2
;;     v6 = bitcast.i16x8 little v3
;;     v7 = avg_round v5, v6
;;     v8 = bitcast.i8x16 little v7
;;     return v8
;;   x86-64
;;     pavgw %xmm1, %xmm0
;;     retq
;; i16x8.extmul_low_i8x16_s
;;   i16x8.extmul_low_i8x16_s s0 s2 -> s4
;;   copy.v128 s4 -> s0
;;   return
;;   clif
;;     v5 = swiden_low v2
;;     v6 = swiden_low v3
;;     v7 = imul v5, v6
;;     v8 = bitcast.i8x16 little v7
;;     return v8
;;   x86-64
;;     pmovsxbw %xmm0, %xmm0
;;     pmovsxbw %xmm1, %xmm5
;;     pmullw %xmm5, %xmm0
;;     retq
;; i16x8.extmul_high_i8x16_s
;;   i16x8.extmul_high_i8x16_s s0 s2 -> s4
;;   copy.v128 s4 -> s0
;;   return
;;   clif
;;     v5 = swiden_high v2
;;     v6 = swiden_high v3
;;     v7 = imul v5, v6
;;     v8 = bitcast.i8x16 little v7
;;     return v8
;;   x86-64
;;     palignr $0x8, %xmm0, %xmm0
;;     pmovsxbw %xmm0, %xmm0
;;     palignr $0x8, %xmm1, %xmm1
;;     pmovsxbw %xmm1, %xmm1
;;     pmullw %xmm1, %xmm0
;;     retq
;; i16x8.extmul_low_i8x16_u
;;   i16x8.extmul_low_i8x16_u s0 s2 -> s4
;;   copy.v128 s4 -> s0
;;   return
;;   clif
;;     v5 = uwiden_low v2
;;     v6 = uwiden_low v3
;;     v7 = imul v5, v6
;;     v8 = bitcast.i8x16 little v7
;;     return v8
;;   x86-64
;;     pmovzxbw %xmm0, %xmm0
;;     pmovzxbw %xmm1, %xmm5
;;     pmullw %xmm5, %xmm0
;;     retq
;; i16x8.extmul_high_i8x16_u
;;   i16x8.extmul_high_i8x16_u s0 s2 -> s4
;;   copy.v128 s4 -> s0
;;   return
;;   clif
;;     v5 = uwiden_high v2
;;     v6 = uwiden_high v3
;;     v7 = imul v5, v6
;;     v8 = bitcast.i8x16 little v7
;;     return v8
;;   x86-64
;;     uninit  %xmm2
;;     pxor %xmm2, %xmm2
;;     punpckhbw %xmm2, %xmm0
;;     uninit  %xmm2
;;     pxor %xmm2, %xmm2
;;     punpckhbw %xmm2, %xmm1
;;     pmullw %xmm1, %xmm0
;;     retq
;; i32x4.add
;;   i32x4.add s0 s2 -> s4
;;   copy.v128 s4 -> s0
;;   return
;;   clif
;;     v5 = bitcast.i32x4 little v2
;;     v6 = bitcast.i32x4 little v3
;;     v7 = iadd v5, v6
;;     v8 = bitcast.i8x16 little v7
;;     return v8
;;   x86-64
;;     paddd %xmm1, %xmm0
;;     retq
;; i32x4.sub
;;   i32x4.sub s0 s2 -> s4
;;   copy.v128 s4 -> s0
;;   return
;;   clif
;;     v5 = bitcast.i32x4 little v2
;;     v6 = bitcast.i32x4 little v3
;;     v7 = isub v5, v6
;;     v8 = bitcast.i8x16 little v7
;;     return v8
;;   x86-64
;;     psubd %xmm1, %xmm0
;;     retq
;; i32x4.mul
;;   i32x4.mul s0 s2 -> s4
;;   copy.v128 s4 -> s0
;;   return
;;   clif
;;     v5 = bitcast.i32x4 little v2
;;     v6 = bitcast.i32x4 little v3
;;     v7 = imul v5, v6
;;     v8 = bitcast.i8x16 little v7
;;     return v8
;;   x86-64
;;     pmulld %xmm1, %xmm0
;;     retq
;; i32x4.min_s
;;   i32x4.min_s s0 s2 -> s4
;;   copy.v128 s4 -> s0
;;   return
;;   clif
;;     v5 = bitcast.i32x4 little v2
;;     v6 = bitcast.i32x4 little v3
;;     v7 = smin v5, v6
;;     v8 = bitcast.i8x16 little v7
;;     return v8
;;   x86-64
;;     pminsd %xmm1, %xmm0
;;     retq
;; i32x4.min_u
;;   i32x4.min_u s0 s2 -> s4
;;   copy.v128 s4 -> s0
;;   return
;;   clif
;;     v5 = bitcast.i32x4 little v2
;;     v6 = bitcast.i32x4 little v3
;;     v7 = umin v5, v6
;;     v8 = bitcast.i8x16 little v7
;;     return v8
;;   x86-64
;;     pminud %xmm1, %xmm0
;;     retq
;; i32x4.max_s
;;   i32x4.max_s s0 s2 -> s4
;;   copy.v128 s4 -> s0
;;   return
;;   clif
;;     v5 = bitcast.i32x4 little v2
;;     v6 = bitcast.i32x4 little v3
;;     v7 = smax v5, v6
;;     v8 = bitcast.i8x16 little v7
;;     return v8
;;   x86-64
;;     pmaxsd %xmm1, %xmm0
;;     retq
;; i32x4.max_u
;;   i32x4.max_u s0 s2 -> s4
;;   copy.v128 s4 -> s0
;;   return
;;   clif
;;     v5 = bitcast.i32x4 little v2
;;     v6 = bitcast.i32x4 little v3
;;     v7 = umax v5, v6
;;     v8 = bitcast.i8x16 little v7
;;     return v8
;;   x86-64
;;     pmaxud %xmm1, %xmm0
;;     retq
;; i32x4.dot_i16x8_s
;;   i32x4.dot_i16x8_s s0 s2 -> s4
;;   copy.v128 s4 -> s0
;;   return
;;   clif
;;     v5 = bitcast.i16x8 little v2
;;     v6 = bitcast.i16x8 little v3
;;     v7 = swiden_low v5
;;     v8 = swiden_low v6
;;     v9 = imul v7, v8
;;     v10 = swiden_high v5
;;     v11 = swiden_high v6
;;     v12 = imul v10, v11
;;     v13 = iadd_pairwise v9, v12
;;     v14 = bitcast.i8x16 little v13
;;     return v14
;;   x86-64
;;     pmaddwd %xmm1, %xmm0
;;     retq
;; i32x4.extmul_low_i16x8_s
;;   i32x4.extmul_low_i16x8_s s0 s2 -> s4
;;   copy.v128 s4 -> s0
;;   return
;;   clif
;;     v5 = bitcast.i16x8 little v2
;;     v6 = bitcast.i16x8 little v3
;;     v7 = swiden_low v5
;;     v8 = swiden_low v6
;;     v9 = imul v7, v8
;;     v10 = bitcast.i8x16 little v9
;;     return v10
;;   x86-64
;;     movdqa %xmm0, %xmm5
;;     pmullw %xmm1, %xmm5
;;     pmulhw %xmm1, %xmm0
;;     movdqa %xmm0, %xmm1
;;     movdqa %xmm5, %xmm0
;;     punpcklwd %xmm1, %xmm0
;;     retq
;; i32x4.extmul_high_i16x8_s
;;   i32x4.extmul_high_i16x8_s s0 s2 -> s4
;;   copy.v128 s4 -> s0
;;   return
;;   clif
;;     v5 = bitcast.i16x8 little v2
;;     v6 = bitcast.i16x8 little v3
;;     v7 = swiden_high v5
;;     v8 = swiden_high v6
;;     v9 = imul v7, v8
;;     v10 = bitcast.i8x16 little v9
;;     return v10
;;   x86-64
;;     movdqa %xmm0, %xmm5
;;     pmullw %xmm1, %xmm5
;;     pmulhw %xmm1, %xmm0
;;     movdqa %xmm0, %xmm1
;;     movdqa %xmm5, %xmm0
;;     punpckhwd %xmm1, %xmm0
;;     retq
;; i32x4.extmul_low_i16x8_u
;;   i32x4.extmul_low_i16x8_u s0 s2 -> s4
;;   copy.v128 s4 -> s0
;;   return
;;   clif
;;     v5 = bitcast.i16x8 little v2
;;     v6 = bitcast.i16x8 little v3
;;     v7 = uwiden_low v5
;;     v8 = uwiden_low v6
;;     v9 = imul v7, v8
;;     v10 = bitcast.i8x16 little v9
;;     return v10
;;   x86-64
;;     movdqa %xmm0, %xmm5
;;     pmullw %xmm1, %xmm5
;;     pmulhuw %xmm1, %xmm0
;;     movdqa %xmm0, %xmm1
;;     movdqa %xmm5, %xmm0
;;     punpcklwd %xmm1, %xmm0
;;     retq
;; i32x4.extmul_high_i16x8_u
;;   i32x4.extmul_high_i16x8_u s0 s2 -> s4
;;   copy.v128 s4 -> s0
;;   return
;;   clif
;;     v5 = bitcast.i16x8 little v2
;;     v6 = bitcast.i16x8 little v3
;;     v7 = uwiden_high v5
;;     v8 = uwiden_high v6
;;     v9 = imul v7, v8
;;     v10 = bitcast.i8x16 little v9
;;     return v10
;;   x86-64
;;     movdqa %xmm0, %xmm5
;;     pmullw %xmm1, %xmm5
;;     pmulhuw %xmm1, %xmm0
;;     movdqa %xmm0, %xmm1
;;     movdqa %xmm5, %xmm0
;;     punpckhwd %xmm1, %xmm0
;;     retq
;; i64x2.add
;;   i64x2.add s0 s2 -> s4
;;   copy.v128 s4 -> s0
;;   return
;;   clif
;;     v5 = bitcast.i64x2 little v2
;;     v6 = bitcast.i64x2 little v3
;;     v7 = iadd v5, v6
;;     v8 = bitcast.i8x16 little v7
;;     return v8
;;   x86-64
;;     paddq %xmm1, %xmm0
;;     retq
;; i64x2.sub
;;   i64x2.sub s0 s2 -> s4
;;   copy.v128 s4 -> s0
;;   return
;;   clif
;;     v5 = bitcast.i64x2 little v2
;;     v6 = bitcast.i64x2 little v3
;;     v7 = isub v5, v6
;;     v8 = bitcast.i8x16 little v7
;;     return v8
;;   x86-64
;;     psubq %xmm1, %xmm0
;;     retq
;; i64x2.mul
;;   i64x2.mul s0 s2 -> s4
;;   copy.v128 s4 -> s0
;;   return
;;   clif
;;     v5 = bitcast.i64x2 little v2
;;     v6 = bitcast.i64x2 little v3
;;     v7 = imul v5, v6
;;     v8 = bitcast.i8x16 little v7
;;     return v8
;;   x86-64
;;     movdqa %xmm1, %xmm2
;;     movdqa %xmm0, %xmm1
;;     psrlq $0x20, %xmm1
;;     pmuludq %xmm2, %xmm1
;;     movdqa %xmm2, %xmm7
;;     psrlq $0x20, %xmm7
;;     movdqa %xmm0, %xmm3
;;     pmuludq %xmm7, %xmm3
;;     paddq %xmm3, %xmm1
;;     psllq $0x20, %xmm1
;;     pmuludq %xmm2, %xmm0
;;     paddq %xmm1, %xmm0
;;     retq
;; i64x2.eq
;;   i64x2.eq s0 s2 -> s4
;;   copy.v128 s4 -> s0
;;   return
;;   clif
;;     v5 = bitcast.i64x2 little v2
;;     v6 = bitcast.i64x2 little v3
;;     v7 = icmp eq v5, v6
;;     v8 = bitcast.i8x16 little v7
;;     return v8
;;   x86-64
;;     pcmpeqq %xmm1, %xmm0
;;     retq
;; i64x2.ne
;;   i64x2.ne s0 s2 -> s4
;;   copy.v128 s4 -> s0
;;   return
;;   clif
;;     v5 = bitcast.i64x2 little v2
;;     v6 = bitcast.i64x2 little v3
;;     v7 = icmp ne v5, v6
;;     v8 = bitcast.i8x16 little v7
;;     return v8
;;   x86-64
;;     pcmpeqq %xmm1, %xmm0
;;     uninit  %xmm6
;;     pcmpeqd %xmm6, %xmm6
;;     pxor %xmm6, %xmm0
;;     retq
;; i64x2.lt_s
;;   i64x2.lt_s s0 s2 -> s4
;;   copy.v128 s4 -> s0
;;   return
;;   clif
;;     v5 = bitcast.i64x2 little v2
;;     v6 = bitcast.i64x2 little v3
;;     v7 = icmp slt v5, v6
;;     v8 = bitcast.i8x16 little v7
;;     return v8
;;   x86-64
;;     movdqa %xmm0, %xmm4
;;     movdqa %xmm1, %xmm0
;;     pcmpgtq %xmm4, %xmm0
;;     retq
;; i64x2.gt_s
;;   i64x2.gt_s s0 s2 -> s4
;;   copy.v128 s4 -> s0
;;   return
;;   clif
;;     v5 = bitcast.i64x2 little v2
;;     v6 = bitcast.i64x2 little v3
;;     v7 = icmp sgt v5, v6
;;     v8 = bitcast.i8x16 little v7
;;     return v8
;;   x86-64
;;     pcmpgtq %xmm1, %xmm0
;;     retq
;; i64x2.le_s
;;   i64x2.le_s s0 s2 -> s4
;;   copy.v128 s4 -> s0
;;   return
;;   clif
;;     v5 = bitcast.i64x2 little v2
;;     v6 = bitcast.i64x2 little v3
;;     v7 = icmp sle v5, v6
;;     v8 = bitcast.i8x16 little v7
;;     return v8
;;   x86-64
;;     pcmpgtq %xmm1, %xmm0
;;     uninit  %xmm6
;;     pcmpeqd %xmm6, %xmm6
;;     pxor %xmm6, %xmm0
;;     retq
;; i64x2.ge_s
;;   i64x2.ge_s s0 s2 -> s4
;;   copy.v128 s4 -> s0
;;   return
;;   clif
;;     v5 = bitcast.i64x2 little v2
;;     v6 = bitcast.i64x2 little v3
;;     v7 = icmp sge v5, v6
;;     v8 = bitcast.i8x16 little v7
;;     return v8
;;   x86-64
;;     pcmpgtq %xmm0, %xmm1
;;     uninit  %xmm6
;;     pcmpeqd %xmm6, %xmm6
;;     movdqa %xmm1, %xmm0
;;     pxor %xmm6, %xmm0
;;     retq
;; i64x2.extmul_low_i32x4_s
;;   i64x2.extmul_low_i32x4_s s0 s2 -> s4
;;   copy.v128 s4 -> s0
;;   return
;;   clif
;;     v5 = bitcast.i32x4 little v2
;;     v6 = bitcast.i32x4 little v3
;;     v7 = swiden_low v5
;;     v8 = swiden_low v6
;;     v9 = imul v7, v8
;;     v10 = bitcast.i8x16 little v9
;;     return v10
;;   x86-64
;;     pshufd $0x50, %xmm0, %xmm0
;;     pshufd $0x50, %xmm1, %xmm5
;;     pmuldq %xmm5, %xmm0
;;     retq
;; i64x2.extmul_high_i32x4_s
;;   i64x2.extmul_high_i32x4_s s0 s2 -> s4
;;   copy.v128 s4 -> s0
;;   return
;;   clif
;;     v5 = bitcast.i32x4 little v2
;;     v6 = bitcast.i32x4 little v3
;;     v7 = swiden_high v5
;;     v8 = swiden_high v6
;;     v9 = imul v7, v8
;;     v10 = bitcast.i8x16 little v9
;;     return v10
;;   x86-64
;;     pshufd $0xfa, %xmm0, %xmm0
;;     pshufd $0xfa, %xmm1, %xmm5
;;     pmuldq %xmm5, %xmm0
;;     retq
;; i64x2.extmul_low_i32x4_u
;;   i64x2.extmul_low_i32x4_u s0 s2 -> s4
;;   copy.v128 s4 -> s0
;;   return
;;   clif
;;     v5 = bitcast.i32x4 little v2
;;     v6 = bitcast.i32x4 little v3
;;     v7 = uwiden_low v5
;;     v8 = uwiden_low v6
;;     v9 = imul v7, v8
;;     v10 = bitcast.i8x16 little v9
;;     return v10
;;   x86-64
;;     pshufd $0x50, %xmm0, %xmm0
;;     pshufd $0x50, %xmm1, %xmm5
;;     pmuludq %xmm5, %xmm0
;;     retq
;; i64x2.extmul_high_i32x4_u
;;   i64x2.extmul_high_i32x4_u s0 s2 -> s4
;;   copy.v128 s4 -> s0
;;   return
;;   clif
;;     v5 = bitcast.i32x4 little v2
;;     v6 = bitcast.i32x4 little v3
;;     v7 = uwiden_high v5
;;     v8 = uwiden_high v6
;;     v9 = imul v7, v8
;;     v10 = bitcast.i8x16 little v9
;;     return v10
;;   x86-64
;;     pshufd $0xfa, %xmm0, %xmm0
;;     pshufd $0xfa, %xmm1, %xmm5
;;     pmuludq %xmm5, %xmm0
;;     retq
;; f32x4.add
;;   f32x4.add s0 s2 -> s4
;;   copy.v128 s4 -> s0
;;   return
;;   clif
;;     v5 = bitcast.f32x4 little v2
;;     v6 = bitcast.f32x4 little v3
;;     v7 = fadd v5, v6
;;     v8 = bitcast.i8x16 little v7
;;     return v8
;;   x86-64
;;     addps %xmm1, %xmm0
;;     retq
;; f32x4.sub
;;   f32x4.sub s0 s2 -> s4
;;   copy.v128 s4 -> s0
;;   return
;;   clif
;;     v5 = bitcast.f32x4 little v2
;;     v6 = bitcast.f32x4 little v3
;;     v7 = fsub v5, v6
;;     v8 = bitcast.i8x16 little v7
;;     return v8
;;   x86-64
;;     subps %xmm1, %xmm0
;;     retq
;; f32x4.mul
;;   f32x4.mul s0 s2 -> s4
;;   copy.v128 s4 -> s0
;;   return
;;   clif
;;     v5 = bitcast.f32x4 little v2
;;     v6 = bitcast.f32x4 little v3
;;     v7 = fmul v5, v6
;;     v8 = bitcast.i8x16 little v7
;;     return v8
;;   x86-64
;;     mulps %xmm1, %xmm0
;;     retq
;; f32x4.div
;;   f32x4.div s0 s2 -> s4
;;   copy.v128 s4 -> s0
;;   return
;;   clif
;;     v5 = bitcast.f32x4 little v2
;;     v6 = bitcast.f32x4 little v3
;;     v7 = fdiv v5, v6
;;     v8 = bitcast.i8x16 little v7
;;     return v8
;;   x86-64
;;     divps %xmm1, %xmm0
;;     retq
;; f32x4.min
;;   f32x4.min s0 s2 -> s4
;;   copy.v128 s4 -> s0
;;   return
;;   clif
;;     v5 = bitcast.f32x4 little v2
;;     v6 = bitcast.f32x4 little v3
;;     v7 = fmin v5, v6
;;     v8 = bitcast.i8x16 little v7
;;     return v8
;;   x86-64
;;     movdqa %xmm0, %xmm7
;;     minps %xmm1, %xmm7
;;     minps %xmm0, %xmm1
;;     orps %xmm1, %xmm7
;;     movdqa %xmm7, %xmm0
;;     cmpunordps %xmm1, %xmm0
;;     orps %xmm0, %xmm7
;;     psrld $0xa, %xmm0
;;     andnps %xmm7, %xmm0
;;     retq
;; f32x4.max
;;   f32x4.max s0 s2 -> s4
;;   copy.v128 s4 -> s0
;;   return
;;   clif
;;     v5 = bitcast.f32x4 little v2
;;     v6 = bitcast.f32x4 little v3
;;     v7 = fmax v5, v6
;;     v8 = bitcast.i8x16 little v7
;;     return v8
;;   x86-64
;;     movdqa %xmm0, %xmm2
;;     maxps %xmm1, %xmm0
;;     maxps %xmm2, %xmm1
;;     movdqa %xmm0, %xmm7
;;     xorps %xmm1, %xmm7
;;     orps %xmm7, %xmm0
;;     movdqa %xmm0, %xmm1
;;     subps %xmm7, %xmm1
;;     cmpunordps %xmm0, %xmm0
;;     psrld $0xa, %xmm0
;;     andnps %xmm1, %xmm0
;;     retq
;; f32x4.pmin
;;   f32x4.pmin s0 s2 -> s4
;;   copy.v128 s4 -> s0
;;   return
;;   clif
;;     v5 = bitcast.f32x4 little v2
;;     v6 = bitcast.f32x4 little v3
;;     v7 = fcmp lt v6, v5
;;     v8 = bitcast.f32x4 little v7
;;     v9 = bitselect v8, v6, v5
;;     v10 = bitcast.i8x16 little v9
;;     return v10
;;   x86-64
;;     movdqa %xmm0, %xmm4
;;     movdqa %xmm1, %xmm0
;;     minps %xmm4, %xmm0
;;     retq
;; f32x4.pmax
;;   f32x4.pmax s0 s2 -> s4
;;   copy.v128 s4 -> s0
;;   return
;;   clif
;;     v5 = bitcast.f32x4 little v2
;;     v6 = bitcast.f32x4 little v3
;;     v7 = fcmp lt v5, v6
;;     v8 = bitcast.f32x4 little v7
;;     v9 = bitselect v8, v6, v5
;;     v10 = bitcast.i8x16 little v9
;;     return v10
;;   x86-64
;;     movdqa %xmm0, %xmm4
;;     movdqa %xmm1, %xmm0
;;     maxps %xmm4, %xmm0
;;     retq
;; f64x2.add
;;   f64x2.add s0 s2 -> s4
;;   copy.v128 s4 -> s0
;;   return
;;   clif
;;     v5 = bitcast.f64x2 little v2
;;     v6 = bitcast.f64x2 little v3
;;     v7 = fadd v5, v6
;;     v8 = bitcast.i8x16 little v7
;;     return v8
;;   x86-64
;;     addpd %xmm1, %xmm0
;;     retq
;; f64x2.sub
;;   f64x2.sub s0 s2 -> s4
;;   copy.v128 s4 -> s0
;;   return
;;   clif
;;     v5 = bitcast.f64x2 little v2
;;     v6 = bitcast.f64x2 little v3
;;     v7 = fsub v5, v6
;;     v8 = bitcast.i8x16 little v7
;;     return v8
;;   x86-64
;;     subpd %xmm1, %xmm0
;;     retq
;; f64x2.mul
;;   f64x2.mul s0 s2 -> s4
;;   copy.v128 s4 -> s0
;;   return
;;   clif
;;     v5 = bitcast.f64x2 little v2
;;     v6 = bitcast.f64x2 little v3
;;     v7 = fmul v5, v6
;;     v8 = bitcast.i8x16 little v7
;;     return v8
;;   x86-64
;;     mulpd %xmm1, %xmm0
;;     retq
;; f64x2.div
;;   f64x2.div s0 s2 -> s4
;;   copy.v128 s4 -> s0
;;   return
;;   clif
;;     v5 = bitcast.f64x2 little v2
;;     v6 = bitcast.f64x2 little v3
;;     v7 = fdiv v5, v6
;;     v8 = bitcast.i8x16 little v7
;;     return v8
;;   x86-64
;;     divpd %xmm1, %xmm0
;;     retq
;; f64x2.min
;;   f64x2.min s0 s2 -> s4
;;   copy.v128 s4 -> s0
;;   return
;;   clif
;;     v5 = bitcast.f64x2 little v2
;;     v6 = bitcast.f64x2 little v3
;;     v7 = fmin v5, v6
;;     v8 = bitcast.i8x16 little v7
;;     return v8
;;   x86-64
;;     movdqa %xmm0, %xmm2
;;     minpd %xmm1, %xmm0
;;     minpd %xmm2, %xmm1
;;     movdqa %xmm0, %xmm2
;;     orpd %xmm1, %xmm2
;;     cmpunordpd %xmm1, %xmm0
;;     orpd %xmm0, %xmm2
;;     psrlq $0xd, %xmm0
;;     andnpd %xmm2, %xmm0
;;     retq
;; f64x2.max
;;   f64x2.max s0 s2 -> s4
;;   copy.v128 s4 -> s0
;;   return
;;   clif
;;     v5 = bitcast.f64x2 little v2
;;     v6 = bitcast.f64x2 little v3
;;     v7 = fmax v5, v6
;;     v8 = bitcast.i8x16 little v7
;;     return v8
;;   x86-64
;;     movdqa %xmm0, %xmm2
;;     maxpd %xmm1, %xmm0
;;     maxpd %xmm2, %xmm1
;;     movdqa %xmm0, %xmm7
;;     xorpd %xmm1, %xmm7
;;     orpd %xmm7, %xmm0
;;     movdqa %xmm0, %xmm1
;;     subpd %xmm7, %xmm1
;;     cmpunordpd %xmm0, %xmm0
;;     psrlq $0xd, %xmm0
;;     andnpd %xmm1, %xmm0
;;     retq
;; f64x2.pmin
;;   f64x2.pmin s0 s2 -> s4
;;   copy.v128 s4 -> s0
;;   return
;;   clif
;;     v5 = bitcast.f64x2 little v2
;;     v6 = bitcast.f64x2 little v3
;;     v7 = fcmp lt v6, v5
;;     v8 = bitcast.f64x2 little v7
;;     v9 = bitselect v8, v6, v5
;;     v10 = bitcast.i8x16 little v9
;;     return v10
;;   x86-64
;;     movdqa %xmm0, %xmm4
;;     movdqa %xmm1, %xmm0
;;     minpd %xmm4, %xmm0
;;     retq
;; f64x2.pmax
;;   f64x2.pmax s0 s2 -> s4
;;   copy.v128 s4 -> s0
;;   return
;;   clif
;;     v5 = bitcast.f64x2 little v2
;;     v6 = bitcast.f64x2 little v3
;;     v7 = fcmp lt v5, v6
;;     v8 = bitcast.f64x2 little v7
;;     v9 = bitselect v8, v6, v5
;;     v10 = bitcast.i8x16 little v9
;;     return v10
;;   x86-64
;;     movdqa %xmm0, %xmm4
;;     movdqa %xmm1, %xmm0
;;     maxpd %xmm4, %xmm0
;;     retq
;; v128.bitselect
;;   v128.bitselect s0 s2 s4 -> s6
;;   copy.v128 s6 -> s0
;;   return
;;   clif
;;     v6 = bitselect v4, v2, v3
;;     return v6
;;   x86-64
;;     pand %xmm2, %xmm0
;;     movdqa %xmm0, %xmm7
;;     pandn %xmm1, %xmm2
;;     movdqa %xmm7, %xmm1
;;     movdqa %xmm2, %xmm0
;;     por %xmm1, %xmm0
;;     retq
;; v128.any_true
;;   v128.any_true s0 0
;;   return acc
;;   clif
;;     v4 = vany_true v2
;;     v5 = uextend.i32 v4
;;     return v5
;;   x86-64
;;     ptest %xmm0, %xmm0
;;     setne %sil
;;     movzbl %sil, %eax
;;     retq
;; i8x16.all_true
;;   i8x16.all_true s0 0
;;   return acc
;;   clif
;;     v4 = vall_true v2
;;     v5 = uextend.i32 v4
;;     return v5
;;   x86-64
;;     uninit  %xmm4
;;     pxor %xmm4, %xmm4
;;     pcmpeqb %xmm4, %xmm0
;;     ptest %xmm0, %xmm0
;;     sete %r10b
;;     movzbl %r10b, %eax
;;     retq
;; i8x16.bitmask
;;   i8x16.bitmask s0 0
;;   return acc
;;   clif
;;     v4 = vhigh_bits.i32 v2
;;     return v4
;;   x86-64
;;     pmovmskb %xmm0, %eax
;;     retq
;; i16x8.all_true
;;   i16x8.all_true s0 0
;;   return acc
;;   clif
;;     v4 = bitcast.i16x8 little v2
;;     v5 = vall_true v4
;;     v6 = uextend.i32 v5
;;     return v6
;;   x86-64
;;     uninit  %xmm4
;;     pxor %xmm4, %xmm4
;;     pcmpeqw %xmm4, %xmm0
;;     ptest %xmm0, %xmm0
;;     sete %r10b
;;     movzbl %r10b, %eax
;;     retq
;; i16x8.bitmask
;;   i16x8.bitmask s0 0
;;   return acc
;;   clif
;;     v4 = bitcast.i16x8 little v2
;;     v5 = vhigh_bits.i32 v4
;;     return v5
;;   x86-64
;;     packsswb %xmm0, %xmm0
;;     pmovmskb %xmm0, %eax
;;     shrq $0x8, %rax
;;     retq
;; i32x4.all_true
;;   i32x4.all_true s0 0
;;   return acc
;;   clif
;;     v4 = bitcast.i32x4 little v2
;;     v5 = vall_true v4
;;     v6 = uextend.i32 v5
;;     return v6
;;   x86-64
;;     uninit  %xmm4
;;     pxor %xmm4, %xmm4
;;     pcmpeqd %xmm4, %xmm0
;;     ptest %xmm0, %xmm0
;;     sete %r10b
;;     movzbl %r10b, %eax
;;     retq
;; i32x4.bitmask
;;   i32x4.bitmask s0 0
;;   return acc
;;   clif
;;     v4 = bitcast.i32x4 little v2
;;     v5 = vhigh_bits.i32 v4
;;     return v5
;;   x86-64
;;     movmskps %xmm0, %eax
;;     retq
;; i64x2.all_true
;;   i64x2.all_true s0 0
;;   return acc
;;   clif
;;     v4 = bitcast.i64x2 little v2
;;     v5 = vall_true v4
;;     v6 = uextend.i32 v5
;;     return v6
;;   x86-64
;;     uninit  %xmm4
;;     pxor %xmm4, %xmm4
;;     pcmpeqq %xmm4, %xmm0
;;     ptest %xmm0, %xmm0
;;     sete %r10b
;;     movzbl %r10b, %eax
;;     retq
;; i64x2.bitmask
;;   i64x2.bitmask s0 0
;;   return acc
;;   clif
;;     v4 = bitcast.i64x2 little v2
;;     v5 = vhigh_bits.i32 v4
;;     return v5
;;   x86-64
;;     movmskpd %xmm0, %eax
;;     retq
;; i8x16.shl
;;   i8x16.shl s0 0 s2 -> s3
;;   copy.v128 s3 -> s0
;;   return
;;   clif
;;     v5 = ishl v2, v3
;;     return v5
;;   x86-64
;;     andq $0x7, %rdx
;;     movd %edx, %xmm5
;;     psllw %xmm5, %xmm0
;;     leaq (%rip), %r9
;;     shlq $0x4, %rdx
;;     movdqu (%r9, %rdx), %xmm1
;;     pand %xmm1, %xmm0
;;     retq
;; i8x16.shr_s
;;   i8x16.shr_s s0 0 s2 -> s3
;;   copy.v128 s3 -> s0
;;   return
;;   clif
;;     v5 = sshr v2, v3
;;     return v5
;;   x86-64
;;     andq $0x7, %rdx
;;     movdqa %xmm0, %xmm1
;;     punpcklbw %xmm0, %xmm1
;;     movdqa %xmm1, %xmm2
;;     punpckhbw %xmm0, %xmm0
;;     movdqa %xmm0, %xmm3
;;     addl $0x8, %edx
;;     movd %edx, %xmm1
;;     movdqa %xmm2, %xmm0
;;     psraw %xmm1, %xmm0
;;     movdqa %xmm3, %xmm2
;;     psraw %xmm1, %xmm2
;;     packsswb %xmm2, %xmm0
;;     retq
;; i8x16.shr_u
;;   i8x16.shr_u s0 0 s2 -> s3
;;   copy.v128 s3 -> s0
;;   return
;;   clif
;;     v5 = ushr v2, v3
;;     return v5
;;   x86-64
;;     andq $0x7, %rdx
;;     movd %edx, %xmm5
;;     psrlw %xmm5, %xmm0
;;     leaq (%rip), %r9
;;     shlq $0x4, %rdx
;;     pand (%r9, %rdx), %xmm0
;;     retq
;; i16x8.shl
;;   i16x8.shl s0 0 s2 -> s3
;;   copy.v128 s3 -> s0
;;   return
;;   clif
;;     v5 = bitcast.i16x8 little v2
;;     v6 = ishl v5, v3
;;     v7 = bitcast.i8x16 little v6
;;     return v7
;;   x86-64
;;     andq $0xf, %rdx
;;     movd %edx, %xmm5
;;     psllw %xmm5, %xmm0
;;     retq
;; i16x8.shr_s
;;   i16x8.shr_s s0 0 s2 -> s3
;;   copy.v128 s3 -> s0
;;   return
;;   clif
;;     v5 = bitcast.i16x8 little v2
;;     v6 = sshr v5, v3
;;     v7 = bitcast.i8x16 little v6
;;     return v7
;;   x86-64
;;     andq $0xf, %rdx
;;     movd %edx, %xmm5
;;     psraw %xmm5, %xmm0
;;     retq
;; i16x8.shr_u
;;   i16x8.shr_u s0 0 s2 -> s3
;;   copy.v128 s3 -> s0
;;   return
;;   clif
;;     v5 = bitcast.i16x8 little v2
;;     v6 = ushr v5, v3
;;     v7 = bitcast.i8x16 little v6
;;     return v7
;;   x86-64
;;     andq $0xf, %rdx
;;     movd %edx, %xmm5
;;     psrlw %xmm5, %xmm0
;;     retq
;; i32x4.shl
;;   i32x4.shl s0 0 s2 -> s3
;;   copy.v128 s3 -> s0
;;   return
;;   clif
;;     v5 = bitcast.i32x4 little v2
;;     v6 = ishl v5, v3
;;     v7 = bitcast.i8x16 little v6
;;     return v7
;;   x86-64
;;     andq $0x1f, %rdx
;;     movd %edx, %xmm5
;;     pslld %xmm5, %xmm0
;;     retq
;; i32x4.shr_s
;;   i32x4.shr_s s0 0 s2 -> s3
;;   copy.v128 s3 -> s0
;;   return
;;   clif
;;     v5 = bitcast.i32x4 little v2
;;     v6 = sshr v5, v3
;;     v7 = bitcast.i8x16 little v6
;;     return v7
;;   x86-64
;;     andq $0x1f, %rdx
;;     movd %edx, %xmm5
;;     psrad %xmm5, %xmm0
;;     retq
;; i32x4.shr_u
;;   i32x4.shr_u s0 0 s2 -> s3
;;   copy.v128 s3 -> s0
;;   return
;;   clif
;;     v5 = bitcast.i32x4 little v2
;;     v6 = ushr v5, v3
;;     v7 = bitcast.i8x16 little v6
;;     return v7
;;   x86-64
;;     andq $0x1f, %rdx
;;     movd %edx, %xmm5
;;     psrld %xmm5, %xmm0
;;     retq
;; i64x2.shl
;;   i64x2.shl s0 0 s2 -> s3
;;   copy.v128 s3 -> s0
;;   return
;;   clif
;;     v5 = bitcast.i64x2 little v2
;;     v6 = ishl v5, v3
;;     v7 = bitcast.i8x16 little v6
;;     return v7
;;   x86-64
;;     andq $0x3f, %rdx
;;     movd %edx, %xmm5
;;     psllq %xmm5, %xmm0
;;     retq
;; i64x2.shr_s
;;   i64x2.shr_s s0 0 s2 -> s3
;;   copy.v128 s3 -> s0
;;   return
;;   clif
;;     v5 = bitcast.i64x2 little v2
;;     v6 = sshr v5, v3
;;     v7 = bitcast.i8x16 little v6
;;     return v7
;;   x86-64
;;     andq $0x3f, %rdx
;;     movq %rdx, %xmm5
;;     movdqu (%rip), %xmm1
;;     psrlq %xmm5, %xmm1
;;     psrlq %xmm5, %xmm0
;;     movdqa %xmm0, %xmm2
;;     movdqa %xmm1, %xmm0
;;     pxor %xmm2, %xmm0
;;     psubq %xmm1, %xmm0
;;     retq
;; i64x2.shr_u
;;   i64x2.shr_u s0 0 s2 -> s3
;;   copy.v128 s3 -> s0
;;   return
;;   clif
;;     v5 = bitcast.i64x2 little v2
;;     v6 = ushr v5, v3
;;     v7 = bitcast.i8x16 little v6
;;     return v7
;;   x86-64
;;     andq $0x3f, %rdx
;;     movd %edx, %xmm5
;;     psrlq %xmm5, %xmm0
;;     retq
;; i8x16.splat
;;   i8x16.splat s0 -> s1
;;   copy.v128 s1 -> s0
;;   return
;;   clif
;;     v4 = ireduce.i8 v2
;;     v5 = splat.i8x16 v4
;;     return v5
;;   x86-64
;;     movd %edx, %xmm0
;;     uninit  %xmm5
;;     pxor %xmm5, %xmm5
;;     pshufb %xmm5, %xmm0
;;     retq
;; i16x8.splat
;;   i16x8.splat s0 -> s1
;;   copy.v128 s1 -> s0
;;   return
;;   clif
;;     v4 = ireduce.i16 v2
;;     v5 = splat.i16x8 v4
;;     v6 = bitcast.i8x16 little v5
;;     return v6
;;   x86-64
;;     movd %edx, %xmm2
;;     pshuflw $0x0, %xmm2, %xmm4
;;     pshufd $0x0, %xmm4, %xmm0
;;     retq
;; i32x4.splat
;;   i32x4.splat s0 -> s1
;;   copy.v128 s1 -> s0
;;   return
;;   clif
;;     v4 = splat.i32x4 v2
;;     v5 = bitcast.i8x16 little v4
;;     return v5
;;   x86-64
;;     movd %edx, %xmm2
;;     pshufd $0x0, %xmm2, %xmm0
;;     retq
;; i64x2.splat
;;   i64x2.splat s0 -> s1
;;   copy.v128 s1 -> s0
;;   return
;;   clif
;;     v4 = splat.i64x2 v2
;;     v5 = bitcast.i8x16 little v4
;;     return v5
;;   x86-64
;;     movq %rdx, %xmm2
;;     pshufd $0x44, %xmm2, %xmm0
;;     retq
;; f32x4.splat
;;   f32x4.splat s0 -> s1
;;   copy.v128 s1 -> s0
;;   return
;;   clif
;;     v4 = splat.f32x4 v2
;;     v5 = bitcast.i8x16 little v4
;;     return v5
;;   x86-64
;;     shufps $0x0, %xmm0, %xmm0
;;     retq
;; f64x2.splat
;;   f64x2.splat s0 -> s1
;;   copy.v128 s1 -> s0
;;   return
;;   clif
;;     v4 = splat.f64x2 v2
;;     v5 = bitcast.i8x16 little v4
;;     return v5
;;   x86-64
;;     pshufd $0x44, %xmm0, %xmm0
;;     retq
;; i8x16.extract_lane_s
;;   i8x16.extract_lane_s s0 1
;;   return acc
;;   clif
;;     v4 = extractlane v2, 1
;;     v5 = sextend.i32 v4
;;     return v5
;;   x86-64
;;     pextrb $0x1, %xmm0, %esi
;;     movsbl %sil, %eax
;;     retq
;; i8x16.extract_lane_u
;;   i8x16.extract_lane_u s0 1
;;   return acc
;;   clif
;;     v4 = extractlane v2, 1
;;     v5 = uextend.i32 v4
;;     return v5
;;   x86-64
;;     pextrb $0x1, %xmm0, %esi
;;     movzbl %sil, %eax
;;     retq
;; i16x8.extract_lane_s
;;   i16x8.extract_lane_s s0 1
;;   return acc
;;   clif
;;     v4 = bitcast.i16x8 little v2
;;     v5 = extractlane v4, 1
;;     v6 = sextend.i32 v5
;;     return v6
;;   x86-64
;;     pextrw $0x1, %xmm0, %esi
;;     movswl %si, %eax
;;     retq
;; i16x8.extract_lane_u
;;   i16x8.extract_lane_u s0 1
;;   return acc
;;   clif
;;     v4 = bitcast.i16x8 little v2
;;     v5 = extractlane v4, 1
;;     v6 = uextend.i32 v5
;;     return v6
;;   x86-64
;;     pextrw $0x1, %xmm0, %esi
;;     movzwl %si, %eax
;;     retq
;; i32x4.extract_lane
;;   i32x4.extract_lane s0 1
;;   return acc
;;   clif
;;     v4 = bitcast.i32x4 little v2
;;     v5 = extractlane v4, 1
;;     return v5
;;   x86-64
;;     pextrd $0x1, %xmm0, %eax
;;     retq
;; i64x2.extract_lane
;;   i64x2.extract_lane s0 1
;;   return acc
;;   clif
;;     v4 = bitcast.i64x2 little v2
;;     v5 = extractlane v4, 1
;;     return v5
;;   x86-64
;;     pextrq $0x1, %xmm0, %rax
;;     retq
;; f32x4.extract_lane
;;   f32x4.extract_lane s0 1
;;   return acc
;;   clif
;;     v4 = bitcast.f32x4 little v2
;;     v5 = extractlane v4, 1
;;     return v5
;;   x86-64
;;     pshufd $0x1, %xmm0, %xmm0
;;     retq
;; f64x2.extract_lane
;;   f64x2.extract_lane s0 1
;;   return acc
;;   clif
;;     v4 = bitcast.f64x2 little v2
;;     v5 = extractlane v4, 1
;;     return v5
;;   x86-64
;;     pshufd $0xee, %xmm0, %xmm0
;;     retq
;; i8x16.replace_lane
;;   i8x16.replace_lane s0 1 s2 -> s3
;;   copy.v128 s3 -> s0
;;   return
;;   clif
;;     v5 = ireduce.i8 v3
;;     v6 = insertlane v2, v5, 1
;;     return v6
;;   x86-64
;;     pinsrb $0x1, %edx, %xmm0
;;     retq
;; i16x8.replace_lane
;;   i16x8.replace_lane s0 1 s2 -> s3
;;   copy.v128 s3 -> s0
;;   return
;;   clif
;;     v5 = bitcast.i16x8 little v2
;;     v6 = ireduce.i16 v3
;;     v7 = insertlane v5, v6, 1
;;     v8 = bitcast.i8x16 little v7
;;     return v8
;;   x86-64
;;     pinsrw $0x1, %edx, %xmm0
;;     retq
;; i32x4.replace_lane
;;   i32x4.replace_lane s0 1 s2 -> s3
;;   copy.v128 s3 -> s0
;;   return
;;   clif
;;     v5 = bitcast.i32x4 little v2
;;     v6 = insertlane v5, v3, 1
;;     v7 = bitcast.i8x16 little v6
;;     return v7
;;   x86-64
;;     pinsrd $0x1, %edx, %xmm0
;;     retq
;; i64x2.replace_lane
;;   i64x2.replace_lane s0 1 s2 -> s3
;;   copy.v128 s3 -> s0
;;   return
;;   clif
;;     v5 = bitcast.i64x2 little v2
;;     v6 = insertlane v5, v3, 1
;;     v7 = bitcast.i8x16 little v6
;;     return v7
;;   x86-64
;;     pinsrq $0x1, %rdx, %xmm0
;;     retq
;; f32x4.replace_lane
;;   f32x4.replace_lane s0 1 s2 -> s3
;;   copy.v128 s3 -> s0
;;   return
;;   clif
;;     v5 = bitcast.f32x4 little v2
;;     v6 = insertlane v5, v3, 1
;;     v7 = bitcast.i8x16 little v6
;;     return v7
;;   x86-64
;;     insertps $0x10, %xmm1, %xmm0
;;     retq
;; f64x2.replace_lane
;;   f64x2.replace_lane s0 1 s2 -> s3
;;   copy.v128 s3 -> s0
;;   return
;;   clif
;;     v5 = bitcast.f64x2 little v2
;;     v6 = insertlane v5, v3, 1
;;     v7 = bitcast.i8x16 little v6
;;     return v7
;;   x86-64
;;     movlhps %xmm1, %xmm0
;;     retq
;; i8x16.shuffle
;;   i8x16.shuffle s0 s2 -> s4
;;   copy.v128 s4 -> s0
;;   return
;;   clif
;;     v5 = shuffle v2, v3, 0x1f1e1d1c1b1a19180706050403020100
;;     return v5
;;   x86-64
;;     pblendw $0xf0, %xmm1, %xmm0
;;     retq
;; v128.const
;;   v128.const 0x00000004000000030000000200000001 -> s0
;;   return
;;   clif
;;     v3 = vconst.i8x16 const0
;;     return v3  ; v3 = const0
;;   x86-64
;;     movdqu (%rip), %xmm0
;;     retq
;; result_to_local
;;   i32x4.add s0 s0 -> s2 (s0)
;;   return
;;   clif
;;     v3 = bitcast.i32x4 little v2
;;     v4 = bitcast.i32x4 little v2
;;     v5 = iadd v3, v4
;;     v6 = bitcast.i8x16 little v5
;;     return
;;   x86-64
;;     retq
;; select
;;   select.v128 s0 s2 s4 -> s5
;;   copy.v128 s5 -> s0
;;   return
;;   clif
;;     v6 = select v4, v2, v3
;;     return v6
;;   x86-64
;;     testl %edx, %edx
;;     movdqa %xmm0, %xmm6
;;     movdqa %xmm1, %xmm0
;;     movdqa %xmm0, %xmm0; jz $next; movdqa %xmm6, %xmm0; $next:
;;     retq
;; tee
;;   v128.not s0 -> s2 (s0)
;;   v128.not s0 -> s2
;;   copy.v128 s2 -> s0
;;   return
;;   clif
;;     v4 = bnot v2
;;     v5 = bnot v4
;;     return v5
;;   x86-64
;;     retq
