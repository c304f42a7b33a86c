//! Frames of speech: logarithms of the energy and of what 40 filters on the mel scale let through, with
//! their first and second differences in time.
//!
//! A frame is 25 ms long, and one begins every 10 ms. Samples are pre-emphasised by 0.97 and weighted by
//! Hamming's window; filters are triangles between 20 Hz and 8 kHz over the power spectrum of 512 points.

use std::f64::consts::PI;
use std::sync::LazyLock;

/// Numbers of a frame.
pub const FEATURES: usize = 3 * STATIC;

const FILTERS: usize = 40;
/// Numbers of a frame without differences: the filters and the energy.
const STATIC: usize = FILTERS + 1;
const RATE: f64 = 16_000.0;
const FRAME: usize = 400;
const SHIFT: usize = 160;
/// Points of the transform.
const POINTS: usize = 512;
/// What is taken for silence.
const FLOOR: f64 = 1e-10;

/// Of each filter the first point of the spectrum that it lets through, and how much of it and those after.
static BANK: LazyLock<Vec<(usize, Vec<f64>)>> = LazyLock::new(|| {
    let mel = |hertz: f64| 1127.0 * (hertz / 700.0).ln_1p();
    let (low, high) = (mel(20.0), mel(RATE / 2.0));
    let edge = |number: usize| low + (high - low) * number as f64 / (FILTERS + 1) as f64;
    let filter = |number: usize| {
        let [left, centre, right] = [number, number + 1, number + 2].map(edge);
        let weight = |point: usize| {
            let at = mel(point as f64 * RATE / POINTS as f64);
            ((at - left) / (centre - left)).min((right - at) / (right - centre)).max(0.0)
        };
        let weights: Vec<f64> = (0..=POINTS / 2).map(weight).collect();
        let first = weights.iter().position(|&weight| weight > 0.0).unwrap_or(0);
        let count = weights[first..].iter().take_while(|&&weight| weight > 0.0).count();
        (first, weights[first..first + count].to_vec())
    };
    (0..FILTERS).map(filter).collect()
});

/// Frames of [`FEATURES`] numbers each, one after the other; none of fewer samples than a frame has.
#[must_use]
pub fn features(samples: &[i16]) -> Vec<f32> {
    let scaled: Vec<f64> = samples.iter().map(|&sample| f64::from(sample) / 32768.0).collect();
    let frames: Vec<Vec<f64>> = scaled.windows(FRAME).step_by(SHIFT).map(frame).collect();
    let first = differences(&frames);
    let second = differences(&first);
    let each = frames.iter().zip(&first).zip(&second);
    let joined = each.flat_map(|((a, b), c)| a.iter().chain(b).chain(c));
    joined.map(|&value| value as f32).collect()
}

/// The filters and the energy of a frame.
fn frame(samples: &[f64]) -> Vec<f64> {
    let mut points = [(0.0, 0.0); POINTS];
    let mut before = samples[0];
    for (at, (&sample, point)) in samples.iter().zip(&mut points).enumerate() {
        let window = 0.54 - 0.46 * (2.0 * PI * at as f64 / (FRAME - 1) as f64).cos();
        point.0 = (sample - 0.97 * before) * window;
        before = sample;
    }
    transform(&mut points);
    let power = |(real, imaginary): (f64, f64)| real * real + imaginary * imaginary;
    let filter = |(first, weights): &(usize, Vec<f64>)| {
        let through = points[*first..].iter().zip(weights);
        through.map(|(&point, weight)| weight * power(point)).sum::<f64>()
    };
    let energy = samples.iter().map(|sample| sample * sample).sum();
    BANK.iter().map(filter).chain([energy]).map(|of: f64| of.max(FLOOR).ln()).collect()
}

/// Slopes over five frames, of which those beyond either end are the last ones.
fn differences(frames: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let last = frames.len().saturating_sub(1);
    let slope = |at: usize| {
        let near =
            |offset: usize| (&frames[(at + offset).min(last)], &frames[at.saturating_sub(offset)]);
        let ((a, b), (c, d)) = (near(1), near(2));
        (0..STATIC).map(|k| (a[k] - b[k] + 2.0 * (c[k] - d[k])) / 10.0).collect()
    };
    (0..frames.len()).map(slope).collect()
}

/// The discrete Fourier transform in place (Cooley & Tukey 1965).
fn transform(points: &mut [(f64, f64); POINTS]) {
    let bits = POINTS.trailing_zeros();
    for at in 0..POINTS {
        let reversed = at.reverse_bits() >> (usize::BITS - bits);
        if at < reversed {
            points.swap(at, reversed);
        }
    }
    let mut half = 1;
    while half < POINTS {
        for within in 0..half {
            let (sine, cosine) = (-PI * within as f64 / half as f64).sin_cos();
            for block in (0..POINTS).step_by(2 * half) {
                let (upper, lower) = (points[block + within], points[block + within + half]);
                let turned = (lower.0 * cosine - lower.1 * sine, lower.0 * sine + lower.1 * cosine);
                points[block + within] = (upper.0 + turned.0, upper.1 + turned.1);
                points[block + within + half] = (upper.0 - turned.0, upper.1 - turned.1);
            }
        }
        half *= 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_transform_is_the_sum_that_defines_it() {
        let mut points = [(0.0, 0.0); POINTS];
        for (at, point) in points.iter_mut().enumerate() {
            *point = (((7 * at * at + 3) % 101) as f64 - 50.0, ((5 * at) % 13) as f64);
        }
        let wanted = |frequency: usize| {
            points.iter().enumerate().fold((0.0, 0.0), |sum, (at, of)| {
                let turn = -2.0 * PI * ((frequency * at) % POINTS) as f64 / POINTS as f64;
                let (sine, cosine) = turn.sin_cos();
                (sum.0 + of.0 * cosine - of.1 * sine, sum.1 + of.0 * sine + of.1 * cosine)
            })
        };
        let mut found = points;
        transform(&mut found);
        for frequency in [0, 1, 100, 256, 511] {
            let (wanted, found) = (wanted(frequency), found[frequency]);
            assert!((wanted.0 - found.0).abs() < 1e-6 && (wanted.1 - found.1).abs() < 1e-6);
        }
    }

    #[test]
    fn a_tone_is_heard_by_the_filters_around_it() {
        let tone: Vec<i16> = (0..16_000)
            .map(|at| (8000.0 * (2.0 * PI * 1000.0 * f64::from(at) / RATE).sin()) as i16)
            .collect();
        let found = features(&tone);
        // (16,000 - 400) / 160 + 1 frames.
        assert_eq!(found.len(), 98 * FEATURES);
        let frame = &found[40 * FEATURES..41 * FEATURES];
        let loudest = (0..FILTERS).max_by(|&a, &b| frame[a].total_cmp(&frame[b])).unwrap();
        // 1000 Hz is 1000 mel; edges are 68.4 mel apart from 31.7 on, so that filter 13 has its centre at
        // 989 mel.
        assert_eq!(loudest, 13);
        // A quarter of a second of a sine of amplitude a has the energy a^2 / 2 a sample.
        let energy = (FRAME as f64 * (8000.0 / 32768.0_f64).powi(2) / 2.0).ln();
        assert!((f64::from(frame[FILTERS]) - energy).abs() < 1e-3);
        assert!(frame[STATIC..].iter().all(|slope| slope.abs() < 0.05), "{:?}", &frame[STATIC..]);
        assert!(features(&tone[..399]).is_empty());
        let silence = features(&[0; 400]);
        assert!(silence[..STATIC].iter().all(|&of| (f64::from(of) - FLOOR.ln()).abs() < 1e-4));
    }
}
