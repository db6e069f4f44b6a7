//! The unsafe allow-list: the files and directories that may contain `unsafe`, each with the reason. A crate without an
//! entry forbids unsafe code in its root file, so that the compiler checks it too.

use super::source::{code, has_word};
use crate::tree::File;

/// Files (`….rs`) and directories (`…/`) that may contain unsafe code.
const ALLOW_LIST: &[(&str, &str)] = &[
    ("crates/interp/src/access.rs", "turns offsets of the contract into pointers"),
    ("crates/interp/src/frame.rs", "slots of a frame"),
    ("crates/interp/src/code.rs", "bodies with pointers into the module's environment that contains them"),
    ("crates/interp/src/exec.rs", "the dispatch of handlers"),
    ("crates/interp/src/exec/", "the handlers"),
    (
        "crates/cli/src/precompiled.rs",
        "runs the native code in a file that the user trusts; finds the native code in the running executable",
    ),
    ("crates/cli/src/allocator.rs", "configures the system's allocator for a limited address space"),
    ("crates/cli/src/signal/inherited.rs", "reads the inherited signal dispositions before `main`"),
    ("crates/cli/src/descriptor.rs", "marks inherited descriptors as close-on-exec"),
    ("crates/cli/src/priority.rs", "sets the lowest scheduling and I/O priority"),
    ("crates/kinglet/src/vm.rs", "the runtime's records"),
    ("crates/kinglet/src/vm/", "the runtime's records"),
];

/// Pointers that implement `Send` and `Sync` by unsafe code. Types that contain them derive both.
const SHARED_POINTERS: &[(&str, &str)] = &[
    ("crates/interp/src/code.rs", "EnvironmentPtr"),
    ("crates/kinglet/src/vm/address.rs", "Address"),
    ("crates/kinglet/src/vm/func.rs", "FuncPointer"),
    ("crates/kinglet/src/vm/store.rs", "StoreOwner"),
];

pub(super) fn check(files: &[File]) -> Vec<String> {
    let mut findings = Vec::new();
    for file in files.iter().filter(|file| file.path.ends_with(".rs") && file.path.starts_with("crates/")) {
        if ALLOW_LIST.iter().any(|(entry, _)| within(&file.path, entry)) {
            continue;
        }
        for (index, line) in code(&file.text).lines().enumerate() {
            if has_word(line, "unsafe") && !only_types(line) {
                findings.push(format!("{}:{}: unsafe code outside the allow-list", file.path, index + 1));
            }
        }
        let root = file.path.ends_with("src/lib.rs") || file.path.ends_with("src/main.rs");
        let directory = file.path.trim_end_matches("lib.rs").trim_end_matches("main.rs");
        let has_entry = ALLOW_LIST.iter().any(|(entry, _)| entry.starts_with(directory));
        if root && !has_entry && !file.text.contains("#![forbid(unsafe_code)]") {
            findings.push(format!("{}: the crate does not forbid unsafe code", file.path));
        }
    }
    findings
}

/// Finds `unsafe impl`s of `Send` or `Sync` for other types than [`SHARED_POINTERS`].
pub(super) fn promises(files: &[File]) -> Vec<String> {
    let mut findings = Vec::new();
    for file in files.iter().filter(|file| file.path.ends_with(".rs") && file.path.starts_with("crates/")) {
        let code = code(&file.text);
        for (at, _) in code.match_indices("unsafe impl") {
            let head: Vec<_> = code[at..].split('{').next().unwrap_or_default().split_whitespace().collect();
            let head = head.join(" ");
            let Some((implementation, name)) = head.split_once(" for ") else { continue };
            if !matches!(implementation.rsplit([' ', ':']).next(), Some("Send" | "Sync")) {
                continue;
            }
            let name = name.split(['<', ' ']).next().unwrap_or_default();
            if !SHARED_POINTERS.contains(&(file.path.as_str(), name)) {
                let line = code[..at].matches('\n').count() + 1;
                findings.push(format!("{}:{line}: Send or Sync by unsafe code, not derived", file.path));
            }
        }
    }
    findings
}

/// Beginnings of comments that refer to another place for the invariant. The text there can change without the comment.
const ELSEWHERE: &[&str] = &["as above", "as for ", "passed on", "by contract.", "by contract;", "see above"];

/// Finds comments that name no invariant.
pub(super) fn comments(files: &[File]) -> Vec<String> {
    let sources = files.iter().filter(|file| file.path.ends_with(".rs"));
    let lines = sources.flat_map(|file| file.text.lines().enumerate().map(move |(index, line)| (file, index, line)));
    let elsewhere = lines.filter(|(_, _, line)| {
        let reason = line.trim_start().strip_prefix("// SAFETY: ").unwrap_or_default();
        ELSEWHERE.iter().any(|start| reason.starts_with(start))
    });
    elsewhere.map(|(file, index, _)| format!("{}:{}: names no invariant", file.path, index + 1)).collect()
}

/// Returns whether the line only names types of unsafe functions (`unsafe extern "C" fn(…)`), which needs no unsafe
/// code.
fn only_types(line: &str) -> bool {
    let is_type = |rest: &str| {
        let rest = rest.trim_start();
        rest.strip_prefix("extern").unwrap_or(rest).trim_start().starts_with("fn(")
    };
    line.split("unsafe").skip(1).all(is_type)
}

fn within(path: &str, entry: &str) -> bool {
    path == entry || (entry.ends_with('/') && path.starts_with(entry))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unsafe_code_is_found_outside_the_allow_list_only() {
        let text = "fn f() {\n    unsafe { g() }\n}\n";
        let inside = File::new("crates/kinglet/src/vm/memory.rs", text);
        let outside = File::new("crates/kinglet/src/memory.rs", text);
        assert_eq!(check(&[inside, outside]), ["crates/kinglet/src/memory.rs:2: unsafe code outside the allow-list"]);
    }

    #[test]
    fn a_type_of_unsafe_functions_is_allowed_everywhere() {
        let check = |text| check(&[File::new("crates/abi/src/layout.rs", text)]).len();
        assert_eq!(check("type F = unsafe extern \"C\" fn(*mut u8) -> u8;\ntype G = Option<unsafe fn()>;\n"), 0);
        assert_eq!(check("unsafe extern \"C\" fn f() {}\nunsafe fn g() {}\nunsafe impl Send for F {}\n"), 3);
    }

    #[test]
    fn a_crate_without_an_entry_must_forbid_unsafe_code() {
        let root = |text| vec![File::new("crates/wasm/src/lib.rs", text)];
        assert_eq!(check(&root("//! x\n")).len(), 1);
        assert!(check(&root("#![forbid(unsafe_code)]")).is_empty());
        assert!(check(&[File::new("crates/interp/src/lib.rs", "")]).is_empty());
    }

    #[test]
    fn send_for_another_type_than_a_pointer_is_found() {
        let text =
            "unsafe impl<T> Send for Address<T> {}\nunsafe impl Sync for Region {}\nunsafe impl Stack for A {}\n";
        let address = "crates/kinglet/src/vm/address.rs";
        let findings = promises(&[File::new(address, text)]);
        assert_eq!(findings, [format!("{address}:2: Send or Sync by unsafe code, not derived")]);
        assert_eq!(promises(&[File::new("crates/kinglet/src/vm/region.rs", text)]).len(), 2);
    }

    #[test]
    fn similar_type_names_and_line_breaks_do_not_hide_an_implementation() {
        let count = |text| promises(&[File::new("crates/kinglet/src/vm/address.rs", text)]).len();
        assert_eq!(count("unsafe impl Send for AddressTable {}\nunsafe impl<T> Sync for AddressTable<T> {}\n"), 2);
        assert_eq!(count("unsafe impl<T>\n    Send for Region<T>\nwhere\n    T: Send,\n{\n}\n"), 1);
        assert_eq!(count("unsafe impl core::marker::Send for Region {}\n"), 1);
        assert_eq!(count("unsafe impl<T>\n    Send for Address<T>\nwhere\n    T: Send,\n{\n}\n"), 0);
        assert_eq!(count("unsafe impl Sync for Address where u8: Sync {}\nunsafe impl Send for Address{}\n"), 0);
    }

    #[test]
    fn a_comment_that_refers_to_another_is_found() {
        let right = "// SAFETY: the caller owns it.\n// SAFETY: the bytes are passed on unchanged.\n";
        assert!(comments(&[File::new("crates/a/src/b.rs", right)]).is_empty());
        for wrong in ["as above.", "as for `get`.", "passed on.", "passed on; it is ours.", "by contract.", "see above"]
        {
            let text = format!("{right}    // SAFETY: {wrong}\n");
            let found = comments(&[File::new("crates/a/src/b.rs", &text), File::new("fuzz/c.rs", &text)]);
            assert_eq!(
                found,
                ["crates/a/src/b.rs:3: names no invariant", "fuzz/c.rs:3: names no invariant"],
                "{wrong}"
            );
        }
    }
}
