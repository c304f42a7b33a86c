//! The one door through which every operation enters, built in or the caller's own.

use std::any::Any;
use std::fmt::Debug;

use crate::exec::Call;
use crate::{DType, Error, Function, Layout, Var};

/// Shape and element type of an operand or a result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// Extent of each axis; empty for a scalar.
    pub shape: Vec<usize>,
    /// Element type.
    pub dtype: DType,
}

/// An operation: what it yields, how it differentiates, how it runs.
///
/// An operation has exactly one of: [`Op::elementwise`] (elementwise, fused by the plan), [`Op::view`] (no
/// work at all) or [`Op::kernel`].
pub trait Op: Any + Debug + Send + Sync {
    /// Name in error messages.
    fn name(&self) -> &'static str;

    /// Shape and type of the result.
    ///
    /// # Errors
    /// When the operands do not suit the operation.
    fn infer(&self, inputs: &[Signature]) -> Result<Signature, Error>;

    /// The gradient of each operand, written in operations of the graph.
    ///
    /// `None` stands for zero, and may be given for operands that `at.wanted` leaves out.
    ///
    /// # Errors
    /// When an operation of the rule fails.
    fn derivative<'g>(&self, at: &Derivative<'_, 'g>) -> Result<Vec<Option<Var<'g>>>, Error>;

    /// Computes the result from contiguous operands.
    ///
    /// # Errors
    /// When the values do not suit, such as an index outside its table.
    fn kernel(&self, call: &mut Call<'_>) -> Result<(), Error> {
        let _ = call;
        Err(Error::Custom { op: self.name(), message: "has no kernel".into() })
    }

    /// The elementwise function, if the operation is one: operands of one shape and float type in,
    /// the same out.
    fn elementwise(&self) -> Option<Function> {
        None
    }

    /// The result as another look at the first operand's storage.
    ///
    /// `None` where the operand's layout does not allow it; where even a contiguous operand does
    /// not, the operation is no view.
    fn view(&self, input: &Layout) -> Option<Layout> {
        let _ = input;
        None
    }

    /// Whether the kernel takes this operand in this layout, though it is not contiguous.
    fn accepts(&self, input: usize, layout: &Layout) -> bool {
        let _ = (input, layout);
        false
    }

    /// Whether the kernel takes one more operand, a term of this layout, which it adds to the finished
    /// result at less cost than a step of its own.
    ///
    /// The term has as many elements as the result, and is contiguous or broadcast from a row.
    fn epilogue(&self, inputs: &[&Layout], term: &Layout) -> bool {
        let _ = (inputs, term);
        false
    }

    /// A text that is equal only for operations that yield equal results from equal operands.
    ///
    /// With one, repeated work is computed once. `format!("{self:?}")` serves where the debug text
    /// shows every parameter.
    fn key(&self) -> Option<String> {
        None
    }
}

/// What a derivative rule sees.
#[derive(Debug)]
pub struct Derivative<'a, 'g> {
    /// The operands.
    pub inputs: &'a [Var<'g>],
    /// The result.
    pub output: Var<'g>,
    /// Gradient of the differentiated scalar with respect to the result; of the result's shape.
    pub gradient: Var<'g>,
    /// Which operands' gradients are wanted.
    pub wanted: &'a [bool],
}

impl<'g> Derivative<'_, 'g> {
    /// The gradient of operand `index` by `rule`, if it is wanted.
    ///
    /// # Errors
    /// The rule's.
    pub fn when(
        &self,
        index: usize,
        rule: impl FnOnce() -> Result<Var<'g>, Error>,
    ) -> Result<Option<Var<'g>>, Error> {
        if self.wanted[index] { rule().map(Some) } else { Ok(None) }
    }
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
