//! Custom sections in a module that traps: DWARF sections, which the backtrace reads, and names, producers and target
//! features. An input is a sequence of sections: an index, a length in two bytes, and the contents.

use std::io::Result;
use std::path::Path;
use std::sync::LazyLock;

use kinglet::{Config, Engine, Instance, Module, RunMode, Store, WasmBacktrace};
use kinglet_wasm::outline::{Outline, local_names};

use super::Choices;

const SECTIONS: &[&str] = &[
    ".debug_info",
    ".debug_abbrev",
    ".debug_line",
    ".debug_str",
    ".debug_ranges",
    ".debug_line_str",
    ".debug_rnglists",
    ".debug_addr",
    ".debug_str_offsets",
    ".debug_aranges",
    "name",
    "producers",
    "target_features",
];

static ENGINE: LazyLock<Engine> = LazyLock::new(|| {
    let mut config = Config::new();
    config.run_mode(RunMode::Interpreter);
    Engine::new(&config).expect("the configuration is valid")
});

/// Nested calls that end in a trap. The DWARF sections of the seeds cover the code offsets of these calls.
static GUEST: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let nops = "nop ".repeat(30);
    let text = format!(
        r#"(module (func $inner {nops} unreachable) (func $middle {nops} call $inner {nops})
            (func (export "run") {nops} call $middle {nops}))"#
    );
    kinglet_wasm::decode::to_binary(text.as_bytes()).expect("the text is well-formed").into_owned()
});

pub(super) fn run(input: &[u8]) {
    let mut choices = Choices(input);
    let mut binary = GUEST.clone();
    while !choices.0.is_empty() {
        let name = SECTIONS[choices.below(SECTIONS.len())];
        let length = choices.u16();
        custom(&mut binary, name, choices.take(length.into()));
    }
    if let Ok(outline) = Outline::new(&binary, None) {
        outline.funcs.iter().for_each(|func| drop(local_names(&binary, func.index)));
    }
    let module = Module::new(&ENGINE, &binary).expect("custom sections do not make a module invalid");
    let mut store = Store::new(&ENGINE, ());
    let instance = Instance::new(&mut store, &module, &[]).expect("it has no imports");
    let run = instance.get_typed_func::<(), ()>(&mut store, "run").expect("it is exported");
    let error = run.call(&mut store, ()).expect_err("it traps");
    let backtrace = error.downcast_ref::<WasmBacktrace>().expect("a trap has a backtrace");
    assert_eq!(backtrace.frames().len(), 3);
    assert!(backtrace.to_string().starts_with("wasm trap: "));
}

/// Appends a custom section.
fn custom(binary: &mut Vec<u8>, name: &str, data: &[u8]) {
    let leb = |bytes: &mut Vec<u8>, mut value: usize| {
        while value >= 128 {
            bytes.push(value as u8 | 128);
            value >>= 7;
        }
        bytes.push(value as u8);
    };
    binary.push(0);
    leb(binary, 1 + name.len() + data.len());
    leb(binary, name.len());
    binary.extend(name.as_bytes());
    binary.extend(data);
}

/// Encodes a section as part of an input.
fn section(name: &str, data: &[u8]) -> Vec<u8> {
    let index = SECTIONS.iter().position(|it| *it == name);
    let (Some(index), Ok(length)) = (index, u16::try_from(data.len())) else { return Vec::new() };
    [&[index as u8][..], &length.to_le_bytes(), data].concat()
}

pub(super) fn seeds(root: &Path) -> Result<Vec<Vec<u8>>> {
    let mut seeds = Vec::new();
    for bytes in super::modules(root, 1 << 17)? {
        let Ok(module) = Module::new(&ENGINE, bytes) else { continue };
        seeds.push(module.custom_sections().flat_map(|it| section(it.name(), it.data())).collect());
    }
    seeds.push(version_5());
    seeds.push(names());
    seeds.retain(|seed: &Vec<u8>| !seed.is_empty() && seed.len() <= 1 << 16);
    Ok(seeds)
}

/// Returns DWARF 5 sections with an inlined function. They use range lists, address tables and string tables.
#[rustfmt::skip]
fn version_5() -> Vec<u8> {
    let abbreviations = [
        1, 0x11, 1, 0x72, 0x17, 0x73, 0x17, 0x74, 0x17, 0x10, 0x17, 0x1b, 0x1f, 0x11, 0x1b, 0x55, 0x23, 0, 0,
        2, 0x2e, 1, 0x03, 0x25, 0x11, 0x1b, 0x12, 0x06, 0, 0,
        3, 0x1d, 0, 0x31, 0x13, 0x55, 0x23, 0x58, 0x0b, 0x59, 0x0b, 0x57, 0x0b, 0, 0,
        4, 0x2e, 0, 0x03, 0x25, 0, 0, 0,
    ];
    let mut info = vec![5, 0, 1, 4, 0, 0, 0, 0];
    info.extend([1, 8, 0, 0, 0, 8, 0, 0, 0, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    let inlined = info.len() as u8 + 4;
    info.extend([4, 1, 2, 0, 0, 0xff, 0, 0, 0, 3, inlined, 0, 0, 0, 1, 1, 7, 3, 0, 0]);
    let info = [&(info.len() as u32).to_le_bytes(), &info[..]].concat();
    let ranges = [
        28, 0, 0, 0, 5, 0, 4, 0, 2, 0, 0, 0, 8, 0, 0, 0, 13, 0, 0, 0,
        6, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0,
    ];
    let offsets = [12, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0];
    let addresses = [12, 0, 0, 0, 5, 0, 4, 0, 2, 0, 0, 0, 0x40, 0, 0, 0];
    let header = [1, 1, 1, 0xfb, 14, 13, 0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1, 1, 1, 0x1f, 1, 0, 0, 0, 0,
        2, 1, 0x1f, 2, 0x0b, 2, 2, 0, 0, 0, 0, 4, 0, 0, 0, 0];
    let program = [0, 5, 2, 2, 0, 0, 0, 0x14, 0x83, 2, 10, 0x40, 2, 0x80, 1, 0, 1, 1];
    let mut line = vec![5, 0, 4, 0];
    line.extend((header.len() as u32).to_le_bytes());
    line.extend(header);
    line.extend(program);
    let line = [&(line.len() as u32).to_le_bytes(), &line[..]].concat();
    [
        section(".debug_abbrev", &abbreviations), section(".debug_info", &info), section(".debug_rnglists", &ranges),
        section(".debug_str_offsets", &offsets), section(".debug_addr", &addresses), section(".debug_line", &line),
        section(".debug_str", b"f\0_RNvC1a1b\0"), section(".debug_line_str", b"dir\0a.c\0b.c\0"),
    ].concat()
}

/// Returns sections with names, producers and target features of every kind.
fn names() -> Vec<u8> {
    let name = b"\x00\x02\x01m\x01\x0b\x02\x00\x01a\x01\x05_ZN1a\x02\x08\x01\x00\x02\x00\x01x\x01\x01y";
    let producers = b"\x01\x0cprocessed-by\x01\x05clang\x0219";
    let features = b"\x02+\x04simd-\x07threads";
    [section("name", name), section("producers", producers), section("target_features", features)].concat()
}
