//! Units by what they make, while passes join them.

use std::collections::HashMap;

use super::worklist::{Home, Place, Unit, Worklist};

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

    /// The unit that makes what a place holds, all of it, if only one place reads it and it is no
    /// output.
    pub(super) fn made_for(&self, place: &Place, list: &Worklist) -> Option<(usize, &Unit)> {
        let at = *self.makers.get(&place.value)?;
        let unit = self.units[at].as_ref()?;
        let alone = self.readers.get(&place.value) == Some(&1)
            && list.values[place.value].home == Home::Computed;
        (alone && whole(place, unit)).then_some((at, unit))
    }
}

/// Whether the place is a run of as many elements as the unit has.
pub(super) fn whole(place: &Place, unit: &Unit) -> bool {
    place.layout.is_contiguous() && place.layout.len() == unit.shape.iter().product::<usize>()
}

/// How often each value is read.
fn readers(list: &Worklist) -> HashMap<usize, usize> {
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
