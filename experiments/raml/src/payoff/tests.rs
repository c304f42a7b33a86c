//! The distributions against enumeration and published numbers.

use std::collections::HashMap;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use statrs::distribution::{ChiSquared, ContinuousCDF};

use super::*;
use crate::metric::edits::distance;

const THREE: Alphabet = Alphabet { first: 5, count: 3 };

fn rescaled(tau: f64) -> Temperature {
    Temperature { tau, rescaled: true }
}

/// All sequences of some lengths over an alphabet.
fn sequences(alphabet: Alphabet, lengths: std::ops::RangeInclusive<usize>) -> Vec<Vec<u32>> {
    let (mut all, mut of_length) = (Vec::new(), vec![Vec::new()]);
    for length in 0..=*lengths.end() {
        if lengths.contains(&length) {
            all.extend(of_length.iter().cloned());
        }
        let longer = |of: &Vec<u32>| -> Vec<Vec<u32>> {
            let tokens = alphabet.first..alphabet.first + alphabet.count;
            tokens.map(|token| [&of[..], &[token]].concat()).collect()
        };
        of_length = of_length.iter().flat_map(longer).collect();
    }
    all
}

fn hamming(a: &[u32], b: &[u32]) -> usize {
    a.iter().zip(b).filter(|(a, b)| a != b).count()
}

/// The probability that draws from the payoff distribution over `all` are as far from it as these, by
/// Pearson's test.
fn plausible(
    all: &[Vec<u32>],
    edits: impl Fn(&[u32]) -> usize,
    cost: f64,
    mut draw: impl FnMut(&mut Vec<u32>) -> usize,
) -> f64 {
    let weights: Vec<f64> = all.iter().map(|of| (-cost * edits(of) as f64).exp()).collect();
    let total: f64 = weights.iter().sum();
    let draws = 20 * all.len().max(50);
    let (mut found, mut out) = (HashMap::new(), Vec::new());
    for _ in 0..draws {
        assert_eq!(draw(&mut out), edits(&out));
        *found.entry(out.clone()).or_insert(0) += 1;
    }
    let (mut statistic, mut cells, mut rest) = (0.0, 0, (0.0, 0.0));
    for (of, weight) in all.iter().zip(weights) {
        let wanted = draws as f64 * weight / total;
        let found = f64::from(found.remove(of).unwrap_or(0));
        if wanted < 5.0 {
            rest = (rest.0 + wanted, rest.1 + found);
        } else {
            statistic += (found - wanted) * (found - wanted) / wanted;
            cells += 1;
        }
    }
    assert!(found.is_empty(), "drawn, though not possible: {found:?}");
    if rest.0 >= 5.0 {
        statistic += (rest.1 - rest.0) * (rest.1 - rest.0) / rest.0;
        cells += 1;
    }
    1.0 - ChiSquared::new(f64::from(cells - 1)).unwrap().cdf(statistic)
}

/// Of many tests the smallest probability, as if there were one test.
fn least(probabilities: &[f64]) -> f64 {
    probabilities.iter().copied().fold(1.0, f64::min) * probabilities.len() as f64
}

#[test]
fn probabilities_of_edits_are_the_published_ones() {
    let phones = Alphabet { first: 0, count: 61 };
    let mut checked = 0;
    for line in include_str!("../../published/edits.csv").lines().skip(1) {
        let fields: Vec<&str> = line.split(',').collect();
        let number = |at: usize| fields[at].parse::<f64>().unwrap();
        let (length, tau, edits) = (number(1) as usize, number(3), number(4) as usize);
        let found = match fields[0] {
            "edit" => {
                assert_eq!(number(2), 61.0);
                Edits::new(phones, rescaled(tau), length, |m| 2 * m).probabilities(length)
            }
            "hamming" => {
                let words = Alphabet { first: 0, count: number(2) as u32 };
                Hamming::new(words, rescaled(tau), length).probabilities(length)
            }
            other => panic!("{other}"),
        };
        let (found, wanted) = (found[edits], number(6));
        match fields[5] {
            "probability" => assert!((found - wanted).abs() <= 0.0006, "{line}: found {found}"),
            "probability_lower_bound" => assert!(found > wanted, "{line}: found {found}"),
            other => panic!("{other}"),
        }
        checked += 1;
    }
    assert!(checked > 25, "{checked}");
    for line in include_str!("../../published/mean-edits.csv").lines().skip(1) {
        let fields: Vec<&str> = line.split(',').collect();
        let (tau, wanted): (f64, f64) = (fields[3].parse().unwrap(), fields[5].parse().unwrap());
        let found = Edits::new(phones, rescaled(tau), 20, |m| 2 * m).probabilities(20);
        let mean: f64 = found.iter().enumerate().map(|(e, p)| e as f64 * p).sum();
        assert!((mean - wanted).abs() <= 0.006, "{line}: found {mean}");
    }
}

#[test]
fn hamming_draws_are_those_of_enumeration() {
    let sampler = Hamming::new(THREE, Temperature { tau: 0.9, rescaled: false }, 4);
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut found = Vec::new();
    for reference in sequences(THREE, 1..=4) {
        let all = sequences(THREE, reference.len()..=reference.len());
        let edits = |of: &[u32]| hamming(of, &reference);
        let draw = |out: &mut Vec<u32>| sampler.sample(&reference, &mut rng, out);
        found.push(plausible(&all, edits, 1.0 / 0.9, draw));
    }
    assert!(least(&found) > 1e-3, "{found:?}");
}

#[test]
fn exact_edit_draws_are_those_of_enumeration() {
    let temperature = Temperature { tau: 0.9, rescaled: true };
    let cost = (1.0 + 3.0_f64.ln()) / 0.9;
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    let mut found = Vec::new();
    // Up to relabelling and reversal these are all references of up to four tokens.
    let references: [&[u32]; 12] = [
        &[],
        &[5],
        &[5, 5],
        &[5, 6],
        &[5, 5, 5],
        &[5, 5, 6],
        &[5, 6, 5],
        &[5, 6, 7],
        &[5, 5, 6, 6],
        &[5, 6, 5, 6],
        &[5, 6, 6, 7],
        &[7, 5, 6, 7],
    ];
    for reference in references {
        let within = |most: u8| -> Vec<Vec<u32>> {
            let longest = reference.len() + usize::from(most);
            let near = |of: &Vec<u32>| distance(of, reference) <= most.into();
            sequences(THREE, 0..=longest).into_iter().filter(near).collect()
        };
        let sampler = Exact::new(THREE, temperature, 2);
        let around = sampler.around(reference).unwrap();
        let edits = |of: &[u32]| distance(of, reference);
        let draw = |out: &mut Vec<u32>| around.sample(&mut rng, out);
        found.push(plausible(&within(2), edits, cost, draw));
        let counted = Exact::new(THREE, temperature, 4).around(reference).unwrap();
        let mut wanted = [0.0; 5];
        within(4).iter().for_each(|of| wanted[edits(of)] += 1.0);
        assert_eq!(counted.sequences(), wanted, "{reference:?}");
    }
    assert!(least(&found) > 1e-3, "{found:?}");
}

#[test]
fn exact_counts_know_tokens_outside_the_reference() {
    let alphabet = Alphabet { first: 0, count: 1000 };
    let around = Exact::new(alphabet, rescaled(0.9), 1).around(&[3, 9]).unwrap();
    // 2 deletions, 2 * 999 substitutions, 3 * 1000 insertions of which 2 lead to sequences that
    // another one leads to.
    assert_eq!(around.sequences(), [1.0, 2.0 + 1998.0 + 2998.0]);
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    let mut out = Vec::new();
    for _ in 0..1000 {
        let edits = around.sample(&mut rng, &mut out);
        assert_eq!(distance(&out, &[3, 9]), edits);
        assert!(out.iter().all(|&token| token < 1000));
    }
}

#[test]
fn the_automaton_is_as_large_as_documented() {
    let alphabet = Alphabet { first: 0, count: 100 };
    let reference: Vec<u32> = (0..20).collect();
    for (most, states) in [(1, 80), (2, 298), (3, 1096), (4, 4263)] {
        let automaton = automaton::Automaton::new(&reference, alphabet, most, states).unwrap();
        assert_eq!(automaton.states(), states);
    }
}

#[test]
fn too_many_edits_are_an_error() {
    let alphabet = Alphabet { first: 0, count: 100 };
    let reference: Vec<u32> = (0..40).collect();
    let error = Exact::new(alphabet, rescaled(0.9), 8).around(&reference).unwrap_err();
    assert_eq!((error.length, error.most), (40, 8));
    assert!(error.to_string().contains("within 8 edits of 40 tokens"), "{error}");
}

#[test]
fn scripts_are_drawn_as_often_as_they_are_counted() {
    // m = 1 and at most one edit: nothing; V choices of the token; V insertions at either side.
    let temperature = Temperature { tau: 1.0, rescaled: false };
    let sampler = Edits::new(THREE, temperature, 1, |_| 1);
    let probabilities = sampler.probabilities(1);
    let weight = 3.0 * 3.0 * (-1.0_f64).exp();
    assert!((probabilities[1] - weight / (1.0 + weight)).abs() < 1e-12);
    let mut rng = ChaCha8Rng::seed_from_u64(4);
    let (mut found, mut out) = (HashMap::new(), Vec::new());
    let draws = 90_000;
    for _ in 0..draws {
        if sampler.sample(&[5], &mut rng, &mut out) == 1 {
            *found.entry(out.clone()).or_insert(0.0) += 1.0;
        }
    }
    let total: f64 = found.values().sum();
    // Nine ways; two of them insert a 5.
    let ways = [(vec![], 1.0), (vec![6], 1.0), (vec![7], 1.0), (vec![5, 5], 2.0)];
    let others = [vec![5, 6], vec![5, 7], vec![6, 5], vec![7, 5]].map(|of| (of, 1.0));
    for (of, ways) in ways.into_iter().chain(others) {
        let (wanted, found) = (total * ways / 9.0, found[&of]);
        assert!((found - wanted).abs() < 5.0 * wanted.sqrt(), "{of:?}: {found} and not {wanted}");
    }
}

#[test]
fn probabilities_of_sequences_are_those_of_draws() {
    // Up to two edits of two tokens: all sequences of up to four.
    let (reference, temperature) = ([5, 6], Temperature { tau: 1.5, rescaled: true });
    let all = sequences(THREE, 0..=4);
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    let samplers = [
        Sampler::Hamming(Hamming::new(THREE, temperature, 2)),
        Sampler::Edits(Edits::new(THREE, temperature, 2, |_| 2)),
        Sampler::Edits(Edits::new(THREE, temperature, 2, |_| 2).with(Deletions::Never)),
        Sampler::Exact(Exact::new(THREE, temperature, 2)),
    ];
    for sampler in &samplers {
        let (mut found, mut out) = (HashMap::new(), Vec::new());
        let draws = 40_000;
        for _ in 0..draws {
            let edits = sampler.sample(&reference, &mut rng, &mut out).unwrap();
            found.entry(out.clone()).or_insert((edits, 0)).1 += 1;
        }
        let mut total = 0.0;
        for of in &all {
            let by_hamming = matches!(sampler, Sampler::Hamming(_));
            if by_hamming && of.len() != 2 {
                continue;
            }
            let edits = if by_hamming { hamming(of, &reference) } else { distance(of, &reference) };
            let log = sampler.log_probability(&reference, (of, edits), &mut rng).unwrap();
            total += log.exp();
            let wanted = f64::from(draws) * log.exp();
            let found = found.remove(of).map_or(0.0, |(_, found)| f64::from(found));
            assert!(
                (found - wanted).abs() <= 5.0 * wanted.max(1.0).sqrt(),
                "{of:?}: {found}, {wanted}"
            );
        }
        assert!((total - 1.0).abs() < 1e-9, "{total}");
        assert!(found.is_empty(), "{found:?}");
    }
}

#[test]
fn a_weighted_draw_has_about_the_probability_of_the_payoff() {
    let (tau, reference) = (0.5, [5, 6, 7]);
    let importance = Importance {
        proposal: Hamming::new(THREE, Temperature { tau: 2.0, rescaled: false }, 3),
        reward: Reward::Ter,
        tau,
        candidates: 10,
    };
    let all = sequences(THREE, 3..=3);
    let total: f64 = all.iter().map(|of| (Reward::Ter.of(of, &reference) / tau).exp()).sum();
    let mut rng = ChaCha8Rng::seed_from_u64(8);
    let found = importance.log_probability(&reference, &reference, &mut rng);
    assert!((found + total.ln()).abs() < 0.1, "{found} and not {}", -total.ln());
}

#[test]
fn the_count_is_as_far_off_over_sequences_as_enumeration_says() {
    let (reference, temperature) = ([5, 6, 5], Temperature { tau: 1.2, rescaled: true });
    let paper = Edits::new(THREE, temperature, 3, |_| 2);
    let exact = Exact::new(THREE, temperature, 2).around(&reference).unwrap();
    let apart = |of: &Vec<u32>| {
        let exact = exact.log_probability(distance(of, &reference)).exp();
        (exact - paper.log_probability(&reference, of).exp()).abs() / 2.0
    };
    let wanted: f64 = sequences(THREE, 0..=5).iter().map(apart).sum();
    let mut rng = ChaCha8Rng::seed_from_u64(9);
    let found = Apart::around(&reference, (THREE, temperature), 2, 20_000, &mut rng).unwrap();
    assert!((found.sequences - wanted).abs() < 5.0 * found.error, "{found:?} and not {wanted}");
    assert!(found.error < 0.005 && found.edits < found.sequences, "{found:?}");
}

#[test]
fn a_cold_payoff_leaves_the_reference() {
    let pieces = Alphabet { first: 4, count: 4000 };
    let cold = rescaled(1e-3);
    let samplers = [
        Sampler::Hamming(Hamming::new(pieces, cold, 30)),
        Sampler::Edits(Edits::new(pieces, cold, 30, |m| 2 * m)),
        Sampler::Exact(Exact::new(pieces, cold, 2)),
        Sampler::Importance(Importance {
            proposal: Hamming::new(pieces, cold, 30),
            reward: Reward::Bleu,
            tau: 1e-3,
            candidates: 3,
        }),
    ];
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    let (reference, mut out): (Vec<u32>, _) = ((10..22).collect(), Vec::new());
    for sampler in &samplers {
        for _ in 0..100 {
            assert_eq!(sampler.sample(&reference, &mut rng, &mut out).unwrap(), 0);
            assert_eq!(out, reference);
        }
    }
}

#[test]
fn weighted_draws_approach_the_payoff_of_any_reward() {
    let (tau, reference) = (0.3, [5, 6, 7]);
    let importance = Importance {
        proposal: Hamming::new(THREE, Temperature { tau: 2.0, rescaled: false }, 3),
        reward: Reward::Ter,
        tau,
        candidates: 300,
    };
    let all = sequences(THREE, 3..=3);
    let weights: Vec<f64> =
        all.iter().map(|of| (Reward::Ter.of(of, &reference) / tau).exp()).collect();
    let total: f64 = weights.iter().sum();
    let mut rng = ChaCha8Rng::seed_from_u64(6);
    let (mut found, mut out) = (HashMap::new(), Vec::new());
    let draws = 3000;
    for _ in 0..draws {
        importance.sample(&reference, &mut rng, &mut out);
        *found.entry(out.clone()).or_insert(0.0) += 1.0;
    }
    let away: f64 = all
        .iter()
        .zip(weights)
        .map(|(of, weight)| {
            let found = found.get(of).copied().unwrap_or(0.0) / f64::from(draws);
            (found - weight / total).abs() / 2.0
        })
        .sum();
    assert!(away < 0.05, "total variation {away}");
}
