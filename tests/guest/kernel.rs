//! The kernels of the bench at their small sizes, compiled with and without vector instructions: in every mode each prints
//! the checksum that native code prints.

use std::path::PathBuf;

use kinglet::{Config, Engine, Feature, Module};
use kinglet_tests::harness::Case;

use crate::mode::{Guest, Mode};
use crate::{Test, place};

const FORMS: [&str; 2] = ["scalar", "simd"];

/// Name, small size and the checksum for it, from the table that the bench uses too.
fn rows() -> impl Iterator<Item = [&'static str; 3]> {
    let table = include_str!("../../bench/kernels/expected.txt");
    let rows = table.lines().filter(|line| !line.starts_with('#'));
    rows.map(|row| match row.split_whitespace().collect::<Vec<_>>()[..] {
        [name, size, checksum, _] => [name, size, checksum],
        _ => panic!("four words in each row, not: {row}"),
    })
}

fn module(form: &str, name: &str) -> PathBuf {
    place::program(&file(form, name))
}

fn file(form: &str, name: &str) -> String {
    format!("kernels/{form}/{name}.wasm")
}

/// All modules, below the folder of programs.
pub(crate) fn files() -> impl Iterator<Item = String> {
    FORMS.iter().flat_map(|form| rows().map(move |row| file(form, row[0])))
}

/// Each kernel in both forms.
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

/// That the forms are what they are called, which no mode has to do with.
pub(crate) fn forms() -> Case {
    let lacks = files().find_map(|file| place::lacks(&place::program(&file)));
    Case { name: "kernels::forms".to_string(), lacks, run: Box::new(scalar_has_no_vectors_and_simd_has) }
}

fn scalar_has_no_vectors_and_simd_has() {
    let without = Engine::new(Config::new().feature(Feature::Simd, false)).expect("vectors can be switched off");
    let valid = |form: &str| rows().filter(|row| Module::from_file(&without, module(form, row[0])).is_ok()).count();
    let all = rows().count();
    assert_eq!(valid("scalar"), all, "scalar kernels have no vectors");
    // The compiler finds no use for them in some.
    assert!(valid("simd") * 2 < all, "most kernels compiled for vectors have them");
}
