//! Compiles a whole module: compiles its functions in parallel, then links them in order and relocates the calls
//! between them. The image depends only on the input, not on the number of threads.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

use cranelift_codegen::TextSectionBuilder;
use cranelift_codegen::control::ControlPlane;
use cranelift_codegen::ir::InstBuilder;
use kinglet_abi::image::{FunctionCode, NO_SOURCE};
use kinglet_abi::{CodeImage, Trap};
use kinglet_wasm::Module;

use crate::compile::{
    Callees, CompileEnvironment, CompileError, CompileRequest, CompiledFunction, Compiler, Scratch, catch_panic,
    trap_code,
};
use crate::convention::{NativeSignature, native_signature};
use crate::cost::MemoryBudget;

/// The code of a module.
#[derive(Debug)]
pub struct ModuleImage {
    /// The image; functions are in module order.
    pub image: CodeImage,
    /// The functions without code, each with the reason. Callers reach them through their cells.
    pub skipped: Vec<(u32, CompileError)>,
    /// The signatures of indirect calls.
    pub indirect_signatures: HashSet<NativeSignature>,
}

/// The number of compiled functions that may wait for the linker.
const QUEUE_CAPACITY: usize = 64;

/// The size of function bodies, in bytes, that justifies another thread.
const BYTES_PER_THREAD: usize = 8 << 10;

impl Compiler {
    /// Compiles functions that the module defines, on at most `threads` threads. `functions` must be sorted.
    ///
    /// The functions call each other directly, and all others through their cells. `done` is called with the number of
    /// functions linked so far. Functions that exceed the environment's limits are skipped.
    ///
    /// # Errors
    /// If the code exceeds the range of its relocations.
    pub fn functions(
        &self,
        environment: CompileEnvironment<'_>,
        functions: &[u32],
        threads: usize,
        mut done: impl FnMut(u32),
    ) -> Result<ModuleImage, CompileError> {
        let bytes: usize = functions.iter().map(|defined| environment.module.bodies[*defined as usize].len()).sum();
        let threads = threads.min(1 + bytes / BYTES_PER_THREAD).min(functions.len());
        let representatives = representatives(environment.module, functions);
        let mut link = ImageLinker::new(self, environment, functions, &representatives);
        let budget = MemoryBudget::new(environment.limits.memory);
        let compile = |scratch: &mut Scratch, at: usize| {
            let request = CompileRequest::function(environment, functions[at], Callees::SameImage(functions));
            self.body(scratch, request, Some(&budget))
        };
        if threads <= 1 {
            let mut scratch = Scratch::new();
            for at in (0..functions.len()).filter(|at| representatives[*at] == *at) {
                link.add(at, compile(&mut scratch, at))?;
                done(link.next as u32);
            }
            return link.finish();
        }
        let size = |at: usize| environment.module.bodies[functions[at] as usize].len();
        let order = compile_order(&representatives, size, bytes / threads);
        let next = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            let (sender, receiver) = mpsc::sync_channel(QUEUE_CAPACITY);
            let start = |_: &usize| {
                let (sender, next, compile, order) = (sender.clone(), &next, &compile, &order);
                let work = move || {
                    let mut scratch = Scratch::new();
                    while let Some(at) = order.get(next.fetch_add(1, Ordering::Relaxed)) {
                        if sender.send((*at, compile(&mut scratch, *at))).is_err() {
                            break;
                        }
                    }
                };
                std::thread::Builder::new().spawn_scoped(scope, work).is_ok()
            };
            if (0..threads).take_while(start).count() == 0 {
                // No thread could be started, so this thread compiles.
                let mut scratch = Scratch::new();
                for at in &order {
                    link.add(*at, compile(&mut scratch, *at))?;
                    done(link.next as u32);
                }
            }
            drop(sender);
            for (at, code) in receiver {
                link.add(at, code)?;
                done(link.next as u32);
            }
            link.finish()
        })
    }
}

/// Returns the indices of all functions that a module defines.
pub fn defined_functions(module: &Module) -> Vec<u32> {
    (0..module.bodies.len() as u32).collect()
}

/// The longest body, in bytes, that is deduplicated. Longer bodies are rarely equal.
const MAX_SHARED_BODY: usize = 256;

/// Returns, for every function of a list, the first function with the same type and body. It shares that function's
/// code.
fn representatives(module: &Module, functions: &[u32]) -> Vec<usize> {
    let mut seen = HashMap::new();
    let representative = |(at, defined): (usize, &u32)| {
        let body = &module.bodies[*defined as usize];
        if body.len() > MAX_SHARED_BODY {
            return at;
        }
        let ty = module.types[module.funcs[(module.imported_funcs + defined) as usize] as usize];
        module.bytes.part(body.clone()).map_or(at, |bytes| *seen.entry((ty, bytes)).or_insert(at))
    };
    functions.iter().enumerate().map(representative).collect()
}

/// A function larger than this part of a thread's share is compiled early.
const LARGE_SHARE: usize = 8;

/// Returns the order in which representatives are compiled.
///
/// Large functions come first, by size, so that no thread still compiles one after all others have finished. The others
/// keep their order, so that little code waits for the linker.
fn compile_order(representatives: &[usize], size: impl Fn(usize) -> usize, share: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..representatives.len()).filter(|at| representatives[*at] == *at).collect();
    order.sort_by_key(|at| Reverse(Some(size(*at)).filter(|size| size * LARGE_SHARE >= share)));
    order
}

/// Links functions in order.
struct ImageLinker<'a> {
    compiler: &'a Compiler,
    environment: CompileEnvironment<'a>,
    /// The functions to link, sorted.
    functions: &'a [u32],
    representatives: &'a [usize],
    /// Whether other functions share a function's code.
    shared: Vec<bool>,
    text: Box<dyn TextSectionBuilder>,
    image: CodeImage,
    skipped: Vec<(u32, CompileError)>,
    indirect_signatures: HashSet<NativeSignature>,
    /// Compiled functions that wait for their turn, or for others to share their code.
    compiled: BTreeMap<usize, Result<CompiledFunction, CompileError>>,
    /// The index in the list of the next function to link.
    next: usize,
}

impl<'a> ImageLinker<'a> {
    fn new(
        compiler: &'a Compiler,
        environment: CompileEnvironment<'a>,
        functions: &'a [u32],
        representatives: &'a [usize],
    ) -> ImageLinker<'a> {
        let mut shared = vec![false; representatives.len()];
        for (at, representative) in representatives.iter().enumerate() {
            shared[*representative] |= *representative != at;
        }
        ImageLinker {
            compiler,
            environment,
            functions,
            representatives,
            shared,
            text: compiler.isa().text_section_builder(representatives.len()),
            image: CodeImage::default(),
            skipped: Vec::new(),
            indirect_signatures: HashSet::new(),
            compiled: BTreeMap::new(),
            next: 0,
        }
    }

    /// Adds a compiled function, and links every function that is ready.
    fn add(&mut self, at: usize, code: Result<CompiledFunction, CompileError>) -> Result<(), CompileError> {
        self.compiled.insert(at, code);
        catch_panic(|| self.link_ready())
    }

    /// Links the functions that are ready, in order.
    fn link_ready(&mut self) -> Result<(), CompileError> {
        while let Some(representative) = self.representatives.get(self.next) {
            let Some(code) = self.compiled.remove(representative) else { break };
            self.link_next(*representative, &code)?;
            if self.shared[*representative] {
                self.compiled.insert(*representative, code);
            }
        }
        Ok(())
    }

    /// Links the next function with its own code or that of its representative.
    fn link_next(
        &mut self,
        representative: usize,
        code: &Result<CompiledFunction, CompileError>,
    ) -> Result<(), CompileError> {
        let [representative, defined] = [representative, self.next].map(|at| self.functions[at]);
        self.next += 1;
        let stub;
        let (code, is_compiled) = match code {
            Ok(code) => (code, true),
            Err(error) => {
                self.skipped.push((defined, error.clone()));
                let image = self.compiler.cell_call_stub(self.environment, defined)?;
                stub = CompiledFunction { image, calls: Vec::new(), indirect_signatures: Vec::new(), frame_size: 0 };
                (&stub, false)
            }
        };
        let text = &code.image.text;
        let (alignment, plane) = (code.image.alignment, &mut ControlPlane::default());
        if alignment.offset != 0 {
            let end = self.text.append(false, &[], 1, plane) as usize;
            self.text.append(false, &vec![0; alignment.next_address(end) - end], 1, plane);
        }
        let align = 1 << (alignment.align | alignment.offset).trailing_zeros();
        let start = self.text.append(true, text, align, plane);
        let start = u32::try_from(start).ok().filter(|start| start.checked_add(text.len() as u32).is_some());
        let start = start.ok_or_else(|| CompileError::Failed("the module's code exceeds 4 GiB".into()))?;
        for call in &code.calls {
            let at = u64::from(start) + u64::from(call.at);
            let target = self.functions.binary_search(&call.target).ok();
            if !target.is_some_and(|target| self.text.resolve_reloc(at, call.kind, call.addend, target)) {
                return Err(CompileError::Failed(format!("unsupported relocation {:?}", call.kind)));
            }
        }
        self.indirect_signatures.extend(code.indirect_signatures.iter().cloned());
        let sites = self.image.sites.len();
        self.image.append_tables(start, &code.image);
        let bodies = &self.environment.module.bodies;
        let [from, to] = [representative, defined].map(|defined| bodies[defined as usize].start as u32);
        for site in self.image.sites[sites..].iter_mut().filter(|site| site.source != NO_SOURCE) {
            site.source = site.source.wrapping_sub(from).wrapping_add(to);
        }
        if is_compiled {
            let end = start + text.len() as u32;
            self.image.functions.push(FunctionCode { start, end, function: defined });
        }
        Ok(())
    }

    fn finish(mut self) -> Result<ModuleImage, CompileError> {
        self.image.text = catch_panic(|| Ok(self.text.finish(&mut ControlPlane::default())))?;
        Ok(ModuleImage { image: self.image, skipped: self.skipped, indirect_signatures: self.indirect_signatures })
    }
}

impl Compiler {
    /// Compiles the stub for a function without code. It calls the entry point in the function's cell.
    fn cell_call_stub(&self, environment: CompileEnvironment<'_>, defined: u32) -> Result<CodeImage, CompileError> {
        let module = environment.module;
        let ty = module.func_type(module.imported_funcs + defined);
        let signature = NativeSignature::new(ty, environment.types);
        let stub = self.compile_stub(signature.native(), |builder, params| {
            let native = crate::trampoline::native_or_lazy_stub(builder, params[0], defined);
            let sig = builder.import_signature(signature.native());
            builder.ins().return_call_indirect(sig, native, params);
        });
        match stub {
            // The function's callers use the same unsupported type, so no compiled code calls this stub.
            Err(CompileError::Unsupported(_)) => self.compile_stub(native_signature(&[]), |builder, _| {
                builder.ins().trap(trap_code(Trap::Unsupported));
            }),
            stub => stub,
        }
    }
}

#[cfg(test)]
mod tests {
    use kinglet_abi::{Settings, TrapDetection, VmCtxLayout};
    use kinglet_wasm::types::TypeRegistry;
    use kinglet_wasm::{Features, decode};

    use super::*;
    use crate::CompileLimits;
    use std::sync::atomic::AtomicBool;

    fn compile(wat: &str, threads: usize) -> (Module, ModuleImage) {
        compile_within(wat, threads, CompileLimits::default())
    }

    fn compile_within(wat: &str, threads: usize, limits: CompileLimits<'_>) -> (Module, ModuleImage) {
        let types = TypeRegistry::default();
        let binary = decode::to_binary(wat.as_bytes()).unwrap();
        let module = decode::module(binary.into_owned().into(), Features::all(), &types).unwrap();
        let settings = Settings { traps: TrapDetection::Faults, ..Settings::default() };
        let layout = VmCtxLayout::new(&module);
        let environment =
            CompileEnvironment { module: &module, layout: &layout, settings: &settings, types: &types, limits };
        let image = Compiler::new(&settings)
            .unwrap()
            .functions(environment, &defined_functions(environment.module), threads, |_| ())
            .unwrap();
        (module, image)
    }

    #[test]
    fn functions_with_equal_bodies_have_their_own_code_and_source_locations() {
        let wat = r#"(module (func (param i32)) (func $trap unreachable) (func (param i64))
            (func (call $trap)) (func unreachable) (func (call $trap)))"#;
        let (module, ModuleImage { image, skipped, .. }) = compile(wat, 1);
        assert!(skipped.is_empty());
        let functions: Vec<u32> = image.functions.iter().map(|function| function.function).collect();
        assert_eq!(functions, [0, 1, 2, 3, 4, 5]);
        assert!(image.functions.windows(2).all(|pair| pair[0].end <= pair[1].start));
        let tables = image.tables();
        for function in &image.functions {
            let body = &module.bodies[function.function as usize];
            let sites = tables.sites.iter().filter(|site| function.start < site.at && site.at <= function.end);
            let mut sources = sites.map(|site| site.source).filter(|source| *source != NO_SOURCE);
            assert!(sources.all(|source| body.contains(&(source as usize))), "{function:?} {body:?}");
        }
        let code =
            |index: usize| &image.text[image.functions[index].start as usize..image.functions[index].end as usize];
        assert_eq!(code(1), code(4), "code is position independent");
    }

    #[test]
    fn functions_over_the_memory_limit_are_skipped_in_any_order() {
        let large = "(if (local.get 0) (then (local.set 0 (i32.mul (local.get 0) (i32.const 7)))))".repeat(2000);
        let [large, small] = [large.as_str(), "(nop)"].map(|body| format!("(func (param i32) {body})"));
        let wat = format!("(module {small} {large} {small} {large})");
        let limits = |memory| CompileLimits { memory, cancelled: None };
        for threads in [1, 3] {
            let skipped = |memory| compile_within(&wat, threads, limits(memory)).1.skipped;
            assert_eq!(skipped(usize::MAX), []);
            assert_eq!(skipped(1 << 20), [1, 3].map(|function| (function, CompileError::TooLarge(1 << 20))));
        }
    }

    #[test]
    fn a_cancelled_compilation_compiles_nothing() {
        let cancelled = AtomicBool::new(true);
        let limits = CompileLimits { memory: usize::MAX, cancelled: Some(&cancelled) };
        let image = compile_within("(module (func) (func (param i32)))", 1, limits).1;
        assert_eq!(image.skipped, [(0, CompileError::Cancelled), (1, CompileError::Cancelled)]);
        assert!(image.image.functions.is_empty());
    }

    #[test]
    fn the_image_does_not_depend_on_the_number_of_threads() {
        let functions: String = (0..3000)
            .map(|i| format!("(func (param i32) (result i32) (i32.add (local.get 0) (i32.const {})))", i % 700))
            .collect();
        let wat = format!("(module {functions} (func (drop (call 5 (i32.const 1)))))");
        let (one, many) = (compile(&wat, 1).1, compile(&wat, 4).1);
        assert_eq!(one.image.text, many.image.text);
        assert_eq!((one.image.functions, one.image.sites), (many.image.functions, many.image.sites));
    }

    #[test]
    fn large_functions_compile_first_and_shared_ones_once() {
        let sizes = [10, 1000, 10, 10, 3000, 20];
        let representatives = [0, 1, 0, 3, 4, 5];
        assert_eq!(compile_order(&representatives, |at| sizes[at], 2020), [4, 1, 0, 3, 5]);
        assert_eq!(compile_order(&representatives, |at| sizes[at], 20_000), [4, 0, 1, 3, 5]);
    }

    /// Loops of different lengths, and a large function that calls them.
    #[test]
    fn functions_may_start_within_a_line_and_calls_reach_them() {
        let loops: String = (0..40)
            .map(|i| {
                let body = "(local.set 0 (i32.mul (local.get 0) (local.get 0)))".repeat(i);
                format!(
                    "(func (param i32) (loop {body} (br_if 0 (local.tee 0 (i32.shr_u (local.get 0) (i32.const 1))))))"
                )
            })
            .collect();
        let calls: String = (0..40).map(|i| format!("(call {i} (i32.const {i}))")).collect();
        let wat = format!("(module {loops} (func {}))", calls.repeat(20));
        let image = compile(&wat, 1).1.image;
        assert_eq!(image.text, compile(&wat, 3).1.image.text);
        let (starts, caller): (Vec<usize>, _) =
            (image.functions.iter().map(|f| f.start as usize).collect(), image.functions.last().unwrap());
        let lines: HashSet<usize> = starts.iter().map(|start| start % 32).collect();
        let expected = if cfg!(target_arch = "x86_64") { 3..=8 } else { 1..=1 };
        assert!(lines.iter().all(|line| line % 4 == 0) && expected.contains(&lines.len()), "{lines:?}");
        if cfg!(target_arch = "x86_64") {
            let code = &image.text[caller.start as usize..caller.end as usize];
            let called: HashSet<usize> = code
                .windows(5)
                .enumerate()
                .filter(|(_, window)| window[0] == 0xe8)
                .map(|(at, window)| {
                    let distance = i32::from_le_bytes(window[1..].try_into().unwrap());
                    (caller.start as usize + at + 5).wrapping_add_signed(distance as isize)
                })
                .collect();
            assert!(starts[..40].iter().all(|start| called.contains(start)));
        }
    }
}
