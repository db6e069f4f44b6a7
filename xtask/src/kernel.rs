//! The kernels below `bench/kernels`: their names, sizes and results, from the table beside them. `cargo xtask
//! programs` compiles them, the bench measures them, and the guest tests check their output.

use std::path::PathBuf;

use crate::process::Context;

/// The builds of each kernel: name and compiler option.
pub(crate) const FORMS: [(&str, Option<&str>); 2] = [("scalar", None), ("simd", Some("-msimd128"))];

/// The path of the `hello` program's module, relative to `target/programs`.
pub(crate) const HELLO: &str = "kernels/hello.wasm";

/// The compiler's options for kernels. They also apply to native code. Fused multiply-add is off, because it would
/// change results.
pub(crate) const OPTIONS: &[&str] = &["-std=c11", "-O2", "-ffp-contract=off", "-Wall", "-Wextra", "-Werror"];

/// A kernel.
pub(crate) struct Kernel {
    pub(crate) name: String,
    /// The argument for a very short run.
    pub(crate) small: String,
    /// Its output with that argument.
    pub(crate) small_result: String,
    /// Its output without an argument.
    pub(crate) result: String,
}

impl Kernel {
    pub(crate) fn source(&self, context: &Context) -> PathBuf {
        directory(context).join(&self.name).with_extension("c")
    }

    /// Returns the path of the module in one of the [`FORMS`], below `target/programs`.
    pub(crate) fn file(&self, form: &str) -> String {
        format!("kernels/{form}/{}.wasm", self.name)
    }
}

pub(crate) fn directory(context: &Context) -> PathBuf {
    context.root.join("bench/kernels")
}

/// Returns all kernels, sorted by name.
pub(crate) fn list(context: &Context) -> Vec<Kernel> {
    let table = std::fs::read_to_string(directory(context).join("expected.txt")).unwrap_or_default();
    let rows = table.lines().filter(|line| !line.starts_with('#'));
    rows.filter_map(|line| {
        let mut words = line.split_whitespace().map(str::to_string);
        Some(Kernel { name: words.next()?, small: words.next()?, small_result: words.next()?, result: words.next()? })
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_lists_each_source() {
        let context = Context::new();
        let files = std::fs::read_dir(directory(&context)).unwrap().flatten().map(|entry| entry.path());
        let sources = files.filter(|path| path.extension().is_some_and(|ending| ending == "c"));
        let mut sources: Vec<PathBuf> = sources.collect();
        sources.sort();
        let listed: Vec<PathBuf> = list(&context).iter().map(|kernel| kernel.source(&context)).collect();
        assert_eq!(listed, sources);
        assert!(listed.len() >= 24);
    }

    #[test]
    fn results_are_checksums_and_differ() {
        let kernels = list(&Context::new());
        let results: std::collections::BTreeSet<&str> =
            kernels.iter().flat_map(|kernel| [kernel.small_result.as_str(), kernel.result.as_str()]).collect();
        assert_eq!(results.len(), 2 * kernels.len());
        assert!(results.iter().all(|result| result.len() == 16 && u64::from_str_radix(result, 16).is_ok()));
    }
}
