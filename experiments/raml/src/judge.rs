//! What translations and transcripts are judged by: their tables, and the metrics that they make.

use datasets::parallel::Pair;
use datasets::timit;
use experiment::{Better, Error, Run};
use learn::Selection;
use serde::Serialize;

use crate::metric::bleu::{self, Bleu};
use crate::metric::{Words, chrf, edits, percent, ter};
use crate::params::Data;

/// What counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Measure {
    /// Corpus BLEU, and what else there is for translations.
    Bleu,
    /// Edits a token of the reference.
    Tokens,
    /// The same with phones folded to 39 classes.
    Phones,
}

impl Measure {
    /// The measure of some data.
    pub(crate) fn of(data: Data) -> Self {
        match data {
            Data::SpokenDigits => Self::Tokens,
            Data::Timit => Self::Phones,
            _ => Self::Bleu,
        }
    }

    /// What is measured on development data, and chosen by.
    pub(crate) fn selection(self) -> Selection {
        let (metric, better) = match self {
            Self::Bleu => ("dev_bleu", Better::Higher),
            Self::Tokens => ("dev_token_error_rate", Better::Lower),
            Self::Phones => ("dev_phone_error_rate", Better::Lower),
        };
        Selection { metric, better }
    }

    /// The measure of texts against their references.
    pub(crate) fn score(self, pairs: &[Pair], texts: &[String]) -> f64 {
        if self == Self::Bleu {
            let references = pairs.iter().map(|pair| pair.target.as_str());
            return Bleu::default().corpus(texts.iter().map(String::as_str).zip(references));
        }
        let mut words = Words::default();
        let (mut edits, mut tokens) = (0, 0);
        for (pair, text) in pairs.iter().zip(texts) {
            let (more, of) = self.errors(text, &pair.target, &mut words);
            (edits, tokens) = (edits + more, tokens + of);
        }
        percent(edits, tokens)
    }

    /// Edits of a text, and tokens of its reference.
    fn errors(self, text: &str, reference: &str, words: &mut Words) -> (u64, u64) {
        let mut numbers = |text: &str| -> Vec<u32> {
            let tokens = text.split_whitespace();
            match self {
                Self::Phones => tokens.filter_map(timit::fold).map(|of| words.number(of)).collect(),
                _ => tokens.map(|of| words.number(of)).collect(),
            }
        };
        let (said, wanted) = (numbers(text), numbers(reference));
        (edits::distance(&said, &wanted) as u64, wanted.len() as u64)
    }
}

/// A recording with its transcript.
#[derive(Debug, Serialize)]
struct Transcript<'a> {
    utterance: usize,
    name: &'a str,
    reference: &'a str,
    transcript: &'a str,
    /// Edits, and tokens of the reference, both of folded phones with TIMIT.
    edits: u64,
    tokens: u64,
}

/// The table of transcripts.
pub(crate) const TRANSCRIPTS: &str = "transcripts";

/// Writes the table of what was said of the test data and reports the metrics.
pub(crate) fn report(
    measure: Measure,
    pairs: &[Pair],
    texts: &[String],
    run: &mut Run<'_>,
) -> Result<(), Error> {
    let metric = match measure {
        Measure::Bleu => return translations(pairs, texts, run),
        Measure::Tokens => "test_token_error_rate",
        Measure::Phones => "test_phone_error_rate",
    };
    let mut words = Words::default();
    for (utterance, (pair, transcript)) in pairs.iter().zip(texts).enumerate() {
        let (name, reference) = (&pair.source, &pair.target);
        let (edits, tokens) = measure.errors(transcript, reference, &mut words);
        let row = Transcript { utterance, name, reference, transcript, edits, tokens };
        run.table(TRANSCRIPTS, &row)?;
    }
    run.result(metric, measure.score(pairs, texts))
}

/// A test sentence with its translation and what it adds to each metric.
#[derive(Debug, Serialize)]
struct Row<'a> {
    sentence: usize,
    source: &'a str,
    reference: &'a str,
    translation: &'a str,
    /// Counts of corpus BLEU, tokens of 13a.
    matches: [u64; bleu::ORDER],
    totals: [u64; bleu::ORDER],
    tokens: u64,
    reference_tokens: u64,
    /// Edits and shifts of TER, and the words of the reference that it counts.
    ter_edits: u64,
    ter_words: u64,
    /// Edits without shifts, and words of the reference.
    edits: u64,
    words: u64,
}

/// The table of translations.
pub(crate) const TABLE: &str = "translations";

fn translations(pairs: &[Pair], translations: &[String], run: &mut Run<'_>) -> Result<(), Error> {
    let both = || {
        let references = pairs.iter().map(|pair| pair.target.as_str());
        translations.iter().map(String::as_str).zip(references)
    };
    let (counts, rates) = (Bleu::default().counts(both()), ter::Counts::of_texts(both()));
    let (mut bleu, mut rate) = (bleu::Counts::default(), ter::Counts::default());
    let (mut chrf, mut errors) = (chrf::Counts::default(), (0, 0));
    let mut words = Words::default();
    for (at, (pair, (translation, reference))) in pairs.iter().zip(both()).enumerate() {
        let (edits, of) = Measure::Tokens.errors(translation, reference, &mut words);
        let row = Row {
            sentence: at,
            source: &pair.source,
            reference,
            translation,
            matches: counts[at].matches,
            totals: counts[at].totals,
            tokens: counts[at].candidate,
            reference_tokens: counts[at].reference,
            ter_edits: rates[at].edits,
            ter_words: rates[at].reference,
            edits,
            words: of,
        };
        run.table(TABLE, &row)?;
        bleu.add(&counts[at]);
        rate.add(&rates[at]);
        chrf.add(&chrf::Counts::of(translation, reference));
        errors = (errors.0 + row.edits, errors.1 + row.words);
    }
    run.result("test_bleu", bleu.score(Bleu::default().smoothing, false))?;
    run.result("test_ter", rate.score())?;
    run.result("test_chrf", chrf.score())?;
    run.result("test_word_error_rate", percent(errors.0, errors.1))
}
