//! Finds the disabled proposals that a module needs, for the error message when an engine rejects it. The search
//! validates the sections without function bodies with several sets of proposals. Then it validates each body once, and
//! again only if it fails. It takes about as long as validation, and the module is valid with the proposals found.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use wasmparser as wp;

use crate::feature::{FEATURES, Features};

/// A disabled proposal that a module needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MissingFeature {
    /// Its name, in the spelling of its switch if it has one.
    pub name: &'static str,
    /// Whether this version implements it, so that the module can run once it is enabled.
    pub finished: bool,
    flags: wp::WasmFeatures,
}

/// Proposals in use that have no row in the feature table.
const UNLISTED: &[(&str, wp::WasmFeatures)] = &[
    ("legacy-exceptions", wp::WasmFeatures::LEGACY_EXCEPTIONS),
    ("stack-switching", wp::WasmFeatures::STACK_SWITCHING),
    ("shared-everything-threads", wp::WasmFeatures::SHARED_EVERYTHING_THREADS),
    ("memory-control", wp::WasmFeatures::MEMORY_CONTROL),
];

/// Returns the proposals that a binary module needs to be valid, beyond `features`. Returns none if the module is invalid
/// even with all proposals.
pub fn missing_features(bytes: &[u8], features: Features) -> Vec<MissingFeature> {
    let rows = FEATURES.iter().filter(|row| !features.has(row.feature));
    let rows = rows.map(|row| MissingFeature { name: row.name, finished: row.finished, flags: row.flag });
    let unlisted = UNLISTED.iter().map(|(name, flags)| MissingFeature { name, finished: false, flags: *flags });
    let disabled: Vec<MissingFeature> = rows.chain(unlisted).collect();
    let all = Requirements { enabled: features.to_wasmparser(), missing: disabled.clone() };

    let mut requirements = Requirements { enabled: features.to_wasmparser(), missing: Vec::new() };
    let requirements = match requirements.extend_until_valid(&disabled, |flags| sections(bytes, flags).is_ok()) {
        true => bodies(bytes, all.flags(), &disabled, requirements),
        false => None,
    };
    // In table order, whatever the order in which threads found them.
    let missing = requirements.map_or_else(Vec::new, |requirements| requirements.missing);
    disabled.into_iter().filter(|feature| missing.contains(feature)).collect()
}

/// The proposals that the parts validated so far need.
struct Requirements {
    /// The enabled proposals.
    enabled: wp::WasmFeatures,
    missing: Vec<MissingFeature>,
}

impl Requirements {
    fn flags(&self) -> wp::WasmFeatures {
        self.missing.iter().fold(self.enabled, |flags, feature| flags | feature.flags)
    }

    /// Adds the proposals that a part needs to be valid. Returns false if the part is invalid even with all proposals.
    fn extend_until_valid(&mut self, disabled: &[MissingFeature], is_valid: impl Fn(wp::WasmFeatures) -> bool) -> bool {
        let before = self.flags();
        if is_valid(before) {
            return true;
        }
        let mut added: Vec<MissingFeature> =
            disabled.iter().filter(|feature| !self.missing.contains(feature)).copied().collect();
        let valid_with =
            |added: &[MissingFeature]| is_valid(added.iter().fold(before, |flags, feature| flags | feature.flags));
        if !valid_with(&added) {
            return false;
        }
        // Drop each proposal without which the part is still valid.
        for candidate in added.clone() {
            let without: Vec<MissingFeature> = added.iter().filter(|feature| **feature != candidate).copied().collect();
            if valid_with(&without) {
                added = without;
            }
        }
        self.missing.extend(added);
        true
    }
}

/// Validates everything except function bodies.
fn sections(bytes: &[u8], flags: wp::WasmFeatures) -> wp::Result<()> {
    let mut validator = wp::Validator::new_with_features(flags);
    let mut parser = wp::Parser::new(0);
    parser.set_features(flags);
    let mut rest = bytes;
    loop {
        let wp::Chunk::Parsed { consumed, payload } = parser.parse(rest, true)? else { return Ok(()) };
        rest = &rest[consumed..];
        match payload {
            wp::Payload::End(_) => return Ok(()),
            wp::Payload::CodeSectionStart { size, .. } => {
                validator.payload(&payload)?;
                parser.skip_section();
                rest = rest.get(size as usize..).unwrap_or_default();
            }
            payload => {
                validator.payload(&payload)?;
            }
        }
    }
}

type Body<'a> = (wp::FuncToValidate<wp::ValidatorResources>, wp::FunctionBody<'a>);

/// Returns the function bodies of a module with valid sections.
fn collect(bytes: &[u8], all: wp::WasmFeatures) -> wp::Result<Vec<Body<'_>>> {
    let mut validator = wp::Validator::new_with_features(all);
    let mut parser = wp::Parser::new(0);
    parser.set_features(all);
    let mut bodies = Vec::new();
    for payload in parser.parse_all(bytes) {
        if let wp::ValidPayload::Func(func, body) = validator.payload(&payload?)? {
            bodies.push((func, body));
        }
    }
    Ok(bodies)
}

/// Returns whether a body is valid with these proposals.
fn is_valid((func, body): &Body<'_>, features: wp::WasmFeatures) -> bool {
    let func = wp::FuncToValidate { resources: func.resources.clone(), index: func.index, ty: func.ty, features };
    func.into_validator(wp::FuncValidatorAllocations::default()).validate(body).is_ok()
}

/// Adds the proposals that function bodies need. Returns `None` if a body is invalid even with all proposals.
fn bodies(
    bytes: &[u8],
    all: wp::WasmFeatures,
    disabled: &[MissingFeature],
    requirements: Requirements,
) -> Option<Requirements> {
    let bodies = collect(bytes, all).ok()?;
    let next = AtomicUsize::new(0);
    let requirements = Mutex::new(Some(requirements));
    let work = || {
        let mut flags = match &*lock(&requirements) {
            Some(requirements) => requirements.flags(),
            None => return,
        };
        while let Some(body) = bodies.get(next.fetch_add(1, Ordering::Relaxed)) {
            if is_valid(body, flags) {
                continue;
            }
            let mut shared = lock(&requirements);
            let Some(requirements) = &mut *shared else { return };
            if !requirements.extend_until_valid(disabled, |flags| is_valid(body, flags)) {
                *shared = None;
                return;
            }
            flags = requirements.flags();
        }
    };
    std::thread::scope(|scope| {
        let threads = std::thread::available_parallelism().map_or(1, |threads| threads.get()).min(16);
        for _ in 1..threads.min(bodies.len()) {
            // If a thread cannot be spawned, the others do its work.
            let _ = std::thread::Builder::new().spawn_scoped(scope, work);
        }
        work();
    });
    requirements.into_inner().unwrap_or_else(PoisonError::into_inner)
}

fn lock(requirements: &Mutex<Option<Requirements>>) -> MutexGuard<'_, Option<Requirements>> {
    requirements.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(all(test, feature = "wat"))]
mod tests {
    use super::*;
    use crate::feature::{Feature, Standard};

    fn missing(text: &str, features: Features) -> Vec<&'static str> {
        let binary = crate::decode::to_binary(text.as_bytes()).unwrap();
        missing_features(&binary, features).iter().map(|feature| feature.name).collect()
    }

    #[test]
    fn features_of_sections_and_bodies_are_reported_in_table_order() {
        let one = Features::standard(Standard::Wasm1);
        let text = "(module (memory 1) (memory 1) (func (result i32 i32) i32.const 1 i32.const 2)
            (func (drop (i32.extend8_s (i32.const 1)))) (func (drop (i32.extend8_s (i32.const 1))))
            (func (drop (v128.const i64x2 0 0))))";
        assert_eq!(missing(text, one), ["sign-extension-operators", "multi-value", "simd", "multi-memory"]);
        assert_eq!(missing("(module (func))", one), [""; 0]);
    }

    #[test]
    fn proposals_without_a_row_are_reported_too() {
        let text = "(module (func try catch_all end) (func (drop (ref.null extern))))";
        assert_eq!(missing(text, Features::finished()), ["legacy-exceptions"]);
        let tag = "(module (tag) (func try catch 0 end))";
        assert_eq!(missing(tag, Features::finished()), ["exception-handling", "legacy-exceptions"]);
        let binary = crate::decode::to_binary(text.as_bytes()).unwrap();
        assert!(!missing_features(&binary, Features::all()).iter().any(|feature| feature.finished));
    }

    #[test]
    fn an_always_invalid_module_has_no_missing_features() {
        let mut none = Features::none();
        none.set(Feature::MutableGlobals, true);
        let body = "(module (func (drop (i32.extend8_s (i64.const 1)))) (func (drop (v128.const i64x2 0 0))))";
        assert_eq!(missing(body, none), [""; 0]);
        assert_eq!(missing("(module (memory 2) (export \"a\" (memory 1)))", none), [""; 0]);
    }
}
