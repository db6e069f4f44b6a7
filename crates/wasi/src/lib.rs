//! WASI preview 1 for Kinglet.
