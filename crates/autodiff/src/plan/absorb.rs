//! Sums taken into the kernels that make one of their terms.

use std::collections::HashMap;

use super::{Home, Micro, Place, Unit, Work, Worklist};

/// Where a value is added to a kernel's result that nothing else reads, and the kernel takes one more
/// operand for that, the two become one unit.
pub(crate) fn absorb(list: &mut Worklist) {
    let readers = readers(list);
    let mut units: Vec<Option<Unit>> =
        std::mem::take(&mut list.units).into_iter().map(Some).collect();
    let makers: HashMap<usize, usize> =
        (0..units.len()).filter_map(|at| Some((units[at].as_ref()?.value, at))).collect();
    for at in 0..units.len() {
        let Some(sum) = &units[at] else { continue };
        if !matches!(sum.work, Work::Micro(Micro::Add)) {
            continue;
        }
        let absorbed = [(1, 0), (0, 1)].into_iter().find_map(|(made, other)| {
            let (made, other) = (&sum.reads[made], &sum.reads[other]);
            let maker = *makers.get(&made.value)?;
            let kernel = units[maker].as_ref()?;
            let alone = readers.get(&made.value) == Some(&1)
                && list.values[made.value].home == Home::Computed;
            (alone && whole(made, sum) && whole(other, sum) && adds(kernel))
                .then(|| (maker, other.clone()))
        });
        let Some((maker, term)) = absorbed else { continue };
        if let (Some(kernel), Some(sum)) = (units[maker].take(), &mut units[at]) {
            sum.work = kernel.work;
            sum.reads = kernel.reads;
            sum.reads.push(term);
        }
    }
    list.units = units.into_iter().flatten().collect();
}

fn adds(unit: &Unit) -> bool {
    let layouts: Vec<_> = unit.reads.iter().map(|place| &place.layout).collect();
    matches!(&unit.work, Work::Kernel(op) if op.adds(&layouts))
}

/// Whether the place is a run of as many elements as the unit has.
pub(super) fn whole(place: &Place, unit: &Unit) -> bool {
    place.layout.is_contiguous() && place.layout.len() == unit.shape.iter().product::<usize>()
}

/// How often each value is read.
pub(super) fn readers(list: &Worklist) -> HashMap<usize, usize> {
    let mut readers = HashMap::new();
    let units = list.units.iter().flat_map(|unit| &unit.reads);
    let assigned = list.assigned.iter().flat_map(|assigned| {
        [Some(&assigned.target), Some(&assigned.value), assigned.indices.as_ref()]
    });
    for place in units.chain(assigned.flatten()) {
        *readers.entry(place.value).or_insert(0) += 1;
    }
    readers
}
