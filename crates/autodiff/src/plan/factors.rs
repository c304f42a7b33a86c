//! Products of few terms that are read once: large results of little work, better never written.

use std::any::Any;
use std::collections::HashMap;

use super::absorb::{readers, whole};
use super::{Home, Place, Unit, Work, Worklist};
use crate::Op;
use crate::exec::skinny;
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

/// A large matrix that is a sum of few outer products and read by one elementwise unit alone, such as
/// the gradient of a full layer's weights by their update, is computed where it is read.
pub(crate) fn defer(list: &mut Worklist) {
    let readers = readers(list);
    let read_by_chain = |unit: &Unit| {
        list.units.iter().any(|reader| {
            matches!(reader.work, Work::Micro(_))
                && reader.shape == unit.shape
                && reader.reads.iter().any(|place| place.value == unit.value && whole(place, unit))
        })
    };
    let suits = |unit: &Unit| {
        let (Some(_), [left, right]) = (kernel::<MatMul>(unit), &unit.reads[..]) else {
            return false;
        };
        let ([m, k], [_, n]) = (&left.layout.shape[..], &right.layout.shape[..]) else {
            return false;
        };
        skinny::is_outer(*m, *k, *n)
            && right.layout.strides[1] == 1
            && readers.get(&unit.value) == Some(&1)
            && list.values[unit.value].home == Home::Computed
            && read_by_chain(unit)
    };
    let deferred: Vec<usize> = (0..list.units.len()).filter(|&at| suits(&list.units[at])).collect();
    deferred.into_iter().for_each(|at| list.units[at].work = Work::Product);
}

/// A unit's operation, if it is of this kind.
fn kernel<O: Op>(unit: &Unit) -> Option<&O> {
    match &unit.work {
        Work::Kernel(op) => (op.as_ref() as &dyn Any).downcast_ref(),
        Work::Micro(_) | Work::Product => None,
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
    use crate::{Buffer, DType, Device, Error, Float, Graph, Program, Var};

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

    /// A step of a layer with momentum; with `shown`, its gradient is an output too.
    fn layer<T: Float>(
        (batch, from, units): (usize, usize, usize),
        shown: bool,
    ) -> Result<Program, Error> {
        let graph = Graph::new(T::DTYPE);
        let x = graph.input("x", &[batch, from]);
        let [w, v] = ["w", "v"].map(|name| graph.input(name, &[from, units]));
        let loss = x.matmul(w)?.tanh().sum_all();
        let gradient: Var<'_> = graph.grad(loss, &[w])?[0];
        let next = v.mul_scalar(0.9).add(gradient)?;
        graph.assign(w, w.sub(next.mul_scalar(0.1))?)?;
        graph.assign(v, next)?;
        let outputs = [loss, gradient];
        graph.compile(if shown { &outputs } else { &outputs[..1] })
    }

    /// Weights and momenta after a step, and the number of its kernels.
    fn trained<T: Float>(shape: (usize, usize, usize), shown: bool) -> (Vec<T>, Vec<T>, usize) {
        let (batch, from, units) = shape;
        let numbers = |len: usize| -> Buffer {
            let number = |i: usize| T::of(((i * 37) % 101) as f64 / 500.0 - 0.1);
            Buffer::from_slice(Device::cpu(), &(0..len).map(number).collect::<Vec<T>>())
        };
        let mut program = layer::<T>(shape, shown).unwrap();
        let mut buffers = [batch * from, from * units, from * units].map(numbers);
        let mut inputs: Vec<&mut Buffer> = buffers.iter_mut().collect();
        program.run(&mut inputs).unwrap();
        let [_, w, v] = &buffers;
        (w.to_vec().unwrap(), v.to_vec().unwrap(), program.steps())
    }

    #[test]
    fn the_gradient_of_a_full_layer_is_computed_where_it_is_read() {
        fn same<T: Float>() {
            for (shape, taken) in [((8, 611, 523), 1), ((1, 513, 1040), 1), ((17, 611, 523), 0)] {
                let (w, v, steps) = trained::<T>(shape, false);
                let (shown_w, shown_v, all) = trained::<T>(shape, true);
                assert!(w == shown_w && v == shown_v, "{shape:?}");
                assert_eq!(all - steps, taken, "{shape:?}");
            }
        }
        same::<f32>();
        same::<f64>();
    }

    /// The weights are a factor of what they are changed by.
    #[test]
    fn weights_are_not_written_while_a_product_still_reads_them() {
        for (m, k, n) in [(16, 16, 20_000), (30_000, 12, 12)] {
            let run = |shown: bool| {
                let graph = Graph::new(DType::F32);
                let w = graph.input("w", &[m, n]);
                let a = graph.input("a", &[k, k]);
                let change = if m == k { a.matmul(w) } else { w.matmul(a) }.unwrap();
                graph.assign(w, w.sub(change.mul_scalar(0.1)).unwrap()).unwrap();
                let mut program =
                    graph.compile(if shown { std::slice::from_ref(&change) } else { &[] }).unwrap();
                let numbers = |len: usize| -> Buffer {
                    let number = |i: usize| ((i * 37) % 101) as f32 / 500.0 - 0.1;
                    Buffer::from_slice(Device::cpu(), &(0..len).map(number).collect::<Vec<f32>>())
                };
                let (mut w, mut a) = (numbers(m * n), numbers(k * k));
                program.run(&mut [&mut w, &mut a]).unwrap();
                w.to_vec::<f32>().unwrap()
            };
            assert!(run(false) == run(true), "{m} by {k} by {n}");
        }
    }
}
