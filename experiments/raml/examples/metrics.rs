//! Scores of pairs of texts, for `scripts/sacrebleu-check`.
//!
//! Reads a list of pairs, candidate and reference, as JSON from standard input and prints one JSON
//! object: the score of the corpus and of every pair by each setting.

use std::io::{self, Read};

use raml::metric::bleu::{Bleu, Smoothing};
use raml::metric::{Tokenizer, chrf, ter};
use serde_json::{Map, Value, json};

fn bleu(pairs: &[(&str, &str)], scores: &mut Map<String, Value>) {
    for tokenizer in [Tokenizer::None, Tokenizer::V13a, Tokenizer::International] {
        let smoothings =
            [Smoothing::None, Smoothing::Floor(0.1), Smoothing::AddK(1.0), Smoothing::Exp];
        for smoothing in smoothings {
            let bleu = Bleu { tokenizer, smoothing };
            let counts = bleu.counts(pairs.iter().copied());
            let each: Vec<f64> = counts.iter().map(|of| of.score(smoothing, true)).collect();
            let corpus = bleu.corpus(pairs.iter().copied());
            scores.insert(bleu.signature(), json!({ "corpus": corpus, "each": each }));
        }
    }
}

#[expect(clippy::print_stdout, reason = "the result of the program")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut text = String::new();
    io::stdin().read_to_string(&mut text)?;
    let pairs: Vec<(String, String)> = serde_json::from_str(&text)?;
    let pairs: Vec<(&str, &str)> = pairs.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
    let mut scores = Map::new();
    bleu(&pairs, &mut scores);
    let (counts, mut sums) = (ter::Counts::of_texts(pairs.iter().copied()), ter::Counts::default());
    counts.iter().for_each(|of| sums.add(of));
    let each: Vec<f64> = counts.iter().map(ter::Counts::score).collect();
    scores.insert("TER".into(), json!({ "corpus": sums.score(), "each": each }));
    let counts: Vec<chrf::Counts> = pairs.iter().map(|(a, b)| chrf::Counts::of(a, b)).collect();
    let mut sums = chrf::Counts::default();
    counts.iter().for_each(|of| sums.add(of));
    let each: Vec<f64> = counts.iter().map(chrf::Counts::score).collect();
    scores.insert("chrF".into(), json!({ "corpus": sums.score(), "each": each }));
    println!("{}", Value::Object(scores));
    Ok(())
}
