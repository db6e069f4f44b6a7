//! What becomes of mistakes of the compiler: they cost native code, and reach neither guests nor hosts. Its panics are
//! injected; what it says of them on standard error is the standard library's.

use kinglet::testing::CompilerPanic;
use kinglet::{
    Config, Engine, Func, Instance, Linker, Module, Precompiled, Ref, RunMode, Store, TierThresholds, Trap, testing,
};

use crate::{module, trap_of};

const PROGRAM: &str = r#"(module (import "host" "add" (func $add (param i32 i32) (result i32)))
    (func $one (result i32) (i32.const 1))
    (func $two (result i32) (i32.add (call $one) (call $one)))
    (func (export "sum") (param i32) (result i32) (local i32)
      (loop (local.set 1 (i32.add (local.get 1) (call $two)))
        (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))) (local.get 1))
    (func (export "host") (result i32) (call $add (call $two) (call $one))))"#;

fn engine(mode: RunMode, panics: CompilerPanic) -> Engine {
    let thresholds = TierThresholds { sampling_interval: std::time::Duration::ZERO, samples: 2, bytes_a_sample: 1000 };
    Engine::new(Config::new().run_mode(mode).tier_thresholds(thresholds).compiler_panics(Some(panics))).unwrap()
}

fn start(engine: &Engine, module: &Module) -> (Store<()>, Instance) {
    let mut linker: Linker<()> = Linker::new(engine);
    linker.func_wrap("host", "add", |a: i32, b: i32| a + b).unwrap();
    let mut store = Store::new(engine, ());
    let instance = linker.instantiate(&mut store, module).unwrap();
    (store, instance)
}

/// What the program's functions give; they are called often enough to be hot.
#[track_caller]
fn runs(engine: &Engine, module: &Module) -> kinglet::Result<i32> {
    let (mut store, instance) = start(engine, module);
    let sum = instance.get_typed_func::<i32, i32>(&mut store, "sum").unwrap();
    for _ in 0..3 {
        assert_eq!(sum.call(&mut store, 20).unwrap(), 40);
    }
    let host = instance.get_typed_func::<(), i32>(&mut store, "host").unwrap();
    host.call(&mut store, ())
}

#[test]
fn a_function_at_which_the_compiler_panics_is_interpreted() {
    for mode in [RunMode::Jit, RunMode::Auto] {
        for defined in 0..4 {
            let engine = engine(mode, CompilerPanic::Function(defined));
            let module = module(&engine, PROGRAM);
            assert_eq!(module.native_functions(), if mode == RunMode::Jit { 3 } else { 0 });
            assert_eq!(runs(&engine, &module).unwrap(), 3, "{mode:?} {defined}");
            module.wait_compiled().unwrap();
            assert_eq!(module.native_functions(), 3);
            assert_eq!(runs(&engine, &module).unwrap(), 3, "{mode:?} {defined}");
            let artifact = engine.precompile_module(PROGRAM, Precompiled::Native).unwrap();
            // SAFETY: made above, and unchanged.
            let loaded = unsafe { Module::deserialize(&engine, artifact) }.unwrap();
            assert_eq!((loaded.native_functions(), runs(&engine, &loaded).unwrap()), (3, 3));
            assert!(loaded.native_listing(defined).is_ok() && loaded.serialize().is_ok());
        }
    }
}

#[test]
fn a_loop_at_which_the_compiler_panics_is_interpreted() {
    let engine = engine(RunMode::Auto, CompilerPanic::Function(2));
    let module = module(&engine, PROGRAM);
    let (mut store, instance) = start(&engine, &module);
    let error = testing::compile_loop(&mut store, instance, 3, 0).unwrap_err();
    assert!(error.to_string().contains("the compiler panicked"), "{error}");
    assert_eq!(runs(&engine, &module).unwrap(), 3);
}

#[test]
fn a_compiler_that_cannot_be_made_leaves_everything_interpreted() {
    for mode in [RunMode::Jit, RunMode::Auto] {
        let engine = engine(mode, CompilerPanic::Common);
        let module = module(&engine, PROGRAM);
        assert_eq!((module.native_functions(), runs(&engine, &module).unwrap()), (0, 3));
        let error = module.wait_compiled().unwrap_err();
        assert!(error.to_string().contains("the compiler panicked"), "{error}");
        assert!(engine.precompile_module(PROGRAM, Precompiled::Native).is_err() && module.serialize().is_err());
        assert_eq!(runs(&engine, &module).unwrap(), 3);
    }
}

#[test]
fn native_code_without_a_way_into_it_is_interpreted_and_one_without_a_way_out_is_an_error() {
    for mode in [RunMode::Jit, RunMode::Auto] {
        let engine = engine(mode, CompilerPanic::OfSignatures);
        let module = module(&engine, PROGRAM);
        assert_eq!(module.native_functions(), if mode == RunMode::Jit { 4 } else { 0 });
        // Entered by the host, everything is interpreted: nothing calls the host from native code.
        assert_eq!(runs(&engine, &module).unwrap(), 3, "{mode:?}");
    }
}

#[test]
fn a_call_for_which_the_compiler_panics_is_an_error() {
    // An artifact has the ways in and out that the module says it needs; that to what the host puts into a table is none.
    let text = r#"(module (table (export "t") 1 funcref) (type $f (func (param f32) (result f64)))
        (func (export "f") (result f64) (call_indirect (type $f) (f32.const 1) (i32.const 0))))"#;
    let good = Engine::new(Config::new().run_mode(RunMode::Jit)).unwrap();
    let artifact = good.precompile_module(text, Precompiled::Native).unwrap();
    let run = |engine: &Engine| {
        // SAFETY: made above, and unchanged.
        let module = unsafe { Module::deserialize(engine, &artifact) }.unwrap();
        let mut store = Store::new(engine, ());
        let instance = Instance::new(&mut store, &module, &[]).unwrap();
        let func = Func::wrap(&mut store, |x: f32| f64::from(x) + 0.5);
        let table = instance.get_table(&mut store, "t").unwrap();
        table.set(&mut store, 0, Ref::Func(Some(func))).unwrap();
        instance.get_typed_func::<(), f64>(&mut store, "f").unwrap().call(&mut store, ())
    };
    assert_eq!(run(&good).unwrap(), 1.5);
    assert_eq!(trap_of(&run(&engine(RunMode::Jit, CompilerPanic::OfSignatures)).unwrap_err()), Trap::OutOfMemory);
}
