//! Listings of native code, which `kinglet compile --dump` and `kinglet explore` show.

pub use kinglet_jit::{NativeInstruction, NativeListing};

use crate::{Error, Module, Result};

impl Module {
    /// Compiles a function and returns its intermediate code, and its machine instructions with their WebAssembly operators.
    /// The number counts the module's own functions from 0. The listing follows the engine's settings and target, whether
    /// or not the engine runs native code. The format of the texts is not stable.
    ///
    /// ```
    /// use kinglet::{Engine, Module};
    ///
    /// let module = Module::new(&Engine::default(), "(module (func (result i32) (i32.const 42)))")?;
    /// let listing = module.native_listing(0)?;
    /// assert!(listing.clif.contains("iconst.i32 42"));
    /// let sources: Vec<u32> = listing.instructions.iter().filter_map(|instruction| instruction.source).collect();
    /// assert!(sources.iter().all(|offset| (*offset as usize) < module.binary().len()));
    /// # Ok::<(), kinglet::Error>(())
    /// ```
    ///
    /// # Errors
    /// If the module has no such function, or it cannot be compiled.
    pub fn native_listing(&self, defined: u32) -> Result<NativeListing> {
        let environment = self.inner().code().environment();
        if environment.module.bodies.get(defined as usize).is_none() {
            return Err(Error::msg(format!("the module defines no function {defined}")));
        }
        let compiler = kinglet_jit::Compiler::new(self.engine().settings())?;
        crate::vm::listing(&compiler, environment, defined)
    }
}
