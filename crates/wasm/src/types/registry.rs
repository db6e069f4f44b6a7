//! The registry of an engine's defined types: it gives every recursion group its ids, and forgets it when the last
//! [`TypeGroup`] of it goes. Owners of types are the modules that define them, and what the host makes of them in a store
//! or a linker: functions, tags, globals, tables.
//!
//! Invariant: a group that is in a registry is alive, and with it all groups that it mentions. A definition never changes.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard, Weak};

use super::{CompositeType, FuncType, HeapType, Hierarchy, REC_BASE, RefType, SubType, TypeId, ValType};

/// A registered type: the definition with canonical ids, and its ancestors for subtype checks.
#[derive(Debug)]
pub struct TypeDef {
    /// The definition.
    pub sub: SubType,
    /// Its chain of supertypes, root first, itself last.
    pub display: Box<[TypeId]>,
}

/// A recursion group of a registry. The types are there as long as somebody has this.
#[derive(Debug)]
pub struct TypeGroup {
    first: TypeId,
    defs: Box<[Arc<TypeDef>]>,
    /// The group as it was interned.
    key: Arc<[SubType]>,
    /// Those that it mentions.
    others: Vec<Arc<TypeGroup>>,
    registry: Arc<RwLock<Inner>>,
}

impl TypeGroup {
    /// The id of its first type; the others follow.
    pub fn first(&self) -> TypeId {
        self.first
    }

    /// Its types in order.
    pub fn types(&self) -> impl ExactSizeIterator<Item = (TypeId, &Arc<TypeDef>)> {
        self.defs.iter().enumerate().map(|(i, def)| (TypeId(self.first.0 + i as u32), def))
    }
}

impl Drop for TypeGroup {
    fn drop(&mut self) {
        write(&self.registry).forget(self);
        // One after the other: chains of types can be longer than a stack is deep.
        let mut others = std::mem::take(&mut self.others);
        while let Some(other) = others.pop() {
            if let Some(mut other) = Arc::into_inner(other) {
                others.append(&mut other.others);
            }
        }
    }
}

/// A type that a registry does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ForeignType(pub TypeId);

impl fmt::Display for ForeignType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the type {:?} is of another engine, or of a module that has been dropped", self.0)
    }
}

impl std::error::Error for ForeignType {}

/// All defined types of an engine that somebody has.
#[derive(Debug, Default)]
pub struct TypeRegistry {
    inner: Arc<RwLock<Inner>>,
}

#[derive(Debug, Default)]
struct Inner {
    /// With the id of its first type.
    groups: HashMap<Arc<[SubType]>, (TypeId, Weak<TypeGroup>)>,
    types: HashMap<TypeId, Entry, BuildHasherDefault<IdHasher>>,
}

/// Ids are numbers, of which nobody can choose many that collide.
#[derive(Default)]
struct IdHasher(u64);

impl Hasher for IdHasher {
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u32((*byte).into()));
    }

    fn write_u32(&mut self, id: u32) {
        self.0 = (self.0 ^ u64::from(id)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[derive(Debug)]
struct Entry {
    def: Arc<TypeDef>,
    group: Weak<TypeGroup>,
}

impl Inner {
    /// Takes a group out that nobody has any more. Another one that is equal may have taken its place already.
    fn forget(&mut self, group: &TypeGroup) {
        if self.groups.get(&group.key).is_some_and(|(first, _)| *first == group.first) {
            self.groups.remove(&group.key);
        }
        for (id, _) in group.types() {
            self.types.remove(&id);
        }
        Ids::lock(|ids| ids.put(group.first.0));
        if self.types.len() < self.types.capacity() / 8 {
            self.types.shrink_to(self.types.len() * 2);
            self.groups.shrink_to(self.groups.len() * 2);
        }
    }

    /// Adds the groups that a group mentions.
    fn mentioned(&self, group: &mut [SubType], groups: &mut Vec<Arc<TypeGroup>>) -> Result<(), ForeignType> {
        let mut ids = Vec::new();
        for sub in group {
            sub.each_id(&mut |id| ids.push(*id));
        }
        ids.retain(|id| id.0 < REC_BASE);
        ids.sort_unstable();
        ids.dedup();
        for id in ids {
            groups.push(self.group(id)?);
        }
        groups.dedup_by_key(|group| group.first);
        Ok(())
    }

    fn known(&self, key: &[SubType]) -> Option<Arc<TypeGroup>> {
        self.groups.get(key).and_then(|(_, group)| group.upgrade())
    }

    fn group(&self, id: TypeId) -> Result<Arc<TypeGroup>, ForeignType> {
        self.types.get(&id).and_then(|entry| entry.group.upgrade()).ok_or(ForeignType(id))
    }
}

/// The ids that are in use in the process.
struct Ids {
    next: u32,
    /// The first of each group, and how many it has.
    live: BTreeMap<u32, u32>,
}

impl Ids {
    fn lock<R>(with: impl FnOnce(&mut Ids) -> R) -> R {
        static IDS: Mutex<Ids> = Mutex::new(Ids { next: 0, live: BTreeMap::new() });
        with(&mut IDS.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The first of so many that follow one another; none if there is no such room.
    fn take(&mut self, count: u32) -> Option<u32> {
        let (mut first, mut wrapped) = (self.next, false);
        loop {
            if count > REC_BASE - first {
                if wrapped {
                    return None;
                }
                (first, wrapped) = (0, true);
                continue;
            }
            match self.live.range(..first + count).next_back() {
                Some((start, length)) if start + length > first => first = start + length,
                _ => break,
            }
        }
        self.next = first + count;
        self.live.insert(first, count);
        Some(first)
    }

    fn put(&mut self, first: u32) {
        self.live.remove(&first);
    }
}

impl TypeRegistry {
    /// Interns a recursion group. References within the group are written [`TypeId::in_group`].
    ///
    /// # Errors
    /// If it mentions a type that is not of this registry.
    ///
    /// # Panics
    /// If 2³¹ types are in use in the process.
    pub fn intern(&self, group: Vec<SubType>) -> Result<Arc<TypeGroup>, ForeignType> {
        if let Some(known) = self.read().known(&group) {
            return Ok(known);
        }
        let mut key = group;
        // Made before the registry is locked, so that what is in it is dropped afterwards: that locks the registry again.
        let mut others = Vec::new();
        let mut inner = write(&self.inner);
        if let Some(known) = inner.known(&key) {
            return Ok(known);
        }
        inner.mentioned(&mut key, &mut others)?;
        let count = (key.len() as u32).max(1);
        let first = TypeId(Ids::lock(|ids| ids.take(count)).expect("fewer than 2^31 types are in use"));
        let key: Arc<[SubType]> = key.into();
        let mut defs: Vec<Arc<TypeDef>> = Vec::with_capacity(key.len());
        for (i, sub) in key.iter().enumerate() {
            let mut sub = sub.clone();
            sub.each_id(&mut |id| {
                if id.0 >= REC_BASE {
                    *id = TypeId(first.0 + (id.0 - REC_BASE));
                }
            });
            let parent = sub.supertype.and_then(|parent| {
                let own = parent.0.checked_sub(first.0).and_then(|at| defs.get(at as usize));
                own.or_else(|| inner.types.get(&parent).map(|entry| &entry.def))
            });
            let mut display = parent.map_or_else(Vec::new, |parent| parent.display.to_vec());
            display.push(TypeId(first.0 + i as u32));
            defs.push(Arc::new(TypeDef { sub, display: display.into() }));
        }
        let registry = self.inner.clone();
        let group = Arc::new(TypeGroup { first, defs: defs.into(), key: key.clone(), others, registry });
        for (id, def) in group.types() {
            inner.types.insert(id, Entry { def: def.clone(), group: Arc::downgrade(&group) });
        }
        inner.groups.insert(key, (first, Arc::downgrade(&group)));
        Ok(group)
    }

    /// Interns a plain function type.
    ///
    /// # Errors
    /// If it mentions a type that is not of this registry.
    pub fn intern_func(&self, ty: &FuncType) -> Result<Arc<TypeGroup>, ForeignType> {
        self.intern(vec![SubType::func(ty.clone())])
    }

    /// What keeps the defined type that a value type mentions, if it does.
    ///
    /// # Errors
    /// If that is not of this registry.
    pub fn keep(&self, ty: ValType) -> Result<Option<Arc<TypeGroup>>, ForeignType> {
        ty.defined().map(|id| self.read().group(id)).transpose()
    }

    /// What keeps all defined types that a function type mentions.
    ///
    /// # Errors
    /// If one is not of this registry.
    pub fn keep_func(&self, ty: &FuncType) -> Result<Vec<Arc<TypeGroup>>, ForeignType> {
        ty.params().iter().chain(ty.results()).filter_map(|ty| self.keep(*ty).transpose()).collect()
    }

    /// The definition of a type, if it is of this registry.
    pub fn get(&self, id: TypeId) -> Option<Arc<TypeDef>> {
        self.read().types.get(&id).map(|entry| entry.def.clone())
    }

    /// The function type with this id; an empty one if it is not a function type, which validation excludes.
    pub fn func(&self, id: TypeId) -> FuncType {
        self.get(id).and_then(|def| def.sub.as_func().cloned()).unwrap_or_default()
    }

    /// All function types that somebody has.
    pub fn funcs(&self) -> Vec<FuncType> {
        let inner = self.read();
        inner.types.values().filter_map(|entry| entry.def.sub.as_func().cloned()).collect()
    }

    /// Whether `a` is `b` or one of its declared subtypes.
    pub fn is_subtype(&self, a: TypeId, b: TypeId) -> bool {
        if a == b {
            return true;
        }
        let inner = self.read();
        let display = |id| inner.types.get(&id).map(|entry| &entry.def.display);
        display(a).zip(display(b)).is_some_and(|(a, of_b)| a.get(of_b.len() - 1) == Some(&b))
    }

    /// Whether every `a` is a `b` (core specification, "Matching", heap types).
    pub fn heap_matches(&self, a: HeapType, b: HeapType) -> bool {
        use HeapType::*;
        match (a, b) {
            (Concrete(a), Concrete(b)) => self.is_subtype(a, b),
            (Concrete(a), b) => {
                let kind = match self.get(a).as_ref().map(|def| &def.sub.composite) {
                    Some(CompositeType::Func(_)) => Func,
                    Some(CompositeType::Struct(_)) => Struct,
                    Some(CompositeType::Array(_)) => Array,
                    Option::None => return false,
                };
                self.heap_matches(kind, b)
            }
            (None, b) => self.hierarchy(b) == Hierarchy::Any,
            (NoFunc, b) => self.hierarchy(b) == Hierarchy::Func,
            (NoExtern, b) => self.hierarchy(b) == Hierarchy::Extern,
            (NoExn, b) => self.hierarchy(b) == Hierarchy::Exn,
            (I31 | Struct | Array, Eq) | (Eq | I31 | Struct | Array, Any) => true,
            (a, b) => a == b,
        }
    }

    /// The hierarchy a heap type belongs to.
    pub fn hierarchy(&self, heap: HeapType) -> Hierarchy {
        match heap {
            HeapType::Func | HeapType::NoFunc => Hierarchy::Func,
            HeapType::Extern | HeapType::NoExtern => Hierarchy::Extern,
            HeapType::Exn | HeapType::NoExn => Hierarchy::Exn,
            HeapType::Concrete(id) if self.get(id).is_some_and(|def| def.sub.as_func().is_some()) => Hierarchy::Func,
            _ => Hierarchy::Any,
        }
    }

    /// Whether every `a` is a `b` (core specification, "Matching", reference types).
    pub fn ref_matches(&self, a: RefType, b: RefType) -> bool {
        (b.nullable || !a.nullable) && self.heap_matches(a.heap, b.heap)
    }

    /// Whether every `a` is a `b` (core specification, "Matching", value types).
    pub fn val_matches(&self, a: ValType, b: ValType) -> bool {
        match (a, b) {
            (ValType::Ref(a), ValType::Ref(b)) => self.ref_matches(a, b),
            (a, b) => a == b,
        }
    }

    fn read(&self) -> RwLockReadGuard<'_, Inner> {
        self.inner.read().unwrap_or_else(PoisonError::into_inner)
    }
}

fn write(inner: &RwLock<Inner>) -> RwLockWriteGuard<'_, Inner> {
    inner.write().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::{FieldType, RefType, StorageType};

    #[test]
    fn equal_groups_share_ids_and_order_matters() {
        let registry = TypeRegistry::default();
        let node = |index| SubType {
            is_final: true,
            supertype: None,
            composite: CompositeType::Struct(Box::new([FieldType {
                storage: StorageType::Val(ValType::Ref(RefType {
                    nullable: true,
                    heap: HeapType::Concrete(TypeId::in_group(index)),
                })),
                mutable: false,
            }])),
        };
        let a = registry.intern(vec![node(0), node(1)]).unwrap();
        let b = registry.intern(vec![node(0), node(1)]).unwrap();
        let c = registry.intern(vec![node(1), node(0)]).unwrap();
        assert_eq!(a.first(), b.first());
        assert_ne!(a.first(), c.first());
    }

    #[test]
    fn subtypes_are_found_in_the_display() {
        let registry = TypeRegistry::default();
        let open = |supertype| SubType { is_final: false, supertype, composite: CompositeType::Struct(Box::new([])) };
        let intern = |supertype| registry.intern(vec![open(supertype)]).unwrap();
        let groups = [intern(None)];
        let root = groups[0].first();
        let groups = [intern(Some(root))];
        let child = groups[0].first();
        let groups = [intern(Some(child))];
        let grandchild = groups[0].first();
        assert!(registry.is_subtype(grandchild, root));
        assert!(!registry.is_subtype(root, child));
        assert!(registry.heap_matches(HeapType::Concrete(grandchild), HeapType::Eq));
        assert!(!registry.heap_matches(HeapType::Concrete(grandchild), HeapType::Func));
        assert!(registry.heap_matches(HeapType::None, HeapType::Concrete(child)));
    }
    fn function(params: &[ValType]) -> FuncType {
        FuncType::new(params.iter().copied(), [])
    }

    fn reference(id: TypeId) -> ValType {
        ValType::Ref(RefType { nullable: true, heap: HeapType::Concrete(id) })
    }

    fn sizes(registry: &TypeRegistry) -> (usize, usize) {
        let inner = registry.read();
        (inner.groups.len(), inner.types.len())
    }

    #[test]
    fn a_type_lives_as_long_as_somebody_has_it_and_keeps_what_it_mentions() {
        let registry = TypeRegistry::default();
        let inner = registry.intern_func(&function(&[ValType::I32])).unwrap();
        let same = registry.intern_func(&function(&[ValType::I32])).unwrap();
        let outer = registry.intern_func(&function(&[reference(inner.first())])).unwrap();
        let id = inner.first();
        drop((inner, same));
        assert_eq!(sizes(&registry), (2, 2));
        assert_eq!(registry.func(id), function(&[ValType::I32]));
        assert_eq!(registry.keep(reference(id)).unwrap().map(|group| group.first()), Some(id));
        drop(outer);
        assert_eq!(sizes(&registry), (0, 0));
        assert_eq!(registry.keep(reference(id)).unwrap_err(), ForeignType(id));
        assert!(registry.intern_func(&function(&[reference(id)])).is_err());
        assert!(registry.get(id).is_none() && !registry.is_subtype(id, TypeId(0)));
        let again = registry.intern_func(&function(&[ValType::I32])).unwrap();
        assert_ne!(again.first(), id, "whoever still has the old id finds nothing");
    }

    #[test]
    fn a_type_of_another_registry_is_known_as_such() {
        let (registry, other) = (TypeRegistry::default(), TypeRegistry::default());
        let theirs = other.intern_func(&function(&[])).unwrap();
        let ours = registry.intern_func(&function(&[])).unwrap();
        assert_ne!(ours.first(), theirs.first());
        let mentions = function(&[reference(theirs.first())]);
        assert_eq!(registry.intern_func(&mentions).unwrap_err(), ForeignType(theirs.first()));
        assert!(registry.keep(reference(theirs.first())).is_err());
        assert!(registry.keep(ValType::I32).unwrap().is_none());
    }

    #[test]
    fn a_long_chain_of_types_is_released_without_recursion() {
        let registry = TypeRegistry::default();
        let mut last = registry.intern_func(&function(&[])).unwrap();
        for _ in 0..100_000 {
            last = registry.intern_func(&function(&[reference(last.first())])).unwrap();
        }
        drop(last);
        assert_eq!(sizes(&registry), (0, 0));
        assert!(registry.read().types.capacity() < 1000);
    }

    #[test]
    fn ids_come_round_and_pass_by_those_in_use() {
        let mut ids = Ids { next: REC_BASE - 3, live: BTreeMap::from([(0, 2), (4, 1)]) };
        assert_eq!(ids.take(3), Some(REC_BASE - 3));
        assert_eq!(ids.take(2), Some(2));
        assert_eq!(ids.take(1), Some(5));
        ids.put(0);
        ids.next = REC_BASE;
        assert_eq!(ids.take(2), Some(0));
        assert_eq!(ids.take(REC_BASE), None);
    }
}
