//! The experiment `command`: one program, run with its parameters until it ends.
//!
#![doc = include_str!("../README.md")]

mod arguments;
mod base;
mod code;
mod files;
mod message;
mod metrics;
mod output;
mod params;
mod pattern;
mod placeholder;
mod process;
mod program;
mod python;
mod record;
mod screen;
mod session;
mod words;

use std::borrow::Cow;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use datasets::Store;
use experiment::{
    Code, DataPaths, DataRef, Error, Experiment, FileSum, Items, Metric, NeedRef, ParamError, Run,
};
use serde_json::Value;

use code::GIT;
use pattern::Patterns;
use placeholder::{CONFIG, DATA, OfNeeded, PYTHON, Word, of_needed};
use process::{Failure, Process};
use record::Record;
use session::Session;

pub use arguments::{Arguments, Flags, Lists, Nulls};
pub use metrics::{Goal, OfItems, Reported};
pub use params::{Directory, IdentityBy, Params, Pass, Program};
pub use program::{ProgramError, find};

/// The variable by which libraries find the graphics processors they may use.
const GPUS: &str = "CUDA_VISIBLE_DEVICES";

/// The experiment.
#[derive(Debug, Clone)]
pub struct Command {
    params: Params,
    words: Vec<Word>,
    environment: Vec<(String, Word)>,
    patterns: Patterns,
}

impl Experiment for Command {
    type Params = Params;
    const NAME: &'static str = "command";
    const VERSION: u32 = 1;
    const SUMMARY: &'static str = "Any external program: parameters in, metrics out";
    const METRICS: &'static [Metric] = &[];
    const ANY_METRIC: bool = true;
    const STARTS_PROGRAMS: bool = true;

    fn new(params: Params) -> Result<Self, ParamError> {
        params.check()?;
        let (words, environment) = (params.words()?, params.variables()?);
        Ok(Self { words, environment, patterns: Patterns::new(&params)?, params })
    }

    fn consult(&self) -> Result<(), ParamError> {
        let is_there = Path::new(&self.params.config).is_file();
        if is_there { self.configuration().map(drop) } else { Ok(()) }
    }

    /// Those with a goal first: search looks at the first one.
    fn metrics(&self) -> Vec<Metric> {
        let declared = self.params.metrics.iter();
        let mut metrics: Vec<_> = declared.map(|(name, reported)| reported.metric(name)).collect();
        metrics.sort_by_key(|metric| metric.better.is_none());
        metrics
    }

    fn identity(params: &Params) -> Cow<'_, Params> {
        params.identity()
    }

    fn data(&self) -> Vec<DataRef> {
        let config = Some(&self.params.config).filter(|config| !config.is_empty());
        let files = self.params.files.iter().chain(config).map(|file| DataRef::file(file));
        let git = (self.params.identity == IdentityBy::Git).then(|| DataRef { name: GIT.into() });
        let files = files.chain(git);
        files.chain(self.params.data.iter().map(|name| DataRef { name: name.clone() })).collect()
    }

    fn needs(&self) -> Vec<NeedRef> {
        let words = self.words.iter().chain(self.environment.iter().map(|(_, word)| word));
        let places = words.flat_map(Word::places).filter_map(of_needed);
        let mut names: Vec<&str> = places.map(|(name, _)| name).collect();
        names.sort_unstable();
        names.dedup();
        names
            .into_iter()
            .map(|name| NeedRef { name: name.into(), path: "program".into() })
            .collect()
    }

    fn step_metrics(&self) -> Vec<Metric> {
        self.metrics()
    }

    fn file_sum(name: &str) -> Option<Result<FileSum, String>> {
        if name == GIT { Some(code::checksum()) } else { experiment::sum_of(name) }
    }

    fn items(&self) -> Vec<Items> {
        let declared = self.params.metrics.iter();
        declared.filter_map(|(name, reported)| reported.items(name)).collect()
    }

    fn programs(&self) -> Vec<String> {
        self.words.first().and_then(|word| word.known(&self.params.texts())).into_iter().collect()
    }

    fn code(&self) -> Code {
        self.programs().first().map_or_else(Code::default, |program| code::of(program))
    }

    fn run(&self, run: &mut Run<'_>) -> Result<(), Error> {
        let folders = Folders::make(run, &self.params.config)?;
        let mut words: Vec<OsString> = self.filled(run, &folders)?;
        let program = words[0].to_string_lossy().into_owned();
        let found = find(&program).map_err(|error| Error::other("starting the program", error))?;
        if self.params.directory == Directory::Own && program.contains('/') {
            // Its path starts at the folder that regimen is started in.
            words[0] = found.into();
        }
        if let Some(base) = self.configuration().map_err(|error| Error::other("config", error))? {
            let text = base.text().map_err(|why| Error::other("writing the configuration", why))?;
            let written = fs::write(&folders.config, text);
            written.map_err(|e| Error::machine(folders.config.display().to_string(), e))?;
        }
        let resumed = run.resume()?;
        if let Some(bytes) = &resumed {
            let restored = fs::write(&folders.checkpoint, bytes);
            restored.map_err(|e| Error::machine(folders.checkpoint.display().to_string(), e))?;
        }
        let variables = self.variables(run, &folders)?;
        let own = (self.params.directory == Directory::Own).then_some(&*folders.own);
        let started = Process::start(&words, variables, own);
        let started = started.map_err(|e| Error::machine(format!("starting {program}"), e))?;
        let record = Record::new(run, folders.checkpoint.clone());
        let grace = Duration::from_secs_f64(self.params.grace_seconds);
        let mut session = Session::new(started, &self.patterns, record, grace);
        let status = session.follow()?;
        if session.was_stopped() {
            return Err(Error::Interrupted);
        }
        let last_words = session.last_words();
        match Failure::of(status) {
            None => {}
            Some(Failure::Code(how)) => {
                return Err(Error::other(format!("{program} {how}"), last_words));
            }
            Some(Failure::Signal(how)) => {
                let context = format!("{program} {how}");
                return Err(Error::Crashed { context, source: last_words.into() });
            }
        }
        if resumed.is_none() {
            self.warn_of_what_is_missing(&mut session);
        }
        self.publish(&mut session.record, &folders.own)?;
        session.record.check()?;
        session.record.results()
    }
}

/// What a place stands for that is about a run which the run builds on.
fn needed(run: &Run<'_>, name: &str, what: OfNeeded<'_>) -> Result<OsString, Error> {
    let needed = run.needed(name)?;
    Ok(match what {
        OfNeeded::Artifact(file) => needed.artifact(file)?.into(),
        OfNeeded::Artifacts => needed.folder().into(),
        OfNeeded::Metric(metric) => needed.metric(metric)?.to_string().into(),
        OfNeeded::Param(path) => words::word(needed.param(path)?).into(),
        OfNeeded::Run => needed.id().to_string().into(),
        OfNeeded::Seed => needed.seed().to_string().into(),
    })
}

/// The folder that regimen was started in.
fn here() -> Result<PathBuf, Error> {
    std::env::current_dir().map_err(|error| Error::machine("finding the current folder", error))
}

/// The files of one attempt.
struct Folders {
    checkpoint: PathBuf,
    params: PathBuf,
    /// The program's configuration.
    config: PathBuf,
    /// The program's own.
    own: PathBuf,
}

impl Folders {
    fn make(run: &mut Run<'_>, config: &str) -> Result<Self, Error> {
        let folder = run.scratch()?;
        let own = folder.join("folder");
        fs::create_dir(&own).map_err(|e| Error::machine(own.display().to_string(), e))?;
        let (checkpoint, params) = (folder.join("checkpoint"), folder.join("params.json"));
        let config = folder.join("config").with_extension(base::ending(Path::new(config)));
        Ok(Self { checkpoint, params, config, own })
    }
}

impl Command {
    /// The program's own configuration with the values of the run, if it has one.
    fn configuration(&self) -> Result<Option<base::Base>, ParamError> {
        if self.params.config.is_empty() {
            return Ok(None);
        }
        base::filled(&self.params.config, &self.params.passed(&self.words)).map(Some)
    }

    /// A word with every place filled.
    fn fill(&self, word: &Word, run: &Run<'_>, folders: &Folders) -> Result<OsString, Error> {
        let texts = self.params.texts();
        word.fill(|place: &str| -> Result<OsString, Error> {
            if let Some((name, what)) = of_needed(place) {
                return needed(run, name, what);
            }
            if let Some(name) = place.strip_prefix(DATA) {
                let DataPaths { cache, mirror, offline } = run.data();
                let opened = Store::new(cache, mirror.as_deref(), *offline).open(name);
                let folder = opened.map_err(|error| Error::data(name, error))?;
                return Ok(folder.path().into());
            }
            Ok(match place {
                "seed" => run.seed().to_string().into(),
                "threads" => run.threads().to_string().into(),
                "run" => run.id().to_string().into(),
                "folder" => folders.own.clone().into(),
                "params" => folders.params.clone().into(),
                "checkpoint" => folders.checkpoint.clone().into(),
                "here" => here()?.into(),
                PYTHON => python::interpreter().into(),
                CONFIG => folders.config.clone().into(),
                value => {
                    let name = value.strip_prefix("values.").unwrap_or(value);
                    texts.get(name).cloned().unwrap_or_default().into()
                }
            })
        })
    }

    /// The program and its arguments.
    fn filled(&self, run: &Run<'_>, folders: &Folders) -> Result<Vec<OsString>, Error> {
        let words = self.words.iter().map(|word| self.fill(word, run, folders));
        let words: Result<Vec<OsString>, _> = words.collect();
        let mut words = words?;
        if self.params.pass == Pass::Arguments {
            for (name, value) in self.params.passed(&self.words) {
                let given = self.params.arguments.words(&name, value);
                words.extend(given.into_iter().map(OsString::from));
            }
        }
        Ok(words)
    }

    /// Writes the file of parameters, and gives the variables.
    fn variables(
        &self,
        run: &Run<'_>,
        folders: &Folders,
    ) -> Result<Vec<(String, OsString)>, Error> {
        let Folders { checkpoint, params, own, .. } = folders;
        let values = self.params.values.clone().into_iter().collect();
        let written = fs::write(params, words::json(&Value::Object(values)));
        written.map_err(|e| Error::machine(params.display().to_string(), e))?;
        let threads = run.threads().to_string();
        let mut variables: Vec<(String, OsString)> = [
            ("REGIMEN_SEED", run.seed().to_string().into()),
            ("REGIMEN_THREADS", threads.clone().into()),
            ("OMP_NUM_THREADS", threads.clone().into()),
            ("OPENBLAS_NUM_THREADS", threads.clone().into()),
            ("MKL_NUM_THREADS", threads.into()),
            ("REGIMEN_RUN_ID", run.id().to_string().into()),
            ("REGIMEN_FOLDER", own.into()),
            ("REGIMEN_PARAMS", params.into()),
            ("REGIMEN_METRICS_FD", process::METRICS_FD.to_string().into()),
            ("REGIMEN_CHECKPOINT", checkpoint.into()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into();
        if !run.gpus().is_empty() {
            variables.push((GPUS.into(), run.gpus().join(",").into()));
        }
        if self.params.pass == Pass::Environment {
            let passed = self.params.passed(&self.words).into_iter();
            let variable = |name: &str| self.params.variable(name);
            variables
                .extend(passed.map(|(name, value)| (variable(&name), words::word(value).into())));
        }
        for (name, word) in &self.environment {
            variables.push((name.clone(), self.fill(word, run, folders)?));
        }
        Ok(variables)
    }

    /// A metric that was declared and never came is no failure, and is never meant.
    fn warn_of_what_is_missing(&self, session: &mut Session<'_, '_>) {
        let pieces = session.pieces();
        let record = &mut session.record;
        let lines =
            if pieces == 1 { "its only line".into() } else { format!("its {pieces} lines") };
        for (metric, reported) in &self.params.metrics {
            if record.has(metric) {
                continue;
            }
            record.run.warn(&match &reported.pattern {
                _ if record.nulls().contains(metric) => {
                    format!("metric {metric}: its final value is null")
                }
                Some(_) if pieces == 0 => {
                    format!("metric {metric}: no value, because the program printed nothing")
                }
                Some(pattern) => {
                    format!("metric {metric}: no value, because {pattern:?} is nowhere in {lines} of output")
                }
                None => format!("metric {metric}: no value came by descriptor 3"),
            });
        }
        for metric in record.nulls() {
            if !self.params.metrics.contains_key(&metric) {
                record.run.warn(&format!("metric {metric}: its final value is null"));
            }
        }
        if !self.params.pattern.is_empty() && !record.found_any() {
            let text = format!(
                "no metric, because {:?} is nowhere in {lines} of output",
                self.params.pattern
            );
            record.run.warn(&text);
        }
    }

    /// Keeps the files of the program's own folder that are asked for.
    fn publish(&self, record: &mut Record<'_, '_>, folder: &Path) -> Result<(), Error> {
        for pattern in &self.params.publish {
            let files = files::below(folder, pattern);
            if files.is_empty() {
                record.run.warn(&format!("publish: no file in its folder is {pattern}"));
            }
            for (name, path) in files {
                if let Err(why) = record.keep(&path, &name)? {
                    record.run.warn(&format!("publish: {name}: {why}"));
                }
            }
        }
        Ok(())
    }
}
