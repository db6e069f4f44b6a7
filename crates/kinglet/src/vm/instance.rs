//! Instances: laying out what code sees, and the steps of instantiation (core specification, "Instantiation").

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
use super::host::HostSet;
use super::libcalls::{init_memory, init_table};
#[cfg(feature = "jit")]
use super::native::asking;
use super::pool::Kept;
use super::{GlobalInstance, MemoryInstance, TableInstance, TagInstance};
use crate::limits::StoreLimit;
use crate::store::{Counted, Question, StoreCore};
use crate::{Error, Extern, Func, Module, Result};

/// An instance.
#[derive(Debug)]
pub(crate) struct InstanceData {
    /// With the code that runs: another than the instance was made of, if that cannot use its memories.
    pub(crate) module: Module,
    /// What it was made of, if that is another.
    pub(crate) origin: Option<Module>,
    /// For every memory, its place in the store.
    pub(crate) memories: Vec<usize>,
    pub(crate) tables: Vec<usize>,
    /// The imported ones; then, once one of them was wanted, the others, which have a place when they are.
    pub(super) globals: Vec<usize>,
    pub(crate) tags: Vec<usize>,
    pub(super) imported_funcs: Vec<FuncPointer>,
    pub(super) datas: Dropped,
    pub(super) elems: Dropped,
    /// What the expressions of element segments gave, if they are more than functions and null; in order.
    pub(super) elem_values: Vec<(u32, Box<[u64]>)>,
    pub(super) vmctx: VmCtxBox,
}

/// Which segments are dropped: those that are not passive as instantiation passes them, others when code says so.
#[derive(Debug, Default)]
pub(crate) struct Dropped {
    /// Up to where instantiation has come.
    passed: u32,
    /// A bit for each that code has dropped, as far as there are any.
    others: Vec<u64>,
}

impl Dropped {
    pub(super) fn pass(&mut self, end: u32) {
        self.passed = end;
    }

    pub(super) fn drop(&mut self, segment: u32) {
        let word = segment as usize / 64;
        if self.others.len() <= word {
            self.others.resize(word + 1, 0);
        }
        self.others[word] |= 1 << (segment % 64);
    }

    pub(super) fn has(&self, segment: u32, mode: SegmentMode) -> bool {
        let word = self.others.get(segment as usize / 64).copied().unwrap_or_default();
        (mode != SegmentMode::Passive && segment < self.passed) || word >> (segment % 64) & 1 != 0
    }
}

/// The memory of a `VmCtx` with its variable part.
#[derive(Debug)]
pub(super) struct VmCtxBox(Owned<[u128]>);

impl VmCtxBox {
    /// # Errors
    /// If there is no memory: the module says how much it takes.
    fn new(size: u32) -> Result<VmCtxBox> {
        let len = (size as usize).div_ceil(16);
        let mut memory: Vec<u128> = Vec::new();
        let out_of_memory = |_| Error::msg(format!("cannot make an instance of {size} bytes: out of memory"));
        memory.try_reserve_exact(len).map_err(out_of_memory)?;
        memory.resize(len, 0);
        Ok(VmCtxBox(Owned::new(memory.into_boxed_slice())))
    }

    fn pointer(&self) -> *mut VmCtx {
        self.0.pointer().as_ptr().cast()
    }
}

/// The place of an instance in its store; none for a host context or null.
pub(super) fn index_of(vmctx: *const VmCtx) -> Option<usize> {
    if vmctx.is_null() {
        return None;
    }
    // SAFETY: contexts live as long as their store. An instance's field holds its place plus one.
    unsafe { ((*vmctx).instance as usize).checked_sub(1) }
}

/// The reference to a function of an instance; none if nothing but direct calls can refer to it.
pub(crate) fn func_ref(core: &mut StoreCore, instance: usize, func: u32) -> Option<FuncPointer> {
    let data = &mut core.instances[instance];
    if let Some(imported) = data.imported_funcs.get(func as usize) {
        return Some(*imported);
    }
    let inner = data.module.inner().clone();
    let environment = inner.code().environment();
    let vmctx = data.vmctx.pointer();
    let offset = environment.layout.func_ref(func)?;
    // SAFETY: the layout says that a function reference is there; zero until first wanted.
    unsafe {
        let place = vmctx.byte_add(offset as usize).cast::<FuncRef>();
        if (*place).cell.is_null() {
            let cell = environment.cell(func - environment.module.imported_funcs);
            let native = AtomicPtr::new((*cell).native.load(Ordering::Acquire));
            place.write(FuncRef { native, cell, vmctx, type_id: environment.module.func_type_id(func).0 });
        }
        Some(FuncPointer(NonNull::new_unchecked(place)))
    }
}

/// What a module imports.
pub(crate) enum Imports<'a> {
    /// In the module's order.
    Given(&'a [Extern]),
    /// Host functions, and nothing else.
    Hosts(&'a Arc<HostSet>),
}

/// Makes an instance of a module; the imports have been checked. Returns its place in the store. It is kept even if a
/// later step traps: a table it wrote to may refer to its functions.
pub(crate) fn instantiate(core: &mut StoreCore, module: &Module, imports: &Imports<'_>) -> Result<usize> {
    core.count(Counted::Instances, core.instances.len())?;
    let index = allocate(core, module, imports)?;
    init_globals(core, index)?;
    init_tables(core, index)?;
    init_elems(core, index)?;
    active_segments(core, index)?;
    start(core, index)?;
    Ok(index)
}

/// Whether code made as the engine would has a memory, of those that an instance has or imports, which it cannot use: the
/// system had no room to reserve.
fn needs_checks(core: &StoreCore, mut memories: impl Iterator<Item = usize>) -> bool {
    let settings = core.engine.settings();
    memories.any(|memory| {
        let memory = &core.memories[memory];
        !memory.fits(settings.memory_plan(&memory.ty()))
    })
}

fn allocate(core: &mut StoreCore, module: &Module, imports: &Imports<'_>) -> Result<usize> {
    let checked = match imports {
        Imports::Given(imports) => {
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
    let Kept { vmctx, memories: kept_memories, tables: kept_tables, lists, imported_funcs } = inner.blueprint.take();
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
        datas: Dropped::default(),
        elems: Dropped::default(),
        elem_values: Vec::new(),
        vmctx,
    };
    match imports {
        Imports::Given(imports) => imports.iter().for_each(|import| match import {
            Extern::Func(func) => data.imported_funcs.push(func.pointer(core)),
            Extern::Memory(memory) => data.memories.push(memory.index(core)),
            Extern::Table(table) => data.tables.push(table.index(core)),
            Extern::Global(global) => data.globals.push(global.index(core)),
            Extern::Tag(tag) => data.tags.push(tag.index(core)),
        }),
        Imports::Hosts(set) => data.imported_funcs.extend_from_slice(core.hosts.of_set(&core.vm, set)),
    }
    let before = (core.memories.len(), core.tables.len(), core.total);
    // SAFETY: the context was made with the layout of the same module, and every import is the store's.
    unsafe {
        write_imports(core, &data, layout, base);
        if let Err(error) = make_definitions(core, &mut data, wasm, layout, base, (kept_memories, kept_tables)) {
            // Their records were to be in the context that goes now.
            core.memories.truncate(before.0);
            core.tables.truncate(before.1);
            core.total = before.2;
            return Err(error);
        }
    }
    // Nothing in the context depends on the code yet.
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

/// Nothing calls what no native code calls.
#[cfg(not(feature = "jit"))]
fn asking() -> *mut std::ffi::c_void {
    std::ptr::null_mut()
}

/// Points the context to what is imported.
///
/// # Safety
/// `base` is a context of this layout, and what `data` holds so far are the imports.
unsafe fn write_imports(core: &StoreCore, data: &InstanceData, layout: &VmCtxLayout, base: *mut VmCtx) {
    // SAFETY: every place is where the layout says, inside the context.
    unsafe {
        let at = |offset: u32| base.byte_add(offset as usize);
        for (i, func) in (0..).zip(&data.imported_funcs) {
            let &FuncRef { cell, vmctx, .. } = func.0.as_ref();
            let import = at(layout.import(i)).cast::<VmImport>();
            let native = (*cell).native.load(Ordering::Acquire);
            let callee = if native.is_null() { &raw const (*import).lazy_stub } else { &raw const (*import).resolved };
            let resolved = VmCallee { native, vmctx };
            let lazy_stub = VmCallee { native: asking(), vmctx: import.cast() };
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

/// Makes what the module defines, with its records in the context.
///
/// # Safety
/// As for [`write_imports`]; the context lives as long as the store, if this succeeds.
unsafe fn make_definitions(
    core: &mut StoreCore,
    data: &mut InstanceData,
    wasm: &kinglet_wasm::Module,
    layout: &VmCtxLayout,
    base: *mut VmCtx,
    (memories, tables): (Vec<MemoryInstance>, Vec<TableInstance>),
) -> Result<()> {
    // SAFETY: every place is where the layout says, inside the context.
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
            let values = data.module.inner().blueprint.globals(wasm);
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

/// Makes a memory, if limits allow; returns its place in the store.
///
/// # Safety
/// `record` is valid for as long as the store. What is `kept` was made for the same type, with the same record.
pub(crate) unsafe fn new_memory(
    core: &mut StoreCore,
    ty: kinglet_wasm::types::MemoryType,
    record: Option<NonNull<VmMemory>>,
    kept: Option<MemoryInstance>,
) -> Result<usize> {
    let desired = super::memory::bytes(&ty, ty.min);
    if let Some(limit) = core.engine.config().memory_page_limit
        && ty.min > limit
    {
        return Err(Error::msg(format!("a memory of {} is over the limit of {}", pages(ty.min), pages(limit))));
    }
    let maximum = ty.max.and_then(|max| super::memory::bytes(&ty, max));
    let request = super::MemoryRequest { current: 0, desired: desired.unwrap_or(usize::MAX), maximum };
    core.count(Counted::Memories, core.memories.len())?;
    let what = || format!("a memory of {}", pages(ty.min));
    core.may_make(request.desired, Question::Memory(request), StoreLimit::MemorySize, what)?;
    let plan = core.engine.settings().memory_plan(&ty);
    // SAFETY: the caller promises that the record is valid for as long as the store (see `# Safety`), which has the
    // memory.
    let new = |plan| unsafe { MemoryInstance::new(ty, plan, record) };
    let make = || {
        super::pool::make(&core.engine, request.desired, || new(plan)).or_else(|error| match plan {
            MemoryPlan::Reserved(_) => {
                debug!(%error, "a memory is checked at every access");
                new(MemoryPlan::Checked)
            }
            MemoryPlan::Checked => Err(error),
        })
    };
    let memory = kept.map_or_else(make, Ok)?;
    core.total += request.desired;
    core.memories.push(memory);
    Ok(core.memories.len() - 1)
}

/// Makes a table, if limits allow; returns its place in the store.
///
/// # Safety
/// `record` is valid for as long as the store. What is `kept` was made for the same type, with the same record.
pub(crate) unsafe fn new_table(
    core: &mut StoreCore,
    ty: kinglet_wasm::types::TableType,
    init: u64,
    record: Option<NonNull<VmTable>>,
    kept: Option<TableInstance>,
) -> Result<usize> {
    core.count(Counted::Tables, core.tables.len())?;
    let question = Question::Table { current: 0, desired: ty.min as usize, maximum: ty.max.map(|max| max as usize) };
    let bytes = super::table::bytes(ty.min);
    core.may_make(bytes, question, StoreLimit::TableElements, || format!("a table of {} elements", ty.min))?;
    // SAFETY: the caller promises that the record is valid for as long as the store (see `# Safety`), which has the
    // table.
    let new = || unsafe { TableInstance::new(ty, init, record) };
    let table = kept.map_or_else(new, Ok)?;
    core.total += bytes;
    core.tables.push(table);
    Ok(core.tables.len() - 1)
}

/// The value of a constant expression.
fn evaluate(core: &mut StoreCore, instance: usize, expr: ConstExpr) -> Result<[u64; 2]> {
    match expr {
        ConstExpr::Bits(bits) => Ok([bits as u64, (bits >> 64) as u64]),
        // SAFETY: the record is there since the context was laid out, and no guest code runs.
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

/// Gives the globals their values that are no constants.
fn init_globals(core: &mut StoreCore, instance: usize) -> Result<()> {
    let inner = core.instances[instance].module.inner().clone();
    let wasm = inner.wasm();
    for i in wasm.evaluated_globals() {
        let value = evaluate(core, instance, wasm.defined_globals[*i as usize].init)?;
        let record = global_record(core, instance, wasm.imported_globals + i);
        // SAFETY: the record is there since the context was laid out, and no guest code runs.
        unsafe { (*record.as_ptr()).slots = value };
    }
    Ok(())
}

/// Where the value of a global is.
pub(super) fn global_record(core: &StoreCore, instance: usize, global: u32) -> NonNull<VmGlobal> {
    let data = &core.instances[instance];
    let environment = data.module.inner().code().environment();
    if global < environment.module.imported_globals {
        return core.globals[data.globals[global as usize]].record();
    }
    // SAFETY: the layout says that the global is there, in the context.
    unsafe {
        let record = data.vmctx.pointer().byte_add(environment.layout.global(global).offset as usize);
        NonNull::new_unchecked(record.cast())
    }
}

/// The place of a global in the store; one that the module defines gets it when it is first wanted.
fn global(core: &mut StoreCore, instance: usize, global: u32) -> usize {
    let record = global_record(core, instance, global);
    let data = &mut core.instances[instance];
    let all = &data.module.inner().wasm().globals;
    if data.globals.len() < all.len() {
        data.globals.resize(all.len(), usize::MAX);
    }
    let place = &mut data.globals[global as usize];
    if *place == usize::MAX {
        *place = core.globals.len();
        // SAFETY: the context lives as long as the store.
        core.globals.push(unsafe { GlobalInstance::new(all[global as usize], Some(record), None) });
    }
    *place
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

/// Evaluates the element segments that are more than functions and null.
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
        core.instances[instance].elems.pass(*i);
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
    data.elems.pass(u32::MAX);
    data.elem_values.retain(|(i, _)| wasm.elems[*i as usize].mode == SegmentMode::Passive);
    if let Some(image) = inner.blueprint.image(wasm, core.engine.config().pool.is_some()) {
        let memory = core.instances[instance].memories[0];
        core.memories[memory].initialize(image)?;
        core.instances[instance].datas.pass(u32::MAX);
        return Ok(());
    }
    for (i, data) in (0..).zip(&wasm.datas) {
        core.instances[instance].datas.pass(i);
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
    core.instances[instance].datas.pass(u32::MAX);
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

/// A number of pages, in words.
fn pages(count: u64) -> String {
    format!("{count} {}", if count == 1 { "page" } else { "pages" })
}

/// What an instance exports under an index.
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

/// A memory that belongs to no instance.
pub(crate) fn host_memory(core: &mut StoreCore, ty: kinglet_wasm::types::MemoryType) -> Result<usize> {
    let sane = matches!(ty.page_size_log2, 0 | 16)
        && ty.max.is_none_or(|max| ty.min <= max && max <= ty.address_limit())
        && ty.min <= ty.address_limit();
    if !sane {
        return Err(Error::msg(format!("not a type that a memory can have: {ty:?}")));
    }
    if ty.shared && ty.max.is_none() {
        return Err(Error::msg("a shared memory needs a maximum size"));
    }
    let asked = [
        (ty.shared, Feature::Threads),
        (ty.index == IndexType::I64, Feature::Memory64),
        (ty.page_size_log2 != 16, Feature::CustomPageSizes),
    ];
    require(core, &asked, "memory")?;
    // SAFETY: it keeps a record of its own.
    unsafe { new_memory(core, ty, None, None) }
}

/// Refuses what a host asks for that modules of its engine may not have either.
fn require(core: &StoreCore, asked: &[(bool, Feature)], what: &str) -> Result<()> {
    let features = core.engine.config().features;
    match asked.iter().find(|(asked, feature)| *asked && !features.has(*feature)) {
        Some((_, feature)) => {
            let name = feature.row().name;
            Err(Error::msg(format!("a {what} of this type needs the proposal {name}, which the engine has off")))
        }
        None => Ok(()),
    }
}

/// A table that belongs to no instance.
pub(crate) fn host_table(core: &mut StoreCore, ty: kinglet_wasm::types::TableType, init: u64) -> Result<usize> {
    let limit = match ty.index {
        IndexType::I32 => u32::MAX.into(),
        IndexType::I64 => u64::MAX,
    };
    if ty.min > limit || ty.max.is_some_and(|max| max < ty.min || max > limit) {
        return Err(Error::msg(format!("not a type that a table can have: {ty:?}")));
    }
    require(core, &[(ty.index == IndexType::I64, Feature::Memory64)], "table")?;
    let keep = core.engine.types().group_of(ValType::Ref(ty.element))?;
    // SAFETY: it keeps a record of its own.
    let index = unsafe { new_table(core, ty, init, None, None) }?;
    core.tables[index].keep(keep);
    Ok(index)
}

/// A global that belongs to no instance.
pub(crate) fn host_global(core: &mut StoreCore, ty: kinglet_wasm::types::GlobalType, value: [u64; 2]) -> Result<usize> {
    let keep = core.engine.types().group_of(ty.content)?;
    // SAFETY: it keeps a record of its own.
    let mut global = unsafe { GlobalInstance::new(ty, None, keep) };
    global.set(value);
    core.globals.push(global);
    Ok(core.globals.len() - 1)
}
