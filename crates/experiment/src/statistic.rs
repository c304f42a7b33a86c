//! How the items of a test set make a metric, and what any multiset of them makes.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What makes a metric out of values of single items, with the columns that hold these.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Statistic {
    /// The mean of a column; a row an item.
    Mean {
        /// Numbers or truth values.
        score: Cow<'static, str>,
    },
    /// The sum of a column over the sum of another, for example edits over lengths of references,
    /// which is the word error rate; a row an item. No number where the second sum is zero.
    Ratio {
        /// Numbers, for example edits.
        numerator: Cow<'static, str>,
        /// Numbers, for example lengths.
        denominator: Cow<'static, str>,
    },
    /// Corpus BLEU with n-grams of up to four tokens and equal weights (Papineni et al. 2002,
    /// section 2.3), of sums over all items; a row an item:
    /// `min(1, exp(1 - r / c)) * exp(sum over n of log(matches_n / totals_n) / 4)`, c being the
    /// length of the candidates and r that of the references.
    ///
    /// Nothing is smoothed: where no n-gram of some length matches, or there is none, it is zero.
    Bleu {
        /// Lists of four counts: n-grams of the candidate that its references have, clipped.
        matches: Cow<'static, str>,
        /// Lists of four counts: n-grams of the candidate.
        totals: Cow<'static, str>,
        /// Tokens of the candidate.
        candidate: Cow<'static, str>,
        /// Tokens of the reference whose length is nearest.
        reference: Cow<'static, str>,
    },
    /// The mean over classes of average precision; a row for each item and class.
    ///
    /// Average precision is `sum over k of (R_k - R_(k-1)) * P_k` over the thresholds k that the
    /// scores are, from the highest, P and R being precision and recall of what scores at least as
    /// much. Precision is not interpolated: it is the `average_precision_score` of scikit-learn, and
    /// not the measure of the VOC challenges. Classes without an item to find are left out; where
    /// that is all of them, there is no number.
    MeanAveragePrecision {
        /// What is looked for.
        class: Cow<'static, str>,
        /// Numbers; higher ones come first.
        score: Cow<'static, str>,
        /// Whether the item is of the class: truth values, or 0 and 1.
        label: Cow<'static, str>,
    },
}

impl Statistic {
    /// The mean of a column.
    #[must_use]
    pub const fn mean(score: &'static str) -> Self {
        Self::Mean { score: Cow::Borrowed(score) }
    }

    /// The sum of a column over the sum of another.
    #[must_use]
    pub const fn ratio(numerator: &'static str, denominator: &'static str) -> Self {
        let [numerator, denominator] = [Cow::Borrowed(numerator), Cow::Borrowed(denominator)];
        Self::Ratio { numerator, denominator }
    }

    /// Corpus BLEU of four columns.
    #[must_use]
    pub const fn bleu([matches, totals, candidate, reference]: [&'static str; 4]) -> Self {
        let [matches, totals] = [Cow::Borrowed(matches), Cow::Borrowed(totals)];
        let [candidate, reference] = [Cow::Borrowed(candidate), Cow::Borrowed(reference)];
        Self::Bleu { matches, totals, candidate, reference }
    }

    /// Mean average precision of three columns.
    #[must_use]
    pub const fn mean_average_precision([class, score, label]: [&'static str; 3]) -> Self {
        let [class, score, label] =
            [Cow::Borrowed(class), Cow::Borrowed(score), Cow::Borrowed(label)];
        Self::MeanAveragePrecision { class, score, label }
    }

    /// Its name, for people.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Mean { .. } => "the mean",
            Self::Ratio { .. } => "a ratio of sums",
            Self::Bleu { .. } => "corpus BLEU",
            Self::MeanAveragePrecision { .. } => "mean average precision",
        }
    }
}

/// What one run left about each item of its test set.
#[derive(Debug, Clone, PartialEq)]
pub enum Sample {
    /// The score of each item.
    Mean(Vec<f64>),
    /// Numerator and denominator of each item.
    Ratio(Vec<[f64; 2]>),
    /// Of each item the matches and totals of n = 1 to 4, the length of the candidate and that of
    /// the reference.
    Bleu(Vec<[f64; 10]>),
    /// Scores and labels by class.
    MeanAveragePrecision(Ranking),
}

impl Sample {
    /// How many items.
    pub fn len(&self) -> usize {
        match self {
            Self::Mean(items) => items.len(),
            Self::Ratio(items) => items.len(),
            Self::Bleu(items) => items.len(),
            Self::MeanAveragePrecision(ranking) => ranking.items,
        }
    }

    /// Whether there is no item.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The statistic of all items.
    pub fn all(&self) -> f64 {
        self.of(&vec![1.0; self.len()])
    }

    /// The statistic of the multiset in which item i is `times[i]` times; NaN where it has none.
    ///
    /// # Panics
    /// Where there are fewer `times` than items.
    pub fn of(&self, times: &[f64]) -> f64 {
        match self {
            Self::Mean(scores) => {
                let sum: f64 = scores.iter().zip(times).map(|(score, times)| score * times).sum();
                sum / times[..scores.len()].iter().sum::<f64>()
            }
            Self::Ratio(items) => {
                let [numerator, denominator] = sums(items, times);
                if denominator == 0.0 { f64::NAN } else { numerator / denominator }
            }
            Self::Bleu(items) => bleu(&sums(items, times)),
            Self::MeanAveragePrecision(ranking) => ranking.mean_average_precision(times),
        }
    }
}

/// Sums of the columns of `items`, each taken `times` times.
fn sums<const K: usize>(items: &[[f64; K]], times: &[f64]) -> [f64; K] {
    let mut sums = [0.0; K];
    for (item, times) in items.iter().zip(times) {
        for (sum, value) in sums.iter_mut().zip(item) {
            *sum += value * times;
        }
    }
    sums
}

/// Corpus BLEU of summed counts: matches, totals, length of the candidates, of the references.
fn bleu(counts: &[f64; 10]) -> f64 {
    let [matches, totals] = [&counts[..4], &counts[4..8]];
    let [candidate, reference] = [counts[8], counts[9]];
    // A number of matches is at most that of all n-grams, so zero here is zero there.
    if matches.contains(&0.0) || candidate == 0.0 {
        return 0.0;
    }
    let logs: f64 = matches.iter().zip(totals).map(|(of, all)| (of / all).ln()).sum();
    let brevity = (1.0 - reference / candidate).min(0.0);
    (brevity + logs / 4.0).exp()
}

/// Scored items of several classes, sorted for average precision.
#[derive(Debug, Clone, PartialEq)]
pub struct Ranking {
    items: usize,
    /// Of each class its items, the highest score first.
    classes: Vec<Vec<Ranked>>,
}

/// An item as one class ranks it.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Ranked {
    item: u32,
    /// Whether the next one has a lower score.
    ends_tie: bool,
    /// 1 where the item is of the class, 0 where it is not.
    label: f64,
}

/// One score of a [`Ranking`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scored {
    /// Which item, from 0.
    pub item: u32,
    /// Which class, any number.
    pub class: u32,
    /// How sure it is that the item is of the class.
    pub score: f64,
    /// Whether it is.
    pub label: bool,
}

impl Ranking {
    /// A ranking of so many items.
    ///
    /// # Panics
    /// Where a score is about an item that is beyond them.
    pub fn new(items: usize, mut scores: Vec<Scored>) -> Self {
        assert!(scores.iter().all(|scored| (scored.item as usize) < items), "items from 0");
        scores.sort_by(|a, b| a.class.cmp(&b.class).then(b.score.total_cmp(&a.score)));
        let ranked = |class: &[Scored]| -> Vec<Ranked> {
            let ends =
                |at: usize| class.get(at + 1).is_none_or(|next| next.score != class[at].score);
            let one = |(at, scored): (usize, &Scored)| Ranked {
                item: scored.item,
                ends_tie: ends(at),
                label: f64::from(u8::from(scored.label)),
            };
            class.iter().enumerate().map(one).collect()
        };
        let classes = scores.chunk_by(|a, b| a.class == b.class).map(ranked).collect();
        Self { items, classes }
    }

    fn mean_average_precision(&self, times: &[f64]) -> f64 {
        let found = self.classes.iter().filter_map(|class| average_precision(class, times));
        let (sum, classes) = found.fold((0.0, 0.0), |(sum, n), one| (sum + one, n + 1.0));
        // NaN where no class has an item to find.
        sum / classes
    }
}

/// None where there is nothing to find.
fn average_precision(ranked: &[Ranked], times: &[f64]) -> Option<f64> {
    let (mut seen, mut found, mut before, mut sum) = (0.0, 0.0, 0.0, 0.0);
    for one in ranked {
        let times = times[one.item as usize];
        seen += times;
        found += times * one.label;
        // Without another one found, recall stays and the term is zero.
        if one.ends_tie && found > before {
            sum += (found - before) * found / seen;
            before = found;
        }
    }
    (found > 0.0).then(|| sum / found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(a: f64, b: f64) -> bool {
        (a - b).abs() < 1e-12
    }

    #[test]
    fn ratios_are_of_sums() {
        // 1 edit of 4 words and 3 of 2: 4 / 6, where the mean of both rates is 0.875.
        let sample = Sample::Ratio(vec![[1.0, 4.0], [3.0, 2.0], [0.0, 0.0]]);
        assert_eq!((sample.len(), sample.all()), (3, 4.0 / 6.0));
        assert_eq!(sample.of(&[2.0, 0.0, 1.0]), 0.25);
        assert!(sample.of(&[0.0, 0.0, 3.0]).is_nan());
        assert_eq!(Sample::Mean(vec![1.0, 4.0]).of(&[3.0, 1.0]), 1.75);
    }

    #[test]
    fn bleu_by_hand() {
        // Candidate of 6 tokens, reference of 7: 5 of 6, 3 of 5, 2 of 4 and 1 of 3 n-grams.
        let one = [5.0, 3.0, 2.0, 1.0, 6.0, 5.0, 4.0, 3.0, 6.0, 7.0];
        let precisions: f64 = 5.0 / 6.0 * (3.0 / 5.0) * (2.0 / 4.0) * (1.0 / 3.0);
        let expected = (1.0_f64 - 7.0 / 6.0).exp() * precisions.powf(0.25);
        let sample = Sample::Bleu(vec![one]);
        assert!(near(sample.all(), expected), "{} {expected}", sample.all());
        // A longer one pays nothing for its length.
        let two = [4.0, 3.0, 2.0, 1.0, 8.0, 7.0, 6.0, 5.0, 8.0, 4.0];
        let precisions: f64 = 9.0 / 14.0 * (6.0 / 12.0) * (4.0 / 10.0) * (2.0 / 8.0);
        assert!(near(Sample::Bleu(vec![one, two]).all(), precisions.powf(0.25)));
        // Twice the same is the same.
        assert!(near(sample.of(&[2.0]), expected));
    }

    #[test]
    fn bleu_is_zero_where_a_count_is() {
        let short = [2.0, 1.0, 0.0, 0.0, 2.0, 1.0, 0.0, 0.0, 2.0, 2.0];
        assert_eq!(Sample::Bleu(vec![short]).all(), 0.0);
        assert_eq!(Sample::Bleu(vec![[0.0; 10]]).all(), 0.0);
        // One sentence that matches suffices for all of them.
        let whole = [4.0, 3.0, 2.0, 1.0, 4.0, 3.0, 2.0, 1.0, 4.0, 4.0];
        assert_eq!(Sample::Bleu(vec![short, whole]).all(), 1.0);
        assert_eq!(Sample::Bleu(vec![short, whole]).of(&[1.0, 0.0]), 0.0);
    }

    #[test]
    fn average_precision_by_hand() {
        let scored = |item, class, score, label| Scored { item, class, score, label };
        // Class 1 finds its two items at places 1 and 3: (1 + 2/3) / 2; class 0 ties all three, one
        // of which is to be found: 1/3; class 2 has nothing to find.
        let ranking = Ranking::new(
            3,
            vec![
                scored(0, 1, 0.9, true),
                scored(1, 1, 0.8, false),
                scored(2, 1, 0.1, true),
                scored(0, 0, 0.5, false),
                scored(1, 0, 0.5, true),
                scored(2, 0, 0.5, false),
                scored(0, 2, 0.3, false),
            ],
        );
        let sample = Sample::MeanAveragePrecision(ranking);
        assert!(near(sample.all(), (5.0 / 6.0 + 1.0 / 3.0) / 2.0), "{}", sample.all());
        // Item 1 twice: class 1 is (1 + 2/4) / 2, class 0 is 2/4.
        assert!(near(sample.of(&[1.0, 2.0, 1.0]), (0.75 + 0.5) / 2.0));
        // Without item 1 class 0 has nothing to find.
        assert_eq!(sample.of(&[1.0, 0.0, 1.0]), 1.0);
        assert!(sample.of(&[0.0; 3]).is_nan());
    }
}
