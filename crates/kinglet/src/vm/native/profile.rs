//! Tells Linux's `perf` which function an address is of: a line for each in `/tmp/perf-PID.map`, or a record with its
//! code in `jit-PID.dump` in the present folder, as `jitdump-specification.txt` of perf's documentation has it. One file
//! of each kind for a process, whatever engines it has; a forked child begins its own. The file stays for `perf` to
//! read when the process is gone.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard};

use rustix::process::{Pid, getpid};
use rustix::time::{ClockId, clock_gettime};

use super::arena::Mapping;
use crate::config::Profile;
use crate::{Error, Result};

/// A piece of code where it runs.
pub(super) struct Piece<'a> {
    pub(super) name: String,
    pub(super) code: &'a [u8],
    /// Where in its source it comes from, in the order of the code.
    pub(super) lines: Vec<Line>,
}

/// From where on code is of a line.
pub(super) struct Line {
    /// From the code's start.
    pub(super) at: u32,
    pub(super) file: String,
    pub(super) line: u32,
}

/// A file that is being written.
struct Output {
    file: File,
    process: Pid,
    /// How many pieces it has.
    pieces: u64,
    /// By this mapping `perf` learns of a dump.
    _seen: Option<Mapping>,
}

static MAP: Mutex<Option<Output>> = Mutex::new(None);
static DUMP: Mutex<Option<Output>> = Mutex::new(None);

/// Begins the file, if it is not there yet.
pub(crate) fn start(profile: Profile) -> Result<()> {
    output(profile).map(drop)
}

/// Writes pieces down.
pub(super) fn record<'a>(profile: Profile, pieces: impl Iterator<Item = Piece<'a>>) -> Result<()> {
    let mut output = output(profile)?;
    let Some(output) = output.as_mut() else { return Ok(()) };
    let mut bytes = Vec::new();
    for piece in pieces {
        // No line or name may end early.
        let name = piece.name.escape_debug();
        match profile {
            Profile::PerfMap => writeln!(bytes, "{:x} {:x} {name}", piece.code.as_ptr().addr(), piece.code.len())?,
            Profile::JitDump => {
                debug_info(&mut bytes, &piece);
                load(&mut bytes, output.process, output.pieces, &name.to_string(), piece.code);
            }
        }
        output.pieces += 1;
    }
    Ok(output.file.write_all(&bytes)?)
}

fn output(profile: Profile) -> Result<MutexGuard<'static, Option<Output>>> {
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

fn open(profile: Profile) -> Result<Output> {
    let process = getpid();
    let path = match profile {
        Profile::PerfMap => PathBuf::from(format!("/tmp/perf-{process}.map")),
        Profile::JitDump => PathBuf::from(format!("jit-{process}.dump")),
    };
    let failed = |error: &dyn std::fmt::Display| Error::msg(format!("cannot write {}: {error}", path.display()));
    // One that is there is of a process that had the same number. What is made is new, and not where a link leads.
    let _ = std::fs::remove_file(&path);
    let mut file = OpenOptions::new().read(true).write(true).create_new(true).open(&path).map_err(|e| failed(&e))?;
    let seen = match profile {
        Profile::PerfMap => None,
        Profile::JitDump => {
            file.write_all(&header(process)).map_err(|e| failed(&e))?;
            Some(Mapping::executable_file(&file).map_err(|e| failed(&e))?)
        }
    };
    Ok(Output { file, process, pieces: 0, _seen: seen })
}

/// What ELF calls this processor.
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
    // When it began, and no flags.
    for word in [now(), 0] {
        out.extend(word.to_ne_bytes());
    }
    out
}

/// The record of where a function's code comes from, which stands before that of the code; none if it is not known.
fn debug_info(out: &mut Vec<u8>, piece: &Piece<'_>) {
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
        out.extend((address + u64::from(line.at)).to_ne_bytes());
        // And no discriminator.
        for word in [line.line, 0] {
            out.extend(word.to_ne_bytes());
        }
        out.extend(line.file.as_bytes());
        out.push(0);
    }
}

/// The record of a function's code.
fn load(out: &mut Vec<u8>, process: Pid, index: u64, name: &str, code: &[u8]) {
    const JIT_CODE_LOAD: u32 = 0;
    const FIXED: usize = 16 + 8 + 32;
    let size = FIXED + name.len() + 1 + code.len();
    for word in [JIT_CODE_LOAD, size as u32] {
        out.extend(word.to_ne_bytes());
    }
    out.extend(now().to_ne_bytes());
    // SAFETY: takes nothing, and cannot fail.
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

/// By the clock that `perf record -k mono` uses.
fn now() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    (now.tv_sec as u64).wrapping_mul(1_000_000_000).wrapping_add(now.tv_nsec as u64)
}
