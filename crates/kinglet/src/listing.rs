//! Native code for people: what `kinglet compile --dump` and `kinglet explore` show.

pub use kinglet_jit::{NativeInstruction, NativeListing};

use crate::{Error, Module, Result};

impl Module {
    /// How a function becomes machine code, by its place among those the module defines: the intermediate code, and the
    /// instructions with the operators they were made for. It is made anew, with the settings and for the target of the
    /// engine, whether the engine runs native code or not. The form of the texts is not stable.
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
    /// If there is no such function, or it cannot be compiled.
    pub fn native_listing(&self, defined: u32) -> Result<NativeListing> {
        let environment = self.inner().code().environment();
        if environment.module.bodies.get(defined as usize).is_none() {
            return Err(Error::msg(format!("the module defines no function {defined}")));
        }
        let compiler = kinglet_jit::Compiler::new(self.engine().settings())?;
        crate::vm::listing(&compiler, environment, defined)
    }
}
