//! Data layouts shared by compiled code, bytecode and the runtime.
//!
//! Each layout is one `repr(C)` struct, and code takes field offsets from `offset_of!`, so every field is declared
//! once. [`VmCtxLayout`] computes the variable part of an instance.
//!
//! A slot is 8 bytes. An `i32` or `f32` is zero-extended to a slot; a `v128` takes two slots. A function reference is a
//! `*FuncRef` or null. Every other reference is a 32-bit number, and null is 0.

use std::ffi::c_void;
use std::mem::offset_of;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, Ordering};

use kinglet_wasm::Module;
use kinglet_wasm::types::{FieldType, StorageType};

use crate::libcall::Libcalls;

/// The outcome of an array call or an activation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Status {
    /// The results are in the array.
    Ok = 0,
    /// The guest trapped; [`crate::Libcall::Raise`] has recorded the trap.
    Trap = 1,
    /// An exception is pending in [`VmStore`].
    Exception = 2,
    /// A host function returned an error; the runtime holds it.
    HostError = 3,
    /// A host function panicked; the runtime holds the payload.
    HostPanic = 4,
    /// The caller must make the tail call in [`VmStore::tail_call`].
    TailCall = 5,
}

impl Status {
    /// Converts the number that code returns. An unknown number counts as a trap.
    pub const fn from_u32(n: u32) -> Status {
        match n {
            0 => Status::Ok,
            2 => Status::Exception,
            3 => Status::HostError,
            4 => Status::HostPanic,
            5 => Status::TailCall,
            _ => Status::Trap,
        }
    }
}

/// A function that reads its arguments from an array of slots and writes its results there.
///
/// The host calls guests with this convention, and tiers call each other with it. Most calls of host functions use it
/// too. `callee` is the instance or host context in which the function runs.
pub type ArrayFn = unsafe extern "C" fn(callee: *mut VmCtx, caller: *mut VmCtx, slots: *mut u64) -> u32;

/// A host function that takes its arguments and returns its result in registers, each as a slot.
///
/// Code may pass fewer than four arguments; the function then ignores the rest.
pub type RegisterFn =
    unsafe extern "C" fn(callee: *mut VmCtx, caller: *mut VmCtx, a: u64, b: u64, c: u64, d: u64) -> RegisterResult;

/// The return value of a [`RegisterFn`].
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct RegisterResult {
    /// A [`Status`].
    pub status: u64,
    /// The result's slot if the function has a result. On failure, the address of the store, so the caller need not
    /// keep it.
    pub value: u64,
}

/// Returns whether code calls host functions of this shape through their [`RegisterFn`].
///
/// `vectors` is true if any parameter or result is a vector.
pub const fn fits_in_registers(params: usize, results: usize, vectors: bool) -> bool {
    params <= 4 && results <= 1 && !vectors
}

/// One function of a module, shared by all instances of the module, or one host function.
#[repr(C)]
#[derive(Debug)]
pub struct FuncCell {
    /// The native entry point. Null while the function has no native code; for a host function, null until native code
    /// first calls it.
    pub native: AtomicPtr<c_void>,
    /// An [`ArrayFn`]. The host calls the function here, and so does the interpreter if `interpreter_entry` is its
    /// array stub.
    pub array_call: AtomicPtr<c_void>,
    /// The interpreter's entry point: the function's bytecode, or the stub that makes an array call.
    pub interpreter_entry: AtomicPtr<u32>,
    /// The interpreter's `Body`; null for host functions. It never changes. It is atomic only so that threads can share
    /// the cell.
    pub body: AtomicPtr<c_void>,
    /// The native-to-interpreter trampoline, which takes the function from [`VmStore::callee`]. Null until native code
    /// first calls the function while it has no native code.
    pub native_to_interpreter: AtomicPtr<c_void>,
    /// The tail-call trampoline, which passes on the arguments in [`VmStore::tail_call`]. Null until a
    /// native-to-interpreter trampoline first needs it.
    pub tail_call_trampoline: AtomicPtr<c_void>,
    /// The number of slots in the function's argument array.
    pub array_slots: u32,
    /// The function's canonical type. Meaningless for constant expressions, because nothing calls them.
    pub type_id: u32,
}

impl FuncCell {
    /// Returns the interpreter's `Body`, or null for a host function.
    #[inline(always)]
    pub fn body(&self) -> *const c_void {
        self.body.load(Ordering::Relaxed)
    }
}

/// A reference to a function. Each function of an instance has at most one.
#[repr(C)]
#[derive(Debug)]
pub struct FuncRef {
    /// A copy of the cell's native entry point. Null until a call through this reference finds native code.
    pub native: AtomicPtr<c_void>,
    /// The function.
    pub cell: *const FuncCell,
    /// The instance or host context in which the function runs.
    pub vmctx: *mut VmCtx,
    /// Its canonical type.
    pub type_id: u32,
}

/// An imported function.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct VmImport {
    /// The function.
    pub cell: *const FuncCell,
    /// The native entry point and the instance or host context. The entry point is null until the lazy-binding stub
    /// finds native code, unless the function already has some at instantiation.
    pub resolved: VmCallee,
    /// The lazy-binding stub, with this record in place of an instance. The stub finds the record in the first argument
    /// register, so only signatures that pass the callee there use it.
    pub lazy_stub: VmCallee,
    /// The callee of native code: `lazy_stub` until the import is bound, then `resolved`. Neither record changes after
    /// code can read it. The entry point and the instance thus match, no matter when code has read them.
    pub callee: *const VmCallee,
}

/// An entry point and the instance to call it with.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct VmCallee {
    /// The native entry point.
    pub native: *mut c_void,
    /// The first argument: the instance or host context.
    pub vmctx: *mut VmCtx,
}

/// The records that hold a native entry point and that [`NativeBuiltins::lazy_stub`] can bind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum CalleeRecord {
    /// A [`FuncCell`].
    Cell,
    /// A [`FuncRef`].
    Reference,
    /// A [`VmImport`].
    Import,
}

impl CalleeRecord {
    /// All kinds, in the order of their numbers.
    pub const ALL: [CalleeRecord; 3] = [CalleeRecord::Cell, CalleeRecord::Reference, CalleeRecord::Import];

    /// Returns the offset of the native entry point in the record.
    pub const fn native_offset(self) -> usize {
        match self {
            CalleeRecord::Cell => offset_of!(FuncCell, native),
            CalleeRecord::Reference => offset_of!(FuncRef, native),
            CalleeRecord::Import => offset_of!(VmImport, resolved) + offset_of!(VmCallee, native),
        }
    }

    /// Splits a tagged pointer into the record's address and its kind.
    ///
    /// The tag is the kind's number, which is less than the record's alignment.
    pub fn from_tagged(tagged: *mut c_void) -> (*mut c_void, CalleeRecord) {
        let kind = CalleeRecord::ALL[tagged.addr() % align_of::<FuncRef>() % CalleeRecord::ALL.len()];
        (tagged.wrapping_byte_sub(kind as usize), kind)
    }
}

/// A linear memory.
#[repr(C)]
#[derive(Debug)]
pub struct VmMemory {
    /// The address of its first byte.
    pub base: *mut u8,
    /// Its length in bytes.
    pub len: usize,
}

/// A table.
#[repr(C)]
#[derive(Debug)]
pub struct VmTable {
    /// Its elements, one slot each. In a lazily initialized table, null may stand for an element that is not
    /// initialized yet; see [`Libcall::LazyElement`](crate::Libcall).
    pub elements: *mut u64,
    /// The number of elements.
    pub len: usize,
    /// Nonzero once any element differs from the module's initial contents.
    pub written: u64,
}

/// A global.
#[repr(C, align(16))]
#[derive(Debug, Default)]
pub struct VmGlobal {
    /// Its value.
    pub slots: [u64; 2],
}

/// A tag. Two tags are equal if they have the same address.
#[repr(C)]
#[derive(Debug)]
pub struct VmTag {
    /// Its canonical function type.
    pub type_id: u32,
}

/// The target of a tail call that leaves an activation.
#[repr(C)]
#[derive(Debug)]
pub struct TailCallTarget {
    /// The function.
    pub cell: *const FuncCell,
    /// The instance or host context in which it runs.
    pub vmctx: *mut VmCtx,
    /// Its arguments. Valid until the interpreter runs again.
    pub args: *mut u64,
}

/// The point at which native code resumes after a throw or trap.
#[repr(C)]
#[derive(Debug)]
pub struct ResumePoint {
    /// The address of the instruction.
    pub pc: usize,
    /// Stack pointer.
    pub sp: usize,
    /// Frame pointer.
    pub fp: usize,
    /// The values of the two payload registers at the landing pad.
    pub payload: [usize; 2],
}

/// The runtime's entry points for native code.
///
/// An engine has one table, complete before it publishes any native code.
#[repr(C)]
#[derive(Debug, Default)]
pub struct NativeBuiltins {
    /// `tail (vmctx, slots, libcall: i32, a: i32, b: i32)`: makes a libcall. Returns only if the libcall succeeds.
    pub libcall: AtomicPtr<c_void>,
    /// `tail (vmctx, slots, tag: i32)`: throws an exception. Does not return.
    pub throw: AtomicPtr<c_void>,
    /// `tail (vmctx, code: i32)`: raises a trap. Does not return.
    pub raise: AtomicPtr<c_void>,
    /// The OSR trampoline, an [`ArrayFn`]: enters the loop code in [`VmStore::callee`] with the interpreter's frame.
    pub osr_entry: AtomicPtr<c_void>,
    /// `extern "C" (store)`: resumes at [`VmStore::resume_point`].
    pub resume: AtomicPtr<c_void>,
    /// `extern "C" (store, cell, callee, slots) -> status`: interprets a function. Sets [`VmStore::resume_point`]
    /// unless it returns [`Status::Ok`] or [`Status::TailCall`].
    pub enter_interpreter: AtomicPtr<c_void>,
    /// `extern "C" (vmctx, code: i32)`: sets [`VmStore::resume_point`] for the trap with this code, or for the pending
    /// exception if the code is 0.
    pub unwind: AtomicPtr<c_void>,
    /// `extern "C" (store, status: i32)`: sets [`VmStore::resume_point`] for a call that ended with this status.
    pub fail: AtomicPtr<c_void>,
    /// The engine's native tier, which the functions above use.
    pub tier: AtomicPtr<c_void>,
    /// The continuation of a function whose frame does not fit on the native stack. Interprets the function in
    /// [`VmStore::callee`] with the arguments in place.
    pub stack_exhausted: AtomicPtr<c_void>,
    /// The lazy-binding stub: finds the entry point of the function in [`VmStore::lazy_callee`] and jumps there.
    pub lazy_stub: AtomicPtr<c_void>,
}

/// The kind of code that an activation runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum ActivationKind {
    /// The interpreter, called by the host.
    Interpreter = 0,
    /// The interpreter, called by native code through a native-to-interpreter trampoline.
    InterpreterFromNative = 1,
    /// Native code.
    Native = 2,
}

/// A run of guest frames of one kind.
///
/// Activations form a list, innermost first. Backtraces, root scanning, throws and traps walk it.
#[repr(C)]
#[derive(Debug)]
pub struct Activation {
    /// The next outer activation.
    pub prev: *mut Activation,
    /// The kind of its frames.
    pub kind: ActivationKind,
    /// The instance with which it was entered.
    pub vmctx: *mut VmCtx,
    /// Interpreter: the record below the first frame.
    pub base_record: *mut c_void,
    /// Native: the address of the frame pointer and return address that describe the innermost native frame, saved at
    /// the last exit to the runtime. Points into the frame of the exit trampoline, or at `fault`.
    pub exit_frame: *const [usize; 2],
    /// Native: frame pointer and return address at the last fault.
    pub fault: [usize; 2],
    /// Native: the frame pointer of the trampoline that entered the activation.
    pub entry_fp: usize,
    /// Native: the stack pointer of that trampoline.
    pub entry_sp: usize,
    /// Native: the address at which that trampoline handles traps and uncaught exceptions.
    pub entry_handler: usize,
}

/// Interrupt bit: another thread wants the guest to stop.
pub const INTERRUPT_STOP: u32 = 1;
/// Interrupt bit: the interpreter must report its position at the next function entry or back-edge
/// ([`crate::Libcall::Sample`]). Native code ignores this bit.
pub const INTERRUPT_SAMPLE: u32 = 2;

/// The part of a store that code accesses.
#[repr(C)]
#[derive(Debug)]
pub struct VmStore {
    /// The pending interrupts: [`INTERRUPT_STOP`] and [`INTERRUPT_SAMPLE`]. Code checks this word at function entries
    /// and back-edges. Other threads access only this field and the next one.
    pub interrupt: AtomicU32,
    /// Whether the engine's sampler watches this store.
    pub is_sampled: AtomicBool,
    /// The code of the trap in progress.
    pub trap: u32,
    /// The remaining gas. Below zero, gas is exhausted.
    pub gas: i64,
    /// The lowest address that native code may use on the host stack. Below it, functions are interpreted.
    pub stack_limit: usize,
    /// The newest record on the interpreter's stack.
    pub record: *mut c_void,
    /// The first free slot of the interpreter's stack, valid while the interpreter is not running.
    pub stack_top: *mut u64,
    /// The innermost activation.
    pub activation: *mut Activation,
    /// The innermost activation at the last call from the host. An exception that no frame above it catches is
    /// uncaught.
    pub host_activation: *mut Activation,
    /// The callee of an array function, a native-to-interpreter trampoline or [`NativeBuiltins::stack_exhausted`]. For
    /// [`NativeBuiltins::osr_entry`], the OSR code.
    pub callee: *const FuncCell,
    /// The tagged record for [`NativeBuiltins::lazy_stub`]; see [`CalleeRecord::from_tagged`].
    pub lazy_callee: *mut c_void,
    /// The resolved target of an indirect tail call, or the target returned with [`Status::TailCall`].
    pub tail_call: TailCallTarget,
    /// The point at which [`NativeBuiltins::resume`] continues.
    pub resume_point: ResumePoint,
    /// The tag of the pending exception.
    pub exception_tag: *const VmTag,
    /// The arguments of the pending exception.
    pub exception_args: *mut u64,
    /// The first byte of the GC heap.
    pub heap_base: *mut u8,
    /// The offset of the next object in the GC heap.
    pub heap_top: u32,
    /// The offset at which allocation must stop.
    pub heap_limit: u32,
    /// The libcalls.
    pub libcalls: *const Libcalls,
    /// The runtime's entry points for native code; null without a native tier.
    pub builtins: *const NativeBuiltins,
    /// The runtime's store, which owns this struct.
    pub owner: *mut c_void,
    /// The stack reserve: the bytes below `stack_limit` in which the interpreter takes over from native code.
    pub stack_reserve: usize,
    /// A function that the interpreter must execute although it has native code, because the native code ran out of
    /// stack.
    pub force_interpreted: *const FuncCell,
}

/// The tag of host values. A reference to host value `n` is `8 * n + EXTERN_TAG`. It is not a multiple of 8, so it
/// never looks like a heap reference.
pub const EXTERN_TAG: u32 = 2;

/// The header of an object on the GC heap.
///
/// A heap reference is an offset into the heap: a multiple of 8, and never 0. The collector ignores all other reference
/// values.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct ObjectHeader {
    /// The object's canonical type.
    pub type_id: u32,
    /// During a collection, the object's new offset; otherwise 0.
    pub forward: u32,
}

/// Returns a structure field's offset from the object header, in bytes.
///
/// A field takes as many slots as its type. For `index` equal to the number of fields, this is the size of the
/// structure.
pub fn field_offset(fields: &[FieldType], index: u32) -> u32 {
    let slots = fields.iter().take(index as usize).map(|field| match field.storage {
        StorageType::Val(ty) => ty.slots(),
        StorageType::I8 | StorageType::I16 => 1,
    });
    size_of::<ObjectHeader>() as u32 + 8 * slots.sum::<u32>()
}

/// The fixed part of an instance. The variable part follows it; see [`VmCtxLayout`].
#[repr(C, align(16))]
#[derive(Debug)]
pub struct VmCtx {
    /// Its store.
    pub store: *mut VmStore,
    /// Memory 0, or an empty memory if the module has none.
    pub memory0: *const VmMemory,
    /// The cells of the module's defined functions.
    pub cells: *const FuncCell,
    /// The canonical ids of the module's types, by type index.
    pub type_ids: *const u32,
    /// The runtime's instance.
    pub instance: *mut c_void,
}

/// The location of a table, memory or global in an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VmCtxLocation {
    /// The offset from the start of the instance, in bytes.
    pub offset: u32,
    /// Whether the entity is imported: then the instance holds a pointer to it instead of the entity.
    pub imported: bool,
}

/// The offsets in an instance's variable part. They depend on the module alone.
#[derive(Clone, Debug, Default)]
pub struct VmCtxLayout {
    imports: u32,
    imported_tables: u32,
    imported_memories: u32,
    imported_globals: u32,
    imported_tags: u32,
    globals: u32,
    tables: u32,
    memories: u32,
    tags: u32,
    func_refs: u32,
    size: u32,
    counts: [u32; 4],
    /// For each function, the index of its [`FuncRef`], if anything can refer to the function.
    func_ref_index: Vec<Option<u32>>,
    func_ref_count: u32,
}

impl VmCtxLayout {
    /// Computes the layout for a module's instances.
    pub fn new(module: &Module) -> VmCtxLayout {
        let mut at = size_of::<VmCtx>() as u32;
        let mut allocate = |size: usize, count: u32| {
            let start = at;
            at += size as u32 * count;
            start
        };
        let pointer = size_of::<usize>();
        let globals = allocate(size_of::<VmGlobal>(), module.globals.len() as u32 - module.imported_globals);
        let mut func_ref_count = 0;
        let func_ref_index = module.escaping.iter().map(|escapes| {
            escapes.then(|| {
                func_ref_count += 1;
                func_ref_count - 1
            })
        });
        let func_ref_index = func_ref_index.collect();
        VmCtxLayout {
            globals,
            imports: allocate(size_of::<VmImport>(), module.imported_funcs),
            imported_tables: allocate(pointer, module.imported_tables),
            imported_memories: allocate(pointer, module.imported_memories),
            imported_globals: allocate(pointer, module.imported_globals),
            imported_tags: allocate(pointer, module.imported_tags),
            tables: allocate(size_of::<VmTable>(), module.tables.len() as u32 - module.imported_tables),
            memories: allocate(size_of::<VmMemory>(), module.memories.len() as u32 - module.imported_memories),
            tags: allocate(pointer, module.tags.len() as u32 - module.imported_tags),
            func_refs: allocate(size_of::<FuncRef>(), func_ref_count),
            counts: [module.imported_tables, module.imported_memories, module.imported_globals, module.imported_tags],
            func_ref_index,
            func_ref_count,
            size: at,
        }
    }

    /// Returns the size of an instance, in bytes.
    pub fn size(&self) -> u32 {
        self.size
    }

    /// Returns the offset of an imported function's [`VmImport`].
    pub fn import(&self, func: u32) -> u32 {
        self.imports + func * size_of::<VmImport>() as u32
    }

    /// Returns the location of a table's [`VmTable`].
    pub fn table(&self, table: u32) -> VmCtxLocation {
        location(table, self.counts[0], self.imported_tables, self.tables, size_of::<VmTable>())
    }

    /// Returns the location of a memory's [`VmMemory`].
    pub fn memory(&self, memory: u32) -> VmCtxLocation {
        location(memory, self.counts[1], self.imported_memories, self.memories, size_of::<VmMemory>())
    }

    /// Returns the location of a global's [`VmGlobal`].
    pub fn global(&self, global: u32) -> VmCtxLocation {
        location(global, self.counts[2], self.imported_globals, self.globals, size_of::<VmGlobal>())
    }

    /// Returns the offset of the pointer to a tag's [`VmTag`].
    ///
    /// Tags live outside instances, so that each has one address.
    pub fn tag(&self, tag: u32) -> u32 {
        location(tag, self.counts[3], self.imported_tags, self.tags, size_of::<usize>()).offset
    }

    /// Returns the offset of a function's [`FuncRef`], if anything can refer to the function.
    pub fn func_ref(&self, func: u32) -> Option<u32> {
        let index = (*self.func_ref_index.get(func as usize)?)?;
        Some(self.func_refs + index * size_of::<FuncRef>() as u32)
    }

    /// Returns the number of function references.
    pub fn func_ref_count(&self) -> u32 {
        self.func_ref_count
    }
}

fn location(index: u32, imported: u32, imports: u32, own: u32, size: usize) -> VmCtxLocation {
    if index < imported {
        VmCtxLocation { offset: imports + index * size_of::<usize>() as u32, imported: true }
    } else {
        VmCtxLocation { offset: own + (index - imported) * size as u32, imported: false }
    }
}

// Layout assumptions of the interpreter and the code generator.
const _: () = {
    assert!(size_of::<VmGlobal>() == 16 && align_of::<VmGlobal>() == 16);
    assert!(size_of::<VmCtx>().is_multiple_of(16));
    assert!(std::mem::offset_of!(VmCtx, store) == 0);
    assert!(std::mem::offset_of!(FuncRef, native) == 0 && std::mem::offset_of!(FuncCell, native) == 0);
};
