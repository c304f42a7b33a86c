//! Filters of three by three or five by five taps, transformed and stored in the blocks that products read.

use super::taps::{BLOCK, SIDE, filter};
use super::transform::REACH;
use crate::Float;
use crate::parallel;

/// Pairs of points.
pub const POINTS: usize = REACH * REACH;

/// Extents of transformed filters: `[group, panel of filters, pair of points, block of channels,
/// channel, filter]`, the last two of `SIDE` each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packed {
    /// Groups of filters.
    pub groups: usize,
    /// Filters of a group.
    pub filters: usize,
    /// Channels of a group.
    pub channels: usize,
    /// Taps of a filter along an axis.
    pub taps: usize,
}

impl Packed {
    /// Panels of filters in a group.
    pub fn panels(&self) -> usize {
        self.filters.div_ceil(SIDE)
    }

    /// Blocks of channels in a group.
    pub fn blocks(&self) -> usize {
        self.channels.div_ceil(SIDE)
    }

    /// Elements of a panel of filters for one pair of points.
    pub(super) fn panel(&self) -> usize {
        self.blocks() * BLOCK
    }

    /// Elements of one group.
    pub(super) fn group(&self) -> usize {
        self.panels() * POINTS * self.panel()
    }

    /// The shape of the whole.
    pub fn shape(&self) -> [usize; 5] {
        [self.groups, self.panels(), POINTS, self.blocks(), BLOCK]
    }
}

/// Transforms filters `[groups * filters, channels, taps, taps]`.
pub fn transform<T: Float>(packed: Packed, w: &[T], u: &mut [T]) {
    let (size, area) = (POINTS * packed.panel(), packed.taps * packed.taps);
    parallel::rows(u, size, 1, 0, &|first, u| {
        let mut taps = [T::zero(); 25 * BLOCK];
        let mut half = [T::zero(); 5 * REACH * BLOCK];
        let mut whole = [T::zero(); POINTS * BLOCK];
        for (index, u) in (first..).zip(u.chunks_exact_mut(size)) {
            let (group, panel) = (index / packed.panels(), index % packed.panels());
            let w = &w[group * packed.filters * packed.channels * area..];
            for block in 0..packed.blocks() {
                gather(packed, w, [panel, block], &mut taps);
                filter(packed.taps, &taps, &mut half, &mut whole);
                for (u, whole) in u.chunks_exact_mut(packed.panel()).zip(whole.chunks_exact(BLOCK))
                {
                    u[block * BLOCK..][..BLOCK].copy_from_slice(whole);
                }
            }
        }
    });
}

/// The taps of one block, each a row of channels by filters; zeros where there are none.
fn gather<T: Float>(packed: Packed, w: &[T], [panel, block]: [usize; 2], taps: &mut [T]) {
    let area = packed.taps * packed.taps;
    taps.fill(T::zero());
    for f in 0..SIDE.min(packed.filters - panel * SIDE) {
        for c in 0..SIDE.min(packed.channels - block * SIDE) {
            let filter = (panel * SIDE + f) * packed.channels + block * SIDE + c;
            for (tap, &w) in w[filter * area..][..area].iter().enumerate() {
                taps[tap * BLOCK + c * SIDE + f] = w;
            }
        }
    }
}
