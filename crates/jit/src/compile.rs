//! From a function body to a code image: walk, Cranelift, and what the frame walkers need to know. One function at a
//! time; a compiler is shared by all threads of an engine.

use std::fmt;

use cranelift_codegen::Context;
use cranelift_codegen::control::ControlPlane;
use cranelift_codegen::ir::types;
use cranelift_codegen::isa::{self, OwnedTargetIsa};
use cranelift_codegen::settings::{self, Configurable};
use cranelift_codegen::{ExceptionContextLoc, FinalizedMachExceptionHandler, MachBufferFinalized, Final};
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext};
use kinglet_abi::image::{CallSite, CodeImage, Handler, Source, StackMap};
use kinglet_abi::{Settings, VmCtxLayout};
use kinglet_wasm::types::TypeRegistry;
use kinglet_wasm::{Module, walk};

use crate::convention::{self, Signature};
use crate::emit::{Emitter, Entry};

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
}

/// Why there is no code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// The function has an operation without a lowering.
    Unsupported(&'static str),
    /// The function has no loop at the offset asked for.
    NoSuchLoop,
    /// Cranelift or the walk refused.
    Failed(String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Unsupported(what) => write!(f, "{what} has no native lowering yet"),
            Error::NoSuchLoop => f.write_str("there is no loop at this offset"),
            Error::Failed(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for Error {}

/// Makes code for the machine it runs on.
pub struct Compiler {
    isa: OwnedTargetIsa,
}

impl fmt::Debug for Compiler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Compiler({})", self.isa.name())
    }
}

/// What every compile sets: frames are walked by their frame pointers, results that do not fit registers go through
/// memory, and nothing is left to the platform's unwinder or to Cranelift's own libcalls.
const SETTINGS: &[(&str, &str)] = &[
    ("opt_level", "speed"),
    ("preserve_frame_pointers", "true"),
    ("enable_multi_ret_implicit_sret", "true"),
    ("unwind_info", "false"),
    ("enable_probestack", "true"),
    ("probestack_strategy", "inline"),
    ("enable_verifier", if cfg!(debug_assertions) { "true" } else { "false" }),
];

impl Compiler {
    /// A compiler for this machine; fails on one Cranelift has no back end for.
    pub fn new() -> Result<Compiler, Error> {
        let mut flags = settings::builder();
        for (name, value) in SETTINGS {
            flags.set(name, value).map_err(|e| Error::Failed(e.to_string()))?;
        }
        let target = format!("{}-unknown-unknown", std::env::consts::ARCH);
        let isa = isa::lookup_by_name(&target).map_err(|e| Error::Failed(e.to_string()))?;
        let isa = isa.finish(settings::Flags::new(flags)).map_err(|e| Error::Failed(e.to_string()))?;
        Ok(Compiler { isa })
    }

    /// Compiles a function defined by the module, by its place among those.
    pub fn function(&self, environment: Environment<'_>, defined: u32) -> Result<CodeImage, Error> {
        self.body(environment, defined, Entry::Function)
    }

    /// Compiles a function to be entered at its loop at this byte offset of the module, with the canonical frame that
    /// the interpreter has at a back-edge to it.
    ///
    /// Operands that are pending over the loop have two definitions then: the code before it, which cannot be reached,
    /// and the frame. Few loops have any; for those the function is walked again with every operand a variable.
    pub fn loop_entry(&self, environment: Environment<'_>, defined: u32, header: u32) -> Result<CodeImage, Error> {
        match self.body(environment, defined, Entry::Loop { header, variables: false }) {
            Err(Error::Unsupported(crate::emit::PENDING)) => {
                self.body(environment, defined, Entry::Loop { header, variables: true })
            }
            result => result,
        }
    }

    fn body(&self, environment: Environment<'_>, defined: u32, entry: Entry) -> Result<CodeImage, Error> {
        let module = environment.module;
        let ty = module.func_type(module.imported_funcs + defined);
        let mut context = Context::new();
        context.func.signature = match entry {
            Entry::Function => Signature::new(ty, environment.types).native(),
            Entry::Loop { .. } => convention::loop_entry(),
        };
        let mut frontend = FunctionBuilderContext::new();
        let builder = FunctionBuilder::new(&mut context.func, &mut frontend);
        let mut emitter = Emitter::new(builder, environment, entry);
        let walked = walk::function(module, defined, environment.settings.metering.as_ref(), &mut emitter);
        if let Some(what) = emitter.unsupported() {
            return Err(Error::Unsupported(what));
        }
        walked.map_err(|e| Error::Failed(e.to_string()))?;
        if !emitter.entered() {
            return Err(Error::NoSuchLoop);
        }
        emitter.finish(self.isa.frontend_config());
        self.finish(context)
    }

    /// Makes a function from the body that `make` builds; the first block has the signature's parameters.
    pub(crate) fn small(
        &self,
        signature: cranelift_codegen::ir::Signature,
        make: impl FnOnce(&mut FunctionBuilder<'_>, &[cranelift_codegen::ir::Value]),
    ) -> Result<CodeImage, Error> {
        let mut context = Context::new();
        context.func.signature = signature;
        let mut frontend = FunctionBuilderContext::new();
        let mut builder = FunctionBuilder::new(&mut context.func, &mut frontend);
        let block = builder.create_block();
        builder.append_block_params_for_function_params(block);
        builder.switch_to_block(block);
        let params = builder.block_params(block).to_vec();
        make(&mut builder, &params);
        builder.seal_all_blocks();
        builder.finalize(self.isa.frontend_config());
        self.finish(context)
    }

    fn finish(&self, mut context: Context) -> Result<CodeImage, Error> {
        let compiled = context.compile(&*self.isa, &mut ControlPlane::default());
        let compiled = compiled.map_err(|e| Error::Failed(format!("{:?}", e.inner)))?;
        let buffer = &compiled.buffer;
        if !buffer.relocs().is_empty() {
            return Err(Error::Failed("code with relocations".into()));
        }
        let align = self.isa.function_alignment().preferred.max(buffer.alignment);
        let image = CodeImage {
            bytes: buffer.data().to_vec(),
            align,
            call_sites: call_sites(buffer)?,
            stack_maps: stack_maps(buffer)?,
            sources: sources(buffer),
        };
        Ok(image)
    }
}

fn call_sites(buffer: &MachBufferFinalized<Final>) -> Result<Vec<CallSite>, Error> {
    let sites = buffer.call_sites().filter(|site| !site.exception_handlers.is_empty());
    let sites = sites.map(|site| {
        let handlers = site.exception_handlers.iter().map(|handler| match *handler {
            FinalizedMachExceptionHandler::Tag(tag, target) => Ok(Handler::Tag { tag: tag.as_u32(), target }),
            FinalizedMachExceptionHandler::Default(target) => Ok(Handler::All { target }),
            FinalizedMachExceptionHandler::Context(ExceptionContextLoc::SPOffset(at)) => Ok(Handler::Context(at)),
            FinalizedMachExceptionHandler::Context(_) => Err(Error::Failed("a context in a register".into())),
        });
        let frame = site.frame_offset.ok_or_else(|| Error::Failed("a frame of unknown size".into()))?;
        Ok(CallSite { ret: site.ret_addr, frame, handlers: handlers.collect::<Result<_, _>>()? })
    });
    sites.collect()
}

fn stack_maps(buffer: &MachBufferFinalized<Final>) -> Result<Vec<StackMap>, Error> {
    let maps = buffer.user_stack_maps().iter().map(|(ret, frame, map)| {
        let refs = map.entries().map(|(ty, at)| match ty {
            types::I32 => Ok(at),
            _ => Err(Error::Failed("a reference of another size".into())),
        });
        Ok(StackMap { ret: *ret, frame: *frame, refs: refs.collect::<Result<_, _>>()? })
    });
    maps.collect()
}

fn sources(buffer: &MachBufferFinalized<Final>) -> Vec<Source> {
    let sources = buffer.get_srclocs_sorted().iter().filter(|source| !source.loc.is_default());
    sources.map(|source| Source { start: source.start, end: source.end, offset: source.loc.bits() }).collect()
}
