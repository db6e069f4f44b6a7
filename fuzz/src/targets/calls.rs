//! Sequences of API calls. An input is a sequence of steps. A step makes one or a few calls with the objects that earlier
//! steps created. Calls may fail, and few results are checked. The target finds panics, and guests that do not stop
//! although they have little gas.

use std::io::Result;
use std::path::Path;
use std::sync::LazyLock;
use std::time::Duration;

use kinglet::{
    Caller, Config, Engine, Extern, ExternRef, Feature, Func, FuncType, Global, GlobalType, HeapType, Instance,
    InstanceAllocationStrategy, Linker, Memory, MemoryType, Module, Ref, RefType, ResumableCall, ResumableCallHostTrap,
    Rooted, RunMode, Store, StoreLimits, StoreLimitsBuilder, Table, TableType, TagType, TierThresholds, V128, Val,
    ValType, WasmBacktrace,
};

use super::Choices;

const GAS: u64 = 20_000;
/// The maximum number of steps of an input.
const MAX_STEPS: usize = 200;
/// The maximum number of objects of each kind that the target keeps for a store.
const MAX_OBJECTS: usize = 30;

const MODULES: &[&str] = &[
    r#"(module (memory (export "memory") 1 4) (table (export "table") 4 20 funcref) (tag $t (export "tag") (param i32))
        (global (export "g32") (mut i32) (i32.const 1)) (global (export "g128") (mut v128) (v128.const i64x2 1 2))
        (elem (i32.const 0) $add $div) (data (i32.const 8) "abc")
        (func $add (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
        (func $div (export "div") (param i64 i64) (result i64) (i64.div_s (local.get 0) (local.get 1)))
        (func (export "load") (param i32) (result i64) (i64.load offset=4 (local.get 0)))
        (func (export "store") (param i32 f64) (f64.store (local.get 0) (local.get 1)))
        (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
        (func $deep (export "deep") (param i32) (result i32) (if (result i32) (local.get 0)
            (then (i32.add (call $deep (i32.sub (local.get 0) (i32.const 1))) (i32.const 1))) (else (i32.const 0))))
        (func (export "loop") (param i32) (loop (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))
        (func (export "throw") (param i32) (throw $t (local.get 0)))
        (func (export "catch") (param i32) (result i32)
            (block $h (result i32) (try_table (catch $t $h) (throw $t (local.get 0))) (i32.const -1)))
        (func (export "vector") (param v128 v128) (result v128) (i32x4.add (local.get 0) (local.get 1)))
        (func (export "indirect") (param i32 i32 i32) (result i32)
            (call_indirect (param i32 i32) (result i32) (local.get 0) (local.get 1) (local.get 2))))"#,
    r#"(module (import "host" "f" (func $f (param i32) (result i32))) (import "host" "r" (func $r (param externref)))
        (import "host" "again" (func $again (param i32)))
        (table $x (export "externs") 3 externref) (global $e (export "e") (mut externref) (ref.null extern))
        (func (export "f") (param i32) (result i32) (i32.mul (call $f (local.get 0)) (call $f (i32.const 2))))
        (func (export "r") (param externref) (result externref)
            (call $r (local.get 0)) (table.set $x (i32.const 1) (local.get 0)) (global.set $e (local.get 0))
            (table.get $x (i32.const 1)))
        (func (export "again") (param i32) (call $again (local.get 0)))
        (func (export "tail") (param i32) (result i32) (return_call $f (local.get 0)))
        (func (export "ref") (result funcref) (ref.func $f)) (elem declare func $f))"#,
    r#"(module (type $s (struct (field i32) (field (mut (ref null $s))))) (type $a (array (mut i64)))
        (global $keep (mut (ref null $s)) (ref.null $s))
        (func (export "list") (param i32) (result i32) (local $l (ref null $s)) (local $n i32)
            (loop (local.set $l (struct.new $s (local.get 0) (local.get $l)))
                (local.set $n (i32.add (local.get $n) (i32.const 1)))
                (br_if 0 (i32.lt_u (local.get $n) (i32.and (local.get 0) (i32.const 0xff)))))
            (global.set $keep (local.get $l)) (struct.get $s 0 (local.get $l)))
        (func (export "array") (param i32 i32) (result i64)
            (array.get $a (array.new $a (i64.const 5) (i32.and (local.get 0) (i32.const 0xfff))) (local.get 1)))
        (func (export "any") (param anyref) (result i32) (ref.test (ref $s) (local.get 0)))
        (func (export "made") (result anyref) (global.get $keep)) (func (export "i31") (param i32) (result i31ref)
            (ref.i31 (local.get 0))))"#,
    r#"(module (import "a" "memory" (memory 1)) (import "a" "table" (table 2 funcref)) (import "a" "g32" (global (mut i32)))
        (func $start (global.set 0 (i32.add (global.get 0) (i32.const 1))) (i32.store (i32.const 0) (i32.const 9)))
        (func (export "f") (result i32) (i32.load (i32.const 0)))
        (elem (i32.const 1) func 0) (start $start))"#,
    r#"(module (memory (export "memory") i64 1 3) (func (export "trap") unreachable)
        (func (export "copy") (param i64 i64 i64) (memory.copy (local.get 0) (local.get 1) (local.get 2)))
        (func $s unreachable) (start $s))"#,
];

static ENGINES: LazyLock<Vec<Engine>> = LazyLock::new(|| (0..4).map(engine).collect());
static COMPILED: LazyLock<Vec<Vec<Module>>> = LazyLock::new(|| {
    let modules = |engine: &Engine| {
        MODULES.iter().map(|text| Module::new(engine, text).expect("the modules are valid")).collect()
    };
    ENGINES.iter().map(modules).collect()
});

fn engine(which: usize) -> Engine {
    let thresholds = TierThresholds { sampling_interval: Duration::ZERO, samples: 2, bytes_a_sample: u32::MAX };
    let mut config = Config::new();
    config.gas(true).max_host_stack(256 << 10).max_wasm_stack(1 << 20).memory_page_limit(Some(8)).compiler_threads(1);
    config.feature(Feature::Exceptions, true).feature(Feature::Gc, true);
    match which {
        0 => config.run_mode(RunMode::Interpreter),
        1 => config.run_mode(RunMode::Jit),
        2 => config.run_mode(RunMode::Jit).allocation_strategy(InstanceAllocationStrategy::pooling()),
        _ => config.run_mode(RunMode::Auto).tier_thresholds(thresholds),
    };
    Engine::new(&config).expect("the configuration is valid")
}

/// The data of a store.
struct Data {
    limits: StoreLimits,
    /// Each call of the host function takes its action from this number.
    actions: u64,
    /// The function that the host function calls.
    reentered: Option<Func>,
    /// The nesting depth of calls from the host function.
    depth: u32,
}

/// A store and the objects created in it.
struct World {
    modules: Vec<Module>,
    store: Store<Data>,
    linker: Linker<Data>,
    instances: Vec<Instance>,
    funcs: Vec<Func>,
    memories: Vec<Memory>,
    tables: Vec<Table>,
    globals: Vec<Global>,
    values: Vec<Val>,
    paused: Vec<ResumableCallHostTrap>,
}

pub(super) fn run(input: &[u8]) {
    let choices = &mut Choices(input);
    let mut worlds = vec![World::new(choices)];
    for _ in 0..MAX_STEPS {
        if choices.0.is_empty() {
            break;
        }
        match choices.byte() {
            250.. if worlds.len() < 4 => worlds.push(World::new(choices)),
            248 | 249 if worlds.len() > 1 => drop(worlds.swap_remove(choices.below(worlds.len()))),
            step => {
                let which = choices.below(worlds.len());
                worlds[which].step(step, choices);
            }
        }
    }
}

/// A host function that returns, fails, calls the guest, captures a backtrace or collects garbage.
fn host(mut caller: Caller<'_, Data>, n: i32) -> kinglet::Result<i32> {
    let data = caller.data_mut();
    let action = data.actions % 8;
    data.actions /= 8;
    match action {
        0 => Err(kinglet::Error::msg("the host function fails")),
        1 => Err(kinglet::Trap::Unreachable.into()),
        2 => {
            let shown = WasmBacktrace::capture(&caller).to_string();
            Ok(shown.len() as i32)
        }
        3 => {
            kinglet::testing::collect(&mut caller);
            Ok(n)
        }
        4 => reenter(&mut caller).map(|()| n),
        _ => Ok(n.wrapping_add(1)),
    }
}

/// Calls a guest function from a host function.
fn reenter(caller: &mut Caller<'_, Data>) -> kinglet::Result<()> {
    let Some(func) = caller.data().reentered else { return Ok(()) };
    if caller.data().depth > 5 {
        return Ok(());
    }
    caller.data_mut().depth += 1;
    let ty = func.ty(&*caller);
    let engine = caller.engine().clone();
    let params: Option<Vec<Val>> = ty.params().iter().map(|ty| Val::default_of(*ty, &engine)).collect();
    let mut results = vec![Val::I32(0); ty.results().len()];
    let result = params.map_or(Ok(()), |params| func.call(&mut *caller, &params, &mut results));
    caller.data_mut().depth -= 1;
    result
}

impl World {
    fn new(choices: &mut Choices<'_>) -> World {
        let which = choices.below(ENGINES.len());
        let engine = &ENGINES[which];
        let limits = StoreLimitsBuilder::new().memory_size(3 << 20).table_elements(2000).build();
        let mut store = Store::new(engine, Data { limits, actions: 0, reentered: None, depth: 0 });
        store.limiter(|data| &mut data.limits);
        meter(&mut store, GAS);
        let mut linker = Linker::new(engine);
        linker.allow_shadowing(choices.byte().is_multiple_of(2));
        let defined = linker
            .func_wrap("host", "f", host)
            .and_then(|linker| linker.func_wrap("host", "r", |_: Caller<'_, Data>, _: Option<Rooted<ExternRef>>| ()))
            .and_then(|linker| {
                linker.func_wrap("host", "again", |mut caller: Caller<'_, Data>, _: i32| reenter(&mut caller))
            });
        assert!(defined.is_ok());
        World {
            modules: COMPILED[which].clone(),
            store,
            linker,
            instances: Vec::new(),
            funcs: Vec::new(),
            memories: Vec::new(),
            tables: Vec::new(),
            globals: Vec::new(),
            values: Vec::new(),
            paused: Vec::new(),
        }
    }

    fn step(&mut self, step: u8, choices: &mut Choices<'_>) {
        if !(2..=5).contains(&(step % 24)) {
            self.forget_objects();
        }
        match step % 24 {
            0 | 1 => self.instantiate(choices),
            2..=5 => self.call(choices),
            6 => self.pause(choices),
            7 => self.resume(choices),
            8 | 9 => self.memory(choices),
            10 | 11 => self.table(choices),
            12 => self.global(choices),
            13 => self.host_func(choices),
            14 => self.extern_ref(choices),
            15 => self.store.data_mut().actions = choices.u64(),
            16 => self.store.data_mut().reentered = pick(&self.funcs, choices),
            17 => meter(&mut self.store, choices.number().min(GAS)),
            18 => self.store.interrupt_handle().interrupt(),
            19 => self.collect(choices),
            20 => self.link(choices),
            21 => self.module(choices),
            22 => self.exports(choices),
            _ => _ = (self.paused.pop(), self.values.pop(), self.store.gas()),
        }
        self.values.truncate(MAX_OBJECTS);
    }

    fn instantiate(&mut self, choices: &mut Choices<'_>) {
        if self.instances.len() >= MAX_OBJECTS {
            return;
        }
        let module = &self.modules[choices.below(self.modules.len())].clone();
        let instance = match choices.byte() % 3 {
            0 => {
                let imports: Vec<Extern> = (0..choices.below(4)).filter_map(|_| self.item(choices)).collect();
                Instance::new(&mut self.store, module, &imports)
            }
            1 => self.linker.instantiate_pre(module).and_then(|pre| pre.instantiate(&mut self.store)),
            _ => self.linker.instantiate(&mut self.store, module),
        };
        let Ok(instance) = instance else { return };
        self.instances.push(instance);
        let items: Vec<Extern> = instance.exports(&mut self.store).map(|export| export.into_extern()).collect();
        items.into_iter().for_each(|item| self.keep(item));
    }

    fn keep(&mut self, item: Extern) {
        match item {
            Extern::Func(func) => keep(&mut self.funcs, func),
            Extern::Memory(memory) => keep(&mut self.memories, memory),
            Extern::Table(table) => keep(&mut self.tables, table),
            Extern::Global(global) => keep(&mut self.globals, global),
            Extern::Tag(_) => {}
        }
    }

    fn item(&mut self, choices: &mut Choices<'_>) -> Option<Extern> {
        match choices.byte() % 5 {
            0 => pick(&self.memories, choices).map(Extern::from),
            1 => pick(&self.tables, choices).map(Extern::from),
            2 => pick(&self.globals, choices).map(Extern::from),
            3 => {
                let ty = TagType::new(FuncType::new([ValType::I32], []));
                kinglet::Tag::new(&mut self.store, &ty).ok().map(Extern::from)
            }
            _ => pick(&self.funcs, choices).map(Extern::from),
        }
    }

    /// Chooses a value, usually of this type.
    fn value(&mut self, ty: ValType, choices: &mut Choices<'_>) -> Val {
        let kind = choices.byte();
        if kind == 0 {
            return pick(&self.values, choices).unwrap_or(Val::I64(0));
        }
        match ty {
            ValType::I32 => Val::I32(choices.number() as i32),
            ValType::I64 => Val::I64(choices.number() as i64),
            ValType::F32 => Val::F32(choices.number() as u32),
            ValType::F64 => Val::F64(choices.number()),
            ValType::V128 => Val::V128(V128((u128::from(choices.number()) << 60).to_le_bytes())),
            ValType::Ref(ty) if ty.heap == HeapType::Func && kind.is_multiple_of(2) => {
                pick(&self.funcs, choices).map_or(Val::FuncRef(None), |func| Val::FuncRef(Some(func)))
            }
            ValType::Ref(_) if kind.is_multiple_of(2) && !self.values.is_empty() => {
                self.values[choices.below(self.values.len())]
            }
            other => Val::default_of(other, self.store.engine()).unwrap_or(Val::I32(0)),
        }
    }

    fn arguments(&mut self, func: Func, choices: &mut Choices<'_>) -> (Vec<Val>, Vec<Val>) {
        let ty = func.ty(&self.store);
        let mut params: Vec<Val> = ty.params().iter().map(|ty| self.value(*ty, choices)).collect();
        if choices.byte() == 1 {
            params.push(Val::I32(0));
        }
        let results = ty.results().len() + usize::from(choices.byte() == 1);
        (params, vec![Val::I32(0); results])
    }

    fn call(&mut self, choices: &mut Choices<'_>) {
        let Some(func) = pick(&self.funcs, choices) else { return };
        let (params, mut results) = self.arguments(func, choices);
        if self.store.gas() == 0 {
            meter(&mut self.store, GAS);
        }
        self.forget_objects();
        match func.call(&mut self.store, &params, &mut results) {
            Ok(()) => self.values.splice(0..0, results).for_each(drop),
            Err(error) => assert!(!format!("{error:#}{error:?}").is_empty()),
        }
    }

    fn pause(&mut self, choices: &mut Choices<'_>) {
        let Some(func) = pick(&self.funcs, choices) else { return };
        let (params, mut results) = self.arguments(func, choices);
        match func.call_resumable(&mut self.store, &params, &mut results) {
            Ok(ResumableCall::HostTrap(call)) if self.paused.len() < MAX_OBJECTS => self.paused.push(call),
            Ok(_) => {}
            Err(error) => assert!(!format!("{error:#}").is_empty()),
        }
    }

    fn resume(&mut self, choices: &mut Choices<'_>) {
        if self.paused.is_empty() {
            return;
        }
        let call = self.paused.swap_remove(choices.below(self.paused.len()));
        let ty = call.host_func().ty(&self.store);
        let inputs: Vec<Val> = ty.results().iter().map(|ty| self.value(*ty, choices)).collect();
        let mut results = vec![Val::I32(0); choices.below(3)];
        if let Ok(ResumableCall::HostTrap(call)) = call.resume(&mut self.store, &inputs, &mut results) {
            self.paused.push(call);
        }
    }

    fn memory(&mut self, choices: &mut Choices<'_>) {
        let store = &mut self.store;
        let Some(memory) = pick(&self.memories, choices).filter(|_| choices.byte() > 30) else {
            let ty = MemoryType::new(choices.number() as u32, Some(choices.number() as u32));
            let _ = Memory::new(store, ty).map(|memory| keep(&mut self.memories, memory));
            return;
        };
        let (at, mut bytes) = (choices.number() as usize, [0; 16]);
        match choices.byte() % 4 {
            0 => _ = memory.grow(&mut *store, choices.number()),
            1 => _ = memory.read(&*store, at, &mut bytes),
            2 => _ = memory.write(&mut *store, at, &[7; 40]),
            _ => memory.data_mut(&mut *store).iter_mut().take(100).for_each(|byte| *byte ^= 1),
        }
        assert_eq!(memory.data(&*store).len(), memory.data_size(&*store));
    }

    fn table(&mut self, choices: &mut Choices<'_>) {
        let (a, b, n) = (choices.number(), choices.number(), choices.number());
        let Some(table) = pick(&self.tables, choices).filter(|_| choices.byte() > 30) else {
            let heap = [HeapType::Func, HeapType::Extern, HeapType::Any][choices.below(3)];
            let element = RefType { nullable: true, heap };
            let init = self.reference(ValType::Ref(element), choices);
            let ty = TableType::new(element, a as u32, Some(b as u32));
            let _ = Table::new(&mut self.store, ty, init).map(|table| keep(&mut self.tables, table));
            return;
        };
        let element = ValType::Ref(table.ty(&self.store).element);
        let value = self.reference(element, choices);
        let store = &mut self.store;
        let before = table.size(&*store);
        match choices.byte() % 5 {
            0 => assert!(table.grow(&mut *store, n, value).map_or(true, |old| old == before)),
            1 => assert_eq!(table.get(&mut *store, a).is_some(), a < before),
            2 => assert!(table.set(&mut *store, a, value).is_err() || a < before),
            3 => assert!(table.fill(&mut *store, a, value, n).is_err() || a.saturating_add(n) <= before),
            _ => {
                let Some(from) = pick(&self.tables, choices) else { return };
                let _ = Table::copy(store, &table, a, &from, b, n);
            }
        }
    }

    fn reference(&mut self, ty: ValType, choices: &mut Choices<'_>) -> Ref {
        let null = Ref::null(RefType { nullable: true, heap: HeapType::Func }, self.store.engine());
        self.value(ty, choices).reference().unwrap_or_else(|| null.expect("every engine has this type"))
    }

    fn global(&mut self, choices: &mut Choices<'_>) {
        let types = [ValType::I32, ValType::F64, ValType::V128];
        let Some(global) = pick(&self.globals, choices).filter(|_| choices.byte() > 50) else {
            let content = types[choices.below(types.len())];
            let value = self.value(content, choices);
            let ty = GlobalType { content, mutable: choices.byte().is_multiple_of(2) };
            let _ = Global::new(&mut self.store, ty, value).map(|global| keep(&mut self.globals, global));
            return;
        };
        let ty = global.ty(&self.store);
        let value = self.value(ty.content, choices);
        let set = global.set(&mut self.store, value);
        assert!(set.is_err() || ty.mutable);
        let value = global.get(&self.store);
        self.values.push(value);
    }

    fn host_func(&mut self, choices: &mut Choices<'_>) {
        let func = match choices.byte() % 3 {
            0 => Func::wrap(&mut self.store, host),
            1 => Func::wrap(&mut self.store, |a: i64, b: f32| (b, a)),
            _ => {
                let ty = FuncType::new(vec![ValType::I64; choices.below(20)], [ValType::I32, ValType::I64]);
                let returns_wrong_type = choices.byte().is_multiple_of(2);
                let func = Func::try_new(&mut self.store, ty, move |_, params, results| {
                    results[0] = Val::I32(params.len() as i32);
                    results[1] =
                        if returns_wrong_type { Val::I32(0) } else { params.first().copied().unwrap_or(Val::I64(3)) };
                    Ok(())
                });
                func.expect("every engine has these types")
            }
        };
        keep(&mut self.funcs, func);
    }

    fn extern_ref(&mut self, choices: &mut Choices<'_>) {
        let found = self.values.iter().rev().find_map(|value| match value {
            Val::ExternRef(Some(value)) => Some(*value),
            _ => None,
        });
        match (found, choices.byte() % 4) {
            (Some(value), 0) => _ = value.release(&mut self.store),
            (Some(value), 1) => _ = value.data(&self.store).map(|data| data.is_some_and(|data| data.is::<u64>())),
            _ => {
                let created = ExternRef::new(&mut self.store, choices.u64());
                let _ = created.map(|value| self.values.push(Val::ExternRef(Some(value))));
            }
        }
    }

    fn collect(&mut self, choices: &mut Choices<'_>) {
        kinglet::testing::collect_always(&mut self.store, choices.byte().is_multiple_of(3));
        kinglet::testing::collect(&mut self.store);
    }

    /// Removes references to objects of the guest's heap, because they are invalid once the guest runs again.
    fn forget_objects(&mut self) {
        self.values.retain(|value| !matches!(value, Val::AnyRef(_)));
    }

    fn link(&mut self, choices: &mut Choices<'_>) {
        let names = ["a", "b", "host", ""];
        let (module, name) = (names[choices.below(4)], names[choices.below(4)]);
        match choices.byte() % 6 {
            0 => {
                let Some(item) = self.item(choices) else { return };
                let _ = self.linker.define(&self.store, module, name, item);
            }
            1 => {
                let Some(instance) = pick(&self.instances, choices) else { return };
                let _ = self.linker.instance(&mut self.store, module, instance);
            }
            2 => _ = self.linker.alias_module(module, name),
            3 => {
                let used = &self.modules[choices.below(self.modules.len())];
                let _ = self.linker.module(&mut self.store, module, used);
            }
            4 => {
                let used = &self.modules[choices.below(self.modules.len())];
                let _ = self.linker.define_unknown_imports_as_traps(used);
            }
            _ => {
                let found = self.linker.get(&mut self.store, module, "memory");
                found.into_iter().for_each(|item| self.keep(item));
            }
        }
    }

    fn module(&mut self, choices: &mut Choices<'_>) {
        let which = choices.below(self.modules.len());
        let module = self.modules[which].clone();
        match choices.byte() % 4 {
            0 => assert!(module.wait_compiled().is_ok()),
            // Serializing compiles the module, which is slow, so it is rare.
            1 if choices.byte() < 20 => {
                let Ok(bytes) = module.serialize() else { return };
                // SAFETY: `serialize` returned these bytes.
                let deserialized = unsafe { Module::deserialize(module.engine(), &bytes) };
                self.modules[which] = deserialized.expect("the engine accepts its own artifact");
            }
            2 if choices.byte() < 50 => {
                self.modules[which] = Module::new(module.engine(), module.binary()).expect("it is valid")
            }
            _ => _ = (module.native_functions(), module.name(), module.exports().count()),
        }
    }

    fn exports(&mut self, choices: &mut Choices<'_>) {
        let Some(instance) = pick(&self.instances, choices) else { return };
        let _ = instance.module(&self.store).name();
        if let Ok(add) = instance.get_typed_func::<(i32, i32), i32>(&mut self.store, "add") {
            if self.store.gas() < 1000 {
                meter(&mut self.store, GAS);
            }
            let (a, b) = (choices.number() as i32, choices.number() as i32);
            if let Ok(sum) = add.call(&mut self.store, (a, b)) {
                assert_eq!(sum, a.wrapping_add(b));
            }
        }
    }
}

fn meter(store: &mut Store<Data>, gas: u64) {
    store.set_gas(gas).expect("all engines meter gas");
}

fn pick<T: Copy>(objects: &[T], choices: &mut Choices<'_>) -> Option<T> {
    if objects.is_empty() { None } else { Some(objects[choices.below(objects.len())]) }
}

fn keep<T>(objects: &mut Vec<T>, object: T) {
    if objects.len() < MAX_OBJECTS {
        objects.push(object);
    }
}

pub(super) fn seeds(_: &Path) -> Result<Vec<Vec<u8>>> {
    // Each seed instantiates all modules in an engine and then repeats one kind of step with different numbers.
    let mut seeds = Vec::new();
    for engine in 0..4 {
        for step in 0..24 {
            let mut seed = vec![engine, 0];
            (0..MODULES.len() as u8).for_each(|module| seed.extend([0, 0, module, 2]));
            for number in 0..12 {
                seed.extend([step, 0, number * 3, 60 + number, 9, number, 160, 1, number * 5, 2]);
                seed.extend([2, 0, number, 5, number, 7, 1, 3]);
            }
            seeds.push(seed);
        }
    }
    Ok(seeds)
}
