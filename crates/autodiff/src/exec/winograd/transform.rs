//! The transforms of F(4x4, 3x3), over rows of neighbouring tiles.
//!
//! A product of polynomials is known from its values at the points 0, 1, -1, 2, 1/2 and infinity;
//! transposing that gives four neighbouring results of a filter of three taps from six products
//! (Winograd 1980; Lavin & Gray 2016): y = A^T ((G g) * (B^T d)). The points are their own inverses,
//! so that reversing the taps only exchanges the rows of G: 0 with infinity, and 2 with 1/2.

use crate::Float;
use crate::exec::simd::vectorised;
use crate::exec::tile::SIDE;

/// Results of one tile along an axis.
pub(super) const STEP: usize = 4;
/// Input elements of one tile along an axis, and points.
pub(super) const REACH: usize = 6;

/// Tiles of a row below which all rows are transformed as one.
const SHORT: usize = 16;

/// Where each point goes when the taps are reversed.
pub(super) const REVERSED: [usize; REACH] = [5, 1, 2, 4, 3, 0];

/// B^T: for each point, the input elements and their factors.
const INPUT: [[(usize, f64); 4]; REACH] = [
    [(0, 1.0), (1, -2.5), (3, 2.5), (4, -1.0)],
    [(1, -1.0), (2, 1.5), (3, 1.5), (4, -1.0)],
    [(1, -1.0), (2, 3.5), (3, -3.5), (4, 1.0)],
    [(1, 0.5), (2, -1.0), (3, -0.5), (4, 1.0)],
    [(1, 2.0), (2, -1.0), (3, -2.0), (4, 1.0)],
    [(1, -1.0), (2, 2.5), (4, -2.5), (5, 1.0)],
];

/// G: for each point, the factors of the taps.
pub(super) const FILTER: [[f64; 3]; REACH] = [
    [1.0, 0.0, 0.0],
    [1.0, 1.0, 1.0],
    [1.0 / 9.0, -1.0 / 9.0, 1.0 / 9.0],
    [1.0 / 9.0, 2.0 / 9.0, 4.0 / 9.0],
    [4.0 / 9.0, 2.0 / 9.0, 1.0 / 9.0],
    [0.0, 0.0, 1.0],
];

/// A^T: for each of the four results, the points and their factors.
const OUTPUT: [&[(usize, f64)]; STEP] = [
    &[(0, 1.0), (1, 1.0), (2, 1.0), (3, 1.0), (4, 4.0)],
    &[(1, 1.0), (2, -1.0), (3, 2.0), (4, 2.0)],
    &[(1, 1.0), (2, 1.0), (3, 4.0), (4, 1.0)],
    &[(1, 1.0), (2, -1.0), (3, 8.0), (4, 0.5), (5, 1.0)],
];

/// out = sum of factors times rows, for four rows.
#[inline(always)]
fn four<T: Float>(out: &mut [T], rows: [&[T]; 4], factors: [f64; 4]) {
    let n = out.len();
    let (a, b, c, d) = (&rows[0][..n], &rows[1][..n], &rows[2][..n], &rows[3][..n]);
    let [p, q, r, s] = [T::of(factors[0]), T::of(factors[1]), T::of(factors[2]), T::of(factors[3])];
    for (i, out) in out.iter_mut().enumerate() {
        *out = d[i].times_plus(s, c[i].times_plus(r, b[i].times_plus(q, a[i] * p)));
    }
}

/// As [`four`], for one row more.
#[inline(always)]
fn five<T: Float>(out: &mut [T], rows: [&[T]; 4], factors: [f64; 4], last: (&[T], f64)) {
    let n = out.len();
    let (a, b, c, d) = (&rows[0][..n], &rows[1][..n], &rows[2][..n], &rows[3][..n]);
    let [p, q, r, s] = [T::of(factors[0]), T::of(factors[1]), T::of(factors[2]), T::of(factors[3])];
    let (e, t) = (&last.0[..n], T::of(last.1));
    for (i, out) in out.iter_mut().enumerate() {
        let sum = d[i].times_plus(s, c[i].times_plus(r, b[i].times_plus(q, a[i] * p)));
        *out = e[i].times_plus(t, sum);
    }
}

/// As [`four`], for three rows.
#[inline(always)]
fn three<T: Float>(out: &mut [T], rows: [&[T]; 3], factors: [f64; 3]) {
    let n = out.len();
    let (a, b, c) = (&rows[0][..n], &rows[1][..n], &rows[2][..n]);
    let [p, q, r] = [T::of(factors[0]), T::of(factors[1]), T::of(factors[2])];
    for (i, out) in out.iter_mut().enumerate() {
        *out = c[i].times_plus(r, b[i].times_plus(q, a[i] * p));
    }
}

/// B^T along one axis: point `point` of rows that `row` finds.
#[inline(always)]
fn input_point<'a, T: Float>(out: &mut [T], point: usize, row: impl Fn(usize) -> &'a [T]) {
    let [a, b, c, d] = INPUT[point];
    four(out, [row(a.0), row(b.0), row(c.0), row(d.0)], [a.1, b.1, c.1, d.1]);
}

/// A^T along one axis: result `result` of rows that `row` finds.
#[inline(always)]
fn output_result<'a, T: Float>(out: &mut [T], result: usize, row: impl Fn(usize) -> &'a [T]) {
    let terms = OUTPUT[result];
    let (rows, factors) = (
        [row(terms[0].0), row(terms[1].0), row(terms[2].0), row(terms[3].0)],
        [terms[0].1, terms[1].1, terms[2].1, terms[3].1],
    );
    match terms.get(4) {
        Some(&(point, factor)) => five(out, rows, factors, (row(point), factor)),
        None => four(out, rows, factors),
    }
}

/// Tile rows of one channel.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rows {
    /// Tiles of a tile row.
    pub across: usize,
    /// Tile rows of an image, beginning with which.
    pub first: usize,
    pub down: usize,
    /// Images, and the distance between their channels.
    pub images: usize,
    pub pitch: usize,
    /// Height, width and padding of the images.
    pub extent: [usize; 2],
    pub padding: [usize; 2],
    /// Places of a row of tiles in memory.
    pub columns: usize,
}

impl Rows {
    /// Elements between the tile rows of a line: every tile begins anew, and one is spare.
    fn line(&self) -> usize {
        STEP * (self.across + 1)
    }

    fn count(&self) -> usize {
        self.images * self.down
    }

    /// Scratch that [`input`] needs.
    pub(super) fn input_scratch(&self) -> usize {
        self.count() * (2 * self.line() + self.across + 1) + self.extent[1]
    }

    /// Scratch that [`output`] needs beside its result.
    pub(super) fn output_scratch(&self) -> usize {
        (REACH * STEP + STEP) * self.columns
    }
}

vectorised! {
    /// B^T d B of one channel's tiles to rows `lane` of [`SIDE`] for every pair of points in `v`.
    ///
    /// `x` begins with the channel's plane in the first image.
    pub(super) fn input<T: Float>(
        at: &Rows, x: &[T], v: &mut [T], lane: usize, scratch: &mut [T],
    ) {
        let (line, pieces, width) = (at.line(), at.across + 1, at.extent[1]);
        let (zeros, rest) = scratch.split_at_mut(width);
        let (t, rest) = rest.split_at_mut(at.count() * line);
        let (phases, rest) = rest.split_at_mut(at.count() * line);
        let row = &mut rest[..at.count() * pieces];
        zeros.fill(T::zero());
        t.fill(T::zero());
        for i in 0..REACH {
            for (index, t) in t.chunks_exact_mut(line).enumerate() {
                let plane = &x[index / at.down * at.pitch..];
                let top = STEP * (at.first + index % at.down);
                let t = &mut t[at.padding[1]..][..width];
                input_point(t, i, |down| {
                    match (top + down).checked_sub(at.padding[0]).filter(|&y| y < at.extent[0]) {
                        Some(y) => &plane[y * width..][..width],
                        None => &*zeros,
                    }
                });
            }
            let phases = deinterleave(t, phases);
            for j in 0..REACH {
                let v = &mut v[((i * REACH + j) * SIDE + lane) * at.columns..][..at.columns];
                let (v, spare) = v.split_at_mut(at.count() * at.across);
                let phase = |right: usize| &phases[right % STEP][right / STEP..];
                if at.across < SHORT {
                    let last = row.len() - 1;
                    input_point(&mut row[..last], j, phase);
                    for (v, row) in v.chunks_exact_mut(at.across).zip(row.chunks_exact(pieces)) {
                        v.iter_mut().zip(row).for_each(|(v, &row)| *v = row);
                    }
                } else {
                    for (index, v) in v.chunks_exact_mut(at.across).enumerate() {
                        input_point(v, j, |right| &phase(right)[index * pieces..]);
                    }
                }
                spare.fill(T::zero());
            }
        }
    }
}

/// Every fourth element, from each of the first four on.
#[inline(always)]
fn deinterleave<'a, T: Float>(t: &[T], phases: &'a mut [T]) -> [&'a [T]; STEP] {
    let count = t.len() / STEP;
    let (a, rest) = phases.split_at_mut(count);
    let (b, rest) = rest.split_at_mut(count);
    let (c, d) = rest.split_at_mut(count);
    let places = a.iter_mut().zip(b.iter_mut()).zip(c.iter_mut()).zip(d.iter_mut());
    for (&four, (((a, b), c), d)) in t.as_chunks::<STEP>().0.iter().zip(places) {
        [*a, *b, *c, *d] = four;
    }
    [a, b, c, d]
}

/// What is done to results before they are written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Epilogue<'a, T> {
    /// One number a filter, added.
    pub bias: Option<&'a [T]>,
    /// Whether negative results become zero.
    pub relu: bool,
}

impl<T: Float> Epilogue<'_, T> {
    #[inline(always)]
    pub(crate) fn apply(&self, filter: usize, y: &mut [T]) {
        if let Some(bias) = self.bias {
            let bias = bias[filter];
            y.iter_mut().for_each(|y| *y += bias);
        }
        if self.relu {
            let zero = T::zero();
            y.iter_mut().for_each(|y| *y = if *y < zero { zero } else { *y });
        }
    }
}

vectorised! {
    /// A^T m A of the tiles of one filter: [`STEP`] lines of results, tile by tile.
    ///
    /// Row `point` of `m` begins at `point * pitch`.
    pub(super) fn output<T: Float>(
        m: &[T],
        pitch: usize,
        columns: usize,
        epilogue: (Epilogue<'_, T>, usize),
        lines: &mut [T],
        scratch: &mut [T],
    ) {
        let (z, scratch) = scratch.split_at_mut(REACH * STEP * columns);
        let w = &mut scratch[..STEP * columns];
        for i in 0..REACH {
            for k in 0..STEP {
                let z = &mut z[(i * STEP + k) * columns..][..columns];
                output_result(z, k, |j| &m[(i * REACH + j) * pitch..][..columns]);
            }
        }
        for (l, line) in lines.chunks_exact_mut(STEP * columns).enumerate() {
            for (k, w) in w.chunks_exact_mut(columns).enumerate() {
                output_result(w, l, |i| &z[(i * STEP + k) * columns..][..columns]);
                epilogue.0.apply(epilogue.1, w);
            }
            let (a, rest) = w.split_at(columns);
            let (b, rest) = rest.split_at(columns);
            let (c, d) = rest.split_at(columns);
            let places = a.iter().zip(b).zip(c).zip(d);
            for (four, (((&a, &b), &c), &d)) in line.as_chunks_mut::<STEP>().0.iter_mut().zip(places) {
                *four = [a, b, c, d];
            }
        }
    }
}

/// Filters of a block.
pub(super) const BLOCK: usize = SIDE * SIDE;

vectorised! {
    /// G g G^T of a block of filters of three by three taps, each tap a row of `taps`.
    pub(super) fn filter<T: Float>(taps: &[T], partial: &mut [T], out: &mut [T]) {
        for i in 0..REACH {
            for j in 0..3 {
                let row = |down: usize| &taps[(down * 3 + j) * BLOCK..][..BLOCK];
                let partial = &mut partial[(i * 3 + j) * BLOCK..][..BLOCK];
                three(partial, [row(0), row(1), row(2)], FILTER[i]);
            }
        }
        for i in 0..REACH {
            for j in 0..REACH {
                let row = |right: usize| &partial[(i * 3 + right) * BLOCK..][..BLOCK];
                let out = &mut out[(i * REACH + j) * BLOCK..][..BLOCK];
                three(out, [row(0), row(1), row(2)], FILTER[j]);
            }
        }
    }
}
