//! Loops compiled for the widest vectors the processor has, and hints on what is read next.
//!
//! A kernel is defined by [`vectorised!`](crate::vectorised); the loops it is made of are the inlined
//! functions of `lanes` and `strips`. Rust never contracts or reorders float operations, so every
//! version gives the same bits.
#![cfg_attr(
    target_arch = "x86_64",
    expect(
        unsafe_code,
        reason = "a function for a processor feature is unsafe to call, and a hint takes a pointer"
    )
)]

pub(crate) mod lanes;
pub(crate) mod prefetch;
pub(crate) mod registers;
pub(crate) mod strips;

/// The vector instructions a processor has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Isa {
    /// None that this crate knows.
    Plain,
    /// AVX2, with fused multiplication and addition.
    Avx2,
    /// AVX-512 F, BW, DQ and VL, and the above.
    Avx512,
}

/// The vector instructions of this processor.
#[inline]
#[must_use]
pub fn isa() -> Isa {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::is_x86_feature_detected as has;
        if has!("avx2") && has!("fma") {
            let wide = has!("avx512f") && has!("avx512bw") && has!("avx512dq") && has!("avx512vl");
            return if wide { Isa::Avx512 } else { Isa::Avx2 };
        }
    }
    Isa::Plain
}

/// Defines a function, generic over one [`Float`](crate::Float) or not at all, in three versions, for
/// AVX-512, AVX2 and any processor, and one that picks.
#[macro_export]
macro_rules! vectorised {
    (
        $(#[$attribute:meta])*
        $vis:vis fn $name:ident $(<$float:ident: Float>)? (
            $($arg:ident: $type:ty),* $(,)?
        ) $(-> $ret:ty)? $body:block
    ) => {
        $(#[$attribute])*
        #[cfg_attr(
            target_arch = "x86_64",
            expect(unsafe_code, reason = "a function for a processor feature is unsafe to call")
        )]
        $vis fn $name $(<$float: $crate::Float>)? ($($arg: $type),*) $(-> $ret)? {
            #[inline(always)]
            fn body $(<$float: $crate::Float>)? ($($arg: $type),*) $(-> $ret)? $body

            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
                fn wide $(<$float: $crate::Float>)? ($($arg: $type),*) $(-> $ret)? {
                    body($($arg),*)
                }
                #[target_feature(enable = "avx2,fma")]
                fn half $(<$float: $crate::Float>)? ($($arg: $type),*) $(-> $ret)? {
                    body($($arg),*)
                }
                match $crate::simd::isa() {
                    // SAFETY: the processor was asked for these features.
                    $crate::simd::Isa::Avx512 => return unsafe { wide($($arg),*) },
                    // SAFETY: the processor was asked for these features.
                    $crate::simd::Isa::Avx2 => return unsafe { half($($arg),*) },
                    $crate::simd::Isa::Plain => {}
                }
            }
            body($($arg),*)
        }
    };
}
pub(crate) use vectorised;

/// Asks for the line at an address, to be in the nearest cache soon, or else in the second; nothing is
/// read.
#[inline(always)]
pub(crate) fn prefetch<const NEAR: bool>(at: *const i8) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _MM_HINT_T1, _mm_prefetch};
        // SAFETY: a hint, whatever the pointer.
        unsafe {
            match NEAR {
                true => _mm_prefetch::<_MM_HINT_T0>(at),
                false => _mm_prefetch::<_MM_HINT_T1>(at),
            }
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = at;
}

/// [`prefetch`] of all lines of a slice.
#[inline(always)]
pub(crate) fn prefetch_all<T>(x: &[T]) {
    for line in x.chunks(crate::memory::LINE / size_of::<T>()) {
        prefetch::<true>(line.as_ptr().cast());
    }
}
