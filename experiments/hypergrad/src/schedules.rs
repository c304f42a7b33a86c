use experiment::{Error, Run};
use learn::{HyperLearner, Hypergradient, Layout, Schedules, Setting, Trial};
use serde::Serialize;

use crate::digits::Parts;
use crate::meta::{Judged, MetaOptimizer, meta_learn};
use crate::network::{Classifier, Draw, judge, layers, normal, traced};
use crate::params::Params;
use crate::picture::{Line, chart};

/// Units of each layer.
pub(crate) const SIZES: [usize; 5] = [784, 50, 50, 50, 10];

/// Hyper-parameters of every step and group, as the paper writes them: logarithms of learning rates,
/// logits of momenta, then a logarithm of the initial scale a group.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Packed {
    steps: usize,
    groups: usize,
}

impl Packed {
    pub(crate) fn new(steps: usize, groups: usize) -> Self {
        Self { steps, groups }
    }

    /// Where the paper starts: `log alpha = -1`, `gamma = .5`, `log scale = -3`.
    pub(crate) fn initial(&self) -> Vec<f64> {
        let count = self.steps * self.groups;
        [vec![-1.0; count], vec![0.0; count], vec![-3.0; self.groups]].concat()
    }

    fn parts<'a>(&self, hypers: &'a [f64]) -> [&'a [f64]; 3] {
        let (rates, rest) = hypers.split_at(self.steps * self.groups);
        let (momenta, scales) = rest.split_at(self.steps * self.groups);
        [rates, momenta, scales]
    }

    pub(crate) fn schedules(&self, hypers: &[f64]) -> Result<Schedules, Error> {
        let [rates, momenta, _] = self.parts(hypers);
        let rates: Vec<f64> = rates.iter().map(|x| x.exp()).collect();
        let momenta: Vec<f64> = momenta.iter().map(|&x| logistic(x)).collect();
        Ok(Schedules::new(self.groups, &rates, &momenta)?)
    }

    pub(crate) fn scales(&self, hypers: &[f64]) -> Vec<f64> {
        self.parts(hypers)[2].iter().map(|x| x.exp()).collect()
    }

    /// Derivatives with respect to the packed values.
    pub(crate) fn gradient(
        &self,
        schedules: &Schedules,
        layout: &Layout,
        initial: &[f64],
        found: &Hypergradient,
    ) -> Vec<f64> {
        let mut gradient = Vec::with_capacity((2 * self.steps + 1) * self.groups);
        let place = |at: usize| (at / self.groups, at % self.groups);
        gradient.extend(found.rates.iter().enumerate().map(|(at, slope)| {
            let (step, group) = place(at);
            slope * schedules.rate(step, group)
        }));
        gradient.extend(found.momenta.iter().enumerate().map(|(at, slope)| {
            let (step, group) = place(at);
            let gamma = schedules.momentum(step, group).value();
            slope * gamma * (1.0 - gamma)
        }));
        // w = scale z, so that d/d(log scale) is the sum of w dw.
        gradient.extend(layout.tensors().iter().map(|tensor| {
            let range = tensor.offset..tensor.offset + tensor.len();
            initial[range.clone()]
                .iter()
                .zip(&found.initial[range])
                .map(|(w, d)| w * d)
                .sum::<f64>()
        }));
        gradient
    }
}

fn logistic(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// One step of one group's schedule.
#[derive(Serialize)]
struct Scheduled<'a> {
    step: usize,
    group: &'a str,
    learning_rate: f64,
    momentum: f64,
}

/// The initial scale of one group at one meta-iteration.
#[derive(Serialize)]
struct Scaled<'a> {
    meta_iteration: u64,
    group: &'a str,
    scale: f64,
}

/// Training loss of one step.
#[derive(Serialize)]
struct Elementary {
    meta_iteration: u64,
    step: usize,
    loss: f64,
}

/// Learns learning rates, momenta and initial scales (section 3.1).
pub(crate) fn run(params: &Params, run: &mut Run<'_>, parts: &Parts) -> Result<(), Error> {
    let inner = Classifier::new(&SIZES, &parts.train, params.batch(), Draw::Random);
    let outer = Classifier::whole(&SIZES, &parts.train);
    let layout = layers(&SIZES);
    let packed = Packed::new(params.steps(), layout.tensors().len());
    let mut learner = HyperLearner::<f32>::new(&inner, &outer).map_err(traced)?;
    let mut last_trial = Trial { value: 0.0, losses: Vec::new(), weights: Vec::new() };
    let last = params.meta_iterations();

    let judged = |run: &mut Run<'_>, iteration: u64, hypers: &[f64]| {
        let schedules = packed.schedules(hypers)?;
        let scales = packed.scales(hypers);
        for (tensor, &scale) in layout.tensors().iter().zip(&scales) {
            let row = Scaled { meta_iteration: iteration, group: &tensor.name, scale };
            run.table("initial_scales", &row)?;
        }
        let mut mean = Judged { value: 0.0, gradient: vec![0.0; hypers.len()] };
        let share = 1.0 / params.draws as f64;
        for draw in 0..params.draws {
            // Each meta-iteration, and each of its draws, has weights and batches of its own.
            let number = iteration * params.draws + draw;
            let initial = normal(&layout, &scales, &run.stream(&format!("init {number}")));
            let setting = Setting {
                schedules: &schedules,
                initial: &initial,
                hypers: &[],
                batches: &run.stream(&format!("batches {number}")),
            };
            let found =
                learner.hypergradient(&inner, &outer, &setting, params.trajectory.into())?;
            let gradient = packed.gradient(&schedules, &layout, &initial, &found);
            mean.value += share * found.trial.value;
            mean.gradient.iter_mut().zip(gradient).for_each(|(sum, g)| *sum += share * g);
            last_trial = found.trial;
        }
        if iteration == 0 || iteration == last {
            for (step, &loss) in last_trial.losses.iter().enumerate() {
                run.table("elementary", &Elementary { meta_iteration: iteration, step, loss })?;
            }
        }
        Ok(mean)
    };
    let optimizer = MetaOptimizer::Adam { step: params.meta_step() };
    let state = meta_learn(run, last, optimizer, packed.initial(), judged)?;

    let schedules = packed.schedules(&state.hypers)?;
    keep(run, &layout, &schedules)?;
    let curve = Line { name: "training loss", values: state.values.clone() };
    run.artifact("meta-curve.svg", chart("meta-iteration", "training loss", &[curve]).as_bytes())?;
    let curve = Line { name: "after meta-learning", values: last_trial.losses };
    run.artifact("elementary.svg", chart("step", "training loss", &[curve]).as_bytes())?;
    run.result(
        "objective",
        state.values[state.values.len().saturating_sub(5)..].iter().sum::<f64>()
            / state.values.len().min(5) as f64,
    )?;
    run.result("initial_objective", state.values[0])?;
    run.result("test_loss", judge(&SIZES, &parts.test, &last_trial.weights)?)
}

/// The learned schedules as a table and a picture.
fn keep(run: &mut Run<'_>, layout: &Layout, schedules: &Schedules) -> Result<(), Error> {
    for step in 0..schedules.steps() {
        for (group, tensor) in layout.tensors().iter().enumerate() {
            let row = Scheduled {
                step,
                group: &tensor.name,
                learning_rate: schedules.rate(step, group),
                momentum: schedules.momentum(step, group).value(),
            };
            run.table("schedules", &row)?;
        }
    }
    let of_weights = || layout.tensors().iter().enumerate().filter(|(_, t)| t.shape.len() > 1);
    let line = |value: &dyn Fn(usize, usize) -> f64| -> Vec<Line<'_>> {
        of_weights()
            .map(|(group, tensor)| Line {
                name: &tensor.name,
                values: (0..schedules.steps()).map(|step| value(step, group)).collect(),
            })
            .collect()
    };
    let rates = line(&|step, group| schedules.rate(step, group));
    run.artifact("learning-rates.svg", chart("step", "learning rate", &rates).as_bytes())?;
    let momenta = line(&|step, group| schedules.momentum(step, group).value());
    run.artifact("momenta.svg", chart("step", "momentum", &momenta).as_bytes())
}

/// One averaged derivative.
#[derive(Serialize)]
struct Slope<'a> {
    step: usize,
    group: &'a str,
    log_rate: f64,
    logit_momentum: f64,
}

/// The hypergradient at the first schedule, averaged over seeds (figure 4).
pub(crate) fn initial_gradient(
    params: &Params,
    run: &mut Run<'_>,
    parts: &Parts,
) -> Result<(), Error> {
    let inner = Classifier::new(&SIZES, &parts.train, params.batch(), Draw::Random);
    let outer = Classifier::whole(&SIZES, &parts.train);
    let layout = layers(&SIZES);
    let packed = Packed::new(params.steps(), layout.tensors().len());
    let mut learner = HyperLearner::<f32>::new(&inner, &outer).map_err(traced)?;
    let hypers = packed.initial();
    let (schedules, scales) = (packed.schedules(&hypers)?, packed.scales(&hypers));

    let judged = |run: &mut Run<'_>, seed: u64, _: &[f64]| {
        let initial = normal(&layout, &scales, &run.stream(&format!("init {seed}")));
        let setting = Setting {
            schedules: &schedules,
            initial: &initial,
            hypers: &[],
            batches: &run.stream(&format!("batches {seed}")),
        };
        let found = learner.hypergradient(&inner, &outer, &setting, params.trajectory.into())?;
        let gradient = packed.gradient(&schedules, &layout, &initial, &found);
        Ok(Judged { value: found.trial.value, gradient })
    };
    // Descent with step -1 and no mass adds the gradients up.
    let optimizer = MetaOptimizer::Sgd { step: -1.0, mass: 0.0 };
    let last = params.points() as u64 - 1;
    let sum = meta_learn(run, last + 1, optimizer, vec![0.0; hypers.len()], judged)?;
    let count = (last + 1) as f64;
    let mean: Vec<f64> = sum.hypers.iter().map(|sum| sum / count).collect();
    let (rates, momenta) = mean.split_at(params.steps() * packed.groups);
    for (at, (&log_rate, &logit_momentum)) in rates.iter().zip(momenta).enumerate() {
        let tensor = &layout.tensors()[at % packed.groups];
        let step = at / packed.groups;
        run.table("slopes", &Slope { step, group: &tensor.name, log_rate, logit_momentum })?;
    }
    let lines: Vec<Line<'_>> = layout
        .tensors()
        .iter()
        .enumerate()
        .filter(|(_, tensor)| tensor.shape.len() > 1)
        .map(|(group, tensor)| Line {
            name: &tensor.name,
            values: rates.iter().skip(group).step_by(packed.groups).copied().collect(),
        })
        .collect();
    let drawn = chart("step", "slope of the loss for log learning rates", &lines);
    run.artifact("initial-gradient.svg", drawn.as_bytes())?;
    run.result("objective", sum.values.iter().sum::<f64>() / sum.values.len() as f64)
}
