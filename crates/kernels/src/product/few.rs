//! Direct products of few rows with a large matrix, which is read once, in the order in which it lies.
//!
//! Packing the large operand would cost more than the product.

use std::ops::Range;

use ndarray::{ArrayViewMut1, ArrayViewMut2, Axis, s};

use super::choose::FEW;
use super::{Matrix, Order};
use crate::Float;
use crate::parallel;
use crate::simd::lanes::{LANES, fold_each};
use crate::simd::{prefetch_all, vectorised};

/// Columns of the large matrix whose part of the small operand stays in cache.
const STRIP: usize = 512;
/// Columns of the result that one task computes, where the large matrix is read row by row.
const SHEET: usize = 1024;
/// Rows of the large matrix that are added at once.
const TOGETHER: usize = 8;
/// Rows of the small side whose sums are computed together.
const GROUP: usize = 8;
/// Columns of the result that one task computes, where the large matrix is read column by column.
const ROWS: usize = 64;

/// c = a b, for `a` of few rows and rows or columns of `b` without gaps.
pub(super) fn product<T: Float>(a: Matrix<'_, T>, b: Matrix<'_, T>, c: ArrayViewMut2<'_, T>) {
    match b.order() {
        Order::Rows => by_columns(c, SHEET, 0, &|first, c| by_rows(a, b, first, c)),
        _ => by_columns(c, ROWS, 0, &|first, c| inner(a, b.transposed(), first, c)),
    }
}

/// Part of a row.
#[inline(always)]
fn row<'a, T: Float>(of: &Matrix<'a, T>, row: usize, columns: Range<usize>) -> &'a [T] {
    &of.data[row * of.strides.0..][columns]
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
            sum = of[k][i].mul_add(factors[k], sum);
        }
        *out = sum;
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

vectorised! {
    /// Some rows of the large matrix at a time.
    fn by_rows<T: Float>(
        a: Matrix<'_, T>, b: Matrix<'_, T>, first: usize, c: ArrayViewMut2<'_, T>,
    ) {
        let (k, width) = (b.shape.0, c.ncols());
        let mut c = c;
        for from in (0..k).step_by(TOGETHER) {
            for strip in (0..width).step_by(STRIP) {
                let strip = strip..width.min(strip + STRIP);
                let row = |p: usize| row(&b, from + p, first + strip.start..first + strip.end);
                let factor =
                    |i: usize, p: usize| a.data[i * a.strides.0 + (from + p) * a.strides.1];
                let mut c = c.slice_mut(s![.., strip.clone()]);
                if from + TOGETHER <= k {
                    tiles::<T, TOGETHER>(c, std::array::from_fn(row), factor, from > 0);
                } else {
                    for p in 0..k - from {
                        tiles(c.view_mut(), [row(p)], |i, _| factor(i, p), from + p > 0);
                    }
                }
            }
        }
    }
}

/// Each row of `c` = the sum of its factors times `rows`, or that added to it.
#[inline(always)]
fn tiles<T: Float, const P: usize>(
    c: ArrayViewMut2<'_, T>,
    rows: [&[T]; P],
    factor: impl Fn(usize, usize) -> T,
    add: bool,
) {
    let mut c = c;
    for (group, mut c) in c.axis_chunks_iter_mut(Axis(0), GROUP).enumerate() {
        let factor = |i: usize, p: usize| factor(group * GROUP + i, p);
        let count = c.nrows();
        let mut c = c.outer_iter_mut().filter_map(ArrayViewMut1::into_slice);
        if count == GROUP {
            let factors = std::array::from_fn(|p| std::array::from_fn(|i| factor(i, p)));
            tile(std::array::from_fn(|_| c.next().unwrap_or_default()), rows, factors, add);
        } else {
            for (i, c) in c.enumerate() {
                gather(c, rows, std::array::from_fn(|p| factor(i, p)), add);
            }
        }
    }
}

/// Lanes += a lane of each times the factor of its row.
macro_rules! step {
    ($($sums:ident += $x:expr, $y:expr;)*) => {$(
        for (sum, (&x, &y)) in $sums.iter_mut().zip($x.iter().zip($y)) {
            *sum = x.mul_add(y, *sum);
        }
    )*};
}

/// [`tiles`] of as many rows as registers hold: every vector of `rows` is read once.
#[inline(always)]
fn tile<T: Float, const P: usize>(
    c: [&mut [T]; GROUP],
    rows: [&[T]; P],
    factors: [[T; GROUP]; P],
    add: bool,
) {
    let count = c[0].len() / LANES;
    let whole = rows.map(|row| &row.as_chunks::<LANES>().0[..count]);
    let mut c = c.map(|c| c.as_chunks_mut::<LANES>());
    for v in 0..count {
        let [mut s0, mut s1, mut s2, mut s3, mut s4, mut s5, mut s6, mut s7] =
            [[T::zero(); LANES]; GROUP];
        if add {
            [s0, s1, s2, s3] = [c[0].0[v], c[1].0[v], c[2].0[v], c[3].0[v]];
            [s4, s5, s6, s7] = [c[4].0[v], c[5].0[v], c[6].0[v], c[7].0[v]];
        }
        for (row, f) in whole.iter().zip(&factors) {
            let (row, f) = (&row[v], f.map(|factor| [factor; LANES]));
            step! {
                s0 += row, &f[0]; s1 += row, &f[1]; s2 += row, &f[2]; s3 += row, &f[3];
                s4 += row, &f[4]; s5 += row, &f[5]; s6 += row, &f[6]; s7 += row, &f[7];
            }
        }
        for (c, sums) in c.iter_mut().zip([s0, s1, s2, s3, s4, s5, s6, s7]) {
            c.0[v] = sums;
        }
    }
    for (i, (_, rest)) in c.into_iter().enumerate() {
        let factors = std::array::from_fn(|p| factors[p][i]);
        gather(rest, rows.map(|row| &row[count * LANES..]), factors, add);
    }
}

/// Adds the inner products of four rows with each of two, lane by lane; prefetches as many elements
/// that are read later.
#[inline(always)]
fn add_dots<T: Float>(sums: [&mut [T]; 2], a: [&[T]; 4], b: [&[T]; 2], next: &[T]) {
    let rest = b[0].len() / LANES * LANES;
    let [p, q, r, s] = a.map(|a| &a.as_chunks::<LANES>().0[..rest / LANES]);
    let [x, y] = b.map(|b| &b.as_chunks::<LANES>().0[..rest / LANES]);
    let (next, _) = next.as_chunks::<LANES>();
    let [mut s0, mut s1, mut s2, mut s3, mut s4, mut s5, mut s6, mut s7] = [[T::zero(); LANES]; 8];
    for i in 0..rest / LANES {
        if let Some(next) = next.get(i) {
            prefetch_all(next);
        }
        step! {
            s0 += p[i], &x[i]; s1 += q[i], &x[i]; s2 += r[i], &x[i]; s3 += s[i], &x[i];
            s4 += p[i], &y[i]; s5 += q[i], &y[i]; s6 += r[i], &y[i]; s7 += s[i], &y[i];
        }
    }
    for ((sums, mut lanes), b) in sums.into_iter().zip([[s0, s1, s2, s3], [s4, s5, s6, s7]]).zip(b)
    {
        if rest < b.len() {
            for (lanes, a) in lanes.iter_mut().zip(a) {
                for ((lane, &a), &b) in lanes.iter_mut().zip(&a[rest..]).zip(&b[rest..]) {
                    *lane = a.mul_add(b, *lane);
                }
            }
        }
        sums.iter_mut().zip(fold_each(lanes)).for_each(|(sum, product)| *sum += product);
    }
}

vectorised! {
    /// Two columns of the large matrix at a time, rows of `b`.
    fn inner<T: Float>(
        a: Matrix<'_, T>, b: Matrix<'_, T>, first: usize, c: ArrayViewMut2<'_, T>,
    ) {
        let ((m, n), k) = (c.dim(), a.shape.1);
        let mut c = c;
        for (pair, mut c) in c.axis_chunks_iter_mut(Axis(1), 2).enumerate() {
            let at = |j: usize| (first + 2 * pair + j).min(first + n - 1);
            let mut sums = [[T::zero(); FEW]; 2];
            for from in (0..k).step_by(STRIP) {
                let columns = from..k.min(from + STRIP);
                let of = [0, 1].map(|j| row(&b, at(j), columns.clone()));
                for i in (0..m).step_by(4) {
                    let four =
                        [0, 1, 2, 3].map(|j| row(&a, (i + j).min(m - 1), columns.clone()));
                    let sums = sums.each_mut().map(|sums| &mut sums[i..i + 4]);
                    add_dots(sums, four, of, row(&b, at(2 + i / 4 % 2), columns.clone()));
                }
            }
            for (mut c, sums) in c.axis_iter_mut(Axis(1)).zip(sums) {
                c.iter_mut().zip(sums).for_each(|(c, sum)| *c = sum);
            }
        }
    }
}
