//! The engines that run the workloads: Kinglet and the installed peers. One table lists them, with the syntax of their
//! command lines. Peers are found on `PATH`, or at a path from a variable or an option.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::workload::{Action, Workload};
use crate::kernel;
use crate::process::{Context, output};
use crate::tool;

/// The name of this workspace's build.
pub(super) const KINGLET: &str = "kinglet";

/// The name of the same build with `--run-mode interpreter`.
pub(super) const INTERPRETER: &str = "interpreter";

/// The name of native code, which the bench compiles itself.
const NATIVE: &str = "native";

const NODE: &str = "node";

/// The description of an engine.
struct EngineKind {
    name: &'static str,
    /// The program names to search for on `PATH`. The first one found is used.
    programs: &'static [&'static str],
    /// An environment variable that overrides the path.
    variable: &'static str,
    /// The option that selects a mode, and the modes among which the bench selects the fastest.
    modes: (&'static str, &'static [&'static str]),
    /// Adds the arguments that run the workload's module at a path. The command has the program and the mode already.
    arguments: fn(&Context, &Workload, &Path, &mut Command),
    /// The option that runs the output of `compile MODULE -o FILE`, if the engine has that command.
    precompiled: Option<&'static str>,
}

#[rustfmt::skip]
const KINDS: &[EngineKind] = &[
    EngineKind { name: KINGLET, programs: &[], variable: "KINGLET_BENCH_KINGLET", modes: ("", &[]), arguments: kinglet,
        precompiled: Some("--allow-precompiled") },
    // The same program, with all code interpreted.
    EngineKind { name: INTERPRETER, programs: &[], variable: "KINGLET_BENCH_INTERPRETER", modes: ("", &[]),
        arguments: interpreter, precompiled: None },
    // Another build of Kinglet for comparison, which only a variable or an option selects.
    EngineKind { name: "baseline", programs: &[], variable: "KINGLET_BENCH_BASELINE", modes: ("", &[]), arguments: kinglet,
        precompiled: Some("--allow-precompiled") },
    EngineKind { name: "wasmi", programs: &["wasmi", "wasmi_cli"], variable: "KINGLET_BENCH_WASMI",
        modes: ("--compilation-mode", &["lazy-translation", "eager", "lazy"]), arguments: wasmi, precompiled: None },
    EngineKind { name: "wasmtime", programs: &["wasmtime"], variable: "KINGLET_BENCH_WASMTIME", modes: ("", &[]),
        arguments: wasmtime, precompiled: Some("--allow-precompiled") },
    EngineKind { name: NODE, programs: &["node"], variable: "KINGLET_BENCH_NODE", modes: ("", &[]), arguments: node,
        precompiled: None },
    EngineKind { name: NATIVE, programs: &["clang-19", "clang", "cc"], variable: "KINGLET_BENCH_CC", modes: ("", &[]),
        arguments: |_, _, _, _| {}, precompiled: None },
];

/// An installed engine.
pub(super) struct Engine {
    pub(super) name: &'static str,
    pub(super) program: PathBuf,
    /// The first line of its `--version`.
    pub(super) version: String,
    kind: &'static EngineKind,
}

/// Returns the names of all supported engines, with the variables that override their paths.
pub(super) fn names() -> Vec<(&'static str, &'static str)> {
    KINDS.iter().map(|kind| (kind.name, kind.variable)).collect()
}

/// Returns whether an option or a variable gives the path of an engine.
pub(super) fn is_configured(name: &str, programs: &[(String, PathBuf)]) -> bool {
    KINDS.iter().any(|kind| kind.name == name && configured_path(kind, programs).is_some())
}

fn configured_path(kind: &EngineKind, programs: &[(String, PathBuf)]) -> Option<PathBuf> {
    let option = programs.iter().find(|(name, _)| name == kind.name).map(|(_, path)| path.clone());
    let variable = || std::env::var_os(kind.variable).filter(|path| !path.is_empty()).map(PathBuf::from);
    // Workloads run in another directory, so relative paths are made absolute. A bare name is searched for on `PATH`.
    let path = option.or_else(variable)?;
    if path.components().count() == 1 { Some(path) } else { std::path::absolute(path).ok() }
}

/// Returns the installed engines. Paths in `programs` take precedence.
pub(super) fn find(context: &Context, programs: &[(String, PathBuf)]) -> Result<Vec<Engine>, String> {
    let mut engines = Vec::new();
    for kind in KINDS {
        if let Some(program) = configured_path(kind, programs) {
            let version =
                version(&program).ok_or_else(|| format!("{} does not run as {}", program.display(), kind.name))?;
            engines.push(Engine { name: kind.name, program, version, kind });
        } else if let Some((program, version)) = on_path(kind).or_else(|| installed_node(context, kind)) {
            engines.push(Engine { name: kind.name, program, version, kind });
        }
    }
    Ok(engines)
}

fn on_path(kind: &EngineKind) -> Option<(PathBuf, String)> {
    let directories: Vec<PathBuf> = std::env::split_paths(&std::env::var_os("PATH")?).collect();
    let mut found = kind.programs.iter().flat_map(|name| directories.iter().map(move |directory| directory.join(name)));
    found.find_map(|program| program.is_file().then(|| version(&program)).flatten().map(|version| (program, version)))
}

/// Returns the Node that `cargo xtask programs` has installed, if any.
fn installed_node(context: &Context, kind: &EngineKind) -> Option<(PathBuf, String)> {
    let program = (kind.name == NODE).then(|| tool::node(context)).flatten()?;
    version(&program).map(|version| (program, version))
}

fn version(program: &Path) -> Option<String> {
    let text = output(Command::new(program).arg("--version")).ok()?;
    Some(text.lines().next().unwrap_or_default().trim().to_string())
}

impl Engine {
    /// Returns the modes of the engine. The list is empty if it has only one.
    pub(super) fn modes(&self) -> &'static [&'static str] {
        self.kind.modes.1
    }

    /// Returns whether the engine can run the workload. Not every workload exists as native code, and not every engine
    /// compiles ahead of time.
    pub(super) fn supports(&self, workload: &Workload) -> bool {
        match workload.action {
            Action::Compile | Action::RunPrecompiled => self.kind.precompiled.is_some(),
            Action::Run => self.name != NATIVE || workload.native.is_some(),
        }
    }

    /// Prepares the engine for a workload, once.
    pub(super) fn prepare(&self, context: &Context, workload: &Workload) -> Result<(), String> {
        match (&workload.native, self.name) {
            _ if workload.action == Action::Compile => create_parent(&self.artifact(context, workload)),
            _ if workload.action == Action::RunPrecompiled => self.precompile(context, workload),
            (Some(source), NATIVE) => self.compile_native(source, &executable(context, workload)),
            _ => Ok(()),
        }
    }

    /// Compiles a module ahead of time, unless the artifact is newer than the module and the engine.
    fn precompile(&self, context: &Context, workload: &Workload) -> Result<(), String> {
        let to = self.artifact(context, workload);
        if is_newer(&to, &[&workload.module, &self.program]) {
            return Ok(());
        }
        create_parent(&to)?;
        let mut compiler = Command::new(&self.program);
        output(add_compile(&mut compiler, &workload.module, &to)).map(drop)
    }

    /// Returns the path of the artifact that this engine compiles.
    fn artifact(&self, context: &Context, workload: &Workload) -> PathBuf {
        let name = workload.module.file_stem().unwrap_or_default();
        let directory = if workload.action == Action::Compile { "bench/compile" } else { "bench/precompiled" };
        context.target.join(directory).join(self.name).join(name).with_extension("so")
    }

    /// Compiles a source to native code, unless the executable is newer than all sources.
    fn compile_native(&self, source: &Path, to: &Path) -> Result<(), String> {
        let directory = source.parent().unwrap_or(Path::new("."));
        let sources = [source.to_path_buf(), directory.join("kernel.h"), self.program.clone()];
        if is_newer(to, &sources.each_ref().map(PathBuf::as_path)) {
            return Ok(());
        }
        create_parent(to)?;
        let mut compiler = Command::new(&self.program);
        output(compiler.args(kernel::OPTIONS).arg("-O3").arg(source).arg("-o").arg(to).arg("-lm")).map(drop)
    }

    /// Returns the command that runs a workload, in a directory with the bench's files.
    pub(super) fn command(
        &self,
        context: &Context,
        workload: &Workload,
        mode: Option<&str>,
        directory: &Path,
    ) -> Command {
        let program = if self.name == NATIVE { executable(context, workload) } else { self.program.clone() };
        let mut command = Command::new(program);
        // Cold starts run without a cache.
        command.current_dir(directory).env("KINGLET_CACHE_DIR", "");
        if let Some(mode) = mode {
            command.args([self.kind.modes.0, mode]);
        }
        match self.kind.precompiled.filter(|_| workload.action != Action::Run) {
            Some(_) if workload.action == Action::Compile => {
                add_compile(&mut command, &workload.module, &self.artifact(context, workload));
            }
            Some(option) => {
                let artifact = self.artifact(context, workload);
                // The option replaces the module, and the artifact follows it.
                (self.kind.arguments)(context, workload, Path::new(option), &mut command);
                command.arg(artifact);
            }
            None => (self.kind.arguments)(context, workload, &workload.module, &mut command),
        }
        command.args(&workload.args);
        command
    }
}

/// Adds the arguments that compile a module ahead of time. All engines have the same syntax.
fn add_compile<'a>(command: &'a mut Command, module: &Path, to: &Path) -> &'a mut Command {
    command.arg("compile").arg(module).arg("--output").arg(to)
}

/// Creates the parent directory of a file.
fn create_parent(file: &Path) -> Result<(), String> {
    let directory = file.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(directory).map_err(|error| format!("cannot create {}: {error}", directory.display()))
}

/// Returns whether a file exists and is newer than all its sources.
fn is_newer(file: &Path, sources: &[&Path]) -> bool {
    let time = |path: &Path| path.metadata().and_then(|metadata| metadata.modified()).ok();
    time(file).is_some_and(|built| sources.iter().all(|path| time(path).is_none_or(|changed| changed < built)))
}

fn executable(context: &Context, workload: &Workload) -> PathBuf {
    let name = workload.native.as_deref().and_then(Path::file_stem).unwrap_or_default();
    context.target.join("bench/native").join(name)
}

fn kinglet(_: &Context, workload: &Workload, module: &Path, command: &mut Command) {
    if workload.files {
        command.args(["--dir", ".:."]);
    }
    command.arg(module);
}

fn interpreter(context: &Context, workload: &Workload, module: &Path, command: &mut Command) {
    command.args(["--run-mode", "interpreter"]);
    kinglet(context, workload, module, command);
}

fn wasmi(_: &Context, workload: &Workload, module: &Path, command: &mut Command) {
    if workload.files {
        command.args(["--dir", "."]);
    }
    command.arg(module);
}

fn wasmtime(_: &Context, workload: &Workload, module: &Path, command: &mut Command) {
    command.args(["run", "-C", "cache=n"]);
    if workload.files {
        command.args(["--dir", "."]);
    }
    command.arg(module);
}

fn node(context: &Context, _: &Workload, module: &Path, command: &mut Command) {
    command.args(["--no-warnings"]).arg(context.root.join("bench/node.mjs")).arg(module);
}

#[cfg(test)]
mod tests {
    use super::super::workload;
    use super::*;

    fn words(command: &Command) -> String {
        command.get_args().map(|arg| arg.to_string_lossy()).collect::<Vec<_>>().join(" ")
    }

    fn engine(name: &str) -> Engine {
        let kind = KINDS.iter().find(|kind| kind.name == name).unwrap();
        Engine { name: kind.name, program: name.into(), version: String::new(), kind }
    }

    #[test]
    fn each_engine_gets_the_directory_and_the_arguments_in_its_own_syntax() {
        let context = Context::new();
        let json = workload::list(&context, &["python/json"], false).remove(0);
        let arguments = |name, mode| words(&engine(name).command(&context, &json, mode, Path::new(".")));
        let module = json.module.display();
        assert_eq!(arguments("kinglet", None), format!("--dir .:. {module} json-records.py"));
        let eager = arguments("wasmi", Some("eager"));
        assert_eq!(eager, format!("--compilation-mode eager --dir . {module} json-records.py"));
        assert!(arguments("wasmtime", None).ends_with(&format!("--dir . {module} json-records.py")));
        assert!(arguments("node", None).ends_with(&format!("node.mjs {module} json-records.py")));
        assert!(!engine(NATIVE).supports(&json));
    }

    #[test]
    fn engines_with_a_compile_command_run_their_own_artifacts() {
        let context = Context::new();
        let print = workload::list(&context, &["precompiled/python"], false).remove(0);
        let arguments = |name| words(&engine(name).command(&context, &print, None, Path::new(".")));
        let kinglet = arguments("kinglet");
        assert!(kinglet.starts_with("--allow-precompiled "), "{kinglet}");
        assert!(kinglet.ends_with("precompiled/kinglet/python.so -c print(1+1)"), "{kinglet}");
        let wasmtime = arguments("wasmtime");
        assert!(wasmtime.starts_with("run -C cache=n --allow-precompiled "), "{wasmtime}");
        let compile = workload::list(&context, &["compile/python"], false).remove(0);
        for name in ["kinglet", "wasmtime"] {
            let command = words(&engine(name).command(&context, &compile, None, Path::new(".")));
            assert!(
                command.starts_with("compile ") && command.ends_with(&format!("compile/{name}/python.so")),
                "{command}"
            );
        }
        assert!(
            !engine("wasmi").supports(&print)
                && !engine("interpreter").supports(&print)
                && engine("baseline").supports(&print)
        );
    }

    #[test]
    fn native_code_is_a_separate_executable() {
        let context = Context::new();
        let gemm = workload::list(&context, &["simd/gemm"], true).remove(0);
        let command = engine(NATIVE).command(&context, &gemm, None, Path::new("."));
        assert!(Path::new(command.get_program()).ends_with("bench/native/gemm"));
        assert_eq!(words(&command), gemm.args[0]);
    }

    #[test]
    fn a_path_that_cannot_be_run_is_an_error() {
        let error = find(&Context::new(), &[("wasmi".to_string(), "no/such/program".into())]).err().unwrap();
        assert!(error.contains("no/such/program") && error.contains("wasmi"), "{error}");
    }
}
