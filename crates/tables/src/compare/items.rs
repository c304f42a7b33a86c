//! Values of single test items, by run.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use experiment::{Items, Ranking, Sample, Scored, Statistic};
use polars::prelude::*;

use super::sheet::{number, places};
use crate::{Error, Runs, columns::RUN_ID, read::files_in, scan::Table, statistics::Bootstrap};

/// What the runs of a run table left about their test items.
pub(super) struct Scores {
    pub(super) statistic: Statistic,
    scale: f64,
    /// By row of the run table.
    runs: HashMap<usize, Run>,
    /// Why some runs are as if they had left nothing: how many, and what one of them has.
    refused: BTreeMap<String, (usize, String)>,
}

/// The items of one run, in ascending order, and what it left about them.
struct Run {
    items: Vec<u32>,
    sample: Sample,
}

/// What one run left, while it is read.
#[derive(Default)]
struct Rows {
    items: Vec<u32>,
    classes: Vec<u32>,
    /// So many numbers a row as its columns have, NaN for what is no number.
    numbers: Vec<f64>,
}

/// Why the items of a run are not used, and an example that differs from run to run.
type Refusal = (String, String);

/// How far the statistic of a run's items may be from its metric, relative to both.
const ROUNDING: f64 = 1e-3;

impl Scores {
    /// Reads the table that `items` names. Runs without it have no items; so have those whose items
    /// do not make their metric in `values`, by row of the run table.
    ///
    /// # Errors
    /// [`Error::Parquet`] or [`Error::Layout`] naming the file.
    pub(super) fn read(runs: &Runs, items: &Items, values: &[(usize, f64)]) -> Result<Self, Error> {
        let statistic = &items.statistic;
        let mut scores = Self {
            statistic: statistic.clone(),
            scale: items.scale.into(),
            runs: HashMap::new(),
            refused: BTreeMap::new(),
        };
        let values: HashMap<usize, f64> = values.iter().copied().collect();
        for (row, rows) in read(runs, items)? {
            let run = rows.finish(statistic);
            match run.and_then(|run| scores.check(run, values.get(&row).copied())) {
                Ok(run) => drop(scores.runs.insert(row, run)),
                Err((why, example)) => scores.refused.entry(why).or_insert((0, example)).0 += 1,
            }
        }
        Ok(scores)
    }

    /// The run, where its items make the metric that it reported.
    fn check(&self, run: Run, reported: Option<f64>) -> Result<Run, Refusal> {
        let (made, Some(reported)) = (self.scale * run.sample.all(), reported) else {
            return Ok(run);
        };
        let near = (made - reported).abs() <= ROUNDING * made.abs().max(reported.abs());
        // What is no number, on either side, is no reason to doubt the items.
        if near || !made.is_finite() || !reported.is_finite() {
            return Ok(run);
        }
        let places = places([made, reported].into_iter());
        let [made, reported] = [made, reported].map(|value| number(value, places));
        let why = format!("{} of them is not what was reported", self.statistic.name());
        Err((why, format!(", for example {made} in place of {reported}")))
    }

    /// Why runs are as if they had left nothing, a sentence a reason.
    pub(super) fn refused(&self) -> Vec<String> {
        let told = |(why, (runs, example)): (&String, &(usize, String))| {
            let runs = if *runs == 1 { "1 run".into() } else { format!("{runs} runs") };
            format!("items of {runs} are not used: {why}{example}")
        };
        self.refused.iter().map(told).collect()
    }

    /// The samples of two runs that are of the same items.
    pub(super) fn pair(&self, a: usize, b: usize) -> Option<[&Sample; 2]> {
        let (a, b) = (self.runs.get(&a)?, self.runs.get(&b)?);
        (a.items == b.items).then_some([&a.sample, &b.sample])
    }

    /// The interval of the mean of runs over draws of runs and items, where the statistic is no mean
    /// and all runs have the same items.
    pub(super) fn interval(&self, runs: &[usize]) -> Option<[f64; 2]> {
        if matches!(self.statistic, Statistic::Mean { .. }) {
            return None;
        }
        let first = *runs.first()?;
        let sample = |run: &usize| self.pair(first, *run).map(|[_, sample]| sample);
        let samples: Vec<&Sample> = runs.iter().map(sample).collect::<Option<_>>()?;
        let interval = Bootstrap::default().interval_over_items(&samples)?;
        Some(interval.map(|end| self.scale * end))
    }
}

/// The rows of the table by row of the run table.
fn read(runs: &Runs, items: &Items) -> Result<BTreeMap<usize, Rows>, Error> {
    let ids = runs.cells(RUN_ID)?;
    let rows: HashMap<String, usize> =
        ids.iter().enumerate().map(|(row, id)| (id.to_string(), row)).collect();
    let (mut keys, mut classes) = (Names::default(), Names::default());
    let mut wanted = BTreeSet::from([RUN_ID, &*items.key]);
    wanted.extend(class(&items.statistic));
    wanted.extend(columns(&items.statistic).into_iter().map(|(name, _)| name));
    let mut found = BTreeMap::<usize, Rows>::new();
    for path in files_in(&runs.folder().join(&*items.table))? {
        let Some(table) = Table::open(&path)? else { continue };
        let parquet = |source| Error::Parquet { path: path.clone(), source };
        let mut lazy = table.lazy()?;
        let schema = lazy.collect_schema().map_err(parquet)?;
        let needed = wanted.iter().filter(|name| schema.contains(name));
        let needed: Vec<Expr> = needed.map(|name| col(*name)).collect();
        let frame = lazy.select(needed).collect().map_err(parquet)?;
        let cast = |name: &str, kind: &DataType| {
            let cast = frame.column(name).and_then(|column| column.strict_cast(kind));
            cast.map_err(|_| Error::Layout {
                path: path.clone(),
                wanted: format!("a column {name} of {kind}"),
            })
        };
        let [ids, item] = [RUN_ID, &*items.key].map(|name| cast(name, &DataType::String));
        let (ids, item) = (ids?, item?);
        let (ids, item) = (ids.str().map_err(parquet)?, item.str().map_err(parquet)?);
        let class =
            class(&items.statistic).map(|name| cast(name, &DataType::String)).transpose()?;
        let class = class.as_ref().map(Column::str).transpose().map_err(parquet)?;
        let mut numbers = Vec::new();
        for (name, width) in columns(&items.statistic) {
            let kind = if width == 1 {
                DataType::Float64
            } else {
                DataType::List(Box::new(DataType::Float64))
            };
            numbers.push(Numbers::of(&cast(name, &kind)?, width).map_err(parquet)?);
        }
        for row in 0..frame.height() {
            let run = ids.get(row).and_then(|id| rows.get(id));
            let (Some(run), Some(item)) = (run, item.get(row)) else { continue };
            let own = found.entry(*run).or_default();
            own.items.push(keys.number(item));
            if let Some(class) = &class {
                own.classes.push(classes.number(class.get(row).unwrap_or_default()));
            }
            numbers.iter().for_each(|numbers| own.numbers.extend_from_slice(numbers.row(row)));
        }
    }
    Ok(found)
}

/// Columns of numbers, each with how many it has a row.
fn columns(statistic: &Statistic) -> Vec<(&str, usize)> {
    match statistic {
        Statistic::Mean { score } => vec![(score, 1)],
        Statistic::Ratio { numerator, denominator } => vec![(numerator, 1), (denominator, 1)],
        Statistic::Bleu { matches, totals, candidate, reference } => {
            vec![(matches, 4), (totals, 4), (candidate, 1), (reference, 1)]
        }
        Statistic::MeanAveragePrecision { score, label, .. } => vec![(score, 1), (label, 1)],
    }
}

fn class(statistic: &Statistic) -> Option<&str> {
    match statistic {
        Statistic::MeanAveragePrecision { class, .. } => Some(class),
        _ => None,
    }
}

/// A column of numbers, NaN for what is none.
struct Numbers {
    width: usize,
    all: Vec<f64>,
}

impl Numbers {
    fn of(column: &Column, width: usize) -> PolarsResult<Self> {
        if width == 1 {
            let all = column.f64()?.iter().map(|number| number.unwrap_or(f64::NAN)).collect();
            return Ok(Self { width, all });
        }
        let mut all = Vec::with_capacity(column.len() * width);
        for list in column.list()?.amortized_iter() {
            let numbers = list.as_ref().map(|list| list.as_ref().f64()).transpose()?;
            match numbers.filter(|numbers| numbers.len() == width) {
                Some(numbers) => {
                    all.extend(numbers.iter().map(|number| number.unwrap_or(f64::NAN)));
                }
                None => all.extend(std::iter::repeat_n(f64::NAN, width)),
            }
        }
        Ok(Self { width, all })
    }

    fn row(&self, row: usize) -> &[f64] {
        &self.all[row * self.width..][..self.width]
    }
}

/// Numbers for names, in the order in which they are seen first.
#[derive(Default)]
struct Names(HashMap<String, u32>);

impl Names {
    fn number(&mut self, name: &str) -> u32 {
        if let Some(number) = self.0.get(name) {
            return *number;
        }
        let number = self.0.len() as u32;
        self.0.insert(name.to_owned(), number);
        number
    }
}

impl Rows {
    /// The items of the run, or why they make nothing.
    fn finish(self, statistic: &Statistic) -> Result<Run, Refusal> {
        if self.numbers.iter().any(|number| number.is_nan()) {
            return Err(("a row lacks a number".into(), String::new()));
        }
        let items: BTreeSet<u32> = self.items.iter().copied().collect();
        let items: Vec<u32> = items.into_iter().collect();
        let sample = match statistic {
            Statistic::Mean { .. } => Sample::Mean(self.sorted::<1>()?.concat()),
            Statistic::Ratio { .. } => Sample::Ratio(self.sorted()?),
            Statistic::Bleu { .. } => Sample::Bleu(self.sorted()?),
            Statistic::MeanAveragePrecision { .. } => {
                let places = self.items.iter().map(|item| items.binary_search(item).unwrap_or(0));
                let numbers = self.numbers.as_chunks::<2>().0;
                let scored = places.zip(&self.classes).zip(numbers);
                let scored = scored.map(|((item, class), [score, label])| Scored {
                    item: item as u32,
                    class: *class,
                    score: *score,
                    label: *label != 0.0,
                });
                Sample::MeanAveragePrecision(Ranking::new(items.len(), scored.collect()))
            }
        };
        Ok(Run { items, sample })
    }

    /// The numbers of each item, in ascending order of the items.
    fn sorted<const K: usize>(&self) -> Result<Vec<[f64; K]>, Refusal> {
        let rows = self.items.iter().zip(self.numbers.as_chunks::<K>().0);
        let mut rows: Vec<(u32, [f64; K])> = rows.map(|(item, row)| (*item, *row)).collect();
        rows.sort_unstable_by_key(|(item, _)| *item);
        if rows.windows(2).any(|two| two[0].0 == two[1].0) {
            return Err(("an item has two rows".into(), String::new()));
        }
        Ok(rows.into_iter().map(|(_, row)| row).collect())
    }
}
