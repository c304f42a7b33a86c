//! `regimen EXPERIMENT TOOL`.

mod arguments;
mod host;

use std::cell::OnceCell;
use std::io;

use anyhow::{Result, anyhow};
use clap::{Arg, ArgAction, Args, Command, FromArgMatches};
use experiment::{DataPaths, Entry, Error, Tool, ToolContext};
use journal::Fold;
use orchestrator::execute::{ARTIFACTS, JOURNAL, verify_artifact};

use crate::arguments::{DataOptions, StoreOptions};
use crate::terminal::{print, program, say};
use crate::{commands::Done, registry};

use arguments::Argument;
use host::{Host, Output};

/// The option that lets files be replaced.
const FORCE: &str = "force";

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
    run(entry.name, tool, &words[1..])
}

fn run(experiment: &str, tool: &Tool, words: &[String]) -> Result<Done> {
    let arguments = Argument::all(tool);
    let parsed = command(experiment, tool, &arguments).get_matches_from(words);
    let store = StoreOptions::from_arg_matches(&parsed)?;
    let data = DataOptions::from_arg_matches(&parsed)?;
    let force = arguments::writes(&arguments) && parsed.get_flag(FORCE);
    let fold = OnceCell::new();
    let verify = |run: &str, name: &str, bytes: &[u8]| {
        let read = || Fold::read(&store.results.join(JOURNAL)).map_err(|error| error.to_string());
        let fold = match fold.get() {
            Some(fold) => fold,
            None => {
                let read = read()?;
                fold.get_or_init(|| read)
            }
        };
        verify_artifact(fold, run, name, bytes)
    };
    let mut host = Host::new(tool.name, force, &arguments::outputs(&arguments, &parsed))?;
    let (mut input, mut output) = (io::stdin().lock(), Output::new());
    let mut context = ToolContext {
        input: &mut input,
        output: &mut output,
        data: DataPaths {
            cache: datasets::default_cache()?,
            mirror: data.mirror,
            offline: data.offline,
        },
        artifacts: store.results.join(ARTIFACTS),
        verify: &verify,
        host: &mut host,
    };
    let ended = tool.run(arguments::object(&arguments, &parsed), &mut context);
    // What is drawn goes before anything is said.
    drop(host);
    match ended {
        Err(Error::Interrupted) => {
            say("interrupted");
            Ok(Done::Interrupted)
        }
        // A reader that has read enough.
        Err(_) if output.closed => Ok(Done::Well),
        ended => Ok(ended.map(|()| Done::Well)?),
    }
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

/// The command line of an experiment: its tools.
pub(crate) fn experiment(entry: &Entry) -> Command {
    let tools = entry.tools();
    let commands = tools.iter().map(|tool| command(entry.name, tool, &Argument::all(tool)));
    Command::new(entry.name).about(entry.summary).subcommands(commands)
}

/// The command line of a tool: what its schema requires is given by place, everything else by
/// `--name`; and where the store and the data lie.
fn command(experiment: &str, tool: &Tool, arguments: &[Argument]) -> Command {
    let mut command =
        Command::new(tool.name).bin_name(format!("{} {experiment} {}", program(), tool.name));
    command = command.args(arguments.iter().map(Argument::clap));
    if arguments::writes(arguments) {
        let force = Arg::new(FORCE).long(FORCE).action(ArgAction::SetTrue);
        command = command.arg(force.help("Replace files that are there"));
    }
    // Their own descriptions come with the options.
    DataOptions::augment_args(StoreOptions::augment_args(command))
        .about(tool.summary)
        .long_about(None)
}
