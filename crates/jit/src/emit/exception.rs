//! Exceptions.
//!
//! A call within a `try_table` has one exceptional successor: the *dispatch block* of the innermost `try_table`. It
//! receives the number of the clause that the runtime has found, and branches to that clause or to the dispatch block
//! of the next outer `try_table`. The CLIF is thus linear in calls and clauses, as are the tables that the runtime
//! searches ([`kinglet_abi::image::Scope`]).
//!
//! Each clause has a landing pad, which loads the arguments of the pending exception. Clauses identify tags by the
//! offsets of their pointers in the call's instance.

use std::mem::offset_of;

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{
    Block, BlockArg, BlockCall, ExceptionTableData, ExceptionTableItem, ExceptionTag, FuncRef, InstBuilder,
    JumpTableData, SigRef, Value, types,
};
use kinglet_abi::image::{ANY_TAG, ClauseEntry, NO_SCOPE, Scope};
use kinglet_abi::{NativeBuiltins, Trap, VmStore};
use kinglet_wasm::emit::Clause;

use super::{ClifOperand, Emitter};
use crate::convention::{self, ValueRepr, load_slots, store_slots};

/// The function's `try_table`s.
#[derive(Default)]
pub(super) struct Tries {
    /// The open `try_table`s; `None` for one without clauses.
    open: Vec<Option<OpenTry>>,
    /// The dispatch blocks of open `try_table`s with clauses, outermost first.
    catching: Vec<Dispatch>,
    pub(super) scopes: Vec<Scope>,
    pub(super) clauses: Vec<ClauseEntry>,
}

/// The dispatch block of a `try_table`.
#[derive(Clone, Copy)]
struct Dispatch {
    /// Its index in the table of scopes.
    scope: u32,
    /// The block, whose parameter is a clause number.
    block: Block,
}

/// An open `try_table` with clauses.
struct OpenTry {
    dispatch: Block,
    /// The enclosing dispatch block; `None` if this `try_table` catches everything or no other encloses it.
    parent: Option<Block>,
    /// The number of its first clause.
    first: u32,
    landings: Vec<LandingPad>,
}

/// The landing pad of a clause.
struct LandingPad {
    block: Block,
    /// Whether the clause needs a reference to the exception, which is not supported yet.
    with_ref: bool,
    args: Vec<ValueRepr>,
    target: Block,
}

/// The callee of a call that may throw.
#[derive(Clone, Copy)]
pub(super) enum CallTarget {
    Function(FuncRef),
    Address(SigRef, Value),
}

impl Emitter<'_> {
    fn tag_reprs(&self, tag: u32) -> Vec<ValueRepr> {
        let module = self.environment.module;
        self.reprs(module.func_type_at(module.tags[tag as usize]).params())
    }

    pub(super) fn open_try(&mut self, clauses: &[Clause<Block>]) {
        // Clauses after a `catch_all` are unreachable.
        let used = clauses.iter().position(|clause| clause.tag.is_none()).map_or(clauses.len(), |all| all + 1);
        let catches_all = clauses.get(used.wrapping_sub(1)).is_some_and(|clause| clause.tag.is_none());
        if used == 0 {
            self.tries.open.push(None);
            return;
        }
        let first = self.tries.clauses.len() as u32;
        let mut landings = Vec::with_capacity(used);
        for clause in &clauses[..used] {
            let tag = clause.tag.map_or(ANY_TAG, |tag| self.environment.layout.tag(tag));
            self.tries.clauses.push(ClauseEntry { tag, number: self.tries.clauses.len() as u32 });
            landings.push(LandingPad {
                block: self.builder.create_block(),
                with_ref: clause.with_ref,
                args: clause.tag.map_or_else(Vec::new, |tag| self.tag_reprs(tag)),
                target: clause.target,
            });
        }
        let parent = self.tries.catching.last().copied().filter(|_| !catches_all);
        let dispatch = self.builder.create_block();
        self.builder.append_block_param(dispatch, types::I64);
        let scope = self.tries.scopes.len() as u32;
        let parent_scope = parent.map_or(NO_SCOPE, |parent| parent.scope);
        self.tries.scopes.push(Scope { parent: parent_scope, first, count: used as u32 });
        self.tries.catching.push(Dispatch { scope, block: dispatch });
        let parent = parent.map(|parent| parent.block);
        self.tries.open.push(Some(OpenTry { dispatch, parent, first, landings }));
    }

    pub(super) fn close_try(&mut self) {
        let Some(open) = self.tries.open.pop().flatten() else { return };
        self.tries.catching.pop();
        self.dispatch(&open);
        for landing in open.landings {
            // A landing pad may have a thousand arguments.
            self.fail_if_err(self.cost_meter.check(self.builder.func));
            if self.error.is_some() {
                return;
            }
            self.switch_to_sealed(landing.block);
            self.builder.set_cold_block(landing.block);
            if landing.with_ref {
                self.raise(Trap::Unsupported);
                continue;
            }
            let array = self.load_store_field(types::I64, offset_of!(VmStore, exception_args));
            let args = load_slots(&mut self.builder, array, &landing.args);
            for (value, repr) in args.iter().zip(&landing.args) {
                if *repr == ValueRepr::GcRef {
                    self.declare_gc_ref(*value);
                }
            }
            let args: Vec<BlockArg> = args.into_iter().map(BlockArg::Value).collect();
            self.count_branch(landing.target);
            self.builder.ins().jump(landing.target, &args);
        }
    }

    /// Fills the dispatch block.
    fn dispatch(&mut self, open: &OpenTry) {
        self.switch_to_sealed(open.dispatch);
        self.builder.set_cold_block(open.dispatch);
        let number = self.builder.block_params(open.dispatch)[0];
        let mut blocks: Vec<Block> = open.landings.iter().map(|landing| landing.block).collect();
        let (fallback, args) = match open.parent {
            Some(parent) => (parent, vec![BlockArg::Value(number)]),
            // The runtime has found one of these clauses.
            None => (blocks.pop().unwrap_or(open.dispatch), Vec::new()),
        };
        match blocks[..] {
            [] => _ = self.builder.ins().jump(fallback, &args),
            [block] => {
                let matches = self.builder.ins().icmp_imm_u(IntCC::Equal, number, i64::from(open.first));
                self.builder.ins().brif(matches, block, &[], fallback, &args);
            }
            _ => {
                let first = self.builder.ins().iconst(types::I64, i64::from(open.first));
                let index = self.builder.ins().isub(number, first);
                let index = self.builder.ins().ireduce(types::I32, index);
                let pool = &mut self.builder.func.dfg.value_lists;
                let fallback = BlockCall::new(fallback, args, pool);
                let calls: Vec<BlockCall> = blocks.iter().map(|block| BlockCall::new(*block, [], pool)).collect();
                let table = self.builder.create_jump_table(JumpTableData::new(fallback, &calls));
                self.builder.ins().br_table(index, table);
            }
        }
    }

    /// Emits a call that may throw. The current block is then its normal successor.
    pub(super) fn throwing_call(&mut self, target: CallTarget, args: &[Value]) -> Vec<Value> {
        let Some(dispatch) = self.tries.catching.last().copied() else {
            let call = match target {
                CallTarget::Function(function) => self.builder.ins().call(function, args),
                CallTarget::Address(sig, address) => self.builder.ins().call_indirect(sig, address, args),
            };
            return self.builder.inst_results(call).to_vec();
        };
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
        let caught = BlockCall::new(dispatch.block, [BlockArg::TryCallExn(0)], pool);
        let scope = ExceptionTag::from_u32(dispatch.scope);
        let items = [ExceptionTableItem::Context(self.vmctx), ExceptionTableItem::Tag(scope, caught)];
        let table = self.builder.func.dfg.exception_tables.push(ExceptionTableData::new(sig, normal, items));
        match target {
            CallTarget::Function(function) => self.builder.ins().try_call(function, args, table),
            CallTarget::Address(_, address) => self.builder.ins().try_call_indirect(address, args, table),
        };
        self.switch_to_sealed(returned);
        results
    }

    /// Emits `throw_ref`, which belongs to an unfinished proposal.
    pub(super) fn rethrow(&mut self, _: ClifOperand) {
        self.raise(Trap::Unsupported);
    }

    pub(super) fn emit_throw(&mut self, tag: u32, args: &[ClifOperand]) {
        let reprs = self.tag_reprs(tag);
        let values = self.values(args);
        let array = self.libcall_array(reprs.iter().map(|repr| repr.slots()).sum());
        store_slots(&mut self.builder, &values, array, &reprs);
        let target = self.load_builtin(offset_of!(NativeBuiltins, throw));
        let sig = self.builder.import_signature(convention::native_signature(&[types::I64, types::I64, types::I32]));
        let tag = self.builder.ins().iconst(types::I32, i64::from(tag));
        self.throwing_call(CallTarget::Address(sig, target), &[self.vmctx, array, tag]);
        self.builder.ins().trap(crate::trampoline::UNREACHABLE);
    }
}
