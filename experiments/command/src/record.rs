//! What a program reported becomes the run's record.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use experiment::{Error, Run, SinkError};
use rustix::fs::OFlags;

use crate::message::Message;
use crate::pattern::{Found, Search};

/// How long a program that said something wrong may go on before that is told.
const TELL_AFTER: Duration = Duration::from_secs(5);
/// Refused lines that an error shows.
const SHOWN: usize = 5;
/// Largest file that is kept: it passes through memory.
const LARGEST: u64 = 4 << 30;

/// What a program reported so far.
pub(crate) struct Record<'r, 'a> {
    pub(crate) run: &'r mut Run<'a>,
    checkpoint: PathBuf,
    /// Whether a checkpoint was taken.
    taken: bool,
    /// Lines of the metrics descriptor.
    lines: u64,
    /// How many values each metric had that came without a step.
    counts: BTreeMap<String, u64>,
    /// The newest value of each metric that came with a step or was counted.
    last: BTreeMap<String, f64>,
    /// What was said to be final, or not to be there.
    finals: BTreeMap<String, Option<f64>>,
    refused: Refused,
}

/// What could not be taken in.
#[derive(Debug, Default)]
struct Refused {
    count: u64,
    shown: Vec<String>,
    first: Option<Instant>,
    told: bool,
}

impl<'r, 'a> Record<'r, 'a> {
    pub(crate) fn new(run: &'r mut Run<'a>, checkpoint: PathBuf) -> Self {
        Self {
            run,
            checkpoint,
            taken: false,
            lines: 0,
            counts: BTreeMap::new(),
            last: BTreeMap::new(),
            finals: BTreeMap::new(),
            refused: Refused::default(),
        }
    }

    /// A line of the metrics descriptor; `None` is one that was too long.
    pub(crate) fn line(&mut self, line: Option<&[u8]>) -> Result<(), Error> {
        self.lines += 1;
        let message = match line {
            Some(line) if line.trim_ascii().is_empty() => return Ok(()),
            Some(line) => Message::parse(line.trim_ascii()),
            None => Err(Message::too_long()),
        };
        match message {
            Ok(message) => self.message(message),
            Err(why) => {
                self.refuse_line(&why);
                Ok(())
            }
        }
    }

    fn message(&mut self, message: Message) -> Result<(), Error> {
        match message {
            Message::Values { step, values } => {
                for (metric, value) in values {
                    self.run.record(step, &metric, value)?;
                    self.last.insert(metric, value);
                }
                Ok(())
            }
            Message::Final(values) => {
                self.finals.extend(values);
                Ok(())
            }
            Message::Progress(done, total) => {
                self.run.progress(done, total);
                Ok(())
            }
            Message::Row { table, row } => self.run.table(&table, &row),
            Message::Artifact(path) => {
                let name = Path::new(&path).file_name().unwrap_or_default().to_string_lossy();
                match self.keep(Path::new(&path), &name)? {
                    Ok(()) => Ok(()),
                    Err(why) => {
                        self.refuse_line(&format!("artifact {path}: {why}"));
                        Ok(())
                    }
                }
            }
            Message::Checkpoint => self.take_checkpoint(),
        }
    }

    /// What patterns found in a stream.
    pub(crate) fn said(&mut self, stream: &str, search: &mut Search) -> Result<(), Error> {
        for found in search.take() {
            match found {
                Ok(Found { metric, step, value }) => {
                    let count = self.counts.entry(metric.clone()).or_default();
                    *count += 1;
                    self.run.record(step.unwrap_or(*count), &metric, value)?;
                    self.last.insert(metric, value);
                }
                Err((why, text)) => self.refuse(format!("{stream}: {why}\n  {text}")),
            }
        }
        Ok(())
    }

    fn refuse_line(&mut self, why: &str) {
        self.refuse(format!("line {} of the metrics: {why}", self.lines));
    }

    fn refuse(&mut self, why: String) {
        self.refused.count += 1;
        self.refused.first.get_or_insert_with(Instant::now);
        if self.refused.shown.len() < SHOWN {
            self.refused.shown.push(why);
        }
    }

    /// Says early that a run which takes long will have failed.
    pub(crate) fn tell_of_refusals(&mut self) {
        let refused = &mut self.refused;
        if let Some(first) = refused.first.filter(|_| !refused.told)
            && first.elapsed() >= TELL_AFTER
        {
            refused.told = true;
            let text = format!("goes on, and will have failed: {}", refused.shown[0]);
            self.run.warn(&text);
        }
    }

    /// Keeps a file; `Ok(Err)` says why it is none to be kept.
    pub(crate) fn keep(&mut self, path: &Path, name: &str) -> Result<Result<(), String>, Error> {
        let bytes = match read_regular(path) {
            Ok(bytes) => bytes,
            Err(error) => return Ok(Err(error.to_string())),
        };
        match self.run.artifact(name, &bytes) {
            Err(Error::Sink(SinkError { source, .. }))
                if source.kind() == io::ErrorKind::InvalidInput =>
            {
                Ok(Err(source.to_string()))
            }
            kept => kept.map(Ok),
        }
    }

    /// Saves the program's checkpoint, if one is due, and removes it to say so.
    fn take_checkpoint(&mut self) -> Result<(), Error> {
        let bytes = match read_regular(&self.checkpoint) {
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

    /// Whether a metric had any value.
    pub(crate) fn has(&self, metric: &str) -> bool {
        self.last.contains_key(metric) || self.finals.get(metric).is_some_and(Option::is_some)
    }

    /// Whether patterns found anything.
    pub(crate) fn found_any(&self) -> bool {
        !self.counts.is_empty()
    }

    /// Final metrics whose value was said to be null.
    pub(crate) fn nulls(&self) -> Vec<String> {
        let null = self.finals.iter().filter(|(_, value)| value.is_none());
        null.map(|(metric, _)| metric.clone()).collect()
    }

    /// Fails if anything was refused.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let Refused { count, shown, .. } = &self.refused;
        let what = match count {
            0 => return Ok(()),
            1 => "what it reported was refused".into(),
            count => format!("{count} lines of what it reported were refused"),
        };
        let mut text: String = shown.iter().map(|why| format!("\n{why}")).collect();
        if *count > shown.len() as u64 {
            text.push_str(&format!("\nand {} more", count - shown.len() as u64));
        }
        Err(Error::other(what, text))
    }

    /// Sets final metrics: those that were said to be, else the newest values.
    pub(crate) fn results(&mut self) -> Result<(), Error> {
        let finals = std::mem::take(&mut self.finals);
        for (metric, value) in &self.last {
            if !finals.contains_key(metric) {
                self.run.result(metric, *value)?;
            }
        }
        let said = finals.iter().filter_map(|(metric, value)| Some((metric, (*value)?)));
        said.into_iter().try_for_each(|(metric, value)| self.run.result(metric, value))
    }
}

/// The content of a regular file. Of anything else reading might never end.
fn read_regular(path: &Path) -> io::Result<Vec<u8>> {
    let wrong =
        |found: &str| Err(io::Error::other(format!("wanted a regular file, found {found}")));
    let nonblocking = OFlags::NONBLOCK.bits().cast_signed();
    if !fs::metadata(path)?.is_file() {
        return wrong("something else");
    }
    let file = File::options().read(true).custom_flags(nonblocking).open(path)?;
    let found = file.metadata()?;
    if !found.is_file() {
        return wrong("something else");
    }
    let mut bytes = Vec::with_capacity(found.len().min(LARGEST) as usize);
    file.take(LARGEST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST {
        return wrong(&format!("more than {} GiB", LARGEST >> 30));
    }
    Ok(bytes)
}
