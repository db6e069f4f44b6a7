//! Where nobody tells which pages were written to.

use std::ops::Range;

/// See the module for Linux.
pub(super) fn written(_: Range<usize>, _: usize) -> Option<std::iter::Empty<Range<usize>>> {
    None
}
