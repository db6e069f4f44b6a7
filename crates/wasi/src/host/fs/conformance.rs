//! Compares the behaviour of directories on the host and in memory with that of Linux. The tests perform each operation
//! on a path with existing and missing names and all kinds of symbolic links, in zero to two components, with every
//! ending. For writable directories they perform the system call too. The results of Linux below a read-only mount are
//! in `conformance/readonly.txt`. To update that file after a change of the lists below, run as root:
//!
//! ```text
//! mkdir /tmp/tree; export READ_ONLY_MOUNT=/tmp/tree
//! cargo test -p kinglet-wasi --lib read_only      # creates the tree
//! unshare -m sh -c 'mount --bind -o ro /tmp/tree /tmp/tree && cargo test -p kinglet-wasi --lib read_only'
//! ```

use super::{Directory, FileKind, FsPerms, OpenHow, Opened, SetTime};
use crate::MemoryDir;
use crate::host::{Errno, Error};
use crate::tests::{NeverInterrupted, TempDir};
use rustix::fd::OwnedFd;
use rustix::fs::{AtFlags, Mode, OFlags, Timespec, Timestamps};
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// An operation with one path.
#[derive(Clone, Copy, Debug)]
enum PathCall {
    Stat { follow: bool },
    ReadLink,
    CreateDirectory,
    RemoveDirectory,
    UnlinkFile,
    Symlink,
    SetTimes { follow: bool },
    Open(OpenHow),
}

impl PathCall {
    /// Returns whether a successful call changes the file system.
    fn changes(self) -> bool {
        match self {
            PathCall::Stat { .. } | PathCall::ReadLink => false,
            PathCall::Open(how) => how.write || how.create || how.truncate,
            _ => true,
        }
    }
}

/// An operation with two paths.
#[derive(Clone, Copy, Debug)]
enum TwoPathCall {
    Rename,
    Link,
}

/// The result of an operation as text, or its error.
type Outcome = Result<String, Errno>;

/// A directory below which the tests perform operations.
trait FileSystem {
    fn call(&self, call: PathCall, path: &str) -> Outcome;
    fn call_two(&self, call: TwoPathCall, old: &str, new: &str) -> Outcome;
    /// Returns a description of everything below the directory, sorted.
    fn contents(&self) -> Vec<String>;
}

/// A directory on which the tests make system calls directly.
struct LinuxDirectory {
    path: PathBuf,
    root: OwnedFd,
}

impl LinuxDirectory {
    fn open(path: &Path) -> LinuxDirectory {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        LinuxDirectory { path: path.to_owned(), root: rustix::fs::open(path, flags, Mode::empty()).unwrap() }
    }
}

/// The time that `SetTimes` sets, in seconds since 1970.
const TIME: i64 = 1_000_000_000;

impl FileSystem for LinuxDirectory {
    fn call(&self, call: PathCall, path: &str) -> Outcome {
        let at = |follow| if follow { AtFlags::empty() } else { AtFlags::SYMLINK_NOFOLLOW };
        let root = &self.root;
        match call {
            PathCall::Stat { follow } => {
                rustix::fs::statat(root, path, at(follow)).map(|stat| format!("{:?}", kind(stat.st_mode)))
            }
            PathCall::ReadLink => {
                rustix::fs::readlinkat(root, path, Vec::new()).map(|target| target.into_string().unwrap())
            }
            PathCall::CreateDirectory => rustix::fs::mkdirat(root, path, Mode::from(0o777)).map(no_detail),
            PathCall::RemoveDirectory => rustix::fs::unlinkat(root, path, AtFlags::REMOVEDIR).map(no_detail),
            PathCall::UnlinkFile => rustix::fs::unlinkat(root, path, AtFlags::empty()).map(no_detail),
            PathCall::Symlink => rustix::fs::symlinkat("f", root, path).map(no_detail),
            PathCall::SetTimes { follow } => {
                let time = Timespec { tv_sec: TIME, tv_nsec: 0 };
                let times = Timestamps { last_access: time, last_modification: time };
                rustix::fs::utimensat(root, path, &times, at(follow)).map(no_detail)
            }
            PathCall::Open(how) => {
                let mut flags = OFlags::CLOEXEC | OFlags::NONBLOCK;
                flags |= match (how.read, how.write) {
                    (true, true) => OFlags::RDWR,
                    (false, true) => OFlags::WRONLY,
                    (_, false) => OFlags::RDONLY,
                };
                flags.set(OFlags::CREATE, how.create);
                flags.set(OFlags::EXCL, how.exclusive);
                flags.set(OFlags::TRUNC, how.truncate);
                flags.set(OFlags::DIRECTORY, how.directory);
                flags.set(OFlags::NOFOLLOW, !how.follow);
                rustix::fs::openat(root, path, flags, Mode::from(0o666))
                    .map(|fd| format!("{:?}", kind(rustix::fs::fstat(fd).unwrap().st_mode)))
            }
        }
        .map_err(Errno::from)
    }

    fn call_two(&self, call: TwoPathCall, old: &str, new: &str) -> Outcome {
        match call {
            TwoPathCall::Rename => rustix::fs::renameat(&self.root, old, &self.root, new),
            TwoPathCall::Link => rustix::fs::linkat(&self.root, old, &self.root, new, AtFlags::empty()),
        }
        .map(no_detail)
        .map_err(Errno::from)
    }

    fn contents(&self) -> Vec<String> {
        Directory::open_ambient(&self.path, FsPerms::ReadOnly).unwrap().contents()
    }
}

impl FileSystem for Directory {
    fn call(&self, call: PathCall, path: &str) -> Outcome {
        match call {
            PathCall::Stat { follow } => self.metadata(path, follow).map(|metadata| format!("{:?}", metadata.kind)),
            PathCall::ReadLink => self.read_link(path),
            PathCall::CreateDirectory => self.create_directory(path).map(no_detail),
            PathCall::RemoveDirectory => self.remove_directory(path).map(no_detail),
            PathCall::UnlinkFile => self.unlink_file(path).map(no_detail),
            PathCall::Symlink => self.symlink("f", path).map(no_detail),
            PathCall::SetTimes { follow } => {
                let time = SetTime::To(TIME.unsigned_abs() * 1_000_000_000);
                self.set_times(path, follow, time, time).map(no_detail)
            }
            PathCall::Open(how) => self.open(path, &how, &NeverInterrupted).map(|node| match node {
                Opened::File(file) => format!("{:?}", file.metadata().unwrap().kind),
                Opened::Directory(_) => format!("{:?}", FileKind::Directory),
            }),
        }
        .map_err(errno)
    }

    fn call_two(&self, call: TwoPathCall, old: &str, new: &str) -> Outcome {
        match call {
            TwoPathCall::Rename => self.rename(old, self, new, &NeverInterrupted),
            TwoPathCall::Link => self.link(old, self, new),
        }
        .map(no_detail)
        .map_err(errno)
    }

    fn contents(&self) -> Vec<String> {
        let (mut found, mut pending) = (Vec::new(), vec![String::new()]);
        while let Some(path) = pending.pop() {
            let Opened::Directory(directory) =
                self.open(&format!("{path}."), &OpenHow::default(), &NeverInterrupted).unwrap()
            else {
                panic!("{path} is not a directory")
            };
            for entry in directory.entries(1000, &NeverInterrupted).unwrap().into_iter().skip(2) {
                let full = format!("{path}{}", entry.name);
                let metadata = self.metadata(&full, false).unwrap();
                let detail = match metadata.kind {
                    FileKind::SymbolicLink => self.read_link(&full).unwrap(),
                    FileKind::Directory => {
                        pending.push(format!("{full}/"));
                        String::new()
                    }
                    _ => format!("{} bytes, {} links", metadata.size, metadata.links),
                };
                found.push(format!("{full}: {:?} {detail}", metadata.kind));
            }
        }
        found.sort();
        found
    }
}

fn no_detail((): ()) -> String {
    String::new()
}

fn errno(error: Error) -> Errno {
    match error {
        Error::Errno(errno) => errno,
        Error::Interrupted => Errno::INTR,
    }
}

fn kind(mode: rustix::fs::RawMode) -> FileKind {
    match rustix::fs::FileType::from_raw_mode(mode) {
        rustix::fs::FileType::Directory => FileKind::Directory,
        rustix::fs::FileType::RegularFile => FileKind::RegularFile,
        rustix::fs::FileType::Symlink => FileKind::SymbolicLink,
        _ => FileKind::Other,
    }
}

/// The contents of the tree: directories, files, and symbolic links with their targets.
const DIRECTORIES: &[&str] = &["d", "d/e", "e"];
const FILES: &[&str] = &["f", "d/f"];
const SYMLINKS: &[(&str, &str)] = &[
    ("lf", "f"),
    ("ld", "d"),
    ("le", "e/"),
    ("lfs", "f/"),
    ("ldot", "d/."),
    ("lup", "d/e/.."),
    ("ll", "ld"),
    ("dang", "nope"),
    ("dangs", "nope/"),
    ("dd", "nope/x"),
    ("loop", "loop"),
    ("d/l", "f"),
    ("d/out", "../f"),
];

/// Existing and missing names, with one and two components.
const NAMES: &[&str] = &[
    "f", "d", "e", "lf", "ld", "le", "lfs", "ldot", "lup", "ll", "dang", "dangs", "dd", "loop", "nope", "d/f", "d/e",
    "d/l", "d/out", "d/nope", "ld/f", "ld/e", "f/x", "nope/x", "dang/x", "loop/x",
];

const ENDINGS: &[&str] = &["", "/", "//", "/.", "/./", "/.."];

/// Paths of the directory itself.
const DOTS: &[&str] = &[".", "./", "./.", ".//./"];

/// A selection of names and endings for operations with two paths.
const PAIR_NAMES: &[&str] = &["f", "d", "e", "lf", "ld", "dang", "nope", "d/f", "d/e", "d/nope", "f/x", "nope/x"];
const PAIR_ENDINGS: &[&str] = &["", "/", "/.", "/.."];

fn paths(names: &[&str], endings: &[&str]) -> Vec<String> {
    names.iter().flat_map(|name| endings.iter().map(move |ending| format!("{name}{ending}"))).collect()
}

fn calls() -> Vec<PathCall> {
    let mut calls = vec![
        PathCall::ReadLink,
        PathCall::CreateDirectory,
        PathCall::RemoveDirectory,
        PathCall::UnlinkFile,
        PathCall::Symlink,
    ];
    for follow in [false, true] {
        calls.extend([PathCall::Stat { follow }, PathCall::SetTimes { follow }]);
        let reading = OpenHow { follow, read: true, ..OpenHow::default() };
        let writing = OpenHow { write: true, ..reading };
        for how in [reading, writing, OpenHow { read: false, ..writing }] {
            let create = OpenHow { create: true, ..how };
            let more = [OpenHow { directory: true, ..how }, OpenHow { truncate: true, ..how }];
            calls.extend(
                [how, create, OpenHow { exclusive: true, ..create }].into_iter().chain(more).map(PathCall::Open),
            );
        }
        calls.push(PathCall::Open(OpenHow { create: true, truncate: true, ..writing }));
    }
    calls
}

fn create_on_host(root: &Path) {
    DIRECTORIES.iter().for_each(|path| std::fs::create_dir(root.join(path)).unwrap());
    FILES.iter().for_each(|path| std::fs::write(root.join(path), "text").unwrap());
    SYMLINKS.iter().for_each(|(path, target)| std::os::unix::fs::symlink(target, root.join(path)).unwrap());
}

fn create_in_memory() -> MemoryDir {
    let tree = MemoryDir::new();
    DIRECTORIES.iter().for_each(|path| tree.create_dir(path).unwrap());
    FILES.iter().for_each(|path| tree.write(path, "text").unwrap());
    let root = Directory::memory(&tree, FsPerms::ReadWrite);
    SYMLINKS.iter().for_each(|(path, target)| root.symlink(target, path).unwrap());
    tree
}

/// Three copies of the tree: for the system calls, for a directory of the host, and for one in memory.
struct Trees {
    system: LinuxDirectory,
    tested: [(&'static str, Directory); 2],
    _temps: [TempDir; 2],
}

impl Trees {
    fn new() -> Trees {
        let temps = [TempDir::new(), TempDir::new()];
        temps.iter().for_each(|temp| create_on_host(temp.path()));
        let native = Directory::open_ambient(temps[1].path(), FsPerms::ReadWrite).unwrap();
        let memory = Directory::memory(&create_in_memory(), FsPerms::ReadWrite);
        Trees {
            system: LinuxDirectory::open(temps[0].path()),
            tested: [("host", native), ("memory", memory)],
            _temps: temps,
        }
    }

    /// Performs an operation on all three trees, and appends the differences to `differences`. Recreates the trees after a
    /// change or a difference.
    fn compare(
        &mut self,
        description: &str,
        call: impl Fn(&dyn FileSystem) -> Outcome,
        changes: bool,
        differences: &mut String,
    ) {
        let expected = call(&self.system);
        let contents = (changes && expected.is_ok()).then(|| self.system.contents());
        let mut same = true;
        for (name, directory) in &self.tested {
            let found = call(directory);
            if found != expected {
                same = false;
                let _ = writeln!(
                    differences,
                    "{description} ({name}): {} instead of {}",
                    outcome_name(&found),
                    outcome_name(&expected)
                );
            } else if contents.as_ref().is_some_and(|contents| directory.contents() != *contents) {
                let _ = writeln!(
                    differences,
                    "{description} ({name}) leaves {:?} instead of {contents:?}",
                    directory.contents()
                );
            }
        }
        if contents.is_some() || !same {
            *self = Trees::new();
        }
    }
}

fn outcome_name(outcome: &Outcome) -> String {
    match outcome {
        Ok(found) if found.is_empty() => "ok".to_owned(),
        Ok(found) => found.clone(),
        Err(errno) => errno.name().to_owned(),
    }
}

#[test]
#[cfg(target_os = "linux")]
fn operations_with_one_path_behave_as_on_linux() {
    let (mut trees, mut differences) = (Trees::new(), String::new());
    let mut paths = paths(NAMES, ENDINGS);
    paths.extend(DOTS.iter().map(|path| (*path).to_owned()));
    for call in calls() {
        for path in &paths {
            trees.compare(
                &format!("{call:?} {path}"),
                |file_system| file_system.call(call, path),
                call.changes(),
                &mut differences,
            );
        }
    }
    assert!(differences.is_empty(), "{differences}");
}

#[test]
#[cfg(target_os = "linux")]
fn operations_with_two_paths_behave_as_on_linux() {
    let (mut trees, mut differences) = (Trees::new(), String::new());
    let mut paths = paths(PAIR_NAMES, PAIR_ENDINGS);
    paths.push(".".to_owned());
    for call in [TwoPathCall::Rename, TwoPathCall::Link] {
        for old in &paths {
            for new in &paths {
                let description = format!("{call:?} {old} {new}");
                trees.compare(&description, |file_system| file_system.call_two(call, old, new), true, &mut differences);
            }
        }
    }
    assert!(differences.is_empty(), "{differences}");
}

/// Returns the outcomes of all operations that can change the file system, in a line for each operation and name and a
/// word for each ending.
fn outcomes_of_changes(file_system: &dyn FileSystem) -> String {
    let mut text = String::new();
    let mut line = |description: String, outcomes: Vec<Outcome>| {
        let words: Vec<String> = outcomes.iter().map(outcome_name).collect();
        let _ = writeln!(text, "{description}: {}", words.join(" "));
    };
    for call in calls().into_iter().filter(|call| call.changes()) {
        for name in NAMES {
            let outcomes = ENDINGS.iter().map(|ending| file_system.call(call, &format!("{name}{ending}"))).collect();
            line(format!("{} {name}", call_name(call)), outcomes);
        }
        line(format!("{} .", call_name(call)), DOTS.iter().map(|path| file_system.call(call, path)).collect());
    }
    let endings = &PAIR_ENDINGS[..3];
    for call in [TwoPathCall::Rename, TwoPathCall::Link] {
        for old in paths(&["f", "d", "ld", "dang", "nope", "d/nope", "f/x", "nope/x"], endings) {
            for name in ["f", "d", "ld", "dang", "nope", "d/nope", "f/x", "nope/x"] {
                let outcomes =
                    endings.iter().map(|ending| file_system.call_two(call, &old, &format!("{name}{ending}"))).collect();
                line(format!("{call:?} {old} {name}"), outcomes);
            }
        }
    }
    text
}

/// Returns a short name for an operation.
fn call_name(call: PathCall) -> String {
    let PathCall::Open(how) = call else { return format!("{call:?}").replace(['{', '}'], "").replace("  ", " ") };
    let flags = [
        ("read", how.read),
        ("write", how.write),
        ("create", how.create),
        ("exclusive", how.exclusive),
        ("truncate", how.truncate),
        ("directory", how.directory),
        ("follow", how.follow),
    ];
    let flags: Vec<&str> = flags.iter().filter(|(_, set)| *set).map(|(name, _)| *name).collect();
    format!("Open({})", flags.join(" "))
}

#[test]
#[cfg(target_os = "linux")]
fn a_read_only_directory_behaves_like_a_read_only_mount() {
    if let Some(mount) = std::env::var_os("READ_ONLY_MOUNT") {
        return record_outcomes(Path::new(&mount));
    }
    let temp = TempDir::new();
    create_on_host(temp.path());
    let native = Directory::open_ambient(temp.path(), FsPerms::ReadOnly).unwrap();
    let memory = Directory::memory(&create_in_memory(), FsPerms::ReadOnly);
    let before = native.contents();
    for (name, directory) in [("host", &native), ("memory", &memory)] {
        let (found, mut differences) = (outcomes_of_changes(directory), String::new());
        let expected = include_str!("conformance/readonly.txt");
        assert_eq!(found.lines().count(), expected.lines().count(), "the list of operations has changed");
        for (found, expected) in found.lines().zip(expected.lines()).filter(|(found, expected)| found != expected) {
            let _ = writeln!(differences, "{found} ({name}) instead of {expected}");
        }
        assert!(differences.is_empty(), "{differences}");
        assert_eq!(directory.contents(), before, "{name}");
    }
}

/// Writes the outcomes of Linux below `mount` to the file. If `mount` is empty, creates the tree there instead.
fn record_outcomes(mount: &Path) {
    if std::fs::read_dir(mount).unwrap().next().is_none() {
        return create_on_host(mount);
    }
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/host/fs/conformance/readonly.txt");
    std::fs::write(file, outcomes_of_changes(&LinuxDirectory::open(mount))).unwrap();
}

#[test]
fn no_path_leaves_its_directory() {
    let outside = TempDir::new();
    create_on_host(outside.path());
    let outside_path = outside.path().to_str().unwrap();
    let above = format!("../{}", outside.path().file_name().unwrap().to_str().unwrap());
    let new = || {
        let temp = TempDir::new();
        create_on_host(temp.path());
        for (link, target) in [("out", outside_path), ("up", &above), ("far", "up/f")] {
            std::os::unix::fs::symlink(target, temp.path().join(link)).unwrap();
        }
        (Directory::open_ambient(temp.path(), FsPerms::ReadWrite).unwrap(), temp)
    };
    let before = LinuxDirectory::open(outside.path()).contents();
    let names = ["out", "up", "far", "out/f", "up/f", "up/d", "up/nope", "d/../up", ".."];
    let mut tree = new();
    let check = |description: &str, outcome: Outcome, of_link: bool| {
        // Operations on a link itself may succeed, and those on its target must fail.
        assert!(outcome.is_err() || of_link, "{description}: {outcome:?}");
        assert_eq!(LinuxDirectory::open(outside.path()).contents(), before, "{description}");
        outcome.is_ok()
    };
    for path in paths(&names, ENDINGS) {
        let is_link = matches!(path.as_str(), "out" | "up" | "far" | "d/../up");
        for call in calls() {
            let of_link = match call {
                PathCall::Stat { follow } | PathCall::SetTimes { follow } => is_link && !follow,
                PathCall::ReadLink | PathCall::UnlinkFile => is_link,
                _ => false,
            };
            if check(&format!("{call:?} {path}"), tree.0.call(call, &path), of_link) && call.changes() {
                tree = new();
            }
        }
        for (old, new_path) in [(path.as_str(), "fresh"), ("f", path.as_str()), ("d", path.as_str())] {
            for call in [TwoPathCall::Rename, TwoPathCall::Link] {
                let description = format!("{call:?} {old} {new_path}");
                if check(&description, tree.0.call_two(call, old, new_path), is_link) {
                    tree = new();
                }
            }
        }
    }
}

#[test]
fn two_different_directories_behave_like_two_mounts() {
    let host = TempDir::new();
    create_on_host(host.path());
    let native = |perms| Directory::open_ambient(host.path(), perms).unwrap();
    let tree = create_in_memory();
    let memory = |perms| Directory::memory(&tree, perms);
    let (reading, writing) = (FsPerms::ReadOnly, FsPerms::ReadWrite);
    let pairs = [
        (native(writing), native(reading)),
        (native(reading), native(writing)),
        (memory(writing), memory(reading)),
        (memory(reading), memory(writing)),
        (native(writing), memory(writing)),
        (memory(writing), native(writing)),
        (memory(writing), separate_memory()),
        (native(reading), memory(reading)),
    ];
    let before = native(reading).contents();
    for (at, (from, to)) in pairs.iter().enumerate() {
        let rename = |old: &str, new: &str| from.rename(old, to, new, &NeverInterrupted).map_err(errno);
        let link = |old: &str, new: &str| from.link(old, to, new).map_err(errno);
        let linked = if to.perms == reading { Errno::ROFS } else { Errno::XDEV };
        for (old, new, renamed, linked) in [
            ("f", "fresh", Errno::XDEV, linked),
            ("d/f", "d/fresh", Errno::XDEV, linked),
            ("nope", "fresh", Errno::XDEV, Errno::NOENT),
            ("f", "d/e", Errno::XDEV, Errno::EXIST),
            ("f", ".", Errno::XDEV, Errno::EXIST),
            ("f", "fresh/", Errno::XDEV, Errno::NOENT),
            ("nope/x", "fresh", Errno::NOENT, Errno::NOENT),
            ("f/x", "fresh", Errno::NOTDIR, Errno::NOTDIR),
            ("f", "nope/x", Errno::NOENT, Errno::NOENT),
            ("f", "f/x", Errno::NOTDIR, Errno::NOTDIR),
            ("f", "../x", Errno::PERM, Errno::PERM),
        ] {
            assert_eq!((rename(old, new), link(old, new)), (Err(renamed), Err(linked)), "{at}: {old} {new}");
        }
    }
    assert_eq!((native(reading).contents(), memory(reading).contents()), (before.clone(), before));
}

fn separate_memory() -> Directory {
    Directory::memory(&create_in_memory(), FsPerms::ReadWrite)
}
