//! The rows of the loads and stores, scalar and vector. `[N]` is the number of bytes accessed. Rows omit the address
//! operand, because every row has it. Their use is the same as in `numeric.rs`. Core specification, chapter "Memory
//! Instructions".

/// Loads of `[N]` bytes. The name tells whether the value is sign-extended, zero-extended, splatted or zero-padded
/// (core specification, "Memory Instructions").
///
/// Row: `Token meaning "text" [bytes] -> result gas;`
#[macro_export]
macro_rules! load_ops {
    ($($callback:ident)::+ $(, $($extra:tt)*)?) => { $($callback)::+! { $($($extra)*)?
        I32Load          i32_load           "i32.load"           [4] -> i32     30;
        I64Load          i64_load           "i64.load"           [8] -> i64     31;
        F32Load          f32_load           "f32.load"           [4] -> f32     32;
        F64Load          f64_load           "f64.load"           [8] -> f64     33;
        I32Load8S        i32_load8_s        "i32.load8_s"        [1] -> i32     34;
        I32Load8U        i32_load8_u        "i32.load8_u"        [1] -> i32     35;
        I32Load16S       i32_load16_s       "i32.load16_s"       [2] -> i32     36;
        I32Load16U       i32_load16_u       "i32.load16_u"       [2] -> i32     37;
        I64Load8S        i64_load8_s        "i64.load8_s"        [1] -> i64     38;
        I64Load8U        i64_load8_u        "i64.load8_u"        [1] -> i64     39;
        I64Load16S       i64_load16_s       "i64.load16_s"       [2] -> i64     40;
        I64Load16U       i64_load16_u       "i64.load16_u"       [2] -> i64     41;
        I64Load32S       i64_load32_s       "i64.load32_s"       [4] -> i64     42;
        I64Load32U       i64_load32_u       "i64.load32_u"       [4] -> i64     43;
        V128Load         v128_load          "v128.load"          [16] -> V128  243;
        V128Load8x8S     v128_load8x8_s     "v128.load8x8_s"     [8] -> V128   244;
        V128Load8x8U     v128_load8x8_u     "v128.load8x8_u"     [8] -> V128   245;
        V128Load16x4S    v128_load16x4_s    "v128.load16x4_s"    [8] -> V128   246;
        V128Load16x4U    v128_load16x4_u    "v128.load16x4_u"    [8] -> V128   247;
        V128Load32x2S    v128_load32x2_s    "v128.load32x2_s"    [8] -> V128   248;
        V128Load32x2U    v128_load32x2_u    "v128.load32x2_u"    [8] -> V128   249;
        V128Load8Splat   v128_load8_splat   "v128.load8_splat"   [1] -> V128   250;
        V128Load16Splat  v128_load16_splat  "v128.load16_splat"  [2] -> V128   251;
        V128Load32Splat  v128_load32_splat  "v128.load32_splat"  [4] -> V128   252;
        V128Load64Splat  v128_load64_splat  "v128.load64_splat"  [8] -> V128   253;
        V128Load32Zero   v128_load32_zero   "v128.load32_zero"   [4] -> V128   335;
        V128Load64Zero   v128_load64_zero   "v128.load64_zero"   [8] -> V128   336;
    } };
}

/// Stores of the low `[N]` bytes of a value (core specification, "Memory Instructions").
///
/// Row: `Token meaning "text" operand -> [bytes] gas;`
#[macro_export]
macro_rules! store_ops {
    ($($callback:ident)::+ $(, $($extra:tt)*)?) => { $($callback)::+! { $($($extra)*)?
        I32Store    i32_store    "i32.store"    i32 -> [4]     44;
        I64Store    i64_store    "i64.store"    i64 -> [8]     45;
        F32Store    f32_store    "f32.store"    f32 -> [4]     46;
        F64Store    f64_store    "f64.store"    f64 -> [8]     47;
        I32Store8   i32_store8   "i32.store8"   i32 -> [1]     48;
        I32Store16  i32_store16  "i32.store16"  i32 -> [2]     49;
        I64Store8   i64_store8   "i64.store8"   i64 -> [1]     50;
        I64Store16  i64_store16  "i64.store16"  i64 -> [2]     51;
        I64Store32  i64_store32  "i64.store32"  i64 -> [4]     52;
        V128Store   v128_store   "v128.store"   V128 -> [16]  254;
    } };
}

/// Loads of `[N]` bytes into one lane of a vector operand; there are `16 / N` lanes
/// (core specification, "Memory Instructions").
///
/// Row: `Token meaning "text" [bytes] -> V128 gas;`
#[macro_export]
macro_rules! vector_load_lane_ops {
    ($($callback:ident)::+ $(, $($extra:tt)*)?) => { $($callback)::+! { $($($extra)*)?
        V128Load8Lane   v128_load8_lane   "v128.load8_lane"   [1] -> V128  327;
        V128Load16Lane  v128_load16_lane  "v128.load16_lane"  [2] -> V128  328;
        V128Load32Lane  v128_load32_lane  "v128.load32_lane"  [4] -> V128  329;
        V128Load64Lane  v128_load64_lane  "v128.load64_lane"  [8] -> V128  330;
    } };
}

/// Stores of one lane of a vector operand as `[N]` bytes; there are `16 / N` lanes
/// (core specification, "Memory Instructions").
///
/// Row: `Token meaning "text" V128 -> [bytes] gas;`
#[macro_export]
macro_rules! vector_store_lane_ops {
    ($($callback:ident)::+ $(, $($extra:tt)*)?) => { $($callback)::+! { $($($extra)*)?
        V128Store8Lane   v128_store8_lane   "v128.store8_lane"   V128 -> [1]  331;
        V128Store16Lane  v128_store16_lane  "v128.store16_lane"  V128 -> [2]  332;
        V128Store32Lane  v128_store32_lane  "v128.store32_lane"  V128 -> [4]  333;
        V128Store64Lane  v128_store64_lane  "v128.store64_lane"  V128 -> [8]  334;
    } };
}
