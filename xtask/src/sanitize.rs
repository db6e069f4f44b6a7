//! `cargo xtask miri` and `cargo xtask sanitize address`: tests of the interpreter and the runtime, without native
//! code, under tools that detect undefined behaviour. Miri detects more, but needs a component of the toolchain;
//! AddressSanitizer works without it. In both, the allocator provides memories and stacks, because the tools check its
//! allocations.

use std::process::Command;

use crate::group::cargo;
use crate::process::{Context, Tally, count, output, present};

/// Compiler options: the C library instead of direct system calls, and memories from the allocator.
const CFG: &str = "--cfg=rustix_use_libc --cfg=kinglet_heap_regions";

/// Selects the unit tests of the crates without native code.
const UNIT: &[&str] = &[
    "--package",
    "kinglet-wasm",
    "--package",
    "kinglet-abi",
    "--package",
    "kinglet-interp",
    "--package",
    "kinglet",
    "--lib",
];

/// The suites' files that Miri runs: each kind of instruction, in files that Miri can run in reasonable time.
const SUITES: &[&str] = &[
    "wasm-v2/address",
    "wasm-v2/br_table",
    "wasm-v2/bulk",
    "wasm-v2/call_indirect",
    "wasm-v2/elem",
    "wasm-v2/fac",
    "wasm-v2/global",
    "wasm-v2/if",
    "wasm-v2/linking",
    "wasm-v2/memory_grow",
    "wasm-v2/ref_func",
    "wasm-v2/select",
    "wasm-v2/start",
    "wasm-v2/table_grow",
    "wasm-v2/traps",
    "tail-call/return_call_indirect",
    "ours/",
];

/// The API's tests that Miri runs: tests of calls, data, links and traps, without child processes and long loops.
const API: &[&str] = &["call::", "data::", "gas::", "host::", "link::", "trap::"];

/// `cargo xtask sanitize address`
pub(crate) fn command(context: &Context, args: &[String]) -> Result<(), String> {
    match args {
        [name] if name == "address" => finish(address(context)),
        [name] if name == "thread" => Err("use cargo xtask stress --thread-sanitizer".into()),
        _ => Err("name a sanitizer: cargo xtask sanitize address".into()),
    }
}

/// `cargo xtask miri`
pub(crate) fn miri_command(context: &Context, _: &[String]) -> Result<(), String> {
    let toolchain = ["+stable", "+nightly"].into_iter().find(|name| present("cargo", &[name, "miri", "--version"]));
    let Some(toolchain) = toolchain else {
        let hint = "rustup +nightly component add miri rust-src";
        return Err(format!("Miri is not installed ({hint}); cargo xtask sanitize address works without it"));
    };
    let mut total = Tally::default();
    for model in ["", "-Zmiri-tree-borrows"] {
        println!("\n== {}", if model.is_empty() { "Stacked Borrows" } else { "Tree Borrows" });
        let mut run = |args: &[&str]| {
            let mut miri = Command::new("cargo");
            miri.current_dir(&context.root).args([toolchain, "miri", "test"]).args(args);
            miri.env("MIRIFLAGS", format!("-Zmiri-disable-isolation -Zmiri-permissive-provenance {model}"));
            miri.env("RUSTFLAGS", CFG).env("CARGO_TARGET_DIR", context.target.join("miri"));
            total.add(count(context, &mut miri));
        };
        run(&[UNIT, &["--no-default-features", "--features", "kinglet/wat"]].concat());
        run(&[WITHOUT_NATIVE_CODE, &["--test", "api", "--"], API].concat());
        run(&[WITHOUT_NATIVE_CODE, &["--test", "spec", "--"], SUITES].concat());
    }
    finish(total)
}

/// Selects the tests that span crates.
const WITHOUT_NATIVE_CODE: &[&str] = &["--package", "kinglet-tests", "--no-default-features"];

/// Tests that are skipped under AddressSanitizer. Examples are built without it. It enlarges frames, which affects
/// tests of the host's stack. It counts reserved memories as used, which affects tests of them and of memory usage.
const SKIPPED: &[&str] = &[
    "--skip=example::",
    "--skip=overflow::",
    "--skip=config::every_number",
    "--skip=hostile::budget",
    "--skip=hostile::deep_nesting",
    "--skip=interrupt::bulk_operations_on_big_memories",
    "--skip=limit::a_failed_instantiation_releases_its_memory",
    "--skip=pool::a_pool_is_never_exhausted",
    "--skip=pool::idle_instances_take_little_memory",
    "--skip=release::",
    "--skip=resumable::paused_calls_cost_the_same",
];

/// Runs all tests that need no native code under AddressSanitizer, as a test group.
pub(crate) fn address(context: &Context) -> Tally {
    let host = match output(Command::new("rustc").args(["--print", "host-tuple"])) {
        Ok(host) => host.trim().to_string(),
        Err(why) => {
            println!("{why}");
            return Tally::FAILED;
        }
    };
    let run = |args: &[&str]| {
        // With --target, cargo does not apply the flags to build scripts.
        let mut cargo = cargo(context, &["test", "--target", &host, "--no-fail-fast"]);
        cargo.args(args).env("CARGO_TARGET_DIR", context.target.join("address-sanitizer"));
        // The variable makes a stable compiler accept unstable options.
        cargo.env("RUSTC_BOOTSTRAP", "1").env("RUSTFLAGS", format!("-Zsanitizer=address {CFG}"));
        // Failed allocations return null, so that a guest's oversized memory is an error. The quarantine of freed
        // blocks is smaller than the default, because guest memories are large. Variables stay on the stack, because
        // another thread may resume a paused call, and the sanitizer frees its fake stack with the first thread.
        let options = ["allocator_may_return_null=1", "quarantine_size_mb=32", "detect_stack_use_after_return=0"];
        cargo.env("ASAN_OPTIONS", options.join(":"));
        count(context, &mut cargo)
    };
    let mut total = run(&[UNIT, &["--no-default-features", "--features", "kinglet/wat"]].concat());
    total.add(run(&[WITHOUT_NATIVE_CODE, &["--test", "api", "--"], SKIPPED].concat()));
    total.add(run(&[WITHOUT_NATIVE_CODE, &["--test", "wasi"]].concat()));
    total.add(run(&[WITHOUT_NATIVE_CODE, &["--test", "spec"]].concat()));
    total
}

fn finish(tally: Tally) -> Result<(), String> {
    println!("\n{tally}");
    if tally.failed == 0 { Ok(()) } else { Err(String::new()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_for_an_unknown_sanitizer_names_the_supported_ones() {
        let context = Context::new();
        assert!(command(&context, &["memory".into()]).unwrap_err().contains("sanitize address"));
        assert!(command(&context, &["thread".into()]).unwrap_err().contains("--thread-sanitizer"));
    }
}
