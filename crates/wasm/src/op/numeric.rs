//! The rows of the scalar numeric operations: unary, convert, binary, compare and wide arithmetic. No other place lists
//! these operations: `op.rs` generates the enums from the rows, `sem.rs` the evaluators, and every tier its dispatch.
//! Core specification, chapter "Numeric Instructions", and the wide-arithmetic proposal.

/// Scalar operations of one operand, from integer to integer or from float to float
/// (core specification, "Numeric Instructions": _unop_ and _testop_).
///
/// Row: `Token meaning "text" (operand) -> result gas;`
#[macro_export]
macro_rules! unary_ops {
    ($($callback:ident)::+ $(, $($extra:tt)*)?) => { $($callback)::+! { $($($extra)*)?
        I32Eqz        i32_eqz         "i32.eqz"         (i32) -> i32   59;
        I64Eqz        i64_eqz         "i64.eqz"         (i64) -> i32   70;
        I32Clz        i32_clz         "i32.clz"         (i32) -> i32   93;
        I32Ctz        i32_ctz         "i32.ctz"         (i32) -> i32   94;
        I32Popcnt     i32_popcnt      "i32.popcnt"      (i32) -> i32   95;
        I64Clz        i64_clz         "i64.clz"         (i64) -> i64  111;
        I64Ctz        i64_ctz         "i64.ctz"         (i64) -> i64  112;
        I64Popcnt     i64_popcnt      "i64.popcnt"      (i64) -> i64  113;
        F32Abs        f32_abs         "f32.abs"         (f32) -> f32  129;
        F32Neg        f32_neg         "f32.neg"         (f32) -> f32  130;
        F32Ceil       f32_ceil        "f32.ceil"        (f32) -> f32  131;
        F32Floor      f32_floor       "f32.floor"       (f32) -> f32  132;
        F32Trunc      f32_trunc       "f32.trunc"       (f32) -> f32  133;
        F32Nearest    f32_nearest     "f32.nearest"     (f32) -> f32  134;
        F32Sqrt       f32_sqrt        "f32.sqrt"        (f32) -> f32  135;
        F64Abs        f64_abs         "f64.abs"         (f64) -> f64  143;
        F64Neg        f64_neg         "f64.neg"         (f64) -> f64  144;
        F64Ceil       f64_ceil        "f64.ceil"        (f64) -> f64  145;
        F64Floor      f64_floor       "f64.floor"       (f64) -> f64  146;
        F64Trunc      f64_trunc       "f64.trunc"       (f64) -> f64  147;
        F64Nearest    f64_nearest     "f64.nearest"     (f64) -> f64  148;
        F64Sqrt       f64_sqrt        "f64.sqrt"        (f64) -> f64  149;
        I32Extend8S   i32_extend8_s   "i32.extend8_s"   (i32) -> i32  182;
        I32Extend16S  i32_extend16_s  "i32.extend16_s"  (i32) -> i32  183;
        I64Extend8S   i64_extend8_s   "i64.extend8_s"   (i64) -> i64  184;
        I64Extend16S  i64_extend16_s  "i64.extend16_s"  (i64) -> i64  185;
        I64Extend32S  i64_extend32_s  "i64.extend32_s"  (i64) -> i64  186;
    } };
}

/// Scalar conversions between types: wrap, extend, truncate, convert, demote, promote, reinterpret
/// (core specification, "Numeric Instructions": _cvtop_).
///
/// Row: `Token meaning "text" (operand) -> result gas;`
#[macro_export]
macro_rules! convert_ops {
    ($($callback:ident)::+ $(, $($extra:tt)*)?) => { $($callback)::+! { $($($extra)*)?
        I32WrapI64         i32_wrap_i64         "i32.wrap_i64"         (i64) -> i32  157;
        I32TruncF32S       i32_trunc_f32_s      "i32.trunc_f32_s"      (f32) -> i32  158;
        I32TruncF32U       i32_trunc_f32_u      "i32.trunc_f32_u"      (f32) -> i32  159;
        I32TruncF64S       i32_trunc_f64_s      "i32.trunc_f64_s"      (f64) -> i32  160;
        I32TruncF64U       i32_trunc_f64_u      "i32.trunc_f64_u"      (f64) -> i32  161;
        I64ExtendI32S      i64_extend_i32_s     "i64.extend_i32_s"     (i32) -> i64  162;
        I64ExtendI32U      i64_extend_i32_u     "i64.extend_i32_u"     (i32) -> i64  163;
        I64TruncF32S       i64_trunc_f32_s      "i64.trunc_f32_s"      (f32) -> i64  164;
        I64TruncF32U       i64_trunc_f32_u      "i64.trunc_f32_u"      (f32) -> i64  165;
        I64TruncF64S       i64_trunc_f64_s      "i64.trunc_f64_s"      (f64) -> i64  166;
        I64TruncF64U       i64_trunc_f64_u      "i64.trunc_f64_u"      (f64) -> i64  167;
        F32ConvertI32S     f32_convert_i32_s    "f32.convert_i32_s"    (i32) -> f32  168;
        F32ConvertI32U     f32_convert_i32_u    "f32.convert_i32_u"    (i32) -> f32  169;
        F32ConvertI64S     f32_convert_i64_s    "f32.convert_i64_s"    (i64) -> f32  170;
        F32ConvertI64U     f32_convert_i64_u    "f32.convert_i64_u"    (i64) -> f32  171;
        F32DemoteF64       f32_demote_f64       "f32.demote_f64"       (f64) -> f32  172;
        F64ConvertI32S     f64_convert_i32_s    "f64.convert_i32_s"    (i32) -> f64  173;
        F64ConvertI32U     f64_convert_i32_u    "f64.convert_i32_u"    (i32) -> f64  174;
        F64ConvertI64S     f64_convert_i64_s    "f64.convert_i64_s"    (i64) -> f64  175;
        F64ConvertI64U     f64_convert_i64_u    "f64.convert_i64_u"    (i64) -> f64  176;
        F64PromoteF32      f64_promote_f32      "f64.promote_f32"      (f32) -> f64  177;
        I32ReinterpretF32  i32_reinterpret_f32  "i32.reinterpret_f32"  (f32) -> i32  178;
        I64ReinterpretF64  i64_reinterpret_f64  "i64.reinterpret_f64"  (f64) -> i64  179;
        F32ReinterpretI32  f32_reinterpret_i32  "f32.reinterpret_i32"  (i32) -> f32  180;
        F64ReinterpretI64  f64_reinterpret_i64  "f64.reinterpret_i64"  (i64) -> f64  181;
        I32TruncSatF32S    i32_trunc_sat_f32_s  "i32.trunc_sat_f32_s"  (f32) -> i32  225;
        I32TruncSatF32U    i32_trunc_sat_f32_u  "i32.trunc_sat_f32_u"  (f32) -> i32  226;
        I32TruncSatF64S    i32_trunc_sat_f64_s  "i32.trunc_sat_f64_s"  (f64) -> i32  227;
        I32TruncSatF64U    i32_trunc_sat_f64_u  "i32.trunc_sat_f64_u"  (f64) -> i32  228;
        I64TruncSatF32S    i64_trunc_sat_f32_s  "i64.trunc_sat_f32_s"  (f32) -> i64  229;
        I64TruncSatF32U    i64_trunc_sat_f32_u  "i64.trunc_sat_f32_u"  (f32) -> i64  230;
        I64TruncSatF64S    i64_trunc_sat_f64_s  "i64.trunc_sat_f64_s"  (f64) -> i64  231;
        I64TruncSatF64U    i64_trunc_sat_f64_u  "i64.trunc_sat_f64_u"  (f64) -> i64  232;
    } };
}

/// Scalar operations of two operands: integer and float arithmetic, bitwise operations, shifts and rotates
/// (core specification, "Numeric Instructions": _binop_).
///
/// Row: `Token meaning "text" (operand, operand) -> result gas;`
#[macro_export]
macro_rules! binary_ops {
    ($($callback:ident)::+ $(, $($extra:tt)*)?) => { $($callback)::+! { $($($extra)*)?
        I32Add       i32_add       "i32.add"       (i32, i32) -> i32   96;
        I32Sub       i32_sub       "i32.sub"       (i32, i32) -> i32   97;
        I32Mul       i32_mul       "i32.mul"       (i32, i32) -> i32   98;
        I32DivS      i32_div_s     "i32.div_s"     (i32, i32) -> i32   99;
        I32DivU      i32_div_u     "i32.div_u"     (i32, i32) -> i32  100;
        I32RemS      i32_rem_s     "i32.rem_s"     (i32, i32) -> i32  101;
        I32RemU      i32_rem_u     "i32.rem_u"     (i32, i32) -> i32  102;
        I32And       i32_and       "i32.and"       (i32, i32) -> i32  103;
        I32Or        i32_or        "i32.or"        (i32, i32) -> i32  104;
        I32Xor       i32_xor       "i32.xor"       (i32, i32) -> i32  105;
        I32Shl       i32_shl       "i32.shl"       (i32, i32) -> i32  106;
        I32ShrS      i32_shr_s     "i32.shr_s"     (i32, i32) -> i32  107;
        I32ShrU      i32_shr_u     "i32.shr_u"     (i32, i32) -> i32  108;
        I32Rotl      i32_rotl      "i32.rotl"      (i32, i32) -> i32  109;
        I32Rotr      i32_rotr      "i32.rotr"      (i32, i32) -> i32  110;
        I64Add       i64_add       "i64.add"       (i64, i64) -> i64  114;
        I64Sub       i64_sub       "i64.sub"       (i64, i64) -> i64  115;
        I64Mul       i64_mul       "i64.mul"       (i64, i64) -> i64  116;
        I64DivS      i64_div_s     "i64.div_s"     (i64, i64) -> i64  117;
        I64DivU      i64_div_u     "i64.div_u"     (i64, i64) -> i64  118;
        I64RemS      i64_rem_s     "i64.rem_s"     (i64, i64) -> i64  119;
        I64RemU      i64_rem_u     "i64.rem_u"     (i64, i64) -> i64  120;
        I64And       i64_and       "i64.and"       (i64, i64) -> i64  121;
        I64Or        i64_or        "i64.or"        (i64, i64) -> i64  122;
        I64Xor       i64_xor       "i64.xor"       (i64, i64) -> i64  123;
        I64Shl       i64_shl       "i64.shl"       (i64, i64) -> i64  124;
        I64ShrS      i64_shr_s     "i64.shr_s"     (i64, i64) -> i64  125;
        I64ShrU      i64_shr_u     "i64.shr_u"     (i64, i64) -> i64  126;
        I64Rotl      i64_rotl      "i64.rotl"      (i64, i64) -> i64  127;
        I64Rotr      i64_rotr      "i64.rotr"      (i64, i64) -> i64  128;
        F32Add       f32_add       "f32.add"       (f32, f32) -> f32  136;
        F32Sub       f32_sub       "f32.sub"       (f32, f32) -> f32  137;
        F32Mul       f32_mul       "f32.mul"       (f32, f32) -> f32  138;
        F32Div       f32_div       "f32.div"       (f32, f32) -> f32  139;
        F32Min       f32_min       "f32.min"       (f32, f32) -> f32  140;
        F32Max       f32_max       "f32.max"       (f32, f32) -> f32  141;
        F32Copysign  f32_copysign  "f32.copysign"  (f32, f32) -> f32  142;
        F64Add       f64_add       "f64.add"       (f64, f64) -> f64  150;
        F64Sub       f64_sub       "f64.sub"       (f64, f64) -> f64  151;
        F64Mul       f64_mul       "f64.mul"       (f64, f64) -> f64  152;
        F64Div       f64_div       "f64.div"       (f64, f64) -> f64  153;
        F64Min       f64_min       "f64.min"       (f64, f64) -> f64  154;
        F64Max       f64_max       "f64.max"       (f64, f64) -> f64  155;
        F64Copysign  f64_copysign  "f64.copysign"  (f64, f64) -> f64  156;
    } };
}

/// Scalar comparisons; the result is an `i32`, 0 or 1 (core specification, "Numeric Instructions": _relop_).
///
/// Row: `Token meaning "text" (operand, operand) -> result gas;`
#[macro_export]
macro_rules! compare_ops {
    ($($callback:ident)::+ $(, $($extra:tt)*)?) => { $($callback)::+! { $($($extra)*)?
        I32Eq   i32_eq    "i32.eq"    (i32, i32) -> i32   60;
        I32Ne   i32_ne    "i32.ne"    (i32, i32) -> i32   61;
        I32LtS  i32_lt_s  "i32.lt_s"  (i32, i32) -> i32   62;
        I32LtU  i32_lt_u  "i32.lt_u"  (i32, i32) -> i32   63;
        I32GtS  i32_gt_s  "i32.gt_s"  (i32, i32) -> i32   64;
        I32GtU  i32_gt_u  "i32.gt_u"  (i32, i32) -> i32   65;
        I32LeS  i32_le_s  "i32.le_s"  (i32, i32) -> i32   66;
        I32LeU  i32_le_u  "i32.le_u"  (i32, i32) -> i32   67;
        I32GeS  i32_ge_s  "i32.ge_s"  (i32, i32) -> i32   68;
        I32GeU  i32_ge_u  "i32.ge_u"  (i32, i32) -> i32   69;
        I64Eq   i64_eq    "i64.eq"    (i64, i64) -> i32   71;
        I64Ne   i64_ne    "i64.ne"    (i64, i64) -> i32   72;
        I64LtS  i64_lt_s  "i64.lt_s"  (i64, i64) -> i32   73;
        I64LtU  i64_lt_u  "i64.lt_u"  (i64, i64) -> i32   74;
        I64GtS  i64_gt_s  "i64.gt_s"  (i64, i64) -> i32   75;
        I64GtU  i64_gt_u  "i64.gt_u"  (i64, i64) -> i32   76;
        I64LeS  i64_le_s  "i64.le_s"  (i64, i64) -> i32   77;
        I64LeU  i64_le_u  "i64.le_u"  (i64, i64) -> i32   78;
        I64GeS  i64_ge_s  "i64.ge_s"  (i64, i64) -> i32   79;
        I64GeU  i64_ge_u  "i64.ge_u"  (i64, i64) -> i32   80;
        F32Eq   f32_eq    "f32.eq"    (f32, f32) -> i32   81;
        F32Ne   f32_ne    "f32.ne"    (f32, f32) -> i32   82;
        F32Lt   f32_lt    "f32.lt"    (f32, f32) -> i32   83;
        F32Gt   f32_gt    "f32.gt"    (f32, f32) -> i32   84;
        F32Le   f32_le    "f32.le"    (f32, f32) -> i32   85;
        F32Ge   f32_ge    "f32.ge"    (f32, f32) -> i32   86;
        F64Eq   f64_eq    "f64.eq"    (f64, f64) -> i32   87;
        F64Ne   f64_ne    "f64.ne"    (f64, f64) -> i32   88;
        F64Lt   f64_lt    "f64.lt"    (f64, f64) -> i32   89;
        F64Gt   f64_gt    "f64.gt"    (f64, f64) -> i32   90;
        F64Le   f64_le    "f64.le"    (f64, f64) -> i32   91;
        F64Ge   f64_ge    "f64.ge"    (f64, f64) -> i32   92;
    } };
}

/// 128-bit integer arithmetic on pairs of `i64`, low half first (wide-arithmetic proposal).
/// The number of operands differs between rows. WasmEdge has no gas indices for them; these follow its last index.
///
/// Row: `Token meaning "text" (operand, ...) -> (i64, i64) gas;`
#[macro_export]
macro_rules! wide_ops {
    ($($callback:ident)::+ $(, $($extra:tt)*)?) => { $($callback)::+! { $($($extra)*)?
        I64Add128    i64_add128      "i64.add128"      (i64, i64, i64, i64) -> (i64, i64)  566;
        I64Sub128    i64_sub128      "i64.sub128"      (i64, i64, i64, i64) -> (i64, i64)  567;
        I64MulWideS  i64_mul_wide_s  "i64.mul_wide_s"  (i64, i64) -> (i64, i64)            568;
        I64MulWideU  i64_mul_wide_u  "i64.mul_wide_u"  (i64, i64) -> (i64, i64)            569;
    } };
}
