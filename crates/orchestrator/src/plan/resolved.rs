use experiment::Entry;
use serde_json::{Map, Value, json};
use serde_yaml::{Mapping, Value as Shown};

use super::Plan;
use crate::config::{
    Axis, Block, Config, ConfigError, Node, Path, Random, Resources, Retry, Seeds, Sweep,
};

/// A configuration that plans, with every default filled in, as YAML that asks for the same runs.
///
/// # Errors
/// A value that YAML cannot write.
pub fn resolved(config: &Config, plan: &Plan) -> Result<String, ConfigError> {
    let entry = &plan.entry;
    let params = params(config, entry);
    let yaml = || -> Result<String, serde_yaml::Error> {
        let mut document = Mapping::new();
        document.insert("name".into(), config.name.as_str().into());
        document.insert("experiment".into(), entry.name.into());
        document.insert("params".into(), serde_yaml::to_value(&params)?);
        document.insert("sweep".into(), sweep(&config.sweep)?);
        if let Some(search) = &plan.search {
            document.insert("search".into(), serde_yaml::to_value(search.to_json())?);
        }
        document.insert("resources".into(), resources(&config.resources).into());
        match config.tables.as_slice() {
            [] => None,
            [one] => document.insert("table".into(), serde_yaml::to_value(one)?),
            several => document.insert("table".into(), serde_yaml::to_value(several)?),
        };
        serde_yaml::to_string(&document)
    };
    yaml().map_err(|error| config.error_at_params(format!("could not be written as YAML: {error}")))
}

/// Every parameter as the configuration gives it, else at its default.
pub(super) fn params(config: &Config, entry: &Entry) -> Value {
    over_defaults(&entry.defaults(), &config.params.to_json())
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
fn sweep(sweep: &Sweep) -> Result<Shown, serde_yaml::Error> {
    Ok(match sweep.blocks.as_slice() {
        [] => serde_yaml::to_value(json!({"seeds": 1}))?,
        [one] => block(one)?.into(),
        several => {
            several.iter().map(|one| block(one).map(Shown::from)).collect::<Result<_, _>>()?
        }
    })
}

fn block(block: &Block) -> Result<Mapping, serde_yaml::Error> {
    let mut shown = Mapping::new();
    axes(&mut shown, &block.grid, &block.zip)?;
    if let Some(random) = &block.random {
        shown.insert("random".into(), draws(random)?.into());
    }
    let mut conditions = Vec::new();
    for when in &block.when {
        let mut one = Mapping::new();
        one.insert("if".into(), when.text.as_str().into());
        axes(&mut one, &when.grid, &when.zip)?;
        conditions.push(Shown::from(one));
    }
    if !conditions.is_empty() {
        shown.insert("when".into(), conditions.into());
    }
    let seeds = match &block.seeds {
        Seeds::Count(count) => serde_yaml::to_value(count)?,
        Seeds::List(list) => serde_yaml::to_value(list)?,
    };
    shown.insert("seeds".into(), seeds);
    if !block.exclude.is_empty() {
        let point = |point: &Vec<(Path, Node)>| -> Map<String, Value> {
            point.iter().map(|(path, node)| (path.to_string(), node.to_json())).collect()
        };
        let points: Vec<_> = block.exclude.iter().map(point).collect();
        shown.insert("exclude".into(), serde_yaml::to_value(points)?);
    }
    Ok(shown)
}

fn axes(shown: &mut Mapping, grid: &[Axis], zip: &[Axis]) -> Result<(), serde_yaml::Error> {
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
    Ok(())
}

fn draws(random: &Random) -> Result<Mapping, serde_yaml::Error> {
    let mut shown = Mapping::new();
    shown.insert("count".into(), serde_yaml::to_value(random.count)?);
    shown.insert("seed".into(), random.seed.into());
    shown.insert("draw".into(), random.draw.as_str().into());
    let mut params = Mapping::new();
    for drawn in &random.params {
        let from = serde_yaml::to_value(drawn.node.to_json())?;
        params.insert(drawn.key.to_string().into(), from);
    }
    shown.insert("params".into(), params.into());
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
    shown.insert("output".into(), format!("{}B", resources.output).into());
    let Retry { crash, memory, time, output, error } = resources.retry;
    let retry = [
        ("crash", crash),
        ("memory", memory),
        ("time", time),
        ("output", output),
        ("error", error),
    ];
    let retry: Mapping =
        retry.map(|(cause, times)| (cause.into(), times.into())).into_iter().collect();
    shown.insert("retry".into(), retry.into());
    shown
}
