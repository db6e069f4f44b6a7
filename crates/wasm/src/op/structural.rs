//! The rows of the operations that are not pure functions of their operands: control, state, references, aggregates, and
//! operations with a value as immediate. The walk and the tiers implement them. Their use is the same as in
//! `numeric.rs`. Core specification, chapter "Instructions".

/// Control, parametric, variable, table, memory, reference, aggregate and exception instructions, constants, and
/// `i8x16.shuffle` (core specification, "Instructions").
///
/// Row: `Token "text" gas;`
#[macro_export]
macro_rules! structural_ops {
    ($($callback:ident)::+ $(, $($extra:tt)*)?) => { $($callback)::+! { $($($extra)*)?
        Unreachable         "unreachable"             0;
        Nop                 "nop"                     1;
        Block               "block"                   2;
        Loop                "loop"                    3;
        If                  "if"                      4;
        Else                "else"                    5;
        Throw               "throw"                   6;
        ThrowRef            "throw_ref"               7;
        End                 "end"                     8;
        Br                  "br"                      9;
        BrIf                "br_if"                  10;
        BrTable             "br_table"               11;
        Return              "return"                 12;
        Call                "call"                   13;
        CallIndirect        "call_indirect"          14;
        ReturnCall          "return_call"            15;
        ReturnCallIndirect  "return_call_indirect"   16;
        CallRef             "call_ref"               17;
        ReturnCallRef       "return_call_ref"        18;
        Drop                "drop"                   19;
        Select              "select"                 20;
        TypedSelect         "select"                 21;
        TryTable            "try_table"              22;
        LocalGet            "local.get"              23;
        LocalSet            "local.set"              24;
        LocalTee            "local.tee"              25;
        GlobalGet           "global.get"             26;
        GlobalSet           "global.set"             27;
        TableGet            "table.get"              28;
        TableSet            "table.set"              29;
        MemorySize          "memory.size"            53;
        MemoryGrow          "memory.grow"            54;
        I32Const            "i32.const"              55;
        I64Const            "i64.const"              56;
        F32Const            "f32.const"              57;
        F64Const            "f64.const"              58;
        RefNull             "ref.null"              187;
        RefIsNull           "ref.is_null"           188;
        RefFunc             "ref.func"              189;
        RefEq               "ref.eq"                190;
        RefAsNonNull        "ref.as_non_null"       191;
        BrOnNull            "br_on_null"            192;
        BrOnNonNull         "br_on_non_null"        193;
        StructNew           "struct.new"            194;
        StructNewDefault    "struct.new_default"    195;
        StructGet           "struct.get"            196;
        StructGetS          "struct.get_s"          197;
        StructGetU          "struct.get_u"          198;
        StructSet           "struct.set"            199;
        ArrayNew            "array.new"             200;
        ArrayNewDefault     "array.new_default"     201;
        ArrayNewFixed       "array.new_fixed"       202;
        ArrayNewData        "array.new_data"        203;
        ArrayNewElem        "array.new_elem"        204;
        ArrayGet            "array.get"             205;
        ArrayGetS           "array.get_s"           206;
        ArrayGetU           "array.get_u"           207;
        ArraySet            "array.set"             208;
        ArrayLen            "array.len"             209;
        ArrayFill           "array.fill"            210;
        ArrayCopy           "array.copy"            211;
        ArrayInitData       "array.init_data"       212;
        ArrayInitElem       "array.init_elem"       213;
        RefTestNonNull      "ref.test (ref)"        214;
        RefTestNullable     "ref.test (ref.null)"   215;
        RefCastNonNull      "ref.cast (ref)"        216;
        RefCastNullable     "ref.cast (ref.null)"   217;
        BrOnCast            "br_on_cast"            218;
        BrOnCastFail        "br_on_cast_fail"       219;
        AnyConvertExtern    "any.convert_extern"    220;
        ExternConvertAny    "extern.convert_any"    221;
        RefI31              "ref.i31"               222;
        I31GetS             "i31.get_s"             223;
        I31GetU             "i31.get_u"             224;
        MemoryInit          "memory.init"           233;
        DataDrop            "data.drop"             234;
        MemoryCopy          "memory.copy"           235;
        MemoryFill          "memory.fill"           236;
        TableInit           "table.init"            237;
        ElemDrop            "elem.drop"             238;
        TableCopy           "table.copy"            239;
        TableGrow           "table.grow"            240;
        TableSize           "table.size"            241;
        TableFill           "table.fill"            242;
        V128Const           "v128.const"            255;
        I8x16Shuffle        "i8x16.shuffle"         256;
    } };
}
