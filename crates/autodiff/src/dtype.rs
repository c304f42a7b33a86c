//! Element types.

use crate::buffer::Storage;
use crate::math;

/// Element type of a variable or a buffer.
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

pub(crate) mod sealed {
    use super::Storage;

    pub trait Sealed: Sized {
        fn wrap(values: Vec<Self>) -> Storage;
        fn view(storage: &Storage) -> Option<&[Self]>;
        fn view_mut(storage: &mut Storage) -> Option<&mut [Self]>;
    }
}

/// A Rust type that can be an element: `f32`, `f64` or `u32`.
pub trait Element:
    sealed::Sealed + Copy + Default + PartialEq + std::fmt::Debug + Send + Sync + 'static
{
    /// The matching [`DType`].
    const DTYPE: DType;
}

macro_rules! element {
    ($type:ty, $variant:ident) => {
        impl sealed::Sealed for $type {
            fn wrap(values: Vec<Self>) -> Storage {
                Storage::$variant(values)
            }
            fn view(storage: &Storage) -> Option<&[Self]> {
                match storage {
                    Storage::$variant(values) => Some(values),
                    _ => None,
                }
            }
            fn view_mut(storage: &mut Storage) -> Option<&mut [Self]> {
                match storage {
                    Storage::$variant(values) => Some(values),
                    _ => None,
                }
            }
        }
        impl Element for $type {
            const DTYPE: DType = DType::$variant;
        }
    };
}

element!(f32, F32);
element!(f64, F64);
element!(u32, U32);

/// A float element, with the engine's own elementary functions.
///
/// Their operation order is fixed, so they give the same bits on every CPU.
pub trait Float:
    Element
    + ndarray::LinalgScalar
    + std::ops::Neg<Output = Self>
    + PartialOrd
    + ndarray_linalg::Lapack
    + crate::exec::Narrow
{
    /// Rounds to this type.
    fn of(value: f64) -> Self;
    /// Widens exactly.
    fn wide(self) -> f64;
    /// The larger of two; NaN if either is.
    fn larger(self, other: Self) -> Self;
    /// `self * factor + term`, rounded once.
    fn times_plus(self, factor: Self, term: Self) -> Self;
    /// Square root, correctly rounded.
    fn root(self) -> Self;
    /// e to the power of `self`.
    fn e_to(self) -> Self;
    /// The same, where `self` is known to lie between minus and plus [`Float::NEAR`].
    fn e_to_near(self) -> Self;
    /// Natural logarithm.
    fn natural_log(self) -> Self;
    /// Hyperbolic tangent.
    fn hyperbolic_tangent(self) -> Self;
    /// 1 / (1 + exp(-self)).
    fn logistic(self) -> Self;
    /// The same, where `self` is known to lie between minus and plus [`Float::NEAR`].
    fn logistic_near(self) -> Self;
    /// `self` to the power of `exponent`, by the system's library.
    fn power(self, exponent: Self) -> Self;
    /// Minus infinity.
    const LOWEST: Self;
    /// e to the power of this, or of minus this, is neither infinite nor subnormal.
    const NEAR: Self;
}

macro_rules! float {
    ($type:ident, $near:ident, $limit:ident) => {
        impl Float for $type {
            #[inline(always)]
            fn of(value: f64) -> Self {
                value as $type
            }
            #[inline(always)]
            fn wide(self) -> f64 {
                f64::from(self)
            }
            #[inline(always)]
            fn larger(self, other: Self) -> Self {
                // A NaN on the left is kept by the comparison, one on the right by the sum.
                let larger = if self < other { other } else { self };
                if other != other { other } else { larger }
            }
            #[inline(always)]
            fn times_plus(self, factor: Self, term: Self) -> Self {
                self.mul_add(factor, term)
            }
            #[inline(always)]
            fn root(self) -> Self {
                self.sqrt()
            }
            #[inline(always)]
            fn e_to(self) -> Self {
                math::exp::$type(self)
            }
            #[inline(always)]
            fn e_to_near(self) -> Self {
                math::exp::$near(self)
            }
            #[inline(always)]
            fn natural_log(self) -> Self {
                math::log::$type(self)
            }
            #[inline(always)]
            fn hyperbolic_tangent(self) -> Self {
                math::tanh::$type(self)
            }
            #[inline(always)]
            fn logistic(self) -> Self {
                math::sigmoid::$type(self)
            }
            #[inline(always)]
            fn logistic_near(self) -> Self {
                math::sigmoid::$near(self)
            }
            #[inline(always)]
            fn power(self, exponent: Self) -> Self {
                self.powf(exponent)
            }
            const LOWEST: Self = $type::NEG_INFINITY;
            const NEAR: Self = math::exp::$limit;
        }
    };
}

float!(f32, near_32, NEAR_32);
float!(f64, near_64, NEAR_64);
