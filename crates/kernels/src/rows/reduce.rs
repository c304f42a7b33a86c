//! Reductions by fixed trees.

use crate::Float;
use crate::parallel;
use crate::simd::lanes::{add_to, lane_max, lane_sum};
use crate::simd::vectorised;

/// Elements that one leaf of a sum's tree adds up lane by lane.
const LEAF: usize = 128;
/// Elements from which a reduction is worth another thread, and that one task handles.
const TASK: usize = 1 << 16;

vectorised! {
    fn leaf<T: Float>(x: &[T]) -> T {
        lane_sum(x)
    }
}

/// Sum of a run of neighbours, halved down to leaves.
pub fn row_sum<T: Float>(x: &[T]) -> T {
    if x.len() <= LEAF {
        return leaf(x);
    }
    let (left, right) = x.split_at(x.len().div_ceil(LEAF).div_ceil(2) * LEAF);
    let (mut a, mut b) = (T::zero(), T::zero());
    if x.len() >= TASK {
        parallel::both(|| a = row_sum(left), || b = row_sum(right));
    } else {
        (a, b) = (row_sum(left), row_sum(right));
    }
    a + b
}

vectorised! {
    fn short_rows<T: Float>(x: &[T], reduced: usize, y: &mut [T]) {
        for (y, row) in y.iter_mut().zip(x.chunks_exact(reduced)) {
            *y = lane_sum(row);
        }
    }
}

vectorised! {
    fn columns<T: Float>(x: &[T], reduced: usize, inner: usize, y: &mut [T]) {
        for (y, slab) in y.chunks_exact_mut(inner).zip(x.chunks_exact(reduced * inner)) {
            y.copy_from_slice(&slab[..inner]);
            for row in slab[inner..].chunks_exact(inner) {
                add_to(y, row);
            }
        }
    }
}

/// `x` as `[outer, reduced, inner]` to `y` as `[outer, inner]`.
pub fn sum<T: Float>(x: &[T], reduced: usize, inner: usize, y: &mut [T]) {
    if x.is_empty() || reduced == 0 {
        return y.fill(T::zero());
    }
    let slab = reduced * inner;
    parallel::rows(y, inner, (TASK / slab).max(1), 0, &|first, y| {
        let x = &x[first * slab..][..y.len() * reduced];
        if inner > 1 {
            columns(x, reduced, inner, y);
        } else if reduced <= LEAF {
            short_rows(x, reduced, y);
        } else {
            for (y, row) in y.iter_mut().zip(x.chunks_exact(reduced)) {
                *y = row_sum(row);
            }
        }
    });
}

vectorised! {
    fn maxima<T: Float>(x: &[T], reduced: usize, inner: usize, y: &mut [T]) {
        if inner == 1 {
            for (y, row) in y.iter_mut().zip(x.chunks_exact(reduced)) {
                *y = lane_max(row);
            }
            return;
        }
        for (y, slab) in y.chunks_exact_mut(inner).zip(x.chunks_exact(reduced * inner)) {
            y.copy_from_slice(&slab[..inner]);
            for row in slab[inner..].chunks_exact(inner) {
                for (y, &x) in y.iter_mut().zip(row) {
                    *y = y.maximum(x);
                }
            }
        }
    }
}

/// As [`sum`], for the maximum; `reduced` is at least 1.
pub fn max<T: Float>(x: &[T], reduced: usize, inner: usize, y: &mut [T]) {
    if y.is_empty() {
        return;
    }
    let slab = reduced * inner;
    parallel::rows(y, inner, (TASK / slab).max(1), 0, &|first, y| {
        maxima(&x[first * slab..][..y.len() * reduced], reduced, inner, y);
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_sum_is_exact_where_a_plain_one_is_not() {
        let x = vec![0.1f32; 1 << 20];
        let wanted = 0.1f32 * (1 << 20) as f32;
        assert!((row_sum(&x) - wanted).abs() <= 0.01);
        let plain: f32 = x.iter().sum();
        assert!((plain - wanted).abs() > 1.0);
    }

    #[test]
    fn a_nan_is_not_lost_in_a_maximum() {
        let mut x = [1.0f32; 40];
        x[37] = f32::NAN;
        let mut y = [0.0];
        max(&x, 40, 1, &mut y);
        assert!(y[0].is_nan());
        max(&x[..38], 38, 1, &mut y);
        assert!(y[0].is_nan());
    }
}
