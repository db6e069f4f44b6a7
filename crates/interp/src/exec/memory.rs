//! Memory instructions.
//!
//! Accesses to memory 0 with 32-bit addresses use the base and length in the machine's registers. Accesses to other
//! memories, with 64-bit addresses or with large offsets take the general form, which reads the memory's record. The
//! interpreter always checks bounds.

use std::marker::PhantomData;

use kinglet_abi::{Libcall, Trap};
use kinglet_wasm::V128;
use kinglet_wasm::op::{Load, Store, VectorLoadLane, VectorStoreLane};
use kinglet_wasm::sem;

use super::numeric::Sum;
use super::operand::{Acc, AccumulatorScalar, Imm, OperandSource, ResultTarget, Slot};
use super::{
    Flow, Handler, Instruction, Machine, OperandKind, StopReason, Superinstruction, handler, trap_from_code, vector,
};
use crate::access;

/// A value that an instruction can write to a result target.
pub(crate) trait ResultValue: Copy {
    unsafe fn write_to<D: ResultTarget>(m: &mut Machine, value: Self);
}

macro_rules! result_scalars {
    ($($scalar:ident)*) => {$(
        impl ResultValue for $scalar {
            #[inline(always)]
            unsafe fn write_to<D: ResultTarget>(m: &mut Machine, value: Self) {
                // SAFETY: the caller is a handler with its result in `D`, whose words come next (see `exec`).
                unsafe { D::put(m, value) }
            }
        }
    )*};
}

result_scalars! { i32 i64 f32 f64 }

impl ResultValue for V128 {
    /// Vectors have no accumulator, so they always go to slots.
    #[inline(always)]
    unsafe fn write_to<D: ResultTarget>(m: &mut Machine, value: Self) {
        // SAFETY: the caller is a handler with a vector result. The next word is the offset of its two slots, which lie
        // in the frame that the function's entry checked (see `exec`).
        unsafe {
            let to = m.word();
            vector::write(m.slot(to), value);
        }
    }
}

/// The semantics of a load of `N` bytes.
trait LoadMeaning<const N: usize> {
    type R: ResultValue;
    fn eval(bytes: [u8; N]) -> Self::R;
}

/// The semantics of a store of `N` bytes.
trait StoreMeaning<const N: usize> {
    type A: AccumulatorScalar;
    fn eval(value: Self::A) -> [u8; N];
}

/// Returns the address of `size` bytes at `addr + offset` of memory 0.
#[inline(always)]
fn address(m: &Machine, addr: u32, offset: u32, size: usize) -> Result<*mut u8, StopReason> {
    let at = addr as u64 + offset as u64;
    if at + size as u64 > m.len as u64 {
        return Err(StopReason::Trap(Trap::MemoryOutOfBounds));
    }
    Ok(m.mem.wrapping_add(at as usize))
}

/// Returns the address of an access in its general form. Operands: the memory's location, with bit 1 set if its
/// addresses are 64 bits wide, and the offset.
#[inline(always)]
unsafe fn general_address(m: &mut Machine, addr: u64, size: usize) -> Result<*mut u8, StopReason> {
    // SAFETY: the word is a memory's location.
    unsafe {
        let word = m.word();
        let offset = m.double_word();
        let memory = access::memory(m.vmctx(), word & !2);
        let addr = if word & 2 != 0 { addr } else { addr as u32 as u64 };
        let end = addr.checked_add(offset).and_then(|at| at.checked_add(size as u64));
        match end {
            Some(end) if end <= (*memory).len as u64 => Ok((*memory).base.wrapping_add(end as usize - size)),
            _ => Err(StopReason::Trap(Trap::MemoryOutOfBounds)),
        }
    }
}

pub(super) struct LoadInstruction<O, A, D, const N: usize>(PhantomData<(O, A, D)>);

impl<O: LoadMeaning<N>, A: OperandSource, D: ResultTarget, const N: usize> Instruction for LoadInstruction<O, A, D, N> {
    #[inline(always)]
    unsafe fn run(m: &mut Machine) -> Flow {
        // SAFETY: bounds are checked before the access.
        unsafe {
            let addr: i32 = A::get(m);
            let offset = m.word();
            let at = address(m, addr as u32, offset, N)?;
            O::R::write_to::<D>(m, O::eval(at.cast::<[u8; N]>().read()));
        }
        Ok(())
    }
}

/// `i32.load` with the address in a slot.
pub(super) type I32LoadSlot<D> = LoadInstruction<handlers::I32Load, Slot, D, 4>;

/// `f64.load` with the address in a slot.
pub(super) type F64LoadSlot = LoadInstruction<handlers::F64Load, Slot, Acc, 8>;

/// `f64.store` of the accumulator to an address in a slot.
pub(super) type F64StoreAcc = StoreInstruction<handlers::F64Store, Slot, Acc, 8>;

struct GeneralLoad<O, const N: usize>(PhantomData<O>);

impl<O: LoadMeaning<N>, const N: usize> Instruction for GeneralLoad<O, N> {
    #[inline(always)]
    unsafe fn run(m: &mut Machine) -> Flow {
        // SAFETY: bounds are checked before the access.
        unsafe {
            let addr: i64 = Slot::get(m);
            let at = general_address(m, addr as u64, N)?;
            O::R::write_to::<Slot>(m, O::eval(at.cast::<[u8; N]>().read()));
        }
        Ok(())
    }
}

pub(super) struct StoreInstruction<O, A, B, const N: usize>(PhantomData<(O, A, B)>);

impl<O: StoreMeaning<N>, A: OperandSource, B: OperandSource, const N: usize> Instruction
    for StoreInstruction<O, A, B, N>
{
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

/// `i32.store` with a copy of the value to a slot. Accumulators are unchanged.
pub(super) struct ForwardingStore<A, B>(PhantomData<(A, B)>);

impl<A: OperandSource, B: OperandSource> Instruction for ForwardingStore<A, B> {
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

/// `v128.store`, directly to memory 0 or in the general form.
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

/// The semantics of a load into a lane.
trait LoadLaneMeaning<const N: usize> {
    fn eval(bytes: [u8; N], vector: V128, lane: u8) -> V128;
}

/// The semantics of a store of a lane.
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
            V128::write_to::<Slot>(m, value);
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

/// `memory.size`. Operands: the memory's location, and the binary logarithm of its page size.
struct MemorySize<D>(PhantomData<D>);

impl<D: ResultTarget> Instruction for MemorySize<D> {
    #[inline(always)]
    unsafe fn run(m: &mut Machine) -> Flow {
        // SAFETY: the word is a memory's location.
        unsafe {
            let word = m.word();
            let shift = m.word();
            let pages = (*access::memory(m.vmctx(), word)).len as u64 >> shift;
            D::put(m, pages as i64);
        }
        Ok(())
    }
}

/// A libcall. Operands: its number, the slot of its operands and result, two immediates.
struct CallLibcall;

impl Instruction for CallLibcall {
    #[inline(always)]
    unsafe fn run(m: &mut Machine) -> Flow {
        // SAFETY: the emitter wrote the number of a libcall and put its operands into these slots.
        unsafe {
            let (number, args, a, b) = (m.word(), m.word(), m.word(), m.word());
            let record = m.record();
            (*record).ip = m.ip;
            let function = (*(*m.vm).libcalls).functions[number as usize % Libcall::ALL.len()];
            let code = function((*record).vmctx, m.slot(args), a, b);
            m.load_memory((*record).vmctx);
            if code != 0 {
                return Err(StopReason::Trap(trap_from_code(code)));
            }
        }
        Ok(())
    }
}

/// Selects a load whose address is the result of an `i32.load` from an address in a slot. The first result also goes to
/// `k`.
fn load_and_load_shape<O: LoadMeaning<N>, const N: usize>(k: OperandKind, d: OperandKind) -> Handler {
    match (k, d) {
        (OperandKind::Acc, OperandKind::Acc) => {
            handler::<Superinstruction<I32LoadSlot<Acc>, LoadInstruction<O, Acc, Acc, N>>>
        }
        (OperandKind::Acc, _) => handler::<Superinstruction<I32LoadSlot<Acc>, LoadInstruction<O, Acc, Slot, N>>>,
        (_, OperandKind::Acc) => handler::<Superinstruction<I32LoadSlot<Slot>, LoadInstruction<O, Acc, Acc, N>>>,
        (_, _) => handler::<Superinstruction<I32LoadSlot<Slot>, LoadInstruction<O, Acc, Slot, N>>>,
    }
}

/// Selects a load from the sum of two slots, which also goes to `k`.
fn sum_and_load_shape<O: LoadMeaning<N>, const N: usize>(k: OperandKind, d: OperandKind) -> Handler {
    match (k, d) {
        (OperandKind::Acc, OperandKind::Acc) => handler::<Superinstruction<Sum<Acc>, LoadInstruction<O, Acc, Acc, N>>>,
        (OperandKind::Acc, _) => handler::<Superinstruction<Sum<Acc>, LoadInstruction<O, Acc, Slot, N>>>,
        (_, OperandKind::Acc) => handler::<Superinstruction<Sum<Slot>, LoadInstruction<O, Acc, Acc, N>>>,
        (_, _) => handler::<Superinstruction<Sum<Slot>, LoadInstruction<O, Acc, Slot, N>>>,
    }
}

fn load_shape<O: LoadMeaning<N>, const N: usize>(a: OperandKind, d: OperandKind) -> Handler {
    match (a, d) {
        (OperandKind::Acc, OperandKind::Acc) => handler::<LoadInstruction<O, Acc, Acc, N>>,
        (OperandKind::Acc, _) => handler::<LoadInstruction<O, Acc, Slot, N>>,
        (_, OperandKind::Acc) => handler::<LoadInstruction<O, Slot, Acc, N>>,
        (_, _) => handler::<LoadInstruction<O, Slot, Slot, N>>,
    }
}

fn store_shape<O: StoreMeaning<N>, const N: usize>(a: OperandKind, b: OperandKind) -> Handler {
    match (a, b) {
        (OperandKind::Acc, OperandKind::Imm) => handler::<StoreInstruction<O, Acc, Imm, N>>,
        (OperandKind::Acc, _) => handler::<StoreInstruction<O, Acc, Slot, N>>,
        (_, OperandKind::Imm) => handler::<StoreInstruction<O, Slot, Imm, N>>,
        (_, OperandKind::Acc) => handler::<StoreInstruction<O, Slot, Acc, N>>,
        (_, OperandKind::Slot) => handler::<StoreInstruction<O, Slot, Slot, N>>,
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
        pub(crate) fn load(op: Load, a: OperandKind, d: OperandKind) -> Handler {
            match op {
                $(Load::$token => load_shape::<$token, $bytes>(a, d),)*
            }
        }
        pub(crate) fn load_and_load(op: Load, k: OperandKind, d: OperandKind) -> Handler {
            match op {
                $(Load::$token => load_and_load_shape::<$token, $bytes>(k, d),)*
            }
        }
        pub(crate) fn sum_and_load(op: Load, k: OperandKind, d: OperandKind) -> Handler {
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

/// Implements the semantics of a store. The table of operations yields the scalar stores; the vector store is written
/// by hand.
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
    (DIRECT $token:ident $operand:ident $bytes:literal $a:ident $b:ident) => {
        store_shape::<$token, $bytes>($a, $b)
    };
}

const GENERAL: bool = true;
const DIRECT: bool = false;

macro_rules! store_meanings {
    ($($token:ident $meaning:ident $text:literal $operand:ident -> [$bytes:literal] $gas:literal;)*) => {
        $(store_meaning! { $token $meaning $operand $bytes })*
        pub(crate) fn store(op: Store, a: OperandKind, b: OperandKind) -> Handler {
            match op {
                $(Store::$token => store_handler!(DIRECT $token $operand $bytes a b),)*
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

/// Functions that select handlers.
pub(crate) mod handlers {
    use super::*;

    kinglet_wasm::load_ops!(load_meanings);
    kinglet_wasm::store_ops!(store_meanings);
    kinglet_wasm::vector_load_lane_ops!(load_lane_meanings);
    kinglet_wasm::vector_store_lane_ops!(store_lane_meanings);

    /// Two `i32.load`s from addresses in slots, with the first result in a slot.
    pub(crate) fn two_loads(d: OperandKind) -> Handler {
        match d {
            OperandKind::Acc => handler::<Superinstruction<I32LoadSlot<Slot>, I32LoadSlot<Acc>>>,
            _ => handler::<Superinstruction<I32LoadSlot<Slot>, I32LoadSlot<Slot>>>,
        }
    }

    /// `i32.load` from an address in a slot, with its result also in `k`, and `i32.store` of that result to an address
    /// in another slot.
    pub(crate) fn load_and_store(k: OperandKind) -> Handler {
        match k {
            OperandKind::Acc => handler::<Superinstruction<I32LoadSlot<Acc>, StoreInstruction<I32Store, Slot, Acc, 4>>>,
            _ => handler::<Superinstruction<I32LoadSlot<Slot>, StoreInstruction<I32Store, Slot, Acc, 4>>>,
        }
    }

    /// `i32.store` with a copy of the value to a slot.
    pub(crate) fn forwarding_store(a: OperandKind, b: OperandKind) -> Handler {
        match (a, b) {
            (OperandKind::Acc, _) => handler::<ForwardingStore<Acc, Slot>>,
            (_, OperandKind::Acc) => handler::<ForwardingStore<Slot, Acc>>,
            (_, _) => handler::<ForwardingStore<Slot, Slot>>,
        }
    }

    /// `i32.load` from an address in a slot, and `i32.store` of its result to an address in another slot, with a copy
    /// to a slot.
    pub(crate) fn load_and_forwarding_store() -> Handler {
        handler::<Superinstruction<I32LoadSlot<Acc>, ForwardingStore<Slot, Acc>>>
    }

    /// Two `i32.store`s of slots to the address in the accumulator, each with a copy to a slot.
    pub(crate) fn two_forwarding_stores() -> Handler {
        handler::<Superinstruction<ForwardingStore<Acc, Slot>, ForwardingStore<Acc, Slot>>>
    }

    pub(crate) fn memory_size(d: OperandKind) -> Handler {
        match d {
            OperandKind::Acc => handler::<MemorySize<Acc>>,
            _ => handler::<MemorySize<Slot>>,
        }
    }

    pub(crate) fn call_libcall() -> Handler {
        handler::<CallLibcall>
    }
}
