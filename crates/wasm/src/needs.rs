//! Which proposals a module needs beyond those that are on: for the message of an engine that refuses it. Sections are
//! tried with each set of proposals, without function bodies, which are most of a module; then each body is validated
//! once, and only one that fails is tried again. So it takes about as long as validating, at any size, and what it says
//! makes the module valid.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use wasmparser as wp;

use crate::feature::{FEATURES, Features};

/// A proposal that a module needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Need {
    /// Its name, as switches spell it if there is one.
    pub name: &'static str,
    /// Whether it can be switched on, to be run.
    pub finished: bool,
    flags: wp::WasmFeatures,
}

/// Proposals that modules use and that have no row in the table of features.
const OTHERS: &[(&str, wp::WasmFeatures)] = &[
    ("legacy-exceptions", wp::WasmFeatures::LEGACY_EXCEPTIONS),
    ("stack-switching", wp::WasmFeatures::STACK_SWITCHING),
    ("shared-everything-threads", wp::WasmFeatures::SHARED_EVERYTHING_THREADS),
    ("memory-control", wp::WasmFeatures::MEMORY_CONTROL),
];

/// The proposals without which a binary module is not valid, beyond `features`; none if it is not valid with all there are.
pub fn needs(bytes: &[u8], features: Features) -> Vec<Need> {
    let rows = FEATURES.iter().filter(|row| !features.has(row.feature));
    let rows = rows.map(|row| Need { name: row.name, finished: row.finished, flags: row.flag });
    let others = OTHERS.iter().map(|(name, flags)| Need { name, finished: false, flags: *flags });
    let off: Vec<Need> = rows.chain(others).collect();
    let all = Known { flags: features.to_wasmparser(), needed: off.clone() };

    let mut known = Known { flags: features.to_wasmparser(), needed: Vec::new() };
    let known = match known.learn(&off, |flags| sections(bytes, flags).is_ok()) {
        true => bodies(bytes, all.flags(), &off, known),
        false => None,
    };
    // In the order of the table, whatever the threads did.
    let needed = known.map_or_else(Vec::new, |known| known.needed);
    off.into_iter().filter(|need| needed.contains(need)).collect()
}

/// What is known to be needed.
struct Known {
    /// What is on.
    flags: wp::WasmFeatures,
    needed: Vec<Need>,
}

impl Known {
    fn flags(&self) -> wp::WasmFeatures {
        self.needed.iter().fold(self.flags, |flags, need| flags | need.flags)
    }

    /// Adds what something needs to be valid; false if everything that is off does not make it so.
    fn learn(&mut self, off: &[Need], is_valid: impl Fn(wp::WasmFeatures) -> bool) -> bool {
        let before = self.flags();
        if is_valid(before) {
            return true;
        }
        let mut more: Vec<Need> = off.iter().filter(|need| !self.needed.contains(need)).copied().collect();
        let with = |more: &[Need]| is_valid(more.iter().fold(before, |flags, need| flags | need.flags));
        if !with(&more) {
            return false;
        }
        // What can be left out is left out, one after the other.
        for need in more.clone() {
            let without: Vec<Need> = more.iter().filter(|it| **it != need).copied().collect();
            if with(&without) {
                more = without;
            }
        }
        self.needed.extend(more);
        true
    }
}

/// Validates all but function bodies.
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

/// The function bodies of a module whose sections are valid.
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

/// Whether a body is valid with these proposals.
fn is_valid((func, body): &Body<'_>, features: wp::WasmFeatures) -> bool {
    let func = wp::FuncToValidate { resources: func.resources.clone(), index: func.index, ty: func.ty, features };
    func.into_validator(wp::FuncValidatorAllocations::default()).validate(body).is_ok()
}

/// Adds what function bodies need; none if one of them is not valid whatever is on.
fn bodies(bytes: &[u8], all: wp::WasmFeatures, off: &[Need], known: Known) -> Option<Known> {
    let bodies = collect(bytes, all).ok()?;
    let next = AtomicUsize::new(0);
    let known = Mutex::new(Some(known));
    let work = || {
        let mut flags = match &*lock(&known) {
            Some(known) => known.flags(),
            None => return,
        };
        while let Some(body) = bodies.get(next.fetch_add(1, Ordering::Relaxed)) {
            if is_valid(body, flags) {
                continue;
            }
            let mut shared = lock(&known);
            let Some(known) = &mut *shared else { return };
            if !known.learn(off, |flags| is_valid(body, flags)) {
                *shared = None;
                return;
            }
            flags = known.flags();
        }
    };
    std::thread::scope(|scope| {
        let threads = std::thread::available_parallelism().map_or(1, |threads| threads.get()).min(16);
        for _ in 1..threads.min(bodies.len()) {
            // Without a thread more it takes longer.
            let _ = std::thread::Builder::new().spawn_scoped(scope, work);
        }
        work();
    });
    known.into_inner().unwrap_or_else(PoisonError::into_inner)
}

fn lock(known: &Mutex<Option<Known>>) -> MutexGuard<'_, Option<Known>> {
    known.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(all(test, feature = "wat"))]
mod tests {
    use super::*;
    use crate::feature::{Feature, Standard};

    fn needed(text: &str, features: Features) -> Vec<&'static str> {
        let binary = crate::decode::to_binary(text.as_bytes()).unwrap();
        needs(&binary, features).iter().map(|need| need.name).collect()
    }

    #[test]
    fn what_sections_and_bodies_need_is_named_in_the_order_of_the_table() {
        let one = Features::standard(Standard::Wasm1);
        let text = "(module (memory 1) (memory 1) (func (result i32 i32) i32.const 1 i32.const 2)
            (func (drop (i32.extend8_s (i32.const 1)))) (func (drop (i32.extend8_s (i32.const 1))))
            (func (drop (v128.const i64x2 0 0))))";
        assert_eq!(needed(text, one), ["sign-extension-operators", "multi-value", "simd", "multi-memory"]);
        assert_eq!(needed("(module (func))", one), [""; 0]);
    }

    #[test]
    fn what_has_no_row_is_named_too() {
        let text = "(module (func try catch_all end) (func (drop (ref.null extern))))";
        assert_eq!(needed(text, Features::finished()), ["legacy-exceptions"]);
        let tag = "(module (tag) (func try catch 0 end))";
        assert_eq!(needed(tag, Features::finished()), ["exception-handling", "legacy-exceptions"]);
        let rows = Features::all();
        assert!(!needs(&crate::decode::to_binary(text.as_bytes()).unwrap(), rows).iter().any(|need| need.finished));
    }

    #[test]
    fn a_module_that_nothing_makes_valid_needs_nothing() {
        let mut none = Features::none();
        none.set(Feature::MutableGlobals, true);
        let body = "(module (func (drop (i32.extend8_s (i64.const 1)))) (func (drop (v128.const i64x2 0 0))))";
        assert_eq!(needed(body, none), [""; 0]);
        assert_eq!(needed("(module (memory 2) (export \"a\" (memory 1)))", none), [""; 0]);
    }
}
