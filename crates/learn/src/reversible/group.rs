//! Weights and velocities of one tensor in fixed point, moved forwards and backwards exactly.

use autodiff::Float;

use super::fixed::{fixed, float};
use super::{Momentum, Remainders};
use kernels::vectorised;

/// Below this nothing can wrap around: the sum of two such numbers still fits.
const RANGE: f64 = 1024.0;

/// Exact weights and velocities of one tensor.
#[derive(Debug, Clone)]
pub(crate) struct Group {
    pub(crate) weights: Vec<i64>,
    pub(crate) velocities: Vec<i64>,
    pub(crate) remainders: Remainders,
}

/// The derivatives that the reverse pass carries for one tensor.
#[derive(Debug, Clone, Default)]
pub(crate) struct Adjoint {
    /// With respect to the weights.
    pub(crate) weights: Vec<f64>,
    /// With respect to the velocities.
    pub(crate) velocities: Vec<f64>,
}

impl Group {
    /// Whether the numbers are in the range of exact arithmetic.
    pub(crate) fn holds(initial: &[f64]) -> bool {
        initial.iter().all(|w| w.abs() < RANGE)
    }

    /// Weights at their start, velocities at rest.
    pub(crate) fn new(initial: &[f64], keeps: bool) -> Self {
        Self {
            weights: initial.iter().map(|&w| fixed(w)).collect(),
            velocities: vec![0; initial.len()],
            remainders: Remainders::new(initial.len(), keeps),
        }
    }

    /// The weights as floats.
    pub(crate) fn write_weights<F: Float>(&self, to: &mut [F]) {
        to.iter_mut().zip(&self.weights).for_each(|(to, &w)| *to = F::from_f64(float(w)));
    }

    /// One step of algorithm 1: `v = gamma v - (1 - gamma) g`, `w = w + alpha v`; writes the new
    /// weights to `to`. False if a number leaves the range of exact arithmetic.
    pub(crate) fn forward<F: Float>(
        &mut self,
        rate: f64,
        momentum: Momentum,
        gradient: &[F],
        to: &mut [F],
    ) -> bool {
        self.remainders.multiply(&mut self.velocities, momentum);
        let gain = momentum.value() - 1.0;
        step(&mut self.velocities, &mut self.weights, gradient, to, [gain, rate])
    }

    /// First half of a step of algorithm 2: `d_alpha = d_w . v`, `w = w - alpha v`,
    /// `d_v += alpha d_w`. Writes the old weights and the direction `(1 - gamma) d_v`.
    pub(crate) fn back_weights<F: Float>(
        &mut self,
        rate: f64,
        momentum: Momentum,
        adjoint: &mut Adjoint,
        to: &mut [F],
        direction: &mut [F],
    ) -> f64 {
        unstep(&self.velocities, &mut self.weights, to, rate);
        let Adjoint { weights, velocities } = adjoint;
        let gains = [rate, 1.0 - momentum.value()];
        pull(weights, velocities, &self.velocities, direction, gains)
    }

    /// Second half: `v = (v + (1 - gamma) g) / gamma`, `d_gamma = d_v . (v + g)`,
    /// `d_w -= curvature`, `d_v *= gamma`.
    pub(crate) fn back_velocities<F: Float>(
        &mut self,
        momentum: impl Fn(usize) -> Momentum,
        step: usize,
        gradient: &[F],
        curvature: &[F],
        adjoint: &mut Adjoint,
    ) -> f64 {
        let now = momentum(step);
        unpush(&mut self.velocities, gradient, now.value() - 1.0);
        self.remainders.divide(&mut self.velocities, momentum);
        let Adjoint { weights, velocities } = adjoint;
        decay(weights, velocities, &self.velocities, gradient, curvature, now.value())
    }
}

/// [`Group::back_weights`] where the velocities after the step were kept and the weights need not
/// be restored.
pub(crate) fn kept_weights<F: Float>(
    velocities: &[i64],
    rate: f64,
    momentum: Momentum,
    adjoint: &mut Adjoint,
    direction: &mut [F],
) -> f64 {
    let gains = [rate, 1.0 - momentum.value()];
    pull(&mut adjoint.weights, &mut adjoint.velocities, velocities, direction, gains)
}

/// [`Group::back_velocities`] where the velocities before the step were kept.
pub(crate) fn kept_velocities<F: Float>(
    velocities: &[i64],
    momentum: Momentum,
    gradient: &[F],
    curvature: &[F],
    adjoint: &mut Adjoint,
) -> f64 {
    let Adjoint { weights, velocities: d_v } = adjoint;
    decay(weights, d_v, velocities, gradient, curvature, momentum.value())
}

vectorised! {
    fn step<F: Float>(v: &mut [i64], w: &mut [i64], g: &[F], to: &mut [F], gains: [f64; 2]) -> bool {
        let [gain, rate] = gains;
        let mut sound = true;
        for (((v, w), g), to) in v.iter_mut().zip(w).zip(g).zip(to) {
            let push = gain * g.to_f64();
            *v = v.wrapping_add(fixed(push));
            let speed = float(*v);
            let moved = rate * speed;
            *w = w.wrapping_add(fixed(moved));
            let place = float(*w);
            *to = F::from_f64(place);
            sound &= (push.abs() < RANGE) & (speed.abs() < RANGE);
            sound &= (moved.abs() < RANGE) & (place.abs() < RANGE);
        }
        sound
    }
}

vectorised! {
    fn unstep<F: Float>(v: &[i64], w: &mut [i64], to: &mut [F], rate: f64) {
        for ((v, w), to) in v.iter().zip(w).zip(to) {
            *w = w.wrapping_sub(fixed(rate * float(*v)));
            *to = F::from_f64(float(*w));
        }
    }
}

vectorised! {
    fn unpush<F: Float>(v: &mut [i64], g: &[F], gain: f64) {
        for (v, g) in v.iter_mut().zip(g) {
            *v = v.wrapping_sub(fixed(gain * g.to_f64()));
        }
    }
}

/// Partial sums of a reduction, added in a fixed order.
const SUMS: usize = 16;

vectorised! {
    fn pull<F: Float>(
        d_w: &mut [f64],
        d_v: &mut [f64],
        v: &[i64],
        direction: &mut [F],
        gains: [f64; 2],
    ) -> f64 {
        let [rate, gain] = gains;
        let mut sums = [0.0; SUMS];
        let pieces = d_w.chunks_mut(SUMS).zip(d_v.chunks_mut(SUMS)).zip(v.chunks(SUMS));
        for (((d_w, d_v), v), direction) in pieces.zip(direction.chunks_mut(SUMS)) {
            let each = d_w.iter().zip(d_v).zip(v).zip(direction).zip(&mut sums);
            for ((((d_w, d_v), v), direction), sum) in each {
                *sum += *d_w * float(*v);
                *d_v += rate * *d_w;
                *direction = F::from_f64(gain * *d_v);
            }
        }
        sums.iter().sum()
    }
}

vectorised! {
    fn decay<F: Float>(
        d_w: &mut [f64],
        d_v: &mut [f64],
        v: &[i64],
        g: &[F],
        curvature: &[F],
        gamma: f64,
    ) -> f64 {
        let mut sums = [0.0; SUMS];
        let pieces = d_w.chunks_mut(SUMS).zip(d_v.chunks_mut(SUMS)).zip(v.chunks(SUMS));
        for ((((d_w, d_v), v), g), curvature) in pieces.zip(g.chunks(SUMS)).zip(curvature.chunks(SUMS)) {
            let each = d_w.iter_mut().zip(d_v).zip(v).zip(g).zip(curvature).zip(&mut sums);
            for (((((d_w, d_v), v), g), curvature), sum) in each {
                *sum += *d_v * (float(*v) + g.to_f64());
                *d_w -= curvature.to_f64();
                *d_v *= gamma;
            }
        }
        sums.iter().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A gradient that depends on the weights and the step, as training's does.
    fn gradient(weights: &[f32], step: usize, to: &mut [f32]) {
        let mut noise = step as u64 + 1;
        for (to, w) in to.iter_mut().zip(weights) {
            noise = noise.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            *to = w - (noise >> 40) as f32 / (1u64 << 22) as f32;
        }
    }

    struct Forwards {
        start: Group,
        group: Group,
        floats: Vec<f32>,
        gradient: Vec<f32>,
    }

    /// Trains for some steps.
    fn forwards(len: usize, steps: usize, momentum: &dyn Fn(usize) -> Momentum) -> Forwards {
        let initial: Vec<f64> = (0..len).map(|i| (i as f64).sin()).collect();
        let start = Group::new(&initial, true);
        let (mut group, mut floats) = (start.clone(), vec![0.0f32; len]);
        let mut pull = vec![0.0f32; len];
        group.write_weights(&mut floats);
        for step in 0..steps {
            gradient(&floats, step, &mut pull);
            assert!(group.forward(0.1, momentum(step), &pull, &mut floats));
        }
        Forwards { start, group, floats, gradient: pull }
    }

    /// Trains and goes back; everything must be as it was.
    fn there_and_back(len: usize, steps: usize, momentum: &dyn Fn(usize) -> Momentum) {
        let Forwards { start, mut group, mut floats, gradient: mut pull } =
            forwards(len, steps, momentum);
        assert_ne!(group.weights, start.weights);
        let mut adjoint = Adjoint { weights: vec![1.0; len], velocities: vec![0.0; len] };
        let mut direction = vec![0.0f32; len];
        let curvature = vec![0.0f32; len];
        for step in (0..steps).rev() {
            let now = momentum(step);
            group.back_weights(0.1, now, &mut adjoint, &mut floats, &mut direction);
            gradient(&floats, step, &mut pull);
            group.back_velocities(momentum, step, &pull, &curvature, &mut adjoint);
        }
        assert_eq!(group.weights, start.weights);
        assert_eq!(group.velocities, start.velocities);
        assert!(group.remainders.is_empty());
    }

    fn constant(gamma: f64) -> impl Fn(usize) -> Momentum {
        let momentum = Momentum::nearest(gamma).unwrap();
        move |_| momentum
    }

    #[test]
    fn ten_thousand_steps_are_reversed_to_the_bit() {
        for gamma in [0.5, 0.9, 0.98] {
            there_and_back(67, 10_000, &constant(gamma));
        }
    }

    #[test]
    fn ten_thousand_steps_of_random_momenta_are_reversed_to_the_bit() {
        for (len, seed) in [(1, 3), (10, 4), (50, 5), (333, 6)] {
            there_and_back(len, 10_000, &|step| {
                let hash = (step as u64 + seed).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 44;
                Momentum::nearest((hash + 1) as f64 / f64::from(1u32 << 20)).unwrap()
            });
        }
    }

    #[test]
    fn a_step_costs_as_many_bits_as_it_loses() {
        const LEN: usize = 4000;
        for (gamma, smaller) in [(0.5, 30.0), (0.9, 200.0), (0.98, 1000.0)] {
            let bytes = |steps| forwards(LEN, steps, &constant(gamma)).group.remainders.bytes();
            let (half, whole) = (bytes(5_000), bytes(10_000));
            let bits = 8.0 * (whole - half) as f64 / (5_000 * LEN) as f64;
            let wanted = Momentum::nearest(gamma).unwrap().bits();
            assert!((bits / wanted - 1.0).abs() < 0.01, "{bits} bits at {gamma}, wanted {wanted}");
            // Keeping one 32-bit number a step and weight instead.
            let ratio = (4 * 10_000 * LEN) as f64 / whole as f64;
            assert!(ratio >= smaller, "{ratio} times smaller at {gamma}");
        }
    }
}
