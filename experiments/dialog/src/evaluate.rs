//! A model that another run stored, asked the test questions of this one.

use datasets::babi_dialog::Story;
use experiment::{Error, Needed, Run};

use crate::examples::{Example, examples};
use crate::judge::Judge;
use crate::model::Shape;
use crate::params::Data;
use crate::stored::Description;
use crate::text::Vocabulary;
use crate::{Answer, accuracy};

/// Answers the questions of `test` by the model of the run `needed`, which reads them with its own
/// parameters and words: a word that it never saw is left out.
pub(crate) fn evaluate(needed: &Needed, test: &[Story], run: &mut Run<'_>) -> Result<(), Error> {
    let description = Description::of(needed)?;
    if description.params.data == Data::MovieQa {
        let what = "its model answers questions about movies; wanted one that was told stories";
        return Err(Error::other(format!("run {}", needed.id().short()), what));
    }
    let shaped = |e| Error::other("tracing the memory network", e);
    let layout = description.layout();
    let mut weights = description.stored(&layout, needed)?;
    let Description { params, vocabulary, times, .. } = description;
    let vocabulary = Vocabulary::from_words(vocabulary, times);
    let asked = examples(test, &vocabulary, &params)?;
    let memories = || asked.iter().flat_map(|example| &example.memories);
    let longest = |words: &dyn Fn(&Example) -> usize| asked.iter().map(words).max().unwrap_or(0);
    let shape = Shape {
        memories: longest(&|example| example.memories.len()).max(1),
        memory_words: memories().map(Vec::len).max().unwrap_or(0).max(1),
        question_words: longest(&|example| example.question.len()).max(1),
        hops: params.hops(),
    };
    let mut judge = Judge::new(&layout, &vocabulary, shape).map_err(shaped)?;
    let mut questions = judge.questions(&asked).map_err(shaped)?;
    let answers = judge
        .answer(&mut weights, &mut questions)
        .map_err(|e| Error::other("answering the test questions", e))?;
    Answer::list(&answers, questions.right(), run)?;
    run.result("test_accuracy", accuracy(&answers, questions.right()))
}
