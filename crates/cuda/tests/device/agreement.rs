//! Every operation: values, gradients, and gradients of gradients, in f32 and f64.

use autodiff::{Buffer, DType, Graph, Var};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use crate::case::Case;
use crate::draw::Draw;
use crate::support::agree;

/// The inputs of a graph, as variables and as buffers.
struct Inputs<'g> {
    graph: &'g Graph,
    rng: ChaCha8Rng,
    buffers: Vec<Buffer>,
}

impl<'g> Inputs<'g> {
    fn draw(&mut self, shape: &[usize], draw: Draw) -> Var<'g> {
        self.buffers.push(draw.buffer(shape, self.graph.dtype(), &mut self.rng));
        match draw.is_index() {
            true => self.graph.index_input("index", shape),
            false => self.graph.input("x", shape),
        }
    }

    /// A random weighted sum of outputs, and one of `y + y^2 / 2`.
    fn losses(&mut self, outputs: &[Var<'g>]) -> [Var<'g>; 2] {
        let (mut sum, mut squares) = (self.graph.scalar(0.0), self.graph.scalar(0.0));
        for output in outputs.iter().filter(|output| output.dtype() != DType::U32) {
            let weight = self.draw(&output.shape(), Draw::Normal(1.0));
            sum = sum.add(output.mul(weight).unwrap().sum_all()).unwrap();
            squares = squares.add(output.square().mul(weight).unwrap().sum_all()).unwrap();
        }
        [sum, sum.add(squares.mul_scalar(0.5)).unwrap()]
    }
}

fn check(cases: &[Case]) {
    for dtype in [DType::F32, DType::F64] {
        for (number, case) in cases.iter().enumerate() {
            check_one(case, number as u64, dtype);
        }
    }
}

fn check_one(case: &Case, number: u64, dtype: DType) {
    let graph = Graph::new(dtype);
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    rng.set_stream(number);
    let mut inputs = Inputs { graph: &graph, rng, buffers: Vec::new() };
    let (mut vars, mut wrt): (Vec<Var<'_>>, Vec<Var<'_>>) = Default::default();
    for input in &case.inputs {
        vars.push(inputs.draw(&input.shape, input.draw));
        wrt.extend(vars.last().filter(|_| !input.fixed));
    }
    let outputs = (case.trace)(&graph, &vars).unwrap();
    let [sum, bent] = inputs.losses(&outputs);
    let directions: Vec<Var<'_>> =
        wrt.iter().map(|var| inputs.draw(&var.shape(), Draw::Positive)).collect();
    let gradients = graph.grad(sum, &wrt).unwrap();
    let second = graph.hvp(bent, &wrt, &directions).unwrap();
    let all = [&outputs[..], &gradients, &second].concat();
    let what = format!("{} of {}, {dtype:?}", case.reference, case.detail);
    agree(&what, &graph, &all, &inputs.buffers);
}

#[test]
fn elementwise_functions() {
    check(&crate::elementwise::cases());
}

#[test]
fn shapes() {
    check(&crate::shapes::cases());
}

#[test]
fn reductions() {
    check(&crate::reductions::cases());
}

#[test]
fn tables() {
    check(&crate::tables::cases());
}

#[test]
fn matrices() {
    check(&crate::matrices::cases());
}

#[test]
fn convolutions() {
    check(&crate::convolutions::cases());
}

#[test]
fn images() {
    check(&crate::images::cases());
}

#[test]
fn sequences() {
    check(&crate::sequences::cases());
}
