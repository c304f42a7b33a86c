//! Words of the command line with places for what differs between runs.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};

use experiment::ParamError;

use crate::python;

/// A word in which `{name}` stands for something of the run. A name is letters, digits, `_`, `-` and
/// dots, so that JSON and most code in braces is left alone; so is `${name}`, which is the shell's.
/// `{{name}}` is `{name}` itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Word(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Place(String),
}

/// Places that every run has.
pub(crate) const PLACES: [&str; 9] =
    ["seed", "threads", "run", "folder", "params", "checkpoint", "here", PYTHON, CONFIG];

/// The interpreter of Python.
pub(crate) const PYTHON: &str = "python";

/// The program's own configuration.
pub(crate) const CONFIG: &str = "config";

/// What places below `values` begin with.
const VALUES: &str = "values.";

/// What places of folders of data sets begin with.
pub(crate) const DATA: &str = "data.";

/// What places begin with that are about runs which the run builds on.
const NEEDS: &str = "needs.";

/// Something of a run that is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OfNeeded<'a> {
    /// The path of a file that it published.
    Artifact(&'a str),
    /// The folder of these files.
    Artifacts,
    /// A final metric.
    Metric(&'a str),
    /// A parameter.
    Param(&'a str),
    Run,
    Seed,
}

/// The name of the needed run that a place is about, and what of it.
pub(crate) fn of_needed(place: &str) -> Option<(&str, OfNeeded<'_>)> {
    let (name, what) = place.strip_prefix(NEEDS)?.split_once('.')?;
    let what = match what.split_once('.') {
        None => match what {
            "artifacts" => OfNeeded::Artifacts,
            "run" => OfNeeded::Run,
            "seed" => OfNeeded::Seed,
            _ => return None,
        },
        Some((_, "")) => return None,
        Some(("artifact", file)) => OfNeeded::Artifact(file),
        Some(("metric", metric)) => OfNeeded::Metric(metric),
        Some(("params", path)) => OfNeeded::Param(path),
        Some(_) => return None,
    };
    Some((name, what))
}

impl Word {
    /// Reads a word; `values` are the texts that there are by dotted name, `data` the data sets.
    pub(crate) fn parse(
        word: &str,
        values: &BTreeMap<String, String>,
        data: &[String],
    ) -> Result<Self, ParamError> {
        let (mut parts, mut text, mut rest) = (Vec::new(), String::new(), word);
        while let Some(at) = rest.find('{') {
            text.push_str(&rest[..at]);
            rest = &rest[at..];
            let inner = rest.trim_start_matches('{');
            let (open, name) = (rest.len() - inner.len(), name_of(inner));
            let close = inner[name.len()..].chars().take_while(|c| *c == '}').count();
            let taken = open + name.len() + close;
            match (open, close) {
                (1, 1..) if !name.is_empty() && !text.ends_with('$') => {
                    known(name, values, data)?;
                    parts.extend([Part::Text(std::mem::take(&mut text)), Part::Place(name.into())]);
                    text.push_str(&"}".repeat(close - 1));
                }
                (2.., 2..) if !name.is_empty() => text.push_str(&rest[1..taken - 1]),
                _ => text.push_str(&rest[..taken]),
            }
            rest = &rest[taken..];
        }
        text.push_str(rest);
        parts.push(Part::Text(text));
        parts.retain(|part| *part != Part::Text(String::new()));
        Ok(Self(parts))
    }

    /// The places in it.
    pub(crate) fn places(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|part| match part {
            Part::Place(name) => Some(name.as_str()),
            Part::Text(_) => None,
        })
    }

    /// The names of values in it.
    pub(crate) fn values(&self) -> impl Iterator<Item = &str> {
        self.places().filter_map(|place| place.strip_prefix(VALUES))
    }

    /// The word, if it is the same in every run of these values on this machine.
    pub(crate) fn known(&self, values: &BTreeMap<String, String>) -> Option<String> {
        let text = |part: &Part| match part {
            Part::Text(text) => Some(text.clone()),
            Part::Place(name) if name == PYTHON => Some(python::interpreter().into()),
            Part::Place(name) => values.get(name.strip_prefix(VALUES)?).cloned(),
        };
        self.0.iter().map(text).collect()
    }

    /// The word with every place filled.
    pub(crate) fn fill<E>(&self, of: impl Fn(&str) -> Result<OsString, E>) -> Result<OsString, E> {
        let mut word = OsString::new();
        for part in &self.0 {
            match part {
                Part::Text(text) => word.push(OsStr::new(text)),
                Part::Place(name) => word.push(of(name)?),
            }
        }
        Ok(word)
    }
}

/// The name that a text begins with.
fn name_of(text: &str) -> &str {
    let fits = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
    let end = text.find(|c| !fits(c)).unwrap_or(text.len());
    let name = &text[..end];
    if name.starts_with(|c: char| c.is_alphabetic() || c == '_') { name } else { "" }
}

fn known(name: &str, values: &BTreeMap<String, String>, data: &[String]) -> Result<(), ParamError> {
    let is_value = || name.strip_prefix(VALUES).is_some_and(|v| values.contains_key(v));
    if PLACES.contains(&name) || is_value() || of_needed(name).is_some() {
        return Ok(());
    }
    if let Some(set) = name.strip_prefix(DATA) {
        let known = data.iter().any(|data| data == set);
        let wanted = format!("a data set that `data` lists ({})", data.join(", "));
        return ParamError::check(known, "program", &wanted, format!("{{{name}}}"));
    }
    if name.starts_with(NEEDS) {
        let wanted = "{needs.NAME.artifact.FILE}, {needs.NAME.artifacts}, {needs.NAME.metric.METRIC}, \
                      {needs.NAME.params.PATH}, {needs.NAME.run} or {needs.NAME.seed}";
        return ParamError::check(false, "program", wanted, format!("{{{name}}}"));
    }
    let all = || {
        PLACES.iter().map(ToString::to_string).chain(values.keys().map(|v| format!("{VALUES}{v}")))
    };
    let near = |known: &String| strsim::damerau_levenshtein(known, name);
    let nearest = all()
        .filter(|known| {
            near(known) <= 1 + name.chars().count() / 3 || *known == format!("{VALUES}{name}")
        })
        .min_by_key(|known| if *known == format!("{VALUES}{name}") { 0 } else { near(known) });
    let hint = nearest.map_or(String::new(), |nearest| format!(" (did you mean {{{nearest}}}?)"));
    let all: Vec<String> = all().map(|known| format!("{{{known}}}")).collect();
    let wanted = format!("{}; or {{{{{name}}}}} for these letters themselves", all.join(", "));
    ParamError::check(false, "program", &wanted, format!("{{{name}}}{hint}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(word: &str) -> Result<String, String> {
        let values = BTreeMap::from([("lr".to_owned(), "0.1".to_owned())]);
        let word =
            Word::parse(word, &values, &["words".into()]).map_err(|error| error.to_string())?;
        let of = |name: &str| match name {
            "values.lr" => "0.1".into(),
            other => other.to_uppercase().into(),
        };
        let filled = word.fill(|name| Ok::<_, std::convert::Infallible>(of(name)));
        let Ok(filled) = filled;
        Ok(filled.into_string().unwrap())
    }

    #[test]
    fn places_are_filled() {
        assert_eq!(fill("{seed}"), Ok("SEED".into()));
        assert_eq!(fill("--out={folder}/x-{run}.json"), Ok("--out=FOLDER/x-RUN.json".into()));
        assert_eq!(fill("{values.lr}{values.lr}"), Ok("0.10.1".into()));
        assert_eq!(fill("{{\"seed\": {seed}}}"), Ok("{{\"seed\": SEED}}".into()));
        assert_eq!(fill("{data.words}/a"), Ok("DATA.WORDS/a".into()));
        let error = fill("{data.word}").unwrap_err();
        assert!(error.contains("wanted a data set that `data` lists (words)"), "{error}");
    }

    #[test]
    fn what_is_no_place_is_left_as_it_is() {
        for word in [
            "",
            "{}",
            "{ seed }",
            "{seed",
            "echo \"{\\\"final\\\": {\\\"n\\\": 1}}\" >&3",
            "${seed} ${X:-{}} $#",
            "a{1,2}",
            "BEGIN { print 1 }",
            "{\"a\": {}}",
        ] {
            assert_eq!(fill(word), Ok(word.into()));
        }
        assert_eq!(fill("{{seed}}"), Ok("{seed}".into()));
        assert_eq!(fill("f'{{x}} {{{y}}}'"), Ok("f'{x} {{y}}'".into()));
    }

    #[test]
    fn places_of_needed_runs_say_what_of_them() {
        for (place, wanted) in [
            ("needs.t.artifact.model.bin", Some(("t", OfNeeded::Artifact("model.bin")))),
            ("needs.t.artifacts", Some(("t", OfNeeded::Artifacts))),
            ("needs.t.metric.test.loss", Some(("t", OfNeeded::Metric("test.loss")))),
            ("needs.t.params.values.lr", Some(("t", OfNeeded::Param("values.lr")))),
            ("needs.t.run", Some(("t", OfNeeded::Run))),
            ("needs.t.seed", Some(("t", OfNeeded::Seed))),
            ("needs.t", None),
            ("needs.t.model", None),
            ("needs.t.artifact.", None),
            ("values.t.run", None),
        ] {
            assert_eq!(of_needed(place), wanted, "{place}");
        }
        assert_eq!(fill("x={needs.t.seed}"), Ok("x=NEEDS.T.SEED".into()));
        let error = fill("{needs.t.model}").unwrap_err();
        assert!(error.contains("wanted {needs.NAME.artifact.FILE}, "), "{error}");
        assert!(error.ends_with("found {needs.t.model}"), "{error}");
    }

    #[test]
    fn an_unknown_place_is_told_the_nearest() {
        let error = fill("{sed}").unwrap_err();
        assert!(
            error.starts_with("program: wanted {seed}, {threads}, {run}, {folder}, "),
            "{error}"
        );
        assert!(error.contains("{values.lr}; or {{sed}} for these letters"), "{error}");
        assert!(error.ends_with("found {sed} (did you mean {seed}?)"), "{error}");
        let error = fill("{lr}").unwrap_err();
        assert!(error.ends_with("found {lr} (did you mean {values.lr}?)"), "{error}");
        assert!(fill("{nothing.like.it}").unwrap_err().ends_with("found {nothing.like.it}"));
    }
}
