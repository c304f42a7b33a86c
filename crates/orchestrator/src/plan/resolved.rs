//! Writes a configuration back as YAML, with every default filled in.

use experiment::{Entry, free_form};
use serde_json::Value;
use yaml::{Mapping, Value as Yaml};

use super::Plan;
use crate::config::{
    Axis, Block, Config, ConfigError, Content, Excluded, Needed, Node, Origin, Path, Random,
    Resources, Seeds, Sweep, ToJson, When, range_text, size_text, time_text,
};

/// A valid configuration as YAML with every default filled in; it has the same plan.
///
/// # Errors
/// A table that cannot be written.
pub fn resolved(config: &Config, plan: &Plan) -> Result<String, ConfigError> {
    let fail = |error: yaml::WriteError| {
        config.error_at_params(format!("could not be written as YAML: {error}"))
    };
    let table = match config.tables.as_slice() {
        [one] => yaml::to_value(one),
        several => yaml::to_value(several),
    };
    let mut document = vec![
        ("name", config.name.as_str().into()),
        ("experiment", plan.entry.name.into()),
        ("params", value(&params(config, &plan.entry))),
        ("sweep", sweep(&config.sweep)),
    ];
    document.extend(plan.search.as_ref().map(|search| ("search", value(&search.to_json()))));
    if !config.needs.is_empty() {
        document.push(("needs", needs(config)));
    }
    document.push(("resources", resources(&config.resources)));
    if !config.tables.is_empty() {
        document.push(("table", table.map_err(fail)?));
    }
    document.extend(config.report.as_ref().map(|page| ("report", page.as_str().into())));
    yaml::to_string(&map(document)).map_err(fail)
}

/// A map with its keys in this order.
fn map<K: Into<String>>(entries: impl IntoIterator<Item = (K, Yaml)>) -> Yaml {
    let entries = entries.into_iter().map(|(key, value)| (Yaml::from(key.into()), value));
    Yaml::Mapping(entries.collect::<Mapping>())
}

/// A value of a parameter.
fn value(json: &Value) -> Yaml {
    if let Some(number) = free_form::non_finite(json) {
        return number.into();
    }
    match json {
        Value::Null => Yaml::Null,
        Value::Bool(truth) => (*truth).into(),
        Value::Number(number) => match (number.as_u64(), number.as_i64()) {
            (Some(number), _) => number.into(),
            (_, Some(number)) => number.into(),
            _ => number.as_f64().map_or(Yaml::Null, Yaml::from),
        },
        Value::String(text) => text.as_str().into(),
        Value::Array(items) => Yaml::Sequence(items.iter().map(value).collect()),
        Value::Object(fields) => {
            map(fields.iter().map(|(key, field)| (key.as_str(), value(field))))
        }
    }
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
fn sweep(sweep: &Sweep) -> Yaml {
    match sweep.blocks.as_slice() {
        [] => map([("seeds", 1.into())]),
        [one] => block(one),
        several => Yaml::Sequence(several.iter().map(block).collect()),
    }
}

fn block(block: &Block) -> Yaml {
    let mut keys = axes(&block.grid, &block.zip);
    if let Some(random) = &block.random {
        keys.push(("random", draws(random)));
    }
    if !block.when.is_empty() {
        let condition = |when: &When| {
            let mut one = vec![("if", when.text.as_str().into())];
            one.extend(axes(&when.grid, &when.zip));
            map(one)
        };
        let shown = match block.when.as_slice() {
            [one] => condition(one),
            several => Yaml::Sequence(several.iter().map(condition).collect()),
        };
        keys.push(("when", shown));
    }
    keys.push(("seeds", seeds(&block.seeds)));
    if !block.exclude.is_empty() {
        let one = |excluded: &Excluded| (axis_key(&excluded.key), value(&excluded.value.to_json()));
        let point = |point: &Vec<Excluded>| map(point.iter().map(one));
        keys.push(("exclude", Yaml::Sequence(block.exclude.iter().map(point).collect())));
    }
    map(keys)
}

fn seeds(seeds: &Seeds) -> Yaml {
    let list = match seeds {
        Seeds::Count(count) => return (*count).into(),
        Seeds::List(list) => list,
    };
    let numbers: Vec<Content> = list.iter().map(|seed| Content::Int((*seed).into())).collect();
    let range = range_text(&numbers.iter().collect::<Vec<_>>());
    range.map_or_else(|| list.clone().into(), Yaml::from)
}

/// The values of an axis, as a range where they are many.
fn values(values: &[Node]) -> Yaml {
    let contents: Vec<&Content> = values.iter().map(|node| &node.content).collect();
    let list = || Yaml::Sequence(values.iter().map(|node| value(&node.to_json())).collect());
    range_text(&contents).map_or_else(list, Yaml::from)
}

fn axes(grid: &[Axis], zip: &[Axis]) -> Vec<(&'static str, Yaml)> {
    let list = |axis: &Axis| (axis_key(&axis.key), values(&axis.values));
    [("grid", grid), ("zip", zip)]
        .into_iter()
        .filter(|(_, axes)| !axes.is_empty())
        .map(|(name, axes)| (name, map(axes.iter().map(list))))
        .collect()
}

fn draws(random: &Random) -> Yaml {
    let drawn =
        random.params.iter().map(|drawn| (axis_key(&drawn.key), value(&drawn.node.to_json())));
    map([
        ("count", (random.count as u64).into()),
        ("seed", random.seed.into()),
        ("draw", random.draw.as_str().into()),
        ("params", map(drawn)),
    ])
}

/// What runs build on, by paths that start at the folder of the configuration.
fn needs(config: &Config) -> Yaml {
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
        let mut keys = vec![("config", path.to_string_lossy().into_owned().into())];
        keys.extend(needed.condition.as_ref().map(|only| ("where", only.text().into())));
        (needed.name.clone(), map(keys))
    };
    map(config.needs.iter().map(one))
}

fn resources(resources: &Resources) -> Yaml {
    let mut shown = vec![
        ("device", resources.device.to_string().into()),
        ("threads", (resources.threads as u64).into()),
    ];
    if resources.gpus > 0 {
        shown.push(("gpus", (resources.gpus as u64).into()));
    }
    shown.extend(resources.memory.map(|memory| ("memory", size_text(memory).into())));
    if let Some(time) = resources.time {
        let milliseconds = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        shown.push(("time", time_text(milliseconds).into()));
    }
    shown.push(("output", size_text(resources.output).into()));
    let mut retry = resources.retry;
    let retry = retry.by_name().map(|(cause, times)| (cause, Yaml::from(*times)));
    shown.push(("retry", map(retry)));
    map(shown)
}
