//! The training loop of every experiment.

use std::ops::ControlFlow;

use autodiff::{Buffer, DType, Device};
use experiment::{Error, Run, Stream};
use serde::{Deserialize, Serialize};

use crate::checkpoint::{Restored, Saved};
use crate::{
    Batch, Groups, Metrics, Optimizer, Resumable, Schedule, Selected, Selection, Stepped, Stepper,
    Task, drive,
};

/// Settings of [`train`].
#[derive(Debug, Clone, PartialEq)]
pub struct Training {
    /// Number of steps.
    pub steps: u64,
    /// Steps between evaluations; the last step is always followed by one.
    pub evaluate_every: u64,
    /// Update rule.
    pub optimizer: Optimizer,
    /// Tensors that are trained in another way.
    pub groups: Groups,
    /// Learning rate before the schedule.
    pub learning_rate: f64,
    /// Factor on the learning rate over time.
    pub schedule: Schedule,
    /// Largest global norm of the gradient; `None` leaves gradients as they are.
    pub clip: Option<f64>,
    /// Which evaluation to keep beside the last.
    pub selection: Option<Selection>,
}

/// What training leaves.
#[derive(Debug)]
pub struct Trained {
    /// Parameters after the last step, flat.
    pub params: Buffer,
    /// Metrics after the last step.
    pub metrics: Metrics,
    /// The selected evaluation, when a selection was asked for.
    pub selected: Option<Selected>,
}

/// Trains a task, in f32: the loop of every experiment.
///
/// Batch `i` is a function of the run's stream `batches` and `i`; parameters start from stream
/// `init`. At every evaluation it records `train_loss` (the mean since the last one),
/// `gradient_norm` (the largest since the last one) and the task's metrics. It checkpoints when the
/// run says so and continues from the newest checkpoint with the same bits as if it had not stopped.
///
/// # Errors
/// [`Error::Diverged`] when a loss is not finite, [`Error::Interrupted`] after a checkpoint when the
/// run was asked to stop, and whatever the task or the run's sink reports.
pub fn train(
    task: &mut dyn Task,
    settings: &Training,
    run: &mut Run<'_>,
) -> Result<Trained, Error> {
    let init = run.stream("init");
    let Training { optimizer, groups, clip, .. } = settings;
    let stepper = Stepper::new(task, *optimizer, groups, *clip, DType::F32, &init);
    let mut descent = Descent {
        stepper: stepper.map_err(trace)?,
        batch: Batch::of(task, DType::F32).map_err(trace)?,
        batches: run.stream("batches"),
        tally: Tally::default(),
        selected: None,
        metrics: None,
        task,
        settings,
    };
    drive(&mut descent, settings.steps, run)?;
    let Descent { task, mut stepper, selected, metrics, .. } = descent;
    let metrics = match metrics {
        Some(metrics) => metrics,
        None => task.evaluate(stepper.params_mut())?,
    };
    Ok(Trained { params: stepper.into_params(), metrics, selected })
}

/// Training under way.
struct Descent<'a> {
    task: &'a mut dyn Task,
    settings: &'a Training,
    stepper: Stepper,
    batch: Batch,
    batches: Stream,
    tally: Tally,
    selected: Option<Selected>,
    /// Those of the last evaluation that was made here.
    metrics: Option<Metrics>,
}

/// What is told at the next evaluation. Sums are kept as bits, so that nothing is lost in text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
struct Tally {
    /// Bits of the sum of losses since the last evaluation.
    loss_bits: u64,
    /// Bits of the largest gradient norm since the last evaluation.
    norm_bits: u64,
}

impl Tally {
    fn add(&mut self, loss: f64, norm: f64) {
        self.loss_bits = (f64::from_bits(self.loss_bits) + loss).to_bits();
        self.norm_bits = f64::from_bits(self.norm_bits).max(norm).to_bits();
    }
}

/// What a checkpoint tells about the selected evaluation, beside its parameters.
#[derive(Serialize, Deserialize)]
struct SelectedAt {
    step: u64,
    value_bits: u64,
}

const PARAMS: &str = "params";
const STATE: &str = "state";
const TALLY: &str = "tally";
const TASK: &str = "task";
const SELECTED: &str = "selected";
const SELECTED_AT: &str = "selected_at";

impl Resumable for Descent<'_> {
    fn name(&self) -> &'static str {
        "training"
    }

    fn advance(&mut self, step: u64, run: &mut Run<'_>) -> Result<ControlFlow<()>, Error> {
        if self.task.look_every().is_some_and(|every| step.is_multiple_of(every)) {
            self.task.look(step, self.stepper.params_mut())?;
        }
        self.batch.fill(self.task, &self.batches, step).map_err(trace)?;
        let Training { steps, evaluate_every, learning_rate, schedule, .. } = self.settings;
        let rate = learning_rate * schedule.factor(step, *steps);
        let taken = self.stepper.step(step, rate, &mut self.batch).map_err(trace)?;
        if !taken.loss.is_finite() {
            run.record(step + 1, "train_loss", taken.loss)?;
        }
        self.tally.add(taken.loss, taken.gradient_norm);
        let (batch, values) = (&self.batch, self.stepper.values());
        self.task.stepped(&Stepped { step, loss: taken.loss, batch, values }, run)?;
        let taken = step + 1;
        if taken.is_multiple_of(*evaluate_every) || taken == *steps {
            self.evaluate(taken, run)?;
        }
        Ok(ControlFlow::Continue(()))
    }

    fn save(&self) -> Result<Saved<'_>, Error> {
        let mut saved = Saved::new()
            .buffer(PARAMS, self.stepper.params())
            .buffer(STATE, self.stepper.state())
            .json(TALLY, &self.tally)?
            .bytes(TASK, self.task.state());
        if let Some(Selected { step, value, params }) = &self.selected {
            let at = SelectedAt { step: *step, value_bits: value.to_bits() };
            saved = saved.json(SELECTED_AT, &at)?.buffer(SELECTED, params);
        }
        Ok(saved)
    }

    fn restore(&mut self, saved: &Restored<'_>) -> Result<(), Error> {
        self.task.restore(saved.bytes(TASK)?)?;
        saved.buffer(PARAMS, self.stepper.params_mut())?;
        saved.buffer(STATE, self.stepper.state_mut())?;
        self.tally = saved.json(TALLY)?;
        if saved.has(SELECTED_AT) {
            let SelectedAt { step, value_bits } = saved.json(SELECTED_AT)?;
            let len = self.stepper.params().len();
            let mut params = Buffer::zeros(Device::current(), DType::F32, len).map_err(trace)?;
            saved.buffer(SELECTED, &mut params)?;
            self.selected = Some(Selected { step, value: f64::from_bits(value_bits), params });
        }
        Ok(())
    }
}

impl Descent<'_> {
    /// Evaluates after `taken` steps, records, and keeps the parameters if they are selected.
    #[expect(clippy::cast_precision_loss, reason = "steps between evaluations stay far below 2^52")]
    fn evaluate(&mut self, taken: u64, run: &mut Run<'_>) -> Result<(), Error> {
        let since = match taken % self.settings.evaluate_every {
            0 => self.settings.evaluate_every,
            rest => rest,
        };
        let Tally { loss_bits, norm_bits } = std::mem::take(&mut self.tally);
        run.record(taken, "train_loss", f64::from_bits(loss_bits) / since as f64)?;
        run.record(taken, "gradient_norm", f64::from_bits(norm_bits))?;
        let metrics = {
            let _span = tracing::debug_span!("evaluate", step = taken).entered();
            self.task.evaluate(self.stepper.params_mut())?
        };
        for (name, value) in &metrics {
            run.record(taken, name, *value)?;
        }
        if let Some(selection) = &self.settings.selection
            && let Some(value) = selection.wins(&metrics, self.selected.as_ref())
        {
            let params = self.stepper.params().duplicate().map_err(trace)?;
            self.selected = Some(Selected { step: taken, value, params });
        }
        self.metrics = Some(metrics);
        Ok(())
    }
}

fn trace(error: autodiff::Error) -> Error {
    Error::other("training step", error)
}
