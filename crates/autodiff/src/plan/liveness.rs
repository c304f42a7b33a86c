//! A slot for every value; values that do not live at the same time share memory.

use std::cmp::Reverse;

use super::assign::Schedule;
use super::step::Slot;
use super::worklist::{Home, Worklist};
use kernels::memory::LINE;

/// Slots by value, and which values are stored at all.
#[derive(Debug)]
pub(crate) struct Slots {
    pub slots: Vec<Slot>,
    pub stored: Vec<bool>,
}

/// A value of the arena, and the first and the last step at which it is there.
#[derive(Debug, Clone, Copy)]
struct Tenant {
    value: usize,
    bytes: usize,
    steps: [usize; 2],
}

impl Tenant {
    fn meets(&self, other: &Self) -> bool {
        self.steps[0] <= other.steps[1] && other.steps[0] <= self.steps[1]
    }
}

/// Offsets, the largest value first, each as low as the larger ones allow that are there at the same time
/// (Pisarchyk and Lee 2020, "greedy by size"); and the size of the arena.
fn arrange(mut tenants: Vec<Tenant>) -> (Vec<(usize, Tenant)>, usize) {
    tenants.sort_by_key(|tenant| Reverse(tenant.bytes));
    let (mut placed, mut arena) = (Vec::<(usize, Tenant)>::new(), 0);
    for tenant in tenants {
        let mut offset = 0;
        for (start, other) in placed.iter().filter(|(_, other)| other.meets(&tenant)) {
            if offset + tenant.bytes <= *start {
                break;
            }
            offset = offset.max(start + other.bytes);
        }
        arena = arena.max(offset + tenant.bytes);
        placed.insert(placed.partition_point(|(start, _)| *start < offset), (offset, tenant));
    }
    (placed, arena)
}

/// Assigns slots; returns them with the size of the arena in bytes.
pub(crate) fn place(list: &Worklist, schedule: &Schedule) -> (Slots, usize) {
    let last_read = last_reads(list, schedule);
    let mut slots = vec![Slot::Nowhere; list.values.len()];
    let mut stored = vec![false; list.values.len()];
    for (value, info) in list.values.iter().enumerate() {
        match info.home {
            Home::Input(input) => slots[value] = Slot::Input(input),
            Home::Constant(index) => slots[value] = Slot::Constant(index),
            Home::Output(index) => slots[value] = Slot::Output(index),
            Home::Kept(index) => slots[value] = Slot::Kept(index),
            Home::Computed => {}
        }
    }
    let mut tenants = Vec::new();
    for (step, group) in schedule.groups.iter().enumerate() {
        for &unit in &group.units {
            let value = list.units[unit].value;
            let info = list.values[value];
            if let Some(&taker) = schedule.in_place.get(&value) {
                slots[value] = slots[list.assigned[taker].target.value];
                stored[value] = true;
            } else if info.home != Home::Computed {
                stored[value] = true;
            } else if let Some(last) = last_read[value] {
                let bytes = (info.len * info.dtype.size()).next_multiple_of(LINE);
                tenants.push(Tenant { value, bytes, steps: [step, last] });
                stored[value] = true;
            }
        }
    }
    let (placed, arena) = arrange(tenants);
    for (offset, Tenant { value, bytes, .. }) in placed {
        slots[value] = Slot::Arena { offset, bytes };
    }
    (Slots { slots, stored }, arena)
}

/// The last step outside its own group that reads each value.
fn last_reads(list: &Worklist, schedule: &Schedule) -> Vec<Option<usize>> {
    let mut last = vec![None; list.values.len()];
    let mut made_in = vec![None; list.values.len()];
    for (step, group) in schedule.groups.iter().enumerate() {
        let units = || group.units.iter().map(|&unit| &list.units[unit]);
        units().for_each(|unit| made_in[unit.value] = Some(step));
        let read = units().flat_map(|unit| &unit.reads).map(|view| view.value);
        read.filter(|&value| made_in[value] != Some(step))
            .for_each(|value| last[value] = Some(step));
    }
    for (i, &assigned) in schedule.trailing.iter().enumerate() {
        let assigned = &list.assigned[assigned];
        for view in [Some(&assigned.value), assigned.indices.as_ref()].into_iter().flatten() {
            last[view.value] = Some(schedule.groups.len() + i);
        }
    }
    last
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_share_memory_where_they_are_not_there_at_the_same_time() {
        let tenant = |value, bytes, steps| Tenant { value, bytes, steps };
        // The small one in the middle would part the range that the last one needs.
        let tenants = vec![
            tenant(0, 64, [0, 2]),
            tenant(1, 128, [0, 1]),
            tenant(2, 64, [1, 3]),
            tenant(3, 256, [3, 4]),
        ];
        let (placed, arena) = arrange(tenants);
        assert_eq!(arena, 320);
        for (at, (start, one)) in placed.iter().enumerate() {
            for (other_start, other) in &placed[at + 1..] {
                let apart =
                    start + one.bytes <= *other_start || other_start + other.bytes <= *start;
                assert!(
                    apart || !one.meets(other),
                    "{one:?} at {start}, {other:?} at {other_start}"
                );
            }
        }
    }
}
