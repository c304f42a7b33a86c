//! Elementwise units of one shape joined into chains.

use super::worklist::{Unit, View, Work, Worklist};

/// Units that run as one step.
#[derive(Debug, Clone, Default)]
pub(crate) struct Group {
    /// Indices of units, in order.
    pub units: Vec<usize>,
    /// Whether it is a chain of micro-ops.
    pub fused: bool,
}

/// Groups the units, at most so many operands and units each; the result is in an order in which they can run.
pub(crate) fn fuse(list: &Worklist, most: usize) -> Vec<Group> {
    let mut fusion = Fusion {
        list,
        most,
        groups: Vec::new(),
        ancestors: Vec::new(),
        group_of: vec![None; list.values.len()],
    };
    for (index, unit) in list.units.iter().enumerate() {
        fusion.unit(index, unit);
    }
    fusion.ordered()
}

/// A set of groups.
#[derive(Debug, Clone, Default)]
struct Set(Vec<u64>);

impl Set {
    fn has(&self, index: usize) -> bool {
        self.0.get(index / 64).is_some_and(|word| word >> (index % 64) & 1 == 1)
    }

    fn insert(&mut self, index: usize) {
        if self.0.len() <= index / 64 {
            self.0.resize(index / 64 + 1, 0);
        }
        self.0[index / 64] |= 1 << (index % 64);
    }

    fn extend(&mut self, other: &Set) {
        if self.0.len() < other.0.len() {
            self.0.resize(other.0.len(), 0);
        }
        for (word, other) in self.0.iter_mut().zip(&other.0) {
            *word |= other;
        }
    }
}

struct Fusion<'a> {
    list: &'a Worklist,
    /// Operands and units of a group at most, if it has more than one.
    most: usize,
    groups: Vec<Group>,
    /// The groups each group waits for, directly or not.
    ancestors: Vec<Set>,
    /// The group that computes each value.
    group_of: Vec<Option<usize>>,
}

impl Fusion<'_> {
    fn unit(&mut self, index: usize, unit: &Unit) {
        let mut needs: Vec<usize> =
            unit.reads.iter().filter_map(|view| self.group_of[view.value]).collect();
        needs.sort_unstable();
        needs.dedup();
        let fused = matches!(unit.work, Work::Elementwise(_) | Work::Product);
        let host = if fused { self.host(index, unit, &needs) } else { None };
        let group = host.unwrap_or_else(|| {
            self.groups.push(Group { units: Vec::new(), fused });
            self.ancestors.push(Set::default());
            self.groups.len() - 1
        });
        self.groups[group].units.push(index);
        self.group_of[unit.value] = Some(group);
        needs.retain(|&need| need != group);
        self.wait(group, &needs);
    }

    /// Makes `group` and all that wait for it wait for `needs`.
    fn wait(&mut self, group: usize, needs: &[usize]) {
        let mut all = self.ancestors[group].clone();
        for &need in needs {
            all.insert(need);
            all.extend(&self.ancestors[need]);
        }
        for waiting in &mut self.ancestors {
            if waiting.has(group) {
                waiting.extend(&all);
            }
        }
        self.ancestors[group] = all;
    }

    /// The producers' group that can take the unit, all of them joined where that is possible.
    fn host(&mut self, index: usize, unit: &Unit, needs: &[usize]) -> Option<usize> {
        let mut candidates: Vec<usize> = needs
            .iter()
            .copied()
            .filter(|&group| self.groups[group].fused && self.fits(group, unit))
            .collect();
        let mut host = None;
        while let Some(candidate) = candidates.pop() {
            let behind = needs.iter().any(|&need| {
                need != candidate && Some(need) != host && self.ancestors[need].has(candidate)
            });
            if behind {
                continue;
            }
            match host {
                None if self.room(&[candidate], index) => host = Some(candidate),
                Some(other) if self.joinable(other, candidate, index) => {
                    host = Some(self.join(other, candidate));
                }
                _ => {}
            }
        }
        host
    }

    /// Whether the unit has the group's shape and type and reads its values element by element.
    fn fits(&self, group: usize, unit: &Unit) -> bool {
        let first = &self.list.units[self.groups[group].units[0]];
        let dtype = |unit: &Unit| self.list.values[unit.value].dtype;
        first.shape == unit.shape && dtype(first) == dtype(unit) && self.aligned(group, unit)
    }

    fn aligned(&self, group: usize, unit: &Unit) -> bool {
        unit.reads.iter().all(|view| {
            self.group_of[view.value] != Some(group)
                || (view.layout.is_contiguous() && view.layout.shape == unit.shape)
        })
    }

    /// Whether operands, results and registers suffice for the groups and one more unit.
    fn room(&self, groups: &[usize], unit: usize) -> bool {
        let units: Vec<usize> = groups
            .iter()
            .flat_map(|&group| self.groups[group].units.iter().copied())
            .chain([unit])
            .collect();
        let made: Vec<usize> = units.iter().map(|&unit| self.list.units[unit].value).collect();
        let mut loads: Vec<&View> = Vec::new();
        for view in units.iter().flat_map(|&unit| &self.list.units[unit].reads) {
            if !made.contains(&view.value) && !loads.contains(&view) {
                loads.push(view);
            }
        }
        units.len() + loads.len() <= self.most
    }

    /// Whether two groups can run as one: no third one has to run between them.
    fn joinable(&self, a: usize, b: usize, unit: usize) -> bool {
        let between = (0..self.groups.len()).any(|third| {
            let waits = |later: usize, earlier: usize| {
                self.ancestors[later].has(third) && self.ancestors[third].has(earlier)
            };
            third != a && third != b && (waits(a, b) || waits(b, a))
        });
        let aligned = |group: usize, other: usize| {
            self.groups[group].units.iter().all(|&u| self.aligned(other, &self.list.units[u]))
        };
        !between && aligned(a, b) && aligned(b, a) && self.room(&[a, b], unit)
    }

    /// Moves the units of `b` into `a`, and leaves `b` empty.
    fn join(&mut self, a: usize, b: usize) -> usize {
        let moved = std::mem::take(&mut self.groups[b].units);
        for &unit in &moved {
            self.group_of[self.list.units[unit].value] = Some(a);
        }
        self.groups[a].units.extend(moved);
        self.groups[a].units.sort_unstable();
        let of_b = self.ancestors[b].clone();
        self.ancestors[a].extend(&of_b);
        let all = self.ancestors[a].clone();
        for waiting in &mut self.ancestors {
            if waiting.has(a) || waiting.has(b) {
                waiting.insert(a);
                waiting.extend(&all);
            }
        }
        // A group does not wait for itself, nor for the one it took in.
        for own in [a, b] {
            if let Some(word) = self.ancestors[a].0.get_mut(own / 64) {
                *word &= !(1 << (own % 64));
            }
        }
        a
    }

    /// The groups in an order in which each comes after those it waits for.
    fn ordered(self) -> Vec<Group> {
        let count = self.groups.len();
        let mut waits = vec![0; count];
        let mut followers = vec![Vec::new(); count];
        for (index, group) in self.groups.iter().enumerate() {
            let mut needs: Vec<usize> = group
                .units
                .iter()
                .flat_map(|&unit| &self.list.units[unit].reads)
                .filter_map(|view| self.group_of[view.value])
                .filter(|&need| need != index)
                .collect();
            needs.sort_unstable();
            needs.dedup();
            waits[index] = needs.len();
            needs.into_iter().for_each(|need| followers[need].push(index));
        }
        // Among those that can run, the one whose last unit was written first.
        let rank = |group: usize| std::cmp::Reverse((self.groups[group].units.last(), group));
        let mut ready: std::collections::BinaryHeap<_> =
            (0..count).filter(|&group| waits[group] == 0).map(rank).collect();
        let mut order = Vec::with_capacity(count);
        while let Some(std::cmp::Reverse((_, group))) = ready.pop() {
            order.push(group);
            for &follower in &followers[group] {
                waits[follower] -= 1;
                if waits[follower] == 0 {
                    ready.push(rank(follower));
                }
            }
        }
        assert_eq!(order.len(), count, "fused groups wait for each other");
        let mut groups = self.groups;
        order
            .into_iter()
            .map(|group| std::mem::take(&mut groups[group]))
            .filter(|group| !group.units.is_empty())
            .collect()
    }
}
