use std::fs;

use experiment::{Error, ParamError, Tool, ToolContext};
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
    let folder = folder(&arguments.run, context)?;
    let description = Description::open(&folder)?;
    let mut model: Box<dyn Talker> = match description.params.data {
        Data::MovieQa => Box::new(StoredMovies::open(&description, &folder, &context.data)?),
        Data::Released | Data::Generated => Box::new(StoredModel::open(description, &folder)?),
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

/// The artifact folder of the one run whose id begins with `prefix`.
fn folder(prefix: &str, context: &ToolContext<'_>) -> Result<std::path::PathBuf, Error> {
    let folders = fs::read_dir(&context.artifacts)
        .map_err(|e| Error::other(format!("reading {}", context.artifacts.display()), e))?;
    let found: Vec<_> = folders
        .filter_map(Result::ok)
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(prefix))
        .map(|entry| entry.path())
        .collect();
    match found.as_slice() {
        [one] => Ok(one.clone()),
        many => {
            let found = format!("{prefix:?}, which begins {}", many.len());
            Err(ParamError::new("run", "the beginning of one run's id", found).into())
        }
    }
}
