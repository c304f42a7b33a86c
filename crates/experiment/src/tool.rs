//! A paper's own commands, `regimen EXPERIMENT TOOL`.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs;
use std::io::{self, BufRead, Write};
use std::path::{Path, PathBuf};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::{DataPaths, Error, ParamError, SinkError};

/// A file that a tool writes, by [`ToolContext::write`]; `-` is standard output.
///
/// As an argument it has the user asked before a file is replaced: the command line refuses a file
/// that is there, before the tool begins, unless `--force` is given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OutputFile(PathBuf);

impl OutputFile {
    /// The `format` by which a schema tells such an argument.
    pub const FORMAT: &'static str = "output-file";

    /// A file of this name.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// Its name.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl JsonSchema for OutputFile {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "OutputFile".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "format": Self::FORMAT})
    }
}

/// What surrounds a tool beside its streams. Implemented by the binary; [`MemoryHost`] serves tests.
pub trait Host {
    /// Shows how far the tool is.
    fn progress(&mut self, done: u64, total: u64);
    /// Whether the user wants the tool to stop. A tool that never asks is ended at once.
    fn interrupted(&mut self) -> bool;
    /// Writes a file whole, or leaves what was there.
    ///
    /// # Errors
    /// The file could not be written, or is there and nobody asked for it to be replaced.
    fn write(&mut self, path: &Path, bytes: &[u8]) -> io::Result<()>;
}

/// Keeps everything in memory.
#[derive(Debug, Default)]
pub struct MemoryHost {
    /// What was told of progress, in its order.
    pub progress: Vec<(u64, u64)>,
    /// Files by name.
    pub files: BTreeMap<PathBuf, Vec<u8>>,
    /// Once progress was told so often, the user wants to stop.
    pub stop_after: Option<usize>,
}

impl Host for MemoryHost {
    fn progress(&mut self, done: u64, total: u64) {
        self.progress.push((done, total));
    }

    fn interrupted(&mut self) -> bool {
        self.stop_after.is_some_and(|limit| self.progress.len() >= limit)
    }

    fn write(&mut self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        self.files.insert(path.into(), bytes.into());
        Ok(())
    }
}

/// Why the bytes of a file are not those that its run published: by run, name and bytes.
pub type Verify<'a> = dyn Fn(&str, &str, &[u8]) -> Result<(), String> + 'a;

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
    /// Compares a file with what its run published.
    pub verify: &'a Verify<'a>,
    /// What surrounds the tool.
    pub host: &'a mut dyn Host,
}

impl ToolContext<'_> {
    /// A file of a run, by the run's whole id, as the run published it.
    ///
    /// # Errors
    /// [`Error::Other`] where it cannot be read, [`Error::Checkpoint`] where its bytes are others by now.
    pub fn artifact(&self, run: &str, name: &str) -> Result<Vec<u8>, Error> {
        let path = self.artifacts.join(run).join(name);
        let bytes =
            fs::read(&path).map_err(|e| Error::other(format!("reading {}", path.display()), e))?;
        (self.verify)(run, name, &bytes)
            .map_err(|why| Error::Checkpoint(format!("{}: {why}", path.display())))?;
        Ok(bytes)
    }

    /// The id of the one run that kept a model in a file `name` and whose id begins with `prefix`.
    ///
    /// # Errors
    /// [`Error::Param`] where no such run kept one, or several did; [`Error::Other`] where the folder of
    /// artifacts cannot be read.
    pub fn run_with_model(&self, name: &str, prefix: &str) -> Result<String, Error> {
        let place = self.artifacts.display();
        let kept: Vec<String> = match fs::read_dir(&self.artifacts) {
            // A store without any artifact has no folder for them.
            Err(e) if e.kind() == io::ErrorKind::NotFound => Vec::new(),
            listed => listed
                .map_err(|e| Error::other(format!("reading {place}"), e))?
                .filter_map(Result::ok)
                .filter(|entry| entry.path().join(name).is_file())
                .map(|entry| entry.file_name().to_string_lossy().into_owned())
                .collect(),
        };
        let found: Vec<&String> = kept.iter().filter(|id| id.starts_with(prefix)).collect();
        let some = match (found.as_slice(), kept.len()) {
            ([one], _) => return Ok((*one).clone()),
            ([], 0) => format!("no run in {place} kept one"),
            ([], kept) => format!("none of the {kept} in {place} begins so"),
            (many, _) => format!("{} begin so", many.len()),
        };
        let wanted = "the beginning of the id of one run with a model (`keep_model: true`)";
        Err(ParamError::new("run", wanted, format!("{prefix:?}: {some}")).into())
    }

    /// Tells how far the tool is: `done` of `total` of whatever it counts.
    ///
    /// # Errors
    /// [`Error::Interrupted`] when the user wants the tool to stop.
    pub fn progress(&mut self, done: u64, total: u64) -> Result<(), Error> {
        self.host.progress(done, total);
        if self.host.interrupted() { Err(Error::Interrupted) } else { Ok(()) }
    }

    /// Writes a file whole, or leaves what was there.
    ///
    /// # Errors
    /// [`Error::Sink`] when it could not be written.
    pub fn write(&mut self, file: &OutputFile, bytes: &[u8]) -> Result<(), Error> {
        let what = || file.path().display().to_string();
        let written = self.host.write(file.path(), bytes);
        Ok(written.map_err(|source| SinkError { what: what(), source })?)
    }
}

type RunTool = Box<dyn Fn(Value, &mut ToolContext<'_>) -> Result<(), Error> + Send + Sync>;

/// A paper's own command, with what its schema requires by place and the rest as `--arg value`.
///
/// Arguments are a struct. Its doc comments are the help; an `Option` or a field with
/// `#[serde(default)]` may be left out; `#[schemars(extend("short" = "o"))]` gives `-o`; a list is
/// given an element at a time; a truth value is a flag; [`OutputFile`] is a file to be written.
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
