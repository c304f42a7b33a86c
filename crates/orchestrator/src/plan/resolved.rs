//! Writes a configuration back as YAML, with every default filled in.

use experiment::Entry;
use serde_json::{Value, json};

use super::Plan;
use super::shown::Shown;
use crate::config::{
    Axis, Block, Config, ConfigError, Content, Excluded, Needed, Node, Origin, Path, Random,
    Resources, Seeds, Sweep, When, range_text, size_text, time_text,
};

/// A valid configuration as YAML with every default filled in; it has the same plan.
///
/// # Errors
/// A table that cannot be written.
pub fn resolved(config: &Config, plan: &Plan) -> Result<String, ConfigError> {
    let entry = &plan.entry;
    let table = match config.tables.as_slice() {
        [one] => serde_json::to_value(one),
        several => serde_json::to_value(several),
    };
    let table = table.map_err(|error| {
        config.error_at_params(format!("could not be written as YAML: {error}"))
    })?;
    let mut document = vec![
        ("name", json!(config.name).into()),
        ("experiment", json!(entry.name).into()),
        ("params", params(config, entry).into()),
        ("sweep", sweep(&config.sweep)),
    ];
    if let Some(search) = &plan.search {
        document.push(("search", search.to_json().into()));
    }
    if !config.needs.is_empty() {
        document.push(("needs", needs(config)));
    }
    document.push(("resources", resources(&config.resources)));
    if !config.tables.is_empty() {
        document.push(("table", table.into()));
    }
    Ok(Shown::map(document).to_yaml())
}

/// The key of an axis; keys of the sweep may begin with `params.`, so that one has to.
fn axis_key(path: &Path) -> String {
    let params = path.keys().first().is_some_and(|first| first == "params");
    let prefix = if params { "params." } else { "" };
    format!("{prefix}{path}")
}

/// Every parameter as the configuration gives it, else at its default.
pub(super) fn params(config: &Config, entry: &Entry) -> Value {
    let given = config.params.to_json();
    let shown = over_defaults(&entry.defaults(), &given);
    // What is given in place of a default may have other keys: those of a map, or of another variant.
    let full = |params: &Value| entry.bind_json(params).ok().map(|bound| bound.params().clone());
    match full(&given) {
        Some(filled) if full(&shown).as_ref() != Some(&filled) => filled,
        _ => shown,
    }
}

/// Every parameter as it is given, else at its default.
pub(super) fn over_defaults(defaults: &Value, given: &Value) -> Value {
    let mut params = defaults.clone();
    overlay(&mut params, given);
    params
}

/// Maps key by key, anything else replaced.
fn overlay(base: &mut Value, over: &Value) {
    match (base, over) {
        (Value::Object(base), Value::Object(over)) => {
            for (key, value) in over {
                overlay(base.entry(key.clone()).or_insert(Value::Null), value);
            }
        }
        (base, over) => *base = over.clone(),
    }
}

/// One block as a map, several as a list.
fn sweep(sweep: &Sweep) -> Shown {
    match sweep.blocks.as_slice() {
        [] => json!({"seeds": 1}).into(),
        [one] => block(one),
        several => Shown::List(several.iter().map(block).collect()),
    }
}

fn block(block: &Block) -> Shown {
    let mut keys = axes(&block.grid, &block.zip);
    if let Some(random) = &block.random {
        keys.push(("random".into(), draws(random)));
    }
    if !block.when.is_empty() {
        let condition = |when: &When| {
            let mut one = vec![("if".into(), json!(when.text).into())];
            one.extend(axes(&when.grid, &when.zip));
            Shown::Map(one)
        };
        let shown = match block.when.as_slice() {
            [one] => condition(one),
            several => Shown::List(several.iter().map(condition).collect()),
        };
        keys.push(("when".into(), shown));
    }
    keys.push(("seeds".into(), seeds(&block.seeds).into()));
    if !block.exclude.is_empty() {
        let one = |Excluded { key, value, .. }: &Excluded| (axis_key(key), value.to_json().into());
        let point = |point: &Vec<Excluded>| Shown::map(point.iter().map(one));
        keys.push(("exclude".into(), Shown::List(block.exclude.iter().map(point).collect())));
    }
    Shown::Map(keys)
}

fn seeds(seeds: &Seeds) -> Value {
    let list = match seeds {
        Seeds::Count(count) => return json!(count),
        Seeds::List(list) => list,
    };
    let numbers: Vec<Content> = list.iter().map(|seed| Content::Int((*seed).into())).collect();
    range_text(&numbers.iter().collect::<Vec<_>>()).map_or_else(|| json!(list), Value::from)
}

/// The values of an axis, as a range where they are many.
fn values(values: &[Node]) -> Value {
    let contents: Vec<&Content> = values.iter().map(|node| &node.content).collect();
    let list = || values.iter().map(Node::to_json).collect();
    range_text(&contents).map_or_else(list, Value::from)
}

fn axes(grid: &[Axis], zip: &[Axis]) -> Vec<(String, Shown)> {
    let list = |axis: &Axis| (axis_key(&axis.key), values(&axis.values).into());
    [("grid", grid), ("zip", zip)]
        .into_iter()
        .filter(|(_, axes)| !axes.is_empty())
        .map(|(name, axes)| (name.into(), Shown::map(axes.iter().map(list))))
        .collect()
}

fn draws(random: &Random) -> Shown {
    let drawn =
        random.params.iter().map(|drawn| (axis_key(&drawn.key), drawn.node.to_json().into()));
    Shown::map([
        ("count", json!(random.count).into()),
        ("seed", json!(random.seed).into()),
        ("draw", json!(random.draw.as_str()).into()),
        ("params", Shown::map(drawn)),
    ])
}

/// What runs build on, by paths that start at the folder of the configuration.
fn needs(config: &Config) -> Shown {
    let folder = match &config.root().span.source.origin {
        Origin::File(path) => path.parent(),
        Origin::Argument => None,
    };
    let one = |needed: &Needed| {
        let beside = folder.and_then(|folder| needed.path.strip_prefix(folder).ok());
        let path = match beside {
            Some(path) => path.to_owned(),
            None => std::path::absolute(&needed.path).unwrap_or_else(|_| needed.path.clone()),
        };
        let mut keys = vec![("config", json!(path.to_string_lossy()).into())];
        keys.extend(needed.condition.as_ref().map(|only| ("where", json!(only.text()).into())));
        (needed.name.clone(), Shown::map(keys))
    };
    Shown::map(config.needs.iter().map(one))
}

fn resources(resources: &Resources) -> Shown {
    let mut shown =
        vec![("device", json!(resources.device)), ("threads", json!(resources.threads))];
    if resources.gpus > 0 {
        shown.push(("gpus", json!(resources.gpus)));
    }
    if let Some(memory) = resources.memory {
        shown.push(("memory", json!(size_text(memory))));
    }
    if let Some(time) = resources.time {
        let milliseconds = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        shown.push(("time", json!(time_text(milliseconds))));
    }
    shown.push(("output", json!(size_text(resources.output))));
    let mut retry = resources.retry;
    let retry = retry.by_name().map(|(cause, times)| (cause, Shown::from(json!(times))));
    let shown = shown.into_iter().map(|(key, value)| (key, value.into()));
    Shown::map(shown.chain([("retry", Shown::map(retry))]))
}
