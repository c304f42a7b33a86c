//! Derivatives of first and second order against differences of values computed on the device.

use autodiff::{Conv2d, Domain, Error, Graph, Pool2d, Var, check_grad};

use crate::support::devices;

fn check(shapes: &[&[usize]], f: impl for<'g> Fn(&'g Graph, &[Var<'g>]) -> Result<Var<'g>, Error>) {
    let [device, _] = devices();
    if let Err(error) = device.scope(|| check_grad(shapes, Domain::REAL, &f)) {
        panic!("{shapes:?}: {error}");
    }
}

#[test]
fn products_and_systems() {
    check(&[&[3, 2], &[4, 3]], |_, x| x[0].transpose(0, 1)?.matmul(x[1].transpose(0, 1)?));
    check(&[&[2, 2, 3], &[3, 4], &[4]], |_, x| Ok(x[0].linear(x[1], Some(x[2]))?.tanh()));
    check(&[&[3, 4], &[3, 2]], |g, x| {
        let eye = [4.0, 0.0, 0.0, 0.0, 4.0, 0.0, 0.0, 0.0, 4.0];
        let definite = x[0].gram()?.add(g.constant(&eye, &[3, 3])?)?;
        definite.solve(x[1])?.add(definite.cholesky()?.matmul(x[1])?)
    });
}

#[test]
fn rows_and_channels() {
    check(&[&[3, 5]], |_, x| x[0].softmax(1));
    check(&[&[3, 5]], |_, x| Ok(x[0].log_sum_exp(1, false)?.square()));
    check(&[&[4, 6]], |_, x| Ok(x[0].layer_norm(1e-2)?.tanh()));
    check(&[&[4, 5]], |g, x| x[0].cross_entropy(g.index_constant(&[0, 4, u32::MAX, 2], &[4])?));
}

#[test]
fn images() {
    let conv = Conv2d { stride: [2, 1], padding: [1, 0], groups: 2, ..Conv2d::default() };
    check(&[&[2, 4, 5, 4], &[2, 2, 3, 2]], move |_, x| Ok(x[0].conv2d(x[1], conv)?.tanh()));
    let pool = Pool2d { kernel: [3, 2], stride: [2, 1], padding: [1, 0] };
    check(&[&[2, 2, 5, 4]], move |_, x| Ok(x[0].max_pool2d(pool)?.square()));
    check(&[&[2, 2, 5, 4]], move |_, x| Ok(x[0].avg_pool2d(pool)?.square()));
}

#[test]
fn tables() {
    check(&[&[5, 3]], |g, x| {
        let indices = g.index_constant(&[4, 0, 4, u32::MAX, 1, 1], &[3, 2])?;
        x[0].tanh().embedding_bag(indices, Some(0))?.mul(x[0].gather(indices)?.sum(&[1], false)?)
    });
}
