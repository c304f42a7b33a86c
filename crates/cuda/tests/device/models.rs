//! Models of the papers' kinds: embeddings and memories, encoders and decoders with attention.

use autodiff::{Buffer, Cell, DType, Device, Graph, Program};

use crate::engine::{buffers, memory_network, run, translation};
use crate::support::{agree, devices, moved, near, wide};

#[test]
fn recurrent_layers_with_attention_by_their_definitions() {
    for cell in [Cell::Lstm, Cell::Gru] {
        for dtype in [DType::F32, DType::F64] {
            let graph = Graph::new(dtype);
            let model = translation(&graph, cell, 3);
            let gradients = graph.grad(model.loss, &model.parameters).unwrap();
            let outputs = [&[model.loss][..], &gradients].concat();
            let given = buffers(&graph.compile(&[model.loss]).unwrap(), 5, 300);
            agree(&format!("{cell:?} in {dtype:?}"), &graph, &outputs, &given);
        }
    }
}

/// A step of a memory network whose table is assigned as a whole, or the rows that were read.
fn step(sparse: bool) -> Program {
    let graph = Graph::new(DType::F64);
    let model = memory_network(&graph, 20);
    let gradient = graph.grad(model.loss, &[model.table]).unwrap()[0];
    if sparse {
        let sparse = graph.row_sparse(gradient).unwrap().unwrap();
        let old = model.table.gather(sparse.indices).unwrap();
        let new = old.sub(sparse.rows.mul_scalar(0.1)).unwrap();
        graph.assign_rows(model.table, sparse.indices, new).unwrap();
    } else {
        let new = model.table.sub(gradient.mul_scalar(0.1)).unwrap();
        graph.assign(model.table, new).unwrap();
    }
    graph.compile(&[model.loss]).unwrap()
}

/// The table after four steps.
fn trained(device: Device, sparse: bool) -> Vec<f64> {
    let mut program = device.scope(|| step(sparse));
    let given = buffers(&program, 3, 9);
    let mut inputs: Vec<Buffer> = given.iter().map(|buffer| moved(buffer, device)).collect();
    (0..4).for_each(|_| run(&mut program, &mut inputs));
    wide(&inputs[0])
}

#[test]
fn a_memory_network_learns_by_rows_as_by_tables() {
    let wanted = trained(reference::device(), false);
    for device in devices() {
        for sparse in [false, true] {
            near("table", &trained(device, sparse), &wanted, DType::F64);
        }
    }
}
