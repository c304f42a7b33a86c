//! Marks the best cells of a comparison and tests the others against them.

use std::collections::{BTreeMap, BTreeSet};

use experiment::Better;
use rayon::prelude::*;
use serde::Serialize;

use super::{Summary, items::Scores};
use crate::{
    Cell,
    statistics::{Bootstrap, Student, holm, paired},
};

/// Level that Holm-corrected p values are compared with.
pub(super) const LEVEL: f64 = 0.05;

/// A cell beside the best of its row, or of the table where there is one column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Standing {
    /// The best mean.
    Best,
    /// Not distinguishable from the best.
    Tied,
    /// Worse than the best.
    Worse,
}

impl Standing {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Best => "best",
            Self::Tied => "tied",
            Self::Worse => "worse",
        }
    }

    /// What stands behind the number.
    pub(super) fn mark(self) -> &'static str {
        match self {
            Self::Best => "*",
            Self::Tied => "†",
            Self::Worse => "",
        }
    }
}

/// A test of two cells.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Test {
    /// Over pairs of common seeds.
    PairedT(Student),
    /// Over common seeds and the items that all their runs were scored on.
    HierarchicalBootstrap {
        /// How many seeds.
        seeds: usize,
        /// How many items.
        items: usize,
        /// Two-sided.
        p: f64,
    },
}

impl Test {
    fn p(&self) -> f64 {
        match self {
            Self::PairedT(test) => test.p,
            Self::HierarchicalBootstrap { p, .. } => *p,
        }
    }

    /// How many common seeds it is over.
    pub(super) fn seeds(&self) -> usize {
        match self {
            Self::PairedT(test) => test.degrees as usize + 1,
            Self::HierarchicalBootstrap { seeds, .. } => *seeds,
        }
    }

    /// Of items where there are scores, otherwise of seeds.
    fn of(ours: &Summary, best: &Summary, scores: Option<&Scores>) -> Option<Self> {
        if let Some(test) = scores.and_then(|scores| Self::over_items(ours, best, scores)) {
            return Some(test);
        }
        let (ours, best) = common(&ours.seeds, &best.seeds);
        paired(&ours, &best).map(Self::PairedT)
    }

    fn over_items(ours: &Summary, best: &Summary, scores: &Scores) -> Option<Self> {
        let mut pairs = Vec::new();
        for (seed, ours) in &ours.members {
            match (ours.as_slice(), best.members.get(seed).map(Vec::as_slice)) {
                ([a], Some([b])) => pairs.push(scores.pair(*a, *b)?),
                (_, None) => {}
                _ => return None,
            }
        }
        let p = Bootstrap::default().paired_items(&pairs)?;
        let (seeds, items) = (pairs.len(), pairs.first()?[0].len());
        Some(Self::HierarchicalBootstrap { seeds, items, p })
    }
}

/// Finds the best cells and tests the others against them; Holm's correction is over all tests.
///
/// `conditions` has a number a column; columns of one number are alternatives to each other, and the
/// best of each row is sought among them, or of the whole table where there is one such column.
pub(super) fn mark(
    cells: &mut [Vec<Summary>],
    conditions: &[usize],
    better: Better,
    scores: Option<&Scores>,
) {
    let by_row = has_alternatives(conditions);
    let mut groups = BTreeMap::<[usize; 2], Vec<[usize; 2]>>::new();
    for (row, columns) in cells.iter().enumerate() {
        for (column, cell) in columns.iter().enumerate() {
            if cell.mean.is_some_and(|mean| !mean.is_nan()) {
                let group = [if by_row { row } else { 0 }, conditions[column]];
                groups.entry(group).or_default().push([row, column]);
            }
        }
    }
    let mut pairs: Vec<[[usize; 2]; 2]> = Vec::new();
    for group in groups.values().filter(|group| group.len() > 1) {
        let mean = |at: &[usize; 2]| cells[at[0]][at[1]].mean.unwrap_or(f64::NAN);
        let order = |a: &&[usize; 2], b: &&[usize; 2]| match better {
            Better::Higher => mean(b).total_cmp(&mean(a)),
            Better::Lower => mean(a).total_cmp(&mean(b)),
        };
        let best = *group.iter().min_by(order).expect("more than one cell");
        pairs.extend(group.iter().filter(|at| **at != best).map(|at| [*at, best]));
        cells[best[0]][best[1]].standing = Some(Standing::Best);
    }
    let test = |[at, best]: &[[usize; 2]; 2]| {
        let test = Test::of(&cells[at[0]][at[1]], &cells[best[0]][best[1]], scores)?;
        Some((*at, test))
    };
    let tests: Vec<([usize; 2], Test)> = pairs.par_iter().filter_map(test).collect();
    let p: Vec<f64> = tests.iter().map(|(_, test)| test.p()).collect();
    for ((at, test), p) in tests.into_iter().zip(holm(&p)) {
        let cell = &mut cells[at[0]][at[1]];
        cell.standing = Some(if p < LEVEL { Standing::Worse } else { Standing::Tied });
        cell.p = Some(p);
        cell.test = Some(test);
    }
}

/// Whether some columns are alternatives to each other.
pub(super) fn has_alternatives(conditions: &[usize]) -> bool {
    let mut seen = BTreeSet::new();
    !conditions.iter().all(|condition| seen.insert(condition))
}

/// The values of both sides at the seeds that both have.
pub(super) fn common(a: &BTreeMap<Cell, f64>, b: &BTreeMap<Cell, f64>) -> (Vec<f64>, Vec<f64>) {
    a.iter().filter_map(|(seed, value)| Some((*value, *b.get(seed)?))).unzip()
}
