//! Draws of runs and of their test items, for statistics of any kind.

use experiment::Sample;
use rayon::prelude::*;

use super::{Bootstrap, bootstrap::Draw, describe::quantile};

/// What one draw took.
struct Drawn {
    /// How often each run.
    runs: Vec<f64>,
    /// How often each item.
    items: Vec<f64>,
}

impl Drawn {
    /// Takes runs and then items with replacement, as many as there are.
    fn take(&mut self, mut draw: Draw) {
        for times in [&mut self.runs, &mut self.items] {
            times.fill(0.0);
            let n = times.len();
            (0..n).for_each(|_| times[draw.index(n)] += 1.0);
        }
    }

    /// The mean over the runs that were taken of what `of` makes of the items that were.
    fn mean(&self, of: impl Fn(usize, &[f64]) -> f64) -> f64 {
        let some = self.runs.iter().enumerate().filter(|(_, times)| **times > 0.0);
        let sum: f64 = some.map(|(run, times)| times * of(run, &self.items)).sum();
        sum / self.runs.len() as f64
    }
}

impl Bootstrap {
    /// Two-sided p of two conditions having the same mean statistic: `pairs` has their samples for
    /// each common seed, all of the same items in the same order.
    ///
    /// As in [`hierarchical`](Self::hierarchical) a draw takes seeds and then items with replacement,
    /// all drawn seeds sharing the drawn items; d is the mean over seeds of the difference of both
    /// statistics, and p = (1 + |{|d* - d| >= |d|}|) / (draws + 1). A draw of which a statistic has no
    /// number counts as one. None of no pair, of fewer than two items, or where d is no number.
    pub fn paired_items(&self, pairs: &[[&Sample; 2]]) -> Option<f64> {
        let items = pairs.first()?[0].len();
        if items < 2 || pairs.iter().flatten().any(|sample| sample.len() != items) {
            return None;
        }
        if let Some(differences) = differences(pairs) {
            return self.hierarchical(&differences);
        }
        let of = |pair: usize, times: &[f64]| pairs[pair][0].of(times) - pairs[pair][1].of(times);
        let ones = Drawn { runs: vec![1.0; pairs.len()], items: vec![1.0; items] };
        let observed = Some(ones.mean(of)).filter(|difference| difference.is_finite())?;
        // Sums in another order must not make an equal difference look less extreme.
        let limit = observed.abs() * (1.0 - 1e-12);
        let inside = |drawn: f64| (drawn - observed).abs() < limit;
        let drawn = self.means(pairs.len(), items, of);
        let extreme = drawn.into_iter().filter(|drawn| !inside(*drawn)).count();
        Some((extreme + 1) as f64 / f64::from(self.draws + 1))
    }

    /// The 95 % percentile interval of the mean statistic of runs, whose samples are all of the same
    /// items: a draw takes runs and then items, which all drawn runs share. Draws of which a statistic
    /// has no number are left out. None of no run or of fewer than two items.
    pub fn interval_over_items(&self, runs: &[&Sample]) -> Option<[f64; 2]> {
        let items = runs.first()?.len();
        if items < 2 || runs.iter().any(|sample| sample.len() != items) {
            return None;
        }
        let mut means = self.means(runs.len(), items, |run, times| runs[run].of(times));
        means.retain(|mean| !mean.is_nan());
        means.sort_unstable_by(f64::total_cmp);
        Some([quantile(&means, 0.025)?, quantile(&means, 0.975)?])
    }

    /// The mean of every draw.
    fn means(
        &self,
        runs: usize,
        items: usize,
        of: impl Fn(usize, &[f64]) -> f64 + Sync,
    ) -> Vec<f64> {
        let empty = || Drawn { runs: vec![0.0; runs], items: vec![0.0; items] };
        let mean = |drawn: &mut Drawn, number: u32| {
            drawn.take(self.draw(number));
            drawn.mean(&of)
        };
        (0..self.draws).into_par_iter().map_init(empty, mean).collect()
    }
}

/// The differences of pairs item by item, where the statistic is the mean.
fn differences(pairs: &[[&Sample; 2]]) -> Option<Vec<Vec<f64>>> {
    let of = |pair: &[&Sample; 2]| match pair {
        [Sample::Mean(a), Sample::Mean(b)] => Some(a.iter().zip(b).map(|(a, b)| a - b).collect()),
        _ => None,
    };
    pairs.iter().map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FEW: Bootstrap = Bootstrap { seed: 4, draws: 4_000 };

    fn ratios(numerators: &[f64]) -> Sample {
        Sample::Ratio(numerators.iter().map(|numerator| [*numerator, 1.0]).collect())
    }

    #[test]
    fn ratios_over_equal_denominators_are_tested_as_means() {
        let (a, b) = ([1.0, 0.0, 1.0, 1.0, 0.0, 1.0, 0.5], [0.5, 0.0, 1.0, 0.0, 0.0, 1.0, 0.25]);
        let c = [0.0, 0.0, 1.0, 1.0, 0.25, 0.0, 0.0];
        let means = [a, b, c].map(|scores| Sample::Mean(scores.into()));
        let sums = [a, b, c].map(|scores| ratios(&scores));
        let p = |of: &[Sample; 3]| FEW.paired_items(&[[&of[0], &of[1]], [&of[2], &of[1]]]);
        assert!((p(&means).unwrap() - p(&sums).unwrap()).abs() <= 2.0 / 4_001.0);
    }

    #[test]
    fn two_items_have_three_draws() {
        // Items A and B: AA and BB come in a quarter of the draws each, AB in half of them. The
        // differences are 3/4, 1/2 and 1/2: only AA is as far from 1/2 as 1/4 is, and none as 1/2.
        let (ours, theirs) = (Sample::Ratio(vec![[3.0, 4.0], [2.0, 4.0]]), ratios(&[0.0, 0.0]));
        assert_eq!(FEW.paired_items(&[[&ours, &theirs]]), Some(1.0 / 4_001.0));
        // 1, 0.5, 0 around 0.5: AA and BB are as extreme.
        let ours = ratios(&[1.0, 0.0]);
        let p = FEW.paired_items(&[[&ours, &theirs]]).unwrap();
        assert!((p - 0.5).abs() < 0.03, "{p}");
        assert_eq!(FEW.interval_over_items(&[&ours]), Some([0.0, 1.0]));
        // Nothing differs.
        assert_eq!(FEW.paired_items(&[[&ours, &ours]]), Some(1.0));
    }

    #[test]
    fn draws_without_a_number_count_against_a_difference() {
        // Item A is all that has a length: a quarter of the draws have none.
        let (ours, theirs) = (
            Sample::Ratio(vec![[1.0, 1.0], [0.0, 0.0]]),
            Sample::Ratio(vec![[0.0, 1.0], [0.0, 0.0]]),
        );
        let p = FEW.paired_items(&[[&ours, &theirs]]).unwrap();
        assert!((p - 0.25).abs() < 0.03, "{p}");
        assert_eq!(FEW.interval_over_items(&[&ours]), Some([1.0, 1.0]));
        let none = Sample::Ratio(vec![[0.0, 0.0]; 2]);
        assert_eq!(FEW.paired_items(&[[&none, &none]]), None);
        assert_eq!(FEW.interval_over_items(&[&none]), None);
        assert_eq!((FEW.paired_items(&[]), FEW.interval_over_items(&[])), (None, None));
        assert_eq!(FEW.paired_items(&[[&none, &ratios(&[1.0])]]), None);
    }

    #[test]
    fn runs_are_drawn_too() {
        // Every item of a run is the same: what varies is which runs are drawn.
        let runs = [ratios(&[1.0; 5]), ratios(&[3.0; 5])];
        assert_eq!(FEW.interval_over_items(&[&runs[0], &runs[1]]), Some([1.0, 3.0]));
        assert_eq!(FEW.interval_over_items(&[&runs[0]]), Some([1.0, 1.0]));
    }
}
