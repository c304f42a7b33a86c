use std::marker::PhantomData;

use autodiff::{Buffer, Float};

use super::group::{self, Adjoint, Group};
use super::programs::{Feed, Programs, outputs, run, zeros};
use super::trajectory::{Tape, flat};
use super::{HyperError, Hypergradient, Kept, Setting, Trajectory, Trial};
use crate::{Layout, Objective};

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
    batch: Feed,
    outer_batch: Feed,
    /// Whether the shared forward pass rounds the gradient differently, so that it cannot serve the
    /// reversal.
    separate: bool,
    float: PhantomData<F>,
}

/// The derivatives while the reverse pass is under way.
struct Reverse {
    adjoints: Vec<Adjoint>,
    rates: Vec<f64>,
    momenta: Vec<f64>,
    hypers: Vec<f64>,
}

impl<F: Float> HyperLearner<F> {
    /// Traces the training loss `inner` and the objective of the hyper-parameters, `outer`, which
    /// have the same parameters and hyper-parameters.
    ///
    /// # Errors
    /// [`HyperError::Trace`], [`HyperError::Length`] for objectives of different layouts.
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
        let (lens, hyper_lens) = (lens(inner.layout()), hypers(inner));
        Ok(Self {
            programs: Programs::new(F::DTYPE, inner, outer)?,
            layout: inner.layout().clone(),
            params: zeros::<F>(&lens),
            hypers: zeros::<F>(&hyper_lens),
            direction: zeros::<F>(&lens),
            batch: Feed::new(F::DTYPE, inner.inputs()),
            outer_batch: Feed::new(F::DTYPE, outer.inputs()),
            lens,
            hyper_lens,
            separate: false,
            float: PhantomData,
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
        let mut losses = Vec::with_capacity(setting.schedules.steps());
        for step in 0..setting.schedules.steps() {
            losses.push(self.forward(inner, setting, &mut groups, step)?);
        }
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

    fn by_reversal(
        &mut self,
        inner: &dyn Objective,
        outer: &dyn Objective,
        setting: &Setting<'_>,
    ) -> Result<Hypergradient, HyperError> {
        let steps = setting.schedules.steps();
        let start = self.begin(setting, true)?;
        let mut groups = start.clone();
        let mut losses = Vec::with_capacity(steps);
        for step in 0..steps {
            losses.push(self.forward(inner, setting, &mut groups, step)?);
        }
        let kept = Kept {
            state: 16 * self.layout.len(),
            trajectory: groups.iter().map(|group| group.remainders.bytes()).sum(),
            stack: groups.iter().map(|group| group.remainders.stack_bytes()).sum(),
        };
        let trial = self.evaluate(outer, setting, losses)?;
        let mut reverse = self.turn(steps)?;
        for step in (0..steps).rev() {
            self.back(inner, setting, &mut groups, step, &mut reverse)?;
        }
        self.assert_reversed(&groups, &start)?;
        Ok(reverse.finish(trial, kept))
    }

    fn by_tape(
        &mut self,
        inner: &dyn Objective,
        outer: &dyn Objective,
        setting: &Setting<'_>,
        trajectory: Trajectory,
    ) -> Result<Hypergradient, HyperError> {
        let steps = setting.schedules.steps();
        let segment = trajectory.segment(steps);
        let mut groups = self.begin(setting, false)?;
        let mut losses = Vec::with_capacity(steps);
        let mut snapshots = Vec::new();
        let mut tape = Tape::new(0, &groups);
        for step in 0..steps {
            if step.is_multiple_of(segment) {
                tape = Tape::new(step, &groups);
                if segment < steps {
                    snapshots.push(groups.clone());
                }
            }
            // Only the last segment's tape is used; the others are taken again on the way back.
            let taped = step / segment == (steps - 1) / segment;
            let taped = taped.then_some(&mut tape);
            losses.push(self.forward_taped(inner, setting, &mut groups, step, taped)?);
        }
        let states: usize = snapshots.iter().flatten().map(|g| g.remainders.lane_bytes()).sum();
        let mut kept = Kept {
            state: 16 * self.layout.len(),
            trajectory: tape.bytes() + 16 * self.layout.len() * snapshots.len() + states,
            stack: 0,
        };
        let trial = self.evaluate(outer, setting, losses)?;
        let mut reverse = self.turn(steps)?;
        let first = |end: usize| (end - 1) / segment * segment;
        let mut end = steps;
        while end > 0 {
            if end < steps {
                groups = snapshots.pop().expect("a snapshot a segment");
                self.write_weights(&groups)?;
                tape = Tape::new(first(end), &groups);
                for step in first(end)..end {
                    self.forward_taped(inner, setting, &mut groups, step, Some(&mut tape))?;
                }
                let before = 16 * self.layout.len() * (snapshots.len() + 1);
                kept.trajectory = kept.trajectory.max(tape.bytes() + before);
            } else if segment < steps {
                snapshots.pop();
            }
            for step in (first(end)..end).rev() {
                self.back_taped(inner, setting, &tape, step, &mut reverse)?;
            }
            end = first(end);
        }
        Ok(reverse.finish(trial, kept))
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
            let to = buffer.as_mut_slice::<F>()?;
            to.iter_mut().zip(these).for_each(|(to, &from)| *to = F::of(from));
            rest = others;
        }
        let parts = self.layout.tensors().iter().map(|t| t.offset..t.offset + t.len());
        let groups: Vec<_> = parts.map(|part| Group::new(&setting.initial[part], keeps)).collect();
        self.write_weights(&groups)?;
        Ok(groups)
    }

    fn write_weights(&mut self, groups: &[Group]) -> Result<(), HyperError> {
        for (group, buffer) in groups.iter().zip(&mut self.params) {
            group.write_weights::<F>(buffer.as_mut_slice()?);
        }
        Ok(())
    }

    /// One step of algorithm 1; the training loss before it.
    fn forward(
        &mut self,
        inner: &dyn Objective,
        setting: &Setting<'_>,
        groups: &mut [Group],
        step: usize,
    ) -> Result<f64, HyperError> {
        self.batch.fill(inner, setting.batches, step)?;
        self.replay_gradient()?;
        let value = self.programs.gradient.output(0).as_slice::<F>()?[0].wide();
        if !value.is_finite() {
            return Err(HyperError::Loss { step, value });
        }
        for (index, group) in groups.iter_mut().enumerate() {
            let gradient = self.programs.gradient.output(1 + index).as_slice::<F>()?;
            let (rate, momentum) =
                (setting.schedules.rate(step, index), setting.schedules.momentum(step, index));
            if !group.forward(rate, momentum, gradient, self.params[index].as_mut_slice()?) {
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
        let weights = flat(self.params.iter())?;
        let loss = self.forward(inner, setting, groups, step)?;
        let gradient = outputs(&self.programs.gradient, 1, self.lens.len());
        tape.record(weights, gradient, groups)?;
        Ok(loss)
    }

    fn replay_gradient(&mut self) -> Result<(), HyperError> {
        let inputs = &mut [&mut self.params[..], &mut self.hypers, self.batch.arrays()];
        Ok(run(&mut self.programs.gradient, inputs)?)
    }

    fn evaluate(
        &mut self,
        outer: &dyn Objective,
        setting: &Setting<'_>,
        losses: Vec<f64>,
    ) -> Result<Trial, HyperError> {
        self.outer_batch.fill(outer, setting.batches, 0)?;
        let inputs = &mut [&mut self.params[..], &mut self.hypers, self.outer_batch.arrays()];
        run(&mut self.programs.outer, inputs)?;
        let value = self.programs.outer.output(0).as_slice::<F>()?[0].wide();
        if !value.is_finite() {
            return Err(HyperError::Objective { steps: losses.len(), value });
        }
        let weights = flat::<F>(self.params.iter())?.into_iter().map(Float::wide).collect();
        Ok(Trial { value, losses, weights })
    }

    /// Where the reverse pass begins: the gradient of the outer objective.
    fn turn(&self, steps: usize) -> Result<Reverse, HyperError> {
        let groups = self.lens.len();
        let mut adjoints = Vec::with_capacity(groups);
        for buffer in outputs(&self.programs.outer, 1, groups) {
            let weights: Vec<f64> = buffer.as_slice::<F>()?.iter().map(|x| x.wide()).collect();
            adjoints.push(Adjoint { velocities: vec![0.0; weights.len()], weights });
        }
        let direct = outputs(&self.programs.outer, 1 + groups, self.hyper_lens.len());
        Ok(Reverse {
            adjoints,
            rates: vec![0.0; steps * groups],
            momenta: vec![0.0; steps * groups],
            hypers: flat::<F>(direct)?.into_iter().map(Float::wide).collect(),
        })
    }

    /// One step of algorithm 2, by reversal.
    fn back(
        &mut self,
        inner: &dyn Objective,
        setting: &Setting<'_>,
        groups: &mut [Group],
        step: usize,
        reverse: &mut Reverse,
    ) -> Result<(), HyperError> {
        let (schedules, count) = (setting.schedules, groups.len());
        for (index, group) in groups.iter_mut().enumerate() {
            reverse.rates[step * count + index] = group.back_weights::<F>(
                schedules.rate(step, index),
                schedules.momentum(step, index),
                &mut reverse.adjoints[index],
                self.params[index].as_mut_slice()?,
                self.direction[index].as_mut_slice()?,
            );
        }
        self.batch.fill(inner, setting.batches, step)?;
        self.replay_both(step + 1 == schedules.steps())?;
        for (index, group) in groups.iter_mut().enumerate() {
            let gradient = match self.separate {
                true => self.programs.gradient.output(1 + index),
                false => self.programs.both.output(index),
            };
            reverse.momenta[step * count + index] = group.back_velocities::<F>(
                |step| schedules.momentum(step, index),
                step,
                gradient.as_slice()?,
                self.programs.both.output(count + index).as_slice()?,
                &mut reverse.adjoints[index],
            );
        }
        reverse.add_hypers::<F>(outputs(&self.programs.both, 2 * count, self.hyper_lens.len()))
    }

    /// Gradient and curvature. At the last step, whose gradient was just computed by the other
    /// program, tells whether both programs round it alike.
    fn replay_both(&mut self, last: bool) -> Result<(), HyperError> {
        let inputs =
            &mut [&mut self.params[..], &mut self.hypers, &mut self.direction, self.batch.arrays()];
        run(&mut self.programs.both, inputs)?;
        if last {
            let count = self.lens.len();
            let forwards: Vec<F> = flat(outputs(&self.programs.gradient, 1, count))?;
            let backwards: Vec<F> = flat(outputs(&self.programs.both, 0, count))?;
            let differ = |(a, b): (&F, &F)| a.wide().to_bits() != b.wide().to_bits();
            self.separate = forwards.iter().zip(&backwards).any(differ);
        }
        if self.separate { self.replay_gradient() } else { Ok(()) }
    }

    /// One step of algorithm 2, from a tape.
    fn back_taped(
        &mut self,
        inner: &dyn Objective,
        setting: &Setting<'_>,
        tape: &Tape<F>,
        step: usize,
        reverse: &mut Reverse,
    ) -> Result<(), HyperError> {
        let (schedules, count) = (setting.schedules, self.lens.len());
        let (taken, before) = tape.step(step);
        let parts = self.layout.tensors().iter().map(|t| t.offset..t.offset + t.len());
        for (index, part) in parts.clone().enumerate() {
            self.params[index].write(0, &taken.weights[part.clone()])?;
            reverse.rates[step * count + index] = group::kept_weights::<F>(
                &taken.velocities[part],
                schedules.rate(step, index),
                schedules.momentum(step, index),
                &mut reverse.adjoints[index],
                self.direction[index].as_mut_slice()?,
            );
        }
        self.batch.fill(inner, setting.batches, step)?;
        let inputs =
            &mut [&mut self.params[..], &mut self.hypers, &mut self.direction, self.batch.arrays()];
        run(&mut self.programs.curvature, inputs)?;
        for (index, part) in parts.enumerate() {
            reverse.momenta[step * count + index] = group::kept_velocities::<F>(
                &before[part.clone()],
                schedules.momentum(step, index),
                &taken.gradient[part],
                self.programs.curvature.output(index).as_slice()?,
                &mut reverse.adjoints[index],
            );
        }
        reverse.add_hypers::<F>(outputs(&self.programs.curvature, count, self.hyper_lens.len()))
    }

    fn assert_reversed(&self, groups: &[Group], start: &[Group]) -> Result<(), HyperError> {
        for ((group, start), tensor) in groups.iter().zip(start).zip(self.layout.tensors()) {
            let moved = group.weights.iter().zip(&start.weights).filter(|(a, b)| a != b).count();
            let moving = group.velocities.iter().filter(|&&v| v != 0).count();
            if moved > 0 || moving > 0 || !group.remainders.is_empty() {
                let group = tensor.name.clone();
                let found = format!("{moved} weights moved, {moving} velocities not at rest");
                return Err(HyperError::NotReversed { group, found });
            }
        }
        Ok(())
    }
}

impl Reverse {
    fn add_hypers<'b, F: Float>(
        &mut self,
        mixed: impl Iterator<Item = &'b Buffer>,
    ) -> Result<(), HyperError> {
        let mut to = self.hypers.iter_mut();
        for buffer in mixed {
            let values = buffer.as_slice::<F>()?;
            values.iter().zip(to.by_ref()).for_each(|(value, to)| *to -= value.wide());
        }
        Ok(())
    }

    fn finish(self, trial: Trial, kept: Kept) -> Hypergradient {
        let initial = self.adjoints.into_iter().flat_map(|adjoint| adjoint.weights).collect();
        let Self { rates, momenta, hypers, .. } = self;
        Hypergradient { trial, rates, momenta, initial, hypers, kept }
    }
}
