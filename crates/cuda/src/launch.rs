//! How many blocks of how many threads a kernel is launched with.

/// Threads of a block at most; arrays that kernels share have so many places.
pub const THREADS: usize = 256;
/// Threads of a block at least: those that run together.
const WARP: usize = 32;
/// Blocks of a launch at most; kernels go on to what no block is left for.
const BLOCKS: usize = 1 << 16;

/// Blocks and threads of a launch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grid {
    /// Blocks, 1 at least.
    pub blocks: u32,
    /// Threads of each, a power of two.
    pub threads: u32,
}

/// A thread for each of `count` elements.
#[must_use]
pub fn elements(count: usize) -> Grid {
    blocks(count.div_ceil(THREADS), THREADS)
}

/// A block for each of `rows`, with threads for `width` elements of it.
#[must_use]
pub fn rows(rows: usize, width: usize) -> Grid {
    blocks(rows, width.next_power_of_two().clamp(WARP, THREADS))
}

fn blocks(count: usize, threads: usize) -> Grid {
    Grid { blocks: count.clamp(1, BLOCKS) as u32, threads: threads as u32 }
}

/// How a reduction of `[outer, count, inner]` to `[outer, inner]` is shared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reduction {
    /// Ranges that `count` is cut into; more than one are reduced again.
    pub parts: usize,
    /// Elements of a range, the last one may have fewer.
    pub chunk: usize,
    /// Neighbours along `inner` that a block reduces side by side, a power of two.
    pub columns: usize,
    /// Blocks and threads.
    pub grid: Grid,
}

/// Elements that one thread reduces before a range is worth being cut.
const EACH: usize = 16;
/// Blocks that keep a device busy.
const BUSY: usize = 512;

/// A reduction, cut where too few blocks would do it.
#[must_use]
pub fn reduction(outer: usize, count: usize, inner: usize) -> Reduction {
    let columns = inner.next_power_of_two().min(WARP);
    let lanes = THREADS / columns;
    let whole = outer * inner.div_ceil(columns);
    let parts = (count / (lanes * EACH)).min(BUSY / whole.max(1)).max(1);
    let chunk = count.div_ceil(parts).max(1);
    let parts = count.div_ceil(chunk).max(1);
    let grid = blocks(whole * parts, rows(1, count.min(chunk) * columns).threads as usize);
    let grid = Grid { threads: grid.threads.max(columns as u32), ..grid };
    Reduction { parts, chunk, columns, grid }
}

/// Keys that one block sorts in memory it shares.
pub const SPAN: usize = 2048;

/// A step of a bitonic sort of a power of two of keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    /// Each run of so many keys by itself, neighbours in opposite directions.
    Runs(usize),
    /// Pairs at a distance, within sequences of a length.
    Pairs {
        /// Length of the sequences.
        length: usize,
        /// From one key of a pair to the other.
        distance: usize,
    },
    /// All pairs at distances below [`SPAN`], within sequences of a length.
    Rest {
        /// Length of the sequences.
        length: usize,
    },
}

/// The steps that sort `count` keys, a power of two.
#[must_use]
pub fn sort(count: usize) -> Vec<Sort> {
    let mut steps = vec![Sort::Runs(count.min(SPAN))];
    let mut length = 2 * SPAN;
    while length <= count {
        let mut distance = length / 2;
        while distance >= SPAN {
            steps.push(Sort::Pairs { length, distance });
            distance /= 2;
        }
        steps.push(Sort::Rest { length });
        length *= 2;
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_grid_can_be_launched(count in 0usize..1 << 40, width in 0usize..1 << 20) {
            for grid in [elements(count), rows(count, width)] {
                prop_assert!(grid.blocks >= 1 && grid.blocks as usize <= BLOCKS);
                prop_assert!(grid.threads.is_power_of_two());
                prop_assert!((WARP..=THREADS).contains(&(grid.threads as usize)));
            }
        }

        #[test]
        fn few_elements_have_a_thread_each(count in 1usize..1 << 20) {
            let grid = elements(count);
            let threads = grid.blocks as usize * grid.threads as usize;
            prop_assert!(threads >= count && threads < count + THREADS);
        }

        #[test]
        fn ranges_of_a_reduction_are_all_of_it(
            outer in 1usize..1 << 12,
            count in 0usize..1 << 24,
            inner in 1usize..1 << 12,
        ) {
            let Reduction { parts, chunk, columns, grid } = reduction(outer, count, inner);
            prop_assert!(parts * chunk >= count && (parts - 1) * chunk < count.max(1));
            prop_assert!(columns.is_power_of_two() && columns <= WARP);
            prop_assert!(grid.threads as usize >= columns);
            prop_assert!(grid.threads as usize <= THREADS);
            // What is cut is worth it, and is not cut to dust.
            prop_assert!(parts == 1 || chunk >= THREADS / columns * EACH / 2);
            prop_assert!(parts == 1 || parts * outer * inner.div_ceil(columns) <= BUSY);
        }

        #[test]
        fn the_steps_of_a_sort_sort(power in 1u32..15, seed in any::<u64>()) {
            let count = 1usize << power;
            let mut keys: Vec<u64> = (0..count as u64)
                .map(|i| i.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(seed) >> 48)
                .collect();
            let mut wanted = keys.clone();
            wanted.sort_unstable();
            for step in sort(count) {
                match step {
                    Sort::Runs(run) => (1..=run.ilog2()).for_each(|l| merge(&mut keys, 1 << l, 1 << l)),
                    Sort::Pairs { length, distance } => pairs(&mut keys, length, distance),
                    Sort::Rest { length } => merge(&mut keys, length, SPAN),
                }
            }
            prop_assert_eq!(keys, wanted);
        }
    }

    fn merge(keys: &mut [u64], length: usize, below: usize) {
        let mut distance = length.min(below) / 2;
        while distance > 0 {
            pairs(keys, length, distance);
            distance /= 2;
        }
    }

    fn pairs(keys: &mut [u64], length: usize, distance: usize) {
        for pair in 0..keys.len() / 2 {
            let first = pair / distance * 2 * distance + pair % distance;
            let up = first & length == 0;
            if (keys[first] > keys[first + distance]) == up {
                keys.swap(first, first + distance);
            }
        }
    }
}
