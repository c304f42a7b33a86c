//! Gradients of parameters, row-sparse where that is less work, and their norm.

use autodiff::{Error, Graph, RowSparse, Var};

/// The gradient of one tensor.
#[derive(Clone, Copy)]
pub enum Gradient<'g> {
    /// Every element, in the tensor's shape.
    Dense(Var<'g>),
    /// The rows that a gather touched; all others are zero.
    Rows(RowSparse<'g>),
}

impl<'g> Gradient<'g> {
    /// The values that are not known to be zero.
    pub fn values(&self) -> Var<'g> {
        match self {
            Self::Dense(values) => *values,
            Self::Rows(sparse) => sparse.rows,
        }
    }

    /// The same gradient with its values replaced.
    fn map(&self, values: impl FnOnce(Var<'g>) -> Result<Var<'g>, Error>) -> Result<Self, Error> {
        Ok(match self {
            Self::Dense(dense) => Self::Dense(values(*dense)?),
            Self::Rows(sparse) => Self::Rows(RowSparse { rows: values(sparse.rows)?, ..*sparse }),
        })
    }
}

/// Gradients of a scalar, row-sparse where that is less work than a dense table.
///
/// # Errors
/// Any error of differentiating the trace.
pub fn gradients<'g>(
    graph: &'g Graph,
    loss: Var<'g>,
    params: &[Var<'g>],
) -> Result<Vec<Gradient<'g>>, Error> {
    graph
        .grad(loss, params)?
        .into_iter()
        .map(|dense| match graph.row_sparse(dense)? {
            Some(sparse) if sparse.indices.shape()[0] < sparse.table_rows => {
                Ok(Gradient::Rows(sparse))
            }
            _ => Ok(Gradient::Dense(dense)),
        })
        .collect()
}

/// Euclidean norm over all gradients together.
///
/// # Errors
/// A shape error; cannot happen for gradients of one graph.
pub fn global_norm<'g>(graph: &'g Graph, gradients: &[Gradient<'g>]) -> Result<Var<'g>, Error> {
    let squares = gradients.iter().map(|gradient| gradient.values().square().sum_all());
    let total = squares.map(Ok).reduce(|a, b| a?.add(b?)).unwrap_or(Ok(graph.scalar(0.0)))?;
    Ok(total.sqrt())
}

/// Scales all gradients by `max_norm / norm` where their global norm exceeds `max_norm`.
///
/// # Errors
/// A shape error; cannot happen for gradients of one graph.
pub fn clip_global_norm<'g>(
    graph: &'g Graph,
    gradients: &[Gradient<'g>],
    norm: Var<'g>,
    max_norm: f64,
) -> Result<Vec<Gradient<'g>>, Error> {
    let limit = graph.scalar(max_norm);
    let scale = limit.div(norm.maximum(limit)?)?;
    gradients.iter().map(|gradient| gradient.map(|values| values.mul(scale))).collect()
}
