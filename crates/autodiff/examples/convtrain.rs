//! One fine-tuning step of CaffeNet on eight images of 227 x 227 and 101 classes: the loss, every
//! gradient, and the update by momentum and weight decay.
//!
//! `cargo run --release -p autodiff --example convtrain` prints one JSON line:
//! seconds a step, peak resident size, the program's own memory, and the losses of the first three
//! steps to compare with other programs. Images and weights come from a counter-based generator.

mod measure;

use autodiff::{
    Buffer, Conv2d, DType, Device, Error, Graph, LocalResponseNorm, Pool2d, Program, Var,
};
use measure::{Arguments, centred, uniform, zeros};

const BATCH: usize = 8;
const CLASSES: usize = 101;
/// Filters, channels, kernel, stride, padding and groups of each convolution.
const CONV: [[usize; 6]; 5] = [
    [96, 3, 11, 4, 0, 1],
    [256, 96, 5, 1, 2, 2],
    [384, 256, 3, 1, 1, 1],
    [384, 384, 3, 1, 1, 2],
    [256, 384, 3, 1, 1, 2],
];
/// Inputs and units of each full layer.
const FULL: [[usize; 2]; 3] = [[9216, 4096], [4096, 4096], [4096, CLASSES]];
const POOL: Pool2d = Pool2d { kernel: [3, 3], stride: [2, 2], padding: [0, 0] };

/// The shape of each layer's weights.
fn shapes() -> Vec<Vec<usize>> {
    let conv = CONV.map(|[f, c, k, _, _, groups]| vec![f, c / groups, k, k]);
    conv.into_iter().chain(FULL.map(|full| full.to_vec())).collect()
}

/// Filters or units of each layer.
fn units() -> Vec<usize> {
    CONV.map(|conv| conv[0]).into_iter().chain(FULL.map(|full| full[1])).collect()
}

/// Initial weights; those of a full layer are drawn unit by unit.
fn weights() -> Vec<Buffer> {
    let initial = |(layer, shape): (usize, &Vec<usize>)| {
        let len: usize = shape.iter().product();
        let share = [64.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 16.0][layer];
        let scale = |fan: usize| (6.0 / fan as f64).sqrt() / share;
        let seed = 101 + layer as u64;
        match shape[..] {
            [from, units] => transposed(&centred(seed, len, scale(from)), units, from),
            _ => centred(seed, len, scale(shape[1..].iter().product())),
        }
    };
    shapes().iter().enumerate().map(initial).collect()
}

fn transposed(rows: &Buffer, units: usize, from: usize) -> Buffer {
    let rows = rows.to_vec::<f32>().expect("floats");
    let mut columns = zeros(rows.len());
    let turned: Vec<f32> =
        (0..rows.len()).map(|place| rows[place % units * from + place / units]).collect();
    columns.write(0, &turned).expect("floats");
    columns
}

fn loss<'g>(
    images: Var<'g>,
    labels: Var<'g>,
    w: &[Var<'g>],
    b: &[Var<'g>],
) -> Result<Var<'g>, Error> {
    let mut x = images;
    for (layer, [_, _, _, stride, padding, groups]) in CONV.into_iter().enumerate() {
        let (stride, padding) = ([stride; 2], [padding; 2]);
        let conv = Conv2d { stride, padding, groups, ..Conv2d::default() };
        x = x.conv2d_relu(w[layer], Some(b[layer]), conv)?;
        if [0, 1, 4].contains(&layer) {
            x = x.max_pool2d(POOL)?;
        }
        if layer < 2 {
            x = x.local_response_norm(LocalResponseNorm::default())?;
        }
    }
    x = x.reshape(&[BATCH, FULL[0][0]])?;
    for layer in 5..8 {
        x = x.matmul(w[layer])?.add(b[layer])?;
        x = if layer < 7 { x.relu() } else { x };
    }
    Ok(x.cross_entropy(labels)?.mean_all())
}

/// Images and labels, then the weights, the biases and the momenta of both.
fn step() -> Result<Program, Error> {
    let graph = Graph::new(DType::F32);
    let images = graph.input("images", &[BATCH, 3, 227, 227]);
    let labels = graph.index_input("labels", &[BATCH]);
    let declare = |name: &str, shapes: &[Vec<usize>]| -> Vec<Var<'_>> {
        shapes.iter().map(|shape| graph.input(name, shape)).collect()
    };
    let weights = shapes();
    let biases: Vec<Vec<usize>> = units().into_iter().map(|units| vec![units]).collect();
    let (w, b) = (declare("w", &weights), declare("b", &biases));
    let parameters = [&w[..], &b[..]].concat();
    let momenta = [declare("v", &weights), declare("v", &biases)].concat();
    let loss = loss(images, labels, &w, &b)?;
    let gradients = graph.grad(loss, &parameters)?;
    for ((&p, v), g) in parameters.iter().zip(momenta).zip(gradients) {
        let next = v.mul_scalar(0.9).add(g)?.add(p.mul_scalar(5e-4))?;
        graph.assign(p, p.sub(next.mul_scalar(1e-5))?)?;
        graph.assign(v, next)?;
    }
    graph.compile(&[loss])
}

#[expect(clippy::print_stdout, reason = "the result of the program")]
fn main() -> Result<(), Error> {
    let arguments = Arguments::read();
    let mut program = step()?;
    let images: Vec<f32> =
        uniform(1, BATCH * 3 * 227 * 227).map(|x| (255.0 * x - 128.0) as f32).collect();
    let labels: Vec<u32> = uniform(2, BATCH).map(|x| (CLASSES as f64 * x) as u32).collect();
    let mut buffers = vec![
        Buffer::from_slice(Device::cpu(), &images).expect("memory"),
        Buffer::from_slice(Device::cpu(), &labels).expect("memory"),
    ];
    let weights = weights();
    let biases: Vec<Buffer> = units().into_iter().map(zeros).collect();
    let momenta: Vec<Buffer> =
        weights.iter().chain(&biases).map(|buffer| zeros(buffer.len())).collect();
    buffers.extend(weights.into_iter().chain(biases).chain(momenta));
    let mut inputs: Vec<&mut Buffer> = buffers.iter_mut().collect();
    let mut step = || {
        program.run(&mut inputs).expect("sound inputs");
        program.output(0).to_vec::<f32>().expect("a loss")[0]
    };
    let first = [step(), step(), step()];
    let mut line = arguments.timed(1.0, || {
        step();
    });
    let finite = step().is_finite();
    line["workload"] = "convtrain".into();
    line["unit"] = "step".into();
    line["params"] = serde_json::json!({ "batch": BATCH, "size": 227, "classes": CLASSES });
    line["check"] = serde_json::json!({ "losses of steps 1-3": first, "finite": finite });
    line["program_bytes"] = program.peak_bytes().into();
    println!("{line}");
    Ok(())
}
