//! What competes with what was said in a batch of MovieQA.

use autodiff::Error as TraceError;
use datasets::movieqa::Entity;
use learn::{Batch, BatchVars, Field, Fields};
use rand::{Rng, RngExt};

use super::Movies;
use super::sample::Sample;
use super::turn::Turn;
use crate::forward_prediction::CandidateReplies;
use crate::model::{ABSENT, Answers, MemoryNetwork, write_words};
use crate::params::{Params, Ranked};
use crate::text::{NULL, index};

/// The arrays of a batch that only MovieQA has: what competes with what was said.
pub(super) struct CandidateFields {
    /// Candidate answers.
    answers: Field<u32>,
    /// The logarithm of how many answers each stands for.
    pub(super) weight: Field<f32>,
    /// Where replies are predicted.
    replies: Option<ReplyFields>,
}

#[derive(Clone, Copy)]
struct ReplyFields {
    words: Field<u32>,
    weight: Field<f32>,
    /// The reply of each question, an index.
    said: Field<u32>,
}

impl CandidateFields {
    /// Declares them, with replies of at most `longest` words.
    pub(super) fn declare(params: &Params, longest: usize, fields: &mut Fields) -> Self {
        let (rows, count) = (params.batch, params.movieqa.candidates);
        let weights = match params.movieqa.competing {
            Ranked::All => &[count][..],
            Ranked::Retrieved => &[rows, count],
        };
        Self {
            answers: fields.index("candidates", &[count]),
            weight: fields.float("candidate weight", weights),
            replies: params.learner.predicts().then(|| ReplyFields {
                words: fields.index("replies", &[params.movieqa.replies, longest]),
                weight: fields.float("reply candidate weight", &[params.movieqa.replies]),
                said: fields.index("said", &[rows]),
            }),
        }
    }

    /// The candidate answers in a trace.
    pub(super) fn answers<'g>(
        &self,
        network: &MemoryNetwork<'g>,
        batch: &BatchVars<'g>,
    ) -> Result<Answers<'g>, TraceError> {
        let embedded = network.embedding().gather(batch[self.answers])?;
        Ok(Answers { embedded, log_weight: Some(batch[self.weight]) })
    }

    /// The candidate replies in a trace.
    pub(super) fn replies<'g>(&self, batch: &BatchVars<'g>) -> Option<CandidateReplies<'g>> {
        self.replies.map(|ReplyFields { words, weight, said }| CandidateReplies::Shared {
            words: batch[words],
            log_weight: batch[weight],
            said: batch[said],
        })
    }
}

impl Movies {
    /// The candidate answers of a batch: those given, entities among the facts retrieved, then any;
    /// none of them an entity asked about unless it was given.
    pub(super) fn candidates(&self, turns: &[&Turn], rng: &mut impl Rng) -> Sample<Entity> {
        let mut candidates = Sample::default();
        turns.iter().filter_map(|turn| turn.answer).for_each(|answer| candidates.choose(answer));
        let asked = |entity: Entity| turns.iter().any(|turn| turn.topic == entity);
        for turn in turns {
            let mut retrieved = self.language.retrieved(turn.topic);
            retrieved.retain(|&entity| !asked(entity));
            for taken in 0..retrieved.len().min(self.frame.params.movieqa.retrieved_candidates) {
                let other = rng.random_range(taken..retrieved.len());
                retrieved.swap(taken, other);
                candidates.choose(retrieved[taken]);
            }
        }
        let all = index(self.language.entities());
        candidates.fill(self.frame.params.movieqa.candidates, rng, |rng| {
            Some(Entity(rng.random_range(0..all))).filter(|&entity| !asked(entity))
        });
        candidates
    }

    /// Writes candidate answers.
    pub(super) fn fill_candidates(
        &self,
        candidates: &Sample<Entity>,
        turns: &[&Turn],
        batch: &mut Batch,
    ) {
        let words = candidates.order.iter().map(|&entity| self.language.entity(entity));
        let to = &mut batch[self.candidates.answers];
        to.iter_mut().zip(words.chain(std::iter::repeat(NULL))).for_each(|(to, word)| *to = word);
        let weights = &mut batch[self.candidates.weight];
        match self.frame.params.movieqa.competing {
            Ranked::All => candidates.write_log_weights(self.language.entities(), weights),
            Ranked::Retrieved => {
                weights.fill(ABSENT);
                let rows = weights.chunks_mut(self.frame.params.movieqa.candidates);
                for (weights, turn) in rows.zip(turns) {
                    let retrieved = self.language.retrieved(turn.topic);
                    for entity in retrieved.into_iter().chain(turn.answer) {
                        if let Some(place) = candidates.place(entity) {
                            weights[place as usize] = 0.0;
                        }
                    }
                }
            }
        }
    }

    /// Draws and writes candidate replies, where they are predicted: those of the batch, then any.
    pub(super) fn fill_replies(&self, examples: &[usize], rng: &mut impl Rng, batch: &mut Batch) {
        let Some(fields) = self.candidates.replies else { return };
        let mut candidates = Sample::default();
        let said: Vec<Option<usize>> =
            examples.iter().map(|&example| self.replies.said(example)).collect();
        said.iter().flatten().for_each(|&reply| candidates.choose(reply));
        let all = self.replies.distinct();
        if all > 0 {
            candidates
                .fill(self.frame.params.movieqa.replies, rng, |rng| Some(rng.random_range(0..all)));
        }
        for (row, reply) in said.into_iter().enumerate() {
            self.frame.turns.write_replied(row, reply.is_some(), batch);
            let place = reply.and_then(|reply| candidates.place(reply));
            batch[fields.said][row] = place.unwrap_or(0);
        }
        let words = candidates.order.iter().map(|&reply| self.replies.words(reply));
        batch[fields.words]
            .chunks_mut(self.replies.longest())
            .zip(words.chain(std::iter::repeat(&[][..])))
            .for_each(|(to, reply)| write_words(reply, to));
        candidates.write_log_weights(all, &mut batch[fields.weight]);
    }
}
