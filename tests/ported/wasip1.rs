//! A WASI program that a linker runs as its default function.

use kinglet::*;
use kinglet_wasi::p1::{self, WasiP1Ctx};
use kinglet_wasi::{I32Exit, WasiCtxBuilder};

pub(crate) fn main() -> Result<()> {
    let engine = Engine::default();
    let mut linker: Linker<WasiP1Ctx> = Linker::new(&engine);
    p1::add_to_linker_sync(&mut linker, |t| t)?;
    let wasi_ctx = WasiCtxBuilder::new().inherit_stdio().inherit_env().env("ANSWER", "42").build_p1();
    let mut store = Store::new(&engine, wasi_ctx);
    let module = Module::from_file(&engine, "ported/wasip1.wat")?;
    linker.module(&mut store, "", &module)?;
    let error = linker
        .get_default(&mut store, "")?
        .typed::<(), ()>(&store)?
        .call(&mut store, ())
        .expect_err("the program ends with an exit code");
    assert_eq!(error.downcast_ref::<I32Exit>().expect("it is the cause").0, 3);
    Ok(())
}
