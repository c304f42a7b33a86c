//! `regimen dialog ask`: answers questions from standard input by a stored model.

use experiment::{Error, Tool, ToolContext};
use learn::KeptModel;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::movies::StoredMovies;
use crate::params::Data;
use crate::stored::{Description, StoredModel, Talker};

/// Arguments of `regimen dialog ask`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// Id of a run with `keep_model: true`, or its first digits.
    run: String,
}

/// `regimen dialog ask`: reads statements and questions (lines that end in `?`), one a line, and
/// answers each question: the answer, what the model attended to, and the reply that it expects. An
/// empty line begins a new story. A model of MovieQA takes questions only.
pub(crate) fn tool() -> Tool {
    Tool::new("ask", "Tell a trained model a story line by line and ask it questions", ask)
}

fn ask(arguments: &Arguments, context: &mut ToolContext<'_>) -> Result<(), Error> {
    let run = context.run_with_model(Description::FILE, &arguments.run)?;
    let kept = |name: &str| context.artifact(&run, name);
    let description = Description::open(&kept)?;
    let mut model: Box<dyn Talker> = match description.params.data {
        Data::MovieQa => Box::new(StoredMovies::open(&description, &kept, &context.data)?),
        Data::Released | Data::Generated => Box::new(StoredModel::open(description, &kept)?),
    };
    let talking = |e| Error::other("talking", e);
    let mut line = String::new();
    loop {
        line.clear();
        if context.input.read_line(&mut line).map_err(talking)? == 0 {
            return Ok(());
        }
        let text = line.trim();
        let said = if text.is_empty() {
            model.forget();
            Ok(None)
        } else if text.ends_with('?') {
            model.ask(text).map(Some)
        } else {
            model.tell(text).map(|()| None)
        };
        match said {
            Ok(None) => {}
            Ok(Some(answer)) => write!(context.output, "{answer}").map_err(talking)?,
            // A slip of the keyboard should not end the conversation.
            Err(error) => writeln!(context.output, "? {}", error.chain()).map_err(talking)?,
        }
    }
}
