//! Pictures that runs left, on the page: in the order of the tables, or one after the other.
//!
//! A picture is embedded as the source of an image, where a script in it does not run. All pictures
//! of a page share a number of bytes: the small ones are embedded as they are, of the others copies
//! that are small enough, and what has no room is a link to the store.

mod file;
mod picture;
mod sheet;
mod thumbnail;

use std::collections::BTreeMap;

use super::{grid::label, limits::Limits, links::Links, listing::Listing, parameters::Parameters};
use crate::{
    Error, Places, Runs,
    columns::{RUN_ID, SEED},
    natural,
};
use file::{FOLDER, Left};
use picture::{Of, repeat};
use sheet::Cells;

pub(crate) use file::Artifacts;
pub(crate) use picture::Picture;
pub(crate) use sheet::Sheet;

/// Names of pictures that have a sheet each.
const SHEETS: usize = 12;
/// Pictures of which it is told why they are not shown.
const NAMED: usize = 20;

/// The pictures of a section.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Pictures {
    /// Those that have a place in a table, a sheet a name.
    pub(crate) sheets: Vec<Sheet>,
    /// Those that have none, as many as are shown.
    pub(crate) others: Vec<Picture>,
    /// Files that are named like pictures.
    pub(crate) found: usize,
    /// Of these, those of runs that are not the first of their cells.
    repeats: usize,
    /// Names without a sheet.
    nameless: Vec<String>,
    /// How many are not embedded although they have a place, and where the first of them are and why.
    pub(crate) absent: usize,
    pub(crate) reasons: Vec<String>,
    /// How many have no room.
    crowded: usize,
    /// What a reader must know.
    pub(crate) notes: Vec<String>,
}

/// What all pictures of a page may cost together.
#[derive(Debug)]
pub(crate) struct Budget {
    /// Bytes of one picture.
    pub(crate) bytes: u64,
    /// Pixels that are decoded.
    pub(crate) pixels: u64,
}

impl Budget {
    /// Shares bytes among pictures of so many: what small ones do not need is left to the others.
    pub(crate) fn share(limits: &Limits, mut sizes: Vec<u64>) -> Self {
        sizes.sort_unstable();
        let (mut bytes, mut left) = (limits.pictures, sizes.len() as u64);
        for size in sizes {
            if size > bytes / left {
                break;
            }
            (bytes, left) = (bytes - size, left - 1);
        }
        let level = bytes.checked_div(left).unwrap_or(limits.picture);
        Self { bytes: level.min(limits.picture), pixels: limits.pixels }
    }
}

impl Pictures {
    /// Finds the pictures of the runs in `runs` and gives them places: in the first of the tables that
    /// has one for their run, else one after the other in the order in which runs are listed.
    pub(crate) fn find(
        artifacts: &Artifacts,
        runs: &Runs,
        listing: &Listing,
        tables: &[Places],
        parameters: &Parameters,
        limits: &Limits,
    ) -> Result<Self, Error> {
        let (ids, seeds) = (runs.cells(RUN_ID)?, runs.cells(SEED)?);
        let others = (0..runs.len()).filter(|row| listing.place(*row).is_none());
        let of = |row: usize| {
            let id = ids[row].to_string();
            let left = artifacts.pictures(&id);
            let tags = if left.is_empty() { String::new() } else { listing.tags(row).join("\n") };
            Of { id, seed: seeds[row].clone(), tags, left }
        };
        let mut all: Vec<Of> = listing.rows.iter().copied().chain(others).map(of).collect();
        all.retain(|of| !of.left.is_empty());
        let found = all.iter().map(|of| of.left.len()).sum();
        let mut pictures = Self { found, ..Self::default() };
        for table in
            tables.iter().filter(|table| table.rows.keys.len() * table.columns.keys.len() > 1)
        {
            let (mut placed, rest) =
                all.into_iter().partition::<Vec<_>, _>(|of| table.runs.contains_key(&of.id));
            placed.sort_by(|a, b| a.seed.cmp(&b.seed));
            pictures.lay(&placed, table, parameters, limits);
            all = rest;
        }
        for of in &all {
            let room = limits.pictures_shown.saturating_sub(pictures.others.len());
            pictures.others.extend(of.left.iter().take(room).map(|left| Picture::new(of, left)));
        }
        Ok(pictures)
    }

    /// A sheet for each name, with the picture of the first run of each cell.
    fn lay(&mut self, runs: &[Of], table: &Places, parameters: &Parameters, limits: &Limits) {
        let mut names = BTreeMap::<&str, Vec<(&Of, &Left)>>::new();
        for (of, left) in runs.iter().flat_map(|of| of.left.iter().map(move |left| (of, left))) {
            names.entry(&left.name).or_default().push((of, left));
        }
        let mut names: Vec<_> = names.into_iter().collect();
        names.sort_by(|(a, _), (b, _)| natural::order(a, b));
        for (name, pictures) in names {
            if self.sheets.len() >= SHEETS {
                self.nameless.push(label(name));
                continue;
            }
            let mut cells = BTreeMap::<[usize; 2], Vec<(&Of, &Left)>>::new();
            for picture in pictures {
                cells.entry(table.runs[&picture.0.id]).or_default().push(picture);
            }
            let first = |(at, pictures): ([usize; 2], Vec<(&Of, &Left)>)| {
                let (of, left) = pictures[0];
                (at, Picture { repeat: repeat(of, pictures.len() - 1), ..Picture::new(of, left) })
            };
            self.repeats += cells.values().map(|pictures| pictures.len() - 1).sum::<usize>();
            let cells: Cells = cells.into_iter().map(first).collect();
            self.sheets.push(Sheet::new(name, table, cells, parameters, limits));
        }
    }

    /// Those that have a place, in the order of the page.
    fn placed(&mut self) -> impl Iterator<Item = &mut Picture> {
        self.sheets.iter_mut().flat_map(Sheet::pictures).chain(&mut self.others)
    }

    /// How long the files are that may be embedded.
    pub(crate) fn sizes(&mut self, limits: &Limits) -> Vec<u64> {
        self.placed().take(limits.pictures_shown).map(|picture| picture.left.bytes).collect()
    }

    /// Reads the pictures that have a place, as many as are shown, and says what became of the others.
    pub(crate) fn load(
        &mut self,
        artifacts: &Artifacts,
        links: Option<&Links>,
        budget: &mut Budget,
        limits: &Limits,
    ) {
        let mut reasons = Vec::new();
        let (mut crowded, mut copies) = (0, Vec::new());
        for (at, picture) in self.placed().enumerate() {
            let link = |links: &Links| links.to([FOLDER, &picture.id, &picture.left.name]);
            picture.link = links.map(link);
            if at >= limits.pictures_shown {
                picture.told = "no room on this page".into();
                crowded += 1;
                continue;
            }
            reasons.extend(picture.load(artifacts, budget));
            copies.extend(picture.side);
        }
        self.crowded = crowded;
        self.absent = reasons.len();
        reasons.truncate(NAMED);
        self.reasons = reasons;
        self.tell(&copies, links.is_some());
    }

    fn tell(&mut self, copies: &[u32], linked: bool) {
        let others = self.others.len();
        let sheets: usize = self.sheets.iter_mut().map(|sheet| sheet.pictures().count()).sum();
        let mut notes = Vec::new();
        if self.repeats > 0 {
            let repeats = self.repeats;
            notes.push(format!(
                "A cell shows the picture of its first run; {repeats} are of others."
            ));
        }
        if let Some(smallest) = copies.iter().min() {
            let number = copies.len();
            notes.push(format!(
                "{number} of {} are copies of fewer bytes, the smallest of {smallest} pixels a side: so \
                 all pictures of this page have room.{}",
                sheets + others,
                if linked {
                    " Below each is a link to the whole picture in the store."
                } else {
                    ""
                }
            ));
        }
        if self.crowded > 0 {
            let instead = if linked { "links to the store instead" } else { "names instead" };
            notes.push(format!("Without room on this page, {instead}: {}.", self.crowded));
        }
        if let [first, ..] = &*self.nameless {
            let names = self.nameless.len();
            notes.push(format!(
                "Without a sheet: pictures of {names} further names, such as {first}."
            ));
        }
        let shown = sheets + others - self.absent - self.crowded;
        if shown < self.found {
            let found = self.found;
            notes.push(format!("{shown} of {found} pictures. All are in {FOLDER}/ of the store."));
        }
        self.notes = notes;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_pictures_leave_their_room_to_large_ones() {
        let limits = Limits { pictures: 100, picture: 60, pixels: 7, ..Limits::of(1) };
        let level = |sizes: &[u64]| Budget::share(&limits, sizes.to_vec()).bytes;
        assert_eq!(level(&[50, 50, 50, 50]), 25);
        assert_eq!(level(&[1000, 10, 10, 1000]), 40);
        assert_eq!(level(&[10, 1000]), 60, "none has more than that");
        assert_eq!(level(&[20, 20]), 60);
        assert_eq!(level(&[]), 60);
    }
}
