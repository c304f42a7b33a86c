//! What is minimised: a loss over parameters and batches, and how batches are filled.

use autodiff::{Buffer, DType, Device, Element, Error, Var};
use experiment::Stream;

use crate::Layout;
use crate::reversible::widen;

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

/// The arrays of one batch, reused from step to step, in the host's memory.
#[derive(Debug)]
pub struct Batch {
    /// Floats in f32.
    arrays: Vec<Buffer>,
    /// The same for a graph in f64, which reads these; else empty.
    wide: Vec<Buffer>,
    /// Copies on the device that reads them, if that is another one; else empty.
    copies: Vec<Buffer>,
    /// Inputs whose floats have not been widened yet.
    narrow: Vec<bool>,
}

impl Batch {
    /// Arrays for the inputs of an objective, all zero.
    ///
    /// # Panics
    /// If the host has no memory for them.
    pub fn new(inputs: &[BatchInput]) -> Self {
        match zeros(Device::cpu(), DType::F32, inputs) {
            Ok(arrays) => {
                let narrow = vec![false; inputs.len()];
                Self { arrays, wide: Vec::new(), copies: Vec::new(), narrow }
            }
            Err(error) => panic!("a batch: {error}"),
        }
    }

    /// As [`new`](Self::new), for programs of the current device whose floats are of type `float`.
    pub(crate) fn of(float: DType, inputs: &[BatchInput]) -> Result<Self, Error> {
        let mut batch = Self::new(inputs);
        if float != DType::F32 {
            batch.wide = zeros(Device::cpu(), float, inputs)?;
        }
        if Device::current() != Device::cpu() {
            batch.copies = zeros(Device::current(), float, inputs)?;
        }
        Ok(batch)
    }

    /// Values of floating-point input number `input` as [`floats_mut`](Self::floats_mut) left them,
    /// row-major; empty for an index input.
    pub fn floats(&self, input: usize) -> &[f32] {
        host(&self.arrays[input])
    }

    /// Indices of index input number `input`, row-major; empty for a floating-point input.
    pub fn indices(&self, input: usize) -> &[u32] {
        let arrays = if self.wide.is_empty() { &self.arrays } else { &self.wide };
        host(&arrays[input])
    }

    /// [`floats`](Self::floats), to be filled.
    pub fn floats_mut(&mut self, input: usize) -> &mut [f32] {
        self.narrow[input] = true;
        host_mut(&mut self.arrays[input])
    }

    /// Fills floating-point input number `input` from element `at` on, without a copy in between where
    /// the graph computes in f64. An input is filled by this or by [`floats_mut`](Self::floats_mut).
    ///
    /// # Panics
    /// If the input has fewer elements.
    pub fn copy_floats(&mut self, input: usize, at: usize, values: &[f32]) {
        match self.wide.get_mut(input) {
            Some(wide) if !self.narrow[input] => {
                widen(values, &mut host_mut::<f64>(wide)[at..at + values.len()]);
            }
            _ => self.floats_mut(input)[at..at + values.len()].copy_from_slice(values),
        }
    }

    /// [`indices`](Self::indices), to be filled.
    pub fn indices_mut(&mut self, input: usize) -> &mut [u32] {
        host_mut(&mut self.filled()[input])
    }

    /// Ends the filling of a batch.
    pub(crate) fn settle(&mut self) -> Result<(), Error> {
        for (input, narrow) in self.narrow.iter_mut().enumerate() {
            if std::mem::take(narrow)
                && let Some(wide) = self.wide.get_mut(input)
            {
                widen(host(&self.arrays[input]), host_mut(wide));
            }
        }
        let filled = if self.wide.is_empty() { &self.arrays } else { &self.wide };
        for (copy, from) in self.copies.iter_mut().zip(filled) {
            match from.dtype() {
                DType::F32 => copy.write(0, host::<f32>(from))?,
                DType::F64 => copy.write(0, host::<f64>(from))?,
                DType::U32 => copy.write(0, host::<u32>(from))?,
            }
        }
        Ok(())
    }

    fn filled(&mut self) -> &mut [Buffer] {
        if self.wide.is_empty() { &mut self.arrays } else { &mut self.wide }
    }

    /// The arrays themselves, for a program that reads them where they are.
    pub(crate) fn arrays_mut(&mut self) -> &mut [Buffer] {
        if self.copies.is_empty() { self.filled() } else { &mut self.copies }
    }
}

fn zeros(device: Device, float: DType, inputs: &[BatchInput]) -> Result<Vec<Buffer>, Error> {
    let zeros = |input: &BatchInput| {
        let dtype = match input.kind {
            BatchKind::Float => float,
            BatchKind::Index => DType::U32,
        };
        Buffer::zeros(device, dtype, input.len())
    };
    inputs.iter().map(zeros).collect()
}

/// The elements of a buffer in the host's memory; none if it has another type.
fn host<T: Element>(buffer: &Buffer) -> &[T] {
    buffer.host().unwrap_or_default()
}

/// [`host`], to be changed.
fn host_mut<T: Element>(buffer: &mut Buffer) -> &mut [T] {
    buffer.host_mut().unwrap_or_default()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_get_to_a_graph_in_f64_either_way() {
        let inputs = [
            BatchInput::float("x", &[2, 2]),
            BatchInput::index("class", &[2]),
            BatchInput::float("y", &[3]),
        ];
        let mut batch = Batch::of(DType::F64, &inputs).unwrap();
        for lift in [0.1, 0.2] {
            batch.copy_floats(0, 0, &[1.5, lift]);
            batch.copy_floats(0, 2, &[lift, -2.5]);
            batch.indices_mut(1).copy_from_slice(&[7, 8]);
            batch.floats_mut(2)[..2].fill(lift);
            batch.copy_floats(2, 2, &[3.0]);
            batch.settle().unwrap();
            let wide = f64::from(lift);
            let arrays = batch.arrays_mut();
            assert_eq!(arrays[0].to_vec::<f64>().unwrap(), [1.5, wide, wide, -2.5]);
            assert_eq!(arrays[1].to_vec::<u32>().unwrap(), [7, 8]);
            assert_eq!(arrays[2].to_vec::<f64>().unwrap(), [wide, wide, 3.0]);
        }
        assert_eq!(batch.indices(1), [7, 8]);
        let mut narrow = Batch::new(&inputs);
        narrow.copy_floats(0, 1, &[4.0]);
        assert_eq!(narrow.floats(0), [0.0, 4.0, 0.0, 0.0]);
    }
}
