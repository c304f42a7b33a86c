//! What a parameter changes: the main metric by each of its values, over all others.

use std::collections::BTreeMap;

use super::{
    chart::{Drawing, Range, ranges},
    grid::{cell_label, label, significant},
    limits::{CHART_LABEL, EFFECTS, VALUES},
};
use crate::{
    Cell, Comparison, Error, Runs,
    read::bare,
    statistics::{deviation, mean},
    text::inert_short,
};

/// One parameter.
pub(crate) struct Effect {
    pub(crate) parameter: String,
    pub(crate) values: Vec<Value>,
    pub(crate) drawing: Drawing,
}

/// The runs with one value of it, or with values between two.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Value {
    pub(crate) label: String,
    pub(crate) n: usize,
    pub(crate) mean: f64,
    pub(crate) deviation: Option<f64>,
    pub(crate) low: f64,
    pub(crate) high: f64,
}

impl Value {
    fn new(label: String, numbers: &[f64]) -> Option<Self> {
        Some(Self {
            label,
            n: numbers.len(),
            mean: mean(numbers)?,
            deviation: deviation(numbers),
            low: numbers.iter().copied().fold(f64::INFINITY, f64::min),
            high: numbers.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        })
    }

    /// Mean, deviation, lowest and highest as text.
    pub(crate) fn texts(&self) -> [String; 4] {
        let deviation = self.deviation.map_or_else(|| "–".into(), significant);
        [significant(self.mean), deviation, significant(self.low), significant(self.high)]
    }
}

/// The effects of every parameter that varies between the runs of a comparison.
pub(crate) fn effects(runs: &Runs, comparison: &Comparison) -> Result<Vec<Effect>, Error> {
    let numbers = values(runs, comparison)?;
    let mut effects = Vec::new();
    for parameter in runs.varying() {
        let cells = runs.cells(&parameter)?;
        let values = by_value(&numbers, &cells);
        if values.len() < 2 {
            continue;
        }
        let short: Vec<String> =
            values.iter().map(|value| inert_short(&value.label, CHART_LABEL)).collect();
        let rows: Vec<Range<'_>> = values
            .iter()
            .zip(&short)
            .map(|(value, label)| Range {
                label,
                mean: value.mean,
                low: value.low,
                high: value.high,
            })
            .collect();
        let drawing = ranges(&rows);
        effects.push(Effect { parameter: label(bare(&parameter)), values, drawing });
        if effects.len() == EFFECTS {
            break;
        }
    }
    Ok(effects)
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

/// One entry a value; where a number has many values, one for each eighth of the runs.
fn by_value(numbers: &[(usize, f64)], cells: &[Cell]) -> Vec<Value> {
    let mut groups = BTreeMap::<&Cell, Vec<f64>>::new();
    for (row, number) in numbers {
        groups.entry(&cells[*row]).or_default().push(*number);
    }
    if groups.len() <= VALUES {
        let value = |(cell, numbers): (&Cell, Vec<f64>)| Value::new(cell_label(cell), &numbers);
        return groups.into_iter().filter_map(value).collect();
    }
    let mut sorted: Vec<(f64, f64)> = Vec::new();
    for (cell, numbers) in &groups {
        let Some(position) = cell.number() else { return Vec::new() };
        sorted.extend(numbers.iter().map(|number| (position, *number)));
    }
    sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
    let chunk = |part: &[(f64, f64)]| {
        let (first, last) = (part.first()?.0, part.last()?.0);
        let numbers: Vec<f64> = part.iter().map(|(_, number)| *number).collect();
        Value::new(format!("{} to {}", significant(first), significant(last)), &numbers)
    };
    sorted.chunks(sorted.len().div_ceil(8)).filter_map(chunk).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_by_value() {
        let cells = [1, 2, 1, 2].map(Cell::Int);
        let numbers = [(0, 1.0), (1, 10.0), (2, 3.0), (3, 10.0)];
        let values = by_value(&numbers, &cells);
        let of = |label: &str, mean, deviation, low, high| Value {
            label: label.into(),
            n: 2,
            mean,
            deviation: Some(deviation),
            low,
            high,
        };
        assert_eq!(
            values,
            [of("1", 2.0, 2.0_f64.sqrt(), 1.0, 3.0), of("2", 10.0, 0.0, 10.0, 10.0)]
        );
    }

    #[test]
    fn many_numbers_are_eighths_and_many_texts_nothing() {
        let numbers: Vec<(usize, f64)> = (0..80).map(|row| (row, row as f64)).collect();
        let cells: Vec<Cell> = (0..80).map(|row| Cell::Float(f64::from(row) / 10.0)).collect();
        let values = by_value(&numbers, &cells);
        assert_eq!(values.len(), 8);
        assert_eq!(
            (values[0].label.as_str(), values[0].n, values[0].mean),
            ("0 to 0.9000", 10, 4.5)
        );
        let texts: Vec<Cell> = (0..80).map(|row| Cell::Text(row.to_string())).collect();
        assert!(by_value(&numbers, &texts).is_empty());
    }
}
