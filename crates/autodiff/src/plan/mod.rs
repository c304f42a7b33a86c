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
mod units;

use std::sync::Arc;

use kernels::elementwise::Chain;

use crate::exec::{Call, Memory, Operand};
use crate::graph::State;
use crate::{Buffer, DType, Error, Function, Layout, Op};

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

/// What a slot stands for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Slot {
    Input(usize),
    Constant(usize),
    Output(usize),
    Arena {
        offset: usize,
        bytes: usize,
    },
    /// A value that never leaves its fused chain.
    Nowhere,
}

#[derive(Debug)]
pub(crate) enum Step {
    Chain { chain: Chain, loads: Vec<Operand>, stores: Vec<Operand> },
    Kernel { op: Arc<dyn Op>, operands: Vec<Operand>, output: Operand },
    Rows { indices: Operand, rows: Operand, target: Operand },
}

impl Step {
    pub(crate) fn run(&self, memory: &Memory) -> Result<(), Error> {
        match self {
            Step::Chain { chain, loads, stores } => {
                memory.run_chain(chain, loads, stores);
                Ok(())
            }
            Step::Kernel { op, operands, output } => {
                op.kernel(&mut Call::new(operands, output, memory))
            }
            Step::Rows { indices, rows, target } => match target.dtype {
                DType::F64 => write_rows::<f64>(memory, indices, rows, target),
                _ => write_rows::<f32>(memory, indices, rows, target),
            },
        }
    }
}

fn write_rows<T: crate::Element>(
    memory: &Memory,
    indices: &Operand,
    rows: &Operand,
    target: &Operand,
) -> Result<(), Error> {
    let width: usize = target.layout.shape[1..].iter().product();
    let table = memory.write::<T>(target);
    if width == 0 {
        return Ok(());
    }
    for (&index, row) in
        memory.read::<u32>(indices).iter().zip(memory.read::<T>(rows).chunks(width))
    {
        if let Some(to) =
            kernels::row(index, target.layout.shape[0]).map_err(Error::index("assign_rows"))?
        {
            table[to * width..(to + 1) * width].copy_from_slice(row);
        }
    }
    Ok(())
}

/// A look at a value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Place {
    pub value: usize,
    pub layout: Layout,
}

/// A run of elements with storage of its own.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Value {
    pub dtype: DType,
    pub len: usize,
    pub home: Home,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Home {
    Input(usize),
    Constant(usize),
    Output(usize),
    Computed,
}

/// One operation over places, yielding one contiguous value.
#[derive(Debug)]
pub(crate) struct Unit {
    pub work: Work,
    pub reads: Vec<Place>,
    pub value: usize,
    pub shape: Vec<usize>,
}

#[derive(Debug, Clone)]
pub(crate) enum Work {
    Elementwise(Function),
    /// A matrix product of few terms, computed block by block inside the chain that reads it.
    Product,
    Kernel(Arc<dyn Op>),
}

/// An assignment over places.
#[derive(Debug)]
pub(crate) struct Assigned {
    pub target: Place,
    pub value: Place,
    /// For rows: where the indices are.
    pub indices: Option<Place>,
}

impl Assigned {
    /// The input and the elements of it that may change.
    fn region(&self) -> (usize, std::ops::Range<usize>) {
        let start = self.target.layout.offset;
        (self.target.value, start..start + self.target.layout.span())
    }
}

/// A graph reduced to what must be computed.
#[derive(Debug, Default)]
pub(crate) struct Worklist {
    pub values: Vec<Value>,
    pub units: Vec<Unit>,
    pub constants: Vec<Buffer>,
    pub assigned: Vec<Assigned>,
    pub outputs: Vec<(DType, usize)>,
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
