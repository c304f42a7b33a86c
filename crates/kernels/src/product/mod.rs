//! Matrix products: one front door, three methods, and [`choose`] between them.
//!
//! What decides the bits of a product: the method, and nothing else. A packed product is one chain of
//! fused multiply-adds for each element, in the order of the inner axis, and so is a direct one, unless
//! both operands lie along that axis: then it is a sum of lanes. BLAS sums in an order of its own, cut at
//! tiles that depend on the shape alone. What is added to a product is added to the finished sums.
//! Threads, views and the product's neighbours in a graph change no bit.

mod choose;
mod direct;
mod few;
mod gram;
mod microkernel;
mod operand;
mod packed;

use ndarray::linalg::general_mat_mul;
use ndarray::{ArrayViewMut2, Axis};

use crate::parallel;
use crate::simd::lanes::add_to;
use crate::simd::{Isa, isa};
use crate::{Float, Layout};

pub use choose::{Method, choose};
use choose::{is_few, is_small};
pub use gram::gram;
pub(crate) use microkernel::{Terms, grouped};
pub(crate) use operand::matrix_mut;
pub use operand::{Addend, Matrices, Matrix, Order};
pub use packed::{Right, multiply, pack, packed_len};

/// Multiplications from which a product is worth another thread.
const TASK: usize = 1 << 21;
/// Multiplications of a tile that BLAS computes in one call, and the most tiles there are.
const TILE: usize = 1 << 23;
const TILES: usize = 16;
/// Multiplications from which a batch of small products is shared between threads.
const BATCH: usize = 1 << 19;
/// Extent below which neither side of a result is halved, and a multiple of the halves.
const NARROW: usize = 64;
const UNIT: usize = 16;

/// Whether each matrix of a layout has an axis without gaps, none of it repeated: what every method
/// reads.
#[must_use]
pub fn readable(layout: &Layout) -> bool {
    let r = layout.shape.len();
    let shape = (layout.shape[r - 2], layout.shape[r - 1]);
    let strides = (layout.strides[r - 2], layout.strides[r - 1]);
    Matrix::<f32> { data: &[], shape, strides }.order() != Order::Neither
}

/// Whether products of the matrices of two layouts are small enough for loops, to which a term costs
/// nothing.
#[must_use]
pub fn by_loops(left: &Layout, right: &Layout) -> bool {
    let r = left.shape.len();
    is_small(left.shape[r - 2], left.shape[r - 1], right.shape[r - 1])
}

fn of<T: Float>(a: Matrix<'_, T>, b: Matrix<'_, T>) -> Method {
    choose(a.shape.0, a.shape.1, b.shape.1, [a.order(), b.order()], T::DTYPE, isa())
}

/// Products of the matrices of two operands with equal leading axes, into contiguous `c`; plus `add`,
/// whose rows follow those of `c`.
pub fn batched<T: Float>(
    left: Matrices<'_, T>,
    right: Matrices<'_, T>,
    add: Option<Addend<'_, T>>,
    c: &mut [T],
) {
    if !c.is_empty() {
        by(of(left.get(0), right.get(0)), left, right, add, c);
    }
}

/// [`batched`] by a method of the caller's choice.
pub fn by<T: Float>(
    method: Method,
    left: Matrices<'_, T>,
    right: Matrices<'_, T>,
    add: Option<Addend<'_, T>>,
    c: &mut [T],
) {
    let (a, b) = (left.get(0), right.get(0));
    let ((m, k), n) = (a.shape, b.shape.1);
    let few = !is_small(m, k, n) && is_few(m, [a.order(), b.order()]);
    let loops = method == Method::Direct && !few;
    parallel::rows(c, m * n, (BATCH / (m * k * n).max(1)).max(1), 0, &|first, c| {
        if loops {
            let add = add.map(|add| add.from(first * m, 0));
            return direct::products(left, right, add, first, c);
        }
        for (i, c) in (first..).zip(c.chunks_exact_mut(m * n)) {
            let add = add.map(|add| add.from(i * m, 0));
            product(method, left.get(i), right.get(i), add, matrix_mut(c, m, n));
        }
    });
}

/// One product that is worth more than loops, shared between threads.
fn product<T: Float>(
    method: Method,
    a: Matrix<'_, T>,
    b: Matrix<'_, T>,
    add: Option<Addend<'_, T>>,
    mut c: ArrayViewMut2<'_, T>,
) {
    let work = a.shape.0 * a.shape.1 * b.shape.1;
    match method {
        Method::Direct => {
            few::product(a, b, c.view_mut());
            add_rows(add, &mut c);
        }
        Method::Packed => {
            let parts = parallel::threads().min(work / TASK).max(1);
            share(a, b, add, c, parts, &|a, b, add, mut c| {
                multiply(a, Right::Plain(b), false, add, &mut c);
            });
        }
        // Where BLAS is cut decides its bits.
        Method::Blas => share(a, b, add, c, (work / TILE).clamp(1, TILES), &|a, b, add, mut c| {
            general_mat_mul(T::one(), &a.view(), &b.view(), T::zero(), &mut c);
            add_rows(add, &mut c);
        }),
    }
}

fn add_rows<T: Float>(add: Option<Addend<'_, T>>, c: &mut ArrayViewMut2<'_, T>) {
    let Some(add) = add else { return };
    for (i, row) in c.rows_mut().into_iter().enumerate() {
        if let Some(row) = row.into_slice() {
            let from = &add.data[i * add.stride..][..row.len()];
            add_to(row, from);
        }
    }
}

/// c = left right, or that added to c if `accumulates`, by this thread alone.
pub(crate) fn accumulate<T: Float>(
    left: Matrix<'_, T>,
    right: Matrix<'_, T>,
    accumulates: bool,
    c: &mut ArrayViewMut2<'_, T>,
) {
    if isa() == Isa::Plain {
        let beta = if accumulates { T::one() } else { T::zero() };
        return general_mat_mul(T::one(), &left.view(), &right.view(), beta, c);
    }
    multiply(left, Right::Plain(right), accumulates, None, c);
}

/// Halves the longer side of a result until there are so many parts.
fn share<T: Float>(
    a: Matrix<'_, T>,
    b: Matrix<'_, T>,
    add: Option<Addend<'_, T>>,
    c: ArrayViewMut2<'_, T>,
    parts: usize,
    work: &(impl Fn(Matrix<'_, T>, Matrix<'_, T>, Option<Addend<'_, T>>, ArrayViewMut2<'_, T>) + Sync),
) {
    let ((m, k), n) = (a.shape, b.shape.1);
    let (half, rest) = (parts / 2, parts - parts / 2);
    if parts == 1 || m.max(n) <= NARROW {
        return work(a, b, add, c);
    }
    let middle = (m.max(n) * half / parts).next_multiple_of(UNIT);
    if m >= n {
        let (upper, lower) = c.split_at(Axis(0), middle);
        let (top, bottom) = (a.block((0, 0), (middle, k)), a.block((middle, 0), (m - middle, k)));
        let below = add.map(|add| add.from(middle, 0));
        parallel::both(
            || share(top, b, add, upper, half, work),
            || share(bottom, b, below, lower, rest, work),
        );
    } else {
        let (first, second) = c.split_at(Axis(1), middle);
        let (left, right) = (b.block((0, 0), (k, middle)), b.block((0, middle), (k, n - middle)));
        let after = add.map(|add| add.from(0, middle));
        parallel::both(
            || share(a, left, add, first, half, work),
            || share(a, right, after, second, rest, work),
        );
    }
}

#[cfg(test)]
mod tests;
