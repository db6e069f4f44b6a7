//! `cargo xtask stress`: modules that become native while many threads run them, for a minute or as long as is said; with
//! `--thread-sanitizer` under ThreadSanitizer. That sees what Rust code shares, for all of it is built anew with it, the
//! standard library too. It does not see what machine code does that is made while the program runs: what that shares with
//! other threads are atomics on Rust's side.

use std::process::Command;

use crate::group::cargo;
use crate::need;
use crate::process::{Context, count, output};

/// For what the tests are built with the sanitizer: it has to be said, so that build scripts are built without.
const TARGET: &str = "x86_64-unknown-linux-gnu";

/// The test, with the native tier for this processor alone.
const TEST: &[&str] = &["--package", "kinglet-tests", "--test", "stress"];

/// Everything is instrumented; memory is mapped through the C library, which the sanitizer watches, and not by system
/// calls of our own.
const FLAGS: &str = "-Zsanitizer=thread --cfg=rustix_use_libc";

/// `cargo xtask stress [--thread-sanitizer] [--seconds N] [--threads N]`
pub(crate) fn command(context: &Context, args: &[String]) -> Result<(), String> {
    let sanitized = args.iter().any(|arg| arg == "--thread-sanitizer");
    let mut given: Vec<&str> = args.iter().map(String::as_str).filter(|arg| *arg != "--thread-sanitizer").collect();
    check(&given)?;
    if !given.contains(&"--seconds") {
        given.extend(["--seconds", "60"]);
    }
    let mut test = if sanitized { sanitizing(context)? } else { cargo(context, &["test", "--release"]) };
    test.args(TEST).arg("--").args(given);
    if count(context, &mut test).failed == 0 { Ok(()) } else { Err(String::new()) }
}

/// Options of the test, each with a number.
fn check(args: &[&str]) -> Result<(), String> {
    for pair in args.chunks(2) {
        let number = pair.get(1).and_then(|value| value.parse::<u64>().ok());
        if !["--seconds", "--threads"].contains(&pair[0]) || number.is_none() {
            return Err(format!("`{}`: there are --thread-sanitizer, --seconds N and --threads N", pair.join(" ")));
        }
    }
    Ok(())
}

/// Cargo, as it builds with the sanitizer: in a folder of its own.
fn sanitizing(context: &Context) -> Result<Command, String> {
    let host = output(Command::new("rustc").args(["--print", "host-tuple"]))?;
    if host.trim() != TARGET {
        return Err(format!("ThreadSanitizer needs {TARGET}, and this is {}", host.trim()));
    }
    need::meet(context, &need::RUST_SRC).map_err(|why| format!("it needs {why}"))?;
    let build = ["test", "-Zbuild-std", "--target", TARGET, "--no-default-features", "--features", "kinglet/jit"];
    let mut cargo = cargo(context, &build);
    cargo.env("CARGO_TARGET_DIR", context.target.join("thread-sanitizer"));
    // The compiler takes unstable options then, though it is a stable one.
    cargo.env("RUSTC_BOOTSTRAP", "1").env("RUSTFLAGS", FLAGS);
    Ok(cargo)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_that_are_not_there_are_named() {
        assert!(check(&["--seconds", "3", "--threads", "8"]).is_ok() && check(&[]).is_ok());
        assert!(check(&["--seconds"]).unwrap_err().contains("`--seconds`"));
        assert!(check(&["--secnods", "3"]).unwrap_err().contains("--thread-sanitizer"));
    }
}
