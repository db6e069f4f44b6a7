//! The error about undefined imports: it lists them together, each with a suggestion.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use crate::trap::display_name;
use crate::{ImportType, LinkError};

/// The defined names, by module.
pub(super) type Definitions = BTreeMap<String, BTreeSet<String>>;

/// The maximum number of imports in the list.
const LISTED: usize = 20;

/// Returns the error of a module with these undefined imports. Suggestions are computed only for the listed ones, because
/// a hostile module can have very many.
pub(super) fn error(imports: &[ImportType<'_>], known: &Definitions) -> LinkError {
    let mut seen = HashSet::new();
    let imports: Vec<_> = imports.iter().filter(|import| seen.insert((import.module, import.name))).collect();
    let owned = |import: &&ImportType<'_>| (import.module.to_string(), import.name.to_string(), import.ty.clone());
    let unknown = imports.iter().map(owned).collect();
    LinkError { message: message(&imports, known), unknown }
}

fn message(imports: &[&ImportType<'_>], known: &Definitions) -> String {
    let listed = &imports[..imports.len().min(LISTED)];
    let lines: Vec<String> = listed.iter().map(|import| line(import, known)).collect();
    let modules = known.keys().map(|module| display_name(module)).collect::<Vec<_>>().join(", ");
    // The list of modules helps if an import's module is not defined.
    let lost = !known.is_empty() && listed.iter().any(|import| suggestion(import, known) == Suggestion::NoSuchModule);
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

fn line(import: &ImportType<'_>, known: &Definitions) -> String {
    let (module, name) = (display_name(import.module), display_name(import.name));
    let hint = match suggestion(import, known) {
        Suggestion::Name(name) => format!("; did you mean \"{}\"?", display_name(name)),
        Suggestion::Module(module) => format!("; did you mean the module \"{}\"?", display_name(module)),
        Suggestion::NoSuchName => format!("; the module \"{module}\" is defined, but has no such name"),
        Suggestion::NoSuchModule => String::new(),
    };
    format!("\"{module}\" \"{name}\": {}{hint}", import.ty)
}

/// A suggestion for an undefined import.
#[derive(PartialEq)]
enum Suggestion<'k> {
    /// Another name of the same module.
    Name(&'k str),
    /// The same name in another module, or a similar module.
    Module(&'k str),
    /// None, although the module is defined.
    NoSuchName,
    /// None, and the module is not defined either.
    NoSuchModule,
}

fn suggestion<'k>(import: &ImportType<'_>, known: &'k Definitions) -> Suggestion<'k> {
    let elsewhere = known.iter().find(|(_, names)| names.contains(import.name)).map(|(module, _)| module.as_str());
    match known.get(import.module) {
        Some(names) => match (nearest(import.name, names.iter()), elsewhere) {
            (Some(name), _) => Suggestion::Name(name),
            (None, Some(module)) => Suggestion::Module(module),
            (None, None) => Suggestion::NoSuchName,
        },
        None => match elsewhere.or_else(|| nearest(import.module, known.keys())) {
            Some(module) => Suggestion::Module(module),
            None => Suggestion::NoSuchModule,
        },
    }
}

/// Returns the defined name that is closest to a wrong one, if any is close. Long names are not compared.
fn nearest<'k>(wrong: &str, known: impl Iterator<Item = &'k String>) -> Option<&'k str> {
    let length = wrong.chars().count();
    let most = (1 + length / 5).min(length / 2);
    let similar = known.filter(|name| length <= 64 && name.chars().count().abs_diff(length) <= most);
    let scored = similar.map(|name| (strsim::damerau_levenshtein(wrong, name), name.as_str()));
    scored.min().filter(|(distance, _)| *distance <= most).map(|(_, name)| name)
}
