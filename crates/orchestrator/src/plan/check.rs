//! Names in a configuration that only its plan can judge.

use std::collections::BTreeSet;

use experiment::{Entry, free_form};
use serde_json::Value;

use super::scope::{RunScope, lookup, paths};
use super::{Context, Only, Plan, resolved};
use crate::config::{
    Axis, Config, ConfigError, Content, Faults, Node, Path, Reported, Search, hint, table_nodes,
};

/// Parameters that points of a configuration may have, by dotted path.
pub(super) fn names(config: &Config, params: &Value) -> Vec<String> {
    let mut names = paths(params);
    for block in &config.sweep.blocks {
        let axes = block.grid.iter().chain(&block.zip);
        let axes = axes.chain(block.when.iter().flat_map(|when| when.axes()));
        let drawn = block.random.iter().flat_map(|random| &random.params).map(|drawn| &drawn.key);
        names
            .extend(axes.map(|axis: &Axis| &axis.key).chain(drawn).map(|key| key.keys().join(".")));
    }
    names.into_iter().collect()
}

/// What runs report; without any run, what they do at their defaults.
fn reported<'a>(plan: &'a Plan) -> Reported<'a> {
    let entry = &plan.entry;
    let none = plan.runs.is_empty();
    Reported {
        finals: if none && plan.metrics.is_empty() { entry.metrics } else { &plan.metrics },
        steps: if none && plan.step_metrics.is_empty() {
            entry.step_metrics
        } else {
            &plan.step_metrics
        },
        any: entry.any_metric,
    }
}

/// Reads `search:`.
pub(super) fn search(config: &Config, plan: &mut Plan, faults: &mut Faults) {
    let Some(node) = config.part("search") else { return };
    plan.search = Search::read(node, &reported(plan), faults);
}

/// Judges the names in `table:`; those of parameters where `whole` says that the plan is.
pub(super) fn tables(
    config: &Config,
    plan: &Plan,
    context: &Context<'_>,
    whole: bool,
    faults: &mut Faults,
) {
    let Some(node) = config.part("table") else { return };
    let names = names(config, &resolved::params(config, &plan.entry));
    for (path, table) in table_nodes(node) {
        for key in ["value", "rows", "columns", "cells"] {
            let Some(node) = table.get(key) else { continue };
            for (path, node, name) in texts(node, &path.join(key)) {
                let checked = Checked { plan, context, names: &names, path: &path, node, name };
                match key {
                    "value" => checked.metric(whole, faults),
                    _ if whole => checked.parameter(faults),
                    _ => {}
                }
            }
        }
        if let Some(node) = table.get("published") {
            faults.keep(well_formed(node, &path.join("published")));
        }
        if let Some(node) = table.get("where").filter(|_| whole) {
            condition(config, plan, node, &path.join("where"), faults);
        }
    }
}

/// Judges which runs a table shows.
fn condition(config: &Config, plan: &Plan, node: &Node, path: &Path, faults: &mut Faults) {
    let Content::Text(text) = &node.content else { return };
    // One that cannot be read was told already.
    let Ok(only) = Only::parse(text) else { return };
    match only.choose(plan.runs.iter().map(|run| &run.spec)) {
        Err(error) => {
            faults.add(ConfigError::new(&error.place(node), path.clone(), error.detail()));
        }
        Ok(shown) if shown.is_empty() && !plan.runs.is_empty() && config.changes().is_empty() => {
            let message = format!("the table shows nothing: no run has {text}");
            faults.warn(ConfigError::new(&node.span, path.clone(), message));
        }
        Ok(_) => {}
    }
}

/// Names that stand alone or in a list.
fn texts<'a>(node: &'a Node, path: &Path) -> Vec<(Path, &'a Node, &'a str)> {
    match &node.content {
        Content::Text(text) => vec![(path.clone(), node, text)],
        Content::Seq(items) => items.iter().flat_map(|item| texts(item, path)).collect(),
        _ => Vec::new(),
    }
}

/// A name under judgement.
struct Checked<'a> {
    plan: &'a Plan,
    context: &'a Context<'a>,
    /// Parameters that runs may have.
    names: &'a [String],
    path: &'a Path,
    node: &'a Node,
    name: &'a str,
}

impl Checked<'_> {
    fn error(&self, message: String) -> ConfigError {
        ConfigError::new(&self.node.span, self.path.clone(), message)
    }

    /// Whether the tables have a column of this name beside parameters and metrics.
    fn is_column(&self) -> bool {
        self.context.columns.contains(&self.name)
    }

    /// Whether some run has a parameter of this name, a map being none: it has no column.
    fn is_parameter(&self) -> bool {
        let leaf = |value: &Value| {
            value.as_object().is_none_or(|map| map.is_empty())
                || free_form::non_finite(value).is_some()
        };
        let has = |params: &Value| lookup(params, self.name).is_some_and(leaf);
        self.plan.runs.iter().any(|run| has(RunScope::new(&run.spec).params()))
    }

    /// Whether a column `params.NAME` may be there.
    fn is_exact_parameter(&self) -> bool {
        self.names.iter().any(|name| name == self.name)
    }

    fn ambiguous(&self) -> ConfigError {
        let name = self.name;
        let message =
            format!("`{name}` is a parameter and a metric; wanted params.{name} or final.{name}");
        self.error(message)
    }

    fn parameter(&self, faults: &mut Faults) {
        let is_metric = self.plan.metrics.iter().any(|metric| {
            metric.name == self.name || self.name.strip_prefix("final.") == Some(&*metric.name)
        });
        if is_metric && self.is_exact_parameter() {
            return faults.add(self.ambiguous());
        }
        let none = self.plan.runs.is_empty();
        if none || self.is_column() || is_metric || self.is_parameter() {
            return;
        }
        let mut known: Vec<String> = self
            .plan
            .runs
            .iter()
            .flat_map(|run| paths(RunScope::new(&run.spec).params()))
            .collect();
        known.sort_unstable();
        known.dedup();
        let known = known.iter().map(String::as_str).chain(["seed"]);
        let bare = self.name.strip_prefix("params.").unwrap_or(self.name);
        let message = format!("no run has a parameter `{}`{}", self.name, hint(bare, known));
        faults.add(self.error(message));
    }

    fn metric(&self, whole: bool, faults: &mut Faults) {
        let bare = self.name.strip_prefix("final.").unwrap_or(self.name);
        let reported = reported(self.plan);
        let is_metric = reported.finals.iter().any(|metric| metric.name == bare);
        let is_parameter = whole && bare == self.name && self.is_exact_parameter();
        if is_metric && is_parameter {
            return faults.add(self.ambiguous());
        }
        if self.is_column() || is_metric {
            return;
        }
        if is_parameter {
            let metrics = reported.finals.iter().map(|metric| &*metric.name);
            let message = if reported.any {
                format!("`{bare}` is a parameter; `final.{bare}` is a metric of that name")
            } else {
                format!("`{bare}` is a parameter and no metric{}", hint(bare, metrics))
            };
            return faults.add(self.error(message));
        }
        reported.check_final(bare, self.node, self.path, faults);
    }
}

/// Says of runs that are needed and that nothing reads.
pub(super) fn needs(config: &Config, read: &BTreeSet<String>, faults: &mut Faults) {
    for needed in config.needs.iter().filter(|needed| !read.contains(&needed.name)) {
        let message = format!("no run reads `{}`, although all of them wait for it", needed.name);
        faults.warn(needed.error(message));
    }
}

/// `<experiment>/<table>`.
fn well_formed(node: &Node, path: &Path) -> Result<(), ConfigError> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    let word = |word: &str| !word.is_empty() && !word.starts_with('.') && word.chars().all(plain);
    match &node.content {
        Content::Text(text) if text.split('/').count() == 2 && text.split('/').all(word) => Ok(()),
        Content::Null => Ok(()),
        _ => {
            let wanted = "the name of a published table, such as dialog/babi";
            let message = format!("wanted {wanted}, found {}", node.describe());
            Err(ConfigError::new(&node.span, path.clone(), message))
        }
    }
}

/// Says of arguments of `--set` what they may not have been meant to do.
pub(super) fn changes(config: &Config, entry: &Entry, faults: &mut Faults) {
    let defaults = entry.defaults();
    for change in config.changes() {
        let mut warn = |span, message: String| {
            faults.warn(ConfigError::new(span, change.path.clone(), message));
        };
        if let Some((span, note)) = &change.note {
            warn(span, note.clone());
        }
        let below = change.path.keys().strip_prefix(&["params".to_owned()]);
        let declared = below.is_some_and(|keys| {
            keys.iter().try_fold(&defaults, |value, key| value.get(key)).is_some()
        });
        if let Some(like) = change.like.as_ref().filter(|_| !declared) {
            warn(&change.span, format!("this is new; there was `{like}` already"));
        }
        let swept = below.filter(|keys| !keys.is_empty()).and_then(|keys| covered(config, keys));
        if let Some((axis, place)) = swept {
            let message = format!(
                "the sweep gives `{axis}` its values, so this changes nothing; \
                 `-s 'sweep.{place}.{axis}=[...]'` replaces them"
            );
            warn(&change.span, message);
        }
    }
}

/// The parameter by which every block of the sweep gives this one a value, and where it stands.
fn covered(config: &Config, keys: &[String]) -> Option<(Path, &'static str)> {
    let mut found = None;
    for block in &config.sweep.blocks {
        let grid = block.grid.iter().map(|axis| (&axis.key, "grid"));
        let zip = block.zip.iter().map(|axis| (&axis.key, "zip"));
        let drawn = block.random.iter().flat_map(|random| &random.params);
        let drawn = drawn.map(|drawn| (&drawn.key, "random.params"));
        let mut all = grid.chain(zip).chain(drawn);
        let (key, place) = all.find(|(key, _)| keys.starts_with(key.keys()))?;
        found = found.or(Some((key.clone(), place)));
    }
    found
}
