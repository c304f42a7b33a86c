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
pub(crate) trait Elementary<T> {
    fn one(x: T) -> T;

    /// The same bits, for all of a block.
    #[inline(always)]
    fn block(x: &mut [T; BLOCK])
    where
        T: Float,
    {
        x.iter_mut().for_each(|x| *x = Self::one(*x));
    }
}

/// Whether all lie between minus and plus [`Float::NEAR`], where an exponential takes fewer steps.
#[inline(always)]
fn near<T: Float>(x: &[T; BLOCK]) -> bool {
    !x.iter().fold(false, |far, &x| far | !(x <= T::NEAR && x >= -T::NEAR))
}

/// e^x
pub(crate) struct Exponential;

impl<T: Float> Elementary<T> for Exponential {
    #[inline(always)]
    fn one(x: T) -> T {
        x.e_to()
    }

    #[inline(always)]
    fn block(x: &mut [T; BLOCK]) {
        if near(x) {
            x.iter_mut().for_each(|x| *x = x.e_to_near());
        } else {
            x.iter_mut().for_each(|x| *x = x.e_to());
        }
    }
}

/// 1 / (1 + e^-x)
pub(crate) struct Logistic;

impl<T: Float> Elementary<T> for Logistic {
    #[inline(always)]
    fn one(x: T) -> T {
        x.logistic()
    }

    #[inline(always)]
    fn block(x: &mut [T; BLOCK]) {
        if near(x) {
            x.iter_mut().for_each(|x| *x = x.logistic_near());
        } else {
            x.iter_mut().for_each(|x| *x = x.logistic());
        }
    }
}

/// Hyperbolic tangent.
pub(crate) struct Tangent;

impl<T: Float> Elementary<T> for Tangent {
    #[inline(always)]
    fn one(x: T) -> T {
        x.hyperbolic_tangent()
    }
}

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
        *y = F::one(x);
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
        *x = F::one(*x);
    }
}
