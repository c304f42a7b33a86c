//! Element types, and the functions of one float.

use std::fmt::Debug;
use std::ops::{AddAssign, DivAssign, MulAssign, Neg, SubAssign};

use crate::math;

/// Element type of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DType {
    /// 32-bit IEEE float.
    F32,
    /// 64-bit IEEE float.
    F64,
    /// Unsigned index; `u32::MAX` means "no row".
    U32,
}

impl DType {
    /// Bytes of one element.
    #[must_use]
    pub fn size(self) -> usize {
        match self {
            DType::F32 | DType::U32 => 4,
            DType::F64 => 8,
        }
    }
}

mod sealed {
    pub trait Sealed {}
}

/// A Rust type that can be an element: `f32`, `f64` or `u32`.
///
/// Any bits are a value of it, and it needs no alignment beyond a cache line's.
pub trait Element:
    sealed::Sealed + bytemuck::Pod + Default + PartialEq + Debug + Send + Sync
{
    /// The matching [`DType`].
    const DTYPE: DType;
}

macro_rules! element {
    ($($type:ty, $variant:ident;)*) => {$(
        impl sealed::Sealed for $type {}

        impl Element for $type {
            const DTYPE: DType = DType::$variant;
        }
    )*};
}

element! { f32, F32; f64, F64; u32, U32; }

/// A float element, with the functions of the standard library's names.
///
/// `exp`, `ln`, `tanh` and `sigmoid` are polynomials whose operation order is fixed, so that they give
/// the same bits on every processor.
pub trait Float:
    Element
    + ndarray::LinalgScalar
    + Neg<Output = Self>
    + AddAssign
    + SubAssign
    + MulAssign
    + DivAssign
    + PartialOrd
{
    /// Minus infinity.
    const NEG_INFINITY: Self;
    /// e to the power of this, or of minus this, is neither infinite nor subnormal.
    const NEAR: Self;
    /// Rounds to this type.
    fn from_f64(value: f64) -> Self;
    /// Widens exactly.
    fn to_f64(self) -> f64;
    /// The larger of two; NaN if either is.
    #[must_use]
    fn maximum(self, other: Self) -> Self;
    /// `self * factor + term`, rounded once.
    #[must_use]
    fn mul_add(self, factor: Self, term: Self) -> Self;
    /// Square root, correctly rounded.
    #[must_use]
    fn sqrt(self) -> Self;
    /// e to the power of `self`.
    #[must_use]
    fn exp(self) -> Self;
    /// The bits of [`Float::exp`] where `self` is known to lie between minus and plus [`Float::NEAR`].
    #[must_use]
    fn exp_near(self) -> Self;
    /// Natural logarithm.
    #[must_use]
    fn ln(self) -> Self;
    /// Hyperbolic tangent.
    #[must_use]
    fn tanh(self) -> Self;
    /// 1 / (1 + exp(-self)).
    #[must_use]
    fn sigmoid(self) -> Self;
    /// The bits of [`Float::sigmoid`] where `self` is known to lie between minus and plus
    /// [`Float::NEAR`].
    #[must_use]
    fn sigmoid_near(self) -> Self;
    /// `self` to the power of `exponent`, by the system's library.
    #[must_use]
    fn powf(self, exponent: Self) -> Self;
}

macro_rules! float {
    ($type:ident, $near:ident, $limit:ident) => {
        impl Float for $type {
            const NEG_INFINITY: Self = $type::NEG_INFINITY;
            const NEAR: Self = math::exp::$limit;

            #[inline(always)]
            fn from_f64(value: f64) -> Self {
                value as $type
            }
            #[inline(always)]
            fn to_f64(self) -> f64 {
                f64::from(self)
            }
            #[inline(always)]
            fn maximum(self, other: Self) -> Self {
                // A NaN on the left is kept by the first comparison, one on the right by the second.
                let larger = if self < other { other } else { self };
                if other != other { other } else { larger }
            }
            #[inline(always)]
            fn mul_add(self, factor: Self, term: Self) -> Self {
                self.mul_add(factor, term)
            }
            #[inline(always)]
            fn sqrt(self) -> Self {
                self.sqrt()
            }
            #[inline(always)]
            fn exp(self) -> Self {
                math::exp::$type(self)
            }
            #[inline(always)]
            fn exp_near(self) -> Self {
                math::exp::$near(self)
            }
            #[inline(always)]
            fn ln(self) -> Self {
                math::log::$type(self)
            }
            #[inline(always)]
            fn tanh(self) -> Self {
                math::tanh::$type(self)
            }
            #[inline(always)]
            fn sigmoid(self) -> Self {
                math::sigmoid::$type(self)
            }
            #[inline(always)]
            fn sigmoid_near(self) -> Self {
                math::sigmoid::$near(self)
            }
            #[inline(always)]
            fn powf(self, exponent: Self) -> Self {
                self.powf(exponent)
            }
        }
    };
}

float!(f32, near_32, NEAR_32);
float!(f64, near_64, NEAR_64);

#[cfg(test)]
mod tests {
    use super::*;

    /// The library's function of this name would lose it.
    #[test]
    fn a_nan_on_either_side_is_the_maximum() {
        fn check<T: Float>() {
            let nan = T::from_f64(f64::NAN);
            let numbers = [T::one(), nan, T::NEG_INFINITY];
            for (i, &a) in numbers.iter().enumerate() {
                for (j, &b) in numbers.iter().enumerate() {
                    let found = a.maximum(b).to_f64();
                    assert_eq!(found.is_nan(), i == 1 || j == 1);
                    assert!(found.is_nan() || found == a.to_f64().max(b.to_f64()));
                }
            }
        }
        check::<f32>();
        check::<f64>();
    }
}
