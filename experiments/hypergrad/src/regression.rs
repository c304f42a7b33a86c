//! Logistic regression on digits whose hyper-parameters are learned.

use std::ops::Range;
use std::sync::Arc;

use autodiff::{Error as TraceError, Var};
use experiment::{Error, Run, Stream};
use learn::{Batch, BatchVars, Fields, Layout, Objective, Setting};

use crate::digits::{Examples, Parts};
use crate::draws;
use crate::learner::Learner;
use crate::meta::{Judged, MetaOptimizer, meta_learn};
use crate::network::{Classifier, DigitVars, Draw, judge, layers};
use crate::params::Params;

const SIZES: [usize; 2] = [784, 10];
/// Learning rate, momentum and logarithm of the scale of the initial weights.
const RATE: f64 = 1.0;
const MOMENTUM: f64 = 0.9;
const LOG_SCALE: f64 = -4.0;

/// A loss over weights and biases, hyper-parameters, and digits.
pub(crate) type HyperLoss =
    for<'g> fn(&[Var<'g>], &[Var<'g>], DigitVars<'g>) -> Result<Var<'g>, TraceError>;

/// What is minimised by training.
pub(crate) enum Inner {
    /// A loss of digits.
    Digits(HyperLoss),
    /// A loss of the hyper-parameters, which hold all there is to learn from.
    Hypers(for<'g> fn(&[Var<'g>], &[Var<'g>]) -> Result<Var<'g>, TraceError>),
}

/// Hyper-parameters of a logistic regression on digits, and the losses they enter.
pub(crate) struct Hypers {
    pub(crate) layout: Layout,
    /// Which of them are positive: those are learned by their logarithms.
    pub(crate) logarithms: Range<usize>,
    /// Where they start, with logarithms for those.
    pub(crate) start: Vec<f64>,
    /// What is minimised by training.
    pub(crate) inner: Inner,
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
    let regression = |loss| Regression { layout: layers(&SIZES), hypers: of.layout.clone(), loss };
    let digits = |all: &Arc<Examples>, rows| Classifier::new(&SIZES, all, rows, Draw::InTurn);
    let inner = regression(match of.inner {
        Inner::Digits(loss) => Loss::Digits(digits(&parts.train, params.batch()), loss),
        Inner::Hypers(loss) => Loss::Hypers(loss),
    });
    let outer = regression(Loss::Digits(digits(&parts.valid, parts.valid.len()), of.outer));
    let test = regression(Loss::Digits(digits(&parts.test, parts.test.len()), of.test));

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
    run.result("test_loss", judge(&test, &weights, &hypers, params.precision())?)?;
    Ok(Found { hypers })
}

/// A logistic regression on digits, as training, validation or test see it.
struct Regression {
    layout: Layout,
    hypers: Layout,
    loss: Loss,
}

enum Loss {
    Digits(Classifier, HyperLoss),
    Hypers(for<'g> fn(&[Var<'g>], &[Var<'g>]) -> Result<Var<'g>, TraceError>),
}

impl Objective for Regression {
    fn layout(&self) -> &Layout {
        &self.layout
    }

    fn fields(&self) -> &Fields {
        match &self.loss {
            Loss::Digits(digits, _) => digits.fields(),
            Loss::Hypers(_) => Fields::none(),
        }
    }

    fn loss<'g>(&self, params: &[Var<'g>], batch: &BatchVars<'g>) -> Result<Var<'g>, TraceError> {
        let graph = params[0].graph();
        let zeros = vec![0.0; self.hypers.len()];
        let hypers = self.hypers.views(graph.constant(&zeros, &[self.hypers.len()])?)?;
        self.hyper_loss(params, &hypers, batch)
    }

    fn hypers(&self) -> Option<&Layout> {
        Some(&self.hypers)
    }

    fn hyper_loss<'g>(
        &self,
        params: &[Var<'g>],
        hypers: &[Var<'g>],
        batch: &BatchVars<'g>,
    ) -> Result<Var<'g>, TraceError> {
        match &self.loss {
            Loss::Digits(digits, loss) => loss(params, hypers, digits.vars(batch)),
            Loss::Hypers(loss) => loss(params, hypers),
        }
    }

    fn fill(&self, stream: &Stream, index: u64, batch: &mut Batch) {
        if let Loss::Digits(digits, _) = &self.loss {
            digits.fill(stream, index, batch);
        }
    }
}
