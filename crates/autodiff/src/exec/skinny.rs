//! Products with a side of few rows, which read or write one large matrix once.
//!
//! A BLAS copies the large operand before it multiplies; with so few multiplications an element,
//! the copy costs more than the product.

use std::ops::Range;

use ndarray::{ArrayViewMut2, Axis};

use super::parallel;
use super::simd::{LANES, ask_for, fold, vectorised};
use crate::Float;

/// Rows of the small side at most.
const FEW: usize = 16;
/// Elements of the large matrix from which the copy is worth saving.
const LARGE: usize = 1 << 18;
/// Columns of the large matrix whose part of the small operand stays in cache.
const STRIP: usize = 512;
/// Rows of the result that one task computes.
const ROWS: usize = 64;

/// A row-major matrix inside a slice.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rows<'a, T> {
    pub data: &'a [T],
    pub stride: usize,
}

impl<'a, T> Rows<'a, T> {
    #[inline(always)]
    fn row(&self, row: usize, columns: Range<usize>) -> &'a [T] {
        &self.data[row * self.stride..][columns]
    }
}

/// Whether `[m, k] x [k, n]` has a large side and few rows.
pub(crate) fn suits(m: usize, k: usize, n: usize) -> bool {
    (m <= FEW && k * n >= LARGE) || is_outer(m, k, n)
}

/// Whether the large side is the result, a sum of few outer products.
pub(crate) fn is_outer(m: usize, k: usize, n: usize) -> bool {
    k <= FEW && m * n >= LARGE
}

/// out = sum of factors times rows, or that added to it.
#[inline(always)]
fn gather<T: Float, const N: usize>(out: &mut [T], rows: [&[T]; N], factors: [T; N], add: bool) {
    let n = out.len();
    let mut of = [&rows[0][..n]; N];
    for (to, row) in of.iter_mut().zip(rows) {
        *to = &row[..n];
    }
    for (i, out) in out.iter_mut().enumerate() {
        let mut sum = if add { *out } else { T::zero() };
        for k in 0..N {
            sum = of[k][i].times_plus(factors[k], sum);
        }
        *out = sum;
    }
}

/// out = sum over rows of `factor(row)` times the row, four rows at a time.
#[inline(always)]
fn sum<T: Float>(
    out: &mut [T],
    b: Rows<'_, T>,
    columns: Range<usize>,
    count: usize,
    factor: impl Fn(usize) -> T,
) {
    let mut p = 0;
    out.fill(T::zero());
    while p + 4 <= count {
        let rows = [p, p + 1, p + 2, p + 3];
        let factors = [factor(p), factor(p + 1), factor(p + 2), factor(p + 3)];
        let [r, s, t, u] = rows;
        let row = |p: usize| b.row(p, columns.clone());
        gather(out, [row(r), row(s), row(t), row(u)], factors, true);
        p += 4;
    }
    for p in p..count {
        gather(out, [b.row(p, columns.clone())], [factor(p)], true);
    }
}

/// Calls `work(first column, part)` for parts of `per` columns.
fn by_columns<T: Send>(
    c: ArrayViewMut2<'_, T>,
    per: usize,
    first: usize,
    work: &(impl Fn(usize, ArrayViewMut2<'_, T>) + Sync),
) {
    let count = c.dim().1;
    if count <= per {
        return work(first, c);
    }
    let middle = count.div_ceil(per) / 2 * per;
    let (left, right) = c.split_at(Axis(1), middle);
    parallel::both(
        || by_columns(left, per, first, work),
        || by_columns(right, per, first + middle, work),
    );
}

/// Few rows `a` `[m, k]`, by any strides, times `b` `[k, n]`.
pub(crate) fn wide<T: Float>(
    (a, strides): (&[T], (usize, usize)),
    b: Rows<'_, T>,
    k: usize,
    c: ArrayViewMut2<'_, T>,
) {
    by_columns(c, STRIP, 0, &|first, mut c| {
        // Strips of all rows at once, so that the large matrix is read once.
        let width = c.dim().1;
        for from in (0..k).step_by(4) {
            let count = (k - from).min(4);
            for next in (from + 4..k).take(4) {
                ask_for(b.row(next, first..first + width));
            }
            for (i, mut c) in c.outer_iter_mut().enumerate() {
                if let Some(c) = c.as_slice_mut() {
                    let a = &a[i * strides.0 + from * strides.1..];
                    four_rows(c, b, from..from + count, first..first + width, (a, strides.1));
                }
            }
        }
    });
}

vectorised! {
    fn four_rows<T: Float>(
        c: &mut [T],
        b: Rows<'_, T>,
        terms: Range<usize>,
        columns: Range<usize>,
        left: (&[T], usize),
    ) {
        let (a, stride) = left;
        let row = |p: usize| b.row(terms.start + p, columns.clone());
        let (add, count) = (terms.start > 0, terms.len());
        if count == 4 {
            let factors = [a[0], a[stride], a[2 * stride], a[3 * stride]];
            return gather(c, [row(0), row(1), row(2), row(3)], factors, add);
        }
        for p in 0..count {
            gather(c, [row(p)], [a[p * stride]], add || p > 0);
        }
    }
}

/// Few rows `a` `[m, k]` times the transposed of `b` `[n, k]`, both row-major.
pub(crate) fn inner<T: Float>(a: Rows<'_, T>, b: Rows<'_, T>, k: usize, c: ArrayViewMut2<'_, T>) {
    by_columns(c, ROWS, 0, &|first, c| inner_part(a, b, k, first, c));
}

/// Inner products of four rows with one, lane by lane.
#[inline(always)]
fn four_dots<T: Float>(a: [&[T]; 4], b: &[T]) -> [T; 4] {
    let (whole, rest) = b.as_chunks::<LANES>();
    let [(p, p_rest), (q, q_rest), (r, r_rest), (s, s_rest)] =
        [a[0].as_chunks(), a[1].as_chunks(), a[2].as_chunks(), a[3].as_chunks()];
    let [mut t, mut u, mut v, mut w] = [[T::zero(); LANES]; 4];
    for ((((b, p), q), r), s) in whole.iter().zip(p).zip(q).zip(r).zip(s) {
        step(&mut t, p, b);
        step(&mut u, q, b);
        step(&mut v, r, b);
        step(&mut w, s, b);
    }
    let end = |mut lanes: [T; LANES], a: &[T]| {
        for ((lane, &a), &b) in lanes.iter_mut().zip(a).zip(rest) {
            *lane = a.times_plus(b, *lane);
        }
        fold(lanes)
    };
    [end(t, p_rest), end(u, q_rest), end(v, r_rest), end(w, s_rest)]
}

#[inline(always)]
fn step<T: Float>(lanes: &mut [T; LANES], a: &[T; LANES], b: &[T; LANES]) {
    for i in 0..LANES {
        lanes[i] = a[i].times_plus(b[i], lanes[i]);
    }
}

vectorised! {
    fn inner_part<T: Float>(
        a: Rows<'_, T>, b: Rows<'_, T>, k: usize, first: usize, c: ArrayViewMut2<'_, T>,
    ) {
        let m = c.dim().0;
        let mut c = c;
        let mut sums = [T::zero(); FEW * ROWS];
        let width = c.dim().1;
        for from in (0..k).step_by(STRIP) {
            let columns = from..k.min(from + STRIP);
            let row = |i: usize| a.row(i.min(m - 1), columns.clone());
            for (j, sums) in sums.chunks_exact_mut(FEW).take(width).enumerate() {
                if j + 2 < width {
                    ask_for(b.row(first + j + 2, columns.clone()));
                }
                let b = b.row(first + j, columns.clone());
                for (i, sums) in sums.chunks_exact_mut(4).take(m.div_ceil(4)).enumerate() {
                    let rows = [row(4 * i), row(4 * i + 1), row(4 * i + 2), row(4 * i + 3)];
                    for (sum, product) in sums.iter_mut().zip(four_dots(rows, b)) {
                        *sum += product;
                    }
                }
            }
        }
        for (j, sums) in sums.chunks_exact(FEW).take(width).enumerate() {
            c.column_mut(j).iter_mut().zip(sums).for_each(|(c, &sum)| *c = sum);
        }
    }
}

/// `a` `[m, k]`, by any strides, of few columns, times `b` `[k, n]`.
pub(crate) fn outer<T: Float>(
    (a, strides): (&[T], (usize, usize)),
    b: Rows<'_, T>,
    k: usize,
    n: usize,
    c: &mut [T],
) {
    parallel::rows(c, n, ROWS, 0, &|first, c| outer_part(first, (a, strides), b, k, n, c));
}

vectorised! {
    fn outer_part<T: Float>(
        first: usize,
        left: (&[T], (usize, usize)),
        b: Rows<'_, T>,
        k: usize,
        n: usize,
        c: &mut [T],
    ) {
        let (a, strides) = left;
        for from in (0..n).step_by(STRIP) {
            let columns = from..n.min(from + STRIP);
            for (i, c) in (first..).zip(c.chunks_exact_mut(n)) {
                let factor = |p: usize| a[i * strides.0 + p * strides.1];
                sum(&mut c[columns.clone()], b, columns.clone(), k, factor);
            }
        }
    }
}
