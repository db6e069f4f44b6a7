//! An interrupt ends every WASI function soon, even if the function waits for a FIFO, pipe or connection, or transfers
//! gigabytes from or to a disk or memory.

use std::fmt::Write as _;
use std::io::{PipeReader, PipeWriter, Read};
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::sync::LazyLock;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use kinglet::{Engine, Extern, Linker, Module, Store, Trap, Val, ValType};
use kinglet_tests::folder::Folder;
use kinglet_wasi::{FUNCTIONS, FsPerms, I32Exit, MemoryDir, Pipe, WasiCtx};
use rustix::fs::{CWD, FileType, Mode, OFlags, mknodat};

/// The time after which a guest is interrupted.
const INTERRUPT_AFTER: Duration = Duration::from_millis(5);

/// The longest time from the interrupt to the end of the call. The documented limit is 50 ms. This limit is longer,
/// because the machine may be busy. A call that ignores the interrupt exceeds this limit too.
const MAX_DELAY: Duration = Duration::from_secs(2);

const MODULE: &str = "wasi_snapshot_preview1";

// Addresses in the guest's memory.
const OUT: i64 = 64;
const IOVEC: i64 = 16;
const LARGE: (i64, &str) = (1000, "large");
const ALONE: (i64, &str) = (1100, "alone");
const IDLE: (i64, &str) = (1200, "idle");
const FULL: (i64, &str) = (1300, "full");
const SUBSCRIPTIONS: i64 = 1 << 18;
const EVENTS: i64 = 1 << 19;
const BUFFER: i64 = 1 << 20;
const HUGE: i64 = 0xe000_0000;

// The guest's descriptors.
const STDIN: i64 = 0;
const STDOUT: i64 = 1;
const STDERR: i64 = 2;
const DIRECTORY: i64 = 3;
const TREE: i64 = 4;
const LISTENER: i64 = 5;
const CONNECTION: i64 = 6;
const ON_DISK: i64 = 7;
const IN_MEMORY: i64 = 8;
const IDLE_FIFO: i64 = 9;
const FULL_FIFO: i64 = 10;
const NONE: i64 = 99;

const READ: i64 = 1 << 1;
const WRITE: i64 = 1 << 6;
const TIMES_NOW: i64 = 2 | 8;
/// The size to which calls extend a file in memory.
const LARGE_SIZE: i64 = 1 << 30;

/// Calls of every function. A path has two arguments: address and length.
const CALLS: &[(&str, &[i64])] = &[
    ("args_get", &[OUT, BUFFER]),
    ("args_sizes_get", &[OUT, OUT + 4]),
    ("clock_res_get", &[1, OUT]),
    ("clock_time_get", &[1, 0, OUT]),
    ("environ_get", &[OUT, BUFFER]),
    ("environ_sizes_get", &[OUT, OUT + 4]),
    ("fd_advise", &[ON_DISK, 0, HUGE, 3]),
    ("fd_allocate", &[ON_DISK, 0, 1 << 26]),
    ("fd_allocate", &[IN_MEMORY, 0, LARGE_SIZE]),
    ("fd_allocate", &[FULL_FIFO, 0, 8]),
    ("fd_close", &[NONE]),
    ("fd_datasync", &[IDLE_FIFO]),
    ("fd_sync", &[FULL_FIFO]),
    ("fd_fdstat_get", &[IDLE_FIFO, OUT]),
    ("fd_fdstat_set_flags", &[IDLE_FIFO, 0]),
    ("fd_fdstat_set_rights", &[IDLE_FIFO, 0, 0]),
    ("fd_filestat_get", &[FULL_FIFO, OUT]),
    ("fd_filestat_set_size", &[IN_MEMORY, LARGE_SIZE]),
    ("fd_filestat_set_size", &[FULL_FIFO, 1]),
    ("fd_filestat_set_times", &[IDLE_FIFO, 0, 0, TIMES_NOW]),
    ("fd_pread", &[ON_DISK, IOVEC, 1, 0, OUT]),
    ("fd_pread", &[IN_MEMORY, IOVEC, 1, 0, OUT]),
    ("fd_pread", &[IDLE_FIFO, IOVEC, 1, 0, OUT]),
    ("fd_pwrite", &[ON_DISK, IOVEC, 1, 0, OUT]),
    ("fd_pwrite", &[IN_MEMORY, IOVEC, 1, 0, OUT]),
    ("fd_pwrite", &[IN_MEMORY, IOVEC, 1, LARGE_SIZE, OUT]),
    ("fd_pwrite", &[FULL_FIFO, IOVEC, 1, 0, OUT]),
    ("fd_read", &[STDIN, IOVEC, 1, OUT]),
    ("fd_read", &[ON_DISK, IOVEC, 1, OUT]),
    ("fd_read", &[IN_MEMORY, IOVEC, 1, OUT]),
    ("fd_read", &[IDLE_FIFO, IOVEC, 1, OUT]),
    ("fd_read", &[CONNECTION, IOVEC, 1, OUT]),
    ("fd_write", &[STDOUT, IOVEC, 1, OUT]),
    ("fd_write", &[STDERR, IOVEC, 1, OUT]),
    ("fd_write", &[ON_DISK, IOVEC, 1, OUT]),
    ("fd_write", &[IN_MEMORY, IOVEC, 1, OUT]),
    ("fd_write", &[FULL_FIFO, IOVEC, 1, OUT]),
    ("fd_write", &[CONNECTION, IOVEC, 1, OUT]),
    ("fd_prestat_get", &[DIRECTORY, OUT]),
    ("fd_prestat_dir_name", &[DIRECTORY, BUFFER, HUGE]),
    ("fd_readdir", &[DIRECTORY, BUFFER, HUGE, 0, OUT]),
    ("fd_readdir", &[TREE, BUFFER, HUGE, 0, OUT]),
    ("fd_renumber", &[NONE, NONE]),
    ("fd_seek", &[IDLE_FIFO, 0, 1, OUT]),
    ("fd_tell", &[IDLE_FIFO, OUT]),
    ("path_create_directory", &[DIRECTORY, ALONE.0, 5]),
    ("path_filestat_get", &[DIRECTORY, 1, ALONE.0, 5, OUT]),
    ("path_filestat_set_times", &[DIRECTORY, 0, ALONE.0, 5, 0, 0, TIMES_NOW]),
    ("path_filestat_set_times", &[DIRECTORY, 1, ALONE.0, 5, 0, 0, TIMES_NOW]),
    ("path_link", &[DIRECTORY, 0, ALONE.0, 5, DIRECTORY, IDLE.0, 4]),
    ("path_open", &[DIRECTORY, 1, ALONE.0, 5, 0, READ, 0, 0, OUT]),
    ("path_open", &[DIRECTORY, 1, ALONE.0, 5, 0, WRITE, 0, 0, OUT]),
    ("path_open", &[DIRECTORY, 1, ALONE.0, 5, 0, 0, 0, 0, OUT]),
    ("path_open", &[DIRECTORY, 1, ALONE.0, 5, 0, READ | WRITE, 0, 0, OUT]),
    ("path_readlink", &[DIRECTORY, ALONE.0, 5, BUFFER, HUGE, OUT]),
    ("path_remove_directory", &[DIRECTORY, ALONE.0, 5]),
    ("path_rename", &[DIRECTORY, ALONE.0, 5, DIRECTORY, ALONE.0, 5]),
    ("path_symlink", &[ALONE.0, 5, DIRECTORY, ALONE.0, 5]),
    ("path_unlink_file", &[TREE, ALONE.0, 5]),
    ("poll_oneoff", &[SUBSCRIPTIONS, EVENTS, 1, OUT]),
    ("poll_oneoff", &[SUBSCRIPTIONS, EVENTS, 4096, OUT]),
    ("proc_exit", &[0]),
    ("proc_raise", &[16]),
    ("random_get", &[BUFFER, HUGE]),
    ("sched_yield", &[]),
    ("sock_accept", &[LISTENER, 0, OUT]),
    ("sock_recv", &[CONNECTION, IOVEC, 1, 0, OUT, OUT + 8]),
    ("sock_recv", &[CONNECTION, IOVEC, 1, 1, OUT, OUT + 8]),
    ("sock_recv", &[CONNECTION, IOVEC, 1, 2, OUT, OUT + 8]),
    ("sock_send", &[CONNECTION, IOVEC, 1, 0, OUT]),
    ("sock_shutdown", &[LISTENER, 3]),
];

/// Fills the buffer of a pipe or a connection.
fn fill(descriptor: impl AsFd) {
    rustix::io::ioctl_fionbio(&descriptor, true).unwrap();
    for length in [1 << 16, 1] {
        while rustix::io::write(&descriptor, &vec![7; length]).is_ok() {}
    }
}

/// The other ends of the guest's pipes, FIFOs and connections. The test keeps them open and idle, so that the guest's
/// calls wait.
struct OtherEnds {
    _input: PipeWriter,
    _out: PipeReader,
    _full: std::fs::File,
    _peer: TcpStream,
    _fifo: [std::fs::File; 2],
}

fn context(temp: &Folder, tree: &MemoryDir) -> (WasiCtx, OtherEnds) {
    let ((stdin, input), (out, stdout)) = (std::io::pipe().unwrap(), std::io::pipe().unwrap());
    let full = std::fs::File::from(rustix::io::dup(&stdout).unwrap());
    fill(&full);
    rustix::io::ioctl_fionbio(&full, false).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let connection = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let peer = listener.accept().unwrap().0;
    fill(&connection);
    let fifo = temp.path().join(FULL.1);
    let end = |flags| std::fs::File::from(rustix::fs::open(&fifo, flags | OFlags::NONBLOCK, Mode::empty()).unwrap());
    let fifo = [end(OFlags::RDONLY), end(OFlags::WRONLY)];
    fill(&fifo[1]);
    let mut builder = WasiCtx::builder();
    builder.args(["a"]).stdin(stdin).stdout(stdout).stderr(Pipe::with_limit(1 << 26));
    builder.preopened_dir(temp.path(), ".", FsPerms::ReadWrite).unwrap();
    builder.preopened_memory(tree, "tree", FsPerms::ReadWrite);
    builder.preopened_socket(listener).unwrap().preopened_socket(connection).unwrap();
    (builder.build().unwrap(), OtherEnds { _input: input, _out: out, _full: full, _peer: peer, _fifo: fifo })
}

/// Returns a module with two exports for each function: `once NAME` calls it once, and `NAME` calls it in a loop.
fn module(linker: &Linker<WasiCtx>, store: &mut Store<WasiCtx>) -> Module {
    let (mut imports, mut exports) = (String::new(), String::new());
    for name in FUNCTIONS {
        let Some(Extern::Func(func)) = linker.get(&mut *store, MODULE, name) else {
            panic!("{name} is not a function")
        };
        let ty = func.ty(&*store);
        let params: String = ty.params().iter().map(|param| format!(" {param}")).collect();
        let args: String = (0..ty.params().len()).map(|index| format!(" (local.get {index})")).collect();
        let result = if ty.results().is_empty() { "" } else { " (result i32)" };
        let drop = if ty.results().is_empty() { "" } else { "drop" };
        writeln!(imports, "(import \"{MODULE}\" \"{name}\" (func ${name} (param{params}){result}))").unwrap();
        writeln!(exports, "(export \"once {name}\" (func ${name}2))").unwrap();
        writeln!(exports, "(func ${name}2 (param{params}){result} (call ${name}{args}))").unwrap();
        writeln!(exports, "(func (export \"{name}\") (param{params}) (loop (call ${name}{args}) {drop} (br 0)))")
            .unwrap();
    }
    let data: String =
        [LARGE, ALONE, IDLE, FULL].iter().map(|(at, name)| format!("(data (i32.const {at}) \"{name}\")")).collect();
    Module::new(linker.engine(), format!("(module {imports} (memory (export \"memory\") 65535) {data} {exports})"))
        .unwrap()
}

struct Guest {
    store: Store<WasiCtx>,
    instance: kinglet::Instance,
    _ends: OtherEnds,
}

impl Guest {
    fn new(temp: &Folder, tree: &MemoryDir) -> Guest {
        static ENGINE: LazyLock<Engine> = LazyLock::new(Engine::default);
        static MODULE: LazyLock<Module> = LazyLock::new(|| {
            let mut linker = Linker::new(&ENGINE);
            kinglet_wasi::add_to_linker(&mut linker, |ctx: &mut WasiCtx| ctx).unwrap();
            module(&linker, &mut Store::new(&ENGINE, WasiCtx::builder().build().unwrap()))
        });
        let (ctx, ends) = context(temp, tree);
        let mut linker = Linker::new(&ENGINE);
        kinglet_wasi::add_to_linker(&mut linker, |ctx: &mut WasiCtx| ctx).unwrap();
        let mut store = Store::new(&ENGINE, ctx);
        let instance = linker.instantiate(&mut store, &MODULE).unwrap();
        let memory = instance.get_memory(&mut store, "memory").unwrap();
        let iovec = [(BUFFER as u32).to_le_bytes(), (HUGE as u32).to_le_bytes()].concat();
        memory.write(&mut store, IOVEC as usize, &iovec).unwrap();
        // All subscriptions wait for standard input.
        for index in 0..4096 {
            memory.write(&mut store, SUBSCRIPTIONS as usize + index * 48 + 8, &[1]).unwrap();
        }
        let mut guest = Guest { store, instance, _ends: ends };
        for (number, directory, (at, name), rights) in [
            (ON_DISK, DIRECTORY, LARGE, READ | WRITE),
            (IN_MEMORY, TREE, LARGE, READ | WRITE),
            (IDLE_FIFO, DIRECTORY, IDLE, READ | WRITE),
            (FULL_FIFO, DIRECTORY, FULL, WRITE),
        ] {
            let opened =
                guest.call("once path_open", &[directory, 1, at, name.len() as i64, 0, rights, 0, 0, OUT]).unwrap();
            assert_eq!(opened, 0, "{name}");
            assert_eq!(memory.data(&guest.store)[OUT as usize], number as u8);
        }
        guest
    }

    /// Calls an export, and returns its result, or 0 if it has none.
    fn call(&mut self, name: &str, args: &[i64]) -> kinglet::Result<i32> {
        let func = self.instance.get_func(&mut self.store, name).unwrap();
        let ty = func.ty(&self.store);
        assert_eq!(ty.params().len(), args.len(), "{name}");
        let values = ty.params().iter().zip(args).map(|(ty, &arg)| match ty {
            ValType::I32 => Val::I32(arg as i32),
            _ => Val::I64(arg),
        });
        let mut results = vec![Val::I32(0); ty.results().len()];
        func.call(&mut self.store, &values.collect::<Vec<_>>(), &mut results)?;
        Ok(match results.first() {
            Some(Val::I32(errno)) => *errno,
            _ => 0,
        })
    }
}

#[test]
fn every_function_ends_when_the_guest_is_interrupted() {
    let called: Vec<&str> = CALLS.iter().map(|(name, _)| *name).collect();
    assert!(FUNCTIONS.iter().all(|name| called.contains(name)), "`CALLS` has a call of every function");
    let (done, finished) = channel();
    std::thread::spawn(move || {
        let temp = Folder::new();
        std::fs::File::create(temp.path().join(LARGE.1)).unwrap().set_len(HUGE as u64).unwrap();
        for (_, name) in [ALONE, IDLE, FULL] {
            mknodat(CWD, temp.path().join(name), FileType::Fifo, Mode::from_raw_mode(0o600), 0).unwrap();
        }
        let tree = MemoryDir::with_limit(1 << 32);
        tree.write(LARGE.1, vec![7; 1 << 24]).unwrap();
        for (name, args) in CALLS {
            done.send((name, args, None)).unwrap();
            let mut guest = Guest::new(&temp, &tree);
            let handle = guest.store.interrupt_handle();
            let interrupter = std::thread::spawn(move || {
                std::thread::sleep(INTERRUPT_AFTER);
                handle.interrupt();
                Instant::now()
            });
            let error = guest.call(name, args).unwrap_err();
            let delay = interrupter.join().unwrap().elapsed();
            let ended = error.downcast_ref() == Some(&Trap::Interrupted) || error.is::<I32Exit>();
            assert!(ended, "{name} {args:?}: {error:?}");
            done.send((name, args, Some(delay))).unwrap();
        }
    });
    let (mut calls, mut longest) = (0, Duration::ZERO);
    let mut current = ("", &[][..]);
    loop {
        match finished.recv_timeout(Duration::from_secs(60)) {
            Ok((name, args, None)) => current = (name, args),
            Ok((name, args, Some(delay))) => {
                assert!(delay < MAX_DELAY, "{name} {args:?} ends {delay:?} after the interrupt");
                (calls, longest) = (calls + 1, longest.max(delay));
            }
            Err(_) if calls == CALLS.len() => {
                println!("{calls} calls end at most {longest:?} after the interrupt");
                return;
            }
            Err(_) => panic!("{current:?} does not end"),
        }
    }
}

#[test]
fn a_blocking_write_to_a_slow_connection_writes_everything() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let connection = listener.accept().unwrap().0;
    let reader = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(20));
        let mut all = Vec::new();
        client.read_to_end(&mut all).unwrap()
    });
    let module = crate::program(
        "(drop (memory.grow (i32.const 200)))
         (i32.store (i32.const 4) (i32.const 12000000))
         (call $ok (call $fd_write (i32.const 3) (i32.const 0) (i32.const 1) (i32.const 8)))
         (call $ok (i32.ne (i32.load (i32.const 8)) (i32.const 12000000)))",
    );
    let mut builder = WasiCtx::builder();
    crate::start(&module, builder.preopened_socket(connection).unwrap().build().unwrap()).unwrap();
    assert_eq!(reader.join().unwrap(), 12_000_000);
}
