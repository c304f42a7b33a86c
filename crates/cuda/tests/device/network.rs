//! Training steps: gradients and assignments of one program, run again and again.

use autodiff::{Buffer, DType, Device, Graph};

use crate::support::{devices, floats, moved, near, run, wide};

/// Numbers that repeat at no small distance.
fn numbers(len: usize, seed: usize) -> Vec<f64> {
    (0..len).map(|i| ((i * 37 + seed * 11) % 101) as f64 / 50.0 - 1.0).collect()
}

/// Losses and weights of a perceptron, step by step.
fn trained(device: Device, dtype: DType, given: &[Buffer]) -> Vec<Vec<f64>> {
    let graph = Graph::new(dtype);
    let x = graph.input("x", &[5, 7]);
    let target = graph.index_input("target", &[5]);
    let inputs: [(&str, &[usize]); 4] = [("w", &[7, 9]), ("b", &[9]), ("v", &[9, 3]), ("c", &[3])];
    let parameters = inputs.map(|(name, shape)| graph.input(name, shape));
    let [w, b, v, c] = parameters;
    let hidden = x.linear(w, Some(b)).unwrap().tanh();
    let logits = hidden.linear(v, Some(c)).unwrap();
    let loss = logits.cross_entropy(target).unwrap().mean_all();
    for (parameter, gradient) in parameters.iter().zip(graph.grad(loss, &parameters).unwrap()) {
        let next = parameter.sub(gradient.mul_scalar(0.3)).unwrap();
        graph.assign(*parameter, next).unwrap();
    }
    let mut step = device.scope(|| graph.compile(&[loss])).unwrap();
    let mut buffers: Vec<Buffer> = given.iter().map(|buffer| moved(buffer, device)).collect();
    let mut found = Vec::new();
    // The second run is recorded, later ones are replays.
    for _ in 0..5 {
        run(&mut step, &mut buffers).unwrap();
        found.push(wide(step.output(0)));
    }
    // Other buffers of the same content give the same.
    let mut others: Vec<Buffer> =
        buffers.iter().map(|buffer| buffer.duplicate().unwrap()).collect();
    run(&mut step, &mut others).unwrap();
    let other = wide(step.output(0));
    run(&mut step, &mut buffers).unwrap();
    assert_eq!(other, wide(step.output(0)));
    found.extend(buffers.iter().map(wide));
    found
}

#[test]
fn a_perceptron_learns_as_on_the_reference_device() {
    for dtype in [DType::F32, DType::F64] {
        let targets = Buffer::from_slice(Device::cpu(), &[0u32, 2, 1, u32::MAX, 2]).unwrap();
        let mut given = vec![floats(&numbers(35, 0), dtype), targets];
        let parameters = [(63, 1), (9, 2), (27, 3), (3, 4)];
        given.extend(parameters.map(|(len, seed)| floats(&numbers(len, seed), dtype)));
        let wanted = trained(reference::device(), dtype, &given);
        let [found, backwards] = devices().map(|device| trained(device, dtype, &given));
        assert_eq!(found, backwards);
        assert!(found[4] < found[0], "{found:?}");
        for (at, (found, wanted)) in found.iter().zip(&wanted).enumerate() {
            near(&format!("{at} in {dtype:?}"), found, wanted, dtype);
        }
    }
}
