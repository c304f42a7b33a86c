//! Comparisons as a sheet for people and as rows for machines.

use super::{
    Agreement, Axis, Comparison, Format, Passed, Standing, Summary, Theirs,
    best::has_alternatives,
    conditions,
    footer::notes,
    format::{self, Shown, Titled},
    gaps,
    labels::labels,
    records::Records,
    sheet::{Column, Entry, Number, Row, Sheet, mean, number, places, sentence, short},
};
use crate::{Cell, Error};

impl Comparison {
    /// The comparison as text that ends in a line break.
    ///
    /// Names are inert in every form: control characters, escape sequences and invisible characters
    /// are written out.
    pub fn render(&self, format: Format) -> String {
        format::text(std::slice::from_ref(self), format)
    }

    /// The bytes of a Parquet file with a row a cell, the columns being those of [`Format::Csv`].
    ///
    /// # Errors
    /// [`Error::Parquet`] when two columns have one name.
    pub fn to_parquet(&self) -> Result<Vec<u8>, Error> {
        format::to_parquet(std::slice::from_ref(self))
    }

    /// What a reader must know beside the numbers, one sentence each: which runs count and which do
    /// not, what was averaged over, how cells were tested, where the published numbers come from.
    pub fn footer(&self) -> Vec<String> {
        let marked = |note: &super::sheet::Note| note.when != super::sheet::When::Unmarked;
        notes(&[self]).into_iter().filter(marked).map(|note| note.text).collect()
    }

    /// Decimal places for the means.
    pub(crate) fn places(&self) -> Option<usize> {
        places(self.cells.iter().flatten().filter_map(|cell| cell.mean))
    }

    /// Whether the best is sought in each row.
    pub(super) fn is_by_row(&self) -> bool {
        has_alternatives(&conditions(&self.columns, &self.inner))
    }
}

impl Shown for Comparison {
    type Part = Self;

    fn sheet(&self) -> Sheet {
        sheet(&[self])
    }

    fn records(&self) -> Records {
        records(self)
    }

    fn parts(&self) -> Vec<Titled<'_, Self>> {
        vec![Titled { title: None, part: self }]
    }
}

/// Comparisons over the same rows and columns as one sheet, with a column a metric.
pub(super) fn sheet(all: &[&Comparison]) -> Sheet {
    let [first, ..] = all else { return Sheet::default() };
    let printed: Vec<&Comparison> = all.iter().copied().filter(|one| one.has_published()).collect();
    if first.lines && (1..all.len()).contains(&printed.len()) {
        // Beside published numbers nothing is said of metrics that have none.
        return sheet(&printed);
    }
    let subject = match all {
        [one] => format!("{}, {}", one.experiment, one.metric),
        _ => first.experiment.clone(),
    };
    let sheet = if first.lines { gaps::sheet(all) } else { grid(all) };
    Sheet { subject: sentence(&subject), notes: notes(all), ..sheet }
}

/// Columns that share one cell in every row.
struct Group {
    heads: Vec<String>,
    /// For each value of the cell its column, where there is one.
    columns: Vec<Option<usize>>,
}

fn groups(comparison: &Comparison) -> Vec<Group> {
    let Comparison { columns, inner, .. } = comparison;
    let outer = columns.names.len() - inner.names.len();
    let (texts, conditions) = (labels(columns), conditions(columns, inner));
    let mut groups: Vec<Group> = Vec::new();
    let mut keys: Vec<&[Cell]> = Vec::new();
    for (column, key) in columns.keys.iter().enumerate() {
        let at = keys.iter().position(|known| *known == &key[..outer]).unwrap_or_else(|| {
            let heads = texts[column][..outer].to_vec();
            keys.push(&key[..outer]);
            groups.push(Group { heads, columns: vec![None; inner.keys.len().max(1)] });
            groups.len() - 1
        });
        groups[at].columns[conditions[column]] = Some(column);
    }
    groups
}

fn grid(all: &[&Comparison]) -> Sheet {
    let first = all[0];
    let groups = groups(first);
    let outer = first.columns.names.len() - first.inner.names.len();
    let mut levels: Vec<String> =
        first.columns.names[..outer].iter().map(|name| short(name)).collect();
    let metrics = all.len() > 1 || levels.is_empty();
    let mut columns = Vec::new();
    for group in &groups {
        for comparison in all {
            let mut heads = group.heads.clone();
            if metrics {
                heads.push(short(&comparison.metric));
            }
            columns.push(Column { heads, ..Column::default() });
        }
    }
    if metrics {
        levels.push(String::new());
    }
    let places: Vec<Option<usize>> = all.iter().map(|comparison| comparison.places()).collect();
    let mut rows: Vec<Row> = Vec::new();
    for (row, labels) in labels(&first.rows).into_iter().enumerate() {
        let mut entries = Vec::new();
        for group in &groups {
            for (comparison, places) in all.iter().zip(&places) {
                let cell = |column: &Option<usize>| match column {
                    Some(column) => shown(&comparison.cells[row][*column], *places),
                    None => Number::plain("-"),
                };
                entries.push(group.columns.iter().map(cell).collect());
            }
        }
        rows.push(Row { labels, entries });
    }
    rows.extend(passed(all, &groups));
    Sheet {
        numbers: "mean",
        reading: reading(&first.inner),
        labels: first.rows.names.iter().map(|name| short(name)).collect(),
        levels,
        columns,
        rows,
        ..Sheet::default()
    }
}

/// What the values of a cell are.
fn reading(inner: &Axis) -> Option<String> {
    if inner.names.is_empty() {
        return None;
    }
    let names: Vec<String> = inner.names.iter().map(|name| short(name)).collect();
    let keys: Vec<String> = labels(inner).iter().map(|key| key.join(" ")).collect();
    Some(format!("{} {} in each cell", names.join(", "), keys.join(" / ")))
}

/// The row that counts the cells that pass.
fn passed(all: &[&Comparison], groups: &[Group]) -> Option<Row> {
    let label = all.iter().find_map(|comparison| comparison.passes.as_ref())?.label();
    let mut labels = vec![String::new(); all[0].rows.names.len()];
    labels.iter_mut().take(1).for_each(|first| first.clone_from(&label));
    let mut entries: Vec<Entry> = Vec::new();
    for group in groups {
        for comparison in all {
            let passed = |column: &Option<usize>| {
                let passes = comparison.passes.as_ref()?;
                column.map(|column| passes.columns[column])
            };
            let entry = |column| match passed(column) {
                Some(Passed { ours, published }) => Number {
                    published: published.map_or_else(String::new, |count| count.to_string()),
                    ..Number::plain(ours.to_string())
                },
                None => Number::plain("-"),
            };
            entries.push(group.columns.iter().map(entry).collect());
        }
    }
    Some(Row { labels, entries })
}

pub(super) fn shown(cell: &Summary, places: Option<usize>) -> Number {
    Number {
        text: cell.mean.map_or("-".into(), |value| mean(value, places)),
        spread: cell.deviation.map_or_else(String::new, |spread| number(spread, places)),
        standing: cell.standing,
        published: cell
            .published
            .as_ref()
            .map_or_else(String::new, |theirs| printed(theirs, places)),
        differs: cell.agreement == Some(Agreement::Differs),
    }
}

/// A published number as it was printed, or as ours are where it has many digits.
pub(super) fn printed(theirs: &Theirs, places: Option<usize>) -> String {
    const DIGITS: usize = 8;
    if theirs.printed.len() > DIGITS {
        number(theirs.value, places)
    } else {
        theirs.printed.clone()
    }
}

/// A row a cell.
pub(super) fn records(comparison: &Comparison) -> Records {
    let names = comparison.rows.names.iter().chain(&comparison.columns.names).cloned();
    let numbers = [
        "metric",
        "n",
        "mean",
        "deviation",
        "median",
        "low",
        "high",
        "standing",
        "p",
        "published",
        "spread",
        "gap",
        "source",
        "confidence",
        "agreement",
    ];
    let mut rows = Vec::new();
    for (row, cells) in comparison.rows.keys.iter().zip(&comparison.cells) {
        for (column, cell) in comparison.columns.keys.iter().zip(cells) {
            let key = row.iter().chain(column).cloned();
            rows.push(key.chain(record(&comparison.metric, cell)).collect());
        }
    }
    Records { names: names.chain(numbers.map(str::to_owned)).collect(), rows }
}

fn record(metric: &str, cell: &Summary) -> [Cell; 15] {
    let number = |value: Option<f64>| value.map_or(Cell::Null, Cell::Float);
    let text = |text: Option<&str>| text.map_or(Cell::Null, |text| Cell::Text(text.into()));
    let theirs = cell.published.as_ref();
    [
        text(Some(metric)),
        Cell::Int(cell.n as i128),
        number(cell.mean),
        number(cell.deviation),
        number(cell.median),
        number(cell.interval.map(|[low, _]| low)),
        number(cell.interval.map(|[_, high]| high)),
        text(cell.standing.map(Standing::name)),
        number(cell.p),
        number(theirs.map(|theirs| theirs.value)),
        number(theirs.and_then(|theirs| theirs.spread)),
        number(cell.gap),
        text(theirs.map(|theirs| theirs.source.as_str())),
        text(theirs.map(|theirs| theirs.confidence.as_str())),
        text(cell.agreement.map(Agreement::name)),
    ]
}
