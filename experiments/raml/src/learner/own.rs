//! What the model itself says: pieces that it is given in place of the reference's, and translations that
//! are rewarded.

use autodiff::{Buffer, Error};
use experiment::Stream;
use rand::RngExt;

use super::arrays::Drawn;
use crate::corpus::{Encoded, Pieces};
use crate::metric::edits;
use crate::model::{Roller, draw};
use crate::params::{Method, Params, Reward};
use crate::payoff;
use crate::source::Source;

/// Runs the model on the sentences of a batch before it is learned from.
pub(super) struct Own {
    roller: Roller,
    method: Method,
    reward: Reward,
    /// The first step.
    from: u64,
    steps: u64,
    /// Share of own pieces in the last step.
    share: f64,
    /// Most pieces of a translation.
    longest: usize,
    draws: Stream,
}

impl Own {
    pub(super) fn new(
        params: &Params,
        roller: Roller,
        (steps, longest): (u64, usize),
        draws: Stream,
    ) -> Self {
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "numbers of steps stay far below 2^52"
        )]
        let from = (params.own_from * steps as f64).ceil() as u64;
        let Params { method, reward, own: share, .. } = *params;
        Self { roller, method, reward, from, steps, share, longest, draws }
    }

    /// Changes what is learned from in step `step`, by the weights before it.
    pub(super) fn say(
        &mut self,
        step: u64,
        weights: &mut Buffer,
        train: &[Encoded],
        drawn: &mut Drawn,
    ) -> Result<(), Error> {
        if step < self.from {
            return Ok(());
        }
        let pairs: Vec<&Encoded> = drawn.pairs.iter().map(|&pair| &train[pair as usize]).collect();
        match self.method {
            Method::ScheduledSampling => self.mix(step, weights, &pairs, drawn),
            Method::Reinforce => self.earn(step, weights, &pairs, drawn),
            _ => Ok(()),
        }
    }

    /// Gives some of the model's own draws in place of the pieces of the reference.
    fn mix(
        &mut self,
        step: u64,
        weights: &mut Buffer,
        pairs: &[&Encoded],
        drawn: &mut Drawn,
    ) -> Result<(), Error> {
        let mut rng = self.draws.rng(step);
        #[expect(clippy::cast_precision_loss, reason = "numbers of steps stay far below 2^52")]
        let risen = (step + 1 - self.from) as f64 / (self.steps - self.from).max(1) as f64;
        let share = self.share * risen;
        let sources: Vec<&Source> = pairs.iter().map(|pair| &pair.source).collect();
        let mut given = vec![Vec::new(); pairs.len()];
        self.roller.roll(weights, &sources, |row, at, logs| {
            let &piece = pairs[row].target.get(at)?;
            let own = rng.random_bool(share);
            let piece = if own { draw(logs, &mut rng) } else { piece };
            given[row].push(piece);
            Some(piece)
        })?;
        drawn.given = Some(given);
        Ok(())
    }

    /// Puts the model's own translations in place of the reference, by their reward less the batch's mean.
    fn earn(
        &mut self,
        step: u64,
        weights: &mut Buffer,
        pairs: &[&Encoded],
        drawn: &mut Drawn,
    ) -> Result<(), Error> {
        let mut rng = self.draws.rng(step);
        let sources: Vec<&Source> = pairs.iter().map(|pair| &pair.source).collect();
        let (mut targets, mut ended) = (vec![Vec::new(); pairs.len()], vec![false; pairs.len()]);
        let longest = self.longest;
        self.roller.roll(weights, &sources, |row, at, logs| {
            let piece = draw(logs, &mut rng);
            ended[row] = piece == Pieces::END;
            if ended[row] || at == longest {
                return None;
            }
            targets[row].push(piece);
            Some(piece)
        })?;
        let reward = |(target, pair): (&Vec<u32>, &&Encoded)| self.reward(target, &pair.target);
        let rewards: Vec<f64> = targets.iter().zip(pairs).map(reward).collect();
        #[expect(clippy::cast_precision_loss, reason = "a batch has far fewer than 2^52 rows")]
        let mean = rewards.iter().sum::<f64>() / rewards.len() as f64;
        #[expect(clippy::cast_possible_truncation, reason = "what a sentence counts is in f32")]
        // What was cut has no probability of its end to be learned.
        let worth =
            |(reward, &ended): (f64, &bool)| if ended { (reward - mean) as f32 } else { 0.0 };
        drawn.worth = Some(rewards.into_iter().zip(&ended).map(worth).collect());
        drawn.targets = targets;
        Ok(())
    }

    /// The reward of a translation.
    #[expect(clippy::cast_precision_loss, reason = "lengths of sentences stay far below 2^52")]
    fn reward(&self, target: &[u32], reference: &[u32]) -> f64 {
        match self.reward {
            Reward::Bleu => payoff::Reward::Bleu.of(target, reference),
            Reward::Ter => payoff::Reward::Ter.of(target, reference),
            Reward::Hamming | Reward::Edit | Reward::ExactEdit => {
                -(edits::distance(target, reference) as f64) / reference.len().max(1) as f64
            }
        }
    }
}
