//! Assignments: order, places, and what is written in place.

use autodiff::{Buffer, DType, Device, Error, Graph};

fn f64s(values: &[f64]) -> Buffer {
    Buffer::from_slice(Device::cpu(), values).unwrap()
}

#[test]
fn reads_see_the_values_before_the_run() {
    let graph = Graph::new(DType::F64);
    let (a, b) = (graph.input("a", &[2]), graph.input("b", &[2]));
    graph.assign(a, b).unwrap();
    graph.assign(b, a).unwrap();
    let sum = a.add(b.mul_scalar(10.0)).unwrap();
    let mut program = graph.compile(&[sum, a]).unwrap();
    let (mut first, mut second) = (f64s(&[1.0, 2.0]), f64s(&[3.0, 4.0]));
    program.run(&mut [&mut first, &mut second]).unwrap();
    assert_eq!(program.output(0).to_vec::<f64>().unwrap(), [31.0, 42.0]);
    assert_eq!(program.output(1).to_vec::<f64>().unwrap(), [1.0, 2.0]);
    assert_eq!(first.to_vec::<f64>().unwrap(), [3.0, 4.0]);
    assert_eq!(second.to_vec::<f64>().unwrap(), [1.0, 2.0]);
}

#[test]
fn momentum_is_written_in_place_by_one_chain() {
    let graph = Graph::new(DType::F32);
    let (w, v) = (graph.input("w", &[1000]), graph.input("v", &[1000]));
    let gradient = graph.input("g", &[1000]);
    let velocity = v.mul_scalar(0.5).add(gradient).unwrap();
    graph.assign(v, velocity).unwrap();
    graph.assign(w, w.sub(velocity.mul_scalar(0.25)).unwrap()).unwrap();
    let mut program = graph.compile(&[]).unwrap();
    assert_eq!((program.steps(), program.peak_bytes()), (1, 0));
    let mut buffers =
        [1.0f32, 2.0, 4.0].map(|x| Buffer::from_slice(Device::cpu(), &[x; 1000]).unwrap());
    let [w, v, g] = &mut buffers;
    program.run(&mut [w, v, g]).unwrap();
    assert_eq!(w.to_vec::<f32>().unwrap(), [-0.25; 1000]);
    assert_eq!(v.to_vec::<f32>().unwrap(), [5.0; 1000]);
}

#[test]
fn views_of_one_flat_input_are_updated_apart() {
    let graph = Graph::new(DType::F64);
    let flat = graph.input("flat", &[7]);
    let matrix = flat.slice(0, 1..5).unwrap().reshape(&[2, 2]).unwrap();
    let rest = flat.slice(0, 5..7).unwrap();
    // Transposed against itself: the new values must not be read again.
    graph.assign(matrix, matrix.transpose(0, 1).unwrap().mul_scalar(2.0)).unwrap();
    graph.assign(rest, rest.add(flat.slice(0, 0..2).unwrap()).unwrap()).unwrap();
    graph
        .assign_rows(
            matrix,
            graph.index_constant(&[u32::MAX, 1], &[2]).unwrap(),
            graph.full(9.0, &[2, 2]),
        )
        .unwrap();
    let mut program = graph.compile(&[]).unwrap();
    let mut buffer = f64s(&[0.5, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    program.run(&mut [&mut buffer]).unwrap();
    assert_eq!(buffer.to_vec::<f64>().unwrap(), [0.5, 2.0, 6.0, 9.0, 9.0, 5.5, 7.0]);
}

#[test]
fn the_last_assignment_wins() {
    let graph = Graph::new(DType::F64);
    let x = graph.input("x", &[2]);
    graph.assign(x, x.add_scalar(1.0)).unwrap();
    graph.assign(x, x.mul_scalar(3.0)).unwrap();
    let mut program = graph.compile(&[]).unwrap();
    let mut buffer = f64s(&[1.0, 2.0]);
    program.run(&mut [&mut buffer]).unwrap();
    assert_eq!(buffer.to_vec::<f64>().unwrap(), [3.0, 6.0]);
}

#[test]
fn a_target_is_a_contiguous_view_of_a_float_input() {
    let graph = Graph::new(DType::F64);
    let x = graph.input("x", &[2, 3]);
    let refused =
        |target, value| matches!(graph.assign(target, value), Err(Error::NotAssignable { .. }));
    let column = x.slice(1, 0..1).unwrap();
    assert!(refused(column, column));
    assert!(refused(x.exp(), x));
    let index = graph.index_input("i", &[2]);
    assert!(refused(index, index));
    let error = graph.assign(x, column).unwrap_err();
    assert!(matches!(error, Error::Shapes { op: "assign", .. }));
}

#[test]
fn wrong_inputs_are_named() {
    let graph = Graph::new(DType::F32);
    graph.input("weights", &[3]);
    let mut program = graph.compile(&[]).unwrap();
    assert_eq!(program.run(&mut []), Err(Error::InputCount { wanted: 1, found: 0 }));
    let error = program.run(&mut [&mut f64s(&[1.0])]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "program: input `weights` has 1 elements of F64, wanted 3 of F32"
    );
}
