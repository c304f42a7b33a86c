//! Outer products that are only added into a table, taken into the kernel that does so.

use std::any::Any;
use std::collections::HashMap;

use super::absorb::{readers, whole};
use super::{Home, Place, Unit, Work, Worklist};
use crate::Op;
use crate::ops::{MatMul, ScatterAdd};

/// Where the rows added into a table are a sum of outer products that nothing else reads, the kernel
/// takes their factors, and the rows are never written.
pub(crate) fn take(list: &mut Worklist) {
    let readers = readers(list);
    let mut units: Vec<Option<Unit>> =
        std::mem::take(&mut list.units).into_iter().map(Some).collect();
    let makers: HashMap<usize, usize> =
        (0..units.len()).filter_map(|at| Some((units[at].as_ref()?.value, at))).collect();
    for at in 0..units.len() {
        let Some(unit) = &units[at] else { continue };
        let Some(scatter) = kernel::<ScatterAdd>(unit) else { continue };
        let mut rows = &unit.reads[0];
        let (mut taken, mut factors) = (Vec::new(), Vec::new());
        while let Some(&maker) = makers.get(&rows.value) {
            let Some(product) = &units[maker] else { break };
            let alone = readers.get(&rows.value) == Some(&1)
                && list.values[rows.value].home == Home::Computed;
            if !alone || !whole(rows, product) || !is_outer(product) {
                break;
            }
            taken.push(maker);
            factors.extend_from_slice(&product.reads[..2]);
            match product.reads.get(2) {
                Some(term) => rows = term,
                None => break,
            }
        }
        let all = taken
            .last()
            .is_some_and(|&last| units[last].as_ref().is_some_and(|unit| unit.reads.len() == 2));
        let width: usize = unit.shape[1..].iter().product();
        let indices = &unit.reads[1];
        let fits =
            factors.get(1).is_some_and(|row: &Place| row.layout.shape.last() == Some(&width));
        if !all || !fits || !scatter.takes_products(taken.len(), width, &indices.layout.shape) {
            continue;
        }
        factors.push(indices.clone());
        taken.iter().for_each(|&maker| units[maker] = None);
        if let Some(unit) = &mut units[at] {
            unit.reads = factors;
        }
    }
    list.units = units.into_iter().flatten().collect();
}

/// A unit's operation, if it is of this kind.
fn kernel<O: Op>(unit: &Unit) -> Option<&O> {
    match &unit.work {
        Work::Kernel(op) => (op.as_ref() as &dyn Any).downcast_ref(),
        Work::Micro(_) => None,
    }
}

/// Whether the unit is a product of columns and contiguous rows, plus a term or not.
fn is_outer(unit: &Unit) -> bool {
    let [_, row, ..] = &unit.reads[..] else { return false };
    let rank = row.layout.shape.len();
    kernel::<MatMul>(unit).is_some()
        && row.layout.shape[rank - 2] == 1
        && (row.layout.strides[rank - 1] == 1 || row.layout.shape[rank - 1] == 1)
}

#[cfg(test)]
mod tests {
    use crate::{Buffer, DType, Device, Graph, Program};

    const ROWS: usize = 5;

    /// The gradient of a table that is read `hops` times in each of two ways, as of a memory network;
    /// with `shown`, what is added to the table is an output too.
    fn program(hops: usize, width: usize, shown: bool) -> Program {
        let (batch, memories) = (3, 4);
        let graph = Graph::new(DType::F32);
        let table = graph.input("table", &[ROWS, width]);
        let words = graph.index_input("words", &[batch, memories, 2]);
        let mut state = graph.input("state", &[batch, width]);
        let bags = table.embedding_bag(words, Some(1)).unwrap();
        for _ in 0..hops {
            let scores = bags.matmul(state.reshape(&[batch, width, 1]).unwrap()).unwrap();
            let weights = scores.tanh().transpose(1, 2).unwrap();
            let read = weights.matmul(bags).unwrap();
            state = state.add(read.reshape(&[batch, width]).unwrap()).unwrap();
        }
        let loss = state.mul(state).unwrap().sum_all();
        let gradients = graph.grad(loss, &[table, bags]).unwrap();
        let outputs = if shown { &gradients[..] } else { &gradients[..1] };
        graph.compile(outputs).unwrap()
    }

    #[test]
    fn sums_of_products_added_to_a_table_are_never_written() {
        for (hops, width) in [(1, 3), (1, 16), (2, 50), (4, 70), (5, 20)] {
            let number = |i: usize| ((i * 37) % 101) as f32 / 50.0 - 1.0;
            let buffer = |len: usize| {
                let values: Vec<f32> = (0..len).map(number).collect();
                Buffer::from_slice(Device::cpu(), &values)
            };
            let words: Vec<u32> = (0..24).map(|i| i * i * 7 % ROWS as u32).collect();
            let run = |mut program: Program| {
                let mut table = buffer(ROWS * width);
                let mut words = Buffer::from_slice(Device::cpu(), &words);
                let mut state = buffer(3 * width);
                program.run(&mut [&mut table, &mut words, &mut state]).unwrap();
                (program.output(0).to_vec::<f32>().unwrap(), program.steps())
            };
            let (alone, steps) = run(program(hops, width, false));
            let (shown, all) = run(program(hops, width, true));
            assert_eq!(alone, shown, "{hops} hops, {width}");
            // Products are taken up to a number; two come with each hop.
            let taken = if hops <= 4 { 2 * hops } else { 0 };
            assert_eq!(all - steps, taken, "{hops} hops, {width}");
        }
    }
}
