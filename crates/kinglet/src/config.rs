//! The settings of an engine: plain data, read once when the engine is made.

use std::time::Duration;

use kinglet_abi::settings::CompileTarget;
use kinglet_abi::{Optimization, Settings};
use kinglet_wasm::op::Op;
use kinglet_wasm::walk::Metering;
use kinglet_wasm::{Feature, Features};

use crate::pool::{InstanceAllocationStrategy, PoolingAllocationConfig};
use crate::{Error, Result};

/// Settings of an [`Engine`](crate::Engine).
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
    pub(crate) run_mode: RunMode,
    pub(crate) tier_up: bool,
    pub(crate) tier_thresholds: TierThresholds,
    pub(crate) optimization: Optimization,
    pub(crate) interruptible: bool,
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

/// How a profiler is told which function native code belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// A line for each function in `/tmp/perf-PID.map`, which Linux's `perf report` reads.
    PerfMap,
    /// A record for each function, with its code, in `jit-PID.dump` in the present folder. What `perf record -k mono` has
    /// recorded, `perf inject --jit` puts together with it; then `perf annotate` has the instructions too.
    JitDump,
}

/// When interpreted code counts as hot, and is compiled. Stores that interpret are asked from time to time which function
/// they are in, at its entry or the back-edge of one of its loops; each answer is a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TierThresholds {
    /// How long it is from one sample of a store to the next. With zero every entry and every back-edge is a sample, and
    /// what is hot is compiled on the spot, while the guest waits: for tests.
    pub sampling_interval: Duration,
    /// How many samples make a function hot, or a loop that is to be entered in the middle; 0 counts as 1. Besides, of a function that is
    /// hot its size counts half for one of its loops, and an eighth for its own code if its frames seem to stay in loops.
    /// Where a process has one processor alone it is twice as many, unless every entry and back-edge is a sample.
    pub samples: u32,
    /// For how many bytes of a function's body it takes one sample more: large ones take longer to compile; 0 counts as 1.
    /// Where a process has one processor alone it is a fifth as many, with the same exception.
    pub bytes_a_sample: u32,
}

impl Default for TierThresholds {
    fn default() -> TierThresholds {
        TierThresholds { sampling_interval: Duration::from_micros(250), samples: 2, bytes_a_sample: 2000 }
    }
}

impl TierThresholds {
    /// How many samples make a function with a body of so many bytes hot.
    #[cfg(feature = "jit")]
    pub(crate) fn needed(&self, bytes: usize) -> u32 {
        let more = bytes as u64 / u64::from(self.bytes_a_sample.max(1));
        self.samples.saturating_add(u32::try_from(more).unwrap_or(u32::MAX))
    }
}

/// How an engine runs code. What a guest can see does not depend on it, but for how deep its calls may go.
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
    /// Starts at once, interpreting, and compiles what turns out hot ([`Config::tier_up`]). Without the Cargo feature `jit`
    /// everything is interpreted.
    #[default]
    Auto,
    /// Interprets everything.
    Interpreter,
    /// Compiles every module when it is made, on all processors.
    Jit,
}

impl Config {
    /// WebAssembly 3.0 and every finished proposal, 16 MiB of guest stack, no metering.
    pub fn new() -> Config {
        Config {
            features: Features::default(),
            max_wasm_stack: 16 << 20,
            max_host_stack: 512 << 10,
            memory_page_limit: None,
            metering: None,
            backtrace_details: true,
            run_mode: RunMode::Auto,
            tier_up: true,
            tier_thresholds: TierThresholds::default(),
            optimization: Optimization::Speed,
            interruptible: true,
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

    /// Sets which proposals modules may use.
    pub fn features(&mut self, features: Features) -> &mut Config {
        self.features = features;
        self
    }

    /// Lets modules use a proposal, or not. One that is not finished can be turned on too; an operation of it that this
    /// version lacks then traps.
    pub fn feature(&mut self, feature: Feature, on: bool) -> &mut Config {
        self.features.set(feature, on);
        self
    }

    /// Sets how large a store's guest stack may become, in bytes: at least 64 KiB and at most 1 TiB, to which other values
    /// are rounded. It is reserved when the interpreter is first entered, and takes memory only as it is used. Calls
    /// beyond it trap with [`Trap::StackOverflow`](crate::Trap::StackOverflow).
    pub fn max_wasm_stack(&mut self, bytes: usize) -> &mut Config {
        self.max_wasm_stack = bytes.clamp(64 << 10, 1 << 40);
        self
    }

    /// Sets how much of the calling thread's stack guests may use, in bytes: nested calls between host and guest, and
    /// calls of native code among one another, which are also held to [`Config::max_wasm_stack`]. Where native code has
    /// used it up, functions are interpreted, on the guest stack: what it costs is speed. The thread must have as much,
    /// and beside it what host functions need and, unless everything is interpreted, 256 KiB for the compiler, which makes
    /// what calls between host, interpreter and native code need where such a call is first made. Less than 16 KiB are
    /// rounded up to that.
    pub fn max_host_stack(&mut self, bytes: usize) -> &mut Config {
        self.max_host_stack = bytes.max(16 << 10);
        self
    }

    /// Caps every memory at this many pages. A module that starts with more is refused; growth beyond it fails as
    /// `memory.grow` does.
    pub fn memory_page_limit(&mut self, pages: Option<u64>) -> &mut Config {
        self.memory_page_limit = pages;
        self
    }

    /// Sets whether backtraces say file and line where the module has DWARF sections; they do unless it is turned off,
    /// or Kinglet is built without its Cargo feature `addr2line`. The sections are read when a backtrace is first shown,
    /// which for a large module takes a moment, and memory in proportion to their size. A backtrace of what was interrupted
    /// is shown without files and lines, so that nobody waits for them after a deadline; `FrameInfo::symbols` finds them.
    pub fn backtrace_details(&mut self, on: bool) -> &mut Config {
        self.backtrace_details = on;
        self
    }

    /// Sets how code is run.
    pub fn run_mode(&mut self, mode: RunMode) -> &mut Config {
        self.run_mode = mode;
        self
    }

    /// Sets whether, in [`RunMode::Auto`], code that turns out hot is compiled while the guest goes on, which goes over to
    /// it at the next call, or in the middle of a loop. It is unless this is turned off; then modules with up to 128 KiB
    /// of code are compiled before they start, and larger ones are interpreted.
    pub fn tier_up(&mut self, on: bool) -> &mut Config {
        self.tier_up = on;
        self
    }

    /// Sets when code counts as hot.
    pub fn tier_thresholds(&mut self, thresholds: TierThresholds) -> &mut Config {
        self.tier_thresholds = thresholds;
        self
    }

    /// On how many threads hot code is compiled: a processor is left to the guest.
    #[cfg(feature = "jit")]
    pub(crate) fn background_threads(&self) -> usize {
        let spare = || std::thread::available_parallelism().map_or(1, usize::from).saturating_sub(1).clamp(1, 4);
        self.compiler_threads.unwrap_or_else(spare)
    }

    /// Sets how hard the compiler tries.
    pub fn optimization(&mut self, level: Optimization) -> &mut Config {
        self.optimization = level;
        self
    }

    /// Sets whether native code looks, at every function's entry and every loop, whether it is to end: it does unless
    /// this is turned off. The interpreter always looks. Without it [`Store::interrupt_handle`](crate::Store) and
    /// deadlines end a guest only where it is interpreted or calls the host; code is a few per cent faster.
    pub fn interruptible(&mut self, on: bool) -> &mut Config {
        self.interruptible = on;
        self
    }

    /// Sets whether arithmetic on floats gives no other NaN than the canonical one, as some chains of blocks ask for so that
    /// a program computes the same on every processor. Without it, as it is if nothing is said, a NaN has the bits that the
    /// processor's instructions give: the same in every [`RunMode`], but not on processors of another kind.
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

    /// Sets whether native code keeps a mispredicted processor from using an index that a check has refused (Spectre
    /// variant 1): for tables, and for memories whose every access is checked. It does unless this is turned off.
    pub fn spectre_mitigation(&mut self, on: bool) -> &mut Config {
        self.spectre_mitigation = on;
        self
    }

    /// Sets whether native code traps by faults of the processor, caught by a signal handler, rather than by tests
    /// beforehand. It does where the platform is known, unless this is turned off. The handler is installed once a
    /// process; faults that are no guest's go on to whoever handled them before.
    pub fn signals_based_traps(&mut self, on: bool) -> &mut Config {
        self.signals_based_traps = on;
        self
    }

    /// Sets how many bytes of address space each 32-bit memory reserves. With 4 GiB, as it is if nothing is said, or
    /// more, native code need not check accesses; with less every access is checked, as it is where the system refuses
    /// so much (all refuse 128 TiB), or without [`Config::signals_based_traps`]. What the system grants is tried when the
    /// engine is made, and for each memory: an instance that has or imports one that could not be reserved runs code with
    /// checks, for which its module is compiled once more.
    pub fn memory_reservation(&mut self, bytes: u64) -> &mut Config {
        self.memory_reservation = bytes;
        self
    }

    /// Sets how many bytes behind a reservation are kept inaccessible, 32 MiB if nothing is said, rounded up to 64 KiB:
    /// accesses with constant offsets below it need no check. With 0, or where the system refuses so much beside
    /// [`Config::memory_reservation`], nothing is reserved and every access is checked.
    pub fn memory_guard_size(&mut self, bytes: u64) -> &mut Config {
        self.memory_guard_size = bytes.checked_next_multiple_of(64 << 10).unwrap_or(u64::MAX);
        self
    }

    /// Sets on how many threads a module is compiled, from 1 to 256, to which other values are rounded; on all processors
    /// if nothing is said.
    pub fn compiler_threads(&mut self, threads: usize) -> &mut Config {
        self.compiler_threads = Some(threads.clamp(1, 256));
        self
    }

    /// Sets about how many bytes of memory the compiler may take for a function, 1 GiB by default. What it would take is
    /// estimated before it begins, from the function alone; functions that are compiled at the same time share the memory.
    /// A function that would take more stays interpreted, in every run mode and in what
    /// [`Engine::precompile_module`](crate::Engine::precompile_module) makes. While guests run ([`RunMode::Auto`]) and for
    /// the next start ([`Module::compile_for_next_start`](crate::Module::compile_for_next_start)) a function may take a
    /// quarter of it.
    ///
    /// A cache keeps native code of a module for each value apart: it lacks the functions that would take more.
    ///
    /// The time that a function takes grows with the estimate, and is bounded with it. Of usual programs few functions are
    /// estimated at more than a sixteenth of the default; the largest of CPython is not.
    pub fn compiler_memory(&mut self, bytes: usize) -> &mut Config {
        self.compiler_memory = bytes;
        self
    }

    /// Has the engine make code for a target, given by its triple or the name of its processor (see
    /// [`full_triple`](crate::full_triple)), rather than the machine at hand:
    /// [`Engine::precompile_module`](crate::Engine::precompile_module) makes it, and the engine itself interprets. Needs
    /// the Cargo feature `all-targets` unless the processor is of the same kind.
    pub fn target(&mut self, triple: &str) -> &mut Config {
        self.target.triple = Some(triple.to_string());
        self
    }

    /// Has the engine make code that uses only what every processor of the kind can do, or what this one can. For x86-64
    /// the former is what all have since 2009, the psABI's level v2. As with [`Config::target`], it is not run here.
    pub fn generic_processor(&mut self, on: bool) -> &mut Config {
        self.target.generic = on;
        self
    }

    /// Has the engine make code that uses a feature of the processor, or does not, whatever the processor at hand can do.
    /// As with [`Config::target`], it is not run here.
    pub fn cpu_feature(&mut self, name: &str, on: bool) -> &mut Config {
        self.target.features.push((name.to_string(), on));
        self
    }

    /// Has native code made known to a profiler: functions of modules by their names, else as `func[N]`, and the code
    /// between them as `[kinglet]` and what it does. What is interpreted is not told apart; with [`RunMode::Jit`] that is
    /// nothing. On Linux only: elsewhere [`Engine::new`](crate::Engine::new) fails, as it does where the file cannot be
    /// written.
    pub fn profile(&mut self, profile: Option<Profile>) -> &mut Config {
        self.profile = profile;
        self
    }

    /// Has modules kept on disk, with their native code: what was validated and compiled once need not be again. There is
    /// no cache unless one is given.
    #[cfg(feature = "jit")]
    pub fn cache(&mut self, cache: Option<crate::Cache>) -> &mut Config {
        self.cache = cache;
        self
    }

    /// Sets how the memories, tables and stacks of instances are allocated: each on demand, or from a pool that keeps what
    /// dropped stores leave behind, which makes an instance of a module that had one before in about a microsecond. What a
    /// guest can see does not depend on it.
    pub fn allocation_strategy(&mut self, strategy: impl Into<InstanceAllocationStrategy>) -> &mut Config {
        self.pool = match strategy.into() {
            InstanceAllocationStrategy::OnDemand => None,
            InstanceAllocationStrategy::Pooling(pool) => Some(pool),
        };
        self
    }

    /// Meters execution: operations cost gas, one each unless [`Config::gas_cost`] says otherwise, and a store that
    /// has none left traps with [`Trap::OutOfGas`](crate::Trap::OutOfGas). A store starts with none:
    /// [`Store::set_gas`](crate::Store::set_gas) gives it some.
    pub fn gas(&mut self, on: bool) -> &mut Config {
        self.metering = on.then(|| self.metering.take().unwrap_or_default());
        self
    }

    /// Sets what an operation costs, by its name in the text format, and turns metering on.
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
    /// If there is no operation of this name, or the cost is more than [`i64::MAX`], as a negative number is.
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

impl Default for Config {
    fn default() -> Config {
        Config::new()
    }
}
