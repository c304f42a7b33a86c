//! What others printed about the cost of the method; the paper has no numbers.

use experiment::PublishedTable;

/// A table of `results/published`.
macro_rules! table {
    ($name:literal) => {
        PublishedTable { name: $name, csv: include_str!(concat!("../published/", $name, ".csv")) }
    };
}

pub(crate) const TABLES: &[PublishedTable] =
    &[table!("cost"), table!("neural-style"), table!("neural-style-memory"), table!("reports")];
