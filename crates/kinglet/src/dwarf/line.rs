//! The line table of a unit: which file, line and column the code at an address is from.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use gimli::{ColumnType, DebugLineOffset, LineProgramHeader, Reader, Section};

use super::unit::Root;
use super::{Bytes, Fuel, LONGEST_NAME, Refused, Result};

/// A place in the source.
#[derive(Clone, Copy, Default)]
pub(super) struct Place {
    /// An index into the table's files.
    pub(super) file: Option<u64>,
    /// 0 if it is not known.
    pub(super) line: u32,
    pub(super) column: Option<u32>,
}

/// A line table.
#[derive(Default)]
pub(super) struct Lines {
    /// Stretches of code, by their start, and which rows they have.
    sequences: Vec<(Range<u64>, Range<usize>)>,
    rows: Vec<Row>,
    /// The paths that have been asked for.
    files: HashMap<u64, Option<Arc<str>>>,
}

/// Code at an address and behind it.
struct Row {
    address: u32,
    file: u32,
    line: u32,
    column: u32,
}

impl Lines {
    pub(super) fn read(root: &Root<'_, '_>, offset: DebugLineOffset, fuel: &mut Fuel) -> Result<Lines> {
        fuel.program(program_length(root, offset)?)?;
        let program = root.dwarf.debug_line.program(offset, root.unit.address_size(), None, None)?;
        let mut lines = Lines::default();
        let (mut rows, mut first) = (program.rows(), 0);
        // What was read before a mistake stays.
        while let Ok(Some((_, row))) = rows.next_row() {
            // An address that no module has is one of code that was left out.
            let Ok(address) = u32::try_from(row.address()) else { continue };
            if row.end_sequence() {
                if let Some(start) = lines.rows.get(first).map(|row| row.address.into())
                    && start < row.address()
                {
                    lines.sequences.push((start..row.address(), first..lines.rows.len()));
                } else {
                    lines.rows.truncate(first);
                }
                first = lines.rows.len();
                continue;
            }
            let column = match row.column() {
                ColumnType::LeftEdge => 0,
                ColumnType::Column(column) => column.get() as u32,
            };
            let line = row.line().map_or(0, |line| line.get() as u32);
            let row = Row { address, file: u32::try_from(row.file_index()).unwrap_or(u32::MAX), line, column };
            match lines.rows[first..].last_mut() {
                Some(last) if last.address == address => *last = row,
                _ => lines.rows.push(row),
            }
        }
        lines.rows.truncate(first);
        lines.rows.shrink_to_fit();
        lines.sequences.sort_unstable_by_key(|(code, _)| code.start);
        Ok(lines)
    }

    /// Which addresses it knows.
    pub(super) fn sequences(&self) -> impl Iterator<Item = Range<u64>> + '_ {
        self.sequences.iter().map(|(code, _)| code.clone())
    }

    pub(super) fn at(&self, address: u64) -> Option<Place> {
        let behind = self.sequences.partition_point(|(code, _)| code.start <= address);
        let (_, rows) = self.sequences[..behind].last().filter(|(code, _)| code.end > address)?;
        let rows = &self.rows[rows.clone()];
        let row = &rows[..rows.partition_point(|row| u64::from(row.address) <= address)].last()?;
        Some(Place { file: Some(row.file.into()), line: row.line, column: Some(row.column) })
    }

    /// The path of a file, by its index.
    pub(super) fn file(
        &mut self,
        root: &Root<'_, '_>,
        offset: DebugLineOffset,
        index: u64,
        fuel: &mut Fuel,
    ) -> Result<Option<String>> {
        if let Some(known) = self.files.get(&index) {
            return Ok(known.as_deref().map(str::to_string));
        }
        fuel.spend(program_length(root, offset)?)?;
        let program = root.dwarf.debug_line.program(offset, root.unit.address_size(), None, None)?;
        let path = path(root, program.header(), index, fuel)?;
        self.files.insert(index, path.as_deref().map(Arc::from));
        Ok(path)
    }
}

/// How many bytes a program has, with its header.
fn program_length(root: &Root<'_, '_>, offset: DebugLineOffset) -> Result<usize> {
    let mut section = *root.dwarf.debug_line.reader();
    section.skip(offset.0)?;
    let before = section.len();
    let (length, _) = section.read_initial_length()?;
    if length > section.len() {
        return Err(Refused::Malformed);
    }
    Ok(before - section.len() + length)
}

/// A file's path: below a folder of the table, or the one that the compiler ran in, unless it begins at the root.
fn path<'a>(
    root: &Root<'_, 'a>,
    header: &LineProgramHeader<Bytes<'a>>,
    index: u64,
    fuel: &mut Fuel,
) -> Result<Option<String>> {
    // Before version 5 the unit's own file and folder have the index 0 and are no part of the table.
    let own = header.version() <= 4;
    let (name, directory) = match header.file(index) {
        Some(file) => (file.path_name(), (file.directory_index() != 0).then(|| file.directory(header)).flatten()),
        None if own && index == 0 => match root.name {
            Some(name) => (name, None),
            None => return Ok(None),
        },
        None => return Ok(None),
    };
    let mut path = String::new();
    for part in [root.directory, directory, Some(name)].into_iter().flatten() {
        push(&mut path, &root.text(part, fuel)?);
    }
    if path.len() > LONGEST_NAME {
        path.truncate(path.floor_char_boundary(LONGEST_NAME));
    }
    Ok(Some(path))
}

fn push(path: &mut String, part: &str) {
    if is_absolute(part) {
        path.clear();
    } else if !path.is_empty() {
        let separator = if path.contains('\\') && !path.contains('/') { '\\' } else { '/' };
        if !path.ends_with(separator) {
            path.push(separator);
        }
    }
    path.push_str(part);
}

fn is_absolute(path: &str) -> bool {
    path.starts_with(['/', '\\']) || path.get(1..3).is_some_and(|it| it == ":/" || it == ":\\")
}
