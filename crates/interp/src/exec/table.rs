//! `table.get` and `table.size`; what changes a table is the runtime's.

use std::marker::PhantomData;

use kinglet_abi::Trap;

use super::control::lazy_element;
use super::operand::{Acc, Slot, Source, Target};
use super::{Flow, Handler, Instruction, Kind, Machine, Stop, handler};
use crate::access;

/// `table.get`: the table's place with bit 1 set if its indices are 64 bits wide.
struct TableGet<A, D>(PhantomData<(A, D)>);

impl<A: Source, D: Target> Instruction for TableGet<A, D> {
    #[inline(always)]
    unsafe fn run(m: &mut Machine) -> Flow {
        // SAFETY: the word is a table's place.
        unsafe {
            let word = m.word();
            let index: i64 = A::get(m);
            let index = if word & 2 != 0 { index as u64 } else { index as u32 as u64 };
            let table = access::table(m.vmctx(), word & !2);
            let mut element = access::element(table, index).ok_or(Stop::Trap(Trap::TableOutOfBounds))?;
            if element == 0 {
                element = lazy_element(m.vm, m.vmctx(), word & !2, index);
            }
            D::put(m, element as i64);
        }
        Ok(())
    }
}

struct TableSize<D>(PhantomData<D>);

impl<D: Target> Instruction for TableSize<D> {
    #[inline(always)]
    unsafe fn run(m: &mut Machine) -> Flow {
        // SAFETY: the word is a table's place.
        unsafe {
            let word = m.word();
            let len = (*access::table(m.vmctx(), word)).len;
            D::put(m, len as i64);
        }
        Ok(())
    }
}

/// The choice of handlers.
pub(crate) mod handlers {
    use super::*;

    pub(crate) fn table_get(a: Kind, d: Kind) -> Handler {
        match (a, d) {
            (Kind::Acc, Kind::Acc) => handler::<TableGet<Acc, Acc>>,
            (Kind::Acc, _) => handler::<TableGet<Acc, Slot>>,
            (_, Kind::Acc) => handler::<TableGet<Slot, Acc>>,
            (_, _) => handler::<TableGet<Slot, Slot>>,
        }
    }

    pub(crate) fn table_size(d: Kind) -> Handler {
        match d {
            Kind::Acc => handler::<TableSize<Acc>>,
            _ => handler::<TableSize<Slot>>,
        }
    }
}
