//! Keeps what somebody says of runs.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use experiment::RunId;
use journal::{Event, Marked, Opened, Role, Writer};

use super::attempt::now;
use super::drive::driver_name;
use super::{Error, JOURNAL, store_folder};

/// What somebody says of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mark {
    /// It has this tag, or has it no longer.
    Tag(String, bool),
    /// What is noted in place of an earlier note; an empty text is none.
    Note(String),
}

/// Says something of runs. Drivers may be at work meanwhile.
///
/// # Errors
/// [`Error::NoFolder`] without a store; [`Error`] of writing the journal.
pub fn mark(store: &Path, runs: &BTreeSet<RunId>, mark: Mark, opened: Opened) -> Result<(), Error> {
    store_folder(store)?;
    let opened = Opened { writer: driver_name(), role: Role::Driver, at: now(), ..opened };
    let mut writer = Writer::create(&store.join(JOURNAL), opened)?;
    let (tags, note) = match mark {
        Mark::Tag(tag, has) => (BTreeMap::from([(tag, has)]), None),
        Mark::Note(note) => (BTreeMap::new(), Some(note)),
    };
    let marked = Marked { runs: runs.iter().copied().collect(), tags, note, at: now() };
    writer.append(&Event::Marked(marked))?;
    Ok(writer.sync()?)
}
