//! Modules compiled ahead of time: both forms behave like the original module. Native code that does not match the
//! engine is recompiled, and damaged files are errors.

use std::fs::File;
use std::ops::Range;
use std::path::{Path, PathBuf};

use kinglet::{
    Config, Engine, Feature, Instance, Module, Optimization, Precompiled, RunMode, Store, Trap, WasmBacktrace,
};
use kinglet_tests::folder::Folder;

use crate::{engine, module, trap_of};

const PROGRAM: &str = r#"(module $program
  (memory (export "memory") 1) (data (i32.const 8) "some data")
  (table 2 funcref) (elem (i32.const 0) $one $two)
  (type $f (func (result i32)))
  (func $one (type $f) (i32.const 1)) (func $two (type $f) (i32.const 2))
  (func $fib (export "fib") (param i32) (result i32)
    (if (result i32) (i32.lt_u (local.get 0) (i32.const 2)) (then (local.get 0))
      (else (i32.add (call $fib (i32.sub (local.get 0) (i32.const 1)))
                     (call $fib (i32.sub (local.get 0) (i32.const 2)))))))
  (func (export "pick") (param i32) (result i32) (call_indirect (type $f) (local.get 0)))
  (func $load (export "load") (param i32) (result i32) (i32.load8_u (local.get 0))))"#;

fn call(module: &Module, name: &str, argument: i32) -> kinglet::Result<i32> {
    let mut store = crate::store(module.engine());
    let instance = Instance::new(&mut store, module, &[]).unwrap();
    instance.get_typed_func::<i32, i32>(&mut store, name).unwrap().call(&mut store, argument)
}

#[track_caller]
fn works(module: &Module) {
    assert_eq!(call(module, "fib", 20).unwrap(), 6765);
    assert_eq!(call(module, "pick", 1).unwrap(), 2);
    assert_eq!(call(module, "load", 8).unwrap(), i32::from(b's'));
    let error = call(module, "load", -1).unwrap_err();
    assert_eq!(trap_of(&error), Trap::MemoryOutOfBounds);
    let frame = &error.downcast_ref::<WasmBacktrace>().unwrap().frames()[0];
    assert_eq!(frame.func_name(), Some("load"));
    assert!(frame.offset().is_some());
}

fn deserialize(engine: &Engine, bytes: &[u8]) -> kinglet::Result<Module> {
    // SAFETY: these tests have compiled the artifact. If they damage it, it must be rejected before it runs.
    unsafe { Module::deserialize(engine, bytes) }
}

/// Writes a file for this test.
fn file(name: &str, bytes: &[u8]) -> PathBuf {
    let path = std::env::temp_dir().join(format!("kinglet-{}-{name}", std::process::id()));
    std::fs::write(&path, bytes).unwrap();
    path
}

const FORMS: [Precompiled; 2] = [Precompiled::Native, Precompiled::Universal];

#[test]
fn both_forms_run_from_memory_and_from_a_file() {
    let engine = Engine::default();
    for form in FORMS {
        let artifact = engine.precompile_module_with(PROGRAM, form, |_, _| ()).unwrap();
        assert_eq!(Engine::detect_precompiled(&artifact), Some(form));
        let other = Engine::default();
        let loaded = deserialize(&other, &artifact).unwrap();
        assert_eq!((loaded.rejected_code(), loaded.name()), (None, Some("program")));
        works(&loaded);
        let path = file(&format!("{form:?}"), &artifact);
        assert_eq!(Engine::detect_precompiled_file(&path).unwrap(), Some(form));
        // SAFETY: this test has just written the file.
        let mapped = unsafe { Module::deserialize_file(&other, &path) }.unwrap();
        std::fs::remove_file(&path).unwrap();
        works(&mapped);
        assert_eq!(mapped.rejected_code(), None);
        assert_eq!(mapped.binary(), module(&engine, PROGRAM).binary());
        assert_eq!(Engine::precompiled_binary(&artifact).unwrap(), mapped.binary());
    }
}

/// Puts 64 KiB before the contents of a file and a few bytes after them. Returns the range of the contents.
fn behind_something(path: &Path) -> Range<u64> {
    let contents = std::fs::read(path).unwrap();
    std::fs::write(path, [&[0x55; 64 << 10][..], &contents, b"more"].concat()).unwrap();
    64 << 10..(64 << 10) + contents.len() as u64
}

#[test]
fn a_part_of_a_file_can_be_a_module() {
    let engine = Engine::default();
    for form in FORMS {
        let path = file(&format!("part-{form:?}"), &engine.precompile_module_with(PROGRAM, form, |_, _| ()).unwrap());
        let part = behind_something(&path);
        // SAFETY: this test has just written the file; other ranges must be rejected.
        let load = |part| unsafe { Module::deserialize_file_part(&engine, File::open(&path).unwrap(), part) };
        let mapped = load(part.clone()).unwrap();
        works(&mapped);
        assert_eq!(mapped.rejected_code(), None);
        let wrong = [part.start + 1..part.end, part.start - 4096..part.end, part.start..part.end - 1, 0..0];
        for part in wrong.into_iter().chain([part.start..part.end + 1, part.start..part.end + 5]) {
            assert!(load(part.clone()).is_err(), "{form:?} {part:?}");
        }
        std::fs::remove_file(&path).unwrap();
    }
}

/// An artifact and the module itself lead to the same initial memory, even if data cannot be mapped.
#[test]
fn memories_are_initialised_from_data_segments() {
    let modules = [
        "(module (func (export \"f\")))",
        "(module (memory (export \"m\") 1))",
        r#"(module (memory (export "m") 2) (data (i32.const 65530) "over the end of a page") (data (i32.const 65533) "twice"))"#,
        r#"(module (memory (export "m") 40) (data (i32.const 5) "far") (data (i32.const 2600000) "apart"))"#,
        r#"(module (memory (export "m") 1) (data (i32.add (i32.const 4) (i32.const 5)) "computed"))"#,
        r#"(module (memory (export "m") 1) (memory 1) (data (i32.const 1) "one") (data (memory 1) (i32.const 1) "two"))"#,
        r#"(module (memory (export "m") i64 1) (data (i64.const 4096) "wide"))"#,
        r#"(module (memory (export "m") 1) (data $p "passive") (data (i32.const 3) "active")
            (func (export "again") (result i32) (memory.init $p (i32.const 100) (i32.const 0) (i32.const 7))
                (data.drop $p) (i32.load8_u (i32.const 3))))"#,
        r#"(module (memory (export "m") 1) (data (i32.const 65536) ""))"#,
    ];
    let engine = Engine::default();
    for (number, text) in modules.iter().enumerate() {
        let contents = |module: &Module| {
            let mut store = Store::new(&engine, ());
            let instance = Instance::new(&mut store, module, &[]).unwrap();
            if let Ok(again) = instance.get_typed_func::<(), i32>(&mut store, "again") {
                again.call(&mut store, ()).unwrap();
            }
            let memory = instance.get_memory(&mut store, "m");
            memory.map(|memory| {
                memory.grow(&mut store, 3).unwrap();
                memory.data(&store).to_vec()
            })
        };
        let path = file(&format!("memory-{number}"), &engine.precompile_module(text).unwrap());
        // SAFETY: this test has just written the file.
        let mapped = unsafe { Module::deserialize_file(&engine, &path) }.unwrap();
        let expected = contents(&module(&engine, text));
        // It runs twice, because writes of the first instance must be private.
        assert!(contents(&mapped) == expected && contents(&mapped) == expected, "{text}");
        let part = behind_something(&path);
        // SAFETY: this test has just written the file.
        let mapped = unsafe { Module::deserialize_file_part(&engine, File::open(&path).unwrap(), part) }.unwrap();
        assert!(contents(&mapped) == expected && contents(&mapped) == expected, "{text}");
        std::fs::remove_file(&path).unwrap();
    }
    let outside = r#"(module (memory 1) (data (i32.const 65530) "too long"))"#;
    let path = file("outside", &engine.precompile_module(outside).unwrap());
    // SAFETY: this test has just written the file.
    let mapped = unsafe { Module::deserialize_file(&engine, &path) }.unwrap();
    std::fs::remove_file(&path).unwrap();
    let error = Instance::new(Store::new(&engine, ()), &mapped, &[]).unwrap_err();
    assert_eq!(trap_of(&error), Trap::MemoryOutOfBounds);
}

#[test]
fn a_module_serializes_in_its_own_form() {
    let engine = Engine::default();
    let module = module(&engine, PROGRAM);
    assert_eq!(module.serialize().unwrap(), engine.precompile_module(PROGRAM).unwrap());
    works(&deserialize(&engine, &module.serialize().unwrap()).unwrap());
}

#[test]
fn a_universal_module_is_valid_and_can_be_recompiled() {
    let engine = Engine::default();
    let universal = engine.precompile_module_with(PROGRAM, Precompiled::Universal, |_, _| ()).unwrap();
    let plain = Module::new(&engine, &universal).unwrap();
    works(&plain);
    let sections: Vec<&str> = plain.custom_sections().map(|section| section.name()).collect();
    assert_eq!(sections.last(), Some(&"kinglet"));
    assert_eq!(engine.precompile_module_with(&universal, Precompiled::Universal, |_, _| ()).unwrap(), universal);
}

#[test]
fn an_engine_with_other_settings_recompiles_and_reports_the_reason() {
    let artifact = Engine::default().precompile_module(PROGRAM).unwrap();
    type Set = fn(&mut Config);
    let settings: [(&str, Set); 6] = [
        ("gas", |config| {
            config.gas(true);
        }),
        ("interrupts", |config| {
            config.interruptible(false);
        }),
        ("canonical NaN", |config| {
            config.nan_canonicalization(true);
        }),
        ("traps by", |config| {
            config.signals_based_traps(false);
        }),
        ("memory reservation", |config| {
            config.memory_reservation(0);
        }),
        ("Spectre", |config| {
            config.spectre_mitigation(false);
        }),
    ];
    for (what, set) in settings {
        let engine = engine(set);
        let loaded = deserialize(&engine, &artifact).unwrap();
        assert!(loaded.rejected_code().unwrap().contains(what), "{what}: {:?}", loaded.rejected_code());
        let mut store = crate::store(&engine);
        let instance = Instance::new(&mut store, &loaded, &[]).unwrap();
        let fib = instance.get_typed_func::<i32, i32>(&mut store, "fib").unwrap();
        assert_eq!(fib.call(&mut store, 10).unwrap(), 55);
    }
    // The optimisation level does not matter.
    let engine = engine(|config| {
        config.optimization(Optimization::None);
    });
    assert_eq!(deserialize(&engine, &artifact).unwrap().rejected_code(), None);
}

#[test]
fn code_for_other_processors_is_recompiled() {
    let mut config = Config::new();
    config.cpu_feature(if cfg!(target_arch = "x86_64") { "avx512vbmi" } else { "lse" }, true);
    let artifact = Engine::new(&config).unwrap().precompile_module(PROGRAM).unwrap();
    let loaded = deserialize(&Engine::default(), &artifact).unwrap();
    let has = cfg!(target_arch = "aarch64") || loaded.rejected_code().is_none();
    assert!(has || loaded.rejected_code().unwrap().contains("needs a processor with avx512vbmi"));
    works(&loaded);

    let mut config = Config::new();
    config.generic_processor(true);
    let artifact = Engine::new(&config).unwrap().precompile_module(PROGRAM).unwrap();
    let loaded = deserialize(&Engine::default(), &artifact).unwrap();
    assert_eq!(loaded.rejected_code(), None);
    works(&loaded);
}

#[test]
fn an_interpreting_engine_ignores_native_code() {
    let artifact = Engine::default().precompile_module(PROGRAM).unwrap();
    let interpreter = engine(|config| {
        config.run_mode(RunMode::Interpreter);
    });
    works(&deserialize(&interpreter, &artifact).unwrap());
}

#[test]
fn disabled_proposals_are_checked_in_artifacts() {
    let vectors = r#"(module (func (export "v") (result v128) (v128.const i64x2 1 2)))"#;
    let artifact = Engine::default().precompile_module(vectors).unwrap();
    deserialize(&Engine::default(), &artifact).unwrap();
    let without = engine(|config| {
        config.feature(Feature::Simd, false);
    });
    assert!(deserialize(&without, &artifact).unwrap_err().is::<kinglet::ModuleError>());
}

#[test]
fn files_that_are_not_artifacts_are_errors() {
    let engine = Engine::default();
    let binary = module(&engine, PROGRAM).binary().to_vec();
    for (bytes, part) in
        [(&b"\0"[..], "not a compiled module"), (&binary, "without native code"), (b"kinglet\0", "truncated")]
    {
        let error = deserialize(&engine, bytes).unwrap_err();
        assert!(error.to_string().contains(part), "{error}");
    }
    assert!(deserialize(&engine, b"").is_err());
    assert_eq!(Engine::detect_precompiled(&binary), None);
    assert_eq!(Engine::precompiled_binary(&binary), None);
    // SAFETY: no such file exists.
    unsafe { Module::deserialize_file(&engine, "/no/such/file") }.unwrap_err();
}

/// A change of any byte, thousands of random changes, and every truncation are detected before the file is used.
#[test]
fn all_damage_is_detected() {
    let engine = Engine::default();
    for form in FORMS {
        let artifact = engine.precompile_module_with(PROGRAM, form, |_, _| ()).unwrap();
        let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
        let mut random = |below: usize| {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            (seed % below as u64) as usize
        };
        let refused = |bytes: &[u8], what: &str| {
            let loaded = deserialize(&engine, bytes);
            assert!(loaded.is_err(), "{form:?}: {what} was not found");
        };
        let header = 400.min(artifact.len());
        let places: Vec<usize> = match form {
            Precompiled::Native => (0..header).collect(),
            Precompiled::Universal => (artifact.len() - 100..artifact.len()).collect(),
        };
        for at in places {
            let mut bytes = artifact.clone();
            bytes[at] ^= 1 << random(8);
            refused(&bytes, &format!("changed at {at}"));
        }
        for round in 0..4000 {
            let mut bytes = artifact.clone();
            for _ in 0..1 + random(4) {
                let at = random(bytes.len());
                bytes[at] = bytes[at].wrapping_add(1 + random(255) as u8);
            }
            if bytes != artifact {
                refused(&bytes, &format!("round {round}"));
            }
        }
        for _ in 0..1000 {
            refused(&artifact[..random(artifact.len())], "a cut");
        }
    }
}

#[test]
fn the_error_for_an_unreadable_file_has_the_reason() {
    let folder = Folder::new();
    let missing = folder.path().join("missing");
    let error = Engine::detect_precompiled_file(&missing).unwrap_err().to_string();
    assert!(error.starts_with(&format!("cannot read {}: No such file", missing.display())), "{error}");
    let error = Engine::detect_precompiled_file(folder.path()).unwrap_err().to_string();
    assert!(error.contains("Is a directory"), "{error}");
    for other in ["", "\0asm", "\0asm\x01\0\0\0", "kinglet", "(module)"] {
        let file = folder.file("other", other);
        assert_eq!(Engine::detect_precompiled_file(&file).unwrap(), None, "{other:?}");
    }
}

#[test]
fn constant_expressions_with_own_globals_work_in_artifacts_and_the_cache() {
    let text = r#"(module (import "m" "g" (global $imported i32))
      (global $a i32 (i32.const 5)) (global $b i32 (global.get $a))
      (global $c (export "c") i32 (i32.add (global.get $b) (global.get $imported)))
      (memory (export "memory") 1)
      (data (offset (global.get $b)) "at five") (data (offset (i32.sub (global.get $c) (i32.const 1))) "at eleven"))"#;
    let works = |module: &Module| {
        let mut store = Store::new(module.engine(), ());
        let ty = kinglet::GlobalType { content: kinglet::ValType::I32, mutable: false };
        let seven = kinglet::Global::new(&mut store, ty, kinglet::Val::I32(7)).unwrap();
        let instance = Instance::new(&mut store, module, &[seven.into()]).unwrap();
        let c = instance.get_global(&mut store, "c").unwrap().get(&mut store);
        let memory = instance.get_memory(&mut store, "memory").unwrap();
        assert_eq!((c.i32(), &memory.data(&store)[5..20]), (Some(12), &b"at fivat eleven"[..]));
    };
    let engine = Engine::default();
    for form in [Precompiled::Native, Precompiled::Universal] {
        works(&deserialize(&engine, &engine.precompile_module_with(text, form, |_, _| ()).unwrap()).unwrap());
    }
    let folder = kinglet_tests::folder::Folder::new();
    for hits in 0..2 {
        let path = folder.path().join("cache");
        let cache = kinglet::Cache::new(kinglet::CacheConfig::new().with_directory(path)).unwrap();
        let engine = Engine::new(Config::new().run_mode(RunMode::Jit).cache(Some(cache.clone()))).unwrap();
        works(&Module::new(&engine, text).unwrap());
        assert_eq!(cache.cache_hits(), hits);
    }
}
