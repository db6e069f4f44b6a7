//! Settings of the pool in which an engine keeps what instances leave behind.

/// How the memories, tables and stacks of instances are allocated: see
/// [`Config::allocation_strategy`](crate::Config::allocation_strategy).
#[derive(Clone, Copy, Debug, Default)]
pub enum InstanceAllocationStrategy {
    /// Each when it is wanted; freed with its store.
    #[default]
    OnDemand,
    /// What dropped stores leave behind is reset and kept for the next instances of the same modules.
    Pooling(PoolingAllocationConfig),
}

impl InstanceAllocationStrategy {
    /// Pooling, with the usual settings.
    pub fn pooling() -> InstanceAllocationStrategy {
        InstanceAllocationStrategy::Pooling(PoolingAllocationConfig::default())
    }
}

impl From<PoolingAllocationConfig> for InstanceAllocationStrategy {
    fn from(config: PoolingAllocationConfig) -> InstanceAllocationStrategy {
        InstanceAllocationStrategy::Pooling(config)
    }
}

/// Settings of a pool. It is never exhausted: what it does not have is made, and what it has no room for is freed.
///
/// ```
/// use kinglet::{Config, Engine, Linker, Module, PoolingAllocationConfig, Store};
///
/// let mut pool = PoolingAllocationConfig::new();
/// pool.max_unused_warm_slots(50);
/// let engine = Engine::new(Config::new().allocation_strategy(pool))?;
/// let module = Module::new(&engine, r#"(module
///     (memory 1)
///     (func (export "count") (result i32)
///         (i32.store (i32.const 0) (i32.add (i32.load (i32.const 0)) (i32.const 1)))
///         (i32.load (i32.const 0))))"#)?;
/// let pre = Linker::new(&engine).instantiate_pre(&module)?;
/// for _ in 0..3 {
///     let mut store = Store::new(&engine, ());
///     let count = pre.instantiate(&mut store)?.get_typed_func::<(), i32>(&mut store, "count")?;
///     assert_eq!(count.call(&mut store, ())?, 1, "nothing is left of the one before");
/// }
/// # Ok::<(), kinglet::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct PoolingAllocationConfig {
    pub(crate) max_unused_warm_slots: u32,
    pub(crate) linear_memory_keep_resident: usize,
}

impl PoolingAllocationConfig {
    /// The usual settings.
    pub fn new() -> PoolingAllocationConfig {
        PoolingAllocationConfig { max_unused_warm_slots: 1000, linear_memory_keep_resident: 12 << 10 }
    }

    /// Sets what is kept of how many instances, of all modules together, and how many guest stacks, while no store uses
    /// them; 1000 if nothing is said. What is kept of a module's instances goes with the module, or to make room for another
    /// module's; all of it goes if the system refuses a new memory or stack.
    pub fn max_unused_warm_slots(&mut self, count: u32) -> &mut PoolingAllocationConfig {
        self.max_unused_warm_slots = count;
        self
    }

    /// Sets up to how many bytes of a memory are reset by writing to them, so that they stay resident; 12 KiB if nothing
    /// is said. If an instance has written to more, all of it goes back to the system.
    pub fn linear_memory_keep_resident(&mut self, bytes: usize) -> &mut PoolingAllocationConfig {
        self.linear_memory_keep_resident = bytes;
        self
    }
}

impl Default for PoolingAllocationConfig {
    fn default() -> PoolingAllocationConfig {
        PoolingAllocationConfig::new()
    }
}
