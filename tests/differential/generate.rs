//! Random modules in text, biased towards what lowering makes one instruction of or does without: functions that move a
//! stack pointer kept in a global, variables at overlapping offsets from it, blocks, loops, branches and calls between.
//! Every loop counts down, so that modules end. There is no `select`, on which Wasmi 2.0 was seen to differ.

use std::fmt::Write;

/// A generator of random numbers (xorshift64*): the same seed gives the same module everywhere.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Random {
        Random((seed ^ 0x9E37_79B9_7F4A_7C15).wrapping_mul(0xBF58_476D_1CE4_E5B9) | 1)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 16
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    fn one_of<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.below(items.len())]
    }
}

/// How many functions a module has; each calls only those before it.
pub(crate) const FUNCTIONS: usize = 3;

/// The locals that statements may assign: two parameters, three variables. Behind them are the stack pointer, an `i64`
/// and the counters of loops.
const VARIABLES: usize = 5;
const POINTER: usize = 5;
const WIDE: usize = 6;
const COUNTERS: usize = 7;
const MOST_LOOPS: usize = 6;

struct Body<'r> {
    random: &'r mut Random,
    function: usize,
    loops: usize,
    /// Enclosing labels that a branch forwards may go to: how many there are.
    blocks: usize,
    budget: usize,
}

/// A module with a memory `m`, the globals `sp` and `g`, and functions `f0`, `f1` and so on of two `i32` to one.
pub(crate) fn module(seed: u64) -> String {
    let mut random = Random::new(seed);
    let mut text = String::from(
        "(module (memory (export \"m\") 1 2) (global $sp (export \"sp\") (mut i32) (i32.const 65472))\n\
         (global $g (export \"g\") (mut i32) (i32.const 7))\n",
    );
    for function in 0..FUNCTIONS {
        let budget = 12 + random.below(30);
        let mut body = Body { random: &mut random, function, loops: 0, blocks: 0, budget };
        let _ = write!(
            text,
            "(func $f{function} (export \"f{function}\") (param i32 i32) (result i32) (local i32 i32 i32 i32 i64{})\n{})\n",
            " i32".repeat(MOST_LOOPS),
            body.function()
        );
    }
    text.push_str(")\n");
    text
}

impl Body<'_> {
    fn function(&mut self) -> String {
        let size: i32 = self.random.one_of(&[16, 32, 64]);
        let step = self.random.one_of(&["sub", "add"]);
        let size = if step == "add" { -size } else { size };
        let moved = format!("(i32.{step} (global.get $sp) (i32.const {size}))");
        let mut text = match self.random.below(4) {
            0 => format!("(local.set {POINTER} {moved})\n"),
            1 => format!("(local.set {POINTER} {moved}) (global.set $sp (local.get {POINTER}))\n"),
            _ => format!("(global.set $sp (local.tee {POINTER} {moved}))\n"),
        };
        for _ in 0..2 + self.random.below(10) {
            text.push_str(&self.statement(3));
        }
        let back = format!("(global.set $sp (i32.add (local.get {POINTER}) (i32.const {})))", size.abs());
        match self.random.below(3) {
            0 => text + &back + &self.value(3),
            1 => text + &self.value(3) + &back,
            _ => text + &back + &format!("(return (local.get {}))", self.random.below(VARIABLES)),
        }
    }

    fn offset(&mut self) -> usize {
        self.random.one_of(&[0, 0, 4, 4, 8, 8, 12, 1, 2, 3, 6, 10])
    }

    /// Mostly the stack pointer; else something that may mean the same place, or lie outside.
    fn address(&mut self, depth: usize) -> String {
        match self.random.below(12) {
            0 => format!("(i32.add (local.get {POINTER}) (i32.const {}))", self.offset()),
            1 => "(global.get $sp)".to_string(),
            2 => format!("(i32.and {} (i32.const 65535))", self.value(depth)),
            3 if self.random.below(6) == 0 => self.value(depth),
            _ => format!("(local.get {POINTER})"),
        }
    }

    fn value(&mut self, depth: usize) -> String {
        let next = depth.saturating_sub(1);
        let leaf = depth == 0 || self.budget == 0;
        self.budget = self.budget.saturating_sub(1);
        match self.random.below(if leaf { 6 } else { 15 }) {
            0 | 1 => format!("(local.get {})", self.random.below(VARIABLES)),
            2 => format!("(i32.const {})", self.random.one_of(&[0, 1, -1, 2, 5, 255, 65536, i32::MIN])),
            3 | 4 => format!("(i32.load offset={} (local.get {POINTER}))", self.offset()),
            5 => "(global.get $g)".to_string(),
            6 => {
                let load = self.random.one_of(&["load", "load8_u", "load8_s", "load16_u", "load16_s"]);
                format!("(i32.{load} offset={} {})", self.offset(), self.address(next))
            }
            7 => format!("(local.tee {} {})", self.random.below(VARIABLES), self.value(next)),
            8 => format!("(i32.wrap_i64 {})", self.wide(next)),
            9 => {
                let compare = self.random.one_of(&["eq", "ne", "lt_s", "lt_u", "ge_s", "gt_u"]);
                format!("(i32.{compare} {} {})", self.value(next), self.value(next))
            }
            10 => format!("(block (result i32) {} {})", self.inside(next), self.value(next)),
            11 => {
                let arms = (self.arm(next), self.arm(next));
                format!("(if (result i32) {} (then {}) (else {}))", self.value(next), arms.0, arms.1)
            }
            12 => self.call(next),
            13 => format!("(i32.eqz {})", self.value(next)),
            _ => {
                let operation = self.random.one_of(&["add", "add", "add", "sub", "mul", "and", "xor", "shl", "div_u"]);
                format!("(i32.{operation} {} {})", self.value(next), self.value(next))
            }
        }
    }

    fn wide(&mut self, depth: usize) -> String {
        match self.random.below(4) {
            0 => format!("(local.get {WIDE})"),
            1 => format!("(i64.load offset={} {})", self.offset(), self.address(depth)),
            2 => format!("(i64.extend_i32_s {})", self.value(depth)),
            _ => "(i64.const 0x1122334455667788)".to_string(),
        }
    }

    fn call(&mut self, depth: usize) -> String {
        match self.function {
            0 => format!("(local.get {})", self.random.below(VARIABLES)),
            callees => {
                let callee = self.random.below(callees);
                format!("(call $f{callee} {} {})", self.value(depth), self.value(depth))
            }
        }
    }

    /// A statement between operands, with a label around it.
    fn inside(&mut self, depth: usize) -> String {
        format!("(block {})", self.within(depth))
    }

    fn within(&mut self, depth: usize) -> String {
        self.blocks += 1;
        let text = self.statement(depth) + &self.statement(depth);
        self.blocks -= 1;
        text
    }

    fn arm(&mut self, depth: usize) -> String {
        self.inside(depth) + &self.value(depth)
    }

    fn statement(&mut self, depth: usize) -> String {
        let next = depth.saturating_sub(1);
        let simple = depth == 0 || self.budget == 0;
        self.budget = self.budget.saturating_sub(1);
        match self.random.below(if simple { 7 } else { 14 }) {
            0..=2 => {
                let store = self.random.one_of(&["store", "store", "store", "store8", "store16"]);
                format!("(i32.{store} offset={} {} {})\n", self.offset(), self.address(next), self.value(next))
            }
            3 => format!("(i64.store offset={} {} {})\n", self.offset(), self.address(next), self.wide(next)),
            4 => format!("(local.set {} {})\n", self.random.below(VARIABLES), self.value(next)),
            5 => format!("(local.set {WIDE} {})\n", self.wide(next)),
            6 => format!("(global.set $g {})\n", self.value(next)),
            7 => format!("(if {} (then {}))\n", self.value(next), self.inside(next)),
            8 => format!("(if {} (then {}) (else {}))\n", self.value(next), self.inside(next), self.inside(next)),
            9 if self.loops < MOST_LOOPS => self.counted(next),
            10 if self.blocks > 0 => format!("(br_if 0 {})\n", self.value(next)),
            11 if self.blocks > 0 => {
                format!("(block (block (br_table 0 1 0 2 {})) {})\n", self.value(next), self.inside(next))
            }
            12 => self.bulk(next),
            13 => format!(
                "(local.set {POINTER} {})\n",
                self.random.one_of(&[
                    "(global.get $sp)",
                    "(i32.const 65440)",
                    "(i32.add (global.get $sp) (i32.const 4))"
                ])
            ),
            _ => format!("(drop {})\n", self.call(next)),
        }
    }

    fn bulk(&mut self, depth: usize) -> String {
        match self.random.below(3) {
            0 => format!("(local.set {} (memory.grow (i32.const 1)))\n", self.random.below(VARIABLES)),
            1 => format!("(memory.fill {} {} (i32.const 5))\n", self.address(depth), self.value(depth)),
            _ => format!("(memory.copy {} {} (i32.const 6))\n", self.address(depth), self.address(depth)),
        }
    }

    /// A loop of up to four rounds, its step and its branch back as compilers write them.
    fn counted(&mut self, depth: usize) -> String {
        let counter = COUNTERS + self.loops;
        self.loops += 1;
        let body = self.inside(depth);
        let rounds = 1 + self.random.below(4);
        let step = format!("(i32.add (local.get {counter}) (i32.const -1))");
        let again = match self.random.below(3) {
            0 => format!("(br_if 0 (local.tee {counter} {step}))"),
            1 => format!("(local.set {counter} {step}) (br_if 0 (local.get {counter}))"),
            _ => format!("(br_if 0 (i32.gt_s (local.tee {counter} {step}) (i32.const 0)))"),
        };
        format!("(local.set {counter} (i32.const {rounds})) (loop {body} {again})\n")
    }
}
