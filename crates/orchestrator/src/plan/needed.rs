//! Configurations whose runs others build on, and which of their runs each one builds on.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;

use serde_json::Value;

use super::scope::{RunScope, Scope, lookup, paths};
use super::{Context, Plan, PlannedRun, expand, label};
use crate::config::{
    self, Config, ConfigError, ConfigErrors, Faults, Loaded, Needed, Origin, Read, hint, nearest,
};

/// Runs that are listed where none or several match.
const LISTED: usize = 5;

/// A configuration whose runs others build on.
#[derive(Debug)]
pub struct Underlying {
    /// As messages show it.
    pub path: PathBuf,
    /// Its one name in the file system.
    pub(super) file: PathBuf,
    /// What it says.
    pub config: Config,
    /// All its runs.
    pub plan: Plan,
    runs: Vec<Candidate>,
}

/// A run of an underlying plan.
#[derive(Debug)]
struct Candidate {
    run: Arc<PlannedRun>,
    scope: RunScope,
}

/// Configurations that are being planned, each with those that it needs.
pub(super) struct Loading<'a> {
    context: &'a Context<'a>,
    /// Who needs whom.
    chain: Vec<PathBuf>,
    /// Those that were planned, and those that cannot be.
    known: HashMap<PathBuf, Option<Arc<Underlying>>>,
}

impl<'a> Loading<'a> {
    pub(super) fn new(context: &'a Context<'a>) -> Self {
        Self { context, chain: Vec::new(), known: HashMap::new() }
    }

    /// Plans a configuration after all that it needs.
    pub(super) fn plan(&mut self, read: Read) -> Result<(Config, Plan), ConfigErrors> {
        let mut read = read;
        if let Origin::File(path) = &read.config.root().span.source.origin {
            self.chain.push(canonical(path));
        }
        let needs = read.config.needs.clone();
        let mut found = BTreeMap::new();
        for needed in &needs {
            let underlying = self.underlying(needed, &mut read.faults);
            found.extend(underlying.map(|underlying| (needed.name.clone(), underlying)));
        }
        self.chain.pop();
        expand::expand(read, found, self.context)
    }

    /// Plans a configuration that another one needs, once; its mistakes are kept with the others.
    fn underlying(&mut self, needed: &Needed, faults: &mut Faults) -> Option<Arc<Underlying>> {
        let file = canonical(&needed.path);
        if self.chain.contains(&file) {
            let names = self.chain.iter().filter_map(|path| path.file_name());
            let names: Vec<_> = names.map(|name| name.to_string_lossy()).collect();
            let (path, through) = (needed.path.display(), names.join(" -> "));
            faults.add(needed.error(format!("{path} needs itself through {through}")));
            return None;
        }
        if let Some(known) = self.known.get(&file) {
            return known.clone();
        }
        let planned = self.read(needed, faults).and_then(|read| match self.plan(read) {
            Ok(planned) => Some(planned),
            Err(errors) => {
                errors.iter().for_each(|error| faults.add(error.clone()));
                None
            }
        });
        let planned = planned.map(|(config, mut plan)| {
            std::mem::take(&mut plan.warnings).into_iter().for_each(|warning| faults.warn(warning));
            Arc::new(Underlying::new(needed.path.clone(), file.clone(), config, plan))
        });
        self.known.insert(file, planned.clone());
        planned
    }

    fn read(&self, needed: &Needed, faults: &mut Faults) -> Option<Read> {
        if !needed.path.is_file() {
            let tried = std::path::absolute(&needed.path).unwrap_or_else(|_| needed.path.clone());
            faults.add(needed.error(format!("there is no configuration at {}", tried.display())));
            return None;
        }
        match config::read(&needed.path, &[], self.context.entries) {
            Ok(Loaded::Whole(read)) => Some(read),
            Ok(Loaded::Part) => {
                config::nameless(&needed.path).iter().for_each(|error| faults.add(error.clone()));
                None
            }
            Err(errors) => {
                errors.iter().for_each(|error| faults.add(error.clone()));
                None
            }
        }
    }
}

/// The one name of a file, where it is there.
pub(super) fn canonical(path: &FilePath) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| path.into())
}

impl Underlying {
    fn new(path: PathBuf, file: PathBuf, config: Config, plan: Plan) -> Self {
        let candidate = |run: &PlannedRun| Candidate {
            scope: RunScope::new(&run.spec),
            run: Arc::new(run.clone()),
        };
        let runs = plan.all().map(candidate).collect();
        Self { path, file, config, plan, runs }
    }

    /// The data set that one of its runs awaits.
    pub(super) fn awaits(&self, run: &PlannedRun) -> Option<String> {
        let is_it = |awaited: &&super::Awaited| awaited.run.spec.run == run.spec.run;
        self.plan.awaiting.iter().find(is_it).map(|awaited| awaited.data.clone())
    }
}

/// A run that needs another, as conditions see it.
pub(super) struct This<'a> {
    pub(super) params: &'a Value,
    pub(super) seed: u64,
}

/// One of the candidates, and the run that needs it.
struct Pair<'a> {
    other: &'a RunScope,
    this: &'a This<'a>,
}

impl Scope for This<'_> {
    fn value(&self, name: &str) -> Option<Value> {
        match name {
            "seed" => Some(self.seed.into()),
            name => lookup(self.params, name).cloned(),
        }
    }
}

impl Scope for Pair<'_> {
    fn value(&self, name: &str) -> Option<Value> {
        match Needed::of_this(name) {
            Some(name) => self.this.value(name),
            None => self.other.value(name),
        }
    }
}

/// The run of an underlying plan that a run builds on.
///
/// # Errors
/// None or several match, or the condition has a name that nothing has.
pub(super) fn find(
    needed: &Needed,
    underlying: &Underlying,
    this: &This<'_>,
) -> Result<Arc<PlannedRun>, ConfigError> {
    judge(needed, underlying, this)?;
    let holds = |candidate: &&Candidate| {
        let pair = Pair { other: &candidate.scope, this };
        needed.condition.as_ref().is_none_or(|condition| condition.holds_in(&pair))
    };
    let found: Vec<&Candidate> = underlying.runs.iter().filter(holds).collect();
    match found.as_slice() {
        [one] => Ok(Arc::clone(&one.run)),
        _ => Err(not_one(needed, underlying, this, &found)),
    }
}

/// Refuses names that neither the run nor any of the candidates has.
fn judge(needed: &Needed, underlying: &Underlying, this: &This<'_>) -> Result<(), ConfigError> {
    let Some(condition) = &needed.condition else { return Ok(()) };
    // A plan without a run says nothing about names.
    if underlying.runs.is_empty() {
        return Ok(());
    }
    for name in condition.names() {
        let hint = match Needed::of_this(&name.text) {
            Some(own) if this.value(own).is_some() => continue,
            Some(own) => {
                let names: Vec<String> =
                    paths(this.params).into_iter().chain(["seed".into()]).collect();
                match nearest(own, names.iter().map(String::as_str)) {
                    Some(near) => format!("; did you mean `this.{near}`?"),
                    None => hint(own, names.iter().map(String::as_str)),
                }
            }
            None if underlying.runs.iter().any(|run| run.scope.value(&name.text).is_some()) => {
                continue;
            }
            None => {
                let names = underlying.runs.iter().flat_map(|run| paths(run.scope.params()));
                let names: BTreeSet<String> = names.chain(["seed".into()]).collect();
                hint(&name.text, names.iter().map(String::as_str))
            }
        };
        let error = condition.mistaken(name, &hint);
        let mut place = needed.error_at_condition(error.detail());
        *place.location = error.place(&needed.place);
        return Err(place);
    }
    Ok(())
}

fn not_one(
    needed: &Needed,
    underlying: &Underlying,
    this: &This<'_>,
    found: &[&Candidate],
) -> ConfigError {
    let (path, all) = (underlying.path.display(), underlying.runs.len());
    let of = match &needed.condition {
        Some(condition) => {
            let own = condition.names().into_iter().filter_map(|name| {
                let value = this.value(Needed::of_this(&name.text)?)?;
                Some(format!("{} is {}", name.text, label(&value)))
            });
            let own: Vec<String> = own.collect();
            let where_it_is =
                if own.is_empty() { String::new() } else { format!(", where {}", own.join(", ")) };
            format!(" with `{}`{where_it_is}", condition.text())
        }
        None => String::new(),
    };
    let listed = |runs: &[&Candidate]| {
        let name = |candidate: &&Candidate| {
            let varies = candidate.run.varies.iter();
            let all: Vec<String> =
                varies.map(|(name, value)| format!("{name}={}", label(value))).collect();
            all.join(" ")
        };
        let mut names: Vec<String> = runs.iter().take(LISTED).map(name).collect();
        names.extend((runs.len() > LISTED).then(|| format!("{} more", runs.len() - LISTED)));
        names.join("; ")
    };
    let message = match found {
        [] => {
            let runs: Vec<&Candidate> = underlying.runs.iter().collect();
            let are = if runs.is_empty() { String::new() } else { format!(": {}", listed(&runs)) };
            format!("wanted one run of {path}{of}, found none among its {all}{are}")
        }
        several => {
            let hint = match needed.condition {
                Some(_) => "",
                None => "; `where: \"seed == this.seed\"` or the like says which",
            };
            format!(
                "wanted one run of {path}{of}, found {}: {}{hint}",
                several.len(),
                listed(several)
            )
        }
    };
    needed.error_at_condition(message)
}
