//! The results as text for a terminal: one table for each metric, with a column per engine and the first engine's ratio
//! to the peer. The first table also has the modes of engines with several.

use super::result::{METRICS, Metric, Results, Row};

/// All tables.
pub(super) fn text(results: &Results) -> String {
    let modes = |index: usize| index == 0 && results.rows.iter().any(|row| !modes(results, row).is_empty());
    let tables = METRICS.iter().enumerate().map(|(index, metric)| table(results, metric, modes(index)));
    tables.collect::<Vec<_>>().join("\n")
}

fn table(results: &Results, metric: &Metric, with_modes: bool) -> String {
    let mut head = vec![format!("{}, {}", metric.name, metric.unit)];
    head.extend(results.engines.iter().cloned());
    if let Some(peer) = results.peer {
        head.push(format!("{} / {}", results.engines[0], results.engines[peer]));
    }
    let mut lines = vec![head];
    lines.extend(results.rows.iter().map(|row| line(results, metric, row)));
    if with_modes {
        lines[0].push("mode".to_string());
        lines[1..].iter_mut().zip(&results.rows).for_each(|(line, row)| line.push(modes(results, row)));
    }
    let means = results.means(metric, 0).into_iter().map(|mean| {
        let mut line = vec![format!("{}: geometric mean of {}", mean.name, mean.count)];
        line.resize(results.engines.len() + 1, String::new());
        line.push(format!("{:.2}", mean.value));
        line
    });
    lines.extend(means);
    align(&lines)
}

fn line(results: &Results, metric: &Metric, row: &Row) -> Vec<String> {
    let mut line = vec![row.name.clone()];
    let figures = row.cells.iter().map(|cell| cell.as_ref().map(|cell| number(cell.median(metric))));
    line.extend(figures.map(|figure| figure.unwrap_or("-".to_string())));
    if let Some(peer) = results.peer {
        line.push(row.ratio(metric, 0, peer).map_or("-".to_string(), |ratio| format!("{ratio:.2}")));
    }
    line
}

/// In which mode engines with several ran it.
fn modes(results: &Results, row: &Row) -> String {
    let modes = results.engines.iter().zip(&row.cells);
    let modes = modes.filter_map(|(engine, cell)| Some(format!("{engine} {}", cell.as_ref()?.mode?)));
    modes.collect::<Vec<_>>().join(", ")
}

/// Three digits or more.
fn number(value: f64) -> String {
    match value {
        small if small < 10.0 => format!("{small:.2}"),
        medium if medium < 100.0 => format!("{medium:.1}"),
        large => format!("{large:.0}"),
    }
}

/// The first column to the left, the others to the right.
fn align(lines: &[Vec<String>]) -> String {
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
    fn a_table_has_medians_modes_ratios_and_means() {
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
        assert!(lines[7].starts_with("kernels: geometric mean of 2") && lines[7].ends_with(" 0.40"), "{text}");
        assert_eq!(text.matches("geometric").count(), 3 * 4);
        assert!(text.contains("peak memory, MiB"));
        assert_eq!(text.matches("wasmi eager").count(), 1);
    }

    #[test]
    fn without_a_peer_there_are_no_ratios() {
        let text = text(&Results { peer: None, ..example() });
        assert!(!text.contains('/') || !text.contains("kinglet /"), "{text}");
        assert!(!text.contains("geometric"), "{text}");
    }
}
