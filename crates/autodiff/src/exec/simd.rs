//! Loops compiled for the widest vectors the processor has.
//!
//! A kernel is defined by [`vectorised`]; the loops it is made of are the inlined functions here.
//! Rust never contracts or reorders float operations, so every version gives the same bits.

use crate::Float;

/// Defines a function in three versions, for AVX-512, AVX2 and any processor, and one that picks.
macro_rules! vectorised {
    (
        $(#[$doc:meta])*
        $vis:vis fn $name:ident<T: Float>($($arg:ident: $type:ty),* $(,)?) $(-> $ret:ty)? $body:block
    ) => {
        $(#[$doc])*
        #[cfg_attr(
            target_arch = "x86_64",
            expect(unsafe_code, reason = "a function for a processor feature is unsafe to call")
        )]
        $vis fn $name<T: Float>($($arg: $type),*) $(-> $ret)? {
            #[inline(always)]
            fn body<T: Float>($($arg: $type),*) $(-> $ret)? $body

            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
                fn wide<T: Float>($($arg: $type),*) $(-> $ret)? {
                    body($($arg),*)
                }
                #[target_feature(enable = "avx2,fma")]
                fn half<T: Float>($($arg: $type),*) $(-> $ret)? {
                    body($($arg),*)
                }
                match crate::exec::simd::width() {
                    // SAFETY: the processor was asked for these features.
                    2 => return unsafe { wide($($arg),*) },
                    // SAFETY: the processor was asked for these features.
                    1 => return unsafe { half($($arg),*) },
                    _ => {}
                }
            }
            body($($arg),*)
        }
    };
}
pub(crate) use vectorised;

/// 2 for AVX-512, 1 for AVX2, 0 for neither; both with fused multiplication and addition.
#[cfg(target_arch = "x86_64")]
#[inline]
pub(crate) fn width() -> u8 {
    use std::arch::is_x86_feature_detected as has;
    if !has!("avx2") || !has!("fma") {
        0
    } else if has!("avx512f") && has!("avx512bw") && has!("avx512dq") && has!("avx512vl") {
        2
    } else {
        1
    }
}

/// Partial results of a reduction, combined at its end.
pub(crate) const LANES: usize = 16;

/// y += x.
#[inline(always)]
pub(crate) fn add_to<T: Float>(y: &mut [T], x: &[T]) {
    for (y, &x) in y.iter_mut().zip(x) {
        *y += x;
    }
}

/// y += a x.
#[inline(always)]
pub(crate) fn axpy<T: Float>(a: T, x: &[T], y: &mut [T]) {
    for (y, &x) in y.iter_mut().zip(x) {
        *y += a * x;
    }
}

/// Sum, lane by lane.
#[inline(always)]
pub(crate) fn lane_sum<T: Float>(x: &[T]) -> T {
    let mut lanes = [T::zero(); LANES];
    let (whole, rest) = x.as_chunks::<LANES>();
    for chunk in whole {
        for (lane, &x) in lanes.iter_mut().zip(chunk) {
            *lane += x;
        }
    }
    for (lane, &x) in lanes.iter_mut().zip(rest) {
        *lane += x;
    }
    fold(lanes)
}

/// Sum of products, lane by lane.
#[inline(always)]
pub(crate) fn dot<T: Float>(x: &[T], y: &[T]) -> T {
    let mut lanes = [T::zero(); LANES];
    let ((xs, x_rest), (ys, y_rest)) = (x.as_chunks::<LANES>(), y.as_chunks::<LANES>());
    for (x, y) in xs.iter().zip(ys) {
        for ((lane, &x), &y) in lanes.iter_mut().zip(x).zip(y) {
            *lane += x * y;
        }
    }
    for ((lane, &x), &y) in lanes.iter_mut().zip(x_rest).zip(y_rest) {
        *lane += x * y;
    }
    fold(lanes)
}

/// The largest element; NaN if there is one.
#[inline(always)]
pub(crate) fn lane_max<T: Float>(x: &[T]) -> T {
    if x.len() < LANES {
        return x.iter().fold(T::LOWEST, |max, &x| max.larger(x));
    }
    let mut lanes = [T::LOWEST; LANES];
    let (whole, rest) = x.as_chunks::<LANES>();
    for chunk in whole {
        for (lane, &x) in lanes.iter_mut().zip(chunk) {
            *lane = lane.larger(x);
        }
    }
    for (lane, &x) in lanes.iter_mut().zip(rest) {
        *lane = lane.larger(x);
    }
    lanes.into_iter().fold(T::LOWEST, T::larger)
}

/// Sum of the lanes.
#[inline(always)]
pub(crate) fn fold<T: Float>(lanes: [T; LANES]) -> T {
    let mut eight = [T::zero(); 8];
    let mut four = [T::zero(); 4];
    for i in 0..8 {
        eight[i] = lanes[i] + lanes[i + 8];
    }
    for i in 0..4 {
        four[i] = eight[i] + eight[i + 4];
    }
    (four[0] + four[2]) + (four[1] + four[3])
}
