//! Compilation targets: target triples and processor features.

use cranelift_codegen::isa::{self, Builder, OwnedTargetIsa};
use cranelift_codegen::settings::{Configurable, Flags, SettingKind};
use kinglet_abi::settings::CompileTarget;
use target_lexicon::{Architecture, Endianness, OperatingSystem, Triple};

use crate::CompileError;

/// The supported targets, if Kinglet is built with all backends.
pub const TARGETS: &[&str] = &[
    "x86_64-unknown-linux-gnu",
    "aarch64-unknown-linux-gnu",
    "riscv64gc-unknown-linux-gnu",
    "s390x-unknown-linux-gnu",
];

/// The prefix of Cranelift's feature names.
const FEATURE_PREFIX: &str = "has_";

/// The baseline features for portable x86-64 code: level v2 of the psABI. All processors since 2009 have them. Without
/// SSE 4.1, vector and rounding operations would be calls.
const GENERIC_X86_64: &[&str] = &["cmpxchg16b", "popcnt", "sse3", "ssse3", "sse41", "sse42"];

/// A target processor, as artifacts and messages describe it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Processor {
    /// The target triple.
    pub triple: String,
    /// The enabled features, by Cranelift's names without the prefix.
    pub features: Vec<String>,
    /// Whether the target is big-endian.
    pub big_endian: bool,
    /// The alignment of executable memory in a file, in bytes.
    pub page: usize,
}

impl Processor {
    /// Returns the host's processor.
    ///
    /// # Errors
    /// If Cranelift has no backend for the host.
    pub fn host() -> Result<Processor, CompileError> {
        Processor::new(&CompileTarget::default())
    }

    /// Returns the processor of a target.
    ///
    /// # Errors
    /// If Cranelift has no backend for the target, or the target has no such feature.
    pub fn new(target: &CompileTarget) -> Result<Processor, CompileError> {
        Ok(Processor::of(&isa(target, cranelift_codegen::settings::builder())?))
    }

    /// Returns whether the processor has 128-bit vectors. They are optional only on RISC-V.
    pub(crate) fn has_vectors(&self) -> bool {
        !self.triple.starts_with("riscv64") || self.features.iter().any(|feature| feature == "v")
    }

    pub(crate) fn of(isa: &OwnedTargetIsa) -> Processor {
        let flags = isa.isa_flags();
        let on = flags.iter().filter(|flag| flag.as_bool() == Some(true));
        let triple = isa.triple();
        Processor {
            triple: triple.to_string(),
            features: on.filter_map(|flag| flag.name.strip_prefix(FEATURE_PREFIX)).map(String::from).collect(),
            big_endian: triple.endianness() == Ok(Endianness::Big),
            page: if matches!(triple.architecture, Architecture::Aarch64(_)) { 64 << 10 } else { 4 << 10 },
        }
    }
}

/// Returns the names of all features of a target.
///
/// # Errors
/// If Cranelift has no backend for the target.
pub fn features(triple: &str) -> Result<Vec<String>, CompileError> {
    let builder = lookup(triple)?;
    let flags = builder.iter().filter(|setting| setting.kind == SettingKind::Bool);
    Ok(flags.filter_map(|setting| setting.name.strip_prefix(FEATURE_PREFIX)).map(String::from).collect())
}

/// Returns the full triple in [`TARGETS`] for an architecture name. Returns any other name unchanged.
pub fn full_triple(name: &str) -> &str {
    let of_processor = |target: &&&str| target.split('-').next().is_some_and(|it| it.trim_end_matches("gc") == name);
    TARGETS.iter().find(of_processor).copied().unwrap_or(name)
}

fn lookup(triple: &str) -> Result<Builder, CompileError> {
    let parsed: Triple = full_triple(triple)
        .parse()
        .map_err(|e| CompileError::Failed(format!("`{triple}` is not a target triple: {e}")))?;
    if parsed.operating_system != OperatingSystem::Linux {
        let supported = TARGETS.join(", ");
        return Err(CompileError::Failed(format!(
            "cannot compile for `{triple}`: only Linux targets are supported ({supported})"
        )));
    }
    isa::lookup(parsed).map_err(|error| {
        let reason = match error {
            isa::LookupError::SupportDisabled => "this build of Kinglet has no backend for it",
            isa::LookupError::Unsupported => "Cranelift has no backend for it",
        };
        CompileError::Failed(format!("cannot compile for `{triple}`: {reason}"))
    })
}

/// Creates Cranelift's description of a target.
pub(crate) fn isa(
    target: &CompileTarget,
    flags: cranelift_codegen::settings::Builder,
) -> Result<OwnedTargetIsa, CompileError> {
    let failed = |e: String| CompileError::Failed(e);
    let mut builder = match &target.triple {
        None if !target.generic => cranelift_native::builder().map_err(|e| failed(e.into()))?,
        None => cranelift_native::builder_with_options(false).map_err(|e| failed(e.into()))?,
        Some(triple) => lookup(triple)?,
    };
    let x86_64 = builder.triple().architecture == Architecture::X86_64;
    if x86_64 && (target.generic || target.triple.is_some()) {
        for name in GENERIC_X86_64 {
            builder.enable(&format!("{FEATURE_PREFIX}{name}")).map_err(|e| failed(e.to_string()))?;
        }
    }
    for (name, on) in &target.features {
        // Accept `sse4.1` as well.
        let plain: String = name.to_lowercase().chars().filter(|c| !matches!(c, '.' | '-')).collect();
        let value = if *on { "true" } else { "false" };
        builder.set(&format!("{FEATURE_PREFIX}{plain}"), value).map_err(|_| {
            let available: Vec<&str> =
                builder.iter().filter_map(|setting| setting.name.strip_prefix(FEATURE_PREFIX)).collect();
            failed(format!(
                "`{name}` is not a feature of {}; available features: {}",
                builder.triple(),
                available.join(", ")
            ))
        })?;
    }
    builder.finish(Flags::new(flags)).map_err(|e| failed(e.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn features_of_the_host_can_be_disabled() {
        let host = Processor::host().unwrap();
        let generic = CompileTarget { generic: true, ..CompileTarget::default() };
        let flags = cranelift_codegen::settings::builder;
        let generic = Processor::of(&isa(&generic, flags()).unwrap());
        assert_eq!((&generic.triple, generic.big_endian), (&host.triple, host.big_endian));
        assert!(generic.features.iter().all(|feature| host.features.contains(feature)), "{generic:?}");
        let Some(feature) = generic.features.first() else { return };
        let without = CompileTarget { features: vec![(feature.clone(), false)], ..CompileTarget::default() };
        let without = Processor::of(&isa(&without, flags()).unwrap());
        assert!(!without.features.contains(feature));
    }

    #[test]
    fn unknown_targets_and_features_are_named_in_errors() {
        let message = |triple: Option<&str>, feature: Option<&str>| {
            let features = feature.iter().map(|name| (name.to_string(), true)).collect();
            let target = CompileTarget { triple: triple.map(String::from), generic: false, features };
            isa(&target, cranelift_codegen::settings::builder()).err().map(|e| e.to_string())
        };
        assert!(message(Some("pdp11"), None).unwrap().contains("`pdp11` is not a target triple"));
        assert!(message(Some("mips-unknown-linux-gnu"), None).unwrap().contains("no backend"));
        assert_eq!(full_triple("riscv64"), "riscv64gc-unknown-linux-gnu");
        assert_eq!(full_triple("no-such-thing"), "no-such-thing");
        assert!(message(Some("x86_64-pc-windows-msvc"), None).unwrap().contains("only Linux targets"));
        assert!(message(None, Some("teleport")).unwrap().contains("`teleport` is not a feature of"));
    }
}
