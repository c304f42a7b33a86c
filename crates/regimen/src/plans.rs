//! Loads the configurations of a command and expands them into plans.

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::{Result, anyhow};
use datasets::{Store, default_cache};
use journal::Fold;
use orchestrator::config::{Config, ConfigError, ConfigErrors, Loaded};
use orchestrator::execute::JOURNAL;
use orchestrator::plan::{
    Context, Identity, Layer, Only, Overridden, Plan, State, Sum, layers, overridden,
};
use tables::{Runs, Selection};

use crate::arguments::{ChoiceOptions, ConfigOptions};
use crate::devices;
use crate::history::FoldHistory;
use crate::registry;
use crate::terminal::say;

/// A configuration and the runs it asks for.
pub(crate) struct Planned {
    pub(crate) path: PathBuf,
    pub(crate) config: Config,
    pub(crate) plan: Plan,
    /// Parameters that arguments changed.
    pub(crate) overridden: Vec<Overridden>,
    /// The sweeps that need its runs, where nobody asked for it.
    pub(crate) needed_by: Vec<String>,
}

impl Planned {
    /// Whether somebody asked for it.
    pub(crate) fn is_asked(&self) -> bool {
        self.needed_by.is_empty()
    }
}

/// Plans with those that they build on, in the order in which they are executed.
pub(crate) fn layered(asked: Vec<Planned>) -> Vec<Planned> {
    let plans: Vec<(&Path, &Plan)> =
        asked.iter().map(|planned| (&*planned.path, &planned.plan)).collect();
    let layers = layers(&plans);
    let mut asked: Vec<Option<Planned>> = asked.into_iter().map(Some).collect();
    let planned = |layer| match layer {
        Layer::Asked(at) => asked[at].take(),
        Layer::Needed { from, plan, by } => Some(Planned {
            path: from.path.clone(),
            config: from.config.clone(),
            plan: *plan,
            overridden: Vec::new(),
            needed_by: by,
        }),
    };
    layers.into_iter().filter_map(planned).collect()
}

/// What becomes of a file or data set that is not here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Absent {
    /// It is a mistake, or makes runs wait.
    Told,
    /// Nothing is executed: a name stands in for its checksum.
    Ignored,
}

/// The mistakes of all configurations of a command.
#[derive(Debug)]
pub(crate) struct Mistakes(Vec<ConfigErrors>);

impl Mistakes {
    pub(crate) fn iter(&self) -> impl Iterator<Item = &ConfigError> {
        self.0.iter().flat_map(ConfigErrors::iter)
    }
}

impl std::error::Error for Mistakes {}

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self.0.iter().map(ConfigErrors::to_string).collect();
        f.write_str(&lines.join("\n"))
    }
}

/// Folders beside configurations in which a user's own manifests may lie.
pub(crate) fn own_manifests(configs: &[PathBuf]) -> BTreeSet<PathBuf> {
    let beside = |config: &PathBuf| Some(config.parent()?.join("datasets"));
    configs.iter().filter_map(beside).filter(|folder| folder.is_dir()).collect()
}

/// Has data sets looked for in folders of the user, and sums of files in the data cache.
pub(crate) fn know<'a>(manifests: impl Iterator<Item = &'a Path>) {
    manifests.for_each(datasets::look_in);
    if let Ok(cache) = default_cache() {
        experiment::keep_sums_in(&cache);
    }
}

/// Loads and expands every configuration of a command.
pub(crate) fn plans(options: &ConfigOptions, absent: Absent) -> Result<Vec<Planned>> {
    let ConfigOptions { configs, choice } = options;
    know(own_manifests(configs).iter().map(PathBuf::as_path));
    let only = choice.only.as_deref().map(Only::parse).transpose()?;
    let (mut plans, mut mistakes) = (Vec::new(), Vec::new());
    for path in configs {
        match load(path, choice, absent) {
            Ok(Loaded::Whole(planned)) => plans.push(planned),
            Ok(Loaded::Part) if configs.len() > 1 => {
                say(&format!("{}: left out, a part without a name", path.display()));
            }
            Ok(Loaded::Part) => mistakes.push(orchestrator::config::nameless(path)),
            Err(errors) => mistakes.push(errors),
        }
    }
    if !mistakes.is_empty() {
        return Err(Mistakes(mistakes).into());
    }
    if plans.is_empty() {
        return Err(anyhow!("wanted a configuration with a name, found parts only"));
    }
    if let Some(only) = &only {
        for planned in &mut plans {
            planned.plan.keep(only)?;
        }
        let is_empty =
            |Planned { plan, .. }: &Planned| plan.runs.is_empty() && plan.awaiting.is_empty();
        if plans.iter().all(is_empty) {
            say(&format!("no run matches `--only {}`", only.text()));
        }
    }
    Ok(plans)
}

fn load(
    path: &Path,
    choice: &ChoiceOptions,
    absent: Absent,
) -> Result<Loaded<Planned>, ConfigErrors> {
    let (sum, entries) = (|name: &str| sum(name, absent), registry::entries());
    let columns: Vec<&str> = tables::fixed_columns().collect();
    let identity = identity(&sum);
    let context = Context { entries, identity: &identity, columns: &columns };
    Ok(match Plan::load(path, &choice.set, &context)? {
        Loaded::Whole((config, plan)) => {
            plan.warnings.iter().for_each(|warning| say(&format!("warning: {warning}")));
            let overridden = match choice.set.as_slice() {
                [] => Vec::new(),
                _ => overridden(path, &config, &plan),
            };
            let needed_by = Vec::new();
            Loaded::Whole(Planned { path: path.into(), config, plan, overridden, needed_by })
        }
        Loaded::Part => Loaded::Part,
    })
}

/// What identity depends on in this binary.
fn identity<'a>(checksum: &'a dyn Fn(&str) -> Sum) -> Identity<'a> {
    let (engine, cuda) = (autodiff::NUMERIC_VERSION, cuda::NUMERIC_VERSION);
    Identity { engine, cuda, auto: &devices::auto, checksum }
}

/// The sum of a data set or file.
pub(crate) fn sum(name: &str, absent: Absent) -> Sum {
    let sum = match name.strip_prefix(experiment::FILE) {
        Some(file) => {
            let sum = experiment::planned_checksum(file);
            sum.map_or_else(|error| Sum::Unreadable(error.to_string()), Sum::Known)
        }
        None => match registry::entries().iter().find_map(|entry| entry.file_sum(name)) {
            Some(sum) => sum.map_or_else(Sum::Unreadable, |found| Sum::Known(found.sum)),
            None => data_set(name),
        },
    };
    match sum {
        Sum::OnceFetched | Sum::Unreadable(_) if absent == Absent::Ignored => {
            Sum::Known("not here".into())
        }
        sum => sum,
    }
}

/// The sum of a data set; of one that is only known once it is there, the sum of what is there.
fn data_set(name: &str) -> Sum {
    let store = Store::new(&default_cache().unwrap_or_default(), None, true);
    match store.checksum(name) {
        Ok(sum) => Sum::Known(sum.to_string()),
        Err(datasets::Error::Unknown { known, .. }) => Sum::Unknown { known },
        Err(datasets::Error::Absent { .. }) => Sum::OnceFetched,
        Err(error) => Sum::Unreadable(error.to_string()),
    }
}

/// The runs of a plan in a store, or where none of them is finished as it is planned now, those that
/// answered the same requests with other code, data or versions.
pub(crate) fn selection(plan: &Plan, store: &Path) -> Result<Selection> {
    let runs = plan.runs.iter().map(|run| run.spec.run).collect();
    let planned = Selection { runs: Some(runs), ..Selection::default() };
    let specs = plan.runs.iter().map(|run| run.spec.spec).collect();
    let requested = Selection { specs: Some(specs), ..Selection::default() };
    let Ok(table) = Runs::read(store, plan.entry.name) else { return Ok(planned) };
    if table.select(&planned).has_finished() || !table.select(&requested).has_finished() {
        return Ok(planned);
    }
    let fold = Fold::read(&store.join(JOURNAL))?;
    let history = FoldHistory::new(&fold);
    let mut reasons: Vec<String> = plan
        .runs
        .iter()
        .filter_map(|run| match State::of(run, &history) {
            State::Stale { reason } => Some(reason),
            _ => None,
        })
        .collect();
    reasons.sort_unstable();
    reasons.dedup();
    say(&format!(
        "{}: no run is finished as it is planned now ({}); shown are those that were",
        plan.sweep,
        reasons.join(", ")
    ));
    Ok(requested)
}
