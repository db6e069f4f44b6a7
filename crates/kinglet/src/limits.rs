//! Limits an embedder sets on what a store's guests may take: a trait to decide oneself, and [`StoreLimits`] for those
//! who only have numbers.

use crate::{Error, Result};

/// How many instances, memories and tables a store may have if its limiter does not say otherwise.
pub const DEFAULT_COUNT: usize = 10_000;

/// How many values of the host a store may hold if its limiter does not say otherwise.
pub const DEFAULT_EXTERN_REFS: usize = 1_000_000;

/// Decides whether memories and tables may grow, and how many things a store may hold, and so how much a guest can
/// take. Set by [`Store::limiter`](crate::Store::limiter).
///
/// ```
/// use kinglet::{Engine, Instance, Module, ResourceLimiter, Store};
///
/// /// Grants memory while it lasts, to all guests of a store together.
/// struct Budget(usize);
///
/// impl ResourceLimiter for Budget {
///     fn memory_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> kinglet::Result<bool> {
///         let Some(rest) = self.0.checked_sub(desired - current) else { return Ok(false) };
///         self.0 = rest;
///         Ok(true)
///     }
///
///     fn table_growing(&mut self, _: usize, desired: usize, _: Option<usize>) -> kinglet::Result<bool> {
///         Ok(desired <= 1000)
///     }
/// }
///
/// let engine = Engine::default();
/// let mut store = Store::new(&engine, Budget(2 << 16));
/// store.limiter(|budget| budget);
/// let module = Module::new(&engine, r#"(module (memory 1)
///     (func (export "grow") (result i32) (memory.grow (i32.const 1))))"#)?;
/// let grow = Instance::new(&mut store, &module, &[])?.get_typed_func::<(), i32>(&mut store, "grow")?;
/// assert_eq!((grow.call(&mut store, ())?, grow.call(&mut store, ())?), (1, -1));
/// # Ok::<(), kinglet::Error>(())
/// ```
pub trait ResourceLimiter {
    /// Whether a memory may grow from `current` to `desired` bytes, of `maximum` if its type has one. `false` lets
    /// `memory.grow` answer -1. Asked when a memory is made too, with `current` 0. What its type or the engine forbids
    /// is not asked.
    ///
    /// # Errors
    /// An error ends the guest with it.
    fn memory_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> Result<bool>;

    /// Told that a memory was allowed to grow, but the system had not that much.
    ///
    /// # Errors
    /// An error ends the guest with it; otherwise `memory.grow` answers -1.
    fn memory_grow_failed(&mut self, error: Error) -> Result<()> {
        let _ = error;
        Ok(())
    }

    /// Whether a table may grow from `current` to `desired` elements, of `maximum` if its type has one. `false` lets
    /// `table.grow` answer -1. Asked when a table is made too, with `current` 0.
    ///
    /// # Errors
    /// An error ends the guest with it.
    fn table_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> Result<bool>;

    /// Told that a table was allowed to grow, but the system had not that much memory.
    ///
    /// # Errors
    /// An error ends the guest with it; otherwise `table.grow` answers -1.
    fn table_grow_failed(&mut self, error: Error) -> Result<()> {
        let _ = error;
        Ok(())
    }

    /// How many instances the store may have.
    fn instances(&self) -> usize {
        DEFAULT_COUNT
    }

    /// How many tables the store may have.
    fn tables(&self) -> usize {
        DEFAULT_COUNT
    }

    /// How many memories the store may have.
    fn memories(&self) -> usize {
        DEFAULT_COUNT
    }

    /// How many values of the host the store may hold, in [`ExternRef`](crate::ExternRef)s made and not released.
    fn extern_refs(&self) -> usize {
        DEFAULT_EXTERN_REFS
    }
}

/// A [`ResourceLimiter`] made of numbers: see [`StoreLimitsBuilder`].
///
/// ```
/// use kinglet::{Engine, Instance, Module, Store, StoreLimits, StoreLimitsBuilder};
///
/// struct Guest {
///     limits: StoreLimits,
/// }
///
/// let engine = Engine::default();
/// let limits = StoreLimitsBuilder::new().memory_size(4 << 16).instances(1).build();
/// let mut store = Store::new(&engine, Guest { limits });
/// store.limiter(|guest| &mut guest.limits);
/// let module = Module::new(&engine, r#"(module (memory 1)
///     (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0))))"#)?;
/// let grow = Instance::new(&mut store, &module, &[])?.get_typed_func::<i32, i32>(&mut store, "grow")?;
/// assert_eq!((grow.call(&mut store, 3)?, grow.call(&mut store, 1)?), (1, -1));
/// assert!(Instance::new(&mut store, &module, &[]).is_err(), "the second instance");
/// # Ok::<(), kinglet::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct StoreLimits {
    memory_size: Option<usize>,
    table_elements: Option<usize>,
    instances: usize,
    tables: usize,
    memories: usize,
    extern_refs: usize,
    trap_on_grow_failure: bool,
}

impl Default for StoreLimits {
    fn default() -> StoreLimits {
        StoreLimits {
            memory_size: None,
            table_elements: None,
            instances: DEFAULT_COUNT,
            tables: DEFAULT_COUNT,
            memories: DEFAULT_COUNT,
            extern_refs: DEFAULT_EXTERN_REFS,
            trap_on_grow_failure: false,
        }
    }
}

impl StoreLimits {
    fn decide(&self, what: &str, unit: &str, desired: usize, limit: Option<usize>) -> Result<bool> {
        match limit {
            Some(limit) if desired > limit && self.trap_on_grow_failure => {
                Err(Error::msg(format!("a {what} of {desired} {unit} is over the store's limit of {limit}")))
            }
            limit => Ok(limit.is_none_or(|limit| desired <= limit)),
        }
    }

    fn failed(&self, error: Error) -> Result<()> {
        if self.trap_on_grow_failure { Err(error) } else { Ok(()) }
    }
}

impl ResourceLimiter for StoreLimits {
    fn memory_growing(&mut self, _: usize, desired: usize, _: Option<usize>) -> Result<bool> {
        self.decide("memory", "bytes", desired, self.memory_size)
    }

    fn memory_grow_failed(&mut self, error: Error) -> Result<()> {
        self.failed(error)
    }

    fn table_growing(&mut self, _: usize, desired: usize, _: Option<usize>) -> Result<bool> {
        self.decide("table", "elements", desired, self.table_elements)
    }

    fn table_grow_failed(&mut self, error: Error) -> Result<()> {
        self.failed(error)
    }

    fn instances(&self) -> usize {
        self.instances
    }

    fn tables(&self) -> usize {
        self.tables
    }

    fn memories(&self) -> usize {
        self.memories
    }

    fn extern_refs(&self) -> usize {
        self.extern_refs
    }
}

/// Makes [`StoreLimits`]. What is not set is not limited, except the counts, which have defaults.
///
/// ```
/// use kinglet::{Engine, Instance, Module, Store, StoreLimits, StoreLimitsBuilder};
///
/// let engine = Engine::default();
/// let limits = StoreLimitsBuilder::new().memory_size(1 << 20).instances(1).build();
/// let mut store = Store::new(&engine, limits);
/// store.limiter(|limits| limits);
/// let module = Module::new(&engine, "(module (memory 17))")?;
/// let error = Instance::new(&mut store, &module, &[]).unwrap_err();
/// assert_eq!(error.to_string(), "a memory of 17 pages is over the store's limit");
/// # Ok::<(), kinglet::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct StoreLimitsBuilder(StoreLimits);

impl StoreLimitsBuilder {
    /// Without limits but the default counts.
    pub fn new() -> StoreLimitsBuilder {
        StoreLimitsBuilder::default()
    }

    /// The most bytes that each memory may have.
    pub fn memory_size(mut self, bytes: usize) -> StoreLimitsBuilder {
        self.0.memory_size = Some(bytes);
        self
    }

    /// The most elements that each table may have.
    pub fn table_elements(mut self, elements: usize) -> StoreLimitsBuilder {
        self.0.table_elements = Some(elements);
        self
    }

    /// The most instances; [`DEFAULT_COUNT`] if it is not set.
    pub fn instances(mut self, count: usize) -> StoreLimitsBuilder {
        self.0.instances = count;
        self
    }

    /// The most tables; [`DEFAULT_COUNT`] if it is not set.
    pub fn tables(mut self, count: usize) -> StoreLimitsBuilder {
        self.0.tables = count;
        self
    }

    /// The most memories; [`DEFAULT_COUNT`] if it is not set.
    pub fn memories(mut self, count: usize) -> StoreLimitsBuilder {
        self.0.memories = count;
        self
    }

    /// The most values of the host; [`DEFAULT_EXTERN_REFS`] if it is not set.
    pub fn extern_refs(mut self, count: usize) -> StoreLimitsBuilder {
        self.0.extern_refs = count;
        self
    }

    /// Whether growth that is refused ends the guest with an error, where `memory.grow` would answer -1.
    pub fn trap_on_grow_failure(mut self, on: bool) -> StoreLimitsBuilder {
        self.0.trap_on_grow_failure = on;
        self
    }

    /// The limits.
    pub fn build(self) -> StoreLimits {
        self.0
    }
}
