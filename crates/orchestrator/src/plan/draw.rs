//! Draws the points of a `random` block, independently or from a Sobol sequence.

use experiment::Stream;
use rand::RngExt;

use super::sobol::Sobol;
use crate::config::{Axis, Draw, Random};

/// The values of every drawn parameter, first values together, second values together, and so on.
///
/// Draw i is a function of seed, parameter and i: a larger count extends a smaller one.
pub(super) fn axes(random: &Random) -> Vec<Axis> {
    let axis = |(dimension, drawn): (usize, &crate::config::Drawn)| {
        let stream = Stream::new(random.seed, &format!("sweep.random.{}", drawn.key));
        let sobol = (random.draw == Draw::Sobol).then(|| {
            let shift: u32 = stream.rng(0).random();
            (Sobol::new(dimension), shift)
        });
        let values = (0..random.count).map(|at| {
            let u = match &sobol {
                None => stream.rng(at as u64).random(),
                Some((sobol, shift)) => {
                    let index = u32::try_from(at).unwrap_or(u32::MAX);
                    // The middle of the interval that the bits name.
                    (f64::from(sobol.bits(index) ^ shift) + 0.5) / 4_294_967_296.0
                }
            };
            drawn.from.at(u, &drawn.node.span)
        });
        Axis { key: drawn.key.clone(), values: values.collect() }
    };
    random.params.iter().enumerate().map(axis).collect()
}
