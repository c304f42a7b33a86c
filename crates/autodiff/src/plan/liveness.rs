//! A slot for every value; values that do not live at the same time share memory.

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

/// Free ranges of the arena, ascending and never touching.
struct Arena {
    free: Vec<(usize, usize)>,
    end: usize,
}

impl Arena {
    /// The smallest free range that fits, or new memory at the end.
    fn take(&mut self, bytes: usize) -> usize {
        let best = (0..self.free.len())
            .filter(|&i| self.free[i].1 >= bytes)
            .min_by_key(|&i| self.free[i].1);
        match best {
            Some(i) => {
                let (start, len) = self.free[i];
                if len == bytes {
                    self.free.remove(i);
                } else {
                    self.free[i] = (start + bytes, len - bytes);
                }
                start
            }
            None => {
                let start = match self.free.last() {
                    Some(&(start, len)) if start + len == self.end => {
                        self.free.pop();
                        start
                    }
                    _ => self.end,
                };
                self.end = start + bytes;
                start
            }
        }
    }

    fn give(&mut self, start: usize, bytes: usize) {
        let i = self.free.partition_point(|&(other, _)| other < start);
        self.free.insert(i, (start, bytes));
        let touches = |a: (usize, usize), b: (usize, usize)| a.0 + a.1 == b.0;
        if i + 1 < self.free.len() && touches(self.free[i], self.free[i + 1]) {
            self.free[i].1 += self.free[i + 1].1;
            self.free.remove(i + 1);
        }
        if i > 0 && touches(self.free[i - 1], self.free[i]) {
            self.free[i - 1].1 += self.free[i].1;
            self.free.remove(i);
        }
    }
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
    let mut arena = Arena { free: Vec::new(), end: 0 };
    let mut dying: Vec<Vec<usize>> =
        vec![Vec::new(); schedule.groups.len() + schedule.trailing.len()];
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
                let offset = if bytes == 0 { 0 } else { arena.take(bytes) };
                slots[value] = Slot::Arena { offset, bytes };
                stored[value] = true;
                dying[last].push(value);
            }
        }
        for value in std::mem::take(&mut dying[step]) {
            if let Slot::Arena { offset, bytes } = slots[value]
                && bytes > 0
            {
                arena.give(offset, bytes);
            }
        }
    }
    (Slots { slots, stored }, arena.end)
}

/// The last step outside its own group that reads each value.
fn last_reads(list: &Worklist, schedule: &Schedule) -> Vec<Option<usize>> {
    let mut last = vec![None; list.values.len()];
    let mut made_in = vec![None; list.values.len()];
    for (step, group) in schedule.groups.iter().enumerate() {
        for &unit in &group.units {
            made_in[list.units[unit].value] = Some(step);
        }
    }
    for (step, group) in schedule.groups.iter().enumerate() {
        for view in group.units.iter().flat_map(|&unit| &list.units[unit].reads) {
            if made_in[view.value] != Some(step) {
                last[view.value] = Some(step);
            }
        }
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
    fn freed_neighbours_join_and_are_used_again() {
        let mut arena = Arena { free: Vec::new(), end: 0 };
        let [a, b, c] = [64, 128, 64].map(|bytes| arena.take(bytes));
        assert_eq!([a, b, c], [0, 64, 192]);
        arena.give(a, 64);
        arena.give(b, 128);
        assert_eq!(arena.free, [(0, 192)]);
        assert_eq!(arena.take(128), 0);
        assert_eq!(arena.take(64), 128);
        arena.give(c, 64);
        assert_eq!(arena.take(256), 192);
        assert_eq!(arena.end, 448);
    }
}
