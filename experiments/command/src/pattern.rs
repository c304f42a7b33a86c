//! Finds metric values in a program's output by regular expressions.

use experiment::ParamError;
use regex::Regex;

use crate::Params;
use crate::screen::{End, Reader};

/// How much of a piece of text is kept to be searched.
pub(crate) const WINDOW: usize = 1 << 16;
/// How much of that a match may reach into and still grow.
const GROWING: usize = 1 << 12;

/// A value that a pattern found.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Found {
    pub(crate) metric: String,
    /// `None` without a group `step`.
    pub(crate) step: Option<u64>,
    pub(crate) value: f64,
}

/// One regular expression.
#[derive(Debug, Clone)]
struct Pattern {
    /// Unless a group has it.
    metric: Option<String>,
    regex: Regex,
}

/// The regular expressions of a program's output.
#[derive(Debug, Clone)]
pub(crate) struct Patterns(Vec<Pattern>);

impl Patterns {
    pub(crate) fn new(params: &Params) -> Result<Self, ParamError> {
        let mut all = Vec::new();
        for (metric, reported) in &params.metrics {
            let Some(text) = &reported.pattern else { continue };
            let path = format!("metrics.{metric}");
            let regex = compile(&path, text)?;
            let valued = has(&regex, "value") || regex.captures_len() == 2;
            ParamError::check(valued, &path, "one group, or one named `value`", text)?;
            all.push(Pattern { metric: Some(metric.clone()), regex });
        }
        if !params.pattern.is_empty() {
            let regex = compile("pattern", &params.pattern)?;
            let named = has(&regex, "metric") && has(&regex, "value");
            let wanted = "groups named `metric` and `value`";
            ParamError::check(named, "pattern", wanted, &params.pattern)?;
            all.push(Pattern { metric: None, regex });
        }
        Ok(Self(all))
    }

    /// Says everything that is found in `text`, each pattern going on from its own place, before it
    /// reaches into `growing`: what reaches there may become another value with what follows.
    fn search(&self, text: &str, starts: &mut [usize], growing: usize, said: &mut Said) {
        for (Pattern { metric, regex }, start) in self.0.iter().zip(starts) {
            loop {
                let groups = regex.captures_at(text, *start);
                let whole = groups.as_ref().and_then(|groups| groups.get(0));
                let (Some(groups), Some(whole)) = (&groups, whole) else {
                    *start = growing.max(*start);
                    break;
                };
                if whole.end() > growing {
                    *start = whole.start();
                    break;
                }
                let group = |name| groups.name(name).map(|group| group.as_str());
                let value = group("value").or_else(|| groups.get(1).map(|g| g.as_str()));
                let metric = metric.as_deref().or_else(|| group("metric"));
                if let (Some(metric), Some(value)) = (metric, value) {
                    said.push(read(metric, group("step"), value), whole.as_str());
                }
                *start = whole.end();
                if whole.is_empty() {
                    let Some(next) = text[*start..].chars().next() else { break };
                    *start += next.len_utf8();
                }
            }
        }
    }
}

/// The value of a metric, from the texts of its groups.
fn read(metric: &str, step: Option<&str>, value: &str) -> Result<Found, String> {
    let wrong = |what: &str, wanted, found: &str| {
        let found: String = found.chars().take(80).collect();
        format!("{what}: wanted {wanted}, found {found}")
    };
    let number = value.trim().parse().map_err(|_| wrong(metric, "a number", value))?;
    let step = step.map(|text| {
        let wrong = || wrong(&format!("step of {metric}"), "a whole number", text);
        text.trim().parse().map_err(|_| wrong())
    });
    Ok(Found { metric: metric.into(), step: step.transpose()?, value: number })
}

fn has(regex: &Regex, group: &str) -> bool {
    regex.capture_names().flatten().any(|name| name == group)
}

fn compile(path: &str, text: &str) -> Result<Regex, ParamError> {
    Regex::new(text).map_err(|error| {
        let found = format!("{text:?} ({})", error.to_string().replace('\n', " "));
        ParamError::new(path, "a regular expression", found)
    })
}

/// What was found in a stream, or was no number, each with the text that said so.
#[derive(Debug, Default)]
struct Said(Vec<Result<Found, (String, String)>>);

impl Said {
    fn push(&mut self, found: Result<Found, String>, text: &str) {
        self.0.push(found.map_err(|why| (why, text.chars().take(200).collect())));
    }
}

/// Searches one stream.
#[derive(Debug)]
pub(crate) struct Search {
    patterns: Patterns,
    /// Where each pattern goes on in the present piece.
    starts: Vec<usize>,
    said: Said,
    /// How many pieces there were.
    pub(crate) pieces: u64,
}

impl Search {
    pub(crate) fn new(patterns: Patterns) -> Self {
        let starts = vec![0; patterns.0.len()];
        Self { patterns, starts, said: Said::default(), pieces: 0 }
    }

    /// Whether there is nothing to search for.
    pub(crate) fn is_idle(&self) -> bool {
        self.patterns.0.is_empty()
    }

    /// What was found since it was asked last.
    pub(crate) fn take(&mut self) -> Vec<Result<Found, (String, String)>> {
        std::mem::take(&mut self.said.0)
    }
}

impl Reader for Search {
    fn read(&mut self, text: &mut String, end: End) {
        if end != End::Not {
            self.pieces += u64::from(!text.is_empty());
            self.patterns.search(text, &mut self.starts, text.len(), &mut self.said);
            self.starts.fill(0);
            return;
        }
        let growing = text.floor_char_boundary(text.len().saturating_sub(GROWING));
        self.patterns.search(text, &mut self.starts, growing, &mut self.said);
        for start in &mut self.starts {
            // A match that began long ago may go on for ever.
            if *start < text.len() / 2 {
                *start = growing;
            }
        }
        let first = self.starts.iter().copied().min().unwrap_or(growing);
        // The character before stays, so that `^` and `\b` see that the piece began earlier.
        let kept = text.floor_char_boundary(first.saturating_sub(1));
        text.drain(..kept);
        self.starts.iter_mut().for_each(|start| *start -= kept);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::screen::Screen;

    fn search(metrics: &[(&str, &str)], bytes: &[u8], portion: usize) -> Vec<(String, f64)> {
        let metrics: BTreeMap<String, _> = metrics
            .iter()
            .map(|(metric, pattern)| ((*metric).to_owned(), (*pattern).into()))
            .collect();
        let params = Params { metrics, ..Params::default() };
        let mut search = Search::new(Patterns::new(&params).unwrap());
        let mut screen = Screen::new(WINDOW);
        bytes.chunks(portion).for_each(|bytes| screen.write(bytes, &mut search));
        screen.close(&mut search);
        let found = search.take().into_iter().map(|found| found.unwrap());
        found.map(|found| (found.metric, found.value)).collect()
    }

    #[test]
    fn a_piece_of_any_length_loses_no_value_and_tells_none_twice() {
        let mut text = String::new();
        for number in 0..20_000 {
            text.push_str(&format!("{number}/20000 - loss: 0.{number:05} - "));
        }
        text.push_str("acc: 0.8125\n");
        let metrics = [("acc", "acc: ([0-9.]+)"), ("loss", "loss: ([0-9.]+)")];
        for portion in [1000, 65536, text.len()] {
            let found = search(&metrics, text.as_bytes(), portion);
            let losses: Vec<f64> =
                found.iter().filter(|(metric, _)| metric == "loss").map(|found| found.1).collect();
            let wanted: Vec<f64> = (0..20_000).map(|number| f64::from(number) / 1e5).collect();
            assert_eq!(losses, wanted);
            assert!(found.contains(&("acc".into(), 0.8125)));
        }
    }

    #[test]
    fn where_a_piece_begins_is_known_in_the_middle_of_it() {
        let text = format!("n 1 {}n 2 {}n 3\nn 4", "x ".repeat(40_000), "é ".repeat(40_000));
        let found = search(&[("n", "^n ([0-9])")], text.as_bytes(), 777);
        assert_eq!(found, [("n".to_owned(), 1.0), ("n".to_owned(), 4.0)]);
        // A pattern that would match all of it is no reason to keep all of it.
        let found = search(&[("n", "n (\\d)(?:.*)$"), ("m", "n (3)")], text.as_bytes(), 777);
        assert_eq!(found.last(), Some(&("n".to_owned(), 4.0)));
        assert!(found.contains(&("m".to_owned(), 3.0)));
    }

    proptest! {
        /// However lines are long, cut and ended, the values are those of the same lines alone.
        #[test]
        fn values_do_not_depend_on_where_bytes_are_cut(
            gaps in prop::collection::vec((0_usize..30_000, any::<bool>()), 1..12),
            portion in 1_usize..70_000,
        ) {
            let mut text = String::new();
            for (number, (gap, ends)) in gaps.iter().enumerate() {
                text.push_str(&"-".repeat(*gap));
                text.push_str(&format!(" v={number}"));
                text.push_str(if *ends { "\r" } else { " " });
            }
            let found = search(&[("v", r"\bv=(\d+)")], text.as_bytes(), portion);
            let values: Vec<usize> = found.iter().map(|found| found.1 as usize).collect();
            prop_assert_eq!(values, (0..gaps.len()).collect::<Vec<_>>());
        }
    }
}
