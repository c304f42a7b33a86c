//! The number of threads does not change a bit.

use autodiff::{DType, Graph};

use super::support::{buffers, run};

fn bits_with(threads: usize) -> Vec<u32> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    pool.install(|| {
        let graph = Graph::new(DType::F32);
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
        let mut program = graph.compile(&outputs).unwrap();
        let mut inputs = buffers(&program, 1, 1);
        run(&mut program, &mut inputs);
        (0..outputs.len())
            .flat_map(|i| program.output(i).to_vec::<f32>().unwrap())
            .map(f32::to_bits)
            .collect()
    })
}

#[test]
fn one_two_and_three_threads_agree() {
    let one = bits_with(1);
    assert!(one == bits_with(2) && one == bits_with(3));
}
