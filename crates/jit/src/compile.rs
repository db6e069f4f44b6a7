//! From a function body to a code image: walk, Cranelift, and what the frame walkers need to know. One function at a
//! time; a compiler is shared by all threads of an engine.

use std::fmt;

use cranelift_codegen::Context;
use cranelift_codegen::binemit::{Addend, Reloc};
use cranelift_codegen::control::ControlPlane;
use cranelift_codegen::ir::{ExternalName, TrapCode, types};
use cranelift_codegen::isa::OwnedTargetIsa;
use cranelift_codegen::settings::{self, Configurable};
use cranelift_codegen::{
    ExceptionContextLoc, Final, FinalizedMachExceptionHandler, FinalizedRelocTarget, MachBufferFinalized,
};
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext};
use kinglet_abi::image::{CallSite, CodeImage, Handler, HandlerKind, Place, StackMap};
use kinglet_abi::{Optimization, Settings, Trap, VmCtxLayout};
use kinglet_wasm::types::TypeRegistry;
use kinglet_wasm::{Module, walk};
use target_lexicon::Architecture;

#[cfg(test)]
use crate::convention::Kind;
use crate::convention::{self, Signature};
use crate::cost::{Limits, MOST_REUSED};
use crate::emit::{Emitter, Entry};
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
        }
    }
}

impl std::error::Error for Error {}

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
    /// About how many bytes of memory compiling the function takes whose intermediate code was made last.
    pub(crate) cost: usize,
}

impl Scratch {
    pub(crate) fn new() -> Scratch {
        Scratch { context: Context::new(), frontend: FunctionBuilderContext::new(), cost: 0 }
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
        self.body(&mut Scratch::new(), environment, defined, Entry::Function, Callees::Beside(&[]))?.alone()
    }

    /// Compiles a function to be entered at its loop at this byte offset of the module, with the canonical frame that
    /// the interpreter has at a back-edge to it. `known` says where the module's functions are; they have to stay there as
    /// long as the loop's code. Also returns the signatures of what is not called at a known address.
    ///
    /// Operands that are pending over the loop have two definitions then: the code before it, and the frame. Few loops
    /// have any; for those the function is walked again with every operand a variable.
    pub fn loop_entry(
        &self,
        environment: Environment<'_>,
        defined: u32,
        header: u32,
        known: &dyn Fn(u32) -> Neighbour,
    ) -> Result<(CodeImage, Vec<Signature>), Error> {
        let mut scratch = Scratch::new();
        let callees = Callees::At(known);
        let loops = walk::loops_to(environment.module, defined, header);
        let loops = loops.map_err(|error| Error::Failed(error.to_string()))?.ok_or(Error::NoSuchLoop)?;
        let loops = &loops[loops.len().saturating_sub(LOOPS_LED_THROUGH)..];
        let mut body =
            |variables| self.body(&mut scratch, environment, defined, Entry::Loop { loops, variables }, callees);
        let mut code = match body(false) {
            Err(Error::Unsupported(crate::emit::PENDING)) => body(true)?,
            result => result?,
        };
        let outside = std::mem::take(&mut code.outside);
        Ok((code.alone()?, outside))
    }

    /// Compiles a function.
    pub(crate) fn body(
        &self,
        scratch: &mut Scratch,
        environment: Environment<'_>,
        defined: u32,
        entry: Entry<'_>,
        callees: Callees<'_>,
    ) -> Result<Code, Error> {
        let outside = self.build(scratch, environment, defined, entry, callees)?;
        environment.limits.check(0)?;
        Ok(Code { outside, ..self.finish(&mut scratch.context)? })
    }

    /// Makes a function's intermediate code, in the scratch's context. Returns the signatures of what it does not call
    /// directly.
    pub(crate) fn build(
        &self,
        scratch: &mut Scratch,
        environment: Environment<'_>,
        defined: u32,
        entry: Entry<'_>,
        callees: Callees<'_>,
    ) -> Result<Vec<Signature>, Error> {
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
        let mut emitter = Emitter::new(builder, environment, defined, entry, callees, orders_nan);
        let walked = walk::function(module, defined, environment.settings.metering.as_ref(), &mut emitter);
        let finished = match (emitter.refused(), walked) {
            (Some(error), _) => Err(error),
            (None, Err(error)) => Err(Error::Failed(error.to_string())),
            _ if !emitter.entered() => Err(Error::NoSuchLoop),
            _ => emitter.finish(self.isa.frontend_config()),
        };
        match finished {
            Ok((outside, cost)) => {
                scratch.cost = cost;
                Ok(outside)
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
        let mut context = Context::new();
        context.func.signature = signature;
        convention::declare_regions(&mut context.func, None);
        let mut frontend = FunctionBuilderContext::new();
        let mut builder = FunctionBuilder::new(&mut context.func, &mut frontend);
        let block = builder.create_block();
        builder.append_block_params_for_function_params(block);
        builder.switch_to_block(block);
        let params = builder.block_params(block).to_vec();
        make(&mut builder, &params);
        builder.seal_all_blocks();
        builder.finalize(self.isa.frontend_config());
        self.finish(&mut context)?.alone()
    }

    pub(crate) fn finish(&self, context: &mut Context) -> Result<Code, Error> {
        let dfg = &context.func.dfg;
        if !self.vectors && dfg.values().any(|value| dfg.value_type(value).is_vector()) {
            return Err(Error::Unsupported("a vector, on a processor that has none,"));
        }
        convention::extend(&mut context.func, self.isa.triple().architecture);
        let unreachable = Unreachable::behind_branches(&context.func);
        if let Err(error) = context.compile(&*self.isa, &mut ControlPlane::default()) {
            return Err(Error::Failed(format!("{:?}", error.inner)));
        }
        let compiled = context.compiled_code().ok_or_else(|| Error::Failed("no code".into()))?;
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
        Ok(Code { calls: calls.collect::<Result<_, _>>()?, outside: Vec::new(), image })
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

/// The code of one function, before it has a place.
pub(crate) struct Code {
    pub(crate) image: CodeImage,
    pub(crate) calls: Vec<DirectCall>,
    /// The signatures of what it calls otherwise than directly.
    pub(crate) outside: Vec<Signature>,
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

fn add_call_sites(image: &mut CodeImage, buffer: &MachBufferFinalized<Final>) -> Result<(), Error> {
    for site in buffer.call_sites().filter(|site| !site.exception_handlers.is_empty()) {
        let first = image.handlers.len() as u32;
        for handler in site.exception_handlers {
            let (kind, operand, target) = match *handler {
                FinalizedMachExceptionHandler::Tag(tag, target) => (HandlerKind::Tag, tag.as_u32(), target),
                FinalizedMachExceptionHandler::Default(target) => (HandlerKind::All, 0, target),
                FinalizedMachExceptionHandler::Context(ExceptionContextLoc::SPOffset(at)) => {
                    (HandlerKind::Context, at, 0)
                }
                FinalizedMachExceptionHandler::Context(_) => {
                    return Err(Error::Failed("a context in a register".into()));
                }
            };
            image.handlers.push(Handler { kind: kind as u32, operand, target });
        }
        let frame = site.frame_offset.ok_or_else(|| Error::Failed("a frame of unknown size".into()))?;
        let count = image.handlers.len() as u32 - first;
        image.call_sites.push(CallSite { ret: site.ret_addr, frame, first, count });
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
                    .map(|(image, _)| image),
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
            assert!(matches!(entry.handlers[..], [Handler { kind, .. }] if kind == HandlerKind::All as u32));
        }
        for image in [compiler.libcall(), compiler.throw(), compiler.raise(), compiler.enter_loop()] {
            assert!(!image.unwrap().text.is_empty());
        }
    }

    #[test]
    fn a_call_in_a_try_table_names_its_context_first_and_inner_clauses_before_outer_ones() {
        let image = compile(
            r#"(module (tag $a) (tag $b) (func $f)
                (func (block $x (try_table (catch $a $x) (catch_all $x)
                    (try_table (catch $b $x) (call $f))))))"#,
            |_| None,
        );
        let image = image.unwrap();
        let handlers = image.tables().handlers(&image.call_sites[0]);
        let kinds: Vec<u32> = handlers.iter().map(|handler| handler.kind).collect();
        use HandlerKind::{All, Context, Tag};
        assert_eq!(kinds, [Context, Tag, Tag, All].map(|kind| kind as u32), "{handlers:?}");
        assert!(handlers[2].operand < handlers[1].operand, "tag $a lies before $b: {handlers:?}");
    }

    #[test]
    fn what_a_nest_of_loops_leaves_alone_is_no_parameter_up_to_the_depth_at_which_that_takes_long() {
        let parameters = |nest: usize| {
            let back: String = (0..nest).map(|depth| format!("(br_if {depth} (local.get 0))")).collect();
            let (open, close) = ("loop ".repeat(nest), "end ".repeat(nest));
            let wat = format!("(module (func (param i32) {open} {back} {close}))");
            let mut scratch = Scratch::new();
            with_module(&decode::to_binary(wat.as_bytes()).unwrap(), |compiler, environment| {
                compiler.build(&mut scratch, environment, 0, Entry::Function, Callees::Beside(&[])).unwrap();
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
            compiler.build(&mut scratch, environment, 0, entry, Callees::Beside(&[])).unwrap();
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
