//! A program under way, and the end of it.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};

use rustix::process::{Pid, Signal, kill_process};

/// The descriptor that a program writes its metrics to.
pub(crate) const METRICS_FD: i32 = 3;

/// Moves the pipe that comes as standard input to descriptor 3, then becomes the program, which is
/// killed when the thread that started it is gone, where `setpriv` of util-linux can see to that.
/// Doing the same between fork and exec would be unsafe code.
const BECOME: &str = r#"
if command -v "$1" >/dev/null && command -v setpriv >/dev/null
then exec setpriv --pdeathsig KILL -- "$@" 3>&0 </dev/null
else exec "$@" 3>&0 </dev/null
fi
"#;

/// A program. Dropping it kills it with all that it started and is still below it.
pub(crate) struct Process {
    child: Child,
    ended: bool,
}

/// What a program writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stream {
    Metrics,
    Output,
    Errors,
}

impl Process {
    /// Starts `words` in this process's group, so that what ends the group ends it too; in a folder, or in
    /// that of this process.
    pub(crate) fn start(
        words: &[OsString],
        variables: impl IntoIterator<Item = (String, OsString)>,
        folder: Option<&Path>,
    ) -> io::Result<(Self, [(Stream, File); 3])> {
        let (metrics, theirs) = io::pipe()?;
        let mut command = Command::new("/bin/sh");
        command.args(["-c", BECOME, "sh"]).args(words).envs(variables);
        if let Some(folder) = folder {
            command.current_dir(folder);
        }
        command.stdin(theirs).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn()?;
        // Their end of the pipe is closed here with `command`.
        drop(command);
        let (Some(output), Some(errors)) = (child.stdout.take(), child.stderr.take()) else {
            return Err(io::Error::other("standard output is no pipe"));
        };
        let file = |stream: OwnedFd| File::from(stream);
        let streams = [
            (Stream::Metrics, file(metrics.into())),
            (Stream::Output, file(output.into())),
            (Stream::Errors, file(errors.into())),
        ];
        Ok((Self { child, ended: false }, streams))
    }

    /// How it ended, once it has.
    pub(crate) fn ended(&mut self) -> io::Result<Option<ExitStatus>> {
        let status = self.child.try_wait()?;
        self.ended |= status.is_some();
        Ok(status)
    }

    /// Sends a signal to the program and to everything below it.
    pub(crate) fn signal(&self, signal: Signal) {
        if self.ended {
            return;
        }
        // Those below first: a shell acts on a signal once its foreground child is gone.
        for process in below(self.child.id()).into_iter().rev().chain([self.child.id()]) {
            if let Some(pid) = i32::try_from(process).ok().and_then(Pid::from_raw) {
                // It fails for one that ended meanwhile.
                let _ = kill_process(pid, signal);
            }
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
        let _ = self.child.wait();
    }
}

/// The processes that `process` started, and theirs; none where there is no `/proc`.
fn below(process: u32) -> Vec<u32> {
    let mut children: HashMap<u32, Vec<u32>> = HashMap::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(child) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        let stat = fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
        // The name before the state may contain anything, also brackets.
        let parent = stat.rsplit_once(')').and_then(|(_, rest)| rest.split_whitespace().nth(1));
        if let Some(parent) = parent.and_then(|parent| parent.parse().ok()) {
            children.entry(parent).or_default().push(child);
        }
    }
    let mut found: Vec<u32> = children.remove(&process).unwrap_or_default();
    let mut next = 0;
    while let Some(&process) = found.get(next) {
        found.extend(children.remove(&process).unwrap_or_default());
        next += 1;
    }
    found
}

/// How a program failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Failure {
    /// By itself, in words.
    Code(String),
    /// By a signal, in words.
    Signal(String),
}

impl Failure {
    /// `None` for success.
    pub(crate) fn of(status: ExitStatus) -> Option<Self> {
        let signal = |number: i32| match signal_hook::low_level::signal_name(number) {
            Some(name) => name.to_owned(),
            None => format!("signal {number}"),
        };
        match (status.signal(), status.code()) {
            (Some(number), _) => Some(Self::Signal(format!("was killed by {}", signal(number)))),
            (None, Some(0)) => None,
            (None, Some(code)) => {
                // A shell has words for what it cannot start, and for what a signal killed.
                let meaning = match code {
                    126 => ", as a shell says of a program that may not be executed".into(),
                    127 => ", as a shell says of a program that is not there".into(),
                    129..=192 => {
                        format!(", as a shell says of a program killed by {}", signal(code - 128))
                    }
                    _ => String::new(),
                };
                Some(Self::Code(format!("ended with exit code {code}{meaning}")))
            }
            (None, None) => Some(Self::Code("ended in an unknown way".into())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_are_told_in_words() {
        let code = |code: i32| Failure::of(ExitStatus::from_raw(code << 8));
        let words = |text: &str| Some(Failure::Code(format!("ended with exit code {text}")));
        assert_eq!(code(0), None);
        assert_eq!(code(2), words("2"));
        assert_eq!(code(127), words("127, as a shell says of a program that is not there"));
        assert_eq!(code(137), words("137, as a shell says of a program killed by SIGKILL"));
        let signal = Failure::of(ExitStatus::from_raw(11));
        assert_eq!(signal, Some(Failure::Signal("was killed by SIGSEGV".into())));
    }
}
