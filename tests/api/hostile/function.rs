//! Modules with one function that is slow or large to validate, lower or compile. Each function `f` returns at once if
//! its argument is 0. The size of a module is about proportional to its generator's argument.

use super::binary::{
    ANYREF, Binary, EXPORT, FUNCREF, I32, I64, MEMORY, TABLE, TAG, TYPE, V128, call, each, func_type, i32_const,
    local_get, local_set, op,
};
use super::{calls_and_clauses, leb};

/// Returns a module with the function `f` alone.
fn one(locals: &[(u64, u8)], code: &[u8]) -> Vec<u8> {
    let mut binary = Binary::new();
    binary.main(locals, code);
    binary.bytes()
}

/// Stores the result to the global, so that the computation is not dead code.
const KEEP: &[u8] = b"\x24\0";

pub(super) fn text(text: &str) -> Vec<u8> {
    wat::parse_str(text).unwrap()
}

/// The largest possible number of locals, and many blocks that each change another local.
pub(super) fn locals_and_blocks(size: usize) -> Vec<u8> {
    let change = |i: usize| [b"\x20\0\x04\x40".to_vec(), local_get(i + 1), local_set(i + 2), b"\x0b".to_vec()].concat();
    one(&[(49_999, I32)], &each(size, change))
}

/// Nested blocks, loops or `if`s.
fn nested(open: &[u8], size: usize) -> Vec<u8> {
    one(&[], &[open.repeat(size), b"\x0b".repeat(size)].concat())
}

pub(super) fn nested_blocks(size: usize) -> Vec<u8> {
    nested(b"\x02\x40", size)
}

pub(super) fn nested_loops(size: usize) -> Vec<u8> {
    nested(b"\x03\x40", size)
}

pub(super) fn nested_ifs(size: usize) -> Vec<u8> {
    nested(b"\x20\0\x04\x40", size)
}

/// Nested loops, with branches from the innermost to each of them.
pub(super) fn branches_to_loops(size: usize) -> Vec<u8> {
    let branches = each(size, |depth| [b"\x20\0".to_vec(), op(0x0d, depth)].concat());
    one(&[], &[b"\x03\x40".repeat(size), branches, b"\x0b".repeat(size)].concat())
}

/// Nested loops with many parameters.
pub(super) fn loops_with_parameters(size: usize) -> Vec<u8> {
    let mut binary = Binary::new();
    let values = [I32; 100];
    let ty = binary.add(TYPE, func_type(&values, &values));
    let open = op(0x03, ty as usize).repeat(size);
    let close = b"\x20\0\x0d\0\x0b".repeat(size);
    binary.main(&[], &[local_get(0).repeat(100), open, close, b"\x1a".repeat(99), KEEP.to_vec()].concat());
    binary.bytes()
}

/// A branch table with many cases, to a few labels.
pub(super) fn many_cases(size: usize) -> Vec<u8> {
    let cases = each(size + 1, |case| leb(case as u64 % 100));
    let table = [b"\x20\0\x0e".to_vec(), leb(size as u64), cases].concat();
    one(&[], &[b"\x02\x40".repeat(100), table, b"\x0b".repeat(100)].concat())
}

/// Many branch tables, each of which passes a value to a hundred labels.
pub(super) fn many_branch_tables(size: usize) -> Vec<u8> {
    let cases = each(101, |case| leb(case as u64 % 100 + 1));
    let table = [b"\x02\x40\x20\0\x0d\0\x20\0\x20\0\x0e".to_vec(), leb(100), cases, b"\x0b".to_vec()].concat();
    one(
        &[],
        &[b"\x02\x7f".repeat(100), table.repeat(size), b"\x41\0".to_vec(), b"\x0b".repeat(100), KEEP.to_vec()].concat(),
    )
}

/// Branches that pass the largest possible number of values.
pub(super) fn branches_with_values(size: usize) -> Vec<u8> {
    let mut binary = Binary::new();
    let ty = binary.add(TYPE, func_type(&[], &[I32; 1000]));
    let branches = b"\x20\0\x0d\0".repeat(size);
    let values = local_get(0).repeat(1000);
    binary.main(&[], &[op(0x02, ty as usize), values, branches, b"\x0b".to_vec(), KEEP.repeat(1000)].concat());
    binary.bytes()
}

/// A loop around a branch table: every case changes a few locals and continues the loop, like code from irreducible
/// control flow.
pub(super) fn state_machine(size: usize) -> Vec<u8> {
    let cases = each(size + 1, |case| leb(case as u64));
    let state = |case: usize| {
        let step = [local_get(1 + case % 20), local_get(1 + case * 7 % 20), b"\x6a".to_vec()].concat();
        // A branch to the loop, out of the blocks of the following cases.
        [b"\x0b".to_vec(), step, local_set(1 + case * 3 % 20), op(0x0c, size - case)].concat()
    };
    let dispatch = [b"\x20\x01\x0e".to_vec(), leb(size as u64), cases].concat();
    let code = [b"\x03\x40".to_vec(), b"\x02\x40".repeat(size + 1), dispatch, each(size, state), b"\x0b\x0b".to_vec()];
    one(&[(20, I32)], &code.concat())
}

/// A chain of additions, each of which can be combined with the previous one.
pub(super) fn chain(size: usize) -> Vec<u8> {
    let add = |i: usize| [i32_const(i), b"\x6a".to_vec()].concat();
    one(&[], &[local_get(0), each(size, add), KEEP.to_vec()].concat())
}

/// An expression whose operands are all live at the same time.
pub(super) fn pending(size: usize) -> Vec<u8> {
    let product = |i: usize| [local_get(0), i32_const(i), b"\x6c".to_vec()].concat();
    one(&[], &[each(size, product), b"\x6a".repeat(size - 1), KEEP.to_vec()].concat())
}

/// A chain of operations that match the compiler's rewriting rules repeatedly.
pub(super) fn rewritten(size: usize) -> Vec<u8> {
    // ((x + x) * 3 & x) ^ ((x << 3) | x) - x
    let step = b"\x20\x01\x20\x01\x6a\x41\x03\x6c\x20\x01\x71\x20\x01\x41\x03\x74\x20\x01\x72\x73\x20\x01\x6b\x21\x01";
    one(&[(1, I32)], &[local_get(0), local_set(1), step.repeat(size), local_get(1), KEEP.to_vec()].concat())
}

pub(super) fn selects(size: usize) -> Vec<u8> {
    let choose = |i: usize| [b"\x20\0".to_vec(), i32_const(i), b"\x73\x20\0\x1b".to_vec()].concat();
    one(&[], &[local_get(0), each(size, choose), KEEP.to_vec()].concat())
}

/// Vectors that are live across calls, many more than there are registers.
pub(super) fn vectors_over_calls(size: usize) -> Vec<u8> {
    // i32x4.splat of a number, i32x4.add, i32x4.extract_lane 0.
    let vector = |i: usize| [i32_const(i), b"\xfd\x11\x20\x01\xfd\xae\x01".to_vec()].concat();
    let mut binary = Binary::new();
    let code = [
        each(size, vector),
        b"\x41\0\x10\0".repeat(size),
        b"\xfd\xae\x01".repeat(size - 1),
        b"\xfd\x1b\0".to_vec(),
        KEEP.to_vec(),
    ];
    binary.main(&[(1, V128)], &code.concat());
    binary.bytes()
}

/// A chain of 128-bit additions and multiplications.
pub(super) fn wide_arithmetic(size: usize) -> Vec<u8> {
    let step = b"\x20\x01\x20\x02\x20\x02\x20\x01\xfc\x13\x21\x02\x21\x01\x20\x01\x20\x02\xfc\x16\x21\x01\x21\x02";
    let first = b"\x20\0\xac\x22\x01\x21\x02";
    one(&[(2, I64)], &[&first[..], &step.repeat(size), b"\x20\x01\xa7", KEEP].concat())
}

/// Loads and stores in many memories, with 64-bit and 32-bit addresses.
pub(super) fn accesses(size: usize) -> Vec<u8> {
    let mut binary = Binary::new();
    for memory in 0..20 {
        binary.add(MEMORY, if memory % 2 == 0 { [4, 1] } else { [0, 1] });
    }
    let access = |i: usize| {
        let memory = i % 20;
        let address = if memory.is_multiple_of(2) { local_get(1) } else { local_get(0) };
        let place = [leb(0x42), leb(memory as u64), leb(i as u64 * 8)].concat();
        // i32.load and i32.store at the same address.
        [address.clone(), address, b"\x28".to_vec(), place.clone(), b"\x36".to_vec(), place].concat()
    };
    binary.main(&[(1, I64)], &each(size, access));
    binary.bytes()
}

/// Copies and fills of memories and tables.
pub(super) fn bulk(size: usize) -> Vec<u8> {
    let mut binary = Binary::new();
    binary.add(MEMORY, [0, 1]);
    binary.add(TABLE, [FUNCREF, 0, 10]);
    let places = b"\x20\0\x20\0\x20\0";
    let step = [&places[..], b"\xfc\x0a\0\0", places, b"\xfc\x0b\0", places, b"\xfc\x0e\0\0"].concat();
    binary.main(&[], &step.repeat(size));
    binary.bytes()
}

/// Indirect calls of many types.
pub(super) fn indirect_calls(size: usize) -> Vec<u8> {
    let mut binary = Binary::new();
    binary.add(TABLE, [FUNCREF, 0, 10]);
    let types = [0, 1, 2, 3, 4, 5, 6, 7].map(|count| binary.add(TYPE, func_type(&vec![I32; count], &[])));
    let call = |i: usize| [local_get(0).repeat(i % 8 + 1), op(0x11, types[i % 8] as usize), vec![0]].concat();
    binary.main(&[], &each(size, call));
    binary.bytes()
}

/// A chain of calls with the largest possible numbers of parameters and results.
pub(super) fn wide_calls(size: usize) -> Vec<u8> {
    let mut binary = Binary::new();
    let ty = binary.add(TYPE, func_type(&[I32; 1000], &[I32; 1000]));
    binary.main(&[], &[local_get(0).repeat(1000), call(1).repeat(size), KEEP.repeat(1000)].concat());
    binary.func(ty, &[], &each(1000, |i| local_get(999 - i)));
    binary.bytes()
}

/// Functions with the largest possible numbers of parameters and results. Each calls the next.
pub(super) fn wide_functions(size: usize) -> Vec<u8> {
    let mut binary = Binary::new();
    let ty = binary.add(TYPE, func_type(&[I64; 1000], &[I64; 1000]));
    let arguments = b"\x42\0".repeat(1000);
    binary.main(&[], &[arguments, call(1), b"\x1a".repeat(1000)].concat());
    for i in 0..size {
        binary.func(ty, &[], &[each(1000, |i| local_get(999 - i)), call(1 + (i + 1) % size)].concat());
    }
    binary.bytes()
}

/// Tail calls from each function to the next, which has more or fewer parameters.
pub(super) fn tail_calls(size: usize) -> Vec<u8> {
    let mut binary = Binary::new();
    let types = [1, 9, 30, 4].map(|count| binary.add(TYPE, func_type(&vec![I32; count], &[])));
    binary.main(&[], &[local_get(0), op(0x12, 1)].concat());
    for i in 0..size {
        let arguments = local_get(0).repeat([1, 9, 30, 4][(i + 1) % 4]);
        let next = if i + 1 == size { Vec::new() } else { [arguments, op(0x12, i + 2)].concat() };
        binary.func(types[i % 4], &[], &next);
    }
    binary.bytes()
}

/// Tail calls from every block of a function.
pub(super) fn tail_calls_of_one(size: usize) -> Vec<u8> {
    let mut binary = Binary::new();
    let ty = binary.add(TYPE, func_type(&[I32; 30], &[]));
    let arguments = local_get(0).repeat(30);
    let step = [b"\x20\0\x04\x40".to_vec(), arguments, op(0x12, 1), b"\x0b".to_vec()].concat();
    binary.main(&[], &step.repeat(size));
    binary.func(ty, &[], &[]);
    binary.bytes()
}

/// Calls under a `try_table` with many clauses.
pub(super) fn many_clauses(size: usize) -> Vec<u8> {
    calls_and_clauses(1, size as u64, size)
}

/// Calls in nested `try_table`s.
pub(super) fn nested_tries(size: usize) -> Vec<u8> {
    calls_and_clauses(size, 1, size)
}

/// Clauses that each pass the largest possible number of values.
pub(super) fn clauses_with_values(size: usize) -> Vec<u8> {
    let mut binary = Binary::new();
    let many = binary.add(TYPE, func_type(&[I32; 1000], &[]));
    let block = binary.add(TYPE, func_type(&[], &[I32; 1000]));
    binary.add(TAG, [vec![0], leb(many)].concat());
    let tries = b"\x1f\x40\x01\0\0\0\x20\0\x10\0\x0b".repeat(size);
    let values = local_get(0).repeat(1000);
    binary.main(&[], &[op(0x02, block as usize), tries, values, b"\x0b".to_vec(), KEEP.repeat(1000)].concat());
    binary.bytes()
}

/// A chain of the largest possible number of supertypes, with casts and tests of a reference to each.
pub(super) fn casts(size: usize) -> Vec<u8> {
    let mut binary = Binary::new();
    let mut types = vec![binary.add(TYPE, [0x50, 0, 0x5f, 0])];
    for _ in 0..60 {
        let above = leb(types[types.len() - 1]);
        types.push(binary.add(TYPE, [vec![0x50, 1], above, vec![0x5f, 0]].concat()));
    }
    let step = |i: usize| {
        let ty = leb(types[i % types.len()]);
        // ref.cast, then ref.test of its result with another type.
        let cast = [b"\x20\x01\xfb\x16".to_vec(), ty.clone(), b"\x22\x01\xfb\x14".to_vec(), leb(types[i * 7 % 61])];
        // br_on_cast to a block.
        let branch = [b"\x1a\x02\x6e\x20\x01\xfb\x18\x03\0\x6e".to_vec(), ty, b"\x0b\x1a".to_vec()];
        [cast.concat(), branch.concat()].concat()
    };
    // ref.i31, so that only the heap type of the reference is known.
    let first = b"\x20\0\xfb\x1c\x21\x01";
    binary.main(&[(1, ANYREF)], &[first.to_vec(), each(size, step)].concat());
    binary.bytes()
}

/// Structures with the largest possible number of fields.
pub(super) fn large_structures(size: usize) -> Vec<u8> {
    let mut binary = Binary::new();
    let ty = binary.add(TYPE, [vec![0x5f], leb(10_000), [I32, 1].repeat(10_000)].concat());
    binary.main(&[], &[vec![0xfb, 1], leb(ty), vec![0x1a]].concat().repeat(size));
    binary.bytes()
}

/// Unreachable code.
pub(super) fn unreachable(size: usize) -> Vec<u8> {
    one(&[], &[b"\0".to_vec(), b"\x02\x40\x20\0\x04\x7f\x41\0\x05\0\x0b\x1a\x0b".repeat(size)].concat())
}

/// Loops that all run a few times, for every argument.
pub(super) fn hot_loops(size: usize) -> Vec<u8> {
    let mut binary = Binary::new();
    let step = b"\x41\x03\x21\x01\x03\x40\x20\x01\x41\x01\x6b\x22\x01\x0d\0\x0b";
    let index = binary.func(0, &[(1, I32)], &step.repeat(size));
    binary.add(EXPORT, [b"\x01f\0".to_vec(), leb(index)].concat());
    binary.bytes()
}
