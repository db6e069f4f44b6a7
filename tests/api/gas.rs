//! Gas: exact amounts. A segment is a run of instructions with one entry, and is charged when it is entered. Exhaustion
//! is detected at function entries, at loop headers, before effects that the host can see, and when the outermost call
//! returns.

use std::time::Duration;

use kinglet::{Caller, Config, Engine, Instance, Linker, RunMode, Store, TierThresholds, Trap};

use crate::{engine, module, trap_of};

/// The run modes in this build.
const MODES: &[RunMode] =
    if cfg!(feature = "jit") { &[RunMode::Interpreter, RunMode::Jit, RunMode::Auto] } else { &[RunMode::Interpreter] };

const PLENTY: u64 = 1_000_000;

fn metered() -> Engine {
    engine(|config| {
        config.gas(true).feature(kinglet::Feature::Exceptions, true);
    })
}

fn load(text: &str) -> (Store<()>, Instance) {
    crate::load_with(&metered(), text)
}

/// Returns the cost of a call of `f` with an argument, and the trap that ended the call, if any.
fn cost(store: &mut Store<()>, instance: &Instance, arg: i32) -> (u64, Option<Trap>) {
    store.set_gas(PLENTY).unwrap();
    let f = instance.get_typed_func::<i32, ()>(&mut *store, "f").unwrap();
    let ended = f.call(&mut *store, arg).err().map(|error| trap_of(&error));
    (PLENTY - store.gas(), ended)
}

#[test]
fn segments_charge_every_instruction_once() {
    let cases: [(&str, &[(i32, u64)]); 9] = [
        ("", &[(0, 1)]),
        ("nop nop (drop (i32.add (i32.const 1) (local.get 0)))", &[(0, 7)]),
        ("(block nop)", &[(0, 4)]),
        // 1 for the loop, then 5 for each iteration, then 2 for both ends.
        ("(loop (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))", &[(1, 8), (10, 53), (1000, 5003)]),
        // An arm that is not taken costs nothing. `else` belongs to the arm before it, `end` to the arm that falls
        // through to it.
        ("(if (local.get 0) (then nop) (else nop nop))", &[(1, 5), (0, 6)]),
        ("(if (local.get 0) (then nop nop nop))", &[(1, 7), (0, 3)]),
        ("(block (br_if 0 (local.get 0)) nop nop)", &[(1, 4), (0, 7)]),
        ("(block (br 0) nop nop nop)", &[(0, 3)]),
        ("(block (block (br_table 0 1 (local.get 0))) nop nop nop)", &[(0, 9), (1, 5)]),
    ];
    for (body, expected) in cases {
        let (mut store, instance) = load(&format!(r#"(module (func (export "f") (param i32) {body}))"#));
        for (arg, gas) in expected {
            assert_eq!(cost(&mut store, &instance, *arg), (*gas, None), "{body} of {arg}");
        }
    }
}

#[test]
fn a_trapping_segment_is_charged_completely() {
    let (mut store, instance) = load(
        r#"(module (func (export "f") (param i32)
            nop (drop (i32.div_u (i32.const 1) (local.get 0))) nop nop nop (block nop) nop))"#,
    );
    // nop, const, get, div, drop, nop ×3, block, nop, end.
    assert_eq!(cost(&mut store, &instance, 0), (11, Some(Trap::IntegerDivideByZero)));
    assert_eq!(cost(&mut store, &instance, 1), (13, None));
}

#[test]
fn calls_end_segments_and_callees_are_charged_separately() {
    let (mut store, instance) = load(
        r#"(module (type $t (func)) (table funcref (elem $g))
            (func $g nop nop)
            (func (export "f") (param i32) (call $g) (call_indirect (type $t) (i32.const 0)) nop (return_call $g)))"#,
    );
    // call 1, g 3, const and call_indirect 2, g 3, nop and return_call 2, g 3.
    assert_eq!(cost(&mut store, &instance, 0), (14, None));
}

#[test]
fn the_exact_cost_suffices_and_one_unit_less_does_not() {
    let cases = [
        "(loop (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))",
        "(block nop) nop nop",
        "(call $g) (call $g) (call $host)",
        "(drop (memory.grow (i32.const 0))) nop",
    ];
    for body in cases {
        let text = format!(
            r#"(module (import "host" "f" (func $host)) (memory 1) (func $g nop nop) (func (export "f") (param i32) {body}))"#
        );
        let engine = metered();
        let mut linker: Linker<()> = Linker::new(&engine);
        linker.func_wrap("host", "f", || ()).unwrap();
        let mut store = Store::new(&engine, ());
        let instance = linker.instantiate(&mut store, &module(&engine, &text)).unwrap();
        let (needed, ended) = cost(&mut store, &instance, 5);
        assert_eq!(ended, None);
        let f = instance.get_typed_func::<i32, ()>(&mut store, "f").unwrap();
        store.set_gas(needed).unwrap();
        f.call(&mut store, 5).unwrap();
        assert_eq!(store.gas(), 0, "{body}");
        for gas in 0..needed {
            store.set_gas(gas).unwrap();
            let error = f.call(&mut store, 5).expect_err(body);
            assert_eq!((trap_of(&error), store.gas()), (Trap::OutOfGas, 0), "{body} with {gas}");
        }
        store.set_gas(needed).unwrap();
        f.call(&mut store, 5).unwrap();
    }
}

#[test]
fn a_host_function_is_not_called_without_gas() {
    let engine = metered();
    let mut linker = Linker::new(&engine);
    linker
        .func_wrap("host", "f", |mut caller: Caller<'_, u32>| {
            *caller.data_mut() += 1;
        })
        .unwrap();
    let text = r#"(module (import "host" "f" (func $f)) (func (export "f") (block) nop nop nop (call $f)))"#;
    let mut store = Store::new(&engine, 0);
    let instance = linker.instantiate(&mut store, &module(&engine, text)).unwrap();
    let f = instance.get_typed_func::<(), ()>(&mut store, "f").unwrap();
    // block and end 2, nops and call 4, end 1.
    for (gas, runs, works) in [(2, 0, false), (5, 0, false), (6, 1, false), (7, 2, true)] {
        store.set_gas(gas).unwrap();
        let ended = f.call(&mut store, ());
        assert_eq!((*store.data(), ended.is_ok()), (runs, works), "with {gas}");
        if runs == 0 {
            let error = ended.unwrap_err();
            assert_eq!(trap_of(&error), Trap::OutOfGas);
            let frames = error.downcast_ref::<kinglet::WasmBacktrace>().unwrap().frames();
            assert_eq!(frames[0].func_name(), Some("f"));
        }
    }
}

#[test]
fn every_endless_guest_runs_out_of_gas() {
    let (mut store, instance) = load(
        r#"(module (tag $e) (table funcref (elem $tail)) (type $t (func))
            (func (export "loop") (loop (br 0)))
            (func $tail (export "tail") (return_call $tail))
            (func (export "tail_indirect") (return_call_indirect (type $t) (i32.const 0)))
            (func (export "throw") (loop (try_table (catch $e 0) (throw $e))))
            (func $g) (func (export "calls") (loop (call $g) (br 0))))"#,
    );
    for name in ["loop", "tail", "tail_indirect", "throw", "calls"] {
        store.set_gas(PLENTY).unwrap();
        assert_eq!(crate::trap(&mut store, &instance, name), Trap::OutOfGas, "{name}");
        assert_eq!(store.gas(), 0);
    }
}

#[test]
fn operations_have_their_configured_costs() {
    use kinglet::{Module, Store};
    let engine = engine(|config| {
        config.gas(true);
    });
    let module = Module::new(&engine, r#"(module (func (export "f") (param i32) nop))"#).unwrap();
    let mut store = Store::new(&engine, ());
    let instance = Instance::new(&mut store, &module, &[]).unwrap();
    assert_eq!(cost(&mut store, &instance, 0), (2, None));
    store.set_gas(u64::MAX).unwrap();
    instance.get_typed_func::<i32, ()>(&mut store, "f").unwrap().call(&mut store, 0).unwrap();
    assert!(store.gas() >= i64::MAX as u64 - 2);
}

#[test]
fn instantiation_is_charged_for_start_functions() {
    let engine = metered();
    let module = module(&engine, "(module (func $s nop nop) (start $s))");
    let mut store = Store::new(&engine, ());
    store.set_gas(2).unwrap();
    assert_eq!(trap_of(&Instance::new(&mut store, &module, &[]).unwrap_err()), Trap::OutOfGas);
    store.set_gas(3).unwrap();
    Instance::new(&mut store, &module, &[]).unwrap();
    assert_eq!(store.gas(), 0);
}

#[test]
fn bulk_operations_are_charged_by_size() {
    let text = r#"(module (memory 1) (data $d "0123456789012345678901234567890123456789012345678901234567890123")
        (table $t 100 funcref) (elem $e funcref
            (ref.null func) (ref.null func) (ref.null func) (ref.null func)
            (ref.null func) (ref.null func) (ref.null func) (ref.null func))
        (func (export "memory.fill") (param i32) (memory.fill (i32.const 0) (i32.const 1) (local.get 0)))
        (func (export "memory.copy") (param i32) (memory.copy (i32.const 9) (i32.const 0) (local.get 0)))
        (func (export "memory.init") (param i32) (memory.init $d (i32.const 0) (i32.const 0) (local.get 0)))
        (func (export "table.fill") (param i32) (table.fill $t (i32.const 0) (ref.null func) (local.get 0)))
        (func (export "table.copy") (param i32) (table.copy $t $t (i32.const 1) (i32.const 0) (local.get 0)))
        (func (export "table.init") (param i32) (table.init $t $e (i32.const 0) (i32.const 0) (local.get 0))))"#;
    let (mut store, instance) = load(text);
    for (name, unit, most) in [
        ("memory.fill", 64, 1000),
        ("memory.copy", 64, 1000),
        ("memory.init", 64, 1),
        ("table.fill", 8, 12),
        ("table.copy", 8, 12),
        ("table.init", 8, 1),
    ] {
        let func = instance.get_typed_func::<i32, ()>(&mut store, name).unwrap();
        let mut cost = |gas: u64, len: i32| {
            store.set_gas(gas).unwrap();
            let trap = func.call(&mut store, len).err().map(|error| trap_of(&error));
            (gas - store.gas(), trap)
        };
        let (base, trap) = cost(10_000, 0);
        assert_eq!(trap, None, "{name}");
        assert_eq!(cost(10_000, unit - 1), (base, None), "{name} of less than a unit");
        assert_eq!(cost(10_000, unit * most), (base + most as u64, None), "{name} of {most} units");
        assert_eq!(cost(base + most as u64, unit * most), (base + most as u64, None), "{name} with just enough");
        let short = base + most as u64 - 1;
        assert_eq!(cost(short, unit * most), (short, Some(Trap::OutOfGas)), "{name} with too little");
        let (charged, trap) = cost(10_000, i32::MAX);
        assert_ne!(trap, Some(Trap::OutOfGas), "{name}");
        // Only its own segment is charged, not the following one.
        assert!(trap.is_some() && charged == base - 1, "{name} out of bounds: {trap:?}, {charged}");
    }
}

#[test]
fn the_embedder_sets_the_costs_of_operations() {
    let text = r#"(module (memory 1) (func (export "f") (param i32)
        (drop (select (i32.const 1) (i32.const 2) (local.get 0)))
        (drop (select (result i32) (i32.const 1) (i32.const 2) (local.get 0)))
        (i32.store8 (i32.const 0) (i32.const 7))))"#;
    let with = |costs: &[(&str, u64)]| {
        let engine = engine(|config| {
            for (name, cost) in costs {
                config.gas_cost(name, *cost).unwrap();
            }
        });
        let (mut store, instance) = crate::load_with(&engine, text);
        cost(&mut store, &instance, 0)
    };
    assert_eq!(with(&[("nop", 1)]), (14, None));
    assert_eq!(with(&[("select", 11)]), (34, None), "both forms");
    assert_eq!(with(&[("i32.store8", 100), ("drop", 0), ("i32.store8", 5)]), (16, None), "the last setting wins");
    let error = Config::new().gas_cost("i32.stoer", 1).unwrap_err();
    assert!(error.to_string().contains("\"i32.stoer\""), "{error}");
}

#[test]
fn a_metered_store_starts_without_gas() {
    for &mode in MODES {
        let engine = engine(|config| _ = config.gas(true).run_mode(mode));
        let mut store = Store::new(&engine, ());
        assert_eq!(store.gas(), 0);
        let module = module(&engine, r#"(module (func (export "f") (loop (br 0))))"#);
        let instance = Instance::new(&mut store, &module, &[]).unwrap();
        assert_eq!(crate::trap(&mut store, &instance, "f"), Trap::OutOfGas, "{mode:?}");
    }
}

#[test]
fn setting_gas_without_metering_is_an_error() {
    let mut store = Store::new(&Engine::default(), ());
    let error = store.set_gas(1).unwrap_err();
    assert!(error.to_string().contains("Config::gas(true)"), "{error}");
    assert_eq!(store.gas(), 0);
}

#[test]
fn a_negative_cost_is_an_error() {
    for cost in [i64::MAX as u64 + 1, -1_i64 as u64] {
        let error = Config::new().gas_cost("nop", cost).unwrap_err();
        assert!(error.to_string().contains(&format!("nop cannot cost {cost}")), "{error}");
    }
    Config::new().gas_cost("nop", i64::MAX as u64).unwrap();
}

/// Tiers agree if the counter is full, empty, or close to overflow.
#[test]
fn tiers_agree_at_the_limits_of_the_gas_counter() {
    const MOST: u64 = i64::MAX as u64;
    let bodies = [
        "(drop (i32.const 0))",
        "(drop (i32.const 0)) (drop (i32.const 0))",
        "(block (br_if 0 (i32.const 0))) (drop (i32.const 0)) (block (br_if 0 (i32.const 0))) nop",
        "(loop (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))",
        "(block (br_if 0 (i32.const 0))) (call $g) nop",
    ];
    let costs = [0, 1, 1 << 16, (1 << 16) + 1, MOST / 2, MOST - 1, MOST];
    let amounts = [0, 1, 10, 1 << 16, 1 << 17, MOST - 1, MOST, MOST + 1, u64::MAX];
    let thresholds = TierThresholds { sampling_interval: Duration::ZERO, samples: 1, bytes_a_sample: u32::MAX };
    let text =
        |body: &str| format!(r#"(module (func $g (drop (i32.const 0))) (func (export "f") (param i32) {body}))"#);
    for &mode in MODES {
        for cost in costs {
            let with = |constant: u64| {
                let mut config = Config::new();
                config.run_mode(mode).tier_thresholds(thresholds).gas_cost("i32.const", constant).unwrap();
                Engine::new(&config).unwrap()
            };
            let (free, engine) = (with(0), with(cost));
            for body in bodies {
                let (mut store, instance) = crate::load_with(&free, &text(body));
                let (others, _) = self::cost(&mut store, &instance, 3);
                let constants = if body.starts_with("(loop") { 3 } else { body.matches("const").count() as u128 };
                let constants = constants + u128::from(body.contains("call"));
                let total = u128::from(others) + constants * u128::from(cost);
                let (mut store, instance) = crate::load_with(&engine, &text(body));
                let f = instance.get_typed_func::<i32, ()>(&mut store, "f").unwrap();
                for amount in amounts {
                    for _ in 0..3 {
                        store.set_gas(amount).unwrap();
                        let ended = f.call(&mut store, 3).err().map(|error| trap_of(&error));
                        let left = u128::from(amount.min(MOST)).checked_sub(total);
                        let expected = (left.is_none().then_some(Trap::OutOfGas), left.unwrap_or(0) as u64);
                        assert_eq!((ended, store.gas()), expected, "{mode:?}: {body}, {cost} each, of {amount}");
                    }
                }
            }
        }
    }
}
