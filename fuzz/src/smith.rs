//! Modules with a bit of everything, from wasm-smith, which is in a program of its own, `kinglet-smith`, beside this one.

use std::io::{Error, Read, Result, Write};
use std::process::{Child, Command, Stdio};

use crate::random::Random;

/// The running generator; it ends with its input.
pub(crate) struct Smith(Child);

impl Smith {
    pub(crate) fn start() -> Result<Smith> {
        let name = format!("kinglet-smith{}", std::env::consts::EXE_SUFFIX);
        let program = std::env::current_exe()?.with_file_name(name);
        let child = Command::new(&program).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let build =
            "`cargo build --manifest-path fuzz/smith/Cargo.toml --target-dir target` makes it, in the same profile";
        child.map(Smith).map_err(|error| Error::other(format!("cannot start {}: {error}; {build}", program.display())))
    }

    /// A module, if the random bytes are enough for one.
    /// With `exact` it may show any NaN.
    pub(crate) fn module(&mut self, random: &mut Random, exact: bool) -> Result<Option<Vec<u8>>> {
        let simd = random.once_in(2);
        let size = 1_000 + random.below(8_000) as usize;
        let bytes = random.bytes(size);
        let gone = || Error::other("the generator has no pipe");
        let input = self.0.stdin.as_mut().ok_or_else(gone)?;
        let head = u8::from(simd) | u8::from(exact) << 1;
        input.write_all(&[&[head][..], &(size as u32).to_le_bytes(), &bytes].concat())?;
        input.flush()?;
        let output = self.0.stdout.as_mut().ok_or_else(gone)?;
        let mut length = [0; 4];
        output.read_exact(&mut length)?;
        let mut module = vec![0; u32::from_le_bytes(length) as usize];
        output.read_exact(&mut module)?;
        Ok(Some(module).filter(|module| !module.is_empty()))
    }
}

impl Drop for Smith {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}
