//! The error of a host function: its cause and the backtrace of the guest.

use kinglet::*;

#[derive(Debug)]
struct MyTrap;

impl std::fmt::Display for MyTrap {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "my trap")
    }
}

impl std::error::Error for MyTrap {}

pub(crate) fn main() -> Result<()> {
    let mut store = Store::<()>::default();
    let wat = r#"(module $m (func $hello (import "" "hello")) (func $run (export "run") (call $hello)))"#;
    let module = Module::new(store.engine(), wat)?;
    let hello = Func::wrap(&mut store, || -> Result<()> { Err(Error::new(MyTrap)) });
    let instance = Instance::new(&mut store, &module, &[hello.into()])?;
    let run = instance.get_typed_func::<(), ()>(&mut store, "run")?;
    let error = run.call(&mut store, ()).expect_err("the host function fails");
    assert!(error.downcast_ref::<MyTrap>().is_some());
    assert!(error.downcast_ref::<Trap>().is_none());
    assert_eq!(error.root_cause().to_string(), "my trap");
    let backtrace = error.downcast_ref::<WasmBacktrace>().expect("the guest was running");
    let names: Vec<_> = backtrace.frames().iter().map(FrameInfo::func_name).collect();
    assert_eq!(names, [Some("run")]);
    Ok(())
}
