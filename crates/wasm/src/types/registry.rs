//! The registry of an engine's defined types. It assigns ids to every recursion group, and removes a group when its last
//! [`TypeGroup`] is dropped. The owners of groups are modules, and functions, tags, globals and tables that the host
//! creates in a store or a linker.
//!
//! Invariant: every registered group is alive, and so are all groups that it refers to. A definition never changes.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard, Weak};

use super::{CompositeType, FuncType, HeapType, Hierarchy, REC_BASE, RefType, SubType, TypeId, ValType};

/// A registered type: the definition with canonical ids, and its display for subtype checks.
#[derive(Debug)]
pub struct TypeDef {
    /// The definition.
    pub sub: SubType,
    /// The chain of supertypes, from the root to the type itself.
    pub display: Box<[TypeId]>,
}

/// A registered recursion group. Its types stay registered until the last reference is dropped.
#[derive(Debug)]
pub struct TypeGroup {
    first: TypeId,
    defs: Box<[Arc<TypeDef>]>,
    /// The group as it was interned.
    key: Arc<[SubType]>,
    /// The groups that this group refers to.
    referenced: Vec<Arc<TypeGroup>>,
    registry: Arc<RwLock<TypeRegistryInner>>,
}

impl TypeGroup {
    /// Returns the id of the group's first type. The ids of the other types follow it.
    pub fn first(&self) -> TypeId {
        self.first
    }

    /// Iterates over the types in order.
    pub fn types(&self) -> impl ExactSizeIterator<Item = (TypeId, &Arc<TypeDef>)> {
        self.defs.iter().enumerate().map(|(i, def)| (TypeId(self.first.0 + i as u32), def))
    }
}

impl Drop for TypeGroup {
    fn drop(&mut self) {
        write(&self.registry).remove(self);
        // Iterative, because recursion on a long chain of types would overflow the stack.
        let mut groups = std::mem::take(&mut self.referenced);
        while let Some(group) = groups.pop() {
            if let Some(mut group) = Arc::into_inner(group) {
                groups.append(&mut group.referenced);
            }
        }
    }
}

/// A type id that is not in the registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ForeignType(pub TypeId);

impl fmt::Display for ForeignType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the type {:?} belongs to another engine or to a dropped module", self.0)
    }
}

impl std::error::Error for ForeignType {}

/// The registry of an engine's defined types.
#[derive(Debug, Default)]
pub struct TypeRegistry {
    inner: Arc<RwLock<TypeRegistryInner>>,
}

#[derive(Debug, Default)]
struct TypeRegistryInner {
    /// Each group, by its interned form, with the id of its first type.
    groups: HashMap<Arc<[SubType]>, (TypeId, Weak<TypeGroup>)>,
    types: HashMap<TypeId, RegisteredType, BuildHasherDefault<IdHasher>>,
}

/// A fast hasher for type ids. Guests cannot choose ids, so they cannot cause many collisions.
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
struct RegisteredType {
    def: Arc<TypeDef>,
    group: Weak<TypeGroup>,
}

impl TypeRegistryInner {
    /// Removes a group whose last reference was dropped. An equal group may already have replaced it in `groups`.
    fn remove(&mut self, group: &TypeGroup) {
        if self.groups.get(&group.key).is_some_and(|(first, _)| *first == group.first) {
            self.groups.remove(&group.key);
        }
        for (id, _) in group.types() {
            self.types.remove(&id);
        }
        IdAllocator::lock(|ids| ids.free(group.first.0));
        if self.types.len() < self.types.capacity() / 8 {
            self.types.shrink_to(self.types.len() * 2);
            self.groups.shrink_to(self.groups.len() * 2);
        }
    }

    /// Appends the groups that a group refers to.
    fn collect_referenced(&self, group: &mut [SubType], groups: &mut Vec<Arc<TypeGroup>>) -> Result<(), ForeignType> {
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

    fn find(&self, key: &[SubType]) -> Option<Arc<TypeGroup>> {
        self.groups.get(key).and_then(|(_, group)| group.upgrade())
    }

    fn group(&self, id: TypeId) -> Result<Arc<TypeGroup>, ForeignType> {
        self.types.get(&id).and_then(|entry| entry.group.upgrade()).ok_or(ForeignType(id))
    }
}

/// The allocator of type ids for the whole process.
struct IdAllocator {
    next: u32,
    /// The first id and the number of ids of each live group.
    live: BTreeMap<u32, u32>,
}

impl IdAllocator {
    fn lock<R>(with: impl FnOnce(&mut IdAllocator) -> R) -> R {
        static IDS: Mutex<IdAllocator> = Mutex::new(IdAllocator { next: 0, live: BTreeMap::new() });
        with(&mut IDS.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Allocates `count` consecutive ids and returns the first, or `None` if no range of free ids is long enough.
    fn allocate(&mut self, count: u32) -> Option<u32> {
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

    fn free(&mut self, first: u32) {
        self.live.remove(&first);
    }
}

impl TypeRegistry {
    /// Interns a recursion group. It refers to its own types by [`TypeId::in_group`].
    ///
    /// # Errors
    /// If the group refers to a type that is not in this registry.
    ///
    /// # Panics
    /// If 2³¹ types are in use in the process.
    pub fn intern(&self, group: Vec<SubType>) -> Result<Arc<TypeGroup>, ForeignType> {
        if let Some(existing) = self.read().find(&group) {
            return Ok(existing);
        }
        let mut key = group;
        // Declared before the lock guard, and so dropped after it, because dropping a group locks the registry.
        let mut referenced = Vec::new();
        let mut inner = write(&self.inner);
        if let Some(existing) = inner.find(&key) {
            return Ok(existing);
        }
        inner.collect_referenced(&mut key, &mut referenced)?;
        let count = (key.len() as u32).max(1);
        let first = TypeId(IdAllocator::lock(|ids| ids.allocate(count)).expect("fewer than 2^31 types are in use"));
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
        let group = Arc::new(TypeGroup { first, defs: defs.into(), key: key.clone(), referenced, registry });
        for (id, def) in group.types() {
            inner.types.insert(id, RegisteredType { def: def.clone(), group: Arc::downgrade(&group) });
        }
        inner.groups.insert(key, (first, Arc::downgrade(&group)));
        Ok(group)
    }

    /// Interns a final function type without a supertype, as its own group.
    ///
    /// # Errors
    /// If the type refers to a type that is not in this registry.
    pub fn intern_func(&self, ty: &FuncType) -> Result<Arc<TypeGroup>, ForeignType> {
        self.intern(vec![SubType::func(ty.clone())])
    }

    /// Returns the group of the defined type that a value type refers to, if any. Holding the group keeps the type
    /// registered.
    ///
    /// # Errors
    /// If the defined type is not in this registry.
    pub fn group_of(&self, ty: ValType) -> Result<Option<Arc<TypeGroup>>, ForeignType> {
        ty.defined().map(|id| self.read().group(id)).transpose()
    }

    /// Returns the groups of all defined types that a function type refers to. Holding the groups keeps the types
    /// registered.
    ///
    /// # Errors
    /// If a defined type is not in this registry.
    pub fn groups_of_func(&self, ty: &FuncType) -> Result<Vec<Arc<TypeGroup>>, ForeignType> {
        ty.params().iter().chain(ty.results()).filter_map(|ty| self.group_of(*ty).transpose()).collect()
    }

    /// Returns the definition of a type, or `None` if the type is not in this registry.
    pub fn get(&self, id: TypeId) -> Option<Arc<TypeDef>> {
        self.read().types.get(&id).map(|entry| entry.def.clone())
    }

    /// Returns the function type with this id. It is empty if the id is not that of a function type, which validation
    /// excludes.
    pub fn func(&self, id: TypeId) -> FuncType {
        self.get(id).and_then(|def| def.sub.as_func().cloned()).unwrap_or_default()
    }

    /// Returns all registered function types.
    pub fn funcs(&self) -> Vec<FuncType> {
        let inner = self.read();
        inner.types.values().filter_map(|entry| entry.def.sub.as_func().cloned()).collect()
    }

    /// Returns whether `a` is `b` or a declared subtype of `b`.
    pub fn is_subtype(&self, a: TypeId, b: TypeId) -> bool {
        if a == b {
            return true;
        }
        let inner = self.read();
        let display = |id| inner.types.get(&id).map(|entry| &entry.def.display);
        display(a).zip(display(b)).is_some_and(|(a, of_b)| a.get(of_b.len() - 1) == Some(&b))
    }

    /// Returns whether heap type `a` matches `b` (core specification, "Matching").
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

    /// Returns the hierarchy of a heap type.
    pub fn hierarchy(&self, heap: HeapType) -> Hierarchy {
        match heap {
            HeapType::Func | HeapType::NoFunc => Hierarchy::Func,
            HeapType::Extern | HeapType::NoExtern => Hierarchy::Extern,
            HeapType::Exn | HeapType::NoExn => Hierarchy::Exn,
            HeapType::Concrete(id) if self.get(id).is_some_and(|def| def.sub.as_func().is_some()) => Hierarchy::Func,
            _ => Hierarchy::Any,
        }
    }

    /// Returns whether reference type `a` matches `b` (core specification, "Matching").
    pub fn ref_matches(&self, a: RefType, b: RefType) -> bool {
        (b.nullable || !a.nullable) && self.heap_matches(a.heap, b.heap)
    }

    /// Returns whether value type `a` matches `b` (core specification, "Matching").
    pub fn val_matches(&self, a: ValType, b: ValType) -> bool {
        match (a, b) {
            (ValType::Ref(a), ValType::Ref(b)) => self.ref_matches(a, b),
            (a, b) => a == b,
        }
    }

    fn read(&self) -> RwLockReadGuard<'_, TypeRegistryInner> {
        self.inner.read().unwrap_or_else(PoisonError::into_inner)
    }
}

fn write(inner: &RwLock<TypeRegistryInner>) -> RwLockWriteGuard<'_, TypeRegistryInner> {
    inner.write().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::{FieldType, RefType, StorageType};

    #[test]
    fn equal_groups_share_ids_and_reordered_groups_do_not() {
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
    fn a_group_is_removed_with_its_last_owner_and_keeps_referenced_groups() {
        let registry = TypeRegistry::default();
        let inner = registry.intern_func(&function(&[ValType::I32])).unwrap();
        let same = registry.intern_func(&function(&[ValType::I32])).unwrap();
        let outer = registry.intern_func(&function(&[reference(inner.first())])).unwrap();
        let id = inner.first();
        drop((inner, same));
        assert_eq!(sizes(&registry), (2, 2));
        assert_eq!(registry.func(id), function(&[ValType::I32]));
        assert_eq!(registry.group_of(reference(id)).unwrap().map(|group| group.first()), Some(id));
        drop(outer);
        assert_eq!(sizes(&registry), (0, 0));
        assert_eq!(registry.group_of(reference(id)).unwrap_err(), ForeignType(id));
        assert!(registry.intern_func(&function(&[reference(id)])).is_err());
        assert!(registry.get(id).is_none() && !registry.is_subtype(id, TypeId(id.0 + 1)));
        let again = registry.intern_func(&function(&[ValType::I32])).unwrap();
        assert_ne!(again.first(), id, "a stale id must not resolve to a new type");
    }

    #[test]
    fn a_type_of_another_registry_is_rejected() {
        let (registry, other) = (TypeRegistry::default(), TypeRegistry::default());
        let theirs = other.intern_func(&function(&[])).unwrap();
        let ours = registry.intern_func(&function(&[])).unwrap();
        assert_ne!(ours.first(), theirs.first());
        let foreign = function(&[reference(theirs.first())]);
        assert_eq!(registry.intern_func(&foreign).unwrap_err(), ForeignType(theirs.first()));
        assert!(registry.group_of(reference(theirs.first())).is_err());
        assert!(registry.group_of(ValType::I32).unwrap().is_none());
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
    fn ids_wrap_around_and_skip_live_groups() {
        let mut ids = IdAllocator { next: REC_BASE - 3, live: BTreeMap::from([(0, 2), (4, 1)]) };
        assert_eq!(ids.allocate(3), Some(REC_BASE - 3));
        assert_eq!(ids.allocate(2), Some(2));
        assert_eq!(ids.allocate(1), Some(5));
        ids.free(0);
        ids.next = REC_BASE;
        assert_eq!(ids.allocate(2), Some(0));
        assert_eq!(ids.allocate(REC_BASE), None);
    }
}
