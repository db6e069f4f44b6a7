//! The cache: what a start leaves for the next one, and what becomes of a cache that is not as it was left.

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

/// An engine as another process would have it.
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

/// A start of the program: whether it was found, and is as it should be.
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
    assert!(start(&path, |config| config.run_mode(RunMode::Auto)), "code is code, whatever asked for it");
    assert!(start(&path, |config| config.run_mode(RunMode::Interpreter)));
    assert_eq!(kinds(&path), [MODULE, CODE], "nothing more");
}

#[test]
fn an_entry_has_nothing_of_other_modules() {
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

/// Descriptors are few: a server has many modules.
#[test]
#[cfg(target_os = "linux")]
fn a_file_is_kept_open_only_if_memories_are_mapped_from_it() {
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
fn what_is_interpreted_is_kept_as_valid() {
    let folder = Folder::new();
    let path = folder.path().join("cache");
    assert!(!start(&path, |config| config.run_mode(RunMode::Interpreter)));
    assert_eq!(kinds(&path), [MODULE], "kept when the module was dropped");
    assert!(start(&path, |config| config), "the module was there");
    assert_eq!(kinds(&path), [MODULE, CODE], "and has code now");
}

#[test]
fn code_is_for_its_settings_and_validity_for_its_proposals() {
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
        "what is invalid stays so"
    );
}

#[test]
fn all_can_be_compiled_at_once() {
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
    assert_eq!(all(RunMode::Auto).unwrap(), (0, false), "nothing is left to compile, or to keep");
}

/// What a start makes of a cache with other bytes in one of its files.
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
        // As new files: those that are mapped stay as they are.
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
        // As if the system had not been started since.
        let long_ago = SystemTime::UNIX_EPOCH + Duration::from_secs(1);
        to.set_times(FileTimes::new().set_modified(long_ago)).unwrap();
    }
}

#[test]
fn damage_costs_time_and_nothing_else() {
    let folder = Folder::new();
    let path = folder.path().join("cache");
    start(&path, |config| config);
    let whole: Vec<_> = files(&path).into_iter().map(|file| (file.clone(), fs::read(file).unwrap())).collect();
    assert_eq!(whole.len(), 2);
    let mut damage = Damage { path: path.clone(), whole, seed: 0x9e37_79b9_7f4a_7c15 };
    let cache = cache_in(&path);
    // Many starts: without native code of their own to make, but for those that are called.
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
            assert!(changed || (!is_module && mode == RunMode::Interpreter), "round {round}: it is still there");
        }
        drop(module);
        damage.restore();
    }
    assert!(start(&path, |config| config));
}

#[test]
fn files_that_are_not_ones_own_are_not_used() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let folder = Folder::new();
    let path = folder.path().join("cache");
    start(&path, |config| config);
    let all = files(&path);
    for file in &all {
        fs::set_permissions(file, fs::Permissions::from_mode(0o660)).unwrap();
    }
    assert!(!start(&path, |config| config), "others could have written to them");
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
    assert!(error.to_string().contains("others than its user may use it"), "{error}");
    symlink(&path, folder.path().join("link")).unwrap();
    assert!(Cache::new(CacheConfig::new().with_directory(folder.path().join("link"))).is_err());
}

#[test]
fn what_was_not_used_for_longest_makes_room() {
    let folder = Folder::new();
    let path = folder.path().join("cache");
    let limit = 200 << 10;
    let cache = Cache::new(CacheConfig::new().with_directory(&path).with_files_total_size_soft_limit(limit)).unwrap();
    let text = |number: usize| format!("(module (memory 1) (func (export \"f\") (result i32) (i32.const {number})))");
    let load = |number| Module::new(&engine(&cache, |config| config), text(number)).unwrap();
    for number in 0..60 {
        load(number);
        // Used all the time, it stays.
        let hits = cache.cache_hits();
        load(0);
        assert_eq!(cache.cache_hits(), hits + 1, "{number}");
        let total: u64 = cache.entries().unwrap().iter().map(|entry| entry.bytes).sum();
        assert!(total <= limit, "{total} after {number}");
    }
    let misses = cache.cache_misses();
    load(1);
    assert_eq!(cache.cache_misses(), misses + 1, "the first are gone");
    let small = Cache::new(CacheConfig::new().with_directory(&path).with_files_total_size_soft_limit(100)).unwrap();
    let module = Module::new(&engine(&small, |config| config), PROGRAM).unwrap();
    works(&module);
    let error = module.update_cache().unwrap_err();
    assert!(error.to_string().contains("larger than the cache may be"), "{error}");
    assert!(cache.clean().unwrap() > 0 && files(&path).is_empty());
}

#[test]
fn what_a_crash_leaves_behind_is_removed_in_time() {
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
    assert!(start(&path, |config| config.gas(true)), "something is written");
    assert!(!old.exists() && new.exists() && other.exists());
    let cache = cache_in(&path);
    assert_eq!(cache.entries().unwrap().len(), 3, "what is not whole is no entry");
    cache.clean().unwrap();
    assert_eq!(files(&path), [other], "what is not the cache's is left alone");
}

#[test]
fn many_threads_may_use_one_folder() {
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

/// More than a MiB, mostly of a custom section.
fn large(result: i32) -> Vec<u8> {
    let padding = "x".repeat(2 << 20);
    let text = format!(r#"(module (func (export "f") (result i32) (i32.const {result})) (@custom "c" "{padding}"))"#);
    let engine = Engine::default();
    Module::new(&engine, text).unwrap().binary().to_vec()
}

#[test]
fn a_large_file_is_known_by_its_times() {
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
    assert_eq!(notes(), 0, "it has just been changed, and may be changed again without a trace");
    std::thread::sleep(Duration::from_millis(3100));
    assert!(load(1) && notes() == 1 && load(1) && notes() == 1);
    // As long, with the old time of its last change: the time of the last change of anything cannot be set.
    let times = FileTimes::new().set_modified(fs::metadata(&file).unwrap().modified().unwrap());
    fs::write(&file, large(2)).unwrap();
    File::options().write(true).open(&file).unwrap().set_times(times).unwrap();
    assert!(!load(2) && load(2));
    for file in files(&path).iter().filter(|file| file.extension().is_some_and(|ending| ending == "file")) {
        let mut bytes = fs::read(file).unwrap();
        bytes[3] ^= 1;
        fs::write(file, bytes).unwrap();
    }
    assert!(load(2), "a damaged note is none");
}

/// A part that a start does not read is checked when it is wanted, and what is damaged is not there the next time.
#[test]
fn what_is_damaged_while_the_system_runs_is_found_when_it_is_wanted() {
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
    assert!(!file.exists(), "it is found but once");
    assert_eq!(call(&Module::new(&interpreter(), &text).unwrap()).unwrap(), 5);
}

#[test]
fn what_has_run_can_be_compiled_for_the_next_start() {
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
    assert!(!first.worth_compiling() && !first.compile_for_next_start(go_on).unwrap(), "nothing has run");
    let result = call(&first, "run");
    assert!(first.worth_compiling());
    // Two readers of one folder.
    let other = Module::new(&engine(&cache_in(&path), |config| config.run_mode(RunMode::Auto)), &text).unwrap();
    let mut compiled = Vec::new();
    let made = first.compile_for_next_start(|ready, all| {
        compiled.push((ready, all));
        ControlFlow::Continue(())
    });
    assert!(made.unwrap());
    assert_eq!(compiled.last(), Some(&(2, 2)), "what has not run is left out");
    assert!(!other.compile_for_next_start(go_on).unwrap(), "there is code of all that has run elsewhere");
    for file in files(&path).iter().filter(|file| file.extension().is_some_and(|ending| ending == "code")) {
        fs::remove_file(file).unwrap();
    }
    assert!(other.compile_for_next_start(go_on).unwrap(), "what has run elsewhere is noted");

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
fn one_at_a_time_compiles_for_the_next_start() {
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
    assert!(!module.compile_for_next_start(go_on).unwrap(), "somebody is about it");
    file.unlock().unwrap();
    assert!(module.compile_for_next_start(go_on).unwrap());
}

/// Goes on until all is compiled.
fn go_on(_: u32, _: u32) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

/// Calls what a module exports as `f`, once.
fn run_once(module: &Module) {
    let mut store = Store::new(module.engine(), ());
    let f = Instance::new(&mut store, module, &[]).unwrap().get_typed_func::<(), ()>(&mut store, "f").unwrap();
    f.call(&mut store, ()).unwrap();
}

/// A function that is too large to be compiled beside what else the machine does is no reason to try again.
#[test]
fn what_is_too_large_is_not_compiled_for_the_next_start() {
    let folder = Folder::new();
    let cache = cache_in(&folder.path().join("cache"));
    for (times, compiled) in [(20_000, true), (200_000, false)] {
        let text = format!("(module (func (export \"f\") {}))", "i32.const 1234567 drop ".repeat(times));
        let auto = || engine(&cache, |config| config.run_mode(RunMode::Auto).compiler_memory(64 << 20));
        let module = Module::new(&auto(), &text).unwrap();
        run_once(&module);
        assert!(module.worth_compiling(), "what it takes is known when it has been tried");
        assert_eq!(module.compile_for_next_start(go_on).unwrap(), compiled);
        let again = Module::new(&auto(), &text).unwrap();
        run_once(&again);
        assert!(!again.worth_compiling() && !again.compile_for_next_start(go_on).unwrap());
    }
}

/// Ten functions that are worth being compiled, and one that calls them.
fn ten() -> String {
    let functions: String =
        (0..10).map(|i| format!("(func $f{i} {})", format!("i32.const {i} drop ").repeat(9_000))).collect();
    let calls: String = (0..10).map(|i| format!("(call $f{i})")).collect();
    format!("(module {functions} (func (export \"f\") {calls}))")
}

/// An engine that makes nothing native while guests run.
fn cold(cache: &Cache, set: impl FnOnce(&mut Config) -> &mut Config) -> Engine {
    let never = TierThresholds { samples: u32::MAX, ..TierThresholds::default() };
    engine(cache, |config| set(config.run_mode(RunMode::Auto).tier_thresholds(never).compiler_threads(1)))
}

/// Compiles for the next start in a process that ends when so many functions are compiled.
#[track_caller]
fn compile_and_end(module: &Module, functions: u32) {
    let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        module.compile_for_next_start(|ready, _| {
            assert!(ready < functions, "the process ends");
            ControlFlow::Continue(())
        })
    }));
    assert!(ended.is_err());
}

/// As when the process is ended that compiles: by a mistake of the compiler's, for want of memory, or with the machine.
#[test]
fn what_is_begun_and_not_finished_is_tried_once_more_and_alone() {
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
    assert_eq!(last.native_functions(), 10, "all but the one at which a process ended twice");
    assert_eq!(last.stats().lowered.count, 1);
    assert!(!last.worth_compiling() && !last.compile_for_next_start(go_on).unwrap());
}

/// As when a disk is full for a while.
#[test]
fn what_the_system_refuses_is_tried_again_however_often_it_does() {
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

/// An error that comes back each time is no reason to try for ever.
#[test]
fn what_is_larger_than_the_cache_is_not_compiled_for_ever() {
    let folder = Folder::new();
    let path = folder.path().join("cache");
    let mut config = CacheConfig::new();
    // The module has room, its code has not.
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
            assert!(error.to_string().contains("larger than the cache may be"), "{error}");
        }
    }
    assert_eq!(tries, 2);
}

/// Code that lacks what was too large for one engine is not all there can be for another.
#[test]
fn an_engine_that_may_take_more_memory_compiles_what_another_left_out() {
    let folder = Folder::new();
    let cache = cache_in(&folder.path().join("cache"));
    let large = "i32.const 1234567 drop ".repeat(20_000);
    let text = format!("(module (func $small) (func (export \"f\") (call $small) {large}))");
    for (memory, functions) in [(1 << 20, 1), (1 << 30, 2), (1 << 20, 1), (1 << 30, 2)] {
        let module = Module::new(&engine(&cache, |config| config.compiler_memory(memory)), &text).unwrap();
        assert_eq!(module.native_functions(), functions, "{memory}");
    }
    // Notes of what cannot be compiled for the next start, too.
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
fn what_is_finished_when_compiling_is_stopped_is_kept_and_a_later_attempt_goes_on_from_there() {
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

/// Functions that run later are added to what was compiled for the start before.
#[test]
fn a_few_functions_more_are_compiled_alone() {
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
fn code_that_became_native_is_kept_however_little_it_is() {
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
        assert!(module.worth_compiling(), "functions that became native one by one");
    }
}

#[test]
fn a_cache_can_be_carried_elsewhere() {
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
        assert_eq!(whole.is_ok(), length == 16, "an end after {length} bytes");
    }
    let mut seed = 88_172_645_463_325_252_u64;
    for _ in 0..2000 {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        let mut damaged = bundle.clone();
        let at = (seed % bundle.len() as u64) as usize;
        damaged[at] ^= 1 << (seed >> 40 & 7);
        assert!(into.import(&damaged[..]).is_err(), "a change at {at}");
    }
    assert!(start(&to, |config| config));
    assert!(into.import(&b"kinglet cache 1\n\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"[..]).is_err());
}
