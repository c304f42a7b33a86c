//! Tiles of a matrix product in registers.
#![expect(unsafe_code, reason = "processor instructions that the compiler does not find by itself")]

use std::marker::PhantomData;

use ndarray::ArrayViewMut2;

use crate::{DType, Float};

/// Columns of a packed panel of the right operand, and of a tile.
pub(crate) const COLUMNS: usize = 32;
/// Rows of a packed panel of the left operand, and of a tile.
pub(crate) const ROWS: usize = 8;

/// A part of a result, row by row.
pub(crate) type Tile<T> = [[T; COLUMNS]; ROWS];

/// What a tile starts from.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Start<'a, T> {
    /// One row for all.
    Row(&'a [T; COLUMNS]),
    /// What it holds already.
    Itself,
}

/// Tiles one below the other inside a larger result.
pub(crate) struct Target<'a, T> {
    first: *mut T,
    stride: usize,
    count: usize,
    owner: PhantomData<&'a mut T>,
}

impl<'a, T> Target<'a, T> {
    pub(crate) fn whole(tile: &'a mut Tile<T>) -> Self {
        Target { first: tile.as_mut_ptr().cast(), stride: COLUMNS, count: 1, owner: PhantomData }
    }

    /// A view of the extents of tiles, if its rows lie without gaps.
    pub(crate) fn of(view: &'a mut ArrayViewMut2<'_, T>) -> Option<Self> {
        let stride = usize::try_from(view.strides()[0]).ok()?;
        let (rows, columns) = view.dim();
        let fits = rows.is_multiple_of(ROWS) && columns == COLUMNS && view.strides()[1] == 1;
        let (first, count) = (view.as_mut_ptr(), rows / ROWS);
        fits.then_some(Target { first, stride, count, owner: PhantomData })
    }
}

/// target = start + left panel, for panels of `[depth, ROWS]`, one for each tile, and one of `[depth,
/// COLUMNS]`.
///
/// Each element is one chain of fused multiply-adds, whatever the processor.
pub(crate) fn accumulate<T: Float>(
    left: &[T],
    panel: &[T],
    start: Start<'_, T>,
    target: &mut Target<'_, T>,
) {
    let depth = panel.len() / COLUMNS;
    let (len, count) = (left.len(), target.count);
    assert!(len >= count * depth * ROWS, "{len} elements for {count} panels of {depth}");
    let (from, skip) = match start {
        Start::Row(row) => (row.as_ptr(), 0),
        Start::Itself => (target.first.cast_const(), target.stride),
    };
    #[cfg(target_arch = "x86_64")]
    {
        let fma = std::arch::is_x86_feature_detected!("fma");
        let (left, panel) = (left.as_ptr(), panel.as_ptr());
        let (to, stride) = (target.first, target.stride);
        let depth = (depth, count);
        // SAFETY: the processor was asked for the features; the pointers lead to `depth` rows of
        // panels, to whole tiles of a result that is borrowed exclusively, and to a row or those tiles;
        // the casts are to the type that `T` is.
        unsafe {
            match (super::simd::width(), T::DTYPE) {
                (2, DType::F32) => {
                    let from = (from.cast(), skip);
                    return x86::wide32(
                        left.cast(),
                        panel.cast(),
                        depth,
                        from,
                        (to.cast(), stride),
                    );
                }
                (2, _) => {
                    let from = (from.cast(), skip);
                    return x86::wide64(
                        left.cast(),
                        panel.cast(),
                        depth,
                        from,
                        (to.cast(), stride),
                    );
                }
                (1, DType::F32) if fma => {
                    let from = (from.cast(), skip);
                    return x86::half32(
                        left.cast(),
                        panel.cast(),
                        depth,
                        from,
                        (to.cast(), stride),
                    );
                }
                (1, _) if fma => {
                    let from = (from.cast(), skip);
                    return x86::half64(
                        left.cast(),
                        panel.cast(),
                        depth,
                        from,
                        (to.cast(), stride),
                    );
                }
                _ => {}
            }
        }
    }
    for (tile, left) in left.chunks_exact((depth * ROWS).max(1)).take(count).enumerate() {
        let first = tile * ROWS;
        // SAFETY: as above.
        unsafe {
            let to = target.first.add(first * target.stride);
            plain(left, panel, (from.add(first * skip), skip), (to, target.stride));
        }
    }
}

/// # Safety
/// `from` and `to` lead to a tile with rows that far apart.
unsafe fn plain<T: Float>(left: &[T], panel: &[T], from: (*const T, usize), to: (*mut T, usize)) {
    for row in 0..ROWS {
        for column in 0..COLUMNS {
            // SAFETY: both indices are below the extents of a tile.
            unsafe {
                let mut sum = *from.0.add(row * from.1 + column);
                let pairs = left.iter().skip(row).step_by(ROWS);
                for (&a, &b) in pairs.zip(panel.iter().skip(column).step_by(COLUMNS)) {
                    sum = a.times_plus(b, sum);
                }
                *to.0.add(row * to.1 + column) = sum;
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::{
        _MM_HINT_T0, _mm_prefetch, _mm256_fmadd_pd, _mm256_fmadd_ps, _mm256_loadu_pd,
        _mm256_loadu_ps, _mm256_set1_pd, _mm256_set1_ps, _mm256_storeu_pd, _mm256_storeu_ps,
        _mm512_fmadd_pd, _mm512_fmadd_ps, _mm512_loadu_pd, _mm512_loadu_ps, _mm512_set1_pd,
        _mm512_set1_ps, _mm512_storeu_pd, _mm512_storeu_ps,
    };

    use super::{COLUMNS, ROWS};

    /// How far ahead the left panel, which comes from a farther cache, is asked for.
    const AHEAD: usize = 16 * ROWS;

    /// A tile in parts of `$rows` rows and two vectors of `$lanes` columns.
    macro_rules! tile {
        (
            $name:ident, $feature:literal, $type:ty, $rows:literal, $lanes:literal,
            $load:ident, $store:ident, $set:ident, $fma:ident
        ) => {
            /// to = from + left panel, for one tile below the other.
            ///
            /// # Safety
            /// The processor has the feature, and the pointers lead to `depth` rows of panels and to
            /// so many tiles with rows that far apart.
            #[target_feature(enable = $feature)]
            pub(super) unsafe fn $name(
                left: *const $type,
                panel: *const $type,
                (depth, count): (usize, usize),
                from: (*const $type, usize),
                to: (*mut $type, usize),
            ) {
                for first in (0..count * ROWS).step_by($rows) {
                    // SAFETY: the panel of this tile.
                    let left = unsafe { left.add(first / ROWS * ROWS * depth) };
                    let row = first % ROWS;
                    for column in (0..COLUMNS).step_by(2 * $lanes) {
                        // SAFETY: every index is below the extents the caller vouches for.
                        unsafe {
                            let mut sums = [[$set(0.0); 2]; $rows];
                            for (r, sums) in sums.iter_mut().enumerate() {
                                let from = from.0.add((first + r) * from.1 + column);
                                sums[0] = $load(from);
                                sums[1] = $load(from.add($lanes));
                            }
                            for p in 0..depth {
                                let from = panel.add(p * COLUMNS + column);
                                let (b0, b1) = ($load(from), $load(from.add($lanes)));
                                let from = left.add(p * ROWS + row);
                                _mm_prefetch::<_MM_HINT_T0>(from.wrapping_add(AHEAD).cast());
                                for (r, sums) in sums.iter_mut().enumerate() {
                                    let a = $set(*from.add(r));
                                    sums[0] = $fma(a, b0, sums[0]);
                                    sums[1] = $fma(a, b1, sums[1]);
                                }
                            }
                            for (r, sums) in sums.iter().enumerate() {
                                let to = to.0.add((first + r) * to.1 + column);
                                $store(to, sums[0]);
                                $store(to.add($lanes), sums[1]);
                            }
                        }
                    }
                }
            }
        };
    }

    tile!(
        wide32,
        "avx512f",
        f32,
        8,
        16,
        _mm512_loadu_ps,
        _mm512_storeu_ps,
        _mm512_set1_ps,
        _mm512_fmadd_ps
    );
    tile!(
        wide64,
        "avx512f",
        f64,
        8,
        8,
        _mm512_loadu_pd,
        _mm512_storeu_pd,
        _mm512_set1_pd,
        _mm512_fmadd_pd
    );
    tile!(
        half32,
        "avx2,fma",
        f32,
        4,
        8,
        _mm256_loadu_ps,
        _mm256_storeu_ps,
        _mm256_set1_ps,
        _mm256_fmadd_ps
    );
    tile!(
        half64,
        "avx2,fma",
        f64,
        4,
        4,
        _mm256_loadu_pd,
        _mm256_storeu_pd,
        _mm256_set1_pd,
        _mm256_fmadd_pd
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_processor_gives_the_bits_of_the_plain_loop() {
        fn same<T: Float>() {
            let depth = 13;
            let draw = |i: usize| T::of(((i * 7919) % 1009) as f64 / 504.0 - 1.0);
            let left: Vec<T> = (0..depth * ROWS).map(draw).collect();
            let panel: Vec<T> = (0..depth * COLUMNS).map(|i| draw(i + 5)).collect();
            let mut found = [[T::of(0.3); COLUMNS]; ROWS];
            let mut wanted = found;
            accumulate(&left, &panel, Start::Itself, &mut Target::whole(&mut found));
            let tile = wanted.as_mut_ptr().cast::<T>();
            // SAFETY: a whole tile.
            unsafe { plain(&left, &panel, (tile, COLUMNS), (tile, COLUMNS)) };
            assert_eq!(found, wanted);
            accumulate(
                &left,
                &panel,
                Start::Row(&[T::of(0.3); COLUMNS]),
                &mut Target::whole(&mut found),
            );
            assert_eq!(found, wanted);
            assert_ne!(found[0][0], T::of(0.3));
        }
        same::<f32>();
        same::<f64>();
    }
}
