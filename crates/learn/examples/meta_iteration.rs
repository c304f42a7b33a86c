//! One meta-iteration of a network of 784-50-50-50-10 units: the validation loss after `T` steps of
//! training and its derivatives for `8 T` learning rates and momenta.
//!
//! `cargo run --release -p learn --example meta_iteration -- --steps 100 --way reversible` prints one
//! JSON line: seconds (median and quartiles), bytes kept, peak resident size, and values to compare
//! with other programs. Other ways are `tape` and `checkpointed`; `--dtype float64` computes in f64;
//! `--reps N` or `--budget SECONDS` says how often; `--momentum G` gives every step the same one;
//! `--act logistic` has logistic units in place of tanh.
//! Data and weights come from a counter-based generator.

#[path = "../../autodiff/examples/measure/mod.rs"]
mod measure;

use autodiff::{Error, Float, Var};
use experiment::Stream;
use learn::{
    Batch, BatchVars, Field, Fields, HyperLearner, Hypergradient, Init, Layout, Objective,
    Schedules, Setting, Trajectory,
};
use measure::{Arguments, uniform};

const SIZES: [usize; 5] = [784, 50, 50, 50, 10];
const BATCH: usize = 200;
const BATCHES: usize = 10;

struct Network {
    layout: Layout,
    fields: Fields,
    pixels: Field<f32>,
    classes: Field<u32>,
    x: Vec<f32>,
    class: Vec<u32>,
    /// First batch, and how many are used in turn.
    from: usize,
    count: u64,
    /// Whether units are logistic.
    logistic: bool,
}

impl Network {
    fn new(from: usize, count: u64, logistic: bool) -> Self {
        let mut layout = Layout::new();
        for (i, size) in SIZES.windows(2).enumerate() {
            layout = layout.with(&format!("w{i}"), size, Init::Zeros).with(
                &format!("b{i}"),
                &size[1..],
                Init::Zeros,
            );
        }
        let rows = (BATCHES + 1) * BATCH;
        let mut fields = Fields::new();
        Self {
            layout,
            pixels: fields.float("x", &[BATCH, SIZES[0]]),
            classes: fields.index("class", &[BATCH]),
            fields,
            x: uniform(1, rows * SIZES[0]).map(|x| (x - 0.5) as f32).collect(),
            class: uniform(2, rows).map(|x| (10.0 * x) as u32).collect(),
            from,
            count,
            logistic,
        }
    }

    fn initial() -> Vec<f64> {
        let mut initial = Vec::new();
        for (seed, size) in (11..).zip(SIZES.windows(2)) {
            let bound = (6.0 / (size[0] + size[1]) as f64).sqrt();
            initial.extend(uniform(seed, size[0] * size[1]).map(|x| bound * (2.0 * x - 1.0)));
            initial.extend(std::iter::repeat_n(0.0, size[1]));
        }
        initial
    }
}

impl Objective for Network {
    fn layout(&self) -> &Layout {
        &self.layout
    }

    fn fields(&self) -> &Fields {
        &self.fields
    }

    fn loss<'g>(&self, params: &[Var<'g>], batch: &BatchVars<'g>) -> Result<Var<'g>, Error> {
        let mut x = batch[self.pixels];
        for (layer, of) in params.chunks(2).enumerate() {
            x = x.matmul(of[0])?.add(of[1])?;
            if layer + 2 < SIZES.len() {
                x = if self.logistic { x.sigmoid() } else { x.tanh() };
            }
        }
        Ok(x.cross_entropy(batch[self.classes])?.mean_all())
    }

    fn fill(&self, _: &Stream, index: u64, batch: &mut Batch) {
        let first = (self.from + (index % self.count) as usize) * BATCH;
        let x = &self.x[first * SIZES[0]..(first + BATCH) * SIZES[0]];
        batch[self.pixels].copy_from_slice(x);
        batch[self.classes].copy_from_slice(&self.class[first..first + BATCH]);
    }
}

/// The trajectory of a name.
fn way(name: &str) -> Trajectory {
    match name {
        "reversible" => Trajectory::Reversible,
        "tape" => Trajectory::Tape,
        "checkpointed" => Trajectory::Checkpointed,
        other => panic!("--way: wanted reversible, tape or checkpointed, found {other:?}"),
    }
}

fn measured<F: Float>(arguments: &Arguments) -> (Hypergradient, serde_json::Value) {
    let (steps, way) = (arguments.number("steps", 100), way(arguments.text("way", "reversible")));
    let momentum: f64 = arguments.number("momentum", 0.0);
    let logistic = match arguments.text("act", "tanh") {
        "tanh" => false,
        "logistic" => true,
        other => panic!("--act: wanted tanh or logistic, found {other:?}"),
    };
    let inner = Network::new(0, BATCHES as u64, logistic);
    let outer = Network::new(BATCHES, 1, logistic);
    let rates: Vec<f64> = uniform(3, 8 * steps).map(|x| 0.1 + 0.1 * x).collect();
    let drawn = |x: f64| if momentum > 0.0 { momentum } else { 0.5 + 0.4 * x };
    let momenta: Vec<f64> = uniform(4, 8 * steps).map(drawn).collect();
    let schedules = Schedules::new(8, &rates, &momenta).expect("finite schedules");
    let setting = Setting {
        schedules: &schedules,
        initial: &Network::initial(),
        hypers: &[],
        batches: &Stream::new(0, "unused"),
    };
    let mut learner = HyperLearner::<F>::new(&inner, &outer).expect("a sound trace");
    let mut run = || learner.hypergradient(&inner, &outer, &setting, way).expect("a finite loss");
    let found = run();
    (found, arguments.timed(1.0, || drop(run())))
}

fn norm(values: &[f64]) -> f64 {
    values.iter().map(|x| x * x).sum::<f64>().sqrt()
}

#[expect(clippy::print_stdout, reason = "the result of the program")]
fn main() {
    let arguments = Arguments::read();
    let (steps, dtype) = (arguments.number("steps", 100), arguments.text("dtype", "float32"));
    let (found, mut line) = match dtype {
        "float32" => measured::<f32>(&arguments),
        "float64" => measured::<f64>(&arguments),
        other => panic!("--dtype: wanted float32 or float64, found {other:?}"),
    };
    let weights = found.kept.state / 16;
    // Against 32 bits a step and weight: what is kept of the trajectory, and with the weights and
    // velocities themselves.
    let smaller = |bytes: usize| (4 * weights * steps) as f64 / bytes as f64;
    line["smaller"] = smaller(found.kept.trajectory).into();
    line["smaller_with_state"] = smaller(found.kept.trajectory + found.kept.state).into();
    line["workload"] = "hypergrad".into();
    line["unit"] = "meta-iteration".into();
    let way = arguments.text("way", "reversible");
    line["params"] = serde_json::json!({ "steps": steps, "dtype": dtype, "way": way });
    line["check"] = serde_json::json!({
        "val_loss": found.trial.value,
        "norm_dalpha": norm(&found.rates),
        "norm_dgamma": norm(&found.momenta),
        "dalpha[0,0]": found.rates[0],
        "dgamma[T//2,0]": found.momenta[steps / 2 * 8],
    });
    println!("{line}");
}
