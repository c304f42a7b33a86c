//! What planning does, and that it never changes a value.

use autodiff::{DType, Graph, Program, Var};
use proptest::prelude::*;

use super::support::{buffers, run};

fn outputs(program: &mut Program) -> Vec<Vec<f64>> {
    let count = program.outputs();
    let mut inputs = buffers(program, 11, 3);
    run(program, &mut inputs);
    (0..count).map(|i| program.output(i).to_vec().unwrap()).collect()
}

#[test]
fn an_elementwise_chain_is_one_step_without_memory() {
    let graph = Graph::new(DType::F64);
    let (x, bias) = (graph.input("x", &[50, 40]), graph.input("b", &[40]));
    let y = x.add(bias).unwrap().tanh().mul_scalar(2.0).add(x).unwrap().sigmoid();
    let program = graph.compile(&[y]).unwrap();
    assert_eq!((program.steps(), program.peak_bytes()), (1, 50 * 40 * 8));
}

#[test]
fn dead_and_equal_nodes_cost_nothing() {
    let graph = Graph::new(DType::F64);
    let (x, y) = (graph.input("x", &[4, 4]), graph.input("y", &[4, 4]));
    let _unused = x.matmul(x).unwrap();
    let (first, second) = (x.matmul(y).unwrap(), x.matmul(y).unwrap());
    let sum = first.add(second).unwrap();
    assert_eq!(graph.compile(&[sum]).unwrap().steps(), 2);
}

#[test]
fn values_that_do_not_meet_share_memory() {
    let graph = Graph::new(DType::F64);
    let x = graph.input("x", &[32, 32]);
    let mut y = x;
    for _ in 0..20 {
        y = y.matmul(x).unwrap();
    }
    let program = graph.compile(&[y.sum_all()]).unwrap();
    assert_eq!(program.peak_bytes(), 2 * 32 * 32 * 8 + 8);
}

/// One random operation on earlier nodes, all of shape [3, 4].
fn grow<'g>(graph: &'g Graph, nodes: &[Var<'g>], choice: (u8, usize, usize)) -> Var<'g> {
    let (op, a, b) = (choice.0, nodes[choice.1 % nodes.len()], nodes[choice.2 % nodes.len()]);
    match op {
        0 => a.add(b),
        1 => a.mul(b),
        2 => a.sub(b.mul_scalar(0.5)),
        3 => Ok(a.tanh()),
        4 => Ok(a.sigmoid()),
        5 => a.maximum(b),
        6 => a.softmax(1),
        7 => a.matmul(b.transpose(0, 1).unwrap()).unwrap().matmul(b),
        8 => a.sub(b.sum(&[0], true).unwrap()),
        9 => a.reshape(&[4, 3]).unwrap().transpose(0, 1),
        10 => graph.concat(&[a.slice(1, 2..4).unwrap(), b.slice(1, 0..2).unwrap()], 1),
        11 => a.mul(b.slice(0, 1..2).unwrap()),
        12 => Ok(a.square().add_scalar(1.0).sqrt()),
        _ => a.mul(b.max(&[1], true).unwrap()),
    }
    .unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..Default::default() })]

    /// A node compiled among all the others has the same bits as compiled alone, where nothing can
    /// be fused or overwritten that the larger program fuses or overwrites.
    #[test]
    fn planning_keeps_every_value(
        choices in prop::collection::vec((0u8..14, 0usize..40, 0usize..40), 1..30),
        wanted in prop::collection::vec(0usize..40, 1..4),
    ) {
        let graph = Graph::new(DType::F64);
        let mut nodes = vec![graph.input("x", &[3, 4]), graph.input("y", &[3, 4])];
        for choice in choices {
            nodes.push(grow(&graph, &nodes, choice));
        }
        let all = outputs(&mut graph.compile(&nodes).unwrap());
        let wanted: Vec<usize> = wanted.into_iter().map(|i| i % nodes.len()).collect();
        let some: Vec<Var<'_>> = wanted.iter().map(|&i| nodes[i]).collect();
        let few = outputs(&mut graph.compile(&some).unwrap());
        for (found, &node) in few.iter().zip(&wanted) {
            for (a, b) in found.iter().zip(&all[node]) {
                prop_assert_eq!(a.to_bits(), b.to_bits());
            }
        }
    }

    /// Updates written in place equal the same values computed as outputs.
    #[test]
    fn assignments_equal_outputs(
        choices in prop::collection::vec((0u8..14, 0usize..40, 0usize..40), 1..20),
        values in (0usize..40, 0usize..40),
    ) {
        let graph = Graph::new(DType::F64);
        let mut nodes = vec![graph.input("x", &[3, 4]), graph.input("y", &[3, 4])];
        for choice in choices {
            nodes.push(grow(&graph, &nodes, choice));
        }
        let new = [nodes[values.0 % nodes.len()], nodes[values.1 % nodes.len()]];
        let wanted = outputs(&mut graph.compile(&new).unwrap());
        graph.assign(nodes[0], new[0]).unwrap();
        graph.assign(nodes[1], new[1]).unwrap();
        let mut program = graph.compile(&[]).unwrap();
        let mut inputs = buffers(&program, 11, 3);
        run(&mut program, &mut inputs);
        for (found, wanted) in inputs.iter().zip(wanted) {
            let found = found.to_vec::<f64>().unwrap();
            prop_assert!(found.iter().zip(&wanted).all(|(a, b)| a.to_bits() == b.to_bits()));
        }
    }
}
