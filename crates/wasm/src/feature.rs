//! The feature table: one row per proposal. Presets, command line switches, validation flags and the list of supported
//! proposals come from it. An unfinished proposal is off by default and can only be enabled by name.

use std::fmt;

/// A published version of the WebAssembly core specification.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standard {
    /// WebAssembly 1.0, with mutable globals at the boundary.
    Wasm1,
    /// WebAssembly 2.0.
    Wasm2,
    /// WebAssembly 3.0.
    Wasm3,
}

/// A row of the feature table.
#[derive(Clone, Copy, Debug)]
pub struct FeatureRow {
    /// The feature.
    pub feature: Feature,
    /// The proposal's name in switches such as `--disable-NAME`.
    pub name: &'static str,
    /// The first standard that includes the proposal; `None` for proposals beyond WebAssembly 3.0.
    pub standard: Option<Standard>,
    /// Whether every tier implements the whole proposal.
    pub finished: bool,
    /// A one-line summary.
    pub summary: &'static str,
    pub(crate) flag: wasmparser::WasmFeatures,
}

macro_rules! features {
    ($($feature:ident $name:literal $standard:expr, $finished:literal, $($flag:ident)|+, $summary:literal;)*) => {
        /// A proposal to the core specification.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum Feature { $(#[doc = $summary] $feature),* }

        /// Every proposal, in the order in which the standard adopted them.
        pub const FEATURES: &[FeatureRow] = &[$(FeatureRow {
            feature: Feature::$feature,
            name: $name,
            standard: $standard,
            finished: $finished,
            summary: $summary,
            flag: wasmparser::WasmFeatures::empty()$(.union(wasmparser::WasmFeatures::$flag))+,
        }),*];
    };
}

use Standard::{Wasm1, Wasm2, Wasm3};

features! {
    MutableGlobals "import-export-mut-globals" Some(Wasm1), true, MUTABLE_GLOBAL, "import and export of mutable globals";
    NonTrappingFloatToInt "non-trap-float-to-int" Some(Wasm2), true, SATURATING_FLOAT_TO_INT, "float to integer conversions that saturate";
    SignExtension "sign-extension-operators" Some(Wasm2), true, SIGN_EXTENSION, "sign extension within an integer";
    MultiValue "multi-value" Some(Wasm2), true, MULTI_VALUE, "many results and block parameters";
    BulkMemory "bulk-memory" Some(Wasm2), true, BULK_MEMORY, "copy and fill memories and tables, passive segments";
    ReferenceTypes "reference-types" Some(Wasm2), true, REFERENCE_TYPES, "funcref and externref values, many tables";
    Simd "simd" Some(Wasm2), true, SIMD, "128-bit vectors";
    TailCall "tail-call" Some(Wasm3), true, TAIL_CALL, "calls that replace their caller's frame";
    ExtendedConst "extended-const" Some(Wasm3), true, EXTENDED_CONST, "arithmetic in constant expressions";
    FunctionReferences "function-reference" Some(Wasm3), true, FUNCTION_REFERENCES, "typed function references";
    Gc "gc" Some(Wasm3), false, GC, "structures and arrays under garbage collection, subtyping, recursion groups";
    MultiMemory "multi-memory" Some(Wasm3), true, MULTI_MEMORY, "more than one memory";
    RelaxedSimd "relaxed-simd" Some(Wasm3), false, RELAXED_SIMD, "vector operations with processor-dependent results";
    Exceptions "exception-handling" Some(Wasm3), false, EXCEPTIONS, "tags, throw, try_table";
    Memory64 "memory64" Some(Wasm3), true, MEMORY64, "64-bit memories and tables";
    WideArithmetic "wide-arithmetic" None, true, WIDE_ARITHMETIC, "128-bit additions and multiplications";
    CustomPageSizes "custom-page-sizes" None, true, CUSTOM_PAGE_SIZES, "memories in pages of one byte";
    CompactImports "compact-imports" None, true, COMPACT_IMPORTS, "one copy of a module name for several imports";
    CustomDescriptors "custom-descriptors" None, false, CUSTOM_DESCRIPTORS, "descriptor structures and exact types";
    Threads "threads" None, false, THREADS, "shared memories and atomic operations";
}

impl Feature {
    /// Returns the feature's row.
    pub fn row(self) -> &'static FeatureRow {
        &FEATURES[self as usize]
    }

    /// Returns the feature with this name in switches, if any.
    pub fn from_name(name: &str) -> Option<Feature> {
        FEATURES.iter().find(|row| row.name == name).map(|row| row.feature)
    }
}

/// A set of features.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Features(u32);

impl Features {
    /// Returns the empty set. It is the first release of WebAssembly, without mutable globals at the boundary.
    pub const fn none() -> Features {
        Features(0)
    }

    /// Returns every proposal that the standard includes, finished or not.
    pub fn standard(standard: Standard) -> Features {
        FEATURES.iter().filter(|row| row.standard.is_some_and(|s| s <= standard)).map(|row| row.feature).collect()
    }

    /// Returns every proposal of the table, finished or not.
    pub fn all() -> Features {
        FEATURES.iter().map(|row| row.feature).collect()
    }

    /// Returns every finished proposal.
    pub fn finished() -> Features {
        FEATURES.iter().filter(|row| row.finished).map(|row| row.feature).collect()
    }

    /// Returns the features in both sets.
    pub const fn intersection(self, other: Features) -> Features {
        Features(self.0 & other.0)
    }

    /// Returns whether a feature is in the set.
    pub const fn has(self, feature: Feature) -> bool {
        self.0 & (1 << feature as u8) != 0
    }

    /// Adds or removes a feature.
    pub fn set(&mut self, feature: Feature, on: bool) {
        if on {
            self.0 |= 1 << feature as u8;
        } else {
            self.0 &= !(1 << feature as u8);
        }
    }

    /// Iterates over the features of the set, in table order.
    pub fn iter(self) -> impl Iterator<Item = Feature> {
        FEATURES.iter().map(|row| row.feature).filter(move |f| self.has(*f))
    }

    pub(crate) fn to_wasmparser(self) -> wasmparser::WasmFeatures {
        let base = wasmparser::WasmFeatures::FLOATS | wasmparser::WasmFeatures::GC_TYPES;
        self.iter().fold(base, |flags, feature| flags | feature.row().flag)
    }
}

impl Default for Features {
    /// Returns every finished proposal: WebAssembly 3.0 without its unfinished proposals, and later ones.
    fn default() -> Features {
        Features::finished()
    }
}

impl FromIterator<Feature> for Features {
    fn from_iter<I: IntoIterator<Item = Feature>>(features: I) -> Features {
        let mut set = Features::none();
        features.into_iter().for_each(|f| set.set(f, true));
        set
    }
}

impl fmt::Debug for Features {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_in_the_order_of_the_enum_and_names_are_unique() {
        for (i, row) in FEATURES.iter().enumerate() {
            assert_eq!(row.feature as usize, i);
            assert_eq!(Feature::from_name(row.name), Some(row.feature));
        }
    }

    #[test]
    fn each_standard_includes_its_predecessor() {
        let [one, two, three] = [Wasm1, Wasm2, Wasm3].map(Features::standard);
        assert!(one.intersection(two) == one && two.intersection(three) == two);
        assert!(!two.has(Feature::TailCall) && three.has(Feature::Gc) && !Features::default().has(Feature::Gc));
    }
}
