//! Generates modules with wasm-smith for `kinglet-fuzz`, which starts this program and communicates with it over pipes.
//!
//! A request is a byte of flags, a length in four bytes, and that many random bytes. Bit 0 of the flags enables vectors;
//! bit 1 allows modules that expose the bits of any NaN. A reply is a length in four bytes and a module. The length is 0 if
//! there are too few random bytes. Lengths are little-endian. The same request always has the same reply.

#![forbid(unsafe_code)]

use std::io::{Read, Result, Write, stdin, stdout};

use arbitrary::Unstructured;
use wasm_smith::{Config, Module};

/// The number of loop iterations and calls after which a module traps.
const FUEL: u32 = 2_000;

fn main() -> Result<()> {
    let (mut input, mut output) = (stdin().lock(), stdout().lock());
    let mut header = [0; 5];
    // The program exits at the end of its input.
    while input.read(&mut header[..1])? == 1 {
        input.read_exact(&mut header[1..])?;
        let [flags, length @ ..] = header;
        let mut bytes = vec![0; u32::from_le_bytes(length) as usize];
        input.read_exact(&mut bytes)?;
        let module = module(&bytes, flags & 1 != 0, flags & 2 != 0).unwrap_or_default();
        output.write_all(&(module.len() as u32).to_le_bytes())?;
        output.write_all(&module)?;
        output.flush()?;
    }
    Ok(())
}

/// Generates a module. Returns `None` if there are too few bytes.
fn module(bytes: &[u8], simd: bool, exact: bool) -> Option<Vec<u8>> {
    let config = Config {
        max_imports: 0,
        max_memories: 2,
        max_memory32_bytes: 1 << 20,
        max_memory64_bytes: 1 << 20,
        memory_max_size_required: true,
        max_table_elements: 1000,
        table_max_size_required: true,
        max_tables: 3,
        min_funcs: 1,
        min_exports: 1,
        max_funcs: 12,
        max_instructions: 200,
        export_everything: true,
        canonicalize_nans: !exact,
        simd_enabled: simd,
        // Kinglet or Wasmi does not implement these features.
        gc_enabled: false,
        exceptions_enabled: false,
        threads_enabled: false,
        relaxed_simd_enabled: false,
        shared_everything_threads_enabled: false,
        custom_descriptors_enabled: false,
        compact_imports_enabled: false,
        ..Config::default()
    };
    let mut module = Module::new(config, &mut Unstructured::new(bytes)).ok()?;
    module.ensure_termination(FUEL).ok()?;
    Some(module.to_bytes())
}
