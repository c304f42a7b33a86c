//! Translations with given parameters: the encoder and a step of the decoder as programs, and between the
//! steps the search, which reorders rows.

use autodiff::{Buffer, DType, Error};
use learn::layers::{CellKind, Params as Weights, State};
use learn::{Batch, Evaluator, Field, Fields, Layout};

use super::search::{Beam, Search};
use super::{Network, Read};
use crate::corpus::Pieces;

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

/// The encoder.
struct Reader {
    evaluator: Evaluator,
    batch: Batch,
    sentences: Field<u32>,
    mask: Field<f32>,
}

/// A step of the decoder.
struct Step {
    evaluator: Evaluator,
    batch: Batch,
    before: Field<u32>,
    state: Field<f32>,
    /// None for a GRU.
    memory: Option<Field<f32>>,
    values: Field<f32>,
    keys: Field<f32>,
    mask: Field<f32>,
    /// Extents of a row of each.
    units: usize,
    candidates: usize,
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
        let step = Step::new(network, layout, beam, (sentences * beam.width, places))?;
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
            self.step.reorder(&next, &searches, width);
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

/// What the encoder made of some sentences, row-major.
struct Memory {
    values: Vec<f32>,
    keys: Vec<f32>,
    state: Vec<f32>,
    mask: Vec<f32>,
}

impl Reader {
    fn new<C: CellKind>(
        network: &Network<C>,
        layout: &Layout,
        rows: usize,
        places: usize,
    ) -> Result<Self, Error> {
        let mut fields = Fields::new();
        let sentences = fields.index("sentences", &[places, rows]);
        let mask = fields.float("mask", &[places, rows]);
        let evaluator = Evaluator::new(layout, &fields, DType::F32, |weights, batch| {
            let weights = Weights::new(layout, weights);
            let (Read { values, keys, mask }, state) =
                network.read(&weights, batch[sentences], batch[mask])?;
            Ok(vec![values, keys, state, mask])
        })?;
        let batch = evaluator.batch()?;
        Ok(Self { evaluator, batch, sentences, mask })
    }

    fn read(
        &mut self,
        weights: &mut Buffer,
        sentences: &[&[u32]],
        places: usize,
    ) -> Result<Memory, Error> {
        let rows = self.batch[self.mask].len() / places;
        self.batch[self.sentences].fill(u32::MAX);
        self.batch[self.mask].fill(0.0);
        for (row, sentence) in sentences.iter().enumerate() {
            for (place, &piece) in sentence.iter().take(places).enumerate() {
                self.batch[self.sentences][place * rows + row] = piece;
                self.batch[self.mask][place * rows + row] = 1.0;
            }
        }
        let found = self.evaluator.run(weights, &mut self.batch)?;
        let of = |output: usize| found[output].to_vec::<f32>();
        Ok(Memory { values: of(0)?, keys: of(1)?, state: of(2)?, mask: of(3)? })
    }
}

/// What a step of the decoder left.
struct Next {
    /// Of each row the most likely pieces with their log probabilities.
    candidates: Vec<Vec<(u32, f64)>>,
    state: Vec<f32>,
    memory: Vec<f32>,
}

impl Step {
    fn new<C: CellKind>(
        network: &Network<C>,
        layout: &Layout,
        beam: Beam,
        (rows, places): (usize, usize),
    ) -> Result<Self, Error> {
        let (units, candidates) = (network.units, Search::candidates(beam));
        let mut fields = Fields::new();
        let before = fields.index("before", &[1, rows]);
        let state = fields.float("state", &[rows, units]);
        let memory = match C::CELL {
            autodiff::Cell::Lstm => Some(fields.float("memory", &[rows, units])),
            autodiff::Cell::Gru => None,
        };
        let values = fields.float("values", &[rows, places, 2 * units]);
        let keys = fields.float("keys", &[rows, places, units]);
        let mask = fields.float("mask", &[rows, places]);
        let evaluator = Evaluator::new(layout, &fields, DType::F32, |weights, batch| {
            let weights = Weights::new(layout, weights);
            let read = Read { values: batch[values], keys: batch[keys], mask: batch[mask] };
            let state = State { state: batch[state], memory: memory.map(|field| batch[field]) };
            let said = network.steps(&weights, batch[before], state, &read)?;
            let (best, pieces) = said.logits.top_k(candidates)?;
            let log_probabilities = best.sub(said.logits.log_sum_exp(2, true)?)?;
            let mut outputs = vec![log_probabilities, pieces, said.attended, said.last.state];
            outputs.extend(said.last.memory);
            Ok(outputs)
        })?;
        let batch = evaluator.batch()?;
        let fields =
            Self { evaluator, batch, before, state, memory, values, keys, mask, units, candidates };
        Ok(fields)
    }

    /// Places what was read in the first row of each sentence and the others of its beam.
    fn begin(&mut self, read: &Memory, width: usize, places: usize) {
        let units = self.units;
        let spread = |from: &[f32], to: &mut [f32], extent: usize| {
            for (from, to) in from.chunks(extent).zip(to.chunks_mut(width * extent)) {
                to.chunks_mut(extent).for_each(|row| row.copy_from_slice(from));
            }
        };
        self.batch[self.before].fill(Pieces::BEGIN);
        spread(&read.values, &mut self.batch[self.values], places * 2 * units);
        spread(&read.keys, &mut self.batch[self.keys], places * units);
        spread(&read.mask, &mut self.batch[self.mask], places);
        spread(&read.state, &mut self.batch[self.state], units);
        if let Some(memory) = self.memory {
            self.batch[memory].fill(0.0);
        }
    }

    fn run(
        &mut self,
        weights: &mut Buffer,
        attended: Option<&mut Vec<Vec<f32>>>,
    ) -> Result<Next, Error> {
        let found = self.evaluator.run(weights, &mut self.batch)?;
        let (logs, pieces) = (found[0].to_vec::<f32>()?, found[1].to_vec::<u32>()?);
        let rows = pieces.chunks(self.candidates).zip(logs.chunks(self.candidates));
        let row = |(pieces, logs): (&[u32], &[f32])| {
            pieces.iter().zip(logs).map(|(&piece, &log)| (piece, f64::from(log))).collect()
        };
        if let Some(attended) = attended {
            attended.push(found[2].to_vec()?);
        }
        let memory = if self.memory.is_some() { found[4].to_vec()? } else { Vec::new() };
        Ok(Next { candidates: rows.map(row).collect(), state: found[3].to_vec()?, memory })
    }

    /// Gives each hypothesis that goes on the state of the one that it goes on from.
    fn reorder(&mut self, next: &Next, searches: &[Search], width: usize) {
        let units = self.units;
        for (at, search) in searches.iter().enumerate() {
            for (row, hypothesis) in search.open.iter().enumerate() {
                let (Some(&from), Some(&piece)) =
                    (hypothesis.rows.last(), hypothesis.pieces.last())
                else {
                    continue;
                };
                let (to, from) = (at * width + row, at * width + from);
                let (to_units, from_units) =
                    (to * units..(to + 1) * units, from * units..(from + 1) * units);
                self.batch[self.before][to] = piece;
                self.batch[self.state][to_units.clone()]
                    .copy_from_slice(&next.state[from_units.clone()]);
                if let Some(memory) = self.memory {
                    self.batch[memory][to_units].copy_from_slice(&next.memory[from_units]);
                }
            }
        }
    }
}
