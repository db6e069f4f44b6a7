//! From a function body to a code image: walk, Cranelift, and what the frame walkers need to know. One function at a
//! time; a compiler is shared by all threads of an engine.

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
use kinglet_abi::image::{CallSite, CodeImage, Place, StackMap};
use kinglet_abi::{FuncCell, Natives, Optimization, Settings, Trap, Traps, VmCtx, VmCtxLayout, VmStore};
use kinglet_wasm::types::TypeRegistry;
use kinglet_wasm::{Module, walk};
use target_lexicon::Architecture;

#[cfg(test)]
use crate::convention::Kind;
use crate::convention::{self, Signature, load_pointer, store};
use crate::cost::{Budget, Limits, MOST_REUSED};
use crate::emit::{Built, Emitter, Entry};
use crate::place;
use crate::sites::{self, Unreachable};
use crate::target::{self, Processor};

/// What compiling needs to know: plain data, so that the tier never sees a store.
#[derive(Clone, Copy, Debug)]
pub struct Environment<'a> {
    /// The module.
    pub module: &'a Module,
    /// How its instances are laid out.
    pub layout: &'a VmCtxLayout,
    /// Engine settings that change code.
    pub settings: &'a Settings,
    /// The engine's types.
    pub types: &'a TypeRegistry,
    /// What compiling one of its functions may take.
    pub limits: Limits<'a>,
}

/// Why there is no code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// The function has an operation without a lowering.
    Unsupported(&'static str),
    /// The function has no loop at the offset asked for.
    NoSuchLoop,
    /// Compiling the function would take more memory than the limit, which is in bytes.
    TooLarge(usize),
    /// Nobody wants it any more.
    Abandoned,
    /// Cranelift or the walk refused.
    Failed(String),
    /// The compiler panicked, with this message.
    Panicked(String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Unsupported(what) => write!(f, "{what} has no native lowering yet"),
            Error::NoSuchLoop => f.write_str("there is no loop at this offset"),
            Error::TooLarge(limit) => {
                write!(f, "compiling it would take more than {} MiB of memory (the compiler's limit)", limit >> 20)
            }
            Error::Abandoned => f.write_str("it is not wanted any more"),
            Error::Failed(why) => f.write_str(why),
            Error::Panicked(why) => write!(f, "the compiler panicked: {why}"),
        }
    }
}

impl std::error::Error for Error {}

/// Runs a part of the compiler. A panic in it is a mistake of the compiler's, which costs the code that was being made, and
/// not the host.
pub(crate) fn contained<T>(run: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    // Unwinding drops the part's own data; callers replace what they lent it ([`Compiler::body`]).
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|payload| {
        let text = payload.downcast_ref::<&str>().map(|text| (*text).to_string());
        let text = text.or_else(|| payload.downcast_ref::<String>().cloned());
        Err(Error::Panicked(text.unwrap_or_else(|| "without a message".into())))
    })
}

/// Makes code for one kind of processor.
pub struct Compiler {
    isa: OwnedTargetIsa,
    /// Whether the processor has vectors, without which Cranelift does not get by.
    vectors: bool,
}

impl fmt::Debug for Compiler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Compiler({})", self.isa.name())
    }
}

/// Where the module's other functions are, as far as that is known when code is made. The rest are called through their
/// cells.
#[derive(Clone, Copy)]
pub(crate) enum Callees<'a> {
    /// Beside the code, if they are among these, which are in order.
    Beside(&'a [u32]),
    /// Wherever this says.
    At(&'a dyn Fn(u32) -> Neighbour),
}

/// What [`Compiler::body`] is to compile.
#[derive(Clone, Copy)]
pub(crate) struct Request<'a> {
    pub(crate) environment: Environment<'a>,
    /// The function, by its place among those that the module defines.
    pub(crate) defined: u32,
    pub(crate) entry: Entry<'a>,
    pub(crate) callees: Callees<'a>,
}

impl<'a> Request<'a> {
    /// A function that is entered as one.
    pub(crate) fn function(environment: Environment<'a>, defined: u32, callees: Callees<'a>) -> Request<'a> {
        Request { environment, defined, entry: Entry::Function, callees }
    }
}

/// What is known of one of the module's functions by whoever has code made that ends with the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Neighbour {
    /// The address of its cell.
    pub cell: u64,
    /// That of its native code, if it has any.
    pub native: Option<u64>,
}

/// What one thread uses again for every function.
pub(crate) struct Scratch {
    pub(crate) context: Context,
    frontend: FunctionBuilderContext,
    registers: regalloc2::Ctx,
    /// What Cranelift has made of the function that was finished last.
    pub(crate) compiled: Option<CompiledCode>,
    /// About how many bytes of memory compiling the function takes whose intermediate code was made last.
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

/// What every compile sets: frames are walked by their frame pointers, results that do not fit registers go through
/// memory, and nothing is left to the platform's unwinder or to Cranelift's own libcalls.
const SETTINGS: &[(&str, &str)] = &[
    ("preserve_frame_pointers", "true"),
    ("enable_multi_ret_implicit_sret", "true"),
    ("unwind_info", "false"),
    ("enable_probestack", "true"),
    ("probestack_strategy", "inline"),
    ("enable_verifier", if cfg!(debug_assertions) { "true" } else { "false" }),
];

impl Compiler {
    /// A compiler for the settings' target; fails on one Cranelift has no back end for.
    pub fn new(settings: &Settings) -> Result<Compiler, Error> {
        contained(|| Compiler::make(settings))
    }

    fn make(settings: &Settings) -> Result<Compiler, Error> {
        let mut flags = settings::builder();
        let level = match settings.optimization {
            Optimization::None => "none",
            Optimization::Speed => "speed",
            Optimization::SpeedAndSize => "speed_and_size",
        };
        flags.set("opt_level", level).map_err(|e| Error::Failed(e.to_string()))?;
        for (name, value) in SETTINGS {
            flags.set(name, value).map_err(|e| Error::Failed(e.to_string()))?;
        }
        let isa = target::isa(&settings.target, flags)?;
        let vectors = Processor::of(&isa).has_vectors();
        Ok(Compiler { isa, vectors })
    }

    /// What it makes code for.
    pub fn processor(&self) -> Processor {
        Processor::of(&self.isa)
    }

    pub(crate) fn isa(&self) -> &OwnedTargetIsa {
        &self.isa
    }

    /// Compiles a function that calls all others through their cells.
    #[cfg(test)]
    fn alone(&self, environment: Environment<'_>, defined: u32) -> Result<CodeImage, Error> {
        self.body(&mut Scratch::new(), Request::function(environment, defined, Callees::Beside(&[])), None)?.alone()
    }

    /// Compiles a function to be entered at its loop at this byte offset of the module, with the canonical frame that
    /// the interpreter has at a back-edge to it. `known` says where the module's functions are; they have to stay there as
    /// long as the loop's code.
    ///
    /// Operands that are pending over the loop have two definitions then: the code before it, and the frame. Few loops
    /// have any; for those the function is walked again with every operand a variable.
    pub fn loop_entry(
        &self,
        environment: Environment<'_>,
        defined: u32,
        header: u32,
        known: &dyn Fn(u32) -> Neighbour,
    ) -> Result<LoopImage, Error> {
        let mut scratch = Scratch::new();
        let callees = Callees::At(known);
        let loops = walk::loops_to(environment.module, defined, header);
        let loops = loops.map_err(|error| Error::Failed(error.to_string()))?.ok_or(Error::NoSuchLoop)?;
        let loops = &loops[loops.len().saturating_sub(LOOPS_LED_THROUGH)..];
        let mut body = |variables| {
            let entry = Entry::Loop { loops, variables };
            self.body(&mut scratch, Request { environment, defined, entry, callees }, None)
        };
        let mut code = match body(false) {
            Err(Error::Unsupported(crate::emit::PENDING)) => body(true)?,
            result => result?,
        };
        let (outside, frame) = (std::mem::take(&mut code.outside), code.frame);
        Ok(LoopImage { image: code.alone()?, outside, frame })
    }

    /// Compiles a function. It takes what it needs of `budget` while Cranelift is at work, if there is one.
    pub(crate) fn body(
        &self,
        scratch: &mut Scratch,
        request: Request<'_>,
        budget: Option<&Budget>,
    ) -> Result<Code, Error> {
        let code = contained(|| self.whole(scratch, request, budget));
        if let Err(Error::Panicked(_)) = code {
            // What was begun is in it.
            *scratch = Scratch::new();
        }
        code
    }

    fn whole(&self, scratch: &mut Scratch, request: Request<'_>, budget: Option<&Budget>) -> Result<Code, Error> {
        let Request { environment, defined, entry, .. } = request;
        let Built { outside, scopes, clauses, .. } = self.build(scratch, request)?;
        let _share = budget.map(|budget| budget.share(scratch.cost));
        environment.limits.check(0)?;
        let mut code = self.finish(scratch)?;
        (code.image.scopes, code.image.clauses) = (scopes, clauses);
        code.outside = outside;
        let checks = environment.settings.traps == Traps::Checks && entry == Entry::Function;
        if checks && code.frame > LARGE_FRAME { self.check_before(environment, defined, code) } else { Ok(code) }
    }

    /// Code that first compares the stack with what the function's frame is going to take, which is known only now. Where
    /// faults are traps Cranelift puts that before the frame; its own check is a trap.
    fn check_before(&self, environment: Environment<'_>, defined: u32, body: Code) -> Result<Code, Error> {
        let module = environment.module;
        let ty = module.func_type(module.imported_funcs + defined);
        let signature = Signature::new(ty, environment.types).native();
        let check = self.small_code(signature.clone(), |builder, params| {
            check_stack(builder, params, signature, defined, body.frame);
        })?;
        let at = check.image.text.len().next_multiple_of(body.image.place.align.max(1) as usize);
        let mut text = self.isa.text_section_builder(2);
        let plane = &mut ControlPlane::default();
        let mut padded = check.image.text.clone();
        padded.resize(at, 0);
        text.append(true, &padded, 1, plane);
        let mut whole = text.append(true, &body.image.text, 1, plane) == at as u64;
        for call in &check.calls {
            whole &= text.resolve_reloc(call.at.into(), call.kind, call.addend, 1);
        }
        if !whole {
            return Err(Error::Failed("a check of the stack that does not reach its function".into()));
        }
        let mut image = CodeImage { text: text.finish(plane), place: body.image.place, ..CodeImage::default() };
        image.append(0, &check.image.tables());
        image.append(at as u32, &body.image.tables());
        let calls = body.calls.into_iter().map(|call| DirectCall { at: call.at + at as u32, ..call }).collect();
        Ok(Code { image, calls, outside: body.outside, frame: body.frame })
    }

    /// Makes a function's intermediate code, in the scratch's context.
    pub(crate) fn build(&self, scratch: &mut Scratch, request: Request<'_>) -> Result<Built, Error> {
        let Request { environment, defined, entry, .. } = request;
        let module = environment.module;
        let ty = module.func_type(module.imported_funcs + defined);
        environment.limits.check(0)?;
        if scratch.cost > MOST_REUSED {
            *scratch = Scratch::new();
        }
        scratch.context.clear();
        let function = &mut scratch.context.func;
        function.signature = match entry {
            Entry::Function => Signature::new(ty, environment.types).native(),
            Entry::Loop { .. } => convention::loop_entry(),
        };
        convention::declare_regions(function, Some(module));
        let builder = FunctionBuilder::new(function, &mut scratch.frontend);
        let orders_nan = matches!(self.isa.triple().architecture, Architecture::X86_64 | Architecture::Aarch64(_));
        let mut emitter = Emitter::new(builder, request, orders_nan);
        let walked = walk::function(module, defined, environment.settings.metering.as_ref(), &mut emitter);
        let finished = match (emitter.refused(), walked) {
            (Some(error), _) => Err(error),
            (None, Err(error)) => Err(Error::Failed(error.to_string())),
            _ if !emitter.entered() => Err(Error::NoSuchLoop),
            _ => emitter.finish(self.isa.frontend_config()),
        };
        match finished {
            Ok(built) => {
                scratch.cost = built.cost;
                Ok(built)
            }
            Err(error) => {
                // What was begun is in it.
                *scratch = Scratch::new();
                Err(error)
            }
        }
    }

    /// Makes a function from the body that `make` builds; the first block has the signature's parameters.
    pub(crate) fn small(
        &self,
        signature: cranelift_codegen::ir::Signature,
        make: impl FnOnce(&mut FunctionBuilder<'_>, &[cranelift_codegen::ir::Value]),
    ) -> Result<CodeImage, Error> {
        contained(|| self.small_code(signature, make)?.alone())
    }

    fn small_code(
        &self,
        signature: cranelift_codegen::ir::Signature,
        make: impl FnOnce(&mut FunctionBuilder<'_>, &[cranelift_codegen::ir::Value]),
    ) -> Result<Code, Error> {
        let mut scratch = Scratch::new();
        let function = &mut scratch.context.func;
        function.signature = signature;
        convention::declare_regions(function, None);
        let mut builder = FunctionBuilder::new(function, &mut scratch.frontend);
        let block = builder.create_block();
        builder.append_block_params_for_function_params(block);
        builder.switch_to_block(block);
        let params = builder.block_params(block).to_vec();
        make(&mut builder, &params);
        builder.seal_all_blocks();
        builder.finalize(self.isa.frontend_config());
        self.finish(&mut scratch)
    }

    /// Makes machine code of the function that was built.
    pub(crate) fn finish(&self, scratch: &mut Scratch) -> Result<Code, Error> {
        let Scratch { context, registers, compiled, .. } = scratch;
        let dfg = &context.func.dfg;
        if !self.vectors && dfg.values().any(|value| dfg.value_type(value).is_vector()) {
            return Err(Error::Unsupported("a vector, on a processor that has none,"));
        }
        convention::extend(&mut context.func, self.isa.triple().architecture);
        let unreachable = Unreachable::behind_branches(&context.func);
        let made = self.machine_code(context, registers).map_err(|error| Error::Failed(format!("{error:?}")))?;
        let compiled: &CompiledCode = compiled.insert(made);
        let buffer = &compiled.buffer;
        let mut image = CodeImage {
            text: buffer.data().to_vec(),
            place: self.place(buffer),
            sites: sites::sites(&context.func, buffer, &unreachable),
            ..CodeImage::default()
        };
        add_call_sites(&mut image, buffer)?;
        add_stack_maps(&mut image, buffer)?;
        let names = context.func.params.user_named_funcs();
        let calls = buffer.relocs().iter().map(|reloc| match reloc.target {
            FinalizedRelocTarget::ExternalName(ExternalName::User(name)) => {
                Ok(DirectCall { at: reloc.offset, kind: reloc.kind, addend: reloc.addend, target: names[name].index })
            }
            ref other => Err(Error::Failed(format!("code refers to {other:?}"))),
        });
        Ok(Code {
            calls: calls.collect::<Result<_, _>>()?,
            outside: Vec::new(),
            image,
            frame: frame(&context.func, compiled),
        })
    }

    /// Optimizes a function and makes machine code of it, as [`Context::compile`] does, but says in between where the loads
    /// are that may become a part of other instructions.
    fn machine_code(&self, context: &mut Context, registers: &mut regalloc2::Ctx) -> CodegenResult<CompiledCode> {
        let plane = &mut ControlPlane::default();
        context.verify_if(&*self.isa)?;
        context.optimize(&*self.isa, plane)?;
        if self.folds_loads() {
            sites::place_folding(&mut context.func);
        }
        let compiled =
            self.isa.compile_function(&context.func, &context.domtree, registers, context.want_disasm, plane)?;
        Ok(compiled.apply_params(&context.func.params))
    }

    /// Whether the processor's instructions take operands from memory.
    fn folds_loads(&self) -> bool {
        matches!(self.isa.triple().architecture, Architecture::X86_64 | Architecture::S390x)
    }

    fn place(&self, buffer: &MachBufferFinalized<Final>) -> Place {
        let align = self.isa.function_alignment().preferred.max(buffer.alignment);
        match self.isa.triple().architecture {
            Architecture::X86_64 => place::place(buffer.data(), align, buffer.alignment),
            _ => Place::aligned(align),
        }
    }
}

/// Through how many loops the way leads to one that is entered in the middle. Each has its parameters merged once more
/// for that, and those around more of them need not be as fast.
const LOOPS_LED_THROUGH: usize = 8;

/// How many bytes a frame may have that is made before the stack is looked at: those that are left for the interpreter,
/// and for whatever else a guest's thread has to do there, are many times as many.
const LARGE_FRAME: u32 = 4 << 10;

/// How many bytes a function that was just compiled takes of the stack, at most: its frame, and what its tail calls have
/// more arguments than itself.
fn frame(function: &Function, compiled: &CompiledCode) -> u32 {
    let arguments = function.dfg.signatures.values().map(|signature| 16 * signature.params.len() as u32).max();
    let frame = compiled.buffer.frame_layout().map_or(0, |layout| layout.frame_to_fp_offset);
    frame.saturating_add(arguments.unwrap_or(0))
}

/// Goes on in the interpreter unless the stack has room for a frame, and else in the function itself, whose arguments are
/// these.
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
    let least = builder.ins().iadd_imm_u(limit, i64::from(frame));
    let below = builder.ins().icmp(IntCC::UnsignedLessThan, sp, least);
    let (deep, next) = (builder.create_block(), builder.create_block());
    builder.ins().brif(below, deep, &[], next, &[]);
    let signature_ref = builder.import_signature(signature);

    builder.switch_to_block(deep);
    builder.set_cold_block(deep);
    let cells = load_pointer(builder, params[0], offset_of!(VmCtx, cells));
    let cell = builder.ins().iadd_imm_u(cells, i64::from(defined) * size_of::<FuncCell>() as i64);
    store(builder, cell, store_ptr, offset_of!(VmStore, callee));
    let natives = load_pointer(builder, store_ptr, offset_of!(VmStore, natives));
    let interpret = load_pointer(builder, natives, offset_of!(Natives, interpret));
    builder.ins().return_call_indirect(signature_ref, interpret, params);

    builder.switch_to_block(next);
    let name = builder.func.declare_imported_user_function(UserExternalName::new(0, defined));
    let name = ExternalName::user(name);
    let data = ExtFuncData { name, signature: signature_ref, colocated: true, patchable: false };
    let function = builder.import_function(data);
    builder.ins().return_call(function, params);
}

/// Code to enter a function at a loop of it.
#[derive(Debug)]
pub struct LoopImage {
    /// The code.
    pub image: CodeImage,
    /// The signatures of what is not called at a known address.
    pub outside: Vec<Signature>,
    /// How many bytes its frame takes of the stack, at most.
    pub frame: u32,
}

/// The code of one function, before it has a place.
pub(crate) struct Code {
    pub(crate) image: CodeImage,
    pub(crate) calls: Vec<DirectCall>,
    /// The signatures of what it calls otherwise than directly.
    pub(crate) outside: Vec<Signature>,
    /// How many bytes its frame takes of the stack, at most.
    pub(crate) frame: u32,
}

/// A call of another function of the module, to be filled in.
pub(crate) struct DirectCall {
    pub(crate) at: u32,
    pub(crate) kind: Reloc,
    pub(crate) addend: Addend,
    /// The function's place among those the module defines.
    pub(crate) target: u32,
}

impl Code {
    /// The image of code that calls nothing directly.
    pub(crate) fn alone(self) -> Result<CodeImage, Error> {
        if self.calls.is_empty() { Ok(self.image) } else { Err(Error::Failed("code with relocations".into())) }
    }
}

/// Calls that a `try_table` is around. The way into native code catches too, but nobody looks for that in tables.
fn add_call_sites(image: &mut CodeImage, buffer: &MachBufferFinalized<Final>) -> Result<(), Error> {
    for site in buffer.call_sites() {
        let (mut context, mut caught) = (None, None);
        for handler in site.exception_handlers {
            match *handler {
                FinalizedMachExceptionHandler::Tag(scope, target) => caught = Some((scope.as_u32(), target)),
                FinalizedMachExceptionHandler::Default(_) => {}
                FinalizedMachExceptionHandler::Context(ExceptionContextLoc::SPOffset(at)) => context = Some(at),
                FinalizedMachExceptionHandler::Context(_) => {
                    return Err(Error::Failed("a context in a register".into()));
                }
            };
        }
        let Some((scope, target)) = caught else { continue };
        let frame = site.frame_offset.ok_or_else(|| Error::Failed("a frame of unknown size".into()))?;
        let context = context.ok_or_else(|| Error::Failed("a call without its instance".into()))?;
        image.call_sites.push(CallSite { ret: site.ret_addr, frame, context, scope, target });
    }
    Ok(())
}

fn add_stack_maps(image: &mut CodeImage, buffer: &MachBufferFinalized<Final>) -> Result<(), Error> {
    for (ret, frame, map) in buffer.user_stack_maps() {
        let first = image.refs.len() as u32;
        for (ty, at) in map.entries() {
            if ty != types::I32 {
                return Err(Error::Failed("a reference of another size".into()));
            }
            image.refs.push(at);
        }
        let count = image.refs.len() as u32 - first;
        image.stack_maps.push(StackMap { ret: *ret, frame: *frame, first, count });
    }
    Ok(())
}

/// How a trap is marked in Cranelift's IR.
pub(crate) fn trap_code(trap: Trap) -> TrapCode {
    TrapCode::unwrap_user(trap as u8)
}

#[cfg(test)]
mod tests {
    use kinglet_abi::image::ANY_TAG;
    use kinglet_wasm::{Features, decode};

    use super::*;

    /// Compiles the last function of a module, at its first loop if there is a header's offset to be found by `entry`.
    fn compile(wat: &str, entry: impl Fn(&[u8]) -> Option<u32>) -> Result<CodeImage, Error> {
        let binary = decode::to_binary(wat.as_bytes()).unwrap();
        let header = entry(&binary);
        with_module(&binary, |compiler, environment| {
            let defined = environment.module.bodies.len() as u32 - 1;
            match header {
                Some(header) => compiler
                    .loop_entry(environment, defined, header, &|_| Neighbour { cell: 0x1000, native: None })
                    .map(|code| code.image),
                None => compiler.alone(environment, defined),
            }
        })
    }

    /// Gives `then` a module, and a compiler for it.
    fn with_module<T>(binary: &[u8], then: impl FnOnce(&Compiler, Environment<'_>) -> T) -> T {
        let types = TypeRegistry::default();
        let module = decode::module(binary.to_vec().into(), Features::all(), &types).unwrap();
        let (layout, settings) = (VmCtxLayout::new(&module), Settings::default());
        let limits = Limits::default();
        let environment = Environment { module: &module, layout: &layout, settings: &settings, types: &types, limits };
        then(&Compiler::new(&settings).unwrap(), environment)
    }

    #[test]
    fn every_trampoline_compiles_for_signatures_that_do_not_fit_registers() {
        let compiler = Compiler::new(&Settings::default()).unwrap();
        let kinds = [Kind::I32, Kind::I64, Kind::F32, Kind::F64, Kind::V128, Kind::Func, Kind::Traced];
        let many: Box<[Kind]> = kinds.iter().cycle().take(40).copied().collect();
        for signature in
            [Signature { params: many.clone(), results: many }, Signature { params: [].into(), results: [].into() }]
        {
            compiler.bridge(&signature).unwrap();
            compiler.adapter(&signature).unwrap();
            let entry = compiler.entry(&signature).unwrap();
            assert!(entry.call_sites.is_empty(), "an activation knows where it ends");
        }
        for image in [compiler.libcall(), compiler.throw(), compiler.raise(), compiler.enter_loop()] {
            assert!(!image.unwrap().text.is_empty());
        }
    }

    #[test]
    fn a_call_names_its_innermost_try_table_whose_clauses_come_before_those_around_it() {
        let image = compile(
            r#"(module (tag $a) (tag $b) (func $f)
                (func (block $x (try_table (catch $a $x) (catch_all $x) (catch $b $x)
                    (try_table (catch $b $x) (call $f) (try_table (call $f)))))))"#,
            |_| None,
        );
        let image = image.unwrap();
        let tables = image.tables();
        let [a, b] = image.call_sites[..] else { panic!("{:?}", image.call_sites) };
        assert_eq!((a.scope, a.context, a.target), (b.scope, b.context, b.target), "one without clauses is none");
        let caught: Vec<_> = tables.clauses(&a).map(|clause| (clause.tag, clause.number)).collect();
        let [(b, 2), (a, 0), (ANY_TAG, 1)] = caught[..] else { panic!("{caught:?}") };
        assert!(a < b, "tag $a lies before $b: {caught:?}");
    }

    #[test]
    fn code_of_calls_and_clauses_grows_with_their_sum_and_not_their_product() {
        let size = |calls: usize, clauses: usize, nest: usize| {
            let open = format!("(try_table {}", "(catch $a $x) ".repeat(clauses)).repeat(nest);
            let (calls, close) = ("(call $f)".repeat(calls), ")".repeat(nest));
            let wat = format!("(module (tag $a) (func $f) (func (block $x {open} {calls} {close})))");
            let image = compile(&wat, |_| None).unwrap();
            let tables = 20 * image.call_sites.len() + 12 * image.scopes.len() + 8 * image.clauses.len();
            image.text.len() + tables
        };
        for [one, twice] in [[size(100, 100, 1), size(200, 200, 1)], [size(100, 1, 100), size(200, 1, 200)]] {
            assert!(twice < one * 5 / 2, "{one} {twice}");
        }
    }

    /// The compiler panics at a memory that the module does not have. Validation rules that out.
    #[test]
    fn a_panic_of_the_compiler_is_an_error() {
        let text = r#"(module (memory 1) (func)
            (func (result i32) (loop (result i32) (i32.load (i32.const 0)))))"#;
        let (binary, types) = (decode::to_binary(text.as_bytes()).unwrap().into_owned(), TypeRegistry::default());
        let header = binary.windows(2).position(|bytes| bytes == [0x03, 0x7f]).unwrap() as u32;
        let mut module = decode::module(binary.into(), Features::all(), &types).unwrap();
        let (layout, settings) = (VmCtxLayout::new(&module), Settings::default());
        module.memories.clear();
        let limits = Limits::default();
        let environment = Environment { module: &module, layout: &layout, settings: &settings, types: &types, limits };
        let compiler = Compiler::new(&settings).unwrap();
        let panicked = |error: Error| matches!(error, Error::Panicked(why) if why.contains("index out of bounds"));
        let mut scratch = Scratch::new();
        let mut body = |defined| {
            let request = Request::function(environment, defined, Callees::Beside(&[]));
            compiler.body(&mut scratch, request, None).map(drop)
        };
        // The next function is made with what the one before has left.
        assert!(body(0).is_ok() && panicked(body(1).unwrap_err()) && body(0).is_ok());
        let known = |_| Neighbour { cell: 0, native: None };
        assert!(panicked(compiler.loop_entry(environment, 1, header, &known).unwrap_err()));
        for threads in [1, 2] {
            let image = compiler.functions(environment, &[0, 1], threads, |_| ()).unwrap();
            let [(1, error)] = &image.left_out[..] else { panic!("{:?}", image.left_out) };
            assert!(panicked(error.clone()) && image.image.functions.len() == 1);
        }
        assert!(panicked(compiler.listing(environment, 1).unwrap_err()));
        let between = compiler.small(convention::loop_entry(), |_, _| panic!("index out of bounds"));
        assert!(panicked(between.unwrap_err()));
    }

    #[test]
    fn a_large_frame_is_made_behind_a_check_where_nothing_catches_faults() {
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
                let request = Request::function(environment, 1, Callees::Beside(&[]));
                let code = compiler.body(&mut scratch, request, None).unwrap();
                compiler.build(&mut scratch, request).unwrap();
                let alone = compiler.finish(&mut scratch).unwrap();
                assert_eq!(code.frame, alone.frame);
                let more = code.image.text.len() - alone.image.text.len();
                let [moved, at] = [&code, &alone].map(|code| code.image.sites.last().unwrap().at as usize);
                assert_eq!(more, moved - at);
                (code.frame, more)
            })
        });
        let [(small, 0), (large, check)] = sizes else { panic!("{sizes:?}") };
        assert!(small <= LARGE_FRAME && large > 16_000 && (1..200).contains(&check), "{sizes:?}");
    }

    #[test]
    fn what_a_nest_of_loops_leaves_alone_is_no_parameter_up_to_the_depth_at_which_that_takes_long() {
        let parameters = |nest: usize| {
            let back: String = (0..nest).map(|depth| format!("(br_if {depth} (local.get 0))")).collect();
            let (open, close) = ("loop ".repeat(nest), "end ".repeat(nest));
            let wat = format!("(module (func (param i32) {open} {back} {close}))");
            let mut scratch = Scratch::new();
            with_module(&decode::to_binary(wat.as_bytes()).unwrap(), |compiler, environment| {
                compiler.build(&mut scratch, Request::function(environment, 0, Callees::Beside(&[]))).unwrap();
            });
            let function = &scratch.context.func;
            function.layout.blocks().skip(1).map(|block| function.dfg.block_params(block).len()).sum::<usize>()
        };
        assert_eq!(parameters(64), 0);
        assert!(parameters(65) > 0);
    }

    #[test]
    fn loops_around_one_that_is_entered_in_the_middle_are_loops_to_the_compiler() {
        let wat = "(module (func (param i32) loop loop loop (br_if 0 (local.get 0)) end (br_if 0 (local.get 0)) end
            (loop (br_if 0 (local.get 0))) (br_if 0 (local.get 0)) end))";
        let mut scratch = Scratch::new();
        with_module(&decode::to_binary(wat.as_bytes()).unwrap(), |compiler, environment| {
            let first = walk::start(environment.module, 0).unwrap();
            let loops = [first, first + 2, first + 4];
            assert_eq!(walk::loops_to(environment.module, 0, loops[2]).unwrap(), Some(loops.to_vec()));
            let entry = Entry::Loop { loops: &loops, variables: false };
            let request = Request { environment, defined: 0, entry, callees: Callees::Beside(&[]) };
            compiler.build(&mut scratch, request).unwrap();
        });
        let context = &mut scratch.context;
        context.compute_cfg();
        context.compute_domtree();
        context.compute_loop_analysis();
        assert_eq!(context.loop_analysis.loops().count(), 4);
    }

    #[test]
    fn references_that_live_over_a_call_are_in_its_stack_map() {
        let image = compile(
            r#"(module (type $s (struct)) (func $f) (func (param (ref null $s)) (result (ref null $s) (ref null $s))
                (struct.new $s) (call $f) (local.get 0)))"#,
            |_| None,
        );
        let maps = image.unwrap().stack_maps;
        assert!(maps.iter().any(|map| map.count == 2), "{maps:?}");
    }

    #[test]
    fn a_loop_is_found_by_its_offset_and_only_by_it() {
        let wat = "(module (func (result i64) (i64.const 1) (loop (br_if 0 (i32.const 0)))))";
        let loop_at = |binary: &[u8]| binary.windows(2).rposition(|w| w == [0x03, 0x40]).map(|at| at as u32);
        assert!(compile(wat, loop_at).is_ok());
        assert_eq!(compile(wat, |binary| Some(loop_at(binary)? + 1)).unwrap_err(), Error::NoSuchLoop);
    }

    #[test]
    fn a_loop_within_hundreds_that_have_many_parameters_takes_little_code_to_be_entered() {
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
