//! Colours of the content kept (Gatys, Bethge, Hertzmann & Shechtman 2016, *Preserving color in neural
//! artistic style transfer*).

use experiment::Error;
use ndarray::{Array1, Array2, arr1};
use ndarray_linalg::{Eigh, UPLO};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::picture::Picture;

/// What becomes of colours.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Colour {
    /// They come from the style.
    #[default]
    Style,
    /// Before the transfer the style is given the content's colours: their mean and covariance.
    Matched,
    /// Only luminance is transferred; the rest is the content's.
    Luminance,
}

/// Share of the largest variance that every one is at least taken for: a grey picture has one alone.
const LEAST: f64 = 1e-5;

/// Mean and covariance of a picture's colours.
struct Colours {
    mean: Array1<f64>,
    covariance: Array2<f64>,
}

impl Colours {
    fn of(picture: &Picture) -> Self {
        let pixels = picture.pixels();
        let mut mean = Array1::zeros(3);
        let mut square = Array2::zeros((3, 3));
        for at in 0..pixels {
            let pixel = picture.pixel(at).map(f64::from);
            for i in 0..3 {
                mean[i] += pixel[i] / pixels as f64;
                for j in 0..3 {
                    square[[i, j]] += pixel[i] * pixel[j] / pixels as f64;
                }
            }
        }
        let outer = |(i, j)| mean[i] * mean[j];
        let covariance = square - Array2::from_shape_fn((3, 3), outer);
        Self { mean, covariance }
    }

    /// The covariance to a power, by its eigenvalues.
    fn power(&self, exponent: f64) -> Result<Array2<f64>, Error> {
        let (values, vectors) = self
            .covariance
            .eigh(UPLO::Lower)
            .map_err(|e| Error::other("the covariance of a picture's colours", e))?;
        let least = LEAST * values.fold(1.0, |most, value| f64::max(most, *value));
        let scaled = &vectors * &values.mapv(|value| value.max(least).powf(exponent));
        Ok(scaled.dot(&vectors.t()))
    }
}

/// The style with the colours of the content: `x' = C^(1/2) S^(-1/2) (x - mean of S) + mean of C`, with the
/// covariances C and S (section 4).
///
/// # Errors
/// LAPACK's.
#[expect(clippy::cast_possible_truncation, reason = "a picture is in f32")]
pub(crate) fn matched(style: &Picture, content: &Picture) -> Result<Picture, Error> {
    let (from, to) = (Colours::of(style), Colours::of(content));
    let change = to.power(0.5)?.dot(&from.power(-0.5)?);
    Ok(style.map(|pixel| {
        let found = change.dot(&(arr1(&pixel.map(f64::from)) - &from.mean)) + &to.mean;
        [0, 1, 2].map(|channel| (found[channel] as f32).clamp(0.0, 255.0))
    }))
}

/// Luminance, the Y of YIQ.
fn luminance([red, green, blue]: [f32; 3]) -> f32 {
    0.299 * red + 0.587 * green + 0.114 * blue
}

/// The picture in grey.
pub(crate) fn grey(picture: &Picture) -> Picture {
    picture.map(|pixel| [luminance(pixel); 3])
}

/// The style in grey, with the mean and the variance of the content's luminance (section 5).
pub(crate) fn grey_matched(style: &Picture, content: &Picture) -> Picture {
    let moments = |picture: &Picture| {
        let values = (0..picture.pixels()).map(|at| f64::from(luminance(picture.pixel(at))));
        let (sum, square) = values.fold((0.0, 0.0), |(sum, square), y| (sum + y, square + y * y));
        let mean = sum / picture.pixels() as f64;
        (mean, (square / picture.pixels() as f64 - mean * mean).max(0.0).sqrt())
    };
    let ((from, spread), (to, wanted)) = (moments(style), moments(content));
    let scale = if spread > 0.0 { wanted / spread } else { 1.0 };
    #[expect(clippy::cast_possible_truncation, reason = "a picture is in f32")]
    let changed = |y: f32| ((f64::from(y) - from) * scale + to).clamp(0.0, 255.0) as f32;
    style.map(|pixel| [changed(luminance(pixel)); 3])
}

/// The content with the luminance of another picture of its size.
pub(crate) fn with_luminance(content: &Picture, of: &Picture) -> Picture {
    let mut found = content.clone();
    let pixels = content.pixels();
    for at in 0..pixels {
        let change = luminance(of.pixel(at)) - luminance(content.pixel(at));
        for channel in 0..3 {
            let value = &mut found.planes[channel * pixels + at];
            *value = (*value + change).clamp(0.0, 255.0);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wave(shift: f32, scales: [f32; 3]) -> Picture {
        Picture::of([20, 30], |channel, row, column| {
            let phase = (row * 7 + column * 3 + channel * row) as f32 * 0.21 + shift;
            110.0 + scales[channel] * phase.sin()
        })
    }

    #[test]
    fn a_matched_style_has_the_contents_mean_and_covariance() {
        let (style, content) = (wave(0.0, [90.0, 20.0, 55.0]), wave(1.0, [10.0, 60.0, 30.0]));
        let found = Colours::of(&matched(&style, &content).unwrap());
        let wanted = Colours::of(&content);
        let off = |a: f64, b: f64| (a - b).abs();
        assert!(found.mean.iter().zip(&wanted.mean).all(|(a, b)| off(*a, *b) < 0.5));
        let far = found.covariance.iter().zip(&wanted.covariance).map(|(a, b)| off(*a, *b));
        assert!(far.fold(0.0, f64::max) < 30.0, "{} of {}", found.covariance, wanted.covariance);
    }

    #[test]
    fn a_grey_style_has_no_colours_to_match_and_does_no_harm() {
        let style = grey(&wave(0.0, [50.0; 3]));
        let found = matched(&style, &wave(1.0, [10.0, 60.0, 30.0])).unwrap();
        assert!(found.planes.iter().all(|value| (0.0..=255.0).contains(value)));
    }

    #[test]
    fn luminance_is_replaced_and_colour_kept() {
        let content = Picture::of([1, 2], |channel, _, column| {
            [100.0, 80.0, 60.0][channel] + 10.0 * column as f32
        });
        let other = Picture::of([1, 2], |_, _, _| 90.0);
        let found = with_luminance(&content, &other);
        for at in 0..2 {
            let [red, green, blue] = found.pixel(at);
            assert!((luminance([red, green, blue]) - 90.0).abs() < 1e-3);
            assert!((red - green - 20.0).abs() < 1e-3 && (green - blue - 20.0).abs() < 1e-3);
        }
        let grey = grey_matched(&wave(0.0, [90.0; 3]), &content);
        let mean = grey.planes.iter().sum::<f32>() / grey.planes.len() as f32;
        let wanted = luminance([105.0, 85.0, 65.0]);
        assert!((mean - wanted).abs() < 0.1, "{mean}, not {wanted}");
    }
}
