//! Learns a training set of ten images (section 3.3, figure 7).

use autodiff::{Error as TraceError, Var};
use datasets::mnist::{CLASSES, PIXELS};
use experiment::{Error, Run};
use learn::{Init, Layout};
use serde::Serialize;

use crate::digits::Parts;
use crate::draws;
use crate::meta::MetaOptimizer;
use crate::network::surprise;
use crate::params::{Generator, Params};
use crate::picture::squares;
use crate::regression::{self, Found, Hypers, Inner};

/// Where the penalty starts.
const PENALTY: f64 = 0.01;
/// Place of the penalty behind the images.
const IMAGES: usize = CLASSES * PIXELS;

/// Training on learned images, one a digit, with a learned penalty.
fn on_images<'g>(params: &[Var<'g>], hypers: &[Var<'g>]) -> Result<Var<'g>, TraceError> {
    let digits: Vec<u32> = (0u32..).take(CLASSES).collect();
    let digits = params[0].graph().index_constant(&digits, &[CLASSES])?;
    let mut loss = surprise(params, hypers[0], digits)?;
    for param in params {
        loss = loss.add(hypers[1].reshape(&[])?.mul(param.square().sum_all())?)?;
    }
    Ok(loss)
}

/// One value of a learned image.
#[derive(Serialize)]
struct Learned {
    digit: usize,
    pixel: usize,
    value: f64,
}

/// Learns a training set of ten images (section 3.3).
pub(crate) fn run(params: &Params, run: &mut Run<'_>, parts: &Parts) -> Result<(), Error> {
    let layout = Layout::new().with("images", &[CLASSES, PIXELS], Init::Normal { std: 0.01 }).with(
        "penalty",
        &[1],
        Init::Zeros,
    );
    let mut start = match params.generator() {
        Generator::Chacha => layout.initial(&run.stream("images")),
        Generator::Numpy => {
            let mut rng = draws::seeded(run);
            (0..layout.len()).map(|_| 0.01 * rng.normal()).collect()
        }
    };
    start[IMAGES] = PENALTY.ln();
    let hypers = Hypers {
        layout,
        logarithms: IMAGES..IMAGES + 1,
        start,
        inner: Inner::Hypers(on_images),
        outer: |params, _, digits| surprise(params, digits.pixels, digits.class),
        test: |params, _, digits| surprise(params, digits.pixels, digits.class),
    };
    let optimizer = MetaOptimizer::Sgd { step: params.meta_step(), mass: 0.0 };
    let Found { hypers } = regression::learn(params, run, parts, hypers, optimizer)?;

    let images = &hypers[..IMAGES];
    for (at, &value) in images.iter().enumerate() {
        run.table("images", &Learned { digit: at / PIXELS, pixel: at % PIXELS, value })?;
    }
    let most = images.iter().fold(1e-6f64, |most, value| most.max(value.abs()));
    run.artifact("images.png", &squares(images, 28, (-most, most))?)?;
    run.result("largest_pixel", most)
}
