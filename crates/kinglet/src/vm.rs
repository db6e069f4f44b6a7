//! The engine's unsafe code: records, mappings, and calls into guest code. The modules around it are safe code on
//! handles. A handle is a store's id and a pointer to a record that lives as long as the store.
//!
//! Invariants:
//! - A store's `VmStore`, its instances (`VmCtx`), the records of its memories, tables, globals, tags and host
//!   functions, and its function references never move. They are freed only with the store.
//! - A handle is used only with the store whose id it carries. Every use checks the id.
//! - While guest code runs, the host reaches the store only through the arguments of a host function, never through its
//!   own `&mut Store`.

mod address;
mod backtrace;
mod call;
mod exception;
#[cfg(all(unix, any(target_arch = "x86_64", target_arch = "aarch64", target_arch = "riscv64")))]
mod fiber;
#[cfg(not(all(unix, any(target_arch = "x86_64", target_arch = "aarch64", target_arch = "riscv64"))))]
#[path = "vm/fiber_absent.rs"]
mod fiber;
mod func;
mod global;
pub(crate) mod headroom;
mod heap;
mod host;
mod image;
mod instance;
mod libcalls;
mod memory;
#[cfg(feature = "jit")]
mod native;
#[cfg(target_os = "linux")]
mod pagemap;
#[cfg(not(target_os = "linux"))]
#[path = "vm/pagemap_absent.rs"]
mod pagemap;
mod pool;
#[cfg(feature = "jit")]
mod precompiled;
mod region;

mod store;
mod table;

pub(crate) use backtrace::capture_backtrace;
pub(crate) use call::call;
pub(crate) use fiber::{CallProgress, FiberHandle, FiberStacks, Fibers, PausedCall, cancel_all, resume, start};
pub(crate) use func::FuncPointer;
pub(crate) use global::{GlobalInstance, TagInstance};
pub(crate) use heap::{Heap, HeapEpoch, collect_now};
#[cfg(feature = "jit")]
pub(crate) use host::HOST_LAYOUT;
pub(crate) use host::{HostContexts, HostFunc, HostFuncSet, HostFuncTemplate, HostSlots, call_hook, call_limiter};
pub(crate) use instance::{Imports, InstanceData, export, host_global, host_memory, host_table, instantiate};
pub(crate) use libcalls::{grow_memory, grow_table};
pub(crate) use memory::{MemoryInstance, MemoryRequest};
#[cfg(feature = "jit")]
pub(crate) use native::{SystemSupport, Tier, background_limits, image, limits, listing, profile, trampolines};
pub(crate) use pool::{InstanceTemplate, Pool, recycle};
#[cfg(feature = "jit")]
pub(crate) use precompiled::{Cached, CachedCode, artifact_identity, cached_code, detect_file, load_cached};
pub(crate) use store::{EmbedderPointer, InterruptWord, StoreOwner, VmState};
pub(crate) use table::{TableInstance, copy_elements, element, elements, set_element};
