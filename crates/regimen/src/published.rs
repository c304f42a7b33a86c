//! Finds the published numbers that a table is compared with.

use std::path::Path;

use anyhow::Result;
use tables::{Library, Published};

use crate::registry;
use crate::terminal::say;

/// Published tables beside a configuration, in a store, and those of the papers this binary ships.
pub(crate) fn library(configuration: Option<&Path>, store: &Path) -> Library {
    let mut library = Library::new(configuration, store);
    for entry in registry::entries() {
        for table in entry.published {
            library.ship(entry.name, table.name, table.csv);
        }
    }
    library
}

/// The table of a name. Our own numbers are worth showing without it, so that a table that is not there
/// is said and nothing else.
pub(crate) fn find(library: &Library, name: Option<&str>) -> Option<Published> {
    let found: Result<Published, tables::Error> = library.find(name?);
    found.map_err(|error| say(&format!("warning: {error}"))).ok()
}
