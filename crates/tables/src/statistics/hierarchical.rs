//! A hierarchical bootstrap test over seeds and test items.

use super::Bootstrap;

impl Bootstrap {
    /// Two-sided p of the mean of `differences` (a row a seed, a column a test item, all rows of
    /// one length) being zero.
    ///
    /// A draw takes seeds and then items with replacement; all drawn seeds share the drawn items,
    /// because every seed answers the same test. p = (1 + |{|d* - d| >= |d|}|) / (draws + 1).
    /// Of a single seed only items are drawn. None of no seed or fewer than two items.
    pub fn hierarchical(&self, differences: &[Vec<f64>]) -> Option<f64> {
        let (seeds, items) = (differences.len(), differences.first()?.len());
        if items < 2 || differences.iter().any(|row| row.len() != items) {
            return None;
        }
        let size = (seeds * items) as f64;
        let observed = differences.iter().flatten().sum::<f64>() / size;
        // Sums in another order must not make an equal mean look less extreme.
        let limit = observed.abs() * (1.0 - 1e-12);
        let mut extreme = 0_u32;
        for number in 0..self.draws {
            let mut draw = self.draw(number);
            let rows: Vec<&Vec<f64>> =
                (0..seeds).map(|_| &differences[draw.index(seeds)]).collect();
            let sum: f64 = (0..items)
                .map(|_| {
                    let item = draw.index(items);
                    rows.iter().map(|row| row[item]).sum::<f64>()
                })
                .sum();
            extreme += u32::from((sum / size - observed).abs() >= limit);
        }
        Some(f64::from(extreme + 1) / f64::from(self.draws + 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_constant_gain_has_the_smallest_p_and_no_gain_the_largest() {
        let bootstrap = Bootstrap { seed: 1, draws: 999 };
        let p = |rows: &[Vec<f64>]| bootstrap.hierarchical(rows);
        assert_eq!(p(&vec![vec![1.0; 10]; 3]), Some(0.001));
        assert_eq!(p(&vec![vec![0.0; 10]; 3]), Some(1.0));
        assert!(p(&[vec![1.0, -1.0, 0.0], vec![-1.0, 1.0, 0.5]]).unwrap() > 0.3);
        assert!(p(&[vec![1.0, -1.0, 0.5]]).unwrap() > 0.3);
        assert_eq!((p(&[]), p(&[vec![1.0]])), (None, None));
    }
}
