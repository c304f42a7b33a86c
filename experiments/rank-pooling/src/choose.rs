//! The settings of rank pooling that a fold's own training clips speak for, before anything is trained.

use std::sync::Arc;

use autodiff::{Buffer, DType, Device};
use experiment::{Error, ParamError, Run};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::answers::quality;
use crate::clips::Fold;
use crate::fold::{asking, starting};
use crate::pool::{Directions, Pool, Pooling, Rank};
use crate::svm::Svm;
use crate::task::{Reader, Setup, best};

/// Parts of the training clips at most, each of which is asked about by the others once.
const PARTS: usize = 8;

/// Settings to choose from, every combination of them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Choices {
    /// Constants C of equation 5.
    pub c: Vec<f64>,
    /// Whether frames become means.
    pub running_mean: Vec<bool>,
    /// Whether features become their signed roots.
    pub signed_root: Vec<bool>,
    /// Directions.
    pub directions: Vec<Directions>,
}

impl Default for Choices {
    fn default() -> Self {
        Self {
            c: vec![0.01, 1.0, 100.0],
            running_mean: vec![false, true],
            signed_root: vec![false, true],
            directions: vec![Directions::Both],
        }
    }
}

impl Choices {
    pub(crate) fn validate(&self) -> Result<(), ParamError> {
        let positive = |&c: &f64| c.is_finite() && c > 0.0;
        let listed = format!("{:?}", self.c);
        ParamError::check(self.c.iter().all(positive), "choose.c", "numbers above 0", listed)?;
        let lengths = [
            ("choose.c", self.c.len()),
            ("choose.running_mean", self.running_mean.len()),
            ("choose.signed_root", self.signed_root.len()),
            ("choose.directions", self.directions.len()),
        ];
        let empty = lengths.into_iter().find(|(_, length)| *length == 0);
        empty.map_or(Ok(()), |(path, _)| Err(ParamError::new(path, "one value or more", "none")))
    }

    /// Every combination, with the rest of `of`.
    fn ranks(&self, of: Rank) -> Vec<Rank> {
        let mut ranks = vec![of];
        ranks = spread(&ranks, &self.directions, |rank, directions| Rank { directions, ..rank });
        ranks =
            spread(&ranks, &self.running_mean, |rank, running_mean| Rank { running_mean, ..rank });
        ranks = spread(&ranks, &self.signed_root, |rank, signed_root| Rank { signed_root, ..rank });
        spread(&ranks, &self.c, |rank, c| Rank { c, ..rank })
    }
}

fn spread<T: Copy>(ranks: &[Rank], values: &[T], with: impl Fn(Rank, T) -> Rank) -> Vec<Rank> {
    ranks
        .iter()
        .flat_map(|&rank| values.iter().map(move |&value| (rank, value)))
        .map(|(rank, value)| with(rank, value))
        .collect()
}

/// A setting that was tried.
#[derive(Serialize)]
struct Row {
    fold: u64,
    c: f64,
    running_mean: bool,
    signed_root: bool,
    directions: Directions,
    /// How good classifiers of the others' groups are with training clips, in per cent: how many they are
    /// right about, or mean average precision.
    accuracy: f64,
    chosen: bool,
}

/// What settings are tried on.
pub(crate) struct Trial<'a> {
    pub(crate) choices: &'a Choices,
    pub(crate) rank: Rank,
    pub(crate) pooling: Pooling,
    /// C of the linear classifier.
    pub(crate) svm_c: f64,
    pub(crate) fold: (u64, &'a Fold),
}

impl Trial<'_> {
    /// The first of the settings by which linear classifiers of pooled features, of the encoder with these
    /// weights, are right about most training clips of groups that they were not trained with. Every
    /// setting is listed in the table `choices`.
    pub(crate) fn best(
        &self,
        setup: &Arc<Setup>,
        weights: &mut Buffer,
        run: &mut Run<'_>,
    ) -> Result<Rank, Error> {
        let ranks = self.choices.ranks(self.rank);
        let features = Arc::new(setup.features(weights, &self.fold.1.train)?);
        let mut found = Vec::with_capacity(ranks.len());
        for &rank in &ranks {
            found.push(self.accuracy(&features, rank)?);
        }
        let chosen = best(&found);
        for (at, (rank, accuracy)) in ranks.iter().zip(found).enumerate() {
            let Rank { c, running_mean, signed_root, directions, .. } = *rank;
            let (fold, chosen) = (self.fold.0, at == chosen);
            let row = Row { fold, c, running_mean, signed_root, directions, accuracy, chosen };
            run.table("choices", &row)?;
        }
        Ok(ranks[chosen])
    }

    /// Percentage of clips, given as their features, that classifiers of the others' parts are right about.
    fn accuracy(&self, features: &Arc<Setup>, rank: Rank) -> Result<f64, Error> {
        let clips = &features.clips.clips;
        let pool = Pool::new(self.pooling, rank, features.network.features());
        let layout = features.network.encoder_layout().map_err(starting)?;
        let mut reader = Reader::new(features, &layout, |params, fields, batch| {
            features.network.vectors_of(&pool, params, fields, batch)
        })
        .map_err(asking)?;
        let mut nothing = Buffer::zeros(Device::current(), DType::F32, 0).map_err(asking)?;
        let all: Vec<usize> = (0..clips.len()).collect();
        let rows = reader.read(&mut nothing, &all).map_err(asking)?;
        let parts = &parts(clips.iter().map(|clip| &clip.group[..]));
        let width = rows[0].len();
        let mut scores = Vec::with_capacity(clips.len());
        for part in 0..PARTS {
            let of = |inside: bool| {
                let some = (0..clips.len()).filter(move |&at| (parts[at] == part) == inside);
                some.collect::<Vec<usize>>()
            };
            let (asked, others) = (of(true), of(false));
            if asked.is_empty() || others.is_empty() {
                continue;
            }
            let wide = |at: usize| rows[at].iter().map(|&x| f64::from(x));
            let known: Vec<f64> = others.iter().flat_map(|&at| wide(at)).collect();
            let is = |row: usize, class| clips[others[row]].is_of(class);
            let svm = Svm::train(&known, width, is, features.clips.classes.len(), self.svm_c)
                .map_err(|e| Error::other("training a linear classifier", e))?;
            let score = |at| (at, svm.scores(&wide(at).collect::<Vec<f64>>()));
            scores.extend(asked.into_iter().map(score));
        }
        Ok(quality(&features.clips, scores.iter().map(|(clip, scores)| (*clip, &scores[..]))))
    }
}

/// The part of each clip: clips of a group are in one.
fn parts<'a>(groups: impl Iterator<Item = &'a str>) -> Vec<usize> {
    let groups: Vec<&str> = groups.collect();
    let mut names = groups.clone();
    names.sort_unstable();
    names.dedup();
    let place = |group: &&str| names.partition_point(|name| name < group) % PARTS;
    groups.iter().map(place).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_combination_is_tried_and_groups_stay_together() {
        let ranks = Choices::default().ranks(Rank::default());
        assert_eq!(ranks.len(), 12);
        assert_eq!((ranks[0].c, ranks[1].c, ranks[11].c), (0.01, 1.0, 100.0));
        assert!(ranks[6].running_mean && !ranks[6].signed_root && ranks[11].signed_root);
        let parts = parts(["b", "a", "b", "c"].into_iter());
        assert_eq!(parts, [1, 0, 1, 2]);
        let choices = Choices { signed_root: Vec::new(), ..Choices::default() };
        let error = choices.validate().unwrap_err().to_string();
        assert_eq!(error, "choose.signed_root: wanted one value or more, found none");
    }
}
