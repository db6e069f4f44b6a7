//! The output of `--version`; with `--verbose` it has all that a bug report needs.

use std::fmt::Write as _;

use kinglet::{DISPATCH, FEATURES};

use crate::dialect::{Dialect, WASMEDGE_VERSION};

const VERSION: &str = env!("CARGO_PKG_VERSION");

pub(crate) fn text(dialect: Dialect, name: &str, verbose: bool) -> String {
    let mut out = match dialect {
        Dialect::Kinglet => format!("kinglet version {VERSION}\n"),
        _ => format!("{name} version {WASMEDGE_VERSION} (kinglet {VERSION})\n"),
    };
    if verbose {
        // The library's features that the command always enables, and its own.
        let features = format!("addr2line wat{}", if cfg!(feature = "jit") { " jit" } else { "" });
        let (on, off): (Vec<_>, Vec<_>) = FEATURES.iter().partition(|row| row.finished);
        let names = |rows: Vec<&kinglet::FeatureRow>| rows.iter().map(|row| row.name).collect::<Vec<_>>().join(" ");
        for (what, is) in [
            ("commit", env!("KINGLET_COMMIT")),
            ("target", env!("KINGLET_TARGET")),
            ("profile", env!("KINGLET_PROFILE")),
            ("compiler", env!("KINGLET_RUSTC")),
            ("features", &features),
            ("system", &system()),
            ("dispatch", DISPATCH),
            ("processor", &processor().join(" ")),
            ("threads", &std::thread::available_parallelism().map_or(1, usize::from).to_string()),
            ("proposals", &names(on)),
            ("unfinished", &names(off)),
        ] {
            let _ = writeln!(out, "{:<12}{is}", format!("{what}:"));
        }
    }
    out
}

/// The running system, which may differ from the target.
fn system() -> String {
    let name = std::env::consts::OS;
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!("{name} {}", release.trim()).trim_end().to_string()
}

/// The CPU's extensions that matter for code.
#[cfg(target_arch = "x86_64")]
fn processor() -> Vec<&'static str> {
    let mut found = vec!["x86_64"];
    macro_rules! detect {
        ($($name:tt)*) => { $(if std::arch::is_x86_feature_detected!($name) { found.push($name); })* };
    }
    detect!("sse4.1" "sse4.2" "avx" "avx2" "fma" "bmi1" "bmi2" "lzcnt" "popcnt" "avx512f");
    found
}

#[cfg(target_arch = "aarch64")]
fn processor() -> Vec<&'static str> {
    let mut found = vec!["aarch64"];
    macro_rules! detect {
        ($($name:tt)*) => { $(if std::arch::is_aarch64_feature_detected!($name) { found.push($name); })* };
    }
    detect!("neon" "fp16" "lse" "sve");
    found
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn processor() -> Vec<&'static str> {
    vec![std::env::consts::ARCH]
}
