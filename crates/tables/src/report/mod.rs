//! One page about the runs of a store: tables, curves, effects, pictures, failures, provenance.
//!
//! Whatever a run or a configuration named reaches the page through a template that escapes it;
//! only drawings made from numbers, the style and the script are put there as they are.

pub(crate) mod automatic;
mod chart;
mod confusion;
mod curves;
mod effects;
mod failures;
mod grid;
mod heat;
mod layout;
mod limits;
mod output;
mod page;
mod pictures;
mod provenance;
mod raw;
mod section;
pub(crate) mod survey;

use std::{
    collections::{BTreeMap, HashMap},
    path::Path,
};

use experiment::Metric;

use crate::{Error, Published, Request, Runs, Selection, read::experiments};
use limits::Limits;
use section::Section;

pub use output::write_page;

/// What one section of a report is about.
#[derive(Debug, Clone, Default)]
pub struct Subject {
    /// Its heading, usually the name of a sweep.
    pub title: String,
    /// The experiment.
    pub experiment: String,
    /// Which of its runs.
    pub selection: Selection,
    /// The tables to show; without one, what varies is pivoted.
    pub tables: Vec<Asked>,
    /// The final metrics of its runs, the main one first.
    pub metrics: Vec<Metric>,
    /// The configuration, as YAML.
    pub configuration: Option<String>,
    /// The command that makes the runs.
    pub command: Option<String>,
    /// The data sets that the runs open.
    pub data: Vec<Checksum>,
}

/// A table that is asked for.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    /// Its heading; the metric where there is none.
    pub title: Option<String>,
    /// What it shows.
    pub request: Request,
    /// The published numbers that stand beside it.
    pub published: Option<Published>,
}

/// A data set and what its content hashes to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Checksum {
    /// Name of the data set.
    pub name: String,
    /// Its checksum.
    pub checksum: String,
}

/// What a page tells of.
pub struct Report<'a> {
    /// The store whose tables are read.
    pub store: &'a Path,
    /// The sections; none stands for one section a sweep of the store.
    pub subjects: Vec<Subject>,
    /// The final metrics of an experiment, the main one first, for subjects that say none.
    pub metrics: &'a dyn Fn(&str) -> Vec<Metric>,
    /// Name and version of the program that makes the page.
    pub made_by: String,
    /// The command that makes the page.
    pub command: String,
}

impl Report<'_> {
    /// The page as HTML.
    ///
    /// # Errors
    /// [`Error::Nothing`] when no run that was asked for is in the store; otherwise as
    /// [`compare`](crate::compare) and for tables that cannot be read.
    pub fn render(&self) -> Result<String, Error> {
        let found;
        let subjects = if self.subjects.is_empty() {
            found = automatic::subjects(self.store)?;
            &found
        } else {
            &self.subjects
        };
        let mut limits = Limits::of(subjects.len());
        loop {
            let page = self.page(subjects, &limits)?;
            if page.len() < limits::PAGE || limits.raw_rows == 1 {
                return Ok(page);
            }
            limits = limits.halved();
        }
    }

    fn page(&self, subjects: &[Subject], limits: &Limits) -> Result<String, Error> {
        let mut tables = BTreeMap::<&str, Runs>::new();
        let mut sections = Vec::new();
        for subject in subjects.iter().take(limits.sections) {
            let experiment = subject.experiment.as_str();
            if !tables.contains_key(experiment) {
                tables.insert(experiment, Runs::read(self.store, experiment)?);
            }
            let metrics = match subject.metrics.as_slice() {
                [] => (self.metrics)(experiment),
                known => known.to_vec(),
            };
            sections.push(Section::new(subject, &tables[experiment], &metrics, limits)?);
        }
        if sections.iter().all(Section::is_empty) {
            let store = self.store.display();
            return Err(Error::Nothing(format!("no run that was asked for is in {store}")));
        }
        self.add_curves(&mut sections, limits)?;
        let mut budget = limits.pictures;
        for section in &mut sections {
            section.add_artifacts(self.store, &mut budget, limits)?;
        }
        page::render(self, &sections, subjects.len())
    }

    /// Reads the metrics of each experiment once, for all sections about it.
    fn add_curves(&self, sections: &mut [Section<'_>], limits: &Limits) -> Result<(), Error> {
        let mut experiments = BTreeMap::<&str, curves::Members>::new();
        for (at, section) in sections.iter().enumerate() {
            let members = experiments.entry(&section.subject.experiment).or_default();
            section.layout.join(at, &section.runs, members)?;
        }
        let mut all = HashMap::new();
        for (experiment, members) in experiments {
            all.extend(curves::read(self.store, experiment, &members, limits)?);
        }
        for (at, section) in sections.iter_mut().enumerate() {
            section.draw(all.remove(&at).unwrap_or_default(), limits);
        }
        Ok(())
    }
}

/// Names of the sweeps of every experiment in a store, each with its experiment.
fn sweeps(store: &Path) -> Result<Vec<(String, String)>, Error> {
    let mut found = Vec::new();
    for experiment in experiments(store)? {
        let runs = Runs::read(store, &experiment)?;
        let mut names: Vec<String> = runs
            .cells(crate::columns::SWEEP)?
            .into_iter()
            .filter_map(|cell| match cell {
                crate::Cell::Text(name) => Some(name),
                _ => None,
            })
            .collect();
        names.sort_unstable();
        names.dedup();
        found.extend(names.into_iter().map(|name| (experiment.clone(), name)));
    }
    Ok(found)
}
