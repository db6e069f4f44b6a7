//! Limits on the resources of a store's guests: the trait [`ResourceLimiter`] decides in code, and [`StoreLimits`] with
//! numbers. Each number is a row of [`STORE_LIMITS`], which the builder's methods and the command's option `--limit` set.

use std::fmt;

use crate::{Error, Result};

/// The default maximum number of instances, of memories and of tables in a store with a limiter.
pub const DEFAULT_COUNT: usize = 10_000;

/// The default maximum number of host values in a store with a limiter.
pub const DEFAULT_EXTERN_REFS: usize = 1_000_000;

/// Decides whether memories and tables can grow, and how many objects a store can hold.
/// [`Store::limiter`](crate::Store::limiter) sets it.
///
/// ```
/// use kinglet::{Engine, Instance, Module, ResourceLimiter, Store};
///
/// /// A budget of memory for all guests of a store together.
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
    /// Returns whether a memory can grow from `current` to `desired` bytes. `maximum` is the maximum size of its type in
    /// bytes, if there is one. With `false`, `memory.grow` returns -1. Kinglet also calls this when a memory is created,
    /// with `current` 0, and does not call it for sizes beyond a limit of the type or the engine.
    ///
    /// # Errors
    /// An error ends the guest.
    fn memory_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> Result<bool>;

    /// Receives the error of a memory whose permitted growth the system denied.
    ///
    /// # Errors
    /// An error ends the guest; otherwise `memory.grow` returns -1.
    fn memory_grow_failed(&mut self, error: Error) -> Result<()> {
        let _ = error;
        Ok(())
    }

    /// Returns whether a table can grow from `current` to `desired` elements. `maximum` is the maximum of its type, if there
    /// is one. With `false`, `table.grow` returns -1. Kinglet also calls this when a table is created, with `current` 0.
    ///
    /// # Errors
    /// An error ends the guest.
    fn table_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> Result<bool>;

    /// Returns whether the store's memories, its tables and its GC heap can together grow from
    /// `current` to `desired` bytes. A table's element counts 8 bytes. The store keeps the sum. Kinglet calls this before
    /// [`ResourceLimiter::memory_growing`] or [`ResourceLimiter::table_growing`], which it does not call after `false`. By
    /// default they can grow.
    ///
    /// # Errors
    /// An error ends the guest.
    fn total_growing(&mut self, current: usize, desired: usize) -> Result<bool> {
        let _ = (current, desired);
        Ok(true)
    }

    /// Receives the error of a table whose permitted growth the system denied.
    ///
    /// # Errors
    /// An error ends the guest; otherwise `table.grow` returns -1.
    fn table_grow_failed(&mut self, error: Error) -> Result<()> {
        let _ = error;
        Ok(())
    }

    /// Returns the maximum number of instances, [`DEFAULT_COUNT`] by default.
    fn instances(&self) -> usize {
        DEFAULT_COUNT
    }

    /// Returns the maximum number of tables, [`DEFAULT_COUNT`] by default.
    fn tables(&self) -> usize {
        DEFAULT_COUNT
    }

    /// Returns the maximum number of memories, [`DEFAULT_COUNT`] by default.
    fn memories(&self) -> usize {
        DEFAULT_COUNT
    }

    /// Returns the maximum number of host values, [`DEFAULT_EXTERN_REFS`] by default. Released values do not count: see
    /// [`Rooted::release`](crate::Rooted::release).
    fn extern_refs(&self) -> usize {
        DEFAULT_EXTERN_REFS
    }
}

/// A [`ResourceLimiter`] with fixed numbers: see [`StoreLimitsBuilder`].
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

/// A resource of a store that a number can limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StoreLimit {
    /// The total size of all memories, all tables and the GC heap, in bytes.
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
    /// The host values.
    ExternRefs,
}

impl StoreLimit {
    /// Returns the limit's row.
    pub fn row(self) -> &'static StoreLimitRow {
        &STORE_LIMITS[self as usize]
    }

    /// Returns the limit with a name of the command line.
    pub fn from_name(name: &str) -> Option<StoreLimit> {
        STORE_LIMITS.iter().find(|row| row.name == name).map(|row| row.limit)
    }
}

/// The name, unit, default and summary of a limit.
#[derive(Clone, Copy, Debug)]
pub struct StoreLimitRow {
    /// The limit.
    pub limit: StoreLimit,
    /// Its name on the command line.
    pub name: &'static str,
    /// Whether the unit is bytes instead of objects.
    pub is_bytes: bool,
    /// The default; none if the resource is unlimited by default.
    pub default: Option<usize>,
    /// A one-line description of the resource.
    pub summary: &'static str,
}

/// All limits of [`StoreLimits`].
pub const STORE_LIMITS: &[StoreLimitRow] = &[
    StoreLimitRow {
        limit: StoreLimit::TotalMemory,
        name: "total-memory",
        is_bytes: true,
        default: None,
        summary: "total size of all memories, all tables and the GC heap, in bytes; an element of a table has 8",
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
        summary: "host values that the guests can reference",
    },
];

/// The error of an object that exceeds a limit of the store: an instance, a memory, a table or a host value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LimitError {
    limit: StoreLimit,
    message: String,
}

impl LimitError {
    pub(crate) fn new(limit: StoreLimit, message: String) -> LimitError {
        LimitError { limit, message }
    }

    /// Returns the limit. An embedder's [`ResourceLimiter`] can deny the object for another reason.
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
    /// Returns a limit's value. `usize::MAX` means unlimited.
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

/// Builds [`StoreLimits`]. By default only the counts are limited.
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
    /// Creates a builder with the default limits.
    pub fn new() -> StoreLimitsBuilder {
        StoreLimitsBuilder::default()
    }

    /// Sets any limit.
    pub fn limit(mut self, limit: StoreLimit, value: usize) -> StoreLimitsBuilder {
        self.0.values[limit as usize] = value;
        self
    }

    /// Sets the maximum size of all memories, all tables and the GC heap together, in bytes. A table's
    /// element counts 8 bytes. The default is unlimited.
    pub fn total_memory(self, bytes: usize) -> StoreLimitsBuilder {
        self.limit(StoreLimit::TotalMemory, bytes)
    }

    /// Sets the maximum size of each memory in bytes. A guest can have many memories. The default is unlimited.
    pub fn memory_size(self, bytes: usize) -> StoreLimitsBuilder {
        self.limit(StoreLimit::MemorySize, bytes)
    }

    /// Sets the maximum number of elements of each table. The default is unlimited.
    pub fn table_elements(self, elements: usize) -> StoreLimitsBuilder {
        self.limit(StoreLimit::TableElements, elements)
    }

    /// Sets the maximum number of instances, [`DEFAULT_COUNT`] by default.
    pub fn instances(self, count: usize) -> StoreLimitsBuilder {
        self.limit(StoreLimit::Instances, count)
    }

    /// Sets the maximum number of tables, [`DEFAULT_COUNT`] by default.
    pub fn tables(self, count: usize) -> StoreLimitsBuilder {
        self.limit(StoreLimit::Tables, count)
    }

    /// Sets the maximum number of memories, [`DEFAULT_COUNT`] by default.
    pub fn memories(self, count: usize) -> StoreLimitsBuilder {
        self.limit(StoreLimit::Memories, count)
    }

    /// Sets the maximum number of host values, [`DEFAULT_EXTERN_REFS`] by default.
    pub fn extern_refs(self, count: usize) -> StoreLimitsBuilder {
        self.limit(StoreLimit::ExternRefs, count)
    }

    /// Sets whether denied growth ends the guest with an error. By default `memory.grow` and `table.grow` return -1.
    pub fn trap_on_grow_failure(mut self, on: bool) -> StoreLimitsBuilder {
        self.0.trap_on_grow_failure = on;
        self
    }

    /// Returns the limits.
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
