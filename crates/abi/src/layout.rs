//! The layouts that code and runtime share. One `repr(C)` struct each; code takes its offsets from `offset_of!`, so a
//! field has one home. An instance's variable part is laid out by [`VmCtxLayout`].
//!
//! Slots are 8 bytes: an `i32` or `f32` is zero-extended, a `v128` takes two. A function reference is a `*FuncRef` or
//! null, any other reference a 32-bit number with 0 for null.

use std::ffi::c_void;
use std::mem::offset_of;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, Ordering};

use kinglet_wasm::Module;
use kinglet_wasm::types::{FieldType, StorageType};

use crate::libcall::Libcalls;

/// How an array call or an activation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Status {
    /// Results are in the array.
    Ok = 0,
    /// A trap; noted by [`crate::Libcall::Raise`].
    Trap = 1,
    /// An exception is pending in [`VmStore`].
    Exception = 2,
    /// A host function returned an error, which the runtime keeps.
    HostError = 3,
    /// A host function panicked; the runtime keeps the payload.
    HostPanic = 4,
    /// [`VmStore::tail`] says what to call instead.
    TailCall = 5,
}

impl Status {
    /// From the number code returns; anything unknown counts as a trap.
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

/// A function that takes its arguments from an array of slots and leaves its results there: host functions, the way in
/// from the API, and the way between tiers. `callee` is the instance or host context it runs in.
pub type ArrayFn = unsafe extern "C" fn(callee: *mut VmCtx, caller: *mut VmCtx, slots: *mut u64) -> u32;

/// A host function that takes its arguments and gives its result in registers, as slots. It may be called with fewer
/// arguments than these, and has then no use for the others.
pub type RegisterFn =
    unsafe extern "C" fn(callee: *mut VmCtx, caller: *mut VmCtx, a: u64, b: u64, c: u64, d: u64) -> Returned;

/// What a [`RegisterFn`] returns.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Returned {
    /// A [`Status`].
    pub status: u64,
    /// The result's slot, if there is a result; the store's address if it has failed, so that whoever calls need not keep it.
    pub value: u64,
}

/// Whether host functions are called by their [`RegisterFn`], given how many parameters and results they have, and
/// whether any of these is a vector.
pub const fn in_registers(params: usize, results: usize, vectors: bool) -> bool {
    params <= 4 && results <= 1 && !vectors
}

/// One function of a module, shared by all its instances; or one host function.
#[repr(C)]
#[derive(Debug)]
pub struct FuncCell {
    /// Where native code calls it; null while it has no native code, and of host functions until native code first calls.
    pub native: AtomicPtr<c_void>,
    /// An [`ArrayFn`]: where hosts, and the interpreter if `entry` says so, call it.
    pub array: AtomicPtr<c_void>,
    /// Where the interpreter goes on: its own code, or the stub that makes an array call.
    pub entry: AtomicPtr<u32>,
    /// The interpreter's view of it; null for host functions. It never changes: like the others it is of a type that threads
    /// share.
    pub body: AtomicPtr<c_void>,
    /// Where native code calls it while it has no native code, with itself in [`VmStore::callee`]; null until asked for.
    pub bridge: AtomicPtr<c_void>,
    /// What a bridge tail-calls to have it tail-called with the arguments in [`VmStore::tail`]; null until then.
    pub adapter: AtomicPtr<c_void>,
    /// Slots of an argument array for it.
    pub array_slots: u32,
    /// Its canonical type; without meaning for constant expressions, which nothing calls.
    pub type_id: u32,
}

impl FuncCell {
    /// The interpreter's view of it; null for host functions.
    #[inline(always)]
    pub fn body(&self) -> *const c_void {
        self.body.load(Ordering::Relaxed)
    }
}

/// A reference to a function: exactly one per function of an instance.
#[repr(C)]
#[derive(Debug)]
pub struct FuncRef {
    /// A copy of the cell's; null until that has one and native code asks for it.
    pub native: AtomicPtr<c_void>,
    /// The function.
    pub cell: *const FuncCell,
    /// The instance or host context it runs in.
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
    /// A copy of the cell's native code, null if that has none when the instance is made, until native code asks for it; and
    /// the instance or host context it runs in.
    pub known: VmCallee,
    /// Code that has `known` found out, and goes on there; and this record. It finds the record in the first register of
    /// arguments, so it is only called where that is what is in it.
    pub asking: VmCallee,
    /// What native code calls: `asking`, or `known` once it is. What this points to never changes, so that both halves of a
    /// call go together however long before it they were read.
    pub callee: *const VmCallee,
}

/// What native code needs for a call.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct VmCallee {
    /// Where it is called.
    pub native: *mut c_void,
    /// Its first argument.
    pub vmctx: *mut VmCtx,
}

/// What knows where native code calls a function, or is to know, and is asked about: see [`Natives::ask`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Callable {
    /// A [`FuncCell`].
    Cell,
    /// A [`FuncRef`].
    Reference,
    /// A [`VmImport`].
    Import,
}

impl Callable {
    /// Every one, in the order of their numbers.
    pub const ALL: [Callable; 3] = [Callable::Cell, Callable::Reference, Callable::Import];

    /// Where the address is in it.
    pub const fn native(self) -> usize {
        match self {
            Callable::Cell => offset_of!(FuncCell, native),
            Callable::Reference => offset_of!(FuncRef, native),
            Callable::Import => offset_of!(VmImport, known) + offset_of!(VmCallee, native),
        }
    }

    /// The record and what it is, of what is asked about: a record's address plus its kind's number, which is less than
    /// its alignment.
    pub fn asked(asked: *mut c_void) -> (*mut c_void, Callable) {
        let which = Callable::ALL[asked.addr() % align_of::<FuncRef>() % Callable::ALL.len()];
        (asked.wrapping_byte_sub(which as usize), which)
    }
}

/// A memory, as code sees it.
#[repr(C)]
#[derive(Debug)]
pub struct VmMemory {
    /// Its first byte.
    pub base: *mut u8,
    /// Its length in bytes.
    pub len: usize,
}

/// A table, as code sees it.
#[repr(C)]
#[derive(Debug)]
pub struct VmTable {
    /// Its elements, one slot each. In a lazily initialised table, what is null may only not be there yet: see
    /// [`Libcall::LazyElement`](crate::Libcall).
    pub elements: *mut u64,
    /// How many there are.
    pub len: usize,
    /// Not 0 if anything has been written to it that is not what its module says.
    pub written: u64,
}

/// A global, as code sees it.
#[repr(C, align(16))]
#[derive(Debug, Default)]
pub struct VmGlobal {
    /// Its value.
    pub slots: [u64; 2],
}

/// A tag: an exception's is compared by address.
#[repr(C)]
#[derive(Debug)]
pub struct VmTag {
    /// Its canonical function type.
    pub type_id: u32,
}

/// What a tail call out of an activation wants called.
#[repr(C)]
#[derive(Debug)]
pub struct TailTarget {
    /// The function.
    pub cell: *const FuncCell,
    /// The instance or host context it runs in.
    pub vmctx: *mut VmCtx,
    /// Its arguments; valid until the interpreter runs again.
    pub args: *mut u64,
}

/// Where native code goes on after a throw or trap.
#[repr(C)]
#[derive(Debug)]
pub struct Resume {
    /// Address.
    pub pc: usize,
    /// Stack pointer.
    pub sp: usize,
    /// Frame pointer.
    pub fp: usize,
    /// What the landing code finds in its payload registers.
    pub payload: [usize; 2],
}

/// Where native code calls the runtime, other than cells: one table per engine, which is
/// filled before any native code is published.
#[repr(C)]
#[derive(Debug, Default)]
pub struct Natives {
    /// `tail (vmctx, slots, libcall: i32, a: i32, b: i32)`: a libcall; does not return if that fails.
    pub libcall: AtomicPtr<c_void>,
    /// `tail (vmctx, slots, tag: i32)`: throws, and does not return.
    pub throw: AtomicPtr<c_void>,
    /// `tail (vmctx, code: i32)`: traps, and does not return.
    pub raise: AtomicPtr<c_void>,
    /// An [`ArrayFn`] that takes an interpreter's frame to the native loop at [`VmStore::callee`].
    pub enter_loop: AtomicPtr<c_void>,
    /// `extern "C" (store)`: goes to [`VmStore::resume`].
    pub resume: AtomicPtr<c_void>,
    /// `extern "C" (store, cell, callee, slots) -> status`: runs what has no native code. Unless it returns
    /// [`Status::Ok`] or [`Status::TailCall`] it has set [`VmStore::resume`].
    pub enter: AtomicPtr<c_void>,
    /// `extern "C" (vmctx, code: i32)`: sets [`VmStore::resume`] for a trap, or with 0 for the pending exception.
    pub unwind: AtomicPtr<c_void>,
    /// `extern "C" (store, status: i32)`: sets [`VmStore::resume`] for a call that ended with this status.
    pub fail: AtomicPtr<c_void>,
    /// What the runtime's functions above need: the engine's native tier.
    pub tier: AtomicPtr<c_void>,
    /// Where a function goes on, with its arguments as they are and itself in [`VmStore::callee`], for whose frame there is
    /// too little of the stack: has it interpreted.
    pub interpret: AtomicPtr<c_void>,
    /// Where native code calls what it knows no native code of, with that in [`VmStore::asked`]: has it found out, and goes
    /// on there.
    pub ask: AtomicPtr<c_void>,
}

/// What kind of code an activation runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum ActivationKind {
    /// The interpreter, entered by the host.
    Interpreter = 0,
    /// The interpreter, entered by native code through a bridge.
    Bridge = 1,
    /// Native code.
    Native = 2,
}

/// A stretch of guest frames of one kind. They form a list, innermost first, that backtraces, root scanning, throws and
/// traps walk.
#[repr(C)]
#[derive(Debug)]
pub struct Activation {
    /// The next outer one.
    pub prev: *mut Activation,
    /// What it runs.
    pub kind: ActivationKind,
    /// The instance it was entered with.
    pub vmctx: *mut VmCtx,
    /// Interpreter: the record below its first frame.
    pub base_record: *mut c_void,
    /// Native: where frame pointer and return address at the last call out are, in this order. That is the beginning of the
    /// frame of what was called, or `fault`.
    pub exit_frame: *const [usize; 2],
    /// The same at the last fault.
    pub fault: [usize; 2],
    /// Native: the frame of the entry trampoline.
    pub entry_fp: usize,
    /// Native: its stack pointer.
    pub entry_sp: usize,
    /// Native: where it handles what nothing else caught.
    pub entry_handler: usize,
}

/// Some thread wants the guest to stop.
pub const INTERRUPT_STOP: u32 = 1;
/// The interpreter is to tell what it runs at the next function's entry or back-edge ([`crate::Libcall::Sample`]).
/// Native code takes no notice.
pub const INTERRUPT_SAMPLE: u32 = 2;

/// What is one per store.
#[repr(C)]
#[derive(Debug)]
pub struct VmStore {
    /// Why guest code should call out at its next check: [`INTERRUPT_STOP`], [`INTERRUPT_SAMPLE`]. Other threads
    /// touch this field and the next one only.
    pub interrupt: AtomicU32,
    /// Whether the engine asks for samples of it.
    pub watched: AtomicBool,
    /// The code of the trap under way.
    pub trap: u32,
    /// Gas left; below zero it is used up.
    pub gas: i64,
    /// Lowest address the host stack may reach in native code; below it functions are interpreted.
    pub stack_limit: usize,
    /// The newest record of the interpreter's stack.
    pub record: *mut c_void,
    /// The first free slot of the interpreter's stack while it is not running.
    pub stack_top: *mut u64,
    /// The innermost activation.
    pub activation: *mut Activation,
    /// The innermost activation when the host last called in: what catches nothing above it is uncaught.
    pub host_activation: *mut Activation,
    /// The function being called by its bridge or its array function; for [`Natives::enter_loop`] the loop's code.
    pub callee: *const FuncCell,
    /// What native code is about to call by way of [`Natives::ask`]: see [`Callable::asked`].
    pub asked: *mut c_void,
    /// Set with [`Status::TailCall`].
    pub tail: TailTarget,
    /// See [`Resume`].
    pub resume: Resume,
    /// The pending exception's tag.
    pub exception_tag: *const VmTag,
    /// The pending exception's arguments.
    pub exception_args: *mut u64,
    /// The first byte of the collected heap.
    pub heap_base: *mut u8,
    /// Where the next object goes, as an offset.
    pub heap_top: u32,
    /// Where allocation must stop.
    pub heap_limit: u32,
    /// The runtime's functions.
    pub libcalls: *const Libcalls,
    /// The runtime's native entries; null without a native tier.
    pub natives: *const Natives,
    /// The embedder's store.
    pub owner: *mut c_void,
    /// How many bytes below `stack_limit` are left for the interpreter, which takes over from native code there.
    pub spare_stack: usize,
    /// The function that the interpreter is to run itself if it is entered with it, though there is native code: that had
    /// too little of the stack.
    pub interpreted: *const FuncCell,
}

/// Added to eight times its number, it makes the reference to a value of the host: no multiple of 8, so that it is never
/// taken for one to the heap.
pub const EXTERN_TAG: u32 = 2;

/// What precedes an object's fields on the collected heap. References are offsets of it, multiples of 8 and never 0;
/// what a reference is otherwise is no pointer and left alone by the collector.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct ObjectHeader {
    /// The object's canonical type.
    pub type_id: u32,
    /// While a collection moves objects: where this one went. 0 otherwise.
    pub forward: u32,
}

/// Where a structure's field is, in bytes from its header; a field takes as many slots as its type. With the number of
/// fields as index it is the structure's size.
pub fn field_offset(fields: &[FieldType], index: u32) -> u32 {
    let slots = fields.iter().take(index as usize).map(|field| match field.storage {
        StorageType::Val(ty) => ty.slots(),
        StorageType::I8 | StorageType::I16 => 1,
    });
    size_of::<ObjectHeader>() as u32 + 8 * slots.sum::<u32>()
}

/// The fixed part of an instance, followed by what [`VmCtxLayout`] says.
#[repr(C, align(16))]
#[derive(Debug)]
pub struct VmCtx {
    /// Its store.
    pub store: *mut VmStore,
    /// Memory 0, or one without bytes.
    pub memory0: *const VmMemory,
    /// The cells of the functions the module defines.
    pub cells: *const FuncCell,
    /// Canonical ids of the module's types, by index.
    pub type_ids: *const u32,
    /// The runtime's instance.
    pub instance: *mut c_void,
}

/// Where in an instance something is: the thing itself, or a pointer to it if it is imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Bytes from the instance's first.
    pub offset: u32,
    /// Whether a pointer is there.
    pub imported: bool,
}

/// Offsets of an instance's variable part: a pure function of its module.
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
    /// For every function its place among the function references, if anything can refer to it.
    func_ref_index: Vec<Option<u32>>,
    func_ref_count: u32,
}

impl VmCtxLayout {
    /// The layout of a module's instances.
    pub fn new(module: &Module) -> VmCtxLayout {
        let mut at = size_of::<VmCtx>() as u32;
        let mut take = |size: usize, count: u32| {
            let start = at;
            at += size as u32 * count;
            start
        };
        let pointer = size_of::<usize>();
        let globals = take(size_of::<VmGlobal>(), module.globals.len() as u32 - module.imported_globals);
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
            imports: take(size_of::<VmImport>(), module.imported_funcs),
            imported_tables: take(pointer, module.imported_tables),
            imported_memories: take(pointer, module.imported_memories),
            imported_globals: take(pointer, module.imported_globals),
            imported_tags: take(pointer, module.imported_tags),
            tables: take(size_of::<VmTable>(), module.tables.len() as u32 - module.imported_tables),
            memories: take(size_of::<VmMemory>(), module.memories.len() as u32 - module.imported_memories),
            tags: take(pointer, module.tags.len() as u32 - module.imported_tags),
            func_refs: take(size_of::<FuncRef>(), func_ref_count),
            counts: [module.imported_tables, module.imported_memories, module.imported_globals, module.imported_tags],
            func_ref_index,
            func_ref_count,
            size: at,
        }
    }

    /// The size of an instance in bytes.
    pub fn size(&self) -> u32 {
        self.size
    }

    /// The [`VmImport`] of an imported function.
    pub fn import(&self, func: u32) -> u32 {
        self.imports + func * size_of::<VmImport>() as u32
    }

    /// The [`VmTable`] of a table.
    pub fn table(&self, table: u32) -> Place {
        place(table, self.counts[0], self.imported_tables, self.tables, size_of::<VmTable>())
    }

    /// The [`VmMemory`] of a memory.
    pub fn memory(&self, memory: u32) -> Place {
        place(memory, self.counts[1], self.imported_memories, self.memories, size_of::<VmMemory>())
    }

    /// The [`VmGlobal`] of a global.
    pub fn global(&self, global: u32) -> Place {
        place(global, self.counts[2], self.imported_globals, self.globals, size_of::<VmGlobal>())
    }

    /// The pointer to the [`VmTag`] of a tag; tags live outside, so that their addresses are theirs alone.
    pub fn tag(&self, tag: u32) -> u32 {
        place(tag, self.counts[3], self.imported_tags, self.tags, size_of::<usize>()).offset
    }

    /// The [`FuncRef`] of a function that can be referred to.
    pub fn func_ref(&self, func: u32) -> Option<u32> {
        let index = (*self.func_ref_index.get(func as usize)?)?;
        Some(self.func_refs + index * size_of::<FuncRef>() as u32)
    }

    /// How many function references there are.
    pub fn func_ref_count(&self) -> u32 {
        self.func_ref_count
    }
}

fn place(index: u32, imported: u32, imports: u32, own: u32, size: usize) -> Place {
    if index < imported {
        Place { offset: imports + index * size_of::<usize>() as u32, imported: true }
    } else {
        Place { offset: own + (index - imported) * size as u32, imported: false }
    }
}

// What the interpreter and the code generator take for granted.
const _: () = {
    assert!(size_of::<VmGlobal>() == 16 && align_of::<VmGlobal>() == 16);
    assert!(size_of::<VmCtx>().is_multiple_of(16));
    assert!(std::mem::offset_of!(VmCtx, store) == 0);
    assert!(std::mem::offset_of!(FuncRef, native) == 0 && std::mem::offset_of!(FuncCell, native) == 0);
};
