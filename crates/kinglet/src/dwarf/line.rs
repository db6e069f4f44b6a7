//! The line table of a unit, which maps addresses to files, lines and columns.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use gimli::{ColumnType, DebugLineOffset, LineProgramHeader, Reader, Section};

use super::unit::UnitRoot;
use super::{Fuel, MAX_NAME_BYTES, ReadError, Result, Slice};

/// A source location.
#[derive(Clone, Copy, Default)]
pub(super) struct SourceLocation {
    /// The index of the file in the table.
    pub(super) file: Option<u64>,
    /// 0 if unknown.
    pub(super) line: u32,
    pub(super) column: Option<u32>,
}

/// A line table.
#[derive(Default)]
pub(super) struct LineTable {
    /// The sequences' address ranges, ordered by start, and the rows of each.
    sequences: Vec<(Range<u64>, Range<usize>)>,
    rows: Vec<Row>,
    /// The paths that have been resolved.
    files: HashMap<u64, Option<Arc<str>>>,
}

/// The location of the code from an address up to the next row.
struct Row {
    address: u32,
    file: u32,
    line: u32,
    column: u32,
}

impl LineTable {
    pub(super) fn read(root: &UnitRoot<'_, '_>, offset: DebugLineOffset, fuel: &mut Fuel) -> Result<LineTable> {
        fuel.spend_program(program_length(root, offset)?)?;
        let program = root.dwarf.debug_line.program(offset, root.unit.address_size(), None, None)?;
        let mut table = LineTable::default();
        let (mut rows, mut first) = (program.rows(), 0);
        // Rows before an error are kept.
        while let Ok(Some((_, row))) = rows.next_row() {
            // An address beyond the module belongs to code that the linker removed.
            let Ok(address) = u32::try_from(row.address()) else { continue };
            if row.end_sequence() {
                if let Some(start) = table.rows.get(first).map(|row| row.address.into())
                    && start < row.address()
                {
                    table.sequences.push((start..row.address(), first..table.rows.len()));
                } else {
                    table.rows.truncate(first);
                }
                first = table.rows.len();
                continue;
            }
            let column = match row.column() {
                ColumnType::LeftEdge => 0,
                ColumnType::Column(column) => column.get() as u32,
            };
            let line = row.line().map_or(0, |line| line.get() as u32);
            let row = Row { address, file: u32::try_from(row.file_index()).unwrap_or(u32::MAX), line, column };
            match table.rows[first..].last_mut() {
                Some(last) if last.address == address => *last = row,
                _ => table.rows.push(row),
            }
        }
        table.rows.truncate(first);
        table.rows.shrink_to_fit();
        table.sequences.sort_unstable_by_key(|(code, _)| code.start);
        Ok(table)
    }

    /// Returns the address ranges of the sequences.
    pub(super) fn sequences(&self) -> impl Iterator<Item = Range<u64>> + '_ {
        self.sequences.iter().map(|(code, _)| code.clone())
    }

    pub(super) fn at(&self, address: u64) -> Option<SourceLocation> {
        let after = self.sequences.partition_point(|(code, _)| code.start <= address);
        let (_, rows) = self.sequences[..after].last().filter(|(code, _)| code.end > address)?;
        let rows = &self.rows[rows.clone()];
        let row = &rows[..rows.partition_point(|row| u64::from(row.address) <= address)].last()?;
        Some(SourceLocation { file: Some(row.file.into()), line: row.line, column: Some(row.column) })
    }

    /// Returns the path of a file.
    pub(super) fn file(
        &mut self,
        root: &UnitRoot<'_, '_>,
        offset: DebugLineOffset,
        index: u64,
        fuel: &mut Fuel,
    ) -> Result<Option<String>> {
        if let Some(path) = self.files.get(&index) {
            return Ok(path.as_deref().map(str::to_string));
        }
        fuel.spend(program_length(root, offset)?)?;
        let program = root.dwarf.debug_line.program(offset, root.unit.address_size(), None, None)?;
        let path = path(root, program.header(), index, fuel)?;
        self.files.insert(index, path.as_deref().map(Arc::from));
        Ok(path)
    }
}

/// Returns the size of a line program with its header, in bytes.
fn program_length(root: &UnitRoot<'_, '_>, offset: DebugLineOffset) -> Result<usize> {
    let mut section = *root.dwarf.debug_line.reader();
    section.skip(offset.0)?;
    let before = section.len();
    let (length, _) = section.read_initial_length()?;
    if length > section.len() {
        return Err(ReadError::Malformed);
    }
    Ok(before - section.len() + length)
}

/// Returns a file's path. A relative path is joined to its directory in the table and to the compiler's directory.
fn path<'a>(
    root: &UnitRoot<'_, 'a>,
    header: &LineProgramHeader<Slice<'a>>,
    index: u64,
    fuel: &mut Fuel,
) -> Result<Option<String>> {
    // Before version 5, index 0 refers to the unit's own file or directory, which the table does not contain.
    let implicit_first = header.version() <= 4;
    let (name, directory) = match header.file(index) {
        Some(file) => (file.path_name(), (file.directory_index() != 0).then(|| file.directory(header)).flatten()),
        None if implicit_first && index == 0 => match root.name {
            Some(name) => (name, None),
            None => return Ok(None),
        },
        None => return Ok(None),
    };
    let mut path = String::new();
    for part in [root.directory, directory, Some(name)].into_iter().flatten() {
        push(&mut path, &root.text(part, fuel)?);
    }
    if path.len() > MAX_NAME_BYTES {
        path.truncate(path.floor_char_boundary(MAX_NAME_BYTES));
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
