//! One meta-iteration of a network of 784-50-50-50-10 units: the validation loss after `T` steps of
//! training and its derivatives for `8 T` learning rates and momenta.
//!
//! `cargo run --release -p learn --example meta_iteration -- --steps 100 --way reversible` prints one
//! JSON line: seconds (median and quartiles), bytes kept, peak resident size, and values to compare
//! with other programs. Other ways are `tape` and `checkpointed`; `--dtype float64` computes in f64;
//! `--reps N` or `--budget SECONDS` says how often; `--momentum G` gives every step the same one.
//! Data and weights come from a counter-based generator.

use std::time::Instant;

use autodiff::{Error, Float, Var};
use experiment::Stream;
use learn::{
    Batch, BatchInput, HyperLearner, Hypergradient, Init, Layout, Objective, Schedules, Setting,
    Trajectory,
};

const SIZES: [usize; 5] = [784, 50, 50, 50, 10];
const BATCH: usize = 200;
const BATCHES: usize = 10;

/// Element `i` of stream `seed`: splitmix64 of the counter `seed 2^32 + i + 1`, in `[0, 1)`.
fn uniform(seed: u64, len: usize) -> impl Iterator<Item = f64> {
    (1..=len as u64).map(move |i| {
        let mut z = ((seed << 32) + i).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 11) as f64 * 2f64.powi(-53)
    })
}

struct Network {
    layout: Layout,
    inputs: Vec<BatchInput>,
    x: Vec<f32>,
    class: Vec<u32>,
    /// First batch, and how many are used in turn.
    from: usize,
    count: u64,
}

impl Network {
    fn new(from: usize, count: u64) -> Self {
        let mut layout = Layout::new();
        for (i, size) in SIZES.windows(2).enumerate() {
            layout = layout.with(&format!("w{i}"), size, Init::Zeros).with(
                &format!("b{i}"),
                &size[1..],
                Init::Zeros,
            );
        }
        let rows = (BATCHES + 1) * BATCH;
        Self {
            layout,
            inputs: vec![
                BatchInput::float("x", &[BATCH, SIZES[0]]),
                BatchInput::index("class", &[BATCH]),
            ],
            x: uniform(1, rows * SIZES[0]).map(|x| (x - 0.5) as f32).collect(),
            class: uniform(2, rows).map(|x| (10.0 * x) as u32).collect(),
            from,
            count,
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

    fn inputs(&self) -> &[BatchInput] {
        &self.inputs
    }

    fn loss<'g>(&self, params: &[Var<'g>], batch: &[Var<'g>]) -> Result<Var<'g>, Error> {
        let mut x = batch[0];
        for (layer, of) in params.chunks(2).enumerate() {
            x = x.matmul(of[0])?.add(of[1])?;
            if layer + 2 < SIZES.len() {
                x = x.tanh();
            }
        }
        Ok(x.cross_entropy(batch[1])?.mean_all())
    }

    fn fill(&self, _: &Stream, index: u64, batch: &mut Batch) {
        let first = (self.from + (index % self.count) as usize) * BATCH;
        let x = &self.x[first * SIZES[0]..(first + BATCH) * SIZES[0]];
        batch.floats_mut(0).copy_from_slice(x);
        batch.indices_mut(1).copy_from_slice(&self.class[first..first + BATCH]);
    }
}

/// What the command line asks for.
struct Options {
    steps: usize,
    way: Trajectory,
    wide: bool,
    momentum: Option<f64>,
    repetitions: Option<usize>,
    budget: f64,
}

impl Options {
    fn read() -> Self {
        let mut options = Self {
            steps: 100,
            way: Trajectory::Reversible,
            wide: false,
            momentum: None,
            repetitions: None,
            budget: 2.0,
        };
        let mut words = std::env::args().skip(1);
        while let Some(word) = words.next() {
            let value = words.next().unwrap_or_default();
            let number = || value.parse::<f64>().expect("a number");
            match word.as_str() {
                "--steps" => options.steps = value.parse().expect("a number of steps"),
                "--reps" => options.repetitions = Some(value.parse().expect("a number")),
                "--budget" => options.budget = number(),
                "--momentum" => options.momentum = Some(number()),
                "--dtype" => options.wide = value == "float64",
                "--way" => {
                    options.way = match value.as_str() {
                        "reversible" => Trajectory::Reversible,
                        "tape" => Trajectory::Tape,
                        "checkpointed" => Trajectory::Checkpointed,
                        other => panic!("no way {other:?}"),
                    }
                }
                other => panic!("no option {other:?}"),
            }
        }
        options
    }
}

struct Measured {
    found: Hypergradient,
    seconds: Vec<f64>,
    cpu_seconds: f64,
}

fn measure<F: Float>(options: &Options) -> Measured {
    let steps = options.steps;
    let (inner, outer) = (Network::new(0, BATCHES as u64), Network::new(BATCHES, 1));
    let rates: Vec<f64> = uniform(3, 8 * steps).map(|x| 0.1 + 0.1 * x).collect();
    let momenta: Vec<f64> =
        uniform(4, 8 * steps).map(|x| options.momentum.unwrap_or(0.5 + 0.4 * x)).collect();
    let schedules = Schedules::new(8, &rates, &momenta).expect("finite schedules");
    let setting = Setting {
        schedules: &schedules,
        initial: &Network::initial(),
        hypers: &[],
        batches: &Stream::new(0, "unused"),
    };
    let mut learner = HyperLearner::<F>::new(&inner, &outer).expect("a sound trace");
    let mut run =
        || learner.hypergradient(&inner, &outer, &setting, options.way).expect("a finite loss");
    let found = run();
    let (start, before) = (Instant::now(), cpu_seconds());
    let mut seconds = Vec::new();
    while match options.repetitions {
        Some(repetitions) => seconds.len() < repetitions,
        None => seconds.len() < 3 || start.elapsed().as_secs_f64() < options.budget,
    } {
        let start = Instant::now();
        run();
        seconds.push(start.elapsed().as_secs_f64());
    }
    let cpu_seconds = (cpu_seconds() - before) / seconds.len().max(1) as f64;
    seconds.sort_by(f64::total_cmp);
    Measured { found, seconds, cpu_seconds }
}

fn norm(values: &[f64]) -> f64 {
    values.iter().map(|x| x * x).sum::<f64>().sqrt()
}

/// Processor time of this process so far.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // After the name in brackets: the state is field 3, times are fields 14 and 15, in 1/100 s.
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split(' ').collect();
    let ticks = |at: usize| fields.get(at - 2).and_then(|text| text.parse::<f64>().ok());
    (ticks(14).unwrap_or(0.0) + ticks(15).unwrap_or(0.0)) / 100.0
}

fn peak_kilobytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0)
}

#[expect(clippy::print_stdout, reason = "the result of the program")]
fn main() {
    let options = Options::read();
    let Measured { found, seconds, cpu_seconds } =
        if options.wide { measure::<f64>(&options) } else { measure::<f32>(&options) };
    let quantile = |q: usize| seconds.get(seconds.len() * q / 4).copied().unwrap_or(f64::NAN);
    let weights = found.kept.state / 16;
    let bits = |bytes: usize| 8.0 * bytes as f64 / (weights * options.steps) as f64;
    let line = serde_json::json!({
        "workload": "hypergrad",
        "unit": "meta-iteration",
        "params": {
            "steps": options.steps,
            "dtype": if options.wide { "float64" } else { "float32" },
            "way": format!("{:?}", options.way),
        },
        "seconds": quantile(2), "q1": quantile(1), "q3": quantile(3),
        "cpu_seconds": cpu_seconds,
        "state_bytes": found.kept.state,
        "trajectory_bytes": found.kept.trajectory,
        // Against 32 bits a step and weight: what is kept of the trajectory, and with the weights
        // and velocities themselves.
        "smaller": 32.0 / bits(found.kept.trajectory),
        "smaller_with_state": 32.0 / bits(found.kept.trajectory + found.kept.state),
        "peak_rss_mb": peak_kilobytes() as f64 / 1024.0,
        "check": {
            "val_loss": found.trial.value,
            "norm_dalpha": norm(&found.rates),
            "norm_dgamma": norm(&found.momenta),
            "dalpha[0,0]": found.rates[0],
            "dgamma[T//2,0]": found.momenta[options.steps / 2 * 8],
        },
    });
    println!("{line}");
}
