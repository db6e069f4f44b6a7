//! The commands that inspect modules without running them: `inspect`, `parse`, `wat`, `wasm`.

use kinglet_tests::folder::Folder;
use kinglet_tests::program::{run, run_with};

const MODULE: &str = r#"(module $shop
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1 4)
  (global $count (export "count") (mut i32) (i32.const 3))
  (func $main (export "_start") (drop (i32.const 1)))
  (func $idle)
  (table 2 funcref) (elem (i32.const 0) $main $idle)
  (data (i32.const 16) "hello")
  (@producers (language "C" "11") (processed-by "clang" "19.1")))"#;

fn file(folder: &Folder) -> String {
    folder.file("shop.wat", MODULE)
}

#[test]
fn inspect_prints_a_summary() {
    let folder = Folder::new();
    let run = run(&["inspect", &file(&folder)]);
    assert_eq!(run.code(), 0, "{run:?}");
    let parts = [
        "WebAssembly module \"shop\", version 1",
        "custom \"producers\"",
        "imports (1):\n  func[0] wasi_snapshot_preview1.fd_write: func (param i32 i32 i32 i32) (result i32)\n",
        "exports (3):\n  memory[0] memory: memory 1 4\n  global[0] count: global (mut i32)\n  func[1] _start: func\n",
        ", 1 entry\n",
        ", 2 entries\n",
        "0: global (mut i32), starts with i32.const 3",
        "functions (2), the largest first:\n  func 1 main: 5 bytes",
        "language: C 11",
        "processed-by: clang 19.1",
    ];
    parts.iter().for_each(|part| assert!(run.out.contains(part), "no {part} in\n{}", run.out));
}

#[test]
fn json_has_the_same_contents() {
    let folder = Folder::new();
    let run = run(&["inspect", "--json", &file(&folder)]);
    assert_eq!(run.code(), 0, "{run:?}");
    let json: serde_json::Value = serde_json::from_str(&run.out).expect("the output is JSON");
    assert_eq!(json["name"], "shop");
    assert_eq!(json["imports"][0]["module"], "wasi_snapshot_preview1");
    assert_eq!(json["imports"][0]["type"], "func (param i32 i32 i32 i32) (result i32)");
    let start = serde_json::json!({"name": "_start", "kind": "func", "index": 1, "type": "func", "type_index": 1});
    assert_eq!(json["exports"][2], start);
    let memory = serde_json::json!({"name": "memory", "kind": "memory", "index": 0, "type": "memory 1 4",
        "min": 1, "max": 4, "is_64": false, "shared": false, "page_size": 65536});
    assert_eq!(json["exports"][0], memory);
    assert_eq!((&json["exports"][1]["content"], &json["exports"][1]["mutable"]), (&"i32".into(), &true.into()));
    assert_eq!((&json["definitions"][0]["element"], &json["definitions"][0]["max"]), (&"funcref".into(), &().into()));
    let ty = &json["types"][json["imports"][0]["type_index"].as_u64().unwrap() as usize];
    assert_eq!(ty["params"], serde_json::json!(["i32", "i32", "i32", "i32"]));
    assert_eq!(ty["results"], serde_json::json!(["i32"]));
    assert_eq!(json["functions"][0]["name"], "main");
    assert_eq!(json["functions"][0]["size"], 5);
    assert_eq!(json["data"][0], serde_json::json!({"into": 0, "offset": "i32.const 16", "size": 5}));
    assert_eq!(json["elements"][0]["size"], 2);
    assert_eq!(json["producers"][1], serde_json::json!({"field": "processed-by", "name": "clang", "version": "19.1"}));
    let sizes: Vec<u64> = json["sections"].as_array().unwrap().iter().map(|it| it["size"].as_u64().unwrap()).collect();
    assert!(sizes.len() >= 8 && sizes.iter().all(|size| *size > 0), "{sizes:?}");
}

#[test]
fn parse_lists_every_section_in_order() {
    let folder = Folder::new();
    let path = file(&folder);
    let run = run(&["parse", &path]);
    assert_eq!(run.code(), 0, "{run:?}");
    assert!(run.out.starts_with(&format!("{path}:  file format wasm 0x1\n\nSection Details:\n")), "{}", run.out);
    let titles: Vec<&str> = run.out.lines().filter_map(|line| line.split_once(": ")).map(|(title, _)| title).collect();
    let titles: Vec<&str> = titles.into_iter().filter(|title| !title.starts_with([' ', '/'])).collect();
    let expected =
        ["Type[2]", "Import[1]", "Function[2]", "Table[1]", "Memory[1]", "Global[1]", "Export[3]", "Element[1]"];
    assert_eq!(titles[..8], expected);
    for row in [
        " - func[0] func (param i32 i32 i32 i32) (result i32) <- wasi_snapshot_preview1.fd_write",
        " - func[1] type=1 <main>",
        " - memory[0] memory 1 4",
        " - global[0] global (mut i32) - init i32.const 3",
        " - func[1] func -> \"_start\"",
        " - segment[0] table=0 2 elements - init i32.const 0",
        " - segment[0] memory=0 5 bytes - init i32.const 16",
    ] {
        assert!(run.out.lines().any(|line| line == row), "no {row} in\n{}", run.out);
    }
}

#[test]
fn invalid_modules_can_be_inspected_and_malformed_ones_are_errors() {
    let folder = Folder::new();
    let invalid = folder.file("invalid.wat", "(module (func (export \"f\") (result i32) (f32.const 1)))");
    run(&["validate", &invalid]).fails(1, &["in f (func[0]) at 0x"]);
    for command in ["inspect", "parse", "wat"] {
        assert_eq!(run(&[command, &invalid]).code(), 0, "{command}");
    }
    let cut = folder.file("cut.wasm", b"\0asm\x01\0\0\0\x01\x05");
    let other = folder.file("other.wasm", b"\0asm\x0d\0\x01\0");
    for command in ["inspect", "parse", "wat", "wasm"] {
        run(&[command, &cut]).fails(1, &["cut.wasm", "(at byte 0xa)", "hint: the file is cut short"]);
    }
    let body = folder.file("body.wasm", b"\0asm\x01\0\0\0\x01\x04\x01\x60\0\0\x03\x02\x01\0\x0a\x05\x01\x03\0\xff\x0b");
    run(&["wasm", &body]).fails(1, &["body.wasm", "0xff"]);
    run(&["inspect", &other]).fails(1, &["component"]);
    run(&["inspect", "/no/such.wasm"]).fails(1, &["/no/such.wasm", "No such file"]);
}

#[test]
fn control_characters_in_names_are_escaped() {
    let folder = Folder::new();
    let file = folder.file("evil.wat", "(module (func (export \"\\1b[2J\")))");
    for command in ["inspect", "parse", "wat"] {
        let run = run(&[command, &file]);
        assert!(run.code() == 0 && !run.out.contains('\x1b'), "{run:?}");
    }
}

#[test]
fn wat_and_wasm_convert_between_text_and_binary() {
    let folder = Folder::new();
    let text = file(&folder);
    let binary = folder.path().join("shop.wasm");
    let binary = binary.to_str().unwrap();
    run(&["wasm", &text, "-o", binary]).prints("");
    assert!(std::fs::read(binary).unwrap().starts_with(b"\0asm\x01\0\0\0"));
    let back = run(&["wat", binary]);
    assert_eq!(back.code(), 0);
    assert!(back.out.starts_with("(module $shop\n") && back.out.contains("(func $main"), "{}", back.out);
    let again = folder.file("again.wat", &back.out);
    let copy = folder.path().join("copy.wasm");
    run(&["wasm", &again, "--output", copy.to_str().unwrap()]).prints("");
    assert_eq!(std::fs::read(binary).unwrap(), std::fs::read(copy).unwrap());
    assert!(run(&["wat", "--offsets", binary]).out.contains("(;@"));
    assert_eq!(run(&["wat", binary, "-o", "-"]).out, back.out);
    assert!(run(&["wasm", &text, "-o", "-"]).out.starts_with("\0asm\u{1}"));
    run(&["wat", binary, "-o", "/no/such/folder/x.wat"]).fails(1, &["cannot write /no/such/folder/x.wat"]);
}

#[test]
fn a_dash_reads_the_module_from_standard_input() {
    run_with(&["--invoke", "f", "-"], "(module (func (export \"f\") (result i32) (i32.const 9)))").prints("9\n");
    run_with(&["validate", "-"], "(module)").prints("standard input: valid\n");
    run_with(&["validate", "-"], "(modul)").fails(1, &["standard input: malformed module"]);
    run_with(&["wat", "-"], "(module)").prints("(module)\n");
    assert!(run_with(&["inspect", "-"], MODULE).out.starts_with("standard input: WebAssembly module"));
}
