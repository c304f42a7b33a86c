//! What somebody said of a run.

use std::collections::BTreeMap;

use crate::{Marked, Timestamp};

/// Tags and the note of a run. Of two that contradict each other the later one counts, whatever the order
/// in which they are read.
#[derive(Debug, Default)]
pub(crate) struct Marks {
    tags: BTreeMap<String, (Timestamp, bool)>,
    note: Option<(Timestamp, String)>,
}

impl Marks {
    pub(crate) fn add(&mut self, marked: &Marked) {
        for (tag, &has) in &marked.tags {
            let known = self.tags.entry(tag.clone()).or_insert((marked.at, has));
            if *known < (marked.at, has) {
                *known = (marked.at, has);
            }
        }
        let note = marked.note.clone().map(|note| (marked.at, note));
        if self.note < note {
            self.note = note;
        }
    }

    /// Those that were given after a time and not taken back, in alphabetical order.
    pub(crate) fn tags(&self, since: Timestamp) -> impl Iterator<Item = &str> {
        let holds = move |(_, (at, has)): &(&String, &(Timestamp, bool))| *has && *at > since;
        self.tags.iter().filter(holds).map(|(tag, _)| tag.as_str())
    }

    /// The note, if it is younger than a time.
    pub(crate) fn note(&self, since: Timestamp) -> Option<&str> {
        let (at, note) = self.note.as_ref()?;
        (*at > since && !note.is_empty()).then_some(note)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_said_last_counts_in_whatever_order_it_is_read() {
        let marked = |at, tags: &[(&str, bool)], note: Option<&str>| Marked {
            runs: Vec::new(),
            tags: tags.iter().map(|(tag, has)| ((*tag).to_owned(), *has)).collect(),
            note: note.map(str::to_owned),
            at,
        };
        let said = [
            marked(1.0, &[("best", true), ("paper", true)], Some("first")),
            marked(2.0, &[("best", false)], Some("second")),
            marked(3.0, &[("odd", true)], None),
        ];
        for order in [[0, 1, 2], [2, 1, 0], [1, 0, 2], [1, 2, 0]] {
            let mut marks = Marks::default();
            order.iter().chain(&order).for_each(|at| marks.add(&said[*at]));
            let tags = |since| marks.tags(since).collect::<Vec<_>>();
            assert_eq!(tags(0.0), ["odd", "paper"]);
            assert_eq!(tags(1.0), ["odd"]);
            assert_eq!((marks.note(0.0), marks.note(2.0)), (Some("second"), None));
        }
        let mut marks = Marks::default();
        [marked(1.0, &[], Some("said")), marked(2.0, &[], Some(""))]
            .iter()
            .for_each(|m| marks.add(m));
        assert_eq!(marks.note(0.0), None);
    }
}
