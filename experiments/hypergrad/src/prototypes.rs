use std::sync::Arc;

use autodiff::{Error as TraceError, Var};
use datasets::mnist::{CLASSES, PIXELS};
use experiment::{Error, Run, Stream};
use learn::{Batch, BatchInput, HyperLearner, Init, Layout, Objective, Schedules, Setting};
use serde::Serialize;

use crate::digits::{Examples, Parts};
use crate::meta::{Judged, MetaOptimizer, meta_learn};
use crate::network::{Classifier, judge, normal, surprise, traced};
use crate::params::Params;
use crate::picture::squares;

const SIZES: [usize; 2] = [784, 10];
const LOG_SCALE: f64 = -4.0;
const PENALTY: f64 = 0.01;

/// Training on learned images, one a digit, with a learned penalty; or, outside, the loss on real
/// digits.
struct Prototypes {
    classifier: Classifier,
    hypers: Layout,
    outer: bool,
}

impl Prototypes {
    fn new(examples: &Arc<Examples>, outer: bool) -> Self {
        let hypers = Layout::new()
            .with("images", &[CLASSES, PIXELS], Init::Normal { std: 0.01 })
            .with("penalty", &[1], Init::Zeros);
        Self { classifier: Classifier::whole(&SIZES, examples), hypers, outer }
    }
}

impl Objective for Prototypes {
    fn layout(&self) -> &Layout {
        self.classifier.layout()
    }

    fn inputs(&self) -> &[BatchInput] {
        if self.outer { self.classifier.inputs() } else { &[] }
    }

    fn loss<'g>(&self, params: &[Var<'g>], batch: &[Var<'g>]) -> Result<Var<'g>, TraceError> {
        self.classifier.loss(params, batch)
    }

    fn hypers(&self) -> Option<&Layout> {
        Some(&self.hypers)
    }

    fn hyper_loss<'g>(
        &self,
        params: &[Var<'g>],
        hypers: &[Var<'g>],
        batch: &[Var<'g>],
    ) -> Result<Var<'g>, TraceError> {
        if self.outer {
            return self.classifier.loss(params, batch);
        }
        let digits: Vec<u32> = (0u32..).take(CLASSES).collect();
        let digits = params[0].graph().index_constant(&digits, &[CLASSES])?;
        let mut loss = surprise(params, hypers[0], digits)?;
        for param in params {
            loss = loss.add(hypers[1].reshape(&[])?.mul(param.square().sum_all())?)?;
        }
        Ok(loss)
    }

    fn fill(&self, stream: &Stream, index: u64, batch: &mut Batch) {
        if self.outer {
            self.classifier.fill(stream, index, batch);
        }
    }
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
    let inner = Prototypes::new(&parts.valid, false);
    let outer = Prototypes::new(&parts.valid, true);
    let schedules = Schedules::constant(params.steps(), 2, 1.0, 0.9)?;
    let initial = normal(inner.layout(), &[LOG_SCALE.exp(); 2], &run.stream("init"));
    let unused = run.stream("unused");
    let mut learner = HyperLearner::<f32>::new(&inner, &outer).map_err(traced)?;
    let penalty = PIXELS * CLASSES;
    let mut weights = Vec::new();
    let judged = |_: &mut Run<'_>, _: u64, packed: &[f64]| {
        let mut hypers = packed.to_vec();
        hypers[penalty] = packed[penalty].exp();
        let setting =
            Setting { schedules: &schedules, initial: &initial, hypers: &hypers, batches: &unused };
        let mut found =
            learner.hypergradient(&inner, &outer, &setting, params.trajectory.into())?;
        weights.clone_from(&found.trial.weights);
        found.hypers[penalty] *= hypers[penalty];
        Ok(Judged { value: found.trial.value, gradient: found.hypers })
    };
    let optimizer = MetaOptimizer::Sgd { step: params.meta_step(), mass: 0.0 };
    let mut start = inner.hypers.initial(&run.stream("images"));
    start[penalty] = PENALTY.ln();
    let state = meta_learn(run, params.meta_iterations(), optimizer, start, judged)?;

    let images = &state.hypers[..penalty];
    for (at, &value) in images.iter().enumerate() {
        run.table("images", &Learned { digit: at / PIXELS, pixel: at % PIXELS, value })?;
    }
    let most = images.iter().fold(1e-6f64, |most, value| most.max(value.abs()));
    run.artifact("images.png", &squares(images, 28, (-most, most))?)?;
    run.result("initial_objective", state.values[0])?;
    run.result("objective", state.values[state.values.len() - 1])?;
    run.result("test_loss", judge(&SIZES, &parts.test, &weights)?)?;
    run.result("largest_pixel", most)
}
