//! Compiling a whole module: its functions in parallel, then one after the other at their places, with the calls among
//! them filled in. What comes out depends on nothing but what went in, however many threads took part.

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

use crate::compile::{Callees, Code, Compiler, Environment, Error, Request, Scratch, contained, trap_code};
use crate::convention::{Signature, tail};
use crate::cost::Budget;

/// The code of a module.
#[derive(Debug)]
pub struct ModuleImage {
    /// The code; functions in the order of the module.
    pub image: CodeImage,
    /// Functions without code, and why: their callers go through their cells.
    pub left_out: Vec<(u32, Error)>,
    /// The signatures of what it calls otherwise than directly.
    pub outside: HashSet<Signature>,
}

/// How many compiled functions may wait for their place.
const QUEUE: usize = 64;

/// How many bytes of bodies are worth another thread.
const BYTES_A_THREAD: usize = 8 << 10;

impl Compiler {
    /// Compiles some of the functions that the module defines, which are in order, on at most this many threads. They call
    /// one another directly, and all others through their cells. `done` is told how many are ready, from time to time.
    /// What exceeds the environment's limits is left out.
    ///
    /// # Errors
    /// If the code would be too large to address itself.
    pub fn functions(
        &self,
        environment: Environment<'_>,
        functions: &[u32],
        threads: usize,
        mut done: impl FnMut(u32),
    ) -> Result<ModuleImage, Error> {
        let bytes: usize = functions.iter().map(|defined| environment.module.bodies[*defined as usize].len()).sum();
        let threads = threads.min(1 + bytes / BYTES_A_THREAD).min(functions.len());
        let originals = originals(environment.module, functions);
        let mut link = Link::new(self, environment, functions, &originals);
        let budget = Budget::new(environment.limits.memory);
        let compile = |scratch: &mut Scratch, at: usize| {
            let request = Request::function(environment, functions[at], Callees::Beside(functions));
            self.body(scratch, request, Some(&budget))
        };
        if threads <= 1 {
            let mut scratch = Scratch::new();
            for at in (0..functions.len()).filter(|at| originals[*at] == *at) {
                link.add(at, compile(&mut scratch, at))?;
                done(link.next as u32);
            }
            return link.finish();
        }
        let size = |at: usize| environment.module.bodies[functions[at] as usize].len();
        let order = order(&originals, size, bytes / threads);
        let next = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            let (sender, receiver) = mpsc::sync_channel(QUEUE);
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
                // No thread can be started: this one compiles.
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

/// Every function that a module defines.
pub fn all(module: &Module) -> Vec<u32> {
    (0..module.bodies.len() as u32).collect()
}

/// Longer bodies are hardly ever the same.
const SHORT_BODY: usize = 256;

/// For every function of a list the first with the same type and the same body, whose code it can share.
fn originals(module: &Module, functions: &[u32]) -> Vec<usize> {
    let mut seen = HashMap::new();
    let original = |(at, defined): (usize, &u32)| {
        let body = &module.bodies[*defined as usize];
        if body.len() > SHORT_BODY {
            return at;
        }
        let ty = module.types[module.funcs[(module.imported_funcs + defined) as usize] as usize];
        module.bytes.part(body.clone()).map_or(at, |bytes| *seen.entry((ty, bytes)).or_insert(at))
    };
    functions.iter().enumerate().map(original).collect()
}

/// A function of which each thread has at most so many to do is begun early.
const LARGE_PART: usize = 8;

/// The order in which the originals of a list are begun: large ones first, by size, so that no thread is left alone with
/// one at the end; the others in the order of their places, so that little waits for its place.
fn order(originals: &[usize], size: impl Fn(usize) -> usize, share: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..originals.len()).filter(|at| originals[*at] == *at).collect();
    order.sort_by_key(|at| Reverse(Some(size(*at)).filter(|size| size * LARGE_PART >= share)));
    order
}

/// Functions at their places.
struct Link<'a> {
    compiler: &'a Compiler,
    environment: Environment<'a>,
    /// Which, in order.
    functions: &'a [u32],
    originals: &'a [usize],
    /// Whether others share a function's code.
    shared: Vec<bool>,
    text: Box<dyn TextSectionBuilder>,
    image: CodeImage,
    left_out: Vec<(u32, Error)>,
    outside: HashSet<Signature>,
    /// What is compiled and waits for its turn, or for others to share it.
    waiting: BTreeMap<usize, Result<Code, Error>>,
    /// The place in the list of the function whose turn it is.
    next: usize,
}

impl<'a> Link<'a> {
    fn new(
        compiler: &'a Compiler,
        environment: Environment<'a>,
        functions: &'a [u32],
        originals: &'a [usize],
    ) -> Link<'a> {
        let mut shared = vec![false; originals.len()];
        for (at, original) in originals.iter().enumerate() {
            shared[*original] |= *original != at;
        }
        Link {
            compiler,
            environment,
            functions,
            originals,
            shared,
            text: compiler.isa().text_section_builder(originals.len()),
            image: CodeImage::default(),
            left_out: Vec::new(),
            outside: HashSet::new(),
            waiting: BTreeMap::new(),
            next: 0,
        }
    }

    /// A function is compiled: it, and what waited for it, get their places.
    fn add(&mut self, at: usize, code: Result<Code, Error>) -> Result<(), Error> {
        self.waiting.insert(at, code);
        contained(|| self.place_all())
    }

    /// Gives their places to all whose turn it is.
    fn place_all(&mut self) -> Result<(), Error> {
        while let Some(original) = self.originals.get(self.next) {
            let Some(code) = self.waiting.remove(original) else { break };
            self.place(*original, &code)?;
            if self.shared[*original] {
                self.waiting.insert(*original, code);
            }
        }
        Ok(())
    }

    /// Gives the next function its place, with its own code or that of one with the same body.
    fn place(&mut self, original: usize, code: &Result<Code, Error>) -> Result<(), Error> {
        let [original, defined] = [original, self.next].map(|at| self.functions[at]);
        self.next += 1;
        let stand_in;
        let (code, ours) = match code {
            Ok(code) => (code, true),
            Err(error) => {
                self.left_out.push((defined, error.clone()));
                let image = self.compiler.through_cell(self.environment, defined)?;
                stand_in = Code { image, calls: Vec::new(), outside: Vec::new(), frame: 0 };
                (&stand_in, false)
            }
        };
        let text = &code.image.text;
        let (place, plane) = (code.image.place, &mut ControlPlane::default());
        if place.lead != 0 {
            let end = self.text.append(false, &[], 1, plane) as usize;
            self.text.append(false, &vec![0; place.next(end) - end], 1, plane);
        }
        let align = 1 << (place.align | place.lead).trailing_zeros();
        let start = self.text.append(true, text, align, plane);
        let start = u32::try_from(start).ok().filter(|start| start.checked_add(text.len() as u32).is_some());
        let start = start.ok_or_else(|| Error::Failed("the module has more than 4 GiB of code".into()))?;
        for call in &code.calls {
            let at = u64::from(start) + u64::from(call.at);
            let target = self.functions.binary_search(&call.target).ok();
            if !target.is_some_and(|target| self.text.resolve_reloc(at, call.kind, call.addend, target)) {
                return Err(Error::Failed(format!("a reference of kind {:?}", call.kind)));
            }
        }
        self.outside.extend(code.outside.iter().cloned());
        let sites = self.image.sites.len();
        self.image.append_tables(start, &code.image);
        let bodies = &self.environment.module.bodies;
        let [from, to] = [original, defined].map(|defined| bodies[defined as usize].start as u32);
        for site in self.image.sites[sites..].iter_mut().filter(|site| site.source != NO_SOURCE) {
            site.source = site.source.wrapping_sub(from).wrapping_add(to);
        }
        if ours {
            let end = start + text.len() as u32;
            self.image.functions.push(FunctionCode { start, end, function: defined });
        }
        Ok(())
    }

    fn finish(mut self) -> Result<ModuleImage, Error> {
        self.image.text = contained(|| Ok(self.text.finish(&mut ControlPlane::default())))?;
        Ok(ModuleImage { image: self.image, left_out: self.left_out, outside: self.outside })
    }
}

impl Compiler {
    /// What stands in the place of a function without code: goes to wherever its cell says.
    fn through_cell(&self, environment: Environment<'_>, defined: u32) -> Result<CodeImage, Error> {
        let module = environment.module;
        let ty = module.func_type(module.imported_funcs + defined);
        let signature = Signature::new(ty, environment.types);
        let through = self.small(signature.native(), |builder, params| {
            let native = crate::trampoline::native_of_cell(builder, params[0], defined);
            let sig = builder.import_signature(signature.native());
            builder.ins().return_call_indirect(sig, native, params);
        });
        match through {
            // Whoever would call it has what cannot be compiled itself.
            Err(Error::Unsupported(_)) => self.small(tail(&[]), |builder, _| {
                builder.ins().trap(trap_code(Trap::Unsupported));
            }),
            through => through,
        }
    }
}

#[cfg(test)]
mod tests {
    use kinglet_abi::{Settings, Traps, VmCtxLayout};
    use kinglet_wasm::types::TypeRegistry;
    use kinglet_wasm::{Features, decode};

    use super::*;
    use crate::Limits;
    use std::sync::atomic::AtomicBool;

    fn compile(wat: &str, threads: usize) -> (Module, ModuleImage) {
        compile_within(wat, threads, Limits::default())
    }

    fn compile_within(wat: &str, threads: usize, limits: Limits<'_>) -> (Module, ModuleImage) {
        let types = TypeRegistry::default();
        let binary = decode::to_binary(wat.as_bytes()).unwrap();
        let module = decode::module(binary.into_owned().into(), Features::all(), &types).unwrap();
        let settings = Settings { traps: Traps::Faults, ..Settings::default() };
        let layout = VmCtxLayout::new(&module);
        let environment = Environment { module: &module, layout: &layout, settings: &settings, types: &types, limits };
        let image = Compiler::new(&settings)
            .unwrap()
            .functions(environment, &all(environment.module), threads, |_| ())
            .unwrap();
        (module, image)
    }

    #[test]
    fn functions_with_the_same_body_have_places_and_sources_of_their_own() {
        let wat = r#"(module (func (param i32)) (func $trap unreachable) (func (param i64))
            (func (call $trap)) (func unreachable) (func (call $trap)))"#;
        let (module, ModuleImage { image, left_out, .. }) = compile(wat, 1);
        assert!(left_out.is_empty());
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
        assert_eq!(code(1), code(4), "nothing in it depends on where it is");
    }

    #[test]
    fn what_is_too_large_is_left_out_whatever_was_compiled_before() {
        let large = "(if (local.get 0) (then (local.set 0 (i32.mul (local.get 0) (i32.const 7)))))".repeat(2000);
        let [large, small] = [large.as_str(), "(nop)"].map(|body| format!("(func (param i32) {body})"));
        let wat = format!("(module {small} {large} {small} {large})");
        let limits = |memory| Limits { memory, abandoned: None };
        for threads in [1, 3] {
            let left_out = |memory| compile_within(&wat, threads, limits(memory)).1.left_out;
            assert_eq!(left_out(usize::MAX), []);
            assert_eq!(left_out(1 << 20), [1, 3].map(|function| (function, Error::TooLarge(1 << 20))));
        }
    }

    #[test]
    fn nothing_is_begun_that_nobody_wants() {
        let abandoned = AtomicBool::new(true);
        let limits = Limits { memory: usize::MAX, abandoned: Some(&abandoned) };
        let image = compile_within("(module (func) (func (param i32)))", 1, limits).1;
        assert_eq!(image.left_out, [(0, Error::Abandoned), (1, Error::Abandoned)]);
        assert!(image.image.functions.is_empty());
    }

    #[test]
    fn the_image_does_not_depend_on_how_many_threads_made_it() {
        let functions: String = (0..3000)
            .map(|i| format!("(func (param i32) (result i32) (i32.add (local.get 0) (i32.const {})))", i % 700))
            .collect();
        let wat = format!("(module {functions} (func (drop (call 5 (i32.const 1)))))");
        let (one, many) = (compile(&wat, 1).1, compile(&wat, 4).1);
        assert_eq!(one.image.text, many.image.text);
        assert_eq!((one.image.functions, one.image.sites), (many.image.functions, many.image.sites));
    }

    #[test]
    fn what_is_large_is_begun_first_and_what_is_shared_only_once() {
        let sizes = [10, 1000, 10, 10, 3000, 20];
        let originals = [0, 1, 0, 3, 4, 5];
        assert_eq!(order(&originals, |at| sizes[at], 2020), [4, 1, 0, 3, 5]);
        assert_eq!(order(&originals, |at| sizes[at], 20_000), [4, 0, 1, 3, 5]);
    }

    /// Loops of different lengths that are called, with a large function at the end.
    #[test]
    fn functions_that_mind_lines_start_anywhere_in_one_and_are_called_there() {
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
