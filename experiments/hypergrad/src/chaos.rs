//! Training loss and its derivative over learning rates, from smooth to chaotic (section 4).

use std::fmt::Write;

use charts::{Curve, curves};
use experiment::{Error, Run};
use learn::{Objective, Setting};
use serde::{Deserialize, Serialize};

use crate::digits::Parts;
use crate::draws;
use crate::learner::Learner;
use crate::network::{Classifier, Draw};
use crate::params::Params;

const SIZES: [usize; 4] = [784, 200, 50, 10];
/// Logarithms of the first and the last learning rate.
const LOGS: (f64, f64) = (0.5, 2.5);
/// Momentum, and logarithm of the scale of the initial weights.
const MOMENTUM: f64 = 0.9;
const LOG_SCALE: f64 = -2.0;

/// The training loss after training at one learning rate, and its slope.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Point {
    log_rate: f64,
    loss: f64,
    slope: f64,
}

/// The loss over learning rates: smooth, then chaotic (section 4).
pub(crate) fn run(params: &Params, run: &mut Run<'_>, parts: &Parts) -> Result<(), Error> {
    let inner = Classifier::new(&SIZES, &parts.train, params.batch(), Draw::InTurn);
    let outer = Classifier::whole(&SIZES, &parts.train);
    let groups = inner.layout().tensors().len();
    let initial = draws::initial(params, run, inner.layout(), &vec![LOG_SCALE.exp(); groups]);
    let batches = run.stream("batches");
    let mut learner = Learner::new(params.precision(), &inner, &outer)?;
    let count = params.points();
    let advance = |points: &mut Vec<Point>, at: u64, run: &mut Run<'_>| {
        let share = at as f64 / (count.max(2) - 1) as f64;
        let log_rate = LOGS.0 + share * (LOGS.1 - LOGS.0);
        let rate = log_rate.exp();
        let schedules = params.constant(groups, rate, MOMENTUM)?;
        let setting =
            Setting { schedules: &schedules, initial: &initial, hypers: &[], batches: &batches };
        let found = learner.hypergradient(&inner, &outer, &setting, params.trajectory.into())?;
        let slope = rate * found.rates.iter().sum::<f64>();
        run.record(at, "loss", found.trial.value)?;
        run.record(at, "slope", slope)?;
        let point = Point { log_rate, loss: found.trial.value, slope };
        run.table("chaos", &point)?;
        points.push(point);
        Ok(())
    };
    let points = learn::repeat("chaos", count as u64, Vec::new(), advance, run)?;
    keep(run, &points)
}

/// Pictures, and where the loss is smallest and the slope first large.
fn keep(run: &mut Run<'_>, points: &[Point]) -> Result<(), Error> {
    let losses = points.iter().map(|p| [p.log_rate, p.loss.log10()]).collect();
    let slopes = points.iter().map(|p| [p.log_rate, p.slope.abs().log10()]).collect();
    let loss = Curve { name: "loss", points: losses };
    let slope = Curve { name: "slope", points: slopes };
    let x = "logarithm of the learning rate";
    let drawn = curves(x, "logarithm (base 10) of the training loss", &[loss]);
    run.artifact("loss.svg", drawn.as_bytes())?;
    let drawn = curves(x, "logarithm (base 10) of the slope's size", &[slope]);
    run.artifact("slope.svg", drawn.as_bytes())?;
    let Some(best) = points.iter().min_by(|a, b| a.loss.total_cmp(&b.loss)) else { return Ok(()) };
    run.result("objective", best.loss)?;
    run.result("best_log_rate", best.log_rate)?;
    let mut csv = String::from("log_rate,loss,slope\n");
    for Point { log_rate, loss, slope } in points {
        writeln!(csv, "{log_rate},{loss},{slope}").expect("a string takes any text");
    }
    run.artifact("chaos.csv", csv.as_bytes())
}
