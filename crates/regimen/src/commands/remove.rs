//! `regimen remove` and `regimen gc`: runs with everything that belongs to them, and files that are nobody's.

use std::collections::BTreeMap;
use std::fs;
use std::mem::ManuallyDrop;
use std::path::Path;

use anyhow::{Context, Result, bail};
use journal::{Fold, Role, Status};
use orchestrator::execute::{self, JOURNAL};
use orchestrator::needs::size;

use crate::arguments::{Gc, Remove};
use crate::commands::{Done, status};
use crate::progress::thousands;
use crate::runs::chosen;
use crate::terminal::{print, say};
use crate::{derived, provenance};

/// `regimen remove`.
pub(crate) fn remove(arguments: &Remove) -> Result<Done> {
    let store = &arguments.store.results;
    if let Some(done) = status::nothing_there(store, false)? {
        return Ok(done);
    }
    // A large one takes long to be taken down, and the process ends soon.
    let mut fold = ManuallyDrop::new(Fold::read(&store.join(JOURNAL))?);
    let chosen = chosen(&fold, &arguments.runs, arguments.only.as_deref(), store)?;
    let mut counts = BTreeMap::<Status, usize>::new();
    for run in &chosen {
        *counts.entry(fold.runs[run].status()).or_default() += 1;
    }
    let runs = match chosen.len() {
        1 => "1 run".to_owned(),
        count => format!("{} runs", thousands(count as u64)),
    };
    let counts: Vec<String> = counts
        .iter()
        .map(|(status, count)| format!("{} {}", thousands(*count as u64), status.as_str()))
        .collect();
    let what = if counts.is_empty() { runs } else { format!("{runs}: {}", counts.join(", ")) };
    if arguments.dry_run {
        for run in &chosen {
            print(&format!("{run}\n"))?;
        }
        say(&format!("would remove {what}"));
        return Ok(Done::Well);
    }
    let done = execute::remove(store, &mut fold, &chosen, provenance::opened(Role::Driver))?;
    derived::refresh(store);
    say(&format!("removed {what}"));
    if done.live > 0 {
        let live = thousands(done.live as u64);
        say(&format!("but {live} of them stay, because they are being executed; stop them first"));
        return Ok(Done::SomeFailed);
    }
    Ok(Done::Well)
}

/// `regimen gc`.
pub(crate) fn gc(arguments: &Gc) -> Result<Done> {
    let store = &arguments.store.results;
    if let Some(done) = status::nothing_there(store, false)? {
        return Ok(done);
    }
    if !execute::live(store).is_empty() {
        bail!(
            "{}: runs are being executed, whose files may be younger than what is known of them; wait for \
             them or stop them first",
            store.display()
        );
    }
    let mut bytes = 0;
    let unreferenced = execute::unreferenced(store)?;
    for path in &unreferenced {
        bytes += length(path);
        if arguments.dry_run {
            print(&format!("{}\n", path.display()))?;
        } else {
            let removed =
                if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
            removed.with_context(|| format!("removing {}", path.display()))?;
        }
    }
    let (would, count) =
        (if arguments.dry_run { "would remove" } else { "removed" }, unreferenced.len());
    match count {
        0 => say("nothing lies in the store that belongs to no run"),
        _ => say(&format!("{would} {count} files and folders of no run, {}", size(bytes))),
    }
    Ok(Done::Well)
}

/// Bytes of a file, or of all files in a folder; 0 for what cannot be read.
fn length(path: &Path) -> u64 {
    match fs::read_dir(path) {
        Ok(entries) => entries.flatten().map(|entry| length(&entry.path())).sum(),
        Err(_) => fs::symlink_metadata(path).map_or(0, |data| data.len()),
    }
}
