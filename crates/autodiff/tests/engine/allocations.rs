//! A replay allocates nothing.
#![expect(unsafe_code, reason = "an allocator that counts")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell as Counter;

use autodiff::{Cell, DType, Graph};

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
