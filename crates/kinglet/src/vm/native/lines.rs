//! Which lines of its source a module's machine code is from, for profilers: by the module's debugging information, and by
//! compiling each function once more for what its parts are for, which also serves code that was compiled beforehand.

use std::sync::Arc;

use kinglet_abi::image::FunctionCode;
use kinglet_interp::code::ModuleEnvironment;
use kinglet_jit::Compiler;

use super::profile::Line;
use super::{jit_environment, limits};
use crate::dwarf::DebugInfo;

/// What is known of a module's lines.
pub(super) struct Lines<'a> {
    pub(super) environment: &'a ModuleEnvironment,
    pub(super) compiler: Arc<Compiler>,
    pub(super) info: DebugInfo,
}

impl Lines<'_> {
    /// Those of a function: where inlined, of the innermost. None if its code is not what the compiler makes now, with
    /// other settings.
    pub(super) fn of(&self, function: &FunctionCode) -> Vec<Line> {
        let sources =
            self.compiler.sources(jit_environment(self.environment, limits(self.environment)), function.function);
        let Some(sources) = sources.ok().filter(|sources| sources.len == function.end - function.start) else {
            return Vec::new();
        };
        let mut lines: Vec<Line> = Vec::new();
        for (at, source) in sources.entries {
            let module = &self.environment.module;
            let address = (source as usize).checked_sub(module.code_start);
            let symbols = address.map(|address| self.info.symbols(module, address as u64)).unwrap_or_default();
            let Some(symbol) = symbols.into_iter().next() else { continue };
            let (Some(file), Some(line)) = (symbol.file, symbol.line) else { continue };
            // No name may end early.
            let file = file.replace('\0', "");
            if lines.last().is_none_or(|last| (last.line, &last.file) != (line, &file)) {
                lines.push(Line { at, file, line });
            }
        }
        lines
    }
}
