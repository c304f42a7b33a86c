//! The page itself.

use std::sync::LazyLock;

use askama::Template;
use base64::{Engine, prelude::BASE64_STANDARD};
use sha2::{Digest, Sha256};

use super::{
    Checksum, Report,
    dates::dates,
    grid::label,
    provenance::{self, Provenance, provenance},
    results::Results,
    section::Section,
    states::States,
};
use crate::{
    Error,
    text::{inert_lines, inert_short},
};

const STYLE: &str = include_str!("../../templates/report.css");
/// The chart library and what uses it.
const SCRIPT: &str = concat!(
    include_str!("../../vendor/echarts/echarts.js"),
    include_str!("../../templates/charts.js"),
    include_str!("../../templates/report.js"),
);

/// Nothing may be loaded or run but the style and the script of this page.
static POLICY: LazyLock<String> = LazyLock::new(|| {
    let hash = |text: &str| BASE64_STANDARD.encode(Sha256::digest(text.as_bytes()));
    format!(
        "default-src 'none'; img-src data:; style-src 'sha256-{}'; script-src 'sha256-{}'; \
         base-uri 'none'; form-action 'none'",
        hash(STYLE),
        hash(SCRIPT)
    )
});

/// Longest configuration that is shown.
const CONFIGURATION: usize = 20_000;

#[derive(Template)]
#[template(path = "report.html")]
struct Page<'a> {
    policy: &'a str,
    style: &'static str,
    script: &'static str,
    made_by: String,
    command: String,
    sections: Vec<View<'a>>,
    /// Sections that have no place.
    left_out: usize,
    whole: States,
    runs: usize,
    dates: Option<String>,
    states: [&'static str; 7],
    columns: [&'static str; 6],
    provenance: Provenance,
    versions: Vec<String>,
    cpu_time: String,
    data: Vec<Checksum>,
}

/// A section with its texts.
struct View<'a> {
    /// Number on the page, from 1.
    id: usize,
    title: String,
    experiment: String,
    configuration: Option<String>,
    command: Option<String>,
    it: &'a Section<'a>,
}

impl<'a> View<'a> {
    fn new((at, section): (usize, &'a Section<'a>)) -> Self {
        let subject = section.subject;
        Self {
            id: at + 1,
            title: label(&subject.title),
            experiment: label(&subject.experiment),
            configuration: subject
                .configuration
                .as_deref()
                .map(|text| inert_lines(text, CONFIGURATION)),
            command: subject.command.as_deref().map(|text| inert_short(text, 1000)),
            it: section,
        }
    }
}

impl View<'_> {
    /// How many charts of learning curves its tables have.
    fn curves(&self) -> usize {
        self.it.results.iter().map(|results| results.curves.len()).sum()
    }

    /// How many parameters have effects on the metric of a table.
    fn effects(&self) -> usize {
        self.it.results.iter().map(|results| results.effects.parameters.len()).sum()
    }

    /// Whether no table before it has the same metric over the same runs.
    fn is_first_effect(&self, at: &usize) -> bool {
        let results = &self.it.results;
        let is_like = |other: &Results| {
            other.metric == results[*at].metric && other.runs.len() == results[*at].runs.len()
        };
        !results[..*at].iter().any(is_like)
    }

    /// What its search is about.
    fn metric(&self) -> String {
        self.it.exploration.as_ref().map_or_else(String::new, |found| label(&found.metric))
    }
}

/// `12 seconds`, `3.5 minutes`, `100.0 hours`
fn duration(seconds: f64) -> String {
    match seconds {
        few if few < 100.0 => format!("{few:.0} seconds"),
        some if some < 6000.0 => format!("{:.1} minutes", some / 60.0),
        many => format!("{:.1} hours", many / 3600.0),
    }
}

/// The page about `sections`, of `wanted`.
pub(crate) fn render(
    report: &Report<'_>,
    sections: &[Section<'_>],
    wanted: usize,
) -> Result<String, Error> {
    let mut whole = States::default();
    sections.iter().for_each(|section| whole.add(section.states));
    let mut data: Vec<Checksum> = sections
        .iter()
        .flat_map(|section| &section.subject.data)
        .map(|data| Checksum { name: label(&data.name), checksum: inert_short(&data.checksum, 80) })
        .collect();
    data.sort_unstable();
    data.dedup();
    let provenance = provenance(sections.iter().map(|section| &section.runs))?;
    let page = Page {
        policy: &POLICY,
        style: STYLE,
        script: SCRIPT,
        made_by: label(&report.made_by),
        command: inert_short(&report.command, 1000),
        sections: sections.iter().enumerate().map(View::new).collect(),
        left_out: wanted.saturating_sub(sections.len()),
        whole,
        dates: dates(sections.iter().map(|section| &section.runs))?,
        states: super::states::WORDS,
        runs: sections.iter().map(|section| section.runs.len()).sum(),
        columns: provenance::COLUMNS,
        versions: provenance.versions(),
        cpu_time: duration(provenance.cpu_seconds),
        provenance,
        data,
    };
    Ok(page.render().expect("memory takes every page"))
}
