//! Translations of the test sentences: their table, and the metrics that they make.

use datasets::parallel::Pair;
use experiment::{Error, Run};
use serde::Serialize;

use crate::metric::bleu::{self, Bleu};
use crate::metric::{Words, chrf, edits, ter};

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

/// Writes the table of translations and reports the metrics.
pub(crate) fn report(
    pairs: &[Pair],
    translations: &[String],
    run: &mut Run<'_>,
) -> Result<(), Error> {
    let both = || {
        let references = pairs.iter().map(|pair| pair.target.as_str());
        translations.iter().map(String::as_str).zip(references)
    };
    let (counts, rates) = (Bleu::default().counts(both()), ter::Counts::of_texts(both()));
    let (mut bleu, mut rate) = (bleu::Counts::default(), ter::Counts::default());
    let (mut chrf, mut errors) = (chrf::Counts::default(), (0, 0));
    let mut words = Words::default();
    for (at, (pair, (translation, reference))) in pairs.iter().zip(both()).enumerate() {
        let read = |text: &str, words: &mut Words| -> Vec<u32> {
            text.split_whitespace().map(|word| words.number(word)).collect()
        };
        let said = [translation, reference].map(|text| read(text, &mut words));
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
            edits: edits::distance(&said[0], &said[1]) as u64,
            words: said[1].len() as u64,
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
    run.result("test_word_error_rate", crate::metric::percent(errors.0, errors.1))
}
