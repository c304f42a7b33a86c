//! Shapes and element types of operands, and what operations check of them.

use crate::{DType, Error};

/// Shape and element type of an operand or a result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// Extent of each axis; empty for a scalar.
    pub shape: Vec<usize>,
    /// Element type.
    pub dtype: DType,
}

/// Checks the number of operands.
pub(crate) fn arity(op: &'static str, inputs: &[Signature], wanted: usize) -> Result<(), Error> {
    if inputs.len() == wanted {
        Ok(())
    } else {
        Err(Error::Arity { op, wanted, found: inputs.len() })
    }
}

/// Checks that an operand is a float.
pub(crate) fn float(op: &'static str, input: &Signature, like: DType) -> Result<(), Error> {
    if input.dtype == DType::U32 {
        Err(Error::Type { op, wanted: like, found: DType::U32 })
    } else {
        Ok(())
    }
}

/// Checks that an operand is an index.
pub(crate) fn index(op: &'static str, input: &Signature) -> Result<(), Error> {
    if input.dtype == DType::U32 {
        Ok(())
    } else {
        Err(Error::Type { op, wanted: DType::U32, found: input.dtype })
    }
}
