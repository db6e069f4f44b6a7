//! Source lines of machine code, for profilers. They come from the module's debugging information. Each function is
//! compiled again to map machine code to module offsets, so this also works for code that was compiled ahead of time.

use std::sync::Arc;

use kinglet_abi::image::FunctionCode;
use kinglet_interp::code::ModuleEnvironment;
use kinglet_jit::Compiler;

use super::profile::SourceLine;
use super::{jit_environment, limits};
use crate::dwarf::DebugInfo;

/// The source lines of a module.
pub(super) struct LineMap<'a> {
    pub(super) environment: &'a ModuleEnvironment,
    pub(super) compiler: Arc<Compiler>,
    pub(super) info: DebugInfo,
}

impl LineMap<'_> {
    /// Returns the lines of a function. For inlined calls, returns those of the innermost function. Returns none if the
    /// code differs from the compiler's output, for example because the settings differ.
    pub(super) fn of_function(&self, function: &FunctionCode) -> Vec<SourceLine> {
        let sources =
            self.compiler.sources(jit_environment(self.environment, limits(self.environment)), function.function);
        let Some(sources) = sources.ok().filter(|sources| sources.len == function.end - function.start) else {
            return Vec::new();
        };
        let mut lines: Vec<SourceLine> = Vec::new();
        for (offset, source) in sources.entries {
            let module = &self.environment.module;
            let address = (source as usize).checked_sub(module.code_start);
            let symbols = address.map(|address| self.info.symbols(module, address as u64)).unwrap_or_default();
            let Some(symbol) = symbols.into_iter().next() else { continue };
            let (Some(file), Some(line)) = (symbol.file, symbol.line) else { continue };
            // A NUL byte would end the name early.
            let file = file.replace('\0', "");
            if lines.last().is_none_or(|last| (last.line, &last.file) != (line, &file)) {
                lines.push(SourceLine { offset, file, line });
            }
        }
        lines
    }
}
