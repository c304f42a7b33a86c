//! Films with colours: small trees of UCF-Sports and Hollywood2 in their released layout, and films that are
//! made, by the convolutions of a released network.

use std::fs::{self, File};
use std::path::Path;

use experiment::{DataPaths, MemorySink, RunContext};
use rank_pooling::pool::Pooling;
use rank_pooling::{Architecture, Data, Params, Training};
use serde_json::Value;

use super::{context, run, run_in, small};

/// Convolutions of AlexNet, as they are drawn, through rank pooling.
#[test]
fn released_networks_are_trained_end_to_end() {
    let (network, pretrained, colour) = (Architecture::AlexNet, false, true);
    let few = Params { films: 6, test_films: 6, frames: [3, 4], side: 64, ..small() };
    let sink = run(Params { network, pretrained, colour, epochs: 1, batch: 3, ..few });
    assert!(sink.results["test_accuracy"].is_finite());
    // Rank pooling shows what it makes of the pixels of some films.
    let pictures: Vec<&Vec<u8>> = sink.artifacts.values().collect();
    assert_eq!(pictures.len(), 4);
    assert!(pictures.iter().all(|file| file.starts_with(b"\x89PNG")));
}

/// A frame of noise.
fn picture(path: &Path, seed: usize) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let (width, height) = (20 + (seed % 3) as u32, 14);
    let mut encoder = png::Encoder::new(File::create(path).unwrap(), width, height);
    encoder.set_color(png::ColorType::Rgb);
    let value = |at: usize| ((at * 7919 + seed * 104_729) % 251) as u8;
    let pixels: Vec<u8> = (0..(3 * width * height) as usize).map(value).collect();
    encoder.write_header().unwrap().write_image_data(&pixels).unwrap();
}

/// What a run of films finds in a mirror that has a few of them in their released layout.
fn of_films(data: Data, params: Params, mirror: &Path) -> MemorySink {
    let cache = tempfile::tempdir().unwrap();
    let data_paths =
        DataPaths { cache: cache.path().into(), mirror: Some(mirror.into()), offline: true };
    let params = Params { data, epochs: 1, batch: 4, width: 16, ..params };
    run_in(params, RunContext { data: data_paths, ..context() })
}

#[test]
fn films_of_sports_are_trained_and_told_of() {
    let mirror = tempfile::tempdir().unwrap();
    let root = mirror.path().join("ucf-sports/ucf action");
    for (at, class) in ["Diving-Side", "Golf-Swing-Back", "Lifting"].iter().enumerate() {
        for (clip, frame) in (1..=3).flat_map(|clip| (1..=4).map(move |frame| (clip, frame))) {
            picture(
                &root.join(format!("{class}/00{clip}/{frame}.png")),
                100 * at + 10 * clip + frame,
            );
        }
    }
    let sink = of_films(Data::UcfSports, Params::default(), mirror.path());
    assert_eq!(sink.tables["clips"].len(), 3);
    assert_eq!(sink.tables["classes"].len(), 10);
    let warned =
        "ucf-sports: wanted 103 and 47 clips for training and test, as released, found 6 and 3";
    assert_eq!(sink.warnings, [warned]);
}

#[test]
fn films_of_many_classes_are_ranked_for_each() {
    let mirror = tempfile::tempdir().unwrap();
    let root = mirror.path().join("hollywood2");
    let clips = ["train00001", "train00002", "train00003", "test00001", "test00002", "test00003"];
    // Clip 1 runs and eats, clip 2 runs, clip 3 does nothing that is looked for.
    let is_of = |clip: &str, class: &str| match class {
        "Run" => !clip.ends_with('3'),
        "Eat" => clip.ends_with('1'),
        _ => false,
    };
    for (at, clip) in clips.iter().enumerate() {
        for frame in 1..=3 {
            let path = root.join(format!("AVIClips/actionclip{clip}/{frame}.png"));
            picture(&path, 10 * at + frame);
        }
    }
    fs::create_dir_all(root.join("ClipSets")).unwrap();
    for class in datasets::video::Set::Hollywood2.classes() {
        for part in ["train", "test"] {
            let lines = clips.iter().filter(|clip| clip.starts_with(part)).map(|clip| {
                format!("actionclip{clip} {}\n", if is_of(clip, class) { 1 } else { -1 })
            });
            let text: String = lines.collect();
            fs::write(root.join(format!("ClipSets/{class}_{part}.txt")), text).unwrap();
        }
    }
    let frame = Params { training: Training::Frame, pooling: Pooling::ScoreSum, ..small() };
    let frozen = Params { training: Training::Frozen, ..small() };
    for params in [small(), frame, frozen] {
        let sink = of_films(Data::Hollywood2, params, mirror.path());
        let rows = &sink.tables["scores"];
        assert_eq!(rows.len(), 3 * 12);
        // Mean average precision by hand: of Run two of three clips, of Eat one.
        let precision = |class: &str, wanted: &[&str]| {
            let score = |row: &Value| row["score"].as_f64().unwrap();
            let mut ranked: Vec<&Value> =
                rows.iter().filter(|row| row["class"] == *class).collect();
            ranked.sort_by(|a, b| score(b).total_cmp(&score(a)));
            let mut found = 0.0;
            let mut sum = 0.0;
            for (place, row) in ranked.iter().enumerate() {
                if wanted.contains(&row["clip"].as_str().unwrap()) {
                    assert_eq!(row["label"], true);
                    found += 1.0;
                    sum += found / (place + 1) as f64;
                }
            }
            sum / wanted.len() as f64
        };
        let run = precision("Run", &["actioncliptest00001", "actioncliptest00002"]);
        let wanted = 50.0 * (run + precision("Eat", &["actioncliptest00001"]));
        let found = sink.results["mean_average_precision"];
        assert!((found - wanted).abs() < 1e-9, "{found} {wanted}");
        assert_eq!(sink.tables["precisions"].len(), 12);
    }
}
