//! Everything a section shows, computed from its runs.

use std::path::Path;

use experiment::{Better, Metric};

use super::{
    About, Asked, LogOf, Subject, automatic,
    confusion::{Confusion, confusion},
    curves::{Curves, Wanted},
    failures::{Failures, failures},
    grid::label,
    limits::{HEADING, Limits},
    listing::Listing,
    parameters::{Explanation, Parameters},
    pareto::{self, Pareto},
    pictures::{Artifacts, Pictures},
    raw::{Raw, raw},
    results::Results,
    search::{Exploration, Points},
    states::States,
};
use crate::{
    Error, Places, Published, Request, Runs, compare, places, read::bare, text::inert_short,
};

/// One subject with what its runs say.
pub(crate) struct Section<'a> {
    pub(crate) subject: &'a Subject,
    pub(crate) runs: Runs,
    pub(crate) states: States,
    pub(crate) summary: String,
    pub(crate) explanation: Explanation,
    pub(crate) listing: Listing,
    /// Why there is no result table.
    pub(crate) problems: Vec<String>,
    pub(crate) results: Vec<Results>,
    pub(crate) exploration: Option<Exploration>,
    pub(crate) pareto: Vec<Pareto>,
    pub(crate) curve_notes: Vec<String>,
    pub(crate) failures: Failures,
    pub(crate) pictures: Pictures,
    pub(crate) confusion: Option<Confusion>,
    pub(crate) raw: Raw,
    parameters: Parameters,
    /// Where runs stand in the result tables.
    places: Vec<Places>,
}

impl<'a> Section<'a> {
    pub(crate) fn new(
        subject: &'a Subject,
        all: &Runs,
        about: &About,
        log: &LogOf<'_>,
        limits: &Limits,
    ) -> Result<Self, Error> {
        let selected = all.select(&subject.selection);
        let runs = selected.current();
        let metrics = if subject.metrics.is_empty() { &about.metrics } else { &subject.metrics };
        let parameters = Parameters::read(&about.schema);
        let listing = Listing::new(&runs, &subject.order, limits)?;
        let points = Points::of(&runs)?;
        let mut section = Self {
            subject,
            states: States::of(&selected, &runs, &subject.selection)?,
            summary: inert_short(&about.summary, 400),
            explanation: parameters.explain(&runs)?,
            problems: Vec::new(),
            results: Vec::new(),
            exploration: None,
            pareto: pareto::charts(&runs, metrics, &listing, &points)?,
            curve_notes: Vec::new(),
            failures: failures(&runs, &listing, log)?,
            pictures: Pictures::default(),
            confusion: None,
            raw: raw(&runs, &listing)?,
            parameters,
            places: Vec::new(),
            listing,
            runs,
        };
        section.tabulate(points, metrics, limits)?;
        Ok(section)
    }

    /// The result tables and what follows from them; a reason where there is none.
    fn tabulate(
        &mut self,
        points: Points,
        metrics: &[Metric],
        limits: &Limits,
    ) -> Result<(), Error> {
        if self.runs.is_empty() {
            self.problems.push(match self.states.replaced() {
                0 => "No result table: none of these runs is in the store yet".into(),
                _ => "No result table: other runs answer the same requests by now".into(),
            });
            return Ok(());
        }
        let automatic = automatic::request(&self.runs, metrics)?;
        let of = |request: &Request| (bare(&request.value).to_owned(), request.better);
        let asked = self.subject.tables.first().map(|asked| &asked.request);
        let main: Option<(String, Option<Better>)> = asked.or(automatic.as_ref()).map(of);
        let mut next = 0;
        self.exploration =
            Exploration::new(self.subject, &self.runs, points, main, limits, &mut next)?;
        if self.subject.tables.is_empty() {
            match automatic {
                // The points of a drawn sweep make no table: hardly two of them share a value.
                _ if self.exploration.is_some() => {}
                Some(request) => self.add(None, &request, None, limits, &mut next)?,
                None => self.problems.push("No result table: no run has a final metric".into()),
            }
        }
        for Asked { title, request, published } in self.subject.tables.iter().take(limits.tables) {
            self.add(title.as_deref(), request, published.as_ref(), limits, &mut next)?;
        }
        let further = self.subject.tables.len().saturating_sub(limits.tables);
        if further > 0 {
            self.problems.push(format!("{further} further result tables are not shown"));
        }
        Ok(())
    }

    fn add(
        &mut self,
        title: Option<&str>,
        request: &Request,
        published: Option<&Published>,
        limits: &Limits,
        next: &mut usize,
    ) -> Result<(), Error> {
        let places = places(&self.runs, request, published)?;
        if !self.places.contains(&places) {
            self.places.push(places);
        }
        let comparison = match compare(&self.runs, request, published) {
            Ok(comparison) => comparison,
            Err(Error::Nothing(reason)) => {
                let title = title.map_or_else(String::new, |title| format!("{}: ", label(title)));
                self.problems
                    .push(format!("No result table: {title}{}", inert_short(&reason, 400)));
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        let whole_rows = self.exploration.is_none();
        let selected = self.runs.select(&request.selection);
        let parameters = &self.parameters;
        let mut results =
            Results::new(&selected, &comparison, parameters, limits, whole_rows, next)?;
        results.title = title.map(|title| inert_short(title, HEADING));
        results.goes_on = results.title.is_some()
            && self.results.last().is_some_and(|last| last.title == results.title);
        // An exploration shows trials and parameters by itself.
        if self.exploration.is_some() {
            results.forget_curves();
            results.forget_effects();
        }
        // Tables of several metrics over the same cells share their curves.
        if self.results.iter().any(|other| other.draws_like(&results)) {
            results.forget_curves();
        }
        self.results.push(results);
        Ok(())
    }

    /// Whether no run that was asked for is in the store.
    pub(crate) fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// Adds its runs to those whose metrics will be read.
    pub(crate) fn join(&self, at: usize, wanted: &mut Wanted) -> Result<(), Error> {
        let first = wanted.first.entry(at).or_default();
        first.extend(self.exploration.iter().map(|exploration| exploration.metric.clone()));
        first.extend(self.results.iter().map(|results| results.metric.clone()));
        for results in &self.results {
            results.layout.join(at, &results.runs, &mut wanted.members)?;
        }
        if let Some(exploration) = &self.exploration {
            exploration.join(at, &self.runs, &mut wanted.members)?;
            wanted.rungs.extend(exploration.rungs().map(|rungs| (at, rungs)));
        }
        Ok(())
    }

    /// Draws the curves that were read for it.
    pub(crate) fn draw(&mut self, curves: &Curves, limits: &Limits) -> Result<(), Error> {
        if let Some(exploration) = &mut self.exploration {
            exploration.show(&self.runs, curves, &self.listing)?;
        }
        for results in &mut self.results {
            results.draw(&curves.metrics);
        }
        if self.results.iter().any(|results| !results.curves.is_empty()) {
            self.curve_notes.push(format!(
                "Lines are means over the runs of a cell, bands reach from the lowest run to the \
                 highest. A curve has at most {} points; where a metric has more steps, a point is \
                 the mean over neighbouring ones.",
                limits.points
            ));
            let cells: usize = self.results.iter().map(|results| results.layout.left_out).sum();
            if cells > 0 {
                self.curve_notes.push(format!("Without a curve: {cells} cells of the tables."));
            }
        }
        if !curves.left_out.is_empty() {
            let names: Vec<String> =
                curves.left_out.iter().take(20).map(|name| label(name)).collect();
            let number = curves.left_out.len();
            self.curve_notes.push(format!("Not drawn: {number} metrics ({}).", names.join(", ")));
        }
        let mut not_finite: Vec<_> = curves.not_finite.iter().collect();
        not_finite.sort();
        for (metric, values) in not_finite {
            let name = label(metric);
            self.curve_notes.push(format!("{values} values of {name} are NaN or infinite."));
        }
        Ok(())
    }

    /// Finds what runs left beside their metrics.
    pub(crate) fn find_artifacts(
        &mut self,
        store: &Path,
        artifacts: Option<&Artifacts>,
        limits: &Limits,
    ) -> Result<(), Error> {
        if let Some(artifacts) = artifacts {
            let (listing, parameters) = (&self.listing, &self.parameters);
            self.pictures =
                Pictures::find(artifacts, &self.runs, listing, &self.places, parameters, limits)?;
        }
        self.confusion = confusion(store, &self.runs)?;
        Ok(())
    }
}
