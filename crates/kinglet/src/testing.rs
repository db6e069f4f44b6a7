//! Access to an engine's inside for tests: they ask which functions are native, run the collector, and correct the checksums
//! of artifacts. Not part of the API's promise; hidden from its documentation.

use crate::{AsContextMut, vm};
#[cfg(feature = "jit")]
use crate::{Error, Instance, Result};

/// Collects a store's garbage now. References that the host holds are not kept.
pub fn collect(mut store: impl AsContextMut) {
    vm::collect_now(&mut store.as_context_mut().0.core);
}

/// Has every allocation, and every call from native code to the interpreter, collect first.
pub fn collect_always(mut store: impl AsContextMut, on: bool) {
    store.as_context_mut().0.core.heap.collect_always = on;
}

/// How often a store's collector has run.
pub fn collections(mut store: impl AsContextMut) -> u64 {
    store.as_context_mut().0.core.heap.collections
}

/// Gives a function of an instance's module native code, by its index in the module.
///
/// # Errors
/// If it is imported, or has an operation without a native lowering.
#[cfg(feature = "jit")]
pub fn compile_func(mut store: impl AsContextMut, instance: Instance, func: u32) -> Result<()> {
    let core = &mut store.as_context_mut().0.core;
    let inner = core.instances[instance.index(core)].module.inner().clone();
    let defined = defined(&inner, func)?;
    let environment = inner.code().environment();
    core.engine.tier().compile(environment, &[defined], crate::vm::limits(environment), |publish| publish())
}

/// Gives a loop of a function native code, by its place among the function's loops, and has the store's interpreter ask
/// for it at back-edges.
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

/// How often the interpreter has left a loop of the store's engine to native code.
#[cfg(feature = "jit")]
pub fn loops_entered(mut store: impl AsContextMut) -> u64 {
    store.as_context_mut().0.core.engine.tier().loops_entered()
}

/// Waits until all code that is known to be hot is native.
#[cfg(feature = "jit")]
pub fn drain(engine: &crate::Engine) {
    engine.tier().drain();
}

/// Reads what is read of an artifact before its code is used.
///
/// # Errors
/// If it is none, or a damaged one.
#[cfg(feature = "jit")]
pub fn read_artifact(bytes: &[u8]) -> Result<()> {
    crate::artifact::read(bytes)
}

/// The same artifact with checksums that are right; none if it is none.
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
