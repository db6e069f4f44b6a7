//! Modules with custom sections that are slow or large to parse: debugging information, names, producers.

use super::leb;

/// Returns a module with custom sections that traps at once.
pub(crate) fn trapping(sections: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut binary = wat::parse_str(r#"(module (func (export "trap") unreachable))"#).unwrap();
    for (name, data) in sections {
        binary.push(0);
        binary.extend(leb((leb(name.len() as u64).len() + name.len() + data.len()) as u64));
        binary.extend(leb(name.len() as u64));
        binary.extend(name.as_bytes());
        binary.extend(data);
    }
    binary
}

/// Returns a unit of version 4, with its length first.
fn sized(contents: &[u8]) -> Vec<u8> {
    [&(contents.len() as u32).to_le_bytes(), contents].concat()
}

/// Returns a unit of version 4 with these entries, with abbreviations at an offset.
fn unit(abbreviations: u32, entries: &[u8]) -> Vec<u8> {
    sized(&[&[4, 0][..], &abbreviations.to_le_bytes(), &[4], entries].concat())
}

/// Returns a line table of version 4 with a number of files with these names, and a program.
fn line_table(directory: &[u8], file: &[u8], files: usize, program: &[u8]) -> Vec<u8> {
    let mut header = vec![1, 1, 1, 0xfb, 14, 13, 0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1];
    if !directory.is_empty() {
        header.extend([directory, &[0]].concat());
    }
    header.push(0);
    header.extend([file, &[0, 1, 0, 0]].concat().repeat(files));
    header.push(0);
    sized(&[&[4, 0][..], &(header.len() as u32).to_le_bytes(), &header, program].concat())
}

/// The abbreviation of a unit with a line table, an address and a length. `UNIT_ENTRY` is the entry of such a unit.
const UNIT: &[u8] = &[1, 0x11, 0, 0x10, 0x17, 0x11, 0x01, 0x12, 0x06, 0, 0, 0];
const UNIT_ENTRY: &[u8] = &[1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0];

/// A line program: the 256 bytes from address 0 belong to line 8 of file 1.
const PROGRAM: &[u8] = &[0, 5, 2, 0, 0, 0, 0, 3, 7, 1, 2, 0x80, 2, 0, 1, 1];

/// Many units share a line table with many files.
pub(crate) fn units_that_share_lines() -> Vec<u8> {
    trapping(&[
        (".debug_abbrev", UNIT.to_vec()),
        (".debug_info", unit(0, UNIT_ENTRY).repeat(1000)),
        (".debug_line", line_table(b"", b"a", 20_000, &[])),
    ])
}

/// The line tables of units overlap.
pub(crate) fn lines_that_overlap() -> Vec<u8> {
    // Each table is part of the program of the previous one, inside an instruction with a known length.
    let (mut all, mut lengths) = (line_table(b"", b"a", 1, PROGRAM), Vec::new());
    for _ in 0..2000 {
        lengths.push(all.len());
        let inside = [&[0][..], &leb(all.len() as u64 + 1), &[0x80], &all].concat();
        all = line_table(b"", b"a", 1, &[PROGRAM, &inside].concat());
    }
    let offsets = lengths.iter().map(|length| all.len() - length);
    let entry = |offset: usize| [&[1][..], &(offset as u32).to_le_bytes(), &UNIT_ENTRY[5..]].concat();
    let units = offsets.flat_map(|offset| unit(0, &entry(offset))).collect();
    trapping(&[(".debug_abbrev", UNIT.to_vec()), (".debug_info", units), (".debug_line", all)])
}

/// Tables of abbreviations begin at every entry of one long table.
pub(crate) fn abbreviations_that_overlap() -> Vec<u8> {
    let (count, mut table, mut offsets) = (20_000_u32, Vec::new(), Vec::new());
    for code in (1..=count).rev() {
        offsets.push(table.len() as u32);
        table.extend([&leb(code.into())[..], &[0x11, 0, 0x11, 0x01, 0x12, 0x06, 0, 0]].concat());
    }
    table.push(0);
    let units = offsets.iter().flat_map(|offset| unit(*offset, &[1, 0, 0, 0, 0, 0, 1, 0, 0])).collect();
    trapping(&[(".debug_abbrev", table), (".debug_info", units)])
}

/// Abbreviations have very many attributes without bytes, and entries use them.
pub(crate) fn attributes_without_bytes() -> Vec<u8> {
    let attributes = [0x3f, 0x19].repeat(100_000);
    let unit_of = [1, 0x11, 1, 0x11, 0x01, 0x12, 0x06, 0, 0];
    let abbreviations = [&unit_of[..], &[2, 0x34, 0], &attributes, &[0, 0, 0]].concat();
    let entries = [&[1, 0, 0, 0, 0, 0, 1, 0, 0][..], &vec![2; 100_000]].concat();
    trapping(&[(".debug_abbrev", abbreviations), (".debug_info", unit(0, &entries))])
}

/// Very small units have one entry each.
pub(crate) fn units_without_code() -> Vec<u8> {
    let units = unit(0, &[1]).repeat(300_000);
    trapping(&[(".debug_abbrev", vec![1, 0x11, 0, 0, 0, 0]), (".debug_info", units)])
}

/// The names of units all refer to one unterminated string.
pub(crate) fn strings_without_end() -> Vec<u8> {
    let abbreviations = vec![1, 0x11, 0, 0x03, 0x0e, 0x1b, 0x0e, 0x11, 0x01, 0x12, 0x06, 0, 0, 0];
    let entry = [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0];
    let units = unit(0, &entry).repeat(40_000);
    trapping(&[(".debug_abbrev", abbreviations), (".debug_info", units), (".debug_str", vec![b'a'; 1 << 20])])
}

/// A directory has a long name and very many files.
pub(crate) fn long_folders() -> Vec<u8> {
    let lines = line_table(&vec![b'd'; 1 << 20], b"a", 50_000, PROGRAM);
    trapping(&[(".debug_abbrev", UNIT.to_vec()), (".debug_info", unit(0, UNIT_ENTRY)), (".debug_line", lines)])
}

/// Calls are inlined into one another. Their function has a mangled Rust name with backreferences to itself. Each
/// letter doubles the length of the demangled name.
pub(crate) fn names_that_grow() -> Vec<u8> {
    let mut name = String::from("_RINvC1a1f");
    let mut last = name.len() - 2;
    name.push('h');
    for _ in 0..40 {
        let at = name.len() - 2;
        let digits = base_62(last);
        name.push_str(&format!("TB{digits}B{digits}E"));
        last = at;
    }
    name.push('E');
    let abbreviations = vec![
        1, 0x11, 1, 0x11, 0x01, 0x12, 0x06, 0x13, 0x05, 0, 0, 2, 0x2e, 1, 0x11, 0x01, 0x12, 0x06, 0x6e, 0x0e, 0, 0, 3,
        0x1d, 1, 0x11, 0x01, 0x12, 0x06, 0x6e, 0x0e, 0, 0, 0,
    ];
    let mut entries = vec![1, 0, 0, 0, 0, 0, 1, 0, 0, 0x1c, 0];
    entries.extend([2, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
    entries.extend([3, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0].repeat(10_000));
    let strings = [name.as_bytes(), &[0]].concat();
    trapping(&[(".debug_abbrev", abbreviations), (".debug_info", unit(0, &entries)), (".debug_str", strings)])
}

/// Encodes the number of a backreference in Rust's mangling.
fn base_62(number: usize) -> String {
    let digit = |n: usize| char::from(b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"[n % 62]);
    let Some(mut number) = number.checked_sub(1) else { return "_".into() };
    let mut digits = Vec::new();
    loop {
        digits.push(digit(number));
        number /= 62;
        if number == 0 {
            break;
        }
    }
    digits.iter().rev().chain([&'_']).collect()
}

/// Very many functions have the shortest possible names.
pub(crate) fn many_names() -> Vec<u8> {
    let count = 1_000_000_u32;
    let map = (0..count).flat_map(|index| [&leb(index.into())[..], &[1, b'n']].concat());
    let map = [leb(count.into()), map.collect()].concat();
    trapping(&[("name", [&[1][..], &leb(map.len() as u64), &map].concat())])
}

/// A producers section has very many empty fields, values and features.
pub(crate) fn many_producers() -> Vec<u8> {
    let count = 100_000_u32;
    let values = [leb(count.into()), [0, 0].repeat(count as usize)].concat();
    let field = [&[1, b'p'][..], &values].concat();
    let producers = [leb(20), field.repeat(20)].concat();
    let features = [leb(1_000_000), [b'+', 0].repeat(1_000_000)].concat();
    trapping(&[("producers", producers), ("target_features", features)])
}

/// Very many custom sections are empty and have the same name.
pub(crate) fn many_sections() -> Vec<u8> {
    trapping(&vec![(".debug_info", Vec::new()); 300_000])
}
