//! The targets of ahead-of-time compilation.

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
    /// Returns the target triple.
    pub fn triple(&self) -> &str {
        &self.triple
    }

    /// Returns whether this program is built for the target.
    pub fn is_host(&self) -> bool {
        self.host
    }

    /// Returns the processor features that code can use, and whether it uses them by default. On the host the default is
    /// whether this processor has the feature; on other targets, whether all processors have it.
    pub fn features(&self) -> impl ExactSizeIterator<Item = (&str, bool)> {
        self.features.iter().map(|(name, used)| (name.as_str(), *used))
    }
}

/// Returns the targets that this build can compile for, the host first. With the Cargo feature `all-targets` these are all.
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

/// Returns the triple of an architecture's name, such as [`Config::target`](crate::Config::target) accepts. Other text is
/// returned unchanged.
///
/// ```
/// assert_eq!(kinglet::full_triple("aarch64"), "aarch64-unknown-linux-gnu");
/// ```
pub fn full_triple(name: &str) -> &str {
    kinglet_jit::full_triple(name)
}
