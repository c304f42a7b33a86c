//! How much of the differences between trials goes with one parameter.

use statrs::distribution::{ChiSquared, ContinuousCDF};

use super::trials::Trial;
use crate::{
    Cell,
    statistics::{holm, quantile},
};

/// What one parameter explains by itself.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Importance {
    /// Which of the trials' parameters.
    pub(crate) parameter: usize,
    /// Share of the variance of ranks that lies between groups of its values, adjusted for their
    /// number: 0 to 1.
    pub(crate) share: f64,
    /// p of the Kruskal-Wallis test after Holm's correction over the parameters.
    pub(crate) p: f64,
    /// How many groups.
    pub(crate) groups: usize,
    /// Spearman's correlation of a number with the quality of a trial: above 0 where larger values
    /// are better.
    pub(crate) correlation: Option<f64>,
    /// The group of the best mean rank: its lowest and highest value.
    pub(crate) best: [Cell; 2],
}

/// Fewest trials of which anything is said.
pub(crate) const FEWEST: usize = 10;
/// Trials a group of numbers has at least.
const GROUP: usize = 5;
/// Groups of numbers at most.
const GROUPS: usize = 5;

/// The importance of every parameter of which the trials have several values, the largest first.
///
/// `order` are the trials with a value, best first. Groups are the values of a parameter, of a number
/// with many values its quantiles; their difference is Kruskal and Wallis' H over the ranks of trials
/// ("Use of ranks in one-criterion variance analysis", 1952), the share is η² = (H - k + 1) / (n - k)
/// (Tomczak and Tomczak 2014). Ranks make wild values harmless. What a parameter does only together
/// with another is not seen.
pub(crate) fn importance(trials: &[Trial], order: &[usize]) -> Vec<Importance> {
    let parameters = order.first().map_or(0, |at| trials[*at].values.len());
    if order.len() < FEWEST {
        return Vec::new();
    }
    let mut all: Vec<Importance> =
        (0..parameters).filter_map(|parameter| of_parameter(trials, order, parameter)).collect();
    let corrected = holm(&all.iter().map(|one| one.p).collect::<Vec<_>>());
    all.iter_mut().zip(corrected).for_each(|(one, p)| one.p = p);
    all.sort_by(|a, b| b.share.total_cmp(&a.share));
    all
}

fn of_parameter(trials: &[Trial], order: &[usize], parameter: usize) -> Option<Importance> {
    let cells: Vec<&Cell> = order.iter().map(|at| &trials[*at].values[parameter]).collect();
    let groups = groups(&cells)?;
    let count = groups.iter().max()? + 1;
    let n = order.len() as f64;
    let mut sizes = vec![0.0; count];
    let mut sums = vec![0.0; count];
    // The order is a ranking: the best has rank 1.
    for (rank, group) in groups.iter().enumerate() {
        sizes[*group] += 1.0;
        sums[*group] += rank as f64 + 1.0;
    }
    let squares: f64 = sums.iter().zip(&sizes).map(|(sum, size)| sum * sum / size).sum();
    let h = 12.0 / (n * (n + 1.0)) * squares - 3.0 * (n + 1.0);
    let k = count as f64;
    let p = ChiSquared::new(k - 1.0).ok()?.sf(h.max(0.0));
    let mean = |group: &usize| sums[*group] / sizes[*group];
    let best = (0..count).min_by(|a, b| mean(a).total_cmp(&mean(b)))?;
    let inside = || cells.iter().zip(&groups).filter(|(_, group)| **group == best);
    let best = [inside().map(|(cell, _)| *cell).min()?, inside().map(|(cell, _)| *cell).max()?];
    Some(Importance {
        parameter,
        share: ((h - k + 1.0) / (n - k)).clamp(0.0, 1.0),
        p,
        groups: count,
        correlation: spearman(&cells),
        best: best.map(Clone::clone),
    })
}

/// Which group each cell belongs to, from 0; none where there are fewer than two or too many.
fn groups(cells: &[&Cell]) -> Option<Vec<usize>> {
    let mut distinct = cells.to_vec();
    distinct.sort();
    distinct.dedup();
    let most = (cells.len() / GROUP).clamp(2, GROUPS);
    if distinct.len() < 2 {
        return None;
    }
    if distinct.len() <= most {
        return cells.iter().map(|cell| distinct.binary_search(cell).ok()).collect();
    }
    let numbers: Option<Vec<f64>> = cells.iter().map(|cell| cell.number()).collect();
    let numbers = numbers.filter(|numbers| numbers.iter().all(|number| !number.is_nan()))?;
    let mut sorted = numbers.clone();
    sorted.sort_by(f64::total_cmp);
    let mut ends: Vec<f64> =
        (1..most).filter_map(|at| quantile(&sorted, at as f64 / most as f64)).collect();
    ends.retain(|end| *end > sorted[0]);
    ends.dedup();
    let group = |number: &f64| ends.iter().filter(|end| number >= end).count();
    let groups: Vec<usize> = numbers.iter().map(group).collect();
    (!ends.is_empty()).then_some(groups)
}

/// Spearman's rank correlation of numbers with their place in the order, the first being the best.
fn spearman(cells: &[&Cell]) -> Option<f64> {
    let numbers: Vec<f64> = cells.iter().map(|cell| cell.number()).collect::<Option<_>>()?;
    let n = numbers.len() as f64;
    let mut order: Vec<usize> = (0..numbers.len()).collect();
    order.sort_by(|a, b| numbers[*a].total_cmp(&numbers[*b]));
    let mut ranks = vec![0.0; numbers.len()];
    let mut start = 0;
    for part in order.chunk_by(|a, b| numbers[*a] == numbers[*b]) {
        // Equal numbers share the mean of their ranks.
        let rank = start as f64 + (part.len() as f64 - 1.0) / 2.0;
        part.iter().for_each(|at| ranks[*at] = rank);
        start += part.len();
    }
    let middle = (n - 1.0) / 2.0;
    let (mut both, mut ours, mut theirs) = (0.0, 0.0, 0.0);
    for (place, rank) in ranks.iter().enumerate() {
        let quality = middle - place as f64;
        both += (rank - middle) * quality;
        ours += (rank - middle).powi(2);
        theirs += quality.powi(2);
    }
    (ours > 0.0 && theirs > 0.0).then(|| both / (ours * theirs).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trials(values: &[[Cell; 2]]) -> (Vec<Trial>, Vec<usize>) {
        let trial = |values: &[Cell; 2]| Trial {
            runs: vec![0],
            state: "finished".into(),
            values: values.to_vec(),
            value: Some(0.0),
            rungs: Vec::new(),
            started: 0.0,
        };
        (values.iter().map(trial).collect(), (0..values.len()).collect())
    }

    #[test]
    fn a_parameter_that_orders_the_trials_explains_all_that_groups_can() {
        // Ranks 1 to 5 have the text `a`, 6 to 10 `b`; H = 12/110 (15²/5 + 40²/5) - 33 = 6.8182.
        let values: Vec<[Cell; 2]> = (0..10)
            .map(|rank| {
                let text = if rank < 5 { "a" } else { "b" };
                [Cell::Text(text.into()), Cell::Int([7, 3][rank % 2])]
            })
            .collect();
        let (trials, order) = trials(&values);
        let found = importance(&trials, &order);
        assert_eq!(found.iter().map(|one| one.parameter).collect::<Vec<_>>(), [0, 1]);
        let share = (75.0 / 11.0 - 1.0) / 8.0;
        assert!((found[0].share - share).abs() < 1e-9, "{found:?}");
        // p of 6.8182 with one degree of freedom is 0.009023; of two parameters, twice that.
        assert!((found[0].p - 2.0 * 0.009_023_4).abs() < 1e-5, "{found:?}");
        assert_eq!(found[0].best, [Cell::Text("a".into()), Cell::Text("a".into())]);
        assert_eq!((found[0].correlation, found[1].share), (None, 0.0));
    }

    #[test]
    fn numbers_are_grouped_by_quantiles_and_their_direction_is_told() {
        // The larger the number, the better the rank.
        let values: Vec<[Cell; 2]> =
            (0..20).map(|rank| [Cell::Float(20.0 - f64::from(rank)), Cell::Float(1.0)]).collect();
        let (trials, order) = trials(&values);
        let found = importance(&trials, &order);
        assert_eq!(found.len(), 1, "a parameter that does not vary says nothing");
        assert_eq!((found[0].groups, found[0].correlation), (4, Some(1.0)));
        assert_eq!(found[0].best, [Cell::Float(16.0), Cell::Float(20.0)]);
        assert!(found[0].share > 0.8 && found[0].p < 0.01, "{found:?}");
        assert!(importance(&trials, &order[..9]).is_empty(), "too few");
    }
}
