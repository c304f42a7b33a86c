use std::collections::BTreeMap;

use experiment::Better;
use serde::Serialize;

use super::Summary;
use crate::{
    Cell,
    statistics::{Student, holm, paired},
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
}

/// Finds the best cells and tests the others against them; Holm's correction is over all tests.
pub(super) fn mark(cells: &mut [Vec<Summary>], better: Better) {
    let by_row = cells.iter().any(|row| row.len() > 1);
    let mut groups: Vec<Vec<[usize; 2]>> = Vec::new();
    for (row, columns) in cells.iter().enumerate() {
        if by_row || groups.is_empty() {
            groups.push(Vec::new());
        }
        let known = (0..columns.len())
            .filter(|column| columns[*column].mean.is_some_and(|mean| !mean.is_nan()));
        groups.last_mut().expect("just pushed").extend(known.map(|column| [row, column]));
    }
    let mut tests: Vec<([usize; 2], Student)> = Vec::new();
    for group in groups.iter().filter(|group| group.len() > 1) {
        let mean = |at: &[usize; 2]| cells[at[0]][at[1]].mean.unwrap_or(f64::NAN);
        let order = |a: &&[usize; 2], b: &&[usize; 2]| match better {
            Better::Higher => mean(b).total_cmp(&mean(a)),
            Better::Lower => mean(a).total_cmp(&mean(b)),
        };
        let best = *group.iter().min_by(order).expect("more than one cell");
        for at in group.iter().filter(|at| **at != best) {
            let (ours, theirs) = common(&cells[at[0]][at[1]].seeds, &cells[best[0]][best[1]].seeds);
            tests.extend(paired(&ours, &theirs).map(|test| (*at, test)));
        }
        cells[best[0]][best[1]].standing = Some(Standing::Best);
    }
    let p: Vec<f64> = tests.iter().map(|(_, test)| test.p).collect();
    for ((at, test), p) in tests.into_iter().zip(holm(&p)) {
        let cell = &mut cells[at[0]][at[1]];
        cell.standing = Some(if p < LEVEL { Standing::Worse } else { Standing::Tied });
        cell.p = Some(p);
        cell.test = Some(test);
    }
}

/// The values of both sides at the seeds that both have.
pub(super) fn common(a: &BTreeMap<Cell, f64>, b: &BTreeMap<Cell, f64>) -> (Vec<f64>, Vec<f64>) {
    a.iter().filter_map(|(seed, value)| Some((*value, *b.get(seed)?))).unzip()
}
