//! What a program does: steps over slots.

use std::sync::Arc;

use kernels::elementwise::Chain;

use crate::exec::{Call, Memory, Operand};
use crate::{DType, Error, Op};

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
