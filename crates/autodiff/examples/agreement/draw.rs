//! Random inputs on which every operation is well conditioned.

use std::f64::consts::TAU;

use autodiff::{Buffer, DType, Device};
use rand::RngExt;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

/// How an input is drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Draw {
    /// Normal, of this deviation.
    Normal(f64),
    /// Uniform from 0.5 to 2: sums of them do not cancel.
    Positive,
    /// From -2 to 2, no two the same: a maximum has no ties.
    Distinct,
    /// Integers from -2 to 2, for ties that are meant.
    Small,
    /// Odd multiples, from -7 to 7, of a fraction: sums of their products stay away from zero, where
    /// a rectifier has a kink that rounding could cross.
    Odd(f64),
    /// 1, or 0 for a quarter of the elements.
    Mask,
    /// Matrices whose symmetric part is positive definite, of a small condition number.
    Definite,
    /// Lower triangles of a small condition number, and numbers above them that nobody should read.
    Lower,
    /// Indices of so many rows; if there are holes, a tenth is `u32::MAX`.
    Index { rows: u32, holes: bool },
    /// Words of any value.
    Words,
}

impl Draw {
    pub(crate) fn is_index(self) -> bool {
        matches!(self, Draw::Index { .. } | Draw::Words)
    }

    /// A buffer of the float type, or of indices.
    pub(crate) fn buffer(self, shape: &[usize], dtype: DType, rng: &mut ChaCha8Rng) -> Buffer {
        let len = shape.iter().product();
        match self {
            Draw::Index { rows, holes } => {
                let index = |rng: &mut ChaCha8Rng| {
                    if holes && rng.random_bool(0.1) { u32::MAX } else { rng.random_range(0..rows) }
                };
                let indices: Vec<u32> = (0..len).map(|_| index(rng)).collect();
                Buffer::from_slice(Device::cpu(), &indices).expect("memory")
            }
            Draw::Words => {
                let words: Vec<u32> = (0..len).map(|_| rng.random_range(0..=u32::MAX)).collect();
                Buffer::from_slice(Device::cpu(), &words).expect("memory")
            }
            _ => floats(&self.values(shape, len, rng), dtype),
        }
    }

    fn values(self, shape: &[usize], len: usize, rng: &mut ChaCha8Rng) -> Vec<f64> {
        let n = shape.last().copied().unwrap_or(1);
        match self {
            Draw::Normal(deviation) => (0..len).map(|_| deviation * normal(rng)).collect(),
            Draw::Positive => (0..len).map(|_| rng.random_range(0.5..2.0)).collect(),
            Draw::Distinct => {
                let mut values: Vec<f64> =
                    (0..len).map(|i| 4.0 * (i as f64 + 0.5) / len as f64 - 2.0).collect();
                values.shuffle(rng);
                values
            }
            Draw::Small => (0..len).map(|_| f64::from(rng.random_range(-2..=2))).collect(),
            Draw::Odd(unit) => {
                (0..len).map(|_| f64::from(2 * rng.random_range(-4..=3) + 1) * unit).collect()
            }
            Draw::Mask => (0..len).map(|_| f64::from(u8::from(rng.random_bool(0.75)))).collect(),
            Draw::Definite => matrices(len, n, rng, definite),
            Draw::Lower => matrices(len, n, rng, lower),
            Draw::Index { .. } | Draw::Words => Vec::new(),
        }
    }
}

fn floats(values: &[f64], dtype: DType) -> Buffer {
    if dtype == DType::F64 {
        return Buffer::from_slice(Device::cpu(), values).expect("memory");
    }
    let rounded: Vec<f32> = values.iter().map(|&value| value as f32).collect();
    Buffer::from_slice(Device::cpu(), &rounded).expect("memory")
}

/// By the method of Box and Muller.
fn normal(rng: &mut ChaCha8Rng) -> f64 {
    let radius = (-2.0 * (1.0 - rng.random_range(0.0f64..1.0)).ln()).sqrt();
    radius * (TAU * rng.random_range(0.0..1.0)).cos()
}

fn matrices(
    len: usize,
    n: usize,
    rng: &mut ChaCha8Rng,
    one: fn(usize, &[f64]) -> Vec<f64>,
) -> Vec<f64> {
    let mut values = Vec::with_capacity(len);
    while values.len() < len {
        let drawn: Vec<f64> = (0..n * n).map(|_| normal(rng)).collect();
        values.extend(one(n, &drawn));
    }
    values
}

/// G G^T / n + 1, plus something antisymmetric.
fn definite(n: usize, g: &[f64]) -> Vec<f64> {
    let element = |i: usize, j: usize| {
        let product: f64 = (0..n).map(|k| g[i * n + k] * g[j * n + k]).sum();
        let skew = 0.1 * (g[i * n + j] - g[j * n + i]);
        product / n as f64 + skew + f64::from(u8::from(i == j))
    };
    (0..n * n).map(|at| element(at / n, at % n)).collect()
}

/// G / n, with a diagonal from 1 on.
fn lower(n: usize, g: &[f64]) -> Vec<f64> {
    let element = |at: usize| {
        let small = g[at] / n as f64;
        if at / n == at % n { 1.0 + small.abs() } else { small }
    };
    (0..n * n).map(element).collect()
}
