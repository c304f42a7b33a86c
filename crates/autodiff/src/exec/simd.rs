//! Loops compiled for the widest vectors the processor has.
//!
//! Rust never contracts or reorders float operations, so every version of a loop gives the same bits.

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
                #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
                fn wide<T: Float>($($arg: $type),*) $(-> $ret)? {
                    body($($arg),*)
                }
                #[target_feature(enable = "avx2")]
                fn half<T: Float>($($arg: $type),*) $(-> $ret)? {
                    body($($arg),*)
                }
                match crate::exec::simd::width() {
                    // SAFETY: the processor was asked for these features.
                    2 => return unsafe { wide($($arg),*) },
                    // SAFETY: the processor was asked for this feature.
                    1 => return unsafe { half($($arg),*) },
                    _ => {}
                }
            }
            body($($arg),*)
        }
    };
}
pub(crate) use vectorised;

/// 2 for AVX-512, 1 for AVX2, 0 for neither.
#[cfg(target_arch = "x86_64")]
#[inline]
pub(crate) fn width() -> u8 {
    use std::arch::is_x86_feature_detected as has;
    if has!("avx512f") && has!("avx512bw") && has!("avx512dq") && has!("avx512vl") {
        2
    } else {
        u8::from(has!("avx2"))
    }
}

vectorised! {
    /// y += x.
    pub(crate) fn add_to<T: Float>(y: &mut [T], x: &[T]) {
        for (y, &x) in y.iter_mut().zip(x) {
            *y = *y + x;
        }
    }
}
