//! The vector value. Scalars are Rust's own `i32`, `i64`, `f32`, `f64`; a `v128` is sixteen bytes in little-endian lane
//! order on every host, so that a load or store is a copy.

/// A `v128`: sixteen bytes, lane 0 first, each lane little-endian (core specification, "Vector Types").
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
#[repr(transparent)]
pub struct V128(pub [u8; 16]);

impl V128 {
    /// Creates a vector from a 128-bit integer whose least significant byte is byte 0.
    pub const fn from_u128(bits: u128) -> V128 {
        V128(bits.to_le_bytes())
    }

    /// Returns the vector as a 128-bit integer whose least significant byte is byte 0.
    pub const fn to_u128(self) -> u128 {
        u128::from_le_bytes(self.0)
    }
}

impl std::fmt::Debug for V128 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "V128({:#034x})", self.to_u128())
    }
}
