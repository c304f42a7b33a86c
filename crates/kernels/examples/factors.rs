//! Times of Cholesky factors and triangular systems beside those of LAPACK, by size: below
//! `FACTOR` and `SYSTEM` of `linalg::cholesky` ours are loops, from there on they are LAPACK too.
#![expect(clippy::print_stdout, reason = "the result of the program")]

use std::hint::black_box;
use std::time::Instant;

use kernels::linalg::{cholesky, dense};
use ndarray::{Array2, ArrayView2};

/// Seconds of the fastest of several calls.
fn fastest(mut work: impl FnMut()) -> f64 {
    let mut best = f64::INFINITY;
    let begun = Instant::now();
    while begun.elapsed().as_secs_f64() < 0.2 {
        let start = Instant::now();
        work();
        best = best.min(start.elapsed().as_secs_f64());
    }
    best
}

fn main() {
    println!("{:>5} {:>12} {:>12} {:>7}", "n", "ours", "LAPACK", "ratio");
    for n in [4, 8, 16, 24, 32, 48, 64, 96, 128, 192, 256, 512, 1024] {
        let f = Array2::from_shape_fn((n, n), |(i, j)| {
            (((i * n + j) * 7919) % 1009) as f64 / 504.5 - 1.0
        });
        let a = f.dot(&f.t()) + Array2::<f64>::eye(n) * n as f64;
        let flat: Vec<f64> = a.iter().copied().collect();
        let (mut l, mut x) = (flat.clone(), flat.clone());
        let ours = fastest(|| {
            l.copy_from_slice(&flat);
            assert!(cholesky::factorise(&mut l, n));
        });
        let view = ArrayView2::from_shape((n, n), &flat).expect("n rows of n");
        let lapack = fastest(|| {
            black_box(dense::cholesky(&view)).expect("positive definite");
        });
        println!(
            "{n:5} {:10.2}us {:10.2}us {:7.2} factor",
            ours * 1e6,
            lapack * 1e6,
            ours / lapack
        );
        let factor = dense::cholesky(&view).expect("positive definite");
        let ours = fastest(|| {
            x.copy_from_slice(&flat);
            cholesky::substitute((&l, n), (&mut x, n), false);
        });
        let lapack = fastest(|| {
            black_box(dense::solve_triangular(&factor.view(), &view, false)).expect("regular");
        });
        println!("{n:5} {:10.2}us {:10.2}us {:7.2} solve", ours * 1e6, lapack * 1e6, ours / lapack);
    }
}
