//! Eight rows turned into columns.
#![expect(unsafe_code, reason = "shuffles that the compiler does not find by itself")]

use crate::{DType, Float};

/// Rows that are turned at once.
pub(crate) const TURNED: usize = 8;

/// Element (i, p) of eight rows `stride` apart to `to[p * width + i]`, for `p` below `depth`.
pub(crate) fn turn<T: Float>(rows: &[T], stride: usize, depth: usize, to: &mut [T], width: usize) {
    assert!(width >= TURNED, "columns of {TURNED} in rows of {width}");
    if depth == 0 {
        return;
    }
    assert!(rows.len() >= (TURNED - 1) * stride + depth, "eight rows of {depth}");
    assert!(to.len() >= (depth - 1) * width + TURNED, "{depth} columns");
    let mut done = 0;
    #[cfg(target_arch = "x86_64")]
    if T::DTYPE == DType::F32 && crate::simd::isa() > crate::simd::Isa::Plain {
        done = depth / TURNED * TURNED;
        let (rows, to) = (rows.as_ptr().cast(), to.as_mut_ptr().cast());
        // SAFETY: the processor was asked for the feature, `T` is f32, and the extents were checked.
        unsafe { x86::turn(rows, stride, done, to, width) };
    }
    for i in 0..TURNED {
        for p in done..depth {
            to[p * width + i] = rows[i * stride + p];
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::{
        __m256, _mm256_loadu_ps, _mm256_permute2f128_ps, _mm256_shuffle_ps, _mm256_storeu_ps,
        _mm256_unpackhi_ps, _mm256_unpacklo_ps,
    };

    use super::TURNED;

    /// Turns squares of eight by eight.
    ///
    /// # Safety
    /// The processor has AVX2; `rows` leads to eight rows of `depth`, a multiple of eight, and `to` to
    /// as many columns in rows of `width`.
    #[target_feature(enable = "avx2")]
    pub(super) unsafe fn turn(
        rows: *const f32,
        stride: usize,
        depth: usize,
        to: *mut f32,
        width: usize,
    ) {
        for start in (0..depth).step_by(TURNED) {
            // SAFETY: the caller vouches for the extents.
            let square =
                std::array::from_fn(|i| unsafe { _mm256_loadu_ps(rows.add(i * stride + start)) });
            for (p, column) in turned(square).into_iter().enumerate() {
                // SAFETY: as above.
                unsafe { _mm256_storeu_ps(to.add((start + p) * width), column) };
            }
        }
    }

    #[target_feature(enable = "avx2")]
    fn turned(r: [__m256; TURNED]) -> [__m256; TURNED] {
        // Pairs, then fours, within each half of a register; then the halves.
        let pairs = [
            _mm256_unpacklo_ps(r[0], r[1]),
            _mm256_unpackhi_ps(r[0], r[1]),
            _mm256_unpacklo_ps(r[2], r[3]),
            _mm256_unpackhi_ps(r[2], r[3]),
            _mm256_unpacklo_ps(r[4], r[5]),
            _mm256_unpackhi_ps(r[4], r[5]),
            _mm256_unpacklo_ps(r[6], r[7]),
            _mm256_unpackhi_ps(r[6], r[7]),
        ];
        let fours = [
            _mm256_shuffle_ps::<0x44>(pairs[0], pairs[2]),
            _mm256_shuffle_ps::<0xEE>(pairs[0], pairs[2]),
            _mm256_shuffle_ps::<0x44>(pairs[1], pairs[3]),
            _mm256_shuffle_ps::<0xEE>(pairs[1], pairs[3]),
            _mm256_shuffle_ps::<0x44>(pairs[4], pairs[6]),
            _mm256_shuffle_ps::<0xEE>(pairs[4], pairs[6]),
            _mm256_shuffle_ps::<0x44>(pairs[5], pairs[7]),
            _mm256_shuffle_ps::<0xEE>(pairs[5], pairs[7]),
        ];
        [
            _mm256_permute2f128_ps::<0x20>(fours[0], fours[4]),
            _mm256_permute2f128_ps::<0x20>(fours[1], fours[5]),
            _mm256_permute2f128_ps::<0x20>(fours[2], fours[6]),
            _mm256_permute2f128_ps::<0x20>(fours[3], fours[7]),
            _mm256_permute2f128_ps::<0x31>(fours[0], fours[4]),
            _mm256_permute2f128_ps::<0x31>(fours[1], fours[5]),
            _mm256_permute2f128_ps::<0x31>(fours[2], fours[6]),
            _mm256_permute2f128_ps::<0x31>(fours[3], fours[7]),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_become_columns() {
        fn check<T: Float>() {
            let (stride, depth, width) = (23, 21, 11);
            let rows: Vec<T> = (0..TURNED * stride).map(|i| T::from_f64(i as f64)).collect();
            let mut to = vec![T::from_f64(-1.0); depth * width];
            turn(&rows, stride, depth, &mut to, width);
            for (at, &found) in to.iter().enumerate() {
                let (p, i) = (at / width, at % width);
                let wanted = if i < TURNED { (i * stride + p) as f64 } else { -1.0 };
                assert_eq!(found.to_f64(), wanted);
            }
        }
        check::<f32>();
        check::<f64>();
    }
}
