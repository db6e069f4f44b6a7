//! Linkers, which resolve the imports of modules by name, and modules whose imports are resolved.

mod unknown;

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::sync::Arc;

use kinglet_wasm::types::{RefType, TypeGroup};

use crate::func::dynamic;
use crate::host::{Caller, IntoFunc};
use crate::store::StoreInner;
use crate::trap::display_name;
use crate::types::{LinkError, describe, matches};
use crate::vm::{HostFunc, HostFuncSet, HostFuncTemplate};
use crate::{
    AsContext, AsContextMut, Engine, Error, Extern, ExternType, Func, FuncType, Global, ImportType, Instance, Memory,
    Module, Ref, Result, Table, Tag, Val,
};

/// Resolves a module's imports by name. A host function that is defined here works in every store with data `T`. Other
/// objects belong to one store.
///
/// ```
/// use kinglet::{Engine, Global, GlobalType, Linker, Module, Mutability, Store, ValType};
///
/// let engine = Engine::default();
/// let library = Module::new(&engine, r#"(module
///     (import "host" "step" (global i32))
///     (func (export "next") (param i32) (result i32) (i32.add (local.get 0) (global.get 0))))"#)?;
/// let user = Module::new(&engine, r#"(module
///     (import "library" "next" (func $next (param i32) (result i32)))
///     (func (export "run") (result i32) (call $next (i32.const 40))))"#)?;
///
/// let mut store = Store::new(&engine, ());
/// let mut linker = Linker::new(&engine);
/// let step = Global::new(&mut store, GlobalType::new(ValType::I32, Mutability::Const), 2.into())?;
/// linker.define(&store, "host", "step", step)?;
/// linker.module(&mut store, "library", &library)?;
/// let instance = linker.instantiate(&mut store, &user)?;
/// assert_eq!(instance.get_typed_func::<(), i32>(&mut store, "run")?.call(&mut store, ())?, 42);
/// # Ok::<(), kinglet::Error>(())
/// ```
pub struct Linker<T: 'static> {
    engine: Engine,
    shadowing: bool,
    definitions: HashMap<String, HashMap<String, Definition<T>>>,
}

impl<T> Clone for Linker<T> {
    fn clone(&self) -> Self {
        Linker { engine: self.engine.clone(), shadowing: self.shadowing, definitions: self.definitions.clone() }
    }
}

enum Definition<T: 'static> {
    Extern(Extern),
    Host(Arc<HostDefinition<T>>),
}

impl<T> Clone for Definition<T> {
    fn clone(&self) -> Self {
        match self {
            Definition::Extern(it) => Definition::Extern(*it),
            Definition::Host(it) => Definition::Host(it.clone()),
        }
    }
}

struct HostDefinition<T: 'static> {
    ty: FuncType,
    func: HostFunc<T>,
    /// Whether it is a placeholder for an undefined import.
    placeholder: bool,
    /// The types that `ty` mentions.
    _keep: Vec<Arc<TypeGroup>>,
}

impl<T> Linker<T> {
    /// Creates a linker without definitions.
    pub fn new(engine: &Engine) -> Linker<T> {
        Linker { engine: engine.clone(), shadowing: false, definitions: HashMap::new() }
    }

    /// Returns the engine.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Sets whether a definition can replace another of the same name. By default it cannot.
    pub fn allow_shadowing(&mut self, allow: bool) -> &mut Self {
        self.shadowing = allow;
        self
    }

    fn insert(&mut self, module: &str, name: &str, definition: Definition<T>) -> Result<&mut Self> {
        let names = self.definitions.entry(module.to_string()).or_default();
        if names.contains_key(name) && !self.shadowing {
            return Err(Error::new(LinkError::new(format!("\"{module}\" \"{name}\" is defined already"))));
        }
        names.insert(name.to_string(), definition);
        Ok(self)
    }

    /// Defines an object of a store.
    ///
    /// # Errors
    /// If the name is defined already, or the object belongs to another store.
    pub fn define(
        &mut self,
        store: impl AsContext<Data = T>,
        module: &str,
        name: &str,
        item: impl Into<Extern>,
    ) -> Result<&mut Self> {
        let item = item.into();
        store.as_context().0.core.try_check(item.store())?;
        self.insert(module, name, Definition::Extern(item))
    }

    /// Defines a host function from a closure on Rust types: see [`IntoFunc`].
    ///
    /// # Errors
    /// If the name is defined already.
    pub fn func_wrap<Params, Results>(
        &mut self,
        module: &str,
        name: &str,
        closure: impl IntoFunc<T, Params, Results>,
    ) -> Result<&mut Self> {
        let (ty, func) = closure.into_func();
        self.define_host(module, name, ty, func, false)
    }

    /// Defines a host function from a closure on values.
    ///
    /// # Errors
    /// If the name is defined already; if the type mentions a type of another engine, or of a dropped module.
    pub fn func_new(
        &mut self,
        module: &str,
        name: &str,
        ty: FuncType,
        closure: impl Fn(Caller<'_, T>, &[Val], &mut [Val]) -> Result<()> + Send + Sync + 'static,
    ) -> Result<&mut Self> {
        let func = dynamic(ty.clone(), closure);
        self.define_host(module, name, ty, func, false)
    }

    fn define_host(
        &mut self,
        module: &str,
        name: &str,
        ty: FuncType,
        func: HostFunc<T>,
        placeholder: bool,
    ) -> Result<&mut Self> {
        let keep = self.engine.types().groups_of_func(&ty)?;
        self.insert(module, name, Definition::Host(Arc::new(HostDefinition { ty, func, placeholder, _keep: keep })))
    }

    /// Defines an object of a store under the empty module name.
    ///
    /// # Errors
    /// As for [`Linker::define`].
    pub fn define_name(
        &mut self,
        store: impl AsContext<Data = T>,
        name: &str,
        item: impl Into<Extern>,
    ) -> Result<&mut Self> {
        self.define(store, "", name, item)
    }

    /// Defines an existing definition under another name too.
    ///
    /// # Errors
    /// If there is no such definition, or the new name is defined already.
    pub fn alias(&mut self, module: &str, name: &str, as_module: &str, as_name: &str) -> Result<&mut Self> {
        let found = self.definitions.get(module).and_then(|names| names.get(name)).cloned();
        let definition =
            found.ok_or_else(|| Error::new(LinkError::new(format!("\"{module}\" \"{name}\" is not defined"))))?;
        self.insert(as_module, as_name, definition)
    }

    /// Defines every definition of a module name under another module name too.
    ///
    /// # Errors
    /// If there is no such module name, or a new name is defined already.
    pub fn alias_module(&mut self, module: &str, as_module: &str) -> Result<()> {
        let found = self.definitions.get(module).cloned();
        let names = found.ok_or_else(|| Error::new(LinkError::new(format!("no module \"{module}\" is defined"))))?;
        for (name, definition) in names {
            self.insert(as_module, &name, definition)?;
        }
        Ok(())
    }

    /// Instantiates a module and defines its exports under a module name.
    ///
    /// A *reactor* is instantiated once. Its function `_initialize` is called, if it exports one, and all users share the
    /// instance. A *command* exports a function `_start`. Each call of one of its functions creates a new instance, which
    /// lives until the store is dropped; its other exports are not defined.
    ///
    /// # Errors
    /// As for [`Linker::instantiate`]; the trap or host error of `_initialize`; if a name is defined already.
    pub fn module(&mut self, mut store: impl AsContextMut<Data = T>, name: &str, module: &Module) -> Result<&mut Self> {
        if module.get_export("_start").is_some_and(|ty| ty.func().is_some()) {
            return self.command(name, module);
        }
        let instance = self.instantiate(&mut store, module)?;
        if module.get_export("_initialize").is_some_and(|ty| ty.func().is_some()) {
            instance.get_typed_func::<(), ()>(&mut store, "_initialize")?.call(&mut store, ())?;
        }
        self.instance(store, name, instance)
    }

    fn command(&mut self, name: &str, module: &Module) -> Result<&mut Self> {
        let pre = Arc::new(self.instantiate_pre(module)?);
        for export in module.exports() {
            let ExternType::Func(ty) = export.ty() else { continue };
            let (pre, function) = (pre.clone(), export.name().to_string());
            self.func_new(name, export.name(), ty, move |mut caller, params, results| {
                let instance = pre.instantiate(&mut caller)?;
                let func = instance.get_func(&mut caller, &function);
                let func = func.ok_or_else(|| Error::msg("internal inconsistency: an export was lost"))?;
                func.call(&mut caller, params, results)
            })?;
        }
        Ok(self)
    }

    /// Defines a placeholder for each imported function of a module that has no definition. Calling it ends the guest with
    /// an [`UnknownImportError`], which has a [`WasmBacktrace`](crate::WasmBacktrace) as context. Other imports remain
    /// undefined; [`Linker::define_unknown_imports_as_default_values`] defines them too.
    ///
    /// # Errors
    /// If the module imports one name as functions of different types.
    pub fn define_unknown_imports_as_traps(&mut self, module: &Module) -> Result<()> {
        for import in self.unknown_imports(module) {
            let ExternType::Func(ty) = import.ty() else { continue };
            let error = UnknownImportError {
                module: import.module().to_string(),
                name: import.name().to_string(),
                ty: ty.signature(),
            };
            self.define_once(&import, ty, move |_, _, _| Err(Error::new(error.clone())))?;
        }
        Ok(())
    }

    /// Defines each import of a module that has no definition: functions that return zeros and nulls, memories and tables of
    /// their minimum size, globals with the value zero or null.
    ///
    /// # Errors
    /// If a type has no default value, because its references cannot be null; if a memory or table exceeds a limit; if the
    /// module imports one name with different types.
    pub fn define_unknown_imports_as_default_values(
        &mut self,
        mut store: impl AsContextMut<Data = T>,
        module: &Module,
    ) -> Result<()> {
        let engine = self.engine.clone();
        for import in self.unknown_imports(module) {
            let store = &mut store;
            let no_default = || {
                let (module, name) = (display_name(import.module()), display_name(import.name()));
                Error::new(LinkError::new(format!(
                    "\"{module}\" \"{name}\" has a type without a default value: {}",
                    import.ty()
                )))
            };
            let null = |ty: RefType| if ty.nullable { Ref::null(ty, &engine) } else { Err(no_default()) };
            let item: Extern = match import.ty() {
                ExternType::Func(ty) => {
                    if !ty.results().iter().all(|ty| ty.is_defaultable()) {
                        return Err(no_default());
                    }
                    // The results are initialized to the defaults of their types.
                    self.define_once(&import, ty, |_, _, _| Ok(()))?;
                    continue;
                }
                ExternType::Memory(ty) => Memory::new(&mut *store, ty)?.into(),
                ExternType::Table(ty) => Table::new(&mut *store, ty, null(ty.element)?)?.into(),
                ExternType::Global(ty) => {
                    let value = Val::default_of(ty.content, &engine).ok_or_else(no_default)?;
                    Global::new(&mut *store, ty, value)?.into()
                }
                ExternType::Tag(ty) => Tag::new(&mut *store, &ty)?.into(),
            };
            if !self.defines(import.module(), import.name()) {
                self.define(&mut *store, import.module(), import.name(), item)?;
            }
        }
        Ok(())
    }

    fn defines(&self, module: &str, name: &str) -> bool {
        self.definitions.get(module).is_some_and(|names| names.contains_key(name))
    }

    fn unknown_imports<'m>(&self, module: &'m Module) -> Vec<ImportType<'m>> {
        module.imports().filter(|import| !self.defines(import.module(), import.name())).collect()
    }

    /// Defines a function for an import. A module can import one name twice; the second call then has no effect.
    fn define_once(
        &mut self,
        import: &ImportType<'_>,
        ty: FuncType,
        closure: impl Fn(Caller<'_, T>, &[Val], &mut [Val]) -> Result<()> + Send + Sync + 'static,
    ) -> Result<()> {
        if !self.defines(import.module(), import.name()) {
            let func = dynamic(ty.clone(), closure);
            self.define_host(import.module(), import.name(), ty, func, true)?;
        }
        Ok(())
    }

    /// Defines the exports of an instance under a module name.
    ///
    /// # Errors
    /// If a name is defined already, or the instance belongs to another store.
    pub fn instance(
        &mut self,
        mut store: impl AsContextMut<Data = T>,
        module: &str,
        instance: Instance,
    ) -> Result<&mut Self> {
        for export in instance.try_exports(store.as_context_mut())? {
            self.insert(module, export.name(), Definition::Extern(export.into_extern()))?;
        }
        Ok(self)
    }

    /// Returns the definition of a name, for use in a store. There is none if the name is not defined, or if the store is
    /// of another engine and a function's type mentions a type of the linker's.
    pub fn get(&self, mut store: impl AsContextMut<Data = T>, module: &str, name: &str) -> Option<Extern> {
        let definition = self.definitions.get(module)?.get(name)?;
        definition.resolve(store.as_context_mut().0).ok()
    }

    /// Returns the definition for an import, whatever its type, for use in a store.
    pub fn get_by_import(&self, store: impl AsContextMut<Data = T>, import: &ImportType<'_>) -> Option<Extern> {
        self.get(store, import.module(), import.name())
    }

    /// Returns all definitions, sorted by module and name, for use in a store.
    pub fn iter(&self, mut store: impl AsContextMut<Data = T>) -> std::vec::IntoIter<(&str, &str, Extern)> {
        let mut all = Vec::new();
        for (module, names) in &self.definitions {
            for (name, definition) in names {
                if let Ok(item) = definition.resolve(store.as_context_mut().0) {
                    all.push((module.as_str(), name.as_str(), item));
                }
            }
        }
        all.sort_unstable_by_key(|(module, name, _)| (*module, *name));
        all.into_iter()
    }

    /// Returns the function that runs a module defined by [`Linker::module`]: the function of the empty name, or `_start`.
    /// If the instance has neither, as a reactor, returns a no-op function.
    ///
    /// # Errors
    /// If the linker has no such module, or the definition of that name is not a function.
    pub fn get_default(&self, mut store: impl AsContextMut<Data = T>, module: &str) -> Result<Func> {
        if !self.definitions.contains_key(module) {
            return Err(Error::new(LinkError::new(format!("no module \"{module}\" is defined"))));
        }
        for name in ["", "_start"] {
            if let Some(item) = self.get(&mut store, module, name) {
                let func = item.into_func();
                return func
                    .ok_or_else(|| Error::new(LinkError::new(format!("\"{module}\" \"{name}\" is not a function"))));
            }
        }
        Ok(Func::wrap(store, || ()))
    }

    /// Resolves a module's imports, instantiates it and runs its start function.
    ///
    /// # Errors
    /// As for [`Instance::new`].
    pub fn instantiate(&self, store: impl AsContextMut<Data = T>, module: &Module) -> Result<Instance> {
        instantiate(store, module, &self.find_imports(module)?)
    }

    /// Resolves a module's imports and checks the types of host functions once, for many instances in many stores.
    ///
    /// # Errors
    /// A [`LinkError`] if an import is not defined, or a host function has another type.
    pub fn instantiate_pre(&self, module: &Module) -> Result<InstancePre<T>> {
        if !Engine::same(&self.engine, module.engine()) {
            return Err(Error::msg("the module and the linker belong to different engines"));
        }
        let imports = self.find_imports(module)?;
        let types = self.engine.types();
        for (import, definition) in module.inner().wasm().imports.iter().zip(&imports) {
            let Definition::Host(host) = definition else { continue };
            let ty = types.intern_func(&host.ty)?;
            let given = kinglet_wasm::types::ExternType::Func(ty.first());
            if !matches(&given, &import.ty, types) {
                return Err(LinkError::incompatible(
                    (&import.module, &import.name),
                    &describe(types, &import.ty),
                    &describe(types, &given),
                ));
            }
        }
        let hosts = host_set(&self.engine, &imports)?.map(Arc::new);
        Ok(InstancePre { module: module.clone(), imports: imports.into(), hosts })
    }

    fn find_imports(&self, module: &Module) -> Result<Vec<Definition<T>>> {
        let imports = &module.inner().wasm().imports;
        let find = |module: &str, name: &str| self.definitions.get(module)?.get(name).cloned();
        let found: Vec<_> = imports.iter().filter_map(|import| find(&import.module, &import.name)).collect();
        if found.len() == imports.len() { Ok(found) } else { Err(self.missing(module)) }
    }

    /// Returns the error of a module with undefined imports.
    fn missing(&self, module: &Module) -> Error {
        // Messages do not suggest placeholders.
        let names = |names: &HashMap<String, Definition<T>>| {
            names.iter().filter(|(_, it)| !it.placeholder()).map(|(name, _)| name.clone()).collect::<BTreeSet<String>>()
        };
        let known = self.definitions.iter().map(|(module, all)| (module.clone(), names(all)));
        let known = known.filter(|(_, names)| !names.is_empty()).collect();
        Error::new(unknown::error(&self.unknown_imports(module), &known))
    }
}

/// Returns the host functions, if the imports are nothing else.
fn host_set<T>(engine: &Engine, imports: &[Definition<T>]) -> Result<Option<HostFuncSet>> {
    let part = |definition: &Definition<T>| match definition {
        Definition::Host(host) => HostFuncTemplate::new(engine, &host.ty, &host.func).map(Some),
        Definition::Extern(_) => Ok(None),
    };
    let most = engine.config().pool.map_or(0, |pool| pool.max_unused_warm_slots as usize);
    let parts: Option<Vec<HostFuncTemplate>> = imports.iter().map(part).collect::<Result<_>>()?;
    Ok(parts.map(|parts| HostFuncSet::new(parts, most)))
}

fn instantiate<T>(
    mut store: impl AsContextMut<Data = T>,
    module: &Module,
    imports: &[Definition<T>],
) -> Result<Instance> {
    let inner = store.as_context_mut().0;
    let imports: Vec<Extern> = imports.iter().map(|definition| definition.resolve(inner)).collect::<Result<_>>()?;
    Instance::new(store, module, &imports)
}

/// A module with resolved imports, for many instances: see [`Linker::instantiate_pre`]. Later definitions of the linker do
/// not change it. Threads can share it.
///
/// ```
/// use kinglet::{Engine, Linker, Module, Store};
///
/// let engine = Engine::default();
/// let module = Module::new(&engine, r#"(module
///     (import "host" "id" (func $id (result i32)))
///     (func (export "run") (result i32) (i32.mul (call $id) (i32.const 10))))"#)?;
/// let mut linker = Linker::new(&engine);
/// linker.func_wrap("host", "id", |caller: kinglet::Caller<'_, i32>| *caller.data())?;
/// let pre = linker.instantiate_pre(&module)?;
/// for id in 0..3 {
///     let mut store = Store::new(&engine, id);
///     let run = pre.instantiate(&mut store)?.get_typed_func::<(), i32>(&mut store, "run")?;
///     assert_eq!(run.call(&mut store, ())?, 10 * id);
/// }
/// # Ok::<(), kinglet::Error>(())
/// ```
pub struct InstancePre<T: 'static> {
    module: Module,
    imports: Arc<[Definition<T>]>,
    /// The imports, if they are host functions only.
    hosts: Option<Arc<HostFuncSet>>,
}

impl<T> InstancePre<T> {
    /// Returns the module.
    pub fn module(&self) -> &Module {
        &self.module
    }

    /// Instantiates the module and runs its start function.
    ///
    /// # Errors
    /// As for [`Instance::new`]; if an object that was defined in the linker belongs to another store.
    pub fn instantiate(&self, mut store: impl AsContextMut<Data = T>) -> Result<Instance> {
        match &self.hosts {
            Some(hosts) => Instance::with_hosts(&mut store.as_context_mut().0.core, &self.module, hosts),
            None => instantiate(store, &self.module, &self.imports),
        }
    }
}

impl<T> Clone for InstancePre<T> {
    fn clone(&self) -> Self {
        InstancePre { module: self.module.clone(), imports: self.imports.clone(), hosts: self.hosts.clone() }
    }
}

impl<T> fmt::Debug for InstancePre<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InstancePre").field("module", &self.module).finish_non_exhaustive()
    }
}

/// The error of a guest that calls an undefined import: see [`Linker::define_unknown_imports_as_traps`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownImportError {
    module: String,
    name: String,
    ty: String,
}

impl UnknownImportError {
    /// Returns the name of the module that the import comes from.
    pub fn module(&self) -> &str {
        &self.module
    }

    /// Returns the import's name in that module.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl fmt::Display for UnknownImportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (module, name) = (display_name(&self.module), display_name(&self.name));
        write!(f, "the imported function \"{module}\" \"{name}\"{} was called, which nothing defines", self.ty)
    }
}

impl std::error::Error for UnknownImportError {}

impl<T> Definition<T> {
    fn placeholder(&self) -> bool {
        matches!(self, Definition::Host(host) if host.placeholder)
    }

    fn resolve(&self, store: &mut StoreInner<T>) -> Result<Extern> {
        let host = match self {
            Definition::Extern(it) => return Ok(*it),
            Definition::Host(host) => host,
        };
        let core = &mut store.core;
        let key = Arc::as_ptr(host) as usize;
        let pointer = match core.linked.get(&key) {
            Some((pointer, _)) => *pointer,
            None => {
                let pointer = core.hosts.add(&core.vm, &HostFuncTemplate::new(&core.engine, &host.ty, &host.func)?);
                // The store keeps the definition, so that no other gets its address.
                core.linked.insert(key, (pointer, host.clone()));
                pointer
            }
        };
        Ok(Extern::Func(Func::from_pointer(pointer, core.id)))
    }
}

impl<T> std::fmt::Debug for Linker<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let modules: Vec<_> = self.definitions.keys().collect();
        f.debug_struct("Linker").field("modules", &modules).finish_non_exhaustive()
    }
}
