//! A network of layers in the training loop: stopped and continued, partly frozen, begun from a file.

use autodiff::{Buffer, DType, Error as TraceError, Pool2d, Var};
use experiment::{DataPaths, Error, MemorySink, Run, RunContext, RunId, Stream};
use learn::layers::{Activation, BatchNorm, Convolution, Dense, Dropout, Layer, Map, Params};
use learn::layers::{Pooling, Sequence};
use learn::{
    Batch, BatchVars, Evaluator, Field, Fields, Group, Groups, Layout, Metrics, Names, Objective,
    Optimizer, Schedule, Task, Trained, Training, train,
};
use rand::RngExt;

const ROWS: usize = 16;

/// Convolutions, then a dense classifier: of one image of 6 by 6, which half is brighter.
struct Network {
    features: Sequence,
    dropout: Dropout,
    classifier: Dense,
}

impl Network {
    fn new() -> Self {
        Self {
            features: Sequence::new()
                .then(Convolution::new("conv1", 1, 4, 3).padded())
                .then(BatchNorm::new("norm1", 4))
                .then(Activation::relu("relu1"))
                .then(Pooling::max("pool1", Pool2d::of(2)))
                .then(Convolution::new("conv2", 4, 4, 3).padded().with_relu()),
            dropout: Dropout::new("dropout", 0, 0.25),
            classifier: Dense::new("classifier", 36, 2),
        }
    }

    fn forward<'g>(&self, params: &Params<'_, 'g>, x: Var<'g>) -> Result<Var<'g>, TraceError> {
        let features = self.features.forward(params, x)?;
        let features = features.reshape(&[x.shape()[0], 36])?;
        self.classifier.forward(params, self.dropout.forward(params, features)?)
    }
}

impl Layer for Network {
    fn declare(&self, layout: &mut Layout) {
        self.features.declare(layout);
        self.classifier.declare(layout);
    }
}

struct Halves {
    network: Network,
    layout: Layout,
    fields: Fields,
    images: Field<f32>,
    classes: Field<u32>,
    dropout: Field<u32>,
    evaluator: Evaluator,
    questions: Batch,
}

fn draw(rng: &mut impl rand::Rng, images: &mut [f32], classes: &mut [u32]) {
    for (image, class) in images.chunks_mut(36).zip(classes) {
        *class = u32::from(rng.random_bool(0.5));
        for (i, pixel) in image.iter_mut().enumerate() {
            let bright = (i % 6 < 3) == (*class == 0);
            *pixel = rng.random_range(-1.0..1.0) + if bright { 0.7 } else { 0.0 };
        }
    }
}

impl Halves {
    fn new(layout: Layout) -> Self {
        let network = Network::new();
        let mut fields = Fields::new();
        let images = fields.float("images", &[ROWS, 1, 6, 6]);
        let classes = fields.index("classes", &[ROWS]);
        let dropout = fields.index("dropout", &[1, Dropout::WORDS]);
        let evaluator = Evaluator::new(&layout, &fields, DType::F32, |params, batch| {
            let scores = network.forward(&Params::new(&layout, params), batch[images])?;
            Ok(vec![scores.cross_entropy(batch[classes])?.mean_all()])
        });
        let evaluator = evaluator.unwrap();
        let mut questions = evaluator.batch().unwrap();
        let mut drawn = [0; ROWS];
        draw(&mut Stream::new(9, "test").rng(0), &mut questions[images], &mut drawn);
        questions[classes].copy_from_slice(&drawn);
        Self { network, layout, fields, images, classes, dropout, evaluator, questions }
    }
}

impl Objective for Halves {
    fn layout(&self) -> &Layout {
        &self.layout
    }

    fn fields(&self) -> &Fields {
        &self.fields
    }

    fn loss<'g>(&self, params: &[Var<'g>], batch: &BatchVars<'g>) -> Result<Var<'g>, TraceError> {
        let params = Params::new(&self.layout, params).for_training(Some(batch[self.dropout]));
        let scores = self.network.forward(&params, batch[self.images])?;
        Ok(scores.cross_entropy(batch[self.classes])?.mean_all())
    }

    fn fill(&self, stream: &Stream, index: u64, batch: &mut Batch) {
        let mut rng = stream.rng(index);
        let mut classes = [0; ROWS];
        draw(&mut rng, &mut batch[self.images], &mut classes);
        batch[self.classes].copy_from_slice(&classes);
        Dropout::draw(&mut rng, &mut batch[self.dropout]);
    }
}

impl Task for Halves {
    fn evaluate(&mut self, params: &mut Buffer) -> Result<Metrics, Error> {
        let found = self.evaluator.run(params, &mut self.questions).unwrap();
        let loss = found.scalar(0).unwrap();
        Ok(vec![("test_loss", loss)])
    }
}

fn fit(layout: &Layout, groups: &Groups, sink: &mut MemorySink) -> Result<Trained, Error> {
    let settings = Training {
        steps: 60,
        evaluate_every: 20,
        optimizer: Optimizer::adamw(0.01),
        groups: groups.clone(),
        learning_rate: 0.02,
        schedule: Schedule::Warmup { steps: 5, then: Box::new(Schedule::Cosine { warmup: 0 }) },
        clip: Some(5.0),
        selection: None,
    };
    let context = RunContext {
        id: RunId::of("test"),
        seed: 3,
        threads: 1,
        device: experiment::Device::Cpu,
        data: DataPaths::default(),
    };
    train(&mut Halves::new(layout.clone()), &settings, &mut Run::new(context, sink))
}

fn values(params: &Buffer) -> Vec<f32> {
    params.to_vec().unwrap()
}

/// The values of one tensor.
fn of(layout: &Layout, params: &Buffer, name: &str) -> Vec<f32> {
    let tensor = layout.tensors().iter().find(|tensor| tensor.name == name).unwrap();
    values(params)[tensor.offset..][..tensor.len()].to_vec()
}

#[test]
fn a_network_learns_and_goes_on_after_a_stop_with_the_same_bits() {
    let layout = Network::new().layout();
    let groups = Groups(vec![Group::of(&["*.bias", "norm1.gain"]).with_decay(0.0)]);
    let mut whole = MemorySink::default();
    let expected = fit(&layout, &groups, &mut whole).unwrap();
    assert!(expected.metrics[0].1 < 0.2, "{:?}", expected.metrics);
    // What images without labels decide: means moved off 0, and not by the optimiser.
    assert!(of(&layout, &expected.params, "norm1.mean").iter().all(|mean| mean.abs() > 1e-3));
    for stop in [1, 20, 33] {
        let mut first = MemorySink { stop_after_checkpoints: Some(stop), ..MemorySink::default() };
        assert!(matches!(fit(&layout, &groups, &mut first), Err(Error::Interrupted)), "{stop}");
        let mut second =
            MemorySink { checkpoint: first.checkpoint.take(), ..MemorySink::default() };
        let ended = fit(&layout, &groups, &mut second).unwrap();
        assert_eq!(values(&ended.params), values(&expected.params), "stopped at {stop}");
        assert_eq!(ended.metrics, expected.metrics, "stopped at {stop}");
    }
}

#[test]
fn frozen_layers_from_a_file_stand_still_while_the_rest_learns() {
    let layout = Network::new().layout();
    let trained = fit(&layout, &Groups::default(), &mut MemorySink::default()).unwrap();
    let stored = layout.to_safetensors(&values(&trained.params)).unwrap();
    let loaded = layout.load(&stored, &Names::new(), DType::F32).unwrap();
    let groups = Groups(vec![Group::of(&["conv*"]).frozen()]);
    let tuned = fit(&loaded.layout, &groups, &mut MemorySink::default()).unwrap();
    for name in ["conv1.weight", "conv2.bias"] {
        assert_eq!(of(&layout, &tuned.params, name), of(&layout, &trained.params, name), "{name}");
    }
    let name = "classifier.weight";
    assert_ne!(of(&layout, &tuned.params, name), of(&layout, &trained.params, name));
}
