//! The results as comma-separated values: a line for each workload on each engine, and a line for the geometric means
//! of each engine's ratios over each group.

use super::result::{METRICS, Mean, Results};

/// Returns the CSV, which starts with a line of column names.
pub(super) fn text(results: &Results) -> String {
    let mut columns: Vec<String> = ["workload", "group", "engine", "mode", "runs"].map(String::from).into();
    for metric in &METRICS {
        columns.extend([format!("{}_median", metric.column), format!("{}_least", metric.column)]);
    }
    columns.extend(METRICS.iter().map(|metric| format!("{}_ratio_to_peer", metric.column)));
    let mut text = columns.join(",") + "\n";
    for row in &results.rows {
        for (column, engine) in results.engines.iter().enumerate() {
            let Some(Some(cell)) = row.cells.get(column) else { continue };
            let mode = cell.mode.unwrap_or_default();
            let mut fields: Vec<String> = [&row.name, row.group(), engine, mode].map(field).into();
            fields.push(cell.runs.len().to_string());
            for metric in &METRICS {
                fields.extend([cell.median(metric), cell.least(metric)].map(|value| format!("{value:.3}")));
            }
            fields.extend(METRICS.iter().map(|metric| {
                let ratio = results.peer.and_then(|peer| row.ratio(metric, column, peer));
                ratio.map_or(String::new(), |ratio| format!("{ratio:.4}"))
            }));
            text.push_str(&(fields.join(",") + "\n"));
        }
    }
    text + &means(results)
}

/// Returns the lines of means. Their workload is `geometric mean`, and their number of runs is the number of workloads.
/// They have only ratios.
fn means(results: &Results) -> String {
    let mut text = String::new();
    for (column, engine) in results.engines.iter().enumerate() {
        let means: Vec<Vec<Mean>> = METRICS.iter().map(|metric| results.means(metric, column)).collect();
        for (index, mean) in means[0].iter().enumerate() {
            let mut fields = vec!["geometric mean".to_string(), field(&mean.name), field(engine), String::new()];
            fields.push(mean.count.to_string());
            fields.resize(5 + 2 * METRICS.len(), String::new());
            let value = |means: &Vec<Mean>| means.get(index).map_or(String::new(), |mean| format!("{:.4}", mean.value));
            fields.extend(means.iter().map(value));
            text.push_str(&(fields.join(",") + "\n"));
        }
    }
    text
}

/// Quotes a field if necessary (RFC 4180).
fn field(text: &str) -> String {
    if text.contains(['"', ',', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_string() }
}

#[cfg(test)]
mod tests {
    use super::super::result::example;
    use super::*;

    #[test]
    fn every_line_has_all_columns() {
        let text = text(&example());
        let lines: Vec<Vec<&str>> = text.lines().map(|line| line.split(',').collect()).collect();
        // Two engines have means in all groups. The third did not run one group.
        assert_eq!(lines.len(), 1 + 3 + 3 + 2 + 4 + 4 + 3);
        assert!(lines.iter().all(|line| line.len() == 5 + 6 + 3), "{text}");
        assert_eq!(lines[1][..6], ["kernels/scalar/gemm", "kernels/scalar", "kinglet", "", "3", "80.000"]);
        assert_eq!(lines[1][11], "0.8000");
        assert_eq!(lines[2][3], "eager");
        assert_eq!(
            lines[12],
            ["geometric mean", "kernels", "kinglet", "", "2", "", "", "", "", "", "", "0.4000", "0.4724", "1.0000"]
        );
    }

    #[test]
    fn a_field_with_a_comma_is_quoted() {
        assert_eq!(field("a,\"b\""), "\"a,\"\"b\"\"\"");
        assert_eq!(field("plain"), "plain");
    }
}
