//! Backtraces with files and lines, from the DWARF sections of a module from a C compiler, and of hostile modules.

use std::time::{Duration, Instant};

use kinglet::{Engine, Instance, Linker, Module, Store, WasmBacktrace};

use crate::engine;
use crate::hostile::debug;

const GUEST: &[u8] = include_bytes!("../../examples/backtrace/guest.wasm");

/// Returns the backtrace of a division by zero in the guest of the example `backtrace`.
fn divide(engine: &Engine, guest: &[u8]) -> Option<WasmBacktrace> {
    let module = Module::new(engine, guest).ok()?;
    let mut linker = Linker::new(engine);
    linker.func_wrap("host", "price", |_: i32| 1).unwrap();
    let mut store = Store::new(engine, ());
    let instance = linker.instantiate(&mut store, &module).ok()?;
    let bill = instance.get_typed_func::<(i32, i32), i32>(&mut store, "bill").ok()?;
    bill.call(&mut store, (1, 0)).unwrap_err().downcast::<WasmBacktrace>().ok()
}

#[test]
fn a_frame_lists_the_functions_inlined_into_it() {
    let backtrace = divide(&Engine::default(), GUEST).unwrap();
    let symbols: Vec<_> = backtrace.frames().iter().map(|frame| frame.symbols()).collect();
    let shown: Vec<Vec<_>> = symbols
        .iter()
        .map(|symbols| symbols.iter().map(|s| (s.name(), s.file(), s.line(), s.column())).collect())
        .collect();
    let file = Some("./guest.c");
    let inner = vec![(Some("share"), file, Some(8), Some(18)), (Some("split"), file, Some(15), Some(12))];
    assert_eq!(shown, [inner, vec![(Some("bill"), file, Some(19), Some(12))]]);
    let text = "wasm trap: integer divide by zero
    0: split (func[2]) at 0xb2 in guest.wasm: i32.div_s
           at ./guest.c:8:18 (share, inlined)
           at ./guest.c:15:12
    1: bill (func[1]) at 0x5d in guest.wasm: call
           at ./guest.c:19:12";
    assert_eq!(backtrace.to_string(), text);
}

#[test]
fn an_interrupted_guests_backtrace_has_no_files_and_lines() {
    let engine = Engine::default();
    let mut linker = Linker::new(&engine);
    linker.func_wrap("host", "price", |_: i32| 1).unwrap();
    let mut store = Store::new(&engine, ());
    let instance = linker.instantiate(&mut store, &Module::new(&engine, GUEST).unwrap()).unwrap();
    let bill = instance.get_typed_func::<(i32, i32), i32>(&mut store, "bill").unwrap();
    store.interrupt_handle().interrupt();
    let backtrace = bill.call(&mut store, (1, 2)).unwrap_err().downcast::<WasmBacktrace>().unwrap();
    let text = backtrace.to_string();
    assert!(text.contains("interrupted") && text.contains("bill (func[1])") && !text.contains("guest.c"), "{text}");
    // The embedder can request them.
    assert_eq!(backtrace.frames()[0].symbols()[0].file(), Some("./guest.c"));
}

#[test]
fn files_and_lines_can_be_turned_off() {
    let engine = engine(|config| {
        config.backtrace_details(false);
    });
    let backtrace = divide(&engine, GUEST).unwrap();
    assert!(backtrace.frames().iter().all(|frame| frame.symbols().is_empty()));
    assert!(!backtrace.to_string().contains("guest.c"), "{backtrace}");
}

#[test]
fn malformed_debugging_information_is_harmless() {
    let engine = Engine::default();
    let start = GUEST.windows(9).position(|bytes| bytes == b".debug_lo").unwrap();
    let mut state = 1_u32;
    let mut random = |below: usize| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as usize % below
    };
    let mut shown = 0;
    for _ in 0..1500 {
        let mut guest = GUEST.to_vec();
        for _ in 0..1 + random(4) {
            let at = start + random(guest.len() - start);
            guest[at] = random(256) as u8;
        }
        // A mutation may damage the header of a section. The module is then malformed.
        if let Some(backtrace) = divide(&engine, &guest) {
            assert!(backtrace.to_string().starts_with("wasm trap: integer divide by zero\n    0: "));
            shown += 1;
        }
    }
    assert!(shown > 1000, "{shown}");
}

/// Returns the backtrace of a module with these custom sections that traps immediately.
fn trapping(sections: &[(&str, Vec<u8>)]) -> WasmBacktrace {
    let binary = debug::trapping(sections);
    let engine = Engine::default();
    let mut store = Store::new(&engine, ());
    let instance = Instance::new(&mut store, &Module::new(&engine, binary).unwrap(), &[]).unwrap();
    let trap = instance.get_typed_func::<(), ()>(&mut store, "trap").unwrap();
    trap.call(&mut store, ()).unwrap_err().downcast().unwrap()
}

/// Abbreviations of the entries below: a unit and a function with a range of addresses, an inlined call without
/// attributes, and a function with a list of ranges.
#[rustfmt::skip]
const ABBREVIATIONS: &[u8] = &[
    1, 0x11, 1, 0x11, 1, 0x12, 6, 0, 0,
    2, 0x2e, 1, 0x11, 1, 0x12, 6, 0, 0,
    3, 0x1d, 1, 0, 0,
    4, 0x2e, 0, 0x55, 0x17, 0, 0,
    0,
];

/// Returns a unit with these entries, which covers all addresses.
fn unit(entries: &[u8]) -> Vec<u8> {
    let everything = [0, 0, 0, 0, 0, 0, 1, 0];
    let body = [&[4, 0, 0, 0, 0, 0, 4, 1], &everything[..], entries].concat();
    [&(body.len() as u32).to_le_bytes(), &body[..]].concat()
}

#[test]
fn deeply_nested_entries_do_not_overflow_the_hosts_stack() {
    let nested = |depth| {
        let entries = [&[2, 0, 0, 0, 0, 0, 0, 1, 0][..], &vec![3; depth], &vec![0; depth + 2]].concat();
        trapping(&[(".debug_abbrev", ABBREVIATIONS.to_vec()), (".debug_info", unit(&entries))])
    };
    assert_eq!(nested(10).frames()[0].symbols().len(), 1, "the entries are parsed");
    assert_eq!(nested(3_000_000).frames()[0].symbols(), []);
}

#[test]
fn out_of_range_indices_only_affect_their_unit() {
    let huge = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x73];
    // Units of version 5: with an address and ranges by index, and with ranges by offset.
    let abbreviations = [
        &[5, 0x11, 0, 0x11, 0x1b, 0, 0, 6, 0x11, 0, 0x55, 0x23, 0, 0][..],
        &[7, 0x11, 0, 0x55, 0x17, 0, 0],
        ABBREVIATIONS,
    ]
    .concat();
    let header = [5, 0, 1, 4, 0, 0, 0, 0];
    let by_index = |code: u8| [&header[..], &[code], &huge].concat();
    let by_place = |place: u8| [&header[..], &[7, place, 0, 0, 0]].concat();
    // Lists of version 5, each with one range: from an index to an index, from an index with a length, and from a base
    // index.
    let lists = [&[0; 12][..], &[2], &huge, &[0, 0], &[3], &huge, &[8, 0], &[1], &huge, &[4, 0, 8, 0]].concat();
    let good = unit(&[2, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0]);
    for bad in [by_index(5), by_index(6), by_place(12), by_place(24), by_place(36)] {
        let units = [&(bad.len() as u32).to_le_bytes(), &bad[..], &good].concat();
        let sections =
            [(".debug_abbrev", abbreviations.clone()), (".debug_info", units), (".debug_rnglists", lists.clone())];
        assert_eq!(trapping(&sections).frames()[0].symbols().len(), 1, "{bad:?}");
    }
}

#[test]
fn shared_range_lists_are_parsed_once() {
    let ranges: Vec<u8> = (0..200_000_u32).flat_map(|i| [2 * i, 2 * i + 1]).flat_map(u32::to_le_bytes).collect();
    let functions = [4, 8, 0, 0, 0].repeat(200_000);
    let start = Instant::now();
    let backtrace = trapping(&[
        (".debug_abbrev", ABBREVIATIONS.to_vec()),
        (".debug_info", unit(&functions)),
        (".debug_ranges", [&ranges[..], &[0; 8]].concat()),
    ]);
    assert_eq!(backtrace.frames()[0].symbols(), []);
    assert!(start.elapsed() < Duration::from_secs(30), "{:?}", start.elapsed());
}
