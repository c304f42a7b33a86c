use std::collections::HashSet;

use experiment::{Entry, RunId};
use journal::RunSpec;
use serde_json::Value;

use super::only::same;
use super::points::{Assignment, Points};
use super::scope::PointScope;
use super::{Identity, Plan, PlannedRun, draw, resolved};
use crate::config::{Axis, Block, Config, ConfigError, Path};

/// Runs of a configuration at most.
const MOST_RUNS: usize = 10_000_000;

/// Expands a configuration into its runs.
pub(super) fn expand(
    config: &Config,
    entries: &[Entry],
    identity: &Identity<'_>,
) -> Result<Plan, ConfigError> {
    let entry = config.entry(entries)?;
    let plan = Plan {
        sweep: config.name.clone(),
        entry,
        runs: Vec::new(),
        metrics: Vec::new(),
        search: None,
        resources: config.resources.clone(),
        tables: config.tables.clone(),
        duplicates: 0,
    };
    let mut expansion = Expansion { config, identity, plan, known: HashSet::new() };
    if config.sweep.blocks.is_empty() {
        expansion.add(&Vec::new(), &[0])?;
    }
    let params = resolved::params(config, &entry);
    for block in &config.sweep.blocks {
        let drawn: Vec<Axis> = block.random.as_ref().map(draw::axes).unwrap_or_default();
        let points = Points::new(block, &drawn, &params);
        let seeds = block.seeds.values();
        if points.at_least().saturating_mul(seeds.len()) > MOST_RUNS {
            return Err(too_many(block));
        }
        points.each(&mut |point| {
            if excluded(block, point, &params) {
                return Ok(());
            }
            if expansion.plan.runs.len() + seeds.len() > MOST_RUNS {
                return Err(too_many(block));
            }
            expansion.add(point, &seeds)
        })?;
    }
    let mut plan = expansion.plan;
    plan.search = config.search(&plan.metrics)?;
    plan.check_tables(config)?;
    Ok(plan)
}

fn too_many(block: &Block) -> ConfigError {
    let message = format!("wanted at most {MOST_RUNS} runs, found more");
    ConfigError::new(&block.span, Path::from_iter(["sweep"]), message)
}

/// A plan that grows.
struct Expansion<'a> {
    config: &'a Config,
    identity: &'a Identity<'a>,
    plan: Plan,
    known: HashSet<RunId>,
}

impl Expansion<'_> {
    /// Adds the runs of a point, one a seed.
    fn add(&mut self, point: &Assignment<'_>, seeds: &[u64]) -> Result<(), ConfigError> {
        let (config, plan) = (self.config, &mut self.plan);
        let entry = plan.entry;
        let bound = config.bind(&entry, point)?;
        for metric in bound.metrics() {
            if !plan.metrics.contains(&metric) {
                plan.metrics.push(metric);
            }
        }
        let ids = self.identity.of_point(&entry, bound.as_ref()).map_err(|name| {
            // Files are named like data sets, after this word.
            match name.strip_prefix("file:") {
                Some(file) => config.error_at_text(
                    "files",
                    file,
                    format!("wanted a file that can be read, found {file:?}"),
                ),
                None => config.error_at_text(
                    "data",
                    &name,
                    format!(
                        "wanted a known data set, or one that is made here once it was fetched by \
                         `regimen datasets fetch`, found {name:?}"
                    ),
                ),
            }
        })?;
        let params = experiment::canonical_json(bound.params());
        let varies = || point.iter().map(|(path, node)| (path.to_string(), node.to_json()));
        for &seed in seeds {
            let (spec, run) = ids.at(seed);
            if !self.known.insert(run) {
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
                device: self.identity.device,
                threads: config.resources.threads,
                data: ids.data.clone(),
            };
            let mut all: Vec<(String, Value)> = Vec::with_capacity(point.len() + 1);
            all.extend(varies());
            all.push(("seed".into(), seed.into()));
            plan.runs.push(PlannedRun { spec, varies: all });
        }
        Ok(())
    }
}

/// Whether some `exclude` of a block holds at a point. Parameters that the block does not vary
/// have the value of `params`, or their default.
fn excluded(block: &Block, point: &Assignment<'_>, params: &Value) -> bool {
    let scope = PointScope { point, params };
    block.exclude.iter().any(|exclude| {
        exclude.iter().all(|(path, node)| {
            scope.at(path.keys()).is_some_and(|value| same(&value, &node.to_json()))
        })
    })
}
