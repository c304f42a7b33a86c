//! From a graph to steps over slots.
//!
//! [`lower`] drops dead nodes, merges equal ones and turns views into layouts; [`absorb`] takes sums
//! into kernels, [`factors`] outer products; [`fuse`] groups elementwise units; [`assign`] decides which
//! assignments are written in place; [`liveness`] gives every value its slot; [`emit`] writes the steps.

mod absorb;
mod assign;
mod emit;
mod factors;
mod fuse;
mod liveness;
mod lower;
mod sink;
mod step;
mod target;
mod units;
mod worklist;

use crate::DType;
use crate::graph::State;
pub use step::{Data, Fused, Kept, Slot, Step};
pub use target::Target;

/// A planned program, of which nothing depends on a device but what its [`Target`] offered.
#[derive(Debug)]
pub struct Plan {
    /// What each slot stands for; those of the inputs come first, in their order.
    pub slots: Vec<Slot>,
    /// What is done, in order.
    pub steps: Vec<Step>,
    /// Contents of the slots of constants.
    pub constants: Vec<Data>,
    /// Element type and length of each output.
    pub outputs: Vec<(DType, usize)>,
    /// Values that last from run to run; only targets that pack operands have any.
    pub kept: Vec<Kept>,
    /// Inputs that the program assigns.
    pub assigned: Vec<usize>,
    /// Bytes for intermediate values.
    pub arena: usize,
}

impl Plan {
    pub(crate) fn new(dtype: DType, state: &State, outputs: &[usize], target: &dyn Target) -> Plan {
        let mut list = lower::lower(dtype, state, outputs, target);
        absorb::absorb(&mut list, target);
        factors::take(&mut list, target);
        factors::defer(&mut list, target);
        let groups = fuse::fuse(&list, target.fused());
        let schedule = assign::schedule(&list, groups);
        let (slots, arena) = liveness::place(&list, &schedule);
        let steps = emit::emit(&list, &schedule, &slots);
        let (slots, outputs) = (slots.slots, list.outputs);
        // Inputs are the first values.
        let assigned = list.assigned.iter().map(|assigned| assigned.target.value).collect();
        let (constants, kept) = (list.constants, list.kept);
        Plan { slots, steps, constants, outputs, kept, assigned, arena }
    }
}
