//! Random modules on Kinglet and on Wasmi: the results of calls, whether they trap, and what memory and globals hold after each
//! must be the same. `KINGLET_FUZZ_SEED` and `KINGLET_FUZZ_SECONDS` say where to begin and for how long to go on;
//! without them a fixed number of modules is compared. An engine is an [`Engine`].

mod generate;

use std::time::{Duration, Instant};

use generate::{FUNCTIONS, Random};

/// What can be seen of an instance after a call.
#[derive(Debug, PartialEq)]
struct Seen {
    /// The result, unless it trapped.
    result: Option<i32>,
    globals: [i32; 2],
    memory: Vec<u8>,
}

/// An engine to compare: calls a module's functions one after the other in one instance.
trait Engine {
    fn run(&self, wasm: &[u8], calls: &[(String, [i32; 2])]) -> Vec<Seen>;
}

struct Kinglet;

impl Engine for Kinglet {
    fn run(&self, wasm: &[u8], calls: &[(String, [i32; 2])]) -> Vec<Seen> {
        let engine = kinglet::Engine::default();
        let module = kinglet::Module::new(&engine, wasm).expect("the module is valid");
        let mut store = kinglet::Store::new(&engine, ());
        let instance = kinglet::Instance::new(&mut store, &module, &[]).expect("nothing is imported");
        let mut seen = Vec::new();
        for (name, [a, b]) in calls {
            let function = instance.get_typed_func::<(i32, i32), i32>(&mut store, name).expect("it is exported");
            let result = function.call(&mut store, (*a, *b)).ok();
            let globals =
                ["sp", "g"].map(|name| instance.get_global(&mut store, name).unwrap().get(&store).i32().unwrap());
            let memory = instance.get_memory(&mut store, "m").unwrap().data(&store).to_vec();
            seen.push(Seen { result, globals, memory });
        }
        seen
    }
}

struct Wasmi;

impl Engine for Wasmi {
    fn run(&self, wasm: &[u8], calls: &[(String, [i32; 2])]) -> Vec<Seen> {
        let engine = wasmi::Engine::default();
        let module = wasmi::Module::new(&engine, wasm).expect("the module is valid");
        let mut store = wasmi::Store::new(&engine, ());
        let linker = wasmi::Linker::new(&engine);
        let instance = linker.instantiate_and_start(&mut store, &module).expect("nothing is imported");
        let mut seen = Vec::new();
        for (name, [a, b]) in calls {
            let function = instance.get_typed_func::<(i32, i32), i32>(&store, name).expect("it is exported");
            let result = function.call(&mut store, (*a, *b)).ok();
            let globals = ["sp", "g"].map(|name| instance.get_global(&store, name).unwrap().get(&store).i32().unwrap());
            let memory = instance.get_memory(&store, "m").unwrap().data(&store).to_vec();
            seen.push(Seen { result, globals, memory });
        }
        seen
    }
}

/// Compares two engines on the module of a seed. A difference is told with the module.
fn compare(seed: u64, one: &dyn Engine, other: &dyn Engine) {
    let text = generate::module(seed);
    let wasm = wat::parse_str(&text).unwrap_or_else(|error| panic!("seed {seed}: {error}\n{text}"));
    let mut random = Random::new(!seed);
    let mut calls = Vec::new();
    for round in 0..2 * FUNCTIONS {
        calls.push((format!("f{}", round % FUNCTIONS), [random.next() as i32 % 9, random.next() as i32]));
    }
    let (one, other) = (one.run(&wasm, &calls), other.run(&wasm, &calls));
    for ((call, one), other) in calls.iter().zip(&one).zip(&other) {
        if one == other {
            continue;
        }
        let place = one.memory.iter().zip(&other.memory).position(|(a, b)| a != b);
        let at = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("differential-{seed}.wat"));
        std::fs::write(&at, &text).expect("the module is saved");
        panic!(
            "seed {seed}, {call:?}: {:?} {:?} and {:?} {:?}, memory from {place:?}; saved as {}",
            one.result,
            one.globals,
            other.result,
            other.globals,
            at.display()
        );
    }
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|value| value.parse().unwrap_or_else(|_| panic!("{name} is not a number: {value}")))
}

#[test]
fn random_modules_do_the_same_on_kinglet_and_wasmi() {
    const MODULES: u64 = 2000;
    let first = number("KINGLET_FUZZ_SEED").unwrap_or(0);
    let end = number("KINGLET_FUZZ_SECONDS").map(|seconds| Instant::now() + Duration::from_secs(seconds));
    for seed in first.. {
        if end.map_or(seed - first >= MODULES, |end| Instant::now() >= end) {
            println!("seeds {first} to {seed}, that one excluded");
            break;
        }
        compare(seed, &Kinglet, &Wasmi);
    }
}
