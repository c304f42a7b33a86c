//! Drawings at 28x28.

use super::{PIXELS, SIDE};

/// Averages a square picture, row-major with 255 for white, over 28x28 boxes, and turns it to 255
/// for ink.
///
/// A box covers the pixels whose centres lie in it, and the mean of a row is rounded before the mean of
/// a column is: the `BOX` filter of Pillow, with which the mirror's drawings were made.
pub(super) fn shrink(white: &[u8]) -> Vec<u8> {
    let side = white.len().isqrt();
    let boxes: Vec<_> = (0..SIDE).map(|at| (edge(at, side), edge(at + 1, side))).collect();
    let rows = white.chunks(side.max(1));
    let narrow: Vec<u8> = rows
        .flat_map(|row| boxes.iter().map(|&(from, to)| mean(row[from..to].iter().copied())))
        .collect();
    let mut small = Vec::with_capacity(PIXELS);
    for &(from, to) in &boxes {
        let rows = &narrow[from * SIDE..to * SIDE];
        let column = |at: usize| rows.iter().skip(at).step_by(SIDE).copied();
        small.extend((0..SIDE).map(|at| 255 - mean(column(at))));
    }
    small
}

/// The first pixel whose centre does not lie before box `at`: `at * side / 28`, rounded half up; a
/// picture smaller than 28x28 has each pixel in several boxes.
fn edge(at: usize, side: usize) -> usize {
    (2 * at * side + SIDE) / (2 * SIDE)
}

/// The mean, rounded half up.
fn mean(values: impl ExactSizeIterator<Item = u8>) -> u8 {
    let count = values.len();
    let sum: usize = values.map(usize::from).sum();
    u8::try_from((2 * sum + count) / (2 * count)).unwrap_or(u8::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A picture of `side` with ink where `ink` says so.
    fn picture(side: usize, ink: impl Fn(usize, usize) -> bool) -> Vec<u8> {
        let places = (0..side * side).map(|at| (at / side, at % side));
        places.map(|(row, column)| if ink(row, column) { 0 } else { 255 }).collect()
    }

    #[test]
    fn boxes_cover_every_pixel_once() {
        let edges: Vec<_> = (0..=SIDE).map(|at| edge(at, 105)).collect();
        assert_eq!(edges[..9], [0, 4, 8, 11, 15, 19, 23, 26, 30]);
        assert_eq!(edges[SIDE], 105);
        assert_eq!(shrink(&picture(105, |_, _| true)), [255; PIXELS]);
        assert_eq!(shrink(&picture(105, |_, _| false)), [0; PIXELS]);
    }

    #[test]
    fn a_row_is_rounded_before_a_column() {
        let diagonal = shrink(&picture(28, |row, column| row == column));
        assert!((0..PIXELS).all(|at| (diagonal[at] == 255) == (at / SIDE == at % SIDE)));
        // One pixel of 4x4: white is 255 * 3 / 4 = 191.25 in its row, and (191 + 3 * 255) / 4 = 239 then.
        assert_eq!(shrink(&picture(105, |row, column| (row, column) == (0, 0)))[0], 16);
        // One of 3 columns and of 4 rows, and the other way round.
        let at = |row, column| shrink(&picture(105, move |r, c| (r, c) == (row, column)));
        assert_eq!((at(0, 8)[2], at(8, 0)[2 * SIDE]), (21, 21));
        // Half a column of 2x2: 127.5 is 128, and 255 less that.
        assert_eq!(shrink(&picture(56, |_, column| column < 1))[0], 127);
    }
}
