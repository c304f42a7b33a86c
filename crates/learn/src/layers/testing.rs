//! What the tests of layers share.

use autodiff::{Buffer, DType, Device, Domain, Error, Graph, Var, check_grad};

use super::Params;
use crate::Layout;

type Given<'a> = (&'a [usize], &'a [f64]);

/// Fixed numbers in `[-1, 1)`.
pub(crate) fn numbers(seed: usize, len: usize) -> Vec<f64> {
    (0..len).map(|i| ((i * 7919 + seed * 104_729) % 1009) as f64 / 504.5 - 1.0).collect()
}

pub(crate) fn close(found: &[f64], wanted: &[f64]) {
    assert_eq!(found.len(), wanted.len());
    for (a, b) in found.iter().zip(wanted) {
        assert!((a - b).abs() <= 1e-12 * (1.0 + b.abs()), "{found:?}, wanted {wanted:?}");
    }
}

/// What `f` makes of parameters and inputs in f64, after checking that the reference device agrees.
pub(crate) fn eval<F>(layout: &Layout, params: &[f64], given: &[Given<'_>], f: F) -> Vec<f64>
where
    F: for<'g> Fn(&Params<'_, 'g>, &[Var<'g>]) -> Result<Var<'g>, Error>,
{
    eval_with_params(layout, params, given, f).0
}

/// The same, and the parameters after it.
pub(crate) fn eval_with_params<F>(
    layout: &Layout,
    params: &[f64],
    given: &[Given<'_>],
    f: F,
) -> (Vec<f64>, Vec<f64>)
where
    F: for<'g> Fn(&Params<'_, 'g>, &[Var<'g>]) -> Result<Var<'g>, Error>,
{
    let [found, wanted] = [Device::cpu(), reference::device()].map(|device| {
        device.scope(|| {
            let graph = Graph::new(DType::F64);
            let vars = layout.views(graph.input("params", &[layout.len()])).unwrap();
            let x: Vec<Var<'_>> = given.iter().map(|(shape, _)| graph.input("x", shape)).collect();
            let y = f(&Params::new(layout, &vars), &x).unwrap();
            let mut program = graph.compile(&[y]).unwrap();
            let values = std::iter::once(params).chain(given.iter().map(|(_, values)| *values));
            let mut buffers: Vec<Buffer> =
                values.map(|values| Buffer::from_slice(device, values).unwrap()).collect();
            program.run(&mut buffers.iter_mut().collect::<Vec<_>>()).unwrap();
            (program.output(0).to_vec::<f64>().unwrap(), buffers[0].to_vec::<f64>().unwrap())
        })
    });
    close(&found.0, &wanted.0);
    close(&found.1, &wanted.1);
    found
}

/// Checks derivatives for every parameter and input.
pub(crate) fn check<F>(layout: &Layout, inputs: &[&[usize]], f: F)
where
    F: for<'g> Fn(&Params<'_, 'g>, &[Var<'g>]) -> Result<Var<'g>, Error>,
{
    let tensors = layout.tensors();
    let shapes: Vec<&[usize]> =
        tensors.iter().map(|tensor| &tensor.shape[..]).chain(inputs.iter().copied()).collect();
    let checked = check_grad(&shapes, Domain::REAL, |_, x| {
        let (vars, x) = x.split_at(tensors.len());
        f(&Params::new(layout, vars), x)
    });
    if let Err(error) = checked {
        panic!("{error}");
    }
}
