//! Kinglet's register interpreter.
