//! A training problem whose schedules and initial scales are learned.

use experiment::{Error, Run};
use learn::{HyperError, Hypergradient, Objective, Schedules, Setting, Trial};

use crate::digits::Parts;
use crate::draws::Published;
use crate::learner::Learner;
use crate::network::{Classifier, Draw, scaled};
use crate::packed::Packed;
use crate::params::{Generator, Params, Trajectory};

/// Units of each layer of the paper's network.
pub(crate) const SIZES: [usize; 5] = [784, 50, 50, 50, 10];
/// Number of trainings, on fresh initial weights and batches, that evaluate the hyper-parameters found.
const FRESH: u64 = 5;

/// What learning rates, momenta and initial scales are sought for.
pub(crate) struct Problem {
    inner: Box<dyn Objective>,
    outer: Box<dyn Objective>,
    /// Where the search starts: logarithms of the learning rate and of the initial scales.
    pub(crate) log_rate: f64,
    pub(crate) log_scale: f64,
    steps: usize,
    trajectory: Trajectory,
    learner: Learner,
    generator: Generator,
    /// Nothing where weights and batches come from the run's streams.
    published: Option<Published>,
}

/// One training of a problem.
pub(crate) struct Trained {
    pub(crate) trial: Trial,
    pub(crate) gradient: Vec<f64>,
}

impl Problem {
    /// Training on `inner`, judged by `outer`, from logarithms of a learning rate and of a scale.
    pub(crate) fn new(
        params: &Params,
        inner: Box<dyn Objective>,
        outer: Box<dyn Objective>,
        (log_rate, log_scale): (f64, f64),
    ) -> Result<Self, Error> {
        let learner = Learner::new(params.precision(), &*inner, &*outer)?;
        Ok(Self {
            inner,
            outer,
            log_rate,
            log_scale,
            steps: params.steps(),
            trajectory: params.trajectory,
            learner,
            generator: params.generator(),
            published: None,
        })
    }

    /// Classification of digits: the objective is the loss on all training digits (section 3.1).
    pub(crate) fn digits(params: &Params, parts: &Parts, seed: u64) -> Result<Self, Error> {
        let inner = Classifier::new(&SIZES, &parts.train, params.batch(), Draw::Random);
        let outer = Classifier::whole(&SIZES, &parts.train);
        let start = (params.log_rate(), -3.0);
        let problem = Self::new(params, Box::new(inner), Box::new(outer), start)?;
        let published = (problem.generator == Generator::Numpy)
            .then(|| Published::new(params, seed, &SIZES, &parts.train));
        Ok(Self { published, ..problem })
    }

    pub(crate) fn layout(&self) -> &learn::Layout {
        self.inner.layout()
    }

    pub(crate) fn packed(&self) -> Packed {
        Packed::new(self.steps, self.layout().tensors().len())
    }

    /// The hyper-parameters that the search starts with.
    pub(crate) fn start(&self) -> Vec<f64> {
        self.packed().initial(self.log_rate, self.log_scale)
    }

    /// Trains, with weights and batches of draw `draw`, and differentiates the objective.
    pub(crate) fn hypergradient(
        &mut self,
        run: &Run<'_>,
        hypers: &[f64],
        draw: &str,
    ) -> Result<Trained, Error> {
        let packed = self.packed();
        let schedules = self.schedules(hypers)?;
        let initial = self.begin(run, &packed.scales(hypers), draw);
        let (inner, outer) = (&*self.inner, &*self.outer);
        let setting = Setting {
            schedules: &schedules,
            initial: &initial,
            hypers: &[],
            batches: &run.stream(&format!("batches {draw}")),
        };
        let found: Hypergradient =
            self.learner.hypergradient(inner, outer, &setting, self.trajectory.into())?;
        let gradient = packed.gradient(&schedules, inner.layout(), &initial, &found);
        Ok(Trained { trial: found.trial, gradient })
    }

    /// Trains, with weights and batches of draw `draw`.
    pub(crate) fn train(
        &mut self,
        run: &Run<'_>,
        schedules: &Schedules,
        scales: &[f64],
        draw: &str,
    ) -> Result<Trial, HyperError> {
        let initial = self.begin(run, scales, draw);
        let setting = Setting {
            schedules,
            initial: &initial,
            hypers: &[],
            batches: &run.stream(&format!("batches {draw}")),
        };
        self.learner.train(&*self.inner, &*self.outer, &setting)
    }

    /// The mean objective of trainings that no hyper-parameter was chosen by.
    pub(crate) fn fresh(
        &mut self,
        run: &Run<'_>,
        schedules: &Schedules,
        scales: &[f64],
    ) -> Result<f64, Error> {
        let mut sum = 0.0;
        for draw in 0..FRESH {
            sum += self.train(run, schedules, scales, &format!("fresh {draw}"))?.value;
        }
        Ok(sum / FRESH as f64)
    }

    /// The schedules of packed hyper-parameters.
    pub(crate) fn schedules(&self, hypers: &[f64]) -> Result<Schedules, HyperError> {
        let (rates, momenta) = self.packed().unpacked(hypers);
        self.generator.schedules(self.layout().tensors().len(), &rates, &momenta)
    }

    /// Makes the batches of draw `draw` those of training; its initial weights.
    fn begin(&mut self, run: &Run<'_>, scales: &[f64], draw: &str) -> Vec<f64> {
        let Some(published) = &self.published else {
            return scaled(self.layout(), scales, &run.stream(&format!("init {draw}")));
        };
        self.inner = published.objective(draw);
        published.initial(self.layout(), scales, draw)
    }
}
