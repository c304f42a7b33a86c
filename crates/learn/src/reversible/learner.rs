//! Training by momentum descent in fixed point, and an outer objective.

mod reverse;

use autodiff::{Buffer, Float};

use super::group::Group;
use super::programs::{Programs, outputs, run, zeros};
use super::trajectory::{Tape, flat};
use super::{HyperError, Hypergradient, Setting, Trajectory, Trial};
use crate::{Batch, Layout, Objective};

/// Trains by reversible SGD and differentiates the result (algorithms 1 and 2).
///
/// The gradients are of type `F`; weights and velocities are 64-bit fixed point in either case.
pub struct HyperLearner<F> {
    programs: Programs,
    layout: Layout,
    lens: Vec<usize>,
    hyper_lens: Vec<usize>,
    params: Vec<Buffer>,
    hypers: Vec<Buffer>,
    direction: Vec<Buffer>,
    batch: Batch,
    outer_batch: Batch,
    /// Whether the shared forward pass rounds the gradient differently, so that it cannot serve the
    /// reversal.
    separate: bool,
    tape: Tape<F>,
}

impl<F: Float> HyperLearner<F> {
    /// Traces the training loss `inner` and the objective of the hyper-parameters, `outer`, which
    /// have the same parameters and hyper-parameters.
    ///
    /// # Errors
    /// [`HyperError::Trace`], [`HyperError::Length`] for objectives of different layouts,
    /// [`HyperError::Buckets`].
    pub fn new(inner: &dyn Objective, outer: &dyn Objective) -> Result<Self, HyperError> {
        let lens = |layout: &Layout| layout.tensors().iter().map(|t| t.len()).collect::<Vec<_>>();
        let hypers = |of: &dyn Objective| of.hypers().map(lens).unwrap_or_default();
        for (what, a, b) in [
            ("parameters of the outer objective", lens(inner.layout()), lens(outer.layout())),
            ("hyper-parameters of the outer objective", hypers(inner), hypers(outer)),
        ] {
            if a != b {
                let (wanted, found) = (a.iter().sum(), b.iter().sum());
                return Err(HyperError::Length { what, wanted, found });
            }
        }
        for objective in [inner, outer] {
            let found = objective.fields().buckets();
            if found > 1 {
                return Err(HyperError::Buckets { found });
            }
        }
        let (lens, hyper_lens) = (lens(inner.layout()), hypers(inner));
        Ok(Self {
            programs: Programs::new(F::DTYPE, inner, outer)?,
            layout: inner.layout().clone(),
            params: zeros::<F>(&lens)?,
            hypers: zeros::<F>(&hyper_lens)?,
            direction: zeros::<F>(&lens)?,
            batch: Batch::of(inner, F::DTYPE)?,
            outer_batch: Batch::of(outer, F::DTYPE)?,
            lens,
            hyper_lens,
            separate: false,
            tape: Tape::default(),
        })
    }

    /// Trains, and evaluates the outer objective.
    ///
    /// # Errors
    /// Any [`HyperError`].
    pub fn train(
        &mut self,
        inner: &dyn Objective,
        outer: &dyn Objective,
        setting: &Setting<'_>,
    ) -> Result<Trial, HyperError> {
        let mut groups = self.begin(setting, false)?;
        let losses = self.descend(inner, setting, &mut groups)?;
        self.evaluate(outer, setting, losses)
    }

    /// Trains, evaluates the outer objective and goes back through every step.
    ///
    /// # Errors
    /// Any [`HyperError`]; [`HyperError::NotReversed`] if exact reversal does not end at the start.
    pub fn hypergradient(
        &mut self,
        inner: &dyn Objective,
        outer: &dyn Objective,
        setting: &Setting<'_>,
        trajectory: Trajectory,
    ) -> Result<Hypergradient, HyperError> {
        match trajectory {
            Trajectory::Reversible => self.by_reversal(inner, outer, setting),
            _ => self.by_tape(inner, outer, setting, trajectory),
        }
    }

    /// Checks the setting and puts parameters and hyper-parameters at their start.
    fn begin(&mut self, setting: &Setting<'_>, keeps: bool) -> Result<Vec<Group>, HyperError> {
        let hypers = self.hyper_lens.iter().sum();
        for (what, wanted, found) in [
            ("groups of the schedules", self.lens.len(), setting.schedules.groups()),
            ("initial weights", self.layout.len(), setting.initial.len()),
            ("hyper-parameters", hypers, setting.hypers.len()),
        ] {
            if wanted != found {
                return Err(HyperError::Length { what, wanted, found });
            }
        }
        for tensor in self.layout.tensors() {
            let initial = &setting.initial[tensor.offset..tensor.offset + tensor.len()];
            if !Group::holds(initial) {
                return Err(HyperError::Range { step: 0, group: tensor.name.clone() });
            }
        }
        let mut rest = setting.hypers;
        for buffer in &mut self.hypers {
            let (these, others) = rest.split_at(buffer.len());
            buffer.update(|to: &mut [F]| {
                to.iter_mut().zip(these).for_each(|(to, &from)| *to = F::from_f64(from));
            })?;
            rest = others;
        }
        let parts = self.layout.tensors().iter().map(|t| t.offset..t.offset + t.len());
        let groups: Vec<_> = parts.map(|part| Group::new(&setting.initial[part], keeps)).collect();
        self.write_weights(&groups)?;
        Ok(groups)
    }

    fn write_weights(&mut self, groups: &[Group]) -> Result<(), HyperError> {
        for (group, buffer) in groups.iter().zip(&mut self.params) {
            buffer.update(|weights| group.write_weights::<F>(weights))?;
        }
        Ok(())
    }

    /// Algorithm 1; the training loss before every step.
    fn descend(
        &mut self,
        inner: &dyn Objective,
        setting: &Setting<'_>,
        groups: &mut [Group],
    ) -> Result<Vec<f64>, HyperError> {
        let steps = 0..setting.schedules.steps();
        steps.map(|step| self.forward(inner, setting, groups, step)).collect()
    }

    /// One step of algorithm 1; the training loss before it.
    fn forward(
        &mut self,
        inner: &dyn Objective,
        setting: &Setting<'_>,
        groups: &mut [Group],
        step: usize,
    ) -> Result<f64, HyperError> {
        self.batch.fill(inner, setting.batches, step as u64)?;
        self.replay_gradient()?;
        let value = first::<F>(self.programs.gradient.output(0))?;
        if !value.is_finite() {
            return Err(HyperError::Loss { step, value });
        }
        for (index, group) in groups.iter_mut().enumerate() {
            let (gradient, params) =
                (self.programs.gradient.output(1 + index), &mut self.params[index]);
            let (rate, momentum) =
                (setting.schedules.rate(step, index), setting.schedules.momentum(step, index));
            let holds = gradient.view(|gradient: &[F]| {
                params.update(|params| group.forward(rate, momentum, gradient, params))
            })??;
            if !holds {
                let group = self.layout.tensors()[index].name.clone();
                return Err(HyperError::Range { step, group });
            }
        }
        Ok(value)
    }

    fn forward_taped(
        &mut self,
        inner: &dyn Objective,
        setting: &Setting<'_>,
        groups: &mut [Group],
        step: usize,
        tape: Option<&mut Tape<F>>,
    ) -> Result<f64, HyperError> {
        let Some(tape) = tape else { return self.forward(inner, setting, groups, step) };
        tape.before(self.params.iter())?;
        let loss = self.forward(inner, setting, groups, step)?;
        tape.after(outputs(&self.programs.gradient, 1, self.lens.len()), groups)?;
        Ok(loss)
    }

    fn replay_gradient(&mut self) -> Result<(), HyperError> {
        let inputs = &mut [&mut self.params[..], &mut self.hypers];
        Ok(run(&mut self.programs.gradient, inputs, &mut self.batch)?)
    }

    fn evaluate(
        &mut self,
        outer: &dyn Objective,
        setting: &Setting<'_>,
        losses: Vec<f64>,
    ) -> Result<Trial, HyperError> {
        self.outer_batch.fill(outer, setting.batches, 0)?;
        let inputs = &mut [&mut self.params[..], &mut self.hypers];
        run(&mut self.programs.outer, inputs, &mut self.outer_batch)?;
        let value = first::<F>(self.programs.outer.output(0))?;
        if !value.is_finite() {
            return Err(HyperError::Objective { steps: losses.len(), value });
        }
        let weights = flat::<F>(self.params.iter())?.into_iter().map(Float::to_f64).collect();
        Ok(Trial { value, losses, weights })
    }
}

/// The value of a scalar.
fn first<F: Float>(buffer: &Buffer) -> Result<f64, autodiff::Error> {
    let mut value = [F::zero()];
    buffer.read(0, &mut value)?;
    Ok(value[0].to_f64())
}
