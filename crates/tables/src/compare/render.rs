//! A comparison as text: for a terminal, for Markdown, for machines.

use std::fmt::Write;

use comfy_table::{CellAlignment, LineStyle, Table, presets};

use super::{Axis, Comparison, Standing, Summary, best::LEVEL, latex};
use crate::{
    Cell,
    text::{inert, inert_short},
};

/// A form in which a comparison can be printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// For a terminal, without colours.
    Table,
    /// A Markdown table.
    Markdown,
    /// A LaTeX table of the `booktabs` package.
    Latex,
    /// One line a cell.
    Csv,
    /// The whole [`Comparison`].
    Json,
}

/// Longest name or value in a table for people.
const WIDEST: usize = 60;

impl Comparison {
    /// The comparison as text that ends in a line break.
    ///
    /// Names are inert in every form: control characters, escape sequences and invisible characters
    /// are written out.
    pub fn render(&self, format: Format) -> String {
        match format {
            Format::Table => self.table(),
            Format::Markdown => self.markdown(),
            Format::Latex => self.latex(),
            Format::Csv => self.csv(),
            Format::Json => self.json(),
        }
    }

    /// What a reader must know beside the numbers, one sentence each: which runs count and which do
    /// not, what was averaged over, where the published numbers come from.
    pub fn footer(&self) -> Vec<String> {
        let cells = || self.cells.iter().flatten();
        let mut lines = Vec::new();
        let sizes = || cells().map(|cell| cell.n).filter(|n| *n > 0);
        let (fewest, most) = (sizes().min().unwrap_or(0), sizes().max().unwrap_or(0));
        let each = if fewest == most { most.to_string() } else { format!("{fewest} to {most}") };
        let counts = &self.runs;
        let runs = if counts.counted == 1 { "run" } else { "runs" };
        lines.push(format!("{} finished {runs}, {each} a cell", counts.counted));
        let left_out: Vec<String> = [
            (counts.failed, "failed"),
            (counts.unfinished, "not finished yet"),
            (counts.without_value, "finished without this metric"),
            (counts.superseded, "of an older version or other data"),
        ]
        .iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, what)| format!("{number} {what}"))
        .collect();
        if !left_out.is_empty() {
            lines.push(format!("left out: {}", left_out.join(", ")));
        }
        if !self.averaged_over.is_empty() {
            lines.push(format!("cells average over {}", self.averaged_over.join(", ")));
        }
        lines.extend(self.method());
        let mut sources: Vec<String> = cells()
            .filter_map(|cell| cell.published.as_ref())
            .map(|theirs| format!("{} ({})", theirs.source, theirs.confidence))
            .collect();
        sources.sort_unstable();
        sources.dedup();
        if !sources.is_empty() {
            lines.push(format!("published: {}", sources.join("; ")));
        }
        lines.iter().map(|line| inert(line).into_owned()).collect()
    }

    /// How the best cells were found and tested, and how the intervals were drawn.
    fn method(&self) -> Vec<String> {
        let cells = || self.cells.iter().flatten();
        let mut lines = Vec::new();
        if cells().any(|cell| cell.standing == Some(Standing::Best)) {
            let tests = || cells().filter_map(|cell| cell.test);
            let number = tests().count();
            let among = if self.columns.keys.len() > 1 { "its row" } else { "the table" };
            let degrees = || tests().map(|test| test.degrees as usize);
            lines.push(match (degrees().min(), degrees().max()) {
                (Some(fewest), Some(most)) => {
                    let range = |a: usize, b: usize| {
                        if a == b { a.to_string() } else { format!("{a} to {b}") }
                    };
                    format!(
                        "* best of {among}, † not distinguishable from it (p >= {LEVEL}): paired \
                         t-test over {} common seeds, {} degrees of freedom, Holm-corrected over \
                         {number} comparisons",
                        range(fewest + 1, most + 1),
                        range(fewest, most),
                    )
                }
                _ => format!("* best of {among}, not tested: fewer than two common seeds"),
            });
        }
        if self.lines {
            let draws = self.bootstrap.draws;
            lines.push(format!(
                "intervals: 95 % bootstrap percentiles of the mean, {draws} draws of seed {}",
                self.bootstrap.seed
            ));
        }
        lines
    }

    /// What the numbers are.
    fn caption(&self) -> String {
        let cells = || self.cells.iter().flatten();
        let mut legend = "mean".to_owned();
        if cells().any(|cell| cell.deviation.is_some()) {
            legend.push_str(" ± standard deviation");
        }
        if cells().any(|cell| cell.published.is_some()) {
            legend.push_str(" (published)");
        }
        if self.lines {
            legend = "a line a cell".into();
        }
        format!("{}, {}: {legend}", self.experiment, self.metric)
    }

    fn table(&self) -> String {
        let mut table = Table::new();
        table.load_style(presets::UTF8_HORIZONTAL_ONLY.row_separator(LineStyle::none()));
        table.set_header(self.header(&short));
        for row in self.body(&short, &plain_mark) {
            table.add_row(row);
        }
        for column in table.column_iter_mut().skip(self.labels()) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        let mut text = format!("{}\n", inert(&self.caption()));
        for line in table.lines() {
            text.push_str(line.trim_end());
            text.push('\n');
        }
        for line in self.footer() {
            text.push_str(&line);
            text.push('\n');
        }
        text
    }

    fn markdown(&self) -> String {
        let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
        let header: Vec<String> = self
            .header(&|text: &str| markdown_text(&short(text)))
            .iter()
            .map(|cell| cell.split('\n').map(str::trim).collect::<Vec<_>>().join("<br>"))
            .collect();
        let names = self.labels();
        let rule = (0..header.len()).map(|at| if at < names { "---" } else { "---:" }.to_owned());
        let mut text = format!("{}\n\n", markdown_text(&inert(&self.caption())));
        text.push_str(&line(header.clone()));
        text.push_str(&line(rule.collect()));
        for row in self.body(&|text: &str| markdown_text(&short(text)), &markdown_mark) {
            text.push_str(&line(row));
        }
        text.push('\n');
        for footer in self.footer() {
            let _ = writeln!(text, "- {}", markdown_text(&footer));
        }
        text
    }

    fn latex(&self) -> String {
        let safe = |text: &str| latex::latex_text(&short(text));
        let header: Vec<String> =
            self.header(&safe).iter().map(|cell| cell.replace('→', "$\\to$")).collect();
        let footer: Vec<String> =
            self.footer().iter().map(|line| latex::latex_text(line)).collect();
        let caption = latex::latex_text(&inert(&self.caption()));
        latex::table(&caption, self.labels(), &header, &self.body(&safe, &latex_mark), &footer)
    }

    /// How many columns hold names.
    fn labels(&self) -> usize {
        self.rows.names.len() + if self.lines { self.columns.names.len() } else { 0 }
    }

    /// One header cell a column, with a line for each name on the column axis. The last row name's
    /// header names these lines.
    fn header(&self, safe: &dyn Fn(&str) -> String) -> Vec<String> {
        let Axis { names, keys } = &self.columns;
        let mut header: Vec<String> = self.rows.names.iter().map(|name| safe(name)).collect();
        if self.lines {
            header.extend(names.iter().map(|name| safe(name)));
            header.extend(["n", "ours", "published", "gap", "95 % interval"].map(safe));
            return header;
        }
        let depth = names.len();
        if let Some((last, others)) = header.split_last_mut() {
            if depth > 0 {
                let columns: Vec<String> =
                    names.iter().map(|name| format!("{} →", safe(name))).collect();
                *last = format!("{}\n{last}", columns.join("\n"));
            }
            for other in others {
                *other = format!("{}{other}", "\n".repeat(depth));
            }
        }
        for key in keys {
            let lines: Vec<String> = key.iter().map(|cell| safe(&cell.to_string())).collect();
            header.push(if depth == 0 { safe(&self.metric) } else { lines.join("\n") });
        }
        header
    }

    fn body(
        &self,
        safe: &dyn Fn(&str) -> String,
        mark: &dyn Fn(String, Option<Standing>) -> String,
    ) -> Vec<Vec<String>> {
        let places = self.places();
        if self.lines {
            return self.body_lines(safe, mark, places);
        }
        let row = |(key, cells): (&Vec<Cell>, &Vec<Summary>)| {
            let key = key.iter().map(|cell| safe(&cell.to_string()));
            key.chain(cells.iter().map(|cell| cell_text(cell, places, mark))).collect()
        };
        self.rows.keys.iter().zip(&self.cells).map(row).collect()
    }

    fn body_lines(
        &self,
        safe: &dyn Fn(&str) -> String,
        mark: &dyn Fn(String, Option<Standing>) -> String,
        places: Option<usize>,
    ) -> Vec<Vec<String>> {
        let mut lines = Vec::new();
        let text = |value: Option<f64>| value.map_or("-".into(), |value| number(value, places));
        for (row, cells) in self.rows.keys.iter().zip(&self.cells) {
            for (column, cell) in self.columns.keys.iter().zip(cells) {
                let mut line: Vec<String> =
                    row.iter().chain(column).map(|cell| safe(&cell.to_string())).collect();
                let theirs = cell.published.as_ref().map(|theirs| theirs.value);
                let interval = cell.interval.map_or("-".into(), |[low, high]| {
                    format!("{} to {}", number(low, places), number(high, places))
                });
                line.extend([
                    cell.n.to_string(),
                    mark(text(cell.mean), cell.standing),
                    theirs.map_or("-".into(), |value| value.to_string()),
                    text(cell.gap),
                    interval,
                ]);
                lines.push(line);
            }
        }
        lines
    }

    /// Decimal places that leave three or four significant digits of the largest mean; none where
    /// only the exponent form is short.
    pub(crate) fn places(&self) -> Option<usize> {
        let means = self.cells.iter().flatten().filter_map(|cell| cell.mean).map(f64::abs);
        let largest = means.filter(|mean| mean.is_finite()).fold(0.0, f64::max);
        match largest {
            0.0 => Some(1),
            small if small < 1e-4 => None,
            small if small < 10.0 => Some((2.0 - small.log10().floor()) as usize),
            large if large < 1e3 => Some(1),
            large if large < 1e7 => Some(0),
            _ => None,
        }
    }

    fn csv(&self) -> String {
        let mut writer = csv::Writer::from_writer(Vec::new());
        let names = self.rows.names.iter().chain(&self.columns.names);
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
        ];
        let mut lines = vec![
            names.map(|name| inert(name).into_owned()).chain(numbers.map(str::to_owned)).collect(),
        ];
        for (row, cells) in self.rows.keys.iter().zip(&self.cells) {
            for (column, cell) in self.columns.keys.iter().zip(cells) {
                lines.push(self.csv_line(row.iter().chain(column), cell));
            }
        }
        for line in lines {
            let line: Vec<String> = line;
            writer.write_record(line).expect("every line has the same number of fields");
        }
        let bytes = writer.into_inner().expect("memory takes everything");
        String::from_utf8(bytes).expect("fields are text")
    }

    fn csv_line<'a>(&self, key: impl Iterator<Item = &'a Cell>, cell: &Summary) -> Vec<String> {
        let number = |value: Option<f64>| value.map(|v| v.to_string()).unwrap_or_default();
        let theirs = cell.published.as_ref();
        let text = |text: Option<&String>| text.map(|t| inert(t).into_owned()).unwrap_or_default();
        let key = key.map(|cell| match cell {
            Cell::Null => String::new(),
            cell => inert(&cell.to_string()).into_owned(),
        });
        key.chain([
            inert(&self.metric).into_owned(),
            cell.n.to_string(),
            number(cell.mean),
            number(cell.deviation),
            number(cell.median),
            number(cell.interval.map(|[low, _]| low)),
            number(cell.interval.map(|[_, high]| high)),
            cell.standing.map_or("", Standing::name).to_owned(),
            number(cell.p),
            number(theirs.map(|theirs| theirs.value)),
            number(theirs.and_then(|theirs| theirs.spread)),
            number(cell.gap),
            text(theirs.map(|theirs| &theirs.source)),
            text(theirs.map(|theirs| &theirs.confidence)),
        ])
        .collect()
    }

    fn json(&self) -> String {
        let text = serde_json::to_string_pretty(self).expect("a comparison serialises to JSON");
        let mut safe = String::with_capacity(text.len() + 1);
        for c in text.chars() {
            // JSON allows these raw, a terminal does not; they only occur inside strings.
            if c != '\n'
                && !matches!(inert(c.encode_utf8(&mut [0; 4])), std::borrow::Cow::Borrowed(_))
            {
                let mut units = [0; 2];
                for unit in c.encode_utf16(&mut units) {
                    let _ = write!(safe, "\\u{unit:04x}");
                }
            } else {
                safe.push(c);
            }
        }
        safe.push('\n');
        safe
    }
}

fn short(text: &str) -> String {
    inert_short(text, WIDEST)
}

/// `99.1 ±0.3 (99)`, without what is not known; `-` where no run counts.
fn cell_text(
    cell: &Summary,
    places: Option<usize>,
    mark: &dyn Fn(String, Option<Standing>) -> String,
) -> String {
    let mut text = cell.mean.map_or_else(|| "-".to_owned(), |mean| number(mean, places));
    if let Some(deviation) = cell.deviation {
        let _ = write!(text, " ±{}", number(deviation, places));
    }
    text = mark(text, cell.standing);
    if let Some(theirs) = &cell.published {
        let _ = write!(text, " ({})", theirs.value);
    }
    text
}

/// A number with so many decimal places, or in exponent form without.
pub(crate) fn number(value: f64, places: Option<usize>) -> String {
    match places {
        Some(places) => format!("{value:.places$}"),
        None => format!("{value:.2e}"),
    }
}

fn plain_mark(text: String, standing: Option<Standing>) -> String {
    match standing {
        Some(Standing::Best) => text + "*",
        Some(Standing::Tied) => text + "†",
        _ => text,
    }
}

fn markdown_mark(text: String, standing: Option<Standing>) -> String {
    plain_mark(text, standing).replace('*', "\\*")
}

fn latex_mark(text: String, standing: Option<Standing>) -> String {
    latex::latex_text(&plain_mark(text, standing))
}

/// `text` with everything that Markdown or HTML would interpret written as itself.
fn markdown_text(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '\\' | '|' | '`' | '*' | '[' | ']' | '!' | '#' | '~' => safe.extend(['\\', c]),
            _ => safe.push(c),
        }
    }
    safe
}
