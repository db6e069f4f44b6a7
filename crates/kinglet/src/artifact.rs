//! Compiled modules as files. A *native image* is the module's machine code and tables, laid out to be used where they
//! are mapped, with the module behind them. A *universal* module is the module itself with such an image, less the
//! module, in a custom section at its end, which other runtimes skip; the section is padded so that it can be mapped too.
//!
//! ```text
//! image    = magic:8 version:u32 parts:u32 length:u64 checksum:u64 address:u64 (offset:u64 length:u64)*14 contents
//! contents = identity, functions, sites, call sites, scopes, clauses, stack maps, references, bodies, trampolines,
//!            text, data, module, sums
//! section  = 0x00 size:5 7 "kinglet" padding:u32 0x00* image
//! ```
//!
//! Offsets are from the image's start. The header is little-endian, the tables are as the target wants them. Bodies are
//! where the module's functions are in it. Data is what the first memory holds from `address` on when it has been
//! initialised, if that is known beforehand. A cache keeps the module and its code apart, each as an image that lacks the
//! other; there the address of the code's data, which it has not, is 1 if the code is all there can be. Text, data and module begin at a page.
//!
//! The sums are checksums, one for each [`STEP`] of what lies outside (the module in a universal module) and of the
//! contents up to the sums; the checksum in the header covers the rest of it and the sums. So a part can be checked when
//! it is wanted: at once all but the sites, which only a trap asks for, and the module, most of which nobody may ask for
//! ([`Artifact::verify`]); those when they are ([`Steps::are_intact`]). Nothing is used before. Checksums find accidents,
//! not attackers, who can run whatever they like in code that a user has agreed to run.

use std::cmp::Ordering;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};

use kinglet_abi::image::{CallSite, Clause, CodeAlignment, Scope, Site, StackMap};
use kinglet_abi::{CodeImage, Settings};
use kinglet_jit::{Processor, Trampoline};
use kinglet_wasm::Features;
use kinglet_wasm::Module;
use twox_hash::XxHash3_64;

use crate::cache::Content;
use crate::{Error, Result};

const MAGIC: &[u8; 8] = b"kinglet\0";

/// By so many bytes at its beginning an artifact can be told from everything but a module.
pub(crate) const BEGINNING: usize = MAGIC.len();
/// What the custom section is called.
const SECTION: &[u8] = b"kinglet";
const VERSION: u32 = 4;
/// Where the checksum is; what it covers comes behind it.
const CHECKSUM: usize = 24;
/// What comes first of what it covers: the address of the data.
const ADDRESS: usize = CHECKSUM + 8;
/// Where it is said where the parts are.
const PARTS: usize = ADDRESS + 8;
const HEADER: usize = PARTS + COUNT * 16;
/// Identity, tables, bodies, trampolines, text, data, module, sums.
const COUNT: usize = 1 + TABLES + 6;
/// Bytes of an entry of the table of bodies.
const BODY: usize = 8;
/// The tables of a [`CodeImage`], in the order of their declaration.
pub(crate) const TABLES: usize = 7;
/// Which of them are the sites.
const SITES: usize = 1;
/// Bytes of an entry of each.
const ENTRY: [usize; TABLES] = [12, 12, 20, 12, 8, 16, 4];

/// The form of a compiled module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precompiled {
    /// A native image: for Kinglet alone.
    Native,
    /// A module like any other, with its native code in a custom section.
    Universal,
}

/// Where the parts of an artifact are, from the start of its file.
#[derive(Clone, Debug)]
pub(crate) struct Artifact {
    pub(crate) form: Precompiled,
    pub(crate) identity: Range<usize>,
    pub(crate) tables: [Range<usize>; TABLES],
    bodies: Range<usize>,
    trampolines: Range<usize>,
    pub(crate) text: Range<usize>,
    pub(crate) data: Range<usize>,
    /// Where in the first memory the data belongs; of code in a cache, 1 if it is all there can be.
    pub(crate) address: u64,
    pub(crate) module: Range<usize>,
    checksum: u64,
    image: Range<usize>,
    sums: Range<usize>,
}

/// What an artifact can be used with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Identity(Vec<(String, String)>);

/// Which form of artifact bytes begin like, if any; whether they are whole and fit is found when they are loaded.
pub(crate) fn detect(bytes: &[u8]) -> Option<Precompiled> {
    if bytes.starts_with(MAGIC) {
        return Some(Precompiled::Native);
    }
    section(bytes).map(|_| Precompiled::Universal)
}

/// Finds the parts of an artifact; none if the bytes are none. The contents are not looked at: see [`Artifact::verify`].
pub(crate) fn parse(bytes: &[u8]) -> Result<Option<Artifact>> {
    let (form, image) = match bytes.starts_with(MAGIC) {
        true => (Precompiled::Native, 0..bytes.len()),
        false => match section(bytes) {
            Some((_, contents)) => (Precompiled::Universal, image_in(bytes, contents)?),
            None => return Ok(None),
        },
    };
    let start = image.start;
    let header =
        bytes.get(start..start + HEADER).filter(|_| image.len() >= HEADER).ok_or_else(|| bad("is cut short"))?;
    if !header.starts_with(MAGIC) {
        return Err(bad("does not begin as one"));
    }
    if u32_at(header, 8) != VERSION || u32_at(header, 12) != COUNT as u32 {
        return Err(Error::msg(format!(
            "the artifact has format {}, and this build reads {VERSION}",
            u32_at(header, 8)
        )));
    }
    match u64_at(header, 16).cmp(&(image.len() as u64)) {
        Ordering::Equal => {}
        Ordering::Greater => return Err(bad("is cut short")),
        Ordering::Less => return Err(bad("is longer than it says")),
    }
    let mut ranges = Vec::new();
    for index in 0..COUNT {
        let at = PARTS + index * 16;
        let (offset, length) = (u64_at(header, at), u64_at(header, at + 8));
        let end = offset.checked_add(length).filter(|end| *end <= image.len() as u64 && offset >= HEADER as u64);
        end.ok_or_else(|| bad("has a part that lies outside of it"))?;
        ranges.push(start + offset as usize..start + (offset + length) as usize);
    }
    let mut last = || ranges.pop().unwrap_or_default();
    let (sums, module, data, text, trampolines, bodies) = (last(), last(), last(), last(), last(), last());
    let tables = <[Range<usize>; TABLES]>::try_from(ranges.split_off(1)).map_err(|_| bad("lacks a part"))?;
    if tables.iter().zip(ENTRY).any(|(table, entry)| table.start % 4 != 0 || table.len() % entry != 0)
        || bodies.len() % BODY != 0
        || trampolines.len() % 4 != 0
    {
        return Err(bad("has a table that is no table"));
    }
    let module = match form {
        Precompiled::Native => module,
        Precompiled::Universal => 0..section(bytes).map_or(0, |(section, _)| section),
    };
    if sums.end != image.end {
        return Err(bad("has no sums at its end"));
    }
    let checksum = u64_at(header, CHECKSUM);
    let address = u64_at(header, ADDRESS);
    let identity = ranges.swap_remove(0);
    Ok(Some(Artifact {
        form,
        identity,
        tables,
        bodies,
        trampolines,
        text,
        data,
        address,
        module,
        checksum,
        image,
        sums,
    }))
}

impl Artifact {
    /// Checks that nothing has changed since the artifact was made, but for the sites and the module, which are to be
    /// checked by what is returned when they are wanted. `looked_at` is told of bytes that need not stay in memory.
    pub(crate) fn verify(&self, bytes: &[u8], looked_at: impl Fn(Range<usize>)) -> Result<Steps> {
        let steps = self.steps(bytes)?;
        let start = self.image.start;
        let sites = &self.tables[SITES];
        let end = match self.form {
            Precompiled::Native if !self.module.is_empty() => self.module.start,
            _ => self.sums.start,
        };
        let at_once = [start + HEADER..sites.start, sites.end..end];
        let covered = |part: &&Range<usize>| at_once.iter().any(|at| at.start <= part.start && part.end <= at.end);
        let tables = self.tables.iter().enumerate().filter(|(index, _)| *index != SITES).map(|(_, table)| table);
        let parts = [&self.identity, &self.bodies, &self.trampolines, &self.text, &self.data].into_iter().chain(tables);
        if !parts.filter(|part| !part.is_empty()).all(|part| covered(&part)) {
            return Err(bad("has a part that lies where it should not"));
        }
        match at_once.iter().all(|part| steps.are_intact(bytes, part, &looked_at)) {
            true => Ok(steps),
            false => Err(bad("has another checksum than it says")),
        }
    }

    /// Its steps, if their sums are what they were.
    fn steps(&self, bytes: &[u8]) -> Result<Steps> {
        let start = self.image.start;
        let steps = Steps::new([self.outside(), start + HEADER..self.sums.start], self.sums.clone());
        let sum = header_sum(&bytes[start + ADDRESS..start + HEADER], &bytes[self.sums.clone()]);
        match steps.found.len() * SUM == self.sums.len() && self.checksum == sum {
            true => Ok(steps),
            false => Err(bad("has another checksum than it says")),
        }
    }

    /// What lies outside of the image.
    fn outside(&self) -> Range<usize> {
        if self.form == Precompiled::Universal { self.module.clone() } else { 0..0 }
    }

    /// The same as [`Artifact::verify`] for all of it.
    pub(crate) fn verify_all(&self, bytes: &[u8], looked_at: impl Fn(Range<usize>) + Sync) -> Result<Steps> {
        let steps = self.steps(bytes)?;
        match steps.all_intact(bytes, looked_at) {
            true => Ok(steps),
            false => Err(bad("has another checksum than it says")),
        }
    }
}

/// How many bytes of an artifact have a sum of their own.
const STEP: usize = 64 << 10;
/// Bytes of a sum.
const SUM: usize = 8;
/// From how many on another thread helps: less takes less time than a thread to start.
pub(crate) const HELP_FROM: usize = 8 << 20;

/// The steps of an artifact, and which are known to be what they were.
#[derive(Debug)]
pub(crate) struct Steps {
    /// What lies outside and the contents.
    areas: [Range<usize>; 2],
    sums: Range<usize>,
    found: Box<[AtomicBool]>,
}

impl Steps {
    fn new(areas: [Range<usize>; 2], sums: Range<usize>) -> Steps {
        let count = areas.iter().map(|area| area.len().div_ceil(STEP)).sum();
        Steps { areas, sums, found: std::iter::repeat_with(AtomicBool::default).take(count).collect() }
    }

    /// The steps that a part has bytes in; none if it does not lie in one area.
    fn of(&self, part: &Range<usize>) -> Option<Range<usize>> {
        let mut before = 0;
        for area in &self.areas {
            if area.start <= part.start && part.end <= area.end {
                let (start, end) = (part.start - area.start, part.end - area.start);
                return Some(before + start / STEP..before + end.div_ceil(STEP));
            }
            before += area.len().div_ceil(STEP);
        }
        None
    }

    /// Where a step is.
    fn place(&self, step: usize) -> Range<usize> {
        let outside = self.areas[0].len().div_ceil(STEP);
        let (area, step) = if step < outside { (&self.areas[0], step) } else { (&self.areas[1], step - outside) };
        let start = area.start + step * STEP;
        start..area.end.min(start + STEP)
    }

    /// Whether a part is what it was; looks at those of its steps that have not been yet, allocates nothing.
    pub(crate) fn are_intact(&self, bytes: &[u8], part: &Range<usize>, looked_at: impl Fn(Range<usize>)) -> bool {
        let intact = |mut steps: Range<usize>| steps.all(|step| self.is_intact(bytes, step, &looked_at));
        part.is_empty() || self.of(part).is_some_and(intact)
    }

    /// The same of all, which two threads look at if there is much.
    fn all_intact(&self, bytes: &[u8], looked_at: impl Fn(Range<usize>) + Sync) -> bool {
        let (next, intact) = (AtomicUsize::new(0), AtomicBool::new(true));
        let work = || {
            loop {
                let step = next.fetch_add(1, Relaxed);
                if step >= self.found.len() {
                    break;
                }
                if !self.is_intact(bytes, step, &looked_at) {
                    intact.store(false, Relaxed);
                }
            }
        };
        if bytes.len() < HELP_FROM {
            work();
        } else {
            std::thread::scope(|scope| {
                // One that cannot be started is not needed.
                let _ = std::thread::Builder::new().spawn_scoped(scope, work);
                work();
            });
        }
        intact.into_inner()
    }

    fn is_intact(&self, bytes: &[u8], step: usize, looked_at: &impl Fn(Range<usize>)) -> bool {
        // What this guards is written by nobody: that a step was looked at tells of nothing else.
        if self.found[step].load(Relaxed) {
            return true;
        }
        let (place, sum) = (self.place(step), self.sums.start + step * SUM);
        let intact = XxHash3_64::oneshot(&bytes[place.clone()]) == u64_at(bytes, sum);
        looked_at(place);
        self.found[step].store(intact, Relaxed);
        intact
    }
}

/// The checksum in a header, of the rest of it and the sums.
fn header_sum(rest: &[u8], sums: &[u8]) -> u64 {
    XxHash3_64::oneshot(&[rest, sums].concat())
}

impl Artifact {
    /// The small code that goes with it.
    pub(crate) fn trampolines(&self, bytes: &[u8]) -> Result<Vec<(Trampoline, CodeImage)>> {
        let (words, _) = bytes[self.trampolines.clone()].as_chunks();
        let mut words = Words(words);
        let mut all = Vec::new();
        while !words.0.is_empty() {
            all.push(words.trampoline().ok_or_else(|| bad("has a trampoline that is none"))?);
        }
        Ok(all)
    }

    /// Where the module's functions are in it.
    pub(crate) fn bodies(&self, bytes: &[u8]) -> Vec<Range<usize>> {
        let (entries, _) = bytes[self.bodies.clone()].as_chunks::<BODY>();
        entries.iter().map(|entry| u32_at(entry, 0) as usize..u32_at(entry, 4) as usize).collect()
    }
}

/// The tables of small code, read where they were written as words.
struct Words<'a>(&'a [[u8; 4]]);

impl Words<'_> {
    fn next(&mut self) -> Option<u32> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(u32::from_ne_bytes(*first))
    }

    /// What a count and as many entries of `N` words say.
    fn list<const N: usize, T>(&mut self, entry: impl Fn([u32; N]) -> T) -> Option<Vec<T>> {
        let count = self.next()? as usize;
        let (words, rest) = self.0.split_at_checked(count.checked_mul(N)?)?;
        self.0 = rest;
        let (entries, _) = words.as_chunks::<N>();
        Some(entries.iter().map(|words| entry(words.map(u32::from_ne_bytes))).collect())
    }

    fn trampoline(&mut self) -> Option<(Trampoline, CodeImage)> {
        let which = Trampoline::from_words(&self.list(|[word]| word)?)?;
        let (align, len) = (self.next()?, self.next()? as usize);
        let (text, rest) = self.0.split_at_checked(len.div_ceil(4))?;
        let text = text.as_flattened().get(..len)?.to_vec();
        self.0 = rest;
        let image = CodeImage {
            text,
            alignment: CodeAlignment::aligned(Some(align).filter(|align| align.is_power_of_two() && *align <= 4096)?),
            functions: Vec::new(),
            sites: self.list(|[at, source, trap]| Site { at, source, trap })?,
            call_sites: self.list(|[ret, frame, context, scope, target]| CallSite {
                ret,
                frame,
                context,
                scope,
                target,
            })?,
            scopes: self.list(|[parent, first, count]| Scope { parent, first, count })?,
            clauses: self.list(|[tag, number]| Clause { tag, number })?,
            stack_maps: self.list(|[ret, frame, first, count]| StackMap { ret, frame, first, count })?,
            refs: self.list(|[at]| at)?,
        };
        Some((which, image))
    }
}

/// Trampolines as [`Words`] reads them.
fn trampoline_bytes(trampolines: &[(Trampoline, CodeImage)], order: fn(u32) -> [u8; 4]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut put = |words: &[u32]| bytes.extend(words.iter().flat_map(|word| order(*word)));
    for (which, image) in trampolines {
        let words = which.to_words();
        put(&[words.len() as u32]);
        put(&words);
        // Not how far behind a multiple of that: what a trampoline could gain by it is little.
        put(&[image.alignment.align, image.text.len() as u32]);
        // Instructions are bytes, whatever the order of words.
        let mut text = image.text.clone();
        text.resize(text.len().next_multiple_of(4), 0);
        let (text, _) = text.as_chunks();
        let in_order = |word: &[u8; 4]| u32::from_ne_bytes(order(u32::from_ne_bytes(*word)));
        put(&text.iter().map(in_order).collect::<Vec<u32>>());
        for (table, entry) in tables(image).into_iter().zip(ENTRY).skip(1) {
            put(&[(table.len() * 4 / entry) as u32]);
            put(&table);
        }
    }
    bytes
}

impl Identity {
    /// What code with these settings, made from a module that was validated with these features, can be used with.
    pub(crate) fn new(processor: &Processor, settings: &Settings, features: Features) -> Identity {
        let mut rows = vec![
            ("build".to_string(), kinglet_jit::BUILD_ID.to_string()),
            ("target".to_string(), processor.triple.clone()),
            ("processor".to_string(), processor.features.join(" ")),
        ];
        // Part of the code by which host functions are called.
        rows.push(("host functions".to_string(), format!("{:?}", crate::vm::HOST_LAYOUT)));
        rows.extend(settings.key().into_iter().map(|(name, value)| (name.to_string(), value)));
        rows.push(("proposals".to_string(), proposals(features)));
        Identity(rows)
    }

    /// The same for what a cache keeps of a module: of the settings only what validating it depends on, and where its
    /// first memory is in the file.
    pub(crate) fn of_module(content: &Content, features: Features) -> Identity {
        let rows = [
            ("module", content.to_string()),
            ("build", kinglet_jit::BUILD_ID.to_string()),
            ("page", rustix::param::page_size().to_string()),
            ("proposals", proposals(features)),
        ];
        Identity(rows.into_iter().map(|(name, value)| (name.to_string(), value)).collect())
    }

    /// The identity of a module's native code in a cache, for an engine with this identity and these settings. It includes
    /// the limit on the compiler's memory, because that decides which functions have code.
    pub(crate) fn of_code(mut self, content: &Content, settings: &Settings) -> Identity {
        self.0.insert(0, ("module".into(), content.to_string()));
        self.0.insert(1, ("compiler memory".into(), format!("{} bytes", settings.compiler_memory)));
        self
    }

    /// Whether it is of the module with this content.
    pub(crate) fn is_for(&self, content: &Content) -> bool {
        self.0.first().is_some_and(|(name, value)| name == "module" && *value == content.to_string())
    }

    pub(crate) fn into_rows(self) -> Vec<(String, String)> {
        self.0
    }

    pub(crate) fn parse(bytes: &[u8]) -> Result<Identity> {
        let text = std::str::from_utf8(bytes).map_err(|_| bad("does not say what it is for"))?;
        let rows = text.lines().map(|line| line.split_once(": ").map(|(name, value)| (name.into(), value.into())));
        Ok(Identity(rows.collect::<Option<_>>().ok_or_else(|| bad("does not say what it is for"))?))
    }

    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        self.0.iter().flat_map(|(name, value)| format!("{name}: {value}\n").into_bytes()).collect()
    }

    /// Why something made for this cannot be used here, if it cannot.
    pub(crate) fn mismatch(&self, here: &Identity) -> Option<String> {
        if self.0.len() != here.0.len() {
            return Some("it was made by another build of Kinglet".into());
        }
        for ((name, theirs), (ours_name, ours)) in self.0.iter().zip(&here.0) {
            let fits = name == ours_name && (theirs == ours || name == "processor" || name == "proposals");
            match name.as_str() {
                _ if fits && name != "processor" => continue,
                "processor" => {
                    let ours: Vec<&str> = ours.split(' ').collect();
                    let lacking: Vec<&str> = theirs.split(' ').filter(|f| !f.is_empty() && !ours.contains(f)).collect();
                    if !lacking.is_empty() {
                        return Some(format!("it needs a processor with {}", lacking.join(", ")));
                    }
                }
                "build" => return Some("it was made by another build of Kinglet".into()),
                "target" => return Some(format!("it was made for {theirs}, and this is {ours}")),
                _ => return Some(format!("it was made with {name} {theirs}, and here it is {ours}")),
            }
        }
        None
    }

    /// Whether the module was validated with the same proposals.
    pub(crate) fn same_proposals(&self, here: &Identity) -> bool {
        self.0.last() == here.0.last()
    }
}

/// The names of proposals.
fn proposals(features: Features) -> String {
    let rows = kinglet_wasm::FEATURES.iter().filter(|row| features.has(row.feature));
    rows.map(|row| row.name).collect::<Vec<&str>>().join(" ")
}

/// What a cache keeps of a module but its code.
pub(crate) fn write_module(identity: &Identity, module: &Module) -> Result<Vec<u8>> {
    let memory = module.initial_memory(rustix::param::page_size())?;
    let (processor, image) = (&Processor::host()?, &CodeImage::default());
    let bytes = module.bytes.part(0..module.bytes.len())?;
    Ok(Image { processor, identity, image, bodies: &module.bodies, trampolines: &[], memory }.write(bytes, &[]))
}

/// What a cache keeps of a module's code; `complete` if that is all there can be.
pub(crate) fn write_code(
    identity: &Identity,
    image: &CodeImage,
    trampolines: &[(Trampoline, CodeImage)],
    complete: bool,
) -> Result<Vec<u8>> {
    let memory = (complete.into(), Vec::new());
    let processor = &Processor::host()?;
    Ok(Image { processor, identity, image, bodies: &[], trampolines, memory }.write(&[], &[]))
}

/// Writes an artifact.
pub(crate) fn write(
    form: Precompiled,
    processor: &Processor,
    identity: &Identity,
    image: &CodeImage,
    trampolines: &[(Trampoline, CodeImage)],
    module: &Module,
) -> Result<Vec<u8>> {
    // One that has code already gets other code.
    let bytes = module.bytes.part(0..section(&module.bytes).map_or(module.bytes.len(), |(start, _)| start))?;
    let memory = module.initial_memory(processor.page)?;
    let image = Image { processor, identity, image, bodies: &module.bodies, trampolines, memory };
    match form {
        Precompiled::Native => Ok(image.write(bytes, &[])),
        Precompiled::Universal => {
            let module = bytes;
            let mut all = module.to_vec();
            let head = 1 + 5 + 1 + SECTION.len() + 4;
            let padding = (all.len() + head).next_multiple_of(processor.page) - all.len() - head;
            let image = image.write(&[], module);
            let size = u32::try_from(head - 6 + padding + image.len())
                .map_err(|_| Error::msg("the code is too large for a custom section; write a native image instead"))?;
            all.push(0);
            // Five bytes, whatever the size, as a varint.
            all.extend((0..5).map(|i| (size >> (7 * i)) as u8 & 0x7f | if i < 4 { 0x80 } else { 0 }));
            all.push(SECTION.len() as u8);
            all.extend(SECTION);
            all.extend((padding as u32).to_le_bytes());
            all.resize(all.len() + padding, 0);
            all.extend(image);
            Ok(all)
        }
    }
}

/// What goes into an image.
struct Image<'a> {
    processor: &'a Processor,
    identity: &'a Identity,
    image: &'a CodeImage,
    bodies: &'a [Range<usize>],
    trampolines: &'a [(Trampoline, CodeImage)],
    memory: (u64, Vec<u8>),
}

impl Image<'_> {
    /// The image's bytes, with the module in it or `outside` of it.
    fn write(&self, module: &[u8], outside: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0; HEADER];
        let mut ranges = Vec::new();
        let page = self.processor.page;
        let mut part = |bytes: &mut Vec<u8>, align: usize, contents: &[u8]| {
            if !contents.is_empty() {
                bytes.resize(bytes.len().next_multiple_of(align), 0);
            }
            ranges.push((bytes.len() as u64, contents.len() as u64));
            bytes.extend(contents);
        };
        part(&mut bytes, 4, &self.identity.to_bytes());
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        let order: fn(u32) -> [u8; 4] = if self.processor.big_endian { u32::to_be_bytes } else { u32::to_le_bytes };
        for words in tables(self.image) {
            part(&mut bytes, 16, &words.into_iter().flat_map(order).collect::<Vec<u8>>());
        }
        let bodies = self.bodies.iter().flat_map(|body| [body.start as u32, body.end as u32]);
        part(&mut bytes, 4, &bodies.flat_map(u32::to_le_bytes).collect::<Vec<u8>>());
        part(&mut bytes, 4, &trampoline_bytes(self.trampolines, order));
        part(&mut bytes, page, &self.image.text);
        // The page of the text's end is executable, and holds nothing else.
        part(&mut bytes, page, &self.memory.1);
        part(&mut bytes, page, module);
        let of = |bytes: &[u8]| bytes.chunks(STEP).map(XxHash3_64::oneshot).collect::<Vec<u64>>();
        bytes.resize(bytes.len().next_multiple_of(SUM), 0);
        let sums: Vec<u8> =
            [of(outside), of(&bytes[HEADER..])].concat().into_iter().flat_map(u64::to_le_bytes).collect();
        ranges.push((bytes.len() as u64, sums.len() as u64));
        bytes.extend(&sums);
        let length = bytes.len() as u64;
        bytes[..8].copy_from_slice(MAGIC);
        bytes[8..12].copy_from_slice(&VERSION.to_le_bytes());
        bytes[12..16].copy_from_slice(&(COUNT as u32).to_le_bytes());
        bytes[16..24].copy_from_slice(&length.to_le_bytes());
        bytes[ADDRESS..PARTS].copy_from_slice(&self.memory.0.to_le_bytes());
        for (index, (offset, length)) in ranges.into_iter().enumerate() {
            let at = PARTS + index * 16;
            bytes[at..at + 8].copy_from_slice(&offset.to_le_bytes());
            bytes[at + 8..at + 16].copy_from_slice(&length.to_le_bytes());
        }
        let checksum = header_sum(&bytes[ADDRESS..HEADER], &sums);
        bytes[CHECKSUM..ADDRESS].copy_from_slice(&checksum.to_le_bytes());
        bytes
    }
}

/// The tables as words.
fn tables(image: &CodeImage) -> [Vec<u32>; TABLES] {
    [
        image.functions.iter().flat_map(|f| [f.start, f.end, f.function]).collect(),
        image.sites.iter().flat_map(|s| [s.at, s.source, s.trap]).collect(),
        image.call_sites.iter().flat_map(|c| [c.ret, c.frame, c.context, c.scope, c.target]).collect(),
        image.scopes.iter().flat_map(|s| [s.parent, s.first, s.count]).collect(),
        image.clauses.iter().flat_map(|c| [c.tag, c.number]).collect(),
        image.stack_maps.iter().flat_map(|m| [m.ret, m.frame, m.first, m.count]).collect(),
        image.refs.clone(),
    ]
}

/// Where the custom section of a universal module begins, and what is in it behind its name. It is the last section.
fn section(bytes: &[u8]) -> Option<(usize, Range<usize>)> {
    if !bytes.starts_with(b"\0asm\x01\0\0\0") {
        return None;
    }
    let mut at = 8;
    while at < bytes.len() {
        let (size, contents) = varint(bytes, at + 1)?;
        let end = contents.checked_add(size as usize).filter(|end| *end <= bytes.len())?;
        if bytes[at] == 0 && end == bytes.len() {
            let (name, name_at) = varint(bytes, contents)?;
            let behind = name_at.checked_add(name as usize).filter(|behind| *behind <= end)?;
            return (&bytes[name_at..behind] == SECTION).then_some((at, behind..end));
        }
        at = end;
    }
    None
}

/// Where the image is in the section's contents.
fn image_in(bytes: &[u8], contents: Range<usize>) -> Result<Range<usize>> {
    let padding = bytes[contents.clone()].get(..4).ok_or_else(|| bad("is cut short"))?;
    let start = (contents.start + 4).checked_add(u32_at(padding, 0) as usize).filter(|start| *start <= contents.end);
    let start = start.ok_or_else(|| bad("is cut short"))?;
    match bytes[contents.start + 4..start].iter().all(|byte| *byte == 0) {
        true => Ok(start..contents.end),
        false => Err(bad("is padded with something")),
    }
}

/// A number in LEB128, and what comes behind it.
fn varint(bytes: &[u8], mut at: usize) -> Option<(u32, usize)> {
    let mut value = 0;
    for shift in (0..35).step_by(7) {
        let byte = *bytes.get(at)?;
        at += 1;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some((u32::try_from(value).ok()?, at));
        }
    }
    None
}

/// Everything that is read of an artifact before its code is used. For tests.
pub(crate) fn read(bytes: &[u8]) -> Result<()> {
    let artifact = parse(bytes)?.ok_or_else(|| bad("is none"))?;
    artifact.verify_all(bytes, |_| ())?;
    let identity = Identity::parse(&bytes[artifact.identity.clone()])?;
    let _ = identity.mismatch(&identity);
    artifact.trampolines(bytes)?;
    artifact.bodies(bytes);
    Ok(())
}

/// Makes all checksums of an artifact right again, as far as there is room for them. For tests: checksums hide what
/// lies behind them.
pub(crate) fn repair(bytes: &mut [u8], artifact: &Artifact) {
    let (start, sums) = (artifact.image.start, artifact.sums.clone());
    let steps = Steps::new([artifact.outside(), start + HEADER..sums.start.max(start + HEADER)], sums.clone());
    for step in 0..steps.found.len().min(sums.len() / SUM) {
        let sum = XxHash3_64::oneshot(&bytes[steps.place(step)]);
        bytes[sums.start + step * SUM..][..SUM].copy_from_slice(&sum.to_le_bytes());
    }
    let sum = header_sum(&bytes[start + ADDRESS..start + HEADER], &bytes[sums]);
    bytes[start + CHECKSUM..start + CHECKSUM + 8].copy_from_slice(&sum.to_le_bytes());
}

fn bad(how: &str) -> Error {
    Error::msg(format!("the artifact is damaged: it {how}; compile the module again"))
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(std::array::from_fn(|i| bytes[at + i]))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(std::array::from_fn(|i| bytes[at + i]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Config, Engine, RunMode};

    const PROGRAM: &str = r#"(module (import "host" "f" (func (param i32) (result i64))) (memory 1)
        (data (i32.const 8) "data") (func (export "g") (param f64) (result i32)
            (drop (call 0 (i32.load (i32.const 8)))) (i32.trunc_f64_s (local.get 0))))"#;

    /// The checksum finds every accident, and so hides from tests what lies behind it. Whoever repairs it can have any
    /// code run, but not have the reader itself go wrong.
    #[test]
    fn what_lies_behind_the_checksum_is_read_with_care() {
        let engine = Engine::new(Config::new().run_mode(RunMode::Jit)).unwrap();
        for form in [Precompiled::Native, Precompiled::Universal] {
            let whole = engine.precompile_module(PROGRAM, form).unwrap();
            read(&whole).unwrap();
            let start = whole.windows(MAGIC.len()).position(|bytes| bytes == MAGIC).unwrap();
            let (mut read_on, mut refused) = (0, 0);
            let interesting = [0, 1, 3, 4, 0x7f, 0x80, 0xffff, 1 << 20, u32::MAX - 7, u32::MAX];
            for at in (start + CHECKSUM + 8..whole.len() - 4).step_by(4).chain(start + 8..start + HEADER) {
                let mut bytes = whole.clone();
                let value = interesting[(at / 4) % interesting.len()] ^ (at as u32 % 5);
                bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
                if let Ok(Some(artifact)) = parse(&bytes) {
                    repair(&mut bytes, &artifact);
                }
                match read(&bytes) {
                    Ok(()) => read_on += 1,
                    Err(_) => refused += 1,
                }
            }
            assert!(read_on > 500 && refused > 100, "{read_on} {refused}");
        }
    }
}
