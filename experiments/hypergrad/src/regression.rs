//! Logistic regression on digits whose hyper-parameters are learned.

use std::ops::Range;
use std::sync::Arc;

use autodiff::{Error as TraceError, Var};
use experiment::{Error, Run, Stream};
use learn::{Batch, BatchInput, Layout, Objective, Schedules, Setting};

use crate::digits::{Examples, Parts};
use crate::draws;
use crate::learner::Learner;
use crate::meta::{Judged, MetaOptimizer, meta_learn};
use crate::network::{Classifier, Draw, layers};
use crate::params::Params;

const SIZES: [usize; 2] = [784, 10];
/// Learning rate, momentum and logarithm of the scale of the initial weights.
const RATE: f64 = 1.0;
const MOMENTUM: f64 = 0.9;
const LOG_SCALE: f64 = -4.0;

/// A loss over weights and biases, hyper-parameters, and pixels and labels.
pub(crate) type HyperLoss =
    for<'g> fn(&[Var<'g>], &[Var<'g>], &[Var<'g>]) -> Result<Var<'g>, TraceError>;

/// Hyper-parameters of a logistic regression on digits, and the losses they enter.
pub(crate) struct Hypers {
    pub(crate) layout: Layout,
    /// Which of them are positive: those are learned by their logarithms.
    pub(crate) logarithms: Range<usize>,
    /// Where they start, with logarithms for those.
    pub(crate) start: Vec<f64>,
    /// What is minimised by training.
    pub(crate) inner: HyperLoss,
    /// Whether training reads digits.
    pub(crate) reads: bool,
    /// The objective, on validation digits.
    pub(crate) outer: HyperLoss,
    /// The loss that is reported for test digits.
    pub(crate) test: HyperLoss,
}

/// What was found.
pub(crate) struct Found {
    /// The hyper-parameters; logarithms are taken back.
    pub(crate) hypers: Vec<f64>,
}

/// Learns hyper-parameters and reports the objective before and after, and the test loss.
pub(crate) fn learn(
    params: &Params,
    run: &mut Run<'_>,
    parts: &Parts,
    of: Hypers,
    optimizer: MetaOptimizer,
) -> Result<Found, Error> {
    let regression = |loss, examples: Option<(&Arc<Examples>, usize)>| Regression {
        layout: layers(&SIZES),
        hypers: of.layout.clone(),
        digits: examples.map(|(all, rows)| Classifier::new(&SIZES, all, rows, Draw::InTurn)),
        loss,
    };
    let inner = regression(of.inner, of.reads.then_some((&parts.train, params.batch())));
    let outer = regression(of.outer, Some((&parts.valid, parts.valid.len())));
    let test = regression(of.test, Some((&parts.test, parts.test.len())));

    let schedules = params.constant(2, RATE, MOMENTUM)?;
    let initial = draws::initial(params, run, &inner.layout, &[LOG_SCALE.exp(); 2]);
    let batches = run.stream("batches");
    let positive = |packed: &[f64]| {
        let mut hypers = packed.to_vec();
        hypers[of.logarithms.clone()].iter_mut().for_each(|x| *x = x.exp());
        hypers
    };
    let mut learner = Learner::new(params.precision(), &inner, &outer)?;
    let mut weights = Vec::new();
    let judged = |_: &mut Run<'_>, _: u64, packed: &[f64]| {
        let hypers = positive(packed);
        let setting = Setting {
            schedules: &schedules,
            initial: &initial,
            hypers: &hypers,
            batches: &batches,
        };
        let mut found =
            learner.hypergradient(&inner, &outer, &setting, params.trajectory.into())?;
        weights.clone_from(&found.trial.weights);
        for at in of.logarithms.clone() {
            found.hypers[at] *= hypers[at];
        }
        Ok(Judged { value: found.trial.value, gradient: found.hypers })
    };
    let state = meta_learn(run, params.meta_iterations(), optimizer, of.start, judged)?;
    run.result("initial_objective", state.values[0])?;
    run.result("objective", state.values[state.values.len() - 1])?;

    let hypers = positive(&state.hypers);
    let none = Schedules::constant(0, 2, RATE, MOMENTUM)?;
    let setting =
        Setting { schedules: &none, initial: &weights, hypers: &hypers, batches: &batches };
    let mut learner = Learner::new(params.precision(), &test, &test)?;
    run.result("test_loss", learner.train(&test, &test, &setting)?.value)?;
    Ok(Found { hypers })
}

/// A logistic regression on digits, as training, validation or test see it.
struct Regression {
    layout: Layout,
    hypers: Layout,
    /// Nothing where the hyper-parameters hold all there is to learn from.
    digits: Option<Classifier>,
    loss: HyperLoss,
}

impl Objective for Regression {
    fn layout(&self) -> &Layout {
        &self.layout
    }

    fn inputs(&self) -> &[BatchInput] {
        self.digits.as_ref().map_or(&[], Classifier::inputs)
    }

    fn loss<'g>(&self, params: &[Var<'g>], batch: &[Var<'g>]) -> Result<Var<'g>, TraceError> {
        let graph = params[0].graph();
        let zeros = vec![0.0; self.hypers.len()];
        let hypers = self.hypers.views(graph.constant(&zeros, &[self.hypers.len()])?)?;
        (self.loss)(params, &hypers, batch)
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
        (self.loss)(params, hypers, batch)
    }

    fn fill(&self, stream: &Stream, index: u64, batch: &mut Batch) {
        if let Some(digits) = &self.digits {
            digits.fill(stream, index, batch);
        }
    }
}
