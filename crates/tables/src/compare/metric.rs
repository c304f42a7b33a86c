//! Which column a metric is, and why there may be none.

use std::collections::BTreeSet;

use super::Counts;
use crate::{
    Cell, Error, Runs,
    columns::{FINAL, PARAMS, RUN_ID, STATUS},
    read::bare,
    report::survey::{METRIC, batches},
};

/// The full name of the column of a metric among all runs of an experiment.
///
/// # Errors
/// [`Error::Nothing`] where none of the `selected` runs could have it, or they recorded it by step
/// only; [`Error::Unknown`] or [`Error::Ambiguous`] for a wrong name.
pub(super) fn resolve(
    all: &Runs,
    selected: &Runs,
    name: &str,
    left_out: Counts,
) -> Result<String, Error> {
    // A metric may be called as a column of every run table is: `error`.
    let [full, parameter] = [FINAL, PARAMS].map(|first| format!("{first}{name}"));
    if all.columns().any(|column| column == full) && all.columns().all(|c| c != parameter) {
        return Ok(full);
    }
    match all.resolve(name) {
        Err(Error::Unknown { .. }) => {}
        resolved => return resolved,
    }
    let counts = without(selected, left_out)?;
    let by_step = by_step(selected, bare(name), &counts)?;
    if counts.without_value == 0 || by_step > 0 {
        return Err(nobody_has(selected, bare(name), &counts, by_step));
    }
    let finals = all.columns().filter(|column| column.starts_with(FINAL));
    Err(Error::unknown("final metric", name, finals.map(|full| bare(full).to_owned()).collect()))
}

/// Why a table of no particular metric shows nothing; `asked` runs were asked for, where that is known.
///
/// # Errors
/// [`Error::Unknown`] for a table without the columns of every run table.
pub fn no_metric(runs: &Runs, asked: Option<usize>) -> Result<Error, Error> {
    let missing = asked.map_or(0, |asked| asked.saturating_sub(runs.len()));
    Ok(nobody_has(runs, "metric", &without(runs, Counts { missing, ..Counts::default() })?, 0))
}

/// What became of runs of which none has a metric.
fn without(runs: &Runs, left_out: Counts) -> Result<Counts, Error> {
    let mut counts = left_out;
    for status in runs.cells(STATUS)? {
        match status.to_string().as_str() {
            "finished" => counts.without_value += 1,
            "failed" => counts.failed += 1,
            "blocked" => counts.blocked += 1,
            "pruned" => counts.pruned += 1,
            _ => counts.unfinished += 1,
        }
    }
    Ok(counts)
}

/// That no run has a metric, with what became of the runs; `by_step` values of it were recorded.
pub(super) fn nobody_has(runs: &Runs, metric: &str, counts: &Counts, by_step: usize) -> Error {
    let mut others = counts.others("finished without it");
    if others.is_empty() {
        others.push("there is no run of it".into());
    }
    let mut why =
        format!("no run of {} has a final {metric}: {}", runs.experiment(), others.join(", "));
    if by_step > 0 {
        why.push_str(&format!(
            "; it was recorded by step only ({by_step} values), and tables show what runs report \
             as final"
        ));
    } else if counts.failed > 0 {
        why.push_str("; `regimen plan` says why runs failed");
    }
    Error::Nothing(why)
}

/// How many values of a metric the runs that finished without it recorded by step.
pub(super) fn by_step(runs: &Runs, metric: &str, counts: &Counts) -> Result<usize, Error> {
    if counts.without_value == 0 {
        return Ok(0);
    }
    let ids: BTreeSet<String> = runs.cells(RUN_ID)?.iter().map(Cell::to_string).collect();
    let mut values = 0;
    batches(&runs.folder().join("metrics"), &[RUN_ID, METRIC], &mut |frame| {
        let rows = frame.column(RUN_ID)?.str()?.iter().zip(frame.column(METRIC)?.str()?.iter());
        let of_ours = |(run, found): &(Option<&str>, Option<&str>)| {
            *found == Some(metric) && run.is_some_and(|run| ids.contains(run))
        };
        values += rows.filter(of_ours).count();
        Ok(())
    })?;
    Ok(values)
}

impl Runs {
    /// Whether runs failed and none finished.
    ///
    /// # Errors
    /// [`Error::Unknown`] for a table without the columns of every run table.
    pub fn only_failed(&self) -> Result<bool, Error> {
        let statuses = self.cells(STATUS)?;
        let is = |status: &str| statuses.iter().any(|cell| cell.to_string() == status);
        Ok((is("failed") || is("blocked")) && !is("finished"))
    }
}

impl Counts {
    /// What became of the runs that do not count, in words.
    pub(super) fn others(&self, without_value: &str) -> Vec<String> {
        let kinds = [
            (self.failed, "failed"),
            (self.blocked, "blocked by a run that they need"),
            (self.unfinished, "not finished yet"),
            (self.pruned, "pruned by a search"),
            (self.without_value, without_value),
            (self.superseded, "replaced by other versions, code or data"),
            (self.missing, "not in the store"),
        ];
        let some = kinds.iter().filter(|(number, _)| *number > 0);
        some.map(|(number, what)| format!("{number} {what}")).collect()
    }

    /// Whether `plan` has more to say about some of them.
    pub(super) fn can_be_run(&self) -> bool {
        self.failed + self.unfinished + self.missing > 0
    }
}
