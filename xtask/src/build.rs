//! Building what the tests run. All packages are chosen at once, so that each crate has one set of features and is built
//! once per profile; the test executables are then started without cargo.

use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use crate::group::cargo;
use crate::process::{Context, Tally, collect, prepare};

/// A profile that tests are built in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Profile {
    /// Lightly optimised, with debug assertions.
    Dev,
    /// Optimised as in an embedder's release.
    Embedder,
}

impl Profile {
    /// Its name for cargo.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Profile::Dev => "dev",
            Profile::Embedder => "embedder",
        }
    }

    /// The folder of its results below the target folder.
    pub(crate) fn folder(self) -> &'static str {
        match self {
            Profile::Dev => "debug",
            Profile::Embedder => "embedder",
        }
    }
}

/// An executable with tests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Executable {
    /// The name of the target: a test's, or a crate's for the tests beside its code.
    pub(crate) name: String,
    /// Whether its tests lie beside the code.
    pub(crate) unit: bool,
    pub(crate) path: PathBuf,
    /// The folder of its package, where it runs.
    pub(crate) folder: PathBuf,
}

/// Builds every program, example and test executable of a profile, once in a run. The error has been printed.
pub(crate) fn executables(context: &Context, profile: Profile) -> Result<&[Executable], Tally> {
    let kept = context.executables(profile);
    if let Some(executables) = kept.get() {
        return Ok(executables);
    }
    let programs = ["build", "--workspace", "--bins", "--examples", "--profile", profile.name()];
    let built = prepare(context, &mut cargo(context, &programs));
    if built.failed > 0 || context.is_over() {
        return Err(built);
    }
    let tests = ["test", "--workspace", "--no-run", "--profile", profile.name()];
    let mut tests = cargo(context, &tests);
    match collect(context, tests.arg("--message-format=json-render-diagnostics")) {
        Some(messages) => Ok(kept.get_or_init(|| found(&messages))),
        None if context.is_over() => Err(Tally::default()),
        None => Err(Tally::FAILED),
    }
}

/// The test executables in cargo's messages, those of the tests beside the code first.
fn found(messages: &str) -> Vec<Executable> {
    let messages = messages.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let mut executables: Vec<Executable> = messages.filter_map(|message| executable(&message)).collect();
    executables.sort_by(|a, b| (!a.unit, &a.name).cmp(&(!b.unit, &b.name)));
    executables
}

fn executable(message: &Value) -> Option<Executable> {
    let is_test = message.get("profile")?.get("test")?.as_bool()?;
    let target = message.get("target")?;
    let path = message.get("executable")?.as_str().filter(|_| is_test)?.into();
    let kinds = target.get("kind")?.as_array()?;
    let unit = !kinds.iter().any(|kind| kind == "test");
    let folder = PathBuf::from(message.get("manifest_path")?.as_str()?).parent()?.to_path_buf();
    Some(Executable { name: target.get("name")?.as_str()?.to_string(), unit, path, folder })
}

impl Executable {
    /// The command that runs it with the environment that the tests expect.
    pub(crate) fn command(&self, context: &Context, profile: Profile) -> Command {
        let mut command = Command::new(&self.path);
        context.environment(&mut command, profile);
        command.current_dir(&self.folder).env("CARGO", std::env::var_os("CARGO").unwrap_or("cargo".into()));
        command
    }

    /// Whether the standard harness runs its tests.
    pub(crate) fn standard(&self) -> bool {
        !["spec", "guest", "stress"].contains(&self.name.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn test_executables_are_found_in_cargos_messages() {
        let messages = r#"{"reason":"compiler-artifact","manifest_path":"/w/a/Cargo.toml","target":{"kind":["lib"],"name":"a"},"profile":{"test":false},"executable":null}
{"reason":"compiler-artifact","manifest_path":"/w/t/Cargo.toml","target":{"kind":["test"],"name":"api"},"profile":{"test":true},"executable":"/t/api-1"}
{"reason":"compiler-artifact","manifest_path":"/w/a/Cargo.toml","target":{"kind":["lib"],"name":"a"},"profile":{"test":true},"executable":"/t/a-1"}
{"reason":"compiler-artifact","manifest_path":"/w/c/Cargo.toml","target":{"kind":["bin"],"name":"c"},"profile":{"test":false},"executable":"/t/c"}
{"reason":"build-finished","success":true}"#;
        let names: Vec<_> = found(messages).into_iter().map(|one| (one.name, one.unit, one.folder)).collect();
        assert_eq!(names, [("a".into(), true, "/w/a".into()), ("api".into(), false, PathBuf::from("/w/t"))]);
    }
}
