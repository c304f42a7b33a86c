use experiment::{Error, Run};
use learn::{HyperError, HyperLearner, Hypergradient, Objective, Schedules, Setting, Trial};

use crate::digits::Parts;
use crate::network::{Classifier, Draw, scaled, traced};
use crate::packed::Packed;
use crate::params::{Params, Trajectory};

/// Units of each layer of the paper's network.
pub(crate) const SIZES: [usize; 5] = [784, 50, 50, 50, 10];
/// Trainings, with weights and batches that no hyper-parameter was chosen by, which judge those that
/// were found.
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
    learner: HyperLearner<f32>,
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
        let learner = HyperLearner::new(&*inner, &*outer).map_err(traced)?;
        let (steps, trajectory) = (params.steps(), params.trajectory);
        Ok(Self { inner, outer, log_rate, log_scale, steps, trajectory, learner })
    }

    /// Classification of digits: the objective is the loss on all training digits (section 3.1).
    pub(crate) fn digits(params: &Params, parts: &Parts) -> Result<Self, Error> {
        let inner = Classifier::new(&SIZES, &parts.train, params.batch(), Draw::Random);
        let outer = Classifier::whole(&SIZES, &parts.train);
        Self::new(params, Box::new(inner), Box::new(outer), (params.log_rate(), -3.0))
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
        let schedules = packed.schedules(hypers)?;
        let initial = self.initial(run, &packed.scales(hypers), draw);
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
        let initial = self.initial(run, scales, draw);
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

    fn initial(&self, run: &Run<'_>, scales: &[f64], draw: &str) -> Vec<f64> {
        scaled(self.layout(), scales, &run.stream(&format!("init {draw}")))
    }
}
