//! Which runs a table shows.

use super::{OnlyError, Plan, PlannedRun};
use crate::config::{Config, ConfigError, Content, Path, Table};

impl Plan {
    /// The runs that a table shows.
    ///
    /// # Errors
    /// A name of its condition that is no parameter of a run.
    pub fn shown_by(&self, table: &Table) -> Result<Vec<&PlannedRun>, OnlyError> {
        let Some(only) = &table.only else { return Ok(self.runs.iter().collect()) };
        let mut shown = Vec::new();
        for run in &self.runs {
            if only.holds(&run.spec)? {
                shown.push(run);
            }
        }
        Ok(shown)
    }

    /// Checks the conditions of its tables.
    pub(super) fn check_tables(&self, config: &Config) -> Result<(), ConfigError> {
        for (at, table) in self.tables.iter().enumerate() {
            self.shown_by(table).map_err(|error| {
                let root = config.root();
                let node = root.get("table");
                let item = match node.map(|node| &node.content) {
                    Some(Content::Seq(items)) => items.get(at),
                    _ => node,
                };
                let span = item.and_then(|table| table.get("where")).unwrap_or(root);
                ConfigError::new(&span.span, Path::from_iter(["table", "where"]), error.detail())
            })?;
        }
        Ok(())
    }
}
