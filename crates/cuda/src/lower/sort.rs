//! Indices made to keys and sorted, so that what belongs to one row is found in a fixed order.

use super::Emit;
use crate::command::{Place, Word, words};
use crate::launch::{self, SPAN, Sort, elements};

/// What no index is: it leaves none out.
const NOTHING: u64 = 1 << 32;

/// The index that is left out, as kernels take it.
pub(super) fn padding(index: Option<u32>) -> u64 {
    index.map_or(NOTHING, u64::from)
}

/// Keys in memory of the step: a power of two of them.
#[derive(Clone, Copy)]
pub(super) struct Keys {
    pub at: Place,
    pub count: usize,
}

impl Keys {
    /// Memory for keys of so many indices.
    pub(super) fn reserve(indices: usize, step: &mut Emit<'_, '_>) -> Keys {
        let count = indices.next_power_of_two().max(2);
        Keys { at: step.scratch(count * size_of::<u64>()), count }
    }

    /// Fills the keys from a place on with those of indices; all behind are absent.
    pub(super) fn fill(
        self,
        start: usize,
        (indices, count): (Place, usize),
        rows: (usize, Option<u32>),
        (status, note): (Word, usize),
        step: &mut Emit<'_, '_>,
    ) {
        let (at, padded) = (self.at.plus(start * size_of::<u64>()), self.count - start);
        let (rows, padding) = (rows.0, padding(rows.1));
        let words = words![indices, at, count, padded, rows, padding, status, note];
        step.launch_indices("keys", elements(padded), words);
    }

    pub(super) fn sort(self, step: &mut Emit<'_, '_>) {
        let count = self.count;
        for sort in launch::sort(count) {
            let (kernel, grid, length, distance) = match sort {
                Sort::Runs(run) => ("sort_runs", launch::rows(count / run, run / 2), run, 0),
                Sort::Pairs { length, distance } => {
                    ("sort_pairs", elements(count / 2), length, distance)
                }
                Sort::Rest { length } => {
                    ("sort_rest", launch::rows(count / SPAN, SPAN / 2), length, 0)
                }
            };
            step.launch_indices(kernel, grid, words![self.at, count, length, distance]);
        }
    }
}
