//! Training on a function of two weights (figure 1), and inexact reversal (section 2.1).

use autodiff::{Error as TraceError, Var};
use charts::{Curve, curves};
use experiment::{Error, Run, Stream};
use learn::{Batch, BatchVars, HyperLearner, Init, Layout, Objective, Schedules, Setting};
use serde::Serialize;

use crate::meta::{MetaOptimizer, MetaState};
use crate::network::traced;
use crate::params::Params;

/// Where training begins.
const START: [f64; 2] = [1.4, 3.9];

/// The curved valley of figure 1: `800 sigmoid(r / 500)` with
/// `r = 100 (x - y^2)^2 + (1 - y)^2 + 200 y`, weights `y` and `x`.
struct Valley {
    layout: Layout,
}

impl Valley {
    fn new() -> Self {
        Self { layout: Layout::new().with("weights", &[2], Init::Zeros) }
    }
}

impl Objective for Valley {
    fn layout(&self) -> &Layout {
        &self.layout
    }

    fn loss<'g>(&self, params: &[Var<'g>], _: &BatchVars<'g>) -> Result<Var<'g>, TraceError> {
        let (y, x) = (params[0].slice(0, 0..1)?, params[0].slice(0, 1..2)?);
        let height = x.sub(y.square())?.square().mul_scalar(100.0);
        let slope = y.neg().add_scalar(1.0).square().add(y.mul_scalar(200.0))?;
        Ok(height.add(slope)?.mul_scalar(1.0 / 500.0).sigmoid().mul_scalar(800.0).sum_all())
    }

    fn fill(&self, _: &Stream, _: u64, _: &mut Batch) {}
}

/// Training from the same start by a schedule; the valley has no batches.
fn setting<'a>(schedules: &'a Schedules, stream: &'a Stream) -> Setting<'a> {
    Setting { schedules, initial: &START, hypers: &[], batches: stream }
}

/// Places that one training went through.
type Path = Vec<[f64; 2]>;

/// Weights at one step of one meta-iteration.
#[derive(Serialize)]
struct Place {
    meta_iteration: u64,
    step: usize,
    y: f64,
    x: f64,
    loss: f64,
}

/// Three rounds of learning a learning-rate schedule (figure 1).
pub(crate) fn illustration(params: &Params, run: &mut Run<'_>) -> Result<(), Error> {
    const LOG_RATE: f64 = -4.5;
    const MOMENTUM: f64 = 0.99;
    let (valley, steps, stream) = (Valley::new(), params.steps(), run.stream("unused"));
    let mut learner = HyperLearner::<f64>::new(&valley, &valley).map_err(traced)?;
    let logit = (MOMENTUM / (1.0 - MOMENTUM)).ln();
    // Logarithms of learning rates, then logits of momenta.
    let start = MetaState::new([vec![LOG_RATE; steps], vec![logit; steps]].concat());
    let last = params.meta_iterations();
    let round = |(state, paths): &mut (MetaState, Vec<Path>), round, run: &mut Run<'_>| {
        let rates: Vec<f64> = state.hypers[..steps].iter().map(|x| x.exp()).collect();
        let momenta: Vec<f64> =
            state.hypers[steps..].iter().map(|x| 1.0 / (1.0 + (-x).exp())).collect();
        let mut path = Vec::with_capacity(steps + 1);
        for step in 0..=steps {
            let part = Schedules::published(1, &rates[..step], &momenta[..step])?;
            let trial = learner.train(&valley, &valley, &setting(&part, &stream))?;
            let (y, x) = (trial.weights[0], trial.weights[1]);
            path.push([y, x]);
            let loss = trial.value;
            run.table("paths", &Place { meta_iteration: round, step, y, x, loss })?;
        }
        paths.push(path);
        let whole = Schedules::published(1, &rates, &momenta)?;
        let way = params.trajectory.into();
        let found = learner.hypergradient(&valley, &valley, &setting(&whole, &stream), way)?;
        run.record(round, "objective", found.trial.value)?;
        state.values.push(found.trial.value);
        if round < last {
            let of_rates = found.rates.iter().zip(&rates).map(|(d, rate)| d * rate);
            let of_momenta = found.momenta.iter().zip(&momenta).map(|(d, m)| d * m * (1.0 - m));
            let gradient: Vec<f64> = of_rates.chain(of_momenta).collect();
            state.update(MetaOptimizer::Sgd { step: params.meta_step(), mass: 0.9 }, &gradient);
        }
        Ok(())
    };
    let (MetaState { values, .. }, paths) =
        learn::repeat("illustration", last + 1, (start, Vec::new()), round, run)?;
    let names: Vec<String> = (0..paths.len()).map(|at| format!("path {at}")).collect();
    let found: Vec<_> =
        names.iter().zip(paths).map(|(name, points)| Curve { name, points }).collect();
    run.artifact("paths.svg", curves("y", "x", &found).as_bytes())?;
    run.result("initial_objective", values[0])?;
    run.result("objective", values[values.len() - 1])
}

/// How far weights restored without the lost bits are from where they were.
#[derive(Serialize)]
struct Restored {
    step: usize,
    y: f64,
    x: f64,
    restored_y: f64,
    restored_x: f64,
    distance: f64,
}

/// Slope of [`Valley`] at a place.
fn slope([y, x]: [f64; 2]) -> [f64; 2] {
    let bend = x - y * y;
    let r = 100.0 * bend * bend + (1.0 - y) * (1.0 - y) + 200.0 * y;
    let share = 1.0 / (1.0 + (-r / 500.0).exp());
    let outer = 800.0 / 500.0 * share * (1.0 - share);
    [outer * (-400.0 * bend * y - 2.0 * (1.0 - y) + 200.0), outer * 200.0 * bend]
}

/// Trains in floats and goes back by solving each step for what was before it: what momentum
/// shrank away is not there to grow again (section 2.1). Exact reversal from the same start must end
/// where it began, or the run fails.
pub(crate) fn naive(params: &Params, run: &mut Run<'_>) -> Result<(), Error> {
    const LOG_RATE: f64 = -5.5;
    const GAMMA: f64 = 0.8;
    let (steps, rate) = (params.steps(), LOG_RATE.exp());
    // In f32, as the paper's networks are.
    let (mut w, mut v) = (START.map(single), [0.0f32; 2]);
    let mut visited = vec![w];
    for _ in 0..steps {
        let g = slope(w.map(f64::from));
        for at in 0..2 {
            v[at] = single(GAMMA * f64::from(v[at]) - (1.0 - GAMMA) * g[at]);
            w[at] = single(f64::from(w[at]) + rate * f64::from(v[at]));
        }
        visited.push(w);
    }
    let mut worst: f64 = 0.0;
    let mut back = vec![f64s(w)];
    for step in (0..steps).rev() {
        for at in 0..2 {
            w[at] = single(f64::from(w[at]) - rate * f64::from(v[at]));
        }
        let g = slope(w.map(f64::from));
        for at in 0..2 {
            v[at] = single((f64::from(v[at]) + (1.0 - GAMMA) * g[at]) / GAMMA);
        }
        let [[y, x], [restored_y, restored_x]] = [visited[step], w].map(f64s);
        let distance = (y - restored_y).hypot(x - restored_x);
        worst = worst.max(if distance.is_finite() { distance } else { f64::MAX });
        back.push([restored_y, restored_x]);
        let row = Restored { step, y, x, restored_y, restored_x, distance };
        run.table("restored", &row)?;
        run.record(step as u64, "distance", distance)?;
    }
    let valley = Valley::new();
    let schedules = Schedules::constant(steps, 1, rate, GAMMA)?;
    let stream = run.stream("unused");
    let setting = setting(&schedules, &stream);
    let mut learner = HyperLearner::<f32>::new(&valley, &valley).map_err(traced)?;
    let found = learner.hypergradient(&valley, &valley, &setting, learn::Trajectory::Reversible)?;
    let forwards: Vec<_> = visited.iter().map(|&place| f64s(place)).collect();
    let ways = [("forwards", forwards), ("back, in floats", back)];
    let ways = ways.map(|(name, points)| Curve { name, points });
    let drawn = curves("y", "x", &ways);
    run.artifact("naive.svg", drawn.as_bytes())?;
    run.result("naive_distance", worst)?;
    run.result("objective", found.trial.value)
}

#[expect(clippy::cast_possible_truncation, reason = "rounding is what the experiment is about")]
fn single(x: f64) -> f32 {
    x as f32
}

fn f64s(place: [f32; 2]) -> [f64; 2] {
    place.map(f64::from)
}
