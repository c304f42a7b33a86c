use autodiff::{Buffer, DType, Device, Var};
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
    arrays: Vec<Buffer>,
}

impl Batch {
    /// Arrays for the inputs of an objective, all zero.
    pub fn new(inputs: &[BatchInput]) -> Self {
        let zeros = |input: &BatchInput| {
            let dtype = match input.kind {
                BatchKind::Float => DType::F32,
                BatchKind::Index => DType::U32,
            };
            Buffer::zeros(Device::cpu(), dtype, input.len())
        };
        Self { arrays: inputs.iter().map(zeros).collect() }
    }

    /// Values of floating-point input number `input`, row-major; empty for an index input.
    pub fn floats(&self, input: usize) -> &[f32] {
        self.arrays[input].as_slice().unwrap_or_default()
    }

    /// Indices of index input number `input`, row-major; empty for a floating-point input.
    pub fn indices(&self, input: usize) -> &[u32] {
        self.arrays[input].as_slice().unwrap_or_default()
    }

    /// [`floats`](Self::floats), to be filled.
    pub fn floats_mut(&mut self, input: usize) -> &mut [f32] {
        self.arrays[input].as_mut_slice().unwrap_or_default()
    }

    /// [`indices`](Self::indices), to be filled.
    pub fn indices_mut(&mut self, input: usize) -> &mut [u32] {
        self.arrays[input].as_mut_slice().unwrap_or_default()
    }

    /// The arrays themselves, for a program that reads them where they are.
    pub(crate) fn arrays_mut(&mut self) -> &mut [Buffer] {
        &mut self.arrays
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

    /// The hyper-parameters `theta` that the loss reads beside the parameters: penalties, data,
    /// preprocessing, sharing. None by default.
    fn hypers(&self) -> Option<&Layout> {
        None
    }

    /// The loss as a function of the hyper-parameters too, `L(w, theta, batch)`.
    ///
    /// An objective with hyper-parameters gives this; its [`loss`](Self::loss) then holds them at
    /// fixed values.
    ///
    /// # Errors
    /// Any shape error of the trace.
    fn hyper_loss<'g>(
        &self,
        params: &[Var<'g>],
        hypers: &[Var<'g>],
        batch: &[Var<'g>],
    ) -> Result<Var<'g>, autodiff::Error> {
        let _ = hypers;
        self.loss(params, batch)
    }

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

    /// What evaluations have changed in the task, for a checkpoint: with it, batches are a function
    /// of their index. Nothing by default.
    fn state(&self) -> Vec<f64> {
        Vec::new()
    }

    /// Puts a new task into the state of an earlier one.
    ///
    /// # Errors
    /// [`Error::Checkpoint`](experiment::Error::Checkpoint) for a state of another task.
    fn restore(&mut self, state: &[f64]) -> Result<(), experiment::Error> {
        if state.is_empty() {
            return Ok(());
        }
        let found = format!("wanted no state of the task, found {} numbers", state.len());
        Err(experiment::Error::Checkpoint(found))
    }
}
