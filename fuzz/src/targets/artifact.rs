//! Compiled modules and files of a cache that were damaged by accident or made up by someone who can repair checksums.
//! The first byte says what an input is: an artifact to be read, an exported cache, or damage to the files of a cache from
//! which a module is then loaded: it has to work as ever.

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

/// Where the caches are: in memory, if the system has such a folder.
static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| {
    let shared = Path::new("/dev/shm");
    let parent = if shared.is_dir() { shared.to_path_buf() } else { std::env::temp_dir() };
    parent.join(format!("kinglet-fuzz-{}", std::process::id()))
});

static INTERPRETER: LazyLock<Engine> = LazyLock::new(|| engine(RunMode::Interpreter, None));

fn engine(mode: RunMode, cache: Option<Cache>) -> Engine {
    let mut config = Config::new();
    config.run_mode(mode).cache(cache).compiler_threads(1);
    Engine::new(&config).expect("these settings go together")
}

fn cache() -> Cache {
    Cache::new(CacheConfig::new().with_directory(&*FOLDER)).expect("the folder can be made")
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

/// An artifact, as it is and with its checksums repaired.
fn read(input: &[u8]) {
    let _ = (Engine::detect_precompiled(input), Engine::precompiled_binary(input));
    let _ = kinglet::testing::read_artifact(input);
    let Some(repaired) = kinglet::testing::repair_artifact(input) else { return };
    let _ = kinglet::testing::read_artifact(&repaired);
    // SAFETY: an engine that interprets everything uses the module alone, which it validates.
    let _ = unsafe { Module::deserialize(&INTERPRETER, &repaired) };
}

/// A cache in one file.
fn import(input: &[u8]) {
    let cache = cache();
    let _ = cache.import([b"kinglet cache 1\n", input].concat().as_slice());
    let _ = (cache.entries(), cache.export(std::io::sink()));
    let _ = cache.clean();
}

/// Files of a cache that are something else.
fn list(input: &[u8]) {
    let cache = cache();
    for ending in ["module", "code", "ran", "file"] {
        let _ = std::fs::write(FOLDER.join(format!("{}.{ending}", "0a".repeat(32))), input);
    }
    let _ = (cache.entries(), cache.export(std::io::sink()));
    let _ = cache.clean();
}

/// Files of a cache that had an accident.
fn damage(choices: &mut Choices<'_>) {
    let cache = cache();
    run_program(&engine(RunMode::Jit, Some(cache.clone())));
    let mut files: Vec<_> =
        std::fs::read_dir(&*FOLDER).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
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
    let instance = Instance::new(&mut store, &module, &[f.into()]).expect("it gets what it needs");
    let g = instance.get_typed_func::<i32, i32>(&mut store, "g").expect("it is exported");
    for (n, result) in [(0, Some(7)), (2, Some(143))] {
        match g.call(&mut store, n) {
            Ok(found) => assert_eq!(Some(found), result),
            // Damage to a part that is only read when it is wanted.
            Err(error) => assert_eq!(error.downcast_ref(), Some(&kinglet::Trap::Damaged), "{error:#}"),
        }
    }
    let _ = module.update_cache();
}

pub(super) fn seeds(_: &Path) -> Result<Vec<Vec<u8>>> {
    let engine = engine(RunMode::Jit, None);
    let mut seeds = vec![vec![3], b"\x03\0\x05\xff\x01\x09\xff\x02\x30\x01".to_vec(), vec![2]];
    for form in [Precompiled::Native, Precompiled::Universal] {
        let artifact = engine.precompile_module(PROGRAM, form).map_err(std::io::Error::other)?;
        seeds.push([&[0], &artifact[..]].concat());
    }
    let cache = cache();
    run_program(&self::engine(RunMode::Jit, Some(cache.clone())));
    let mut exported = vec![1];
    cache.export(&mut exported).map_err(std::io::Error::other)?;
    // The target puts the mark that it begins with before it itself.
    exported.drain(1..17);
    seeds.push(exported);
    let _ = (cache.clean(), std::fs::remove_dir(&*FOLDER));
    Ok(seeds)
}
