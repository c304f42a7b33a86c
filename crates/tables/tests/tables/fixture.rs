//! Runs told by events, as a worker and a driver would write them.

use std::path::Path;

use experiment::{Device, RunId, SpecId, canonical_json};
use journal::{
    Assigned, Ended, Event, Fold, Lost, MetricRow, Metrics, Opened, Outcome, Role, Rows, RunSpec,
    Started,
};
use serde_json::{Value, json};

pub(crate) const WORKER: &str = "node1-worker-1";
pub(crate) const DRIVER: &str = "node1-driver";

/// A store's fold while it is put together.
pub(crate) struct Story {
    pub(crate) fold: Fold,
    host: &'static str,
}

impl Story {
    pub(crate) fn new() -> Self {
        Self::on("node1")
    }

    pub(crate) fn on(host: &'static str) -> Self {
        let mut story = Self { fold: Fold::default(), host };
        for (writer, role) in [(WORKER, Role::Worker), (DRIVER, Role::Driver)] {
            let opened = Opened {
                writer: writer.into(),
                role,
                host: story.host.into(),
                pid: 7,
                version: "0.1.0".into(),
                commit: "abc1234".into(),
                blas: "OpenBLAS Haswell".into(),
                cpu: "Test CPU".into(),
                at: 1.0,
            };
            story.fold.apply(writer, Event::Opened(opened));
        }
        story
    }

    /// An attempt at a run begins.
    pub(crate) fn start(&mut self, spec: &RunSpec) {
        let started =
            Started { spec: spec.clone(), attempt: 1, means: Default::default(), at: 100.0 };
        self.fold.apply(WORKER, Event::Started(started));
    }

    pub(crate) fn metrics(&mut self, spec: &RunSpec, rows: &[(u64, &str, f64)]) {
        let row = |(step, metric, value): &(u64, &str, f64)| MetricRow {
            step: *step,
            metric: (*metric).into(),
            value: *value,
        };
        let rows = rows.iter().map(row).collect();
        self.fold.apply(WORKER, Event::Metrics(Metrics { run: spec.run, attempt: 1, rows }));
    }

    pub(crate) fn rows(&mut self, spec: &RunSpec, table: &str, rows: &[Value]) {
        let rows = rows.iter().map(canonical_json).collect();
        let event = Rows { run: spec.run, attempt: 1, table: table.into(), rows };
        self.fold.apply(WORKER, Event::Rows(event));
    }

    pub(crate) fn end(&mut self, spec: &RunSpec, outcome: Outcome, results: &[(&str, f64)]) {
        let ended = Ended {
            run: spec.run,
            attempt: 1,
            outcome,
            cause: None,
            results: results.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect(),
            warnings: Vec::new(),
            seconds: 2.5,
            cpu_seconds: 2.25,
            peak_memory_bytes: 1 << 20,
            at: 102.5,
        };
        self.fold.apply(WORKER, Event::Ended(ended));
    }

    /// A run from its start to its results.
    pub(crate) fn finish(&mut self, spec: &RunSpec, results: &[(&str, f64)]) {
        self.start(spec);
        self.end(spec, Outcome::Finished, results);
    }

    pub(crate) fn fail(&mut self, spec: &RunSpec, error: &str) {
        self.start(spec);
        self.end(spec, Outcome::Failed { error: error.into() }, &[]);
    }

    /// A run whose worker was killed.
    pub(crate) fn lose(&mut self, spec: &RunSpec, error: &str) {
        let assigned = Assigned { spec: spec.clone(), attempt: 1, worker: WORKER.into(), at: 99.0 };
        self.fold.apply(DRIVER, Event::Assigned(assigned));
        self.start(spec);
        let lost = Lost {
            run: spec.run,
            attempt: 1,
            error: error.into(),
            cause: journal::Cause::Crash,
            at: 101.0,
        };
        self.fold.apply(DRIVER, Event::Lost(lost));
    }

    /// The same request by a newer version, from its start to its results.
    pub(crate) fn replace(&mut self, old: &RunSpec, results: &[(&str, f64)]) -> RunSpec {
        let data = [("file:train.py".to_owned(), "ab12".to_owned())].into();
        let run = RunId::of(&format!("newer than {}", old.run));
        let new = RunSpec { run, data, engine: Some(4), ..old.clone() };
        let started =
            Started { spec: new.clone(), attempt: 1, means: Default::default(), at: 200.0 };
        self.fold.apply(WORKER, Event::Started(started));
        self.end(&new, Outcome::Finished, results);
        new
    }

    pub(crate) fn write(&self, store: &Path) -> tables::Written {
        tables::write_tables(&self.fold, store, &|_| None).unwrap()
    }
}

pub(crate) fn spec(experiment: &str, params: &Value, seed: u64) -> RunSpec {
    let params = canonical_json(params);
    let identity = format!("{experiment} {params} {seed}");
    RunSpec {
        run: RunId::of(&identity),
        spec: SpecId::of(&identity),
        experiment: experiment.into(),
        experiment_version: 1,
        params,
        seed,
        sweep: "quickstart".into(),
        device: Device::Cpu,
        threads: 1,
        engine: None,
        data: Default::default(),
        needs: Default::default(),
    }
}

pub(crate) fn dialog(regime: u64, learner: &str, seed: u64) -> RunSpec {
    let params = json!({"regime": regime, "learner": learner, "policy_accuracy": 0.5});
    spec("dialog", &params, seed)
}
