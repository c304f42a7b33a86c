//! Where a frozen sweep stands, for whoever follows it without executing it.

use journal::Fold;

use super::rungs;
use super::selection::Selection;
use crate::execute::{Error, Frozen, Summary};

/// Where the runs of a frozen sweep stand.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Standing {
    /// The lists that [`execute`](super::execute) returns.
    pub summary: Summary,
    /// How many are still to be executed.
    pub left: usize,
}

impl Frozen {
    /// Where the runs stand.
    ///
    /// # Errors
    /// The metrics of a search cannot be read from the journal.
    pub fn standing(&self, fold: &Fold) -> Result<Standing, Error> {
        let first = self.shared.first.clone();
        let selection = Selection::since_attempts(&self.runs, self.rerun, first, fold);
        let mut search = rungs::restore(self.search.as_ref(), self.retry, &selection, fold)?;
        let left = selection.wanted(fold, search.as_mut()).len();
        Ok(Standing { summary: selection.summary(fold), left })
    }
}
