//! A value that is constant to differentiation.

use crate::graph::{Derivative, Op};
use crate::signature::{Signature, arity};
use crate::{Error, Layout, Var};

/// Its operand, constant to differentiation.
#[derive(Debug)]
pub struct StopGradient;

impl<'g> Var<'g> {
    /// The same value, constant to differentiation.
    #[must_use]
    pub fn stop_gradient(self) -> Var<'g> {
        match self.graph().apply(StopGradient, &[self]) {
            Ok(var) => var,
            Err(error) => panic!("{error}"),
        }
    }
}

impl Op for StopGradient {
    fn name(&self) -> &'static str {
        "stop_gradient"
    }

    fn infer(&self, inputs: &[Signature]) -> Result<Signature, Error> {
        arity(self.name(), inputs, 1)?;
        Ok(inputs[0].clone())
    }

    fn derivative<'g>(&self, _: &Derivative<'_, 'g>) -> Result<Vec<Option<Var<'g>>>, Error> {
        Ok(vec![None])
    }

    fn view(&self, input: &Layout) -> Option<Layout> {
        Some(input.clone())
    }
}

#[cfg(test)]
mod tests {
    use crate::check::testing::gradients;

    #[test]
    fn only_the_other_factor_is_differentiated() {
        let x = (&[2][..], &[3.0, 5.0][..]);
        let found = gradients(&[x], |_, x| Ok(x[0].stop_gradient().mul(x[0])?.sum_all()));
        assert_eq!(found, [[3.0, 5.0]]);
    }
}
