//! Compiling a whole module: its functions in parallel, then one after the other at their places, with the calls among
//! them filled in. What comes out depends on nothing but what went in, however many threads took part.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc;

use cranelift_codegen::TextSectionBuilder;
use cranelift_codegen::control::ControlPlane;
use cranelift_codegen::ir::InstBuilder;
use kinglet_abi::CodeImage;
use kinglet_abi::image::FunctionCode;

use crate::compile::{Code, Compiler, Environment, Error, Scratch};
use crate::convention::Signature;
use crate::emit::Entry;

/// The code of a module.
#[derive(Debug)]
pub struct ModuleImage {
    /// The code; functions in the order of the module.
    pub image: CodeImage,
    /// Functions without code, and why: their callers go through their cells.
    pub left_out: Vec<(u32, Error)>,
}

/// How many compiled functions may wait for their place.
const QUEUE: usize = 64;

/// How many bytes of bodies are worth another thread.
const BYTES_A_THREAD: usize = 8 << 10;

impl Compiler {
    /// Compiles every function that the module defines, on at most this many threads. `done` is told how many are ready,
    /// from time to time.
    ///
    /// # Errors
    /// If the code would be too large to address itself.
    pub fn module(
        &self,
        environment: Environment<'_>,
        threads: usize,
        mut done: impl FnMut(u32),
    ) -> Result<ModuleImage, Error> {
        let bodies = &environment.module.bodies;
        let count = bodies.len() as u32;
        let bytes: usize = bodies.iter().map(|body| body.len()).sum();
        let threads = threads.min(1 + bytes / BYTES_A_THREAD).min(bodies.len());
        let mut link = Link::new(self, environment, count);
        if threads <= 1 {
            let mut scratch = Scratch::new();
            for defined in 0..count {
                link.add(self.body(&mut scratch, environment, defined, Entry::Function, true))?;
                done(defined + 1);
            }
            return link.finish();
        }
        let next = AtomicU32::new(0);
        std::thread::scope(|scope| {
            let (sender, receiver) = mpsc::sync_channel(QUEUE);
            for _ in 0..threads {
                let (sender, next) = (sender.clone(), &next);
                scope.spawn(move || {
                    let mut scratch = Scratch::new();
                    loop {
                        let defined = next.fetch_add(1, Ordering::Relaxed);
                        if defined >= count {
                            break;
                        }
                        let code = self.body(&mut scratch, environment, defined, Entry::Function, true);
                        if sender.send((defined, code)).is_err() {
                            break;
                        }
                    }
                });
            }
            drop(sender);
            let mut early = BTreeMap::new();
            for (defined, code) in receiver {
                early.insert(defined, code);
                while let Some(code) = early.remove(&link.next) {
                    link.add(code)?;
                    done(link.next);
                }
            }
            link.finish()
        })
    }
}

/// Functions at their places.
struct Link<'a> {
    compiler: &'a Compiler,
    environment: Environment<'a>,
    text: Box<dyn TextSectionBuilder>,
    image: CodeImage,
    left_out: Vec<(u32, Error)>,
    /// The function whose turn it is.
    next: u32,
}

impl<'a> Link<'a> {
    fn new(compiler: &'a Compiler, environment: Environment<'a>, count: u32) -> Link<'a> {
        Link {
            compiler,
            environment,
            text: compiler.isa().text_section_builder(count as usize),
            image: CodeImage::default(),
            left_out: Vec::new(),
            next: 0,
        }
    }

    fn add(&mut self, code: Result<Code, Error>) -> Result<(), Error> {
        let defined = self.next;
        self.next += 1;
        let (code, ours) = match code {
            Ok(code) => (code, true),
            Err(error) => {
                self.left_out.push((defined, error));
                let image = self.compiler.through_cell(self.environment, defined)?;
                (Code { image, calls: Vec::new() }, false)
            }
        };
        let text = &code.image.text;
        let start = self.text.append(true, text, code.image.align, &mut ControlPlane::default());
        let start = u32::try_from(start).ok().filter(|start| start.checked_add(text.len() as u32).is_some());
        let start = start.ok_or_else(|| Error::Failed("the module has more than 4 GiB of code".into()))?;
        for call in &code.calls {
            let at = u64::from(start) + u64::from(call.at);
            if !self.text.resolve_reloc(at, call.kind, call.addend, call.target as usize) {
                return Err(Error::Failed(format!("a reference of kind {:?}", call.kind)));
            }
        }
        self.image.append_tables(start, &code.image);
        if ours {
            let end = start + text.len() as u32;
            self.image.functions.push(FunctionCode { start, end, function: defined });
        }
        Ok(())
    }

    fn finish(mut self) -> Result<ModuleImage, Error> {
        self.image.text = self.text.finish(&mut ControlPlane::default());
        Ok(ModuleImage { image: self.image, left_out: self.left_out })
    }
}

impl Compiler {
    /// What stands in the place of a function without code: goes to wherever its cell says.
    fn through_cell(&self, environment: Environment<'_>, defined: u32) -> Result<CodeImage, Error> {
        let module = environment.module;
        let ty = module.func_type(module.imported_funcs + defined);
        let signature = Signature::new(ty, environment.types);
        self.small(signature.native(), |builder, params| {
            let native = crate::trampoline::native_of_cell(builder, params[0], defined);
            let sig = builder.import_signature(signature.native());
            builder.ins().return_call_indirect(sig, native, params);
        })
    }
}
