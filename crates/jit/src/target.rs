//! What code is made for: a target triple, and what processors of it can do.

use cranelift_codegen::isa::{self, Builder, OwnedTargetIsa};
use cranelift_codegen::settings::{Configurable, Flags, SettingKind};
use kinglet_abi::settings::Target;
use target_lexicon::{Architecture, Endianness, OperatingSystem, Triple};

use crate::Error;

/// The targets that code can be made for, if Kinglet is built with all of them.
pub const TARGETS: &[&str] = &[
    "x86_64-unknown-linux-gnu",
    "aarch64-unknown-linux-gnu",
    "riscv64gc-unknown-linux-gnu",
    "s390x-unknown-linux-gnu",
];

/// What Cranelift calls a feature of a processor: this, and its name.
const FEATURE: &str = "has_";

/// What every processor of a kind is taken to have where code is to run on all of them. For x86-64 that is the
/// psABI's level v2, which all have since 2009: without SSE 4.1 vectors and rounding would be calls.
const GENERIC_X86_64: &[&str] = &["cmpxchg16b", "popcnt", "sse3", "ssse3", "sse41", "sse42"];

/// A processor's kind as artifacts and messages name it, and what it can do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Processor {
    /// The target triple.
    pub triple: String,
    /// The features that code may use, by Cranelift's names without their prefix.
    pub features: Vec<String>,
    /// Whether numbers in memory begin with their highest byte.
    pub big_endian: bool,
    /// What the offset of executable memory in a file is a multiple of.
    pub page: usize,
}

impl Processor {
    /// The one at hand.
    ///
    /// # Errors
    /// If there is no back end for it.
    pub fn host() -> Result<Processor, Error> {
        Processor::new(&Target::default())
    }

    /// That of a target.
    ///
    /// # Errors
    /// If there is no back end for it, or no such feature.
    pub fn new(target: &Target) -> Result<Processor, Error> {
        Ok(Processor::of(&isa(target, cranelift_codegen::settings::builder())?))
    }

    /// Whether vectors of 128 bits can be computed with: only RISC-V has them as an extension.
    pub(crate) fn has_vectors(&self) -> bool {
        !self.triple.starts_with("riscv64") || self.features.iter().any(|feature| feature == "v")
    }

    pub(crate) fn of(isa: &OwnedTargetIsa) -> Processor {
        let flags = isa.isa_flags();
        let on = flags.iter().filter(|flag| flag.as_bool() == Some(true));
        let triple = isa.triple();
        Processor {
            triple: triple.to_string(),
            features: on.filter_map(|flag| flag.name.strip_prefix(FEATURE)).map(String::from).collect(),
            big_endian: triple.endianness() == Ok(Endianness::Big),
            page: if matches!(triple.architecture, Architecture::Aarch64(_)) { 64 << 10 } else { 4 << 10 },
        }
    }
}

/// The names of all features that code for a target can use.
///
/// # Errors
/// If there is no back end for the target.
pub fn features(triple: &str) -> Result<Vec<String>, Error> {
    let builder = lookup(triple)?;
    let all = builder.iter().filter(|setting| setting.kind == SettingKind::Bool);
    Ok(all.filter_map(|setting| setting.name.strip_prefix(FEATURE)).map(String::from).collect())
}

/// The triple that is meant by a processor's name alone: the one of [`TARGETS`]. Anything else is what it is.
pub fn full_triple(name: &str) -> &str {
    let of_processor = |target: &&&str| target.split('-').next().is_some_and(|it| it.trim_end_matches("gc") == name);
    TARGETS.iter().find(of_processor).copied().unwrap_or(name)
}

fn lookup(triple: &str) -> Result<Builder, Error> {
    let known: Triple =
        full_triple(triple).parse().map_err(|e| Error::Failed(format!("`{triple}` is no target triple: {e}")))?;
    if known.operating_system != OperatingSystem::Linux {
        let all = TARGETS.join(", ");
        return Err(Error::Failed(format!("cannot make code for `{triple}`: it is made for Linux alone ({all})")));
    }
    isa::lookup(known).map_err(|error| {
        let why = match error {
            isa::LookupError::SupportDisabled => "this build of Kinglet has no back end for it",
            isa::LookupError::Unsupported => "there is no back end for it",
        };
        Error::Failed(format!("cannot make code for `{triple}`: {why}"))
    })
}

/// Cranelift's description of a target.
pub(crate) fn isa(target: &Target, flags: cranelift_codegen::settings::Builder) -> Result<OwnedTargetIsa, Error> {
    let failed = |e: String| Error::Failed(e);
    let mut builder = match &target.triple {
        None if !target.generic => cranelift_native::builder().map_err(|e| failed(e.into()))?,
        None => cranelift_native::builder_with_options(false).map_err(|e| failed(e.into()))?,
        Some(triple) => lookup(triple)?,
    };
    let x86_64 = builder.triple().architecture == Architecture::X86_64;
    if x86_64 && (target.generic || target.triple.is_some()) {
        for name in GENERIC_X86_64 {
            builder.enable(&format!("{FEATURE}{name}")).map_err(|e| failed(e.to_string()))?;
        }
    }
    for (name, on) in &target.features {
        // People write `sse4.1` too.
        let plain: String = name.to_lowercase().chars().filter(|c| !matches!(c, '.' | '-')).collect();
        let value = if *on { "true" } else { "false" };
        builder.set(&format!("{FEATURE}{plain}"), value).map_err(|_| {
            let all: Vec<&str> = builder.iter().filter_map(|setting| setting.name.strip_prefix(FEATURE)).collect();
            failed(format!("`{name}` is no feature of {}; there are: {}", builder.triple(), all.join(", ")))
        })?;
    }
    builder.finish(Flags::new(flags)).map_err(|e| failed(e.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_is_known_and_can_be_told_not_to_use_what_it_has() {
        let host = Processor::host().unwrap();
        let generic = Target { generic: true, ..Target::default() };
        let flags = cranelift_codegen::settings::builder;
        let generic = Processor::of(&isa(&generic, flags()).unwrap());
        assert_eq!((&generic.triple, generic.big_endian), (&host.triple, host.big_endian));
        assert!(generic.features.iter().all(|feature| host.features.contains(feature)), "{generic:?}");
        let Some(feature) = generic.features.first() else { return };
        let without = Target { features: vec![(feature.clone(), false)], ..Target::default() };
        let without = Processor::of(&isa(&without, flags()).unwrap());
        assert!(!without.features.contains(feature));
    }

    #[test]
    fn what_is_no_target_and_no_feature_is_refused_by_name() {
        let message = |triple: Option<&str>, feature: Option<&str>| {
            let features = feature.iter().map(|name| (name.to_string(), true)).collect();
            let target = Target { triple: triple.map(String::from), generic: false, features };
            isa(&target, cranelift_codegen::settings::builder()).err().map(|e| e.to_string())
        };
        assert!(message(Some("pdp11"), None).unwrap().contains("`pdp11` is no target triple"));
        assert!(message(Some("mips-unknown-linux-gnu"), None).unwrap().contains("no back end"));
        assert_eq!(full_triple("riscv64"), "riscv64gc-unknown-linux-gnu");
        assert_eq!(full_triple("no-such-thing"), "no-such-thing");
        assert!(message(Some("x86_64-pc-windows-msvc"), None).unwrap().contains("for Linux alone"));
        assert!(message(None, Some("teleport")).unwrap().contains("`teleport` is no feature of"));
    }
}
