//! Decides how handlers go from one to the next: by tail calls where the compiler is sure to make them jumps (optimised
//! builds, and a C calling convention with eight arguments in registers), by a loop elsewhere. Debug assertions, which
//! make some handlers keep a frame, are not seen here: the sources ask for the loop with them.

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
