//! Where in its source a module's code comes from, read from the DWARF sections that compilers leave in it ("DWARF for
//! WebAssembly": addresses count from the start of the code section's contents). Read when a backtrace is first shown,
//! and kept with the module. The sections are the guest's bytes: what is in them can be wrong in every way, and the
//! reader is protected from what would take it too long or too deep ([`Budget`]).

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;

use addr2line::Context;
use gimli::{AttributeValue, Dwarf, EndianArcSlice, LittleEndian, Reader, Section, SectionId, UnitRef};

use crate::trap::FrameSymbol;

type Bytes = EndianArcSlice<LittleEndian>;

/// A module's debugging information.
pub(crate) struct DebugInfo {
    context: Mutex<Context<Bytes>>,
}

impl DebugInfo {
    /// Reads a module's; none if it has none that can be used.
    pub(crate) fn read(module: &kinglet_wasm::Module) -> Option<DebugInfo> {
        let info = || {
            if !module.customs.iter().any(|custom| &*custom.name == SectionId::DebugInfo.name()) {
                return None;
            }
            let section = |id: SectionId| -> Result<Bytes, gimli::Error> {
                let custom = module.customs.iter().find(|custom| &*custom.name == id.name());
                let bytes = custom.and_then(|custom| module.bytes.part(custom.range.clone()).ok()).unwrap_or_default();
                Ok(Bytes::new(bytes.into(), LittleEndian))
            };
            let mut dwarf = Dwarf::load(section).ok()?;
            dwarf.populate_abbreviations_cache(gimli::AbbreviationsCacheStrategy::Duplicates);
            Budget::default().check(&dwarf).ok()?;
            Some(DebugInfo { context: Mutex::new(Context::from_dwarf(dwarf).ok()?) })
        };
        catch_unwind(AssertUnwindSafe(info)).ok()?
    }

    /// The functions that the code at an address was written in, innermost first: more than one if the compiler inlined
    /// some into others.
    pub(crate) fn symbols(&self, address: u64) -> Vec<FrameSymbol> {
        let context = self.context.lock().unwrap_or_else(|e| e.into_inner());
        catch_unwind(AssertUnwindSafe(|| symbols(&context, address).unwrap_or_default())).unwrap_or_default()
    }
}

fn symbols(context: &Context<Bytes>, address: u64) -> Result<Vec<FrameSymbol>, gimli::Error> {
    let mut symbols = Vec::new();
    let mut frames = context.find_frames(address).skip_all_loads()?;
    while let Some(frame) = frames.next()? {
        let name = frame.function.as_ref().and_then(|name| name.demangle().ok());
        let location = frame.location.as_ref();
        symbols.push(FrameSymbol {
            name: name.map(|name| name.into_owned()),
            file: location.and_then(|location| location.file).map(str::to_string),
            line: location.and_then(|location| location.line),
            column: location.and_then(|location| location.column),
        });
    }
    Ok(symbols)
}

/// The deepest nesting of entries: the reader follows it by recursion.
const MAX_DEPTH: isize = 256;
/// The most ranges of addresses that all entries together may have: several can name the same list.
const MAX_RANGES: u32 = 4 << 20;

/// What of the reader's work does not grow with the size of the sections alone, counted before it begins.
#[derive(Default)]
struct Budget {
    ranges: u32,
    line_bytes: usize,
}

/// The sections ask for more than is sane, or are not well-formed.
struct Refused;

impl From<gimli::Error> for Refused {
    fn from(_: gimli::Error) -> Refused {
        Refused
    }
}

impl Budget {
    fn check(&mut self, dwarf: &Dwarf<Bytes>) -> Result<(), Refused> {
        let all_line_bytes = dwarf.debug_line.reader().len();
        let mut units = dwarf.units();
        while let Some(header) = units.next()? {
            let unit = dwarf.unit(header)?;
            let unit = UnitRef::new(dwarf, &unit);
            self.line_bytes += unit.line_program.as_ref().map_or(0, |program| program.header().raw_program_buf().len());
            if self.line_bytes > all_line_bytes {
                return Err(Refused);
            }
            self.entries(unit)?;
        }
        Ok(())
    }

    fn entries(&mut self, unit: UnitRef<'_, Bytes>) -> Result<(), Refused> {
        let mut entries = unit.entries_raw(None)?;
        while !entries.is_empty() {
            if entries.next_depth() > MAX_DEPTH {
                return Err(Refused);
            }
            let Some(abbreviation) = entries.read_abbreviation()? else { continue };
            for specification in abbreviation.attributes() {
                let attribute = entries.read_attribute(*specification)?;
                if attribute.name() == gimli::DW_AT_ranges {
                    self.ranges(unit, attribute.value())?;
                }
            }
        }
        Ok(())
    }

    fn ranges(&mut self, unit: UnitRef<'_, Bytes>, value: AttributeValue<Bytes>) -> Result<(), Refused> {
        let Some(offset) = unit.attr_ranges_offset(value)? else { return Ok(()) };
        let mut ranges = unit.raw_ranges(offset)?;
        while ranges.next()?.is_some() {
            self.ranges += 1;
            if self.ranges > MAX_RANGES {
                return Err(Refused);
            }
        }
        Ok(())
    }
}

impl std::fmt::Debug for DebugInfo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DebugInfo").finish_non_exhaustive()
    }
}
