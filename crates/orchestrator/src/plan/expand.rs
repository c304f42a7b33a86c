use std::collections::HashSet;

use experiment::Entry;
use journal::RunSpec;
use serde_json::Value;

use super::only::same;
use super::{Identity, Plan, PlannedRun};
use crate::config::{Axis, Config, ConfigError, Node, Path, Sweep};

/// One choice of values for some parameters.
type Assignment<'a> = Vec<(&'a Path, &'a Node)>;

/// Expands a configuration into its runs.
pub(super) fn expand(
    config: &Config,
    entries: &[Entry],
    identity: &Identity<'_>,
) -> Result<Plan, ConfigError> {
    let entry = config.entry(entries)?;
    let defaults = entry.defaults();
    let seeds = config.sweep.seeds.values();
    let mut plan = Plan {
        sweep: config.name.clone(),
        entry,
        runs: Vec::new(),
        resources: config.resources.clone(),
        table: config.table.clone(),
        duplicates: 0,
    };
    let mut known = HashSet::new();
    for point in points(&config.sweep) {
        if excluded(config, &point, &defaults) {
            continue;
        }
        let bound = config.bind(&entry, &point)?;
        let ids = identity.of_point(&entry, bound.as_ref()).map_err(|name| {
            // Files are named like data sets, after this word.
            match name.strip_prefix("file:") {
                Some(file) => config
                    .error_at_text(file, format!("wanted a file that can be read, found {file:?}")),
                None => {
                    config.error_at_text(&name, format!("wanted a known data set, found {name:?}"))
                }
            }
        })?;
        let params = experiment::canonical_json(bound.params());
        let varies: Vec<(String, Value)> =
            point.iter().map(|(path, node)| (path.to_string(), node.to_json())).collect();
        for &seed in &seeds {
            let (spec, run) = ids.at(seed);
            if !known.insert(run) {
                plan.duplicates += 1;
                continue;
            }
            let spec = RunSpec {
                run,
                spec,
                experiment: entry.name.into(),
                experiment_version: entry.version,
                params: params.clone(),
                seed,
                sweep: config.name.clone(),
                device: identity.device,
                threads: config.resources.threads,
            };
            let mut varies = varies.clone();
            varies.push(("seed".into(), seed.into()));
            plan.runs.push(PlannedRun { spec, varies });
        }
    }
    Ok(plan)
}

/// A block of a sweep: a list of assignments, of which every point takes one.
fn blocks(sweep: &Sweep) -> Vec<Vec<Assignment<'_>>> {
    fn one(axis: &Axis, at: usize) -> (&Path, &Node) {
        (&axis.key, &axis.values[at])
    }
    let mut blocks: Vec<Vec<Assignment<'_>>> = Vec::new();
    for axis in &sweep.grid {
        blocks.push((0..axis.values.len()).map(|at| vec![one(axis, at)]).collect());
    }
    if let Some(first) = sweep.zip.first() {
        let together = |at| sweep.zip.iter().map(|axis| one(axis, at)).collect();
        blocks.push((0..first.values.len()).map(together).collect());
    }
    blocks
}

/// All points of a sweep, the first block varying slowest.
fn points(sweep: &Sweep) -> impl Iterator<Item = Assignment<'_>> {
    let blocks = blocks(sweep);
    let count: usize = blocks.iter().map(Vec::len).product();
    (0..count).map(move |mut index| {
        let mut chosen: Vec<&Assignment<'_>> = Vec::with_capacity(blocks.len());
        for block in blocks.iter().rev() {
            chosen.push(&block[index % block.len()]);
            index /= block.len();
        }
        chosen.into_iter().rev().flatten().copied().collect()
    })
}

/// Whether some `exclude` of the sweep holds at a point. Parameters that the sweep does not vary
/// have the value of `params`, or their default.
fn excluded(config: &Config, point: &Assignment<'_>, defaults: &Value) -> bool {
    let value = |path: &Path| -> Option<Value> {
        let swept = point.iter().find(|(key, _)| *key == path).map(|(_, node)| node.to_json());
        let given = || config.params.at(path).map(Node::to_json);
        let default = || {
            let keys = path.keys().iter();
            keys.into_iter().try_fold(defaults, |value, key| value.get(key)).cloned()
        };
        swept.or_else(given).or_else(default)
    };
    config.sweep.exclude.iter().any(|exclude| {
        exclude
            .iter()
            .all(|(path, node)| value(path).is_some_and(|value| same(&value, &node.to_json())))
    })
}
