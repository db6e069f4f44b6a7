//! What a run cost: time, gas, instructions, in the words of WasmEdge's log. Instructions are counted by the gas they
//! cost, which is one each, without what bulk operations cost by their size; a program that traps within a run of instructions is charged for the whole run.

use std::time::{Duration, Instant};

use kinglet::Store;

use crate::message::{Level, say};

/// Which figures are wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub(crate) instructions: bool,
    pub(crate) gas: bool,
    pub(crate) time: bool,
}

impl Wanted {
    pub(crate) const ALL: Wanted = Wanted { instructions: true, gas: true, time: true };

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
        if wanted.time {
            store.measure_host_time();
        }
        Statistics { wanted, start: Instant::now(), gas: store.gas() }
    }

    /// Ends, and says what is wanted.
    pub(crate) fn report<T>(&self, store: &Store<T>) {
        if self.wanted == Wanted::default() {
            return;
        }
        let figures = Figures {
            total: self.start.elapsed(),
            host: store.host_time(),
            gas: self.gas.saturating_sub(store.gas()),
            bulk: store.bulk_gas(),
        };
        lines(self.wanted, &figures).iter().for_each(|line| say(Level::Info, line));
    }
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
