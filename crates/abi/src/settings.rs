//! Engine settings that affect generated code, and the memory addressing plan that follows from them. The settings are
//! part of every cache key.

use kinglet_wasm::types::{IndexType, MemoryType};
use kinglet_wasm::walk::Metering;

/// Settings shared by all code of an engine.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The cost of each operation, if gas is metered.
    pub metering: Option<Metering>,
    /// Whether native code checks for interrupts. The interpreter always does.
    pub interruptible: bool,
    /// Whether float arithmetic returns only canonical NaNs.
    pub nan_canonicalization: bool,
    /// How native code detects traps.
    pub traps: TrapDetection,
    /// The address space reserved for each memory that is accessed without bounds checks. `None` checks every access.
    pub reservation: Option<Reservation>,
    /// Whether a speculative out-of-bounds access reads address 0 instead of memory beyond the bounds (Spectre variant
    /// 1).
    pub spectre_mitigation: bool,
    /// The optimization level of the native tier.
    pub optimization: Optimization,
    /// The target of the native tier.
    pub target: CompileTarget,
    /// The limit of the estimated memory for compiling one function, in bytes. The limit affects which functions have
    /// code, but not the code itself, so caches use it as a separate key.
    pub compiler_memory: usize,
}

/// The target of the native tier. The default is the host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CompileTarget {
    /// The target triple. `None` is the triple for which this program was built.
    pub triple: Option<String>,
    /// Whether to use only baseline features of the architecture.
    pub generic: bool,
    /// Processor features to enable or disable, overriding the fields above.
    pub features: Vec<(String, bool)>,
}

impl CompileTarget {
    /// Returns whether Kinglet can turn faults into traps on this target.
    pub fn traps_by_faults(&self) -> bool {
        let is_supported =
            |triple: &str| ["x86_64", "aarch64", "riscv64"].iter().any(|start| triple.starts_with(start));
        match &self.triple {
            Some(triple) => is_supported(triple) && triple.contains("linux"),
            None => is_supported(std::env::consts::ARCH) && cfg!(target_os = "linux"),
        }
    }
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            metering: None,
            interruptible: true,
            nan_canonicalization: false,
            traps: TrapDetection::Checks,
            reservation: None,
            spectre_mitigation: true,
            optimization: Optimization::Speed,
            target: CompileTarget::default(),
            compiler_memory: 1 << 30,
        }
    }
}

/// How native code detects traps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrapDetection {
    /// The instruction faults, and a signal handler looks up its address.
    Faults,
    /// Code tests the operands first and calls the runtime.
    Checks,
}

/// The reserved address space of a memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reservation {
    /// The size of the reservation in bytes. Memory beyond the current length is inaccessible.
    pub bytes: u64,
    /// The size of the inaccessible guard region that follows, in bytes.
    pub guard: u64,
}

/// The optimization level of the native tier.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Optimization {
    /// Minimizes compile time.
    None,
    /// Optimizes for speed.
    #[default]
    Speed,
    /// Optimizes for speed; prefers smaller code if speed is equal.
    SpeedAndSize,
}

/// How code addresses a memory.
///
/// The plan depends only on the memory's type and the engine settings, so code fits every memory it can be linked with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemoryPlan {
    /// Every 32-bit index lies within a reservation that never moves. An access beyond the memory faults.
    Reserved(Reservation),
    /// Code compares every access with the memory's length. The memory may move when it grows.
    Checked,
}

impl Settings {
    /// Returns the settings that code depends on, as names and values.
    ///
    /// The optimization level is not included. Neither is the compiler's memory limit, which only cache keys contain.
    pub fn key(&self) -> Vec<(&'static str, String)> {
        let on_off = |on: bool| if on { "on" } else { "off" }.to_string();
        let traps = match self.traps {
            TrapDetection::Faults => "faults",
            TrapDetection::Checks => "checks",
        };
        let reservation = self.reservation.map(|r| format!("{} and {} bytes", r.bytes, r.guard));
        vec![
            ("gas", self.metering.as_ref().map_or_else(|| "off".into(), Metering::key)),
            ("interrupts", on_off(self.interruptible)),
            ("canonical NaN", on_off(self.nan_canonicalization)),
            ("traps by", traps.into()),
            ("memory reservation", reservation.unwrap_or_else(|| "off".into())),
            ("Spectre mitigation", on_off(self.spectre_mitigation)),
        ]
    }

    /// Returns the addressing plan for memories of a type.
    pub fn memory_plan(&self, ty: &MemoryType) -> MemoryPlan {
        match self.reservation {
            Some(reservation)
                if self.traps == TrapDetection::Faults
                    && ty.index == IndexType::I32
                    && ty.page_size_log2 == 16
                    && reservation.bytes >= 1 << 32 =>
            {
                MemoryPlan::Reserved(reservation)
            }
            _ => MemoryPlan::Checked,
        }
    }
}
