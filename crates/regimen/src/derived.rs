//! A store's tables are derived from its journals: made again when they are older, or damaged.

use std::mem::ManuallyDrop;
use std::path::Path;

use anyhow::{Context, Result};
use journal::Fold;
use orchestrator::execute::JOURNAL;
use serde_json::Value;
use tables::Listed;

use crate::registry;
use crate::terminal::say;

/// An experiment's parameters at their defaults, which rows have from before a parameter was added.
fn defaults(experiment: &str) -> Option<Value> {
    let entries = registry::entries();
    entries.iter().find(|entry| entry.name == experiment).map(|entry| entry.defaults())
}

/// Folds the journals of a store into its tables, unless these are up to date.
pub(crate) fn write_tables(store: &Path) -> Result<()> {
    if tables::are_current(&store.join(JOURNAL), store, &defaults)? {
        return Ok(());
    }
    make_tables(store)
}

/// The runs of a store as its tables have them, where these are up to date: much less is to be read than
/// in the journals.
pub(crate) fn listed(store: &Path) -> Option<Vec<Listed>> {
    let are_current = tables::are_current(&store.join(JOURNAL), store, &defaults).ok()?;
    // In place of a table that cannot be read the journals are.
    if are_current { tables::listed(store).ok().flatten() } else { None }
}

fn make_tables(store: &Path) -> Result<()> {
    loop {
        // A large one takes long to be taken down, and what has tables made ends soon.
        let fold = ManuallyDrop::new(Fold::read(&store.join(JOURNAL))?);
        match tables::write_tables(&fold, store, &defaults) {
            // Somebody compacted the journals meanwhile.
            Err(tables::Error::Journal(error)) if error.is_gone() => {}
            written => {
                fold.problems.iter().for_each(|problem| tracing::warn!("{problem}"));
                return Ok(written.map(drop)?);
            }
        }
    }
}

/// Brings the tables of a store up to date where that is possible, for somebody who only reads them.
pub(crate) fn refresh(store: &Path) {
    if store.join(JOURNAL).is_dir()
        && let Err(error) = write_tables(store)
    {
        say(&format!("warning: the tables may be older than the runs: {error:#}"));
    }
}

/// Reads tables of some stores, and again once a damaged one was made again.
pub(crate) fn reading<T>(stores: &[&Path], read: impl Fn() -> Result<T>) -> Result<T> {
    let error = match read() {
        Err(error) => error,
        done => return done,
    };
    let Some(tables::Error::Damaged { path }) = error.downcast_ref() else { return Err(error) };
    let of_it = stores.iter().find(|store| path.starts_with(store));
    match of_it.filter(|store| store.join(JOURNAL).is_dir()) {
        Some(store) => {
            say(&format!("warning: {error}; it is made again from the journal"));
            make_tables(store)
                .with_context(|| format!("making the tables of {}", store.display()))?;
            read()
        }
        None => Err(error.context("there is no journal to make a damaged table from")),
    }
}
