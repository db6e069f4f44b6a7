//! `kinglet cache`: lists, cleans, exports and imports the cache.

use std::fs::File;
use std::io::{BufReader, BufWriter};
use std::path::Path;
use std::time::SystemTime;

use kinglet::{CacheEntry, CacheEntryKind};

use crate::cache::{directory, required};
use crate::fault::{Fault, Outcome};
use crate::message::counted;
use crate::options::{Options, nearest};
use crate::print;

pub(super) const ACTIONS: &[&str] = &["dir", "list", "clean", "export", "import"];

pub(super) fn run(options: &Options) -> Outcome {
    let (action, file) = match &options.positional[..] {
        [action] => (action.as_str(), None),
        [action, file, ..] => (action.as_str(), Some(file.as_str())),
        [] => ("", None),
    };
    let text = match (action, file) {
        ("dir", None) => format!("{}\n", directory()?.display()),
        ("list", None) => list(&required(options)?.entries().map_err(refused)?, &directory()?, SystemTime::now()),
        ("clean", None) => format!("{} removed\n", size(required(options)?.clean().map_err(refused)?)),
        ("export", Some(file)) => export(options, file)?,
        ("import", Some(file)) => import(options, file)?,
        ("export" | "import", None) => {
            let fault = Fault::refused(format!("`kinglet cache {action}` needs a file"));
            return Err(fault.hint(format!("kinglet cache {action} hot.cache")));
        }
        (_, Some(_)) if ACTIONS.contains(&action) => {
            return Err(Fault::refused(format!("`kinglet cache {action}` takes no file")));
        }
        _ => {
            return Err(match nearest(action, ACTIONS.iter().map(ToString::to_string)) {
                Some(near) => Fault::refused(format!("unknown cache action `{action}`; did you mean `{near}`?")),
                None => Fault::refused(format!("unknown cache action `{action}`"))
                    .hint(format!("the actions are: {}", ACTIONS.join(", "))),
            });
        }
    };
    print(&text).map(|()| 0)
}

fn refused(error: kinglet::Error) -> Fault {
    Fault::refused(format!("{error:#}"))
}

fn export(options: &Options, file: &str) -> Outcome<String> {
    let cache = required(options)?;
    let failed = |error: kinglet::Error| Fault::refused(format!("cannot write {file}: {error:#}"));
    let to = File::create(file).map_err(|error| failed(error.into()))?;
    let count = cache.export(BufWriter::new(to)).map_err(failed)?;
    Ok(format!("{} exported\n", counted(count as u64, "entry")))
}

fn import(options: &Options, file: &str) -> Outcome<String> {
    let cache = required(options)?;
    let failed = |error: kinglet::Error| Fault::refused(format!("cannot import {file}: {error:#}"));
    let from = File::open(file).map_err(|error| failed(error.into()))?;
    let count = cache.import(BufReader::new(from)).map_err(failed)?;
    Ok(format!("{} imported\n", counted(count as u64, "entry")))
}

/// A table of the entries. The entries of a module are together, and the module used last comes first.
fn list(entries: &[CacheEntry], directory: &Path, now: SystemTime) -> String {
    let mut modules: Vec<&str> = Vec::new();
    for entry in entries {
        if !modules.contains(&module(entry)) {
            modules.push(module(entry));
        }
    }
    let mut out = format!("{:<16}  {:<18}  {:>10}  {:>6}  {}\n", "MODULE", "KIND", "SIZE", "AGE", "PATH");
    for entry in modules.iter().flat_map(|name| entries.iter().filter(move |entry| module(entry) == *name)) {
        let (size, age) = (size(entry.bytes), age(now.duration_since(entry.used).unwrap_or_default().as_secs()));
        let path = directory.join(&entry.name);
        out += &format!("{:<16}  {:<18}  {size:>10}  {age:>6}  {}\n", module(entry), kind(entry), path.display());
    }
    let total = entries.iter().map(|entry| entry.bytes).sum();
    out + &format!("{}, {} in total\n", counted(entries.len() as u64, "entry"), size(total))
}

/// The first digits of the hash of an entry's module.
fn module(entry: &CacheEntry) -> &str {
    property(entry, "module").map_or("-", |hash| &hash[..hash.len().min(16)])
}

/// One of the properties that an entry depends on.
fn property<'a>(entry: &'a CacheEntry, name: &str) -> Option<&'a str> {
    entry.made_for.iter().find(|(row, _)| row == name).map(|(_, value)| value.as_str())
}

/// The kind of an entry, and why it is useless if it is.
fn kind(entry: &CacheEntry) -> String {
    let kind = match entry.kind {
        CacheEntryKind::Module => "module",
        CacheEntryKind::Code => "code",
        CacheEntryKind::Ran => "run functions",
        CacheEntryKind::File => "file hash",
    };
    let is_damaged = entry.kind.is_artifact() && entry.made_for.is_empty();
    match property(entry, "build") {
        _ if is_damaged => format!("{kind}, damaged"),
        Some(build) if build != kinglet::BUILD_ID => format!("{kind}, old build"),
        _ => kind.into(),
    }
}

fn size(bytes: u64) -> String {
    const UNITS: &[(&str, u64)] = &[("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];
    match UNITS.iter().find(|(_, unit)| bytes >= *unit) {
        Some((name, unit)) => format!("{:.1} {name}", bytes as f64 / *unit as f64),
        None => format!("{bytes} B"),
    }
}

fn age(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min", seconds / 60),
        3600..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} d", seconds / 86400),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_entries_of_a_module_are_together() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(10_000_000);
        let entry = |name: &str, kind, bytes, age, made_for: &[(&str, &str)]| CacheEntry {
            name: name.into(),
            kind,
            bytes,
            used: now - Duration::from_secs(age),
            made_for: made_for.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect(),
        };
        let current = [("module", "00112233445566778899"), ("build", kinglet::BUILD_ID)];
        let entries = [
            entry("a.module", CacheEntryKind::Module, 3 << 19, 59, &current),
            entry("b.code", CacheEntryKind::Code, 2048, 7200, &[("module", "ff"), ("build", "old")]),
            entry("a.code", CacheEntryKind::Code, 4096, 7300, &current),
            entry("c.code", CacheEntryKind::Code, 12, 260_000, &[]),
            entry("d.file", CacheEntryKind::File, 40, 61, &[]),
        ];
        let expected = "\
MODULE            KIND                      SIZE     AGE  PATH
0011223344556677  module                 1.5 MiB    59 s  /c/a.module
0011223344556677  code                   4.0 KiB     2 h  /c/a.code
ff                code, old build        2.0 KiB     2 h  /c/b.code
-                 code, damaged             12 B     3 d  /c/c.code
-                 file hash                 40 B   1 min  /c/d.file
5 entries, 1.5 MiB in total
";
        assert_eq!(list(&entries, Path::new("/c"), now), expected);
    }
}
