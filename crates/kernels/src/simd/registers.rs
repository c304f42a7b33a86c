//! Vector registers: loads, stores and fused multiply-adds of any width, and eight rows transposed.
#![expect(
    unsafe_code,
    reason = "the processor's instructions, which loops over slices do not reach, and pointers to what \
              they read and write"
)]

use crate::Float;

/// Rows that are transposed at once.
pub(crate) const SIDE: usize = 8;

/// Element (i, p) of eight rows `stride` apart to `to[p * width + i]`, for `p` below `depth`.
pub(crate) fn transpose<T: Float>(
    rows: &[T],
    stride: usize,
    depth: usize,
    to: &mut [T],
    width: usize,
) {
    assert!(width >= SIDE, "columns of {SIDE} in rows of {width}");
    if depth == 0 {
        return;
    }
    assert!(rows.len() >= (SIDE - 1) * stride + depth, "eight rows of {depth}");
    assert!(to.len() >= (depth - 1) * width + SIDE, "{depth} columns");
    let done = in_registers(rows, stride, depth, to, width);
    for i in 0..SIDE {
        for p in done..depth {
            to[p * width + i] = rows[i * stride + p];
        }
    }
}

/// Transposes what registers are there for, extents as checked above; how many of the depth that was.
#[cfg(target_arch = "x86_64")]
fn in_registers<T: Float>(
    rows: &[T],
    stride: usize,
    depth: usize,
    to: &mut [T],
    width: usize,
) -> usize {
    if T::DTYPE != crate::DType::F32 || crate::simd::isa() == crate::simd::Isa::Plain {
        return 0;
    }
    let done = depth / SIDE * SIDE;
    let (rows, to) = (rows.as_ptr().cast(), to.as_mut_ptr().cast());
    // SAFETY: the processor was asked for the feature, `T` is f32, and the extents were checked.
    unsafe { x86::transpose(rows, stride, done, to, width) };
    done
}

#[cfg(not(target_arch = "x86_64"))]
fn in_registers<T: Float>(_: &[T], _: usize, _: usize, _: &mut [T], _: usize) -> usize {
    0
}

/// A vector register.
pub(crate) trait Vector: Copy {
    type Element: Copy;
    type Half: Vector<Element = Self::Element>;
    /// The first elements of a vector.
    type Mask: Copy;
    const LANES: usize;
    unsafe fn zero() -> Self;
    unsafe fn load(from: *const Self::Element) -> Self;
    unsafe fn store(self, to: *mut Self::Element);
    unsafe fn splat(x: Self::Element) -> Self;
    unsafe fn mul_add(self, x: Self, sum: Self) -> Self;
    unsafe fn add(self, x: Self) -> Self;
    unsafe fn first(count: usize) -> Self::Mask;
    /// Reads nothing else; zero there.
    unsafe fn load_first(from: *const Self::Element, mask: Self::Mask) -> Self;
    /// Writes nothing else.
    unsafe fn store_first(self, to: *mut Self::Element, mask: Self::Mask);
}

/// Arrays, for processors that this crate has no instructions of.
macro_rules! arrays {
    ($($element:ty, $lanes:literal, $half:literal;)*) => {$(
        impl Vector for [$element; $lanes] {
            type Element = $element;
            type Half = [$element; $half];
            type Mask = usize;
            const LANES: usize = $lanes;

            #[inline(always)]
            unsafe fn zero() -> Self {
                [0.0; $lanes]
            }
            #[inline(always)]
            unsafe fn load(from: *const $element) -> Self {
                // SAFETY: the caller's promise.
                unsafe { from.cast::<Self>().read() }
            }
            #[inline(always)]
            unsafe fn store(self, to: *mut $element) {
                // SAFETY: the caller's promise.
                unsafe { to.cast::<Self>().write(self) };
            }
            #[inline(always)]
            unsafe fn splat(x: $element) -> Self {
                [x; $lanes]
            }
            #[inline(always)]
            unsafe fn mul_add(self, x: Self, sum: Self) -> Self {
                std::array::from_fn(|i| self[i].mul_add(x[i], sum[i]))
            }
            #[inline(always)]
            unsafe fn add(self, x: Self) -> Self {
                std::array::from_fn(|i| self[i] + x[i])
            }
            #[inline(always)]
            unsafe fn first(count: usize) -> usize {
                count
            }
            #[inline(always)]
            unsafe fn load_first(from: *const $element, count: usize) -> Self {
                let mut all = [0.0; $lanes];
                for (i, x) in all.iter_mut().enumerate().take(count) {
                    // SAFETY: the caller's promise.
                    *x = unsafe { from.wrapping_add(i).read() };
                }
                all
            }
            #[inline(always)]
            unsafe fn store_first(self, to: *mut $element, count: usize) {
                for (i, &x) in self.iter().enumerate().take(count) {
                    // SAFETY: the caller's promise.
                    unsafe { to.wrapping_add(i).write(x) };
                }
            }
        }
    )*};
}

arrays! { f32, 8, 4; f32, 4, 4; f64, 4, 2; f64, 2, 2; }

#[cfg(target_arch = "x86_64")]
macro_rules! vectors {
    ($(
        $vector:ident, $half:ident, $element:ty, $lanes:literal, $mask:ty:
        $zero:ident $load:ident $store:ident $splat:ident $fma:ident $add:ident
        $first:path, $load_first:path, $store_first:path;
    )*) => {$(
        impl Vector for $vector {
            type Element = $element;
            type Half = $half;
            type Mask = $mask;
            const LANES: usize = $lanes;

            #[inline(always)]
            unsafe fn zero() -> Self {
                // SAFETY: the caller's promise: the processor has the instruction.
                unsafe { $zero() }
            }
            #[inline(always)]
            unsafe fn load(from: *const $element) -> Self {
                // SAFETY: as above, and so many elements are there.
                unsafe { $load(from) }
            }
            #[inline(always)]
            unsafe fn store(self, to: *mut $element) {
                // SAFETY: as above.
                unsafe { $store(to, self) };
            }
            #[inline(always)]
            unsafe fn splat(x: $element) -> Self {
                // SAFETY: as above.
                unsafe { $splat(x) }
            }
            #[inline(always)]
            unsafe fn mul_add(self, x: Self, sum: Self) -> Self {
                // SAFETY: as above.
                unsafe { $fma(self, x, sum) }
            }
            #[inline(always)]
            unsafe fn add(self, x: Self) -> Self {
                // SAFETY: as above.
                unsafe { $add(self, x) }
            }
            #[inline(always)]
            unsafe fn first(count: usize) -> $mask {
                // SAFETY: as above, of a vector's elements at most.
                unsafe { $first(count) }
            }
            #[inline(always)]
            unsafe fn load_first(from: *const $element, mask: $mask) -> Self {
                // SAFETY: as above.
                unsafe { $load_first(from, mask) }
            }
            #[inline(always)]
            unsafe fn store_first(self, to: *mut $element, mask: $mask) {
                // SAFETY: as above.
                unsafe { $store_first(to, mask, self) };
            }
        }
    )*};
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;

    use super::{SIDE, Vector};

    /// Bits of the first of sixteen elements.
    #[inline(always)]
    fn bits(count: usize) -> __mmask16 {
        u16::MAX >> (16 - count)
    }

    #[inline(always)]
    unsafe fn bits_16(count: usize) -> __mmask16 {
        bits(count)
    }

    #[inline(always)]
    unsafe fn bits_8(count: usize) -> __mmask8 {
        bits(count) as __mmask8
    }

    #[inline(always)]
    unsafe fn load_16(from: *const f32, mask: __mmask16) -> __m512 {
        // SAFETY: the caller's promise.
        unsafe { _mm512_maskz_loadu_ps(mask, from) }
    }

    #[inline(always)]
    unsafe fn load_8(from: *const f64, mask: __mmask8) -> __m512d {
        // SAFETY: the caller's promise.
        unsafe { _mm512_maskz_loadu_pd(mask, from) }
    }

    /// Signs of the first elements, for the instructions that go by them.
    #[inline(always)]
    unsafe fn signs<M, const LANES: usize>(count: usize) -> M {
        const SIGNS: [i32; 16] = [-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0];
        let words = 8 / LANES * count;
        // SAFETY: eight words from one of the first nine on, and a mask has no more.
        unsafe { SIGNS.as_ptr().wrapping_add(8 - words).cast::<M>().read_unaligned() }
    }

    vectors! {
        __m512, __m256, f32, 16, __mmask16: _mm512_setzero_ps _mm512_loadu_ps _mm512_storeu_ps
            _mm512_set1_ps _mm512_fmadd_ps _mm512_add_ps
            bits_16, load_16, _mm512_mask_storeu_ps;
        __m512d, __m256d, f64, 8, __mmask8: _mm512_setzero_pd _mm512_loadu_pd _mm512_storeu_pd
            _mm512_set1_pd _mm512_fmadd_pd _mm512_add_pd
            bits_8, load_8, _mm512_mask_storeu_pd;
        __m256, __m128, f32, 8, __m256i: _mm256_setzero_ps _mm256_loadu_ps _mm256_storeu_ps
            _mm256_set1_ps _mm256_fmadd_ps _mm256_add_ps
            signs::<__m256i, 8>, _mm256_maskload_ps, _mm256_maskstore_ps;
        __m256d, __m128d, f64, 4, __m256i: _mm256_setzero_pd _mm256_loadu_pd _mm256_storeu_pd
            _mm256_set1_pd _mm256_fmadd_pd _mm256_add_pd
            signs::<__m256i, 4>, _mm256_maskload_pd, _mm256_maskstore_pd;
        __m128, __m128, f32, 4, __m128i: _mm_setzero_ps _mm_loadu_ps _mm_storeu_ps _mm_set1_ps
            _mm_fmadd_ps _mm_add_ps
            signs::<__m128i, 8>, _mm_maskload_ps, _mm_maskstore_ps;
        __m128d, __m128d, f64, 2, __m128i: _mm_setzero_pd _mm_loadu_pd _mm_storeu_pd _mm_set1_pd
            _mm_fmadd_pd _mm_add_pd
            signs::<__m128i, 4>, _mm_maskload_pd, _mm_maskstore_pd;
    }

    /// Transposes squares of eight by eight.
    ///
    /// # Safety
    /// The processor has AVX2; `rows` leads to eight rows of `depth`, a multiple of eight, and `to` to
    /// as many columns in rows of `width`.
    #[target_feature(enable = "avx2")]
    pub(super) unsafe fn transpose(
        rows: *const f32,
        stride: usize,
        depth: usize,
        to: *mut f32,
        width: usize,
    ) {
        for start in (0..depth).step_by(SIDE) {
            // SAFETY: the caller vouches for the extents.
            let square =
                std::array::from_fn(|i| unsafe { _mm256_loadu_ps(rows.add(i * stride + start)) });
            for (p, column) in transposed(square).into_iter().enumerate() {
                // SAFETY: as above.
                unsafe { _mm256_storeu_ps(to.add((start + p) * width), column) };
            }
        }
    }

    #[target_feature(enable = "avx2")]
    fn transposed(r: [__m256; SIDE]) -> [__m256; SIDE] {
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
            let rows: Vec<T> = (0..SIDE * stride).map(|i| T::from_f64(i as f64)).collect();
            let mut to = vec![T::from_f64(-1.0); depth * width];
            transpose(&rows, stride, depth, &mut to, width);
            for (at, &found) in to.iter().enumerate() {
                let (p, i) = (at / width, at % width);
                let wanted = if i < SIDE { (i * stride + p) as f64 } else { -1.0 };
                assert_eq!(found.to_f64(), wanted);
            }
        }
        check::<f32>();
        check::<f64>();
    }
}
