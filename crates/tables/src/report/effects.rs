//! What a parameter changes: the main metric by each of its values, over all others.

use std::collections::BTreeMap;

use charts::{Drawing, Fit, Scale, tick};

use super::{
    grid::{cell_label, label, significant},
    limits::{EFFECTS, VALUES},
};
use crate::{
    Cell, Comparison, Error, Runs,
    read::bare,
    statistics::{deviation, mean},
};

/// One parameter.
#[derive(Debug)]
pub(crate) struct Effect {
    pub(crate) parameter: String,
    pub(crate) values: Vec<Value>,
}

/// The effects of all parameters, drawn on one axis.
#[derive(Debug, Default)]
pub(crate) struct Effects {
    pub(crate) parameters: Vec<Effect>,
    /// What the two ends of the axis stand for.
    pub(crate) ends: [String; 2],
    /// What a reader must know of the axis.
    pub(crate) note: Option<String>,
}

/// The runs with one value of it.
#[derive(Debug)]
pub(crate) struct Value {
    pub(crate) label: String,
    /// What the filter looks for.
    pub(crate) tag: String,
    pub(crate) n: usize,
    mean: f64,
    deviation: Option<f64>,
    low: f64,
    high: f64,
    /// Mean and range on the axis.
    pub(crate) drawing: Drawing,
}

/// Width and height of the drawing beside a value.
const BAR: [f64; 2] = [180.0, 18.0];

impl Value {
    fn new(parameter: &str, cell: &Cell, numbers: &[f64]) -> Option<Self> {
        let label = cell_label(cell);
        Some(Self {
            tag: format!("{parameter}={label}"),
            label,
            n: numbers.len(),
            mean: mean(numbers)?,
            deviation: deviation(numbers).filter(|deviation| deviation.is_finite()),
            low: numbers.iter().copied().fold(f64::INFINITY, f64::min),
            high: numbers.iter().copied().fold(f64::NEG_INFINITY, f64::max),
            drawing: Drawing::new(BAR[0], BAR[1]),
        })
    }

    /// Mean, deviation, lowest and highest as text.
    pub(crate) fn texts(&self) -> [String; 4] {
        let deviation = self.deviation.map_or_else(|| "–".into(), significant);
        [significant(self.mean), deviation, significant(self.low), significant(self.high)]
    }

    fn draw(&mut self, scale: &Scale) {
        let [width, height] = BAR;
        let at = |value: f64| {
            scale.within(value).map(|share| [6.0 + share * (width - 12.0), height / 2.0])
        };
        self.drawing.line("axis", [[6.0, height / 2.0], [width - 6.0, height / 2.0]]);
        if let (Some(low), Some(high)) = (at(self.low), at(self.high)) {
            self.drawing.line("line thick s0", [low, high]);
        }
        if let Some(mean) = at(self.mean) {
            self.drawing.circle("dot s0", mean, 5.0);
        }
    }
}

/// The effects of every parameter that varies between the runs of a comparison and has few values.
pub(crate) fn effects(runs: &Runs, comparison: &Comparison) -> Result<Effects, Error> {
    let numbers = values(runs, comparison)?;
    let mut parameters = Vec::new();
    for parameter in runs.varying() {
        let name = label(bare(&parameter));
        let values = by_value(&name, &numbers, &runs.cells(&parameter)?);
        if values.len() >= 2 {
            parameters.push(Effect { parameter: name, values });
        }
        if parameters.len() == EFFECTS {
            break;
        }
    }
    let all = || parameters.iter().flat_map(|effect| &effect.values);
    let ends = all().flat_map(|value| [value.low, value.high]);
    let scale = Scale::fit(ends, Fit { room: 0.0, ..Fit::VALUES });
    let note = match (scale.is_log(), scale.beyond) {
        (false, 0) => None,
        (true, 0) => Some("The axis is logarithmic.".to_owned()),
        (_, beyond) => Some(format!("{beyond} ends of ranges lie beyond the axis.")),
    };
    for value in parameters.iter_mut().flat_map(|effect| &mut effect.values) {
        value.draw(&scale);
    }
    Ok(Effects { parameters, ends: scale.ends().map(tick), note })
}

/// The finite values of the main metric, each with its row of the run table.
fn values(runs: &Runs, comparison: &Comparison) -> Result<Vec<(usize, f64)>, Error> {
    let column = runs.resolve(&format!("final.{}", comparison.metric))?;
    let cells = runs.cells(&column)?;
    let members =
        comparison.cells.iter().flatten().flat_map(|cell| cell.members.values().flatten());
    let finite = |row: &usize| cells[*row].number().filter(|v| v.is_finite()).map(|v| (*row, v));
    Ok(members.filter_map(finite).collect())
}

/// One entry a value; nothing where there are many.
fn by_value(parameter: &str, numbers: &[(usize, f64)], cells: &[Cell]) -> Vec<Value> {
    let mut groups = BTreeMap::<&Cell, Vec<f64>>::new();
    for (row, number) in numbers {
        groups.entry(&cells[*row]).or_default().push(*number);
    }
    if groups.len() > VALUES {
        return Vec::new();
    }
    groups.iter().filter_map(|(cell, numbers)| Value::new(parameter, cell, numbers)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_by_value() {
        let cells = [1, 2, 1, 2].map(Cell::Int);
        let numbers = [(0, 1.0), (1, 10.0), (2, 3.0), (3, 10.0)];
        let mut values = by_value("n", &numbers, &cells);
        let told = |value: &Value| (value.label.clone(), value.n, value.texts().join(" "));
        assert_eq!(told(&values[0]), ("1".into(), 2, "2.000 1.414 1.000 3.000".into()));
        assert_eq!(told(&values[1]), ("2".into(), 2, "10.00 0 10.00 10.00".into()));
        assert_eq!(values[1].tag, "n=2");
        values[0].draw(&Scale::fit([1.0, 10.0], Fit { room: 0.0, ..Fit::VALUES }));
        let marks = &values[0].drawing.marks;
        // From 1 to 3 of an axis from 1 to 10, 168 units long: 2/9 of it.
        assert!(marks.contains("x1=\"6.0\"") && marks.contains("x2=\"43.3\""), "{marks}");
    }

    #[test]
    fn a_parameter_with_many_values_has_a_scatter_elsewhere() {
        let numbers: Vec<(usize, f64)> = (0..80).map(|row| (row, row as f64)).collect();
        let cells: Vec<Cell> = (0..80).map(|row| Cell::Float(f64::from(row) / 10.0)).collect();
        assert!(by_value("lr", &numbers, &cells).is_empty());
    }
}
