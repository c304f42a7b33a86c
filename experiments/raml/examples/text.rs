//! Draws by edit distance and corpus BLEU: `--job rml` or `--job bleu --tokenizer none|13a`.
//!
//! `rml` draws 100,000 targets around 1,000 references of 20 tokens out of 8,000, at a temperature of 0.85,
//! with up to 19 edits and without deletions; the unit is one target. `bleu` is that of 10,000 pairs of 20
//! words; the unit is one pair. Tokens come from a counter-based generator. Prints one JSON line.

#[path = "../../../crates/autodiff/examples/measure/mod.rs"]
mod measure;

use measure::{Arguments, uniform};
use raml::metric::Tokenizer;
use raml::metric::bleu::{Bleu, Smoothing};
use raml::payoff::{Alphabet, Deletions, Edits, Temperature};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

const VOCABULARY: u32 = 8000;
const LENGTH: usize = 20;

fn draws(arguments: &Arguments) -> serde_json::Value {
    const DRAWS: usize = 100_000;
    let references: Vec<Vec<u32>> = (0..1000)
        .map(|k| uniform(k + 1, LENGTH).map(|u| (f64::from(VOCABULARY) * u) as u32).collect())
        .collect();
    let alphabet = Alphabet { first: 0, count: VOCABULARY };
    let temperature = Temperature { tau: 0.85, rescaled: true };
    let sampler = Edits::new(alphabet, temperature, LENGTH, |m: usize| m.saturating_sub(1))
        .with(Deletions::Never);
    let mut rng = ChaCha8Rng::seed_from_u64(0);
    let mut targets = vec![Vec::new(); DRAWS];
    let (mut edits, mut length) = (0, 0);
    let mut line = arguments.timed(DRAWS as f64, || {
        (edits, length) = (0, 0);
        for (n, target) in targets.iter_mut().enumerate() {
            edits += sampler.sample(&references[n % references.len()], &mut rng, target);
            length += target.len();
        }
    });
    line["unit"] = "sample".into();
    line["check"] = serde_json::json!({
        "mean edits": edits as f64 / DRAWS as f64, "mean length": length as f64 / DRAWS as f64,
    });
    line
}

fn bleu(arguments: &Arguments) -> serde_json::Value {
    const PAIRS: usize = 10_000;
    let cube = |u: f64| (f64::from(VOCABULARY) * u * u * u) as u32;
    let len = PAIRS * LENGTH;
    let reference: Vec<u32> = uniform(1, len).map(cube).collect();
    let other = uniform(3, len).map(cube);
    let candidate: Vec<u32> = uniform(2, len)
        .zip(other)
        .zip(&reference)
        .map(|((u, other), &own)| if u < 0.3 { other } else { own })
        .collect();
    let texts = |tokens: &[u32]| -> Vec<String> {
        let words = |row: &[u32]| row.iter().map(|k| format!("w{k}")).collect::<Vec<_>>().join(" ");
        tokens.chunks(LENGTH).map(words).collect()
    };
    let (candidate, reference) = (texts(&candidate), texts(&reference));
    let tokenizer = match arguments.text("tokenizer", "none") {
        "none" => Tokenizer::None,
        "13a" => Tokenizer::V13a,
        other => panic!("--tokenizer: wanted none or 13a, found {other:?}"),
    };
    let metric = Bleu { tokenizer, smoothing: Smoothing::Exp };
    let mut score = 0.0;
    let mut line = arguments.timed(PAIRS as f64, || {
        let pairs = candidate.iter().map(String::as_str).zip(reference.iter().map(String::as_str));
        score = metric.corpus(pairs);
    });
    line["unit"] = "sentence pair".into();
    line["check"] = serde_json::json!({ "BLEU": score });
    line
}

#[expect(clippy::print_stdout, reason = "the result of the program")]
fn main() {
    let arguments = Arguments::read();
    let mut line = match arguments.text("job", "rml") {
        "rml" => draws(&arguments),
        "bleu" => bleu(&arguments),
        other => panic!("--job: wanted rml or bleu, found {other:?}"),
    };
    line["workload"] = "text".into();
    println!("{line}");
}
