//! The processors that code can be compiled for beforehand.

use kinglet_abi::settings::CompileTarget;
use kinglet_jit::{Processor, TARGETS};

/// A target of [`Config::target`](crate::Config::target): see [`targets`].
#[derive(Clone, Debug)]
pub struct TargetInfo {
    triple: String,
    host: bool,
    features: Vec<(String, bool)>,
}

impl TargetInfo {
    /// The target triple.
    pub fn triple(&self) -> &str {
        &self.triple
    }

    /// Whether it is what this program is built for.
    pub fn is_host(&self) -> bool {
        self.host
    }

    /// The features of its processors that code can use, and whether it does if nothing is said: on the host where the
    /// processor has them, elsewhere where all have.
    pub fn features(&self) -> impl ExactSizeIterator<Item = (&str, bool)> {
        self.features.iter().map(|(name, used)| (name.as_str(), *used))
    }
}

/// The targets that this build can make code for, the host's first: all of them with the Cargo feature `all-targets`.
///
/// ```
/// let targets = kinglet::targets();
/// assert!(targets.iter().any(|target| target.is_host()));
/// ```
pub fn targets() -> Vec<TargetInfo> {
    let host = Processor::host().ok();
    let here = host.as_ref().map(|host| host.triple.as_str());
    let others = TARGETS.iter().copied().filter(|triple| Some(*triple) != here);
    let info = |triple: &str| {
        let all = kinglet_jit::features(triple).ok()?;
        let used = match &host {
            Some(host) if host.triple == triple => host.clone(),
            _ => Processor::new(&CompileTarget { triple: Some(triple.into()), ..CompileTarget::default() }).ok()?,
        };
        let features =
            all.into_iter().map(|name| (used.features.contains(&name), name)).map(|(used, name)| (name, used));
        Some(TargetInfo { triple: triple.into(), host: Some(triple) == here, features: features.collect() })
    };
    here.into_iter().chain(others).filter_map(info).collect()
}

/// The target triple that a processor's name alone stands for, as in [`Config::target`](crate::Config::target); anything
/// else as it is.
///
/// ```
/// assert_eq!(kinglet::full_triple("aarch64"), "aarch64-unknown-linux-gnu");
/// ```
pub fn full_triple(name: &str) -> &str {
    kinglet_jit::full_triple(name)
}
