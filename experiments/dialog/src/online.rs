//! On-line learning: the model answers the training questions itself and the teacher replies.

use datasets::babi_dialog::{
    DATASET, PLACES, Regime, Story, Turn, answered, is_expert, supporting_fact,
};
use experiment::{Error, Stream};
use rand::RngExt;

use crate::examples::{Example, Heard};
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

    /// Lets `student` answer every question, some at a time, and gives what can be learned from that.
    pub(crate) fn round(
        &mut self,
        mut student: impl FnMut(&[Example]) -> Result<Vec<u32>, Error>,
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
            let best = student(&questions)?;
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

    /// Epochs, and the answers of the last round.
    pub(crate) fn state(&self) -> Vec<u8> {
        serde_json::to_vec(&(self.epochs, &self.answers)).expect("numbers are JSON")
    }

    /// Takes a [`state`](Self::state) up; what can be learned from its last round, if there was one.
    pub(crate) fn restore(
        &mut self,
        state: &[u8],
        vocabulary: &Vocabulary,
        params: &Params,
    ) -> Result<Option<Vec<Example>>, Error> {
        let (epochs, answers): (u64, Vec<u32>) = serde_json::from_slice(state)
            .map_err(|e| Error::Checkpoint(format!("on-line learning: {e}")))?;
        let total: usize = self.stories.iter().map(|story| story.turns.len()).sum();
        let known = |answer: &u32| PLACES.get(*answer as usize).is_some();
        let whole = answers.len() == total && answers.iter().all(known);
        if !answers.is_empty() && !whole {
            let found = answers.len();
            let message = format!("wanted the places answered to {total} questions, found {found}");
            return Err(Error::Checkpoint(message));
        }
        self.epochs = epochs;
        if answers.is_empty() {
            return Ok(None);
        }
        let mut again = answers.into_iter();
        let student = |asked: &[Example]| Ok(again.by_ref().take(asked.len()).collect());
        self.round(student, vocabulary, params).map(Some)
    }
}

#[expect(clippy::cast_precision_loss, reason = "a set has fewer than 2^52 questions")]
fn share(part: u64, whole: u64) -> f64 {
    part as f64 / whole as f64
}
