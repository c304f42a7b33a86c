//! The encoder and a step of the decoder as programs.

use autodiff::{Buffer, DType, Error};
use learn::layers::{CellKind, Params as Weights, State};
use learn::{Batch, Evaluator, Field, Fields, Layout};

use super::{Network, Read};
use crate::corpus::Pieces;
use crate::source::{Source, SourceFields};

/// The encoder.
pub(super) struct Reader {
    evaluator: Evaluator,
    batch: Batch,
    source: SourceFields,
}

/// A step of the decoder.
pub(super) struct Step {
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
    candidates: Candidates,
    pieces: usize,
}

/// Which pieces a step tells of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Candidates {
    /// So many of the most likely.
    Best(usize),
    /// All.
    All,
}

/// What the encoder made of some sources, row-major.
pub(super) struct Memory {
    values: Vec<f32>,
    keys: Vec<f32>,
    state: Vec<f32>,
    mask: Vec<f32>,
}

impl Reader {
    pub(super) fn new<C: CellKind>(
        network: &Network<C>,
        layout: &Layout,
        rows: usize,
        places: usize,
    ) -> Result<Self, Error> {
        let mut fields = Fields::new();
        let source = SourceFields::new(&mut fields, network.kind, rows, |_| places);
        let evaluator = Evaluator::new(layout, &fields, DType::F32, |weights, batch| {
            let weights = Weights::new(layout, weights);
            let x = network.embed_source(&weights, source.values(batch))?;
            let (Read { values, keys, mask }, state) =
                network.read(&weights, x, source.mask(batch))?;
            Ok(vec![values, keys, state, mask])
        })?;
        let batch = evaluator.batch()?;
        Ok(Self { evaluator, batch, source })
    }

    pub(super) fn read(
        &mut self,
        weights: &mut Buffer,
        sources: &[&Source],
    ) -> Result<Memory, Error> {
        self.source.write(&mut self.batch, sources.iter().copied());
        let found = self.evaluator.run(weights, &mut self.batch)?;
        let of = |output: usize| found[output].to_vec::<f32>();
        Ok(Memory { values: of(0)?, keys: of(1)?, state: of(2)?, mask: of(3)? })
    }
}

/// What a step of the decoder left.
pub(super) struct Next {
    /// Of each row the most likely pieces with their log probabilities, with [`Candidates::Best`].
    pub(super) candidates: Vec<Vec<(u32, f64)>>,
    /// Of each row the log probabilities of all pieces, with [`Candidates::All`].
    all: Vec<f32>,
    pieces: usize,
    state: Vec<f32>,
    memory: Vec<f32>,
}

impl Next {
    /// The log probabilities of a row, with [`Candidates::All`].
    pub(super) fn of_row(&self, row: usize) -> &[f32] {
        &self.all[row * self.pieces..(row + 1) * self.pieces]
    }
}

impl Step {
    pub(super) fn new<C: CellKind>(
        network: &Network<C>,
        layout: &Layout,
        candidates: Candidates,
        (rows, places): (usize, usize),
    ) -> Result<Self, Error> {
        let units = network.units;
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
            let said = network.steps(
                &weights,
                network.embed_target(&weights, batch[before])?,
                state,
                &read,
            )?;
            let total = said.logits.log_sum_exp(2, true)?;
            let (logs, pieces) = match candidates {
                Candidates::Best(count) => said.logits.top_k(count)?,
                Candidates::All => (said.logits, batch[before]),
            };
            let mut outputs = vec![logs.sub(total)?, pieces, said.attended, said.last.state];
            outputs.extend(said.last.memory);
            Ok(outputs)
        })?;
        let batch = evaluator.batch()?;
        Ok(Self {
            evaluator,
            batch,
            before,
            state,
            memory,
            values,
            keys,
            mask,
            units,
            candidates,
            pieces: network.pieces,
        })
    }

    /// Places what was read in the first row of each sentence and the others of its beam.
    pub(super) fn begin(&mut self, read: &Memory, width: usize, places: usize) {
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

    pub(super) fn run(
        &mut self,
        weights: &mut Buffer,
        attended: Option<&mut Vec<Vec<f32>>>,
    ) -> Result<Next, Error> {
        let found = self.evaluator.run(weights, &mut self.batch)?;
        let logs = found[0].to_vec::<f32>()?;
        let mut candidates = Vec::new();
        if let Candidates::Best(count) = self.candidates {
            let pieces = found[1].to_vec::<u32>()?;
            let row = |(pieces, logs): (&[u32], &[f32])| {
                pieces.iter().zip(logs).map(|(&piece, &log)| (piece, f64::from(log))).collect()
            };
            candidates.extend(pieces.chunks(count).zip(logs.chunks(count)).map(row));
        }
        if let Some(attended) = attended {
            attended.push(found[2].to_vec()?);
        }
        let memory = if self.memory.is_some() { found[4].to_vec()? } else { Vec::new() };
        let (state, pieces) = (found[3].to_vec()?, self.pieces);
        Ok(Next { candidates, all: logs, pieces, state, memory })
    }

    /// Gives row `to` the state that a step left in row `from`, and the piece that it said.
    pub(super) fn follow(&mut self, next: &Next, from: usize, to: usize, piece: u32) {
        let units = self.units;
        let (from, into) = (from * units..(from + 1) * units, to * units..(to + 1) * units);
        self.batch[self.before][to] = piece;
        self.batch[self.state][into.clone()].copy_from_slice(&next.state[from.clone()]);
        if let Some(memory) = self.memory {
            self.batch[memory][into].copy_from_slice(&next.memory[from]);
        }
    }
}
