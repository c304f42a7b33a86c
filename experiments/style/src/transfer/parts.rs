//! What a descent at one size is made of: extent, targets, start.

use experiment::{Error, Stream};
use rand_distr::{Distribution, Normal};

use super::computing;
use super::pictures::Pictures;
use crate::evaluation::{Evaluation, Network, Targets};
use crate::losses::Objective;
use crate::params::{Kind, Params, Start};

/// Height and width at a size, counted from the coarsest.
pub(super) fn size_at(params: &Params, pictures: &Pictures, scale: usize) -> [usize; 2] {
    let halvings = params.scales - 1 - scale;
    pictures.first().fitted(params.size >> halvings)
}

/// What pictures of a size are compared with, compiled.
pub(super) fn evaluation(
    params: &Params,
    objective: &Objective,
    network: &mut Network,
    scaled: &Pictures,
    size: [usize; 2],
) -> Result<Evaluation, Error> {
    let content = match &scaled.content {
        Some(content) => network.features(content, &objective.content).map_err(computing)?,
        None => Vec::new(),
    };
    let mut style: Vec<Vec<f64>> = Vec::new();
    let whole: f64 = params.shares.iter().sum();
    for (at, picture) in scaled.styles.iter().enumerate() {
        let equal = 1.0 / scaled.styles.len() as f64;
        let share = params.shares.get(at).map_or(equal, |share| share / whole);
        let grams = network.grams(picture, &objective.style).map_err(computing)?;
        style.resize_with(grams.len(), Vec::new);
        for (sum, gram) in style.iter_mut().zip(grams) {
            sum.resize(gram.len(), 0.0);
            sum.iter_mut().zip(gram).for_each(|(sum, value)| *sum += share * value);
        }
    }
    let targets = Targets { content, style };
    Evaluation::new(network, objective, size, &targets).map_err(computing)
}

/// Values of the picture that the descent begins with.
pub(super) fn start(
    params: &Params,
    scaled: &Pictures,
    size: [usize; 2],
    network: &Network,
    noise: &Stream,
) -> Vec<f64> {
    let picture = match (params.start, params.kind) {
        (Start::Content, Kind::Transfer | Kind::Content) => scaled.content.clone(),
        (Start::Style, Kind::Transfer | Kind::Style) => {
            scaled.styles.first().map(|style| style.resized(size))
        }
        _ => None,
    };
    if let Some(picture) = picture {
        return network.weights().standardised(&picture).into_iter().map(f64::from).collect();
    }
    let normal = Normal::new(0.0, params.noise).expect("a standard deviation of at least 0");
    let mut rng = noise.rng(0);
    (0..3 * size[0] * size[1]).map(|_| normal.sample(&mut rng)).collect()
}
