//! Times of kernels, fused chains and one training step of a memory network.

use autodiff::{Buffer, DType, Device, Graph, Program, Var};
use divan::Bencher;

fn main() {
    divan::main();
}

/// Buffers of small numbers, and of indices below `rows`.
fn buffers(program: &Program, rows: usize) -> Vec<Buffer> {
    let float = |i: usize| ((i * 7919) % 1000) as f64 / 1000.0 - 0.5;
    program
        .inputs()
        .iter()
        .map(|info| {
            let len: usize = info.shape.iter().product();
            match info.dtype {
                DType::F64 => {
                    let values: Vec<f64> = (0..len).map(float).collect();
                    Buffer::from_slice(Device::cpu(), &values).unwrap()
                }
                DType::F32 => {
                    let values: Vec<f32> = (0..len).map(|i| float(i) as f32).collect();
                    Buffer::from_slice(Device::cpu(), &values).unwrap()
                }
                DType::U32 => {
                    let values: Vec<u32> = (0..len).map(|i| (i * 7919 % rows) as u32).collect();
                    Buffer::from_slice(Device::cpu(), &values).unwrap()
                }
            }
        })
        .collect()
}

fn replay(bencher: Bencher<'_, '_>, graph: &Graph, outputs: &[Var<'_>], rows: usize) {
    let mut program = graph.compile(outputs).unwrap();
    let mut buffers = buffers(&program, rows);
    let mut inputs: Vec<&mut Buffer> = buffers.iter_mut().collect();
    bencher.bench_local(|| program.run(&mut inputs).unwrap());
}

#[divan::bench(args = [16, 64, 256, 1024])]
fn matmul(bencher: Bencher<'_, '_>, n: usize) {
    let graph = Graph::new(DType::F32);
    let (a, b) = (graph.input("a", &[n, n]), graph.input("b", &[n, n]));
    replay(bencher, &graph, &[a.matmul(b).unwrap()], 1);
}

#[divan::bench(args = [50, 200, 800])]
fn attention(bencher: Bencher<'_, '_>, d: usize) {
    let graph = Graph::new(DType::F32);
    let (a, b) = (graph.input("a", &[32, 10, d]), graph.input("b", &[32, d, 1]));
    replay(bencher, &graph, &[a.matmul(b).unwrap()], 1);
}

#[divan::bench(args = [1 << 10, 1 << 14, 1 << 18])]
fn chain(bencher: Bencher<'_, '_>, n: usize) {
    let graph = Graph::new(DType::F32);
    let (x, y) = (graph.input("x", &[n]), graph.input("y", &[n]));
    let z = x.mul(y).unwrap().add(x).unwrap().mul_scalar(0.5).sub(y).unwrap().relu();
    replay(bencher, &graph, &[z], 1);
}

#[divan::bench(consts = [0, 1, 2, 3])]
fn elementary<const F: usize>(bencher: Bencher<'_, '_>) {
    let graph = Graph::new(DType::F32);
    let x = graph.input("x", &[1 << 14]);
    let y = [x.exp(), x.tanh(), x.sigmoid(), x.add_scalar(2.0).log()][F];
    replay(bencher, &graph, &[y], 1);
}

#[divan::bench]
fn embedding_bag(bencher: Bencher<'_, '_>) {
    let graph = Graph::new(DType::F32);
    let table = graph.input("table", &[40, 50]);
    let bags = graph.index_input("bags", &[320, 6]);
    replay(bencher, &graph, &[table.embedding_bag(bags, None).unwrap()], 40);
}

/// The gradient of [`embedding_bag`].
#[divan::bench]
fn embedding_bag_gradient(bencher: Bencher<'_, '_>) {
    let graph = Graph::new(DType::F32);
    let (table, sums) = (graph.input("table", &[40, 50]), graph.input("sums", &[320, 50]));
    let bags = graph.index_input("bags", &[320, 6]);
    let loss = table.embedding_bag(bags, None).unwrap().mul(sums).unwrap().sum_all();
    replay(bencher, &graph, &graph.grad(loss, &[table]).unwrap(), 40);
}

/// One step of end-to-end memory networks with adjacent tying: batch 32, 10 memories, width 50.
#[divan::bench(args = [1, 3])]
fn memory_network_step(bencher: Bencher<'_, '_>, hops: usize) {
    let (vocabulary, width, memories, batch) = (40, 50, 10, 32);
    let graph = Graph::new(DType::F32);
    let table = |name| graph.input(name, &[vocabulary, width]);
    let tables: Vec<Var<'_>> = (0..=hops).map(|_| table("E")).collect();
    let times: Vec<Var<'_>> = (0..=hops).map(|_| graph.input("T", &[memories, width])).collect();
    let story = graph.index_input("story", &[batch, memories, 6]);
    let question = graph.index_input("question", &[batch, 4]);
    let answer = graph.index_input("answer", &[batch]);
    let bags: Vec<Var<'_>> = tables
        .iter()
        .zip(&times)
        .map(|(table, time)| table.embedding_bag(story, None).unwrap().add(*time).unwrap())
        .collect();
    let mut state = tables[0].embedding_bag(question, None).unwrap();
    for hop in 0..hops {
        let column = state.reshape(&[batch, width, 1]).unwrap();
        let scores = bags[hop].matmul(column).unwrap().reshape(&[batch, 1, memories]).unwrap();
        let read = scores.softmax(2).unwrap().matmul(bags[hop + 1]).unwrap();
        state = state.add(read.reshape(&[batch, width]).unwrap()).unwrap();
    }
    let logits = state.matmul(tables[hops].transpose(0, 1).unwrap()).unwrap();
    let loss = logits.cross_entropy(answer).unwrap().mean_all();
    let parameters = [tables, times].concat();
    for (w, g) in parameters.iter().zip(graph.grad(loss, &parameters).unwrap()) {
        graph.assign(*w, w.sub(g.mul_scalar(0.1)).unwrap()).unwrap();
    }
    replay(bencher, &graph, &[loss], vocabulary);
}

/// Products as of layers of few units: `[m, k] x [k, n]`, and `[k, m]^T x [k, n]`.
#[divan::bench(types = [f32, f64], args = [(200, 784, 10), (200, 784, 32), (200, 784, 50), (200, 784, 64), (200, 784, 100), (200, 784, 128), (200, 50, 50), (200, 50, 10), (784, 200, 50), (784, 200, 100), (50, 200, 50), (50, 200, 10), (32, 10, 50)])]
fn narrow<T: autodiff::Float>(bencher: Bencher<'_, '_>, (m, k, n): (usize, usize, usize)) {
    let graph = Graph::new(T::DTYPE);
    let (a, b) = match k == 200 {
        true => (graph.input("a", &[k, m]).transpose(0, 1).unwrap(), graph.input("b", &[k, n])),
        false => (graph.input("a", &[m, k]), graph.input("b", &[k, n])),
    };
    replay(bencher, &graph, &[a.matmul(b).unwrap()], 1);
}
