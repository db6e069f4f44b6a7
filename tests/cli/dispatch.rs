//! The interpreter's handlers must go on by a jump, never by a call: a call would grow the host's stack with every
//! instruction of the guest. The compiler decides, so binaries are looked at: one as released but for its
//! symbols, and one built without link-time optimisation, as embedders build.

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
fn handlers_go_on_by_a_jump() {
    for (profile, how) in [
        ("release", "cargo rustc --release --package kinglet-cli -- -C strip=none"),
        ("embedder", "cargo build --profile embedder --workspace --bin kinglet"),
    ] {
        let binary = kinglet_tests::target().join(profile).join("kinglet");
        assert!(binary.exists(), "{} is not there: {how}", binary.display());
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
    // What a handler calls indirectly is the runtime, through a table or the linker's; the next handler is in the code,
    // to which `rsi` points.
    let is_dispatch = |i: &str| i.starts_with("jmp *%r");
    let ends = |f: &&&Function| !f.instructions.iter().any(|i| is_dispatch(i));
    // `unreachable`, an operation that is not there yet, and the end of an activation.
    let without: Vec<_> = handlers.iter().filter(ends).map(|f| f.name.as_str()).collect();
    assert!(without.len() <= 3, "handlers without a jump to the next: {without:#?}");
    let through_register = |i: &&String| i.starts_with("call *%r");
    let calling: Vec<_> = handlers
        .iter()
        .filter(|f| f.instructions.iter().any(|i| through_register(&i)))
        .map(|f| f.name.as_str())
        .collect();
    // Array calls, libcalls, `throw` and subtype checks call functions whose address is in a register.
    assert!(calling.len() <= 16, "handlers that call through a register: {calling:#?}");
}
