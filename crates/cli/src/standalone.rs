//! Standalone executables: a copy of the command, followed by a compiled module and the options of its runs.
//!
//! ```text
//! program = command padding module options
//! mark    = magic:16 build:80 target:64 start:8 module:8 options:8 checksum:8
//! ```
//!
//! Every command has a mark in its data, which begins with a magic number. In the copy the mark contains the offset of the
//! module, a multiple of every system's page size, the lengths of module and options, and the options' checksum (the module
//! contains its own). Numbers are little-endian. At its start the command reads only its own mark.

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

/// A multiple of the page size of every supported system.
const PAGE: usize = 64 << 10;

/// The separator of options. No command-line argument can contain it.
const SEPARATOR: char = '\0';

/// The mark of a command without a module.
pub(crate) const fn blank() -> [u8; MARK] {
    let mut mark = [0; MARK];
    copy(&mut mark, MAGIC.start, b"\x7fkinglet carries");
    copy(&mut mark, BUILD.start, BUILD_ID.as_bytes());
    copy(&mut mark, TARGET.start, env!("KINGLET_TARGET").as_bytes());
    assert!(BUILD_ID.len() <= BUILD.end - BUILD.start && env!("KINGLET_TARGET").len() <= TARGET.end - TARGET.start);
    mark
}

const fn copy(mark: &mut [u8; MARK], at: usize, bytes: &[u8]) {
    let mut index = 0;
    while index < bytes.len() {
        mark[at + index] = bytes[index];
        index += 1;
    }
}

/// The text in a field padded with zeros.
fn text(field: &[u8]) -> &str {
    let end = field.iter().position(|byte| *byte == 0).unwrap_or(field.len());
    std::str::from_utf8(&field[..end]).unwrap_or_default()
}

fn number(mark: &[u8; MARK], at: usize) -> u64 {
    u64::from_le_bytes(std::array::from_fn(|i| mark[at + i]))
}

/// A command that can become part of a standalone executable.
pub(crate) struct Runtime {
    bytes: Vec<u8>,
    /// The offset of its mark.
    mark: usize,
}

impl Runtime {
    /// Reads the command in a file, or the running one.
    pub(crate) fn read(file: Option<&str>) -> Outcome<Runtime> {
        let name = file.unwrap_or("the running command's file");
        let cannot = |error| Fault::refused(format!("cannot read {name}: {error}"));
        let bytes = file.map_or_else(own_bytes, std::fs::read).map_err(cannot)?;
        let unusable = |why: &str| Err(Fault::refused(format!("{name} cannot become part of an executable: {why}")));
        if !bytes.starts_with(b"\x7fELF") {
            return unusable("it is not a Linux executable (ELF)");
        }
        let own = precompiled::mark();
        let mut found = places(&bytes, &own[MAGIC]);
        let Some(mark) = found.next().filter(|at| at + MARK <= bytes.len()) else {
            return unusable("it is not a `kinglet` with native code");
        };
        if found.next().is_some() {
            return unusable("it contains two marks");
        }
        drop(found);
        let runtime = Runtime { bytes, mark };
        if number(runtime.mark(), START) != 0 {
            return unusable("it already contains a module");
        }
        if runtime.mark()[BUILD] != own[BUILD] {
            return unusable("it is another build of Kinglet, which cannot use this one's native code");
        }
        Ok(runtime)
    }

    fn mark(&self) -> &[u8; MARK] {
        self.bytes[self.mark..].first_chunk().expect("the mark was found with all its bytes")
    }

    /// The target that it runs on.
    pub(crate) fn target(&self) -> &str {
        text(&self.mark()[TARGET])
    }

    /// Builds the executable that runs a native image with these options.
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

/// The target of the running command.
pub(crate) fn own_target() -> &'static str {
    env!("KINGLET_TARGET")
}

/// The offsets at which bytes occur.
fn places<'a>(bytes: &'a [u8], wanted: &'a [u8]) -> impl Iterator<Item = usize> + 'a {
    let first = wanted[0];
    let starts = bytes.iter().enumerate().filter(move |(_, byte)| **byte == first).map(|(at, _)| at);
    starts.filter(|at| bytes[*at..].starts_with(wanted))
}

fn own_file() -> std::io::Result<File> {
    // Refers to the running file even if another has replaced it.
    File::open("/proc/self/exe").or_else(|_| File::open(std::env::current_exe()?))
}

fn own_bytes() -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    own_file()?.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// An FNV-1a checksum, against accidental damage.
fn checksum(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3))
}

/// The module and the options in a standalone executable.
#[derive(Debug)]
pub(crate) struct Program {
    file: File,
    module: Range<u64>,
    options: Vec<String>,
}

/// The program in the running executable, if it is a standalone one.
pub(crate) fn program() -> Option<Outcome<Program>> {
    let mark = precompiled::mark();
    (number(&mark, START) != 0).then(|| Program::read(&mark).map_err(damaged))
}

fn damaged(why: String) -> Fault {
    Fault::refused(format!("the program is damaged: {why}")).hint("download or build it again")
}

impl Program {
    fn read(mark: &[u8; MARK]) -> Result<Program, String> {
        let mut file = own_file().map_err(|error| format!("its file cannot be read: {error}"))?;
        let length = file.metadata().map_or(0, |metadata| metadata.len());
        let start = number(mark, START);
        let end = start.checked_add(number(mark, MODULE));
        let all = end.and_then(|end| end.checked_add(number(mark, OPTIONS)));
        let (Some(end), true) = (end, all == Some(length)) else {
            return Err("its file has the wrong length".into());
        };
        let mut options = String::new();
        let read = file.seek(SeekFrom::Start(end)).and_then(|_| file.read_to_string(&mut options));
        if read.is_err() || checksum(options.as_bytes()) != number(mark, CHECKSUM) {
            return Err("its options have the wrong checksum".into());
        }
        let options = options.split(SEPARATOR).filter(|option| !option.is_empty()).map(String::from).collect();
        Ok(Program { file, module: start..end, options })
    }

    /// The request to run it with these arguments: `kinglet run` with its options and a file of its name.
    pub(crate) fn request(self, name: &str, args: impl Iterator<Item = OsString>) -> Outcome<Request> {
        let mut request = parse(Dialect::Kinglet, line(&self.options, name).map(OsString::from).chain(args))?;
        if let Request::Run(_, options) = &mut request {
            options.program = Some(Arc::new(self));
        }
        Ok(request)
    }

    /// Loads its module.
    pub(crate) fn load(&self, engine: &Engine, name: &str) -> Outcome<Module> {
        let file = self.file.try_clone().map_err(|error| damaged(format!("its file cannot be read: {error}")))?;
        precompiled::load_part(engine, file, self.module.clone(), name)
    }
}

/// The command line that runs a program, without its arguments.
fn line<'a>(options: &'a [String], name: &'a str) -> impl Iterator<Item = &'a str> {
    options.iter().map(String::as_str).chain(["run", "--", name])
}

/// Checks that the executable will accept its options at its start.
pub(crate) fn check(options: &Options, name: &str) -> Outcome<()> {
    parse(Dialect::Kinglet, line(&options.for_program, name).map(OsString::from)).map(|_| ())
}
