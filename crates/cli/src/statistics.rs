//! Statistics of a run: time, gas and instructions in the words of WasmEdge's log, and the stages of modules in our own.
//! The instruction count is the gas without the part that bulk operations cost by their size, since each instruction costs
//! one unit. A program that traps inside a basic block is charged for the whole block.

use std::time::{Duration, Instant};

use kinglet::{Module, ModuleStats, Store, TierUpStats, Work};

use crate::message::{Level, counted, say};

/// Which figures are selection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Selection {
    pub(crate) instructions: bool,
    pub(crate) gas: bool,
    pub(crate) time: bool,
    /// The stages of modules, with their times.
    pub(crate) stages: bool,
}

impl Selection {
    pub(crate) const ALL: Selection = Selection { instructions: true, gas: true, time: true, stages: false };

    /// Whether gas must be metered.
    pub(crate) fn metered(self) -> bool {
        self.instructions || self.gas
    }
}

/// Statistics in progress.
pub(crate) struct Statistics {
    selection: Selection,
    start: Instant,
    gas: u64,
}

impl Statistics {
    /// Starts them, with a store that has used no gas.
    pub(crate) fn start<T>(selection: Selection, store: &mut Store<T>) -> Statistics {
        if selection.time || selection.stages {
            store.measure_host_time();
        }
        Statistics { selection, start: Instant::now(), gas: store.gas() }
    }

    /// Prints the selected statistics. Returns the execution time, and the share of host functions.
    pub(crate) fn report<T>(&self, store: &Store<T>) -> (Duration, Duration) {
        let figures = Figures {
            total: self.start.elapsed(),
            host: store.host_time(),
            gas: self.gas.saturating_sub(store.gas()),
            bulk: store.bulk_gas(),
        };
        lines(self.selection, &figures).iter().for_each(|line| say(Level::Info, line));
        (figures.total, figures.host)
    }
}

/// The stages of a command's modules, a line each. `run` is the execution time and the share of host functions.
pub(crate) fn stages(modules: &[&Module], run: Option<(Duration, Duration)>) -> Vec<String> {
    let mut all = ModuleStats::default();
    for stats in modules.iter().map(|module| module.stats()) {
        all.validated += stats.validated;
        all.loaded += stats.loaded;
        all.lowered += stats.lowered;
        all.compiled += stats.compiled;
        all.kept += stats.kept;
        all.tier_up += stats.tier_up;
    }
    let rows = [
        ("validate", all.validated, "function", "of WebAssembly"),
        ("cache read", all.loaded, "module", "of native code"),
        ("lower", all.lowered, "function", "of bytecode"),
        ("compile", all.compiled, "function", "of native code"),
        ("cache write", all.kept, "file", "written"),
    ];
    let line = |(name, Work { count, bytes, time }, unit, of): (&str, Work, &str, &str)| {
        let (count, bytes) = (counted(count, unit), counted(bytes, "byte"));
        format!("{name:<11} {} for {count}, {bytes} {of}", milliseconds(time))
    };
    let mut lines: Vec<String> = rows.into_iter().map(line).collect();
    let TierUpStats { samples, functions, loops, loops_entered, settled } = all.tier_up;
    lines.push(format!(
        "{:<11} {} until {} and {} were native; {} by on-stack replacement; {}",
        "tier up",
        milliseconds(settled),
        counted(functions, "hot function"),
        counted(loops, "loop"),
        counted(loops_entered, "loop entry"),
        counted(samples, "sample")
    ));
    if let Some((total, host)) = run {
        let host = milliseconds(host);
        lines.push(format!("{:<11} {}, of which host functions {}", "run", milliseconds(total), host.trim_start()));
    }
    lines
}

fn milliseconds(time: Duration) -> String {
    format!("{:>9.3} ms", time.as_secs_f64() * 1e3)
}

struct Figures {
    total: Duration,
    host: Duration,
    gas: u64,
    /// The part that bulk operations cost by their size.
    bulk: u64,
}

fn lines(selection: Selection, figures: &Figures) -> Vec<String> {
    let guest = figures.total.saturating_sub(figures.host);
    let instructions = figures.gas.saturating_sub(figures.bulk);
    let mut lines = Vec::new();
    if selection.time {
        lines.push(format!("Total execution time: {} ns", figures.total.as_nanos()));
        lines.push(format!("Wasm instructions execution time: {} ns", guest.as_nanos()));
        lines.push(format!("Host functions execution time: {} ns", figures.host.as_nanos()));
    }
    if selection.instructions {
        lines.push(format!("Executed wasm instructions count: {instructions}"));
    }
    if selection.gas {
        lines.push(format!("Gas costs: {}", figures.gas));
    }
    if selection.time && selection.instructions {
        let rate = u128::from(instructions) * 1_000_000_000 / guest.as_nanos().max(1);
        lines.push(format!("Instructions per second: {rate}"));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_selected_statistics_are_printed() {
        let figures = Figures { total: Duration::from_nanos(3000), host: Duration::from_nanos(1000), gas: 14, bulk: 4 };
        let lines = |selection| super::lines(selection, &figures);
        assert_eq!(lines(Selection { gas: true, ..Selection::default() }), ["Gas costs: 14"]);
        assert_eq!(
            lines(Selection { instructions: true, ..Selection::default() }),
            ["Executed wasm instructions count: 10"]
        );
        let all = lines(Selection::ALL);
        assert_eq!(all[1], "Wasm instructions execution time: 2000 ns");
        assert_eq!(all.last().unwrap(), "Instructions per second: 5000000");
    }
}
