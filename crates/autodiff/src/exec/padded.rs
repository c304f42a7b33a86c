//! Rows of a small table that are read or added to often: copied so that each begins at a vector.
//!
//! A row that begins anywhere has vectors that lie in two cache lines each, and a rest that fills no
//! vector; copying the table once costs less than either when its rows are used several times.

use super::bags::Bags;
use super::simd::{LANES, vectorised};
use crate::{Error, Float, Workspace};

/// Vectors of a row that are summed in registers at once.
const STRIP: usize = 4;
/// Elements of a copied table at most, so that it stays in a near cache.
const LARGEST: usize = 1 << 15;

/// A vector of a row.
type Vector<T> = [T; LANES];

/// Vectors a row.
fn vectors(width: usize) -> usize {
    width.div_ceil(LANES)
}

/// Whether rows are used so often that a copy of the table pays.
pub(crate) fn suits(bags: &Bags<'_>) -> bool {
    bags.indices.len() >= 2 * bags.rows && bags.rows * vectors(bags.width) * LANES <= LARGEST
}

/// y[i] = sum over the i-th bag of the table's rows.
pub(crate) fn gather_sum<T: Float>(
    bags: Bags<'_>,
    table: &[T],
    y: &mut [T],
    workspace: &Workspace,
) -> Result<(), Error> {
    bags.check(table)?;
    workspace.with(bags.rows * vectors(bags.width) * LANES, |copy| {
        let copy = copy.as_chunks_mut().0;
        pad(table, bags.width, copy);
        gather(bags, copy, y);
    });
    Ok(())
}

/// Adds x[i] to the table's rows of the i-th bag.
pub(crate) fn scatter_sum<T: Float>(
    bags: Bags<'_>,
    x: &[T],
    table: &mut [T],
    workspace: &Workspace,
) -> Result<(), Error> {
    bags.check(table)?;
    workspace.with(bags.rows * vectors(bags.width) * LANES, |copy| {
        copy.fill(T::zero());
        let copy = copy.as_chunks_mut().0;
        scatter(bags, x, copy);
        unpad(copy, bags.width, table);
    });
    Ok(())
}

vectorised! {
    /// Copies each row to whole vectors, followed by anything.
    fn pad<T: Float>(table: &[T], width: usize, copy: &mut [Vector<T>]) {
        for (i, copy) in copy.chunks_exact_mut(vectors(width)).enumerate() {
            let row = &table[i * width..];
            if row.len() >= copy.len() * LANES {
                for (to, from) in copy.iter_mut().zip(row.as_chunks().0) {
                    *to = *from;
                }
            } else {
                copy.as_flattened_mut()[..width].copy_from_slice(&row[..width]);
            }
        }
    }
}

vectorised! {
    /// The adjoint of [`pad`].
    fn unpad<T: Float>(copy: &[Vector<T>], width: usize, table: &mut [T]) {
        for (i, copy) in copy.chunks_exact(vectors(width)).enumerate() {
            let row = &mut table[i * width..];
            if row.len() >= copy.len() * LANES {
                // What is written beyond the row is overwritten by the next ones.
                for (to, from) in row.as_chunks_mut().0.iter_mut().zip(copy) {
                    *to = *from;
                }
            } else {
                row[..width].copy_from_slice(&copy.as_flattened()[..width]);
            }
        }
    }
}

vectorised! {
    fn gather<T: Float>(bags: Bags<'_>, table: &[Vector<T>], y: &mut [T]) {
        let all = vectors(bags.width);
        for first in (0..all).step_by(STRIP) {
            match all - first {
                1 => gather_strip::<T, 1>(bags, table, first, y),
                2 => gather_strip::<T, 2>(bags, table, first, y),
                3 => gather_strip::<T, 3>(bags, table, first, y),
                _ => gather_strip::<T, STRIP>(bags, table, first, y),
            }
        }
    }
}

/// Vectors `first..first + N` of every row of `y`.
#[inline(always)]
fn gather_strip<T: Float, const N: usize>(
    bags: Bags<'_>,
    table: &[Vector<T>],
    first: usize,
    y: &mut [T],
) {
    let (all, from) = (vectors(bags.width), first * LANES);
    let mut rest = [[T::zero(); LANES]; N];
    for (i, bag) in bags.indices.chunks_exact(bags.length).enumerate() {
        let mut sums = [[T::zero(); LANES]; N];
        for row in bag.iter().filter_map(|&index| bags.known(index)) {
            add(&mut sums, &table[row * all + first..][..N]);
        }
        let row = &mut y[i * bags.width..];
        let end = bags.width.min(from + N * LANES);
        // A strip that is the whole row may reach into the next one, which is written later.
        let room = if all == N { row.len() } else { bags.width };
        match from + N * LANES <= room {
            true => store(&sums, row[from..].as_chunks_mut().0),
            false => {
                store(&sums, &mut rest);
                row[from..end].copy_from_slice(&rest.as_flattened()[..end - from]);
            }
        }
    }
}

#[inline(always)]
fn store<T: Float, const N: usize>(sums: &[Vector<T>; N], y: &mut [Vector<T>]) {
    for (y, sum) in y[..N].iter_mut().zip(sums) {
        *y = *sum;
    }
}

vectorised! {
    fn scatter<T: Float>(bags: Bags<'_>, x: &[T], table: &mut [Vector<T>]) {
        let all = vectors(bags.width);
        for first in (0..all).step_by(STRIP) {
            match all - first {
                1 => scatter_strip::<T, 1>(bags, x, first, table),
                2 => scatter_strip::<T, 2>(bags, x, first, table),
                3 => scatter_strip::<T, 3>(bags, x, first, table),
                _ => scatter_strip::<T, STRIP>(bags, x, first, table),
            }
        }
    }
}

/// Vectors `first..first + N` of every row of the table.
#[inline(always)]
fn scatter_strip<T: Float, const N: usize>(
    bags: Bags<'_>,
    x: &[T],
    first: usize,
    table: &mut [Vector<T>],
) {
    let (all, from) = (vectors(bags.width), first * LANES);
    let mut rest = [[T::zero(); LANES]; N];
    for (i, bag) in bags.indices.chunks_exact(bags.length).enumerate() {
        let row = &x[i * bags.width..];
        let end = bags.width.min(from + N * LANES);
        // What lies beyond the row ends in columns that are never looked at.
        let row = match row.get(from..from + N * LANES) {
            Some(row) => row.as_chunks().0,
            None => {
                rest.as_flattened_mut()[..end - from].copy_from_slice(&row[from..end]);
                &rest
            }
        };
        let mut values = [[T::zero(); LANES]; N];
        add(&mut values, row);
        for place in bag.iter().filter_map(|&index| bags.known(index)) {
            let to = &mut table[place * all + first..][..N];
            for (to, values) in to.iter_mut().zip(&values) {
                for (to, &x) in to.iter_mut().zip(values) {
                    *to += x;
                }
            }
        }
    }
}

#[inline(always)]
fn add<T: Float, const N: usize>(sums: &mut [Vector<T>; N], row: &[Vector<T>]) {
    for (sum, row) in sums.iter_mut().zip(row) {
        for (sum, &x) in sum.iter_mut().zip(row) {
            *sum += x;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_those_of_plain_loops_whatever_the_width() {
        let (rows, length, padding) = (5, 3, Some(2));
        let indices: Vec<u32> =
            [0, 4, 1, 1, 2, 3, u32::MAX, 4, 4, 3, 0, 0].into_iter().chain([2; 3]).collect();
        for width in [1, 2, 15, 16, 17, 33, 50, 64, 65, 100, 130] {
            let bags = Bags { op: "test", indices: &indices, length, padding, rows, width };
            assert!(suits(&bags));
            let number = |i: usize| ((i * 37) % 101) as f32 / 8.0 - 6.0;
            let table: Vec<f32> = (0..rows * width).map(number).collect();
            let x: Vec<f32> = (0..indices.len() / length * width).map(number).collect();
            let workspace = Workspace::default();
            let (mut sums, mut adjoint) = (vec![f32::NAN; x.len()], vec![f32::NAN; table.len()]);
            gather_sum(bags, &table, &mut sums, &workspace).unwrap();
            scatter_sum(bags, &x, &mut adjoint, &workspace).unwrap();
            let (mut wanted_sums, mut wanted_adjoint) =
                (vec![0.0; x.len()], vec![0.0; table.len()]);
            for (at, &index) in indices.iter().enumerate().filter(|(_, i)| **i < 5 && **i != 2) {
                for column in 0..width {
                    let (bag, row) =
                        (at / length * width + column, index as usize * width + column);
                    wanted_sums[bag] += table[row];
                    wanted_adjoint[row] += x[bag];
                }
            }
            assert_eq!((sums, adjoint), (wanted_sums, wanted_adjoint), "{width}");
        }
    }

    #[test]
    fn an_index_outside_the_table_is_refused() {
        let indices = [0, 1, 2, 3];
        let bags =
            Bags { op: "test", indices: &indices, length: 2, padding: None, rows: 2, width: 1 };
        let workspace = Workspace::default();
        let told = gather_sum(bags, &[1.0f32, 2.0], &mut [0.0; 2], &workspace).unwrap_err();
        assert!(matches!(told, Error::Index { index: 2, .. }), "{told}");
    }
}
