//! Stack exhaustion: it always ends in a trap, and the store remains usable.

use kinglet::{Caller, Config, Engine, Extern, Func, FuncType, Instance, Linker, RunMode, Store, Trap, Val, ValType};

use crate::{engine, load, load_with, module, trap, trap_of};

#[test]
fn every_endless_recursion_traps_and_the_store_remains_usable() {
    let (mut store, instance) = load(
        r#"(module
            (type $t (func)) (type $v (func (param v128)))
            (table funcref (elem $indirect))
            (elem declare func $by_ref)
            (func $direct (export "direct") (call $direct))
            (func $indirect (export "indirect") (call_indirect (type $t) (i32.const 0)))
            (func $by_ref (export "by_ref") (call_ref $t (ref.func $by_ref)))
            (func $even (export "mutual") (call $odd))
            (func $odd (call $even))
            (func $vector (param v128) (call $vector (local.get 0)))
            (func (export "vector") (call $vector (v128.const i64x2 1 2)))
            (func (export "fine") (param i32) (result i32)
                (if (result i32) (local.get 0)
                    (then (i32.add (i32.const 1) (call 6 (i32.sub (local.get 0) (i32.const 1)))))
                    (else (i32.const 0)))))"#
            .replace("call 6", "call $fine")
            .replace("(func (export \"fine\")", "(func $fine (export \"fine\")")
            .as_str(),
    );
    for name in ["direct", "indirect", "by_ref", "mutual", "vector", "direct"] {
        assert_eq!(trap(&mut store, &instance, name), Trap::StackOverflow, "{name}");
        let fine = instance.get_typed_func::<i32, i32>(&mut store, "fine").unwrap();
        assert_eq!(fine.call(&mut store, 10_000).unwrap(), 10_000);
    }
}

/// A guest and a host function that call each other.
fn ping_pong(config: &Engine) -> (Store<u32>, Instance) {
    let text = r#"(module (import "host" "f" (func $host)) (func (export "g") (call $host)))"#;
    let mut linker = Linker::new(config);
    linker
        .func_wrap("host", "f", |mut caller: Caller<'_, u32>| {
            *caller.data_mut() += 1;
            let g = caller.get_export("g").and_then(Extern::into_func).unwrap();
            g.call(&mut caller, &[], &mut [])
        })
        .unwrap();
    let mut store = Store::new(config, 0);
    let instance = linker.instantiate(&mut store, &module(config, text)).unwrap();
    (store, instance)
}

#[test]
fn recursion_between_host_and_guest_does_not_overflow_the_hosts_stack() {
    let native = cfg!(feature = "jit").then_some(RunMode::Jit);
    for mode in [RunMode::Auto, RunMode::Interpreter].into_iter().chain(native) {
        let (mut store, instance) = ping_pong(&Engine::new(Config::new().run_mode(mode)).unwrap());
        let g = instance.get_typed_func::<(), ()>(&mut store, "g").unwrap();
        let mut depths = Vec::new();
        for _ in 0..3 {
            *store.data_mut() = 0;
            assert_eq!(trap_of(&g.call(&mut store, ()).unwrap_err()), Trap::StackOverflow);
            depths.push(*store.data());
        }
        // The first call compiles trampolines, so the compiler's frames are on the stack. The size of frames depends on
        // the native functions.
        let same = mode == RunMode::Auto || (depths[1].abs_diff(depths[0]) <= 5 && depths[1] == depths[2]);
        assert!(depths[0] > 10 && same, "{mode:?}: {depths:?}");
    }
}

#[test]
fn recursion_that_starts_in_a_host_function_traps() {
    let (mut store, instance) = ping_pong(&Engine::default());
    let g = instance.get_func(&mut store, "g").unwrap();
    let begin = Func::wrap(&mut store, move |mut caller: Caller<'_, u32>| g.call(&mut caller, &[], &mut []));
    assert_eq!(trap_of(&begin.call(&mut store, &[], &mut []).unwrap_err()), Trap::StackOverflow);
}

#[test]
fn endless_recursion_of_host_functions_traps() {
    // The host function calls the function that the guest passes, which is the host function itself.
    let engine = Engine::default();
    let mut linker: Linker<()> = Linker::new(&engine);
    linker
        .func_wrap("host", "apply", |mut caller: Caller<'_, ()>, f: Option<Func>| {
            let f = f.unwrap();
            f.call(&mut caller, &[f.into()], &mut [])
        })
        .unwrap();
    let text = r#"(module (import "host" "apply" (func $apply (param funcref))) (elem declare func $apply)
        (func (export "run") (call $apply (ref.func $apply))))"#;
    let mut store = Store::new(&engine, ());
    let instance = linker.instantiate(&mut store, &module(&engine, text)).unwrap();
    let run = instance.get_typed_func::<(), ()>(&mut store, "run").unwrap();
    assert_eq!(trap_of(&run.call(&mut store, ()).unwrap_err()), Trap::StackOverflow);
    let apply = linker.get(&mut store, "host", "apply").and_then(Extern::into_func).unwrap();
    assert_eq!(trap_of(&apply.call(&mut store, &[apply.into()], &mut []).unwrap_err()), Trap::StackOverflow);
}

#[test]
fn the_host_stack_limit_can_be_lowered_for_a_small_stack() {
    let engine = engine(|config| {
        config.max_host_stack(64 << 10);
    });
    let thread = std::thread::Builder::new().stack_size(256 << 10).spawn(move || {
        let (mut store, instance) = ping_pong(&engine);
        let g = instance.get_typed_func::<(), ()>(&mut store, "g").unwrap();
        trap_of(&g.call(&mut store, ()).unwrap_err())
    });
    assert_eq!(thread.unwrap().join().unwrap(), Trap::StackOverflow);
}

#[test]
fn huge_frames_fit_or_trap() {
    let (mut store, instance) = load(
        r#"(module
            (func $f (export "f") (param i32) (result i32)
                (local LOCALS)
                (if (i32.eqz (local.get 0)) (then (return (local.get 49999))))
                (local.set 49999 (call $f (i32.sub (local.get 0) (i32.const 1))))
                (i32.add (local.get 49999) (i32.const 1)))
            (func (export "endless") (drop (call $f (i32.const -1)))))"#
            .replace("LOCALS", &"i32 ".repeat(49_999))
            .as_str(),
    );
    let f = instance.get_typed_func::<i32, i32>(&mut store, "f").unwrap();
    assert_eq!(f.call(&mut store, 20).unwrap(), 20);
    assert_eq!(trap(&mut store, &instance, "endless"), Trap::StackOverflow);
    assert_eq!(f.call(&mut store, 20).unwrap(), 20);
}

#[test]
fn a_frame_larger_than_the_whole_stack_traps() {
    let engine = engine(|config: &mut Config| {
        // Native code does not allocate unused locals.
        config.max_wasm_stack(64 << 10).run_mode(RunMode::Interpreter);
    });
    let text = format!(r#"(module (func (export "f") (local {})))"#, "v128 ".repeat(50_000));
    let (mut store, instance) = load_with(&engine, &text);
    assert_eq!(trap(&mut store, &instance, "f"), Trap::StackOverflow);
}

#[test]
fn calls_with_many_parameters_at_the_end_of_the_stack_trap() {
    let list = "v128 ".repeat(1000);
    let gets: String = (0..1000).map(|i| format!("(local.get {i})")).collect();
    let text = format!(
        r#"(module (import "host" "f" (func $host (param {list}) (result {list})))
            (func $f (export "f") (param {list}) (result {list}) {gets} (call $host) (call $f))
            (func (export "direct") (param {list}) (result {list}) {gets} (call $host)))"#
    );
    for size in [64 << 10, 100_000, 131_072, 1 << 20] {
        let engine = engine(|config| {
            config.max_wasm_stack(size);
        });
        let mut linker: Linker<()> = Linker::new(&engine);
        let ty = FuncType::new([ValType::V128; 1000], [ValType::V128; 1000]);
        linker
            .func_new("host", "f", ty, |_, given, results| {
                results.copy_from_slice(given);
                Ok(())
            })
            .unwrap();
        let mut store = Store::new(&engine, ());
        let instance = linker.instantiate(&mut store, &module(&engine, &text)).unwrap();
        let given = vec![Val::V128(Default::default()); 1000];
        let mut back = given.clone();
        for name in ["f", "direct", "f"] {
            let func = instance.get_func(&mut store, name).unwrap();
            match func.call(&mut store, &given, &mut back) {
                Ok(()) => assert_eq!(name, "direct"),
                Err(error) => assert_eq!(trap_of(&error), Trap::StackOverflow),
            }
        }
    }
}

#[test]
fn a_larger_guest_stack_allows_deeper_recursion() {
    let depth = |size: usize| {
        let engine = engine(|config| {
            // Native frames have another size, so the recursion must not change tiers.
            config.max_wasm_stack(size).max_host_stack(size).run_mode(kinglet::RunMode::Interpreter);
        });
        let text = r#"(module (global $n (export "n") (mut i32) (i32.const 0))
            (func $f (export "f") (global.set $n (i32.add (global.get $n) (i32.const 1))) (call $f)))"#;
        let (mut store, instance) = load_with(&engine, text);
        assert_eq!(trap(&mut store, &instance, "f"), Trap::StackOverflow);
        instance.get_global(&mut store, "n").unwrap().get(&store).i32().unwrap()
    };
    let (small, large) = (depth(128 << 10), depth(1 << 20));
    assert!(small > 500 && (7 * small..9 * small).contains(&large), "{small} {large}");
}
