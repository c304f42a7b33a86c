//! Commands that an experiment adds to the command line.

use std::io::{BufRead, Write};
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{DataPaths, Error, ParamError};

/// What a tool works with: given streams, data and stored artifacts.
pub struct ToolContext<'a> {
    /// Lines from the user.
    pub input: &'a mut dyn BufRead,
    /// Answers for the user.
    pub output: &'a mut dyn Write,
    /// Where data files lie.
    pub data: DataPaths,
    /// The store's artifact folder, `<results>/artifacts`.
    pub artifacts: PathBuf,
}

type RunTool = Box<dyn Fn(Value, &mut ToolContext<'_>) -> Result<(), Error> + Send + Sync>;

/// A paper's own command, `regimen EXPERIMENT TOOL`, with what its schema requires by place and the
/// rest as `--arg value`.
pub struct Tool {
    /// Name on the command line.
    pub name: &'static str,
    /// One sentence for help.
    pub summary: &'static str,
    /// JSON Schema of the arguments: an object whose properties become those of the command line.
    pub schema: Value,
    run: RunTool,
}

impl Tool {
    /// A tool over typed arguments.
    pub fn new<A: DeserializeOwned + JsonSchema + 'static>(
        name: &'static str,
        summary: &'static str,
        run: fn(&A, &mut ToolContext<'_>) -> Result<(), Error>,
    ) -> Self {
        let erased = move |args: Value, context: &mut ToolContext<'_>| {
            let found = args.to_string();
            let args: A = serde_json::from_value(args)
                .map_err(|e| ParamError::new(name, e.to_string(), found))?;
            run(&args, context)
        };
        Self { name, summary, schema: schemars::schema_for!(A).into(), run: Box::new(erased) }
    }

    /// Runs the tool with arguments as a JSON object.
    ///
    /// # Errors
    /// [`Error::Param`] for arguments that do not fit the schema, or any error of the tool.
    pub fn run(&self, args: Value, context: &mut ToolContext<'_>) -> Result<(), Error> {
        (self.run)(args, context)
    }
}
