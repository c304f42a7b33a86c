//! What a paper printed, from `results/published/<experiment>/<table>.csv`.

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
};

use polars::prelude::{IntoLazy, LazyFrame};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::{Cell, Error, file::failed, plain::frame, text::is_plain};

const FIXED: [&str; 5] = ["metric", "value", "spread", "source", "confidence"];

/// One published number.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Theirs {
    /// The number, in the unit of the metric.
    pub value: f64,
    /// The number as it was printed.
    #[serde(skip)]
    pub printed: String,
    /// Its spread, where the paper gives one.
    pub spread: Option<f64>,
    /// Which paper and table.
    pub source: String,
    /// How sure the figure is, for example `verified` or `recalled`.
    pub confidence: String,
}

impl Theirs {
    /// How far the number may be off because it was printed with so many digits.
    pub(crate) fn rounding(&self) -> f64 {
        let (digits, exponent) = self.printed.split_once(['e', 'E']).unwrap_or((&self.printed, ""));
        let places = digits.split_once('.').map_or(0, |(_, places)| places.len()) as i32;
        0.5 * 10.0_f64.powi(exponent.parse::<i32>().unwrap_or(0) - places)
    }
}

/// A table of published numbers: parameter columns, then `metric,value,spread,source,confidence`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Published {
    parameters: Vec<String>,
    rows: Vec<Row>,
}

#[derive(Debug, Clone, PartialEq)]
struct Row {
    parameters: Vec<String>,
    metric: String,
    theirs: Theirs,
}

impl Published {
    /// Reads `<folder>/<name>.csv`, where `name` is `<experiment>/<table>`.
    ///
    /// # Errors
    /// [`Error::Name`] for a name of another form, otherwise as [`read`](Self::read).
    pub fn find(folder: &Path, name: &str) -> Result<Self, Error> {
        Self::read(&path_in(folder, name)?)
    }

    /// Reads the text of a table that has no file; `name` stands in its errors.
    ///
    /// # Errors
    /// [`Error::Published`] naming the line that is malformed.
    pub fn of_text(name: &str, text: &str) -> Result<Self, Error> {
        Self::parse(Path::new(name), text.as_bytes())
    }

    /// Reads one file.
    ///
    /// # Errors
    /// [`Error::Nothing`] when it does not exist, [`Error::Io`] when it cannot be opened,
    /// [`Error::Published`] naming the line that is malformed.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let file = match File::open(path) {
            Ok(file) => file,
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                return Err(Error::Nothing(format!("{} does not exist", path.display())));
            }
            Err(e) => return Err(failed("open", path, e)),
        };
        Self::parse(path, file)
    }

    fn parse(path: &Path, text: impl io::Read) -> Result<Self, Error> {
        let wrong = |line, what| Error::Published { path: PathBuf::from(path), line, what };
        let malformed = |e: csv::Error| {
            let line = e.position().map_or(1, csv::Position::line);
            wrong(line, e.to_string())
        };
        let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text);
        let header: Vec<String> =
            reader.headers().map_err(malformed)?.iter().map(str::to_owned).collect();
        let parameters = header.len().saturating_sub(FIXED.len());
        if header[parameters..] != FIXED {
            let wanted = FIXED.join(",");
            let what = format!("wanted a header ending in {wanted}, found {}", header.join(","));
            return Err(wrong(1, what));
        }
        let mut rows = Vec::new();
        for record in reader.records() {
            let record = record.map_err(malformed)?;
            let line = record.position().map_or(0, csv::Position::line);
            rows.push(row(&record, parameters).map_err(|what| wrong(line, what))?);
        }
        Ok(Self { parameters: header[..parameters].to_vec(), rows })
    }

    /// Names of the parameters that the numbers are given for.
    pub fn parameters(&self) -> &[String] {
        &self.parameters
    }

    /// Every number of a metric, with its parameters in the order of [`parameters`](Self::parameters).
    pub fn numbers(&self, metric: &str) -> impl Iterator<Item = (&[String], &Theirs)> {
        self.rows
            .iter()
            .filter(move |row| row.metric == metric)
            .map(|row| (row.parameters.as_slice(), &row.theirs))
    }

    /// The numbers as a frame: the columns of the file, typed by what they hold.
    pub fn lazy(&self) -> LazyFrame {
        let value = |text: &str| serde_json::from_str(text).unwrap_or_else(|_| Value::from(text));
        let fields = |row: &Row| {
            let Theirs { value: number, spread, source, confidence, .. } = &row.theirs;
            let names = self.parameters.iter().cloned();
            let mut fields: Map<String, Value> =
                names.zip(row.parameters.iter().map(|text| value(text))).collect();
            fields.extend([
                ("metric".into(), row.metric.as_str().into()),
                ("value".into(), (*number).into()),
                ("spread".into(), (*spread).into()),
                ("source".into(), source.as_str().into()),
                ("confidence".into(), confidence.as_str().into()),
            ]);
            Value::Object(fields)
        };
        let rows: Vec<Value> = self.rows.iter().map(fields).collect();
        frame(&rows).lazy()
    }

    /// Where a value of a parameter first stands in the table; last for one that does not.
    pub(crate) fn position(&self, parameter: &str, value: &Cell) -> usize {
        let column = self.parameters.iter().position(|name| name == parameter);
        column
            .and_then(|at| self.rows.iter().position(|row| value.matches(&row.parameters[at])))
            .unwrap_or(usize::MAX)
    }
}

/// `<folder>/<experiment>/<table>.csv`.
pub(super) fn path_in(folder: &Path, name: &str) -> Result<PathBuf, Error> {
    match name.split_once('/') {
        Some((experiment, table)) if is_plain(experiment) && is_plain(table) => {
            Ok(folder.join(experiment).join(format!("{table}.csv")))
        }
        _ => Err(Error::Name { wanted: "<experiment>/<table>", found: name.into() }),
    }
}

fn row(record: &csv::StringRecord, parameters: usize) -> Result<Row, String> {
    let field = |at: usize| record[parameters + at].to_owned();
    let number = |name: &str, text: &str| {
        let parsed = text.parse::<f64>().ok().filter(|number| number.is_finite());
        parsed.ok_or_else(|| format!("{name}: wanted a number, found {text:?}"))
    };
    let spread = field(2);
    Ok(Row {
        parameters: record.iter().take(parameters).map(str::to_owned).collect(),
        metric: field(0),
        theirs: Theirs {
            value: number("value", &field(1))?,
            printed: field(1),
            spread: if spread.is_empty() { None } else { Some(number("spread", &spread)?) },
            source: field(3),
            confidence: field(4),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Published, Error> {
        Published::parse(Path::new("t.csv"), text.as_bytes())
    }

    #[test]
    fn values_have_the_place_of_their_first_row() {
        let header = "k,p,metric,value,spread,source,confidence\n";
        let table = parse(&format!("{header}1,0.5,a,1,,S,c\n1,0.10,a,2,,S,c\n")).unwrap();
        assert_eq!(table.position("p", &Cell::Float(0.1)), 1);
        assert_eq!(table.position("p", &Cell::Float(0.2)), usize::MAX);
    }

    #[test]
    fn a_number_is_known_to_half_of_its_last_digit() {
        let half = |printed: &str| {
            let text = format!("metric,value,spread,source,confidence\na,{printed},,S,verified\n");
            parse(&text).unwrap().numbers("a").next().unwrap().1.rounding()
        };
        let near = |a: f64, b: f64| (a - b).abs() < 1e-12 * b;
        assert!(near(half("100"), 0.5) && near(half("0.90"), 0.005) && near(half("1.5e3"), 50.0));
        assert!(near(half("-3"), 0.5) && near(half("2E-4"), 5e-5));
    }

    #[test]
    fn malformed_files_name_the_line() {
        let header = "k,metric,value,spread,source,confidence";
        let text = |rows: &str| parse(&format!("{header}\n{rows}")).unwrap_err().to_string();
        assert_eq!(
            text("1,acc,1,,S,c\n1,acc,x,,S,c"),
            "t.csv:3: value: wanted a number, found \"x\""
        );
        assert!(text("1,acc").starts_with("t.csv:2: "), "{}", text("1,acc"));
        assert_eq!(
            parse("k,value\n").unwrap_err().to_string(),
            "t.csv:1: wanted a header ending in metric,value,spread,source,confidence, found k,value"
        );
    }

    #[test]
    fn names_of_tables_stay_inside_their_folder() {
        for name in ["babi", "../dialog", "dialog/../babi", "dialog/", "a/b/c"] {
            let error = Published::find(Path::new("published"), name).unwrap_err();
            assert!(matches!(error, Error::Name { .. }), "{name}: {error}");
        }
    }
}
