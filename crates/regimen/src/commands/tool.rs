use std::io;

use anyhow::{Result, anyhow};
use clap::{Arg, ArgMatches, Args, Command, FromArgMatches};
use experiment::{DataPaths, Tool, ToolContext};
use serde_json::{Map, Value};

use crate::arguments::{DataOptions, StoreOptions};
use crate::{commands::Done, registry};

/// `EXPERIMENT TOOL [ARGUMENT]... [--ARGUMENT VALUE]...`, from the words after the binary's name.
pub(crate) fn tool(words: &[String]) -> Result<Done> {
    let entry = registry::named(words.first().map_or("", String::as_str))?;
    let tools = entry.tools();
    let wanted = words.get(1).map_or("", String::as_str);
    let tool = tools.iter().find(|tool| tool.name == wanted).ok_or_else(|| {
        let list: Vec<String> =
            tools.iter().map(|tool| format!("\n  {}: {}", tool.name, tool.summary)).collect();
        anyhow!("no tool {wanted:?} of {}; its tools are:{}", entry.name, list.concat())
    })?;
    let parsed = command(entry.name, tool).get_matches_from(&words[1..]);
    let store = StoreOptions::from_arg_matches(&parsed)?;
    let data = DataOptions::from_arg_matches(&parsed)?;
    let (mut input, mut output) = (io::stdin().lock(), io::stdout().lock());
    let mut context = ToolContext {
        input: &mut input,
        output: &mut output,
        data: DataPaths {
            cache: datasets::default_cache()?,
            mirror: data.mirror,
            offline: data.offline,
        },
        artifacts: store.results.join("artifacts"),
    };
    tool.run(arguments(tool, &parsed), &mut context)?;
    Ok(Done::Well)
}

/// The command line of a tool: what its schema requires is given by place, everything else by
/// `--name`; and where the store and the data lie.
fn command(experiment: &str, tool: &Tool) -> Command {
    let mut command = Command::new(tool.name)
        .bin_name(format!("regimen {experiment} {}", tool.name))
        .about(tool.summary);
    for name in required(tool) {
        command = command.arg(argument(tool, name).required(true));
    }
    for name in properties(tool).filter(|name| !required(tool).any(|given| given == *name)) {
        command = command.arg(argument(tool, name).long(name.replace('_', "-")));
    }
    DataOptions::augment_args(StoreOptions::augment_args(command))
}

fn argument(tool: &Tool, name: &str) -> Arg {
    let help = tool.schema["properties"][name]["description"].as_str().unwrap_or_default();
    Arg::new(name.to_owned()).value_name(name.to_uppercase()).help(help.to_owned())
}

/// Names of the arguments that must be there, in their order.
fn required(tool: &Tool) -> impl Iterator<Item = &str> {
    tool.schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str)
}

fn properties(tool: &Tool) -> impl Iterator<Item = &str> {
    tool.schema["properties"].as_object().into_iter().flat_map(Map::keys).map(String::as_str)
}

/// What was given as a JSON object, typed by the tool's schema.
fn arguments(tool: &Tool, parsed: &ArgMatches) -> Value {
    let given = properties(tool).filter_map(|name| {
        let text = parsed.get_one::<String>(name)?.as_str();
        let value = match tool.schema["properties"][name]["type"].as_str() {
            Some("string") => text.into(),
            _ => serde_json::from_str(text).unwrap_or_else(|_| text.into()),
        };
        Some((name.to_owned(), value))
    });
    Value::Object(given.collect())
}
