//! What surrounds a tool: files, progress, and the wish to stop.

use std::collections::BTreeSet;
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use anyhow::{Context, Result, bail};
use rustix::fs::{Access, access};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::drawing;
use crate::progress::Steps;
use crate::terminal::{STDOUT, put, say};

/// Standard output for a tool.
pub(super) struct Output {
    is_terminal: bool,
    /// Whether whoever read it went away.
    pub(super) closed: bool,
}

impl Output {
    pub(super) fn new() -> Self {
        Self { is_terminal: io::stdout().is_terminal(), closed: false }
    }

    fn watch<T>(&mut self, written: io::Result<T>) -> io::Result<T> {
        let gone = |error: &io::Error| error.kind() == ErrorKind::BrokenPipe;
        self.closed |= written.as_ref().err().is_some_and(gone);
        written
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.is_terminal {
            // Progress stands where the text goes; it comes again below it.
            drawing::draw(Vec::new());
        }
        let written = io::stdout().write(bytes);
        self.watch(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        let flushed = io::stdout().flush();
        self.watch(flushed)
    }
}

/// The host of a tool.
pub(super) struct Host {
    name: String,
    /// Whether files that are there may be replaced.
    force: bool,
    /// Files that the tool wrote itself.
    own: BTreeSet<PathBuf>,
    steps: Option<Steps>,
    /// Set by a signal, once the tool asks for it.
    stop: Option<Arc<AtomicBool>>,
}

impl Host {
    /// A host of a tool that will write `outputs`.
    ///
    /// # Errors
    /// One of them cannot be written, or is there and `force` is false.
    pub(super) fn new(name: &str, force: bool, outputs: &[String]) -> Result<Self> {
        outputs.iter().try_for_each(|output| check(Path::new(output), force))?;
        Ok(Self { name: name.into(), force, own: BTreeSet::new(), steps: None, stop: None })
    }
}

/// Whether a file can be written, as far as that can be known before.
fn check(output: &Path, force: bool) -> Result<()> {
    if output == Path::new(STDOUT) {
        return Ok(());
    }
    let shown = output.display();
    let there =
        output.ancestors().find(|part| part.exists()).filter(|part| !part.as_os_str().is_empty());
    if there == Some(output) {
        if output.is_dir() {
            bail!("{shown} is a folder, wanted the name of a file");
        }
        if output.is_file() && !force {
            bail!("{shown} is there already; `--force` replaces it");
        }
    }
    let there = there.unwrap_or(Path::new("."));
    access(there, Access::WRITE_OK).with_context(|| format!("{shown} cannot be written"))
}

impl experiment::Host for Host {
    fn progress(&mut self, done: u64, total: u64) {
        self.steps.get_or_insert_with(|| Steps::new(&self.name)).show(done, total);
    }

    fn interrupted(&mut self) -> bool {
        let stop = self.stop.get_or_insert_with(listen);
        stop.load(Ordering::Relaxed)
    }

    fn write(&mut self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        self.steps = None;
        let replace = self.force || self.own.contains(path);
        let written = match replace || path == Path::new(STDOUT) {
            true => put(path, bytes),
            false => tables::write_new_output(path, bytes).map_err(Into::into),
        };
        written.map_err(|error| io::Error::other(format!("{error:#}")))?;
        self.own.insert(path.into());
        Ok(())
    }
}

/// From now on Ctrl-C asks the tool to stop; the second one ends it.
fn listen() -> Arc<AtomicBool> {
    let stop = Arc::new(AtomicBool::new(false));
    // Without it Ctrl-C ends the tool at once, as before.
    let Ok(mut signals) = Signals::new([SIGINT, SIGTERM]) else { return stop };
    let asked = Arc::clone(&stop);
    thread::spawn(move || {
        for _ in signals.forever() {
            if asked.swap(true, Ordering::Relaxed) {
                std::process::exit(130);
            }
            say("stopping; once more to stop at once");
        }
    });
    stop
}
