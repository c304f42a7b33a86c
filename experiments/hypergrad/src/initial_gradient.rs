//! The hypergradient at the initial schedule, averaged over seeds (figure 4).

use charts::{Curve, curves};
use experiment::{Error, Run};
use serde::Serialize;

use crate::digits::Parts;
use crate::meta::{Judged, MetaOptimizer, meta_learn};
use crate::params::Params;
use crate::problem::Problem;

/// One averaged derivative.
#[derive(Serialize)]
struct Slope<'a> {
    step: usize,
    group: &'a str,
    log_rate: f64,
    logit_momentum: f64,
}

/// The hypergradient at the first schedule of the paper's network, averaged over seeds (figure 4).
pub(crate) fn run(params: &Params, run: &mut Run<'_>, parts: &Parts) -> Result<(), Error> {
    let problem = Problem::digits(params, parts, run.seed())?;
    average(params, run, problem)
}

/// The hypergradient at the first schedule of any problem, averaged over draws.
pub(crate) fn average(
    params: &Params,
    run: &mut Run<'_>,
    mut problem: Problem,
) -> Result<(), Error> {
    let (layout, hypers) = (problem.layout().clone(), problem.start());
    let judged = |run: &mut Run<'_>, draw: u64, _: &[f64]| {
        let trained = problem.hypergradient(run, &hypers, &draw.to_string())?;
        Ok(Judged { value: trained.trial.value, gradient: trained.gradient })
    };
    // Descent with step -1 and no mass adds the gradients up.
    let optimizer = MetaOptimizer::Sgd { step: -1.0, mass: 0.0 };
    let last = params.points() as u64 - 1;
    let sum = meta_learn(run, last + 1, optimizer, vec![0.0; hypers.len()], judged)?;
    let groups = layout.tensors().len();
    let count = (last + 1) as f64;
    let mean: Vec<f64> = sum.hypers.iter().map(|sum| sum / count).collect();
    let (rates, momenta) = mean.split_at(params.steps() * groups);
    for (at, (&log_rate, &logit_momentum)) in rates.iter().zip(momenta).enumerate() {
        let tensor = &layout.tensors()[at % groups];
        let step = at / groups;
        run.table("slopes", &Slope { step, group: &tensor.name, log_rate, logit_momentum })?;
    }
    let lines: Vec<Curve<'_>> = layout
        .tensors()
        .iter()
        .enumerate()
        .filter(|(_, tensor)| tensor.shape.len() > 1)
        .map(|(group, tensor)| {
            let values = rates.iter().skip(group).step_by(groups);
            Curve::over_index(&tensor.name, values.copied())
        })
        .collect();
    let drawn = curves("step", "slope of the loss for log learning rates", &lines);
    run.artifact("initial-gradient.svg", drawn.as_bytes())?;
    run.result("objective", sum.values.iter().sum::<f64>() / sum.values.len() as f64)
}
