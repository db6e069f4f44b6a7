//! Programs that stand alone: a copy of the command with a compiled module behind it, and the options it is run with.
//!
//! ```text
//! program = command padding module options
//! mark    = magic:16 build:80 target:64 start:8 module:8 options:8 checksum:8
//! ```
//!
//! Every command has a mark in its data, found in a file by its first bytes, and in the copy it is filled in: where the
//! module begins, a multiple of any system's page size, how long it and the options are, and the options' checksum (the
//! module has its own). Numbers are little-endian. A start of the command looks at its own mark and at nothing else.

use std::ffi::OsString;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;
use std::sync::Arc;

use kinglet::{BUILD_ID, Engine, Module};

use crate::dialect::Dialect;
use crate::fault::{Fault, Outcome};
use crate::options::{Options, Request, parse};
use crate::precompiled;

/// Bytes of the mark.
pub(crate) const MARK: usize = 192;
const MAGIC: Range<usize> = 0..16;
const BUILD: Range<usize> = 16..96;
const TARGET: Range<usize> = 96..160;
const START: usize = 160;
const MODULE: usize = 168;
const OPTIONS: usize = 176;
const CHECKSUM: usize = 184;

/// What a page of any system that programs are made for is a divisor of.
const PAGE: usize = 64 << 10;

/// What is between options: no argument of a command can have it.
const SEPARATOR: char = '\0';

/// The mark of a command that carries nothing.
pub(crate) const fn blank() -> [u8; MARK] {
    let mut mark = [0; MARK];
    place(&mut mark, MAGIC.start, b"\x7fkinglet carries");
    place(&mut mark, BUILD.start, BUILD_ID.as_bytes());
    place(&mut mark, TARGET.start, env!("KINGLET_TARGET").as_bytes());
    assert!(BUILD_ID.len() <= BUILD.end - BUILD.start && env!("KINGLET_TARGET").len() <= TARGET.end - TARGET.start);
    mark
}

const fn place(mark: &mut [u8; MARK], at: usize, bytes: &[u8]) {
    let mut index = 0;
    while index < bytes.len() {
        mark[at + index] = bytes[index];
        index += 1;
    }
}

/// The text in a field that is filled up with zeros.
fn text(field: &[u8]) -> &str {
    let end = field.iter().position(|byte| *byte == 0).unwrap_or(field.len());
    std::str::from_utf8(&field[..end]).unwrap_or_default()
}

fn number(mark: &[u8; MARK], at: usize) -> u64 {
    u64::from_le_bytes(std::array::from_fn(|i| mark[at + i]))
}

/// A command that programs can be made of.
pub(crate) struct Runtime {
    bytes: Vec<u8>,
    /// Where its mark is.
    mark: usize,
}

impl Runtime {
    /// The command in a file, or if none is named, the one that runs.
    pub(crate) fn read(file: Option<&str>) -> Outcome<Runtime> {
        let name = file.unwrap_or("the command's own file");
        let cannot = |error| Fault::refused(format!("cannot read {name}: {error}"));
        let bytes = file.map_or_else(own_bytes, std::fs::read).map_err(cannot)?;
        let not = |why: &str| Err(Fault::refused(format!("no program can be made with {name}: {why}")));
        if !bytes.starts_with(b"\x7fELF") {
            return not("it is no executable of Linux (ELF)");
        }
        let own = precompiled::mark();
        let mut found = places(&bytes, &own[MAGIC]);
        let Some(mark) = found.next().filter(|at| at + MARK <= bytes.len()) else {
            return not("it is no `kinglet` with native code");
        };
        if found.next().is_some() {
            return not("it has two marks where a module could be noted");
        }
        drop(found);
        let runtime = Runtime { bytes, mark };
        if number(runtime.mark(), START) != 0 {
            return not("it carries a module already");
        }
        if runtime.mark()[BUILD] != own[BUILD] {
            return not("it is another build of Kinglet, and could not use this one's native code");
        }
        Ok(runtime)
    }

    fn mark(&self) -> &[u8; MARK] {
        self.bytes[self.mark..].first_chunk().expect("the mark was found with all its bytes")
    }

    /// What it runs on.
    pub(crate) fn target(&self) -> &str {
        text(&self.mark()[TARGET])
    }

    /// The program that runs a native image with these options.
    pub(crate) fn with(mut self, module: &[u8], options: &[String]) -> Vec<u8> {
        let options = options.join(&SEPARATOR.to_string());
        self.bytes.resize(self.bytes.len().next_multiple_of(PAGE), 0);
        let numbers = [
            (START, self.bytes.len() as u64),
            (MODULE, module.len() as u64),
            (OPTIONS, options.len() as u64),
            (CHECKSUM, checksum(options.as_bytes())),
        ];
        for (at, number) in numbers {
            self.bytes[self.mark + at..][..8].copy_from_slice(&number.to_le_bytes());
        }
        self.bytes.extend(module);
        self.bytes.extend(options.as_bytes());
        self.bytes
    }
}

/// The target of the command that runs.
pub(crate) fn own_target() -> &'static str {
    env!("KINGLET_TARGET")
}

/// Where bytes occur.
fn places<'a>(bytes: &'a [u8], wanted: &'a [u8]) -> impl Iterator<Item = usize> + 'a {
    let first = wanted[0];
    let starts = bytes.iter().enumerate().filter(move |(_, byte)| **byte == first).map(|(at, _)| at);
    starts.filter(|at| bytes[*at..].starts_with(wanted))
}

fn own_file() -> std::io::Result<File> {
    // Is the file even if it has been replaced under its name.
    File::open("/proc/self/exe").or_else(|_| File::open(std::env::current_exe()?))
}

fn own_bytes() -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    own_file()?.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// FNV-1a: finds accidents.
fn checksum(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3))
}

/// What the command that runs carries.
#[derive(Debug)]
pub(crate) struct Program {
    file: File,
    module: Range<u64>,
    options: Vec<String>,
}

/// What the command that runs carries, if it carries something.
pub(crate) fn program() -> Option<Outcome<Program>> {
    let mark = precompiled::mark();
    (number(&mark, START) != 0).then(|| Program::read(&mark).map_err(damaged))
}

fn damaged(why: String) -> Fault {
    Fault::refused(format!("the program is damaged: {why}")).hint("get or make it again")
}

impl Program {
    fn read(mark: &[u8; MARK]) -> Result<Program, String> {
        let mut file = own_file().map_err(|error| format!("its file cannot be read: {error}"))?;
        let length = file.metadata().map_or(0, |metadata| metadata.len());
        let start = number(mark, START);
        let end = start.checked_add(number(mark, MODULE));
        let all = end.and_then(|end| end.checked_add(number(mark, OPTIONS)));
        let (Some(end), true) = (end, all == Some(length)) else {
            return Err("its file is not as long as it should be".into());
        };
        let mut options = String::new();
        let read = file.seek(SeekFrom::Start(end)).and_then(|_| file.read_to_string(&mut options));
        if read.is_err() || checksum(options.as_bytes()) != number(mark, CHECKSUM) {
            return Err("its options have another checksum than they should".into());
        }
        let options = options.split(SEPARATOR).filter(|option| !option.is_empty()).map(String::from).collect();
        Ok(Program { file, module: start..end, options })
    }

    /// What running it with these arguments comes to: what `kinglet run` does with its options and a file of its name.
    pub(crate) fn request(self, name: &str, args: impl Iterator<Item = OsString>) -> Outcome<Request> {
        let mut request = parse(Dialect::Kinglet, line(&self.options, name).map(OsString::from).chain(args))?;
        if let Request::Run(_, options) = &mut request {
            options.program = Some(Arc::new(self));
        }
        Ok(request)
    }

    /// Its module.
    pub(crate) fn load(&self, engine: &Engine, name: &str) -> Outcome<Module> {
        let file = self.file.try_clone().map_err(|error| damaged(format!("its file cannot be read: {error}")))?;
        precompiled::load_part(engine, file, self.module.clone(), name)
    }
}

/// The command line that runs a program, without the program's own arguments.
fn line<'a>(options: &'a [String], name: &'a str) -> impl Iterator<Item = &'a str> {
    options.iter().map(String::as_str).chain(["run", "--", name])
}

/// Checks, when a program is made, that its options will be understood when it is started.
pub(crate) fn check(options: &Options, name: &str) -> Outcome<()> {
    parse(Dialect::Kinglet, line(&options.for_program, name).map(OsString::from)).map(|_| ())
}
