//! Kinglet's native tier on Cranelift.
