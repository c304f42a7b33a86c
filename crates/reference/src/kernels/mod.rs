//! Operations in plain loops, by what they compute.

pub(crate) mod elementwise;
mod images;
mod matrices;
mod rows;
mod shapes;
mod tables;

use std::any::Any;

use autodiff::{Error, Op, ops};

use super::value::{Numbers, Value};

/// Whether there is a loop for an operation.
pub(crate) fn has(op: &dyn Op) -> bool {
    find(op, None).is_some()
}

/// The result of an operation, of a shape.
pub(crate) fn run(op: &dyn Op, operands: &[Value], shape: &[usize]) -> Result<Numbers, Error> {
    match find(op, Some((operands, shape))) {
        Some(result) => result,
        None => panic!("no loop for {op:?}"),
    }
}

type Found = Option<Result<Numbers, Error>>;

/// The loop for an operation, run if operands are given.
fn find(op: &dyn Op, given: Option<(&[Value], &[usize])>) -> Found {
    let mut found = None;
    macro_rules! loops {
        ($($of:ty => $run:path;)*) => {
            $(if let Some(op) = (op as &dyn Any).downcast_ref::<$of>() {
                found = Some(match given {
                    Some((operands, shape)) => $run(op, operands, shape),
                    None => Ok(Numbers::Floats(Vec::new())),
                });
            })*
        };
    }
    loops! {
        ops::Concat => shapes::concat;
        ops::Pad => shapes::pad;
        ops::Recalled => shapes::recalled;
        ops::Dropout => shapes::dropout;
        ops::Sum => rows::sum;
        ops::Max => rows::max;
        ops::Softmax => rows::softmax;
        ops::LogSoftmax => rows::log_softmax;
        ops::LogSumExp => rows::log_sum_exp;
        ops::CrossEntropy => rows::cross_entropy;
        ops::CrossEntropyGradient => rows::cross_entropy_gradient;
        ops::Normalise => rows::normalise;
        ops::InverseDeviation => rows::inverse_deviation;
        ops::Gather => tables::gather;
        ops::EmbeddingBag => tables::embedding_bag;
        ops::ScatterAdd => tables::scatter_add;
        ops::UniqueRows => tables::unique_rows;
        ops::RowSum => tables::row_sum;
        ops::Position => tables::position;
        ops::TopK => tables::top_k;
        ops::Take => tables::take;
        ops::Put => tables::put;
        ops::MatMul => matrices::matmul;
        ops::Gram => matrices::gram;
        ops::Cholesky => matrices::cholesky;
        ops::TriangularSolve => matrices::triangular_solve;
        ops::Solve => matrices::solve;
        ops::Convolution => images::convolution;
        ops::ConvolutionInput => images::convolution_input;
        ops::ConvolutionWeight => images::convolution_weight;
        ops::AveragePool => images::average;
        ops::AveragePoolAdjoint => images::spread;
        ops::MaxPool => images::max_pool;
        ops::MaxPoolScatter => images::scatter;
        ops::MaxPoolSelect => images::select;
        ops::ChannelSum => images::channel_sum;
        ops::ResponseNorm => images::response_norm;
        ops::ResponseNormGradient => images::response_norm_gradient;
    }
    found
}

/// The row an index names, none for `u32::MAX`.
pub(crate) fn row(op: &'static str, index: u32, rows: usize) -> Result<Option<usize>, Error> {
    match index {
        u32::MAX => Ok(None),
        index if (index as usize) < rows => Ok(Some(index as usize)),
        index => Err(Error::Index { op, index, rows }),
    }
}
