//! Gigaflops of every method that can compute a product, for the shapes of the papers: what the limits
//! of `product::choose` were set by.
//!
//! `cargo run --release -p kernels --example products [-- NAME]` prints a line for each shape, type
//! and order of operands, on one thread; `*` marks what `choose` picks.
#![expect(clippy::print_stdout, reason = "a table for a reader")]

use std::time::Instant;

use kernels::product::{Matrices, Method, by, choose};
use kernels::simd::isa;
use kernels::{Float, Layout, blas, parallel};

/// A name, and m, k, n.
const SHAPES: &[(&str, usize, usize, usize)] = &[
    ("hypergrad hidden", 200, 784, 50),
    ("hypergrad middle", 200, 50, 50),
    ("hypergrad output", 200, 50, 10),
    ("hypergrad weights", 784, 200, 50),
    ("hypergrad few", 50, 200, 10),
    ("hypergrad softmax", 200, 784, 10),
    ("omniglot hidden", 600, 784, 400),
    ("omniglot output", 600, 200, 55),
    ("memory answer", 32, 50, 600),
    ("memory small", 32, 20, 6),
    ("translation gates", 640, 256, 1024),
    ("translation attention", 640, 512, 256),
    ("translation softmax", 640, 256, 8000),
    ("translation weights", 256, 640, 8000),
    ("translation states", 640, 8000, 256),
    ("style gram", 64, 65536, 64),
    ("style gram deep", 512, 1024, 512),
    ("images full", 8, 9216, 4096),
    ("images classes", 8, 4096, 101),
    ("images weights", 9216, 8, 4096),
    ("pooling gram", 100, 4096, 100),
    ("pooling", 4096, 100, 100),
    ("square", 16, 16, 16),
    ("square", 32, 32, 32),
    ("square", 64, 64, 64),
    ("square", 128, 128, 128),
    ("square", 256, 256, 256),
    ("square", 512, 512, 512),
    ("square", 1024, 1024, 1024),
    ("square", 2048, 2048, 2048),
    ("few columns", 300, 300, 3),
    ("few rows", 3, 300, 300),
];

fn main() {
    if let Err(error) = blas::use_modern_blas() {
        println!("BLAS with its own choice of kernels: {error}");
    }
    parallel::set_threads(1);
    println!("{:?}, BLAS {}", isa(), blas::blas_core());
    let only = std::env::args().nth(1).unwrap_or_default();
    for &(name, m, k, n) in SHAPES.iter().filter(|shape| shape.0.contains(&only)) {
        for (across, down) in [(false, false), (true, false), (false, true)] {
            let orders = [across, down].map(|turned| if turned { 'T' } else { 'N' });
            let [single, double] =
                [row::<f32>([m, k, n], across, down), row::<f64>([m, k, n], across, down)];
            let orders: String = orders.iter().collect();
            println!("{name:22} {m:5} {k:5} {n:5} {orders} | {single} | {double}");
        }
    }
}

/// Gigaflops of each method.
fn row<T: Float>([m, k, n]: [usize; 3], across: bool, down: bool) -> String {
    let numbers = |len: usize| -> Vec<T> {
        (0..len).map(|i| T::from_f64(((i * 7919) % 1009) as f64 / 504.0 - 1.0)).collect()
    };
    let (a, b, mut c) = (numbers(m * k), numbers(k * n), numbers(m * n));
    let layout = |rows, columns, transposed| {
        let strides = if transposed { [1, rows] } else { [columns, 1] };
        Layout { shape: vec![rows, columns], strides: strides.to_vec(), offset: 0 }
    };
    let (la, lb) = (layout(m, k, across), layout(k, n, down));
    let (a, b) = (Matrices { data: &a, layout: &la }, Matrices { data: &b, layout: &lb });
    let orders = [a.get(0).order(), b.get(0).order()];
    let chosen = choose(m, k, n, orders, T::DTYPE, isa());
    let cells = [Method::Direct, Method::Packed, Method::Blas].map(|method| {
        if method == Method::Direct && m * k * n > 1 << 28 && m > 16 {
            return "     -  ".into();
        }
        let seconds = time(|| by(method, a, b, None, &mut c));
        let mark = if method == chosen { '*' } else { ' ' };
        format!("{:6.1}{mark}", 2.0 * (m * k * n) as f64 / seconds / 1e9)
    });
    cells.concat()
}

/// Seconds of the fastest of several runs.
fn time(mut run: impl FnMut()) -> f64 {
    let (mut best, start) = (f64::INFINITY, Instant::now());
    run();
    while start.elapsed().as_secs_f64() < 0.15 {
        let mut count = 1;
        loop {
            let begin = Instant::now();
            (0..count).for_each(|_| run());
            let seconds = begin.elapsed().as_secs_f64();
            if seconds > 2e-4 {
                best = best.min(seconds / f64::from(count));
                break;
            }
            count *= 4;
        }
    }
    best
}
