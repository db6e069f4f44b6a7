//! A writer for modules in the binary format (core specification, "Binary Format"). Modules with large text would be
//! slow to parse.

use super::leb;

pub(super) const I32: u8 = 0x7f;
pub(super) const I64: u8 = 0x7e;
pub(super) const V128: u8 = 0x7b;
pub(super) const FUNCREF: u8 = 0x70;
pub(super) const ANYREF: u8 = 0x6e;

/// Section numbers.
pub(super) const TYPE: u8 = 1;
pub(super) const IMPORT: u8 = 2;
const FUNCTION: u8 = 3;
pub(super) const TABLE: u8 = 4;
pub(super) const MEMORY: u8 = 5;
pub(super) const GLOBAL: u8 = 6;
pub(super) const EXPORT: u8 = 7;
pub(super) const ELEMENT: u8 = 9;
const CODE: u8 = 10;
pub(super) const DATA: u8 = 11;
pub(super) const TAG: u8 = 13;

/// The order of sections in a module.
const ORDER: [u8; 11] = [TYPE, IMPORT, FUNCTION, TABLE, MEMORY, TAG, GLOBAL, EXPORT, ELEMENT, CODE, DATA];

/// A module under construction: the number of entries in each section, and their bytes.
#[derive(Default)]
pub(super) struct Binary {
    sections: [(u64, Vec<u8>); 14],
}

impl Binary {
    /// Returns a module whose type 0 is `[i32] -> []` and whose global 0 is a mutable `i32`.
    pub(super) fn new() -> Binary {
        let mut binary = Binary::default();
        binary.add(TYPE, func_type(&[I32], &[]));
        binary.add(GLOBAL, [I32, 1, 0x41, 0, 0x0b]);
        binary
    }

    /// Adds an entry to a section, and returns its index there.
    pub(super) fn add(&mut self, section: u8, entry: impl AsRef<[u8]>) -> u64 {
        let (count, bytes) = &mut self.sections[usize::from(section)];
        bytes.extend(entry.as_ref());
        *count += 1;
        *count - 1
    }

    /// Adds a function with these runs of locals, and returns its index among the functions that the module defines.
    pub(super) fn func(&mut self, ty: u64, locals: &[(u64, u8)], code: &[u8]) -> u64 {
        let mut body = leb(locals.len() as u64);
        for (count, ty) in locals {
            body.extend(leb(*count));
            body.push(*ty);
        }
        body.extend(code);
        body.push(0x0b);
        self.add(CODE, [leb(body.len() as u64), body].concat());
        self.add(FUNCTION, leb(ty))
    }

    /// Adds the function `f` of type 0. It must be the first function, and returns at once if its argument is 0.
    pub(super) fn main(&mut self, locals: &[(u64, u8)], code: &[u8]) {
        let index = self.func(0, locals, &[b"\x20\0\x45\x04\x40\x0f\x0b", code].concat());
        self.add(EXPORT, [b"\x01f\0".to_vec(), leb(index)].concat());
    }

    pub(super) fn bytes(self) -> Vec<u8> {
        let mut module = b"\0asm\x01\0\0\0".to_vec();
        for section in ORDER {
            let (count, bytes) = &self.sections[usize::from(section)];
            if *count > 0 {
                let count = leb(*count);
                module.push(section);
                module.extend(leb((count.len() + bytes.len()) as u64));
                module.extend(count);
                module.extend(bytes);
            }
        }
        module
    }
}

/// Encodes a number as signed LEB128.
pub(super) fn sleb(mut n: i64) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let byte = (n & 0x7f) as u8;
        n >>= 7;
        if (n == 0 && byte & 0x40 == 0) || (n == -1 && byte & 0x40 != 0) {
            bytes.push(byte);
            return bytes;
        }
        bytes.push(byte | 0x80);
    }
}

pub(super) fn func_type(params: &[u8], results: &[u8]) -> Vec<u8> {
    [vec![0x60], leb(params.len() as u64), params.to_vec(), leb(results.len() as u64), results.to_vec()].concat()
}

/// Encodes a name.
pub(super) fn name(text: &str) -> Vec<u8> {
    [leb(text.len() as u64), text.as_bytes().to_vec()].concat()
}

/// Encodes an instruction with an index.
pub(super) fn op(code: u8, index: usize) -> Vec<u8> {
    [vec![code], leb(index as u64)].concat()
}

pub(super) fn local_get(index: usize) -> Vec<u8> {
    op(0x20, index)
}

pub(super) fn local_set(index: usize) -> Vec<u8> {
    op(0x21, index)
}

pub(super) fn call(index: usize) -> Vec<u8> {
    op(0x10, index)
}

pub(super) fn i32_const(n: usize) -> Vec<u8> {
    [vec![0x41], sleb(n as i64)].concat()
}

/// Concatenates code that is generated for each number.
pub(super) fn each(count: usize, part: impl FnMut(usize) -> Vec<u8>) -> Vec<u8> {
    (0..count).flat_map(part).collect()
}
