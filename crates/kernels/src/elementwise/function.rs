//! The elementwise functions: one table of names, values and derivatives.

use super::block::{Exponential, Logistic, Tangent, map_blocks};
use crate::Float;

/// What derivatives are written in: anything that elementwise functions can be applied to.
pub trait Algebra: Copy {
    /// The function of as many operands as it takes.
    #[must_use]
    fn apply(function: Function, operands: &[Self]) -> Self;
}

macro_rules! functions {
    (
        one { $(
            $(#[$doc:meta])*
            $one:ident $(($c:ident))? $name:literal
                = $kind:ident $value:expr, |$g:ident, $x:ident, $y:ident| $slope:expr;
        )* }
        two { $(
            $(#[$doc2:meta])*
            $two:ident $name2:literal
                = $value2:expr, |$g2:ident, $a:ident, $b:ident, $y2:ident| $left:expr, $right:expr;
        )* }
    ) => {
        /// An elementwise function of one or two operands.
        #[derive(Debug, Clone, Copy, PartialEq)]
        #[non_exhaustive]
        pub enum Function {
            $($(#[$doc])* $one $((functions!(@number $c)))?,)*
            $($(#[$doc2])* $two,)*
        }

        impl Function {
            /// Name in error messages.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Function::$one $((functions!(@any $c)))? => $name,)*
                    $(Function::$two => $name2,)*
                }
            }

            /// Number of operands.
            #[must_use]
            pub fn arity(self) -> usize {
                match self {
                    $(Function::$one $((functions!(@any $c)))? => 1,)*
                    $(Function::$two => 2,)*
                }
            }

            /// Applies it to a run of elements; `y` is ignored by functions of one operand.
            #[inline(always)]
            pub(crate) fn evaluate<T: Float>(self, x: &[T], y: &[T], out: &mut [T]) {
                match self {
                    $(Function::$one $(($c))? => functions!(@$kind x, out, $value),)*
                    $(Function::$two => zip(x, y, out, $value2),)*
                }
            }

            /// The gradient of operand `index`, where that of the value `y` is `g`; `None` where it is
            /// zero.
            #[must_use]
            pub fn derivative<A: Algebra>(self, index: usize, operands: &[A], y: A, g: A) -> Option<A> {
                match self {
                    $(Function::$one $(($c))? => {
                        $(let _ = $c;)?
                        let ($g, $x, $y) = (Term(g), Term(operands[0]), Term(y));
                        $slope.map(|Term(slope)| slope)
                    })*
                    $(Function::$two => {
                        let [$g2, $a, $b, $y2] = [g, operands[0], operands[1], y].map(Term);
                        if index == 0 { $left } else { $right }.map(|Term(slope)| slope)
                    })*
                }
            }
        }
    };
    (@number $c:ident) => { f64 };
    (@any $c:ident) => { _ };
    // A function of each element by itself, of blocks of them, or of a whole run.
    (@each $x:ident, $out:ident, $f:expr) => { map($x, $out, $f) };
    (@blocks $x:ident, $out:ident, $f:expr) => { map_blocks($f, $x, $out) };
    (@run $x:ident, $out:ident, $f:expr) => { ($f)($x, $out) };
}

functions! {
    one {
        /// x
        Copy "copy" = run |x: &[T], out: &mut [T]| out.copy_from_slice(x), |g, _x, _y| Some(g);
        /// -x
        Neg "neg" = each |x: T| -x, |g, _x, _y| Some(-g);
        /// e^x
        Exp "exp" = blocks Exponential, |g, _x, y| Some(g * y);
        /// ln x
        Log "log" = each T::ln, |g, x, _y| Some(g / x);
        /// Square root.
        Sqrt "sqrt" = each T::sqrt, |g, _x, y| Some((g / y).times(0.5));
        /// Hyperbolic tangent.
        Tanh "tanh" = blocks Tangent, |g, _x, y| Some(g * (-y.square()).plus(1.0));
        /// 1 / (1 + e^-x)
        Sigmoid "sigmoid" = blocks Logistic, |g, _x, y| Some(g * (y - y.square()));
        /// max(x, 0); a NaN stays one. The derivative is by the value, so that x need not be kept.
        Relu "relu" = each |x: T| if x < T::zero() { T::zero() } else { x },
            |g, _x, y| Some(g * y.of(Function::Step));
        /// 1 where x > 0, else 0.
        Step "step" = each |x: T| truth(x > T::zero()), |_g, _x, _y| None;
        /// x x
        Square "square" = each |x: T| x * x, |g, x, _y| Some((g * x).times(2.0));
        /// x to a fixed power.
        Powf(c) "powf" = run |x: &[T], out: &mut [T]| powers(c, x, out), |g, x, _y| match c {
            0.0 => None,
            1.0 => Some(g),
            c => Some((g * x.of(Function::Powf(c - 1.0))).times(c)),
        };
        /// x plus a fixed number.
        AddScalar(c) "add_scalar" = run |x: &[T], out: &mut [T]| {
            let c = T::from_f64(c);
            map(x, out, |x| x + c);
        }, |g, _x, _y| Some(g);
        /// x times a fixed number.
        MulScalar(c) "mul_scalar" = run |x: &[T], out: &mut [T]| {
            let c = T::from_f64(c);
            map(x, out, |x| x * c);
        }, |g, _x, _y| Some(g.times(c));
    }
    two {
        /// x + y
        Add "add" = |x, y| x + y, |g, _a, _b, _y| Some(g), Some(g);
        /// x - y
        Sub "sub" = |x, y| x - y, |g, _a, _b, _y| Some(g), Some(-g);
        /// x y
        Mul "mul" = |x, y| x * y, |g, a, b, _y| Some(g * b), Some(g * a);
        /// x / y
        Div "div" = |x, y| x / y, |g, _a, b, y| Some(g / b), Some(-((g * y) / b));
        /// The larger of x and y, NaN if either is; equal ones share the gradient.
        Maximum "maximum" = T::maximum, |g, a, b, _y| Some(g * a.share(b)), Some(g * b.share(a));
        /// x to the power of y.
        Pow "pow" = T::powf,
            |g, a, b, y| Some((g * b) * a.with(Function::Pow, b.plus(-1.0))),
            Some((g * y) * a.of(Function::Log));
        /// 1 where x > y, else 0.
        Greater "greater" = |x, y| truth(x > y), |_g, _a, _b, _y| None, None;
        /// 1 where x = y, else 0.
        Equal "equal" = |x, y| truth(x == y), |_g, _a, _b, _y| None, None;
    }
}

/// A term of a derivative.
#[derive(Clone, Copy)]
struct Term<A>(A);

impl<A: Algebra> Term<A> {
    fn of(self, function: Function) -> Self {
        Term(A::apply(function, &[self.0]))
    }

    fn with(self, function: Function, other: Self) -> Self {
        Term(A::apply(function, &[self.0, other.0]))
    }

    fn square(self) -> Self {
        self.of(Function::Square)
    }

    fn plus(self, number: f64) -> Self {
        self.of(Function::AddScalar(number))
    }

    fn times(self, number: f64) -> Self {
        self.of(Function::MulScalar(number))
    }

    /// 1 where this is larger than the other, 1/2 where both are equal.
    fn share(self, other: Self) -> Self {
        self.with(Function::Greater, other) + self.with(Function::Equal, other).times(0.5)
    }
}

macro_rules! operators {
    ($($operator:ident $method:ident;)*) => {$(
        impl<A: Algebra> std::ops::$operator for Term<A> {
            type Output = Self;

            fn $method(self, other: Self) -> Self {
                self.with(Function::$operator, other)
            }
        }
    )*};
}

operators! { Add add; Sub sub; Mul mul; Div div; }

impl<A: Algebra> std::ops::Neg for Term<A> {
    type Output = Self;

    fn neg(self) -> Self {
        self.of(Function::Neg)
    }
}

impl Function {
    /// The function of single numbers.
    #[must_use]
    pub fn of<T: Float>(self, operands: &[T]) -> T {
        let mut out = [T::zero()];
        self.evaluate(&operands[..1], &operands[operands.len() - 1..], &mut out);
        out[0]
    }
}

#[inline(always)]
fn truth<T: Float>(condition: bool) -> T {
    if condition { T::one() } else { T::zero() }
}

#[inline(always)]
fn map<T: Float>(x: &[T], out: &mut [T], f: impl Fn(T) -> T) {
    for (out, &x) in out.iter_mut().zip(x) {
        *out = f(x);
    }
}

#[inline(always)]
pub(super) fn zip<T: Float>(x: &[T], y: &[T], out: &mut [T], f: impl Fn(T, T) -> T) {
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
        map(x, out, T::sqrt);
    } else if exponent == -0.5 {
        map(x, out, |x| one / x.sqrt());
    } else {
        let exponent = T::from_f64(exponent);
        map(x, out, |x| x.powf(exponent));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Algebra for f64 {
        fn apply(function: Function, operands: &[f64]) -> f64 {
            function.of(operands)
        }
    }

    /// Against central differences, away from kinks.
    #[test]
    fn every_derivative_is_that_of_its_function() {
        let one = [
            Function::Copy,
            Function::Neg,
            Function::Exp,
            Function::Log,
            Function::Sqrt,
            Function::Tanh,
            Function::Sigmoid,
            Function::Relu,
            Function::Step,
            Function::Square,
            Function::Powf(0.0),
            Function::Powf(1.0),
            Function::Powf(-2.5),
            Function::AddScalar(0.3),
            Function::MulScalar(-1.7),
        ];
        let two = [
            Function::Add,
            Function::Sub,
            Function::Mul,
            Function::Div,
            Function::Maximum,
            Function::Pow,
            Function::Greater,
            Function::Equal,
        ];
        let step = 1e-6;
        for function in one.into_iter().chain(two) {
            for point in [[0.7, 1.9], [1.6, 0.4]] {
                let operands = &point[..function.arity()];
                for index in 0..operands.len() {
                    let at = |by: f64| {
                        let mut moved = point;
                        moved[index] += by;
                        function.of(&moved[..operands.len()])
                    };
                    let wanted = 2.0 * (at(step) - at(-step)) / (2.0 * step);
                    let found = function.derivative(index, operands, at(0.0), 2.0);
                    let off = (found.unwrap_or(0.0) - wanted).abs();
                    assert!(off < 1e-8, "{} at {point:?}: {found:?}, {wanted}", function.name());
                }
            }
        }
    }

    #[test]
    fn a_nan_is_kept() {
        for function in [Function::Relu, Function::Exp, Function::Tanh, Function::Sigmoid] {
            assert!(function.of(&[f32::NAN]).is_nan(), "{}", function.name());
        }
        assert!(Function::Maximum.of(&[f64::NAN, 1.0]).is_nan());
        assert!(Function::Maximum.of(&[1.0, f64::NAN]).is_nan());
    }
}
