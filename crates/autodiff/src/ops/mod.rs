//! The operations, one a file: definition, inference, derivative, kernel, test.

mod alias;
mod attention;
mod axes;
mod broadcast_to;
mod channel_sum;
mod checkpointed;
mod cholesky;
mod concat;
mod conv2d;
mod cross_entropy;
mod dropout;
mod elementwise;
mod embedding_bag;
mod gather;
mod gram;
mod local_response_norm;
mod log_softmax;
mod log_sum_exp;
mod matmul;
mod max;
mod normalise;
mod pad;
mod pick;
mod pool;
mod recurrence;
mod reshape;
mod row_sum;
mod scatter_add;
mod slice;
mod softmax;
mod solve;
mod stop_gradient;
mod sum;
mod top_k;
mod transpose;
mod triangular;
mod unique_rows;
mod unpick;

pub(crate) use alias::Alias;
pub(crate) use broadcast_to::broadcast_shape;
pub(crate) use channel_sum::ChannelSum;
pub use conv2d::{Conv2d, ConvMethod};
pub(crate) use elementwise::Elementwise;
pub use local_response_norm::LocalResponseNorm;
pub(crate) use pad::Pad;
pub use pool::Pool2d;
pub use recurrence::{Attention, Recurrence, Run};
pub(crate) use row_sum::RowSum;
pub(crate) use scatter_add::ScatterAdd;
pub(crate) use unique_rows::UniqueRows;
pub(crate) use unpick::Unpick;

/// Runs a generic kernel with the float type of the call's result.
macro_rules! by_float {
    ($call:expr, $kernel:ident $(, $argument:expr)*) => {
        match $call.dtype() {
            crate::DType::F64 => $kernel::<f64>($call $(, $argument)*),
            _ => $kernel::<f32>($call $(, $argument)*),
        }
    };
}
pub(crate) use by_float;

/// The extent of the last axis, or 1 for a scalar.
pub(crate) fn last(shape: &[usize]) -> usize {
    shape.last().copied().unwrap_or(1)
}
