//! How far the vector of rank pooling moves when a clip changes a little.

use std::sync::Arc;

use autodiff::Buffer;
use experiment::{Error, Run};
use rand::RngExt;
use serde::Serialize;

use crate::clips::Fold;
use crate::fold::{asking, starting};
use crate::operation::RankPool;
use crate::pool::{Pool, Pooling, Rank};
use crate::solver::{Newton, Problem};
use crate::task::{Reader, Setup};

/// Deviation of the noise that is added to frames, over the root of their mean square.
const JITTER: f64 = 0.05;

/// A clip.
#[derive(Serialize)]
struct Row<'a> {
    clip: &'a str,
    frames: usize,
    /// `|u - u'| / |u|` when one frame is left out; none for a clip of one frame.
    dropped: Option<f64>,
    /// The same when noise is added to all.
    jittered: f64,
    systems: usize,
}

/// Measures `|u - u'| / |u|` of every test clip, of features as they are regressed: when a frame that is
/// drawn is left out, and when noise of a twentieth of their size is added to every feature.
pub(crate) fn measure(
    rank: Rank,
    setup: &Arc<Setup>,
    fold: &Fold,
    weights: &mut Buffer,
    run: &mut Run<'_>,
) -> Result<(), Error> {
    let (layout, network) = (setup.network.encoder_layout().map_err(starting)?, &setup.network);
    let width = network.features();
    let pool = Pool::new(Pooling::Rank, rank, width);
    let mut reader = Reader::new(setup, &layout, |params, fields, batch| {
        let rows = pool.transformed(network.sequences(params, fields, batch)?)?;
        let shape = rows.shape();
        rows.reshape(&[shape[0], shape[1] * shape[2]])
    })
    .map_err(asking)?;
    let read = reader.read(weights, &fold.test).map_err(asking)?;
    let pool = RankPool {
        cost: rank.c,
        epsilon: rank.epsilon,
        labels: rank.labels,
        inverse: rank.inverse,
    };
    let draws = run.stream("changes");
    let mut newton = Newton::default();
    let mut solve = |rows: &[f64]| -> Result<(Vec<f64>, usize), Error> {
        let [low, high] = pool.tube(rows.len() / width);
        let problem = Problem { rows, width, low: &low, high: &high, cost: pool.cost };
        let found = newton.solve(&problem).map_err(|e| Error::other("rank pooling", e))?;
        Ok((found.w.clone(), found.systems))
    };
    let (mut dropped, mut jittered) = (Vec::new(), Vec::new());
    for (&clip, row) in fold.test.iter().zip(&read) {
        let frames = setup.frames(clip);
        let rows: Vec<f64> = row[..frames * width].iter().map(|&x| f64::from(x)).collect();
        let mut rng = draws.rng(clip as u64);
        let (u, systems) = solve(&rows)?;
        let gone = rng.random_range(0..frames);
        let left = [&rows[..gone * width], &rows[(gone + 1) * width..]].concat();
        let moved = if frames > 1 { Some(change(&u, &solve(&left)?.0)) } else { None };
        let size = (rows.iter().map(|x| x * x).sum::<f64>() / rows.len() as f64).sqrt();
        // Uniform numbers of this range have a deviation of 1.
        let range = 3f64.sqrt() * JITTER * size;
        let noisy: Vec<f64> =
            rows.iter().map(|x| x + range * rng.random_range(-1.0..1.0)).collect();
        let noisy = change(&u, &solve(&noisy)?.0);
        dropped.extend(moved);
        jittered.push(noisy);
        let clip = &setup.clips.clips[clip].name[..];
        run.table("changes", &Row { clip, frames, dropped: moved, jittered: noisy, systems })?;
    }
    run.result("dropped_change", mean(&dropped))?;
    run.result("jittered_change", mean(&jittered))
}

/// How far two vectors are apart, over the size of the first.
fn change(u: &[f64], other: &[f64]) -> f64 {
    let norm = |values: &mut dyn Iterator<Item = f64>| values.map(|x| x * x).sum::<f64>().sqrt();
    let apart = norm(&mut u.iter().zip(other).map(|(a, b)| a - b));
    let size = norm(&mut u.iter().copied());
    if size == 0.0 { apart } else { apart / size }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_relative() {
        assert_eq!(change(&[3.0, 4.0], &[3.0, 1.5]), 0.5);
        assert_eq!(change(&[0.0], &[2.0]), 2.0);
        assert_eq!((mean(&[1.0, 2.0]), mean(&[])), (1.5, 0.0));
    }
}
