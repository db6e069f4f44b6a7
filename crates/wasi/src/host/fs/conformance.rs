//! Folders of the host and in memory beside Linux itself: each operation on a path, for names that are there, are missing,
//! are links of every sort, in no, one or two components, with every ending. Below a folder that may be changed the calls
//! are made of the system at the same time; what it answers below a read-only mount is in `conformance/readonly.txt`.
//! For that file again, after a change of the lists below (as root):
//!
//! ```text
//! mkdir /tmp/tree; export READ_ONLY_MOUNT=/tmp/tree
//! cargo test -p kinglet-wasi --lib read_only      # makes the tree
//! unshare -m sh -c 'mount --bind -o ro /tmp/tree /tmp/tree && cargo test -p kinglet-wasi --lib read_only'
//! ```

use super::{DirAccess, Directory, Kind, Node, OpenHow, SetTime};
use crate::MemoryDir;
use crate::host::{Errno, Error};
use crate::tests::{Folder, Never};
use rustix::fd::OwnedFd;
use rustix::fs::{AtFlags, Mode, OFlags, Timespec, Timestamps};
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// A call with one path.
#[derive(Clone, Copy, Debug)]
enum One {
    Stat { follow: bool },
    ReadLink,
    CreateDirectory,
    RemoveDirectory,
    UnlinkFile,
    Symlink,
    SetTimes { follow: bool },
    Open(OpenHow),
}

impl One {
    /// Whether it changes anything where it succeeds.
    fn changes(self) -> bool {
        match self {
            One::Stat { .. } | One::ReadLink => false,
            One::Open(how) => how.write || how.create || how.truncate,
            _ => true,
        }
    }
}

/// A call with two paths.
#[derive(Clone, Copy, Debug)]
enum Two {
    Rename,
    Link,
}

/// What a call says of what it found, or why it failed.
type Outcome = Result<String, Errno>;

/// Where calls can be made.
trait Place {
    fn one(&self, call: One, path: &str) -> Outcome;
    fn two(&self, call: Two, old: &str, new: &str) -> Outcome;
    /// Everything there is, in order.
    fn contents(&self) -> Vec<String>;
}

/// The system itself.
struct System {
    path: PathBuf,
    root: OwnedFd,
}

impl System {
    fn open(path: &Path) -> System {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        System { path: path.to_owned(), root: rustix::fs::open(path, flags, Mode::empty()).unwrap() }
    }
}

const TIME: i64 = 1_000_000_000;

impl Place for System {
    fn one(&self, call: One, path: &str) -> Outcome {
        let at = |follow| if follow { AtFlags::empty() } else { AtFlags::SYMLINK_NOFOLLOW };
        let root = &self.root;
        match call {
            One::Stat { follow } => {
                rustix::fs::statat(root, path, at(follow)).map(|stat| format!("{:?}", kind(stat.st_mode)))
            }
            One::ReadLink => rustix::fs::readlinkat(root, path, Vec::new()).map(|target| target.into_string().unwrap()),
            One::CreateDirectory => rustix::fs::mkdirat(root, path, Mode::from(0o777)).map(nothing),
            One::RemoveDirectory => rustix::fs::unlinkat(root, path, AtFlags::REMOVEDIR).map(nothing),
            One::UnlinkFile => rustix::fs::unlinkat(root, path, AtFlags::empty()).map(nothing),
            One::Symlink => rustix::fs::symlinkat("f", root, path).map(nothing),
            One::SetTimes { follow } => {
                let time = Timespec { tv_sec: TIME, tv_nsec: 0 };
                let times = Timestamps { last_access: time, last_modification: time };
                rustix::fs::utimensat(root, path, &times, at(follow)).map(nothing)
            }
            One::Open(how) => {
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

    fn two(&self, call: Two, old: &str, new: &str) -> Outcome {
        match call {
            Two::Rename => rustix::fs::renameat(&self.root, old, &self.root, new),
            Two::Link => rustix::fs::linkat(&self.root, old, &self.root, new, AtFlags::empty()),
        }
        .map(nothing)
        .map_err(Errno::from)
    }

    fn contents(&self) -> Vec<String> {
        Directory::open_ambient(&self.path, DirAccess::ReadOnly).unwrap().contents()
    }
}

impl Place for Directory {
    fn one(&self, call: One, path: &str) -> Outcome {
        match call {
            One::Stat { follow } => self.metadata(path, follow).map(|metadata| format!("{:?}", metadata.kind)),
            One::ReadLink => self.read_link(path),
            One::CreateDirectory => self.create_directory(path).map(nothing),
            One::RemoveDirectory => self.remove_directory(path).map(nothing),
            One::UnlinkFile => self.unlink_file(path).map(nothing),
            One::Symlink => self.symlink("f", path).map(nothing),
            One::SetTimes { follow } => {
                let time = SetTime::To(TIME.unsigned_abs() * 1_000_000_000);
                self.set_times(path, follow, time, time).map(nothing)
            }
            One::Open(how) => self.open(path, &how, &Never).map(|node| match node {
                Node::File(file) => format!("{:?}", file.metadata().unwrap().kind),
                Node::Directory(_) => format!("{:?}", Kind::Directory),
            }),
        }
        .map_err(errno)
    }

    fn two(&self, call: Two, old: &str, new: &str) -> Outcome {
        match call {
            Two::Rename => self.rename(old, self, new, &Never),
            Two::Link => self.link(old, self, new),
        }
        .map(nothing)
        .map_err(errno)
    }

    fn contents(&self) -> Vec<String> {
        let (mut found, mut open) = (Vec::new(), vec![String::new()]);
        while let Some(path) = open.pop() {
            let Node::Directory(folder) = self.open(&format!("{path}."), &OpenHow::default(), &Never).unwrap() else {
                panic!("{path} is no folder")
            };
            for entry in folder.entries(1000, &Never).unwrap().into_iter().skip(2) {
                let full = format!("{path}{}", entry.name);
                let metadata = self.metadata(&full, false).unwrap();
                let more = match metadata.kind {
                    Kind::SymbolicLink => self.read_link(&full).unwrap(),
                    Kind::Directory => {
                        open.push(format!("{full}/"));
                        String::new()
                    }
                    _ => format!("{} bytes, {} names", metadata.size, metadata.links),
                };
                found.push(format!("{full}: {:?} {more}", metadata.kind));
            }
        }
        found.sort();
        found
    }
}

fn nothing((): ()) -> String {
    String::new()
}

fn errno(error: Error) -> Errno {
    match error {
        Error::Errno(errno) => errno,
        Error::Interrupted => Errno::INTR,
    }
}

fn kind(mode: rustix::fs::RawMode) -> Kind {
    match rustix::fs::FileType::from_raw_mode(mode) {
        rustix::fs::FileType::Directory => Kind::Directory,
        rustix::fs::FileType::RegularFile => Kind::RegularFile,
        rustix::fs::FileType::Symlink => Kind::SymbolicLink,
        _ => Kind::Other,
    }
}

/// What there is: folders, files, and links with their targets.
const FOLDERS: &[&str] = &["d", "d/e", "e"];
const FILES: &[&str] = &["f", "d/f"];
const LINKS: &[(&str, &str)] = &[
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

/// Names of what there is and is not, in one component and in two.
const NAMES: &[&str] = &[
    "f", "d", "e", "lf", "ld", "le", "lfs", "ldot", "lup", "ll", "dang", "dangs", "dd", "loop", "nope", "d/f", "d/e",
    "d/l", "d/out", "d/nope", "ld/f", "ld/e", "f/x", "nope/x", "dang/x", "loop/x",
];

const ENDINGS: &[&str] = &["", "/", "//", "/.", "/./", "/.."];

/// Paths without a name.
const DOTS: &[&str] = &[".", "./", "./.", ".//./"];

/// Fewer, for calls that have two.
const PAIR_NAMES: &[&str] = &["f", "d", "e", "lf", "ld", "dang", "nope", "d/f", "d/e", "d/nope", "f/x", "nope/x"];
const PAIR_ENDINGS: &[&str] = &["", "/", "/.", "/.."];

fn paths(names: &[&str], endings: &[&str]) -> Vec<String> {
    names.iter().flat_map(|name| endings.iter().map(move |ending| format!("{name}{ending}"))).collect()
}

fn calls() -> Vec<One> {
    let mut calls = vec![One::ReadLink, One::CreateDirectory, One::RemoveDirectory, One::UnlinkFile, One::Symlink];
    for follow in [false, true] {
        calls.extend([One::Stat { follow }, One::SetTimes { follow }]);
        let reading = OpenHow { follow, read: true, ..OpenHow::default() };
        let writing = OpenHow { write: true, ..reading };
        for how in [reading, writing, OpenHow { read: false, ..writing }] {
            let create = OpenHow { create: true, ..how };
            let more = [OpenHow { directory: true, ..how }, OpenHow { truncate: true, ..how }];
            calls.extend([how, create, OpenHow { exclusive: true, ..create }].into_iter().chain(more).map(One::Open));
        }
        calls.push(One::Open(OpenHow { create: true, truncate: true, ..writing }));
    }
    calls
}

fn make_on_host(root: &Path) {
    FOLDERS.iter().for_each(|path| std::fs::create_dir(root.join(path)).unwrap());
    FILES.iter().for_each(|path| std::fs::write(root.join(path), "text").unwrap());
    LINKS.iter().for_each(|(path, target)| std::os::unix::fs::symlink(target, root.join(path)).unwrap());
}

fn make_in_memory() -> MemoryDir {
    let tree = MemoryDir::new();
    FOLDERS.iter().for_each(|path| tree.create_dir(path).unwrap());
    FILES.iter().for_each(|path| tree.write(path, "text").unwrap());
    let root = Directory::memory(&tree, DirAccess::ReadWrite);
    LINKS.iter().for_each(|(path, target)| root.symlink(target, path).unwrap());
    tree
}

/// The same tree three times: for the system, and for ours on the host and in memory.
struct Trees {
    system: System,
    ours: [(&'static str, Directory); 2],
    _folders: [Folder; 2],
}

impl Trees {
    fn new() -> Trees {
        let folders = [Folder::new(), Folder::new()];
        folders.iter().for_each(|folder| make_on_host(folder.path()));
        let native = Directory::open_ambient(folders[1].path(), DirAccess::ReadWrite).unwrap();
        let memory = Directory::memory(&make_in_memory(), DirAccess::ReadWrite);
        Trees {
            system: System::open(folders[0].path()),
            ours: [("host", native), ("memory", memory)],
            _folders: folders,
        }
    }

    /// Makes a call everywhere, and puts what differs into `wrong`; new trees if it may have changed these.
    fn compare(&mut self, what: &str, call: impl Fn(&dyn Place) -> Outcome, changes: bool, wrong: &mut String) {
        let right = call(&self.system);
        let contents = (changes && right.is_ok()).then(|| self.system.contents());
        let mut all_right = true;
        for (place, directory) in &self.ours {
            let found = call(directory);
            if found != right {
                all_right = false;
                let _ = writeln!(wrong, "{what} ({place}): {} instead of {}", shown(&found), shown(&right));
            } else if contents.as_ref().is_some_and(|contents| directory.contents() != *contents) {
                let _ = writeln!(wrong, "{what} ({place}) leaves {:?} instead of {contents:?}", directory.contents());
            }
        }
        if contents.is_some() || !all_right {
            *self = Trees::new();
        }
    }
}

fn shown(outcome: &Outcome) -> String {
    match outcome {
        Ok(found) if found.is_empty() => "ok".to_owned(),
        Ok(found) => found.clone(),
        Err(errno) => errno.name().to_owned(),
    }
}

#[test]
#[cfg(target_os = "linux")]
fn every_path_is_answered_as_linux_answers_it() {
    let (mut trees, mut wrong) = (Trees::new(), String::new());
    let mut paths = paths(NAMES, ENDINGS);
    paths.extend(DOTS.iter().map(|path| (*path).to_owned()));
    for call in calls() {
        for path in &paths {
            trees.compare(&format!("{call:?} {path}"), |place| place.one(call, path), call.changes(), &mut wrong);
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
#[cfg(target_os = "linux")]
fn every_two_paths_are_answered_as_linux_answers_them() {
    let (mut trees, mut wrong) = (Trees::new(), String::new());
    let mut paths = paths(PAIR_NAMES, PAIR_ENDINGS);
    paths.push(".".to_owned());
    for call in [Two::Rename, Two::Link] {
        for old in &paths {
            for new in &paths {
                let what = format!("{call:?} {old} {new}");
                trees.compare(&what, |place| place.two(call, old, new), true, &mut wrong);
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// What all calls that could change something answer at `place`: a line for each call and name, a word for each ending.
fn answers(place: &dyn Place) -> String {
    let mut text = String::new();
    let mut line = |what: String, outcomes: Vec<Outcome>| {
        let words: Vec<String> = outcomes.iter().map(shown).collect();
        let _ = writeln!(text, "{what}: {}", words.join(" "));
    };
    for call in calls().into_iter().filter(|call| call.changes()) {
        for name in NAMES {
            let outcomes = ENDINGS.iter().map(|ending| place.one(call, &format!("{name}{ending}"))).collect();
            line(format!("{} {name}", called(call)), outcomes);
        }
        line(format!("{} .", called(call)), DOTS.iter().map(|path| place.one(call, path)).collect());
    }
    let endings = &PAIR_ENDINGS[..3];
    for call in [Two::Rename, Two::Link] {
        for old in paths(&["f", "d", "ld", "dang", "nope", "d/nope", "f/x", "nope/x"], endings) {
            for name in ["f", "d", "ld", "dang", "nope", "d/nope", "f/x", "nope/x"] {
                let outcomes = endings.iter().map(|ending| place.two(call, &old, &format!("{name}{ending}"))).collect();
                line(format!("{call:?} {old} {name}"), outcomes);
            }
        }
    }
    text
}

/// A short name for a call.
fn called(call: One) -> String {
    let One::Open(how) = call else { return format!("{call:?}").replace(['{', '}'], "").replace("  ", " ") };
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
fn a_read_only_folder_answers_as_a_read_only_mount_does() {
    if let Some(mount) = std::env::var_os("READ_ONLY_MOUNT") {
        return remember(Path::new(&mount));
    }
    let folder = Folder::new();
    make_on_host(folder.path());
    let native = Directory::open_ambient(folder.path(), DirAccess::ReadOnly).unwrap();
    let memory = Directory::memory(&make_in_memory(), DirAccess::ReadOnly);
    let before = native.contents();
    for (place, directory) in [("host", &native), ("memory", &memory)] {
        let (found, mut wrong) = (answers(directory), String::new());
        let right = include_str!("conformance/readonly.txt");
        assert_eq!(found.lines().count(), right.lines().count(), "the list of calls is another");
        for (found, right) in found.lines().zip(right.lines()).filter(|(found, right)| found != right) {
            let _ = writeln!(wrong, "{found} ({place}) instead of {right}");
        }
        assert!(wrong.is_empty(), "{wrong}");
        assert_eq!(directory.contents(), before, "{place}");
    }
}

/// Writes down what the system answers in `mount`; if that is an empty folder, makes the tree there.
fn remember(mount: &Path) {
    if std::fs::read_dir(mount).unwrap().next().is_none() {
        return make_on_host(mount);
    }
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/host/fs/conformance/readonly.txt");
    std::fs::write(file, answers(&System::open(mount))).unwrap();
}

#[test]
fn no_spelling_of_any_path_leads_out() {
    let outer = Folder::new();
    make_on_host(outer.path());
    let outside = outer.path().to_str().unwrap();
    let above = format!("../{}", outer.path().file_name().unwrap().to_str().unwrap());
    let new = || {
        let folder = Folder::new();
        make_on_host(folder.path());
        for (link, target) in [("out", outside), ("up", &above), ("far", "up/f")] {
            std::os::unix::fs::symlink(target, folder.path().join(link)).unwrap();
        }
        (Directory::open_ambient(folder.path(), DirAccess::ReadWrite).unwrap(), folder)
    };
    let before = System::open(outer.path()).contents();
    let names = ["out", "up", "far", "out/f", "up/f", "up/d", "up/nope", "d/../up", ".."];
    let mut tree = new();
    let check = |what: &str, outcome: Outcome, of_link: bool| {
        // A link can be looked at and taken away; to go where it leads is another thing.
        assert!(outcome.is_err() || of_link, "{what}: {outcome:?}");
        assert_eq!(System::open(outer.path()).contents(), before, "{what}");
        outcome.is_ok()
    };
    for path in paths(&names, ENDINGS) {
        let is_link = matches!(path.as_str(), "out" | "up" | "far" | "d/../up");
        for call in calls() {
            let of_link = match call {
                One::Stat { follow } | One::SetTimes { follow } => is_link && !follow,
                One::ReadLink | One::UnlinkFile => is_link,
                _ => false,
            };
            if check(&format!("{call:?} {path}"), tree.0.one(call, &path), of_link) && call.changes() {
                tree = new();
            }
        }
        for (old, new_path) in [(path.as_str(), "fresh"), ("f", path.as_str()), ("d", path.as_str())] {
            for call in [Two::Rename, Two::Link] {
                let what = format!("{call:?} {old} {new_path}");
                if check(&what, tree.0.two(call, old, new_path), is_link) {
                    tree = new();
                }
            }
        }
    }
}

#[test]
fn two_folders_that_differ_answer_as_two_mounts_do() {
    let host = Folder::new();
    make_on_host(host.path());
    let native = |access| Directory::open_ambient(host.path(), access).unwrap();
    let tree = make_in_memory();
    let memory = |access| Directory::memory(&tree, access);
    let (reading, writing) = (DirAccess::ReadOnly, DirAccess::ReadWrite);
    let apart = [
        (native(writing), native(reading)),
        (native(reading), native(writing)),
        (memory(writing), memory(reading)),
        (memory(reading), memory(writing)),
        (native(writing), memory(writing)),
        (memory(writing), native(writing)),
        (memory(writing), memory_of_its_own()),
        (native(reading), memory(reading)),
    ];
    let before = native(reading).contents();
    for (at, (from, to)) in apart.iter().enumerate() {
        let rename = |old: &str, new: &str| from.rename(old, to, new, &Never).map_err(errno);
        let link = |old: &str, new: &str| from.link(old, to, new).map_err(errno);
        let linked = if to.access == reading { Errno::ROFS } else { Errno::XDEV };
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

fn memory_of_its_own() -> Directory {
    Directory::memory(&make_in_memory(), DirAccess::ReadWrite)
}
