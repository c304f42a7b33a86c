//! Elementary functions of many elements.
//!
//! A function is a long chain of steps, each of which waits for the one before: several vectors are
//! computed together, so that a processor has other steps to do.

use super::ahead::{Ahead, LINE, ask_for_line};
use crate::Float;

/// Elements computed together.
const BLOCK: usize = 64;
/// Elements between a result that is computed and the place that is asked for meanwhile.
const AHEAD: usize = 1024;

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

elementary!(/** e^x */ Exponential, true, e_to, e_to_near);
elementary!(/** 1 / (1 + e^-x) */ Logistic, true, logistic, logistic_near);
elementary!(/** Hyperbolic tangent. */ Tangent, false, hyperbolic_tangent, hyperbolic_tangent);

/// y = f(x), for slices of one length.
#[inline(always)]
pub(crate) fn map<F: Elementary<T>, T: Float>(x: &[T], y: &mut [T]) {
    let ((xs, x_rest), (ys, y_rest)) = (x.as_chunks(), y.as_chunks_mut());
    for (x, y) in xs.iter().zip(ys) {
        let mut block = *x;
        for line in (0..BLOCK).step_by(LINE / size_of::<T>()) {
            ask_for_line::<true>(y.as_ptr().wrapping_add(AHEAD + line).cast());
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

/// x = f(x); what is read next is asked for as fast as elements are computed.
#[inline(always)]
pub(crate) fn apply_ahead<F: Elementary<T>, T: Float>(x: &mut [T], ahead: &mut Ahead) {
    apply_with::<F, T>(x, || {
        for _ in 0..size_of::<[T; BLOCK]>() / LINE {
            ahead.ask::<false>();
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

    /// Blocks and what is left of one, of elements that are near, far and no numbers.
    fn all<F: Elementary<T>, T: Float>() {
        let far = [T::of(800.0), T::LOWEST, -T::LOWEST, T::of(f64::NAN), T::of(-104.0)];
        for (len, place) in [(0, 0), (63, 2), (64, 64), (200, 70), (200, 199)] {
            let mut x: Vec<T> = (0..len).map(|i| T::of(f64::from(i as u32) * 0.3 - 20.0)).collect();
            x.splice(place.min(len)..(place + far.len()).min(len), far).for_each(drop);
            let bits = |x: &[T]| x.iter().map(|x| x.wide().to_bits()).collect::<Vec<_>>();
            let wanted: Vec<T> = x.iter().map(|&x| F::of(x)).collect();
            let mut y = vec![T::zero(); x.len()];
            map::<F, T>(&x, &mut y);
            assert_eq!(bits(&y), bits(&wanted));
            apply::<F, T>(&mut x);
            assert_eq!(bits(&x), bits(&wanted));
        }
    }

    #[test]
    fn blocks_give_the_bits_of_single_elements() {
        all::<Exponential, f32>();
        all::<Exponential, f64>();
        all::<Logistic, f32>();
        all::<Logistic, f64>();
        all::<Tangent, f32>();
        all::<Tangent, f64>();
    }
}
