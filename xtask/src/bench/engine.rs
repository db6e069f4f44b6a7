//! What runs the workloads: Kinglet, and the peers that are installed. One table of peers, with how each wants its command
//! line. Peers are found on `PATH`, or where a variable or an option says.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::workload::{Way, Workload};
use crate::kernel;
use crate::process::{Context, output};
use crate::tool;

/// The name under which this workspace's own build appears.
pub(super) const KINGLET: &str = "kinglet";

/// The name of its interpreter.
pub(super) const INTERPRETER: &str = "interpreter";

/// Native code is no engine that one could install: it is compiled here.
const NATIVE: &str = "native";

const NODE: &str = "node";

/// A kind of engine.
struct Kind {
    name: &'static str,
    /// Names on `PATH`, the first that is found.
    programs: &'static [&'static str],
    /// An environment variable with the path to use instead.
    variable: &'static str,
    /// The ways it has of running code among which its best is looked for, and the option that chooses one.
    modes: (&'static str, &'static [&'static str]),
    /// Adds what runs the workload, from the module at a path, to a command that has only the program and the mode.
    arguments: fn(&Context, &Workload, &Path, &mut Command),
    /// The option by which it runs what its own `compile MODULE -o FILE` made; none if it has no such thing.
    precompiled: Option<&'static str>,
}

#[rustfmt::skip]
const KINDS: &[Kind] = &[
    Kind { name: KINGLET, programs: &[], variable: "KINGLET_BENCH_KINGLET", modes: ("", &[]), arguments: kinglet,
        precompiled: Some("--allow-precompiled") },
    // The same program with everything interpreted.
    Kind { name: INTERPRETER, programs: &[], variable: "KINGLET_BENCH_INTERPRETER", modes: ("", &[]),
        arguments: interpreter, precompiled: None },
    // Another build, to compare with. Only by variable or option.
    Kind { name: "baseline", programs: &[], variable: "KINGLET_BENCH_BASELINE", modes: ("", &[]), arguments: kinglet,
        precompiled: Some("--allow-precompiled") },
    Kind { name: "wasmi", programs: &["wasmi", "wasmi_cli"], variable: "KINGLET_BENCH_WASMI",
        modes: ("--compilation-mode", &["lazy-translation", "eager", "lazy"]), arguments: wasmi, precompiled: None },
    Kind { name: "wasmtime", programs: &["wasmtime"], variable: "KINGLET_BENCH_WASMTIME", modes: ("", &[]),
        arguments: wasmtime, precompiled: Some("--allow-precompiled") },
    Kind { name: NODE, programs: &["node"], variable: "KINGLET_BENCH_NODE", modes: ("", &[]), arguments: node,
        precompiled: None },
    Kind { name: NATIVE, programs: &["clang-19", "clang", "cc"], variable: "KINGLET_BENCH_CC", modes: ("", &[]),
        arguments: |_, _, _, _| {}, precompiled: None },
];

/// An engine that is here.
pub(super) struct Engine {
    pub(super) name: &'static str,
    pub(super) program: PathBuf,
    /// What it says of itself.
    pub(super) version: String,
    kind: &'static Kind,
}

/// All engines there could be, with the variable that says where each is.
pub(super) fn names() -> Vec<(&'static str, &'static str)> {
    KINDS.iter().map(|kind| (kind.name, kind.variable)).collect()
}

/// Whether a path or a variable says where an engine is.
pub(super) fn placed(name: &str, given: &[(String, PathBuf)]) -> bool {
    KINDS.iter().any(|kind| kind.name == name && place(kind, given).is_some())
}

fn place(kind: &Kind, given: &[(String, PathBuf)]) -> Option<PathBuf> {
    let named = given.iter().find(|(name, _)| name == kind.name).map(|(_, path)| path.clone());
    let set = || std::env::var_os(kind.variable).filter(|path| !path.is_empty()).map(PathBuf::from);
    // Workloads run in a folder of their own: what is no mere name must not depend on the current one.
    let path = named.or_else(set)?;
    if path.components().count() == 1 { Some(path) } else { std::path::absolute(path).ok() }
}

/// The engines that are here. `given` are paths by name, which go before everything else.
pub(super) fn find(context: &Context, given: &[(String, PathBuf)]) -> Result<Vec<Engine>, String> {
    let mut engines = Vec::new();
    for kind in KINDS {
        if let Some(program) = place(kind, given) {
            let version =
                version(&program).ok_or_else(|| format!("{} does not run as {}", program.display(), kind.name))?;
            engines.push(Engine { name: kind.name, program, version, kind });
        } else if let Some((program, version)) = on_path(kind).or_else(|| ours(context, kind)) {
            engines.push(Engine { name: kind.name, program, version, kind });
        }
    }
    Ok(engines)
}

fn on_path(kind: &Kind) -> Option<(PathBuf, String)> {
    let folders: Vec<PathBuf> = std::env::split_paths(&std::env::var_os("PATH")?).collect();
    let mut found = kind.programs.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name)));
    found.find_map(|program| program.is_file().then(|| version(&program)).flatten().map(|version| (program, version)))
}

/// Node may have been installed to make guest programs.
fn ours(context: &Context, kind: &Kind) -> Option<(PathBuf, String)> {
    let program = (kind.name == NODE).then(|| tool::node(context)).flatten()?;
    version(&program).map(|version| (program, version))
}

fn version(program: &Path) -> Option<String> {
    let text = output(Command::new(program).arg("--version")).ok()?;
    Some(text.lines().next().unwrap_or_default().trim().to_string())
}

impl Engine {
    /// The modes to choose among; none if there is no choice.
    pub(super) fn modes(&self) -> &'static [&'static str] {
        self.kind.modes.1
    }

    /// Whether it can run the workload at all: there is no native code of everything, and not every engine compiles
    /// beforehand.
    pub(super) fn runs(&self, workload: &Workload) -> bool {
        match workload.way {
            Way::Compile | Way::Precompiled => self.kind.precompiled.is_some(),
            Way::Run => self.name != NATIVE || workload.native.is_some(),
        }
    }

    /// Does what has to be done once for a workload.
    pub(super) fn prepare(&self, context: &Context, workload: &Workload) -> Result<(), String> {
        match (&workload.native, self.name) {
            _ if workload.way == Way::Compile => folder_of(&self.artifact(context, workload)),
            _ if workload.way == Way::Precompiled => self.precompile(context, workload),
            (Some(source), NATIVE) => self.compile(source, &executable(context, workload)),
            _ => Ok(()),
        }
    }

    /// Compiles a module beforehand, unless the result is newer than the module and the engine.
    fn precompile(&self, context: &Context, workload: &Workload) -> Result<(), String> {
        let to = self.artifact(context, workload);
        if newer(&to, &[&workload.module, &self.program]) {
            return Ok(());
        }
        folder_of(&to)?;
        let mut compiler = Command::new(&self.program);
        output(compile(&mut compiler, &workload.module, &to)).map(drop)
    }

    /// Where what this engine has compiled is.
    fn artifact(&self, context: &Context, workload: &Workload) -> PathBuf {
        let name = workload.module.file_stem().unwrap_or_default();
        let folder = if workload.way == Way::Compile { "bench/compile" } else { "bench/precompiled" };
        context.target.join(folder).join(self.name).join(name).with_extension("so")
    }

    /// Compiles a source, unless the result is newer than all sources.
    fn compile(&self, source: &Path, to: &Path) -> Result<(), String> {
        let folder = source.parent().unwrap_or(Path::new("."));
        let sources = [source.to_path_buf(), folder.join("kernel.h"), self.program.clone()];
        if newer(to, &sources.each_ref().map(PathBuf::as_path)) {
            return Ok(());
        }
        folder_of(to)?;
        let mut compiler = Command::new(&self.program);
        output(compiler.args(kernel::OPTIONS).arg("-O3").arg(source).arg("-o").arg(to).arg("-lm")).map(drop)
    }

    /// The command that runs a workload, in a folder with the bench's files.
    pub(super) fn command(&self, context: &Context, workload: &Workload, mode: Option<&str>, folder: &Path) -> Command {
        let program = if self.name == NATIVE { executable(context, workload) } else { self.program.clone() };
        let mut command = Command::new(program);
        // Cold means: no cache of any kind.
        command.current_dir(folder).env("KINGLET_CACHE_DIR", "");
        if let Some(mode) = mode {
            command.args([self.kind.modes.0, mode]);
        }
        match self.kind.precompiled.filter(|_| workload.way != Way::Run) {
            Some(_) if workload.way == Way::Compile => {
                compile(&mut command, &workload.module, &self.artifact(context, workload));
            }
            Some(option) => {
                let artifact = self.artifact(context, workload);
                // The option stands where the module would, and the artifact behind it.
                (self.kind.arguments)(context, workload, Path::new(option), &mut command);
                command.arg(artifact);
            }
            None => (self.kind.arguments)(context, workload, &workload.module, &mut command),
        }
        command.args(&workload.args);
        command
    }
}

/// What compiles a module beforehand: the same words for every engine that does.
fn compile<'a>(command: &'a mut Command, module: &Path, to: &Path) -> &'a mut Command {
    command.arg("compile").arg(module).arg("--output").arg(to)
}

/// Makes the folder that a file is to be in.
fn folder_of(file: &Path) -> Result<(), String> {
    let folder = file.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder).map_err(|error| format!("cannot create {}: {error}", folder.display()))
}

/// Whether a file is there and newer than all of what it is made of.
fn newer(file: &Path, sources: &[&Path]) -> bool {
    let time = |path: &Path| path.metadata().and_then(|metadata| metadata.modified()).ok();
    time(file).is_some_and(|made| sources.iter().all(|path| time(path).is_none_or(|changed| changed < made)))
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
    fn each_engine_gets_the_folder_and_the_arguments_as_it_wants_them() {
        let context = Context::new();
        let json = workload::list(&context, &["python/json"], false).remove(0);
        let shown = |name, mode| words(&engine(name).command(&context, &json, mode, Path::new(".")));
        let module = json.module.display();
        assert_eq!(shown("kinglet", None), format!("--dir .:. {module} json-records.py"));
        assert_eq!(shown("wasmi", Some("eager")), format!("--compilation-mode eager --dir . {module} json-records.py"));
        assert!(shown("wasmtime", None).ends_with(&format!("--dir . {module} json-records.py")));
        assert!(shown("node", None).ends_with(&format!("node.mjs {module} json-records.py")));
        assert!(!engine(NATIVE).runs(&json));
    }

    #[test]
    fn what_is_compiled_beforehand_is_run_by_those_who_can() {
        let context = Context::new();
        let print = workload::list(&context, &["precompiled/python"], false).remove(0);
        let shown = |name| words(&engine(name).command(&context, &print, None, Path::new(".")));
        assert!(shown("kinglet").starts_with("--allow-precompiled "), "{}", shown("kinglet"));
        assert!(shown("kinglet").ends_with("precompiled/kinglet/python.so -c print(1+1)"), "{}", shown("kinglet"));
        assert!(shown("wasmtime").starts_with("run -C cache=n --allow-precompiled "), "{}", shown("wasmtime"));
        let compile = workload::list(&context, &["compile/python"], false).remove(0);
        for name in ["kinglet", "wasmtime"] {
            let command = words(&engine(name).command(&context, &compile, None, Path::new(".")));
            assert!(
                command.starts_with("compile ") && command.ends_with(&format!("compile/{name}/python.so")),
                "{command}"
            );
        }
        assert!(
            !engine("wasmi").runs(&print) && !engine("interpreter").runs(&print) && engine("baseline").runs(&print)
        );
    }

    #[test]
    fn native_code_is_a_program_of_its_own() {
        let context = Context::new();
        let gemm = workload::list(&context, &["simd/gemm"], true).remove(0);
        let command = engine(NATIVE).command(&context, &gemm, None, Path::new("."));
        assert!(Path::new(command.get_program()).ends_with("bench/native/gemm"));
        assert_eq!(words(&command), gemm.args[0]);
    }

    #[test]
    fn a_path_that_does_not_run_is_refused() {
        let why = find(&Context::new(), &[("wasmi".to_string(), "no/such/program".into())]).err().unwrap();
        assert!(why.contains("no/such/program") && why.contains("wasmi"), "{why}");
    }
}
