//! Units by what they make, while passes join them.

use std::collections::HashMap;

use super::worklist::{Home, Unit, View, Worklist};

/// The units of a list, some of them taken away.
pub(super) struct Units {
    pub units: Vec<Option<Unit>>,
    makers: HashMap<usize, usize>,
    readers: HashMap<usize, usize>,
}

impl Units {
    /// Takes the units of a list, until they are given back.
    pub(super) fn of(list: &mut Worklist) -> Units {
        let readers = readers(list);
        let units: Vec<Unit> = std::mem::take(&mut list.units);
        let makers = units.iter().enumerate().map(|(at, unit)| (unit.value, at)).collect();
        Units { units: units.into_iter().map(Some).collect(), makers, readers }
    }

    pub(super) fn give_back(self, list: &mut Worklist) {
        list.units = self.units.into_iter().flatten().collect();
    }

    /// The unit that makes what a view holds, all of it, if only one view reads it and it is no
    /// output.
    pub(super) fn made_for(&self, view: &View, list: &Worklist) -> Option<(usize, &Unit)> {
        let at = *self.makers.get(&view.value)?;
        let unit = self.units[at].as_ref()?;
        let alone = self.readers.get(&view.value) == Some(&1)
            && list.values[view.value].home == Home::Computed;
        (alone && whole(view, unit)).then_some((at, unit))
    }
}

/// Whether the view is a run of as many elements as the unit has.
pub(super) fn whole(view: &View, unit: &Unit) -> bool {
    view.layout.is_contiguous() && view.layout.len() == unit.shape.iter().product::<usize>()
}

/// How often each value is read.
fn readers(list: &Worklist) -> HashMap<usize, usize> {
    let mut readers = HashMap::new();
    let units = list.units.iter().flat_map(|unit| &unit.reads);
    let assigned = list.assigned.iter().flat_map(|assigned| {
        [Some(&assigned.target), Some(&assigned.value), assigned.indices.as_ref()]
    });
    for view in units.chain(assigned.flatten()) {
        *readers.entry(view.value).or_insert(0) += 1;
    }
    readers
}
