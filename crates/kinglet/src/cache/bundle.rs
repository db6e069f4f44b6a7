//! A cache in one file, to be carried elsewhere.
//!
//! ```text
//! bundle = "kinglet cache 1\n" entry*
//! entry  = name-length:u32 length:u64 name contents
//! ```
//!
//! Numbers are little-endian. Each entry has a checksum of its own, and a name that says what it is for. Notes, about
//! files and about what has run, are not taken along.

use std::io::{Read, Write};

use super::{Cache, CacheEntryKind, Content, entry_name};
use crate::artifact::{self, Identity};
use crate::{Error, Result};

const MAGIC: &[u8] = b"kinglet cache 1\n";
/// Names are shorter than this.
const NAME: usize = 100;
/// No entry is larger than this: some modules and their code.
const MOST: u64 = 16 << 30;

impl Cache {
    /// Writes all modules and native code in it, of this build and others, as one file. Returns how many entries that are.
    ///
    /// # Errors
    /// If they cannot be read, or written.
    pub fn export(&self, mut to: impl Write) -> Result<usize> {
        to.write_all(MAGIC)?;
        let mut count = 0;
        for entry in self.entries()?.into_iter().filter(|entry| entry.kind.is_artifact()) {
            // It may have gone, or been damaged.
            let Some(mut file) = self.inner.folder.read(&entry.name)? else { continue };
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

    /// Takes in what [`Cache::export`] wrote. Returns how many entries that were.
    ///
    /// Whoever made the file can have any machine code run by programs that use the cache, as [`Module::deserialize`]
    /// would: names and checksums are compared, which finds accidents, not attackers. Import only what is trusted like
    /// the program itself.
    ///
    /// [`Module::deserialize`]: crate::Module::deserialize
    ///
    /// # Errors
    /// If it is no such file, or a damaged one, or the cache cannot be written; entries before the damage are kept.
    pub fn import(&self, mut from: impl Read) -> Result<usize> {
        let mut magic = [0; MAGIC.len()];
        if from.read_exact(&mut magic).is_err() || magic != MAGIC {
            return Err(Error::msg("this is no exported cache"));
        }
        let mut count = 0;
        while let Some((name, contents)) = entry(&mut from)? {
            check(&name, &contents)?;
            self.store(&name, &contents)?;
            count += 1;
        }
        self.make_room()?;
        Ok(count)
    }
}

/// The next entry, if there is one.
fn entry(from: &mut impl Read) -> Result<Option<(String, Vec<u8>)>> {
    let mut head = Vec::new();
    from.take(12).read_to_end(&mut head)?;
    let Some((name, length)) = head.split_first_chunk().and_then(|(name, rest)| Some((*name, *rest.first_chunk()?)))
    else {
        return if head.is_empty() { Ok(None) } else { Err(short()) };
    };
    let (name, length) = (u32::from_le_bytes(name) as usize, u64::from_le_bytes(length));
    if name > NAME || length > MOST {
        return Err(Error::msg("it has an entry that is none"));
    }
    let mut bytes = Vec::new();
    from.take(name as u64 + length).read_to_end(&mut bytes)?;
    if bytes.len() as u64 != name as u64 + length {
        return Err(short());
    }
    let contents = bytes.split_off(name);
    Ok(Some((String::from_utf8(bytes)?, contents)))
}

fn short() -> Error {
    Error::msg("it is cut short")
}

/// Checks that an entry is whole and what its name says.
fn check(name: &str, contents: &[u8]) -> Result<()> {
    let artifact = artifact::parse(contents)?.ok_or_else(|| Error::msg("it has an entry that is no artifact"))?;
    artifact.verify_all(contents, |_| ())?;
    let identity = Identity::parse(&contents[artifact.identity.clone()])?;
    let kind = CacheEntryKind::of(name).filter(|kind| entry_name(&identity, *kind) == name);
    match kind {
        Some(CacheEntryKind::Code) => Ok(()),
        Some(CacheEntryKind::Module) if identity.is_for(&Content::of(&contents[artifact.module])) => Ok(()),
        _ => Err(Error::msg("it has an entry under the name of another")),
    }
}
