//! Instances of modules, and their exports.

use std::sync::Arc;

use kinglet_wasm::types as wasm;
use tracing::debug;

use crate::store::{StoreCore, StoreId, or_panic};
use crate::types::{LinkError, describe, matches};
use crate::vm::{HostFuncSet, Imports};
use crate::{
    AsContext, AsContextMut, Engine, Error, Extern, ExternType, Func, Global, Memory, Module, ModuleExport, Result,
    StoreContext, StoreContextMut, Table, Tag, TypedFunc, WasmParams, WasmResults, vm,
};

/// A handle to an instance of a module in a store. Its exports give access to its functions, memories, tables and
/// globals.
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
    /// Returns the instance's index in its store.
    #[cfg(feature = "jit")]
    pub(crate) fn index(&self, core: &StoreCore) -> usize {
        core.check(self.store);
        self.index
    }

    /// Instantiates a module and runs its start function. `imports` are in the order of [`Module::imports`].
    ///
    /// # Errors
    /// A [`LinkError`] if an import is missing or has another type; the trap or host error of an active segment or of the
    /// start function. Also if the module belongs to another engine, or an import to another store.
    pub fn new(mut store: impl AsContextMut, module: &Module, imports: &[Extern]) -> Result<Instance> {
        let core = &mut store.as_context_mut().0.core;
        check_engine(core, module)?;
        check_imports(core, module, imports)?;
        Instance::make(core, module, &Imports::Externs(imports))
    }

    /// Instantiates a module that imports only host functions, whose types have been checked.
    pub(crate) fn with_hosts(core: &mut StoreCore, module: &Module, hosts: &Arc<HostFuncSet>) -> Result<Instance> {
        check_engine(core, module)?;
        Instance::make(core, module, &Imports::Hosts(hosts))
    }

    fn make(core: &mut StoreCore, module: &Module, imports: &Imports<'_>) -> Result<Instance> {
        let index = vm::instantiate(core, module, imports)?;
        debug!(module = module.name(), store = core.id.number(), instance = index, "module instantiated");
        Ok(Instance { store: core.id, index })
    }

    /// Returns the export of a name; none if there is no such export.
    ///
    /// # Panics
    /// If the instance belongs to another store; [`Instance::try_get_export`] returns an error instead.
    pub fn get_export(&self, store: impl AsContextMut, name: &str) -> Option<Extern> {
        or_panic(self.try_get_export(store, name))
    }

    /// Does the same as [`Instance::get_export`].
    ///
    /// # Errors
    /// If the instance belongs to another store.
    pub fn try_get_export(&self, mut store: impl AsContextMut, name: &str) -> Result<Option<Extern>> {
        let core = &mut store.as_context_mut().0.core;
        core.try_check(self.store)?;
        let index = core.instances[self.index].module.inner().export(name);
        Ok(index.and_then(|index| vm::export(core, self.index, index)))
    }

    /// Returns the export of a [`Module::get_export_index`], without comparing names. There is none if the instance is of
    /// another module.
    ///
    /// # Panics
    /// If the instance belongs to another store; [`Instance::try_get_module_export`] returns an error instead.
    pub fn get_module_export(&self, store: impl AsContextMut, export: &ModuleExport) -> Option<Extern> {
        or_panic(self.try_get_module_export(store, export))
    }

    /// Does the same as [`Instance::get_module_export`].
    ///
    /// # Errors
    /// If the instance belongs to another store.
    pub fn try_get_module_export(&self, mut store: impl AsContextMut, export: &ModuleExport) -> Result<Option<Extern>> {
        let core = &mut store.as_context_mut().0.core;
        core.try_check(self.store)?;
        let index = export.index_in(&core.instances[self.index]);
        Ok(index.and_then(|index| vm::export(core, self.index, index)))
    }

    /// Returns the function that the instance exports under a name; none if there is no such function.
    ///
    /// # Panics
    /// If the instance belongs to another store; [`Instance::try_get_func`] returns an error instead.
    pub fn get_func(&self, store: impl AsContextMut, name: &str) -> Option<Func> {
        self.get_export(store, name)?.into_func()
    }

    /// Does the same as [`Instance::get_func`].
    ///
    /// # Errors
    /// If the instance belongs to another store.
    pub fn try_get_func(&self, store: impl AsContextMut, name: &str) -> Result<Option<Func>> {
        Ok(self.try_get_export(store, name)?.and_then(Extern::into_func))
    }

    /// Returns the function that the instance exports under a name, with a Rust type.
    ///
    /// # Errors
    /// If there is no such function, or it does not take `P` and return `R`; if the instance belongs to another store.
    pub fn get_typed_func<P: WasmParams, R: WasmResults>(
        &self,
        mut store: impl AsContextMut,
        name: &str,
    ) -> Result<TypedFunc<P, R>> {
        let func = self.try_get_func(&mut store, name)?;
        let func = func.ok_or_else(|| Error::msg(format!("no function is exported as \"{name}\"")))?;
        func.typed(&store).map_err(|e| e.context(format!("the function exported as \"{name}\" is of another type")))
    }

    /// Returns the memory that the instance exports under a name; none if there is no such memory.
    ///
    /// # Panics
    /// If the instance belongs to another store; [`Instance::try_get_memory`] returns an error instead.
    pub fn get_memory(&self, store: impl AsContextMut, name: &str) -> Option<Memory> {
        self.get_export(store, name)?.into_memory()
    }

    /// Does the same as [`Instance::get_memory`].
    ///
    /// # Errors
    /// If the instance belongs to another store.
    pub fn try_get_memory(&self, store: impl AsContextMut, name: &str) -> Result<Option<Memory>> {
        Ok(self.try_get_export(store, name)?.and_then(Extern::into_memory))
    }

    /// Returns the table that the instance exports under a name; none if there is no such table.
    ///
    /// # Panics
    /// If the instance belongs to another store; [`Instance::try_get_table`] returns an error instead.
    pub fn get_table(&self, store: impl AsContextMut, name: &str) -> Option<Table> {
        self.get_export(store, name)?.into_table()
    }

    /// Does the same as [`Instance::get_table`].
    ///
    /// # Errors
    /// If the instance belongs to another store.
    pub fn try_get_table(&self, store: impl AsContextMut, name: &str) -> Result<Option<Table>> {
        Ok(self.try_get_export(store, name)?.and_then(Extern::into_table))
    }

    /// Returns the global that the instance exports under a name; none if there is no such global.
    ///
    /// # Panics
    /// If the instance belongs to another store; [`Instance::try_get_global`] returns an error instead.
    pub fn get_global(&self, store: impl AsContextMut, name: &str) -> Option<Global> {
        self.get_export(store, name)?.into_global()
    }

    /// Does the same as [`Instance::get_global`].
    ///
    /// # Errors
    /// If the instance belongs to another store.
    pub fn try_get_global(&self, store: impl AsContextMut, name: &str) -> Result<Option<Global>> {
        Ok(self.try_get_export(store, name)?.and_then(Extern::into_global))
    }

    /// Returns the tag that the instance exports under a name; none if there is no such tag.
    ///
    /// # Panics
    /// If the instance belongs to another store; [`Instance::try_get_tag`] returns an error instead.
    pub fn get_tag(&self, store: impl AsContextMut, name: &str) -> Option<Tag> {
        self.get_export(store, name)?.into_tag()
    }

    /// Does the same as [`Instance::get_tag`].
    ///
    /// # Errors
    /// If the instance belongs to another store.
    pub fn try_get_tag(&self, store: impl AsContextMut, name: &str) -> Result<Option<Tag>> {
        Ok(self.try_get_export(store, name)?.and_then(Extern::into_tag))
    }

    /// Returns the exports, in the module's order.
    ///
    /// # Panics
    /// If the instance belongs to another store; [`Instance::try_exports`] returns an error instead.
    pub fn exports<'a, T: 'static>(&self, store: impl Into<StoreContextMut<'a, T>>) -> std::vec::IntoIter<Export<'a>> {
        or_panic(self.list_exports(store.into())).into_iter()
    }

    /// Does the same as [`Instance::exports`].
    ///
    /// # Errors
    /// If the instance belongs to another store.
    pub fn try_exports<'a, T: 'static>(
        &self,
        store: impl Into<StoreContextMut<'a, T>>,
    ) -> Result<std::vec::IntoIter<Export<'a>>> {
        Ok(self.list_exports(store.into())?.into_iter())
    }

    fn list_exports<'a, T: 'static>(&self, store: StoreContextMut<'a, T>) -> Result<Vec<Export<'a>>> {
        let core = &mut store.0.core;
        core.try_check(self.store)?;
        let module = core.instances[self.index].module.clone();
        let indices = module.inner().wasm().exports.iter().map(|export| export.index);
        let items: Vec<Option<Extern>> = indices.map(|index| vm::export(core, self.index, index)).collect();
        let core: &'a StoreCore = core;
        let exports = core.instances[self.index].module.inner().wasm().exports.iter();
        Ok(exports.zip(items).filter_map(|(export, item)| Some(Export { name: &export.name, item: item? })).collect())
    }

    /// Returns the instance's module.
    ///
    /// # Panics
    /// If the instance belongs to another store; [`Instance::try_module`] returns an error instead.
    pub fn module<'a, T: 'static>(&self, store: impl Into<StoreContext<'a, T>>) -> &'a Module {
        or_panic(self.try_module(store))
    }

    /// Does the same as [`Instance::module`].
    ///
    /// # Errors
    /// If the instance belongs to another store.
    pub fn try_module<'a, T: 'static>(&self, store: impl Into<StoreContext<'a, T>>) -> Result<&'a Module> {
        let core = &store.into().0.core;
        core.try_check(self.store)?;
        Ok(core.instances[self.index].original_module())
    }
}

/// An export of an instance: its name and the object.
#[derive(Clone, Copy, Debug)]
pub struct Export<'instance> {
    name: &'instance str,
    item: Extern,
}

impl<'instance> Export<'instance> {
    /// Returns the export's name.
    pub fn name(&self) -> &'instance str {
        self.name
    }

    /// Returns the type of the exported object. The minimum of a memory or table is its current size.
    ///
    /// # Panics
    /// If the object belongs to another store; [`Extern::try_ty`] returns an error instead.
    pub fn ty(&self, store: impl AsContext) -> ExternType {
        self.item.ty(store)
    }

    /// Returns the exported object.
    pub fn into_extern(self) -> Extern {
        self.item
    }
}

macro_rules! export_conversions {
    ($($into:ident $Kind:ident;)*) => {
        impl Export<'_> {
            $(
                #[doc = concat!("Returns the [`", stringify!($Kind), "`]; none if the export is of another kind.")]
                pub fn $into(self) -> Option<$Kind> {
                    self.item.$into()
                }
            )*
        }
    };
}

export_conversions! {
    into_func Func;
    into_table Table;
    into_memory Memory;
    into_global Global;
    into_tag Tag;
}

impl vm::InstanceData {
    /// Returns the module that the embedder instantiated, of which this instance can use a copy with checked accesses.
    pub(crate) fn original_module(&self) -> &Module {
        self.origin.as_ref().unwrap_or(&self.module)
    }
}

fn check_engine(core: &StoreCore, module: &Module) -> Result<()> {
    match Engine::same(module.inner().engine(), &core.engine) {
        true => Ok(()),
        false => Err(Error::msg("the module and the store belong to different engines")),
    }
}

fn check_imports(core: &StoreCore, module: &Module, imports: &[Extern]) -> Result<()> {
    let wanted = &module.inner().wasm().imports;
    if imports.len() != wanted.len() {
        let message = format!("the module has {} imports, but the caller passes {}", wanted.len(), imports.len());
        return Err(Error::new(LinkError::new(message)));
    }
    for (import, given) in wanted.iter().zip(imports) {
        core.try_check(given.store())?;
        let given = type_of(core, given);
        if !matches(&given, &import.ty, core.engine.types()) {
            let types = core.engine.types();
            let (wanted, given) = (describe(types, &import.ty), describe(types, &given));
            return Err(LinkError::incompatible((&import.module, &import.name), &wanted, &given));
        }
    }
    Ok(())
}

/// Returns the type of an object for matching: the minima are the current sizes.
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
