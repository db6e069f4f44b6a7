//! Support code of this crate's unit tests: temporary directories, implementations of [`Wait`], and calls of WASI
//! functions without an engine.

use crate::host::{Interrupted, Wait};
use crate::p1::Call;
use crate::p1::memory::GuestMemory;
use crate::p1::types::{CallError, Errno, Result};
use crate::{FsPerms, MemoryDir, WasiCtx};
use kinglet::{PollFd, Waiter};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// A [`Wait`] that is never interrupted.
pub(crate) struct NeverInterrupted;

impl Wait for NeverInterrupted {
    fn poll(&self, fds: &mut [PollFd<'_>], timeout: Option<Duration>) -> std::result::Result<usize, Interrupted> {
        Wait::poll(&Waiter::default(), fds, timeout)
    }

    fn check(&self) -> std::result::Result<(), Interrupted> {
        Ok(())
    }
}

/// A [`Wait`] that is always interrupted.
pub(crate) struct AlwaysInterrupted;

impl Wait for AlwaysInterrupted {
    fn poll(&self, _: &mut [PollFd<'_>], _: Option<Duration>) -> std::result::Result<usize, Interrupted> {
        Err(Interrupted)
    }

    fn check(&self) -> std::result::Result<(), Interrupted> {
        Err(Interrupted)
    }
}

/// A [`Wait`] that is interrupted after a number of checks.
pub(crate) struct InterruptAfter(AtomicU32);

impl InterruptAfter {
    pub(crate) fn checks(checks: u32) -> InterruptAfter {
        InterruptAfter(AtomicU32::new(checks))
    }
}

impl Wait for InterruptAfter {
    fn poll(&self, fds: &mut [PollFd<'_>], timeout: Option<Duration>) -> std::result::Result<usize, Interrupted> {
        loop {
            self.check()?;
            let ready = Wait::poll(&Waiter::default(), fds, timeout.or(Some(Duration::from_millis(1))))?;
            if ready > 0 || timeout.is_some() {
                return Ok(ready);
            }
        }
    }

    fn check(&self) -> std::result::Result<(), Interrupted> {
        let left = self.0.load(Ordering::Relaxed).saturating_sub(1);
        self.0.store(left, Ordering::Relaxed);
        if left == 0 { Err(Interrupted) } else { Ok(()) }
    }
}

/// A new directory, which is removed with its contents when dropped.
pub(crate) struct TempDir(PathBuf);

impl TempDir {
    pub(crate) fn new() -> TempDir {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("kinglet-wasi-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path).expect("a new directory");
        TempDir(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Creates a FIFO in the directory and returns its path.
    pub(crate) fn create_fifo(&self, name: &str) -> PathBuf {
        use rustix::fs::{CWD, FileType, Mode, mknodat};
        let path = self.0.join(name);
        mknodat(CWD, &path, FileType::Fifo, Mode::from_raw_mode(0o600), 0).expect("a new FIFO");
        path
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The context and the 64 KiB of memory of a guest. Tests call WASI functions with them directly.
pub(crate) struct Guest {
    pub(crate) ctx: WasiCtx,
    pub(crate) memory: Vec<u8>,
}

/// The address at which functions write their results.
pub(crate) const OUT: u32 = 0;

/// The address of the buffer.
pub(crate) const BUFFER: u32 = 32768;

/// The address of the iovec.
const IOVEC: u32 = 16;

impl Guest {
    pub(crate) fn new(ctx: WasiCtx) -> Guest {
        Guest { ctx, memory: vec![0; 65536] }
    }

    /// Creates a guest with `dir` as descriptor 3.
    pub(crate) fn with_dir(dir: &TempDir, perms: FsPerms) -> Guest {
        Guest::new(WasiCtx::builder().preopened_dir(dir.path(), ".", perms).unwrap().build().unwrap())
    }

    pub(crate) fn call(&mut self, function: impl FnOnce(&mut Call<'_>) -> Result<()>) -> Result<()> {
        self.call_with(&NeverInterrupted, function)
    }

    pub(crate) fn call_with(
        &mut self,
        wait: &dyn Wait,
        function: impl FnOnce(&mut Call<'_>) -> Result<()>,
    ) -> Result<()> {
        function(&mut Call { ctx: &mut self.ctx, memory: GuestMemory(&mut self.memory), wait })
    }

    /// Writes text to memory, and returns its address and length.
    pub(crate) fn write_text(&mut self, at: u32, text: &str) -> (u32, u32) {
        self.memory[at as usize..][..text.len()].copy_from_slice(text.as_bytes());
        (at, text.len() as u32)
    }

    /// Writes an iovec that names `len` bytes of the buffer to memory, and returns its address.
    pub(crate) fn write_iovec(&mut self, len: u32) -> u32 {
        let at = IOVEC as usize;
        self.memory[at..at + 4].copy_from_slice(&BUFFER.to_le_bytes());
        self.memory[at + 4..at + 8].copy_from_slice(&len.to_le_bytes());
        IOVEC
    }

    pub(crate) fn read_u32(&self, at: u32) -> u32 {
        u32::from_le_bytes(self.memory[at as usize..][..4].try_into().unwrap())
    }

    pub(crate) fn read_u64(&self, at: u32) -> u64 {
        u64::from_le_bytes(self.memory[at as usize..][..8].try_into().unwrap())
    }

    pub(crate) fn buffer(&self, len: u32) -> &[u8] {
        &self.memory[BUFFER as usize..][..len as usize]
    }
}

/// Runs `test` twice: with a directory of the host as descriptor 3, and with one in memory. Both are empty.
pub(crate) fn on_each_backend(test: fn(&mut Guest)) {
    let temp = TempDir::new();
    test(&mut Guest::with_dir(&temp, FsPerms::ReadWrite));
    let mut builder = WasiCtx::builder();
    builder.preopened_memory(&MemoryDir::new(), ".", FsPerms::ReadWrite);
    test(&mut Guest::new(builder.build().unwrap()));
}

/// The result of a function that fails with `errno`.
pub(crate) fn fails(errno: Errno) -> Result<()> {
    Err(CallError::Errno(errno))
}
