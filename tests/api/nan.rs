//! NaN: every tier returns the same bits, those of `kinglet_wasm::sem`, in every form of an operation's operands. With
//! `Config::nan_canonicalization` arithmetic returns the canonical NaN everywhere.

use std::fmt::Write;
use std::time::Duration;

use kinglet::{Config, Engine, Instance, Module, RunMode, Store, TierThresholds, V128, Val};
use kinglet_wasm::op::{Binary, Convert, FloatShape, Unary, ValKind, VectorBinary, VectorUnary};
use kinglet_wasm::sem::{self, eval_binary, eval_convert, eval_unary};

/// Quiet and signalling NaNs of both signs, with and without payloads, and numbers whose operations return NaN or not.
const F32: [u64; 11] = [
    0x7FC0_0000,
    0xFFC0_0042,
    0x7FC0_1234,
    0x7FA0_0001,
    0xFF80_0001,
    0x7F80_0000,
    0xFF80_0000,
    0,
    0x8000_0000,
    0x3FC0_0000,
    0xBF80_0000,
];
const F64: [u64; 11] = [
    0x7FF8_0000_0000_0000,
    0xFFF8_0000_0000_0042,
    0x7FF8_1234_5678_9ABC,
    0x7FF4_0000_3000_0001,
    0xFFF0_0000_0000_0001,
    0x7FF0_0000_0000_0000,
    0xFFF0_0000_0000_0000,
    0,
    0x8000_0000_0000_0000,
    0x3FF8_0000_0000_0000,
    0xBFF0_0000_0000_0000,
];

fn operands(kind: ValKind) -> &'static [u64; 11] {
    if kind == ValKind::F32 { &F32 } else { &F64 }
}

/// Returns an engine for every tier, and the number of calls after which a function runs in that tier.
fn tiers(set: impl Fn(&mut Config)) -> Vec<(&'static str, Engine, usize)> {
    let at_once = TierThresholds { sampling_interval: Duration::ZERO, samples: 2, bytes_a_sample: u32::MAX };
    let engine = |mode: RunMode| {
        let mut config = Config::new();
        set(config.run_mode(mode).tier_thresholds(at_once));
        Engine::new(&config).unwrap()
    };
    vec![
        ("interpreter", engine(RunMode::Interpreter), 1),
        ("jit", engine(RunMode::Jit), 1),
        ("tier-up", engine(RunMode::Auto), 4),
    ]
}

/// A scalar operation with a float result.
#[derive(Clone, Copy)]
struct Scalar {
    text: &'static str,
    from: ValKind,
    to: ValKind,
    count: usize,
    arithmetic: Option<FloatShape>,
    eval: Eval,
}

#[derive(Clone, Copy)]
enum Eval {
    Unary(Unary),
    Convert(Convert),
    Binary(Binary),
}

fn is_float(kind: ValKind) -> bool {
    matches!(kind, ValKind::F32 | ValKind::F64)
}

/// Returns all scalar operations.
fn scalars() -> Vec<Scalar> {
    macro_rules! family {
        ($Family:ident) => {
            $Family::ALL.iter().map(|op| Scalar {
                text: op.text(),
                from: op.operands()[0],
                to: op.result(),
                count: op.operands().len(),
                arithmetic: op.arithmetic(),
                eval: Eval::$Family(*op),
            })
        };
    }
    let all = family!(Unary).chain(family!(Convert)).chain(family!(Binary));
    all.filter(|op| is_float(op.from) && is_float(op.to)).collect()
}

impl Scalar {
    fn eval(&self, a: u64, b: u64, canonical: bool) -> u64 {
        let result = match self.eval {
            Eval::Unary(op) => eval_unary(op, a),
            Eval::Convert(op) => eval_convert(op, a),
            Eval::Binary(op) => eval_binary(op, a, b),
        };
        let bits = result.unwrap();
        match self.arithmetic.filter(|_| canonical) {
            Some(FloatShape::F32) => sem::f32_canonical(f32::from_bits(bits as u32)).to_bits().into(),
            Some(_) => sem::f64_canonical(f64::from_bits(bits)).to_bits(),
            None => bits,
        }
    }

    /// Returns pairs of operands. For a unary operation both are equal.
    fn pairs(&self) -> Vec<(u64, u64)> {
        let kinds = operands(self.from);
        match self.count {
            1 => kinds.iter().map(|a| (*a, *a)).collect(),
            _ => kinds.iter().flat_map(|a| kinds.iter().map(move |b| (*a, *b))).collect(),
        }
    }

    /// Returns the operation on two expressions, with the bits of the result as an `i64`.
    fn expression(&self, a: &str, b: &str) -> String {
        let b = if self.count == 1 { "" } else { b };
        match self.to {
            ValKind::F32 => format!("(i64.extend_i32_u (i32.reinterpret_f32 ({} {a} {b})))", self.text),
            _ => format!("(i64.reinterpret_f64 ({} {a} {b}))", self.text),
        }
    }

    /// Returns a function for each form of the operands.
    fn functions(&self, index: usize) -> String {
        let ty = if self.from == ValKind::F32 { "f32" } else { "f64" };
        let param = |i: u32| match self.from {
            ValKind::F32 => format!("(f32.reinterpret_i32 (i32.wrap_i64 (local.get {i})))"),
            _ => format!("(f64.reinterpret_i64 (local.get {i}))"),
        };
        let (load, store) = (
            |at: u32| format!("({ty}.load (i32.const {at}))"),
            "(i64.store (i32.const 0) (local.get 0))
            (i64.store (i32.const 8) (local.get 1))",
        );
        let negated = |value: &str| format!("({ty}.neg {value})");
        let ways = [
            ("params", self.expression(&param(0), &param(1))),
            ("loads", self.expression(&load(0), &load(8))),
            ("load and param", self.expression(&load(0), &param(1))),
            ("param and load", self.expression(&param(0), &load(8))),
            ("negated twice", self.expression(&negated(&negated(&load(0))), &negated(&negated(&load(8))))),
            ("negated", self.expression(&negated(&param(0)), &negated(&param(1)))),
            // The second operand is loaded last; loop-invariant operands are computed before the loop.
            (
                "in a loop",
                format!(
                    "(local.set $b {}) (local.set $a {})
                (loop $l (local.set $bits {}) (br_if $l (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1)))
                    (i32.const 3)))) (local.get $bits)",
                    load(8),
                    load(0),
                    self.expression("(local.get $a)", "(local.get $b)")
                ),
            ),
        ];
        let mut text = String::new();
        for (way, body) in ways {
            writeln!(
                text,
                r#"(func (export "{index} {way}") (param i64 i64) (result i64) (local $a {ty}) (local $b {ty})
                (local $n i32) (local $bits i64) {store} {body})"#
            )
            .unwrap();
        }
        let constant = |bits: u64| match self.from {
            ValKind::F32 => format!("(f32.reinterpret_i32 (i32.const {bits:#x}))"),
            _ => format!("(f64.reinterpret_i64 (i64.const {bits:#x}))"),
        };
        writeln!(text, r#"(func (export "{index} constants")"#).unwrap();
        for (i, (a, b)) in self.pairs().into_iter().enumerate() {
            let value = self.expression(&constant(a), &constant(b));
            writeln!(text, "(i64.store offset={} (i32.const 0) {value})", 64 + 8 * i).unwrap();
        }
        text + ")"
    }
}

fn negative(kind: ValKind, bits: u64) -> u64 {
    bits ^ if kind == ValKind::F32 { 1 << 31 } else { 1 << 63 }
}

fn check_scalars(canonical: bool) {
    let ops = scalars();
    assert!(ops.len() > 25, "{}", ops.len());
    let functions: String = ops.iter().enumerate().map(|(index, op)| op.functions(index)).collect();
    let text = format!("(module (memory (export \"memory\") 1) {functions})");
    for (tier, engine, times) in tiers(|config| _ = config.nan_canonicalization(canonical)) {
        let module = Module::new(&engine, &text).unwrap();
        let mut store = Store::new(&engine, ());
        let instance = Instance::new(&mut store, &module, &[]).unwrap();
        let memory = instance.get_memory(&mut store, "memory").unwrap();
        for (index, op) in ops.iter().enumerate() {
            for way in ["params", "loads", "load and param", "param and load", "negated twice", "negated", "in a loop"]
            {
                let func = instance.get_typed_func::<(u64, u64), u64>(&mut store, &format!("{index} {way}")).unwrap();
                for (a, b) in op.pairs() {
                    let expected = match way {
                        "negated" => op.eval(negative(op.from, a), negative(op.from, b), canonical),
                        _ => op.eval(a, b, canonical),
                    };
                    for _ in 0..times {
                        let found = func.call(&mut store, (a, b)).unwrap();
                        assert_eq!(found, expected, "{} of {a:#x} and {b:#x}, {way}, {tier}: {found:#x}", op.text);
                    }
                }
            }
            let constants = instance.get_typed_func::<(), ()>(&mut store, &format!("{index} constants")).unwrap();
            for _ in 0..times {
                constants.call(&mut store, ()).unwrap();
                for (i, (a, b)) in op.pairs().into_iter().enumerate() {
                    let bytes = memory.data(&store)[64 + 8 * i..][..8].try_into().unwrap();
                    let (found, expected) = (u64::from_le_bytes(bytes), op.eval(a, b, canonical));
                    assert_eq!(found, expected, "{} of {a:#x} and {b:#x}, constants, {tier}: {found:#x}", op.text);
                }
            }
        }
    }
}

#[test]
fn scalar_nans_are_equal_in_every_tier_and_for_every_form_of_operands() {
    check_scalars(false);
}

#[test]
fn scalar_arithmetic_returns_the_canonical_nan_if_configured() {
    check_scalars(true);
}

/// A vector operation on floats, with its semantics.
struct Vector {
    text: &'static str,
    count: usize,
    arithmetic: Option<FloatShape>,
    eval: Box<dyn Fn(V128, V128) -> V128>,
}

macro_rules! evaluate {
    ($($token:ident $meaning:ident $text:literal (V128) -> V128 $gas:literal;)*) => {
        fn eval_vector_unary(op: VectorUnary, a: V128) -> V128 {
            match op {
                $(VectorUnary::$token => sem::$meaning(a),)*
            }
        }
    };
    ($($token:ident $meaning:ident $text:literal (V128, V128) -> V128 $gas:literal;)*) => {
        fn eval_vector_binary(op: VectorBinary, a: V128, b: V128) -> V128 {
            match op {
                $(VectorBinary::$token => sem::$meaning(a, b),)*
            }
        }
    };
}

kinglet_wasm::vector_unary_ops!(evaluate);
kinglet_wasm::vector_binary_ops!(evaluate);

fn vectors() -> Vec<Vector> {
    let unary = VectorUnary::ALL.iter().map(|op| Vector {
        text: op.text(),
        count: 1,
        arithmetic: op.arithmetic(),
        eval: Box::new(|a, _| eval_vector_unary(*op, a)),
    });
    let binary = VectorBinary::ALL.iter().map(|op| Vector {
        text: op.text(),
        count: 2,
        arithmetic: op.arithmetic(),
        eval: Box::new(|a, b| eval_vector_binary(*op, a, b)),
    });
    let floats = |op: &Vector| op.text.starts_with("f32x4") || op.text.starts_with("f64x2");
    unary.chain(binary).filter(floats).collect()
}

/// Returns vectors that contain every pair of operands in some lane, of either width.
fn vector_pairs() -> Vec<(V128, V128)> {
    let wide = F64.iter().flat_map(|a| F64.iter().map(move |b| (*a, *b)));
    let narrow = |bits: &u64| bits << 32 | bits;
    let narrow = F32.iter().flat_map(|a| F32.iter().map(move |b| (narrow(a), narrow(b))));
    let all: Vec<(u64, u64)> = wide.chain(narrow).collect();
    let vector = |low: u64, high: u64| V128((u128::from(high) << 64 | u128::from(low)).to_le_bytes());
    all.chunks(2).map(|two| (vector(two[0].0, two[two.len() - 1].0), vector(two[0].1, two[two.len() - 1].1))).collect()
}

fn check_vectors(canonical: bool) {
    let ops = vectors();
    let mut functions = String::new();
    for (index, op) in ops.iter().enumerate() {
        let mut function = |way: &str, a: &str, b: &str| {
            let b = if op.count == 1 { "" } else { b };
            let body = format!("({} {a} {b})", op.text);
            writeln!(
                functions,
                r#"(func (export "{index} {way}") (param v128 v128) (result v128)
                (v128.store (i32.const 0) (local.get 0)) (v128.store (i32.const 16) (local.get 1)) {body})"#
            )
            .unwrap();
        };
        let (load_a, load_b) = ("(v128.load (i32.const 0))", "(v128.load (i32.const 16))");
        function("params", "(local.get 0)", "(local.get 1)");
        function("loads", load_a, load_b);
        function("load and param", load_a, "(local.get 1)");
    }
    let text = format!("(module (memory 1) {functions})");
    for (tier, engine, times) in tiers(|config| _ = config.nan_canonicalization(canonical)) {
        let module = Module::new(&engine, &text).unwrap();
        let mut store = Store::new(&engine, ());
        let instance = Instance::new(&mut store, &module, &[]).unwrap();
        for (index, op) in ops.iter().enumerate() {
            for way in ["params", "loads", "load and param"] {
                let func = instance.get_func(&mut store, &format!("{index} {way}")).unwrap();
                for (a, b) in vector_pairs() {
                    let expected = match op.arithmetic.filter(|_| canonical) {
                        Some(FloatShape::F32x4) => sem::f32x4_canonical((op.eval)(a, b)),
                        Some(_) => sem::f64x2_canonical((op.eval)(a, b)),
                        None => (op.eval)(a, b),
                    };
                    for _ in 0..times {
                        let mut results = [Val::I32(0)];
                        func.call(&mut store, &[Val::V128(a), Val::V128(b)], &mut results).unwrap();
                        let Val::V128(found) = results[0] else { panic!("{results:?}") };
                        let [found, expected] = [found, expected].map(V128::to_u128);
                        assert_eq!(found, expected, "{} of {a:?} and {b:?}, {way}, {tier}: {found:#x}", op.text);
                    }
                }
            }
        }
    }
}

#[test]
fn vector_nans_are_equal_in_every_tier() {
    check_vectors(false);
}

#[test]
fn vector_arithmetic_returns_the_canonical_nan_if_configured() {
    check_vectors(true);
}

#[test]
fn tier_up_does_not_change_a_nan() {
    let text = r#"(module
      (func $max (param i32 i32) (result i32)
        (i32.reinterpret_f32 (f32.max (f32.reinterpret_i32 (local.get 0)) (f32.reinterpret_i32 (local.get 1)))))
      (func (export "changes at") (result i32) (local $first i32) (local $i i32)
        (local.set $first (call $max (i32.const 0xffc00001) (i32.const 0)))
        (loop $l
          (if (i32.ne (local.get $first) (call $max (i32.const 0xffc00001) (i32.const 0))) (then (return (local.get $i))))
          (br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 2000))))
        (i32.const -1)))"#;
    let (_, engine, _) = tiers(|_| ()).pop().unwrap();
    let (mut store, instance) = crate::load_with(&engine, text);
    let changes = instance.get_typed_func::<(), i32>(&mut store, "changes at").unwrap();
    assert_eq!(changes.call(&mut store, ()).unwrap(), -1);
}

#[test]
#[cfg(target_arch = "x86_64")]
fn x86_returns_the_first_nan_or_a_negative_nan_for_invalid_operations() {
    let of = |op, a, b| eval_binary(op, a, b).unwrap();
    assert_eq!(of(Binary::F32Sub, 0x7F80_0000, 0x7F80_0000), 0xFFC0_0000, "infinity less infinity");
    assert_eq!(of(Binary::F32Add, 0x7FC0_1234, 0xFFA0_0001), 0x7FC0_1234);
    assert_eq!(of(Binary::F32Mul, 0xFFA0_0001, 0x7FC0_1234), 0xFFE0_0001);
    assert_eq!(of(Binary::F32Max, 0x7FC0_1234, 0xFFC0_0042), 0xFFC0_0042, "the second operand's comes first");
    assert_eq!(eval_unary(Unary::F64Sqrt, (-1.0_f64).to_bits()), Ok(0xFFF8_0000_0000_0000));
}
