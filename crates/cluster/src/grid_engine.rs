//! Grid Engine (SGE, Son of Grid Engine, Univa, Altair): `qsub`, `qstat`, `qdel`, `qconf`, and
//! `qacct` where its file can be read.

mod read;

use std::path::Path;

use crate::call::Call;
use crate::scheduler::{Room, variable};
use crate::task::JobId;
use crate::{Error, Itself, Job, Kind, Limits, Request, Scheduler, Task, units};

/// Grid Engine.
#[derive(Debug, Clone, Copy)]
pub struct GridEngine;

/// The exit code by which a job asks to be executed again (`qsub(1)`, `-r`).
const AGAIN: u8 = 99;

impl GridEngine {
    /// Arguments of `qsub`.
    fn arguments(job: &Job<'_>) -> Vec<String> {
        let request = job.request;
        let mut args: Vec<String> = Vec::new();
        let mut option = |name: &str, value: String| args.extend([name.to_owned(), value]);
        option("-N", job.name.into());
        option("-t", format!("1-{}", request.tasks));
        if let Some(most) = request.at_a_time() {
            option("-tc", most.to_string());
        }
        // A dollar sign begins a place in the name, and a colon ends that of a host.
        option("-o", format!(":{}/task.$TASK_ID.log", job.record.display()));
        option("-wd", job.folder.display().to_string());
        option("-j", "y".into());
        option("-r", "y".into());
        option("-S", "/bin/bash".into());
        if let Some(environment) =
            request.parallel_environment.as_ref().filter(|_| request.cpus > 1)
        {
            option("-pe", environment.clone());
            args.push(request.cpus.to_string());
        }
        let mut resources = Vec::new();
        if let Some(bytes) = request.memory {
            let slots = u64::from(request.cpus.max(1));
            resources.push(format!("mem_free={}M", units::mebibytes(bytes.div_ceil(slots))));
        }
        if let Some(time) = request.time {
            // USR1 comes at the soft limit.
            resources.push(format!("h_rt={}", units::hours(time)));
            resources.push(format!("s_rt={}", units::hours(time.saturating_sub(request.warning))));
        }
        if request.gpus > 0 {
            resources.push(format!("gpu={}", request.gpus));
        }
        let mut option = |name: &str, value: String| args.extend([name.to_owned(), value]);
        if !resources.is_empty() {
            option("-l", resources.join(","));
        }
        if let Some(queue) = &request.partition {
            option("-q", queue.clone());
        }
        if let Some(project) = &request.account {
            option("-P", project.clone());
        }
        // USR2 comes before the end where the queue takes time for it.
        args.extend(["-terse", "-notify", "-V"].map(String::from));
        args.extend(request.extra.iter().cloned());
        args.push(job.script.display().to_string());
        args
    }

    /// What `qstat` lists of the user's jobs, a line a task.
    fn queue() -> Result<String, Error> {
        let user = variable("USER").or_else(|| variable("LOGNAME")).unwrap_or_else(|| "*".into());
        Ok(Call::new("qstat", ["-u", &user, "-g", "d"]).succeed()?.out)
    }
}

impl Scheduler for GridEngine {
    fn kind(&self) -> Kind {
        Kind::GridEngine
    }

    fn programs(&self) -> &'static [&'static str] {
        &["qsub", "qstat", "qdel", "qconf"]
    }

    fn limits(&self, _: &Request) -> Result<Limits, Error> {
        let said = Call::new("qconf", ["-sconf"]).succeed()?;
        let of_user = read::number(&said.out, "max_u_jobs").map(|most| ("max_u_jobs", most));
        let of_all = read::number(&said.out, "max_jobs").map(|most| ("max_jobs", most));
        let used = u32::try_from(read::jobs(&Self::queue()?)).unwrap_or(u32::MAX);
        let limits = of_user.into_iter().chain(of_all);
        let room = limits.map(|(limit, most)| Room { limit, most, used });
        let least = |room: &Room| room.most.saturating_sub(room.used);
        let mut room = room.min_by_key(least);
        // An array counts as one job here.
        if let Some(room) = room.as_mut().filter(|room| room.used < room.most) {
            (room.most, room.used) = (u32::MAX, 0);
        }
        Ok(Limits { array: read::number(&said.out, "max_aj_tasks"), room })
    }

    fn index(&self) -> &'static str {
        "$((SGE_TASK_ID - 1))"
    }

    fn submit(&self, job: &Job<'_>) -> Result<JobId, Error> {
        let said = Call::new("qsub", Self::arguments(job)).succeed()?;
        // `job.first-last:step`
        let line = said.out.lines().last().unwrap_or_default();
        let id = line.split('.').next().unwrap_or_default().trim();
        let is_number = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit());
        if is_number { Ok(JobId(id.into())) } else { Err(said.unexpected("the number of a job")) }
    }

    fn find(&self, name: &str, _: &Path) -> Result<Option<JobId>, Error> {
        let said = Call::new("qstat", ["-j", name]).run()?;
        if let Some(job) = read::job_number(&said.out) {
            return Ok(Some(job));
        }
        if !said.succeeded && !said.err.contains("do not exist") {
            return Err(said.refused());
        }
        let said = Call::new("qacct", ["-j", name]).run().ok().filter(|said| said.succeeded);
        Ok(said.and_then(|said| read::job_number(&said.out)))
    }

    fn poll(&self, job: &JobId, _: &Path) -> Result<Vec<Task>, Error> {
        let queued = read::queue(&Self::queue()?, &job.0);
        let said = Call::new("qacct", ["-j", &job.0]).run().ok().filter(|said| said.succeeded);
        let mut tasks = said.map(|said| read::accounts(&said.out)).unwrap_or_default();
        tasks.retain(|task| queued.iter().all(|known| known.index != task.index));
        tasks.extend(queued);
        Ok(tasks)
    }

    fn cancel(&self, job: &JobId, _: &Path) -> Result<(), Error> {
        let said = Call::new("qdel", [job.0.as_str()]).run()?;
        let is_over = [&said.out, &said.err].iter().any(|text| text.contains("does not exist"));
        if said.succeeded || is_over { Ok(()) } else { Err(said.refused()) }
    }

    fn requeue(&self, _: &Itself) -> Result<Option<u8>, Error> {
        Ok(Some(AGAIN))
    }

    fn release(&self, job: &JobId) -> Result<(), Error> {
        Call::new("qrls", [job.0.as_str()]).succeed().map(drop)
    }

    fn itself(&self) -> Option<Itself> {
        let index: u32 = variable("SGE_TASK_ID")?.parse().ok()?;
        Some(Itself { job: JobId(variable("JOB_ID")?), index: index.checked_sub(1)? })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::request::example;

    #[test]
    fn a_request_becomes_arguments() {
        let mut request = example(4);
        request.throttle = Some(2);
        (request.cpus, request.parallel_environment) = (2, Some("smp".into()));
        request.memory = Some(4 << 30);
        request.time = Some(Duration::from_secs(3600));
        request.partition = Some("long.q".into());
        let job = Job {
            name: "regimen-a-1",
            request: &request,
            script: Path::new("/store/a/script"),
            folder: Path::new("/home/me"),
            record: Path::new("/store/a"),
        };
        assert_eq!(
            GridEngine::arguments(&job).join(" "),
            "-N regimen-a-1 -t 1-4 -tc 2 -o :/store/a/task.$TASK_ID.log -wd /home/me -j y -r y \
             -S /bin/bash -pe smp 2 -l mem_free=2048M,h_rt=01:00:00,s_rt=00:58:00 -q long.q -terse \
             -notify -V /store/a/script"
        );
    }
}
