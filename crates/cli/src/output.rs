//! Files that results are written to. A new file takes the place of an old one at once and whole, so that whoever uses the
//! old one keeps it; what is no file, as a device, a pipe or an open stream, is written to and stays what it is. A text
//! that was read is not overwritten with what was made of it.

use std::fs::{File, Metadata};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use crate::fault::{Fault, Outcome};

/// A place to write to, which was there when it was last looked at.
pub(crate) struct Output<'a> {
    name: &'a str,
    place: Place,
}

enum Place {
    /// A file, by a name that is no link; with what is known of the one that is there.
    File(PathBuf, Option<Metadata>),
    /// A file whose folder cannot be written to.
    Fixed(PathBuf),
    /// Anything else.
    Stream,
}

impl<'a> Output<'a> {
    /// The place of this name; none if it is standard output, `-`. That it cannot be written to is found here, before the
    /// work whose result it is for.
    pub(crate) fn new(name: Option<&'a str>) -> Outcome<Option<Output<'a>>> {
        let Some(name) = name.filter(|name| *name != "-") else { return Ok(None) };
        let place = find(Path::new(name)).map_err(|error| cannot(name, &error))?;
        Ok(Some(Output { name, place }))
    }

    /// Writes all of it.
    pub(crate) fn save(&self, bytes: &[u8], executable: bool) -> Outcome<()> {
        let written = match &self.place {
            Place::File(path, old) => replace(path, old.as_ref(), bytes, executable),
            Place::Fixed(path) => std::fs::write(path, bytes),
            // Whatever is in it stays.
            Place::Stream => File::options().append(true).open(self.name).and_then(|mut file| file.write_all(bytes)),
        };
        written.map_err(|error| cannot(self.name, &error))
    }
}

fn cannot(name: &str, error: &io::Error) -> Fault {
    Fault::refused(format!("cannot write {name}: {error}"))
}

fn find(name: &Path) -> io::Result<Place> {
    let metadata = match std::fs::metadata(name) {
        Ok(metadata) => Some(metadata),
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    if metadata.as_ref().is_some_and(Metadata::is_dir) {
        return Err(ErrorKind::IsADirectory.into());
    }
    let path = match followed(name) {
        Some(path) if metadata.as_ref().is_none_or(Metadata::is_file) => path,
        _ => return Ok(Place::Stream),
    };
    if path.file_name().is_none() {
        return Err(ErrorKind::NotFound.into());
    }
    let beside = beside(&path);
    match create(&beside, None, false).and_then(|file| {
        drop(file);
        std::fs::remove_file(&beside)
    }) {
        Ok(()) => Ok(Place::File(path, metadata)),
        Err(error) => match File::options().write(true).open(&path) {
            Ok(_) => Ok(Place::Fixed(path)),
            Err(_) => Err(error),
        },
    }
}

/// What a name leads to, by links of which the last may lead to nothing; none if that is open, and has only a number, as
/// for `/dev/stdout`.
fn followed(name: &Path) -> Option<PathBuf> {
    const MOST_LINKS: usize = 40;
    let mut path = name.to_path_buf();
    for _ in 0..MOST_LINKS {
        let Ok(next) = std::fs::read_link(&path) else { break };
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        if std::fs::canonicalize(folder).is_ok_and(|folder| folder.starts_with("/proc")) {
            return None;
        }
        path = folder.join(next);
    }
    Some(path)
}

/// The name of the file that is to take another's place.
fn beside(path: &Path) -> PathBuf {
    let mut beside = path.as_os_str().to_owned();
    beside.push(format!(".{}.new", std::process::id()));
    beside.into()
}

/// Writes a file beside the one it is to be, and puts it in its place.
fn replace(path: &Path, old: Option<&Metadata>, bytes: &[u8], executable: bool) -> io::Result<()> {
    let beside = beside(path);
    let written = create(&beside, old, executable)
        .and_then(|mut file| file.write_all(bytes))
        .and_then(|()| std::fs::rename(&beside, path));
    let Err(error) = written else { return Ok(()) };
    let _ = std::fs::remove_file(&beside);
    match error.kind() {
        // A file that something is mounted on keeps its place.
        ErrorKind::ResourceBusy | ErrorKind::CrossesDevices => std::fs::write(path, bytes),
        _ => Err(error),
    }
}

/// A file for whom the old one was, or if there is none, for whom the user's mask lets it be.
#[cfg(unix)]
fn create(path: &Path, old: Option<&Metadata>, executable: bool) -> io::Result<File> {
    use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
    let create = |mode| File::options().write(true).create(true).truncate(true).mode(mode).open(path);
    let Some(old) = old else { return create(if executable { 0o777 } else { 0o666 }) };
    let file = create(0o600)?;
    let new = file.metadata()?;
    if (new.uid(), new.gid()) != (old.uid(), old.gid()) {
        // Only root can give files away. To others this one is theirs.
        let _ = fchown(&file, Some(old.uid()), Some(old.gid()));
    }
    let mode = old.mode() & 0o777;
    // Who may read it may run it.
    let run = if executable { (mode & 0o444) >> 2 } else { 0 };
    file.set_permissions(PermissionsExt::from_mode(mode | run))?;
    Ok(file)
}

#[cfg(not(unix))]
fn create(path: &Path, _: Option<&Metadata>, _: bool) -> io::Result<File> {
    File::create(path)
}

/// Refuses to write over a module in the text format what was made of it: nobody could make the text again.
pub(crate) fn spare_text(file: &str, bytes: &[u8], output: Option<&str>) -> Outcome<()> {
    if bytes.starts_with(b"\0asm") { Ok(()) } else { spare(file, output) }
}

/// Refuses to write over the file that was read.
pub(crate) fn spare(file: &str, output: Option<&str>) -> Outcome<()> {
    let input = if file == "-" { "/dev/stdin" } else { file };
    match output.filter(|output| *output != "-" && same(input, output)) {
        Some(output) => {
            let fault = Fault::refused(format!("{output} is the file that is read, and is not overwritten"));
            Err(fault.hint("name another one to write"))
        }
        None => Ok(()),
    }
}

/// Whether two names are of one file.
fn same(a: &str, b: &str) -> bool {
    let (Ok(first), Ok(second)) = (std::fs::metadata(a), std::fs::metadata(b)) else { return false };
    first.is_file() && second.is_file() && same_file((a, &first), (b, &second))
}

#[cfg(unix)]
fn same_file((_, a): (&str, &Metadata), (_, b): (&str, &Metadata)) -> bool {
    use std::os::unix::fs::MetadataExt;
    (a.dev(), a.ino()) == (b.dev(), b.ino())
}

#[cfg(not(unix))]
fn same_file((a, _): (&str, &Metadata), (b, _): (&str, &Metadata)) -> bool {
    matches!((std::fs::canonicalize(a), std::fs::canonicalize(b)), (Ok(a), Ok(b)) if a == b)
}
