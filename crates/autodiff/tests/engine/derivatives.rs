//! Derivatives of whole models against differences.

use autodiff::{Buffer, DType, Device, Domain, Error, Graph, Var, check_grad};

use super::support::{buffers, draws, run};

/// Two tanh layers and a cross-entropy; parameters are views of one flat input.
fn mlp<'g>(graph: &'g Graph, flat: Var<'g>) -> Result<Var<'g>, Error> {
    let x = graph.constant(&draws(1, 5 * 3), &[5, 3])?;
    let targets = graph.index_constant(&[0, 1, 1, 0, 1], &[5])?;
    let first = flat.slice(0, 0..12)?.reshape(&[3, 4])?;
    let bias = flat.slice(0, 12..16)?;
    let second = flat.slice(0, 16..24)?.reshape(&[4, 2])?;
    let hidden = x.matmul(first)?.add(bias)?.tanh();
    Ok(hidden.matmul(second)?.cross_entropy(targets)?.mean_all())
}

#[test]
fn hessian_vector_product_of_an_mlp_is_the_difference_of_its_gradients() {
    let graph = Graph::new(DType::F64);
    let (w, v) = (graph.input("w", &[24]), graph.input("v", &[24]));
    let loss = mlp(&graph, w).unwrap();
    let gradient = graph.grad(loss, &[w]).unwrap()[0];
    let product = graph.hvp(loss, &[w], &[v]).unwrap()[0];
    let mut program = graph.compile(&[gradient, product]).unwrap();
    let (point, direction) = (draws(2, 24), draws(3, 24));
    let mut at = |step: f64| {
        let moved: Vec<f64> = point.iter().zip(&direction).map(|(w, v)| w + step * v).collect();
        let mut inputs =
            [&moved, &direction].map(|x| Buffer::from_slice(Device::cpu(), x).unwrap());
        run(&mut program, &mut inputs);
        [0, 1].map(|i| program.output(i).to_vec::<f64>().unwrap())
    };
    let ([ahead, _], [behind, _], [_, product]) = (at(1e-5), at(-1e-5), at(0.0));
    for ((ahead, behind), product) in ahead.iter().zip(behind).zip(product) {
        assert!(((ahead - behind) / 2e-5 - product).abs() < 1e-9);
    }
}

#[test]
fn gradients_of_views_are_the_parts_of_the_whole_one() {
    let graph = Graph::new(DType::F64);
    let w = graph.input("w", &[6]);
    let parts = [w.slice(0, 0..2).unwrap(), w.slice(0, 2..6).unwrap().reshape(&[2, 2]).unwrap()];
    let loss = parts[0].matmul_row(parts[1]).tanh().sum_all();
    let mut wrt = vec![w];
    wrt.extend(parts);
    let gradients = graph.grad(loss, &wrt).unwrap();
    let mut program = graph.compile(&gradients).unwrap();
    let mut inputs = buffers(&program, 5, 1);
    run(&mut program, &mut inputs);
    let [whole, first, second] = [0, 1, 2].map(|i| program.output(i).to_vec::<f64>().unwrap());
    assert_eq!(whole, [first, second].concat());
    assert!(whole.iter().all(|&g| g != 0.0));
}

trait Row<'g> {
    fn matmul_row(self, matrix: Var<'g>) -> Var<'g>;
}

impl<'g> Row<'g> for Var<'g> {
    fn matmul_row(self, matrix: Var<'g>) -> Var<'g> {
        self.reshape(&[1, 2]).unwrap().matmul(matrix).unwrap()
    }
}

#[test]
fn an_independent_variable_has_a_gradient_of_zeros() {
    let graph = Graph::new(DType::F32);
    let (x, y) = (graph.input("x", &[2]), graph.input("y", &[2, 3]));
    let gradient = graph.grad(x.sum_all(), &[y]).unwrap()[0];
    assert_eq!(gradient.shape(), [2, 3]);
    let mut program = graph.compile(&[gradient]).unwrap();
    let mut inputs = buffers(&program, 5, 1);
    run(&mut program, &mut inputs);
    assert_eq!(program.output(0).to_vec::<f32>().unwrap(), [0.0; 6]);
}

#[test]
fn third_order() {
    let graph = Graph::new(DType::F64);
    let x = graph.input("x", &[]);
    let mut y = x.exp().mul(x.square()).unwrap();
    for _ in 0..3 {
        y = graph.grad(y, &[x]).unwrap()[0];
    }
    let mut program = graph.compile(&[y]).unwrap();
    program.run(&mut [&mut Buffer::from_slice(Device::cpu(), &[0.5f64]).unwrap()]).unwrap();
    let found = program.output(0).to_vec::<f64>().unwrap()[0];
    // (x^2 + 6 x + 6) e^x
    assert!((found - 9.25 * 0.5f64.exp()).abs() < 1e-13);
}

#[test]
fn a_recurrent_chain_and_a_composed_model_pass_the_check() {
    check_grad(&[&[3, 3], &[2, 3]], Domain::REAL, |_, x| {
        let mut state = x[1];
        for _ in 0..4 {
            state = state.matmul(x[0].mul_scalar(0.5))?.tanh();
        }
        Ok(state)
    })
    .unwrap();
    check_grad(&[&[24]], Domain::REAL, |graph, x| mlp(graph, x[0])).unwrap();
}

#[test]
fn errors_name_the_operation_and_both_shapes() {
    let (graph, other) = (Graph::new(DType::F64), Graph::new(DType::F64));
    let x = graph.input("x", &[2, 3]);
    let shapes = |error: Error| match error {
        Error::Shapes { op, left, right, .. } => (op, left, right),
        other => panic!("{other}"),
    };
    let y = graph.input("y", &[4]);
    assert_eq!(shapes(x.add(y).unwrap_err()), ("add", vec![2, 3], vec![4]));
    assert_eq!(shapes(x.matmul(y).unwrap_err()), ("matmul", vec![2, 3], vec![4]));
    assert_eq!(shapes(x.reshape(&[5]).unwrap_err()), ("reshape", vec![2, 3], vec![5]));
    let targets = graph.index_input("t", &[3]);
    let found = shapes(x.cross_entropy(targets).unwrap_err());
    assert_eq!(found, ("cross_entropy", vec![2, 3], vec![3]));
    assert!(matches!(graph.grad(x, &[x]), Err(Error::Shape { op: "grad", .. })));
    let stranger = other.input("z", &[2, 3]);
    assert_eq!(x.add(stranger).unwrap_err(), Error::ForeignGraph { op: "add" });
    assert!(matches!(x.gather(y), Err(Error::Type { op: "gather", .. })));
}
