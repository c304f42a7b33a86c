//! Products of few terms that are read once: large results of little work, better never written.

use super::target::Target;
use super::units::Units;
use super::worklist::{Unit, View, Work, Worklist};

/// Terms of a deferred product at most, and elements of its result from which it is worth it.
const FEW: usize = 16;
const LARGE: usize = 1 << 18;

/// Where the rows added into a table are a sum of outer products that nothing else reads, the kernel
/// takes their factors, and the rows are never written.
pub(crate) fn take(list: &mut Worklist, target: &dyn Target) {
    let mut all = Units::of(list);
    for at in 0..all.units.len() {
        let Some(unit) = &all.units[at] else { continue };
        let (Work::Kernel(op), [first, others @ ..]) = (&unit.work, &unit.reads[..]) else {
            continue;
        };
        let Some((taken, mut factors)) = products(first, &all, list) else { continue };
        let inputs: Vec<_> = unit.reads.iter().map(|view| &view.layout).collect();
        let width = unit.shape.iter().skip(1).product();
        let fits = factors[1].layout.shape.last() == Some(&width);
        if !fits || !target.takes_products(&**op, taken.len(), width, &inputs) {
            continue;
        }
        factors.extend_from_slice(others);
        taken.iter().for_each(|&maker| all.units[maker] = None);
        if let Some(unit) = &mut all.units[at] {
            unit.reads = factors;
        }
    }
    all.give_back(list);
}

/// The units whose outer products add up to what a view holds, made for it alone, and the factors.
fn products(view: &View, all: &Units, list: &Worklist) -> Option<(Vec<usize>, Vec<View>)> {
    let (mut taken, mut factors) = (Vec::new(), Vec::new());
    let mut term = Some(view);
    while let Some(view) = term {
        let (maker, product) = all.made_for(view, list)?;
        if !is_outer(product) {
            return None;
        }
        taken.push(maker);
        factors.extend_from_slice(&product.reads[..2]);
        term = product.reads.get(2);
    }
    Some((taken, factors))
}

/// A large matrix that is a sum of few outer products and read by one elementwise unit alone, such as
/// the gradient of a full layer's weights by their update, is computed where it is read.
pub(crate) fn defer(list: &mut Worklist, target: &dyn Target) {
    if !target.fuses_products() {
        return;
    }
    let mut all = Units::of(list);
    for at in 0..all.units.len() {
        let Some(reader) = &all.units[at] else { continue };
        if !matches!(reader.work, Work::Elementwise(_)) {
            continue;
        }
        let made = reader.reads.iter().filter_map(|view| all.made_for(view, list));
        let deferred: Vec<usize> = made
            .filter(|(_, product)| product.shape == reader.shape && is_large_outer(product))
            .map(|(maker, _)| maker)
            .collect();
        for maker in deferred {
            if let Some(product) = &mut all.units[maker] {
                product.work = Work::Product;
            }
        }
    }
    all.give_back(list);
}

/// Whether the unit is a large product of few columns and contiguous rows.
fn is_large_outer(unit: &Unit) -> bool {
    let (true, [left, right]) = (is_product(unit), &unit.reads[..]) else { return false };
    let (&[m, k], &[_, n]) = (&left.layout.shape[..], &right.layout.shape[..]) else {
        return false;
    };
    k <= FEW && m * n >= LARGE && right.layout.strides[1] == 1
}

fn is_product(unit: &Unit) -> bool {
    matches!(&unit.work, Work::Kernel(op) if op.product())
}

/// Whether the unit is a product of columns and contiguous rows, plus a term or not.
fn is_outer(unit: &Unit) -> bool {
    let [_, row, ..] = &unit.reads[..] else { return false };
    let rank = row.layout.shape.len();
    is_product(unit)
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
                Buffer::from_slice(Device::cpu(), &values).unwrap()
            };
            let words: Vec<u32> = (0..24).map(|i| i * i * 7 % ROWS as u32).collect();
            let run = |mut program: Program| {
                let mut table = buffer(ROWS * width);
                let mut words = Buffer::from_slice(Device::cpu(), &words).unwrap();
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
            let number = |i: usize| T::from_f64(((i * 37) % 101) as f64 / 500.0 - 0.1);
            Buffer::from_slice(Device::cpu(), &(0..len).map(number).collect::<Vec<T>>()).unwrap()
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
                        .unwrap()
                };
                let (mut w, mut a) = (numbers(m * n), numbers(k * k));
                program.run(&mut [&mut w, &mut a]).unwrap();
                w.to_vec::<f32>().unwrap()
            };
            assert!(run(false) == run(true), "{m} by {k} by {n}");
        }
    }
}
