//! The contract of both tiers. The tests compile every combination of functions to native code where that is feasible.
//! Guest and host must not notice the difference.

use std::fmt::Write as _;

use kinglet::{
    Config, Engine, ExternRef, Feature, Func, Instance, Linker, Module, RunMode, Store, Trap, V128, Val, WasmBacktrace,
    testing,
};

/// Returns an engine with the proposals that the tests need.
fn engine(gas: bool) -> Engine {
    let mut config = Config::new();
    config.feature(Feature::Gc, true).feature(Feature::Exceptions, true).gas(gas);
    config.run_mode(RunMode::Interpreter);
    Engine::new(&config).unwrap()
}

struct Guest {
    store: Store<()>,
    instance: Instance,
}

impl Guest {
    /// Instantiates a module in which the functions with their bits in `native` are native.
    fn new(engine: &Engine, wat: &str, native: u32) -> Guest {
        let module = Module::new(engine, wat).unwrap_or_else(|e| panic!("{e:?}\n{wat}"));
        let mut store = Store::new(engine, ());
        let _ = store.set_gas(u64::MAX);
        let mut linker = Linker::new(engine);
        linker
            .func_wrap("host", "collect", |mut caller: kinglet::Caller<'_, ()>| testing::collect(&mut caller))
            .unwrap();
        linker.func_wrap("host", "add", |a: i32, b: i32| a + b).unwrap();
        let instance = linker.instantiate(&mut store, &module).unwrap();
        for func in (0..32).filter(|func| native & 1 << func != 0) {
            testing::compile_func(&mut store, instance, func).unwrap_or_else(|e| panic!("function {func}: {e}"));
        }
        Guest { store, instance }
    }

    fn func(&mut self, name: &str) -> Func {
        self.instance.get_func(&mut self.store, name).unwrap()
    }

    /// Calls a function and returns its results as text.
    fn call(&mut self, name: &str, args: &[Val]) -> kinglet::Result<String> {
        let func = self.func(name);
        let mut results = vec![Val::I32(0); func.ty(&self.store).results().len()];
        func.call(&mut self.store, args, &mut results)?;
        Ok(format!("{results:?}"))
    }
}

/// Returns all subsets of these functions, as bits.
fn choices(funcs: &[u32]) -> impl Iterator<Item = u32> + '_ {
    (0..1u32 << funcs.len()).map(|choice| {
        let chosen = funcs.iter().enumerate().filter(|(i, _)| choice & 1 << i != 0);
        chosen.map(|(_, func)| 1 << func).sum()
    })
}

/// Types of every kind. A processor has fewer registers than there are values.
const TYPES: [&str; 20] = [
    "i32",
    "i64",
    "f32",
    "f64",
    "v128",
    "externref",
    "funcref",
    "i32",
    "i64",
    "v128",
    "f32",
    "f64",
    "i32",
    "i64",
    "v128",
    "f32",
    "f64",
    "externref",
    "v128",
    "i32",
];

/// Returns values of [`TYPES`].
fn values(store: &mut Store<()>) -> Vec<Val> {
    let value = |(i, ty): (usize, &&str)| {
        let n = i as u64 + 1;
        match *ty {
            "i32" => Val::I32(-(n as i32)),
            "i64" => Val::I64((n << 40 | n) as i64),
            "f32" => Val::F32((n as f32 + 0.5).to_bits()),
            "f64" => Val::F64((n as f64 + 0.25).to_bits()),
            "v128" => Val::V128(V128::from_u128(u128::from(n) << 100 | u128::from(n))),
            "externref" => Val::ExternRef(Some(ExternRef::new(&mut *store, i).unwrap())),
            _ => Val::FuncRef(None),
        }
    };
    TYPES.iter().enumerate().map(value).collect()
}

fn list(types: impl IntoIterator<Item = &'static str>) -> String {
    types.into_iter().collect::<Vec<_>>().join(" ")
}

fn gets(indices: impl IntoIterator<Item = usize>) -> String {
    indices.into_iter().fold(String::new(), |mut text, i| {
        let _ = write!(text, "(local.get {i})");
        text
    })
}

/// `run` calls `middle`, which calls `last`, one of them through a table. Each rotates its parameters, and the results
/// of its callee once more.
fn turning_module() -> String {
    let (forth, back) = (list(TYPES), list(TYPES.into_iter().rev()));
    let turned = gets((0..TYPES.len()).rev());
    format!(
        r#"(module
        (type $forth (func (param {forth}) (result {back})))
        (type $back (func (param {back}) (result {forth})))
        (table funcref (elem $last))
        (func $run (export "run") (type $forth) {turned} (call $middle) (call $turn_forth))
        (func $middle (type $back) {turned} (call_indirect (type $forth) (i32.const 0)) (call $turn_back))
        (func $turn_forth (type $forth) {turned})
        (func $turn_back (type $back) {turned})
        (func $last (type $forth) {turned}))"#
    )
}

#[test]
fn calls_between_tiers_pass_stack_arguments_and_many_results() {
    let engine = engine(false);
    let mut expected = None;
    for native in choices(&[0, 1, 2, 3, 4]) {
        let mut guest = Guest::new(&engine, &turning_module(), native);
        let args = values(&mut guest.store);
        let results = guest.call("run", &args).unwrap();
        assert_eq!(*expected.get_or_insert(results.clone()), results, "native: {native:#b}");
    }
    let mut store = Store::new(&engine, ());
    let turned: Vec<Val> = values(&mut store).into_iter().rev().collect();
    assert_eq!(expected.unwrap(), format!("{turned:?}"));
}

#[test]
fn calls_between_tiers_cross_modules_and_reach_the_host() {
    let engine = engine(false);
    let callee = r#"(module (import "host" "add" (func $add (param i32 i32) (result i32)))
        (func (export "f") (param i32) (result i32) (call $add (local.get 0) (i32.const 1)))
        (func (export "g") (param i32) (result i32) (return_call $add (local.get 0) (i32.const 2))))"#;
    let caller = r#"(module (import "callee" "f" (func $f (param i32) (result i32)))
        (import "callee" "g" (func $g (param i32) (result i32)))
        (func (export "run") (param i32) (result i32)
            (i32.add (call $f (local.get 0)) (call $g (local.get 0))))
        (func (export "tail") (param i32) (result i32) (return_call $g (local.get 0))))"#;
    for native in choices(&[1, 2]) {
        for native_caller in choices(&[2, 3]) {
            let mut guest = Guest::new(&engine, callee, native);
            let mut linker = Linker::new(&engine);
            linker.instance(&mut guest.store, "callee", guest.instance).unwrap();
            let module = Module::new(&engine, caller).unwrap();
            let instance = linker.instantiate(&mut guest.store, &module).unwrap();
            for func in (0..4).filter(|func| native_caller & 1 << func != 0) {
                testing::compile_func(&mut guest.store, instance, func).unwrap();
            }
            let run = instance.get_typed_func::<i32, i32>(&mut guest.store, "run").unwrap();
            let tail = instance.get_typed_func::<i32, i32>(&mut guest.store, "tail").unwrap();
            assert_eq!(run.call(&mut guest.store, 10).unwrap(), 23);
            assert_eq!(tail.call(&mut guest.store, 10).unwrap(), 12);
        }
    }
}

#[test]
fn native_code_calls_the_native_code_of_functions_compiled_later() {
    let engine = engine(false);
    let wat = r#"(module (type $t (func (param i32) (result i32))) (table funcref (elem $callee))
        (func (export "direct") (param i32) (result i32) (call $callee (local.get 0)))
        (func (export "indirect") (param i32) (result i32) (call_indirect (type $t) (local.get 0) (i32.const 0)))
        (func $callee (export "callee") (type $t) (i32.add (local.get 0) (i32.const 1))))"#;
    let mut guest = Guest::new(&engine, wat, 0b011);
    for _ in 0..2 {
        for name in ["direct", "indirect", "callee"] {
            assert_eq!(guest.call(name, &[Val::I32(1)]).unwrap(), "[I32(2)]");
        }
        testing::compile_func(&mut guest.store, guest.instance, 2).unwrap();
    }
}

#[test]
fn ten_million_tail_calls_between_tiers_take_constant_host_stack() {
    let engine = engine(false);
    let few = r#"(module
        (func $a (export "run") (param i32) (result i32)
            (if (i32.eqz (local.get 0)) (then (return (i32.const 1))))
            (return_call $b (i32.sub (local.get 0) (i32.const 1))))
        (func $b (param i32) (result i32)
            (if (i32.eqz (local.get 0)) (then (return (i32.const 2))))
            (return_call $a (i32.sub (local.get 0) (i32.const 1)))))"#;
    for native in [0b01, 0b10] {
        let mut guest = Guest::new(&engine, few, native);
        assert_eq!(guest.call("run", &[Val::I32(10_000_000)]).unwrap(), "[I32(1)]");
        assert_eq!(guest.call("run", &[Val::I32(999_999)]).unwrap(), "[I32(2)]");
    }
}

/// Two functions that tail-call each other with different numbers of stack arguments, and many results.
fn tail_calling_module(step: &str) -> String {
    let n = TYPES.len();
    let (forth, results) = (list(TYPES), list(TYPES.into_iter().rev()));
    let more = list(TYPES.into_iter().chain(TYPES));
    let all = gets(1..=n);
    format!(
        r#"(module
        (type $short (func (param i32 {forth}) (result {results})))
        (type $long (func (param i32 {more}) (result {results})))
        (table funcref (elem $short $long))
        (func $short (export "run") (type $short)
            (if (i32.eqz (local.get 0)) (then {turned} return))
            (i32.sub (local.get 0) (i32.const 1)) {all} {all} {to_long})
        (func $long (type $long)
            (if (i32.eqz (local.get 0)) (then {turned} return))
            (i32.sub (local.get 0) (i32.const 1)) {all} {to_short}))"#,
        turned = gets((1..=n).rev()),
        to_long =
            if step == "direct" { "(return_call $long)" } else { "(return_call_indirect (type $long) (i32.const 1))" },
        to_short = if step == "direct" {
            "(return_call $short)"
        } else {
            "(return_call_indirect (type $short) (i32.const 0))"
        },
    )
}

#[test]
fn tail_calls_between_tiers_with_stack_arguments_and_many_results_take_constant_host_stack() {
    let engine = engine(false);
    for step in ["direct", "indirect"] {
        for native in choices(&[0, 1]) {
            let mut guest = Guest::new(&engine, &tail_calling_module(step), native);
            let mut args = vec![Val::I32(if step == "direct" { 1_000_000 } else { 100_001 })];
            args.extend(values(&mut guest.store));
            let turned: Vec<Val> = args[1..].iter().rev().copied().collect();
            assert_eq!(guest.call("run", &args).unwrap(), format!("{turned:?}"), "{step}, native: {native:#b}");
        }
    }
}

/// Nested loops with operands of every type below each, a loop with parameters, and a loop in one arm of an `if` with
/// operands below both.
const LOOPS: &str = r#"(module
    (import "host" "collect" (func $collect))
    (type $s (struct (field i32) (field f64)))
    (func $id (param i64) (result i64) (call $collect) (local.get 0))
    (func (export "run") (param $n i32) (param $extern externref)
        (result i32 i64 f32 f64 v128 externref i32 f64 i32 i32 i64)
        (local $i i32) (local $j i32) (local $sum i32) (local $s (ref null $s)) (local $t (ref null $s))
        (local.set $s (struct.new $s (i32.const 42) (f64.const 4.5)))
        (i32.const 7) (i64.const 1000000000008) (f32.const 1.5) (f64.const 2.25)
        (v128.const i64x2 3 4) (local.get $extern) (struct.new $s (i32.const 77) (f64.const 0.5))
        (loop $outer
            (local.set $j (i32.const 0))
            (struct.new $s (i32.const 5) (f64.const 0)) (f64.const 1)
            (loop $inner
                (local.set $sum (i32.add (local.get $sum) (local.get $j)))
                (drop (call $id (i64.const 1)))
                (local.set $j (i32.add (local.get $j) (i32.const 1)))
                (br_if $inner (i32.lt_s (local.get $j) (local.get $n))))
            (drop) (local.set $t)
            (local.set $sum (i32.add (local.get $sum) (struct.get $s 0 (local.get $t))))
            (local.set $i (i32.add (local.get $i) (i32.const 1)))
            (br_if $outer (i32.lt_s (local.get $i) (local.get $n))))
        (struct.get $s 0)
        (struct.get $s 1 (local.get $s))
        (local.get $sum)
        (local.set $i (i32.const 0))
        (i32.const 100) (i64.const 3)
        (loop $params (param i32 i64) (result i32 i64)
            (call $id)
            (local.set $i (i32.add (local.get $i) (i32.const 1)))
            (br_if $params (i32.lt_s (local.get $i) (local.get $n))))
        (local.set $j (i32.const 0))
        (i64.const 1)
        (if (param i64) (result i64) (i32.lt_s (i32.const 0) (local.get $n))
            (then
                (loop $arm
                    (local.set $j (i32.add (local.get $j) (i32.const 1)))
                    (br_if $arm (i32.lt_s (local.get $j) (local.get $n)))))
            (else (drop) (i64.const 2)))
        (i64.add)))"#;

#[test]
fn osr_transfers_operands_of_every_type() {
    let engine = engine(false);
    let args = |guest: &mut Guest| {
        let value = ExternRef::new(&mut guest.store, "value").unwrap();
        [Val::I32(9), Val::ExternRef(Some(value))]
    };
    let mut guest = Guest::new(&engine, LOOPS, 0);
    let given = args(&mut guest);
    let expected = guest.call("run", &given).unwrap();
    assert!(expected.contains("I32(77)") && expected.contains("I32(369)"), "{expected}");
    for native in choices(&[1]) {
        for ordinal in 0..4 {
            for always in [false, true] {
                let mut guest = Guest::new(&engine, LOOPS, native);
                testing::compile_loop(&mut guest.store, guest.instance, 2, ordinal).unwrap();
                testing::collect_always(&mut guest.store, always);
                let before = testing::loops_entered(&mut guest.store);
                let given = args(&mut guest);
                assert_eq!(guest.call("run", &given).unwrap(), expected, "loop {ordinal}");
                assert!(testing::loops_entered(&mut guest.store) > before, "loop {ordinal} was not entered");
            }
        }
    }
}

#[test]
fn a_tail_call_after_osr_takes_constant_host_stack() {
    let engine = engine(false);
    let wat = r#"(module (func $f (export "run") (param $n i32) (param $i i32) (result i32)
        (if (i32.eqz (local.get $n)) (then (return (i32.const 5))))
        (loop $l
            (local.set $i (i32.add (local.get $i) (i32.const 1)))
            (br_if $l (i32.lt_s (local.get $i) (i32.const 3))))
        (return_call $f (i32.sub (local.get $n) (i32.const 1)) (i32.const 0))))"#;
    let mut guest = Guest::new(&engine, wat, 0);
    testing::compile_loop(&mut guest.store, guest.instance, 0, 0).unwrap();
    assert_eq!(guest.call("run", &[Val::I32(20_000), Val::I32(0)]).unwrap(), "[I32(5)]");
    assert_eq!(testing::loops_entered(&mut guest.store), 20_000);
}

const THROWS: &str = r#"(module
    (type $s (struct (field i32)))
    (tag $a (param i32 v128 f64 (ref null $s))) (tag $b) (tag $c (param i64))
    (func $catch (export "run") (param $which i32) (result i32 v128 f64 (ref null $s) i32)
        (block $all
            (block $tagged (result i32 v128 f64 (ref null $s))
                (block $other (result i64)
                    (try_table (catch $c $other) (catch $a $tagged) (catch_all $all)
                        (call $middle (local.get $which)))
                    (i32.const 1) (v128.const i64x2 1 1) (f64.const 1) (ref.null $s) (i32.const 1) (return))
                (drop) (i32.const 2) (v128.const i64x2 2 2) (f64.const 2) (ref.null $s) (i32.const 2) (return))
            (i32.const 3) (return))
        (i32.const 4) (v128.const i64x2 4 4) (f64.const 4) (ref.null $s) (i32.const 4))
    (func $middle (param $which i32)
        (block $b (try_table (catch $b $b) (call $last (local.get $which))) (return))
        (throw $c (i64.const 9)))
    (func $last (param $which i32)
        (if (i32.eq (local.get $which) (i32.const 1))
            (then (throw $a (i32.const 11) (v128.const i64x2 12 13) (f64.const 14) (struct.new $s (i32.const 15)))))
        (if (i32.eq (local.get $which) (i32.const 2)) (then (throw $b)))
        (if (i32.eq (local.get $which) (i32.const 3)) (then (throw $c (i64.const 1)))))
    (func (export "field") (param i32) (result i32) (local $s (ref null $s))
        (call $catch (local.get 0)) (drop) (local.set $s) (drop) (drop) (drop)
        (struct.get $s 0 (local.get $s)))
    (func (export "uncaught") (call $last (i32.const 1)))
    (func (export "inner") (param $which i32) (result i32)
        (block $outer (result i32 v128 f64 (ref null $s))
            (try_table (catch $a $outer)
                (block $all (try_table (catch_all $all) (call $last (local.get $which))))
                (call $last (local.get $which)))
            (return (i32.const -1)))
        (drop) (drop) (drop)))"#;

#[test]
fn exceptions_are_caught_in_the_other_tier() {
    let engine = engine(false);
    for native in choices(&[0, 1, 2, 3, 4, 5]) {
        let mut guest = Guest::new(&engine, THROWS, native);
        let case = format!("native: {native:#b}");
        // The last result is the number of the handler that ran.
        for (which, way) in [(0, 1), (1, 3), (2, 2), (3, 2)] {
            let results = guest.call("run", &[Val::I32(which)]).unwrap();
            assert!(results.ends_with(&format!("I32({way})]")), "{case}: {results}");
            assert_eq!(results.contains("AnyRef(Some"), which == 1, "{case}: {results}");
        }
        let results = guest.call("run", &[Val::I32(1)]).unwrap();
        let vector = V128::from_u128(13 << 64 | 12);
        let thrown = format!("{:?}", [Val::I32(11), Val::V128(vector), Val::F64(14f64.to_bits())]);
        assert!(results.starts_with(thrown.trim_end_matches(']')), "{case}: {results}");
        assert_eq!(guest.call("field", &[Val::I32(1)]).unwrap(), "[I32(15)]", "{case}");
        assert_eq!(guest.call("inner", &[Val::I32(1)]).unwrap(), "[I32(11)]", "{case}");
        assert_eq!(guest.call("inner", &[Val::I32(0)]).unwrap(), "[I32(-1)]", "{case}");
        let error = guest.call("uncaught", &[]).unwrap_err();
        assert_eq!(error.downcast_ref::<Trap>(), Some(&Trap::UncaughtException), "{case}");
        // The store remains usable.
        assert_eq!(guest.call("inner", &[Val::I32(1)]).unwrap(), "[I32(11)]", "{case}");
    }
}

#[test]
fn tags_are_compared_by_identity_across_instances_and_tiers() {
    let engine = engine(false);
    let thrower = r#"(module (tag $t (export "t") (param i32)) (tag $u (param i32))
        (func (export "throw_t") (throw $t (i32.const 1)))
        (func (export "throw_u") (throw $u (i32.const 2))))"#;
    // The tag `$u` of this module differs from the tag of the throwing function.
    let catcher = r#"(module
        (import "m" "t" (tag $t (param i32)))
        (import "m" "throw_t" (func $throw_t)) (import "m" "throw_u" (func $throw_u))
        (tag $u (param i32))
        (func (export "t") (result i32)
            (block $t (result i32)
                (drop (block $u (result i32)
                    (try_table (catch $u $u) (catch $t $t) (call $throw_t))
                    (return (i32.const 0))))
                (i32.const -1)))
        (func (export "u") (result i32)
            (block $all
                (return (block $caught (result i32)
                    (try_table (catch $u $caught) (catch $t $caught) (catch_all $all) (call $throw_u))
                    (i32.const 0))))
            (i32.const 9)))"#;
    for native in choices(&[0, 1]) {
        for native_catcher in choices(&[2, 3]) {
            let mut guest = Guest::new(&engine, thrower, native);
            let mut linker = Linker::new(&engine);
            linker.instance(&mut guest.store, "m", guest.instance).unwrap();
            let module = Module::new(&engine, catcher).unwrap();
            let instance = linker.instantiate(&mut guest.store, &module).unwrap();
            for func in (0..4).filter(|func| native_catcher & 1 << func != 0) {
                testing::compile_func(&mut guest.store, instance, func).unwrap();
            }
            let run = instance.get_typed_func::<(), i32>(&mut guest.store, "t").unwrap();
            assert_eq!(run.call(&mut guest.store, ()).unwrap(), 1);
            let run = instance.get_typed_func::<(), i32>(&mut guest.store, "u").unwrap();
            assert_eq!(run.call(&mut guest.store, ()).unwrap(), 9);
        }
    }
}

const TRAPS: &str = r#"(module
    (type $s (struct (field i32)))
    (type $t (func (param i32))) (type $other (func (param i64)))
    (memory 1) (table 4 funcref) (elem (i32.const 0) $last $wrong)
    (func $run (export "run") (param i32) (call $middle (local.get 0) (i32.const 1)) (drop))
    (func $middle (param i32 i32) (result i32)
        (call_indirect (type $t) (local.get 0) (i32.const 0)) (local.get 1))
    (func $last (type $t)
        (if (i32.eq (local.get 0) (i32.const 0)) (then (unreachable)))
        (if (i32.eq (local.get 0) (i32.const 1)) (then (drop (i32.load offset=65533 (i32.const 0)))))
        (if (i32.eq (local.get 0) (i32.const 2)) (then (drop (i32.load offset=4294967295 (i32.const -1)))))
        (if (i32.eq (local.get 0) (i32.const 3)) (then (call_indirect (type $t) (i32.const 0) (i32.const 1))))
        (if (i32.eq (local.get 0) (i32.const 4)) (then (call_indirect (type $t) (i32.const 0) (i32.const 2))))
        (if (i32.eq (local.get 0) (i32.const 5)) (then (call_indirect (type $t) (i32.const 0) (i32.const 4))))
        (if (i32.eq (local.get 0) (i32.const 6)) (then (drop (struct.get $s 0 (ref.null $s)))))
        (if (i32.eq (local.get 0) (i32.const 7)) (then (return_call_indirect (type $t) (i32.const 0) (i32.const 1)))))
    (func $wrong (type $other)))"#;

#[test]
fn the_backtrace_of_a_trap_does_not_depend_on_tiers() {
    let engine = engine(false);
    let expected_traps = [
        Trap::Unreachable,
        Trap::MemoryOutOfBounds,
        Trap::MemoryOutOfBounds,
        Trap::IndirectCallTypeMismatch,
        Trap::UninitializedElement,
        Trap::UndefinedElement,
        Trap::NullStructReference,
        Trap::IndirectCallTypeMismatch,
    ];
    let backtrace = |guest: &mut Guest, which: usize| {
        let error = guest.call("run", &[Val::I32(which as i32)]).unwrap_err();
        assert_eq!(error.downcast_ref::<Trap>(), Some(&expected_traps[which]));
        let backtrace = error.downcast_ref::<WasmBacktrace>().expect("a backtrace");
        backtrace
            .frames()
            .iter()
            .map(|frame| (frame.func_index().unwrap(), frame.offset().unwrap()))
            .collect::<Vec<_>>()
    };
    let mut guest = Guest::new(&engine, TRAPS, 0);
    let expected: Vec<_> = (0..expected_traps.len()).map(|which| backtrace(&mut guest, which)).collect();
    assert!(expected.iter().all(|frames| frames.iter().map(|(func, _)| *func).eq([2, 1, 0])), "{expected:?}");
    for native in choices(&[0, 1, 2]) {
        let mut guest = Guest::new(&engine, TRAPS, native);
        for (which, expected) in expected.iter().enumerate() {
            assert_eq!(backtrace(&mut guest, which), *expected, "trap {which}, native: {native:#b}");
        }
        guest.call("run", &[Val::I32(-1)]).unwrap();
    }
}

#[test]
fn a_loop_entered_by_osr_has_one_frame_and_its_exceptions_reach_the_caller() {
    let engine = engine(false);
    let wat = r#"(module (tag $t)
        (func (export "trap") (param i32) (call $loop (local.get 0)))
        (func (export "throw") (param i32) (result i32)
            (block $t (try_table (catch $t $t) (call $loop (local.get 0))) (return (i32.const 0)))
            (i32.const 1))
        (func $loop (param $way i32) (local $i i32)
            (loop $l
                (if (i32.eq (local.get $i) (i32.const 5)) (then (call $last (local.get $way))))
                (local.set $i (i32.add (local.get $i) (i32.const 1)))
                (br_if $l (i32.lt_s (local.get $i) (i32.const 9)))))
        (func $last (param i32) (if (local.get 0) (then (throw $t))) (unreachable)))"#;
    let frames = |guest: &mut Guest| {
        let error = guest.call("trap", &[Val::I32(0)]).unwrap_err();
        let backtrace = error.downcast_ref::<WasmBacktrace>().expect("a backtrace");
        backtrace.frames().iter().map(|frame| (frame.func_index(), frame.offset())).collect::<Vec<_>>()
    };
    let expected = frames(&mut Guest::new(&engine, wat, 0));
    assert_eq!(expected.len(), 3);
    for native in choices(&[0, 1, 3]) {
        let mut guest = Guest::new(&engine, wat, native);
        testing::compile_loop(&mut guest.store, guest.instance, 2, 0).unwrap();
        let before = testing::loops_entered(&mut guest.store);
        assert_eq!(frames(&mut guest), expected, "native: {native:#b}");
        assert_eq!(guest.call("throw", &[Val::I32(1)]).unwrap(), "[I32(1)]", "native: {native:#b}");
        assert_eq!(testing::loops_entered(&mut guest.store) - before, 2, "native: {native:#b}");
    }
}

#[test]
fn endless_recursion_through_both_tiers_traps() {
    let engine = engine(false);
    let wat = r#"(module
        (func $a (export "run") (param i32) (result i32) (call $b (local.get 0)) (i32.const 1) (i32.add))
        (func $b (param i32) (result i32) (call $a (local.get 0)) (i32.const 1) (i32.add)))"#;
    for native in choices(&[0, 1]) {
        let mut guest = Guest::new(&engine, wat, native);
        for _ in 0..2 {
            let error = guest.call("run", &[Val::I32(0)]).unwrap_err();
            assert_eq!(error.downcast_ref::<Trap>(), Some(&Trap::StackOverflow), "native: {native:#b}");
        }
    }
}

#[test]
fn a_host_error_and_a_panic_pass_frames_of_both_tiers() {
    #[derive(Debug)]
    struct Mine;
    impl std::fmt::Display for Mine {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("mine")
        }
    }
    impl std::error::Error for Mine {}

    let engine = engine(false);
    let wat = r#"(module (import "test" "fail" (func $fail (param i32)))
        (func $a (export "run") (param i32) (call $b (local.get 0)))
        (func $b (param i32) (call $c (local.get 0)))
        (func $c (param i32) (block (try_table (catch_all 0) (call $fail (local.get 0))))))"#;
    let module = Module::new(&engine, wat).unwrap();
    for native in choices(&[1, 2, 3]) {
        let mut store = Store::new(&engine, ());
        let mut linker = Linker::new(&engine);
        let fail = |which: i32| match which {
            0 => Err::<(), _>(kinglet::Error::new(Mine)),
            _ => panic!("on purpose"),
        };
        linker.func_wrap("test", "fail", fail).unwrap();
        let instance = linker.instantiate(&mut store, &module).unwrap();
        for func in (1..4).filter(|func| native & 1 << func != 0) {
            testing::compile_func(&mut store, instance, func).unwrap();
        }
        let run = instance.get_typed_func::<i32, ()>(&mut store, "run").unwrap();
        assert!(run.call(&mut store, 0).unwrap_err().is::<Mine>());
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| run.call(&mut store, 1)));
        assert_eq!(panicked.unwrap_err().downcast_ref::<&str>(), Some(&"on purpose"));
        assert!(run.call(&mut store, 0).unwrap_err().is::<Mine>());
    }
}

/// Functions that call one another down to a depth, each with references in locals, on the operand stack and in
/// arguments.
const OBJECTS: &str = r#"(module
    (import "host" "collect" (func $collect))
    (type $node (struct (field i32) (field (ref null $node)) (field v128) (field (ref null $node))))
    (global $kept (mut (ref null $node)) (ref.null $node))
    (func $a (param $depth i32) (param $list (ref null $node)) (result (ref null $node))
        (local $mine (ref null $node))
        (local.set $mine (struct.new $node (local.get $depth) (local.get $list) (v128.const i64x2 1 2) (global.get $kept)))
        (if (i32.eqz (local.get $depth)) (then (call $collect) (return (local.get $mine))))
        (call $check (local.get $mine) (local.get $depth))
        (struct.new $node (i32.const 1000) (local.get $mine) (v128.const i64x2 3 4) (local.get $mine))
        (call $b (i32.sub (local.get $depth) (i32.const 1)) (local.get $mine))
        (call $join)
        (call $check (local.get $mine) (local.get $depth)))
    (func $b (param $depth i32) (param $list (ref null $node)) (result (ref null $node))
        (local $mine (ref null $node))
        (local.set $mine (struct.new $node (local.get $depth) (local.get $list) (v128.const i64x2 1 2) (ref.null $node)))
        (global.set $kept (local.get $mine))
        (if (i32.eqz (local.get $depth)) (then (call $collect) (return (local.get $mine))))
        (call $check (local.get $mine) (local.get $depth))
        (struct.new $node (i32.const 2000) (local.get $mine) (v128.const i64x2 3 4) (local.get $list))
        (call $a (i32.sub (local.get $depth) (i32.const 1)) (local.get $mine))
        (call $join)
        (call $check (local.get $mine) (local.get $depth)))
    (func $join (param $x (ref null $node)) (param $y (ref null $node)) (result (ref null $node))
        (struct.new $node (struct.get $node 0 (local.get $x)) (local.get $x) (v128.const i64x2 5 6) (local.get $y)))
    (func $check (param $x (ref null $node)) (param $depth i32)
        (call $collect)
        (if (i32.ne (struct.get $node 0 (local.get $x)) (local.get $depth)) (then (unreachable))))
    (func $sum (param $x (ref null $node)) (param $levels i32) (result i32)
        (if (ref.is_null (local.get $x)) (then (return (i32.const 1))))
        (if (i32.eqz (local.get $levels)) (then (return (struct.get $node 0 (local.get $x)))))
        (i32.add (struct.get $node 0 (local.get $x))
            (i32.add
                (i32.mul (i32.const 3) (call $sum (struct.get $node 1 (local.get $x)) (i32.sub (local.get $levels) (i32.const 1))))
                (i32.mul (i32.const 5) (call $sum (struct.get $node 3 (local.get $x)) (i32.sub (local.get $levels) (i32.const 1)))))))
    (func (export "run") (param i32) (result i32)
        (call $sum (call $a (local.get 0) (ref.null $node)) (i32.const 12))))"#;

#[test]
fn references_survive_a_moving_collection_at_every_call_in_frames_of_both_tiers() {
    let engine = engine(false);
    let mut guest = Guest::new(&engine, OBJECTS, 0);
    // Without the test's collections, no reference to the heap moves.
    let unmoved = OBJECTS.replace("(call $collect)", "");
    let mut still = Guest::new(&engine, &unmoved, 0);
    let expected = still.call("run", &[Val::I32(10)]).unwrap();
    assert_eq!(testing::collections(&mut still.store), 0);
    assert_eq!(guest.call("run", &[Val::I32(10)]).unwrap(), expected);
    for native in choices(&[1, 2, 3, 4, 5, 6]) {
        let mut guest = Guest::new(&engine, OBJECTS, native);
        testing::collect_always(&mut guest.store, true);
        assert_eq!(guest.call("run", &[Val::I32(10)]).unwrap(), expected, "native: {native:#b}");
        assert!(testing::collections(&mut guest.store) > 40);
    }
}

#[test]
fn garbage_is_collected_when_the_heap_is_full_in_both_tiers() {
    let engine = engine(false);
    let wat = r#"(module (type $s (struct (field i64) (field (ref null $s))))
        (func (export "run") (param $n i32) (result i64) (local $s (ref null $s))
            (loop $l
                (local.set $s (struct.new $s (i64.const 7)
                    (struct.new $s (i64.const 8) (ref.null $s))))
                (local.set $n (i32.sub (local.get $n) (i32.const 1)))
                (br_if $l (local.get $n)))
            (struct.get $s 0 (struct.get $s 1 (local.get $s)))))"#;
    for native in choices(&[0]) {
        let mut guest = Guest::new(&engine, wat, native);
        assert_eq!(guest.call("run", &[Val::I32(1_000_000)]).unwrap(), "[I64(8)]");
        let collections = testing::collections(&mut guest.store);
        assert!((2..200).contains(&collections), "{collections}");
    }
}

/// A program with straight-line code, branches, loops, calls of all kinds, and an exception.
const METERED: &str = r#"(module
    (type $t (func (param i32) (result i32))) (type $s (struct (field i32)))
    (tag $e (param i32)) (table funcref (elem $leaf $tail))
    (func $run (export "run") (param $n i32) (result i32) (local $i i32) (local $sum i32)
        (loop $outer
            (local.set $sum (i32.add (local.get $sum) (call $middle (local.get $i))))
            (local.set $i (i32.add (local.get $i) (i32.const 1)))
            (br_if $outer (i32.lt_s (local.get $i) (local.get $n))))
        (local.get $sum))
    (func $middle (param $n i32) (result i32) (local $j i32)
        (block $caught (result i32)
            (try_table (catch $e $caught)
                (loop $inner
                    (drop (call_indirect (type $t) (local.get $j) (i32.const 0)))
                    (drop (call_indirect (type $t) (local.get $j) (i32.const 1)))
                    (local.set $j (i32.add (local.get $j) (i32.const 1)))
                    (br_if $inner (i32.lt_s (local.get $j) (local.get $n)))))
            (struct.get $s 0 (struct.new $s (local.get $j)))))
    (func $leaf (type $t)
        (if (result i32) (i32.eq (local.get 0) (i32.const 4))
            (then (throw $e (i32.const 50)))
            (else (local.get 0))))
    (func $tail (type $t)
        (if (i32.eqz (local.get 0)) (then (return (i32.const 1))))
        (return_call $tail (i32.sub (local.get 0) (i32.const 1)))))"#;

#[test]
fn gas_is_the_same_in_interpreter_native_and_mixed_code() {
    let engine = engine(true);
    const FULL: u64 = 1_000_000;
    let run = |guest: &mut Guest, gas: u64| {
        guest.store.set_gas(gas).unwrap();
        let result = guest.call("run", &[Val::I32(8)]).map_err(|e| e.downcast_ref::<Trap>().copied());
        (result, guest.store.gas())
    };
    let mut guest = Guest::new(&engine, METERED, 0);
    let expected = run(&mut guest, FULL);
    let used = FULL - expected.1;
    assert!(expected.0.is_ok() && used > 500, "{expected:?}");
    let budgets: Vec<u64> = (0..used + 20).step_by(7).chain(used - 5..used + 5).collect();
    let expected_at: Vec<_> = budgets.iter().map(|gas| run(&mut guest, *gas)).collect();
    let compare = |guest: &mut Guest, case: &str| {
        assert_eq!(run(guest, FULL), expected, "{case}");
        for (gas, expected) in budgets.iter().zip(&expected_at) {
            assert_eq!(run(guest, *gas), *expected, "{case}, with {gas}");
        }
    };
    for native in choices(&[0, 1, 2, 3]) {
        compare(&mut Guest::new(&engine, METERED, native), &format!("native: {native:#b}"));
    }
    for native in choices(&[2, 3]) {
        for (func, ordinal) in [(0, 0), (1, 0)] {
            let mut guest = Guest::new(&engine, METERED, native);
            testing::compile_loop(&mut guest.store, guest.instance, func, ordinal).unwrap();
            let before = testing::loops_entered(&mut guest.store);
            compare(&mut guest, &format!("loop in {func}, native: {native:#b}"));
            assert!(testing::loops_entered(&mut guest.store) > before);
        }
    }
}

#[test]
fn an_interrupt_stops_a_native_loop() {
    let engine = engine(false);
    let wat = r#"(module (func (export "run") (loop $l (br $l))))"#;
    for native in choices(&[0]) {
        let mut guest = Guest::new(&engine, wat, native);
        let handle = guest.store.interrupt_handle();
        let thread = std::thread::spawn(move || {
            std::thread::sleep(std::time::Duration::from_millis(20));
            handle.interrupt();
        });
        let error = guest.call("run", &[]).unwrap_err();
        assert_eq!(error.downcast_ref::<Trap>(), Some(&Trap::Interrupted));
        thread.join().unwrap();
    }
}
