//! The record of an array: a folder that says what is about to be submitted, and then as what.
//!
//! ```text
//! submissions/lock               held by whoever submits
//! submissions/<name>/intent.json what is submitted, under which name; written before
//! submissions/<name>/script      what each task executes
//! submissions/<name>/job.json    the scheduler's number of it; written afterwards
//! submissions/<name>/<task>.log  what a task printed
//! submissions/<name>/cancelled   nobody submits it again, and no task asks for another turn
//! submissions/<name>/over        no task of it is left
//! ```

mod files;
mod intent;
mod lock;

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::task::complete;
use crate::{Error, Job, JobId, Kind, Scheduler, Tally, Task};
use files::{read, write};
use lock::Lock;

pub use intent::Intent;

const FOLDER: &str = "submissions";
const INTENT: &str = "intent.json";
const SCRIPT: &str = "script";
const JOB: &str = "job.json";
const CANCELLED: &str = "cancelled";
const OVER: &str = "over";

/// An array and its record.
#[derive(Debug, Clone, PartialEq)]
pub struct Submission {
    record: PathBuf,
    intent: Intent,
    job: Option<JobId>,
}

/// What came of asking for an array.
#[derive(Debug, Clone, PartialEq)]
pub enum Begun {
    /// It was submitted.
    Submitted(Submission),
    /// One for the same runs is at work already.
    Found(Submission, Tally),
}

impl Submission {
    /// Submits an array, unless one for the same plan is at work already. `prepare` is given the
    /// folder of the record before.
    ///
    /// # Errors
    /// The record cannot be written, `prepare` fails, or the scheduler refuses; nothing is left of it
    /// then.
    pub fn begin<E: From<Error>>(
        store: &Path,
        intent: Intent,
        scheduler: &dyn Scheduler,
        prepare: impl FnOnce(&Path) -> Result<(), E>,
    ) -> Result<Begun, E> {
        // Nodes and schedulers have other current folders.
        let store = std::path::absolute(store).map_err(Error::record("find", store))?;
        let all = store.join(FOLDER);
        fs::create_dir_all(&all).map_err(Error::record("create", &all))?;
        let _lock = Lock::take(&all, intent.scheduler != Kind::Local)?;
        for mut known in submissions(&store)? {
            if known.intent.plan != intent.plan || known.is_settled() {
                continue;
            }
            known.look_for_job(scheduler)?;
            let tally = known.poll(scheduler)?;
            if tally.active() > 0 {
                return Ok(Begun::Found(known, tally));
            }
            known.note(OVER)?;
        }
        let mut new = Self { record: all.join(&intent.name), intent, job: None };
        fs::create_dir(&new.record).map_err(Error::record("create", &new.record))?;
        let submitted = prepare(&new.record).and_then(|()| Ok(new.submit(scheduler)?));
        if submitted.is_err() && new.job.is_none() {
            let _ = fs::remove_dir_all(&new.record);
        }
        submitted.map(|()| Begun::Submitted(new))
    }

    /// Writes the intent, submits, and writes down as what; with fewer tasks where the scheduler
    /// refuses for their number.
    fn submit(&mut self, scheduler: &dyn Scheduler) -> Result<(), Error> {
        let script = self.record.join(SCRIPT);
        let text = self.intent.script(scheduler.index());
        fs::write(&script, text).map_err(Error::record("write", &script))?;
        fs::set_permissions(&script, fs::Permissions::from_mode(0o755))
            .map_err(Error::record("make executable", &script))?;
        loop {
            write(&self.record.join(INTENT), &self.intent)?;
            let request = &self.intent.request;
            let (name, folder) = (&self.intent.name, &self.intent.folder);
            let job = Job { name, request, script: &script, folder, record: &self.record };
            let error = match scheduler.submit(&job) {
                Ok(job) => return self.submitted_as(job),
                Err(error) => error,
            };
            // A controller that answers too late may have taken it all the same.
            if let Ok(Some(job)) = scheduler.find(name, &self.record) {
                return self.submitted_as(job);
            }
            if !error.is_limit() || self.intent.request.tasks == 1 {
                return Err(error);
            }
            self.intent.request.tasks /= 2;
            tracing::info!(%error, tasks = self.intent.request.tasks, "fewer tasks");
        }
    }

    fn submitted_as(&mut self, job: JobId) -> Result<(), Error> {
        write(&self.record.join(JOB), &job)?;
        self.job = Some(job);
        Ok(())
    }

    /// Finds the job of a submission whose driver ended before it wrote down the number, if it came to
    /// that. Under the lock.
    fn look_for_job(&mut self, scheduler: &dyn Scheduler) -> Result<(), Error> {
        if self.job.is_none()
            && let Some(job) = scheduler.find(&self.intent.name, &self.record)?
        {
            tracing::info!(%job, name = self.intent.name, "found by its name");
            self.submitted_as(job)?;
        }
        Ok(())
    }

    /// Reads the record of a submission by its name.
    ///
    /// # Errors
    /// There is none, or it cannot be read.
    pub fn named(store: &Path, name: &str) -> Result<Self, Error> {
        let record = store.join(FOLDER).join(name);
        open(&record)?.ok_or_else(|| {
            let missing = io::Error::from(io::ErrorKind::NotFound);
            Error::record("read", record.join(INTENT))(missing)
        })
    }

    /// The folder of the record.
    pub fn record(&self) -> &Path {
        &self.record
    }

    /// What was to be submitted.
    pub fn intent(&self) -> &Intent {
        &self.intent
    }

    /// The scheduler's number of it; none where its driver ended before it came to that.
    pub fn job(&self) -> Option<&JobId> {
        self.job.as_ref()
    }

    /// Whether it was cancelled.
    pub fn is_cancelled(&self) -> bool {
        self.record.join(CANCELLED).exists()
    }

    /// Whether no task of it is left, as somebody saw.
    pub fn is_over(&self) -> bool {
        self.record.join(OVER).exists()
    }

    fn is_settled(&self) -> bool {
        self.is_over() || self.is_cancelled()
    }

    /// Writes down that no task of it is left.
    ///
    /// # Errors
    /// The record cannot be written.
    pub fn end(&self) -> Result<(), Error> {
        self.note(OVER)
    }

    fn note(&self, name: &str) -> Result<(), Error> {
        let path = self.record.join(name);
        File::create(&path).map(drop).map_err(Error::record("write", path))
    }

    /// Where each task stands.
    ///
    /// # Errors
    /// The scheduler cannot be asked.
    pub fn tasks(&self, scheduler: &dyn Scheduler) -> Result<Vec<Task>, Error> {
        let known = match &self.job {
            Some(job) => scheduler.poll(job, &self.record)?,
            None => Vec::new(),
        };
        Ok(complete(self.intent.request.tasks, known))
    }

    /// How many tasks stand where.
    ///
    /// # Errors
    /// The scheduler cannot be asked.
    pub fn poll(&self, scheduler: &dyn Scheduler) -> Result<Tally, Error> {
        Ok(Tally::of(&self.tasks(scheduler)?))
    }

    /// Cancels it: first the record, so that no task asks for another turn, then the job.
    ///
    /// # Errors
    /// The record cannot be written, or the scheduler cannot be asked.
    pub fn cancel(&mut self, scheduler: &dyn Scheduler) -> Result<(), Error> {
        self.note(CANCELLED)?;
        let folder = self.record.parent().unwrap_or(&self.record);
        let _lock = Lock::take(folder, false)?;
        self.look_for_job(scheduler)?;
        self.job.as_ref().map_or(Ok(()), |job| scheduler.cancel(job, &self.record))
    }

    /// What a task printed goes here.
    pub fn log(&self, task: u32) -> PathBuf {
        // Grid Engine counts from 1 and cannot be told otherwise.
        let counted = self.record.join(format!("task.{}.log", task + 1));
        if counted.exists() { counted } else { self.record.join(format!("{task}.log")) }
    }
}

/// The submissions of a store, the oldest first. One whose intent was not written yet is none.
///
/// # Errors
/// A record cannot be read.
pub fn submissions(store: &Path) -> Result<Vec<Submission>, Error> {
    let folder = store.join(FOLDER);
    let entries = match fs::read_dir(&folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(Error::record("list", &folder))?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.map_err(Error::record("list", &folder))?.path();
        if path.is_dir() {
            found.extend(open(&path)?);
        }
    }
    found.sort_by(|a: &Submission, b| {
        let by_time = a.intent.at.total_cmp(&b.intent.at);
        by_time.then_with(|| a.intent.name.cmp(&b.intent.name))
    });
    Ok(found)
}

fn open(record: &Path) -> Result<Option<Submission>, Error> {
    let Some(intent) = read(&record.join(INTENT))? else { return Ok(None) };
    let job = read(&record.join(JOB))?;
    Ok(Some(Submission { record: record.into(), intent, job }))
}

#[cfg(test)]
mod tests;
