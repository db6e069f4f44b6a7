//! Artifacts and cache files that were damaged by accident, or forged with correct checksums. The first byte of an input
//! selects its meaning: an artifact, an exported cache, the contents of cache files, or damage to the files of a cache. A
//! module that is loaded from a damaged cache must still work.

use std::io::Result;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use kinglet::{Cache, CacheConfig, Config, Engine, Instance, Module, Precompiled, RunMode, Store};

use super::Choices;

const PROGRAM: &str = r#"(module (import "host" "f" (func $f (param i32) (result i32))) (memory 1)
    (data (i32.const 8) "data") (table 2 funcref) (elem (i32.const 0) $g $g)
    (func $g (export "g") (param i32) (result i32)
        (block (br_if 0 (local.get 0)) (return (i32.const 7)))
        (i32.add (i32.load8_u (i32.const 8)) (call $f (i32.div_u (i32.const 84) (local.get 0))))))"#;

/// The directory of the caches. It is on a memory file system if the system has one.
static DIRECTORY: LazyLock<PathBuf> = LazyLock::new(|| {
    let shared = Path::new("/dev/shm");
    let parent = if shared.is_dir() { shared.to_path_buf() } else { std::env::temp_dir() };
    parent.join(format!("kinglet-fuzz-{}", std::process::id()))
});

static INTERPRETER: LazyLock<Engine> = LazyLock::new(|| engine(RunMode::Interpreter, None));

fn engine(mode: RunMode, cache: Option<Cache>) -> Engine {
    let mut config = Config::new();
    config.run_mode(mode).cache(cache).compiler_threads(1);
    Engine::new(&config).expect("the configuration is valid")
}

fn cache() -> Cache {
    Cache::new(CacheConfig::new().with_directory(&*DIRECTORY)).expect("the directory can be created")
}

pub(super) fn run(input: &[u8]) {
    let Some((kind, input)) = input.split_first() else { return };
    match kind % 4 {
        0 => read(input),
        1 => import(input),
        2 => list(input),
        _ => damage(&mut Choices(input)),
    }
}

/// Reads an artifact, first unchanged, then with correct checksums.
fn read(input: &[u8]) {
    let _ = (Engine::detect_precompiled(input), Engine::precompiled_binary(input));
    let _ = kinglet::testing::read_artifact(input);
    let Some(repaired) = kinglet::testing::repair_artifact(input) else { return };
    let _ = kinglet::testing::read_artifact(&repaired);
    // SAFETY: an engine in interpreter mode ignores native code. It only uses the module, and it validates the module.
    let _ = unsafe { Module::deserialize(&INTERPRETER, &repaired) };
}

/// Imports an exported cache.
fn import(input: &[u8]) {
    let cache = cache();
    let _ = cache.import([b"kinglet cache 1\n", input].concat().as_slice());
    let _ = (cache.entries(), cache.export(std::io::sink()));
    let _ = cache.clean();
}

/// Lists and exports a cache with arbitrary file contents.
fn list(input: &[u8]) {
    let cache = cache();
    for ending in ["module", "code", "ran", "file"] {
        let _ = std::fs::write(DIRECTORY.join(format!("{}.{ending}", "0a".repeat(32))), input);
    }
    let _ = (cache.entries(), cache.export(std::io::sink()));
    let _ = cache.clean();
}

/// Damages the files of a cache between two runs of a module.
fn damage(choices: &mut Choices<'_>) {
    let cache = cache();
    run_program(&engine(RunMode::Jit, Some(cache.clone())));
    let mut files: Vec<_> =
        std::fs::read_dir(&*DIRECTORY).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    files.sort();
    while !choices.0.is_empty() && !files.is_empty() {
        let path = &files[choices.below(files.len())];
        let Ok(mut bytes) = std::fs::read(path) else { continue };
        let at = choices.number() as usize % (bytes.len() + 1);
        match choices.byte() {
            0..=19 => bytes.truncate(at),
            20..=29 => bytes.extend(choices.take(8)),
            mask => bytes.get_mut(at).into_iter().for_each(|byte| *byte ^= mask),
        }
        let _ = std::fs::remove_file(path);
        let _ = std::fs::write(path, bytes);
    }
    run_program(&engine(RunMode::Jit, Some(cache.clone())));
    let _ = cache.clean();
}

fn run_program(engine: &Engine) {
    let module = Module::new(engine, PROGRAM).expect("it is valid");
    let mut store = Store::new(engine, ());
    let f = kinglet::Func::wrap(&mut store, |n: i32| n + 1);
    let instance = Instance::new(&mut store, &module, &[f.into()]).expect("the imports match");
    let g = instance.get_typed_func::<i32, i32>(&mut store, "g").expect("it is exported");
    for (n, result) in [(0, Some(7)), (2, Some(143))] {
        match g.call(&mut store, n) {
            Ok(found) => assert_eq!(Some(found), result),
            // Some parts of an artifact are read on first use, so their damage is only found then.
            Err(error) => assert_eq!(error.downcast_ref(), Some(&kinglet::Trap::Damaged), "{error:#}"),
        }
    }
    let _ = module.update_cache();
}

pub(super) fn seeds(_: &Path) -> Result<Vec<Vec<u8>>> {
    let engine = engine(RunMode::Jit, None);
    let mut seeds = vec![vec![3], b"\x03\0\x05\xff\x01\x09\xff\x02\x30\x01".to_vec(), vec![2]];
    for form in [Precompiled::Native, Precompiled::Universal] {
        let artifact = engine.precompile_module_with(PROGRAM, form, |_, _| ()).map_err(std::io::Error::other)?;
        seeds.push([&[0], &artifact[..]].concat());
    }
    let cache = cache();
    run_program(&self::engine(RunMode::Jit, Some(cache.clone())));
    let mut exported = vec![1];
    cache.export(&mut exported).map_err(std::io::Error::other)?;
    // `import` prepends the header of an export, so the seed must not have it.
    exported.drain(1..17);
    seeds.push(exported);
    let _ = (cache.clean(), std::fs::remove_dir(&*DIRECTORY));
    Ok(seeds)
}
