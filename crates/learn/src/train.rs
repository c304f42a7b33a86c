//! The training loop of every experiment.

use autodiff::DType;
use experiment::{Error, Run};

use crate::checkpoint::{Checkpoint, Progress};
use crate::{Batch, Groups, Metrics, Optimizer, Schedule, Selected, Selection, Stepper, Task};

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
#[derive(Debug, Clone, PartialEq)]
pub struct Trained {
    /// Parameters after the last step, flat.
    pub params: Vec<f64>,
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
    let batches = run.stream("batches");
    let Training { optimizer, groups, clip, .. } = settings;
    let mut stepper =
        Stepper::new(task, *optimizer, groups, *clip, DType::F32, &run.stream("init"))
            .map_err(trace)?;
    let mut batch = Batch::new(task.inputs());
    let (mut progress, mut selected) = match run.resume()? {
        Some(bytes) => resume(&bytes, task, &mut stepper)?,
        None => (Progress::default(), None),
    };
    let mut metrics = Metrics::new();
    if progress.step >= settings.steps {
        metrics = task.evaluate(stepper.params_mut())?;
    }

    while progress.step < settings.steps {
        let step = progress.step;
        task.fill(&batches, step, &mut batch);
        let rate = settings.learning_rate * settings.schedule.factor(step, settings.steps);
        let taken = stepper.step(step, rate, &batch).map_err(trace)?;
        if !taken.loss.is_finite() {
            run.record(step + 1, "train_loss", taken.loss)?;
        }
        progress.add(taken.loss, taken.gradient_norm);

        if progress.step % settings.evaluate_every == 0 || progress.step == settings.steps {
            metrics = evaluate(task, &mut stepper, &mut progress, settings, run)?;
            if let Some(selection) = &settings.selection
                && let Some(value) = selection.wins(&metrics, selected.as_ref())
            {
                let params = stepper.params().map_err(trace)?;
                selected = Some(Selected { step: progress.step, value, params });
            }
            run.progress(progress.step, settings.steps);
        }
        if run.checkpoint_due() && progress.step < settings.steps {
            save(task, &stepper, progress, selected.clone(), run)?;
        }
        if run.interrupted() && progress.step < settings.steps {
            return Err(Error::Interrupted);
        }
    }
    Ok(Trained { params: stepper.params().map_err(trace)?, metrics, selected })
}

impl Progress {
    fn add(&mut self, loss: f64, norm: f64) {
        self.step += 1;
        self.loss_bits = (f64::from_bits(self.loss_bits) + loss).to_bits();
        self.norm_bits = f64::from_bits(self.norm_bits).max(norm).to_bits();
    }
}

#[expect(clippy::cast_precision_loss, reason = "steps between evaluations stay far below 2^52")]
fn evaluate(
    task: &mut dyn Task,
    stepper: &mut Stepper,
    progress: &mut Progress,
    settings: &Training,
    run: &mut Run<'_>,
) -> Result<Metrics, Error> {
    let step = progress.step;
    let taken = match step % settings.evaluate_every {
        0 => settings.evaluate_every,
        rest => rest,
    };
    run.record(step, "train_loss", f64::from_bits(progress.loss_bits) / taken as f64)?;
    run.record(step, "gradient_norm", f64::from_bits(progress.norm_bits))?;
    *progress = Progress { step, ..Progress::default() };
    let metrics = task.evaluate(stepper.params_mut())?;
    for (name, value) in &metrics {
        run.record(step, name, *value)?;
    }
    Ok(metrics)
}

fn save(
    task: &dyn Task,
    stepper: &Stepper,
    progress: Progress,
    selected: Option<Selected>,
    run: &mut Run<'_>,
) -> Result<(), Error> {
    let checkpoint = Checkpoint {
        progress,
        params: stepper.params().map_err(trace)?,
        state: stepper.state().map_err(trace)?,
        selected,
        task: task.state(),
    };
    run.checkpoint(&checkpoint.to_bytes().map_err(Error::Checkpoint)?)
}

fn resume(
    bytes: &[u8],
    task: &mut dyn Task,
    stepper: &mut Stepper,
) -> Result<(Progress, Option<Selected>), Error> {
    let checkpoint = Checkpoint::from_bytes(bytes).map_err(Error::Checkpoint)?;
    task.restore(&checkpoint.task)?;
    stepper.restore(&checkpoint.params, &checkpoint.state).map_err(trace)?;
    Ok((checkpoint.progress, checkpoint.selected))
}

fn trace(error: autodiff::Error) -> Error {
    Error::other("training step", error)
}
