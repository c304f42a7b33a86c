//! The operand itself, as a node of its own: a derivative can be taken with respect to it alone.

use crate::graph::{Derivative, Op};
use crate::signature::{Signature, arity};
use crate::{Error, Layout, Var};

/// Its operand, as a node of its own.
#[derive(Debug)]
pub struct Alias;

impl Op for Alias {
    fn name(&self) -> &'static str {
        "alias"
    }

    fn infer(&self, inputs: &[Signature]) -> Result<Signature, Error> {
        arity(self.name(), inputs, 1)?;
        Ok(inputs[0].clone())
    }

    fn derivative<'g>(&self, at: &Derivative<'_, 'g>) -> Result<Vec<Option<Var<'g>>>, Error> {
        Ok(vec![Some(at.gradient)])
    }

    fn view(&self, input: &Layout) -> Option<Layout> {
        Some(input.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::{check, gradients};

    #[test]
    fn a_derivative_stops_at_it_only_where_asked() {
        let found = gradients(&[(&[1], &[3.0])], |g, x| {
            let own = g.apply(Alias, &[x[0]])?;
            let partial = g.grad(own.square().mul(x[0])?.sum_all(), &[own])?[0];
            Ok(partial.sum_all())
        });
        // d/dy (y^2 x) = 2 y x, and its derivative by x with y = x is 4 x.
        assert_eq!(found, [[12.0]]);
    }

    #[test]
    fn gradient() {
        check(&[&[3]], |g, x| Ok(g.apply(Alias, &[x[0].tanh()])?.square()));
    }
}
