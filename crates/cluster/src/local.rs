//! Processes on this machine in place of a scheduler: to try a profile, and for tests.
//!
//! A task is a shell of its own session. Its process is written down in `<number>.task` in the
//! folder of the submission, and how it ended in `<number>.exit`.

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::process::{Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use crate::scheduler::variable;
use crate::{Error, Itself, Job, JobId, Kind, Limits, Request, Scheduler, Task, TaskState};

/// Processes on this machine.
#[derive(Debug, Clone, Copy)]
pub struct Local;

/// The exit code by which a task asks to be executed again.
const AGAIN: u8 = 99;

/// Executes the script until it ends with another code than that, and writes the code down. A signal
/// ends `wait` early; the shell hands it on and waits again.
const LOOP: &str = r#"child=
trap '[ -z "$child" ] || kill -TERM "$child"' TERM INT HUP
trap '[ -z "$child" ] || kill -USR1 "$child"' USR1
code=99
while [ "$code" = 99 ]; do
    "$0" & child=$!
    wait "$child"; code=$?
    while [ "$code" -gt 128 ] && kill -0 "$child" 2>/dev/null; do wait "$child"; code=$?; done
done
echo "$code" > "$1""#;

impl Scheduler for Local {
    fn kind(&self) -> Kind {
        Kind::Local
    }

    fn programs(&self) -> &'static [&'static str] {
        &["bash"]
    }

    fn limits(&self, _: &Request) -> Result<Limits, Error> {
        Ok(Limits::default())
    }

    fn index(&self) -> &'static str {
        "$REGIMEN_TASK"
    }

    fn submit(&self, job: &Job<'_>) -> Result<JobId, Error> {
        for index in 0..job.request.tasks {
            let log = job.record.join(format!("{index}.log"));
            let log = File::options()
                .create(true)
                .append(true)
                .open(&log)
                .map_err(Error::record("create", log))?;
            let again = log.try_clone().map_err(Error::record("open", job.record))?;
            let mut command = Command::new("setsid");
            command
                .args(["bash", "-c", LOOP])
                .arg(job.script)
                .arg(job.record.join(format!("{index}.exit")))
                .current_dir(job.folder)
                .env("REGIMEN_TASK", index.to_string())
                .env("REGIMEN_JOB", job.name)
                .stdin(Stdio::null())
                .stdout(log)
                .stderr(again);
            let child = command
                .spawn()
                .map_err(|source| Error::Start { program: "setsid".into(), source })?;
            let process = Process::of(child.id());
            let path = job.record.join(format!("{index}.task"));
            fs::write(&path, format!("{} {}\n", process.pid, process.started))
                .map_err(Error::record("write", path))?;
            // Nobody waits for it here: a driver may leave, and init takes it over.
            drop(child);
        }
        Ok(JobId(job.name.into()))
    }

    fn find(&self, name: &str, record: &Path) -> Result<Option<JobId>, Error> {
        Ok((!processes(record)?.is_empty()).then(|| JobId(name.into())))
    }

    fn poll(&self, _: &JobId, record: &Path) -> Result<Vec<Task>, Error> {
        let task = |(index, process): (u32, Process)| {
            let exit = fs::read_to_string(record.join(format!("{index}.exit")));
            let (state, reason) = match exit.ok().and_then(|code| code.trim().parse::<i32>().ok()) {
                _ if process.lives() => (TaskState::Running, String::new()),
                Some(0) => (TaskState::Ended, String::new()),
                Some(code) => (TaskState::Failed, format!("exit code {code}")),
                None => (TaskState::Gone, String::new()),
            };
            Task { index, state, reason }
        };
        Ok(processes(record)?.into_iter().map(task).collect())
    }

    fn cancel(&self, _: &JobId, record: &Path) -> Result<(), Error> {
        for (_, process) in processes(record)? {
            if process.lives()
                && let Some(pid) = i32::try_from(process.pid).ok().and_then(Pid::from_raw)
            {
                // The shell hands it on; one that ended meanwhile is cancelled enough.
                let _ = kill_process(pid, Signal::TERM);
            }
        }
        Ok(())
    }

    fn requeue(&self, _: &Itself) -> Result<Option<u8>, Error> {
        Ok(Some(AGAIN))
    }

    fn release(&self, _: &JobId) -> Result<(), Error> {
        Ok(())
    }

    fn itself(&self) -> Option<Itself> {
        let index = variable("REGIMEN_TASK")?.parse().ok()?;
        Some(Itself { job: JobId(variable("REGIMEN_JOB")?), index })
    }
}

/// One life of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Process {
    pid: u32,
    /// Clock ticks after boot; process ids are used again.
    started: u64,
}

impl Process {
    fn of(pid: u32) -> Self {
        Self { pid, started: start_of(pid).unwrap_or(0) }
    }

    fn lives(self) -> bool {
        start_of(self.pid) == Some(self.started)
    }
}

/// When a process started; none for one that only waits to be reaped.
fn start_of(pid: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The command name, in parentheses, may hold anything.
    let mut fields = stat[stat.rfind(')')? + 1..].split_ascii_whitespace();
    let state = fields.next()?;
    (!matches!(state, "Z" | "X")).then(|| fields.nth(18)?.parse().ok()).flatten()
}

/// The processes of a submission by the number of their task.
fn processes(record: &Path) -> Result<Vec<(u32, Process)>, Error> {
    let entries = match fs::read_dir(record) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(Error::record("list", record))?,
    };
    let one = |entry: fs::DirEntry| {
        let name = entry.file_name();
        let index = name.to_str()?.strip_suffix(".task")?.parse().ok()?;
        let text = fs::read_to_string(entry.path()).ok()?;
        let (pid, started) = text.trim().split_once(' ')?;
        Some((index, Process { pid: pid.parse().ok()?, started: started.parse().ok()? }))
    };
    let mut found: Vec<_> = entries.flatten().filter_map(one).collect();
    found.sort_unstable_by_key(|(index, _)| *index);
    Ok(found)
}
