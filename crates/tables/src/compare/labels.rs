//! Values of an axis as they stand in a table for people.

use std::collections::HashMap;

use super::{Axis, sheet::short};
use crate::{Cell, text::inert};

/// Characters that are kept of each end of a long value whose beginning is that of another.
const ENDS: usize = 28;

/// For each key of an axis its values as text: inert, not too long, and different where they are.
pub(super) fn labels(axis: &Axis) -> Vec<Vec<String>> {
    let names: Vec<HashMap<&Cell, String>> = (0..axis.names.len())
        .map(|name| distinct(axis.keys.iter().map(|key| &key[name])))
        .collect();
    let key = |key: &Vec<Cell>| key.iter().zip(&names).map(|(cell, of)| of[cell].clone()).collect();
    axis.keys.iter().map(key).collect()
}

fn distinct<'a>(cells: impl Iterator<Item = &'a Cell>) -> HashMap<&'a Cell, String> {
    let mut texts: HashMap<&Cell, String> = HashMap::new();
    let mut order = Vec::new();
    for cell in cells {
        texts.entry(cell).or_insert_with(|| {
            order.push(cell);
            short(&cell.label())
        });
    }
    for cell in clashing(&order, &texts) {
        texts.insert(cell, ends(&exact(cell)));
    }
    for (number, cell) in clashing(&order, &texts).into_iter().enumerate() {
        let text = format!("{} #{}", texts[cell], number + 1);
        texts.insert(cell, text);
    }
    texts
}

/// Values whose text is also that of another one.
fn clashing<'a>(order: &[&'a Cell], texts: &HashMap<&Cell, String>) -> Vec<&'a Cell> {
    let mut count = HashMap::<&str, usize>::new();
    order.iter().for_each(|cell| *count.entry(&texts[cell]).or_default() += 1);
    order.iter().copied().filter(|cell| count[&*texts[*cell]] > 1).collect()
}

/// The text of a value with its type: `1.0` for the float.
fn exact(cell: &Cell) -> String {
    match cell {
        Cell::Float(value) if value.fract() == 0.0 => format!("{value:?}"),
        other => other.label(),
    }
}

/// Beginning and end of a long text.
fn ends(text: &str) -> String {
    let text = inert(text);
    let count = text.chars().count();
    if count <= 2 * ENDS + 1 {
        return text.into_owned();
    }
    let head = text.chars().take(ENDS);
    head.chain(['…']).chain(text.chars().skip(count - ENDS)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(cells: Vec<Cell>) -> Vec<String> {
        let keys = cells.into_iter().map(|cell| vec![cell]).collect();
        let axis = Axis { names: vec!["name".into()], keys };
        labels(&axis).into_iter().map(|mut key| key.remove(0)).collect()
    }

    #[test]
    fn values_that_differ_look_different() {
        let text = |text: &str| Cell::Text(text.into());
        assert_eq!(texts(vec![Cell::Int(1), text("1"), Cell::Int(1)]), ["1", "\"1\"", "1"]);
        assert_eq!(
            texts(vec![Cell::Int(1), Cell::Float(1.0), Cell::Float(0.5)]),
            ["1", "1.0", "0.5"]
        );
        assert_eq!(texts(vec![Cell::Float(1.0), Cell::Float(2.0)]), ["1", "2"]);
    }

    #[test]
    fn long_values_differ_at_their_end_or_are_numbered() {
        let long = |middle: &str, end: &str| {
            Cell::Text(format!("{}{middle}{}{end}", "a".repeat(80), "b".repeat(40)))
        };
        let seen = texts(vec![long("", "x"), long("", "y")]);
        assert!(seen[0].ends_with("bx") && seen[1].ends_with("by"), "{seen:?}");
        let seen = texts(vec![long("1", ""), long("2", "")]);
        assert!(seen[0].ends_with("b #1") && seen[1].ends_with("b #2"), "{seen:?}");
    }
}
