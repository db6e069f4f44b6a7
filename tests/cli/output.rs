//! Output files. An existing file keeps its type and its mode, and no source is overwritten.

use std::os::unix::fs::{FileTypeExt, PermissionsExt, symlink};
use std::path::Path;

use kinglet_tests::folder::Folder;
use kinglet_tests::program::{run, run_with};

use crate::FUNCTIONS;

/// Commands that write three forms of a module.
const WRITERS: &[&[&str]] = &[&["compile", "--format", "native"], &["wasm"], &["wat"]];

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn a_link_is_followed_and_a_file_keeps_its_mode() {
    let folder = Folder::new();
    let file = folder.file("f.wasm", wat::parse_str(FUNCTIONS).unwrap());
    let at = |name: &str| folder.path().join(name);
    symlink("real", at("link")).unwrap();
    symlink(at("link"), at("far")).unwrap();
    for writer in WRITERS.iter().copied() {
        let _ = std::fs::remove_file(at("real"));
        run(&[writer, &[&file, "-o", at("far").to_str().unwrap()][..]].concat()).prints("");
        assert!(at("link").is_symlink() && at("far").is_symlink() && !at("real").is_symlink(), "{writer:?}");
        std::fs::set_permissions(at("real"), PermissionsExt::from_mode(0o640)).unwrap();
        std::fs::write(at("real"), "").unwrap();
        run(&[writer, &[&file, "-o", at("link").to_str().unwrap()][..]].concat()).prints("");
        assert_eq!(mode(&at("real")), 0o640, "{writer:?}");
        assert!(std::fs::metadata(at("real")).unwrap().len() > 100, "{writer:?}");
    }
    let names = std::fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(names, 4, "nothing is left over");
}

#[test]
fn readers_of_the_old_file_can_run_the_new_program() {
    let folder = Folder::new();
    let file = folder.file("f.wat", FUNCTIONS);
    let old = folder.file("old", "");
    std::fs::set_permissions(&old, PermissionsExt::from_mode(0o640)).unwrap();
    run(&["compile", "--format", "exe", &file, &old]).prints("");
    assert_eq!(mode(Path::new(&old)), 0o750);
}

#[test]
fn pipes_and_open_files_are_written_to() {
    let folder = Folder::new();
    let file = folder.file("f.wasm", wat::parse_str(FUNCTIONS).unwrap());
    let pipe = folder.path().join("pipe");
    rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR).unwrap();
    for writer in WRITERS.iter().copied() {
        let from = pipe.clone();
        let reader = std::thread::spawn(move || std::fs::read(from).unwrap());
        run(&[writer, &[&file, "-o", pipe.to_str().unwrap()][..]].concat()).prints("");
        assert!(std::fs::symlink_metadata(&pipe).unwrap().file_type().is_fifo(), "{writer:?}");
        assert!(reader.join().unwrap().len() > 100, "{writer:?}");
    }
    #[cfg(target_os = "linux")]
    for writer in WRITERS.iter().copied() {
        let out = folder.path().join("out");
        let _ = symlink("/proc/self/fd/1", &out);
        let run = run(&[writer, &[&file, "-o", out.to_str().unwrap()][..]].concat());
        assert!(run.code() == 0 && run.out.len() > 100, "{run:?}");
        assert!(out.is_symlink(), "{writer:?}");
    }
}

#[test]
fn a_text_is_not_overwritten_with_what_is_made_of_it() {
    let folder = Folder::new();
    let file = folder.file("f.wat", FUNCTIONS);
    let link = folder.path().join("link");
    symlink(&file, &link).unwrap();
    for output in [&file, link.to_str().unwrap()] {
        for command in ["compile", "wasm", "wat", "explore"] {
            let refused = run(&[command, &file, "-o", output]);
            refused.fails(1, &[output, "is the input file, and is not overwritten", "hint: name another"]);
            assert_eq!(std::fs::read_to_string(&file).unwrap(), FUNCTIONS, "{command}");
        }
    }
    let binary = folder.file("f.wasm", wat::parse_str(FUNCTIONS).unwrap());
    run(&["compile", &binary, &binary]).prints("");
    run(&["explore", &binary, "-o", &binary]).fails(1, &["is not overwritten"]);
    run(&["--run-mode", "aot", "--invoke", "add", &binary, "1", "2"]).prints("3\n");
}

#[test]
fn a_place_that_cannot_be_written_to_is_found_before_the_work() {
    let folder = Folder::new();
    let invalid = folder.file("f.wat", "(module (func (result i32)))");
    let absent = folder.path().join("no/such.so");
    run(&["compile", &invalid, absent.to_str().unwrap()]).fails(1, &["cannot write", "no/such.so"]);
    let itself = folder.path().to_str().unwrap();
    run(&["compile", &invalid, itself]).fails(1, &["cannot write", "is a directory"]);
    run_with(&["compile", "-", ""], FUNCTIONS).fails(1, &["the file name is empty"]);
}
