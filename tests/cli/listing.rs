//! Listings of native code: `kinglet explore`, `kinglet compile --dump`, and the files of `--profile` for `perf`.

use std::collections::BTreeSet;
use std::process::{Command, Output};

use kinglet_tests::folder::Folder;
use kinglet_tests::program::{kinglet, run};

const PROGRAM: &str = r#"(module
  (func $less (param i32) (result i32) (i32.sub (local.get 0) (i32.const 1)))
  (func (export "run") (param i32) (result i32)
    (if (local.get 0) (then (return (call $less (local.get 0))))) (i32.const 7)))"#;

#[test]
fn explore_shows_each_instruction_with_its_machine_code() {
    let folder = Folder::new();
    let file = folder.file("f.wat", PROGRAM);
    let shown = run(&["explore", "--target", "x86_64-unknown-linux-gnu", "--function", "less", &file]);
    let expected = r#"func[0] "less" at 0x22: 7 bytes of WebAssembly, 15 bytes of machine code
           (entry)                                  |     0  push rbp
                                                    |     1  mov rbp, rsp
                                                    |     4  mov rax, rdx
     0x23  local.get 0                              |
     0x25  i32.const 1                              |
     0x27  i32.sub                                  |     7  sub eax, 0x1
     0x28  end                                      |     a  mov rsp, rbp
                                                    |     d  pop rbp
                                                    |     e  ret

"#;
    shown.prints(expected);
    // By index, to a file, and a function that is only named by its export.
    let output = folder.path().join("out.txt");
    run(&["explore", "--function", "1", &file, "-o", output.to_str().unwrap()]).prints("");
    let text = std::fs::read_to_string(output).unwrap();
    assert!(text.starts_with("func[1] \"run\" at 0x2a: 14 bytes of WebAssembly, "), "{text}");
    assert!(text.contains("call $less"), "{text}");
    #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
    assert!(text.contains(" func[0] <less>\n"), "{text}");
    let all = run(&["explore", &file]);
    assert_eq!((all.code(), all.out.lines().filter(|line| line.starts_with("func[")).count()), (0, 2));
    run(&["explore", "--function", "mess", &file]).fails(1, &["defines no function `mess`", "did you mean `less`?"]);
    run(&["explore", &folder.file("g.wat", "(module (func (result i32)))")]).fails(1, &["g.wat", "type mismatch"]);
}

#[test]
fn a_dump_has_the_ir_before_and_after_optimisation_and_machine_code() {
    let folder = Folder::new();
    let file = folder.file("f.wat", PROGRAM);
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_string();
    let target = ["--target", "x86_64-unknown-linux-gnu"];
    let (dump, output) = (path("new/dump"), path("f.so"));
    let args = [&["compile", "--dump", &dump, &file, &output], &target[..]].concat();
    run(&args).prints("");
    let read = |name: &str| std::fs::read_to_string(folder.path().join("new/dump").join(name)).unwrap();
    for (name, has) in [("wasm.clif", "isub v2"), ("wasm-opt.clif", "isub v2"), ("wasm.s", "call    func[0] <less>")] {
        let text = read(name);
        let titles: Vec<&str> = text.lines().filter(|line| line.starts_with("; func[")).collect();
        assert_eq!(titles, ["; func[0] \"less\" at 0x22", "; func[1] \"run\" at 0x2a"], "{name}");
        assert!(text.contains(has), "{name}: {text}");
    }
    let at_file = [&["compile", "--dump", &file, &file, &output], &target[..]].concat();
    run(&at_file).fails(1, &["cannot dump to", "f.wat"]);
}

#[cfg(unix)]
#[test]
fn under_the_name_wasmedge_dump_takes_no_directory() {
    let folder = Folder::new();
    let file = folder.file("f.wat", PROGRAM);
    let link = folder.path().join("wasmedgec");
    std::os::unix::fs::symlink(kinglet().canonicalize().unwrap(), &link).unwrap();
    let compile = Command::new(&link).args(["--dump", &file, "f.so"]).current_dir(folder.path()).output().unwrap();
    assert!(compile.status.success(), "{compile:?}");
    for name in ["f.so", "wasm.clif", "wasm-opt.clif", "wasm.s"] {
        assert!(folder.path().join(name).exists(), "{name}");
    }
}

/// Runs a program in a directory with `--profile`. Returns the process id and the output.
#[cfg(target_os = "linux")]
fn profiled(folder: &Folder, file: &str, args: &[&str]) -> (u32, Output) {
    let mut command = Command::new(kinglet().canonicalize().unwrap());
    command.args(args).args(["--invoke", "run", file, "3"]).current_dir(folder.path());
    let child = command.stdout(std::process::Stdio::piped()).spawn().unwrap();
    (child.id(), child.wait_with_output().unwrap())
}

#[cfg(target_os = "linux")]
#[test]
fn a_perf_map_names_functions_and_trampolines() {
    let folder = Folder::new();
    let file = folder.file("f.wat", PROGRAM);
    names_are_in_the_map(&folder, &file, &["--run-mode", "jit", "--profile", "perfmap"]);
    run(&["compile", &file, folder.path().join("f.so").to_str().unwrap()]).prints("");
    names_are_in_the_map(&folder, "f.so", &["--profile", "perfmap", "--allow-precompiled"]);
    run(&["--profile", "vtune", "x.wasm"]).fails(1, &["`vtune` is neither perfmap nor jitdump"]);
}

#[cfg(target_os = "linux")]
fn names_are_in_the_map(folder: &Folder, file: &str, args: &[&str]) {
    let (process, output) = profiled(folder, file, args);
    assert_eq!(output.stdout, b"2\n");
    let path = format!("/tmp/perf-{process}.map");
    let map = std::fs::read_to_string(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    let mut last = 0..0;
    let mut names = Vec::new();
    for line in map.lines() {
        let mut parts = line.splitn(3, ' ');
        let mut number = || u64::from_str_radix(parts.next().unwrap(), 16).unwrap();
        let (start, size) = (number(), number());
        assert!(size > 0 && !last.contains(&start), "{map}");
        last = start..start + size;
        names.push(parts.next().unwrap());
    }
    assert!(names.windows(2).any(|pair| pair == ["less", "run"]), "{map}");
    assert!(names.contains(&"[kinglet] array to native"), "{map}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_jitdump_has_the_code_of_each_function() {
    let folder = Folder::new();
    let file = folder.file("f.wat", PROGRAM);
    let (process, output) = profiled(&folder, &file, &["--run-mode", "jit", "--profile=jitdump"]);
    assert_eq!(output.stdout, b"2\n");
    let bytes = std::fs::read(folder.path().join(format!("jit-{process}.dump"))).unwrap();
    let u32_at = |at: usize| u32::from_ne_bytes(bytes[at..at + 4].try_into().unwrap());
    let u64_at = |at: usize| u64::from_ne_bytes(bytes[at..at + 8].try_into().unwrap());
    // Magic number, version, size of the header, the machine type of this program's ELF header, the process id, the
    // time.
    assert_eq!([u32_at(0), u32_at(4), u32_at(8)], [0x4a69_5444, 1, 40]);
    let program = std::fs::read(kinglet()).unwrap();
    assert_eq!(u32_at(12), u32::from(u16::from_ne_bytes([program[18], program[19]])));
    assert_eq!(u32_at(20), process);
    let mut functions = Vec::new();
    for (kind, at, size) in records(&bytes) {
        // Modules without debugging information have no line records.
        assert!(kind == 0 && u32_at(at + 16) == process, "record at {at}");
        let (address, code_size, index) = (u64_at(at + 32), u64_at(at + 40) as usize, u64_at(at + 48));
        assert_eq!((u64_at(at + 24), index), (address, functions.len() as u64));
        let name: Vec<u8> = bytes[at + 56..].iter().take_while(|byte| **byte != 0).copied().collect();
        assert_eq!(size, 56 + name.len() + 1 + code_size);
        let code = &bytes[at + size - code_size..at + size];
        assert!(code.iter().any(|byte| *byte != 0));
        functions.push(String::from_utf8(name).unwrap());
    }
    assert!(functions.windows(2).any(|pair| pair == ["less", "run"]), "{functions:?}");
}

/// Returns the records of a dump: kind, offset and size. They fill the file, in order of time.
#[cfg(target_os = "linux")]
fn records(bytes: &[u8]) -> Vec<(u32, usize, usize)> {
    let u32_at = |at: usize| u32::from_ne_bytes(bytes[at..at + 4].try_into().unwrap());
    let time_at = |at: usize| u64::from_ne_bytes(bytes[at..at + 8].try_into().unwrap());
    let (mut at, mut time) = (40, time_at(24));
    let mut records = Vec::new();
    while at < bytes.len() {
        assert!(time_at(at + 8) >= time, "record at {at}");
        time = time_at(at + 8);
        records.push((u32_at(at), at, u32_at(at + 4) as usize));
        at += u32_at(at + 4) as usize;
    }
    assert_eq!(at, bytes.len());
    records
}

#[cfg(target_os = "linux")]
#[test]
fn a_jitdump_has_source_lines_of_functions_with_debugging_information() {
    let folder = Folder::new();
    folder.file("guest.wasm", include_bytes!("../../examples/backtrace/guest.wasm"));
    run(&["compile", folder.path().join("guest.wasm").to_str().unwrap(), folder.path().join("g.so").to_str().unwrap()])
        .prints("");
    // Their order depends on the compiler. Line 8 is in the function that is inlined into `split`.
    let expected = [("bill", [19].into()), ("split", BTreeSet::from([8, 13, 14, 15]))];
    for (file, mode) in [("guest.wasm", "--run-mode=jit"), ("g.so", "--allow-precompiled")] {
        let mut command = Command::new(kinglet().canonicalize().unwrap());
        command.args([mode, "--profile=jitdump", "--unknown-imports=zero", "--invoke", "bill", file, "1", "1"]);
        let child = command.current_dir(folder.path()).stdout(std::process::Stdio::piped()).spawn().unwrap();
        let process = child.id();
        assert_eq!(child.wait_with_output().unwrap().stdout, b"1\n");
        let bytes = std::fs::read(folder.path().join(format!("jit-{process}.dump"))).unwrap();
        let u64_at = |at: usize| u64::from_ne_bytes(bytes[at..at + 8].try_into().unwrap());
        let text_at = |at: usize| bytes[at..].split(|byte| *byte == 0).next().unwrap();
        let mut found = Vec::new();
        for pair in records(&bytes).windows(2).filter(|pair| pair[0].0 == 2) {
            let ((_, lines, size), (kind, code, _)) = (pair[0], pair[1]);
            // Of the following code record.
            assert_eq!((kind, u64_at(lines + 16)), (0, u64_at(code + 32)));
            let code = u64_at(code + 32)..u64_at(code + 32) + u64_at(code + 40);
            let (mut at, mut addresses, mut numbers) = (lines + 32, vec![code.start], BTreeSet::new());
            for _ in 0..u64_at(lines + 24) {
                addresses.push(u64_at(at));
                numbers.insert(u32::from_ne_bytes(bytes[at + 8..at + 12].try_into().unwrap()));
                assert_eq!(text_at(at + 16), b"./guest.c");
                at += 16 + text_at(at + 16).len() + 1;
            }
            assert_eq!(at, lines + size);
            assert!(addresses.is_sorted() && code.contains(addresses.last().unwrap()));
            found.push((text_at(pair[1].1 + 56), numbers));
        }
        for (name, numbers) in &expected {
            let of = found.iter().find(|(function, _)| *function == name.as_bytes());
            let (_, of) = of.unwrap_or_else(|| panic!("{name}: {found:?}"));
            assert_eq!(of, numbers, "{name} in {file}");
        }
    }
}
