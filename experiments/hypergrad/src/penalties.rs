use std::sync::Arc;

use autodiff::{Error as TraceError, Var};
use datasets::mnist::PIXELS;
use experiment::{Error, Run, Stream};
use learn::{Batch, BatchInput, HyperLearner, Init, Layout, Objective, Schedules, Setting};
use serde::Serialize;

use crate::digits::{Examples, Parts};
use crate::meta::{Judged, MetaOptimizer, meta_learn};
use crate::network::{Classifier, Draw, judge, layers, normal, traced};
use crate::params::Params;
use crate::picture::squares;

const SIZES: [usize; 2] = [784, 10];
const LOG_SCALE: f64 = -4.0;
/// Weight of the penalties' own penalty.
const HYPER_PENALTY: f64 = 0.01;

/// Logistic regression with a penalty a weight; the outer objective penalises the penalties.
struct Penalised {
    classifier: Classifier,
    hypers: Layout,
    outer: bool,
}

impl Penalised {
    fn new(examples: &Arc<Examples>, rows: usize, outer: bool) -> Self {
        let hypers = layers(&SIZES)
            .tensors()
            .iter()
            .fold(Layout::new(), |layout, t| layout.with(&t.name, &t.shape, Init::Zeros));
        Self { classifier: Classifier::new(&SIZES, examples, rows, Draw::InTurn), hypers, outer }
    }
}

impl Objective for Penalised {
    fn layout(&self) -> &Layout {
        self.classifier.layout()
    }

    fn inputs(&self) -> &[BatchInput] {
        self.classifier.inputs()
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
        let mut loss = self.classifier.loss(params, batch)?;
        for (&weight, &penalty) in params.iter().zip(hypers) {
            let term = match self.outer {
                true => penalty.square().mul_scalar(HYPER_PENALTY),
                false => penalty.mul(weight.square())?,
            };
            loss = loss.add(term.sum_all())?;
        }
        Ok(loss)
    }

    fn fill(&self, stream: &Stream, index: u64, batch: &mut Batch) {
        self.classifier.fill(stream, index, batch);
    }
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
    let inner = Penalised::new(&parts.train, params.batch(), false);
    let outer = Penalised::new(&parts.valid, parts.valid.len(), true);
    let schedules = Schedules::constant(params.steps(), 2, 1.0, 0.9)?;
    let initial = normal(inner.layout(), &[LOG_SCALE.exp(); 2], &run.stream("init"));
    let batches = run.stream("batches");
    let mut learner = HyperLearner::<f32>::new(&inner, &outer).map_err(traced)?;
    let mut weights = Vec::new();
    let judged = |_: &mut Run<'_>, _: u64, logs: &[f64]| {
        let penalties: Vec<f64> = logs.iter().map(|x| x.exp()).collect();
        let setting = Setting {
            schedules: &schedules,
            initial: &initial,
            hypers: &penalties,
            batches: &batches,
        };
        let found = learner.hypergradient(&inner, &outer, &setting, params.trajectory.into())?;
        weights.clone_from(&found.trial.weights);
        let gradient = found.hypers.iter().zip(&penalties).map(|(slope, p)| slope * p).collect();
        Ok(Judged { value: found.trial.value, gradient })
    };
    let optimizer = MetaOptimizer::Sgd { step: params.meta_step(), mass: 0.0 };
    let start = vec![0.01f64.ln() + 1.0; inner.layout().len()];
    let state = meta_learn(run, params.meta_iterations(), optimizer, start, judged)?;

    let classes = SIZES[1];
    let mut maps = vec![0.0; PIXELS * classes];
    for (at, log) in state.hypers[..PIXELS * classes].iter().enumerate() {
        let (pixel, digit) = (at / classes, at % classes);
        maps[digit * PIXELS + pixel] = log.exp();
        run.table("penalties", &Learned { digit, pixel, penalty: log.exp() })?;
    }
    run.artifact("penalties.png", &squares(&maps, 28, (0.0, 0.03))?)?;
    run.result("initial_objective", state.values[0])?;
    run.result("objective", state.values[state.values.len() - 1])?;
    run.result("test_loss", judge(&SIZES, &parts.test, &weights)?)
}
