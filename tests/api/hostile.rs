//! Hostile modules: mutated, extreme, or both. They may be rejected or trap, but must not affect the host.

mod binary;
mod budget;
pub(crate) mod debug;
mod function;
mod parts;

use std::fmt::Write;
use std::time::{Duration, Instant};

use kinglet::{Engine, Instance, Module, Store, Val};

use crate::{load, module, trap_of};

/// A small random number generator (xorshift64*), for reproducible mutations.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }
}

const SEEDS: [&str; 3] = [
    r#"(module $a (type $t (func (param i32 i64) (result f32)))
        (import "a" "b" (func (type $t))) (memory 1 2) (memory i64 1) (table 3 funcref) (table i64 1 externref)
        (global $g (mut i64) (i64.const 5)) (global v128 (v128.const i64x2 1 2)) (global funcref (ref.func $f))
        (elem (i32.const 0) func $f) (elem funcref (ref.null func)) (elem declare func $f)
        (data (i32.const 1) "abc") (data "def")
        (func $f (export "f") (param i32) (result i32) (local i64 f64 v128)
            (block (loop (br_if 1 (i32.eqz (local.get 0))) (local.set 0 (i32.sub (local.get 0) (i32.const 1))) (br 0)))
            (if (result i32) (local.get 0) (then (i32.load offset=4 (local.get 0))) (else (i32.const 3))))
        (func (export "g") (result i32) (memory.copy (i32.const 0) (i32.const 1) (i32.const 2)) (call $f (i32.const 9)))
        (func (param i32) (block (block (block (br_table 0 1 2 (local.get 0)))))))"#,
    r#"(module (rec (type $a (func (param (ref null $b)))) (type $b (func (result (ref $a)))))
        (type $v (func (param v128) (result v128)))
        (func (type $v) (i8x16.shuffle 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 (local.get 0) (local.get 0)))
        (func (export "r") (param (ref null $v)) (result v128)
            (call_ref $v (v128.const i64x2 1 2) (ref.as_non_null (local.get 0))))
        (func (export "t") (param i64) (result i64) (return_call 2 (i64.add (local.get 0) (i64.const 1)))))"#,
    r#"(module (memory 1) (global i32 (i32.add (i32.const 1) (i32.mul (i32.const 2) (i32.const 3))))
        (func (export "w") (param i64 i64) (result i64 i64) (i64.add128 (local.get 0) (local.get 1) (local.get 1) (local.get 0)))
        (func $start (i64.store (i32.const 8) (i64.const -1))) (start $start))"#,
];

/// Changes, inserts, removes or repeats a few bytes.
fn mutate(bytes: &mut Vec<u8>, random: &mut Random) {
    for _ in 0..=random.below(4) {
        let at = 8 + random.below(bytes.len() - 8);
        match random.below(6) {
            0 => bytes[at] = random.next() as u8,
            1 => bytes[at] ^= 1 << random.below(8),
            2 => bytes.insert(at, random.next() as u8),
            3 if bytes.len() > 16 => drop(bytes.remove(at)),
            4 => bytes[at] = [0, 0x7f, 0x80, 0xff, 0x0b, 0x40][random.below(6)],
            _ => {
                let len = random.below(8).min(bytes.len() - at);
                let part = bytes[at..at + len].to_vec();
                let to = 8 + random.below(bytes.len() - 8);
                bytes.splice(to..to, part);
            }
        }
    }
}

#[test]
fn mutated_modules_are_rejected_or_run() {
    let engine = crate::engine(|config| {
        config.gas(true).memory_page_limit(Some(100));
    });
    let mut random = Random(0x5eed_0001);
    let seeds: Vec<Vec<u8>> = SEEDS.iter().map(|text| wat::parse_str(text).unwrap()).collect();
    let (mut valid, mut ran) = (0, 0);
    for round in 0..20_000 {
        let mut bytes = seeds[round % seeds.len()].clone();
        mutate(&mut bytes, &mut random);
        let Ok(module) = Module::new(&engine, &bytes) else { continue };
        valid += 1;
        ran += run_all(&engine, &module);
    }
    assert!(valid > 300 && ran > 50, "{valid} valid, {ran} calls");
}

/// Instantiates a module with simple imports, and calls its exports with default values.
fn run_all(engine: &Engine, module: &Module) -> usize {
    let mut store = Store::new(engine, ());
    store.set_gas(100_000).unwrap();
    let mut imports = Vec::new();
    for import in module.imports() {
        match import.ty() {
            kinglet::ExternType::Func(ty) => {
                imports.push(kinglet::Func::try_new(&mut store, ty, |_, _, _| Ok(())).unwrap().into())
            }
            _ => return 0,
        }
    }
    let Ok(instance) = Instance::new(&mut store, module, &imports) else { return 0 };
    let mut calls = 0;
    let functions: Vec<_> = instance.exports(&mut store).filter_map(|export| export.into_func()).collect();
    for func in functions {
        let ty = func.ty(&store);
        let params: Option<Vec<Val>> = ty.params().iter().map(|ty| Val::default_of(*ty, store.engine())).collect();
        let Some(params) = params else { continue };
        let mut results = vec![Val::I32(0); ty.results().len()];
        store.set_gas(100_000).unwrap();
        let _ = func.call(&mut store, &params, &mut results);
        calls += 1;
    }
    calls
}

#[test]
fn mutated_guest_programs_are_rejected_or_accepted() {
    let engine = Engine::default();
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../guests/exit.wasm");
    let original = std::fs::read(path).unwrap();
    let mut random = Random(0x5eed_0002);
    for _ in 0..300 {
        let mut bytes = original.clone();
        mutate(&mut bytes, &mut random);
        let _ = Module::new(&engine, &bytes);
        bytes.truncate(random.below(bytes.len()));
        let _ = Module::new(&engine, &bytes);
    }
}

#[test]
fn mutated_text_is_rejected_or_accepted() {
    let engine = Engine::default();
    let mut random = Random(0x5eed_0003);
    for round in 0..2000 {
        let mut bytes = SEEDS[round % SEEDS.len()].as_bytes().to_vec();
        mutate(&mut bytes, &mut random);
        let _ = Module::new(&engine, &bytes);
    }
}

/// Runs a closure on a thread with a stack of typical size.
fn on_a_small_stack(run: impl FnOnce() + Send + 'static) {
    std::thread::Builder::new().stack_size(1 << 20).spawn(run).unwrap().join().unwrap();
}

/// Encodes a number as LEB128.
fn leb(mut n: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let byte = (n & 0x7f) as u8;
        n >>= 7;
        bytes.push(if n == 0 { byte } else { byte | 0x80 });
        if n == 0 {
            return bytes;
        }
    }
}

/// Returns a module that exports one function `f: [i32] -> []` with this code.
fn one_function(code: &[u8]) -> Vec<u8> {
    one_function_with_locals(&[0], code)
}

fn one_function_with_locals(locals: &[u8], code: &[u8]) -> Vec<u8> {
    let mut bytes = b"\0asm\x01\0\0\0\x01\x05\x01\x60\x01\x7f\0\x03\x02\x01\0\x07\x05\x01\x01f\0\0".to_vec();
    let body = [locals, code, b"\x0b"].concat();
    let section = [&leb(1)[..], &leb(body.len() as u64), &body].concat();
    bytes.push(10);
    bytes.extend(leb(section.len() as u64));
    bytes.extend(section);
    bytes
}

#[track_caller]
fn runs(bytes: &[u8], within: Duration) {
    let start = Instant::now();
    let engine = Engine::default();
    let module = Module::new(&engine, bytes).unwrap();
    let mut store = Store::new(&engine, ());
    let instance = Instance::new(&mut store, &module, &[]).unwrap();
    instance.get_typed_func::<i32, ()>(&mut store, "f").unwrap().call(&mut store, 0).unwrap();
    assert!(start.elapsed() < within, "{:?}", start.elapsed());
}

const SECONDS: Duration = Duration::from_secs(20);

#[test]
fn deep_nesting_does_not_overflow_the_hosts_stack() {
    on_a_small_stack(|| {
        for open in [&b"\x02\x40"[..], b"\x03\x40", b"\x20\0\x04\x40"] {
            for depth in [10_000, 1_000_000] {
                runs(&one_function(&[open.repeat(depth), b"\x0b".repeat(depth)].concat()), SECONDS);
            }
        }
        // The nested code is unreachable, with a branch to the outermost block.
        let code = [b"\0".as_slice(), &b"\x02\x40".repeat(100_000), &b"\x0b".repeat(100_000)].concat();
        let engine = Engine::default();
        Module::new(&engine, one_function(&code)).unwrap();
        let code = [b"\x02\x40".repeat(100_000), vec![0x0c], leb(99_999), b"\x0b".repeat(100_000)].concat();
        runs(&one_function(&code), SECONDS);
    });
}

#[test]
fn deep_nesting_in_text_does_not_overflow_the_hosts_stack() {
    on_a_small_stack(|| {
        let engine = Engine::default();
        for depth in [1000, 10_000, 200_000] {
            let deep =
                |open: &str, inner: &str| format!("(module (func {}{inner}{}))", open.repeat(depth), ")".repeat(depth));
            let _ = Module::new(&engine, deep("(block ", ""));
            let _ = Module::new(&engine, deep("(drop ", "(i32.const 0)"));
            let _ = Module::new(&engine, "(".repeat(depth));
            let _ = Module::new(&engine, format!("(module {}", "(@a ".repeat(depth)));
            let _ = Module::new(&engine, format!("(module {}{}", "(; ".repeat(depth), ";)".repeat(depth)));
        }
    });
}

#[test]
fn a_branch_table_of_a_million_cases_is_rejected_or_works() {
    let table = |cases: u64, depth: u64| {
        let mut code = b"\x02\x40".repeat(depth as usize);
        code.extend(b"\x20\0\x0e");
        code.extend(leb(cases));
        (0..=cases).for_each(|case| code.extend(leb(case % depth)));
        code.extend(b"\x0b".repeat(depth as usize));
        one_function(&code)
    };
    runs(&table(100_000, 1), SECONDS);
    runs(&table(100_000, 5000), SECONDS);
    match Module::new(&Engine::default(), table(1_000_000, 2)) {
        Ok(_) => runs(&table(1_000_000, 2), SECONDS),
        Err(error) => assert!(error.to_string().contains("br_table"), "{error}"),
    }
}

#[test]
fn branch_tables_with_values_in_every_case_take_linear_time() {
    // Blocks with results at different heights, so every case must move a value.
    let (depth, cases) = (3000, 100_000);
    let mut code = b"\x41\0\x02\x7f".repeat(depth);
    code.extend(b"\x41\x07\x20\0\x0e");
    code.extend(leb(cases));
    (0..=cases).for_each(|case| code.extend(leb(case % depth as u64)));
    // Each end adds the operand below and the result, which is the result of the outer block.
    code.extend(b"\x0b\x6a".repeat(depth));
    code.push(0x1a);
    runs(&one_function(&code), SECONDS);
}

/// Branches in a small function that carry a thousand values must not need a thousand instructions each.
#[test]
fn branches_with_many_values_take_little_code() {
    let values = "i32 ".repeat(1000);
    let push = "(i32.const 0)".repeat(1000);
    let drop = "(drop)".repeat(1000);
    let branches = "(br_if 0 (local.get 0))".repeat(20_000);
    let text = format!(
        r#"(module (type $many (func (result {values})))
            (func (export "f") (param i32) (i32.const 7)
                (block (type $many) {push} (block (type $many) {push} {branches}) {drop} {branches})
                {drop} drop))"#
    );
    let module = crate::module(&Engine::default(), &text);
    // The bytecode has much less than one word for each value of each branch.
    let listing = module.interpreter_listing(0);
    assert!(listing.is_err() || listing.is_ok_and(|text| text.lines().count() < 200_000));
}

#[test]
fn values_passed_to_ifs_are_limited() {
    let values = "i32 ".repeat(1000);
    let depth = 20_000;
    let text = format!(
        r#"(module (type $many (func (param {values}) (result {values})))
            (func (export "f") (param i32) {} {} {} {}))"#,
        "(i32.const 0)".repeat(1000),
        "(local.get 0) if (type $many) ".repeat(depth),
        "end ".repeat(depth),
        "drop ".repeat(1000)
    );
    let (mut store, instance) = load(&text);
    let f = instance.get_typed_func::<i32, ()>(&mut store, "f").unwrap();
    let error = f.call(&mut store, 0).unwrap_err();
    assert_eq!(trap_of(&error), kinglet::Trap::Unsupported);
    assert!(error.to_string().contains("too many parameters"), "{error}");
}

#[test]
fn fifty_thousand_locals_and_many_calls_take_linear_time() {
    // The locals have a GC-managed type. The function returns before its calls, so only lowering takes time.
    let locals = [leb(1), leb(49_999), vec![0x6f]].concat();
    let code = [b"\x20\0\x45\x04\x40\x0f\x0b".to_vec(), b"\x20\0\x10\0".repeat(300_000)].concat();
    runs(&one_function_with_locals(&locals, &code), SECONDS);
}

#[test]
fn a_large_operand_stack_and_many_calls_take_linear_time() {
    let height = 200_000;
    let code = [
        b"\x20\0\x45\x04\x40\x0f\x0b".to_vec(),
        b"\x41\0".repeat(height),
        b"\x20\0\x10\0".repeat(200_000),
        b"\x1a".repeat(height),
    ]
    .concat();
    runs(&one_function(&code), SECONDS);
}

#[test]
fn changing_locals_on_the_operand_stack_takes_linear_time() {
    // Every local.set must preserve the older values of the local on the operand stack.
    let code = [b"\x20\0".repeat(200_000), b"\x41\0\x21\0\x20\0".repeat(100_000), b"\x1a".repeat(300_000)].concat();
    runs(&one_function(&code), SECONDS);
}

#[test]
fn exceeding_a_limit_is_an_error() {
    let engine = Engine::default();
    let locals = [leb(1), leb(50_001), vec![0x7f]].concat();
    assert!(Module::new(&engine, one_function_with_locals(&locals, b"")).is_err());
    let locals = [leb(2), leb(u32::MAX.into()), vec![0x7f], leb(u32::MAX.into()), vec![0x7f]].concat();
    assert!(Module::new(&engine, one_function_with_locals(&locals, b"")).is_err());
    let wide = |n: usize| format!("(module (type (func (param {0}) (result {0}))))", "i32 ".repeat(n));
    assert!(Module::new(&engine, wide(1000)).is_ok() && Module::new(&engine, wide(1001)).is_err());
    assert!(Module::new(&engine, "(module (memory 65537))").is_err());
}

#[test]
fn a_trap_at_the_end_of_a_huge_function_is_reported_quickly() {
    let mut body = String::new();
    for i in 0..150_000 {
        write!(body, "(local.set 1 (i32.add (local.get 1) (i32.const {i})))").unwrap();
    }
    let text = format!(
        r#"(module (func $f (export "f") (param i32) (local i32)
            (if (i32.eqz (local.get 0)) (then unreachable))
            (call $f (i32.sub (local.get 0) (i32.const 1))) {body}))"#
    );
    let (mut store, instance) = load(&text);
    let f = instance.get_typed_func::<i32, ()>(&mut store, "f").unwrap();
    let start = Instant::now();
    assert_eq!(trap_of(&f.call(&mut store, 0).unwrap_err()), kinglet::Trap::Unreachable);
    let one = start.elapsed();
    let start = Instant::now();
    assert_eq!(trap_of(&f.call(&mut store, 1000).unwrap_err()), kinglet::Trap::Unreachable);
    assert!(start.elapsed() < 5 * one + Duration::from_millis(300), "{one:?}, {:?}", start.elapsed());
}

#[test]
fn messages_escape_control_characters_in_names() {
    let name = "\x1b[31mred\nkinglet: error: fake";
    let text = format!(
        r#"(module (func (export "{}") unreachable))"#,
        name.escape_default().to_string().replace("\\u{1b}", "\\1b")
    );
    let (mut store, instance) = load(&text);
    let error = instance.get_typed_func::<(), ()>(&mut store, name).unwrap().call(&mut store, ()).unwrap_err();
    assert!(!error.to_string().contains('\x1b') && error.to_string().lines().count() == 2, "{error}");
    let text = r#"(module (import "\1b[2J" "\0a" (func)))"#;
    let module = crate::module(&Engine::default(), text);
    let error = kinglet::Linker::<()>::new(module.engine()).instantiate(Store::new(module.engine(), ()), &module);
    let message = error.unwrap_err().to_string();
    assert!(!message.contains('\x1b') && !message.contains('\n'), "{message}");
}

#[test]
fn malformed_name_sections_are_harmless() {
    let engine = Engine::default();
    let mut bytes = wat::parse_str(r#"(module (func (export "f") unreachable))"#).unwrap();
    // A name section with an index out of range, a valid index, and garbage after them.
    let names = b"\x04name\x01\x0a\x02\x00\x02\xc3\xa4\xff\xff\xff\xff\x0f\x01x\x01\x07\xff";
    bytes.push(0);
    bytes.extend(leb(names.len() as u64));
    bytes.extend(names);
    if let Ok(module) = Module::new(&engine, &bytes) {
        let mut store = Store::new(&engine, ());
        let instance = Instance::new(&mut store, &module, &[]).unwrap();
        let _ = format!("{:?}", crate::trap(&mut store, &instance, "f"));
    }
    let _ = module(&engine, "(module)").name();
}

/// Returns a function of `tries` nested `try_table`s with `clauses` clauses each, around `calls` calls. It is generated
/// as bytes, because its text would be large.
fn calls_and_clauses(tries: usize, clauses: u64, calls: usize) -> Vec<u8> {
    // Types: [] -> []. Function 0 throws tag 0; function 1 is `f: [i32] -> []`.
    let mut bytes = b"\0asm\x01\0\0\0\x01\x08\x02\x60\x01\x7f\0\x60\0\0\x03\x03\x02\x01\0\x0d\x03\x01\0\x01".to_vec();
    bytes.extend(b"\x07\x05\x01\x01f\0\x01");
    let catches = [leb(clauses), b"\0\0\0".repeat(clauses as usize - 1), b"\0\0\0".to_vec()].concat();
    let open = [&b"\x1f\x40"[..], &catches].concat();
    let code = [b"\x02\x40".to_vec(), open.repeat(tries), b"\x10\0".repeat(calls), b"\x0b".repeat(tries + 1)].concat();
    let body = |code: &[u8]| [&leb(code.len() as u64 + 2)[..], b"\0", code, b"\x0b"].concat();
    let section = [leb(2), body(b"\x08\0"), body(&code)].concat();
    bytes.push(10);
    bytes.extend(leb(section.len() as u64));
    bytes.extend(section);
    bytes
}

/// Compiles a module in which calls times clauses are millions. Tables and code are linear in either.
#[cfg(feature = "jit")]
fn compiles_calls_and_clauses(scale: usize) {
    let engine = crate::engine(|config| {
        config.feature(kinglet::Feature::Exceptions, true).run_mode(kinglet::RunMode::Jit);
        // The test measures the actual cost, without the limit on the estimated cost.
        config.compiler_memory(usize::MAX);
    });
    // A `try_table` has at most 10,000 clauses.
    for (tries, clauses, calls) in [(scale, 8000, 16_000 * scale), (6000 * scale, 1, 12_000 * scale)] {
        let bytes = calls_and_clauses(tries, clauses, calls);
        let start = Instant::now();
        let artifact = engine.precompile_module(&bytes).unwrap();
        println!(
            "{} bytes, {tries} tries with {clauses} clauses around {calls} calls: {:.1?}, an artifact of {} bytes, {} KiB",
            bytes.len(),
            start.elapsed(),
            artifact.len(),
            memory_peak()
        );
        assert!(artifact.len() < 100 * bytes.len(), "{}", artifact.len());
        // SAFETY: the engine has just compiled the artifact, and nothing has changed it.
        let module = unsafe { Module::deserialize(&engine, artifact) }.unwrap();
        assert_eq!(module.native_functions(), 2);
        let mut store = Store::new(&engine, ());
        let instance = Instance::new(&mut store, &module, &[]).unwrap();
        instance.get_typed_func::<i32, ()>(&mut store, "f").unwrap().call(&mut store, 0).unwrap();
    }
}

/// Returns the peak memory of the process in KiB, or 0 if it is unknown.
#[cfg(feature = "jit")]
fn memory_peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0)
}

/// Runs a part of this test in a separate process and checks its output.
#[cfg(all(target_os = "linux", feature = "jit"))]
fn budget(name: &str, seconds: u64, kib: u64) {
    let start = Instant::now();
    let output = crate::native::alone(name);
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{output:?}");
    let peak = said.lines().find_map(|line| line.strip_prefix("peak: ")).unwrap().parse::<u64>().unwrap();
    assert!(peak < kib && start.elapsed().as_secs() < seconds, "{peak} KiB, {:?}", start.elapsed());
    print!("{said}");
}

#[cfg(all(target_os = "linux", feature = "jit"))]
#[test]
fn many_calls_under_many_clauses_take_linear_time_and_space() {
    budget("hostile::compiles_many_calls_under_many_clauses", 100, 600 << 10);
}

#[cfg(feature = "jit")]
#[test]
#[ignore = "run by many_calls_under_many_clauses_take_linear_time_and_space in a separate process"]
fn compiles_many_calls_under_many_clauses() {
    compiles_calls_and_clauses(1);
    println!("peak: {}", memory_peak());
}

#[cfg(all(target_os = "linux", feature = "jit"))]
mod heavy {
    #[test]
    #[ignore = "heavy: a module of 600 KB in which each function is as large"]
    fn ten_times_as_many_calls_and_clauses_take_ten_times_as_long() {
        super::budget("hostile::compiles_ten_times_as_many_calls_and_clauses", 1800, 5 << 20);
    }
}

#[cfg(feature = "jit")]
#[test]
#[ignore = "run by heavy::ten_times_as_many_calls_and_clauses_take_ten_times_as_long in a separate process"]
fn compiles_ten_times_as_many_calls_and_clauses() {
    compiles_calls_and_clauses(10);
    println!("peak: {}", memory_peak());
}
