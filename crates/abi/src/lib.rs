//! The contract between Kinglet's code and its runtime: layouts, traps, libcalls, settings.
