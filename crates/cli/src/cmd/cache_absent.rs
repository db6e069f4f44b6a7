//! `kinglet cache` without the native tier: refused.

pub(super) use super::compile::run;

pub(super) const ACTIONS: &[&str] = &["dir", "list", "clean", "export", "import"];
