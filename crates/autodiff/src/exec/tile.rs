//! One tile of a matrix product in registers.
#![expect(unsafe_code, reason = "processor instructions that the compiler does not find by itself")]

use crate::{DType, Float};

/// Columns of a packed panel of the right operand, and of a tile.
pub(crate) const COLUMNS: usize = 32;
/// Rows of a packed panel of the left operand, and of a tile.
pub(crate) const ROWS: usize = 8;

/// A part of a result, row by row.
pub(crate) type Tile<T> = [[T; COLUMNS]; ROWS];

/// tile += left panel, for a panel of `[depth, ROWS]` and one of `[depth, COLUMNS]`.
///
/// Each element is one chain of fused multiply-adds, whatever the processor.
pub(crate) fn accumulate<T: Float>(left: &[T], panel: &[T], tile: &mut Tile<T>) {
    let depth = panel.len() / COLUMNS;
    assert!(left.len() >= depth * ROWS, "a panel of {} for a depth of {depth}", left.len());
    #[cfg(target_arch = "x86_64")]
    {
        let fma = std::arch::is_x86_feature_detected!("fma");
        let (left, panel, tile) = (left.as_ptr(), panel.as_ptr(), tile.as_mut_ptr());
        // SAFETY: the processor was asked for the features, the pointers lead to `depth` rows of
        // panels and to a whole tile, and the casts are to the type that `T` is.
        match (super::simd::width(), T::DTYPE) {
            (2, DType::F32) => {
                return unsafe { x86::wide32(left.cast(), panel.cast(), depth, tile.cast()) };
            }
            // SAFETY: as above.
            (2, _) => {
                return unsafe { x86::wide64(left.cast(), panel.cast(), depth, tile.cast()) };
            }
            // SAFETY: as above.
            (1, DType::F32) if fma => {
                return unsafe { x86::half32(left.cast(), panel.cast(), depth, tile.cast()) };
            }
            // SAFETY: as above.
            (1, _) if fma => {
                return unsafe { x86::half64(left.cast(), panel.cast(), depth, tile.cast()) };
            }
            _ => {}
        }
    }
    plain(left, panel, tile);
}

fn plain<T: Float>(left: &[T], panel: &[T], tile: &mut Tile<T>) {
    for (a, b) in left.as_chunks::<ROWS>().0.iter().zip(panel.as_chunks::<COLUMNS>().0) {
        for (&a, tile) in a.iter().zip(tile.iter_mut()) {
            for (&b, sum) in b.iter().zip(tile) {
                *sum = a.times_plus(b, *sum);
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::{
        _mm256_fmadd_pd, _mm256_fmadd_ps, _mm256_loadu_pd, _mm256_loadu_ps, _mm256_set1_pd,
        _mm256_set1_ps, _mm256_storeu_pd, _mm256_storeu_ps, _mm512_fmadd_pd, _mm512_fmadd_ps,
        _mm512_loadu_pd, _mm512_loadu_ps, _mm512_set1_pd, _mm512_set1_ps, _mm512_storeu_pd,
        _mm512_storeu_ps,
    };

    use super::{COLUMNS, ROWS};

    /// A tile in parts of `$rows` rows and two vectors of `$lanes` columns.
    macro_rules! tile {
        (
            $name:ident, $feature:literal, $type:ty, $rows:literal, $lanes:literal,
            $load:ident, $store:ident, $set:ident, $fma:ident
        ) => {
            /// tile += left panel.
            ///
            /// # Safety
            /// The processor has the feature, and the pointers lead to `depth` rows of panels and a
            /// tile.
            #[target_feature(enable = $feature)]
            pub(super) unsafe fn $name(
                left: *const $type,
                panel: *const $type,
                depth: usize,
                tile: *mut $type,
            ) {
                for row in (0..ROWS).step_by($rows) {
                    for column in (0..COLUMNS).step_by(2 * $lanes) {
                        // SAFETY: every index is below the extents the caller vouches for.
                        unsafe {
                            let tile = tile.add(row * COLUMNS + column);
                            let mut sums = [[$set(0.0); 2]; $rows];
                            for (r, sums) in sums.iter_mut().enumerate() {
                                sums[0] = $load(tile.add(r * COLUMNS));
                                sums[1] = $load(tile.add(r * COLUMNS + $lanes));
                            }
                            for p in 0..depth {
                                let from = panel.add(p * COLUMNS + column);
                                let (b0, b1) = ($load(from), $load(from.add($lanes)));
                                let from = left.add(p * ROWS + row);
                                for (r, sums) in sums.iter_mut().enumerate() {
                                    let a = $set(*from.add(r));
                                    sums[0] = $fma(a, b0, sums[0]);
                                    sums[1] = $fma(a, b1, sums[1]);
                                }
                            }
                            for (r, sums) in sums.iter().enumerate() {
                                $store(tile.add(r * COLUMNS), sums[0]);
                                $store(tile.add(r * COLUMNS + $lanes), sums[1]);
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
            accumulate(&left, &panel, &mut found);
            plain(&left, &panel, &mut wanted);
            assert_eq!(found, wanted);
            assert_ne!(found[0][0], T::of(0.3));
        }
        same::<f32>();
        same::<f64>();
    }
}
