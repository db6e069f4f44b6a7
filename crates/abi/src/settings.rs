//! The engine settings that change what code is made, and so are part of every key under which code is kept; and how a
//! memory is addressed, which follows from them.

use kinglet_wasm::types::{IndexType, MemoryType};
use kinglet_wasm::walk::Metering;

/// Settings that are the same for all code of an engine.
#[derive(Clone, Debug)]
pub struct Settings {
    /// What operations cost, if gas is metered.
    pub metering: Option<Metering>,
    /// Whether native code can be interrupted. The interpreter always can.
    pub interruptible: bool,
    /// Whether arithmetic on floats gives no other NaN than the canonical one.
    pub nan_canonicalization: bool,
    /// How native code finds out that it must trap.
    pub traps: Traps,
    /// Address space for each memory that is addressed without checks; none if every access is checked.
    pub reservation: Option<Reservation>,
    /// Whether an access that a mispredicted check let through reads index 0 instead (Spectre variant 1).
    pub spectre_mitigation: bool,
    /// How hard the native tier tries.
    pub optimization: Optimization,
    /// Which processors code is made for.
    pub target: Target,
    /// About how many bytes of memory compiling a function may take. Code does not depend on it; which functions have any
    /// does, so that a cache keeps it apart by this.
    pub compiler_memory: usize,
}

/// Which processors code is made for; if nothing is said, the one at hand.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Target {
    /// A target triple; none for the one that this program is built for.
    pub triple: Option<String>,
    /// Whether only what every processor of the kind has is used.
    pub generic: bool,
    /// Features of the processor that are used, or not, whatever the above says.
    pub features: Vec<(String, bool)>,
}

impl Target {
    /// Whether Kinglet turns faults into traps there.
    pub fn traps_by_faults(&self) -> bool {
        let known = |triple: &str| ["x86_64", "aarch64", "riscv64"].iter().any(|start| triple.starts_with(start));
        match &self.triple {
            Some(triple) => known(triple) && triple.contains("linux"),
            None => known(std::env::consts::ARCH) && cfg!(target_os = "linux"),
        }
    }
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            metering: None,
            interruptible: true,
            nan_canonicalization: false,
            traps: Traps::Checks,
            reservation: None,
            spectre_mitigation: true,
            optimization: Optimization::Speed,
            target: Target::default(),
            compiler_memory: 1 << 30,
        }
    }
}

/// How native code finds out that it must trap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Traps {
    /// The processor faults, and a signal handler looks the address of the instruction up.
    Faults,
    /// It tests beforehand and calls the runtime.
    Checks,
}

/// Address space set aside for a memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reservation {
    /// Bytes from the memory's first that are its own or inaccessible.
    pub bytes: u64,
    /// Inaccessible bytes behind those.
    pub guard: u64,
}

/// How hard the native tier tries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Optimization {
    /// Compiles fast.
    None,
    /// Makes fast code.
    #[default]
    Speed,
    /// Makes fast code, and of two equally fast pieces the smaller.
    SpeedAndSize,
}

/// How code addresses a memory: a function of the memory's type and the engine's settings alone, so that code fits
/// every memory it can be linked with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemoryPlan {
    /// Every 32-bit index lies in a reservation that never moves; what is not the memory's faults.
    Reserved(Reservation),
    /// Every access is compared with the memory's length; its first byte may move when it grows.
    Checked,
}

impl Settings {
    /// What code can only be used with, as names and values; how hard the compiler tried is not
    /// part of it, nor what it was allowed to take, which is part of a cache's keys alone.
    pub fn key(&self) -> Vec<(&'static str, String)> {
        let yes = |on: bool| if on { "on" } else { "off" }.to_string();
        let traps = match self.traps {
            Traps::Faults => "faults",
            Traps::Checks => "checks",
        };
        let reservation = self.reservation.map(|r| format!("{} and {} bytes", r.bytes, r.guard));
        vec![
            ("gas", self.metering.as_ref().map_or_else(|| "off".into(), Metering::key)),
            ("interrupts", yes(self.interruptible)),
            ("canonical NaN", yes(self.nan_canonicalization)),
            ("traps by", traps.into()),
            ("memory reservation", reservation.unwrap_or_else(|| "off".into())),
            ("Spectre mitigation", yes(self.spectre_mitigation)),
        ]
    }

    /// How memories of a type are addressed.
    pub fn memory_plan(&self, ty: &MemoryType) -> MemoryPlan {
        match self.reservation {
            Some(reservation)
                if self.traps == Traps::Faults
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
