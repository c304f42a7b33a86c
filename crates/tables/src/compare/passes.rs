//! How many cells of a column reach a threshold.

use experiment::Better;
use serde::Serialize;

use super::Summary;

/// Cells at a threshold or better, by column.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Passes {
    /// The threshold.
    pub threshold: f64,
    /// Whether a cell passes at or below it and not at or above.
    pub below: bool,
    /// One count a column.
    pub columns: Vec<Passed>,
}

/// Cells of one column at a threshold or better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Passed {
    /// By our means.
    pub ours: usize,
    /// By the published numbers, where every cell has one.
    pub published: Option<usize>,
}

impl Passes {
    /// Counts the cells of every column; higher is better where `better` is not known.
    pub(super) fn count(cells: &[Vec<Summary>], threshold: f64, better: Option<Better>) -> Self {
        let below = better == Some(Better::Lower);
        let reaches = |value: f64| if below { value <= threshold } else { value >= threshold };
        let column = |at: usize| {
            let cells = || cells.iter().map(move |row| &row[at]);
            let published: Option<Vec<f64>> =
                cells().map(|cell| Some(cell.published.as_ref()?.value)).collect();
            Passed {
                ours: cells().filter(|cell| cell.mean.is_some_and(reaches)).count(),
                published: published
                    .map(|values| values.into_iter().filter(|value| reaches(*value)).count()),
            }
        };
        let width = cells.first().map_or(0, Vec::len);
        Self { threshold, below, columns: (0..width).map(column).collect() }
    }

    /// `cells >= 95`.
    pub(crate) fn label(&self) -> String {
        format!("cells {} {}", if self.below { "<=" } else { ">=" }, self.threshold)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::Theirs;

    fn cell(mean: Option<f64>, published: Option<f64>) -> Summary {
        let theirs = |value: f64| Theirs {
            value,
            printed: value.to_string(),
            spread: None,
            source: "Paper".into(),
            confidence: "recalled".into(),
        };
        Summary {
            n: 1,
            mean,
            deviation: None,
            median: None,
            interval: None,
            standing: None,
            test: None,
            p: None,
            seeds: [].into(),
            members: [].into(),
            published: published.map(theirs),
            gap: None,
            agreement: None,
        }
    }

    #[test]
    fn cells_at_the_threshold_pass_and_a_missing_published_number_leaves_no_count() {
        let cells = [
            vec![cell(Some(95.0), Some(94.9)), cell(Some(94.99), Some(99.0))],
            vec![cell(None, Some(95.0)), cell(Some(99.0), None)],
        ];
        let higher = Passes::count(&cells, 95.0, None);
        assert_eq!(
            higher.columns,
            [Passed { ours: 1, published: Some(1) }, Passed { ours: 1, published: None }]
        );
        assert_eq!(higher.label(), "cells >= 95");
        let lower = Passes::count(&cells, 95.0, Some(Better::Lower));
        assert_eq!(
            lower.columns,
            [Passed { ours: 1, published: Some(2) }, Passed { ours: 1, published: None }]
        );
        assert_eq!(lower.label(), "cells <= 95");
    }
}
