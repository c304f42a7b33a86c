//! The runs of random sweeps beside nested loops.

use std::collections::BTreeMap;
use std::fs;

use orchestrator::config::load;
use proptest::prelude::*;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::toy::plan;

#[derive(Debug, Clone)]
struct Block {
    widths: Vec<u64>,
    rates: Vec<u64>,
    rates_first: bool,
    /// Layers and the one size beside them.
    zip: Vec<(u64, u64)>,
    /// Learners of points with a larger width.
    when: Option<(u64, Vec<&'static str>)>,
    exclude: Vec<(Option<u64>, Option<u64>, Option<&'static str>)>,
    seeds: Vec<u64>,
}

const LEARNERS: [&str; 2] = ["imitation", "rbi"];
/// Those of the experiment.
const WIDTH: u64 = 16;
const LAYERS: u64 = 2;

/// Width, layers, sizes, learner, rate, seed.
type Run = (u64, u64, Vec<u64>, String, f64, u64);

fn block() -> impl Strategy<Value = Block> {
    // Few values, so that points meet; one of them is the default.
    let width = || prop::sample::select(vec![8, WIDTH, 32]);
    let layers = || prop::sample::select(vec![1, LAYERS, 3]);
    let learner = || prop::sample::select(LEARNERS.to_vec());
    let excluded =
        (prop::option::of(width()), prop::option::of(layers()), prop::option::of(learner()))
            .prop_filter("names a parameter", |it| *it != (None, None, None));
    (
        prop::collection::vec(width(), 0..4),
        prop::collection::vec(1u64..4, 0..3),
        any::<bool>(),
        prop::collection::vec((layers(), 1u64..3), 0..3),
        prop::option::of((
            prop::sample::select(vec![4, 8, 16, 32]),
            prop::collection::vec(learner(), 1..3),
        )),
        prop::collection::vec(excluded, 0..3),
        prop::collection::btree_set(0u64..4, 1..4),
    )
        .prop_map(|(widths, rates, rates_first, zip, when, exclude, seeds)| Block {
            widths,
            rates,
            rates_first,
            zip,
            when,
            exclude,
            seeds: seeds.into_iter().collect(),
        })
}

impl Block {
    fn yaml(&self) -> String {
        let widths = format!("net.width: {:?}", self.widths);
        let rates = format!("learning_rate: {:?}", self.rates);
        let mut grid = vec![(widths, self.widths.is_empty()), (rates, self.rates.is_empty())];
        if self.rates_first {
            grid.reverse();
        }
        grid.retain(|(_, empty)| !empty);
        let grid: Vec<String> = grid.into_iter().map(|(text, _)| text).collect();
        let mut parts = vec![format!("grid: {{ {} }}", grid.join(", "))];
        if !self.zip.is_empty() {
            let (layers, sizes): (Vec<u64>, Vec<[u64; 1]>) =
                self.zip.iter().map(|(layers, size)| (*layers, [*size])).unzip();
            parts.push(format!("zip: {{ net.layers: {layers:?}, sizes: {sizes:?} }}"));
        }
        if let Some((above, learners)) = &self.when {
            let learners = format!("grid: {{ learner: {learners:?} }}");
            parts.push(format!("when: {{ if: net.width > {above}, {learners} }}"));
        }
        let one = |(width, layers, learner): &(Option<u64>, Option<u64>, Option<&str>)| {
            let keys = [
                width.map(|it| format!("net.width: {it}")),
                layers.map(|it| format!("net.layers: {it}")),
                learner.map(|it| format!("learner: {it}")),
            ];
            format!("{{ {} }}", keys.into_iter().flatten().collect::<Vec<_>>().join(", "))
        };
        let exclude: Vec<String> = self.exclude.iter().map(one).collect();
        parts.push(format!("exclude: [{}]", exclude.join(", ")));
        parts.push(format!("seeds: {:?}", self.seeds));
        format!("  - {{ {} }}\n", parts.join(", "))
    }

    fn runs(&self) -> Vec<Run> {
        let or = |values: &[u64], default: f64| -> Vec<f64> {
            if values.is_empty() {
                vec![default]
            } else {
                values.iter().map(|it| *it as f64).collect()
            }
        };
        let (widths, rates) = (or(&self.widths, WIDTH as f64), or(&self.rates, 0.5));
        let mut points = Vec::new();
        if self.rates_first {
            rates
                .iter()
                .for_each(|rate| points.extend(widths.iter().map(|width| (*width as u64, *rate))));
        } else {
            widths
                .iter()
                .for_each(|width| points.extend(rates.iter().map(|rate| (*width as u64, *rate))));
        }
        let mut zip: Vec<(u64, Vec<u64>)> =
            self.zip.iter().map(|(layers, size)| (*layers, vec![*size])).collect();
        if zip.is_empty() {
            zip.push((LAYERS, vec![1, 2]));
        }
        let mut runs = Vec::new();
        for (width, rate) in points {
            for (layers, sizes) in &zip {
                let learners = match &self.when {
                    Some((above, learners)) if width > *above => learners.clone(),
                    _ => vec![LEARNERS[0]],
                };
                for learner in learners {
                    let out = self.exclude.iter().any(|(a, b, c)| {
                        a.is_none_or(|it| it == width)
                            && b.is_none_or(|it| it == *layers)
                            && c.is_none_or(|it| it == learner)
                    });
                    let seeds = self.seeds.iter().filter(|_| !out);
                    runs.extend(seeds.map(|seed| {
                        (width, *layers, sizes.clone(), learner.to_owned(), rate, *seed)
                    }));
                }
            }
        }
        runs
    }
}

fn run(params: &str, seed: u64) -> Run {
    let params: Value = serde_json::from_str(params).unwrap();
    assert_eq!(params["data"], json!(null));
    let number = |value: &Value| value.as_u64().unwrap();
    (
        number(&params["net"]["width"]),
        number(&params["net"]["layers"]),
        params["sizes"].as_array().unwrap().iter().map(number).collect(),
        params["learner"].as_str().unwrap().into(),
        params["learning_rate"].as_f64().unwrap(),
        seed,
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn blocks_are_nested_loops_of_which_each_run_is_planned_once(blocks in prop::collection::vec(block(), 1..4)) {
        let dir = TempDir::new().unwrap();
        let path = dir.path().join("config.yaml");
        let text: String = blocks.iter().map(Block::yaml).collect();
        fs::write(&path, format!("name: x\nexperiment: toy\nsweep:\n{text}")).unwrap();
        let plan = plan(&load(&path, &[]).unwrap()).unwrap();
        let found: Vec<Run> = plan.runs.iter().map(|it| run(&it.spec.params, it.spec.seed)).collect();

        let asked: Vec<Run> = blocks.iter().flat_map(Block::runs).collect();
        let mut wanted: Vec<Run> = Vec::new();
        for run in &asked {
            if !wanted.contains(run) {
                wanted.push(run.clone());
            }
        }
        prop_assert_eq!(&found, &wanted);
        prop_assert_eq!(plan.duplicates, asked.len() - wanted.len());
        let ids: BTreeMap<_, _> = plan.runs.iter().zip(&found).map(|(it, run)| (it.spec.run, run)).collect();
        prop_assert_eq!(ids.len(), found.len(), "different runs, different ids");
    }
}
