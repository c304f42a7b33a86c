//! The way back through training: algorithm 2, by reversal or from a tape.

use autodiff::{Buffer, Float};

use super::HyperLearner;
use crate::Objective;
use crate::reversible::group::{self, Adjoint, Group};
use crate::reversible::programs::{outputs, run};
use crate::reversible::trajectory::{Tape, flat};
use crate::reversible::{HyperError, Hypergradient, Kept, Setting, Trajectory, Trial};

/// The derivatives while the reverse pass is under way.
struct Reverse {
    adjoints: Vec<Adjoint>,
    rates: Vec<f64>,
    momenta: Vec<f64>,
    hypers: Vec<f64>,
}

impl<F: Float> HyperLearner<F> {
    pub(super) fn by_reversal(
        &mut self,
        inner: &dyn Objective,
        outer: &dyn Objective,
        setting: &Setting<'_>,
    ) -> Result<Hypergradient, HyperError> {
        let steps = setting.schedules.steps();
        let start = self.begin(setting, true)?;
        let mut groups = start.clone();
        let losses = self.descend(inner, setting, &mut groups)?;
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

    pub(super) fn by_tape(
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
        let mut tape = std::mem::take(&mut self.tape);
        for step in 0..steps {
            if step.is_multiple_of(segment) {
                tape.begin(step, &groups);
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
                tape.begin(first(end), &groups);
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
        self.tape = tape;
        Ok(reverse.finish(trial, kept))
    }

    /// Where the reverse pass begins: the gradient of the outer objective.
    fn turn(&self, steps: usize) -> Result<Reverse, HyperError> {
        let groups = self.lens.len();
        let mut adjoints = Vec::with_capacity(groups);
        for buffer in outputs(&self.programs.outer, 1, groups) {
            let weights: Vec<f64> =
                buffer.view(|weights: &[F]| weights.iter().map(|x| x.to_f64()).collect())?;
            adjoints.push(Adjoint { velocities: vec![0.0; weights.len()], weights });
        }
        let direct = outputs(&self.programs.outer, 1 + groups, self.hyper_lens.len());
        Ok(Reverse {
            adjoints,
            rates: vec![0.0; steps * groups],
            momenta: vec![0.0; steps * groups],
            hypers: flat::<F>(direct)?.into_iter().map(Float::to_f64).collect(),
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
            let (rate, momentum) = (schedules.rate(step, index), schedules.momentum(step, index));
            let (params, direction) = (&mut self.params[index], &mut self.direction[index]);
            let adjoint = &mut reverse.adjoints[index];
            reverse.rates[step * count + index] = params.update(|params| {
                direction.update(|direction| {
                    group.back_weights::<F>(rate, momentum, adjoint, params, direction)
                })
            })??;
        }
        self.batch.fill(inner, setting.batches, step as u64)?;
        self.replay_both(step + 1 == schedules.steps())?;
        for (index, group) in groups.iter_mut().enumerate() {
            let gradient = match self.separate {
                true => self.programs.gradient.output(1 + index),
                false => self.programs.both.output(index),
            };
            let curvature = self.programs.both.output(count + index);
            let momentum = |step| schedules.momentum(step, index);
            let adjoint = &mut reverse.adjoints[index];
            reverse.momenta[step * count + index] = gradient.view(|gradient| {
                curvature.view(|curvature| {
                    group.back_velocities::<F>(momentum, step, gradient, curvature, adjoint)
                })
            })??;
        }
        reverse.add_hypers::<F>(outputs(&self.programs.both, 2 * count, self.hyper_lens.len()))
    }

    /// Gradient and curvature. At the last step, whose gradient was just computed by the other
    /// program, tells whether both programs round it alike.
    fn replay_both(&mut self, last: bool) -> Result<(), HyperError> {
        let inputs = &mut [&mut self.params[..], &mut self.hypers, &mut self.direction];
        run(&mut self.programs.both, inputs, &mut self.batch)?;
        if last {
            let count = self.lens.len();
            let forwards: Vec<F> = flat(outputs(&self.programs.gradient, 1, count))?;
            let backwards: Vec<F> = flat(outputs(&self.programs.both, 0, count))?;
            let differ = |(a, b): (&F, &F)| a.to_f64().to_bits() != b.to_f64().to_bits();
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
            let (rate, momentum) = (schedules.rate(step, index), schedules.momentum(step, index));
            let (velocities, adjoint) = (&taken.velocities[part], &mut reverse.adjoints[index]);
            reverse.rates[step * count + index] = self.direction[index].update(|direction| {
                group::kept_weights::<F>(velocities, rate, momentum, adjoint, direction)
            })?;
        }
        self.batch.fill(inner, setting.batches, step as u64)?;
        let inputs = &mut [&mut self.params[..], &mut self.hypers, &mut self.direction];
        run(&mut self.programs.curvature, inputs, &mut self.batch)?;
        for (index, part) in parts.enumerate() {
            let (before, gradient) = (&before[part.clone()], &taken.gradient[part]);
            let momentum = schedules.momentum(step, index);
            let adjoint = &mut reverse.adjoints[index];
            let curvature = self.programs.curvature.output(index);
            reverse.momenta[step * count + index] = curvature.view(|curvature| {
                group::kept_velocities::<F>(before, momentum, gradient, curvature, adjoint)
            })?;
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
            buffer.view(|values: &[F]| {
                values.iter().zip(to.by_ref()).for_each(|(value, to)| *to -= value.to_f64());
            })?;
        }
        Ok(())
    }

    fn finish(self, trial: Trial, kept: Kept) -> Hypergradient {
        let initial = self.adjoints.into_iter().flat_map(|adjoint| adjoint.weights).collect();
        let Self { rates, momenta, hypers, .. } = self;
        Hypergradient { trial, rates, momenta, initial, hypers, kept }
    }
}
