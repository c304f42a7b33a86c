//! The training loop and the optimisers over small problems.

use autodiff::{Buffer, DType, Device, Var};
use experiment::{Better, DataPaths, Error, MemorySink, Run, RunContext, RunId, Stream};
use learn::{
    Batch, BatchVars, Field, Fields, Groups, Init, Layout, Metrics, Objective, Optimizer, Schedule,
    Selection, Stepper, Task, Trained, Training, train,
};
use rand::RngExt;

/// Least squares on lines drawn from `y = 2 x - 1`.
struct Line {
    layout: Layout,
    fields: Fields,
    x: Field<f32>,
    y: Field<f32>,
}

impl Line {
    fn new() -> Self {
        let mut fields = Fields::new();
        Self {
            layout: Layout::new().with("slope", &[1, 1], Init::Normal { std: 0.5 }).with(
                "intercept",
                &[1],
                Init::Zeros,
            ),
            x: fields.float("x", &[8, 1]),
            y: fields.float("y", &[8, 1]),
            fields,
        }
    }
}

impl Objective for Line {
    fn layout(&self) -> &Layout {
        &self.layout
    }

    fn fields(&self) -> &Fields {
        &self.fields
    }

    fn loss<'g>(
        &self,
        params: &[Var<'g>],
        batch: &BatchVars<'g>,
    ) -> Result<Var<'g>, autodiff::Error> {
        let fitted = batch[self.x].matmul(params[0])?.add(params[1])?;
        Ok(fitted.sub(batch[self.y])?.square().mean_all())
    }

    fn fill(&self, stream: &Stream, index: u64, batch: &mut Batch) {
        let mut rng = stream.rng(index);
        for row in 0..8 {
            let x: f32 = rng.random_range(-1.0..1.0);
            batch[self.x][row] = x;
            batch[self.y][row] = 2.0 * x - 1.0;
        }
    }
}

impl Task for Line {
    fn evaluate(&mut self, params: &mut Buffer) -> Result<Metrics, Error> {
        let values = params.to_vec::<f32>().map_err(|e| Error::other("reading", e))?;
        let error = f64::from(values[0] - 2.0).abs() + f64::from(values[1] + 1.0).abs();
        Ok(vec![("error", error)])
    }
}

fn settings(optimizer: Optimizer) -> Training {
    Training {
        steps: 95,
        evaluate_every: 10,
        optimizer,
        groups: Groups::default(),
        learning_rate: 0.05,
        schedule: Schedule::LinearDecay { from: 0.5 },
        clip: Some(1.0),
        selection: Some(Selection { metric: "error", better: Better::Lower }),
    }
}

fn fit(settings: &Training, sink: &mut MemorySink) -> Result<Trained, Error> {
    fit_task(&mut Line::new(), settings, sink)
}

fn fit_task(
    task: &mut dyn Task,
    settings: &Training,
    sink: &mut MemorySink,
) -> Result<Trained, Error> {
    train(task, settings, &mut Run::new(context(), sink))
}

/// What the runs of these tests are given.
pub(crate) fn context() -> RunContext {
    RunContext {
        id: RunId::of("test"),
        seed: 3,
        threads: 1,
        device: experiment::Device::Cpu,
        data: DataPaths::default(),
    }
}

/// Every number that training left, as bits.
fn bits(trained: &Trained) -> Vec<u64> {
    let params = |of: &Buffer| of.to_vec::<f32>().unwrap().into_iter().map(f64::from);
    let selected = trained.selected.iter();
    let selected =
        selected.flat_map(|best| params(&best.params).chain([best.value, best.step as f64]));
    let metrics = trained.metrics.iter().map(|(_, value)| *value);
    params(&trained.params).chain(metrics).chain(selected).map(f64::to_bits).collect()
}

#[test]
fn a_run_stopped_at_any_step_ends_with_the_same_bits() {
    for optimizer in [Optimizer::sgd(0.9), Optimizer::adam()] {
        let settings = settings(optimizer);
        let mut whole = MemorySink::default();
        let expected = fit(&settings, &mut whole).unwrap();
        assert!(expected.metrics[0].1 < 0.4, "{:?}", expected.metrics);
        for stop in [1, 10, 37, 94] {
            let mut first =
                MemorySink { stop_after_checkpoints: Some(stop), ..MemorySink::default() };
            assert!(matches!(fit(&settings, &mut first), Err(Error::Interrupted)), "{stop}");
            let mut second =
                MemorySink { checkpoint: first.checkpoint.take(), ..MemorySink::default() };
            let ended = fit(&settings, &mut second).unwrap();
            assert_eq!(bits(&ended), bits(&expected), "stopped at {stop}");
            let metrics: Vec<_> = first.metrics.into_iter().chain(second.metrics).collect();
            assert_eq!(metrics, whole.metrics, "stopped at {stop}");
        }
    }
}

/// A line that every evaluation lifts by the slope found.
struct Lifted {
    line: Line,
    lift: f64,
}

impl Objective for Lifted {
    fn layout(&self) -> &Layout {
        self.line.layout()
    }

    fn fields(&self) -> &Fields {
        self.line.fields()
    }

    fn loss<'g>(
        &self,
        params: &[Var<'g>],
        batch: &BatchVars<'g>,
    ) -> Result<Var<'g>, autodiff::Error> {
        self.line.loss(params, batch)
    }

    fn fill(&self, stream: &Stream, index: u64, batch: &mut Batch) {
        self.line.fill(stream, index, batch);
        batch[self.line.y].iter_mut().for_each(|y| *y += self.lift as f32);
    }
}

impl Task for Lifted {
    fn evaluate(&mut self, params: &mut Buffer) -> Result<Metrics, Error> {
        let values = params.to_vec::<f32>().map_err(|e| Error::other("reading", e))?;
        self.lift += f64::from(values[0]);
        Ok(vec![("error", self.lift)])
    }

    fn state(&self) -> Vec<u8> {
        self.lift.to_le_bytes().into()
    }

    fn restore(&mut self, state: &[u8]) -> Result<(), Error> {
        self.lift = f64::from_le_bytes(state.try_into().unwrap());
        Ok(())
    }
}

#[test]
fn what_evaluations_change_in_a_task_survives_a_stop() {
    let settings = settings(Optimizer::default());
    let lifted = || Lifted { line: Line::new(), lift: 0.0 };
    let mut whole = MemorySink::default();
    let expected = fit_task(&mut lifted(), &settings, &mut whole).unwrap();
    for stop in [5, 10, 37] {
        let mut first = MemorySink { stop_after_checkpoints: Some(stop), ..MemorySink::default() };
        fit_task(&mut lifted(), &settings, &mut first).unwrap_err();
        let checkpoint = first.checkpoint.take();
        let mut second = MemorySink { checkpoint: checkpoint.clone(), ..MemorySink::default() };
        let ended = fit_task(&mut lifted(), &settings, &mut second).unwrap();
        assert_eq!(bits(&ended), bits(&expected), "stopped at {stop}");
        let mut other = MemorySink { checkpoint, ..MemorySink::default() };
        let refused = fit(&settings, &mut other).unwrap_err().to_string();
        assert!(refused.contains("wanted no state of the task, found 8 bytes"), "{refused}");
    }
}

#[test]
fn the_last_step_is_evaluated_and_the_best_evaluation_is_kept() {
    let mut sink = MemorySink::default();
    let trained = fit(&settings(Optimizer::default()), &mut sink).unwrap();
    let errors: Vec<(u64, f64)> =
        sink.metrics.iter().filter(|m| m.1 == "error").map(|m| (m.0, m.2)).collect();
    assert_eq!(errors.last().map(|last| last.0), Some(95));
    let best = errors.iter().copied().reduce(|a, b| if b.1 <= a.1 { b } else { a }).unwrap();
    let selected = trained.selected.unwrap();
    assert_eq!((selected.step, selected.value), best);
}

#[test]
fn divergence_names_step_and_metric() {
    let mut sink = MemorySink::default();
    let wild = Training { learning_rate: 1e30, clip: None, ..settings(Optimizer::default()) };
    let error = fit(&wild, &mut sink).unwrap_err();
    assert!(matches!(&error, Error::Diverged { metric, .. } if metric == "train_loss"), "{error}");
}

/// Rows of a table summed and squared, so that gradients are easy to write down.
struct Table {
    layout: Layout,
    fields: Fields,
    rows: Field<u32>,
}

impl Table {
    fn new(rows: usize) -> Self {
        let mut fields = Fields::new();
        Self {
            layout: Layout::new().with("table", &[rows, 2], Init::Normal { std: 1.0 }),
            rows: fields.index("rows", &[3]),
            fields,
        }
    }
}

impl Objective for Table {
    fn layout(&self) -> &Layout {
        &self.layout
    }

    fn fields(&self) -> &Fields {
        &self.fields
    }

    fn loss<'g>(
        &self,
        params: &[Var<'g>],
        batch: &BatchVars<'g>,
    ) -> Result<Var<'g>, autodiff::Error> {
        Ok(params[0].gather(batch[self.rows])?.square().sum_all())
    }

    fn fill(&self, _stream: &Stream, _index: u64, batch: &mut Batch) {
        batch[self.rows].copy_from_slice(&[1, 0, 1]);
    }
}

/// Parameters after two steps on a table of so many rows.
fn two_steps(rows: usize, optimizer: Optimizer, clip: Option<f64>) -> Vec<f64> {
    let table = Table::new(rows);
    let stream = Stream::new(5, "init");
    let mut stepper =
        Stepper::new(&table, optimizer, &Groups::default(), clip, DType::F64, &stream).unwrap();
    let mut batch = Batch::of(&table, DType::F64).unwrap();
    for step in 0..2 {
        batch.fill(&table, &stream, step).unwrap();
        stepper.step(step, 0.01, &mut batch).unwrap();
    }
    stepper.params().to_vec().unwrap()
}

#[test]
fn row_sparse_updates_equal_dense_ones_on_the_touched_rows() {
    for optimizer in [Optimizer::default(), Optimizer::sgd(0.9), Optimizer::adam()] {
        for clip in [None, Some(0.5)] {
            // Three rows are few enough for a dense gradient, a thousand are not.
            let (dense, sparse) = (two_steps(3, optimizer, clip), two_steps(1000, optimizer, clip));
            for (dense, sparse) in dense[..4].iter().zip(&sparse[..4]) {
                assert!((dense - sparse).abs() < 1e-12, "{optimizer:?} {clip:?}");
            }
        }
    }
    let start = Table::new(1000).layout.initial(&Stream::new(5, "init"));
    let after = two_steps(1000, Optimizer::sgd(0.9), None);
    assert_eq!(after[4..], start[4..], "untouched rows stand still");
    // Row 1 is gathered twice: w - 0.01 * 4 w, then the velocity carries on.
    let w1 = start[2] * (1.0 - 0.04);
    let w2 = w1 - 0.01 * (0.9 * 4.0 * start[2] + 4.0 * w1);
    assert!((after[2] - w2).abs() < 1e-12);
}

#[test]
fn adam_takes_steps_of_the_learning_rate_on_a_constant_gradient() {
    // With a constant gradient both moments are exact, so every step is rate * sign(g).
    struct Slope(Layout);
    impl Objective for Slope {
        fn layout(&self) -> &Layout {
            &self.0
        }
        fn loss<'g>(
            &self,
            params: &[Var<'g>],
            _batch: &BatchVars<'g>,
        ) -> Result<Var<'g>, autodiff::Error> {
            Ok(params[0].mul_scalar(-3.0).sum_all())
        }
        fn fill(&self, _stream: &Stream, _index: u64, _batch: &mut Batch) {}
    }
    let slope = Slope(Layout::new().with("w", &[2], Init::Zeros));
    let adam = Optimizer::Adam { beta1: 0.9, beta2: 0.999, epsilon: 0.0, decay: 0.0 };
    let mut stepper =
        Stepper::new(&slope, adam, &Groups::default(), None, DType::F64, &Stream::new(0, "init"))
            .unwrap();
    let mut batch = Batch::of(&slope, DType::F64).unwrap();
    for step in 0..5 {
        stepper.step(step, 0.1, &mut batch).unwrap();
    }
    for value in stepper.params().to_vec::<f64>().unwrap() {
        assert!((value - 0.5).abs() < 1e-12, "{value}");
    }
}

#[test]
fn a_buffer_of_initial_values_has_the_graphs_type() {
    let layout = Layout::new().with("w", &[2], Init::Normal { std: 1.0 });
    let stream = Stream::new(0, "init");
    assert_eq!(
        layout.initial_buffer(&stream, DType::F64).unwrap().to_vec::<f64>().unwrap(),
        layout.initial(&stream)
    );
    let single = layout.initial_buffer(&stream, DType::F32).unwrap();
    assert_eq!((single.len(), single.device()), (2, Device::cpu()));
}
