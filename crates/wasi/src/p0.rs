//! WASI snapshot 0, module `wasi_unstable`, which programs of 2019 import. It differs from preview 1 in the numbers of
//! `whence` and the layouts of `filestat` and `subscription`, and lacks one function (`legacy/preview0` in the repository
//! of WASI).

use crate::WasiCtx;
use crate::p0;
use crate::p1::types::{Errno, Filestat, Result, Subscription, put};
use crate::p1::{self, Call, errno};
use kinglet::Linker;

/// The module name of the imports.
pub const SNAPSHOT_0: &str = "wasi_unstable";

/// The functions of preview 1 that snapshot 0 lacks.
const MISSING: &[&str] = &["sock_accept"];

p1::functions! {
    p0::fd_filestat_get(fd: u32, filestat: u32) -> errno;
    p0::fd_seek(fd: u32, offset: i64, whence: u32, newoffset: u32) -> errno;
    p0::path_filestat_get(fd: u32, flags: u32, path: u32, path_len: u32, filestat: u32) -> errno;
    p0::poll_oneoff(subscriptions: u32, events: u32, nsubscriptions: u32, nevents: u32) -> errno;
}

/// Defines all functions of snapshot 0 in `linker`. `get` returns the context from the data of a store. It may return the
/// context that it returns for [`add_to_linker`](crate::add_to_linker).
///
/// The crate root has this function as [`add_snapshot_0_to_linker`](crate::add_snapshot_0_to_linker).
///
/// ```
/// use kinglet::{Engine, Linker, Module, Store};
/// use kinglet_wasi::{I32Exit, WasiCtx};
///
/// let engine = Engine::default();
/// let module = Module::new(&engine, r#"(module
///     (import "wasi_unstable" "proc_exit" (func $exit (param i32)))
///     (func (export "_start") (call $exit (i32.const 3))))"#)?;
/// let mut linker = Linker::new(&engine);
/// kinglet_wasi::add_snapshot_0_to_linker(&mut linker, |ctx: &mut WasiCtx| ctx)?;
/// let mut store = Store::new(&engine, WasiCtx::builder().build()?);
/// let start = linker.instantiate(&mut store, &module)?.get_typed_func::<(), ()>(&mut store, "_start")?;
/// assert!(start.call(&mut store, ()).unwrap_err().is::<I32Exit>());
/// # Ok::<(), kinglet::Error>(())
/// ```
///
/// # Errors
///
/// Returns an error if `linker` already defines one of the functions and does not allow shadowing.
pub fn add_to_linker_sync<T: 'static>(
    linker: &mut Linker<T>,
    get: impl Fn(&mut T) -> &mut WasiCtx + Send + Sync + Copy + 'static,
) -> kinglet::Result<()> {
    p1::link(linker, SNAPSHOT_0, get, is_unchanged)?;
    link(linker, SNAPSHOT_0, get, |_| true)
}

/// Returns whether snapshot 0 has the function of preview 1 unchanged.
fn is_unchanged(name: &str) -> bool {
    !ROWS.contains(&name) && !MISSING.contains(&name)
}

/// Returns the layout of `filestat`, in which the number of links has 32 bits.
fn filestat_bytes(filestat: &Filestat) -> [u8; 56] {
    let mut record = [0; 56];
    put(&mut record, 0, filestat.dev.to_le_bytes());
    put(&mut record, 8, filestat.ino.to_le_bytes());
    put(&mut record, 16, [filestat.filetype as u8]);
    put(&mut record, 20, u32::try_from(filestat.nlink).unwrap_or(u32::MAX).to_le_bytes());
    put(&mut record, 24, filestat.size.to_le_bytes());
    put(&mut record, 32, filestat.atim.to_le_bytes());
    put(&mut record, 40, filestat.mtim.to_le_bytes());
    put(&mut record, 48, filestat.ctim.to_le_bytes());
    record
}

fn fd_filestat_get(call: &mut Call<'_>, fd: u32, filestat: u32) -> Result<()> {
    let record = filestat_bytes(&p1::fd::filestat(call, fd)?);
    call.memory.write(filestat, &record)
}

fn path_filestat_get(call: &mut Call<'_>, fd: u32, flags: u32, path: u32, path_len: u32, filestat: u32) -> Result<()> {
    let record = filestat_bytes(&p1::path::filestat(call, fd, flags, path, path_len)?);
    call.memory.write(filestat, &record)
}

/// Translates `whence`, which is 0 for the current position, 1 for the end and 2 for the start.
fn fd_seek(call: &mut Call<'_>, fd: u32, offset: i64, whence: u32, newoffset: u32) -> Result<()> {
    let whence = *[1, 2, 0].get(whence as usize).ok_or(Errno::INVAL)?;
    p1::fd::fd_seek(call, fd, offset, whence, newoffset)
}

fn poll_oneoff(call: &mut Call<'_>, subscriptions: u32, events: u32, nsubscriptions: u32, nevents: u32) -> Result<()> {
    p1::poll::poll(call, subscriptions, events, nsubscriptions, nevents, subscription)
}

/// Parses a `subscription`. A clock has an identifier before the fields of preview 1. It is ignored.
fn subscription(record: &[u8; 56]) -> Result<Subscription> {
    let mut same = [0; 48];
    let is_clock = record[8] == 0;
    same[..16].copy_from_slice(&record[..16]);
    same[16..].copy_from_slice(if is_clock { &record[24..] } else { &record[16..48] });
    Subscription::read(&same)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::p1::types::{Rights, oflags};
    use crate::tests::{BUFFER, Guest, OUT, fails, on_each_backend};

    #[test]
    fn snapshot_0_has_45_functions() {
        let same = crate::FUNCTIONS.iter().filter(|name| is_unchanged(name)).count();
        assert_eq!((same, ROWS.len()), (41, 4));
        assert!(ROWS.iter().chain(MISSING).all(|name| crate::FUNCTIONS.contains(name)));
    }

    #[test]
    fn fd_seek_and_filestat_use_the_numbers_and_layout_of_snapshot_0() {
        on_each_backend(|guest| {
            let (path, len) = guest.write_text(1024, "file");
            let (flags, rights) = (oflags::CREAT, Rights::FILE.0);
            guest.call(|call| p1::path::path_open(call, 3, 0, path, len, flags, rights, 0, 0, OUT)).unwrap();
            let fd = guest.read_u32(OUT);
            guest.write_text(BUFFER, "hello");
            let iovec = guest.write_iovec(5);
            guest.call(|call| p1::fd::fd_write(call, fd, iovec, 1, OUT)).unwrap();
            for (offset, whence, position) in [(-2, 0, 3), (-1, 1, 4), (2, 2, 2)] {
                guest.call(|call| fd_seek(call, fd, offset, whence, OUT)).unwrap();
                assert_eq!(guest.read_u64(OUT), position, "{whence}");
            }
            assert_eq!(guest.call(|call| fd_seek(call, fd, 0, 3, OUT)), fails(Errno::INVAL));

            guest.call(|call| p1::fd::fd_filestat_set_times(call, fd, 8, 9, 5)).unwrap();
            guest.memory[..64].fill(0xaa);
            guest.call(|call| fd_filestat_get(call, fd, OUT)).unwrap();
            let first = guest.memory[..64].to_vec();
            assert_eq!((guest.memory[16], guest.read_u32(20), guest.read_u64(24)), (4, 1, 5));
            assert_eq!((guest.read_u64(32), guest.read_u64(40), guest.read_u64(56)), (8, 9, 0xaaaa_aaaa_aaaa_aaaa));
            let (path, len) = guest.write_text(1024, "file");
            guest.memory[..64].fill(0xaa);
            guest.call(|call| path_filestat_get(call, 3, 0, path, len, OUT)).unwrap();
            assert_eq!(guest.memory[..64], first);
            assert_eq!(guest.call(|call| fd_filestat_get(call, fd, 65536 - 55)), fails(Errno::FAULT));
        });
    }

    #[test]
    fn poll_oneoff_reads_the_subscriptions_of_snapshot_0() {
        let ctx = WasiCtx::builder().stdin(crate::Pipe::from("abc")).build().unwrap();
        let mut guest = Guest::new(ctx);
        let mut put = |at: usize, bytes: &[u8]| guest.memory[at..at + bytes.len()].copy_from_slice(bytes);
        // A clock with the identifier `u64::MAX`, and a stream.
        put(0, &7_u64.to_le_bytes());
        put(16, &u64::MAX.to_le_bytes());
        put(24, &1_u32.to_le_bytes());
        put(32, &60_000_000_000_u64.to_le_bytes());
        put(56, &8_u64.to_le_bytes());
        put(56 + 8, &[1]);
        guest.call(|call| poll_oneoff(call, 0, 1024, 2, 512)).unwrap();
        assert_eq!((guest.read_u32(512), guest.read_u64(1024), guest.read_u64(1024 + 16)), (1, 8, 3));
        // An absolute time that has passed.
        guest.memory[32..40].fill(0);
        guest.memory[48] = 1;
        guest.call(|call| poll_oneoff(call, 0, 1024, 1, 512)).unwrap();
        assert_eq!((guest.read_u32(512), guest.read_u64(1024), guest.memory[1024 + 10]), (1, 7, 0));
        assert_eq!(guest.call(|call| poll_oneoff(call, 65500, 0, 1, 512)), fails(Errno::FAULT));
    }
}
