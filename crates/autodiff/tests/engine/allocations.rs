//! A replay allocates nothing.
#![expect(unsafe_code, reason = "an allocator that counts")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell as Counter;

use autodiff::{Cell, Conv2d, DType, Graph, LocalResponseNorm, Pool2d, Var};

use super::support::{buffers, memory_network, translation};

struct Counting;

thread_local! {
    static COUNT: Counter<usize> = const { Counter::new(0) };
}

// SAFETY: every request goes to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.with(|count| count.set(count.get() + 1));
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn a_training_step_replays_without_allocating() {
    let graph = Graph::new(DType::F32);
    let model = memory_network(&graph, 20);
    let gradient = graph.grad(model.loss, &[model.table]).unwrap()[0];
    let rows = graph.row_sparse(gradient).unwrap().unwrap();
    let moved = model.table.gather(rows.indices).unwrap();
    let moved = moved.sub(rows.rows.mul_scalar(0.1)).unwrap();
    graph.assign_rows(model.table, rows.indices, moved).unwrap();
    let mut program = graph.compile(&[model.loss, gradient]).unwrap();
    let mut buffers = buffers(&program, 1, 7);
    let mut inputs: Vec<_> = buffers.iter_mut().collect();
    program.run(&mut inputs).unwrap();
    let before = COUNT.with(Counter::get);
    program.run(&mut inputs).unwrap();
    assert_eq!(COUNT.with(Counter::get) - before, 0);
    assert!(before > 0);
}

#[test]
fn a_step_of_recurrent_layers_replays_without_allocating() {
    for cell in [Cell::Lstm, Cell::Gru] {
        let graph = Graph::new(DType::F32);
        let model = translation(&graph, cell, 20);
        let gradients = graph.grad(model.loss, &model.parameters).unwrap();
        let mut outputs = gradients;
        outputs.push(model.loss);
        let mut program = graph.compile(&outputs).unwrap();
        let mut buffers = buffers(&program, 1, 300);
        let mut inputs: Vec<_> = buffers.iter_mut().collect();
        program.run(&mut inputs).unwrap();
        let before = COUNT.with(Counter::get);
        for _ in 0..3 {
            program.run(&mut inputs).unwrap();
        }
        assert_eq!(COUNT.with(Counter::get) - before, 0, "{cell:?}");
    }
}

/// A small network of convolutions of every kind, its loss, and an update of all its parameters.
fn convolutions(graph: &Graph) -> Var<'_> {
    let images = graph.input("images", &[2, 3, 45, 45]);
    let targets = graph.index_input("targets", &[2]);
    let shapes: [&[usize]; 4] = [&[16, 3, 7, 7], &[32, 8, 5, 5], &[16, 32, 3, 3], &[256, 7]];
    let w = shapes.map(|shape| graph.input("w", shape));
    let bias = graph.input("b", &[32]);
    let strided = Conv2d { stride: [2, 2], ..Conv2d::default() };
    let grouped = Conv2d { padding: [2, 2], groups: 2, ..Conv2d::default() };
    let padded = Conv2d { padding: [1, 1], ..Conv2d::default() };
    let pool = Pool2d { kernel: [3, 3], stride: [2, 2], padding: [0, 0] };
    let x = images.conv2d_relu(w[0], None, strided).unwrap();
    let x = x.local_response_norm(LocalResponseNorm::default()).unwrap();
    let x = x.conv2d_relu(w[1], Some(bias), grouped).unwrap().max_pool2d(pool).unwrap();
    let x = x.conv2d_relu(w[2], None, padded).unwrap().avg_pool2d(Pool2d::of(2)).unwrap();
    let x = x.reshape(&[2, 256]).unwrap();
    let gram = x.gram().unwrap().sum_all().mul_scalar(1e-9);
    let loss = x.matmul(w[3]).unwrap().cross_entropy(targets).unwrap().mean_all();
    let loss = loss.add(gram).unwrap();
    let parameters = [&w[..], &[bias]].concat();
    for (&p, g) in parameters.iter().zip(graph.grad(loss, &parameters).unwrap()) {
        graph.assign(p, p.sub(g.mul_scalar(1e-3)).unwrap()).unwrap();
    }
    loss
}

#[test]
fn a_step_of_convolutions_replays_without_allocating() {
    // One thread, since allocations are counted by thread.
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    pool.install(|| {
        let graph = Graph::new(DType::F32);
        let loss = convolutions(&graph);
        let mut program = graph.compile(&[loss]).unwrap();
        let mut buffers = buffers(&program, 1, 7);
        let mut inputs: Vec<_> = buffers.iter_mut().collect();
        program.run(&mut inputs).unwrap();
        program.run(&mut inputs).unwrap();
        let before = COUNT.with(Counter::get);
        program.run(&mut inputs).unwrap();
        assert_eq!(COUNT.with(Counter::get) - before, 0);
        assert!(before > 0);
    });
}
