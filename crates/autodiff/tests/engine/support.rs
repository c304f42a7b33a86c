use autodiff::{Buffer, DType, Device, Graph, Program, Var};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

pub(crate) fn draws(seed: u64, len: usize) -> Vec<f64> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    (0..len).map(|_| rng.random_range(-1.0..1.0)).collect()
}

/// Buffers for a program's inputs: floats at random, indices below `rows`.
pub(crate) fn buffers(program: &Program, seed: u64, rows: u32) -> Vec<Buffer> {
    program
        .inputs()
        .iter()
        .zip(seed..)
        .map(|(info, seed)| {
            let values = draws(seed, info.shape.iter().product());
            match info.dtype {
                DType::F64 => Buffer::from_slice(Device::cpu(), &values),
                DType::F32 => {
                    let values: Vec<f32> = values.into_iter().map(|v| v as f32).collect();
                    Buffer::from_slice(Device::cpu(), &values)
                }
                DType::U32 => {
                    let place = |v: f64| ((v + 1.0) / 2.0 * f64::from(rows)) as u32;
                    let values: Vec<u32> = values.into_iter().map(place).collect();
                    Buffer::from_slice(Device::cpu(), &values)
                }
            }
        })
        .collect()
}

pub(crate) fn run(program: &mut Program, buffers: &mut [Buffer]) {
    program.run(&mut buffers.iter_mut().collect::<Vec<_>>()).unwrap();
}

/// A memory network with one hop over bags of words, with its training step.
pub(crate) struct Memory<'g> {
    pub loss: Var<'g>,
    pub table: Var<'g>,
}

/// Batch 4, 3 memories of 5 words, width 6.
pub(crate) fn memory_network(graph: &Graph, vocabulary: usize) -> Memory<'_> {
    let table = graph.input("table", &[vocabulary, 6]);
    let story = graph.index_input("story", &[4, 3, 5]);
    let question = graph.index_input("question", &[4, 2]);
    let answer = graph.index_input("answer", &[4]);
    let out = graph.input("out", &[6, 7]);
    let memories = table.embedding_bag(story, None).unwrap();
    let state = table.embedding_bag(question, None).unwrap().reshape(&[4, 6, 1]).unwrap();
    let attention = memories.matmul(state).unwrap().softmax(1).unwrap();
    let read = memories.transpose(1, 2).unwrap().matmul(attention).unwrap();
    let state = read.add(state).unwrap().reshape(&[4, 6]).unwrap().tanh();
    let loss = state.matmul(out).unwrap().cross_entropy(answer).unwrap().mean_all();
    Memory { loss, table }
}
