//! The entries of a unit: its root entry, and the entries of functions and inlined calls.

use std::ops::Range;
use std::sync::Arc;

use gimli::{
    Abbreviation, Abbreviations, Attribute, AttributeValue, DebugAbbrevOffset, DebugAddrBase, DebugAddrIndex,
    DebugInfoOffset, DebugLineOffset, DebugLocListsBase, DebugRngListsBase, DebugStrOffsetsBase, DwLang, Dwarf,
    DwarfFileType, EntriesRaw, RangeListsOffset, RawRngListEntry, Reader, Section, Unit, UnitHeader, UnitOffset,
    UnitRef, UnitType,
};

use kinglet_wasm::name::demangle;

use super::line::SourceLocation;
use super::{Fuel, MAX_NAME_BYTES, ParsedInfo, ReadError, Result, Slice};

/// The maximum number of references that are followed to find a name.
const MAX_REFERENCES: usize = 16;
/// The maximum number of cached abbreviation tables.
const MAX_TABLES: usize = 4;
/// The largest abbreviation table in bytes.
const MAX_TABLE_BYTES: usize = 1 << 20;

/// The most recently used abbreviation tables, by offset.
#[derive(Default)]
pub(super) struct AbbreviationCache(Vec<(DebugAbbrevOffset, Arc<Abbreviations>)>);

impl AbbreviationCache {
    fn get(
        &mut self,
        dwarf: &Dwarf<Slice<'_>>,
        offset: DebugAbbrevOffset,
        fuel: &mut Fuel,
    ) -> Result<Arc<Abbreviations>> {
        if let Some(at) = self.0.iter().position(|(known, _)| *known == offset) {
            let table = self.0.remove(at);
            self.0.push(table);
        } else {
            spend_table(dwarf, offset, fuel)?;
            let table = dwarf.debug_abbrev.abbreviations(offset)?;
            if self.0.len() == MAX_TABLES {
                self.0.remove(0);
            }
            self.0.push((offset, Arc::new(table)));
        }
        self.0.last().map(|(_, table)| table.clone()).ok_or(ReadError::Malformed)
    }
}

/// Scans an abbreviation table to spend fuel for it before gimli reads it. Tables have no length field and can overlap.
fn spend_table(dwarf: &Dwarf<Slice<'_>>, offset: DebugAbbrevOffset, fuel: &mut Fuel) -> Result<()> {
    let mut table = *dwarf.debug_abbrev.reader();
    table.skip(offset.0)?;
    let total = table.len();
    while table.read_uleb128()? != 0 {
        // The tag, and whether the entry has children.
        table.read_uleb128()?;
        table.read_u8()?;
        loop {
            let before = table.len();
            let (name, form) = (table.read_uleb128()?, table.read_uleb128()?);
            if form == u64::from(gimli::DW_FORM_implicit_const.0) {
                table.read_sleb128()?;
            }
            fuel.spend(before - table.len())?;
            if (name, form) == (0, 0) {
                break;
            }
        }
        fuel.spend(3)?;
        if total - table.len() > MAX_TABLE_BYTES {
            return Err(ReadError::Malformed);
        }
    }
    Ok(())
}

/// A unit and the attributes of its root entry.
pub(super) struct UnitRoot<'d, 'a> {
    pub(super) dwarf: &'d Dwarf<Slice<'a>>,
    pub(super) unit: Unit<Slice<'a>>,
    pub(super) line_table: Option<DebugLineOffset>,
    /// The unit's file, and the directory in which the compiler ran.
    pub(super) name: Option<AttributeValue<Slice<'a>>>,
    pub(super) directory: Option<AttributeValue<Slice<'a>>>,
    language: Option<DwLang>,
    addresses: CodeAddresses<'a>,
}

/// The attributes that determine the addresses of an entry's code.
#[derive(Default)]
struct CodeAddresses<'a> {
    low: Option<AttributeValue<Slice<'a>>>,
    high: Option<AttributeValue<Slice<'a>>>,
    ranges: Option<AttributeValue<Slice<'a>>>,
}

impl<'a> CodeAddresses<'a> {
    fn add(&mut self, attribute: &Attribute<Slice<'a>>) {
        let location = match attribute.name() {
            gimli::DW_AT_low_pc => &mut self.low,
            gimli::DW_AT_high_pc => &mut self.high,
            gimli::DW_AT_ranges => &mut self.ranges,
            _ => return,
        };
        *location = Some(attribute.value());
    }

    /// Calls `found` with each range that is not empty.
    fn for_each_range(
        &self,
        root: &UnitRoot<'_, 'a>,
        fuel: &mut Fuel,
        mut found: impl FnMut(Range<u64>),
    ) -> Result<()> {
        let unit = root.unit_ref();
        let mut add = |begin: u64, end: u64, fuel: &mut Fuel| {
            if begin < end {
                fuel.spend_range()?;
                found(begin..end);
            }
            Ok(())
        };
        if let Some(ranges) = self.ranges
            && let Some(offset) = root.ranges_offset(ranges)?
        {
            let mut ranges = unit.ranges(offset)?;
            while let Some(raw) = ranges.next_raw()? {
                fuel.spend(1)?;
                match raw {
                    RawRngListEntry::BaseAddressx { addr: index }
                    | RawRngListEntry::StartxLength { begin: index, .. } => root.check_address(index)?,
                    RawRngListEntry::StartxEndx { begin, end } => {
                        root.check_address(begin)?;
                        root.check_address(end)?;
                    }
                    _ => {}
                }
                if let Some(range) = ranges.convert_raw(raw)? {
                    add(range.begin, range.end, fuel)?;
                }
            }
            return Ok(());
        }
        let Some(low) = self.low.map(|low| root.address(low)).transpose()?.flatten() else { return Ok(()) };
        match self.high {
            Some(AttributeValue::Udata(size)) => add(low, low.wrapping_add(size), fuel),
            Some(high) => root.address(high)?.map_or(Ok(()), |high| add(low, high, fuel)),
            None => Ok(()),
        }
    }
}

impl<'d, 'a> UnitRoot<'d, 'a> {
    /// Reads a unit that may have code, or entries that such a unit refers to.
    pub(super) fn read(
        dwarf: &'d Dwarf<Slice<'a>>,
        header: UnitHeader<Slice<'a>>,
        abbreviations: &mut AbbreviationCache,
        fuel: &mut Fuel,
    ) -> Result<UnitRoot<'d, 'a>> {
        fuel.spend(16)?;
        if matches!(header.type_(), UnitType::Type { .. } | UnitType::SplitType { .. }) {
            return Err(ReadError::Malformed);
        }
        let encoding = header.encoding();
        let unit = Unit {
            abbreviations: abbreviations.get(dwarf, header.debug_abbrev_offset(), fuel)?,
            name: None,
            comp_dir: None,
            low_pc: 0,
            str_offsets_base: DebugStrOffsetsBase::default_for_encoding_and_file(encoding, DwarfFileType::Main),
            addr_base: DebugAddrBase(0),
            loclists_base: DebugLocListsBase(0),
            rnglists_base: DebugRngListsBase::default_for_encoding_and_file(encoding, DwarfFileType::Main),
            line_program: None,
            dwo_id: None,
            header,
        };
        let (line_table, name, directory, language, addresses) = Default::default();
        let mut root = UnitRoot { dwarf, unit, line_table, name, directory, language, addresses };
        root.read_entry(fuel)?;
        Ok(root)
    }

    fn read_entry(&mut self, fuel: &mut Fuel) -> Result<()> {
        let abbreviations = self.unit.abbreviations.clone();
        let mut entries = self.unit.header.entries_raw(&abbreviations, None)?;
        let abbreviation = entries.read_abbreviation()?.ok_or(ReadError::Malformed)?;
        let cost = attributes(&mut entries, abbreviation, |attribute| {
            self.addresses.add(&attribute);
            match (attribute.name(), attribute.value()) {
                (gimli::DW_AT_name, value) => self.name = Some(value),
                (gimli::DW_AT_comp_dir, value) => self.directory = Some(value),
                (gimli::DW_AT_stmt_list, AttributeValue::DebugLineRef(offset)) => self.line_table = Some(offset),
                (gimli::DW_AT_language, AttributeValue::Language(language)) => self.language = Some(language),
                (gimli::DW_AT_str_offsets_base, AttributeValue::DebugStrOffsetsBase(base)) => {
                    self.unit.str_offsets_base = base;
                }
                (gimli::DW_AT_addr_base | gimli::DW_AT_GNU_addr_base, AttributeValue::DebugAddrBase(base)) => {
                    self.unit.addr_base = base;
                }
                (gimli::DW_AT_rnglists_base, AttributeValue::DebugRngListsBase(base)) => {
                    self.unit.rnglists_base = base;
                }
                _ => {}
            }
        })?;
        fuel.spend(cost)?;
        // Indexed addresses need the base, which may come after them.
        if let Some(low) = self.addresses.low
            && let Ok(Some(low)) = self.address(low)
        {
            self.unit.low_pc = low;
        }
        Ok(())
    }

    /// Returns the unit's offset in `.debug_info`.
    pub(super) fn offset(&self) -> usize {
        self.unit.header.debug_info_offset().map_or(0, |offset| offset.0)
    }

    /// Calls `found` with the address ranges of the unit's code.
    pub(super) fn ranges(&self, fuel: &mut Fuel, found: impl FnMut(Range<u64>)) -> Result<()> {
        if matches!(self.unit.header.type_(), UnitType::Partial) {
            return Ok(());
        }
        self.addresses.for_each_range(self, fuel, found)
    }

    /// Returns a string, truncated to [`MAX_NAME_BYTES`].
    pub(super) fn text(&self, value: AttributeValue<Slice<'a>>, fuel: &mut Fuel) -> Result<String> {
        let section = |section: &Slice<'a>, offset: usize| {
            let mut section = *section;
            section.skip(offset).map(|()| section)
        };
        let strings = |offset: usize| section(self.dwarf.debug_str.reader(), offset);
        let bytes = match value {
            AttributeValue::String(string) => string,
            AttributeValue::DebugStrRef(offset) => strings(offset.0)?,
            AttributeValue::DebugLineStrRef(offset) => section(self.dwarf.debug_line_str.reader(), offset.0)?,
            AttributeValue::DebugStrOffsetsIndex(index) => {
                check_index(index.0, self.dwarf.debug_str_offsets.reader())?;
                strings(self.dwarf.string_offset(&self.unit, index)?.0)?
            }
            _ => return Err(ReadError::Malformed),
        };
        let bytes = &bytes.slice()[..bytes.len().min(MAX_NAME_BYTES)];
        let bytes = bytes.split(|byte| *byte == 0).next().unwrap_or_default();
        fuel.spend_call_steps(bytes.len() / 16)?;
        Ok(String::from_utf8_lossy(bytes).into_owned())
    }

    /// Returns the address that an attribute contains or indexes.
    fn address(&self, value: AttributeValue<Slice<'a>>) -> Result<Option<u64>> {
        if let AttributeValue::DebugAddrIndex(index) = value {
            self.check_address(index)?;
        }
        Ok(self.dwarf.attr_address(&self.unit, value)?)
    }

    fn check_address(&self, index: DebugAddrIndex) -> Result<()> {
        check_index(index.0, self.dwarf.debug_addr.reader())
    }

    /// Returns the offset of the range list that an attribute contains or indexes.
    fn ranges_offset(&self, value: AttributeValue<Slice<'a>>) -> Result<Option<RangeListsOffset>> {
        let AttributeValue::DebugRngListsIndex(index) = value else {
            return Ok(self.dwarf.attr_ranges_offset(&self.unit, value)?);
        };
        // gimli adds this number to the base without an overflow check.
        let (format, base) = (self.unit.encoding().format, self.unit.rnglists_base.0);
        let mut lists = *self.dwarf.ranges.debug_rnglists().reader();
        check_index(index.0, &lists)?;
        lists.skip(base)?;
        lists.skip(index.0 * usize::from(format.word_size()))?;
        let offset = lists.read_offset(format)?;
        base.checked_add(offset).map(|offset| Some(RangeListsOffset(offset))).ok_or(ReadError::Malformed)
    }

    fn unit_ref(&self) -> UnitRef<'_, Slice<'a>> {
        UnitRef::new(self.dwarf, &self.unit)
    }

    fn entries(&self, from: Option<usize>) -> Result<EntriesRaw<'_, Slice<'a>>> {
        Ok(self.unit.entries_raw(from.map(UnitOffset))?)
    }
}

/// Rejects an index larger than its section. gimli multiplies indices by the entry size without an overflow check.
fn check_index(index: usize, section: &Slice<'_>) -> Result<()> {
    if index <= section.len() { Ok(()) } else { Err(ReadError::Malformed) }
}

/// Reads all attributes of an entry. Returns the fuel that this costs.
fn attributes<'a>(
    entries: &mut EntriesRaw<'_, Slice<'a>>,
    abbreviation: &Abbreviation,
    mut found: impl FnMut(Attribute<Slice<'a>>),
) -> Result<usize> {
    let before = entries.next_offset().0;
    for specification in abbreviation.attributes() {
        found(entries.read_attribute(*specification)?);
    }
    Ok(cost(entries, abbreviation, before))
}

/// Skips all attributes of an entry. Returns the fuel that this costs.
fn skip(entries: &mut EntriesRaw<'_, Slice<'_>>, abbreviation: &Abbreviation) -> Result<usize> {
    let before = entries.next_offset().0;
    entries.skip_attributes(abbreviation.attributes())?;
    Ok(cost(entries, abbreviation, before))
}

/// Returns the fuel for reading an entry. An attribute may have no bytes. A string may have many, but its end is found
/// quickly.
fn cost(entries: &EntriesRaw<'_, Slice<'_>>, abbreviation: &Abbreviation, before: usize) -> usize {
    1 + abbreviation.attributes().len() + (entries.next_offset().0 - before) / 16
}

/// The code ranges of a unit's functions, ordered by start, with the offsets of their entries.
#[derive(Default)]
pub(super) struct Functions(Vec<(Range<u64>, usize)>);

impl Functions {
    pub(super) fn read(root: &UnitRoot<'_, '_>, fuel: &mut Fuel) -> Result<Functions> {
        let mut functions = Vec::new();
        let mut entries = root.entries(None)?;
        while !entries.is_empty() {
            let offset = entries.next_offset().0;
            fuel.spend(1)?;
            let Some(abbreviation) = entries.read_abbreviation()? else { continue };
            if abbreviation.tag() == gimli::DW_TAG_subprogram {
                let mut addresses = CodeAddresses::default();
                fuel.spend(attributes(&mut entries, abbreviation, |attribute| addresses.add(&attribute))?)?;
                addresses.for_each_range(root, fuel, |code| functions.push((code, offset)))?;
            } else {
                fuel.spend(skip(&mut entries, abbreviation)?)?;
            }
        }
        functions.sort_unstable_by_key(|(code, offset)| (code.start, *offset));
        functions.shrink_to_fit();
        Ok(Functions(functions))
    }

    /// Returns the entry of the function with code at an address. Compilers do not emit overlapping functions.
    pub(super) fn at(&self, address: u64) -> Option<usize> {
        let after = self.0.partition_point(|(code, _)| code.start <= address);
        self.0[..after].iter().rev().take(16).find(|(code, _)| code.end > address).map(|(_, offset)| *offset)
    }
}

/// An address range of an inlined call.
pub(super) struct Inlined {
    code: Range<u64>,
    pub(super) entry: usize,
    /// The entry of the enclosing inlined call, or 0.
    parent: usize,
}

impl Inlined {
    /// Reads all calls that were inlined into a function, in the order of their entries.
    pub(super) fn read(root: &UnitRoot<'_, '_>, function: usize, fuel: &mut Fuel) -> Result<Box<[Inlined]>> {
        let mut inlined = Vec::new();
        let mut entries = root.entries(Some(function))?;
        // The enclosing inlined calls, with the depths of their entries.
        let mut open: Vec<(isize, usize)> = Vec::new();
        let mut nested_function = None;
        let mut first = true;
        while !entries.is_empty() && (first || entries.next_depth() > 0) {
            let (depth, entry) = (entries.next_depth(), entries.next_offset().0);
            fuel.spend(1)?;
            let Some(abbreviation) = entries.read_abbreviation()? else { continue };
            open.truncate(open.iter().rposition(|(above, _)| *above < depth).map_or(0, |last| last + 1));
            nested_function = nested_function.filter(|above| depth > *above);
            match abbreviation.tag() {
                gimli::DW_TAG_inlined_subroutine if nested_function.is_none() => {
                    let mut addresses = CodeAddresses::default();
                    fuel.spend(attributes(&mut entries, abbreviation, |attribute| addresses.add(&attribute))?)?;
                    let parent = open.last().map_or(0, |(_, entry)| *entry);
                    addresses.for_each_range(root, fuel, |code| inlined.push(Inlined { code, entry, parent }))?;
                    if abbreviation.has_children() {
                        fuel.spend_range()?;
                        open.push((depth, entry));
                    }
                }
                // A nested function has its own frame.
                gimli::DW_TAG_subprogram if !first && nested_function.is_none() => {
                    fuel.spend(skip(&mut entries, abbreviation)?)?;
                    nested_function = Some(depth);
                }
                _ => fuel.spend(skip(&mut entries, abbreviation)?)?,
            }
            first = false;
        }
        Ok(inlined.into())
    }

    /// Returns the calls at an address, outermost first.
    pub(super) fn at(all: &[Inlined], address: u64) -> Vec<&Inlined> {
        let mut chain: Vec<&Inlined> = Vec::new();
        for inlined in all.iter().filter(|inlined| inlined.code.contains(&address)) {
            if inlined.parent == chain.last().map_or(0, |last| last.entry) {
                chain.push(inlined);
            }
        }
        chain
    }
}

/// Returns the location of an inlined call.
pub(super) fn call(root: &UnitRoot<'_, '_>, entry: usize, fuel: &mut Fuel) -> Result<SourceLocation> {
    let mut location = SourceLocation::default();
    let mut entries = root.entries(Some(entry))?;
    let abbreviation = entries.read_abbreviation()?.ok_or(ReadError::Malformed)?;
    let cost = attributes(&mut entries, abbreviation, |attribute| {
        let number = || attribute.udata_value().unwrap_or(0) as u32;
        match (attribute.name(), attribute.value()) {
            // Before version 5, index 0 means that there is no file.
            (gimli::DW_AT_call_file, AttributeValue::FileIndex(index)) if index > 0 || root.unit.version() >= 5 => {
                location.file = Some(index);
            }
            (gimli::DW_AT_call_line, _) => location.line = number(),
            (gimli::DW_AT_call_column, _) => location.column = Some(number()).filter(|column| *column != 0),
            _ => {}
        }
    })?;
    fuel.spend_call_steps(cost)?;
    Ok(location)
}

/// Returns a function's name, from its entry or an entry that it refers to.
pub(super) fn name(root: &UnitRoot<'_, '_>, entry: usize, state: &mut ParsedInfo) -> Result<Option<String>> {
    name_of(root, entry, MAX_REFERENCES, state)
}

fn name_of(root: &UnitRoot<'_, '_>, entry: usize, references: usize, state: &mut ParsedInfo) -> Result<Option<String>> {
    let (mut linkage, mut name, mut next) = (None, None, None);
    let mut entries = root.entries(Some(entry))?;
    let abbreviation = entries.read_abbreviation()?.ok_or(ReadError::Malformed)?;
    let cost = attributes(&mut entries, abbreviation, |attribute| match attribute.name() {
        gimli::DW_AT_linkage_name | gimli::DW_AT_MIPS_linkage_name => linkage = Some(attribute.value()),
        gimli::DW_AT_name => name = Some(attribute.value()),
        gimli::DW_AT_abstract_origin | gimli::DW_AT_specification => next = Some(attribute.value()),
        _ => {}
    })?;
    state.fuel.spend_call_steps(cost)?;
    if let Some(name) = linkage.or(name) {
        let name = root.text(name, &mut state.fuel)?;
        let rust = root.language.is_none_or(|language| language == gimli::DW_LANG_Rust);
        return Ok(Some(if rust { demangle(&name).into_owned() } else { name }));
    }
    if references == 0 {
        return Ok(None);
    }
    match next {
        Some(AttributeValue::UnitRef(offset)) => name_of(root, offset.0, references - 1, state),
        Some(AttributeValue::DebugInfoRef(offset)) => {
            let (root, offset) = resolve_reference(root.dwarf, offset, state)?;
            name_of(&root, offset, references - 1, state)
        }
        _ => Ok(None),
    }
}

/// Returns the unit of an entry, and the entry's offset in it.
fn resolve_reference<'d, 'a>(
    dwarf: &'d Dwarf<Slice<'a>>,
    entry: DebugInfoOffset,
    state: &mut ParsedInfo,
) -> Result<(UnitRoot<'d, 'a>, usize)> {
    let after = state.units.partition_point(|offset| *offset <= entry.0);
    let unit = after.checked_sub(1).ok_or(ReadError::Malformed)?;
    let root = state.root(dwarf, unit as u32)?;
    let offset = entry.to_unit_offset(&root.unit.header).ok_or(ReadError::Malformed)?;
    Ok((root, offset.0))
}
