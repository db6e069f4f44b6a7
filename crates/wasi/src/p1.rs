//! WASI preview 1, module `wasi_snapshot_preview1`.
//!
//! This module has the paths of Wasmtime's module of the same name: [`WasiP1Ctx`] and [`add_to_linker_sync`].
//!
//! ```
//! use kinglet::{Engine, Linker, Module, Store};
//! use kinglet_wasi::WasiCtxBuilder;
//! use kinglet_wasi::p1::{self, WasiP1Ctx};
//!
//! # fn main() -> kinglet::Result<()> {
//! let engine = Engine::default();
//! let mut linker: Linker<WasiP1Ctx> = Linker::new(&engine);
//! p1::add_to_linker_sync(&mut linker, |ctx| ctx)?;
//!
//! let ctx = WasiCtxBuilder::new().inherit_stdio().inherit_env().arg("program").build_p1();
//! let mut store = Store::new(&engine, ctx);
//! let module = Module::new(&engine, r#"(module (func (export "_start")))"#)?;
//! let instance = linker.instantiate(&mut store, &module)?;
//! instance.get_typed_func::<(), ()>(&mut store, "_start")?.call(&mut store, ())
//! # }
//! ```

// The table `functions!` has a row for each function. A function reads its arguments from guest memory, calls the host
// layer and writes the results to guest memory. It needs a `Call`, but no engine.
//
// The errors are those of Linux, except that a path that leaves its directory fails with EPERM. A change below a read-only
// directory fails with EROFS, a read or write that the file was not opened for with EBADF, and a pointer outside memory
// with EFAULT.

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
use crate::exit::I32Exit;
use crate::host::{Interrupted, Wait};
use kinglet::{Caller, Extern, Linker, PollFd, Trap, Waiter};
use memory::GuestMemory;
use std::time::Duration;
use types::{CallError, Errno};

/// The module name of the imports.
const MODULE: &str = "wasi_snapshot_preview1";

/// The context of one call of a WASI function: the state and memory of the guest, and the means to wait.
pub(crate) struct Call<'a> {
    pub(crate) ctx: &'a mut WasiCtx,
    pub(crate) memory: GuestMemory<'a>,
    pub(crate) wait: &'a dyn Wait,
}

/// Defines the functions of one version of WASI. Rows are `file::function(parameters) -> result`.
macro_rules! functions {
    ($($file:ident::$name:ident($($param:ident: $ty:ident),* $(,)?) -> $result:ident;)*) => {
        /// The names of the rows.
        pub(crate) const ROWS: &[&str] = &[$(stringify!($name)),*];

        /// Defines the functions in `linker` whose names pass `filter`, as imports from `module`.
        pub(crate) fn link<T: 'static>(
            linker: &mut kinglet::Linker<T>,
            module: &str,
            get: impl Fn(&mut T) -> &mut $crate::WasiCtx + Send + Sync + Copy + 'static,
            filter: impl Fn(&str) -> bool,
        ) -> kinglet::Result<()> {
            use $crate::p1::{argument_words, call};
            $(if filter(stringify!($name)) {
                let function = move |mut caller: kinglet::Caller<'_, T>, $($param: $ty),*| {
                    let result = call(&mut caller, get, |call| $file::$name(call, $($param),*));
                    tracing::trace!(function = stringify!($name), arguments = ?argument_words([$($param as i64),*]), ?result);
                    $result(result)
                };
                linker.func_wrap(module, stringify!($name), function)?;
            })*
            Ok(())
        }

        /// Calls a function by its name. `word` returns the value of each parameter.
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

/// The names of all functions of preview 1, in the order of the table.
pub const FUNCTIONS: &[&str] = ROWS;

/// The state of a guest, under the name that it has in Wasmtime.
pub type WasiP1Ctx = WasiCtx;

/// Defines all functions of preview 1 in `linker`. `get` returns the context from the data of a store.
///
/// The crate root has this function as [`add_to_linker`](crate::add_to_linker).
///
/// # Errors
///
/// Returns an error if `linker` already defines one of the functions and does not allow shadowing.
pub fn add_to_linker_sync<T: 'static>(
    linker: &mut Linker<T>,
    get: impl Fn(&mut T) -> &mut WasiCtx + Send + Sync + Copy + 'static,
) -> kinglet::Result<()> {
    link(linker, MODULE, get, |_| true)
}

/// The arguments of a function, in the form in which trace events show them.
pub(crate) fn argument_words<const N: usize>(words: [i64; N]) -> [i64; N] {
    words
}

/// Calls a function with the memory that the caller exports, or an empty one if it exports none.
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

/// Converts the result of a function that returns an `errno`.
pub(crate) fn errno(result: types::Result<()>) -> kinglet::Result<i32> {
    match result {
        Ok(()) => Ok(i32::from(Errno::SUCCESS.0)),
        Err(CallError::Errno(errno)) => Ok(i32::from(errno.0)),
        Err(CallError::Interrupted) => Err(Trap::Interrupted.into()),
        Err(CallError::Exit(code)) => Err(I32Exit(code).into()),
    }
}

/// Converts the result of a function that does not return.
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
    use crate::tests::{Guest, TempDir};
    use crate::{FsPerms, MemoryDir, Pipe};

    /// A [`Wait`] that interrupts every call that would block.
    struct NoWait;

    impl Wait for NoWait {
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
        let temp = TempDir::new();
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
            builder.preopened_dir(temp.path(), ".", FsPerms::ReadWrite).unwrap();
            builder.preopened_memory(&MemoryDir::with_limit(1 << 20), "memory", FsPerms::ReadWrite);
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
                guest.write_text(at, path);
            }
            for _ in 0..200 {
                let snapshot_0 = random() % 8 == 0;
                let names = if snapshot_0 { crate::p0::ROWS } else { FUNCTIONS };
                let name = names[random() as usize % names.len()];
                // Allocation can fill the disk.
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
                let _ = guest.call_with(&NoWait, |call| by_name(name, call, word));
            }
        }
    }
}
