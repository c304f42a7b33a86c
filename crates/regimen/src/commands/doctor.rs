//! `regimen doctor`: whether this machine, or a cluster by a task that looks around, does what sweeps need.

mod machine;
mod probe;

use std::fs::{self, File};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use cluster::{Begun, Each, Intent, Request, Submission, Tally, find_program};
use journal::Role;
use orchestrator::execute::Options;
use orchestrator::needs::{Supply, writable};
use rustix::fs::{FlockOperation, flock};

use crate::arguments::Doctor;
use crate::commands::Done;
use crate::commands::cluster::{Cluster, absolute, text};
use crate::provenance;
use crate::terminal::{inert, print_lines, say};

pub(crate) use probe::probe;
use probe::{ANSWER, Answer, LOCK, clock_ahead};

/// How long to wait for a task, where nobody says.
const WAIT: Duration = Duration::from_secs(120);
/// How long the end of the task is waited for.
const END: Duration = Duration::from_secs(10);
/// Time between looks.
const EVERY: Duration = Duration::from_millis(500);
/// Seconds that clocks may be apart: times in tables come from many of them.
const APART: f64 = 2.0;

/// What was checked, each a line.
#[derive(Default)]
struct Findings {
    bad: usize,
}

impl Findings {
    fn ok(&self, text: &str) -> Result<()> {
        print_lines(&format!("ok   {text}\n"))
    }

    fn bad(&mut self, text: &str, remedy: &str) -> Result<()> {
        self.bad += 1;
        print_lines(&format!("bad  {text}: {remedy}\n"))
    }

    fn note(&self, text: &str) -> Result<()> {
        print_lines(&format!("note {text}\n"))
    }

    fn check(&mut self, holds: bool, good: &str, bad: &str, remedy: &str) -> Result<()> {
        if holds { self.ok(good) } else { self.bad(bad, remedy) }
    }
}

/// `regimen doctor`: a line a check, with what to do where it is bad.
pub(crate) fn doctor(arguments: &Doctor) -> Result<Done> {
    let (mut findings, results) = (Findings::default(), &arguments.store.results);
    match &arguments.cluster {
        None => machine::look(results, &mut findings)?,
        Some(name) => {
            let cluster = Cluster::named(name, &[Path::new(".")])?;
            if commands(&cluster, &mut findings)? && store(results, &mut findings)? {
                node(&cluster, arguments, &mut findings)?;
            }
        }
    }
    Ok(if findings.bad > 0 { Done::SomeFailed } else { Done::Well })
}

/// Whether the scheduler's programs are here and it answers.
fn commands(cluster: &Cluster, findings: &mut Findings) -> Result<bool> {
    let programs = cluster.scheduler.programs();
    if let Some(program) = programs.iter().find(|program| find_program(program).is_none()) {
        findings.bad(
            &format!("{program} is not on this machine"),
            "run this where jobs are submitted from, or correct `scheduler` in the profile",
        )?;
        return Ok(false);
    }
    findings.ok(&format!("{} are here", programs.join(", ")))?;
    let request = Request::new(&cluster.profile, usize::MAX, Each::default());
    let tasks = cluster.scheduler.limits(&request).and_then(|limits| limits.fit(request.tasks));
    match tasks {
        Ok(tasks) => findings.ok(&format!("it answers, and takes {tasks} tasks at once now"))?,
        Err(error) => {
            findings.bad(&format!("{error}"), "wait, or ask who runs the cluster")?;
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether the store can be written, and its file system has links and locks.
fn store(store: &Path, findings: &mut Findings) -> Result<bool> {
    if let Supply::Missing { why, remedy } = writable(store, true) {
        findings.bad(&format!("store {}: {why}", store.display()), &remedy)?;
        return Ok(false);
    }
    fs::create_dir_all(store).with_context(|| format!("creating {}", store.display()))?;
    let links = probe::links(store);
    findings.check(
        links.is_ok(),
        "the store's file system has hard links",
        &format!(
            "the store's file system has no hard links ({})",
            links.as_ref().err().map_or("", |e| e)
        ),
        "claims need them: name another folder by --results",
    )?;
    Ok(links.is_ok())
}

/// What a node sees.
fn node(cluster: &Cluster, arguments: &Doctor, findings: &mut Findings) -> Result<()> {
    let store = &arguments.store.results;
    let mut request = Request::new(&cluster.profile, 1, Each::default());
    request.tasks = 1;
    let (program, place) = (cluster.program()?, text(&absolute(store)?)?);
    let command = |name: &str| {
        let words = [&program, "probe", "--results", &place, "--name", name, "--task"];
        words.map(str::to_owned).to_vec()
    };
    let folder = std::env::current_dir().context("finding the current folder")?;
    let plan = format!("probe-{}-{:?}", std::process::id(), std::time::SystemTime::now());
    let (kind, setup) = (cluster.scheduler.kind(), cluster.profile.setup.clone());
    let intent =
        Intent::new((&cluster.name, kind), ("doctor", &plan), request, setup, command, folder);
    let mut lock = None;
    let prepare = |record: &Path| -> Result<()> {
        // Held while the node tries to take it.
        let file = File::create(record.join(LOCK)).context("creating a file to lock")?;
        flock(&file, FlockOperation::LockExclusive).context("locking it")?;
        lock = Some(file);
        Ok(())
    };
    let begun = Submission::begin(store, intent, &*cluster.scheduler, prepare);
    let mut submission = match begun {
        Ok(Begun::Submitted(submission) | Begun::Found(submission, _)) => submission,
        Err(error) => return findings.bad(&format!("{error:#}"), "correct the profile"),
    };
    let job = submission.job().map_or(String::new(), ToString::to_string);
    say(&format!("waiting for job {job}, which looks around on a node"));
    let (answer, tally) = wait(cluster, &submission, arguments.wait.unwrap_or(WAIT));
    match answer {
        Some(answer) => seen(&answer, &submission, findings)?,
        None => {
            let log = fs::read_to_string(submission.log(0)).unwrap_or_default();
            let end: Vec<&str> = log.lines().rev().take(3).collect();
            let end: Vec<&str> = end.into_iter().rev().collect();
            let printed =
                if end.is_empty() { "it printed nothing".into() } else { inert(&end.join("; ")) };
            findings.bad(
                &format!("no answer from job {job} ({tally}; {printed})"),
                &format!(
                    "is {place} shared, and can nodes execute {program}? `program` in the profile \
                     names another, --wait waits longer"
                ),
            )?;
        }
    }
    drop(lock);
    if let Err(error) = submission.cancel(&*cluster.scheduler) {
        say(&format!("warning: {error}"));
    }
    // What the task still writes would bring its folder back.
    let over = Instant::now() + END;
    let at_work = || submission.poll(&*cluster.scheduler).is_ok_and(|tally| tally.active() > 0);
    while at_work() && Instant::now() < over {
        thread::sleep(EVERY);
    }
    let _ = fs::remove_dir_all(submission.record());
    Ok(())
}

/// Waits for what the node says, until it says something, its task is over, or time is up.
fn wait(cluster: &Cluster, submission: &Submission, wait: Duration) -> (Option<Answer>, Tally) {
    let (start, mut tally, mut over) = (Instant::now(), Tally::default(), false);
    loop {
        if let Some(answer) = Answer::read(&submission.record().join(ANSWER)) {
            return (Some(answer), tally);
        }
        if over || start.elapsed() >= wait {
            return (None, tally);
        }
        if let Ok(now) = submission.poll(&*cluster.scheduler) {
            // One more look: the answer may be on its way.
            over = now.active() == 0;
            tally = now;
        }
        thread::sleep(EVERY);
    }
}

/// Judges what a node says.
fn seen(answer: &Answer, submission: &Submission, findings: &mut Findings) -> Result<()> {
    let host = &answer.host;
    let here = provenance::opened(Role::Driver);
    findings.ok(&format!("{host} executes the program and sees the store"))?;
    findings.check(
        (&answer.version, &answer.commit) == (&here.version, &here.commit),
        &format!("{host} has the same version, {}", here.version),
        &format!("{host} has version {} of another build", answer.version),
        "`program` in the profile names one binary for all nodes",
    )?;
    findings.check(
        answer.links.is_none(),
        &format!("hard links work on {host}"),
        &format!("hard links fail on {host} ({})", answer.links.as_deref().unwrap_or_default()),
        "claims need them: name another folder by --results",
    )?;
    findings.check(
        answer.refused,
        &format!("a lock held here is seen on {host}"),
        &format!("a lock held here is not seen on {host}"),
        "do not submit one sweep from two machines at a time, nor `compact` while it runs",
    )?;
    let ahead = clock_ahead(submission.record()).context("looking at the clock")?;
    let apart = answer.ahead - ahead;
    findings.check(
        apart.abs() <= APART,
        &format!("the clocks of {host} and this machine are {:.1} s apart", apart.abs()),
        &format!("the clock of {host} is {apart:+.0} s apart from this machine's"),
        &format!(
            "times in tables will be; nothing else goes by them, as leases ({} s) are counted by \
             each machine alone",
            Options::SHARED_LEASE.as_secs()
        ),
    )?;
    let cache = datasets::default_cache().unwrap_or_default();
    findings.check(
        !cache.is_dir() || answer.cache.as_deref() == Some(&*cache.to_string_lossy()),
        &format!("{host} sees the cache of data sets"),
        &format!("{host} does not see the cache of data sets, {}", cache.display()),
        "set REGIMEN_CACHE to a folder that all nodes share",
    )?;
    if answer.cpu != here.cpu {
        findings.ok(&format!(
            "{host} has another processor ({}): bits are promised for one kind only",
            answer.cpu
        ))?;
    }
    Ok(())
}
