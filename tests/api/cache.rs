//! Tests of the cache on disk: reuse by the next start, and damaged, foreign or outdated entries.

use std::fs::{self, File, FileTimes};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use kinglet::{
    Cache, CacheConfig, CacheEntryKind, Config, Engine, Feature, Instance, Module, RunMode, Store, TierThresholds,
};
use kinglet_tests::folder::Folder;

const PROGRAM: &str = r#"(module $program
  (import "host" "twice" (func $twice (param i32) (result i32)))
  (memory (export "memory") 1) (data (i32.const 8) "some data")
  (func $fib (export "fib") (param i32) (result i32)
    (if (result i32) (i32.lt_u (local.get 0) (i32.const 2)) (then (local.get 0))
      (else (i32.add (call $fib (i32.sub (local.get 0) (i32.const 1)))
                     (call $fib (i32.sub (local.get 0) (i32.const 2)))))))
  (func (export "host") (param i32) (result i32) (call $twice (local.get 0)))
  (func (export "load") (param i32) (result i32) (i32.load8_u (local.get 0))))"#;

fn cache_in(path: &Path) -> Cache {
    Cache::new(CacheConfig::new().with_directory(path)).unwrap()
}

/// Returns an engine with a cache, as another process would create it.
fn engine(cache: &Cache, set: impl FnOnce(&mut Config) -> &mut Config) -> Engine {
    let mut config = Config::new();
    config.cache(Some(cache.clone())).run_mode(RunMode::Jit);
    set(&mut config);
    Engine::new(&config).unwrap()
}

#[track_caller]
fn works(module: &Module) {
    let mut linker = kinglet::Linker::new(module.engine());
    linker.func_wrap("host", "twice", |x: i32| x * 2).unwrap();
    let mut store = crate::store(module.engine());
    let instance = linker.instantiate(&mut store, module).unwrap();
    for (name, argument, result) in [("fib", 15, 610), ("host", 21, 42), ("load", 8, i32::from(b's')), ("load", 0, 0)] {
        let function = instance.get_typed_func::<i32, i32>(&mut store, name).unwrap();
        assert_eq!(function.call(&mut store, argument).unwrap(), result, "{name}");
    }
}

/// Starts the program, checks its results, and returns whether the cache had it.
#[track_caller]
fn start(path: &Path, set: impl FnOnce(&mut Config) -> &mut Config) -> bool {
    let cache = cache_in(path);
    let module = Module::new(&engine(&cache, set), PROGRAM).unwrap();
    works(&module);
    assert_eq!(cache.cache_hits() + cache.cache_misses(), 1);
    cache.cache_hits() == 1
}

fn kinds(path: &Path) -> Vec<CacheEntryKind> {
    let mut kinds: Vec<_> = cache_in(path).entries().unwrap().into_iter().map(|entry| entry.kind).collect();
    kinds.sort();
    kinds
}

fn files(path: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

const MODULE: CacheEntryKind = CacheEntryKind::Module;
const CODE: CacheEntryKind = CacheEntryKind::Code;

#[test]
fn a_second_start_finds_module_and_code() {
    let folder = Folder::new();
    let path = folder.path().join("cache");
    assert!(!start(&path, |config| config));
    assert_eq!(kinds(&path), [MODULE, CODE]);
    let before = files(&path).into_iter().map(|file| fs::read(file).unwrap()).collect::<Vec<_>>();
    assert!(start(&path, |config| config));
    assert_eq!(files(&path).into_iter().map(|file| fs::read(file).unwrap()).collect::<Vec<_>>(), before);
    assert!(start(&path, |config| config.run_mode(RunMode::Auto)), "code is shared between run modes");
    assert!(start(&path, |config| config.run_mode(RunMode::Interpreter)));
    assert_eq!(kinds(&path), [MODULE, CODE], "no other entries");
}

#[test]
fn an_entry_contains_no_data_of_other_modules() {
    let folder = Folder::new();
    let keep = |name: &str, first: Option<&str>| {
        let path = folder.path().join(name);
        let engine = engine(&cache_in(&path), |config| config);
        let mut store = Store::new(&engine, ());
        if let Some(first) = first {
            let other = Instance::new(&mut store, &Module::new(&engine, first).unwrap(), &[]).unwrap();
            let f = other.get_typed_func::<(i64, f32), f64>(&mut store, "f").unwrap();
            f.call(&mut store, (1, 2.0)).unwrap();
        }
        works(&Module::new(&engine, PROGRAM).unwrap());
        files(&path)
    };
    let alone = keep("alone", None);
    let other = r#"(module (func (export "f") (param i64 f32) (result f64) (f64.const 1)))"#;
    let beside = keep("beside", Some(other));
    assert_eq!((alone.len(), beside.len()), (2, 4));
    for file in alone {
        let same = folder.path().join("beside").join(file.file_name().unwrap());
        assert!(fs::read(&file).unwrap() == fs::read(same).unwrap(), "{}", file.display());
    }
}

/// File descriptors are scarce on a server with many modules.
#[test]
#[cfg(target_os = "linux")]
fn a_file_stays_open_only_while_memories_map_it() {
    let folder = Folder::new();
    let path = folder.path().join("cache");
    let open = || {
        let links = fs::read_dir("/proc/self/fd").unwrap().filter_map(|entry| fs::read_link(entry.ok()?.path()).ok());
        links.filter(|target| target.parent() == Some(&path)).count()
    };
    let with_data = |bytes: usize| PROGRAM.replace("some data", &format!("some data{}", " ".repeat(bytes)));
    for (bytes, expected) in [(0, 0), (40_000, 1)] {
        let program = with_data(bytes);
        for found in [0, 1] {
            let cache = cache_in(&path);
            let module = Module::new(&engine(&cache, |config| config), &program).unwrap();
            works(&module);
            assert_eq!((cache.cache_hits(), open()), (found, if found == 1 { expected } else { 0 }), "{bytes} bytes");
        }
    }
}

#[test]
fn an_interpreted_module_is_cached_as_valid() {
    let folder = Folder::new();
    let path = folder.path().join("cache");
    assert!(!start(&path, |config| config.run_mode(RunMode::Interpreter)));
    assert_eq!(kinds(&path), [MODULE], "written when the module was dropped");
    assert!(start(&path, |config| config), "the module was in the cache");
    assert_eq!(kinds(&path), [MODULE, CODE], "the code has been added");
}

#[test]
fn code_depends_on_settings_and_validity_on_proposals() {
    let folder = Folder::new();
    let path = folder.path().join("cache");
    start(&path, |config| config);
    assert!(start(&path, |config| config.interruptible(false)));
    assert!(start(&path, |config| config.gas(true).gas_cost("call", 7).unwrap()));
    assert!(start(&path, |config| config.memory_reservation(0)));
    assert!(start(&path, |config| config.nan_canonicalization(true)));
    assert_eq!(kinds(&path), [MODULE, CODE, CODE, CODE, CODE, CODE]);
    assert!(!start(&path, |config| config.feature(Feature::Simd, false)));
    assert_eq!(kinds(&path).iter().filter(|kind| **kind == MODULE).count(), 2);
    let cache = cache_in(&path);
    let other = PROGRAM.replace("some data", "some date");
    Module::new(&engine(&cache, |config| config), &other).unwrap();
    assert_eq!((cache.cache_hits(), cache.cache_misses()), (0, 1));
    assert!(
        Module::new(&engine(&cache, |config| config), "(module (func (result i32)))").is_err(),
        "an invalid module stays invalid"
    );
}

#[test]
fn compile_all_compiles_every_function() {
    let folder = Folder::new();
    let cache = cache_in(&folder.path().join("cache"));
    let all = |mode| {
        let module = Module::new(&engine(&cache, |config| config.run_mode(mode)), PROGRAM).unwrap();
        let mut told = 0;
        module
            .compile_all(|ready, all| told = u32::from(ready == all) * ready)
            .map(|()| (told, module.cache_outdated()))
    };
    assert!(all(RunMode::Interpreter).unwrap_err().to_string().contains("interprets"));
    all(RunMode::Auto).unwrap();
    assert_eq!(all(RunMode::Auto).unwrap(), (0, false), "everything is compiled and cached already");
}

/// Replaces bytes in a file of a cache, and starts the program with it.
struct Damage {
    path: PathBuf,
    whole: Vec<(PathBuf, Vec<u8>)>,
    seed: u64,
}

impl Damage {
    fn random(&mut self, below: usize) -> usize {
        self.seed ^= self.seed << 13;
        self.seed ^= self.seed >> 7;
        self.seed ^= self.seed << 17;
        (self.seed % below as u64) as usize
    }

    fn restore(&self) {
        // The damaged files are new files, because existing mappings must not change.
        for file in files(&self.path) {
            fs::remove_file(file).unwrap();
        }
        for (file, bytes) in &self.whole {
            self.put(file, bytes);
        }
    }

    fn put(&self, file: &Path, bytes: &[u8]) {
        use std::os::unix::fs::OpenOptionsExt;
        let mut to = File::options().write(true).create(true).truncate(true).mode(0o600).open(file).unwrap();
        std::io::Write::write_all(&mut to, bytes).unwrap();
        // Simulates a restart of the system.
        let long_ago = SystemTime::UNIX_EPOCH + Duration::from_secs(1);
        to.set_times(FileTimes::new().set_modified(long_ago)).unwrap();
    }
}

#[test]
fn damaged_entries_only_cost_time() {
    let folder = Folder::new();
    let path = folder.path().join("cache");
    start(&path, |config| config);
    let whole: Vec<_> = files(&path).into_iter().map(|file| (file.clone(), fs::read(file).unwrap())).collect();
    assert_eq!(whole.len(), 2);
    let mut damage = Damage { path: path.clone(), whole, seed: 0x9e37_79b9_7f4a_7c15 };
    let cache = cache_in(&path);
    // Most of these starts compile no native code. They only lower the functions that they call.
    for round in 0..3000 {
        let which = round % 2;
        let (file, mut bytes) = damage.whole[which].clone();
        match round % 5 {
            0 => bytes.truncate(damage.random(bytes.len())),
            1 if round < 2000 => bytes[round / 5] ^= 1 << damage.random(8),
            _ => {
                for _ in 0..1 + damage.random(4) {
                    let at = damage.random(bytes.len());
                    bytes[at] = bytes[at].wrapping_add(1 + damage.random(255) as u8);
                }
            }
        }
        damage.put(&file, &bytes);
        let (hits, mode) = (cache.cache_hits(), if which == 0 { RunMode::Auto } else { RunMode::Interpreter });
        let module = Module::new(&engine(&cache, |config| config.run_mode(mode)), PROGRAM).unwrap();
        if round % 50 == 0 {
            works(&module);
        }
        if bytes != damage.whole[which].1 {
            let is_module = file.extension().is_some_and(|ending| ending == "module");
            let found = cache.cache_hits() > hits;
            assert_eq!(found, !is_module, "round {round}: {}", file.display());
            let changed = fs::read(&file).map_or(true, |now| now != bytes);
            assert!(changed || (!is_module && mode == RunMode::Interpreter), "round {round}: the damaged file remains");
        }
        drop(module);
        damage.restore();
    }
    assert!(start(&path, |config| config));
}

#[test]
fn files_of_other_users_are_not_used() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let folder = Folder::new();
    let path = folder.path().join("cache");
    start(&path, |config| config);
    let all = files(&path);
    for file in &all {
        fs::set_permissions(file, fs::Permissions::from_mode(0o660)).unwrap();
    }
    assert!(!start(&path, |config| config), "other users could have written to them");
    assert!(start(&path, |config| config), "they have been replaced");
    let elsewhere = folder.path().join("elsewhere");
    for file in &all {
        fs::rename(file, &elsewhere).unwrap();
        symlink(&elsewhere, file).unwrap();
    }
    assert!(!start(&path, |config| config), "links are not followed");
    assert!(start(&path, |config| config) && files(&path) == all);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o770)).unwrap();
    let error = Cache::new(CacheConfig::new().with_directory(&path)).unwrap_err();
    assert!(error.to_string().contains("accessible to other users"), "{error}");
    symlink(&path, folder.path().join("link")).unwrap();
    assert!(Cache::new(CacheConfig::new().with_directory(folder.path().join("link"))).is_err());
}

#[test]
fn the_least_recently_used_entries_are_evicted() {
    let folder = Folder::new();
    let path = folder.path().join("cache");
    let limit = 200 << 10;
    let cache = Cache::new(CacheConfig::new().with_directory(&path).with_files_total_size_soft_limit(limit)).unwrap();
    let text = |number: usize| format!("(module (memory 1) (func (export \"f\") (result i32) (i32.const {number})))");
    let load = |number| Module::new(&engine(&cache, |config| config), text(number)).unwrap();
    for number in 0..60 {
        load(number);
        // Every round uses the entry, so it stays.
        let hits = cache.cache_hits();
        load(0);
        assert_eq!(cache.cache_hits(), hits + 1, "{number}");
        let total: u64 = cache.entries().unwrap().iter().map(|entry| entry.bytes).sum();
        assert!(total <= limit, "{total} after {number}");
    }
    let misses = cache.cache_misses();
    load(1);
    assert_eq!(cache.cache_misses(), misses + 1, "the oldest entries are gone");
    let small = Cache::new(CacheConfig::new().with_directory(&path).with_files_total_size_soft_limit(100)).unwrap();
    let module = Module::new(&engine(&small, |config| config), PROGRAM).unwrap();
    works(&module);
    let error = module.update_cache().unwrap_err();
    assert!(error.to_string().contains("larger than the cache's size limit"), "{error}");
    assert!(cache.clean().unwrap() > 0 && files(&path).is_empty());
}

#[test]
fn files_of_a_crashed_process_are_removed_later() {
    let folder = Folder::new();
    let path = folder.path().join("cache");
    start(&path, |config| config);
    let [old, new, other] = ["tmp-1-0", "tmp-1-1", "notes.txt"].map(|name| path.join(name));
    for file in [&old, &new, &other] {
        fs::write(file, "half of it").unwrap();
    }
    let hours_ago = SystemTime::now() - Duration::from_secs(7200);
    for file in [&old, &other] {
        File::options().write(true).open(file).unwrap().set_times(FileTimes::new().set_modified(hours_ago)).unwrap();
    }
    assert!(start(&path, |config| config.gas(true)), "an entry is written");
    assert!(!old.exists() && new.exists() && other.exists());
    let cache = cache_in(&path);
    assert_eq!(cache.entries().unwrap().len(), 3, "incomplete files are not entries");
    cache.clean().unwrap();
    assert_eq!(files(&path), [other], "files of other programs are kept");
}

#[test]
fn many_threads_can_use_one_directory() {
    let folder = Folder::new();
    let path = folder.path().join("cache");
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for round in 0..20 {
                    start(&path, |config| config.interruptible(round % 2 == 0));
                    if round == 10 {
                        cache_in(&path).clean().unwrap();
                    }
                }
            });
        }
    });
    assert!(start(&path, |config| config));
    assert!(files(&path).iter().all(|file| !file.to_string_lossy().contains("tmp-")));
}

/// Returns a module of more than 1 MiB, mostly a custom section.
fn large(result: i32) -> Vec<u8> {
    let padding = "x".repeat(2 << 20);
    let text = format!(r#"(module (func (export "f") (result i32) (i32.const {result})) (@custom "c" "{padding}"))"#);
    let engine = Engine::default();
    Module::new(&engine, text).unwrap().binary().to_vec()
}

#[test]
fn a_large_file_is_recognised_by_its_times() {
    let folder = Folder::new();
    let path = folder.path().join("cache");
    let file = folder.path().join("large.wasm");
    let load = |expected: i32| {
        let cache = cache_in(&path);
        let engine = engine(&cache, |config| config);
        let module = Module::from_file(&engine, &file).unwrap();
        let mut store = Store::new(&engine, ());
        let instance = Instance::new(&mut store, &module, &[]).unwrap();
        assert_eq!(
            instance.get_typed_func::<(), i32>(&mut store, "f").unwrap().call(&mut store, ()).unwrap(),
            expected
        );
        cache.cache_hits() == 1
    };
    fs::write(&file, large(1)).unwrap();
    assert!(!load(1) && load(1));
    let notes = || kinds(&path).iter().filter(|kind| **kind == CacheEntryKind::File).count();
    assert_eq!(notes(), 0, "a further change in the same instant would be invisible");
    std::thread::sleep(Duration::from_millis(3100));
    assert!(load(1) && notes() == 1 && load(1) && notes() == 1);
    // The file keeps its size and its modification time; its status change time cannot be set.
    let times = FileTimes::new().set_modified(fs::metadata(&file).unwrap().modified().unwrap());
    fs::write(&file, large(2)).unwrap();
    File::options().write(true).open(&file).unwrap().set_times(times).unwrap();
    assert!(!load(2) && load(2));
    for file in files(&path).iter().filter(|file| file.extension().is_some_and(|ending| ending == "file")) {
        let mut bytes = fs::read(file).unwrap();
        bytes[3] ^= 1;
        fs::write(file, bytes).unwrap();
    }
    assert!(load(2), "a damaged record is ignored");
}

/// A chunk that a start does not read is verified at its first use. A damaged file is removed.
#[test]
fn damage_after_the_start_is_detected_at_the_first_use() {
    let folder = Folder::new();
    let path = folder.path().join("cache");
    let cache = cache_in(&path);
    let interpreter = || engine(&cache, |config| config.run_mode(RunMode::Interpreter));
    let text =
        format!(r#"(module (func (export "f") (param i32) (result i32) {} (local.get 0)))"#, "nop ".repeat(300_000));
    let call = |module: &Module| {
        let mut store = Store::new(module.engine(), ());
        let function = Instance::new(&mut store, module, &[]).unwrap().get_typed_func::<i32, i32>(&mut store, "f");
        function.unwrap().call(&mut store, 5)
    };
    Module::new(&interpreter(), &text).unwrap().update_cache().unwrap();
    let file = files(&path).into_iter().find(|file| file.extension().is_some_and(|ending| ending == "module")).unwrap();
    let mut bytes = fs::read(&file).unwrap();
    let nops = bytes.windows(9).position(|bytes| bytes == [1; 9]).unwrap() + 150_000;
    bytes[nops] ^= 2;
    Damage { path: path.clone(), whole: Vec::new(), seed: 1 }.put(&file, &bytes);
    File::options()
        .write(true)
        .open(&file)
        .unwrap()
        .set_times(FileTimes::new().set_modified(SystemTime::now()))
        .unwrap();

    let module = Module::new(&interpreter(), &text).unwrap();
    assert_eq!(cache.cache_hits(), 1);
    assert_eq!(call(&module).unwrap_err().downcast_ref(), Some(&kinglet::Trap::Damaged));
    assert!(!file.exists(), "the damaged file is removed");
    assert_eq!(call(&Module::new(&interpreter(), &text).unwrap()).unwrap(), 5);
}

#[test]
fn functions_that_ran_can_be_compiled_for_the_next_start() {
    let folder = Folder::new();
    let path = folder.path().join("cache");
    let cache = cache_in(&path);
    let body = "i32.const 1234567 i32.add ".repeat(20_000);
    let text = format!(
        r#"(module (func $once (param i32) (result i32) local.get 0 {body})
            (func (export "run") (param i32) (result i32) (call $once (call $once (local.get 0))))
            (func (export "other") (param i32) (result i32) (call $once (local.get 0))))"#
    );
    let call = |module: &Module, name: &str| {
        let mut store = Store::new(module.engine(), ());
        let function = Instance::new(&mut store, module, &[]).unwrap().get_typed_func::<i32, i32>(&mut store, name);
        function.unwrap().call(&mut store, 5).unwrap()
    };
    let auto = || engine(&cache, |config| config.run_mode(RunMode::Auto));
    let first = Module::new(&auto(), &text).unwrap();
    assert!(!first.worth_compiling() && !first.compile_for_next_start(go_on).unwrap(), "no function has run");
    let result = call(&first, "run");
    assert!(first.worth_compiling());
    // Two modules read the same directory.
    let other = Module::new(&engine(&cache_in(&path), |config| config.run_mode(RunMode::Auto)), &text).unwrap();
    let mut compiled = Vec::new();
    let made = first.compile_for_next_start(|ready, all| {
        compiled.push((ready, all));
        ControlFlow::Continue(())
    });
    assert!(made.unwrap());
    assert_eq!(compiled.last(), Some(&(2, 2)), "functions that have not run are skipped");
    assert!(!other.compile_for_next_start(go_on).unwrap(), "the other module has compiled every function that ran");
    for file in files(&path).iter().filter(|file| file.extension().is_some_and(|ending| ending == "code")) {
        fs::remove_file(file).unwrap();
    }
    assert!(other.compile_for_next_start(go_on).unwrap(), "the cache records the functions that ran");

    let second = Module::new(&auto(), &text).unwrap();
    assert_eq!((second.native_functions(), call(&second, "run")), (2, result));
    assert!(!second.worth_compiling() && second.stats().lowered.count == 0, "{:?}", second.stats());
    call(&second, "other");
    assert_eq!(second.stats().lowered.count, 1);
    let without = Module::new(&Engine::default(), &text).unwrap();
    call(&without, "run");
    assert!(!without.worth_compiling() && !without.compile_for_next_start(go_on).unwrap());
}

#[test]
fn only_one_process_compiles_for_the_next_start() {
    let folder = Folder::new();
    let path = folder.path().join("cache");
    let text = format!("(module (func (export \"f\") {}))", "i32.const 1234567 drop ".repeat(20_000));
    let module = Module::new(&engine(&cache_in(&path), |config| config.run_mode(RunMode::Auto)), text).unwrap();
    let mut store = Store::new(module.engine(), ());
    let f = Instance::new(&mut store, &module, &[]).unwrap().get_typed_func::<(), ()>(&mut store, "f").unwrap();
    f.call(&mut store, ()).unwrap();
    module.update_cache().unwrap();
    let of_module = |file: &PathBuf| file.extension().is_some_and(|ending| ending == "module");
    let file = File::open(files(&path).into_iter().find(of_module).unwrap()).unwrap();
    file.lock().unwrap();
    assert!(!module.compile_for_next_start(go_on).unwrap(), "the file is locked");
    file.unlock().unwrap();
    assert!(module.compile_for_next_start(go_on).unwrap());
}

/// A callback that continues until everything is compiled.
fn go_on(_: u32, _: u32) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

/// Calls the export `f` once.
fn run_once(module: &Module) {
    let mut store = Store::new(module.engine(), ());
    let f = Instance::new(&mut store, module, &[]).unwrap().get_typed_func::<(), ()>(&mut store, "f").unwrap();
    f.call(&mut store, ()).unwrap();
}

/// A function that is too large for background compilation does not cause further attempts.
#[test]
fn oversized_functions_are_not_compiled_for_the_next_start() {
    let folder = Folder::new();
    let cache = cache_in(&folder.path().join("cache"));
    for (times, compiled) in [(20_000, true), (200_000, false)] {
        let text = format!("(module (func (export \"f\") {}))", "i32.const 1234567 drop ".repeat(times));
        let auto = || engine(&cache, |config| config.run_mode(RunMode::Auto).compiler_memory(64 << 20));
        let module = Module::new(&auto(), &text).unwrap();
        run_once(&module);
        assert!(module.worth_compiling(), "the size is only known after an attempt");
        assert_eq!(module.compile_for_next_start(go_on).unwrap(), compiled);
        let again = Module::new(&auto(), &text).unwrap();
        run_once(&again);
        assert!(!again.worth_compiling() && !again.compile_for_next_start(go_on).unwrap());
    }
}

/// Returns a module with ten functions that are worth compiling, and one that calls them.
fn ten() -> String {
    let functions: String =
        (0..10).map(|i| format!("(func $f{i} {})", format!("i32.const {i} drop ").repeat(9_000))).collect();
    let calls: String = (0..10).map(|i| format!("(call $f{i})")).collect();
    format!("(module {functions} (func (export \"f\") {calls}))")
}

/// Returns an engine without tier-up.
fn cold(cache: &Cache, set: impl FnOnce(&mut Config) -> &mut Config) -> Engine {
    let never = TierThresholds { samples: u32::MAX, ..TierThresholds::default() };
    engine(cache, |config| set(config.run_mode(RunMode::Auto).tier_thresholds(never).compiler_threads(1)))
}

/// Compiles for the next start, in a process that ends after a number of functions.
#[track_caller]
fn compile_and_end(module: &Module, functions: u32) {
    let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        module.compile_for_next_start(|ready, _| {
            assert!(ready < functions, "the process has ended");
            ControlFlow::Continue(())
        })
    }));
    assert!(ended.is_err());
}

/// Simulates the end of a compiling process, by a bug of the compiler, lack of memory, or a power failure.
#[test]
fn an_unfinished_function_is_retried_once_on_its_own() {
    let folder = Folder::new();
    let cache = cache_in(&folder.path().join("cache"));
    let module = || {
        let module = Module::new(&cold(&cache, |config| config), ten()).unwrap();
        run_once(&module);
        module
    };
    let first = module();
    assert!(first.worth_compiling());
    compile_and_end(&first, 1);
    assert!(first.worth_compiling() && module().worth_compiling());
    compile_and_end(&module(), 3);
    assert!(module().compile_for_next_start(go_on).unwrap());
    let last = module();
    assert_eq!(last.native_functions(), 10, "all except the function at which a process ended twice");
    assert_eq!(last.stats().lowered.count, 1);
    assert!(!last.worth_compiling() && !last.compile_for_next_start(go_on).unwrap());
}

/// Simulates a disk that is full for a while.
#[test]
fn errors_of_the_system_never_stop_retries() {
    let folder = Folder::new();
    let path = folder.path().join("cache");
    let cache = cache_in(&path);
    let module = || {
        let module = Module::new(&cold(&cache, |config| config), ten()).unwrap();
        run_once(&module);
        module
    };
    assert!(module().compile_for_next_start(go_on).unwrap());
    let of = |ending: &str| files(&path).into_iter().find(|file| file.extension().is_some_and(|it| it == ending));
    let [code, note] = ["code", "ran"].map(|ending| of(ending).unwrap());
    let refuse = |file: &Path| {
        cache.clean().unwrap();
        fs::create_dir(file).unwrap();
    };
    refuse(&code);
    for _ in 0..3 {
        let module = module();
        assert!(module.worth_compiling() && module.compile_for_next_start(go_on).is_err());
    }
    fs::remove_dir(&code).unwrap();
    refuse(&note);
    for _ in 0..3 {
        assert!(module().compile_for_next_start(go_on).is_err());
    }
    fs::remove_dir(&note).unwrap();
    assert!(module().worth_compiling() && module().compile_for_next_start(go_on).unwrap());
    assert_eq!(module().native_functions(), 11);
}

/// A permanent error does not cause further attempts.
#[test]
fn code_larger_than_the_cache_is_not_compiled_again() {
    let folder = Folder::new();
    let path = folder.path().join("cache");
    let mut config = CacheConfig::new();
    // The module fits into the cache, but its code does not.
    let divide = "local.get 0 local.get 1 i32.div_u local.set 0 ".repeat(9_000);
    let text = format!(
        r#"(module (memory 1) (data (i32.const 0) "\01") (global $g (mut i32) (i32.const 0))
            (func (export "f") (local i32 i32) (local.set 0 (i32.load (i32.const 0))) (local.set 1 (local.get 0))
              {divide} (global.set $g (local.get 0))))"#
    );
    let room = Module::new(&Engine::default(), &text).unwrap().binary().len() as u64 + (16 << 10);
    let cache = Cache::new(config.with_directory(&path).with_files_total_size_soft_limit(room)).unwrap();
    let mut tries = 0;
    for _ in 0..5 {
        let module = Module::new(&cold(&cache, |config| config), &text).unwrap();
        run_once(&module);
        if module.worth_compiling() {
            tries += 1;
            let error = module.compile_for_next_start(go_on).unwrap_err();
            assert!(error.to_string().contains("larger than the cache's size limit"), "{error}");
        }
    }
    assert_eq!(tries, 2);
}

/// Code without the functions that were too large for one engine is incomplete for an engine with a larger limit.
#[test]
fn an_engine_with_more_compiler_memory_compiles_skipped_functions() {
    let folder = Folder::new();
    let cache = cache_in(&folder.path().join("cache"));
    let large = "i32.const 1234567 drop ".repeat(20_000);
    let text = format!("(module (func $small) (func (export \"f\") (call $small) {large}))");
    for (memory, functions) in [(1 << 20, 1), (1 << 30, 2), (1 << 20, 1), (1 << 30, 2)] {
        let module = Module::new(&engine(&cache, |config| config.compiler_memory(memory)), &text).unwrap();
        assert_eq!(module.native_functions(), functions, "{memory}");
    }
    // This also holds for the records of functions that could not be compiled for the next start.
    let text = text.replace("1234567", "7654321");
    for (memory, made) in [(1 << 20, true), (1 << 30, true), (1 << 30, false)] {
        let module = Module::new(&cold(&cache, |config| config.compiler_memory(memory)), &text).unwrap();
        run_once(&module);
        assert_eq!(module.compile_for_next_start(go_on).unwrap(), made, "{memory}");
        let next = Module::new(&cold(&cache, |config| config.compiler_memory(memory)), &text).unwrap();
        assert_eq!(next.native_functions(), if memory == 1 << 20 { 1 } else { 2 }, "{memory}");
    }
}

#[test]
fn stopped_compilation_resumes_after_the_finished_functions() {
    let folder = Folder::new();
    let cache = cache_in(&folder.path().join("cache"));
    let auto = || engine(&cache, |config| config.run_mode(RunMode::Auto).compiler_threads(1));
    let first = Module::new(&auto(), ten()).unwrap();
    run_once(&first);
    let stop = |ready, _| if ready >= 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) };
    assert!(first.compile_for_next_start(stop).unwrap());
    let second = Module::new(&auto(), ten()).unwrap();
    assert!((3..11).contains(&second.native_functions()), "{}", second.native_functions());
    run_once(&second);
    assert!(second.worth_compiling() && second.compile_for_next_start(go_on).unwrap());
    let third = Module::new(&auto(), ten()).unwrap();
    run_once(&third);
    assert_eq!((third.native_functions(), third.stats().lowered.count), (11, 0));
    assert!(!third.worth_compiling() && !third.cache_outdated());
}

/// Functions that run later are added to the code of the previous start.
#[test]
fn only_new_functions_are_compiled() {
    let folder = Folder::new();
    let cache = cache_in(&folder.path().join("cache"));
    let auto = || engine(&cache, |config| config.run_mode(RunMode::Auto));
    let large: String =
        (0..30).map(|i| format!("(func $f{i} {})", format!("i32.const {i} drop ").repeat(9_000))).collect();
    let calls: String = (0..30).map(|i| format!("(call $f{i})")).collect();
    let text = format!(
        r#"(module {large} (func (export "f") {calls})
            (func (export "g") {} (call $f0)))"#,
        "i32.const 77777 drop ".repeat(20_000)
    );
    let count = |module: &Module, more: bool| {
        run_once(module);
        if more {
            let mut store = Store::new(module.engine(), ());
            let g = Instance::new(&mut store, module, &[]).unwrap().get_typed_func::<(), ()>(&mut store, "g").unwrap();
            g.call(&mut store, ()).unwrap();
        }
        let mut all = 0;
        let made = module.compile_for_next_start(|_, of| {
            all = of;
            ControlFlow::Continue(())
        });
        (made.unwrap(), all)
    };
    assert_eq!(count(&Module::new(&auto(), &text).unwrap(), false), (true, 31));
    assert_eq!(count(&Module::new(&auto(), &text).unwrap(), true), (true, 1));
    let third = Module::new(&auto(), &text).unwrap();
    assert_eq!((third.native_functions(), count(&third, true)), (32, (false, 0)));
}

#[test]
fn tier_up_code_of_any_size_is_cached() {
    let folder = Folder::new();
    let cache = cache_in(&folder.path().join("cache"));
    let at_once = TierThresholds { sampling_interval: Duration::ZERO, samples: 2, bytes_a_sample: u32::MAX };
    let text = r#"(module (func $a (param i32) (result i32) (local.get 0)) (func $b (param i32) (result i32) (local.get 0))
        (func (export "a") (param i32) (result i32) (call $a (local.get 0)))
        (func (export "b") (param i32) (result i32) (call $b (local.get 0))))"#;
    for (name, before, after) in [("a", 0, 2), ("b", 2, 4), ("b", 4, 4)] {
        let auto = engine(&cache, |config| config.run_mode(RunMode::Auto).tier_thresholds(at_once));
        let module = Module::new(&auto, text).unwrap();
        assert_eq!(module.native_functions(), before, "{name}");
        let mut store = Store::new(module.engine(), ());
        let instance = Instance::new(&mut store, &module, &[]).unwrap();
        let call = instance.get_typed_func::<i32, i32>(&mut store, name).unwrap();
        (0..5).for_each(|i| assert_eq!(call.call(&mut store, i).unwrap(), i));
        assert_eq!((module.native_functions(), module.update_cache().unwrap()), (after, before != after), "{name}");
        assert!(module.worth_compiling(), "functions compiled one by one");
    }
}

#[test]
fn a_cache_can_be_exported_and_imported() {
    let folder = Folder::new();
    let [from, to] = ["from", "to"].map(|name| folder.path().join(name));
    start(&from, |config| config);
    let mut bundle = Vec::new();
    assert_eq!(cache_in(&from).export(&mut bundle).unwrap(), 2);
    let into = cache_in(&to);
    assert_eq!(into.import(&bundle[..]).unwrap(), 2);
    assert!(start(&to, |config| config));
    for length in [0, 5, 16, 20, bundle.len() / 2, bundle.len() - 1] {
        let whole = into.import(&bundle[..length]);
        assert_eq!(whole.is_ok(), length == 16, "truncated after {length} bytes");
    }
    let mut seed = 88_172_645_463_325_252_u64;
    for _ in 0..2000 {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        let mut damaged = bundle.clone();
        let at = (seed % bundle.len() as u64) as usize;
        damaged[at] ^= 1 << (seed >> 40 & 7);
        assert!(into.import(&damaged[..]).is_err(), "changed at {at}");
    }
    assert!(start(&to, |config| config));
    assert!(into.import(&b"kinglet cache 1\n\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"[..]).is_err());
}
