//! A WebAssembly runtime that starts at once and is small enough to embed anywhere.
