//! A program under way: what it writes becomes the run's record.

use std::fs::File;
use std::io::{self, Read};
use std::process::ExitStatus;
use std::thread;
use std::time::{Duration, Instant};

use experiment::Error;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::Signal;

use crate::output::{LONGEST_MESSAGE, Lines, Tail};
use crate::pattern::{Patterns, Search, WINDOW};
use crate::process::{Process, Stream};
use crate::record::Record;
use crate::screen::{End, Reader, Screen};

/// How often the request to stop and the end of the program are looked for.
const LOOK: Duration = Duration::from_millis(20);
/// How long output is waited for that something which outlives the program holds open.
const LINGER: Duration = Duration::from_secs(2);
/// How much of standard output is kept for an error.
const KEPT: usize = 1 << 13;

/// A program, and the streams that it still holds open.
pub(crate) struct Session<'r, 'a> {
    process: Process,
    streams: Vec<(Stream, File)>,
    lines: Lines,
    output: (Screen, Search),
    output_end: Vec<u8>,
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
            output_end: Vec::new(),
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

    /// The last lines of standard error, or of standard output where that has none.
    pub(crate) fn last_words(&self) -> String {
        let errors = &self.errors.2;
        if !errors.is_empty() {
            return errors.to_string();
        }
        let output = Tail::of(&self.output_end, WINDOW);
        if output.is_empty() { "it printed nothing".into() } else { output.to_string() }
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
                keep_end(&mut self.output_end, bytes);
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

/// Appends, and forgets what is far from the end.
fn keep_end(kept: &mut Vec<u8>, bytes: &[u8]) {
    kept.extend_from_slice(&bytes[bytes.len().saturating_sub(KEPT)..]);
    if kept.len() > 2 * KEPT {
        kept.drain(..kept.len() - KEPT);
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
