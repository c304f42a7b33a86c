//! Of which kinds the processors are that runs were computed on: bits are promised for one kind.
//!
//! A kind is what the journal says of BLAS: its version, and the core whose kernels it runs.

use std::collections::{BTreeMap, BTreeSet};

use crate::{Cell, Runs};

/// The column that names the kind of a run's processor.
const KIND: &str = "blas";

/// How many of some rows were computed on each kind of processor; nothing of rows that do not say.
pub(crate) fn kinds(runs: &Runs, rows: impl Iterator<Item = usize>) -> BTreeMap<String, usize> {
    let mut kinds = BTreeMap::new();
    // Tables of other versions may lack the column.
    let Ok(cells) = runs.cells(KIND) else { return kinds };
    for row in rows {
        if let Some(Cell::Text(kind)) = cells.get(row) {
            *kinds.entry(kind.clone()).or_default() += 1;
        }
    }
    kinds
}

/// Kinds as a reader wants them: by core where that tells them apart.
pub(crate) fn short<'a>(kinds: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let whole: Vec<&str> = kinds.into_iter().collect();
    let core = |kind: &str| kind.strip_suffix(')').and_then(|k| Some(k.rsplit_once('(')?.1.into()));
    let cores: Vec<String> = whole.iter().filter_map(|kind| core(kind)).collect();
    if cores.iter().collect::<BTreeSet<_>>().len() == whole.len() {
        return cores;
    }
    whole.into_iter().map(Into::into).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_named_by_core_where_that_tells_them_apart() {
        assert_eq!(
            short(["OpenBLAS 0.3.21 (Haswell)", "OpenBLAS 0.3.21 (Zen)"]),
            ["Haswell", "Zen"]
        );
        let versions = ["OpenBLAS 0.3.21 (Zen)", "OpenBLAS 0.3.26 (Zen)"];
        assert_eq!(short(versions), versions);
        assert_eq!(short(["none"]), ["none"]);
    }
}
