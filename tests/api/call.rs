//! Calls from the host: typed and untyped, with every value type, and with many values.

use kinglet::{Engine, ExternRef, Func, FuncType, Rooted, Store, V128, Val, ValType};

use crate::load;

/// Returns a module whose function `f` returns its parameters.
fn echo(types: &[&str]) -> String {
    let list = types.join(" ");
    let gets: String = (0..types.len()).map(|i| format!("(local.get {i})")).collect();
    format!(r#"(module (func (export "f") (param {list}) (result {list}) {gets}))"#)
}

#[test]
fn typed_calls_return_every_value_type() {
    let (mut store, instance) = load(&echo(&["i32", "i64", "f32", "f64", "v128", "externref", "funcref", "i32"]));
    type All = (i32, i64, f32, f64, V128, Option<Rooted<ExternRef>>, Option<Func>, u32);
    let f = instance.get_typed_func::<All, All>(&mut store, "f").unwrap();
    let object = ExternRef::new(&mut store, "object").unwrap();
    let vector = V128::from_u128(0x0123_4567_89ab_cdef_1122_3344_5566_7788);
    let given = (i32::MIN, i64::MIN, f32::MIN_POSITIVE, f64::MAX, vector, Some(object), Some(f.func()), u32::MAX);
    let back = f.call(&mut store, given).unwrap();
    assert_eq!((back.0, back.1, back.2, back.3), (given.0, given.1, given.2, given.3));
    assert_eq!((back.4.to_u128(), back.5, back.6, back.7), (vector.to_u128(), given.5, given.6, u32::MAX));
}

#[test]
fn untyped_calls_return_every_value_type() {
    let (mut store, instance) = load(&echo(&["i32", "i64", "f32", "f64", "v128", "externref", "funcref"]));
    let f = instance.get_func(&mut store, "f").unwrap();
    let object = ExternRef::new(&mut store, 7_u8).unwrap();
    // The bits of signalling NaNs do not change.
    let given = [
        Val::I32(-1),
        Val::I64(-2),
        Val::F32(0x7fa0_0001),
        Val::F64(0x7ff4_0000_0000_0001),
        Val::V128(V128::from_u128(u128::MAX - 5)),
        Val::ExternRef(Some(object)),
        Val::FuncRef(Some(f)),
    ];
    let mut back = [Val::I32(0); 7];
    f.call(&mut store, &given, &mut back).unwrap();
    assert_eq!(format!("{given:?}"), format!("{back:?}"));
    let nulls = [given[0], given[1], given[2], given[3], given[4], Val::ExternRef(None), Val::FuncRef(None)];
    f.call(&mut store, &nulls, &mut back).unwrap();
    assert_eq!(format!("{nulls:?}"), format!("{back:?}"));
}

#[test]
fn typed_calls_pass_sixteen_vectors() {
    let (mut store, instance) = load(&echo(&["v128"; 16]));
    macro_rules! all {
        ($($n:literal)*) => { ($(V128::from_u128($n << 64 | $n),)*) };
    }
    let given = all!(1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16);
    type V = V128;
    type All = (V, V, V, V, V, V, V, V, V, V, V, V, V, V, V, V);
    let f = instance.get_typed_func::<All, All>(&mut store, "f").unwrap();
    let back = f.call(&mut store, given).unwrap();
    assert_eq!((back.0.to_u128(), back.7.to_u128()), (1 << 64 | 1, 8 << 64 | 8));
    assert_eq!(back.15.to_u128(), 16 << 64 | 16);
}

#[test]
fn untyped_calls_pass_hundreds_of_values() {
    for count in [40, 1000] {
        let kinds = ["i32", "v128", "i64", "f64", "f32"];
        let types: Vec<&str> = kinds.iter().copied().cycle().take(count).collect();
        let (mut store, instance) = load(&echo(&types));
        let f = instance.get_func(&mut store, "f").unwrap();
        let value = |i: usize| match i % 5 {
            0 => Val::I32(i as i32),
            1 => Val::V128(V128::from_u128((i as u128) << 70 | i as u128)),
            2 => Val::I64(i as i64 + (1 << 40)),
            3 => Val::from(i as f64 + 0.5),
            _ => Val::from(i as f32 + 0.25),
        };
        let given: Vec<Val> = (0..count).map(value).collect();
        let mut back = vec![Val::I32(0); count];
        f.call(&mut store, &given, &mut back).unwrap();
        assert_eq!(format!("{given:?}"), format!("{back:?}"));
    }
}

#[test]
fn direct_indirect_and_host_calls_return_a_thousand_results() {
    let list = "i64 ".repeat(1000);
    let gets: String = (0..1000).map(|i| format!("(local.get {i})")).collect();
    let text = format!(
        r#"(module
            (type $t (func (param {list}) (result {list})))
            (import "host" "f" (func $host (type $t)))
            (table funcref (elem $swap $host))
            (func $swap (type $t) {gets})
            (func (export "direct") (type $t) {gets} (call $swap) (call $host))
            (func (export "indirect") (type $t) {gets} (call_indirect (type $t) (i32.const 0))
                (return_call_indirect (type $t) (i32.const 1))))"#
    );
    let engine = Engine::default();
    let mut store = Store::new(&engine, ());
    let ty = FuncType::new([ValType::I64; 1000], [ValType::I64; 1000]);
    let host = Func::try_new(&mut store, ty, |_, given, results| {
        results.copy_from_slice(given);
        results.reverse();
        Ok(())
    });
    let module = crate::module(&engine, &text);
    let instance = kinglet::Instance::new(&mut store, &module, &[host.unwrap().into()]).unwrap();
    let given: Vec<Val> = (0..1000).map(Val::I64).collect();
    let reversed: Vec<Val> = given.iter().rev().copied().collect();
    for name in ["direct", "indirect"] {
        let mut back = vec![Val::I64(0); 1000];
        let f = instance.get_func(&mut store, name).unwrap();
        f.call(&mut store, &given, &mut back).unwrap();
        assert_eq!(format!("{reversed:?}"), format!("{back:?}"));
    }
}

#[test]
fn a_wrong_number_or_type_of_values_is_an_error() {
    let (mut store, instance) = load(&echo(&["i32", "f32"]));
    let f = instance.get_func(&mut store, "f").unwrap();
    let mut back = [Val::I32(0), Val::I32(0)];
    let error = f.call(&mut store, &[Val::I32(1)], &mut back).unwrap_err();
    assert!(error.to_string().contains("takes 2 values"), "{error}");
    assert!(f.call(&mut store, &[Val::I32(1), Val::F32(0)], &mut back[..1]).is_err());
    let error = f.call(&mut store, &[Val::I32(1), Val::I32(1)], &mut back).unwrap_err();
    assert!(error.to_string().contains("expected a value of type f32, found i32"), "{error}");
    assert!(f.call(&mut store, &[Val::FuncRef(None), Val::F32(1)], &mut back).is_err());
}

#[test]
fn a_typed_function_must_have_the_functions_type() {
    let (mut store, instance) = load(&echo(&["i32", "f32"]));
    let error = instance.get_typed_func::<(i32, f64), (i32, f32)>(&mut store, "f").unwrap_err();
    let message = format!("{error:#}");
    assert!(
        message.contains("\"f\"")
            && message.contains("func (param i32 f32) (result i32 f32), not func (param i32 f64) (result i32 f32)"),
        "{message}"
    );
    assert!(instance.get_typed_func::<(i32, f32), ()>(&mut store, "f").is_err());
    assert!(instance.get_typed_func::<(u32, f32), (u32, f32)>(&mut store, "f").is_ok());
    let error = instance.get_typed_func::<(), ()>(&mut store, "g").unwrap_err();
    assert!(error.to_string().contains("no function is exported as \"g\""), "{error}");
}

#[test]
fn a_function_returns_its_type() {
    let (mut store, instance) = load(r#"(module (func (export "f") (param i32 v128) (result f64) (f64.const 0)))"#);
    let f = instance.get_func(&mut store, "f").unwrap();
    assert_eq!(f.ty(&store), FuncType::new([ValType::I32, ValType::V128], [ValType::F64]));
}

#[test]
fn calling_a_function_of_another_store_is_an_error() {
    let (mut store, instance) = load(&echo(&["i32"]));
    let f = instance.get_func(&mut store, "f").unwrap();
    let mut other = Store::new(store.engine(), ());
    let error = f.call(&mut other, &[Val::I32(0)], &mut [Val::I32(0)]).unwrap_err();
    assert!(error.to_string().contains("a store that it does not belong to"), "{error}");
}

#[test]
fn a_reference_of_another_store_is_an_error() {
    let (mut store, instance) = load(&echo(&["externref"]));
    let mut other = Store::new(store.engine(), ());
    let foreign = ExternRef::new(&mut other, 1).unwrap();
    let f = instance.get_func(&mut store, "f").unwrap();
    let error = f.call(&mut store, &[foreign.into()], &mut [Val::I32(0)]).unwrap_err();
    assert!(error.to_string().contains("another store"), "{error}");
}

#[test]
#[should_panic(expected = "a store that it does not belong to")]
fn a_reference_of_another_store_panics_in_a_typed_call() {
    let (mut store, instance) = load(&echo(&["externref"]));
    let mut other = Store::new(store.engine(), ());
    let foreign = ExternRef::new(&mut other, 1).unwrap();
    let f = instance.get_typed_func::<Option<Rooted<ExternRef>>, Option<Rooted<ExternRef>>>(&mut store, "f").unwrap();
    let _ = f.call(&mut store, Some(foreign));
}
