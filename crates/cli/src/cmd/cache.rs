//! `kinglet cache`: what earlier starts of modules have left for later ones.

use std::fs::File;
use std::io::{BufReader, BufWriter};
use std::time::SystemTime;

use kinglet::{CacheEntry, CacheEntryKind};

use crate::cache::{folder, required};
use crate::fault::{Fault, Outcome};
use crate::options::Options;
use crate::print;

pub(super) const ACTIONS: &[&str] = &["dir", "list", "clean", "export", "import"];

pub(super) fn run(options: &Options) -> Outcome {
    let (action, file) = match &options.positional[..] {
        [action] => (action.as_str(), None),
        [action, file, ..] => (action.as_str(), Some(file.as_str())),
        [] => ("", None),
    };
    let text = match (action, file) {
        ("dir", None) => format!("{}\n", folder()?.display()),
        ("list", None) => list(&required(options)?.entries().map_err(refused)?, SystemTime::now()),
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
            let fault = Fault::refused(format!("`{action}` is nothing that can be done with the cache"));
            return Err(fault.hint(format!("there are: {}", ACTIONS.join(", "))));
        }
    };
    print(&text).map(|()| 0)
}

fn refused(error: kinglet::Error) -> Fault {
    Fault::refused(format!("{error:#}"))
}

fn export(options: &Options, file: &str) -> Outcome<String> {
    let cache = required(options)?;
    let cannot = |error: kinglet::Error| Fault::refused(format!("cannot write {file}: {error:#}"));
    let to = File::create(file).map_err(|error| cannot(error.into()))?;
    let count = cache.export(BufWriter::new(to)).map_err(cannot)?;
    Ok(format!("{count} entries exported\n"))
}

fn import(options: &Options, file: &str) -> Outcome<String> {
    let cache = required(options)?;
    let cannot = |error: kinglet::Error| Fault::refused(format!("cannot import {file}: {error:#}"));
    let from = File::open(file).map_err(|error| cannot(error.into()))?;
    let count = cache.import(BufReader::new(from)).map_err(cannot)?;
    Ok(format!("{count} entries imported\n"))
}

/// A line for each entry: what it is, how large, how long it has not been used, and of which module.
fn list(entries: &[CacheEntry], now: SystemTime) -> String {
    let line = |entry: &CacheEntry| {
        let age = now.duration_since(entry.used).unwrap_or_default().as_secs();
        let made = |name: &str| entry.made_for.iter().find(|(row, _)| row == name).map(|(_, value)| value.as_str());
        let module = made("module").map_or("", |hash| &hash[..hash.len().min(16)]);
        let kind = match entry.kind {
            CacheEntryKind::Module => "module",
            CacheEntryKind::Code => "code",
            CacheEntryKind::Ran => "ran",
            CacheEntryKind::File => "file",
        };
        let other = made("build").is_some_and(|build| build != kinglet::BUILD_ID);
        let damaged = entry.kind.is_artifact() && entry.made_for.is_empty();
        let remark = if damaged {
            " damaged"
        } else if other {
            " of another build"
        } else {
            ""
        };
        format!("{kind:<6} {:>10} {:>5} ago  {module}{remark}\n", size(entry.bytes), span(age))
    };
    let total = entries.iter().map(|entry| entry.bytes).sum();
    format!("{}{} in all\n", entries.iter().map(line).collect::<String>(), size(total))
}

fn size(bytes: u64) -> String {
    const UNITS: &[(&str, u64)] = &[("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];
    match UNITS.iter().find(|(_, unit)| bytes >= *unit) {
        Some((name, unit)) => format!("{:.1} {name}", bytes as f64 / *unit as f64),
        None => format!("{bytes} B"),
    }
}

fn span(seconds: u64) -> String {
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
    fn an_entry_is_a_line() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(10_000_000);
        let entry = |kind, bytes, age, made_for: &[(&str, &str)]| CacheEntry {
            name: String::new(),
            kind,
            bytes,
            used: now - Duration::from_secs(age),
            made_for: made_for.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect(),
        };
        let entries = [
            entry(
                CacheEntryKind::Module,
                3 << 19,
                59,
                &[("module", "00112233445566778899"), ("build", kinglet::BUILD_ID)],
            ),
            entry(CacheEntryKind::Code, 2048, 7200, &[("module", "ff"), ("build", "old")]),
            entry(CacheEntryKind::Code, 12, 260_000, &[]),
            entry(CacheEntryKind::File, 40, 61, &[]),
        ];
        let expected = "module    1.5 MiB  59 s ago  0011223344556677\n\
                        code      2.0 KiB   2 h ago  ff of another build\n\
                        code         12 B   3 d ago   damaged\n\
                        file         40 B 1 min ago  \n\
                        1.5 MiB in all\n";
        assert_eq!(list(&entries, now), expected);
    }
}
