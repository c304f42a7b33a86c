//! The innermost product of a blocked matrix multiplication: eight rows that stay in registers.
#![expect(
    unsafe_code,
    reason = "the registers of a product are the processor's own, which loops over slices do not \
              reach; every pointer stays in a slice whose length is checked at the door"
)]

use crate::simd::Isa;
use crate::{DType, Float};

/// Extent of the square blocks that the left operand is stored in, and rows of one product.
pub(super) const SIDE: usize = 8;
/// What the number of columns is a multiple of.
pub(super) const COLUMNS: usize = 16;

/// How many blocks ahead the left operand is asked for.
const AHEAD: usize = 2;

/// How the operands of [`product`] lie in their slices.
#[derive(Debug, Clone, Copy)]
pub(super) struct Layout {
    /// Blocks that the sum runs over.
    pub blocks: usize,
    /// Distance between blocks of the left operand, each [`SIDE`] by [`SIDE`] elements.
    pub left: usize,
    /// Whether the sum runs along the rows of each left block instead of down its columns.
    pub turned: bool,
    /// Distance between blocks of the right operand, each [`SIDE`] rows of `columns`.
    pub right: usize,
    /// Columns of the right operand and of the result.
    pub columns: usize,
}

/// `out[i, p] = sum over blocks b and k of left[b][k, i] right[b][k, p]`, by fused multiplications
/// and additions in order of b and k, so that every processor gives the same bits.
pub(super) fn product<T: Float>(at: Layout, left: &[T], right: &[T], out: &mut [T]) {
    let reach = |step: usize, block: usize| at.blocks.saturating_sub(1) * step + block;
    assert!(left.len() >= reach(at.left, SIDE * SIDE), "a left operand too short for {at:?}");
    assert!(right.len() >= reach(at.right, SIDE * at.columns), "a right operand too short");
    assert!(out.len() >= SIDE * at.columns && at.columns.is_multiple_of(COLUMNS), "{at:?}");
    #[cfg(target_arch = "x86_64")]
    {
        let (a, b, c) = (left.as_ptr(), right.as_ptr(), out.as_mut_ptr());
        // SAFETY: the processor was asked for the features of the version that is picked, T is the
        // type it is for, and the slices reach as far as the layout says.
        let done = unsafe {
            match (T::DTYPE, crate::simd::isa()) {
                (DType::F32, Isa::Avx512) => f32_wide::run(at, a.cast(), b.cast(), c.cast()),
                (DType::F32, Isa::Avx2) => f32_half::run(at, a.cast(), b.cast(), c.cast()),
                (DType::F64, Isa::Avx512) => f64_wide::run(at, a.cast(), b.cast(), c.cast()),
                (DType::F64, Isa::Avx2) => f64_half::run(at, a.cast(), b.cast(), c.cast()),
                _ => false,
            }
        };
        if done {
            return;
        }
    }
    plain(at, left, right, out);
}

/// Any processor.
fn plain<T: Float>(at: Layout, left: &[T], right: &[T], out: &mut [T]) {
    for i in 0..SIDE {
        let out = &mut out[i * at.columns..][..at.columns];
        out.fill(T::zero());
        for b in 0..at.blocks {
            for k in 0..SIDE {
                let place = if at.turned { i * SIDE + k } else { k * SIDE + i };
                let factor = left[b * at.left + place];
                let right = &right[b * at.right + k * at.columns..][..at.columns];
                for (out, &x) in out.iter_mut().zip(right) {
                    *out = factor.mul_add(x, *out);
                }
            }
        }
    }
}

/// A product for one kind of vector: `rows` by up to two vectors of results in registers.
#[cfg(target_arch = "x86_64")]
macro_rules! vectors {
    (
        $name:ident, $features:literal, $type:ty, $vector:ty, $lanes:literal, $rows:literal,
        $load:ident, $store:ident, $set:ident, $zero:ident, $fma:ident
    ) => {
        mod $name {
            use std::arch::x86_64::*;

            use super::{AHEAD, Layout, SIDE};

            #[target_feature(enable = $features)]
            pub(super) unsafe fn run(
                at: Layout,
                left: *const $type,
                right: *const $type,
                out: *mut $type,
            ) -> bool {
                // SAFETY: the caller's promise, passed on.
                unsafe {
                    if at.turned {
                        columns::<1, SIDE>(at, left, right, out);
                    } else {
                        columns::<SIDE, 1>(at, left, right, out);
                    }
                }
                true
            }

            #[target_feature(enable = $features)]
            #[inline]
            unsafe fn columns<const K: usize, const I: usize>(
                at: Layout,
                left: *const $type,
                right: *const $type,
                out: *mut $type,
            ) {
                let mut p = 0;
                while p < at.columns {
                    let two = p + 2 * $lanes <= at.columns;
                    for row in (0..SIDE).step_by($rows) {
                        // SAFETY: `row` is below SIDE and the vectors from `p` on end within the
                        // columns, whose number the vectors' length divides.
                        unsafe {
                            let (left, right) = (left.add(row * I), right.add(p));
                            let out = out.add(row * at.columns + p);
                            if two {
                                tile::<2, K, I>(at, left, right, out);
                            } else {
                                tile::<1, K, I>(at, left, right, out);
                            }
                        }
                    }
                    p += if two { 2 * $lanes } else { $lanes };
                }
            }

            #[target_feature(enable = $features)]
            #[inline]
            unsafe fn tile<const N: usize, const K: usize, const I: usize>(
                at: Layout,
                mut left: *const $type,
                mut right: *const $type,
                out: *mut $type,
            ) {
                let mut sums = [[$zero(); N]; $rows];
                for _ in 0..at.blocks {
                    // Blocks of filters lie far apart.
                    for line in (0..SIDE * SIDE).step_by(64 / size_of::<$type>()) {
                        let ahead = left.wrapping_add(AHEAD * at.left + line);
                        _mm_prefetch::<_MM_HINT_T0>(ahead.cast());
                    }
                    for k in 0..SIDE {
                        // SAFETY: row k of a block that the layout places inside the operands.
                        let x: [$vector; N] = std::array::from_fn(|j| unsafe {
                            $load(right.add(k * at.columns + j * $lanes))
                        });
                        for (i, sums) in sums.iter_mut().enumerate() {
                            // SAFETY: element (k, i) of that block.
                            let factor = $set(unsafe { *left.add(k * K + i * I) });
                            for (sum, x) in sums.iter_mut().zip(x) {
                                *sum = $fma(factor, x, *sum);
                            }
                        }
                    }
                    left = left.wrapping_add(at.left);
                    right = right.wrapping_add(at.right);
                }
                for (i, sums) in sums.iter().enumerate() {
                    for (j, &sum) in sums.iter().enumerate() {
                        // SAFETY: the result has SIDE rows of `columns` elements.
                        unsafe { $store(out.add(i * at.columns + j * $lanes), sum) };
                    }
                }
            }
        }
    };
}

#[cfg(target_arch = "x86_64")]
vectors!(
    f32_wide,
    "avx512f",
    f32,
    __m512,
    16,
    8,
    _mm512_loadu_ps,
    _mm512_storeu_ps,
    _mm512_set1_ps,
    _mm512_setzero_ps,
    _mm512_fmadd_ps
);
#[cfg(target_arch = "x86_64")]
vectors!(
    f32_half,
    "avx2,fma",
    f32,
    __m256,
    8,
    4,
    _mm256_loadu_ps,
    _mm256_storeu_ps,
    _mm256_set1_ps,
    _mm256_setzero_ps,
    _mm256_fmadd_ps
);
#[cfg(target_arch = "x86_64")]
vectors!(
    f64_wide,
    "avx512f",
    f64,
    __m512d,
    8,
    8,
    _mm512_loadu_pd,
    _mm512_storeu_pd,
    _mm512_set1_pd,
    _mm512_setzero_pd,
    _mm512_fmadd_pd
);
#[cfg(target_arch = "x86_64")]
vectors!(
    f64_half,
    "avx2,fma",
    f64,
    __m256d,
    4,
    4,
    _mm256_loadu_pd,
    _mm256_storeu_pd,
    _mm256_set1_pd,
    _mm256_setzero_pd,
    _mm256_fmadd_pd
);

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers<T: Float>(len: usize) -> Vec<T> {
        (0..len).map(|i| T::from_f64(((i * 37 + 11) % 23) as f64 / 7.0 - 1.0)).collect()
    }

    fn same_bits<T: Float>() {
        for (blocks, columns) in [(1, 16), (3, 32), (2, 80), (0, 16)] {
            for turned in [false, true] {
                let (left, right) = (80, SIDE * columns + 5);
                let at = Layout { blocks, left, turned, right, columns };
                let (a, b) = (numbers::<T>(3 * left), numbers::<T>(3 * right));
                let mut found = vec![T::from_f64(9.0); SIDE * columns];
                let mut wanted = found.clone();
                product(at, &a, &b, &mut found);
                plain(at, &a, &b, &mut wanted);
                assert!(found == wanted, "{at:?}");
                #[cfg(target_arch = "x86_64")]
                if crate::simd::isa() > crate::simd::Isa::Plain && T::DTYPE == DType::F32 {
                    let (a, b) = (a.as_ptr().cast(), b.as_ptr().cast());
                    // SAFETY: the operands suffice, as for the same call above.
                    unsafe { f32_half::run(at, a, b, found.as_mut_ptr().cast()) };
                    assert!(found == wanted, "{at:?}");
                }
            }
        }
    }

    #[test]
    fn every_processor_gives_the_same_bits() {
        same_bits::<f32>();
        same_bits::<f64>();
    }

    #[test]
    fn by_hand() {
        let at = Layout { blocks: 1, left: 64, turned: false, right: 128, columns: 16 };
        let (mut left, mut right) = ([0.0; 64], [0.0; 128]);
        (left[3 * 8 + 1], right[3 * 16 + 2]) = (2.0, 5.0);
        let mut out = [0.0; 128];
        product(at, &left, &right, &mut out);
        assert_eq!((out[16 + 2], out.iter().sum::<f64>()), (10.0, 10.0));
        product(Layout { turned: true, ..at }, &left, &right, &mut out);
        assert_eq!(out, [0.0; 128]);
        right[16] = 7.0;
        product(Layout { turned: true, ..at }, &left, &right, &mut out);
        assert_eq!((out[3 * 16], out.iter().sum::<f64>()), (14.0, 14.0));
    }
}
