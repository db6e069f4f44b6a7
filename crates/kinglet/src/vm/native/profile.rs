//! Reports published code to Linux's `perf`: a line per function in `/tmp/perf-PID.map`, or a record with the code in
//! `jit-PID.dump` in the current directory, as specified by perf's `jitdump-specification.txt`. All engines of a
//! process share one file of each kind. A forked child starts a new file. The file remains after the process ends, so
//! that `perf` can read it.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard};

use rustix::process::{Pid, getpid};
use rustix::time::{ClockId, clock_gettime};

use super::arena::Mapping;
use crate::config::Profile;
use crate::{Error, Result};

/// A piece of published code.
pub(super) struct CodePiece<'a> {
    pub(super) name: String,
    pub(super) code: &'a [u8],
    /// The source lines of the code, by offset.
    pub(super) lines: Vec<SourceLine>,
}

/// The first instruction of a source line.
pub(super) struct SourceLine {
    /// The offset from the code's start.
    pub(super) offset: u32,
    pub(super) file: String,
    pub(super) line: u32,
}

/// An open output file.
struct ProfileFile {
    file: File,
    process: Pid,
    /// The number of pieces written.
    pieces: u64,
    /// The executable mapping from which `perf` learns that the dump exists.
    _seen: Option<Mapping>,
}

static MAP: Mutex<Option<ProfileFile>> = Mutex::new(None);
static DUMP: Mutex<Option<ProfileFile>> = Mutex::new(None);

/// Creates the output file, unless it exists.
pub(crate) fn start(profile: Profile) -> Result<()> {
    output(profile).map(drop)
}

/// Writes pieces of code.
pub(super) fn write<'a>(profile: Profile, pieces: impl Iterator<Item = CodePiece<'a>>) -> Result<()> {
    let mut output = output(profile)?;
    let Some(output) = output.as_mut() else { return Ok(()) };
    let mut bytes = Vec::new();
    for piece in pieces {
        // A line break or NUL would end the name early.
        let name = piece.name.escape_debug();
        match profile {
            Profile::PerfMap => writeln!(bytes, "{:x} {:x} {name}", piece.code.as_ptr().addr(), piece.code.len())?,
            Profile::JitDump => {
                write_debug_info(&mut bytes, &piece);
                write_load(&mut bytes, output.process, output.pieces, &name.to_string(), piece.code);
            }
        }
        output.pieces += 1;
    }
    Ok(output.file.write_all(&bytes)?)
}

fn output(profile: Profile) -> Result<MutexGuard<'static, Option<ProfileFile>>> {
    let output = match profile {
        Profile::PerfMap => &MAP,
        Profile::JitDump => &DUMP,
    };
    let mut output = output.lock().unwrap_or_else(|e| e.into_inner());
    if output.as_ref().is_none_or(|output| output.process != getpid()) {
        *output = Some(open(profile)?);
    }
    Ok(output)
}

fn open(profile: Profile) -> Result<ProfileFile> {
    let process = getpid();
    let path = match profile {
        Profile::PerfMap => PathBuf::from(format!("/tmp/perf-{process}.map")),
        Profile::JitDump => PathBuf::from(format!("jit-{process}.dump")),
    };
    let write_error = |error: &dyn std::fmt::Display| Error::msg(format!("cannot write {}: {error}", path.display()));
    // An existing file belongs to a process with the same ID that has ended. It is removed first, so that the path
    // cannot be a symbolic link.
    let _ = std::fs::remove_file(&path);
    let mut file =
        OpenOptions::new().read(true).write(true).create_new(true).open(&path).map_err(|e| write_error(&e))?;
    let seen = match profile {
        Profile::PerfMap => None,
        Profile::JitDump => {
            file.write_all(&header(process)).map_err(|e| write_error(&e))?;
            Some(Mapping::executable_file(&file).map_err(|e| write_error(&e))?)
        }
    };
    Ok(ProfileFile { file, process, pieces: 0, _seen: seen })
}

/// The ELF machine number of this processor.
const MACHINE: u32 = if cfg!(target_arch = "x86_64") {
    62
} else if cfg!(target_arch = "aarch64") {
    183
} else if cfg!(target_arch = "riscv64") {
    243
} else if cfg!(target_arch = "s390x") {
    22
} else {
    0
};

fn header(process: Pid) -> Vec<u8> {
    const MAGIC: u32 = 0x4a69_5444;
    const VERSION: u32 = 1;
    const SIZE: u32 = 40;
    let mut out = Vec::new();
    for word in [MAGIC, VERSION, SIZE, MACHINE, 0, process.as_raw_pid() as u32] {
        out.extend(word.to_ne_bytes());
    }
    // The start time, and the flags, which are zero.
    for word in [now(), 0] {
        out.extend(word.to_ne_bytes());
    }
    out
}

/// Writes the record of a function's source lines, which precedes the record of its code. Writes nothing without lines.
fn write_debug_info(out: &mut Vec<u8>, piece: &CodePiece<'_>) {
    const JIT_CODE_DEBUG_INFO: u32 = 2;
    const FIXED: usize = 16 + 8 + 8;
    if piece.lines.is_empty() {
        return;
    }
    let entries: usize = piece.lines.iter().map(|line| 8 + 4 + 4 + line.file.len() + 1).sum();
    for word in [JIT_CODE_DEBUG_INFO, (FIXED + entries) as u32] {
        out.extend(word.to_ne_bytes());
    }
    let address = piece.code.as_ptr().addr() as u64;
    for word in [now(), address, piece.lines.len() as u64] {
        out.extend(word.to_ne_bytes());
    }
    for line in &piece.lines {
        out.extend((address + u64::from(line.offset)).to_ne_bytes());
        // The discriminator is always 0.
        for word in [line.line, 0] {
            out.extend(word.to_ne_bytes());
        }
        out.extend(line.file.as_bytes());
        out.push(0);
    }
}

/// Writes the record of a function's code.
fn write_load(out: &mut Vec<u8>, process: Pid, index: u64, name: &str, code: &[u8]) {
    const JIT_CODE_LOAD: u32 = 0;
    const FIXED: usize = 16 + 8 + 32;
    let size = FIXED + name.len() + 1 + code.len();
    for word in [JIT_CODE_LOAD, size as u32] {
        out.extend(word.to_ne_bytes());
    }
    out.extend(now().to_ne_bytes());
    // SAFETY: the function takes no arguments and cannot fail.
    let thread = unsafe { libc::gettid() };
    for word in [process.as_raw_pid() as u32, thread as u32] {
        out.extend(word.to_ne_bytes());
    }
    let address = code.as_ptr().addr() as u64;
    for word in [address, address, code.len() as u64, index] {
        out.extend(word.to_ne_bytes());
    }
    out.extend(name.as_bytes());
    out.push(0);
    out.extend(code);
}

/// Returns the time on the clock of `perf record -k mono`.
fn now() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    (now.tv_sec as u64).wrapping_mul(1_000_000_000).wrapping_add(now.tv_nsec as u64)
}
