//! Enumerates the points of a sweep's block, with the axes that depend on conditions.

use std::cell::RefCell;

use serde_json::Value;

use super::only::Name;
use super::scope::{PointScope, Scope};
use crate::config::{Axis, Block, ConfigError, Faults, Node, Path, When};

/// One choice of values for some parameters.
pub(super) type Assignment<'a> = Vec<(&'a Path, &'a Node)>;

/// Assignments of which every point takes one.
type Group<'a> = Vec<Assignment<'a>>;

/// Callback that receives every point.
type Visit<'a, 'f> = dyn FnMut(&Assignment<'a>) -> Result<(), ConfigError> + 'f;

/// The points of one block, the first group varying slowest, conditional ones fastest.
pub(super) struct Points<'a> {
    groups: Vec<Group<'a>>,
    when: Vec<(&'a When, Vec<Group<'a>>)>,
    params: &'a Value,
    /// Names in conditions that no point had so far.
    unseen: RefCell<Vec<(&'a When, &'a Name)>>,
    /// Conditions that held at no point so far.
    unheld: RefCell<Vec<&'a When>>,
}

impl<'a> Points<'a> {
    /// The points of a block with its drawn axes; `params` are those that the sweep starts from.
    pub(super) fn new(block: &'a Block, drawn: &'a [Axis], params: &'a Value) -> Self {
        let mut base = groups(&block.grid, &block.zip);
        base.extend(together(drawn));
        let when = block.when.iter().map(|when| (when, groups(&when.grid, &when.zip)));
        let names = |when: &'a When| when.condition.names().into_iter().map(move |n| (when, n));
        Self {
            groups: base,
            when: when.collect(),
            params,
            unseen: RefCell::new(block.when.iter().flat_map(names).collect()),
            unheld: RefCell::new(block.when.iter().collect()),
        }
    }

    /// What is to be said of conditions, once every point was visited; `names` are those there are.
    pub(super) fn judge(&self, names: &[String], faults: &mut Faults) {
        let path = Path::from_iter(["sweep", "when", "if"]);
        let unseen = self.unseen.borrow();
        for (when, name) in unseen.iter() {
            let error = when.condition.unknown(name, names.iter().map(String::as_str));
            let span = error.place(&when.node);
            faults.add(ConfigError::new(&span, path.clone(), error.detail()));
        }
        for when in self.unheld.borrow().iter().filter(|_| unseen.is_empty()) {
            let message = "the condition holds at no point, so its parameters vary nowhere";
            faults.warn(ConfigError::new(&when.node.span, path.clone(), message));
        }
    }

    /// Number of points before conditions add to them; conditions only multiply.
    pub(super) fn at_least(&self) -> usize {
        self.groups.iter().map(Vec::len).fold(1, usize::saturating_mul)
    }

    /// Visits every point.
    pub(super) fn each(&self, visit: &mut Visit<'a, '_>) -> Result<(), ConfigError> {
        let mut point = Vec::new();
        self.choose(&self.groups, &self.when, &mut point, visit)
    }

    fn choose(
        &self,
        groups: &[Group<'a>],
        when: &[(&'a When, Vec<Group<'a>>)],
        point: &mut Assignment<'a>,
        visit: &mut Visit<'a, '_>,
    ) -> Result<(), ConfigError> {
        if let Some((group, rest)) = groups.split_first() {
            for choice in group {
                let before = point.len();
                point.extend_from_slice(choice);
                self.choose(rest, when, point, visit)?;
                point.truncate(before);
            }
            return Ok(());
        }
        let Some(((first, inner), rest)) = when.split_first() else { return visit(point) };
        if !self.holds(first, point) {
            return self.choose(&[], rest, point, visit);
        }
        if let Some(axis) = first.axes().find(|axis| point.iter().any(|(key, _)| **key == axis.key))
        {
            let message = format!("`{}` has its values from an earlier condition", axis.key);
            let path = Path::from_iter(["sweep", "when"]);
            return Err(ConfigError::new(&axis.values[0].span, path, message));
        }
        self.choose(inner, rest, point, visit)
    }

    fn holds(&self, when: &When, point: &Assignment<'a>) -> bool {
        let scope = PointScope { point, params: self.params };
        self.unseen
            .borrow_mut()
            .retain(|(of, name)| !std::ptr::eq(*of, when) || scope.value(&name.text).is_none());
        let holds = when.condition.holds_in(&scope);
        if holds {
            self.unheld.borrow_mut().retain(|other| !std::ptr::eq(*other, when));
        }
        holds
    }
}

fn groups<'a>(grid: &'a [Axis], zip: &'a [Axis]) -> Vec<Group<'a>> {
    let one = |axis: &'a Axis| axis.values.iter().map(|value| vec![(&axis.key, value)]).collect();
    grid.iter().map(one).chain(together(zip)).collect()
}

/// Axes of one length as one group.
fn together(axes: &[Axis]) -> Option<Group<'_>> {
    let count = axes.first()?.values.len();
    let at = |at: usize| axes.iter().map(|axis| (&axis.key, &axis.values[at])).collect();
    Some((0..count).map(at).collect())
}
