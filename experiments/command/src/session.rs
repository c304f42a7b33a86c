//! A program under way: what it writes becomes the run's record.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::thread;
use std::time::{Duration, Instant};

use experiment::{Error, Run, SinkError};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::OFlags;
use rustix::process::Signal;

use crate::message::Message;
use crate::output::{LONGEST_MESSAGE, Lines, Tail};
use crate::pattern::{Found, Patterns, Search, WINDOW};
use crate::process::{Process, Stream};
use crate::screen::{End, Reader, Screen};

/// How often the request to stop and the end of the program are looked for.
const LOOK: Duration = Duration::from_millis(20);
/// How long output is waited for that something which outlives the program holds open.
const LINGER: Duration = Duration::from_secs(2);
/// How long a program that said something wrong may go on before that is told.
const TELL_AFTER: Duration = Duration::from_secs(5);
/// Refused lines that an error shows.
const SHOWN: usize = 5;
/// Largest file that is kept: it passes through memory.
const LARGEST: u64 = 4 << 30;

/// A program, and the streams that it still holds open.
pub(crate) struct Session<'r, 'a> {
    process: Process,
    streams: Vec<(Stream, File)>,
    lines: Lines,
    output: (Screen, Search),
    errors: (Screen, Search, Tail),
    pub(crate) record: Record<'r, 'a>,
    /// When it was asked to stop.
    stop: Option<Instant>,
    grace: Duration,
}

impl<'r, 'a> Session<'r, 'a> {
    pub(crate) fn new(
        (process, streams): (Process, [(Stream, File); 3]),
        patterns: &Patterns,
        record: Record<'r, 'a>,
        grace: Duration,
    ) -> Self {
        let screen = || Screen::new(WINDOW);
        let search = || Search::new(patterns.clone());
        Self {
            process,
            streams: streams.into(),
            lines: Lines::new(LONGEST_MESSAGE),
            output: (screen(), search()),
            errors: (screen(), search(), Tail::default()),
            record,
            stop: None,
            grace,
        }
    }

    /// Records what is heard until the program has ended.
    pub(crate) fn follow(&mut self) -> Result<ExitStatus, Error> {
        let mut ended: Option<(ExitStatus, Instant)> = None;
        let mut looked = Instant::now();
        let mut buffer = vec![0; 1 << 16];
        loop {
            self.hear(&mut buffer)?;
            self.stop_if_asked();
            self.record.tell_of_refusals();
            let silent = self.streams.is_empty();
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
                self.close_all()?;
                return Ok(status);
            }
        }
    }

    /// Whether the program was asked to stop.
    pub(crate) fn was_stopped(&self) -> bool {
        self.stop.is_some()
    }

    /// The last lines of standard error.
    pub(crate) fn last_words(&self) -> String {
        self.errors.2.to_string()
    }

    /// How many pieces of text were searched.
    pub(crate) fn pieces(&self) -> u64 {
        self.output.1.pieces + self.errors.1.pieces
    }

    /// Waits a moment for something to read, and takes in what there is.
    fn hear(&mut self, buffer: &mut [u8]) -> Result<(), Error> {
        if self.streams.is_empty() {
            // It closed its streams, so it has ended or is about to.
            thread::sleep(LOOK / 10);
            return Ok(());
        }
        let patience = Timespec { tv_sec: 0, tv_nsec: LOOK.subsec_nanos().into() };
        let mut polled: Vec<_> =
            self.streams.iter().map(|(_, file)| PollFd::new(file, PollFlags::IN)).collect();
        match poll(&mut polled, Some(&patience)) {
            Err(rustix::io::Errno::INTR) | Ok(0) => return Ok(()),
            polled => polled.map_err(|e| Error::machine("waiting for output", e.into()))?,
        };
        let ready: Vec<bool> = polled.iter().map(|polled| !polled.revents().is_empty()).collect();
        let mut at = 0;
        for ready in ready {
            if !ready {
                at += 1;
                continue;
            }
            let (stream, file) = &mut self.streams[at];
            let stream = *stream;
            match file.read(buffer) {
                Ok(0) => {
                    self.streams.remove(at);
                    self.close(stream)?;
                }
                Ok(read) => {
                    self.take(stream, &buffer[..read])?;
                    at += 1;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => at += 1,
                Err(_) => drop(self.streams.remove(at)),
            }
        }
        Ok(())
    }

    fn take(&mut self, stream: Stream, bytes: &[u8]) -> Result<(), Error> {
        let record = &mut self.record;
        if stream != Stream::Metrics {
            record.run.log(bytes);
        }
        match stream {
            Stream::Metrics => self.lines.write(bytes, |line| record.line(line)),
            Stream::Output => {
                let (screen, search) = &mut self.output;
                if search.is_idle() {
                    return Ok(());
                }
                screen.write(bytes, search);
                record.said("standard output", search)
            }
            Stream::Errors => {
                let (screen, search, tail) = &mut self.errors;
                screen.write(bytes, &mut Both(tail, search));
                record.said("standard error", search)
            }
        }
    }

    fn close(&mut self, stream: Stream) -> Result<(), Error> {
        let record = &mut self.record;
        match stream {
            Stream::Metrics => self.lines.close(|line| record.line(line)),
            Stream::Output => {
                let (screen, search) = &mut self.output;
                screen.close(search);
                record.said("standard output", search)
            }
            Stream::Errors => {
                let (screen, search, tail) = &mut self.errors;
                screen.close(&mut Both(tail, search));
                record.said("standard error", search)
            }
        }
    }

    fn close_all(&mut self) -> Result<(), Error> {
        let streams = std::mem::take(&mut self.streams);
        streams.into_iter().try_for_each(|(stream, _)| self.close(stream))
    }

    fn stop_if_asked(&mut self) {
        match self.stop {
            None if self.record.run.interrupted() => {
                self.stop = Some(Instant::now());
                self.process.signal(Signal::TERM);
            }
            Some(asked) if asked.elapsed() >= self.grace => self.process.signal(Signal::KILL),
            _ => {}
        }
    }
}

/// Keeps the last lines of what is searched.
struct Both<'a>(&'a mut Tail, &'a mut Search);

impl Reader for Both<'_> {
    fn read(&mut self, text: &mut String, end: End) {
        self.0.read(text, end);
        self.1.read(text, end);
    }
}

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
    fn line(&mut self, line: Option<&[u8]>) -> Result<(), Error> {
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
    fn said(&mut self, stream: &str, search: &mut Search) -> Result<(), Error> {
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
    fn tell_of_refusals(&mut self) {
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
