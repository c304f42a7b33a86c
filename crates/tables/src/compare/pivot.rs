//! Runs sorted into cells.

use std::collections::{BTreeMap, BTreeSet};

use polars::prelude::*;

use super::{
    Agreement, Published, Request, Summary, Theirs,
    keyed::{ALL, Keyed, RUN, VALUE},
    theirs::{Known, THEIRS},
};
use crate::{
    Cell, Error, Runs,
    columns::{PARAMS, SEED, SPEC_ID},
    read::bare,
    statistics::{self, Bootstrap},
};

/// Full names of what makes rows and columns.
pub(super) struct Axes {
    pub(super) rows: Vec<String>,
    /// Those of the cells at the end.
    pub(super) columns: Vec<String>,
    /// How many of the columns stand side by side in one cell.
    pub(super) inner: usize,
}

impl Axes {
    /// The columns of a run table that a request names.
    pub(super) fn of(runs: &Runs, request: &Request) -> Result<Self, Error> {
        let resolve = |names: &[String]| -> Result<Vec<String>, Error> {
            names.iter().map(|name| runs.resolve(name)).collect()
        };
        Ok(Self {
            rows: resolve(&request.rows)?,
            columns: resolve(&[&request.columns[..], &request.cells].concat())?,
            inner: request.cells.len(),
        })
    }

    fn names(&self) -> Vec<String> {
        [&self.rows[..], &self.columns].concat()
    }
}

/// Where a cell stands.
const ROW: &str = "#row";
const COLUMN: &str = "#column";
/// The seeds of the runs of a cell.
const SEEDS: &str = "#seeds";

/// One side of a table.
pub(super) struct Side {
    /// Full names.
    pub(super) names: Vec<String>,
    /// The distinct keys in their order.
    pub(super) keys: Vec<Vec<Cell>>,
    /// The keys as columns, with where each stands.
    pub(super) frame: DataFrame,
}

/// Every column once, as queries want them.
fn distinct(columns: impl IntoIterator<Item = String>) -> Vec<Expr> {
    let mut seen = BTreeSet::new();
    columns.into_iter().filter(|name| seen.insert(name.clone())).map(col).collect()
}

impl Side {
    fn new(
        keyed: &Keyed,
        names: &[String],
        at: &str,
        published: Option<&Published>,
    ) -> PolarsResult<Self> {
        let keys = distinct(columns(keyed, names));
        let mut frame =
            keyed.placed().select(keys).unique(None, UniqueKeepStrategy::Any).collect()?;
        let mut cells = Vec::new();
        for name in names {
            cells.push(keyed.cells(name, frame.column(&keyed.key(name))?));
        }
        let key = |row: usize| cells.iter().map(|cells| cells[row].clone()).collect::<Vec<_>>();
        let mut order: Vec<usize> = (0..frame.height()).collect();
        order.sort_by_cached_key(|row| in_order(names, key(*row), published));
        let mut positions = vec![0_u32; order.len()];
        order.iter().zip(0..).for_each(|(row, position)| positions[*row] = position);
        frame.with_column(Column::new(at.into(), positions))?;
        Ok(Self { names: names.into(), keys: order.into_iter().map(key).collect(), frame })
    }
}

/// The columns of the keys of an axis; one that all runs have in common where it has no name.
fn columns(keyed: &Keyed, names: &[String]) -> Vec<String> {
    match names {
        [] => vec![ALL.into()],
        names => names.iter().map(|name| keyed.key(name)).collect(),
    }
}

/// What a key is sorted by: where the paper has it, and its value.
fn in_order(
    names: &[String],
    key: Vec<Cell>,
    published: Option<&Published>,
) -> Vec<(Option<usize>, Cell)> {
    let position = |(name, cell): (&String, Cell)| {
        (published.map(|table| table.position(bare(name), &cell)), cell)
    };
    names.iter().zip(key).map(position).collect()
}

/// Runs sorted into cells.
pub(super) struct Pivot<'a> {
    runs: &'a Runs,
    keyed: Keyed,
    /// Full names of the axes.
    names: Vec<String>,
    /// Full name of the metric; without one every run that has a place counts.
    value: Option<&'a str>,
    /// Rows and columns.
    pub(super) sides: [Side; 2],
    /// Keys of what stands side by side in a cell.
    pub(super) inner: Vec<Vec<Cell>>,
    /// Bare names of parameters that differ between the runs of one cell.
    pub(super) averaged_over: Vec<String>,
    published: Option<&'a Published>,
}

/// The runs of a cell that count.
struct Members {
    runs: Vec<u32>,
    values: Vec<f64>,
    seeds: Vec<Cell>,
    theirs: Option<Theirs>,
}

impl<'a> Pivot<'a> {
    /// Sorts the runs of a table by what stands in its columns or, where that hides what runs of one
    /// cell and one seed differ in, by what was written.
    ///
    /// # Errors
    /// [`Error::Unknown`] for a table without the columns of every run table; [`Error::Io`] or
    /// [`Error::Parquet`] naming a file.
    pub(super) fn new(
        runs: &'a Runs,
        axes: &Axes,
        value: Option<&'a str>,
        published: Option<&'a Published>,
    ) -> Result<Self, Error> {
        let names = axes.names();
        let failed = |source| runs.failed(source);
        let mut others = runs.varying();
        let theirs = published.map_or(&[][..], Published::parameters);
        let theirs = theirs.iter().map(|parameter| format!("{PARAMS}{parameter}"));
        others.extend(theirs.filter(|name| runs.column(name).is_ok()));
        let keyed = Keyed::new(runs, &names, &others)?;
        let mut pivot = Self {
            sides: sides(&keyed, axes, published).map_err(failed)?,
            runs,
            keyed,
            names,
            value,
            inner: Vec::new(),
            averaged_over: Vec::new(),
            published,
        };
        pivot.averaged_over = pivot.mixed().map_err(failed)?;
        if pivot.averaged_over.is_empty() && !pivot.same_seed().map_err(failed)?.is_empty() {
            let written = pivot.keyed.write(runs, &pivot.names)?;
            pivot.sides = sides(&pivot.keyed, axes, published).map_err(failed)?;
            let pairs = pivot.same_seed().map_err(failed)?;
            let hidden: BTreeSet<String> =
                pairs.into_iter().flat_map(|pair| written.differences(pair)).collect();
            pivot.averaged_over = hidden.into_iter().collect();
        }
        if axes.inner > 0 {
            let first = axes.columns.len() - axes.inner;
            let keys: BTreeSet<&[Cell]> =
                pivot.sides[1].keys.iter().map(|key| &key[first..]).collect();
            pivot.inner = keys.into_iter().map(<[Cell]>::to_vec).collect();
            let names = &axes.columns[first..];
            pivot.inner.sort_by_cached_key(|key| in_order(names, key.clone(), published));
        }
        Ok(pivot)
    }

    /// The runs that count.
    fn members(&self) -> LazyFrame {
        match self.value {
            Some(value) => self.keyed.counted(value),
            None => self.keyed.placed(),
        }
    }

    /// What runs of one cell have in common.
    fn keys(&self) -> Vec<String> {
        self.sides.iter().flat_map(|side| columns(&self.keyed, &side.names)).collect()
    }

    /// Bare names of the parameters that differ between the runs of one cell.
    fn mixed(&self) -> PolarsResult<Vec<String>> {
        let mut names = self.runs.varying();
        names.retain(|name| !self.names.contains(name));
        if names.is_empty() {
            return Ok(names);
        }
        // A key of the groups can have the name of a parameter.
        let columns: Vec<String> = (0..names.len()).map(|at| format!("#differs.{at}")).collect();
        let differs = |(name, column): (&String, &String)| {
            col(self.keyed.key(name)).n_unique().gt(lit(1)).alias(column)
        };
        let frame = self
            .members()
            .group_by(distinct(self.keys()))
            .agg(names.iter().zip(&columns).map(differs).collect::<Vec<_>>())
            .select(columns.iter().map(|column| col(column).any(true)).collect::<Vec<_>>())
            .collect()?;
        let mut mixed = Vec::new();
        for (name, column) in names.iter().zip(&columns) {
            if frame.column(column)?.bool()?.get(0) == Some(true) {
                mixed.push(bare(name).to_owned());
            }
        }
        Ok(mixed)
    }

    /// Runs of one cell and one seed that answer different requests, as pairs.
    fn same_seed(&self) -> PolarsResult<Vec<[usize; 2]>> {
        let frame = self
            .members()
            .group_by(distinct(self.keys().into_iter().chain([SEED.into()])))
            .agg([col(RUN), len().alias("#count")])
            .filter(col("#count").gt(lit(1)))
            .collect()?;
        let specs = self.runs.frame().column(SPEC_ID)?.str()?;
        let mut pairs = Vec::new();
        for same in lists(frame.column(RUN)?, numbers)? {
            let [first, others @ ..] = &same[..] else { continue };
            let spec = specs.get(*first as usize);
            let differ = others.iter().filter(|other| specs.get(**other as usize) != spec);
            pairs.extend(differ.map(|other| [*first as usize, *other as usize]));
        }
        Ok(pairs)
    }

    /// The runs that have a place, with it.
    ///
    /// # Errors
    /// [`Error::Parquet`] for a table that cannot be asked for it.
    pub(super) fn places(&self) -> Result<Vec<(usize, [usize; 2])>, Error> {
        let places = || {
            let wanted = [RUN, ROW, COLUMN];
            let frame = self.positions(self.keyed.placed()).select(wanted.map(col)).collect()?;
            let [run, row, column] = wanted.map(|name| frame.column(name));
            let places = run?.u32()?.iter().zip(row?.u32()?.iter()).zip(column?.u32()?.iter());
            let number = |number: Option<u32>| number.unwrap_or_default() as usize;
            let place = |((run, row), column)| (number(run), [number(row), number(column)]);
            Ok(places.map(place).collect())
        };
        places().map_err(|source| self.runs.failed(source))
    }

    /// What has keys, with where these stand.
    fn positions(&self, keyed: LazyFrame) -> LazyFrame {
        self.sides.iter().fold(keyed, |keyed, side| {
            beside(keyed, side.frame.clone().lazy(), distinct(columns(&self.keyed, &side.names)))
        })
    }

    /// The runs that count, each as its row and its value.
    ///
    /// # Errors
    /// As [`places`](Self::places).
    pub(super) fn counted(&self) -> Result<Vec<(usize, f64)>, Error> {
        let counted = || {
            let frame = self.members().select([RUN, VALUE].map(col)).collect()?;
            let runs = frame.column(RUN)?.u32()?.iter().flatten().map(|run| run as usize);
            Ok(runs.zip(frame.column(VALUE)?.f64()?.iter().flatten()).collect())
        };
        counted().map_err(|source| self.runs.failed(source))
    }

    /// The summaries of all cells, row by row, without tests.
    ///
    /// # Errors
    /// As [`places`](Self::places).
    pub(super) fn summaries(&self) -> Result<Vec<Vec<Summary>>, Error> {
        let cells = self.cells().map_err(|source| self.runs.failed(source))?;
        let samples: Vec<&[f64]> = cells.iter().map(|cell| &*cell.values).collect();
        let intervals = Bootstrap::default().intervals(&samples);
        let all = cells.into_iter().zip(intervals);
        let mut all = all.map(|(cell, interval)| Summary { interval, ..cell.summary() });
        let [rows, columns] = [0, 1].map(|side| self.sides[side].keys.len());
        Ok((0..rows).map(|_| all.by_ref().take(columns).collect()).collect())
    }

    /// The members of all cells, row by row; of some there are none.
    fn cells(&self) -> PolarsResult<Vec<Members>> {
        let known = Known::new(self.published, self.runs, &self.keyed, &self.names);
        let [rows, columns] = [(0, ROW), (1, COLUMN)].map(|(side, at)| {
            let side = &self.sides[side];
            let mut wanted = vec![col(at)];
            wanted.extend(known.of_keys(&side.names));
            side.frame.clone().lazy().select(wanted)
        });
        let mut members = vec![col(RUN), col(VALUE), col(SEED).alias(SEEDS)];
        members.extend(known.of_members());
        let cells = self.members().group_by(distinct(self.keys())).agg(members);
        let keys = self.keys();
        let cells = self.positions(cells).drop(by_name(keys, false, false));
        let grid = beside(rows.cross_join(columns, None), cells, vec![col(ROW), col(COLUMN)]);
        let metric = self.value.map_or("", bare);
        let frame = known
            .join(grid, self.keyed.runs(), metric)?
            .sort([ROW, COLUMN], SortMultipleOptions::default())
            .select([RUN, VALUE, SEEDS, THEIRS].map(col))
            .collect()?;
        let theirs: Vec<&Theirs> =
            self.published.iter().flat_map(|all| all.numbers(metric)).map(|(_, one)| one).collect();
        let runs = lists(frame.column(RUN)?, numbers)?;
        let values = lists(frame.column(VALUE)?, |all| Ok(all.f64()?.iter().flatten().collect()))?;
        let seeds = lists(frame.column(SEEDS)?, |all| {
            Ok(all.iter().map(|seed| Cell::of(&seed)).collect())
        })?;
        let published = frame.column(THEIRS)?.u32()?.iter();
        let cells = runs.into_iter().zip(values).zip(seeds).zip(published);
        let cell = |(((runs, values), seeds), published): (_, Option<u32>)| {
            let theirs = published.map(|at| theirs[at as usize].clone());
            Members { runs, values, seeds, theirs }
        };
        Ok(cells.map(cell).collect())
    }
}

fn sides(keyed: &Keyed, axes: &Axes, published: Option<&Published>) -> PolarsResult<[Side; 2]> {
    let rows = Side::new(keyed, &axes.rows, ROW, published)?;
    Ok([rows, Side::new(keyed, &axes.columns, COLUMN, published)?])
}

/// A table with what another has where both have the same in some columns.
pub(super) fn beside(left: LazyFrame, right: LazyFrame, on: Vec<Expr>) -> LazyFrame {
    left.join_builder().with(right).on(on).how(JoinType::Left).join_nulls(true).finish()
}

/// A column of lists; no list is an empty one.
fn lists<T>(
    column: &Column,
    of: impl Fn(&Series) -> PolarsResult<Vec<T>>,
) -> PolarsResult<Vec<Vec<T>>> {
    let lists = column.list()?.amortized_iter();
    lists.map(|list| list.map_or(Ok(Vec::new()), |list| of(list.as_ref()))).collect()
}

fn numbers(list: &Series) -> PolarsResult<Vec<u32>> {
    Ok(list.u32()?.iter().flatten().collect())
}

impl Members {
    /// Everything but the interval and tests.
    fn summary(self) -> Summary {
        let mut by_seed = BTreeMap::<Cell, Vec<f64>>::new();
        let mut members = BTreeMap::<Cell, Vec<usize>>::new();
        for ((run, value), seed) in self.runs.iter().zip(&self.values).zip(self.seeds) {
            by_seed.entry(seed.clone()).or_default().push(*value);
            members.entry(seed).or_default().push(*run as usize);
        }
        let one = |(seed, values): (Cell, Vec<f64>)| Some((seed, statistics::mean(&values)?));
        let [mean, deviation, median] =
            [statistics::mean, statistics::deviation, statistics::median]
                .map(|of| of(&self.values));
        let gap = mean.zip(self.theirs.as_ref()).map(|(mean, theirs)| mean - theirs.value);
        Summary {
            n: self.values.len(),
            mean,
            deviation,
            median,
            interval: None,
            standing: None,
            test: None,
            p: None,
            seeds: by_seed.into_iter().filter_map(one).collect(),
            members,
            agreement: gap
                .zip(self.theirs.as_ref())
                .map(|(gap, theirs)| Agreement::of(gap, deviation, theirs)),
            gap,
            published: self.theirs,
        }
    }
}
