//! The gradient against differences of the loss, and targets that are met.

use super::*;
use crate::leaves::leaves;
use crate::vgg::{Architecture, Pool};
use crate::{Constants, Kind, Params};

/// Picture, network, evaluation and losses in f64.
fn made(
    params: &Params,
    size: [usize; 2],
    limit: Option<usize>,
) -> (Vec<f64>, Network, Evaluation, Objective) {
    let objective = params.objective().unwrap();
    let vgg = params.vgg(&objective);
    let weights = Weights::untrained(&vgg);
    let mut network = Network::new(vgg, weights, DType::F64, limit).unwrap();
    let [content, style, start] = [0, 1, 2].map(|at: usize| leaves()[at].resized(size));
    let targets = Targets {
        content: network.features(&content, &objective.content).unwrap(),
        style: network.grams(&style, &objective.style).unwrap(),
    };
    let evaluation = Evaluation::new(&network, &objective, size, &targets).unwrap();
    let start = network.weights().standardised(&start).into_iter().map(f64::from).collect();
    (start, network, evaluation, objective)
}

fn params(constants: Constants, pooling: Pool) -> Params {
    let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
    Params {
        constants,
        pooling,
        weights: "untrained".into(),
        network: Architecture::Vgg16,
        content_layers: names(&["conv2_1"]),
        style_layers: names(&["conv1_1", "conv2_1"]),
        ratio: 0.3,
        variation: 1e-3,
        ..Params::default()
    }
}

#[test]
fn the_gradient_is_that_of_the_loss() {
    for constants in [Constants::Gatys, Constants::NeuralStyle] {
        for pooling in [Pool::Average, Pool::Max] {
            let (start, mut network, mut evaluation, _) =
                made(&params(constants, pooling), [16, 24], None);
            let mut gradient = vec![0.0; start.len()];
            evaluation.at(&mut network, &start, &mut gradient).unwrap();
            let direction: Vec<f64> =
                (0..start.len()).map(|i| ((i * 37 + 11) % 23) as f64 / 11.0 - 1.0).collect();
            let mut ignored = vec![0.0; start.len()];
            let mut at = |step: f64| {
                let moved: Vec<f64> =
                    start.iter().zip(&direction).map(|(x, d)| x + step * d).collect();
                evaluation.at(&mut network, &moved, &mut ignored).unwrap().total
            };
            let difference = (at(1e-4) - at(-1e-4)) / 2e-4;
            let slope: f64 = gradient.iter().zip(&direction).map(|(g, d)| g * d).sum();
            let off = (slope / difference - 1.0).abs();
            assert!(off < 1e-5, "{constants:?} {pooling:?}: {slope}, not {difference}");
        }
    }
}

#[test]
fn the_loss_is_the_weighted_sum_and_that_of_the_targets_is_zero() {
    let own = params(Constants::Gatys, Pool::Average);
    let (start, mut network, mut evaluation, objective) = made(&own, [16, 24], None);
    let mut gradient = vec![0.0; start.len()];
    let losses = evaluation.at(&mut network, &start, &mut gradient).unwrap();
    let [content, style] = losses.sums(&objective);
    let wanted = 0.3 * content + style + 1e-3 * losses.variation;
    assert!((losses.total / wanted - 1.0).abs() < 1e-12);
    assert!(content > 0.0 && losses.style.iter().all(|&loss| loss > 0.0));
    let content = network.weights().standardised(&leaves()[0].resized([16, 24]));
    let content: Vec<f64> = content.into_iter().map(f64::from).collect();
    assert_eq!(evaluation.at(&mut network, &content, &mut gradient).unwrap().content, [0.0]);
}

#[test]
fn layers_that_are_computed_again_in_bands_give_the_same_losses_and_gradient() {
    for (constants, pooling) in
        [(Constants::Gatys, Pool::Average), (Constants::NeuralStyle, Pool::Max)]
    {
        let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        let params = Params {
            content_layers: names(&["conv1_2", "conv4_1"]),
            style_layers: names(&["conv1_1", "conv1_2", "conv2_1", "conv3_2", "conv4_1"]),
            ..params(constants, pooling)
        };
        let look = |limit| {
            let (start, mut network, mut evaluation, _) = made(&params, [37, 24], limit);
            let mut gradient = vec![0.0; start.len()];
            let losses = evaluation.at(&mut network, &start, &mut gradient).unwrap();
            (losses, gradient)
        };
        let (plain, wanted) = look(None);
        // Four bands of the first block, and one.
        for limit in [64 * 8 * 24, 1 << 30] {
            let (again, found) = look(Some(limit));
            let terms = |l: &Losses| [&l.content[..], &l.style, &[l.total, l.variation]].concat();
            for (found, wanted) in terms(&again).iter().zip(terms(&plain)) {
                assert!((found / wanted - 1.0).abs() < 1e-11, "{found}, not {wanted}");
            }
            let largest = wanted.iter().fold(0.0, |most, g| f64::max(most, g.abs()));
            for (found, wanted) in found.iter().zip(&wanted) {
                assert!((found - wanted).abs() < 1e-11 * largest, "{found}, not {wanted}");
            }
        }
    }
}

#[test]
fn layers_that_are_computed_again_take_a_fraction_of_the_memory() {
    let bytes = |limit| {
        let params = Params { kind: Kind::Style, ..params(Constants::Gatys, Pool::Average) };
        let objective = params.objective().unwrap();
        let vgg = params.vgg(&objective);
        let network =
            Network::new(vgg.clone(), Weights::untrained(&vgg), DType::F32, limit).unwrap();
        let grams = [64, 128].map(|filters: usize| vec![0.0; filters * filters]);
        let targets = Targets { content: Vec::new(), style: grams.into() };
        let evaluation = Evaluation::new(&network, &objective, [512, 512], &targets).unwrap();
        evaluation.program.peak_bytes()
    };
    let (plain, again) = (bytes(None), bytes(Some(64 * 32 * 512)));
    assert!(3 * again < plain, "{again} of {plain} bytes");
}
