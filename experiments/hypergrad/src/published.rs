//! What the paper printed.

use experiment::PublishedTable;

/// A table of `results/published`.
macro_rules! table {
    ($name:literal) => {
        PublishedTable { name: $name, csv: include_str!(concat!("../published/", $name, ".csv")) }
    };
}

pub(crate) const TABLES: &[PublishedTable] = &[
    table!("bayesian-optimization"),
    table!("chaos"),
    table!("elementary"),
    table!("final"),
    table!("illustration"),
    table!("init-scales"),
    table!("learning-rates"),
    table!("omniglot"),
    table!("omniglot-printed"),
    table!("regularization"),
    table!("reversal"),
    table!("schedules"),
    table!("schedules-final"),
    table!("storage"),
    table!("training-data"),
];
