//! Memories, tables, globals and references of every kind, accessed by the host.

use kinglet::{
    Engine, ExternRef, Func, Global, GlobalType, IndexType, Instance, Memory, MemoryType, Module, Ref, RefType, Rooted,
    Store, Table, TableType, Trap, V128, Val, ValType,
};

use crate::{load, module, trap, trap_of};

#[test]
fn host_and_guest_share_a_64_bit_memory() {
    let (mut store, instance) = load(
        r#"(module (memory (export "m") i64 1 4)
            (func (export "grow") (param i64) (result i64) (memory.grow (local.get 0)))
            (func (export "load") (param i64) (result i32) (i32.load (local.get 0))))"#,
    );
    let memory = instance.get_memory(&mut store, "m").unwrap();
    let grow = instance.get_typed_func::<i64, i64>(&mut store, "grow").unwrap();
    let load = instance.get_typed_func::<i64, i32>(&mut store, "load").unwrap();
    assert_eq!(memory.ty(&store).index, IndexType::I64);
    assert_eq!(grow.call(&mut store, 2).unwrap(), 1);
    memory.write(&mut store, 3 * 65536 - 4, &7_i32.to_le_bytes()).unwrap();
    assert_eq!(load.call(&mut store, 3 * 65536 - 4).unwrap(), 7);
    for outside in [3 * 65536 - 3, 1 << 32, 1 << 40, i64::MAX, -1, -4] {
        assert_eq!(trap_of(&load.call(&mut store, outside).unwrap_err()), Trap::MemoryOutOfBounds);
    }
    for too_many in [2, 1 << 16, 1 << 47, i64::MAX, -1] {
        assert_eq!(grow.call(&mut store, too_many).unwrap(), -1);
        assert!(memory.grow(&mut store, too_many as u64).is_err());
    }
    assert_eq!(memory.grow(&mut store, 1).unwrap(), 3);
}

#[test]
fn host_and_guest_share_a_64_bit_table() {
    let (mut store, instance) = load(
        r#"(module (table (export "t") i64 2 5 externref)
            (func (export "grow") (param i64) (result i64) (table.grow (ref.null extern) (local.get 0)))
            (func (export "get") (param i64) (result externref) (table.get (local.get 0))))"#,
    );
    let table = instance.get_table(&mut store, "t").unwrap();
    let object = ExternRef::new(&mut store, 5).unwrap();
    let grow = instance.get_typed_func::<i64, i64>(&mut store, "grow").unwrap();
    let get = instance.get_typed_func::<i64, Option<Rooted<ExternRef>>>(&mut store, "get").unwrap();
    assert_eq!(table.grow(&mut store, 2, Ref::Extern(Some(object))).unwrap(), 2);
    assert_eq!((get.call(&mut store, 3).unwrap(), get.call(&mut store, 1).unwrap()), (Some(object), None));
    for outside in [4, 1 << 32, -1] {
        assert_eq!(trap_of(&get.call(&mut store, outside).unwrap_err()), Trap::TableOutOfBounds);
    }
    assert_eq!((grow.call(&mut store, 1 << 32).unwrap(), grow.call(&mut store, -1).unwrap()), (-1, -1));
    assert_eq!(grow.call(&mut store, 1).unwrap(), 4);
    assert!(table.grow(&mut store, 1, Ref::Extern(None)).is_err());
}

#[test]
fn memories_are_independent() {
    let (mut store, instance) = load(
        r#"(module (memory (export "a") 1) (memory $b (export "b") 2)
            (func (export "copy") (memory.copy $b 0 (i32.const 65536) (i32.const 0) (i32.const 4)))
            (func (export "size") (result i32) (memory.size $b))
            (func (export "fill") (memory.fill $b (i32.const 65535) (i32.const 9) (i32.const 3)))
            (func (export "over") (memory.copy 0 $b (i32.const 65535) (i32.const 0) (i32.const 2))))"#,
    );
    let (a, b) = (instance.get_memory(&mut store, "a").unwrap(), instance.get_memory(&mut store, "b").unwrap());
    a.data_mut(&mut store)[..4].copy_from_slice(b"abcd");
    for name in ["copy", "fill"] {
        instance.get_typed_func::<(), ()>(&mut store, name).unwrap().call(&mut store, ()).unwrap();
    }
    assert_eq!(&b.data(&store)[65534..65541], &[0, 9, 9, 9, b'c', b'd', 0]);
    assert!(a.data(&store)[4..].iter().all(|byte| *byte == 0));
    assert_eq!(trap(&mut store, &instance, "over"), Trap::MemoryOutOfBounds);
    assert_eq!(instance.get_typed_func::<(), i32>(&mut store, "size").unwrap().call(&mut store, ()).unwrap(), 2);
}

#[test]
fn a_memory_with_one_byte_pages_has_exactly_its_bytes() {
    let (mut store, instance) = load(
        r#"(module (memory (export "m") 5 100 (pagesize 1))
            (func (export "last") (param i32) (result i32) (i32.load8_u (local.get 0)))
            (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0))))"#,
    );
    let memory = instance.get_memory(&mut store, "m").unwrap();
    let last = instance.get_typed_func::<i32, i32>(&mut store, "last").unwrap();
    let grow = instance.get_typed_func::<i32, i32>(&mut store, "grow").unwrap();
    assert_eq!((memory.size(&store), memory.data_size(&store), memory.ty(&store).page_size()), (5, 5, 1));
    assert!(last.call(&mut store, 4).is_ok() && last.call(&mut store, 5).is_err());
    assert_eq!((grow.call(&mut store, 3).unwrap(), memory.data(&store).len()), (5, 8));
    assert!(last.call(&mut store, 7).is_ok() && last.call(&mut store, 8).is_err());
    assert_eq!((grow.call(&mut store, 93).unwrap(), memory.grow(&mut store, 92).unwrap()), (-1, 8));
}

#[test]
fn impossible_host_memories_are_errors() {
    let mut store = Store::new(&Engine::default(), ());
    let good = MemoryType::new(1, None);
    let bad = [
        MemoryType { min: 2, max: Some(1), ..good },
        MemoryType { min: 65537, ..good },
        MemoryType { max: Some(65537), ..good },
        MemoryType { index: IndexType::I64, min: u64::MAX, ..good },
        MemoryType { index: IndexType::I64, min: 1 << 40, ..good },
        MemoryType { page_size_log2: 12, ..good },
        MemoryType { page_size_log2: 64, ..good },
        MemoryType { page_size_log2: 255, index: IndexType::I64, ..good },
    ];
    for ty in bad {
        assert!(Memory::new(&mut store, ty).is_err(), "{ty:?}");
    }
    let good = TableType::new(RefType::FUNCREF, 1, None);
    let bad = [
        TableType { min: 2, max: Some(1), ..good },
        TableType { min: 1 << 32, ..good },
        TableType { max: Some(1 << 32), ..good },
        TableType { min: u64::MAX, index: IndexType::I64, ..good },
    ];
    for ty in bad {
        assert!(Table::new(&mut store, ty, Ref::Func(None)).is_err(), "{ty:?}");
    }
    assert!(Table::new(&mut store, good, Ref::Extern(None)).is_err());
    let never_null = RefType { nullable: false, ..RefType::FUNCREF };
    assert!(Table::new(&mut store, TableType { element: never_null, ..good }, Ref::Func(None)).is_err());
}

#[test]
fn memory_accesses_are_complete_or_have_no_effect() {
    let mut store = Store::new(&Engine::default(), 5_u8);
    let memory = Memory::new(&mut store, MemoryType::new(1, None)).unwrap();
    memory.write(&mut store, 65534, b"ab").unwrap();
    assert!(memory.write(&mut store, 65535, b"cd").is_err());
    assert!(memory.write(&mut store, usize::MAX, b"cd").is_err());
    let mut bytes = [0; 2];
    memory.read(&store, 65534, &mut bytes).unwrap();
    assert_eq!(&bytes, b"ab");
    assert!(memory.read(&store, 65535, &mut bytes).is_err() && memory.read(&store, usize::MAX, &mut bytes).is_err());
    memory.read(&store, 65536, &mut []).unwrap();
    let (data, number) = memory.data_and_store_mut(&mut store);
    data[0] = *number;
    *number = 6;
    assert_eq!((memory.data(&store)[0], *store.data()), (5, 6));
}

#[test]
fn guests_return_references_to_host_values() {
    let (mut store, instance) = load(
        r#"(module (global $g (mut externref) (ref.null extern)) (table $t 1 externref)
            (func (export "keep") (param externref) (global.set $g (local.get 0)) (table.set (i32.const 0) (local.get 0)))
            (func (export "kept") (result externref externref) (global.get $g) (table.get (i32.const 0)))
            (func (export "is_null") (result i32) (ref.is_null (global.get $g))))"#,
    );
    type Object = Option<Rooted<ExternRef>>;
    let keep = instance.get_typed_func::<Object, ()>(&mut store, "keep").unwrap();
    let kept = instance.get_typed_func::<(), (Object, Object)>(&mut store, "kept").unwrap();
    let is_null = instance.get_typed_func::<(), i32>(&mut store, "is_null").unwrap();
    assert_eq!((kept.call(&mut store, ()).unwrap(), is_null.call(&mut store, ()).unwrap()), ((None, None), 1));
    let objects: Vec<Rooted<ExternRef>> =
        (0..100).map(|n| ExternRef::new(&mut store, format!("object {n}")).unwrap()).collect();
    for object in &objects {
        keep.call(&mut store, Some(*object)).unwrap();
    }
    let (first, second) = kept.call(&mut store, ()).unwrap();
    assert_eq!((first, second, is_null.call(&mut store, ()).unwrap()), (Some(objects[99]), first, 0));
    assert_eq!(first.unwrap().data(&store).unwrap().unwrap().downcast_ref::<String>().unwrap(), "object 99");
    keep.call(&mut store, None).unwrap();
    assert_eq!(kept.call(&mut store, ()).unwrap(), (None, None));
}

#[test]
fn guests_receive_and_return_functions() {
    let (mut store, instance) = load(
        r#"(module (type $t (func (param i32) (result i32))) (table $t 2 funcref)
            (func $own (export "own") (type $t) (i32.mul (local.get 0) (i32.const 2)))
            (func (export "set") (param funcref) (table.set (i32.const 0) (local.get 0)))
            (func (export "get") (result funcref) (table.get (i32.const 0)))
            (func (export "call") (type $t) (call_indirect (type $t) (local.get 0) (i32.const 0)))
            (func (export "typed") (param (ref null $t)) (result i32) (call_ref $t (i32.const 4) (local.get 0))))"#,
    );
    let set = instance.get_typed_func::<Option<Func>, ()>(&mut store, "set").unwrap();
    let get = instance.get_typed_func::<(), Option<Func>>(&mut store, "get").unwrap();
    let call = instance.get_typed_func::<i32, i32>(&mut store, "call").unwrap();
    let own = instance.get_func(&mut store, "own").unwrap();
    let host = Func::wrap(&mut store, |x: i32| x + 100);
    let other = Func::wrap(&mut store, |x: i64| x);
    assert_eq!(get.call(&mut store, ()).unwrap(), None);
    assert_eq!(trap_of(&call.call(&mut store, 1).unwrap_err()), Trap::UninitializedElement);
    for (func, result) in [(own, 14), (host, 107)] {
        set.call(&mut store, Some(func)).unwrap();
        assert_eq!((get.call(&mut store, ()).unwrap(), call.call(&mut store, 7).unwrap()), (Some(func), result));
    }
    set.call(&mut store, Some(other)).unwrap();
    assert_eq!(trap_of(&call.call(&mut store, 1).unwrap_err()), Trap::IndirectCallTypeMismatch);
    let typed = instance.get_func(&mut store, "typed").unwrap();
    let mut back = [Val::I32(0)];
    typed.call(&mut store, &[host.into()], &mut back).unwrap();
    assert_eq!(back[0].i32(), Some(104));
    assert!(typed.call(&mut store, &[other.into()], &mut back).is_err(), "the type of the function is checked");
    assert!(instance.get_typed_func::<Option<Func>, i32>(&mut store, "typed").is_err());
    let error = typed.call(&mut store, &[Val::FuncRef(None)], &mut back).unwrap_err();
    assert_eq!(trap_of(&error), Trap::NullFunctionReference);
}

#[test]
fn host_and_guest_change_globals_of_every_type() {
    let types = ["i32", "i64", "f32", "f64", "v128", "funcref", "externref"];
    let zeros = [
        "i32.const 0",
        "i64.const 0",
        "f32.const 0",
        "f64.const 0",
        "v128.const i64x2 0 0",
        "ref.null func",
        "ref.null extern",
    ];
    let mut text = String::from("(module");
    for (i, (ty, zero)) in types.iter().zip(zeros).enumerate() {
        text += &format!(
            r#"(global $g{i} (export "g{i}") (mut {ty}) ({zero}))
               (func (export "get{i}") (result {ty}) (global.get $g{i}))
               (func (export "set{i}") (param {ty}) (global.set $g{i} (local.get 0)))"#
        );
    }
    let (mut store, instance) = load(&(text + ")"));
    let object = ExternRef::new(&mut store, ()).unwrap();
    let func = Func::wrap(&mut store, || ());
    let values: [[Val; 2]; 7] = [
        [Val::I32(-1), Val::I32(2)],
        [Val::I64(-1), Val::I64(2)],
        [Val::F32(0x7fa0_0000), Val::F32(1)],
        [Val::F64(0xfff4_0000_0000_0000), Val::F64(1)],
        [Val::V128(V128::from_u128(u128::MAX)), Val::V128(V128::from_u128(1 << 64))],
        [func.into(), Val::FuncRef(None)],
        [object.into(), Val::ExternRef(None)],
    ];
    for (i, [first, second]) in values.into_iter().enumerate() {
        let global = instance.get_global(&mut store, &format!("g{i}")).unwrap();
        let get = instance.get_func(&mut store, &format!("get{i}")).unwrap();
        let set = instance.get_func(&mut store, &format!("set{i}")).unwrap();
        let mut back = [Val::I32(0)];
        global.set(&mut store, first).unwrap();
        get.call(&mut store, &[], &mut back).unwrap();
        assert_eq!(format!("{first:?}"), format!("{:?}", back[0]));
        set.call(&mut store, &[second], &mut []).unwrap();
        assert_eq!(format!("{second:?}"), format!("{:?}", global.get(&store)));
        assert!(global.set(&mut store, values[(i + 1) % 7][0]).is_err());
    }
    let fixed = Global::new(&mut store, GlobalType { content: ValType::I32, mutable: false }, Val::I32(1)).unwrap();
    assert!(fixed.set(&mut store, Val::I32(2)).is_err());
}

#[test]
fn hosts_read_write_and_grow_tables() {
    let (mut store, instance) = load(
        r#"(module (table (export "t") 2 6 funcref) (elem (i32.const 1) func $f) (func $f (result i32) (i32.const 3))
            (func (export "call") (param i32) (result i32) (call_indirect (result i32) (local.get 0))))"#,
    );
    let table = instance.get_table(&mut store, "t").unwrap();
    let call = instance.get_typed_func::<i32, i32>(&mut store, "call").unwrap();
    assert!(table.get(&mut store, 0).unwrap().is_null() && table.get(&mut store, 2).is_none());
    let f = table.get(&mut store, 1).unwrap();
    table.set(&mut store, 0, f).unwrap();
    assert_eq!(trap_of(&table.set(&mut store, 2, f).unwrap_err()), Trap::TableOutOfBounds);
    assert!(table.set(&mut store, 0, Ref::Extern(None)).is_err());
    assert_eq!(table.grow(&mut store, 3, f).unwrap(), 2);
    assert!(table.grow(&mut store, 2, f).is_err() && table.grow(&mut store, u64::MAX, f).is_err());
    assert_eq!(table.size(&store), 5);
    for index in 0..5 {
        assert_eq!(call.call(&mut store, index).unwrap(), 3);
    }
    assert_eq!(trap_of(&call.call(&mut store, 5).unwrap_err()), Trap::UndefinedElement);
}

#[test]
fn the_guest_sees_a_table_that_a_host_function_has_grown() {
    let engine = Engine::default();
    let mut store = Store::new(&engine, ());
    let table = Table::new(&mut store, TableType::new(RefType::FUNCREF, 0, None), Ref::Func(None)).unwrap();
    let seven = Func::wrap(&mut store, || 7);
    let grow = Func::wrap(&mut store, move |mut caller: kinglet::Caller<'_, ()>| {
        table.grow(&mut caller, 100_000, seven.into()).map(|old| old as i32)
    });
    let text = r#"(module (import "a" "t" (table 0 funcref)) (import "a" "g" (func $g (result i32)))
        (func (export "run") (result i32) (drop (call $g)) (call_indirect (result i32) (i32.const 99999))))"#;
    let instance = Instance::new(&mut store, &module(&engine, text), &[table.into(), grow.into()]).unwrap();
    let run = instance.get_typed_func::<(), i32>(&mut store, "run").unwrap();
    assert_eq!(run.call(&mut store, ()).unwrap(), 7);
}

#[test]
fn an_error_in_text_has_line_and_column() {
    let error = Module::new(&Engine::default(), "(module\n  (func (result i32)\n    i32.konst 1))").unwrap_err();
    let message = error.to_string();
    assert!(message.contains(":3:5") && message.contains("i32.konst 1") && message.contains('^'), "{message}");
    let error = Module::new(&Engine::default(), "(module\n  (func (call $nobody)))").unwrap_err();
    assert!(error.to_string().contains(":2:15"), "{error}");
}

#[test]
fn the_error_for_an_invalid_function_has_its_name_and_offset() {
    let error = Module::new(&Engine::default(), "(module (func) (func (result i32) (i64.const 0)))").unwrap_err();
    let error = error.downcast_ref::<kinglet::ModuleError>().unwrap();
    assert_eq!((error.kind(), error.function()), (kinglet::ModuleErrorKind::Invalid, Some(1)));
    assert!(error.offset().is_some() && error.to_string().contains("type mismatch"), "{error}");
}

#[test]
fn malformed_bytes_are_errors() {
    let engine = Engine::default();
    for bytes in
        [&b""[..], b"\0", b"\0asm", b"\0asm\x01\0\0", b"\0asm\x02\0\0\0", b"\x7fELF", b"\xff\xfe\0\x01", b"hello"]
    {
        assert!(Module::new(&engine, bytes).is_err() || bytes.is_empty(), "{bytes:?}");
    }
    assert!(
        Module::from_file(&engine, "/does/not/exist.wasm").unwrap_err().to_string().contains("/does/not/exist.wasm")
    );
    Module::validate(&engine, b"\0asm\x01\0\0\0").unwrap();
}

#[test]
fn filling_and_copying_tables_is_complete_or_has_no_effect() {
    let engine = Engine::default();
    let mut store = Store::new(&engine, ());
    let ty = TableType::new(RefType::EXTERNREF, 6, None);
    let table = Table::new(&mut store, ty, Ref::Extern(None)).unwrap();
    let other = Table::new(&mut store, ty, Ref::Extern(None)).unwrap();
    let functions = Table::new(&mut store, TableType::new(RefType::FUNCREF, 6, None), Ref::Func(None)).unwrap();
    let object = Ref::Extern(Some(ExternRef::new(&mut store, 1).unwrap()));
    let shown = |store: &mut Store<()>, table: &Table| -> String {
        (0..6).map(|i| if table.get(&mut *store, i).unwrap().is_null() { '.' } else { 'x' }).collect()
    };
    table.fill(&mut store, 1, object, 2).unwrap();
    assert_eq!(shown(&mut store, &table), ".xx...");
    for (start, len) in [(5, 2), (7, 0), (u64::MAX, 1), (1, u64::MAX)] {
        let error = table.fill(&mut store, start, object, len).unwrap_err();
        assert_eq!(error.downcast_ref::<kinglet::Trap>(), Some(&kinglet::Trap::TableOutOfBounds));
    }
    assert!(table.fill(&mut store, 0, Ref::Func(None), 1).is_err(), "the value has another type");
    Table::copy(&mut store, &table, 2, &table, 0, 4).unwrap();
    assert_eq!(shown(&mut store, &table), ".x.xx.", "all elements are read before any is written");
    Table::copy(&mut store, &other, 0, &table, 3, 3).unwrap();
    assert_eq!(shown(&mut store, &other), "xx....");
    assert!(Table::copy(&mut store, &other, 5, &table, 0, 2).is_err());
    assert!(Table::copy(&mut store, &other, 0, &table, 5, 2).is_err());
    assert!(Table::copy(&mut store, &table, 5, &table, 0, 2).is_err());
    let error = Table::copy(&mut store, &functions, 0, &table, 0, 1).unwrap_err();
    assert_eq!(error.to_string(), "cannot copy elements of type externref to a table of funcref");
    assert_eq!((shown(&mut store, &table).as_str(), shown(&mut store, &other).as_str()), (".x.xx.", "xx...."));
}

#[test]
fn values_return_their_types() {
    use kinglet::{HeapType, ValType};
    let mut store = Store::new(&Engine::default(), ());
    let func = Func::wrap(&mut store, |x: i64| x);
    let object = ExternRef::new(&mut store, 1).unwrap();
    let null = |heap| ValType::Ref(RefType { nullable: true, heap });
    for (value, ty) in [
        (Val::I32(1), ValType::I32),
        (Val::F64(0), ValType::F64),
        (Val::V128(Default::default()), ValType::V128),
        (Val::FuncRef(None), null(HeapType::NoFunc)),
        (Val::AnyRef(None), null(HeapType::None)),
        (Val::ExternRef(None), null(HeapType::NoExtern)),
        (Val::from(object), ValType::Ref(RefType { nullable: false, heap: HeapType::Extern })),
    ] {
        assert_eq!(value.ty(&store).unwrap(), ty);
        assert_eq!(value.reference().is_some(), ty.as_ref().is_some());
    }
    let ValType::Ref(RefType { nullable: false, heap: HeapType::Concrete(_) }) = Val::from(func).ty(&store).unwrap()
    else {
        panic!("a function matches its own type")
    };
    let reference = Val::from(func).reference().unwrap();
    assert_eq!((reference.into_func(), reference.into_extern()), (Some(func), None));
    assert_eq!(Ref::from(object).into_extern(), Some(object));
    assert_eq!(Val::V128(kinglet::V128::from_u128(5)).v128().unwrap().to_u128(), 5);
    assert!(Val::I32(0).v128().is_none());
}

#[test]
fn the_error_for_a_wrong_type_names_both_types() {
    use kinglet::HeapType;
    let mut store = Store::new(&Engine::default(), ());
    let func = Func::wrap(&mut store, |x: i64| x);
    let object = ExternRef::new(&mut store, 1).unwrap();
    let reference = |heap| RefType { nullable: true, heap };
    let funcs = TableType::new(reference(HeapType::Func), 1, None);
    let funcs = Table::new(&mut store, funcs, Ref::Func(None)).unwrap();
    let externs = TableType::new(reference(HeapType::Extern), 1, None);
    let externs = Table::new(&mut store, externs, Ref::Extern(None)).unwrap();
    let mut refused = |table: Table, value: Ref| table.set(&mut store, 0, value).unwrap_err().to_string();
    for (table, value, expected) in [
        (funcs, Ref::Extern(None), "expected a value of type funcref, found externref"),
        (funcs, Ref::Any(None), "expected a value of type funcref, found anyref"),
        (externs, Ref::Func(None), "expected a value of type externref, found funcref"),
        (externs, Ref::Any(None), "expected a value of type externref, found anyref"),
        (funcs, object.into(), "expected a value of type funcref, found (ref extern)"),
        (externs, func.into(), "expected a value of type externref, found (ref func (param i64) (result i64))"),
    ] {
        let error = refused(table, value);
        assert!(error.contains(expected), "{error}");
    }
    let number = GlobalType { content: ValType::I32, mutable: true };
    let number = Global::new(&mut store, number, Val::I32(0)).unwrap();
    let error = number.set(&mut store, Val::ExternRef(None)).unwrap_err().to_string();
    assert!(error.contains("expected a value of type i32, found externref"), "{error}");
    let names = [HeapType::None, HeapType::NoFunc, HeapType::NoExtern, HeapType::NoExn];
    let names = names.map(|heap| ValType::Ref(reference(heap)).to_string());
    assert_eq!(names, ["nullref", "nullfuncref", "nullexternref", "nullexnref"]);
}
