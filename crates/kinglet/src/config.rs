//! The settings of an engine: plain data that the engine reads once, when it is created.

use std::num::NonZeroUsize;
use std::time::Duration;

use kinglet_abi::settings::CompileTarget;
use kinglet_abi::{Optimization, Settings};
use kinglet_wasm::op::Op;
use kinglet_wasm::walk::Metering;
use kinglet_wasm::{Feature, Features};

use crate::pool::{InstanceAllocationStrategy, PoolingAllocationConfig};
use crate::{Error, Result};

/// The settings of an [`Engine`](crate::Engine). Many exist under Wasmtime's names as well; both names set the same
/// value, and the last call counts.
///
/// ```
/// use kinglet::{Config, Engine, Feature, Instance, Module, Store, Trap};
///
/// let mut config = Config::new();
/// config.feature(Feature::Simd, false).max_wasm_stack(1 << 20).gas(true);
/// let engine = Engine::new(&config)?;
/// assert!(Module::new(&engine, "(module (func (param v128)))").is_err(), "vectors are off");
///
/// let module = Module::new(&engine, r#"(module (func (export "spin") (loop (br 0))))"#)?;
/// let mut store = Store::new(&engine, ());
/// store.set_gas(100_000)?;
/// let spin = Instance::new(&mut store, &module, &[])?.get_typed_func::<(), ()>(&mut store, "spin")?;
/// let error = spin.call(&mut store, ()).unwrap_err();
/// assert_eq!((error.downcast_ref::<Trap>(), store.gas()), (Some(&Trap::OutOfGas), 0));
/// # Ok::<(), kinglet::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Config {
    pub(crate) features: Features,
    pub(crate) max_wasm_stack: usize,
    pub(crate) max_host_stack: usize,
    pub(crate) memory_page_limit: Option<u64>,
    pub(crate) metering: Option<Metering>,
    pub(crate) backtrace_details: bool,
    pub(crate) backtrace_frames: Option<NonZeroUsize>,
    pub(crate) run_mode: RunMode,
    pub(crate) tier_up: bool,
    pub(crate) tier_thresholds: TierThresholds,
    pub(crate) optimization: Optimization,
    pub(crate) interruptible: bool,
    pub(crate) epoch_interruption: bool,
    pub(crate) nan_canonicalization: bool,
    pub(crate) spectre_mitigation: bool,
    pub(crate) signals_based_traps: bool,
    pub(crate) memory_reservation: u64,
    pub(crate) memory_guard_size: u64,
    pub(crate) compiler_threads: Option<usize>,
    pub(crate) compiler_memory: usize,
    pub(crate) target: CompileTarget,
    pub(crate) profile: Option<Profile>,
    #[cfg(feature = "jit")]
    pub(crate) cache: Option<crate::Cache>,
    pub(crate) pool: Option<PoolingAllocationConfig>,
}

/// The format in which a profiler learns the functions of native code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// One line per function in `/tmp/perf-PID.map`, which Linux's `perf report` reads.
    PerfMap,
    /// One record per function, with its code, in `jit-PID.dump` in the current directory. `perf inject --jit` merges the
    /// file into a recording of `perf record -k mono`; `perf annotate` then shows instructions.
    JitDump,
}

/// The thresholds from which interpreted code is hot and gets compiled. A sampler asks interpreting stores at intervals
/// for the running function. A store answers at the next function entry or loop back-edge; each answer is a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TierThresholds {
    /// The time between two samples of a store. The default is 250 µs. With zero, every entry and every back-edge is a
    /// sample, and the guest waits while hot code is compiled; this is for tests.
    pub sampling_interval: Duration,
    /// The number of samples that makes a function hot, or a loop that is compiled for on-stack replacement. The default
    /// is 2; 0 counts as 1. In a hot function, a loop needs only half of the samples for the function's size, and the
    /// function itself an eighth if its frames seem to stay in loops. On one processor the number doubles, unless the
    /// interval is zero.
    pub samples: u32,
    /// The number of bytes of a function's body per additional sample, because large functions take longer to compile. The
    /// default is 2000; 0 counts as 1. On one processor it is a fifth of that, unless the interval is zero.
    pub bytes_a_sample: u32,
}

impl Default for TierThresholds {
    fn default() -> TierThresholds {
        TierThresholds { sampling_interval: Duration::from_micros(250), samples: 2, bytes_a_sample: 2000 }
    }
}

impl TierThresholds {
    /// Returns the number of samples that makes a function with a body of this many bytes hot.
    #[cfg(feature = "jit")]
    pub(crate) fn needed(&self, bytes: usize) -> u32 {
        let more = bytes as u64 / u64::from(self.bytes_a_sample.max(1));
        self.samples.saturating_add(u32::try_from(more).unwrap_or(u32::MAX))
    }
}

/// The way in which an engine runs code. A guest behaves the same in every mode, except that its calls can nest more or
/// less deeply.
///
/// ```
/// use kinglet::{Config, Engine, Instance, Module, RunMode, Store};
///
/// for mode in [RunMode::Auto, RunMode::Interpreter, RunMode::Jit] {
///     let engine = Engine::new(Config::new().run_mode(mode))?;
///     let module = Module::new(&engine, r#"(module (func (export "six") (result i32) (i32.const 6)))"#)?;
///     let mut store = Store::new(&engine, ());
///     let six = Instance::new(&mut store, &module, &[])?.get_typed_func::<(), i32>(&mut store, "six")?;
///     assert_eq!(six.call(&mut store, ())?, 6, "in every mode");
/// }
/// # Ok::<(), kinglet::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RunMode {
    /// Starts in the interpreter at once and compiles hot code in the background ([`Config::tier_up`]). Without the Cargo
    /// feature `jit` the engine interprets everything.
    #[default]
    Auto,
    /// Interprets all code.
    Interpreter,
    /// Compiles every module when it is created, on all processors.
    Jit,
}

impl Config {
    /// Creates the default configuration: WebAssembly 3.0 and every finished proposal, 16 MiB of guest stack, no metering.
    pub fn new() -> Config {
        Config {
            features: Features::default(),
            max_wasm_stack: 16 << 20,
            max_host_stack: 512 << 10,
            memory_page_limit: None,
            metering: None,
            backtrace_details: true,
            backtrace_frames: NonZeroUsize::new(DEFAULT_FRAMES),
            run_mode: RunMode::Auto,
            tier_up: true,
            tier_thresholds: TierThresholds::default(),
            optimization: Optimization::Speed,
            interruptible: true,
            epoch_interruption: false,
            nan_canonicalization: false,
            spectre_mitigation: true,
            signals_based_traps: true,
            memory_reservation: 4 << 30,
            memory_guard_size: 32 << 20,
            compiler_threads: None,
            compiler_memory: Settings::default().compiler_memory,
            target: CompileTarget::default(),
            profile: None,
            #[cfg(feature = "jit")]
            cache: None,
            pool: None,
        }
    }

    /// Sets the proposals that modules can use. By default these are all finished ones.
    pub fn features(&mut self, features: Features) -> &mut Config {
        self.features = features;
        self
    }

    /// Enables or disables a proposal. Unfinished proposals can be enabled too; an operation that this version lacks then
    /// traps with [`Trap::Unsupported`](crate::Trap::Unsupported).
    pub fn feature(&mut self, feature: Feature, on: bool) -> &mut Config {
        self.features.set(feature, on);
        self
    }

    /// Sets the maximum size of a store's guest stack in bytes, 16 MiB by default. Values are clamped to the range from
    /// 64 KiB to 1 TiB. The store reserves the stack when it first enters the interpreter, and uses memory only as the
    /// stack grows. Deeper calls trap with [`Trap::StackOverflow`](crate::Trap::StackOverflow).
    pub fn max_wasm_stack(&mut self, bytes: usize) -> &mut Config {
        self.max_wasm_stack = bytes.clamp(64 << 10, 1 << 40);
        self
    }

    /// Sets the number of bytes of the calling thread's stack that guests can use: 512 KiB by default, at least 16 KiB.
    /// Nested calls between host and guest use it, and so do calls between native functions, for which
    /// [`Config::max_wasm_stack`] is a second limit. When native code has used it up, further calls are interpreted on the
    /// guest stack, which is slower.
    ///
    /// The thread's stack must be larger than this. Host functions need their own part. Unless everything is interpreted,
    /// the compiler needs 256 KiB, because a first call between host, interpreter and native code compiles a trampoline.
    pub fn max_host_stack(&mut self, bytes: usize) -> &mut Config {
        self.max_host_stack = bytes.max(16 << 10);
        self
    }

    /// Limits every memory to a number of pages; none by default. Instantiating a module whose memory starts with more
    /// fails, and so does `memory.grow` beyond the limit.
    pub fn memory_page_limit(&mut self, pages: Option<u64>) -> &mut Config {
        self.memory_page_limit = pages;
        self
    }

    /// Sets whether backtraces show files and lines of modules with DWARF sections. The default is on. Without the Cargo
    /// feature `addr2line` it has no effect.
    ///
    /// Kinglet reads the sections when a backtrace is first shown. For a large module that takes a moment, and memory in
    /// proportion to their size. The backtrace of an interrupted guest omits files and lines, because nobody should wait
    /// for them after a deadline; [`FrameInfo::symbols`](crate::FrameInfo::symbols) returns them.
    pub fn backtrace_details(&mut self, on: bool) -> &mut Config {
        self.backtrace_details = on;
        self
    }

    /// Sets the run mode, [`RunMode::Auto`] by default.
    pub fn run_mode(&mut self, mode: RunMode) -> &mut Config {
        self.run_mode = mode;
        self
    }

    /// Sets whether [`RunMode::Auto`] compiles hot code in the background. The default is on: guests switch to native code
    /// at the next call, or in the middle of a loop. If it is off, modules with up to 128 KiB of code are compiled before
    /// they start, and larger ones are interpreted.
    pub fn tier_up(&mut self, on: bool) -> &mut Config {
        self.tier_up = on;
        self
    }

    /// Sets the thresholds from which code is hot.
    pub fn tier_thresholds(&mut self, thresholds: TierThresholds) -> &mut Config {
        self.tier_thresholds = thresholds;
        self
    }

    /// Returns the number of threads that compile hot code. One processor remains for the guest.
    #[cfg(feature = "jit")]
    pub(crate) fn background_threads(&self) -> usize {
        let spare = || std::thread::available_parallelism().map_or(1, usize::from).saturating_sub(1).clamp(1, 4);
        self.compiler_threads.unwrap_or_else(spare)
    }

    /// Sets the compiler's optimization level, [`Optimization::Speed`] by default.
    pub fn optimization(&mut self, level: Optimization) -> &mut Config {
        self.optimization = level;
        self
    }

    /// Sets whether native code checks for interrupts at function entries and loop headers. The default is on. If it is
    /// off, [`Store::interrupt_handle`](crate::Store::interrupt_handle) and deadlines end a guest only in the interpreter
    /// and in host functions; native code is a few per cent faster.
    pub fn interruptible(&mut self, on: bool) -> &mut Config {
        self.interruptible = on;
        self
    }

    /// Sets whether floating-point arithmetic produces only the canonical NaN. Blockchains need this, so that a program
    /// computes the same on every processor. The default is off: a NaN then has the bits that the processor's instructions
    /// produce, which are the same in every [`RunMode`] but differ between architectures.
    ///
    /// ```
    /// use kinglet::{Config, Engine, Instance, Module, Store};
    ///
    /// let engine = Engine::new(Config::new().nan_canonicalization(true))?;
    /// let module = Module::new(&engine, r#"(module (func (export "zero over zero") (param f32) (result f32)
    ///     (f32.div (local.get 0) (local.get 0))))"#)?;
    /// let mut store = Store::new(&engine, ());
    /// let div = Instance::new(&mut store, &module, &[])?.get_typed_func::<f32, f32>(&mut store, "zero over zero")?;
    /// assert_eq!(div.call(&mut store, 0.0)?.to_bits(), 0x7fc0_0000);
    /// # Ok::<(), kinglet::Error>(())
    /// ```
    pub fn nan_canonicalization(&mut self, on: bool) -> &mut Config {
        self.nan_canonicalization = on;
        self
    }

    /// Sets whether native code prevents speculation with an index that a bounds check rejects (Spectre variant 1). The
    /// default is on. It applies to tables, and to memories with checked accesses.
    pub fn spectre_mitigation(&mut self, on: bool) -> &mut Config {
        self.spectre_mitigation = on;
        self
    }

    /// Sets whether native code traps through processor faults, which a signal handler catches, instead of explicit checks.
    /// The default is on; it has an effect on supported platforms. Kinglet installs the handler once per process and
    /// passes faults outside guest code to the previous handler.
    pub fn signals_based_traps(&mut self, on: bool) -> &mut Config {
        self.signals_based_traps = on;
        self
    }

    /// Sets the number of bytes of address space that each 32-bit memory reserves, 4 GiB by default. With 4 GiB or more,
    /// native code needs no bounds checks. It checks every access if the reservation is smaller, if the system denies it
    /// (every system denies 128 TiB), or without [`Config::signals_based_traps`].
    ///
    /// The engine probes the system when it is created, and again for each memory. An instance with a memory that could
    /// not be reserved runs code with checks, for which its module is compiled a second time.
    pub fn memory_reservation(&mut self, bytes: u64) -> &mut Config {
        self.memory_reservation = bytes;
        self
    }

    /// Sets the number of inaccessible bytes after each reservation: 32 MiB by default, rounded up to a multiple of 64 KiB.
    /// Accesses with smaller constant offsets need no check. With 0, or if the system denies it in addition to
    /// [`Config::memory_reservation`], memories reserve nothing and every access is checked.
    pub fn memory_guard_size(&mut self, bytes: u64) -> &mut Config {
        self.memory_guard_size = bytes.checked_next_multiple_of(64 << 10).unwrap_or(u64::MAX);
        self
    }

    /// Sets the number of threads that compile a module, clamped to the range from 1 to 256. The default is one per
    /// processor.
    pub fn compiler_threads(&mut self, threads: usize) -> &mut Config {
        self.compiler_threads = Some(threads.clamp(1, 256));
        self
    }

    /// Sets the approximate number of bytes of memory that compiling a function can take, 1 GiB by default. Kinglet
    /// estimates the need of a function ahead of time. Functions that are compiled in parallel share the memory.
    ///
    /// A function with a larger estimate stays interpreted, in every run mode and in the artifacts of
    /// [`Engine::precompile_module`](crate::Engine::precompile_module). The limit is a quarter of this while guests run
    /// ([`RunMode::Auto`]), and in [`Module::compile_for_next_start`](crate::Module::compile_for_next_start). Since the
    /// limit decides which functions have native code, a cache stores code for each value separately.
    ///
    /// The estimate also bounds the time that compiling a function takes. In typical programs few functions exceed a
    /// sixteenth of the default; the largest function of CPython does not.
    pub fn compiler_memory(&mut self, bytes: usize) -> &mut Config {
        self.compiler_memory = bytes;
        self
    }

    /// Sets the target of [`Engine::precompile_module`](crate::Engine::precompile_module), as a triple or an architecture
    /// (see [`full_triple`](crate::full_triple)). The default is this machine. With another target the engine itself
    /// interprets. Another architecture needs the Cargo feature `all-targets`.
    pub fn target(&mut self, triple: &str) -> &mut Config {
        self.target.triple = Some(triple.to_string());
        self
    }

    /// Sets whether artifacts use only the instructions that every processor of the architecture has. For x86-64 that is
    /// the psABI's level v2, which processors have since 2009. The default is off: artifacts use this processor's
    /// instructions. If it is on, the engine itself interprets, as with [`Config::target`].
    pub fn generic_processor(&mut self, on: bool) -> &mut Config {
        self.target.generic = on;
        self
    }

    /// Enables or disables a processor feature in artifacts, whether or not this processor has it. The engine itself then
    /// interprets, as with [`Config::target`].
    pub fn cpu_feature(&mut self, name: &str, on: bool) -> &mut Config {
        self.target.features.push((name.to_string(), on));
        self
    }

    /// Sets the format in which a profiler learns the functions of native code; none by default. Functions of modules appear
    /// under their names, or as `func[N]`, and trampolines as `[kinglet]` with their purpose. Interpreted functions do not
    /// appear separately; with [`RunMode::Jit`] there are none.
    ///
    /// Profiles need Linux. [`Engine::new`](crate::Engine::new) fails elsewhere, and if the file cannot be written.
    pub fn profile(&mut self, profile: Option<Profile>) -> &mut Config {
        self.profile = profile;
        self
    }

    /// Sets a cache, which keeps modules and their native code on disk, so that a later start need not validate and compile
    /// them again. There is none by default.
    #[cfg(feature = "jit")]
    pub fn cache(&mut self, cache: Option<crate::Cache>) -> &mut Config {
        self.cache = cache;
        self
    }

    /// Sets how instances are allocated: each on demand, which is the default, or from a pool of recycled instances. With a
    /// pool, creating another instance of a module takes about a microsecond. Guests behave the same with both.
    pub fn allocation_strategy(&mut self, strategy: impl Into<InstanceAllocationStrategy>) -> &mut Config {
        self.pool = match strategy.into() {
            InstanceAllocationStrategy::OnDemand => None,
            InstanceAllocationStrategy::Pooling(pool) => Some(pool),
        };
        self
    }

    /// Sets whether the engine meters execution; off by default. Each operation then costs one unit of gas, or its
    /// [`Config::gas_cost`]. A guest without gas traps with [`Trap::OutOfGas`](crate::Trap::OutOfGas). A store starts with
    /// no gas; [`Store::set_gas`](crate::Store::set_gas) adds some.
    pub fn gas(&mut self, on: bool) -> &mut Config {
        self.metering = on.then(|| self.metering.take().unwrap_or_default());
        self
    }

    /// Sets the cost of an operation, by its name in the text format, and enables metering.
    ///
    /// ```
    /// use kinglet::{Config, Engine, Instance, Module, Store};
    ///
    /// let mut config = Config::new();
    /// config.gas_cost("i32.div_s", 40)?.gas_cost("local.get", 0)?;
    /// let engine = Engine::new(&config)?;
    /// let module = Module::new(&engine, r#"(module (func (export "div") (param i32 i32) (result i32)
    ///     (i32.div_s (local.get 0) (local.get 1))))"#)?;
    /// let mut store = Store::new(&engine, ());
    /// store.set_gas(100)?;
    /// let div = Instance::new(&mut store, &module, &[])?.get_typed_func::<(i32, i32), i32>(&mut store, "div")?;
    /// assert_eq!(div.call(&mut store, (7, 2))?, 3);
    /// assert_eq!(store.gas(), 59, "the division and the function's end");
    /// # Ok::<(), kinglet::Error>(())
    /// ```
    ///
    /// # Errors
    /// If no operation has this name, or the cost exceeds [`i64::MAX`].
    pub fn gas_cost(&mut self, operation: &str, cost: u64) -> Result<&mut Config> {
        // More than one is called `select`.
        let mut named = Op::all().filter(|op| op.text() == operation).peekable();
        if named.peek().is_none() {
            return Err(Error::msg(format!("there is no operation called {operation:?}")));
        }
        if i64::try_from(cost).is_err() {
            let most = i64::MAX;
            return Err(Error::msg(format!("{operation} cannot cost {cost} units of gas; the most is {most}")));
        }
        let metering = self.metering.get_or_insert_default();
        named.for_each(|op| metering.set_cost(op, cost));
        Ok(self)
    }
}

/// Wasmtime's names of the same settings, and a few settings of its own.
impl Config {
    /// Sets whether the engine meters execution: [`Config::gas`] under Wasmtime's name. A store then starts with no fuel.
    pub fn consume_fuel(&mut self, on: bool) -> &mut Config {
        self.gas(on)
    }

    /// Sets whether stores have an epoch deadline; off by default. A new store's deadline has already come, so a guest
    /// traps until [`Store::set_epoch_deadline`](crate::Store::set_epoch_deadline) is called. Native code then checks for
    /// interrupts even if [`Config::interruptible`] is off.
    pub fn epoch_interruption(&mut self, on: bool) -> &mut Config {
        self.epoch_interruption = on;
        self
    }

    /// Sets the run mode by the name of a compiler: see [`Strategy`].
    pub fn strategy(&mut self, strategy: Strategy) -> &mut Config {
        self.run_mode(match strategy {
            Strategy::Auto | Strategy::Winch => RunMode::Auto,
            Strategy::Cranelift => RunMode::Jit,
        })
    }

    /// Sets the compiler's optimization level: [`Config::optimization`] under Wasmtime's name.
    pub fn cranelift_opt_level(&mut self, level: Optimization) -> &mut Config {
        self.optimization(level)
    }

    /// Sets whether floating-point arithmetic produces only the canonical NaN: [`Config::nan_canonicalization`] under
    /// Wasmtime's name. It holds for interpreted code too.
    pub fn cranelift_nan_canonicalization(&mut self, on: bool) -> &mut Config {
        self.nan_canonicalization(on)
    }

    /// Sets whether a module is compiled on all processors, as it is by default, or on one thread. This overrides
    /// [`Config::compiler_threads`].
    pub fn parallel_compilation(&mut self, on: bool) -> &mut Config {
        self.compiler_threads = (!on).then_some(1);
        self
    }

    /// Sets the format in which a profiler learns the functions of native code: [`Config::profile`] under Wasmtime's name.
    pub fn profiler(&mut self, strategy: ProfilingStrategy) -> &mut Config {
        self.profile(match strategy {
            ProfilingStrategy::None => None,
            ProfilingStrategy::PerfMap => Some(Profile::PerfMap),
            ProfilingStrategy::JitDump => Some(Profile::JitDump),
        })
    }

    /// Sets whether errors carry a backtrace. Turning it on keeps a limit that [`Config::wasm_backtrace_max_frames`] set.
    pub fn wasm_backtrace(&mut self, on: bool) -> &mut Config {
        let frames = self.backtrace_frames.or(NonZeroUsize::new(DEFAULT_FRAMES));
        self.backtrace_frames = frames.filter(|_| on);
        self
    }

    /// Sets the maximum number of frames in a backtrace, 64 by default. The innermost frames are kept. With none, errors
    /// carry no backtrace, and [`WasmBacktrace::capture`](crate::WasmBacktrace::capture) returns an empty one.
    pub fn wasm_backtrace_max_frames(&mut self, limit: Option<NonZeroUsize>) -> &mut Config {
        self.backtrace_frames = limit;
        self
    }

    /// Sets whether backtraces show files and lines: [`Config::backtrace_details`] under Wasmtime's name.
    pub fn wasm_backtrace_details(&mut self, details: WasmBacktraceDetails) -> &mut Config {
        self.backtrace_details(match details {
            WasmBacktraceDetails::Enable => true,
            WasmBacktraceDetails::Disable => false,
            WasmBacktraceDetails::Environment => {
                std::env::var("WASMTIME_BACKTRACE_DETAILS").is_ok_and(|set| set == "1")
            }
        })
    }
}

/// The number of frames that a backtrace keeps by default, innermost first.
const DEFAULT_FRAMES: usize = 64;

/// A choice of compiler by Wasmtime's names: see [`Config::strategy`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Strategy {
    /// Kinglet's default, [`RunMode::Auto`].
    Auto,
    /// Compiles every module before it runs, with optimizations: [`RunMode::Jit`].
    Cranelift,
    /// Starts fast. Winch is a baseline compiler; Kinglet uses [`RunMode::Auto`], which starts in the interpreter.
    Winch,
}

/// The format for a profiler by Wasmtime's names: see [`Config::profiler`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProfilingStrategy {
    /// No profile.
    None,
    /// [`Profile::PerfMap`].
    PerfMap,
    /// [`Profile::JitDump`].
    JitDump,
}

/// Whether backtraces show files and lines: see [`Config::wasm_backtrace_details`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WasmBacktraceDetails {
    /// They do.
    Enable,
    /// They do not.
    Disable,
    /// They do if the environment variable `WASMTIME_BACKTRACE_DETAILS` is `1` at the time of the call.
    Environment,
}

macro_rules! proposals {
    ($($name:ident $feature:ident;)*) => {
        /// Proposals by Wasmtime's names. Each method is [`Config::feature`] for one proposal.
        impl Config {
            $(
                #[doc = concat!("Enables or disables [`Feature::", stringify!($feature), "`].")]
                pub fn $name(&mut self, on: bool) -> &mut Config {
                    self.feature(Feature::$feature, on)
                }
            )*
        }
    };
}

proposals! {
    wasm_bulk_memory BulkMemory;
    wasm_custom_page_sizes CustomPageSizes;
    wasm_exceptions Exceptions;
    wasm_extended_const ExtendedConst;
    wasm_function_references FunctionReferences;
    wasm_gc Gc;
    wasm_memory64 Memory64;
    wasm_multi_memory MultiMemory;
    wasm_multi_value MultiValue;
    wasm_reference_types ReferenceTypes;
    wasm_relaxed_simd RelaxedSimd;
    wasm_simd Simd;
    wasm_tail_call TailCall;
    wasm_threads Threads;
    wasm_wide_arithmetic WideArithmetic;
}

impl Default for Config {
    fn default() -> Config {
        Config::new()
    }
}
