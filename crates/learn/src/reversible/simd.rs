//! Loops compiled for the widest vectors the processor has; every version gives the same bits.

/// Defines a function in three versions, for AVX-512, AVX2 and any processor, and one that picks.
macro_rules! vectorised {
    (
        $(#[$attribute:meta])*
        $vis:vis fn $name:ident $(<$float:ident>)? ($($arg:ident: $type:ty),* $(,)?) $(-> $ret:ty)?
        $body:block
    ) => {
        $(#[$attribute])*
        #[cfg_attr(
            target_arch = "x86_64",
            expect(unsafe_code, reason = "a function for a processor feature is unsafe to call")
        )]
        $vis fn $name $(<$float: autodiff::Float>)? ($($arg: $type),*) $(-> $ret)? {
            #[inline(always)]
            fn body $(<$float: autodiff::Float>)? ($($arg: $type),*) $(-> $ret)? $body

            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
                fn wide $(<$float: autodiff::Float>)? ($($arg: $type),*) $(-> $ret)? {
                    body($($arg),*)
                }
                #[target_feature(enable = "avx2")]
                fn half $(<$float: autodiff::Float>)? ($($arg: $type),*) $(-> $ret)? {
                    body($($arg),*)
                }
                match $crate::reversible::simd::width() {
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
pub(super) use vectorised;

/// 2 for AVX-512, 1 for AVX2, 0 for neither.
#[cfg(target_arch = "x86_64")]
pub(super) fn width() -> u8 {
    use std::arch::is_x86_feature_detected as has;
    if has!("avx512f") && has!("avx512bw") && has!("avx512dq") && has!("avx512vl") {
        2
    } else {
        u8::from(has!("avx2"))
    }
}
