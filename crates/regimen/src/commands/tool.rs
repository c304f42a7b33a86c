use std::io;

use anyhow::{Result, anyhow, bail};
use experiment::{DataPaths, Tool, ToolContext};
use serde_json::{Map, Value};

use crate::{commands::Done, registry};

/// `EXPERIMENT TOOL [--ARGUMENT VALUE]...`, from the words after the binary's name.
pub(crate) fn tool(words: &[String]) -> Result<Done> {
    let entry = registry::named(words.first().map_or("", String::as_str))?;
    let tools = entry.tools();
    let wanted = words.get(1).map_or("", String::as_str);
    let tool = tools.iter().find(|tool| tool.name == wanted).ok_or_else(|| {
        let list: Vec<String> =
            tools.iter().map(|tool| format!("\n  {}: {}", tool.name, tool.summary)).collect();
        anyhow!("no tool {wanted:?} of {}; its tools are:{}", entry.name, list.concat())
    })?;
    let arguments = arguments(tool, &words[2..])?;
    let (mut input, mut output) = (io::stdin().lock(), io::stdout().lock());
    let mut context = ToolContext {
        input: &mut input,
        output: &mut output,
        data: DataPaths { cache: datasets::default_cache()?, mirror: None, offline: false },
        artifacts: "results/artifacts".into(),
    };
    tool.run(arguments, &mut context)?;
    Ok(Done::Well)
}

/// `--name value` pairs as a JSON object, typed by the tool's schema.
fn arguments(tool: &Tool, words: &[String]) -> Result<Value> {
    let mut object = Map::new();
    for pair in words.chunks(2) {
        let [flag, text] = pair else { bail!("{}: {} has no value", tool.name, pair[0]) };
        let name = flag.strip_prefix("--").unwrap_or(flag).replace('-', "_");
        let property = &tool.schema["properties"][&name];
        if property.is_null() {
            let known = tool.schema["properties"].as_object();
            let known: Vec<&str> =
                known.into_iter().flat_map(Map::keys).map(String::as_str).collect();
            bail!("{}: no argument {flag}; arguments are: --{}", tool.name, known.join(", --"));
        }
        let value = match property["type"].as_str() {
            Some("string") => Value::from(text.as_str()),
            _ => serde_json::from_str(text).unwrap_or_else(|_| Value::from(text.as_str())),
        };
        object.insert(name, value);
    }
    Ok(Value::Object(object))
}
