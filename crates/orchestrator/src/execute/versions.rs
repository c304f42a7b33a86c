//! The versions that decide what a run comes to, and how it is recorded.

use std::collections::BTreeMap;

use experiment::Entry;
use journal::RunSpec;
use serde::{Deserialize, Serialize};

/// Versions of a program, or those that runs were planned with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Versions {
    /// Format of journals.
    journal: u32,
    /// Numeric version of the engine, where it is known.
    engine: Option<u32>,
    /// Versions of experiments by their names.
    experiments: BTreeMap<String, u32>,
}

impl Versions {
    /// Of a program.
    pub(crate) fn of_program(entries: &[Entry], engine: Option<u32>) -> Self {
        let experiments = entries.iter().map(|entry| (entry.name.to_owned(), entry.version));
        Self { journal: journal::FORMAT, engine, experiments: experiments.collect() }
    }

    /// Of runs that this program planned.
    pub(crate) fn of_runs<'a>(runs: impl IntoIterator<Item = &'a RunSpec>) -> Self {
        let mut versions =
            Self { journal: journal::FORMAT, engine: None, experiments: BTreeMap::new() };
        for spec in runs {
            versions.engine = versions.engine.max(spec.engine);
            if versions.experiments.get(&spec.experiment) != Some(&spec.experiment_version) {
                versions.experiments.insert(spec.experiment.clone(), spec.experiment_version);
            }
        }
        versions
    }

    /// Why a program of these versions must not execute what was planned with others, in words.
    pub(crate) fn refuse(&self, planned: &Self) -> Option<String> {
        let mut differ = Vec::new();
        if planned.journal != self.journal {
            differ.push(format!("journal format {} (here {})", planned.journal, self.journal));
        }
        if let (Some(wanted), Some(found)) = (planned.engine, self.engine)
            && wanted != found
        {
            differ.push(format!("engine {wanted} (here {found})"));
        }
        for (name, wanted) in &planned.experiments {
            match self.experiments.get(name) {
                Some(found) if found == wanted => {}
                Some(found) => differ.push(format!("{name} version {wanted} (here {found})")),
                None => differ.push(format!("{name} version {wanted} (here none)")),
            }
        }
        (!differ.is_empty()).then(|| differ.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_planned_with_other_versions_is_refused_by_name() {
        let versions = |journal, engine, experiments: &[(&str, u32)]| {
            let experiments = experiments.iter().map(|(name, v)| ((*name).into(), *v)).collect();
            Versions { journal, engine, experiments }
        };
        let here = versions(1, Some(4), &[("a", 1), ("b", 2)]);
        assert_eq!(here.refuse(&versions(1, Some(4), &[("b", 2)])), None);
        assert_eq!(here.refuse(&versions(1, None, &[])), None);
        assert_eq!(
            here.refuse(&versions(2, Some(5), &[("a", 1), ("b", 3), ("c", 1)])).unwrap(),
            "journal format 2 (here 1), engine 5 (here 4), b version 3 (here 2), c version 1 \
             (here none)"
        );
    }
}
