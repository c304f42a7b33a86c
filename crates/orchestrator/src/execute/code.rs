//! Which code the programs of runs are, asked once a call and program.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use experiment::{Code, Entry};
use journal::{Event, RunSpec, Writer};
use sha2::{Digest, Sha256};

use super::{Error, publish};

/// The store's folder of differences and lists of packages, by the id of a code.
pub(crate) const CODE: &str = "code";

/// What is known of the code of programs.
pub(crate) struct Codes<'a> {
    entries: &'a [Entry],
    store: &'a Path,
    /// By experiment and programs.
    known: HashMap<(String, Vec<String>), Option<String>>,
}

impl<'a> Codes<'a> {
    pub(crate) fn new(entries: &'a [Entry], store: &'a Path) -> Self {
        Self { entries, store, known: HashMap::new() }
    }

    /// The id of the code that a run starts; nothing where its experiment starts no programs or nothing
    /// is known of them. What is new is kept first.
    pub(crate) fn of(
        &mut self,
        spec: &RunSpec,
        journal: &mut Writer,
    ) -> Result<Option<String>, Error> {
        let is_its = |entry: &&Entry| entry.name == spec.experiment && entry.starts_programs;
        let Some(entry) = self.entries.iter().find(is_its) else { return Ok(None) };
        let params = serde_json::from_str(&spec.params).ok();
        let Some(bound) = params.and_then(|params| entry.bind_json(&params).ok()) else {
            return Ok(None);
        };
        let key = (spec.experiment.clone(), bound.programs());
        if let Some(known) = self.known.get(&key) {
            return Ok(known.clone());
        }
        let code = bound.code();
        let id = (!code.is_empty()).then(|| id(&code));
        if let Some(id) = &id {
            keep(&self.store.join(CODE).join(id), &code)?;
            journal.append(&Event::Code(journal::Code { id: id.clone(), facts: code.facts }))?;
        }
        self.known.insert(key, id.clone());
        Ok(id)
    }
}

/// Hash of all that is known of a code.
fn id(code: &Code) -> String {
    let mut hash = Sha256::new();
    let facts = code.facts.iter().map(|(name, fact)| (name, fact.as_bytes()));
    for (name, text) in facts.chain(code.files.iter().map(|(name, text)| (name, &**text))) {
        for part in [name.as_bytes(), text] {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
    }
    hash.finalize()[..8].iter().map(|byte| format!("{byte:02x}")).collect()
}

fn keep(folder: &Path, code: &Code) -> Result<(), Error> {
    if code.files.is_empty() {
        return Ok(());
    }
    fs::create_dir_all(folder).map_err(Error::store("create", folder))?;
    for (name, text) in &code.files {
        publish::once(&folder.join(name), text)?;
    }
    Ok(())
}

/// The folders of codes in a store, by id.
pub(crate) fn folders(store: &Path) -> Result<Vec<(String, PathBuf)>, Error> {
    let folder = store.join(CODE);
    let entries = match fs::read_dir(&folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(Error::store("list", &folder))?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry.map_err(Error::store("list", &folder))?;
        found.push((entry.file_name().to_string_lossy().into_owned(), entry.path()));
    }
    Ok(found)
}
