//! Tiles of a matrix product in registers.
#![expect(unsafe_code, reason = "processor instructions that the compiler does not find by itself")]

use std::marker::PhantomData;

use ndarray::ArrayViewMut2;

use crate::simd::Isa;
use crate::simd::prefetch::Prefetch;
use crate::{DType, Float};

/// Columns of a packed panel of the right operand, and of a tile.
pub(super) const COLUMNS: usize = 32;
/// Rows of a packed panel of the left operand, and of a tile.
pub(super) const ROWS: usize = 8;

/// A part of a result, row by row.
pub(super) type Tile<T> = [[T; COLUMNS]; ROWS];

/// What a tile starts from.
#[derive(Debug, Clone, Copy)]
pub(super) enum Start<'a, T> {
    /// One row for all.
    Row(&'a [T; COLUMNS]),
    /// What it holds already.
    Itself,
}

/// Room for tiles one below the other inside a larger result.
pub(super) struct Target<'a, T> {
    first: *mut T,
    stride: usize,
    count: usize,
    owner: PhantomData<&'a mut T>,
}

impl<'a, T> Target<'a, T> {
    pub(super) fn whole(tile: &'a mut Tile<T>) -> Self {
        Target { first: tile.as_mut_ptr().cast(), stride: COLUMNS, count: 1, owner: PhantomData }
    }

    /// A view of the extents of tiles, if its rows lie without gaps.
    pub(super) fn of(view: &'a mut ArrayViewMut2<'_, T>) -> Option<Self> {
        let stride = usize::try_from(view.strides()[0]).ok()?;
        let (rows, columns) = view.dim();
        let fits = rows.is_multiple_of(ROWS) && columns == COLUMNS && view.strides()[1] == 1;
        let (first, count) = (view.as_mut_ptr(), rows / ROWS);
        fits.then_some(Target { first, stride, count, owner: PhantomData })
    }
}

/// A panel of the right operand, `[depth, COLUMNS]`.
#[derive(Debug)]
pub(super) enum Panel<'a, T> {
    Packed(&'a [T]),
    /// Rows, so many elements apart, that the first tile packs while it multiplies them.
    Rows(&'a [T], usize, &'a mut [T]),
}

impl<T> Panel<'_, T> {
    /// Where the panel is, and where its rows come from: nowhere once it is packed.
    fn locate(&mut self, depth: usize) -> (*mut T, (*const T, usize)) {
        let (len, found) = match self {
            Panel::Packed(packed) => {
                (packed.len(), (packed.as_ptr().cast_mut(), (std::ptr::null(), 0)))
            }
            Panel::Rows(rows, stride, packed) => {
                let end = (depth - 1) * *stride + COLUMNS;
                assert!(end <= rows.len(), "{depth} rows in {} elements", rows.len());
                (packed.len(), (packed.as_mut_ptr(), (rows.as_ptr(), *stride)))
            }
        };
        assert!(len >= depth * COLUMNS, "{len} elements for a panel of {depth}");
        found
    }

    /// Rows have been packed.
    fn settle(&mut self) {
        let panel = std::mem::replace(self, Panel::Packed(&[]));
        *self = match panel {
            Panel::Rows(_, _, packed) => Panel::Packed(packed),
            packed => packed,
        };
    }
}

/// A product of tiles one below the other.
#[derive(Clone, Copy)]
struct Job<T> {
    /// Panels `[depth, ROWS]`, one for each tile.
    left: *const T,
    panel: *mut T,
    /// Where the panel's rows come from, if they have to be packed, and from one to the next.
    rows: (*const T, usize),
    depth: usize,
    count: usize,
    /// What the first tile starts from, and from one row of it to the next.
    from: (*const T, usize),
    to: (*mut T, usize),
}

impl<T: Copy> Job<T> {
    fn cast<U>(self) -> Job<U> {
        Job {
            left: self.left.cast(),
            panel: self.panel.cast(),
            rows: (self.rows.0.cast(), self.rows.1),
            depth: self.depth,
            count: self.count,
            from: (self.from.0.cast(), self.from.1),
            to: (self.to.0.cast(), self.to.1),
        }
    }

    /// The first tile, and those below it.
    fn split(self) -> (Self, Self) {
        let below = Job {
            left: self.left.wrapping_add(ROWS * self.depth),
            rows: (std::ptr::null(), 0),
            count: self.count - 1,
            from: (self.from.0.wrapping_add(ROWS * self.from.1), self.from.1),
            to: (self.to.0.wrapping_add(ROWS * self.to.1), self.to.1),
            ..self
        };
        (Job { count: 1, ..self }, below)
    }
}

/// target = start + left panel, for panels of `depth` terms; the right one is packed afterwards.
///
/// Each element is one chain of fused multiply-adds, whatever the processor.
pub(super) fn accumulate<T: Float>(
    left: &[T],
    panel: &mut Panel<'_, T>,
    depth: usize,
    start: Start<'_, T>,
    target: &mut Target<'_, T>,
    ahead: &mut Prefetch,
) {
    let (to, count) = ((target.first, target.stride), target.count);
    if count == 0 || depth == 0 {
        return;
    }
    let len = left.len();
    assert!(len >= count * depth * ROWS, "{len} elements for {count} panels of {depth}");
    let from = match start {
        Start::Row(row) => (row.as_ptr(), 0),
        Start::Itself => (to.0.cast_const(), to.1),
    };
    let (place, rows) = panel.locate(depth);
    run(Job { left: left.as_ptr(), panel: place, rows, depth, count, from, to }, ahead);
    panel.settle();
}

fn run<T: Float>(job: Job<T>, ahead: &mut Prefetch) {
    #[cfg(target_arch = "x86_64")]
    {
        // SAFETY: the processor was asked for the features; the pointers lead to panels of `depth`
        // terms or to the rows of one, to whole tiles of a result that is borrowed exclusively, and to
        // a row or those tiles; the casts are to the type that `T` is.
        unsafe {
            match (crate::simd::isa(), T::DTYPE) {
                (Isa::Avx512, DType::F32) => return x86::wide32(job.cast(), ahead),
                (Isa::Avx512, _) => return x86::wide64(job.cast(), ahead),
                (Isa::Avx2, DType::F32) => return x86::half32(job.cast(), ahead),
                (Isa::Avx2, _) => return x86::half64(job.cast(), ahead),
                _ => {}
            }
        }
    }
    // SAFETY: as above.
    unsafe { plain(job) };
}

/// # Safety
/// The pointers of the job lead to what it says.
unsafe fn plain<T: Float>(job: Job<T>) {
    for p in 0..if job.rows.0.is_null() { 0 } else { job.depth } {
        // SAFETY: a row, and its place in the panel.
        unsafe {
            let row = job.rows.0.add(p * job.rows.1);
            std::ptr::copy_nonoverlapping(row, job.panel.add(p * COLUMNS), COLUMNS);
        }
    }
    for row in 0..job.count * ROWS {
        for column in 0..COLUMNS {
            // SAFETY: every index is below the extents that the caller vouches for.
            unsafe {
                let left = job.left.add(row / ROWS * ROWS * job.depth + row % ROWS);
                let mut sum = *job.from.0.add(row * job.from.1 + column);
                for p in 0..job.depth {
                    sum = (*left.add(p * ROWS)).mul_add(*job.panel.add(p * COLUMNS + column), sum);
                }
                *job.to.0.add(row * job.to.1 + column) = sum;
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

    use super::{COLUMNS, Job, Prefetch, ROWS};

    /// How far ahead the left panel, which comes from a farther cache, is asked for.
    const AHEAD: usize = 16 * ROWS;
    /// Terms from one line that is asked for to the next.
    const ASK: usize = 8;

    /// A tile in parts of `$rows` rows and two vectors of `$lanes` columns.
    macro_rules! tile {
        (
            $name:ident, $tiles:ident, $feature:literal, $type:ty, $rows:literal, $lanes:literal,
            $load:ident, $store:ident, $set:ident, $fma:ident
        ) => {
            /// to = from + left panel, for one tile below the other.
            ///
            /// # Safety
            /// The processor has the feature, and the pointers lead to what the job says.
            #[target_feature(enable = $feature)]
            pub(super) unsafe fn $name(mut job: Job<$type>, ahead: &mut Prefetch) {
                // SAFETY: the caller vouches for it.
                unsafe {
                    if !job.rows.0.is_null() {
                        let first;
                        (first, job) = job.split();
                        $tiles::<true>(first, ahead);
                    }
                    $tiles::<false>(job, ahead);
                }
            }

            /// As above; the panel is packed on the way, or is already.
            #[target_feature(enable = $feature)]
            unsafe fn $tiles<const PACK: bool>(
                Job { left, panel, rows, depth, count, from, to }: Job<$type>,
                ahead: &mut Prefetch,
            ) {
                let mut asked = *ahead;
                for first in (0..count * ROWS).step_by($rows) {
                    // SAFETY: the panel of this tile.
                    let left = unsafe { left.add(first / ROWS * ROWS * depth + first % ROWS) };
                    // Where the next tile goes: stores wait for lines too.
                    let below = to.0.wrapping_add((first + $rows) * to.1);
                    let mut result = Prefetch::at(below, ($rows, COLUMNS), to.1);
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
                                if p.is_multiple_of(ASK) {
                                    asked.next::<false>();
                                    result.next::<true>();
                                }
                                let panel = panel.add(p * COLUMNS + column);
                                let (b0, b1);
                                if PACK {
                                    let from = rows.0.add(p * rows.1 + column);
                                    (b0, b1) = ($load(from), $load(from.add($lanes)));
                                    $store(panel, b0);
                                    $store(panel.add($lanes), b1);
                                } else {
                                    (b0, b1) = ($load(panel), $load(panel.add($lanes)));
                                }
                                let from = left.add(p * ROWS);
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
                *ahead = asked;
            }
        };
    }

    tile!(
        wide32,
        wide32_tiles,
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
        wide64_tiles,
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
        half32_tiles,
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
        half64_tiles,
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
            let (depth, count, stride) = (13, 2, COLUMNS + 3);
            let draw = |i: usize| T::from_f64(((i * 7919) % 1009) as f64 / 504.0 - 1.0);
            let left: Vec<T> = (0..count * depth * ROWS).map(draw).collect();
            let rows: Vec<T> = (0..depth * stride).map(|i| draw(i + 5)).collect();
            let start = [T::from_f64(0.3); COLUMNS];
            let wanted: Vec<T> = (0..count * ROWS * COLUMNS)
                .map(|at| {
                    let (row, column) = (at / COLUMNS, at % COLUMNS);
                    let left = &left[row / ROWS * ROWS * depth + row % ROWS..];
                    (0..depth).fold(start[column], |sum, p| {
                        left[p * ROWS].mul_add(rows[p * stride + column], sum)
                    })
                })
                .collect();
            let (mut packed, mut plainly) =
                ([(); 2].map(|()| vec![T::zero(); depth * COLUMNS])).into();
            let mut found = vec![start; count * ROWS];
            for from in [Start::Row(&start), Start::Itself] {
                let mut panel = Panel::Rows(&rows, stride, &mut packed);
                for _ in 0..2 {
                    found.fill(start);
                    let first = found.as_mut_ptr().cast();
                    let mut target = Target { first, stride: COLUMNS, count, owner: PhantomData };
                    let mut ahead = Prefetch::NOTHING;
                    accumulate(&left, &mut panel, depth, from, &mut target, &mut ahead);
                    assert_eq!(found.as_flattened(), wanted);
                }
                assert!(matches!(panel, Panel::Packed(_)));
            }
            found.fill(start);
            let to = (found.as_mut_ptr().cast(), COLUMNS);
            let (panel, rows) = Panel::Rows(&rows, stride, &mut plainly).locate(depth);
            let from = (start.as_ptr(), 0);
            // SAFETY: whole tiles and panels.
            unsafe { plain(Job { left: left.as_ptr(), panel, rows, depth, count, from, to }) };
            assert_eq!(found.as_flattened(), wanted);
            assert_eq!(packed, plainly);
        }
        same::<f32>();
        same::<f64>();
    }
}
