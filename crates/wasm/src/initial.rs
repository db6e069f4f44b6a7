//! The initial contents of tables and of the first memory, after active segments have been applied (core specification,
//! "Instantiation"). They are computed once per module, if they depend on the module alone: all offsets are constants,
//! and all segments are in bounds.

use std::ops::Range;

use crate::Module;
use crate::error::Result;
use crate::module::{ConstExpr, DataSegment, ElemItems, ElemSegment, SegmentMode};

/// The initial contents of a table that the module defines.
#[derive(Clone, Debug)]
pub struct InitialTable {
    /// The function index of each element, or [`InitialTable::NULL`]. All elements beyond are null.
    pub functions: Box<[u32]>,
    /// Whether any of these functions is imported.
    pub has_imports: bool,
}

impl InitialTable {
    /// The function index of a null element.
    pub const NULL: u32 = u32::MAX;

    /// The maximum number of elements that instantiation writes. In a larger table, each element is initialised on first
    /// access. Generated code depends on this: see [`Module::is_lazy_table`].
    const MAX_EAGER_ELEMENTS: usize = 64;

    /// Returns whether elements are initialised on first access.
    pub fn is_lazy(&self) -> bool {
        self.functions.len() > Self::MAX_EAGER_ELEMENTS
    }

    /// Returns the index of the function that an element initially refers to, or `None` if the element is null.
    pub fn function(&self, index: u64) -> Option<u32> {
        let function = self.functions.get(usize::try_from(index).ok()?);
        function.copied().filter(|function| *function != Self::NULL)
    }
}

/// The initial state that a module determines for its instances.
#[derive(Debug)]
pub(crate) struct InitialState {
    tables: Vec<Option<InitialTable>>,
    remaining_active_elems: Vec<u32>,
    evaluated_elems: Vec<u32>,
    evaluated_globals: Vec<u32>,
}

/// Returns whether an item is `ref.func` or `ref.null`.
fn is_func_or_null(items: &ElemItems, i: usize) -> bool {
    matches!(items.get(i), Some(ConstExpr::RefFunc(_) | ConstExpr::Bits(0)))
}

impl Module {
    /// Returns the initial contents of each table, or `None` for tables whose contents depend on more than the module.
    pub fn initial_tables(&self) -> &[Option<InitialTable>] {
        &self.initial().tables
    }

    /// Returns the indices of the active element segments that [`Module::initial_tables`] does not include.
    pub fn remaining_active_elems(&self) -> &[u32] {
        &self.initial().remaining_active_elems
    }

    /// Returns the indices of the element segments with an item other than `ref.func` and `ref.null`. Instantiation must
    /// evaluate their items.
    pub fn evaluated_elems(&self) -> &[u32] {
        &self.initial().evaluated_elems
    }

    /// Returns the globals with an initial value that is not a constant, as indices into [`Module::defined_globals`].
    /// Instantiation must evaluate their initial values.
    pub fn evaluated_globals(&self) -> &[u32] {
        &self.initial().evaluated_globals
    }

    fn initial(&self) -> &InitialState {
        self.initial.get_or_init(|| {
            let tables = tables(self);
            let evaluated = |elem: &ElemSegment| !(0..elem.items.len()).all(|i| is_func_or_null(&elem.items, i));
            let remaining = |elem: &ElemSegment| match elem.mode {
                SegmentMode::Active { target, .. } => tables[target as usize].is_none(),
                _ => false,
            };
            let indices_of = |predicate: &dyn Fn(&ElemSegment) -> bool| {
                (0..).zip(&self.elems).filter(|(_, elem)| predicate(elem)).map(|(i, _)| i).collect()
            };
            let globals = (0..).zip(&self.defined_globals);
            let evaluated_globals = globals.filter(|(_, global)| !matches!(global.init, ConstExpr::Bits(_)));
            InitialState {
                remaining_active_elems: indices_of(&remaining),
                evaluated_elems: indices_of(&evaluated),
                evaluated_globals: evaluated_globals.map(|(i, _)| i).collect(),
                tables,
            }
        })
    }

    /// Returns whether a null element of the table may be uninitialised. Imported tables count as lazy, because their
    /// module is unknown.
    pub fn is_lazy_table(&self, table: u32) -> bool {
        let defined = self.initial_tables().get(table as usize);
        table < self.imported_tables || defined.and_then(Option::as_ref).is_some_and(InitialTable::is_lazy)
    }

    /// Returns the initial contents of the first memory and their start address, a multiple of `page`. Returns no bytes
    /// if the contents depend on more than the module, or if they are so sparse that most bytes would be zero.
    ///
    /// # Errors
    /// If the bytes of the data segments have changed since validation.
    pub fn initial_memory(&self, page: usize) -> Result<(u64, Vec<u8>)> {
        Ok(match &self.lazy_data_section {
            Some(section) => memory(self, &crate::decode::lazy_data_segments(self, section.clone())?, page),
            None => memory(self, &self.datas, page),
        })
    }
}

fn tables(module: &Module) -> Vec<Option<InitialTable>> {
    let sizes = module.tables.iter().map(|ty| ty.min);
    // For each table, the end of the last segment and the total number of items; `None` if the contents are unknown.
    let mut all: Vec<Option<(u64, u64)>> = sizes.clone().map(|_| Some((0, 0))).collect();
    for (i, known) in all.iter_mut().enumerate() {
        let defined = i.checked_sub(module.imported_tables as usize);
        if defined.is_none_or(|i| module.defined_tables[i].init.is_some()) {
            *known = None;
        }
    }
    for elem in &module.elems {
        let SegmentMode::Active { target, offset } = elem.mode else { continue };
        let known = &mut all[target as usize];
        let end = match offset {
            ConstExpr::Bits(at) => u64::try_from(at).ok().and_then(|at| at.checked_add(elem.items.len() as u64)),
            _ => None,
        };
        let fits = end.filter(|end| {
            *end <= module.tables[target as usize].min && (0..elem.items.len()).all(|i| is_func_or_null(&elem.items, i))
        });
        *known = known.zip(fits).map(|((last, used), end)| (last.max(end), used + elem.items.len() as u64));
    }
    // A segment that is out of bounds ends instantiation with a trap, so later segments may never be applied.
    let uncertain = module.elems.iter().any(|elem| match elem.mode {
        SegmentMode::Active { target, .. } => all[target as usize].is_none(),
        _ => false,
    });
    let dense = |(last, used): (u64, u64)| (last <= 2 * used + 1024).then_some(last as usize);
    let certain = |known: &(u64, u64)| *known == (0, 0) || !uncertain;
    let known = all.into_iter().map(|known| known.filter(certain).and_then(dense).map(empty));
    let mut tables: Vec<Option<InitialTable>> = known.collect();
    for elem in &module.elems {
        let SegmentMode::Active { target, offset: ConstExpr::Bits(at) } = elem.mode else { continue };
        let Some(table) = &mut tables[target as usize] else { continue };
        for (i, to) in table.functions[at as usize..][..elem.items.len()].iter_mut().enumerate() {
            *to = match elem.items.get(i) {
                Some(ConstExpr::RefFunc(function)) => function,
                _ => InitialTable::NULL,
            };
        }
    }
    for table in tables.iter_mut().flatten() {
        table.has_imports = table.functions.iter().any(|function| *function < module.imported_funcs);
    }
    tables
}

fn empty(len: usize) -> InitialTable {
    InitialTable { functions: vec![InitialTable::NULL; len].into(), has_imports: false }
}

fn memory(module: &Module, datas: &[DataSegment], page: usize) -> (u64, Vec<u8>) {
    let none = || (0, Vec::new());
    let (0, Some(ty)) = (module.imported_memories, module.memories.first()) else { return none() };
    let mut segments = Vec::new();
    for data in datas {
        match data.mode {
            SegmentMode::Active { target: 0, offset: ConstExpr::Bits(at) } => segments.push((at as u64, &data.range)),
            SegmentMode::Active { .. } => return none(),
            _ => {}
        }
    }
    let page = page as u64;
    let end = |(at, range): &(u64, &Range<usize>)| at.checked_add(range.len() as u64);
    let Some(ends) = segments.iter().map(end).collect::<Option<Vec<u64>>>() else { return none() };
    let first = segments.iter().map(|(at, _)| *at).min().unwrap_or(0) / page * page;
    let last = ends.into_iter().max().unwrap_or(0);
    let used: u64 = segments.iter().map(|(_, range)| range.len() as u64).sum();
    let fits = ty.page_size_log2 == 16 && last <= ty.min.saturating_mul(1 << 16);
    if !fits || last - first > 2 * used + (1 << 20) {
        return none();
    }
    let mut bytes = vec![0; (last.next_multiple_of(page) - first) as usize];
    for (at, range) in segments {
        bytes[(at - first) as usize..][..range.len()].copy_from_slice(&module.bytes[range.clone()]);
    }
    (first, bytes)
}
