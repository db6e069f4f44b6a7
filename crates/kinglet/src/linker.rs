//! Linkers: what modules can import, by name.

use std::collections::HashMap;
use std::sync::Arc;

use crate::func::dynamic;
use crate::host::{Caller, IntoFunc};
use crate::store::StoreInner;
use crate::trap::display_name;
use crate::types::LinkError;
use crate::vm::HostFunc;
use crate::{AsContextMut, Engine, Error, Extern, Func, FuncType, Instance, Module, Result, Val};

/// Gives modules what they import. Host functions defined here work in any store with data `T`; other things belong to
/// one store.
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
}

impl<T> Linker<T> {
    /// An empty linker.
    pub fn new(engine: &Engine) -> Linker<T> {
        Linker { engine: engine.clone(), shadowing: false, definitions: HashMap::new() }
    }

    /// The engine.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Sets whether a definition may take the place of another of the same name.
    pub fn allow_shadowing(&mut self, allow: bool) -> &mut Self {
        self.shadowing = allow;
        self
    }

    fn insert(&mut self, module: &str, name: &str, definition: Definition<T>) -> Result<&mut Self> {
        let names = self.definitions.entry(module.to_string()).or_default();
        if names.contains_key(name) && !self.shadowing {
            return Err(Error::new(LinkError(format!("\"{module}\" \"{name}\" is defined already"))));
        }
        names.insert(name.to_string(), definition);
        Ok(self)
    }

    /// Defines something of a store.
    ///
    /// # Errors
    /// If the name is taken.
    pub fn define(&mut self, module: &str, name: &str, item: impl Into<Extern>) -> Result<&mut Self> {
        self.insert(module, name, Definition::Extern(item.into()))
    }

    /// Defines a host function from a closure on Rust's own types: see [`IntoFunc`].
    ///
    /// # Errors
    /// If the name is taken.
    pub fn func_wrap<Params, Results>(
        &mut self,
        module: &str,
        name: &str,
        closure: impl IntoFunc<T, Params, Results>,
    ) -> Result<&mut Self> {
        let (ty, func) = closure.into_func();
        self.insert(module, name, Definition::Host(Arc::new(HostDefinition { ty, func })))
    }

    /// Defines a host function from a closure on values.
    ///
    /// # Errors
    /// If the name is taken.
    pub fn func_new(
        &mut self,
        module: &str,
        name: &str,
        ty: FuncType,
        closure: impl Fn(Caller<'_, T>, &[Val], &mut [Val]) -> Result<()> + Send + Sync + 'static,
    ) -> Result<&mut Self> {
        let func = dynamic(ty.clone(), closure);
        self.insert(module, name, Definition::Host(Arc::new(HostDefinition { ty, func })))
    }

    /// Defines all that an instance exports, under a module name.
    ///
    /// # Errors
    /// If a name is taken.
    pub fn instance(
        &mut self,
        store: impl AsContextMut<Data = T>,
        module: &str,
        instance: Instance,
    ) -> Result<&mut Self> {
        for (name, item) in instance.exports(store) {
            self.define(module, &name, item)?;
        }
        Ok(self)
    }

    /// What is defined under a name, for use in a store.
    pub fn get(&self, mut store: impl AsContextMut<Data = T>, module: &str, name: &str) -> Option<Extern> {
        let definition = self.definitions.get(module)?.get(name)?;
        Some(self.resolve(store.as_context_mut().0, definition))
    }

    fn resolve(&self, store: &mut StoreInner<T>, definition: &Definition<T>) -> Extern {
        let host = match definition {
            Definition::Extern(it) => return *it,
            Definition::Host(host) => host,
        };
        let core = &mut store.core;
        let key = Arc::as_ptr(host) as usize;
        let pointer = match core.linked.get(&key) {
            Some(pointer) => *pointer,
            None => {
                let id = core.engine.types().intern_func(&host.ty);
                // The context keeps the definition, so that its address stays its own.
                let (keep, func) = (host.clone(), host.func.clone());
                let func: HostFunc<T> = Arc::new(move |caller, slots| {
                    let _ = &keep;
                    func(caller, slots)
                });
                let pointer = core.hosts.add(&core.vm, &host.ty, id, func);
                core.linked.insert(key, pointer);
                pointer
            }
        };
        Extern::Func(Func::from_pointer(pointer, core.id))
    }

    /// Makes an instance of a module with what it imports found here, and runs its start function.
    ///
    /// # Errors
    /// As for [`Instance::new`].
    pub fn instantiate(&self, mut store: impl AsContextMut<Data = T>, module: &Module) -> Result<Instance> {
        let mut imports = Vec::with_capacity(module.imports().len());
        for import in module.inner().wasm().imports.iter() {
            let found = self.definitions.get(&*import.module).and_then(|names| names.get(&*import.name));
            let definition = found.ok_or_else(|| self.unknown(&import.module, &import.name, import.ty.kind()))?;
            imports.push(self.resolve(store.as_context_mut().0, definition));
        }
        Instance::new(store, module, &imports)
    }

    fn unknown(&self, module: &str, name: &str, kind: &str) -> Error {
        let found = self.definitions.get(module);
        let (module, name) = (display_name(module), display_name(name));
        let hint = match found {
            None if self.definitions.is_empty() => String::new(),
            None => {
                let mut known: Vec<&str> = self.definitions.keys().map(String::as_str).collect();
                known.sort_unstable();
                format!("; modules that are defined: {}", known.join(", "))
            }
            Some(_) => format!("; the module \"{module}\" is defined, but has no such name"),
        };
        Error::new(LinkError(format!("unknown import: {kind} \"{module}\" \"{name}\"{hint}")))
    }
}

impl<T> std::fmt::Debug for Linker<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let modules: Vec<_> = self.definitions.keys().collect();
        f.debug_struct("Linker").field("modules", &modules).finish_non_exhaustive()
    }
}
