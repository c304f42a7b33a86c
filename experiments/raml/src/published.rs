//! What the paper printed.

use experiment::PublishedTable;

/// A table of `results/published`.
macro_rules! table {
    ($name:literal) => {
        PublishedTable { name: $name, csv: include_str!(concat!("../published/", $name, ".csv")) }
    };
}

pub(crate) const TABLES: &[PublishedTable] =
    &[table!("timit"), table!("wmt14"), table!("iwslt14"), table!("edits"), table!("mean-edits")];
