//! Which runs a table shows.

use super::{Plan, PlannedRun, scope::RunScope};
use crate::config::Table;

impl Plan {
    /// The runs that a table shows.
    pub fn shown_by(&self, table: &Table) -> Vec<&PlannedRun> {
        let is_shown = |run: &&PlannedRun| {
            table.only.as_ref().is_none_or(|only| only.holds_in(&RunScope::new(&run.spec)))
        };
        self.runs.iter().filter(is_shown).collect()
    }
}
