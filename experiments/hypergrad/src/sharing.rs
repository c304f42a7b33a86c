//! Learns how tasks share the layers of their networks (section 3.4).

use autodiff::{Error as TraceError, Var};
use datasets::omniglot::PIXELS;
use experiment::{Error, Run, Stream};
use learn::{
    Batch, BatchVars, Field, Fields, HyperLearner, Init, Layout, Objective, Schedules, Setting,
};
use serde::Serialize;

use crate::characters::{Stacked, Tasks};
use crate::meta::{Judged, MetaOptimizer, meta_learn};
use crate::network::{judge, scaled, traced};
use crate::params::{Params, Precision, Sharing};
use crate::picture::squares;

/// Units of each layer; the last is the largest number of characters of an alphabet.
const SIZES: [usize; 4] = [784, 400, 200, 55];
const TASKS: usize = 10;
const LAYERS: usize = SIZES.len() - 1;
/// Entries of all sharing matrices.
const ENTRIES: usize = LAYERS * TASKS * TASKS;
/// Logarithms of the penalty and of the scale of the initial weights.
const LOG_PENALTY: f64 = -4.0;
const LOG_SCALE: f64 = -2.0;
/// Drawings of a character that a meta-iteration holds out.
const HELD: usize = 2;

/// Ten networks whose weights are mixed layer by layer: `w = T z`, with `T` of `[tasks, tasks]` for
/// every layer.
struct Shared {
    layout: Layout,
    hypers: Layout,
    fields: Fields,
    pixels: Field<f32>,
    classes: Field<u32>,
    weights: Field<f32>,
    stacked: Stacked,
    /// Whether the sum over tasks is minimised, with a penalty; else tasks are averaged.
    trains: bool,
}

impl Shared {
    fn new(stacked: Stacked, trains: bool) -> Self {
        let (mut layout, mut hypers) = (Layout::new(), Layout::new());
        for (size, layer) in SIZES.windows(2).zip(1..) {
            let unit = Init::Normal { std: 1.0 };
            layout = layout
                .with(&format!("weights {layer}"), &[TASKS, size[0], size[1]], unit)
                .with(&format!("biases {layer}"), &[TASKS, 1, size[1]], unit);
            hypers = hypers.with(&format!("sharing {layer}"), &[TASKS, TASKS], Init::Zeros);
        }
        let rows = stacked.rows;
        let mut fields = Fields::new();
        Self {
            layout,
            hypers,
            pixels: fields.float("pixels", &[TASKS, rows, PIXELS]),
            classes: fields.index("characters", &[TASKS, rows]),
            weights: fields.float("weights", &[TASKS, rows]),
            fields,
            stacked,
            trains,
        }
    }
}

impl Objective for Shared {
    fn layout(&self) -> &Layout {
        &self.layout
    }

    fn fields(&self) -> &Fields {
        &self.fields
    }

    fn loss<'g>(&self, params: &[Var<'g>], batch: &BatchVars<'g>) -> Result<Var<'g>, TraceError> {
        let graph = params[0].graph();
        let separate = matrices(Sharing::Separate);
        let hypers = self.hypers.views(graph.constant(&separate, &[ENTRIES])?)?;
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
        let mixed = |sharing: Var<'g>, z: Var<'g>| {
            let shape = z.shape();
            let flat = z.reshape(&[TASKS, shape[1] * shape[2]])?;
            sharing.matmul(flat)?.reshape(&shape)
        };
        let mut x = batch[self.pixels];
        for (layer, of) in params.chunks(2).enumerate() {
            x = if layer == 0 { x } else { x.tanh() };
            let (weights, biases) = (mixed(hypers[layer], of[0])?, mixed(hypers[layer], of[1])?);
            x = x.matmul(weights)?.add(biases)?;
        }
        let surprise = x.cross_entropy(batch[self.classes])?;
        let mut loss = surprise.mul(batch[self.weights])?.sum_all();
        if !self.trains {
            return Ok(loss.mul_scalar(1.0 / TASKS as f64));
        }
        for param in params {
            loss = loss.add(param.square().sum_all().mul_scalar(LOG_PENALTY.exp()))?;
        }
        Ok(loss)
    }

    fn fill(&self, _: &Stream, _: u64, batch: &mut Batch) {
        batch[self.pixels].copy_from_slice(&self.stacked.pixels);
        batch[self.classes].copy_from_slice(&self.stacked.classes);
        batch[self.weights].copy_from_slice(&self.stacked.weights);
    }
}

/// Where sharing begins: half its own and half everybody's; or the two baselines.
fn matrices(sharing: Sharing) -> Vec<f64> {
    let own = |layer: usize| match sharing {
        Sharing::Learned => 0.5,
        Sharing::Tied if layer == 0 => 0.0,
        Sharing::Tied | Sharing::Separate => 1.0,
    };
    let entry = |at: usize| {
        let (layer, row, column) = (at / (TASKS * TASKS), at / TASKS % TASKS, at % TASKS);
        let own = own(layer);
        (1.0 - own) / TASKS as f64 + if row == column { own } else { 0.0 }
    };
    (0..ENTRIES).map(entry).collect()
}

/// One entry of a sharing matrix.
#[derive(Serialize)]
struct Entry {
    layer: usize,
    task: usize,
    from: usize,
    value: f64,
}

/// Learns how ten tasks share the layers of their networks (section 3.4), or trains a baseline.
pub(crate) fn run(params: &Params, run: &mut Run<'_>, tasks: &Tasks) -> Result<(), Error> {
    let schedules = Schedules::constant(params.steps(), 2 * LAYERS, 1.0, 0.9)?;
    let start = matrices(params.sharing);
    let sharing = match params.sharing {
        Sharing::Learned => learn_sharing(params, run, tasks, &schedules, start)?,
        Sharing::Tied | Sharing::Separate => start,
    };
    for (at, &value) in sharing.iter().enumerate() {
        let (layer, task, from) = (at / (TASKS * TASKS) + 1, at / TASKS % TASKS, at % TASKS);
        run.table("sharing", &Entry { layer, task, from, value })?;
    }
    run.artifact("sharing.png", &squares(&sharing, TASKS, (0.0, 1.0))?)?;

    // Every training drawing now, and the test drawings.
    let [train, test] = tasks.whole();
    let initial =
        |layout: &Layout| scaled(layout, &[LOG_SCALE.exp(); 2 * LAYERS], &run.stream("init"));
    let (inner, outer) = (Shared::new(train, true), Shared::new(test, false));
    let initial = initial(&inner.layout);
    let unused = run.stream("unused");
    let setting =
        Setting { schedules: &schedules, initial: &initial, hypers: &sharing, batches: &unused };
    let mut learner = HyperLearner::<f32>::new(&inner, &outer).map_err(traced)?;
    let trained = learner.train(&inner, &outer, &setting)?;
    let all = Shared { trains: false, ..inner };
    let train_loss = judge(&all, &trained.weights, &sharing, Precision::F32)?;
    run.result("train_loss", train_loss)?;
    run.result("test_loss", trained.value)?;
    run.result("objective", trained.value)
}

fn learn_sharing(
    params: &Params,
    run: &mut Run<'_>,
    tasks: &Tasks,
    schedules: &Schedules,
    start: Vec<f64>,
) -> Result<Vec<f64>, Error> {
    let objectives = |stream: &Stream| {
        let [kept, held] = tasks.split(HELD, stream);
        (Shared::new(kept, true), Shared::new(held, false))
    };
    // Shapes are those of every split.
    let (inner, outer) = objectives(&run.stream("shapes"));
    let mut learner = HyperLearner::<f32>::new(&inner, &outer).map_err(traced)?;
    drop((inner, outer));
    let judged = |run: &mut Run<'_>, iteration: u64, sharing: &[f64]| {
        let (inner, outer) = objectives(&run.stream(&format!("held out {iteration}")));
        let scales = [LOG_SCALE.exp(); 2 * LAYERS];
        let initial = scaled(&inner.layout, &scales, &run.stream(&format!("init {iteration}")));
        let batches = run.stream("unused");
        let setting = Setting { schedules, initial: &initial, hypers: sharing, batches: &batches };
        let found = learner.hypergradient(&inner, &outer, &setting, params.trajectory.into())?;
        Ok(Judged { value: found.trial.value, gradient: found.hypers })
    };
    let optimizer = MetaOptimizer::Sgd { step: params.meta_step(), mass: 0.0 };
    // The last update is judged by the test drawings, not by another split.
    let state = meta_learn(run, params.meta_iterations(), optimizer, start, judged)?;
    run.result("initial_objective", state.values[0])?;
    Ok(state.hypers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sharing_starts_between_the_baselines() {
        let [learned, tied, separate] =
            [Sharing::Learned, Sharing::Tied, Sharing::Separate].map(matrices);
        let near = |a: f64, b: f64| (a - b).abs() < 1e-15;
        assert!(near(learned[0], 0.55) && near(learned[1], 0.05) && near(learned[299], 0.55));
        assert!(near(tied[0], 0.1) && near(tied[1], 0.1));
        assert_eq!(tied[100..], separate[100..]);
        assert!(near(separate[0], 1.0) && near(separate[1], 0.0));
    }
}
