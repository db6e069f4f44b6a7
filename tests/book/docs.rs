//! The tables in `docs`. Each is derived from a table in the code, so the two cannot disagree. `BLESS=1` rewrites them.

use std::fmt::Write as _;
use std::path::Path;

use kinglet::{FEATURES, FeatureRow, Standard};
use kinglet_testing::snapshot;

/// A tier: its name, and a predicate that returns whether it implements all of a proposal.
type Tier = (&'static str, fn(&FeatureRow) -> bool);

/// A proposal is finished once every tier implements it.
const TIERS: &[Tier] = &[("Interpreter", |row| row.finished), ("Native", |row| row.finished)];

/// The properties of WASI that many functions share.
const SEMANTICS: &str = "\
Errors are those of Linux, for directories of the host and in memory. The exception is `perm` for a path that leaves the
directory that it starts in. A descriptor records and reports its rights, and a guest can drop them, but no operation
checks them: a file permits the operations that it was opened for. Below a read-only directory, the errors are those of a
read-only mount. FIFOs and devices there cannot be written to either.

Programs of 2019 import `wasi_unstable`. It has the same functions except `sock_accept`, with other numbers and layouts.
The command `kinglet` provides it to every program that imports it. An embedder calls `add_snapshot_0_to_linker`.

";

/// Differences between a function of preview 1 and its specification.
const REMARKS: &[(&str, &str)] = &[
    ("fd_datasync", "fails with `inval` for a socket"),
    ("fd_fdstat_set_rights", "changes only the rights that `fd_fdstat_get` reports"),
    ("fd_sync", "fails with `inval` for a socket"),
    ("fd_pread", "fails with `inval` for more than 1024 buffers"),
    ("fd_pwrite", "fails with `inval` for more than 1024 buffers"),
    ("fd_read", "fails with `inval` for more than 1024 buffers"),
    (
        "fd_readdir",
        "skips names that are not UTF-8; fails with `nomem` if the guest's listings hold more than a million names",
    ),
    ("fd_write", "fails with `inval` for more than 1024 buffers"),
    ("path_link", "fails with `inval` for the flag `symlink_follow`"),
    (
        "path_open",
        "the rights `fd_read` and `fd_write` select the access mode, reading by default; no operation checks the rights",
    ),
    ("path_readlink", "fails with `ilseq` if the target is not UTF-8"),
    ("path_symlink", "fails with `perm` if the target is absolute"),
    (
        "poll_oneoff",
        "fails with `inval` for more than 4096 subscriptions; waiting for the thread's CPU clock fails with `inval`",
    ),
    ("proc_exit", "the command `kinglet` exits with 255 for a code above 255"),
    (
        "proc_raise",
        "ends the guest with 128 plus the signal's number, or ignores the signal; fails with `notsup` if it stops a \
         process",
    ),
    ("sock_accept", "the guest's sockets are those that the embedder has opened; the command `kinglet` opens none"),
    ("sock_recv", "`recv_waitall` has no effect together with `recv_peek`"),
];

/// Functions whose work is a single system call, or a single step on the memory of a `MemoryDir` or a `Pipe`. An
/// interrupt takes effect after it.
const UNINTERRUPTED: &[(&str, &str)] = &[
    ("fd_sync`, `fd_datasync`, and `fd_write`, `fd_pwrite` with `sync`, `dsync` or `rsync", "write a file to the disk"),
    ("fd_filestat_set_size`, and `path_open` with `trunc", "truncate a file; in a `MemoryDir`, free its memory"),
    ("fd_advise", "drop the system's cached pages of a file"),
    ("fd_close`, `fd_renumber", "write to a network file system, drain a serial line, or free a file without a name"),
    ("path_unlink_file`, `path_rename", "free the blocks or the memory of a file without another name"),
    ("path_create_directory`, `path_link`, `path_symlink`, `path_remove_directory", "change a directory on the disk"),
    (
        "path_open`, `path_filestat_get`, `path_filestat_set_times`, `path_readlink",
        "look up names, possibly on a network file system",
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
         Kinglet implements all {} functions of `wasi_snapshot_preview1`. They are host functions, so they behave the same \
         in\nevery tier. A remark describes a difference from the specification. `tests/book/docs.rs` generates this page \
         from the\ntable `FUNCTIONS`.\n\n\
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
         This\nincludes reads and writes of up to 4 GiB on every kind of descriptor, opening a FIFO, which waits for its \
         other end\nunless `nonblock` is set, `fd_allocate`, `fd_readdir`, `poll_oneoff`, `random_get`, and all functions \
         of sockets. Bytes\nmove in chunks of at most 1 MiB. A write of up to 4,096 bytes to a pipe or terminal that other \
         processes share can block\nif Linux is older than 6.4 or `/proc` is missing.\n\n\
         An interrupt does not end a system call that has begun. These calls can take long:\n\n\
         | Function | Work |\n|---|---|\n",
    );
    for (functions, work) in UNINTERRUPTED {
        let names = functions.split('`').filter(|name| name.contains('_'));
        names.for_each(|name| assert!(kinglet_wasi::FUNCTIONS.contains(&name), "{name}"));
        let _ = writeln!(text, "| `{functions}` | {work} |");
    }
    text.push_str(
        "\nSo can a read or write of one chunk on a slow disk or network.\n\n\
         ## Writing\n\n\
         A blocking write to a file, pipe, terminal, device or socket writes everything, as on Linux. It returns fewer \
         bytes than\nrequested only if an error, such as a full disk, occurs after them. With `nonblock`, a write \
         transfers as many bytes as\npossible without waiting.\n",
    );
    check("wasi.md", &text);
}
