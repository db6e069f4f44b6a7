//! What the unit tests of this crate share: folders that go away, a wait that never ends early, and calls without an
//! engine.

use crate::host::{Interrupted, Wait};
use crate::p1::Call;
use crate::p1::memory::GuestMemory;
use crate::p1::types::{Errno, Result, Stop};
use crate::{DirAccess, MemoryDir, WasiCtx};
use kinglet::{PollFd, Waiter};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// Waits as long as it takes.
pub(crate) struct Never;

impl Wait for Never {
    fn poll(&self, fds: &mut [PollFd<'_>], timeout: Option<Duration>) -> std::result::Result<usize, Interrupted> {
        Wait::poll(&Waiter::default(), fds, timeout)
    }

    fn check(&self) -> std::result::Result<(), Interrupted> {
        Ok(())
    }
}

/// Is interrupted already.
pub(crate) struct Always;

impl Wait for Always {
    fn poll(&self, _: &mut [PollFd<'_>], _: Option<Duration>) -> std::result::Result<usize, Interrupted> {
        Err(Interrupted)
    }

    fn check(&self) -> std::result::Result<(), Interrupted> {
        Err(Interrupted)
    }
}

/// Is interrupted after it was looked at so many times.
pub(crate) struct After(AtomicU32);

impl After {
    pub(crate) fn looks(looks: u32) -> After {
        After(AtomicU32::new(looks))
    }
}

impl Wait for After {
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
        let looks = self.0.load(Ordering::Relaxed).saturating_sub(1);
        self.0.store(looks, Ordering::Relaxed);
        if looks == 0 { Err(Interrupted) } else { Ok(()) }
    }
}

/// A new folder, removed with everything in it at the end of the test.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Folder {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("kinglet-wasi-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path).expect("a new folder");
        Folder(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// The path of a new FIFO in it.
    pub(crate) fn fifo(&self, name: &str) -> PathBuf {
        use rustix::fs::{CWD, FileType, Mode, mknodat};
        let path = self.0.join(name);
        mknodat(CWD, &path, FileType::Fifo, Mode::from_raw_mode(0o600), 0).expect("a new FIFO");
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A guest with 64 KiB of memory whose functions are called by hand.
pub(crate) struct Guest {
    pub(crate) ctx: WasiCtx,
    pub(crate) memory: Vec<u8>,
}

/// Where results are written.
pub(crate) const OUT: u32 = 0;

/// Where buffers start.
pub(crate) const BUFFER: u32 = 32768;

impl Guest {
    pub(crate) fn new(ctx: WasiCtx) -> Guest {
        Guest { ctx, memory: vec![0; 65536] }
    }

    /// A guest with `folder` as descriptor 3.
    pub(crate) fn with(folder: &Folder, access: DirAccess) -> Guest {
        Guest::new(WasiCtx::builder().preopened_dir(folder.path(), ".", access).unwrap().build().unwrap())
    }

    pub(crate) fn call(&mut self, function: impl FnOnce(&mut Call<'_>) -> Result<()>) -> Result<()> {
        self.call_waiting(&Never, function)
    }

    pub(crate) fn call_waiting(
        &mut self,
        wait: &dyn Wait,
        function: impl FnOnce(&mut Call<'_>) -> Result<()>,
    ) -> Result<()> {
        function(&mut Call { ctx: &mut self.ctx, memory: GuestMemory(&mut self.memory), wait })
    }

    /// Puts text into memory; its pointer and length.
    pub(crate) fn text(&mut self, at: u32, text: &str) -> (u32, u32) {
        self.memory[at as usize..][..text.len()].copy_from_slice(text.as_bytes());
        (at, text.len() as u32)
    }

    /// Puts one iovec that names the buffer into memory; its pointer.
    pub(crate) fn iovec(&mut self, len: u32) -> u32 {
        self.memory[16..20].copy_from_slice(&BUFFER.to_le_bytes());
        self.memory[20..24].copy_from_slice(&len.to_le_bytes());
        16
    }

    pub(crate) fn u32(&self, at: u32) -> u32 {
        u32::from_le_bytes(self.memory[at as usize..][..4].try_into().unwrap())
    }

    pub(crate) fn u64(&self, at: u32) -> u64 {
        u64::from_le_bytes(self.memory[at as usize..][..8].try_into().unwrap())
    }

    pub(crate) fn buffer(&self, len: u32) -> &[u8] {
        &self.memory[BUFFER as usize..][..len as usize]
    }
}

/// Runs `test` with a guest whose descriptor 3 is a new folder of the host, and with one where it is in memory.
pub(crate) fn in_each_place(test: fn(&mut Guest)) {
    let folder = Folder::new();
    test(&mut Guest::with(&folder, DirAccess::ReadWrite));
    let mut builder = WasiCtx::builder();
    builder.preopened_memory(&MemoryDir::new(), ".", DirAccess::ReadWrite);
    test(&mut Guest::new(builder.build().unwrap()));
}

/// What a function answers that fails with `errno`.
pub(crate) fn fails(errno: Errno) -> Result<()> {
    Err(Stop::Errno(errno))
}
