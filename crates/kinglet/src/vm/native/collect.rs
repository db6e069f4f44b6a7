//! What native code there is, put together as one image: the way from pieces that were published one by one back to
//! something that can be kept in a file. Code is position independent, and pieces call one another through cells alone,
//! so that nothing in it changes.

use std::collections::HashSet;
use std::sync::atomic::Ordering;

use kinglet_abi::CodeImage;
use kinglet_abi::image::FunctionCode;
use kinglet_interp::code::Environment;
use kinglet_jit::Trampoline;

use super::registry::Published;
use super::{State, Tier};
use crate::Result;

impl Tier {
    /// All native code that functions of a module are called at now.
    pub(crate) fn collect(&self, environment: &Environment) -> CodeImage {
        let mut image = CodeImage::default();
        for piece in self.pieces(environment) {
            let at = image.text.len().next_multiple_of(piece.align() as usize);
            let Ok(offset) = u32::try_from(at + piece.text().len()).map(|_| at as u32) else { break };
            image.text.resize(at, 0);
            image.text.extend_from_slice(piece.text());
            image.append(offset, &piece.tables());
            image.align = image.align.max(piece.align());
        }
        image
    }

    /// How many bytes that is, about.
    pub(crate) fn code_size(&self, environment: &Environment) -> usize {
        self.pieces(environment).map(|piece| piece.text().len()).sum()
    }

    /// The published pieces of a module in which at least one function is the one that is called.
    fn pieces(&self, environment: &Environment) -> impl Iterator<Item = std::sync::Arc<Published>> {
        let cells = environment.cells();
        self.registry.of_module(cells.as_ptr()).into_iter().filter(move |piece| {
            let called = |function: &FunctionCode| {
                let native = cells.get(function.function as usize).map(|cell| cell.native.load(Ordering::Acquire));
                native.is_some_and(|native| native.addr() == piece.start + function.start as usize)
            };
            piece.tables().functions.iter().any(called)
        })
    }

    /// The small code that was made or loaded, for whatever module; with `all` also what a module is likely to need that
    /// has not run yet.
    pub(crate) fn collect_trampolines(
        &self,
        environment: &Environment,
        all: bool,
    ) -> Result<Vec<(Trampoline, CodeImage)>> {
        let mut found = if all { super::trampolines(&*self.compiler()?, environment)? } else { Vec::new() };
        let seen: HashSet<Trampoline> = found.iter().map(|(which, _)| which.clone()).collect();
        found.extend(self.made_trampolines().into_iter().filter(|(which, _)| !seen.contains(which)));
        Ok(found)
    }

    fn made_trampolines(&self) -> Vec<(Trampoline, CodeImage)> {
        let state = self.state();
        let common = Trampoline::COMMON.into_iter().filter_map(|which| {
            let entry = self.common(&which)?.load(Ordering::Acquire).addr();
            Some((which, entry))
        });
        common.chain(state.all_shared()).filter_map(|(which, start)| Some((which, self.copy(start)?))).collect()
    }

    /// A copy of small code.
    fn copy(&self, start: usize) -> Option<CodeImage> {
        let code = self.registry.find(start.checked_add(1)?).filter(|code| code.start == start)?;
        let mut image = CodeImage { text: code.text().to_vec(), align: code.align(), ..CodeImage::default() };
        image.append(0, &code.tables());
        Some(image)
    }
}

impl State {
    /// Those there is one of for each signature.
    fn all_shared(&self) -> impl Iterator<Item = (Trampoline, usize)> {
        let hosts = self.hosts.iter().map(|(signature, code)| (Trampoline::Host(signature.clone()), *code));
        let entries = self.entries.iter().map(|(signature, code)| (Trampoline::Entry(signature.clone()), *code));
        let bridges = self.bridges.iter().map(|(signature, code)| (Trampoline::Bridge(signature.clone()), *code));
        let adapters = self.adapters.iter().map(|(signature, code)| (Trampoline::Adapter(signature.clone()), *code));
        hosts.chain(entries).chain(bridges).chain(adapters)
    }
}
