//! Limits an embedder sets on what a store's guests may take.

use crate::Result;

/// Decides whether memories and tables may grow, and so how much a guest can take. Asked when they are made too, with
/// `current` 0.
pub trait ResourceLimiter {
    /// Whether a memory may grow from `current` to `desired` bytes, of `maximum` if its type has one. `false` lets
    /// `memory.grow` answer -1.
    ///
    /// # Errors
    /// An error ends the guest with it.
    fn memory_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> Result<bool>;

    /// Whether a table may grow from `current` to `desired` elements, of `maximum` if its type has one. `false` lets
    /// `table.grow` answer -1.
    ///
    /// # Errors
    /// An error ends the guest with it.
    fn table_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> Result<bool>;
}
