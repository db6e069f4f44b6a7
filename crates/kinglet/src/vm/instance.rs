//! Instances: the layout of their contexts, and the steps of instantiation (core specification, "Instantiation").

use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicPtr, Ordering};

use kinglet_abi::{FuncRef, MemoryPlan, VmCallee, VmCtx, VmCtxLayout, VmGlobal, VmImport, VmMemory, VmTable, VmTag};
use kinglet_wasm::Feature;
use kinglet_wasm::module::{ConstExpr, ElemItems, ExternIndex, SegmentMode};
use kinglet_wasm::types::{IndexType, ValType};

use tracing::debug;

use super::address::Owned;
use super::call::call_cell;
use super::func::FuncPointer;
use super::host::HostFuncSet;
use super::libcalls::{init_memory, init_table};
#[cfg(feature = "jit")]
use super::native::lazy_import_stub;
use super::pool::RecycledInstance;
use super::{GlobalInstance, MemoryInstance, TableInstance, TagInstance};
use crate::limits::StoreLimit;
use crate::store::{LimiterRequest, ResourceKind, StoreCore};
use crate::{Error, Extern, Func, Module, Result};

/// An instance in a store.
#[derive(Debug)]
pub(crate) struct InstanceData {
    /// The module whose code runs. It differs from the instantiated module if the code of that module cannot use the
    /// memories.
    pub(crate) module: Module,
    /// The instantiated module, if it differs from `module`.
    pub(crate) origin: Option<Module>,
    /// The store's index of each memory.
    pub(crate) memories: Vec<usize>,
    pub(crate) tables: Vec<usize>,
    /// The store's indices of globals. The list contains only imported globals until the first access to a defined
    /// global, which extends it. A defined global is added to the store on its first access.
    pub(super) globals: Vec<usize>,
    pub(crate) tags: Vec<usize>,
    pub(super) imported_funcs: Vec<FuncPointer>,
    pub(super) datas: DroppedSegments,
    pub(super) elems: DroppedSegments,
    /// The values of element segments that contain more than functions and null, ordered by segment.
    pub(super) elem_values: Vec<(u32, Box<[u64]>)>,
    pub(super) vmctx: VmCtxBox,
}

/// The dropped segments. Instantiation drops active and declarative segments in order. Guest code may drop the others
/// in any order.
#[derive(Debug, Default)]
pub(crate) struct DroppedSegments {
    /// Instantiation has processed all segments before this one.
    dropped_before: u32,
    /// One bit for each segment that guest code has dropped.
    others: Vec<u64>,
}

impl DroppedSegments {
    pub(super) fn drop_before(&mut self, end: u32) {
        self.dropped_before = end;
    }

    pub(super) fn drop(&mut self, segment: u32) {
        let word = segment as usize / 64;
        if self.others.len() <= word {
            self.others.resize(word + 1, 0);
        }
        self.others[word] |= 1 << (segment % 64);
    }

    pub(super) fn contains(&self, segment: u32, mode: SegmentMode) -> bool {
        let word = self.others.get(segment as usize / 64).copied().unwrap_or_default();
        (mode != SegmentMode::Passive && segment < self.dropped_before) || word >> (segment % 64) & 1 != 0
    }
}

/// The memory of a `VmCtx` and its variable part.
#[derive(Debug)]
pub(super) struct VmCtxBox(Owned<[u128]>);

impl VmCtxBox {
    /// # Errors
    /// If the system lacks memory. This can happen because the module determines the size.
    fn new(size: u32) -> Result<VmCtxBox> {
        let len = (size as usize).div_ceil(16);
        let mut memory: Vec<u128> = Vec::new();
        let out_of_memory = |_| Error::msg(format!("cannot allocate an instance of {size} bytes: out of memory"));
        memory.try_reserve_exact(len).map_err(out_of_memory)?;
        memory.resize(len, 0);
        Ok(VmCtxBox(Owned::new(memory.into_boxed_slice())))
    }

    fn pointer(&self) -> *mut VmCtx {
        self.0.pointer().as_ptr().cast()
    }
}

/// Returns an instance's index in its store; `None` for a host context or null.
pub(super) fn index_of(vmctx: *const VmCtx) -> Option<usize> {
    if vmctx.is_null() {
        return None;
    }
    // SAFETY: contexts live as long as their store. An instance's field holds its index plus one.
    unsafe { ((*vmctx).instance as usize).checked_sub(1) }
}

/// Returns the reference to a function of an instance; `None` if only direct calls refer to the function.
pub(crate) fn func_ref(core: &mut StoreCore, instance: usize, func: u32) -> Option<FuncPointer> {
    let data = &mut core.instances[instance];
    if let Some(imported) = data.imported_funcs.get(func as usize) {
        return Some(*imported);
    }
    let inner = data.module.inner().clone();
    let environment = inner.code().environment();
    let vmctx = data.vmctx.pointer();
    let offset = environment.layout.func_ref(func)?;
    // SAFETY: the layout places a function reference at this offset. It is zero until first use.
    unsafe {
        let func_ref = vmctx.byte_add(offset as usize).cast::<FuncRef>();
        if (*func_ref).cell.is_null() {
            let cell = environment.cell(func - environment.module.imported_funcs);
            let native = AtomicPtr::new((*cell).native.load(Ordering::Acquire));
            func_ref.write(FuncRef { native, cell, vmctx, type_id: environment.module.func_type_id(func).0 });
        }
        Some(FuncPointer(NonNull::new_unchecked(func_ref)))
    }
}

/// The imports of an instance.
pub(crate) enum Imports<'a> {
    /// In the module's order.
    Externs(&'a [Extern]),
    /// Host functions only.
    Hosts(&'a Arc<HostFuncSet>),
}

/// Instantiates a module whose imports have been checked. Returns the instance's index in the store. The instance stays
/// in the store even if a later step traps, because a table may already refer to its functions.
pub(crate) fn instantiate(core: &mut StoreCore, module: &Module, imports: &Imports<'_>) -> Result<usize> {
    core.count(ResourceKind::Instances, core.instances.len())?;
    let index = allocate(core, module, imports)?;
    init_globals(core, index)?;
    init_tables(core, index)?;
    init_elems(core, index)?;
    active_segments(core, index)?;
    start(core, index)?;
    Ok(index)
}

/// Returns whether an instance owns or imports a memory that code with the engine's settings cannot use. This happens
/// if the system refused a reservation, so that accesses need bounds checks.
fn needs_checks(core: &StoreCore, mut memories: impl Iterator<Item = usize>) -> bool {
    let settings = core.engine.settings();
    memories.any(|memory| {
        let memory = &core.memories[memory];
        !memory.supports(settings.memory_plan(&memory.ty()))
    })
}

fn allocate(core: &mut StoreCore, module: &Module, imports: &Imports<'_>) -> Result<usize> {
    let checked = match imports {
        Imports::Externs(imports) => {
            let memories = imports.iter().filter_map(|import| match import {
                Extern::Memory(memory) => Some(memory.index(core)),
                _ => None,
            });
            needs_checks(core, memories)
        }
        Imports::Hosts(_) => false,
    };
    let origin = module;
    let module = if checked { origin.checked() } else { origin };
    let inner = module.inner().clone();
    let environment = inner.code().environment();
    let (wasm, layout) = (&environment.module, &environment.layout);
    let RecycledInstance { vmctx, memories: recycled_memories, tables: recycled_tables, lists, imported_funcs } =
        inner.template.take();
    let vmctx = vmctx.map_or_else(|| VmCtxBox::new(layout.size()), Ok)?;
    let base = vmctx.pointer();
    let [memories, tables, globals, tags] = lists;
    let mut data = InstanceData {
        module: module.clone(),
        origin: checked.then(|| origin.clone()),
        memories,
        tables,
        globals,
        tags,
        imported_funcs,
        datas: DroppedSegments::default(),
        elems: DroppedSegments::default(),
        elem_values: Vec::new(),
        vmctx,
    };
    match imports {
        Imports::Externs(imports) => imports.iter().for_each(|import| match import {
            Extern::Func(func) => data.imported_funcs.push(func.pointer(core)),
            Extern::Memory(memory) => data.memories.push(memory.index(core)),
            Extern::Table(table) => data.tables.push(table.index(core)),
            Extern::Global(global) => data.globals.push(global.index(core)),
            Extern::Tag(tag) => data.tags.push(tag.index(core)),
        }),
        Imports::Hosts(set) => data.imported_funcs.extend_from_slice(core.hosts.functions_of(&core.vm, set)),
    }
    let before = (core.memories.len(), core.tables.len(), core.total);
    // SAFETY: the context was allocated with the layout of the same module, and all imports belong to the store.
    unsafe {
        write_imports(core, &data, layout, base);
        if let Err(error) =
            create_definitions(core, &mut data, wasm, layout, base, (recycled_memories, recycled_tables))
        {
            // The records of these objects are in the context, which is dropped.
            core.memories.truncate(before.0);
            core.tables.truncate(before.1);
            core.total = before.2;
            return Err(error);
        }
    }
    // The context does not depend on the code yet.
    if !checked && needs_checks(core, data.memories.iter().copied()) {
        data.module = origin.checked().clone();
        data.origin = Some(origin.clone());
    }
    let memory0 = match data.memories.first() {
        Some(memory) => core.memories[*memory].record().as_ptr().cast_const(),
        None => super::host::empty_memory(),
    };
    let fixed = VmCtx {
        store: core.vm.pointer().as_ptr(),
        memory0,
        cells: data.module.inner().code().environment().cells().as_ptr(),
        type_ids: wasm.types.as_ptr().cast(),
        instance: (core.instances.len() + 1) as *mut _,
    };
    // SAFETY: a context starts with its fixed part.
    unsafe { base.write(fixed) };
    core.instances.push(data);
    Ok(core.instances.len() - 1)
}

/// Without native code, nothing calls the stub.
#[cfg(not(feature = "jit"))]
fn lazy_import_stub() -> *mut std::ffi::c_void {
    std::ptr::null_mut()
}

/// Writes the imports into the context.
///
/// # Safety
/// `base` is a context of this layout, and `data` holds exactly the imports.
unsafe fn write_imports(core: &StoreCore, data: &InstanceData, layout: &VmCtxLayout, base: *mut VmCtx) {
    // SAFETY: every location is inside the context, at the layout's offset.
    unsafe {
        let at = |offset: u32| base.byte_add(offset as usize);
        for (i, func) in (0..).zip(&data.imported_funcs) {
            let &FuncRef { cell, vmctx, .. } = func.0.as_ref();
            let import = at(layout.import(i)).cast::<VmImport>();
            let native = (*cell).native.load(Ordering::Acquire);
            let callee = if native.is_null() { &raw const (*import).lazy_stub } else { &raw const (*import).resolved };
            let resolved = VmCallee { native, vmctx };
            let lazy_stub = VmCallee { native: lazy_import_stub(), vmctx: import.cast() };
            import.write(VmImport { cell, resolved, lazy_stub, callee });
        }
        for (i, memory) in (0..).zip(&data.memories) {
            at(layout.memory(i).offset).cast::<*mut VmMemory>().write(core.memories[*memory].record().as_ptr());
        }
        for (i, table) in (0..).zip(&data.tables) {
            at(layout.table(i).offset).cast::<*mut VmTable>().write(core.tables[*table].record().as_ptr());
        }
        for (i, global) in (0..).zip(&data.globals) {
            at(layout.global(i).offset).cast::<*mut VmGlobal>().write(core.globals[*global].record().as_ptr());
        }
    }
}

/// Creates the objects that the module defines. Their records are in the context.
///
/// # Safety
/// As for [`write_imports`]. If this succeeds, the context lives as long as the store.
unsafe fn create_definitions(
    core: &mut StoreCore,
    data: &mut InstanceData,
    wasm: &kinglet_wasm::Module,
    layout: &VmCtxLayout,
    base: *mut VmCtx,
    (memories, tables): (Vec<MemoryInstance>, Vec<TableInstance>),
) -> Result<()> {
    // SAFETY: every location is inside the context, at the layout's offset.
    unsafe {
        let at = |offset: u32| base.byte_add(offset as usize);
        let mut memories = memories.into_iter();
        for (i, ty) in (0..).zip(&wasm.memories).skip(data.memories.len()) {
            let record = NonNull::new(at(layout.memory(i).offset).cast::<VmMemory>());
            data.memories.push(new_memory(core, *ty, record, memories.next())?);
        }
        let mut tables = tables.into_iter();
        for (i, ty) in (0..).zip(&wasm.tables).skip(data.tables.len()) {
            let record = NonNull::new(at(layout.table(i).offset).cast::<VmTable>());
            data.tables.push(new_table(core, *ty, 0, record, tables.next())?);
        }
        if wasm.globals.len() > data.globals.len() {
            let values = data.module.inner().template.globals(wasm);
            let to = at(layout.global(wasm.imported_globals).offset).cast::<[u64; 2]>();
            std::ptr::copy_nonoverlapping(values.as_ptr(), to, values.len());
        }
        for tag in &wasm.tags[data.tags.len()..] {
            core.tags.push(TagInstance::of_instance(wasm.types[*tag as usize]));
            data.tags.push(core.tags.len() - 1);
        }
        for (i, tag) in (0..).zip(&data.tags) {
            at(layout.tag(i)).cast::<*const VmTag>().write(core.tags[*tag].record().as_ptr());
        }
    }
    Ok(())
}

/// Creates a memory, if the limits allow it. Returns its index in the store.
///
/// # Safety
/// `record` is valid as long as the store. `recycled` has the same type and the same record.
pub(crate) unsafe fn new_memory(
    core: &mut StoreCore,
    ty: kinglet_wasm::types::MemoryType,
    record: Option<NonNull<VmMemory>>,
    recycled: Option<MemoryInstance>,
) -> Result<usize> {
    let desired = super::memory::bytes(&ty, ty.min);
    if let Some(limit) = core.engine.config().memory_page_limit
        && ty.min > limit
    {
        return Err(Error::msg(format!("a memory of {} is over the limit of {}", pages(ty.min), pages(limit))));
    }
    let maximum = ty.max.and_then(|max| super::memory::bytes(&ty, max));
    let request = super::MemoryRequest { current: 0, desired: desired.unwrap_or(usize::MAX), maximum };
    core.count(ResourceKind::Memories, core.memories.len())?;
    let description = || format!("a memory of {}", pages(ty.min));
    core.check_allocation(request.desired, LimiterRequest::Memory(request), StoreLimit::MemorySize, description)?;
    let plan = core.engine.settings().memory_plan(&ty);
    // SAFETY: the caller promises that the record is valid as long as the store (see `# Safety`), which owns the
    // memory.
    let new = |plan| unsafe { MemoryInstance::new(ty, plan, record) };
    let create = || {
        super::pool::create_or_retry(&core.engine, request.desired, || new(plan)).or_else(|error| match plan {
            MemoryPlan::Reserved(_) => {
                debug!(%error, "memory accesses need bounds checks");
                new(MemoryPlan::Checked)
            }
            MemoryPlan::Checked => Err(error),
        })
    };
    let memory = recycled.map_or_else(create, Ok)?;
    core.total += request.desired;
    core.memories.push(memory);
    Ok(core.memories.len() - 1)
}

/// Creates a table, if the limits allow it. Returns its index in the store.
///
/// # Safety
/// `record` is valid as long as the store. `recycled` has the same type and the same record.
pub(crate) unsafe fn new_table(
    core: &mut StoreCore,
    ty: kinglet_wasm::types::TableType,
    init: u64,
    record: Option<NonNull<VmTable>>,
    recycled: Option<TableInstance>,
) -> Result<usize> {
    core.count(ResourceKind::Tables, core.tables.len())?;
    let maximum = ty.max.map(|max| max as usize);
    let request = LimiterRequest::Table { current: 0, desired: ty.min as usize, maximum };
    let bytes = super::table::bytes(ty.min);
    core.check_allocation(bytes, request, StoreLimit::TableElements, || format!("a table of {} elements", ty.min))?;
    // SAFETY: the caller promises that the record is valid as long as the store (see `# Safety`), which owns the table.
    let new = || unsafe { TableInstance::new(ty, init, record) };
    let table = recycled.map_or_else(new, Ok)?;
    core.total += bytes;
    core.tables.push(table);
    Ok(core.tables.len() - 1)
}

/// Evaluates a constant expression.
fn evaluate(core: &mut StoreCore, instance: usize, expr: ConstExpr) -> Result<[u64; 2]> {
    match expr {
        ConstExpr::Bits(bits) => Ok([bits as u64, (bits >> 64) as u64]),
        // SAFETY: the context holds the record, and no guest code runs.
        ConstExpr::GlobalGet(global) => Ok(unsafe { global_record(core, instance, global).as_ref().slots }),
        ConstExpr::RefFunc(func) => Ok([func_ref(core, instance, func).map_or(0, |f| f.to_bits()), 0]),
        ConstExpr::Body(index) => {
            let cell = core.instances[instance].module.inner().clone().code().environment().const_cell(index);
            let vmctx = core.instances[instance].vmctx.pointer();
            let mut slots = [0; 2];
            call_cell(core, cell, vmctx, &mut slots)?;
            Ok(slots)
        }
    }
}

/// Evaluates initial values of globals that are not plain constants.
fn init_globals(core: &mut StoreCore, instance: usize) -> Result<()> {
    let inner = core.instances[instance].module.inner().clone();
    let wasm = inner.wasm();
    for i in wasm.evaluated_globals() {
        let value = evaluate(core, instance, wasm.defined_globals[*i as usize].init)?;
        let record = global_record(core, instance, wasm.imported_globals + i);
        // SAFETY: the context holds the record, and no guest code runs.
        unsafe { (*record.as_ptr()).slots = value };
    }
    Ok(())
}

/// Returns the record of a global.
pub(super) fn global_record(core: &StoreCore, instance: usize, global: u32) -> NonNull<VmGlobal> {
    let data = &core.instances[instance];
    let environment = data.module.inner().code().environment();
    if global < environment.module.imported_globals {
        return core.globals[data.globals[global as usize]].record();
    }
    // SAFETY: the layout places the global at this offset in the context.
    unsafe {
        let record = data.vmctx.pointer().byte_add(environment.layout.global(global).offset as usize);
        NonNull::new_unchecked(record.cast())
    }
}

/// Returns the store's index of a global. A defined global is added to the store on first access.
fn global(core: &mut StoreCore, instance: usize, global: u32) -> usize {
    let record = global_record(core, instance, global);
    let data = &mut core.instances[instance];
    let global_types = &data.module.inner().wasm().globals;
    if data.globals.len() < global_types.len() {
        data.globals.resize(global_types.len(), usize::MAX);
    }
    let index = &mut data.globals[global as usize];
    if *index == usize::MAX {
        *index = core.globals.len();
        // SAFETY: the context lives as long as the store.
        core.globals.push(unsafe { GlobalInstance::new(global_types[global as usize], Some(record), None) });
    }
    *index
}

fn init_tables(core: &mut StoreCore, instance: usize) -> Result<()> {
    let inner = core.instances[instance].module.inner().clone();
    let wasm = inner.wasm();
    for (i, table) in wasm.defined_tables.iter().enumerate() {
        let Some(init) = table.init else { continue };
        let value = evaluate(core, instance, init)?[0];
        let index = core.instances[instance].tables[wasm.imported_tables as usize + i];
        let size = core.tables[index].size();
        if let Some(elements) = super::table::elements(core, index, 0, size) {
            elements.fill(value);
        }
    }
    Ok(())
}

/// Evaluates the element segments that contain more than functions and null.
fn init_elems(core: &mut StoreCore, instance: usize) -> Result<()> {
    let inner = core.instances[instance].module.inner().clone();
    for i in inner.wasm().evaluated_elems() {
        if let ElemItems::Exprs(exprs) = &inner.wasm().elems[*i as usize].items {
            let values: Result<Box<[u64]>> = exprs.iter().map(|expr| Ok(evaluate(core, instance, *expr)?[0])).collect();
            core.instances[instance].elem_values.push((*i, values?));
        }
    }
    Ok(())
}

fn active_segments(core: &mut StoreCore, instance: usize) -> Result<()> {
    let inner = core.instances[instance].module.inner().clone();
    let wasm = inner.wasm();
    for (i, initial) in (0..).zip(wasm.initial_tables()) {
        if let Some(initial) = initial {
            super::table::initialize(core, instance, i, initial);
        }
    }
    for i in wasm.remaining_active_elems() {
        let elem = &wasm.elems[*i as usize];
        let SegmentMode::Active { target, offset } = elem.mode else { continue };
        core.instances[instance].elems.drop_before(*i);
        let offset = segment_offset(core, instance, offset, wasm.tables[target as usize].index.val_type())?;
        let table = core.instances[instance].tables[target as usize];
        let length = elem.items.len() as u64;
        init_table(core, instance, table, *i, offset, 0, length).map_err(|error| {
            let size = core.tables[table].size();
            Error::from(error).context(format!(
                "element segment {i} of length {length} does not fit at {offset} of table {target}, whose size is {size}"
            ))
        })?;
    }
    let data = &mut core.instances[instance];
    data.elems.drop_before(u32::MAX);
    data.elem_values.retain(|(i, _)| wasm.elems[*i as usize].mode == SegmentMode::Passive);
    if let Some(image) = inner.template.image(wasm, core.engine.config().pool.is_some()) {
        let memory = core.instances[instance].memories[0];
        core.memories[memory].initialize(image)?;
        core.instances[instance].datas.drop_before(u32::MAX);
        return Ok(());
    }
    for (i, data) in (0..).zip(&wasm.datas) {
        core.instances[instance].datas.drop_before(i);
        if let SegmentMode::Active { target, offset } = data.mode {
            let offset = segment_offset(core, instance, offset, wasm.memories[target as usize].index.val_type())?;
            let memory = core.instances[instance].memories[target as usize];
            let length = data.range.len();
            init_memory(core, instance, memory, i, offset, 0, length as u64).map_err(|error| {
                let size = core.memories[memory].data().len();
                Error::from(error).context(format!(
                    "data segment {i} of length {length} does not fit at {offset:#x} of memory {target}, whose size is {size:#x}"
                ))
            })?;
        }
    }
    core.instances[instance].datas.drop_before(u32::MAX);
    Ok(())
}

fn segment_offset(core: &mut StoreCore, instance: usize, offset: ConstExpr, ty: ValType) -> Result<u64> {
    let bits = evaluate(core, instance, offset)?[0];
    Ok(if ty == ValType::I64 { bits } else { bits as u32 as u64 })
}

fn start(core: &mut StoreCore, instance: usize) -> Result<()> {
    let inner = core.instances[instance].module.inner().clone();
    let environment = inner.code().environment();
    let Some(func) = environment.module.start else { return Ok(()) };
    match func.checked_sub(environment.module.imported_funcs) {
        Some(defined) => {
            let vmctx = core.instances[instance].vmctx.pointer();
            call_cell(core, environment.cell(defined), vmctx, &mut [])
        }
        None => {
            let func = core.instances[instance].imported_funcs[func as usize];
            // SAFETY: function references live as long as the store.
            let (cell, vmctx) = unsafe { (func.0.as_ref().cell, func.0.as_ref().vmctx) };
            call_cell(core, cell, vmctx, &mut [])
        }
    }
}

/// Formats a number of pages.
fn pages(count: u64) -> String {
    format!("{count} {}", if count == 1 { "page" } else { "pages" })
}

/// Returns the export at an index.
pub(crate) fn export(core: &mut StoreCore, instance: usize, index: ExternIndex) -> Option<Extern> {
    let id = core.id;
    let data = &core.instances[instance];
    Some(match index {
        ExternIndex::Func(i) => Extern::Func(Func::from_pointer(func_ref(core, instance, i)?, id)),
        ExternIndex::Memory(i) => Extern::Memory(crate::Memory::new_handle(id, data.memories[i as usize])),
        ExternIndex::Table(i) => Extern::Table(crate::Table::new_handle(id, data.tables[i as usize])),
        ExternIndex::Global(i) => Extern::Global(crate::Global::new_handle(id, global(core, instance, i))),
        ExternIndex::Tag(i) => Extern::Tag(crate::Tag::new_handle(id, data.tags[i as usize])),
    })
}

/// Creates a memory that belongs to no instance.
pub(crate) fn host_memory(core: &mut StoreCore, ty: kinglet_wasm::types::MemoryType) -> Result<usize> {
    let is_valid = matches!(ty.page_size_log2, 0 | 16)
        && ty.max.is_none_or(|max| ty.min <= max && max <= ty.address_limit())
        && ty.min <= ty.address_limit();
    if !is_valid {
        return Err(Error::msg(format!("invalid memory type: {ty:?}")));
    }
    if ty.shared && ty.max.is_none() {
        return Err(Error::msg("a shared memory needs a maximum size"));
    }
    let required = [
        (ty.shared, Feature::Threads),
        (ty.index == IndexType::I64, Feature::Memory64),
        (ty.page_size_log2 != 16, Feature::CustomPageSizes),
    ];
    require_features(core, &required, "memory")?;
    // SAFETY: the object owns its record.
    unsafe { new_memory(core, ty, None, None) }
}

/// Returns an error if a host object needs a proposal that the engine disables.
fn require_features(core: &StoreCore, required: &[(bool, Feature)], what: &str) -> Result<()> {
    let features = core.engine.config().features;
    match required.iter().find(|(required, feature)| *required && !features.has(*feature)) {
        Some((_, feature)) => {
            let name = feature.row().name;
            Err(Error::msg(format!("a {what} of this type needs the proposal {name}, which the engine disables")))
        }
        None => Ok(()),
    }
}

/// Creates a table that belongs to no instance.
pub(crate) fn host_table(core: &mut StoreCore, ty: kinglet_wasm::types::TableType, init: u64) -> Result<usize> {
    let limit = match ty.index {
        IndexType::I32 => u32::MAX.into(),
        IndexType::I64 => u64::MAX,
    };
    if ty.min > limit || ty.max.is_some_and(|max| max < ty.min || max > limit) {
        return Err(Error::msg(format!("invalid table type: {ty:?}")));
    }
    require_features(core, &[(ty.index == IndexType::I64, Feature::Memory64)], "table")?;
    let type_owner = core.engine.types().group_of(ValType::Ref(ty.element))?;
    // SAFETY: the object owns its record.
    let index = unsafe { new_table(core, ty, init, None, None) }?;
    core.tables[index].keep_type(type_owner);
    Ok(index)
}

/// Creates a global that belongs to no instance.
pub(crate) fn host_global(core: &mut StoreCore, ty: kinglet_wasm::types::GlobalType, value: [u64; 2]) -> Result<usize> {
    let type_owner = core.engine.types().group_of(ty.content)?;
    // SAFETY: the object owns its record.
    let mut global = unsafe { GlobalInstance::new(ty, None, type_owner) };
    global.set(value);
    core.globals.push(global);
    Ok(core.globals.len() - 1)
}
