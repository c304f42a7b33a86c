use experiment::Entry;
use serde_json::{Map, Value};
use serde_yaml::Mapping;

use crate::config::{Axis, Config, ConfigError, Node, Path, Resources, Seeds, Sweep};

/// The configuration with every default filled in, as YAML that asks for the same runs.
///
/// # Errors
/// Parameters that do not fit, as in planning.
pub fn resolved(config: &Config, entry: &Entry) -> Result<String, ConfigError> {
    let mut params = entry.defaults();
    overlay(&mut params, &config.params.to_json());
    let first: Vec<_> = config
        .sweep
        .grid
        .iter()
        .chain(&config.sweep.zip)
        .map(|axis| (&axis.key, &axis.values[0]))
        .collect();
    // Swept parameters may have no valid value of their own, so one point is checked as a whole.
    config.bind(entry, &first)?;
    let yaml = || -> Result<String, serde_yaml::Error> {
        let mut document = Mapping::new();
        document.insert("name".into(), config.name.as_str().into());
        document.insert("experiment".into(), entry.name.into());
        document.insert("params".into(), serde_yaml::to_value(&params)?);
        document.insert("sweep".into(), sweep(config)?.into());
        document.insert("resources".into(), resources(&config.resources).into());
        if let Some(table) = &config.table {
            document.insert("table".into(), serde_yaml::to_value(table)?);
        }
        serde_yaml::to_string(&document)
    };
    yaml().map_err(|error| config.error_at_params(format!("could not be written as YAML: {error}")))
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

fn sweep(config: &Config) -> Result<Mapping, serde_yaml::Error> {
    let Sweep { grid, zip, seeds, exclude } = &config.sweep;
    let mut shown = Mapping::new();
    for (name, axes) in [("grid", grid), ("zip", zip)] {
        if axes.is_empty() {
            continue;
        }
        let mut lists = Mapping::new();
        for Axis { key, values } in axes {
            let values: Vec<Value> = values.iter().map(Node::to_json).collect();
            lists.insert(key.to_string().into(), serde_yaml::to_value(values)?);
        }
        shown.insert(name.into(), lists.into());
    }
    let seeds = match seeds {
        Seeds::Count(count) => serde_yaml::to_value(count)?,
        Seeds::List(list) => serde_yaml::to_value(list)?,
    };
    shown.insert("seeds".into(), seeds);
    if !exclude.is_empty() {
        let point = |point: &Vec<(Path, Node)>| -> Map<String, Value> {
            point.iter().map(|(path, node)| (path.to_string(), node.to_json())).collect()
        };
        let points: Vec<_> = exclude.iter().map(point).collect();
        shown.insert("exclude".into(), serde_yaml::to_value(points)?);
    }
    Ok(shown)
}

fn resources(resources: &Resources) -> Mapping {
    let mut shown = Mapping::new();
    shown.insert("threads".into(), resources.threads.into());
    if let Some(memory) = resources.memory {
        shown.insert("memory".into(), format!("{memory}B").into());
    }
    if let Some(time) = resources.time {
        shown.insert("time".into(), format!("{}ms", time.as_millis()).into());
    }
    shown
}
