//! Readable listings of machine code: a function's CLIF before and after optimization, Cranelift's assembly, and the
//! single instructions with their source operators.
//!
//! The function is recompiled for the listing as a part of its module. The code that runs is not affected.

use std::ops::Range;

use cranelift_codegen::{Final, MachSrcLoc};
use kinglet_wasm::Module;
use kinglet_wasm::name::demangle;
use target_lexicon::Architecture;
use yaxpeax_arch::{Decoder, LengthedInstruction, U8Reader};
use yaxpeax_arm::armv8::a64;
use yaxpeax_x86::long_mode as x86_64;

use crate::compile::{
    Callees, CompileEnvironment, CompileError, CompileRequest, CompiledFunction, Compiler, DirectCall, Scratch,
    catch_panic,
};
use crate::module::defined_functions;

/// The compilation stages of a function.
#[derive(Clone, Debug)]
pub struct NativeListing {
    /// Cranelift IR as generated from the body.
    pub clif: String,
    /// Cranelift IR after optimization.
    pub optimized: String,
    /// Cranelift's assembly, divided into blocks and without offsets.
    pub assembly: String,
    /// The instructions in code order, including embedded data.
    pub instructions: Vec<NativeInstruction>,
}

/// A machine instruction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NativeInstruction {
    /// The offset of its first byte in the function.
    pub at: u32,
    /// Its bytes. In a direct call, the displacement is not relocated yet.
    pub bytes: Vec<u8>,
    /// The byte offset in the module of its operator; `None` for code that belongs to the whole function.
    pub source: Option<u32>,
    /// The disassembly. The bytes, if this is data or Kinglet has no disassembler for the processor (RISC-V, s390x).
    pub text: String,
}

/// Maps a function's machine code to operators.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NativeSourceMap {
    /// The length of the code in bytes.
    pub len: u32,
    /// Pairs of a code offset and an operator's byte offset in the module, sorted by code offset.
    pub entries: Vec<(u32, u32)>,
}

impl Compiler {
    /// Compiles a function as a part of its module and returns its source map. `defined` is the function's index among
    /// the module's defined functions.
    ///
    /// # Errors
    /// If the function cannot be compiled.
    pub fn sources(&self, environment: CompileEnvironment<'_>, defined: u32) -> Result<NativeSourceMap, CompileError> {
        let mut scratch = Scratch::new();
        let all = defined_functions(environment.module);
        let code =
            self.body(&mut scratch, CompileRequest::function(environment, defined, Callees::SameImage(&all)), None)?;
        let compiled = scratch.compiled.as_ref().ok_or_else(|| CompileError::Failed("no compiled code".into()))?;
        let len = code.image.text.len() as u32;
        // A prepended stack check precedes Cranelift's code.
        let start = len - compiled.buffer.data().len() as u32;
        let ranges = compiled.buffer.get_srclocs_sorted().iter().map(CodeRange::new);
        let entries = ranges.filter_map(|range| Some((start + range.code.start, range.source?))).collect();
        Ok(NativeSourceMap { len, entries })
    }

    /// Compiles a function as a part of its module and returns its listing. `defined` is the function's index among the
    /// module's defined functions.
    ///
    /// # Errors
    /// If the function cannot be compiled.
    pub fn listing(&self, environment: CompileEnvironment<'_>, defined: u32) -> Result<NativeListing, CompileError> {
        catch_panic(|| self.build_listing(environment, defined))
    }

    fn build_listing(&self, environment: CompileEnvironment<'_>, defined: u32) -> Result<NativeListing, CompileError> {
        let mut scratch = Scratch::new();
        let all = defined_functions(environment.module);
        self.build_ir(&mut scratch, CompileRequest::function(environment, defined, Callees::SameImage(&all)))?;
        let clif = scratch.context.func.display().to_string();
        scratch.context.set_disasm(true);
        let code = self.compile_ir(&mut scratch)?;
        let function = &scratch.context.func;
        let optimized = function.display().to_string();
        let compiled = scratch.compiled.as_ref().ok_or_else(|| CompileError::Failed("no compiled code".into()))?;
        let mut assembly = compiled.vcode.clone().unwrap_or_default();
        for (reference, name) in function.params.user_named_funcs() {
            let callee = callee(environment.module, name.index);
            assembly = assembly.replace(&format!("User({reference})"), &callee);
        }
        let ranges: Vec<CodeRange> = compiled.buffer.get_srclocs_sorted().iter().map(CodeRange::new).collect();
        let instructions = instructions(self.isa().triple().architecture, &code, &ranges, environment.module);
        Ok(NativeListing { clif, optimized, assembly, instructions })
    }
}

/// Consecutive instructions of one basic block that belong to one operator, or to none.
struct CodeRange {
    code: Range<u32>,
    source: Option<u32>,
}

impl CodeRange {
    fn new(range: &MachSrcLoc<Final>) -> CodeRange {
        let source = Some(range.loc).filter(|loc| !loc.is_default()).map(|loc| loc.bits());
        CodeRange { code: range.start..range.end, source }
    }
}

/// Disassembles code. Instructions between ranges move values for the next range. Only constants follow the last range.
fn instructions(
    processor: Architecture,
    code: &CompiledFunction,
    ranges: &[CodeRange],
    module: &Module,
) -> Vec<NativeInstruction> {
    let mut lister = InstructionLister { processor, code, module, out: Vec::new() };
    let mut at = 0;
    for range in ranges {
        lister.code(at..range.code.start, None);
        lister.code(range.code.start.max(at)..range.code.end, range.source);
        at = range.code.end.max(at);
    }
    lister.data(at..code.image.text.len() as u32, None);
    lister.out
}

struct InstructionLister<'a> {
    processor: Architecture,
    code: &'a CompiledFunction,
    module: &'a Module,
    out: Vec<NativeInstruction>,
}

impl InstructionLister<'_> {
    /// Lists a range. The jump table follows an indirect jump.
    fn code(&mut self, range: Range<u32>, source: Option<u32>) {
        let mut at = range.start;
        while at < range.end {
            let bytes = &self.code.image.text[at as usize..range.end as usize];
            let Some(decoded) = decode(self.processor, bytes) else { return self.data(at..range.end, source) };
            let end = at + decoded.len;
            let call = self.code.calls.iter().find(|call| (at..end).contains(&call.at));
            let text = match call {
                Some(call) => self.call(&decoded.text, call),
                None => absolute(&decoded.text, at, decoded.relative_to_end.then_some(end)),
            };
            let bytes = bytes[..decoded.len as usize].to_vec();
            self.out.push(NativeInstruction { at, bytes, source, text });
            at = end;
            if decoded.indirect_jump {
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
            self.out.push(NativeInstruction { at, bytes: bytes.to_vec(), source, text });
            at = end;
        }
    }

    /// Formats a direct call, or a part of it, with the callee's name instead of the displacement.
    fn call(&self, text: &str, call: &DirectCall) -> String {
        let mnemonic = text.split_whitespace().next().unwrap_or_default();
        format!("{mnemonic} {}", callee(self.module, call.target))
    }
}

/// Formats a callee's index and name.
fn callee(module: &Module, defined: u32) -> String {
    let index = module.imported_funcs + defined;
    match module.func_name(index) {
        Some(name) => format!("func[{index}] <{}>", demangle(name).escape_debug()),
        None => format!("func[{index}]"),
    }
}

struct Decoded {
    text: String,
    len: u32,
    /// Whether displacements are relative to the end of the instruction instead of its start.
    relative_to_end: bool,
    /// Whether the instruction jumps to an address in a register or in memory.
    indirect_jump: bool,
}

/// Decodes the first instruction; `None` if the bytes are invalid.
fn decode(processor: Architecture, code: &[u8]) -> Option<Decoded> {
    let words = |len: usize| {
        let bytes = code.get(..len)?;
        let text = format!(".insn {}", hex(bytes));
        Some(Decoded { text, len: len as u32, relative_to_end: false, indirect_jump: false })
    };
    match processor {
        Architecture::X86_64 => {
            let instruction = x86_64::InstDecoder::default().decode_slice(code).ok()?;
            let near =
                |operand| matches!(operand, x86_64::Operand::ImmediateI8 { .. } | x86_64::Operand::ImmediateI32 { .. });
            let indirect_jump = instruction.opcode() == x86_64::Opcode::JMP && !near(instruction.operand(0));
            let len = instruction.len().to_const() as u32;
            Some(Decoded { text: instruction.to_string(), len, relative_to_end: true, indirect_jump })
        }
        Architecture::Aarch64(_) => {
            let instruction = a64::InstDecoder::default().decode(&mut U8Reader::new(code)).ok()?;
            let indirect_jump = instruction.opcode == a64::Opcode::BR;
            Some(Decoded { text: instruction.to_string(), len: 4, relative_to_end: false, indirect_jump })
        }
        // On RISC-V, the lowest two bits tell 16-bit from 32-bit instructions. On s390x, the highest two bits encode a
        // length of 16, 32 or 48 bits.
        Architecture::Riscv64(_) => words(if code.first()? & 3 == 3 { 4 } else { 2 }),
        Architecture::S390x => words([2, 4, 4, 6][usize::from(code.first()? >> 6)]),
        _ => None,
    }
}

/// Replaces displacements by offsets in the function. They are relative to `end`, or to the instruction itself if it is
/// `None`.
fn absolute(text: &str, at: u32, end: Option<u32>) -> String {
    let resolve = |(before, distance): (&str, &str), sign: i64| {
        let digits = distance.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(distance.len());
        let (distance, after) = distance.split_at(digits);
        let target = i64::from(end.unwrap_or(at)) + sign * i64::from_str_radix(distance, 16).ok()?;
        Some(format!("{before}{target:#x}{after}"))
    };
    let forward = text.split_once("$+0x").and_then(|parts| resolve(parts, 1));
    forward.or_else(|| text.split_once("$-0x").and_then(|parts| resolve(parts, -1))).unwrap_or_else(|| text.to_string())
}

fn hex(bytes: &[u8]) -> String {
    let bytes: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    bytes.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn displacements_become_offsets() {
        assert_eq!(absolute("jz $+0x12", 0x10, Some(0x16)), "jz 0x28");
        assert_eq!(absolute("cbz x8, $-0x10", 0x10, None), "cbz x8, 0x0");
        assert_eq!(absolute("mov rax, qword [rip + 0x9]", 0x10, Some(0x17)), "mov rax, qword [rip + 0x9]");
    }

    #[test]
    fn instructions_decode_with_their_length_on_every_processor() {
        let riscv: Architecture = "riscv64gc".parse().unwrap();
        let aarch64: Architecture = "aarch64".parse().unwrap();
        let decoded = |processor, code: &[u8]| decode(processor, code).map(|it| (it.text, it.len, it.indirect_jump));
        let of = |text: &str, len, jump| Some((text.to_string(), len, jump));
        assert_eq!(decoded(Architecture::X86_64, &[0xff, 0xe1, 0]), of("jmp rcx", 2, true));
        assert_eq!(decoded(Architecture::X86_64, &[0xeb, 0x10]), of("jmp $+0x10", 2, false));
        assert_eq!(decoded(Architecture::X86_64, &[0x48]), None, "truncated");
        assert_eq!(decoded(aarch64, &[0x20, 0, 0x1f, 0xd6]), of("br x1", 4, true));
        assert_eq!(decoded(riscv, &[0x13, 1, 1, 0xff]), of(".insn 13 01 01 ff", 4, false));
        assert_eq!(decoded(riscv, &[0x82, 0x80, 0, 0]), of(".insn 82 80", 2, false));
        assert_eq!(decoded(Architecture::S390x, &[0x07, 0xfe, 0, 0]), of(".insn 07 fe", 2, false));
        assert_eq!(decoded(Architecture::S390x, &[0xeb, 0x8f, 0xf0, 0x40, 0, 0x24]).map(|it| it.1), Some(6));
        assert_eq!(decoded(Architecture::S390x, &[0xeb, 0x8f]), None);
    }
}
