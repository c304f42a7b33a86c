//! The digits that multiplying by a momentum loses, kept in stacks.

use super::Momentum;
use super::rows::{Factor, LANES, divide_row, divide_rows, multiply_row, multiply_rows};

/// Largest bound of a state: the state times `2^20` stays below `2^52`.
const LIMIT: u64 = 1 << 32;
/// Bits that a lane hands to the stack at once.
const WORD: u32 = 16;
/// Most rows between two looks at the bound.
const ROWS: usize = 64;
/// Steps between two bounds that are kept.
const KEEP: usize = 64;

/// What exact multiplications lost: the information buffer of one group (section 2.2).
///
/// Velocity `j` belongs to lane `j mod width`. A lane's state is the buffer `i` of algorithm 3 for
/// all its velocities in turn, so that digits pushed in base `d` and popped in base `n` cost
/// `log2(d/n)` bits, no matter how few that is. All states are below one bound, which follows from
/// the momenta alone; when it would pass `2^32`, every lane hands its lowest 16 bits to the stack.
/// So when to take words back is known without looking at any state.
#[derive(Debug, Clone)]
pub(crate) struct Remainders {
    width: usize,
    rows: usize,
    states: [f64; LANES],
    bound: u64,
    step: usize,
    words: Vec<u16>,
    keeps: bool,
    /// The bound before steps 0, 64, 128, ..
    bounds: Vec<u64>,
    /// The bounds before the steps since the last of those, while going back.
    recent: Vec<u64>,
    /// Words that each block of the step at hand hands over, while going back.
    handed: Vec<u8>,
}

impl Remainders {
    /// An empty buffer for `len` velocities; without `keeps`, multiplying is all it can do.
    pub(crate) fn new(len: usize, keeps: bool) -> Self {
        let rows = len.div_ceil(LANES).max(1);
        Self {
            width: len.div_ceil(rows),
            rows: if len == 0 { 0 } else { len.div_ceil(len.div_ceil(rows)) },
            states: [0.0; LANES],
            bound: 1,
            step: 0,
            words: Vec::new(),
            keeps,
            bounds: Vec::new(),
            recent: Vec::new(),
            handed: Vec::new(),
        }
    }

    /// Multiplies every velocity by the momentum; `momentum` gives the schedule of the group.
    pub(crate) fn multiply(&mut self, velocities: &mut [i64], momentum: Momentum) {
        if self.keeps && self.step.is_multiple_of(KEEP) {
            self.bounds.push(self.bound);
        }
        self.step += 1;
        if momentum.is_one() {
            return;
        }
        let (growth, factor) = (Growth::of(momentum), Factor::new(momentum.numerator()));
        let mut row = 0;
        while row < self.rows {
            let rows = growth.rows().min(self.rows - row);
            for _ in 0..growth.advance(&mut self.bound, rows) {
                self.hand_over();
            }
            let end = ((row + rows) * self.width).min(velocities.len());
            let block = &mut velocities[row * self.width..end];
            if self.width == LANES {
                let (whole, rest) = block.as_chunks_mut::<LANES>();
                multiply_rows(whole, &mut self.states, factor);
                multiply_row(rest, &mut self.states, factor);
            } else {
                block
                    .chunks_mut(self.width)
                    .for_each(|row| multiply_row(row, &mut self.states, factor));
            }
            row += rows;
        }
    }

    /// Undoes the last [`multiply`](Self::multiply); `momentum(t)` is what step `t` multiplied by.
    pub(crate) fn divide(&mut self, velocities: &mut [i64], momentum: impl Fn(usize) -> Momentum) {
        self.bound = self.bound_before(&momentum);
        self.step -= 1;
        let momentum = momentum(self.step);
        if momentum.is_one() {
            return;
        }
        let (growth, factor) = (Growth::of(momentum), Factor::new(momentum.numerator()));
        let mut bound = self.bound;
        self.handed.clear();
        for row in (0..self.rows).step_by(growth.rows()) {
            let rows = growth.rows().min(self.rows - row);
            self.handed.push(growth.advance(&mut bound, rows));
        }
        for block in (0..self.handed.len()).rev() {
            let row = block * growth.rows();
            let rows = growth.rows().min(self.rows - row);
            let end = ((row + rows) * self.width).min(velocities.len());
            let part = &mut velocities[row * self.width..end];
            if self.width == LANES {
                let (whole, rest) = part.as_chunks_mut::<LANES>();
                divide_row(rest, &mut self.states, factor);
                divide_rows(whole, &mut self.states, factor);
            } else {
                part.chunks_mut(self.width)
                    .rev()
                    .for_each(|row| divide_row(row, &mut self.states, factor));
            }
            for _ in 0..self.handed[block] {
                self.take_back();
            }
        }
    }

    /// Whether everything pushed was taken back.
    pub(crate) fn is_empty(&self) -> bool {
        self.step == 0
            && self.bound == 1
            && self.words.is_empty()
            && self.states[..self.width].iter().all(|&state| state == 0.0)
    }

    /// Bytes that are kept.
    pub(crate) fn bytes(&self) -> usize {
        2 * self.words.len() + 8 * (self.width + self.bounds.len() + self.recent.len())
    }

    /// Bytes in the stack alone.
    pub(crate) fn stack_bytes(&self) -> usize {
        2 * self.words.len()
    }

    /// Bytes of the lanes' states.
    pub(crate) fn lane_bytes(&self) -> usize {
        8 * self.width
    }

    /// The bound before the last step, from the nearest earlier one that was kept.
    fn bound_before(&mut self, momentum: &impl Fn(usize) -> Momentum) -> u64 {
        if self.recent.is_empty() {
            let last = self.step - 1;
            let first = last - last % KEEP;
            let mut bound = self.bounds.pop().unwrap_or(1);
            for step in first..=last {
                self.recent.push(bound);
                self.advance(&mut bound, momentum(step));
            }
        }
        self.recent.pop().unwrap_or(1)
    }

    /// The bound after a whole step.
    fn advance(&self, bound: &mut u64, momentum: Momentum) {
        if momentum.is_one() {
            return;
        }
        let growth = Growth::of(momentum);
        for row in (0..self.rows).step_by(growth.rows()) {
            growth.advance(bound, growth.rows().min(self.rows - row));
        }
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a rest below 2^16"
    )]
    fn hand_over(&mut self) {
        if self.keeps && self.words.len() + self.width > self.words.capacity() {
            self.words.reserve_exact(self.words.len() / 8 + self.width);
        }
        let scale = f64::from(1u32 << WORD);
        for state in &mut self.states[..self.width] {
            let rest = (*state * (1.0 / scale)).floor();
            if self.keeps {
                self.words.push((*state - rest * scale) as u16);
            }
            *state = rest;
        }
    }

    fn take_back(&mut self) {
        let scale = f64::from(1u32 << WORD);
        for state in self.states[..self.width].iter_mut().rev() {
            let word = self.words.pop().unwrap_or_default();
            *state = *state * scale + f64::from(word);
        }
    }
}

/// How a bound grows under multiplications by one momentum.
struct Growth {
    /// `2^20 rho^k`, rounded up, for k = 0, 1, ..: `rho = d/n`.
    powers: [u64; ROWS + 1],
    rows: usize,
    numerator: u64,
}

impl Growth {
    fn of(momentum: Momentum) -> Self {
        let numerator = u64::from(momentum.numerator());
        let one = 1u64 << super::momentum::BITS;
        let mut powers = [one; ROWS + 1];
        let mut rows = 0;
        while rows < ROWS {
            let next = (powers[rows] * one).div_ceil(numerator);
            // A block at most doubles the bound, unless a single row does more.
            if rows > 0 && next > 2 * one {
                break;
            }
            rows += 1;
            powers[rows] = next;
        }
        Self { powers, rows, numerator }
    }

    /// Rows of a block.
    fn rows(&self) -> usize {
        self.rows
    }

    /// A bound of `bound` after `rows` rows: each row takes `b` to `ceil(rho b)`.
    fn grown(&self, bound: u64, rows: usize) -> u64 {
        let one = super::momentum::BITS;
        match rows {
            1 => (bound << one).div_ceil(self.numerator),
            rows => (((bound + rows as u64) * self.powers[rows]) >> one) + 1,
        }
    }

    /// Takes the bound over a block; how many words each lane must hand over first.
    fn advance(&self, bound: &mut u64, rows: usize) -> u8 {
        let mut words = 0;
        while self.grown(*bound, rows) > LIMIT {
            *bound = bound.div_ceil(1 << WORD);
            words += 1;
        }
        *bound = self.grown(*bound, rows);
        words
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn velocities(len: usize, seed: u64) -> Vec<i64> {
        let mut state = seed | 1;
        (0..len)
            .map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(seed | 1);
                state.cast_signed() >> (state % 40)
            })
            .collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        /// Any momenta, any sizes: what was multiplied comes back, and nothing is left over.
        #[test]
        fn any_run_of_multiplications_is_undone(
            len in 0usize..200,
            seed: u64,
            numerators in prop::collection::vec(
                prop_oneof![1u32..=1 << 20, Just(1), Just(1 << 20), 1_000_000u32..=1 << 20],
                1..200,
            ),
        ) {
            let start = velocities(len, seed);
            let momenta: Vec<Momentum> = numerators
                .iter()
                .map(|&n| Momentum::nearest(f64::from(n) / f64::from(1u32 << 20)).unwrap())
                .collect();
            let mut moved = start.clone();
            let mut remainders = Remainders::new(len, true);
            for &momentum in &momenta {
                remainders.multiply(&mut moved, momentum);
                prop_assert!(remainders.bound <= LIMIT);
                prop_assert!(
                    remainders.states[..remainders.width].iter().all(|&s| s < remainders.bound as f64)
                );
            }
            for _ in &momenta {
                remainders.divide(&mut moved, |step| momenta[step]);
            }
            prop_assert_eq!(moved, start);
            prop_assert!(remainders.is_empty());
        }
    }

    #[test]
    fn every_velocity_has_its_lane() {
        for len in [1, 10, 31, 32, 33, 50, 64, 500, 2500, 39_200] {
            let remainders = Remainders::new(len, true);
            assert!(remainders.width <= LANES);
            assert!(remainders.width * remainders.rows >= len);
            assert!(remainders.width * (remainders.rows - 1) < len);
        }
    }
}
