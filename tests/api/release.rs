//! Unreferenced objects are released: host values, types, host functions. Each test measures its memory in a separate
//! process, because other tests allocate memory too. The heavy tests check the documented numbers.

#[cfg(feature = "jit")]
use kinglet::{Config, Instance, RunMode, Val};
use kinglet::{Engine, ExternRef, Func, FuncType, Module, Store, ValType};

/// The number of rounds that the measuring process executes.
const ROUNDS: &str = "KINGLET_TEST_ROUNDS";

/// The tolerance of resident memory, in bytes.
const SLACK: u64 = 1 << 20;

/// Runs a test of this file in a separate process.
#[track_caller]
fn alone(name: &str, rounds: usize) {
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args([&format!("release::{name}"), "--exact", "--ignored", "--nocapture", "--test-threads=1"])
        .env(ROUNDS, rounds.to_string())
        // glibc returns only the end of its first arena to the system.
        .env("MALLOC_ARENA_MAX", "1")
        .output()
        .unwrap();
    let out = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && out.contains("1 passed"), "{out}{}", String::from_utf8_lossy(&output.stderr));
    print!("{out}");
}

fn resident() -> u64 {
    // SAFETY: the call takes no pointers. It returns free memory to the system, so all remaining memory is in use.
    #[cfg(target_env = "gnu")]
    unsafe {
        libc::malloc_trim(0)
    };
    let text = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: u64 = text.split(' ').nth(1).unwrap().parse().unwrap();
    pages * rustix::param::page_size() as u64
}

/// Runs a closure for some rounds of warm-up and then for all rounds. The latter must not increase the memory in use.
#[track_caller]
fn leaves_nothing(mut work: impl FnMut(usize)) {
    let rounds = std::env::var(ROUNDS).map_or(1, |rounds| rounds.parse().unwrap());
    work(rounds / 20 + 1);
    let before = resident();
    let start = std::time::Instant::now();
    work(rounds);
    let after = resident();
    println!("{rounds} rounds in {:?}: memory grew by {} KiB", start.elapsed(), after.saturating_sub(before) >> 10);
    assert!(after <= before + SLACK, "{before} bytes before, {after} after");
}

#[test]
fn released_host_values_free_their_memory() {
    alone("make_and_release_host_values", 100_000);
}

#[test]
#[ignore = "run by released_host_values_free_their_memory in a separate process"]
fn make_and_release_host_values() {
    let mut store = Store::new(&Engine::default(), ());
    leaves_nothing(|rounds| {
        for _ in 0..rounds / 2 {
            ExternRef::new(&mut store, [1_u64; 4]).unwrap().release(&mut store).unwrap();
        }
        let all: Vec<_> = (0..rounds / 2).map(|i| ExternRef::new(&mut store, [i; 4]).unwrap()).collect();
        all.iter().for_each(|one| drop(one.release(&mut store).unwrap()));
    });
}

/// Returns a function type that is unique to a number.
fn numbered(number: usize) -> FuncType {
    const TYPES: [ValType; 4] = [ValType::I32, ValType::I64, ValType::F32, ValType::F64];
    FuncType::new((0..16).map(|digit| TYPES[number >> (2 * digit) & 3]), [])
}

#[test]
fn types_are_released_with_their_last_module() {
    alone("make_and_drop_modules", 20);
}

#[test]
#[ignore = "run by types_are_released_with_their_last_module in a separate process"]
fn make_and_drop_modules() {
    let engine = Engine::default();
    let mut number = 0;
    leaves_nothing(|rounds| {
        for _ in 0..rounds {
            // Types in the text format. Some refer to others.
            let types: String = (0..100)
                .map(|i| {
                    number += 1;
                    let signature = numbered(number).signature();
                    format!("(type $t{i} (func {signature})) (type (func (param (ref null $t{i})) {}))", "(result i32)")
                })
                .collect();
            let module = Module::new(&engine, format!("(module {types} (func (export \"f\") (type $t7)))")).unwrap();
            assert!(module.get_export("f").is_some());
        }
    });
}

#[test]
fn host_functions_and_their_types_are_released_with_their_stores() {
    alone("make_functions_in_stores", 50_000);
}

#[test]
#[ignore = "run by host_functions_and_their_types_are_released_with_their_stores in a separate process"]
fn make_functions_in_stores() {
    let engine = Engine::default();
    let mut number = 0;
    leaves_nothing(|rounds| {
        for _ in 0..rounds.div_ceil(1000) {
            let mut store = Store::new(&engine, ());
            for _ in 0..1000.min(rounds) {
                number += 1;
                let _func = Func::try_new(&mut store, numbered(number), |_, _, _| Ok(()));
            }
        }
    });
}

#[cfg(feature = "jit")]
#[test]
#[ignore = "run by heavy::native_code_of_ten_thousand_types_is_released_with_them in a separate process"]
fn call_functions_of_ever_new_types() {
    let engine = Engine::new(Config::new().run_mode(RunMode::Jit)).unwrap();
    let mut number = 0;
    leaves_nothing(|rounds| {
        for _ in 0..rounds {
            number += 1;
            let ty = numbered(number);
            let text = format!("(module (func (export \"f\") {}))", ty.signature());
            let mut store = Store::new(&engine, ());
            let instance = Instance::new(&mut store, &Module::new(&engine, text).unwrap(), &[]).unwrap();
            let args: Vec<_> = ty.params().iter().map(|ty| Val::default_of(*ty, &engine).unwrap()).collect();
            instance.get_func(&mut store, "f").unwrap().call(&mut store, &args, &mut []).unwrap();
        }
    });
}

/// The same tests with the documented numbers.
mod heavy {
    use super::alone;

    #[cfg(feature = "jit")]
    #[test]
    #[ignore = "heavy: ten thousand modules are compiled"]
    fn native_code_of_ten_thousand_types_is_released_with_them() {
        alone("call_functions_of_ever_new_types", 10_000);
    }

    #[test]
    #[ignore = "heavy: two million host values"]
    fn two_million_released_host_values_free_their_memory() {
        alone("make_and_release_host_values", 2_000_000);
    }

    #[test]
    #[ignore = "heavy: 200 modules with 200 types each"]
    fn forty_thousand_types_are_released_with_their_modules() {
        alone("make_and_drop_modules", 200);
    }

    #[test]
    #[ignore = "heavy: a million host functions"]
    fn a_million_host_functions_are_released_with_their_stores() {
        alone("make_functions_in_stores", 1_000_000);
    }
}
