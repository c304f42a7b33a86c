//! How the result of rank pooling lies in one row of a graph's values: the vector first, then what its
//! gradient needs.

use autodiff::{DType, Float};

use crate::solver::{Factor, Side, Solution};

/// The parts of a row: u, the share and the side of each frame, and the factor of the last system.
///
/// In f32 the factor is kept as two numbers whose sum it is to 48 bits: where the constant is large,
/// rounding it to 24 would cost the gradient several digits.
#[derive(Debug, Clone, Copy)]
pub(super) struct Packed {
    frames: usize,
    width: usize,
    /// Numbers that an element of the factor takes.
    words: usize,
}

impl Packed {
    pub(super) fn new<T: Float>(frames: usize, width: usize) -> Self {
        Self::of(T::DTYPE, frames, width)
    }

    /// The parts of a row of this type.
    pub(super) fn of(dtype: DType, frames: usize, width: usize) -> Self {
        let words = if dtype == DType::F64 { 1 } else { 2 };
        Self { frames, width, words }
    }

    /// The most unknowns that a system has.
    fn unknowns(&self) -> usize {
        self.frames.min(self.width)
    }

    /// Length of a row.
    pub(super) fn len(&self) -> usize {
        self.width + 2 * self.frames + self.words * self.unknowns() * self.unknowns()
    }

    /// Writes a solution to a row of zeros.
    pub(super) fn write<T: Float>(&self, found: &Solution, row: &mut [T]) {
        let (u, rest) = row.split_at_mut(self.width);
        let (shares, rest) = rest.split_at_mut(self.frames);
        let (sides, factor) = rest.split_at_mut(self.frames);
        let narrow = |to: &mut [T], from: &[f64]| {
            to.iter_mut().zip(from).for_each(|(to, &from)| *to = T::from_f64(from));
        };
        narrow(u, &found.w);
        narrow(shares, &found.a);
        for (to, side) in sides.iter_mut().zip(&found.sides) {
            *to = T::from_f64(match side {
                Side::Below => -1.0,
                Side::Inside => 0.0,
                Side::Above => 1.0,
            });
        }
        narrow(factor, &found.factor.values);
        if self.words == 2 {
            let (high, low) = factor.split_at_mut(self.unknowns() * self.unknowns());
            for ((low, high), &value) in low.iter_mut().zip(&*high).zip(&found.factor.values) {
                *low = T::from_f64(value - high.to_f64());
            }
        }
    }

    /// What a row says of a clip of `length` frames; the factor goes to `factor`.
    pub(super) fn read<'a, T: Float>(
        &self,
        row: &'a [T],
        length: usize,
        factor: &mut Factor,
    ) -> Fitted<'a, T> {
        let (u, rest) = row.split_at(self.width);
        let (shares, rest) = rest.split_at(self.frames);
        let (sides, values) = rest.split_at(self.frames);
        let active: Vec<usize> = (0..length).filter(|&t| sides[t] != T::zero()).collect();
        let dual = length <= self.width;
        factor.unknowns = if dual { active.len() } else { self.width };
        let count = factor.unknowns * factor.unknowns;
        factor.values.clear();
        factor.values.extend(values[..count].iter().map(|value| value.to_f64()));
        if self.words == 2 {
            let low = &values[self.unknowns() * self.unknowns()..][..count];
            factor.values.iter_mut().zip(low).for_each(|(value, low)| *value += low.to_f64());
        }
        Fitted { u, shares, active, dual }
    }
}

/// The solution of a clip, as its gradient reads it.
pub(super) struct Fitted<'a, T> {
    pub(super) u: &'a [T],
    pub(super) shares: &'a [T],
    /// The frames outside the tube.
    pub(super) active: Vec<usize>,
    /// Whether the factor is of the dual.
    pub(super) dual: bool,
}
