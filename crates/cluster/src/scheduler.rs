//! What a kind of scheduler can do.

use std::path::Path;

use crate::{Error, GridEngine, JobId, Kind, Local, Pbs, Request, Slurm, Task};

/// An array that is about to be submitted.
#[derive(Debug, Clone, Copy)]
pub struct Job<'a> {
    /// A name that no other job has.
    pub name: &'a str,
    /// What its tasks need, and how many there are.
    pub request: &'a Request,
    /// The script that each of them executes.
    pub script: &'a Path,
    /// Where they are executed.
    pub folder: &'a Path,
    /// The folder of the submission: each task prints to `<its number>.log` there.
    pub record: &'a Path,
}

/// What a cluster accepts at the moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Limits {
    /// Tasks in one array.
    pub array: Option<u32>,
    /// Jobs that may be submitted beside those that are, and the name of the limit; tasks count
    /// singly.
    pub room: Option<Room>,
}

/// How many more jobs a limit allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Room {
    /// What the scheduler calls the limit.
    pub limit: &'static str,
    /// How many it allows.
    pub most: u32,
    /// How many there are.
    pub used: u32,
}

impl Limits {
    /// How many of so many tasks may be submitted at once.
    ///
    /// # Errors
    /// None.
    pub fn fit(&self, tasks: u32) -> Result<u32, Error> {
        let mut fits = tasks.min(self.array.unwrap_or(tasks));
        if let Some(Room { limit, most, used }) = self.room {
            fits = fits.min(most.saturating_sub(used));
            if fits == 0 {
                return Err(Error::NoRoom { limit, used, most });
            }
        }
        Ok(fits.max(1))
    }
}

/// The task that this process is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Itself {
    /// Its job.
    pub job: JobId,
    /// Its number.
    pub index: u32,
}

/// A kind of scheduler.
pub trait Scheduler {
    /// Which.
    fn kind(&self) -> Kind;

    /// The programs that it takes.
    fn programs(&self) -> &'static [&'static str];

    /// What the cluster accepts at the moment.
    ///
    /// # Errors
    /// The scheduler cannot be asked.
    fn limits(&self, request: &Request) -> Result<Limits, Error>;

    /// The line of shell that is the number of a task, in its script.
    fn index(&self) -> &'static str;

    /// Submits an array.
    ///
    /// # Errors
    /// The scheduler cannot be asked, or refuses.
    fn submit(&self, job: &Job<'_>) -> Result<JobId, Error>;

    /// The job of a name, also one that is over, as far as the scheduler remembers. `record` is the
    /// folder of its submission.
    ///
    /// # Errors
    /// The scheduler cannot be asked.
    fn find(&self, name: &str, record: &Path) -> Result<Option<JobId>, Error>;

    /// Where the tasks of a job stand, so far as the scheduler names them: first by what it has in
    /// its queue, then by its accounting where there is one.
    ///
    /// # Errors
    /// The scheduler cannot be asked. A job that it does not know is no error: it has no tasks.
    fn poll(&self, job: &JobId, record: &Path) -> Result<Vec<Task>, Error>;

    /// Cancels all tasks of a job; one that is over is no error.
    ///
    /// # Errors
    /// The scheduler cannot be asked, or refuses.
    fn cancel(&self, job: &JobId, record: &Path) -> Result<(), Error>;

    /// Has the task that this process is executed once more, from its beginning, when it ended.
    /// Where the process has to end with a certain exit code for that, the code.
    ///
    /// # Errors
    /// The scheduler cannot be asked, or refuses.
    fn requeue(&self, itself: &Itself) -> Result<Option<u8>, Error>;

    /// Lets tasks go that are held.
    ///
    /// # Errors
    /// The scheduler cannot be asked, or refuses.
    fn release(&self, job: &JobId) -> Result<(), Error>;

    /// The task that this process is, by its environment.
    fn itself(&self) -> Option<Itself>;
}

/// The scheduler of a kind.
pub fn scheduler(kind: Kind) -> Box<dyn Scheduler> {
    match kind {
        Kind::Slurm => Box::new(Slurm),
        Kind::GridEngine => Box::new(GridEngine),
        Kind::Pbs => Box::new(Pbs),
        Kind::Local => Box::new(Local),
    }
}

/// A number in the environment.
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tasks_are_cut_to_what_is_accepted() {
        let room = |used| Some(Room { limit: "MaxSubmitJobs", most: 5, used });
        let limits = |array, used| Limits { array, room: used };
        assert_eq!(limits(None, None).fit(500).unwrap(), 500);
        assert_eq!(limits(Some(10), None).fit(500).unwrap(), 10);
        assert_eq!(limits(Some(10), room(2)).fit(500).unwrap(), 3);
        let full = limits(Some(10), room(5)).fit(500).unwrap_err().to_string();
        assert_eq!(full, "MaxSubmitJobs leaves no room for a task: 5 of 5 are taken");
    }
}
