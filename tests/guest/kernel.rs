//! Tests of the bench's kernels at their small sizes, compiled with and without vector instructions. In every mode each
//! kernel prints the same checksum as native code.

use std::path::PathBuf;

use kinglet::{Config, Engine, Feature, Module};
use kinglet_tests::harness::Case;

use crate::mode::{Guest, Mode};
use crate::{Test, paths};

const FORMS: [&str; 2] = ["scalar", "simd"];

/// Returns the name of each kernel, its small size, and the checksum for that size. They come from the table that the
/// bench uses too.
fn rows() -> impl Iterator<Item = [&'static str; 3]> {
    let table = include_str!("../../bench/kernels/expected.txt");
    let rows = table.lines().filter(|line| !line.starts_with('#'));
    rows.map(|row| match row.split_whitespace().collect::<Vec<_>>()[..] {
        [name, size, checksum, _] => [name, size, checksum],
        _ => panic!("expected four words in the row: {row}"),
    })
}

fn module(form: &str, name: &str) -> PathBuf {
    paths::program(&file(form, name))
}

fn file(form: &str, name: &str) -> String {
    format!("kernels/{form}/{name}.wasm")
}

/// Returns the paths of all modules, below the directory of programs.
pub(crate) fn files() -> impl Iterator<Item = String> {
    FORMS.iter().flat_map(|form| rows().map(move |row| file(form, row[0])))
}

/// Returns a test for each kernel in both forms.
pub(crate) fn tests() -> Vec<Test> {
    let test = |form: &str, [name, size, checksum]: [&'static str; 3]| Test {
        name: format!("kernels/{form}/{name}"),
        module: module(form, name),
        run: Box::new({
            let module = module(form, name);
            move |mode: &Mode| Guest::new(module.clone()).args(&[size]).run(mode).prints(&format!("{checksum}\n"))
        }),
    };
    FORMS.iter().flat_map(|form| rows().map(move |row| test(form, row))).collect()
}

/// Returns a test that only the kernels of the form `simd` contain vector instructions. It does not depend on a mode.
pub(crate) fn forms() -> Case {
    let lacks = files().find_map(|file| paths::lacks(&paths::program(&file)));
    Case { name: "kernels::forms".to_string(), lacks, run: Box::new(only_simd_kernels_contain_vectors) }
}

fn only_simd_kernels_contain_vectors() {
    let without = Engine::new(Config::new().feature(Feature::Simd, false)).expect("the proposal can be turned off");
    let valid = |form: &str| rows().filter(|row| Module::from_file(&without, module(form, row[0])).is_ok()).count();
    let all = rows().count();
    assert_eq!(valid("scalar"), all, "no scalar kernel contains vectors");
    // The compiler does not vectorise all kernels.
    assert!(valid("simd") * 2 < all, "most kernels compiled with vectors contain them");
}
