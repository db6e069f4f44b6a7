//! `cargo xtask bench`: workloads on Kinglet and on the installed peers. The runs of a workload are interleaved: each
//! engine runs once, then each again. The first run of each engine does not count. The bench reports medians as tables
//! on the terminal, as CSV and as a plot; `docs/performance.md` explains them. Wrong output is an error, but a slow run
//! is not.

mod csv;
mod engine;
mod options;
mod over_time;
mod plot;
mod result;
mod table;
mod target;
mod workload;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::measure::{Run, measure};
use crate::process::{Context, output, prepare};
use crate::programs;
use engine::{Engine, INTERPRETER, KINGLET};
use options::Options;
use result::{Cell, METRICS, Results, Row};
use workload::{Expected, Workload};

/// The default number of runs that count.
const RUNS: usize = 5;

/// The default peer of ratios, if it is installed.
const PEER: &str = "wasmi";

/// The time per mode after which the trials of modes end. They end earlier after [`TRIALS`] rounds.
const TRIAL: Duration = Duration::from_millis(500);
const TRIALS: usize = 3;

/// `cargo xtask bench [OPTIONS] [WORKLOAD…]`
pub(crate) fn command(context: &Context, args: &[String]) -> Result<(), String> {
    let options = options::parse(args)?;
    if options.help {
        print!("{}", options::help());
        return Ok(());
    }
    let reports = options.to.clone().unwrap_or_else(|| context.target.join("bench"));
    if options.targets {
        let engines = engines(context, &options)?;
        engines.iter().for_each(|engine| println!("{}", describe(engine)));
        return target::Runner { context, options: &options, engines: &engines, reports }.run();
    }
    if options.over_time {
        let engines = engines(context, &options)?;
        let kinglet = engines.iter().find(|engine| engine.name == KINGLET).ok_or("Kinglet is not measured")?;
        return over_time::run(context, &kinglet.program, options.quick, &reports);
    }
    let patterns: Vec<&str> = options.patterns.iter().map(String::as_str).collect();
    let workloads = workload::list(context, &patterns, options.quick);
    if workloads.is_empty() {
        return Err(format!("no workload matches {}; --list shows them", options.patterns.join(" ")));
    }
    let engines = engines(context, &options)?;
    if options.list {
        workloads.iter().for_each(|workload| println!("{}", workload.name));
        println!("\n{}", engines.iter().map(describe).collect::<Vec<_>>().join("\n"));
        if !engine::is_configured(KINGLET, &options.programs) {
            println!("{KINGLET:<11} will be built");
        }
        return Ok(());
    }
    let modules: Vec<&Path> = workloads.iter().map(|workload| workload.module.as_path()).collect();
    let tally = programs::build_modules(context, &modules);
    if tally.failed + tally.skipped > 0 {
        return Err("some programs could not be built".to_string());
    }
    let title = title(context, &options);
    println!("\n{title}");
    engines.iter().for_each(|engine| println!("{}", describe(engine)));
    let bench = Bench { context, options: &options, title, directory: files(context)?, engines };
    bench.run(&workloads)
}

/// Returns the engines to measure. Builds Kinglet first, unless the user names another build.
fn engines(context: &Context, options: &Options) -> Result<Vec<Engine>, String> {
    let selected = |name: &str| options.engines.as_ref().is_none_or(|names| names.iter().any(|one| one == name));
    let mut programs = options.programs.clone();
    let builds = [KINGLET, INTERPRETER].map(|name| (name, selected(name) && !engine::is_configured(name, &programs)));
    if builds.iter().any(|(_, needed)| *needed) && !options.list {
        let cargo = std::env::var_os("CARGO").unwrap_or("cargo".into());
        let mut build = Command::new(cargo);
        let build = build.current_dir(&context.root).args(["build", "--release", "--package", "kinglet-cli"]);
        if prepare(context, build).failed > 0 {
            return Err("Kinglet does not build".to_string());
        }
        let needed = builds.iter().filter(|(_, needed)| *needed);
        programs.extend(needed.map(|(name, _)| (name.to_string(), context.kinglet())));
    }
    let mut engines = engine::find(context, &programs)?;
    engines.retain(|engine| selected(engine.name));
    if let Some(name) = options.engines.iter().flatten().find(|name| !engines.iter().any(|one| one.name == **name)) {
        return Err(format!("{name} is not installed; give its path with --program {name}=PATH"));
    }
    Ok(engines)
}

fn describe(engine: &Engine) -> String {
    format!("{:<11} {} at {}", engine.name, engine.version, engine.program.display())
}

/// Prepares the directory that workloads run in, with the files that they read.
fn files(context: &Context) -> Result<PathBuf, String> {
    let directory = context.target.join("bench/files");
    let cannot = |error: std::io::Error| format!("cannot prepare {}: {error}", directory.display());
    std::fs::create_dir_all(&directory).map_err(cannot)?;
    for entry in std::fs::read_dir(context.root.join("bench/files")).map_err(cannot)?.flatten() {
        std::fs::copy(entry.path(), directory.join(entry.file_name())).map_err(cannot)?;
    }
    Ok(directory)
}

/// One run of the bench.
struct Bench<'a> {
    context: &'a Context,
    options: &'a Options,
    title: String,
    directory: PathBuf,
    engines: Vec<Engine>,
}

impl Bench<'_> {
    /// Measures all workloads. Writes the reports after each, so that an aborted bench leaves partial results.
    fn run(&self, workloads: &[Workload]) -> Result<(), String> {
        let mut results = Results {
            engines: self.engines.iter().map(|engine| engine.name.to_string()).collect(),
            peer: self.peer()?,
            rows: Vec::new(),
        };
        let mut faults = Vec::new();
        let start = Instant::now();
        for (index, workload) in workloads.iter().enumerate() {
            let cells = self.measure_workload(workload, &mut faults);
            results.rows.push(Row { name: workload.name.clone(), cells });
            self.print_progress(index, workloads.len(), &results);
            self.write_reports(&results)?;
        }
        println!("\n{}", table::text(&results));
        println!(
            "{} workloads in {:.0} s; see {}",
            workloads.len(),
            start.elapsed().as_secs_f64(),
            self.reports().display()
        );
        if faults.is_empty() { Ok(()) } else { Err(format!("failed runs:\n{}", faults.join("\n"))) }
    }

    /// Returns the column of the peer: the one in the options, the default one, or the second engine.
    fn peer(&self) -> Result<Option<usize>, String> {
        let find = |name: &str| self.engines.iter().position(|engine| engine.name == name);
        match &self.options.peer {
            Some(name) => {
                find(name).map(Some).ok_or(format!("{name} is not installed; give its path with --program {name}=PATH"))
            }
            None => Ok(find(PEER).or((self.engines.len() > 1).then_some(1))),
        }
    }

    /// Runs a workload on all engines, interleaved. An engine that fails does not run the workload again.
    fn measure_workload(&self, workload: &Workload, faults: &mut Vec<String>) -> Vec<Option<Cell>> {
        let mut cells: Vec<Option<Cell>> = Vec::new();
        let mut fail = |engine: &Engine, reason: String| {
            let fault = format!("{} on {}: {reason}", workload.name, engine.name);
            eprintln!("{fault}");
            faults.push(fault);
        };
        for engine in &self.engines {
            let cell = engine.supports(workload).then(|| self.prepare(engine, workload));
            cells.push(cell.and_then(|cell| cell.map_err(|reason| fail(engine, reason)).ok()));
        }
        let factor = if self.options.quick { 1 } else { workload.run_factor };
        for round in 0..=self.options.runs.unwrap_or(if self.options.quick { 1 } else { RUNS }) * factor {
            for (engine, slot) in self.engines.iter().zip(&mut cells) {
                let Some(cell) = slot else { continue };
                match self.run_once(engine, workload, cell.mode) {
                    Ok(_) if round == 0 => {}
                    Ok(run) => cell.runs.push(run.usage),
                    Err(reason) => {
                        fail(engine, reason);
                        *slot = None;
                    }
                }
            }
        }
        cells
    }

    /// Prepares an engine for a workload and selects its mode: the mode in the options, or else the mode with the least
    /// CPU time.
    fn prepare(&self, engine: &Engine, workload: &Workload) -> Result<Cell, String> {
        engine.prepare(self.context, workload)?;
        let modes = engine.modes();
        if let Some(name) = &self.options.mode
            && !modes.is_empty()
        {
            let mode = modes.iter().find(|mode| *mode == name);
            let mode = mode.ok_or(format!("no mode `{name}`; modes: {}", modes.join(" ")))?;
            return Ok(Cell { mode: Some(mode), runs: Vec::new() });
        }
        if self.options.quick || modes.len() < 2 {
            return Ok(Cell { mode: modes.first().copied(), runs: Vec::new() });
        }
        let mut best = (Duration::MAX, None);
        let mut least = vec![Duration::MAX; modes.len()];
        let mut spent = Duration::ZERO;
        for _ in 0..TRIALS {
            for (mode, least) in modes.iter().zip(&mut least) {
                let cpu = self.run_once(engine, workload, Some(mode))?.usage.cpu;
                *least = cpu.min(*least);
                spent += cpu;
                best = best.min((*least, Some(*mode)));
            }
            if spent > TRIAL * modes.len() as u32 {
                break;
            }
        }
        Ok(Cell { mode: best.1, runs: Vec::new() })
    }

    /// Runs a workload once and checks its output.
    fn run_once(&self, engine: &Engine, workload: &Workload, mode: Option<&str>) -> Result<Run, String> {
        let run = measure(&engine.command(self.context, workload, mode, &self.directory))?;
        match &workload.expected {
            Expected::Text(text) if *text != run.out => Err(format!("printed {:?} instead of {text:?}", run.out)),
            _ => Ok(run),
        }
    }

    fn print_progress(&self, index: usize, count: usize, results: &Results) {
        let Some(row) = results.rows.last() else { return };
        let cpu = &METRICS[0];
        let figures = results.engines.iter().zip(&row.cells).filter_map(|(engine, cell)| {
            let cell = cell.as_ref()?;
            Some(format!("{engine} {:.1}", cell.median(cpu)))
        });
        let ratio = results.peer.and_then(|peer| row.ratio(cpu, 0, peer));
        let ratio = ratio.map_or(String::new(), |ratio| format!(" ({ratio:.2})"));
        eprintln!("[{}/{count}] {}: {}{ratio}", index + 1, row.name, figures.collect::<Vec<_>>().join(", "));
    }

    /// Writes all reports.
    fn write_reports(&self, results: &Results) -> Result<(), String> {
        let cannot = |error: std::io::Error| format!("cannot write to {}: {error}", self.reports().display());
        std::fs::create_dir_all(self.reports()).map_err(cannot)?;
        let reports =
            [("csv", csv::text(results)), ("svg", plot::svg(results, &self.title)), ("txt", table::text(results))];
        reports.iter().try_for_each(|(ending, text)| {
            std::fs::write(self.reports().join("results").with_extension(ending), text).map_err(cannot)
        })
    }

    /// Returns the directory of the reports.
    fn reports(&self) -> PathBuf {
        self.options.to.clone().unwrap_or_else(|| self.context.target.join("bench"))
    }
}

/// Returns the title of the plot. It describes the measured build: the release build of this commit, or a build that
/// the user names.
fn title(context: &Context, options: &Options) -> String {
    let describe = ["describe", "--always", "--dirty"];
    let commit = output(Command::new("git").current_dir(&context.root).args(describe)).unwrap_or_default();
    let build = match engine::is_configured(KINGLET, &options.programs) {
        true => "external build".to_string(),
        false => format!("{}, release build", commit.trim()),
    };
    format!("Kinglet ({build}) on {} {}", std::env::consts::ARCH, std::env::consts::OS)
}
