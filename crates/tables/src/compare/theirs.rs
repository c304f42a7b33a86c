//! Published numbers beside cells.

use polars::prelude::*;

use super::{
    Published,
    keyed::{ALL, Keyed, RUN},
    pivot::beside,
};
use crate::{Cell, Runs, columns::PARAMS};

/// Which number of a metric, counted from 0, stands beside a cell.
pub(super) const THEIRS: &str = "#theirs";

/// The parameters of published numbers that we have too. The others are open: they may be anything.
pub(super) struct Known<'a> {
    published: Option<&'a Published>,
    parameters: Vec<Parameter<'a>>,
}

struct Parameter<'a> {
    /// Where it stands among those of the published numbers.
    at: usize,
    /// Full name of our parameter.
    name: String,
    /// The column of its key.
    key: String,
    kind: Kind<'a>,
    /// Whether it is on an axis, so that all runs of a cell have the same; what the runs have otherwise.
    on_axis: bool,
}

/// How our values are compared with texts.
#[derive(Clone, Copy)]
enum Kind<'a> {
    Number,
    Text,
    /// Our values are numbered.
    Numbered(&'a [Cell]),
}

impl Parameter<'_> {
    /// Our value.
    fn ours(&self) -> Expr {
        let key = col(&*self.key);
        match self.kind {
            Kind::Number => key.cast(DataType::Float64),
            Kind::Text => key.cast(DataType::String).fill_null(lit("-")),
            Kind::Numbered(_) => key,
        }
    }

    fn column(&self) -> String {
        format!("#known.{}", self.at)
    }

    /// The column that says whether all runs of a cell have the same.
    fn agreed(&self) -> String {
        format!("#agreed.{}", self.at)
    }

    /// The same of a cell without runs: of all runs.
    fn of_all(column: &str) -> String {
        format!("{column}.all")
    }

    /// What runs have, and whether all have the same.
    fn of_runs(&self) -> [Expr; 2] {
        [self.ours().first(), self.ours().n_unique().eq(lit(1))]
    }

    fn dtype(&self) -> DataType {
        match self.kind {
            Kind::Number => DataType::Float64,
            Kind::Text => DataType::String,
            Kind::Numbered(_) => DataType::UInt32,
        }
    }

    /// Which of our values a text means.
    fn meant(&self, text: &str) -> Vec<AnyValue<'static>> {
        match self.kind {
            Kind::Number if text == "-" => vec![AnyValue::Null],
            Kind::Number => {
                let number = text.parse().ok().filter(|number: &f64| !number.is_nan());
                number.into_iter().map(AnyValue::Float64).collect()
            }
            Kind::Text => vec![AnyValue::StringOwned(text.into())],
            Kind::Numbered(cells) => {
                let meant = cells.iter().zip(0..).filter(|(cell, _)| cell.matches(text));
                meant.map(|(_, number)| AnyValue::UInt32(number)).collect()
            }
        }
    }
}

impl<'a> Known<'a> {
    /// What is known of runs whose cells are made by the columns `axes`.
    pub(super) fn new(
        published: Option<&'a Published>,
        runs: &Runs,
        keyed: &'a Keyed,
        axes: &[String],
    ) -> Self {
        let names = published.map_or(&[][..], Published::parameters);
        let parameter = |(at, name): (usize, &String)| {
            let name = format!("{PARAMS}{name}");
            let column = runs.column(&name).ok()?;
            let kind = match keyed.numbered(&name) {
                Some(cells) => Kind::Numbered(cells),
                None if column.dtype().is_primitive_numeric() => Kind::Number,
                None => Kind::Text,
            };
            let (key, on_axis) = (keyed.key(&name), axes.contains(&name));
            Some(Parameter { at, name, key, kind, on_axis })
        };
        Self { published, parameters: names.iter().enumerate().filter_map(parameter).collect() }
    }

    /// What the keys of an axis say.
    pub(super) fn of_keys(&self, names: &[String]) -> Vec<Expr> {
        let on_axis = self.parameters.iter().filter(|parameter| names.contains(&parameter.name));
        on_axis.map(|parameter| parameter.ours().alias(parameter.column())).collect()
    }

    /// Those that the runs of a cell say.
    fn off_axes(&self) -> impl Iterator<Item = &Parameter<'a>> {
        self.parameters.iter().filter(|parameter| !parameter.on_axis)
    }

    /// What the runs of a cell say.
    pub(super) fn of_members(&self) -> Vec<Expr> {
        let of_one = |parameter: &Parameter<'_>| {
            let [ours, agreed] = parameter.of_runs();
            [ours.alias(parameter.column()), agreed.alias(parameter.agreed())]
        };
        self.off_axes().flat_map(of_one).collect()
    }

    /// Cells with the one number of a metric that agrees with every parameter which both sides know;
    /// none where the runs of a cell disagree, or several do.
    pub(super) fn join(
        &self,
        cells: LazyFrame,
        runs: LazyFrame,
        metric: &str,
    ) -> PolarsResult<LazyFrame> {
        let Some(published) = self.published else {
            return Ok(cells.with_column(lit(NULL).cast(DataType::UInt32).alias(THEIRS)));
        };
        let theirs = self.theirs(published, metric)?;
        let columns = self.parameters.iter().map(Parameter::column);
        let on = columns.chain([ALL.to_owned()]).map(col).collect();
        let agreed = self.off_axes().map(|parameter| col(parameter.agreed())).reduce(Expr::and);
        let agreed = agreed.unwrap_or_else(|| lit(true));
        let cells = self.with_empty(cells, runs).with_column(lit(0_u32).alias(ALL));
        let number = when(agreed).then(col(THEIRS)).otherwise(lit(NULL)).alias(THEIRS);
        Ok(beside(cells, theirs, on).with_column(number))
    }

    /// Cells that have no runs with what all runs say.
    fn with_empty(&self, cells: LazyFrame, runs: LazyFrame) -> LazyFrame {
        let mut of_all = Vec::new();
        let mut filled = Vec::new();
        for parameter in self.off_axes() {
            let columns = [parameter.column(), parameter.agreed()];
            for (value, column) in parameter.of_runs().into_iter().zip(columns) {
                let all = Parameter::of_all(&column);
                of_all.push(value.alias(&*all));
                let value = when(col(RUN).is_null()).then(col(&*all)).otherwise(col(&*column));
                filled.push(value.alias(&*column));
            }
        }
        match of_all.is_empty() {
            true => cells,
            false => cells.cross_join(runs.select(of_all), None).with_columns(filled),
        }
    }

    /// The numbers that are the only ones of their parameters.
    fn theirs(&self, published: &Published, metric: &str) -> PolarsResult<LazyFrame> {
        let mut numbers = Vec::new();
        let mut columns = vec![Vec::new(); self.parameters.len()];
        for (number, (texts, _)) in (0_u32..).zip(published.numbers(metric)) {
            let mut rows = vec![Vec::new()];
            for parameter in &self.parameters {
                let meant = parameter.meant(&texts[parameter.at]);
                let with = |row: Vec<AnyValue<'static>>| {
                    let meant = meant.iter().cloned();
                    meant.map(move |value| [&row[..], &[value]].concat()).collect::<Vec<_>>()
                };
                rows = rows.into_iter().flat_map(with).collect();
            }
            for row in rows {
                numbers.push(number);
                columns.iter_mut().zip(row).for_each(|(column, value)| column.push(value));
            }
        }
        let height = numbers.len();
        let mut all = vec![
            Column::new_scalar(ALL.into(), Scalar::from(0_u32), height),
            Column::new(THEIRS.into(), numbers),
        ];
        for (parameter, values) in self.parameters.iter().zip(&columns) {
            let (name, kind) = (parameter.column().into(), parameter.dtype());
            all.push(Series::from_any_values_and_dtype(name, values, &kind, true)?.into_column());
        }
        let columns = self.parameters.iter().map(Parameter::column);
        let keys: Vec<Expr> = columns.chain([ALL.to_owned()]).map(col).collect();
        let only = DataFrame::new(height, all)?
            .lazy()
            .group_by(keys)
            .agg([len().alias("#numbers"), col(THEIRS).first()])
            .filter(col("#numbers").eq(lit(1)));
        Ok(only.drop(by_name(["#numbers"], true, false)))
    }
}
