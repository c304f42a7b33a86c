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

pub use alias::Alias;
pub use broadcast_to::BroadcastTo;
pub(crate) use broadcast_to::broadcast_shape;
pub use channel_sum::ChannelSum;
pub use checkpointed::Recalled;
pub use cholesky::Cholesky;
pub use concat::Concat;
pub use conv2d::{After, Conv2d, ConvMethod, Convolution, ConvolutionInput, ConvolutionWeight};
pub use cross_entropy::{CrossEntropy, CrossEntropyGradient};
pub use dropout::Dropout;
pub use elementwise::Elementwise;
pub use embedding_bag::EmbeddingBag;
pub use gather::Gather;
pub use gram::Gram;
pub use local_response_norm::{LocalResponseNorm, ResponseNorm, ResponseNormGradient};
pub use log_softmax::LogSoftmax;
pub use log_sum_exp::LogSumExp;
pub use matmul::MatMul;
pub use max::Max;
pub use normalise::{InverseDeviation, Normalise};
pub use pad::Pad;
pub use pool::{AveragePool, AveragePoolAdjoint, MaxPool, MaxPoolScatter, MaxPoolSelect, Pool2d};
pub use recurrence::{Attention, Recurrence, Unrolled};
pub use reshape::Reshape;
pub use row_sum::{Position, RowSum};
pub use scatter_add::ScatterAdd;
pub use slice::Slice;
pub use softmax::Softmax;
pub use solve::Solve;
pub use stop_gradient::StopGradient;
pub use sum::Sum;
pub use top_k::{Put, Take, TopK};
pub use transpose::Transpose;
pub use triangular::TriangularSolve;
pub use unique_rows::UniqueRows;

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
