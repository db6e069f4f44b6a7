//! Typical mistakes and their messages, as a terminal shows them: `docs/mistakes.md`. `BLESS=1` rewrites the page.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use kinglet_testing::snapshot;
use kinglet_tests::folder::Folder;
use kinglet_tests::program::{in_mode, kinglet};

const DIVIDE: &str = r#"(module $calculator
  (func $divide (param $dividend i32) (param $divisor i32) (result i32)
    (i32.div_s (local.get $dividend) (local.get $divisor)))
  (func (export "share") (param $apples i32) (param $people i32) (result i32)
    (call $divide (local.get $apples) (local.get $people))))
"#;

const TYPO: &str = r#"(module
  (func (export "answer") (result i32)
    i32.cosnt 42))
"#;

const PLUGIN: &str = r#"(module
  (import "env" "log" (func $log (param i32)))
  (func (export "answer") (result i32)
    (i32.const 42)))
"#;

/// A mistake: its title, the command line, and the corrected command line.
struct Mistake {
    title: &'static str,
    wrong: &'static str,
    right: Option<&'static str>,
}

const MISTAKES: &[Mistake] = &[
    Mistake { title: "A misspelt option", wrong: "kinglet --envv LANG=C calculator.wat", right: None },
    Mistake {
        title: "An argument of the wrong type",
        wrong: "kinglet --invoke share calculator.wat 12 three",
        right: Some("kinglet --invoke share calculator.wat 12 3"),
    },
    Mistake {
        title: "An option after the file",
        wrong: "kinglet calculator.wat --invoke share 12 3",
        right: Some("kinglet --invoke share calculator.wat 12 3"),
    },
    Mistake { title: "A program that traps", wrong: "kinglet --invoke share calculator.wat 12 0", right: None },
    Mistake {
        title: "A missing import",
        wrong: "kinglet --invoke answer plugin.wat",
        right: Some("kinglet --unknown-imports trap --invoke answer plugin.wat"),
    },
    Mistake { title: "A misspelt instruction", wrong: "kinglet typo.wat", right: None },
];

/// Returns a terminal session: the command line, both streams, and the status if it is not 0.
fn recording(folder: &Folder, line: &str) -> String {
    let args: Vec<&str> = line.split(' ').skip(1).collect();
    let output = Command::new(kinglet()).args(in_mode(&args)).current_dir(folder.path()).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let mut shown = format!("$ {line}\n{}{}", text(output.stdout), text(output.stderr));
    let code = output.status.code().expect("no signal");
    if code != 0 {
        let _ = write!(shown, "$ echo $?\n{code}\n");
    }
    shown
}

#[test]
fn typical_mistakes_are_explained() {
    let folder = Folder::new();
    for (name, text) in [("calculator.wat", DIVIDE), ("typo.wat", TYPO), ("plugin.wat", PLUGIN)] {
        folder.file(name, text);
    }
    let mut page = String::from(
        "# Typical mistakes\n\nKinglet's messages name the mistake, its place, and a way out. `tests/cli/mistakes.rs` records this \
         page.\n",
    );
    for Mistake { title, wrong, right } in MISTAKES {
        let _ = write!(page, "\n## {title}\n\n```text\n{}", recording(&folder, wrong));
        if let Some(right) = right {
            page.push_str(&recording(&folder, right));
        }
        page.push_str("```\n");
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests are below the workspace's root");
    snapshot::check_file(&root.join("docs/mistakes.md"), &page).unwrap_or_else(|difference| panic!("{difference}"));
}
