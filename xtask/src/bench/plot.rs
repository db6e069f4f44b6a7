//! The results as a plot (SVG): for each workload, a bar per engine. Its length is the ratio of the engine's CPU time
//! to that of the peer. A line marks the peer.

use super::result::{METRICS, Results};

const WIDTH: f64 = 900.0;
/// The left end of bars, and their maximum length.
const LEFT: f64 = 210.0;
const MAX_LENGTH: f64 = 620.0;
const BAR: f64 = 9.0;
const GAP: f64 = 8.0;
const TOP: f64 = 84.0;

/// The largest ratio that a bar can show. Longer bars are truncated, but their figures are shown.
const MAX_RATIO: f64 = 1.6;

/// One colour per engine, in the order of the columns. Colour-blind readers can distinguish them.
const COLOURS: [&str; 8] = ["#0072b2", "#56b4e9", "#cc79a7", "#999999", "#e69f00", "#009e73", "#333333", "#d55e00"];

/// A bar of the plot.
struct Bar<'a> {
    engine: &'a str,
    colour: &'static str,
    ratio: f64,
}

/// Returns the plot. `title` describes the build and the machine.
pub(super) fn svg(results: &Results, title: &str) -> String {
    let groups = groups(results);
    let height = TOP + groups.iter().map(|(_, bars)| bars.len() as f64 * BAR + GAP).sum::<f64>() + 20.0;
    let peer = results.peer.map_or("nothing", |peer| &results.engines[peer]);
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" font-family=\"sans-serif\" \
         font-size=\"11\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n\
         <text x=\"10\" y=\"22\" font-size=\"15\">{}</text>\n\
         <text x=\"10\" y=\"40\">CPU time relative to {}: shorter is faster</text>\n",
        escape(title),
        escape(peer),
    );
    text.push_str(&legend(results));
    text.push_str(&scale(height));
    let mut y = TOP;
    for (name, bars) in &groups {
        let middle = y + bars.len() as f64 * BAR / 2.0 + 4.0;
        text.push_str(&format!(
            "<text x=\"{}\" y=\"{middle:.1}\" text-anchor=\"end\">{}</text>\n",
            LEFT - 6.0,
            escape(name)
        ));
        for bar in bars {
            text.push_str(&draw(bar, y));
            y += BAR;
        }
        y += GAP;
    }
    text + "</svg>\n"
}

/// Returns the bars under each name: geometric means first, then workloads.
fn groups(results: &Results) -> Vec<(String, Vec<Bar<'_>>)> {
    let Some(peer) = results.peer else { return Vec::new() };
    let cpu = &METRICS[0];
    let columns = || (0..results.engines.len()).filter(move |column| *column != peer);
    let bar = |column: usize, ratio: f64| Bar { engine: &results.engines[column], colour: colour(column), ratio };
    let mut groups: Vec<(String, Vec<Bar>)> = Vec::new();
    for column in columns() {
        for mean in results.means(cpu, column) {
            let name = format!("mean of {}", mean.name);
            match groups.iter_mut().find(|(other, _)| *other == name) {
                Some((_, bars)) => bars.push(bar(column, mean.value)),
                None => groups.push((name, vec![bar(column, mean.value)])),
            }
        }
    }
    groups.extend(results.rows.iter().map(|row| {
        let bars = columns().filter_map(|column| Some(bar(column, row.ratio(cpu, column, peer)?)));
        (row.name.clone(), bars.collect())
    }));
    groups
}

fn legend(results: &Results) -> String {
    let mut x = 10.0;
    let mut text = String::new();
    for (column, engine) in results.engines.iter().enumerate().filter(|(column, _)| Some(*column) != results.peer) {
        text.push_str(&format!(
            "<rect x=\"{x:.1}\" y=\"50\" width=\"10\" height=\"10\" fill=\"{}\"/><text x=\"{:.1}\" y=\"59\">{}</text>\n",
            colour(column),
            x + 14.0,
            escape(engine),
        ));
        x += 34.0 + 7.0 * engine.chars().count() as f64;
    }
    text
}

/// Draws lines at quarters, with a strong line for the peer.
fn scale(height: f64) -> String {
    let mut text = String::new();
    for quarter in 0..=6 {
        let ratio = f64::from(quarter) / 4.0;
        let (x, strength) = (LEFT + MAX_LENGTH * ratio / MAX_RATIO, if quarter == 4 { "#000000" } else { "#dddddd" });
        text.push_str(&format!(
            "<line x1=\"{x:.1}\" y1=\"{:.1}\" x2=\"{x:.1}\" y2=\"{:.1}\" stroke=\"{strength}\"/>\
             <text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{ratio}</text>\n",
            TOP - 4.0,
            height - 14.0,
            TOP - 8.0,
        ));
    }
    text
}

fn draw(bar: &Bar, y: f64) -> String {
    let width = MAX_LENGTH * bar.ratio.min(MAX_RATIO) / MAX_RATIO;
    format!(
        "<rect x=\"{LEFT}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{:.1}\" fill=\"{}\"><title>{}: {:.3}</title></rect>\
         <text x=\"{:.1}\" y=\"{:.1}\" font-size=\"9\">{:.2}</text>\n",
        BAR - 1.0,
        bar.colour,
        escape(bar.engine),
        bar.ratio,
        LEFT + width + 3.0,
        y + BAR - 1.0,
        bar.ratio,
    )
}

fn colour(column: usize) -> &'static str {
    COLOURS[column % COLOURS.len()]
}

pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::super::result::example;
    use super::*;

    #[test]
    fn every_engine_but_the_peer_has_a_bar_in_each_row() {
        let svg = svg(&example(), "one < two & three");
        let tree = roxmltree::Document::parse(&svg).expect("the picture is XML");
        let titles: Vec<&str> =
            tree.descendants().filter(|node| node.has_tag_name("title")).filter_map(|n| n.text()).collect();
        // Kinglet has three workloads and four means, native two workloads and three means.
        assert_eq!(titles.len(), 3 + 2 + 4 + 3, "{titles:?}");
        assert_eq!(svg.matches(">mean of start<").count(), 1);
        assert!(titles.contains(&"kinglet: 0.800") && titles.contains(&"native: 0.100"), "{titles:?}");
        let texts: Vec<&str> =
            tree.descendants().filter(|node| node.has_tag_name("text")).filter_map(|n| n.text()).collect();
        assert!(texts.contains(&"one < two & three") && texts.contains(&"start/<hello>"), "{texts:?}");
    }

    #[test]
    fn every_engine_has_its_own_colour() {
        let colours: std::collections::BTreeSet<&str> = COLOURS.into_iter().collect();
        assert_eq!(colours.len(), COLOURS.len());
        assert!(super::super::engine::names().len() <= COLOURS.len());
    }

    #[test]
    fn a_bar_never_exceeds_the_maximal_length() {
        let bar = Bar { engine: "slow", colour: COLOURS[0], ratio: 1000.0 };
        let drawn = draw(&bar, 0.0);
        assert!(drawn.contains(&format!("width=\"{MAX_LENGTH:.1}\"")) && drawn.contains("1000.00"), "{drawn}");
    }
}
