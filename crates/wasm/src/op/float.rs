//! Classifies the operations that are float arithmetic: their result may be a NaN with bits other than an operand's. With
//! NaN canonicalisation, every tier replaces such a NaN by the canonical one. Core specification, "NaN Propagation".

use super::{Binary, Convert, Unary, VectorBinary, VectorUnary};

/// The float type of a result, and its number of lanes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FloatShape {
    /// One `f32`.
    F32,
    /// One `f64`.
    F64,
    /// A vector of four `f32`.
    F32x4,
    /// A vector of two `f64`.
    F64x2,
}

use FloatShape::{F32, F32x4, F64, F64x2};

impl Unary {
    /// Returns the shape of the result if the operation is float arithmetic.
    pub const fn arithmetic(self) -> Option<FloatShape> {
        use Unary::*;
        match self {
            F32Ceil | F32Floor | F32Trunc | F32Nearest | F32Sqrt => Some(F32),
            F64Ceil | F64Floor | F64Trunc | F64Nearest | F64Sqrt => Some(F64),
            _ => None,
        }
    }
}

impl Convert {
    /// Returns the shape of the result if the operation is float arithmetic.
    pub const fn arithmetic(self) -> Option<FloatShape> {
        match self {
            Convert::F32DemoteF64 => Some(F32),
            Convert::F64PromoteF32 => Some(F64),
            _ => None,
        }
    }
}

impl Binary {
    /// Returns the shape of the result if the operation is float arithmetic.
    pub const fn arithmetic(self) -> Option<FloatShape> {
        use Binary::*;
        match self {
            F32Add | F32Sub | F32Mul | F32Div | F32Min | F32Max => Some(F32),
            F64Add | F64Sub | F64Mul | F64Div | F64Min | F64Max => Some(F64),
            _ => None,
        }
    }
}

impl VectorUnary {
    /// Returns the shape of the result if the operation is float arithmetic.
    pub const fn arithmetic(self) -> Option<FloatShape> {
        use VectorUnary::*;
        match self {
            F32x4Ceil | F32x4Floor | F32x4Trunc | F32x4Nearest | F32x4Sqrt | F32x4DemoteF64x2Zero => Some(F32x4),
            F64x2Ceil | F64x2Floor | F64x2Trunc | F64x2Nearest | F64x2Sqrt | F64x2PromoteLowF32x4 => Some(F64x2),
            _ => None,
        }
    }
}

impl VectorBinary {
    /// Returns the shape of the result if the operation is float arithmetic.
    pub const fn arithmetic(self) -> Option<FloatShape> {
        use VectorBinary::*;
        match self {
            F32x4Add | F32x4Sub | F32x4Mul | F32x4Div | F32x4Min | F32x4Max => Some(F32x4),
            F64x2Add | F64x2Sub | F64x2Mul | F64x2Div | F64x2Min | F64x2Max => Some(F64x2),
            _ => None,
        }
    }
}
