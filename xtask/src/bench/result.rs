//! The measurements, and the figures derived from them: medians over runs, ratios to the peer, geometric means over
//! groups. All reports are generated from these.

use std::time::Duration;

use crate::measure::Usage;

/// A metric of a run.
pub(super) struct Metric {
    pub(super) name: &'static str,
    /// The unit in tables.
    pub(super) unit: &'static str,
    /// The prefix of its columns in CSV.
    pub(super) column: &'static str,
    /// Returns the value in the unit.
    value: fn(&Usage) -> f64,
}

#[rustfmt::skip]
pub(super) const METRICS: [Metric; 3] = [
    Metric { name: "CPU time", unit: "ms", column: "cpu_ms", value: |usage| millis(usage.cpu) },
    Metric { name: "wall time", unit: "ms", column: "wall_ms", value: |usage| millis(usage.wall) },
    Metric { name: "peak memory", unit: "MiB", column: "peak_mib", value: |usage| usage.peak as f64 / 1_048_576.0 },
];

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// All results of a run of the bench.
pub(super) struct Results {
    /// The engines in the order of their columns. The first is the subject of the comparison.
    pub(super) engines: Vec<String>,
    /// The column of the peer, if more than one engine is measured.
    pub(super) peer: Option<usize>,
    pub(super) rows: Vec<Row>,
}

/// A workload.
pub(super) struct Row {
    pub(super) name: String,
    /// One for each engine; `None` for an engine that did not run it.
    pub(super) cells: Vec<Option<Cell>>,
}

/// A workload on an engine.
#[derive(Clone, Debug, Default)]
pub(super) struct Cell {
    /// The mode, if the engine has several.
    pub(super) mode: Option<&'static str>,
    /// The runs that count, in order.
    pub(super) runs: Vec<Usage>,
}

impl Cell {
    /// Returns the median of a metric; for an even number of runs, the mean of the two middle values.
    pub(super) fn median(&self, metric: &Metric) -> f64 {
        let values = self.values(metric);
        match values.len() {
            0 => f64::NAN,
            n if n % 2 == 1 => values[n / 2],
            n => (values[n / 2 - 1] + values[n / 2]) / 2.0,
        }
    }

    pub(super) fn least(&self, metric: &Metric) -> f64 {
        self.values(metric).first().copied().unwrap_or(f64::NAN)
    }

    fn values(&self, metric: &Metric) -> Vec<f64> {
        let mut values: Vec<f64> = self.runs.iter().map(metric.value).collect();
        values.sort_by(f64::total_cmp);
        values
    }
}

impl Row {
    /// Returns the group: the part of the name before the last `/`.
    pub(super) fn group(&self) -> &str {
        self.name.rsplit_once('/').map_or("", |(group, _)| group)
    }

    /// Returns the ratio of the medians in two columns.
    pub(super) fn ratio(&self, metric: &Metric, column: usize, to: usize) -> Option<f64> {
        let median = |column: usize| Some(self.cells.get(column)?.as_ref()?.median(metric));
        Some(median(column)? / median(to)?).filter(|ratio| ratio.is_finite() && *ratio > 0.0)
    }
}

/// A geometric mean of ratios.
pub(super) struct Mean {
    /// The name of the group.
    pub(super) name: String,
    pub(super) value: f64,
    /// The number of workloads.
    pub(super) count: usize,
}

impl Results {
    /// Returns the means of a column's ratios to the peer: for each group, and for all kernels if more than one group
    /// has them.
    pub(super) fn means(&self, metric: &Metric, column: usize) -> Vec<Mean> {
        let Some(peer) = self.peer else { return Vec::new() };
        let mean = |name: &str, inside: &dyn Fn(&Row) -> bool| {
            let rows = self.rows.iter().filter(|row| inside(row));
            let ratios: Vec<f64> = rows.filter_map(|row| row.ratio(metric, column, peer)).collect();
            let value = (ratios.iter().map(|ratio| ratio.ln()).sum::<f64>() / ratios.len() as f64).exp();
            (!ratios.is_empty()).then(|| Mean { name: name.to_string(), value, count: ratios.len() })
        };
        let mut groups: Vec<&str> = self.rows.iter().map(Row::group).collect();
        groups.dedup();
        let mut means: Vec<Mean> =
            groups.iter().filter_map(|group| mean(group, &|row| row.group() == *group)).collect();
        if groups.iter().filter(|group| group.starts_with("kernels/")).count() > 1 {
            means.extend(mean("kernels", &|row| row.group().starts_with("kernels/")));
        }
        means
    }
}

/// Returns results for the tests of reports: two kernels and another workload, on three engines.
#[cfg(test)]
pub(super) fn example() -> Results {
    let cell = |cpu: &[u64], mode| {
        let usage = |&cpu: &u64| Usage {
            wall: Duration::from_millis(cpu + 10),
            cpu: Duration::from_millis(cpu),
            peak: 2 * 1_048_576,
        };
        Some(Cell { mode, runs: cpu.iter().map(usage).collect() })
    };
    let row = |name: &str, cells| Row { name: name.to_string(), cells };
    Results {
        engines: vec!["kinglet".into(), "wasmi".into(), "native".into()],
        peer: Some(1),
        rows: vec![
            row(
                "kernels/scalar/gemm",
                vec![cell(&[80, 70, 900], None), cell(&[100; 3], Some("eager")), cell(&[10], None)],
            ),
            row("kernels/simd/gemm", vec![cell(&[20; 3], None), cell(&[100; 3], Some("lazy")), cell(&[5, 15], None)]),
            row("start/<hello>", vec![cell(&[3], None), cell(&[2], Some("lazy")), None]),
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_value() {
        let results = example();
        let cpu = &METRICS[0];
        let cell = |row: usize, column: usize| results.rows[row].cells[column].as_ref().unwrap();
        assert_eq!(cell(0, 0).median(cpu), 80.0);
        assert_eq!(cell(0, 0).least(cpu), 70.0);
        assert_eq!(cell(1, 2).median(cpu), 10.0);
        assert!(Cell::default().median(cpu).is_nan());
    }

    #[test]
    fn ratios_are_to_the_peer_and_their_mean_is_geometric() {
        let results = example();
        let cpu = &METRICS[0];
        assert_eq!(results.rows[0].ratio(cpu, 0, 1), Some(0.8));
        assert_eq!(results.rows[2].ratio(cpu, 2, 1), None);
        let means = results.means(cpu, 0);
        let shown: Vec<(&str, String, usize)> =
            means.iter().map(|mean| (mean.name.as_str(), format!("{:.3}", mean.value), mean.count)).collect();
        assert_eq!(
            shown,
            [
                ("kernels/scalar", "0.800".to_string(), 1),
                ("kernels/simd", "0.200".to_string(), 1),
                ("start", "1.500".to_string(), 1),
                ("kernels", "0.400".to_string(), 2),
            ]
        );
    }

    #[test]
    fn without_a_peer_there_are_no_means() {
        let results = Results { peer: None, ..example() };
        assert!(results.means(&METRICS[0], 0).is_empty());
    }
}
