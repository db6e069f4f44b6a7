//! A running script: its store, the modules and instances it named, and one function per kind of directive. A directive
//! ends in `Ok`, or in why it stopped; a panic below it is caught here and becomes a failure of that directive alone.

use std::collections::{HashMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};

use kinglet::{Config, Engine, Extern, Features, Instance, LinkError, Linker, Module, Store, Trap, Val};
use wast::token::Id;
use wast::{QuoteWat, QuoteWatTest, WastDirective, WastExecute, WastInvoke, WastRet, Wat};

use super::{Options, spectest, value};

/// Why a directive did not pass.
#[derive(Debug)]
pub(super) enum Stop {
    /// It needs an unfinished feature, or a module that does.
    OutOfScope,
    /// It did not do what the script says.
    Failed(String),
}

type Step<T = ()> = Result<T, Stop>;

fn fail<T>(message: impl Into<String>) -> Step<T> {
    Err(Stop::Failed(message.into()))
}

/// What a name in the script stands for. A module that failed to come up leaves no name behind.
type Scoped<T> = Option<T>;

pub(super) struct Script {
    /// Accepts the finished part of what the script uses, and runs it.
    engine: Engine,
    /// Accepts all that the script uses; only ever validates.
    judge: Engine,
    store: Store<()>,
    linker: Linker<()>,
    /// Module definitions by identifier; `None` is the latest one. A value of `None` is out of scope.
    definitions: HashMap<Option<String>, Scoped<Module>>,
    /// Instances likewise.
    instances: HashMap<Option<String>, Scoped<Instance>>,
    /// Names that others import from, and whose instance is out of scope.
    unregistered: HashSet<String>,
    /// Names that belong to the script's host, or that it has registered.
    registered: HashSet<String>,
}

impl Script {
    pub(super) fn new(options: &Options) -> kinglet::Result<Script> {
        let mut config = options.config.clone();
        let engine = Engine::new(config.features(options.features.intersection(Features::finished())))?;
        let judge = Engine::new(Config::new().features(options.features))?;
        let mut store = Store::new(&engine, ());
        // Where gas is metered, no script is to run out of it.
        let _ = store.set_gas(u64::MAX);
        let mut linker = Linker::new(&engine);
        linker.allow_shadowing(true);
        spectest::define(&mut store, &mut linker)?;
        let (definitions, instances, unregistered) = Default::default();
        let registered = HashSet::from([spectest::NAME.to_string()]);
        Ok(Script { engine, judge, store, linker, definitions, instances, unregistered, registered })
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
            | WastDirective::AssertMalformedCustom { module, message, .. } => self.assert_refused(module, message),
            WastDirective::AssertUnlinkable { module, message, .. } => self.assert_unlinkable(module, message),
            WastDirective::AssertSuspension { .. } | WastDirective::Thread(_) | WastDirective::Wait { .. } => {
                Err(Stop::OutOfScope)
            }
        }
    }

    /// A definition, and an instance of it under the same name.
    fn module(&mut self, mut module: QuoteWat<'_>) -> Step {
        let key = key(module.name());
        self.instances.remove(&None);
        self.instances.remove(&key);
        let compiled = self.compiled(&key, &mut module);
        let instance = compiled.and_then(|module| self.instantiate(&module)?.or_else(|error| fail(text(&error))));
        self.bring_up(key, instance)
    }

    fn define(&mut self, mut module: QuoteWat<'_>) -> Step {
        let key = key(module.name());
        self.compiled(&key, &mut module).map(|_| ())
    }

    /// Compiles a definition and keeps it by its name, and as the latest; of one that is out of scope that is known.
    fn compiled(&mut self, key: &Option<String>, module: &mut QuoteWat<'_>) -> Step<Module> {
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
        let made = match definition {
            None => return fail("no such module definition"),
            Some(None) => Err(Stop::OutOfScope),
            Some(Some(module)) => self.instantiate(&module)?.or_else(|error| fail(text(&error))),
        };
        self.bring_up(instance_key, made)
    }

    /// Makes an instance the current one and gives it its name; one that is out of scope is remembered as such. Others can
    /// import from it by its name, if nothing is registered under that.
    fn bring_up(&mut self, key: Option<String>, instance: Step<Instance>) -> Step {
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

    /// Lets others import from an instance, or from one that is out of scope.
    fn link(&mut self, name: &str, instance: Scoped<Instance>) -> Step {
        match instance {
            Some(instance) => {
                self.unregistered.remove(name);
                self.linker.instance(&mut self.store, name, instance).map(|_| ()).or_else(|error| fail(text(&error)))
            }
            None => {
                self.unregistered.insert(name.to_string());
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

    /// Both `assert_invalid` and `assert_malformed`: in text or in binary, the module must not get through.
    fn assert_refused(&mut self, mut module: QuoteWat<'_>, message: &str) -> Step {
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

    /// Runs what an assertion is about. The outer result says that it could not be tried, the inner one what it gave.
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
            None => fail("refers to a module that did not come up"),
        }
    }

    /// Out of scope is a module that is refused but would be valid with the unfinished features its suite uses.
    fn compile(&mut self, wasm: Vec<u8>) -> Step<Module> {
        Module::new(&self.engine, &wasm).or_else(|error| {
            let unfinished = Module::validate(&self.judge, &wasm).is_ok();
            if unfinished { Err(Stop::OutOfScope) } else { fail(text(&error)) }
        })
    }

    /// Links and instantiates; out of scope when it imports from an instance that is.
    fn instantiate(&mut self, module: &Module) -> Step<kinglet::Result<Instance>> {
        if module.imports().any(|import| self.unregistered.contains(import.module())) {
            return Err(Stop::OutOfScope);
        }
        Ok(self.linker.instantiate(&mut self.store, module))
    }
}

fn key(id: Option<Id<'_>>) -> Option<String> {
    id.map(|id| id.name().to_string())
}

/// The module's bytes; a quoted module's text is parsed here for the first time.
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

/// Messages agree when one begins with the other: scripts abbreviate some and add an index to others.
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
        None => payload.downcast_ref::<&str>().copied().unwrap_or("without a message"),
    }
}
