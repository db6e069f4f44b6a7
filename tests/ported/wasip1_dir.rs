//! A WASI program with a directory of the host.

use kinglet::*;
use kinglet_wasi::p1::{self, WasiP1Ctx};
use kinglet_wasi::{FsPerms, WasiCtxBuilder};

pub(crate) fn main() -> Result<()> {
    let engine = Engine::default();
    let mut linker: Linker<WasiP1Ctx> = Linker::new(&engine);
    p1::add_to_linker_sync(&mut linker, |t| t)?;
    let mut builder = WasiCtxBuilder::new();
    builder.inherit_stdio().args(&["program", "--flag"]).preopened_dir("ported", "/", FsPerms::ReadOnly)?;
    let mut store = Store::new(&engine, builder.build_p1());
    let module = Module::from_file(&engine, "ported/wasip1_dir.wat")?;
    let instance = linker.instantiate(&mut store, &module)?;
    let size = instance.get_typed_func::<(), i64>(&mut store, "size")?;
    let expected = std::fs::metadata("ported/hello.wat")?.len();
    assert_eq!(size.call(&mut store, ())?, i64::try_from(expected)?);
    Ok(())
}
