//! Rank pooling of one sequence of T frames and D features, its features, and the gradient through it.
//!
//! `cargo run --release -p rank-pooling --example rank_pool -- --job fit --T 100 --D 4096` prints one JSON
//! line of times and values to compare with other programs. Jobs are `fit`, `features`, `grad` (by
//! `--inverse exact`, `diagonal` or `rank_one`); `check` and `classify`, which solve 100 random sequences and
//! 20 classifications and print a line for each, for `scripts/svr-check`; and `table`, which prints times
//! for T up to 1000 and D up to 4096. `--c` is liblinear's C here, half of the paper's; `--dtype float32`
//! gives the gradient job a network's type.

#[path = "../../../crates/autodiff/examples/measure/mod.rs"]
mod measure;

use autodiff::{Buffer, DType, Device, Graph, Program, Var};
use measure::{Arguments, uniform};
use rank_pooling::operation::{Inverse, Labels, RankPool};
use rank_pooling::solver::{Newton, Problem, Side};
use rank_pooling::svm::Svm;

const EPSILON: f64 = 0.1;

/// The frames: rectified noise that drifts.
fn frames(count: usize, width: usize) -> Vec<f64> {
    let drift: Vec<f64> = uniform(2, width).collect();
    let frame = |(at, r): (usize, f64)| {
        let share = (at / width + 1) as f64 / count as f64;
        (2.0 * r - 1.0 + share * (drift[at % width] - 0.5)).max(0.0)
    };
    uniform(1, count * width).enumerate().map(frame).collect()
}

/// Means so far, signed roots, rows of norm 1, as the peers compute them.
fn features(x: &[f64], width: usize, v: &mut [f64], sum: &mut [f64]) {
    sum.fill(0.0);
    for (t, (x, v)) in x.chunks_exact(width).zip(v.chunks_exact_mut(width)).enumerate() {
        let share = 1.0 / (t + 1) as f64;
        let mut square = 0.0;
        for ((sum, &x), v) in sum.iter_mut().zip(x).zip(&mut *v) {
            *sum += x;
            let mean = *sum * share;
            *v = mean.abs().sqrt().copysign(mean);
            square += mean.abs();
        }
        let scale = 1.0 / square.sqrt();
        v.iter_mut().for_each(|v| *v *= scale);
    }
}

fn pool(arguments: &Arguments) -> RankPool {
    let inverse = match arguments.text("inverse", "exact") {
        "exact" => Inverse::Exact,
        "diagonal" => Inverse::Diagonal,
        "rank_one" => Inverse::RankOne,
        other => panic!("--inverse: wanted exact, diagonal or rank_one, found {other:?}"),
    };
    let cost = 2.0 * arguments.number("c", 1.0);
    RankPool { cost, epsilon: EPSILON, labels: Labels::Frames, inverse }
}

/// The gradient alone: the operation's result is an input, as it is when the forward pass has run.
fn gradient(pool: RankPool, v: &[f64], width: usize, dtype: DType) -> (Program, Vec<Buffer>) {
    let count = v.len() / width;
    let g: Vec<f64> = uniform(3, width).map(|x| 2.0 * x - 1.0).collect();
    let lengths = Buffer::from_slice(Device::cpu(), &[count as u32]).expect("memory");
    let packed = {
        let graph = Graph::new(dtype);
        let frames = graph.input("frames", &[1, count, width]);
        let fitted = graph.apply(pool, &[frames, graph.index_input("lengths", &[1])]);
        let mut fit = graph.compile(&[fitted.expect("shapes that suit")]).expect("a sound trace");
        let mut lengths = lengths.duplicate().expect("memory");
        fit.run(&mut [&mut floats(v, dtype), &mut lengths]).expect("finite frames");
        fit.output(0).duplicate().expect("memory")
    };
    let graph = Graph::new(dtype);
    let frames = graph.input("frames", &[1, count, width]);
    let lengths_in = graph.index_input("lengths", &[1]);
    let fitted = graph.input("fitted", &[1, packed.len()]);
    let towards = graph.input("gradient", &[1, packed.len()]);
    let of: [Var<'_>; 4] = [frames, lengths_in, fitted, towards];
    let program = graph.compile(&[pool.gradient(of).expect("shapes that suit")]).expect("a trace");
    let mut padded = g;
    padded.resize(packed.len(), 0.0);
    (program, vec![floats(v, dtype), lengths, packed, floats(&padded, dtype)])
}

fn floats(values: &[f64], dtype: DType) -> Buffer {
    match dtype {
        DType::F64 => Buffer::from_slice(Device::cpu(), values).expect("memory"),
        _ => {
            let values: Vec<f32> = values.iter().map(|&value| value as f32).collect();
            Buffer::from_slice(Device::cpu(), &values).expect("memory")
        }
    }
}

fn norm(values: &[f64]) -> f64 {
    values.iter().map(|x| x * x).sum::<f64>().sqrt()
}

/// Solves random sequences of many shapes and constants.
#[expect(clippy::print_stdout, reason = "the result of the program")]
fn check() {
    let shapes = [(1, 3), (5, 1), (12, 30), (30, 12), (60, 64), (100, 25), (80, 200)];
    let costs = [1e-3, 1e-1, 1.0, 10.0, 1e3];
    let mut newton = Newton::default();
    for at in 0..100u64 {
        let (count, width) = shapes[at as usize % shapes.len()];
        let half = costs[at as usize % costs.len()];
        let rows: Vec<f64> = uniform(100 + at, count * width).map(|x| 2.0 * x - 1.0).collect();
        let (labels, inverse) = (Labels::Frames, Inverse::Exact);
        let pool = RankPool { cost: 2.0 * half, epsilon: EPSILON, labels, inverse };
        let [low, high] = pool.tube(count);
        let problem = Problem { rows: &rows, width, low: &low, high: &high, cost: pool.cost };
        let found = newton.solve(&problem).expect("finite rows");
        let outside: Vec<bool> = found.sides.iter().map(|&side| side != Side::Inside).collect();
        println!(
            "{}",
            serde_json::json!({
                "seed": 100 + at, "T": count, "D": width, "c": half, "epsilon": EPSILON,
                "objective": problem.objective(&found.w), "w": found.w, "outside": outside,
                "systems": found.systems,
            })
        );
    }
}

/// Trains linear classifiers of many shapes and constants, of rows that class 0 has in part a column of.
#[expect(clippy::print_stdout, reason = "the result of the program")]
fn classify() {
    let shapes = [(20, 5, 2), (30, 60, 3), (90, 40, 10), (150, 128, 10)];
    for at in 0..20u64 {
        let (count, width, classes) = shapes[at as usize % shapes.len()];
        let cost = [1e-2, 0.1, 1.0, 10.0, 100.0][at as usize % 5];
        let mut rows: Vec<f64> = uniform(300 + at, count * width).map(|x| 2.0 * x - 1.0).collect();
        for row in (0..count).filter(|row| row % classes == 0) {
            rows[row * width] += 0.5;
        }
        let is = |row: usize, class| row % classes == class;
        let svm = Svm::train(&rows, width, is, classes, cost).expect("finite rows");
        println!(
            "{}",
            serde_json::json!({
                "seed": 300 + at, "rows": count, "D": width, "classes": classes, "c": cost,
                "weights": svm.weights(),
            })
        );
    }
}

/// Microseconds of the fastest fit and of the fastest exact and diagonal gradient, a row for each T and D.
#[expect(clippy::print_stdout, reason = "the result of the program")]
fn table(arguments: &Arguments) {
    println!("{:>5} {:>5} {:>11} {:>11} {:>11}", "T", "D", "fit", "exact", "diagonal");
    let (mut newton, mut sum) = (Newton::default(), Vec::new());
    for (count, width) in [10, 30, 100, 300, 1000]
        .into_iter()
        .flat_map(|count| [64, 256, 1024, 4096].map(|width| (count, width)))
    {
        let x = frames(count, width);
        let mut v = vec![0.0; count * width];
        sum.resize(width, 0.0);
        features(&x, width, &mut v, &mut sum);
        let exact = pool(arguments);
        let [low, high] = exact.tube(count);
        let problem = Problem { rows: &v, width, low: &low, high: &high, cost: exact.cost };
        let fit = arguments.timed(1.0, || drop(newton.solve(&problem).map(|found| found.systems)));
        let times = [Inverse::Exact, Inverse::Diagonal].map(|inverse| {
            let of = RankPool { inverse, ..exact };
            let (mut program, mut buffers) = gradient(of, &v, width, DType::F64);
            arguments.timed(1.0, || {
                let mut inputs: Vec<&mut Buffer> = buffers.iter_mut().collect();
                program.run(&mut inputs).expect("buffers that suit");
            })
        });
        let micros = |line: &serde_json::Value| 1e6 * line["min"].as_f64().unwrap_or(f64::NAN);
        let [exact, diagonal] = times.each_ref().map(micros);
        println!("{count:>5} {width:>5} {:>11.0} {exact:>11.0} {diagonal:>11.0}", micros(&fit));
    }
}

#[expect(clippy::print_stdout, reason = "the result of the program")]
fn main() {
    let arguments = Arguments::read();
    let job = arguments.text("job", "fit");
    match job {
        "check" => return check(),
        "classify" => return classify(),
        "table" => return table(&arguments),
        _ => {}
    }
    let (count, width) = (arguments.number("T", 100), arguments.number("D", 4096));
    let dtype = match arguments.text("dtype", "float64") {
        "float64" => DType::F64,
        "float32" => DType::F32,
        other => panic!("--dtype: wanted float32 or float64, found {other:?}"),
    };
    let x = frames(count, width);
    let (mut v, mut sum) = (vec![0.0; count * width], vec![0.0; width]);
    features(&x, width, &mut v, &mut sum);
    let pool = pool(&arguments);
    let [low, high] = pool.tube(count);
    let problem = Problem { rows: &v, width, low: &low, high: &high, cost: pool.cost };
    let mut newton = Newton::default();
    let found = newton.solve(&problem).expect("finite frames").clone();
    let mut line = match job {
        "fit" => arguments.timed(1.0, || drop(newton.solve(&problem).map(|found| found.systems))),
        "features" => {
            let mut to = vec![0.0; count * width];
            arguments.timed(1.0, || features(&x, width, &mut to, &mut sum))
        }
        "grad" => {
            let (mut program, mut buffers) = gradient(pool, &v, width, dtype);
            let mut run = || {
                let mut inputs: Vec<&mut Buffer> = buffers.iter_mut().collect();
                program.run(&mut inputs).expect("buffers that suit");
            };
            let mut line = arguments.timed(1.0, &mut run);
            run();
            let found = match dtype {
                DType::F64 => program.output(0).to_vec::<f64>().expect("floats"),
                _ => {
                    let narrow = program.output(0).to_vec::<f32>().expect("floats");
                    narrow.into_iter().map(f64::from).collect()
                }
            };
            line["check"] = serde_json::json!({ "norm": norm(&found), "G[0,0]": found[0] });
            line
        }
        other => {
            panic!("--job: wanted fit, features, grad, check, classify or table, found {other:?}")
        }
    };
    if job == "fit" {
        line["check"] = serde_json::json!({
            "objective": problem.objective(&found.w), "|w|": norm(&found.w), "w[0]": found.w[0],
            "systems": found.systems,
        });
    } else if job == "features" {
        line["check"] = serde_json::json!({
            "sum": v.iter().sum::<f64>(), "v[T-1,0]": v[(count - 1) * width],
        });
    }
    line["workload"] = format!("rankpool-{job}").into();
    line["unit"] = "sequence".into();
    line["params"] = serde_json::json!({ "T": count, "D": width });
    println!("{line}");
}
