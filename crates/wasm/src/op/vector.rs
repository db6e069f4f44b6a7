//! The rows of the vector operations, with one family per signature. `i8x16.shuffle` and `v128.const` have a vector as
//! immediate and are structural operations. The use of the rows is the same as in `numeric.rs`. Core specification,
//! chapter "Vector Instructions".

/// Vector operations of one vector (core specification, "Vector Instructions": _vunop_, _vextunop_, _vcvtop_).
///
/// Row: `Token meaning "text" (V128) -> V128 gas;`
#[macro_export]
macro_rules! vector_unary_ops {
    ($($callback:ident)::+ $(, $($extra:tt)*)?) => { $($callback)::+! { $($($extra)*)?
        V128Not                    v128_not                       "v128.not"                       (V128) -> V128  320;
        F32x4DemoteF64x2Zero       f32x4_demote_f64x2_zero        "f32x4.demote_f64x2_zero"        (V128) -> V128  337;
        F64x2PromoteLowF32x4       f64x2_promote_low_f32x4        "f64x2.promote_low_f32x4"        (V128) -> V128  338;
        I8x16Abs                   i8x16_abs                      "i8x16.abs"                      (V128) -> V128  339;
        I8x16Neg                   i8x16_neg                      "i8x16.neg"                      (V128) -> V128  340;
        I8x16Popcnt                i8x16_popcnt                   "i8x16.popcnt"                   (V128) -> V128  341;
        F32x4Ceil                  f32x4_ceil                     "f32x4.ceil"                     (V128) -> V128  346;
        F32x4Floor                 f32x4_floor                    "f32x4.floor"                    (V128) -> V128  347;
        F32x4Trunc                 f32x4_trunc                    "f32x4.trunc"                    (V128) -> V128  348;
        F32x4Nearest               f32x4_nearest                  "f32x4.nearest"                  (V128) -> V128  349;
        F64x2Ceil                  f64x2_ceil                     "f64x2.ceil"                     (V128) -> V128  359;
        F64x2Floor                 f64x2_floor                    "f64x2.floor"                    (V128) -> V128  360;
        F64x2Trunc                 f64x2_trunc                    "f64x2.trunc"                    (V128) -> V128  365;
        I16x8ExtAddPairwiseI8x16S  i16x8_extadd_pairwise_i8x16_s  "i16x8.extadd_pairwise_i8x16_s"  (V128) -> V128  367;
        I16x8ExtAddPairwiseI8x16U  i16x8_extadd_pairwise_i8x16_u  "i16x8.extadd_pairwise_i8x16_u"  (V128) -> V128  368;
        I32x4ExtAddPairwiseI16x8S  i32x4_extadd_pairwise_i16x8_s  "i32x4.extadd_pairwise_i16x8_s"  (V128) -> V128  369;
        I32x4ExtAddPairwiseI16x8U  i32x4_extadd_pairwise_i16x8_u  "i32x4.extadd_pairwise_i16x8_u"  (V128) -> V128  370;
        I16x8Abs                   i16x8_abs                      "i16x8.abs"                      (V128) -> V128  371;
        I16x8Neg                   i16x8_neg                      "i16x8.neg"                      (V128) -> V128  372;
        I16x8ExtendLowI8x16S       i16x8_extend_low_i8x16_s       "i16x8.extend_low_i8x16_s"       (V128) -> V128  378;
        I16x8ExtendHighI8x16S      i16x8_extend_high_i8x16_s      "i16x8.extend_high_i8x16_s"      (V128) -> V128  379;
        I16x8ExtendLowI8x16U       i16x8_extend_low_i8x16_u       "i16x8.extend_low_i8x16_u"       (V128) -> V128  380;
        I16x8ExtendHighI8x16U      i16x8_extend_high_i8x16_u      "i16x8.extend_high_i8x16_u"      (V128) -> V128  381;
        F64x2Nearest               f64x2_nearest                  "f64x2.nearest"                  (V128) -> V128  391;
        I32x4Abs                   i32x4_abs                      "i32x4.abs"                      (V128) -> V128  402;
        I32x4Neg                   i32x4_neg                      "i32x4.neg"                      (V128) -> V128  403;
        I32x4ExtendLowI16x8S       i32x4_extend_low_i16x8_s       "i32x4.extend_low_i16x8_s"       (V128) -> V128  406;
        I32x4ExtendHighI16x8S      i32x4_extend_high_i16x8_s      "i32x4.extend_high_i16x8_s"      (V128) -> V128  407;
        I32x4ExtendLowI16x8U       i32x4_extend_low_i16x8_u       "i32x4.extend_low_i16x8_u"       (V128) -> V128  408;
        I32x4ExtendHighI16x8U      i32x4_extend_high_i16x8_u      "i32x4.extend_high_i16x8_u"      (V128) -> V128  409;
        I64x2Abs                   i64x2_abs                      "i64x2.abs"                      (V128) -> V128  425;
        I64x2Neg                   i64x2_neg                      "i64x2.neg"                      (V128) -> V128  426;
        I64x2ExtendLowI32x4S       i64x2_extend_low_i32x4_s       "i64x2.extend_low_i32x4_s"       (V128) -> V128  429;
        I64x2ExtendHighI32x4S      i64x2_extend_high_i32x4_s      "i64x2.extend_high_i32x4_s"      (V128) -> V128  430;
        I64x2ExtendLowI32x4U       i64x2_extend_low_i32x4_u       "i64x2.extend_low_i32x4_u"       (V128) -> V128  431;
        I64x2ExtendHighI32x4U      i64x2_extend_high_i32x4_u      "i64x2.extend_high_i32x4_u"      (V128) -> V128  432;
        F32x4Abs                   f32x4_abs                      "f32x4.abs"                      (V128) -> V128  449;
        F32x4Neg                   f32x4_neg                      "f32x4.neg"                      (V128) -> V128  450;
        F32x4Sqrt                  f32x4_sqrt                     "f32x4.sqrt"                     (V128) -> V128  451;
        F64x2Abs                   f64x2_abs                      "f64x2.abs"                      (V128) -> V128  460;
        F64x2Neg                   f64x2_neg                      "f64x2.neg"                      (V128) -> V128  461;
        F64x2Sqrt                  f64x2_sqrt                     "f64x2.sqrt"                     (V128) -> V128  462;
        I32x4TruncSatF32x4S        i32x4_trunc_sat_f32x4_s        "i32x4.trunc_sat_f32x4_s"        (V128) -> V128  471;
        I32x4TruncSatF32x4U        i32x4_trunc_sat_f32x4_u        "i32x4.trunc_sat_f32x4_u"        (V128) -> V128  472;
        F32x4ConvertI32x4S         f32x4_convert_i32x4_s          "f32x4.convert_i32x4_s"          (V128) -> V128  473;
        F32x4ConvertI32x4U         f32x4_convert_i32x4_u          "f32x4.convert_i32x4_u"          (V128) -> V128  474;
        I32x4TruncSatF64x2SZero    i32x4_trunc_sat_f64x2_s_zero   "i32x4.trunc_sat_f64x2_s_zero"   (V128) -> V128  475;
        I32x4TruncSatF64x2UZero    i32x4_trunc_sat_f64x2_u_zero   "i32x4.trunc_sat_f64x2_u_zero"   (V128) -> V128  476;
        F64x2ConvertLowI32x4S      f64x2_convert_low_i32x4_s      "f64x2.convert_low_i32x4_s"      (V128) -> V128  477;
        F64x2ConvertLowI32x4U      f64x2_convert_low_i32x4_u      "f64x2.convert_low_i32x4_u"      (V128) -> V128  478;
    } };
}

/// Vector operations of two vectors: lane-wise arithmetic and comparisons, bitwise operations, swizzle, narrow,
/// extmul, dot (core specification, "Vector Instructions": _vbinop_, _vrelop_, _vextbinop_).
///
/// Row: `Token meaning "text" (V128, V128) -> V128 gas;`
#[macro_export]
macro_rules! vector_binary_ops {
    ($($callback:ident)::+ $(, $($extra:tt)*)?) => { $($callback)::+! { $($($extra)*)?
        I8x16Swizzle           i8x16_swizzle              "i8x16.swizzle"              (V128, V128) -> V128  257;
        I8x16Eq                i8x16_eq                   "i8x16.eq"                   (V128, V128) -> V128  278;
        I8x16Ne                i8x16_ne                   "i8x16.ne"                   (V128, V128) -> V128  279;
        I8x16LtS               i8x16_lt_s                 "i8x16.lt_s"                 (V128, V128) -> V128  280;
        I8x16LtU               i8x16_lt_u                 "i8x16.lt_u"                 (V128, V128) -> V128  281;
        I8x16GtS               i8x16_gt_s                 "i8x16.gt_s"                 (V128, V128) -> V128  282;
        I8x16GtU               i8x16_gt_u                 "i8x16.gt_u"                 (V128, V128) -> V128  283;
        I8x16LeS               i8x16_le_s                 "i8x16.le_s"                 (V128, V128) -> V128  284;
        I8x16LeU               i8x16_le_u                 "i8x16.le_u"                 (V128, V128) -> V128  285;
        I8x16GeS               i8x16_ge_s                 "i8x16.ge_s"                 (V128, V128) -> V128  286;
        I8x16GeU               i8x16_ge_u                 "i8x16.ge_u"                 (V128, V128) -> V128  287;
        I16x8Eq                i16x8_eq                   "i16x8.eq"                   (V128, V128) -> V128  288;
        I16x8Ne                i16x8_ne                   "i16x8.ne"                   (V128, V128) -> V128  289;
        I16x8LtS               i16x8_lt_s                 "i16x8.lt_s"                 (V128, V128) -> V128  290;
        I16x8LtU               i16x8_lt_u                 "i16x8.lt_u"                 (V128, V128) -> V128  291;
        I16x8GtS               i16x8_gt_s                 "i16x8.gt_s"                 (V128, V128) -> V128  292;
        I16x8GtU               i16x8_gt_u                 "i16x8.gt_u"                 (V128, V128) -> V128  293;
        I16x8LeS               i16x8_le_s                 "i16x8.le_s"                 (V128, V128) -> V128  294;
        I16x8LeU               i16x8_le_u                 "i16x8.le_u"                 (V128, V128) -> V128  295;
        I16x8GeS               i16x8_ge_s                 "i16x8.ge_s"                 (V128, V128) -> V128  296;
        I16x8GeU               i16x8_ge_u                 "i16x8.ge_u"                 (V128, V128) -> V128  297;
        I32x4Eq                i32x4_eq                   "i32x4.eq"                   (V128, V128) -> V128  298;
        I32x4Ne                i32x4_ne                   "i32x4.ne"                   (V128, V128) -> V128  299;
        I32x4LtS               i32x4_lt_s                 "i32x4.lt_s"                 (V128, V128) -> V128  300;
        I32x4LtU               i32x4_lt_u                 "i32x4.lt_u"                 (V128, V128) -> V128  301;
        I32x4GtS               i32x4_gt_s                 "i32x4.gt_s"                 (V128, V128) -> V128  302;
        I32x4GtU               i32x4_gt_u                 "i32x4.gt_u"                 (V128, V128) -> V128  303;
        I32x4LeS               i32x4_le_s                 "i32x4.le_s"                 (V128, V128) -> V128  304;
        I32x4LeU               i32x4_le_u                 "i32x4.le_u"                 (V128, V128) -> V128  305;
        I32x4GeS               i32x4_ge_s                 "i32x4.ge_s"                 (V128, V128) -> V128  306;
        I32x4GeU               i32x4_ge_u                 "i32x4.ge_u"                 (V128, V128) -> V128  307;
        F32x4Eq                f32x4_eq                   "f32x4.eq"                   (V128, V128) -> V128  308;
        F32x4Ne                f32x4_ne                   "f32x4.ne"                   (V128, V128) -> V128  309;
        F32x4Lt                f32x4_lt                   "f32x4.lt"                   (V128, V128) -> V128  310;
        F32x4Gt                f32x4_gt                   "f32x4.gt"                   (V128, V128) -> V128  311;
        F32x4Le                f32x4_le                   "f32x4.le"                   (V128, V128) -> V128  312;
        F32x4Ge                f32x4_ge                   "f32x4.ge"                   (V128, V128) -> V128  313;
        F64x2Eq                f64x2_eq                   "f64x2.eq"                   (V128, V128) -> V128  314;
        F64x2Ne                f64x2_ne                   "f64x2.ne"                   (V128, V128) -> V128  315;
        F64x2Lt                f64x2_lt                   "f64x2.lt"                   (V128, V128) -> V128  316;
        F64x2Gt                f64x2_gt                   "f64x2.gt"                   (V128, V128) -> V128  317;
        F64x2Le                f64x2_le                   "f64x2.le"                   (V128, V128) -> V128  318;
        F64x2Ge                f64x2_ge                   "f64x2.ge"                   (V128, V128) -> V128  319;
        V128And                v128_and                   "v128.and"                   (V128, V128) -> V128  321;
        V128AndNot             v128_andnot                "v128.andnot"                (V128, V128) -> V128  322;
        V128Or                 v128_or                    "v128.or"                    (V128, V128) -> V128  323;
        V128Xor                v128_xor                   "v128.xor"                   (V128, V128) -> V128  324;
        I8x16NarrowI16x8S      i8x16_narrow_i16x8_s       "i8x16.narrow_i16x8_s"       (V128, V128) -> V128  344;
        I8x16NarrowI16x8U      i8x16_narrow_i16x8_u       "i8x16.narrow_i16x8_u"       (V128, V128) -> V128  345;
        I8x16Add               i8x16_add                  "i8x16.add"                  (V128, V128) -> V128  353;
        I8x16AddSatS           i8x16_add_sat_s            "i8x16.add_sat_s"            (V128, V128) -> V128  354;
        I8x16AddSatU           i8x16_add_sat_u            "i8x16.add_sat_u"            (V128, V128) -> V128  355;
        I8x16Sub               i8x16_sub                  "i8x16.sub"                  (V128, V128) -> V128  356;
        I8x16SubSatS           i8x16_sub_sat_s            "i8x16.sub_sat_s"            (V128, V128) -> V128  357;
        I8x16SubSatU           i8x16_sub_sat_u            "i8x16.sub_sat_u"            (V128, V128) -> V128  358;
        I8x16MinS              i8x16_min_s                "i8x16.min_s"                (V128, V128) -> V128  361;
        I8x16MinU              i8x16_min_u                "i8x16.min_u"                (V128, V128) -> V128  362;
        I8x16MaxS              i8x16_max_s                "i8x16.max_s"                (V128, V128) -> V128  363;
        I8x16MaxU              i8x16_max_u                "i8x16.max_u"                (V128, V128) -> V128  364;
        I8x16AvgrU             i8x16_avgr_u               "i8x16.avgr_u"               (V128, V128) -> V128  366;
        I16x8Q15MulrSatS       i16x8_q15mulr_sat_s        "i16x8.q15mulr_sat_s"        (V128, V128) -> V128  373;
        I16x8NarrowI32x4S      i16x8_narrow_i32x4_s       "i16x8.narrow_i32x4_s"       (V128, V128) -> V128  376;
        I16x8NarrowI32x4U      i16x8_narrow_i32x4_u       "i16x8.narrow_i32x4_u"       (V128, V128) -> V128  377;
        I16x8Add               i16x8_add                  "i16x8.add"                  (V128, V128) -> V128  385;
        I16x8AddSatS           i16x8_add_sat_s            "i16x8.add_sat_s"            (V128, V128) -> V128  386;
        I16x8AddSatU           i16x8_add_sat_u            "i16x8.add_sat_u"            (V128, V128) -> V128  387;
        I16x8Sub               i16x8_sub                  "i16x8.sub"                  (V128, V128) -> V128  388;
        I16x8SubSatS           i16x8_sub_sat_s            "i16x8.sub_sat_s"            (V128, V128) -> V128  389;
        I16x8SubSatU           i16x8_sub_sat_u            "i16x8.sub_sat_u"            (V128, V128) -> V128  390;
        I16x8Mul               i16x8_mul                  "i16x8.mul"                  (V128, V128) -> V128  392;
        I16x8MinS              i16x8_min_s                "i16x8.min_s"                (V128, V128) -> V128  393;
        I16x8MinU              i16x8_min_u                "i16x8.min_u"                (V128, V128) -> V128  394;
        I16x8MaxS              i16x8_max_s                "i16x8.max_s"                (V128, V128) -> V128  395;
        I16x8MaxU              i16x8_max_u                "i16x8.max_u"                (V128, V128) -> V128  396;
        I16x8AvgrU             i16x8_avgr_u               "i16x8.avgr_u"               (V128, V128) -> V128  397;
        I16x8ExtMulLowI8x16S   i16x8_extmul_low_i8x16_s   "i16x8.extmul_low_i8x16_s"   (V128, V128) -> V128  398;
        I16x8ExtMulHighI8x16S  i16x8_extmul_high_i8x16_s  "i16x8.extmul_high_i8x16_s"  (V128, V128) -> V128  399;
        I16x8ExtMulLowI8x16U   i16x8_extmul_low_i8x16_u   "i16x8.extmul_low_i8x16_u"   (V128, V128) -> V128  400;
        I16x8ExtMulHighI8x16U  i16x8_extmul_high_i8x16_u  "i16x8.extmul_high_i8x16_u"  (V128, V128) -> V128  401;
        I32x4Add               i32x4_add                  "i32x4.add"                  (V128, V128) -> V128  413;
        I32x4Sub               i32x4_sub                  "i32x4.sub"                  (V128, V128) -> V128  414;
        I32x4Mul               i32x4_mul                  "i32x4.mul"                  (V128, V128) -> V128  415;
        I32x4MinS              i32x4_min_s                "i32x4.min_s"                (V128, V128) -> V128  416;
        I32x4MinU              i32x4_min_u                "i32x4.min_u"                (V128, V128) -> V128  417;
        I32x4MaxS              i32x4_max_s                "i32x4.max_s"                (V128, V128) -> V128  418;
        I32x4MaxU              i32x4_max_u                "i32x4.max_u"                (V128, V128) -> V128  419;
        I32x4DotI16x8S         i32x4_dot_i16x8_s          "i32x4.dot_i16x8_s"          (V128, V128) -> V128  420;
        I32x4ExtMulLowI16x8S   i32x4_extmul_low_i16x8_s   "i32x4.extmul_low_i16x8_s"   (V128, V128) -> V128  421;
        I32x4ExtMulHighI16x8S  i32x4_extmul_high_i16x8_s  "i32x4.extmul_high_i16x8_s"  (V128, V128) -> V128  422;
        I32x4ExtMulLowI16x8U   i32x4_extmul_low_i16x8_u   "i32x4.extmul_low_i16x8_u"   (V128, V128) -> V128  423;
        I32x4ExtMulHighI16x8U  i32x4_extmul_high_i16x8_u  "i32x4.extmul_high_i16x8_u"  (V128, V128) -> V128  424;
        I64x2Add               i64x2_add                  "i64x2.add"                  (V128, V128) -> V128  436;
        I64x2Sub               i64x2_sub                  "i64x2.sub"                  (V128, V128) -> V128  437;
        I64x2Mul               i64x2_mul                  "i64x2.mul"                  (V128, V128) -> V128  438;
        I64x2Eq                i64x2_eq                   "i64x2.eq"                   (V128, V128) -> V128  439;
        I64x2Ne                i64x2_ne                   "i64x2.ne"                   (V128, V128) -> V128  440;
        I64x2LtS               i64x2_lt_s                 "i64x2.lt_s"                 (V128, V128) -> V128  441;
        I64x2GtS               i64x2_gt_s                 "i64x2.gt_s"                 (V128, V128) -> V128  442;
        I64x2LeS               i64x2_le_s                 "i64x2.le_s"                 (V128, V128) -> V128  443;
        I64x2GeS               i64x2_ge_s                 "i64x2.ge_s"                 (V128, V128) -> V128  444;
        I64x2ExtMulLowI32x4S   i64x2_extmul_low_i32x4_s   "i64x2.extmul_low_i32x4_s"   (V128, V128) -> V128  445;
        I64x2ExtMulHighI32x4S  i64x2_extmul_high_i32x4_s  "i64x2.extmul_high_i32x4_s"  (V128, V128) -> V128  446;
        I64x2ExtMulLowI32x4U   i64x2_extmul_low_i32x4_u   "i64x2.extmul_low_i32x4_u"   (V128, V128) -> V128  447;
        I64x2ExtMulHighI32x4U  i64x2_extmul_high_i32x4_u  "i64x2.extmul_high_i32x4_u"  (V128, V128) -> V128  448;
        F32x4Add               f32x4_add                  "f32x4.add"                  (V128, V128) -> V128  452;
        F32x4Sub               f32x4_sub                  "f32x4.sub"                  (V128, V128) -> V128  453;
        F32x4Mul               f32x4_mul                  "f32x4.mul"                  (V128, V128) -> V128  454;
        F32x4Div               f32x4_div                  "f32x4.div"                  (V128, V128) -> V128  455;
        F32x4Min               f32x4_min                  "f32x4.min"                  (V128, V128) -> V128  456;
        F32x4Max               f32x4_max                  "f32x4.max"                  (V128, V128) -> V128  457;
        F32x4PMin              f32x4_pmin                 "f32x4.pmin"                 (V128, V128) -> V128  458;
        F32x4PMax              f32x4_pmax                 "f32x4.pmax"                 (V128, V128) -> V128  459;
        F64x2Add               f64x2_add                  "f64x2.add"                  (V128, V128) -> V128  463;
        F64x2Sub               f64x2_sub                  "f64x2.sub"                  (V128, V128) -> V128  464;
        F64x2Mul               f64x2_mul                  "f64x2.mul"                  (V128, V128) -> V128  465;
        F64x2Div               f64x2_div                  "f64x2.div"                  (V128, V128) -> V128  466;
        F64x2Min               f64x2_min                  "f64x2.min"                  (V128, V128) -> V128  467;
        F64x2Max               f64x2_max                  "f64x2.max"                  (V128, V128) -> V128  468;
        F64x2PMin              f64x2_pmin                 "f64x2.pmin"                 (V128, V128) -> V128  469;
        F64x2PMax              f64x2_pmax                 "f64x2.pmax"                 (V128, V128) -> V128  470;
    } };
}

/// Vector operations of three vectors (core specification, "Vector Instructions": _vvternop_).
///
/// Row: `Token meaning "text" (V128, V128, V128) -> V128 gas;`
#[macro_export]
macro_rules! vector_ternary_ops {
    ($($callback:ident)::+ $(, $($extra:tt)*)?) => { $($callback)::+! { $($($extra)*)?
        V128Bitselect  v128_bitselect  "v128.bitselect"  (V128, V128, V128) -> V128  325;
    } };
}

/// Tests and bit masks, from a vector to an `i32` (core specification, "Vector Instructions": _vtestop_ and bitmask).
///
/// Row: `Token meaning "text" (V128) -> i32 gas;`
#[macro_export]
macro_rules! vector_test_ops {
    ($($callback:ident)::+ $(, $($extra:tt)*)?) => { $($callback)::+! { $($($extra)*)?
        V128AnyTrue   v128_any_true   "v128.any_true"   (V128) -> i32  326;
        I8x16AllTrue  i8x16_all_true  "i8x16.all_true"  (V128) -> i32  342;
        I8x16Bitmask  i8x16_bitmask   "i8x16.bitmask"   (V128) -> i32  343;
        I16x8AllTrue  i16x8_all_true  "i16x8.all_true"  (V128) -> i32  374;
        I16x8Bitmask  i16x8_bitmask   "i16x8.bitmask"   (V128) -> i32  375;
        I32x4AllTrue  i32x4_all_true  "i32x4.all_true"  (V128) -> i32  404;
        I32x4Bitmask  i32x4_bitmask   "i32x4.bitmask"   (V128) -> i32  405;
        I64x2AllTrue  i64x2_all_true  "i64x2.all_true"  (V128) -> i32  427;
        I64x2Bitmask  i64x2_bitmask   "i64x2.bitmask"   (V128) -> i32  428;
    } };
}

/// Lane-wise shifts by a scalar amount modulo the lane width
/// (core specification, "Vector Instructions": _vishiftop_).
///
/// Row: `Token meaning "text" (V128, i32) -> V128 gas;`
#[macro_export]
macro_rules! vector_shift_ops {
    ($($callback:ident)::+ $(, $($extra:tt)*)?) => { $($callback)::+! { $($($extra)*)?
        I8x16Shl   i8x16_shl    "i8x16.shl"    (V128, i32) -> V128  350;
        I8x16ShrS  i8x16_shr_s  "i8x16.shr_s"  (V128, i32) -> V128  351;
        I8x16ShrU  i8x16_shr_u  "i8x16.shr_u"  (V128, i32) -> V128  352;
        I16x8Shl   i16x8_shl    "i16x8.shl"    (V128, i32) -> V128  382;
        I16x8ShrS  i16x8_shr_s  "i16x8.shr_s"  (V128, i32) -> V128  383;
        I16x8ShrU  i16x8_shr_u  "i16x8.shr_u"  (V128, i32) -> V128  384;
        I32x4Shl   i32x4_shl    "i32x4.shl"    (V128, i32) -> V128  410;
        I32x4ShrS  i32x4_shr_s  "i32x4.shr_s"  (V128, i32) -> V128  411;
        I32x4ShrU  i32x4_shr_u  "i32x4.shr_u"  (V128, i32) -> V128  412;
        I64x2Shl   i64x2_shl    "i64x2.shl"    (V128, i32) -> V128  433;
        I64x2ShrS  i64x2_shr_s  "i64x2.shr_s"  (V128, i32) -> V128  434;
        I64x2ShrU  i64x2_shr_u  "i64x2.shr_u"  (V128, i32) -> V128  435;
    } };
}

/// Copies of a scalar to every lane (core specification, "Vector Instructions": splat).
///
/// Row: `Token meaning "text" (operand) -> V128 gas;`
#[macro_export]
macro_rules! vector_splat_ops {
    ($($callback:ident)::+ $(, $($extra:tt)*)?) => { $($callback)::+! { $($($extra)*)?
        I8x16Splat  i8x16_splat  "i8x16.splat"  (i32) -> V128  258;
        I16x8Splat  i16x8_splat  "i16x8.splat"  (i32) -> V128  259;
        I32x4Splat  i32x4_splat  "i32x4.splat"  (i32) -> V128  260;
        I64x2Splat  i64x2_splat  "i64x2.splat"  (i64) -> V128  261;
        F32x4Splat  f32x4_splat  "f32x4.splat"  (f32) -> V128  262;
        F64x2Splat  f64x2_splat  "f64x2.splat"  (f64) -> V128  263;
    } };
}

/// Extractions of one lane as a scalar. `lane N` stands for the lane immediate; `N` is the number of lanes
/// (core specification, "Vector Instructions": extract_lane).
///
/// Row: `Token meaning "text" (V128, lane lanes) -> result gas;`
#[macro_export]
macro_rules! vector_extract_ops {
    ($($callback:ident)::+ $(, $($extra:tt)*)?) => { $($callback)::+! { $($($extra)*)?
        I8x16ExtractLaneS  i8x16_extract_lane_s  "i8x16.extract_lane_s"  (V128, lane 16) -> i32  264;
        I8x16ExtractLaneU  i8x16_extract_lane_u  "i8x16.extract_lane_u"  (V128, lane 16) -> i32  265;
        I16x8ExtractLaneS  i16x8_extract_lane_s  "i16x8.extract_lane_s"  (V128, lane 8) -> i32   267;
        I16x8ExtractLaneU  i16x8_extract_lane_u  "i16x8.extract_lane_u"  (V128, lane 8) -> i32   268;
        I32x4ExtractLane   i32x4_extract_lane    "i32x4.extract_lane"    (V128, lane 4) -> i32   270;
        I64x2ExtractLane   i64x2_extract_lane    "i64x2.extract_lane"    (V128, lane 2) -> i64   272;
        F32x4ExtractLane   f32x4_extract_lane    "f32x4.extract_lane"    (V128, lane 4) -> f32   274;
        F64x2ExtractLane   f64x2_extract_lane    "f64x2.extract_lane"    (V128, lane 2) -> f64   276;
    } };
}

/// Replacements of one lane by a scalar. `lane N` stands for the lane immediate; `N` is the number of lanes
/// (core specification, "Vector Instructions": replace_lane).
///
/// Row: `Token meaning "text" (V128, lane lanes, operand) -> V128 gas;`
#[macro_export]
macro_rules! vector_replace_ops {
    ($($callback:ident)::+ $(, $($extra:tt)*)?) => { $($callback)::+! { $($($extra)*)?
        I8x16ReplaceLane  i8x16_replace_lane  "i8x16.replace_lane"  (V128, lane 16, i32) -> V128  266;
        I16x8ReplaceLane  i16x8_replace_lane  "i16x8.replace_lane"  (V128, lane 8, i32) -> V128   269;
        I32x4ReplaceLane  i32x4_replace_lane  "i32x4.replace_lane"  (V128, lane 4, i32) -> V128   271;
        I64x2ReplaceLane  i64x2_replace_lane  "i64x2.replace_lane"  (V128, lane 2, i64) -> V128   273;
        F32x4ReplaceLane  f32x4_replace_lane  "f32x4.replace_lane"  (V128, lane 4, f32) -> V128   275;
        F64x2ReplaceLane  f64x2_replace_lane  "f64x2.replace_lane"  (V128, lane 2, f64) -> V128   277;
    } };
}
