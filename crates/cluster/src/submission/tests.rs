//! Tests of the record, with a scheduler that lives in memory.

use std::cell::RefCell;

use tempfile::TempDir;

use super::*;
use crate::Request;
use crate::request::example;
use crate::{Itself, Limits, TaskState};

/// Remembers jobs by name. Its tasks run until they are cancelled.
#[derive(Default)]
struct Memory {
    jobs: RefCell<Vec<(String, u32, TaskState)>>,
    /// Tasks beyond which it refuses.
    most: Option<u32>,
    /// Takes a job and says that it did not.
    loses_answers: bool,
}

impl Scheduler for Memory {
    fn kind(&self) -> Kind {
        Kind::Slurm
    }

    fn programs(&self) -> &'static [&'static str] {
        &[]
    }

    fn limits(&self, _: &Request) -> Result<Limits, Error> {
        Ok(Limits::default())
    }

    fn index(&self) -> &'static str {
        "$INDEX"
    }

    fn submit(&self, job: &Job<'_>) -> Result<JobId, Error> {
        assert!(job.record.join(INTENT).exists(), "the intent is written before");
        let refuse = |said: &str| {
            let (call, status) = ("sbatch".into(), "exit status: 1".into());
            Err(Error::Refused { call, status, said: said.into() })
        };
        if self.most.is_some_and(|most| job.request.tasks > most) {
            return refuse("error: QOSMaxSubmitJobPerUserLimit");
        }
        let mut jobs = self.jobs.borrow_mut();
        jobs.push((job.name.into(), job.request.tasks, TaskState::Running));
        match self.loses_answers {
            true => refuse("error: Socket timed out on send/recv operation"),
            false => Ok(JobId(jobs.len().to_string())),
        }
    }

    fn find(&self, name: &str, _: &Path) -> Result<Option<JobId>, Error> {
        let at = self.jobs.borrow().iter().position(|(known, ..)| known == name);
        Ok(at.map(|at| JobId((at + 1).to_string())))
    }

    fn poll(&self, job: &JobId, _: &Path) -> Result<Vec<Task>, Error> {
        let jobs = self.jobs.borrow();
        let (_, tasks, state) = &jobs[job.0.parse::<usize>().unwrap() - 1];
        let task = |index| Task { index, state: *state, reason: String::new() };
        Ok((0..*tasks).map(task).collect())
    }

    fn cancel(&self, job: &JobId, _: &Path) -> Result<(), Error> {
        self.jobs.borrow_mut()[job.0.parse::<usize>().unwrap() - 1].2 = TaskState::Cancelled;
        Ok(())
    }

    fn requeue(&self, _: &Itself) -> Result<Option<u8>, Error> {
        Ok(None)
    }

    fn release(&self, _: &JobId) -> Result<(), Error> {
        Ok(())
    }

    fn itself(&self) -> Option<Itself> {
        None
    }
}

fn intent(tasks: u32) -> Intent {
    let command = |_: &str| vec!["it's".into(), "join".into()];
    let folder = PathBuf::from("/");
    Intent::new(("c", Kind::Slurm), ("a sweep", "p1"), example(tasks), vec![], command, folder)
}

fn begin(store: &TempDir, scheduler: &Memory, tasks: u32) -> Result<Begun, Error> {
    Submission::begin(store.path(), intent(tasks), scheduler, |_| Ok(()))
}

fn submitted(begun: Result<Begun, Error>) -> Submission {
    match begun.unwrap() {
        Begun::Submitted(submission) => submission,
        Begun::Found(..) => panic!("found another"),
    }
}

#[test]
fn a_plan_that_is_at_work_is_not_submitted_again() {
    let (store, scheduler) = (TempDir::new().unwrap(), Memory::default());
    let mut first = submitted(begin(&store, &scheduler, 4));
    assert_eq!(submissions(store.path()).unwrap(), [first.clone()]);
    let Begun::Found(found, tally) = begin(&store, &scheduler, 4).unwrap() else { panic!() };
    assert_eq!((&found, tally.active()), (&first, 4));
    first.cancel(&scheduler).unwrap();
    let second = submitted(begin(&store, &scheduler, 4));
    assert_ne!(first.intent().name, second.intent().name);
    assert_eq!(scheduler.jobs.borrow().len(), 2);
}

#[test]
fn a_driver_that_was_killed_before_it_wrote_the_number_submits_nothing_twice() {
    let (store, scheduler) = (TempDir::new().unwrap(), Memory::default());
    let first = submitted(begin(&store, &scheduler, 4));
    fs::remove_file(first.record().join(JOB)).unwrap();
    let Begun::Found(found, _) = begin(&store, &scheduler, 4).unwrap() else { panic!() };
    assert_eq!(found, first, "by its name");
    assert_eq!(scheduler.jobs.borrow().len(), 1);
    // One that was killed before it submitted left an intent and no job.
    fs::remove_file(first.record().join(JOB)).unwrap();
    scheduler.jobs.borrow_mut().clear();
    submitted(begin(&store, &scheduler, 4));
    assert_eq!(scheduler.jobs.borrow().len(), 1);
}

#[test]
fn a_job_whose_answer_was_lost_counts() {
    let store = TempDir::new().unwrap();
    let scheduler = Memory { loses_answers: true, ..Memory::default() };
    let only = submitted(begin(&store, &scheduler, 4));
    assert_eq!(only.job(), Some(&JobId("1".into())));
}

#[test]
fn fewer_tasks_are_submitted_where_their_number_is_refused_and_nothing_is_left_of_none() {
    let store = TempDir::new().unwrap();
    let scheduler = Memory { most: Some(3), ..Memory::default() };
    let cut = submitted(begin(&store, &scheduler, 16));
    assert_eq!(cut.intent().request.tasks, 2);
    assert_eq!(submissions(store.path()).unwrap(), [cut]);
    let (store, scheduler) = (TempDir::new().unwrap(), Memory { most: Some(0), ..scheduler });
    assert!(begin(&store, &scheduler, 16).unwrap_err().is_limit());
    assert_eq!(submissions(store.path()).unwrap(), []);
}

#[test]
fn a_script_keeps_words_as_they_are() {
    let mut intent = intent(1);
    intent.setup = vec!["module load x".into()];
    let script = intent.script("$INDEX");
    assert!(script.ends_with("\nmodule load x\nexec 'it'\\''s' 'join' \"$INDEX\"\n"), "{script}");
}
