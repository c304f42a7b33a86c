use autodiff::Var;
use experiment::Stream;

use crate::Layout;

/// What a batch input holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BatchKind {
    /// Floating-point values in the graph's type.
    Float,
    /// Indices.
    Index,
}

/// One array of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchInput {
    /// Name, for messages.
    pub name: &'static str,
    /// Shape, the first axis usually being the batch.
    pub shape: Vec<usize>,
    /// Element kind.
    pub kind: BatchKind,
}

impl BatchInput {
    /// A floating-point input.
    pub fn float(name: &'static str, shape: &[usize]) -> Self {
        Self { name, shape: shape.into(), kind: BatchKind::Float }
    }

    /// An index input.
    pub fn index(name: &'static str, shape: &[usize]) -> Self {
        Self { name, shape: shape.into(), kind: BatchKind::Index }
    }

    fn len(&self) -> usize {
        self.shape.iter().product()
    }
}

/// The arrays of one batch, reused from step to step.
#[derive(Debug, Clone)]
pub struct Batch {
    floats: Vec<Vec<f32>>,
    indices: Vec<Vec<u32>>,
}

impl Batch {
    /// Arrays for the inputs of an objective, all zero.
    pub fn new(inputs: &[BatchInput]) -> Self {
        let len = |input: &BatchInput, kind| if input.kind == kind { input.len() } else { 0 };
        Self {
            floats: inputs.iter().map(|i| vec![0.0; len(i, BatchKind::Float)]).collect(),
            indices: inputs.iter().map(|i| vec![0; len(i, BatchKind::Index)]).collect(),
        }
    }

    /// Values of floating-point input number `input`, row-major; empty for an index input.
    pub fn floats(&self, input: usize) -> &[f32] {
        &self.floats[input]
    }

    /// Indices of index input number `input`, row-major; empty for a floating-point input.
    pub fn indices(&self, input: usize) -> &[u32] {
        &self.indices[input]
    }

    /// [`floats`](Self::floats), to be filled.
    pub fn floats_mut(&mut self, input: usize) -> &mut [f32] {
        &mut self.floats[input]
    }

    /// [`indices`](Self::indices), to be filled.
    pub fn indices_mut(&mut self, input: usize) -> &mut [u32] {
        &mut self.indices[input]
    }
}

/// What is minimised: a loss over parameters and a batch that is a function of its index.
pub trait Objective: Send {
    /// The parameters.
    fn layout(&self) -> &Layout;

    /// The arrays of a batch.
    fn inputs(&self) -> &[BatchInput];

    /// Traces the loss, a scalar, over the layout's views and the batch's arrays, in their orders.
    ///
    /// # Errors
    /// Any shape error of the trace.
    fn loss<'g>(&self, params: &[Var<'g>], batch: &[Var<'g>]) -> Result<Var<'g>, autodiff::Error>;

    /// Fills batch `index`, drawing only from `stream.rng(index)`.
    fn fill(&self, stream: &Stream, index: u64, batch: &mut Batch);
}

/// Named values of an evaluation, in the order they are reported.
pub type Metrics = Vec<(&'static str, f64)>;

/// An objective with a way to judge parameters.
pub trait Task: Objective {
    /// Metrics of the parameters, for example accuracy on the development set.
    ///
    /// # Errors
    /// Any error of the evaluation.
    fn evaluate(&mut self, params: &mut autodiff::Buffer) -> Result<Metrics, experiment::Error>;
}
