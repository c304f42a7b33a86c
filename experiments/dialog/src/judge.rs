//! Answers to questions with given parameters.

use autodiff::{Buffer, DType, Error};
use learn::{Batch, Evaluator, Fields, Layout};

use crate::corpus::Corpus;
use crate::model::{MemoryNetwork, StoryFields};

/// Scores the answers to questions with given parameters, `u . y_a`.
pub(crate) struct Judge {
    evaluator: Evaluator,
    story: StoryFields,
}

impl Judge {
    pub(crate) fn new<C: Corpus>(layout: &Layout, corpus: &C) -> Result<Self, Error> {
        let shape = &corpus.frame().shape;
        let mut fields = Fields::new();
        let story = shape.declare(C::CHUNK, &mut fields);
        let evaluator = Evaluator::new(layout, &fields, DType::F32, |params, batch| {
            let network = MemoryNetwork::new(params[0], shape.hops);
            let answers = corpus.all_answers(&network)?;
            let state = network.state(&story.vars(batch))?;
            Ok(vec![state.matmul(answers.transpose(0, 1)?)?])
        })?;
        Ok(Self { evaluator, story })
    }

    /// Asks questions; `see` sees each with the scores of all answers.
    fn ask<C: Corpus>(
        &mut self,
        params: &mut Buffer,
        corpus: &C,
        questions: &[C::Question],
        mut see: impl FnMut(&C::Question, &[f32]),
    ) -> Result<(), Error> {
        let chunks: Vec<&[C::Question]> = questions.chunks(C::CHUNK).collect();
        let fill = |chunk: usize, batch: &mut Batch| {
            for (row, asked) in chunks[chunk].iter().enumerate() {
                corpus.write(asked, &self.story, row, batch);
            }
        };
        self.evaluator.each(params, 0..chunks.len(), fill, |chunk, found| {
            let scores = found[0].to_vec::<f32>()?;
            let rows = scores.chunks(scores.len() / C::CHUNK);
            chunks[chunk].iter().zip(rows).for_each(|(asked, scores)| see(asked, scores));
            Ok(())
        })
    }

    /// The answer to each question.
    pub(crate) fn answers<C: Corpus>(
        &mut self,
        params: &mut Buffer,
        corpus: &C,
        questions: &[C::Question],
    ) -> Result<Vec<u32>, Error> {
        let mut answers = Vec::with_capacity(questions.len());
        self.ask(params, corpus, questions, |asked, scores| {
            answers.push(corpus.choose(asked, scores));
        })?;
        Ok(answers)
    }

    /// Mean probability of the right answers, `softmax_a(u . y_a)`.
    #[expect(clippy::cast_precision_loss, reason = "a test set has fewer than 2^52 questions")]
    pub(crate) fn belief<C: Corpus>(
        &mut self,
        params: &mut Buffer,
        corpus: &C,
        questions: &[C::Question],
    ) -> Result<f64, Error> {
        let mut sum = 0.0;
        self.ask(params, corpus, questions, |asked, scores| {
            for right in corpus.right(asked) {
                let right = scores[right as usize];
                let odds = scores.iter().map(|score| f64::from(score - right).exp());
                sum += 1.0 / odds.sum::<f64>();
            }
        })?;
        Ok(sum / questions.len() as f64)
    }
}

/// The first of the largest scores.
pub(crate) fn best(scores: &[f32]) -> u32 {
    let better = |best, at: usize| if scores[at] > scores[best] { at } else { best };
    crate::text::index((1..scores.len()).fold(0, better))
}
