//! Exceptions. A call that may throw has one way to where it is caught, whatever catches it: to the *dispatch* of the
//! innermost `try_table` around it, with the number of the clause that the runtime has found. A dispatch goes to its own
//! clause of that number, or on to the next outer dispatch. So the intermediate code is linear in calls and clauses, as the
//! tables are in which the runtime looks ([`kinglet_abi::image::Scope`]).
//!
//! A clause is a landing block: it takes the arguments from the pending exception. Clauses name tags by where their
//! pointers are in the instance that the call's context says.

use std::mem::offset_of;

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{
    Block, BlockArg, BlockCall, ExceptionTableData, ExceptionTableItem, ExceptionTag, FuncRef, InstBuilder,
    JumpTableData, SigRef, Value, types,
};
use kinglet_abi::image::{ANY_TAG, Clause as ClauseEntry, NO_SCOPE, Scope};
use kinglet_abi::{Natives, Trap, VmStore};
use kinglet_wasm::emit::Clause;

use super::{Emitter, Op1};
use crate::convention::{self, Kind, load_slots, store_slots};

/// The function's `try_table`s: those that are open, and what the tables say of all.
#[derive(Default)]
pub(super) struct Tries {
    /// Those that are open; none for one without clauses.
    open: Vec<Option<Open>>,
    /// The dispatches of those with clauses, from outside.
    catching: Vec<Dispatch>,
    pub(super) scopes: Vec<Scope>,
    pub(super) clauses: Vec<ClauseEntry>,
}

/// Where calls within a `try_table` go to be caught.
#[derive(Clone, Copy)]
struct Dispatch {
    /// Its place in the table of scopes.
    scope: u32,
    /// Takes the number of a clause.
    block: Block,
}

/// A `try_table` with clauses.
struct Open {
    dispatch: Block,
    /// Where what it does not catch goes; none if it catches everything, or nothing around it does.
    parent: Option<Block>,
    /// The number of its first clause.
    first: u32,
    landings: Vec<Landing>,
}

/// A clause.
struct Landing {
    block: Block,
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
        // What comes behind one that catches everything catches nothing.
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
            landings.push(Landing {
                block: self.builder.create_block(),
                with_ref: clause.with_ref,
                args: clause.tag.map_or_else(Vec::new, |tag| self.tag_kinds(tag)),
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
        self.tries.open.push(Some(Open { dispatch, parent, first, landings }));
    }

    pub(super) fn close_try(&mut self) {
        let Some(open) = self.tries.open.pop().flatten() else { return };
        self.tries.catching.pop();
        self.dispatch(&open);
        for landing in open.landings {
            // Each may take a thousand arguments.
            self.stop_on(self.meter.check(self.builder.func));
            if self.refused.is_some() {
                return;
            }
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

    /// Goes to the clause whose number it is given.
    fn dispatch(&mut self, open: &Open) {
        self.switch_to(open.dispatch);
        self.builder.set_cold_block(open.dispatch);
        let number = self.builder.block_params(open.dispatch)[0];
        let mut blocks: Vec<Block> = open.landings.iter().map(|landing| landing.block).collect();
        let (otherwise, args) = match open.parent {
            Some(parent) => (parent, vec![BlockArg::Value(number)]),
            // The runtime has found one of these.
            None => (blocks.pop().unwrap_or(open.dispatch), Vec::new()),
        };
        match blocks[..] {
            [] => _ = self.builder.ins().jump(otherwise, &args),
            [block] => {
                let is_it = self.builder.ins().icmp_imm_u(IntCC::Equal, number, i64::from(open.first));
                self.builder.ins().brif(is_it, block, &[], otherwise, &args);
            }
            _ => {
                let first = self.builder.ins().iconst(types::I64, i64::from(open.first));
                let index = self.builder.ins().isub(number, first);
                let index = self.builder.ins().ireduce(types::I32, index);
                let pool = &mut self.builder.func.dfg.value_lists;
                let otherwise = BlockCall::new(otherwise, args, pool);
                let calls: Vec<BlockCall> = blocks.iter().map(|block| BlockCall::new(*block, [], pool)).collect();
                let table = self.builder.create_jump_table(JumpTableData::new(otherwise, &calls));
                self.builder.ins().br_table(index, table);
            }
        }
    }

    /// A call that may throw; the current block is then where it has returned.
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
