//! The results as text for a terminal: one table for each metric. A table has a column for each engine, the ratios to
//! the peer for each engine to its left, and the means of all ratios. The first table also shows the modes of engines
//! with several modes.

use super::result::{METRICS, Mean, Metric, Results, Row};

/// Returns all tables.
pub(super) fn text(results: &Results) -> String {
    let modes = |index: usize| index == 0 && results.rows.iter().any(|row| !modes(results, row).is_empty());
    let tables = METRICS.iter().enumerate().map(|(index, metric)| table(results, metric, modes(index)));
    tables.collect::<Vec<_>>().join("\n")
}

fn table(results: &Results, metric: &Metric, with_modes: bool) -> String {
    let mut head = vec![format!("{}, {}", metric.name, metric.unit)];
    head.extend(results.engines.iter().cloned());
    if let Some(peer) = results.peer {
        head.extend(
            ratio_columns(peer).map(|column| format!("{} / {}", results.engines[column], results.engines[peer])),
        );
    }
    let mut lines = vec![head];
    lines.extend(results.rows.iter().map(|row| line(results, metric, row)));
    if with_modes {
        lines[0].push("mode".to_string());
        lines[1..].iter_mut().zip(&results.rows).for_each(|(line, row)| line.push(modes(results, row)));
    }
    lines.extend(means(results, metric));
    align(&lines)
}

fn line(results: &Results, metric: &Metric, row: &Row) -> Vec<String> {
    let mut line = vec![row.name.clone()];
    let figures = row.cells.iter().map(|cell| cell.as_ref().map(|cell| format_value(cell.median(metric))));
    line.extend(figures.map(|figure| figure.unwrap_or("-".to_string())));
    if let Some(peer) = results.peer {
        line.extend(ratio_columns(peer).map(|column| format_ratio(row.ratio(metric, column, peer))));
    }
    line
}

/// Returns the lines of geometric means. Each engine's mean is in its column, and again in its column of ratios.
fn means(results: &Results, metric: &Metric) -> Vec<Vec<String>> {
    let Some(peer) = results.peer else { return Vec::new() };
    let columns: Vec<Vec<Mean>> = (0..results.engines.len()).map(|column| results.means(metric, column)).collect();
    // The peer has run every workload for which another engine has a ratio.
    let lines = columns[peer].iter().map(|mean| {
        let mean_of = |column: usize| columns[column].iter().find(|other| other.name == mean.name);
        let mut line = vec![format!("{}: geometric mean of {}, to {}", mean.name, mean.count, results.engines[peer])];
        let values = (0..results.engines.len()).chain(ratio_columns(peer)).map(|column| {
            // A mean over fewer workloads is not comparable with the others, so the table shows their number.
            mean_of(column).map_or("-".to_string(), |other| match other.count {
                count if count == mean.count => format!("{:.2}", other.value),
                count => format!("{:.2} of {count}", other.value),
            })
        });
        line.extend(values);
        line
    });
    lines.collect()
}

/// Returns the columns whose ratios the table shows for each workload.
fn ratio_columns(peer: usize) -> std::ops::Range<usize> {
    0..peer.max(1)
}

fn format_ratio(ratio: Option<f64>) -> String {
    ratio.map_or("-".to_string(), |ratio| format!("{ratio:.2}"))
}

/// Returns the modes in which engines with several modes ran a workload.
fn modes(results: &Results, row: &Row) -> String {
    let modes = results.engines.iter().zip(&row.cells);
    let modes = modes.filter_map(|(engine, cell)| Some(format!("{engine} {}", cell.as_ref()?.mode?)));
    modes.collect::<Vec<_>>().join(", ")
}

/// Formats a value with at least three significant digits.
fn format_value(value: f64) -> String {
    match value {
        small if small < 10.0 => format!("{small:.2}"),
        medium if medium < 100.0 => format!("{medium:.1}"),
        large => format!("{large:.0}"),
    }
}

/// Aligns the first column to the left and the others to the right.
pub(super) fn align(lines: &[Vec<String>]) -> String {
    let columns = lines.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        lines.iter().filter_map(|line| line.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for line in lines {
        let mut row = String::new();
        for (column, cell) in line.iter().enumerate() {
            let width = widths[column];
            row.push_str(&if column == 0 { format!("{cell:<width$}") } else { format!("  {cell:>width$}") });
        }
        text.push_str(row.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::result::example;
    use super::*;

    #[test]
    fn a_table_contains_medians_modes_ratios_and_means() {
        let text = text(&example());
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[0].starts_with("CPU time, ms") && lines[0].contains("native  kinglet / wasmi"), "{text}");
        assert_eq!(
            lines[1].split_whitespace().collect::<Vec<_>>(),
            ["kernels/scalar/gemm", "80.0", "100", "10.0", "0.80", "wasmi", "eager"]
        );
        assert_eq!(
            lines[3].split_whitespace().collect::<Vec<_>>(),
            ["start/<hello>", "3.00", "2.00", "-", "1.50", "wasmi", "lazy"]
        );
        let mean = lines[7].strip_prefix("kernels: geometric mean of 2, to wasmi").expect(&text);
        assert_eq!(mean.split_whitespace().collect::<Vec<_>>(), ["0.40", "1.00", "0.10", "0.40"]);
        assert!(lines[6].starts_with("start: geometric mean of 1, to wasmi"), "{text}");
        assert_eq!(lines[6].split_whitespace().rev().take(4).collect::<Vec<_>>(), ["1.50", "-", "1.00", "1.50"]);
        assert_eq!(text.matches("geometric").count(), 3 * 4);
        assert!(text.contains("peak memory, MiB"));
        assert_eq!(text.matches("wasmi eager").count(), 1);
    }

    #[test]
    fn ratios_are_shown_for_each_engine_before_the_peer() {
        let text = text(&Results { peer: Some(2), ..example() });
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[0].contains("kinglet / native  wasmi / native"), "{text}");
        assert_eq!(lines[1].split_whitespace().collect::<Vec<_>>()[1..6], ["80.0", "100", "10.0", "8.00", "10.00"]);
    }

    #[test]
    fn without_a_peer_there_are_no_ratios() {
        let text = text(&Results { peer: None, ..example() });
        assert!(!text.contains('/') || !text.contains("kinglet /"), "{text}");
        assert!(!text.contains("geometric"), "{text}");
    }
}
