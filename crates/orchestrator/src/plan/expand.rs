//! Expands a configuration into its runs: one for each point and seed.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use experiment::{Bound, NeedRef, ParamError, RunId};
use journal::RunSpec;
use serde_json::Value;

use super::check;
use super::exclude::Exclusions;
use super::needed::{self, This, Underlying};
use super::points::{Assignment, Points};
use super::{Awaited, Context, Plan, PlannedRun, Sum, draw, resolved};
use crate::config::{
    Axis, Block, Config, ConfigError, ConfigErrors, Faults, Node, Path, Read, Refused, ToJson,
    hint, nearest,
};

/// Runs of a configuration at most.
const MOST_RUNS: usize = 10_000_000;

/// Expands a configuration into its runs; `needs` are the plans whose runs they build on.
pub(super) fn expand(
    read: Read,
    needs: BTreeMap<String, Arc<Underlying>>,
    context: &Context<'_>,
) -> Result<(Config, Plan), ConfigErrors> {
    let Read { config, mut faults, whole_sweep } = read;
    let entry = match config.experiment.as_str() {
        "" => None,
        _ => faults.keep(config.entry(context.entries)),
    };
    let Some(entry) = entry else {
        return Err(faults.none_or(()).expect_err("the experiment is missing"));
    };
    let plan = Plan { needs, ..Plan::empty(&config, entry) };
    let mut expansion = Expansion {
        config: &config,
        context,
        plan,
        faults,
        params: config.params.clone(),
        bad: HashSet::new(),
        stuck: false,
        known: HashSet::new(),
        read_needs: BTreeSet::new(),
    };
    if whole_sweep {
        expansion.runs();
    } else {
        // Some axes could not be read, so only what is wrong with any values can be told.
        expansion.judge_without_sweep();
    }
    let whole = whole_sweep && expansion.faults.is_empty();
    let Expansion { mut plan, mut faults, read_needs, .. } = expansion;
    check::search(&config, &mut plan, &mut faults);
    check::tables(&config, &plan, context, whole, &mut faults);
    if whole {
        check::needs(&config, &read_needs, &mut faults);
    }
    check::changes(&config, &entry, &mut faults);
    plan.warnings = faults.take_warnings();
    faults.none_or(plan).map(|plan| (config, plan))
}

/// A plan that grows.
struct Expansion<'a> {
    config: &'a Config,
    context: &'a Context<'a>,
    plan: Plan,
    faults: Faults,
    /// Parameters without those that are known to be wrong.
    params: Node,
    /// Values of the sweep that are known to be wrong.
    bad: HashSet<*const Node>,
    /// Whether something is wrong at every point.
    stuck: bool,
    known: HashSet<RunId>,
    /// Names of runs that runs read.
    read_needs: BTreeSet<String>,
}

impl<'a> Expansion<'a> {
    fn runs(&mut self) {
        let config = self.config;
        if config.sweep.blocks.is_empty() {
            self.add(&Vec::new(), &[0]);
        }
        let params = resolved::params(config, &self.plan.entry);
        for block in &config.sweep.blocks {
            if let Err(error) = self.block(block, &params) {
                self.faults.add(error);
            }
        }
    }

    fn block(&mut self, block: &Block, params: &Value) -> Result<(), ConfigError> {
        let drawn: Vec<Axis> = block.random.as_ref().map(draw::axes).unwrap_or_default();
        let points = Points::new(block, &drawn, params);
        let seeds = block.seeds.values();
        if points.at_least().saturating_mul(seeds.len()) > MOST_RUNS {
            return Err(too_many(block));
        }
        let mut exclusions = Exclusions::new(block);
        points.each(&mut |point| {
            if self.stuck || exclusions.hold(point, params) {
                return Ok(());
            }
            if self.plan.runs.len() + seeds.len() > MOST_RUNS {
                return Err(too_many(block));
            }
            self.add(point, &seeds);
            Ok(())
        })?;
        if !self.stuck {
            let names = check::names(self.config, params);
            points.judge(&names, &mut self.faults);
            exclusions.judge(&names, &mut self.faults);
        }
        Ok(())
    }

    /// The parameters of a point; nothing, and the mistakes kept, where they do not fit.
    fn bind(&mut self, point: &Assignment<'_>) -> Option<Box<dyn Bound>> {
        if point.iter().any(|(_, node)| self.bad.contains(&std::ptr::from_ref(*node))) {
            return None;
        }
        loop {
            let refused = match self.config.bind(&self.params, &self.plan.entry, point) {
                Ok(bound) => return Some(bound),
                Err(refused) => refused,
            };
            let (error, is_unread) = match refused {
                Refused::Unread(error) => (error, true),
                Refused::Impossible(error) => (error, false),
            };
            let path = error.path.keys().get(1..).unwrap_or_default().to_vec();
            if let Some((_, node)) = point.iter().find(|(key, _)| path.starts_with(key.keys())) {
                self.bad.insert(std::ptr::from_ref(*node));
                // All draws from a distribution stand where it does.
                self.faults.add_first(error);
                return None;
            }
            self.faults.add(error);
            // Without it, the next mistake shows; what an experiment refuses it may refuse for
            // what stands elsewhere.
            if !is_unread || !self.params.take_out(&path) {
                self.stuck = true;
                return None;
            }
        }
    }

    /// Looks for unknown keys and wrong types in what does not depend on the sweep.
    fn judge_without_sweep(&mut self) {
        loop {
            let bound = self.config.bind(&self.params, &self.plan.entry, &[]);
            let Err(Refused::Unread(error)) = bound else { return };
            let path = error.path.keys().get(1..).unwrap_or_default().to_vec();
            if !self.params.take_out(&path) {
                return;
            }
            self.faults.add(error);
        }
    }

    /// Adds the runs of a point, one a seed.
    fn add(&mut self, point: &Assignment<'_>, seeds: &[u64]) {
        let Some(bound) = self.bind(point) else { return };
        if !self.reads_what_is_needed(bound.as_ref(), point) {
            return;
        }
        let (config, plan) = (self.config, &mut self.plan);
        let entry = plan.entry;
        extend(&mut plan.metrics, bound.metrics());
        extend(&mut plan.step_metrics, bound.step_metrics());
        extend(&mut plan.items, bound.items());
        let device = config.resources.device.resolve(self.context.identity.auto);
        let ids = match self.context.identity.of_point(&entry, bound.as_ref(), device) {
            Ok(ids) => ids,
            Err((name, why)) => return self.faults.add(unreadable(config, point, &name, why)),
        };
        let programs: Arc<[String]> = bound.programs().into();
        let last = plan.runs.last().map(|run| &run.programs).filter(|last| **last == programs);
        let programs = last.cloned().unwrap_or(programs);
        let params = experiment::canonical_json(bound.params());
        let varies = || point.iter().map(|(path, node)| (path.to_string(), node.to_json()));
        for &seed in seeds {
            let this = This { params: bound.params(), seed };
            let (needed, awaited) = match build_on(config, &plan.needs, &this) {
                Ok(found) => found,
                // The first run says what is wrong with all of them.
                Err(error) => return self.faults.add_first(error),
            };
            let (spec, run) = ids.at(seed, &needed);
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
                device,
                threads: config.resources.threads,
                engine: Some(self.context.identity.engine),
                data: ids.data.clone(),
                needs: needed.iter().map(|(name, run)| (name.clone(), run.spec.run)).collect(),
            };
            let mut all: Vec<(String, Value)> = Vec::with_capacity(point.len() + 1);
            all.extend(varies());
            all.push(("seed".into(), seed.into()));
            let programs = Arc::clone(&programs);
            let awaited = ids.awaited.clone().or(awaited);
            let run = PlannedRun { spec, varies: all, programs, needed };
            match awaited {
                Some(data) => plan.awaiting.push(Awaited { run, data }),
                None => plan.runs.push(run),
            }
        }
    }

    /// Whether the configuration needs the runs that a run reads; the mistake is kept where not.
    fn reads_what_is_needed(&mut self, bound: &dyn Bound, point: &Assignment<'_>) -> bool {
        for NeedRef { name, path } in bound.needs() {
            if self.config.needs.iter().all(|needed| needed.name != name) {
                let known = self.config.needs.iter().map(|needed| needed.name.as_str());
                let known: Vec<&str> = known.collect();
                let there = match known.as_slice() {
                    [] => "where there is none".into(),
                    known => format!("one of {}", known.join(", ")),
                };
                let near = nearest(&name, known.iter().copied());
                let near = near.map_or(String::new(), |near| format!(" (did you mean {near}?)"));
                let wanted = format!("a name below `needs`, {there}");
                let error = ParamError::new(path, wanted, format!("{name:?}{near}"));
                self.faults.add_first(self.config.locate(&error, point));
                return false;
            }
            self.read_needs.insert(name);
        }
        true
    }
}

/// The runs that a run builds on, and a data set that they await.
type Foundation = (BTreeMap<String, Arc<PlannedRun>>, Option<String>);

fn build_on(
    config: &Config,
    plans: &BTreeMap<String, Arc<Underlying>>,
    this: &This<'_>,
) -> Result<Foundation, ConfigError> {
    let (mut runs, mut awaited) = (BTreeMap::new(), None);
    for needed in &config.needs {
        // What is wrong with a plan that is not there was told.
        let Some(underlying) = plans.get(&needed.name) else { continue };
        let found = needed::find(needed, underlying, this)?;
        awaited = awaited.or_else(|| underlying.awaits(&found));
        runs.insert(needed.name.clone(), found);
    }
    Ok((runs, awaited))
}

fn extend<T: PartialEq>(all: &mut Vec<T>, more: Vec<T>) {
    for one in more {
        if !all.contains(&one) {
            all.push(one);
        }
    }
}

fn too_many(block: &Block) -> ConfigError {
    let message = format!("wanted at most {MOST_RUNS} runs, found more");
    ConfigError::new(&block.span, Path::from_iter(["sweep"]), message)
}

/// A file or data set that has no sum.
fn unreadable(config: &Config, point: &Assignment<'_>, name: &str, why: Sum) -> ConfigError {
    // Files, and code in git, are named like data sets, after a word.
    match (name.split_once(':'), why) {
        (Some(("file", file)), Sum::Unreadable(why)) => {
            config.error_at_text("files", file, point, why)
        }
        (Some((kind, what)), Sum::Unreadable(why)) => {
            config.error_at_text("identity", kind, point, format!("{what}: {why}"))
        }
        (_, Sum::Unreadable(why)) => {
            let message = format!("the data set {name:?} cannot be used: {why}");
            config.error_at_text("data", name, point, message)
        }
        (_, Sum::Unknown { known }) => {
            let nearest = hint(name, known.iter().map(String::as_str));
            let message = format!("wanted a known data set, found {name:?}{nearest}");
            config.error_at_text("data", name, point, message)
        }
        (_, Sum::Known(_) | Sum::OnceFetched) => unreachable!("it has a sum or will have one"),
    }
}
