//! Everything that a run carries from step to step, stopped at random moments.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use autodiff::{Buffer, DType, Error as TraceError, Var};
use experiment::{Error, MemorySink, Run, Stream};
use learn::{
    Batch, BatchVars, Evaluator, Field, Fields, Group, Groups, Init, Layout, Metrics, Objective,
    Optimizer, Restored, Resumable, Saved, Schedule, Selection, Stepped, Stepper, Task, Traced,
    Trained, Training, drive, train,
};
use rand::RngExt;
use serde_json::json;

use crate::training::context;

/// Rows of a batch, and steps between two looks at the parameters.
const ROWS: usize = 4;
const LOOK: u64 = 7;
/// Values of a row, by bucket.
const WIDTHS: [usize; 3] = [2, 5, 9];
/// Items to learn from.
const ITEMS: usize = 30;

/// Regresses sums of embedded words on targets that the learner itself has moved: a batch has rows of
/// 2, 5 or 9 words, and items that were hard lately are drawn again.
struct Student {
    layout: Layout,
    fields: Fields,
    words: Field<u32>,
    items: Field<u32>,
    target: Field<f32>,
    features: Field<f32>,
    /// The network's own features when it was last looked at.
    teacher: Vec<f32>,
    /// Loss of every item when it was last seen.
    losses: Vec<f64>,
    probe: Evaluator,
}

impl Student {
    fn new() -> Self {
        let normal = Init::Normal { std: 0.4 };
        let layout = Layout::new()
            .with("words", &[40, 3], normal)
            .with("readout", &[3, 1], normal)
            .with("shift", &[3], normal);
        let mut fields = Fields::with_buckets(WIDTHS.len());
        let probe = Evaluator::new(&layout, &Fields::new(), DType::F32, |params, _| {
            Ok(vec![params[0].matmul(params[1])?.tanh()])
        });
        Self {
            layout,
            words: fields.index_by("words", |bucket| vec![ROWS, WIDTHS[bucket]]),
            items: fields.index("items", &[ROWS]),
            target: fields.float("target", &[ROWS]),
            features: fields.fixed_float("features", &[ITEMS, 3]),
            fields,
            teacher: vec![0.0; 40],
            losses: vec![1.0; ITEMS],
            probe: probe.unwrap(),
        }
    }
}

impl Objective for Student {
    fn layout(&self) -> &Layout {
        &self.layout
    }

    fn fields(&self) -> &Fields {
        &self.fields
    }

    fn loss<'g>(&self, params: &[Var<'g>], batch: &BatchVars<'g>) -> Result<Var<'g>, TraceError> {
        Ok(self.traced(params, batch)?.loss)
    }

    fn traced<'g>(
        &self,
        params: &[Var<'g>],
        batch: &BatchVars<'g>,
    ) -> Result<Traced<'g>, TraceError> {
        assert_eq!(batch[self.words].shape()[1], WIDTHS[batch.bucket()]);
        let bags = params[0].embedding_bag(batch[self.words], None)?;
        let known = batch[self.features].gather(batch[self.items])?;
        let found = bags.add(known)?.add(params[2])?.matmul(params[1])?.reshape(&[ROWS])?;
        let losses = found.sub(batch[self.target])?.square();
        Ok(Traced { loss: losses.mean_all(), values: vec![("losses", losses)] })
    }

    fn prepare(&self, batch: &mut Batch) {
        batch[self.features].iter_mut().zip(0u8..).for_each(|(x, at)| *x = f32::from(at) / 90.0);
    }

    fn bucket(&self, stream: &Stream, index: u64) -> usize {
        stream.rng(index).random_range(0..WIDTHS.len())
    }

    fn fill(&self, stream: &Stream, index: u64, batch: &mut Batch) {
        let mut rng = stream.rng(index);
        let width = WIDTHS[rng.random_range(0..WIDTHS.len())];
        assert_eq!(batch[self.words].len(), ROWS * width);
        for row in 0..ROWS {
            let (one, other) = (rng.random_range(0..ITEMS), rng.random_range(0..ITEMS));
            let item = if self.losses[one] > self.losses[other] { one } else { other };
            batch[self.items][row] = item as u32;
            let mut sum = 0.0;
            for at in 0..width {
                let word = (7 * item + 3 * at) % 40;
                batch[self.words][row * width + at] = word as u32;
                sum += self.teacher[word] + (word % 5) as f32 / 10.0;
            }
            batch[self.target][row] = sum / width as f32;
        }
    }
}

impl Task for Student {
    fn evaluate(&mut self, _: &mut Buffer) -> Result<Metrics, Error> {
        Ok(vec![("hardest", self.losses.iter().copied().fold(0.0, f64::max))])
    }

    fn look_every(&self) -> Option<u64> {
        Some(LOOK)
    }

    fn look(&mut self, step: u64, params: &mut Buffer) -> Result<(), Error> {
        assert!(step.is_multiple_of(LOOK));
        let looked = |e| Error::other("looking", e);
        let mut batch = self.probe.batch().map_err(looked)?;
        let found = self.probe.run(params, &mut batch).map_err(looked)?;
        self.teacher = found[0].to_vec().map_err(looked)?;
        Ok(())
    }

    fn stepped(&mut self, stepped: &Stepped<'_>, run: &mut Run<'_>) -> Result<(), Error> {
        let losses = stepped.values.read("losses").map_err(|e| Error::other("losses", e))?;
        for (&item, &loss) in stepped.batch[self.items].iter().zip(&losses) {
            self.losses[item as usize] = loss;
            run.table("items", &json!({"step": stepped.step, "item": item, "loss": loss}))?;
        }
        let mean = losses.iter().sum::<f64>() / ROWS as f64;
        assert!((mean - stepped.loss).abs() <= 1e-6 * (1.0 + mean));
        Ok(())
    }

    fn state(&self) -> Vec<u8> {
        serde_json::to_vec(&(&self.teacher, &self.losses)).unwrap()
    }

    fn restore(&mut self, state: &[u8]) -> Result<(), Error> {
        (self.teacher, self.losses) = serde_json::from_slice(state).unwrap();
        Ok(())
    }
}

fn fit(sink: &mut MemorySink) -> Result<Trained, Error> {
    let settings = Training {
        steps: 60,
        evaluate_every: 8,
        optimizer: Optimizer::adamw(0.05),
        groups: Groups(vec![
            Group::of(&["shift"]).frozen(),
            Group::of(&["readout"]).with_rate(0.5),
        ]),
        learning_rate: 0.02,
        schedule: Schedule::Cosine { warmup: 5 },
        clip: Some(1.0),
        selection: Some(Selection { metric: "hardest", better: experiment::Better::Lower }),
    };
    train(&mut Student::new(), &settings, &mut Run::new(context(), sink))
}

#[test]
fn buckets_looks_and_tables_survive_stops_at_random_moments() {
    let mut whole = MemorySink::default();
    let expected = fit(&mut whole).unwrap();
    let bits = |of: &Buffer| -> Vec<u32> {
        of.to_vec::<f32>().unwrap().into_iter().map(f32::to_bits).collect()
    };
    assert_eq!(whole.tables["items"].len(), 60 * ROWS);
    let start = Student::new().layout.initial(&Stream::new(context().seed, "init"));
    let shift: Vec<f32> = start[123..].iter().map(|&value| value as f32).collect();
    assert_eq!(expected.params.to_vec::<f32>().unwrap()[123..], shift, "a frozen tensor");
    let first = whole.metrics.iter().find(|m| m.1 == "train_loss").unwrap().2;
    assert!(expected.metrics[0].1 < first, "{first} to {:?}", expected.metrics);
    let mut rng = Stream::new(11, "stops").rng(0);
    for _ in 0..12 {
        let (mut sink, mut stops) = (MemorySink::default(), 0);
        let ended = loop {
            stops += rng.random_range(1..30);
            sink.stop_after_checkpoints = Some(stops);
            match fit(&mut sink) {
                Err(Error::Interrupted) => {}
                ended => break ended.unwrap(),
            }
        };
        assert_eq!(bits(&ended.params), bits(&expected.params), "stopped at {stops}");
        assert_eq!(ended.metrics, expected.metrics, "stopped at {stops}");
        let best = |of: &Trained| of.selected.as_ref().map(|s| (s.step, s.value, bits(&s.params)));
        assert_eq!(best(&ended), best(&expected), "stopped at {stops}");
        assert_eq!(sink.metrics, whole.metrics, "stopped at {stops}");
        assert_eq!(sink.tables, whole.tables, "stopped at {stops}");
    }
}

#[test]
fn an_evaluator_takes_every_shape_of_batch() {
    let (student, stream) = (Student::new(), Stream::new(1, "batches"));
    let mut stepper =
        Stepper::new(&student, Optimizer::default(), &Groups::default(), None, DType::F32, &stream)
            .unwrap();
    let mut evaluator = Evaluator::of_loss(&student, DType::F32).unwrap();
    let mut batch = Batch::of(&student, DType::F32).unwrap();
    let mut shapes = BTreeSet::new();
    for index in 0..12 {
        batch.fill(&student, &stream, index).unwrap();
        shapes.insert(batch.bucket());
        let found = evaluator.run(stepper.params_mut(), &mut batch).unwrap().scalar(0).unwrap();
        let taken = stepper.step(index, 0.01, &mut batch).unwrap();
        assert!((found - taken.loss).abs() <= 1e-6 * taken.loss, "{found}, {}", taken.loss);
    }
    assert_eq!(shapes.len(), WIDTHS.len());
    let error = stepper.values().read("loss").unwrap_err().to_string();
    assert_eq!(error, r#"step: value "loss": wanted one of ["losses"]"#);
}

#[test]
fn a_checkpoint_of_other_kernels_is_told_of() {
    let mut sink = MemorySink { stop_after_checkpoints: Some(3), ..MemorySink::default() };
    fit(&mut sink).unwrap_err();
    sink.stop_after_checkpoints = None;
    let checkpoint = sink.checkpoint.take().unwrap();
    let text = String::from_utf8_lossy(&checkpoint[8..400]).into_owned();
    let core = autodiff::blas_core();
    let at = text.find(&core).unwrap_or_else(|| panic!("no {core} in {text}")) + 8;
    let mut other = checkpoint.clone();
    other[at] = other[at].to_ascii_lowercase() ^ 1;
    for (checkpoint, warnings) in [(checkpoint, 0), (other, 1)] {
        let mut sink = MemorySink { checkpoint: Some(checkpoint), ..MemorySink::default() };
        fit(&mut sink).unwrap();
        assert_eq!(sink.warnings.len(), warnings, "{:?}", sink.warnings);
        assert!(sink.warnings.iter().all(|text| text.contains("last bits")));
    }
}

/// Halves a number until it is below 1.
struct Halving(f64);

impl Resumable for Halving {
    fn name(&self) -> &'static str {
        "halving"
    }

    fn advance(&mut self, step: u64, run: &mut Run<'_>) -> Result<ControlFlow<()>, Error> {
        self.0 /= 2.0;
        run.record(step, "value", self.0)?;
        Ok(if self.0 < 1.0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    }

    fn save(&self) -> Result<Saved<'_>, Error> {
        Ok(Saved::new().bytes("value", self.0.to_le_bytes().into()))
    }

    fn restore(&mut self, saved: &Restored<'_>) -> Result<(), Error> {
        self.0 = f64::from_le_bytes(saved.bytes("value")?.try_into().unwrap());
        Ok(())
    }
}

#[test]
fn whatever_goes_on_in_steps_ends_early_and_goes_on_where_it_stopped() {
    let mut sink = MemorySink::default();
    let mut attempt = |stop| {
        sink.stop_after_checkpoints = stop;
        let mut halving = Halving(100.0);
        let ended = drive(&mut halving, 50, &mut Run::new(context(), &mut sink));
        (ended, halving.0, sink.metrics.len())
    };
    assert!(matches!(attempt(Some(3)), (Err(Error::Interrupted), 12.5, 3)));
    assert!(matches!(attempt(Some(5)), (Err(Error::Interrupted), 3.125, 5)));
    assert!(matches!(attempt(None), (Ok(()), 0.78125, 7)));
    let refused = fit(&mut sink).unwrap_err().to_string();
    assert_eq!(refused, "checkpoint: wanted a checkpoint of training, found one of halving");
}
