//! Models and buffers that several tests share.

use autodiff::{Attention, Buffer, Cell, DType, Device, Graph, Program, Recurrence, Var};
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
                DType::F64 => Buffer::from_slice(Device::cpu(), &values).unwrap(),
                DType::F32 => {
                    let values: Vec<f32> = values.into_iter().map(|v| v as f32).collect();
                    Buffer::from_slice(Device::cpu(), &values).unwrap()
                }
                DType::U32 => {
                    let place = |v: f64| ((v + 1.0) / 2.0 * f64::from(rows)) as u32;
                    let values: Vec<u32> = values.into_iter().map(place).collect();
                    Buffer::from_slice(Device::cpu(), &values).unwrap()
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

/// An encoder and a decoder with attention over padded sequences, with all their parameters.
pub(crate) struct Translation<'g> {
    pub loss: Var<'g>,
    pub parameters: Vec<Var<'g>>,
}

/// Length 5, vocabulary 300, 24 units; masks keep about half of the steps.
pub(crate) fn translation(graph: &Graph, cell: Cell, batch: usize) -> Translation<'_> {
    const LENGTH: usize = 5;
    const VOCABULARY: usize = 300;
    const UNITS: usize = 24;
    let gates = cell.blocks() * UNITS;
    let p = |shape: &[usize]| graph.input("p", shape).mul_scalar(0.3);
    let inputs = [[VOCABULARY, UNITS], [UNITS, gates], [UNITS, gates], [UNITS, gates]];
    let [table, read, carried, again] = inputs.map(|shape| p(&shape));
    let inputs = [[UNITS, gates], [UNITS, UNITS], [UNITS, gates], [UNITS, VOCABULARY]];
    let [context, query, given, out] = inputs.map(|shape| p(&shape));
    let (score, bias) = (p(&[UNITS]), p(&[VOCABULARY]));
    let index = |name| graph.index_input(name, &[LENGTH, batch]);
    let (source, target) = (index("source"), index("target"));
    let drawn = draws(9, LENGTH * batch);
    let mask: Vec<f64> = drawn.iter().map(|v| f64::from(u8::from(*v > 0.0))).collect();
    let mask = graph.constant(&mask, &[LENGTH, batch]).unwrap();
    let zeros = graph.full(0.0, &[batch, UNITS]);
    let layer = |input, weight, state| {
        let layer = Recurrence::new(cell, input, weight, state);
        if cell == Cell::Lstm { layer.with_memory(zeros) } else { layer }
    };
    let x = table.gather(source).unwrap();
    let input = x.linear(read, None).unwrap();
    let encoded = layer(input, carried, zeros).with_mask(mask).reversed().run().unwrap();
    let values = encoded.states.transpose(0, 1).unwrap();
    let attention = Attention {
        keys: values,
        values,
        query,
        score,
        weight: context,
        mask: Some(mask.transpose(0, 1).unwrap()),
    };
    let input = table.gather(target).unwrap().linear(given, None).unwrap();
    let decoder = layer(input, again, encoded.last).with_attention(attention).run().unwrap();
    let logits = decoder.states.linear(out, Some(bias)).unwrap();
    let loss = logits.cross_entropy(target).unwrap().mean_all();
    let parameters = vec![table, read, carried, again, context, query, given, out, score, bias];
    Translation { loss, parameters }
}
