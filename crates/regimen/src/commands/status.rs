//! `regimen status`: counts the runs of each sweep by state, and lists those under way.

mod submitted;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fmt::Write;
use std::fs;
use std::io::IsTerminal;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use experiment::{RunId, SpecId};
use journal::{Fold, Problem};
use orchestrator::execute::{self, LiveRun, Seen, Watch};
use orchestrator::plan::{Only, PlannedRun, chosen};
use serde_json::json;
use tables::inert;
use unicode_width::UnicodeWidthStr;

use crate::arguments::{ConfigOptions, ListFormat, Status};
use crate::commands::{Done, report};
use crate::plans::{Absent, layered, plans};
use crate::progress::{Screen, rate, span, thousands};
use crate::registry;
use crate::terminal::{self, print, say};
use submitted::Submitted;

/// Time between looks with `--watch`.
const EVERY: Duration = Duration::from_secs(1);
/// How long `--watch` waits for a call that is about to begin, or between two of them.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long drivers may show nothing new: one elsewhere cannot be asked whether it lives.
const SILENCE: Duration = Duration::from_secs(600);
/// Clears a terminal and goes to its upper left corner.
const CLEAR: &str = "\x1b[2J\x1b[H";

/// What each driver executes.
type Live = BTreeMap<String, Vec<LiveRun>>;

/// `regimen status`: how many runs of each sweep stand where, and what is under way.
pub(crate) fn status(arguments: &Status) -> Result<Done> {
    let store = &arguments.store.results;
    if arguments.configs.is_empty() && !arguments.choice.set.is_empty() {
        report::refuse(&arguments.choice)?;
    }
    if let Some(done) = nothing_there(store, arguments.watch)? {
        return Ok(done);
    }
    let mut fold = Fold::read(&store.join(execute::JOURNAL))?;
    let counted = counted(arguments, &fold)?;
    let mut submitted = Submitted::default();
    submitted.refresh(store);
    let text = |fold: &Fold, live: &Live, submitted: &Submitted| -> Result<String> {
        let text = text(fold, live, arguments.format, counted.as_ref())?;
        Ok(match arguments.format {
            ListFormat::Json => text + &submitted.json(),
            ListFormat::Table => text + &submitted.lines(),
        })
    };
    let (mut watch, start) = (Watch::new(store), Instant::now());
    let Seen { mut live, mut silent } = watch.look(start.elapsed());
    let mut shown = text(&fold, &live, &submitted)?;
    print(&shown)?;
    let mut last = Instant::now();
    while arguments.watch && (submitted.are_active() || is_awaited(&live, last.elapsed())) {
        thread::sleep(EVERY);
        let seen = watch.look(start.elapsed());
        seen.silent.iter().filter(|driver| !silent.contains(driver)).for_each(say_silent);
        silent = seen.silent;
        let before = std::mem::replace(&mut live, seen.live);
        submitted.refresh(store);
        fold.refresh()?;
        let now = text(&fold, &live, &submitted)?;
        if now != shown || live != before {
            last = Instant::now();
        }
        if now != shown {
            print(&format!("{}{now}", clear()))?;
            shown = now;
        }
    }
    if arguments.watch && !live.is_empty() {
        say(&format!("nothing has changed for {}", span(SILENCE.as_secs_f64())));
    }
    if fold.runs.is_empty() {
        say(&format!("no run was begun in {} yet", store.display()));
    }
    // A segment's last words may still be on their way.
    let is_torn = |problem: &&Problem| matches!(problem, Problem::Torn { .. });
    let problems = fold.problems.iter().filter(|problem| live.is_empty() || !is_torn(problem));
    problems.for_each(|problem| say(&format!("warning: {problem}")));
    Ok(Done::Well)
}

/// The runs that are counted; all of them where nothing else is said.
fn counted(arguments: &Status, fold: &Fold) -> Result<Option<BTreeSet<RunId>>> {
    let Status { configs, choice, .. } = arguments;
    if !configs.is_empty() {
        let options = ConfigOptions { configs: configs.clone(), choice: choice.clone() };
        let plans = layered(plans(&options, Absent::Ignored)?);
        let planned = || plans.iter().flat_map(|planned| &planned.plan.runs);
        let mut counted: BTreeSet<RunId> = planned().map(|run| run.spec.run).collect();
        // Those that answered a request with other code, data or versions.
        let here = |run: &&PlannedRun| fold.runs.contains_key(&run.spec.run);
        let asked: HashSet<SpecId> =
            planned().filter(|run| !here(run)).map(|run| run.spec.spec).collect();
        let older = fold.runs.values().filter(|run| asked.contains(&run.spec.spec));
        counted.extend(older.map(|run| run.spec.run));
        return Ok(Some(counted));
    }
    let only = choice.only.as_deref().map(Only::parse).transpose()?;
    Ok(only.map(|only| chosen(fold, &only)).transpose()?)
}

/// What is to be said of a store that is not there, and how that ends.
pub(crate) fn nothing_there(store: &Path, watch: bool) -> Result<Option<Done>> {
    if store.is_dir() {
        return Ok(None);
    }
    let place = store.display();
    if let Ok(target) = fs::read_link(store) {
        bail!(
            "store {place}: wanted a folder, found a link to {}, where none is",
            target.display()
        );
    }
    if store.exists() {
        bail!("store {place}: wanted a folder, found a file");
    }
    let patience = Instant::now();
    while watch && patience.elapsed() < PATIENCE {
        thread::sleep(EVERY / 10);
        if store.is_dir() {
            return Ok(None);
        }
    }
    say(&format!("there is no store at {place}: `regimen run` makes one, --results names another"));
    Ok(Some(Done::NothingToCompare))
}

/// Whether a call is at work, or may be about to begin: nothing changed for `quiet`.
fn is_awaited(live: &Live, quiet: Duration) -> bool {
    quiet < if live.is_empty() { PATIENCE } else { SILENCE }
}

/// Says that a driver is not waited for.
fn say_silent(driver: &String) {
    let silence = span(Watch::PATIENCE.as_secs_f64());
    say(&format!(
        "driver {driver} on another host has shown no sign of life for {silence} and is waited for no \
         longer; the same `regimen run` goes on with its runs"
    ));
}

fn clear() -> &'static str {
    if std::io::stdout().is_terminal() && !terminal::is_dumb() { CLEAR } else { "" }
}

/// The runs of a sweep by their state, and those that others replaced.
#[derive(Default)]
struct Counts {
    states: BTreeMap<journal::Status, usize>,
    replaced: usize,
}

fn text(
    fold: &Fold,
    live: &Live,
    format: ListFormat,
    counted: Option<&BTreeSet<RunId>>,
) -> Result<String> {
    let superseded = fold.superseded();
    let sweeps = count(fold, &superseded, counted);
    let mut text = String::new();
    if format == ListFormat::Json {
        for ((experiment, sweep), Counts { states, replaced }) in sweeps {
            let live: Vec<&LiveRun> =
                live.values().flatten().filter(|run| run.sweep == sweep).collect();
            let runs: BTreeMap<&str, usize> =
                states.iter().map(|(status, runs)| (status.as_str(), *runs)).collect();
            let row = json!({
                "experiment": experiment, "sweep": sweep, "runs": runs, "replaced": replaced,
                "live": live,
            });
            writeln!(text, "{row}")?;
        }
        return Ok(text);
    }
    let screen = terminal::screen_of_output();
    text.push_str(&table(&sweeps, screen));
    for run in live.values().flatten() {
        let spec = fold.runs.get(&run.run).map(|known| &known.spec);
        let unit = spec.and_then(|spec| registry::named(&spec.experiment).ok());
        let line = line(run, unit.map_or("steps", |entry| entry.progress));
        writeln!(text, "{}", screen.cut(&line, screen.width))?;
    }
    Ok(text)
}

fn count<'a>(
    fold: &'a Fold,
    superseded: &HashSet<RunId>,
    counted: Option<&BTreeSet<RunId>>,
) -> BTreeMap<(&'a str, &'a str), Counts> {
    let mut sweeps = BTreeMap::<_, Counts>::new();
    let is_counted = |run: &RunId| counted.is_none_or(|counted| counted.contains(run));
    for (id, run) in fold.runs.iter().filter(|(run, _)| is_counted(run)) {
        let counts = sweeps.entry((&*run.spec.experiment, &*run.spec.sweep)).or_default();
        if superseded.contains(id) {
            counts.replaced += 1;
        } else {
            *counts.states.entry(run.status()).or_default() += 1;
        }
    }
    sweeps
}

/// A line a sweep, a column a state that occurs.
fn table(sweeps: &BTreeMap<(&str, &str), Counts>, screen: Screen) -> String {
    if sweeps.is_empty() {
        return String::new();
    }
    let occurs = |status: &journal::Status| sweeps.values().any(|c| c.states.contains_key(status));
    let states: Vec<_> = journal::Status::ALL.into_iter().filter(occurs).collect();
    let replaced = sweeps.values().any(|counts| counts.replaced > 0);
    let mut heads: Vec<&str> = states.iter().map(|status| status.as_str()).collect();
    heads.extend(replaced.then_some("replaced"));
    let numbers = heads.iter().map(|head| head.width().max(7) + 2).sum::<usize>();
    let name =
        |(experiment, sweep): &(&str, &str)| format!("{}  {}", inert(experiment), inert(sweep));
    let widest = sweeps.keys().map(|key| name(key).width()).max().unwrap_or(0);
    // Ten columns of a name say more than none, whatever happens to the numbers then.
    let names = widest.min(screen.width.saturating_sub(numbers).max(10));
    let line = |name: &str, cells: &mut dyn Iterator<Item = String>| {
        let name = screen.cut(name, names);
        let mut line = format!("{name}{}", " ".repeat(names - name.width()));
        for (head, cell) in heads.iter().zip(cells) {
            let width = head.width().max(7) + 2;
            line.push_str(&format!("{cell:>width$}"));
        }
        format!("{}\n", screen.cut(line.trim_end(), screen.width))
    };
    let some = |count: usize| match count {
        0 => String::new(),
        count => thousands(count as u64),
    };
    let mut text = line("", &mut heads.iter().map(|head| (*head).to_owned()));
    for (key, counts) in sweeps {
        let of = |status| some(counts.states.get(status).copied().unwrap_or(0));
        let cells = states.iter().map(of).chain([some(counts.replaced)]);
        text.push_str(&line(&name(key), &mut cells.into_iter()));
    }
    text
}

/// A run under way: how far, how fast, how long still.
fn line(run: &LiveRun, unit: &str) -> String {
    let mut line = format!("  {}  attempt {}  {}", run.run.short(), run.attempt, span(run.seconds));
    if let Some((done, total)) = run.progress {
        line.push_str(&format!("  {} of {} {unit}", thousands(done), thousands(total)));
    }
    if let (Some(per_second), Some(left)) = (run.rate(), run.seconds_left()) {
        line.push_str(&format!("  {}  {} left", rate(per_second, unit), span(left)));
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_fits_and_has_the_columns_that_occur() {
        use journal::Status::{Failed, Finished, Interrupted, Pruned, Running};
        let counts = |states: &[(journal::Status, usize)], replaced| Counts {
            states: states.iter().copied().collect(),
            replaced,
        };
        let mut sweeps = BTreeMap::new();
        sweeps.insert(("dialog", "quickstart"), counts(&[(Finished, 48)], 0));
        sweeps.insert(("command", "mysweep"), counts(&[(Finished, 60), (Failed, 6)], 36));
        let screen = |width| Screen { width, height: 24, unicode: true };
        let mut text = table(&sweeps, screen(80));
        let long = "a-sweep-with-a-name-that-is-far-too-long-for-a-line-of-eighty-columns";
        let all = [Finished, Failed, Running, Interrupted, Pruned].map(|status| (status, 123_456));
        sweeps.insert(("hypergrad", long), counts(&all, 1));
        text.push_str(&table(&sweeps, screen(80)));
        insta::assert_snapshot!(text);
        for width in 1..200 {
            let text = table(&sweeps, screen(width));
            assert!(text.lines().all(|line| line.width() <= width), "{width}:\n{text}");
        }
    }
}
