//! The experiment `descent`: its parameters, its update and its loop.
//!
#![doc = include_str!("../README.md")]

mod function;
mod surface;

use experiment::{Better, DataRef, Error, Experiment, Metric, ParamError, Run, Tool};
use rand_distr::{Distribution, StandardNormal};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use function::Function;

/// Parameters.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Params {
    /// What is minimised.
    pub function: Function,
    /// Number of coordinates, at least 2.
    pub dimension: usize,
    /// η.
    pub learning_rate: f64,
    /// μ, from 0 to below 1.
    pub momentum: f64,
    /// σ, standard deviation of the noise on every coordinate of the gradient.
    pub noise: f64,
    /// Iterations.
    pub steps: u64,
    /// Iterations between values of the curve.
    pub record_every: u64,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            function: Function::Sphere,
            dimension: 2,
            learning_rate: 0.01,
            momentum: 0.0,
            noise: 0.0,
            steps: 100,
            record_every: 10,
        }
    }
}

/// The experiment.
#[derive(Debug, Clone)]
pub struct Descent {
    params: Params,
}

/// Everything that changes from iteration to iteration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct State {
    step: u64,
    x: Vec<f64>,
    v: Vec<f64>,
}

impl Descent {
    /// The beginning: coordinates uniform in ±2, at rest.
    fn start(&self, run: &Run<'_>) -> State {
        let uniform = rand_distr::Uniform::new(-2.0, 2.0).expect("bounds in order");
        let mut rng = run.rng("start", 0);
        let x = (0..self.params.dimension).map(|_| uniform.sample(&mut rng)).collect();
        State { step: 0, x, v: vec![0.0; self.params.dimension] }
    }

    fn iterate(&self, state: &mut State, run: &Run<'_>) {
        let Params { function, learning_rate, momentum, noise, .. } = self.params;
        let gradient = function.gradient(&state.x);
        let mut rng = (noise > 0.0).then(|| run.rng("noise", state.step));
        for ((x, v), g) in state.x.iter_mut().zip(&mut state.v).zip(gradient) {
            let xi: f64 = rng.as_mut().map_or(0.0, |rng| StandardNormal.sample(rng));
            *v = momentum * *v - learning_rate * (g + noise * xi);
            *x += *v;
        }
        state.step += 1;
    }
}

impl Experiment for Descent {
    type Params = Params;
    const NAME: &'static str = "descent";
    const VERSION: u32 = 1;
    const SUMMARY: &'static str = "Gradient descent on test functions: the smallest experiment";
    const METRICS: &'static [Metric] =
        &[Metric::new("value", "", Better::Lower), Metric::new("distance", "", Better::Lower)];
    const STEP_METRICS: &'static [Metric] = &[Metric::new("value", "", Better::Lower)];

    fn new(params: Params) -> Result<Self, ParamError> {
        let Params { dimension, learning_rate, momentum, noise, record_every, .. } = params;
        let positive = learning_rate > 0.0 && learning_rate.is_finite();
        ParamError::check(dimension >= 2, "dimension", "2 or more", dimension)?;
        ParamError::check(positive, "learning_rate", "a number above 0", learning_rate)?;
        let fraction = (0.0..1.0).contains(&momentum);
        ParamError::check(fraction, "momentum", "a number from 0 to below 1", momentum)?;
        let spread = noise >= 0.0 && noise.is_finite();
        ParamError::check(spread, "noise", "a number of at least 0", noise)?;
        ParamError::check(record_every > 0, "record_every", "1 or more", record_every)?;
        Ok(Self { params })
    }

    fn data(&self) -> Vec<DataRef> {
        Vec::new()
    }

    fn run(&self, run: &mut Run<'_>) -> Result<(), Error> {
        let Params { function, steps, record_every, .. } = self.params;
        let wrong = |e| Error::other("the checkpoint", e);
        let saved = run.resume()?.map(|bytes| serde_json::from_slice(&bytes).map_err(wrong));
        let mut state = saved.transpose()?.unwrap_or_else(|| self.start(run));
        while state.step < steps {
            if run.checkpoint_due() {
                run.checkpoint(&serde_json::to_vec(&state).map_err(wrong)?)?;
            }
            if run.interrupted() {
                return Err(Error::Interrupted);
            }
            self.iterate(&mut state, run);
            if state.step % record_every == 0 || state.step == steps {
                run.record(state.step, "value", function.value(&state.x))?;
                run.progress(state.step, steps);
            }
        }
        run.result("value", function.value(&state.x))?;
        run.result("distance", function.distance(&state.x))
    }

    fn tools() -> Vec<Tool> {
        vec![surface::tool()]
    }
}
