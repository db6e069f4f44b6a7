//! Listings of native code are consistent with themselves, the module and the generated code, for every target.

use kinglet::{Config, Engine, Module, NativeInstruction, targets};

use crate::engine;

const PROGRAM: &str = r#"(module
  (import "host" "log" (func $log (param i32)))
  (memory 1)
  (func $leaf (param i32) (result i32) (i32.div_u (i32.const 10) (local.get 0)))
  (func $pick (param i32) (result v128)
    (block (block (block (block (br_table 0 1 2 3 (local.get 0)))
      (return (v128.const i32x4 1 2 3 4)))
      (return (v128.const i32x4 5 6 7 8)))
      (call $log (call $leaf (i32.const 4))) (return (v128.const i32x4 9 6 7 8)))
    (v128.load offset=7 (local.get 0))))"#;

fn for_target(triple: &str) -> Module {
    let set = |config: &mut Config| {
        config.target(triple);
        if triple.starts_with("riscv") {
            config.cpu_feature("v", true);
        }
    };
    Module::new(&engine(set), PROGRAM).unwrap()
}

#[test]
fn instructions_are_contiguous_and_belong_to_operators_of_their_function() {
    for target in targets() {
        let module = for_target(target.triple());
        for defined in 0..2 {
            let listing = module.native_listing(defined).unwrap();
            let mut end = 0;
            for instruction in &listing.instructions {
                assert_eq!(instruction.at, end, "{}: {listing:?}", target.triple());
                end += instruction.bytes.len() as u32;
                assert!(!instruction.bytes.is_empty() && !instruction.text.is_empty());
            }
            let sources: Vec<u32> = listing.instructions.iter().filter_map(|it| it.source).collect();
            assert!(sources.iter().any(|source| module.binary()[*source as usize] == [0x6e, 0x0e][defined as usize]));
            assert!(listing.clif.contains("block0(") && listing.assembly.contains("block0:"));
        }
        assert!(module.native_listing(2).unwrap_err().to_string().contains("defines no function 2"));
    }
}

#[test]
fn vectors_are_not_compiled_for_processors_without_them() {
    let engine = engine(|config| {
        config.target("riscv64gc-unknown-linux-gnu");
    });
    let module = Module::new(&engine, PROGRAM).unwrap();
    assert!(module.native_listing(0).is_ok());
    let refused = module.native_listing(1).unwrap_err();
    assert!(refused.to_string().contains("on a processor without vectors"), "{refused:#}");
    // The function stays interpreted.
    assert!(engine.precompile_module(PROGRAM).is_ok());
}

#[test]
fn jumps_target_instructions_and_data_is_not_disassembled() {
    for triple in ["x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu"] {
        let listing = for_target(triple).native_listing(1).unwrap();
        let is_data = |it: &&NativeInstruction| it.text.starts_with(".byte");
        let starts: Vec<u32> = listing.instructions.iter().filter(|it| !is_data(it)).map(|it| it.at).collect();
        let jumps = listing.instructions.iter().filter(|it| {
            let mnemonic = it.text.split(' ').next().unwrap();
            mnemonic.starts_with('j') || mnemonic == "b" || mnemonic.starts_with("b.") || mnemonic.starts_with("cb")
        });
        let targets = jumps.filter_map(|it| it.text.rsplit([' ', ',']).next()?.strip_prefix("0x"));
        let targets: Vec<u32> = targets.map(|target| u32::from_str_radix(target, 16).unwrap()).collect();
        assert!(targets.len() >= 2 && targets.iter().all(|target| starts.contains(target)), "{triple}: {listing:#?}");
        // The jump table with its four entries, and three constants.
        let data: usize = listing.instructions.iter().filter(is_data).map(|it| it.bytes.len()).sum();
        assert!((4 * 4 + 3 * 16..4 * 4 + 3 * 16 + 16).contains(&data), "{triple}: {listing:#?}");
        assert!(listing.instructions.iter().any(|it| it.text.ends_with(" func[1] <leaf>")), "{triple}: {listing:#?}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn the_perf_map_lists_functions() {
    let engine = engine(|config| {
        config.run_mode(kinglet::RunMode::Jit).profile(Some(kinglet::Profile::PerfMap));
    });
    let wat = r#"(module (func $kinglet_first) (func (export "second")) (func) (func $"two\nlines"))"#;
    let before = std::fs::read_to_string(map()).unwrap();
    let module = Module::new(&engine, wat).unwrap();
    let after = std::fs::read_to_string(map()).unwrap();
    let new = after.strip_prefix(&before).unwrap();
    let names: Vec<&str> = new.lines().map(|line| line.splitn(3, ' ').nth(2).unwrap()).collect();
    let functions: Vec<&&str> = names.iter().filter(|name| !name.starts_with("[kinglet]")).collect();
    assert_eq!(functions, [&"kinglet_first", &"second", &"func[2]", &"two\\nlines"]);
    // A second engine appends to the same file.
    let other = Engine::new(Config::new().run_mode(kinglet::RunMode::Jit).profile(Some(kinglet::Profile::PerfMap)));
    let other = other.unwrap();
    Module::new(&other, "(module (func $of_another_engine))").unwrap();
    let all = std::fs::read_to_string(map()).unwrap();
    assert!(all.starts_with(&after) && all.contains(" of_another_engine\n"), "{all}");
    std::fs::remove_file(map()).unwrap();
    drop(module);
}

#[cfg(target_os = "linux")]
fn map() -> String {
    format!("/tmp/perf-{}.map", std::process::id())
}
