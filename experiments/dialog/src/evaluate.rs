//! A model that another run stored, asked the test questions of this one.

use experiment::{Error, Needed, Run};
use learn::{KeptModel, kept_weights, placed};

use crate::params::{Data, Params};
use crate::stored::Description;
use crate::stories::Stories;
use crate::task::DialogTask;

/// Answers the test questions of `asking` by the model of the run `needed`, which reads them with its
/// own parameters and words: a word that it never saw is left out.
pub(crate) fn evaluate(needed: &Needed, asking: &Params, run: &mut Run<'_>) -> Result<(), Error> {
    let model = Description::of(needed)?;
    if model.params.data == Data::MovieQa {
        let what = "its model answers questions about movies; wanted one that was told stories";
        return Err(Error::other(format!("run {}", needed.id().short()), what));
    }
    let weights = kept_weights(&model.layout(), &|name| needed.read(name))?;
    let mut weights = placed(&weights)?;
    let mut task = DialogTask::new(Stories::of_model(model, asking, run)?)?;
    let accuracy = task.test("answers", &mut weights, run)?;
    run.result("test_accuracy", accuracy)
}
