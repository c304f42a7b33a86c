use std::io::IsTerminal;
use std::time::{Duration, Instant};

use anyhow::Result;
use datasets::{DatasetDir, State, Step, Store};
use indicatif::{HumanBytes, ProgressBar, ProgressStyle};

use crate::arguments::{DataOptions, DatasetAction, Datasets, ListFormat};
use crate::commands::Done;
use crate::terminal::{print, say};

pub(crate) fn datasets(arguments: &Datasets) -> Result<Done> {
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

/// Fetches a data set and shows how far that is.
pub(crate) fn fetch(store: &Store, name: &str) -> Result<DatasetDir, datasets::Error> {
    store.fetch(name, &mut report())
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
        let (bytes, name, version) = (HumanBytes(row.bytes), row.name, row.version);
        let (summary, licence) = (row.summary, row.licence);
        print(&format!("{name} v{version}  {bytes}  {state}\n  {summary}\n  {licence}\n"))?;
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

/// Shows a fetch on standard error: a bar on a terminal, lines elsewhere.
fn report() -> impl FnMut(Step<'_>) {
    let bar = if std::io::stderr().is_terminal() {
        let style = ProgressStyle::with_template("{wide_bar} {bytes} of {total_bytes}, {eta} left");
        ProgressBar::no_length().with_style(style.expect("a valid template"))
    } else {
        ProgressBar::hidden()
    };
    let mut last_line = Instant::now();
    move |step| match step {
        Step::Waiting { lock } => say(&format!("waiting for another fetch ({})", lock.display())),
        Step::Trying { source } => say(&format!("from {source}")),
        Step::Downloaded { bytes, total } => {
            total.into_iter().for_each(|total| bar.set_length(total));
            bar.set_position(bytes);
            if bar.is_hidden() && last_line.elapsed() > Duration::from_secs(10) {
                let total =
                    total.map_or(String::new(), |total| format!(" of {}", HumanBytes(total)));
                say(&format!("{}{total}", HumanBytes(bytes)));
                last_line = Instant::now();
            }
        }
        Step::Failed { source, reason } => say(&format!("failed: {source}: {reason}")),
        Step::Published { .. } => bar.finish_and_clear(),
        _ => {}
    }
}
