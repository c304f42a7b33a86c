//! On-line learning: the model answers the training questions itself and the teacher replies.

use autodiff::Buffer;
use datasets::babi_dialog::{
    DATASET, PLACES, Regime, Story, Turn, answered, is_expert, supporting_fact,
};
use experiment::{Error, Stream};
use rand::RngExt;

use crate::examples::{Example, Heard};
use crate::judge::Judge;
use crate::params::{Online, Params};
use crate::text::Vocabulary;

/// The model as the student that it learns from (Li et al. 2016, "Dialogue Learning With
/// Human-in-the-Loop", section 3.1): every so many epochs it answers the training questions anew,
/// and the teacher of the regime replies.
pub(crate) struct Rounds {
    settings: Online,
    regime: Regime,
    stories: Vec<Story>,
    stream: Stream,
    /// Epochs so far.
    epochs: u64,
    /// What the model held best in the last round, in the order asked; empty before the first.
    answers: Vec<u32>,
    /// Share of the last round's answers that are right.
    right: f64,
}

/// Where a student's answers come from.
pub(crate) enum Student<'a> {
    /// A model and its parameters.
    Model(&'a mut Judge, &'a mut Buffer),
    /// Answers it gave before, in the order asked.
    Again(&'a [u32]),
}

impl Rounds {
    /// A student of `regime`; `stories` has the answers of its first round.
    pub(crate) fn new(
        settings: Online,
        regime: Regime,
        stories: &[Story],
        stream: Stream,
    ) -> Result<Self, Error> {
        let (mut asked, mut right) = (0, 0);
        for story in stories {
            for (at, turn) in story.turns.iter().enumerate() {
                let unknown = || Error::data(DATASET, format!("nobody says {:?}", turn.question));
                let fact = supporting_fact(story, at).ok_or_else(unknown)?;
                asked += 1;
                right += u64::from(turn.answer == fact.place);
            }
        }
        let stories = stories.to_vec();
        let right = share(right, asked);
        Ok(Self { settings, regime, stories, stream, epochs: 0, answers: Vec::new(), right })
    }

    /// The stories with each place as the answer to every question: all that a teacher can say.
    pub(crate) fn possible(&self) -> Vec<Story> {
        let mut rng = self.stream.rng(u64::MAX);
        let mut answer_all = |place: &str| -> Vec<Story> {
            let mut play = |story: &Story| Story {
                turns: (0..story.turns.len())
                    .map(|at| self.play(story, at, Some(place), &mut rng))
                    .collect(),
            };
            self.stories.iter().map(&mut play).collect()
        };
        PLACES.into_iter().flat_map(&mut answer_all).collect()
    }

    fn play(
        &self,
        story: &Story,
        at: usize,
        answer: Option<&str>,
        rng: &mut impl rand::Rng,
    ) -> Turn {
        let fact = supporting_fact(story, at).expect("every question was found to have a fact");
        answered(&story.turns[at], self.regime, &fact, answer, rng)
    }

    /// Percentage of the newest round's answers that are right.
    pub(crate) fn accuracy(&self) -> f64 {
        100.0 * self.right
    }

    /// Counts an epoch; whether a round follows it.
    pub(crate) fn count_epoch(&mut self) -> bool {
        self.epochs += 1;
        self.epochs.is_multiple_of(self.settings.every)
    }

    /// Lets a student answer every question, and gives what can be learned from that.
    pub(crate) fn round(
        &mut self,
        mut student: Student<'_>,
        vocabulary: &Vocabulary,
        params: &Params,
    ) -> Result<Vec<Example>, Error> {
        let mut heard: Vec<Heard<'_>> =
            self.stories.iter().map(|_| Heard::new(vocabulary, params)).collect();
        let total: usize = self.stories.iter().map(|story| story.turns.len()).sum();
        let first = self.epochs / self.settings.every * total as u64;
        let (mut answers, mut examples, mut right) = (Vec::with_capacity(total), Vec::new(), 0);
        let turns = self.stories.iter().map(|story| story.turns.len()).max().unwrap_or(0);
        for at in 0..turns {
            let here = || self.stories.iter().enumerate().filter(|(_, s)| at < s.turns.len());
            let questions: Vec<Example> =
                here().map(|(story, told)| heard[story].question(&told.turns[at])).collect();
            let best = student.answer(questions, answers.len())?;
            for ((number, story), best) in here().zip(best) {
                let mut rng = self.stream.rng(first + answers.len() as u64);
                let expert = is_expert(self.regime, &mut rng);
                let explores = rng.random_bool(self.settings.epsilon);
                let chosen =
                    if explores { rng.random_range(0..PLACES.len()) } else { best as usize };
                let answer = (!expert).then_some(PLACES[chosen]);
                let turn = self.play(story, at, answer, &mut rng);
                let fact = supporting_fact(story, at);
                right += u64::from(fact.is_some_and(|fact| fact.place == turn.answer));
                examples.extend(heard[number].turn(&turn, story.turns.get(at + 1))?);
                answers.push(best);
            }
        }
        self.right = share(right, total as u64);
        self.answers = answers;
        Ok(examples)
    }

    /// Epochs, then the answers of the last round.
    #[expect(clippy::cast_precision_loss, reason = "a run has fewer than 2^52 epochs")]
    pub(crate) fn state(&self) -> Vec<f64> {
        let answers = self.answers.iter().map(|answer| f64::from(*answer));
        std::iter::once(self.epochs as f64).chain(answers).collect()
    }

    /// Takes a [`state`](Self::state) up; what can be learned from its last round, if there was one.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "counts and indices were written as numbers"
    )]
    pub(crate) fn restore(
        &mut self,
        state: &[f64],
        vocabulary: &Vocabulary,
        params: &Params,
    ) -> Result<Option<Vec<Example>>, Error> {
        let total: usize = self.stories.iter().map(|story| story.turns.len()).sum();
        let known = |answer: &f64| PLACES.get(*answer as usize).is_some();
        let (epochs, answers) = match state {
            [epochs, answers @ ..]
                if answers.is_empty() || (answers.len() == total && answers.iter().all(known)) =>
            {
                (*epochs as u64, answers.iter().map(|answer| *answer as u32).collect::<Vec<_>>())
            }
            _ => {
                let found = state.len().saturating_sub(1);
                let message =
                    format!("wanted the places answered to {total} questions, found {found}");
                return Err(Error::Checkpoint(message));
            }
        };
        self.epochs = epochs;
        if answers.is_empty() {
            return Ok(None);
        }
        self.round(Student::Again(&answers), vocabulary, params).map(Some)
    }
}

impl Student<'_> {
    /// Answers to questions, of which `before` were asked earlier.
    fn answer(&mut self, mut questions: Vec<Example>, before: usize) -> Result<Vec<u32>, Error> {
        match self {
            Self::Again(answers) => Ok(answers[before..before + questions.len()].to_vec()),
            Self::Model(judge, params) => {
                questions.iter_mut().for_each(|question| question.answer = Some(0));
                judge
                    .questions(&questions)
                    .and_then(|mut questions| judge.answer(params, &mut questions))
                    .map_err(|e| Error::other("answering the training questions", e))
            }
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a set has fewer than 2^52 questions")]
fn share(part: u64, whole: u64) -> f64 {
    part as f64 / whole as f64
}
