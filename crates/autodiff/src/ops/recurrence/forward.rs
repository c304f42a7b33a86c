//! The forward pass of a recurrent layer, with all that its backward pass reads.

use super::form::Form;
use crate::exec::Call;
use crate::graph::Op;
use crate::ops::by_float;
use crate::signature::Signature;
use crate::{Error, Float, Var};
use kernels::recurrence;

#[derive(Debug)]
pub(super) struct Forward(pub Form);

impl Op for Forward {
    fn name(&self) -> &'static str {
        "recurrence"
    }

    fn infer(&self, inputs: &[Signature]) -> Result<Signature, Error> {
        let dims = self.0.check(self.name(), inputs)?;
        if inputs.len() != self.0.operands() {
            let (wanted, found) = (self.0.operands(), inputs.len());
            return Err(Error::Arity { op: self.name(), wanted, found });
        }
        Ok(Signature { shape: vec![dims.kept_len()], dtype: inputs[0].dtype })
    }

    /// What is kept is the kernel's affair: the other two operations do without.
    fn definition<'g>(&self, operands: &[Var<'g>]) -> Option<Result<Var<'g>, Error>> {
        let dims = self.0.dims(|operand| operands[operand].shape());
        Some(Ok(operands[0].graph().full(0.0, &[dims.kept_len()])))
    }

    fn kernel(&self, call: &mut Call<'_>) -> Result<(), Error> {
        by_float!(call, run, self.0)
    }
}

fn run<T: Float>(call: &mut Call<'_>, form: Form) -> Result<(), Error> {
    let dims = form.dims(|operand| call.shape(operand));
    let (operands, workspace) = (form.operands_of(call), call.workspace());
    recurrence::forward::<T>(&dims, &operands, call.output(), workspace);
    Ok(())
}
