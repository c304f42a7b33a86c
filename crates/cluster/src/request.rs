//! What the tasks of an array need.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::Profile;

/// What each task of an array is given, and how many tasks there are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// How many tasks.
    pub tasks: u32,
    /// How many of them are at work at a time, at most.
    pub throttle: Option<u32>,
    /// Processors of each.
    pub cpus: u32,
    /// Runs that each executes at a time.
    pub jobs: u32,
    /// Memory of each in bytes.
    pub memory: Option<u64>,
    /// Time limit of each.
    pub time: Option<Duration>,
    /// How long before that it is told to stop.
    pub warning: Duration,
    /// Graphics processors of each.
    pub gpus: u32,
    /// Partition or queue.
    pub partition: Option<String>,
    /// Account or project.
    pub account: Option<String>,
    /// Quality of service.
    pub qos: Option<String>,
    /// Features that nodes must have.
    pub constraint: Option<String>,
    /// Parallel environment.
    pub parallel_environment: Option<String>,
    /// More arguments.
    pub extra: Vec<String>,
}

/// What each run may take.
#[derive(Debug, Clone, Copy, Default)]
pub struct Each {
    /// Threads; none counts as one.
    pub threads: usize,
    /// Graphics processors.
    pub gpus: usize,
    /// Bytes.
    pub memory: Option<u64>,
}

impl Request {
    /// How long before its limit a task is told to stop, where nobody says: long enough for a
    /// checkpoint, and no large part of the limit.
    const WARNING: Duration = Duration::from_secs(120);

    /// What a profile asks for so many runs: not more tasks than there is work for, and as much memory and
    /// as many graphics processors as their runs may take where the profile does not say.
    pub fn new(profile: &Profile, runs: usize, each: Each) -> Self {
        let Each { threads, gpus, memory } = each;
        let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        let (threads, each) = (count(threads.max(1)), count(gpus));
        let cpus = profile.cpus.unwrap_or(threads).max(threads);
        let gpus = profile.gpus.max(each);
        let jobs = (cpus / threads).min(gpus.checked_div(each).unwrap_or(u32::MAX)).max(1);
        let needed = u32::try_from(runs.div_ceil(jobs as usize)).unwrap_or(u32::MAX);
        let share = |time: Duration| (time / 4).min(Self::WARNING);
        Self {
            tasks: profile.tasks.min(needed).max(1),
            throttle: profile.throttle,
            cpus,
            jobs,
            // The driver and what programs share take a little beside the runs.
            memory: profile.memory.or(memory.map(|run| run * u64::from(jobs) + (256 << 20))),
            time: profile.time,
            warning: profile.warning.unwrap_or(profile.time.map_or(Self::WARNING, share)),
            gpus,
            partition: profile.partition.clone(),
            account: profile.account.clone(),
            qos: profile.qos.clone(),
            constraint: profile.constraint.clone(),
            parallel_environment: profile.parallel_environment.clone(),
            extra: profile.extra.clone(),
        }
    }

    /// The throttle, where it says anything.
    pub(crate) fn at_a_time(&self) -> Option<u32> {
        self.throttle.filter(|most| *most < self.tasks)
    }
}

#[cfg(test)]
pub(crate) fn example(tasks: u32) -> Request {
    Request {
        tasks,
        throttle: None,
        cpus: 1,
        jobs: 1,
        memory: None,
        time: None,
        warning: Request::WARNING,
        gpus: 0,
        partition: None,
        account: None,
        qos: None,
        constraint: None,
        parallel_environment: None,
        extra: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Profiles;

    #[test]
    fn a_request_follows_from_profile_and_runs() {
        let dir = tempfile::tempdir().unwrap();
        let text = "c: { scheduler: slurm, tasks: 8, cpus: 4, time: 1m }\n";
        std::fs::write(dir.path().join("clusters.yaml"), text).unwrap();
        let profiles = Profiles::read(&[dir.path()]).unwrap();
        let profile = profiles.named("c").unwrap();
        let each = Each::default();
        let request = Request::new(profile, 500, Each { memory: Some(1 << 30), ..each });
        assert_eq!((request.tasks, request.cpus, request.jobs), (8, 4, 4));
        assert_eq!(request.memory, Some((4 << 30) + (256 << 20)));
        assert_eq!(request.warning, Duration::from_secs(15));
        // Five runs keep two tasks busy, and wide ones take what they need.
        assert_eq!(Request::new(profile, 5, each).tasks, 2);
        let wide = Request::new(profile, 5, Each { threads: 8, ..each });
        assert_eq!((wide.tasks, wide.cpus, wide.jobs, wide.memory), (5, 8, 1, None));
        // A task has the devices of its runs, and as many runs as it has devices for.
        let devices = Request::new(profile, 5, Each { gpus: 2, ..each });
        assert_eq!((devices.tasks, devices.jobs, devices.gpus), (5, 1, 2));
        let many = Profile { gpus: 4, ..profile.clone() };
        assert_eq!(Request::new(&many, 5, Each { gpus: 2, ..each }).jobs, 2);
    }
}
