//! Which assignments are written in place, and the order of the last steps.

use std::collections::HashMap;

use super::fuse::Group;
use super::sink;
use super::worklist::{Home, View, Work, Worklist};

/// Groups in the order they run, and what follows them.
#[derive(Debug)]
pub(crate) struct Schedule {
    pub groups: Vec<Group>,
    /// Values computed straight into the input of an assignment (by its index).
    pub in_place: HashMap<usize, usize>,
    /// Assignments made after all groups, in order.
    pub trailing: Vec<usize>,
}

/// Moves the groups that only feed assignments to the end and picks the ones written in place.
pub(crate) fn schedule(list: &Worklist, groups: Vec<Group>) -> Schedule {
    let group_of = group_of(list, &groups);
    let mut feeds_others = vec![false; groups.len()];
    for (index, group) in groups.iter().enumerate() {
        for &unit in &group.units {
            for view in &list.units[unit].reads {
                if let Some(maker) = group_of[view.value].filter(|&maker| maker != index) {
                    feeds_others[maker] = true;
                }
            }
            if matches!(list.values[list.units[unit].value].home, Home::Output(_)) {
                feeds_others[index] = true;
            }
        }
    }
    let assigns = |group: usize| {
        list.assigned.iter().any(|assigned| group_of[assigned.value.value] == Some(group))
    };
    let last: Vec<bool> =
        (0..groups.len()).map(|g| groups[g].fused && !feeds_others[g] && assigns(g)).collect();
    let (mut first, mut end) = (Vec::new(), Vec::new());
    for (group, last) in groups.into_iter().zip(last) {
        if last { end.push(group) } else { first.push(group) }
    }
    let in_place = in_place(list, &end);
    let trailing = (0..list.assigned.len())
        .filter(|&index| in_place.get(&list.assigned[index].value.value) != Some(&index))
        .collect();
    let mut first = sink::sink(list, first, &end);
    first.extend(end);
    Schedule { groups: first, in_place, trailing }
}

fn group_of(list: &Worklist, groups: &[Group]) -> Vec<Option<usize>> {
    let mut group_of = vec![None; list.values.len()];
    for (index, group) in groups.iter().enumerate() {
        for &unit in &group.units {
            group_of[list.units[unit].value] = Some(index);
        }
    }
    group_of
}

/// Value to assignment, for every assignment whose place nobody reads or writes once it is written.
fn in_place(list: &Worklist, last: &[Group]) -> HashMap<usize, usize> {
    let mut chosen = HashMap::new();
    for (order, group) in last.iter().enumerate() {
        for &unit in &group.units {
            let value = list.units[unit].value;
            let mut takers =
                (0..list.assigned.len()).filter(|&i| list.assigned[i].value.value == value);
            let (Some(taker), None) = (takers.next(), takers.next()) else { continue };
            if suits(list, taker, value) && !disturbs(list, taker, &last[order..]) {
                chosen.insert(value, taker);
            }
        }
    }
    chosen
}

/// Whether the assignment takes the whole value and no other touches its place.
fn suits(list: &Worklist, taker: usize, value: usize) -> bool {
    let assigned = &list.assigned[taker];
    let (input, region) = assigned.region();
    let alone = list.assigned.iter().enumerate().all(|(other, assigned)| {
        let (other_input, other_region) = assigned.region();
        other == taker || other_input != input || !overlap(&region, &other_region)
    });
    let whole = assigned.value.layout.offset == 0 && region.len() == list.values[value].len;
    assigned.indices.is_none() && alone && whole
}

/// Whether writing the place now would change what this group or a later one still reads.
fn disturbs(list: &Worklist, taker: usize, remaining: &[Group]) -> bool {
    let (input, region) = list.assigned[taker].region();
    let reads = |view: &View| {
        let start = view.layout.offset;
        view.value == input && overlap(&region, &(start..start + view.layout.span()))
    };
    let same_elements = |view: &View| {
        view.layout.is_contiguous()
            && view.layout.offset == region.start
            && view.layout.span() == region.len()
    };
    let trailing = list.assigned.iter().flat_map(|assigned| &assigned.indices).any(reads);
    trailing
        || remaining.iter().enumerate().any(|(later, group)| {
            group.units.iter().map(|&unit| &list.units[unit]).any(|unit| {
                // A product reads elements of its factors more than once.
                let again = later > 0 || matches!(unit.work, Work::Product);
                unit.reads.iter().any(|view| reads(view) && (again || !same_elements(view)))
            })
        })
}

fn overlap(a: &std::ops::Range<usize>, b: &std::ops::Range<usize>) -> bool {
    a.start < b.end && b.start < a.end
}
