//! Two metrics against each other, with the points that nothing beats in both.

use std::collections::HashMap;

use charts::{Axis, Fit, Scale};
use experiment::{Better, Metric};

use super::{
    chart::{Chart, Dot, points},
    grid::label,
    listing::Listing,
    search::{Points, front},
};
use crate::{Error, Runs, columns::FINAL};

/// One pair of metrics.
pub(crate) struct Pareto {
    pub(crate) chart: Chart,
    /// Which directions are better, and how many points are on the front.
    pub(crate) note: String,
}

/// Pairs that are shown.
const PAIRS: usize = 3;
/// Fewest points that a front is drawn through.
const FEWEST: usize = 4;

/// The main metric against others of which the better direction is known; points are means over seeds.
pub(crate) fn charts(
    runs: &Runs,
    metrics: &[Metric],
    listing: &Listing,
    sweep: &Points,
) -> Result<Vec<Pareto>, Error> {
    let known: Vec<(&Metric, Better, String)> = metrics
        .iter()
        .filter_map(|metric| Some((metric, metric.better?, format!("{FINAL}{}", metric.name))))
        .filter(|(_, _, column)| runs.columns().any(|known| known == column))
        .collect();
    let [(main, main_better, main_column), others @ ..] = known.as_slice() else {
        return Ok(Vec::new());
    };
    if others.is_empty() {
        return Ok(Vec::new());
    }
    let values = |column: &str| sweep.trials(runs, Some(column), &HashMap::new());
    let ours = values(main_column)?;
    let mut charts = Vec::new();
    for (other, better, column) in others {
        let theirs = values(column)?;
        let mut pairs = Vec::new();
        for (a, b) in ours.iter().zip(&theirs).filter(|(a, _)| a.is_finished()) {
            if let (Some(x), Some(y), Some(run)) = (a.value, b.value, listing.place(a.runs[0])) {
                pairs.push((run, [x, y]));
            }
        }
        let places: Vec<[f64; 2]> = pairs.iter().map(|(_, place)| *place).collect();
        let front = front(&places, [*main_better, *better]);
        // Metrics that rise and fall together have a single best point, and nothing to weigh.
        if places.len() < FEWEST || front.len() < 2 {
            continue;
        }
        let axis = |metric: &Metric, side: usize| {
            let values = places.iter().map(|place| place[side]);
            Axis::new(label(&metric.name), Scale::fit(values, Fit::VALUES))
        };
        let (x, y) = (axis(main, 0), axis(other, 1));
        let dot = |(at, (run, [x, y])): (usize, &(usize, [f64; 2]))| Dot {
            x: *x,
            y: *y,
            run: *run,
            strong: front.contains(&at),
            finished: true,
        };
        let dots: Vec<Dot> = pairs.iter().enumerate().map(dot).collect();
        let line: Vec<[f64; 2]> = front.iter().map(|at| places[*at]).collect();
        let (drawing, live) = points(&x, &y, &dots, &line);
        let word = |better: &Better| if *better == Better::Higher { "higher" } else { "lower" };
        let note = format!(
            "{} of {} points are on the Pareto front: no other is better in one ({} {}, {} {}) \
             without being worse in the other.",
            front.len(),
            places.len(),
            word(main_better),
            x.title,
            word(better),
            y.title,
        );
        let title = format!("{} against {}", y.title, x.title);
        charts.push(Pareto {
            chart: Chart { title, description: note.clone(), drawing, live },
            note,
        });
        if charts.len() == PAIRS {
            break;
        }
    }
    Ok(charts)
}
