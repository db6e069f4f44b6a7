//! A running script: its store, its named modules and instances, and one function per kind of directive. A directive
//! returns `Ok` or a [`Stop`]. A panic during a directive is caught and fails only that directive.

use std::collections::{HashMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};

use kinglet::{Config, Engine, Extern, Features, Instance, LinkError, Linker, Module, Store, Trap, Val};
use wast::token::Id;
use wast::{QuoteWat, QuoteWatTest, WastDirective, WastExecute, WastInvoke, WastRet, Wat};

use super::{Options, spectest, value};

/// The reason why a directive did not pass.
#[derive(Debug)]
pub(super) enum Stop {
    /// It needs an unfinished feature, or a module that needs one.
    OutOfScope,
    /// It failed, with this message.
    Failed(String),
}

type Step<T = ()> = Result<T, Stop>;

fn fail<T>(message: impl Into<String>) -> Step<T> {
    Err(Stop::Failed(message.into()))
}

/// A module or instance with a name, or `None` if it is out of scope. One that failed has no name.
type Scoped<T> = Option<T>;

pub(super) struct Script {
    /// The engine that runs the script. It enables only the finished features of the script.
    engine: Engine,
    /// An engine with all features of the script. It only validates modules, to decide whether they are out of scope.
    all_features: Engine,
    store: Store<()>,
    linker: Linker<()>,
    /// Module definitions, by identifier; the key `None` is the latest definition.
    definitions: HashMap<Option<String>, Scoped<Module>>,
    /// Instances, by identifier; the key `None` is the latest instance.
    instances: HashMap<Option<String>, Scoped<Instance>>,
    /// The names of instances that are out of scope. Modules that import from them are out of scope too.
    out_of_scope: HashSet<String>,
    /// The names that the script registered, and the name of the host module.
    registered: HashSet<String>,
}

impl Script {
    pub(super) fn new(options: &Options) -> kinglet::Result<Script> {
        let mut config = options.config.clone();
        let engine = Engine::new(config.features(options.features.intersection(Features::finished())))?;
        let all_features = Engine::new(Config::new().features(options.features))?;
        let mut store = Store::new(&engine, ());
        // If gas is metered, no script may run out of it.
        let _ = store.set_gas(u64::MAX);
        let mut linker = Linker::new(&engine);
        linker.allow_shadowing(true);
        spectest::define(&mut store, &mut linker)?;
        let (definitions, instances, out_of_scope) = Default::default();
        let registered = HashSet::from([spectest::NAME.to_string()]);
        Ok(Script { engine, all_features, store, linker, definitions, instances, out_of_scope, registered })
    }

    /// Runs one directive.
    pub(super) fn step(&mut self, directive: WastDirective<'_>) -> Step {
        catch_unwind(AssertUnwindSafe(|| self.directive(directive)))
            .unwrap_or_else(|payload| fail(format!("panicked: {}", panic_message(&*payload))))
    }

    fn directive(&mut self, directive: WastDirective<'_>) -> Step {
        match directive {
            WastDirective::Module(module) => self.module(module),
            WastDirective::ModuleDefinition(module) => self.define(module),
            WastDirective::ModuleInstance { instance, module, .. } => self.instance(instance, module),
            WastDirective::Register { name, module, .. } => self.register(name, module),
            WastDirective::Invoke(invoke) => self.invoke(&invoke)?.map(|_| ()).or_else(|error| fail(text(&error))),
            WastDirective::AssertReturn { exec, results, .. } => self.assert_return(exec, &results),
            WastDirective::AssertTrap { exec, message, .. } => self.assert_trap(exec, message),
            WastDirective::AssertExhaustion { call, message, .. } => {
                self.assert_trap(WastExecute::Invoke(call), message)
            }
            WastDirective::AssertException { exec, .. } => self.assert_exception(exec),
            WastDirective::AssertInvalid { module, message, .. }
            | WastDirective::AssertMalformed { module, message, .. }
            | WastDirective::AssertInvalidCustom { module, message, .. }
            | WastDirective::AssertMalformedCustom { module, message, .. } => self.assert_rejected(module, message),
            WastDirective::AssertUnlinkable { module, message, .. } => self.assert_unlinkable(module, message),
            WastDirective::AssertSuspension { .. } | WastDirective::Thread(_) | WastDirective::Wait { .. } => {
                Err(Stop::OutOfScope)
            }
        }
    }

    /// Runs a `module` directive: defines a module and instantiates it under the same name.
    fn module(&mut self, mut module: QuoteWat<'_>) -> Step {
        let key = key(module.name());
        self.instances.remove(&None);
        self.instances.remove(&key);
        let compiled = self.compile_definition(&key, &mut module);
        let instance = compiled.and_then(|module| self.instantiate(&module)?.or_else(|error| fail(text(&error))));
        self.set_current(key, instance)
    }

    fn define(&mut self, mut module: QuoteWat<'_>) -> Step {
        let key = key(module.name());
        self.compile_definition(&key, &mut module).map(|_| ())
    }

    /// Compiles a definition and records it under its name and as the latest definition. A definition that is out of scope
    /// is recorded as such.
    fn compile_definition(&mut self, key: &Option<String>, module: &mut QuoteWat<'_>) -> Step<Module> {
        self.definitions.remove(&None);
        self.definitions.remove(key);
        let compiled = self.compile(encode(module)?);
        if let Ok(_) | Err(Stop::OutOfScope) = compiled {
            let definition = compiled.as_ref().ok().cloned();
            self.definitions.insert(None, definition.clone());
            self.definitions.insert(key.clone(), definition);
        }
        compiled
    }

    fn instance(&mut self, instance: Option<Id<'_>>, module: Option<Id<'_>>) -> Step {
        let definition = self.definitions.get(&key(module)).cloned();
        let instance_key = key(instance);
        let instance = match definition {
            None => return fail("no such module definition"),
            Some(None) => Err(Stop::OutOfScope),
            Some(Some(module)) => self.instantiate(&module)?.or_else(|error| fail(text(&error))),
        };
        self.set_current(instance_key, instance)
    }

    /// Records an instance under its name and as the current instance. An instance that is out of scope is recorded as
    /// such. Other modules can import from it by its name, unless the script registered another instance under that name.
    fn set_current(&mut self, key: Option<String>, instance: Step<Instance>) -> Step {
        let (entry, step) = match instance {
            Ok(instance) => (Some(instance), Ok(())),
            Err(Stop::OutOfScope) => (None, Err(Stop::OutOfScope)),
            Err(stop) => return Err(stop),
        };
        self.instances.insert(None, entry);
        self.instances.insert(key.clone(), entry);
        match key.filter(|name| !self.registered.contains(name)) {
            Some(name) => self.link(&name, entry).and(step),
            None => step,
        }
    }

    fn register(&mut self, name: &str, module: Option<Id<'_>>) -> Step {
        let instance = match self.named(module) {
            Ok(instance) => Some(instance),
            Err(Stop::OutOfScope) => None,
            Err(stop) => return Err(stop),
        };
        self.registered.insert(name.to_string());
        self.link(name, instance)?;
        instance.map(|_| ()).ok_or(Stop::OutOfScope)
    }

    /// Makes an instance available for imports, or records that it is out of scope.
    fn link(&mut self, name: &str, instance: Scoped<Instance>) -> Step {
        match instance {
            Some(instance) => {
                self.out_of_scope.remove(name);
                self.linker.instance(&mut self.store, name, instance).map(|_| ()).or_else(|error| fail(text(&error)))
            }
            None => {
                self.out_of_scope.insert(name.to_string());
                Ok(())
            }
        }
    }

    fn assert_return(&mut self, exec: WastExecute<'_>, expected: &[WastRet<'_>]) -> Step {
        let results = self.execute(exec)?.or_else(|error| fail(text(&error)))?;
        value::compare(&self.store, &results, expected).map_err(Stop::Failed)
    }

    fn assert_trap(&mut self, exec: WastExecute<'_>, message: &str) -> Step {
        match self.execute(exec)? {
            Ok(results) => fail(format!("expected the trap `{message}`, got {}", show_all(&results))),
            Err(error) => match error.downcast_ref::<Trap>() {
                Some(trap) if same_message(trap.message(), message) => Ok(()),
                _ => fail(format!("expected the trap `{message}`, got: {}", text(&error))),
            },
        }
    }

    fn assert_exception(&mut self, exec: WastExecute<'_>) -> Step {
        match self.execute(exec)? {
            Ok(results) => fail(format!("expected an exception, got {}", show_all(&results))),
            Err(error) if matches!(error.downcast_ref(), Some(Trap::UncaughtException)) => Ok(()),
            Err(error) => fail(format!("expected an exception, got: {}", text(&error))),
        }
    }

    /// Runs `assert_invalid` and `assert_malformed`: the engine must reject the module, in text or binary format.
    fn assert_rejected(&mut self, mut module: QuoteWat<'_>, message: &str) -> Step {
        let Ok(wasm) = encode(&mut module) else { return Ok(()) };
        match Module::new(&self.engine, wasm) {
            Err(_) => Ok(()),
            Ok(_) => fail(format!("the module was accepted, expected: {message}")),
        }
    }

    fn assert_unlinkable(&mut self, mut module: Wat<'_>, message: &str) -> Step {
        let wasm = module.encode().or_else(|error| fail(error.message()))?;
        let module = self.compile(wasm)?;
        match self.instantiate(&module)? {
            Ok(_) => fail(format!("the module was linked, expected: {message}")),
            Err(error) if error.is::<LinkError>() => Ok(()),
            Err(error) => fail(format!("expected `{message}`, got: {}", text(&error))),
        }
    }

    /// Executes the action of an assertion. The outer error means that the action could not start. The inner result is that
    /// of the action.
    fn execute(&mut self, exec: WastExecute<'_>) -> Step<kinglet::Result<Vec<Val>>> {
        match exec {
            WastExecute::Invoke(invoke) => self.invoke(&invoke),
            WastExecute::Get { module, global, .. } => {
                let instance = self.named(module)?;
                match instance.get_export(&mut self.store, global) {
                    Some(Extern::Global(global)) => Ok(Ok(vec![global.get(&self.store)])),
                    _ => fail(format!("no exported global `{global}`")),
                }
            }
            WastExecute::Wat(mut module) => {
                let wasm = module.encode().or_else(|error| fail(error.message()))?;
                let module = self.compile(wasm)?;
                Ok(self.instantiate(&module)?.map(|_| Vec::new()))
            }
        }
    }

    fn invoke(&mut self, invoke: &WastInvoke<'_>) -> Step<kinglet::Result<Vec<Val>>> {
        let instance = self.named(invoke.module)?;
        let Some(func) = instance.get_func(&mut self.store, invoke.name) else {
            return fail(format!("no exported function `{}`", invoke.name));
        };
        let args: Option<Vec<Val>> = invoke.args.iter().map(|arg| value::argument(&mut self.store, arg)).collect();
        let Some(args) = args else { return Err(Stop::OutOfScope) };
        let mut results = vec![Val::I32(0); func.ty(&self.store).results().len()];
        Ok(func.call(&mut self.store, &args, &mut results).map(|()| results))
    }

    fn named(&self, id: Option<Id<'_>>) -> Step<Instance> {
        match self.instances.get(&key(id)) {
            Some(Some(instance)) => Ok(*instance),
            Some(None) => Err(Stop::OutOfScope),
            None => fail("refers to a module that failed"),
        }
    }

    /// Compiles a module. It is out of scope if it is only valid with unfinished features of its suite.
    fn compile(&mut self, wasm: Vec<u8>) -> Step<Module> {
        Module::new(&self.engine, &wasm).or_else(|error| {
            let needs_unfinished = Module::validate(&self.all_features, &wasm).is_ok();
            if needs_unfinished { Err(Stop::OutOfScope) } else { fail(text(&error)) }
        })
    }

    /// Links and instantiates a module. It is out of scope if it imports from an instance that is out of scope.
    fn instantiate(&mut self, module: &Module) -> Step<kinglet::Result<Instance>> {
        if module.imports().any(|import| self.out_of_scope.contains(import.module())) {
            return Err(Stop::OutOfScope);
        }
        Ok(self.linker.instantiate(&mut self.store, module))
    }
}

fn key(id: Option<Id<'_>>) -> Option<String> {
    id.map(|id| id.name().to_string())
}

/// Returns the binary of a module. The text of a quoted module is parsed here.
fn encode(module: &mut QuoteWat<'_>) -> Step<Vec<u8>> {
    match module.to_test().or_else(|error| fail(error.message()))? {
        QuoteWatTest::Binary(wasm) => Ok(wasm),
        QuoteWatTest::Text(source) => {
            let Ok(source) = std::str::from_utf8(&source) else { return fail("malformed UTF-8 encoding") };
            let parse = || -> Result<Vec<u8>, wast::Error> {
                let buffer = wast::parser::ParseBuffer::new(source)?;
                wast::parser::parse::<Wat<'_>>(&buffer)?.encode()
            };
            parse().or_else(|error| fail(error.message()))
        }
    }
}

/// Returns whether one message begins with the other. Scripts abbreviate some messages and append an index to others.
fn same_message(actual: &str, expected: &str) -> bool {
    actual.starts_with(expected) || expected.starts_with(actual)
}

fn text(error: &kinglet::Error) -> String {
    format!("{error:#}")
}

fn show_all(values: &[Val]) -> String {
    let shown: Vec<String> = values.iter().map(value::show).collect();
    format!("[{}]", shown.join(", "))
}

fn panic_message(payload: &(dyn std::any::Any + Send)) -> &str {
    match payload.downcast_ref::<String>() {
        Some(message) => message,
        None => payload.downcast_ref::<&str>().copied().unwrap_or("no message"),
    }
}
