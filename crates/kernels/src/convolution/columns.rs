//! The columns of a convolution: for each output position, the input elements under the kernel.

use std::ops::Range;

use crate::Float;

/// Extents of a 2-D convolution of NCHW images by one or more groups of filters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Geometry {
    /// Images.
    pub batch: usize,
    /// Groups of channels, each with filters of its own.
    pub groups: usize,
    /// Input channels of one group.
    pub channels: usize,
    /// Output channels of one group.
    pub filters: usize,
    /// Rows and columns of an input channel.
    pub input: [usize; 2],
    /// Rows and columns of a filter.
    pub kernel: [usize; 2],
    /// Rows and columns of an output channel.
    pub output: [usize; 2],
    /// Input elements between neighbouring outputs.
    pub stride: [usize; 2],
    /// Zeros before and after the input.
    pub padding: [usize; 2],
    /// Input elements between neighbouring taps.
    pub dilation: [usize; 2],
}

impl Geometry {
    /// Elements of one channel of the input.
    pub fn plane(&self) -> usize {
        self.input[0] * self.input[1]
    }

    /// Elements of one channel of the output.
    pub fn positions(&self) -> usize {
        self.output[0] * self.output[1]
    }

    /// Weights of one filter: rows of the matrix of columns.
    pub fn taps(&self) -> usize {
        self.channels * self.kernel[0] * self.kernel[1]
    }

    /// Whether the matrix of columns is the input itself.
    pub fn pointwise(&self) -> bool {
        self.kernel == [1, 1] && self.stride == [1, 1] && self.padding == [0, 0]
    }

    /// Calls `visit(channel, piece)` for the pieces of each output row in `positions`, tap by tap.
    #[inline(always)]
    fn walk(
        &self,
        taps: Range<usize>,
        positions: Range<usize>,
        mut visit: impl FnMut(usize, Piece),
    ) {
        let (area, width) = (self.kernel[0] * self.kernel[1], self.output[1]);
        for tap in taps {
            let (channel, at) = (tap / area, tap % area);
            let down = at / self.kernel[1] * self.dilation[0];
            let right = at % self.kernel[1] * self.dilation[1];
            let valid = self.valid(right);
            let mut start = positions.start;
            while start < positions.end {
                let (row, from) = (start / width, start % width);
                let to = width.min(from + positions.end - start);
                let inside = (row * self.stride[0] + down)
                    .checked_sub(self.padding[0])
                    .filter(|&y| y < self.input[0]);
                let piece = match inside {
                    Some(y) => {
                        let (first, last) =
                            (valid.start.clamp(from, to), valid.end.clamp(from, to));
                        let x = first * self.stride[1] + right;
                        // An empty piece may lie outside, where no element is read.
                        let source = y * self.input[1] + x.saturating_sub(self.padding[1]);
                        Piece {
                            before: first - from,
                            inside: last - first,
                            after: to - last,
                            source,
                        }
                    }
                    None => Piece { before: to - from, inside: 0, after: 0, source: 0 },
                };
                visit(channel, piece);
                start += to - from;
            }
        }
    }

    /// Output columns whose input column under a tap, `right` of the first, is inside.
    fn valid(&self, right: usize) -> Range<usize> {
        let (stride, padding) = (self.stride[1], self.padding[1]);
        let first = padding.saturating_sub(right).div_ceil(stride);
        let end = (self.input[1] + padding).saturating_sub(right).div_ceil(stride);
        first..end.max(first)
    }
}

/// Neighbours in one output row under one tap: padding, elements of the input, padding.
#[derive(Clone, Copy)]
struct Piece {
    before: usize,
    inside: usize,
    after: usize,
    /// Where the first element inside is in its plane.
    source: usize,
}

/// Writes rows `taps` and columns `positions` of the matrix of columns of one image's group `x`.
pub(super) fn gather<T: Float>(
    x: &[T],
    geometry: &Geometry,
    taps: Range<usize>,
    positions: Range<usize>,
    out: &mut [T],
) {
    let (plane, stride) = (geometry.plane(), geometry.stride[1]);
    let mut rest = out;
    geometry.walk(taps, positions, |channel, piece| {
        let (row, tail) =
            std::mem::take(&mut rest).split_at_mut(piece.before + piece.inside + piece.after);
        rest = tail;
        let (before, row) = row.split_at_mut(piece.before);
        let (inside, after) = row.split_at_mut(piece.inside);
        before.fill(T::zero());
        after.fill(T::zero());
        if inside.is_empty() {
            return;
        }
        let x = &x[channel * plane + piece.source..];
        if stride == 1 {
            inside.copy_from_slice(&x[..inside.len()]);
        } else {
            for (y, &x) in inside.iter_mut().zip(x.iter().step_by(stride)) {
                *y = x;
            }
        }
    });
}

/// Adds a block of the matrix of columns back to the input elements it was gathered from.
///
/// `x` begins with the channel of the first tap.
pub(super) fn scatter<T: Float>(
    columns: &[T],
    geometry: &Geometry,
    taps: Range<usize>,
    positions: Range<usize>,
    x: &mut [T],
) {
    let (plane, stride) = (geometry.plane(), geometry.stride[1]);
    let skipped = taps.start / (geometry.kernel[0] * geometry.kernel[1]);
    let mut rest = columns;
    geometry.walk(taps, positions, |channel, piece| {
        let (row, tail) = rest.split_at(piece.before + piece.inside + piece.after);
        rest = tail;
        let row = &row[piece.before..piece.before + piece.inside];
        if row.is_empty() {
            return;
        }
        let x = &mut x[(channel - skipped) * plane + piece.source..];
        for (x, &y) in x.iter_mut().step_by(stride).zip(row) {
            *x += y;
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: Geometry = Geometry {
        batch: 1,
        groups: 1,
        channels: 1,
        filters: 1,
        input: [2, 3],
        kernel: [2, 2],
        output: [2, 2],
        stride: [1, 2],
        padding: [0, 1],
        dilation: [1, 1],
    };

    #[test]
    fn columns_by_hand() {
        let geometry = Geometry { output: [1, 2], ..SMALL };
        let x = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
        let mut out = [9.0; 8];
        gather(&x, &geometry, 0..4, 0..2, &mut out);
        assert_eq!(out, [0.0, 2.0, 1.0, 3.0, 0.0, 5.0, 4.0, 6.0]);
        let mut back = [0.0; 6];
        scatter(&[1.0; 8], &geometry, 0..4, 0..2, &mut back);
        assert_eq!(back, [1.0; 6]);
    }

    #[test]
    fn a_block_is_a_part_of_the_whole() {
        let geometry = Geometry { padding: [1, 1], output: [3, 2], ..SMALL };
        let x = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
        let (mut whole, mut part) = ([0.0; 24], [0.0; 6]);
        gather(&x, &geometry, 0..4, 0..6, &mut whole);
        gather(&x, &geometry, 1..3, 1..4, &mut part);
        assert_eq!(part[..3], whole[7..10]);
        assert_eq!(part[3..], whole[13..16]);
    }
}
