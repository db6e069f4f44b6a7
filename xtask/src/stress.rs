//! `cargo xtask stress`: runs modules on many threads during tier-up, for a minute by default; with
//! `--thread-sanitizer` under ThreadSanitizer. All Rust code is rebuilt with the sanitizer, including the standard
//! library, so that it detects data races in Rust code. It does not instrument the guests' machine code. Data that this
//! code shares with other threads is atomic in Rust.

use std::process::Command;

use crate::group::cargo;
use crate::process::{Context, count, output};
use crate::requirement;

/// The target of the tests with the sanitizer. With --target, cargo does not apply the flags to build scripts.
const TARGET: &str = "x86_64-unknown-linux-gnu";

/// Selects the test, with the native tier for this processor alone.
const TEST: &[&str] = &["--package", "kinglet-tests", "--test", "stress"];

/// Compiler options: everything is instrumented, and memory is mapped through the C library, which the sanitizer
/// intercepts, instead of direct system calls.
const FLAGS: &str = "-Zsanitizer=thread --cfg=rustix_use_libc";

/// `cargo xtask stress [--thread-sanitizer] [--seconds N] [--threads N]`
pub(crate) fn command(context: &Context, args: &[String]) -> Result<(), String> {
    let sanitized = args.iter().any(|arg| arg == "--thread-sanitizer");
    let mut options: Vec<&str> = args.iter().map(String::as_str).filter(|arg| *arg != "--thread-sanitizer").collect();
    check(&options)?;
    if !options.contains(&"--seconds") {
        options.extend(["--seconds", "60"]);
    }
    let mut test = if sanitized { sanitized_cargo(context)? } else { cargo(context, &["test", "--release"]) };
    test.args(TEST).arg("--").args(options);
    if count(context, &mut test).failed == 0 { Ok(()) } else { Err(String::new()) }
}

/// Checks the options of the test. Each has a number.
fn check(args: &[&str]) -> Result<(), String> {
    for pair in args.chunks(2) {
        let number = pair.get(1).and_then(|value| value.parse::<u64>().ok());
        if !["--seconds", "--threads"].contains(&pair[0]) || number.is_none() {
            return Err(format!("`{}`; options: --thread-sanitizer, --seconds N, --threads N", pair.join(" ")));
        }
    }
    Ok(())
}

/// Returns a cargo command that builds with the sanitizer, into a separate target directory.
fn sanitized_cargo(context: &Context) -> Result<Command, String> {
    let host = output(Command::new("rustc").args(["--print", "host-tuple"]))?;
    if host.trim() != TARGET {
        return Err(format!("ThreadSanitizer needs {TARGET}, but the host is {}", host.trim()));
    }
    requirement::ensure(context, &requirement::RUST_SRC).map_err(|reason| format!("ThreadSanitizer needs {reason}"))?;
    let build = ["test", "-Zbuild-std", "--target", TARGET, "--no-default-features", "--features", "kinglet/jit"];
    let mut cargo = cargo(context, &build);
    cargo.env("CARGO_TARGET_DIR", context.target.join("thread-sanitizer"));
    // The variable makes a stable compiler accept unstable options.
    cargo.env("RUSTC_BOOTSTRAP", "1").env("RUSTFLAGS", FLAGS);
    Ok(cargo)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_and_incomplete_options_are_errors() {
        assert!(check(&["--seconds", "3", "--threads", "8"]).is_ok() && check(&[]).is_ok());
        assert!(check(&["--seconds"]).unwrap_err().contains("`--seconds`"));
        assert!(check(&["--secnods", "3"]).unwrap_err().contains("--thread-sanitizer"));
    }
}
