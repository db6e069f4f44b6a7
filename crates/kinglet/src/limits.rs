//! Limits an embedder sets on what a store's guests may take: a trait to decide oneself, and [`StoreLimits`] for those
//! who only have numbers. What can be limited by a number is a row of [`STORE_LIMITS`]; the builder's methods and the
//! command's option `--limit` set the values of rows.

use std::fmt;

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

    /// Whether all memories and tables of the store, and its heap of structures and arrays, may together grow from
    /// `current` to `desired` bytes. An element of a table has 8 bytes. Asked before [`ResourceLimiter::memory_growing`]
    /// or [`ResourceLimiter::table_growing`], which is not asked after `false`. The store counts, so that nothing has to
    /// be kept for it here.
    ///
    /// # Errors
    /// An error ends the guest with it.
    fn total_growing(&mut self, current: usize, desired: usize) -> Result<bool> {
        let _ = (current, desired);
        Ok(true)
    }

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
    /// In the order of the rows.
    values: [usize; STORE_LIMITS.len()],
    trap_on_grow_failure: bool,
}

/// What of a store a number can limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StoreLimit {
    /// The bytes of all memories and tables, and the heap of structures and arrays, together.
    TotalMemory,
    /// The bytes of each memory.
    MemorySize,
    /// The elements of each table.
    TableElements,
    /// The instances.
    Instances,
    /// The memories.
    Memories,
    /// The tables.
    Tables,
    /// The values of the host.
    ExternRefs,
}

impl StoreLimit {
    /// Its row.
    pub fn row(self) -> &'static StoreLimitRow {
        &STORE_LIMITS[self as usize]
    }

    /// The one that is called so on the command line.
    pub fn from_name(name: &str) -> Option<StoreLimit> {
        STORE_LIMITS.iter().find(|row| row.name == name).map(|row| row.limit)
    }
}

/// What there is to say of a limit.
#[derive(Clone, Copy, Debug)]
pub struct StoreLimitRow {
    /// Which it is.
    pub limit: StoreLimit,
    /// What it is called on the command line.
    pub name: &'static str,
    /// Whether it is a number of bytes, rather than of things.
    pub is_bytes: bool,
    /// What holds if it is not set; none if nothing limits it then.
    pub default: Option<usize>,
    /// What it limits, in a line.
    pub summary: &'static str,
}

/// Everything that [`StoreLimits`] can limit.
pub const STORE_LIMITS: &[StoreLimitRow] = &[
    StoreLimitRow {
        limit: StoreLimit::TotalMemory,
        name: "total-memory",
        is_bytes: true,
        default: None,
        summary: "bytes of all memories, tables and the heap of structures and arrays together; an element of a table has 8",
    },
    StoreLimitRow {
        limit: StoreLimit::MemorySize,
        name: "memory-size",
        is_bytes: true,
        default: None,
        summary: "bytes of each memory",
    },
    StoreLimitRow {
        limit: StoreLimit::TableElements,
        name: "table-elements",
        is_bytes: false,
        default: None,
        summary: "elements of each table",
    },
    StoreLimitRow {
        limit: StoreLimit::Instances,
        name: "instances",
        is_bytes: false,
        default: Some(DEFAULT_COUNT),
        summary: "instances, those of other modules included",
    },
    StoreLimitRow {
        limit: StoreLimit::Memories,
        name: "memories",
        is_bytes: false,
        default: Some(DEFAULT_COUNT),
        summary: "memories of all instances",
    },
    StoreLimitRow {
        limit: StoreLimit::Tables,
        name: "tables",
        is_bytes: false,
        default: Some(DEFAULT_COUNT),
        summary: "tables of all instances",
    },
    StoreLimitRow {
        limit: StoreLimit::ExternRefs,
        name: "extern-refs",
        is_bytes: false,
        default: Some(DEFAULT_EXTERN_REFS),
        summary: "values of the host that the guests can refer to",
    },
];

/// Why something was not made: a limit of the store is reached. An error of making an instance, a memory or a table has
/// it as its cause.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LimitError {
    limit: StoreLimit,
    message: String,
}

impl LimitError {
    pub(crate) fn new(limit: StoreLimit, message: String) -> LimitError {
        LimitError { limit, message }
    }

    /// Which limit; a [`ResourceLimiter`] of the embedder's own may mean something else by it.
    pub fn limit(&self) -> StoreLimit {
        self.limit
    }
}

impl fmt::Display for LimitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for LimitError {}

impl Default for StoreLimits {
    fn default() -> StoreLimits {
        let values = std::array::from_fn(|row| STORE_LIMITS[row].default.unwrap_or(usize::MAX));
        StoreLimits { values, trap_on_grow_failure: false }
    }
}

impl StoreLimits {
    /// What holds for a row; `usize::MAX` is no limit.
    fn get(&self, limit: StoreLimit) -> usize {
        self.values[limit as usize]
    }

    fn decide(&self, what: &str, unit: &str, desired: usize, limit: StoreLimit) -> Result<bool> {
        let most = self.get(limit);
        if desired > most && self.trap_on_grow_failure {
            let message = format!("{what} of {desired} {unit} is over the store's limit of {most}");
            return Err(Error::new(LimitError::new(limit, message)));
        }
        Ok(desired <= most)
    }

    fn failed(&self, error: Error) -> Result<()> {
        if self.trap_on_grow_failure { Err(error) } else { Ok(()) }
    }
}

impl ResourceLimiter for StoreLimits {
    fn memory_growing(&mut self, _: usize, desired: usize, _: Option<usize>) -> Result<bool> {
        self.decide("a memory", "bytes", desired, StoreLimit::MemorySize)
    }

    fn memory_grow_failed(&mut self, error: Error) -> Result<()> {
        self.failed(error)
    }

    fn table_growing(&mut self, _: usize, desired: usize, _: Option<usize>) -> Result<bool> {
        self.decide("a table", "elements", desired, StoreLimit::TableElements)
    }

    fn total_growing(&mut self, _: usize, desired: usize) -> Result<bool> {
        self.decide("a total", "bytes of memories, tables and the heap", desired, StoreLimit::TotalMemory)
    }

    fn table_grow_failed(&mut self, error: Error) -> Result<()> {
        self.failed(error)
    }

    fn instances(&self) -> usize {
        self.get(StoreLimit::Instances)
    }

    fn tables(&self) -> usize {
        self.get(StoreLimit::Tables)
    }

    fn memories(&self) -> usize {
        self.get(StoreLimit::Memories)
    }

    fn extern_refs(&self) -> usize {
        self.get(StoreLimit::ExternRefs)
    }
}

/// Makes [`StoreLimits`]. What is not set is not limited, except the counts, which have defaults.
///
/// ```
/// use kinglet::{Engine, Instance, Module, Store, StoreLimits, StoreLimitsBuilder};
///
/// let engine = Engine::default();
/// let limits = StoreLimitsBuilder::new().total_memory(1 << 20).instances(1).build();
/// let mut store = Store::new(&engine, limits);
/// store.limiter(|limits| limits);
/// let module = Module::new(&engine, "(module (memory 17))")?;
/// let error = Instance::new(&mut store, &module, &[]).unwrap_err();
/// assert_eq!(error.to_string(), "a memory of 17 pages is over the store's limit for all memories, tables and the heap");
/// # Ok::<(), kinglet::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct StoreLimitsBuilder(StoreLimits);

impl StoreLimitsBuilder {
    /// Without limits but the default counts.
    pub fn new() -> StoreLimitsBuilder {
        StoreLimitsBuilder::default()
    }

    /// Sets a limit of any kind.
    pub fn limit(mut self, limit: StoreLimit, value: usize) -> StoreLimitsBuilder {
        self.0.values[limit as usize] = value;
        self
    }

    /// The most bytes that all memories and tables, and the heap of structures and arrays, together may have; an element
    /// of a table has 8.
    pub fn total_memory(self, bytes: usize) -> StoreLimitsBuilder {
        self.limit(StoreLimit::TotalMemory, bytes)
    }

    /// The most bytes that each memory may have: a guest with many memories can take as many times that.
    pub fn memory_size(self, bytes: usize) -> StoreLimitsBuilder {
        self.limit(StoreLimit::MemorySize, bytes)
    }

    /// The most elements that each table may have.
    pub fn table_elements(self, elements: usize) -> StoreLimitsBuilder {
        self.limit(StoreLimit::TableElements, elements)
    }

    /// The most instances; [`DEFAULT_COUNT`] if it is not set.
    pub fn instances(self, count: usize) -> StoreLimitsBuilder {
        self.limit(StoreLimit::Instances, count)
    }

    /// The most tables; [`DEFAULT_COUNT`] if it is not set.
    pub fn tables(self, count: usize) -> StoreLimitsBuilder {
        self.limit(StoreLimit::Tables, count)
    }

    /// The most memories; [`DEFAULT_COUNT`] if it is not set.
    pub fn memories(self, count: usize) -> StoreLimitsBuilder {
        self.limit(StoreLimit::Memories, count)
    }

    /// The most values of the host; [`DEFAULT_EXTERN_REFS`] if it is not set.
    pub fn extern_refs(self, count: usize) -> StoreLimitsBuilder {
        self.limit(StoreLimit::ExternRefs, count)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_in_the_order_of_the_enum_and_names_are_unique() {
        for (i, row) in STORE_LIMITS.iter().enumerate() {
            assert_eq!(row.limit as usize, i);
            assert_eq!(StoreLimit::from_name(row.name), Some(row.limit));
        }
    }
}
