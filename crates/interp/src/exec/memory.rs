//! Memory instructions. Loads and stores of memory 0 with 32-bit addresses use the base and length at hand; any other
//! memory, a 64-bit address or a large offset takes the general form, which reads them from the memory's record. The
//! interpreter always checks bounds.

use std::marker::PhantomData;

use kinglet_abi::{Libcall, Trap};
use kinglet_wasm::V128;
use kinglet_wasm::op::{Load, Store, VectorLoadLane, VectorStoreLane};
use kinglet_wasm::sem;

use super::numeric::Sum;
use super::operand::{Acc, Cell, Imm, Slot, Source, Target};
use super::{Flow, Handler, Instruction, Kind, Machine, Pair, Stop, handler, trap_from, vector};
use crate::access;

/// What a value of any class does with slots; scalars also with accumulators.
pub(crate) trait Stored: Copy {
    unsafe fn to_target<D: Target>(m: &mut Machine, value: Self);
}

macro_rules! stored_scalars {
    ($($scalar:ident)*) => {$(
        impl Stored for $scalar {
            #[inline(always)]
            unsafe fn to_target<D: Target>(m: &mut Machine, value: Self) {
                // SAFETY: the caller is a handler for a result in `D`, with whose words the emitter goes on (see
                // `exec`).
                unsafe { D::put(m, value) }
            }
        }
    )*};
}

stored_scalars! { i32 i64 f32 f64 }

impl Stored for V128 {
    /// Vectors have no accumulator: always to slots.
    #[inline(always)]
    unsafe fn to_target<D: Target>(m: &mut Machine, value: Self) {
        // SAFETY: the caller is a handler for a vector result: the emitter has put the offset of its two slots next,
        // which lie in the frame that the function's entry checked (see `exec`).
        unsafe {
            let to = m.word();
            vector::write(m.slot(to), value);
        }
    }
}

/// The meaning of a load of `N` bytes.
trait LoadMeaning<const N: usize> {
    type R: Stored;
    fn eval(bytes: [u8; N]) -> Self::R;
}

/// The meaning of a store of `N` bytes.
trait StoreMeaning<const N: usize> {
    type A: Cell;
    fn eval(value: Self::A) -> [u8; N];
}

/// Where `size` bytes at `addr + offset` of memory 0 are.
#[inline(always)]
fn address(m: &Machine, addr: u32, offset: u32, size: usize) -> Result<*mut u8, Stop> {
    let at = addr as u64 + offset as u64;
    if at + size as u64 > m.len as u64 {
        return Err(Stop::Trap(Trap::MemoryOutOfBounds));
    }
    Ok(m.mem.wrapping_add(at as usize))
}

/// A memory access in its general form: the memory's place with bit 1 set if its addresses are 64 bits wide, and the
/// offset, both from operand words.
#[inline(always)]
unsafe fn general_address(m: &mut Machine, addr: u64, size: usize) -> Result<*mut u8, Stop> {
    // SAFETY: the word is a memory's place.
    unsafe {
        let word = m.word();
        let offset = m.double_word();
        let memory = access::memory(m.vmctx(), word & !2);
        let addr = if word & 2 != 0 { addr } else { addr as u32 as u64 };
        let end = addr.checked_add(offset).and_then(|at| at.checked_add(size as u64));
        match end {
            Some(end) if end <= (*memory).len as u64 => Ok((*memory).base.wrapping_add(end as usize - size)),
            _ => Err(Stop::Trap(Trap::MemoryOutOfBounds)),
        }
    }
}

pub(super) struct LoadInstruction<O, A, D, const N: usize>(PhantomData<(O, A, D)>);

impl<O: LoadMeaning<N>, A: Source, D: Target, const N: usize> Instruction for LoadInstruction<O, A, D, N> {
    #[inline(always)]
    unsafe fn run(m: &mut Machine) -> Flow {
        // SAFETY: bounds are checked before the access.
        unsafe {
            let addr: i32 = A::get(m);
            let offset = m.word();
            let at = address(m, addr as u32, offset, N)?;
            O::R::to_target::<D>(m, O::eval(at.cast::<[u8; N]>().read()));
        }
        Ok(())
    }
}

/// `i32.load` with the address in a slot.
pub(super) type I32LoadSlot<D> = LoadInstruction<handlers::I32Load, Slot, D, 4>;

/// `f64.load` with the address in a slot.
pub(super) type F64LoadSlot = LoadInstruction<handlers::F64Load, Slot, Acc, 8>;

/// `f64.store` of the accumulator to a slot's address.
pub(super) type F64StoreAcc = StoreInstruction<handlers::F64Store, Slot, Acc, 8>;

struct GeneralLoad<O, const N: usize>(PhantomData<O>);

impl<O: LoadMeaning<N>, const N: usize> Instruction for GeneralLoad<O, N> {
    #[inline(always)]
    unsafe fn run(m: &mut Machine) -> Flow {
        // SAFETY: bounds are checked before the access.
        unsafe {
            let addr: i64 = Slot::get(m);
            let at = general_address(m, addr as u64, N)?;
            O::R::to_target::<Slot>(m, O::eval(at.cast::<[u8; N]>().read()));
        }
        Ok(())
    }
}

pub(super) struct StoreInstruction<O, A, B, const N: usize>(PhantomData<(O, A, B)>);

impl<O: StoreMeaning<N>, A: Source, B: Source, const N: usize> Instruction for StoreInstruction<O, A, B, N> {
    #[inline(always)]
    unsafe fn run(m: &mut Machine) -> Flow {
        // SAFETY: bounds are checked before the access.
        unsafe {
            let addr: i32 = A::get(m);
            let value: O::A = B::get(m);
            let offset = m.word();
            let at = address(m, addr as u32, offset, N)?;
            at.cast::<[u8; N]>().write(O::eval(value));
        }
        Ok(())
    }
}

/// `i32.store` that also leaves the value in a slot; accumulators keep their values.
pub(super) struct KeepingStore<A, B>(PhantomData<(A, B)>);

impl<A: Source, B: Source> Instruction for KeepingStore<A, B> {
    #[inline(always)]
    unsafe fn run(m: &mut Machine) -> Flow {
        // SAFETY: bounds are checked before the access.
        unsafe {
            let addr: i32 = A::get(m);
            let value: i32 = B::get(m);
            let offset = m.word();
            let at = address(m, addr as u32, offset, 4)?;
            at.cast::<[u8; 4]>().write(sem::i32_store(value));
            let to = m.word();
            *m.slot(to) = value as u32 as u64;
        }
        Ok(())
    }
}

struct GeneralStore<O, const N: usize>(PhantomData<O>);

impl<O: StoreMeaning<N>, const N: usize> Instruction for GeneralStore<O, N> {
    #[inline(always)]
    unsafe fn run(m: &mut Machine) -> Flow {
        // SAFETY: bounds are checked before the access.
        unsafe {
            let addr: i64 = Slot::get(m);
            let value: O::A = Slot::get(m);
            let at = general_address(m, addr as u64, N)?;
            at.cast::<[u8; N]>().write(O::eval(value));
        }
        Ok(())
    }
}

/// `v128.store`, in its general form or not.
struct VectorStore<const GENERAL: bool>;

impl<const GENERAL: bool> Instruction for VectorStore<GENERAL> {
    #[inline(always)]
    unsafe fn run(m: &mut Machine) -> Flow {
        // SAFETY: bounds are checked before the access.
        unsafe {
            let addr: i64 = Slot::get(m);
            let from = m.word();
            let at = if GENERAL {
                general_address(m, addr as u64, 16)?
            } else {
                let offset = m.word();
                address(m, addr as u32, offset, 16)?
            };
            at.cast::<[u8; 16]>().write(sem::v128_store(vector::read(m.slot(from))));
        }
        Ok(())
    }
}

/// The meaning of a load into a lane.
trait LoadLaneMeaning<const N: usize> {
    fn eval(bytes: [u8; N], vector: V128, lane: u8) -> V128;
}

/// The meaning of a store of a lane.
trait StoreLaneMeaning<const N: usize> {
    fn eval(vector: V128, lane: u8) -> [u8; N];
}

struct LoadLane<O, const N: usize>(PhantomData<O>);

impl<O: LoadLaneMeaning<N>, const N: usize> Instruction for LoadLane<O, N> {
    #[inline(always)]
    unsafe fn run(m: &mut Machine) -> Flow {
        // SAFETY: bounds are checked before the access.
        unsafe {
            let addr: i64 = Slot::get(m);
            let (from, lane) = (m.word(), m.word());
            let at = general_address(m, addr as u64, N)?;
            let vector = vector::read(m.slot(from));
            let value = O::eval(at.cast::<[u8; N]>().read(), vector, lane as u8);
            V128::to_target::<Slot>(m, value);
        }
        Ok(())
    }
}

struct StoreLane<O, const N: usize>(PhantomData<O>);

impl<O: StoreLaneMeaning<N>, const N: usize> Instruction for StoreLane<O, N> {
    #[inline(always)]
    unsafe fn run(m: &mut Machine) -> Flow {
        // SAFETY: bounds are checked before the access.
        unsafe {
            let addr: i64 = Slot::get(m);
            let (from, lane) = (m.word(), m.word());
            let at = general_address(m, addr as u64, N)?;
            let vector = vector::read(m.slot(from));
            at.cast::<[u8; N]>().write(O::eval(vector, lane as u8));
        }
        Ok(())
    }
}

/// `memory.size`: the memory's place and the binary logarithm of its page size.
struct MemorySize<D>(PhantomData<D>);

impl<D: Target> Instruction for MemorySize<D> {
    #[inline(always)]
    unsafe fn run(m: &mut Machine) -> Flow {
        // SAFETY: the word is a memory's place.
        unsafe {
            let word = m.word();
            let shift = m.word();
            let pages = (*access::memory(m.vmctx(), word)).len as u64 >> shift;
            D::put(m, pages as i64);
        }
        Ok(())
    }
}

/// A call of the runtime: which, the slot of its operands and result, two immediates.
struct CallRuntime;

impl Instruction for CallRuntime {
    #[inline(always)]
    unsafe fn run(m: &mut Machine) -> Flow {
        // SAFETY: the emitter wrote a libcall's number and put its operands where it says.
        unsafe {
            let (number, args, a, b) = (m.word(), m.word(), m.word(), m.word());
            let record = m.record();
            (*record).ip = m.ip;
            let function = (*(*m.vm).libcalls).functions[number as usize % Libcall::ALL.len()];
            let code = function((*record).vmctx, m.slot(args), a, b);
            m.load_memory((*record).vmctx);
            if code != 0 {
                return Err(Stop::Trap(trap_from(code)));
            }
        }
        Ok(())
    }
}

/// Loads with what an `i32.load` from a slot's address gives as the address; the first result goes to `k`.
fn chained_load_shape<O: LoadMeaning<N>, const N: usize>(k: Kind, d: Kind) -> Handler {
    match (k, d) {
        (Kind::Acc, Kind::Acc) => handler::<Pair<I32LoadSlot<Acc>, LoadInstruction<O, Acc, Acc, N>>>,
        (Kind::Acc, _) => handler::<Pair<I32LoadSlot<Acc>, LoadInstruction<O, Acc, Slot, N>>>,
        (_, Kind::Acc) => handler::<Pair<I32LoadSlot<Slot>, LoadInstruction<O, Acc, Acc, N>>>,
        (_, _) => handler::<Pair<I32LoadSlot<Slot>, LoadInstruction<O, Acc, Slot, N>>>,
    }
}

/// Loads from the sum of two slots, which also goes to `k`.
fn sum_and_load_shape<O: LoadMeaning<N>, const N: usize>(k: Kind, d: Kind) -> Handler {
    match (k, d) {
        (Kind::Acc, Kind::Acc) => handler::<Pair<Sum<Acc>, LoadInstruction<O, Acc, Acc, N>>>,
        (Kind::Acc, _) => handler::<Pair<Sum<Acc>, LoadInstruction<O, Acc, Slot, N>>>,
        (_, Kind::Acc) => handler::<Pair<Sum<Slot>, LoadInstruction<O, Acc, Acc, N>>>,
        (_, _) => handler::<Pair<Sum<Slot>, LoadInstruction<O, Acc, Slot, N>>>,
    }
}

fn load_shape<O: LoadMeaning<N>, const N: usize>(a: Kind, d: Kind) -> Handler {
    match (a, d) {
        (Kind::Acc, Kind::Acc) => handler::<LoadInstruction<O, Acc, Acc, N>>,
        (Kind::Acc, _) => handler::<LoadInstruction<O, Acc, Slot, N>>,
        (_, Kind::Acc) => handler::<LoadInstruction<O, Slot, Acc, N>>,
        (_, _) => handler::<LoadInstruction<O, Slot, Slot, N>>,
    }
}

fn store_shape<O: StoreMeaning<N>, const N: usize>(a: Kind, b: Kind) -> Handler {
    match (a, b) {
        (Kind::Acc, Kind::Imm) => handler::<StoreInstruction<O, Acc, Imm, N>>,
        (Kind::Acc, _) => handler::<StoreInstruction<O, Acc, Slot, N>>,
        (_, Kind::Imm) => handler::<StoreInstruction<O, Slot, Imm, N>>,
        (_, Kind::Acc) => handler::<StoreInstruction<O, Slot, Acc, N>>,
        (_, Kind::Slot) => handler::<StoreInstruction<O, Slot, Slot, N>>,
    }
}

macro_rules! load_meanings {
    ($($token:ident $meaning:ident $text:literal [$bytes:literal] -> $result:ident $gas:literal;)*) => {
        $(
            pub(in crate::exec) struct $token;
            impl LoadMeaning<$bytes> for $token {
                type R = $result;
                #[inline(always)]
                fn eval(bytes: [u8; $bytes]) -> $result {
                    sem::$meaning(bytes)
                }
            }
        )*
        pub(crate) fn load(op: Load, a: Kind, d: Kind) -> Handler {
            match op {
                $(Load::$token => load_shape::<$token, $bytes>(a, d),)*
            }
        }
        pub(crate) fn chained_load(op: Load, k: Kind, d: Kind) -> Handler {
            match op {
                $(Load::$token => chained_load_shape::<$token, $bytes>(k, d),)*
            }
        }
        pub(crate) fn sum_and_load(op: Load, k: Kind, d: Kind) -> Handler {
            match op {
                $(Load::$token => sum_and_load_shape::<$token, $bytes>(k, d),)*
            }
        }
        pub(crate) fn general_load(op: Load) -> Handler {
            match op {
                $(Load::$token => handler::<GeneralLoad<$token, $bytes>>,)*
            }
        }
    };
}

/// What of a store's value is a class of its own: scalars by the row, vectors by hand.
macro_rules! store_meaning {
    ($token:ident $meaning:ident V128 $bytes:literal) => {};
    ($token:ident $meaning:ident $operand:ident $bytes:literal) => {
        pub(in crate::exec) struct $token;
        impl StoreMeaning<$bytes> for $token {
            type A = $operand;
            #[inline(always)]
            fn eval(value: $operand) -> [u8; $bytes] {
                sem::$meaning(value)
            }
        }
    };
}

macro_rules! store_handler {
    ($shape:ident $token:ident V128 $bytes:literal $($kinds:ident)*) => {
        handler::<VectorStore<{ $shape }>>
    };
    (GENERAL $token:ident $operand:ident $bytes:literal $($kinds:ident)*) => {
        handler::<GeneralStore<$token, $bytes>>
    };
    (PLAIN $token:ident $operand:ident $bytes:literal $a:ident $b:ident) => {
        store_shape::<$token, $bytes>($a, $b)
    };
}

const GENERAL: bool = true;
const PLAIN: bool = false;

macro_rules! store_meanings {
    ($($token:ident $meaning:ident $text:literal $operand:ident -> [$bytes:literal] $gas:literal;)*) => {
        $(store_meaning! { $token $meaning $operand $bytes })*
        pub(crate) fn store(op: Store, a: Kind, b: Kind) -> Handler {
            match op {
                $(Store::$token => store_handler!(PLAIN $token $operand $bytes a b),)*
            }
        }
        pub(crate) fn general_store(op: Store) -> Handler {
            match op {
                $(Store::$token => store_handler!(GENERAL $token $operand $bytes),)*
            }
        }
    };
}

macro_rules! load_lane_meanings {
    ($($token:ident $meaning:ident $text:literal [$bytes:literal] -> $result:ident $gas:literal;)*) => {
        $(
            struct $token;
            impl LoadLaneMeaning<$bytes> for $token {
                #[inline(always)]
                fn eval(bytes: [u8; $bytes], vector: V128, lane: u8) -> V128 {
                    sem::$meaning(bytes, vector, lane)
                }
            }
        )*
        pub(crate) fn load_lane(op: VectorLoadLane) -> Handler {
            match op {
                $(VectorLoadLane::$token => handler::<LoadLane<$token, $bytes>>,)*
            }
        }
    };
}

macro_rules! store_lane_meanings {
    ($($token:ident $meaning:ident $text:literal $operand:ident -> [$bytes:literal] $gas:literal;)*) => {
        $(
            struct $token;
            impl StoreLaneMeaning<$bytes> for $token {
                #[inline(always)]
                fn eval(vector: V128, lane: u8) -> [u8; $bytes] {
                    sem::$meaning(vector, lane)
                }
            }
        )*
        pub(crate) fn store_lane(op: VectorStoreLane) -> Handler {
            match op {
                $(VectorStoreLane::$token => handler::<StoreLane<$token, $bytes>>,)*
            }
        }
    };
}

/// The choice of handlers.
pub(crate) mod handlers {
    use super::*;

    kinglet_wasm::load_ops!(load_meanings);
    kinglet_wasm::store_ops!(store_meanings);
    kinglet_wasm::vector_load_lane_ops!(load_lane_meanings);
    kinglet_wasm::vector_store_lane_ops!(store_lane_meanings);

    /// Two `i32.load`s with addresses in slots, the first's result to a slot.
    pub(crate) fn two_loads(d: Kind) -> Handler {
        match d {
            Kind::Acc => handler::<Pair<I32LoadSlot<Slot>, I32LoadSlot<Acc>>>,
            _ => handler::<Pair<I32LoadSlot<Slot>, I32LoadSlot<Slot>>>,
        }
    }

    /// `i32.load` of a slot's address, its result also to `k`, stored by `i32.store` to another slot's.
    pub(crate) fn load_and_store(k: Kind) -> Handler {
        match k {
            Kind::Acc => handler::<Pair<I32LoadSlot<Acc>, StoreInstruction<I32Store, Slot, Acc, 4>>>,
            _ => handler::<Pair<I32LoadSlot<Slot>, StoreInstruction<I32Store, Slot, Acc, 4>>>,
        }
    }

    /// `i32.store` that also leaves the value in a slot.
    pub(crate) fn keeping_store(a: Kind, b: Kind) -> Handler {
        match (a, b) {
            (Kind::Acc, _) => handler::<KeepingStore<Acc, Slot>>,
            (_, Kind::Acc) => handler::<KeepingStore<Slot, Acc>>,
            (_, _) => handler::<KeepingStore<Slot, Slot>>,
        }
    }

    /// `i32.load` of a slot's address, stored by `i32.store` to another slot's and left in a slot too.
    pub(crate) fn load_and_keeping_store() -> Handler {
        handler::<Pair<I32LoadSlot<Acc>, KeepingStore<Slot, Acc>>>
    }

    /// Two of slots to the accumulator's address.
    pub(crate) fn two_keeping_stores() -> Handler {
        handler::<Pair<KeepingStore<Acc, Slot>, KeepingStore<Acc, Slot>>>
    }

    pub(crate) fn memory_size(d: Kind) -> Handler {
        match d {
            Kind::Acc => handler::<MemorySize<Acc>>,
            _ => handler::<MemorySize<Slot>>,
        }
    }

    pub(crate) fn call_runtime() -> Handler {
        handler::<CallRuntime>
    }
}
