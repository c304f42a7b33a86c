//! Every elementwise function as an operation; names, values and derivatives are the table's.

use kernels::elementwise::Algebra;

use crate::graph::{Derivative, Op};
use crate::signature::{Signature, arity, float};
use crate::{Error, Function, Var};

/// An elementwise function of operands of one shape.
#[derive(Debug)]
pub struct Elementwise(pub Function);

impl<'g> Var<'g> {
    fn unary(self, function: Function) -> Var<'g> {
        match self.graph().apply(Elementwise(function), &[self]) {
            Ok(var) => var,
            Err(error) => panic!("{error}"),
        }
    }

    fn binary(self, function: Function, other: Var<'g>) -> Result<Var<'g>, Error> {
        let (left, right) = (self.shape(), other.shape());
        let shape = super::broadcast_shape(function.name(), &left, &right)?;
        let operands = [self.broadcast_to(&shape)?, other.broadcast_to(&shape)?];
        self.graph().apply(Elementwise(function), &operands)
    }
}

macro_rules! methods {
    (
        one { $($(#[$doc:meta])* $one:ident $(($number:ident: f64))? => $function:ident $(($of:ident))?;)* }
        two { $($(#[$doc2:meta])* $two:ident ($other:ident) => $function2:ident;)* }
    ) => {
        /// Elementwise functions; those of one operand panic on a variable of indices.
        #[expect(
            clippy::should_implement_trait,
            reason = "one spelling for all operations, and an operator could not report a shape error"
        )]
        impl<'g> Var<'g> {
            $(
                $(#[$doc])*
                #[must_use]
                pub fn $one(self $(, $number: f64)?) -> Var<'g> {
                    self.unary(Function::$function $(($of))?)
                }
            )*
            $(
                $(#[$doc2])*
                ///
                /// # Errors
                /// [`Error::Shapes`] if the shapes do not broadcast.
                pub fn $two(self, $other: Var<'g>) -> Result<Var<'g>, Error> {
                    self.binary(Function::$function2, $other)
                }
            )*
        }
    };
}

methods! {
    one {
        /// `-self`.
        neg => Neg;
        /// e to the power of `self`.
        exp => Exp;
        /// Natural logarithm.
        log => Log;
        /// Square root.
        sqrt => Sqrt;
        /// Hyperbolic tangent.
        tanh => Tanh;
        /// `1 / (1 + exp(-self))`.
        sigmoid => Sigmoid;
        /// `max(self, 0)`; its derivative at 0 is 0.
        relu => Relu;
        /// `self * self`.
        square => Square;
        /// `self` to a fixed power.
        powf(exponent: f64) => Powf(exponent);
        /// `self + value`.
        add_scalar(value: f64) => AddScalar(value);
        /// `self * value`.
        mul_scalar(value: f64) => MulScalar(value);
        /// 1 where `self > 0`, else 0; without derivative.
        step => Step;
    }
    two {
        /// `self + other`.
        add(other) => Add;
        /// `self - other`.
        sub(other) => Sub;
        /// `self * other`, element by element.
        mul(other) => Mul;
        /// `self / other`.
        div(other) => Div;
        /// The larger of the two; equal elements share the gradient.
        maximum(other) => Maximum;
        /// `self` to the power of `exponent`; its derivatives want a positive base.
        pow(exponent) => Pow;
        /// 1 where `self > other`, else 0; without derivative.
        greater(other) => Greater;
        /// 1 where `self == other`, else 0; without derivative.
        equal(other) => Equal;
    }
}

impl Op for Elementwise {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn infer(&self, inputs: &[Signature]) -> Result<Signature, Error> {
        let op = self.name();
        arity(op, inputs, self.0.arity())?;
        for input in inputs {
            float(op, input, inputs[0].dtype)?;
            if input.shape != inputs[0].shape {
                let (left, right) = (inputs[0].shape.clone(), input.shape.clone());
                return Err(Error::Shapes { op, left, right, wanted: "one shape" });
            }
        }
        Ok(inputs[0].clone())
    }

    fn derivative<'g>(&self, at: &Derivative<'_, 'g>) -> Result<Vec<Option<Var<'g>>>, Error> {
        let slope = |index| self.0.derivative(index, at.inputs, at.output, at.gradient);
        Ok((0..at.inputs.len()).map(|i| if at.wanted[i] { slope(i) } else { None }).collect())
    }

    fn elementwise(&self) -> Option<Function> {
        Some(self.0)
    }
}

/// Operands of one shape and graph: what a derivative is made of.
impl Algebra for Var<'_> {
    fn apply(function: Function, operands: &[Self]) -> Self {
        match operands[0].graph().apply(Elementwise(function), operands) {
            Ok(var) => var,
            Err(error) => panic!("{error}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::check::testing::{check, check_in, close, eval, gradients};
    use crate::{Domain, Error, Graph, Var};

    const TWO: (&[usize], &[f64]) = (&[2], &[4.0, 0.25]);

    #[test]
    fn unary_by_hand() {
        let one = |f: fn(Var<'_>) -> Var<'_>| eval(&[TWO], move |_, x| Ok(f(x[0])));
        assert_eq!(one(|x| x.neg()), [-4.0, -0.25]);
        close(&one(|x| x.exp()), &[54.598_150_033_144_236, 1.284_025_416_687_741_5]);
        close(&one(|x| x.log()), &[1.386_294_361_119_890_6, -1.386_294_361_119_890_6]);
        assert_eq!(one(|x| x.sqrt()), [2.0, 0.5]);
        close(&one(|x| x.tanh()), &[0.999_329_299_739_067, 0.244_918_662_403_709_13]);
        close(&one(|x| x.sigmoid()), &[0.982_013_790_037_908_4, 0.562_176_500_885_798_1]);
        assert_eq!(one(|x| x.add_scalar(-1.0).relu()), [3.0, 0.0]);
        assert_eq!(one(|x| x.add_scalar(-1.0).step()), [1.0, 0.0]);
        assert_eq!(one(|x| x.square()), [16.0, 0.0625]);
        assert_eq!(one(|x| x.powf(3.0)), [64.0, 0.015625]);
        assert_eq!(one(|x| x.powf(-0.5)), [0.5, 2.0]);
        assert_eq!(one(|x| x.mul_scalar(3.0)), [12.0, 0.75]);
    }

    #[test]
    fn binary_by_hand() {
        let other = (&[2, 1][..], &[2.0, 3.0][..]);
        let both = |f: for<'g> fn(Var<'g>, Var<'g>) -> Result<Var<'g>, Error>| {
            eval(&[TWO, other], move |_: &Graph, x| f(x[0], x[1]))
        };
        assert_eq!(both(|x, y| x.add(y)), [6.0, 2.25, 7.0, 3.25]);
        assert_eq!(both(|x, y| x.sub(y)), [2.0, -1.75, 1.0, -2.75]);
        assert_eq!(both(|x, y| x.mul(y)), [8.0, 0.5, 12.0, 0.75]);
        assert_eq!(both(|x, y| x.div(y)), [2.0, 0.125, 4.0 / 3.0, 0.25 / 3.0]);
        assert_eq!(both(|x, y| x.maximum(y)), [4.0, 2.0, 4.0, 3.0]);
        assert_eq!(both(|x, y| x.pow(y)), [16.0, 0.0625, 64.0, 0.015625]);
    }

    #[test]
    fn equal_operands_of_a_maximum_share() {
        let found =
            gradients(&[(&[1], &[2.0]), (&[1], &[2.0])], |_, x| Ok(x[0].maximum(x[1])?.sum_all()));
        assert_eq!(found, [[0.5], [0.5]]);
    }

    #[test]
    fn unary_gradients() {
        let smooth: [fn(Var<'_>) -> Var<'_>; 7] = [
            |x| x.neg().square(),
            |x| x.exp(),
            |x| x.tanh(),
            |x| x.sigmoid(),
            |x| x.relu().square(),
            |x| x.add_scalar(0.5).mul_scalar(3.0).square(),
            |x| x.powf(2.0),
        ];
        for f in smooth {
            check(&[&[7]], move |_, x| Ok(f(x[0])));
        }
        let positive: [fn(Var<'_>) -> Var<'_>; 4] =
            [|x| x.log(), |x| x.sqrt(), |x| x.powf(2.5), |x| x.powf(-1.0)];
        for f in positive {
            check_in(Domain::POSITIVE, &[&[7]], move |_, x| Ok(f(x[0])));
        }
    }

    #[test]
    fn binary_gradients() {
        let shapes: &[&[usize]] = &[&[3, 1], &[2, 1, 4]];
        check(shapes, |_, x| Ok(x[0].add(x[1])?.square()));
        check(shapes, |_, x| Ok(x[0].sub(x[1])?.square()));
        check(shapes, |_, x| x[0].mul(x[1]));
        check(shapes, |_, x| Ok(x[0].maximum(x[1])?.square()));
        check_in(Domain::POSITIVE, shapes, |_, x| x[0].div(x[1]));
        check_in(Domain::POSITIVE, shapes, |_, x| x[0].pow(x[1]));
    }
}
