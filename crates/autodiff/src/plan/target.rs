//! What a plan may make use of on the device it is for.

use crate::Layout;
use std::sync::Arc;

use crate::graph::Op;

/// A device, as far as plans care. By default nothing is offered: every operand is contiguous, and every
/// operation is a step of its own.
pub trait Target {
    /// As [`Op::accepts`], of what runs the operation here.
    fn accepts(&self, op: &dyn Op, input: usize, layout: &Layout) -> bool {
        let _ = (op, input, layout);
        false
    }

    /// As [`Op::epilogue`].
    fn epilogue(&self, op: &dyn Op, inputs: &[&Layout], term: &Layout) -> bool {
        let _ = (op, inputs, term);
        false
    }

    /// As [`Op::takes_products`].
    fn takes_products(&self, op: &dyn Op, count: usize, width: usize, inputs: &[&Layout]) -> bool {
        let _ = (op, count, width, inputs);
        false
    }

    /// As [`Op::packed`].
    fn packed(&self, op: &dyn Op) -> Option<(usize, Arc<dyn Op>)> {
        let _ = op;
        None
    }

    /// Operands and elementwise functions that one fused step can have at most.
    fn fused(&self) -> usize {
        0
    }

    /// Whether fused steps compute products of few terms where they read them.
    fn fuses_products(&self) -> bool {
        false
    }
}
