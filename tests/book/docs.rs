//! The tables in `docs`, each derived from a table in the code, so that neither can say what the other does not.
//! `BLESS=1` writes them anew.

use std::fmt::Write as _;
use std::path::Path;

use kinglet::{FEATURES, FeatureRow, Standard};
use kinglet_testing::snapshot;

/// A tier: its name, and whether it has all of a proposal.
type Tier = (&'static str, fn(&FeatureRow) -> bool);

/// A proposal is finished when every tier that runs code has it.
const TIERS: &[Tier] = &[("Interpreter", |row| row.finished), ("Native", |row| row.finished)];

/// Where a function of preview 1 does less than its specification says, or something else. The others do all of it.
/// What holds for many functions.
const SEMANTICS: &str = "\
Errors are those of Linux, for folders of the host as for those in memory: `perm` for a path that leads out of the
folder it starts in is the one exception. Rights are recorded, narrowed and reported, and never asked for: what a
descriptor may do follows from how it was opened. Below a folder given for reading only the errors are those of a file
system that is mounted read-only, and FIFOs and devices cannot be written to either.

Programs of 2019 import `wasi_unstable`. It has the same functions but for `sock_accept`, with the numbers and layouts
of its time, and `kinglet` provides it to all programs; in a program of your own, `add_snapshot_0_to_linker` does.

";

const REMARKS: &[(&str, &str)] = &[
    ("fd_datasync", "`inval` for a socket"),
    ("fd_fdstat_set_rights", "changes what `fd_fdstat_get` reports, and nothing else"),
    ("fd_sync", "`inval` for a socket"),
    ("fd_pread", "at most 1024 buffers: `inval`"),
    ("fd_pwrite", "at most 1024 buffers: `inval`"),
    ("fd_read", "at most 1024 buffers: `inval`"),
    ("fd_readdir", "names that are not UTF-8 are left out; a guest can have a million names listed, then `nomem`"),
    ("fd_write", "at most 1024 buffers: `inval`"),
    ("path_link", "to follow a symbolic link first is `inval`"),
    ("path_open", "the rights `fd_read` and `fd_write` say how to open, without either for reading; none is asked for"),
    ("path_readlink", "a target that is not UTF-8 is `ilseq`"),
    ("path_symlink", "an absolute target is `perm`"),
    ("poll_oneoff", "at most 4096 subscriptions: `inval`; the CPU time of the waiting thread never passes: `inval`"),
    ("proc_exit", "the command `kinglet` exits with 255 for a code above 255"),
    (
        "proc_raise",
        "ends the guest with 128 more than the signal's number, or is ignored; a signal that stops is `notsup`",
    ),
    ("sock_accept", "the sockets are those an embedder has given; `kinglet` gives none"),
    ("sock_recv", "with `recv_peek`, `recv_waitall` means nothing"),
];

/// What one system call does as a whole, or the memory of a `MemoryDir` or `Pipe` in one step, so that an interrupt waits
/// for it.
const WHOLE: &[(&str, &str)] = &[
    ("fd_sync`, `fd_datasync`, and `fd_write`, `fd_pwrite` with `sync`, `dsync` or `rsync", "bring a file to the disk"),
    ("fd_filestat_set_size`, and `path_open` with `trunc", "cut a file; one in a `MemoryDir` gives back its memory"),
    ("fd_advise", "may drop what the system has cached of a file"),
    (
        "fd_close`, `fd_renumber",
        "a network may be written to first, a serial line sends what it holds, a file without a name is freed",
    ),
    ("path_unlink_file`, `path_rename", "free the blocks or the memory of a file that has no other name"),
    ("path_create_directory`, `path_link`, `path_symlink`, `path_remove_directory", "change a folder on the disk"),
    (
        "path_open`, `path_filestat_get`, `path_filestat_set_times`, `path_readlink",
        "look names up, which may be on a network",
    ),
];

#[track_caller]
fn check(name: &str, text: &str) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests lie below the workspace's root");
    snapshot::check_file(&root.join("docs").join(name), text).unwrap_or_else(|difference| panic!("{difference}"));
}

#[test]
fn proposals_are_those_of_the_feature_table() {
    let mut text = String::from(
        "# Proposals\n\n\
         What is finished is on unless it is switched off, with `--disable-NAME` or in a `Config`. What is not is off; \
         `--enable-NAME`\nlets `kinglet validate` take its modules, and the command refuses to run them; in the library \
         what they do may trap.\nWritten by `tests/book/docs.rs` from the table `FEATURES`.\n\n\
         There are two tiers, the interpreter and native code.\n\n",
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
fn functions_are_those_of_wasi_preview_1() {
    let functions = kinglet_wasi::FUNCTIONS;
    let unknown = REMARKS.iter().find(|(name, _)| !functions.contains(name));
    assert_eq!(unknown, None, "a remark about no function");
    let mut text = format!(
        "# WASI preview 1\n\n\
         All {} functions of `wasi_snapshot_preview1` are there. A remark says where one differs from its specification. \
         Written by\n`tests/book/docs.rs` from the table `FUNCTIONS`.\n\nThey are functions of the host, and so the same in every \
         tier.\n\n\
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
         Every function that waits or moves bytes ends within 50 ms of an interrupt or of the command's time limit: reading \
         and\nwriting, of up to 4 GiB at once, whatever stands behind a descriptor; opening a FIFO, which waits for its \
         other end unless\n`nonblock` is given; `fd_allocate`, `fd_readdir`, `poll_oneoff`, `random_get`, and all of \
         sockets. Bytes move in pieces of\n1 MiB at most. Where a pipe or a terminal is shared with other processes, and \
         Linux is older than 6.4 or `/proc` is missing,\na write of up to 4,096 bytes may wait for a reader.\n\n\
         What the system does in one call may finish first:\n\n\
         | Function | What may take long |\n|---|---|\n",
    );
    for (functions, what) in WHOLE {
        let names = functions.split('`').filter(|name| name.contains('_'));
        names.for_each(|name| assert!(kinglet_wasi::FUNCTIONS.contains(&name), "{name}"));
        let _ = writeln!(text, "| `{functions}` | {what} |");
    }
    text.push_str(
        "\nA read or write of one piece on a slow disk or network is such a call too.\n\n\
         ## Writing\n\n\
         A write that may wait writes everything, as Linux has it, to a file, pipe, terminal, device or socket; fewer bytes than \
         asked\nfor mean that something failed after them, such as a disk that is full. With `nonblock` a write takes what \
         there is room\nfor now.\n",
    );
    check("wasi.md", &text);
}
