//! Averages of parameters over the course of training.

use std::collections::VecDeque;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::init::count;

/// Which parameters are averaged.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "name", rename_all = "snake_case", deny_unknown_fields)]
pub enum Averaging {
    /// The mean of the last `count`.
    Last {
        /// How many; each is kept.
        count: usize,
    },
    /// `mean = decay mean + (1 - decay) parameters`, from the first parameters on.
    Exponential {
        /// Share of the mean that stays, in `[0, 1)`.
        decay: f64,
    },
}

/// A running average of parameters, whose state a checkpoint can hold.
///
/// ```
/// use learn::{Average, Averaging};
///
/// let mut average = Average::new(Averaging::Last { count: 2 })?;
/// for params in [[8.0, 0.0], [1.0, 2.0], [3.0, 6.0]] {
///     average.add(&params)?;
/// }
/// assert_eq!(average.mean(), Some(vec![2.0, 4.0]));
/// # Ok::<(), String>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Average {
    averaging: Averaging,
    /// The last parameters, the oldest first; or the one mean.
    kept: VecDeque<Vec<f64>>,
}

impl Average {
    /// An average of nothing yet.
    ///
    /// # Errors
    /// A count of 0, and a decay outside `[0, 1)`.
    pub fn new(averaging: Averaging) -> Result<Self, String> {
        match averaging {
            Averaging::Last { count: 0 } => {
                return Err("average: count: wanted 1 at least, found 0".into());
            }
            Averaging::Exponential { decay } if !(0.0..1.0).contains(&decay) => {
                return Err(format!("average: decay: wanted 0 to below 1, found {decay}"));
            }
            _ => {}
        }
        Ok(Self { averaging, kept: VecDeque::new() })
    }

    /// Takes up parameters.
    ///
    /// # Errors
    /// Parameters of another length than those before.
    pub fn add(&mut self, params: &[f64]) -> Result<(), String> {
        if let Some(before) = self.kept.front().map(Vec::len).filter(|&len| len != params.len()) {
            return Err(format!("average: wanted {before} parameters, found {}", params.len()));
        }
        match (self.averaging, self.kept.pop_front()) {
            (_, None) => self.kept.push_back(params.to_vec()),
            (Averaging::Exponential { decay }, Some(mut mean)) => {
                for (mean, new) in mean.iter_mut().zip(params) {
                    *mean = decay * *mean + (1.0 - decay) * new;
                }
                self.kept.push_back(mean);
            }
            (Averaging::Last { count }, Some(oldest)) if self.kept.len() + 1 < count => {
                self.kept.push_front(oldest);
                self.kept.push_back(params.to_vec());
            }
            (Averaging::Last { .. }, Some(mut oldest)) => {
                oldest.copy_from_slice(params);
                self.kept.push_back(oldest);
            }
        }
        Ok(())
    }

    /// The average; `None` of nothing.
    pub fn mean(&self) -> Option<Vec<f64>> {
        let (first, others) = (self.kept.front()?, self.kept.iter().skip(1));
        let mut mean = first.clone();
        for params in others {
            mean.iter_mut().zip(params).for_each(|(sum, param)| *sum += param);
        }
        let count = count(self.kept.len());
        mean.iter_mut().for_each(|sum| *sum /= count);
        Some(mean)
    }

    /// The whole state, as MessagePack.
    ///
    /// # Panics
    /// Never: plain values have a form in MessagePack.
    pub fn to_bytes(&self) -> Vec<u8> {
        rmp_serde::to_vec_named(self).expect("plain values have a form in MessagePack")
    }

    /// The state that [`to_bytes`](Self::to_bytes) wrote.
    ///
    /// # Errors
    /// What is wrong with the bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, String> {
        let read: Self = rmp_serde::from_slice(bytes).map_err(|e| format!("average: {e}"))?;
        let most = match Self::new(read.averaging)?.averaging {
            Averaging::Last { count } => count,
            Averaging::Exponential { .. } => 1,
        };
        let len = read.kept.front().map_or(0, Vec::len);
        if read.kept.len() > most || read.kept.iter().any(|kept| kept.len() != len) {
            let count = read.kept.len();
            return Err(format!("average: wanted at most {most} vectors of {len}, found {count}"));
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draws(step: usize) -> Vec<f64> {
        (0..3).map(|i| ((step * 31 + i * 7) % 11) as f64 / 3.0).collect()
    }

    #[test]
    fn means_by_hand() {
        for count in [1, 3, 7] {
            let mut average = Average::new(Averaging::Last { count }).unwrap();
            assert_eq!(average.mean(), None);
            for step in 0..5 {
                average.add(&draws(step)).unwrap();
                let from = (step + 1).saturating_sub(count);
                let n = (step + 1 - from) as f64;
                for (i, mean) in average.mean().unwrap().into_iter().enumerate() {
                    let wanted = (from..=step).map(|s| draws(s)[i]).sum::<f64>() / n;
                    assert!((mean - wanted).abs() < 1e-14, "last {count} after {step}");
                }
            }
        }
        let mut average = Average::new(Averaging::Exponential { decay: 0.75 }).unwrap();
        for value in [8.0, 4.0, 0.0] {
            average.add(&[value]).unwrap();
        }
        // 8, then 0.75 * 8 + 1, then 0.75 * 7.
        assert_eq!(average.mean(), Some(vec![5.25]));
    }

    #[test]
    fn a_stored_average_goes_on_with_the_same_bits() {
        for averaging in [Averaging::Last { count: 2 }, Averaging::Exponential { decay: 0.9 }] {
            let mut whole = Average::new(averaging).unwrap();
            let mut stored = whole.clone();
            for step in 0..6 {
                whole.add(&draws(step)).unwrap();
                stored = Average::from_bytes(&stored.to_bytes()).unwrap();
                stored.add(&draws(step)).unwrap();
            }
            assert_eq!(stored, whole);
            let bytes = whole.to_bytes();
            for end in 0..bytes.len() {
                assert!(Average::from_bytes(&bytes[..end]).is_err(), "cut at {end}");
            }
        }
    }

    #[test]
    fn impossible_averages_and_other_lengths_are_errors() {
        for averaging in [Averaging::Last { count: 0 }, Averaging::Exponential { decay: 1.0 }] {
            assert!(Average::new(averaging).unwrap_err().contains("found"));
        }
        let mut average = Average::new(Averaging::Last { count: 2 }).unwrap();
        average.add(&[1.0]).unwrap();
        let error = average.add(&[1.0, 2.0]).unwrap_err();
        assert_eq!(error, "average: wanted 1 parameters, found 2");
    }
}
