//! `regimen tag` and `regimen note`: what somebody says of runs, kept in the journal.

use std::path::Path;

use anyhow::{Result, bail};
use journal::{Fold, Role};
use orchestrator::execute::{self, JOURNAL, Mark};

use crate::arguments::{Note, Tag};
use crate::commands::{Done, status};
use crate::progress::thousands;
use crate::runs::chosen;
use crate::terminal::say;
use crate::{derived, provenance};

/// Characters of a tag and of a note, at most.
const TAG: usize = 64;
const NOTE: usize = 2000;

/// `regimen tag`.
pub(crate) fn tag(arguments: &Tag) -> Result<Done> {
    let Tag { words, only, remove, store } = arguments;
    let (runs, tag) = split(words, only.as_deref(), "a tag")?;
    let plain = |c: char| c.is_alphanumeric() || "_-.".contains(c);
    let fits = tag.starts_with(char::is_alphabetic) && tag.chars().all(plain);
    if !fits || tag.chars().count() > TAG {
        bail!(
            "a tag: wanted a letter and then letters, digits, _, - and ., {TAG} at most, found {tag:?}"
        );
    }
    let (mark, verb) =
        (Mark::Tag(tag.into(), !remove), if *remove { "untagged" } else { "tagged" });
    set((runs, only.as_deref()), &store.results, mark, verb)
}

/// `regimen note`.
pub(crate) fn note(arguments: &Note) -> Result<Done> {
    let Note { words, only, store } = arguments;
    let (runs, text) = split(words, only.as_deref(), "a text")?;
    if text.chars().count() > NOTE || text.contains(|c: char| c.is_control() && c != '\n') {
        bail!("a note: wanted {NOTE} characters at most, none of them a control character");
    }
    set((runs, only.as_deref()), &store.results, Mark::Note(text.into()), "noted it of")
}

/// The runs that are named, and what is said of them.
fn split<'a>(
    words: &'a [String],
    only: Option<&str>,
    wanted: &str,
) -> Result<(&'a [String], &'a str)> {
    match (words, only) {
        ([text], Some(_)) => Ok((&[], text)),
        ([runs @ .., text], None) if !runs.is_empty() => Ok((runs, text)),
        (_, Some(_)) => bail!("wanted {wanted} beside `--only`, found {} words", words.len()),
        (_, None) => {
            bail!("wanted runs and {wanted}, found one word; `regimen list` shows the runs")
        }
    }
}

fn set(
    (runs, only): (&[String], Option<&str>),
    store: &Path,
    mark: Mark,
    verb: &str,
) -> Result<Done> {
    if let Some(done) = status::nothing_there(store, false)? {
        return Ok(done);
    }
    let chosen = chosen(&Fold::read(&store.join(JOURNAL))?, runs, only, store)?;
    if !chosen.is_empty() {
        execute::mark(store, &chosen, mark, provenance::opened(Role::Driver))?;
        derived::refresh(store);
    }
    match chosen.len() {
        1 => say(&format!("{verb} 1 run")),
        count => say(&format!("{verb} {} runs", thousands(count as u64))),
    }
    Ok(Done::Well)
}
