//! Sums taken into the kernels that make one of their terms: their epilogues.

use super::target::Target;
use super::units::Units;
use super::worklist::{Unit, Work, Worklist};
use crate::{Function, Layout};

/// Where a value is added to a kernel's result that nothing else reads, and the kernel takes one more
/// operand for that, the two become one unit.
pub(crate) fn absorb(list: &mut Worklist, target: &dyn Target) {
    let mut all = Units::of(list);
    for at in 0..all.units.len() {
        let Some(sum) = &all.units[at] else { continue };
        if !matches!(sum.work, Work::Elementwise(Function::Add)) {
            continue;
        }
        let absorbed = [(1, 0), (0, 1)].into_iter().find_map(|(made, other)| {
            let (maker, kernel) = all.made_for(&sum.reads[made], list)?;
            let other = &sum.reads[other];
            adds(kernel, &other.layout, target).then(|| (maker, other.clone()))
        });
        let Some((maker, term)) = absorbed else { continue };
        if let (Some(kernel), Some(sum)) = (all.units[maker].take(), &mut all.units[at]) {
            sum.work = kernel.work;
            sum.reads = kernel.reads;
            sum.reads.push(term);
        }
    }
    all.give_back(list);
}

fn adds(unit: &Unit, term: &Layout, target: &dyn Target) -> bool {
    let inputs: Vec<_> = unit.reads.iter().map(|view| &view.layout).collect();
    matches!(&unit.work, Work::Kernel(op) if target.epilogue(&**op, &inputs, term))
}
