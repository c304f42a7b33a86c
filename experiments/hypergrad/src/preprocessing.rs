//! Learns a scale and a shift for every pixel (section 2).

use autodiff::{Error as TraceError, Var};
use datasets::mnist::PIXELS;
use experiment::{Error, Run};
use learn::{Init, Layout};
use serde::Serialize;

use crate::digits::Parts;
use crate::network::{DigitVars, surprise};
use crate::params::Params;
use crate::picture::squares;
use crate::regression::{self, Found, Hypers, Inner};

/// The loss of digits whose pixels are scaled and shifted.
fn preprocessed<'g>(
    params: &[Var<'g>],
    hypers: &[Var<'g>],
    digits: DigitVars<'g>,
) -> Result<Var<'g>, TraceError> {
    surprise(params, digits.pixels.mul(hypers[0])?.add(hypers[1])?, digits.class)
}

/// What is done to one pixel.
#[derive(Serialize)]
struct Learned {
    pixel: usize,
    scale: f64,
    shift: f64,
}

/// Learns a scale and a shift a pixel (section 2: hyper-parameters of the preprocessing).
pub(crate) fn run(params: &Params, run: &mut Run<'_>, parts: &Parts) -> Result<(), Error> {
    let hypers = Hypers {
        layout: Layout::new().with("scales", &[PIXELS], Init::Zeros).with(
            "shifts",
            &[PIXELS],
            Init::Zeros,
        ),
        logarithms: 0..PIXELS,
        start: vec![0.0; 2 * PIXELS],
        inner: Inner::Digits(preprocessed),
        outer: preprocessed,
        test: preprocessed,
    };
    let optimizer = params.adam();
    let Found { hypers } = regression::learn(params, run, parts, hypers, optimizer)?;

    let (scales, shifts) = hypers.split_at(PIXELS);
    for (pixel, (&scale, &shift)) in scales.iter().zip(shifts).enumerate() {
        run.table("preprocessing", &Learned { pixel, scale, shift })?;
    }
    let most = scales.iter().fold(1e-6f64, |most, value| most.max(*value));
    run.artifact("scales.png", &squares(scales, 28, (0.0, most))?)?;
    let most = shifts.iter().fold(1e-6f64, |most, value| most.max(value.abs()));
    run.artifact("shifts.png", &squares(shifts, 28, (-most, most))?)
}
