//! The sentences that are learned from and translated, as pieces.

mod generated;
mod merges;
mod pieces;

use std::collections::HashSet;

use datasets::parallel::Pair;
use datasets::{Store, multi30k};
use experiment::{Error, Run};

use crate::params::{Data, Language, Params};

pub(crate) use pieces::{Pieces, StoredPieces};

/// A sentence and its translation as pieces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Encoded {
    /// The sentence, with the end at its end.
    pub(crate) source: Vec<u32>,
    /// The translation, without.
    pub(crate) target: Vec<u32>,
}

/// All sentences of a run.
pub(crate) struct Corpus {
    pub(crate) pieces: Pieces,
    /// What is learned from.
    pub(crate) train: Vec<Encoded>,
    /// What chooses among evaluations.
    pub(crate) dev: Vec<Pair>,
    /// What the result is about.
    pub(crate) test: Vec<Pair>,
}

impl Corpus {
    /// Opens or makes the sentences, and the pieces of those that are learned from.
    pub(crate) fn open(params: &Params, run: &mut Run<'_>) -> Result<Self, Error> {
        let [mut train, dev, test] = match params.data {
            Data::Generated => generated::parts(params.data_seed),
            Data::Multi30k => multi30k_parts(params, run)?,
        };
        train.truncate(params.pairs.unwrap_or(train.len()));
        let texts = || train.iter().flat_map(|pair| [pair.source.as_str(), &pair.target]);
        let pieces = match params.pieces {
            Some(count) => Pieces::learn(texts(), count),
            None => Pieces::of_words(texts()),
        };
        let whole = train.len();
        let encode = |pair: &Pair| Encoded {
            source: pieces.encode_source(&pair.source),
            target: pieces.encode(&pair.target),
        };
        let fits = |of: &Encoded| of.source.len().max(of.target.len() + 1) <= params.longest + 1;
        let encoded: Vec<Encoded> = train.iter().map(encode).filter(fits).collect();
        if encoded.is_empty() {
            let what =
                format!("none of {whole} pairs has at most {} pieces a side", params.longest);
            return Err(Error::other("reading the training pairs", what));
        }
        let corpus = Self { pieces, train: encoded, dev, test };
        corpus.tell(&train, params, run);
        Ok(corpus)
    }

    /// Tells what a result could be doubted for.
    fn tell(&self, train: &[Pair], params: &Params, run: &mut Run<'_>) {
        let left_out = train.len() - self.train.len();
        if left_out > 0 {
            let longest = params.longest;
            run.warn(&format!(
                "{left_out} of {} training pairs have more than {longest} pieces and are left out",
                train.len()
            ));
        }
        let known: HashSet<&Pair> = train.iter().collect();
        for (name, part) in [("development", &self.dev), ("test", &self.test)] {
            let leaked = part.iter().filter(|pair| known.contains(pair)).count();
            if leaked > 0 && params.data != Data::Generated {
                let all = part.len();
                run.warn(&format!("{leaked} of {all} {name} pairs are training pairs too"));
            }
            let unknown =
                |pair: &&Pair| self.pieces.encode(&pair.source).contains(&Pieces::UNKNOWN);
            let unknown = part.iter().filter(unknown).count();
            if unknown > 0 {
                run.warn(&format!(
                    "{unknown} {name} sentences have text that no training pair has; the model reads it \
                     as unknown"
                ));
            }
        }
    }
}

/// Training, validation and test captions.
fn multi30k_parts(params: &Params, run: &Run<'_>) -> Result<[Vec<Pair>; 3], Error> {
    let language = |of| match of {
        Language::English => multi30k::Language::English,
        Language::German => multi30k::Language::German,
        Language::French => multi30k::Language::French,
    };
    let (source, target) = (language(params.source), language(params.target));
    let data = run.data();
    let store = Store::new(&data.cache, data.mirror.as_deref(), data.offline);
    let load = |part| {
        multi30k::load(&store, part, source, target).map_err(|e| Error::data(multi30k::DATASET, e))
    };
    Ok([
        load(multi30k::Part::Train)?,
        load(multi30k::Part::Validation)?,
        load(multi30k::Part::Test)?,
    ])
}
