//! What is minimised: a loss over parameters and batches, how batches are filled, and what a task
//! adds to that.

use autodiff::{Buffer, Var};
use experiment::{Error, Run, Stream};

use crate::{Batch, BatchVars, Fields, Layout, StepValues};

/// What is minimised: a loss over parameters and a batch that is a function of its index.
pub trait Objective: Send {
    /// The parameters.
    fn layout(&self) -> &Layout;

    /// The arrays of a batch. None by default.
    fn fields(&self) -> &Fields {
        Fields::none()
    }

    /// Traces the loss, a scalar, over the layout's views, in their order, and a batch of one of the
    /// declared shapes.
    ///
    /// # Errors
    /// Any shape error of the trace.
    fn loss<'g>(
        &self,
        params: &[Var<'g>],
        batch: &BatchVars<'g>,
    ) -> Result<Var<'g>, autodiff::Error>;

    /// The loss and what else a step computes for [`Task::stepped`], for example the loss of each
    /// item. An objective that has such values gives this; its [`loss`](Self::loss) is the same loss.
    ///
    /// # Errors
    /// Any shape error of the trace.
    fn traced<'g>(
        &self,
        params: &[Var<'g>],
        batch: &BatchVars<'g>,
    ) -> Result<Traced<'g>, autodiff::Error> {
        Ok(Traced { loss: self.loss(params, batch)?, values: Vec::new() })
    }

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
        batch: &BatchVars<'g>,
    ) -> Result<Var<'g>, autodiff::Error> {
        let _ = hypers;
        self.loss(params, batch)
    }

    /// Fills the fixed fields. Nothing by default.
    fn prepare(&self, batch: &mut Batch) {
        let _ = batch;
    }

    /// Which of the declared shapes batch `index` has, drawn only from `stream.rng(index)`. The first
    /// by default.
    fn bucket(&self, stream: &Stream, index: u64) -> usize {
        let _ = (stream, index);
        0
    }

    /// Fills batch `index`, drawing only from `stream.rng(index)`.
    fn fill(&self, stream: &Stream, index: u64, batch: &mut Batch);
}

/// A traced loss, and named values that are computed with it.
pub struct Traced<'g> {
    /// The loss, a scalar.
    pub loss: Var<'g>,
    /// Values of any shape, by name.
    pub values: Vec<(&'static str, Var<'g>)>,
}

/// Named values of an evaluation, in the order they are reported.
pub type Metrics = Vec<(&'static str, f64)>;

/// A step of training that was just taken.
#[derive(Clone, Copy)]
pub struct Stepped<'a> {
    /// Its number, from 0.
    pub step: u64,
    /// Loss of the parameters before it.
    pub loss: f64,
    /// The batch it was taken on.
    pub batch: &'a Batch,
    /// The values of [`Objective::traced`].
    pub values: StepValues<'a>,
}

/// An objective with a way to judge parameters.
///
/// A task may change while it is trained: by evaluations, by looking at the parameters, by what steps
/// tell. All of these happen at fixed steps, and [`state`](Self::state) goes into checkpoints, so that
/// a batch is a function of its index whether the run was stopped in between or not.
pub trait Task: Objective {
    /// Metrics of the parameters, for example accuracy on the development set.
    ///
    /// # Errors
    /// Any error of the evaluation.
    fn evaluate(&mut self, params: &mut Buffer) -> Result<Metrics, Error>;

    /// Steps between two [`look`](Self::look)s at the parameters. None by default.
    fn look_every(&self) -> Option<u64> {
        None
    }

    /// Looks at the parameters before batch `step` is filled, at step 0 and every
    /// [`look_every`](Self::look_every) steps: to answer with them, to sample from them, to copy them
    /// for a teacher.
    ///
    /// # Errors
    /// Whatever goes wrong there.
    fn look(&mut self, step: u64, params: &mut Buffer) -> Result<(), Error> {
        let _ = (step, params);
        Ok(())
    }

    /// Sees what a step computed. Nothing by default.
    ///
    /// # Errors
    /// Whatever goes wrong there.
    fn stepped(&mut self, stepped: &Stepped<'_>, run: &mut Run<'_>) -> Result<(), Error> {
        let _ = (stepped, run);
        Ok(())
    }

    /// What has changed in the task since it was made, for a checkpoint. Nothing by default.
    fn state(&self) -> Vec<u8> {
        Vec::new()
    }

    /// Puts a new task into the state of an earlier one.
    ///
    /// # Errors
    /// [`Error::Checkpoint`] for a state of another task.
    fn restore(&mut self, state: &[u8]) -> Result<(), Error> {
        if state.is_empty() {
            return Ok(());
        }
        let found = format!("wanted no state of the task, found {} bytes", state.len());
        Err(Error::Checkpoint(found))
    }
}
