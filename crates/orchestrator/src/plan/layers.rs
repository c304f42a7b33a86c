//! What is executed for some plans, in its order: what others build on first.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use experiment::RunId;

use super::needed::{Underlying, canonical};
use super::{Plan, PlannedRun};

/// Runs that are executed together, after those of earlier layers.
#[derive(Debug)]
pub enum Layer {
    /// A plan that was asked for, by its place.
    Asked(usize),
    /// Runs that others build on.
    Needed {
        /// Their configuration.
        from: Arc<Underlying>,
        /// Those runs alone.
        plan: Box<Plan>,
        /// The sweeps that need them.
        by: Vec<String>,
    },
}

/// What the runs of some plans need of one configuration.
struct Demand {
    from: Arc<Underlying>,
    runs: BTreeSet<RunId>,
    by: Vec<String>,
}

/// The layers of plans with the paths that they were read from. A plan that was asked for stands for
/// what others need of it, where it has all of that and no search.
pub fn layers(asked: &[(&Path, &Plan)]) -> Vec<Layer> {
    let mut demands = BTreeMap::new();
    for (_, plan) in asked {
        collect(plan, &plan.all().collect::<Vec<_>>(), &mut demands);
    }
    let files = asked.iter().map(|(path, _)| canonical(path)).collect();
    let mut order = Order { asked, files, demands, placed: BTreeSet::new(), layers: Vec::new() };
    for at in 0..asked.len() {
        order.place_asked(at);
    }
    order.layers
}

/// Adds what runs of a plan need, and what that needs in turn.
fn collect(plan: &Plan, runs: &[&PlannedRun], demands: &mut BTreeMap<PathBuf, Demand>) {
    for (name, underlying) in &plan.needs {
        let wanted: BTreeSet<RunId> =
            runs.iter().filter_map(|run| run.spec.needs.get(name)).copied().collect();
        let below = &underlying.plan;
        let needed: Vec<&PlannedRun> =
            below.all().filter(|run| wanted.contains(&run.spec.run)).collect();
        collect(below, &needed, demands);
        if wanted.is_empty() {
            continue;
        }
        let demand = demands.entry(underlying.file.clone()).or_insert_with(|| Demand {
            from: Arc::clone(underlying),
            runs: BTreeSet::new(),
            by: Vec::new(),
        });
        demand.runs.extend(wanted);
        if !demand.by.contains(&plan.sweep) {
            demand.by.push(plan.sweep.clone());
        }
    }
}

struct Order<'a> {
    asked: &'a [(&'a Path, &'a Plan)],
    /// The one name of each file that was asked for.
    files: Vec<PathBuf>,
    demands: BTreeMap<PathBuf, Demand>,
    /// Plans that were asked for and have their place.
    placed: BTreeSet<usize>,
    layers: Vec<Layer>,
}

impl Order<'_> {
    fn place_asked(&mut self, at: usize) {
        if self.placed.insert(at) {
            self.place_needs(self.asked[at].1);
            self.layers.push(Layer::Asked(at));
        }
    }

    fn place_needs(&mut self, plan: &Plan) {
        for underlying in plan.needs.values() {
            self.place_needs(&underlying.plan);
            let Some(Demand { from, runs, by }) = self.demands.remove(&underlying.file) else {
                continue;
            };
            let has_all = |plan: &Plan| {
                let own: BTreeSet<RunId> = plan.all().map(|run| run.spec.run).collect();
                runs.is_subset(&own)
            };
            let stands_for = self
                .files
                .iter()
                .position(|file| *file == underlying.file)
                .filter(|at| self.asked[*at].1.search.is_none() && has_all(self.asked[*at].1));
            if let Some(at) = stands_for {
                self.place_asked(at);
                continue;
            }
            let mut plan = from.plan.clone();
            plan.runs.retain(|run| runs.contains(&run.spec.run));
            plan.awaiting.retain(|awaited| runs.contains(&awaited.run.spec.run));
            // All of them are wanted, so none rests.
            plan.search = None;
            // Nobody asked to see them.
            plan.tables.clear();
            self.layers.push(Layer::Needed { from, plan: Box::new(plan), by });
        }
    }
}
