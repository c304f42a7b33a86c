//! Reductions by fixed trees.

use super::simd::{add_to, vectorised};
use crate::Float;

const LANES: usize = 16;
/// Elements that one leaf of the tree adds up lane by lane.
const LEAF: usize = 1024;

vectorised! {
    fn leaf_sum<T: Float>(x: &[T]) -> T {
        let mut lanes = [T::zero(); LANES];
        let (whole, rest) = x.as_chunks::<LANES>();
        for chunk in whole {
            for (lane, &x) in lanes.iter_mut().zip(chunk) {
                *lane = *lane + x;
            }
        }
        for (lane, &x) in lanes.iter_mut().zip(rest) {
            *lane = *lane + x;
        }
        fold(lanes)
    }
}

vectorised! {
    /// Sum of products, in the order of [`row_sum`]'s leaves.
    pub(crate) fn dot<T: Float>(x: &[T], y: &[T]) -> T {
        let mut lanes = [T::zero(); LANES];
        let ((xs, x_rest), (ys, y_rest)) = (x.as_chunks::<LANES>(), y.as_chunks::<LANES>());
        for (x, y) in xs.iter().zip(ys) {
            for ((lane, &x), &y) in lanes.iter_mut().zip(x).zip(y) {
                *lane = *lane + x * y;
            }
        }
        for ((lane, &x), &y) in lanes.iter_mut().zip(x_rest).zip(y_rest) {
            *lane = *lane + x * y;
        }
        fold(lanes)
    }
}

#[inline(always)]
fn fold<T: Float>(mut lanes: [T; LANES]) -> T {
    let mut half = LANES / 2;
    while half > 0 {
        for i in 0..half {
            lanes[i] = lanes[i] + lanes[i + half];
        }
        half /= 2;
    }
    lanes[0]
}

/// Where a run is split in two: a fixed function of its length.
fn middle(leaves: usize) -> usize {
    leaves.div_ceil(2)
}

/// Elements from which a sum is worth another thread.
const PARALLEL: usize = 1 << 16;

/// Sum of a run of neighbours.
pub(crate) fn row_sum<T: Float>(x: &[T]) -> T {
    if x.len() <= LEAF {
        return leaf_sum(x);
    }
    let (left, right) = x.split_at(middle(x.len().div_ceil(LEAF)) * LEAF);
    let (left, right) = if x.len() >= PARALLEL {
        rayon::join(|| row_sum(left), || row_sum(right))
    } else {
        (row_sum(left), row_sum(right))
    };
    left + right
}

/// `x` as `[outer, reduced, inner]` to `y` as `[outer, inner]`.
pub(crate) fn sum<T: Float>(x: &[T], reduced: usize, inner: usize, y: &mut [T]) {
    if x.is_empty() || reduced == 0 {
        y.fill(T::zero());
    } else if inner == 1 {
        for (y, row) in y.iter_mut().zip(x.chunks_exact(reduced)) {
            *y = row_sum(row);
        }
    } else {
        for (y, slab) in y.chunks_exact_mut(inner).zip(x.chunks_exact(reduced * inner)) {
            y.copy_from_slice(&slab[..inner]);
            for row in slab[inner..].chunks_exact(inner) {
                add_to(y, row);
            }
        }
    }
}

vectorised! {
    fn larger_of<T: Float>(y: &mut [T], x: &[T]) {
        for (y, &x) in y.iter_mut().zip(x) {
            *y = y.larger(x);
        }
    }
}

vectorised! {
    /// The largest element; NaN if there is one.
    pub(crate) fn row_max<T: Float>(x: &[T]) -> T {
        let mut lanes = [T::LOWEST; LANES];
        let (whole, rest) = x.as_chunks::<LANES>();
        for chunk in whole {
            for (lane, &x) in lanes.iter_mut().zip(chunk) {
                *lane = lane.larger(x);
            }
        }
        for (lane, &x) in lanes.iter_mut().zip(rest) {
            *lane = lane.larger(x);
        }
        lanes.into_iter().fold(T::LOWEST, T::larger)
    }
}

/// As [`sum`], for the maximum; `reduced` is at least 1.
pub(crate) fn max<T: Float>(x: &[T], reduced: usize, inner: usize, y: &mut [T]) {
    if inner == 1 {
        for (y, row) in y.iter_mut().zip(x.chunks_exact(reduced)) {
            *y = row_max(row);
        }
    } else if inner > 1 {
        for (y, slab) in y.chunks_exact_mut(inner).zip(x.chunks_exact(reduced * inner)) {
            y.copy_from_slice(&slab[..inner]);
            for row in slab[inner..].chunks_exact(inner) {
                larger_of(y, row);
            }
        }
    }
}
