//! `regimen EXPERIMENT TOOL`: builds the command line of an experiment's tool from its schema.

use std::io;

use anyhow::{Result, anyhow};
use clap::{Arg, ArgMatches, Args, Command, FromArgMatches};
use experiment::{DataPaths, Entry, Tool, ToolContext};
use serde_json::{Map, Value};

use crate::arguments::{DataOptions, StoreOptions};
use crate::{commands::Done, registry, terminal::print};

/// `EXPERIMENT TOOL [ARGUMENT]... [--ARGUMENT VALUE]...`, from the words after the binary's name.
pub(crate) fn tool(words: &[String]) -> Result<Done> {
    let entry = registry::named(words.first().map_or("", String::as_str))?;
    let tools = entry.tools();
    let wanted = words.get(1).map_or("", String::as_str);
    if ["--help", "-h", "help"].contains(&wanted) {
        print(&format!("{}: {}\n\n{}\n", entry.name, entry.summary, listed(&entry, &tools)))?;
        return Ok(Done::Well);
    }
    let tool = tools.iter().find(|tool| tool.name == wanted).ok_or_else(|| {
        let list = listed(&entry, &tools);
        match wanted {
            "" => anyhow!("wanted a tool of {}\n{list}", entry.name),
            other => anyhow!("{} has no tool {other:?}\n{list}", entry.name),
        }
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

/// The tools of an experiment, and where its parameters are told.
fn listed(entry: &Entry, tools: &[Tool]) -> String {
    let name = entry.name;
    let schema = format!("`regimen schema {name}` prints the parameters of its runs");
    if tools.is_empty() {
        return format!("{name} has no tools; {schema}");
    }
    let width = tools.iter().map(|tool| tool.name.len()).max().unwrap_or(0);
    let line = |tool: &Tool| format!("  regimen {name} {:width$}  {}\n", tool.name, tool.summary);
    let lines: String = tools.iter().map(line).collect();
    format!("its tools are:\n{lines}each has a --help of its own; {schema}")
}

/// The command line of a tool: what its schema requires is given by place, everything else by
/// `--name`; and where the store and the data lie.
fn command(experiment: &str, tool: &Tool) -> Command {
    let mut command =
        Command::new(tool.name).bin_name(format!("regimen {experiment} {}", tool.name));
    for name in required(tool) {
        command = command.arg(argument(tool, name).required(true));
    }
    for name in properties(tool).filter(|name| !required(tool).any(|given| given == *name)) {
        command = command.arg(argument(tool, name).long(name.replace('_', "-")));
    }
    // Their own descriptions come with the options.
    DataOptions::augment_args(StoreOptions::augment_args(command))
        .about(tool.summary)
        .long_about(None)
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
