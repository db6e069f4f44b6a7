//! Modules with very many or very large parts: types, imports, exports, functions, globals, segments. Each exports a
//! function `f` that returns at once if its argument is 0. The size of a module is about proportional to its
//! generator's argument.

use super::binary::{
    Binary, DATA, ELEMENT, EXPORT, FUNCREF, GLOBAL, I32, I64, IMPORT, MEMORY, TABLE, TAG, TYPE, call, each, func_type,
    name, sleb,
};
use super::leb;

/// Returns a function type for each number; different numbers have different types.
fn numbered(n: usize) -> Vec<u8> {
    let params: Vec<u8> = (0..20).map(|bit| if n >> bit & 1 == 0 { I32 } else { I64 }).collect();
    func_type(&params, &[])
}

/// Empty functions.
pub(super) fn empty_functions(size: usize) -> Vec<u8> {
    let mut binary = Binary::new();
    binary.main(&[], &[]);
    let ty = binary.add(TYPE, func_type(&[], &[]));
    (0..size).for_each(|_| _ = binary.func(ty, &[], &[]));
    binary.bytes()
}

/// Empty functions with the largest possible number of locals.
pub(super) fn functions_of_many_locals(size: usize) -> Vec<u8> {
    let mut binary = Binary::new();
    binary.main(&[], &[]);
    let ty = binary.add(TYPE, func_type(&[], &[]));
    (0..size).for_each(|_| _ = binary.func(ty, &[(50_000, I64)], &[]));
    binary.bytes()
}

/// Functions with many locals of reference types and a call, at which a stack map would list them.
pub(super) fn functions_of_many_references(size: usize) -> Vec<u8> {
    let mut binary = Binary::new();
    binary.main(&[], &[]);
    let ty = binary.add(TYPE, func_type(&[], &[]));
    (0..size).for_each(|_| _ = binary.func(ty, &[(50_000, FUNCREF)], &[b"\x20\0\x1a".to_vec(), call(1)].concat()));
    binary.bytes()
}

/// Functions of different types, all exported.
pub(super) fn functions_of_many_types(size: usize) -> Vec<u8> {
    let mut binary = Binary::new();
    binary.main(&[], &[]);
    for i in 0..size {
        let ty = binary.add(TYPE, numbered(i));
        let index = binary.func(ty, &[], &[]);
        binary.add(EXPORT, [name(&i.to_string()), vec![0], leb(index)].concat());
    }
    binary.bytes()
}

/// Different types.
pub(super) fn many_types(size: usize) -> Vec<u8> {
    let mut binary = Binary::new();
    binary.main(&[], &[]);
    (0..size).for_each(|i| _ = binary.add(TYPE, numbered(i)));
    binary.bytes()
}

/// Types with the largest possible numbers of parameters and results.
pub(super) fn wide_types(size: usize) -> Vec<u8> {
    let mut binary = Binary::new();
    binary.main(&[], &[]);
    for i in 0..size {
        let values: Vec<u8> = (0..1000).map(|bit| if i >> (bit % 20) & 1 == 0 { I32 } else { I64 }).collect();
        binary.add(TYPE, func_type(&values, &values));
    }
    binary.bytes()
}

/// A recursion group in which all types refer to one another.
pub(super) fn large_group(size: usize) -> Vec<u8> {
    let mut binary = Binary::new();
    binary.main(&[], &[]);
    // A structure with two references: to the next type, and to a distant one.
    let to = |index: usize| [vec![0x63], sleb(1 + (index % size) as i64), vec![1]].concat();
    let types = each(size, |i| [vec![0x5f, 2], to(i + 1), to(i * 7919)].concat());
    binary.add(TYPE, [vec![0x4e], leb(size as u64), types].concat());
    binary.bytes()
}

/// Identical recursion groups, and groups that only differ in their last type.
pub(super) fn many_groups(size: usize) -> Vec<u8> {
    let mut binary = Binary::new();
    binary.main(&[], &[]);
    for i in 0..size {
        let first = 1 + 10 * i as i64;
        let next = |k: i64| [vec![0x5f, 1, 0x63], sleb(first + k), vec![1]].concat();
        let last = if i % 2 == 0 { vec![0x5f, 0] } else { numbered(i) };
        let types: Vec<u8> = (1..10).flat_map(next).chain(last).collect();
        binary.add(TYPE, [vec![0x4e, 10], types].concat());
    }
    binary.bytes()
}

/// Chains of subtypes of the largest possible depth, each with an additional field.
pub(super) fn subtypes(size: usize) -> Vec<u8> {
    let mut binary = Binary::new();
    binary.main(&[], &[]);
    for chain in 0..size {
        let mut above = Vec::new();
        for depth in 0..60 {
            let fields = [if chain % 2 == 0 { I32 } else { I64 }, 0].repeat(depth);
            let of = [vec![0x5f], leb(depth as u64), fields].concat();
            let count = u8::from(!above.is_empty());
            above = leb(binary.add(TYPE, [vec![0x50, count], above, of].concat()));
        }
    }
    binary.bytes()
}

/// Each type refers twice to the previous one, so that its expansion would be exponential.
pub(super) fn types_of_types(size: usize) -> Vec<u8> {
    let mut binary = Binary::new();
    binary.main(&[], &[]);
    for i in 0..size {
        let before = [vec![0x63], sleb(i as i64)].concat();
        binary.add(TYPE, [vec![0x60, 2], before.clone(), before, vec![0]].concat());
    }
    binary.bytes()
}

/// Imported functions with long names, all of one type.
pub(super) fn imports_of_long_names(size: usize) -> Vec<u8> {
    let (mut binary, long) = (Binary::new(), "n".repeat(500));
    for i in 0..size {
        binary.add(IMPORT, [name("m"), name(&format!("{long}{i}")), vec![0, 0]].concat());
    }
    export_import(binary)
}

/// Imported functions of different types.
pub(super) fn imports_of_many_types(size: usize) -> Vec<u8> {
    let mut binary = Binary::new();
    binary.add(IMPORT, [name("m"), name("f"), vec![0, 0]].concat());
    for i in 0..size {
        let ty = binary.add(TYPE, numbered(i));
        binary.add(IMPORT, [name("m"), name(&i.to_string()), vec![0], leb(ty)].concat());
    }
    export_import(binary)
}

/// Imported functions of different types with the largest possible width.
pub(super) fn imports_of_wide_types(size: usize) -> Vec<u8> {
    let mut binary = Binary::new();
    binary.add(IMPORT, [name("m"), name("f"), vec![0, 0]].concat());
    for i in 0..size {
        let values: Vec<u8> = (0..1000).map(|bit| if i >> (bit % 20) & 1 == 0 { I32 } else { I64 }).collect();
        let ty = binary.add(TYPE, func_type(&values, &values));
        binary.add(IMPORT, [name("m"), name(&i.to_string()), vec![0], leb(ty)].concat());
    }
    export_import(binary)
}

/// Exports the first import as `f`.
fn export_import(mut binary: Binary) -> Vec<u8> {
    binary.add(EXPORT, b"\x01f\0\0");
    binary.bytes()
}

/// Exports with long names, all of one function.
pub(super) fn exports_of_long_names(size: usize) -> Vec<u8> {
    let (mut binary, long) = (Binary::new(), "n".repeat(500));
    binary.main(&[], &[]);
    (0..size).for_each(|i| _ = binary.add(EXPORT, [name(&format!("{long}{i}")), vec![0, 0]].concat()));
    binary.bytes()
}

/// Each global is initialised with the previous one plus one.
pub(super) fn globals_of_globals(size: usize) -> Vec<u8> {
    let mut binary = Binary::new();
    binary.add(GLOBAL, [I32, 0, 0x41, 1, 0x0b]);
    for i in 0..size {
        let before = leb(1 + i as u64);
        binary.add(GLOBAL, [vec![I32, 0, 0x23], before, b"\x41\x01\x6a\x0b".to_vec()].concat());
    }
    binary.main(&[], &[]);
    binary.bytes()
}

/// A global whose initial value is a long sum.
pub(super) fn long_constant(size: usize) -> Vec<u8> {
    let mut binary = Binary::new();
    binary.add(GLOBAL, [vec![I32, 0, 0x41, 0], b"\x41\x01\x6a".repeat(size), vec![0x0b]].concat());
    binary.main(&[], &[]);
    binary.bytes()
}

/// Globals that are all read and written.
pub(super) fn globals_in_use(size: usize) -> Vec<u8> {
    let mut binary = Binary::new();
    (0..size).for_each(|_| _ = binary.add(GLOBAL, [I32, 1, 0x41, 1, 0x0b]));
    let step = |i: usize| [vec![0x23], leb(i as u64), vec![0x24], leb(i as u64 + 1)].concat();
    binary.main(&[], &each(size, step));
    binary.bytes()
}

/// Active segments with one element each.
pub(super) fn many_element_segments(size: usize) -> Vec<u8> {
    let mut binary = Binary::new();
    binary.add(TABLE, [FUNCREF, 0, 10]);
    binary.main(&[], &[]);
    (0..size).for_each(|_| _ = binary.add(ELEMENT, b"\0\x41\x01\x0b\x01\0"));
    binary.bytes()
}

/// An active segment with many elements, and a passive one with as many expressions.
pub(super) fn large_element_segments(size: usize) -> Vec<u8> {
    let mut binary = Binary::new();
    binary.add(TABLE, [vec![FUNCREF, 0], leb(size as u64)].concat());
    binary.main(&[], &[]);
    binary.add(ELEMENT, [b"\0\x41\0\x0b".to_vec(), leb(size as u64), vec![0; size]].concat());
    binary.add(ELEMENT, [vec![5, FUNCREF], leb(size as u64), b"\xd2\0\x0b".repeat(size)].concat());
    binary.bytes()
}

/// Active segments with one byte each, in different pages.
pub(super) fn many_data_segments(size: usize) -> Vec<u8> {
    let mut binary = Binary::new();
    binary.add(MEMORY, [vec![0], leb(16)].concat());
    binary.main(&[], &[]);
    let at = |i: usize| sleb(i as i64 * 4096 % (16 << 16));
    (0..size).for_each(|i| _ = binary.add(DATA, [b"\0\x41".to_vec(), at(i), b"\x0b\x01x".to_vec()].concat()));
    binary.bytes()
}

/// Active segments with one byte each, at both ends and in the middle of a large memory.
pub(super) fn data_far_apart(size: usize) -> Vec<u8> {
    let mut binary = Binary::new();
    binary.add(MEMORY, [vec![0], leb(65536)].concat());
    binary.main(&[], &[]);
    let at = |i: usize| sleb(i64::from((i as u32).wrapping_mul(0x9e37_79b1) as i32));
    (0..size).for_each(|i| _ = binary.add(DATA, [b"\0\x41".to_vec(), at(i), b"\x0b\x01x".to_vec()].concat()));
    binary.bytes()
}

/// A large segment.
pub(super) fn large_data_segment(size: usize) -> Vec<u8> {
    let mut binary = Binary::new();
    binary.add(MEMORY, [vec![0], leb(size as u64 / 65536 + 1)].concat());
    binary.main(&[], &[]);
    binary.add(DATA, [b"\0\x41\0\x0b".to_vec(), leb(size as u64), vec![b'x'; size]].concat());
    binary.bytes()
}

/// Tags.
pub(super) fn many_tags(size: usize) -> Vec<u8> {
    let mut binary = Binary::new();
    binary.main(&[], &[]);
    let ty = binary.add(TYPE, func_type(&[I32; 1000], &[]));
    (0..size).for_each(|_| _ = binary.add(TAG, [vec![0], leb(ty)].concat()));
    binary.bytes()
}

/// Tables without elements.
pub(super) fn many_tables(size: usize) -> Vec<u8> {
    let mut binary = Binary::new();
    binary.main(&[], &[]);
    (0..size).for_each(|_| _ = binary.add(TABLE, [FUNCREF, 0, 0]));
    binary.bytes()
}
