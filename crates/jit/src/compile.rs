//! Compiles one function body to a code image: walk, Cranelift, and the tables that frame walkers need. All threads of
//! an engine share one compiler.

use std::fmt;
use std::mem::offset_of;
use std::panic::{AssertUnwindSafe, catch_unwind};

use cranelift_codegen::Context;
use cranelift_codegen::binemit::{Addend, Reloc};
use cranelift_codegen::control::ControlPlane;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{
    ExtFuncData, ExternalName, Function, InstBuilder, TrapCode, UserExternalName, Value, types,
};
use cranelift_codegen::isa::OwnedTargetIsa;
use cranelift_codegen::settings::{self, Configurable};
use cranelift_codegen::{
    CodegenResult, CompiledCode, ExceptionContextLoc, Final, FinalizedMachExceptionHandler, FinalizedRelocTarget,
    MachBufferFinalized,
};
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext};
use kinglet_abi::image::{CallSite, CodeAlignment, CodeImage, StackMap};
use kinglet_abi::{FuncCell, NativeBuiltins, Optimization, Settings, Trap, TrapDetection, VmCtx, VmCtxLayout, VmStore};
use kinglet_wasm::types::TypeRegistry;
use kinglet_wasm::{Module, walk};
use target_lexicon::Architecture;

use crate::alignment;
#[cfg(test)]
use crate::convention::ValueRepr;
use crate::convention::{self, NativeSignature, load_pointer, store};
use crate::cost::{CompileLimits, MAX_REUSED_COST, MemoryBudget};
use crate::emit::{BuiltFunction, Emitter, EntryPoint};
use crate::sites::{self, BranchedTraps};
use crate::target::{self, Processor};

/// The input of a compilation. It is plain data, so the native tier never accesses a store.
#[derive(Clone, Copy, Debug)]
pub struct CompileEnvironment<'a> {
    /// The module.
    pub module: &'a Module,
    /// The layout of its instances.
    pub layout: &'a VmCtxLayout,
    /// The engine settings that affect code.
    pub settings: &'a Settings,
    /// The engine's type registry.
    pub types: &'a TypeRegistry,
    /// The limits for compiling one function.
    pub limits: CompileLimits<'a>,
}

/// A reason why a function has no native code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CompileError {
    /// The function contains an operation without a native lowering.
    Unsupported(&'static str),
    /// The function has no loop at the requested offset.
    NoSuchLoop,
    /// Compiling the function would exceed the memory limit, in bytes.
    TooLarge(usize),
    /// The compilation was cancelled.
    Cancelled,
    /// Cranelift or the walk failed.
    Failed(String),
    /// The compiler panicked, with this message.
    Panicked(String),
}

impl fmt::Display for CompileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CompileError::Unsupported(what) => write!(f, "{what} is not supported by the native tier"),
            CompileError::NoSuchLoop => f.write_str("the function has no loop at this offset"),
            CompileError::TooLarge(limit) => {
                write!(f, "compiling it would exceed the compiler's memory limit of {} MiB", limit >> 20)
            }
            CompileError::Cancelled => f.write_str("the compilation was cancelled"),
            CompileError::Failed(message) => f.write_str(message),
            CompileError::Panicked(message) => write!(f, "the compiler panicked: {message}"),
        }
    }
}

impl std::error::Error for CompileError {}

/// Runs a part of the compiler and turns a panic into an error. A bug in the compiler thus costs only the code in
/// progress, not the host process.
pub(crate) fn catch_panic<T>(run: impl FnOnce() -> Result<T, CompileError>) -> Result<T, CompileError> {
    // Unwinding drops the data that `run` owns. Callers replace the data that it borrows (see [`Compiler::body`]).
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|payload| {
        let text = payload.downcast_ref::<&str>().map(|text| (*text).to_string());
        let text = text.or_else(|| payload.downcast_ref::<String>().cloned());
        Err(CompileError::Panicked(text.unwrap_or_else(|| "no message".into())))
    })
}

/// A compiler for one target.
pub struct Compiler {
    isa: OwnedTargetIsa,
    /// Whether the processor has vector registers. Cranelift cannot lower vectors without them.
    vectors: bool,
}

impl fmt::Debug for Compiler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Compiler({})", self.isa.name())
    }
}

/// The functions of the module that code can call by address. All other functions are called through their cells.
#[derive(Clone, Copy)]
pub(crate) enum Callees<'a> {
    /// These functions, sorted by index, are in the same image.
    SameImage(&'a [u32]),
    /// This function returns the addresses.
    Addresses(&'a dyn Fn(u32) -> CalleeAddress),
}

/// The input of [`Compiler::body`].
#[derive(Clone, Copy)]
pub(crate) struct CompileRequest<'a> {
    pub(crate) environment: CompileEnvironment<'a>,
    /// The function's index among the module's defined functions.
    pub(crate) defined: u32,
    pub(crate) entry: EntryPoint<'a>,
    pub(crate) callees: Callees<'a>,
}

impl<'a> CompileRequest<'a> {
    /// Creates a request for a function with its normal entry point.
    pub(crate) fn function(
        environment: CompileEnvironment<'a>,
        defined: u32,
        callees: Callees<'a>,
    ) -> CompileRequest<'a> {
        CompileRequest { environment, defined, entry: EntryPoint::Function, callees }
    }
}

/// The addresses of a function of the module. They must stay valid as long as the code that uses them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CalleeAddress {
    /// The address of the function's cell.
    pub cell: u64,
    /// The address of its native code, if it has any.
    pub native: Option<u64>,
}

/// Buffers that a thread reuses for every function.
pub(crate) struct Scratch {
    pub(crate) context: Context,
    frontend: FunctionBuilderContext,
    registers: regalloc2::Ctx,
    /// Cranelift's output for the last function.
    pub(crate) compiled: Option<CompiledCode>,
    /// The estimated cost of the last function, in bytes of compiler memory.
    pub(crate) cost: usize,
}

impl Scratch {
    pub(crate) fn new() -> Scratch {
        Scratch {
            context: Context::new(),
            frontend: FunctionBuilderContext::new(),
            registers: regalloc2::Ctx::default(),
            compiled: None,
            cost: 0,
        }
    }
}

/// Cranelift settings of all compilations. Frame walks use frame pointers. Results that do not fit in registers go
/// through memory. The platform's unwinder and Cranelift's own libcalls are not used.
const SETTINGS: &[(&str, &str)] = &[
    ("preserve_frame_pointers", "true"),
    ("enable_multi_ret_implicit_sret", "true"),
    ("unwind_info", "false"),
    ("enable_probestack", "true"),
    ("probestack_strategy", "inline"),
    ("enable_verifier", if cfg!(debug_assertions) { "true" } else { "false" }),
];

impl Compiler {
    /// Creates a compiler for the settings' target.
    ///
    /// # Errors
    /// If Cranelift has no backend for the target.
    pub fn new(settings: &Settings) -> Result<Compiler, CompileError> {
        catch_panic(|| Compiler::create(settings))
    }

    fn create(settings: &Settings) -> Result<Compiler, CompileError> {
        let mut flags = settings::builder();
        let level = match settings.optimization {
            Optimization::None => "none",
            Optimization::Speed => "speed",
            Optimization::SpeedAndSize => "speed_and_size",
        };
        flags.set("opt_level", level).map_err(|e| CompileError::Failed(e.to_string()))?;
        for (name, value) in SETTINGS {
            flags.set(name, value).map_err(|e| CompileError::Failed(e.to_string()))?;
        }
        let isa = target::isa(&settings.target, flags)?;
        let vectors = Processor::of(&isa).has_vectors();
        Ok(Compiler { isa, vectors })
    }

    /// Returns the target processor.
    pub fn processor(&self) -> Processor {
        Processor::of(&self.isa)
    }

    pub(crate) fn isa(&self) -> &OwnedTargetIsa {
        &self.isa
    }

    /// Compiles a function that calls all others through their cells.
    #[cfg(test)]
    fn compile_alone(&self, environment: CompileEnvironment<'_>, defined: u32) -> Result<CodeImage, CompileError> {
        self.body(&mut Scratch::new(), CompileRequest::function(environment, defined, Callees::SameImage(&[])), None)?
            .into_image()
    }

    /// Compiles a function for on-stack replacement at the loop with this byte offset in the module.
    ///
    /// The code reads the canonical frame that the interpreter has at a back-edge of the loop. `callee_address` returns
    /// the addresses of the module's functions, which must stay valid as long as the code.
    ///
    /// An operand that is live across the loop has two definitions: the code before the loop, and the frame. Few loops
    /// have such operands. For such a loop, the compiler walks the function again with every operand in a variable.
    pub fn osr_entry(
        &self,
        environment: CompileEnvironment<'_>,
        defined: u32,
        header: u32,
        callee_address: &dyn Fn(u32) -> CalleeAddress,
    ) -> Result<OsrImage, CompileError> {
        let mut scratch = Scratch::new();
        let callees = Callees::Addresses(callee_address);
        let loops = walk::enclosing_loops(environment.module, defined, header);
        let loops = loops.map_err(|error| CompileError::Failed(error.to_string()))?.ok_or(CompileError::NoSuchLoop)?;
        let loops = &loops[loops.len().saturating_sub(MAX_OSR_LOOPS)..];
        let mut body = |variables| {
            let entry = EntryPoint::Osr { loops, variables };
            self.body(&mut scratch, CompileRequest { environment, defined, entry, callees }, None)
        };
        let mut code = match body(false) {
            Err(CompileError::Unsupported(crate::emit::LIVE_OPERANDS)) => body(true)?,
            result => result?,
        };
        let (indirect_signatures, frame_size) = (std::mem::take(&mut code.indirect_signatures), code.frame_size);
        Ok(OsrImage { image: code.into_image()?, indirect_signatures, frame_size })
    }

    /// Compiles a function. Holds a share of `budget`, if there is one, while Cranelift runs.
    pub(crate) fn body(
        &self,
        scratch: &mut Scratch,
        request: CompileRequest<'_>,
        budget: Option<&MemoryBudget>,
    ) -> Result<CompiledFunction, CompileError> {
        let code = catch_panic(|| self.compile_body(scratch, request, budget));
        if let Err(CompileError::Panicked(_)) = code {
            // The panic may have left a half-built function in the scratch.
            *scratch = Scratch::new();
        }
        code
    }

    fn compile_body(
        &self,
        scratch: &mut Scratch,
        request: CompileRequest<'_>,
        budget: Option<&MemoryBudget>,
    ) -> Result<CompiledFunction, CompileError> {
        let CompileRequest { environment, defined, entry, .. } = request;
        let BuiltFunction { indirect_signatures, scopes, clauses, .. } = self.build_ir(scratch, request)?;
        let _share = budget.map(|budget| budget.share(scratch.cost));
        environment.limits.check(0)?;
        let mut code = self.compile_ir(scratch)?;
        (code.image.scopes, code.image.clauses) = (scopes, clauses);
        code.indirect_signatures = indirect_signatures;
        let checks = environment.settings.traps == TrapDetection::Checks && entry == EntryPoint::Function;
        if checks && code.frame_size > LARGE_FRAME {
            self.prepend_stack_check(environment, defined, code)
        } else {
            Ok(code)
        }
    }

    /// Prepends a check of the stack against the function's frame size, which is known only after compilation.
    ///
    /// If faults implement traps, Cranelift's own check precedes the frame instead. That check is itself a trap.
    fn prepend_stack_check(
        &self,
        environment: CompileEnvironment<'_>,
        defined: u32,
        body: CompiledFunction,
    ) -> Result<CompiledFunction, CompileError> {
        let module = environment.module;
        let ty = module.func_type(module.imported_funcs + defined);
        let signature = NativeSignature::new(ty, environment.types).native();
        let check = self.compile_stub_function(signature.clone(), |builder, params| {
            check_stack(builder, params, signature, defined, body.frame_size);
        })?;
        let at = check.image.text.len().next_multiple_of(body.image.alignment.align.max(1) as usize);
        let mut text = self.isa.text_section_builder(2);
        let plane = &mut ControlPlane::default();
        let mut padded = check.image.text.clone();
        padded.resize(at, 0);
        text.append(true, &padded, 1, plane);
        let mut resolved = text.append(true, &body.image.text, 1, plane) == at as u64;
        for call in &check.calls {
            resolved &= text.resolve_reloc(call.at.into(), call.kind, call.addend, 1);
        }
        if !resolved {
            return Err(CompileError::Failed("the stack check cannot reach its function".into()));
        }
        let mut image = CodeImage { text: text.finish(plane), alignment: body.image.alignment, ..CodeImage::default() };
        image.append(0, &check.image.tables());
        image.append(at as u32, &body.image.tables());
        let calls = body.calls.into_iter().map(|call| DirectCall { at: call.at + at as u32, ..call }).collect();
        Ok(CompiledFunction {
            image,
            calls,
            indirect_signatures: body.indirect_signatures,
            frame_size: body.frame_size,
        })
    }

    /// Builds a function's CLIF in the scratch context.
    pub(crate) fn build_ir(
        &self,
        scratch: &mut Scratch,
        request: CompileRequest<'_>,
    ) -> Result<BuiltFunction, CompileError> {
        let CompileRequest { environment, defined, entry, .. } = request;
        let module = environment.module;
        let ty = module.func_type(module.imported_funcs + defined);
        environment.limits.check(0)?;
        if scratch.cost > MAX_REUSED_COST {
            *scratch = Scratch::new();
        }
        scratch.context.clear();
        let function = &mut scratch.context.func;
        function.signature = match entry {
            EntryPoint::Function => NativeSignature::new(ty, environment.types).native(),
            EntryPoint::Osr { .. } => convention::osr_signature(),
        };
        convention::declare_regions(function, Some(module));
        let builder = FunctionBuilder::new(function, &mut scratch.frontend);
        let orders_nan = matches!(self.isa.triple().architecture, Architecture::X86_64 | Architecture::Aarch64(_));
        let mut emitter = Emitter::new(builder, request, orders_nan);
        let walked = walk::function(module, defined, environment.settings.metering.as_ref(), &mut emitter);
        let finished = match (emitter.error(), walked) {
            (Some(error), _) => Err(error),
            (None, Err(error)) => Err(CompileError::Failed(error.to_string())),
            _ if !emitter.reached_osr_loop() => Err(CompileError::NoSuchLoop),
            _ => emitter.finish(self.isa.frontend_config()),
        };
        match finished {
            Ok(built) => {
                scratch.cost = built.cost;
                Ok(built)
            }
            Err(error) => {
                // The panic may have left a half-built function in the scratch.
                *scratch = Scratch::new();
                Err(error)
            }
        }
    }

    /// Compiles a stub. `build` emits its body from the signature's parameters.
    pub(crate) fn compile_stub(
        &self,
        signature: cranelift_codegen::ir::Signature,
        build: impl FnOnce(&mut FunctionBuilder<'_>, &[cranelift_codegen::ir::Value]),
    ) -> Result<CodeImage, CompileError> {
        catch_panic(|| self.compile_stub_function(signature, build)?.into_image())
    }

    fn compile_stub_function(
        &self,
        signature: cranelift_codegen::ir::Signature,
        build: impl FnOnce(&mut FunctionBuilder<'_>, &[cranelift_codegen::ir::Value]),
    ) -> Result<CompiledFunction, CompileError> {
        let mut scratch = Scratch::new();
        let function = &mut scratch.context.func;
        function.signature = signature;
        convention::declare_regions(function, None);
        let mut builder = FunctionBuilder::new(function, &mut scratch.frontend);
        let block = builder.create_block();
        builder.append_block_params_for_function_params(block);
        builder.switch_to_block(block);
        let params = builder.block_params(block).to_vec();
        build(&mut builder, &params);
        builder.seal_all_blocks();
        builder.finalize(self.isa.frontend_config());
        self.compile_ir(&mut scratch)
    }

    /// Compiles the CLIF in the scratch context to machine code.
    pub(crate) fn compile_ir(&self, scratch: &mut Scratch) -> Result<CompiledFunction, CompileError> {
        let Scratch { context, registers, compiled, .. } = scratch;
        let dfg = &context.func.dfg;
        if !self.vectors && dfg.values().any(|value| dfg.value_type(value).is_vector()) {
            return Err(CompileError::Unsupported("a vector operation on a processor without vectors"));
        }
        convention::set_argument_extensions(&mut context.func, self.isa.triple().architecture);
        let branched = BranchedTraps::find(&context.func);
        let code =
            self.generate_code(context, registers).map_err(|error| CompileError::Failed(format!("{error:?}")))?;
        let compiled: &CompiledCode = compiled.insert(code);
        let buffer = &compiled.buffer;
        let mut image = CodeImage {
            text: buffer.data().to_vec(),
            alignment: self.alignment(buffer),
            sites: sites::sites(&context.func, buffer, &branched),
            ..CodeImage::default()
        };
        add_call_sites(&mut image, buffer)?;
        add_stack_maps(&mut image, buffer)?;
        let names = context.func.params.user_named_funcs();
        let calls = buffer.relocs().iter().map(|reloc| match reloc.target {
            FinalizedRelocTarget::ExternalName(ExternalName::User(name)) => {
                Ok(DirectCall { at: reloc.offset, kind: reloc.kind, addend: reloc.addend, target: names[name].index })
            }
            ref other => Err(CompileError::Failed(format!("unexpected relocation target {other:?}"))),
        });
        Ok(CompiledFunction {
            calls: calls.collect::<Result<_, _>>()?,
            indirect_signatures: Vec::new(),
            image,
            frame_size: max_stack_use(&context.func, compiled),
        })
    }

    /// Optimizes a function and generates machine code as [`Context::compile`] does. In between, assigns source
    /// locations to operations into which loads may be folded.
    fn generate_code(&self, context: &mut Context, registers: &mut regalloc2::Ctx) -> CodegenResult<CompiledCode> {
        let plane = &mut ControlPlane::default();
        context.verify_if(&*self.isa)?;
        context.optimize(&*self.isa, plane)?;
        if self.folds_loads() {
            sites::assign_folded_locations(&mut context.func);
        }
        let compiled =
            self.isa.compile_function(&context.func, &context.domtree, registers, context.want_disasm, plane)?;
        Ok(compiled.apply_params(&context.func.params))
    }

    /// Returns whether the processor's instructions take memory operands.
    fn folds_loads(&self) -> bool {
        matches!(self.isa.triple().architecture, Architecture::X86_64 | Architecture::S390x)
    }

    fn alignment(&self, buffer: &MachBufferFinalized<Final>) -> CodeAlignment {
        let align = self.isa.function_alignment().preferred.max(buffer.alignment);
        match self.isa.triple().architecture {
            Architecture::X86_64 => alignment::choose(buffer.data(), align, buffer.alignment),
            _ => CodeAlignment::aligned(align),
        }
    }
}

/// The number of enclosing loops that the OSR path passes through. Each such loop merges its parameters one more time.
/// Loops farther out need not be as fast.
const MAX_OSR_LOOPS: usize = 8;

/// The largest frame, in bytes, that code may allocate before it checks the stack. The stack reserve and other use of
/// the guest's thread are many times as large.
const LARGE_FRAME: u32 = 4 << 10;

/// Returns the maximum stack use of a compiled function, in bytes: its frame, and the arguments of its tail calls.
fn max_stack_use(function: &Function, compiled: &CompiledCode) -> u32 {
    let arguments = function.dfg.signatures.values().map(|signature| 16 * signature.params.len() as u32).max();
    let frame = compiled.buffer.frame_layout().map_or(0, |layout| layout.frame_to_fp_offset);
    frame.saturating_add(arguments.unwrap_or(0))
}

/// Emits a check of the stack for a frame of this size. If the frame fits, control continues in the function, otherwise
/// in the interpreter.
fn check_stack(
    builder: &mut FunctionBuilder<'_>,
    params: &[Value],
    signature: cranelift_codegen::ir::Signature,
    defined: u32,
    frame: u32,
) {
    let store_ptr = load_pointer(builder, params[0], offset_of!(VmCtx, store));
    let limit = load_pointer(builder, store_ptr, offset_of!(VmStore, stack_limit));
    let sp = builder.ins().get_stack_pointer(types::I64);
    let lowest = builder.ins().iadd_imm_u(limit, i64::from(frame));
    let below = builder.ins().icmp(IntCC::UnsignedLessThan, sp, lowest);
    let (exhausted, next) = (builder.create_block(), builder.create_block());
    builder.ins().brif(below, exhausted, &[], next, &[]);
    let signature_ref = builder.import_signature(signature);

    builder.switch_to_block(exhausted);
    builder.set_cold_block(exhausted);
    let cells = load_pointer(builder, params[0], offset_of!(VmCtx, cells));
    let cell = builder.ins().iadd_imm_u(cells, i64::from(defined) * size_of::<FuncCell>() as i64);
    store(builder, cell, store_ptr, offset_of!(VmStore, callee));
    let builtins = load_pointer(builder, store_ptr, offset_of!(VmStore, builtins));
    let stack_exhausted = load_pointer(builder, builtins, offset_of!(NativeBuiltins, stack_exhausted));
    builder.ins().return_call_indirect(signature_ref, stack_exhausted, params);

    builder.switch_to_block(next);
    let name = builder.func.declare_imported_user_function(UserExternalName::new(0, defined));
    let name = ExternalName::user(name);
    let data = ExtFuncData { name, signature: signature_ref, colocated: true, patchable: false };
    let function = builder.import_function(data);
    builder.ins().return_call(function, params);
}

/// Code for on-stack replacement at one loop.
#[derive(Debug)]
pub struct OsrImage {
    /// The code.
    pub image: CodeImage,
    /// The signatures of calls whose target address is unknown.
    pub indirect_signatures: Vec<NativeSignature>,
    /// The maximum stack use of the code, in bytes.
    pub frame_size: u32,
}

/// The code of one function before linking.
pub(crate) struct CompiledFunction {
    pub(crate) image: CodeImage,
    pub(crate) calls: Vec<DirectCall>,
    /// The signatures of its indirect calls.
    pub(crate) indirect_signatures: Vec<NativeSignature>,
    /// The maximum stack use of the function, in bytes.
    pub(crate) frame_size: u32,
}

/// A call of another function of the module, to be relocated.
pub(crate) struct DirectCall {
    pub(crate) at: u32,
    pub(crate) kind: Reloc,
    pub(crate) addend: Addend,
    /// The callee's index among the module's defined functions.
    pub(crate) target: u32,
}

impl CompiledFunction {
    /// Returns the image of code without direct calls.
    pub(crate) fn into_image(self) -> Result<CodeImage, CompileError> {
        if self.calls.is_empty() { Ok(self.image) } else { Err(CompileError::Failed("unexpected relocations".into())) }
    }
}

/// Adds the calls within a `try_table`. The trampolines that enter native code also catch exceptions, but need no table
/// entry.
fn add_call_sites(image: &mut CodeImage, buffer: &MachBufferFinalized<Final>) -> Result<(), CompileError> {
    for site in buffer.call_sites() {
        let (mut context, mut caught) = (None, None);
        for handler in site.exception_handlers {
            match *handler {
                FinalizedMachExceptionHandler::Tag(scope, target) => caught = Some((scope.as_u32(), target)),
                FinalizedMachExceptionHandler::Default(_) => {}
                FinalizedMachExceptionHandler::Context(ExceptionContextLoc::SPOffset(at)) => context = Some(at),
                FinalizedMachExceptionHandler::Context(_) => {
                    return Err(CompileError::Failed("an exception context in a register".into()));
                }
            };
        }
        let Some((scope, target)) = caught else { continue };
        let frame = site.frame_offset.ok_or_else(|| CompileError::Failed("an unknown frame size".into()))?;
        let context = context.ok_or_else(|| CompileError::Failed("a call site without an instance".into()))?;
        image.call_sites.push(CallSite { ret: site.ret_addr, frame, context, scope, target });
    }
    Ok(())
}

fn add_stack_maps(image: &mut CodeImage, buffer: &MachBufferFinalized<Final>) -> Result<(), CompileError> {
    for (ret, frame, map) in buffer.user_stack_maps() {
        let first = image.refs.len() as u32;
        for (ty, at) in map.entries() {
            if ty != types::I32 {
                return Err(CompileError::Failed("a GC reference of unexpected size".into()));
            }
            image.refs.push(at);
        }
        let count = image.refs.len() as u32 - first;
        image.stack_maps.push(StackMap { ret: *ret, frame: *frame, first, count });
    }
    Ok(())
}

/// Returns the trap code for a trap in Cranelift's IR.
pub(crate) fn trap_code(trap: Trap) -> TrapCode {
    TrapCode::unwrap_user(trap as u8)
}

#[cfg(test)]
mod tests {
    use kinglet_abi::image::ANY_TAG;
    use kinglet_wasm::{Features, decode};

    use super::*;

    /// Compiles the last function of a module. If `entry` returns the offset of a loop header, compiles it for OSR
    /// there.
    fn compile(wat: &str, entry: impl Fn(&[u8]) -> Option<u32>) -> Result<CodeImage, CompileError> {
        let binary = decode::to_binary(wat.as_bytes()).unwrap();
        let header = entry(&binary);
        with_module(&binary, |compiler, environment| {
            let defined = environment.module.bodies.len() as u32 - 1;
            match header {
                Some(header) => compiler
                    .osr_entry(environment, defined, header, &|_| CalleeAddress { cell: 0x1000, native: None })
                    .map(|code| code.image),
                None => compiler.compile_alone(environment, defined),
            }
        })
    }

    /// Calls `then` with a module and a compiler for it.
    fn with_module<T>(binary: &[u8], then: impl FnOnce(&Compiler, CompileEnvironment<'_>) -> T) -> T {
        let types = TypeRegistry::default();
        let module = decode::module(binary.to_vec().into(), Features::all(), &types).unwrap();
        let (layout, settings) = (VmCtxLayout::new(&module), Settings::default());
        let limits = CompileLimits::default();
        let environment =
            CompileEnvironment { module: &module, layout: &layout, settings: &settings, types: &types, limits };
        then(&Compiler::new(&settings).unwrap(), environment)
    }

    #[test]
    fn trampolines_compile_for_signatures_that_exceed_the_registers() {
        let compiler = Compiler::new(&Settings::default()).unwrap();
        let many: Box<[ValueRepr]> = ValueRepr::ALL.iter().cycle().take(40).copied().collect();
        for signature in [
            NativeSignature { params: many.clone(), results: many },
            NativeSignature { params: [].into(), results: [].into() },
        ] {
            compiler.native_to_interpreter(&signature).unwrap();
            compiler.tail_call_trampoline(&signature).unwrap();
            let entry = compiler.array_to_native(&signature).unwrap();
            assert!(entry.call_sites.is_empty(), "the activation records its handler");
        }
        for image in [compiler.libcall(), compiler.throw(), compiler.raise(), compiler.enter_osr()] {
            assert!(!image.unwrap().text.is_empty());
        }
    }

    #[test]
    fn inner_clauses_precede_outer_clauses_at_a_call_site() {
        let image = compile(
            r#"(module (tag $a) (tag $b) (func $f)
                (func (block $x (try_table (catch $a $x) (catch_all $x) (catch $b $x)
                    (try_table (catch $b $x) (call $f) (try_table (call $f)))))))"#,
            |_| None,
        );
        let image = image.unwrap();
        let tables = image.tables();
        let [a, b] = image.call_sites[..] else { panic!("{:?}", image.call_sites) };
        assert_eq!(
            (a.scope, a.context, a.target),
            (b.scope, b.context, b.target),
            "a try_table without clauses is no scope"
        );
        let caught: Vec<_> = tables.clauses(&a).map(|clause| (clause.tag, clause.number)).collect();
        let [(b, 2), (a, 0), (ANY_TAG, 1)] = caught[..] else { panic!("{caught:?}") };
        assert!(a < b, "tag $a precedes $b: {caught:?}");
    }

    #[test]
    fn code_size_is_linear_in_calls_and_clauses() {
        let size = |calls: usize, clauses: usize, nest: usize| {
            let open = format!("(try_table {}", "(catch $a $x) ".repeat(clauses)).repeat(nest);
            let (calls, close) = ("(call $f)".repeat(calls), ")".repeat(nest));
            let wat = format!("(module (tag $a) (func $f) (func (block $x {open} {calls} {close})))");
            let image = compile(&wat, |_| None).unwrap();
            let tables = 20 * image.call_sites.len() + 12 * image.scopes.len() + 8 * image.clauses.len();
            image.text.len() + tables
        };
        for [single, double] in [[size(100, 100, 1), size(200, 200, 1)], [size(100, 1, 100), size(200, 1, 200)]] {
            assert!(double < single * 5 / 2, "{single} {double}");
        }
    }

    /// The compiler panics on an access to a memory that the module lacks. Validation excludes such accesses.
    #[test]
    fn a_compiler_panic_is_an_error() {
        let text = r#"(module (memory 1) (func)
            (func (result i32) (loop (result i32) (i32.load (i32.const 0)))))"#;
        let (binary, types) = (decode::to_binary(text.as_bytes()).unwrap().into_owned(), TypeRegistry::default());
        let header = binary.windows(2).position(|bytes| bytes == [0x03, 0x7f]).unwrap() as u32;
        let mut module = decode::module(binary.into(), Features::all(), &types).unwrap();
        let (layout, settings) = (VmCtxLayout::new(&module), Settings::default());
        module.memories.clear();
        let limits = CompileLimits::default();
        let environment =
            CompileEnvironment { module: &module, layout: &layout, settings: &settings, types: &types, limits };
        let compiler = Compiler::new(&settings).unwrap();
        let panicked = |error: CompileError| matches!(error, CompileError::Panicked(message) if message.contains("index out of bounds"));
        let mut scratch = Scratch::new();
        let mut body = |defined| {
            let request = CompileRequest::function(environment, defined, Callees::SameImage(&[]));
            compiler.body(&mut scratch, request, None).map(drop)
        };
        // Each call reuses the scratch of the previous one.
        assert!(body(0).is_ok() && panicked(body(1).unwrap_err()) && body(0).is_ok());
        let callee_address = |_| CalleeAddress { cell: 0, native: None };
        assert!(panicked(compiler.osr_entry(environment, 1, header, &callee_address).unwrap_err()));
        for threads in [1, 2] {
            let image = compiler.functions(environment, &[0, 1], threads, |_| ()).unwrap();
            let [(1, error)] = &image.skipped[..] else { panic!("{:?}", image.skipped) };
            assert!(panicked(error.clone()) && image.image.functions.len() == 1);
        }
        assert!(panicked(compiler.listing(environment, 1).unwrap_err()));
        let stub = compiler.compile_stub(convention::osr_signature(), |_, _| panic!("index out of bounds"));
        assert!(panicked(stub.unwrap_err()));
    }

    #[test]
    fn without_fault_handling_a_stack_check_precedes_a_large_frame() {
        let sizes = [10, 1000].map(|vectors| {
            let load = |i: usize| format!("(local.set {i} (v128.load (i32.const {})))", 16 * i);
            let add = |i: usize| format!("(local.set 0 (i32x4.add (local.get 0) (local.get {i})))");
            let (loads, adds): (String, String) = ((0..vectors).map(load).collect(), (0..vectors).map(add).collect());
            let locals = "v128 ".repeat(vectors);
            let wat = format!(
                "(module (memory 1) (func $f) (func (result i32) (local {locals}) {loads} (call $f) {adds}
                   (i32x4.extract_lane 0 (local.get 0))))"
            );
            with_module(&decode::to_binary(wat.as_bytes()).unwrap(), |compiler, environment| {
                let mut scratch = Scratch::new();
                let request = CompileRequest::function(environment, 1, Callees::SameImage(&[]));
                let code = compiler.body(&mut scratch, request, None).unwrap();
                compiler.build_ir(&mut scratch, request).unwrap();
                let alone = compiler.compile_ir(&mut scratch).unwrap();
                assert_eq!(code.frame_size, alone.frame_size);
                let more = code.image.text.len() - alone.image.text.len();
                let [moved, at] = [&code, &alone].map(|code| code.image.sites.last().unwrap().at as usize);
                assert_eq!(more, moved - at);
                (code.frame_size, more)
            })
        });
        let [(small, 0), (large, check)] = sizes else { panic!("{sizes:?}") };
        assert!(small <= LARGE_FRAME && large > 16_000 && (1..200).contains(&check), "{sizes:?}");
    }

    #[test]
    fn unchanged_variables_are_no_loop_parameters_up_to_the_nesting_limit() {
        let parameters = |nest: usize| {
            let back: String = (0..nest).map(|depth| format!("(br_if {depth} (local.get 0))")).collect();
            let (open, close) = ("loop ".repeat(nest), "end ".repeat(nest));
            let wat = format!("(module (func (param i32) {open} {back} {close}))");
            let mut scratch = Scratch::new();
            with_module(&decode::to_binary(wat.as_bytes()).unwrap(), |compiler, environment| {
                compiler
                    .build_ir(&mut scratch, CompileRequest::function(environment, 0, Callees::SameImage(&[])))
                    .unwrap();
            });
            let function = &scratch.context.func;
            function.layout.blocks().skip(1).map(|block| function.dfg.block_params(block).len()).sum::<usize>()
        };
        assert_eq!(parameters(64), 0);
        assert!(parameters(65) > 0);
    }

    #[test]
    fn loops_around_an_osr_entry_stay_natural_loops() {
        let wat = "(module (func (param i32) loop loop loop (br_if 0 (local.get 0)) end (br_if 0 (local.get 0)) end
            (loop (br_if 0 (local.get 0))) (br_if 0 (local.get 0)) end))";
        let mut scratch = Scratch::new();
        with_module(&decode::to_binary(wat.as_bytes()).unwrap(), |compiler, environment| {
            let first = walk::first_operator_offset(environment.module, 0).unwrap();
            let loops = [first, first + 2, first + 4];
            assert_eq!(walk::enclosing_loops(environment.module, 0, loops[2]).unwrap(), Some(loops.to_vec()));
            let entry = EntryPoint::Osr { loops: &loops, variables: false };
            let request = CompileRequest { environment, defined: 0, entry, callees: Callees::SameImage(&[]) };
            compiler.build_ir(&mut scratch, request).unwrap();
        });
        let context = &mut scratch.context;
        context.compute_cfg();
        context.compute_domtree();
        context.compute_loop_analysis();
        assert_eq!(context.loop_analysis.loops().count(), 4);
    }

    #[test]
    fn the_stack_map_of_a_call_has_the_references_live_across_it() {
        let image = compile(
            r#"(module (type $s (struct)) (func $f) (func (param (ref null $s)) (result (ref null $s) (ref null $s))
                (struct.new $s) (call $f) (local.get 0)))"#,
            |_| None,
        );
        let maps = image.unwrap().stack_maps;
        assert!(maps.iter().any(|map| map.count == 2), "{maps:?}");
    }

    #[test]
    fn an_osr_entry_needs_the_exact_offset_of_a_loop() {
        let wat = "(module (func (result i64) (i64.const 1) (loop (br_if 0 (i32.const 0)))))";
        let loop_at = |binary: &[u8]| binary.windows(2).rposition(|w| w == [0x03, 0x40]).map(|at| at as u32);
        assert!(compile(wat, loop_at).is_ok());
        assert_eq!(compile(wat, |binary| Some(loop_at(binary)? + 1)).unwrap_err(), CompileError::NoSuchLoop);
    }

    #[test]
    fn an_osr_entry_within_hundreds_of_loops_with_many_parameters_takes_little_code() {
        let (loops, params) = (300, 100);
        let [types, zeros, drops] = ["i32 ", "(i32.const 0) ", "drop "].map(|text| text.repeat(params));
        let wat = format!(
            "(module (type $many (func (param {types}) (result {types})))
               (func (param i32) {zeros} {} (br_if 0 (local.get 0)) {} {drops}))",
            "loop (type $many) ".repeat(loops),
            "end ".repeat(loops),
        );
        let innermost = |binary: &[u8]| binary.windows(2).rposition(|w| w == [0x03, 0]).map(|at| at as u32);
        let code = compile(&wat, innermost).unwrap().text.len();
        assert!(code < 30_000, "{code} bytes");
    }
}
