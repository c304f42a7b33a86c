//! Runs of a store as conditions and listings see them.

use std::cmp::{Ordering, Reverse};
use std::collections::{BTreeMap, BTreeSet};

use experiment::{RunId, free_form};
use journal::{Fold, RunSpec, Status};
use serde_json::Value;

use super::only::{order, same};
use super::scope::{RunScope, Scope, paths};
use super::{Only, OnlyError};
use crate::config::hint;

/// What every run has beside its parameters and metrics.
const FACTS: [&str; 10] = [
    "run",
    "experiment",
    "sweep",
    "seed",
    "state",
    "replaced",
    "attempts",
    "seconds",
    "tags",
    "note",
];

/// What listings know of a run.
#[derive(Debug, Clone)]
pub struct Facts<'a> {
    /// Its id.
    pub run: RunId,
    /// Its experiment.
    pub experiment: &'a str,
    /// The sweep that asked for it first.
    pub sweep: &'a str,
    /// Its parameters as canonical JSON.
    pub params: &'a str,
    /// Its seed.
    pub seed: u64,
    /// Where it stands.
    pub status: Status,
    /// How many attempts there were.
    pub attempts: usize,
    /// How long the attempt took that counts.
    pub seconds: Option<f64>,
    /// Its final metrics.
    pub results: &'a BTreeMap<String, f64>,
    /// Whether another run answers its request by now.
    pub replaced: bool,
    /// Its tags, in alphabetical order.
    pub tags: Vec<&'a str>,
    /// What is noted of it.
    pub note: Option<&'a str>,
}

impl<'a> Facts<'a> {
    /// What the journals of a store know, by the ids of the runs.
    pub fn of(fold: &'a Fold) -> impl Iterator<Item = Self> {
        let replaced = fold.superseded();
        fold.runs.iter().map(move |(&run, state)| Self {
            run,
            experiment: &state.spec.experiment,
            sweep: &state.spec.sweep,
            params: &state.spec.params,
            seed: state.spec.seed,
            status: state.status(),
            attempts: state.attempts.len(),
            seconds: state
                .counted()
                .and_then(|attempt| attempt.ended.as_ref())
                .map(|ended| ended.seconds),
            results: state.results(),
            replaced: replaced.contains(&run),
            tags: fold.tags(run).collect(),
            note: fold.note(run),
        })
    }
}

/// A run of a store. A name stands for a parameter of it, then for one of `run`, `experiment`, `sweep`,
/// `seed`, `state`, `replaced` (whether another run answers its request by now), `attempts`, `seconds`, `tags`
/// (a list) and `note`, then for a final metric.
#[derive(Debug)]
pub struct Stored<'a> {
    /// What is known of it.
    pub facts: Facts<'a>,
    scope: RunScope,
}

/// Runs of a store, with the parameters that tell those of a sweep apart.
#[derive(Debug)]
pub struct Listing<'a> {
    /// The runs, in order.
    pub runs: Vec<Stored<'a>>,
    /// Of each experiment and sweep the paths of its parameters that vary, in alphabetical order.
    varying: BTreeMap<(&'a str, &'a str), Vec<String>>,
}

/// A name that no run of a listing has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("nothing is called `{name}`{hint}")]
pub struct Unknown {
    /// The name.
    pub name: String,
    hint: String,
}

impl<'a> Stored<'a> {
    fn new(facts: Facts<'a>) -> Self {
        let scope = RunScope::of(facts.params, facts.seed);
        Self { facts, scope }
    }

    /// Its experiment and the sweep that asked for it first.
    pub fn sweep(&self) -> (&'a str, &'a str) {
        (self.facts.experiment, self.facts.sweep)
    }

    /// What a name stands for.
    pub fn value(&self, name: &str) -> Option<Value> {
        let of_run = || {
            let facts = &self.facts;
            Some(match name {
                "run" => facts.run.to_string().into(),
                "experiment" => facts.experiment.into(),
                "sweep" => facts.sweep.into(),
                "state" => facts.status.as_str().into(),
                "replaced" => facts.replaced.into(),
                "attempts" => facts.attempts.into(),
                "seconds" => facts.seconds?.into(),
                "tags" => facts.tags.as_slice().into(),
                "note" => facts.note.into(),
                metric => {
                    let metric = metric.strip_prefix("final.").unwrap_or(metric);
                    (*facts.results.get(metric)?).into()
                }
            })
        };
        self.scope.value(name).or_else(of_run)
    }

    /// All its parameters.
    pub fn params(&self) -> &Value {
        self.scope.params()
    }

    fn names(&self) -> impl Iterator<Item = String> {
        let results = self.facts.results.keys().cloned();
        paths(self.params()).into_iter().chain(FACTS.map(str::to_owned)).chain(results)
    }
}

impl Scope for Stored<'_> {
    fn value(&self, name: &str) -> Option<Value> {
        Self::value(self, name)
    }
}

impl<'a> Listing<'a> {
    /// Of the runs of a store those for which `only` holds, by experiment, sweep, what varies and seed.
    ///
    /// # Errors
    /// A name in `only` that none of the store's runs has.
    pub fn new(
        all: impl IntoIterator<Item = Facts<'a>>,
        only: Option<&Only>,
    ) -> Result<Self, OnlyError> {
        let runs = stored(all, only)?;
        let varying = varying(&runs);
        let mut listing = Self { runs, varying };
        listing.sort_by_key(|listing, run| {
            let values = listing.varying(run).iter().map(|name| Key(run.value(name)));
            (run.sweep(), values.collect::<Vec<_>>(), run.facts.seed)
        });
        Ok(listing)
    }

    /// The paths of the parameters that vary among the runs of a run's sweep, in alphabetical order.
    pub fn varying(&self, run: &Stored<'a>) -> &[String] {
        self.varying.get(&run.sweep()).map_or(&[], Vec::as_slice)
    }

    /// Sorts by what a name stands for, the smallest first or last; runs without it come last.
    ///
    /// # Errors
    /// A name that no run has.
    pub fn sort(&mut self, name: &str, descending: bool) -> Result<(), Unknown> {
        self.know(name)?;
        self.sort_by_key(|_, run| {
            let key = Key(run.value(name));
            (key.0.is_none(), if descending { Err(Reverse(key)) } else { Ok(key) })
        });
        Ok(())
    }

    /// Refuses a name that no run has.
    ///
    /// # Errors
    /// That one.
    pub fn know(&self, name: &str) -> Result<(), Unknown> {
        if self.runs.is_empty() || self.runs.iter().any(|run| run.value(name).is_some()) {
            return Ok(());
        }
        let known: BTreeSet<String> = self.runs.iter().flat_map(Stored::names).collect();
        let hint = hint(name, known.iter().map(String::as_str));
        Err(Unknown { name: name.into(), hint })
    }

    fn sort_by_key<K: Ord>(&mut self, key: impl Fn(&Self, &Stored<'a>) -> K) {
        let keys: Vec<K> = self.runs.iter().map(|run| key(self, run)).collect();
        let mut order: Vec<usize> = (0..keys.len()).collect();
        order.sort_by(|a, b| keys[*a].cmp(&keys[*b]));
        let mut runs: Vec<Option<Stored<'a>>> =
            std::mem::take(&mut self.runs).into_iter().map(Some).collect();
        self.runs = order.into_iter().filter_map(|at| runs[at].take()).collect();
    }
}

/// The runs for which `only` holds.
fn stored<'a>(
    all: impl IntoIterator<Item = Facts<'a>>,
    only: Option<&Only>,
) -> Result<Vec<Stored<'a>>, OnlyError> {
    let mut runs: Vec<Stored<'a>> = all.into_iter().map(Stored::new).collect();
    if let Some(only) = only {
        let is_unknown = |name: &str| runs.iter().all(|run| run.value(name).is_none());
        let mut names = only.names().into_iter();
        if let Some(name) = names.find(|name| !runs.is_empty() && is_unknown(&name.text)) {
            let known: BTreeSet<String> = runs.iter().flat_map(Stored::names).collect();
            return Err(only.unknown(name, known.iter().map(String::as_str)));
        }
        runs.retain(|run| only.holds_in(run));
    }
    Ok(runs)
}

/// The runs of a store for which a condition holds, over names as [`Stored`] has them.
///
/// # Errors
/// A name that none of the store's runs has.
pub fn chosen(fold: &Fold, only: &Only) -> Result<BTreeSet<RunId>, OnlyError> {
    Ok(stored(Facts::of(fold), Some(only))?.iter().map(|run| run.facts.run).collect())
}

/// The parameters that differ between runs of one sweep, by sweep.
fn varying<'a>(runs: &[Stored<'a>]) -> BTreeMap<(&'a str, &'a str), Vec<String>> {
    let mut first = BTreeMap::<(&str, &str), &Stored<'a>>::new();
    let mut varying = BTreeMap::<(&'a str, &'a str), BTreeSet<String>>::new();
    for run in runs {
        let first = *first.entry(run.sweep()).or_insert(run);
        if first.facts.params != run.facts.params {
            let found = varying.entry(run.sweep()).or_default();
            differing(first.params(), run.params(), &mut String::new(), found);
        }
    }
    varying.into_iter().map(|(sweep, names)| (sweep, names.into_iter().collect())).collect()
}

/// The parameters and seeds that differ between two runs, with their values in each.
pub fn differences(runs: [&RunSpec; 2]) -> [BTreeMap<String, Value>; 2] {
    let scopes = runs.map(RunScope::new);
    let mut names = BTreeSet::new();
    differing(scopes[0].params(), scopes[1].params(), &mut String::new(), &mut names);
    if runs[0].seed != runs[1].seed {
        names.insert("seed".into());
    }
    scopes.map(|scope| {
        let value = |name: &String| Some((name.clone(), scope.value(name)?));
        names.iter().filter_map(value).collect()
    })
}

/// The dotted paths of what differs between two values.
fn differing(a: &Value, b: &Value, path: &mut String, found: &mut BTreeSet<String>) {
    if let (Value::Object(fields), Value::Object(others)) = (a, b)
        && free_form::non_finite(a).or(free_form::non_finite(b)).is_none()
    {
        let keys: BTreeSet<&String> = fields.keys().chain(others.keys()).collect();
        for key in keys {
            let end = path.len();
            path.push_str(if end == 0 { "" } else { "." });
            path.push_str(key);
            let [a, b] = [fields, others].map(|fields| fields.get(key).unwrap_or(&Value::Null));
            differing(a, b, path, found);
            path.truncate(end);
        }
    } else if !same(a, b) && !found.contains(path) {
        found.insert(path.clone());
    }
}

/// A value in its order: nothing, null, false, true, numbers, text, anything else by its text.
#[derive(Debug)]
struct Key(Option<Value>);

impl Key {
    fn rank(&self) -> u8 {
        match &self.0 {
            None => 0,
            Some(Value::Null) => 1,
            Some(Value::Bool(_)) => 2,
            Some(value) if free_form::as_number(value).is_some() => 3,
            Some(Value::String(_)) => 4,
            Some(_) => 5,
        }
    }
}

impl Ord for Key {
    fn cmp(&self, other: &Self) -> Ordering {
        let (Some(a), Some(b)) = (&self.0, &other.0) else { return self.rank().cmp(&other.rank()) };
        let within = || match (a, b) {
            (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
            (Value::String(a), Value::String(b)) => a.cmp(b),
            _ if self.rank() == 3 => order(a, b).unwrap_or(Ordering::Equal),
            _ => a.to_string().cmp(&b.to_string()),
        };
        self.rank().cmp(&other.rank()).then_with(within)
    }
}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Key {}

#[cfg(test)]
mod tests {
    use experiment::{Device, SpecId};
    use journal::{Ended, Event, Outcome, Started};
    use serde_json::json;

    use super::*;

    fn spec(name: &str, params: &str, seed: u64) -> RunSpec {
        RunSpec {
            run: RunId::of(&format!("{name} {params} {seed}")),
            spec: SpecId::of(&format!("{params} {seed}")),
            experiment: "toy".into(),
            experiment_version: 1,
            params: params.into(),
            seed,
            sweep: name.into(),
            device: Device::Cpu,
            threads: 1,
            engine: None,
            data: Default::default(),
            needs: Default::default(),
        }
    }

    /// A store of runs of sweep `s`, each with its parameters, its seed and the loss it ended with.
    fn fold(runs: &[(&str, u64, Option<f64>)]) -> Fold {
        let mut fold = Fold::default();
        for (at, (params, seed, loss)) in runs.iter().enumerate() {
            let spec = spec("s", params, *seed);
            let (run, attempt, at) = (spec.run, 1, at as f64);
            fold.apply(
                "w",
                Event::Started(Started { spec, attempt, means: Default::default(), at }),
            );
            let outcome = match loss {
                Some(_) => Outcome::Finished,
                None => Outcome::Failed { error: "no".into() },
            };
            let results = loss.iter().map(|loss| ("loss".to_owned(), *loss)).collect();
            let ended = Ended {
                run,
                attempt,
                outcome,
                cause: None,
                results,
                warnings: Vec::new(),
                seconds: at,
                cpu_seconds: at,
                peak_memory_bytes: 0,
                at,
            };
            fold.apply("w", Event::Ended(ended));
        }
        fold
    }

    fn names(listing: &Listing<'_>) -> Vec<String> {
        let name = |run: &Stored<'_>| {
            let of = |name: &String| format!("{name}={} ", run.value(name).unwrap_or_default());
            let varies: String = listing.varying(run).iter().map(of).collect();
            format!("{varies}{}", run.facts.seed)
        };
        listing.runs.iter().map(name).collect()
    }

    const RUNS: [(&str, u64, Option<f64>); 4] = [
        (r#"{"rate":0.1,"net":{"width":10},"same":1}"#, 1, Some(0.5)),
        (r#"{"rate":0.1,"net":{"width":9},"same":1}"#, 0, None),
        (r#"{"rate":0.1,"net":{"width":10},"same":1}"#, 0, Some(0.75)),
        (r#"{"rate":"auto","net":{"width":9},"same":1}"#, 0, Some(0.25)),
    ];

    #[test]
    fn runs_are_sorted_by_what_varies_numbers_as_numbers() {
        let fold = fold(&RUNS);
        let listing = Listing::new(Facts::of(&fold), None).unwrap();
        let wanted = [
            "net.width=9 rate=0.1 0",
            "net.width=9 rate=\"auto\" 0",
            "net.width=10 rate=0.1 0",
            "net.width=10 rate=0.1 1",
        ];
        assert_eq!(names(&listing), wanted);
    }

    #[test]
    fn conditions_know_parameters_facts_and_metrics() {
        let fold = fold(&RUNS);
        let count = |only: &str| {
            let only = Only::parse(only).unwrap();
            Listing::new(Facts::of(&fold), Some(&only)).map(|listing| listing.runs.len())
        };
        for (only, wanted) in [
            ("state == failed", 1),
            ("loss < 0.6 and final.loss > 0.3", 1),
            ("width == 10 and seed == 0 and sweep == s", 1),
            ("experiment == toy and replaced == false", 4),
            ("seconds >= 2 and attempts == 1", 2),
        ] {
            assert_eq!(count(only), Ok(wanted), "{only}");
        }
        let error = count("stat == failed").unwrap_err().to_string();
        assert!(error.ends_with("nothing is called `stat`; did you mean `state`?"), "{error}");
    }

    #[test]
    fn what_has_no_value_comes_last_either_way() {
        let fold = fold(&RUNS);
        let mut listing = Listing::new(Facts::of(&fold), None).unwrap();
        let losses = |listing: &Listing<'_>| -> Vec<Option<Value>> {
            listing.runs.iter().map(|run| run.value("loss")).collect()
        };
        let some = |loss: f64| Some(json!(loss));
        listing.sort("loss", false).unwrap();
        assert_eq!(losses(&listing), [some(0.25), some(0.5), some(0.75), None]);
        listing.sort("loss", true).unwrap();
        assert_eq!(losses(&listing), [some(0.75), some(0.5), some(0.25), None]);
        let unknown = listing.sort("los", true).unwrap_err().to_string();
        assert_eq!(unknown, "nothing is called `los`; did you mean `loss`?");
    }
}
