//! `cargo xtask bench`: workloads on Kinglet and on whichever peers are installed. The runs of a workload are interleaved
//! (each engine once, then each again), the first of each engine is dropped, and medians are reported: as tables on the
//! terminal, as CSV and as a picture. `docs/performance.md` says how to read them. Wrong output is an error; no time is.

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

/// Runs that count, unless `--runs` says otherwise.
const RUNS: usize = 5;

/// The peer that ratios are to, if it is there.
const PEER: &str = "wasmi";

/// Modes are tried until one's trials have taken this long, and so many times at most.
const TRIAL: Duration = Duration::from_millis(500);
const TRIALS: usize = 3;

/// `cargo xtask bench [OPTIONS] [WORKLOAD…]`
pub(crate) fn command(context: &Context, args: &[String]) -> Result<(), String> {
    let options = options::read(args)?;
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
        if !engine::placed(KINGLET, &options.programs) {
            println!("{KINGLET:<11} will be built");
        }
        return Ok(());
    }
    let modules: Vec<&Path> = workloads.iter().map(|workload| workload.module.as_path()).collect();
    let tally = programs::make_these(context, &modules);
    if tally.failed + tally.skipped > 0 {
        return Err("not all programs could be made".to_string());
    }
    let title = title(context, &options);
    println!("\n{title}");
    engines.iter().for_each(|engine| println!("{}", describe(engine)));
    let bench = Bench { context, options: &options, title, folder: files(context)?, engines };
    bench.run(&workloads)
}

/// The engines to measure. Kinglet is built first, unless another build of it was named.
fn engines(context: &Context, options: &Options) -> Result<Vec<Engine>, String> {
    let wanted = |name: &str| options.engines.as_ref().is_none_or(|names| names.iter().any(|one| one == name));
    let mut given = options.programs.clone();
    let ours = [KINGLET, INTERPRETER].map(|name| (name, wanted(name) && !engine::placed(name, &given)));
    if ours.iter().any(|(_, ours)| *ours) && !options.list {
        let cargo = std::env::var_os("CARGO").unwrap_or("cargo".into());
        let mut build = Command::new(cargo);
        let build = build.current_dir(&context.root).args(["build", "--release", "--package", "kinglet-cli"]);
        if prepare(context, build).failed > 0 {
            return Err("Kinglet does not build".to_string());
        }
        let ours = ours.iter().filter(|(_, ours)| *ours);
        given.extend(ours.map(|(name, _)| (name.to_string(), context.kinglet())));
    }
    let mut engines = engine::find(context, &given)?;
    engines.retain(|engine| wanted(engine.name));
    if let Some(name) = options.engines.iter().flatten().find(|name| !engines.iter().any(|one| one.name == **name)) {
        return Err(format!("{name} is not here; say where with --program {name}=PATH"));
    }
    Ok(engines)
}

fn describe(engine: &Engine) -> String {
    format!("{:<11} {} at {}", engine.name, engine.version, engine.program.display())
}

/// The folder that workloads run in, with the files they read.
fn files(context: &Context) -> Result<PathBuf, String> {
    let folder = context.target.join("bench/files");
    let cannot = |error: std::io::Error| format!("cannot prepare {}: {error}", folder.display());
    std::fs::create_dir_all(&folder).map_err(cannot)?;
    for entry in std::fs::read_dir(context.root.join("bench/files")).map_err(cannot)?.flatten() {
        std::fs::copy(entry.path(), folder.join(entry.file_name())).map_err(cannot)?;
    }
    Ok(folder)
}

/// One run of the bench.
struct Bench<'a> {
    context: &'a Context,
    options: &'a Options,
    title: String,
    folder: PathBuf,
    engines: Vec<Engine>,
}

impl Bench<'_> {
    /// Measures all workloads, reporting after each, so that a bench that is broken off has something to show.
    fn run(&self, workloads: &[Workload]) -> Result<(), String> {
        let mut results = Results {
            engines: self.engines.iter().map(|engine| engine.name.to_string()).collect(),
            peer: self.peer()?,
            rows: Vec::new(),
        };
        let mut faults = Vec::new();
        let start = Instant::now();
        for (index, workload) in workloads.iter().enumerate() {
            let cells = self.row(workload, &mut faults);
            results.rows.push(Row { name: workload.name.clone(), cells });
            self.progress(index, workloads.len(), &results);
            self.write(&results)?;
        }
        println!("\n{}", table::text(&results));
        println!(
            "{} workloads in {:.0} s; see {}",
            workloads.len(),
            start.elapsed().as_secs_f64(),
            self.reports().display()
        );
        if faults.is_empty() { Ok(()) } else { Err(format!("{} went wrong:\n{}", faults.len(), faults.join("\n"))) }
    }

    /// The column that ratios are to: what was asked for, or the usual peer, or the second engine.
    fn peer(&self) -> Result<Option<usize>, String> {
        let find = |name: &str| self.engines.iter().position(|engine| engine.name == name);
        match &self.options.peer {
            Some(name) => {
                find(name).map(Some).ok_or(format!("{name} is not here; say where with --program {name}=PATH"))
            }
            None => Ok(find(PEER).or((self.engines.len() > 1).then_some(1))),
        }
    }

    /// A workload on all engines, interleaved. An engine that fails is left out from there on.
    fn row(&self, workload: &Workload, faults: &mut Vec<String>) -> Vec<Option<Cell>> {
        let mut cells: Vec<Option<Cell>> = Vec::new();
        let mut fail = |engine: &Engine, why: String| {
            let fault = format!("{} on {}: {why}", workload.name, engine.name);
            eprintln!("{fault}");
            faults.push(fault);
        };
        for engine in &self.engines {
            let cell = engine.runs(workload).then(|| self.start(engine, workload));
            cells.push(cell.and_then(|cell| cell.map_err(|why| fail(engine, why)).ok()));
        }
        let times = if self.options.quick { 1 } else { workload.times };
        for round in 0..=self.options.runs.unwrap_or(if self.options.quick { 1 } else { RUNS }) * times {
            for (engine, slot) in self.engines.iter().zip(&mut cells) {
                let Some(cell) = slot else { continue };
                match self.once(engine, workload, cell.mode) {
                    Ok(_) if round == 0 => {}
                    Ok(run) => cell.runs.push(run.usage),
                    Err(why) => {
                        fail(engine, why);
                        *slot = None;
                    }
                }
            }
        }
        cells
    }

    /// Prepares an engine for a workload and decides its mode: the one asked for, or the one with the least CPU time.
    fn start(&self, engine: &Engine, workload: &Workload) -> Result<Cell, String> {
        engine.prepare(self.context, workload)?;
        let modes = engine.modes();
        if let Some(wanted) = &self.options.mode
            && !modes.is_empty()
        {
            let mode = modes.iter().find(|mode| *mode == wanted);
            let mode = mode.ok_or(format!("no mode `{wanted}`; there are: {}", modes.join(" ")))?;
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
                let cpu = self.once(engine, workload, Some(mode))?.usage.cpu;
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

    /// One run, with its output compared.
    fn once(&self, engine: &Engine, workload: &Workload, mode: Option<&str>) -> Result<Run, String> {
        let run = measure(&engine.command(self.context, workload, mode, &self.folder))?;
        match &workload.expected {
            Expected::Text(text) if *text != run.out => Err(format!("printed {:?} instead of {text:?}", run.out)),
            _ => Ok(run),
        }
    }

    fn progress(&self, index: usize, count: usize, results: &Results) {
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
    fn write(&self, results: &Results) -> Result<(), String> {
        let cannot = |error: std::io::Error| format!("cannot write to {}: {error}", self.reports().display());
        std::fs::create_dir_all(self.reports()).map_err(cannot)?;
        let reports =
            [("csv", csv::text(results)), ("svg", plot::svg(results, &self.title)), ("txt", table::text(results))];
        reports.iter().try_for_each(|(ending, text)| {
            std::fs::write(self.reports().join("results").with_extension(ending), text).map_err(cannot)
        })
    }

    /// The folder of the reports.
    fn reports(&self) -> PathBuf {
        self.options.to.clone().unwrap_or_else(|| self.context.target.join("bench"))
    }
}

/// Which build is measured: one of this commit, unless it came from elsewhere.
fn title(context: &Context, options: &Options) -> String {
    let describe = ["describe", "--always", "--dirty"];
    let commit = output(Command::new("git").current_dir(&context.root).args(describe)).unwrap_or_default();
    let build = match engine::placed(KINGLET, &options.programs) {
        true => "as given".to_string(),
        false => format!("{}, release build", commit.trim()),
    };
    format!("Kinglet ({build}) on {} {}", std::env::consts::ARCH, std::env::consts::OS)
}
