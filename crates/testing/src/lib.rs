//! Test harnesses of Kinglet: wast runner, op snapshots.
