//! The trampolines of an engine: code between tiers, host and runtime ([`Trampoline`]). The engine has one of each kind
//! per signature, compiled on first use.
//!
//! Invariants:
//! - A trampoline exists as long as a function type with its signature is registered. Cells point to trampolines of
//!   their own type's signature, and the owner of a cell keeps its type registered: a module for the functions it
//!   defines, a store for its host functions. No cell thus refers to a released trampoline, and no thread runs in one.
//! - The number of trampolines is bounded by the number of function types. A signature has at most four, one of each
//!   kind. Unused trampolines are released before the number exceeds a limit. The limit is twice the number left by the
//!   previous release, plus one for every [`TYPES_PER_TRAMPOLINE`] registered types, and at least [`MIN_LIMIT`].

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use kinglet_abi::CodeImage;
use kinglet_jit::{NativeSignature, Trampoline};
use kinglet_wasm::types::{FuncType, TypeRegistry};
use tracing::trace;

use super::arena::Arena;
use super::registry::{self, CodeOwner, CodeTables};
use crate::Result;

/// The smallest limit. Modules that are loaded repeatedly find their trampolines again.
const MIN_LIMIT: usize = if cfg!(test) { 64 } else { 512 };

/// The number of registered types for which the limit grows by one trampoline. A release scans all types, so its cost
/// depends on their number too.
const TYPES_PER_TRAMPOLINE: usize = 8;

/// The trampolines of an engine.
#[derive(Debug, Default)]
pub(super) struct Trampolines {
    arena: Arena,
    /// Their addresses.
    compiled: HashMap<Trampoline, usize>,
    /// The number of trampolines at which unused ones are released.
    limit: usize,
}

impl Trampolines {
    /// Returns the address of a trampoline, if it has been compiled.
    pub(super) fn get(&self, kind: &Trampoline) -> Option<usize> {
        self.compiled.get(kind).copied()
    }

    /// Returns all trampolines and their addresses.
    pub(super) fn all(&self) -> impl Iterator<Item = (Trampoline, usize)> {
        self.compiled.iter().map(|(kind, code)| (kind.clone(), *code))
    }

    /// Publishes a new trampoline for the owner's cells, whose types are in the registry.
    pub(super) fn add(
        &mut self,
        owner: usize,
        types: &TypeRegistry,
        kind: Trampoline,
        image: CodeImage,
    ) -> Result<Range<usize>> {
        if self.compiled.len() >= self.limit.max(MIN_LIMIT) {
            self.release(owner, types);
        }
        let code = self.publish(owner, image)?;
        self.compiled.insert(kind, code.start);
        Ok(code)
    }

    /// Publishes code that exists as long as its owner.
    pub(super) fn publish(&mut self, owner: usize, mut image: CodeImage) -> Result<Range<usize>> {
        let start = self.arena.add(&image.text, image.alignment)?;
        let code = start..start + std::mem::take(&mut image.text).len();
        registry::add(owner, code.clone(), CodeTables::Built(Box::new(image)), CodeOwner::Engine, None);
        Ok(code)
    }

    /// Releases the trampolines whose signature no registered type has.
    fn release(&mut self, owner: usize, types: &TypeRegistry) {
        let funcs = types.funcs();
        let mut signatures: HashSet<NativeSignature> = funcs.iter().map(|ty| NativeSignature::new(ty, types)).collect();
        // The signature of an unregistered type (see [`TypeRegistry::func`]).
        signatures.insert(NativeSignature::new(&FuncType::default(), types));
        let mut unused = HashSet::new();
        self.compiled.retain(|kind, code| {
            let used = kind.signature().is_none_or(|signature| signatures.contains(signature));
            used || !unused.insert(*code)
        });
        registry::release(owner, &unused);
        unused.iter().for_each(|code| self.arena.remove(*code));
        self.limit = 2 * self.compiled.len() + funcs.len() / TYPES_PER_TRAMPOLINE;
        self.compiled.shrink_to(self.limit);
        trace!(released = unused.len(), kept = self.compiled.len(), "unused trampolines released");
    }
}

#[cfg(test)]
mod tests {
    use kinglet_wasm::types::ValType;

    use super::super::Tier;
    use crate::{Engine, Func, FuncType, Instance, Module, RunMode, Store};

    /// Returns a function type that is unique to a number.
    fn unique_type(number: usize) -> FuncType {
        const TYPES: [ValType; 4] = [ValType::I32, ValType::I64, ValType::F32, ValType::F64];
        FuncType::new((0..8).map(|digit| TYPES[number >> (2 * digit) & 3]), [])
    }

    fn engine() -> Engine {
        Engine::new(crate::Config::new().run_mode(RunMode::Jit)).unwrap()
    }

    fn compiled(tier: &Tier) -> usize {
        let state = tier.state();
        let published = super::registry::pieces_of(std::ptr::from_ref(tier).addr()).len();
        assert_eq!(published, state.trampolines.compiled.len() + kinglet_jit::Trampoline::COMMON.len());
        state.trampolines.compiled.len()
    }

    #[test]
    fn trampolines_are_released_with_their_last_type() {
        let engine = engine();
        // This module stays loaded and is called in each round. Its trampolines still exist or are compiled again.
        let module =
            Module::new(&engine, r#"(module (func (export "f") (param f64 i32 f64) (result f64) (local.get 2)))"#);
        let module = module.unwrap();
        let mut store = Store::new(&engine, ());
        let instance = Instance::new(&mut store, &module, &[]).unwrap();
        let f = instance.get_typed_func::<(f64, i32, f64), f64>(&mut store, "f").unwrap();
        let mut max_count = 0;
        for number in 0..150 {
            let ty = unique_type(number);
            let text = format!(
                r#"(module (import "" "" (func $host {0})) (func (export "f") {0} {1} (call $host)))"#,
                ty.signature(),
                (0..8).map(|param| format!("(local.get {param})")).collect::<String>(),
            );
            let module = Module::new(&engine, text).unwrap();
            let mut guest = Store::new(&engine, ());
            let host = Func::try_new(&mut guest, ty.clone(), |_, _, _| Ok(())).unwrap();
            let instance = Instance::new(&mut guest, &module, &[host.into()]).unwrap();
            let args: Vec<_> = ty.params().iter().map(|ty| crate::Val::default_of(*ty, &engine).unwrap()).collect();
            instance.get_func(&mut guest, "f").unwrap().call(&mut guest, &args, &mut []).unwrap();
            assert_eq!(f.call(&mut store, (0.0, 1, 2.5)).unwrap(), 2.5);
            max_count = max_count.max(compiled(engine.tier()));
        }
        // Each round needs a trampoline into the module and one out of it. Few registered types need the remaining
        // trampolines.
        assert!((super::MIN_LIMIT / 2..=2 * super::MIN_LIMIT).contains(&max_count), "{max_count}");
    }

    #[test]
    fn trampolines_stay_while_a_type_needs_them() {
        let engine = engine();
        let mut store = Store::new(&engine, ());
        let call = |store: &mut Store<()>, instance: Instance, number: usize| {
            let args =
                unique_type(number).params().iter().map(|ty| crate::Val::default_of(*ty, &engine).unwrap()).collect();
            let args: Vec<_> = args;
            instance.get_func(&mut *store, "f").unwrap().call(store, &args, &mut []).unwrap();
        };
        let instances: Vec<_> = (0..100)
            .map(|number| {
                let text = format!(r#"(module (func (export "f") {}))"#, unique_type(number).signature());
                let module = Module::new(&engine, text).unwrap();
                let instance = Instance::new(&mut store, &module, &[]).unwrap();
                call(&mut store, instance, number);
                instance
            })
            .collect();
        assert_eq!(compiled(engine.tier()), 100);
        instances.iter().enumerate().for_each(|(number, instance)| call(&mut store, *instance, number));
        assert_eq!(compiled(engine.tier()), 100);
        // These take the place of the trampolines above when those are unused.
        drop(store);
        for number in 1000..1150 {
            let mut store = Store::new(&engine, ());
            let text = format!(r#"(module (func (export "f") {}))"#, unique_type(number).signature());
            let instance = Instance::new(&mut store, &Module::new(&engine, text).unwrap(), &[]).unwrap();
            call(&mut store, instance, number);
        }
        assert!(compiled(engine.tier()) <= 2 * super::MIN_LIMIT);
    }
}
