//! Output files. A new file replaces an old one atomically, so that users of the old file keep it. Devices, pipes and open
//! streams are written to directly. A text module is never overwritten with its own output.

use std::fs::{File, Metadata};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use crate::fault::{Fault, Outcome};

/// A destination that was writable when it was checked.
pub(crate) struct Output<'a> {
    name: &'a str,
    destination: Destination,
}

enum Destination {
    /// A file, by a path without links, with the metadata of the old file.
    File(PathBuf, Option<Metadata>),
    /// A file in a directory that is not writable.
    Fixed(PathBuf),
    /// Anything else.
    Stream,
}

impl<'a> Output<'a> {
    /// Checks a destination before the work starts. None for standard output, `-`.
    ///
    /// # Errors
    /// If it is not writable.
    pub(crate) fn new(name: Option<&'a str>) -> Outcome<Option<Output<'a>>> {
        let Some(name) = name.filter(|name| *name != "-") else { return Ok(None) };
        let destination = find(Path::new(name)).map_err(|error| unwritable(name, &error))?;
        Ok(Some(Output { name, destination }))
    }

    /// Writes the output.
    pub(crate) fn save(&self, bytes: &[u8], executable: bool) -> Outcome<()> {
        let written = match &self.destination {
            Destination::File(path, old) => replace(path, old.as_ref(), bytes, executable),
            Destination::Fixed(path) => std::fs::write(path, bytes),
            // Earlier contents stay.
            Destination::Stream => {
                File::options().append(true).open(self.name).and_then(|mut file| file.write_all(bytes))
            }
        };
        written.map_err(|error| unwritable(self.name, &error))
    }
}

fn unwritable(name: &str, error: &io::Error) -> Fault {
    Fault::refused(format!("cannot write {name}: {error}"))
}

fn find(name: &Path) -> io::Result<Destination> {
    let metadata = match std::fs::metadata(name) {
        Ok(metadata) => Some(metadata),
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    if metadata.as_ref().is_some_and(Metadata::is_dir) {
        return Err(ErrorKind::IsADirectory.into());
    }
    let path = match resolve_links(name) {
        Some(path) if metadata.as_ref().is_none_or(Metadata::is_file) => path,
        _ => return Ok(Destination::Stream),
    };
    if path.file_name().is_none() {
        return Err(ErrorKind::NotFound.into());
    }
    let temporary = temporary_path(&path);
    match create(&temporary, None, false).and_then(|file| {
        drop(file);
        std::fs::remove_file(&temporary)
    }) {
        Ok(()) => Ok(Destination::File(path, metadata)),
        Err(error) => match File::options().write(true).open(&path) {
            Ok(_) => Ok(Destination::Fixed(path)),
            Err(_) => Err(error),
        },
    }
}

/// Resolves links; the last one may be dangling. None if they end at an open descriptor, as `/dev/stdout` does.
fn resolve_links(name: &Path) -> Option<PathBuf> {
    const MOST_LINKS: usize = 40;
    let mut path = name.to_path_buf();
    for _ in 0..MOST_LINKS {
        let Ok(next) = std::fs::read_link(&path) else { break };
        let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        if std::fs::canonicalize(directory).is_ok_and(|directory| directory.starts_with("/proc")) {
            return None;
        }
        path = directory.join(next);
    }
    Some(path)
}

/// The path of the new file, in the directory of the old one.
fn temporary_path(path: &Path) -> PathBuf {
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(format!(".{}.new", std::process::id()));
    temporary.into()
}

/// Writes a temporary file, and renames it.
fn replace(path: &Path, old: Option<&Metadata>, bytes: &[u8], executable: bool) -> io::Result<()> {
    let temporary = temporary_path(path);
    let written = create(&temporary, old, executable)
        .and_then(|mut file| file.write_all(bytes))
        .and_then(|()| std::fs::rename(&temporary, path));
    let Err(error) = written else { return Ok(()) };
    let _ = std::fs::remove_file(&temporary);
    match error.kind() {
        // A mount point cannot be replaced.
        ErrorKind::ResourceBusy | ErrorKind::CrossesDevices => std::fs::write(path, bytes),
        _ => Err(error),
    }
}

/// Creates a file with the old one's owner and mode, or with the mode that the user's mask allows.
#[cfg(unix)]
fn create(path: &Path, old: Option<&Metadata>, executable: bool) -> io::Result<File> {
    use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
    let create = |mode| File::options().write(true).create(true).truncate(true).mode(mode).open(path);
    let Some(old) = old else { return create(if executable { 0o777 } else { 0o666 }) };
    let file = create(0o600)?;
    let new = file.metadata()?;
    if (new.uid(), new.gid()) != (old.uid(), old.gid()) {
        // Only root can change the owner. Otherwise the file belongs to the user.
        let _ = fchown(&file, Some(old.uid()), Some(old.gid()));
    }
    let mode = old.mode() & 0o777;
    // Readers of an executable may run it.
    let run = if executable { (mode & 0o444) >> 2 } else { 0 };
    file.set_permissions(PermissionsExt::from_mode(mode | run))?;
    Ok(file)
}

#[cfg(not(unix))]
fn create(path: &Path, _: Option<&Metadata>, _: bool) -> io::Result<File> {
    File::create(path)
}

/// Refuses to overwrite a text module with its own output, because the text could not be recovered.
pub(crate) fn protect_text(file: &str, bytes: &[u8], output: Option<&str>) -> Outcome<()> {
    if bytes.starts_with(b"\0asm") { Ok(()) } else { protect(file, output) }
}

/// Refuses to overwrite the input file.
pub(crate) fn protect(file: &str, output: Option<&str>) -> Outcome<()> {
    let input = if file == "-" { "/dev/stdin" } else { file };
    match output.filter(|output| *output != "-" && same(input, output)) {
        Some(output) => {
            let fault = Fault::refused(format!("{output} is the input file, and is not overwritten"));
            Err(fault.hint("name another output file"))
        }
        None => Ok(()),
    }
}

/// Whether two names refer to the same file.
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
