//! Source locations of a module's code, read from the DWARF sections that compilers emit ("DWARF for WebAssembly":
//! addresses count from the start of the code section's contents). Reading starts only when a backtrace is printed.
//! Then only the units with code at the requested addresses are read, and each part at most once.
//!
//! The sections come from the guest, so they may be malformed in any way, or crafted to be slow. Every read first
//! spends [`Fuel`], which is proportional to the sections' size. Invariant: the memory that is kept, and the total time
//! of all calls, are proportional to that size. When the fuel is used up, the module's debugging information is
//! discarded.

mod line;
mod unit;

use std::collections::HashMap;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, PoisonError};

use gimli::{Dwarf, EndianSlice, LittleEndian, SectionId};
use kinglet_wasm::Module;

use crate::trap::FrameSymbol;
use line::LineTable;
use unit::{AbbreviationCache, Functions, Inlined, UnitRoot};

type Slice<'a> = EndianSlice<'a, LittleEndian>;

/// The debugging information of a module.
pub(crate) struct DebugInfo {
    sections: Vec<(SectionId, Range<usize>)>,
    state: Mutex<ParsedInfo>,
}

/// The parts that have been read.
struct ParsedInfo {
    fuel: Fuel,
    abbreviations: AbbreviationCache,
    /// The offsets of the units in `.debug_info`, ascending.
    units: Vec<usize>,
    /// The address ranges of the units' code, ordered by start.
    ranges: Vec<UnitRange>,
    functions: HashMap<u32, Functions>,
    /// The calls that were inlined into a function, by the function's unit and entry offset.
    inlined: HashMap<(u32, usize), Box<[Inlined]>>,
    /// Line tables by their offset in `.debug_line`. Units can share a table.
    line_tables: HashMap<usize, LineTable>,
}

struct UnitRange {
    code: Range<u64>,
    /// The largest end of this range and all before it.
    reach: u64,
    unit: u32,
}

/// The maximum number of units and ranges that are searched for one address.
const MAX_UNITS: usize = 64;
const MAX_RANGES: usize = 1 << 16;
/// The maximum number of inlined functions that are reported for one address, innermost first.
const MAX_INLINED: usize = 128;
/// The maximum length of a name or path in bytes. Longer ones are truncated.
const MAX_NAME_BYTES: usize = 4096;

/// An error in reading debugging information.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ReadError {
    /// This part is malformed. Other parts may be readable.
    Malformed,
    /// All fuel is spent, so reading stops.
    OutOfFuel,
}

impl From<gimli::Error> for ReadError {
    fn from(_: gimli::Error) -> ReadError {
        ReadError::Malformed
    }
}

type Result<T, E = ReadError> = std::result::Result<T, E>;

/// The budget for reading and keeping. A step is roughly a byte or an attribute.
struct Fuel {
    steps: u64,
    /// The steps for temporary data, reset for each call.
    call_steps: u64,
    ranges: u64,
    line_bytes: u64,
}

impl Fuel {
    /// Enough to read every section a few times, and a small section more often.
    const STEPS_PER_BYTE: u64 = 4;
    const STEPS: u64 = 4_000_000;
    const STEPS_PER_CALL: u64 = 1_000_000;
    const RANGES: u64 = 1000;

    fn new(bytes: u64, line_bytes: u64) -> Fuel {
        Fuel {
            steps: bytes * Fuel::STEPS_PER_BYTE + Fuel::STEPS,
            call_steps: Fuel::STEPS_PER_CALL,
            ranges: bytes / 4 + Fuel::RANGES,
            // Overlapping line programs are read and kept several times, so their total size is limited.
            line_bytes,
        }
    }

    fn spend(&mut self, steps: usize) -> Result<()> {
        self.steps = self.steps.checked_sub(steps as u64).ok_or(ReadError::OutOfFuel)?;
        Ok(())
    }

    fn spend_call_steps(&mut self, steps: usize) -> Result<()> {
        self.call_steps = self.call_steps.checked_sub(steps as u64).ok_or(ReadError::Malformed)?;
        Ok(())
    }

    /// Spends fuel for an address range that will be kept.
    fn spend_range(&mut self) -> Result<()> {
        self.ranges = self.ranges.checked_sub(1).ok_or(ReadError::OutOfFuel)?;
        self.spend(1)
    }

    /// Spends fuel for a line program that will be read.
    fn spend_program(&mut self, bytes: usize) -> Result<()> {
        self.line_bytes = self.line_bytes.checked_sub(bytes as u64).ok_or(ReadError::OutOfFuel)?;
        self.spend(bytes)
    }
}

impl DebugInfo {
    /// Finds a module's debugging information. Returns `None` if the module has no usable debugging information.
    pub(crate) fn read(module: &Module) -> Option<DebugInfo> {
        let mut sections: Vec<(SectionId, Range<usize>)> = Vec::new();
        for custom in module.customs.iter().filter(|custom| custom.name.starts_with(".debug_")) {
            let id = SECTIONS.iter().find(|id| id.name() == &*custom.name);
            // Only the first section of a name is used.
            if let Some(id) = id.filter(|id| sections.iter().all(|(known, _)| known != *id)) {
                sections.push((*id, custom.range.clone()));
            }
        }
        let bytes_of = |id| sections.iter().find(|(known, _)| *known == id).map(|(_, range)| range.len() as u64);
        bytes_of(SectionId::DebugInfo)?;
        let bytes = sections.iter().map(|(_, range)| range.len() as u64).sum();
        let mut state = ParsedInfo {
            fuel: Fuel::new(bytes, bytes_of(SectionId::DebugLine).unwrap_or(0)),
            abbreviations: AbbreviationCache::default(),
            units: Vec::new(),
            ranges: Vec::new(),
            functions: HashMap::new(),
            inlined: HashMap::new(),
            line_tables: HashMap::new(),
        };
        let dwarf = load(&sections, module)?;
        catch_unwind(AssertUnwindSafe(|| state.index(&dwarf))).ok()?.ok()?;
        Some(DebugInfo { sections, state: Mutex::new(state) })
    }

    /// Returns the source functions of the code at an address, innermost first. There are several if the compiler
    /// inlined calls. `module` must be the module that this was read from.
    pub(crate) fn symbols(&self, module: &Module, address: u64) -> Vec<FrameSymbol> {
        let Some(dwarf) = load(&self.sections, module) else { return Vec::new() };
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let symbols = catch_unwind(AssertUnwindSafe(|| state.symbols(&dwarf, address)));
        match symbols.unwrap_or(Err(ReadError::OutOfFuel)) {
            Ok(symbols) => symbols,
            Err(ReadError::Malformed) => Vec::new(),
            Err(ReadError::OutOfFuel) => {
                state.discard();
                Vec::new()
            }
        }
    }
}

/// The sections that are read.
const SECTIONS: [SectionId; 9] = [
    SectionId::DebugInfo,
    SectionId::DebugAbbrev,
    SectionId::DebugLine,
    SectionId::DebugStr,
    SectionId::DebugLineStr,
    SectionId::DebugStrOffsets,
    SectionId::DebugAddr,
    SectionId::DebugRanges,
    SectionId::DebugRngLists,
];

/// Returns the sections' contents, or `None` if they are damaged.
fn load<'a>(sections: &[(SectionId, Range<usize>)], module: &'a Module) -> Option<Dwarf<Slice<'a>>> {
    let contents = |id: SectionId| -> kinglet_wasm::Result<Slice<'a>> {
        let range = sections.iter().find(|(known, _)| *known == id).map(|(_, range)| range.clone());
        let bytes = range.map_or(Ok(&[][..]), |range| module.bytes.part(range))?;
        Ok(Slice::new(bytes, LittleEndian))
    };
    Dwarf::load(contents).ok()
}

impl ParsedInfo {
    /// Reads the headers of all units, and the address ranges of their code.
    fn index(&mut self, dwarf: &Dwarf<Slice<'_>>) -> Result<()> {
        let mut units = dwarf.units();
        // A malformed header ends the section, because the next header cannot be found.
        while let Ok(Some(header)) = units.next() {
            let Some(root) =
                UnitRoot::read(dwarf, header, &mut self.abbreviations, &mut self.fuel).absent_if_malformed()?
            else {
                continue;
            };
            let (offset, unit) = (root.offset(), self.units.len() as u32);
            self.units.push(offset);
            let (ranges, fuel) = (&mut self.ranges, &mut self.fuel);
            let before = ranges.len();
            let read = root.ranges(fuel, |code| ranges.push(UnitRange { code, reach: 0, unit }));
            read.absent_if_malformed()?;
            if self.ranges.len() == before
                && let Some(Some(table)) = self.line_table(&root).absent_if_malformed()?
            {
                let sequences: Vec<_> = table.sequences().collect();
                sequences.iter().try_for_each(|_| self.fuel.spend_range())?;
                self.ranges.extend(sequences.into_iter().map(|code| UnitRange { code, reach: 0, unit }));
            }
        }
        self.ranges.sort_unstable_by_key(|range| (range.code.start, range.unit));
        let mut reach = 0;
        for range in &mut self.ranges {
            reach = range.code.end.max(reach);
            range.reach = reach;
        }
        Ok(())
    }

    /// Returns the line table of a unit, if it has one.
    fn line_table(&mut self, root: &UnitRoot<'_, '_>) -> Result<Option<&mut LineTable>> {
        let Some(offset) = root.line_table else { return Ok(None) };
        if !self.line_tables.contains_key(&offset.0) {
            let table = LineTable::read(root, offset, &mut self.fuel).absent_if_malformed()?;
            self.line_tables.insert(offset.0, table.unwrap_or_default());
        }
        Ok(self.line_tables.get_mut(&offset.0))
    }

    fn symbols(&mut self, dwarf: &Dwarf<Slice<'_>>, address: u64) -> Result<Vec<FrameSymbol>> {
        self.fuel.call_steps = Fuel::STEPS_PER_CALL;
        let after = self.ranges.partition_point(|range| range.code.start <= address);
        let candidates = self.ranges[..after].iter().rev().take(MAX_RANGES).take_while(|range| range.reach > address);
        let units = candidates.filter(|range| range.code.end > address).map(|range| range.unit);
        let mut units: Vec<u32> = units.take(MAX_UNITS).collect();
        units.dedup();
        for unit in units {
            if let Some(symbols) = self.symbols_in(dwarf, unit, address).absent_if_malformed()?
                && !symbols.is_empty()
            {
                return Ok(symbols);
            }
        }
        Ok(Vec::new())
    }

    /// Returns the source functions that a unit has at an address.
    fn symbols_in(&mut self, dwarf: &Dwarf<Slice<'_>>, unit: u32, address: u64) -> Result<Vec<FrameSymbol>> {
        let root = self.root(dwarf, unit)?;
        if !self.functions.contains_key(&unit) {
            let functions = Functions::read(&root, &mut self.fuel).absent_if_malformed()?;
            self.functions.insert(unit, functions.unwrap_or_default());
        }
        let function = self.functions.get(&unit).and_then(|functions| functions.at(address));
        let mut location = self.line_table(&root)?.and_then(|table| table.at(address)).unwrap_or_default();
        let Some(function) = function else {
            let symbol = self.symbol(&root, None, location)?;
            return Ok(if symbol.file.is_some() || symbol.line.is_some() { vec![symbol] } else { Vec::new() });
        };
        let mut symbols = Vec::new();
        for (entry, call) in self.inlined(&root, unit, function, address)? {
            let name = unit::name(&root, entry, self)?;
            symbols.push(self.symbol(&root, name, location)?);
            location = call;
        }
        let name = unit::name(&root, function, self)?;
        symbols.push(self.symbol(&root, name, location)?);
        Ok(symbols)
    }

    fn root<'d, 'a>(&mut self, dwarf: &'d Dwarf<Slice<'a>>, unit: u32) -> Result<UnitRoot<'d, 'a>> {
        let offset = gimli::DebugInfoOffset(self.units[unit as usize]);
        let header = dwarf.debug_info.header_from_offset(offset)?;
        UnitRoot::read(dwarf, header, &mut self.abbreviations, &mut self.fuel)
    }

    /// Returns the entries of inlined calls at an address of a function, innermost first, and the location of each
    /// call.
    fn inlined(
        &mut self,
        root: &UnitRoot<'_, '_>,
        unit: u32,
        function: usize,
        address: u64,
    ) -> Result<Vec<(usize, line::SourceLocation)>> {
        if !self.inlined.contains_key(&(unit, function)) {
            let inlined = Inlined::read(root, function, &mut self.fuel).absent_if_malformed()?;
            self.inlined.insert((unit, function), inlined.unwrap_or_default());
        }
        let all = self.inlined.get(&(unit, function)).map_or(&[][..], |all| all);
        let entries = Inlined::at(all, address);
        let innermost = entries.iter().rev().take(MAX_INLINED);
        innermost.map(|entry| Ok((entry.entry, unit::call(root, entry.entry, &mut self.fuel)?))).collect()
    }

    fn symbol(
        &mut self,
        root: &UnitRoot<'_, '_>,
        name: Option<String>,
        location: line::SourceLocation,
    ) -> Result<FrameSymbol> {
        let file = match (location.file, root.line_table) {
            (Some(index), Some(offset)) => {
                let table = self.line_tables.entry(offset.0).or_default();
                table.file(root, offset, index, &mut self.fuel).absent_if_malformed()?.flatten()
            }
            _ => None,
        };
        let line = Some(location.line).filter(|line| *line != 0);
        // A column without a line is meaningless.
        let column = location.column.filter(|_| line.is_some());
        Ok(FrameSymbol { name, file, line, column })
    }

    fn discard(&mut self) {
        self.fuel = Fuel { steps: 0, call_steps: 0, ranges: 0, line_bytes: 0 };
        self.ranges = Vec::new();
        (self.functions, self.inlined, self.line_tables) = Default::default();
    }
}

/// Treats malformed parts as absent.
trait AbsentIfMalformed<T> {
    fn absent_if_malformed(self) -> Result<Option<T>>;
}

impl<T> AbsentIfMalformed<T> for Result<T> {
    fn absent_if_malformed(self) -> Result<Option<T>> {
        match self {
            Ok(it) => Ok(Some(it)),
            Err(ReadError::Malformed) => Ok(None),
            Err(ReadError::OutOfFuel) => Err(ReadError::OutOfFuel),
        }
    }
}

impl std::fmt::Debug for DebugInfo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DebugInfo").finish_non_exhaustive()
    }
}
