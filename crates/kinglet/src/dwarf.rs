//! Where in its source a module's code comes from, read from the DWARF sections that compilers leave in it ("DWARF for
//! WebAssembly": addresses count from the start of the code section's contents). Nothing is read before a backtrace is
//! shown, then only the units that have code at the addresses asked for, and each part at most once.
//!
//! The sections are the guest's bytes: what is in them can be wrong in every way, and made to be slow. All reading is paid
//! for out of [`Fuel`], which is in proportion to the sections' size, before it is done. Invariant: what is kept and the
//! time that all calls together take are in proportion to that size too; when the fuel is used up, the module has no
//! debugging information any more.

mod line;
mod unit;

use std::collections::HashMap;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, PoisonError};

use gimli::{Dwarf, EndianSlice, LittleEndian, SectionId};
use kinglet_wasm::Module;

use crate::trap::FrameSymbol;
use line::Lines;
use unit::{Functions, Inlined, Root, Tables};

type Bytes<'a> = EndianSlice<'a, LittleEndian>;

/// A module's debugging information.
pub(crate) struct DebugInfo {
    sections: Vec<(SectionId, Range<usize>)>,
    state: Mutex<State>,
}

/// What has been read of it.
struct State {
    fuel: Fuel,
    tables: Tables,
    /// Where in `.debug_info` the units begin, ascending.
    units: Vec<usize>,
    /// Which addresses they have code at, by their start.
    ranges: Vec<UnitRange>,
    functions: HashMap<u32, Functions>,
    /// What is inlined into a function, by its unit and its entry's offset.
    inlined: HashMap<(u32, usize), Box<[Inlined]>>,
    /// By their place in `.debug_line`: units can share them.
    lines: HashMap<usize, Lines>,
}

struct UnitRange {
    code: Range<u64>,
    /// The largest end of this and all before it.
    reach: u64,
    unit: u32,
}

/// The most units that are looked at for one address, and ranges to find them.
const MOST_UNITS: usize = 64;
const MOST_RANGES: usize = 1 << 16;
/// The most functions that are shown of one address: the innermost.
const MOST_INLINED: usize = 128;
/// The most bytes of a name or path that are read.
const LONGEST_NAME: usize = 4096;

/// The sections ask for more than is sane, or are not well-formed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refused {
    /// What was to be read is not as it should be. The rest may be.
    Malformed,
    /// Nothing more is read.
    OutOfFuel,
}

impl From<gimli::Error> for Refused {
    fn from(_: gimli::Error) -> Refused {
        Refused::Malformed
    }
}

type Result<T, E = Refused> = std::result::Result<T, E>;

/// What is left to be read and kept. A step is about a byte or an attribute.
struct Fuel {
    steps: u64,
    /// For what is not kept: each call has as much.
    steps_of_call: u64,
    ranges: u64,
    line_bytes: u64,
}

impl Fuel {
    /// Every section can be gone through a few times, and a small one more often.
    const STEPS_A_BYTE: u64 = 4;
    const STEPS: u64 = 4_000_000;
    const STEPS_A_CALL: u64 = 1_000_000;
    const RANGES: u64 = 1000;

    fn new(bytes: u64, line_bytes: u64) -> Fuel {
        Fuel {
            steps: bytes * Fuel::STEPS_A_BYTE + Fuel::STEPS,
            steps_of_call: Fuel::STEPS_A_CALL,
            ranges: bytes / 4 + Fuel::RANGES,
            // Programs that overlap would be read and kept many times.
            line_bytes,
        }
    }

    fn spend(&mut self, steps: usize) -> Result<()> {
        self.steps = self.steps.checked_sub(steps as u64).ok_or(Refused::OutOfFuel)?;
        Ok(())
    }

    fn spend_of_call(&mut self, steps: usize) -> Result<()> {
        self.steps_of_call = self.steps_of_call.checked_sub(steps as u64).ok_or(Refused::Malformed)?;
        Ok(())
    }

    /// A range of addresses is going to be kept.
    fn range(&mut self) -> Result<()> {
        self.ranges = self.ranges.checked_sub(1).ok_or(Refused::OutOfFuel)?;
        self.spend(1)
    }

    /// A program of the line table is going to be read.
    fn program(&mut self, bytes: usize) -> Result<()> {
        self.line_bytes = self.line_bytes.checked_sub(bytes as u64).ok_or(Refused::OutOfFuel)?;
        self.spend(bytes)
    }
}

impl DebugInfo {
    /// Finds a module's; none if it has none that can be used.
    pub(crate) fn read(module: &Module) -> Option<DebugInfo> {
        let mut sections: Vec<(SectionId, Range<usize>)> = Vec::new();
        for custom in module.customs.iter().filter(|custom| custom.name.starts_with(".debug_")) {
            let id = USED.iter().find(|id| id.name() == &*custom.name);
            // Only the first of a name counts.
            if let Some(id) = id.filter(|id| sections.iter().all(|(known, _)| known != *id)) {
                sections.push((*id, custom.range.clone()));
            }
        }
        let bytes_of = |id| sections.iter().find(|(known, _)| *known == id).map(|(_, range)| range.len() as u64);
        bytes_of(SectionId::DebugInfo)?;
        let bytes = sections.iter().map(|(_, range)| range.len() as u64).sum();
        let mut state = State {
            fuel: Fuel::new(bytes, bytes_of(SectionId::DebugLine).unwrap_or(0)),
            tables: Tables::default(),
            units: Vec::new(),
            ranges: Vec::new(),
            functions: HashMap::new(),
            inlined: HashMap::new(),
            lines: HashMap::new(),
        };
        let dwarf = load(&sections, module)?;
        catch_unwind(AssertUnwindSafe(|| state.index(&dwarf))).ok()?.ok()?;
        Some(DebugInfo { sections, state: Mutex::new(state) })
    }

    /// The functions that the code at an address was written in, innermost first: more than one if the compiler inlined
    /// some into others. The module is the one it was read from.
    pub(crate) fn symbols(&self, module: &Module, address: u64) -> Vec<FrameSymbol> {
        let Some(dwarf) = load(&self.sections, module) else { return Vec::new() };
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let found = catch_unwind(AssertUnwindSafe(|| state.symbols(&dwarf, address)));
        match found.unwrap_or(Err(Refused::OutOfFuel)) {
            Ok(symbols) => symbols,
            Err(Refused::Malformed) => Vec::new(),
            Err(Refused::OutOfFuel) => {
                state.give_up();
                Vec::new()
            }
        }
    }
}

/// The sections that are read.
const USED: [SectionId; 9] = [
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

/// The sections' contents; none if they are damaged.
fn load<'a>(sections: &[(SectionId, Range<usize>)], module: &'a Module) -> Option<Dwarf<Bytes<'a>>> {
    let contents = |id: SectionId| -> kinglet_wasm::Result<Bytes<'a>> {
        let range = sections.iter().find(|(known, _)| *known == id).map(|(_, range)| range.clone());
        let bytes = range.map_or(Ok(&[][..]), |range| module.bytes.part(range))?;
        Ok(Bytes::new(bytes, LittleEndian))
    };
    Dwarf::load(contents).ok()
}

impl State {
    /// Notes all units with the addresses they have code at.
    fn index(&mut self, dwarf: &Dwarf<Bytes<'_>>) -> Result<()> {
        let mut units = dwarf.units();
        // Behind a header that is none, nothing can be found.
        while let Ok(Some(header)) = units.next() {
            let Some(root) = Root::read(dwarf, header, &mut self.tables, &mut self.fuel).or_malformed()? else {
                continue;
            };
            let (offset, unit) = (root.offset(), self.units.len() as u32);
            self.units.push(offset);
            let (ranges, fuel) = (&mut self.ranges, &mut self.fuel);
            let before = ranges.len();
            let read = root.ranges(fuel, |code| ranges.push(UnitRange { code, reach: 0, unit }));
            read.or_malformed()?;
            if self.ranges.len() == before
                && let Some(Some(lines)) = self.lines(&root).or_malformed()?
            {
                let sequences: Vec<_> = lines.sequences().collect();
                sequences.iter().try_for_each(|_| self.fuel.range())?;
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

    /// The lines of a unit, if it has any.
    fn lines(&mut self, root: &Root<'_, '_>) -> Result<Option<&mut Lines>> {
        let Some(offset) = root.lines else { return Ok(None) };
        if !self.lines.contains_key(&offset.0) {
            let lines = Lines::read(root, offset, &mut self.fuel).or_malformed()?;
            self.lines.insert(offset.0, lines.unwrap_or_default());
        }
        Ok(self.lines.get_mut(&offset.0))
    }

    fn symbols(&mut self, dwarf: &Dwarf<Bytes<'_>>, address: u64) -> Result<Vec<FrameSymbol>> {
        self.fuel.steps_of_call = Fuel::STEPS_A_CALL;
        let behind = self.ranges.partition_point(|range| range.code.start <= address);
        let near = self.ranges[..behind].iter().rev().take(MOST_RANGES).take_while(|range| range.reach > address);
        let units = near.filter(|range| range.code.end > address).map(|range| range.unit);
        let mut units: Vec<u32> = units.take(MOST_UNITS).collect();
        units.dedup();
        for unit in units {
            if let Some(symbols) = self.symbols_in(dwarf, unit, address).or_malformed()?
                && !symbols.is_empty()
            {
                return Ok(symbols);
            }
        }
        Ok(Vec::new())
    }

    /// What a unit says of an address.
    fn symbols_in(&mut self, dwarf: &Dwarf<Bytes<'_>>, unit: u32, address: u64) -> Result<Vec<FrameSymbol>> {
        let root = self.root(dwarf, unit)?;
        if !self.functions.contains_key(&unit) {
            let functions = Functions::read(&root, &mut self.fuel).or_malformed()?;
            self.functions.insert(unit, functions.unwrap_or_default());
        }
        let function = self.functions.get(&unit).and_then(|functions| functions.at(address));
        let mut place = self.lines(&root)?.and_then(|lines| lines.at(address)).unwrap_or_default();
        let Some(function) = function else {
            let symbol = self.symbol(&root, None, place)?;
            return Ok(if symbol.file.is_some() || symbol.line.is_some() { vec![symbol] } else { Vec::new() });
        };
        let mut symbols = Vec::new();
        for (entry, call) in self.inlined(&root, unit, function, address)? {
            let name = unit::name(&root, entry, self)?;
            symbols.push(self.symbol(&root, name, place)?);
            place = call;
        }
        let name = unit::name(&root, function, self)?;
        symbols.push(self.symbol(&root, name, place)?);
        Ok(symbols)
    }

    fn root<'d, 'a>(&mut self, dwarf: &'d Dwarf<Bytes<'a>>, unit: u32) -> Result<Root<'d, 'a>> {
        let offset = gimli::DebugInfoOffset(self.units[unit as usize]);
        let header = dwarf.debug_info.header_from_offset(offset)?;
        Root::read(dwarf, header, &mut self.tables, &mut self.fuel)
    }

    /// The entries of calls that were inlined at an address of a function, innermost first, and where each call was.
    fn inlined(
        &mut self,
        root: &Root<'_, '_>,
        unit: u32,
        function: usize,
        address: u64,
    ) -> Result<Vec<(usize, line::Place)>> {
        if !self.inlined.contains_key(&(unit, function)) {
            let inlined = Inlined::read(root, function, &mut self.fuel).or_malformed()?;
            self.inlined.insert((unit, function), inlined.unwrap_or_default());
        }
        let all = self.inlined.get(&(unit, function)).map_or(&[][..], |all| all);
        let entries = Inlined::at(all, address);
        let innermost = entries.iter().rev().take(MOST_INLINED);
        innermost.map(|entry| Ok((entry.entry, unit::call(root, entry.entry, &mut self.fuel)?))).collect()
    }

    fn symbol(&mut self, root: &Root<'_, '_>, name: Option<String>, place: line::Place) -> Result<FrameSymbol> {
        let file = match (place.file, root.lines) {
            (Some(index), Some(offset)) => {
                let lines = self.lines.entry(offset.0).or_default();
                lines.file(root, offset, index, &mut self.fuel).or_malformed()?.flatten()
            }
            _ => None,
        };
        let line = Some(place.line).filter(|line| *line != 0);
        // Without a line a column means nothing.
        let column = place.column.filter(|_| line.is_some());
        Ok(FrameSymbol { name, file, line, column })
    }

    fn give_up(&mut self) {
        self.fuel = Fuel { steps: 0, steps_of_call: 0, ranges: 0, line_bytes: 0 };
        self.ranges = Vec::new();
        (self.functions, self.inlined, self.lines) = Default::default();
    }
}

/// What is malformed counts as absent.
trait OrMalformed<T> {
    fn or_malformed(self) -> Result<Option<T>>;
}

impl<T> OrMalformed<T> for Result<T> {
    fn or_malformed(self) -> Result<Option<T>> {
        match self {
            Ok(it) => Ok(Some(it)),
            Err(Refused::Malformed) => Ok(None),
            Err(Refused::OutOfFuel) => Err(Refused::OutOfFuel),
        }
    }
}

impl std::fmt::Debug for DebugInfo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DebugInfo").finish_non_exhaustive()
    }
}
