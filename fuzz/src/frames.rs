//! Random modules that resemble compiled C: functions with a stack frame in linear memory, overlapping loads and stores of
//! every width in it, other pointers to it, locals that are assigned in some branches only, loops, branch tables and calls.
//! They test superinstructions, store-to-load forwarding and the elimination of bounds checks. Every module terminates,
//! because loops count down and functions only call later functions.

use std::fmt::Write as _;

use crate::random::Random;

const FUNCTIONS: u64 = 5;
const LOCALS: u64 = 4;

/// Generates a module in the text format. With `exact`, it may expose the bits of any NaN.
pub(crate) fn module(random: &mut Random, exact: bool) -> String {
    let mut text = String::from(
        "(module\n (memory (export \"memory\") 1 3)\n (global $sp (export \"sp\") (mut i32) (i32.const 4096))\n \
         (global $g (export \"g\") (mut i64) (i64.const 7))\n (type $t (func (param i32 i64 f64) (result i64)))\n \
         (table 8 funcref) (elem (i32.const 1) $f1 $f2 $f3 $f4)\n",
    );
    for index in 0..FUNCTIONS {
        Function { random, text: &mut text, exact, index, depth: 0, labels: 0, loops: 0 }.write();
    }
    text.push_str(")\n");
    text
}

struct Function<'a> {
    random: &'a mut Random,
    text: &'a mut String,
    /// Whether the function may expose the bits of any NaN.
    exact: bool,
    index: u64,
    /// The nesting depth of statements.
    depth: u32,
    /// The number of open labels.
    labels: u64,
    /// The number of loops so far. Each loop has its own counter local.
    loops: u64,
}

const MAX_LOOPS: u64 = 4;

impl Function<'_> {
    fn write(&mut self) {
        let _ = write!(
            self.text,
            " (func $f{0} (export \"f{0}\") (type $t) (local $fp i32)\n  (local $n0 i32) (local $n1 i32) (local $n2 i32) (local $n3 i32) (local $nan f64)\n",
            self.index
        );
        for local in 1..LOCALS {
            let _ = write!(self.text, "  (local $i{local} i32) (local $l{local} i64) (local $d{local} f64)");
        }
        let frame = 16 * (1 + self.random.below(6));
        if !self.random.one_in(6) {
            let _ = write!(
                self.text,
                "\n  (global.set $sp (local.tee $fp (i32.sub (global.get $sp) (i32.const {frame}))))\n"
            );
        }
        for _ in 0..2 + self.random.below(12) {
            self.statement();
        }
        let _ = writeln!(self.text, "  (global.set $sp (i32.add (local.get $fp) (i32.const {frame})))");
        let result = self.expression(I64, 3);
        let _ = writeln!(self.text, "  {result})");
    }

    fn statement(&mut self) {
        self.depth += 1;
        let kinds = if self.depth > 4 { 7 } else { 14 };
        match self.random.below(kinds) {
            0..=2 => self.store(),
            3..=5 => self.assign(),
            6 => self.global(),
            7 | 8 => self.branching_if(),
            9 => self.counted_loop(),
            10 => self.block(),
            11 => self.call(),
            12 => self.bulk(),
            _ => self.store(),
        }
        self.depth -= 1;
    }

    fn statements(&mut self, max: u64) {
        for _ in 0..self.random.below(max + 1) {
            self.statement();
        }
    }

    /// Returns an address and a constant offset, which are usually in the stack frame.
    fn address(&mut self) -> (String, u64) {
        let offset = self.random.below(72);
        match self.random.below(9) {
            0 => (format!("(i32.and {} (i32.const 0xffff))", self.expression(I32, 1)), offset),
            1 => (format!("(i32.add (local.get $fp) (i32.const {}))", self.random.below(40)), offset),
            2 => ("(global.get $sp)".into(), offset),
            3 => (format!("(i32.const {})", 3900 + self.random.below(200)), offset),
            4 if self.random.one_in(12) => ("(i32.const -8)".into(), offset),
            _ => ("(local.get $fp)".into(), offset),
        }
    }

    fn store(&mut self) {
        let (ty, op) = self.random.pick(&[
            &(I32, "i32.store"),
            &(I32, "i32.store"),
            &(I32, "i32.store8"),
            &(I32, "i32.store16"),
            &(I64, "i64.store"),
            &(I64, "i64.store32"),
            &(I64, "i64.store8"),
            &(F64, "f64.store"),
        ]);
        let (address, offset) = self.address();
        let value = self.value(*ty, 2);
        let _ = writeln!(self.text, "  ({op} offset={offset} {address} {value})");
    }

    fn assign(&mut self) {
        let ty = *self.random.pick(&[&I32, &I32, &I64, &F64]);
        let value = self.value(ty, 3);
        let local = self.local(ty);
        let _ = writeln!(self.text, "  (local.set {local} {value})");
    }

    fn global(&mut self) {
        let text = match self.random.below(3) {
            0 => format!("(global.set $g {})", self.expression(I64, 2)),
            1 => format!("(global.set $sp (i32.sub (local.get $fp) (i32.const {})))", 16 * self.random.below(3)),
            _ => "(global.set $sp (local.get $fp))".into(),
        };
        let _ = writeln!(self.text, "  {text}");
    }

    fn branching_if(&mut self) {
        let condition = self.expression(I32, 2);
        let _ = writeln!(self.text, "  (if {condition} (then");
        self.labels += 1;
        self.statements(3);
        if self.random.one_in(2) {
            self.text.push_str("  ) (else\n");
            self.statements(3);
        }
        self.labels -= 1;
        self.text.push_str("  ))\n");
    }

    fn counted_loop(&mut self) {
        if self.loops == MAX_LOOPS {
            return self.assign();
        }
        let counter = self.loops;
        self.loops += 1;
        let count = 1 + self.random.below(6);
        let _ = writeln!(self.text, "  (local.set $n{counter} (i32.const {count}))\n  (loop");
        // Only the last statement of the loop may branch to its header.
        let outer = std::mem::take(&mut self.labels);
        self.statements(4);
        self.labels = outer;
        let _ =
            writeln!(self.text, "  (br_if 0 (local.tee $n{counter} (i32.sub (local.get $n{counter}) (i32.const 1)))))");
    }

    fn block(&mut self) {
        self.text.push_str("  (block\n");
        self.labels += 1;
        self.statements(2);
        let index = self.expression(I32, 1);
        let label = self.random.below(self.labels);
        if self.random.one_in(2) {
            let _ = writeln!(self.text, "  (br_if {label} {index})");
        } else {
            let targets: Vec<String> = (0..3).map(|_| self.random.below(self.labels).to_string()).collect();
            let _ = writeln!(self.text, "  (block (br_table 0 {} {index}))", targets.join(" "));
        }
        self.statements(2);
        self.labels -= 1;
        self.text.push_str("  )\n");
    }

    fn call(&mut self) {
        let args = self.arguments();
        let (target, local) = (self.index + 1 + self.random.below(FUNCTIONS), self.local(I64));
        let _ = match target {
            target if target < FUNCTIONS && self.random.one_in(3) => {
                writeln!(self.text, "  (local.set {local} (call_indirect (type $t) {args} (i32.const {target})))")
            }
            target if target < FUNCTIONS => writeln!(self.text, "  (local.set {local} (call $f{target} {args}))"),
            _ => writeln!(self.text, "  (local.set {local} (i64.const {target}))"),
        };
    }

    fn arguments(&mut self) -> String {
        let [a, b, c] = [I32, I64, F64].map(|ty| self.value(ty, 1));
        format!("{a} {b} {c}")
    }

    fn bulk(&mut self) {
        let (to, from, length) = (3950 + self.random.below(140), 3950 + self.random.below(140), self.random.below(24));
        let text = match self.random.below(4) {
            0 => format!("(memory.fill (i32.const {to}) (i32.const {from}) (i32.const {length}))"),
            1 => format!("(memory.copy (i32.const {to}) (i32.const {from}) (i32.const {length}))"),
            2 => format!("(memory.copy (local.get $fp) (i32.const {from}) (i32.const {length}))"),
            _ => "(drop (memory.grow (i32.const 1)))".into(),
        };
        let _ = writeln!(self.text, "  {text}");
    }

    /// Chooses a local or parameter.
    fn local(&mut self, ty: Type) -> String {
        match (self.random.below(LOCALS), ty) {
            (0, Type::I32) => "0".into(),
            (0, Type::I64) => "1".into(),
            (0, Type::F64) => "2".into(),
            (n, ty) => format!("${}{n}", ty.letter()),
        }
    }

    /// Generates an expression with a result that may be observed. Without `exact`, it canonicalises NaN, because the bits
    /// of a NaN differ between engines.
    fn value(&mut self, ty: Type, depth: u32) -> String {
        let expression = self.expression(ty, depth);
        match ty {
            F64 if self.exact => expression,
            F64 if self.random.one_in(4) => {
                let [a, b] = [0; 2].map(|_| self.expression(I32, 1));
                format!("(f64.add (f64.convert_i32_s {a}) (f64.convert_i32_u {b}))")
            }
            F64 => format!(
                "(block (result f64) (local.set $nan {expression}) \
                 (select (f64.const nan) (local.get $nan) (f64.ne (local.get $nan) (local.get $nan))))"
            ),
            _ => expression,
        }
    }

    fn expression(&mut self, ty: Type, depth: u32) -> String {
        if depth == 0 || self.random.one_in(5) {
            return match self.random.below(3) {
                0 => self.constant(ty),
                _ => format!("(local.get {})", self.local(ty)),
            };
        }
        let depth = depth - 1;
        if self.depth < 4 && self.random.one_in(12) {
            return self.block_expression(ty, depth);
        }
        match (ty, self.random.below(8)) {
            (_, 0..=2) => self.load(ty),
            (_, 3) => {
                let [a, b] = [0; 2].map(|_| self.expression(ty, depth));
                // Wasmi 2.0.0 selects the wrong operand if the condition is `i32.ne` with 0.
                let condition = self.expression(I32, depth).replace("i32.ne", "i32.le_s");
                format!("(select {a} {b} {condition})")
            }
            (_, 4) => format!("(local.tee {} {})", self.local(ty), self.value(ty, depth)),
            (Type::I32, 5) => {
                let operands = *self.random.pick(&[&I32, &I64, &F64]);
                let [a, b] = [0; 2].map(|_| self.expression(operands, depth));
                let op = match operands {
                    Type::F64 => self.random.pick(&["f64.lt", "f64.eq", "f64.ge"]),
                    Type::I64 => self.random.pick(&["i64.lt_s", "i64.eq", "i64.gt_u"]),
                    Type::I32 => self.random.pick(&["i32.lt_s", "i32.ne", "i32.ge_u"]),
                };
                format!("({op} {a} {b})")
            }
            (Type::I32, 6) => format!("(i32.wrap_i64 {})", self.expression(I64, depth)),
            (Type::I64, 5) => format!("(i64.extend_i32_s {})", self.expression(I32, depth)),
            (Type::I64, 6) => format!("(i64.reinterpret_f64 {})", self.load(F64)),
            (Type::F64, 5) => format!("(f64.convert_i32_s {})", self.expression(I32, depth)),
            (Type::F64, 6) => format!("(f64.abs {})", self.expression(F64, depth)),
            _ => {
                let [a, b] = [0; 2].map(|_| self.expression(ty, depth));
                let op = match ty {
                    Type::I32 => {
                        self.random.pick(&["add", "sub", "mul", "xor", "shl", "shr_u", "rotl", "div_s", "rem_u"])
                    }
                    Type::I64 => {
                        self.random.pick(&["add", "sub", "mul", "or", "shr_s", "and", "rotr", "div_u", "rem_s"])
                    }
                    Type::F64 => self.random.pick(&["add", "sub", "mul", "div"]),
                };
                // Division by zero should be rare. An odd divisor is never zero.
                let b = if op.starts_with("div_") || op.starts_with("rem_") {
                    format!("({0}.or {b} ({0}.const 1))", ty.name())
                } else {
                    b
                };
                format!("({}.{op} {a} {b})", ty.name())
            }
        }
    }

    /// Generates statements inside an expression, so that operands are live across their branches and loops.
    fn block_expression(&mut self, ty: Type, depth: u32) -> String {
        let before = self.text.len();
        self.text.push_str("(block\n");
        let outer = std::mem::replace(&mut self.labels, 1);
        self.depth += 1;
        self.statements(3);
        self.depth -= 1;
        self.labels = outer;
        self.text.push_str(")\n");
        let statements = self.text.split_off(before);
        let value = self.expression(ty, depth);
        format!("(block (result {}) {statements} {value})", ty.name())
    }

    fn load(&mut self, ty: Type) -> String {
        let op = match ty {
            Type::I32 => self.random.pick(&["load", "load", "load8_u", "load16_s", "load8_s"]),
            Type::I64 => self.random.pick(&["load", "load32_u", "load8_s", "load16_u"]),
            Type::F64 => "load",
        };
        let (address, offset) = self.address();
        format!("({}.{op} offset={offset} {address})", ty.name())
    }

    fn constant(&mut self, ty: Type) -> String {
        let n = match self.random.below(4) {
            0 => self.random.below(4) as i64,
            1 => -1,
            2 => 1 << self.random.below(31),
            _ => i64::from(self.random.next() as i32),
        };
        format!("({}.const {n})", ty.name())
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Type {
    I32,
    I64,
    F64,
}

use Type::{F64, I32, I64};

impl Type {
    fn letter(self) -> char {
        match self {
            I32 => 'i',
            I64 => 'l',
            F64 => 'd',
        }
    }

    fn name(self) -> &'static str {
        match self {
            I32 => "i32",
            I64 => "i64",
            F64 => "f64",
        }
    }
}
