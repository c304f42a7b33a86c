//! Learns learning-rate and momentum schedules and initial scales (section 3.1).

use charts::{Curve, curves};
use experiment::{Error, Run};
use learn::{Layout, Schedules};
use serde::Serialize;

use crate::digits::Parts;
use crate::meta::{Judged, meta_learn};
use crate::network::{Classifier, judge};
use crate::params::{Params, Precision};
use crate::problem::{Problem, SIZES};

/// One step of one group's schedule.
#[derive(Serialize)]
struct Scheduled<'a> {
    step: usize,
    group: &'a str,
    learning_rate: f64,
    momentum: f64,
}

/// The initial scale of one group at one meta-iteration.
#[derive(Serialize)]
struct Scaled<'a> {
    meta_iteration: u64,
    group: &'a str,
    scale: f64,
}

/// Training loss of one step.
#[derive(Serialize)]
struct Elementary {
    meta_iteration: u64,
    step: usize,
    loss: f64,
}

/// Learns learning rates, momenta and initial scales of the paper's network (section 3.1).
pub(crate) fn run(params: &Params, run: &mut Run<'_>, parts: &Parts) -> Result<(), Error> {
    let weights = learn(params, run, Problem::digits(params, parts, run.seed())?)?;
    let test = Classifier::whole(&SIZES, &parts.test);
    run.result("test_loss", judge(&test, &weights, &[], Precision::F32)?)
}

/// Learns learning rates, momenta and initial scales of any problem; the weights of the last
/// training.
pub(crate) fn learn(
    params: &Params,
    run: &mut Run<'_>,
    mut problem: Problem,
) -> Result<Vec<f64>, Error> {
    let (layout, packed) = (problem.layout().clone(), problem.packed());
    let (mut losses, mut weights) = (Vec::new(), Vec::new());
    let (start, last) = (problem.start(), params.meta_iterations());

    let judged = |run: &mut Run<'_>, iteration: u64, hypers: &[f64]| {
        for (tensor, scale) in layout.tensors().iter().zip(packed.scales(hypers)) {
            let row = Scaled { meta_iteration: iteration, group: &tensor.name, scale };
            run.table("initial_scales", &row)?;
        }
        let mut mean = Judged { value: 0.0, gradient: vec![0.0; hypers.len()] };
        let share = 1.0 / params.draws as f64;
        for draw in 0..params.draws {
            // Each meta-iteration, and each of its draws, has weights and batches of its own.
            let number = iteration * params.draws + draw;
            let trained = problem.hypergradient(run, hypers, &number.to_string())?;
            mean.value += share * trained.trial.value;
            mean.gradient.iter_mut().zip(trained.gradient).for_each(|(sum, g)| *sum += share * g);
            (losses, weights) = (trained.trial.losses, trained.trial.weights);
        }
        if iteration == 0 || iteration == last {
            for (step, &loss) in losses.iter().enumerate() {
                run.table("elementary", &Elementary { meta_iteration: iteration, step, loss })?;
            }
        }
        Ok(mean)
    };
    let state = meta_learn(run, last, params.adam(), start, judged)?;

    let schedules = problem.schedules(&state.hypers)?;
    keep(run, &layout, &schedules)?;
    let mut found = vec![Curve::over_index("this run", state.values.iter().copied())];
    if params.target.is_none() {
        found.push(Curve::over_index("paper", published()));
    }
    run.artifact("meta-curve.svg", curves("meta-iteration", "training loss", &found).as_bytes())?;
    let curve = Curve::over_index("after meta-learning", losses);
    run.artifact("elementary.svg", curves("step", "training loss", &[curve]).as_bytes())?;
    let tail = &state.values[state.values.len().saturating_sub(5)..];
    run.result("objective", tail.iter().sum::<f64>() / tail.len() as f64)?;
    run.result("initial_objective", state.values[0])?;
    let fresh = problem.fresh(run, &schedules, &packed.scales(&state.hypers))?;
    run.result("fresh_objective", fresh)?;
    Ok(weights)
}

/// The paper's curve (figure 3).
fn published() -> Vec<f64> {
    let table = include_str!("../published/schedules.csv");
    let value = |line: &str| line.split(',').nth(2).and_then(|value| value.parse().ok());
    table.lines().skip(1).filter_map(value).collect()
}

/// The learned schedules as a table and a picture.
fn keep(run: &mut Run<'_>, layout: &Layout, schedules: &Schedules) -> Result<(), Error> {
    for step in 0..schedules.steps() {
        for (group, tensor) in layout.tensors().iter().enumerate() {
            let row = Scheduled {
                step,
                group: &tensor.name,
                learning_rate: schedules.rate(step, group),
                momentum: schedules.momentum(step, group).value(),
            };
            run.table("schedules", &row)?;
        }
    }
    let of_weights = || layout.tensors().iter().enumerate().filter(|(_, t)| t.shape.len() > 1);
    let line = |value: &dyn Fn(usize, usize) -> f64| -> Vec<Curve<'_>> {
        of_weights()
            .map(|(group, tensor)| {
                let values = (0..schedules.steps()).map(|step| value(step, group));
                Curve::over_index(&tensor.name, values)
            })
            .collect()
    };
    let rates = line(&|step, group| schedules.rate(step, group));
    run.artifact("learning-rates.svg", curves("step", "learning rate", &rates).as_bytes())?;
    let momenta = line(&|step, group| schedules.momentum(step, group).value());
    run.artifact("momenta.svg", curves("step", "momentum", &momenta).as_bytes())
}
