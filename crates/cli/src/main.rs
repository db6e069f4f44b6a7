//! The kinglet command.
fn main() {}
