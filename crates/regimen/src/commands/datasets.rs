//! `regimen datasets`: lists, fetches, verifies and locates data sets.

use anyhow::Result;
use datasets::{DatasetDir, State, Store};
use orchestrator::needs::size;

use crate::arguments::{DataOptions, DatasetAction, Datasets, ListFormat};
use crate::commands::Done;
use crate::progress::Download;
use crate::terminal::{print, print_lines};

pub(crate) fn datasets(arguments: &Datasets) -> Result<Done> {
    datasets::look_in(&arguments.manifests);
    let store = store(&arguments.data)?;
    match &arguments.action {
        DatasetAction::List { format } => list(&store, *format),
        DatasetAction::Fetch { name } => {
            print(&format!("{}\n", fetch(&store, name)?.path().display()))?;
            Ok(Done::Well)
        }
        DatasetAction::Path { name } => {
            print(&format!("{}\n", store.path(name)?.display()))?;
            Ok(Done::Well)
        }
        DatasetAction::Verify { name } => verify(&store, name.as_deref()),
    }
}

/// Makes a data set right, showing how on standard error.
pub(crate) fn fetch(store: &Store, name: &str) -> Result<DatasetDir, datasets::Error> {
    store.fetch(name, &mut Download::new(store.manifest(name)?))
}

/// The cache, filled as the options allow.
pub(crate) fn store(options: &DataOptions) -> Result<Store> {
    let cache = datasets::default_cache()?;
    Ok(Store::new(&cache, options.mirror.as_deref(), options.offline))
}

fn list(store: &Store, format: ListFormat) -> Result<Done> {
    let rows = store.list();
    if format == ListFormat::Json {
        print(&format!("{}\n", serde_json::to_string_pretty(&rows)?))?;
        return Ok(Done::Well);
    }
    for row in rows {
        let state = match row.state {
            State::Published => "here".to_owned(),
            State::Absent => "not fetched".to_owned(),
            State::Unusable(reason) => format!("unusable: {reason}"),
        };
        let (bytes, name, version) = (size(row.bytes), row.name, row.version);
        let (summary, licence) = (row.summary, row.licence);
        print_lines(&format!("{name} v{version}  {bytes}  {state}\n  {summary}\n  {licence}\n"))?;
    }
    Ok(Done::Well)
}

fn verify(store: &Store, name: Option<&str>) -> Result<Done> {
    let here = || store.list().into_iter().filter(|row| row.state == State::Published);
    let names = match name {
        Some(name) => vec![name.to_owned()],
        None => here().map(|row| row.name).collect(),
    };
    let mut done = Done::Well;
    for name in names {
        let report = store.verify(&name)?;
        for fault in &report.faults {
            let (file, wanted, found) = (&fault.file, &fault.wanted, &fault.found);
            print(&format!("{name}: {file}: wanted {wanted}, found {found}\n"))?;
            done = Done::SomeFailed;
        }
        for received in &report.received {
            let (file, from, sha256) = (&received.file.path, &received.from, &received.file.sha256);
            print(&format!("{name}: {file} is recorded as {from}, sha256 {sha256}\n"))?;
        }
        let (files, faults) = (report.files, report.faults.len());
        print(&format!("{name}: {} of {files} files as the manifest says\n", files - faults))?;
    }
    Ok(done)
}
