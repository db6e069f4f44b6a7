//! Instances.

use std::sync::Arc;

use kinglet_wasm::types as wasm;
use tracing::debug;

use crate::store::{StoreCore, StoreId};
use crate::types::{LinkError, describe, matches};
use crate::vm::{HostFuncSet, Imports};
use crate::{
    AsContextMut, Engine, Error, Extern, Func, Global, Memory, Module, Result, Table, Tag, TypedFunc, WasmParams,
    WasmResults, vm,
};

/// An instance of a module in a store: its memories, tables and globals, and its functions, to be reached through what
/// it exports. A handle, which can be copied.
///
/// ```
/// use kinglet::{Engine, Instance, Module, Store};
///
/// let engine = Engine::default();
/// let module = Module::new(&engine, r#"(module
///     (global (export "version") i32 (i32.const 3))
///     (memory (export "memory") 1) (data (i32.const 8) "hello")
///     (func (export "length") (result i32) (i32.const 5)))"#)?;
/// let mut store = Store::new(&engine, ());
/// let instance = Instance::new(&mut store, &module, &[])?;
///
/// let length = instance.get_typed_func::<(), u32>(&mut store, "length")?.call(&mut store, ())?;
/// let memory = instance.get_memory(&mut store, "memory").unwrap();
/// assert_eq!(&memory.data(&store)[8..][..length as usize], b"hello");
/// let version = instance.get_global(&mut store, "version").unwrap();
/// assert_eq!(version.get(&store).i32(), Some(3));
/// assert_eq!(instance.exports(&mut store).len(), 3);
/// # Ok::<(), kinglet::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instance {
    store: StoreId,
    index: usize,
}

impl Instance {
    /// Its place in a store, which must be its own.
    #[cfg(feature = "jit")]
    pub(crate) fn index(&self, core: &StoreCore) -> usize {
        core.check(self.store);
        self.index
    }

    /// Makes an instance and runs its start function. `imports` are what the module imports, in that order.
    ///
    /// # Errors
    /// A [`LinkError`] if an import is missing or of another type; the trap or host error of a segment or the start
    /// function.
    pub fn new(mut store: impl AsContextMut, module: &Module, imports: &[Extern]) -> Result<Instance> {
        let core = &mut store.as_context_mut().0.core;
        if !Engine::same(module.inner().engine(), &core.engine) {
            return Err(Error::msg("the module was made by another engine than the store"));
        }
        check_imports(core, module, imports)?;
        Instance::make(core, module, &Imports::Externs(imports))
    }

    /// The same, of a module that imports host functions only, whose types have been checked.
    pub(crate) fn with_hosts(core: &mut StoreCore, module: &Module, hosts: &Arc<HostFuncSet>) -> Result<Instance> {
        if !Engine::same(module.inner().engine(), &core.engine) {
            return Err(Error::msg("the module was made by another engine than the store"));
        }
        Instance::make(core, module, &Imports::Hosts(hosts))
    }

    fn make(core: &mut StoreCore, module: &Module, imports: &Imports<'_>) -> Result<Instance> {
        let index = vm::instantiate(core, module, imports)?;
        debug!(module = module.name(), store = core.id.number(), instance = index, "module instantiated");
        Ok(Instance { store: core.id, index })
    }

    /// What it exports under a name.
    pub fn get_export(&self, mut store: impl AsContextMut, name: &str) -> Option<Extern> {
        let core = &mut store.as_context_mut().0.core;
        core.check(self.store);
        let index = core.instances[self.index].module.inner().export(name)?;
        vm::export(core, self.index, index)
    }

    /// The function it exports under a name.
    pub fn get_func(&self, store: impl AsContextMut, name: &str) -> Option<Func> {
        self.get_export(store, name)?.into_func()
    }

    /// The function it exports under a name, if it takes `P` and returns `R`.
    ///
    /// # Errors
    /// If there is none, or it is of another type.
    pub fn get_typed_func<P: WasmParams, R: WasmResults>(
        &self,
        mut store: impl AsContextMut,
        name: &str,
    ) -> Result<TypedFunc<P, R>> {
        let func = self.get_func(&mut store, name);
        let func = func.ok_or_else(|| Error::msg(format!("no function is exported as \"{name}\"")))?;
        func.typed(&store).map_err(|e| e.context(format!("the function exported as \"{name}\" is of another type")))
    }

    /// The memory it exports under a name.
    pub fn get_memory(&self, store: impl AsContextMut, name: &str) -> Option<Memory> {
        self.get_export(store, name)?.into_memory()
    }

    /// The table it exports under a name.
    pub fn get_table(&self, store: impl AsContextMut, name: &str) -> Option<Table> {
        self.get_export(store, name)?.into_table()
    }

    /// The global it exports under a name.
    pub fn get_global(&self, store: impl AsContextMut, name: &str) -> Option<Global> {
        self.get_export(store, name)?.into_global()
    }

    /// The tag it exports under a name.
    pub fn get_tag(&self, store: impl AsContextMut, name: &str) -> Option<Tag> {
        self.get_export(store, name)?.into_tag()
    }

    /// All it exports, in the module's order.
    pub fn exports(&self, mut store: impl AsContextMut) -> Vec<(String, Extern)> {
        let core = &mut store.as_context_mut().0.core;
        core.check(self.store);
        let inner = core.instances[self.index].module.inner().clone();
        let exports = inner.wasm().exports.iter();
        exports.filter_map(|e| Some((e.name.to_string(), vm::export(core, self.index, e.index)?))).collect()
    }

    /// The module it is an instance of.
    pub fn module(&self, store: impl crate::AsContext) -> Module {
        let core = &store.as_context().0.core;
        core.check(self.store);
        let data = &core.instances[self.index];
        data.origin.as_ref().unwrap_or(&data.module).clone()
    }
}

fn check_imports(core: &StoreCore, module: &Module, imports: &[Extern]) -> Result<()> {
    let wanted = &module.inner().wasm().imports;
    if imports.len() != wanted.len() {
        let message = format!("the module imports {} things, but {} were given", wanted.len(), imports.len());
        return Err(Error::new(LinkError::new(message)));
    }
    for (import, given) in wanted.iter().zip(imports) {
        let given = type_of(core, given);
        if !matches(&given, &import.ty, core.engine.types()) {
            let types = core.engine.types();
            let (wanted, given) = (describe(types, &import.ty), describe(types, &given));
            return Err(LinkError::incompatible((&import.module, &import.name), &wanted, &given));
        }
    }
    Ok(())
}

/// The type of something given, with present sizes.
fn type_of(core: &StoreCore, given: &Extern) -> wasm::ExternType {
    match given {
        Extern::Func(func) => wasm::ExternType::Func(core.func_type_id(*func)),
        Extern::Memory(memory) => {
            let memory = &core.memories[memory.index(core)];
            wasm::ExternType::Memory(wasm::MemoryType { min: memory.size(), ..memory.ty() })
        }
        Extern::Table(table) => {
            let table = &core.tables[table.index(core)];
            wasm::ExternType::Table(wasm::TableType { min: table.size(), ..table.ty() })
        }
        Extern::Global(global) => wasm::ExternType::Global(core.globals[global.index(core)].ty()),
        Extern::Tag(tag) => wasm::ExternType::Tag(wasm::TagType { ty: core.tags[tag.index(core)].ty() }),
    }
}
