//! A comparison as text: for a terminal, for Markdown, for machines.

use std::fmt::Write;

use super::{
    Axis, Comparison, Standing, Summary, Test,
    best::LEVEL,
    format::{Format, Shown},
    records::Records,
    sheet::{Sheet, number, places, sentence, short},
};
use crate::{Cell, Error, statistics::Bootstrap};

impl Comparison {
    /// The comparison as text that ends in a line break.
    ///
    /// Names are inert in every form: control characters, escape sequences and invisible characters
    /// are written out.
    pub fn render(&self, format: Format) -> String {
        self.text(format)
    }

    /// The bytes of a Parquet file with a row a cell, the columns being those of [`Format::Csv`].
    ///
    /// # Errors
    /// [`Error::Parquet`] when two columns have one name.
    pub fn to_parquet(&self) -> Result<Vec<u8>, Error> {
        self.parquet()
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
        lines.push(format!("{}, {each} a cell", counted(counts.counted, "finished run")));
        let left_out: Vec<String> = [
            (counts.failed, "failed"),
            (counts.unfinished, "not finished yet"),
            (counts.pruned, "pruned by a search"),
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
        lines.iter().map(|line| sentence(line)).collect()
    }

    /// How the best cells were found and tested, and how the intervals were drawn.
    fn method(&self) -> Vec<String> {
        let cells = || self.cells.iter().flatten();
        let mut lines = Vec::new();
        if cells().any(|cell| cell.standing == Some(Standing::Best)) {
            let among = if self.columns.keys.len() > 1 { "its row" } else { "the table" };
            let tests: Vec<Test> = cells().filter_map(|cell| cell.test).collect();
            if tests.is_empty() {
                lines.push(format!("* best of {among}, not tested: fewer than two common seeds"));
            } else {
                lines.push(format!(
                    "* best of {among}, † not distinguishable from it (p >= {LEVEL}): {}, \
                     Holm-corrected over {}",
                    self.tests(&tests),
                    counted(tests.len(), "comparison"),
                ));
                let fewest = tests.iter().map(Test::seeds).min().unwrap_or(0);
                lines.push(format!(
                    "the signs of {} alone cannot give a p below {}",
                    counted(fewest, "seed"),
                    power_of_half(fewest.saturating_sub(1)),
                ));
            }
        }
        if self.lines {
            let Bootstrap { draws, seed } = self.bootstrap;
            lines.push(format!(
                "intervals: 95 % bootstrap percentiles of the mean, {draws} draws of seed {seed}",
            ));
        }
        lines
    }

    /// Which tests, and over what.
    fn tests(&self, tests: &[Test]) -> String {
        let range = |numbers: Vec<usize>| match (numbers.iter().min(), numbers.iter().max()) {
            (Some(fewest), Some(most)) if fewest != most => format!("{fewest} to {most}"),
            (fewest, _) => fewest.unwrap_or(&0).to_string(),
        };
        let (mut seeds, mut sampled, mut items) = (Vec::new(), Vec::new(), Vec::new());
        for test in tests {
            match test {
                Test::PairedT(_) => seeds.push(test.seeds()),
                Test::HierarchicalBootstrap { items: number, .. } => {
                    sampled.push(test.seeds());
                    items.push(*number);
                }
            }
        }
        let mut names = Vec::new();
        if !items.is_empty() {
            let Bootstrap { draws, seed } = self.bootstrap;
            names.push(format!(
                "hierarchical paired bootstrap over common seeds ({}) and items ({}), {draws} \
                 draws of seed {seed}",
                range(sampled),
                range(items),
            ));
        }
        if !seeds.is_empty() {
            let degrees = range(seeds.iter().map(|seeds| seeds - 1).collect());
            names.push(format!(
                "paired t-test over common seeds ({}), {degrees} degrees of freedom",
                range(seeds)
            ));
        }
        names.join(", or ")
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

    /// A header cell a column, with a line for each name on the column axis. The last row name's
    /// header names these lines.
    fn header(&self) -> Vec<Vec<String>> {
        let Axis { names, keys } = &self.columns;
        let depth = names.len().max(1);
        let mut header: Vec<Vec<String>> = Vec::new();
        for (at, name) in self.rows.names.iter().enumerate() {
            let last = at + 1 == self.rows.names.len();
            let mut lines = vec![String::new(); names.len()];
            if last {
                lines = names.iter().map(|name| format!("{} →", short(name))).collect();
            }
            lines.push(short(name));
            header.push(lines);
        }
        for key in keys {
            let mut lines: Vec<String> = key.iter().map(|cell| short(&cell.to_string())).collect();
            if names.is_empty() {
                lines.push(short(&self.metric));
            }
            lines.resize(depth, String::new());
            header.push(lines);
        }
        header
    }

    fn body(&self) -> Vec<Vec<String>> {
        let places = self.places();
        let row = |(key, cells): (&Vec<Cell>, &Vec<Summary>)| {
            let key = key.iter().map(|cell| short(&cell.to_string()));
            key.chain(cells.iter().map(|cell| cell_text(cell, places))).collect()
        };
        let mut body: Vec<Vec<String>> = self.rows.keys.iter().zip(&self.cells).map(row).collect();
        if let Some(passes) = &self.passes {
            let mut last = vec![String::new(); self.rows.names.len()];
            last.iter_mut().take(1).for_each(|name| *name = passes.label());
            last.extend(passes.columns.iter().map(|passed| match passed.published {
                Some(theirs) => format!("{} ({theirs})", passed.ours),
                None => passed.ours.to_string(),
            }));
            body.push(last);
        }
        body
    }

    fn header_of_lines(&self) -> Vec<Vec<String>> {
        let names = self.rows.names.iter().chain(&self.columns.names).map(|name| short(name));
        let numbers = ["n", "ours", "published", "gap", "95 % interval"].map(str::to_owned);
        names.chain(numbers).map(|name| vec![name]).collect()
    }

    fn body_of_lines(&self) -> Vec<Vec<String>> {
        let places = self.places();
        let mut lines = Vec::new();
        let text = |value: Option<f64>| value.map_or("-".into(), |value| number(value, places));
        for (row, cells) in self.rows.keys.iter().zip(&self.cells) {
            for (column, cell) in self.columns.keys.iter().zip(cells) {
                let mut line: Vec<String> =
                    row.iter().chain(column).map(|cell| short(&cell.to_string())).collect();
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

    /// Decimal places for the means.
    pub(crate) fn places(&self) -> Option<usize> {
        places(self.cells.iter().flatten().filter_map(|cell| cell.mean))
    }

    fn record(&self, cell: &Summary) -> [Cell; 14] {
        let number = |value: Option<f64>| value.map_or(Cell::Null, Cell::Float);
        let text = |text: Option<&str>| text.map_or(Cell::Null, |text| Cell::Text(text.into()));
        let theirs = cell.published.as_ref();
        [
            text(Some(&self.metric)),
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
        ]
    }
}

impl Shown for Comparison {
    fn sheet(&self) -> Sheet {
        Sheet {
            caption: sentence(&self.caption()),
            labels: self.rows.names.len() + if self.lines { self.columns.names.len() } else { 0 },
            header: if self.lines { self.header_of_lines() } else { self.header() },
            body: if self.lines { self.body_of_lines() } else { self.body() },
            footer: self.footer(),
        }
    }

    fn records(&self) -> Records {
        let names = self.rows.names.iter().chain(&self.columns.names).cloned();
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
        let mut rows = Vec::new();
        for (row, cells) in self.rows.keys.iter().zip(&self.cells) {
            for (column, cell) in self.columns.keys.iter().zip(cells) {
                rows.push(row.iter().chain(column).cloned().chain(self.record(cell)).collect());
            }
        }
        Records { names: names.chain(numbers.map(str::to_owned)).collect(), rows }
    }
}

/// 0.5 to a power, short.
fn power_of_half(exponent: usize) -> String {
    let p = 0.5_f64.powi(exponent as i32);
    if exponent > 7 { format!("{p:.0e}") } else { p.to_string() }
}

/// `1 seed`, `2 seeds`.
fn counted(number: usize, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}

/// `99.1 ±0.3 (99)`, without what is not known; `-` where no run counts.
fn cell_text(cell: &Summary, places: Option<usize>) -> String {
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

fn mark(text: String, standing: Option<Standing>) -> String {
    match standing {
        Some(Standing::Best) => text + "*",
        Some(Standing::Tied) => text + "†",
        _ => text,
    }
}
