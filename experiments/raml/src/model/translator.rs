//! Translations with given parameters: beam search between the steps of the decoder.

use autodiff::{Buffer, Error};
use learn::Layout;
use learn::layers::CellKind;

use super::Network;
use super::program::{Candidates, Reader, Step};
use super::search::{Beam, Search};

/// A translation.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Translation {
    pub(crate) pieces: Vec<u32>,
    /// Log probability over a power of the length.
    pub(crate) score: f64,
    /// How much each piece, the end included, attends to each piece of the sentence.
    pub(crate) attention: Vec<Vec<f32>>,
}

/// Translates sentences of up to a number of pieces.
pub(crate) struct Translator {
    reader: Reader,
    step: Step,
    beam: Beam,
    /// Sentences at a time.
    sentences: usize,
    /// Most places of a sentence.
    places: usize,
    /// Whether translations tell what they attend to.
    attention: bool,
}

/// Rows that a step of the decoder computes at once.
const ROWS: usize = 64;

impl Translator {
    /// For sentences of up to `places` pieces, the end included.
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

    /// The best translation of each sentence.
    pub(crate) fn translate(
        &mut self,
        weights: &mut Buffer,
        sentences: &[Vec<u32>],
    ) -> Result<Vec<Translation>, Error> {
        let found = self.search(weights, sentences)?;
        let nothing = Translation { pieces: Vec::new(), score: 0.0, attention: Vec::new() };
        Ok(found.into_iter().map(|of| of.into_iter().next().unwrap_or(nothing.clone())).collect())
    }

    /// The translations that are found for each sentence, the best first. Of a sentence that is longer than
    /// the longest, the beginning is read.
    pub(crate) fn search(
        &mut self,
        weights: &mut Buffer,
        sentences: &[Vec<u32>],
    ) -> Result<Vec<Vec<Translation>>, Error> {
        let mut order: Vec<usize> = (0..sentences.len()).collect();
        order.sort_by_key(|&at| sentences[at].len());
        let mut found = vec![Vec::new(); sentences.len()];
        for some in order.chunks(self.sentences) {
            let of: Vec<&[u32]> = some.iter().map(|&at| &sentences[at][..]).collect();
            for (&at, translations) in some.iter().zip(self.search_some(weights, &of)?) {
                found[at] = translations;
            }
        }
        Ok(found)
    }

    fn search_some(
        &mut self,
        weights: &mut Buffer,
        sentences: &[&[u32]],
    ) -> Result<Vec<Vec<Translation>>, Error> {
        let (width, places) = (self.beam.width, self.places);
        let read = self.reader.read(weights, sentences, places)?;
        self.step.begin(&read, width, places);
        let limit = |sentence: &&[u32]| 2 * sentence.len().min(places) + 5;
        let mut searches: Vec<Search> =
            sentences.iter().map(|of| Search::new(self.beam, limit(of))).collect();
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
        let translations = searches.into_iter().zip(sentences).enumerate();
        Ok(translations
            .map(|(at, (search, sentence))| {
                let found = search.found().into_iter();
                found
                    .map(|(score, of)| {
                        let row = |(step, row): (usize, &usize)| {
                            let first = (at * width + row) * places;
                            let length = sentence.len().min(places);
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
