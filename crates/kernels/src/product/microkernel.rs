//! The innermost loops of products: blocks of a result in the processor's registers.
//!
//! Every element is one chain of fused multiply-adds in the order of the terms, whatever the block it
//! lies in and whatever the processor.
#![expect(
    unsafe_code,
    reason = "registers that loops over slices do not reach; every pointer stays in a slice whose \
              length is checked at the door"
)]

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::{__m256, __m256d, __m512, __m512d};

use ndarray::ArrayViewMut2;

use super::{Addend, Matrix};
use crate::simd::Isa;
use crate::simd::prefetch::Prefetch;
use crate::simd::registers::Vector;
use crate::{DType, Float};

/// Elements of a vector.
pub(super) fn lanes<T>(isa: Isa) -> usize {
    let bytes = if isa == Isa::Avx512 { 64 } else { 32 };
    bytes / size_of::<T>()
}

/// Vectors of a block's row at most, so that a block of enough rows stays in registers.
pub(super) fn most_vectors(isa: Isa) -> usize {
    if isa == Isa::Avx512 { 4 } else { 2 }
}

/// The vectors that cover a row: whole ones, and at most one half.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cover {
    vectors: usize,
    halves: usize,
    /// Elements of all of them.
    pub width: usize,
    /// Elements of the last one that count.
    last: usize,
}

impl Cover {
    /// Covers `columns` elements.
    pub(super) fn new<T>(isa: Isa, columns: usize) -> Cover {
        let lanes = lanes::<T>(isa);
        let (whole, rest) = (columns / lanes, columns % lanes);
        let halves = usize::from(rest > 0 && 2 * rest <= lanes);
        let vectors = if 2 * rest > lanes { whole + 1 } else { whole };
        let width = vectors * lanes + halves * lanes / 2;
        let last = if rest > 0 { rest } else { lanes };
        Cover { vectors, halves, width, last }
    }
}

/// Sums of a result, and how their terms lie: groups of them, the same distance apart in each operand.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Terms {
    /// Groups, and terms of a group.
    pub groups: usize,
    pub count: usize,
    /// From a group to the next in the left and the right operand.
    pub left_group: usize,
    pub right_group: usize,
    /// From a term to the next.
    pub left: usize,
    pub right: usize,
    /// From a row of the left operand to the next.
    pub left_row: usize,
    /// Rows and columns of the result.
    pub rows: usize,
    pub columns: usize,
}

/// Columns of a right operand, and what is prefetched while they are multiplied.
#[derive(Debug, Clone, Copy)]
pub(super) struct Panel<'a, T> {
    pub matrix: Matrix<'a, T>,
    pub next: Prefetch,
}

impl Terms {
    /// Elements of an operand from the first term to the last one's, which takes `width` more.
    fn span(&self, group: usize, term: usize, width: usize) -> usize {
        if self.groups == 0 || self.count == 0 {
            return 0;
        }
        (self.groups - 1) * group + (self.count - 1) * term + width
    }
}

/// A result: pointers, and how far it is to the next row.
#[repr(C)]
struct Job<T> {
    terms: Terms,
    left: *const T,
    right: *const T,
    /// Whether sums start from what the result holds.
    accumulates: bool,
    /// What is added to sums at the end; null for nothing.
    add: *const T,
    add_row: usize,
    to: *mut T,
    to_row: usize,
}

/// Where in a result a block begins, and the elements of its last vector, or half of one, that count.
#[derive(Clone, Copy)]
struct At {
    row: usize,
    column: usize,
    last: usize,
}

/// Terms from one prefetched line to the next.
const PREFETCH: usize = 2;

/// `M` rows of `N` vectors and `H` halves.
///
/// # Safety
/// The processor has the vector's instructions; the job's pointers lead to `M` rows and so many columns.
#[expect(clippy::needless_range_loop, reason = "loops of known length over rows and vectors")]
#[inline(always)]
unsafe fn block<V: Vector, const M: usize, const N: usize, const H: usize>(
    job: &Job<V::Element>,
    At { row, column, last }: At,
    next: &mut Prefetch,
) {
    let Terms { groups, count, left_group, right_group, left, right, left_row, .. } = job.terms;
    let first = job.left.wrapping_add(row * left_row);
    let to = job.to.wrapping_add(row * job.to_row + column);
    let mut later = *next;
    // SAFETY: inside the block, as the caller promises.
    unsafe {
        let mask = V::first(last);
        let half_mask = V::Half::first(last.min(V::Half::LANES));
        let load = |from: *const V::Element, v: usize| {
            let from = from.wrapping_add(v * V::LANES);
            if H == 0 && v + 1 == N { V::load_first(from, mask) } else { V::load(from) }
        };
        let load_half = |from: *const V::Element| {
            V::Half::load_first(from.wrapping_add(N * V::LANES), half_mask)
        };
        let mut sums = [[V::zero(); N]; M];
        let mut halves = [[V::Half::zero(); H]; M];
        for i in 0..if job.accumulates { M } else { 0 } {
            let start = to.wrapping_add(i * job.to_row).cast_const();
            for v in 0..N {
                sums[i][v] = load(start, v);
            }
            for h in 0..H {
                halves[i][h] = load_half(start);
            }
        }
        for group in 0..groups {
            let mut a = first.wrapping_add(group * left_group);
            let mut b = job.right.wrapping_add(group * right_group + column);
            for p in 0..count {
                if p % PREFETCH == 0 {
                    later.next::<true>();
                }
                let mut columns = [V::zero(); N];
                for v in 0..N {
                    columns[v] = load(b, v);
                }
                let mut half_columns = [V::Half::zero(); H];
                for h in 0..H {
                    half_columns[h] = load_half(b);
                }
                for i in 0..M {
                    let factor = a.wrapping_add(i * left_row).read();
                    for v in 0..N {
                        sums[i][v] = V::splat(factor).mul_add(columns[v], sums[i][v]);
                    }
                    for h in 0..H {
                        halves[i][h] =
                            V::Half::splat(factor).mul_add(half_columns[h], halves[i][h]);
                    }
                }
                (a, b) = (a.wrapping_add(left), b.wrapping_add(right));
            }
        }
        for i in 0..if job.add.is_null() { 0 } else { M } {
            let add = job.add.wrapping_add((row + i) * job.add_row + column);
            for v in 0..N {
                sums[i][v] = sums[i][v].add(load(add, v));
            }
            for h in 0..H {
                halves[i][h] = halves[i][h].add(load_half(add));
            }
        }
        for i in 0..M {
            let to = to.wrapping_add(i * job.to_row);
            for v in 0..N {
                let to = to.wrapping_add(v * V::LANES);
                if H == 0 && v + 1 == N && last < V::LANES {
                    sums[i][v].store_first(to, mask);
                } else {
                    sums[i][v].store(to);
                }
            }
            for h in 0..H {
                halves[i][h].store_first(to.wrapping_add(N * V::LANES), half_mask);
            }
        }
    }
    *next = later;
}

/// Blocks for the vectors of one kind of processor: for each number of vectors and halves in a row,
/// the rows of a block.
macro_rules! blocks {
    ($name:ident, $vector:ty, $element:ty $(, $feature:literal)?; $($n:literal $h:literal: $m:literal,)*) => {
        mod $name {
            use super::*;

            $(#[target_feature(enable = $feature)])?
            unsafe fn block<const M: usize, const N: usize, const H: usize>(
                job: &Job<$element>,
                at: At,
                next: &mut Prefetch,
            ) {
                // SAFETY: the caller's promise.
                unsafe { super::block::<$vector, M, N, H>(job, at, next) };
            }

            /// All rows, as many at a time as registers hold.
            unsafe fn rows<const M: usize, const N: usize, const H: usize>(
                job: &Job<$element>,
                mut at: At,
                next: &mut Prefetch,
            ) {
                while at.row < job.terms.rows {
                    let (run, done): (unsafe fn(&Job<$element>, At, &mut Prefetch), usize) =
                        match job.terms.rows - at.row {
                            left if left >= M => (block::<M, N, H>, M),
                            4.. => (block::<4, N, H>, 4),
                            2.. => (block::<2, N, H>, 2),
                            _ => (block::<1, N, H>, 1),
                        };
                    // SAFETY: the caller's promise; so many rows are left.
                    unsafe { run(job, at, next) };
                    at.row += done;
                }
            }

            /// # Safety
            /// The processor has the features; the job's pointers lead to what it says, of which
            /// `cover` covers the columns from one on.
            pub(super) unsafe fn run(
                job: &Job<$element>,
                column: usize,
                cover: Cover,
                next: &mut Prefetch,
            ) {
                let at = At { row: 0, column, last: cover.last };
                // SAFETY: the caller's promise.
                unsafe {
                    match (cover.vectors, cover.halves) {
                        $(($n, $h) => rows::<$m, $n, $h>(job, at, next),)*
                        _ => unreachable!("blocks for {cover:?}"),
                    }
                }
            }
        }
    };
}

#[cfg(target_arch = "x86_64")]
blocks!(wide_32, __m512, f32, "avx512f,avx512vl,avx2,fma";
    0 1: 8, 1 0: 8, 1 1: 8, 2 0: 8, 2 1: 8, 3 0: 8, 3 1: 6, 4 0: 6,);
#[cfg(target_arch = "x86_64")]
blocks!(wide_64, __m512d, f64, "avx512f,avx512vl,avx2,fma";
    0 1: 8, 1 0: 8, 1 1: 8, 2 0: 8, 2 1: 8, 3 0: 8, 3 1: 6, 4 0: 6,);
#[cfg(target_arch = "x86_64")]
blocks!(half_32, __m256, f32, "avx2,fma"; 0 1: 8, 1 0: 8, 1 1: 6, 2 0: 6,);
#[cfg(target_arch = "x86_64")]
blocks!(half_64, __m256d, f64, "avx2,fma"; 0 1: 8, 1 0: 8, 1 1: 6, 2 0: 6,);
blocks!(plain_32, [f32; 8], f32; 0 1: 4, 1 0: 4, 1 1: 4, 2 0: 4,);
blocks!(plain_64, [f64; 4], f64; 0 1: 4, 1 0: 4, 1 1: 4, 2 0: 4,);

impl<T: Float> Job<T> {
    /// Runs the columns from one on that `cover` covers, by the instructions of `isa`.
    ///
    /// # Safety
    /// The processor has the instructions, and the pointers lead to what the job says.
    unsafe fn run(&self, isa: Isa, column: usize, cover: Cover, next: &mut Prefetch) {
        let job = std::ptr::from_ref(self);
        // SAFETY: the caller's promise; the casts are to the type that `T` is.
        unsafe {
            match (isa, T::DTYPE) {
                #[cfg(target_arch = "x86_64")]
                (Isa::Avx512, DType::F64) => wide_64::run(&*job.cast(), column, cover, next),
                #[cfg(target_arch = "x86_64")]
                (Isa::Avx512, _) => wide_32::run(&*job.cast(), column, cover, next),
                #[cfg(target_arch = "x86_64")]
                (Isa::Avx2, DType::F64) => half_64::run(&*job.cast(), column, cover, next),
                #[cfg(target_arch = "x86_64")]
                (Isa::Avx2, _) => half_32::run(&*job.cast(), column, cover, next),
                (_, DType::F64) => plain_64::run(&*job.cast(), column, cover, next),
                _ => plain_32::run(&*job.cast(), column, cover, next),
            }
        }
    }
}

/// c = left right, or that added to c if `accumulates`; then plus `add`. The right operand has so few
/// columns that vectors cover them, and rows without gaps.
///
/// # Panics
/// If the processor has no such instructions.
pub(super) fn multiply<T: Float>(
    isa: Isa,
    left: Matrix<'_, T>,
    Panel { matrix: right, mut next }: Panel<'_, T>,
    accumulates: bool,
    add: Option<Addend<'_, T>>,
    c: &mut ArrayViewMut2<'_, T>,
) {
    let ((rows, depth), columns) = (left.shape, right.shape.1);
    if rows == 0 || columns == 0 {
        return;
    }
    let to_row = usize::try_from(c.strides()[0]).unwrap_or_default();
    assert!(c.dim() == (rows, columns) && (rows == 1 || to_row >= columns), "{:?}", c.dim());
    assert!((columns == 1 || c.strides()[1] == 1) && right.strides.1 == 1, "columns with gaps");
    assert!(right.shape.0 == depth && right.data.len() >= right.span(), "{:?}", right.shape);
    assert!(left.data.len() >= left.span() && isa <= crate::simd::isa(), "{:?}", left.shape);
    if let Some(add) = add {
        assert!(add.data.len() >= (rows - 1) * add.stride + columns, "a term for {rows} rows");
    }
    let terms = Terms {
        groups: 1,
        count: depth,
        left_group: 0,
        right_group: 0,
        left: left.strides.1,
        right: right.strides.0,
        left_row: left.strides.0,
        rows,
        columns,
    };
    let job = Job {
        terms,
        left: left.data.as_ptr(),
        right: right.data.as_ptr(),
        accumulates,
        add: add.map_or(std::ptr::null(), |add| add.data.as_ptr()),
        add_row: add.map_or(0, |add| add.stride),
        to: c.as_mut_ptr(),
        to_row,
    };
    // SAFETY: every extent was just checked, the processor has these instructions, and `c` is borrowed
    // exclusively.
    unsafe { job.run(isa, 0, Cover::new::<T>(isa, columns), &mut next) };
}

/// `out[i, j] = sum over groups and terms of left[.., i] right[.., j]`, in this order; columns are whole
/// vectors.
pub(crate) fn grouped<T: Float>(
    isa: Isa,
    terms: Terms,
    left: &[T],
    right: &[T],
    out: &mut [T],
    mut next: Prefetch,
) {
    let Terms { rows, columns, .. } = terms;
    let lanes = lanes::<T>(isa);
    let end = rows.saturating_sub(1) * terms.left_row + 1;
    assert!(left.len() >= terms.span(terms.left_group, terms.left, end), "{terms:?}");
    assert!(right.len() >= terms.span(terms.right_group, terms.right, columns), "{terms:?}");
    assert!(out.len() >= rows * columns && columns.is_multiple_of(lanes), "{rows} by {columns}");
    assert!(isa <= crate::simd::isa(), "{isa:?}");
    let job = Job {
        terms,
        left: left.as_ptr(),
        right: right.as_ptr(),
        accumulates: false,
        add: std::ptr::null(),
        add_row: 0,
        to: out.as_mut_ptr(),
        to_row: columns,
    };
    for column in (0..columns).step_by(2 * lanes) {
        let cover = Cover::new::<T>(isa, (2 * lanes).min(columns - column));
        // SAFETY: as above.
        unsafe { job.run(isa, column, cover, &mut next) };
    }
}
