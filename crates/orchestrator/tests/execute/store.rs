//! A store in a temporary folder, and what the journal says of it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use experiment::{DataPaths, Device, Engine, Entry, RunId, SpecId};
use journal::{Fold, Opened, Role, RunSpec, RunState, Status};
use orchestrator::config::Retry;
use orchestrator::execute::{
    Disk, Error, Gpus, JOURNAL, Notice, Options, Rerun, Stop, Summary, WorkerCommand, execute,
};

use crate::toy::{self, Params, Toy, Way};

/// Set in processes that are workers or drivers of a test.
pub(crate) const ROLE: &str = "REGIMEN_TEST_ROLE";

pub(crate) fn entries() -> Vec<Entry> {
    let engine = Engine { set_threads: toy::set_threads, ..Engine::default() };
    vec![Entry::of::<Toy>().with_engine(engine)]
}

/// This test binary, executing only the test `name` in the role of that name.
pub(crate) fn myself(name: &str) -> WorkerCommand {
    let mut args = vec![format!("{ROLE}={name}").into()];
    args.push(std::env::current_exe().unwrap().into_os_string());
    args.extend(["--exact", name, "--nocapture", "--quiet"].map(Into::into));
    WorkerCommand { program: "/usr/bin/env".into(), args }
}

pub(crate) fn run(params: &Params) -> RunSpec {
    let params = serde_json::to_string(params).unwrap();
    RunSpec {
        run: RunId::of(&params),
        spec: SpecId::of(&params),
        experiment: "toy".into(),
        experiment_version: 1,
        params,
        seed: 1,
        sweep: "test".into(),
        device: Device::Cpu,
        threads: 1,
        engine: None,
        data: Default::default(),
        needs: Default::default(),
    }
}

/// Runs numbered from 0 that end in one way.
pub(crate) fn runs(way: Way, count: u64) -> Vec<RunSpec> {
    (0..count).map(|number| run(&Params { way, number, gate: None })).collect()
}

pub(crate) struct Store {
    pub(crate) dir: tempfile::TempDir,
    pub(crate) options: Options,
}

impl Store {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let options = options(&dir.path().join("results"));
        Self { dir, options }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Executes runs; every notice goes to `observe` and is returned.
    pub(crate) fn execute_with(
        &self,
        runs: &[RunSpec],
        stop: &Stop,
        mut observe: impl FnMut(&Notice),
    ) -> (Result<Summary, Error>, Vec<Notice>) {
        let mut notices = Vec::new();
        let mut observer = |notice: &Notice| {
            observe(notice);
            notices.push(notice.clone());
        };
        let summary = execute(runs, &self.options, &entries(), &mut observer, stop);
        (summary, notices)
    }

    pub(crate) fn execute(&self, runs: &[RunSpec]) -> Summary {
        self.execute_with(runs, &Stop::new(), |_| {}).0.unwrap()
    }

    /// How often a run was started, and its notices.
    pub(crate) fn started(notices: &[Notice]) -> usize {
        notices.iter().filter(|notice| matches!(notice, Notice::Started { .. })).count()
    }

    pub(crate) fn fold(&self) -> Fold {
        Fold::read(&self.options.store.join(JOURNAL)).unwrap()
    }

    pub(crate) fn error(&self, run: &RunSpec) -> String {
        self.fold().runs[&run.run].error().unwrap_or_default().to_owned()
    }
}

pub(crate) fn options(store: &Path) -> Options {
    Options {
        store: store.into(),
        jobs: 2,
        gpus: Gpus::default(),
        memory: None,
        time: None,
        output: 64 << 20,
        retry: Retry::default(),
        search: None,
        retain: Options::RETAIN,
        data: DataPaths::default(),
        rerun: Rerun::Unfinished,
        engine: Some(4),
        shared: None,
        in_process: false,
        worker: myself("worker_process"),
        opened: Opened {
            writer: String::new(),
            role: Role::Driver,
            host: "test".into(),
            pid: 0,
            version: "0".into(),
            commit: String::new(),
            blas: String::new(),
            cpu: String::new(),
            at: 0.0,
        },
        lease: None,
        checkpoint_every: Duration::ZERO,
        disk: Disk::default(),
    }
}

/// What a run came to, without when and where.
pub(crate) fn outcome(state: &RunState) -> impl PartialEq + std::fmt::Debug + use<> {
    (state.status(), state.results().clone(), state.metrics().unwrap(), state.rows().unwrap())
}

pub(crate) fn count(fold: &Fold, status: Status) -> usize {
    fold.runs.values().filter(|state| state.status() == status).count()
}
