//! What a run cost: time, gas, instructions, in the words of WasmEdge's log; and in our own, what was done to modules.
//! Instructions are counted by the gas they
//! cost, which is one each, without what bulk operations cost by their size; a program that traps within a run of instructions is charged for the whole run.

use std::time::{Duration, Instant};

use kinglet::{Module, ModuleStats, Store, TierUpStats, Work};

use crate::message::{Level, say};

/// Which figures are wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub(crate) instructions: bool,
    pub(crate) gas: bool,
    pub(crate) time: bool,
    /// What was done to modules, and how long it took.
    pub(crate) stages: bool,
}

impl Wanted {
    pub(crate) const ALL: Wanted = Wanted { instructions: true, gas: true, time: true, stages: false };

    /// Whether gas has to be metered.
    pub(crate) fn metered(self) -> bool {
        self.instructions || self.gas
    }
}

/// Figures that are being taken.
pub(crate) struct Statistics {
    wanted: Wanted,
    start: Instant,
    gas: u64,
}

impl Statistics {
    /// Begins, with a store that has all its gas.
    pub(crate) fn start<T>(wanted: Wanted, store: &mut Store<T>) -> Statistics {
        if wanted.time || wanted.stages {
            store.measure_host_time();
        }
        Statistics { wanted, start: Instant::now(), gas: store.gas() }
    }

    /// Ends, and says what is wanted of it; gives how long it took, and how much of that host functions.
    pub(crate) fn report<T>(&self, store: &Store<T>) -> (Duration, Duration) {
        let figures = Figures {
            total: self.start.elapsed(),
            host: store.host_time(),
            gas: self.gas.saturating_sub(store.gas()),
            bulk: store.bulk_gas(),
        };
        lines(self.wanted, &figures).iter().for_each(|line| say(Level::Info, line));
        (figures.total, figures.host)
    }
}

/// What was done to the modules of a command, a line for each kind of work; `run` is how long the guest ran, and how much
/// of that host functions.
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
        ("validate", all.validated, "functions, of modules with"),
        ("cache read", all.loaded, "modules, native code with"),
        ("lower", all.lowered, "functions, to bytecode with"),
        ("compile", all.compiled, "functions, to native code with"),
        ("cache write", all.kept, "files with"),
    ];
    let line = |(name, Work { count, bytes, time }, what): (&str, Work, &str)| {
        format!("{name:<11} {} for {count} {what} {bytes} bytes", milliseconds(time))
    };
    let mut lines: Vec<String> = rows.into_iter().map(line).collect();
    let TierUpStats { samples, functions, loops, loops_entered, settled } = all.tier_up;
    lines.push(format!(
        "{:<11} {} until the last of {functions} hot functions and {loops} loops was native; loops entered in the \
         middle {loops_entered} times; {samples} samples",
        "tier up",
        milliseconds(settled)
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
    /// How much of it was for the sizes of bulk operations.
    bulk: u64,
}

fn lines(wanted: Wanted, figures: &Figures) -> Vec<String> {
    let guest = figures.total.saturating_sub(figures.host);
    let instructions = figures.gas.saturating_sub(figures.bulk);
    let mut lines = Vec::new();
    if wanted.time {
        lines.push(format!("Total execution time: {} ns", figures.total.as_nanos()));
        lines.push(format!("Wasm instructions execution time: {} ns", guest.as_nanos()));
        lines.push(format!("Host functions execution time: {} ns", figures.host.as_nanos()));
    }
    if wanted.instructions {
        lines.push(format!("Executed wasm instructions count: {instructions}"));
    }
    if wanted.gas {
        lines.push(format!("Gas costs: {}", figures.gas));
    }
    if wanted.time && wanted.instructions {
        let rate = u128::from(instructions) * 1_000_000_000 / guest.as_nanos().max(1);
        lines.push(format!("Instructions per second: {rate}"));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_wanted_is_said() {
        let figures = Figures { total: Duration::from_nanos(3000), host: Duration::from_nanos(1000), gas: 14, bulk: 4 };
        let lines = |wanted| super::lines(wanted, &figures);
        assert_eq!(lines(Wanted { gas: true, ..Wanted::default() }), ["Gas costs: 14"]);
        assert_eq!(lines(Wanted { instructions: true, ..Wanted::default() }), ["Executed wasm instructions count: 10"]);
        let all = lines(Wanted::ALL);
        assert_eq!(all[1], "Wasm instructions execution time: 2000 ns");
        assert_eq!(all.last().unwrap(), "Instructions per second: 5000000");
    }
}
