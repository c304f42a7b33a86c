//! A run on speech that is made up.

use experiment::{DataPaths, Experiment, MemorySink, Run, RunContext, Stream};
use raml::{Data, Params, Raml, Reward};
use rand::RngExt;
use serde_json::json;

use super::{context, translated};

/// An archive like TIMIT's: every phone is a tone of its own, of 60 to 90 ms.
fn made_up_timit() -> Vec<u8> {
    const PHONES: [&str; 6] = ["aa", "iy", "s", "kcl", "ao", "h#"];
    let mut archive = tar::Builder::new(Vec::new());
    let mut rng = Stream::new(0, "tones").rng(0);
    let mut put = |path: String, bytes: &[u8]| {
        let mut header = tar::Header::new_ustar();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        archive.append_data(&mut header, path, bytes).unwrap();
    };
    for (speaker, sentences) in
        [("TRAIN/DR1/FCJF0", 200), ("TEST/DR1/FAKS0", 20), ("TEST/DR1/MDAB0", 40)]
    {
        for sentence in 0..sentences {
            let (mut samples, mut phones) = (Vec::new(), String::new());
            for _ in 0..rng.random_range(3..6) {
                let phone = rng.random_range(0..PHONES.len());
                let (first, pitch) = (samples.len(), 300.0 + 900.0 * phone as f64);
                let tone = |at: u32| {
                    let angle = 2.0 * std::f64::consts::PI * pitch * f64::from(at) / 16_000.0;
                    (6000.0 * angle.sin()) as i16
                };
                samples.extend((0..rng.random_range(960..1440)).map(tone));
                phones += &format!("{first} {} {}\n", samples.len(), PHONES[phone]);
            }
            let count = samples.len();
            let mut wave = format!(
                "NIST_1A\n   1024\nsample_count -i {count}\nsample_rate -i 16000\nchannel_count -i 1\n\
                 sample_n_bytes -i 2\nsample_byte_format -s2 01\nend_head\n"
            )
            .into_bytes();
            wave.resize(1024, b' ');
            wave.extend(samples.iter().flat_map(|sample: &i16| sample.to_le_bytes()));
            let path = format!("timit/{speaker}/SI{sentence}");
            put(format!("{path}.WAV"), &wave);
            put(format!("{path}.PHN"), phones.as_bytes());
        }
    }
    archive.into_inner().unwrap()
}

#[test]
fn speech_is_transcribed_and_judged_by_folded_phones() {
    let (mirror, cache) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    std::fs::create_dir(mirror.path().join("timit")).unwrap();
    std::fs::write(mirror.path().join("timit/timit.tar"), made_up_timit()).unwrap();
    let data =
        DataPaths { cache: cache.path().into(), mirror: Some(mirror.path().into()), offline: true };
    let params = Params {
        data: Data::Timit,
        tau: 0.6,
        reward: Reward::Edit,
        units: 24,
        embedding: 24,
        stack: 4,
        epochs: 25,
        evaluate_every: 25,
        batch: 20,
        learning_rate: 1e-2,
        beam: 2,
        keep_model: true,
        ..Params::default()
    };
    let mut sink = MemorySink::default();
    let context = RunContext { data, ..context() };
    Raml::new(params).unwrap().run(&mut Run::new(context, &mut sink)).unwrap();
    let rows = &sink.tables["transcripts"];
    assert_eq!(rows.len(), 40);
    let sum = |name: &str| -> u64 { rows.iter().map(|row| row[name].as_u64().unwrap()).sum() };
    let rate = 100.0 * sum("edits") as f64 / sum("tokens") as f64;
    assert_eq!(sink.results["test_phone_error_rate"], rate);
    // Guesses get more than half of five classes wrong.
    assert!(rate < 25.0, "{rate}");
    let error = translated(&sink, "one\n", json!({ "run": "ab" })).unwrap_err().chain();
    assert!(error.contains("it transcribes speech"), "{error}");
}
