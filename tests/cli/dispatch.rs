//! The interpreter's handlers end in a jump to the next handler, never in a call, because a call would grow the host's
//! stack with every instruction of the guest. The compiler decides, so that the test inspects binaries: a release build
//! with symbols, and a build without link-time optimisation, as embedders build.

use std::path::Path;
use std::process::Command;

/// A disassembled function: its name and instructions.
struct Function {
    name: String,
    instructions: Vec<String>,
}

fn disassemble(binary: &Path) -> Vec<Function> {
    let output = Command::new("objdump").args(["--disassemble", "--no-show-raw-insn"]).arg(binary).output();
    let output = output.expect("objdump runs (it is part of binutils)");
    assert!(output.status.success(), "objdump cannot read {}", binary.display());
    let mut functions: Vec<Function> = Vec::new();
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        if let Some(name) = line.strip_suffix(">:").and_then(|head| head.split_once('<')).map(|(_, name)| name) {
            functions.push(Function { name: name.to_string(), instructions: Vec::new() });
        } else if let (Some(function), Some((_, instruction))) = (functions.last_mut(), line.rsplit_once('\t')) {
            function.instructions.push(instruction.split_whitespace().collect::<Vec<_>>().join(" "));
        }
    }
    functions
}

#[test]
#[cfg(target_arch = "x86_64")]
fn handlers_end_in_a_jump_to_the_next() {
    for (profile, how) in [
        ("release", "cargo rustc --release --package kinglet-cli -- -C strip=none"),
        ("embedder", "cargo build --profile embedder --workspace --bin kinglet"),
    ] {
        let binary = kinglet_tests::target().join(profile).join("kinglet");
        assert!(binary.exists(), "{} does not exist: {how}", binary.display());
        looks_right(&binary);
    }
}

fn looks_right(binary: &Path) {
    let functions = disassemble(binary);
    let handlers: Vec<_> = functions.iter().filter(|f| f.name.contains("kinglet_interp4exec7handler")).collect();
    assert!(
        handlers.len() > 1000,
        "only {} handlers found: is the binary stripped, or dispatch a loop?",
        handlers.len()
    );
    // Handlers call the runtime indirectly, through a table or the linker's stubs. The next handler is in the bytecode
    // that `rsi` points to.
    let is_dispatch = |i: &str| i.starts_with("jmp *%r");
    let ends = |f: &&&Function| !f.instructions.iter().any(|i| is_dispatch(i));
    // `unreachable`, an unimplemented operation, and the end of an activation.
    let without: Vec<_> = handlers.iter().filter(ends).map(|f| f.name.as_str()).collect();
    assert!(without.len() <= 3, "handlers without a jump to the next handler: {without:#?}");
    let through_register = |i: &&String| i.starts_with("call *%r");
    let calling: Vec<_> = handlers
        .iter()
        .filter(|f| f.instructions.iter().any(|i| through_register(&i)))
        .map(|f| f.name.as_str())
        .collect();
    // Array calls, libcalls, `throw` and subtype checks call functions through a register.
    assert!(calling.len() <= 16, "handlers that call through a register: {calling:#?}");
}
