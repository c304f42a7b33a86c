//! Translations with given parameters: beam search between the steps of the decoder.

use autodiff::{Buffer, Error};
use learn::Layout;
use learn::layers::CellKind;

use super::Network;
use super::program::{Candidates, Reader, Step};
use super::search::{Beam, Search};
use crate::source::Source;

/// A translation.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Translation {
    pub(crate) pieces: Vec<u32>,
    /// Log probability over a power of the length.
    pub(crate) score: f64,
    /// How much each piece, the end included, attends to each place of the source.
    pub(crate) attention: Vec<Vec<f32>>,
}

/// Translates sources of up to a number of places.
pub(crate) struct Translator {
    reader: Reader,
    step: Step,
    beam: Beam,
    /// Sources at a time.
    sentences: usize,
    /// Most places of a source.
    places: usize,
    /// Whether translations tell what they attend to.
    attention: bool,
}

/// Rows that a step of the decoder computes at once.
const ROWS: usize = 64;

impl Translator {
    /// For sources of up to `places` pieces, the end included, or frames.
    ///
    /// # Errors
    /// Any error of the trace; memory.
    pub(crate) fn new<C: CellKind>(
        network: &Network<C>,
        layout: &Layout,
        beam: Beam,
        places: usize,
    ) -> Result<Self, Error> {
        let sentences = (ROWS / beam.width).max(1);
        let reader = Reader::new(network, layout, sentences, places)?;
        let rows = sentences * beam.width;
        let best = Candidates::Best(Search::candidates(beam));
        let step = Step::new(network, layout, best, (rows, places))?;
        Ok(Self { reader, step, beam, sentences, places, attention: false })
    }

    /// With what translations attend to.
    pub(crate) fn with_attention(self) -> Self {
        Self { attention: true, ..self }
    }

    /// The best translation of each source.
    pub(crate) fn translate(
        &mut self,
        weights: &mut Buffer,
        sources: &[Source],
    ) -> Result<Vec<Translation>, Error> {
        let found = self.search(weights, sources)?;
        let nothing = Translation { pieces: Vec::new(), score: 0.0, attention: Vec::new() };
        Ok(found.into_iter().map(|of| of.into_iter().next().unwrap_or(nothing.clone())).collect())
    }

    /// The translations that are found for each source, the best first. Of a source that is longer than the
    /// longest, the beginning is read.
    pub(crate) fn search(
        &mut self,
        weights: &mut Buffer,
        sources: &[Source],
    ) -> Result<Vec<Vec<Translation>>, Error> {
        let mut order: Vec<usize> = (0..sources.len()).collect();
        order.sort_by_key(|&at| sources[at].len());
        let mut found = vec![Vec::new(); sources.len()];
        for some in order.chunks(self.sentences) {
            let of: Vec<&Source> = some.iter().map(|&at| &sources[at]).collect();
            for (&at, translations) in some.iter().zip(self.search_some(weights, &of)?) {
                found[at] = translations;
            }
        }
        Ok(found)
    }

    fn search_some(
        &mut self,
        weights: &mut Buffer,
        sources: &[&Source],
    ) -> Result<Vec<Vec<Translation>>, Error> {
        let (width, places) = (self.beam.width, self.places);
        let read = self.reader.read(weights, sources)?;
        self.step.begin(&read, width, places);
        let mut searches: Vec<Search> =
            sources.iter().map(|of| Search::new(self.beam, of.most_said(places))).collect();
        let mut attended: Vec<Vec<f32>> = Vec::new();
        while searches.iter().any(|search| !search.is_done()) {
            let next = self.step.run(weights, self.attention.then_some(&mut attended))?;
            for (at, search) in searches.iter_mut().enumerate().filter(|(_, of)| !of.is_done()) {
                let rows = at * width..at * width + search.open.len();
                search.step(&next.candidates[rows]);
            }
            for (at, search) in searches.iter().enumerate() {
                for (row, of) in search.open.iter().enumerate() {
                    if let (Some(&from), Some(&piece)) = (of.rows.last(), of.pieces.last()) {
                        self.step.follow(&next, at * width + from, at * width + row, piece);
                    }
                }
            }
        }
        let translations = searches.into_iter().zip(sources).enumerate();
        Ok(translations
            .map(|(at, (search, source))| {
                let found = search.found().into_iter();
                found
                    .map(|(score, of)| {
                        let row = |(step, row): (usize, &usize)| {
                            let first = (at * width + row) * places;
                            let length = source.len().min(places);
                            attended.get(step).map(|all| all[first..first + length].to_vec())
                        };
                        let attention = of.rows.iter().enumerate().filter_map(row).collect();
                        Translation { pieces: of.pieces, score, attention }
                    })
                    .collect()
            })
            .collect())
    }
}
