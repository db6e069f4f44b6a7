//! The tables in `docs`. Each is derived from a table in the code, so that the two cannot disagree. `BLESS=1` rewrites
//! them.

use std::fmt::Write as _;
use std::path::Path;

use kinglet::{FEATURES, FeatureRow, Standard};
use kinglet_testing::snapshot;

/// A tier: its name, and a predicate that returns whether it implements all of a proposal.
type Tier = (&'static str, fn(&FeatureRow) -> bool);

/// A proposal is finished once every tier implements it.
const TIERS: &[Tier] = &[("Interpreter", |row| row.finished), ("Native", |row| row.finished)];

/// Semantics that many functions share.
const SEMANTICS: &str = "\
Errors are Linux's, in directories of the host and in memory, with one exception: a path that leads out of its starting
directory is `perm`. Rights are recorded, narrowed and reported, but not enforced: the way a descriptor was opened decides
which operations it allows. Below a read-only directory, errors are those of a file system that is mounted read-only, and
writing to FIFOs and devices fails too.

Programs built in 2019 import `wasi_unstable`. It has the same functions except `sock_accept`, with its own numbers and
layouts. The command `kinglet` provides it to all programs; an embedder adds it with `add_snapshot_0_to_linker`.

";

/// The functions that deviate from the specification of preview 1, and how. All other functions conform to it.
const REMARKS: &[(&str, &str)] = &[
    ("fd_datasync", "`inval` for a socket"),
    ("fd_fdstat_set_rights", "only changes the result of `fd_fdstat_get`"),
    ("fd_sync", "`inval` for a socket"),
    ("fd_pread", "at most 1024 buffers: `inval`"),
    ("fd_pwrite", "at most 1024 buffers: `inval`"),
    ("fd_read", "at most 1024 buffers: `inval`"),
    ("fd_readdir", "skips names that are not UTF-8; `nomem` after a million names"),
    ("fd_write", "at most 1024 buffers: `inval`"),
    ("path_link", "`inval` if it should first follow a symbolic link"),
    (
        "path_open",
        "the rights `fd_read` and `fd_write` select the access mode, read-only without both; no right is required",
    ),
    ("path_readlink", "a target that is not UTF-8 is `ilseq`"),
    ("path_symlink", "an absolute target is `perm`"),
    ("poll_oneoff", "at most 4096 subscriptions: `inval`; clocks of CPU time do not advance while waiting: `inval`"),
    ("proc_exit", "the command `kinglet` exits with 255 for a code above 255"),
    (
        "proc_raise",
        "ends the guest with 128 plus the signal's number, or is ignored; a signal that stops a process is `notsup`",
    ),
    ("sock_accept", "sockets come from the embedder; the command `kinglet` provides none"),
    ("sock_recv", "with `recv_peek`, `recv_waitall` is ignored"),
];

/// Functions that do their work in one system call, or in one step in the memory of a `MemoryDir` or `Pipe`: an
/// interrupt takes effect after it.
const UNINTERRUPTED: &[(&str, &str)] = &[
    (
        "fd_sync`, `fd_datasync`, and `fd_write`, `fd_pwrite` with `sync`, `dsync` or `rsync",
        "writing a file to the disk",
    ),
    ("fd_filestat_set_size`, and `path_open` with `trunc", "truncating a file; in a `MemoryDir`, freeing its memory"),
    ("fd_advise", "dropping cached pages of a file"),
    (
        "fd_close`, `fd_renumber",
        "writing to a network file system, draining a serial line, freeing a file without a name",
    ),
    ("path_unlink_file`, `path_rename", "freeing the blocks or the memory of a file without another name"),
    ("path_create_directory`, `path_link`, `path_symlink`, `path_remove_directory", "changing a directory on the disk"),
    (
        "path_open`, `path_filestat_get`, `path_filestat_set_times`, `path_readlink",
        "resolving names, possibly on a network file system",
    ),
];

#[track_caller]
fn check(name: &str, text: &str) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests are below the workspace's root");
    snapshot::check_file(&root.join("docs").join(name), text).unwrap_or_else(|difference| panic!("{difference}"));
}

#[test]
fn the_page_of_proposals_matches_the_feature_table() {
    let mut text = String::from(
        "# Proposals\n\n\
         Finished proposals are on by default; `--disable-NAME` or a `Config` turns them off. Unfinished ones are off by \
         default. With\n`--enable-NAME`, `kinglet validate` accepts their modules, but the command refuses to run them; \
         in the library, their\noperations may trap. `tests/book/docs.rs` generates this page from the table `FEATURES`.\n\n\
         Kinglet has two tiers, the interpreter and native code.\n\n",
    );
    let tiers: Vec<&str> = TIERS.iter().map(|(name, _)| *name).collect();
    let _ = writeln!(text, "| Name | Standard | {} | What it adds | Switch |", tiers.join(" | "));
    let _ = writeln!(text, "|---|---|{}---|---|", "---|".repeat(TIERS.len()));
    for row in FEATURES {
        let standard = match row.standard {
            Some(Standard::Wasm1) => "1.0",
            Some(Standard::Wasm2) => "2.0",
            Some(Standard::Wasm3) => "3.0",
            None => "",
        };
        let switch = if row.finished { "disable" } else { "enable" };
        let has: Vec<&str> = TIERS.iter().map(|(_, has)| if has(row) { "yes" } else { "no" }).collect();
        let (name, has) = (row.name, has.join(" | "));
        let _ = writeln!(text, "| {name} | {standard} | {has} | {} | `--{switch}-{name}` |", row.summary);
    }
    check("proposals.md", &text);
}

#[test]
fn the_page_of_wasi_matches_the_function_table() {
    let functions = kinglet_wasi::FUNCTIONS;
    let unknown = REMARKS.iter().find(|(name, _)| !functions.contains(name));
    assert_eq!(unknown, None, "a remark about an unknown function");
    let mut text = format!(
        "# WASI preview 1\n\n\
         Kinglet implements all {} functions of `wasi_snapshot_preview1`. A remark describes a difference from the \
         specification.\n`tests/book/docs.rs` generates this page from the table `FUNCTIONS`.\n\n\
         All of them are host functions, so that they behave the same in every tier.\n\n\
         {SEMANTICS}\
         | Function | Remark |\n|---|---|\n",
        functions.len()
    );
    for function in functions {
        let remark = REMARKS.iter().find(|(name, _)| name == function).map_or("", |(_, remark)| remark);
        let _ = writeln!(text, "| `{function}` | {remark} |");
    }
    text.push_str(
        "\n## Interrupts and time limits\n\n\
         Every function that waits or transfers bytes ends within 50 ms of an interrupt or of the command's time limit. \
         This covers\nreading and writing of up to 4 GiB at once, on every kind of descriptor; opening a FIFO, which waits \
         for its other end\nunless `nonblock` is set; `fd_allocate`, `fd_readdir`, `poll_oneoff`, `random_get`, and all \
         functions of sockets. Bytes are\ntransferred in pieces of 1 MiB at most. A write of up to 4,096 bytes may wait for a \
         reader if another process shares the\npipe or the terminal, and Linux is older than 6.4 or `/proc` is missing.\n\n\
         Work that the system does in one call may finish first:\n\n\
         | Function | Work that may take long |\n|---|---|\n",
    );
    for (functions, work) in UNINTERRUPTED {
        let names = functions.split('`').filter(|name| name.contains('_'));
        names.for_each(|name| assert!(kinglet_wasi::FUNCTIONS.contains(&name), "{name}"));
        let _ = writeln!(text, "| `{functions}` | {work} |");
    }
    text.push_str(
        "\nReading or writing one piece on a slow disk or network is such a call too.\n\n\
         ## Writing\n\n\
         As on Linux, a write that may block writes all bytes, to a file, pipe, terminal, device or socket. A smaller result \
         means\nthat an error followed those bytes, for example a full disk. With `nonblock` a write transfers as many bytes \
         as fit at\nonce.\n",
    );
    check("wasi.md", &text);
}
