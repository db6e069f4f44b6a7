//! Handles and references that the host uses after their objects are gone, or with another store. Each function that
//! accepts one panics, as documented, or returns an error. None accesses memory of other objects.

use std::panic::{AssertUnwindSafe, catch_unwind};

use kinglet::{
    AnyRef, Config, Engine, Error, Extern, ExternRef, Feature, Func, FuncType, Global, GlobalType, Instance, Linker,
    Memory, Ref, RefType, Result, ResumableCall, Rooted, RunMode, Store, Table, TableType, Tag, TypedFunc, Val,
    ValType, testing,
};

use crate::{module, throwing_engine};

/// The handles of a store.
struct Handles {
    instance: Instance,
    func: Func,
    typed: TypedFunc<Option<Rooted<ExternRef>>, Option<Rooted<ExternRef>>>,
    memory: Memory,
    table: Table,
    global: Global,
    tag: Tag,
    value: Rooted<ExternRef>,
}

const GUEST: &str = r#"(module (memory (export "m") 1) (table (export "t") 3 externref) (tag (export "e") (param i32))
    (global (export "g") (mut externref) (ref.null extern))
    (func (export "f") (param externref) (result externref) (local.get 0)))"#;

fn handles(store: &mut Store<()>) -> Handles {
    let guest = module(store.engine(), GUEST);
    let instance = Instance::new(&mut *store, &guest, &[]).unwrap();
    Handles {
        instance,
        func: instance.get_func(&mut *store, "f").unwrap(),
        typed: instance.get_typed_func(&mut *store, "f").unwrap(),
        memory: instance.get_memory(&mut *store, "m").unwrap(),
        table: instance.get_table(&mut *store, "t").unwrap(),
        global: instance.get_global(&mut *store, "g").unwrap(),
        tag: instance.get_tag(&mut *store, "e").unwrap(),
        value: ExternRef::new(store, "the store's").unwrap(),
    }
}

/// A function that uses one of the first handles with another store, to which the second handles belong.
type Use = fn(&mut Store<()>, &Handles, &Handles) -> Result<()>;

fn import(store: &mut Store<()>, text: &str, item: Extern) -> Result<()> {
    let guest = module(store.engine(), text);
    Instance::new(store, &guest, &[item]).map(drop)
}

#[rustfmt::skip]
const USES: &[(&str, Use)] = &[
    ("Instance::get_export", |store, it, _| { it.instance.get_export(store, "f"); Ok(()) }),
    ("Instance::get_typed_func", |store, it, _| it.instance.get_typed_func::<(), ()>(store, "f").map(drop)),
    ("Instance::exports", |store, it, _| { it.instance.exports(store).for_each(drop); Ok(()) }),
    ("Instance::module", |store, it, _| { it.instance.module(&*store); Ok(()) }),
    ("Func::ty", |store, it, _| { it.func.ty(store); Ok(()) }),
    ("Func::typed", |store, it, _| it.func.typed::<(), ()>(store).map(drop)),
    ("Func::call", |store, it, _| it.func.call(store, &[Val::ExternRef(None)], &mut [Val::I32(0)])),
    ("Func::call_resumable", |store, it, _| {
        it.func.call_resumable(store, &[Val::ExternRef(None)], &mut [Val::I32(0)]).map(drop)
    }),
    ("TypedFunc::call", |store, it, _| it.typed.call(store, None).map(drop)),
    ("TypedFunc::call_resumable", |store, it, _| it.typed.call_resumable(store, None).map(drop)),
    ("Memory::ty", |store, it, _| { it.memory.ty(store); Ok(()) }),
    ("Memory::size", |store, it, _| { it.memory.size(store); Ok(()) }),
    ("Memory::data_size", |store, it, _| { it.memory.data_size(store); Ok(()) }),
    ("Memory::grow", |store, it, _| it.memory.grow(store, 1).map(drop)),
    ("Memory::data", |store, it, _| { it.memory.data(&*store); Ok(()) }),
    ("Memory::data_mut", |store, it, _| { it.memory.data_mut(store); Ok(()) }),
    ("Memory::data_and_store_mut", |store, it, _| { it.memory.data_and_store_mut(store); Ok(()) }),
    ("Memory::read", |store, it, _| Ok(it.memory.read(store, 0, &mut [0])?)),
    ("Memory::write", |store, it, _| Ok(it.memory.write(store, 0, &[0])?)),
    ("Table::ty", |store, it, _| { it.table.ty(store); Ok(()) }),
    ("Table::size", |store, it, _| { it.table.size(store); Ok(()) }),
    ("Table::get", |store, it, _| { it.table.get(store, 0); Ok(()) }),
    ("Table::set", |store, it, _| it.table.set(store, 0, Ref::Extern(None))),
    ("Table::grow", |store, it, _| it.table.grow(store, 1, Ref::Extern(None)).map(drop)),
    ("Table::fill", |store, it, _| it.table.fill(store, 0, Ref::Extern(None), 1)),
    ("Table::copy, from it", |store, it, own| Table::copy(store, &own.table, 0, &it.table, 0, 1)),
    ("Table::copy, to it", |store, it, own| Table::copy(store, &it.table, 0, &own.table, 0, 1)),
    ("Global::ty", |store, it, _| { it.global.ty(store); Ok(()) }),
    ("Global::get", |store, it, _| { it.global.get(store); Ok(()) }),
    ("Global::set", |store, it, _| it.global.set(store, Val::ExternRef(None))),
    ("Tag::ty", |store, it, _| { it.tag.ty(store); Ok(()) }),
    ("Rooted::data", |store, it, _| it.value.data(&*store).map(drop)),
    ("Rooted::data_mut", |store, it, _| it.value.data_mut(store).map(drop)),
    ("Rooted::release", |store, it, _| { it.value.release(store); Ok(()) }),
    ("Val::ty, of a host value", |store, it, _| Val::from(it.value).ty(store).map(drop)),
    ("Val::ty, of a function", |store, it, _| Val::from(it.func).ty(store).map(drop)),
    ("a host value given to Func::call", |store, it, own| {
        own.func.call(store, &[it.value.into()], &mut [Val::I32(0)])
    }),
    ("a host value given to TypedFunc::call", |store, it, own| own.typed.call(store, Some(it.value)).map(drop)),
    ("a host value given to TypedFunc::call_resumable", |store, it, own| {
        own.typed.call_resumable(store, Some(it.value)).map(drop)
    }),
    ("a host value given to Global::new", |store, it, _| {
        Global::new(store, GlobalType { content: ValType::EXTERNREF, mutable: false }, it.value.into()).map(drop)
    }),
    ("a host value given to Global::set", |store, it, own| own.global.set(store, it.value.into())),
    ("a function given to Global::new", |store, it, _| {
        Global::new(store, GlobalType { content: ValType::FUNCREF, mutable: false }, it.func.into()).map(drop)
    }),
    ("a host value given to Table::new", |store, it, _| {
        Table::new(store, TableType::new(RefType::EXTERNREF, 1, None), it.value.into()).map(drop)
    }),
    ("a function given to Table::new", |store, it, _| {
        Table::new(store, TableType::new(RefType::FUNCREF, 1, None), it.func.into()).map(drop)
    }),
    ("a host value given to Table::set", |store, it, own| own.table.set(store, 0, it.value.into())),
    ("a host value given to Table::grow", |store, it, own| own.table.grow(store, 1, it.value.into()).map(drop)),
    ("a host value given to Table::fill", |store, it, own| own.table.fill(store, 0, it.value.into(), 1)),
    ("an imported function", |store, it, _| {
        import(store, r#"(module (import "" "" (func (param externref) (result externref))))"#, it.func.into())
    }),
    ("an imported memory", |store, it, _| import(store, r#"(module (import "" "" (memory 1)))"#, it.memory.into())),
    ("an imported table", |store, it, _| {
        import(store, r#"(module (import "" "" (table 1 externref)))"#, it.table.into())
    }),
    ("an imported global", |store, it, _| {
        import(store, r#"(module (import "" "" (global (mut externref))))"#, it.global.into())
    }),
    ("an imported tag", |store, it, _| import(store, r#"(module (import "" "" (tag (param i32))))"#, it.tag.into())),
    ("a memory that a linker has", |store, it, _| {
        let mut linker = Linker::new(store.engine());
        linker.define(&*store, "", "", it.memory)?;
        let guest = module(store.engine(), r#"(module (import "" "" (memory 1)))"#);
        linker.instantiate(store, &guest).map(drop)
    }),
    ("a host value that a host function returns", |store, it, _| {
        let value = it.value;
        let ty = FuncType::new([], [ValType::EXTERNREF]);
        let host = Func::try_new(&mut *store, ty, move |_, _, results| {
            results[0] = value.into();
            Ok(())
        })?;
        host.call(store, &[], &mut [Val::I32(0)])
    }),
    ("a host value that a typed host function returns", |store, it, _| {
        let value = it.value;
        let host = Func::wrap(&mut *store, move || Some(value));
        host.call(store, &[], &mut [Val::I32(0)])
    }),
    ("a host value that a paused call goes on with", |store, it, _| {
        let text = r#"(module (import "" "" (func $ask (result externref)))
            (func (export "f") (result externref) (call $ask)))"#;
        let ask = Func::wrap(&mut *store, || -> Result<Option<Rooted<ExternRef>>> { Err(Error::msg("later")) });
        let guest = module(store.engine(), text);
        let instance = Instance::new(&mut *store, &guest, &[ask.into()])?;
        let (f, mut results) = (instance.get_func(&mut *store, "f").unwrap(), [Val::I32(0)]);
        match f.call_resumable(&mut *store, &[], &mut results)? {
            ResumableCall::HostTrap(paused) => paused.resume(store, &[it.value.into()], &mut results).map(drop),
            ResumableCall::Finished => panic!("the host function fails"),
        }
    }),
];

/// The forms that return an error where another form panics.
#[rustfmt::skip]
const TRIED: &[(&str, Use)] = &[
    ("Instance::try_get_export", |store, it, _| it.instance.try_get_export(store, "f").map(drop)),
    ("Instance::try_get_func", |store, it, _| it.instance.try_get_func(store, "f").map(drop)),
    ("Instance::try_get_memory", |store, it, _| it.instance.try_get_memory(store, "m").map(drop)),
    ("Instance::try_get_table", |store, it, _| it.instance.try_get_table(store, "t").map(drop)),
    ("Instance::try_get_global", |store, it, _| it.instance.try_get_global(store, "g").map(drop)),
    ("Instance::try_get_tag", |store, it, _| it.instance.try_get_tag(store, "e").map(drop)),
    ("Instance::get_typed_func", |store, it, _| it.instance.get_typed_func::<(), ()>(store, "f").map(drop)),
    ("Instance::try_get_module_export", |store, it, own| {
        let export = own.instance.module(&*store).get_export_index("f").unwrap();
        it.instance.try_get_module_export(store, &export).map(drop)
    }),
    ("Instance::try_exports", |store, it, _| it.instance.try_exports(store).map(drop)),
    ("Instance::try_module", |store, it, _| it.instance.try_module(&*store).map(drop)),
    ("Func::try_ty", |store, it, _| it.func.try_ty(store).map(drop)),
    ("Func::typed", |store, it, _| it.func.typed::<(), ()>(store).map(drop)),
    ("Func::call", |store, it, _| it.func.call(store, &[Val::ExternRef(None)], &mut [Val::I32(0)])),
    ("Func::call_resumable", |store, it, _| {
        it.func.call_resumable(store, &[Val::ExternRef(None)], &mut [Val::I32(0)]).map(drop)
    }),
    ("TypedFunc::call", |store, it, _| it.typed.call(store, None).map(drop)),
    ("TypedFunc::call_resumable", |store, it, _| it.typed.call_resumable(store, None).map(drop)),
    ("Memory::try_ty", |store, it, _| it.memory.try_ty(store).map(drop)),
    ("Memory::try_size", |store, it, _| it.memory.try_size(store).map(drop)),
    ("Memory::try_data_size", |store, it, _| it.memory.try_data_size(store).map(drop)),
    ("Memory::try_page_size", |store, it, _| it.memory.try_page_size(store).map(drop)),
    ("Memory::try_page_size_log2", |store, it, _| it.memory.try_page_size_log2(store).map(drop)),
    ("Memory::try_data", |store, it, _| it.memory.try_data(&*store).map(drop)),
    ("Memory::try_data_mut", |store, it, _| it.memory.try_data_mut(store).map(drop)),
    ("Memory::try_data_and_store_mut", |store, it, _| it.memory.try_data_and_store_mut(store).map(drop)),
    ("Memory::try_data_ptr", |store, it, _| it.memory.try_data_ptr(store).map(drop)),
    ("Memory::grow", |store, it, _| it.memory.grow(store, 1).map(drop)),
    ("Table::try_ty", |store, it, _| it.table.try_ty(store).map(drop)),
    ("Table::try_size", |store, it, _| it.table.try_size(store).map(drop)),
    ("Table::try_get", |store, it, _| it.table.try_get(store, 0).map(drop)),
    ("Table::set", |store, it, _| it.table.set(store, 0, Ref::Extern(None))),
    ("Table::grow", |store, it, _| it.table.grow(store, 1, Ref::Extern(None)).map(drop)),
    ("Table::fill", |store, it, _| it.table.fill(store, 0, Ref::Extern(None), 1)),
    ("Table::copy, from it", |store, it, own| Table::copy(store, &own.table, 0, &it.table, 0, 1)),
    ("Table::copy, to it", |store, it, own| Table::copy(store, &it.table, 0, &own.table, 0, 1)),
    ("Global::try_ty", |store, it, _| it.global.try_ty(store).map(drop)),
    ("Global::try_get", |store, it, _| it.global.try_get(store).map(drop)),
    ("Global::set", |store, it, _| it.global.set(store, Val::ExternRef(None))),
    ("Tag::try_ty", |store, it, _| it.tag.try_ty(store).map(drop)),
    ("Extern::try_ty", |store, it, _| Extern::from(it.tag).try_ty(store).map(drop)),
    ("Rooted::data", |store, it, _| it.value.data(&*store).map(drop)),
    ("Rooted::data_mut", |store, it, _| it.value.data_mut(store).map(drop)),
    ("Rooted::try_release", |store, it, _| it.value.try_release(store).map(drop)),
    ("Rooted::ref_eq", |store, it, own| Rooted::ref_eq(store, &it.value, &own.value).map(drop)),
    ("Val::ty", |store, it, _| Val::from(it.value).ty(store).map(drop)),
    ("Val::matches_ty", |store, it, _| Val::from(it.func).matches_ty(store, &ValType::FUNCREF).map(drop)),
    ("Linker::define", |store, it, _| Linker::new(store.engine()).define(store, "", "", it.memory).map(drop)),
    ("Linker::instance", |store, it, _| Linker::new(store.engine()).instance(store, "", it.instance).map(drop)),
];

fn is_foreign(error: &Error) -> bool {
    let text = error.to_string();
    text.contains("another store") || text.contains("a store that it does not belong to")
}

#[test]
fn forms_that_return_a_result_do_not_panic_with_another_store() {
    let engine = throwing_engine();
    let (mut first, mut second) = (Store::new(&engine, ()), Store::new(&engine, ()));
    let (of_first, of_second) = (handles(&mut first), handles(&mut second));
    for (name, usage) in TRIED {
        let error = usage(&mut second, &of_first, &of_second).expect_err(name);
        assert!(is_foreign(&error), "{name}: {error:?}");
        usage(&mut second, &of_second, &of_second)
            .or_else(|error| {
                // The store's own handle fails for another reason, if at all.
                if is_foreign(&error) { Err(error) } else { Ok(()) }
            })
            .expect(name);
    }
}

/// Each use with a store that the handles are not of has to be refused, and to leave the store as it was.
fn all_are_refused(store: &mut Store<()>, handles: &Handles, own: &Handles) {
    for (name, usage) in USES {
        match catch_unwind(AssertUnwindSafe(|| usage(store, handles, own))) {
            Ok(Ok(())) => panic!("{name}: no error"),
            Ok(Err(error)) => assert!(is_foreign(&error), "{name}: {error:?}"),
            Err(payload) => {
                let text = payload.downcast_ref::<&str>().map(|text| (*text).to_string());
                let text = text.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap();
                assert!(text.contains("a store that it does not belong to"), "{name}: {text}");
            }
        }
    }
    let value = own.typed.call(&mut *store, Some(own.value)).unwrap().unwrap();
    assert_eq!(value.data(&*store).unwrap().unwrap().downcast_ref(), Some(&"the store's"));
    assert!(matches!(own.table.get(&mut *store, 0), Some(Ref::Extern(None))));
    assert_eq!(own.table.size(&*store), 3);
}

#[test]
fn every_use_of_another_stores_handle_is_an_error() {
    let engine = throwing_engine();
    let (mut first, mut second) = (Store::new(&engine, ()), Store::new(&engine, ()));
    let (of_first, of_second) = (handles(&mut first), handles(&mut second));
    all_are_refused(&mut second, &of_first, &of_second);
    drop(first);
    all_are_refused(&mut second, &of_first, &of_second);
    // A new store, which may have the address of the dropped one.
    let mut third = Store::new(&engine, ());
    let of_third = handles(&mut third);
    all_are_refused(&mut third, &of_first, &of_third);
}

#[test]
fn a_released_host_value_has_no_data_anywhere() {
    let mut store = Store::new(&throwing_engine(), ());
    let it = handles(&mut store);
    it.global.set(&mut store, it.value.into()).unwrap();
    it.table.fill(&mut store, 0, it.value.into(), 3).unwrap();
    assert!(it.value.release(&mut store).is_some() && it.value.release(&mut store).is_none());
    // A stale handle does not refer to a new value.
    let other = ExternRef::new(&mut store, "another").unwrap();
    assert_ne!(it.value, other);
    let from_table = it.table.get(&mut store, 2).unwrap().into_extern().unwrap();
    let from_global = it.global.get(&store).reference().unwrap().into_extern().unwrap();
    let from_guest = it.typed.call(&mut store, Some(it.value)).unwrap().unwrap();
    for stale in [it.value, from_table, from_global, from_guest] {
        assert!(stale.data(&store).unwrap().is_none() && stale.data_mut(&mut store).unwrap().is_none());
        assert!(stale.release(&mut store).is_none());
    }
    assert!(other.data(&store).unwrap().is_some());
}

const OBJECTS: &str = r#"(module (type $s (struct (field i32)))
    (import "" "" (func $host (result anyref)))
    (global (export "g") (mut anyref) (ref.null any)) (table (export "t") 2 anyref)
    (func (export "make") (result anyref) (struct.new $s (i32.const 7)))
    (func (export "same") (param anyref) (result anyref) (local.get 0))
    (func (export "ask") (result anyref) (call $host)))"#;

#[test]
fn every_use_of_an_object_reference_after_a_collection_is_an_error() {
    let modes = if cfg!(feature = "jit") { &[RunMode::Interpreter, RunMode::Jit][..] } else { &[RunMode::Interpreter] };
    for mode in modes {
        let engine = Engine::new(Config::new().run_mode(*mode).feature(Feature::Gc, true)).unwrap();
        let mut store: Store<Option<Rooted<AnyRef>>> = Store::new(&engine, None);
        let any = ValType::Ref(RefType { nullable: true, heap: kinglet::HeapType::Any });
        let host = Func::try_new(&mut store, FuncType::new([], [any]), |caller, _, results| {
            results[0] = Val::AnyRef(*caller.data());
            Ok(())
        });
        let instance = Instance::new(&mut store, &module(&engine, OBJECTS), &[host.unwrap().into()]).unwrap();
        let [make, same, ask] = ["make", "same", "ask"].map(|name| instance.get_func(&mut store, name).unwrap());
        let (global, table) = (instance.get_global(&mut store, "g"), instance.get_table(&mut store, "t"));
        let (global, table) = (global.unwrap(), table.unwrap());
        let one = |store: &mut Store<Option<Rooted<AnyRef>>>, func: Func, args: &[Val]| {
            let mut results = [Val::I32(0)];
            func.call(store, args, &mut results).map(|()| results[0])
        };
        let uses = |store: &mut Store<Option<Rooted<AnyRef>>>, object: Rooted<AnyRef>| {
            let (val, reference) = (Val::AnyRef(Some(object)), Ref::Any(Some(object)));
            *store.data_mut() = Some(object);
            let ty = table.ty(&*store);
            [
                one(store, same, &[val]).map(drop),
                one(store, ask, &[]).map(drop),
                global.set(&mut *store, val),
                Global::new(&mut *store, GlobalType { content: any, mutable: true }, val).map(drop),
                table.set(&mut *store, 0, reference),
                table.fill(&mut *store, 0, reference, 2),
                table.grow(&mut *store, 1, reference).map(drop),
                Table::new(&mut *store, ty, reference).map(drop),
            ]
        };
        let Val::AnyRef(Some(object)) = one(&mut store, make, &[]).unwrap() else {
            panic!("the function returns an object")
        };
        assert!(uses(&mut store, object).iter().all(|result| result.is_ok()));
        for _ in 0..3 {
            testing::collect(&mut store);
            for result in uses(&mut store, object) {
                let error = result.unwrap_err();
                assert!(error.to_string().contains("moved or freed by a collection"), "{mode:?}: {error}");
            }
        }
        // The collection has moved the object and updated the guest's references, so that new handles are valid.
        let Val::AnyRef(Some(object)) = global.get(&store) else { panic!("the global has been set") };
        assert!(matches!(table.get(&mut store, 0), Some(Ref::Any(Some(same))) if same == object));
        assert!(uses(&mut store, object).iter().all(|result| result.is_ok()));
    }
}

#[test]
fn a_paused_call_can_outlive_its_store_and_cannot_resume_in_another() {
    let engine = Engine::default();
    let text = r#"(module (import "" "" (func $ask (result i32))) (func (export "f") (result i32) (call $ask)))"#;
    let guest = module(&engine, text);
    let pause = |store: &mut Store<()>| {
        let ask = Func::wrap(&mut *store, || -> Result<i32> { Err(Error::msg("later")) });
        let instance = Instance::new(&mut *store, &guest, &[ask.into()]).unwrap();
        let f = instance.get_func(&mut *store, "f").unwrap();
        match f.call_resumable(store, &[], &mut [Val::I32(0)]).unwrap() {
            ResumableCall::HostTrap(paused) => paused,
            ResumableCall::Finished => panic!("the host function fails"),
        }
    };
    let mut other = Store::new(&engine, ());
    let mut refused = |paused: kinglet::ResumableCallHostTrap| {
        let error = paused.resume(&mut other, &[Val::I32(1)], &mut [Val::I32(0)]).map(drop).unwrap_err();
        assert!(error.to_string().contains("a store that it does not belong to"), "{error}");
    };
    let mut store = Store::new(&engine, ());
    refused(pause(&mut store));
    let [to_drop, to_resume] = [pause(&mut store), pause(&mut store)];
    drop(store);
    assert_eq!(to_drop.host_error().to_string(), "later");
    drop(to_drop);
    refused(to_resume);
}
