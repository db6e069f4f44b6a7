//! Modules with a bit of everything, from wasm-smith.

use arbitrary::Unstructured;
use wasm_smith::{Config, Module};

use crate::random::Random;

/// How many loops and calls a module may make before it traps.
const FUEL: u32 = 2_000;

/// A module, if the bytes are enough for one.
pub(crate) fn module(random: &mut Random) -> Option<Vec<u8>> {
    let simd = random.once_in(2);
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
        canonicalize_nans: true,
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
    let size = 1_000 + random.below(8_000) as usize;
    let bytes = random.bytes(size);
    let mut module = Module::new(config, &mut Unstructured::new(&bytes)).ok()?;
    module.ensure_termination(FUEL).ok()?;
    Some(module.to_bytes())
}
