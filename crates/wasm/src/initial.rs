//! What the memory and tables of every instance hold when its active segments have been written, where the module alone
//! says it (core specification, "Instantiation"): offsets are constants, and everything fits.

use std::ops::Range;

use crate::Module;
use crate::error::Result;
use crate::module::{ConstExpr, DataSegment, ElemItems, ElemSegment, SegmentMode};

/// A table that its module defines, when its segments have been written.
#[derive(Clone, Debug)]
pub struct InitialTable {
    /// For each of its first elements the function it refers to, or [`InitialTable::NULL`]; all others are null.
    pub functions: Box<[u32]>,
    /// Whether any of these is imported.
    pub imports: bool,
}

impl InitialTable {
    /// Stands for no function.
    pub const NULL: u32 = u32::MAX;

    /// Up to how many elements are written when an instance is made; in a larger table each is made when it is first
    /// wanted. Code depends on it: see [`Module::is_lazy_table`].
    const EAGER: usize = 64;

    /// Whether elements are made when they are first wanted.
    pub fn is_lazy(&self) -> bool {
        self.functions.len() > Self::EAGER
    }

    /// The function that an element refers to at first.
    pub fn function(&self, index: u64) -> Option<u32> {
        let function = self.functions.get(usize::try_from(index).ok()?);
        function.copied().filter(|function| *function != Self::NULL)
    }
}

/// What a module says of its instances, worked out once.
#[derive(Debug)]
pub(crate) struct Initial {
    tables: Vec<Option<InitialTable>>,
    others: Vec<u32>,
    evaluated: Vec<u32>,
    evaluated_globals: Vec<u32>,
}

/// Whether an item is a function or null.
fn is_plain(items: &ElemItems, i: usize) -> bool {
    matches!(items.get(i), Some(ConstExpr::RefFunc(_) | ConstExpr::Bits(0)))
}

impl Module {
    /// For every table what it holds at first; none if that depends on more than the module.
    pub fn initial_tables(&self) -> &[Option<InitialTable>] {
        &self.initial().tables
    }

    /// The active element segments of tables that [`Module::initial_tables`] does not know.
    pub fn other_active_elems(&self) -> &[u32] {
        &self.initial().others
    }

    /// The element segments with expressions that are more than functions and null.
    pub fn evaluated_elems(&self) -> &[u32] {
        &self.initial().evaluated
    }

    /// The globals, by their place among those the module defines, whose values are no constants.
    pub fn evaluated_globals(&self) -> &[u32] {
        &self.initial().evaluated_globals
    }

    fn initial(&self) -> &Initial {
        self.initial.get_or_init(|| {
            let tables = tables(self);
            let evaluated = |elem: &ElemSegment| !(0..elem.items.len()).all(|i| is_plain(&elem.items, i));
            let other = |elem: &ElemSegment| match elem.mode {
                SegmentMode::Active { target, .. } => tables[target as usize].is_none(),
                _ => false,
            };
            let those = |is: &dyn Fn(&ElemSegment) -> bool| {
                (0..).zip(&self.elems).filter(|(_, elem)| is(elem)).map(|(i, _)| i).collect()
            };
            let globals = (0..).zip(&self.defined_globals);
            let evaluated_globals = globals.filter(|(_, global)| !matches!(global.init, ConstExpr::Bits(_)));
            let evaluated_globals = evaluated_globals.map(|(i, _)| i).collect();
            Initial { others: those(&other), evaluated: those(&evaluated), evaluated_globals, tables }
        })
    }

    /// Whether an element that is null may be one that is not there yet: of an imported table nobody knows.
    pub fn is_lazy_table(&self, table: u32) -> bool {
        let defined = self.initial_tables().get(table as usize);
        table < self.imported_tables || defined.and_then(Option::as_ref).is_some_and(InitialTable::is_lazy)
    }

    /// What the first memory holds at first, from a page's address on; nothing if that is not known beforehand, or is
    /// spread so wide that it is mostly zeros.
    ///
    /// # Errors
    /// If the segments are not what was validated.
    pub fn initial_memory(&self, page: usize) -> Result<(u64, Vec<u8>)> {
        Ok(match &self.late_datas {
            Some(section) => memory(self, &crate::decode::late_datas(self, section.clone())?, page),
            None => memory(self, &self.datas, page),
        })
    }
}

fn tables(module: &Module) -> Vec<Option<InitialTable>> {
    let sizes = module.tables.iter().map(|ty| ty.min);
    // For every table the end of what is written, and how many elements are.
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
            *end <= module.tables[target as usize].min && (0..elem.items.len()).all(|i| is_plain(&elem.items, i))
        });
        *known = known.zip(fits).map(|((last, used), end)| (last.max(end), used + elem.items.len() as u64));
    }
    // Whether a segment that may not fit is reached, or what comes after it, nobody can say.
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
        table.imports = table.functions.iter().any(|function| *function < module.imported_funcs);
    }
    tables
}

fn empty(len: usize) -> InitialTable {
    InitialTable { functions: vec![InitialTable::NULL; len].into(), imports: false }
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
