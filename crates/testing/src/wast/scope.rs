//! Whether a module that was refused needs an unfinished feature. Decided by validating it twice: with all that its
//! suite uses, and with the finished part of that.

use kinglet::Features;
use wasmparser::{Validator, WasmFeatures};

/// Whether `wasm` would be valid with all of `features` but is not with those of them that are finished.
///
/// A module that is invalid either way still counts when the validator itself names an unfinished feature as what it
/// misses: the validator may know less of an unfinished proposal than the suite does.
pub(super) fn needs_unfinished_feature(features: Features, wasm: &[u8]) -> bool {
    let wanted = features.to_wasmparser();
    let finished = features.finished().to_wasmparser();
    let Err(error) = validate(finished, wasm) else { return false };
    let missing = error.missing_wasm_feature().unwrap_or(WasmFeatures::empty());
    validate(wanted, wasm).is_ok() || wanted.difference(finished).intersects(missing)
}

fn validate(features: WasmFeatures, wasm: &[u8]) -> wasmparser::Result<()> {
    Validator::new_with_features(features).validate_all(wasm).map(|_| ())
}
