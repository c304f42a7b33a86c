//! Loops over elements by vectors: sums, products and maxima, lane by lane.

use crate::Float;

/// Partial results of a reduction, combined at its end.
pub(crate) const LANES: usize = 16;

/// Work on any part of some rows, told its length when it is compiled.
pub(crate) trait Chunks {
    /// Elements `at..at + L`.
    fn chunk<const L: usize>(&mut self, at: usize);
}

/// Work on `len` elements: vectors, then a half, a quarter and so on, so that a rest costs little.
#[inline(always)]
pub(crate) fn in_chunks(len: usize, work: &mut impl Chunks) {
    let mut at = 0;
    while at + LANES <= len {
        // Where a part begins is hidden from the compiler, which would else take several parts at
        // once, element by element.
        work.chunk::<LANES>(std::hint::black_box(at));
        at += LANES;
    }
    if at + 8 <= len {
        work.chunk::<8>(at);
        at += 8;
    }
    if at + 4 <= len {
        work.chunk::<4>(at);
        at += 4;
    }
    if at + 2 <= len {
        work.chunk::<2>(at);
        at += 2;
    }
    if at < len {
        work.chunk::<1>(at);
    }
}

/// A part of known length.
#[inline(always)]
pub(crate) fn part<T, const L: usize>(x: &[T], at: usize) -> &[T; L] {
    match x[at..].first_chunk() {
        Some(part) => part,
        None => unreachable!("a part that reaches beyond its row"),
    }
}

/// As [`part`], to be changed.
#[inline(always)]
pub(crate) fn part_mut<T, const L: usize>(x: &mut [T], at: usize) -> &mut [T; L] {
    match x[at..].first_chunk_mut() {
        Some(part) => part,
        None => unreachable!("a part that reaches beyond its row"),
    }
}

struct AddTo<'a, T>(&'a mut [T], &'a [T]);

impl<T: Float> Chunks for AddTo<'_, T> {
    #[inline(always)]
    fn chunk<const L: usize>(&mut self, at: usize) {
        let (y, x) = (part_mut::<T, L>(self.0, at), part::<T, L>(self.1, at));
        for (y, &x) in y.iter_mut().zip(x) {
            *y += x;
        }
    }
}

/// y += x, for rows of one length.
#[inline(always)]
pub(crate) fn add_to<T: Float>(y: &mut [T], x: &[T]) {
    in_chunks(y.len(), &mut AddTo(y, x));
}

struct Axpy<'a, T>(T, &'a [T], &'a mut [T]);

impl<T: Float> Chunks for Axpy<'_, T> {
    #[inline(always)]
    fn chunk<const L: usize>(&mut self, at: usize) {
        let (x, y) = (part::<T, L>(self.1, at), part_mut::<T, L>(self.2, at));
        for (y, &x) in y.iter_mut().zip(x) {
            *y = self.0.mul_add(x, *y);
        }
    }
}

/// y += a x, for rows of one length.
#[inline(always)]
pub(crate) fn axpy<T: Float>(a: T, x: &[T], y: &mut [T]) {
    in_chunks(y.len(), &mut Axpy(a, x, y));
}

/// y = sum over p of factor(p) row(p).
struct Combine<'a, T, R, F> {
    y: &'a mut [T],
    count: usize,
    row: R,
    factor: F,
}

impl<'x, T: Float, R: Fn(usize) -> &'x [T], F: Fn(usize) -> T> Chunks for Combine<'_, T, R, F> {
    #[inline(always)]
    fn chunk<const L: usize>(&mut self, at: usize) {
        let mut sums = [T::zero(); L];
        for p in 0..self.count {
            let (factor, row) = ((self.factor)(p), part::<T, L>((self.row)(p), at));
            for (sum, &x) in sums.iter_mut().zip(row) {
                *sum = factor.mul_add(x, *sum);
            }
        }
        *part_mut::<T, L>(self.y, at) = sums;
    }
}

/// y = the sum of `count` rows times their factors, in this order.
#[inline(always)]
pub(crate) fn combine<'x, T: Float>(
    y: &mut [T],
    count: usize,
    row: impl Fn(usize) -> &'x [T],
    factor: impl Fn(usize) -> T,
) {
    in_chunks(y.len(), &mut Combine { y, count, row, factor });
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

/// Sum of products, lane by lane; what is left over shares the last vector's lanes.
#[inline(always)]
pub(crate) fn dot<T: Float>(x: &[T], y: &[T]) -> T {
    let mut lanes = [T::zero(); LANES];
    let ((xs, x_rest), (ys, y_rest)) = (x.as_chunks::<LANES>(), y.as_chunks::<LANES>());
    for (x, y) in xs.iter().zip(ys) {
        for ((lane, &x), &y) in lanes.iter_mut().zip(x).zip(y) {
            *lane = x.mul_add(y, *lane);
        }
    }
    let rest = x_rest.len();
    match (x.last_chunk::<LANES>(), y.last_chunk::<LANES>()) {
        (Some(x), Some(y)) if rest > 0 => {
            for (i, ((lane, &x), &y)) in lanes.iter_mut().zip(x).zip(y).enumerate() {
                let x = if i >= LANES - rest { x } else { T::zero() };
                *lane = x.mul_add(y, *lane);
            }
        }
        _ => {
            for ((lane, &x), &y) in lanes.iter_mut().zip(x_rest).zip(y_rest) {
                *lane = x.mul_add(y, *lane);
            }
        }
    }
    fold(lanes)
}

/// The largest element; NaN if there is one.
#[inline(always)]
pub(crate) fn lane_max<T: Float>(x: &[T]) -> T {
    if x.len() < LANES {
        return x.iter().fold(T::NEG_INFINITY, |max, &x| max.maximum(x));
    }
    let mut lanes = [T::NEG_INFINITY; LANES];
    let (whole, rest) = x.as_chunks::<LANES>();
    for chunk in whole {
        for (lane, &x) in lanes.iter_mut().zip(chunk) {
            *lane = lane.maximum(x);
        }
    }
    for (lane, &x) in lanes.iter_mut().zip(rest) {
        *lane = lane.maximum(x);
    }
    let mut eight = [T::NEG_INFINITY; 8];
    for i in 0..8 {
        eight[i] = lanes[i].maximum(lanes[i + 8]);
    }
    // As in `fold`.
    let eight = std::hint::black_box(&eight);
    let mut four = [T::NEG_INFINITY; 4];
    for i in 0..4 {
        four[i] = eight[i].maximum(eight[i + 4]);
    }
    four[0].maximum(four[2]).maximum(four[1].maximum(four[3]))
}

/// Sum of the lanes.
#[inline(always)]
pub(crate) fn fold<T: Float>(lanes: [T; LANES]) -> T {
    fold_each([lanes])[0]
}

/// Sums of the lanes of each.
#[inline(always)]
pub(crate) fn fold_each<T: Float, const N: usize>(lanes: [[T; LANES]; N]) -> [T; N] {
    let mut eight = [[T::zero(); 8]; N];
    for (eight, lanes) in eight.iter_mut().zip(&lanes) {
        for i in 0..8 {
            eight[i] = lanes[i] + lanes[i + 8];
        }
    }
    // Hidden from the compiler, which would else go by pairs from the first lane on.
    std::hint::black_box(&eight).map(|eight| {
        let mut four = [T::zero(); 4];
        for i in 0..4 {
            four[i] = eight[i] + eight[i + 4];
        }
        (four[0] + four[2]) + (four[1] + four[3])
    })
}
