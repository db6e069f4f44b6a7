//! Compiled modules as files. A *native image* contains the module's machine code and tables, followed by the module.
//! Kinglet uses them in place after mapping the file. A *universal* module is the module itself, followed by a custom
//! section with a native image that omits the module. Other runtimes skip the section. It is padded to a page boundary,
//! so that it can be mapped too.
//!
//! ```text
//! image    = magic:8 version:u32 parts:u32 length:u64 checksum:u64 address:u64 (offset:u64 length:u64)*14 contents
//! contents = identity, functions, sites, call sites, scopes, clauses, stack maps, references, bodies, trampolines,
//!            text, data, module, checksums
//! section  = 0x00 size:5 7 "kinglet" padding:u32 0x00* image
//! ```
//!
//! Offsets count from the image's start. The header is little-endian; the tables have the target's byte order. Bodies
//! are the ranges of the module's functions in the module. Data is the initial contents of the first memory from
//! `address` on, if they are known at compile time. A cache keeps the module and its code in two images, each without
//! the other part. The code's image has no data; its `address` is 1 if every function that can be compiled has code.
//! Text, data and module start at pages.
//!
//! Each [`CHUNK`] of two areas has a checksum. The areas are the outside (the module in a universal module) and the
//! contents up to the checksums. The checksum in the header covers the rest of the header and the other checksums.
//! Every part can thus be verified separately before its first use. [`Artifact::verify`] verifies everything except the
//! sites and the module. Only traps need the sites, and most of the module may never be read. [`Chunks::verify`]
//! verifies these parts on demand. Checksums detect accidental damage, not attacks. A user who accepts native code must
//! trust its author.

use std::cmp::Ordering;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};

use kinglet_abi::image::{CallSite, ClauseEntry, CodeAlignment, Scope, Site, StackMap};
use kinglet_abi::{CodeImage, Settings};
use kinglet_jit::{Processor, Trampoline};
use kinglet_wasm::Features;
use kinglet_wasm::Module;
use twox_hash::XxHash3_64;

use crate::cache::ContentHash;
use crate::{Error, Result};

const MAGIC: &[u8; 8] = b"kinglet\0";

/// Bytes at the start of a native image that identify it.
pub(crate) const MAGIC_SIZE: usize = MAGIC.len();
/// The name of the custom section.
const SECTION: &[u8] = b"kinglet";
const VERSION: u32 = 4;
/// The offset of the header's checksum. It covers the bytes that follow.
const CHECKSUM: usize = 24;
/// The offset of the data's address, the first field that the checksum covers.
const ADDRESS: usize = CHECKSUM + 8;
/// The offset of the table of parts.
const PARTS: usize = ADDRESS + 8;
const HEADER: usize = PARTS + PART_COUNT * 16;
/// Identity, tables, bodies, trampolines, text, data, module, checksums.
const PART_COUNT: usize = 1 + TABLES + 6;
/// The size of an entry in the table of bodies, in bytes.
const BODY_SIZE: usize = 8;
/// The number of tables in a [`CodeImage`]. Tables are in declaration order.
pub(crate) const TABLES: usize = 7;
/// The index of the table of sites.
const SITES: usize = 1;
/// The size of an entry of each table, in bytes.
const ENTRY_SIZES: [usize; TABLES] = [12, 12, 20, 12, 8, 16, 4];

/// The form of a compiled module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precompiled {
    /// A native image, which only Kinglet can load.
    Native,
    /// A regular module with its native code in a custom section.
    Universal,
}

/// The ranges of an artifact's parts in its file.
#[derive(Clone, Debug)]
pub(crate) struct Artifact {
    pub(crate) form: Precompiled,
    pub(crate) identity: Range<usize>,
    pub(crate) tables: [Range<usize>; TABLES],
    bodies: Range<usize>,
    trampolines: Range<usize>,
    pub(crate) text: Range<usize>,
    pub(crate) data: Range<usize>,
    /// The address of the data in the first memory. For code in a cache: 1 if the code is complete.
    pub(crate) address: u64,
    pub(crate) module: Range<usize>,
    checksum: u64,
    image: Range<usize>,
    checksums: Range<usize>,
}

/// The requirements of an artifact's code, as named values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Identity(Vec<(String, String)>);

/// Returns the form of the artifact whose magic number the bytes start with, if any. Only loading determines whether
/// the artifact is intact and usable.
pub(crate) fn detect(bytes: &[u8]) -> Option<Precompiled> {
    if bytes.starts_with(MAGIC) {
        return Some(Precompiled::Native);
    }
    section(bytes).map(|_| Precompiled::Universal)
}

/// Finds the parts of an artifact. Returns `None` if the bytes are not an artifact. Does not read the contents: see
/// [`Artifact::verify`].
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
        bytes.get(start..start + HEADER).filter(|_| image.len() >= HEADER).ok_or_else(|| damaged("is truncated"))?;
    if !header.starts_with(MAGIC) {
        return Err(damaged("has an unknown magic number"));
    }
    if u32_at(header, 8) != VERSION || u32_at(header, 12) != PART_COUNT as u32 {
        return Err(Error::msg(format!(
            "the artifact has format {}, but this build reads {VERSION}",
            u32_at(header, 8)
        )));
    }
    match u64_at(header, 16).cmp(&(image.len() as u64)) {
        Ordering::Equal => {}
        Ordering::Greater => return Err(damaged("is truncated")),
        Ordering::Less => return Err(damaged("has trailing bytes")),
    }
    let mut ranges = Vec::new();
    for index in 0..PART_COUNT {
        let at = PARTS + index * 16;
        let (offset, length) = (u64_at(header, at), u64_at(header, at + 8));
        let end = offset.checked_add(length).filter(|end| *end <= image.len() as u64 && offset >= HEADER as u64);
        end.ok_or_else(|| damaged("has a part outside its bounds"))?;
        ranges.push(start + offset as usize..start + (offset + length) as usize);
    }
    let mut last = || ranges.pop().unwrap_or_default();
    let (checksums, module, data, text, trampolines, bodies) = (last(), last(), last(), last(), last(), last());
    let tables = <[Range<usize>; TABLES]>::try_from(ranges.split_off(1)).map_err(|_| damaged("lacks a part"))?;
    if tables.iter().zip(ENTRY_SIZES).any(|(table, entry)| table.start % 4 != 0 || table.len() % entry != 0)
        || bodies.len() % BODY_SIZE != 0
        || trampolines.len() % 4 != 0
    {
        return Err(damaged("has a malformed table"));
    }
    let module = match form {
        Precompiled::Native => module,
        Precompiled::Universal => 0..section(bytes).map_or(0, |(section, _)| section),
    };
    if checksums.end != image.end {
        return Err(damaged("does not end with its checksums"));
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
        checksums,
    }))
}

impl Artifact {
    /// Verifies all parts except the sites and the module. The returned [`Chunks`] verifies those on demand. `release`
    /// receives ranges that need not stay in memory.
    pub(crate) fn verify(&self, bytes: &[u8], release: impl Fn(Range<usize>)) -> Result<Chunks> {
        let chunks = self.chunks(bytes)?;
        let start = self.image.start;
        let sites = &self.tables[SITES];
        let end = match self.form {
            Precompiled::Native if !self.module.is_empty() => self.module.start,
            _ => self.checksums.start,
        };
        let at_once = [start + HEADER..sites.start, sites.end..end];
        let covered = |part: &&Range<usize>| at_once.iter().any(|at| at.start <= part.start && part.end <= at.end);
        let tables = self.tables.iter().enumerate().filter(|(index, _)| *index != SITES).map(|(_, table)| table);
        let parts = [&self.identity, &self.bodies, &self.trampolines, &self.text, &self.data].into_iter().chain(tables);
        if !parts.filter(|part| !part.is_empty()).all(|part| covered(&part)) {
            return Err(damaged("has a misplaced part"));
        }
        match at_once.iter().all(|part| chunks.verify(bytes, part, &release)) {
            true => Ok(chunks),
            false => Err(damaged(MISMATCH)),
        }
    }

    /// Returns the artifact's chunks, if its checksums match the header.
    fn chunks(&self, bytes: &[u8]) -> Result<Chunks> {
        let start = self.image.start;
        let chunks = Chunks::new([self.outside(), start + HEADER..self.checksums.start], self.checksums.clone());
        let checksum = header_sum(&bytes[start + ADDRESS..start + HEADER], &bytes[self.checksums.clone()]);
        match chunks.verified.len() * CHECKSUM_SIZE == self.checksums.len() && self.checksum == checksum {
            true => Ok(chunks),
            false => Err(damaged(MISMATCH)),
        }
    }

    /// Returns the range before the image.
    fn outside(&self) -> Range<usize> {
        if self.form == Precompiled::Universal { self.module.clone() } else { 0..0 }
    }

    /// Verifies the whole artifact.
    pub(crate) fn verify_all(&self, bytes: &[u8], release: impl Fn(Range<usize>) + Sync) -> Result<Chunks> {
        let chunks = self.chunks(bytes)?;
        match chunks.verify_all(bytes, release) {
            true => Ok(chunks),
            false => Err(damaged(MISMATCH)),
        }
    }
}

/// Bytes of an artifact that share a checksum.
const CHUNK: usize = 64 << 10;
/// The size of a checksum in bytes.
const CHECKSUM_SIZE: usize = 8;
/// The size in bytes from which a second thread helps. For smaller artifacts, starting a thread takes longer than it
/// saves.
pub(crate) const PARALLEL_FROM: usize = 8 << 20;

/// The chunks of an artifact, and whether each is verified.
#[derive(Debug)]
pub(crate) struct Chunks {
    /// The outside and the contents.
    areas: [Range<usize>; 2],
    checksums: Range<usize>,
    verified: Box<[AtomicBool]>,
}

impl Chunks {
    fn new(areas: [Range<usize>; 2], checksums: Range<usize>) -> Chunks {
        let count = areas.iter().map(|area| area.len().div_ceil(CHUNK)).sum();
        Chunks { areas, checksums, verified: std::iter::repeat_with(AtomicBool::default).take(count).collect() }
    }

    /// Returns the chunks that cover a part, if it lies in one area.
    fn covering(&self, part: &Range<usize>) -> Option<Range<usize>> {
        let mut first_chunk = 0;
        for area in &self.areas {
            if area.start <= part.start && part.end <= area.end {
                let (start, end) = (part.start - area.start, part.end - area.start);
                return Some(first_chunk + start / CHUNK..first_chunk + end.div_ceil(CHUNK));
            }
            first_chunk += area.len().div_ceil(CHUNK);
        }
        None
    }

    /// Returns the range of a chunk.
    fn range(&self, chunk: usize) -> Range<usize> {
        let outside = self.areas[0].len().div_ceil(CHUNK);
        let (area, chunk) = if chunk < outside { (&self.areas[0], chunk) } else { (&self.areas[1], chunk - outside) };
        let start = area.start + chunk * CHUNK;
        start..area.end.min(start + CHUNK)
    }

    /// Returns whether a part matches its checksums. Reads only chunks that are not verified yet. Does not allocate.
    pub(crate) fn verify(&self, bytes: &[u8], part: &Range<usize>, release: impl Fn(Range<usize>)) -> bool {
        let is_match = |mut chunks: Range<usize>| chunks.all(|chunk| self.verify_chunk(bytes, chunk, &release));
        part.is_empty() || self.covering(part).is_some_and(is_match)
    }

    /// Returns whether all chunks match their checksums. Two threads share the work if the artifact is large.
    fn verify_all(&self, bytes: &[u8], release: impl Fn(Range<usize>) + Sync) -> bool {
        let (next, is_match) = (AtomicUsize::new(0), AtomicBool::new(true));
        let work = || {
            loop {
                let chunk = next.fetch_add(1, Relaxed);
                if chunk >= self.verified.len() {
                    break;
                }
                if !self.verify_chunk(bytes, chunk, &release) {
                    is_match.store(false, Relaxed);
                }
            }
        };
        if bytes.len() < PARALLEL_FROM {
            work();
        } else {
            std::thread::scope(|scope| {
                // If the thread cannot start, the current thread does all the work.
                let _ = std::thread::Builder::new().spawn_scoped(scope, work);
                work();
            });
        }
        is_match.into_inner()
    }

    fn verify_chunk(&self, bytes: &[u8], chunk: usize, release: &impl Fn(Range<usize>)) -> bool {
        // The bytes never change, so the flag orders no other memory accesses.
        if self.verified[chunk].load(Relaxed) {
            return true;
        }
        let (range, checksum) = (self.range(chunk), self.checksums.start + chunk * CHECKSUM_SIZE);
        let is_match = XxHash3_64::oneshot(&bytes[range.clone()]) == u64_at(bytes, checksum);
        release(range);
        self.verified[chunk].store(is_match, Relaxed);
        is_match
    }
}

/// The error message of a failed verification.
const MISMATCH: &str = "does not match its checksums";

/// Returns the header's checksum. It covers the rest of the header and all other checksums.
fn header_sum(rest: &[u8], checksums: &[u8]) -> u64 {
    XxHash3_64::oneshot(&[rest, checksums].concat())
}

impl Artifact {
    /// Reads the artifact's trampolines.
    pub(crate) fn trampolines(&self, bytes: &[u8]) -> Result<Vec<(Trampoline, CodeImage)>> {
        let (words, _) = bytes[self.trampolines.clone()].as_chunks();
        let mut words = Words(words);
        let mut trampolines = Vec::new();
        while !words.0.is_empty() {
            trampolines.push(words.trampoline().ok_or_else(|| damaged("has a malformed trampoline"))?);
        }
        Ok(trampolines)
    }

    /// Returns the ranges of the module's functions in the module.
    pub(crate) fn bodies(&self, bytes: &[u8]) -> Vec<Range<usize>> {
        let (entries, _) = bytes[self.bodies.clone()].as_chunks::<BODY_SIZE>();
        entries.iter().map(|entry| u32_at(entry, 0) as usize..u32_at(entry, 4) as usize).collect()
    }
}

/// Reads the tables of trampolines, which are written as words.
struct Words<'a>(&'a [[u8; 4]]);

impl Words<'_> {
    fn next(&mut self) -> Option<u32> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(u32::from_ne_bytes(*first))
    }

    /// Reads a count and as many entries of `N` words.
    fn list<const N: usize, T>(&mut self, entry: impl Fn([u32; N]) -> T) -> Option<Vec<T>> {
        let count = self.next()? as usize;
        let (words, rest) = self.0.split_at_checked(count.checked_mul(N)?)?;
        self.0 = rest;
        let (entries, _) = words.as_chunks::<N>();
        Some(entries.iter().map(|words| entry(words.map(u32::from_ne_bytes))).collect())
    }

    fn trampoline(&mut self) -> Option<(Trampoline, CodeImage)> {
        let trampoline = Trampoline::from_words(&self.list(|[word]| word)?)?;
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
            clauses: self.list(|[tag, number]| ClauseEntry { tag, number })?,
            stack_maps: self.list(|[ret, frame, first, count]| StackMap { ret, frame, first, count })?,
            refs: self.list(|[at]| at)?,
        };
        Some((trampoline, image))
    }
}

/// Encodes trampolines for [`Words`].
fn trampoline_bytes(trampolines: &[(Trampoline, CodeImage)], order: fn(u32) -> [u8; 4]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut put = |words: &[u32]| bytes.extend(words.iter().flat_map(|word| order(*word)));
    for (which, image) in trampolines {
        let words = which.to_words();
        put(&[words.len() as u32]);
        put(&words);
        // The offset from the alignment boundary is omitted, because trampolines gain little from it.
        put(&[image.alignment.align, image.text.len() as u32]);
        // Instructions are bytes, so the byte order of words does not apply to them.
        let mut text = image.text.clone();
        text.resize(text.len().next_multiple_of(4), 0);
        let (text, _) = text.as_chunks();
        let in_order = |word: &[u8; 4]| u32::from_ne_bytes(order(u32::from_ne_bytes(*word)));
        put(&text.iter().map(in_order).collect::<Vec<u32>>());
        for (table, entry) in tables(image).into_iter().zip(ENTRY_SIZES).skip(1) {
            put(&[(table.len() * 4 / entry) as u32]);
            put(&table);
        }
    }
    bytes
}

impl Identity {
    /// Returns the identity of code with these settings, from a module validated with these features.
    pub(crate) fn new(processor: &Processor, settings: &Settings, features: Features) -> Identity {
        let mut rows = vec![
            ("build".to_string(), kinglet_jit::BUILD_ID.to_string()),
            ("target".to_string(), processor.triple.clone()),
            ("processor".to_string(), processor.features.join(" ")),
        ];
        // The code of calls to host functions depends on this layout.
        rows.push(("host functions".to_string(), format!("{:?}", crate::vm::HOST_LAYOUT)));
        rows.extend(settings.key().into_iter().map(|(name, value)| (name.to_string(), value)));
        rows.push(("proposals".to_string(), proposals(features)));
        Identity(rows)
    }

    /// Returns the identity of a module in a cache. It contains the settings that validation depends on, and the page
    /// size, which determines the position of the first memory's contents.
    pub(crate) fn of_module(content: &ContentHash, features: Features) -> Identity {
        let rows = [
            ("module", content.to_string()),
            ("build", kinglet_jit::BUILD_ID.to_string()),
            ("page", rustix::param::page_size().to_string()),
            ("proposals", proposals(features)),
        ];
        Identity(rows.into_iter().map(|(name, value)| (name.to_string(), value)).collect())
    }

    /// Returns the identity of a module's native code in a cache, for an engine with this identity and these settings.
    /// It includes the limit on the compiler's memory, because the limit decides which functions have code.
    pub(crate) fn of_code(mut self, content: &ContentHash, settings: &Settings) -> Identity {
        self.0.insert(0, ("module".into(), content.to_string()));
        self.0.insert(1, ("compiler memory".into(), format!("{} bytes", settings.compiler_memory)));
        self
    }

    /// Returns whether the identity belongs to the module with this hash.
    pub(crate) fn is_for(&self, content: &ContentHash) -> bool {
        self.0.first().is_some_and(|(name, value)| name == "module" && *value == content.to_string())
    }

    pub(crate) fn into_rows(self) -> Vec<(String, String)> {
        self.0
    }

    pub(crate) fn parse(bytes: &[u8]) -> Result<Identity> {
        let text = std::str::from_utf8(bytes).map_err(|_| damaged("has a malformed identity"))?;
        let rows = text.lines().map(|line| line.split_once(": ").map(|(name, value)| (name.into(), value.into())));
        Ok(Identity(rows.collect::<Option<_>>().ok_or_else(|| damaged("has a malformed identity"))?))
    }

    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        self.0.iter().flat_map(|(name, value)| format!("{name}: {value}\n").into_bytes()).collect()
    }

    /// Returns the reason why the engine with the identity `ours` cannot use code with this identity; `None` if it can.
    pub(crate) fn mismatch(&self, ours: &Identity) -> Option<String> {
        if self.0.len() != ours.0.len() {
            return Some("it was made by another build of Kinglet".into());
        }
        for ((name, theirs), (ours_name, ours)) in self.0.iter().zip(&ours.0) {
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
                "target" => return Some(format!("it was compiled for {theirs}, but this engine needs {ours}")),
                _ => {
                    return Some(format!(
                        "it was compiled with {name} = {theirs}, but this engine has {name} = {ours}"
                    ));
                }
            }
        }
        None
    }

    /// Returns whether the module was validated with the same proposals.
    pub(crate) fn same_proposals(&self, ours: &Identity) -> bool {
        self.0.last() == ours.0.last()
    }
}

/// Returns the names of proposals.
fn proposals(features: Features) -> String {
    let rows = kinglet_wasm::FEATURES.iter().filter(|row| features.has(row.feature));
    rows.map(|row| row.name).collect::<Vec<&str>>().join(" ")
}

/// Writes the cache file of a module, without its code.
pub(crate) fn write_module(identity: &Identity, module: &Module) -> Result<Vec<u8>> {
    let memory = module.initial_memory(rustix::param::page_size())?;
    let (processor, image) = (&Processor::host()?, &CodeImage::default());
    let bytes = module.bytes.part(0..module.bytes.len())?;
    Ok(Image { processor, identity, image, bodies: &module.bodies, trampolines: &[], memory }.write(bytes, &[]))
}

/// Writes the cache file of a module's code. If `complete`, every function that can be compiled has code.
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
    // If the module already contains native code, the new code replaces it.
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
            // The size is always a LEB128 number of five bytes.
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

/// The contents of an image.
struct Image<'a> {
    processor: &'a Processor,
    identity: &'a Identity,
    image: &'a CodeImage,
    bodies: &'a [Range<usize>],
    trampolines: &'a [(Trampoline, CodeImage)],
    memory: (u64, Vec<u8>),
}

impl Image<'_> {
    /// Returns the image's bytes, with the module in it or `outside` before it.
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
        // The last page of the text becomes executable, so the data starts at a new page.
        part(&mut bytes, page, &self.memory.1);
        part(&mut bytes, page, module);
        let checksums_of = |bytes: &[u8]| bytes.chunks(CHUNK).map(XxHash3_64::oneshot).collect::<Vec<u64>>();
        bytes.resize(bytes.len().next_multiple_of(CHECKSUM_SIZE), 0);
        let checksums: Vec<u8> = [checksums_of(outside), checksums_of(&bytes[HEADER..])]
            .concat()
            .into_iter()
            .flat_map(u64::to_le_bytes)
            .collect();
        ranges.push((bytes.len() as u64, checksums.len() as u64));
        bytes.extend(&checksums);
        let length = bytes.len() as u64;
        bytes[..8].copy_from_slice(MAGIC);
        bytes[8..12].copy_from_slice(&VERSION.to_le_bytes());
        bytes[12..16].copy_from_slice(&(PART_COUNT as u32).to_le_bytes());
        bytes[16..24].copy_from_slice(&length.to_le_bytes());
        bytes[ADDRESS..PARTS].copy_from_slice(&self.memory.0.to_le_bytes());
        for (index, (offset, length)) in ranges.into_iter().enumerate() {
            let at = PARTS + index * 16;
            bytes[at..at + 8].copy_from_slice(&offset.to_le_bytes());
            bytes[at + 8..at + 16].copy_from_slice(&length.to_le_bytes());
        }
        let checksum = header_sum(&bytes[ADDRESS..HEADER], &checksums);
        bytes[CHECKSUM..ADDRESS].copy_from_slice(&checksum.to_le_bytes());
        bytes
    }
}

/// Returns the tables as words.
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

/// Finds the custom section of a universal module, which is the last section. Returns its offset and the range of its
/// contents after the name.
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

/// Returns the range of the image in the section's contents.
fn image_in(bytes: &[u8], contents: Range<usize>) -> Result<Range<usize>> {
    let padding = bytes[contents.clone()].get(..4).ok_or_else(|| damaged("is truncated"))?;
    let start = (contents.start + 4).checked_add(u32_at(padding, 0) as usize).filter(|start| *start <= contents.end);
    let start = start.ok_or_else(|| damaged("is truncated"))?;
    match bytes[contents.start + 4..start].iter().all(|byte| *byte == 0) {
        true => Ok(start..contents.end),
        false => Err(damaged("has padding that is not zero")),
    }
}

/// Reads a LEB128 number. Returns it and the offset after it.
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

/// Reads the parts of an artifact that loading reads. For tests.
pub(crate) fn read(bytes: &[u8]) -> Result<()> {
    let artifact = parse(bytes)?.ok_or_else(|| damaged("is not an artifact"))?;
    artifact.verify_all(bytes, |_| ())?;
    let identity = Identity::parse(&bytes[artifact.identity.clone()])?;
    let _ = identity.mismatch(&identity);
    artifact.trampolines(bytes)?;
    artifact.bodies(bytes);
    Ok(())
}

/// Recomputes the checksums of an artifact, as far as there is space for them. Tests use it to modify artifacts without
/// failing verification.
pub(crate) fn repair(bytes: &mut [u8], artifact: &Artifact) {
    let (start, checksums) = (artifact.image.start, artifact.checksums.clone());
    let chunks =
        Chunks::new([artifact.outside(), start + HEADER..checksums.start.max(start + HEADER)], checksums.clone());
    for chunk in 0..chunks.verified.len().min(checksums.len() / CHECKSUM_SIZE) {
        let checksum = XxHash3_64::oneshot(&bytes[chunks.range(chunk)]);
        bytes[checksums.start + chunk * CHECKSUM_SIZE..][..CHECKSUM_SIZE].copy_from_slice(&checksum.to_le_bytes());
    }
    let checksum = header_sum(&bytes[start + ADDRESS..start + HEADER], &bytes[checksums]);
    bytes[start + CHECKSUM..start + CHECKSUM + 8].copy_from_slice(&checksum.to_le_bytes());
}

fn damaged(how: &str) -> Error {
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

    /// Checksums detect all accidental damage, so damaged files do not test the parser. A file with valid checksums may
    /// contain any code, but it must not break the parser.
    #[test]
    fn a_malformed_artifact_with_valid_checksums_is_rejected_or_read() {
        let engine = Engine::new(Config::new().run_mode(RunMode::Jit)).unwrap();
        for form in [Precompiled::Native, Precompiled::Universal] {
            let whole = engine.precompile_module_with(PROGRAM, form, |_, _| ()).unwrap();
            read(&whole).unwrap();
            let start = whole.windows(MAGIC.len()).position(|bytes| bytes == MAGIC).unwrap();
            let (mut accepted, mut rejected) = (0, 0);
            let interesting = [0, 1, 3, 4, 0x7f, 0x80, 0xffff, 1 << 20, u32::MAX - 7, u32::MAX];
            for at in (start + CHECKSUM + 8..whole.len() - 4).step_by(4).chain(start + 8..start + HEADER) {
                let mut bytes = whole.clone();
                let value = interesting[(at / 4) % interesting.len()] ^ (at as u32 % 5);
                bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
                if let Ok(Some(artifact)) = parse(&bytes) {
                    repair(&mut bytes, &artifact);
                }
                match read(&bytes) {
                    Ok(()) => accepted += 1,
                    Err(_) => rejected += 1,
                }
            }
            assert!(accepted > 500 && rejected > 100, "{accepted} {rejected}");
        }
    }
}
