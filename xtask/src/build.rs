//! Building programs and test executables. One command selects all packages, so that each crate has one set of features
//! and is built once per profile. Test executables then run without cargo.

use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use crate::group::cargo;
use crate::process::{Context, Tally, collect, prepare};

/// A profile that tests are built with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Profile {
    /// Lightly optimised, with debug assertions.
    Dev,
    /// Optimised as in an embedder's release build.
    Embedder,
}

impl Profile {
    /// Returns its name for cargo.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Profile::Dev => "dev",
            Profile::Embedder => "embedder",
        }
    }

    /// Returns the name of its directory below the target directory.
    pub(crate) fn directory(self) -> &'static str {
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
    /// Whether its tests are beside the code.
    pub(crate) unit: bool,
    pub(crate) path: PathBuf,
    /// The directory of its package, in which it runs.
    pub(crate) directory: PathBuf,
}

/// Builds every program, example and test executable of a profile, once per run of the tasks. Prints errors.
pub(crate) fn executables(context: &Context, profile: Profile) -> Result<&[Executable], Tally> {
    let cell = context.executables(profile);
    if let Some(executables) = cell.get() {
        return Ok(executables);
    }
    let programs = ["build", "--workspace", "--bins", "--examples", "--profile", profile.name()];
    let built = prepare(context, &mut cargo(context, &programs));
    if built.failed > 0 || context.deadline_passed() {
        return Err(built);
    }
    let tests = ["test", "--workspace", "--no-run", "--profile", profile.name()];
    let mut tests = cargo(context, &tests);
    match collect(context, tests.arg("--message-format=json-render-diagnostics")) {
        Some(messages) => Ok(cell.get_or_init(|| parse_messages(&messages))),
        None if context.deadline_passed() => Err(Tally::default()),
        None => Err(Tally::FAILED),
    }
}

/// Returns the test executables in cargo's messages. Unit tests come first.
fn parse_messages(messages: &str) -> Vec<Executable> {
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
    let directory = PathBuf::from(message.get("manifest_path")?.as_str()?).parent()?.to_path_buf();
    Some(Executable { name: target.get("name")?.as_str()?.to_string(), unit, path, directory })
}

impl Executable {
    /// Returns the command that runs it, with the environment that the tests expect.
    pub(crate) fn command(&self, context: &Context, profile: Profile) -> Command {
        let mut command = Command::new(&self.path);
        context.environment(&mut command, profile);
        command.current_dir(&self.directory).env("CARGO", std::env::var_os("CARGO").unwrap_or("cargo".into()));
        command
    }

    /// Returns whether the standard harness runs its tests.
    pub(crate) fn uses_standard_harness(&self) -> bool {
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
        let names: Vec<_> =
            parse_messages(messages).into_iter().map(|one| (one.name, one.unit, one.directory)).collect();
        assert_eq!(names, [("a".into(), true, "/w/a".into()), ("api".into(), false, PathBuf::from("/w/t"))]);
    }
}
