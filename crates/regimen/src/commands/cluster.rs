//! `regimen run --cluster`: submits sweeps to a cluster, follows them and submits what is lost again.

mod follow;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use cluster::{
    Begun, Each, Error, Intent, Profile, Profiles, Request, Scheduler, Submission, Tally,
};
use journal::{Fold, Status};
use orchestrator::config::Chosen;
use orchestrator::execute::{Frozen, JOURNAL, Options, Stop, Summary};

use crate::arguments::Run;
use crate::commands::Done;
use crate::commands::run::{self, Watched};
use crate::gpus::Held;
use crate::logging::LogFormat;
use crate::plans::{self, Planned};
use crate::progress::Progress;
use crate::terminal::say;

/// The file of a submission that holds its sweep.
pub(super) const SWEEP: &str = "sweep.json";

/// How long tasks that have nothing left to execute may take to end.
const ENDING: Duration = Duration::from_secs(120);

/// A cluster by its name.
pub(super) struct Cluster {
    pub(super) name: String,
    pub(super) profile: Profile,
    pub(super) scheduler: Box<dyn Scheduler>,
}

impl Cluster {
    /// Reads its profile, the user's or one beside a configuration.
    pub(super) fn named(name: &str, folders: &[&Path]) -> Result<Self> {
        let profiles = Profiles::read(folders)?;
        let profile = profiles.named(name)?.clone();
        let scheduler = cluster::scheduler(profile.scheduler);
        Ok(Self { name: name.into(), profile, scheduler })
    }

    /// The words that begin what a task executes: this program, where nodes find it.
    pub(super) fn program(&self) -> Result<String> {
        let program = match &self.profile.program {
            Some(program) => program.clone(),
            None => std::env::current_exe().context("finding this program")?,
        };
        text(&program)
    }
}

/// A path for a script, which is text.
pub(super) fn text(path: &Path) -> Result<String> {
    let wanted = || anyhow!("{}: wanted a path of UTF-8 text for a script", path.display());
    path.to_str().map(str::to_owned).ok_or_else(wanted)
}

/// A store's path that holds wherever a task is executed.
pub(super) fn absolute(store: &Path) -> Result<PathBuf> {
    std::path::absolute(store).with_context(|| format!("finding {}", store.display()))
}

/// A sweep on a cluster.
struct Sweep<'a> {
    planned: &'a Planned,
    frozen: Frozen,
    submission: Option<Submission>,
}

/// How a call on a cluster went.
pub(crate) enum Followed {
    /// The command ends before the sweeps are over: they are detached, cancelled, or cannot go on.
    Early(Done),
    /// They are over; the ids of those that tasks were at work for.
    Over(BTreeSet<String>),
}

/// Submits what is left of each sweep and follows it to its end.
pub(crate) fn run(
    arguments: &Run,
    name: &str,
    plans: &[Planned],
    log_format: LogFormat,
    stop: &Stop,
) -> Result<Followed> {
    let folders: Vec<&Path> = plans.iter().filter_map(|planned| planned.path.parent()).collect();
    let cluster = Cluster::named(name, &folders)?;
    needs_are_there(plans, &arguments.store.results)?;
    let mut sweeps = Vec::new();
    for planned in plans.iter().filter(|planned| planned.is_asked()) {
        let mut sweep = freeze(arguments, planned, log_format)?;
        submit(&cluster, &mut sweep, &arguments.store.results, log_format)?;
        sweeps.push(sweep);
    }
    if arguments.detach {
        if sweeps.iter().any(|sweep| sweep.submission.is_some()) {
            let store = in_store(&arguments.store.results);
            say(&format!(
                "`regimen status --watch{store}` follows, `regimen cancel SWEEP{store}` ends it"
            ));
        }
        return Ok(Followed::Early(Done::Well));
    }
    let submitted = sweeps.iter().filter(|sweep| sweep.submission.is_some());
    let submitted = submitted.map(|sweep| sweep.frozen.id()).collect();
    let store = &arguments.store.results;
    let early = follow::follow(&cluster, &mut sweeps, store, log_format, stop)?;
    Ok(early.map_or(Followed::Over(submitted), Followed::Early))
}

/// Refuses what builds on runs that have not finished: tasks of one job begin together.
fn needs_are_there(plans: &[Planned], store: &Path) -> Result<()> {
    let fold = Fold::read(&store.join(JOURNAL))?;
    let finished = |run| fold.runs.get(run).is_some_and(|s| s.status() == Status::Finished);
    for Planned { plan, .. } in plans {
        for (name, run) in plan.runs.iter().flat_map(|run| &run.spec.needs) {
            if !finished(run) {
                let (sweep, run) = (&plan.sweep, run.short());
                let of =
                    plan.needs.get(name).map_or(String::new(), |of| of.path.display().to_string());
                bail!(
                    "{sweep} builds on run {run} of {of} ({name}), which has not finished: execute that \
                     configuration first, then submit this one"
                );
            }
        }
    }
    Ok(())
}

/// The option that names a store, where it is not the usual one.
fn in_store(store: &Path) -> String {
    if store == Path::new("results") {
        String::new()
    } else {
        format!(" --results {}", store.display())
    }
}

/// The sweep of a plan with everything that nodes need.
fn freeze<'a>(arguments: &Run, planned: &'a Planned, log_format: LogFormat) -> Result<Sweep<'a>> {
    if let chosen @ (Chosen::Auto | Chosen::Cuda(_)) = planned.plan.resources.device {
        bail!(
            "{}: resources.device: {chosen} is about one machine, and nodes of a cluster may differ; say cpu \
             or cuda",
            planned.plan.sweep
        );
    }
    let mut options = run::options(arguments, planned, &Held::default(), log_format)?;
    options.lease = options.lease.or(Some(Options::SHARED_LEASE));
    let specs = planned.plan.runs.iter().map(|run| run.spec.clone()).collect();
    let folder = std::env::current_dir().context("finding the current folder")?;
    let mut frozen = Frozen::new((&planned.plan.sweep, &folder), specs, &options, 1)?;
    let manifests = plans::own_manifests(&arguments.config.configs);
    frozen.manifests = manifests.iter().map(|path| absolute(path)).collect::<Result<_>>()?;
    Ok(Sweep { planned, frozen, submission: None })
}

/// Submits tasks for what is left of a sweep, unless some are at work.
fn submit(
    cluster: &Cluster,
    sweep: &mut Sweep<'_>,
    store: &Path,
    log_format: LogFormat,
) -> Result<()> {
    let plan = &sweep.planned.plan;
    let left = sweep.frozen.standing(&Fold::read(&store.join(JOURNAL))?)?.left;
    if left == 0 {
        return Ok(());
    }
    let scheduler = &*cluster.scheduler;
    for program in scheduler.programs() {
        if cluster::find_program(program).is_none() {
            return Err(Error::NoProgram { program: (*program).into() }.into());
        }
    }
    let resources = &plan.resources;
    let mut request = Request::new(
        &cluster.profile,
        left,
        Each { threads: resources.threads, gpus: resources.gpus, memory: resources.memory },
    );
    request.tasks = scheduler.limits(&request)?.fit(request.tasks)?;
    sweep.frozen.shared.workers = (request.tasks * request.jobs) as usize;
    let (program, place) = (cluster.program()?, text(&absolute(store)?)?);
    let command = |name: &str| {
        let words = ["join", "--results", &place, "--submission", name];
        let end = ["--log-format", log_format.name(), "--task"];
        std::iter::once(program.as_str()).chain(words).chain(end).map(str::to_owned).collect()
    };
    let intent = Intent::new(
        (&cluster.name, scheduler.kind()),
        (&plan.sweep, &sweep.frozen.id()),
        request,
        cluster.profile.setup.clone(),
        command,
        sweep.frozen.folder.clone(),
    );
    let frozen = &sweep.frozen;
    let prepare = |record: &Path| Ok::<_, anyhow::Error>(frozen.write(&record.join(SWEEP))?);
    let asked = Instant::now();
    loop {
        let begun = Submission::begin(store, intent.clone(), scheduler, prepare)
            .with_context(|| format!("{}: could not be submitted to {}", plan.sweep, cluster.name));
        let (known, tally) = match begun? {
            Begun::Submitted(new) => {
                say(&format!("{}: {left} runs, {}", plan.sweep, submitted(&new)));
                sweep.submission = Some(new);
                return Ok(());
            }
            Begun::Found(known, tally) => (known, tally),
        };
        let frozen = Frozen::read(&known.record().join(SWEEP))?;
        let fold = Fold::read(&store.join(JOURNAL))?;
        if frozen.standing(&fold)?.left > 0 || asked.elapsed() >= ENDING {
            say(&format!("{}: already at work, {}: {tally}", plan.sweep, submitted(&known)));
            (sweep.frozen, sweep.submission) = (frozen, Some(known));
            return Ok(());
        }
        // Its tasks are about to end, and do nothing of what is asked for now.
        follow::let_go(&*cluster.scheduler, &known);
        thread::sleep(follow::EVERY);
    }
}

/// `job 12 of 4 tasks on lab`.
fn submitted(submission: &Submission) -> String {
    let (intent, job) = (submission.intent(), submission.job());
    let tasks = intent.request.tasks;
    let plural = if tasks == 1 { "task" } else { "tasks" };
    let job = job.map_or(String::new(), |job| format!("job {job} of "));
    format!("{job}{tasks} {plural} on {}", intent.cluster)
}

/// Says what a sweep came to, as after one that was executed here; `submitted` are those that this call
/// had tasks at work for.
pub(crate) fn summary<'a>(
    arguments: &Run,
    submitted: &BTreeSet<String>,
    planned: &'a Planned,
    log_format: LogFormat,
    progress: &mut Progress<'a>,
) -> Result<Summary> {
    let store = &arguments.store.results;
    let sweep = freeze(arguments, planned, log_format)?;
    let is_new = submitted.contains(&sweep.frozen.id());
    let since = if is_new { latest(store, &sweep.frozen)? } else { None };
    let since = since.unwrap_or(sweep.frozen);
    let summary = since.standing(&Fold::read(&store.join(JOURNAL))?)?.summary;
    progress.begin(&planned.plan);
    Watched::new(progress).finish(&planned.plan, &summary, store)?;
    Ok(summary)
}

/// The sweep as it was when it was submitted last.
fn latest(store: &Path, frozen: &Frozen) -> Result<Option<Frozen>> {
    let plan = frozen.id();
    let same = cluster::submissions(store)?.into_iter().rfind(|known| known.intent().plan == plan);
    same.map(|known| Ok(Frozen::read(&known.record().join(SWEEP))?)).transpose()
}

/// What a submission is doing: `job 12 of 4 tasks on lab: 3 running, 1 pending (Resources)`.
pub(super) fn line(submission: &Submission, tally: &Tally) -> String {
    format!("{}: {tally}", submitted(submission))
}

/// The scheduler of a submission.
pub(super) fn scheduler_of(submission: &Submission) -> Box<dyn Scheduler> {
    cluster::scheduler(submission.intent().scheduler)
}

/// Refuses a binary of another version than the one that planned a sweep.
pub(super) fn same_version(frozen: &Frozen, version: &str, commit: &str) -> Result<()> {
    let told = |version: &str, commit: &str| match commit.get(..8) {
        Some(short) => format!("{version} ({short})"),
        None => version.to_owned(),
    };
    if (frozen.version.as_str(), frozen.commit.as_str()) != (version, commit) {
        bail!(
            "the sweep was planned by regimen {}, this is {}: `program` in the cluster's profile \
             names the same one for all nodes",
            told(&frozen.version, &frozen.commit),
            told(version, commit)
        );
    }
    Ok(())
}
