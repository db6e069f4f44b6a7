//! Makes modules with a bit of everything, by wasm-smith, for `kinglet-fuzz`, which starts it and talks to it by pipes. It
//! gets a byte that says whether vectors are wanted, and in bit 1 whether it may show any NaN, a length in four bytes, and as many random bytes; it gives a length in
//! four bytes, and as long a module, or none if the bytes are not enough for one. Lengths are little-endian. The same bytes
//! give the same module.

#![forbid(unsafe_code)]

use std::io::{Read, Result, Write, stdin, stdout};

use arbitrary::Unstructured;
use wasm_smith::{Config, Module};

/// How many loops and calls a module may make before it traps.
const FUEL: u32 = 2_000;

fn main() -> Result<()> {
    let (mut input, mut output) = (stdin().lock(), stdout().lock());
    let mut head = [0; 5];
    // Ends with its input.
    while input.read(&mut head[..1])? == 1 {
        input.read_exact(&mut head[1..])?;
        let [wanted, length @ ..] = head;
        let mut bytes = vec![0; u32::from_le_bytes(length) as usize];
        input.read_exact(&mut bytes)?;
        let module = module(&bytes, wanted & 1 != 0, wanted & 2 != 0).unwrap_or_default();
        output.write_all(&(module.len() as u32).to_le_bytes())?;
        output.write_all(&module)?;
        output.flush()?;
    }
    Ok(())
}

/// A module, if the bytes are enough for one.
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
        // What Kinglet or Wasmi does not have yet.
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
