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
mod step;
mod units;
mod worklist;

use crate::graph::State;
use crate::{Buffer, DType};
pub(crate) use step::{Slot, Step};

/// A planned program.
#[derive(Debug)]
pub(crate) struct Plan {
    pub slots: Vec<Slot>,
    pub steps: Vec<Step>,
    pub constants: Vec<Buffer>,
    /// Element type and length of each output.
    pub outputs: Vec<(DType, usize)>,
    pub arena: usize,
}

impl Plan {
    pub(crate) fn new(dtype: DType, state: &State, outputs: &[usize]) -> Plan {
        let mut list = lower::lower(dtype, state, outputs);
        absorb::absorb(&mut list);
        factors::take(&mut list);
        factors::defer(&mut list);
        let groups = fuse::fuse(&list);
        let schedule = assign::schedule(&list, groups);
        let (slots, arena) = liveness::place(&list, &schedule);
        let steps = emit::emit(&list, &schedule, &slots);
        let (slots, outputs) = (slots.slots, list.outputs);
        Plan { slots, steps, constants: list.constants, outputs, arena }
    }
}
