//! The engine settings that change what code is made, and so are part of every key under which code is kept.

use kinglet_wasm::walk::Metering;

/// Settings that are the same for all code of an engine.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// What operations cost, if gas is metered.
    pub metering: Option<Metering>,
}
