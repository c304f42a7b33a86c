//! Products with a side of few rows, which read or write one large matrix once.
//!
//! A BLAS copies the large operand before it multiplies; with so few multiplications an element,
//! the copy costs more than the product.

use std::ops::Range;

use ndarray::{ArrayViewMut1, ArrayViewMut2, Axis, s};

use crate::Float;
use crate::parallel;
use crate::simd::lanes::{LANES, fold_each};
use crate::simd::{prefetch_all, vectorised};

/// Rows of the small side at most.
const FEW: usize = 16;
/// Elements of the large matrix from which the copy is worth saving.
const LARGE: usize = 1 << 18;
/// Columns of the large matrix whose part of the small operand stays in cache.
const STRIP: usize = 512;
/// Columns of the result that one task computes, where the large matrix is read row by row.
const SHEET: usize = 1024;
/// Rows of the large matrix that are added at once.
const TOGETHER: usize = 8;
/// Rows of the small side whose sums are computed together.
const GROUP: usize = 8;
/// Rows of the result that one task computes.
const ROWS: usize = 64;

/// A row-major matrix inside a slice.
#[derive(Debug, Clone, Copy)]
pub struct Rows<'a, T> {
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
pub fn suits(m: usize, k: usize, n: usize) -> bool {
    (m <= FEW && k * n >= LARGE) || is_outer(m, k, n)
}

/// Whether the large side is the result, a sum of few outer products.
pub fn is_outer(m: usize, k: usize, n: usize) -> bool {
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
            sum = of[k][i].mul_add(factors[k], sum);
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
pub fn wide<T: Float>(
    left: (&[T], (usize, usize)),
    b: Rows<'_, T>,
    k: usize,
    c: ArrayViewMut2<'_, T>,
) {
    by_columns(c, SHEET, 0, &|first, c| wide_part(left, b, k, first, c));
}

vectorised! {
    /// Reads the large matrix in the order in which it lies, some rows at a time.
    fn wide_part<T: Float>(
        left: (&[T], (usize, usize)), b: Rows<'_, T>, k: usize, first: usize, c: ArrayViewMut2<'_, T>,
    ) {
        let (a, strides) = left;
        let width = c.ncols();
        let mut c = c;
        for from in (0..k).step_by(TOGETHER) {
            for strip in (0..width).step_by(STRIP) {
                let strip = strip..width.min(strip + STRIP);
                let row = |p: usize| b.row(from + p, first + strip.start..first + strip.end);
                let factor = |i: usize, p: usize| a[i * strides.0 + (from + p) * strides.1];
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

/// Few rows `a` `[m, k]` times the transposed of `b` `[n, k]`, both row-major.
pub fn inner<T: Float>(a: Rows<'_, T>, b: Rows<'_, T>, k: usize, c: ArrayViewMut2<'_, T>) {
    by_columns(c, ROWS, 0, &|first, c| inner_part(a, b, k, first, c));
}

/// Adds the inner products of four rows with each of two, lane by lane; asks for as many elements that
/// are read later.
#[inline(always)]
fn add_dots<T: Float>(sums: [&mut [T]; 2], a: [&[T]; 4], b: [&[T]; 2], ahead: &[T]) {
    let rest = b[0].len() / LANES * LANES;
    let [p, q, r, s] = a.map(|a| &a.as_chunks::<LANES>().0[..rest / LANES]);
    let [x, y] = b.map(|b| &b.as_chunks::<LANES>().0[..rest / LANES]);
    let (ahead, _) = ahead.as_chunks::<LANES>();
    let [mut s0, mut s1, mut s2, mut s3, mut s4, mut s5, mut s6, mut s7] = [[T::zero(); LANES]; 8];
    for i in 0..rest / LANES {
        if let Some(ahead) = ahead.get(i) {
            prefetch_all(ahead);
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
    /// Reads the large matrix in the order in which it lies, two rows at a time.
    fn inner_part<T: Float>(
        a: Rows<'_, T>, b: Rows<'_, T>, k: usize, first: usize, c: ArrayViewMut2<'_, T>,
    ) {
        let (m, n) = c.dim();
        let mut c = c;
        for (pair, mut c) in c.axis_chunks_iter_mut(Axis(1), 2).enumerate() {
            let row = |j: usize| (first + 2 * pair + j).min(first + n - 1);
            let mut sums = [[T::zero(); FEW]; 2];
            for from in (0..k).step_by(STRIP) {
                let columns = from..k.min(from + STRIP);
                let of = [b.row(row(0), columns.clone()), b.row(row(1), columns.clone())];
                for at in (0..m).step_by(4) {
                    let four = [0, 1, 2, 3].map(|i| a.row((at + i).min(m - 1), columns.clone()));
                    let sums = sums.each_mut().map(|sums| &mut sums[at..at + 4]);
                    add_dots(sums, four, of, b.row(row(2 + at / 4 % 2), columns.clone()));
                }
            }
            for (mut c, sums) in c.axis_iter_mut(Axis(1)).zip(sums) {
                c.iter_mut().zip(sums).for_each(|(c, sum)| *c = sum);
            }
        }
    }
}

/// `a` `[m, k]`, by any strides, of few columns, times `b` `[k, n]`.
pub fn outer<T: Float>(
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
