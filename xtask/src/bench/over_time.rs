//! `cargo xtask bench --over-time`: throughput after a cold start, with the interpreter, with all code compiled first,
//! and with Kinglet's default, tier-up. Endless programs print a point after each unit of work, and the bench records
//! when it arrives. It reports them as CSV and as a plot (SVG).

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::plot::escape;
use crate::process::Context;

/// The run modes, with their options and colours.
const MODES: [(&str, &[&str], &str); 3] = [
    ("auto", &[], "#0072b2"),
    ("jit", &["--run-mode", "jit"], "#d55e00"),
    ("interpreter", &["--run-mode", "interpreter"], "#999999"),
];

/// The number of intervals of equal length in a program's running time.
const INTERVALS: usize = 120;

const SCRIPT: &str = "import sys
def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)
while True:
    fib(13)
    sys.stdout.write('.')
    sys.stdout.flush()
";

/// An endless program that prints points.
struct Program {
    name: &'static str,
    module: PathBuf,
    args: &'static [&'static str],
    time: Duration,
}

fn programs(context: &Context, small: bool) -> Vec<Program> {
    let marks = context.root.join("bench/marks.wat");
    let python = context.target.join("programs/python.wasm");
    let time = |milliseconds| Duration::from_millis(if small { 200 } else { milliseconds });
    let mut programs = vec![Program { name: "one loop", module: marks, args: &[], time: time(600) }];
    if !small {
        programs.push(Program { name: "CPython, fib", module: python, args: &["-c", SCRIPT], time: time(12_000) });
    }
    programs
}

/// The numbers of points in each interval.
struct Curve {
    mode: &'static str,
    colour: &'static str,
    points: Vec<u32>,
}

/// Runs all programs in all modes, and writes the reports.
pub(super) fn run(context: &Context, kinglet: &Path, small: bool, reports: &Path) -> Result<(), String> {
    let mut panels = Vec::new();
    for program in programs(context, small) {
        let curve = |(mode, options, colour): (&'static str, &[&str], &'static str)| {
            let mut command = Command::new(kinglet);
            command.args(options).arg(&program.module).args(program.args).env("KINGLET_CACHE_DIR", "");
            let points = points(&mut command, program.time)?;
            eprintln!("{}, {mode}: {} points", program.name, points.iter().sum::<u32>());
            Ok(Curve { mode, colour, points })
        };
        let curves = MODES.into_iter().map(curve).collect::<Result<Vec<Curve>, String>>()?;
        panels.push((program.name, program.time, curves));
    }
    let cannot = |error: std::io::Error| format!("cannot write to {}: {error}", reports.display());
    std::fs::create_dir_all(reports).map_err(cannot)?;
    std::fs::write(reports.join("over-time.csv"), csv(&panels)).map_err(cannot)?;
    std::fs::write(reports.join("over-time.svg"), svg(&panels)).map_err(cannot)?;
    println!("see {}", reports.join("over-time.svg").display());
    Ok(())
}

/// Runs a program for a time, and counts its points in each interval.
fn points(command: &mut Command, time: Duration) -> Result<Vec<u32>, String> {
    let start = Instant::now();
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
    let mut child = child.map_err(|error| format!("cannot start: {error}"))?;
    let mut out = child.stdout.take().ok_or("standard output is not a pipe")?;
    // A separate thread kills the program, so that a program that never prints ends too.
    let killer = std::thread::spawn(move || {
        std::thread::sleep(time);
        let _ = child.kill();
        child.wait()
    });
    let (mut counts, mut bytes) = (vec![0; INTERVALS], [0; 4096]);
    while let Ok(read @ 1..) = out.read(&mut bytes) {
        let interval = start.elapsed().as_secs_f64() / time.as_secs_f64() * INTERVALS as f64;
        if let Some(count) = counts.get_mut(interval as usize) {
            *count += read as u32;
        }
    }
    let status = killer.join().map_err(|_| "cannot wait for the program")?.map_err(|error| error.to_string())?;
    if status.code().is_some() { Err(format!("the program ended by itself: {status}")) } else { Ok(counts) }
}

type Panel = (&'static str, Duration, Vec<Curve>);

/// Returns the CSV: a line for each program, mode and interval.
fn csv(panels: &[Panel]) -> String {
    let mut text = String::from("program,mode,seconds,points_per_second\n");
    for (program, time, curves) in panels {
        let interval = time.as_secs_f64() / INTERVALS as f64;
        for curve in curves {
            for (index, count) in curve.points.iter().enumerate() {
                let (at, rate) = ((index + 1) as f64 * interval, f64::from(*count) / interval);
                text += &format!("\"{program}\",{},{at:.4},{rate:.1}\n", curve.mode);
            }
        }
    }
    text
}

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 200.0;
const LEFT: f64 = 60.0;
const TOP: f64 = 60.0;
/// The distance between the tops of two panels.
const STEP: f64 = HEIGHT + 70.0;

/// Returns the plot: a panel for each program, with throughput over time relative to the maximum.
fn svg(panels: &[Panel]) -> String {
    let height = TOP + STEP * panels.len() as f64;
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{}\" height=\"{height}\" font-family=\"sans-serif\" \
         font-size=\"11\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n\
         <text x=\"10\" y=\"22\" font-size=\"15\">Throughput after a cold start</text>\n",
        LEFT + WIDTH + 30.0
    );
    let mut x = LEFT;
    for (mode, _, colour) in MODES {
        let at = x + 24.0;
        text += &format!(
            "<line x1=\"{x}\" y1=\"38\" x2=\"{}\" y2=\"38\" stroke=\"{colour}\" stroke-width=\"2\"/>\
             <text x=\"{at}\" y=\"42\">{mode}</text>\n",
            x + 18.0
        );
        x = at + 20.0 + 7.0 * mode.len() as f64;
    }
    for (index, panel) in panels.iter().enumerate() {
        text += &panel_svg(panel, TOP + STEP * index as f64 + 10.0);
    }
    text + "</svg>\n"
}

fn panel_svg((program, time, curves): &Panel, top: f64) -> String {
    let interval = time.as_secs_f64() / INTERVALS as f64;
    let maximum = curves.iter().flat_map(|curve| &curve.points).copied().max().unwrap_or(1).max(1);
    let bottom = top + HEIGHT;
    let mut text = format!(
        "<text x=\"{LEFT}\" y=\"{:.0}\" font-size=\"12\">{}: at most {:.0} points per second</text>\n\
         <rect x=\"{LEFT}\" y=\"{top}\" width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"none\" stroke=\"#999999\"/>\n",
        top - 5.0,
        escape(program),
        f64::from(maximum) / interval,
    );
    for sixth in 0..=6 {
        let (x, seconds) = (LEFT + WIDTH * f64::from(sixth) / 6.0, time.as_secs_f64() * f64::from(sixth) / 6.0);
        text +=
            &format!("<text x=\"{x:.0}\" y=\"{:.0}\" text-anchor=\"middle\">{seconds:.1} s</text>\n", bottom + 14.0);
    }
    for curve in curves {
        let coordinates = |(index, count): (usize, &u32)| {
            let x = LEFT + WIDTH * (index as f64 + 0.5) / INTERVALS as f64;
            format!("{x:.0},{:.1}", bottom - HEIGHT * f64::from(*count) / f64::from(maximum))
        };
        let coordinates: Vec<String> = curve.points.iter().enumerate().map(coordinates).collect();
        text += &format!(
            "<polyline fill=\"none\" stroke=\"{}\" stroke-width=\"1.5\" points=\"{}\"><title>{}</title></polyline>\n",
            curve.colour,
            coordinates.join(" "),
            curve.mode
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> Vec<Panel> {
        let curve = |(mode, _, colour), maximum: u32| Curve {
            mode,
            colour,
            points: (0..INTERVALS as u32).map(|interval| interval.min(maximum)).collect(),
        };
        let curves = MODES.into_iter().zip([100, 90, 10]).map(|(mode, maximum)| curve(mode, maximum)).collect();
        vec![("a < b", Duration::from_secs(12), curves)]
    }

    #[test]
    fn every_mode_has_a_line_inside_its_panel() {
        let svg = svg(&example());
        let tree = roxmltree::Document::parse(&svg).expect("the picture is XML");
        let lines: Vec<_> = tree.descendants().filter(|node| node.has_tag_name("polyline")).collect();
        assert_eq!(lines.len(), MODES.len());
        for line in lines {
            let coordinates: Vec<(f64, f64)> = line
                .attribute("points")
                .unwrap()
                .split(' ')
                .map(|pair| {
                    let (x, y) = pair.split_once(',').unwrap();
                    (x.parse().unwrap(), y.parse().unwrap())
                })
                .collect();
            assert_eq!(coordinates.len(), INTERVALS);
            assert!(coordinates.iter().all(|(x, _)| (LEFT..=LEFT + WIDTH).contains(x)));
            assert!(coordinates.iter().all(|(_, y)| (TOP..=TOP + STEP).contains(y)));
        }
        assert!(tree.descendants().any(|node| node.text() == Some("a < b: at most 1000 points per second")), "{svg}");
    }

    #[test]
    fn values_are_points_per_second() {
        let csv = csv(&example());
        let line = csv.lines().nth(51).unwrap();
        assert_eq!(line, "\"a < b\",auto,5.1000,500.0");
        assert_eq!(csv.lines().count(), 1 + MODES.len() * INTERVALS);
    }

    #[test]
    fn a_program_that_ends_by_itself_is_an_error() {
        let error = points(&mut Command::new("true"), Duration::from_millis(10)).unwrap_err();
        assert!(error.contains("ended by itself"), "{error}");
    }

    #[test]
    fn points_are_counted_as_they_arrive() {
        let mut shell = Command::new("sh");
        shell.args(["-c", "printf ...; exec sleep 100"]);
        let points = points(&mut shell, Duration::from_millis(500)).unwrap();
        assert_eq!((points.len(), points.iter().sum::<u32>()), (INTERVALS, 3));
    }
}
