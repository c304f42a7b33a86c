#![doc = include_str!("../README.md")]

mod files;
mod message;
mod output;
mod params;
mod pattern;
mod process;
mod words;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use experiment::{DataRef, Error, Experiment, Metric, ParamError, Run};
use rustix::process::Signal;
use serde_json::Value;
use tempfile::TempDir;

use message::Message;
use output::{Heard, Tail};
use pattern::Patterns;
use process::{Process, Streams};

pub use files::{FILE, checksum};
pub use params::{Params, Pass};

/// How often the request to stop and the end of the program are looked for.
const LOOK: Duration = Duration::from_millis(20);
/// How long output is waited for that something which outlives the program holds open.
const LINGER: Duration = Duration::from_secs(2);

/// The experiment.
#[derive(Debug, Clone)]
pub struct Command {
    params: Params,
    patterns: Patterns,
}

impl Experiment for Command {
    type Params = Params;
    const NAME: &'static str = "command";
    const VERSION: u32 = 1;
    const SUMMARY: &'static str = "Any external program: parameters in, metrics out";
    const METRICS: &'static [Metric] = &[];
    const ANY_METRIC: bool = true;

    fn new(params: Params) -> Result<Self, ParamError> {
        params.check()?;
        Ok(Self { patterns: Patterns::new(&params)?, params })
    }

    fn data(&self) -> Vec<DataRef> {
        let name = |file: &String| DataRef { name: format!("{FILE}{}", files::spelled(file)) };
        self.params.files.iter().map(name).collect()
    }

    fn metrics(&self) -> Vec<Metric> {
        let named =
            |name: &String| Metric { name: name.clone().into(), unit: "".into(), better: None };
        self.params.metrics.keys().map(named).collect()
    }

    fn step_metrics(&self) -> Vec<Metric> {
        self.metrics()
    }

    fn identity(params: &Params) -> Cow<'_, Params> {
        params.identity()
    }

    fn programs(&self) -> Vec<String> {
        self.params.program.first().cloned().into_iter().collect()
    }

    fn run(&self, run: &mut Run<'_>) -> Result<(), Error> {
        let program = &self.params.program[0];
        let wrong = |error| Error::other(format!("starting {program}"), error);
        let folder = TempDir::new().map_err(wrong)?;
        let checkpoint = folder.path().join("checkpoint");
        if let Some(bytes) = run.resume()? {
            fs::write(&checkpoint, bytes).map_err(wrong)?;
        }
        let variables = self.variables(run, folder.path()).map_err(wrong)?;
        let (process, streams) = Process::start(&self.words(), variables).map_err(wrong)?;
        let tail = Tail::default();
        let heard = self.listen(streams, &tail);
        let mut session = Session {
            run,
            process,
            checkpoint,
            taken: false,
            last: BTreeMap::new(),
            stop: None,
            grace: Duration::from_secs_f64(self.params.grace_seconds),
        };
        let status = session.follow(&heard)?;
        if session.stop.is_some() {
            return Err(Error::Interrupted);
        }
        if let Some(how) = process::failure(status) {
            return Err(Error::other(format!("{program} {how}"), tail.text()));
        }
        session.results()
    }
}

impl Command {
    fn words(&self) -> Vec<String> {
        let mut words = self.params.program.clone();
        if self.params.pass == Pass::Arguments {
            words.extend(
                self.params.flat().into_iter().flat_map(|(name, text)| [format!("--{name}"), text]),
            );
        }
        words
    }

    fn variables(&self, run: &Run<'_>, folder: &Path) -> io::Result<Vec<(String, String)>> {
        let file = folder.join("params.json");
        let values = self.params.values.clone().into_iter().collect();
        fs::write(&file, words::json(&Value::Object(values)))?;
        let threads = run.threads().to_string();
        let path = |path: &Path| path.to_string_lossy().into_owned();
        let mut variables: Vec<(String, String)> = [
            ("REGIMEN_SEED", run.seed().to_string()),
            ("REGIMEN_THREADS", threads.clone()),
            ("OMP_NUM_THREADS", threads.clone()),
            ("OPENBLAS_NUM_THREADS", threads.clone()),
            ("MKL_NUM_THREADS", threads),
            ("REGIMEN_RUN_ID", run.id().to_string()),
            ("REGIMEN_PARAMS", path(&file)),
            ("REGIMEN_METRICS_FD", process::METRICS_FD.to_string()),
            ("REGIMEN_CHECKPOINT", path(&folder.join("checkpoint"))),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into();
        if self.params.pass == Pass::Environment {
            let flat = self.params.flat().into_iter();
            variables.extend(flat.map(|(name, text)| (self.params.variable(&name), text)));
        }
        Ok(variables)
    }

    /// Reads every stream on a thread of its own. What is heard waits in a short queue, so that a
    /// program which says more than can be recorded waits too.
    fn listen(&self, streams: Streams, tail: &Tail) -> Receiver<Heard> {
        let Streams { metrics, output, errors } = streams;
        let (sender, heard) = sync_channel(64);
        let (patterns, tail, said) = (self.patterns.clone(), tail.clone(), sender.clone());
        thread::spawn(move || output::output(output, io::stdout(), patterns, &said));
        let held = sender.clone();
        thread::spawn(move || {
            tail.follow(errors, io::stderr());
            drop(held);
        });
        thread::spawn(move || output::messages(metrics, &sender));
        heard
    }
}

/// A program under way, with what it said so far.
struct Session<'r, 'a> {
    run: &'r mut Run<'a>,
    process: Process,
    checkpoint: PathBuf,
    /// Whether a checkpoint was taken.
    taken: bool,
    /// The newest values of standard output, final once the program ends.
    last: BTreeMap<String, f64>,
    /// When it was asked to stop.
    stop: Option<Instant>,
    grace: Duration,
}

impl Session<'_, '_> {
    /// Records what is heard until the program has ended.
    fn follow(&mut self, heard: &Receiver<Heard>) -> Result<ExitStatus, Error> {
        let mut ended: Option<(ExitStatus, Instant)> = None;
        let mut looked = Instant::now();
        let mut silent = false;
        loop {
            match heard.recv_timeout(LOOK) {
                Ok(message) => {
                    self.hear(message.map_err(|why| Error::other("what it said", why))?)?;
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    // It closed its streams, so it has ended or is about to.
                    if silent {
                        thread::sleep(LOOK / 10);
                    }
                    silent = true;
                }
            }
            self.stop_if_asked();
            if !silent && looked.elapsed() < LOOK {
                continue;
            }
            looked = Instant::now();
            if ended.is_none() {
                let status = self.process.ended().map_err(|e| Error::other("waiting for it", e))?;
                ended = status.map(|status| (status, looked));
            }
            if let Some((status, at)) = ended
                && (silent || at.elapsed() >= LINGER)
            {
                return Ok(status);
            }
        }
    }

    fn stop_if_asked(&mut self) {
        match self.stop {
            None if self.run.interrupted() => {
                self.stop = Some(Instant::now());
                self.process.signal(Signal::TERM);
            }
            Some(asked) if asked.elapsed() >= self.grace => self.process.signal(Signal::KILL),
            _ => {}
        }
    }

    fn hear(&mut self, message: Message) -> Result<(), Error> {
        match message {
            Message::Values { step, values } => {
                values.iter().try_for_each(|(metric, value)| self.run.record(step, metric, *value))
            }
            Message::Last { step, metric, value } => {
                self.run.record(step, &metric, value)?;
                self.last.insert(metric, value);
                Ok(())
            }
            Message::Final(values) => {
                self.last.extend(values);
                Ok(())
            }
            Message::Progress(done, total) => {
                self.run.progress(done, total);
                Ok(())
            }
            Message::Row { table, row } => self.run.table(&table, &row),
            Message::Artifact(path) => {
                let wrong = |error| Error::other(format!("artifact {path}"), error);
                let bytes = fs::read(&path).map_err(wrong)?;
                let name = Path::new(&path).file_name().unwrap_or_default().to_string_lossy();
                self.run.artifact(&name, &bytes)
            }
            Message::Checkpoint => self.take_checkpoint(),
        }
    }

    /// Saves the program's checkpoint, if one is due, and removes it to say so.
    fn take_checkpoint(&mut self) -> Result<(), Error> {
        let bytes = match fs::read(&self.checkpoint) {
            Ok(bytes) => bytes,
            // A program that does not wait announces one that was taken with the one before.
            Err(error) if error.kind() == io::ErrorKind::NotFound && self.taken => return Ok(()),
            Err(error) => return Err(Error::other("the checkpoint it announced", error)),
        };
        if self.run.checkpoint_due() {
            self.run.checkpoint(&bytes)?;
        }
        self.taken = true;
        fs::remove_file(&self.checkpoint).map_err(|e| Error::other("the checkpoint", e))
    }

    fn results(&mut self) -> Result<(), Error> {
        let last = std::mem::take(&mut self.last);
        last.iter().try_for_each(|(metric, value)| self.run.result(metric, *value))
    }
}
