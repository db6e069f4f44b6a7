//! Machine code for people: a function's intermediate code, before and after it is optimised, Cranelift's listing of
//! its machine code, and the instructions one by one with the operators they were made for. The function is compiled
//! anew for it, as a part of its module; nothing here has a hand in code that runs.

use std::ops::Range;

use cranelift_codegen::{Final, MachSrcLoc};
use kinglet_wasm::Module;
use kinglet_wasm::name::readable;
use target_lexicon::Architecture;
use yaxpeax_arch::{Decoder, LengthedInstruction, U8Reader};
use yaxpeax_arm::armv8::a64;
use yaxpeax_x86::long_mode as x86_64;

use crate::compile::{Callees, Code, Compiler, DirectCall, Environment, Error, Request, Scratch, contained};
use crate::module::all;

/// How a function becomes machine code.
#[derive(Clone, Debug)]
pub struct Listing {
    /// Cranelift's intermediate code, as it is made from the body.
    pub clif: String,
    /// The same when it is optimised.
    pub optimized: String,
    /// The machine code as Cranelift writes it, in blocks. Without offsets.
    pub assembly: String,
    /// The instructions, in the order of their places, and with them what data is among them.
    pub instructions: Vec<Instruction>,
}

/// A machine instruction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instruction {
    /// Its first byte, from the function's first.
    pub at: u32,
    /// Its bytes. Where it calls another function of the module, the distance is not filled in yet.
    pub bytes: Vec<u8>,
    /// The byte offset in the module of the operator it was made for; none if it belongs to the function as a whole.
    pub source: Option<u32>,
    /// What it is. Of data, and for processors without a disassembler here (RISC-V, s390x), the bytes.
    pub text: String,
}

/// From where on a function's machine code is for which operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sources {
    /// The bytes of the code.
    pub len: u32,
    /// Offsets in the code, ascending, each with the byte offset in the module of an operator.
    pub places: Vec<(u32, u32)>,
}

impl Compiler {
    /// Compiles a function, by its place among those the module defines, as it is compiled with the module, for what its
    /// parts are for.
    ///
    /// # Errors
    /// If it cannot be compiled.
    pub fn sources(&self, environment: Environment<'_>, defined: u32) -> Result<Sources, Error> {
        let mut scratch = Scratch::new();
        let all = all(environment.module);
        let code = self.body(&mut scratch, Request::function(environment, defined, Callees::Beside(&all)), None)?;
        let compiled = scratch.compiled.as_ref().ok_or_else(|| Error::Failed("no code".into()))?;
        let len = code.image.text.len() as u32;
        // A check of the stack comes before what Cranelift made of the function.
        let start = len - compiled.buffer.data().len() as u32;
        let stretches = compiled.buffer.get_srclocs_sorted().iter().map(Stretch::new);
        let places = stretches.filter_map(|stretch| Some((start + stretch.code.start, stretch.source?))).collect();
        Ok(Sources { len, places })
    }

    /// Compiles a function, by its place among those the module defines, as it is compiled with the module.
    ///
    /// # Errors
    /// If it cannot be compiled.
    pub fn listing(&self, environment: Environment<'_>, defined: u32) -> Result<Listing, Error> {
        contained(|| self.list(environment, defined))
    }

    fn list(&self, environment: Environment<'_>, defined: u32) -> Result<Listing, Error> {
        let mut scratch = Scratch::new();
        let all = all(environment.module);
        self.build(&mut scratch, Request::function(environment, defined, Callees::Beside(&all)))?;
        let clif = scratch.context.func.display().to_string();
        scratch.context.set_disasm(true);
        let code = self.finish(&mut scratch)?;
        let function = &scratch.context.func;
        let optimized = function.display().to_string();
        let compiled = scratch.compiled.as_ref().ok_or_else(|| Error::Failed("no code".into()))?;
        let mut assembly = compiled.vcode.clone().unwrap_or_default();
        for (reference, name) in function.params.user_named_funcs() {
            let callee = callee(environment.module, name.index);
            assembly = assembly.replace(&format!("User({reference})"), &callee);
        }
        let stretches: Vec<Stretch> = compiled.buffer.get_srclocs_sorted().iter().map(Stretch::new).collect();
        let instructions = instructions(self.isa().triple().architecture, &code, &stretches, environment.module);
        Ok(Listing { clif, optimized, assembly, instructions })
    }
}

/// Instructions in a row that are for one operator, or for none. All are of one basic block.
struct Stretch {
    code: Range<u32>,
    source: Option<u32>,
}

impl Stretch {
    fn new(stretch: &MachSrcLoc<Final>) -> Stretch {
        let source = Some(stretch.loc).filter(|loc| !loc.is_default()).map(|loc| loc.bits());
        Stretch { code: stretch.start..stretch.end, source }
    }
}

/// Takes code apart. What lies between stretches moves values for the next; behind the last there are only constants.
fn instructions(processor: Architecture, code: &Code, stretches: &[Stretch], module: &Module) -> Vec<Instruction> {
    let mut lister = Lister { processor, code, module, out: Vec::new() };
    let mut at = 0;
    for stretch in stretches {
        lister.code(at..stretch.code.start, None);
        lister.code(stretch.code.start.max(at)..stretch.code.end, stretch.source);
        at = stretch.code.end.max(at);
    }
    lister.data(at..code.image.text.len() as u32, None);
    lister.out
}

struct Lister<'a> {
    processor: Architecture,
    code: &'a Code,
    module: &'a Module,
    out: Vec<Instruction>,
}

impl Lister<'_> {
    /// Lists a stretch. Behind a jump to a computed address there is the table of its targets.
    fn code(&mut self, range: Range<u32>, source: Option<u32>) {
        let mut at = range.start;
        while at < range.end {
            let bytes = &self.code.image.text[at as usize..range.end as usize];
            let Some(decoded) = decode(self.processor, bytes) else { return self.data(at..range.end, source) };
            let end = at + decoded.len;
            let call = self.code.calls.iter().find(|call| (at..end).contains(&call.at));
            let text = match call {
                Some(call) => self.call(&decoded.text, call),
                None => absolute(&decoded.text, at, decoded.from_end.then_some(end)),
            };
            let bytes = bytes[..decoded.len as usize].to_vec();
            self.out.push(Instruction { at, bytes, source, text });
            at = end;
            if decoded.computed_jump {
                return self.data(at..range.end, source);
            }
        }
    }

    fn data(&mut self, range: Range<u32>, source: Option<u32>) {
        const ROW: u32 = 8;
        let mut at = range.start;
        while at < range.end {
            let end = (at + 1).next_multiple_of(ROW).min(range.end);
            let bytes = &self.code.image.text[at as usize..end as usize];
            let text = format!(".byte {}", hex(bytes));
            self.out.push(Instruction { at, bytes: bytes.to_vec(), source, text });
            at = end;
        }
    }

    /// A call, or a part of one, with the name of whom it is for instead of a distance.
    fn call(&self, text: &str, call: &DirectCall) -> String {
        let mnemonic = text.split_whitespace().next().unwrap_or_default();
        format!("{mnemonic} {}", callee(self.module, call.target))
    }
}

/// How a function that is called is shown.
fn callee(module: &Module, defined: u32) -> String {
    let index = module.imported_funcs + defined;
    match module.func_name(index) {
        Some(name) => format!("func[{index}] <{}>", readable(name).escape_debug()),
        None => format!("func[{index}]"),
    }
}

struct Decoded {
    text: String,
    len: u32,
    /// Whether distances count from behind the instruction, rather than from its first byte.
    from_end: bool,
    /// Whether it goes on at an address that is in a register or memory.
    computed_jump: bool,
}

/// The first instruction of some code; none if it is not one.
fn decode(processor: Architecture, code: &[u8]) -> Option<Decoded> {
    let words = |len: usize| {
        let bytes = code.get(..len)?;
        let text = format!(".insn {}", hex(bytes));
        Some(Decoded { text, len: len as u32, from_end: false, computed_jump: false })
    };
    match processor {
        Architecture::X86_64 => {
            let instruction = x86_64::InstDecoder::default().decode_slice(code).ok()?;
            let near =
                |operand| matches!(operand, x86_64::Operand::ImmediateI8 { .. } | x86_64::Operand::ImmediateI32 { .. });
            let computed_jump = instruction.opcode() == x86_64::Opcode::JMP && !near(instruction.operand(0));
            let len = instruction.len().to_const() as u32;
            Some(Decoded { text: instruction.to_string(), len, from_end: true, computed_jump })
        }
        Architecture::Aarch64(_) => {
            let instruction = a64::InstDecoder::default().decode(&mut U8Reader::new(code)).ok()?;
            let computed_jump = instruction.opcode == a64::Opcode::BR;
            Some(Decoded { text: instruction.to_string(), len: 4, from_end: false, computed_jump })
        }
        // The lowest two bits say whether an instruction has 16 or 32, the highest two whether it has 16, 32 or 48.
        Architecture::Riscv64(_) => words(if code.first()? & 3 == 3 { 4 } else { 2 }),
        Architecture::S390x => words([2, 4, 4, 6][usize::from(code.first()? >> 6)]),
        _ => None,
    }
}

/// Shows distances as places in the function. `end` is from where they count, if that is not the instruction itself.
fn absolute(text: &str, at: u32, end: Option<u32>) -> String {
    let place = |(before, distance): (&str, &str), sign: i64| {
        let digits = distance.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(distance.len());
        let (distance, after) = distance.split_at(digits);
        let target = i64::from(end.unwrap_or(at)) + sign * i64::from_str_radix(distance, 16).ok()?;
        Some(format!("{before}{target:#x}{after}"))
    };
    let forward = text.split_once("$+0x").and_then(|parts| place(parts, 1));
    forward.or_else(|| text.split_once("$-0x").and_then(|parts| place(parts, -1))).unwrap_or_else(|| text.to_string())
}

fn hex(bytes: &[u8]) -> String {
    let bytes: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    bytes.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_become_places() {
        assert_eq!(absolute("jz $+0x12", 0x10, Some(0x16)), "jz 0x28");
        assert_eq!(absolute("cbz x8, $-0x10", 0x10, None), "cbz x8, 0x0");
        assert_eq!(absolute("mov rax, qword [rip + 0x9]", 0x10, Some(0x17)), "mov rax, qword [rip + 0x9]");
    }

    #[test]
    fn instructions_of_every_processor_have_their_length() {
        let riscv: Architecture = "riscv64gc".parse().unwrap();
        let aarch64: Architecture = "aarch64".parse().unwrap();
        let decoded = |processor, code: &[u8]| decode(processor, code).map(|it| (it.text, it.len, it.computed_jump));
        let of = |text: &str, len, jump| Some((text.to_string(), len, jump));
        assert_eq!(decoded(Architecture::X86_64, &[0xff, 0xe1, 0]), of("jmp rcx", 2, true));
        assert_eq!(decoded(Architecture::X86_64, &[0xeb, 0x10]), of("jmp $+0x10", 2, false));
        assert_eq!(decoded(Architecture::X86_64, &[0x48]), None, "ends too early");
        assert_eq!(decoded(aarch64, &[0x20, 0, 0x1f, 0xd6]), of("br x1", 4, true));
        assert_eq!(decoded(riscv, &[0x13, 1, 1, 0xff]), of(".insn 13 01 01 ff", 4, false));
        assert_eq!(decoded(riscv, &[0x82, 0x80, 0, 0]), of(".insn 82 80", 2, false));
        assert_eq!(decoded(Architecture::S390x, &[0x07, 0xfe, 0, 0]), of(".insn 07 fe", 2, false));
        assert_eq!(decoded(Architecture::S390x, &[0xeb, 0x8f, 0xf0, 0x40, 0, 0x24]).map(|it| it.1), Some(6));
        assert_eq!(decoded(Architecture::S390x, &[0xeb, 0x8f]), None);
    }
}
