//! Steps of a plan as the processor runs them.

use std::sync::Arc;

use kernels::elementwise::Chain;

use crate::exec::{Call, Memory, Operand};
use crate::graph::Op;
use crate::plan::{self, Fused};
use crate::{DType, Element, Error, Layout};

#[derive(Debug)]
pub(super) enum Step {
    Chain { chain: Chain, loads: Vec<Operand>, stores: Vec<Operand> },
    Kernel { op: Arc<dyn Op>, operands: Vec<Operand>, output: Operand },
    Rows { indices: Operand, rows: Operand, target: Operand },
}

impl Step {
    pub(super) fn new(step: plan::Step) -> Step {
        match step {
            plan::Step::Fused(fused) => chain(fused),
            plan::Step::Kernel { op, operands, output } => Step::Kernel { op, operands, output },
            plan::Step::Rows { indices, rows, target } => Step::Rows { indices, rows, target },
        }
    }

    pub(super) fn run(&self, memory: &Memory) -> Result<(), Error> {
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

fn chain(fused: Fused) -> Step {
    let Fused { dtype, shape, operands, steps, stores, results } = fused;
    let layouts: Vec<Layout> = operands.iter().map(|operand| operand.layout.clone()).collect();
    let chain = Chain::new(as_float(dtype), &shape, &layouts, &steps, &stores);
    let floats = |operands: Vec<Operand>| operands.into_iter().map(floats).collect();
    Step::Chain { chain, loads: floats(operands), stores: floats(results) }
}

/// Indices are only ever copied, so they travel as floats of their size.
fn as_float(dtype: DType) -> DType {
    if dtype == DType::U32 { DType::F32 } else { dtype }
}

fn floats(operand: Operand) -> Operand {
    Operand { dtype: as_float(operand.dtype), ..operand }
}

fn write_rows<T: Element>(
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
