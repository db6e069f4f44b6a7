//! Linking: modules that share functions, memories, tables and globals, and imports with the wrong type.

use kinglet::{
    Engine, Extern, ExternType, Func, FuncType, Global, GlobalType, Instance, LinkError, Linker, Memory, MemoryType,
    Ref, RefType, Store, Table, TableType, UnknownImportError, Val, ValType,
};

use crate::{engine, load, module, throwing_engine};

/// Every way into another instance and back, each followed by an access to the memory that must be current.
#[test]
fn every_call_and_return_restores_the_instances_memory() {
    let engine = throwing_engine();
    let library = r#"(module
        (type $t (func (result i32)))
        (memory 1) (data (i32.const 0) "\07")
        (tag $e (export "e") (param i32))
        (table (export "table") funcref (elem $get))
        (func $get (export "get") (type $t) (i32.load8_u (i32.const 0)))
        (func (export "tail") (type $t) (return_call $get))
        (func (export "throw") (type $t) (throw $e (i32.load8_u (i32.const 0))))
        (func (export "ref") (result funcref) (ref.func $get)))"#;
    let user = r#"(module
        (type $t (func (result i32)))
        (import "library" "get" (func $get (type $t)))
        (import "library" "tail" (func $tail (type $t)))
        (import "library" "throw" (func $throw (type $t)))
        (import "library" "table" (table $table 1 funcref))
        (import "library" "e" (tag $e (param i32)))
        (memory 1) (data (i32.const 0) "\01")
        (func $with (param i32) (result i32)
            (i32.add (i32.mul (local.get 0) (i32.const 10)) (i32.load8_u (i32.const 0))))
        (func (export "call") (type $t) (call $with (call $get)))
        (func (export "call_indirect") (type $t) (call $with (call_indirect $table (type $t) (i32.const 0))))
        (func (export "tail") (type $t) (call $with (call $tail)))
        (func $out (type $t) (return_call $get))
        (func (export "tail_out") (type $t) (call $with (call $out)))
        (func $out_indirect (type $t) (return_call_indirect $table (type $t) (i32.const 0)))
        (func (export "tail_out_indirect") (type $t) (call $with (call $out_indirect)))
        (func (export "catch") (type $t)
            (call $with (block $caught (result i32)
                (try_table (result i32) (catch $e $caught) (call $throw)))))
        (func $deep (type $t) (call $throw))
        (func (export "catch_deep") (type $t)
            (call $with (block $caught (result i32)
                (try_table (result i32) (catch $e $caught) (call $deep))))))"#;
    let mut store = Store::new(&engine, ());
    let mut linker = Linker::new(&engine);
    let library = linker.instantiate(&mut store, &module(&engine, library)).unwrap();
    linker.instance(&mut store, "library", library).unwrap();
    let user = linker.instantiate(&mut store, &module(&engine, user)).unwrap();
    for name in ["call", "call_indirect", "tail", "tail_out", "tail_out_indirect", "catch", "catch_deep"] {
        let run = user.get_typed_func::<(), i32>(&mut store, name).unwrap();
        assert_eq!(run.call(&mut store, ()).unwrap(), 71, "{name}");
    }
}

#[test]
fn an_instance_sees_a_shared_memory_that_another_has_grown() {
    let engine = Engine::default();
    let owner = r#"(module
        (memory (export "memory") 1 10)
        (func (export "grow") (result i32)
            (drop (memory.grow (i32.const 3)))
            (i32.store (i32.const 200000) (i32.const 99))
            (memory.size)))"#;
    let user = r#"(module
        (import "owner" "memory" (memory 1))
        (import "owner" "grow" (func $grow (result i32)))
        (func (export "run") (result i32)
            (i32.add (call $grow) (i32.load (i32.const 200000))))
        (func (export "early") (result i32) (i32.load (i32.const 200000))))"#;
    let mut store = Store::new(&engine, ());
    let mut linker = Linker::new(&engine);
    let owner = linker.instantiate(&mut store, &module(&engine, owner)).unwrap();
    linker.instance(&mut store, "owner", owner).unwrap();
    let user = linker.instantiate(&mut store, &module(&engine, user)).unwrap();
    assert!(user.get_typed_func::<(), i32>(&mut store, "early").unwrap().call(&mut store, ()).is_err());
    let run = user.get_typed_func::<(), i32>(&mut store, "run").unwrap();
    assert_eq!(run.call(&mut store, ()).unwrap(), 103);
    assert_eq!(owner.get_memory(&mut store, "memory").unwrap().size(&store), 4);
}

#[test]
fn the_guest_sees_a_memory_that_a_host_function_has_grown() {
    let engine = Engine::default();
    let text = r#"(module
        (import "host" "grow" (func $grow))
        (memory (export "memory") 1) (memory $other (export "other") 1)
        (func $inner (call $grow))
        (func (export "run") (result i32)
            (i32.store (i32.const 16) (i32.const 1))
            (i32.store $other (i32.const 16) (i32.const 2))
            (call $inner)
            (i32.store (i32.const 1000000) (i32.const 4))
            (i32.store $other (i32.const 1000000) (i32.const 8))
            (i32.add (i32.add (i32.load (i32.const 16)) (i32.load $other (i32.const 16)))
                (i32.add (i32.load (i32.const 1000000)) (i32.load $other (i32.const 1000000))))))"#;
    let mut linker = Linker::new(&engine);
    linker
        .func_wrap("host", "grow", |mut caller: kinglet::Caller<'_, ()>| {
            for name in ["memory", "other"] {
                let memory = caller.get_export(name).and_then(Extern::into_memory).unwrap();
                assert_eq!(memory.grow(&mut caller, 100).unwrap(), 1);
            }
        })
        .unwrap();
    let mut store = Store::new(&engine, ());
    let instance = linker.instantiate(&mut store, &module(&engine, text)).unwrap();
    let run = instance.get_typed_func::<(), i32>(&mut store, "run").unwrap();
    assert_eq!(run.call(&mut store, ()).unwrap(), 15);
}

#[test]
fn tables_and_globals_are_shared_between_instances_and_the_host() {
    let engine = Engine::default();
    let text = r#"(module
        (import "env" "table" (table 2 10 funcref))
        (import "env" "count" (global $count (mut i64)))
        (import "env" "base" (global $base i32))
        (elem (global.get $base) func $bump)
        (func $bump (global.set $count (i64.add (global.get $count) (i64.extend_i32_u (i32.add (global.get $base) (i32.const 1))))))
        (func (export "call") (param i32) (call_indirect (local.get 0))))"#;
    let module = module(&engine, text);
    let mut store = Store::new(&engine, ());
    let table = Table::new(&mut store, TableType::new(RefType::FUNCREF, 2, Some(10)), Ref::Func(None)).unwrap();
    let count = Global::new(&mut store, GlobalType { content: ValType::I64, mutable: true }, Val::I64(100)).unwrap();
    let mut instances = Vec::new();
    for base in [0, 1] {
        let base =
            Global::new(&mut store, GlobalType { content: ValType::I32, mutable: false }, Val::I32(base)).unwrap();
        instances.push(Instance::new(&mut store, &module, &[table.into(), count.into(), base.into()]).unwrap());
    }
    for (instance, index) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
        let call = instances[instance].get_typed_func::<i32, ()>(&mut store, "call").unwrap();
        call.call(&mut store, index).unwrap();
    }
    assert_eq!(count.get(&store).i64(), Some(106));
    count.set(&mut store, Val::I64(0)).unwrap();
    let host = Func::wrap(&mut store, move |mut caller: kinglet::Caller<'_, ()>| count.set(&mut caller, Val::I64(-5)));
    table.set(&mut store, 0, host.into()).unwrap();
    instances[1].get_typed_func::<i32, ()>(&mut store, "call").unwrap().call(&mut store, 0).unwrap();
    assert_eq!(count.get(&store).i64(), Some(-5));
}

#[test]
fn a_reexported_function_is_the_original() {
    let engine = Engine::default();
    let mut store = Store::new(&engine, ());
    let host = Func::wrap(&mut store, || 3);
    let again = module(&engine, r#"(module (import "a" "f" (func $f (result i32))) (export "f" (func $f)))"#);
    let first = Instance::new(&mut store, &again, &[host.into()]).unwrap();
    let f = first.get_func(&mut store, "f").unwrap();
    let second = Instance::new(&mut store, &again, &[f.into()]).unwrap();
    let f = second.get_func(&mut store, "f").unwrap();
    assert_eq!(f, host);
    assert_eq!(f.typed::<(), i32>(&store).unwrap().call(&mut store, ()).unwrap(), 3);
}

#[track_caller]
fn refused(store: &mut Store<()>, wanted: &str, given: impl Into<Extern>, parts: &[&str]) {
    let text = format!(r#"(module (import "some" "thing" {wanted}))"#);
    let module = module(store.engine(), &text);
    let mut linker = Linker::new(store.engine());
    linker.define(&store, "some", "thing", given).unwrap();
    let error = linker.instantiate(store, &module).expect_err("the import has the wrong type");
    assert!(error.downcast_ref::<kinglet::LinkError>().is_some(), "{error:?}");
    let message = error.to_string();
    let missing = [r#""some" "thing""#].iter().chain(parts).find(|part| !message.contains(**part));
    assert!(missing.is_none(), "no {missing:?} in {message}");
}

#[test]
fn an_import_of_the_wrong_type_is_a_clear_link_error() {
    let engine = Engine::default();
    let mut store = Store::new(&engine, ());
    let func = Func::wrap(&mut store, |_: i32| 0_i64);
    let memory = Memory::new(&mut store, MemoryType::new(1, Some(5))).unwrap();
    let table = Table::new(&mut store, TableType::new(RefType::FUNCREF, 1, None), Ref::Func(None)).unwrap();
    let global = Global::new(&mut store, GlobalType { content: ValType::I32, mutable: false }, Val::I32(0)).unwrap();
    refused(
        &mut store,
        "(func (param i32) (result i32))",
        func,
        &["wanted func (param i32) (result i32), given func (param i32) (result i64)"],
    );
    refused(&mut store, "(memory 1)", func, &["wanted memory", "given func"]);
    refused(&mut store, "(memory 2)", memory, &["wanted memory of 2 or more pages, given memory of 1 to 5 pages"]);
    refused(&mut store, "(memory 1 4)", memory, &["1 to 4", "1 to 5"]);
    refused(&mut store, "(memory i64 1)", memory, &["wanted 64-bit memory"]);
    refused(&mut store, "(table 1 externref)", table, &["externref", "funcref"]);
    refused(&mut store, "(table 1 1 funcref)", table, &["1 to 1", "1 or more"]);
    refused(&mut store, "(table i64 1 funcref)", table, &["wanted 64-bit table"]);
    refused(&mut store, "(global (mut i32))", global, &["wanted mutable global i32, given global i32"]);
    refused(&mut store, "(global i64)", global, &["i64", "i32"]);
    refused(&mut store, "(memory 1 5 (pagesize 1))", memory, &["pages of 1 byte"]);
}

#[test]
fn the_error_for_a_missing_import_lists_the_definitions() {
    let engine = Engine::default();
    let mut store = Store::new(&engine, ());
    let wants = module(&engine, r#"(module (import "env" "f" (func)))"#);
    let mut linker: Linker<()> = Linker::new(&engine);
    let message = linker.instantiate(&mut store, &wants).unwrap_err().to_string();
    assert!(message.contains(r#"unknown import "env" "f": func"#), "{message}");
    linker.func_wrap("host", "g", || ()).unwrap();
    let message = linker.instantiate(&mut store, &wants).unwrap_err().to_string();
    assert!(message.contains("modules that are defined: host"), "{message}");
    linker.func_wrap("env", "g", || ()).unwrap();
    let message = linker.instantiate(&mut store, &wants).unwrap_err().to_string();
    assert!(message.contains("has no such name"), "{message}");
    let error = linker.func_wrap("env", "g", || ()).unwrap_err();
    assert!(error.downcast_ref::<kinglet::LinkError>().is_some() && error.to_string().contains("defined already"));
    linker.allow_shadowing(true).func_wrap("env", "g", || ()).unwrap();
    let error = Instance::new(&mut store, &wants, &[]).unwrap_err();
    assert!(error.downcast_ref::<kinglet::LinkError>().is_some(), "{error}");
}

#[test]
fn a_module_of_another_engine_is_an_error() {
    let mut store = Store::new(&Engine::default(), ());
    let foreign = module(&Engine::default(), "(module)");
    let error = Instance::new(&mut store, &foreign, &[]).unwrap_err();
    assert!(error.to_string().contains("different engines"), "{error}");
}

#[test]
fn a_linker_shares_no_state_between_stores() {
    let engine = Engine::default();
    let mut linker: Linker<i32> = Linker::new(&engine);
    linker.func_wrap("host", "data", |caller: kinglet::Caller<'_, i32>| *caller.data()).unwrap();
    let text = r#"(module (import "host" "data" (func $d (result i32)))
        (func (export "run") (result i32) (call $d)))"#;
    let module = module(&engine, text);
    let mut stores: Vec<_> = (0..50).map(|n| Store::new(&engine, n)).collect();
    let instances: Vec<_> =
        stores.iter_mut().map(|store| linker.clone().instantiate(store, &module).unwrap()).collect();
    for (n, (store, instance)) in stores.iter_mut().zip(instances).enumerate() {
        let run = instance.get_typed_func::<(), i32>(&mut *store, "run").unwrap();
        assert_eq!(run.call(store, ()).unwrap(), n as i32);
    }
}

#[test]
fn table_elements_of_a_failed_instance_remain_callable() {
    let engine = Engine::default();
    let mut store = Store::new(&engine, ());
    let table = Table::new(&mut store, TableType::new(RefType::FUNCREF, 4, None), Ref::Func(None)).unwrap();
    let text = r#"(module
        (import "env" "table" (table 4 funcref))
        (memory 1) (data $d "\2a")
        (elem (i32.const 1) func $f)
        (elem (i32.const 4) func $f)
        (func $f (result i32) (memory.init $d (i32.const 8) (i32.const 0) (i32.const 1)) (i32.load8_u (i32.const 8))))"#;
    let error = Instance::new(&mut store, &module(&engine, text), &[table.into()]).unwrap_err();
    assert_eq!(crate::trap_of(&error), kinglet::Trap::TableOutOfBounds);
    let Some(Ref::Func(Some(f))) = table.get(&mut store, 1) else { panic!("the first segment has been written") };
    assert_eq!(f.typed::<(), i32>(&store).unwrap().call(&mut store, ()).unwrap(), 42);
}

#[test]
fn imports_and_exports_return_their_types() {
    let engine = Engine::default();
    let text = r#"(module $named
        (import "a" "f" (func (param i32)))
        (import "a" "m" (memory 1 2))
        (global (export "g") (mut f32) (f32.const 0))
        (table (export "t") 3 externref)
        (func (export "run") (result i64) (i64.const 0)))"#;
    let module = module(&engine, text);
    assert_eq!(module.name(), Some("named"));
    let imports: Vec<_> = module.imports().map(|i| (i.module(), i.name(), i.ty())).collect();
    assert_eq!(imports[0], ("a", "f", ExternType::Func(FuncType::new([ValType::I32], []))));
    assert_eq!(imports[1], ("a", "m", ExternType::Memory(MemoryType::new(1, Some(2)))));
    let names: Vec<_> = module.exports().map(|e| e.name()).collect();
    assert_eq!(names, ["g", "t", "run"]);
    let global = ExternType::Global(GlobalType { content: ValType::F32, mutable: true });
    assert_eq!(module.get_export("g"), Some(global));
    assert_eq!(module.get_export("none"), None);
}

#[test]
fn instances_list_their_exports_in_order() {
    let (mut store, instance) =
        load(r#"(module (func (export "b")) (memory (export "a") 1) (global (export "c") i32 (i32.const 1)))"#);
    let names: Vec<String> = instance.exports(&mut store).map(|export| export.name().to_string()).collect();
    assert_eq!(names, ["b", "a", "c"]);
    assert!(instance.get_func(&mut store, "a").is_none() && instance.get_memory(&mut store, "b").is_none());
}

#[test]
fn a_module_of_a_disabled_proposal_is_an_error() {
    let engine = engine(|config| {
        config.feature(kinglet::Feature::Simd, false);
    });
    let error = kinglet::Module::new(&engine, "(module (func (param v128)))").unwrap_err();
    assert!(error.to_string().contains("SIMD"), "{error}");
}

#[test]
fn an_instance_pre_uses_each_stores_own_host_functions() {
    let engine = Engine::default();
    let mut linker: Linker<i32> = Linker::new(&engine);
    linker.func_wrap("host", "data", |caller: kinglet::Caller<'_, i32>| *caller.data()).unwrap();
    let text = r#"(module (import "host" "data" (func $data (result i32)))
        (global $n (mut i32) (i32.const 0))
        (func (export "run") (result i32)
            (global.set $n (i32.add (global.get $n) (call $data)))
            (global.get $n)))"#;
    let pre = linker.instantiate_pre(&module(&engine, text)).unwrap();
    // Later definitions have no effect.
    linker.allow_shadowing(true).func_wrap("host", "data", || 0).unwrap();
    let run = |data: i32| {
        let mut store = Store::new(&engine, data);
        let mut sums = Vec::new();
        for _ in 0..2 {
            let run = pre.instantiate(&mut store).unwrap().get_typed_func::<(), i32>(&mut store, "run").unwrap();
            sums.extend((0..2).map(|_| run.call(&mut store, ()).unwrap()));
        }
        sums
    };
    std::thread::scope(|scope| {
        let run = &run;
        let threads: Vec<_> = (1..4).map(|data| (data, scope.spawn(move || run(data)))).collect();
        for (data, thread) in threads {
            assert_eq!(thread.join().unwrap(), [data, 2 * data, data, 2 * data]);
        }
    });
}

#[test]
fn one_error_lists_all_unknown_imports_with_suggestions() {
    let engine = Engine::default();
    let mut linker: Linker<()> = Linker::new(&engine);
    linker.func_wrap("host", "print", || ()).unwrap();
    linker.func_wrap("clock", "now", || 0_i64).unwrap();
    let wants = module(
        &engine,
        r#"(module
            (import "host" "print" (func))
            (import "host" "prnit" (func (param i32 i64) (result f32)))
            (import "host" "now" (func (result i64)))
            (import "clocks" "later" (func))
            (import "host" "state" (memory 1))
            (import "env" "table" (table 2 funcref))
            (import "env" "table" (table 2 funcref))
            (import "env" "count" (global (mut i64))))"#,
    );
    let error = linker.instantiate_pre(&wants).unwrap_err();
    let error = error.downcast_ref::<LinkError>().unwrap();
    let expected = r#"6 unknown imports:
  "host" "prnit": func (param i32 i64) (result f32); did you mean "print"?
  "host" "now": func (result i64); did you mean the module "clock"?
  "clocks" "later": func; did you mean the module "clock"?
  "host" "state": memory of 1 or more pages; the module "host" is defined, but has no such name
  "env" "table": table of 2 or more funcref
  "env" "count": mutable global i64
modules that are defined: clock, host"#;
    assert_eq!(error.to_string(), expected);
    let kinds: Vec<_> = error.unknown_imports().map(|import| import.ty().kind()).collect();
    assert_eq!(kinds, ["func", "func", "func", "memory", "table", "global"]);
}

#[test]
fn a_long_list_of_unknown_imports_is_truncated_and_counted() {
    let engine = Engine::default();
    let linker: Linker<()> = Linker::new(&engine);
    let imports: String = (0..1000).map(|i| format!(r#"(import "env" "f{i}" (func))"#)).collect();
    let error = linker.instantiate_pre(&module(&engine, &format!("(module {imports})"))).unwrap_err();
    let message = error.to_string();
    assert!(message.starts_with("1000 unknown imports:\n") && message.ends_with("\n  … and 980 more"), "{message}");
    assert_eq!(error.downcast_ref::<LinkError>().unwrap().unknown_imports().count(), 1000);
}

#[test]
fn stubs_for_unknown_functions_are_not_listed_as_definitions() {
    let engine = Engine::default();
    let mut linker: Linker<()> = Linker::new(&engine);
    let wants = module(&engine, r#"(module (import "env" "log" (func)) (import "env" "lag" (memory 1)))"#);
    linker.define_unknown_imports_as_traps(&wants).unwrap();
    let error = linker.instantiate_pre(&wants).unwrap_err();
    assert_eq!(error.to_string(), r#"unknown import "env" "lag": memory of 1 or more pages"#);
    let mut store = Store::new(&engine, ());
    linker.define_unknown_imports_as_default_values(&mut store, &wants).unwrap();
    linker.instantiate(&mut store, &wants).unwrap();
}

#[test]
fn linking_without_a_store_finds_wrong_imports() {
    let engine = Engine::default();
    let mut linker: Linker<()> = Linker::new(&engine);
    linker.func_wrap("host", "f", |_: i32| ()).unwrap();
    let wrong = module(&engine, r#"(module (import "host" "f" (func (param i64))))"#);
    let error = linker.instantiate_pre(&wrong).unwrap_err();
    let message = r#"incompatible import type for "host" "f": wanted func (param i64), given func (param i32)"#;
    assert_eq!(error.downcast_ref::<LinkError>().unwrap().to_string(), message);
    let missing = module(&engine, r#"(module (import "host" "g" (func)))"#);
    assert!(
        linker.instantiate_pre(&missing).unwrap_err().to_string().starts_with("unknown import \"host\" \"g\": func")
    );
    let other = module(&Engine::default(), "(module)");
    assert!(linker.instantiate_pre(&other).unwrap_err().to_string().contains("different engines"));
}

#[test]
fn a_reactor_is_instantiated_once_and_a_command_for_each_call() {
    let engine = Engine::default();
    let counter = r#"(global $n (mut i32) (i32.const 0))
        (func $next (export "next") (result i32)
            (global.set $n (i32.add (global.get $n) (i32.const 1))) (global.get $n))
        (memory (export "memory") 1)"#;
    let reactor = module(&engine, &format!(r#"(module {counter} (func (export "_initialize") (drop (call $next))))"#));
    let command = module(&engine, &format!(r#"(module {counter} (func (export "_start") (drop (call $next))))"#));
    let mut store = Store::new(&engine, ());
    let mut linker = Linker::new(&engine);
    linker.module(&mut store, "reactor", &reactor).unwrap();
    linker.module(&mut store, "command", &command).unwrap();
    let mut next = |module: &str| {
        let func = linker.get(&mut store, module, "next").unwrap().into_func().unwrap();
        func.typed::<(), i32>(&store).unwrap().call(&mut store, ()).unwrap()
    };
    assert_eq!([next("reactor"), next("reactor")], [2, 3]);
    assert_eq!([next("command"), next("command")], [1, 1]);
    let names: Vec<String> = linker.iter(&mut store).map(|(module, name, _)| format!("{module}.{name}")).collect();
    let all = ["command._start", "command.next", "reactor._initialize", "reactor.memory", "reactor.next"];
    assert_eq!(names, all);
    linker.get_default(&mut store, "command").unwrap().call(&mut store, &[], &mut []).unwrap();
    linker.get_default(&mut store, "reactor").unwrap().call(&mut store, &[], &mut []).unwrap();
    assert!(linker.get_default(&mut store, "other").is_err());
}

#[test]
fn a_definition_can_have_several_names() {
    let engine = Engine::default();
    let mut store = Store::new(&engine, ());
    let mut linker = Linker::new(&engine);
    linker.func_wrap("a", "f", || 1).unwrap();
    linker.func_wrap("a", "g", || 2).unwrap();
    linker.alias("a", "f", "b", "h").unwrap();
    linker.alias_module("a", "c").unwrap();
    let answer = Func::wrap(&mut store, || 3);
    linker.define_name(&store, "f", answer).unwrap();
    for (module, name, value) in [("b", "h", 1), ("c", "f", 1), ("c", "g", 2), ("", "f", 3)] {
        let func = linker.get(&mut store, module, name).unwrap().into_func().unwrap();
        assert_eq!(func.typed::<(), i32>(&store).unwrap().call(&mut store, ()).unwrap(), value, "{module} {name}");
    }
    assert!(linker.alias("a", "none", "b", "i").is_err() && linker.alias_module("none", "d").is_err());
    assert!(linker.alias("a", "g", "b", "h").is_err(), "the name is defined already");
}

const OPTIONAL: &str = r#"(module
    (type $t (func (result i32)))
    (import "host" "there" (func $there (result i32)))
    (import "host" "missing" (func $missing (param i64) (result i32 f64 v128 externref funcref (ref null $t))))
    (import "host" "missing" (func (param i64) (result i32 f64 v128 externref funcref (ref null $t))))
    (func (export "there") (result i32) (call $there))
    (func (export "missing") (result i32 f64 v128 externref funcref (ref null $t)) (call $missing (i64.const 1))))"#;

#[test]
fn unknown_functions_trap_only_when_they_are_called() {
    let engine = Engine::default();
    let module = module(&engine, OPTIONAL);
    let mut linker: Linker<()> = Linker::new(&engine);
    linker.func_wrap("host", "there", || 1).unwrap();
    linker.define_unknown_imports_as_traps(&module).unwrap();
    let mut store = Store::new(&engine, ());
    let instance = linker.instantiate(&mut store, &module).unwrap();
    let there = instance.get_typed_func::<(), i32>(&mut store, "there").unwrap();
    let missing = instance.get_func(&mut store, "missing").unwrap();
    let error = missing.call(&mut store, &[], &mut [Val::I32(0); 6]).unwrap_err();
    let unknown = error.downcast_ref::<UnknownImportError>().unwrap();
    assert_eq!((unknown.module(), unknown.name()), ("host", "missing"));
    let frames = error.downcast_ref::<kinglet::WasmBacktrace>().unwrap().frames();
    assert_eq!(frames[0].func_name(), Some("missing"));
    let error = unknown;
    assert!(
        error.to_string().starts_with("the imported function \"host\" \"missing\" (param i64) (result i32 "),
        "{error}"
    );
    assert_eq!(there.call(&mut store, ()).unwrap(), 1);
}

#[test]
fn unknown_imports_can_be_zero_or_null() {
    let engine = Engine::default();
    let (mut store, mut linker) = (Store::new(&engine, ()), Linker::new(&engine));
    linker.func_wrap("host", "there", || 1).unwrap();
    let functions = module(&engine, OPTIONAL);
    linker.define_unknown_imports_as_default_values(&mut store, &functions).unwrap();
    let instance = linker.instantiate(&mut store, &functions).unwrap();
    let missing = instance.get_func(&mut store, "missing").unwrap();
    let mut results = [Val::I32(7); 6];
    missing.call(&mut store, &[], &mut results).unwrap();
    let expected = "[I32(0), F64(0), V128(V128(0x00000000000000000000000000000000)), ExternRef(None), \
        FuncRef(None), FuncRef(None)]";
    assert_eq!(format!("{results:?}"), expected);

    let text = r#"(module
        (import "env" "memory" (memory 2 3)) (import "env" "table" (table 4 funcref))
        (import "env" "global" (global (mut i64))) (import "env" "null" (global externref))
        (export "memory" (memory 0)) (export "table" (table 0)) (export "global" (global 0)))"#;
    let others = module(&engine, text);
    linker.define_unknown_imports_as_default_values(&mut store, &others).unwrap();
    let instance = linker.instantiate(&mut store, &others).unwrap();
    assert_eq!(instance.get_memory(&mut store, "memory").unwrap().ty(&store), MemoryType::new(2, Some(3)));
    assert_eq!(instance.get_table(&mut store, "table").unwrap().size(&store), 4);
    assert_eq!(instance.get_global(&mut store, "global").unwrap().get(&store).i64(), Some(0));

    for text in ["(global (ref func))", "(table 1 (ref extern))", "(func (result (ref extern)))"] {
        let module = module(&engine, &format!(r#"(module (import "env" "never" {text}))"#));
        let error = linker.define_unknown_imports_as_default_values(&mut store, &module).unwrap_err();
        assert!(error.to_string().starts_with("\"env\" \"never\" has a type without a default value"), "{error}");
    }
}

#[test]
fn externs_return_their_types() {
    let engine = Engine::default();
    let text = r#"(module
        (func (export "func") (param i32) (result i64) (i64.const 0)) (memory (export "memory") 1)
        (table (export "table") 2 9 externref) (global (export "global") (mut f32) (f32.const 0))
        (@custom "one" "1") (@custom "two" "22") (@custom "one" "\00\ff"))"#;
    let (mut store, instance) = crate::load_with(&engine, text);
    let exports = instance.exports(&mut store).map(|export| (export.name().to_string(), export.into_extern()));
    let exports: Vec<_> = exports.collect();
    for (name, item) in &exports {
        assert_eq!(instance.module(&store).get_export(name), Some(item.ty(&store)));
        assert_eq!(item.ty(&store).kind(), name);
    }
    let types: Vec<String> = exports.iter().map(|(_, item)| item.ty(&store).to_string()).collect();
    let shown = [
        "func (param i32) (result i64)",
        "memory of 1 or more pages",
        "table of 2 to 9 externref",
        "mutable global f32",
    ];
    assert_eq!(types, shown);
    let module = instance.module(&store);
    let sections: Vec<_> = module.custom_sections().map(|section| (section.name(), section.data())).collect();
    let expected: [(&str, &[u8]); 3] = [("one", b"1"), ("two", b"22"), ("one", &[0, 255])];
    assert_eq!(sections, expected);
    assert!(module.binary().starts_with(b"\0asm"));
}
