//! `cargo xtask miri` and `cargo xtask sanitize address`: the interpreter and the runtime, without native code, under tools
//! that see undefined behaviour. Miri sees more, and needs its component of the toolchain; AddressSanitizer takes its place
//! elsewhere. Under both, memories and stacks come from the allocator, which the tools watch.

use std::process::Command;

use crate::group::cargo;
use crate::process::{Context, Tally, count, output, present};

/// Everything that is built without native code; memory comes from the allocator.
const CFG: &str = "--cfg=rustix_use_libc --cfg=kinglet_heap_regions";

/// The tests beside the code of what has no native tier.
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

/// The suites' files that Miri runs: each kind of instruction, in files that are short enough for it.
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

/// The API's tests that Miri runs: those of calls, data, links and traps, which start no process and no long loop.
const API: &[&str] = &["call::", "data::", "gas::", "host::", "link::", "trap::"];

/// `cargo xtask sanitize address`
pub(crate) fn command(context: &Context, args: &[String]) -> Result<(), String> {
    match args {
        [name] if name == "address" => done(address(context)),
        [name] if name == "thread" => Err("cargo xtask stress --thread-sanitizer does that".into()),
        _ => Err("name a sanitizer: cargo xtask sanitize address".into()),
    }
}

/// `cargo xtask miri`
pub(crate) fn miri_command(context: &Context, _: &[String]) -> Result<(), String> {
    let toolchain = ["+stable", "+nightly"].into_iter().find(|name| present("cargo", &[name, "miri", "--version"]));
    let Some(toolchain) = toolchain else {
        let hint = "rustup +nightly component add miri rust-src";
        return Err(format!("Miri is not installed ({hint}); cargo xtask sanitize address takes its place"));
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
    done(total)
}

/// The tests that cross a crate.
const WITHOUT_NATIVE_CODE: &[&str] = &["--package", "kinglet-tests", "--no-default-features"];

/// Tests that AddressSanitizer leaves out: of the examples, which are built without it; of the host's stack, whose frames it
/// makes larger; of memories that are only reserved, which it counts as used; of how much memory something takes.
const LEFT_OUT: &[&str] = &[
    "--skip=example::",
    "--skip=overflow::",
    "--skip=config::every_number",
    "--skip=hostile::budget",
    "--skip=hostile::deep_nesting",
    "--skip=interrupt::bulk_operations_on_big_memories",
    "--skip=limit::a_half_made_instance_gives_its_memory_back",
    "--skip=pool::a_pool_is_never_exhausted",
    "--skip=pool::idle_instances_take_little",
    "--skip=release::",
    "--skip=resumable::paused_calls_cost_the_same",
];

/// As a test group: everything that needs no native code, under AddressSanitizer.
pub(crate) fn address(context: &Context) -> Tally {
    let host = match output(Command::new("rustc").args(["--print", "host-tuple"])) {
        Ok(host) => host.trim().to_string(),
        Err(why) => {
            println!("{why}");
            return Tally::FAILED;
        }
    };
    let run = |args: &[&str]| {
        // The target is named, so that build scripts are built without the sanitizer.
        let mut cargo = cargo(context, &["test", "--target", &host, "--no-fail-fast"]);
        cargo.args(args).env("CARGO_TARGET_DIR", context.target.join("address-sanitizer"));
        // The compiler takes unstable options then, though it is a stable one.
        cargo.env("RUSTC_BOOTSTRAP", "1").env("RUSTFLAGS", format!("-Zsanitizer=address {CFG}"));
        // A guest that asks for more memory than there is gets none, here too. Less is kept back of what was freed than the
        // default, since whole memories are. Variables stay on the stack: a paused call may go on in another thread, and the
        // heap where they would be is gone with the first.
        let options = ["allocator_may_return_null=1", "quarantine_size_mb=32", "detect_stack_use_after_return=0"];
        cargo.env("ASAN_OPTIONS", options.join(":"));
        count(context, &mut cargo)
    };
    let mut total = run(&[UNIT, &["--no-default-features", "--features", "kinglet/wat"]].concat());
    total.add(run(&[WITHOUT_NATIVE_CODE, &["--test", "api", "--"], LEFT_OUT].concat()));
    total.add(run(&[WITHOUT_NATIVE_CODE, &["--test", "wasi"]].concat()));
    total.add(run(&[WITHOUT_NATIVE_CODE, &["--test", "spec"]].concat()));
    total
}

fn done(tally: Tally) -> Result<(), String> {
    println!("\n{tally}");
    if tally.failed == 0 { Ok(()) } else { Err(String::new()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_sanitizer_is_answered_with_the_known_one() {
        let context = Context::new();
        assert!(command(&context, &["memory".into()]).unwrap_err().contains("sanitize address"));
        assert!(command(&context, &["thread".into()]).unwrap_err().contains("--thread-sanitizer"));
    }
}
