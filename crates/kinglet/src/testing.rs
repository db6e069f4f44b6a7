//! Access to Kinglet's internals for tests: compiling functions and loops, running the collector, correcting the checksums
//! of artifacts. This module is unstable and hidden from the documentation.

use crate::{AsContextMut, vm};
#[cfg(feature = "jit")]
use crate::{Error, Instance, Result};

/// Collects a store's garbage now. The host's references to objects become invalid.
pub fn collect(mut store: impl AsContextMut) {
    vm::collect_now(&mut store.as_context_mut().0.core);
}

/// Makes every allocation, and every call from native code to the interpreter, collect garbage first.
pub fn collect_always(mut store: impl AsContextMut, on: bool) {
    store.as_context_mut().0.core.heap.collect_always = on;
}

/// Returns the number of a store's collections.
pub fn collections(mut store: impl AsContextMut) -> u64 {
    store.as_context_mut().0.core.heap.collections
}

/// Compiles a function of an instance's module, by its index in the module.
///
/// # Errors
/// If the function is imported, or has an operation without a native lowering.
#[cfg(feature = "jit")]
pub fn compile_func(mut store: impl AsContextMut, instance: Instance, func: u32) -> Result<()> {
    let core = &mut store.as_context_mut().0.core;
    let inner = core.instances[instance.index(core)].module.inner().clone();
    let defined = defined(&inner, func)?;
    let environment = inner.code().environment();
    core.engine.tier().compile(environment, &[defined], crate::vm::limits(environment), |publish| publish())
}

/// Compiles a loop of a function for on-stack replacement, by its number among the function's loops. The store's
/// interpreter then looks for native code at back-edges.
///
/// # Errors
/// As [`compile_func`], or if there is no such loop.
#[cfg(feature = "jit")]
pub fn compile_loop(mut store: impl AsContextMut, instance: Instance, func: u32, ordinal: usize) -> Result<()> {
    let core = &mut store.as_context_mut().0.core;
    let inner = core.instances[instance.index(core)].module.inner().clone();
    let defined = defined(&inner, func)?;
    let (tier, environment) = (core.engine.tier(), inner.code().environment());
    let header = tier.loop_offset(environment, defined, ordinal)?;
    tier.compile_loop(environment, defined, header, crate::vm::limits(environment), |publish| publish())?;
    core.vm.set_sampling(true);
    Ok(())
}

/// Returns the number of on-stack replacements in the store's engine.
#[cfg(feature = "jit")]
pub fn loops_entered(mut store: impl AsContextMut) -> u64 {
    store.as_context_mut().0.core.engine.tier().loops_entered()
}

/// Waits until all code that is known to be hot has native code.
#[cfg(feature = "jit")]
pub fn drain(engine: &crate::Engine) {
    engine.tier().drain();
}

/// Reads the parts of an artifact that are read before its code is used.
///
/// # Errors
/// If the bytes are not an artifact, or are damaged.
#[cfg(feature = "jit")]
pub fn read_artifact(bytes: &[u8]) -> Result<()> {
    crate::artifact::read(bytes)
}

/// Returns the artifact with correct checksums; none if the bytes are not an artifact.
#[cfg(feature = "jit")]
pub fn repair_artifact(bytes: &[u8]) -> Option<Vec<u8>> {
    let (mut bytes, artifact) = (bytes.to_vec(), crate::artifact::parse(bytes).ok()??);
    crate::artifact::repair(&mut bytes, &artifact);
    Some(bytes)
}

#[cfg(feature = "jit")]
fn defined(inner: &crate::module::ModuleInner, func: u32) -> Result<u32> {
    let wasm = inner.wasm();
    let defined = func.checked_sub(wasm.imported_funcs).filter(|defined| (*defined as usize) < wasm.bodies.len());
    defined.ok_or_else(|| Error::msg(format!("the module does not define function {func}")))
}
