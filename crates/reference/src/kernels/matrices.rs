//! Products, factors and systems of equations, one matrix at a time.

use autodiff::{Error, Op, ops};

use super::super::value::{Numbers, Value};

/// The extents of the last two axes.
fn extents(x: &Value) -> (usize, usize) {
    (x.shape[x.shape.len() - 2], x.last())
}

pub(super) fn matmul(_: &ops::MatMul, x: &[Value], shape: &[usize]) -> Result<Numbers, Error> {
    let ((m, k), (_, n)) = (extents(&x[0]), extents(&x[1]));
    let (a, b) = (x[0].floats(), x[1].floats());
    let value = |at: usize| {
        let (matrix, i, j) = (at / n / m, at / n % m, at % n);
        (0..k).map(|p| a[(matrix * m + i) * k + p] * b[(matrix * k + p) * n + j]).sum()
    };
    Ok(Numbers::Floats((0..shape.iter().product()).map(value).collect()))
}

pub(super) fn gram(_: &ops::Gram, x: &[Value], shape: &[usize]) -> Result<Numbers, Error> {
    let (n, m) = extents(&x[0]);
    let a = x[0].floats();
    let value = |at: usize| {
        let (matrix, i, j) = (at / n / n, at / n % n, at % n);
        (0..m).map(|p| a[(matrix * n + i) * m + p] * a[(matrix * n + j) * m + p]).sum()
    };
    Ok(Numbers::Floats((0..shape.iter().product()).map(value).collect()))
}

/// The lower factor of the symmetric part of a matrix of `n` rows.
fn factor(op: &'static str, a: &[f64], n: usize) -> Result<Vec<f64>, Error> {
    let mut l = vec![0.0; n * n];
    for i in 0..n {
        for j in 0..=i {
            let known: f64 = (0..j).map(|p| l[i * n + p] * l[j * n + p]).sum();
            let rest = (a[i * n + j] + a[j * n + i]) / 2.0 - known;
            l[i * n + j] = if i > j {
                rest / l[j * n + j]
            } else if rest > 0.0 {
                rest.sqrt()
            } else {
                return Err(Error::NotPositiveDefinite { op });
            };
        }
    }
    Ok(l)
}

/// l^-1 b or l^-T b for `m` columns.
fn substituted(l: &[f64], n: usize, b: &[f64], m: usize, transposed: bool) -> Vec<f64> {
    let mut x = b.to_vec();
    for step in 0..n {
        let i = if transposed { n - 1 - step } else { step };
        for column in 0..m {
            let known: f64 = (0..step)
                .map(|done| if transposed { n - 1 - done } else { done })
                .map(|j| {
                    let factor = if transposed { l[j * n + i] } else { l[i * n + j] };
                    factor * x[j * m + column]
                })
                .sum();
            x[i * m + column] = (x[i * m + column] - known) / l[i * n + i];
        }
    }
    x
}

pub(super) fn cholesky(op: &ops::Cholesky, x: &[Value], _: &[usize]) -> Result<Numbers, Error> {
    let n = x[0].last();
    let mut y = Vec::new();
    for a in x[0].floats().chunks((n * n).max(1)) {
        y.extend(factor(op.name(), a, n)?);
    }
    Ok(Numbers::Floats(y))
}

pub(super) fn triangular_solve(
    op: &ops::TriangularSolve,
    x: &[Value],
    _: &[usize],
) -> Result<Numbers, Error> {
    let (n, m) = extents(&x[1]);
    let mut y = Vec::new();
    let systems = x[0].floats().chunks((n * n).max(1)).zip(x[1].floats().chunks((n * m).max(1)));
    for (l, b) in systems {
        if let Some(row) = (0..n).find(|i| l[i * n + i] == 0.0) {
            let message = format!("row {row} has a diagonal of zero");
            return Err(Error::Custom { op: op.name(), message });
        }
        y.extend(substituted(l, n, b, m, op.transposed));
    }
    Ok(Numbers::Floats(y))
}

pub(super) fn solve(op: &ops::Solve, x: &[Value], _: &[usize]) -> Result<Numbers, Error> {
    let (n, m) = extents(&x[1]);
    let mut y = Vec::new();
    let systems = x[0].floats().chunks((n * n).max(1)).zip(x[1].floats().chunks((n * m).max(1)));
    for (a, b) in systems {
        let l = factor(op.name(), a, n)?;
        let half = substituted(&l, n, b, m, false);
        y.extend(substituted(&l, n, &half, m, true));
    }
    Ok(Numbers::Floats(y))
}
