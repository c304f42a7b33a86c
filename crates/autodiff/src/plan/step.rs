//! What a program does, on whatever device: steps over slots.

use std::sync::Arc;

use bytemuck::cast_slice;
use kernels::elementwise;

use crate::DType;
use crate::exec::Operand;
use crate::graph::Op;

/// What a slot stands for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Slot {
    /// An input of the program.
    Input(usize),
    /// A constant of the plan.
    Constant(usize),
    /// An output of the program.
    Output(usize),
    /// A value that lasts from run to run.
    Kept(usize),
    /// A range of the memory for intermediate values.
    Arena {
        /// First byte.
        offset: usize,
        /// Number of bytes.
        bytes: usize,
    },
    /// A value that never leaves its fused step.
    Nowhere,
}

/// A value that is computed again only after its input was written.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Kept {
    /// The input it is made of.
    pub input: usize,
    /// Element type.
    pub dtype: DType,
    /// Number of elements.
    pub len: usize,
}

/// One thing to do.
#[derive(Debug)]
pub enum Step {
    /// Elementwise functions of one shape that belong together.
    Fused(Fused),
    /// An operation; operands that its target did not accept otherwise are contiguous.
    Kernel {
        /// The operation.
        op: Arc<dyn Op>,
        /// Its operands.
        operands: Vec<Operand>,
        /// Its contiguous result.
        output: Operand,
    },
    /// Rows written over those that indices name; `u32::MAX` names none.
    Rows {
        /// u32 `[n]`.
        indices: Operand,
        /// `[n, ..]`.
        rows: Operand,
        /// `[V, ..]`.
        target: Operand,
    },
}

/// Elementwise functions, and products of few terms, over operands and one another.
#[derive(Debug, Clone)]
pub struct Fused {
    /// Element type; indices are only ever copied.
    pub dtype: DType,
    /// Shape of every value.
    pub shape: Vec<usize>,
    /// What is read; of the shape, except for factors of products.
    pub operands: Vec<Operand>,
    /// What is computed, in order.
    pub steps: Vec<elementwise::Step>,
    /// Which values are kept.
    pub stores: Vec<elementwise::Store>,
    /// Where they go; contiguous.
    pub results: Vec<Operand>,
}

/// Elements that a plan carries along.
#[derive(Debug, Clone, PartialEq)]
pub enum Data {
    /// f32.
    F32(Vec<f32>),
    /// f64.
    F64(Vec<f64>),
    /// Indices.
    U32(Vec<u32>),
}

impl Data {
    /// Floats rounded to a type.
    pub(crate) fn floats(dtype: DType, values: &[f64]) -> Data {
        match dtype {
            DType::F64 => Data::F64(values.to_vec()),
            _ => Data::F32(values.iter().map(|&value| value as f32).collect()),
        }
    }

    /// Element type.
    #[must_use]
    pub fn dtype(&self) -> DType {
        match self {
            Data::F32(_) => DType::F32,
            Data::F64(_) => DType::F64,
            Data::U32(_) => DType::U32,
        }
    }

    /// The elements, byte by byte.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        match self {
            Data::F32(values) => cast_slice(values),
            Data::F64(values) => cast_slice(values),
            Data::U32(values) => cast_slice(values),
        }
    }

    /// The first element, if these are floats.
    pub(crate) fn first(&self) -> Option<f64> {
        match self {
            Data::F32(values) => values.first().copied().map(f64::from),
            Data::F64(values) => values.first().copied(),
            Data::U32(_) => None,
        }
    }
}
