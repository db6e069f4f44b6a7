//! From a function body to a code image: walk, Cranelift, and what the frame walkers need to know. One function at a
//! time; a compiler is shared by all threads of an engine.

use std::fmt;

use cranelift_codegen::Context;
use cranelift_codegen::control::ControlPlane;
use cranelift_codegen::ir::{TrapCode, types};
use cranelift_codegen::isa::{self, OwnedTargetIsa};
use cranelift_codegen::settings::{self, Configurable};
use cranelift_codegen::{ExceptionContextLoc, Final, FinalizedMachExceptionHandler, MachBufferFinalized};
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext};
use kinglet_abi::image::{CallSite, CodeImage, Handler, Source, StackMap, TrapSite};
use kinglet_abi::{Settings, Trap, VmCtxLayout};
use kinglet_wasm::types::TypeRegistry;
use kinglet_wasm::{Module, walk};

#[cfg(test)]
use crate::convention::Kind;
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
            traps: trap_sites(buffer),
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

fn trap_sites(buffer: &MachBufferFinalized<Final>) -> Vec<TrapSite> {
    let sites = buffer.traps().iter();
    sites.filter_map(|site| Some(TrapSite { at: site.offset, trap: trap_of(site.code)? })).collect()
}

/// How a trap is marked in Cranelift's IR.
pub(crate) fn trap_code(trap: Trap) -> TrapCode {
    TrapCode::unwrap_user(trap as u8)
}

/// The trap that a mark means; none for what cannot be reached.
fn trap_of(code: TrapCode) -> Option<Trap> {
    match code {
        TrapCode::STACK_OVERFLOW => Some(Trap::StackOverflow),
        TrapCode::HEAP_OUT_OF_BOUNDS => Some(Trap::MemoryOutOfBounds),
        TrapCode::INTEGER_OVERFLOW => Some(Trap::IntegerOverflow),
        TrapCode::INTEGER_DIVISION_BY_ZERO => Some(Trap::IntegerDivideByZero),
        TrapCode::BAD_CONVERSION_TO_INTEGER => Some(Trap::InvalidConversionToInteger),
        code => Trap::from_code(code.as_raw().get().into()),
    }
}

#[cfg(test)]
mod tests {
    use kinglet_wasm::{Features, decode};

    use super::*;

    /// Compiles the last function of a module, at its first loop if there is a header's offset to be found by `entry`.
    fn compile(wat: &str, entry: impl Fn(&[u8]) -> Option<u32>) -> Result<CodeImage, Error> {
        let types = TypeRegistry::default();
        let features = Features::all();
        let binary = decode::to_binary(wat.as_bytes()).unwrap();
        let header = entry(&binary);
        let module = decode::module(binary.into_owned().into(), features, &types).unwrap();
        let (layout, settings) = (VmCtxLayout::new(&module), Settings::default());
        let environment = Environment { module: &module, layout: &layout, settings: &settings, types: &types };
        let defined = module.bodies.len() as u32 - 1;
        match header {
            Some(header) => Compiler::new()?.loop_entry(environment, defined, header),
            None => Compiler::new()?.function(environment, defined),
        }
    }

    #[test]
    fn every_trampoline_compiles_for_signatures_that_do_not_fit_registers() {
        let compiler = Compiler::new().unwrap();
        let kinds = [Kind::I32, Kind::I64, Kind::F32, Kind::F64, Kind::V128, Kind::Func, Kind::Traced];
        let many: Box<[Kind]> = kinds.iter().cycle().take(40).copied().collect();
        for signature in
            [Signature { params: many.clone(), results: many }, Signature { params: [].into(), results: [].into() }]
        {
            compiler.stub(&signature, 8, 16).unwrap();
            compiler.bridge(&signature).unwrap();
            compiler.adapter(&signature).unwrap();
            let entry = compiler.entry(&signature).unwrap();
            assert!(
                matches!(entry.call_sites[..], [CallSite { ref handlers, .. }] if matches!(handlers[..], [Handler::All { .. }]))
            );
        }
        for image in [compiler.libcall(), compiler.throw(), compiler.raise(), compiler.enter_loop()] {
            assert!(!image.unwrap().bytes.is_empty());
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
        let handlers = &image.call_sites[0].handlers;
        assert!(
            matches!(
                handlers[..],
                [Handler::Context(_), Handler::Tag { tag: b, .. }, Handler::Tag { tag: a, .. }, Handler::All { .. }]
                    if a < b
            ),
            "{handlers:?}"
        );
    }

    #[test]
    fn references_that_live_over_a_call_are_in_its_stack_map() {
        let image = compile(
            r#"(module (type $s (struct)) (func $f) (func (param (ref null $s)) (result (ref null $s) (ref null $s))
                (struct.new $s) (call $f) (local.get 0)))"#,
            |_| None,
        );
        let maps = image.unwrap().stack_maps;
        assert!(maps.iter().any(|map| map.refs.len() == 2), "{maps:?}");
    }

    #[test]
    fn a_loop_is_found_by_its_offset_and_only_by_it() {
        let wat = "(module (func (result i64) (i64.const 1) (loop (br_if 0 (i32.const 0)))))";
        let loop_at = |binary: &[u8]| binary.windows(2).rposition(|w| w == [0x03, 0x40]).map(|at| at as u32);
        assert!(compile(wat, loop_at).is_ok());
        assert_eq!(compile(wat, |binary| Some(loop_at(binary)? + 1)).unwrap_err(), Error::NoSuchLoop);
    }

    #[test]
    fn what_has_no_lowering_is_named() {
        let refused = compile("(module (func (param f32) (result f32) (f32.sqrt (local.get 0))))", |_| None);
        assert_eq!(refused.unwrap_err(), Error::Unsupported("f32.sqrt"));
    }
}
