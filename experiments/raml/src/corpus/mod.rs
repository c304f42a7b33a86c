//! What is learned from and translated: texts as pieces, or speech as frames with its transcripts.

mod digits;
mod generated;
mod merges;
mod pieces;
mod speech;
mod texts;

use datasets::Store;
use datasets::parallel::Pair;
use experiment::{Error, Run};

use crate::batches::{Extents, Lengths};
use crate::params::{Data, Params};
use crate::source::{Kind, Source};

pub(crate) use pieces::{Pieces, StoredPieces};

/// A source and what is to be said of it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Encoded {
    pub(crate) source: Source,
    /// Pieces, without the end.
    pub(crate) target: Vec<u32>,
}

impl Encoded {
    /// How long both sides are, with their ends.
    pub(crate) fn extents(&self) -> Extents {
        Extents { source: self.source.len(), target: self.target.len() + 1 }
    }
}

/// What translations or transcripts are judged on.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Part {
    pub(crate) sources: Vec<Source>,
    /// Each source, or the name of a recording, with its reference.
    pub(crate) pairs: Vec<Pair>,
}

/// All data of a run.
pub(crate) struct Corpus {
    pub(crate) kind: Kind,
    pub(crate) pieces: Pieces,
    /// What is learned from.
    pub(crate) train: Vec<Encoded>,
    /// What chooses among evaluations.
    pub(crate) dev: Part,
    /// What the result is about.
    pub(crate) test: Part,
}

impl Corpus {
    /// Opens or makes the data, and the pieces of what is learned from.
    pub(crate) fn open(params: &Params, run: &mut Run<'_>) -> Result<Self, Error> {
        match params.data {
            Data::SpokenDigits => Ok(speech::corpus(digits::parts(params, run)?, params.stack)),
            Data::Timit => {
                let mut parts = speech::timit(run)?;
                parts.truncate(params.pairs.unwrap_or(usize::MAX));
                Ok(speech::corpus(parts, params.stack))
            }
            _ => texts::corpus(params, run),
        }
    }

    /// The shapes of batches.
    pub(crate) fn lengths(&self) -> Lengths {
        let each: Vec<Extents> = self.train.iter().map(Encoded::extents).collect();
        match self.kind {
            Kind::Text => Lengths::of_texts(&each),
            Kind::Speech(_) => Lengths::of_speech(&each),
        }
    }

    /// What training pairs are sorted by, so that those of a batch are about as long: the longer side of
    /// a text, the frames of speech.
    pub(crate) fn sizes(&self) -> Vec<usize> {
        let size = |pair: &Encoded| match self.kind {
            Kind::Text => pair.extents().longest(),
            Kind::Speech(_) => pair.source.len(),
        };
        self.train.iter().map(size).collect()
    }
}

/// Where data sets lie.
fn store(run: &Run<'_>) -> Store {
    let data = run.data();
    Store::new(&data.cache, data.mirror.as_deref(), data.offline)
}
