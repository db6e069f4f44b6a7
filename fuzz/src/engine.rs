//! The engines that run a module. All of them make the same calls, so that their outcomes can be compared.

use std::time::Duration;

use kinglet::{Config, InstanceAllocationStrategy, RunMode, TierThresholds, Val};

use crate::random::Random;

/// The outcome of running a module.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Outcome {
    /// The module reached a limit of one engine, so outcomes cannot be compared.
    Limit,
    /// Instantiation failed for this reason.
    Failed(String),
    /// The observations after a call of each exported function.
    Ran(Vec<Observation>),
}

/// The result of one call, and the exported state after it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Observation {
    pub(crate) function: String,
    pub(crate) args: Vec<u128>,
    pub(crate) result: Result<Vec<u128>, String>,
    pub(crate) trace: Trace,
    pub(crate) globals: Vec<u128>,
    pub(crate) memories: Vec<u64>,
}

/// The module offsets of a trap's frames. It equals any other trace if the engine does not report offsets.
#[derive(Clone, Debug)]
pub(crate) struct Trace(Option<Vec<Option<u32>>>);

impl Trace {
    /// Returns the trace of an error. A store that is out of bounds has the offset `u32::MAX`, because Cranelift removes a
    /// store if the next store overwrites its bytes, and then the next store traps instead.
    fn of(error: &kinglet::Error, module: &kinglet::Module) -> Trace {
        let Some(backtrace) = error.downcast_ref::<kinglet::WasmBacktrace>() else { return Trace(None) };
        let mut offsets: Vec<Option<u32>> = backtrace.frames().iter().map(|frame| frame.offset()).collect();
        if let Some(Some(offset)) = offsets.first_mut()
            && error.downcast_ref() == Some(&kinglet::Trap::MemoryOutOfBounds)
            && is_store(&module.binary()[*offset as usize..])
        {
            *offset = u32::MAX;
        }
        Trace(Some(offsets))
    }
}

/// Returns whether code begins with a store. Scalar stores have the opcodes 36 to 3e; vector stores have fd and then 0b or
/// 58 to 5b (core 3.0, 5.4.6).
fn is_store(code: &[u8]) -> bool {
    matches!(code, [0x36..=0x3e, ..] | [0xfd, 0x0b | 0x58..=0x5b, ..])
}

impl PartialEq for Trace {
    fn eq(&self, other: &Trace) -> bool {
        self.0.is_none() || other.0.is_none() || self.0 == other.0
    }
}

/// An engine in one configuration.
pub(crate) trait ModuleRunner: Sync {
    fn name(&self) -> &'static str;

    /// Returns whether its NaNs have the same bits as Kinglet's.
    fn has_kinglet_nan(&self) -> bool {
        true
    }

    /// Instantiates a module and calls each exported function, with arguments that depend on the seed.
    fn run(&self, wasm: &[u8], seed: u64) -> Outcome;
}

/// Returns the groups of engines that must agree. The first engine of a group is the reference. The engines of the last
/// group canonicalise NaN.
pub(crate) fn groups() -> [Vec<Box<dyn ModuleRunner>>; 2] {
    [engines(), canonicalising_engines()]
}

fn canonicalising_engines() -> Vec<Box<dyn ModuleRunner>> {
    let kinglet = |name, mode| {
        let mut config = base();
        config.run_mode(mode).nan_canonicalization(true);
        Box::new(Kinglet { name, config })
    };
    vec![
        kinglet("interpreter with canonical NaN", RunMode::Interpreter),
        kinglet("jit with canonical NaN", RunMode::Jit),
        Box::new(TierUp { name: "tier-up with canonical NaN", canonical: true }),
    ]
}

fn engines() -> Vec<Box<dyn ModuleRunner>> {
    let kinglet = |name, configure: fn(&mut Config)| {
        let mut config = base();
        configure(&mut config);
        Box::new(Kinglet { name, config })
    };
    let pool = |config: &mut Config| _ = config.allocation_strategy(InstanceAllocationStrategy::pooling());
    vec![
        kinglet("interpreter", |_| ()),
        Box::new(Wasmi),
        kinglet("jit", |config| _ = config.run_mode(RunMode::Jit)),
        kinglet("jit with checks", |config| _ = config.run_mode(RunMode::Jit).signals_based_traps(false)),
        Box::new(Pooled(*kinglet("interpreter with a recycled instance", pool))),
        Box::new(Pooled(*kinglet("jit with a recycled instance", |config| {
            config.run_mode(RunMode::Jit).allocation_strategy(InstanceAllocationStrategy::pooling());
        }))),
        Box::new(TierUp { name: "tier-up", canonical: false }),
    ]
}

/// Returns the settings that all of Kinglet's configurations have.
fn base() -> Config {
    let mut config = Config::new();
    config.max_host_stack(256 << 10).run_mode(RunMode::Interpreter);
    config
}

/// Returns a random argument with this number of bits.
fn argument(random: &mut Random, bits: u32) -> u128 {
    let value = match random.below(4) {
        0 => u128::from(random.below(16)),
        1 => u128::MAX,
        2 => 0x4045_0000_0000_0000,
        _ => u128::from(random.next()) << 64 | u128::from(random.next()),
    };
    if bits == 128 { value } else { value & ((1 << bits) - 1) }
}

/// Returns the hash by which memories are compared: FNV-1a (Fowler, Noll, Vo) over words of 8 bytes.
fn hash(bytes: &[u8]) -> u64 {
    let words = bytes.chunks(8).map(|chunk| {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        u64::from_le_bytes(word)
    });
    words.fold(bytes.len() as u64 ^ 0xcbf2_9ce4_8422_2325, |hash, word| (hash ^ word).wrapping_mul(0x0100_0000_01b3))
}

struct Kinglet {
    name: &'static str,
    config: Config,
}

/// Runs a module three times and returns the last outcome. The last run recycles an instance of the earlier runs.
struct Pooled(Kinglet);

impl ModuleRunner for Pooled {
    fn name(&self) -> &'static str {
        self.0.name
    }

    fn run(&self, wasm: &[u8], seed: u64) -> Outcome {
        let module = match self.0.module(wasm) {
            Ok(module) => module,
            Err(error) => return Outcome::Failed(format!("{error:#}")),
        };
        for run in 1..3 {
            run_once(&module, seed.wrapping_add(run));
        }
        run_once(&module, seed)
    }
}

impl Kinglet {
    fn module(&self, wasm: &[u8]) -> kinglet::Result<kinglet::Module> {
        kinglet::Module::new(&kinglet::Engine::new(&self.config)?, wasm)
    }
}

impl ModuleRunner for Kinglet {
    fn name(&self) -> &'static str {
        self.name
    }

    fn run(&self, wasm: &[u8], seed: u64) -> Outcome {
        match self.module(wasm) {
            Ok(module) => run_once(&module, seed),
            Err(error) => Outcome::Failed(format!("{error:#}")),
        }
    }
}

/// Kinglet with tier-up. Every function and loop becomes native after 1 to 8 samples; the seed determines the number.
struct TierUp {
    name: &'static str,
    canonical: bool,
}

impl ModuleRunner for TierUp {
    fn name(&self) -> &'static str {
        self.name
    }

    fn run(&self, wasm: &[u8], seed: u64) -> Outcome {
        let samples = 1 + (seed % 8) as u32;
        let thresholds = TierThresholds { sampling_interval: Duration::ZERO, samples, bytes_a_sample: u32::MAX };
        let mut config = base();
        config.run_mode(RunMode::Auto).tier_thresholds(thresholds).nan_canonicalization(self.canonical);
        Kinglet { name: self.name(), config }.run(wasm, seed)
    }
}

/// Instantiates a module in a new store and calls each exported function.
fn run_once(module: &kinglet::Module, seed: u64) -> Outcome {
    let engine = module.engine();
    let mut store = kinglet::Store::new(engine, ());
    let instance = match kinglet::Instance::new(&mut store, module, &[]) {
        Ok(instance) => instance,
        Err(error) => {
            return error
                .downcast_ref()
                .map_or(Outcome::Limit, |trap| kinglet_trap(*trap).map_or(Outcome::Limit, Outcome::Failed));
        }
    };
    let mut random = Random::new(seed);
    let mut observations = Vec::new();
    let mut names: Vec<String> = module.exports().map(|export| export.name().to_string()).collect();
    names.sort();
    for name in &names {
        let Some(func) = instance.get_func(&mut store, name) else { continue };
        let ty = func.ty(&store);
        let args: Vec<Val> = ty.params().iter().map(|ty| kinglet_argument(engine, &mut random, ty)).collect();
        let arg_bits = args.iter().map(kinglet_bits).collect();
        let mut results = vec![Val::I32(0); ty.results().len()];
        let mut trace = Trace(None);
        let result = match func.call(&mut store, &args, &mut results) {
            Ok(()) => Ok(results.iter().map(kinglet_bits).collect()),
            Err(error) => match error.downcast_ref().map(|trap| kinglet_trap(*trap)) {
                Some(Some(trap)) => {
                    trace = Trace::of(&error, module);
                    Err(trap)
                }
                _ => return Outcome::Limit,
            },
        };
        let globals = names.iter().filter_map(|name| instance.get_global(&mut store, name));
        let globals: Vec<_> = globals.collect();
        let globals = globals.iter().map(|global| kinglet_bits(&global.get(&mut store))).collect();
        let memories: Vec<_> = names.iter().filter_map(|name| instance.get_memory(&mut store, name)).collect();
        let memories = memories.iter().map(|memory| hash(memory.data(&store))).collect();
        observations.push(Observation { function: name.clone(), args: arg_bits, result, trace, globals, memories });
    }
    Outcome::Ran(observations)
}

fn kinglet_argument(engine: &kinglet::Engine, random: &mut Random, ty: &kinglet::ValType) -> Val {
    use kinglet::ValType as T;
    match ty {
        T::I32 => Val::I32(argument(random, 32) as i32),
        T::I64 => Val::I64(argument(random, 64) as i64),
        T::F32 => Val::F32(argument(random, 32) as u32),
        T::F64 => Val::F64(argument(random, 64) as u64),
        T::V128 => Val::V128(kinglet::V128(argument(random, 128).to_le_bytes())),
        other => Val::default_of(*other, engine).unwrap_or(Val::I32(0)),
    }
}

fn kinglet_bits(value: &Val) -> u128 {
    match value {
        Val::I32(n) => (*n as u32).into(),
        Val::I64(n) => (*n as u64).into(),
        Val::F32(bits) => (*bits).into(),
        Val::F64(bits) => (*bits).into(),
        Val::V128(v) => u128::from_le_bytes(v.0),
        Val::FuncRef(func) => func.is_some().into(),
        Val::ExternRef(value) => value.is_some().into(),
        _ => 0,
    }
}

/// Returns a name for the trap that is common to all engines, or `None` for limits, which differ between engines.
fn kinglet_trap(trap: kinglet::Trap) -> Option<String> {
    use kinglet::Trap as T;
    Some(
        match trap {
            T::StackOverflow | T::OutOfMemory => return None,
            T::UndefinedElement | T::TableOutOfBounds => "table",
            T::UninitializedElement => "null",
            T::IndirectCallTypeMismatch => "signature",
            T::MemoryOutOfBounds => "memory",
            T::IntegerDivideByZero => "zero",
            T::IntegerOverflow => "overflow",
            T::InvalidConversionToInteger => "conversion",
            T::Unreachable => "unreachable",
            other => return Some(other.to_string()),
        }
        .into(),
    )
}

struct Wasmi;

impl ModuleRunner for Wasmi {
    fn name(&self) -> &'static str {
        "wasmi"
    }

    fn has_kinglet_nan(&self) -> bool {
        false
    }

    fn run(&self, wasm: &[u8], seed: u64) -> Outcome {
        let mut config = wasmi::Config::default();
        config.wasm_wide_arithmetic(true).wasm_custom_page_sizes(true);
        let engine = wasmi::Engine::new(&config);
        let module = match wasmi::Module::new(&engine, wasm) {
            Ok(module) => module,
            Err(error) => return Outcome::Failed(error.to_string()),
        };
        let mut store = wasmi::Store::new(&engine, ());
        let instance = match wasmi::Instance::new(&mut store, &module, &[]) {
            Ok(instance) => instance,
            Err(error) => return error.as_trap_code().and_then(wasmi_trap).map_or(Outcome::Limit, Outcome::Failed),
        };
        let mut random = Random::new(seed);
        let mut observations = Vec::new();
        let mut names: Vec<String> = module.exports().map(|export| export.name().to_string()).collect();
        names.sort();
        for name in &names {
            let Some(func) = instance.get_func(&store, name) else { continue };
            let ty = func.ty(&store);
            let args: Vec<wasmi::Val> = ty.params().iter().map(|ty| wasmi_argument(&mut random, *ty)).collect();
            let arg_bits = args.iter().map(wasmi_bits).collect();
            let mut results = vec![wasmi::Val::I32(0); ty.results().len()];
            let result = match func.call(&mut store, &args, &mut results) {
                Ok(()) => Ok(results.iter().map(wasmi_bits).collect()),
                Err(error) => match error.as_trap_code().and_then(wasmi_trap) {
                    Some(trap) => Err(trap),
                    None => return Outcome::Limit,
                },
            };
            let globals = names.iter().filter_map(|name| instance.get_global(&store, name));
            let globals = globals.map(|global| wasmi_bits(&global.get(&store))).collect();
            let memories = names.iter().filter_map(|name| instance.get_memory(&store, name));
            let memories = memories.map(|memory| hash(memory.data(&store))).collect();
            let (function, trace) = (name.clone(), Trace(None));
            observations.push(Observation { function, args: arg_bits, result, trace, globals, memories });
        }
        Outcome::Ran(observations)
    }
}

fn wasmi_argument(random: &mut Random, ty: wasmi::ValType) -> wasmi::Val {
    use wasmi::ValType as T;
    match ty {
        T::I32 => wasmi::Val::I32(argument(random, 32) as i32),
        T::I64 => wasmi::Val::I64(argument(random, 64) as i64),
        T::F32 => wasmi::Val::F32(wasmi::F32::from_bits(argument(random, 32) as u32)),
        T::F64 => wasmi::Val::F64(wasmi::F64::from_bits(argument(random, 64) as u64)),
        T::V128 => wasmi::Val::V128(argument(random, 128).into()),
        other => wasmi::Val::default_for_ty(other),
    }
}

fn wasmi_bits(value: &wasmi::Val) -> u128 {
    match value {
        wasmi::Val::I32(n) => (*n as u32).into(),
        wasmi::Val::I64(n) => (*n as u64).into(),
        wasmi::Val::F32(n) => n.to_bits().into(),
        wasmi::Val::F64(n) => n.to_bits().into(),
        wasmi::Val::V128(v) => v.as_u128(),
        wasmi::Val::FuncRef(func) => u128::from(!func.is_null()),
        wasmi::Val::ExternRef(value) => u128::from(!value.is_null()),
    }
}

fn wasmi_trap(trap: wasmi::TrapCode) -> Option<String> {
    use wasmi::TrapCode as T;
    Some(
        match trap {
            T::TableOutOfBounds => "table",
            T::IndirectCallToNull => "null",
            T::BadSignature => "signature",
            T::MemoryOutOfBounds => "memory",
            T::IntegerDivisionByZero => "zero",
            T::IntegerOverflow => "overflow",
            T::BadConversionToInteger => "conversion",
            T::UnreachableCodeReached => "unreachable",
            _ => return None,
        }
        .into(),
    )
}
