//! A program under way, and the end of it.

use std::collections::HashMap;
use std::fs;
use std::io::{self, PipeReader};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ChildStderr, ChildStdout, Command, ExitStatus, Stdio};

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
pub(crate) struct Streams {
    pub(crate) metrics: PipeReader,
    pub(crate) output: ChildStdout,
    pub(crate) errors: ChildStderr,
}

impl Process {
    /// Starts `words` in this process's group, so that what ends the group ends it too.
    pub(crate) fn start(
        words: &[String],
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> io::Result<(Self, Streams)> {
        let (metrics, theirs) = io::pipe()?;
        let mut command = Command::new("/bin/sh");
        command.args(["-c", BECOME, "sh"]).args(words).envs(variables);
        command.stdin(theirs).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn()?;
        // Their end of the pipe is closed here with `command`.
        drop(command);
        let (Some(output), Some(errors)) = (child.stdout.take(), child.stderr.take()) else {
            return Err(io::Error::other("standard output is no pipe"));
        };
        Ok((Self { child, ended: false }, Streams { metrics, output, errors }))
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

/// The end of a program in words; `None` for success.
pub(crate) fn failure(status: ExitStatus) -> Option<String> {
    match (status.signal(), status.code()) {
        (Some(signal), _) => Some(format!("was killed by signal {signal}")),
        (None, Some(0)) => None,
        (None, Some(127)) => Some("ended with exit code 127 (no such program?)".into()),
        (None, code) => Some(format!("ended with exit code {}", code.unwrap_or(-1))),
    }
}
