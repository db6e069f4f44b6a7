//! The initial state of instances: the first one of a module, later ones, and recycled ones from a pool. They must not
//! contain any state of earlier instances.

use kinglet::{
    Caller, Config, Engine, Extern, Instance, InstancePre, Linker, Module, PoolingAllocationConfig, RefType, RunMode,
    Store, StoreLimits, StoreLimitsBuilder, Table, TableType, Trap, Val,
};

use crate::engine;

/// Returns engines of every mode, with and without a pool.
fn engines() -> Vec<Engine> {
    let modes = [RunMode::Auto, RunMode::Interpreter, RunMode::Jit];
    let modes = modes.into_iter().filter(|mode| cfg!(feature = "jit") || *mode != RunMode::Jit);
    let with = |mode, set: fn(&mut Config)| {
        engine(|config| {
            config.run_mode(mode);
            set(config);
        })
    };
    let pool = |config: &mut Config| {
        config.allocation_strategy(PoolingAllocationConfig::new());
    };
    let scarce = |config: &mut Config| {
        let mut pool = PoolingAllocationConfig::new();
        pool.max_unused_warm_slots(1).linear_memory_keep_resident(0);
        config.allocation_strategy(pool).signals_based_traps(false);
    };
    modes.flat_map(|mode| [with(mode, |_| ()), with(mode, pool), with(mode, scarce)]).collect()
}

fn pre(engine: &Engine, wat: &str) -> InstancePre<()> {
    let module = Module::new(engine, wat).expect("the module is valid");
    Linker::new(engine).instantiate_pre(&module).expect("the module has no imports")
}

fn call(store: &mut Store<()>, instance: Instance, name: &str, argument: i32) -> Result<i32, Trap> {
    let func = instance.get_typed_func::<i32, i32>(&mut *store, name).expect("the function is exported");
    func.call(store, argument).map_err(|error| *error.downcast_ref::<Trap>().expect("the error is a trap"))
}

/// Creates instances of a module one after another, and checks that each has the same initial state.
fn each_finds_the_same(wat: &str, check: impl Fn(&mut Store<()>, Instance)) {
    for engine in engines() {
        let pre = pre(&engine, wat);
        for _ in 0..5 {
            let mut store = Store::new(&engine, ());
            let instance = pre.instantiate(&mut store).expect("instantiation succeeds");
            check(&mut store, instance);
        }
    }
}

#[test]
fn memories_have_their_initial_contents() {
    let wat = r#"(module
        (memory (export "memory") 2 5)
        (data (i32.const 1000) "at first")
        (data (i32.const 65536) "on a page of its own")
        (func (export "spoil") (param i32) (result i32)
            (memory.fill (i32.const 0) (local.get 0) (i32.const 131072))
            (drop (memory.grow (i32.const 2)))
            (memory.fill (i32.const 0) (local.get 0) (i32.const 262144))
            (memory.size)))"#;
    each_finds_the_same(wat, |store, instance| {
        let memory = instance.get_memory(&mut *store, "memory").unwrap();
        let mut expected = vec![0; 2 << 16];
        expected[1000..1008].copy_from_slice(b"at first");
        expected[65536..][..20].copy_from_slice(b"on a page of its own");
        assert!(memory.data(&*store) == expected);
        assert_eq!(call(store, instance, "spoil", 0x55), Ok(4));
        assert!(memory.data(&*store).iter().all(|byte| *byte == 0x55));
        memory.grow(&mut *store, 1).unwrap();
        assert!(memory.data(&*store)[4 << 16..].iter().all(|byte| *byte == 0), "new pages are zero");
        memory.data_mut(&mut *store)[(4 << 16) + 5] = 7;
    });
}

#[test]
fn small_writes_are_reset() {
    let wat = r#"(module
        (memory (export "memory") 3)
        (data (i32.const 4090) "over the end of a page")
        (func (export "note") (param i32) (result i32)
            (i32.store (i32.const 4092) (local.get 0))
            (i32.store (i32.const 150000) (local.get 0))
            (i32.load (i32.const 150000))))"#;
    each_finds_the_same(wat, |store, instance| {
        let memory = instance.get_memory(&mut *store, "memory").unwrap();
        let mut expected = vec![0; 3 << 16];
        expected[4090..][..22].copy_from_slice(b"over the end of a page");
        assert!(memory.data(&*store) == expected);
        assert_eq!(call(store, instance, "note", 77), Ok(77));
        memory.write(&mut *store, 60_000, b"the host's").unwrap();
    });
}

#[test]
fn writes_by_the_host_are_reset() {
    each_finds_the_same(r#"(module (memory (export "memory") 1 2))"#, |store, instance| {
        let memory = instance.get_memory(&mut *store, "memory").unwrap();
        assert_eq!(memory.size(&*store), 1);
        assert!(memory.data(&*store).iter().all(|byte| *byte == 0));
        memory.write(&mut *store, 60_000, b"the host's").unwrap();
        memory.grow(&mut *store, 1).unwrap();
    });
}

#[test]
fn large_images_are_mapped_and_never_change() {
    let text: String = (0..100_000).map(|i| char::from(b'a' + (i % 23) as u8)).collect();
    let wat = format!(
        r#"(module
            (memory (export "memory") 8)
            (data (i32.const 70001) "{text}")
            (data (i32.const 70000) "x") (data $passive "later")
            (func (export "spoil") (param i32) (result i32)
                (memory.fill (i32.const 80000) (local.get 0) (i32.const 20000))
                (i32.load8_u (i32.const 80000))))"#
    );
    each_finds_the_same(&wat, |store, instance| {
        let memory = instance.get_memory(&mut *store, "memory").unwrap();
        let data = memory.data(&*store);
        assert!(&data[70001..170_001] == text.as_bytes() && data[70000] == b'x');
        assert!(data[..70000].iter().chain(&data[170_001..]).all(|byte| *byte == 0));
        assert_eq!(call(store, instance, "spoil", 9), Ok(9));
    });
}

#[test]
fn globals_segments_and_tables_have_their_initial_contents() {
    let wat = r#"(module
        (type $answer (func (result i32)))
        (memory 1)
        (data $passive "pass")
        (global $count (mut i32) (i32.const 5))
        (global $wide (mut v128) (v128.const i64x2 1 2))
        (global $func (mut funcref) (ref.func $one))
        (table $small (export "small") 3 9 funcref) (elem (table $small) (i32.const 1) func $one)
        (elem $some func $one $two)
        (func $one (result i32) (i32.const 1))
        (func $two (result i32) (i32.const 2))
        (func (export "look") (param i32) (result i32) (local i32 i32 i32)
            (memory.init $passive (i32.const 0) (i32.const 0) (i32.const 4))
            (table.init $small $some (i32.const 0) (i32.const 0) (i32.const 1))
            (table.set $small (i32.const 0) (ref.null func))
            (i32.add (i32.add (i32.add (local.get 1) (i32.add (local.get 2) (local.get 3)))
                    (i32.wrap_i64 (i64x2.extract_lane 1 (global.get $wide))))
                (i32.add (global.get $count)
                    (i32.add (table.size $small)
                        (i32.add (i32.mul (i32.const 1000) (ref.is_null (table.get $small (i32.const 2))))
                            (i32.add (call_indirect $small (type $answer) (i32.const 1))
                                (i32.mul (i32.const 100) (ref.is_null (global.get $func)))))))))
        (func (export "spoil") (param i32) (result i32)
            (global.set $count (local.get 0))
            (global.set $wide (v128.const i64x2 8 9))
            (global.set $func (ref.null func))
            (table.set $small (i32.const 1) (ref.func $two))
            (table.set $small (i32.const 2) (ref.func $two))
            (drop (table.grow $small (ref.func $two) (i32.const 5)))
            (data.drop $passive) (elem.drop $some)
            (call_indirect $small (type $answer) (i32.const 7)))
        (func (export "again") (param i32) (result i32)
            (memory.init $passive (i32.const 0) (i32.const 0) (local.get 0))
            (i32.const 0)))"#;
    each_finds_the_same(wat, |store, instance| {
        assert_eq!(call(store, instance, "look", 0), Ok(2 + 5 + 3 + 1000 + 1));
        assert_eq!(call(store, instance, "again", 4), Ok(0));
        assert_eq!(call(store, instance, "spoil", 50), Ok(2));
        assert_eq!(call(store, instance, "again", 4), Err(Trap::MemoryOutOfBounds), "the segment is dropped");
        assert_eq!(call(store, instance, "again", 0), Ok(0));
    });
}

/// A table of 300 elements, of which the first 200 are initialised lazily: each returns its number.
const LAZY: &str = r#"
    (type $answer (func (result i32)))
    (table $t (export "table") 300 400 funcref)
    (func (export "at") (param i32) (result i32) (call_indirect $t (type $answer) (local.get 0)))
    (func (export "got") (param i32) (result i32) (ref.is_null (table.get $t (local.get 0))))
    (func (export "clear") (param i32) (result i32) (table.set $t (local.get 0) (ref.null func)) (i32.const 0))
    (func (export "fill") (param i32) (result i32)
        (table.fill $t (local.get 0) (ref.null func) (i32.const 10)) (i32.const 0))
    (func (export "copy") (param i32) (result i32)
        (table.copy $t $t (i32.const 250) (local.get 0) (i32.const 10)) (i32.const 0))
    (func (export "grow") (param i32) (result i32) (table.grow $t (ref.null func) (local.get 0)))"#;

/// Returns a module with [`LAZY`] and its functions.
fn lazy() -> String {
    let functions: String = (0..200).map(|i| format!("(func $f{i} (type $answer) (i32.const {i}))\n")).collect();
    let names: String = (0..200).map(|i| format!(" $f{i}")).collect();
    format!("(module {LAZY} {functions} (elem (i32.const 0) func {names}))")
}

#[test]
fn elements_are_initialised_at_their_first_use() {
    each_finds_the_same(&lazy(), |store, instance| {
        assert_eq!(call(store, instance, "at", 7), Ok(7));
        assert_eq!(call(store, instance, "got", 8), Ok(0));
        assert_eq!(call(store, instance, "got", 200), Ok(1));
        assert_eq!(call(store, instance, "at", 199), Ok(199));
        assert_eq!(call(store, instance, "at", 200), Err(Trap::UninitializedElement));
        assert_eq!(call(store, instance, "at", 300), Err(Trap::UndefinedElement));
        let table = instance.get_table(&mut *store, "table").unwrap();
        let func = table.get(&mut *store, 9).unwrap().into_func().expect("the element is a function");
        assert_eq!(func.typed::<(), i32>(&*store).unwrap().call(&mut *store, ()).unwrap(), 9);
        assert_eq!(table.get(&mut *store, 7).unwrap().into_func().map(|f| f.ty(&*store).results().len()), Some(1));
        assert!(table.get(&mut *store, 299).unwrap().into_func().is_none() && table.get(&mut *store, 300).is_none());
    });
}

#[test]
fn elements_set_to_null_remain_null() {
    each_finds_the_same(&lazy(), |store, instance| {
        assert_eq!(call(store, instance, "clear", 3), Ok(0));
        assert_eq!(call(store, instance, "at", 3), Err(Trap::UninitializedElement));
        assert_eq!(call(store, instance, "got", 3), Ok(1));
        assert_eq!(call(store, instance, "at", 4), Ok(4));
    });
    each_finds_the_same(&lazy(), |store, instance| {
        assert_eq!(call(store, instance, "fill", 10), Ok(0));
        assert_eq!(call(store, instance, "at", 19), Err(Trap::UninitializedElement));
        assert_eq!(call(store, instance, "at", 20), Ok(20));
    });
    each_finds_the_same(&lazy(), |store, instance| {
        assert_eq!(call(store, instance, "copy", 195), Ok(0));
        assert_eq!(call(store, instance, "at", 254), Ok(199));
        assert_eq!(call(store, instance, "at", 255), Err(Trap::UninitializedElement));
        assert_eq!(call(store, instance, "at", 100), Ok(100));
    });
    each_finds_the_same(&lazy(), |store, instance| {
        assert_eq!(call(store, instance, "grow", 50), Ok(300));
        assert_eq!(call(store, instance, "at", 349), Err(Trap::UninitializedElement));
        assert_eq!(call(store, instance, "at", 150), Ok(150));
        let table = instance.get_table(&mut *store, "table").unwrap();
        table.set(&mut *store, 150, kinglet::Ref::Func(None)).unwrap();
        assert_eq!(call(store, instance, "at", 150), Err(Trap::UninitializedElement));
        assert_eq!(call(store, instance, "at", 151), Ok(151));
    });
}

#[test]
fn a_lazily_initialised_table_can_be_imported() {
    for engine in engines() {
        let owner = Module::new(&engine, lazy()).unwrap();
        let user = r#"(module
            (type $answer (func (result i32)))
            (import "m" "table" (table $t 300 funcref))
            (table $own 300 funcref)
            (func (export "at") (param i32) (result i32) (call_indirect $t (type $answer) (local.get 0)))
            (func (export "copied") (param i32) (result i32)
                (table.copy $own $t (i32.const 0) (i32.const 0) (i32.const 300))
                (call_indirect $own (type $answer) (local.get 0)))
            (func (export "clear") (param i32) (result i32)
                (table.set $t (local.get 0) (ref.null func)) (i32.const 0)))"#;
        let user = Module::new(&engine, user).unwrap();
        for _ in 0..3 {
            let mut store = Store::new(&engine, ());
            let owner = Instance::new(&mut store, &owner, &[]).unwrap();
            let table = owner.get_table(&mut store, "table").unwrap();
            let user = Instance::new(&mut store, &user, &[table.into()]).unwrap();
            assert_eq!(call(&mut store, user, "at", 60), Ok(60));
            assert_eq!(call(&mut store, user, "clear", 61), Ok(0));
            assert_eq!(call(&mut store, owner, "at", 61), Err(Trap::UninitializedElement));
            assert_eq!(call(&mut store, user, "copied", 199), Ok(199));
            assert_eq!(call(&mut store, user, "copied", 61), Err(Trap::UninitializedElement));
        }
    }
}

#[test]
fn stores_do_not_share_host_functions() {
    for engine in engines() {
        let elements: String = "$id ".repeat(100);
        let module = format!(
            r#"(module
                (type $id (func (result i32)))
                (import "host" "id" (func $id (type $id)))
                (table 100 funcref) (elem (i32.const 0) func {elements})
                (func (export "run") (result i32)
                    (i32.add (i32.mul (call $id) (i32.const 100)) (call_indirect (type $id) (i32.const 70)))))"#
        );
        let module = Module::new(&engine, module).unwrap();
        let mut linker = Linker::new(&engine);
        linker.func_wrap("host", "id", |caller: Caller<'_, i32>| *caller.data()).unwrap();
        let pre = linker.instantiate_pre(&module).unwrap();
        let mut stores = Vec::new();
        for round in 0..4 {
            for id in 0..5 {
                let mut store = Store::new(&engine, 10 * round + id);
                let instance = pre.instantiate(&mut store).unwrap();
                let again = pre.instantiate(&mut store).unwrap();
                stores.push((store, [instance, again]));
            }
            for (store, instances) in &mut stores {
                for instance in instances {
                    let run = instance.get_typed_func::<(), i32>(&mut *store, "run").unwrap();
                    assert_eq!(run.call(&mut *store, ()).unwrap(), *store.data() * 101);
                }
            }
            stores.clear();
        }
    }
}

#[test]
fn an_instance_whose_start_failed_leaves_no_state() {
    let wat = r#"(module
        (import "host" "fail" (global $fail i32))
        (memory (export "memory") 1)
        (global $count (mut i32) (i32.const 0))
        (func $start
            (i32.store8 (i32.const 9) (i32.const 1))
            (if (global.get $fail) (then (unreachable))))
        (start $start))"#;
    for engine in engines() {
        let module = Module::new(&engine, wat).unwrap();
        for fail in [1, 0, 1, 1, 0] {
            let mut store = Store::new(&engine, ());
            let ty = kinglet::GlobalType { content: kinglet::ValType::I32, mutable: false };
            let global = kinglet::Global::new(&mut store, ty, Val::I32(fail)).unwrap();
            let instance = Instance::new(&mut store, &module, &[global.into()]);
            assert_eq!(instance.is_err(), fail == 1);
            if let Ok(instance) = instance {
                let memory = instance.get_memory(&mut store, "memory").unwrap();
                assert_eq!(memory.data(&store)[..10], [0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
            }
        }
    }
}

#[test]
fn out_of_bounds_segments_still_fail() {
    for engine in engines() {
        let module = Module::new(
            &engine,
            r#"(module (import "m" "table" (table 4 funcref)) (func $f)
                (table $own 300 funcref) (elem (table $own) (i32.const 299) func $f)
                (elem (table 0) (i32.const 3) func $f) (elem (table 0) (i32.const 4) func $f))"#,
        );
        let module = module.unwrap();
        for _ in 0..3 {
            let mut store = Store::new(&engine, ());
            let table =
                Table::new(&mut store, TableType::new(RefType::FUNCREF, 4, None), kinglet::Ref::Func(None)).unwrap();
            let error = Instance::new(&mut store, &module, &[Extern::Table(table)]).unwrap_err();
            assert_eq!(error.downcast_ref::<Trap>(), Some(&Trap::TableOutOfBounds));
            assert!(table.get(&mut store, 3).unwrap().into_func().is_some(), "the previous segment has been written");
        }
    }
}

#[test]
fn limits_apply_to_recycled_instances() {
    for engine in engines() {
        let module = Module::new(&engine, "(module (memory 2) (table 10 funcref))").unwrap();
        let pre = Linker::new(&engine).instantiate_pre(&module).unwrap();
        let limited = |limits: StoreLimits| {
            let mut store = Store::new(&engine, limits);
            store.limiter(|limits| limits);
            store
        };
        for _ in 0..3 {
            pre.instantiate(&mut limited(StoreLimitsBuilder::new().total_memory((2 << 16) + 80).build())).unwrap();
            for limits in [
                StoreLimitsBuilder::new().memory_size(1 << 16).build(),
                StoreLimitsBuilder::new().total_memory((2 << 16) + 79).build(),
                StoreLimitsBuilder::new().table_elements(9).build(),
                StoreLimitsBuilder::new().instances(0).build(),
                StoreLimitsBuilder::new().memories(0).build(),
            ] {
                assert!(pre.instantiate(&mut limited(limits)).is_err());
            }
        }
    }
}

#[test]
fn a_deep_recursion_leaves_no_data_on_the_stack() {
    let wat = r#"(module
        (func $deep (export "deep") (param i32) (result i32) (local i64 i64 i64 i64)
            (if (i32.eqz (local.get 0)) (then (return (i32.const 0))))
            (local.set 1 (i64.const -1)) (local.set 2 (i64.const 7)) (local.set 3 (i64.const 7))
            (local.set 4 (i64.const 7))
            (i32.add (call $deep (i32.sub (local.get 0) (i32.const 1))) (i32.wrap_i64 (local.get 4))))
        (func (export "fresh") (param i32) (result i32) (local i64 i64 i64 i64)
            (i32.wrap_i64 (i64.add (i64.add (local.get 1) (local.get 2)) (i64.add (local.get 3) (local.get 4))))))"#;
    each_finds_the_same(wat, |store, instance| {
        assert_eq!(call(store, instance, "fresh", 0), Ok(0));
        assert_eq!(call(store, instance, "deep", 1000), Ok(7000));
        assert_eq!(call(store, instance, "fresh", 0), Ok(0));
    });
}

/// A module with a memory of one page.
const SMALL: &str = r#"(module
    (memory 1) (data (i32.const 16) "a few bytes")
    (func (export "note") (param i32) (result i32)
        (i32.store offset=1024 (i32.const 0) (i32.add (local.get 0) (i32.load offset=1024 (i32.const 0))))
        (i32.load offset=1024 (i32.const 0))))"#;

#[test]
fn a_pool_is_never_exhausted() {
    let mut pool = PoolingAllocationConfig::new();
    pool.max_unused_warm_slots(10);
    let engine = engine(|config| {
        config.allocation_strategy(pool);
    });
    let pre = pre(&engine, SMALL);
    for _ in 0..2 {
        let mut live: Vec<_> = (0..1200)
            .map(|_| {
                let mut store = Store::new(&engine, ());
                let instance = pre.instantiate(&mut store).expect("an empty pool allocates");
                (store, instance)
            })
            .collect();
        for (i, (store, instance)) in (0..).zip(&mut live) {
            assert_eq!(call(store, *instance, "note", i), Ok(i));
            assert_eq!(call(store, *instance, "note", 1), Ok(i + 1));
        }
    }
}

#[test]
#[cfg(all(target_os = "linux", feature = "jit"))]
fn recycled_instances_are_freed_when_memory_is_scarce() {
    let output = crate::native::alone("pool::keep_more_than_there_is");
    assert!(output.status.success(), "{output:?}");
}

#[test]
#[cfg(all(target_os = "linux", feature = "jit"))]
#[ignore = "run by recycled_instances_are_freed_when_memory_is_scarce in a separate process"]
fn keep_more_than_there_is() {
    let limit = rustix::process::Rlimit { current: Some(1 << 30), maximum: Some(1 << 30) };
    rustix::process::setrlimit(rustix::process::Resource::As, limit).unwrap();
    for engine in engines() {
        // Each instance has a memory of 100 MiB. The process can have nine of them.
        let text = "(module (memory 1600) (func (export \"same\") (param i32) (result i32) (local.get 0)))";
        let modules: Vec<_> = (0..20).map(|_| pre(&engine, text)).collect();
        for pre in modules.iter().chain(&modules) {
            let mut store = Store::new(&engine, ());
            let instance = pre.instantiate(&mut store).expect("recycled instances have been freed");
            assert_eq!(call(&mut store, instance, "same", 5), Ok(5));
        }
    }
}

#[test]
#[cfg(target_os = "linux")]
fn idle_instances_take_little_memory() {
    let resident = || {
        let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
        statm.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * rustix::param::page_size()
    };
    let engine = engine(|config| {
        config.allocation_strategy(PoolingAllocationConfig::new());
    });
    let pre = pre(&engine, SMALL);
    for called in [false, true] {
        let (before, mut stores) = (resident(), Vec::new());
        for _ in 0..2000 {
            let mut store = Store::new(&engine, ());
            let instance = pre.instantiate(&mut store).unwrap();
            if called {
                assert_eq!(call(&mut store, instance, "note", 1), Ok(1));
            }
            stores.push(store);
        }
        // Other tests run at the same time.
        let each = resident().saturating_sub(before) / stores.len();
        assert!(each < 32 << 10, "{each} bytes each");
    }
}

/// By default Linux limits a process to 65,530 mappings.
#[test]
#[cfg(all(target_os = "linux", feature = "jit"))]
fn ten_thousand_live_instances_take_at_most_five_mappings_each() {
    let output = crate::native::alone("pool::count_mappings_of_live_instances");
    assert!(output.status.success(), "{output:?}");
}

#[test]
#[cfg(all(target_os = "linux", feature = "jit"))]
#[ignore = "run by ten_thousand_live_instances_take_at_most_five_mappings_each in a separate process"]
fn count_mappings_of_live_instances() {
    const LIVE: usize = 10_000;
    let mappings = || std::fs::read_to_string("/proc/self/maps").unwrap().lines().count();
    for engine in engines() {
        let pre = pre(&engine, SMALL);
        let before = mappings();
        let mut live: Vec<_> = (0..LIVE)
            .map(|_| {
                let mut store = Store::new(&engine, ());
                let instance = pre.instantiate(&mut store).unwrap();
                (store, instance)
            })
            .collect();
        for called in [false, true] {
            if called {
                live.iter_mut().for_each(|(store, instance)| assert_eq!(call(store, *instance, "note", 1), Ok(1)));
            }
            let taken = mappings() - before;
            println!("{taken} mappings of {LIVE} instances, called: {called}");
            assert!(taken <= 5 * LIVE, "called: {called}, {taken}");
        }
    }
}
