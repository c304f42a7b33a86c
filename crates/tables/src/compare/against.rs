//! Two stores beside each other: which cells changed beyond their spread.

use std::collections::HashMap;

use experiment::Better;
use serde::Serialize;

use super::{
    Comparison, Summary,
    best::{LEVEL, common},
};
use crate::{
    Cell,
    statistics::{Student, holm, paired, welch},
};

/// What became of a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// The same value at every common seed.
    Same,
    /// Different, but not beyond its spread.
    Within,
    /// Different, with too few seeds to know a spread.
    Untested,
    /// Better beyond its spread.
    Better,
    /// Worse beyond its spread.
    Worse,
    /// Changed beyond its spread, where it is not known which direction is better.
    Changed,
    /// In this store only.
    New,
    /// In the other store only.
    Gone,
}

impl Verdict {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::Within => "within spread",
            Self::Untested => "too few seeds",
            Self::Better => "better",
            Self::Worse => "worse",
            Self::Changed => "changed",
            Self::New => "only here",
            Self::Gone => "only there",
        }
    }

    /// Whether the cell changed beyond its spread.
    pub(super) fn is_change(self) -> bool {
        matches!(self, Self::Better | Self::Worse | Self::Changed)
    }
}

/// One cell of both stores.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Change {
    /// Its values on the axes.
    pub key: Vec<Cell>,
    /// In this store.
    pub ours: Option<Side>,
    /// In the other one.
    pub theirs: Option<Side>,
    /// Our mean minus theirs, over common seeds where the test is over those.
    pub gap: Option<f64>,
    /// The test of the gap being zero: over pairs of common seeds where there are two or more,
    /// otherwise Welch's.
    pub test: Option<Student>,
    /// The p of this test after Holm's correction over all cells.
    pub p: Option<f64>,
    /// What became of it.
    pub verdict: Verdict,
}

/// The runs of a cell in one store.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Side {
    /// How many.
    pub n: usize,
    /// Their mean.
    pub mean: f64,
    /// Their standard deviation (with n - 1), from two runs on.
    pub deviation: Option<f64>,
}

impl Side {
    fn of(cell: &Summary) -> Option<Self> {
        Some(Self { n: cell.n, mean: cell.mean?, deviation: cell.deviation })
    }
}

/// The cells of two stores.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Regression {
    /// The heading of the table.
    #[serde(skip)]
    pub title: Option<String>,
    /// Name of the experiment.
    pub experiment: String,
    /// Bare name of the metric.
    pub metric: String,
    /// Bare names on the axes.
    pub names: Vec<String>,
    /// The cells.
    pub cells: Vec<Change>,
}

/// Sets the same comparison of two stores side by side.
pub fn against(ours: &Comparison, theirs: &Comparison, better: Option<Better>) -> Regression {
    let mut cells: HashMap<Vec<Cell>, [Option<&Summary>; 2]> = HashMap::new();
    let mut order = Vec::new();
    for (side, comparison) in [ours, theirs].into_iter().enumerate() {
        for (key, cell) in keyed(comparison).filter(|(_, cell)| cell.n > 0) {
            let both = cells.entry(key.clone()).or_insert_with(|| {
                order.push(key);
                [None; 2]
            });
            both[side] = Some(cell);
        }
    }
    let mut changes: Vec<Change> =
        order.into_iter().map(|key| change(cells[&key], key, better)).collect();
    let tested: Vec<f64> = changes.iter().filter_map(|change| Some(change.test?.p)).collect();
    let corrected = holm(&tested);
    let with_test = changes.iter_mut().filter(|change| change.test.is_some());
    for (change, p) in with_test.zip(corrected) {
        change.p = Some(p);
        if change.verdict.is_change() && p >= LEVEL {
            change.verdict = Verdict::Within;
        }
    }
    let names = ours.rows.names.iter().chain(&ours.columns.names).cloned().collect();
    let (experiment, metric) = (ours.experiment.clone(), ours.metric.clone());
    Regression { title: None, experiment, metric, names, cells: changes }
}

/// The cells of a comparison, each with its values on the axes.
fn keyed(comparison: &Comparison) -> impl Iterator<Item = (Vec<Cell>, &Summary)> {
    comparison.rows.keys.iter().zip(&comparison.cells).flat_map(|(row, cells)| {
        let key = |column: &Vec<Cell>| row.iter().chain(column).cloned().collect();
        comparison.columns.keys.iter().map(key).zip(cells)
    })
}

fn change(sides: [Option<&Summary>; 2], key: Vec<Cell>, better: Option<Better>) -> Change {
    let [ours, theirs] = sides.map(|side| side.and_then(Side::of));
    let mut change =
        Change { key, ours, theirs, gap: None, test: None, p: None, verdict: Verdict::New };
    let (Some(a), Some(b)) = (sides[0].zip(ours), sides[1].zip(theirs)) else {
        change.verdict = if ours.is_some() { Verdict::New } else { Verdict::Gone };
        return change;
    };
    let (our_values, their_values) = common(&a.0.seeds, &b.0.seeds);
    let all = |cell: &Summary| -> Vec<f64> { cell.seeds.values().copied().collect() };
    let same_seeds = a.0.seeds.keys().eq(b.0.seeds.keys());
    if our_values.len() > 1 {
        change.test = paired(&our_values, &their_values);
        change.gap = change.test.map(|test| test.difference);
    } else {
        change.test = welch(&all(a.0), &all(b.0));
        change.gap = Some(a.1.mean - b.1.mean);
    }
    let equal = same_seeds && our_values == their_values;
    let better_by = change.gap.map(|gap| match better {
        Some(Better::Higher) => gap,
        Some(Better::Lower) => -gap,
        None => f64::NAN,
    });
    change.verdict = match (change.test, better_by) {
        _ if equal => Verdict::Same,
        (None, _) => Verdict::Untested,
        (Some(_), Some(by)) if by > 0.0 => Verdict::Better,
        (Some(_), Some(by)) if by <= 0.0 => Verdict::Worse,
        (Some(_), _) => Verdict::Changed,
    };
    change
}

impl Regression {
    /// Whether a cell changed beyond its spread.
    pub fn has_changes(&self) -> bool {
        self.cells.iter().any(|cell| cell.verdict.is_change())
    }
}
