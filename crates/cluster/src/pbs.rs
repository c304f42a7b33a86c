//! PBS Professional and OpenPBS, by the output that its reference guide documents: `qsub`, `qstat`,
//! `qdel`, `qrls`. Nobody has run it against a server.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use crate::call::Call;
use crate::scheduler::variable;
use crate::task::JobId;
use crate::{Error, Itself, Job, Kind, Limits, Request, Scheduler, Task, TaskState, units};

/// PBS.
#[derive(Debug, Clone, Copy)]
pub struct Pbs;

impl Pbs {
    /// Arguments of `qsub`.
    fn arguments(job: &Job<'_>) -> Vec<String> {
        let request = job.request;
        let mut args: Vec<String> = Vec::new();
        let mut option = |name: &str, value: String| args.extend([name.to_owned(), value]);
        option("-N", job.name.into());
        // An array has two subjobs at least.
        if request.tasks > 1 {
            let throttle = request.at_a_time().map_or(String::new(), |most| format!("%{most}"));
            option("-J", format!("0-{}{throttle}", request.tasks - 1));
        }
        option("-j", "oe".into());
        let log = if request.tasks > 1 { "^array_index^.log" } else { "0.log" };
        option("-o", format!("{}/{log}", job.record.display()));
        option("-r", "y".into());
        option("-S", "/bin/bash".into());
        let mut chunk = format!("select=1:ncpus={}", request.cpus);
        if let Some(bytes) = request.memory {
            chunk.push_str(&format!(":mem={}mb", units::mebibytes(bytes)));
        }
        if request.gpus > 0 {
            chunk.push_str(&format!(":ngpus={}", request.gpus));
        }
        option("-l", chunk);
        if let Some(time) = request.time {
            option("-l", format!("walltime={}", units::hours(time)));
        }
        if let Some(queue) = &request.partition {
            option("-q", queue.clone());
        }
        if let Some(account) = &request.account {
            option("-A", account.clone());
        }
        args.push("-V".into());
        args.extend(request.extra.iter().cloned());
        args.push(job.script.display().to_string());
        args
    }
}

impl Scheduler for Pbs {
    fn kind(&self) -> Kind {
        Kind::Pbs
    }

    fn programs(&self) -> &'static [&'static str] {
        &["qsub", "qstat", "qdel", "qmgr"]
    }

    fn limits(&self, _: &Request) -> Result<Limits, Error> {
        let said = Call::new("qmgr", ["-c", "print server"]).succeed()?;
        Ok(Limits { array: largest_array(&said.out), room: None })
    }

    fn index(&self) -> &'static str {
        "${PBS_ARRAY_INDEX:-0}"
    }

    fn submit(&self, job: &Job<'_>) -> Result<JobId, Error> {
        let said = Call::new("qsub", Self::arguments(job)).succeed()?;
        // `123[].server`
        let id = said.out.trim().to_owned();
        let is_job =
            id.starts_with(|c: char| c.is_ascii_digit()) && !id.contains(char::is_whitespace);
        if is_job { Ok(JobId(id)) } else { Err(said.unexpected("the number of a job")) }
    }

    fn find(&self, name: &str, _: &Path) -> Result<Option<JobId>, Error> {
        let said = Call::new("qstat", ["-x", "-f", "-F", "json"]).succeed()?;
        let Some(jobs) = read(&said.out) else { return Err(said.unexpected("jobs as JSON")) };
        Ok(jobs.into_iter().find(|(_, job)| job.name == name).map(|(id, _)| JobId(id)))
    }

    fn poll(&self, job: &JobId, _: &Path) -> Result<Vec<Task>, Error> {
        let said = Call::new("qstat", ["-x", "-t", "-f", "-F", "json", &job.0]).run()?;
        if !said.succeeded {
            let is_unknown = said.err.contains("Unknown Job");
            return if is_unknown { Ok(Vec::new()) } else { Err(said.refused()) };
        }
        let Some(jobs) = read(&said.out) else { return Err(said.unexpected("jobs as JSON")) };
        Ok(jobs.iter().filter_map(|(id, job)| task(id, job)).collect())
    }

    fn cancel(&self, job: &JobId, _: &Path) -> Result<(), Error> {
        let said = Call::new("qdel", [job.0.as_str()]).run()?;
        let is_over = ["Unknown Job", "has finished"].iter().any(|text| said.err.contains(text));
        if said.succeeded || is_over { Ok(()) } else { Err(said.refused()) }
    }

    fn requeue(&self, itself: &Itself) -> Result<Option<u8>, Error> {
        // Of an array `123[].server`, the subjob `123[4].server`.
        let subjob = itself.job.0.replacen("[]", &format!("[{}]", itself.index), 1);
        Call::new("qrerun", [subjob]).succeed().map(|_| None)
    }

    fn release(&self, job: &JobId) -> Result<(), Error> {
        Call::new("qrls", [job.0.as_str()]).succeed().map(drop)
    }

    fn itself(&self) -> Option<Itself> {
        let index = variable("PBS_ARRAY_INDEX").and_then(|index| index.parse().ok()).unwrap_or(0);
        let job = variable("PBS_ARRAY_ID").or_else(|| variable("PBS_JOBID"))?;
        Some(Itself { job: JobId(job), index })
    }
}

#[derive(Debug, Deserialize)]
struct Listing {
    #[serde(rename = "Jobs", default)]
    jobs: BTreeMap<String, Listed>,
}

#[derive(Debug, Deserialize)]
struct Listed {
    #[serde(rename = "Job_Name", default)]
    name: String,
    #[serde(rename = "job_state", default)]
    state: String,
    #[serde(default)]
    comment: String,
    #[serde(rename = "Exit_status", default)]
    exit: Option<i32>,
}

/// `qstat -f -F json`.
fn read(text: &str) -> Option<BTreeMap<String, Listed>> {
    serde_json::from_str::<Listing>(text).ok().map(|listing| listing.jobs)
}

/// One subjob, or the job of a single task; the array itself is none.
fn task(id: &str, job: &Listed) -> Option<Task> {
    let index = match id.split_once('[') {
        Some((_, rest)) => rest.split(']').next()?.parse().ok()?,
        None => 0,
    };
    let (state, reason) = match (job.state.as_str(), job.exit) {
        ("R" | "E" | "S" | "U", _) => (TaskState::Running, ""),
        ("Q" | "W" | "T" | "M", _) => (TaskState::Pending, job.comment.as_str()),
        ("H", _) => (TaskState::Held, job.comment.as_str()),
        ("F" | "X", Some(0)) => (TaskState::Ended, ""),
        ("F" | "X", Some(exit)) => {
            let reason = format!("exit code {exit}");
            return Some(Task { index, state: TaskState::Failed, reason });
        }
        ("F" | "X", None) => (TaskState::Cancelled, ""),
        _ => (TaskState::Gone, ""),
    };
    Some(Task { index, state, reason: reason.into() })
}

/// `qmgr -c 'print server'`: `set server max_array_size = 10000`.
fn largest_array(text: &str) -> Option<u32> {
    let value = |line: &str| {
        let (key, value) = line.split_once('=')?;
        (key.trim() == "set server max_array_size").then(|| value.trim().parse().ok())?
    };
    text.lines().find_map(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::example;

    #[test]
    fn subjobs_are_read_from_json() {
        let text = r#"{ "timestamp": 1, "pbs_version": "22.05", "pbs_server": "head", "Jobs": {
            "12[].head": { "Job_Name": "regimen-a", "job_state": "B", "array": true },
            "12[0].head": { "Job_Name": "regimen-a", "job_state": "R" },
            "12[1].head": { "Job_Name": "regimen-a", "job_state": "Q", "comment": "Not Running: no cpus" },
            "12[2].head": { "Job_Name": "regimen-a", "job_state": "X", "Exit_status": 0 },
            "12[3].head": { "Job_Name": "regimen-a", "job_state": "F", "Exit_status": 271 } } }"#;
        let jobs = read(text).unwrap();
        let tasks: Vec<_> = jobs.iter().filter_map(|(id, job)| task(id, job)).collect();
        let states: Vec<_> = tasks.iter().map(|task| (task.index, task.state)).collect();
        use TaskState::{Ended, Failed, Pending, Running};
        assert_eq!(states, [(0, Running), (1, Pending), (2, Ended), (3, Failed)]);
        assert_eq!(tasks[1].reason, "Not Running: no cpus");
        assert_eq!(largest_array("set server max_array_size = 10000\n"), Some(10_000));
    }

    #[test]
    fn one_task_is_no_array() {
        let request = example(1);
        let path = Path::new("/s");
        let job = Job { name: "a", request: &request, script: path, folder: path, record: path };
        assert_eq!(
            Pbs::arguments(&job).join(" "),
            "-N a -j oe -o /s/0.log -r y -S /bin/bash -l select=1:ncpus=1 -V /s"
        );
    }
}
