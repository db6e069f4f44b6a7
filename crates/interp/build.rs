//! Chooses how the interpreter dispatches.
//!
//! Threaded dispatch needs tail calls that the compiler is certain to turn into jumps: optimized builds, and a C
//! calling convention with eight arguments in registers. All other builds dispatch in a loop. Debug assertions force
//! some handlers to keep a stack frame. A build script cannot see them, so the sources choose the loop for such builds.

fn main() {
    println!("cargo::rustc-check-cfg=cfg(threaded)");
    println!("cargo::rerun-if-env-changed=KINGLET_DISPATCH");
    let var = |name: &str| std::env::var(name).unwrap_or_default();
    let optimised = matches!(var("OPT_LEVEL").as_str(), "2" | "3");
    let arch = matches!(var("CARGO_CFG_TARGET_ARCH").as_str(), "x86_64" | "aarch64" | "riscv64");
    let plain = var("CARGO_CFG_SANITIZE").is_empty() && var("CARGO_CFG_TARGET_OS") != "windows";
    if optimised && arch && plain && var("KINGLET_DISPATCH") != "loop" {
        println!("cargo::rustc-cfg=threaded");
    }
}
