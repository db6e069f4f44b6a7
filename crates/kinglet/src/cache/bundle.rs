//! A cache exported to one file.
//!
//! ```text
//! bundle = "kinglet cache 1\n" entry*
//! entry  = name-length:u32 length:u64 name contents
//! ```
//!
//! Numbers are little-endian. Each entry contains its own checksums and identity, and the identity determines its name.
//! Notes about files and past runs are not exported.

use std::io::{Read, Write};

use super::{Cache, CacheEntryKind, ContentHash, entry_name};
use crate::artifact::{self, Identity};
use crate::{Error, Result};

const MAGIC: &[u8] = b"kinglet cache 1\n";
/// The maximum length of an entry's name, in bytes.
const MAX_NAME_BYTES: usize = 100;
/// The largest entry in bytes: a very large module or its code.
const MAX_ENTRY_BYTES: u64 = 16 << 30;

impl Cache {
    /// Writes all modules and native code, of this build and others, to one file. Returns the number of entries.
    ///
    /// # Errors
    /// If the cache cannot be read or the file cannot be written.
    pub fn export(&self, mut to: impl Write) -> Result<usize> {
        to.write_all(MAGIC)?;
        let mut count = 0;
        for entry in self.entries()?.into_iter().filter(|entry| entry.kind.is_artifact()) {
            // The file may have been removed, or may be damaged.
            let Some(mut file) = self.inner.directory.read(&entry.name)? else { continue };
            let mut contents = Vec::new();
            file.read_to_end(&mut contents)?;
            if check(&entry.name, &contents).is_ok() {
                to.write_all(&(entry.name.len() as u32).to_le_bytes())?;
                to.write_all(&(contents.len() as u64).to_le_bytes())?;
                to.write_all(entry.name.as_bytes())?;
                to.write_all(&contents)?;
                count += 1;
            }
        }
        to.flush()?;
        Ok(count)
    }

    /// Adds the entries of a file that [`Cache::export`] wrote. Returns their number.
    ///
    /// Programs that use this cache run the machine code in the file, as with [`Module::deserialize`]. Comparing names
    /// and checksums detects accidental damage, not attacks. Import only files that are as trusted as the program
    /// itself.
    ///
    /// [`Module::deserialize`]: crate::Module::deserialize
    ///
    /// # Errors
    /// If the file is not an exported cache or is damaged, or if the cache cannot be written. In case of damage, the
    /// entries before it are added.
    pub fn import(&self, mut from: impl Read) -> Result<usize> {
        let mut magic = [0; MAGIC.len()];
        if from.read_exact(&mut magic).is_err() || magic != MAGIC {
            return Err(Error::msg("not an exported cache"));
        }
        let mut count = 0;
        while let Some((name, contents)) = entry(&mut from)? {
            check(&name, &contents)?;
            self.store(&name, &contents)?;
            count += 1;
        }
        self.evict()?;
        Ok(count)
    }
}

/// Reads the next entry. Returns `None` at the end.
fn entry(from: &mut impl Read) -> Result<Option<(String, Vec<u8>)>> {
    let mut head = Vec::new();
    from.take(12).read_to_end(&mut head)?;
    let Some((name, length)) = head.split_first_chunk().and_then(|(name, rest)| Some((*name, *rest.first_chunk()?)))
    else {
        return if head.is_empty() { Ok(None) } else { Err(truncated()) };
    };
    let (name, length) = (u32::from_le_bytes(name) as usize, u64::from_le_bytes(length));
    if name > MAX_NAME_BYTES || length > MAX_ENTRY_BYTES {
        return Err(Error::msg("an entry of the exported cache is malformed"));
    }
    let mut bytes = Vec::new();
    from.take(name as u64 + length).read_to_end(&mut bytes)?;
    if bytes.len() as u64 != name as u64 + length {
        return Err(truncated());
    }
    let contents = bytes.split_off(name);
    Ok(Some((String::from_utf8(bytes)?, contents)))
}

fn truncated() -> Error {
    Error::msg("the exported cache is truncated")
}

/// Fails unless an entry is intact and its name matches its identity.
fn check(name: &str, contents: &[u8]) -> Result<()> {
    let artifact =
        artifact::parse(contents)?.ok_or_else(|| Error::msg("an entry of the exported cache is not an artifact"))?;
    artifact.verify_all(contents, |_| ())?;
    let identity = Identity::parse(&contents[artifact.identity.clone()])?;
    let kind = CacheEntryKind::of(name).filter(|kind| entry_name(&identity, *kind) == name);
    match kind {
        Some(CacheEntryKind::Code) => Ok(()),
        Some(CacheEntryKind::Module) if identity.is_for(&ContentHash::of(&contents[artifact.module])) => Ok(()),
        _ => Err(Error::msg("an entry of the exported cache does not match its name")),
    }
}
