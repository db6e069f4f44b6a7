//! Kinglet: a WebAssembly runtime to embed. Make an [`Engine`], compile a [`Module`], give it what it imports through a
//! [`Linker`], and run it in a [`Store`].
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

pub use anyhow::{Error, Result};
#[cfg(feature = "jit")]
pub use artifact::Precompiled;
#[cfg(feature = "jit")]
pub use cache::{Cache, CacheConfig, CacheEntry, CacheEntryKind};
pub use config::{Config, Profile, RunMode, TierThresholds};
pub use engine::Engine;
pub use func::{Func, TypedFunc, WasmParams, WasmResults, WasmTy};
pub use global::Global;
pub use host::{Caller, HostResults, IntoFunc, IntoHostResult};
pub use instance::Instance;
pub use kinglet_abi::Optimization;
pub use kinglet_interp::DISPATCH;
#[cfg(feature = "jit")]
pub use kinglet_jit::BUILD_ID;
pub use kinglet_wasm::types::{GlobalType, HeapType, IndexType, MemoryType, RefType, TableType, ValType};
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
pub use module::Module;
pub use pool::{InstanceAllocationStrategy, PoolingAllocationConfig};
pub use resumable::{ResumableCall, ResumableCallHostTrap, TypedResumableCall, TypedResumableCallHostTrap};
pub use stats::{ModuleStats, TierUpStats, Work};
pub use store::{AsContext, AsContextMut, Store, StoreContext, StoreContextMut};
pub use table::Table;
pub use tag::Tag;
#[cfg(feature = "jit")]
pub use target::{TargetInfo, full_triple, targets};
pub use trap::{FrameInfo, FrameSymbol, WasmBacktrace};
pub use types::{CustomSection, ExportType, Extern, ExternType, FuncType, ImportType, LinkError, TagType};
pub use value::{AnyRef, ExternRef, Ref, Val};
#[cfg(unix)]
pub use wait::PollFd;
pub use wait::{InterruptHandle, Interrupted, Waiter};
