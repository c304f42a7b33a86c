//! Learning from a corpus.

use autodiff::{Buffer, Error as TraceError, Var};
use experiment::{Error, Run, Stream};
use learn::{Batch, BatchVars, Fields, KeptModel, Layout, Metrics, Objective, Task};

use crate::corpus::{Corpus, Frame};
use crate::judge::Judge;
use crate::model::{MemoryNetwork, Shape};

/// Learning from a corpus: the loss of the chosen learner, and its judge.
pub(crate) struct DialogTask<C: Corpus> {
    corpus: C,
    layout: Layout,
    judge: Judge,
    /// Questions that choose among epochs, and those of the result.
    dev: Vec<C::Question>,
    test: Vec<C::Question>,
}

impl<C: Corpus> DialogTask<C> {
    /// Learning from a corpus, with development and test questions.
    pub(crate) fn new((corpus, [dev, test]): (C, [Vec<C::Question>; 2])) -> Result<Self, Error> {
        let layout = Shape::layout(corpus.frame().words, &corpus.frame().params);
        let judge = Judge::new(&layout, &corpus)
            .map_err(|e| Error::other("tracing the memory network", e))?;
        Ok(Self { corpus, layout, judge, dev, test })
    }

    /// Steps an epoch.
    pub(crate) fn steps_per_epoch(&self) -> u64 {
        (self.corpus.questions() / self.corpus.frame().params.batch).max(1) as u64
    }

    /// Answers the test questions and lists them in a table; the percentage of right ones.
    pub(crate) fn test(
        &mut self,
        table: &str,
        params: &mut Buffer,
        run: &mut Run<'_>,
    ) -> Result<f64, Error> {
        let answers = self
            .judge
            .answers(params, &self.corpus, &self.test)
            .map_err(|e| Error::other("answering the test questions", e))?;
        for (at, (asked, &answer)) in self.test.iter().zip(&answers).enumerate() {
            if let Some(row) = self.corpus.row(table, at, asked, answer) {
                run.table(table, &row)?;
            }
        }
        Ok(self.accuracy(&self.test, &answers))
    }

    /// Keeps a model for `regimen dialog ask`.
    pub(crate) fn keep(&self, params: &Buffer, run: &mut Run<'_>) -> Result<(), Error> {
        let weights = params.to_vec().map_err(|e| Error::other("reading the model", e))?;
        self.corpus.describe().keep(&self.layout, &weights, run)
    }

    /// Percentage of right answers.
    #[expect(clippy::cast_precision_loss, reason = "a test set has fewer than 2^52 questions")]
    fn accuracy(&self, questions: &[C::Question], answers: &[u32]) -> f64 {
        let given = questions.iter().zip(answers);
        let right = given.filter(|(asked, answer)| self.corpus.right(asked).contains(answer));
        100.0 * right.count() as f64 / answers.len() as f64
    }
}

impl<C: Corpus> Objective for DialogTask<C> {
    fn layout(&self) -> &Layout {
        &self.layout
    }

    fn fields(&self) -> &Fields {
        &self.corpus.frame().fields
    }

    fn loss<'g>(&self, params: &[Var<'g>], batch: &BatchVars<'g>) -> Result<Var<'g>, TraceError> {
        let Frame { shape, turns, .. } = self.corpus.frame();
        let network = MemoryNetwork::new(params[0], shape.hops);
        let answers = self.corpus.answers(&network, batch)?;
        let (beta, replies) = (params.get(1).copied(), self.corpus.replies(batch));
        turns.loss(&network, &answers, beta, replies, batch)
    }

    fn fill(&self, stream: &Stream, index: u64, batch: &mut Batch) {
        self.corpus.fill(stream, index, batch);
    }
}

impl<C: Corpus> Task for DialogTask<C> {
    fn evaluate(&mut self, params: &mut Buffer) -> Result<Metrics, Error> {
        let answers = self
            .judge
            .answers(params, &self.corpus, &self.dev)
            .map_err(|e| Error::other("answering the development questions", e))?;
        let mut metrics = vec![("dev_accuracy", self.accuracy(&self.dev, &answers))];
        if self.corpus.frame().params.record_belief {
            let belief = self
                .judge
                .belief(params, &self.corpus, &self.test)
                .map_err(|e| Error::other("asking the test questions", e))?;
            metrics.push(("true_answer_probability", belief));
        }
        if let Some(accuracy) = self.corpus.evaluated(&mut self.judge, params)? {
            metrics.push(("student_accuracy", accuracy));
        }
        Ok(metrics)
    }

    fn state(&self) -> Vec<u8> {
        self.corpus.state()
    }

    fn restore(&mut self, state: &[u8]) -> Result<(), Error> {
        self.corpus.restore(state)
    }
}
