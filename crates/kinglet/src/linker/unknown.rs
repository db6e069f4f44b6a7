//! What is said about imports that a linker does not know: all of them at once, each with what may have been meant.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use crate::trap::display_name;
use crate::{ImportType, LinkError};

/// The names that are defined, by module.
pub(super) type Known = BTreeMap<String, BTreeSet<String>>;

/// How many are listed.
const LISTED: usize = 20;

/// The error of a module with these unknown imports. Only those that are listed are looked at closely: a hostile module
/// can have very many.
pub(super) fn error(imports: &[ImportType<'_>], known: &Known) -> LinkError {
    let mut seen = HashSet::new();
    let imports: Vec<_> = imports.iter().filter(|import| seen.insert((import.module, import.name))).collect();
    let owned = |import: &&ImportType<'_>| (import.module.to_string(), import.name.to_string(), import.ty.clone());
    let unknown = imports.iter().map(owned).collect();
    LinkError { message: message(&imports, known), unknown }
}

fn message(imports: &[&ImportType<'_>], known: &Known) -> String {
    let listed = &imports[..imports.len().min(LISTED)];
    let lines: Vec<String> = listed.iter().map(|import| line(import, known)).collect();
    let modules = known.keys().map(|module| display_name(module)).collect::<Vec<_>>().join(", ");
    // What there is helps only those whose module there is not.
    let lost = !known.is_empty() && listed.iter().any(|import| meant(import, known) == Meant::Unknown);
    if let [line] = &lines[..] {
        let modules = if lost { format!("; modules that are defined: {modules}") } else { String::new() };
        return format!("unknown import {line}{modules}");
    }
    let mut message = format!("{} unknown imports:\n  {}", imports.len(), lines.join("\n  "));
    if imports.len() > LISTED {
        message.push_str(&format!("\n  … and {} more", imports.len() - LISTED));
    }
    if lost {
        message.push_str(&format!("\nmodules that are defined: {modules}"));
    }
    message
}

fn line(import: &ImportType<'_>, known: &Known) -> String {
    let (module, name) = (display_name(import.module), display_name(import.name));
    let hint = match meant(import, known) {
        Meant::Name(name) => format!("; did you mean \"{}\"?", display_name(name)),
        Meant::Module(module) => format!("; did you mean the module \"{}\"?", display_name(module)),
        Meant::Absent => format!("; the module \"{module}\" is defined, but has no such name"),
        Meant::Unknown => String::new(),
    };
    format!("\"{module}\" \"{name}\": {}{hint}", import.ty)
}

/// What an unknown import may stand for.
#[derive(PartialEq)]
enum Meant<'k> {
    /// Another name of the same module.
    Name(&'k str),
    /// Another module.
    Module(&'k str),
    /// Nothing that the module has.
    Absent,
    /// Its module is not defined either.
    Unknown,
}

fn meant<'k>(import: &ImportType<'_>, known: &'k Known) -> Meant<'k> {
    let elsewhere = known.iter().find(|(_, names)| names.contains(import.name)).map(|(module, _)| module.as_str());
    match known.get(import.module) {
        Some(names) => match (nearest(import.name, names.iter()), elsewhere) {
            (Some(name), _) => Meant::Name(name),
            (None, Some(module)) => Meant::Module(module),
            (None, None) => Meant::Absent,
        },
        None => match elsewhere.or_else(|| nearest(import.module, known.keys())) {
            Some(module) => Meant::Module(module),
            None => Meant::Unknown,
        },
    }
}

/// The name that is closest to a wrong one, if any is close. Long ones are not
/// compared.
fn nearest<'k>(wrong: &str, known: impl Iterator<Item = &'k String>) -> Option<&'k str> {
    let length = wrong.chars().count();
    let most = (1 + length / 5).min(length / 2);
    let similar = known.filter(|name| length <= 64 && name.chars().count().abs_diff(length) <= most);
    let scored = similar.map(|name| (strsim::damerau_levenshtein(wrong, name), name.as_str()));
    scored.min().filter(|(distance, _)| *distance <= most).map(|(_, name)| name)
}
