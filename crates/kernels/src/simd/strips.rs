//! Rows taken in strips of a few vectors, whose number is known when a loop is compiled, so that what
//! is summed stays in registers.

use crate::Float;
use crate::simd::lanes::LANES;

/// Vectors of a row that are held in registers at once.
pub(crate) const STRIP: usize = 4;

/// A vector of a row.
pub(crate) type Vector<T> = [T; LANES];

/// Vectors that hold `width` elements.
pub(crate) fn vectors(width: usize) -> usize {
    width.div_ceil(LANES)
}

/// Work on one strip after the other of rows of `width` elements.
pub(crate) trait Strips {
    /// Elements `from..` of a row, `N` vectors, what lies beyond the row included.
    fn strip<const N: usize>(&mut self, from: usize);
}

/// Does the work for every strip of rows of `width` elements.
#[inline(always)]
pub(crate) fn in_strips(width: usize, work: &mut impl Strips) {
    for from in (0..width).step_by(STRIP * LANES) {
        match vectors(width - from) {
            1 => work.strip::<1>(from),
            2 => work.strip::<2>(from),
            3 => work.strip::<3>(from),
            _ => work.strip::<STRIP>(from),
        }
    }
}

/// The `N` vectors at the beginning of `data`, of which the first `n` elements count; copied to `rest`
/// where `data` ends before.
#[inline(always)]
pub(crate) fn read<'a, T: Float, const N: usize>(
    data: &'a [T],
    n: usize,
    rest: &'a mut [Vector<T>; STRIP],
) -> &'a [Vector<T>] {
    match data.get(..N * LANES) {
        Some(row) => row.as_chunks().0,
        None => {
            rest.as_flattened_mut()[..n].copy_from_slice(&data[..n]);
            &rest[..N]
        }
    }
}

/// Writes `N` vectors, of which `n` elements count, to the beginning of `data`, and the others as well
/// where it goes on.
#[inline(always)]
pub(crate) fn write<T: Float, const N: usize>(
    values: &[Vector<T>; N],
    data: &mut [T],
    n: usize,
    rest: &mut [Vector<T>; STRIP],
) {
    match data.get_mut(..N * LANES) {
        Some(data) => copy::<T, N>(values, data.as_chunks_mut().0),
        None => {
            copy::<T, N>(values, rest);
            data[..n].copy_from_slice(&rest.as_flattened()[..n]);
        }
    }
}

/// The first `N` vectors, one by one, so that none is moved by a call.
#[inline(always)]
pub(crate) fn copy<T: Float, const N: usize>(from: &[Vector<T>], to: &mut [Vector<T>]) {
    for (to, from) in to[..N].iter_mut().zip(&from[..N]) {
        *to = *from;
    }
}

/// sums += row.
#[inline(always)]
pub(crate) fn add<T: Float>(sums: &mut [Vector<T>], row: &[Vector<T>]) {
    for (sum, row) in sums.iter_mut().zip(row) {
        for (sum, &x) in sum.iter_mut().zip(row) {
            *sum += x;
        }
    }
}
