//! Exceptions. A clause is a landing block: the runtime puts nothing into registers, the block takes the arguments from
//! the pending exception. Clauses name tags by where their pointers are in the instance that the call's context says.

use std::mem::offset_of;

use cranelift_codegen::ir::{
    Block, BlockArg, BlockCall, ExceptionTableData, ExceptionTableItem, ExceptionTag, FuncRef, InstBuilder, SigRef,
    Value, types,
};
use kinglet_abi::{Natives, Trap, VmStore};
use kinglet_wasm::emit::Clause;

use super::{Emitter, Op1};
use crate::convention::{self, Kind, load_slots, store_slots};

/// A clause of a `try_table`.
pub(super) struct Landing {
    block: Block,
    /// Where the tag's pointer is; none for all.
    tag: Option<u32>,
    /// Whether it wants the exception itself, which nobody keeps yet.
    with_ref: bool,
    args: Vec<Kind>,
    target: Block,
}

/// What a call calls.
#[derive(Clone, Copy)]
pub(super) enum CallTarget {
    Function(FuncRef),
    Address(SigRef, Value),
}

impl Emitter<'_> {
    fn tag_kinds(&self, tag: u32) -> Vec<Kind> {
        let module = self.environment.module;
        self.kinds(module.func_type_at(module.tags[tag as usize]).params())
    }

    pub(super) fn open_try(&mut self, clauses: &[Clause<Block>]) {
        let mut landings = Vec::with_capacity(clauses.len());
        for clause in clauses {
            landings.push(Landing {
                block: self.builder.create_block(),
                tag: clause.tag.map(|tag| self.environment.layout.tag(tag)),
                with_ref: clause.with_ref,
                args: clause.tag.map_or_else(Vec::new, |tag| self.tag_kinds(tag)),
                target: clause.target,
            });
        }
        self.tries.push(landings);
    }

    pub(super) fn close_try(&mut self) {
        for landing in self.tries.pop().unwrap_or_default() {
            self.switch_to(landing.block);
            self.builder.set_cold_block(landing.block);
            if landing.with_ref {
                self.raise(Trap::Unsupported);
                continue;
            }
            let array = self.store_field(types::I64, offset_of!(VmStore, exception_args));
            let args = load_slots(&mut self.builder, array, &landing.args);
            for (value, kind) in args.iter().zip(&landing.args) {
                if *kind == Kind::Traced {
                    self.trace(*value);
                }
            }
            let args: Vec<BlockArg> = args.into_iter().map(BlockArg::Value).collect();
            self.count_branch(landing.target);
            self.builder.ins().jump(landing.target, &args);
        }
    }

    /// A call that may throw; the current block is then where it has returned.
    pub(super) fn throwing_call(&mut self, target: CallTarget, args: &[Value]) -> Vec<Value> {
        if self.tries.iter().all(|landings| landings.is_empty()) {
            let call = match target {
                CallTarget::Function(function) => self.builder.ins().call(function, args),
                CallTarget::Address(sig, address) => self.builder.ins().call_indirect(sig, address, args),
            };
            return self.builder.inst_results(call).to_vec();
        }
        let sig = match target {
            CallTarget::Function(function) => self.builder.func.dfg.ext_funcs[function].signature,
            CallTarget::Address(sig, _) => sig,
        };
        let returned = self.builder.create_block();
        let types: Vec<_> = self.builder.func.dfg.signatures[sig].returns.iter().map(|ret| ret.value_type).collect();
        let results: Vec<_> = types.iter().map(|ty| self.builder.append_block_param(returned, *ty)).collect();
        let pool = &mut self.builder.func.dfg.value_lists;
        let rets: Vec<_> = (0..results.len() as u32).map(BlockArg::TryCallRet).collect();
        let normal = BlockCall::new(returned, rets, pool);
        let mut items = vec![ExceptionTableItem::Context(self.vmctx)];
        for landing in self.tries.iter().rev().flatten() {
            let to = BlockCall::new(landing.block, [], pool);
            match landing.tag {
                Some(tag) => items.push(ExceptionTableItem::Tag(ExceptionTag::from_u32(tag), to)),
                None => {
                    items.push(ExceptionTableItem::Default(to));
                    break;
                }
            }
        }
        let table = self.builder.func.dfg.exception_tables.push(ExceptionTableData::new(sig, normal, items));
        match target {
            CallTarget::Function(function) => self.builder.ins().try_call(function, args, table),
            CallTarget::Address(_, address) => self.builder.ins().try_call_indirect(address, args, table),
        };
        self.switch_to(returned);
        results
    }

    /// `throw_ref`: an operation of a proposal that is not finished.
    pub(super) fn rethrow(&mut self, _: Op1) {
        self.raise(Trap::Unsupported);
    }

    pub(super) fn make_throw(&mut self, tag: u32, args: &[Op1]) {
        let kinds = self.tag_kinds(tag);
        let values = self.values(args);
        let array = self.array(kinds.iter().map(|kind| kind.slots()).sum());
        store_slots(&mut self.builder, &values, array, &kinds);
        let target = self.native(offset_of!(Natives, throw));
        let sig = self.builder.import_signature(convention::tail(&[types::I64, types::I64, types::I32]));
        let tag = self.builder.ins().iconst(types::I32, i64::from(tag));
        self.throwing_call(CallTarget::Address(sig, target), &[self.vmctx, array, tag]);
        self.builder.ins().trap(crate::trampoline::UNREACHABLE);
    }
}
