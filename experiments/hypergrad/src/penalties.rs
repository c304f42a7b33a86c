//! Learns an L2 penalty for every weight (section 3.2, figure 6).

use autodiff::{Error as TraceError, Var};
use datasets::mnist::{CLASSES, PIXELS};
use experiment::{Error, Run};
use serde::Serialize;

use crate::digits::Parts;
use crate::meta::MetaOptimizer;
use crate::network::{DigitVars, layers, surprise};
use crate::params::Params;
use crate::picture::squares;
use crate::regression::{self, Found, Hypers, Inner};

/// Weight of the penalties' own penalty.
const HYPER_PENALTY: f64 = 0.01;

/// The loss with a penalty a weight.
fn penalised<'g>(
    params: &[Var<'g>],
    penalties: &[Var<'g>],
    digits: DigitVars<'g>,
) -> Result<Var<'g>, TraceError> {
    let mut loss = surprise(params, digits.pixels, digits.class)?;
    for (weight, penalty) in params.iter().zip(penalties) {
        loss = loss.add(penalty.mul(weight.square())?.sum_all())?;
    }
    Ok(loss)
}

/// The objective penalises the penalties.
fn objective<'g>(
    params: &[Var<'g>],
    penalties: &[Var<'g>],
    digits: DigitVars<'g>,
) -> Result<Var<'g>, TraceError> {
    let mut loss = surprise(params, digits.pixels, digits.class)?;
    for penalty in penalties {
        loss = loss.add(penalty.square().mul_scalar(HYPER_PENALTY).sum_all())?;
    }
    Ok(loss)
}

/// The learned penalty of one pixel's weight for one digit.
#[derive(Serialize)]
struct Learned {
    digit: usize,
    pixel: usize,
    penalty: f64,
}

/// Learns a penalty a weight (section 3.2).
pub(crate) fn run(params: &Params, run: &mut Run<'_>, parts: &Parts) -> Result<(), Error> {
    let layout = layers(&[PIXELS, CLASSES]);
    let hypers = Hypers {
        logarithms: 0..layout.len(),
        start: vec![0.01f64.ln() + 1.0; layout.len()],
        layout,
        inner: Inner::Digits(penalised),
        outer: objective,
        test: |params, _, digits| surprise(params, digits.pixels, digits.class),
    };
    let optimizer = MetaOptimizer::Sgd { step: params.meta_step(), mass: 0.0 };
    let Found { hypers: penalties } = regression::learn(params, run, parts, hypers, optimizer)?;

    let mut maps = vec![0.0; PIXELS * CLASSES];
    for (at, &penalty) in penalties[..PIXELS * CLASSES].iter().enumerate() {
        let (pixel, digit) = (at / CLASSES, at % CLASSES);
        maps[digit * PIXELS + pixel] = penalty;
        run.table("penalties", &Learned { digit, pixel, penalty })?;
    }
    run.artifact("penalties.png", &squares(&maps, 28, (0.0, 0.03))?)
}
