//! The transforms of F(4x4, 3x3) and F(2x2, 5x5), over rows of neighbouring tiles.
//!
//! A product of polynomials is known from its values at the points 0, 1, -1, 2, 1/2 and infinity;
//! transposing that gives four neighbouring results of a filter of three taps, or two of a filter of
//! five, from six products (Winograd 1980; Lavin & Gray 2016): y = A^T ((G g) * (B^T d)). The points
//! are their own inverses, so that reversing the taps only exchanges the rows of G: 0 with infinity,
//! and 2 with 1/2.

use crate::Float;
use crate::simd::vectorised;

/// Input elements of one tile along an axis, and points.
pub(super) const REACH: usize = 6;

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

/// A^T for three taps: for each of four results, the points and their factors.
const OUTPUT_3: [&[(usize, f64)]; 4] = [
    &[(0, 1.0), (1, 1.0), (2, 1.0), (3, 1.0), (4, 4.0)],
    &[(1, 1.0), (2, -1.0), (3, 2.0), (4, 2.0)],
    &[(1, 1.0), (2, 1.0), (3, 4.0), (4, 1.0)],
    &[(1, 1.0), (2, -1.0), (3, 8.0), (4, 0.5), (5, 1.0)],
];

/// A^T for five taps: for each of two results.
const OUTPUT_5: [&[(usize, f64)]; 2] = [
    &[(0, 1.0), (1, 1.0), (2, 1.0), (3, 1.0), (4, 1.0)],
    &[(1, 1.0), (2, -1.0), (3, 2.0), (4, 0.5), (5, 1.0)],
];

/// A for three taps: for each point, the results' gradients and their factors.
const GRADIENT_3: [[(usize, f64); 4]; REACH] = [
    [(0, 1.0), (1, 0.0), (2, 0.0), (3, 0.0)],
    [(0, 1.0), (1, 1.0), (2, 1.0), (3, 1.0)],
    [(0, 1.0), (1, -1.0), (2, 1.0), (3, -1.0)],
    [(0, 1.0), (1, 2.0), (2, 4.0), (3, 8.0)],
    [(0, 4.0), (1, 2.0), (2, 1.0), (3, 0.5)],
    [(0, 0.0), (1, 0.0), (2, 0.0), (3, 1.0)],
];

/// A for five taps.
const GRADIENT_5: [[(usize, f64); 2]; REACH] = [
    [(0, 1.0), (1, 0.0)],
    [(0, 1.0), (1, 1.0)],
    [(0, 1.0), (1, -1.0)],
    [(0, 1.0), (1, 2.0)],
    [(0, 1.0), (1, 0.5)],
    [(0, 0.0), (1, 1.0)],
];

/// Elements of a row that are computed as one vector; rows should be multiples of it.
const LANES: usize = 16;

/// out[i] = f(i), vector by vector.
#[inline(always)]
fn each<T: Float, const N: usize>(out: &mut [T], rows: [&[T]; N], f: impl Fn([T; N]) -> T) {
    let n = out.len();
    let mut start = 0;
    while start + LANES <= n {
        let mut vectors = [[T::zero(); LANES]; N];
        for (vector, row) in vectors.iter_mut().zip(rows) {
            vector.copy_from_slice(&row[start..start + LANES]);
        }
        let mut result = [T::zero(); LANES];
        for (i, result) in result.iter_mut().enumerate() {
            let mut terms = [T::zero(); N];
            for (term, vector) in terms.iter_mut().zip(&vectors) {
                *term = vector[i];
            }
            *result = f(terms);
        }
        out[start..start + LANES].copy_from_slice(&result);
        start += LANES;
    }
    for i in start..n {
        let mut terms = [T::zero(); N];
        for (term, row) in terms.iter_mut().zip(rows) {
            *term = row[i];
        }
        out[i] = f(terms);
    }
}

/// out = sum of factors times rows.
#[inline(always)]
pub(super) fn combine<T: Float, const N: usize>(out: &mut [T], rows: [&[T]; N], factors: [f64; N]) {
    let mut of = [T::zero(); N];
    for (factor, wide) in of.iter_mut().zip(factors) {
        *factor = T::from_f64(wide);
    }
    each(out, rows, |terms| {
        let mut sum = terms[0] * of[0];
        for k in 1..N {
            sum = terms[k].mul_add(of[k], sum);
        }
        sum
    });
}

/// One point along one axis, by its terms, of rows that `row` finds.
#[inline(always)]
fn point<'a, T: Float, const N: usize>(
    out: &mut [T],
    terms: &[(usize, f64); N],
    row: impl Fn(usize) -> &'a [T],
) {
    let mut rows = [row(terms[0].0); N];
    let mut factors = [0.0; N];
    for (k, &(index, factor)) in terms.iter().enumerate() {
        (rows[k], factors[k]) = (row(index), factor);
    }
    combine(out, rows, factors);
}

/// A^T along one axis: one result, by its terms, of rows that `row` finds.
#[inline(always)]
fn output_result<'a, T: Float>(
    out: &mut [T],
    terms: &[(usize, f64)],
    row: impl Fn(usize) -> &'a [T],
) {
    let [a, b, c, d] = [terms[0], terms[1], terms[2], terms[3]];
    let (rows, factors) = ([row(a.0), row(b.0), row(c.0), row(d.0)], [a.1, b.1, c.1, d.1]);
    match terms.get(4) {
        Some(&(point, last)) => {
            let [a, b, c, d] = rows;
            let [p, q, r, s] = factors;
            combine(out, [a, b, c, d, row(point)], [p, q, r, s, last]);
        }
        None => combine(out, rows, factors),
    }
}

/// Tile rows of one channel.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rows {
    /// Results of one tile along an axis: 4 for three taps, 2 for five.
    pub step: usize,
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
    /// Channels that lie together for each pair of points.
    pub lanes: usize,
    /// Places of a row of tiles in memory.
    pub columns: usize,
}

impl Rows {
    /// Elements between the rows of padded images, and between tile rows: every tile begins anew,
    /// and those that the last one looks at are spare.
    fn line(&self) -> usize {
        (self.step * self.across + REACH - 1).next_multiple_of(LANES)
    }

    fn count(&self) -> usize {
        self.images * self.down
    }

    /// Rows of a padded image.
    fn height(&self) -> usize {
        self.step * self.down + REACH - self.step
    }

    /// Elements of one point's tile rows, with the tile that the last one looks at.
    fn phase(&self) -> usize {
        (self.count() * self.line() / self.step).next_multiple_of(LANES) + LANES
    }

    /// Scratch that [`input`] needs.
    pub(super) fn input_scratch(&self) -> usize {
        (self.images * self.height() + self.count()) * self.line() + (self.step + 1) * self.phase()
    }

    /// Scratch that [`output`] needs beside its result.
    pub(super) fn output_scratch(&self) -> usize {
        (REACH + 1) * self.step * self.columns
    }
}

vectorised! {
    /// B^T d B of one channel's tiles to row `lane` of every pair of points in `v`.
    ///
    /// `x` begins with the channel's plane in the first image.
    pub(super) fn input<T: Float>(
        at: &Rows, x: &[T], v: &mut [T], lane: usize, scratch: &mut [T],
    ) {
        if at.step == 4 {
            tiles::<T, 4, 4>(at, &INPUT, (x, lane), v, scratch);
        } else {
            tiles::<T, 2, 4>(at, &INPUT, (x, lane), v, scratch);
        }
    }
}

vectorised! {
    /// A g A^T of one filter's tiles, as [`input`] does for a channel.
    pub(super) fn gradient<T: Float>(
        at: &Rows, g: &[T], m: &mut [T], lane: usize, scratch: &mut [T],
    ) {
        if at.step == 4 {
            tiles::<T, 4, 4>(at, &GRADIENT_3, (g, lane), m, scratch);
        } else {
            tiles::<T, 2, 2>(at, &GRADIENT_5, (g, lane), m, scratch);
        }
    }
}

/// Every pair of points of one channel's tiles.
#[inline(always)]
fn tiles<T: Float, const STEP: usize, const N: usize>(
    at: &Rows,
    points: &[[(usize, f64); N]; REACH],
    (x, lane): (&[T], usize),
    v: &mut [T],
    scratch: &mut [T],
) {
    let (line, pieces) = (at.line(), at.line() / STEP);
    let (padded, rest) = scratch.split_at_mut(at.images * at.height() * line);
    let (t, rest) = rest.split_at_mut(at.count() * line);
    let (phases, row) = rest.split_at_mut(STEP * at.phase());
    pad(at, x, padded);
    for (i, terms) in points.iter().enumerate() {
        for (index, t) in t.chunks_exact_mut(line).enumerate() {
            let top = index / at.down * at.height() + index % at.down * STEP;
            point(t, terms, |down| &padded[(top + down) * line..][..line]);
        }
        let phases = deinterleave::<T, STEP>(t, phases);
        for (j, terms) in points.iter().enumerate() {
            let v = &mut v[((i * REACH + j) * at.lanes + lane) * at.columns..][..at.columns];
            let (v, spare) = v.split_at_mut(at.count() * at.across);
            let phase = |right: usize| &phases[right % STEP][right / STEP..];
            if at.across.is_multiple_of(LANES) {
                for (index, v) in v.chunks_exact_mut(at.across).enumerate() {
                    point(v, terms, |right| &phase(right)[index * pieces..]);
                }
            } else {
                point(&mut row[..at.phase() - LANES], terms, phase);
                for (v, row) in v.chunks_exact_mut(at.across).zip(row.chunks_exact(pieces)) {
                    v.iter_mut().zip(row).for_each(|(v, &row)| *v = row);
                }
            }
            spare.fill(T::zero());
        }
    }
}

/// The rows that the tiles reach, with zeros around the image.
#[inline(always)]
fn pad<T: Float>(at: &Rows, x: &[T], padded: &mut [T]) {
    let (width, [above, left]) = (at.extent[1], at.padding);
    for (index, row) in padded.chunks_exact_mut(at.line()).enumerate() {
        let plane = &x[index / at.height() * at.pitch..];
        let down = at.first * at.step + index % at.height();
        match down.checked_sub(above).filter(|&y| y < at.extent[0]) {
            Some(y) => {
                row[..left].fill(T::zero());
                row[left..left + width].copy_from_slice(&plane[y * width..][..width]);
                row[left + width..].fill(T::zero());
            }
            None => row.fill(T::zero()),
        }
    }
}

/// Every `STEP`-th element, from each of the first ones on.
#[inline(always)]
fn deinterleave<'a, T: Float, const STEP: usize>(t: &[T], phases: &'a mut [T]) -> [&'a [T]; STEP] {
    let pitch = phases.len() / STEP;
    let (whole, _) = t.as_chunks::<STEP>();
    for (k, phase) in phases.chunks_exact_mut(pitch).enumerate() {
        phase.iter_mut().zip(whole).for_each(|(phase, step)| *phase = step[k]);
    }
    let phases: &'a [T] = phases;
    let mut found = [phases; STEP];
    for (k, found) in found.iter_mut().enumerate() {
        *found = &phases[k * pitch..][..pitch];
    }
    found
}

/// What is done to results before they are written.
#[derive(Debug, Clone, Copy)]
pub struct Epilogue<'a, T> {
    /// One number a filter, added.
    pub bias: Option<&'a [T]>,
    /// Whether negative results become zero.
    pub relu: bool,
}

impl<T: Float> Epilogue<'_, T> {
    #[inline(always)]
    /// Finishes a filter's outputs.
    pub fn apply(&self, filter: usize, y: &mut [T]) {
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
    /// A^T m A of the tiles of one filter: lines of results, tile by tile.
    ///
    /// `m` is the rows of the pairs of points, and the distance between them.
    pub(super) fn output<T: Float>(
        at: &Rows,
        m: (&[T], usize),
        epilogue: (Epilogue<'_, T>, usize),
        lines: &mut [T],
        scratch: &mut [T],
    ) {
        if at.step == 4 {
            output_by::<T, 4>(at.columns, &OUTPUT_3, m, epilogue, lines, scratch);
        } else {
            output_by::<T, 2>(at.columns, &OUTPUT_5, m, epilogue, lines, scratch);
        }
    }
}

#[inline(always)]
fn output_by<T: Float, const STEP: usize>(
    columns: usize,
    results: &[&[(usize, f64)]; STEP],
    (m, pitch): (&[T], usize),
    (epilogue, filter): (Epilogue<'_, T>, usize),
    lines: &mut [T],
    scratch: &mut [T],
) {
    let (z, scratch) = scratch.split_at_mut(REACH * STEP * columns);
    let w = &mut scratch[..STEP * columns];
    for i in 0..REACH {
        for (k, terms) in results.iter().enumerate() {
            let z = &mut z[(i * STEP + k) * columns..][..columns];
            output_result(z, terms, |j| &m[(i * REACH + j) * pitch..][..columns]);
        }
    }
    for (line, terms) in lines.chunks_exact_mut(STEP * columns).zip(results) {
        for (k, w) in w.chunks_exact_mut(columns).enumerate() {
            output_result(w, terms, |i| &z[(i * STEP + k) * columns..][..columns]);
            epilogue.apply(filter, w);
        }
        let mut of = [&w[..columns]; STEP];
        for (k, of) in of.iter_mut().enumerate() {
            *of = &w[k * columns..][..columns];
        }
        for (i, step) in line.as_chunks_mut::<STEP>().0.iter_mut().enumerate() {
            for k in 0..STEP {
                step[k] = of[k][i];
            }
        }
    }
}
