//! Mistakes while a configuration is read.

use super::{ConfigError, ConfigErrors};

/// Mistakes while a configuration is read, and what only looks like one.
#[derive(Debug, Clone, Default)]
pub(crate) struct Faults {
    errors: Vec<ConfigError>,
    warnings: Vec<ConfigError>,
}

/// Mistakes that are kept; nobody reads more.
const MOST_FAULTS: usize = 100;

impl Faults {
    pub(crate) fn is_empty(&self) -> bool {
        self.errors.is_empty()
    }

    pub(crate) fn count(&self) -> usize {
        self.errors.len()
    }

    /// Keeps a mistake, unless it is known or there are too many.
    pub(crate) fn add(&mut self, error: ConfigError) {
        if self.errors.len() < MOST_FAULTS && !self.errors.contains(&error) {
            self.errors.push(error);
        }
    }

    /// Keeps a mistake, unless there is one at its place.
    pub(crate) fn add_first(&mut self, error: ConfigError) {
        if !self.errors.iter().any(|known| known.location == error.location) {
            self.add(error);
        }
    }

    /// Keeps what may be a mistake.
    pub(crate) fn warn(&mut self, warning: ConfigError) {
        if self.warnings.len() < MOST_FAULTS && !self.warnings.contains(&warning) {
            self.warnings.push(warning);
        }
    }

    /// What may be a mistake.
    pub(crate) fn take_warnings(&mut self) -> Vec<ConfigError> {
        std::mem::take(&mut self.warnings)
    }

    /// The value, or nothing and the mistake kept.
    pub(crate) fn keep<T>(&mut self, result: Result<T, ConfigError>) -> Option<T> {
        result.map_err(|error| self.add(error)).ok()
    }

    /// `value` where there is no mistake.
    pub(crate) fn none_or<T>(self, value: T) -> Result<T, ConfigErrors> {
        match ConfigErrors::sorted(self.errors) {
            None => Ok(value),
            Some(errors) => Err(errors),
        }
    }
}
