//! Metrics that are no means of items: their intervals and tests beside all draws there are.

use experiment::{Better, Items, Statistic};
use journal::Outcome;
use serde_json::{Value, json};
use tables::{Comparison, Format, Request, Runs, Standing, Terminal, Test, compare};
use tempfile::tempdir;

use crate::fixture::{Story, spec};

const BLEU: Items = Items::new(
    "bleu",
    "sentences",
    "sentence",
    Statistic::bleu(["matches", "totals", "length", "reference"]),
    100,
);

const ERRORS: Items =
    Items::new("word_error_rate", "sentences", "sentence", Statistic::ratio("edits", "words"), 1);

const PRECISION: Items = Items::new(
    "map",
    "clips",
    "clip",
    Statistic::mean_average_precision(["class", "score", "label"]),
    100,
);

/// The rows that each run of a system left, and what it reported.
type Left<'a> = (&'a str, Vec<(Vec<Value>, f64)>);

fn compared(items: Items, better: Better, systems: &[Left<'_>]) -> Comparison {
    let mut story = Story::new();
    for (system, runs) in systems {
        for (seed, (rows, reported)) in (0..).zip(runs) {
            let run = spec("translate", &json!({"system": system}), seed);
            story.start(&run);
            story.rows(&run, &items.table, rows);
            story.end(&run, Outcome::Finished, &[(&items.metric, *reported)]);
        }
    }
    let store = tempdir().unwrap();
    story.write(store.path());
    let request = Request {
        rows: vec!["system".into()],
        value: items.metric.clone().into(),
        better: Some(better),
        items: Some(items),
        ..Request::default()
    };
    compare(&Runs::read(store.path(), "translate").unwrap(), &request, None).unwrap()
}

/// All ways of taking `n` of `n` with replacement.
fn draws(n: usize) -> Vec<Vec<usize>> {
    let number = |code: usize| (0..n as u32).map(|at| code / n.pow(at) % n).collect();
    (0..n.pow(n as u32)).map(number).collect()
}

/// The means over seeds of `of(seed, items)` for all draws of seeds and items, and for all of them
/// once.
fn means(seeds: usize, items: usize, of: &dyn Fn(usize, &[usize]) -> f64) -> (Vec<f64>, f64) {
    let mean = |seeds: &[usize], items: &[usize]| {
        seeds.iter().map(|seed| of(*seed, items)).sum::<f64>() / seeds.len() as f64
    };
    let items_drawn = draws(items);
    let all = draws(seeds);
    let all = all.iter().flat_map(|seeds| items_drawn.iter().map(|items| mean(seeds, items)));
    let (seeds, items): (Vec<usize>, Vec<usize>) = ((0..seeds).collect(), (0..items).collect());
    (all.collect(), mean(&seeds, &items))
}

/// The exact p of a difference, of all draws.
fn exact(seeds: usize, items: usize, of: &dyn Fn(usize, &[usize]) -> f64) -> f64 {
    let (all, observed) = means(seeds, items, of);
    let is_extreme = |drawn: &&f64| (**drawn - observed).abs() >= observed.abs() * (1.0 - 1e-9);
    all.iter().filter(is_extreme).count() as f64 / all.len() as f64
}

/// Lowest and highest number of all draws.
fn ends(seeds: usize, items: usize, of: &dyn Fn(usize, &[usize]) -> f64) -> [f64; 2] {
    let (all, _) = means(seeds, items, of);
    all.iter().fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], mean| {
        [low.min(*mean), high.max(*mean)]
    })
}

fn assert_near(found: f64, expected: f64, within: f64) {
    assert!((found - expected).abs() <= within, "{found} is not near {expected}");
}

/// A sentence: matches, totals, length of the candidate and of the reference.
type Sentence = ([f64; 4], [f64; 4], f64, f64);

const GOOD: [Sentence; 2] =
    [([4., 3., 2., 1.], [4., 3., 2., 1.], 4., 4.), ([4., 2., 1., 1.], [5., 4., 3., 2.], 5., 6.)];
const POOR: [Sentence; 2] =
    [([3., 2., 1., 1.], [6., 5., 4., 3.], 6., 4.), ([4., 3., 2., 1.], [7., 6., 5., 4.], 7., 6.)];

fn bleu(sentences: &[Sentence], items: &[usize]) -> f64 {
    let sum = |part: &dyn Fn(&Sentence) -> f64| {
        items.iter().map(|item| part(&sentences[*item])).sum::<f64>()
    };
    let precision = |n: usize| sum(&|one| one.0[n]) / sum(&|one| one.1[n]);
    let [candidate, reference] = [sum(&|one| one.2), sum(&|one| one.3)];
    let penalty = if candidate > reference { 1.0 } else { (1.0 - reference / candidate).exp() };
    100.0 * penalty * (0..4).map(precision).product::<f64>().powf(0.25)
}

fn sentences(sentences: &[Sentence]) -> (Vec<Value>, f64) {
    let row = |(at, (matches, totals, length, reference)): (usize, &Sentence)| {
        json!({"sentence": format!("s{at}"), "matches": matches, "totals": totals,
            "length": length, "reference": reference})
    };
    let all: Vec<usize> = (0..sentences.len()).collect();
    (sentences.iter().enumerate().map(row).collect(), bleu(sentences, &all))
}

#[test]
fn bleu_by_hand() {
    // By hand: exp(1 - 10 / 9) and 8 of 9, 5 of 7, 3 of 5 and 2 of 3 n-grams.
    let expected = 100.0 * (-1.0_f64 / 9.0).exp() * (16.0_f64 / 63.0).powf(0.25);
    assert_near(sentences(&GOOD).1, expected, 1e-9);
    let systems = [("good", vec![sentences(&GOOD)]), ("poor", vec![sentences(&POOR)])];
    let comparison = compared(BLEU, Better::Higher, &systems);
    let [good, poor] = [0, 1].map(|row| &comparison.cells[row][0]);
    assert_eq!((good.standing, good.mean), (Some(Standing::Best), Some(sentences(&GOOD).1)));
    // A quarter of the draws is the first sentence twice, a quarter the second.
    let second = 100.0 * (-0.2_f64).exp() * (1.0_f64 / 15.0).powf(0.25);
    let [low, high] = good.interval.unwrap();
    assert_near(low, second, 1e-9);
    assert_near(high, 100.0, 1e-9);
    let difference = |_: usize, items: &[usize]| bleu(&POOR, items) - bleu(&GOOD, items);
    let Some(Test::HierarchicalBootstrap { seeds: 1, items: 2, p }) = poor.test else {
        panic!("{:?}", poor.test)
    };
    assert_near(p, exact(1, 2, &difference), 0.02);
    assert_eq!(comparison.statistic, Some("corpus BLEU"));
    let text = comparison.render(Format::Table(Terminal::default()));
    let test = "hierarchical paired bootstrap of corpus BLEU over common seeds (1) and items (2)";
    assert!(text.replace('\n', " ").contains(test), "{text}");
}

#[test]
fn runs_and_sentences_are_drawn_together() {
    let seeds = [&GOOD, &POOR, &GOOD, &GOOD];
    let others = [&POOR, &POOR, &GOOD, &POOR];
    let of = |all: [&[Sentence; 2]; 4]| all.iter().map(|one| sentences(*one)).collect();
    let systems = [("a", of(seeds)), ("b", of(others))];
    let comparison = compared(BLEU, Better::Higher, &systems);
    let difference =
        |seed: usize, items: &[usize]| bleu(others[seed], items) - bleu(seeds[seed], items);
    let expected = exact(4, 2, &difference);
    assert!((0.05..0.9).contains(&expected), "{expected}");
    let Some(Test::HierarchicalBootstrap { seeds: 4, items: 2, p }) = comparison.cells[1][0].test
    else {
        panic!("{:?}", comparison.cells[1][0].test)
    };
    assert_near(p, expected, 0.02);
    let [low, high] = ends(4, 2, &|seed, items| bleu(seeds[seed], items));
    let interval = comparison.cells[0][0].interval.unwrap();
    assert!(low <= interval[0] && interval[0] < interval[1] && interval[1] <= high);
}

#[test]
fn error_rates_are_sums_of_edits_over_sums_of_words() {
    // 1 of 10 and 3 of 4: 4 / 14, where the mean of both is 0.425; intervals end at each alone.
    let rows = |edits: [u32; 2]| {
        let row = |(at, (edits, words)): (usize, (u32, u32))| json!({"sentence": at, "edits": edits, "words": words});
        edits.into_iter().zip([10, 4]).enumerate().map(row).collect::<Vec<_>>()
    };
    let systems =
        [("a", vec![(rows([1, 3]), 4.0 / 14.0)]), ("b", vec![(rows([2, 4]), 6.0 / 14.0)])];
    let comparison = compared(ERRORS, Better::Lower, &systems);
    let [a, b] = [0, 1].map(|row| &comparison.cells[row][0]);
    assert_eq!(a.standing, Some(Standing::Best));
    assert_eq!(a.interval, Some([0.1, 0.75]));
    // The difference is 1/7, of the draws 1/10 or 1/4: none is twice as far from nothing.
    let Some(Test::HierarchicalBootstrap { p, .. }) = b.test else { panic!("{:?}", b.test) };
    assert_eq!(p, 1.0 / 10_001.0);
}

/// A clip with its score and label for each of two classes.
type Clip = [(f64, bool); 2];
/// The score and the label of one class.
type Class = fn(&Clip) -> (f64, bool);

const SHARP: [Clip; 3] =
    [[(0.9, true), (0.1, false)], [(0.8, true), (0.7, true)], [(0.2, false), (0.6, true)]];
const BLUNT: [Clip; 3] =
    [[(0.5, true), (0.9, false)], [(0.5, true), (0.7, true)], [(0.5, false), (0.1, true)]];

/// Of each threshold the precision, times what it adds to recall.
fn mean_average_precision(clips: &[Clip], items: &[usize]) -> f64 {
    let mut found = Vec::new();
    let classes: [Class; 2] = [|clip| clip[0], |clip| clip[1]];
    for of in classes {
        let scored: Vec<(f64, bool)> = items.iter().map(|item| of(&clips[*item])).collect();
        let wanted = scored.iter().filter(|(_, label)| *label).count() as f64;
        let mut thresholds: Vec<f64> = scored.iter().map(|(score, _)| *score).collect();
        thresholds.sort_by(|a, b| b.total_cmp(a));
        thresholds.dedup();
        let (mut sum, mut recall) = (0.0, 0.0);
        for threshold in thresholds {
            let above = || scored.iter().filter(|(score, _)| *score >= threshold);
            let right = above().filter(|(_, label)| *label).count() as f64;
            sum += (right / wanted - recall) * right / above().count() as f64;
            recall = right / wanted;
        }
        found.extend((wanted > 0.0).then_some(sum));
    }
    100.0 * found.iter().sum::<f64>() / found.len() as f64
}

fn clips(clips: &[Clip]) -> (Vec<Value>, f64) {
    let row = |(at, clip): (usize, &Clip)| {
        let name = ["run", "jump"];
        let of = move |class: usize, (score, label): (f64, bool)| json!({"clip": at, "class": name[class], "score": score, "label": label});
        [of(0, clip[0]), of(1, clip[1])]
    };
    let all: Vec<usize> = (0..clips.len()).collect();
    (clips.iter().enumerate().flat_map(row).collect(), mean_average_precision(clips, &all))
}

#[test]
fn mean_average_precision_by_hand() {
    // All found first, and: of three that tie two are right, of the other class the second and third.
    assert_eq!(clips(&SHARP).1, 100.0);
    assert_near(clips(&BLUNT).1, 100.0 * (2.0 / 3.0 + (1.0 / 2.0 + 2.0 / 3.0) / 2.0) / 2.0, 1e-9);
    let systems = [("sharp", vec![clips(&SHARP)]), ("blunt", vec![clips(&BLUNT)])];
    let comparison = compared(PRECISION, Better::Higher, &systems);
    let blunt = &comparison.cells[0][0];
    let difference = |_: usize, items: &[usize]| {
        mean_average_precision(&BLUNT, items) - mean_average_precision(&SHARP, items)
    };
    let expected = exact(1, 3, &difference);
    assert!((0.05..0.9).contains(&expected), "{expected}");
    let Some(Test::HierarchicalBootstrap { seeds: 1, items: 3, p }) = blunt.test else {
        panic!("{:?}", blunt.test)
    };
    assert_near(p, expected, 0.02);
    // Each end comes in more than a fortieth of the draws.
    let [low, high] = ends(1, 3, &|_, items| mean_average_precision(&BLUNT, items));
    let interval = blunt.interval.unwrap();
    assert_near(interval[0], low, 1e-9);
    assert_near(interval[1], high, 1e-9);
}

#[test]
fn items_that_do_not_make_the_metric_are_not_used() {
    let (rows, reported) = sentences(&GOOD);
    let (mut lacking, mut twice) = (rows.clone(), rows.clone());
    lacking[1]["matches"] = json!([4, 2, 1]);
    twice[1]["sentence"] = json!("s0");
    for (rows, reported, why) in [
        (
            rows.clone(),
            reported / 100.0,
            "corpus BLEU of them is not what was reported, for example",
        ),
        (lacking, reported, "a row lacks a number"),
        (twice, reported, "an item has two rows"),
    ] {
        let systems = [
            ("a", vec![sentences(&GOOD), sentences(&GOOD)]),
            ("b", vec![sentences(&POOR), (rows, reported)]),
        ];
        let comparison = compared(BLEU, Better::Higher, &systems);
        let tests: Vec<Test> =
            comparison.cells.iter().flatten().filter_map(|cell| cell.test).collect();
        assert!(matches!(tests[..], [Test::PairedT(_)]), "{tests:?}");
        let notes = comparison.footer();
        let told = format!("items of 1 run are not used: {why}");
        assert!(
            notes.iter().any(|note| note.to_lowercase().contains(&told.to_lowercase())),
            "{notes:?}"
        );
    }
}
