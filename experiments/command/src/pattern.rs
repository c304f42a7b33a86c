use std::collections::BTreeMap;

use experiment::ParamError;
use regex::Regex;

use crate::Params;
use crate::message::Message;

/// The regular expressions of standard output, and how often each metric was seen.
#[derive(Debug, Clone)]
pub(crate) struct Patterns {
    /// With the metric, unless a group has it.
    all: Vec<(Option<String>, Regex)>,
    seen: BTreeMap<String, u64>,
}

impl Patterns {
    pub(crate) fn new(params: &Params) -> Result<Self, ParamError> {
        let mut all = Vec::new();
        for (metric, text) in &params.metrics {
            let path = format!("metrics.{metric}");
            let regex = compile(&path, text)?;
            let valued = has(&regex, "value") || regex.captures_len() == 2;
            ParamError::check(valued, &path, "one group, or one named `value`", text)?;
            all.push((Some(metric.clone()), regex));
        }
        if !params.pattern.is_empty() {
            let regex = compile("pattern", &params.pattern)?;
            let named = has(&regex, "metric") && has(&regex, "value");
            let wanted = "groups named `metric` and `value`";
            ParamError::check(named, "pattern", wanted, &params.pattern)?;
            all.push((None, regex));
        }
        Ok(Self { all, seen: BTreeMap::new() })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// What a line says; without a step, a value's step is how many there were of its metric.
    pub(crate) fn read(&mut self, line: &str) -> Result<Vec<Message>, String> {
        let mut found = Vec::new();
        for (metric, regex) in &self.all {
            for groups in regex.captures_iter(line) {
                let group = |name| groups.name(name).map(|group| group.as_str());
                let Some(value) = group("value").or_else(|| groups.get(1).map(|g| g.as_str()))
                else {
                    continue;
                };
                let Some(metric) = metric.as_deref().or_else(|| group("metric")) else {
                    continue;
                };
                let wrong = |what, found| {
                    format!("standard output: {what} of {metric}: wanted a number, found {found:?}")
                };
                let value: f64 = value.trim().parse().map_err(|_| wrong("value", value))?;
                let seen = self.seen.entry(metric.into()).or_default();
                *seen += 1;
                let step = match group("step") {
                    Some(text) => text.trim().parse().map_err(|_| wrong("step", text))?,
                    None => *seen,
                };
                found.push(Message::Last { step, metric: metric.into(), value });
            }
        }
        Ok(found)
    }
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
