//! Direct products: loops whose innermost runs along the operands as they lie.

use super::{Addend, Matrices, Matrix};
use crate::Float;
use crate::simd::lanes::{LANES, add_to, combine, dot, fold};
use crate::simd::strips::{STRIP, Vector, copy, read, write};
use crate::simd::vectorised;

vectorised! {
    /// A run of products, from the one of index `first`, into contiguous `c`, plus `add` where there
    /// is something to add.
    pub(super) fn products<T: Float>(
        left: Matrices<'_, T>,
        right: Matrices<'_, T>,
        add: Option<Addend<'_, T>>,
        first: usize,
        c: &mut [T],
    ) {
        let (rows, columns) = (left.get(0).shape.0, right.get(0).shape.1);
        let (size, len) = (rows * columns, c.len());
        let mut rest = [[T::zero(); LANES]; STRIP];
        for i in 0..len / size {
            let (mut a, mut b) = (left.get(first + i), right.get(first + i));
            let mut add = add.map(|add| add.from(i * rows, 0));
            // What lies beyond the product in `c` is written by the next ones.
            let c = &mut c[i * size..];
            // A column is a row of the transposed problem.
            if columns == 1 && add.is_none_or(|add| add.stride == 1) {
                (a, b) = (b.transposed(), a.transposed());
                add = add.map(|add| Addend { stride: rows, ..add });
            }
            match add {
                None => product::<T, false>(a, b, Addend { data: &[], stride: 0 }, c, &mut rest),
                Some(add) => product::<T, true>(a, b, add, c, &mut rest),
            }
        }
    }
}

/// The product of two matrices into the beginning of `c`, the rest of which may be overwritten; plus
/// `add` if `ADDS`.
#[inline(always)]
fn product<T: Float, const ADDS: bool>(
    a: Matrix<'_, T>,
    b: Matrix<'_, T>,
    add: Addend<'_, T>,
    c: &mut [T],
    rest: &mut [Vector<T>; STRIP],
) {
    let (k, n) = b.shape;
    let along_n = b.strides.1 == 1 || n == 1;
    let along_k = k == 1 || (a.strides.1 == 1 && b.strides.0 == 1);
    if along_n && (!along_k || n >= k) && n <= STRIP * LANES {
        return match n.div_ceil(LANES) {
            1 => weigh::<T, 1, ADDS>(a, b, add, c, rest),
            2 => weigh::<T, 2, ADDS>(a, b, add, c, rest),
            3 => weigh::<T, 3, ADDS>(a, b, add, c, rest),
            _ => weigh::<T, STRIP, ADDS>(a, b, add, c, rest),
        };
    }
    if along_n && (!along_k || n >= k) {
        weigh_long(a, b, c);
    } else if along_k {
        match (k / LANES, k % LANES > 0) {
            (1, true) => dots::<T, 1, true>(a, b, c),
            (2, false) => dots::<T, 2, false>(a, b, c),
            (2, true) => dots::<T, 2, true>(a, b, c),
            (3, false) => dots::<T, 3, false>(a, b, c),
            (3, true) => dots::<T, 3, true>(a, b, c),
            (4, false) => dots::<T, 4, false>(a, b, c),
            _ => dots_long(a, b, c),
        }
    } else {
        one_by_one(a, b, c);
    }
    if ADDS {
        for (i, c) in c.chunks_mut(n).take(a.shape.0).enumerate() {
            add_to(c, &add.data[i * add.stride..][..n]);
        }
    }
}

/// Each row of `c` is a sum of rows of `b`, of `N` vectors.
#[inline(always)]
fn weigh<T: Float, const N: usize, const ADDS: bool>(
    a: Matrix<'_, T>,
    b: Matrix<'_, T>,
    add: Addend<'_, T>,
    c: &mut [T],
    rest: &mut [Vector<T>; STRIP],
) {
    let ((m, k), n) = (a.shape, b.shape.1);
    let factor = |i: usize, p: usize| a.data[i * a.strides.0 + p * a.strides.1];
    let mut row = [[T::zero(); LANES]; N];
    if k == 1 {
        copy::<T, N>(read::<T, N>(b.data, n, rest), &mut row);
    }
    for i in 0..m {
        let mut sums = [[T::zero(); LANES]; N];
        if k == 1 {
            add_times(&mut sums, factor(i, 0), &row);
        } else {
            for p in 0..k {
                let row = read::<T, N>(&b.data[p * b.strides.0..], n, rest);
                add_times(&mut sums, factor(i, p), row);
            }
        }
        if ADDS {
            let row = read::<T, N>(&add.data[i * add.stride..], n, rest);
            add_times(&mut sums, T::one(), row);
        }
        write::<T, N>(&sums, &mut c[i * n..], n, rest);
    }
}

/// sums += factor row.
#[inline(always)]
fn add_times<T: Float, const N: usize>(sums: &mut [Vector<T>; N], factor: T, row: &[Vector<T>]) {
    for (sums, row) in sums.iter_mut().zip(row) {
        for (sum, &x) in sums.iter_mut().zip(row) {
            *sum = factor.mul_add(x, *sum);
        }
    }
}

/// As [`weigh`] for rows of any length.
#[inline(always)]
fn weigh_long<T: Float>(a: Matrix<'_, T>, b: Matrix<'_, T>, c: &mut [T]) {
    let ((m, k), n) = (a.shape, b.shape.1);
    for i in 0..m {
        let row = |p: usize| &b.data[p * b.strides.0..][..n];
        let factor = |p: usize| a.data[i * a.strides.0 + p * a.strides.1];
        combine(&mut c[i * n..(i + 1) * n], k, row, factor);
    }
}

/// Inner products of rows of `a` and columns of `b`, both contiguous, of `N` vectors and a rest; in
/// the order of [`dot`].
#[inline(always)]
fn dots<T: Float, const N: usize, const REST: bool>(
    a: Matrix<'_, T>,
    b: Matrix<'_, T>,
    c: &mut [T],
) {
    let ((m, k), n) = (a.shape, b.shape.1);
    let counted = LANES - k % LANES;
    for i in 0..m {
        let row = &a.data[i * a.strides.0..][..k];
        let mut whole = [[T::zero(); LANES]; N];
        copy::<T, N>(row.as_chunks().0, &mut whole);
        // The last vector, without what the whole ones hold.
        let mut last = *end(row);
        for (at, last) in last.iter_mut().enumerate() {
            *last = if at >= counted { *last } else { T::zero() };
        }
        for (j, c) in c[i * n..(i + 1) * n].iter_mut().enumerate() {
            let column = &b.data[j * b.strides.1..][..k];
            let mut lanes = [T::zero(); LANES];
            for (x, y) in whole.iter().zip(column.as_chunks::<LANES>().0) {
                for ((lane, &x), &y) in lanes.iter_mut().zip(x).zip(y) {
                    *lane = x.mul_add(y, *lane);
                }
            }
            if REST {
                for ((lane, &x), &y) in lanes.iter_mut().zip(&last).zip(end(column)) {
                    *lane = x.mul_add(y, *lane);
                }
            }
            *c = fold(lanes);
        }
    }
}

/// The last vector of a row of one vector or more.
#[inline(always)]
fn end<T>(row: &[T]) -> &Vector<T> {
    match row.last_chunk() {
        Some(last) => last,
        None => unreachable!("a row shorter than a vector"),
    }
}

/// As [`dots`] for rows of any length.
#[inline(always)]
fn dots_long<T: Float>(a: Matrix<'_, T>, b: Matrix<'_, T>, c: &mut [T]) {
    let ((m, k), n) = (a.shape, b.shape.1);
    for i in 0..m {
        let row = &a.data[i * a.strides.0..][..k];
        for (j, c) in c[i * n..(i + 1) * n].iter_mut().enumerate() {
            *c = dot(row, &b.data[j * b.strides.1..][..k]);
        }
    }
}

/// Element by element, whatever the strides.
#[inline(always)]
fn one_by_one<T: Float>(a: Matrix<'_, T>, b: Matrix<'_, T>, c: &mut [T]) {
    let ((m, k), n) = (a.shape, b.shape.1);
    for i in 0..m {
        for (j, c) in c[i * n..(i + 1) * n].iter_mut().enumerate() {
            let term = |p: usize| {
                a.data[i * a.strides.0 + p * a.strides.1]
                    * b.data[p * b.strides.0 + j * b.strides.1]
            };
            *c = (0..k).fold(T::zero(), |sum, p| sum + term(p));
        }
    }
}
