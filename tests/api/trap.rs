//! Traps: every kind, and their backtraces.

use kinglet::{Engine, Extern, Instance, Linker, Module, Store, Trap, WasmBacktrace};

use crate::{load, load_with, module, throwing_engine, trap, trap_of};

#[test]
fn every_kind_of_trap_is_distinguished() {
    let (mut store, instance) = load_with(
        &throwing_engine(),
        r#"(module
            (type $t (func)) (type $other (func (param i32)))
            (memory 1) (table 3 funcref) (elem (i32.const 1) func $other) (tag $e)
            (func $other (type $other))
            (func (export "unreachable") unreachable)
            (func (export "memory") (drop (i32.load (i32.const 65533))))
            (func (export "memory_offset") (drop (i64.load8_s offset=4294967295 (i32.const -1))))
            (func (export "memory_store") (f64.store (i32.const -1) (f64.const 0)))
            (func (export "memory_fill") (memory.fill (i32.const 1) (i32.const 0) (i32.const 65536)))
            (func (export "table_get") (drop (table.get (i32.const 3))))
            (func (export "table_set") (table.set (i32.const -1) (ref.null func)))
            (func (export "table_fill") (table.fill (i32.const 2) (ref.null func) (i32.const 2)))
            (func (export "undefined") (call_indirect (type $t) (i32.const 3)))
            (func (export "uninitialized") (call_indirect (type $t) (i32.const 0)))
            (func (export "mismatch") (call_indirect (type $t) (i32.const 1)))
            (func (export "overflow") (drop (i32.div_s (i32.const 0x80000000) (i32.const -1))))
            (func (export "overflow64") (drop (i64.div_s (i64.const 0x8000000000000000) (i64.const -1))))
            (func (export "overflow_float") (drop (i32.trunc_f64_u (f64.const 4294967296))))
            (func (export "zero") (drop (i32.rem_u (i32.const 1) (i32.const 0))))
            (func (export "nan") (drop (i64.trunc_f32_s (f32.const nan))))
            (func $deep (export "deep") (call $deep))
            (func (export "null") (drop (ref.as_non_null (ref.null func))))
            (func (export "null_call") (call_ref $t (ref.null $t)))
            (func (export "throw") (throw $e)))"#,
    );
    let expected = [
        ("unreachable", Trap::Unreachable),
        ("memory", Trap::MemoryOutOfBounds),
        ("memory_offset", Trap::MemoryOutOfBounds),
        ("memory_store", Trap::MemoryOutOfBounds),
        ("memory_fill", Trap::MemoryOutOfBounds),
        ("table_get", Trap::TableOutOfBounds),
        ("table_set", Trap::TableOutOfBounds),
        ("table_fill", Trap::TableOutOfBounds),
        ("undefined", Trap::UndefinedElement),
        ("uninitialized", Trap::UninitializedElement),
        ("mismatch", Trap::IndirectCallTypeMismatch),
        ("overflow", Trap::IntegerOverflow),
        ("overflow64", Trap::IntegerOverflow),
        ("overflow_float", Trap::IntegerOverflow),
        ("zero", Trap::IntegerDivideByZero),
        ("nan", Trap::InvalidConversionToInteger),
        ("deep", Trap::StackOverflow),
        ("null", Trap::NullReference),
        ("null_call", Trap::NullFunctionReference),
        ("throw", Trap::UncaughtException),
    ];
    // It runs twice, because a trap must not leave any state behind.
    for (name, kind) in expected.iter().chain(&expected) {
        let func = instance.get_typed_func::<(), ()>(&mut store, name).unwrap();
        let error = func.call(&mut store, ()).unwrap_err();
        assert_eq!(trap_of(&error), *kind, "{name}");
        let backtrace = error.downcast_ref::<WasmBacktrace>().unwrap_or_else(|| panic!("{name} has no backtrace"));
        assert!(backtrace.to_string().starts_with(&format!("wasm trap: {}\n", kind.message())), "{backtrace}");
        assert_eq!(backtrace.frames()[0].func_name(), Some(*name), "{backtrace}");
    }
}

/// Returns the offset of each byte sequence in the binary. Each must occur once.
fn offsets(binary: &[u8], needles: &[&[u8]]) -> Vec<u32> {
    let find = |needle: &&[u8]| {
        let mut found = binary.windows(needle.len()).enumerate().filter(|(_, window)| window == needle);
        let (at, _) = found.next().unwrap_or_else(|| panic!("{needle:x?} occurs"));
        assert!(found.next().is_none(), "{needle:x?} occurs once");
        at as u32
    };
    needles.iter().map(find).collect()
}

#[test]
fn a_backtrace_has_names_indices_and_offsets() {
    let text = r#"(module $calls
        (import "a" "b" (func $imported))
        (table funcref (elem $last))
        (func (export "run") (param i32) (result i32)
            (local.set 0 (i32.add (local.get 0) (i32.const 0x1111)))
            (i32.add (call $middle (local.get 0) (i32.const 0x1112)) (i32.const 1)))
        (func $middle (param i32 i32) (result i32)
            (drop (i32.const 0x1113))
            (call_indirect (param i32) (result i32) (i32.add (local.get 0) (local.get 1)) (i32.const 0)))
        (func $last (param i32) (result i32)
            (if (i32.lt_s (local.get 0) (i32.const 0x1114)) (then (return (i32.const 3))))
            (i32.div_u (i32.const 0x1115) (i32.sub (local.get 0) (local.get 0)))))"#;
    let binary = wat::parse_str(text).unwrap();
    let engine = Engine::default();
    let mut linker: Linker<()> = Linker::new(&engine);
    linker.func_wrap("a", "b", || ()).unwrap();
    let mut store = Store::new(&engine, ());
    let instance = linker.instantiate(&mut store, &Module::new(&engine, &binary).unwrap()).unwrap();
    let run = instance.get_typed_func::<i32, i32>(&mut store, "run").unwrap();
    let error = run.call(&mut store, 5).unwrap_err();
    let frames = error.downcast_ref::<WasmBacktrace>().unwrap().frames();
    let found: Vec<_> = frames.iter().map(|f| (f.func_name().unwrap(), f.func_index().unwrap())).collect();
    assert_eq!(found, [("last", 3), ("middle", 2), ("run", 1)]);
    // `local.get 0, local.get 0, i32.sub, i32.div_u`; `i32.const 0, call_indirect`; `call $middle`.
    let expected = offsets(&binary, &[b"\x20\0\x20\0\x6b\x6e", b"\x41\0\x11", b"\x10\x02"]);
    let expected = [expected[0] + 5, expected[1] + 2, expected[2]];
    let found: Vec<_> = frames.iter().map(|f| f.offset().unwrap()).collect();
    assert_eq!(found, expected, "{}", error.downcast_ref::<WasmBacktrace>().unwrap());
    assert!(frames.iter().all(|f| f.module_name() == Some("calls")));
    let text = error.downcast_ref::<WasmBacktrace>().unwrap().to_string();
    assert!(text.contains(&format!("0: last (func[3]) at {:#x} in calls: i32.div_u", expected[0])), "{text}");
}

/// The trapping instruction, in all forms in which it is fused with its neighbours.
#[test]
fn fusion_does_not_change_the_offset_of_the_trapping_instruction() {
    // The text of the body, and its bytes up to the trapping opcode.
    let bodies: [(&str, &[u8], u32); 8] = [
        ("(local.set 0 (i32.load offset=77 (i32.const -1)))", b"\x28\x02\x4d", 0),
        ("(i32.store offset=78 (i32.const -1) (i32.add (local.get 0) (i32.const 1)))", b"\x36\x02\x4e", 0),
        ("(br_if 0 (i32.lt_s (i32.load offset=79 (i32.const -1)) (local.get 0)))", b"\x28\x02\x4f", 0),
        ("(local.set 0 (i32.const 1)) (local.set 0 (i32.rem_s (local.get 0) (i32.const 0)))", b"\x20\0\x41\0\x6f", 4),
        ("(if (i32.eqz (i32.load16_u offset=80 (i32.const -1))) (then nop))", b"\x2f\x01\x50", 0),
        ("(loop (br_if 0 (i32.eq (i32.trunc_f32_s (f32.const nan)) (local.get 0))))", b"\xc0\x7f\xa8", 2),
        ("(block (br_table 0 0 (i32.div_s (i32.const 9) (i32.const 0))))", b"\x41\x09\x41\0\x6d", 4),
        ("(local.set 0 (i32.add (i32.load8_s offset=81 (i32.const -1)) (i32.const 3)))", b"\x2c\0\x51", 0),
    ];
    for (body, bytes, within) in bodies {
        let binary = wat::parse_str(format!(r#"(module (func (export "f") (param i32) {body}) (memory 1))"#)).unwrap();
        let engine = Engine::default();
        let mut store = Store::new(&engine, ());
        let instance = Instance::new(&mut store, &Module::new(&engine, &binary).unwrap(), &[]).unwrap();
        let f = instance.get_typed_func::<i32, ()>(&mut store, "f").unwrap();
        let error = f.call(&mut store, 0).unwrap_err();
        let frame = &error.downcast_ref::<WasmBacktrace>().unwrap().frames()[0];
        assert_eq!(frame.offset(), Some(offsets(&binary, &[bytes])[0] + within), "{body}");
    }
}

#[test]
fn a_backtrace_of_a_deep_stack_keeps_the_innermost_frames() {
    let (mut store, instance) = load(
        r#"(module (func $f (export "f") (param i32)
            (if (i32.eqz (local.get 0)) (then unreachable))
            (call $f (i32.sub (local.get 0) (i32.const 1)))))"#,
    );
    let f = instance.get_typed_func::<i32, ()>(&mut store, "f").unwrap();
    let error = f.call(&mut store, 10_000).unwrap_err();
    let backtrace = error.downcast_ref::<WasmBacktrace>().unwrap();
    assert!((16..=128).contains(&backtrace.frames().len()));
    let more = 10_001 - backtrace.frames().len();
    assert!(backtrace.to_string().ends_with(&format!("{more} more")), "{backtrace}");
}

#[test]
fn a_backtrace_crosses_instances() {
    let engine = Engine::default();
    let mut store = Store::new(&engine, ());
    let mut linker = Linker::new(&engine);
    let inner =
        module(&engine, r#"(module $inner (func $trap (export "f") (drop (i32.load (i32.const 0)))) (memory 0))"#);
    let instance = linker.instantiate(&mut store, &inner).unwrap();
    linker.instance(&mut store, "inner", instance).unwrap();
    let outer = r#"(module $outer (import "inner" "f" (func $f)) (func $go (export "go") (call $f)))"#;
    let outer = linker.instantiate(&mut store, &module(&engine, outer)).unwrap();
    let error = outer.get_typed_func::<(), ()>(&mut store, "go").unwrap().call(&mut store, ()).unwrap_err();
    let frames = error.downcast_ref::<WasmBacktrace>().unwrap().frames();
    let found: Vec<_> = frames.iter().map(|f| (f.module_name().unwrap(), f.func_name().unwrap())).collect();
    assert_eq!(found, [("inner", "trap"), ("outer", "go")]);
}

#[test]
fn a_start_function_that_traps_is_an_error_of_instantiation() {
    let engine = Engine::default();
    let mut store = Store::new(&engine, ());
    let text = "(module (func $main (unreachable)) (start $main))";
    let error = Instance::new(&mut store, &module(&engine, text), &[]).unwrap_err();
    assert_eq!(trap_of(&error), Trap::Unreachable);
    let frames = error.downcast_ref::<WasmBacktrace>().unwrap().frames();
    assert_eq!(frames[0].func_name(), Some("main"));
}

#[test]
fn out_of_bounds_segments_are_errors_after_earlier_ones_are_written() {
    let engine = Engine::default();
    let mut store = Store::new(&engine, ());
    let memory = kinglet::Memory::new(&mut store, kinglet::MemoryType::new(1, None)).unwrap();
    let text = r#"(module (import "a" "m" (memory 1)) (data (i32.const 0) "abc") (data (i32.const 65535) "de"))"#;
    let error = Instance::new(&mut store, &module(&engine, text), &[memory.into()]).unwrap_err();
    assert_eq!(trap_of(&error), Trap::MemoryOutOfBounds);
    assert_eq!((&memory.data(&store)[..3], memory.data(&store)[65535]), (&b"abc"[..], 0));
    let cases = [
        (r#"(module (memory 1) (data (i32.const -1) "a"))"#, Trap::MemoryOutOfBounds),
        (r#"(module (memory i64 1) (data (i64.const -1) "a"))"#, Trap::MemoryOutOfBounds),
        (r#"(module (memory 0) (data (i32.const 1)))"#, Trap::MemoryOutOfBounds),
        (r#"(module (table 1 funcref) (func $f) (elem (i32.const 1) func $f))"#, Trap::TableOutOfBounds),
        (r#"(module (table 1 funcref) (elem (i32.const 2) funcref))"#, Trap::TableOutOfBounds),
    ];
    for (text, kind) in cases {
        let error = Instance::new(&mut store, &module(&engine, text), &[]).unwrap_err();
        assert_eq!(trap_of(&error), kind, "{text}");
    }
}

#[test]
fn the_backtrace_of_an_uncaught_exception_passes_host_functions() {
    let engine = throwing_engine();
    let text = r#"(module (import "host" "f" (func $host)) (tag $e (param i64))
        (func $run (export "run") (try_table (call $host)))
        (func $again (export "again") (throw $e (i64.const 1))))"#;
    let mut linker = Linker::new(&engine);
    linker
        .func_wrap("host", "f", |mut caller: kinglet::Caller<'_, ()>| {
            let again = caller.get_export("again").and_then(Extern::into_func).unwrap();
            again.call(&mut caller, &[], &mut [])
        })
        .unwrap();
    let mut store = Store::new(&engine, ());
    let instance = linker.instantiate(&mut store, &module(&engine, text)).unwrap();
    let error = instance.get_typed_func::<(), ()>(&mut store, "run").unwrap().call(&mut store, ()).unwrap_err();
    assert_eq!(trap_of(&error), Trap::UncaughtException);
    let frames = error.downcast_ref::<WasmBacktrace>().unwrap().frames();
    let names: Vec<_> = frames.iter().map(|f| f.func_name().unwrap()).collect();
    assert_eq!(names, ["again", "run"]);
}

#[test]
fn unimplemented_operations_have_their_own_trap() {
    let engine = crate::engine(|config| {
        config.feature(kinglet::Feature::Gc, true);
    });
    let text = r#"(module (type $a (array i8)) (func (export "f") (drop (array.new_default $a (i32.const 1)))))"#;
    let (mut store, instance) = load_with(&engine, text);
    assert_eq!(trap(&mut store, &instance, "f"), Trap::Unsupported);
}

#[test]
fn the_offset_at_a_functions_entry_is_its_first_instruction() {
    let text = r#"(module (func $f (export "f") (param i32) (result i32) (local i64 i64)
        (i32.add (call $f (i32.add (local.get 0) (i32.const 1))) (i32.const 2))))"#;
    for (gas, expected) in [(false, Trap::StackOverflow), (true, Trap::OutOfGas)] {
        // If the native tier is present, small modules are compiled.
        for mode in [kinglet::RunMode::Interpreter, kinglet::RunMode::Auto] {
            let engine = crate::engine(|config| {
                config.gas(gas).run_mode(mode);
            });
            let (mut store, instance) = crate::load_with(&engine, text);
            assert_eq!(store.set_gas(50).is_ok(), gas);
            let f = instance.get_typed_func::<i32, i32>(&mut store, "f").unwrap();
            let error = f.call(&mut store, 1).unwrap_err();
            assert_eq!(crate::trap_of(&error), expected);
            let frames = error.downcast_ref::<WasmBacktrace>().unwrap().frames();
            let at: Vec<_> = frames[..2].iter().map(|frame| frame.instruction()).collect();
            assert_eq!(at, [Some("local.get"), Some("call")], "{expected} {mode:?}: {frames:?}");
        }
    }
}
