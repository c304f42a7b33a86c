//! One step of neural style transfer (Gatys et al. 2015) through VGG-19's conv1_1 to conv5_1 with
//! average pooling: the loss, its gradient for the image, and Adam's update of the image.
//!
//! `cargo run --release -p autodiff --example style -- --size 256` prints one JSON line:
//! seconds a step, peak resident size, the program's own memory, and the losses of the first three
//! steps to compare with other programs. Images and weights come from a counter-based generator.

mod measure;

use autodiff::{Buffer, Conv2d, DType, Error, Graph, Pool2d, Program, Var};
use measure::{Arguments, centred, zeros};

/// Filters of each convolution; 0 stands for a pooling.
const NET: [usize; 17] =
    [64, 64, 0, 128, 128, 0, 256, 256, 256, 256, 0, 512, 512, 512, 512, 0, 512];
/// Convolutions that style and content are compared at.
const STYLE: [usize; 5] = [0, 2, 4, 8, 12];
const CONTENT: usize = 9;
const SAME: Conv2d = Conv2d {
    stride: [1, 1],
    padding: [1, 1],
    dilation: [1, 1],
    groups: 1,
    method: autodiff::ConvMethod::Fastest,
};

/// The shape of each convolution's filters.
fn filters() -> impl Iterator<Item = [usize; 4]> {
    let counts: Vec<usize> = NET.into_iter().filter(|&count| count > 0).collect();
    (0..counts.len()).map(move |i| [counts[i], if i == 0 { 3 } else { counts[i - 1] }, 3, 3])
}

/// The weights, the same for all steps.
fn weights() -> Vec<Buffer> {
    filters()
        .zip(101..)
        .map(|(shape, seed)| {
            let scale = (6.0 / (9 * shape[1]) as f64).sqrt();
            centred(seed, shape.iter().product(), scale)
        })
        .collect()
}

/// Declares the weights of a graph.
fn declare(graph: &Graph) -> Vec<Var<'_>> {
    filters().map(|shape| graph.input("w", &shape)).collect()
}

/// What every convolution's rectifier gives.
fn features<'g>(image: Var<'g>, weights: &[Var<'g>]) -> Result<Vec<Var<'g>>, Error> {
    let (mut x, mut found) = (image, Vec::new());
    for count in NET {
        if count == 0 {
            x = x.avg_pool2d(Pool2d::of(2))?;
        } else {
            x = x.conv2d_relu(weights[found.len()], None, SAME)?;
            found.push(x);
        }
    }
    Ok(found)
}

/// F F^T of features `[1, n, h, w]` as n rows.
fn gram(f: Var<'_>) -> Result<Var<'_>, Error> {
    let shape = f.shape();
    f.reshape(&[shape[1], shape[2] * shape[3]])?.gram()
}

/// Content features and Gram matrices, in this order.
fn targets(size: usize, weights: &mut [Buffer]) -> Result<Vec<Buffer>, Error> {
    let graph = Graph::new(DType::F32);
    let image = graph.input("image", &[1, 3, size, size]);
    let declared = declare(&graph);
    let features = features(image, &declared)?;
    let mut outputs = vec![features[CONTENT]];
    for layer in STYLE {
        outputs.push(gram(features[layer])?);
    }
    let mut targets = Vec::new();
    for (seed, range) in [(1, 0..1), (2, 1..outputs.len())] {
        let mut program = graph.compile(&outputs[range.clone()])?;
        run(&mut program, &mut [&mut centred(seed, 3 * size * size, 127.5)], weights)?;
        targets.extend((0..range.len()).map(|i| program.output(i).duplicate().expect("memory")));
    }
    Ok(targets)
}

fn run(
    program: &mut Program,
    first: &mut [&mut Buffer],
    weights: &mut [Buffer],
) -> Result<(), Error> {
    let first = first.iter_mut().map(|buffer| &mut **buffer);
    let mut inputs: Vec<&mut Buffer> = first.chain(weights.iter_mut()).collect();
    program.run(&mut inputs)
}

/// Image, its two moments, and what Adam divides the moments by; then the targets.
fn step(size: usize, targets: &[Buffer]) -> Result<Program, Error> {
    let graph = Graph::new(DType::F32);
    let shape = [1, 3, size, size];
    let [image, m, v] = ["image", "m", "v"].map(|name| graph.input(name, &shape));
    let (first, second) = (graph.input("first", &[]), graph.input("second", &[]));
    let content = graph.input("content", &[targets[0].len()]);
    let grams: Vec<Var<'_>> = targets[1..]
        .iter()
        .map(|target| graph.input("gram", &[target.len().isqrt(), target.len().isqrt()]))
        .collect();
    let declared = declare(&graph);
    let features = features(image, &declared)?;
    let of_content = features[CONTENT].reshape(&[targets[0].len()])?;
    let mut loss = of_content.sub(content)?.square().sum_all().mul_scalar(0.5);
    for (layer, target) in STYLE.into_iter().zip(grams) {
        let shape = features[layer].shape();
        let (n, m) = (shape[1] as f64, (shape[2] * shape[3]) as f64);
        let off = gram(features[layer])?.sub(target)?.square().sum_all();
        loss = loss.add(off.mul_scalar(1e3 / 5.0 / (4.0 * n * n * m * m)))?;
    }
    let gradient = graph.grad(loss, &[image])?[0];
    let mean = m.mul_scalar(0.9).add(gradient.mul_scalar(0.1))?;
    let square = v.mul_scalar(0.999).add(gradient.square().mul_scalar(0.001))?;
    let root = square.div(second)?.sqrt().add_scalar(1e-8);
    graph.assign(image, image.sub(mean.div(first)?.div(root)?)?)?;
    graph.assign(m, mean)?;
    graph.assign(v, square)?;
    graph.compile(&[loss])
}

#[expect(clippy::print_stdout, reason = "the result of the program")]
fn main() -> Result<(), Error> {
    let arguments = Arguments::read();
    let size = arguments.number("size", 256);
    let mut weights = weights();
    let mut targets = targets(size, &mut weights)?;
    let mut program = step(size, &targets)?;
    let pixels = 3 * size * size;
    let mut image = centred(3, pixels, 127.5);
    let (mut m, mut v) = (zeros(pixels), zeros(pixels));
    let mut steps = 0;
    let mut step = || {
        steps += 1;
        let scale = |beta: f32| {
            Buffer::from_slice(autodiff::Device::cpu(), &[1.0 - beta.powi(steps)]).expect("memory")
        };
        let (mut first, mut second) = (scale(0.9), scale(0.999));
        let mut own = vec![&mut image, &mut m, &mut v, &mut first, &mut second];
        own.extend(targets.iter_mut());
        run(&mut program, &mut own, &mut weights).expect("sound inputs");
        program.output(0).to_vec::<f32>().expect("a loss")[0]
    };
    let first = [step(), step(), step()];
    let mut line = arguments.timed(1.0, || {
        step();
    });
    let finite = step().is_finite();
    line["workload"] = "style".into();
    line["unit"] = "step".into();
    line["params"] = serde_json::json!({ "size": size, "opt": "adam" });
    line["check"] = serde_json::json!({ "losses of steps 1-3": first, "finite": finite });
    line["program_bytes"] = program.peak_bytes().into();
    println!("{line}");
    Ok(())
}
