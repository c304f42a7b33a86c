//! The number of threads does not change a bit.

use autodiff::{Cell, Conv2d, ConvMethod, DType, Graph, LocalResponseNorm, Pool2d, Var};

use super::support::{buffers, run, translation};

/// Bits of what `build` returns, replayed by a pool of some threads.
fn bits_with(threads: usize, rows: u32, build: impl Fn(&Graph) -> Vec<Var<'_>> + Sync) -> Vec<u32> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    pool.install(|| {
        let graph = Graph::new(DType::F32);
        let outputs = build(&graph);
        let mut program = graph.compile(&outputs).unwrap();
        let mut inputs = buffers(&program, 1, rows);
        run(&mut program, &mut inputs);
        (0..outputs.len())
            .flat_map(|i| program.output(i).to_vec::<f32>().unwrap())
            .map(f32::to_bits)
            .collect()
    })
}

fn same_bits(rows: u32, build: impl Fn(&Graph) -> Vec<Var<'_>> + Sync) {
    let one = bits_with(1, rows, &build);
    assert!(one.iter().any(|&bits| bits != one[0]));
    for threads in [2, 3, 7] {
        assert!(one == bits_with(threads, rows, &build), "{threads} threads");
    }
}

#[test]
fn of_products_and_reductions() {
    same_bits(1, |graph| {
        let (a, b) = (graph.input("a", &[600, 500]), graph.input("b", &[500, 700]));
        let batch = graph.input("c", &[40, 60, 80]);
        let product = a.matmul(b).unwrap().tanh();
        let gram = batch.matmul(batch.transpose(1, 2).unwrap()).unwrap();
        let loss = product.square().sum_all().add(gram.softmax(2).unwrap().sum_all()).unwrap();
        let mut outputs = graph.grad(loss, &[a, b, batch]).unwrap();
        outputs.extend([
            loss,
            product.sum(&[0], false).unwrap(),
            product.sum(&[1], false).unwrap(),
        ]);
        outputs.push(product.max(&[0], false).unwrap());
        outputs
    });
}

#[test]
fn of_convolutions() {
    let padded = Conv2d { padding: [1, 1], method: ConvMethod::Direct, ..Conv2d::default() };
    let strided = Conv2d { stride: [2, 3], groups: 2, ..Conv2d::default() };
    same_bits(1, |graph| {
        let x = graph.input("x", &[2, 8, 60, 50]);
        let (v, w) = (graph.input("v", &[96, 8, 3, 3]), graph.input("w", &[8, 48, 5, 5]));
        let hidden = x.conv2d(v, padded).unwrap().tanh();
        let y = hidden.conv2d(w, strided).unwrap();
        let mut outputs = graph.grad(y.square().sum_all(), &[x, v, w]).unwrap();
        outputs.push(y);
        outputs
    });
}

#[test]
fn of_convolutions_by_tiles() {
    let padded = Conv2d { padding: [1, 1], method: ConvMethod::Winograd, ..Conv2d::default() };
    let grouped = Conv2d { padding: [0, 2], groups: 2, ..padded };
    same_bits(1, |graph| {
        // Many blocks of tiles in the first, one in the last.
        let x = graph.input("x", &[2, 3, 61, 67]);
        let (u, v) = (graph.input("u", &[40, 3, 3, 3]), graph.input("v", &[8, 20, 3, 3]));
        let (w, b) = (graph.input("w", &[72, 8, 5, 5]), graph.input("b", &[72]));
        let first = x.conv2d_relu(u, None, padded).unwrap();
        let second = first.conv2d(v, grouped).unwrap().avg_pool2d(Pool2d::of(4)).unwrap();
        let y = second.conv2d_relu(w, Some(b), Conv2d { padding: [2, 2], ..padded }).unwrap();
        let mut outputs = graph.grad(y.square().sum_all(), &[x, u, v, w, b]).unwrap();
        outputs.push(y);
        outputs
    });
}

#[test]
fn of_pooling_and_normalisation() {
    let pool = Pool2d { kernel: [3, 3], stride: [2, 2], padding: [1, 1] };
    same_bits(1, |graph| {
        let x = graph.input("x", &[3, 20, 60, 70]);
        let y = x.local_response_norm(LocalResponseNorm::default()).unwrap();
        let (a, b) = (y.max_pool2d(pool).unwrap(), y.avg_pool2d(pool).unwrap());
        let loss = a.mul(b).unwrap().square().sum_all();
        let mut outputs = graph.grad(loss, &[x]).unwrap();
        outputs.extend([a, b]);
        outputs
    });
}

#[test]
fn of_recurrent_layers_and_linear_maps() {
    for cell in [Cell::Lstm, Cell::Gru] {
        same_bits(300, |graph| {
            let model = translation(graph, cell, 60);
            let mut outputs = graph.grad(model.loss, &model.parameters).unwrap();
            outputs.push(model.loss);
            outputs
        });
    }
    same_bits(1, |graph| {
        let (x, w) = (graph.input("x", &[300, 350]), graph.input("w", &[350, 260]));
        let y = x.linear(w, Some(graph.input("b", &[260]))).unwrap();
        let mut outputs = graph.grad(y.square().sum_all(), &[x, w]).unwrap();
        outputs.push(y);
        outputs
    });
}

#[test]
fn of_norms_dropout_and_factors() {
    same_bits(1, |graph| {
        let x = graph.input("x", &[300, 500]);
        let key = graph.index_constant(&[3, 0, 5, 0], &[4]).unwrap();
        let dropped = x.dropout(0.3, key).unwrap().layer_norm(1e-5).unwrap();
        let (gram, normed) = (dropped.gram().unwrap(), x.batch_norm(1e-5).unwrap());
        let identity: Vec<f64> =
            (0..300 * 300).map(|i| f64::from(u8::from(i % 301 == 0))).collect();
        let ridge = gram.add(graph.constant(&identity, &[300, 300]).unwrap()).unwrap();
        let factor = ridge.cholesky().unwrap();
        let loss = factor.sum_all().add(normed.mul(dropped).unwrap().square().sum_all()).unwrap();
        let mut outputs = graph.grad(loss, &[x]).unwrap();
        outputs.extend([gram, normed, factor]);
        outputs
    });
}
