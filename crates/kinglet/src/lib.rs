//! Kinglet is a WebAssembly runtime for embedding: an interpreter that starts at once, and a compiler for hot code.
//!
//! ```
//! use kinglet::{Engine, Linker, Module, Store};
//!
//! let engine = Engine::default();
//! let module = Module::new(&engine, r#"(module
//!     (import "host" "double" (func $double (param i32) (result i32)))
//!     (func (export "run") (param i32) (result i32) (call $double (local.get 0))))"#)?;
//! let mut linker = Linker::new(&engine);
//! linker.func_wrap("host", "double", |x: i32| x * 2)?;
//! let mut store = Store::new(&engine, ());
//! let instance = linker.instantiate(&mut store, &module)?;
//! let run = instance.get_typed_func::<i32, i32>(&mut store, "run")?;
//! assert_eq!(run.call(&mut store, 21)?, 42);
//! # Ok::<(), kinglet::Error>(())
//! ```
//!
//! # The main types
//!
//! - [`Engine`]: the settings, shared by all modules and stores of a program. [`Config`] sets them.
//! - [`Module`]: validated code.
//! - [`Linker`]: resolves a module's imports by name.
//! - [`Store`]: the owner of one guest's objects, and of the embedder's data about it.
//! - [`Instance`]: a module in a store, with its exports.
//! - [`Func`] and [`TypedFunc`]: functions, called with values or with Rust types.
//! - [`Caller`]: the store and the calling instance, as a host function sees them.
//! - [`Memory`]: a guest's bytes.
//! - [`Trap`]: the reason why a guest was stopped.
//!
//! The types have the names and shapes of Wasmtime's. The book's page *From Wasmtime* lists the differences.
//!
//! # Errors
//!
//! Functions return [`Result`], whose [`Error`] is that of the crate `anyhow`. `error.downcast_ref::<T>()` finds the cause:
//! a [`Trap`], a host function's own error, a [`LinkError`], a [`LimitError`] or a [`ModuleError`]. An error from a running
//! guest has a [`WasmBacktrace`] as context. A guest cannot make the host panic.
//!
//! A handle is only valid with its own store. Methods that return no `Result` panic with another store, and have a `try_`
//! form that returns an error.
//!
//! # Threads
//!
//! [`Engine`], [`Module`], [`Linker`] and [`InstancePre`] are `Send` and `Sync`, and cheap to clone. A [`Store`] runs on one
//! thread at a time and can move between threads. An [`InterruptHandle`] interrupts its guest from any thread;
//! [`Engine::increment_epoch`] does so for all stores whose deadline has come.
//!
//! # WASI
//!
//! The crate `kinglet-wasi` defines the functions of WASI preview 1 in a [`Linker`].
//!
//! # Cargo features
//!
//! | feature | default | |
//! |---|---|---|
//! | `jit` | yes | The compiler, artifacts and the cache. Without it the interpreter runs all code. |
//! | `wat` | yes | Modules in the text format. |
//! | `addr2line` | yes | Files and lines in backtraces, from DWARF sections. |
//! | `all-targets` | no | Artifacts for other architectures. |
//!
//! # Platforms
//!
//! The interpreter runs on 64-bit Unix systems. The compiler supports x86-64, AArch64 and 64-bit RISC-V; resumable calls
//! need one of these too. Profiles need Linux.

#![deny(missing_docs)]
#![warn(clippy::missing_errors_doc, clippy::missing_panics_doc)]
#![deny(unsafe_code)]

#[cfg(feature = "jit")]
mod artifact;
#[cfg(feature = "jit")]
mod cache;
mod config;
#[cfg(feature = "addr2line")]
mod dwarf;
#[cfg(not(feature = "addr2line"))]
#[path = "dwarf_absent.rs"]
mod dwarf;
mod engine;
mod epoch;
mod func;
mod global;
mod host;
mod instance;
mod limits;
mod linker;
#[cfg(feature = "jit")]
mod listing;
mod memory;
mod module;
mod pool;
mod resumable;
mod stats;
mod store;
mod table;
mod tag;
#[cfg(feature = "jit")]
mod target;
#[doc(hidden)]
pub mod testing;
mod trap;
mod types;
mod value;
#[allow(unsafe_code)]
mod vm;
mod wait;

/// Errors, with the helpers of the crate `anyhow` that create them.
///
/// ```
/// use kinglet::error::Context;
/// use kinglet::{Result, bail, ensure, format_err};
///
/// fn half(n: i32) -> Result<i32> {
///     ensure!(n >= 0, "{n} is negative");
///     if n % 2 == 1 {
///         bail!("{n} is odd");
///     }
///     n.checked_div(2).ok_or_else(|| format_err!("impossible")).context("dividing")
/// }
///
/// assert_eq!(half(4)?, 2);
/// assert_eq!(half(3).unwrap_err().to_string(), "3 is odd");
/// assert_eq!(half(-2).unwrap_err().to_string(), "-2 is negative");
/// # Ok::<(), kinglet::Error>(())
/// ```
pub mod error {
    pub use anyhow::{Chain, Context, Error, Result, bail, ensure, format_err};
}

pub use anyhow::{Context, Error, Result, bail, ensure, format_err};
#[cfg(feature = "jit")]
pub use artifact::Precompiled;
#[cfg(feature = "jit")]
pub use cache::{Cache, CacheConfig, CacheEntry, CacheEntryKind};
pub use config::{Config, Profile, ProfilingStrategy, RunMode, Strategy, TierThresholds, WasmBacktraceDetails};
pub use engine::{Engine, EngineWeak};
pub use func::{Func, TypedFunc, WasmParams, WasmResults, WasmTy};
pub use global::Global;
pub use host::{Caller, HostResults, IntoFunc, IntoHostResult};
pub use instance::{Export, Instance};
pub use kinglet_abi::{Optimization, Optimization as OptLevel};
#[doc(hidden)]
pub use kinglet_interp::DISPATCH;
#[cfg(feature = "jit")]
#[doc(hidden)]
pub use kinglet_jit::BUILD_ID;
pub use kinglet_wasm::types::{GlobalType, HeapType, IndexType, MemoryType, Mutability, RefType, TableType, ValType};
pub use kinglet_wasm::{
    Error as ModuleError, ErrorKind as ModuleErrorKind, FEATURES, Feature, FeatureRow, Features, Standard, Trap, V128,
};
pub use limits::{
    DEFAULT_COUNT, DEFAULT_EXTERN_REFS, LimitError, ResourceLimiter, STORE_LIMITS, StoreLimit, StoreLimitRow,
    StoreLimits, StoreLimitsBuilder,
};
pub use linker::{InstancePre, Linker, UnknownImportError};
#[cfg(feature = "jit")]
pub use listing::{NativeInstruction, NativeListing};
pub use memory::{Memory, MemoryAccessError};
pub use module::{Module, ModuleExport, ResourcesRequired};
pub use pool::{InstanceAllocationStrategy, PoolingAllocationConfig};
pub use resumable::{ResumableCall, ResumableCallHostTrap, TypedResumableCall, TypedResumableCallHostTrap};
pub use stats::{ModuleStats, TierUpStats, Work};
pub use store::{AsContext, AsContextMut, CallHook, GcHeapOutOfMemory, Store, StoreContext, StoreContextMut};
pub use table::Table;
pub use tag::Tag;
#[cfg(feature = "jit")]
pub use target::{TargetInfo, full_triple, targets};
pub use trap::{FrameInfo, FrameSymbol, WasmBacktrace};
pub use types::{CustomSection, ExportType, Extern, ExternType, FuncType, ImportType, LinkError, TagType};
pub use value::{AnyRef, ExternRef, Ref, Rooted, Val};
#[cfg(unix)]
pub use wait::PollFd;
pub use wait::{InterruptHandle, Interrupted, Waiter};
