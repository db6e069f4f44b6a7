//! The settings of an engine's pool of recycled instances.

/// The allocation of memories, tables and stacks: see
/// [`Config::allocation_strategy`](crate::Config::allocation_strategy).
#[derive(Clone, Copy, Debug, Default)]
pub enum InstanceAllocationStrategy {
    /// Allocates each object on demand, and frees it with its store.
    #[default]
    OnDemand,
    /// Resets the instances of dropped stores, and recycles them for the next instances of the same modules.
    Pooling(PoolingAllocationConfig),
}

impl InstanceAllocationStrategy {
    /// Returns pooling with the default settings.
    pub fn pooling() -> InstanceAllocationStrategy {
        InstanceAllocationStrategy::Pooling(PoolingAllocationConfig::default())
    }
}

impl From<PoolingAllocationConfig> for InstanceAllocationStrategy {
    fn from(config: PoolingAllocationConfig) -> InstanceAllocationStrategy {
        InstanceAllocationStrategy::Pooling(config)
    }
}

/// The settings of a pool. A pool is never exhausted: it allocates an instance if it has none to recycle, and frees
/// instances beyond its size.
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
///     assert_eq!(count.call(&mut store, ())?, 1, "the memory is reset");
/// }
/// # Ok::<(), kinglet::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct PoolingAllocationConfig {
    pub(crate) max_unused_warm_slots: u32,
    pub(crate) linear_memory_keep_resident: usize,
}

impl PoolingAllocationConfig {
    /// Creates the default settings.
    pub fn new() -> PoolingAllocationConfig {
        PoolingAllocationConfig { max_unused_warm_slots: 1000, linear_memory_keep_resident: 12 << 10 }
    }

    /// Sets the maximum number of unused instances of all modules together, and of unused guest stacks, in the pool. The
    /// default is 1000. The pool frees a module's instances when the module is dropped or another module needs the space,
    /// and all of them if the system denies a new memory or stack.
    pub fn max_unused_warm_slots(&mut self, count: u32) -> &mut PoolingAllocationConfig {
        self.max_unused_warm_slots = count;
        self
    }

    /// Sets the number of bytes of a memory up to which the pool resets it by writing, so that the pages stay resident. The
    /// default is 12 KiB. If an instance has written to more, the pool returns all of the memory's pages to the system.
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
