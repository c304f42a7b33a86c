//! MovieQA: questions about a knowledge base, with every entity as a possible answer.

mod judge;
mod language;
mod sample;
mod stored;
mod task;
mod turn;

use datasets::Store;
use datasets::babi_dialog::Split;
use datasets::movieqa::{self, KnowledgeBase, Question};
use experiment::{Error, Run, Stream};
use serde::Serialize;

use crate::params::Params;
pub(crate) use stored::StoredMovies;
pub(crate) use task::MovieTask;

/// One test question, as the tables `answers` and `selected_answers` list it.
#[derive(Serialize)]
pub(crate) struct Answer<'a> {
    question: usize,
    text: String,
    answer: &'a str,
    right: Vec<&'a str>,
    correct: bool,
}

/// The knowledge base and its questions.
pub(crate) struct Movies {
    pub(crate) knowledge: KnowledgeBase,
    pub(crate) test: Vec<Question>,
}

impl Movies {
    /// Opens the released files and makes the task of learning from generated exchanges.
    pub(crate) fn open(params: &Params, run: &Run<'_>) -> Result<(MovieTask, Self), Error> {
        let paths = run.data();
        let store = Store::new(&paths.cache, paths.mirror.as_deref(), paths.offline);
        let failed = |e| Error::data(movieqa::DATASET, e);
        let knowledge = movieqa::knowledge_base(&store).map_err(failed)?;
        let dev = movieqa::questions(&store, &knowledge, Split::Dev).map_err(failed)?;
        let test = movieqa::questions(&store, &knowledge, Split::Test).map_err(failed)?;
        let held_out: Vec<Question> = dev.iter().chain(&test).cloned().collect();
        let stream = Stream::new(params.data_seed, "exchanges");
        let exchanges = movieqa::generate(
            &knowledge,
            &held_out,
            params.regime(),
            params.policy_accuracy,
            |index| stream.rng(index),
        );
        let exchanges = match params.movieqa.questions {
            Some(count) => evenly(&exchanges, count),
            None => exchanges,
        };
        let dev = evenly(&dev, params.movieqa.dev_questions);
        let task = MovieTask::new(params.clone(), &knowledge, exchanges, dev)
            .map_err(|e| Error::other("tracing the memory network", e))?;
        Ok((task, Self { knowledge, test }))
    }

    /// Lists answers to the test questions in a table; the percentage of right ones.
    #[expect(clippy::cast_precision_loss, reason = "a test set has fewer than 2^52 questions")]
    pub(crate) fn list(
        &self,
        table: &str,
        answers: &[movieqa::Entity],
        run: &mut Run<'_>,
    ) -> Result<f64, Error> {
        let mut correct = 0;
        for (number, (question, answer)) in self.test.iter().zip(answers).enumerate() {
            let row = Answer {
                question: number,
                text: question.text(&self.knowledge),
                answer: self.knowledge.name(*answer),
                right: question.answers.iter().map(|&e| self.knowledge.name(e)).collect(),
                correct: question.answers.contains(answer),
            };
            correct += usize::from(row.correct);
            run.table(table, &row)?;
        }
        Ok(100.0 * correct as f64 / self.test.len() as f64)
    }
}

/// At most `count` of the items, evenly spaced: questions are sorted by what they ask or about.
fn evenly<T: Clone>(items: &[T], count: usize) -> Vec<T> {
    let count = count.min(items.len());
    (0..count).map(|at| items[at * items.len() / count].clone()).collect()
}
