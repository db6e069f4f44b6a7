//! Types that refer to other types (`(ref $t)`) belong to the engine of the module that defines the other types. They
//! are valid as long as that module lives.

use kinglet::{
    Config, Engine, Extern, Feature, Func, FuncType, Global, GlobalType, Linker, Module, Ref, Store, Table, TableType,
    Tag, TagType, Val, ValType,
};

use crate::{engine, module};

const TEXT: &str = r#"(module
    (type $t (func (param i32)))
    (type $s (func (param (ref null $t)) (result (ref null $t))))
    (import "host" "user" (func (param (ref null $t))))
    (func (export "f") (type $s) (local.get 0))
    (global (export "g") (mut (ref null $t)) (ref.null $t))
    (table (export "t") 1 (ref null $t))
    (tag (export "e") (param (ref null $t))))"#;

fn with_tags() -> Engine {
    engine(|config: &mut Config| {
        config.feature(Feature::Exceptions, true);
    })
}

/// The types of a module's exports.
struct Types {
    func: FuncType,
    global: GlobalType,
    table: TableType,
    tag: TagType,
}

impl Types {
    fn of(module: &Module) -> Types {
        let export = |name| module.get_export(name).unwrap();
        Types {
            func: export("f").func().unwrap().clone(),
            global: *export("g").global().unwrap(),
            table: *export("t").table().unwrap(),
            tag: export("e").tag().unwrap().clone(),
        }
    }
}

/// Passes types to every function that accepts them. Returns the names of those that succeed.
fn doors(engine: &Engine, types: &Types) -> Vec<&'static str> {
    let Types { func, global, table, tag } = types;
    let mut store = Store::new(engine, ());
    let mut open = Vec::new();
    let mut door = |name, result: kinglet::Result<()>| match result {
        Ok(()) => open.push(name),
        Err(error) => {
            assert!(error.to_string().contains("belongs to another engine or to a dropped module"), "{name}: {error}")
        }
    };
    door("Func::new", Func::try_new(&mut store, func.clone(), |_, _, _| Ok(())).map(drop));
    let mut linker = Linker::<()>::new(engine);
    door("Linker::func_new", linker.func_new("a", "b", func.clone(), |_, _, _| Ok(())).map(drop));
    door("Global::new", Global::new(&mut store, *global, Val::FuncRef(None)).map(drop));
    door("Table::new", Table::new(&mut store, *table, Ref::Func(None)).map(drop));
    door("Tag::new", Tag::new(&mut store, tag).map(drop));
    door("Ref::null", Ref::null(table.element, engine).map(drop));
    if Val::default_of(global.content, engine).is_some() {
        open.push("Val::default_of");
    }
    open
}

#[test]
fn every_function_rejects_a_type_of_another_engine() {
    let (ours, theirs) = (with_tags(), with_tags());
    // Both engines have the same types, and are otherwise equal.
    let (module, other) = (module(&ours, TEXT), module(&theirs, TEXT));
    let types = Types::of(&module);
    assert_eq!(doors(&ours, &types).len(), 7);
    assert_eq!(doors(&theirs, &types), [""; 0]);
    assert_eq!(doors(&ours, &Types::of(&other)), [""; 0]);
    let mut linker = Linker::<()>::new(&theirs);
    let mut store = Store::new(&theirs, ());
    assert!(linker.define_unknown_imports_as_default_values(&mut store, &module).is_err());
    assert!(linker.define_unknown_imports_as_traps(&module).is_err());
    linker.define_unknown_imports_as_default_values(&mut store, &other).unwrap();
    linker.instantiate(&mut store, &other).unwrap();
}

#[test]
fn a_type_is_released_with_its_last_owner() {
    let engine = with_tags();
    let module = module(&engine, TEXT);
    let types = Types::of(&module);
    let mut store = Store::new(&engine, ());
    let held = Func::try_new(&mut store, types.func.clone(), |_, _, _| Ok(())).unwrap();
    drop(module);
    assert_eq!(doors(&engine, &types).len(), 7, "the function still has the type");
    assert_eq!(held.ty(&store), types.func);
    drop(store);
    assert_eq!(doors(&engine, &types), [""; 0]);
    // A module that defines the same types again has different types.
    let again = crate::module(&engine, TEXT);
    assert_ne!(Types::of(&again).func, types.func);
    assert_eq!(doors(&engine, &types), [""; 0]);
}

#[test]
fn host_objects_keep_their_types_alive() {
    let engine = with_tags();
    type Make = fn(&mut Store<()>, &Types) -> Extern;
    let makers: [Make; 4] = [
        |store, types| Func::try_new(store, types.func.clone(), |_, _, _| Ok(())).unwrap().into(),
        |store, types| Global::new(store, types.global, Val::FuncRef(None)).unwrap().into(),
        |store, types| Table::new(store, types.table, Ref::Func(None)).unwrap().into(),
        |store, types| Tag::new(store, &types.tag).unwrap().into(),
    ];
    for make in makers {
        let module = module(&engine, TEXT);
        let types = Types::of(&module);
        let mut store = Store::new(&engine, ());
        let made = make(&mut store, &types);
        drop(module);
        assert!(!made.ty(&store).to_string().is_empty());
        assert!(Ref::null(types.table.element, &engine).is_ok());
        drop(store);
        assert!(Ref::null(types.table.element, &engine).is_err());
    }
    let module = module(&engine, TEXT);
    let types = Types::of(&module);
    let mut linker = Linker::<()>::new(&engine);
    linker.func_new("a", "b", types.func.clone(), |_, _, _| Ok(())).unwrap();
    drop(module);
    let mut store = Store::new(&engine, ());
    let func = linker.get(&mut store, "a", "b").and_then(Extern::into_func).unwrap();
    drop(linker);
    assert_eq!(func.ty(&store), types.func);
}

#[test]
fn a_tag_has_no_results() {
    let mut store = Store::new(&with_tags(), ());
    let error = Tag::new(&mut store, &TagType::new(FuncType::new([], [ValType::I32]))).unwrap_err();
    assert!(error.to_string().contains("a tag has no results"), "{error}");
    assert!(Tag::new(&mut store, &TagType::new(FuncType::default())).is_ok());
}
