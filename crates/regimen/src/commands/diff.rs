//! `regimen diff`: what two runs of a store differ in.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use journal::{Fold, RunState};
use orchestrator::execute::JOURNAL;
use orchestrator::plan::{differences, label};
use serde_json::{Value, json};

use crate::arguments::{Diff, ListFormat};
use crate::columns::aligned;
use crate::commands::{Done, status};
use crate::runs::find;
use crate::terminal::{self, inert, print, say};

/// What is compared, in the order it is shown.
const PARTS: [&str; 4] = ["parameters", "data", "code", "metrics"];

/// A difference: what, and its value in each of the two runs.
struct Difference {
    part: &'static str,
    name: String,
    values: [Option<Value>; 2],
}

/// `regimen diff`: exit code 1 where the runs differ in anything.
pub(crate) fn diff(arguments: &Diff) -> Result<Done> {
    let store = &arguments.store.results;
    if let Some(done) = status::nothing_there(store, false)? {
        return Ok(done);
    }
    let fold = Fold::read(&store.join(JOURNAL))?;
    let runs = [&arguments.first, &arguments.second];
    let [first, second] = runs.map(|run| find(&fold, run, store).map(|run| &fold.runs[&run]));
    let runs = [first?, second?];
    let found = between(&fold, runs);
    if arguments.format == ListFormat::Json {
        let mut parts = BTreeMap::<&str, BTreeMap<&str, &[Option<Value>; 2]>>::new();
        for difference in &found {
            parts.entry(difference.part).or_default().insert(&difference.name, &difference.values);
        }
        let ids = runs.map(|run| run.spec.run);
        print(&format!("{}\n", json!({ "runs": ids, "differences": parts })))?;
    } else {
        print(&table(&found, runs.map(|run| run.spec.run.short())))?;
    }
    if found.is_empty() {
        say("the two runs differ in nothing");
        return Ok(Done::Well);
    }
    Ok(Done::SomeFailed)
}

fn between(fold: &Fold, runs: [&RunState; 2]) -> Vec<Difference> {
    let mut found = Vec::new();
    let mut compare = |part, facts: [BTreeMap<String, Value>; 2]| {
        let names: BTreeSet<&String> = facts.iter().flat_map(BTreeMap::keys).collect();
        for name in names {
            let values = [&facts[0], &facts[1]].map(|facts| facts.get(name).cloned());
            if values[0] != values[1] {
                found.push(Difference { part, name: name.clone(), values });
            }
        }
    };
    compare(PARTS[0], differences(runs.map(|run| &*run.spec)));
    compare(
        PARTS[1],
        runs.map(|run| {
            run.spec.data.iter().map(|(name, sum)| (name.clone(), sum.clone().into())).collect()
        }),
    );
    compare(PARTS[2], runs.map(|run| code(fold, run)));
    compare(
        PARTS[3],
        runs.map(|run| {
            run.results().iter().map(|(name, value)| (name.clone(), (*value).into())).collect()
        }),
    );
    found
}

/// Which code computed a run.
fn code(fold: &Fold, run: &RunState) -> BTreeMap<String, Value> {
    let spec = &run.spec;
    let mut facts = BTreeMap::from([
        ("experiment".to_owned(), spec.experiment.clone().into()),
        ("version of the experiment".to_owned(), spec.experiment_version.into()),
        ("version of the engine".to_owned(), spec.engine.into()),
        ("device".to_owned(), spec.device.to_string().into()),
    ]);
    let code = run.counted().and_then(|attempt| attempt.means.code.as_ref());
    let told = code.and_then(|id| fold.codes.get(id)).into_iter().flatten();
    facts.extend(told.map(|(name, fact)| (format!("program's {name}"), fact.clone().into())));
    let writer = run.counted().and_then(|attempt| fold.writers.get(&*attempt.writer));
    if let Some(writer) = writer {
        let facts_of_writer = [
            ("version of regimen", &writer.version),
            ("commit", &writer.commit),
            ("BLAS", &writer.blas),
        ];
        facts.extend(facts_of_writer.map(|(name, value)| (name.to_owned(), value.clone().into())));
    }
    facts
}

fn table(found: &[Difference], runs: [String; 2]) -> String {
    let text = |value: &Option<Value>| value.as_ref().map_or_else(|| "-".to_owned(), label);
    let [first, second] = runs;
    let mut rows = vec![vec![String::new(), first, second]];
    let mut part = "";
    for difference in found {
        if difference.part != part {
            part = difference.part;
            rows.push(vec![part.to_owned()]);
        }
        let [first, second] = difference.values.each_ref().map(text);
        rows.push(vec![format!("  {}", inert(&difference.name)), first, second]);
    }
    let screen = terminal::screen_of_output();
    // A value may be a whole list.
    aligned(&rows, screen, (screen.width / 3).max(20))
}
