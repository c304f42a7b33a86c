//! One page about the runs of a store: tables, curves, effects, pictures, failures, provenance.
//!
//! Whatever a run or a configuration named reaches the page through a template that escapes it;
//! only drawings made from numbers, the style and the script are put there as they are. The page is
//! whole without its script: that draws the charts again, so that they answer the pointer, filters and
//! sorts.

pub(crate) mod automatic;
mod chart;
mod confusion;
mod curves;
mod dates;
mod effects;
mod failures;
mod grid;
mod layout;
mod limits;
mod links;
mod listing;
mod maps;
mod page;
mod parameters;
mod pareto;
mod pictures;
mod provenance;
mod raw;
mod results;
mod search;
mod section;
mod states;
pub(crate) mod survey;
mod widths;

use std::{
    collections::{BTreeMap, HashMap},
    path::Path,
};

use experiment::{Metric, RunId};

use crate::{Error, Published, Request, Runs, Selection, read::experiments};
use curves::Wanted;
use limits::Limits;
use links::Links;
use pictures::{Artifacts, Budget};
use section::Section;

pub use failures::{Log, LogOf};
pub use search::{Drawn, Halving};

/// What one section of a report is about.
#[derive(Debug, Clone, Default)]
pub struct Subject {
    /// Its heading, usually the name of a sweep.
    pub title: String,
    /// The experiment.
    pub experiment: String,
    /// Which of its runs.
    pub selection: Selection,
    /// The order in which its runs were asked for; what it lacks follows by what varies.
    pub order: Vec<RunId>,
    /// The tables to show; without one, what varies is pivoted.
    pub tables: Vec<Asked>,
    /// The final metrics of its runs, the main one first.
    pub metrics: Vec<Metric>,
    /// The parameters whose values were drawn.
    pub drawn: Vec<Drawn>,
    /// The rungs at which a search compared its runs.
    pub search: Option<Halving>,
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

/// What is known of an experiment beside its runs.
#[derive(Debug, Clone, Default)]
pub struct About {
    /// One sentence on what it is.
    pub summary: String,
    /// JSON Schema of its parameters.
    pub schema: serde_json::Value,
    /// Its final metrics, the main one first, for subjects that say none.
    pub metrics: Vec<Metric>,
}

/// What a page tells of.
pub struct Report<'a> {
    /// The store whose tables are read.
    pub store: &'a Path,
    /// Where the page will lie, so that it can link to files of the store.
    pub page: Option<&'a Path>,
    /// The sections; none stands for one section a sweep of the store.
    pub subjects: Vec<Subject>,
    /// What is known of an experiment of this name.
    pub about: &'a dyn Fn(&str) -> About,
    /// What a run printed, where that was kept.
    pub log: &'a LogOf<'a>,
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
            let about = (self.about)(experiment);
            let runs = &tables[experiment];
            sections.push(Section::new(subject, runs, &about, self.log, limits)?);
        }
        if sections.iter().all(Section::is_empty) {
            let store = self.store.display();
            return Err(Error::Nothing(format!("no run that was asked for is in {store}")));
        }
        self.add_curves(&mut sections, limits)?;
        self.add_artifacts(&mut sections, limits)?;
        page::render(self, &sections, subjects.len())
    }

    /// Finds the pictures of all sections, which share the room on the page, and reads them.
    fn add_artifacts(&self, sections: &mut [Section<'_>], limits: &Limits) -> Result<(), Error> {
        let artifacts = Artifacts::open(self.store)?;
        for section in &mut *sections {
            section.find_artifacts(self.store, artifacts.as_ref(), limits)?;
        }
        let Some(artifacts) = artifacts else { return Ok(()) };
        let sizes = sections.iter_mut().flat_map(|section| section.pictures.sizes(limits));
        let mut budget = Budget::share(limits, sizes.collect());
        let links = self.page.and_then(|page| Links::new(page, self.store));
        for section in sections {
            section.pictures.load(&artifacts, links.as_ref(), &mut budget, limits);
        }
        Ok(())
    }

    /// Reads the metrics of each experiment once, for all sections about it.
    fn add_curves(&self, sections: &mut [Section<'_>], limits: &Limits) -> Result<(), Error> {
        let mut experiments = BTreeMap::<&str, Wanted>::new();
        for (at, section) in sections.iter().enumerate() {
            let wanted = experiments.entry(&section.subject.experiment).or_default();
            section.join(at, wanted)?;
        }
        let mut all = HashMap::new();
        for (experiment, wanted) in experiments {
            all.extend(curves::read(self.store, experiment, &wanted, limits)?);
        }
        for (at, section) in sections.iter_mut().enumerate() {
            section.draw(&all.remove(&at).unwrap_or_default(), limits)?;
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
