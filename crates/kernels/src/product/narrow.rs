//! Products of few columns, as of a layer of few units.
//!
//! BLAS copies both operands of a product before it computes, and fills a narrow result up to a block
//! of its own. Here only `b` is copied, a row of the result stands in registers of the width it
//! needs, and every element is one chain of fused multiply-adds over `k`: its bits do not depend on
//! how rows are shared between threads.
#![cfg_attr(
    target_arch = "x86_64",
    expect(unsafe_code, reason = "vector registers, and operands read where strides lead")
)]

use ndarray::{ArrayView2, ArrayViewMut2};

/// Most columns of a narrow product.
const COLUMNS: usize = 128;
/// Fewest rows, and fewest terms of a sum, for which copying `b` pays.
const ROWS: usize = 64;
const TERMS: usize = 128;

/// `c = a b` for a result of few columns; false, and nothing done, where BLAS is the better choice.
pub(super) fn product<T: Narrow>(
    a: &ArrayView2<'_, T>,
    b: &ArrayView2<'_, T>,
    c: &mut ArrayViewMut2<'_, T>,
) -> bool {
    let ((m, k), n) = (a.dim(), b.dim().1);
    let pays = m >= ROWS && k >= TERMS && (2..=COLUMNS).contains(&n);
    pays && c.strides()[1] == 1 && T::narrow(a, b, c)
}

/// A float with a kernel for narrow products.
pub trait Narrow: Sized {
    /// `c = a b`, where rows of `c` are contiguous; false, and nothing done, without AVX-512.
    fn narrow(
        a: &ArrayView2<'_, Self>,
        b: &ArrayView2<'_, Self>,
        c: &mut ArrayViewMut2<'_, Self>,
    ) -> bool;
}

/// Without AVX-512 every product is BLAS's.
#[cfg(not(target_arch = "x86_64"))]
macro_rules! narrow {
    ($($type:ident)*) => {
        $(impl Narrow for $type {
            fn narrow(
                _: &ArrayView2<'_, Self>,
                _: &ArrayView2<'_, Self>,
                _: &mut ArrayViewMut2<'_, Self>,
            ) -> bool {
                false
            }
        })*
    };
}

#[cfg(not(target_arch = "x86_64"))]
narrow!(f32 f64);

#[cfg(target_arch = "x86_64")]
mod avx512 {
    use std::arch::x86_64::*;
    use std::cell::RefCell;

    use ndarray::{ArrayView2, ArrayViewMut2};

    use super::Narrow;

    /// Terms of the sums that are copied at once.
    const DEPTH: usize = 256;
    /// Most vectors of a panel of columns.
    const VECTORS: usize = 4;

    /// Where a panel's rows are read and written.
    struct Panel<T> {
        /// First element of `a`, and the steps to its next row and to the next term.
        a: (*const T, isize, isize),
        /// The copied columns of `b`, and the terms they have.
        b: (*const T, usize),
        /// First element of `c`, and the step to its next row.
        c: (*mut T, isize),
        /// Columns of the last vector, a bit each.
        last: u16,
        /// Whether `c` holds the sums of earlier terms.
        adds: bool,
    }

    macro_rules! narrow {
        (
            $type:ident, $width:literal, $mask:ident, $set:ident, $fma:ident, $zero:ident,
            $load:ident, $masked_load:ident, $masked_store:ident;
            $half_set:ident, $half_fma:ident, $half_zero:ident,
            $half_load:ident, $half_masked_load:ident, $half_masked_store:ident
        ) => {
            mod $type {
                use super::*;

                const HALF: usize = $width / 2;

                thread_local! {
                    /// Copied columns; kept, so that later products allocate nothing.
                    static COPIED: RefCell<Vec<$type>> = const { RefCell::new(Vec::new()) };
                }

                /// `M` rows of `V` vectors and `H` (0 or 1) vectors of half the width.
                ///
                /// # Safety
                /// The panel's pointers are valid for `M` rows, its columns and its terms.
                #[target_feature(enable = "avx512f,avx512vl,avx2,fma")]
                unsafe fn block<const M: usize, const V: usize, const H: usize>(of: &Panel<$type>) {
                    let (a, row, term) = of.a;
                    let (mut b, depth) = of.b;
                    let (c, next) = of.c;
                    let mask = |v| if v + 1 == V && H == 0 { of.last as $mask } else { $mask::MAX };
                    let mut sums = [[$zero(); V]; M];
                    let mut half_sums = [[$half_zero(); H]; M];
                    // SAFETY: inside the panel, as the caller promises.
                    unsafe {
                        if of.adds {
                            for i in 0..M {
                                let c = c.offset(i as isize * next);
                                for v in 0..V {
                                    sums[i][v] = $masked_load(mask(v), c.add(v * $width));
                                }
                                for sum in &mut half_sums[i] {
                                    *sum = $half_masked_load(of.last as u8, c.add(V * $width));
                                }
                            }
                        }
                        for p in 0..depth as isize {
                            let mut columns = [$zero(); V];
                            for (v, columns) in columns.iter_mut().enumerate() {
                                *columns = $load(b.add(v * $width));
                            }
                            let mut half_columns = [$half_zero(); H];
                            for columns in &mut half_columns {
                                *columns = $half_load(b.add(V * $width));
                            }
                            b = b.add(V * $width + H * HALF);
                            for i in 0..M {
                                let factor = *a.offset(i as isize * row + p * term);
                                for v in 0..V {
                                    sums[i][v] = $fma($set(factor), columns[v], sums[i][v]);
                                }
                                for h in 0..H {
                                    let sum = half_sums[i][h];
                                    half_sums[i][h] =
                                        $half_fma($half_set(factor), half_columns[h], sum);
                                }
                            }
                        }
                        for i in 0..M {
                            let c = c.offset(i as isize * next);
                            for v in 0..V {
                                $masked_store(c.add(v * $width), mask(v), sums[i][v]);
                            }
                            for &sum in &half_sums[i] {
                                $half_masked_store(c.add(V * $width), of.last as u8, sum);
                            }
                        }
                    }
                }

                /// `rows` rows, `M` at a time.
                ///
                /// # Safety
                /// As for [`block`], with `rows` rows.
                #[target_feature(enable = "avx512f,avx512vl,avx2,fma")]
                unsafe fn panel<const M: usize, const V: usize, const H: usize>(
                    mut of: Panel<$type>,
                    mut rows: usize,
                ) {
                    while rows > 0 {
                        // The largest block of rows that are left.
                        let (run, done): (unsafe fn(&Panel<$type>), usize) = match rows {
                            rows if rows >= M => (block::<M, V, H>, M),
                            4.. => (block::<4, V, H>, 4),
                            2.. => (block::<2, V, H>, 2),
                            _ => (block::<1, V, H>, 1),
                        };
                        // SAFETY: so many rows are left.
                        unsafe { run(&of) };
                        of.a.0 = of.a.0.wrapping_offset(done as isize * of.a.1);
                        of.c.0 = of.c.0.wrapping_offset(done as isize * of.c.1);
                        rows -= done;
                    }
                }

                /// Copies columns `first..` of rows `from..from + depth`, `width` a row; columns that
                /// are not there are zero.
                fn copy(
                    b: &ArrayView2<'_, $type>,
                    (from, depth): (usize, usize),
                    (first, width): (usize, usize),
                    to: &mut [$type],
                ) {
                    let count = (b.dim().1 - first).min(width);
                    let rows = to.chunks_exact_mut(width).zip(b.outer_iter().skip(from));
                    for (to, row) in rows.take(depth) {
                        let (to, rest) = to.split_at_mut(count);
                        match row.to_slice() {
                            Some(row) => to.copy_from_slice(&row[first..first + count]),
                            None => to.iter_mut().zip(first..).for_each(|(to, j)| *to = row[j]),
                        }
                        rest.fill(0.0);
                    }
                }

                /// # Safety
                /// The processor has the features.
                #[target_feature(enable = "avx512f,avx512vl,avx2,fma")]
                pub(super) unsafe fn product(
                    a: &ArrayView2<'_, $type>,
                    b: &ArrayView2<'_, $type>,
                    c: &mut ArrayViewMut2<'_, $type>,
                    copied: &mut [$type],
                ) {
                    let ((m, k), n) = (a.dim(), b.dim().1);
                    let (rows, terms) = (a.strides()[0], a.strides()[1]);
                    let vectors = n.div_ceil($width);
                    let panels = vectors.div_ceil(VECTORS);
                    for from in (0..k).step_by(DEPTH) {
                        let depth = DEPTH.min(k - from);
                        for at in 0..panels {
                            // Panels of nearly the same width, the last as narrow as its columns.
                            let first = at * vectors / panels * $width;
                            let end = ((at + 1) * vectors / panels * $width).min(n);
                            let halves = (end - first).div_ceil(HALF);
                            copy(b, (from, depth), (first, halves * HALF), copied);
                            let full = if halves % 2 == 0 { $width } else { HALF };
                            let empty = halves * HALF - (end - first);
                            let of = Panel {
                                a: (a.as_ptr().wrapping_offset(from as isize * terms), rows, terms),
                                b: (copied.as_ptr(), depth),
                                c: (c.as_mut_ptr().wrapping_add(first), c.strides()[0]),
                                last: (u16::MAX >> (16 - full)) >> empty,
                                adds: from > 0,
                            };
                            // SAFETY: shapes and strides are the views' own, and the columns were
                            // just copied.
                            unsafe {
                                match halves {
                                    1 => panel::<8, 0, 1>(of, m),
                                    2 => panel::<8, 1, 0>(of, m),
                                    3 => panel::<8, 1, 1>(of, m),
                                    4 => panel::<8, 2, 0>(of, m),
                                    5 => panel::<8, 2, 1>(of, m),
                                    6 => panel::<8, 3, 0>(of, m),
                                    7 => panel::<6, 3, 1>(of, m),
                                    _ => panel::<6, 4, 0>(of, m),
                                }
                            }
                        }
                    }
                }

                impl Narrow for $type {
                    fn narrow(
                        a: &ArrayView2<'_, Self>,
                        b: &ArrayView2<'_, Self>,
                        c: &mut ArrayViewMut2<'_, Self>,
                    ) -> bool {
                        if crate::simd::isa() < crate::simd::Isa::Avx512 {
                            return false;
                        }
                        COPIED.with_borrow_mut(|copied| {
                            copied.resize(DEPTH * VECTORS * $width, 0.0);
                            // SAFETY: the processor was asked.
                            unsafe { product(a, b, c, copied) };
                        });
                        true
                    }
                }
            }
        };
    }

    narrow!(
        f32, 16, __mmask16, _mm512_set1_ps, _mm512_fmadd_ps, _mm512_setzero_ps,
        _mm512_loadu_ps, _mm512_maskz_loadu_ps, _mm512_mask_storeu_ps;
        _mm256_set1_ps, _mm256_fmadd_ps, _mm256_setzero_ps,
        _mm256_loadu_ps, _mm256_maskz_loadu_ps, _mm256_mask_storeu_ps
    );
    narrow!(
        f64, 8, __mmask8, _mm512_set1_pd, _mm512_fmadd_pd, _mm512_setzero_pd,
        _mm512_loadu_pd, _mm512_maskz_loadu_pd, _mm512_mask_storeu_pd;
        _mm256_set1_pd, _mm256_fmadd_pd, _mm256_setzero_pd,
        _mm256_loadu_pd, _mm256_maskz_loadu_pd, _mm256_mask_storeu_pd
    );
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, s};

    use super::*;

    fn matrix<T: crate::Float>(rows: usize, columns: usize, seed: usize) -> Array2<T> {
        Array2::from_shape_fn((rows, columns), |(i, j)| {
            T::from_f64(((i * 7919 + j * 104_729 + seed) % 1009) as f64 / 1009.0 - 0.5)
        })
    }

    /// Against sums in f64, in every orientation, into a result with gaps.
    fn agrees<T: crate::Float>(tolerance: f64) {
        for n in (2..40).chain([50, 63, 64, 65, 100, 127, 128]) {
            for (m, k) in [(64, 128), (71, 300), (133, 513)] {
                let (a, b) = (matrix::<T>(m, k, 1), matrix::<T>(k, n, 2));
                let (at, bt) = (matrix::<T>(k, m, 1), matrix::<T>(n, k, 2));
                let mut whole = Array2::from_elem((m, n + 3), T::from_f64(7.0));
                for (a, b) in [(a.view(), b.view()), (at.t(), b.view()), (a.view(), bt.t())] {
                    let mut c = whole.slice_mut(s![.., ..n]);
                    if !product(&a, &b, &mut c) {
                        return;
                    }
                    let wanted = a.mapv(T::to_f64).dot(&b.mapv(T::to_f64));
                    for (c, wanted) in c.iter().zip(&wanted) {
                        assert!((c.to_f64() - wanted).abs() < tolerance, "{m} {k} {n}");
                    }
                    assert!(whole.slice(s![.., n..]).iter().all(|&x| x == T::from_f64(7.0)));
                    // Rows alone have the bits they have together.
                    let mut part = Array2::zeros((64, n));
                    assert!(product(&a.slice(s![m - 64.., ..]), &b, &mut part.view_mut()));
                    assert_eq!(part, whole.slice(s![m - 64.., ..n]));
                }
            }
        }
    }

    #[test]
    fn any_orientation_and_width() {
        agrees::<f32>(1e-4);
        agrees::<f64>(1e-12);
    }
}
