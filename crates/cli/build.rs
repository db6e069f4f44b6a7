//! Notes what a report of a bug should say of the build: the target, the compiler, the profile, and the commit if the
//! sources are in a checkout.

use std::process::Command;

fn main() {
    let var = |name: &str| std::env::var(name).unwrap_or_default();
    let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".into());
    set("KINGLET_TARGET", &var("TARGET"));
    set("KINGLET_PROFILE", &format!("{} (opt-level {})", var("PROFILE"), var("OPT_LEVEL")));
    set("KINGLET_RUSTC", &output(&rustc, &["--version"]).unwrap_or_else(|| "unknown".into()));
    set("KINGLET_COMMIT", &commit().unwrap_or_else(|| "unknown".into()));
}

fn set(name: &str, value: &str) {
    println!("cargo::rustc-env={name}={value}");
}

/// The commit of the checkout that this package is a part of; another repository around a packaged copy does not count.
fn commit() -> Option<String> {
    let tracked = output("git", &["ls-files", "--error-unmatch", "build.rs"])?;
    let head = output("git", &["rev-parse", "--git-path", "HEAD"])?;
    let logs = output("git", &["rev-parse", "--git-path", "logs/HEAD"])?;
    for file in [head.as_str(), logs.as_str(), "build.rs"] {
        println!("cargo::rerun-if-changed={file}");
    }
    (!tracked.is_empty()).then(|| output("git", &["rev-parse", "--short=12", "HEAD"])).flatten()
}

fn output(program: &str, args: &[&str]) -> Option<String> {
    let output = Command::new(program).args(args).output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8(output.stdout).ok()?.trim().to_string())
}
