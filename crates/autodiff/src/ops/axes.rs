//! Axes of an operation on rows or on runs of neighbouring axes: checked, and brought to where it wants them.

use std::ops::Range;

use crate::{Error, Var};

impl<'g> Var<'g> {
    pub(super) fn runs(self, op: &'static str, axes: &[usize]) -> Result<Vec<Range<usize>>, Error> {
        let shape = self.shape();
        let mut sorted = axes.to_vec();
        sorted.sort_unstable();
        sorted.dedup();
        if sorted.last().is_some_and(|&axis| axis >= shape.len()) {
            return Err(Error::Shape { op, shape, wanted: format!("axes {axes:?}") });
        }
        let mut runs: Vec<Range<usize>> = Vec::new();
        for axis in sorted {
            match runs.last_mut() {
                Some(run) if run.end == axis => run.end += 1,
                _ => runs.push(axis..axis + 1),
            }
        }
        Ok(runs)
    }

    pub(super) fn kept(self, axes: &[usize], like: &[usize], keep: bool) -> Result<Var<'g>, Error> {
        if !keep {
            return Ok(self);
        }
        let mut shape = like.to_vec();
        for &axis in axes {
            shape[axis] = 1;
        }
        self.reshape(&shape)
    }

    /// Runs `rule` with `axis` brought to the end, and back after it.
    pub(super) fn along(
        self,
        op: &'static str,
        axis: usize,
        rule: impl FnOnce(Var<'g>) -> Result<Var<'g>, Error>,
    ) -> Result<Var<'g>, Error> {
        let rank = self.rank();
        if axis >= rank {
            let wanted = format!("an axis {axis}");
            return Err(Error::Shape { op, shape: self.shape(), wanted });
        }
        rule(self.transpose(axis, rank - 1)?)?.transpose(axis, rank - 1)
    }
}
