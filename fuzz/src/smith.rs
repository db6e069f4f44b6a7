//! Modules from wasm-smith, which cover all features. wasm-smith runs in a separate program, `kinglet-smith`, in the same
//! directory as this one.

use std::io::{Error, Read, Result, Write};
use std::process::{Child, Command, Stdio};

use crate::random::Random;

/// The running generator. It exits when its standard input is closed.
pub(crate) struct Smith(Child);

impl Smith {
    pub(crate) fn start() -> Result<Smith> {
        let name = format!("kinglet-smith{}", std::env::consts::EXE_SUFFIX);
        let program = std::env::current_exe()?.with_file_name(name);
        let child = Command::new(&program).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let hint = "build it with `cargo build --manifest-path fuzz/smith/Cargo.toml --target-dir target`, in the same profile";
        child.map(Smith).map_err(|error| Error::other(format!("cannot start {}: {error}; {hint}", program.display())))
    }

    /// Generates a module. Returns `None` if there are too few random bytes. With `exact`, the module may expose the bits
    /// of any NaN.
    pub(crate) fn module(&mut self, random: &mut Random, exact: bool) -> Result<Option<Vec<u8>>> {
        let simd = random.one_in(2);
        let size = 1_000 + random.below(8_000) as usize;
        let bytes = random.bytes(size);
        let no_pipe = || Error::other("the generator has no pipe");
        let input = self.0.stdin.as_mut().ok_or_else(no_pipe)?;
        let flags = u8::from(simd) | u8::from(exact) << 1;
        input.write_all(&[&[flags][..], &(size as u32).to_le_bytes(), &bytes].concat())?;
        input.flush()?;
        let output = self.0.stdout.as_mut().ok_or_else(no_pipe)?;
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
