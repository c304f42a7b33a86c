//! Elementary functions of many elements, block by block.
//!
//! A function is a long chain of steps, each of which waits for the one before: several vectors are
//! computed together, so that a processor has other steps to do.

use crate::Float;
use crate::memory::LINE;
use crate::simd::prefetch;
use crate::simd::prefetch::Prefetch;

/// Elements computed together.
const BLOCK: usize = 64;
/// Elements between a result that is computed and the one whose line is prefetched meanwhile.
const PREFETCH: usize = 1024;

/// A function of one element.
pub(crate) trait Elementary<T: Float> {
    /// Whether there is a shorter way for elements between minus and plus [`Float::NEAR`].
    const SHORTER: bool;

    fn of(x: T) -> T;

    /// The same bits by the shorter way.
    fn near(x: T) -> T;

    #[inline(always)]
    fn block(x: &mut [T; BLOCK]) {
        let far = |&x: &T| !(x <= T::NEAR && x >= -T::NEAR);
        if Self::SHORTER && !x.iter().fold(false, |any, x| any | far(x)) {
            x.iter_mut().for_each(|x| *x = Self::near(*x));
        } else {
            x.iter_mut().for_each(|x| *x = Self::of(*x));
        }
    }
}

macro_rules! elementary {
    ($(#[$doc:meta])* $name:ident, $shorter:literal, $of:ident, $near:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy)]
        pub(crate) struct $name;

        impl<T: Float> Elementary<T> for $name {
            const SHORTER: bool = $shorter;

            #[inline(always)]
            fn of(x: T) -> T {
                x.$of()
            }

            #[inline(always)]
            fn near(x: T) -> T {
                x.$near()
            }
        }
    };
}

elementary!(/** e^x */ Exponential, true, exp, exp_near);
elementary!(/** 1 / (1 + e^-x) */ Logistic, true, sigmoid, sigmoid_near);
elementary!(/** Hyperbolic tangent. */ Tangent, false, tanh, tanh);

/// y = f(x), for slices of one length.
#[inline(always)]
pub(crate) fn map_blocks<F: Elementary<T>, T: Float>(_: F, x: &[T], y: &mut [T]) {
    let ((xs, x_rest), (ys, y_rest)) = (x.as_chunks(), y.as_chunks_mut());
    for (x, y) in xs.iter().zip(ys) {
        let mut block = *x;
        for line in (0..BLOCK).step_by(LINE / size_of::<T>()) {
            prefetch::<true>(y.as_ptr().wrapping_add(PREFETCH + line).cast());
        }
        F::block(&mut block);
        *y = block;
    }
    for (y, &x) in y_rest.iter_mut().zip(x_rest) {
        *y = F::of(x);
    }
}

/// x = f(x)
#[inline(always)]
pub(crate) fn apply<F: Elementary<T>, T: Float>(x: &mut [T]) {
    apply_with::<F, T>(x, || ());
}

/// x = f(x); what is read next is prefetched as fast as elements are computed.
#[inline(always)]
pub(crate) fn apply_with_prefetch<F: Elementary<T>, T: Float>(x: &mut [T], next: &mut Prefetch) {
    apply_with::<F, T>(x, || {
        for _ in 0..size_of::<[T; BLOCK]>() / LINE {
            next.next::<false>();
        }
    });
}

#[inline(always)]
fn apply_with<F: Elementary<T>, T: Float>(x: &mut [T], mut before: impl FnMut()) {
    let (xs, rest) = x.as_chunks_mut();
    for x in xs {
        before();
        let mut block = *x;
        F::block(&mut block);
        *x = block;
    }
    for x in rest {
        *x = F::of(*x);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Blocks and what is left of one, of elements that are near, far and NaN.
    fn all<F: Elementary<T> + Copy, T: Float>(f: F) {
        let far = [
            T::from_f64(800.0),
            T::NEG_INFINITY,
            -T::NEG_INFINITY,
            T::from_f64(f64::NAN),
            T::from_f64(-104.0),
        ];
        for (len, place) in [(0, 0), (63, 2), (64, 64), (200, 70), (200, 199)] {
            let mut x: Vec<T> =
                (0..len).map(|i| T::from_f64(f64::from(i as u32) * 0.3 - 20.0)).collect();
            x.splice(place.min(len)..(place + far.len()).min(len), far).for_each(drop);
            let bits = |x: &[T]| x.iter().map(|x| x.to_f64().to_bits()).collect::<Vec<_>>();
            let wanted: Vec<T> = x.iter().map(|&x| F::of(x)).collect();
            let mut y = vec![T::zero(); x.len()];
            map_blocks(f, &x, &mut y);
            assert_eq!(bits(&y), bits(&wanted));
            apply::<F, T>(&mut x);
            assert_eq!(bits(&x), bits(&wanted));
        }
    }

    #[test]
    fn blocks_give_the_bits_of_single_elements() {
        all::<Exponential, f32>(Exponential);
        all::<Exponential, f64>(Exponential);
        all::<Logistic, f32>(Logistic);
        all::<Logistic, f64>(Logistic);
        all::<Tangent, f32>(Tangent);
        all::<Tangent, f64>(Tangent);
    }
}
