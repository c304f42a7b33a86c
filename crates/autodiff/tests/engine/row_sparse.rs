//! Gradients of tables as rows.

use autodiff::{DType, Graph};

use super::support::{buffers, memory_network, run};

#[test]
fn rows_equal_the_dense_gradient() {
    let graph = Graph::new(DType::F64);
    let model = memory_network(&graph, 20);
    let gradient = graph.grad(model.loss, &[model.table]).unwrap()[0];
    let sparse = graph.row_sparse(gradient).unwrap().unwrap();
    assert_eq!((sparse.table_rows, sparse.indices.shape()[0]), (20, 4 * 3 * 5 + 4 * 2));
    let scattered = sparse.rows.scatter_add(sparse.indices, 20).unwrap();
    let mut program = graph.compile(&[gradient, scattered, sparse.indices]).unwrap();
    let mut inputs = buffers(&program, 3, 9);
    run(&mut program, &mut inputs);
    let [dense, sparse] = [0, 1].map(|i| program.output(i).to_vec::<f64>().unwrap());
    for (a, b) in dense.iter().zip(sparse) {
        assert!((a - b).abs() < 1e-15);
    }
    let indices = program.output(2).to_vec::<u32>().unwrap();
    let used = indices.iter().position(|&index| index == u32::MAX).unwrap();
    assert!(indices[..used].windows(2).all(|pair| pair[0] < pair[1]) && used <= 9);
    assert!(indices[used..].iter().all(|&index| index == u32::MAX));
}

/// Steps and bytes of a training step over tables of some size.
fn step_size(rows: usize) -> (usize, usize) {
    let graph = Graph::new(DType::F32);
    let model = memory_network(&graph, rows);
    let gradient = graph.grad(model.loss, &[model.table]).unwrap()[0];
    let sparse = graph.row_sparse(gradient).unwrap().unwrap();
    let old = model.table.gather(sparse.indices).unwrap();
    let new = old.sub(sparse.rows.mul_scalar(0.1)).unwrap();
    graph.assign_rows(model.table, sparse.indices, new).unwrap();
    let program = graph.compile(&[model.loss]).unwrap();
    (program.steps(), program.peak_bytes())
}

#[test]
fn a_step_is_as_small_for_a_large_table() {
    assert_eq!(step_size(30), step_size(3_000_000));
}

#[test]
fn a_row_step_equals_a_dense_step() {
    let trained = |sparse: bool| {
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
        let mut program = graph.compile(&[model.loss]).unwrap();
        let mut inputs = buffers(&program, 3, 9);
        for _ in 0..3 {
            run(&mut program, &mut inputs);
        }
        inputs[0].to_vec::<f64>().unwrap()
    };
    for (a, b) in trained(true).iter().zip(trained(false)) {
        assert!((a - b).abs() < 1e-14);
    }
}

#[test]
fn a_table_used_otherwise_is_dense() {
    let graph = Graph::new(DType::F64);
    let model = memory_network(&graph, 20);
    let loss = model.loss.add(model.table.square().sum_all()).unwrap();
    let gradient = graph.grad(loss, &[model.table]).unwrap()[0];
    assert!(graph.row_sparse(gradient).unwrap().is_none());
}
