//! The elementwise functions that fused loops are made of.

use crate::Float;
use crate::exec::elementary::{self, Exponential, Logistic, Tangent};

/// One elementwise function of one or two operands.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Micro {
    /// x
    Copy,
    /// -x
    Neg,
    /// e^x
    Exp,
    /// ln x
    Log,
    /// Square root.
    Sqrt,
    /// Hyperbolic tangent.
    Tanh,
    /// 1 / (1 + e^-x)
    Sigmoid,
    /// max(x, 0)
    Relu,
    /// 1 where x > 0, else 0.
    Step,
    /// x x
    Square,
    /// x to a fixed power.
    Powf(f64),
    /// x plus a fixed number.
    AddScalar(f64),
    /// x times a fixed number.
    MulScalar(f64),
    /// x + y
    Add,
    /// x - y
    Sub,
    /// x y
    Mul,
    /// x / y
    Div,
    /// The larger of x and y.
    Maximum,
    /// x to the power of y.
    Pow,
    /// 1 where x > y, else 0.
    Greater,
    /// 1 where x = y, else 0.
    Equal,
}

impl Micro {
    /// Number of operands.
    #[must_use]
    pub fn arity(self) -> usize {
        match self {
            Micro::Add
            | Micro::Sub
            | Micro::Mul
            | Micro::Div
            | Micro::Maximum
            | Micro::Pow
            | Micro::Greater
            | Micro::Equal => 2,
            _ => 1,
        }
    }

    /// Name in error messages.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Micro::Copy => "copy",
            Micro::Neg => "neg",
            Micro::Exp => "exp",
            Micro::Log => "log",
            Micro::Sqrt => "sqrt",
            Micro::Tanh => "tanh",
            Micro::Sigmoid => "sigmoid",
            Micro::Relu => "relu",
            Micro::Step => "step",
            Micro::Square => "square",
            Micro::Powf(_) => "powf",
            Micro::AddScalar(_) => "add_scalar",
            Micro::MulScalar(_) => "mul_scalar",
            Micro::Add => "add",
            Micro::Sub => "sub",
            Micro::Mul => "mul",
            Micro::Div => "div",
            Micro::Maximum => "maximum",
            Micro::Pow => "pow",
            Micro::Greater => "greater",
            Micro::Equal => "equal",
        }
    }

    /// Applies it to a run of elements; `y` is ignored by functions of one operand.
    #[inline(always)]
    pub(crate) fn apply<T: Float>(self, x: &[T], y: &[T], out: &mut [T]) {
        let (zero, one) = (T::zero(), T::one());
        let truth = |condition: bool| if condition { one } else { zero };
        match self {
            Micro::Copy => out.copy_from_slice(x),
            Micro::Neg => map(x, out, |x| -x),
            Micro::Exp => elementary::map::<Exponential, T>(x, out),
            Micro::Log => map(x, out, T::natural_log),
            Micro::Sqrt => map(x, out, T::root),
            Micro::Tanh => elementary::map::<Tangent, T>(x, out),
            Micro::Sigmoid => elementary::map::<Logistic, T>(x, out),
            // Written so that a NaN stays one.
            Micro::Relu => map(x, out, |x| if x < zero { zero } else { x }),
            Micro::Step => map(x, out, |x| truth(x > zero)),
            Micro::Square => map(x, out, |x| x * x),
            Micro::Powf(c) => powers(c, x, out),
            Micro::AddScalar(c) => {
                let c = T::of(c);
                map(x, out, |x| x + c);
            }
            Micro::MulScalar(c) => {
                let c = T::of(c);
                map(x, out, |x| x * c);
            }
            Micro::Add => zip(x, y, out, |x, y| x + y),
            Micro::Sub => zip(x, y, out, |x, y| x - y),
            Micro::Mul => zip(x, y, out, |x, y| x * y),
            Micro::Div => zip(x, y, out, |x, y| x / y),
            Micro::Maximum => zip(x, y, out, T::larger),
            Micro::Pow => zip(x, y, out, T::power),
            Micro::Greater => zip(x, y, out, |x, y| truth(x > y)),
            Micro::Equal => zip(x, y, out, |x, y| truth(x == y)),
        }
    }
}

#[inline(always)]
fn map<T: Float>(x: &[T], out: &mut [T], f: impl Fn(T) -> T) {
    for (out, &x) in out.iter_mut().zip(x) {
        *out = f(x);
    }
}

#[inline(always)]
fn zip<T: Float>(x: &[T], y: &[T], out: &mut [T], f: impl Fn(T, T) -> T) {
    for ((out, &x), &y) in out.iter_mut().zip(x).zip(y) {
        *out = f(x, y);
    }
}

/// Exponents that a few multiplications serve go without the general power.
#[inline(always)]
fn powers<T: Float>(exponent: f64, x: &[T], out: &mut [T]) {
    let one = T::one();
    if exponent == 2.0 {
        map(x, out, |x| x * x);
    } else if exponent == 3.0 {
        map(x, out, |x| x * x * x);
    } else if exponent == 1.0 {
        out.copy_from_slice(x);
    } else if exponent == 0.0 {
        out.fill(one);
    } else if exponent == -1.0 {
        map(x, out, |x| one / x);
    } else if exponent == -2.0 {
        map(x, out, |x| one / (x * x));
    } else if exponent == 0.5 {
        map(x, out, T::root);
    } else if exponent == -0.5 {
        map(x, out, |x| one / x.root());
    } else {
        let exponent = T::of(exponent);
        map(x, out, |x| x.power(exponent));
    }
}
