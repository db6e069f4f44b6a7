//! The trampolines of an engine that there is one of for each signature: code between tiers, host and runtime
//! ([`Trampoline`]), made when it is first asked for.
//!
//! Invariants:
//! - A trampoline is there as long as a function type with its signature is registered. Cells point to trampolines of
//!   their own type's signature, and whatever has cells keeps their types: a module those that it defines, a store
//!   those of its host functions. So nothing refers to a trampoline that goes, or is in it.
//! - Their number is bounded by the number of function types. A signature has at most four, one of each kind. Those
//!   that no type needs are released before the number exceeds a limit: twice as many as were left the last time, and
//!   one more for every [`TYPES_A_TRAMPOLINE`] types there were; but at least [`FEW`].

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use kinglet_abi::CodeImage;
use kinglet_jit::{Signature, Trampoline};
use kinglet_wasm::types::{FuncType, TypeRegistry};
use tracing::trace;

use super::arena::Arena;
use super::registry::{self, Known, Owner};
use crate::Result;

/// Up to how many are kept whatever types there are: modules that are loaded again and again find theirs.
const FEW: usize = if cfg!(test) { 64 } else { 512 };

/// For how many types that are looked at one more trampoline is kept: looking at them takes time too.
const TYPES_A_TRAMPOLINE: usize = 8;

/// An engine's trampolines.
#[derive(Debug, Default)]
pub(super) struct Trampolines {
    arena: Arena,
    /// Where they are.
    made: HashMap<Trampoline, usize>,
    /// How many there may be before those are released that no type needs.
    limit: usize,
}

impl Trampolines {
    /// Where one is, if it was made.
    pub(super) fn get(&self, which: &Trampoline) -> Option<usize> {
        self.made.get(which).copied()
    }

    /// All of them.
    pub(super) fn all(&self) -> impl Iterator<Item = (Trampoline, usize)> {
        self.made.iter().map(|(which, code)| (which.clone(), *code))
    }

    /// Publishes one that was not there, for its owner's cells with types of the registry.
    pub(super) fn add(
        &mut self,
        owner: usize,
        types: &TypeRegistry,
        which: Trampoline,
        image: CodeImage,
    ) -> Result<Range<usize>> {
        if self.made.len() >= self.limit.max(FEW) {
            self.release(owner, types);
        }
        let code = self.publish(owner, image)?;
        self.made.insert(which, code.start);
        Ok(code)
    }

    /// Publishes code that stays as long as its owner.
    pub(super) fn publish(&mut self, owner: usize, mut image: CodeImage) -> Result<Range<usize>> {
        let start = self.arena.add(&image.text, image.alignment)?;
        let code = start..start + std::mem::take(&mut image.text).len();
        registry::add(owner, code.clone(), Known::Made(Box::new(image)), Owner::Engine, None);
        Ok(code)
    }

    /// Releases those whose signature no type has.
    fn release(&mut self, owner: usize, types: &TypeRegistry) {
        let funcs = types.funcs();
        let mut signatures: HashSet<Signature> = funcs.iter().map(|ty| Signature::new(ty, types)).collect();
        // That of a type which is not there ([`TypeRegistry::func`]).
        signatures.insert(Signature::new(&FuncType::default(), types));
        let mut unused = HashSet::new();
        self.made.retain(|which, code| {
            let used = which.signature().is_none_or(|signature| signatures.contains(signature));
            used || !unused.insert(*code)
        });
        registry::release(owner, &unused);
        unused.iter().for_each(|code| self.arena.remove(*code));
        self.limit = 2 * self.made.len() + funcs.len() / TYPES_A_TRAMPOLINE;
        self.made.shrink_to(self.limit);
        trace!(released = unused.len(), kept = self.made.len(), "trampolines without a type are released");
    }
}

#[cfg(test)]
mod tests {
    use kinglet_wasm::types::ValType;

    use super::super::Tier;
    use crate::{Engine, Func, FuncType, Instance, Module, RunMode, Store};

    /// A function type that no other number has.
    fn numbered(number: usize) -> FuncType {
        const TYPES: [ValType; 4] = [ValType::I32, ValType::I64, ValType::F32, ValType::F64];
        FuncType::new((0..8).map(|digit| TYPES[number >> (2 * digit) & 3]), [])
    }

    fn engine() -> Engine {
        Engine::new(crate::Config::new().run_mode(RunMode::Jit)).unwrap()
    }

    fn made(tier: &Tier) -> usize {
        let state = tier.state();
        let published = super::registry::of(std::ptr::from_ref(tier).addr()).len();
        assert_eq!(published, state.trampolines.made.len() + kinglet_jit::Trampoline::COMMON.len());
        state.trampolines.made.len()
    }

    #[test]
    fn trampolines_go_with_the_last_type_that_needs_them() {
        let engine = engine();
        // A module that stays, and is called between: what it needs is still there, or is made once more.
        let module =
            Module::new(&engine, r#"(module (func (export "f") (param f64 i32 f64) (result f64) (local.get 2)))"#);
        let module = module.unwrap();
        let mut store = Store::new(&engine, ());
        let instance = Instance::new(&mut store, &module, &[]).unwrap();
        let f = instance.get_typed_func::<(f64, i32, f64), f64>(&mut store, "f").unwrap();
        let mut most = 0;
        for number in 0..150 {
            let ty = numbered(number);
            let text = format!(
                r#"(module (import "" "" (func $host {0})) (func (export "f") {0} {1} (call $host)))"#,
                ty.signature(),
                (0..8).map(|param| format!("(local.get {param})")).collect::<String>(),
            );
            let module = Module::new(&engine, text).unwrap();
            let mut guest = Store::new(&engine, ());
            let host = Func::new(&mut guest, ty.clone(), |_, _, _| Ok(())).unwrap();
            let instance = Instance::new(&mut guest, &module, &[host.into()]).unwrap();
            let args: Vec<_> = ty.params().iter().map(|ty| crate::Val::default_of(*ty, &engine).unwrap()).collect();
            instance.get_func(&mut guest, "f").unwrap().call(&mut guest, &args, &mut []).unwrap();
            assert_eq!(f.call(&mut store, (0.0, 1, 2.5)).unwrap(), 2.5);
            most = most.max(made(engine.tier()));
        }
        // Each round needs a way in and one out; what stays is needed by few types.
        assert!((super::FEW / 2..=2 * super::FEW).contains(&most), "{most}");
    }

    #[test]
    fn trampolines_stay_as_long_as_a_type_needs_them() {
        let engine = engine();
        let mut store = Store::new(&engine, ());
        let call = |store: &mut Store<()>, instance: Instance, number: usize| {
            let args =
                numbered(number).params().iter().map(|ty| crate::Val::default_of(*ty, &engine).unwrap()).collect();
            let args: Vec<_> = args;
            instance.get_func(&mut *store, "f").unwrap().call(store, &args, &mut []).unwrap();
        };
        let instances: Vec<_> = (0..100)
            .map(|number| {
                let text = format!(r#"(module (func (export "f") {}))"#, numbered(number).signature());
                let module = Module::new(&engine, text).unwrap();
                let instance = Instance::new(&mut store, &module, &[]).unwrap();
                call(&mut store, instance, number);
                instance
            })
            .collect();
        assert_eq!(made(engine.tier()), 100);
        instances.iter().enumerate().for_each(|(number, instance)| call(&mut store, *instance, number));
        assert_eq!(made(engine.tier()), 100);
        // One that takes their place when they are gone.
        drop(store);
        for number in 1000..1150 {
            let mut store = Store::new(&engine, ());
            let text = format!(r#"(module (func (export "f") {}))"#, numbered(number).signature());
            let instance = Instance::new(&mut store, &Module::new(&engine, text).unwrap(), &[]).unwrap();
            call(&mut store, instance, number);
        }
        assert!(made(engine.tier()) <= 2 * super::FEW);
    }
}
