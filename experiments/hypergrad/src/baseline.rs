//! The baseline: a random search over learning rate, decay, momentum and initial scale.

use experiment::{Error, Run};
use learn::{HyperError, Schedules};
use rand::RngExt;
use serde::{Deserialize, Serialize};

use crate::digits::Parts;
use crate::params::Params;
use crate::problem::Problem;

/// How far a draw may lie from where a learned schedule starts, in logarithms.
const RATES: f64 = 3.0;
const SCALES: f64 = 2.0;
/// Logarithms of the smallest and the largest `1 - gamma`.
const STOPPING: (f64, f64) = (-4.6, -0.05);

/// A learning rate that falls linearly, one momentum and one initial scale for all groups, and what
/// training with them gave.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Drawn {
    log_rate: f64,
    /// Fraction by which the learning rate has fallen at the end.
    decay: f64,
    momentum: f64,
    log_scale: f64,
    /// The objective; nothing where training diverged.
    objective: Option<f64>,
}

impl Drawn {
    fn draw(problem: &Problem, run: &Run<'_>, number: u64) -> Self {
        let mut rng = run.rng("trials", number);
        let mut around = |centre: f64, width: f64| centre + rng.random_range(-width..width);
        let (log_rate, log_scale) =
            (around(problem.log_rate, RATES), around(problem.log_scale, SCALES));
        let (decay, stopping) = (rng.random::<f64>(), rng.random_range(STOPPING.0..STOPPING.1));
        Self { log_rate, decay, momentum: 1.0 - stopping.exp(), log_scale, objective: None }
    }

    fn schedules(&self, steps: usize, groups: usize) -> Result<Schedules, Error> {
        let rate = |step| self.log_rate.exp() * (1.0 - self.decay * step as f64 / steps as f64);
        let rates: Vec<f64> =
            (0..steps).flat_map(|step| std::iter::repeat_n(rate(step), groups)).collect();
        Ok(Schedules::new(groups, &rates, &vec![self.momentum; steps * groups])?)
    }
}

/// A random search on the paper's network: what the learned schedules are measured against.
pub(crate) fn run(params: &Params, run: &mut Run<'_>, parts: &Parts) -> Result<(), Error> {
    let problem = Problem::digits(params, parts, run.seed())?;
    search(params, run, problem)
}

/// A random search for one learning rate, its decay, one momentum and one initial scale.
pub(crate) fn search(
    params: &Params,
    run: &mut Run<'_>,
    mut problem: Problem,
) -> Result<(), Error> {
    let groups = problem.layout().tensors().len();
    let trial = |trials: &mut Vec<Drawn>, number: u64, run: &mut Run<'_>| {
        let mut drawn = Drawn::draw(&problem, run, number);
        let schedules = drawn.schedules(params.steps(), groups)?;
        let scales = vec![drawn.log_scale.exp(); groups];
        drawn.objective = match problem.train(run, &schedules, &scales, &number.to_string()) {
            Ok(trial) => Some(trial.value),
            Err(
                HyperError::Loss { .. } | HyperError::Objective { .. } | HyperError::Range { .. },
            ) => None,
            Err(error) => return Err(error.into()),
        };
        run.table("trials", &drawn)?;
        trials.push(drawn);
        match best(trials).and_then(|best| best.objective) {
            Some(best) => run.record(number, "objective", best),
            None => Ok(()),
        }
    };
    let trials = learn::repeat("baseline", params.points() as u64, Vec::new(), trial, run)?;
    let best = best(&trials).ok_or_else(|| Error::other("baseline", "every training diverged"))?;
    run.result("objective", best.objective.unwrap_or(f64::INFINITY))?;
    run.result("best_log_rate", best.log_rate)?;
    let schedules = best.schedules(params.steps(), groups)?;
    let fresh = problem.fresh(run, &schedules, &vec![best.log_scale.exp(); groups])?;
    run.result("fresh_objective", fresh)
}

/// The trial with the smallest objective.
fn best(trials: &[Drawn]) -> Option<&Drawn> {
    let objective = |drawn: &&Drawn| drawn.objective.unwrap_or(f64::INFINITY);
    let finished = trials.iter().filter(|drawn| drawn.objective.is_some());
    finished.min_by(|a, b| objective(a).total_cmp(&objective(b)))
}
