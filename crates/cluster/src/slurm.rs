//! Slurm: `sbatch`, `squeue`, `scancel`, `scontrol`, and `sacct` and `sacctmgr` where jobs are
//! accounted for.

mod read;

use std::path::Path;

use crate::call::Call;
use crate::scheduler::{Room, variable};
use crate::task::JobId;
use crate::{Error, Itself, Job, Kind, Limits, Request, Scheduler, Task, units};

/// Slurm.
#[derive(Debug, Clone, Copy)]
pub struct Slurm;

impl Slurm {
    /// Arguments of `sbatch`.
    fn arguments(job: &Job<'_>) -> Vec<String> {
        let request = job.request;
        let mut args = vec!["--parsable".into(), format!("--job-name={}", job.name)];
        let throttle = request.at_a_time().map_or(String::new(), |most| format!("%{most}"));
        args.push(format!("--array=0-{}{throttle}", request.tasks - 1));
        // A per cent sign begins a place in the name.
        let record = job.record.display().to_string().replace('%', "%%");
        args.push(format!("--output={record}/%a.log"));
        // Who is requeued goes on with the log of the attempt before.
        args.extend(["--open-mode=append".into(), "--requeue".into()]);
        // Only to the script, which hands it on, and long before the limit: it may come early.
        args.push(format!("--signal=B:USR1@{}", request.warning.as_secs().max(1)));
        args.push(format!("--chdir={}", job.folder.display()));
        args.extend(["--ntasks=1".into(), format!("--cpus-per-task={}", request.cpus)]);
        let mut option = |name: &str, value: Option<String>| {
            args.extend(value.map(|value| format!("--{name}={value}")));
        };
        option("mem", request.memory.map(|bytes| format!("{}M", units::mebibytes(bytes))));
        option("time", request.time.map(units::days));
        option("gres", (request.gpus > 0).then(|| format!("gpu:{}", request.gpus)));
        option("partition", request.partition.clone());
        option("account", request.account.clone());
        option("qos", request.qos.clone());
        option("constraint", request.constraint.clone());
        args.extend(request.extra.iter().cloned());
        args.push(job.script.display().to_string());
        args
    }

    /// Jobs that the user has in the queue; tasks count singly.
    fn queued() -> Result<u32, Error> {
        let said = Call::new("squeue", ["--me", "-h", "-r", "-o", "%i"]).succeed()?;
        Ok(u32::try_from(said.out.lines().count()).unwrap_or(u32::MAX))
    }

    /// How many jobs the user may have submitted, by the association and its qualities of service;
    /// nothing where jobs are not accounted for.
    fn most_submitted(request: &Request) -> Option<u32> {
        let user = variable("USER").or_else(|| variable("LOGNAME"));
        let user = user.unwrap_or_else(|| rustix::process::getuid().as_raw().to_string());
        let of_user = format!("user={user}");
        let fields = "format=Account,Partition,MaxSubmitJobs,QOS,DefaultQOS";
        let args = ["-n", "-P", "show", "assoc", "where", &of_user, fields];
        let said = Call::new("sacctmgr", args).succeed().ok()?;
        let known = read::association(&said.out, request);
        let fields = "format=Name,MaxSubmitJobsPU";
        let qos = Call::new("sacctmgr", ["-n", "-P", "show", "qos", fields]).succeed();
        let of_qos = qos.ok().and_then(|said| {
            let name = request.qos.clone().or_else(|| known.as_ref()?.qos.clone());
            read::submitted_of_qos(&said.out, name.as_deref()?)
        });
        known.and_then(|known| known.most).into_iter().chain(of_qos).min()
    }
}

impl Scheduler for Slurm {
    fn kind(&self) -> Kind {
        Kind::Slurm
    }

    fn programs(&self) -> &'static [&'static str] {
        &["sbatch", "squeue", "scancel", "scontrol"]
    }

    fn limits(&self, request: &Request) -> Result<Limits, Error> {
        let said = Call::new("scontrol", ["show", "config"]).succeed()?;
        let Some(array) = read::number(&said.out, "MaxArraySize") else {
            return Err(said.unexpected("a line `MaxArraySize = N`"));
        };
        let used = Self::queued()?;
        let all = read::number(&said.out, "MaxJobCount");
        let jobs = all.map(|most| Room { limit: "MaxJobCount", most, used });
        let submitted = Self::most_submitted(request);
        let room = submitted.map(|most| Room { limit: "MaxSubmitJobs", most, used });
        let least = |room: &Room| room.most.saturating_sub(room.used);
        // The largest index is below it; indices are counted from 0, so that it is the number of
        // tasks, too.
        Ok(Limits { array: Some(array), room: room.into_iter().chain(jobs).min_by_key(least) })
    }

    fn index(&self) -> &'static str {
        "$SLURM_ARRAY_TASK_ID"
    }

    fn submit(&self, job: &Job<'_>) -> Result<JobId, Error> {
        let said = Call::new("sbatch", Self::arguments(job)).succeed()?;
        // `job` or `job;cluster`.
        let line = said.out.lines().last().unwrap_or_default();
        let id = line.split(';').next().unwrap_or_default().trim();
        let is_number = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit());
        if is_number { Ok(JobId(id.into())) } else { Err(said.unexpected("the number of a job")) }
    }

    fn find(&self, name: &str, _: &Path) -> Result<Option<JobId>, Error> {
        let by_name = format!("--name={name}");
        let said =
            Call::new("squeue", ["-h", "-a", "-t", "all", &by_name, "-o", "%F"]).succeed()?;
        let first = |text: &str| {
            let word = text.split_whitespace().next()?;
            Some(JobId(word.split('_').next().unwrap_or(word).into()))
        };
        if let Some(job) = first(&said.out) {
            return Ok(Some(job));
        }
        let args = ["-n", "-X", "-P", &by_name, "-S", "now-30days", "-o", "JobID"];
        Ok(Call::new("sacct", args)
            .run()
            .ok()
            .filter(|said| said.succeeded)
            .and_then(|said| first(&said.out)))
    }

    fn poll(&self, job: &JobId, _: &Path) -> Result<Vec<Task>, Error> {
        let args = ["-h", "-a", "-r", "-t", "all", "-j", &job.0, "-o", "%K|%T|%r"];
        let said = Call::new("squeue", args).run()?;
        let queued = match said.succeeded {
            true => read::queue(&said.out),
            false if said.err.contains("Invalid job id") => Vec::new(),
            false => return Err(said.refused()),
        };
        let args = ["-n", "-X", "-P", "-j", &job.0, "-o", "JobID,State"];
        let accounted = Call::new("sacct", args).run().ok().filter(|said| said.succeeded);
        let mut tasks = accounted.map(|said| read::accounts(&said.out)).unwrap_or_default();
        // Accounting may be behind, or never hear of an end: the queue goes before it.
        tasks.retain(|task| !task.state.is_active());
        tasks.retain(|task| queued.iter().all(|known| known.index != task.index));
        tasks.extend(queued);
        Ok(tasks)
    }

    fn cancel(&self, job: &JobId, _: &Path) -> Result<(), Error> {
        let said = Call::new("scancel", [job.0.as_str()]).run()?;
        let is_over =
            said.err.contains("Invalid job id") || said.err.contains("already completing");
        if said.succeeded || is_over { Ok(()) } else { Err(said.refused()) }
    }

    fn requeue(&self, itself: &Itself) -> Result<Option<u8>, Error> {
        let task = format!("{}_{}", itself.job, itself.index);
        Call::new("scontrol", ["requeue", &task]).succeed().map(|_| None)
    }

    fn release(&self, job: &JobId) -> Result<(), Error> {
        Call::new("scontrol", ["release", &job.0]).succeed().map(drop)
    }

    fn itself(&self) -> Option<Itself> {
        let index = variable("SLURM_ARRAY_TASK_ID")?.parse().ok()?;
        Some(Itself { job: JobId(variable("SLURM_ARRAY_JOB_ID")?), index })
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::time::Duration;

    use super::*;
    use crate::request::example;

    #[test]
    fn a_request_becomes_arguments() {
        let mut request = example(16);
        request.throttle = Some(4);
        request.memory = Some(3 << 29);
        request.time = Some(Duration::from_secs(90 * 60));
        request.gpus = 2;
        request.partition = Some("long".into());
        request.extra = vec!["--exclude=n3".into()];
        let job = Job {
            name: "regimen-a-1",
            request: &request,
            script: Path::new("/store/submissions/a/script"),
            folder: Path::new("/home/me"),
            record: Path::new("/store/100%/a"),
        };
        let args = Slurm::arguments(&job).join(" ");
        assert_eq!(
            args,
            "--parsable --job-name=regimen-a-1 --array=0-15%4 --output=/store/100%%/a/%a.log \
             --open-mode=append --requeue --signal=B:USR1@120 --chdir=/home/me --ntasks=1 \
             --cpus-per-task=1 --mem=1536M --time=0-01:30:00 --gres=gpu:2 --partition=long \
             --exclude=n3 /store/submissions/a/script"
        );
        let request = Request { throttle: Some(16), ..request.clone() };
        let job = Job { request: &request, ..job };
        assert!(Slurm::arguments(&job).contains(&"--array=0-15".into()));
    }
}
