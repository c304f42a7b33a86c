//! Texts and their translations.

use std::collections::HashSet;

use datasets::parallel::Pair;
use datasets::{libreoffice_help, multi30k, translations};
use experiment::{Error, Run};

use super::{Corpus, Encoded, Part, Pieces, generated, store};
use crate::params::{Data, Language, Params};
use crate::source::{Kind, Source};

/// Opens or makes the sentences, and the pieces of those that are learned from.
pub(super) fn corpus(params: &Params, run: &mut Run<'_>) -> Result<Corpus, Error> {
    let [mut train, dev, test] = parts(params, run)?;
    train.truncate(params.pairs.unwrap_or(train.len()));
    let texts = || train.iter().flat_map(|pair| [pair.source.as_str(), &pair.target]);
    let pieces = match params.pieces {
        Some(count) => Pieces::learn(texts(), count),
        None => Pieces::of_words(texts()),
    };
    let source = |pair: &Pair| Source::Text(pieces.encode_source(&pair.source));
    let encode =
        |pair: &Pair| Encoded { source: source(pair), target: pieces.encode(&pair.target) };
    let fits = |of: &Encoded| of.extents().longest() <= params.longest + 1;
    let encoded: Vec<Encoded> = train.iter().map(encode).filter(fits).collect();
    if encoded.is_empty() {
        let (whole, longest) = (train.len(), params.longest);
        let what = format!("none of {whole} pairs has at most {longest} pieces a side");
        return Err(Error::other("reading the training pairs", what));
    }
    let part = |pairs: Vec<Pair>| Part { sources: pairs.iter().map(source).collect(), pairs };
    let (dev, test) = (part(dev), part(test));
    let corpus = Corpus { kind: Kind::Text, train: encoded, dev, test, pieces };
    tell(&corpus, &train, params, run);
    Ok(corpus)
}

/// Training, development and test pairs.
fn parts(params: &Params, run: &Run<'_>) -> Result<[Vec<Pair>; 3], Error> {
    match params.data {
        Data::Multi30k => multi30k_parts(params, run),
        Data::LibreofficeHelp => help_parts(params, run),
        Data::Iwslt14 => user_parts(&translations::IWSLT14, params, run),
        Data::Wmt14 => user_parts(&translations::WMT14, params, run),
        Data::Generated | Data::SpokenDigits | Data::Timit => {
            Ok(generated::parts(params.data_seed))
        }
    }
}

/// Captions.
fn multi30k_parts(params: &Params, run: &Run<'_>) -> Result<[Vec<Pair>; 3], Error> {
    let language = |of| match of {
        Language::English => multi30k::Language::English,
        Language::German => multi30k::Language::German,
        Language::French => multi30k::Language::French,
    };
    let (source, target) = (language(params.source), language(params.target));
    let store = store(run);
    let load = |part| {
        multi30k::load(&store, part, source, target).map_err(|e| Error::data(multi30k::DATASET, e))
    };
    Ok([
        load(multi30k::Part::Train)?,
        load(multi30k::Part::Validation)?,
        load(multi30k::Part::Test)?,
    ])
}

/// Pages of a manual: of every fifty paragraphs one is for development and one for the test, so that all
/// pages are in each part. What is to be learned from has no pair of these.
fn help_parts(params: &Params, run: &Run<'_>) -> Result<[Vec<Pair>; 3], Error> {
    let other = if params.source == Language::English { params.target } else { params.source };
    let language = match other {
        Language::French => libreoffice_help::Language::French,
        Language::German | Language::English => libreoffice_help::Language::German,
    };
    let mut pairs = libreoffice_help::load(&store(run), language)
        .map_err(|e| Error::data(libreoffice_help::DATASET, e))?;
    if params.source != Language::English {
        for Pair { source, target } in &mut pairs {
            std::mem::swap(source, target);
        }
    }
    let mut parts = [Vec::new(), Vec::new(), Vec::new()];
    for (at, pair) in pairs.into_iter().enumerate() {
        let part = match at % 50 {
            10 => 1,
            35 => 2,
            _ => 0,
        };
        parts[part].push(pair);
    }
    Ok(parts)
}

/// Files that the user brought.
fn user_parts(
    of: &translations::Release,
    params: &Params,
    run: &Run<'_>,
) -> Result<[Vec<Pair>; 3], Error> {
    let reversed = params.source.code() != of.languages[0];
    of.load(&store(run), params.pairs, reversed).map_err(|e| Error::data(of.dataset, e))
}

/// Tells what a result could be doubted for.
fn tell(corpus: &Corpus, train: &[Pair], params: &Params, run: &mut Run<'_>) {
    let left_out = train.len() - corpus.train.len();
    if left_out > 0 {
        let (whole, longest) = (train.len(), params.longest);
        run.warn(&format!(
            "{left_out} of {whole} training pairs have more than {longest} pieces and are left out"
        ));
    }
    let known: HashSet<&Pair> = train.iter().collect();
    for (name, part) in [("development", &corpus.dev), ("test", &corpus.test)] {
        let leaked = part.pairs.iter().filter(|pair| known.contains(pair)).count();
        if leaked > 0 && params.data != Data::Generated {
            let all = part.pairs.len();
            run.warn(&format!("{leaked} of {all} {name} pairs are training pairs too"));
        }
        let unknown =
            |of: &&Source| matches!(of, Source::Text(text) if text.contains(&Pieces::UNKNOWN));
        let unknown = part.sources.iter().filter(unknown).count();
        if unknown > 0 {
            run.warn(&format!(
                "{unknown} {name} sentences have text that no training pair has; the model reads it \
                 as unknown"
            ));
        }
    }
}
