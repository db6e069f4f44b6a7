//! WASI preview 1, module `wasi_snapshot_preview1`: the table of its functions, and how one is called. Each function
//! is a thin binding: it reads its arguments out of guest memory, asks the host layer, and writes the results back. It
//! needs no engine, only a [`Call`].
//!
//! The error a guest sees: EPERM for a path that leads out of the folder it starts in, EROFS for a change below a
//! folder given for reading only, EBADF for reading what was opened for writing and the reverse, EFAULT for a pointer
//! outside memory. Everything else is what Linux answers.

pub(crate) mod memory;
pub(crate) mod table;
pub(crate) mod types;

mod args;
mod clock;
mod environ;
pub(crate) mod fd;
pub(crate) mod path;
pub(crate) mod poll;
mod proc;
mod random;
mod sched;
mod sock;
mod strings;

use crate::WasiCtx;
use crate::host::{Interrupted, Wait};
use kinglet::{Caller, Extern, Linker, PollFd, Trap, Waiter};
use memory::GuestMemory;
use std::time::Duration;
use types::{Errno, Stop};

/// The name guests import the functions under.
const MODULE: &str = "wasi_snapshot_preview1";

/// What a function works with: the state of the guest, its memory, and where to wait.
pub(crate) struct Call<'a> {
    pub(crate) ctx: &'a mut WasiCtx,
    pub(crate) memory: GuestMemory<'a>,
    pub(crate) wait: &'a dyn Wait,
}

/// The guest has called `proc_exit` with this code. It is the error a call into the guest ends with.
///
/// ```
/// use kinglet::{Engine, Linker, Module, Store};
/// use kinglet_wasi::{Exit, WasiCtx};
///
/// let engine = Engine::default();
/// let module = Module::new(&engine, r#"(module
///     (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
///     (func (export "_start") (call $exit (i32.const 3))))"#)?;
/// let mut linker = Linker::new(&engine);
/// kinglet_wasi::add_to_linker(&mut linker, |ctx: &mut WasiCtx| ctx)?;
/// let mut store = Store::new(&engine, WasiCtx::builder().build()?);
/// let start = linker.instantiate(&mut store, &module)?.get_typed_func::<(), ()>(&mut store, "_start")?;
/// let error = start.call(&mut store, ()).unwrap_err();
/// assert_eq!(error.downcast_ref::<Exit>(), Some(&Exit(3)));
/// # Ok::<(), kinglet::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Exit(pub i32);

impl std::fmt::Display for Exit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the program exited with code {}", self.0)
    }
}

impl std::error::Error for Exit {}

/// Makes functions importable. Rows are `file::function(parameters) -> result`.
macro_rules! functions {
    ($($file:ident::$name:ident($($param:ident: $ty:ident),* $(,)?) -> $result:ident;)*) => {
        /// The names of the rows.
        pub(crate) const ROWS: &[&str] = &[$(stringify!($name)),*];

        /// Makes the functions whose names are wanted importable from `module`.
        pub(crate) fn link<T: 'static>(
            linker: &mut kinglet::Linker<T>,
            module: &str,
            get: impl Fn(&mut T) -> &mut $crate::WasiCtx + Send + Sync + Copy + 'static,
            wanted: impl Fn(&str) -> bool,
        ) -> kinglet::Result<()> {
            use $crate::p1::{call, words};
            $(if wanted(stringify!($name)) {
                let function = move |mut caller: kinglet::Caller<'_, T>, $($param: $ty),*| {
                    let result = call(&mut caller, get, |call| $file::$name(call, $($param),*));
                    tracing::trace!(function = stringify!($name), arguments = ?words([$($param as i64),*]), ?result);
                    $result(result)
                };
                linker.func_wrap(module, stringify!($name), function)?;
            })*
            Ok(())
        }

        /// Calls a function by its name, with each parameter drawn from `word`.
        #[cfg(test)]
        pub(crate) fn call_by_name(
            name: &str,
            call: &mut $crate::p1::Call<'_>,
            mut word: impl FnMut() -> u64,
        ) -> $crate::p1::types::Result<()> {
            match name {
                $(stringify!($name) => $file::$name(call, $(word() as $ty),*),)*
                _ => Err($crate::p1::types::Errno::NOSYS.into()),
            }
        }
    };
}
pub(crate) use functions;

functions! {
    args::args_get(argv: u32, argv_buf: u32) -> errno;
    args::args_sizes_get(argc: u32, argv_buf_size: u32) -> errno;
    clock::clock_res_get(id: u32, resolution: u32) -> errno;
    clock::clock_time_get(id: u32, precision: u64, time: u32) -> errno;
    environ::environ_get(environ: u32, environ_buf: u32) -> errno;
    environ::environ_sizes_get(environc: u32, environ_buf_size: u32) -> errno;
    fd::fd_advise(fd: u32, offset: u64, len: u64, advice: u32) -> errno;
    fd::fd_allocate(fd: u32, offset: u64, len: u64) -> errno;
    fd::fd_close(fd: u32) -> errno;
    fd::fd_datasync(fd: u32) -> errno;
    fd::fd_sync(fd: u32) -> errno;
    fd::fd_fdstat_get(fd: u32, fdstat: u32) -> errno;
    fd::fd_fdstat_set_flags(fd: u32, flags: u32) -> errno;
    fd::fd_fdstat_set_rights(fd: u32, base: u64, inheriting: u64) -> errno;
    fd::fd_filestat_get(fd: u32, filestat: u32) -> errno;
    fd::fd_filestat_set_size(fd: u32, size: u64) -> errno;
    fd::fd_filestat_set_times(fd: u32, atim: u64, mtim: u64, fst_flags: u32) -> errno;
    fd::fd_pread(fd: u32, iovs: u32, iovs_len: u32, offset: u64, nread: u32) -> errno;
    fd::fd_pwrite(fd: u32, iovs: u32, iovs_len: u32, offset: u64, nwritten: u32) -> errno;
    fd::fd_read(fd: u32, iovs: u32, iovs_len: u32, nread: u32) -> errno;
    fd::fd_write(fd: u32, iovs: u32, iovs_len: u32, nwritten: u32) -> errno;
    fd::fd_prestat_get(fd: u32, prestat: u32) -> errno;
    fd::fd_prestat_dir_name(fd: u32, path: u32, path_len: u32) -> errno;
    fd::fd_readdir(fd: u32, buf: u32, buf_len: u32, cookie: u64, bufused: u32) -> errno;
    fd::fd_renumber(fd: u32, to: u32) -> errno;
    fd::fd_seek(fd: u32, offset: i64, whence: u32, newoffset: u32) -> errno;
    fd::fd_tell(fd: u32, offset: u32) -> errno;
    path::path_create_directory(fd: u32, path: u32, path_len: u32) -> errno;
    path::path_filestat_get(fd: u32, flags: u32, path: u32, path_len: u32, filestat: u32) -> errno;
    path::path_filestat_set_times(
        fd: u32, flags: u32, path: u32, path_len: u32, atim: u64, mtim: u64, fst_flags: u32
    ) -> errno;
    path::path_link(
        old_fd: u32, old_flags: u32, old_path: u32, old_path_len: u32, new_fd: u32, new_path: u32, new_path_len: u32
    ) -> errno;
    path::path_open(
        fd: u32, dirflags: u32, path: u32, path_len: u32, open_flags: u32, rights_base: u64, rights_inheriting: u64,
        fd_flags: u32, opened_fd: u32
    ) -> errno;
    path::path_readlink(fd: u32, path: u32, path_len: u32, buf: u32, buf_len: u32, bufused: u32) -> errno;
    path::path_remove_directory(fd: u32, path: u32, path_len: u32) -> errno;
    path::path_rename(
        old_fd: u32, old_path: u32, old_path_len: u32, new_fd: u32, new_path: u32, new_path_len: u32
    ) -> errno;
    path::path_symlink(old_path: u32, old_path_len: u32, fd: u32, new_path: u32, new_path_len: u32) -> errno;
    path::path_unlink_file(fd: u32, path: u32, path_len: u32) -> errno;
    poll::poll_oneoff(subscriptions: u32, events: u32, nsubscriptions: u32, nevents: u32) -> errno;
    proc::proc_exit(code: u32) -> noreturn;
    proc::proc_raise(signal: u32) -> errno;
    random::random_get(buf: u32, buf_len: u32) -> errno;
    sched::sched_yield() -> errno;
    sock::sock_accept(fd: u32, flags: u32, new_fd: u32) -> errno;
    sock::sock_recv(fd: u32, ri_data: u32, ri_data_len: u32, ri_flags: u32, ro_datalen: u32, ro_flags: u32) -> errno;
    sock::sock_send(fd: u32, si_data: u32, si_data_len: u32, si_flags: u32, so_datalen: u32) -> errno;
    sock::sock_shutdown(fd: u32, how: u32) -> errno;
}

/// The functions of preview 1, every one of them present, in the order of their files.
pub const FUNCTIONS: &[&str] = ROWS;

/// Makes every function of preview 1 importable by the guests of `linker`. `get` finds the context in the data of a
/// store.
///
/// # Errors
///
/// When one of the names is taken.
pub fn add_to_linker<T: 'static>(
    linker: &mut Linker<T>,
    get: impl Fn(&mut T) -> &mut WasiCtx + Send + Sync + Copy + 'static,
) -> kinglet::Result<()> {
    link(linker, MODULE, get, |_| true)
}

/// The arguments of a function as events show them.
pub(crate) fn words<const N: usize>(words: [i64; N]) -> [i64; N] {
    words
}

/// Calls one function with the memory the caller exports; without one, there is nothing a pointer could name.
pub(crate) fn call<T: 'static>(
    caller: &mut Caller<'_, T>,
    get: impl Fn(&mut T) -> &mut WasiCtx,
    function: impl FnOnce(&mut Call<'_>) -> types::Result<()>,
) -> types::Result<()> {
    let wait: Waiter = caller.waiter();
    let memory = caller.get_export("memory").and_then(Extern::into_memory);
    let (bytes, data) = match &memory {
        Some(memory) => memory.data_and_store_mut(caller),
        None => (&mut [][..], caller.data_mut()),
    };
    function(&mut Call { ctx: get(data), memory: GuestMemory(bytes), wait: &wait })
}

/// The result of a function that tells the guest how it went.
pub(crate) fn errno(result: types::Result<()>) -> kinglet::Result<i32> {
    match result {
        Ok(()) => Ok(i32::from(Errno::SUCCESS.0)),
        Err(Stop::Errno(errno)) => Ok(i32::from(errno.0)),
        Err(Stop::Interrupted) => Err(Trap::Interrupted.into()),
        Err(Stop::Exit(code)) => Err(Exit(code).into()),
    }
}

/// The result of a function that does not come back.
fn noreturn(result: types::Result<()>) -> kinglet::Result<()> {
    errno(result).map(drop)
}

impl Wait for Waiter {
    fn poll(&self, fds: &mut [PollFd<'_>], timeout: Option<Duration>) -> Result<usize, Interrupted> {
        Waiter::poll(self, fds, timeout).map_err(|_| Interrupted)
    }

    fn check(&self) -> Result<(), Interrupted> {
        Waiter::check(self).map_err(|_| Interrupted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::{Folder, Guest};
    use crate::{DirAccess, MemoryDir, Pipe};

    /// Never waits: a call that would is interrupted.
    struct Hurry;

    impl Wait for Hurry {
        fn poll(&self, _: &mut [PollFd<'_>], timeout: Option<Duration>) -> Result<usize, Interrupted> {
            if timeout == Some(Duration::ZERO) { Ok(0) } else { Err(Interrupted) }
        }

        fn check(&self) -> Result<(), Interrupted> {
            Ok(())
        }
    }

    #[test]
    fn preview_1_has_46_functions() {
        let names: std::collections::BTreeSet<_> = FUNCTIONS.iter().collect();
        assert_eq!((FUNCTIONS.len(), names.len()), (46, 46));
    }

    #[test]
    fn no_argument_of_any_function_makes_the_host_panic() {
        let folder = Folder::new();
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut random = move || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state
        };
        for _ in 0..400 {
            let mut builder = WasiCtx::builder();
            builder.args(["a", "bc"]).env("D", "e").stdin(Pipe::from("input")).stdout(Pipe::with_limit(64));
            builder.preopened_dir(folder.path(), ".", DirAccess::ReadWrite).unwrap();
            builder.preopened_memory(&MemoryDir::with_limit(1 << 20), "memory", DirAccess::ReadWrite);
            let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            let connection = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            builder.preopened_socket(listener).unwrap().preopened_socket(connection).unwrap();
            let ctx = builder.build().unwrap();
            let mut guest = Guest::new(ctx);
            for word in guest.memory.chunks_exact_mut(4) {
                let value = [0, 1, 3, 64, 32768, 65535, random() as u32][random() as usize % 7];
                word.copy_from_slice(&value.to_le_bytes());
            }
            for (at, path) in [(64, "file"), (1024, ".."), (2048, "dir/x"), (4096, "dir")] {
                guest.text(at, path);
            }
            for _ in 0..200 {
                let snapshot_0 = random() % 8 == 0;
                let names = if snapshot_0 { crate::p0::ROWS } else { FUNCTIONS };
                let name = names[random() as usize % names.len()];
                // Allocating would take the disk at its word.
                if name == "fd_allocate" {
                    continue;
                }
                let edges = [0, 1, 2, 3, 4, 5, 6, 7, 8, 64, 1024, 2048, 4096, 32768, 65530, 65536];
                let word = || match random() % 20 {
                    0 => u64::from(u32::MAX),
                    1 => u64::MAX,
                    2 => 1 << 63,
                    _ => edges[random() as usize % edges.len()],
                };
                let by_name = if snapshot_0 { crate::p0::call_by_name } else { call_by_name };
                let _ = guest.call_waiting(&Hurry, |call| by_name(name, call, word));
            }
        }
    }
}
