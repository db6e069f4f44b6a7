//! `table.get` and `table.size`. Libcalls make all changes to tables.

use std::marker::PhantomData;

use kinglet_abi::Trap;

use super::control::lazy_element;
use super::operand::{Acc, OperandSource, ResultTarget, Slot};
use super::{Flow, Handler, Instruction, Machine, OperandKind, StopReason, handler};
use crate::access;

/// `table.get`. Operand: the table's location, with bit 1 set if its indices are 64 bits wide.
struct TableGet<A, D>(PhantomData<(A, D)>);

impl<A: OperandSource, D: ResultTarget> Instruction for TableGet<A, D> {
    #[inline(always)]
    unsafe fn run(m: &mut Machine) -> Flow {
        // SAFETY: the word is a table's location.
        unsafe {
            let word = m.word();
            let index: i64 = A::get(m);
            let index = if word & 2 != 0 { index as u64 } else { index as u32 as u64 };
            let table = access::table(m.vmctx(), word & !2);
            let mut element = access::element(table, index).ok_or(StopReason::Trap(Trap::TableOutOfBounds))?;
            if element == 0 {
                element = lazy_element(m.vm, m.vmctx(), word & !2, index);
            }
            D::put(m, element as i64);
        }
        Ok(())
    }
}

struct TableSize<D>(PhantomData<D>);

impl<D: ResultTarget> Instruction for TableSize<D> {
    #[inline(always)]
    unsafe fn run(m: &mut Machine) -> Flow {
        // SAFETY: the word is a table's location.
        unsafe {
            let word = m.word();
            let len = (*access::table(m.vmctx(), word)).len;
            D::put(m, len as i64);
        }
        Ok(())
    }
}

/// Functions that select handlers.
pub(crate) mod handlers {
    use super::*;

    pub(crate) fn table_get(a: OperandKind, d: OperandKind) -> Handler {
        match (a, d) {
            (OperandKind::Acc, OperandKind::Acc) => handler::<TableGet<Acc, Acc>>,
            (OperandKind::Acc, _) => handler::<TableGet<Acc, Slot>>,
            (_, OperandKind::Acc) => handler::<TableGet<Slot, Acc>>,
            (_, _) => handler::<TableGet<Slot, Slot>>,
        }
    }

    pub(crate) fn table_size(d: OperandKind) -> Handler {
        match d {
            OperandKind::Acc => handler::<TableSize<Acc>>,
            _ => handler::<TableSize<Slot>>,
        }
    }
}
